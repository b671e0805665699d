// Natives of the module array, and list.to_array.
//
// An array's elements are words: raw Ints, raw Floats, or vals, as its storage says (storage.h). Most of what is done to them is moving
// words, and does not ask. A write of vals is noted, so that the collector finds what is young among them.
#include "vm/native_unique.h"
#include "vm/work.h"

static void charge(Worker *worker, u64 words) { worker->reductions -= (i64)(words / 16); }

enum {
  CELLS_AT_ONCE = WORK_ITEMS,
  ELEMENTS_AT_ONCE = WORK_BYTES / sizeof(u64),
};

// With a value that a native makes, and a place.
static bool work_pause_array(Worker *worker, Val made, u64 at) {
  Work *work = work_record(worker);
  if (work) work->at = at;
  return work && work_pause_kept(worker, made, VAL_EMPTY);
}

static bool give_unit(u64 *args) {
  args[0] = VAL_UNIT;
  return true;
}

// ---- Making ---------------------------------------------------------------------------------------------------------

// A new array with room for `length` elements like `sample`, in args[to]; its storage has that length, contents unset. NULL with a fault.
static Storage *array_make(Worker *worker, u64 *args, u32 to, StorageKind kind, u64 length) {
  if (!heap_reserve(worker, HANDLE_WORDS)) return fault_memory(worker), NULL;
  Storage *storage = storage_new(worker, kind, length);
  if (!storage && heap_squeeze(worker) && heap_reserve(worker, HANDLE_WORDS)) storage = storage_new(worker, kind, length);
  if (!storage) return fault_memory(worker), NULL;
  storage->len = length;
  args[to] = build_handle(worker, KIND_ARRAY, storage);
  return storage;
}

// Elements from `at` to `end` become x. One that is being made ends where that is interrupted: what comes then is no val.
static bool set_elements(Worker *worker, Val array, u64 at, u64 end, Val x) {
  Storage *storage = handle_storage(val_obj(array));
  u64 word = element_word(storage->kind, x);
  while (at < end) {
    u64 from = at, part = end - at < ELEMENTS_AT_ONCE ? end - at : ELEMENTS_AT_ONCE;
    for (; at < from + part; at++) storage->data[at] = word;
    storage_wrote(worker, val_obj(array), from, part);
    charge(worker, part);
    if (at == end || !work_is_over(worker)) continue;
    return work_pause_array(worker, array, at);
  }
  return work_end(worker);
}

bool native_array_new(Worker *worker, u64 *args) {
  i64 length = (i64)args[0];
  if (!length_check(worker, "array.new", length)) return false;
  const Work *work = work_begun(worker);
  if (work) args[2] = work->kept[0];
  else if (!array_make(worker, args, 2, element_kind(args[1]), (u64)length)) return false;
  Storage *storage = handle_storage(val_obj(args[2]));
  bool done = set_elements(worker, args[2], work ? work->at : 0, (u64)length, args[1]);
  storage->len = done ? (u64)length : work_begun(worker) ? work_begun(worker)->at : 0;
  args[0] = args[2];
  return done;
}

// Of a list; interrupted, it goes on at the cell in kept[0].
static bool count_cells(Worker *worker, Val list, u64 *length) {
  const Work *work = work_begun(worker);
  Val at = work ? work->kept[0] : list;
  *length = work ? work->at : 0;
  while (at != VAL_NIL) {
    u32 cells = 0;
    for (; at != VAL_NIL && cells < WORK_ITEMS; cells++) at = cons_tail(at);
    *length += cells;
    worker->reductions -= cells / 16;
    if (at == VAL_NIL || !work_is_over(worker)) continue;
    Work *record = work_record(worker);
    if (record) record->at = *length;
    return record && work_pause_kept(worker, at, VAL_EMPTY);
  }
  return work_end(worker);
}

// The list's become the array's last elements; there is room for them. Interrupted, `count` says that the array is there.
static bool take_elements(Worker *worker, Val array, Val list) {
  Storage *storage = handle_storage(val_obj(array));
  while (list != VAL_NIL) {
    u64 from = storage->len, cells = 0;
    for (; list != VAL_NIL && cells < WORK_ITEMS; cells++, list = cons_tail(list)) {
      storage->data[storage->len++] = element_word(storage->kind, cons_head(list));
    }
    storage_wrote(worker, val_obj(array), from, cells);
    worker->reductions -= (i64)(cells / 8);
    if (list == VAL_NIL || !work_is_over(worker)) continue;
    Work *record = work_record(worker);
    if (record) record->count = 1;
    return record && work_pause_kept(worker, array, list);
  }
  return work_end(worker);
}

