// Opening and closing functions, and where their locals live.
//
// Closures, tasks, `when` bodies and wrappers are queued while their surroundings are generated and made afterwards, so
// that one function is under construction at a time and nesting costs no stack.
#include "bytecode/front/gen_fn.h"

enum {
  STATE_WORDS = 1 << 22,  // the verifier keeps a bit for each register at each label, in at most so many words
  NAME_BYTES = 200,       // of a closure's name, which grows with its nesting
};

// ---- Functions ------------------------------------------------------------------------------------------------------

static Fn *fn_open(Gen *gen, u32 index, Body *body, bool long_jumps) {
  Fn *f = gc_new(Fn);
  const Function *function = &gen->module->functions.items[index];
  *f = (Fn){.gen = gen, .body = body, .function = index, .actor = function->actor, .result = function->result};
  f->emit = &gen->emit;
  f->scope = gen->scope;
  f->scope.count = 0;
  emit_start(f->emit, gen->module, &gen->free_lists, ++gen->serial, long_jumps);
  for (u32 i = 0; i < function->param_count; i++) {
    Reg reg = reg_new(f->emit, function->registers[i]);
    reg_keep(f->emit, reg, REG_LOCAL);
    bool lent = function->lent && function->lent[i];
    if (lent || (function->kind == FUNCTION_GUARD && reg_is_unique(f, reg))) reg_lend_param(f->emit, reg);
  }
  f->has_state = function->actor != IMPORT_NONE;
  f->identity = gen_identity(gen, function->generics.count);
  return f;
}

void fn_make(Gen *gen, u32 function, Body *body, MakeCode make, void *decl, Span span) {
  if (gen->type_refused) return;
  for (bool long_jumps = false;; long_jumps = true) {
    Fn *f = fn_open(gen, function, body, long_jumps);
    fn_at(f, span);
    make(f, decl);
    if (f->emit->overflow && !long_jumps) continue;
    if (gen->type_refused) return;
    if (f->emit->code.count > LIMIT_FUNCTION_WORDS) f->emit->exhausted = true;
    if ((u64)f->emit->labels * (f->emit->regs.count / 64 + 6) > STATE_WORDS) f->emit->exhausted = true;
    Function *entry = &gen->module->functions.items[function];
    if (f->emit->exhausted)
      gen_limit(gen, DIAG_E0511, span, "`%.*s` is too large: it holds too many values at once, or too many instructions",
                STR_ARG(entry->name));
    else if (f->emit->reachable && !gen->diags->errors)
      BUG("code of %.*s runs off its end", STR_ARG(entry->name));
    emit_finish(f->emit, entry);
    gen->scope = f->scope;
    entry->effects |= f->emit->effects | (body ? body->effects : 0);
    return;
  }
}

bool fn_reachable(const Fn *f) { return f->emit->reachable; }

void fn_at(Fn *f, Span span) {
  Gen *gen = f->gen;
  Source *source = gen->ast->source;
  if (span.start - gen->line_start < gen->line_end - gen->line_start) {
    f->emit->line = gen->line;
    return;
  }
  if (!source->lines.count) source_line_col(source, 0);
  u32 low = 0, high = source->lines.count;
  while (high - low > 1) {
    u32 middle = low + (high - low) / 2;
    if (source->lines.items[middle] <= span.start) low = middle;
    else high = middle;
  }
  gen->line_start = source->lines.items[low];
  gen->line_end = low + 1 < source->lines.count ? source->lines.items[low + 1] : UINT32_MAX;
  f->emit->line = gen->line = low + 1;
}

TypeListId inst_list(Fn *f, Ty **inst, u32 count) {
  if (!count) return 0;
  TypeId *items = gc_array(TypeId, count);
  for (u32 i = 0; i < count; i++) items[i] = gen_type(f->gen, inst[i]);
  return module_typelist(f->gen->module, count, items);
}

// ---- Sinks ----------------------------------------------------------------------------------------------------------

Sink sink_val(TypeId type) { return (Sink){SINK_VALUE, type, REG_NONE}; }

Sink sink_to(Fn *f, Reg reg) { return (Sink){SINK_VALUE, reg_type(f->emit, reg), reg}; }

