// Operators: arithmetic on raw numbers and on vals, comparisons as values and as jumps, and, or, not.
#include "bytecode/front/gen_fn.h"

// ---- Arithmetic -----------------------------------------------------------------------------------------------------

static Op int_op(Operator op) {
  switch ((int)op) {
    case OPERATOR_ADD: return OP_ADD;
    case OPERATOR_SUB: return OP_SUB;
    case OPERATOR_MUL: return OP_MUL;
    case OPERATOR_DIV: return OP_DIV;
    case OPERATOR_REM: return OP_REM;
    case OPERATOR_ADD_WRAP: return OP_ADDW;
    case OPERATOR_SUB_WRAP: return OP_SUBW;
    case OPERATOR_MUL_WRAP: return OP_MULW;
    case OPERATOR_BIT_AND: return OP_AND;
    case OPERATOR_BIT_OR: return OP_OR;
    case OPERATOR_BIT_XOR: return OP_XOR;
    case OPERATOR_SHL: return OP_SHL;
    case OPERATOR_SHR: return OP_SHR;
  }
  BUG("operator %d on Ints", (int)op);
}

static Op float_op(Operator op) {
  switch ((int)op) {
    case OPERATOR_ADD: return OP_FADD;
    case OPERATOR_SUB: return OP_FSUB;
    case OPERATOR_MUL: return OP_FMUL;
    case OPERATOR_DIV: return OP_FDIV;
    case OPERATOR_REM: return OP_FREM;
  }
  BUG("operator %d on Floats", (int)op);
}

static Op val_op(Operator op) {
  switch ((int)op) {
    case OPERATOR_ADD: return OP_VADD;
    case OPERATOR_SUB: return OP_VSUB;
    case OPERATOR_MUL: return OP_VMUL;
    case OPERATOR_DIV: return OP_VDIV;
    case OPERATOR_REM: return OP_VREM;
  }
  BUG("operator %d on vals", (int)op);
}

static bool fits16(i64 number) { return number >= INT16_MIN && number <= INT16_MAX; }

// The form of an Int operation with a small number on its right: OP_ADDI or OP_MULI, or OP_COUNT if there is none.
static Op immediate_op(Operator op, i64 *number) {
  if (op == OPERATOR_SUB && *number > INT16_MIN && fits16(-*number)) {
    *number = -*number;
    return OP_ADDI;
  }
  if (!fits16(*number)) return OP_COUNT;
  return op == OPERATOR_ADD ? OP_ADDI : op == OPERATOR_MUL ? OP_MULI : OP_COUNT;
}

static Reg emit_three(Fn *f, Op op, TypeId type, Reg left, Reg right, Sink sink) {
  reg_release(f->emit, left);
  reg_release(f->emit, right);
  Reg out = value_reg(f, sink, type);
  emit_op(f->emit, op, out, left, right);
  return coerce(f, out, sink);
}

static Reg int_arith(Fn *f, Expr *at, Operator op, Reg left, Expr *right, Sink sink) {
  i64 number;
  Op short_op = const_int(f, right, &number) ? immediate_op(op, &number) : OP_COUNT;
  if (short_op != OP_COUNT) {
    fn_at(f, at->span);
    reg_release(f->emit, left);
    Reg out = value_reg(f, sink, f->gen->t_int);
    emit_op(f->emit, short_op, out, left, (u16)number);
    return coerce(f, out, sink);
  }
  Reg r = gen_value(f, right, f->gen->t_int);
  fn_at(f, at->span);
  return emit_three(f, int_op(op), f->gen->t_int, left, r, sink);
}

// Durations and times beyond + and - of two Durations are done by functions of the library.
static Reg time_arith(Fn *f, Expr *at, Operator op, Ty *ty, Reg left, Expr *right, Sink sink) {
  Gen *gen = f->gen;
  bool by_number = ty_is(right->type, TY_INT);
  const char *name = ty_is(ty, TY_TIME) ? (op == OPERATOR_SUB ? "since" : "later")
                     : op == OPERATOR_MUL ? "scale" : by_number ? "divide" : "ratio";
  Reg args[2] = {left, gen_value(f, right, by_number ? gen->t_int : gen_type(gen, right->type))};
  fn_at(f, at->span);
  return gen_library_call(f, "time", name, 0, args, sink);
}

