// Promises: counted blocks that are settled once. docs/promises.md argues for their shape.
//
// A promise is counted by its handles in heaps and messages, by the actor that waits for it, and by whoever will settle it. Waiters
// form a ring: a suspended actor's is part of its turn, so waiting allocates nothing and giving up is O(1). Settling wakes them in
// the order in which they came; what settles in consequence (forwarded, all, race, the promise of a `when` whose actor is gone) joins a
// work list, so that no chain is too long for the C stack. The same holds for freeing. Settling cannot fail: where a value can't be copied the promise breaks with a
// value made when the VM started.
#include <stdio.h>

#include "vm/scan.h"
#include "vm/sched.h"

static size_t group_bytes(u32 count) { return sizeof(Group) + sizeof(Member) * count; }

typedef struct Outcome {
  PromiseState state;
  Val value;
  Chunk *chunk;
} Outcome;

static bool is_open(const Promise *promise) { return atomic_load_explicit(&promise->state, memory_order_acquire) == PROMISE_OPEN; }

Val promise_value(Worker *worker, Promise *promise) {
  Obj *obj = heap_take(worker, 2);
  obj->header = OBJ_HEADER(KIND_PROMISE, 0, 0);
  obj->words[0] = (u64)promise;
  heap_note_counted(worker, obj);
  return obj_val(obj);
}

void promise_asked(const Promise *promise, char text[ASKED_ROOM]) {
  static const char *const names[] = {
      [ASKED_TASK] = "task", [ASKED_ALL] = "all", [ASKED_RACE] = "race", [ASKED_WHEN] = "when", [ASKED_ENDED] = "ended"};
  if (!promise->asked) {
    snprintf(text, ASKED_ROOM, "%s", names[promise->asked_slot]);
    return;
  }
  if (!promise->asked->handlers) {  // whom it asks is not known yet
    snprintf(text, ASKED_ROOM, "%.*s", STR_ARG(promise->asked->name));
    return;
  }
  Str actor = promise->asked->name, method = promise->asked->handlers[promise->asked_slot].name;
  int half = ASKED_ROOM / 2 - 2;
  snprintf(text, ASKED_ROOM, "%.*s.%.*s", actor.len < (size_t)half ? (int)actor.len : half, actor.ptr,
           method.len < (size_t)half ? (int)method.len : half, method.ptr);
}

// ---- Waiters --------------------------------------------------------------------------------------------------------

static Waiter *waiter_new(Worker *worker, WaiterKind kind) {
  Waiter *waiter = pool_alloc(&worker->pool, sizeof *waiter);
  if (waiter) *waiter = (Waiter){.kind = kind};
  return waiter;
}

static void waiter_free(Worker *worker, Waiter *waiter) {
  deadlock_forget(waiter);
  pool_free(&worker->pool, waiter, sizeof *waiter);
}

// ---- Freeing --------------------------------------------------------------------------------------------------------

// Lets go of the members. Nobody hears of them any more before the first count is given back: that may settle others.
static void group_leave(Worker *worker, Promise *whole) {
  Group *group = whole->group;
  whole->group = NULL;
  for (Member *member = group->members; member < group->members + group->count; member++) {
    bool linked = member->waiter.next, counted = member->waiter.kind == WAITER_ALL;
    if (linked && !counted) promise_retain(member->promise);
    if (linked) promise_unwait(member->promise, &member->waiter);
    else if (!counted) member->promise = NULL;
  }
  for (u32 i = 0; i < group->count; i++) {
    if (group->members[i].promise) promise_release(worker, group->members[i].promise);
  }
  memory_free(group, group_bytes(group->count));
}

// Nobody can hear of the whole any more, nor of its members through it.
static void group_cancel(Worker *worker, Operation *operation) {
  Promise *whole = ((Group *)operation)->whole;
  group_leave(worker, whole);
  promise_release(worker, whole);
}