Reg sink_reg(Fn *f, Sink sink) { return sink.reg != REG_NONE ? sink.reg : reg_new(f->emit, sink.type); }

Reg value_reg(Fn *f, Sink sink, TypeId type) {
  return sink.reg != REG_NONE && sink.type == type ? sink.reg : reg_new(f->emit, type);
}

static Op conversion(Fn *f, TypeId from, TypeId to) {
  Gen *gen = f->gen;
  if (from == to) return OP_MOVE;
  if (from == gen->t_int && to == gen->t_vint) return OP_BOX_INT;
  if (from == gen->t_vint && to == gen->t_int) return OP_UNBOX_INT;
  if (from == gen->t_float && to == gen->t_vfloat) return OP_BOX_FLOAT;
  if (from == gen->t_vfloat && to == gen->t_float) return OP_UNBOX_FLOAT;
  if (!fn_reachable(f)) return OP_MOVE;
  Text text = {0};
  module_print_type(gen->module, from, &text);
  text_add(&text, STR(" as "));
  module_print_type(gen->module, to, &text);
  BUG("line %u of %.*s: a value of type %.*s", f->emit->line, STR_ARG(gen->ast->name), STR_ARG(text_str(&text)));
}

Reg coerce(Fn *f, Reg reg, Sink sink) {
  TypeId type = reg_type(f->emit, reg);
  if (reg == sink.reg || (sink.reg == REG_NONE && type == sink.type)) return reg;
  Op op = conversion(f, type, sink.type);
  reg_release(f->emit, reg);
  Reg out = sink_reg(f, sink);
  emit_op(f->emit, op, out, reg, 0);
  return out;
}

// ---- Locals ---------------------------------------------------------------------------------------------------------

LocalInfo *local_info(Local *local) {
  if (!local->gen) {
    LocalInfo *info = gc_new(LocalInfo);
    info->slot = local->slot;
    info->raw = info->val = REG_NONE;
    local->gen = info;
  }
  return local->gen;
}

bool is_state(const Local *local) {
  return local->kind == LOCAL_STATE_PARAM || local->kind == LOCAL_STATE_LET || local->kind == LOCAL_STATE_VAR;
}

u32 scope_open(Fn *f) { return f->scope.count; }

void scope_close(Fn *f, u32 mark) {
  while (f->scope.count > mark) {
    ScopeItem item = f->scope.items[--f->scope.count];
    emit_name_until(f->emit, item.name);
    if (item.reg != REG_NONE) reg_free(f->emit, item.reg);
  }
}

// Puts the local into scope with `reg` as its home, which it takes over if that was a temporary.
static void settle(Fn *f, Local *local, Reg reg, RegState state) {
  bool owned = reg_state(f->emit, reg) == REG_TEMP;
  if (owned) reg_keep(f->emit, reg, state);
  u32 name = emit_name_from(f->emit, local->name->text, reg);
  vec_push(&f->scope, ((ScopeItem){owned ? reg : (Reg)REG_NONE, name}));
}

static void bind_var(Fn *f, Local *local, LocalInfo *info, Reg reg) {
  TypeId type = gen_raw_type(f->gen, local->type);
  if (reg_state(f->emit, reg) != REG_TEMP || reg_type(f->emit, reg) != type) {
    Reg own = reg_new(f->emit, type);
    reg = coerce(f, reg, sink_to(f, own));
  }
  *(type == type_boxed(f->gen, type) ? &info->val : &info->raw) = reg;
  settle(f, local, reg, REG_VAR);
}

// An Int or Float that arrives as a val is unboxed once if arithmetic needs it, and stays at hand as a val if somebody
// wants that.
static void bind_boxed_number(Fn *f, Local *local, LocalInfo *info, Reg reg) {
  bool used = info->counted == f->emit->serial;
  bool want_raw = used && info->raw_uses, want_val = used && info->val_uses;
  if (!want_raw || want_val || reg_state(f->emit, reg) != REG_TEMP) {
    info->val = reg;
    if (!want_raw || reg_state(f->emit, reg) == REG_TEMP) settle(f, local, reg, REG_LOCAL);
  }
  if (!want_raw) return;
  Reg raw = reg_new(f->emit, gen_raw_type(f->gen, local->type));
  emit_op(f->emit, reg_type(f->emit, raw) == f->gen->t_int ? OP_UNBOX_INT : OP_UNBOX_FLOAT, raw, reg, 0);
  info->raw = raw;
  settle(f, local, raw, REG_LOCAL);
  reg_release(f->emit, reg);
}

