// Turns: an actor takes the next message whose guard holds, runs its handler, and settles the answer.
//
// A slice is what a worker does with an actor before it looks at the others: many short turns, or a part of a long one. A turn that
// must stop midway, because it waits or has used up its reductions, is put aside in its actor with its frames; everything else of it
// has left the worker by then. A guard is a turn of its own on the same message, which stays in the mailbox until the guard has said yes.
#include "vm/collect.h"
#include "vm/copy.h"
#include "vm/crowd.h"
#include "vm/drop.h"
#include "vm/fault.h"
#include "vm/gc.h"
#include "vm/guard.h"
#include "vm/load.h"
#include "vm/sched.h"
#include "vm/step.h"
#include "vm/storage.h"
#include "vm/stream.h"
#include "vm/trace.h"
#include "vm/work.h"

typedef enum Step {
  STEP_MORE,     // the turn is over: the next message, please
  STEP_BEGIN,    // a message has left the mailbox for worker->turn: its turn may begin
  STEP_IDLE,     // nothing is there for it: another worker may run it by now
  STEP_AWAY,     // it is suspended, and the same holds, or has ended
  STEP_REQUEUE,  // it could go on, but others are waiting
  STEP_READY,    // the same, but it has had no slice of its own yet
  STEP_HANDED,   // its request was handed on: worker->actor is another, and worker->turn has the message
} Step;

// ---- Ends -----------------------------------------------------------------------------------------------------------

// To stderr, which belongs to who holds the root bank. Of actors in other banks `ended` tells.
// Of an actor in another bank than the root it is nobody's terminal: whoever holds the bank hears by ended() and by broken promises.
static void report(Worker *worker) {
  if (worker->account->bank != worker->vm->bank) return;
  bool made = trace_crash(worker);
  Str text = made ? (Str){worker->text, worker->text_length} : STR("crash: out of memory\n");
  stream_write(worker, worker->vm->err, text);
}

// The running actor ends as worker->fault says.
static Step end_by_fault(Worker *worker, Actor *actor) {
  if (UNLIKELY(worker->sched->depth)) callers_park(worker);
  FaultKind kind = worker->fault;
  bool crashed = kind == FAULT_CRASH || kind == FAULT_MEMORY;
  if (crashed && actor->bank == worker->vm->bank) report(worker);
  worker->in_guard = false;
  Str why = worker->fault_text ? (Str){worker->fault_text, worker->fault_length} : STR("out of memory");
  actor_end(worker, actor, crashed ? EXIT_REASON_CRASH : kind == FAULT_STOP ? EXIT_REASON_NORMAL : EXIT_REASON_KILLED, why);
  fault_clear(worker);
  return STEP_AWAY;
}

static Step end_by_memory(Worker *worker, Actor *actor) {
  if (!worker->fault) fault_memory(worker);
  return end_by_fault(worker, actor);
}

void turn_discard(Worker *worker, Turn *turn) {
  suspend_give_up(worker, turn);
  turn_free(worker, turn);
}

// ---- Putting aside --------------------------------------------------------------------------------------------------

// Whether the turn has made nothing that would have to leave the nursery: as in a loop of requests.
static inline bool nothing_young(const Worker *worker) {
  return !WALKING && worker->at == worker->nursery && !worker->young_large && !worker->written && !young_fragment(worker).bytes;
}

static inline bool set_aside(Worker *worker, Actor *actor, bool shrinks) {
  if (!nothing_young(worker) && !heap_suspend(worker)) return false;
  Turn *turn = worker->turn;
  if (shrinks) turn_shrink(worker, turn);
  if (UNLIKELY(!turn_pay(worker, turn, turn_bytes(turn)))) return false;
  actor->turn = turn;
  worker->turn = NULL;
  worker->in_guard = false;
  if (UNLIKELY(worker->collect_due)) actor->collecting = actor->heap != NULL;
  return true;
}

static bool put_aside(Worker *worker, Actor *actor) {
  if (UNLIKELY(worker->sched->depth)) callers_park(worker);
  return set_aside(worker, actor, true);
}

