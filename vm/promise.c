// Promises: counted blocks that are settled once. docs/promises.md argues for their shape.
//
// A promise is counted by its handles in heaps and messages, by the actor that waits for it, and by whoever will settle it. Waiters
// form a ring: a suspended actor's is part of its turn, so waiting allocates nothing and giving up is O(1). Settling wakes the actors
// in the order in which they came, and then tells the others; what settles in consequence (forwarded, all, race, the promise of a `when`
// whose actor is gone) joins a work list, so that no chain is too long for the C stack. The same holds for freeing. Settling cannot fail:
// where a value can't be copied the promise breaks with a value made when the VM started.
//
// Anyone may do anything of this at the same time as others: docs/workers.md, P1 to P5. No two promises are locked at once.
#include <stdio.h>

#include "vm/address_map.h"
#include "vm/charge.h"
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

// Whom an open promise asks may still change.
void promise_asked(Promise *promise, char text[ASKED_ROOM]) {
  static const char *const names[] = {
      [ASKED_TASK] = "task", [ASKED_ALL] = "all", [ASKED_RACE] = "race", [ASKED_WHEN] = "when", [ASKED_ENDED] = "ended", [ASKED_SPACE] = "room"};
  spin_lock(&promise->lock);
  const Class *asked = promise->asked;
  u16 slot = promise->asked_slot;
  spin_unlock(&promise->lock);
  if (!asked) {
    snprintf(text, ASKED_ROOM, "%s", names[slot]);
    return;
  }
  if (!asked->handlers) {  // whom it asks is not known yet
    snprintf(text, ASKED_ROOM, "%.*s", STR_ARG(asked->name));
    return;
  }
  Str method = asked->handlers[slot].name;
  int half = ASKED_ROOM / 2 - 2;
  snprintf(text, ASKED_ROOM, "%.*s.%.*s", asked->name.len < (size_t)half ? (int)asked->name.len : half, asked->name.ptr,
           method.len < (size_t)half ? (int)method.len : half, method.ptr);
}

// ---- Waiters --------------------------------------------------------------------------------------------------------

static Waiter *waiter_new(Worker *worker, WaiterKind kind) {
  Bank *bank = worker->account->bank;
  Waiter *waiter = bank_alloc(worker, bank, sizeof *waiter);
  if (waiter) *waiter = (Waiter){.kind = kind, .payer = bank};
  return waiter;
}

static void waiter_free(Worker *worker, Waiter *waiter) {
  deadlock_forget(worker, waiter);
  bank_free(worker, waiter->payer, waiter, sizeof *waiter);
}

bool promise_wait(Promise *promise, Waiter *waiter) {
  spin_lock(&promise->lock);
  bool open = is_open(promise);
  if (open) promise_join(promise, waiter);
  spin_unlock(&promise->lock);
  return open;
}

bool promise_unwait(Promise *promise, Waiter *waiter) {
  spin_lock(&promise->lock);
  bool there = is_open(promise) && waiter->next;
  if (there) promise_leave(promise, waiter);
  spin_unlock(&promise->lock);
  return there;
}

// ---- Operations -----------------------------------------------------------------------------------------------------

// Of an open promise, under its lock: what is done for it is the caller's now, and so are its members.
static Operation *take_operation(Promise *promise) {
  Operation *operation = promise->operation;
  promise->operation = NULL;
  promise->group = NULL;
  atomic_fetch_and_explicit(&promise->count, ~PROMISE_OPERATED, memory_order_acq_rel);
  return operation;
}

void promise_operation_set(Promise *promise, Operation *operation) {
  spin_lock(&promise->lock);
  promise->operation = operation;
  atomic_fetch_or_explicit(&promise->count, PROMISE_OPERATED, memory_order_acq_rel);
  spin_unlock(&promise->lock);
}

bool promise_operation_take(Promise *promise, Operation *operation) {
  spin_lock(&promise->lock);
  bool there = promise->operation == operation;
  if (there) take_operation(promise);
  spin_unlock(&promise->lock);
  return there;
}

// Gives back one of several counts. While there is an operation its owner has a count, and comes by the lock before he gives that back. The
// operation, if nobody else but him is left: then what is done is for nobody, unless something follows the promise.
static Operation *release_operated(Promise *promise) {
  u32 count = atomic_load_explicit(&promise->count, memory_order_relaxed);
  do {
    if (count != (PROMISE_OPERATED | 2) || promise->waiters) continue;
    Operation *operation = take_operation(promise);
    atomic_fetch_sub_explicit(&promise->count, 1, memory_order_acq_rel);
    return operation;
  } while (!atomic_compare_exchange_weak_explicit(&promise->count, &count, count - 1, memory_order_acq_rel, memory_order_relaxed));
  return NULL;
}