// In the init function: stores a field's first value, which stands in the register that the local was bound to.
static void set_field(Fn *f, Local *local, Reg reg) {
  TypeId type = gen_raw_type(f->gen, local->type);
  Reg value = coerce(f, reg, sink_val(type));
  emit_op(f->emit, OP_SET, value, local_info(local)->slot, 0);
  reg_release(f->emit, value);
}

// A unique value lives in its field alone.
static bool bind_unique_field(Fn *f, Local *local, LocalInfo *info, Reg reg) {
  if (!is_state(local) || info->elided || !reg_is_unique(f, reg)) return false;
  info->serial = 0;
  set_field(f, local, reg);
  return true;
}

static void bind_let(Fn *f, Local *local, LocalInfo *info, Reg reg) {
  bool number = ty_is(local->type, TY_INT) || ty_is(local->type, TY_FLOAT);
  if (reg_state(f->emit, reg) == REG_VAR) reg = hold(f, reg);
  if (number && reg_type(f->emit, reg) == type_boxed(f->gen, reg_type(f->emit, reg))) {
    bind_boxed_number(f, local, info, reg);
    return;
  }
  *(number ? &info->raw : &info->val) = reg;
  settle(f, local, reg, REG_LOCAL);
}

void fn_bind(Fn *f, Local *local, Reg reg) {
  LocalInfo *info = local_info(local);
  if (local->kind == LOCAL_STATE_VAR) {
    set_field(f, local, reg);
    return;
  }
  if (bind_unique_field(f, local, info, reg)) return;
  info->serial = f->emit->serial;
  info->raw = info->val = REG_NONE;
  bool field = is_state(local) && !info->elided;
  if (field) count_use(local, true, f->emit->serial);  // the field holds an Int or Float raw
  if (local->kind == LOCAL_VAR) bind_var(f, local, info, reg);
  else bind_let(f, local, info, reg);
  if (field) set_field(f, local, info->raw != REG_NONE ? info->raw : info->val);
}

Reg fn_var(Fn *f, Local *local) {
  LocalInfo *info = local_info(local);
  TypeId type = gen_raw_type(f->gen, local->type);
  Reg reg = reg_new(f->emit, type);
  info->serial = f->emit->serial;
  info->raw = info->val = REG_NONE;
  *(type == type_boxed(f->gen, type) ? &info->val : &info->raw) = reg;
  settle(f, local, reg, local->kind == LOCAL_VAR ? REG_VAR : REG_LOCAL);
  return reg;
}

void fn_var_written(Fn *f, Local *local) {
  LocalInfo *info = local_info(local);
  if (!is_state(local) || info->elided) return;
  bool moved = reg_is_unique(f, info->val);
  set_field(f, local, info->raw != REG_NONE ? info->raw : info->val);
  if (local->kind == LOCAL_STATE_VAR || moved) info->serial = 0;  // from now on it is read from the state
}

Reg fn_read(Fn *f, Local *local, Sink sink) {
  LocalInfo *info = local_info(local);
  if (info->serial == f->emit->serial) {
    bool raw = sink.type != type_boxed(f->gen, sink.type);
    Reg reg = raw ? info->raw : info->val;
    if (reg == REG_NONE) reg = raw ? info->val : info->raw;
    return coerce(f, reg, sink);
  }
  if (!is_state(local) || !f->has_state)
    BUG("`%.*s` has no place in %.*s", STR_ARG(local->name->text), STR_ARG(f->gen->ast->name));
  Reg reg = value_reg(f, sink, gen_raw_type(f->gen, local->type));
  emit_op(f->emit, OP_GET, reg, info->slot, 0);
  return coerce(f, reg, sink);
}

