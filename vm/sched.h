// The scheduler's inside: what a worker keeps to decide who runs next, and the steps of a run. life.h is the face for those who send.
#pragma once
#include "vm/bank.h"
#include "vm/crew.h"
#include "vm/message.h"
#include "vm/random.h"
#include "vm/state.h"
#include "vm/timer.h"

enum {
  QUANTUM = 20000,          // reductions of a slice
  TURN_COST = 10,           // reductions for a turn beside what its code costs: senders can't outrun who handles what they send
  POLL_SLICES = 64,         // slices between two looks at the clock and at the outside; one is enough if it was whole
  POLL_REDUCTIONS = 256,    // and as many count as one of them
  REAP_STEP = 256,          // unreachable actors freed between two slices,
  REAP_WORDS = 4096,        // or so many as have that much in their heaps
  UNDERTAKE_STEP = 1000,    // actors of destroyed banks looked at between two slices
  SERIALS_SHARED = 4096,    // the first so many are given one by one, the others in blocks
  SERIALS_BLOCK = 256,
  HAND_DEPTH = 16,          // actors that stand by at once (H2)
  HAND_ROW = 100,           // requests handed on in one slice (H3)
};

// Builds under stress, whose slices are over as soon as they have begun, hand on all the same.
#ifdef DEED_STRESS
enum { HAND_ALWAYS = true };
#else
enum { HAND_ALWAYS = false };
#endif

typedef struct Sched {
  Timers timers;
  // Ready actors stand in the lines of accounts: that of the one in front, and those in a heap, none of them empty (line.c); under --seed in
  // an array to draw from.
  Account *front, *others;
  unsigned __int128 pass;   // the most that an account had when it was chosen
  u64 chosen;               // ticks when that was done; 0: its slice is over
  u64 looked, looked_wall, looked_own;  // when it was looked how much the thread had run: ticks, ns, ns that it had run
  Account *graves;          // accounts whose actors are to be told to end, linked by next_grave
  u64 sole;                 // reductions of the worker when it last had no more than one in line
  Actor **drawn_from;
  u32 ready_count, drawn_capacity;  // ready: in all, but for those of frozen banks
  u32 actor_count;          // actors that exist: the array has room for all, so that making one ready cannot fail
  Actor *reap;              // that may be unreachable, linked by next_ready
  Promise *dead;            // promises to free
  Operation *called_off;    // what is to be cancelled
  Promise *settled, *last_settled;  // promises whose waiters are to be told, first to last (counted)
  bool releasing, announcing;       // the lists are being worked off
  Actor *flushing;          // forwarders that send on what they had kept (forward.c)
  bool sending_on, cutting; // the lists before and after are being worked off
  struct Bond *cut;         // bonds of leashes that have been cut, the next first (leash.c)
  // Waits that may have closed a cycle, a ring around `suspects`; anyone may take his out, under the lock (deadlock.c). All workers agree in
  // what follows after each look.
  Waiter suspects;
  Spin suspects_lock;
  u64 suspects_due;         // reductions of the run if time is simulated, else us: sooner they are not looked at
  u64 suspects_since;       // waits that began then or later have not lasted long
  u64 since_lead;           // what is added to the worker's slices to say when a wait began
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
  Random havoc;             // whom the hook kills, and when (havoc.c)
  i64 until_poll;           // slices
  // Requests that are handed on (hand.c): who asked and stands by, the first to ask first; and what is about to be handed on, to whom.
  Actor *callers[HAND_DEPTH];
  u32 depth;
  u32 hands_left;           // in this slice
  Actor *callee;
  Message *handed;          // or NULL
  u64 serial, serials_end;  // the next of the worker's block, and the block's end
  Actor *retired, *retiring;        // records to be freed when no other worker can look at them any more (crew.c)
  u32 retired_count, retiring_count;
  u32 sent_home;                    // records of other workers' actors that were given back to them
  Actor *taken;                     // of those that came back, what is still to be freed
  u64 *seen;                        // the rounds of the others when `retiring` began
  u32 seen_count;
  _Atomic u64 rounds;               // even: it goes up by two with each slice; odd: the worker has nothing to do
} Sched;

bool sched_open(Worker *worker) MUST_CHECK;   // makes worker->sched as the VM's options say
void sched_close(Worker *worker);

// Room for one more actor among the ready ones.
bool sched_admit(Worker *worker) MUST_CHECK;

void sched_run(Worker *worker);  // of the first worker: crew_run()
// Ends the run, with all its workers: the first to ask wins.
void sched_stop(Worker *worker, VmEnd end, int status);

u64 sched_serials_more(Worker *worker);
// Of a new actor.
static inline u64 sched_serial(Worker *worker) {
  Sched *sched = worker->sched;
  return LIKELY(sched->serial != sched->serials_end) ? sched->serial++ : sched_serials_more(worker);
}

