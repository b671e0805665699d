// Where an actor's values live: the worker's nursery, the actor's own heap, large objects; and the collector.
//
// A turn allocates in the worker's nursery by bumping. At its end, or when the nursery is full, or when the actor
// suspends, what is reachable moves to the actor's own heap: a chain of chunks, collected by copying when it has
// doubled. Collection happens in heap_reserve(), heap_bytes(), heap_adopt(), heap_end_turn() and heap_suspend() only:
// after a successful reserve, building cannot collect.
//
// Roots are the actor's state fields and the frames of the running turn, and what it wrote into arrays (storage.h): whoever holds a Val in a C
// variable across a reserve has lost it. Natives keep theirs in their frame's registers (native.h).
#pragma once
#include "vm/obj.h"

typedef struct Worker Worker;
typedef struct Bank Bank;
typedef struct Account Account;
typedef struct Message Message;

// A run of words holding objects back to back, from words[0] to words[used).
typedef struct Chunk {
  struct Chunk *next;
  u32 capacity;   // words
  u32 used;       // words
  bool counted;   // some object in it may be COUNTED
  bool paid;      // it stands alone, and the payer is charged for it; else the heap that it is part of is
  Bank *payer;    // of it and of what its handles own; NULL: nobody yet
  u64 words[];
} Chunk;

// A string or bytes object too big to copy around: marked instead of moved.
typedef struct LargeObj {
  struct LargeObj *next;
  bool marked;
  bool young;     // born in the running turn
  u32 words;      // of obj
  Obj obj;
} LargeObj;

enum {
  HEAP_LARGE_WORDS = 512,           // a STRING or BYTES object of this size or more gets a block of its own
#ifdef DEED_STRESS
  NURSERY_WORDS = 256,
#elif defined(DEED_WALK)
  NURSERY_WORDS = 2 * 1024,         // so that programs of a few thousand instructions are collected too
#else
  NURSERY_WORDS = 64 * 1024,
#endif
};

// First member of a Collection (collect.h) or a Freezing (copy.h): what goes on in steps while the heap's actor is put aside.
typedef struct Steps {
  bool freezes;    // which of them it is
  i64 slice_left;  // reductions until the actor has used up a slice
} Steps;

// An actor's own heap; made when the first value survives a turn.
typedef struct Heap {
  Chunk *chunks;      // the first is the one being filled
  LargeObj *large;
  u64 live_words;     // in chunks and large objects, as of now
  u64 outside_words;  // in the storage of Bytes that came here since the last collection, or survived it
  union {
    u64 threshold;      // collect when live_words and outside_words pass it
    struct Heap *next;  // once it is dead: in the list of release.c
  };
  Steps *steps;       // what is being done to it in steps, or NULL
  u32 elements;       // of its arrays of vals, roughly: what a collection scans besides
  bool guard_garbage; // a guard's turn left something here that may point into its message: unreachable once the guard ended
  Bank *payer;        // its actor's bank
  u64 bytes;          // of itself, its chunks and large objects
  u64 paid;           // bytes charged to the payer: brought up to date by heap_pay()
  struct Shares *shares;  // blocks that it points into (shared.h), or NULL
} Heap;

// Gives the worker its nursery (heap_reserve_slow() does if this was never called). False when memory is out.
bool heap_open(Worker *worker) MUST_CHECK;
// Frees the nursery and what else the collector keeps in the worker. No turn is running.
void heap_close(Worker *worker);

// Makes room for `words` more words at worker->at, collecting if need be. `words` counts all objects that will be built
// before the next reserve, headers included. Large objects are not built here but by heap_bytes(). False when memory is
// out: the actor must crash with "out of memory". If it ran out while survivors were being moved, the actor's state and
// registers are VAL_EMPTY afterwards and its heap is gone.
//
// While a native actor's step runs nothing is collected (a step has no frames): the worker takes chunk after chunk, and
// heap_end_turn() drops them.
bool heap_reserve_slow(Worker *worker, u32 words) MUST_CHECK;

// Collects all garbage, where the bank has refused something that can be tried again. False when memory is out, as above.
bool heap_squeeze(Worker *worker) MUST_CHECK;

// A STRING or BYTES object with room for `bytes` bytes, zero-padded, contents unset: in the nursery or large. NULL if
// memory is out. May collect.
Obj *heap_bytes(Worker *worker, Kind kind, u64 bytes) MUST_CHECK;

// Major collections of large heaps don't happen in any of these, but in steps when the turn has been put aside or has ended: then
// worker->collect_due is set, and the slice is cut short.

