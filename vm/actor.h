// Actors, messages, promises, turns: the records. What is done with them is in life.c, mailbox.c, promise.c, turn.c.
#pragma once
#include <stdatomic.h>

#include "vm/code.h"
#include "vm/heap.h"
#include "vm/spin.h"

// ---- Messages -------------------------------------------------------------------------------------------------------

typedef enum MessageKind {
  MESSAGE_CALL,    // slot names the handler
  MESSAGE_START,   // args of the init function: an actor's first turn
  MESSAGE_WHEN,    // a settled `when`: runs `code` with the result and the captures
  MESSAGE_TASK,    // a task's closure, args[0]; or, if it has code, main or a test with its arguments
} MessageKind;

// One allocation: this header, `count` argument words, then the graph they reach (fragment), used in place by the receiver's turn.
struct Message {
  Message *next;
  MessageKind kind : 8;
  u32 counted : 8;       // the fragment or the arguments hold COUNTED objects
  u32 shared : 4;        // the fragment begins with handles of shared blocks (shared.h)
  u32 begun : 4;         // its turn has begun: it doesn't count as queued any more
  u32 weighs : 4;        // 1: it counts in the mailbox's own words (mailbox.h)
  u32 crowded : 4;       // it counts in a backlog (crowd.h)
  u16 slot;
  u16 count;             // argument words
  u32 bytes;             // of the whole allocation
  u32 sender_line;       // source line of the send
  u64 sender;            // serial of the sender, 0 for the VM itself
  const Class *sender_class;
  Promise *promise;      // to settle with the answer (owned), or NULL
  const Code *code;      // START, WHEN; TASK of main and tests
  union {
    void *gate;          // outermost revocable gate that it came through, or NULL
    Promise *on;         // WHEN: the promise that settled (counted); its turn makes args[0] of it
    Actor *to;           // `dropped`, not yet sent: whose it is
  };
  Bank *payer;           // whose bank it, and what its handles own, is charged to: the sender's until its turn begins
  Val args[];
};

// ---- Promises -------------------------------------------------------------------------------------------------------

typedef enum PromiseState { PROMISE_OPEN, PROMISE_KEPT, PROMISE_BROKEN } PromiseState;

typedef enum WaiterKind {
  WAITER_ACTOR,     // suspended in AWAIT or OUTCOME
  WAITER_WHEN,      // a message to enqueue
  WAITER_FORWARD,   // another promise settles likewise
  WAITER_ALL,       // one of the members of an all()
  WAITER_RACE,
} WaiterKind;

typedef struct Waiter {
  struct Waiter *next, *prev;  // a ring, so that the first to wait is the first to hear, and who gives up leaves at once
  struct Waiter *later, *earlier;  // ACTOR, FORWARD: in a list of those that may have closed a cycle (deadlock.c)
  WaiterKind kind;
  u32 listed;         // in which worker's list, counted from 1; 0: in none
  Actor *actor;       // ACTOR, WHEN
  union {
    Message *message; // WHEN: prepared with its captures
    u64 since;        // ACTOR, FORWARD: when it began, in slices
    struct Group *group;  // ALL, RACE
  };
  Promise *target;    // FORWARD (counted)
  Bank *payer;        // WHEN, FORWARD: of its record
  Promise *on;        // WHEN, FORWARD: in whose ring it is
} Waiter;

// A counted block outside any heap. Settled exactly once.
struct Promise {
  union {
    Promise *next;             // in a list of the worker: to be announced, or to be freed
    u64 owed;                  // open: by whom (OWED_…)
  };
  _Atomic u32 count;           // handles in heaps, messages, waiters, resolvers; and PROMISE_OPERATED
  _Atomic u32 state;           // PromiseState
  Val value;                   // kept: the answer; broken: a Broken value; points into chunk or is immediate or immortal
  Chunk *chunk;
  Bank *payer;                 // of the record and of the value: the asker's
  Waiter *waiters;             // a ring; once settled, those whom its settler has still to tell
  struct Group *group;         // of a promise made by all() or race(), while it is open: its members
  const Class *asked;          // for "awaiting Tally.get": the class asked and the handler's number
  u16 asked_slot;              // if asked is NULL: an Asked
  Spin lock;                   // docs/workers.md, P1 … P5
  u32 mark;                    // how far a search for cycles has come with it (deadlock.c)
  struct Operation *operation; // what a native does for it, called off when nobody listens any more; or NULL
};

