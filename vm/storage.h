// What Bufs, Arrays and shared Bytes keep outside the heap: one block of elements each, owned through a handle.
//
// A handle is a heap object of kind BUF or ARRAY. Its first word is the Storage; 0 while it is empty, and for ever once it was moved or
// dropped. An array's elements are raw words as long as they are Ints or Floats; of anything else they are vals of the owner's heap.
#pragma once
#include "vm/worker.h"

typedef enum StorageKind {
  STORAGE_NONE,   // of an array that never had an element
  STORAGE_BYTES,  // of a Buf, and of shared Bytes
  STORAGE_INT,
  STORAGE_FLOAT,
  STORAGE_VALS,
} StorageKind;

typedef struct Storage {
  u64 len, cap;        // elements, of a Buf bytes
  StorageKind kind;
  _Atomic u32 count;   // handles; more than one only of shared Bytes
  u64 data[];
} Storage;

#define STORAGE_LIMIT ((u64)1 << 40)  // elements

static inline Storage *handle_storage(const Obj *handle) { return (Storage *)handle->words[0]; }

// Empty, with room for so many elements. NULL when memory is out.
Storage *storage_new(StorageKind kind, u64 cap) MUST_CHECK;
// Makes room for so many elements in all; at least doubles. A handle without storage gets one of this kind. False when memory is out.
bool storage_reserve(Obj *handle, StorageKind kind, u64 cap) MUST_CHECK;
// Gives one count back.
void storage_release(Storage *storage);
// The elements from `from` on were written: those that are young vals must be found by the next collection.
void storage_wrote(Worker *worker, Obj *handle, u64 from, u64 count);

// A handle of kind BUF or ARRAY; 2 words reserved. `storage` may be NULL.
Val build_handle(Worker *worker, Kind kind, Storage *storage);
// Bytes that hold what the Buf held, which is spent; 4 words reserved. It must have storage.
Val build_blob(Worker *worker, Obj *buf);

// Releases what a Buf, Array, promise or session handle owns, if it does, and leaves it spent.
void handle_drop(Worker *worker, Obj *handle);