Reg gen_arith(Fn *f, Expr *at, Operator op, Ty *ty, Reg left, Expr *right, Sink sink) {
  Gen *gen = f->gen;
  ty = ty_resolve(ty);
  if (ty->kind == TY_INT) return int_arith(f, at, op, left, right, sink);
  if (ty->kind == TY_FLOAT) {
    Reg r = gen_value(f, right, gen->t_float);
    fn_at(f, at->span);
    return emit_three(f, float_op(op), gen->t_float, left, r, sink);
  }
  bool sum = op == OPERATOR_ADD || op == OPERATOR_SUB;
  if (ty->kind == TY_TIME || (ty->kind == TY_DURATION && !sum)) return time_arith(f, at, op, ty, left, right, sink);
  TypeId type = gen_type(gen, ty);
  Reg r = gen_value(f, right, type);
  fn_at(f, at->span);
  return emit_three(f, val_op(op), type, left, r, sink);
}

// a + b + c of Strings is one CONCAT.
static Reg gen_joined(Fn *f, Expr *e, Sink sink) {
  enum { MOST = 32 };
  Expr *parts[MOST];
  u32 count = 0;
  Expr *at = e;
  while (at != f->ready && at->kind == EX_BINARY && at->op == OPERATOR_ADD && count + 2 <= MOST) {
    parts[MOST - ++count] = at->right;
    at = at->left;
  }
  parts[MOST - ++count] = at;
  Expr **first = parts + MOST - count;
  Reg regs[MOST];
  for (u32 i = 0; i < count; i++) regs[i] = gen_held(f, first[i], f->gen->t_string, first + i + 1, count - i - 1);
  fn_at(f, e->span);
  release_all(f, regs, count);
  Reg out = value_reg(f, sink, f->gen->t_string);
  emit_list(f->emit, OP_CONCAT, out, 0, 0, regs, count);
  return coerce(f, out, sink);
}

static bool commutes(Operator op) { return op == OPERATOR_ADD || op == OPERATOR_MUL; }

static Reg gen_compare(Fn *f, Expr *e, bool sense, Sink sink);

Reg gen_binary(Fn *f, Expr *e, Sink sink) {
  if (is_comparison(e)) return gen_compare(f, e, true, sink);
  Ty *ty = ty_resolve(e->left->type);
  if (ty->kind == TY_NEVER) ty = ty_resolve(e->right->type);
  if (ty->kind == TY_STRING && e->op == OPERATOR_ADD) return gen_joined(f, e, sink);
  i64 number;
  if (ty->kind == TY_INT && commutes(e->op) && const_int(f, e->left, &number) && fits16(number))
    return int_arith(f, e, e->op, gen_value(f, e->right, f->gen->t_int), e->left, sink);
  Reg left = gen_held(f, e->left, gen_raw_type(f->gen, ty), &e->right, 1);
  return gen_arith(f, e, e->op, ty, left, e->right, sink);
}

Reg gen_unary(Fn *f, Expr *e, Sink sink) {
  Gen *gen = f->gen;
  i64 number;
  Ty *ty = ty_resolve(e->object->type);
  if (e->op == OPERATOR_NEGATE && const_int(f, e, &number)) return gen_int(f, number, sink);
  TypeId type = gen_raw_type(gen, ty);
  Reg operand = gen_value(f, e->object, type);
  fn_at(f, e->span);
  reg_release(f->emit, operand);
  Reg out = value_reg(f, sink, type);
  Op op = e->op == OPERATOR_INVERT ? OP_INV : type == gen->t_int ? OP_NEG : type == gen->t_float ? OP_FNEG : OP_VNEG;
  emit_op(f->emit, op, out, operand, 0);
  return coerce(f, out, sink);
}

// ---- Comparisons ----------------------------------------------------------------------------------------------------

bool is_comparison(const Expr *e) { return e->kind == EX_BINARY && e->op >= OPERATOR_EQ && e->op <= OPERATOR_GE; }

static Operator opposite(Operator op) {
  switch ((int)op) {
    case OPERATOR_EQ: return OPERATOR_NE;
    case OPERATOR_NE: return OPERATOR_EQ;
    case OPERATOR_LT: return OPERATOR_GE;
    case OPERATOR_GE: return OPERATOR_LT;
    case OPERATOR_LE: return OPERATOR_GT;
  }
  return OPERATOR_LE;
}

static Operator mirrored(Operator op) {
  switch ((int)op) {
    case OPERATOR_LT: return OPERATOR_GT;
    case OPERATOR_GT: return OPERATOR_LT;
    case OPERATOR_LE: return OPERATOR_GE;
    case OPERATOR_GE: return OPERATOR_LE;
  }
  return op;
}

typedef enum Shade { SHADE_INT, SHADE_FLOAT, SHADE_VAL } Shade;

static Shade shade_of(Fn *f, Ty *ty) {
  TypeId type = gen_raw_type(f->gen, ty);
  return type == f->gen->t_int ? SHADE_INT : type == f->gen->t_float ? SHADE_FLOAT : SHADE_VAL;
}

