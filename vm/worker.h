// A worker: one thread's view of the VM. Everything that runs gets it as its first argument.
#pragma once
#include "vm/actor.h"
#include "vm/address_map.h"
#include "vm/pool.h"
#include "vm/vm.h"

typedef enum FaultKind {
  FAULT_NONE,
  FAULT_CRASH,       // the actor crashes with worker->fault_text
  FAULT_MEMORY,      // out of memory
  FAULT_STOP,        // `stop`
  FAULT_KILL,        // the kill hook, or destroy later
  FAULT_PAUSE,       // it is none: the instruction is not done, and is to be repeated (work.h)
} FaultKind;

// Heads of lists of what is dead, each linked by next.
typedef struct DeadHeads {
  Chunk *chunks;               // with counts
  Message *messages;           // with counts, whose promise is somebody else's matter
  struct SharedBlock *blocks;
  Heap *heaps;
  struct DeadStack *stacks;
} DeadHeads;

// One of them, being worked off: it has `words`, of which `at` are done. Its other members are NULL.
typedef struct DeadItem {
  Chunk *chunk;
  Message *message;
  struct SharedBlock *block;
  Heap *heap;
  struct DeadStack *stack;
  u64 words, at;
  Bank *payer;                 // of it, or NULL
} DeadItem;

typedef struct Dead {
  DeadHeads heads;
  DeadItem item;               // of no words if there is none
} Dead;

struct Worker {
  _Alignas(64) u64 *at, *end;               // the nursery's free words
  u64 *nursery;                // its start
  Actor *actor;                // running, or NULL
  Account *account;            // the worker's part of the running actor's bank; the root's between slices (bank.h)
  Turn *turn;                  // of the running actor
  Obj **counted;               // COUNTED objects born in the nursery
  u32 counted_count, counted_capacity;
  LargeObj *young_large;       // large objects born in this turn
  u64 young_paid;              // bytes charged to the running actor's bank for them, and for big chunks
  u64 young_large_words;       // in them, and in the storage of Bytes born in it
  Storage *written;            // of arrays into which the turn wrote vals, linked by next (storage.h)
  bool untidy;                 // the turn made or received what must be given back or looked at when it ends (heap.h)
  Chunk *big;                  // at lies in this chunk instead of the nursery: a request was too large for it (heap.c)
  Heap *loose;                 // of what runs outside any actor (constants being computed), or NULL
  u32 collections;             // since the worker began
  bool puts_aside;             // it runs slices: a large heap can be collected after one, in steps (collect.c)
  bool collect_due;            // the running actor's is to be
  bool may_repeat;             // what is copied now is sent by an instruction that can be done once more
  bool freeze_due;             // it is to be, once what it sends has been frozen in steps
  Dead dead[2];                // what is to be freed, in the second what goes while `unheard` (release.c)
  u64 dead_words;              // in both: 0 if there is nothing
  u64 dead_least;              // of them were left since a large heap died: much more would mean that more dies than is freed
  u64 released_at;             // reductions of the worker when a step was last done
  bool releasing;              // it is being worked off
  u32 locked;                  // somebody holds a lock for the worker: nothing may be freed for want of room
  bool spilled;                // some of what was swept was left for later: so is telling of its sessions
  Message *late;               // of the latter
  Message *lost;               // messages `dropped` of sessions that were swept, not yet sent, linked by next (life.c)
  u32 holding;                 // they are to wait for others (life.h)
  bool unheard;                // sessions go without telling their actors
  struct CopyEntry *copy_log;  // copy.c
  u32 copy_capacity;
  AddressMap copy_blocks, copy_places;
  u64 copied, frozen;          // bytes copied and blocks made, since the worker began
  bool young_frozen;           // the heap remembers what young objects were frozen to (shared.h)
  i64 reductions;              // left of this slice
  u64 result;                  // of the frame that ended the turn: the answer as a val, or the promise to forward
  struct Stream *stalled;      // the running actor has written there and is to wait for room (stream.h)
  bool in_guard;               // sends, spawns, waits, assignments trap
  FaultKind fault;
  char *fault_text;            // malloc'ed UTF-8, owned; NULL when none
  size_t fault_length;
  char *text;                  // scratch text for show, concat, natives (malloc'ed)
  size_t text_length, text_capacity;
  size_t text_charged;         // to the running actor's bank, if it is large (scratch.c)
  u64 *stack_end;              // no new frame may reach past this word of the running turn's stack
  u64 stack_limit;             // bytes of one actor's stack; 0: the default (frames.c)
  u32 need;                    // words that the instruction on its slow path asks for
  Message *dead_letter;        // that SEND has made for an actor that had ended
  u32 line;                    // source line of the send, spawn, task or when being done: for Message.sender_line
  Turn *spare_turn;            // kept for the next turn_new(), with a stack of the usual size
  u64 *spare_stack;            // kept for a stack that grows to the usual size
  struct Images *images;       // what is loaded (load.h)
  Vm *vm;
  u32 index;                   // among the VM's workers
  VmStats stats;               // what this worker has counted
  _Atomic(Actor *) returned;   // of its actors, those that another worker has ended and freed but for their record, linked by next_ready (E3)
  const Bank *refused;         // whose limit refused memory last
  struct Sched *sched;         // run queue, timers (sched.h)
  Pool pool;
};

// Builds that check the heap after each turn.
#if defined(DEED_STRESS) || defined(DEED_WALK)
enum { WALKING = true };
#else
enum { WALKING = false };
#endif

// Sets worker->fault. Returns false, so that natives can `return fault_set(…)`.
bool fault_set(Worker *worker, const char *format, ...) PRINTF_LIKE(2, 3);

enum { SCRATCH_LIMIT = 1 << 28 };  // bytes: longer text counts as out of memory

// Scratch text. False when memory is out.
bool scratch_reserve(Worker *worker, size_t more) MUST_CHECK;
bool scratch_append(Worker *worker, Str s) MUST_CHECK;
void scratch_trim(Worker *worker);  // at the end of a slice, if anything was charged

// Makes sure that `words` can be taken at worker->at without a check. The one collection point (heap.h).
static inline bool heap_reserve(Worker *worker, u32 words) {
  return LIKELY((size_t)(worker->end - worker->at) >= words) || heap_reserve_slow(worker, words);
}

// Takes reserved words.
static inline Obj *heap_take(Worker *worker, u32 words) {
  Obj *obj = (Obj *)worker->at;
  worker->at += words;
  return obj;
}

// Notes a COUNTED object just built.
static inline void heap_note_counted(Worker *worker, Obj *obj) {
  worker->untidy = true;
  if (UNLIKELY(worker->big != NULL)) {
    worker->big->counted = true;
    return;
  }
  if (UNLIKELY(worker->counted_count == worker->counted_capacity)) BUG("more counted objects than the nursery can hold");
  worker->counted[worker->counted_count++] = obj;
}

// So many words outside the heap came with the last object, Bytes with storage. Enough of them make the next reservation collect.
void heap_note_outside(Worker *worker, u64 words);

// Ends a turn that wrote no state and made nothing but objects in the nursery that hold no counts. False if it was another one:
// nothing is done then, heap_end_turn() is to do it.
static inline bool heap_end_plain(Worker *worker) {
  if (WALKING || worker->untidy) return false;
  worker->at = worker->nursery;
  return true;
}
