// Copying a graph out of an actor: into a message, a promise's value, an image. See heap.h.
//
// Three passes, none of them recursive. The first measures: it lists every object once, breadth first, in a log, and
// overwrites its header with the place that its copy will have, so that an object met again is known: sharing is kept,
// and a value that shares its parts 2^60 times costs 60 objects. The log is also the work list. The second writes the
// copies into one block of exactly the right size. The third puts the headers back and only then takes the counts, and
// what handles own, so that nothing has happened if memory ran out before. An array of vals keeps its storage, whose
// elements the second pass leads to their copies.
//
// What lies in a shared block is not copied: copies point there, and a handle in front of them holds the block. The same for an
// original that has been frozen: its copy in the block takes its place.
#include "vm/copy.h"

#include "vm/life.h"

// The longest log that is kept for the next copy.
enum {
  LOG_KEPT = 4096,
  ARRAY_PART = 64,   // an object of more slots can be left in the middle
  ENTRY_COST = 4,    // words of work that an entry of the log counts as when its header is put back
};

enum { OUTSIDE = OBJ_IMMORTAL | OBJ_SHARED | OBJ_FROZEN };

static bool is_family(const Copier *c, const Obj *obj) { return c->family && shared_block(obj)->family == c->family; }

// What is copied or pointed to for an object with one of those flags.
static Obj *meant(const Copier *c, Obj *obj) {
  Obj *copy = header_flags(obj->header) & OBJ_FROZEN ? shares_frozen(c->heap, obj) : shares_moved(c->heap, obj);
  return copy ? copy : obj;
}

static bool note_block(Copier *c, SharedBlock *block) {
  if (block == c->last) return true;
  c->last = block;
  AddressMap *blocks = &c->worker->copy_blocks;
  return address_find(blocks, block) || address_put(blocks, block, 0);
}

static bool log_object(Copier *c, Obj *obj, u64 header) {
  Worker *w = c->worker;
  bool full = c->count == w->copy_capacity;
  if (UNLIKELY(full) && !memory_grow((void **)&w->copy_log, &w->copy_capacity, sizeof(CopyEntry), NULL)) return false;
  w->copy_log[c->count++] = (CopyEntry){obj, header};
  c->words += header_words(header);
  c->counted |= header_is_counted(header);
  c->handles |= header_is_handle(header);
  c->blobs |= header_kind(header) == KIND_BLOB;
  return true;
}

static bool note_own(Copier *c, Obj *obj, u64 header) {
  u64 marker = marker_of(c->words);
  if (UNLIKELY(!log_object(c, obj, header))) return false;
  obj->header = marker;
  return true;
}

static __attribute__((noinline)) bool note_outside(Copier *c, Obj *original) {
  Obj *obj = meant(c, original);
  u64 header = obj->header;
  if (header_flags(header) & OBJ_IMMORTAL) return true;
  if (!(header_flags(header) & OBJ_SHARED)) return note_own(c, obj, header);
  if (!is_family(c, obj)) return note_block(c, shared_block(obj));
  AddressMap *places = &c->worker->copy_places;
  return address_find(places, obj) || (address_put(places, obj, marker_of(c->words)) && log_object(c, obj, header));
}

static inline bool note(Copier *c, Val v) {
  if (!val_is_pointer(v)) return true;
  Obj *obj = val_obj(v);
  u64 header = obj->header;
  if (header_is_forward(header)) return true;
  return UNLIKELY(header_flags(header) & OUTSIDE) ? note_outside(c, obj) : note_own(c, obj, header);
}

static void put_back(CopyEntry entry) {
  if (!(header_flags(entry.header) & OBJ_SHARED)) entry.obj->header = entry.header;
}

void copier_tidy(const Copier *c) {
  Worker *worker = c->worker;
  if (UNLIKELY(worker->copy_blocks.capacity)) address_clear(&worker->copy_blocks);
  if (UNLIKELY(worker->copy_places.capacity)) address_clear(&worker->copy_places);
  if (LIKELY(worker->copy_capacity <= LOG_KEPT)) return;
  memory_free(worker->copy_log, worker->copy_capacity * sizeof(CopyEntry));
  worker->copy_log = NULL;
  worker->copy_capacity = 0;
}

