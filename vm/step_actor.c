// Instructions that concern other actors: spawning, sending, waiting.
//
// Making a message never collects, so arguments are read from the registers once whatever may collect has been done. What the
// language promises about causes ("awaiting Tally.get: …") is said here.
#include "vm/crowd.h"
#include "vm/forward.h"
#include "vm/leash.h"
#include "vm/load.h"
#include "vm/power.h"
#include "vm/sched.h"
#include "vm/step.h"

static u64 *registers(Worker *worker) { return turn_registers(worker->turn); }

static bool memory_out(Worker *worker) { return worker->fault ? false : fault_memory(worker); }

// A session is used up by what is sent through it.
static inline void session_used(Worker *worker, Obj *reference) {
  if (UNLIKELY(reference->header == SESSION_HEADER)) session_spend(worker, reference);
}

// Guards are pure; closures that they call are checked only here.
static bool guard_check(Worker *worker, const char *what) {
  return LIKELY(!worker->in_guard) || fault_set(worker, "a guard or a constant may not %s", what);
}

bool step_self(Worker *worker, const u64 *pc) {
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  const Itable *itable = (const Itable *)pc[1];
  Val self = itable->unique ? session_mint(worker, worker->actor, itable) : actor_reference(worker, worker->actor, itable);
  if (self == VAL_EMPTY) return fault_memory(worker);
  registers(worker)[word_a(*pc)] = self;
  return true;
}

// The table of the reference in the register. One made before anyone knew its interface has none that could be narrowed: the register's
// type tells.
static const Itable *known_itable(const u64 *fp, u16 reg) {
  const Itable *itable = ref_itable(val_obj(fp[reg]));
  if (LIKELY(itable->interface != NULL)) return itable;
  const Code *code = (const Code *)fp[FRAME_CODE];
  const Type *type = &code->image->verified->module->types.items[code->function->registers[reg]];
  return forward_itable(image_interface(code->image, type->index));
}

bool step_narrow(Worker *worker, const u64 *pc) {
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  u64 *fp = registers(worker);
  const Itable *known = known_itable(fp, word_b(*pc));
  if (!known) return fault_memory(worker);
  const InterfaceDef *to = (const InterfaceDef *)pc[1];
  // What making the table takes, the first time: each method is looked for among all.
  worker->reductions -= (i64)((u64)known->slot_count * to->method_count / 1024);
  const Itable *itable = itable_narrow(known, to);
  if (!itable) return fault_memory(worker);
  fp[word_a(*pc)] = actor_reference(worker, ref_actor(val_obj(fp[word_b(*pc)])), itable);
  return true;
}

// What init is to get, where that is no plain words. NULL without memory, or if it is to be frozen first.
static __attribute__((noinline)) Message *start_message(Worker *worker, const u64 *fp, const u64 *list) {
  Message *start = message_referring(worker, MESSAGE_START, fp, list, worker->line);
  if (start) return start;
  Val args[LIMIT_PARAMS];
  u32 count = registers_listed(fp, list, args);
  worker->may_repeat = true;
  start = message_new(worker, MESSAGE_START, args, count);
  worker->may_repeat = worker->turn->at_once = false;
  return start;
}

static inline __attribute__((always_inline)) bool spawn(Worker *worker, Bank *bank, const u64 *pc, const u64 *list) {
  u64 *fp = registers(worker);
  worker->reductions -= SEND_COST;
  if (UNLIKELY(leash_holder(worker)) && !leash_make_room(worker)) return memory_out(worker);
  Message *start = message_plain(worker, MESSAGE_START, fp, list, list_count(list), worker->line);
  if (UNLIKELY(!start) && !(start = start_message(worker, fp, list))) return memory_out(worker);
  Val reference = actor_spawn(worker, bank, (const Class *)pc[1], (const Itable *)pc[2], start);
  if (reference == VAL_EMPTY) return memory_out(worker);
  if (UNLIKELY(leash_holder(worker))) leash_hold(worker, ref_actor(val_obj(reference)));
  fp[word_a(*pc)] = reference;
  return true;
}