// Ends the turn: survivors of state go to the actor's heap, the nursery is empty again, counts of the dead are given
// back, those in the message's fragment too (message->counted is 0 then; free it with heap_free_message()). After a
// guard's turn the message is whole: a guard (worker->in_guard, or turn->phase) never has its message taken apart,
// neither here nor by a collection.
bool heap_end_turn(Worker *worker) MUST_CHECK;
// heap_end_plain() in worker.h does the same for most turns, which need nothing of it.

// The turn is put aside (await, preemption): everything reachable from state and frames leaves the nursery and the
// message, whose fragment is garbage then (turn->young_message is false, message->counted 0), except in a guard,
// whose message must be kept.
bool heap_suspend(Worker *worker) MUST_CHECK;

// The running actor crashed or was killed: all that is young goes, without a look at state and frames. Then heap_free()
// the rest.
void heap_abandon(Worker *worker);

// Frees an actor's heap (NULL is fine), giving back all counts that it held. Never deep in C, however long the chain of
// actors and promises that die by it (release.c).
void heap_free(Worker *worker, Heap *heap);
// The same for a chunk that stands alone (a promise's value; NULL is fine), and for a message, whose promise is the
// caller's matter.
void chunk_free(Worker *worker, Chunk *chunk);
void heap_free_message(Worker *worker, Message *message);

// A stack that has pages of its own (frames.c): many of them are given back in steps, too.
void stack_free(Worker *worker, u64 *words, u32 count);

// Takes over a chunk (a settled promise's value) as part of the running actor's heap. May collect before. False when
// memory is out: it is still the caller's.
bool heap_adopt(Worker *worker, Chunk *chunk) MUST_CHECK;

// Marks all objects of a chunk as immortal: a module's constants. The chunk must hold no counts.
void chunk_make_immortal(Chunk *chunk);

// Debug: checks every invariant of docs/memory.md for the actor; aborts with a description if one is broken.
void heap_walk(Worker *worker, Actor *actor);

// ---- Copying graphs out (copy.c) ----

// Copies what `vals[0..count)` reach, sharing kept, into one new chunk; writes the copies' roots to `out`. Immediate
// and immortal values need no chunk: then *chunk is NULL. Counts of COUNTED objects are split or raised; what handles own
// moves to their copies, and the originals are spent. What lies in a shared block is pointed to, and the chunk holds the block.
// Linear in the graph's size, iterative. False when memory is out;
// nothing is changed then. The chunk is charged to the bank `to`, and so is what its handles own, which `from` paid for before; to nobody if
// `to` is NULL. While it runs the headers of what is
// copied are overwritten: no other thread may read them.
bool copy_out(Worker *worker, const Val *vals, u32 count, Val *out, Chunk **chunk, Bank *from, Bank *to) MUST_CHECK;

// The same for what the running actor gives away, in an answer or a message: what is large is copied into a shared block of its own,
// once, and found there by later copies.
bool copy_out_sent(Worker *worker, const Val *vals, u32 count, Val *out, Chunk **chunk, Bank *to) MUST_CHECK;

// Into a block of the worker's pool, which the running actor's bank pays for, behind `header_bytes` of the caller's own: the graph follows the header and `count` root words.
typedef struct CopyBlock {
  void *block;
  u64 size;      // bytes
  bool counted;  // some objects of the graph are COUNTED
  bool shared;   // it begins with handles of kind SHARED, and points into their blocks
} CopyBlock;
bool copy_out_block(Worker *worker, const Val *vals, u32 count, u32 header_bytes, CopyBlock *made) MUST_CHECK;

// Gives back the counts of the COUNTED objects among words[0..used), and to the bank (NULL: none) what it paid for them.
void counts_release(Worker *worker, u64 *words, u32 used, Bank *payer);

// ---- Comparing and showing (compare.c, show.c) ----

// Equality, and the total order of contract section 3: <0, 0, >0. Iterative: depth costs heap, not C stack. Charges
// reductions. When memory is out worker->fault is set (and the answer means nothing); no collection.
bool val_equal(Worker *worker, Val a, Val b);
int val_compare(Worker *worker, Val a, Val b);

// Source text that reads back, into worker->text (reset first). False when memory is out, or the text passes SCRATCH_LIMIT.
bool val_show(Worker *worker, Val v) MUST_CHECK;
// The same as a String, in steps (work.h): the value is read where it lies anew in each. False with a fault.
bool show_string(Worker *worker, const u64 *from, u64 *to) MUST_CHECK;
// Raw words' text: shortest that reads back.
void show_float(double d, char out[40]);