void fn_bind_params(Fn *f, Params *params) {
  for (u32 i = 0; i < params->count; i++) {
    Pat *pattern = params->items[i].pattern;
    bool stays = params->items[i].lent || f->lends_params;
    if (pattern->kind == PAT_NAME) fn_bind(f, pattern->local, i);
    else gen_destructure(f, pattern, i, stays ? DESTRUCTURE_LENT : DESTRUCTURE, NULL);
  }
}

// ---- Closures, tasks and `when` bodies ------------------------------------------------------------------------------

bool when_has_state(const Body *body) {
  while (body->kind == BODY_WHEN && body->outer) body = body->outer;
  return body->actor &&
         (body->kind == BODY_HANDLER || body->kind == BODY_HELPER || body->kind == BODY_INIT || body->kind == BODY_GUARD);
}

// A body of the actor itself reaches state directly; others are given its constant part by value.
static bool captured(const Body *body, const Local *local) {
  return !(is_state(local) && body->kind == BODY_WHEN && when_has_state(body));
}

static bool captures_self(const Body *body) {
  return body->captures_self && body->actor && !(body->kind == BODY_WHEN && when_has_state(body));
}

Reg find_self(const Fn *f, TypeId type) {
  for (u32 i = 0; i < f->selves.count; i++)
    if (f->selves.items[i].type == type) return f->selves.items[i].reg;
  return REG_NONE;
}

static void add_self(SelfRefs *selves, TypeId type) {
  for (u32 i = 0; i < selves->count; i++)
    if (selves->items[i].type == type) return;
  vec_push(selves, ((SelfRef){type, REG_NONE}));
}

static void push_inside(Expr *e, Children *stack) {
  if (e->kind != EX_WHEN && e->block) vec_push(stack, ((Child){e->block, ROLE_VAL}));
  for (u32 i = 0; e->kind == EX_WHEN && i < e->arms.count; i++) {
    if (e->arms.items[i].guard) vec_push(stack, ((Child){e->arms.items[i].guard, ROLE_RAW}));
    vec_push(stack, ((Child){e->arms.items[i].value, ROLE_VAL}));
  }
}

// The interfaces as which a closure, task or `when` body names `self`, in bodies inside it too.
static SelfRefs selves_of(Gen *gen, Expr *e) {
  SelfRefs selves = {0};
  Children stack = {0};
  if (captures_self(e->body)) push_inside(e, &stack);
  while (stack.count) {
    Expr *at = stack.items[--stack.count].expr;
    if (at->kind == EX_SELF) add_self(&selves, gen_type(gen, at->interface ? at->interface : at->type));
    if (at->kind == EX_FN || at->kind == EX_TASK || at->kind == EX_WHEN) push_inside(at, &stack);
    expr_children(at, &stack);
  }
  return selves;
}

void capture_list(Fn *f, Expr *e, Reg **regs, u32 *count) {
  Body *body = e->body;
  SelfRefs selves = selves_of(f->gen, e);
  Reg *list = gc_array(Reg, body->captures.count + selves.count);
  u32 n = 0;
  for (u32 i = 0; i < body->captures.count; i++) {
    Local *local = body->captures.items[i];
    if (captured(body, local)) list[n++] = fn_read(f, local, sink_val(gen_type(f->gen, local->type)));
  }
  for (u32 i = 0; i < selves.count; i++) {
    Reg reg = find_self(f, selves.items[i].type);
    if (reg == REG_NONE) {
      reg = reg_new(f->emit, selves.items[i].type);
      emit_word(f->emit, OP_SELF, reg, 0, selves.items[i].type);
    }
    list[n++] = reg;
  }
  *regs = list;
  *count = n;
}

static u32 add_params(Gen *gen, Expr *e, TypeId *types) {
  u32 count = 0;
  if (e->kind == EX_FN)
    for (u32 i = 0; i < e->params.count; i++) types[count++] = gen_type(gen, e->params.items[i].ty);
  if (e->kind == EX_WHEN) types[count++] = gen_type(gen, e->arms.items[0].pattern->type);
  return count;
}

