// The parts of instructions that are too big or too rare for ops.inc: each gets the worker, with pc and fp saved in its turn, and the
// instruction's registers; false means that worker->fault is set. They may collect; none moves the stack.
#pragma once
#include "vm/drop.h"
#include "vm/engine.h"
#include "vm/fault.h"
#include "vm/life.h"
#include "vm/linked.h"
#include "vm/native_unique.h"  // step_unique.c

// ---- step.c: values ----
bool step_arithmetic(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;   // VADD … VNEG
bool step_compare(Worker *worker, const u64 *pc, const u64 *fp);           // EQ … LE, JEQ … JLE: the answer, unless there is a fault
bool step_show(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;
bool step_concat(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;
bool step_list(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;
bool step_tuple(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;
bool step_closure(Worker *worker, const u64 *pc, u64 *fp) MUST_CHECK;
bool closure_reserve(Worker *worker, const u64 *pc) MUST_CHECK;            // of CLOSURE or TASK; then
Val closure_build(Worker *worker, const u64 *pc, const u64 *fp);
bool step_trap(Worker *worker, u64 word, const u64 *fp);                   // sets the fault of an instruction that traps; false
double step_frem(double a, double b);

// ---- step_actor.c: other actors ----
// What the instruction sends at which the turn stands: SPAWN, SPAWN_IN, SEND, ASK, REQUEST, WHEN, TASK; or its end. How many values.
u32 step_sent(const Turn *turn, Val values[LIMIT_PARAMS]);
bool step_self(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_narrow(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_spawn(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_spawn_in(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_when(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_task(Worker *worker, const u64 *pc) MUST_CHECK;
bool step_ended(Worker *worker, const u64 *pc) MUST_CHECK;

typedef enum AwaitResult { AWAIT_GO_ON, AWAIT_SUSPEND, AWAIT_FAULT } AwaitResult;
AwaitResult step_send(Worker *worker, const u64 *pc);
AwaitResult step_refused(Worker *worker, const u64 *pc);   // goes on with a SEND whose message, worker->dead_letter, was not taken
AwaitResult step_ask(Worker *worker, const u64 *pc);
AwaitResult step_request(Worker *worker, const u64 *pc);
AwaitResult step_await(Worker *worker, const u64 *pc);  // AWAIT, AWAIT_IN, OUTCOME, OUTCOME_IN

// ---- frames.c ----
extern const u64 turn_end_code[1];
extern const u64 barrier_code[1];
enum { STACK_SLACK = SMALL_FRAME + 8 };  // above stack_end: a small frame, and words that instructions may scribble on

// The running frame's registers.
static inline u64 *turn_registers(const Turn *turn) { return turn->stack + turn->fp; }
static inline void stack_end_set(Worker *worker) {
  Turn *turn = worker->turn;
  worker->stack_end = turn->stack + turn->stack_words - STACK_SLACK;
}

bool stack_reserve(Worker *worker, u64 needed, u32 used) MUST_CHECK;

// Puts a first frame for `code`, which takes nothing raw, with `args` on the (empty) stack. False when memory is out.
static inline MUST_CHECK bool engine_enter(Worker *worker, const Code *code, const Val *args, u32 count) {
  Turn *turn = worker->turn;
  turn->pc = NULL;  // no frames yet, should a crash report look
  turn->fp = FRAME_HEADER;
  turn->watermark = 0;
  turn->barrier_pc = NULL;
  u32 needed = code->frame_words + FRAME_HEADER + STACK_SLACK;
  if (UNLIKELY(turn->stack_words < needed) && !stack_reserve(worker, needed, 0)) return false;
  u64 *fp = turn->stack + FRAME_HEADER;
  fp[FRAME_CODE] = (u64)code;
  fp[FRAME_PC] = (u64)turn_end_code;
  fp[FRAME_LINK] = 0;
  for (u32 i = 0; i < count; i++) fp[i] = args[i];
  turn->pc = code->words;
  return true;
}

// Copies the registers that `list` names to `values`, which has room for LIMIT_PARAMS. Their count.
static inline u32 registers_listed(const u64 *fp, const u64 *list, u64 *values) {
  u32 count = list_count(list);
  for (u32 i = 0; i < count; i++) values[i] = fp[list_at(list, i)];
  return count;
}

// Lowers the watermark by some frames: the frame that returned into the barrier was at it. The pc to go on at.
const u64 *frames_lower(Worker *worker);