static void work_off(Worker *worker);

void promise_call_off(Worker *worker, Promise *promise) {
  spin_lock(&promise->lock);
  bool operated = promise->operation;
  Operation *operation = operated ? release_operated(promise) : NULL;
  spin_unlock(&promise->lock);
  if (!operated) promise_release(worker, promise);  // it has settled meanwhile
  if (!operation) return;
  operation->next = worker->sched->called_off;
  worker->sched->called_off = operation;
  work_off(worker);
}

// ---- Freeing --------------------------------------------------------------------------------------------------------

// A waiter of a promise that nobody can settle any more.
static void waiter_give_up(Worker *worker, Waiter *waiter) {
  switch (waiter->kind) {
    case WAITER_ACTOR: case WAITER_ALL: case WAITER_RACE: BUG("a promise is gone for which somebody waits who holds it");
    case WAITER_WHEN:
      message_drop(worker, waiter->message, waiter->actor);
      weight_return(worker, waiter->actor, WEIGHT_UNIT);
      break;
    case WAITER_FORWARD:
      promise_break(worker, waiter->target, WK_STOPPED, STR(""));
      promise_release(worker, waiter->target);
      break;
  }
  waiter_free(worker, waiter);
}

static void promise_free(Worker *worker, Promise *promise) {
  while (promise->waiters) {
    Waiter *waiter = promise->waiters;
    promise_leave(promise, waiter);
    waiter_give_up(worker, waiter);
  }
  chunk_free(worker, promise->chunk);
  bank_free(worker, promise->payer, promise, sizeof *promise);
}

static void work_off(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->releasing) return;
  sched->releasing = true;
  while (sched->dead || sched->called_off) {
    Operation *operation = sched->called_off;
    if (operation) {
      sched->called_off = operation->next;
      operation->cancel(worker, operation);
    }
    Promise *promise = sched->dead;
    if (promise) {
      sched->dead = promise->next;
      promise_free(worker, promise);
    }
  }
  sched->releasing = false;
}

void promise_dead(Worker *worker, Promise *promise) {
  promise->next = worker->sched->dead;
  worker->sched->dead = promise;
  work_off(worker);
}

// ---- Settling -------------------------------------------------------------------------------------------------------

static bool copy_locked(Worker *worker, Promise *promise, Val *value, Chunk **chunk, Bank *to) {
  spin_lock(&promise->lock);
  worker->locked++;
  bool copied = copy_out(worker, &promise->value, 1, value, chunk, promise->payer, to);
  worker->locked--;
  spin_unlock(&promise->lock);
  return copied;
}

// A copy of what a promise has settled with, for which others may ask at the same time. The bank pays for it.
static bool copy_value(Worker *worker, Promise *promise, Val *value, Chunk **chunk, Bank *to) {
  if (LIKELY(copy_locked(worker, promise, value, chunk, to))) return true;
  return release_for_room(worker) && copy_locked(worker, promise, value, chunk, to);
}

// Of a value for which there is no memory, or no room in the asker's bank.
static Outcome no_room(Worker *worker) {
  bool full = worker->refused;
  worker->refused = NULL;
  return (Outcome){PROMISE_BROKEN, full ? build_well_known0(worker, WK_FULL) : worker->vm->memory_broken, NULL};
}

// Why somebody in another bank crashed, or who waited for whom there, is told only to banks above it.
static bool may_tell(const Promise *promise, const Bank *of) { return bank_contains(promise->payer, of); }

static Outcome untold(Worker *worker, Outcome outcome) {
  if (outcome.state != PROMISE_BROKEN || val_is_const(outcome.value)) return outcome;
  bool crashed = header_info(val_obj(outcome.value)->header) == well_known(worker, WK_CRASHED);
  outcome.value = crashed ? worker->vm->untold_crash : worker->vm->untold_deadlock;
  return outcome;
}

// What `from` has settled with, for another promise: its own memory if the `own` counts of those who ask are the only ones (0: it must not be
// taken), else a copy.
static Outcome outcome_of(Worker *worker, Promise *from, u32 own, const Promise *to) {
  Outcome outcome = {atomic_load_explicit(&from->state, memory_order_acquire), from->value, NULL};
  if (UNLIKELY(outcome.state == PROMISE_BROKEN && !may_tell(to, from->payer))) return untold(worker, outcome);
  if (!from->chunk) return outcome;
  if (own && promise_count(from) == own && !from->waiters) {
    outcome.chunk = from->chunk;
    from->chunk = NULL;
    from->value = VAL_UNIT;
    return outcome;
  }
  return copy_value(worker, from, &outcome.value, &outcome.chunk, to->payer) ? outcome : no_room(worker);
}