// ---- line.c ----
void line_appear(Sched *sched, Account *account);    // somebody has joined a line other than the one in front
void line_add_drawn(Sched *sched, Account *account, Actor *actor);  // under --seed
void line_charge(Sched *sched, Account *account, u64 spent);  // for a slice of so many reductions
// While the crew stands still: accounts that have been marked `parked` leave their worker's lines; or a bank's come back.
void line_sift(Worker *worker);
void line_unpark(Worker *worker, Bank *bank);

static inline void line_count(Sched *sched, Account *account) {
  account->ready_count++;
  if (LIKELY(account == sched->front)) sched->ready_count++;
  else line_appear(sched, account);
}

// Puts an actor in line. The caller owns it (W2).
static inline void sched_ready(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  Account *account = actor_account(worker, actor);
  atomic_store_explicit(&actor->state, ACTOR_READY, memory_order_relaxed);
  if (UNLIKELY(sched->seeded)) {
    line_add_drawn(sched, account, actor);
    return;
  }
  queue_add(&account->fresh, actor);
  line_count(sched, account);
}

// The same where no more is to be done than that: for one of the running actor's bank. False: nothing has happened.
static inline bool sched_ready_plainly(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  Account *account = worker->account;
  if (UNLIKELY(sched->seeded || account != sched->front)) return false;
  atomic_store_explicit(&actor->state, ACTOR_READY, memory_order_relaxed);
  queue_add(&account->fresh, actor);
  account->ready_count++;
  sched->ready_count++;
  return true;
}

// The same for one that could have gone on, had it not used up its slice.
static inline void sched_requeue(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  if (UNLIKELY(sched->seeded)) {
    sched_ready(worker, actor);
    return;
  }
  Account *account = actor_account(worker, actor);
  atomic_store_explicit(&actor->state, ACTOR_READY, memory_order_relaxed);
  account->spent_count++;
  queue_add(&account->spent, actor);
  line_count(sched, account);
}

// Makes a suspended actor ready, unless another has (W2).
static inline bool sched_wake(Worker *worker, Actor *actor) {
  u8 suspended = ACTOR_SUSPENDED;
  if (!atomic_compare_exchange_strong(&actor->state, &suspended, ACTOR_READY)) return false;
  sched_ready(worker, actor);
  return true;
}

// The same for one that has not used up all of its slice: it comes before the others of its sort.
static inline void sched_requeue_first(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  Account *account = actor_account(worker, actor);
  if (sched->seeded || !account->spent_count) {
    sched_requeue(worker, actor);
    return;
  }
  atomic_store_explicit(&actor->state, ACTOR_READY, memory_order_relaxed);
  account->spent_count++;
  actor->next_ready = account->spent.first;
  account->spent.first = actor;
  line_count(sched, account);
}

// Whether anybody stands in line who has not just used up a slice. In lines behind the one in front: taken to be so.
static inline bool sched_has_woken(const Sched *sched) {
  return sched->others || (sched->front && sched->front->ready_count > sched->front->spent_count) || (sched->seeded && sched->ready_count);
}

Actor *sched_choose(Worker *worker);  // of those in line, when that needs thought

// The next in line, or NULL.
static inline Actor *sched_take(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched->ready_count) return NULL;
  if (UNLIKELY(sched->others || sched->seeded)) return sched_choose(worker);
  Account *account = sched->front;
  if (account->spent_count && (account->ready_count == account->spent_count || worker->stats.reductions >= account->spent_due)) {
    return sched_choose(worker);
  }
  sched->ready_count--;
  Actor *actor = account->fresh.first;
  account->fresh.first = actor->next_ready;
  __builtin_prefetch(actor->next_ready);  // it is next, or nothing is there
  __builtin_prefetch((const void *)((u64)actor->next_ready + 64));
  if (--account->ready_count == account->spent_count) account->fresh.tail = &account->fresh.first;
  return actor;
}

// Takes up to half of those in line out of it, for others: linked by next_ready, to `*last`. How many.
u32 sched_give(Worker *worker, Actor **first, Actor **last);
// Puts so many that others gave in line, linked by next_ready. The last one's link need not be set.
void sched_join(Worker *worker, Actor *first, Actor *last, u32 count);

i64 sched_grant_odd(Sched *sched, i64 granted);        // under --seed, or with the kill hook set
void sched_charge_kill(Sched *sched, i64 spent);

// Gives the running actor its reductions.
static inline void sched_grant(Worker *worker) {
  Sched *sched = worker->sched;
  i64 granted = worker->vm->options.quantum;
  if (UNLIKELY(sched->seeded || sched->kill_left)) granted = sched_grant_odd(sched, granted);
  sched->granted = worker->reductions = granted;
}

