// Actors: their fields, the init function, handlers, guards, and which handler answers which method.
#include "bytecode/front/gen_fn.h"

// ---- Fields ---------------------------------------------------------------------------------------------------------

static void keep_field(Local *local) {
  if (is_state(local)) local_info(local)->elided = false;
}

static void push_arms(Expr *e, Children *stack) {
  for (u32 i = 0; i < e->arms.count; i++) {
    if (e->arms.items[i].guard) vec_push(stack, ((Child){e->arms.items[i].guard, ROLE_RAW}));
    vec_push(stack, ((Child){e->arms.items[i].value, ROLE_RAW}));
  }
}

// Marks the fields that code outside the initialisers reads. In an initialiser itself (`start`), only what it leaves
// behind counts: `when` bodies.
static void mark_fields(Expr *root, bool start) {
  Children stack = {0};
  if (root) vec_push(&stack, ((Child){root, ROLE_RAW}));
  while (stack.count) {
    Expr *e = stack.items[--stack.count].expr;
    if (e->kind == EX_NAME && e->ref == REF_LOCAL && !start) keep_field(e->local);
    if (e->kind == EX_ASSIGN && e->left->kind == EX_NAME && e->left->ref == REF_LOCAL) keep_field(e->left->local);
    if (e->kind == EX_WHEN || e->kind == EX_FN || e->kind == EX_TASK) {
      for (u32 i = 0; !start && i < e->body->captures.count; i++) keep_field(e->body->captures.items[i]);
      if (e->kind != EX_WHEN && e->block) vec_push(&stack, ((Child){e->block, ROLE_RAW}));
      if (e->kind == EX_WHEN && !start) push_arms(e, &stack);
      for (u32 i = 0; e->kind == EX_WHEN && start && i < e->arms.count; i++) {
        mark_fields(e->arms.items[i].guard, false);
        mark_fields(e->arms.items[i].value, false);
      }
    }
    expr_children(e, &stack);
  }
}

// An actor's parameters and `let` members that only its initialisers read need no room in the actor. But a unique value that they
// have not moved lives as long as the actor: its end may be noticed.
static void choose_fields(ActorDecl *actor) {
  for (u32 i = 0; i < actor->fields.count; i++) {
    Local *local = actor->fields.items[i];
    bool lives = ty_is_unique(local->type) && !local->moved_in_init;
    local_info(local)->elided = local->kind != LOCAL_STATE_VAR && !lives;
  }
  for (u32 i = 0; i < actor->handlers.count; i++) {
    mark_fields(actor->handlers.items[i]->block, false);
    mark_fields(actor->handlers.items[i]->guard, false);
  }
  for (u32 i = 0; i < actor->helpers.count; i++) mark_fields(actor->helpers.items[i]->block, false);
  for (u32 i = 0; i < actor->state.count; i++) mark_fields(actor->state.items[i].value, true);
}