// In a promise's count: it has an operation. So whoever gives back the last count but one notices, in the same step, that nobody but the
// resolver is left; afterwards the promise would no longer be his to look at.
#define PROMISE_OPERATED (1u << 31)

// Who owes an open promise: 0 if that is no actor of the program, or nobody can tell; the Actor in whose mailbox or turn the message
// is; or, with the lowest bit set, the Waiter, FORWARD or WHEN, that will settle it. No count and no weight: who owes a promise is there
// until it has settled.
enum { OWED_BY_WAITER = 1 };
static inline u64 owed_by_actor(const Actor *actor) { return (u64)actor; }
static inline u64 owed_by_waiter(const Waiter *waiter) { return (u64)waiter | OWED_BY_WAITER; }

typedef enum Asked { ASKED_TASK, ASKED_ALL, ASKED_RACE, ASKED_WHEN, ASKED_ENDED, ASKED_SPACE } Asked;

// Embedded in whatever a native keeps about an answer it owes. `cancel` is called once, when the resolver's handle is the last:
// it must release that handle.
typedef struct Operation {
  void (*cancel)(Worker *worker, struct Operation *operation);
  struct Operation *next;  // in the list of those being called off
} Operation;

// One of those that a promise made by all() or race() follows.
typedef struct Member {
  Waiter waiter;     // in the member's ring until it settles; `next` is NULL then
  Promise *promise;  // (counted)
} Member;

// Of a promise made by all() or race(). It lives until that has settled or is called off, and no member is being told (P5).
typedef struct Group {
  Operation operation;  // first
  Promise *whole;       // (counted)
  u32 count;
  _Atomic u32 open;     // ALL: members that have not been kept
  _Atomic u32 held;     // one for the whole, one for each member that is linked or being told, one while it is being built
  Member members[];
} Group;

// ---- Turns ----------------------------------------------------------------------------------------------------------

typedef enum TurnPhase {
  PHASE_HANDLER,    // running the handler, init, when or task body
  PHASE_GUARD,      // running a guard of `message`
} TurnPhase;

// A turn in progress: on the worker, or put aside in its actor (suspended or preempted).
typedef struct Turn {
  TurnPhase phase;
  Message *message;       // what is being handled
  const Code *code;       // of its handler, once that has begun
  bool young_message;     // HANDLER: its fragment is young memory; false once a collection has been there
  u64 *stack;             // frames, growing upward
  u32 stack_words;        // capacity
  Bank *payer;            // of `charged` bytes: what it takes beyond what a worker keeps for running turns (frames.c)
  u64 charged;
  u32 fp;                 // of the running frame, in words from stack
  u32 watermark;          // frames whose fp is below hold no young pointers
  const u64 *pc;
  const u64 *pc_after;    // when suspended: where it goes on with the value
  const u64 *barrier_pc;  // real return address of the frame at the watermark (see turn.c), or NULL
  Promise *waiting;       // (counted) when suspended
  Waiter waiter;          // linked into waiting->waiters while suspended
  struct Timer *timer;    // of `within`, or NULL
  bool at_once;           // what it is about to send has been frozen as far as that can be done in steps
  bool put_off;           // GUARD: `message` is in the put-off list
  struct HeldSend *held;  // a send that waits for room, or NULL (crowd.h)
  struct Work *work;      // of a native that was interrupted, or NULL (work.h)
  u32 guard_writes;       // GUARD: arrays of vals that it wrote into and that still exist (storage.h)
  bool wants_outcome;     // OUTCOME rather than AWAIT
  u16 dst;                // register that the awaited value goes to
} Turn;

