// Control flow: blocks, if, loops, let, assignment, try, assert.
#include "bytecode/front/gen_fn.h"

// ---- Blocks and if --------------------------------------------------------------------------------------------------

Reg gen_block(Fn *f, Expr *e, Sink sink) {
  u32 mark = scope_open(f), count = e->items.count;
  for (u32 i = 0; i + 1 < count && fn_reachable(f); i++) gen(f, e->items.items[i], SINK_DROP);
  Reg out = REG_NONE;
  if (count) out = gen(f, e->items.items[count - 1], sink);
  else if (sink.kind == SINK_TAIL) gen_return_unit(f);
  else out = gen_unit(f, sink);
  if (sink.kind == SINK_VALUE && sink.reg == REG_NONE) out = transfer(f, out, mark);
  scope_close(f, mark);
  return out;
}

// `break` or `continue` alone, maybe in a block: where it jumps to.
static Label *plain_leave(Fn *f, const Expr *e) {
  while (e->kind == EX_BLOCK && e->items.count == 1) e = e->items.items[0];
  if (!f->loop || !leaves_quietly(f, e, f->loop->held)) return NULL;
  return e->kind == EX_BREAK ? f->loop->leave : e->kind == EX_CONTINUE ? f->loop->again : NULL;
}

// Without `else` the value is (), whatever the block gives: in a tail position, a function of result () ends so.
static void gen_lone_then(Fn *f, Expr *then, Sink sink) {
  if (sink.kind != SINK_TAIL) {
    gen(f, then, SINK_DROP);
    return;
  }
  bool drops = f->drops;
  f->drops = true;
  gen(f, then, SINK_RETURN);
  f->drops = drops;
}

static Reg if_end(Fn *f, Label *end, Sink sink) {
  emit_bind(f->emit, end);
  return sink.kind == SINK_VALUE ? sink.reg : (Reg)REG_NONE;
}

