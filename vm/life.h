// What actors do to each other: spawn, send, watch, end. And what promises are for. Called by the engine and by natives.
#pragma once
#include "vm/bank.h"
#include "vm/mailbox.h"
#include "vm/native.h"

// ---- Actors (life.c) ----

// A new actor of `class` in the bank, its start message (taken over) queued. A reference for `itable`; 4 words reserved. VAL_EMPTY when memory
// is out.
Val actor_spawn(Worker *worker, Bank *bank, const Class *class, const Itable *itable, Message *start) MUST_CHECK;
// A native actor made by the VM (a power), with `words` of C state in fields. NULL when memory is out.
Actor *actor_native(Worker *worker, Bank *bank, const Class *class, u32 words);
// One without a mailbox: what is sent to it goes to class->deliver.
Actor *actor_closed(Worker *worker, Bank *bank, const Class *class, u32 words);
// A reference to it, minted anew; 4 words reserved.
Val actor_reference(Worker *worker, Actor *actor, const Itable *itable);

bool actor_task(Worker *worker, Val closure, Promise *promise) MUST_CHECK;

typedef enum ExitReason { EXIT_REASON_NORMAL, EXIT_REASON_CRASH, EXIT_REASON_KILLED } ExitReason;
// Ends the actor: breaks the promises of its message and mailbox, tells watchers, drops state, heap and turn. `why` for a crash.
void actor_end(Worker *worker, Actor *actor, ExitReason reason, Str why);
// Makes any actor end soon, on its own worker (W3): one that runs, when its slice is over. Any thread that is a worker; the caller holds a
// weight of it, or a lock without which its record can't be freed. May be called again.
void actor_doom(Worker *worker, Actor *actor);
// The same when the turn is over that it is amid, running or waiting; at once if it is amid none.
void actor_doom_later(Worker *worker, Actor *actor);
// The same as actor_doom() for the undertaker (bank_acts.c), which is to hear of the end: bank_departed(). False: it has ended already.
bool actor_doom_counted(Worker *worker, Actor *actor) MUST_CHECK;

// ---- Sessions (life.c) ----
// A session is the one reference that its interface allows: a handle (storage.h) that holds one WEIGHT_UNIT and, if the actor's class has a
// handler for it, the message that tells of a drop. The message was made with the session, so that a drop cannot fail.

// A new session of the actor; 4 words reserved. VAL_EMPTY when memory is out.
Val session_mint(Worker *worker, Actor *actor, const Itable *itable) MUST_CHECK;
// A message went through it: it is spent, and nobody is told.
void session_spend(Worker *worker, Obj *session);
// Dropped by its owner: spent, and the actor is told at once, unless it has ended.
void session_drop(Worker *worker, Obj *session);
// Found dead by a sweep, neither sent through nor dropped. Its actor is told when the sweep is over, those of several sessions in the
// order of the actors' serials: so what is told does not depend on where objects lay.
void session_lost(Worker *worker, Obj *session);
void sessions_tell_all(Worker *worker);
void sessions_add(Worker *worker, Message *lost);  // to those lost: found by a sweep in several steps. If unheard they are forgotten
// The sweep is over; all sweeps of one crash count as one (worker->holding).
static inline void sessions_tell(Worker *worker) {
  if (UNLIKELY(worker->lost != NULL || worker->spilled) && !worker->holding) sessions_tell_all(worker);
}

// ended(): settled with an Exit. Through forwarders: of the actor to which they lead now, or, as long as none was aimed, will lead.
bool actor_watch(Worker *worker, Val reference, Promise *promise) MUST_CHECK;

