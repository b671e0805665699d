// Stacks of turns: frames back to back in one block of words, which moves when it must grow.
//
// Links between frames are distances, so a stack can be copied as it is. A turn begins on a small stack that its worker keeps for the
// purpose; a turn that is put aside takes no more than its frames need. Deep recursion doubles the block up to the stack limit
// (1 GB unless told otherwise): a limit with a clear cause, where a native stack would end the process.
//
// Watermark. A collection leaves all frames clean: nothing in them points to young objects. Frames that do not run stay clean, so
// the next collection need not look at them; those at and above the watermark are looked at again. The frame at the watermark
// returns to a barrier instead of its caller; the barrier lowers the watermark by some frames at once. So a recursion a million
// frames deep that allocates is not scanned a million times.
#include "vm/bank.h"
#include "vm/load.h"
#include "vm/memory.h"
#include "vm/step.h"
#include "vm/work.h"

enum {
  LOWER_BY = 32,                // frames that the barrier makes dirty at once
  SHRINK_SPARES = 16,           // unused words that are not worth a copy
  MAPPED_WORDS = 1 << 17,       // from here on a stack is pages of its own: it grows without being copied
  DEEP_WORDS = 8192,            // from here on a stack may stay half empty
  NEW_PER_REDUCTION = 6,        // words of new pages: the system takes 2 us for each page, twice that if two ask
  GROWTH_WORDS = 1 << 16,       // what a stack of pages grows by, at least,
  GROWTH_PART = 64,             // and of what it is
};
static const u64 STACK_LIMIT = (u64)1 << 30;

const u64 turn_end_code[1] = {OP_TURN_END};
const u64 barrier_code[1] = {OP_BARRIER};

// ---- Stacks ---------------------------------------------------------------------------------------------------------

static bool is_mapped(u32 words) { return words >= MAPPED_WORDS; }

static u64 *stack_take(Worker *worker, u32 words) {
  if (UNLIKELY(is_mapped(words))) return memory_map(words * sizeof(u64));
  u64 *spare = worker->spare_stack;
  if (words != STACK_WORDS || !spare) return pool_alloc(&worker->pool, words * sizeof(u64));
  worker->spare_stack = NULL;
  return spare;
}

static void stack_give(Worker *worker, u64 *stack, u32 words) {
  if (UNLIKELY(is_mapped(words))) stack_free(worker, stack, words);
  else if (words == STACK_WORDS && !worker->spare_stack) worker->spare_stack = stack;
  else pool_free(&worker->pool, stack, words * sizeof(u64));
}

Turn *turn_make(Worker *worker) {
  Turn *turn = pool_alloc(&worker->pool, sizeof *turn);
  if (!turn) return NULL;
  *turn = (Turn){.stack = stack_take(worker, STACK_WORDS), .stack_words = STACK_WORDS};
  if (turn->stack) return turn;
  pool_free(&worker->pool, turn, sizeof *turn);
  return NULL;
}

bool turn_charge(Worker *worker, Turn *turn, u64 bytes) {
  if (!turn->charged) turn->payer = worker->account->bank;
  if (bytes > turn->charged && !bank_take(worker, turn->payer, bytes - turn->charged)) return false;
  if (bytes < turn->charged) bank_give(worker, turn->payer, turn->charged - bytes);
  turn->charged = bytes;
  return true;
}

static void repay(Worker *worker, Turn *turn) {
  bank_give(worker, turn->payer, turn->charged);
  turn->charged = 0;
}

void turn_repay(Worker *worker) {
  Turn *turn = worker->turn;
  repay(worker, turn);
  if (turn->stack_words <= DEEP_WORDS) return;
  worker->turn = NULL;
  turn_free(worker, turn);
}

void turn_free(Worker *worker, Turn *turn) {
  if (turn->charged) repay(worker, turn);
  if (turn->work) work_free(worker, turn);
  deadlock_forget(worker, &turn->waiter);
  stack_give(worker, turn->stack, turn->stack_words);
  pool_free(&worker->pool, turn, sizeof *turn);
}

void turns_release(Worker *worker) {
  if (worker->spare_turn) turn_free(worker, worker->spare_turn);
  memory_free(worker->spare_stack, STACK_WORDS * sizeof(u64));
  worker->spare_turn = NULL;
  worker->spare_stack = NULL;
}

static inline const Code *frame_code(const u64 *fp) { return (const Code *)fp[FRAME_CODE]; }

// Gives the turn a stack of `words` and moves `used` words there.
static bool stack_move(Worker *worker, Turn *turn, u32 words, u32 used) {
  bool remap = is_mapped(words) && is_mapped(turn->stack_words);
  u64 *stack = remap ? memory_remap(turn->stack, turn->stack_words * sizeof(u64), words * sizeof(u64)) : stack_take(worker, words);
  if (!stack) return false;
  if (!remap) {
    memcpy(stack, turn->stack, used * sizeof(u64));
    stack_give(worker, turn->stack, turn->stack_words);
  }
  turn->stack = stack;
  turn->stack_words = words;
  return true;
}