// A broken promise passes on for whom its waiter will say that it waited.
static void inherit_asked(Promise *target, const Promise *from) {
  if (target->asked || !from->asked) return;
  target->asked = from->asked;
  target->asked_slot = from->asked_slot;
}

// Under the lock: makes those ready who are suspended. The others stay in the ring for announce().
static __attribute__((noinline)) void wake_among(Worker *worker, Promise *promise) {
  Waiter *last = promise->waiters->prev, *waiter = promise->waiters, *next;
  for (bool more = true; more; waiter = next) {
    next = waiter->next;
    more = waiter != last;
    if (waiter->kind != WAITER_ACTOR) continue;
    promise_leave(promise, waiter);
    sched_wake(worker, waiter->actor);
  }
}

static inline void wake_waiters(Worker *worker, Promise *promise) {
  Waiter *waiter = promise->waiters;
  if (!waiter) return;
  if (UNLIKELY(waiter->kind != WAITER_ACTOR || waiter->next != waiter)) {
    wake_among(worker, promise);
    return;
  }
  promise->waiters = waiter->next = NULL;
  sched_wake(worker, waiter->actor);
}

static void group_leave(Worker *worker, Group *group, u32 held);

// The one settlement of a promise (P2); one made by all() or race() lets go of its members. False if it was settled before: then the
// outcome's memory is freed. `from` is what it follows, if that has broken.
static inline __attribute__((always_inline)) bool settle_here(Worker *worker, Promise *promise, Outcome outcome, const Promise *from) {
  spin_lock(&promise->lock);
  if (UNLIKELY(!is_open(promise))) {
    spin_unlock(&promise->lock);
    chunk_free(worker, outcome.chunk);
    return false;
  }
  promise->value = outcome.value;
  promise->chunk = outcome.chunk;
  if (UNLIKELY(from != NULL)) inherit_asked(promise, from);
  Group *group = promise->group;
  if (UNLIKELY(promise->operation != NULL)) take_operation(promise);
  atomic_store_explicit(&promise->state, outcome.state, memory_order_release);
  wake_waiters(worker, promise);
  spin_unlock(&promise->lock);
  if (UNLIKELY(group != NULL)) group_leave(worker, group, 1);
  return true;
}

// The asker's bank pays for the value from now on.
static __attribute__((noinline)) bool settle(Worker *worker, Promise *promise, Outcome outcome, const Promise *from) {
  if (outcome.chunk && !charge_chunk(worker, outcome.chunk, promise->payer)) {
    chunk_free(worker, outcome.chunk);
    outcome = no_room(worker);
  }
  return settle_here(worker, promise, outcome, from);
}

static void notify(Worker *worker, Promise *from, Waiter *waiter, bool last);

// Tells those who follow a promise that has just settled, and those who follow what settles by it.
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
      promise_leave(promise, waiter);
      notify(worker, promise, waiter, true);
    }
    if (queued) promise_release(worker, promise);
    if (!(promise = sched->settled)) break;
    sched->settled = promise->next;
  }
  sched->announcing = false;
}

// The caller holds a count of the promise, and has settled it. Of most nobody is left to be told.
static inline void announce(Worker *worker, Promise *promise) {
  if (UNLIKELY(promise->waiters != NULL)) announce_all(worker, promise);
}

static void settle_like(Worker *worker, Promise *follower, Promise *from, u32 own) {
  if (!is_open(follower)) return;
  Outcome outcome = outcome_of(worker, from, own, follower);
  bool broken = atomic_load(&from->state) == PROMISE_BROKEN;
  if (settle(worker, follower, outcome, broken ? from : NULL)) announce(worker, follower);
}

static void when_settled(Worker *worker, Promise *on, Waiter *waiter) {
  promise_retain(on);
  waiter->message->on = on;
  if (!actor_post(worker, waiter->actor, waiter->message)) actor_dead_letter(worker, waiter->actor, waiter->message);
  weight_return(worker, waiter->actor, WEIGHT_UNIT);
}

static void member_settled(Worker *worker, Group *group, Promise *from, bool all, bool last);