// Reference weights: what a copy takes from its original, and what a dead reference gives back.
static inline u64 weight_split(Obj *reference) {
  u64 weight = reference->words[REF_WEIGHT];
  if (UNLIKELY(weight < 2 || header_flags(reference->header) & (OBJ_IMMORTAL | OBJ_SHARED))) {
    atomic_fetch_add_explicit(&ref_actor(reference)->weight, WEIGHT_UNIT, memory_order_relaxed);
    return WEIGHT_UNIT;
  }
  reference->words[REF_WEIGHT] = weight - weight / 2;
  return weight / 2;
}
// Once the words of a COUNTED object have been copied: takes the copy's count, or leaves a handle spent (copy.c).
void object_count_copy(Obj *from, Obj *to);
// Its last weight has come home, or something else has gone that kept it: looks whether it can go now, and makes sure that it does. The record
// is there for as long as the slice, whoever else has freed it meanwhile (E5).
void actor_unreachable(Worker *worker, Actor *actor);
static inline void weight_return(Worker *worker, Actor *actor, u64 weight) {
  u64 before = atomic_fetch_sub(&actor->weight, weight);
  if (UNLIKELY(before == weight)) actor_unreachable(worker, actor);
}

// ---- Promises (promise.c) ----
// Open, count 1, charged to the running actor's bank, as its value will be; NULL when memory is out.
static inline MUST_CHECK Promise *promise_new(Worker *worker) {
  if (UNLIKELY(!account_take(worker, worker->account, sizeof(Promise)))) return NULL;
  Promise *promise = pool_alloc(&worker->pool, sizeof *promise);
  if (LIKELY(promise != NULL)) *promise = (Promise){.count = 1, .state = PROMISE_OPEN, .value = VAL_UNIT, .payer = worker->account->bank};
  else account_give(worker->account, sizeof *promise);
  return promise;
}
static inline void promise_retain(Promise *promise) { atomic_fetch_add_explicit(&promise->count, 1, memory_order_relaxed); }
// Handles, resolvers and whoever else holds a count.
static inline u32 promise_count(const Promise *promise) {
  return atomic_load_explicit(&promise->count, memory_order_acquire) & ~PROMISE_OPERATED;
}
void promise_call_off(Worker *worker, Promise *promise);  // gives a count back; if the resolver's is the only other one: calls off
void promise_dead(Worker *worker, Promise *promise);      // no count is left, but a value or waiters are
static inline void promise_release(Worker *worker, Promise *promise) {
  u32 count = atomic_load_explicit(&promise->count, memory_order_acquire);
  if (count != 1) {
    do {
      if (UNLIKELY(count == (PROMISE_OPERATED | 2))) {
        promise_call_off(worker, promise);
        return;
      }
    } while (!atomic_compare_exchange_weak_explicit(&promise->count, &count, count - 1, memory_order_acq_rel, memory_order_acquire));
    if ((count & ~PROMISE_OPERATED) != 1) return;
  }
  if (UNLIKELY(promise->waiters || promise->chunk)) promise_dead(worker, promise);
  else bank_free(worker, promise->payer, promise, sizeof *promise);
}
Val promise_value(Worker *worker, Promise *promise);   // a PROMISE object taking over one count; 2 words reserved
// Whether what it settles with will be looked at by anybody.
static inline bool promise_is_heard(const Promise *promise) {
  if (atomic_load_explicit(&promise->state, memory_order_acquire) != PROMISE_OPEN) return false;
  return promise_count(promise) > 1 || promise->waiters;  // who holds the only count need not fear that somebody joins or leaves
}
// Settle once; later ones are ignored. `value` is any val of the running turn: it is copied out. Release is the caller's.
bool promise_keep(Worker *worker, Promise *promise, Val value) MUST_CHECK;
void promise_break(Worker *worker, Promise *promise, WellKnown broken, Str why);
// The same with a value built in place: takes over `chunk` (made by promise_chunk, or NULL), which holds all of `value`.
void promise_give(Worker *worker, Promise *promise, Val value, Chunk *chunk);
// Breaks it with a value built in the same way.
void promise_fail(Worker *worker, Promise *promise, Val broken, Chunk *chunk);
// A settled promise's value as one of the running actor's: moved if nobody else can ask for it, else copied. May collect. False when
// memory is out.
bool promise_take(Worker *worker, Promise *promise, Val *value) MUST_CHECK;

