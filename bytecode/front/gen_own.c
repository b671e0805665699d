// Unique values in code: what borrows them, what drops them, and what leaves a function with some still alive.
//
// A unique value is taken by the instruction that reads its register, so whatever moves needs no care here. Three things do:
// reading without taking (gen_borrow), values that nobody takes (drops: those of locals are in own_drops(), those of
// temporaries are known here), and exits in the middle of an expression, which leave the operands evaluated so far (held).
#include "bytecode/front/gen_fn.h"

// ---- Types ----------------------------------------------------------------------------------------------------------

enum { KNOWN_NO = 1, KNOWN_YES };

static bool has_unique_part(Gen *gen, TypeId type) {
  const Type *t = type_of(gen, type);
  for (u32 i = 0; i < t->count; i++)
    if (type_is_unique(gen, t->args[i])) return true;
  return false;
}

static bool find_unique(Gen *gen, TypeId type) {
  const Type *t = type_of(gen, type);
  switch (t->kind) {
    case TYPE_BUF: case TYPE_ARRAY: return true;
    case TYPE_REF: return gen->module->interfaces.items[t->index].unique;
    case TYPE_TUPLE: case TYPE_PROMISE: return has_unique_part(gen, type);
    case TYPE_DATA: return gen->module->datas.items[t->index].unique || has_unique_part(gen, type);  // Option or Result, if a part is
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_STRING: case TYPE_BYTES:
    case TYPE_DURATION: case TYPE_TIME: case TYPE_VAR: case TYPE_LIST: case TYPE_FN: case TYPE_KIND_COUNT: break;
  }
  return false;
}

bool type_is_unique(Gen *gen, TypeId type) {
  while (gen->uniques.count <= type) vec_push(&gen->uniques, 0);
  if (!gen->uniques.items[type]) {
    u8 known = find_unique(gen, type) ? KNOWN_YES : KNOWN_NO;
    gen->uniques.items[type] = known;
  }
  return gen->uniques.items[type] == KNOWN_YES;
}

bool reg_is_unique(Fn *f, Reg reg) { return reg != REG_NONE && type_is_unique(f->gen, reg_type(f->emit, reg)); }

// ---- Drops ----------------------------------------------------------------------------------------------------------

static void emit_drop(Fn *f, Reg reg) { emit_word(f->emit, OP_DROP, reg, 0, reg_type(f->emit, reg)); }

void reg_drop(Fn *f, Reg reg) {
  if (reg_is_unique(f, reg) && !reg_is_borrowed(f->emit, reg)) emit_drop(f, reg);
  reg_release(f->emit, reg);
}

bool has_drops(const Fn *f, const Expr *e, OwnEdge edge) { return own_drops(f->body, e, edge).count; }

void gen_drops(Fn *f, const Expr *e, OwnEdge edge) {
  if (!fn_reachable(f)) return;
  Drops drops = own_drops(f->body, e, edge);
  for (u32 i = 0; i < drops.count; i++) {
    LocalInfo *info = local_info(drops.locals[i]);
    if (info->serial != f->emit->serial || info->val == REG_NONE) continue;
    if (reg_is_borrowed(f->emit, info->val)) emit_op(f->emit, OP_CLEAR, info->val, 0, 0);
    else emit_drop(f, info->val);
  }
}

// ---- Exits ----------------------------------------------------------------------------------------------------------

void held_push(Fn *f, Reg reg) {
  if (reg_is_unique(f, reg) && !reg_is_borrowed(f->emit, reg)) vec_push(&f->held, reg);
}

static void drop_held(Fn *f, u32 from) {
  for (u32 i = f->held.count; i-- > from;) emit_drop(f, f->held.items[i]);
}

void gen_leave(Fn *f, const Expr *e, u32 held_from) {
  drop_held(f, held_from);
  gen_drops(f, e, OWN_EXIT);
}

bool leaves_quietly(const Fn *f, const Expr *e, u32 held_from) { return f->held.count == held_from && !has_drops(f, e, OWN_EXIT); }

void gen_tail_drops(Fn *f) {
  drop_held(f, 0);
  for (const Tail *tail = f->tail; tail; tail = tail->outer) gen_drops(f, tail->expr, tail->edge);
}

