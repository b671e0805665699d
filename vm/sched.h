// The scheduler's inside: what a worker keeps to decide who runs next, and the steps of a run. life.h is the face for those who send.
#pragma once
#include "vm/message.h"
#include "vm/random.h"
#include "vm/state.h"
#include "vm/timer.h"

enum {
  QUANTUM = 20000,          // reductions of a slice
  TURN_COST = 10,           // reductions for a turn beside what its code costs: senders can't outrun who handles what they send
  POLL_SLICES = 64,         // slices between two looks at the clock and at the outside
  REAP_STEP = 256,          // unreachable actors freed between two slices
};

typedef struct Sched {
  Timers timers;
  // Ready actors: a list, first to last; under --seed an array to draw from.
  Actor *first, **tail;     // `tail` is where the next one is to stand
  Actor **drawn_from;
  u32 ready_count, drawn_capacity;
  u32 actor_count;          // actors that exist: the array has room for all, so that making one ready cannot fail
  Actor *reap;              // that may be unreachable, linked by next_ready
  Promise *dead;            // promises to free
  Promise *settled, *last_settled;  // promises whose waiters are to hear, first to last (counted)
  bool releasing, announcing;       // the lists are being worked off
  Actor *flushing;          // forwarders that send on what they had kept (forward.c)
  Actor *cuts;              // leashes being cut, the next first (leash.c)
  bool cutting;
  // Waits that may have closed a cycle, a ring around `suspects` (deadlock.c).
  Waiter suspects;
  u64 suspects_due;         // reductions of the run: sooner they are not looked at
  u64 suspects_slice;       // waits that began in this slice or later have not lasted long
  u32 mark;                 // of the last search
  bool seeded;
  bool simulated;           // the clock goes on 1 ms for each QUANTUM of reductions, and jumps to the next timer when nobody is ready
  u64 clocked;              // reductions of the run that the simulated clock has counted
  Random choice;            // --seed: who is next, and for how long
  u64 start;                // of the clock, us; what sched_now() gives counts from here
  u64 now;                  // simulated
  i64 granted;              // reductions of the running slice
  i64 kill_left;            // reductions until the kill hook acts; 0: never
  bool kill_now;
  i64 until_poll;           // slices
  bool stopping;            // the run ends now, as `end` says
  VmResult end;
} Sched;

bool sched_open(Worker *worker) MUST_CHECK;   // makes worker->sched as the VM's options say
void sched_close(Worker *worker);

// Room for one more actor among the ready ones.
bool sched_admit(Worker *worker) MUST_CHECK;

// Runs until nothing is ready, no timer waits and no input is awaited, or until someone asked to stop.
void sched_run(Worker *worker);
void sched_stop(Worker *worker, VmEnd end, int status);  // the first to ask wins

// Puts an actor in line.
static inline void sched_ready(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  atomic_store_explicit(&actor->state, ACTOR_READY, memory_order_relaxed);
  sched->ready_count++;
  if (UNLIKELY(sched->seeded)) {
    sched->drawn_from[sched->ready_count - 1] = actor;
    return;
  }
  *sched->tail = actor;
  sched->tail = &actor->next_ready;
}

// Makes a suspended actor ready, unless another has (W2).
static inline bool sched_wake(Worker *worker, Actor *actor) {
  u8 suspended = ACTOR_SUSPENDED;
  if (!atomic_compare_exchange_strong(&actor->state, &suspended, ACTOR_READY)) return false;
  sched_ready(worker, actor);
  return true;
}

Actor *sched_draw(Sched *sched);                       // under --seed: any of those in line

// The next in line, or NULL.
static inline Actor *sched_take(Sched *sched) {
  if (!sched->ready_count) return NULL;
  sched->ready_count--;
  if (UNLIKELY(sched->seeded)) return sched_draw(sched);
  Actor *actor = sched->first;
  sched->first = actor->next_ready;
  if (!sched->ready_count) sched->tail = &sched->first;
  return actor;
}

i64 sched_grant_odd(Sched *sched, i64 granted);        // under --seed, or with the kill hook set
void sched_charge_kill(Sched *sched, i64 spent);

// Gives the running actor its reductions.
static inline void sched_grant(Worker *worker) {
  Sched *sched = worker->sched;
  i64 granted = worker->vm->options.quantum;
  if (UNLIKELY(sched->seeded || sched->kill_left)) granted = sched_grant_odd(sched, granted);
  sched->granted = worker->reductions = granted;
}

// Books what it has used.
static inline void sched_charge(Worker *worker) {
  Sched *sched = worker->sched;
  i64 spent = sched->granted - worker->reductions;
  sched->granted = worker->reductions;
  worker->stats.reductions += (u64)spent;
  worker->stats.slices++;
  sched->until_poll -= 1 + (i64)((u64)spent / 512);
  if (UNLIKELY(sched->kill_left)) sched_charge_kill(sched, spent);
}

// Between slices, if there is something to do or nobody is ready: frees actors, waits, looks at the outside. False ends the run.
bool sched_look(Worker *worker, bool idle);
// Nobody else could run: the actor may have another slice at once. Books, looks at the outside, and grants.
bool sched_again(Worker *worker);

// ---- turn.c ----
void turns_run(Worker *worker);                       // slice after slice, until the run ends
void turn_discard(Worker *worker, Turn *turn);        // an actor ends amid it: lets go of its wait and its timer, frees it

// ---- deadlock.c ----
// A wait that has just begun may have closed a cycle: it is looked at when it has lasted a while.
void deadlock_suspect(Worker *worker, Waiter *waiter);
void deadlocks_look(Worker *worker, bool idle);       // breaks the cycles among those suspected, if it is time; if idle, it is

// ---- waits.c ----
void waits_show(Worker *worker);                      // all actors, and who waits for whom, to stderr

// ---- life.c ----
// A text that an actor ended with.
typedef struct Why {
  u32 length;
  char text[];
} Why;

Actor *actor_make(Worker *worker, const Class *class) MUST_CHECK;  // no messages, not ready; no reference exists. NULL: memory
void actor_begin(Worker *worker, Actor *actor, Message *message);  // gives a new actor its first message and makes it ready
// Queues a message. False if the actor has ended: then it is a dead letter.
static inline MUST_CHECK bool actor_post(Worker *worker, Actor *actor, Message *message) {
  if (message->promise) message->promise->owed = owed_by_actor(actor);
  switch (mailbox_push(actor, message)) {
    case PUSH_QUEUED: return true;
    case PUSH_WAKE: sched_ready(worker, actor); return true;
    case PUSH_CLOSED: break;
  }
  if (message->promise) message->promise->owed = 0;
  return false;
}
// A message that an actor's inbox did not take: delivered otherwise, if the actor's class has a way, or counted and dropped as a dead
// letter. False: the sender crashes with worker->fault.
bool actor_refused(Worker *worker, Actor *actor, Message *message) MUST_CHECK;
void actor_dead_letter(Worker *worker, const Actor *actor, Message *message);

// Sends a message that was made for it. `promise` (taken over, may be NULL) is settled with the answer. False: actor_refused() is to
// see to the message.
static inline MUST_CHECK bool actor_send(Worker *worker, const Obj *reference, u16 slot, Message *message, Promise *promise) {
  message->slot = ref_itable(reference)->slots[slot];
  message->promise = promise;
  worker->stats.sent++;
  return actor_post(worker, ref_actor(reference), message);
}

void life_reap(Worker *worker, u32 most);
void life_close(Worker *worker);                                   // ends and frees all

