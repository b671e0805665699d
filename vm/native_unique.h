// What the natives of arrays and buffers share, and the instructions on their elements: how a val stands in storage, and the checks that
// crash with a text.
#pragma once
#include "vm/native.h"
#include "vm/storage.h"

enum { HANDLE_WORDS = 2, BLOB_WORDS = 4, ELEMENT_WORDS = 2 };

static inline u64 handle_length(const Obj *handle) {
  const Storage *storage = handle_storage(handle);
  return storage ? storage->len : 0;
}

// The storage that an array with such elements has.
static inline StorageKind element_kind(Val v) {
  if (val_is_int(v)) return STORAGE_INT;
  if (!val_is_pointer(v)) return STORAGE_VALS;
  Kind kind = obj_kind(val_obj(v));
  return kind == KIND_INT ? STORAGE_INT : kind == KIND_FLOAT ? STORAGE_FLOAT : STORAGE_VALS;
}

// The word that stands for a val there, and the val again: ELEMENT_WORDS reserved.
static inline u64 element_word(StorageKind kind, Val v) {
  if (kind == STORAGE_INT) return (u64)val_int(v);
  return kind == STORAGE_FLOAT ? val_obj(v)->words[0] : v;
}
static inline Val build_element(Worker *worker, const Storage *storage, u64 i) {
  u64 word = storage->data[i];
  if (storage->kind == STORAGE_INT) return build_int(worker, (i64)word);
  return storage->kind == STORAGE_FLOAT ? build_word(worker, KIND_FLOAT, word) : word;
}

// Element i, which exists, becomes v (step_unique.c, like all below).
void array_put(Worker *worker, Obj *array, u64 i, Val v);
// Makes room for `cap` elements, or bytes, in the handle in args[0]; a large block is copied in steps (native_grow.c). False with a fault. May
// collect. Until there is room the record is its own; then there is none.
bool storage_grow(Worker *worker, u64 *args, StorageKind kind, u64 cap) MUST_CHECK;
// Two handles of one kind change what they own.
void handles_exchange(Worker *worker, Obj *left, Obj *right);

// Each sets a fault and gives false if it must.
bool fault_index(Worker *worker, const Obj *handle, i64 index);            // "index 5 is out of range: the array has 3 elements"
bool fault_byte(Worker *worker, const Obj *handle, i64 index, i64 value);  // that, or "the value 300 does not fit a byte"
bool length_check(Worker *worker, const char *what, i64 length);
bool part_check(Worker *worker, const char *what, Val handle, u64 from, u64 to, const char *elements);
