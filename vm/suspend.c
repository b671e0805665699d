// Suspended actors: how one begins to wait for a promise, and what it finds when it goes on.
//
// An actor that is suspended is made ready by whoever changes its state from SUSPENDED: who settles the promise (promise.c), its timer, who
// dooms it. Only the first of these takes the waiter out of the promise's ring. The others leave a mark, `disturbed`: the actor itself leaves
// the ring then, under the promise's lock, before it does anything else. So until it runs again its turn is not touched by two at once, and
// an actor that just got its answer needs no lock to go on. docs/workers.md, P1 … P3.
#include "vm/crowd.h"
#include "vm/sched.h"

static bool is_open(const Promise *promise) { return atomic_load_explicit(&promise->state, memory_order_acquire) == PROMISE_OPEN; }

// ---- Limits ---------------------------------------------------------------------------------------------------------

static bool time_is_up(void *context) {
  Actor *actor = context;
  atomic_store(&actor->disturbed, 1);
  u8 suspended = ACTOR_SUSPENDED;
  return atomic_compare_exchange_strong(&actor->state, &suspended, ACTOR_READY);
}

static void wake_late(Worker *worker, void *context) { sched_ready(worker, context); }

static const TimerKind limit = {time_is_up, wake_late};

static void limit_cancel(Worker *worker, Turn *turn) {
  if (!turn->timer) return;
  timers_cancel(&worker->pool, turn->timer);
  bank_give(worker, turn->payer, sizeof(Timer));
  turn->timer = NULL;
}

bool sched_suspend(Worker *worker, Promise *on, u64 within_us) {
  Turn *turn = worker->turn;
  if (within_us) {
    Sched *sched = worker->sched;
    u64 now = sched_now(worker), at = within_us > UINT64_MAX - now ? UINT64_MAX : now + within_us;
    if (!account_take(worker, worker->account, sizeof(Timer))) return false;
    turn->timer = timers_set(&sched->timers, &worker->pool, at, &limit, worker->actor);
    if (!turn->timer) {
      account_give(worker->account, sizeof(Timer));
      return false;
    }
    turn->payer = worker->account->bank;
  }
  promise_retain(on);
  turn->waiting = on;
  return true;
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

// It has become suspended, but should not: whoever set `doomed` or let the timer fire before that could not make it ready. False: somebody
// has done so all the same.
static __attribute__((noinline)) bool wake_oneself(Actor *actor, Promise *on, Waiter *waiter) {
  u8 suspended = ACTOR_SUSPENDED;
  if (!atomic_compare_exchange_strong(&actor->state, &suspended, ACTOR_RUNNING)) return false;
  promise_leave(on, waiter);
  return true;
}

// The actor becomes suspended within the lock: whoever makes it ready before it is let go has to wait for that, and whoever looks for its
// waiter in the ring finds it there.
bool suspend_begin(Actor *actor, Turn *turn) {
  Promise *on = turn->waiting;
  spin_lock(&on->lock);
  bool waits = is_open(on);
  if (LIKELY(waits)) {
    promise_join(on, &turn->waiter);
    atomic_store(&actor->state, ACTOR_SUSPENDED);
    bool over = (atomic_load(&actor->doomed) & DOOMED) || (turn->timer && timer_has_fired(turn->timer));
    if (UNLIKELY(over) && wake_oneself(actor, on, &turn->waiter)) waits = false;
  }
  spin_unlock(&on->lock);
  return waits;
}

// What has come is looked at in this order: the answer, the end of the time, the end of the actor.
SuspendEnd suspend_look(Worker *worker, Actor *actor, Turn *turn) {
  for (;;) {
    if (atomic_load_explicit(&actor->disturbed, memory_order_relaxed) || is_open(turn->waiting)) {
      atomic_store_explicit(&actor->disturbed, 0, memory_order_relaxed);
      promise_unwait(turn->waiting, &turn->waiter);
    }
    if (!is_open(turn->waiting) || (turn->timer && timer_has_fired(turn->timer))) {
      limit_cancel(worker, turn);
      return SUSPEND_OVER;
    }
    if (atomic_load(&actor->doomed) & DOOMED) return SUSPEND_DOOMED;
    if (!turn->waiter.listed) deadlock_suspect(worker, &turn->waiter);
    if (suspend_begin(actor, turn)) return SUSPEND_AGAIN;  // it was made ready for nothing, or its heap was collected first
  }
}

void suspend_give_up(Worker *worker, Turn *turn) {
  Promise *on = turn->waiting;
  if (on) promise_unwait(on, &turn->waiter);
  limit_cancel(worker, turn);
  if (on) promise_release(worker, on);
  if (UNLIKELY(turn->held != NULL)) crowd_give_up(worker, turn->held);
  turn->held = NULL;
}
