// Passing charges on: see charge.h.
#include "vm/charge.h"

#include "vm/gc.h"
#include "vm/state.h"

// Whether another bank pays for it alone, or holds it beside others.
typedef enum Owned { OWNS_NOTHING, OWNS_STORAGE, HOLDS_BYTES, HOLDS_BLOCK } Owned;

static Owned owned(const Obj *obj) {
  if (!obj->words[0]) return OWNS_NOTHING;
  switch (obj_kind(obj)) {
    case KIND_BUF: case KIND_ARRAY: return OWNS_STORAGE;
    case KIND_BLOB: return HOLDS_BYTES;
    case KIND_SHARED: return HOLDS_BLOCK;
    case KIND_REF: case KIND_PROMISE: case KIND_NONE: case KIND_INT: case KIND_FLOAT: case KIND_STRING: case KIND_BYTES: case KIND_DURATION:
    case KIND_TIME: case KIND_CONS: case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_COUNT: break;
  }
  return OWNS_NOTHING;
}

static bool take_one(Worker *worker, Bank *bank, const Obj *obj) {
  switch (owned(obj)) {
    case OWNS_NOTHING: return true;
    case OWNS_STORAGE: return bank_take(worker, bank, storage_bytes(handle_storage(obj)));
    case HOLDS_BYTES: return bank_hold_storage(worker, bank, handle_storage(obj));
    case HOLDS_BLOCK: return bank_hold(worker, bank, (SharedBlock *)obj->words[0]);
  }
  return true;
}

static void give_one(Worker *worker, Bank *bank, const Obj *obj) {
  switch (owned(obj)) {
    case OWNS_NOTHING: return;
    case OWNS_STORAGE: bank_give(worker, bank, storage_bytes(handle_storage(obj))); return;
    case HOLDS_BYTES: bank_unhold_storage(worker, bank, handle_storage(obj)); return;
    case HOLDS_BLOCK: bank_unhold(worker, bank, (SharedBlock *)obj->words[0]); return;
  }
}

static void give_all(Worker *worker, Bank *bank, u64 *words, u64 used) {
  for (u64 at = 0; at < used; at += header_words(((Obj *)(words + at))->header)) {
    Obj *obj = (Obj *)(words + at);
    if (header_is_counted(obj->header)) give_one(worker, bank, obj);
  }
}

bool charge_move(Worker *worker, u64 *words, u64 used, u64 bytes, Bank *from, Bank *to) {
  if (!bank_take(worker, to, bytes)) return false;
  for (u64 at = 0; at < used; at += header_words(((Obj *)(words + at))->header)) {
    Obj *obj = (Obj *)(words + at);
    if (!header_is_counted(obj->header) || take_one(worker, to, obj)) continue;
    give_all(worker, to, words, at);
    bank_give(worker, to, bytes);
    return false;
  }
  give_all(worker, from, words, used);
  bank_give(worker, from, bytes);
  return true;
}

bool charge_chunk(Worker *worker, Chunk *chunk, Bank *to) {
  if (LIKELY(chunk->paid && chunk->payer == to)) return true;
  u64 bytes = chunk_bytes(chunk->capacity), used = chunk->counted ? chunk->used : 0;
  if (!chunk->payer) chunk->payer = worker->vm->bank;
  if (!bank_take(worker, to, bytes)) return false;
  if (chunk->payer != to && !charge_move(worker, chunk->words, used, 0, chunk->payer, to)) {
    bank_give(worker, to, bytes);
    return false;
  }
  if (chunk->paid) bank_give(worker, chunk->payer, bytes);
  chunk->payer = to;
  chunk->paid = true;
  return true;
}