// An actor that was suspended, or put aside, goes on with its turn. False: it does not, and *step says why.
static inline __attribute__((always_inline)) bool take_up(Worker *worker, Actor *actor, Step *step) {
  Turn *turn = actor->turn;
  Promise *waiting = turn->waiting;
  if (waiting) {
    SuspendEnd end = suspend_end(worker, actor, turn);
    *step = end == SUSPEND_DOOMED ? STEP_REQUEUE : STEP_AWAY;
    if (UNLIKELY(end != SUSPEND_OVER)) return false;
  }
  worker->turn = turn;
  actor->turn = NULL;
  worker->untidy = true;
  worker->in_guard = turn->phase == PHASE_GUARD;
  if (!waiting) return true;
  turn->waiting = NULL;
  bool resumed = engine_resume(worker, waiting);
  promise_release(worker, waiting);
  if (UNLIKELY(!resumed)) *step = end_by_memory(worker, actor);
  return resumed;
}

// The engine goes on with a turn that was taken up. A request that has just been let in begins to wait for its answer.
static inline EngineExit engine_go_on(Worker *worker) { return UNLIKELY(worker->turn->waiting != NULL) ? ENGINE_SUSPEND : engine_run(worker); }

static __attribute__((noinline)) bool go_on(Worker *worker, Actor *actor, Step *step) { return take_up(worker, actor, step); }

static inline void wait_begins(Worker *worker, Actor *actor) {
  Turn *turn = actor->turn;
  turn->waiter.kind = WAITER_ACTOR;
  turn->waiter.actor = actor;
  turn->waiter.since = deadlock_since(worker);
}

// Of one that was put aside. False: its wait was over before it had begun, and it goes on within its slice. Otherwise its slice is over as
// *step says.
static bool wait(Worker *worker, Actor *actor, Step *step) {
  Turn *turn = actor->turn;
  *step = STEP_REQUEUE;
  if (UNLIKELY(actor->collecting)) return true;  // it will wait after that
  if (UNLIKELY(!turn->waiter.listed)) deadlock_suspect(worker, &turn->waiter);
  *step = STEP_AWAY;
  return LIKELY(suspend_begin(actor, turn)) || !go_on(worker, actor, step);
}

static bool suspend(Worker *worker, Actor *actor, Step *step) {
  if (!put_aside(worker, actor)) {
    *step = end_by_memory(worker, actor);
    return true;
  }
  wait_begins(worker, actor);
  return wait(worker, actor, step);
}

static Step preempt(Worker *worker, Actor *actor) {
  Step step = UNLIKELY(worker->sched->depth) && !worker->stalled ? STEP_READY : STEP_REQUEUE;
  return put_aside(worker, actor) ? step : end_by_memory(worker, actor);
}

// Its request is handed on, as hand_on() has found that it can be: it stands by, and the receiver's turn begins. False, as for suspend(): it
// could not be after all, and the message was queued.
static inline bool hand_over(Worker *worker, Actor *actor, Step *step) {
  Sched *sched = worker->sched;
  Actor *callee = sched->callee;
  if (UNLIKELY(!set_aside(worker, actor, false))) {
    hand_decline(worker);
    *step = end_by_memory(worker, actor);
    return true;
  }
  wait_begins(worker, actor);
  bool doomed = atomic_load_explicit(&callee->doomed, memory_order_relaxed);
  if (UNLIKELY(actor->collecting || doomed) || !(worker->turn = turn_new(worker))) {
    hand_decline(worker);
    if (sched->depth) callers_park(worker);
    return wait(worker, actor, step);
  }
  crowd_let_in(worker, actor);  // B2: the slice may end as another's
  sched->callers[sched->depth++] = actor;
  sched->hands_left--;
  worker->stats.slices++;  // waits that begin in it began later
  worker->reductions -= TURN_COST;
  worker->actor = callee;
  worker->turn->message = sched->handed;
  sched->handed = NULL;
  *step = STEP_HANDED;
  return true;
}

