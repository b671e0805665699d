// Running bytecode: the interpreter's face (engine.c, ops.inc) and the frames it works on (frames.c).
//
// A frame lies on the turn's stack; `fp` points at register 0. Below it stand three words:
//   fp[-3] the Code   fp[-2] where the caller goes on (its instruction after the call)   fp[-1] dst << 16 | words to the caller's fp << 32
// The first frame of a turn returns to a pseudo-instruction that ends the turn. Frames never move while pointers to them are held
// in C across a call that may grow the stack.
#pragma once
#include "vm/worker.h"

enum { SEND_COST = 10 };  // reductions for a send: about what it takes of time

enum { FRAME_CODE = -3, FRAME_PC = -2, FRAME_LINK = -1, FRAME_HEADER = 3 };

typedef enum EngineExit {
  ENGINE_TURN_END,   // the first frame returned: worker->result is the answer (a val), Bool of a guard
  ENGINE_FORWARD,    // it forwarded: worker->result is a promise value
  ENGINE_SUSPEND,    // AWAIT and kin: sched_suspend() was called, wants_outcome and dst are set; pc stays at the instruction
                     // until engine_resume()
  ENGINE_YIELD,      // out of reductions; pc is at the instruction to run next
  ENGINE_FAULT,      // worker->fault is set; frames stand as they were, for the crash report
} EngineExit;

extern u64 engine_counted;  // instructions begun so far, in builds with DEED_COUNT

// Runs the worker's turn from turn->pc, turn->fp until one of the above. Saves pc and fp.
EngineExit engine_run(Worker *worker);

// A suspended turn goes on: `settled` is what it waited for, or still open when its time is up. Brings the value into the actor's
// heap (or builds its Result), stores it, and moves pc behind the instruction; then call engine_run(). False: worker->fault is set,
// as with ENGINE_FAULT ("awaiting Tally.get: why"). The caller keeps its count of `settled`. May collect.
bool engine_resume(Worker *worker, Promise *settled) MUST_CHECK;

// ---- Frames ----
enum { STACK_WORDS = 1024 };                             // a new turn's stack
Turn *turn_make(Worker *worker) MUST_CHECK;
// What a turn takes beyond what a worker keeps for those that run is charged to the running actor's bank: all of it when it is put aside, and a
// stack that has grown. False: a limit is in the way.
bool turn_charge(Worker *worker, Turn *turn, u64 bytes) MUST_CHECK;
void turn_repay(Worker *worker);                         // the running turn is over: all that was charged; a deep stack goes
static inline u64 turn_bytes(const Turn *turn) { return sizeof *turn + turn->stack_words * sizeof(u64); }
static inline MUST_CHECK bool turn_pay(Worker *worker, Turn *turn, u64 bytes) {
  return LIKELY(turn->charged == bytes) || turn_charge(worker, turn, bytes);
}
void turn_free(Worker *worker, Turn *turn);              // whatever it stands in: it has let go of what it held
void turns_release(Worker *worker);                      // the spare ones, when the worker ends

// A turn that has not begun; NULL when memory is out.
static inline MUST_CHECK Turn *turn_new(Worker *worker) {
  Turn *turn = worker->spare_turn;
  if (UNLIKELY(!turn)) return turn_make(worker);
  worker->spare_turn = NULL;
  return turn;
}

// Gives back a turn between two messages.
static inline void turn_spare(Worker *worker, Turn *turn) {
  if (UNLIKELY(worker->spare_turn || turn->stack_words != STACK_WORDS)) turn_free(worker, turn);
  else worker->spare_turn = turn;
}

// Makes room for a frame of so many words above the running one; up to the stack limit, then a fault. Frames may move.
bool stack_grow(Worker *worker, u32 words) MUST_CHECK;
void turn_shrink(Worker *worker, Turn *turn);            // to its exact size, when put aside and small enough to be worth it

// Calls fn for each frame from the top, with its registers and code. For the collector, crash reports and the debugger.
typedef struct FrameView {
  const Code *code;
  u64 *registers;
  const u64 *pc; // in the instruction where it stands: code_word_of(code, pc) (load.h). Natives: not to be looked at
  bool below;    // under the watermark
} FrameView;
typedef bool (*FrameVisit)(void *context, const FrameView *frame);  // false stops
void frames_each(Worker *worker, Turn *turn, FrameVisit visit, void *context);

// The same in parts: up to `most` of them, from a place that begins zeroed. True if that were all.
typedef struct FramePlace {
  u32 fp;         // of the next one; 0: the top's
  const u64 *pc;
} FramePlace;
bool frames_some(Turn *turn, FramePlace *place, u32 most, FrameVisit visit, void *context);

// After a collection: all frames are clean, a barrier makes those that run again dirty.
void frames_set_watermark(Worker *worker, Turn *turn);