u32 body_function(Fn *f, Expr *e, FunctionKind kind, const char *suffix) {
  Gen *gen = f->gen;
  Body *body = e->body;
  if (body->gen) return (u32)(uintptr_t)body->gen - 1;
  SelfRefs selves = selves_of(gen, e);
  u32 most = (e->kind == EX_FN ? e->params.count : 1) + body->captures.count + selves.count;
  TypeId *types = gc_array(TypeId, most);
  u32 params = add_params(gen, e, types), count = params;
  for (u32 i = 0; i < body->captures.count; i++)
    if (captured(body, body->captures.items[i])) types[count++] = gen_type(gen, body->captures.items[i]->type);
  for (u32 i = 0; i < selves.count; i++) types[count++] = selves.items[i].type;
  bool fits = count <= LIMIT_PARAMS;
  if (!fits) gen_limit(gen, DIAG_E0514, e->span, "this closure has more than 255 parameters and captured values");
  const Function *outer = &gen->module->functions.items[f->function];
  bool own = kind == FUNCTION_WHEN && when_has_state(body);
  Str name = outer->name.len > NAME_BYTES ? outer->name : str_format("%.*s.%s", STR_ARG(outer->name), suffix);
  Function made = {.name = name, .kind = kind, .import = IMPORT_NONE,
                   .actor = own ? f->actor : (u32)IMPORT_NONE, .generics = outer->generics, .param_count = count,
                   .capture_count = count - params, .result = gen_type(gen, body->result), .effects = body->effects,
                   .register_count = count, .registers = types};
  vec_push(&gen->module->functions, made);
  u32 index = gen->module->functions.count - 1;
  body->gen = (void *)(uintptr_t)(index + 1);
  if (fits) vec_push(&gen->pending, ((Pending){.kind = PENDING_BODY, .function = index, .expr = e}));
  return index;
}

static void count_body(Fn *f, Expr *e) {
  u32 serial = f->emit->serial;
  if (e->kind != EX_WHEN && e->block) count_uses(f->gen, e->block, false, serial);
  for (u32 i = 0; e->kind == EX_WHEN && i < e->arms.count; i++) {
    count_uses(f->gen, e->arms.items[i].guard, true, serial);
    count_uses(f->gen, e->arms.items[i].value, false, serial);
  }
}

static void bind_captures(Fn *f, Expr *e, u32 at) {
  Body *body = e->body;
  for (u32 i = 0; i < body->captures.count; i++) {
    Local *local = body->captures.items[i];
    if (!captured(body, local)) continue;
    LocalInfo *info = local_info(local);
    info->serial = f->emit->serial;
    info->raw = info->val = REG_NONE;
    if (ty_is(local->type, TY_INT) || ty_is(local->type, TY_FLOAT)) bind_boxed_number(f, local, info, at++);
    else {
      info->val = at;
      settle(f, local, at++, REG_LOCAL);
    }
  }
  f->selves = selves_of(f->gen, e);
  for (u32 i = 0; i < f->selves.count; i++) f->selves.items[i].reg = at++;
}

static void make_body(Fn *f, void *decl) {
  Expr *e = decl;
  count_body(f, e);
  u32 params = e->kind == EX_FN ? e->params.count : e->kind == EX_WHEN;
  Tail captures = {NULL, e, OWN_END};
  bind_captures(f, e, params);
  if (e->kind == EX_FN) fn_bind_params(f, &e->params);
  if (e->kind == EX_WHEN) f->tail = &captures;
  if (e->kind == EX_WHEN) gen_match_reg(f, e, 0, SINK_RETURN);
  else gen(f, e->block, SINK_RETURN);
}

// ---- Functions and constructors as values ---------------------------------------------------------------------------

static u32 add_wrapper(Gen *gen, PendingKind kind, void *decl, Function made) {
  made.kind = FUNCTION_CLOSURE;
  made.import = made.actor = IMPORT_NONE;
  vec_push(&gen->module->functions, made);
  u32 index = gen->module->functions.count - 1;
  map_put(&gen->wrappers, decl, (void *)(uintptr_t)(index + 1));
  vec_push(&gen->pending, ((Pending){.kind = kind, .function = index, .fn = kind == PENDING_WRAP_FN ? decl : NULL,
                                     .ctor = kind == PENDING_WRAP_CTOR ? decl : NULL}));
  return index;
}