bool step_spawn(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "spawn")) return false;
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  worker->line = (u32)word_bc(*pc);
  return spawn(worker, worker->account->bank, pc, pc + 3);
}

// Whoever else answers to Bank's methods has no memory to give.
bool step_spawn_in(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "spawn")) return false;
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  Bank *bank = power_bank(val_obj(registers(worker)[word_b(*pc)]));
  if (!bank) return fault_set(worker, "spawn: this is not a bank");
  worker->line = (u32)pc[3];
  return spawn(worker, bank, pc, pc + 4);
}

u32 step_sent(const Turn *turn, Val values[LIMIT_PARAMS]) {
  const u64 *pc = turn->pc, *fp = turn_registers(turn);
  u32 op = word_op(*pc);
  u32 before = op == OP_SPAWN || op == OP_WHEN ? 3 : op == OP_SPAWN_IN ? 4 : 2;
  if (op != OP_TURN_END) return registers_listed(fp, pc + before, values);
  values[0] = fp[0];
  return 1;
}

// A message of the registers listed at pc[2], sent from line pc[1]. NULL with a fault.
static __attribute__((noinline)) Message *call_message(Worker *worker, const u64 *pc, const u64 *fp) {
  worker->line = (u32)pc[1];
  Val args[LIMIT_PARAMS];
  u32 count = registers_listed(fp, pc + 2, args);
  worker->may_repeat = true;
  Message *message = message_new(worker, MESSAGE_CALL, args, count);
  if (!message && !worker->freeze_due && worker->refused && heap_squeeze(worker)) {
    count = registers_listed(fp, pc + 2, args);
    message = message_new(worker, MESSAGE_CALL, args, count);
  }
  worker->may_repeat = worker->turn->at_once = false;
  if (!message) fault_memory(worker);
  return message;
}

static AwaitResult sent(Sending sending) {
  return sending == SENDING_DONE ? AWAIT_GO_ON : sending == SENDING_WAITS ? AWAIT_SUSPEND : AWAIT_FAULT;
}

// A large message is counted by its bytes, too.
static Sending send_large(Worker *worker, const Obj *reference, u16 slot, Message *message, Promise *promise) {
  message->slot = ref_itable(reference)->slots[slot];
  message->promise = promise;
  worker->stats.sent++;
  return crowd_send(worker, ref_actor(reference), message);
}

static inline Sending send_message(Worker *worker, const Obj *reference, u16 slot, Message *message, Promise *promise) {
  if (UNLIKELY(message_is_large(message))) return send_large(worker, reference, slot, message, promise);
  if (LIKELY(actor_send(worker, reference, slot, message, promise))) return SENDING_DONE;
  return crowd_send(worker, ref_actor(reference), message);
}

AwaitResult step_send(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "send")) return AWAIT_FAULT;
  const u64 *fp = registers(worker);
  Message *message = call_message(worker, pc, fp);
  if (!message) return AWAIT_FAULT;
  worker->reductions -= SEND_COST;
  Obj *reference = val_obj(fp[word_a(*pc)]);
  AwaitResult result = sent(send_message(worker, reference, word_b(*pc), message, NULL));
  if (result != AWAIT_FAULT) session_used(worker, reference);
  return result;
}

AwaitResult step_refused(Worker *worker, const u64 *pc) {
  return sent(crowd_send(worker, ref_actor(val_obj(registers(worker)[word_a(*pc)])), worker->dead_letter));
}

