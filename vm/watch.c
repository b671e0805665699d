// Watching actors: see watch.h.
//
// A watcher of kind PROMISE may be called off at any time, when nobody holds the promise any more: it must not keep the actor. Whoever takes
// the promise's operation owns the watcher (P4). So an actor that ends takes its list under the lock, and of the list those whose
// operation it gets; one that is being called off is only taken out of the list, and freed by who calls it off. A list may be long, so
// the lock is let go now and then: what is left of the list hangs meanwhile on a word of the C stack.
#include "vm/watch.h"

#include "vm/forward.h"
#include "vm/leash.h"
#include "vm/sched.h"

enum {
  LOCKS = 64,
  TAKEN_AT_ONCE = 64,
};

static struct {
  _Alignas(64) Spin lock;
} locks[LOCKS];

static Spin *lock_of(const Actor *actor) { return &locks[((u64)actor * 0x9e3779b97f4a7c15u) >> 58].lock; }

// The first word of a list is looked at without the lock.
static void point(Watcher **link, Watcher *watcher) { __atomic_store_n(link, watcher, __ATOMIC_SEQ_CST); }

static void take_out(Watcher *watcher) {
  point(watcher->link, watcher->next);
  if (watcher->next) watcher->next->link = watcher->link;
  watcher->next = NULL;
  watcher->link = NULL;
}

static void put_in(Watcher *watcher, Actor *actor) {
  watcher->actor = actor;
  watcher->link = &actor->watchers;
  watcher->next = actor->watchers;
  if (watcher->next) watcher->next->link = &watcher->next;
  point(&actor->watchers, watcher);
}

static void promise_watcher_free(Worker *worker, Watcher *watcher) {
  Promise *promise = watcher->promise;
  bank_free(worker, promise->payer, watcher, sizeof *watcher);
  promise_release(worker, promise);
}

// ---- Promises of ended() --------------------------------------------------------------------------------------------

static void call_off(Worker *worker, Operation *operation) {
  Watcher *watcher = (Watcher *)operation;
  Actor *actor = watcher->actor;
  Spin *lock = lock_of(actor);
  spin_lock(lock);
  bool linked = watcher->link;
  if (linked) take_out(watcher);
  spin_unlock(lock);
  promise_watcher_free(worker, watcher);
  // If it was in the list, the actor had not ended; if it has since, its record is there as long as this slice (E5).
  if (linked && !atomic_load(&actor->weight)) actor_unreachable(worker, actor);
}

// False: somebody is calling it off.
static bool own(Watcher *watcher) {
  if (promise_operation_take(watcher->promise, &watcher->operation)) return true;
  return atomic_load_explicit(&watcher->promise->state, memory_order_acquire) != PROMISE_OPEN;  // whoever settled it took the operation
}

static void tell_one(Worker *worker, const Actor *ended, Watcher *watcher) {
  promise_exit(worker, watcher->promise, ended);
  promise_watcher_free(worker, watcher);
}

// Lets it watch the actor to which `actor` leads.
static void watch(Worker *worker, Watcher *watcher, Actor *actor) {
  Target target = forward_enter(worker, actor);
  Promise *promise = watcher->promise;
  promise_retain(promise);
  Spin *lock = lock_of(target.actor);
  spin_lock(lock);
  bool ended = actor_state(target.actor) == ACTOR_ENDED;
  if (!ended) {
    put_in(watcher, target.actor);
    promise_operation_set(promise, &watcher->operation);
  }
  spin_unlock(lock);
  if (ended) tell_one(worker, target.actor, watcher);
  forward_leave(worker, target);
  promise_release(worker, promise);
}

bool actor_watch(Worker *worker, Val reference, Promise *promise) {
  promise->asked_slot = ASKED_ENDED;
  Watcher *watcher = bank_alloc(worker, promise->payer, sizeof *watcher);
  if (!watcher) {
    promise_release(worker, promise);
    return false;
  }
  *watcher = (Watcher){.operation = {.cancel = call_off}, .promise = promise, .kind = WATCHER_PROMISE};
  watch(worker, watcher, ref_actor(val_obj(reference)));
  return true;
}

