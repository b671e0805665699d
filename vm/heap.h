// Where an actor's values live: the worker's nursery, the actor's own heap, large objects; and the collector.
//
// A turn allocates in the worker's nursery by bumping. At its end, or when the nursery is full, or when the actor suspends, what
// is reachable moves to the actor's own heap: a chain of chunks, collected by copying when it has doubled. Collection happens in
// heap_reserve() and heap_end_turn() and heap_suspend() only: after a successful reserve, building cannot collect.
//
// Roots are the actor's state fields and the frames of the running turn, nothing else: whoever holds a Val in a C variable across
// a reserve has lost it. Natives keep theirs in their frame's registers (native.h).
#pragma once
#include "vm/obj.h"

typedef struct Worker Worker;

// A run of words holding objects back to back, from words[0] to words[used).
typedef struct Chunk {
  struct Chunk *next;
  u32 capacity;   // words
  u32 used;       // words
  bool counted;   // some object in it may be COUNTED
  u64 words[];
} Chunk;

// A string or bytes object too big to copy around: marked instead of moved.
typedef struct LargeObj {
  struct LargeObj *next;
  bool marked;
  u32 words;
  Obj obj;
} LargeObj;

enum {
  HEAP_LARGE_WORDS = 512,           // an object of this size or more gets a block of its own
  NURSERY_WORDS = 64 * 1024,        // 256 in stress builds
};

// An actor's own heap; made when the first value survives a turn.
typedef struct Heap {
  Chunk *chunks;      // the first is the one being filled
  LargeObj *large;
  u64 live_words;     // in chunks and large objects, as of now
  u64 threshold;      // collect when live_words passes it
} Heap;

// Makes room for `words` more words at worker->at, collecting if need be. `words` counts all objects that will be built before
// the next reserve, headers included. False when memory is out: the actor must crash with "out of memory". Large objects are
// not built here but by heap_large().
bool heap_reserve_slow(Worker *worker, u32 words) MUST_CHECK;

// A STRING or BYTES object with room for `bytes` bytes, zero-padded, contents unset: in the nursery or large. NULL if memory is
// out. May collect.
Obj *heap_bytes(Worker *worker, Kind kind, u64 bytes) MUST_CHECK;

// Notes a COUNTED object just built in the nursery.
void heap_note_counted(Worker *worker, Obj *obj);

// Ends the turn: survivors of state go to the actor's heap, the nursery is empty again, counts of the dead are given back.
bool heap_end_turn(Worker *worker) MUST_CHECK;

// The turn is put aside (await, preemption): everything reachable from state and frames leaves the nursery and the message.
bool heap_suspend(Worker *worker) MUST_CHECK;

// Frees an actor's heap, giving back all counts that it held.
void heap_free(Worker *worker, Heap *heap);

// Takes over a chunk (a settled promise's value) as part of the running actor's heap.
bool heap_adopt(Worker *worker, Chunk *chunk) MUST_CHECK;

// Debug: checks every invariant of docs/memory.md for the actor; aborts with a description if one is broken.
void heap_walk(Worker *worker, Actor *actor);

// ---- Copying graphs out (copy.c) ----

// Copies what `vals[0..count)` reach, sharing kept, into one new chunk; writes the copies' roots to `out`. Immediate and immortal
// values need no chunk: then *chunk is NULL. Counts of COUNTED objects are split or raised. Linear in the graph's size, iterative.
// False when memory is out; nothing is changed then.
bool copy_out(Worker *worker, const Val *vals, u32 count, Val *out, Chunk **chunk) MUST_CHECK;

// The same into a caller's block behind `header_bytes` of its own (a message): *block is memory_alloc'ed with *size bytes; the graph
// follows the header and `count` root words.
bool copy_out_block(Worker *worker, const Val *vals, u32 count, u32 header_bytes, void **block, u64 *size, bool *counted) MUST_CHECK;

// Gives back the counts of the COUNTED objects among words[0..used).
void counts_release(Worker *worker, u64 *words, u32 used);

// ---- Comparing and showing (compare.c, show.c) ----

// Equality, and the total order of contract section 3: <0, 0, >0. Iterative: depth costs heap, not C stack. Charges reductions.
bool val_equal(Worker *worker, Val a, Val b);
int val_compare(Worker *worker, Val a, Val b);

// Source text that reads back, into worker->text (reset first). False when memory is out.
bool val_show(Worker *worker, Val v) MUST_CHECK;
// Raw words' text: shortest that reads back.
void show_float(double d, char out[40]);
