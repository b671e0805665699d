// Calls of functions, closures and constructors; tail calls; fields; functions and constructors as values.
#include "bytecode/front/gen_fn.h"

void release_all(Fn *f, const Reg *regs, u32 count) {
  for (u32 i = 0; i < count; i++) reg_release(f->emit, regs[i]);
}

static Reg held_from(Fn *f, Reg reg, const Expr *call, u32 later) {
  if (reg_state(f->emit, reg) != REG_VAR) return reg;
  for (u32 i = later; i < call->args.count; i++)
    if (may_assign(call->args.items[i].value)) return hold(f, reg);
  return reg;
}

Reg gen_receiver(Fn *f, Expr *object, TypeId type, Expr *call) { return held_from(f, gen_value(f, object, type), call, 0); }

// The value of argument i; a unique one waits for the others among those held.
static Reg gen_arg(Fn *f, Expr *call, u32 i, TypeId type) {
  Reg reg = held_from(f, gen_value(f, call->args.items[i].value, type), call, i + 1);
  held_push(f, reg);
  return reg;
}

void gen_args(Fn *f, Expr *e, const TypeId *wants, Reg *regs) {
  u32 mark = f->held.count;
  for (u32 i = 0; i < e->args.count; i++) {
    u32 param = e->args.items[i].param;
    regs[param] = gen_arg(f, e, i, wants[param]);
  }
  f->held.count = mark;
}

static Span call_place(const Expr *e) { return e->name.name ? e->name.span : e->span; }

// ---- What is called -------------------------------------------------------------------------------------------------

typedef struct Target {
  u32 index;
  TypeListId inst;
  u32 count;
  TypeId wants[LIMIT_PARAMS + 1];
  TypeId result;
  u8 effects;
  u32 gives;      // parameters that are given back: the result is a tuple
} Target;

static void target_of(Fn *f, FnDecl *fn, TypeListId inst, Target *t) {
  Gen *gen = f->gen;
  t->index = gen_function(gen, fn);
  const Function function = gen->module->functions.items[t->index];
  t->inst = inst;
  t->count = function.param_count;
  for (u32 i = 0; i < t->count; i++) t->wants[i] = gen_subst(gen, function.registers[i], inst);
  t->result = gen_subst(gen, function.result, inst);
  t->effects = function.effects;
  t->gives = fn_gives(fn);
}

static TypeListId inst_of(Fn *f, FnDecl *fn, Ty **inst) {
  if (fn->actor) return gen_identity(f->gen, fn->actor->generic_count);
  return inst_list(f, inst, fn->generic_count);
}

Reg gen_library_call(Fn *f, const char *module, const char *name, TypeListId inst, const Reg *args, Sink sink) {
  FnDecl *fn = gen_library_fn(f->gen, module, name);
  if (!fn) return sink.kind == SINK_VALUE ? sink_reg(f, sink) : (Reg)REG_NONE;
  Target t;
  target_of(f, fn, inst, &t);
  release_all(f, args, t.count);
  Reg out = value_reg(f, sink, t.result);
  f->emit->effects |= t.effects;
  emit_call(f->emit, OP_CALL, out, 0, t.index | (u64)inst << 32, args, t.count);
  return coerce(f, out, sink);
}

// What a call left behind, where its value was not returned: delivered, dropped, or returned after all.
static Reg finish(Fn *f, Expr *e, Reg out, Sink sink) {
  if (ty_is(e->type, TY_NEVER) && fn_reachable(f) && (sink.kind != SINK_VALUE || reg_type(f->emit, out) != sink.type)) {
    reg_release(f->emit, out);
    gen_crash_text(f, STR("a function that never returns has returned"));
    return sink.kind == SINK_VALUE ? sink_reg(f, sink) : (Reg)REG_NONE;
  }
  switch (sink.kind) {
    case SINK_VALUE: return coerce(f, out, sink);
    case SINK_EFFECT: reg_drop(f, out); break;
    case SINK_TAIL:
      if (f->drops) {
        reg_drop(f, out);
        gen_return_unit(f);
      } else {
        gen_return(f, coerce(f, out, sink_val(f->result)));
      }
      break;
  }
  return REG_NONE;
}

