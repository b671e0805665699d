// Running bytecode: the interpreter's face (engine.c, ops.inc) and the frames it works on (frames.c).
//
// A frame lies on the turn's stack; `fp` points at register 0. Below it stand three words:
//   fp[-3] the Code   fp[-2] where the caller goes on (its instruction after the call)   fp[-1] dst << 16 | words to the caller's fp << 32
// The first frame of a turn returns to a pseudo-instruction that ends the turn. Frames never move while pointers to them are held
// in C across a call that may grow the stack.
#pragma once
#include "vm/worker.h"

enum { FRAME_CODE = -3, FRAME_PC = -2, FRAME_LINK = -1, FRAME_HEADER = 3 };

typedef enum EngineExit {
  ENGINE_TURN_END,   // the first frame returned: worker->result is the answer (a val), Bool of a guard
  ENGINE_FORWARD,    // it forwarded: worker->result is a promise value
  ENGINE_SUSPEND,    // AWAIT and kin: sched_suspend() was called, wants_outcome and dst are set; pc stays at the instruction
                     // until engine_resume()
  ENGINE_YIELD,      // out of reductions; pc is at the instruction to run next
  ENGINE_FAULT,      // worker->fault is set; frames stand as they were, for the crash report
} EngineExit;

// Runs the worker's turn from turn->pc, turn->fp until one of the above. Saves pc and fp.
EngineExit engine_run(Worker *worker);

// A suspended turn goes on: `settled` is what it waited for, or still open when its time is up. Brings the value into the actor's
// heap (or builds its Result), stores it, and moves pc behind the instruction; then call engine_run(). False: worker->fault is set,
// as with ENGINE_FAULT ("awaiting Tally.get: why"). The caller keeps its count of `settled`. May collect.
bool engine_resume(Worker *worker, Promise *settled) MUST_CHECK;

// ---- Frames ----
bool turn_new(Worker *worker, Turn **turn) MUST_CHECK;   // with a small stack
void turn_free(Worker *worker, Turn *turn);
void turns_release(Worker *worker);                      // the spare stack, when the worker ends
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

// After a collection: all frames are clean, a barrier makes those that run again dirty.
void frames_set_watermark(Worker *worker, Turn *turn);
