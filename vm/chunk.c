// Building values outside any turn: the answers of native actors, causes of breaks, main's arguments. They lie in a chunk made to
// measure, which the actor that takes the value adopts as it is. Nothing here collects.
#include "vm/scan.h"
#include "vm/sched.h"

Chunk *promise_chunk(u32 words) {
  Chunk *chunk = memory_alloc(chunk_bytes(words));
  if (chunk) *chunk = (Chunk){.capacity = words};
  return chunk;
}

static Obj *take(Chunk *chunk, u32 words, u64 header) {
  Obj *obj = (Obj *)(chunk->words + chunk->used);
  chunk->used += words;
  if (chunk->used > chunk->capacity) BUG("chunk of %u words overfilled", chunk->capacity);
  obj->header = header;
  return obj;
}

Val chunk_string(Chunk *chunk, Kind kind, Str bytes) {
  u32 words = bytes_words(bytes.len);
  Obj *obj = take(chunk, 1 + words, OBJ_HEADER(kind, 0, (u32)bytes.len));
  if (words) obj->words[words - 1] = 0;
  if (bytes.ptr) memcpy(obj->words, bytes.ptr, bytes.len);
  return obj_val(obj);
}

Val chunk_word(Chunk *chunk, Kind kind, u64 word) {
  Obj *obj = take(chunk, 2, OBJ_HEADER(kind, 0, 0));
  obj->words[0] = word;
  return obj_val(obj);
}

Val chunk_int(Chunk *chunk, i64 n) { return int_fits_val(n) ? val_from_small(n) : chunk_word(chunk, KIND_INT, (u64)n); }

Val chunk_record(Worker *worker, Chunk *chunk, WellKnown which, const Val *fields, u32 count) {
  u32 id = well_known(worker, which);
  Obj *obj = take(chunk, 1 + count, OBJ_HEADER(KIND_DATA, desc_of(id)->tag, id));
  for (u32 i = 0; i < count; i++) obj->words[i] = fields[i];
  return obj_val(obj);
}

Val chunk_data(Worker *worker, Chunk *chunk, WellKnown which, Val field) { return chunk_record(worker, chunk, which, &field, 1); }

Val chunk_cons(Chunk *chunk, Val head, Val tail) {
  Obj *obj = take(chunk, 3, OBJ_HEADER(KIND_CONS, 0, 0));
  obj->words[0] = head;
  obj->words[1] = tail;
  return obj_val(obj);
}

Val chunk_reference(Chunk *chunk, Actor *actor, const Itable *itable) {
  Obj *obj = take(chunk, 4, OBJ_HEADER(KIND_REF, 0, 0));
  atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  obj->words[REF_ACTOR] = (u64)actor;
  obj->words[REF_ITABLE] = (u64)itable;
  obj->words[REF_WEIGHT] = WEIGHT_UNIT;
  chunk->counted = true;
  return obj_val(obj);
}

Val chunk_handle(Chunk *chunk, Kind kind, Storage *storage) {
  chunk->counted = true;
  return chunk_word(chunk, kind, (u64)storage);
}