void copier_undo(Copier *c) {
  for (u32 i = 0; i < c->count; i++) put_back(c->worker->copy_log[i]);
  c->count = 0;
  copier_tidy(c);
}

bool copier_begin(Copier *c, const Val *vals, u32 count) {
  c->heap = *heap_place(c->worker);
  c->last = NULL;
  c->count = 0;
  c->words = c->elements = 0;
  c->counted = c->handles = c->blobs = false;
  bool noted = true;
  c->exceeded = false;
  c->next = 0;
  c->slot = 0;
  for (u32 i = 0; i < count && noted; i++) noted = note(c, vals[i]);
  return noted;
}

bool copier_measure(Copier *c, const Val *vals, u32 count) {
  bool noted = copier_begin(c, vals, count);
  for (u32 i = 0; i < c->count && noted; i++) {
    if (UNLIKELY(c->words > c->most) && c->most) {
      c->exceeded = true;
      break;
    }
    CopyEntry entry = c->worker->copy_log[i];
    Vals fields = obj_vals(entry.obj, entry.header);
    if (header_kind(entry.header) == KIND_ARRAY) c->elements += fields.count;
    for (u64 k = 0; k < fields.count && noted; k++) {
      if (!fields.raw || !fields.raw[k]) noted = note(c, fields.words[k]);
    }
  }
  if (noted && c->words <= UINT32_MAX && !c->exceeded) return true;
  copier_undo(c);
  return false;
}

bool copier_measure_some(Copier *c, i64 *left) {
  for (; c->next < c->count && *left > 0; c->next++) {
    CopyEntry entry = c->worker->copy_log[c->next];
    Vals fields = obj_vals(entry.obj, entry.header);
    *left -= header_words(entry.header);
    for (; c->slot < fields.count && *left > 0; c->slot++) {
      if (fields.raw && fields.raw[c->slot]) continue;
      if (!note(c, fields.words[c->slot])) return false;
      if (fields.count > ARRAY_PART) --*left;
    }
    if (c->slot < fields.count) return true;
    c->slot = 0;
  }
  return true;
}

// ---- What banks pay -------------------------------------------------------------------------------------------------

// Of storage that the copies will own, and the originals own now.
static u64 bytes_owned(const Copier *c) {
  u64 bytes = 0;
  for (u32 i = 0; c->handles && i < c->count; i++) {
    CopyEntry entry = c->worker->copy_log[i];
    Kind kind = header_kind(entry.header);
    if ((kind == KIND_BUF || kind == KIND_ARRAY) && handle_storage(entry.obj)) bytes += storage_bytes(handle_storage(entry.obj));
  }
  return bytes;
}

static void let_go_bytes(const Copier *c, u32 until) {
  for (u32 i = 0; c->blobs && i < until; i++) {
    CopyEntry entry = c->worker->copy_log[i];
    if (header_kind(entry.header) == KIND_BLOB) bank_unhold_storage(c->worker, c->to, handle_storage(entry.obj));
  }
}

static bool hold_bytes(const Copier *c) {
  for (u32 i = 0; c->blobs && i < c->count; i++) {
    CopyEntry entry = c->worker->copy_log[i];
    if (header_kind(entry.header) != KIND_BLOB || bank_hold_storage(c->worker, c->to, handle_storage(entry.obj))) continue;
    let_go_bytes(c, i);
    return false;
  }
  return true;
}

static void let_go_blocks(const Copier *c, u32 until) {
  const AddressMap *blocks = &c->worker->copy_blocks;
  for (u32 i = 0; i < until; i++) {
    if (blocks->pairs[i].key) bank_unhold(c->worker, c->to, (SharedBlock *)blocks->pairs[i].key);
  }
}

static bool hold_blocks(const Copier *c) {
  const AddressMap *blocks = &c->worker->copy_blocks;
  for (u32 i = 0; i < blocks->capacity; i++) {
    if (!blocks->pairs[i].key || bank_hold(c->worker, c->to, (SharedBlock *)blocks->pairs[i].key)) continue;
    let_go_blocks(c, i);
    return false;
  }
  return true;
}

