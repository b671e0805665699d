// Copying a graph out of an actor: into a message, a promise's value, an image. See heap.h.
//
// Three passes, none of them recursive. The first measures: it lists every object once, breadth first, in a log, and
// overwrites its header with the place that its copy will have, so that an object met again is known: sharing is kept,
// and a value that shares its parts 2^60 times costs 60 objects. The log is also the work list. The second writes the
// copies into one block of exactly the right size. The third puts the headers back and only then takes the counts, and
// what handles own, so that nothing has happened if memory ran out before. An array of vals keeps its storage, whose
// elements the second pass leads to their copies.
#include "vm/gc.h"
#include "vm/life.h"

typedef struct CopyEntry {
  Obj *obj;
  u64 header;
} CopyEntry;

// The longest log that is kept for the next copy.
enum { LOG_KEPT = 4096 };

typedef struct Copier {
  Worker *worker;
  u32 count;      // of the log
  u64 words;      // measured so far
  u64 elements;   // of arrays of vals
  bool counted;
} Copier;

static u64 marker_of(u64 offset) { return offset << 1; }
static u64 marker_offset(u64 marker) { return marker >> 1; }

static bool note(Copier *c, Val v) {
  if (!val_is_pointer(v)) return true;
  Obj *obj = val_obj(v);
  u64 header = obj->header;
  if (header_is_forward(header) || header_flags(header) & OBJ_IMMORTAL) return true;
  Worker *w = c->worker;
  bool full = c->count == w->copy_capacity;
  if (UNLIKELY(full) && !memory_grow((void **)&w->copy_log, &w->copy_capacity, sizeof(CopyEntry), NULL)) return false;
  w->copy_log[c->count++] = (CopyEntry){obj, header};
  obj->header = marker_of(c->words);
  c->words += header_words(header);
  c->counted |= header_is_counted(header);
  return true;
}

static void restore(Copier *c) {
  for (u32 i = 0; i < c->count; i++) c->worker->copy_log[i].obj->header = c->worker->copy_log[i].header;
}

static void log_trim(Worker *worker) {
  if (LIKELY(worker->copy_capacity <= LOG_KEPT)) return;
  memory_free(worker->copy_log, worker->copy_capacity * sizeof(CopyEntry));
  worker->copy_log = NULL;
  worker->copy_capacity = 0;
}

// Pass 1. False when memory is out (or the graph is beyond what a chunk can hold): headers are as they were.
static bool measure(Copier *c, const Val *vals, u32 count) {
  bool noted = true;
  for (u32 i = 0; i < count && noted; i++) noted = note(c, vals[i]);
  for (u32 i = 0; i < c->count && noted; i++) {
    CopyEntry entry = c->worker->copy_log[i];
    Vals fields = obj_vals(entry.obj, entry.header);
    if (header_kind(entry.header) == KIND_ARRAY) c->elements += fields.count;
    for (u64 k = 0; k < fields.count && noted; k++) {
      if (!fields.raw || !fields.raw[k]) noted = note(c, fields.words[k]);
    }
  }
  if (noted && c->words <= UINT32_MAX) return true;
  restore(c);
  log_trim(c->worker);
  return false;
}

static inline Val copy_of(u64 *to, Val v) {
  if (!val_is_pointer(v)) return v;
  u64 header = val_obj(v)->header;
  return header_is_forward(header) ? (Val)(to + marker_offset(header)) : v;
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
    case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_BUF: case KIND_ARRAY: case KIND_COUNT: break;
  }
  BUG("counting an object of kind %d", obj_kind(from));
}

// Passes 2 and 3. The copies lie at `to`.
static void fill(Copier *c, u64 *to, const Val *vals, u32 count, Val *out) {
  const CopyEntry *log = c->worker->copy_log;
  u64 *at = to;
  for (u32 i = 0; i < c->count; i++) {
    Obj *obj = log[i].obj, *copy = (Obj *)at;
    u32 words = header_words(log[i].header);
    copy->header = header_without(log[i].header, OBJ_LARGE);
    memcpy(copy->words, obj->words, (size_t)(words - 1) * 8);
    Vals fields = obj_vals(copy, log[i].header);
    for (u64 k = 0; k < fields.count; k++) {
      if (!fields.raw || !fields.raw[k]) fields.words[k] = copy_of(to, fields.words[k]);
    }
    at += words;
  }
  for (u32 i = 0; i < count; i++) out[i] = copy_of(to, vals[i]);
  at = to;
  for (u32 i = 0; i < c->count; i++) {
    Obj *obj = log[i].obj;
    obj->header = log[i].header;
    if (header_is_counted(obj->header)) object_count_copy(obj, (Obj *)at);
    at += header_words(obj->header);
  }
  c->worker->reductions -= (i64)((c->words + c->elements) / 32);  // a word costs a nanosecond or two
  log_trim(c->worker);
}

bool copy_out(Worker *worker, const Val *vals, u32 count, Val *out, Chunk **chunk) {
  Copier c = {.worker = worker};
  *chunk = NULL;
  if (!measure(&c, vals, count)) return false;
  if (c.count) {
    Chunk *made = chunk_new((u32)c.words);
    if (!made) {
      restore(&c);
      log_trim(worker);
      return false;
    }
    made->used = (u32)c.words;
    made->counted = c.counted;
    *chunk = made;
  }
  fill(&c, c.count ? (*chunk)->words : NULL, vals, count, out);
  return true;
}

bool copy_out_block(Worker *worker, const Val *vals, u32 count, u32 header_bytes, void **block, u64 *size, bool *counted) {
  Copier c = {.worker = worker};
  if (!measure(&c, vals, count)) return false;
  u64 bytes = header_bytes + ((u64)count + c.words) * 8;
  char *made = bytes <= UINT32_MAX ? memory_alloc(bytes) : NULL;  // a message's size is a u32
  if (!made) {
    restore(&c);
    log_trim(worker);
    return false;
  }
  Val *roots = (Val *)(made + header_bytes);
  fill(&c, roots + count, vals, count, roots);
  *block = made;
  *size = bytes;
  *counted = c.counted;
  return true;
}