// A waiter that is the caller's hears that `from` has settled; `last` if it was taken out of the ring, by the only one who may look at that.
static void notify(Worker *worker, Promise *from, Waiter *waiter, bool last) {
  switch (waiter->kind) {
    case WAITER_ACTOR: BUG("an actor is woken, not told");
    case WAITER_WHEN: when_settled(worker, from, waiter); break;
    case WAITER_FORWARD:
      settle_like(worker, waiter->target, from, last ? 1 : 0);
      promise_release(worker, waiter->target);
      break;
    case WAITER_ALL: case WAITER_RACE:  // the waiter is part of the group
      member_settled(worker, waiter->group, from, waiter->kind == WAITER_ALL, last);
      return;
  }
  waiter_free(worker, waiter);
}

bool promise_keep(Worker *worker, Promise *promise, Val value) {
  if (!is_open(promise)) return true;
  bool heard = promise_is_heard(promise);
  Outcome outcome = {PROMISE_KEPT, heard ? value : VAL_UNIT, NULL};
  if (heard && val_is_pointer(value) && !copy_out_sent(worker, &value, 1, &outcome.value, &outcome.chunk, promise->payer)) {
    if (worker->freeze_due || promise->payer == worker->account->bank || !worker->refused) return false;
    outcome = no_room(worker);  // that is the asker's matter
  }
  if (settle_here(worker, promise, outcome, NULL)) announce(worker, promise);
  return true;
}

void promise_give(Worker *worker, Promise *promise, Val value, Chunk *chunk) {
  if (settle(worker, promise, (Outcome){PROMISE_KEPT, value, chunk}, NULL)) announce(worker, promise);
}

void promise_fail(Worker *worker, Promise *promise, Val broken, Chunk *chunk) {
  if (settle(worker, promise, (Outcome){PROMISE_BROKEN, broken, chunk}, NULL)) announce(worker, promise);
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
  if (settle(worker, promise, told_why(worker, broken, why, broken == WK_CRASHED, PROMISE_BROKEN), NULL)) announce(worker, promise);
}

void promise_exit(Worker *worker, Promise *promise, const Actor *ended) {
  static const WellKnown exits[] = {WK_EXIT_NORMAL, WK_EXIT_CRASH, WK_EXIT_KILLED};
  bool crashed = ended->exit == EXIT_REASON_CRASH;
  Str why = crashed && may_tell(promise, ended->bank) ? (Str){ended->why->text, ended->why->length} : STR("");
  if (settle(worker, promise, told_why(worker, exits[ended->exit], why, crashed, PROMISE_KEPT), NULL)) announce(worker, promise);
}

// `value` may be a root, and adopting may collect: it is written last.
bool promise_take(Worker *worker, Promise *promise, Val *value) {
  Val taken = promise->value;
  Chunk *chunk = promise->chunk;
  bool alone = !chunk || promise_count(promise) == 1;
  if (!alone && !copy_value(worker, promise, &taken, &chunk, worker->account->bank)) return fault_memory(worker);
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
  if (!promise_wait(from, waiter)) notify(worker, from, waiter, false);
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
  if (!promise_unwait(from, waiter)) BUG("a forward is cut that is over");
  promise_fail(worker, waiter->target, broken, chunk);
  promise_release(worker, waiter->target);
  waiter_free(worker, waiter);
  promise_release(worker, from);
}

// ---- Several at once ------------------------------------------------------------------------------------------------
// What all() or race() made, and its members, may settle on several workers while it is still being built. Whoever takes a member's waiter
// out of its ring, to tell it or to leave, gives back what the group is held by for it; the last one frees the group.

static void group_free(Worker *worker, Group *group) {
  for (u32 i = 0; i < group->count; i++) promise_release(worker, group->members[i].promise);
  bank_give(worker, group->whole->payer, group_bytes(group->count));
  promise_release(worker, group->whole);
  memory_free(group, group_bytes(group->count));
}

static void group_release(Worker *worker, Group *group, u32 held) {
  if (atomic_fetch_sub_explicit(&group->held, held, memory_order_acq_rel) == held) group_free(worker, group);
}

// The whole has settled, or nobody can hear of it: no member is to tell it any more. Gives back so much besides.
static void group_leave(Worker *worker, Group *group, u32 held) {
  for (Member *member = group->members; member < group->members + group->count; member++) {
    held += promise_unwait(member->promise, &member->waiter);
  }
  group_release(worker, group, held);
}

static void group_cancel(Worker *worker, Operation *operation) { group_leave(worker, (Group *)operation, 1); }

// Copies of members' values that others may be copying, too: made one by one, each under its member's lock.
typedef struct Copies {
  AddressMap values;  // of members, by their addresses
  Chunk *chunks;      // linked by next
} Copies;