static void group_settle(Worker *worker, Promise *whole, Outcome outcome);
static Outcome stopped(Worker *worker) { return (Outcome){PROMISE_BROKEN, build_well_known0(worker, WK_STOPPED), NULL}; }

// A waiter of a promise that nobody can settle any more.
static void waiter_give_up(Worker *worker, Waiter *waiter) {
  switch (waiter->kind) {
    case WAITER_ACTOR: BUG("an actor waits for a promise that it does not hold");
    case WAITER_WHEN:
      message_drop(worker, waiter->message, waiter->actor);
      weight_return(worker, waiter->actor, WEIGHT_UNIT);
      break;
    case WAITER_FORWARD:
      promise_break(worker, waiter->target, WK_STOPPED, STR(""));
      promise_release(worker, waiter->target);
      break;
    case WAITER_ALL: BUG("a member was freed that all() holds");
    case WAITER_RACE:
      if (!--waiter->target->group->open) group_settle(worker, waiter->target, stopped(worker));
      return;
  }
  waiter_free(worker, waiter);
}

static void promise_free(Worker *worker, Promise *promise) {
  while (promise->waiters) {
    Waiter *waiter = promise->waiters;
    promise_unwait(promise, waiter);
    waiter_give_up(worker, waiter);
  }
  chunk_free(worker, promise->chunk);
  pool_free(&worker->pool, promise, sizeof *promise);
}

// If only the resolver's handle is left, beside that of the list it comes from, and nothing follows the promise: what is done for it
// is for nobody.
static void call_off(Worker *worker, Promise *promise) {
  Operation *operation = promise->operation;
  if (operation && !promise->waiters && atomic_load_explicit(&promise->count, memory_order_acquire) == 2) {
    promise->operation = NULL;
    operation->cancel(worker, operation);
  }
  promise_release(worker, promise);
}

void promise_released(Worker *worker, Promise *promise, u32 left) {
  if (left && promise->waiters) return;
  if (left) promise_retain(promise);
  Sched *sched = worker->sched;
  promise->next = sched->dead;
  sched->dead = promise;
  if (sched->releasing) return;
  sched->releasing = true;
  while ((promise = sched->dead)) {
    sched->dead = promise->next;
    promise->next = NULL;  // as `owed`: no actor owes what has an operation
    if (atomic_load_explicit(&promise->count, memory_order_acquire)) call_off(worker, promise);
    else promise_free(worker, promise);
  }
  sched->releasing = false;
}

// ---- Settling -------------------------------------------------------------------------------------------------------

// What `from` has settled with, for another promise: its own memory if nobody else can ask for it, else a copy.
static Outcome outcome_of(Worker *worker, Promise *from, bool last) {
  Outcome outcome = {atomic_load_explicit(&from->state, memory_order_acquire), from->value, NULL};
  if (!from->chunk) return outcome;
  if (last && atomic_load_explicit(&from->count, memory_order_acquire) == 1 && !from->waiters) {
    outcome.chunk = from->chunk;
    from->chunk = NULL;
    from->value = VAL_UNIT;
    return outcome;
  }
  if (copy_out(worker, &from->value, 1, &outcome.value, &outcome.chunk)) return outcome;
  return (Outcome){PROMISE_BROKEN, worker->vm->memory_broken, NULL};
}

// The one settlement of a promise; one made by all() or race() lets go of its members. False if it was settled before: then the outcome's memory is freed.
static inline bool settle(Worker *worker, Promise *promise, Outcome outcome) {
  if (UNLIKELY(!is_open(promise))) {
    chunk_free(worker, outcome.chunk);
    return false;
  }
  promise->value = outcome.value;
  promise->chunk = outcome.chunk;
  promise->operation = NULL;
  if (UNLIKELY(promise->group != NULL)) group_leave(worker, promise);
  u32 open = PROMISE_OPEN;
  return atomic_compare_exchange_strong_explicit(&promise->state, &open, outcome.state, memory_order_acq_rel, memory_order_acquire);
}

