// The collector's inside: what gc.c, heap.c, release.c and walk.c say to each other. heap.h is the face.
#pragma once
#include "vm/bank.h"
#include "vm/life.h"
#include "vm/memory.h"
#include "vm/scan.h"
#include "vm/shared.h"
#include "vm/storage.h"
#include "vm/worker.h"

// Stress builds collect and check a heap all the more rarely the more words it has: one time less in so many words.
enum { HEAP_CHECK_STEP = 512 };

// What the running turn's heap hangs on: its actor, or the worker if it runs outside any.
static inline Heap **heap_place(Worker *worker) { return worker->actor ? &worker->actor->heap : &worker->loose; }

// A guard's message stays in the mailbox: its fragment is no young memory but lasts for the turn.
static inline bool heap_in_guard(const Worker *worker) {
  return worker->in_guard || (worker->turn && worker->turn->phase == PHASE_GUARD);
}

// The running message's graph.
typedef struct Fragment {
  u64 *words;
  u64 bytes;
} Fragment;
static inline Fragment message_fragment(Message *message) {
  u64 *words = message->args + message->count;
  return (Fragment){words, (u64)((char *)message + message->bytes - (char *)words)};
}
// The same while it is young memory, else nothing.
static inline Fragment young_fragment(const Worker *worker) {
  const Turn *turn = worker->turn;
  if (!turn || !turn->message || !turn->young_message || heap_in_guard(worker)) return (Fragment){NULL, 0};
  return message_fragment(turn->message);
}

// A native actor's step has no frames: nothing may be moved while it runs.
static inline bool heap_is_native(const Worker *worker) { return worker->actor && worker->actor->class->step; }

// Whether an object that the running turn can reach is young.
bool heap_is_young(const Worker *worker, Obj *obj);

// The actor's heap, made if there is none. NULL when memory is out.
Heap *heap_get(Worker *worker);
// Charges the actor's bank for what the heap holds now, or gives back what it holds no more. False: a limit would be passed.
bool heap_pay(Worker *worker, Heap *heap) MUST_CHECK;

// How many words a new chunk should have, for a heap of `words` in which `needed` must fit.
u32 chunk_capacity(u64 words, u32 needed);
Chunk *chunk_new(u32 capacity);  // NULL when memory is out
u64 chunk_outside(const Chunk *chunk);  // words in the storage of its Bytes

// ---- gc.c ----

// Moves what state fields, and if `frames` the turn's frames, reach in the nursery and the fragment to the actor's
// heap. False when memory is out: everything is as it was but for forwarded headers and roots, so the caller must give
// up the actor's values.
bool gc_minor(Worker *worker, bool frames) MUST_CHECK;

// Copies the actor's heap, leaving its garbage behind. The nursery must be empty. Never fails: out of memory it gives
// back less.
void gc_major(Worker *worker, bool frames);

// Calls visit for each val slot of the running actor's state.
typedef void (*SlotVisit)(void *context, Val *slot);
void state_each(Actor *actor, SlotVisit visit, void *context);

// ---- release.c ----
void handle_release(Worker *worker, Obj *obj, Bank *payer);
static inline void count_release(Worker *worker, Obj *obj, Bank *payer) {  // what a dead COUNTED object held
  if (LIKELY(obj->header == REF_HEADER)) weight_return(worker, ref_actor(obj), obj->words[REF_WEIGHT]);
  else handle_release(worker, obj, payer);
}
// Words of work that freeing a block of so many counts as: the system takes 50 us to take back 512 KB.
static inline i64 free_cost(u64 words) { return 64 + (i64)(words / 8); }
void counts_release_moved(Worker *worker, u64 *words, u64 used, Bank *payer);  // after a collection: of those that were not moved
// The same of those from `at` on, until `*left` words of work are done. Where it stopped.
u64 counts_release_some(Worker *worker, u64 *words, u64 at, u64 used, Bank *payer, i64 *left);

// What was left to be freed: a step or a few of it, between two slices; or all.
void release_between(Worker *worker);
void release_rest(Worker *worker);

void block_dead(Worker *worker, SharedBlock *block);                 // its last count is gone

// ---- walk.c ----
void heap_check(Worker *worker, Actor *actor, bool frames);          // heap_walk(); at the end of a turn frames are no roots
