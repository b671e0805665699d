// Leashes: see leash.h.
//
// A cut goes step by step: the newest that is held is told to end, and when it has gone, the next. What is held may own leashes itself; others,
// this leash among them, hear of its end when those are cut. So a tree ends from its leaves, whichever workers run it, and nothing
// recurses: owners all of whose leashes are cut stand in a list of the worker's until they are told of.
#include "vm/leash.h"

#include "vm/ending.h"
#include "vm/load.h"
#include "vm/message.h"
#include "vm/outside.h"
#include "vm/sched.h"

typedef struct Leash {
  u64 size;               // life.c's
  // Guarded by `lock`:
  Hold *newest;           // what it holds
  Message *asked;         // of cut(), to be answered when it holds nothing, the last first
  Bond *then;             // its owner has ended, and wants to know
  bool cutting;
  Spin lock;
  _Atomic u32 count;      // of what it holds
} Leash;

static Leash *leash_of(const Actor *actor) { return (Leash *)actor->fields; }

static bool cut(Worker *worker, Actor *actor, Message *message);
static void leash_drop(Worker *worker, Actor *actor);
static const Class leash_class = {.name = {"leash", 5}, .step = cut, .deliver = cut, .drop = leash_drop};

bool leash_is_empty(const Actor *leash) { return !atomic_load_explicit(&leash_of(leash)->count, memory_order_relaxed); }

// ---- Holding --------------------------------------------------------------------------------------------------------

static Hold *hold_new(Worker *worker) {
  Bank *bank = worker->account->bank;
  Hold *hold = bank_alloc(worker, bank, sizeof *hold);
  if (hold) *hold = (Hold){.watcher = {.kind = WATCHER_HOLD}, .payer = bank};
  return hold;
}

static void hold_free(Worker *worker, Hold *hold) { bank_free(worker, hold->payer, hold, sizeof *hold); }

static void join(Actor *leash, Hold *hold) {
  Leash *state = leash_of(leash);
  atomic_fetch_add_explicit(&leash->weight, WEIGHT_UNIT, memory_order_relaxed);
  hold->leash = leash;
  spin_lock(&state->lock);
  hold->older = state->newest;
  if (hold->older) hold->older->newer = hold;
  state->newest = hold;
  atomic_fetch_add_explicit(&state->count, 1, memory_order_relaxed);
  spin_unlock(&state->lock);
}

static void leave(Leash *state, Hold *hold) {
  spin_lock(&state->lock);
  *(hold->newer ? &hold->newer->older : &state->newest) = hold->older;
  if (hold->older) hold->older->newer = hold->newer;
  atomic_fetch_sub_explicit(&state->count, 1, memory_order_relaxed);
  spin_unlock(&state->lock);
}

static bool is_task(const Actor *actor) { return actor->class == &leash_task_class; }

static void step(Worker *worker, Actor *leash);

void leash_left(Worker *worker, Hold *hold) {
  Actor *leash = hold->leash, *actor = hold->watcher.actor;
  leave(leash_of(leash), hold);
  hold_free(worker, hold);
  step(worker, leash);
  if (!is_task(actor)) weight_return(worker, actor, WEIGHT_UNIT);
  weight_return(worker, leash, WEIGHT_UNIT);
}

// ---- Tasks ----------------------------------------------------------------------------------------------------------

// A task's state.
enum { TASK_HOLD, TASK_ROOM, TASK_FIELDS };  // its own Hold, and one for what it spawns next, or NULL

static void task_drop(Worker *worker, Actor *actor) {
  if (actor->fields[TASK_ROOM]) hold_free(worker, (Hold *)actor->fields[TASK_ROOM]);
  leash_left(worker, (Hold *)actor->fields[TASK_HOLD]);
}

static const u8 task_raw[TASK_FIELDS] = {1, 1};
const Class leash_task_class = {.name = {"start", 5}, .field_count = TASK_FIELDS, .raw_fields = task_raw, .drop = task_drop};

bool leash_make_room(Worker *worker) {
  u64 *room = &worker->actor->fields[TASK_ROOM];
  if (!*room) *room = (u64)hold_new(worker);
  return *room;
}

void leash_hold(Worker *worker, Actor *actor) {
  Hold *hold = (Hold *)worker->actor->fields[TASK_ROOM];
  worker->actor->fields[TASK_ROOM] = 0;
  atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  watcher_bind(&hold->watcher, actor);
  join(leash_holder(worker), hold);
}

// Takes over a count of the promise.
static bool begin_task(Worker *worker, Actor *leash, Val closure, Promise *promise) {
  Hold *hold = hold_new(worker);
  Message *message = hold ? message_new(worker, MESSAGE_TASK, &closure, 1) : NULL;
  Actor *actor = message ? actor_make(worker, worker->account->bank, &leash_task_class) : NULL;
  if (!actor) {
    if (message) heap_free_message(worker, message);
    if (hold) hold_free(worker, hold);
    promise_release(worker, promise);
    return false;
  }
  hold->watcher.actor = actor;
  actor->fields[TASK_HOLD] = (u64)hold;
  actor->fields[TASK_ROOM] = 0;
  join(leash, hold);
  message->promise = promise;
  actor_begin(worker, actor, message);
  return true;
}

// ---- Cutting --------------------------------------------------------------------------------------------------------