static bool copy_member(Worker *worker, Copies *copies, Promise *member, Val *value, Bank *to) {
  u64 *known = address_find(&copies->values, member);
  if (known) {
    *value = *known;
    return true;
  }
  Chunk *chunk;
  if (!copy_value(worker, member, value, &chunk, to)) return false;
  if (chunk) {
    chunk->next = copies->chunks;
    copies->chunks = chunk;
  }
  return address_put(&copies->values, member, *value);
}

static void copies_free(Worker *worker, Copies *copies) {
  for (Chunk *chunk = copies->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
    chunk_free(worker, chunk);
  }
  address_clear(&copies->values);
}

// The values as a list, in cells of the caller's. Nobody else copies what only the group holds, and who tells it that `last` has settled.
static bool list_values(Worker *worker, const Group *group, const Promise *last, u64 *cells, Copies *copies, Val *list) {
  *list = VAL_NIL;
  for (u32 i = group->count; i--;) {
    Promise *member = group->members[i].promise;
    Obj *cell = (Obj *)(cells + (size_t)i * 3);
    bool alone = !member->chunk || worker->vm->worker_count == 1 || promise_count(member) == (member == last ? 2 : 1);
    cell->header = OBJ_HEADER(KIND_CONS, 0, 0);
    cell->words[0] = member->value;
    cell->words[1] = *list;
    if (!alone && !copy_member(worker, copies, member, &cell->words[0], group->whole->payer)) return false;
    *list = obj_val(cell);
  }
  return true;
}

static Outcome all_values(Worker *worker, const Group *group, const Promise *last) {
  Outcome outcome = {PROMISE_KEPT, VAL_NIL, NULL};
  size_t bytes = (size_t)group->count * 24;
  u64 *cells = memory_alloc(bytes);
  Copies copies = {.chunks = NULL};
  Val list;
  bool made = cells && list_values(worker, group, last, cells, &copies, &list);
  Bank *bank = group->whole->payer;
  if (made) made = copy_out(worker, &list, 1, &outcome.value, &outcome.chunk, bank, bank);
  copies_free(worker, &copies);
  memory_free(cells, bytes);
  worker->reductions -= group->count / 4;
  return made ? outcome : no_room(worker);
}

// `from`, a member, has settled.
static void member_settled(Worker *worker, Group *group, Promise *from, bool all, bool last) {
  Promise *whole = group->whole;
  if (!all || atomic_load(&from->state) == PROMISE_BROKEN) {
    settle_like(worker, whole, from, last ? 2 : 0);
  } else if (atomic_fetch_sub_explicit(&group->open, 1, memory_order_acq_rel) == 1 && is_open(whole)) {
    if (settle(worker, whole, all_values(worker, group, from), NULL)) announce(worker, whole);
  }
  group_release(worker, group, 1);
}

static Promise *combined(Worker *worker, Asked asked) {
  Promise *whole = promise_new(worker);
  if (whole) whole->asked_slot = (u16)asked;
  return whole;
}

static Group *group_make(Worker *worker, Promise *whole, Val list, u32 count, WaiterKind kind) {
  if (!bank_take(worker, whole->payer, group_bytes(count))) return NULL;
  Group *group = memory_alloc(group_bytes(count));
  if (!group) {
    bank_give(worker, whole->payer, group_bytes(count));
    return NULL;
  }
  *group = (Group){.operation = {.cancel = group_cancel}, .whole = whole, .count = count, .open = count, .held = 2 + count};
  for (Member *member = group->members; list != VAL_NIL; list = cons_tail(list), member++) {
    *member = (Member){{.kind = kind, .group = group}, promise_of(val_obj(cons_head(list)))};
    promise_retain(member->promise);
  }
  whole->operation = &group->operation;
  whole->group = group;
  atomic_store_explicit(&whole->count, PROMISE_OPERATED | 2, memory_order_relaxed);  // nobody else knows it yet
  return group;
}

// A promise that follows each of the list, which is not empty. NULL when memory is out.
static Promise *group_new(Worker *worker, Val list, Asked asked, WaiterKind kind) {
  u32 count = 0, linked = 0;
  for (Val rest = list; rest != VAL_NIL; rest = cons_tail(rest)) count++;
  Promise *whole = combined(worker, asked);
  Group *group = whole ? group_make(worker, whole, list, count, kind) : NULL;
  if (!group) {
    if (whole) promise_release(worker, whole);
    return NULL;
  }
  for (; linked < count && is_open(whole); linked++) follow(worker, group->members[linked].promise, &group->members[linked].waiter);
  // Whoever has settled it may have left the others before they were linked.
  u32 held = 1 + count - linked;
  if (is_open(whole)) group_release(worker, group, held);
  else group_leave(worker, group, held);
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
