// Shared blocks: immutable graphs that several heaps, messages and promises hold together. docs/memory.md argues for them.
//
// A block is one allocation, aligned to a segment of 64 KB. Each segment at whose beginning an object could start has a header that
// leads to the block, so the block of an object is found from its address alone; an object that doesn't fit into the rest of a segment
// begins in the next one, and one that is longer than a segment simply covers what follows. Objects in blocks have the flag OBJ_SHARED:
// they are neither moved, scanned, copied nor written. What they hold, weights of actors and counts of promises, is given back when
// the block dies; their pointers lead into the block itself, to blocks that are older, of which it holds counts, and to images.
//
// A block lives as long as somebody holds a count of it: a heap (Shares); a message or a chunk by handles of kind SHARED, which stand
// in front of its other objects; a younger block. What a value points into is held by whoever has the value, or is older than what is.
#pragma once
#include "vm/address_map.h"
#include "vm/scan.h"

enum {
  SEGMENT_BYTES = 64 * 1024,
#ifdef DEED_STRESS
  SHARE_WORDS = 32,
#else
  SHARE_WORDS = 1024,   // graphs of more words are frozen when they are sent
#endif
};

typedef struct SharedBlock SharedBlock;

typedef struct Segment {
  SharedBlock *block;
  u64 used;            // bytes, from its beginning to the end of its last object, which may lie beyond the segment
} Segment;

struct SharedBlock {
  Segment first;
  _Atomic u32 count;
  u32 older_count;
  bool counted;        // some object in it is COUNTED
  u64 bytes;           // of the allocation
  u64 charge;          // what a bank pays that holds it: its bytes, and storage of Bytes in it
  u64 start;           // where its first object lies
  u64 sum;             // of its contents, in builds that check
  SharedBlock *next;   // among the dead
  SharedBlock *family; // the oldest of those it descends from, each the largest that the next points into; or itself
  _Atomic u64 family_bytes, family_limit;  // of the oldest: see freeze.c
  SharedBlock *older[];
};

static inline SharedBlock *shared_block(const Obj *obj) { return ((const Segment *)((u64)obj & ~(u64)(SEGMENT_BYTES - 1)))->block; }

// Layout, in bytes from the block's beginning: where the first object of a block with so many older ones may lie at the earliest, where
// an object of so many words lies that comes at `at`, and where the next one comes.
static inline u64 segment_up(u64 at) { return (at + SEGMENT_BYTES - 1) & ~(u64)(SEGMENT_BYTES - 1); }
static inline u64 segment_down(u64 at) { return at & ~(u64)(SEGMENT_BYTES - 1); }
static inline u64 shared_start(u32 older) {
  u64 at = sizeof(SharedBlock) + (u64)older * sizeof(SharedBlock *);
  return at <= SEGMENT_BYTES ? at : segment_up(at);
}
static inline u64 shared_place(u64 at, u32 words) {
  u64 segment = segment_down(at);
  if (at == segment) at += sizeof(Segment);
  bool fits = at + (u64)words * 8 <= segment + SEGMENT_BYTES || at == segment + sizeof(Segment);
  return fits ? at : segment + SEGMENT_BYTES + sizeof(Segment);
}
static inline u64 shared_after(u64 at, u32 words) {
  u64 end = at + (u64)words * 8;
  return end <= segment_down(at) + SEGMENT_BYTES ? end : segment_up(end);
}

// Whose family a block joins that points into these: the largest; NULL if there are none.
SharedBlock *shared_parent(const AddressMap *older);
// With one count, and without objects and segments. It holds the blocks that are keys of `older`: takes a count of each. NULL when
// memory is out.
SharedBlock *shared_new(u64 bytes, u64 start, const AddressMap *older) MUST_CHECK;
// Notes where the next object will lie, in the order of addresses.
void shared_add(SharedBlock *block, Obj *obj, u32 words);
void shared_retain(SharedBlock *block);
void shared_release(Worker *worker, SharedBlock *block);
// Frees a block whose last count is gone, once all that its objects hold has been given back, from `*at`, 0 at first, on: as much as
// `*left` words of work allow. True if that is done. release.c alone.
bool shared_release_some(Worker *worker, SharedBlock *block, u64 *at, i64 *left);
void shared_free(Worker *worker, SharedBlock *block);
// For builds that check: all its pointers lead where they may; and nothing was written since.
void shared_seal(SharedBlock *block);
void shared_check(const SharedBlock *block);

// ---- What a heap holds ----------------------------------------------------------------------------------------------

// Of a heap that points into blocks: made when it does, gone when it doesn't.
typedef struct Shares {
  AddressMap holds;    // blocks, each with a count of its own; 1 if the running collection has met it
  AddressMap frozen;   // originals that have OBJ_FROZEN, and what they were frozen to; | 1 if the original is young
  AddressMap moved;    // objects in blocks that were copied into a larger one, with where (freeze.c)
  u64 words;           // of all blocks held
  u64 limit;           // collect when they pass it
  bool stuck;          // the running collection met a block that it has no memory to hold: it lets go of none
} Shares;

// Makes sure that the heap holds the block, and its bank with it. False when memory is out.
bool shares_hold(Worker *worker, Heap *heap, SharedBlock *block) MUST_CHECK;
// The same for each SHARED handle in front of these words, whose counts pass to the heap: they are spent.
bool shares_take(Worker *worker, Heap *heap, u64 *words, u64 used) MUST_CHECK;
// Remembers what an object of the heap, or a young one, was frozen to. False when memory is out.
bool shares_remember(Heap *heap, Obj *original, Obj *copy, bool young) MUST_CHECK;
// What an original with OBJ_FROZEN was frozen to; NULL if it isn't known.
Obj *shares_frozen(const Heap *heap, const Obj *original);
// Takes over a map from objects in blocks to their copies in a block that the heap holds. Copies and collections put those in their place.
void shares_move(Heap *heap, AddressMap *moved);
// What an object in a block has been copied to; itself if it wasn't.
static inline Obj *shares_moved(const Heap *heap, Obj *obj) {
  if (LIKELY(!heap || !heap->shares || !heap->shares->moved.count)) return obj;
  u64 *copy = address_find(&heap->shares->moved, obj);
  return copy ? (Obj *)*copy : obj;
}
void shares_forget_young(Heap *heap);
void shares_keep_young(Heap *heap);   // what was young is old now, where it is
bool shares_due(const Heap *heap);
// Of its tables.
static inline u64 shares_bytes(const Heap *heap) {
  const Shares *shares = heap->shares;
  if (LIKELY(!shares)) return 0;
  return sizeof *shares + ((u64)shares->holds.capacity + shares->frozen.capacity + shares->moved.capacity) * sizeof(struct AddressPair);
}
// A major collection: before, for each block met, and after. If it failed, originals that it left where they were stay known, once
// large objects are marked and before the others are freed.
void shares_begin(Heap *heap);
void shares_met(Worker *worker, Heap *heap, SharedBlock *block);
void shares_left(Worker *worker, Heap *heap);
void shares_end(Worker *worker, Heap *heap, bool failed);
bool shares_holds(const Heap *heap, const SharedBlock *block);
void shares_free(Worker *worker, Heap *heap);