// ---- Borrowing ------------------------------------------------------------------------------------------------------

static bool is_part(const Expr *e) { return e->kind == EX_ELEM || e->kind == EX_DOT; }

bool is_path(const Expr *e) {
  while (e->kind == EX_LEND || is_part(e)) e = e->object;
  return e->kind == EX_NAME && e->ref == REF_LOCAL;
}

Reg fn_borrow(Fn *f, Local *local) {
  LocalInfo *info = local_info(local);
  if (info->serial == f->emit->serial) return info->val;
  TypeId type = gen_type(f->gen, local->type);
  Reg reg = reg_borrow(f->emit, type, PLACE_STATE + info->slot);
  emit_op(f->emit, OP_LEND, reg, info->slot, 0);
  return reg;
}

// A field that has a place of its own in each constructor is one of several parts.
static u32 place_of_part(Fn *f, const Expr *e, Reg whole) {
  u32 place = reg_place(f->emit, whole);
  if (e->kind == EX_ELEM) return emit_part(f->emit, place, 0, (u32)e->number);
  bool single = f->gen->module->datas.items[type_of(f->gen, reg_type(f->emit, whole))->index].ctor_count == 1;
  return single ? emit_part(f->emit, place, 0, e->field) : emit_some_part(f->emit, place);
}

static Borrow borrow_part(Fn *f, Expr *e) {
  Borrow whole = gen_borrow(f, e->object);
  if (!fn_reachable(f)) return (Borrow){reg_new(f->emit, gen_type(f->gen, e->type)), REG_NONE};
  Reg part = reg_borrow(f->emit, gen_type(f->gen, e->type), place_of_part(f, e, whole.reg));
  fn_at(f, e->span);
  gen_part(f, e, whole.reg, part);
  reg_release(f->emit, whole.reg);  // no temporary: a unique part is looked at only where a name leads to it
  return (Borrow){part, REG_NONE};
}

Borrow gen_borrow(Fn *f, Expr *e) {
  if (e->kind == EX_LEND) e = e->object;
  bool unique = ty_is_unique(e->type);
  if (unique && fn_reachable(f)) {
    if (e->kind == EX_NAME && e->ref == REF_LOCAL) return (Borrow){fn_borrow(f, e->local), REG_NONE};
    if (is_part(e)) return borrow_part(f, e);
  }
  Reg reg = gen_value(f, e, gen_type(f->gen, e->type));
  return (Borrow){reg, unique ? reg : (Reg)REG_NONE};
}

void borrow_end(Fn *f, Borrow b) {
  reg_release(f->emit, b.reg);
  reg_drop(f, b.temp);
}

// ---- replace and take -----------------------------------------------------------------------------------------------

static Reg replace_state(Fn *f, Local *local, Reg value) {
  Reg old = reg_new(f->emit, reg_type(f->emit, value));
  emit_op(f->emit, OP_REPLACE, old, value, local_info(local)->slot);
  reg_release(f->emit, value);
  return old;
}

// The old value of a local, in a register of its own; the local has `value` then.
static Reg replace_local(Fn *f, Local *local, Reg value) {
  LocalInfo *info = local_info(local);
  Reg home = info->raw != REG_NONE ? info->raw : info->val;
  if (reg_is_borrowed(f->emit, home)) {
    emit_op(f->emit, OP_EXCHANGE, value, home, 0);
    return value;
  }
  Reg old = hold(f, home);
  emit_op(f->emit, OP_MOVE, home, value, 0);
  reg_release(f->emit, value);
  return old;
}

Reg gen_replace(Fn *f, Expr *e) {
  Expr *name = e->args.items[0].value;
  if (name->kind == EX_LEND) name = name->object;
  Local *local = name->local;
  TypeId type = gen_raw_type(f->gen, local->type);
  Reg value;
  if (e->call == CALL_TAKE) {
    value = reg_new(f->emit, type);
    emit_op(f->emit, OP_CTOR, value, ctor_index(f, type, STR("None")), 0);
  } else {
    value = gen_value(f, e->args.items[1].value, type);
  }
  if (!fn_reachable(f)) return reg_new(f->emit, type);
  fn_at(f, e->span);
  return local_info(local)->serial == f->emit->serial ? replace_local(f, local, value) : replace_state(f, local, value);
}