// It gets no more than so many of them.
static inline void sched_shorten(Worker *worker, i64 most) {
  if (worker->reductions <= most) return;
  worker->sched->granted -= worker->reductions - most;
  worker->reductions = most;
}

// It gets no more of them.
static inline void sched_cut(Worker *worker) {
  if (worker->reductions <= 0) return;
  worker->sched->granted -= worker->reductions;
  worker->reductions = 0;
}

// Books what it has used.
static inline void sched_charge(Worker *worker) {
  Sched *sched = worker->sched;
  i64 spent = sched->granted - worker->reductions;
  sched->granted = worker->reductions;
  worker->stats.reductions += (u64)spent;
  worker->stats.slices++;
  sched->until_poll -= 1 + (i64)((u64)spent / POLL_REDUCTIONS);
  if (UNLIKELY(sched->others != NULL)) line_charge(sched, worker->account, (u64)spent);
  if (UNLIKELY(sched->kill_left)) sched_charge_kill(sched, spent);
}

// A slice begins or has ended: the worker looks at no actor that it looked at before (E5).
static inline void sched_round(Worker *worker) {
  Sched *sched = worker->sched;
  atomic_store_explicit(&sched->rounds, atomic_load_explicit(&sched->rounds, memory_order_relaxed) + 2, memory_order_release);
}

// Between slices, if there is something to do or nobody is ready: frees actors, waits, looks at the outside. False: the run is over.
bool sched_look(Worker *worker, bool nobody);
// Nobody else could run: the actor may have another slice at once. Books, looks at the outside, and grants.
bool sched_again(Worker *worker);

// ---- turn.c ----
void turns_run(Worker *worker);                       // slice after slice, until the run is over
void turn_discard(Worker *worker, Turn *turn);        // an actor ends amid it: lets go of its wait and its timer, frees it

// ---- havoc.c ----
i64 havoc_next(Sched *sched, u64 every);              // reductions until the next kill
// At the end of the actor's slice. True: it is to be killed here and now, which only who owns it can do.
bool havoc_strike(Worker *worker, Actor *actor, bool owned) MUST_CHECK;

// ---- suspend.c ----
// Makes the actor suspended, its turn waiting for turn->waiting. False: that has settled, or something else speaks against it: then it runs
// on, and suspend_end() says how. If it is true somebody else may run the actor by now.
bool suspend_begin(Actor *actor, Turn *turn) MUST_CHECK;
typedef enum SuspendEnd {
  SUSPEND_OVER,    // the turn goes on: the promise has settled, or if it is still open, time is up
  SUSPEND_DOOMED,  // the actor is to end
  SUSPEND_AGAIN,   // it is suspended again, and may be run by somebody else
} SuspendEnd;
SuspendEnd suspend_look(Worker *worker, Actor *actor, Turn *turn) MUST_CHECK;
// Of one that was made ready, mostly because the promise has settled.
static inline MUST_CHECK SuspendEnd suspend_end(Worker *worker, Actor *actor, Turn *turn) {
  bool settled = atomic_load_explicit(&turn->waiting->state, memory_order_acquire) != PROMISE_OPEN;
  bool plain = settled && !atomic_load_explicit(&actor->disturbed, memory_order_relaxed) && !turn->timer;
  return LIKELY(plain) ? SUSPEND_OVER : suspend_look(worker, actor, turn);
}
void suspend_give_up(Worker *worker, Turn *turn);     // whatever it waits for, if anything

// ---- hand.c ----
bool hand_drawn(Sched *sched);                        // whether to, in a run with a seed
void hand_decline(Worker *worker);                    // what is about to be handed on is queued after all
void callers_park(Worker *worker);                    // whoever stands by waits in the usual way from now on (H4)
// Whether the actors of a slice may go on. Whatever speaks against it has cut the reductions: full output, a collection in steps, a bank that
// was frozen or destroyed.
static inline bool slice_goes_on(const Worker *worker) {
  if (!HAND_ALWAYS) return LIKELY(worker->reductions > 0);
  return !worker->stalled && !worker->collect_due && !worker->account->parked && !worker->account->doomed;
}
// Hands a request on that was made for it, if its receiver is idle and nothing stands in the way (H1): then the receiver is the worker's, and
// the turn that asks is to be put aside at once. The promise is settled with the answer.
static inline bool hand_on(Worker *worker, Actor *to, Message *message, Promise *promise) {
  Sched *sched = worker->sched;
  if (atomic_load_explicit(&to->inbox, memory_order_relaxed) != MAILBOX_IDLE || !sched->hands_left || sched->depth == HAND_DEPTH) return false;
  bool plain = actor_is_open(to, message->payer) && !to->class->any_guard && !to->class->step;
  if (!plain || !slice_goes_on(worker) || (UNLIKELY(sched->seeded) && !hand_drawn(sched)) || !mailbox_rouse(to)) return false;
  atomic_store_explicit(&to->state, ACTOR_RUNNING, memory_order_relaxed);
  message->promise = promise;
  promise->owed = owed_by_actor(to);
  worker->stats.sent++;
  sched->callee = to;
  sched->handed = message;
  return true;
}

