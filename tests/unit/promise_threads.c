// vm/promise.c, vm/suspend.c and vm/timer.c with several workers: threads settle, wait, wait with a limit, doom who waits, forward, gather,
// race and drop the same promises at random. Each that waits must hear exactly once, and nothing may be left. `make asan` looks closer.
#include <criterion/criterion.h>
#include <pthread.h>

#include "vm/engine.h"
#include "vm/power.h"
#include "vm/random.h"
#include "vm/sched.h"

enum { WORKERS = 4, SLOTS = 24, MEMBERS = 5, STEPS = 20000, OWED = 64 };

// Who holds a promise in a slot may settle nothing; who owes one keeps a count of it.
static Promise *slots[SLOTS];
static Spin slot_lock;
static _Atomic i64 began, heard, timed, ended;
static _Atomic u32 working;

typedef struct Hand {
  Worker *worker;
  Random random;
  Promise *owed[OWED];
  u32 owed_count;
  Actor *doomable;  // that has been suspended, with a count of its own: see Sleeper
} Hand;

// A suspended actor of which nothing is real but what waiting needs. It goes when it has heard, and nobody is about to doom it.
typedef struct Sleeper {
  _Atomic u32 count;
  u32 heard;
  Actor actor;
} Sleeper;

static const Class class = {.name = {"Sleeper", 7}};

static Sleeper *sleeper_of(Actor *actor) { return (Sleeper *)((char *)actor - offsetof(Sleeper, actor)); }

static void sleeper_release(Actor *actor) {
  Sleeper *sleeper = sleeper_of(actor);
  if (atomic_fetch_sub(&sleeper->count, 1) == 1) memory_free(sleeper, sizeof *sleeper);
}

static u32 draw(Hand *hand, u32 below) { return (u32)random_below(&hand->random, below); }

// ---- Slots ----------------------------------------------------------------------------------------------------------

// A promise of some slot, with a count for the caller, or NULL.
static Promise *pick(Hand *hand) {
  spin_lock(&slot_lock);
  Promise *promise = slots[draw(hand, SLOTS)];
  if (promise) promise_retain(promise);
  spin_unlock(&slot_lock);
  return promise;
}

// Takes over a count.
static void put(Hand *hand, Promise *promise) {
  spin_lock(&slot_lock);
  Promise **slot = &slots[draw(hand, SLOTS)], *before = *slot;
  *slot = promise;
  spin_unlock(&slot_lock);
  if (before) promise_release(hand->worker, before);
}

// ---- Settling -------------------------------------------------------------------------------------------------------

static void make_value(Hand *hand, Val *value, Chunk **chunk) {
  *chunk = NULL;
  *value = val_from_small(draw(hand, 1000));
  if (draw(hand, 2)) return;
  Promise *inner = promise_new(hand->worker);
  cr_assert(promise_keep(hand->worker, inner, VAL_UNIT));
  *chunk = promise_chunk(2 + 3 + 1 + 8);
  (*chunk)->counted = true;
  Val text = chunk_string(*chunk, KIND_STRING, STR("a text that is long enough to be seen half copied, if it is"));
  Val handle = chunk_word(*chunk, KIND_PROMISE, (u64)inner);
  *value = chunk_cons(*chunk, handle, text);
}

static void settle_one(Hand *hand) {
  if (!hand->owed_count) return;
  u32 i = draw(hand, hand->owed_count);
  Promise *promise = hand->owed[i];
  hand->owed[i] = hand->owed[--hand->owed_count];
  Chunk *chunk;
  Val value;
  make_value(hand, &value, &chunk);
  if (draw(hand, 5)) promise_give(hand->worker, promise, value, chunk);
  else promise_fail(hand->worker, promise, value, chunk);
  promise_release(hand->worker, promise);
}

static void make_one(Hand *hand) {
  if (hand->owed_count == OWED) settle_one(hand);
  Promise *promise = promise_new(hand->worker);
  promise_retain(promise);
  hand->owed[hand->owed_count++] = promise;
  put(hand, promise);
}

// ---- Following ------------------------------------------------------------------------------------------------------