// EQ, NE, LT, LE in each shade; > and >= are < and <= with their operands swapped.
static Op compare_op(Operator op, Shade shade, bool jump) {
  static const Op values[4][3] = {{OP_EQ_INT, OP_EQ_FLOAT, OP_EQ}, {OP_NE_INT, OP_NE_FLOAT, OP_NE},
                                  {OP_LT_INT, OP_LT_FLOAT, OP_LT}, {OP_LE_INT, OP_LE_FLOAT, OP_LE}};
  static const Op jumps[4][3] = {{OP_JEQ_INT, OP_JEQ_FLOAT, OP_JEQ}, {OP_JNE_INT, OP_JNE_FLOAT, OP_JNE},
                                 {OP_JLT_INT, OP_JLT_FLOAT, OP_JLT}, {OP_JLE_INT, OP_JLE_FLOAT, OP_JLE}};
  return (jump ? jumps : values)[(op - OPERATOR_EQ) & 3][shade];
}

static Op immediate_jump(Operator op) {
  switch ((int)op) {
    case OPERATOR_EQ: return OP_JEQI;
    case OPERATOR_NE: return OP_JNEI;
    case OPERATOR_LT: return OP_JLTI;
    case OPERATOR_LE: return OP_JLEI;
    case OPERATOR_GT: return OP_JGTI;
  }
  return OP_JGEI;
}

typedef struct Operands {
  Operator op;
  Reg left, right;
} Operands;

static Operands gen_operands(Fn *f, Expr *e, Operator op, Ty *ty) {
  TypeId type = gen_raw_type(f->gen, ty);
  Reg left = gen_held(f, e->left, type, &e->right, 1);
  Reg right = gen_value(f, e->right, type);
  fn_at(f, e->span);
  reg_release(f->emit, left);
  reg_release(f->emit, right);
  if (op == OPERATOR_GT || op == OPERATOR_GE) return (Operands){mirrored(op), right, left};
  return (Operands){op, left, right};
}

static Ty *compared_type(const Expr *e) {
  Ty *ty = ty_resolve(e->left->type);
  return ty->kind == TY_NEVER ? ty_resolve(e->right->type) : ty;
}

// Sessions are looked at, and stay.
static Reg compare_unique(Fn *f, Expr *e, Operator op, Sink sink) {
  Borrow left = gen_borrow(f, e->left);
  u32 mark = f->held.count;
  held_push(f, left.temp);
  Borrow right = gen_borrow(f, e->right);
  f->held.count = mark;
  fn_at(f, e->span);
  Reg out = value_reg(f, sink, f->gen->t_bool);
  emit_op(f->emit, compare_op(op, SHADE_VAL, false), out, left.reg, right.reg);
  borrow_end(f, right);
  borrow_end(f, left);
  return coerce(f, out, sink);
}

static Reg gen_compare(Fn *f, Expr *e, bool sense, Sink sink) {
  Ty *ty = compared_type(e);
  if (ty_is_unique(ty)) return compare_unique(f, e, sense ? e->op : opposite(e->op), sink);
  Operands o = gen_operands(f, e, sense ? e->op : opposite(e->op), ty);
  Reg out = value_reg(f, sink, f->gen->t_bool);
  emit_op(f->emit, compare_op(o.op, shade_of(f, ty), false), out, o.left, o.right);
  return coerce(f, out, sink);
}

void gen_compare_regs(Fn *f, Operator op, Ty *ty, Reg left, Reg right, bool sense, Label *target) {
  if (!sense) op = opposite(op);
  bool swap = op == OPERATOR_GT || op == OPERATOR_GE;
  if (swap) op = mirrored(op);
  emit_branch(f->emit, compare_op(op, shade_of(f, ty), true), swap ? right : left, swap ? left : right, target);
}

static bool is_plain_ctor(const Expr *e) {
  return e->kind == EX_NAME && e->ref == REF_CTOR && !e->ctor->fields.count && ty_is(e->type, TY_DATA);
}

static bool is_empty_list(const Expr *e) { return e->kind == EX_LIST && !e->items.count; }

// x == None and xs == [] look at the tag alone. False if the comparison is no such one.
static bool branch_on_tag(Fn *f, Expr *e, Operator op, Label *target) {
  if (op != OPERATOR_EQ && op != OPERATOR_NE) return false;
  bool on_left = is_plain_ctor(e->left) || is_empty_list(e->left);
  Expr *known = on_left ? e->left : e->right, *asked = on_left ? e->right : e->left;
  if (!is_plain_ctor(known) && !is_empty_list(known)) return false;
  Reg reg = gen_value(f, asked, gen_type(f->gen, asked->type));
  fn_at(f, e->span);
  reg_release(f->emit, reg);
  bool equal = op == OPERATOR_EQ;
  if (known->kind == EX_LIST) emit_branch(f->emit, equal ? OP_JNIL : OP_JCONS, reg, 0, target);
  else emit_branch(f->emit, equal ? OP_JTAG : OP_JNTAG, reg, known->ctor->index, target);
  return true;
}