// ---- The list -------------------------------------------------------------------------------------------------------

void watcher_bind(Watcher *watcher, Actor *actor) {
  Spin *lock = lock_of(actor);
  spin_lock(lock);
  put_in(watcher, actor);
  spin_unlock(lock);
}

// Some of a list: the newest come first. The last bond taken is `last`. False: that was all.
static bool take_some(Spin *lock, Watcher **list, Departed *departed, Bond **last) {
  spin_lock(lock);
  Watcher *watcher;
  for (u32 n = 0; n < TAKEN_AT_ONCE && (watcher = *list); n++) {
    take_out(watcher);
    if (watcher->kind == WATCHER_BOND) {
      Bond *bond = (Bond *)watcher;
      bond->older = NULL;
      if (*last) (*last)->older = bond;
      else departed->bonds = bond;
      *last = bond;
    } else if (watcher->kind == WATCHER_HOLD || own(watcher)) {
      watcher->next = departed->told;
      departed->told = watcher;
    }
  }
  bool more = *list;
  spin_unlock(lock);
  return more;
}

void watchers_take(Worker *worker, Actor *actor, Why *why, Departed *departed) {
  *departed = (Departed){NULL, NULL};
  Spin *lock = lock_of(actor);
  spin_lock(lock);
  Watcher *list = actor->watchers;
  bool any = list;
  if (any) list->link = &list;
  __atomic_store_n(&actor->why, why, __ATOMIC_RELAXED);  // watchers_want() may be about to look
  atomic_store(&actor->state, ACTOR_ENDED);
  spin_unlock(lock);
  Bond *last = NULL;
  while (any) any = take_some(lock, &list, departed, &last);
}

void watchers_move(Worker *worker, Actor *from) {
  Spin *lock = lock_of(from);
  spin_lock(lock);
  Watcher *list = from->watchers;
  bool any = list;
  point(&from->watchers, NULL);
  if (any) list->link = &list;
  spin_unlock(lock);
  Departed departed = {NULL, NULL};
  Bond *last = NULL;
  while (any) any = take_some(lock, &list, &departed, &last);
  for (Watcher *watcher = departed.told, *newer; watcher; watcher = newer) {
    newer = watcher->next;
    watch(worker, watcher, from);
  }
}

// The leash that holds it, there is one at most, last: by that other ends may become known.
void watchers_tell(Worker *worker, const Actor *actor, Watcher *watcher) {
  Hold *hold = NULL;
  for (Watcher *newer; watcher; watcher = newer) {
    newer = watcher->next;
    if (watcher->kind == WATCHER_HOLD) hold = (Hold *)watcher;
    else tell_one(worker, actor, watcher);
  }
  if (hold) leash_left(worker, hold);
}

static bool any_of_kind(Actor *actor, WatcherKind kind) {
  Spin *lock = lock_of(actor);
  spin_lock(lock);
  const Watcher *watcher = actor_state(actor) == ACTOR_ENDED ? NULL : actor->watchers;
  while (watcher && watcher->kind != kind) watcher = watcher->next;
  spin_unlock(lock);
  return watcher;
}

bool watchers_hold(Actor *actor) { return any_of_kind(actor, WATCHER_HOLD); }
bool watchers_own_leash(Actor *actor) { return any_of_kind(actor, WATCHER_BOND); }

bool watchers_want(Actor *actor) {
  if (LIKELY(!__atomic_load_n(&actor->watchers, __ATOMIC_SEQ_CST))) return false;
  Spin *lock = lock_of(actor);
  spin_lock(lock);
  bool wanted = false;
  // Of one that has ended meanwhile the text stands in that place, or nothing.
  const Watcher *watcher = actor_state(actor) == ACTOR_ENDED ? NULL : actor->watchers;
  for (; watcher && !wanted; watcher = watcher->next) {
    wanted = watcher->kind == WATCHER_PROMISE || (watcher->kind == WATCHER_BOND && !leash_is_empty(((const Bond *)watcher)->leash));
  }
  spin_unlock(lock);
  return wanted;
}