// A broken promise passes on for whom its waiter will say that it waited.
static void inherit_asked(Promise *target, const Promise *from) {
  if (target->asked || !from->asked) return;
  target->asked = from->asked;
  target->asked_slot = from->asked_slot;
}

static Outcome all_values(Worker *worker, const Group *group) {
  Outcome outcome = {PROMISE_KEPT, VAL_NIL, NULL};
  size_t bytes = (size_t)group->count * 24;
  u64 *cells = memory_alloc(bytes);
  bool made = cells != NULL;
  if (made) {
    Val list = VAL_NIL;
    for (u32 i = group->count; i--;) {
      Obj *cell = (Obj *)(cells + (size_t)i * 3);
      cell->header = OBJ_HEADER(KIND_CONS, 0, 0);
      cell->words[0] = group->members[i].promise->value;
      cell->words[1] = list;
      list = obj_val(cell);
    }
    made = copy_out(worker, &list, 1, &outcome.value, &outcome.chunk);
    memory_free(cells, bytes);
  }
  worker->reductions -= group->count / 4;
  if (made) return outcome;
  return (Outcome){PROMISE_BROKEN, worker->vm->memory_broken, NULL};
}

static void notify(Worker *worker, Promise *from, Waiter *waiter, bool last);

static inline void wake_actor(Worker *worker, Actor *actor) {
  Turn *turn = actor->turn;
  if (turn->timer) timers_cancel(&worker->sched->timers, &worker->pool, turn->timer);
  turn->timer = NULL;
  sched_ready(worker, actor);
}

// Tells those who wait for a promise that has just settled, and those who wait for what settles by it.
static __attribute__((noinline)) void announce_all(Worker *worker, Promise *promise) {
  Sched *sched = worker->sched;
  if (sched->announcing) {
    promise_retain(promise);
    promise->next = NULL;
    *(sched->settled ? &sched->last_settled->next : &sched->settled) = promise;
    sched->last_settled = promise;
    return;
  }
  sched->announcing = true;
  for (bool queued = false;; queued = true) {
    for (Waiter *waiter; (waiter = promise->waiters);) {
      promise_unwait(promise, waiter);
      notify(worker, promise, waiter, true);
    }
    if (queued) promise_release(worker, promise);
    if (!(promise = sched->settled)) break;
    sched->settled = promise->next;
  }
  sched->announcing = false;
}

// The caller holds a count of the promise. Most have one waiter, an actor: nothing else settles by it.
static inline void announce(Worker *worker, Promise *promise) {
  Waiter *waiter = promise->waiters;
  if (!waiter) return;
  if (UNLIKELY(waiter->kind != WAITER_ACTOR || waiter->next != waiter)) {
    announce_all(worker, promise);
    return;
  }
  promise->waiters = waiter->next = NULL;
  wake_actor(worker, waiter->actor);
}

static void group_settle(Worker *worker, Promise *whole, Outcome outcome) {
  settle(worker, whole, outcome);
  announce(worker, whole);
  promise_release(worker, whole);
}

// Member `from` has settled.
static void group_member(Worker *worker, Promise *whole, Promise *from, bool all, bool last) {
  bool broken = atomic_load(&from->state) == PROMISE_BROKEN;
  if (all && !broken && --whole->group->open) return;
  if (broken) inherit_asked(whole, from);
  group_settle(worker, whole, all && !broken ? all_values(worker, whole->group) : outcome_of(worker, from, last && !all));
}

static void settle_like(Worker *worker, Promise *follower, Promise *from, bool last) {
  if (!is_open(follower)) return;
  if (atomic_load(&from->state) == PROMISE_BROKEN) inherit_asked(follower, from);
  if (settle(worker, follower, outcome_of(worker, from, last))) announce(worker, follower);
}

static void when_settled(Worker *worker, Promise *on, Waiter *waiter) {
  promise_retain(on);
  waiter->message->on = on;
  if (!actor_post(worker, waiter->actor, waiter->message)) actor_dead_letter(worker, waiter->actor, waiter->message);
  weight_return(worker, waiter->actor, WEIGHT_UNIT);
}