static void forward_one(Hand *hand) {
  Promise *from = pick(hand);
  if (!from) return;
  Promise *to = promise_new(hand->worker);
  promise_retain(to);
  cr_assert(promise_forward(hand->worker, from, to));
  promise_release(hand->worker, from);
  put(hand, to);
}

static void gather_some(Hand *hand) {
  u32 count = 0;
  Promise *members[MEMBERS], *whole;
  for (u32 i = 0; i < MEMBERS; i++) {
    Promise *member = pick(hand);
    if (member) members[count++] = member;
  }
  if (!count) return;
  Chunk *chunk = promise_chunk(count * 5);
  chunk->counted = true;
  Val list = VAL_NIL;
  for (u32 i = 0; i < count; i++) {
    Val handle = chunk_word(chunk, KIND_PROMISE, (u64)members[i]);
    list = chunk_cons(chunk, handle, list);
  }
  bool made = draw(hand, 2) ? promise_all(hand->worker, list, &whole) : promise_race(hand->worker, list, &whole);
  cr_assert(made);
  chunk_free(hand->worker, chunk);
  if (draw(hand, 4)) put(hand, whole);
  else promise_release(hand->worker, whole);
}

// clock ! after(…), often dropped at once.
static void alarm_one(Hand *hand) {
  Promise *promise = promise_new(hand->worker);
  promise_retain(promise);
  Obj *duration = memory_alloc(16);
  duration->header = OBJ_HEADER(KIND_DURATION, 0, 0);
  duration->words[0] = 1 + draw(hand, draw(hand, 2) ? 3000 : 3600000000u);
  Message *message = memory_alloc(sizeof *message + sizeof(Val));
  *message = (Message){.count = 1, .promise = promise};
  message->args[0] = obj_val(duration);
  bool drop_first = draw(hand, 2), begun;
  if (drop_first) put(hand, promise);
  begun = power_clock_after(hand->worker, NULL, message);
  cr_assert(begun);
  if (!drop_first) promise_release(hand->worker, promise);
  if (message->promise) promise_release(hand->worker, message->promise);
  memory_free(message, sizeof *message + sizeof(Val));
  memory_free(duration, 16);
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

// The actor has been made ready, or was never suspended.
static void run(Hand *hand, Actor *actor) {
  Worker *worker = hand->worker;
  Turn *turn = actor->turn;
  atomic_store(&actor->state, ACTOR_RUNNING);
  if (atomic_load(&actor->doomed)) {
    atomic_fetch_add(&ended, 1);
    suspend_give_up(worker, turn);
  } else {
    SuspendEnd end = suspend_end(worker, actor, turn);
    if (end == SUSPEND_AGAIN) return;
    Promise *on = turn->waiting;
    bool open = atomic_load(&on->state) == PROMISE_OPEN;
    turn->waiting = NULL;
    if (end == SUSPEND_DOOMED) promise_unwait(on, &turn->waiter);
    atomic_fetch_add(end == SUSPEND_DOOMED ? &ended : open ? &timed : &heard, 1);
    promise_release(worker, on);
    if (end == SUSPEND_DOOMED && turn->timer) timers_cancel(&worker->pool, turn->timer);
    turn->timer = NULL;
  }
  cr_assert_eq(++sleeper_of(actor)->heard, 1, "heard twice");
  cr_assert_null(turn->waiter.next);
  atomic_store(&actor->state, ACTOR_ENDED);
  turn_free(worker, turn);
  sleeper_release(actor);
}

static void run_some(Hand *hand) {
  Sched *sched = hand->worker->sched;
  if (atomic_load(&sched->timers.count)) timers_run(&sched->timers, sched_now(hand->worker), hand->worker);
  for (Actor *actor; (actor = sched_take(hand->worker));) run(hand, actor);
}

static void wait_for(Hand *hand) {
  Worker *worker = hand->worker;
  Promise *on = pick(hand);
  if (!on) return;
  Sleeper *sleeper = memory_alloc(sizeof *sleeper);
  bool doomed = !hand->doomable && !draw(hand, 4);
  *sleeper = (Sleeper){.count = doomed ? 2 : 1, .actor = {.class = &class, .bank = worker->vm->bank, .state = ACTOR_RUNNING}};
  Actor *actor = &sleeper->actor;
  worker->actor = actor;
  Turn *turn = worker->turn = turn_make(worker);
  cr_assert(turn);
  cr_assert(sched_suspend(worker, on, draw(hand, 3) ? 0 : 1 + draw(hand, 2000)));
  promise_release(worker, on);
  worker->turn = NULL;
  worker->actor = NULL;
  actor->turn = turn;
  turn->waiter.kind = WAITER_ACTOR;
  turn->waiter.actor = actor;
  turn->waiter.since = deadlock_since(worker);
  deadlock_suspect(worker, &turn->waiter);
  atomic_fetch_add(&began, 1);
  if (doomed) hand->doomable = actor;
  if (!suspend_begin(actor, turn)) run(hand, actor);
}

static void doom_one(Hand *hand) {
  Actor *actor = hand->doomable;
  if (!actor) return;
  hand->doomable = NULL;
  atomic_store(&actor->doomed, 1);
  atomic_store(&actor->disturbed, 1);
  sched_wake(hand->worker, actor);
  sleeper_release(actor);
}

// ---- All together ---------------------------------------------------------------------------------------------------

static i64 waiting(void) { return atomic_load(&began) - atomic_load(&heard) - atomic_load(&timed) - atomic_load(&ended); }

static void act(Hand *hand) {
  switch (draw(hand, 12)) {
    case 0: case 1: make_one(hand); break;
    case 2: case 3: settle_one(hand); break;
    case 4: forward_one(hand); break;
    case 5: gather_some(hand); break;
    case 6: alarm_one(hand); break;
    case 7: doom_one(hand); break;
    case 8: case 9: case 10: wait_for(hand); break;
    default: run_some(hand); break;
  }
}

static void *work(void *context) {
  Hand *hand = context;
  for (u32 i = 0; i < STEPS; i++) act(hand);
  doom_one(hand);
  while (hand->owed_count) settle_one(hand);
  atomic_fetch_sub(&working, 1);
  // Alarms that ring in an hour are still waited for, in slots.
  while (atomic_load(&working)) run_some(hand);
  spin_lock(&slot_lock);
  for (u32 i = 0; i < SLOTS; i++) {
    Promise *promise = slots[i];
    slots[i] = NULL;
    spin_unlock(&slot_lock);
    if (promise) promise_release(hand->worker, promise);
    spin_lock(&slot_lock);
  }
  spin_unlock(&slot_lock);
  memory_flush();
  return NULL;
}

Test(promise_threads, each_hears_once_and_nothing_is_left) {
  u64 live = memory_live();
  static const VmOptions options = {.workers = WORKERS};
  Vm *vm = vm_new(&options);
  cr_assert(vm);
  cr_assert_eq(vm->worker_count, WORKERS);
  Hand hands[WORKERS] = {0};
  pthread_t threads[WORKERS];
  atomic_store(&working, WORKERS);
  for (u32 i = 0; i < WORKERS; i++) hands[i] = (Hand){.worker = &vm->workers[i], .random = random_from(i + 1)};
  for (u32 i = 0; i < WORKERS; i++) cr_assert_eq(pthread_create(&threads[i], NULL, work, &hands[i]), 0);
  for (u32 i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
  // Who still waits holds an alarm, or what follows one: that all ring now.
  for (u32 rounds = 0; waiting() && rounds < 100; rounds++) {
    for (u32 i = 0; i < WORKERS; i++) {
      timers_close(&vm->workers[i].sched->timers, &vm->workers[i]);
      run_some(&hands[i]);
    }
  }
  cr_assert_eq(waiting(), 0, "%lld wait for ever", (long long)waiting());
  cr_assert(atomic_load(&heard) && atomic_load(&timed) && atomic_load(&ended), "each way to stop waiting occurs");
  for (u32 i = 0; i < WORKERS; i++) cr_assert_eq(vm->workers[i].sched->timers.count, 0, "dropped alarms were called off");
  vm_free(vm);
  cr_assert_eq(memory_live(), live, "%lld bytes are missing", (long long)(memory_live() - live));
}