// What a request sends, and the promise of its answer with two counts, one of them the message's. NULL with a fault.
static inline __attribute__((always_inline)) Promise *request_make(Worker *worker, const u64 *pc, Message **message) {
  if (!guard_check(worker, "send")) return NULL;
  const u64 *fp = registers(worker);
  *message = message_plain(worker, MESSAGE_CALL, fp, pc + 2, list_count(pc + 2), (u32)pc[1]);
  if (UNLIKELY(!*message) && !(*message = call_message(worker, pc, fp))) return NULL;
  Promise *promise = promise_new(worker);
  if (UNLIKELY(!promise)) {
    heap_free_message(worker, *message);
    fault_memory(worker);
    return NULL;
  }
  worker->reductions -= SEND_COST;
  const Itable *itable = ref_itable(val_obj(fp[word_b(*pc)]));
  promise->asked = itable->class;
  promise->asked_slot = (*message)->slot = itable->slots[word_c(*pc)];
  atomic_store_explicit(&promise->count, 2, memory_order_relaxed);
  return promise;
}

// The message may be held: then worker->turn->held says so. False with a fault: the caller's count of the promise is given back, too.
static inline bool request_send(Worker *worker, const u64 *pc, Obj *reference, Message *message, Promise *promise) {
  if (UNLIKELY(send_message(worker, reference, word_c(*pc), message, promise) == SENDING_FAULT)) {
    promise_release(worker, promise);
    return false;
  }
  session_used(worker, reference);
  return true;
}

// Whether the register holds unique values.
static bool register_is_unique(const u64 *fp, u16 reg) {
  const Code *code = (const Code *)fp[FRAME_CODE];
  return code->image->drops[code->function->registers[reg]] != NULL;
}

// Puts a promise's handle into a register; takes over one count. A promise of a unique value is itself unique.
static bool promise_store(Worker *worker, u16 to, Promise *promise) {
  if (!heap_reserve(worker, 2)) {
    promise_release(worker, promise);
    return fault_memory(worker);
  }
  u64 *fp = registers(worker);
  fp[to] = promise_value(worker, promise);
  if (UNLIKELY(register_is_unique(fp, to))) val_obj(fp[to])->header = header_with(val_obj(fp[to])->header, OBJ_UNIQUE);
  return true;
}

// The promise in a handle that is about to be waited for, with a count of the caller's: a unique one is used up by that.
static Promise *promise_use(Obj *handle) {
  Promise *promise = promise_of(handle);
  if (UNLIKELY(header_flags(handle->header) & OBJ_UNIQUE)) handle->words[0] = 0;
  else promise_retain(promise);
  return promise;
}

AwaitResult step_ask(Worker *worker, const u64 *pc) {
  Message *message;
  Promise *promise = request_make(worker, pc, &message);
  if (!promise || !request_send(worker, pc, val_obj(registers(worker)[word_b(*pc)]), message, promise)) return AWAIT_FAULT;
  if (!promise_store(worker, word_a(*pc), promise)) return AWAIT_FAULT;
  return UNLIKELY(worker->turn->held != NULL) ? AWAIT_SUSPEND : AWAIT_GO_ON;
}

bool step_when(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "wait")) return false;
  const u64 *fp = registers(worker);
  Val args[1 + LIMIT_PARAMS];
  args[0] = VAL_UNIT;  // the Result will take its place
  u32 count = 1 + registers_listed(fp, pc + 3, args + 1);
  worker->line = (u32)pc[2];
  worker->reductions -= SEND_COST;
  Promise *on = promise_of(val_obj(fp[word_b(*pc)]));
  promise_retain(on);
  worker->may_repeat = true;
  Promise *answer = promise_when(worker, on, (const Code *)pc[1], args, count);
  worker->may_repeat = worker->turn->at_once = false;
  promise_release(worker, on);
  if (!answer) return fault_memory(worker);
  promise_release(worker, promise_use(val_obj(fp[word_b(*pc)])));
  return promise_store(worker, word_a(*pc), answer);
}