// The ring of an open promise's waiters. Under its lock.
static inline void promise_join(Promise *promise, Waiter *waiter) {
  Waiter *first = promise->waiters;
  if (LIKELY(!first)) {
    promise->waiters = waiter->next = waiter->prev = waiter;
    return;
  }
  waiter->next = first;
  waiter->prev = first->prev;
  first->prev->next = waiter;
  first->prev = waiter;
}
static inline void promise_leave(Promise *promise, Waiter *waiter) {
  waiter->prev->next = waiter->next;
  waiter->next->prev = waiter->prev;
  if (promise->waiters == waiter) promise->waiters = waiter->next == waiter ? NULL : waiter->next;
  waiter->next = waiter->prev = NULL;
}
// Puts a waiter into the ring (P1). False: the promise has settled.
bool promise_wait(Promise *promise, Waiter *waiter) MUST_CHECK;
// Takes it out again (P3). False: it was not there, or whoever settles the promise has taken it.
bool promise_unwait(Promise *promise, Waiter *waiter);

// What a native does for a promise can be called off from now on: once the caller, who holds another count of the promise, gives that back,
// if not sooner.
void promise_operation_set(Promise *promise, Operation *operation);
// It is about to end by itself (P4). False: it is being called off, by somebody who owns it now.
bool promise_operation_take(Promise *promise, Operation *operation) MUST_CHECK;

enum { ASKED_ROOM = 512 };
void promise_asked(Promise *promise, char text[ASKED_ROOM]);  // "Tally.get", "task", …
// `from` will settle `to` likewise (takes over the count of `to`).
bool promise_forward(Worker *worker, Promise *from, Promise *to) MUST_CHECK;
// Undoes that for a waiter of kind FORWARD: what it would have settled breaks with `broken`, which lies in `chunk`.
void promise_cut(Worker *worker, Waiter *waiter, Val broken, Chunk *chunk);
bool promise_all(Worker *worker, Val list, Promise **result) MUST_CHECK;
bool promise_race(Worker *worker, Val list, Promise **result) MUST_CHECK;  // of a list that is not empty
// A `when`: code runs as a turn of the running actor with the result, which takes the place of args[0], and the captures behind it.
// The promise of its answer; NULL when memory is out.
Promise *promise_when(Worker *worker, Promise *on, const Code *code, const Val *args, u32 count) MUST_CHECK;

// ---- Values built outside any turn (chunk.c) ----
// A chunk with room for `words` words; NULL when memory is out. What follows takes words of it, as many as said.
Chunk *promise_chunk(u32 words) MUST_CHECK;
Val chunk_string(Chunk *chunk, Kind kind, Str bytes);                           // STRING, BYTES: 1 + bytes_words(len); ptr NULL: unset
Val chunk_word(Chunk *chunk, Kind kind, u64 word);                              // INT, FLOAT, DURATION, TIME: 2
Val chunk_int(Chunk *chunk, i64 n);                                             // up to 2
Val chunk_data(Worker *worker, Chunk *chunk, WellKnown which, Val field);       // 2
Val chunk_record(Worker *worker, Chunk *chunk, WellKnown which, const Val *fields, u32 count);  // 1 + count
Val chunk_cons(Chunk *chunk, Val head, Val tail);                               // 3
Val chunk_reference(Chunk *chunk, Actor *actor, const Itable *itable);          // 4; minted anew
Val chunk_handle(Chunk *chunk, Kind kind, Storage *storage);                    // BUF: 2; takes over the storage

// ---- Scheduler (sched.c) ----
u64 sched_now(Worker *worker);                         // microseconds, monotonic; simulated under --seed
// Suspends the running actor until the promise settles or `within_us` have passed (0: no limit).
bool sched_suspend(Worker *worker, Promise *on, u64 within_us) MUST_CHECK;  // suspend.c
