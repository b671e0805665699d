// What Bufs, Arrays and shared Bytes keep outside the heap, one block of elements each (Storage, obj.h), and the handles that own it.
//
// A handle is a heap object of kind BUF or ARRAY, a session, or a promise of a unique value. Exactly one handle owns a thing at any
// time: moving it to another handle leaves the old one spent, and a register that still points at the old one is harmless garbage. A
// dead handle that isn't spent is swept like all counted objects (gc.h), so what a crash or a kill leaves behind comes back too.
//
// An array's elements are raw words as long as they are Ints or Floats; of anything else they are vals of the owner's heap. Then they are
// slots like those of any object, except that they can be written. A write of something young into an older array marks its card, 64
// elements, and puts the storage into a list of the worker: the cards are roots of the next minor collection. An array whose handle
// lies in the nursery needs no marks: it is looked at as a whole when it moves.
#pragma once
#include "vm/scan.h"
#include "vm/worker.h"

#define STORAGE_LIMIT ((u64)1 << 40)  // elements

enum { CARD_ELEMENTS = 64, CARD_WORD_ELEMENTS = 64 * CARD_ELEMENTS };

// Behind the elements of STORAGE_VALS.
typedef struct Writes {
  Storage *next;       // in the worker's list
  Storage **link;      // what points to this one there; NULL: it is in none, and no card is marked
  bool in_guard;       // counted in the turn's guard_writes
  u64 cards[];         // a bit for each CARD_ELEMENTS elements: cap / CARD_WORD_ELEMENTS + 1 words
} Writes;

static inline Writes *storage_writes(Storage *storage) { return (Writes *)(storage->data + storage->cap); }

// Empty, with room for so many elements, charged to the running actor's bank. NULL when memory is out.
Storage *storage_new(Worker *worker, StorageKind kind, u64 cap) MUST_CHECK;
// Makes room for so many elements in all; at least doubles. A handle without storage gets one of this kind. False when memory is out.
bool storage_reserve(Worker *worker, Obj *handle, StorageKind kind, u64 cap) MUST_CHECK;
// Gives one count back. What a bank pays for it is the caller's matter.
void storage_release(Storage *storage);
u64 storage_bytes(const Storage *storage);  // of memory that it takes
static inline u64 storage_words(const Storage *storage) { return storage_bytes(storage) / sizeof(u64); }

static inline void storage_retain(Storage *storage) { atomic_fetch_add_explicit(&storage->count, 1, memory_order_relaxed); }

// The elements from `from` on were written: those that are young vals must be found by the next collection.
void storage_wrote(Worker *worker, Obj *handle, u64 from, u64 count);
// Nothing young is left, or nobody will look at the elements again.
void storage_forget(Storage *storage);
void storages_forget(Worker *worker);

// ---- Handles --------------------------------------------------------------------------------------------------------

// Whether copying the object moves what it owns.
static inline bool header_is_handle(u64 header) {
  Kind kind = header_kind(header);
  return kind == KIND_BUF || kind == KIND_ARRAY || header_flags(header) & OBJ_UNIQUE;
}

// Takes the storage out of a Buf or Array: the caller's from now on, who releases it or gives it a handle. May be NULL (no elements).
static inline Storage *storage_take(Obj *handle) {
  Storage *storage = handle_storage(handle);
  handle->words[0] = 0;
  return storage;
}

// A handle of kind BUF or ARRAY; 2 words reserved. `storage` may be NULL. Outside any turn: chunk_handle() (life.h).
Val build_handle(Worker *worker, Kind kind, Storage *storage);
// Bytes that hold what the Buf held, which is spent; 4 words reserved, of which they are the last. It must have storage. VAL_EMPTY when
// memory is out.
Val build_blob(Worker *worker, Obj *buf) MUST_CHECK;

// Releases what a Buf, Array, promise or session handle owns, if it does, and leaves it spent. A session's actor hears of it.
void handle_drop(Worker *worker, Obj *handle);