// The closure is in the destination register until the promise takes its place: no instruction sees it there. That may hold a capture,
// which comes back if the instruction is to be repeated.
bool step_task(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "start a task")) return false;
  Promise *promise = promise_new(worker);
  if (!promise) return fault_memory(worker);
  if (!closure_reserve(worker, pc)) {
    promise_release(worker, promise);
    return fault_memory(worker);
  }
  promise_retain(promise);
  worker->line = (u32)word_bc(*pc);
  worker->reductions -= SEND_COST;
  u64 *to = &registers(worker)[word_a(*pc)], before = *to;
  *to = closure_build(worker, pc, registers(worker));
  worker->may_repeat = true;
  bool begun = actor_task(worker, *to, promise);
  worker->may_repeat = worker->turn->at_once = false;
  if (begun) return promise_store(worker, word_a(*pc), promise);
  if (worker->freeze_due) *to = before;
  promise_release(worker, promise);
  return memory_out(worker);
}

bool step_ended(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "watch")) return false;
  Promise *promise = promise_new(worker);
  if (!promise) return fault_memory(worker);
  promise_retain(promise);  // one for the handle, one for the watch
  if (actor_watch(worker, registers(worker)[word_b(*pc)], promise)) return promise_store(worker, word_a(*pc), promise);
  promise_release(worker, promise);
  return fault_memory(worker);
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

static Str constructor_name(Val v) { return desc_of(val_is_const(v) ? const_desc(v) : header_info(val_obj(v)->header))->name; }

// The text is made in worker->text: a cause may be as long as it likes.
static bool fault_awaiting(Worker *worker, Promise *promise, Str why) {
  char asked[ASKED_ROOM];
  promise_asked(promise, asked);
  if (!why.len) return fault_set(worker, "awaiting %s", asked);
  return fault_set(worker, "awaiting %s: %.*s", asked, STR_ARG(why));
}

// Others may be copying the cause.
static bool fault_broken(Worker *worker, Promise *promise) {
  Val broken = promise->value;
  if (broken == build_well_known0(worker, WK_STOPPED) && atomic_load_explicit(&worker->vm->ending, memory_order_relaxed)) {
    worker->fault = FAULT_KILL;  // the run ends, and who was asked has: that is no crash to report
    return false;
  }
  if (val_is_const(broken)) return fault_awaiting(worker, promise, constructor_name(broken));
  worker->text_length = 0;
  spin_lock(&promise->lock);
  bool crashed = header_info(val_obj(broken)->header) == well_known(worker, WK_CRASHED);
  bool told = scratch_append(worker, crashed ? obj_bytes(val_obj(val_obj(broken)->words[0])) : constructor_name(broken));
  spin_unlock(&promise->lock);
  return told ? fault_awaiting(worker, promise, (Str){worker->text, worker->text_length}) : memory_out(worker);
}

// The value of the settled promise goes to `to`, wrapped in a Result if an outcome was asked for. The caller holds a count of its own.
static bool take_settled(Worker *worker, Promise *promise, u16 to, bool wants_outcome) {
  PromiseState state = (PromiseState)atomic_load_explicit(&promise->state, memory_order_acquire);
  Val value = promise->value;
  if (LIKELY(state == PROMISE_KEPT && !promise->chunk && !wants_outcome)) {
    registers(worker)[to] = value;
    return true;
  }
  if (state == PROMISE_BROKEN && !wants_outcome) return fault_broken(worker, promise);
  if (!promise_take(worker, promise, &value)) return memory_out(worker);
  // From here on the register is the value's root.
  registers(worker)[to] = value;
  if (!wants_outcome) return true;
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  u64 *fp = registers(worker);
  fp[to] = build_well_known1(worker, state == PROMISE_KEPT ? WK_OK : WK_ERR, fp[to]);
  return true;
}

static bool timed_out(Worker *worker, Promise *promise, u16 to, bool wants_outcome) {
  if (!wants_outcome) return fault_awaiting(worker, promise, STR("TimedOut"));
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  registers(worker)[to] = build_well_known1(worker, WK_ERR, build_well_known0(worker, WK_TIMED_OUT));
  return true;
}