bool native_list_to_array(Worker *worker, u64 *args) {
  if (!(work_begun(worker) && work_begun(worker)->count)) {
    u64 length;
    if (!count_cells(worker, args[0], &length)) return false;
    StorageKind kind = args[0] == VAL_NIL ? STORAGE_NONE : element_kind(cons_head(args[0]));
    Storage *storage = array_make(worker, args, 1, kind, length);
    if (!storage) return false;
    storage->len = 0;
    args[2] = args[0];
  } else {
    args[1] = work_begun(worker)->kept[0];
    args[2] = work_begun(worker)->kept[1];
  }
  if (!take_elements(worker, args[1], args[2])) return false;
  args[0] = args[1];
  return true;
}

bool native_array_slice(Worker *worker, u64 *args) {
  if (!part_check(worker, "array.slice", args[0], args[1], args[2], "elements")) return false;
  u64 from = args[1], length = args[2] - from;
  const Work *work = work_begun(worker);
  const Storage *old = handle_storage(val_obj(args[0]));
  if (work) args[3] = work->kept[0];
  else if (!array_make(worker, args, 3, old ? old->kind : STORAGE_NONE, length)) return false;
  old = handle_storage(val_obj(args[0]));
  Storage *storage = handle_storage(val_obj(args[3]));
  for (u64 at = work ? work->at : 0; at < length;) {
    u64 part = length - at < ELEMENTS_AT_ONCE ? length - at : ELEMENTS_AT_ONCE;
    memcpy(storage->data + at, old->data + from + at, part * sizeof(u64));
    storage_wrote(worker, val_obj(args[3]), at, part);
    charge(worker, part);
    at += part;
    if (at == length || !work_is_over(worker)) continue;
    storage->len = at;
    return work_pause_array(worker, args[3], at);
  }
  storage->len = length;
  args[0] = args[3];
  return work_end(worker);
}

bool native_array_to_list(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  u64 left = work ? work->at : handle_length(val_obj(args[0]));
  args[1] = work ? work->kept[0] : VAL_NIL;
  while (left) {
    u32 cells = left < CELLS_AT_ONCE ? (u32)left : CELLS_AT_ONCE;
    if (!heap_reserve(worker, cells * (3 + ELEMENT_WORDS))) return fault_memory(worker);
    const Storage *storage = handle_storage(val_obj(args[0]));
    Val list = args[1];
    for (; cells; cells--) list = build_cons(worker, build_element(worker, storage, --left), list);
    args[1] = list;
    worker->reductions -= CELLS_AT_ONCE / 16;
    if (left && work_is_over(worker)) return work_pause_array(worker, list, left);
  }
  args[0] = args[1];
  return work_end(worker);
}

// ---- Growing and shrinking ------------------------------------------------------------------------------------------

bool native_array_len(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = handle_length(val_obj(args[0]));
  return true;
}

// Elements from `from` to `end` move one place up or down, a block at a time. Interrupted, `at` says how far that has come; until then each
// place has a val. False with a fault.
static bool move_up(Worker *worker, Obj *array, u64 from, u64 end) {
  const Work *work = work_begun(worker);
  Storage *storage = handle_storage(array);
  for (end = work ? work->at : end; end > from;) {
    u64 part = end - from < ELEMENTS_AT_ONCE ? end - from : ELEMENTS_AT_ONCE;
    end -= part;
    memmove(storage->data + end + 1, storage->data + end, part * sizeof(u64));
    storage_wrote(worker, array, end + 1, part);
    charge(worker, part);
    if (end > from && work_is_over(worker)) return work_pause_at(worker, end, 1);
  }
  return work_end(worker);
}

static bool move_down(Worker *worker, Obj *array, u64 from, u64 end) {
  const Work *work = work_begun(worker);
  Storage *storage = handle_storage(array);
  for (from = work ? work->at : from; from < end;) {
    u64 part = end - from < ELEMENTS_AT_ONCE ? end - from : ELEMENTS_AT_ONCE;
    memmove(storage->data + from - 1, storage->data + from, part * sizeof(u64));
    storage_wrote(worker, array, from - 1, part);
    charge(worker, part);
    from += part;
    if (from < end && work_is_over(worker)) return work_pause_at(worker, from, 1);
  }
  return work_end(worker);
}

// One more element like args[x], at place i: room is made, then a gap is opened. Interrupted, `count` says whether there is room.
static bool put_between(Worker *worker, u64 *args, u64 i, u32 x) {
  const Work *work = work_begun(worker);
  bool opening = work && work->count;
  if (!opening) {
    u64 length = handle_length(val_obj(args[0]));
    if (!storage_grow(worker, args, element_kind(args[x]), length + 1)) return false;
    Storage *storage = handle_storage(val_obj(args[0]));
    storage->data[length] = element_word(storage->kind, args[x]);
    storage->len = length + 1;
  }
  Obj *array = val_obj(args[0]);
  Storage *storage = handle_storage(array);
  if (!move_up(worker, array, i, storage->len - 1)) return false;
  storage->data[i] = element_word(storage->kind, args[x]);
  storage_wrote(worker, array, i, 1);
  return give_unit(args);
}