static Reg result_reg(Fn *f, Sink sink, TypeId type) {
  return sink.kind == SINK_VALUE ? value_reg(f, sink, type) : reg_new(f->emit, type);
}

// Whether a call in a tail position can hand over this frame.
static bool is_tail_call(Fn *f, Sink sink, TypeId result) {
  return sink.kind == SINK_TAIL && result == f->result && !f->keeps_frame && !f->gives;
}

// ---- A function's call of itself ------------------------------------------------------------------------------------

typedef struct Move {
  Reg to, from;
} Move;

// Moves all at once: a register that is still to be read is not written; a ring is broken with a temporary.
static void move_all(Fn *f, Move *moves, u32 count) {
  while (count) {
    u32 free_at = count;
    for (u32 i = 0; i < count && free_at == count; i++) {
      bool read = false;
      for (u32 k = 0; k < count; k++) read = read || (k != i && moves[k].from == moves[i].to);
      if (!read) free_at = i;
    }
    if (free_at < count) {
      emit_op(f->emit, OP_MOVE, moves[free_at].to, moves[free_at].from, 0);
      moves[free_at] = moves[--count];
      continue;
    }
    Reg saved = reg_new(f->emit, reg_type(f->emit, moves[0].to));
    emit_op(f->emit, OP_MOVE, saved, moves[0].to, 0);
    for (u32 k = 0; k < count; k++)
      if (moves[k].from == moves[0].to) moves[k].from = saved;
  }
}

// An argument may be computed straight into its parameter if nothing evaluated later reads that, nor a value in waiting.
static bool may_overwrite(Fn *f, Expr *e, u32 at, const Reg *regs) {
  Reg param = e->args.items[at].param;
  for (u32 i = 0; i < at; i++)
    if (regs[e->args.items[i].param] == param && e->args.items[i].param != param) return false;
  for (u32 i = at + 1; i < e->args.count; i++)
    if (may_read(f, e->args.items[i].value, param)) return false;
  return true;
}

static void gen_self_call(Fn *f, Expr *e, const Target *t) {
  Reg regs[LIMIT_PARAMS + 1];
  Move moves[LIMIT_PARAMS + 1];
  u32 count = 0, mark = f->held.count;
  for (u32 i = 0; i < e->args.count; i++) {
    u32 param = e->args.items[i].param;
    bool direct = !type_is_unique(f->gen, t->wants[param]) && may_overwrite(f, e, i, regs);
    Sink sink = direct ? sink_to(f, param) : sink_val(t->wants[param]);
    Reg reg = gen(f, e->args.items[i].value, sink);
    regs[param] = reg_state(f->emit, reg) == REG_VAR ? hold(f, reg) : reg;
    held_push(f, regs[param]);
  }
  f->held.count = mark;
  fn_at(f, call_place(e));
  gen_tail_drops(f);
  for (u32 i = 0; i < t->count; i++)
    if (regs[i] != i) moves[count++] = (Move){i, regs[i]};
  move_all(f, moves, count);
  release_all(f, regs, t->count);
  emit_loop(f->emit, 0);
}

// ---- Lent arguments -------------------------------------------------------------------------------------------------

// The register of the name that argument i lends, or lends a part of, if what it stands for was lent to this function itself.
static Reg lent_on(Fn *f, const Expr *value) {
  if (!is_path(value)) return REG_NONE;
  while (value->kind != EX_NAME) value = value->object;
  const LocalInfo *info = local_info(value->local);
  if (info->serial != f->emit->serial || info->val == REG_NONE) return REG_NONE;
  return reg_is_lent_on(f->emit, info->val) ? info->val : (Reg)REG_NONE;
}

typedef struct Lending {
  bool any;
  bool own;      // something of this frame or of the state, so that the frame must stay
  bool in_place; // every lent parameter gets the register of the same number
} Lending;