u32 wrap_fn(Gen *gen, FnDecl *fn) {
  uintptr_t known = (uintptr_t)map_get(&gen->wrappers, fn);
  if (known) return (u32)(known - 1);
  u32 index = gen_function(gen, fn);  // may make the table grow
  Function target = gen->module->functions.items[index];
  TypeId *types = gc_array(TypeId, target.param_count);
  for (u32 i = 0; i < target.param_count; i++) types[i] = type_boxed(gen, target.registers[i]);
  return add_wrapper(gen, PENDING_WRAP_FN, fn,
                     (Function){.name = str_format("%.*s.fn", STR_ARG(target.name)), .generics = target.generics,
                                .param_count = target.param_count, .result = type_boxed(gen, target.result),
                                .effects = target.effects, .register_count = target.param_count, .registers = types});
}

u32 wrap_ctor(Gen *gen, CtorDecl *ctor) {
  uintptr_t known = (uintptr_t)map_get(&gen->wrappers, ctor);
  if (known) return (u32)(known - 1);
  u32 data = gen_data(gen, ctor->owner), count = ctor->fields.count;
  DataDef def = gen->module->datas.items[data];
  TypeId *types = gc_array(TypeId, count);
  for (u32 i = 0; i < count; i++) types[i] = type_boxed(gen, def.ctors[ctor->index].fields[i].type);
  TypeListId identity = gen_identity(gen, def.generics.count);
  TypeId result =
      module_type(gen->module, TYPE_DATA, data, def.generics.count, gen->module->typelists.items[identity].items);
  return add_wrapper(gen, PENDING_WRAP_CTOR, ctor,
                     (Function){.name = str_format("%.*s.fn", STR_ARG(ctor->name.name->text)),
                                .generics = gen_generics(def.generics.count, NULL),
                                .param_count = count,
                                .result = result,
                                .register_count = count,
                                .registers = types});
}

static void wrapper_args(Fn *f, u32 count, const TypeId *types, Reg *args) {
  for (u32 i = 0; i < count; i++) args[i] = coerce(f, i, sink_val(types[i]));
}

static void make_wrap_fn(Fn *f, void *decl) {
  u32 index = gen_function(f->gen, decl);
  Function target = f->gen->module->functions.items[index];
  Reg args[LIMIT_PARAMS + 1];
  wrapper_args(f, target.param_count, target.registers, args);
  u64 word = index | (u64)f->identity << 32;
  f->emit->effects |= target.effects;
  if (target.result == f->result) {
    emit_call(f->emit, OP_TAILCALL, 0, 0, word, args, target.param_count);
    return;
  }
  Reg out = reg_new(f->emit, target.result);
  emit_call(f->emit, OP_CALL, out, 0, word, args, target.param_count);
  gen_return(f, coerce(f, out, sink_val(f->result)));
}

static void make_wrap_ctor(Fn *f, void *decl) {
  CtorDecl *ctor = decl;
  u32 index = gen_data(f->gen, ctor->owner);  // may make the table grow
  DataDef def = f->gen->module->datas.items[index];
  u32 count = ctor->fields.count;
  TypeId types[LIMIT_PARAMS + 1];
  Reg args[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < count; i++) types[i] = def.ctors[ctor->index].fields[i].type;
  wrapper_args(f, count, types, args);
  Reg out = reg_new(f->emit, f->result);
  emit_list(f->emit, OP_NEW, out, ctor->index, 0, args, count);
  gen_return(f, out);
}

void gen_pending(Gen *gen) {
  for (u32 at = 0; at < gen->pending.count; at++) {
    Pending p = gen->pending.items[at];
    switch (p.kind) {
      case PENDING_BODY: fn_make(gen, p.function, p.expr->body, make_body, p.expr, p.expr->span); break;
      case PENDING_WRAP_FN: fn_make(gen, p.function, NULL, make_wrap_fn, p.fn, p.fn->name.span); break;
      case PENDING_WRAP_CTOR: fn_make(gen, p.function, NULL, make_wrap_ctor, p.ctor, p.ctor->name.span); break;
    }
  }
  gen->pending.count = 0;
}