static bool stack_fault(Worker *worker, u64 limit) {
  if (limit >> 20) return fault_set(worker, "stack limit of %llu MB reached (deep recursion)", (unsigned long long)(limit >> 20));
  return fault_set(worker, "stack limit of %llu KB reached (deep recursion)", (unsigned long long)(limit >> 10));
}

// Pages that are to be new are charged for, and come little by little: so that they are within a slice's time.
static u64 growth_of(u64 words) {
  if (!is_mapped((u32)words)) return words;
  return words / GROWTH_PART > GROWTH_WORDS ? words / GROWTH_PART : GROWTH_WORDS;
}

// The worker's turn gets a stack of `needed` words or more, of which `used` are in use.
bool stack_reserve(Worker *worker, u64 needed, u32 used) {
  Turn *turn = worker->turn;
  u64 limit = worker->stack_limit ? worker->stack_limit : STACK_LIMIT;
  u64 most = limit / sizeof(u64), words = turn->stack_words + growth_of(turn->stack_words);
  if (needed > most) return stack_fault(worker, limit);
  if (words < STACK_WORDS) words = STACK_WORDS;
  if (words < needed) words = needed;
  if (words > most) words = most;
  // Up to the usual size a running turn's stack is the worker's.
  if (words > STACK_WORDS && !turn_pay(worker, turn, sizeof *turn + words * sizeof(u64))) return fault_memory(worker);
  if (is_mapped((u32)words)) worker->reductions -= (i64)((words - turn->stack_words) / NEW_PER_REDUCTION);
  if (!stack_move(worker, turn, (u32)words, used)) return fault_memory(worker);
  stack_end_set(worker);
  return true;
}

bool stack_grow(Worker *worker, u32 words) {
  Turn *turn = worker->turn;
  u64 used = turn->fp + (u64)frame_code(turn_registers(turn))->frame_words;
  u32 held = used < turn->stack_words ? (u32)used : turn->stack_words;
  return stack_reserve(worker, used + words + STACK_SLACK, held);
}

void turn_shrink(Worker *worker, Turn *turn) {
  u32 used = turn->fp + frame_code(turn_registers(turn))->frame_words;
  // A deep stack may stay half empty: moved at every wait, it would make a deep recursion that waits quadratic.
  u32 spares = used < DEEP_WORDS ? SHRINK_SPARES : used;
  if (turn->stack_words - used <= spares) return;
  // Failing is no harm: the turn keeps what it has.
  if (!stack_move(worker, turn, used, used)) return;
}

// ---- Frames ---------------------------------------------------------------------------------------------------------

static inline const u64 *frame_back(const Turn *turn, const u64 *fp) {
  const u64 *back = (const u64 *)fp[FRAME_PC];
  return back == barrier_code ? turn->barrier_pc : back;
}

static inline u64 *frame_caller(u64 *fp) { return fp - (fp[FRAME_LINK] >> 32); }

bool frames_some(Turn *turn, FramePlace *place, u32 most, FrameVisit visit, void *context) {
  if (!place->fp) *place = (FramePlace){turn->fp, turn->pc};
  u64 *fp = turn->stack + place->fp;
  const u64 *pc = place->pc;
  while (most--) {
    bool below = (u32)(fp - turn->stack) < turn->watermark;
    FrameView view = {.code = frame_code(fp), .registers = fp, .pc = pc, .below = below};
    const u64 *back = frame_back(turn, fp);
    if (!visit(context, &view) || back == turn_end_code) return true;
    fp = frame_caller(fp);
    pc = back - 1;
  }
  *place = (FramePlace){(u32)(fp - turn->stack), pc};
  return false;
}

void frames_each(Worker *worker, Turn *turn, FrameVisit visit, void *context) {
  (void)worker;
  FramePlace place = {0};
  while (!frames_some(turn, &place, UINT32_MAX, visit, context)) {
  }
}

static void watermark_put(Turn *turn, u64 *fp) {
  turn->watermark = (u32)(fp - turn->stack);
  turn->barrier_pc = NULL;
  const u64 *back = (const u64 *)fp[FRAME_PC];
  if (back == turn_end_code) return;
  turn->barrier_pc = back;
  fp[FRAME_PC] = (u64)barrier_code;
}

// The barrier stands at bytecode frames only: natives' do not return through it, and are always dirty.
void frames_set_watermark(Worker *worker, Turn *turn) {
  (void)worker;
  if (turn->barrier_pc) turn->stack[turn->watermark + FRAME_PC] = (u64)turn->barrier_pc;
  u64 *fp = turn_registers(turn);
  while (!frame_code(fp)->words) fp = frame_caller(fp);
  watermark_put(turn, fp);
}

const u64 *frames_lower(Worker *worker) {
  Turn *turn = worker->turn;
  const u64 *pc = turn->barrier_pc;
  u64 *fp = turn_registers(turn);
  for (u32 i = 0; i < LOWER_BY && (const u64 *)fp[FRAME_PC] != turn_end_code; i++) fp = frame_caller(fp);
  watermark_put(turn, fp);
  return pc;
}