static Lending lending_of(Fn *f, const Expr *e) {
  Lending lending = {.in_place = true};
  for (u32 i = 0; i < e->args.count; i++) {
    u32 param = e->args.items[i].param;
    if (fn_pass(e->fn, param) == PASS_MOVE) continue;
    const Expr *value = e->args.items[i].value;
    if (value->kind == EX_LEND) value = value->object;
    Reg reg = fn_pass(e->fn, param) == PASS_LEND ? lent_on(f, value) : (Reg)REG_NONE;
    lending.any = true;
    lending.own |= reg == REG_NONE;
    lending.in_place &= reg == param && value->kind == EX_NAME;
  }
  return lending;
}

typedef struct Loan {
  Borrow borrow;
  Local *state;  // a field whose value is given back, or NULL
} Loan;

// A value that is moved into the call and comes back: a local's, a temporary's, or a state field's, which is empty meanwhile.
static Loan lend_for_return(Fn *f, Expr *value) {
  if (value->kind == EX_LEND && value != f->ready) value = value->object;
  TypeId type = gen_type(f->gen, value->type);
  if (value->kind != EX_NAME || value->ref != REF_LOCAL) {
    Reg temp = gen_value(f, value, type);
    return (Loan){{temp, temp}, NULL};
  }
  LocalInfo *info = local_info(value->local);
  if (info->serial == f->emit->serial) return (Loan){{info->val, REG_NONE}, NULL};
  Reg reg = reg_new(f->emit, type);
  emit_op(f->emit, OP_TAKE, reg, info->slot, 0);
  return (Loan){{reg, REG_NONE}, value->local};
}

static Loan lend_arg(Fn *f, Expr *e, u32 i) {
  Expr *value = e->args.items[i].value;
  if (fn_pass(e->fn, e->args.items[i].param) == PASS_GIVE_BACK) return lend_for_return(f, value);
  return (Loan){gen_borrow(f, value), NULL};
}

// All arguments in written order; but what is lent from where it stays comes last, since evaluating it has no effect.
static void lending_args(Fn *f, Expr *e, const Target *t, Reg *regs, Loan *loans) {
  u32 mark = f->held.count;
  for (u32 i = 0; i < e->args.count; i++) {
    u32 param = e->args.items[i].param;
    if (fn_pass(e->fn, param) == PASS_MOVE) {
      regs[param] = gen_arg(f, e, i, t->wants[param]);
    } else if (!is_path(e->args.items[i].value)) {
      loans[param] = lend_arg(f, e, i);
      held_push(f, loans[param].borrow.temp);
    }
  }
  f->held.count = mark;
  fn_at(f, call_place(e));
  for (u32 i = 0; i < e->args.count; i++) {
    u32 param = e->args.items[i].param;
    if (fn_pass(e->fn, param) == PASS_MOVE) continue;
    if (is_path(e->args.items[i].value)) loans[param] = lend_arg(f, e, i);
    regs[param] = loans[param].borrow.reg;
  }
}

// Takes the tuple that such a call gives apart. Gives the result proper.
static Reg take_given(Fn *f, Expr *e, const Target *t, Reg tuple, const Loan *loans) {
  Reg list[LIMIT_PARAMS + 1] = {reg_new(f->emit, type_of(f->gen, t->result)->args[0])};
  u32 count = 1;
  for (u32 i = 0; i < t->count; i++)
    if (fn_pass(e->fn, i) == PASS_GIVE_BACK) list[count++] = loans[i].borrow.reg;
  emit_list(f->emit, OP_SPLIT, tuple, 0, 0, list, count);
  reg_release(f->emit, tuple);
  for (u32 i = 0; i < t->count; i++) {
    if (fn_pass(e->fn, i) != PASS_GIVE_BACK || !loans[i].state) continue;
    emit_op(f->emit, OP_SET, loans[i].borrow.reg, local_info(loans[i].state)->slot, 0);
    reg_release(f->emit, loans[i].borrow.reg);
  }
  return list[0];
}

