// What the verifier's code files share: the state of the forward pass over one function.
//
// `state` has a bit for each register, then, in an actor's init function, one for each state field: set where the register
// (the field) holds a value on every path that leads here.
#pragma once
#include "bytecode/verify_state.h"

// One opcode's fixed part, derived from op.def once.
typedef struct OpRule {
  u8 registers;      // operands in the first word that are registers
  bool writes;       // the first of them is a destination
  bool own;          // checked by rule_check()
  bool ends;         // nothing runs on to the next instruction
  char jump;         // 'J', 'o' or 's' (shape_operands()), or 0
  u8 effect;
  u8 shift[3];       // where each register stands
  TypeId want[3];    // its type, in this module
  u64 unused;        // bits of the first word that must be zero
} OpRule;

struct Flow {
  Verifier *v;
  OpRule rules[OP_COUNT];

  const Function *f;
  u32 registers;
  u32 fields;        // bits behind the registers': the actor's fields in an init function, else 0
  u32 words;         // of a state
  u64 *state;
  u8 *marks;         // per code word: MARK_START, MARK_LABEL
  u32 *labels;       // per code word: number of the label there
  u64 *recorded;     // per label, `words` words: the join of the states that jump there
  u8 *reached;       // per label: some state is recorded
  u32 mark_capacity, label_capacity, state_capacity;
  u64 recorded_capacity;
};

static inline u16 operand_a(const u64 *code) { return word_a(code[0]); }
static inline u16 operand_b(const u64 *code) { return word_b(code[0]); }
static inline u16 operand_c(const u64 *code) { return word_c(code[0]); }

static inline bool bit_is_set(const Flow *x, u32 bit) { return x->state[bit / 64] >> bit % 64 & 1; }
static inline void bit_set(Flow *x, u32 bit) { x->state[bit / 64] |= 1ull << bit % 64; }
static inline void bit_clear(Flow *x, u32 bit) { x->state[bit / 64] &= ~(1ull << bit % 64); }

// ---- Registers (verify_flow.c); each gives the register's type ----
void register_fail(Flow *x, u16 reg);  // why it cannot be read
bool register_type_fail(Flow *x, u16 reg, const char *wanted);

static inline bool reg_read(Flow *x, u16 reg, TypeId *type) {
  if (UNLIKELY(reg >= x->registers || !bit_is_set(x, reg))) {
    register_fail(x, reg);
    return false;
  }
  *type = x->f->registers[reg];
  return true;
}
static inline bool reg_target(Flow *x, u16 reg, TypeId *type) {
  if (UNLIKELY(reg >= x->registers)) {
    register_fail(x, reg);
    return false;
  }
  *type = x->f->registers[reg];
  return true;
}
static inline bool reg_write(Flow *x, u16 reg) {
  bit_set(x, reg);
  return true;
}
bool state_is_set(Flow *x, const char *what);           // all fields of the actor, in an init function
bool add_effects(Flow *x, u8 effects);

// ---- Rules of their own: verify_rules.c for values, verify_calls.c for functions and actors ----
bool rule_check(Flow *x, Op op, const u64 *code);
bool rule_call(Flow *x, Op op, const u64 *code);
bool list_length(Flow *x, const u64 *list, u32 expected);