bool native_array_push(Worker *worker, u64 *args) {
  Obj *array = val_obj(args[0]);
  Storage *storage = handle_storage(array);
  if (UNLIKELY(!storage || storage->len == storage->cap)) return put_between(worker, args, handle_length(array), 1);
  storage->data[storage->len++] = element_word(storage->kind, args[1]);
  storage_wrote(worker, array, storage->len - 1, 1);
  return give_unit(args);
}

bool native_array_insert(Worker *worker, u64 *args) {
  u64 length = handle_length(val_obj(args[0]));
  if (args[1] > length) {
    return fault_set(worker, "array.insert: the place %lld is out of range: the array has %llu elements", (long long)args[1],
                     (unsigned long long)length);
  }
  return put_between(worker, args, args[1], 2);
}

bool native_array_pop(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, ELEMENT_WORDS + 2)) return fault_memory(worker);
  Obj *array = val_obj(args[0]);
  u64 length = handle_length(array);
  if (!length) {
    args[0] = build_well_known0(worker, WK_NONE);
    return true;
  }
  Storage *storage = handle_storage(array);
  Val last = build_element(worker, storage, length - 1);
  storage->len = length - 1;
  args[0] = build_well_known1(worker, WK_SOME, last);
  return true;
}

// The one that is removed goes to kept[0] before it is written over.
bool native_array_remove(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, ELEMENT_WORDS)) return fault_memory(worker);
  Obj *array = val_obj(args[0]);
  u64 i = args[1], length = handle_length(array);
  if (i >= length) return fault_index(worker, array, (i64)i);
  Work *work = worker->turn ? worker->turn->work : NULL;
  Storage *storage = handle_storage(array);
  Val gone = work ? work->kept[0] : build_element(worker, storage, i);
  if (!move_down(worker, array, i + 1, length)) {
    if (work_begun(worker)) worker->turn->work->kept[0] = gone;
    return false;
  }
  storage->len = length - 1;
  args[0] = gone;
  return true;
}

bool native_array_truncate(Worker *worker, u64 *args) {
  Storage *storage = handle_storage(val_obj(args[0]));
  if ((i64)args[1] < 0) return length_check(worker, "array.truncate", (i64)args[1]);
  if (storage && args[1] < storage->len) storage->len = args[1];
  return give_unit(args);
}

// ---- Changing -------------------------------------------------------------------------------------------------------

bool native_array_swap(Worker *worker, u64 *args) {
  Obj *array = val_obj(args[0]);
  u64 i = args[1], j = args[2], length = handle_length(array);
  if (i >= length) return fault_index(worker, array, (i64)i);
  if (j >= length) return fault_index(worker, array, (i64)j);
  u64 *data = handle_storage(array)->data, word = data[i];
  data[i] = data[j];
  data[j] = word;
  storage_wrote(worker, array, i, 1);
  storage_wrote(worker, array, j, 1);
  return give_unit(args);
}

bool native_array_fill(Worker *worker, u64 *args) {
  Obj *array = val_obj(args[0]);
  u64 length = handle_length(array);
  if (!length) return give_unit(args);
  const Work *work = work_begun(worker);
  return set_elements(worker, args[0], work ? work->at : 0, length, args[1]) && give_unit(args);
}

bool native_array_reverse(Worker *worker, u64 *args) {
  Obj *array = val_obj(args[0]);
  u64 length = handle_length(array), half = length / 2;
  if (!length) return give_unit(args);
  const Work *work = work_begun(worker);
  u64 *data = handle_storage(array)->data;
  for (u64 at = work ? work->at : 0; at < half;) {
    u64 from = at, part = half - at < ELEMENTS_AT_ONCE ? half - at : ELEMENTS_AT_ONCE;
    for (; at < from + part; at++) {
      u64 word = data[at];
      data[at] = data[length - 1 - at];
      data[length - 1 - at] = word;
    }
    storage_wrote(worker, array, from, part);
    storage_wrote(worker, array, length - at, part);
    charge(worker, 2 * part);
    if (at < half && work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  return work_end(worker) && give_unit(args);
}

bool native_array_exchange(Worker *worker, u64 *args) {
  handles_exchange(worker, val_obj(args[0]), val_obj(args[1]));
  return give_unit(args);
}