typedef enum ActorState {
  ACTOR_IDLE,        // empty mailbox as far as known; in no queue
  ACTOR_READY,       // in a run queue
  ACTOR_RUNNING,
  ACTOR_SUSPENDED,   // waits for a promise
  ACTOR_ENDED,       // a tombstone for the references that remain
} ActorState;

// 112 bytes with one Int of state: a size that the allocator has. Everything else is made when needed.
struct Actor {
  const Class *class;
  _Atomic u64 inbox;           // pushed by anyone: newest first, and how many count; MAILBOX_IDLE when the owner has seen it empty
  Message *queue;              // owner's: oldest-first circular list's last message, or NULL
  Actor *next_ready;
  _Atomic u64 weight;          // weights of all references that exist
  u64 serial;                  // never reused
  Actor *newer, *older;        // all actors of its bank that the same worker has made
  Bank *bank;                  // what it draws memory and time from; never another
  Turn *turn;                  // put aside, or NULL
  Heap *heap;                  // or NULL
  union {
    struct Watcher *watchers;  // who wants to hear of its end (watch.h), or NULL
    struct Why *why;           // once crashed: the text
  };
  _Atomic u8 state;            // ActorState
  u8 exit : 2;                 // once ended: 0 normal, 1 crashed, 2 killed
  bool collecting : 1;         // it stands in line for its heap to be collected (collect.c)
  _Atomic u8 marks;            // ACTOR_REAPING, ACTOR_CROWDED
  _Atomic u8 doomed;           // somebody wants it to end (W3): DOOMED and its kin
  _Atomic u8 disturbed;        // it was made ready for another reason than that its promise has settled (P3)
  u8 home;                     // the worker that made it
  _Atomic u16 queued;          // messages of the queue that count
  u64 fields[];                // state; class->raw_fields says which are raw. With guards, three words of the mailbox follow
};

enum {
  DOOMED = 1,
  DOOM_COUNTED = 2,  // the undertaker of its bank waits for the end
  DOOM_OVER = 4,     // it has ended, in a destroyed bank
  DOOM_LATER = 8,    // it is to end when the turn that it is amid is over, if it is amid one (ending.c)
};

enum {
  ACTOR_REAPING = 1,  // somebody is freeing it (E1, E2)
  ACTOR_CROWDED = 2,  // its gate is shut: there are backlogs (crowd.h)
};

_Static_assert(sizeof(struct Actor) + sizeof(u64) <= 112, "an idle actor with one Int of state takes 112 bytes at most");

// A waiter is about to be freed: it closes no cycle.
void deadlock_unlist(Worker *worker, Waiter *waiter);
static inline void deadlock_forget(Worker *worker, Waiter *waiter) {
  if (UNLIKELY(waiter->listed)) deadlock_unlist(worker, waiter);
}

// Somebody begins to free it: true for the first to ask.
static inline bool actor_claim(Actor *actor) { return !(atomic_fetch_or(&actor->marks, ACTOR_REAPING) & ACTOR_REAPING); }
// Whoever sends looks closely, or whoever takes may let somebody in.
static inline bool actor_is_crowded(const Actor *actor) {
  return atomic_load_explicit(&actor->marks, memory_order_relaxed) & ACTOR_CROWDED;
}
// Senders of the bank push without a closer look.
static inline bool actor_is_open(const Actor *actor, const Bank *bank) { return actor->bank == bank && !actor_is_crowded(actor); }

static inline ActorState actor_state(const Actor *actor) { return (ActorState)atomic_load_explicit(&actor->state, memory_order_relaxed); }

enum { WEIGHT_UNIT = 1 << 16 };  // weight of a newly minted reference

#define MAILBOX_IDLE ((u64)1 << 16)
#define MAILBOX_CLOSED ((u64)2 << 16 | 0xffff)  // the actor has ended; so many count that it seems full