// `from` has settled, and the waiter, which is in no ring, hears of it. `last`: only the resolver and waiters still hold `from`,
// as far as its count says so.
static void notify(Worker *worker, Promise *from, Waiter *waiter, bool last) {
  switch (waiter->kind) {
    case WAITER_ACTOR:
      wake_actor(worker, waiter->actor);  // the waiter is part of its turn
      return;
    case WAITER_WHEN: when_settled(worker, from, waiter); break;
    case WAITER_FORWARD:
      settle_like(worker, waiter->target, from, last);
      promise_release(worker, waiter->target);
      break;
    case WAITER_ALL: case WAITER_RACE:
      group_member(worker, waiter->target, from, waiter->kind == WAITER_ALL, last);  // the waiter is part of the group
      return;
  }
  waiter_free(worker, waiter);
}

bool promise_keep(Worker *worker, Promise *promise, Val value) {
  if (!is_open(promise)) return true;
  bool heard = promise_is_heard(promise);
  Outcome outcome = {PROMISE_KEPT, heard ? value : VAL_UNIT, NULL};
  if (heard && val_is_pointer(value) && !copy_out_sent(worker, &value, 1, &outcome.value, &outcome.chunk)) return false;
  if (settle(worker, promise, outcome)) announce(worker, promise);
  return true;
}

void promise_give(Worker *worker, Promise *promise, Val value, Chunk *chunk) {
  if (settle(worker, promise, (Outcome){PROMISE_KEPT, value, chunk})) announce(worker, promise);
}

void promise_fail(Worker *worker, Promise *promise, Val broken, Chunk *chunk) {
  if (settle(worker, promise, (Outcome){PROMISE_BROKEN, broken, chunk})) announce(worker, promise);
}

// A constructor with a text, or a bare one.
static Outcome told_why(Worker *worker, WellKnown which, Str why, bool has_text, PromiseState state) {
  if (!has_text) return (Outcome){state, build_well_known0(worker, which), NULL};
  Chunk *chunk = why.len <= UINT32_MAX / 2 ? promise_chunk(3 + bytes_words(why.len)) : NULL;
  if (!chunk) return (Outcome){PROMISE_BROKEN, worker->vm->memory_broken, NULL};
  Val text = chunk_string(chunk, KIND_STRING, why);
  return (Outcome){state, chunk_data(worker, chunk, which, text), chunk};
}

void promise_break(Worker *worker, Promise *promise, WellKnown broken, Str why) {
  if (!is_open(promise)) return;
  if (settle(worker, promise, told_why(worker, broken, why, broken == WK_CRASHED, PROMISE_BROKEN))) announce(worker, promise);
}

void promise_exit(Worker *worker, Promise *promise, const Actor *ended) {
  static const WellKnown exits[] = {WK_EXIT_NORMAL, WK_EXIT_CRASH, WK_EXIT_KILLED};
  bool crashed = ended->exit == EXIT_REASON_CRASH;
  Str why = crashed && ended->why ? (Str){ended->why->text, ended->why->length} : STR("");
  if (settle(worker, promise, told_why(worker, exits[ended->exit], why, crashed, PROMISE_KEPT))) announce(worker, promise);
}

// `value` may be a root, and adopting may collect: it is written last.
bool promise_take(Worker *worker, Promise *promise, Val *value) {
  Val taken = promise->value;
  Chunk *chunk = promise->chunk;
  bool alone = !chunk || atomic_load_explicit(&promise->count, memory_order_acquire) == 1;
  if (!alone && !copy_out(worker, &promise->value, 1, &taken, &chunk)) return fault_memory(worker);
  if (chunk && !heap_adopt(worker, chunk)) {
    if (!alone) chunk_free(worker, chunk);
    return fault_memory(worker);
  }
  *value = taken;
  if (chunk && alone) {
    promise->chunk = NULL;
    promise->value = VAL_UNIT;
  }
  return true;
}