static void add_fields(Gen *gen, ActorDecl *actor, ActorDef *def) {
  StateField *fields = gc_array(StateField, actor->fields.count);
  u32 count = 0;
  for (u32 i = 0; i < actor->fields.count; i++) {
    Local *local = actor->fields.items[i];
    LocalInfo *info = local_info(local);
    if (info->elided) continue;
    info->slot = count;
    fields[count++] = (StateField){local->name->text, gen_raw_type(gen, local->type), local->kind == LOCAL_STATE_VAR};
  }
  if (count > LIMIT_PARAMS)
    gen_limit(gen, DIAG_E0514, actor->name.span, "`%.*s` has more than 255 state fields", STR_ARG(actor->name.name->text));
  def->fields = fields;
  def->field_count = count;
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static u32 add_function(Gen *gen, ActorDecl *actor, Params *params, Ty **types, Function made) {
  u32 count = params->count;
  TypeId *registers = gc_array(TypeId, count);
  Str *names = gc_array(Str, count);
  for (u32 i = 0; i < count; i++) {
    registers[i] = gen_type(gen, types ? types[i] : params->items[i].ty);
    names[i] = param_name(params->items[i].pattern);
  }
  made.import = IMPORT_NONE;
  made.actor = gen_actor(gen, actor);
  made.generics = gen_generics(actor->generic_count, actor->constraints);
  made.param_count = made.register_count = count;
  made.registers = registers;
  made.param_names = names;
  vec_push(&gen->module->functions, made);
  return gen->module->functions.count - 1;
}

static void make_init(Fn *f, void *decl) {
  ActorDecl *actor = decl;
  for (u32 i = 0; i < actor->state.count; i++) count_uses(f->gen, actor->state.items[i].value, true, f->emit->serial);
  fn_bind_params(f, &actor->params);
  for (u32 i = 0; i < actor->state.count && fn_reachable(f); i++) {
    StateMember *member = &actor->state.items[i];
    Pat *pattern = member->pattern;
    if (pattern->kind == PAT_WILD) {
      gen(f, member->value, SINK_DROP);
      continue;
    }
    Reg value = gen_value(f, member->value, gen_raw_type(f->gen, pattern->type));
    if (!fn_reachable(f)) break;
    if (pattern->kind == PAT_NAME) fn_bind(f, pattern->local, value);
    else gen_destructure(f, pattern, value, DESTRUCTURE, NULL);
  }
  if (fn_reachable(f)) gen_return_unit(f);
}

static void make_handler(Fn *f, void *decl) {
  HandlerDecl *handler = decl;
  f->drops = !handler->answer_ty;
  count_uses(f->gen, handler->block, false, f->emit->serial);
  fn_bind_params(f, &handler->params);
  gen(f, handler->block, SINK_RETURN);
}

typedef VEC(Local *) Locals;

static void bound_locals(Pat *pattern, Locals *out) {
  switch (pattern->kind) {
    case PAT_NAME: vec_push(out, pattern->local); break;
    case PAT_AT:
      vec_push(out, pattern->local);
      bound_locals(pattern->items.items[0], out);
      break;
    case PAT_TUPLE: case PAT_LIST:
      for (u32 i = 0; i < pattern->items.count; i++) bound_locals(pattern->items.items[i], out);
      if (pattern->rest) bound_locals(pattern->rest, out);
      break;
    case PAT_CTOR:
      for (u32 i = 0; pattern->by_field && i < pattern->ctor->fields.count; i++)
        if (pattern->by_field[i]) bound_locals(pattern->by_field[i], out);
      break;
    case PAT_OR: bound_locals(pattern->items.items[0], out); break;
    case PAT_WILD:
    case PAT_INT:
    case PAT_FLOAT:
    case PAT_DURATION:
    case PAT_STRING:
    case PAT_BYTES:
    case PAT_BOOL:
    case PAT_RANGE: break;
  }
}

static Local *named(HandlerDecl *handler, const Name *name) {
  for (u32 i = handler->guard_params.count; i-- > 0;)
    if (handler->guard_params.items[i]->name == name) return handler->guard_params.items[i];
  return NULL;
}

// The guard sees the parameters under locals of its own: they live where the handler's patterns bind.
static void make_guard(Fn *f, void *decl) {
  HandlerDecl *handler = decl;
  f->keeps_frame = f->lends_params = true;
  count_uses(f->gen, handler->guard, true, f->emit->serial);
  Locals locals = {0};
  for (u32 i = 0; i < handler->params.count; i++) bound_locals(handler->params.items[i].pattern, &locals);
  for (u32 i = 0; i < locals.count; i++) {
    Local *seen = named(handler, locals.items[i]->name);
    if (!seen || seen == locals.items[i]) continue;
    *local_info(locals.items[i]) = *local_info(seen);
  }
  fn_bind_params(f, &handler->params);
  for (u32 i = 0; i < locals.count; i++) {
    Local *seen = named(handler, locals.items[i]->name);
    if (seen && seen != locals.items[i]) *local_info(seen) = *local_info(locals.items[i]);
  }
  gen(f, handler->guard, SINK_RETURN);
}

static Str handler_name(ActorDecl *actor, HandlerDecl *handler, const char *suffix) {
  Text text = {0};
  text_add(&text, actor->name.name->text);
  if (handler->qualifier.name) text_printf(&text, ".%.*s", STR_ARG(handler->qualifier.name->text));
  text_printf(&text, ".%.*s%s", STR_ARG(handler->name.name->text), suffix);
  return text_str(&text);
}

static Handler add_handler(Gen *gen, ActorDecl *actor, HandlerDecl *handler) {
  Handler out = {handler->name.name->text, IMPORT_NONE, IMPORT_NONE};
  TypeId answer = handler->answer_ty ? gen_type(gen, handler->answer_ty) : gen->t_unit;
  out.function =
      add_function(gen, actor, &handler->params, handler->param_tys,
                   (Function){.name = handler_name(actor, handler, ""), .kind = FUNCTION_HANDLER, .result = answer});
  if (handler->guard)
    out.guard = add_function(
        gen, actor, &handler->params, handler->param_tys,
        (Function){.name = handler_name(actor, handler, ".when"), .kind = FUNCTION_GUARD, .result = gen->t_bool});
  return out;
}

// ---- Methods and handlers -------------------------------------------------------------------------------------------

static bool implements(const HandlerDecl *handler, const MethodSig *sig) {
  for (u32 i = 0; i < handler->methods.count; i++)
    if (handler->methods.items[i] == sig) return true;
  return false;
}

static u32 handler_for(ActorDecl *actor, InterfaceDecl *interface, const MethodSig *sig) {
  u32 by_name = 0;
  for (u32 i = 0; i < actor->handlers.count; i++) {
    HandlerDecl *handler = actor->handlers.items[i];
    if (implements(handler, sig)) return i;
    if (handler->name.name != sig->name) continue;
    if (!handler->qualifier.name || handler->qualifier.name == interface->name.name) by_name = i;
  }
  return by_name;
}

static void add_implements(Gen *gen, ActorDecl *actor, ActorDef *def) {
  Implements *list = gc_array(Implements, actor->interfaces.count);
  for (u32 i = 0; i < actor->interfaces.count; i++) {
    InterfaceDecl *interface = ty_resolve(actor->interfaces.items[i])->interface;
    u32 *table = gc_array(u32, interface->methods.count);
    for (u32 k = 0; k < interface->methods.count; k++) table[k] = handler_for(actor, interface, interface->methods.items[k]);
    list[i] = (Implements){gen_type(gen, actor->interfaces.items[i]), table};
  }
  def->implements = list;
  def->implements_count = actor->interfaces.count;
}

// `on dropped()` of an actor with sessions, where no method is called so.
static bool hears_of_drops(const ActorDecl *actor, const HandlerDecl *handler) {
  bool named = str_eq(handler->name.name->text, STR("dropped")) && !handler->params.count && !handler->methods.count;
  for (u32 i = 0; named && i < actor->interfaces.count; i++)
    if (ty_resolve(actor->interfaces.items[i])->interface->is_unique) return true;
  return false;
}

void gen_actor_functions(Gen *gen, ActorDecl *actor) {
  u32 index = gen_actor(gen, actor), count = actor->handlers.count;
  ActorDef def = gen->module->actors.items[index];
  choose_fields(actor);
  add_fields(gen, actor, &def);
  add_implements(gen, actor, &def);
  Str name = str_format("%.*s.init", STR_ARG(actor->name.name->text));
  def.init =
      add_function(gen, actor, &actor->params, NULL, (Function){.name = name, .kind = FUNCTION_INIT, .result = gen->t_unit});
  Handler *handlers = gc_array(Handler, count);
  for (u32 i = 0; i < count; i++) handlers[i] = add_handler(gen, actor, actor->handlers.items[i]);
  for (u32 i = 0; i < count; i++)
    if (hears_of_drops(actor, actor->handlers.items[i])) def.dropped = i;
  def.handlers = handlers;
  def.handler_count = count;
  gen->module->actors.items[index] = def;
  if (gen->diags->errors) return;
  fn_make(gen, def.init, actor->init_body, make_init, actor, actor->span);
  for (u32 i = 0; i < count; i++) {
    HandlerDecl *handler = actor->handlers.items[i];
    fn_make(gen, handlers[i].function, handler->body, make_handler, handler, handler->span);
    if (handler->guard) fn_make(gen, handlers[i].guard, handler->guard_body, make_guard, handler, handler->guard->span);
  }
}