// What it was about to send, in a message or its answer, is large: that is frozen in steps, then it does the same once more.
static __attribute__((noinline)) Step freeze_first(Worker *worker, Actor *actor) {
  worker->freeze_due = false;
  fault_clear(worker);
  Freezing *freezing = freezing_new(worker);
  if (!freezing) worker->turn->at_once = true;
  if (!put_aside(worker, actor)) {
    freezing_forget(worker, freezing);
    return end_by_memory(worker, actor);
  }
  if (freezing) freezing_attach(worker, actor, freezing);
  return STEP_REQUEUE;
}

static const Code *other_code(const Message *message) {
  if (message->kind == MESSAGE_TASK && !message->code) return closure_code(val_obj(message->args[0]));
  return message->code;
}

static inline const Code *code_of(const Actor *actor, const Message *message) {
  return LIKELY(message->kind == MESSAGE_CALL) ? actor->class->handlers[message->slot].code : other_code(message);
}

// ---- Answers --------------------------------------------------------------------------------------------------------

// Nobody asks for the answer any more: what it owns goes now, wherever its handles lie.
static void drop_answer(Worker *worker, const Code *code) {
  const DropPlan *plan = code->image->drops[code->function->result];
  if (plan) drop_value(worker, plan, worker->result);
}

// Who asked stands by, and nobody else knows the promise: a plain answer needs no lock.
static inline bool answer_plainly(Worker *worker, Message *message, bool forwards) {
  if (forwards || val_is_pointer(worker->result)) return false;
  Promise *promise = message->promise;
  message->promise = NULL;
  promise->value = worker->result;
  atomic_store_explicit(&promise->count, 1, memory_order_relaxed);
  atomic_store_explicit(&promise->state, PROMISE_KEPT, memory_order_relaxed);
  return true;
}

static __attribute__((noinline)) bool settle(Worker *worker, Actor *actor, Message *message, bool forwards) {
  Promise *promise = message->promise;
  if (forwards) {
    if (worker->sched->depth) callers_park(worker);
    Obj *from = val_obj(worker->result);
    if (!promise_forward(worker, promise_of(from), promise)) return false;
    if (header_flags(from->header) & OBJ_UNIQUE) handle_drop(worker, from);  // the answer follows it without its handle
  } else {
    if (UNLIKELY(val_is_pointer(worker->result) && !promise_is_heard(promise))) drop_answer(worker, worker->turn->code);
    worker->may_repeat = true;
    bool kept = promise_keep(worker, promise, worker->result);
    worker->may_repeat = worker->turn->at_once = false;
    if (!kept) return false;
    promise_release(worker, promise);
  }
  message->promise = NULL;
  return true;
}

// The turn is over but for what it leaves behind: its message is still its own.
static inline __attribute__((always_inline)) bool turn_end(Worker *worker, Actor *actor, Message *message, bool forwards) {
  bool settled = !message->promise || (worker->sched->depth && answer_plainly(worker, message, forwards));
  if (!settled && !settle(worker, actor, message, forwards)) return false;
  return heap_end_plain(worker) || heap_end_turn(worker);
}

static inline __attribute__((always_inline)) Step handler_ended(Worker *worker, Actor *actor, bool forwards) {
  Turn *turn = worker->turn;
  Message *message = turn->message;
  if (UNLIKELY(!turn_end(worker, actor, message, forwards))) {
    return worker->freeze_due ? freeze_first(worker, actor) : end_by_memory(worker, actor);
  }
  if (actor->class->any_guard && turn->code->effects & actor->class->retest) {
    *mailbox_retest(actor) = true;
    *mailbox_tested(actor) = NULL;
  }
  turn->message = NULL;
  message_done(worker, message);
  if (UNLIKELY(turn->charged)) turn_repay(worker);
  return STEP_MORE;
}

// ---- Running --------------------------------------------------------------------------------------------------------

// Put-off messages don't shut out those that would open the guard: they don't count any more (B4).
static void leave_queue(Worker *worker, Actor *actor, Message *message) {
  mailbox_left(actor, message);
  message->weighs = 0;
  crowd_leave(worker, actor, message);
}

