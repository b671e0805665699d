// Storage: making, growing and freeing it, and the handles that own it.
#include "vm/storage.h"

#include "vm/gc.h"

static size_t storage_bytes(StorageKind kind, u64 cap) {
  return sizeof(Storage) + (size_t)(kind == STORAGE_BYTES ? (cap + 7) / 8 : cap) * sizeof(u64);
}

Storage *storage_new(StorageKind kind, u64 cap) {
  if (cap > STORAGE_LIMIT) return NULL;
  Storage *storage = memory_alloc(storage_bytes(kind, cap));
  if (!storage) return NULL;
  storage->len = 0;
  storage->cap = cap;
  storage->kind = kind;
  atomic_init(&storage->count, 1);
  return storage;
}

void storage_release(Storage *storage) {
  if (atomic_fetch_sub_explicit(&storage->count, 1, memory_order_acq_rel) == 1) {
    memory_free(storage, storage_bytes(storage->kind, storage->cap));
  }
}

bool storage_reserve(Obj *handle, StorageKind kind, u64 cap) {
  Storage *old = handle_storage(handle);
  if (old && old->kind != STORAGE_NONE) kind = old->kind;
  if (old && old->kind == kind && old->cap >= cap) return true;
  u64 least = kind == STORAGE_BYTES ? 64 : 8, doubled = old ? old->cap * 2 : 0;
  u64 wanted = cap > doubled ? cap : doubled;
  Storage *storage = storage_new(kind, wanted < least ? least : wanted);
  if (!storage) return false;
  if (old) {
    storage->len = old->len;
    memcpy(storage->data, old->data, storage_bytes(kind, old->len) - sizeof(Storage));
    storage_release(old);
  }
  handle->words[0] = (u64)storage;
  return true;
}

void storage_wrote(Worker *worker, Obj *handle, u64 from, u64 count) {
  if (count && handle_storage(handle)->kind == STORAGE_VALS) worker->untidy = true;
}

Val build_handle(Worker *worker, Kind kind, Storage *storage) {
  Obj *handle = heap_take(worker, 2);
  handle->header = OBJ_HEADER(kind, 0, 0);
  handle->words[0] = (u64)storage;
  heap_note_counted(worker, handle);
  return obj_val(handle);
}

Val build_blob(Worker *worker, Obj *buf) {
  Storage *storage = handle_storage(buf);
  Obj *blob = heap_take(worker, 4);
  blob->header = OBJ_HEADER(KIND_BLOB, 0, 0);
  blob->words[0] = (u64)storage;
  blob->words[1] = 0;
  blob->words[2] = storage->len;
  heap_note_counted(worker, blob);
  buf->words[0] = 0;
  return obj_val(blob);
}

void handle_drop(Worker *worker, Obj *handle) {
  if (!handle->words[0]) return;
  count_release(worker, handle);
  handle->words[0] = 0;
}
