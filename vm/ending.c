// Ending in order: see ending.h.
//
// The actors that somebody could miss are listed with the crew standing still, but for those that a leash holds: they end with its owner.
// Then one after the other is told to end, supervisors before the others. The next is told when nothing moves any more, so that whoever hears of an end does what it does
// about it; beside actors that go on computing it is told soon after the last has gone. One that goes on, or waits, is killed when half of
// the time is over that was left when it was told; one that waits while nothing moves is killed then, for its answer can't come. Those that
// began meanwhile are found by listing again. So all this comes to an end, in order if the actors let it.
//
// Any worker goes on with it, one at a time. What others touch at the same time, who was asked last and whether all that he held has gone,
// is atomic.
#include "vm/ending.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "vm/crew.h"
#include "vm/leash.h"
#include "vm/outside.h"
#include "vm/sched.h"
#include "vm/stream.h"

enum {
  MOMENT_US = 2000,     // for those who hear of an end, beside others that compute
  LIST_MOST = 1 << 16,  // actors listed at once
};

#define SUPERVISES ((u64)1 << 63)  // in a rank

typedef struct Listed {
  Actor *actor;              // a WEIGHT_UNIT of it is held
  u64 rank;                  // the greatest is told first: its serial, and whether it has leashes
} Listed;

typedef struct Ending {
  Listed *actors;            // to be told, the last first
  u32 count, capacity;
  _Atomic(Actor *) told;     // the last one that was (its weight is still held)
  _Atomic(Actor *) asked;    // that one, or of those held by it the last that was told (a WEIGHT_UNIT is held)
  _Atomic u64 until;         // then it has had its time (real time, us)
  _Atomic u64 went;          // when it went, and all that it held; 0: it has not
  u64 over;                  // when all time is over
  bool failed;               // there was no memory for a list
} Ending;

// ---- Time -----------------------------------------------------------------------------------------------------------

static u64 now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

static u64 left_at(const Ending *ending, u64 now) { return ending->over > now ? ending->over - now : 0; }

static void give_time(Ending *ending) {
  u64 now = now_us();
  atomic_store(&ending->until, now + left_at(ending, now) / 2);
}

// Those who hear of an end have so long; less if very many are still to be told.
static u64 moment(const Ending *ending, u64 now) {
  u64 share = left_at(ending, now) / 2 / (ending->count + 1);
  return share < MOMENT_US ? share : MOMENT_US;
}

u64 ending_due(Vm *vm) {
  Ending *ending = atomic_load(&vm->ending);
  if (!ending || !outside_ending()) return UINT64_MAX;
  u64 now = now_us(), until = atomic_load(&ending->until), start = vm->workers->sched->start;
  return (until > now ? until : now + MOMENT_US) - start;
}

// ---- Listing --------------------------------------------------------------------------------------------------------

static bool is_held(Actor *actor) { return actor->class == &leash_task_class || watchers_hold(actor); }

// What is idle, has nothing to do, and is watched by nobody, can go unnoticed.
static bool is_missed(Actor *actor) {
  if (actor->class->step || actor->class->deliver || actor_state(actor) == ACTOR_ENDED || actor->doomed & DOOMED) return false;
  bool busy = actor_state(actor) != ACTOR_IDLE || actor->watchers || (actor->class->any_guard && *mailbox_put_off(actor));
  return busy && !is_held(actor);
}

static void list(Ending *ending, Actor *actor) {
  if (!is_missed(actor)) return;
  if (ending->count == ending->capacity &&
      !memory_grow((void **)&ending->actors, &ending->capacity, sizeof *ending->actors, NULL)) {
    ending->failed = true;
    return;
  }
  atomic_fetch_add(&actor->weight, WEIGHT_UNIT);
  ending->actors[ending->count++] = (Listed){actor, actor->serial | (watchers_own_leash(actor) ? SUPERVISES : 0)};
}

static int by_rank(const void *a, const void *b) {
  u64 left = ((const Listed *)a)->rank, right = ((const Listed *)b)->rank;
  return (left > right) - (left < right);
}

// Actors of frozen banks can't end.
static void list_all(Worker *worker, void *context) {
  Ending *ending = context;
  Vm *vm = worker->vm;
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    if (atomic_load(&bank->frozen)) continue;
    for (u32 i = 0; i < vm->worker_count; i++) {
      for (Actor *actor = bank->accounts[i].newest; actor && ending->count < LIST_MOST; actor = actor->older) list(ending, actor);
    }
  }
}