// What the guard of the turn's message has said is done; of the guard itself nothing is left.
static inline Step guard_said(Worker *worker, Actor *actor, bool holds) {
  Turn *turn = worker->turn;
  Message *message = turn->message;
  worker->in_guard = false;
  turn->phase = PHASE_HANDLER;
  Message **put_off = mailbox_put_off(actor), **tested = mailbox_tested(actor);
  if (holds) {
    mailbox_remove(turn->put_off ? put_off : &actor->queue, turn->put_off ? *tested : NULL, message);
    if (!turn->put_off) leave_queue(worker, actor, message);
    return STEP_BEGIN;
  }
  turn->message = NULL;
  bool was_put_off = turn->put_off;
  if (UNLIKELY(turn->charged)) turn_repay(worker);
  if (was_put_off) {
    *tested = message;
    return STEP_MORE;
  }
  mailbox_remove(&actor->queue, NULL, message);
  mailbox_append(put_off, message);
  leave_queue(worker, actor, message);
  return STEP_MORE;
}

static Step guard_ended(Worker *worker, Actor *actor, bool holds) {
  worker->in_guard = false;
  if (!heap_end_plain(worker) && !heap_end_turn(worker)) return end_by_memory(worker, actor);
  return guard_said(worker, actor, holds);
}

// The engine has left a turn before its end, or at the end of a guard.
static Step left(Worker *worker, Actor *actor, EngineExit how) {
  for (Step step;; how = engine_go_on(worker)) {
    switch (how) {
      case ENGINE_TURN_END:
        if (worker->in_guard) return guard_ended(worker, actor, worker->result == VAL_TRUE);
        return handler_ended(worker, actor, false);
      case ENGINE_FORWARD: return handler_ended(worker, actor, true);
      case ENGINE_SUSPEND:
        if (LIKELY(worker->sched->handed ? hand_over(worker, actor, &step) : suspend(worker, actor, &step))) return step;
        break;
      case ENGINE_FAULT:
        if (worker->freeze_due) return freeze_first(worker, actor);
        if (!work_paused(worker)) return end_by_fault(worker, actor);
        fault_clear(worker);  // a native is not done: it was preempted
        // fall through
      case ENGINE_YIELD:
        if (worker->stalled || worker->collect_due || worker->sched->depth || !sched_again(worker)) return preempt(worker, actor);
        if (UNLIKELY(worker->turn->work != NULL)) sched_shorten(worker, WORK_STEP);
        break;
    }
  }
}

// Puts the Result that a `when` body takes into its first register, where a collection finds it. The body has not run yet: its other
// registers are cleared here too, for the collection's sake.
static bool give_result(Worker *worker, Message *message) {
  Promise *on = message->on;
  u64 *first = worker->turn->stack + worker->turn->fp;
  for (u32 i = message->code->first_cleared; i < message->code->cleared_end; i++) first[i] = VAL_EMPTY;
  if (!promise_take(worker, on, first)) return false;
  bool kept = atomic_load(&on->state) == PROMISE_KEPT;
  message->on = NULL;
  promise_release(worker, on);
  if (!heap_reserve(worker, 2)) return false;
  first = worker->turn->stack + worker->turn->fp;
  *first = build_well_known1(worker, kept ? WK_OK : WK_ERR, *first);
  return true;
}

// Puts the first frame of a turn on the stack.
static inline bool enter(Worker *worker, Message *message, const Code *code) {
  if (UNLIKELY(message->kind == MESSAGE_TASK && !message->code)) {
    Obj *closure = val_obj(message->args[0]);
    return engine_enter(worker, code, closure_captures(closure), header_aux(closure->header));
  }
  return engine_enter(worker, code, message->args, message->count);
}

// The bank has no room for the message. An actor lives on without it, unless it was to begin with it.
static __attribute__((noinline)) Step refuse(Worker *worker, Actor *actor, Message *message) {
  if (message->kind == MESSAGE_START || message->kind == MESSAGE_TASK) {
    worker->stats.received++;
    worker->turn->pc = NULL;  // there are no frames to report
    return end_by_memory(worker, actor);
  }
  worker->refused = NULL;
  worker->turn->message = NULL;
  message_drop_full(worker, message);
  return STEP_MORE;
}