static bool promise_open(Promise *promise) {
  return atomic_load_explicit(&promise->state, memory_order_acquire) == PROMISE_OPEN;
}

// A send that was held is over. A request has its answer still to come.
static __attribute__((noinline)) bool resume_send(Worker *worker) {
  Turn *turn = worker->turn;
  struct HeldSend *held = turn->held;
  turn->held = NULL;
  Promise *answer = crowd_resume(worker, held);
  if (answer && promise_open(answer)) {
    turn->waiting = answer;
    return true;
  }
  bool done = !answer || take_settled(worker, answer, turn->dst, false);
  if (answer) promise_release(worker, answer);
  if (done) turn->pc = turn->pc_after;
  return done;
}

bool engine_resume(Worker *worker, Promise *settled) {
  Turn *turn = worker->turn;
  if (UNLIKELY(turn->held != NULL)) return resume_send(worker);
  bool done = promise_open(settled) ? timed_out(worker, settled, turn->dst, turn->wants_outcome)
                                    : take_settled(worker, settled, turn->dst, turn->wants_outcome);
  if (done) turn->pc = turn->pc_after;
  return done;
}

// Goes on at once if the promise has settled, else waits. Holds no count of the promise: the caller does.
static AwaitResult await_promise(Worker *worker, Promise *promise, u16 to, bool wants_outcome, i64 within_us, bool limited) {
  if (!promise_open(promise)) return take_settled(worker, promise, to, wants_outcome) ? AWAIT_GO_ON : AWAIT_FAULT;
  if (limited && within_us <= 0) return timed_out(worker, promise, to, wants_outcome) ? AWAIT_GO_ON : AWAIT_FAULT;
  worker->turn->dst = to;
  worker->turn->wants_outcome = wants_outcome;
  if (sched_suspend(worker, promise, limited ? (u64)within_us : 0)) return AWAIT_SUSPEND;
  memory_out(worker);
  return AWAIT_FAULT;
}

AwaitResult step_request(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "wait")) return AWAIT_FAULT;
  Message *message;
  Promise *promise = request_make(worker, pc, &message);
  if (!promise) return AWAIT_FAULT;
  Turn *turn = worker->turn;
  turn->dst = word_a(*pc);
  turn->wants_outcome = false;
  Obj *reference = val_obj(registers(worker)[word_b(*pc)]);
  if (LIKELY(!message_is_large(message)) && hand_on(worker, ref_actor(reference), message, promise)) {
    session_used(worker, reference);
    turn->waiting = promise;
    return AWAIT_SUSPEND;
  }
  if (!request_send(worker, pc, reference, message, promise)) return AWAIT_FAULT;
  if (UNLIKELY(turn->held != NULL)) {
    turn->held->answer = promise;
    return AWAIT_SUSPEND;
  }
  if (LIKELY(promise_open(promise))) {
    turn->waiting = promise;
    return AWAIT_SUSPEND;
  }
  bool taken = take_settled(worker, promise, turn->dst, false);
  promise_release(worker, promise);
  return taken ? AWAIT_GO_ON : AWAIT_FAULT;
}

AwaitResult step_await(Worker *worker, const u64 *pc) {
  if (!guard_check(worker, "wait")) return AWAIT_FAULT;
  u64 word = *pc;
  u32 op = word_op(word);
  u64 *fp = registers(worker);
  bool limited = op == OP_AWAIT_IN || op == OP_OUTCOME_IN;
  i64 within_us = limited ? val_us(fp[word_c(word)]) : 0;
  Promise *promise = promise_use(val_obj(fp[word_b(word)]));
  AwaitResult result = await_promise(worker, promise, word_a(word), op == OP_OUTCOME || op == OP_OUTCOME_IN, within_us, limited);
  promise_release(worker, promise);
  return result;
}