static bool branch_on_immediate(Fn *f, Expr *e, Operator op, Label *target) {
  i64 number;
  Expr *operand = e->left;
  if (const_int(f, e->left, &number) && fits16(number)) {
    operand = e->right;
    op = mirrored(op);
  } else if (!const_int(f, e->right, &number) || !fits16(number)) {
    return false;
  }
  Reg reg = gen_value(f, operand, f->gen->t_int);
  fn_at(f, e->span);
  reg_release(f->emit, reg);
  emit_branch(f->emit, immediate_jump(op), reg, (u16)number, target);
  return true;
}

static void branch_on_value(Fn *f, Reg reg, bool sense, Label *target) {
  reg_release(f->emit, reg);
  emit_branch(f->emit, sense ? OP_JT : OP_JF, reg, 0, target);
}

static void branch_on_comparison(Fn *f, Expr *e, bool sense, Label *target) {
  Operator op = sense ? e->op : opposite(e->op);
  Ty *ty = compared_type(e);
  if (ty_is_unique(ty)) {
    branch_on_value(f, compare_unique(f, e, e->op, sink_val(f->gen->t_bool)), sense, target);
    return;
  }
  if (ty->kind == TY_INT && branch_on_immediate(f, e, op, target)) return;
  if (branch_on_tag(f, e, op, target)) return;
  Operands o = gen_operands(f, e, op, ty);
  emit_branch(f->emit, compare_op(o.op, shade_of(f, ty), true), o.left, o.right, target);
}

// ---- Conditions -----------------------------------------------------------------------------------------------------

// `and` when it must hold, and `or` when it must not, jump only if both operands say so.
static void branch_on_both(Fn *f, Expr *e, bool sense, Label *target) {
  Label past = LABEL_NEW;
  gen_branch(f, e->left, !sense, &past);
  gen_branch(f, e->right, sense, target);
  emit_bind(f->emit, &past);
}

// Whether unique values are dropped at an edge of the condition.
static bool ends_something(const Fn *f, const Expr *e) {
  bool logic = e->kind == EX_AND || e->kind == EX_OR;
  return has_drops(f, e, OWN_END) || (logic && (has_drops(f, e, OWN_ELSE) || has_drops(f, e->right, OWN_END)));
}

void gen_branch(Fn *f, Expr *e, bool sense, Label *target) {
  if (!fn_reachable(f)) return;
  fn_at(f, e->span);
  bool ready = e == f->ready || ends_something(f, e);  // then as a value
  if (!ready && e->kind == EX_NOT) {
    gen_branch(f, e->object, !sense, target);
  } else if (!ready && (e->kind == EX_AND || e->kind == EX_OR) && first_child(e) != f->ready) {
    if ((e->kind == EX_AND) == sense) {
      branch_on_both(f, e, sense, target);
    } else {
      gen_branch(f, e->left, sense, target);
      gen_branch(f, e->right, sense, target);
    }
  } else if (!ready && e->kind == EX_BOOL) {
    if ((e->number != 0) == sense) emit_jump(f->emit, target);
  } else if (!ready && is_comparison(e)) {
    branch_on_comparison(f, e, sense, target);
  } else {
    branch_on_value(f, gen_value(f, e, f->gen->t_bool), sense, target);
  }
}

Reg gen_logic(Fn *f, Expr *e, Sink sink) {
  TypeId type = f->gen->t_bool;
  if (e->kind == EX_NOT && is_comparison(e->object)) return gen_compare(f, e->object, false, sink);
  if (e->kind == EX_NOT) {
    Reg operand = gen_value(f, e->object, type);
    reg_release(f->emit, operand);
    Reg out = value_reg(f, sink, type);
    emit_op(f->emit, OP_NOT, out, operand, 0);
    return coerce(f, out, sink);
  }
  Label decided = LABEL_NEW, end = LABEL_NEW;
  bool stops_at = e->kind == EX_OR;  // the value of the left operand that decides
  Reg out = value_reg(f, sink, type);
  gen_branch(f, e->left, stops_at, &decided);
  gen(f, e->right, sink_to(f, out));
  emit_jump(f->emit, &end);
  emit_bind(f->emit, &decided);
  gen_drops(f, e, OWN_ELSE);
  if (fn_reachable(f)) emit_imm(f->emit, OP_BOOL, out, stops_at);
  emit_bind(f->emit, &end);
  return coerce(f, out, sink);
}