// Charges a block of so many bytes that is about to be filled, and all that its objects will own and hold: false if that is refused, and
// then nothing is charged.
static bool pay(const Copier *c, u64 bytes) {
  u64 owned = c->from == c->to ? 0 : bytes_owned(c);
  if (!bank_take(c->worker, c->to, bytes + owned)) return false;
  if (LIKELY(!c->blobs && !c->worker->copy_blocks.count)) return true;
  if (hold_bytes(c)) {
    if (hold_blocks(c)) return true;
    let_go_bytes(c, c->count);
  }
  bank_give(c->worker, c->to, bytes + owned);
  return false;
}

static void pay_back(const Copier *c, u64 bytes) {
  bank_give(c->worker, c->to, bytes + (c->from == c->to ? 0 : bytes_owned(c)));
  let_go_bytes(c, c->count);
  let_go_blocks(c, c->worker->copy_blocks.capacity);
}

// The copies own now what the originals did.
static void pass_on(const Copier *c) {
  if (UNLIKELY(c->from != c->to)) bank_give(c->worker, c->from, bytes_owned(c));
}

static u64 *marker_at(const Copier *c, Obj *obj, u64 header) {
  return UNLIKELY(header_flags(header) & OBJ_SHARED) ? address_find(&c->worker->copy_places, obj) : &obj->header;
}

u64 copier_place(const Copier *c, u32 i) {
  CopyEntry entry = c->worker->copy_log[i];
  return marker_offset(*marker_at(c, entry.obj, entry.header));
}

void copier_move(const Copier *c, u32 i, u64 offset) {
  CopyEntry entry = c->worker->copy_log[i];
  *marker_at(c, entry.obj, entry.header) = marker_of(offset);
}

static __attribute__((noinline)) Val copy_of_outside(const Copier *c, u64 *to, Obj *original) {
  Obj *obj = meant(c, original);
  if (!(header_flags(obj->header) & OBJ_SHARED) || !is_family(c, obj)) return obj_val(obj);
  return (Val)(to + marker_offset(*address_find(&c->worker->copy_places, obj)));
}

static inline Val copy_of(const Copier *c, u64 *to, Val v) {
  if (!val_is_pointer(v)) return v;
  u64 header = val_obj(v)->header;
  return LIKELY(header_is_forward(header)) ? (Val)(to + marker_offset(header)) : copy_of_outside(c, to, val_obj(v));
}

void object_count_copy(Obj *from, Obj *to) {
  if (header_is_handle(from->header)) {
    Storage *storage = obj_kind(from) == KIND_ARRAY ? handle_storage(from) : NULL;
    if (storage && storage->kind == STORAGE_VALS) storage_forget(storage);
    from->words[0] = 0;
    return;
  }
  switch (obj_kind(from)) {
    case KIND_REF: to->words[REF_WEIGHT] = weight_split(from); return;
    case KIND_PROMISE: promise_retain(promise_of(from)); return;
    case KIND_BLOB: storage_retain(handle_storage(from)); return;
    case KIND_NONE: case KIND_INT: case KIND_FLOAT: case KIND_STRING: case KIND_BYTES: case KIND_DURATION: case KIND_TIME: case KIND_CONS:
    case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_BUF: case KIND_ARRAY: case KIND_SHARED: case KIND_COUNT: break;
  }
  BUG("counting an object of kind %d", obj_kind(from));
}

static inline void fill(const Copier *c, CopyEntry entry, u64 *to, u32 i, u64 flags) {
  Obj *copy = (Obj *)(to + copier_place(c, i));
  u32 words = header_words(entry.header);
  copy->header = (entry.header & ~((u64)(OBJ_LARGE | OBJ_SHARED | OBJ_FROZEN) << 8)) | flags << 8;
  memcpy(copy->words, entry.obj->words, (size_t)(words - 1) * 8);
  Vals fields = obj_vals(copy, entry.header);
  for (u64 k = 0; k < fields.count; k++) {
    if (!fields.raw || !fields.raw[k]) fields.words[k] = copy_of(c, to, fields.words[k]);
  }
}

static inline void restore(const Copier *c, CopyEntry entry, u64 *to, u32 i) {
  Obj *copy = (Obj *)(to + copier_place(c, i));
  put_back(entry);
  if (header_is_counted(entry.header)) object_count_copy(entry.obj, copy);
}

void copier_fill_some(Copier *c, u64 *to, u64 flags, i64 *left) {
  for (; c->next < c->count && *left > 0; c->next++) {
    CopyEntry entry = c->worker->copy_log[c->next];
    fill(c, entry, to, c->next, flags);
    *left -= 2 * header_words(entry.header);
  }
}

