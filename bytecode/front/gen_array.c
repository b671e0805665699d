// Elements of arrays and buffers, in place: reading, writing, and `for` over them. Numbers go raw where the type says so.
//
// What is indexed stays where it is, so it is borrowed right before each instruction: a state field, which a helper called in
// between may have replaced, is looked up anew.
#include "bytecode/front/gen_fn.h"

typedef struct Access {
  Op get, set;
  TypeId item;  // as these take and give it
} Access;

static Access access_of(Fn *f, TypeId type) {
  Gen *gen = f->gen;
  const Type *t = type_of(gen, type);
  if (t->kind == TYPE_BUF) return (Access){OP_BGET, OP_BSET, gen->t_int};
  if (t->args[0] == gen->t_vint) return (Access){OP_AGET_INT, OP_ASET_INT, gen->t_int};
  if (t->args[0] == gen->t_vfloat) return (Access){OP_AGET_FLOAT, OP_ASET_FLOAT, gen->t_float};
  return (Access){OP_AGET, OP_ASET, t->args[0]};
}

bool is_length(const FnDecl *fn) {
  if (fn->block || !fn->home || !str_eq(fn->name.name->text, STR("len"))) return false;
  return str_eq(fn->home->name, STR("array")) || str_eq(fn->home->name, STR("buf"));
}

Reg gen_length(Fn *f, Expr *object, Sink sink) {
  Borrow b = gen_borrow(f, object);
  Reg out = value_reg(f, sink, f->gen->t_int);
  emit_op(f->emit, OP_ALEN, out, b.reg, 0);
  borrow_end(f, b);
  return coerce(f, out, sink);
}

// ---- Elements -------------------------------------------------------------------------------------------------------

// The thing indexed: borrowed at once if it is a temporary, else by touch().
typedef struct Indexed {
  Expr *expr;
  Borrow temp;
  bool path;
} Indexed;

static Indexed gen_indexed(Fn *f, Expr *e) {
  Indexed at = {.expr = e, .path = is_path(e)};
  if (at.path) return at;
  at.temp = gen_borrow(f, e);
  held_push(f, at.temp.temp);
  return at;
}

static Borrow touch(Fn *f, const Indexed *at) { return at->path ? gen_borrow(f, at->expr) : at->temp; }

Reg gen_index(Fn *f, Expr *e, Sink sink) {
  Access access = access_of(f, gen_type(f->gen, e->left->type));
  u32 mark = f->held.count;
  Indexed at = gen_indexed(f, e->left);
  Reg index = gen_value(f, e->right, f->gen->t_int);
  f->held.count = mark;
  if (!fn_reachable(f)) return sink_reg(f, sink);
  Borrow b = touch(f, &at);
  fn_at(f, e->span);
  reg_release(f->emit, index);
  Reg out = value_reg(f, sink, access.item);
  emit_op(f->emit, access.get, out, b.reg, index);
  borrow_end(f, b);
  return coerce(f, out, sink);
}

// a[i] += x reads the element before x is evaluated.
static Reg updated(Fn *f, Expr *e, const Indexed *at, Reg index, Access access) {
  Borrow b = touch(f, at);
  Reg old = reg_new(f->emit, access.item);
  fn_at(f, e->span);
  emit_op(f->emit, access.get, old, b.reg, index);
  if (at->path) borrow_end(f, b);
  return gen_arith(f, e, e->op, e->left->type, old, e->right, sink_val(access.item));
}

void gen_assign_index(Fn *f, Expr *e) {
  Expr *target = e->left;
  Access access = access_of(f, gen_type(f->gen, target->left->type));
  u32 mark = f->held.count;
  Indexed at = gen_indexed(f, target->left);
  Reg index = gen_held(f, target->right, f->gen->t_int, &e->right, 1);
  if (!fn_reachable(f)) return;
  Reg value = e->op == OPERATOR_NONE ? gen_value(f, e->right, access.item) : updated(f, e, &at, index, access);
  f->held.count = mark;
  if (!fn_reachable(f)) return;
  Borrow b = touch(f, &at);
  fn_at(f, e->span);
  emit_op(f->emit, access.set, b.reg, index, value);
  reg_release(f->emit, index);
  reg_release(f->emit, value);
  borrow_end(f, b);
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

// By number, up to the length; asked for anew in each turn, where the thing may have been replaced meanwhile.
void gen_for_array(Fn *f, Expr *e) {
  Gen *g = f->gen;
  Access access = access_of(f, gen_type(g, e->object->type));
  Indexed thing = gen_indexed(f, e->object);
  if (!fn_reachable(f)) return;
  Label leave = LABEL_NEW, again = LABEL_NEW;
  Loop loop = {f->loop, &leave, &again, f->held.count, LABEL_NEW};
  Reg at = gen_int(f, 0, sink_val(g->t_int));
  reg_keep(f->emit, at, REG_LOCAL);
  fn_at(f, e->span);
  gen_drops(f, e, OWN_ENTRY);
  u32 head = emit_loop_head(f->emit, may_suspend(e->block));
  Borrow b = touch(f, &thing);
  Reg length = reg_new(f->emit, g->t_int);
  emit_op(f->emit, OP_ALEN, length, b.reg, 0);
  Label *done = loop_done(f, e, &loop);
  emit_branch(f->emit, OP_JLE_INT, length, at, done);
  reg_release(f->emit, length);
  u32 mark = scope_open(f);
  if (e->pattern->kind != PAT_WILD) {
    Reg item = reg_new(f->emit, access.item);
    emit_op(f->emit, access.get, item, b.reg, at);
    bind_pattern(f, e->pattern, item);
  }
  if (thing.path) borrow_end(f, b);
  loop_body(f, e, &loop, head, step_int, at);
  scope_close(f, mark);
  reg_free(f->emit, at);
  if (thing.path) return;
  f->held.count--;
  borrow_end(f, thing.temp);
}
