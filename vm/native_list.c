// Natives of the module list, and bytes.concat, which joins a list too.
#include "vm/work.h"

enum {
  CELLS_AT_ONCE = WORK_ITEMS,
  CELLS_PER_REDUCTION = 8,
};

bool native_list_reverse_onto(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  if (work) {
    args[0] = work->kept[0];
    args[1] = work->kept[1];
  }
  while (args[0] != VAL_NIL) {
    if (!heap_reserve(worker, 3 * CELLS_AT_ONCE)) return fault_memory(worker);
    Val from = args[0];
    Val onto = args[1];
    u32 cells = 0;
    for (; from != VAL_NIL && cells < CELLS_AT_ONCE; cells++) {
      onto = build_cons(worker, cons_head(from), onto);
      from = cons_tail(from);
    }
    args[0] = from;
    args[1] = onto;
    worker->reductions -= cells / 4;
    if (from != VAL_NIL && work_is_over(worker)) return work_pause_kept(worker, from, onto);
  }
  args[0] = args[1];
  return work_end(worker);
}

// ---- Joining --------------------------------------------------------------------------------------------------------
// First the parts are measured, then copied. A step ends at the cell in kept[1]; while kept[0] is empty they are being measured, and `at`
// is the length of those before it. Later `count` says whether the cell's own part is there already.

// How long the text will be. False with a fault.
static bool measure(Worker *worker, Val list, u64 separator, u64 *length) {
  const Work *work = work_begun(worker);
  if (work && work->kept[0] != VAL_EMPTY) return true;
  Val at = work ? work->kept[1] : list;
  *length = work ? work->at : 0;
  while (at != VAL_NIL) {
    u32 cells = 0;
    for (; at != VAL_NIL && cells < CELLS_AT_ONCE; cells++, at = cons_tail(at)) {
      *length += obj_bytes(val_obj(cons_head(at))).len + (cons_tail(at) == VAL_NIL ? 0 : separator);
    }
    worker->reductions -= cells / CELLS_PER_REDUCTION;
    if (at == VAL_NIL || !work_is_over(worker)) continue;
    Work *record = work_record(worker);
    if (record) record->at = *length;
    return record && work_pause_kept(worker, VAL_EMPTY, at);
  }
  return true;
}

static bool join(Worker *worker, u64 *args, Kind kind, const Val *separator) {
  u64 length = 0;
  Making making;
  if (!measure(worker, args[0], separator ? obj_bytes(val_obj(*separator)).len : 0, &length)) return false;
  if (!making_begin(&making, worker, kind, length)) return false;
  Str between = separator ? obj_bytes(val_obj(*separator)) : STR("");
  const Work *work = work_begun(worker);
  bool interrupted = work && work->kept[0] != VAL_EMPTY, there = interrupted && work->count;
  u32 cells = 0;
  for (Val at = interrupted ? work->kept[1] : args[0]; at != VAL_NIL; at = cons_tail(at), there = false) {
    if (!there && !making_add(&making, obj_bytes(val_obj(cons_head(at))))) return making_pause(&making, at, false);
    if (cons_tail(at) != VAL_NIL && !making_add(&making, between)) return making_pause(&making, at, true);
    if (++cells % CELLS_PER_REDUCTION) continue;
    worker->reductions--;
    if (cons_tail(at) != VAL_NIL && work_is_over(worker)) return making_pause(&making, cons_tail(at), false);
  }
  args[0] = obj_val(making.text);
  return work_end(worker);
}

bool native_list_join(Worker *worker, u64 *args) { return join(worker, args, KIND_STRING, &args[1]); }
bool native_bytes_concat(Worker *worker, u64 *args) { return join(worker, args, KIND_BYTES, NULL); }