void copier_restore_some(Copier *c, u64 *to, i64 *left) {
  for (; c->next < c->count && *left > 0; c->next++, *left -= ENTRY_COST) {
    CopyEntry entry = c->worker->copy_log[c->next];
    if (to) restore(c, entry, to, c->next);
    else put_back(entry);
  }
}

Val copier_copy_of(const Copier *c, u64 *to, Val v) { return copy_of(c, to, v); }

void copier_fill(Copier *c, u64 *to, const Val *vals, u32 count, Val *out, u64 flags) {
  const CopyEntry *log = c->worker->copy_log;
  for (u32 i = 0; i < c->count; i++) fill(c, log[i], to, i, flags);
  for (u32 i = 0; i < count; i++) out[i] = copy_of(c, to, vals[i]);
  for (u32 i = 0; i < c->count; i++) restore(c, log[i], to, i);
  c->worker->copied += c->words * 8;
  c->worker->reductions -= (i64)((c->words + c->elements) / 32);  // a word costs a nanosecond or two
}

// The handles of the blocks that copies will point into. Returns where the copies may come.
static u64 *put_handles(const AddressMap *blocks, u64 *to) {
  for (u32 i = 0; i < blocks->capacity; i++) {
    SharedBlock *block = (SharedBlock *)blocks->pairs[i].key;
    if (!block) continue;
    shared_retain(block);
    *to++ = OBJ_HEADER(KIND_SHARED, 0, 0);
    *to++ = (u64)block;
  }
  return to;
}

static bool out(Copier *c, const Val *vals, u32 count, Val *copies, Chunk **chunk) {
  u64 words = c->words + 2 * (u64)c->worker->copy_blocks.count;
  u64 *to = NULL;
  if (words) {
    u64 bytes = chunk_bytes((u32)words);
    bool paid = words <= UINT32_MAX && pay(c, bytes);
    Chunk *made = paid ? chunk_new((u32)words) : NULL;
    if (!made) {
      if (paid) pay_back(c, bytes);
      copier_undo(c);
      return false;
    }
    pass_on(c);
    made->used = (u32)words;
    made->payer = c->to;
    made->paid = c->to != NULL;
    made->counted = c->counted || c->worker->copy_blocks.count;
    to = put_handles(&c->worker->copy_blocks, made->words);
    *chunk = made;
  }
  copier_fill(c, to, vals, count, copies, 0);
  copier_tidy(c);
  return true;
}

bool copy_out(Worker *worker, const Val *vals, u32 count, Val *copies, Chunk **chunk, Bank *from, Bank *to) {
  Copier c = {.worker = worker, .from = from, .to = to};
  *chunk = NULL;
  return copier_measure(&c, vals, count) && out(&c, vals, count, copies, chunk);
}

bool copy_out_sent(Worker *worker, const Val *vals, u32 count, Val *copies, Chunk **chunk, Bank *to) {
  Copier c = {.worker = worker, .from = worker->account->bank, .to = to};
  *chunk = NULL;
  return copier_measure_sent(&c, vals, count) && out(&c, vals, count, copies, chunk);
}

bool copy_out_block(Worker *worker, const Val *vals, u32 count, u32 header_bytes, CopyBlock *made) {
  Bank *bank = worker->account->bank;
  Copier c = {.worker = worker, .from = bank, .to = bank};
  if (!copier_measure_sent(&c, vals, count)) return false;
  u32 blocks = worker->copy_blocks.count;
  u64 size = header_bytes + (count + 2 * (u64)blocks + c.words) * 8;
  bool paid = size <= UINT32_MAX && pay(&c, size);  // a message's size is a u32
  char *block = paid ? pool_alloc(&worker->pool, size) : NULL;
  if (!block) {
    if (paid) pay_back(&c, size);
    copier_undo(&c);
    return false;
  }
  Val *roots = (Val *)(block + header_bytes);
  u64 *to = blocks ? put_handles(&worker->copy_blocks, roots + count) : roots + count;
  *made = (CopyBlock){.block = block, .size = size, .counted = c.counted || blocks, .shared = blocks != 0};
  copier_fill(&c, to, vals, count, roots, 0);
  copier_tidy(&c);
  return true;
}