static void answer(Worker *worker, Message *asked) {
  Message *oldest = NULL, *next;
  for (; asked; asked = next) {
    next = asked->next;
    asked->next = oldest;
    oldest = asked;
  }
  for (; oldest; oldest = next) {
    next = oldest->next;
    Promise *promise = oldest->promise;
    heap_free_message(worker, oldest);
    if (!promise) continue;
    promise_give(worker, promise, VAL_UNIT, NULL);
    promise_release(worker, promise);
  }
}

static void begin_cut(Worker *worker, Bond *bond) {
  Leash *state = leash_of(bond->leash);
  spin_lock(&state->lock);
  state->then = bond;
  state->cutting = true;
  spin_unlock(&state->lock);
  step(worker, bond->leash);
}

static void bond_free(Worker *worker, Bond *bond) {
  Actor *leash = bond->leash;
  bank_free(worker, bond->payer, bond, sizeof *bond);
  weight_return(worker, leash, WEIGHT_UNIT);
}

// The leash of the bond is cut: the next one, or the owner's end becomes known.
static void bond_done(Worker *worker, Bond *bond) {
  if (bond->older) {
    bond->older->told = bond->told;
    begin_cut(worker, bond->older);
  } else {
    actor_departed(worker, bond->watcher.actor, bond->told);
  }
  bond_free(worker, bond);
}

static void bonds_done(Worker *worker, Bond *bond) {
  Sched *sched = worker->sched;
  bond->watcher.next = (Watcher *)sched->cut;
  sched->cut = bond;
  if (sched->cutting) return;
  sched->cutting = true;
  while ((bond = sched->cut)) {
    sched->cut = (Bond *)bond->watcher.next;
    bond_done(worker, bond);
  }
  sched->cutting = false;
}

// If the leash is being cut: the newest is to end, or there is none, and whoever waits for that is told.
static void step(Worker *worker, Actor *leash) {
  Leash *state = leash_of(leash);
  spin_lock(&state->lock);
  Hold *newest = state->newest;
  Actor *before = NULL;
  bool done = state->cutting && !newest;
  if (state->cutting && newest && !newest->doomed) {
    newest->doomed = true;
    Actor *actor = newest->watcher.actor;  // it is there, or its record is: it leaves the leash before it is freed
    if (state->then && outside_ending()) before = ending_ask(worker, actor);
    else actor_doom(worker, actor);
  }
  Message *asked = done ? state->asked : NULL;
  Bond *then = done ? state->then : NULL;
  if (done) {
    state->asked = NULL;
    state->then = NULL;
    state->cutting = false;
  }
  spin_unlock(&state->lock);
  if (before) weight_return(worker, before, WEIGHT_UNIT);
  answer(worker, asked);
  if (then) bonds_done(worker, then);
}

static bool cut(Worker *worker, Actor *actor, Message *message) {
  worker->stats.received++;
  Leash *state = leash_of(actor);
  spin_lock(&state->lock);
  message->next = state->asked;
  state->asked = message;
  state->cutting = true;
  spin_unlock(&state->lock);
  step(worker, actor);
  return true;
}

void leashes_cut(Worker *worker, const Departed *departed) {
  departed->bonds->told = departed->told;
  begin_cut(worker, departed->bonds);
}

void leashes_free(Worker *worker, Bond *bonds) {
  for (Bond *older; bonds; bonds = older) {
    older = bonds->older;
    bond_free(worker, bonds);
  }
}

// Nobody can cut it any more, and what it held would have kept it. Unless the run is over: then it may be dropped before what it holds.
static void leash_drop(Worker *worker, Actor *actor) {
  Leash *state = leash_of(actor);
  spin_lock(&state->lock);
  Message *asked = state->asked;
  state->asked = NULL;
  spin_unlock(&state->lock);
  answer(worker, asked);
}

// ---- Natives --------------------------------------------------------------------------------------------------------

static bool may_start(Worker *worker) { return !worker->in_guard || fault_set(worker, "a guard or a constant may not start anything"); }

static bool bind(Worker *worker, Actor *owner, Actor *leash) {
  Bank *bank = worker->account->bank;
  Bond *bond = bank_alloc(worker, bank, sizeof *bond);
  if (!bond) return false;
  atomic_fetch_add_explicit(&leash->weight, WEIGHT_UNIT, memory_order_relaxed);
  *bond = (Bond){.watcher = {.kind = WATCHER_BOND}, .leash = leash, .payer = bank};
  watcher_bind(&bond->watcher, owner);
  return true;
}

bool native_supervisor_leash(Worker *worker, u64 *args) {
  if (!may_start(worker)) return false;
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  const InterfaceDef *interface = images_interface(worker->images, STR("supervisor"), STR("Leash"));
  u32 handler = 0;
  const Itable *itable = NULL;
  if (interface && interface->method_count == 1) itable = itable_get(&leash_class, interface, &handler);
  Actor *leash = itable ? actor_closed(worker, worker->account->bank, &leash_class, sizeof(Leash) / sizeof(u64) - 1) : NULL;
  if (!leash) return fault_memory(worker);
  u64 size = leash_of(leash)->size;
  *leash_of(leash) = (Leash){.size = size};
  args[0] = actor_reference(worker, leash, itable);
  return bind(worker, worker->actor, leash) || fault_memory(worker);
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
