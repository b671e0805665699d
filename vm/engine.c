// The interpreter: ops.inc, given a way from one instruction to the next.
//
// Built with optimisation, every body is a function of its own, which ends by jumping to the next body (a sibling call): pc, fp, the
// worker, the reductions left and the table of bodies stay in argument registers, and the processor predicts each body's jump apart. In builds without optimisation, where compilers make no sibling calls, and under sanitizers, the same bodies are the cases of one switch
// (DEED_SWITCH).
#include "vm/sched.h"
#include "vm/step.h"
#include "vm/work.h"

#if defined(DEED_SWITCH)
// as asked for
#elif !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEED_SWITCH
#elif defined(__clang__)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DEED_SWITCH
#endif
#else
#pragma GCC optimize("optimize-sibling-calls")  // also at -O1
#endif

// Gives a raw answer of the turn's first frame to the worker, as a val.
static bool raw_result(Worker *worker, u64 *fp, u8 kind) {
  u64 word = fp[0];
  fp[0] = VAL_EMPTY;
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  worker->result = kind == 1 ? build_int(worker, (i64)word) : build_word(worker, KIND_FLOAT, word);
  return true;
}

// Words that the call at `pc` may need above the running frame: the callee's, and its arguments once more for a tail call.
static u32 callee_words(const u64 *pc, const u64 *fp) {
  u32 op = word_op(*pc);
  if (op == OP_ENTER_LARGE) return 0;  // the running frame is the callee's already
  bool closure = op == OP_CALLC || op == OP_TAILCALLC || op == OP_CALLC_LONG || op == OP_TAILCALLC_LONG;
  bool tail = op == OP_TAILCALLC || op == OP_TAILCALLC_LONG;
  const Code *code = closure ? closure_code(val_obj(fp[tail ? word_a(*pc) : word_b(*pc)])) : (const Code *)pc[1];
  return code->frame_words + code->param_count;
}

// Operands are read from the code as they are needed: a load each, where taking them out of a register would cost a move, a shift
// and a mask.
typedef u32 __attribute__((may_alias)) CodeInt;
typedef u64 __attribute__((vector_size(16), aligned(8), may_alias)) Words;  // two registers
#define NUMBER_OP (((const CodeHalf *)pc)[0])
#define NUMBER_A (((const CodeHalf *)pc)[1])
#define NUMBER_B (((const CodeHalf *)pc)[2])
#define NUMBER_C (((const CodeHalf *)pc)[3])
#define NUMBER_BC (((const CodeInt *)pc)[1])
#define NUMBER_AT(word, i) (((const CodeHalf *)(pc + (word)))[i])

#define SAVE()                          \
  do {                                  \
    Turn *turn = w->turn;               \
    turn->pc = pc;                      \
    turn->fp = (u32)(fp - turn->stack); \
    w->reductions = reds;               \
  } while (0)
#define LOAD()                       \
  do {                               \
    fp = turn_registers(w->turn);    \
    reds = w->reductions;            \
  } while (0)
#define LEAVE(how) return how
#define FAULT() return ENGINE_FAULT
// The asm makes the compiler add to pc once, instead of addressing from the old pc and moving the new one into place.
#define NEXT(n)                      \
  do {                               \
    pc += (n);                       \
    __asm__ volatile("" : "+r"(pc)); \
    JUMP();                          \
  } while (0)

#ifdef DEED_COUNT
u64 engine_counted;
#endif

#ifdef DEED_SWITCH

#define OP_BODY(name) case OP_##name:
#define SLOW_BODY(name) case OP_##name:
#define JUMP() goto next
#define GOTO_OP(name)    \
  do {                   \
    body = OP_##name;    \
    goto again;          \
  } while (0)

EngineExit engine_run(Worker *w) {
  stack_end_set(w);
  const u64 *pc = w->turn->pc;
  u64 *fp = turn_registers(w->turn);
  i64 reds = w->reductions;
  u32 body;
next:
#ifdef DEED_COUNT
  engine_counted++;
#endif
  body = NUMBER_OP;
again:
  switch (body) {
#include "vm/ops.inc"
  }
  BUG("no instruction %u", body);
}

#else

typedef struct OpTable OpTable;
#define PARAMS const u64 *pc, u64 *fp, Worker *w, i64 reds, const OpTable *table
#define ARGS pc, fp, w, reds, table
typedef EngineExit OpFn(PARAMS);
struct OpTable {
  OpFn *body[OP_LINKED_COUNT];
};

#define OP_BODY(name) static __attribute__((noinline)) EngineExit op_##name(PARAMS)
#define SLOW_BODY(name) static __attribute__((noinline, cold)) EngineExit op_##name(PARAMS)
#define JUMP() return table->body[NUMBER_OP](ARGS)
#define GOTO_OP(name) return op_##name(ARGS)

#define OP(name, shape, types, effect, prose) static OpFn op_##name;
#include "bytecode/op.def"
#undef OP
#define X(name) static OpFn op_##name;
INTERNAL_OPS(X)
#undef X

#include "vm/ops.inc"

static const OpTable op_table = {{
#define OP(name, shape, types, effect, prose) [OP_##name] = op_##name,
#include "bytecode/op.def"
#undef OP
#define X(name) [OP_##name] = op_##name,
    INTERNAL_OPS(X)
#undef X
}};

EngineExit engine_run(Worker *w) {
  stack_end_set(w);
  const u64 *pc = w->turn->pc;
  return op_table.body[word_op(*pc)](pc, turn_registers(w->turn), w, w->reductions, &op_table);
}

#endif