// ---- Promises that follow others ------------------------------------------------------------------------------------

static void follow(Worker *worker, Promise *from, Waiter *waiter) {
  waiter->on = from;
  if (is_open(from)) promise_wait(from, waiter);
  else notify(worker, from, waiter, false);
}

bool promise_forward(Worker *worker, Promise *from, Promise *to) {
  Waiter *waiter = waiter_new(worker, WAITER_FORWARD);
  if (!waiter) return false;
  waiter->target = to;
  to->owed = owed_by_waiter(waiter);
  if (is_open(from) && promise_is_heard(to)) deadlock_suspect(worker, waiter);
  follow(worker, from, waiter);
  return true;
}

void promise_cut(Worker *worker, Waiter *waiter, Val broken, Chunk *chunk) {
  Promise *from = waiter->on;
  promise_retain(from);
  promise_unwait(from, waiter);
  promise_fail(worker, waiter->target, broken, chunk);
  promise_release(worker, waiter->target);
  waiter_free(worker, waiter);
  promise_release(worker, from);
}

static Promise *combined(Worker *worker, Asked asked) {
  Promise *whole = promise_new(worker);
  if (whole) whole->asked_slot = (u16)asked;
  return whole;
}

// A promise that follows each of the list, which is not empty. NULL when memory is out.
static Promise *group_new(Worker *worker, Val list, Asked asked, WaiterKind kind) {
  u32 count = 0;
  for (Val rest = list; rest != VAL_NIL; rest = cons_tail(rest)) count++;
  Promise *whole = combined(worker, asked);
  Group *group = whole ? memory_alloc(group_bytes(count)) : NULL;
  if (!group) {
    if (whole) promise_release(worker, whole);
    return NULL;
  }
  *group = (Group){.operation = {group_cancel}, .whole = whole, .count = count, .open = count};
  for (Member *member = group->members; list != VAL_NIL; list = cons_tail(list), member++) {
    *member = (Member){{.kind = kind, .target = whole}, promise_of(val_obj(cons_head(list)))};
    if (kind == WAITER_ALL) promise_retain(member->promise);
  }
  promise_retain(whole);
  whole->operation = &group->operation;
  whole->group = group;
  for (u32 i = 0; i < count && is_open(whole); i++) follow(worker, group->members[i].promise, &group->members[i].waiter);
  worker->reductions -= count / 4;
  return whole;
}

bool promise_all(Worker *worker, Val list, Promise **result) {
  *result = list == VAL_NIL ? combined(worker, ASKED_ALL) : group_new(worker, list, ASKED_ALL, WAITER_ALL);
  if (*result && list == VAL_NIL) promise_give(worker, *result, VAL_NIL, NULL);
  return *result;
}

bool promise_race(Worker *worker, Val list, Promise **result) {
  *result = group_new(worker, list, ASKED_RACE, WAITER_RACE);
  return *result;
}

// The message's first argument is filled with the Result when its turn begins.
Promise *promise_when(Worker *worker, Promise *on, const Code *code, const Val *args, u32 count) {
  Waiter *waiter = waiter_new(worker, WAITER_WHEN);
  Promise *answer = waiter ? combined(worker, ASKED_WHEN) : NULL;
  Message *message = answer ? message_new(worker, MESSAGE_WHEN, args, count) : NULL;  // last: it moves what is unique
  if (!message) {
    if (answer) promise_release(worker, answer);
    if (waiter) waiter_free(worker, waiter);
    return NULL;
  }
  worker->stats.sent++;
  promise_retain(answer);
  message->promise = answer;
  message->code = code;
  waiter->message = message;
  waiter->actor = worker->actor;
  answer->owed = owed_by_waiter(waiter);
  // The waiter counts as a reference: an actor with a `when` to come is not unreachable.
  atomic_fetch_add_explicit(&worker->actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  follow(worker, on, waiter);
  return answer;
}
