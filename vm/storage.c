// Storage: making, growing and freeing it, marking what was written, and the handles that own it.
#include "vm/storage.h"

#include "vm/bank.h"
#include "vm/life.h"
#include "vm/memory.h"

// ---- Blocks ---------------------------------------------------------------------------------------------------------

static u64 element_bytes(StorageKind kind, u64 count) {
  return (kind == STORAGE_BYTES ? (count + 7) / 8 : count) * sizeof(u64);
}

static u64 card_words(u64 cap) { return cap / CARD_WORD_ELEMENTS + 1; }

static size_t size_of(StorageKind kind, u64 cap) {
  size_t bytes = sizeof(Storage) + element_bytes(kind, cap);
  return kind == STORAGE_VALS ? bytes + sizeof(Writes) + card_words(cap) * sizeof(u64) : bytes;
}

u64 storage_bytes(const Storage *storage) { return size_of(storage->kind, storage->cap); }

Storage *storage_new(Worker *worker, StorageKind kind, u64 cap) {
  if (cap > STORAGE_LIMIT || !account_take(worker, worker->account, size_of(kind, cap))) return NULL;
  Storage *storage = memory_alloc(size_of(kind, cap));
  if (!storage) {
    account_give(worker->account, size_of(kind, cap));
    return NULL;
  }
  storage->len = 0;
  storage->cap = cap;
  storage->kind = kind;
  atomic_init(&storage->count, 1);
  if (kind != STORAGE_VALS) return storage;
  Writes *writes = storage_writes(storage);
  *writes = (Writes){0};
  memset(writes->cards, 0, card_words(cap) * sizeof(u64));
  return storage;
}

void storage_release(Storage *storage) {
  if (atomic_fetch_sub_explicit(&storage->count, 1, memory_order_acq_rel) != 1) return;
  if (storage->kind == STORAGE_VALS) storage_forget(storage);
  memory_free(storage, storage_bytes(storage));
}

// The marks, and the place in the worker's list, pass to a larger block.
static void writes_move(Storage *from, Storage *to) {
  Writes *old = storage_writes(from), *new = storage_writes(to);
  new->in_guard = old->in_guard;
  if (!old->link) return;
  memcpy(new->cards, old->cards, card_words(from->cap) * sizeof(u64));
  new->next = old->next;
  new->link = old->link;
  *new->link = to;
  if (new->next) storage_writes(new->next)->link = &new->next;
  old->link = NULL;
}

bool storage_reserve(Worker *worker, Obj *handle, StorageKind kind, u64 cap) {
  Storage *old = handle_storage(handle);
  if (old && old->kind != STORAGE_NONE) kind = old->kind;
  if (old && old->kind == kind && old->cap >= cap) return true;
  u64 least = kind == STORAGE_BYTES ? 64 : 8, doubled = old ? old->cap * 2 : 0;
  u64 wanted = cap > doubled ? cap : doubled;
  Storage *storage = storage_new(worker, kind, wanted < least ? least : wanted);
  if (!storage) return false;
  if (old) {
    storage->len = old->len;
    memcpy(storage->data, old->data, element_bytes(kind, old->len));
    if (old->kind == STORAGE_VALS) writes_move(old, storage);
    account_give(worker->account, storage_bytes(old));
    storage_release(old);
  }
  handle->words[0] = (u64)storage;
  return true;
}

// ---- What was written -----------------------------------------------------------------------------------------------

void storage_wrote(Worker *worker, Obj *handle, u64 from, u64 count) {
  if (!count) return;
  Storage *storage = handle_storage(handle);
  if (storage->kind != STORAGE_VALS || within(handle, worker->nursery, NURSERY_WORDS * sizeof(u64))) return;
  Writes *writes = storage_writes(storage);
  for (u64 card = from / CARD_ELEMENTS; card <= (from + count - 1) / CARD_ELEMENTS; card++) {
    writes->cards[card / 64] |= (u64)1 << card % 64;
  }
  worker->untidy = true;
  // A guard may fill arrays of its own. One that is still there when it ends is not its own (heap_end_turn).
  if (UNLIKELY(worker->in_guard) && worker->turn && worker->turn->phase == PHASE_GUARD && !writes->in_guard) {
    writes->in_guard = true;
    worker->turn->guard_writes++;
  }
  if (writes->link) return;
  writes->next = worker->written;
  writes->link = &worker->written;
  if (writes->next) storage_writes(writes->next)->link = &writes->next;
  worker->written = storage;
}

void storage_forget(Storage *storage) {
  Writes *writes = storage_writes(storage);
  if (!writes->link) return;
  *writes->link = writes->next;
  if (writes->next) storage_writes(writes->next)->link = writes->link;
  writes->link = NULL;
  memset(writes->cards, 0, card_words(storage->cap) * sizeof(u64));
}

void storages_forget(Worker *worker) {
  while (worker->written) storage_forget(worker->written);
}

// ---- Handles --------------------------------------------------------------------------------------------------------

Val build_handle(Worker *worker, Kind kind, Storage *storage) {
  Obj *handle = heap_take(worker, 2);
  handle->header = OBJ_HEADER(kind, 0, 0);
  handle->words[0] = (u64)storage;
  heap_note_counted(worker, handle);
  return obj_val(handle);
}

Val build_blob(Worker *worker, Obj *buf) {
  Storage *storage = handle_storage(buf);
  Bank *bank = worker->account->bank;
  bank_give(worker, bank, storage_bytes(storage));  // one owner less, one holder more
  storage_take(buf);
  if (!bank_hold_storage(worker, bank, storage)) {
    storage_release(storage);
    return VAL_EMPTY;
  }
  Obj *blob = heap_take(worker, 4);
  blob->header = OBJ_HEADER(KIND_BLOB, 0, 0);
  blob->words[BLOB_STORAGE] = (u64)storage;
  blob->words[BLOB_BYTES] = (u64)storage->data;
  blob->words[BLOB_LENGTH] = storage->len;
  heap_note_counted(worker, blob);
  heap_note_outside(worker, storage_words(storage));
  return obj_val(blob);
}

static void storage_drop(Worker *worker, Storage *storage) {
  if (storage->kind == STORAGE_VALS && storage_writes(storage)->in_guard && worker->turn) worker->turn->guard_writes--;
  account_give(worker->account, storage_bytes(storage));
  storage_release(storage);
}

void handle_drop(Worker *worker, Obj *handle) {
  if (!handle->words[0]) return;
  switch (obj_kind(handle)) {
    case KIND_REF: session_drop(worker, handle); return;
    case KIND_PROMISE: {
      Promise *promise = promise_of(handle);
      handle->words[0] = 0;
      promise_release(worker, promise);
      return;
    }
    case KIND_BUF: case KIND_ARRAY: storage_drop(worker, storage_take(handle)); return;
    case KIND_NONE: case KIND_INT: case KIND_FLOAT: case KIND_STRING: case KIND_BYTES: case KIND_DURATION: case KIND_TIME: case KIND_CONS:
    case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_BLOB: case KIND_SHARED: case KIND_COUNT: break;
  }
  BUG("dropping an object of kind %d", obj_kind(handle));
}