// Runs a turn from its begin to its end, if nothing comes between.
static inline __attribute__((always_inline)) Step begin(Worker *worker, Actor *actor) {
  Message *message = worker->turn->message;
  if (UNLIKELY(!message_begin(worker, message))) return refuse(worker, actor, message);
  worker->stats.received++;
  worker->reductions--;
  worker->turn->young_message = true;
  worker->untidy = message->counted;
  const Code *code = worker->turn->code = code_of(actor, message);
  if (UNLIKELY(!enter(worker, message, code))) return end_by_memory(worker, actor);
  if (UNLIKELY(message->kind == MESSAGE_WHEN) && !give_result(worker, message)) return end_by_memory(worker, actor);
  EngineExit how = engine_run(worker);
  return LIKELY(how == ENGINE_TURN_END) ? handler_ended(worker, actor, false) : left(worker, actor, how);
}

// Most guards only compare; most others make nothing and run to their end at once.
static inline Step test_guard(Worker *worker, Actor *actor, Message *message, bool put_off) {
  const ClassHandler *handler = &actor->class->handlers[message->slot];
  Turn *turn = worker->turn;
  turn->phase = PHASE_GUARD;
  turn->message = message;
  turn->put_off = put_off;
  worker->reductions--;
  if (LIKELY(handler->plain.compares != GUARD_RUNS)) return guard_said(worker, actor, guard_holds(actor, &handler->plain));
  turn->guard_writes = 0;
  worker->untidy = false;
  worker->in_guard = true;
  if (UNLIKELY(!enter(worker, message, handler->guard))) return end_by_memory(worker, actor);
  EngineExit how = engine_run(worker);
  if (UNLIKELY(how != ENGINE_TURN_END || !heap_end_plain(worker))) return left(worker, actor, how);
  return guard_said(worker, actor, worker->result == VAL_TRUE);
}

// ---- Choosing -------------------------------------------------------------------------------------------------------

static inline Step go_idle(Actor *actor) {
  atomic_store_explicit(&actor->state, ACTOR_IDLE, memory_order_relaxed);  // before the mark: once it stands, another worker may run the actor
  if (mailbox_idle(actor)) return STEP_IDLE;
  atomic_store_explicit(&actor->state, ACTOR_RUNNING, memory_order_relaxed);
  return STEP_MORE;
}

static inline Step take(Worker *worker, Actor *actor, Message *message) {
  worker->turn->message = message;
  crowd_leave(worker, actor, message);
  return STEP_BEGIN;
}

static inline const ClassHandler *handler_of(const Actor *actor, const Message *message) { return &actor->class->handlers[message->slot]; }

// What needs no turn to be told.
static inline bool plainly(const Actor *actor, const ClassHandler *handler, bool holds) {
  return LIKELY(handler->plain.compares != GUARD_RUNS) && guard_holds(actor, &handler->plain) == holds;
}

// Put-off messages, since the state was written. False: all are refused still. Otherwise *step says what came of one.
static inline bool test_again(Worker *worker, Actor *actor, Step *step) {
  Message **put_off = mailbox_put_off(actor), **tested = mailbox_tested(actor);
  while (*put_off && *tested != *put_off) {
    Message *message = *tested ? (*tested)->next : (*put_off)->next;
    *step = STEP_MORE;
    if (plainly(actor, handler_of(actor, message), false)) {
      worker->reductions--;
      *tested = message;
    } else {
      *step = test_guard(worker, actor, message, true);
    }
    if (*step != STEP_MORE || worker->reductions <= 0 || UNLIKELY(!worker->turn)) return true;
    worker->reductions -= TURN_COST;
  }
  *mailbox_retest(actor) = false;
  return false;
}

// Of an actor with guards: put-off messages first, for they are older, but only if the state was written since they were tested.
static Step next_guarded(Worker *worker, Actor *actor) {
  Step step;
  if (*mailbox_retest(actor) && test_again(worker, actor, &step)) return step;
  if (!actor->queue && !mailbox_collect(actor)) return go_idle(actor);
  Message *message = actor->queue->next;
  const ClassHandler *handler = handler_of(actor, message);
  if (message->kind == MESSAGE_CALL && handler->guard) {
    if (!plainly(actor, handler, true)) return test_guard(worker, actor, message, false);
    worker->reductions--;
  }
  return take(worker, actor, mailbox_first(actor));
}

