// Leashes: see leash.h. Cutting never recurses: leashes to be cut stand on a stack, and one more found below goes on top.
#include "vm/leash.h"

#include "vm/load.h"
#include "vm/message.h"
#include "vm/sched.h"

typedef struct Leash {
  u64 size;            // life.c's
  Actor **held;        // in the order of their making; (a WEIGHT_UNIT of each is held, but not of tasks, which leave the list when they go)
  u32 count, capacity;
  Actor *below;        // on the stack of those being cut
  u64 cutting;         // it stands there
} Leash;

static Leash *leash_of(const Actor *actor) { return (Leash *)actor->fields; }

static bool cut(Worker *worker, Actor *actor, Message *message);
static void leash_drop(Worker *worker, Actor *actor);
static const Class leash_class = {.name = {"leash", 5}, .step = cut, .deliver = cut, .drop = leash_drop};

// ---- Tasks ----------------------------------------------------------------------------------------------------------

static void task_drop(Worker *worker, Actor *actor) {
  Actor *leash = (Actor *)actor->fields[0];
  Leash *state = leash_of(leash);
  u32 at = 0;
  while (at < state->count && state->held[at] != actor) at++;
  if (at < state->count) {
    memmove(state->held + at, state->held + at + 1, (state->count - at - 1) * sizeof *state->held);
    state->count--;
  }
  weight_return(worker, leash, WEIGHT_UNIT);
}

static const u8 task_raw[] = {1};
const Class leash_task_class = {.name = {"start", 5}, .field_count = 1, .raw_fields = task_raw, .drop = task_drop};

static bool make_room(Actor *leash) {
  Leash *state = leash_of(leash);
  return state->count < state->capacity || memory_grow((void **)&state->held, &state->capacity, sizeof *state->held, NULL);
}

bool leash_make_room(Worker *worker) { return make_room(leash_holder(worker)); }

void leash_hold(Worker *worker, Actor *actor) {
  Leash *state = leash_of(leash_holder(worker));
  atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  state->held[state->count++] = actor;
}

// Takes over a count of the promise.
static bool begin_task(Worker *worker, Actor *leash, Val closure, Promise *promise) {
  Message *message = make_room(leash) ? message_new(worker, MESSAGE_TASK, &closure, 1) : NULL;
  Actor *actor = message ? actor_make(worker, &leash_task_class) : NULL;
  if (!actor) {
    if (message) heap_free_message(worker, message);
    promise_release(worker, promise);
    return false;
  }
  atomic_fetch_add_explicit(&leash->weight, WEIGHT_UNIT, memory_order_relaxed);
  actor->fields[0] = (u64)leash;
  leash_of(leash)->held[leash_of(leash)->count++] = actor;
  message->promise = promise;
  actor_begin(worker, actor, message);
  return true;
}

// ---- Cutting --------------------------------------------------------------------------------------------------------

bool leash_is_empty(const Actor *leash) { return !leash_of(leash)->count; }

void leash_to_cut(Worker *worker, Actor *leash) {
  Leash *state = leash_of(leash);
  if (state->cutting) {
    weight_return(worker, leash, WEIGHT_UNIT);
    return;
  }
  state->cutting = true;
  state->below = worker->sched->cuts;
  worker->sched->cuts = leash;
}

// The running actor can't go before its slice is over.
static void end_held(Worker *worker, Actor *actor) {
  if (worker->actor != actor) {
    actor_end(worker, actor, EXIT_REASON_KILLED, STR(""));
    return;
  }
  worker->sched->kill_now = true;
  worker->reductions = 0;
}

void leashes_cut(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->cutting || !sched->cuts) return;
  sched->cutting = true;
  for (Actor *leash; (leash = sched->cuts);) {
    Leash *state = leash_of(leash);
    if (!state->count) {
      sched->cuts = state->below;
      state->cutting = false;
      weight_return(worker, leash, WEIGHT_UNIT);
      continue;
    }
    Actor *actor = state->held[state->count - 1];
    if (actor_leashes_to_cut(worker, actor)) continue;
    state->count--;
    bool counted = actor->class != &leash_task_class;
    end_held(worker, actor);
    if (counted) weight_return(worker, actor, WEIGHT_UNIT);
  }
  sched->cutting = false;
}

static bool cut(Worker *worker, Actor *actor, Message *message) {
  worker->stats.received++;
  heap_free_message(worker, message);
  atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  leash_to_cut(worker, actor);
  leashes_cut(worker);
  return true;
}

// Nobody can cut it any more: what it holds lives on.
static void leash_drop(Worker *worker, Actor *actor) {
  Leash *state = leash_of(actor);
  Actor **held = state->held;
  u32 count = state->count;
  state->held = NULL;
  state->count = 0;
  for (u32 i = 0; i < count; i++) {
    if (held[i]->class != &leash_task_class) weight_return(worker, held[i], WEIGHT_UNIT);
  }
  memory_free(held, state->capacity * sizeof *held);
  state->capacity = 0;
}

// ---- Natives --------------------------------------------------------------------------------------------------------

static bool may_start(Worker *worker) { return !worker->in_guard || fault_set(worker, "a guard or a constant may not start anything"); }

bool native_supervisor_leash(Worker *worker, u64 *args) {
  if (!may_start(worker)) return false;
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  const InterfaceDef *interface = images_interface(worker->images, STR("supervisor"), STR("Leash"));
  u32 handler = 0;
  const Itable *itable = NULL;
  if (interface && interface->method_count == 1 && !interface->methods[0].answers) itable = itable_get(&leash_class, interface, &handler);
  Actor *leash = itable ? actor_closed(worker, &leash_class, sizeof(Leash) / sizeof(u64) - 1) : NULL;
  if (!leash) return fault_memory(worker);
  u64 size = leash_of(leash)->size;
  *leash_of(leash) = (Leash){.size = size};
  args[0] = actor_reference(worker, leash, itable);
  return actor_bind_leash(worker, worker->actor, leash) || fault_memory(worker);
}

bool native_supervisor_begin(Worker *worker, u64 *args) {
  if (!may_start(worker)) return false;
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  Promise *promise = promise_new(worker);
  if (!promise) return fault_memory(worker);
  promise_retain(promise);
  if (!begin_task(worker, ref_actor(val_obj(args[0])), args[1], promise)) {
    promise_release(worker, promise);
    return worker->fault ? false : fault_memory(worker);
  }
  args[0] = promise_value(worker, promise);
  return true;
}

// In steps of 1 ms: time enough to say how often something happens, too little to measure others by.
bool native_supervisor_uptime(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  args[0] = build_word(worker, KIND_DURATION, sched_now(worker) / 1000 * 1000);
  return true;
}
