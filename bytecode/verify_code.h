// What the verifier's code files share: the state of the forward pass over one function.
//
// `state` has a bit for each register, then, where state fields may be empty, one for each of them: set where the register
// (the field) holds a value on every path that leads here. The bit behind them says that the session of the message is still
// there.
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

// Something that may be lent: the whole value of a lender, or a part of another place.
typedef struct Place {
  u32 parent;        // its own number: a lender
  u32 part;          // which one of the parent's
  u32 depth;
  u32 first, next;   // parts that were looked at, and the parent's next one
  u32 lent_by;       // 1 + the word of the last call that it was lent for
  u32 touched_by;    // the same, of itself or a part
} Place;

// A place that a register may borrow.
typedef struct Spot {
  u32 place;
  u32 next;
} Spot;

// The registers of unique types. A lender is a register, or behind the registers a state field: who owns what is lent.
typedef struct Uniques {
  bool any;          // if not, nothing but `mask` counts, and that is empty
  u64 *mask;         // registers of unique types; none beyond `mask_words`
  u64 *owned;        // of these, the ones that were written as owners so far; and unique fields, where they have bits
  u64 *borrowed;     // and the ones that were written as borrowers: never both
  u32 mask_words, mask_capacity;
  u32 lenders;
  u32 *lender;       // of each borrowing register
  u32 *first, *next; // of each lender, its borrowing registers; of each borrowing register, the next one
  u32 *spots;        // of each borrowing register: the places that it may stand for
  u32 *changed;      // 1 + the word where one was last added; 0: it is a parameter
  u32 capacity;
  u32 last_change;   // of any
  VEC(Place) places; // first those of the lenders
  VEC(Spot) all_spots;
  bool state_lent;   // some register borrows from a state field
} Uniques;

struct Flow {
  Verifier *v;
  OpRule rules[OP_COUNT];

  const Function *f;
  u32 registers;
  u32 fields;        // bits behind the registers': the actor's fields, in an init function and where unique ones may be taken
  u32 words;         // of a state
  u64 *state;
  u8 *marks;         // per code word: MARK_START, MARK_LABEL
  u32 *labels;       // per code word: number of the label there
  u64 *recorded;     // per label, `words` words: the join of the states that jump there
  u8 *reached;       // per label: some state is recorded
  u32 mark_capacity, label_capacity, state_capacity;
  u64 recorded_capacity;
  Uniques u;
};

static inline u16 operand_a(const u64 *code) { return word_a(code[0]); }
static inline u16 operand_b(const u64 *code) { return word_b(code[0]); }
static inline u16 operand_c(const u64 *code) { return word_c(code[0]); }

static inline bool bit_in(const u64 *bits, u32 bit) { return bits[bit / 64] >> bit % 64 & 1; }
static inline void bits_add(u64 *bits, u32 bit) { bits[bit / 64] |= 1ull << bit % 64; }
static inline bool bit_is_set(const Flow *x, u32 bit) { return bit_in(x->state, bit); }
static inline void bit_set(Flow *x, u32 bit) { bits_add(x->state, bit); }
static inline void bit_clear(Flow *x, u32 bit) { x->state[bit / 64] &= ~(1ull << bit % 64); }

// ---- Unique registers (verify_unique.c) ----
bool unique_begin(Flow *x, bool any);              // at the start of a function; are there any?
bool unique_copy_fail(Flow *x, u16 reg);
bool unique_take(Flow *x, u16 reg);                // a live one: it is moved away
bool unique_lend(Flow *x, u16 reg);                // a live one, for this call
bool unique_write(Flow *x, u16 reg);               // it owns a value from now on
enum { PART_WHOLE = 0xffffffff };
bool unique_borrow(Flow *x, u16 reg, u16 from, u32 part);   // it borrows from now on: a part of what is in `from`, or that itself
bool unique_borrow_field(Flow *x, u16 reg, u32 field);      // it borrows a state field
bool unique_empty(Flow *x, u32 lender);            // what the lender lends is gone
u32 unique_lender(const Flow *x, u16 reg);         // who lends what is inside the register's value
bool unique_meet(Flow *x, const u64 *other);       // are owners as they are on another path?
bool unique_round(Flow *x, const u64 *entered, u32 head);  // at a LOOP: do borrowers stand for what they stood for at its head?
bool unique_owners_left(Flow *x);                  // at an end: refused if an owner is live
static inline bool unique_none_left(Flow *x) { return LIKELY(!x->u.any) || unique_owners_left(x); }
bool unique_call(Flow *x, u8 effects);             // after the arguments of a call to a function with these effects
bool rule_unique(Flow *x, Op op, const u64 *code);

// ---- Registers (verify_flow.c); each gives the register's type ----
void register_fail(Flow *x, u16 reg);  // why it cannot be read
bool register_type_fail(Flow *x, u16 reg, const char *wanted);

// Looks at the register's value, which stays.
static inline bool reg_peek(Flow *x, u16 reg, TypeId *type) {
  if (UNLIKELY(reg >= x->registers || !bit_is_set(x, reg))) {
    register_fail(x, reg);
    return false;
  }
  *type = x->f->registers[reg];
  return true;
}
static inline bool reg_is_unique(const Flow *x, u16 reg) { return bit_in(x->u.mask, reg); }

// Reads a plain value.
static inline bool reg_read(Flow *x, u16 reg, TypeId *type) {
  return reg_peek(x, reg, type) && (LIKELY(!reg_is_unique(x, reg)) || unique_copy_fail(x, reg));
}
// Reads a value that goes elsewhere: if it is unique, the register is empty from then on.
static inline bool reg_take(Flow *x, u16 reg, TypeId *type) {
  return reg_peek(x, reg, type) && (LIKELY(!reg_is_unique(x, reg)) || unique_take(x, reg));
}
// Reads an argument. If it is lent, it stays, but nothing else of the same lender may go into the call.
static inline bool reg_argument(Flow *x, u16 reg, TypeId *type, bool lent) {
  if (!reg_peek(x, reg, type)) return false;
  return LIKELY(!reg_is_unique(x, reg)) || (lent ? unique_lend(x, reg) : unique_take(x, reg));
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
  if (UNLIKELY(reg_is_unique(x, reg))) return unique_write(x, reg);
  bit_set(x, reg);
  return true;
}
// Writes what was found inside the value of `from`, which stays: a unique part is only borrowed.
static inline bool reg_write_part(Flow *x, u16 reg, u16 from, u32 part) {
  if (UNLIKELY(reg_is_unique(x, reg))) return unique_borrow(x, reg, from, part);
  bit_set(x, reg);
  return true;
}
static inline u32 session_bit(const Flow *x) { return x->registers + x->fields; }
bool state_is_set(Flow *x, const char *what);           // all fields of the actor
bool add_effects(Flow *x, u8 effects);

// ---- Rules of their own: verify_rules.c for values, verify_calls.c for functions and actors ----
bool rule_check(Flow *x, Op op, const u64 *code);
bool rule_call(Flow *x, Op op, const u64 *code);
bool list_length(Flow *x, const u64 *list, u32 expected);
bool same_register_type(Flow *x, u16 reg, TypeId actual, TypeId wanted);