// A native actor's turn: its step answers, or takes the promise over to answer later. What goes wrong in it breaks the answer only.
static Step next_native(Worker *worker, Actor *actor) {
  Message *message = mailbox_next(actor);
  if (!message) return go_idle(actor);
  crowd_leave(worker, actor, message);
  worker->reductions -= 10;
  if (UNLIKELY(!message_begin(worker, message))) {
    worker->refused = NULL;
    message_drop_full(worker, message);
    return STEP_MORE;
  }
  worker->stats.received++;
  if (message->promise) message->promise->owed = 0;  // it may outlive the actor
  if (!actor->class->step(worker, actor, message)) {
    Str why = worker->fault_text ? (Str){worker->fault_text, worker->fault_length} : STR("out of memory");
    if (message->promise) promise_break(worker, message->promise, WK_CRASHED, why);
    fault_clear(worker);
  }
  if (message->promise) promise_release(worker, message->promise);
  heap_abandon(worker);
  if (message->counted) heap_free_message(worker, message);
  else message_recycle(worker, message);
  return STEP_MORE;
}

// A turn that was put aside goes on.
static Step resume(Worker *worker, Actor *actor) {
  if (worker->turn) turn_spare(worker, worker->turn);
  worker->turn = NULL;
  Step step;
  if (!take_up(worker, actor, &step)) return step;
  if (UNLIKELY(worker->turn->work != NULL)) sched_shorten(worker, WORK_STEP);
  step = left(worker, actor, engine_go_on(worker));
  if ((step == STEP_MORE || step == STEP_BEGIN) && UNLIKELY(atomic_load(&actor->doomed))) sched_cut(worker);  // it was the last
  return step;
}

static void end_by_doom(Worker *worker, Actor *actor) { actor_end(worker, actor, EXIT_REASON_KILLED, STR("")); }

// It has gone idle. Whoever doomed it, or let go of it, before the mark stood could do nothing more; who does so now sees the mark (W3,
// E2). It may be freed.
static inline void look_back(Worker *worker, Actor *actor) {
  if (UNLIKELY(atomic_load(&actor->doomed)) && mailbox_rouse(actor)) end_by_doom(worker, actor);
  else if (UNLIKELY(!atomic_load(&actor->weight)) && actor_went_idle(worker, actor)) return;
  crowd_let_in(worker, actor);
}

// Whoever asked can't run on at once: the slice is the actor's from now on.
static __attribute__((noinline)) Step outlast_callers(Worker *worker, Actor *actor) {
  callers_park(worker);
  if (worker->reductions > 0 || worker->collect_due || worker->stalled) return STEP_MORE;
  Step step = go_idle(actor);
  return step == STEP_MORE ? STEP_READY : step;
}

// The plain answer for who stands by: nobody else has ever known its promise. False: it is not one.
static inline bool take_answer(Worker *worker, Actor *caller) {
  Turn *turn = caller->turn;
  Promise *answer = turn->waiting;
  if (UNLIKELY(atomic_load_explicit(&answer->state, memory_order_relaxed) != PROMISE_KEPT || answer->chunk)) return false;
  turn_spare(worker, worker->turn);
  worker->turn = turn;
  caller->turn = NULL;
  worker->untidy = true;
  turn_registers(turn)[turn->dst] = answer->value;
  turn->pc = turn->pc_after;
  turn->waiting = NULL;
  account_give(worker->account, sizeof *answer);
  pool_free(&worker->pool, answer, sizeof *answer);
  return true;
}

// A turn that was handed on has ended: whoever asked runs on, or if something stands in the way, the actor.
static Step hand_back(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  Actor *caller = sched->callers[sched->depth - 1];
  bool over = !slice_goes_on(worker) || UNLIKELY(atomic_load_explicit(&caller->doomed, memory_order_relaxed));
  if (UNLIKELY(over)) return outlast_callers(worker, actor);
  if (LIKELY(go_idle(actor) == STEP_IDLE)) look_back(worker, actor);
  else sched_ready(worker, actor), crowd_let_in(worker, actor);
  sched->depth--;
  worker->actor = caller;
  if (UNLIKELY(!take_answer(worker, caller))) return resume(worker, caller);
  EngineExit how = engine_run(worker);
  Step step;
  if (LIKELY(how == ENGINE_SUSPEND && sched->handed)) return hand_over(worker, caller, &step) ? step : left(worker, caller, engine_go_on(worker));
  return left(worker, caller, how);
}