// ---- deadlock.c ----
// When a wait begins, for comparisons. Later ones have greater numbers, within one worker; and among all, if there was a look between, or
// about a slice.
static inline u64 deadlock_since(const Worker *worker) { return worker->sched->since_lead + worker->stats.slices; }
// Makes waits of different workers comparable: now and then, and when the worker has slept.
void deadlock_keep_time(Worker *worker);
// A wait that has just begun may have closed a cycle: it is looked at when it has lasted a while.
void deadlock_suspect(Worker *worker, Waiter *waiter);
// Breaks the cycles among those suspected, if it is time; if idle, it is: no actor of any worker is ready then. Halts the crew.
void deadlocks_look(Worker *worker, bool idle);

// ---- waits.c ----
void waits_show(Worker *worker);                      // all actors, and who waits for whom, to stderr

// ---- life.c ----
// A text that an actor ended with.
typedef struct Why {
  u32 length;
  char text[];
} Why;

Actor *actor_make(Worker *worker, Bank *bank, const Class *class) MUST_CHECK;  // no messages, not ready; no reference exists. NULL: memory
void actor_begin(Worker *worker, Actor *actor, Message *message);  // gives a new actor its first message and makes it ready
static inline __attribute__((always_inline)) bool actor_takes(Worker *worker, Actor *actor, Message *message,
                                                             PushResult (*push)(Actor *actor, Message *message)) {
  if (message->promise) message->promise->owed = owed_by_actor(actor);
  switch (push(actor, message)) {
    case PUSH_QUEUED: return true;
    case PUSH_WAKE: sched_ready(worker, actor); return true;
    case PUSH_CLOSED: case PUSH_FULL: break;
  }
  if (message->promise) message->promise->owed = 0;
  return false;
}
// Queues a message of the VM's own, whether there is room or not. False if the actor has ended: then it is a dead letter.
static inline MUST_CHECK bool actor_post(Worker *worker, Actor *actor, Message *message) {
  return actor_takes(worker, actor, message, mailbox_push);
}
// The same for one that an actor has sent: false too if there is no room, or that must be looked at closely. Not if it is large.
static inline MUST_CHECK bool actor_admit(Worker *worker, Actor *actor, Message *message) {
  return actor_takes(worker, actor, message, mailbox_admit);
}
// A message that an actor's inbox did not take: delivered otherwise, if the actor's class has a way, or counted and dropped as a dead
// letter. False: the sender crashes with worker->fault.
bool actor_refused(Worker *worker, Actor *actor, Message *message) MUST_CHECK;
void actor_dead_letter(Worker *worker, const Actor *actor, Message *message);

// Sends a message that was made for it. `promise` (taken over, may be NULL) is settled with the answer. False: crowd_send() is to see to
// the message, as to all that are large.
static inline MUST_CHECK bool actor_send(Worker *worker, const Obj *reference, u16 slot, Message *message, Promise *promise) {
  message->slot = ref_itable(reference)->slots[slot];
  message->promise = promise;
  worker->stats.sent++;
  return actor_admit(worker, ref_actor(reference), message);
}
// The same for a message that wants no answer, without calling anything. PUSH_WAKE: the caller is to make the receiver ready.
static inline __attribute__((always_inline)) MUST_CHECK PushResult actor_tell(Worker *worker, const Obj *reference, u16 slot, Message *message) {
  message->slot = ref_itable(reference)->slots[slot];
  worker->stats.sent++;
  Actor *actor = ref_actor(reference);
  PushResult pushed = mailbox_admit(actor, message);
  return pushed == PUSH_WAKE && LIKELY(sched_ready_plainly(worker, actor)) ? PUSH_QUEUED : pushed;
}

void actor_dispose(Worker *worker, Actor *actor);                  // frees the record, which nothing names any more (crew_retire())
// Sees to the records that other workers have sent home (E3), up to REAP_STEP. True if there are more.
bool life_take_returned(Worker *worker);
// A class's actor without a reference, which the worker has just run, has gone idle. True: it has been freed, for nothing hung on it.
bool actor_went_idle(Worker *worker, Actor *actor) MUST_CHECK;
void life_reap(Worker *worker, u32 most);                          // frees those that can go, up to so many
void life_close(Vm *vm);                                           // ends and frees all: no worker runs any more
// All that the end of an actor leaves has been cut: tells `told`, and gives back the weight that the end held.
void actor_departed(Worker *worker, Actor *actor, struct Watcher *told);