static void find(Worker *worker, Ending *ending) {
  crew_halt(worker, list_all, ending);
  if (ending->count) qsort(ending->actors, ending->count, sizeof *ending->actors, by_rank);
}

// ---- Telling --------------------------------------------------------------------------------------------------------

Actor *ending_ask(Worker *worker, Actor *actor) {
  Ending *ending = atomic_load(&worker->vm->ending);
  if (!ending) {  // the signal has just come
    actor_doom(worker, actor);
    return NULL;
  }
  atomic_fetch_add(&actor->weight, WEIGHT_UNIT);
  give_time(ending);
  Actor *before = atomic_exchange(&ending->asked, actor);
  actor_doom_later(worker, actor);
  return before;
}

void ending_departed(Worker *worker, const Actor *actor) {
  Ending *ending = atomic_load(&worker->vm->ending);
  if (atomic_load(&ending->told) == actor) atomic_store(&ending->went, now_us());
}

static void dismiss(Worker *worker, _Atomic(Actor *) *place) {
  Actor *actor = atomic_exchange(place, NULL);
  if (actor) weight_return(worker, actor, WEIGHT_UNIT);
}

static void tell(Worker *worker, Ending *ending, Actor *actor) {
  atomic_store(&ending->went, 0);
  atomic_store(&ending->told, actor);
  if (actor_state(actor) == ACTOR_ENDED) atomic_store(&ending->went, now_us());  // by itself, meanwhile
  Actor *before = ending_ask(worker, actor);
  if (before) weight_return(worker, before, WEIGHT_UNIT);
}

// It has had its time. What it waits for, or computes, will never be.
static bool kill_asked(Worker *worker, Ending *ending) {
  Actor *actor = atomic_exchange(&ending->asked, NULL);
  if (!actor) return false;
  give_time(ending);
  actor_doom(worker, actor);
  weight_return(worker, actor, WEIGHT_UNIT);
  return true;
}

// ---- Going on -------------------------------------------------------------------------------------------------------

static Ending *ending_new(Vm *vm) {
  Ending *ending = memory_alloc(sizeof *ending);
  if (!ending) return NULL;
  *ending = (Ending){.over = now_us() + vm->options.grace_us};
  give_time(ending);
  atomic_store(&vm->ending, ending);
  return ending;
}

static bool stop(Worker *worker) {
  sched_stop(worker, VM_END_SIGNAL, 128 + SIGTERM);
  return true;
}

// Whoever was told last has gone, or had all the time that it gets.
static bool next(Worker *worker, Ending *ending) {
  dismiss(worker, &ending->asked);
  dismiss(worker, &ending->told);
  if (!ending->count) find(worker, ending);
  if (ending->failed) return stop(worker);
  if (!ending->count) return false;
  tell(worker, ending, ending->actors[--ending->count].actor);
  return true;
}

// Whether the one who was told is still awaited.
static bool is_awaited(const Ending *ending, bool quiet, u64 now) {
  u64 went = atomic_load(&ending->went);
  if (went) return !quiet && now < went + moment(ending, now);
  return atomic_load(&ending->told) && !quiet && now < atomic_load(&ending->until);
}

static bool go_on(Worker *worker, bool quiet) {
  Vm *vm = worker->vm;
  Ending *ending = atomic_load(&vm->ending);
  if (!ending && !(ending = ending_new(vm))) return stop(worker);
  if (quiet) {
    stream_flush(worker, vm->out);
    quiet = !outside_works(vm) && !stream_holds(vm->out) && !stream_holds(vm->err);
  }
  u64 now = now_us();
  if (is_awaited(ending, quiet, now)) return false;
  if (atomic_load(&ending->told) && !atomic_load(&ending->went) && kill_asked(worker, ending)) return true;
  if (next(worker, ending)) return true;
  bool done = quiet || now >= atomic_load(&ending->until);
  return done && stop(worker);
}

bool ending_look(Worker *worker, bool quiet) {
  Vm *vm = worker->vm;
  if (LIKELY(!outside_ending()) || crew_stopping(vm->crew)) return false;
  if (atomic_exchange_explicit(&vm->ending_busy, true, memory_order_acquire)) return false;
  bool more = go_on(worker, quiet);
  atomic_store_explicit(&vm->ending_busy, false, memory_order_release);
  return more;
}

void ending_close(Vm *vm) {
  Ending *ending = atomic_exchange(&vm->ending, NULL);
  if (!ending) return;
  memory_free(ending->actors, ending->capacity * sizeof *ending->actors);
  memory_free(ending, sizeof *ending);
}