// Requests that are handed on, and what their turns hand on, until one's turn is over that nobody stands by for.
static __attribute__((noinline)) Step handed_turns(Worker *worker) {
  Step step = STEP_HANDED;
  do step = step == STEP_HANDED ? begin(worker, worker->actor) : hand_back(worker, worker->actor);
  while (step == STEP_HANDED || (step == STEP_MORE && worker->sched->depth));
  return step;
}

// Turn after turn, until the actor, or one to which its request was handed on, has done enough for one slice. That is worker->actor then.
static inline Step take_turns(Worker *worker, Actor *actor) {
  Step step = actor->turn ? resume(worker, actor) : STEP_MORE;
  for (;;) {
    if (step == STEP_BEGIN) step = begin(worker, actor);
    if (step == STEP_HANDED) {
      step = handed_turns(worker);
      actor = worker->actor;
    }
    if (step != STEP_MORE || worker->reductions <= 0) return step;
    worker->reductions -= TURN_COST;
    const Class *class = actor->class;
    if (UNLIKELY(class->step != NULL)) {
      step = next_native(worker, actor);
    } else if (UNLIKELY(!worker->turn) && !(worker->turn = turn_new(worker))) {  // before a message is taken, so that none is lost
      step = end_by_memory(worker, actor);
    } else if (class->any_guard) {
      step = next_guarded(worker, actor);
    } else {
      Message *message = mailbox_next(actor);
      step = message ? take(worker, actor, message) : go_idle(actor);
    }
  }
}

// Of one that is doomed, and about to run.
static __attribute__((noinline)) bool ends_now(const Actor *actor) { return (actor->doomed & DOOMED) || !actor->turn; }

// The kill hooks: wherever the actor has got to, if it is the worker's still. False: it lives on as it would have.
static __attribute__((noinline)) bool kill_here(Worker *worker, Actor *actor, Step step) {
  worker->sched->kill_now = false;
  bool owned = step == STEP_REQUEUE || step == STEP_READY || step == STEP_MORE || worker->vm->worker_count == 1;
  if (worker->vm->options.kill_every ? !havoc_strike(worker, actor, owned) : !owned) return false;
  end_by_doom(worker, actor);
  return true;
}

// Puts the actor, which has written more than is read, aside until there is room. False if there is room now.
static bool stall(Worker *worker, Actor *actor) {
  Stream *stream = worker->stalled;
  worker->stalled = NULL;
  atomic_store(&actor->state, ACTOR_SUSPENDED);  // before it can be found: once it is, another worker may run it
  if (!(atomic_load(&actor->doomed) & DOOMED) && stream_wait(worker, stream, actor)) return true;
  u8 suspended = ACTOR_SUSPENDED;
  return !atomic_compare_exchange_strong(&actor->state, &suspended, ACTOR_RUNNING);  // if not: somebody has made it ready
}

static inline void leave(Worker *worker) {
  worker->actor = NULL;
  if (UNLIKELY(worker->text_charged)) scratch_trim(worker);
  worker->refused = NULL;  // that bank may go now
}

// The actor's heap is being collected: the next step takes the place of a slice. Once all is done it goes on.
static __attribute__((noinline)) void collect_slice(Worker *worker, Actor *actor) {
  sched_grant(worker);
  bool used_up = collect_step(worker, actor);
  sched_charge(worker);
  if (UNLIKELY(worker->sched->kill_now) && kill_here(worker, actor, STEP_REQUEUE)) return;
  if (used_up) sched_requeue(worker, actor);
  else sched_requeue_first(worker, actor);
}

// It has ended a turn, and its heap is to be collected before the next one begins.
static void collect_first(Worker *worker, Actor *actor) {
  actor->collecting = actor->heap != NULL;
  sched_requeue(worker, actor);
}