static Reg call_lending(Fn *f, Expr *e, const Target *t, Sink sink) {
  Reg regs[LIMIT_PARAMS + 1];
  Loan loans[LIMIT_PARAMS + 1];
  lending_args(f, e, t, regs, loans);
  if (!fn_reachable(f)) return sink.kind == SINK_VALUE ? sink_reg(f, sink) : (Reg)REG_NONE;
  for (u32 i = 0; i < t->count; i++)
    if (fn_pass(e->fn, i) == PASS_MOVE) reg_release(f->emit, regs[i]);
  f->emit->effects |= t->effects;
  u64 word = t->index | (u64)t->inst << 32;
  if (is_tail_call(f, sink, t->result) && !lending_of(f, e).own) {
    gen_tail_drops(f);
    emit_call(f->emit, OP_TAILCALL, 0, 0, word, regs, t->count);
    return REG_NONE;
  }
  Reg out = t->gives ? reg_new(f->emit, t->result) : result_reg(f, sink, t->result);
  emit_call(f->emit, OP_CALL, out, 0, word, regs, t->count);
  if (t->gives) out = take_given(f, e, t, out, loans);
  for (u32 i = t->count; i-- > 0;)
    if (fn_pass(e->fn, i) != PASS_MOVE) borrow_end(f, loans[i].borrow);
  return finish(f, e, out, sink);
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

static Reg call_function(Fn *f, Expr *e, Sink sink) {
  if (is_length(e->fn)) {
    Sink length = sink.kind == SINK_VALUE ? sink : sink_val(f->gen->t_int);
    return finish(f, e, gen_length(f, e->args.items[0].value, length), sink);
  }
  Target t;
  target_of(f, e->fn, inst_of(f, e->fn, e->inst), &t);
  Lending lending = lending_of(f, e);
  if (is_tail_call(f, sink, t.result) && f->decl == e->fn && t.inst == f->identity && lending.in_place) {
    gen_self_call(f, e, &t);
    return REG_NONE;
  }
  if (lending.any) return call_lending(f, e, &t, sink);
  Reg regs[LIMIT_PARAMS + 1];
  gen_args(f, e, t.wants, regs);
  fn_at(f, call_place(e));
  release_all(f, regs, t.count);
  f->emit->effects |= t.effects;
  u64 word = t.index | (u64)t.inst << 32;
  if (is_tail_call(f, sink, t.result)) {
    gen_tail_drops(f);
    emit_call(f->emit, OP_TAILCALL, 0, 0, word, regs, t.count);
    return REG_NONE;
  }
  Reg out = result_reg(f, sink, t.result);
  emit_call(f->emit, OP_CALL, out, 0, word, regs, t.count);
  return finish(f, e, out, sink);
}

static Reg call_closure(Fn *f, Expr *e, Sink sink) {
  Gen *g = f->gen;
  u32 count = e->args.count;
  TypeId type = gen_type(g, e->object->type);
  Reg closure = gen_receiver(f, e->object, type, e);
  if (!fn_reachable(f) || type_of(g, type)->kind != TYPE_FN)
    return sink.kind == SINK_VALUE ? sink_reg(f, sink) : (Reg)REG_NONE;
  TypeId wants[LIMIT_TYPE_ARGS + 1];
  memcpy(wants, type_of(g, type)->args, (count + 1) * sizeof *wants);
  TypeId result = wants[count];
  Reg regs[LIMIT_TYPE_ARGS + 1];
  for (u32 i = 0; i < count; i++) regs[i] = gen_arg(f, e, i, wants[i]);
  fn_at(f, call_place(e));
  release_all(f, regs, count);
  reg_release(f->emit, closure);
  if (is_tail_call(f, sink, result)) {
    gen_tail_drops(f);
    emit_list(f->emit, OP_TAILCALLC, closure, 0, 0, regs, count);
    return REG_NONE;
  }
  Reg out = result_reg(f, sink, result);
  emit_list(f->emit, OP_CALLC, out, closure, 0, regs, count);
  return finish(f, e, out, sink);
}

// ---- Constructors ---------------------------------------------------------------------------------------------------

static void field_types(Fn *f, TypeId data, u32 ctor, TypeId *types) {
  const Ctor *def = &f->gen->module->datas.items[type_of(f->gen, data)->index].ctors[ctor];
  for (u32 i = 0; i < def->field_count; i++) types[i] = gen_inside(f->gen, def->fields[i].type, data);
}

// T(..p, x: 1): the fields not named are unpacked from p, which stands in `from`.
static void unpack_rest(Fn *f, u32 ctor, Reg from, const TypeId *wants, Reg *regs, u32 count) {
  Reg list[LIMIT_PARAMS + 1];
  u32 missing = 0;
  for (u32 i = 0; i < count; i++) {
    list[i] = REG_NONE;
    if (regs[i] != REG_NONE) continue;
    list[i] = regs[i] = reg_new(f->emit, wants[i]);
    missing++;
  }
  if (missing) emit_list(f->emit, OP_UNPACK, from, ctor, 0, list, count);
}

static Reg call_ctor(Fn *f, Expr *e, Sink sink) {
  TypeId type = gen_type(f->gen, e->type);
  u32 ctor = e->ctor->index, count = e->ctor->fields.count;
  TypeId wants[LIMIT_PARAMS + 1];
  Reg regs[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < count; i++) regs[i] = REG_NONE;
  field_types(f, type, ctor, wants);
  Reg from = REG_NONE;
  u32 mark = f->held.count;
  for (u32 i = 0; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    Reg reg = gen_arg(f, e, i, arg->spread ? type : wants[arg->param]);
    *(arg->spread ? &from : &regs[arg->param]) = reg;
  }
  f->held.count = mark;
  fn_at(f, call_place(e));
  if (from != REG_NONE) unpack_rest(f, ctor, from, wants, regs, count);
  release_all(f, regs, count);
  reg_release(f->emit, from);
  Reg out = result_reg(f, sink, type);
  if (count) emit_list(f->emit, OP_NEW, out, ctor, 0, regs, count);
  else emit_op(f->emit, OP_CTOR, out, ctor, 0);
  return finish(f, e, out, sink);
}

static Reg call_ended(Fn *f, Expr *e, Sink sink) {
  Borrow session = gen_borrow(f, e->args.items[0].value);
  Reg out = result_reg(f, sink, gen_type(f->gen, e->type));
  fn_at(f, call_place(e));
  emit_op(f->emit, OP_ENDED, out, session.reg, 0);
  borrow_end(f, session);
  return finish(f, e, out, sink);
}

Reg gen_call(Fn *f, Expr *e, Sink sink) {
  switch (e->call) {
    case CALL_FN: return call_function(f, e, sink);
    case CALL_CTOR: return call_ctor(f, e, sink);
    case CALL_VALUE: return call_closure(f, e, sink);
    case CALL_SHOW:
      return finish(f, e, gen_show_of(f, e->args.items[0].value, sink.kind == SINK_VALUE ? sink : sink_val(f->gen->t_string)), sink);
    case CALL_ENDED: return call_ended(f, e, sink);
    case CALL_REPLACE: case CALL_TAKE: return finish(f, e, gen_replace(f, e), sink);
    case CALL_NONE: break;
  }
  BUG("a call was never resolved");
}

// ---- Values that stand for functions and constructors ---------------------------------------------------------------

static Reg emit_wrapper(Fn *f, Expr *e, u32 index, TypeListId inst, Sink sink) {
  Reg out = value_reg(f, sink, gen_type(f->gen, e->type));
  emit_call(f->emit, OP_CLOSURE, out, 0, index | (u64)inst << 32, NULL, 0);
  return coerce(f, out, sink);
}

Reg gen_fn_value(Fn *f, Expr *e, Sink sink) {
  return emit_wrapper(f, e, wrap_fn(f->gen, e->fn), inst_of(f, e->fn, e->inst), sink);
}

Reg gen_ctor_value(Fn *f, Expr *e, Sink sink) {
  Ty *ty = ty_resolve(e->type);
  if (ty->kind == TY_FN) {
    TypeId data = gen_type(f->gen, ty->args[ty->count - 1]);
    return emit_wrapper(f, e, wrap_ctor(f->gen, e->ctor), gen_args_of(f->gen, data), sink);
  }
  Reg out = value_reg(f, sink, gen_type(f->gen, ty));
  emit_op(f->emit, OP_CTOR, out, e->ctor->index, 0);
  return coerce(f, out, sink);
}

// ---- Fields ---------------------------------------------------------------------------------------------------------

static u32 field_named(const Ctor *ctor, Str name) {
  for (u32 i = 0; i < ctor->field_count; i++)
    if (str_eq(ctor->fields[i].name, name)) return i;
  BUG("no field `%.*s`", STR_ARG(name));
}

static void unpack_field(Fn *f, Reg object, u32 ctor, u32 field, u32 count, Reg out) {
  Reg list[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < count; i++) list[i] = i == field ? out : (Reg)REG_NONE;
  emit_list(f->emit, reg_is_unique(f, object) ? OP_PEEK : OP_UNPACK, object, ctor, 0, list, count);
}

// A field that every constructor of the type has: which one it is decides where the field stands.
static void shared_field(Fn *f, Expr *e, Reg object, const DataDef *def, Reg out) {
  Str name = e->name.name->text;
  Label end = LABEL_NEW;
  Label *labels = gc_array(Label, def->ctor_count);
  Label **table = gc_array(Label *, def->ctor_count);
  for (u32 i = 0; i < def->ctor_count; i++) {
    labels[i] = LABEL_NEW;
    table[i] = &labels[i];
  }
  if (def->ctor_count > 2) emit_switch(f->emit, object, def->ctor_count, table);
  else emit_branch(f->emit, OP_JTAG, object, 1, &labels[1]);
  for (u32 i = 0; i < def->ctor_count; i++) {
    if (i || def->ctor_count > 2) emit_bind(f->emit, &labels[i]);
    unpack_field(f, object, i, field_named(&def->ctors[i], name), def->ctors[i].field_count, out);
    if (i + 1 < def->ctor_count) emit_jump(f->emit, &end);
  }
  emit_bind(f->emit, &end);
}

static const DataDef *data_of(Fn *f, TypeId type) { return &f->gen->module->datas.items[type_of(f->gen, type)->index]; }

void gen_part(Fn *f, Expr *e, Reg object, Reg out) {
  TypeId type = reg_type(f->emit, object);
  if (e->kind == EX_ELEM) {
    emit_op(f->emit, OP_ELEM, out, object, (u32)e->number);
    return;
  }
  const DataDef def = *data_of(f, type);
  if (def.ctor_count > 1) shared_field(f, e, object, &def, out);
  else emit_op(f->emit, OP_FIELD, out, object, e->field);
}

static TypeId part_type(Fn *f, Expr *e, TypeId type) {
  if (e->kind == EX_ELEM) return type_of(f->gen, type)->args[e->number];
  const DataDef *def = data_of(f, type);
  u32 field = def->ctor_count > 1 ? field_named(&def->ctors[0], e->name.name->text) : e->field;
  return gen_inside(f->gen, def->ctors[0].fields[field].type, type);
}

Reg gen_field(Fn *f, Expr *e, Sink sink) {
  TypeId type = gen_type(f->gen, e->object->type);
  Borrow b = gen_borrow(f, e->object);
  if (!fn_reachable(f)) return sink_reg(f, sink);
  fn_at(f, e->span);
  TypeId result = part_type(f, e, type);
  if (type_is_unique(f->gen, result)) BUG("a unique part is read alone");  // E0428
  if (type_is_unique(f->gen, type)) {
    Reg out = value_reg(f, sink, result);
    gen_part(f, e, b.reg, out);
    borrow_end(f, b);
    return coerce(f, out, sink);
  }
  bool single = e->kind == EX_ELEM || data_of(f, type)->ctor_count == 1;
  if (single) reg_release(f->emit, b.reg);
  Reg out = value_reg(f, sink, result);
  gen_part(f, e, b.reg, out);
  if (!single) reg_release(f->emit, b.reg);
  return coerce(f, out, sink);
}