Reg gen_if(Fn *f, Expr *e, Sink sink) {
  Label end = LABEL_NEW, past = LABEL_NEW;
  if (sink.kind == SINK_VALUE) sink.reg = sink_reg(f, sink);
  for (;; e = e->otherwise) {
    fn_at(f, e->span);
    Label no = LABEL_NEW;
    Label *leave = sink.kind == SINK_EFFECT ? plain_leave(f, e->then) : NULL;
    gen_branch(f, e->cond, leave != NULL, leave ? leave : &no);
    if (!leave && e->otherwise) gen(f, e->then, sink), emit_jump(f->emit, &end);
    else if (!leave) gen_lone_then(f, e->then, sink);
    if (!e->otherwise && has_drops(f, e, OWN_ELSE)) emit_jump(f->emit, &past);
    emit_bind(f->emit, &no);
    if (!e->otherwise) {
      gen_drops(f, e, OWN_ELSE);
      emit_bind(f->emit, &past);
      gen_unit(f, sink);
      if (sink.kind == SINK_TAIL && fn_reachable(f)) gen_return_unit(f);
      return if_end(f, &end, sink);
    }
    if (e->otherwise->kind != EX_IF || e->otherwise->forwards || has_drops(f, e->otherwise, OWN_END)) {
      gen(f, e->otherwise, sink);
      return if_end(f, &end, sink);
    }
  }
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

// Where a loop goes when it ends by itself: if values end there, that is beside where `break` goes.
Label *loop_done(Fn *f, Expr *e, Loop *loop) { return has_drops(f, e, OWN_ELSE) ? &loop->done : loop->leave; }

void loop_body(Fn *f, Expr *e, Loop *loop, u32 head, void (*step)(Fn *f, Reg reg), Reg reg) {
  f->loop = loop;
  u32 mark = scope_open(f);
  gen(f, e->block, SINK_DROP);
  scope_close(f, mark);
  f->loop = loop->outer;
  emit_bind(f->emit, loop->again);
  if (step && fn_reachable(f)) step(f, reg);
  if (may_suspend(e->block)) emit_clear_dead(f->emit);  // so that the next round waits without what this one left
  emit_loop(f->emit, head);
  emit_bind(f->emit, &loop->done);
  if (label_used(&loop->done)) gen_drops(f, e, OWN_ELSE);
  emit_bind(f->emit, loop->leave);
}

void gen_while(Fn *f, Expr *e) {
  Label leave = LABEL_NEW, again = LABEL_NEW;
  Loop loop = {f->loop, &leave, &again, f->held.count, LABEL_NEW};
  gen_drops(f, e, OWN_ENTRY);
  u32 head = emit_loop_head(f->emit, may_suspend(e));
  gen_branch(f, e->cond, false, loop_done(f, e, &loop));
  loop_body(f, e, &loop, head, NULL, REG_NONE);
}

void step_int(Fn *f, Reg reg) { emit_op(f->emit, OP_ADDI, reg, reg, 1); }

void bind_pattern(Fn *f, Pat *pattern, Reg reg) {
  if (pattern->kind == PAT_NAME) fn_bind(f, pattern->local, reg);
  else gen_destructure(f, pattern, reg, DESTRUCTURE, NULL);
}

// Counts `at`, which is the loop's own, up to `end`; or to `limit` where end is REG_NONE.
static void count_loop(Fn *f, Expr *e, Reg at, Reg end, i64 limit) {
  Label leave = LABEL_NEW, again = LABEL_NEW;
  Loop loop = {f->loop, &leave, &again, f->held.count, LABEL_NEW};
  reg_keep(f->emit, at, REG_LOCAL);
  fn_at(f, e->span);
  gen_drops(f, e, OWN_ENTRY);
  u32 head = emit_loop_head(f->emit, may_suspend(e->block));
  Label *done = loop_done(f, e, &loop);
  if (end == REG_NONE) emit_branch(f->emit, OP_JGEI, at, (u16)limit, done);
  else emit_branch(f->emit, OP_JLE_INT, end, at, done);
  u32 mark = scope_open(f);
  bind_pattern(f, e->pattern, at);
  loop_body(f, e, &loop, head, step_int, at);
  scope_close(f, mark);
  reg_free(f->emit, at);
  reg_release(f->emit, end);
}

// A register of the loop's own with the value of `e`, which the body may not change.
static Reg own_reg(Fn *f, Expr *e, TypeId type) {
  Reg reg = reg_new(f->emit, type);
  return gen(f, e, sink_to(f, reg));
}

static void for_written_range(Fn *f, Expr *e) {
  Gen *g = f->gen;
  Expr *range = e->object;
  Reg at = own_reg(f, range->left, g->t_int), end = REG_NONE;
  i64 limit;
  bool known = const_int(f, range->right, &limit) && limit < INT16_MAX && limit >= INT16_MIN;
  if (known) {
    if (range->inclusive) limit++;
  } else {
    end = gen_value(f, range->right, g->t_int);
    if (range->inclusive || reg_state(f->emit, end) == REG_VAR) {
      reg_release(f->emit, end);
      Reg own = reg_new(f->emit, g->t_int);
      emit_op(f->emit, range->inclusive ? OP_ADDI : OP_MOVE, own, end, range->inclusive);
      end = own;
    }
  }
  count_loop(f, e, at, end, limit);
}

static void for_range(Fn *f, Expr *e) {
  Gen *g = f->gen;
  Reg range = gen_value(f, e->object, gen_type(g, e->object->type));
  Reg both[2] = {reg_new(f->emit, g->t_int), reg_new(f->emit, g->t_int)};
  emit_list(f->emit, OP_UNPACK, range, 0, 0, both, 2);
  reg_release(f->emit, range);
  count_loop(f, e, both[0], both[1], 0);
}

// Over the list in `rest`, which is the loop's own.
static void for_cells(Fn *f, Expr *e, Reg rest) {
  if (!fn_reachable(f)) return;
  Label leave = LABEL_NEW, again = LABEL_NEW;
  Loop loop = {f->loop, &leave, &again, f->held.count, LABEL_NEW};
  reg_keep(f->emit, rest, REG_LOCAL);
  fn_at(f, e->span);
  gen_drops(f, e, OWN_ENTRY);
  u32 head = emit_loop_head(f->emit, may_suspend(e->block));
  Label *done = loop_done(f, e, &loop);
  emit_branch(f->emit, OP_JNIL, rest, 0, done);
  u32 mark = scope_open(f);
  if (e->pattern->kind != PAT_WILD) {
    Reg item = reg_new(f->emit, type_of(f->gen, reg_type(f->emit, rest))->args[0]);
    emit_op(f->emit, OP_HEAD, item, rest, 0);
    emit_op(f->emit, OP_TAIL, rest, rest, 0);
    bind_pattern(f, e->pattern, item);
  } else {
    emit_op(f->emit, OP_TAIL, rest, rest, 0);
  }
  loop_body(f, e, &loop, head, NULL, REG_NONE);
  scope_close(f, mark);
  reg_free(f->emit, rest);
}

static void for_list(Fn *f, Expr *e) {
  TypeId type = gen_type(f->gen, e->object->type);
  Reg list = gen_value(f, e->object, type);
  if (reg_state(f->emit, list) != REG_TEMP) {
    Reg own = reg_new(f->emit, type);
    emit_op(f->emit, OP_MOVE, own, list, 0);
    list = own;
  }
  for_cells(f, e, list);
}

static void for_bytes(Fn *f, Expr *e) {
  Gen *g = f->gen;
  Label leave = LABEL_NEW, again = LABEL_NEW;
  Loop loop = {f->loop, &leave, &again, f->held.count, LABEL_NEW};
  Reg bytes = own_reg(f, e->object, g->t_bytes), at = reg_new(f->emit, g->t_int), end, item;
  reg_keep(f->emit, bytes, REG_LOCAL);
  emit_imm(f->emit, OP_INT, at, 0);
  reg_keep(f->emit, at, REG_LOCAL);
  end = gen_library_call(f, "bytes", "len", 0, &bytes, sink_val(g->t_int));
  gen_drops(f, e, OWN_ENTRY);
  u32 head = emit_loop_head(f->emit, may_suspend(e->block));
  Label *done = loop_done(f, e, &loop);
  emit_branch(f->emit, OP_JLE_INT, end, at, done);
  u32 mark = scope_open(f);
  Reg args[2] = {bytes, at};
  item = gen_library_call(f, "bytes", "at", 0, args, sink_val(g->t_int));
  bind_pattern(f, e->pattern, item);
  loop_body(f, e, &loop, head, step_int, at);
  scope_close(f, mark);
  reg_release(f->emit, end);
  reg_free(f->emit, at);
  reg_free(f->emit, bytes);
}

static void for_library(Fn *f, Expr *e, const char *module, const char *function) {
  TypeId type = gen_type(f->gen, e->object->type);
  Reg args[1] = {gen_value(f, e->object, type)};
  FnDecl *fn = gen_library_fn(f->gen, module, function);
  if (!fn) return;
  TypeListId inst = gen_args_of(f->gen, type);
  u32 index = gen_function(f->gen, fn);  // may make the table grow
  TypeId list = gen_subst(f->gen, f->gen->module->functions.items[index].result, inst);
  for_cells(f, e, gen_library_call(f, module, function, inst, args, sink_val(list)));
}

static bool is_named(const Ty *ty, const char *module, const char *name) {
  return ty->kind == TY_DATA && str_eq(ty->decl->name.name->text, str_from(name)) && ty->decl->home &&
         str_eq(ty->decl->home->name, str_from(module));
}

void gen_for(Fn *f, Expr *e) {
  Ty *ty = ty_resolve(e->object->type);
  if (ty->kind == TY_LIST) for_list(f, e);
  else if (ty->kind == TY_BYTES) for_bytes(f, e);
  else if (ty->kind == TY_ARRAY || ty->kind == TY_BUF) gen_for_array(f, e);
  else if (e->object->kind == EX_RANGE) for_written_range(f, e);
  else if (is_named(ty, "range", "Range")) for_range(f, e);
  else if (is_named(ty, "map", "Map")) for_library(f, e, "map", "items");
  else if (is_named(ty, "set", "Set")) for_library(f, e, "set", "to_list");
  else if (ty->kind == TY_NEVER) gen(f, e->object, SINK_DROP);
  else BUG("a `for` over %.*s", STR_ARG(ty_text(ty)));  // E0228
}

// ---- let and assignment ---------------------------------------------------------------------------------------------

// Whether an Int or Float comes out of `e` as a val.
static bool comes_boxed(const Expr *e) {
  switch ((int)e->kind) {
    case EX_AWAIT: case EX_ELEM: return true;
    case EX_CALL:
      if (e->call == CALL_VALUE) return true;
      return e->call == CALL_FN && !ty_is(e->fn->result_ty, TY_INT) && !ty_is(e->fn->result_ty, TY_FLOAT);
  }
  return false;
}

static void let_name(Fn *f, Expr *e) {
  Gen *g = f->gen;
  Local *local = e->pattern->local;
  LocalInfo *info = local_info(local);
  TypeId type = gen_raw_type(g, local->type);
  bool boxed = local->kind == LOCAL_LET && comes_boxed(e->value) && info->counted == f->emit->serial && info->val_uses;
  Reg reg = gen_value(f, e->value, boxed ? type_boxed(g, type) : type);
  if (fn_reachable(f)) fn_bind(f, local, reg);
}

static bool binds_simply(const Pat *p) {
  if (p->kind != PAT_CTOR) return false;
  for (u32 i = 0; i < p->ctor->fields.count; i++)
    if (p->by_field && p->by_field[i] && p->by_field[i]->kind != PAT_WILD && p->by_field[i]->kind != PAT_NAME) return false;
  return true;
}

// What did not fit is used up too. Its register stays: the other way uses it.
static void drop_failed(Fn *f, Reg reg, Destructure how) {
  if (how == DESTRUCTURE && fn_reachable(f) && reg_is_unique(f, reg)) emit_word(f->emit, OP_DROP, reg, 0, reg_type(f->emit, reg));
}

// Where the pattern does not fit, nothing need be there for its locals, which may have been on the way.
static void clear_looks(Fn *f, Pat *pattern) {
  LocalInfo *info = pat_binds(pattern) && ty_is_unique(pattern->local->type) ? local_info(pattern->local) : NULL;
  if (info && info->serial == f->emit->serial) emit_op(f->emit, OP_CLEAR, info->val, 0, 0);
  for (u32 i = 0; i < pat_part_count(pattern); i++)
    if (pat_part(pattern, i)) clear_looks(f, pat_part(pattern, i));
}

// let Some(x) = e else { … }: with a single test the way on is the jump.
static void let_else(Fn *f, Expr *e, Reg reg, Destructure how) {
  Label ok = LABEL_NEW, fail = LABEL_NEW;
  if (binds_simply(e->pattern)) {
    emit_branch(f->emit, OP_JTAG, reg, e->pattern->ctor->index, &ok);
    drop_failed(f, reg, how);
    gen(f, e->otherwise, SINK_DROP);
    emit_bind(f->emit, &ok);
    gen_destructure(f, e->pattern, reg, how, NULL);
    return;
  }
  gen_destructure(f, e->pattern, reg, how, &fail);
  emit_jump(f->emit, &ok);
  emit_bind(f->emit, &fail);
  drop_failed(f, reg, how);
  if (how == DESTRUCTURE_LENT) clear_looks(f, e->pattern);
  gen(f, e->otherwise, SINK_DROP);
  emit_bind(f->emit, &ok);
}

void gen_let(Fn *f, Expr *e) {
  if (e->pattern->kind == PAT_NAME) {
    let_name(f, e);
    return;
  }
  if (e->pattern->kind == PAT_WILD) {
    gen(f, e->value, SINK_DROP);
    return;
  }
  bool looks = e->looks && ty_is_unique(e->value->type);
  Reg reg = looks ? gen_borrow(f, e->value).reg : gen(f, e->value, sink_val(gen_raw_type(f->gen, e->pattern->type)));
  if (!fn_reachable(f)) return;
  Destructure how = looks ? DESTRUCTURE_LENT : DESTRUCTURE;
  if (e->otherwise) let_else(f, e, reg, how);
  else gen_destructure(f, e->pattern, reg, how, NULL);
}

static void assign_state(Fn *f, Expr *e, Local *local) {
  TypeId type = gen_raw_type(f->gen, local->type);
  Reg value;
  if (e->op == OPERATOR_NONE) {
    value = gen_value(f, e->right, type);
  } else {
    Reg old = fn_read(f, local, sink_val(type));
    value = gen_arith(f, e, e->op, local->type, old, e->right, sink_val(type));
  }
  fn_at(f, e->span);
  if (fn_reachable(f) && type_is_unique(f->gen, type)) {
    Reg old = reg_new(f->emit, type);
    emit_op(f->emit, OP_REPLACE, old, value, local_info(local)->slot);
    reg_drop(f, old);
  } else {
    emit_op(f->emit, OP_SET, value, local_info(local)->slot, 0);
  }
  reg_release(f->emit, value);
}

// The new value is made first: it may be made of the old one, which is dropped then if it is still there.
static void assign_unique(Fn *f, Expr *e, Reg home) {
  bool last = e->right->kind == EX_AWAIT || (e->right->kind == EX_CALL && e->right->call == CALL_FN);  // writes nothing before its end
  if (last && !has_drops(f, e, OWN_ASSIGN)) {
    gen(f, e->right, sink_to(f, home));
    return;
  }
  Reg value = gen_value(f, e->right, reg_type(f->emit, home));
  if (!fn_reachable(f)) return;
  gen_drops(f, e, OWN_ASSIGN);
  if (value != home) emit_op(f->emit, OP_MOVE, home, value, 0);
  reg_release(f->emit, value);
}

void gen_assign(Fn *f, Expr *e) {
  if (e->left->kind != EX_NAME || e->left->ref != REF_LOCAL) {
    gen_assign_index(f, e);
    return;
  }
  Local *local = e->left->local;
  if (local->kind == LOCAL_STATE_VAR) {
    assign_state(f, e, local);
    return;
  }
  LocalInfo *info = local_info(local);
  Sink sink = sink_to(f, info->raw != REG_NONE ? info->raw : info->val);
  if (reg_is_unique(f, sink.reg)) assign_unique(f, e, sink.reg);
  else if (e->op == OPERATOR_NONE) gen(f, e->right, sink);
  else gen_arith(f, e, e->op, local->type, gen_held(f, e->left, sink.type, &e->right, 1), e->right, sink);
}

// ---- try ------------------------------------------------------------------------------------------------------------

u32 ctor_index(Fn *f, TypeId data, Str name) {
  const DataDef *def = &f->gen->module->datas.items[type_of(f->gen, data)->index];
  for (u32 i = 0; i < def->ctor_count; i++)
    if (str_eq(def->ctors[i].name, name)) return i;
  BUG("`%.*s` has no `%.*s`", STR_ARG(def->name), STR_ARG(name));
}

static TypeId payload_type(Fn *f, TypeId data, u32 ctor) {
  const DataDef *def = &f->gen->module->datas.items[type_of(f->gen, data)->index];
  return gen_inside(f->gen, def->ctors[ctor].fields[0].type, data);
}

// Returns what is no Ok or Some, as a value of the function's own result type.
static void return_rest(Fn *f, Expr *e, Reg reg, TypeId type, bool option) {
  if (type == f->result) {
    gen_leave(f, e, 0);
    emit_return(f, reg);
    return;
  }
  Reg out = reg_new(f->emit, f->result);
  if (option) {
    if (type_is_unique(f->gen, type)) emit_word(f->emit, OP_DROP, reg, 0, type);
    emit_op(f->emit, OP_CTOR, out, ctor_index(f, f->result, STR("None")), 0);
  } else {
    u32 err = ctor_index(f, type, STR("Err"));
    Reg why = reg_new(f->emit, payload_type(f, type, err));
    emit_list(f->emit, OP_UNPACK, reg, err, 0, &why, 1);
    emit_list(f->emit, OP_NEW, out, ctor_index(f, f->result, STR("Err")), 0, &why, 1);
    reg_release(f->emit, why);
  }
  gen_leave(f, e, 0);
  emit_return(f, out);
}

Reg gen_try(Fn *f, Expr *e, Sink sink) {
  TypeId type = gen_type(f->gen, e->object->type);
  Reg reg = gen_value(f, e->object, type);
  if (!fn_reachable(f)) return sink_reg(f, sink);
  fn_at(f, e->span);
  bool option = str_eq(f->gen->module->datas.items[type_of(f->gen, type)->index].name, STR("Option"));
  u32 good = ctor_index(f, type, option ? STR("Some") : STR("Ok"));
  Label ok = LABEL_NEW;
  emit_branch(f->emit, OP_JTAG, reg, good, &ok);
  RegState state = reg_state(f->emit, reg);
  reg_keep(f->emit, reg, REG_LOCAL);  // both ways use it
  return_rest(f, e, reg, type, option);
  reg_keep(f->emit, reg, state);
  emit_bind(f->emit, &ok);
  reg_release(f->emit, reg);
  Reg out = value_reg(f, sink, payload_type(f, type, good));
  emit_list(f->emit, OP_UNPACK, reg, good, 0, &out, 1);
  return coerce(f, out, sink);
}

// ---- assert ---------------------------------------------------------------------------------------------------------

static Str source_text(Fn *f, Span span) {
  Str text = f->gen->ast->source->text;
  return (Str){text.ptr + span.start, span.end - span.start};
}

static void crash_with_values(Fn *f, Str what, Reg left, Reg right) {
  Gen *g = f->gen;
  Reg parts[5] = {gen_string(f, str_format("assertion failed: %.*s (left: ", STR_ARG(what)), sink_val(g->t_string))};
  Sink boxed = sink_val(type_boxed(g, reg_type(f->emit, left)));
  parts[1] = gen_show(f, coerce(f, left, boxed), sink_val(g->t_string));
  parts[2] = gen_string(f, STR(", right: "), sink_val(g->t_string));
  parts[3] = gen_show(f, coerce(f, right, boxed), sink_val(g->t_string));
  parts[4] = gen_string(f, STR(")"), sink_val(g->t_string));
  release_all(f, parts, 5);
  Reg text = reg_new(f->emit, g->t_string);
  emit_list(f->emit, OP_CONCAT, text, 0, 0, parts, 5);
  emit_op(f->emit, OP_CRASH, text, 0, 0);
  reg_release(f->emit, text);
}

void gen_assert(Fn *f, Expr *e) {
  Expr *c = e->object;
  Str what = source_text(f, c->span);
  Label ok = LABEL_NEW;
  if (is_comparison(c) && !ty_is_unique(c->left->type)) {
    Ty *ty = ty_resolve(c->left->type);
    TypeId type = gen_raw_type(f->gen, ty);
    Reg left = gen_held(f, c->left, type, &c->right, 1), right = gen_value(f, c->right, type);
    fn_at(f, e->span);
    gen_compare_regs(f, c->op, ty, left, right, true, &ok);
    crash_with_values(f, what, left, right);
  } else {
    gen_branch(f, c, true, &ok);
    fn_at(f, e->span);
    gen_crash_text(f, str_format("assertion failed: %.*s", STR_ARG(what)));
  }
  emit_bind(f->emit, &ok);
}