// It has had its slice; one whose native is not done had a step in its place, and goes on at once unless somebody was woken.
static inline void step_back(Worker *worker, Actor *actor) {
  Work *work = actor->turn ? actor->turn->work : NULL;
  if (UNLIKELY(work != NULL)) {
    if ((work->slice_left -= WORK_STEP) > 0) {
      sched_requeue_first(worker, actor);
      return;
    }
    work->slice_left = worker->vm->options.quantum;
  }
  sched_requeue(worker, actor);
}

static inline void slice(Worker *worker, Actor *actor) {
  if (UNLIKELY(actor_state(actor) == ACTOR_ENDED)) {  // while it stood in line
    weight_return(worker, actor, WEIGHT_UNIT);
    return;
  }
  worker->actor = actor;
  worker->account = bank_account(actor->bank, worker);
  atomic_store_explicit(&actor->state, ACTOR_RUNNING, memory_order_relaxed);
  if (UNLIKELY((atomic_load_explicit(&actor->doomed, memory_order_relaxed) && ends_now(actor)) || worker->account->doomed)) {
    end_by_doom(worker, actor);
    leave(worker);
    return;
  }
  if (UNLIKELY(actor->collecting)) {
    collect_slice(worker, actor);
    leave(worker);
    return;
  }
  worker->collect_due = false;
  worker->sched->hands_left = HAND_ROW;
  sched_grant(worker);
  Step step = take_turns(worker, actor);
  actor = worker->actor;
  sched_charge(worker);
  bool killed = UNLIKELY(worker->sched->kill_now) && kill_here(worker, actor, step);
  if (UNLIKELY(killed)) {}
  else if (LIKELY(step == STEP_IDLE)) look_back(worker, actor);
  else if (UNLIKELY(step == STEP_READY)) sched_ready(worker, actor);
  else if (step == STEP_MORE && UNLIKELY(worker->collect_due)) collect_first(worker, actor);
  else if (step != STEP_AWAY && (LIKELY(!worker->stalled) || !stall(worker, actor))) step_back(worker, actor);
  if (step == STEP_MORE || step == STEP_REQUEUE) crowd_let_in_late(worker, actor);  // B2
  else if (step != STEP_IDLE) crowd_let_in(worker, actor);
  leave(worker);
  worker->stalled = NULL;
}

// Others may want something. Who has nothing to give says so here: so it is after nearly each slice while one worker has all the work.
static inline bool nothing_to_give(Worker *worker, u32 wanted) {
  if (wanted >= WANTED_STOP || worker->sched->ready_count >= 2) return false;
  worker->sched->sole = worker->stats.reductions;
  return true;
}

// Between two slices, when more is to be done than to choose the next: for the root bank. False: the run is over.
static __attribute__((noinline)) bool between(Worker *worker, const Crew *crew, bool nobody) {
  Sched *sched = worker->sched;
  worker->account = bank_account(worker->vm->bank, worker);
  u32 wanted = atomic_load_explicit(&crew->wanted, memory_order_relaxed);
  if (wanted && !nothing_to_give(worker, wanted)) crew_attend(worker);
  if (worker->dead_words) {
    if (nobody) sched->until_poll = -1;  // it may be the outside's turn
    nobody = false;
    release_between(worker);
  }
  return nobody || sched->reap || sched->graves || sched->until_poll < 0 ? sched_look(worker, nobody) : true;
}

void turns_run(Worker *worker) {
  worker->puts_aside = true;
  Sched *sched = worker->sched;
  const Crew *crew = worker->vm->crew;
  bool more = !crew_stopping(crew);
  while (more) {
    Actor *actor = sched_take(worker);
    if (LIKELY(actor != NULL)) slice(worker, actor);
    sched_round(worker);
    u32 wanted = atomic_load_explicit(&crew->wanted, memory_order_relaxed);
    bool called = !actor || (wanted && UNLIKELY(!nothing_to_give(worker, wanted)));
    if (UNLIKELY(called || worker->dead_words || sched->reap || sched->graves || sched->until_poll < 0)) more = between(worker, crew, !actor);
  }
  worker->puts_aside = false;
}
