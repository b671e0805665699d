// Actors: their parameters and state, which handler implements which method, and the bodies of it all, inferred as one
// group over the actor's own type parameters. None of their types may be left open.
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"

// ---- Signatures -----------------------------------------------------------------------------------------------------

static Ty *typed_param(Checker *c, Param *param, const char *of) {
  if (param->type) return param->ty = check_type(c, param->type);
  if (param->pattern) {
    Diag *diag = check_error(c, DIAG_E0010, param->pattern->span, "a parameter of %s carries its type", of);
    diag_hint(diag, "write `name: Type`");
  }
  return param->ty = ty_basic(TY_ERROR);
}

// Without `is`, each handler declares the method that it implements.
static void own_method(Checker *c, ActorDecl *actor, HandlerDecl *handler) {
  if (!handler->name.name) return;
  if (handler->qualifier.name && handler->qualifier.name != actor->name.name) {
    check_error(c, DIAG_E0403, handler->qualifier.span, "actor `%.*s` implements no interface `%.*s`",
                STR_ARG(actor->name.name->text), STR_ARG(handler->qualifier.name->text));
  }
  MethodSig *sig = gc_new(MethodSig);
  u32 count = handler->params.count;
  *sig = (MethodSig){
      .name = handler->name.name, .span = handler->name.span, .home = c->module, .param_count = count, .origin = actor->own};
  sig->params = gc_array(Ty *, count + 1);
  sig->param_names = check_param_names(&handler->params);
  for (u32 i = 0; i < count; i++)
    sig->params[i] = typed_param(c, &handler->params.items[i], "a handler of an actor without `is`");
  if (handler->answer) {
    sig->answer = check_type(c, handler->answer);
    if (ty_is(sig->answer, TY_PROMISE)) {
      Diag *diag = check_error(c, DIAG_E0414, handler->answer->span, "a message can't answer with a Promise");
      diag_hint(diag, "write the type of its value: a handler may give a Promise of it");
    }
  }
  if (check_method(actor->own, sig->name)) {
    Diag *diag = check_error(c, DIAG_E0403, handler->name.span, "actor `%.*s` has two handlers for `%.*s`",
                             STR_ARG(actor->name.name->text), STR_ARG(sig->name->text));
    diag_note(diag, c->source, check_method(actor->own, sig->name)->span, "the other one");
    return;
  }
  check_add_method(c, actor->own, sig, handler->name.span);
  vec_push(&handler->methods, sig);
}

static void implement(Checker *c, ActorDecl *actor, TypeExpr *written) {
  Ty *ty = check_type(c, written);
  if (ty_bad(ty)) return;
  if (!ty_is(ty, TY_REF)) {
    check_error(c, DIAG_E0419, written->span, "an actor implements interfaces, and %.*s is none", STR_ARG(ty_text(ty)));
    return;
  }
  for (u32 i = 0; i < actor->interfaces.count; i++) {
    if (actor->interfaces.items[i]->interface != ty->interface) continue;
    check_error(c, DIAG_E0419, written->span, "`%.*s` is implemented twice", STR_ARG(ty->interface->name.name->text));
    return;
  }
  vec_push(&actor->interfaces, ty);
}

void check_actor_signature(Checker *c, Node *node) {
  ActorDecl *actor = node->actor;
  c->type_params.count = 0;
  check_enter_type_params(c, &actor->generics, node->params);
  for (u32 i = 0; i < actor->params.count; i++) typed_param(c, &actor->params.items[i], "an actor");
  for (u32 i = 0; i < actor->implements.count; i++) implement(c, actor, actor->implements.items[i]);
  if (!actor->own) return;
  for (u32 i = 0; i < actor->handlers.count; i++) own_method(c, actor, actor->handlers.items[i]);
  vec_push(&actor->interfaces, ty_ref(actor->own, node->written, node->params));
}

Ty *check_self_type(Checker *c) {
  ActorDecl *actor = c->actor->actor;
  return actor->interfaces.count ? actor->interfaces.items[0] : ty_basic(TY_ERROR);
}

// ---- State ----------------------------------------------------------------------------------------------------------

// Gives the locals bound since `mark` their fields.
static void add_fields(Checker *c, ActorDecl *actor, u32 mark) {
  for (u32 i = mark; i < c->trail.count; i++) {
    Binding *binding = &c->trail.items[i];
    Local *local = locals_find(c, binding->name);
    if (binding->hidden && binding->hidden->kind >= LOCAL_STATE_PARAM) {
      Diag *diag =
          check_error(c, DIAG_E0107, local->span, "the actor has two members named `%.*s`", STR_ARG(binding->name->text));
      diag_note(diag, c->source, binding->hidden->span, "the other one");
    }
    local->slot = actor->fields.count;
    vec_push(&actor->fields, local);
  }
}

static void check_member(Checker *c, ActorDecl *actor, StateMember *member) {
  Want want = {.what = "this member", .note = "the annotation says so", .source = c->source};
  Ty *ty;
  if (member->type) {
    ty = want.ty = check_type(c, member->type);
    want.span = member->type->span;
    check_expr(c, member->value, &want);
  } else {
    ty = check_value(c, member->value);
  }
  u32 mark = locals_open(c);
  check_pattern(c, member->pattern, ty, member->is_var ? LOCAL_STATE_VAR : LOCAL_STATE_LET);
  check_must_match(c, member->pattern, "a member of an actor");
  add_fields(c, actor, mark);
}

static void check_state(Checker *c, ActorDecl *actor) {
  actor->init_body = check_body_new(c, BODY_INIT);
  actor->init_body->result = ty_basic(TY_UNIT);
  c->body = actor->init_body;
  u32 mark = locals_open(c);
  check_params(c, &actor->params, LOCAL_STATE_PARAM);
  add_fields(c, actor, mark);
  for (u32 i = 0; i < actor->state.count; i++) check_member(c, actor, &actor->state.items[i]);
  c->body = NULL;
}

static void declare_helpers(Checker *c, Node *node) {
  for (u32 i = 0; i < node->actor->helpers.count; i++) {
    FnDecl *fn = node->actor->helpers.items[i];
    if (fn->generics.count) {
      Diag *diag = check_error(c, DIAG_E0416, fn->name.span, "a helper takes no type parameters of its own");
      diag_hint(
          diag,
          "it is inferred together with its actor: leave its parameters' types out, or declare it at the top of the module");
      for (u32 k = 0; k < fn->generics.count; k++)
        vec_push(&c->type_params, ((TypeParam){fn->generics.items[k].name.name, ty_var()}));
      fn->generics.count = 0;
    }
    fn->actor = node->actor;
    check_declare_fn(c, fn);
    fn->generic_count = node->written;
    FnDecl *earlier = fn->name.name ? map_get(&node->helpers, fn->name.name) : NULL;
    if (earlier) {
      Diag *diag =
          check_error(c, DIAG_E0107, fn->name.span, "the actor has two helpers named `%.*s`", STR_ARG(fn->name.name->text));
      diag_note(diag, c->source, earlier->name.span, "the other one");
    } else if (fn->name.name) {
      map_put(&node->helpers, fn->name.name, fn);
    }
  }
}

// ---- Which handler is for which method --------------------------------------------------------------------------------

typedef struct Coverage {
  Checker *c;
  ActorDecl *actor;
  PtrMap handlers;  // MethodSig → HandlerDecl
  const HandlerDecl *dropped;
  VEC(Str) meant;   // messages that handlers with a misspelt name were probably for: one report is enough
} Coverage;

static bool is_meant(const Coverage *cover, const Name *message) {
  for (u32 i = 0; i < cover->meant.count; i++) {
    if (str_eq(cover->meant.items[i], message->text)) return true;
  }
  return false;
}

// An interface of another module has no name here, save the one that it was declared with.
static InterfaceDecl *qualifying_interface(Checker *c, const ActorDecl *actor, Ident qualifier) {
  Symbol *symbol = resolve_name(c->module, SPACE_TYPES, qualifier.name);
  if (symbol && symbol->import) symbol->import->used = true;
  if (symbol && symbol->kind == SYMBOL_INTERFACE) return symbol->interface;
  if (symbol && symbol->kind == SYMBOL_ACTOR && symbol->actor->own) return symbol->actor->own;
  for (u32 i = 0; i < actor->interfaces.count; i++) {
    InterfaceDecl *interface = actor->interfaces.items[i]->interface;
    if (interface->name.name == qualifier.name) return interface;
  }
  check_error(c, DIAG_E0403, qualifier.span, "there is no interface `%.*s` here", STR_ARG(qualifier.name->text));
  return NULL;
}

static void unknown_handler(Coverage *cover, HandlerDecl *handler) {
  Str name = handler->name.name->text;
  Diag *diag =
      check_error(cover->c, DIAG_E0403, handler->name.span, "no interface that `%.*s` implements has a message `%.*s`",
                  STR_ARG(cover->actor->name.name->text), STR_ARG(name));
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; i < cover->actor->interfaces.count; i++) {
    InterfaceDecl *interface = cover->actor->interfaces.items[i]->interface;
    for (u32 k = 0; k < interface->methods.count; k++) nearest_offer(&nearest, interface->methods.items[k]->name->text);
  }
  if (!nearest.best.len) return;
  diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  vec_push(&cover->meant, nearest.best);
}

static void cover_method(Coverage *cover, HandlerDecl *handler, MethodSig *sig) {
  HandlerDecl *earlier = map_get(&cover->handlers, sig);
  if (!earlier) {
    map_put(&cover->handlers, sig, handler);
    vec_push(&handler->methods, sig);
    return;
  }
  Diag *diag =
      check_error(cover->c, DIAG_E0403, handler->name.span, "there are two handlers for `%.*s`", STR_ARG(sig->name->text));
  diag_note(diag, cover->c->source, earlier->name.span, "the other one");
}

// `on dropped()` of an actor with sessions, which no interface declares.
static bool hears_of_drops(Coverage *cover, const HandlerDecl *handler) {
  bool session = false;
  for (u32 i = 0; i < cover->actor->interfaces.count; i++) session |= cover->actor->interfaces.items[i]->interface->is_unique;
  if (!session || handler->qualifier.name || !str_eq(handler->name.name->text, STR("dropped"))) return false;
  if (handler->params.count || handler->answer)
    check_error(cover->c, DIAG_E0427, handler->name.span, "`on dropped()` has no parameters and no answer");
  if (cover->dropped) {
    Diag *diag = check_error(cover->c, DIAG_E0403, handler->name.span, "there are two handlers for `dropped`");
    diag_note(diag, cover->c->source, cover->dropped->name.span, "the other one");
  }
  cover->dropped = handler;
  return true;
}

static void place_handler(Coverage *cover, HandlerDecl *handler) {
  Checker *c = cover->c;
  if (!handler->name.name) return;
  InterfaceDecl *only = handler->qualifier.name ? qualifying_interface(c, cover->actor, handler->qualifier) : NULL;
  if (handler->qualifier.name && !only) return;
  MethodSig *first = NULL;
  for (u32 i = 0; i < cover->actor->interfaces.count; i++) {
    InterfaceDecl *interface = cover->actor->interfaces.items[i]->interface;
    MethodSig *sig = check_method(interface, handler->name.name);
    if (!sig || (only && interface != only && sig->origin != only)) continue;
    if (first && first->origin != sig->origin) {
      Diag *diag = check_error(c, DIAG_E0404, handler->name.span, "`%.*s` is a message of `%.*s` and of `%.*s`",
                               STR_ARG(sig->name->text), STR_ARG(first->origin->name.name->text),
                               STR_ARG(sig->origin->name.name->text));
      diag_hint(diag, "write one handler for each: `on %.*s.%.*s(..)`", STR_ARG(sig->origin->name.name->text),
                STR_ARG(sig->name->text));
      cover_method(cover, handler, sig);
      continue;
    }
    first = sig;
    cover_method(cover, handler, sig);
  }
  if (!first && !hears_of_drops(cover, handler)) unknown_handler(cover, handler);
}

static void print_method(Text *text, const MethodSig *sig, const Ty *interface) {
  text_printf(text, "`%.*s(", STR_ARG(sig->name->text));
  for (u32 i = 0; i < sig->param_count; i++) {
    Str type = ty_text(ty_subst(sig->params[i], interface->args, interface->count));
    text_printf(text, "%s%.*s: %.*s", i ? ", " : "", STR_ARG(sig->param_names[i] ? sig->param_names[i]->text : STR("_")),
                STR_ARG(type));
  }
  text_char(text, ')');
  if (sig->answer) text_printf(text, " -> %.*s", STR_ARG(ty_text(ty_subst(sig->answer, interface->args, interface->count))));
  text_char(text, '`');
}

static void report_missing(Coverage *cover) {
  Text text = {0};
  const MethodSig *first = NULL;
  u32 missing = 0;
  for (u32 i = 0; i < cover->actor->interfaces.count; i++) {
    Ty *interface = cover->actor->interfaces.items[i];
    for (u32 k = 0; k < interface->interface->methods.count; k++) {
      MethodSig *sig = interface->interface->methods.items[k];
      if (map_get(&cover->handlers, sig) || is_meant(cover, sig->name)) continue;
      if (!first) first = sig;
      if (missing++ >= 3) continue;
      if (missing > 1) text_add(&text, STR(", "));
      print_method(&text, sig, interface);
    }
  }
  if (!missing) return;
  if (missing > 3) text_printf(&text, " and %u more", missing - 3);
  Diag *diag = check_error(cover->c, DIAG_E0402, cover->actor->name.span, "actor `%.*s` has no handler for %.*s",
                           STR_ARG(cover->actor->name.name->text), STR_ARG(text_str(&text)));
  diag_note(diag, first->home->source, first->span, "the interface asks for it here");
}

static void place_handlers(Checker *c, ActorDecl *actor) {
  if (actor->own) return;
  Coverage cover = {.c = c, .actor = actor};
  for (u32 i = 0; i < actor->handlers.count; i++) place_handler(&cover, actor->handlers.items[i]);
  if (actor->interfaces.count == actor->implements.count) report_missing(&cover);
}

// ---- Handlers -------------------------------------------------------------------------------------------------------

static Ty *interface_with(const ActorDecl *actor, const MethodSig *sig) {
  for (u32 i = 0; i < actor->interfaces.count; i++) {
    if (check_method(actor->interfaces.items[i]->interface, sig->name) == sig) return actor->interfaces.items[i];
  }
  return NULL;
}

bool check_handles_session(const ActorDecl *actor, const HandlerDecl *handler) {
  for (u32 i = 0; i < handler->methods.count; i++) {
    Ty *interface = interface_with(actor, handler->methods.items[i]);
    if (!interface || !interface->interface->is_unique) return false;
  }
  return handler->methods.count > 0;
}

// Interfaces that include one another's with different type arguments need a handler each.
static void check_shared(Checker *c, const ActorDecl *actor, const HandlerDecl *handler) {
  for (u32 i = 1; i < handler->methods.count; i++) {
    const MethodSig *first = handler->methods.items[0], *other = handler->methods.items[i];
    const Ty *of_first = interface_with(actor, first), *of_other = interface_with(actor, other);
    if (check_same_types(c, first, of_first, other, of_other)) continue;
    Diag *diag = check_error(c, DIAG_E0404, handler->name.span, "`%.*s` has other types as a message of `%.*s` than of `%.*s`",
                             STR_ARG(other->name->text), STR_ARG(of_other->interface->name.name->text),
                             STR_ARG(of_first->interface->name.name->text));
    diag_hint(diag, "write one handler for each: `on %.*s.%.*s(..)`", STR_ARG(of_other->interface->name.name->text),
              STR_ARG(other->name->text));
    return;
  }
}

// The handler's types, from its first method; what the handler writes must agree.
static void handler_types(Checker *c, const ActorDecl *actor, HandlerDecl *handler) {
  u32 count = handler->params.count;
  handler->param_tys = gc_array(Ty *, count + 1);
  MethodSig *sig = handler->methods.count ? handler->methods.items[0] : NULL;
  Ty *interface = sig ? interface_with(actor, sig) : NULL;
  for (u32 i = 0; i < count; i++) {
    Param *param = &handler->params.items[i];
    Ty *ty =
        interface && i < sig->param_count ? ty_subst(sig->params[i], interface->args, interface->count) : ty_basic(TY_ERROR);
    if (param->type && !actor->own) {
      check_same(c, param->type->span, check_type(c, param->type),
                 &(Want){.ty = ty,
                         .what = "this parameter of the message",
                         .source = sig ? sig->home->source : NULL,
                         .span = sig ? sig->span : (Span){0},
                         .note = "declared here"});
    }
    handler->param_tys[i] = param->ty = ty;
  }
  if (!interface) return;
  check_shared(c, actor, handler);
  if (sig->answer) handler->answer_ty = ty_subst(sig->answer, interface->args, interface->count);
  if (count != sig->param_count) {
    Diag *diag =
        check_error(c, DIAG_E0202, handler->name.span, "the message `%.*s` has %u parameter%s, but this handler has %u",
                    STR_ARG(sig->name->text), sig->param_count, sig->param_count == 1 ? "" : "s", count);
    diag_note(diag, sig->home->source, sig->span, "declared here");
  }
  if (actor->own || !handler->answer) return;
  Ty *written = check_type(c, handler->answer);
  Want want = {.ty = handler->answer_ty ? handler->answer_ty : ty_basic(TY_UNIT),
               .what = "the answer to",
               .name = sig->name,
               .source = sig->home->source,
               .span = sig->span,
               .note = "declared here"};
  check_same(c, handler->answer->span, written, &want);
}

typedef VEC(Local *) Locals;

static void pattern_locals(Pat *pattern, Locals *out) {
  if (!pattern) return;
  if (pat_binds(pattern) && pattern->local) vec_push(out, pattern->local);
  u32 count = pattern->kind == PAT_OR && pattern->items.count ? 1 : pat_part_count(pattern);
  for (u32 i = 0; i < count; i++) pattern_locals(pat_part(pattern, i), out);
}

static Locals bind_handler_params(Checker *c, HandlerDecl *handler) {
  Locals locals = {0};
  check_params(c, &handler->params, LOCAL_LET);
  for (u32 i = 0; i < handler->params.count; i++) pattern_locals(handler->params.items[i].pattern, &locals);
  return locals;
}

static void check_guard(Checker *c, HandlerDecl *handler) {
  if (!handler->guard) return;
  handler->guard_body = check_body_new(c, BODY_GUARD);
  handler->guard_body->result = ty_basic(TY_BOOL);
  u32 mark = locals_open(c);
  c->body = handler->guard_body;
  Locals locals = bind_handler_params(c, handler);
  for (u32 i = 0; i < handler->params.count; i++) check_look_param(handler->params.items[i].pattern);
  handler->guard_params.items = locals.items;
  handler->guard_params.count = locals.count;
  handler->guard_params.capacity = locals.capacity;
  for (u32 i = 0; i < locals.count; i++) locals.items[i]->lent = ty_is_unique(locals.items[i]->type);
  check_is(c, handler->guard, ty_basic(TY_BOOL), "a guard");
  c->body = NULL;
  locals_close(c, mark);
}

static void check_handler(Checker *c, ActorDecl *actor, HandlerDecl *handler) {
  handler_types(c, actor, handler);
  check_guard(c, handler);
  Body *body = handler->body = check_body_new(c, BODY_HANDLER);
  body->answers = handler->answer_ty != NULL;
  body->result = body->answers ? handler->answer_ty : ty_basic(TY_UNIT);
  u32 mark = locals_open(c);
  c->body = body;
  Locals locals = bind_handler_params(c, handler);
  c->body = NULL;
  MethodSig *sig = handler->methods.count ? handler->methods.items[0] : NULL;
  Want want = {.drop = true};
  if (body->answers) {
    want = (Want){.ty = body->result,
                  .answers = true,
                  .what = "the answer to",
                  .name = sig->name,
                  .source = sig->home->source,
                  .span = sig->span,
                  .note = "declared here"};
  }
  c->handler = handler;
  check_body_block(c, body, handler->block, want);
  c->handler = NULL;
  locals_close(c, mark);
  for (u32 i = 0; i < locals.count && i < handler->guard_params.count; i++)
    locals.items[i]->used |= handler->guard_params.items[i]->used;
}

void check_actor(Checker *c, Node *node) {
  ActorDecl *actor = node->actor;
  c->actor = node;
  c->type_params.count = 0;
  check_enter_type_params(c, &actor->generics, node->params);
  u32 mark = locals_open(c);
  declare_helpers(c, node);
  check_state(c, actor);
  place_handlers(c, actor);
  for (u32 i = 0; i < actor->helpers.count; i++) check_fn(c, node_of_fn(actor->helpers.items[i]));
  for (u32 i = 0; i < actor->handlers.count; i++) check_handler(c, actor, actor->handlers.items[i]);
  locals_close(c, mark);
  c->actor = NULL;
}

// ---- When the group is done ------------------------------------------------------------------------------------------

static Ty *closed(Checker *c, Ty *ty, Span span, const char *what, Str name) {
  if (ty->has_vars && !ty_within_limits(ty)) {
    check_error(c, DIAG_E0504, span, "the type of the %s `%.*s` is too large", what, STR_ARG(name));
    return ty_basic(TY_ERROR);
  }
  ty = ty_settle(ty);
  if (!ty->has_vars) return ty;
  Diag *diag = check_error(c, DIAG_E0231, span, "the type of the %s `%.*s` is left open: %.*s", what, STR_ARG(name),
                           STR_ARG(ty_text(ty)));
  diag_hint(diag, "an actor's members have one type each: write it down");
  return ty_basic(TY_ERROR);
}

// A field, or a call that can't call functions in its arguments: its parameters have types without functions, or of any type
// at all, and its result gives none of them back.
static bool only_looks(const Expr *user) {
  if (!user || !user->type || ability_holds_function(user->type)) return false;
  if (user->kind == EX_DOT || user->kind == EX_ELEM) return true;
  if (user->kind != EX_CALL || user->call != CALL_FN) return false;
  u32 functions = 0;
  for (u32 i = 0; i < user->args.count; i++) {
    if (!user->args.items[i].value) return false;
    functions += ability_holds_function(user->args.items[i].value->type);
  }
  for (u32 i = 0; i < user->fn->params.count; i++) {
    if (ability_holds_function(user->fn->params.items[i].ty)) return false;
  }
  return functions == 1;
}

void check_close_actor(Checker *c, Node *node) {
  ActorDecl *actor = node->actor;
  for (u32 i = 0; i < actor->fields.count; i++) {
    Local *local = actor->fields.items[i];
    local->type = closed(c, local->type, local->span, "member", local->name->text);
  }
  for (u32 i = 0; i < actor->helpers.count; i++) {
    FnDecl *fn = actor->helpers.items[i];
    Ty *result = fn->type && fn->type->kind == TY_FN ? ty_resolve(ty_fn_result(fn->type)) : NULL;
    bool never = result && result->kind == TY_VAR && fn->block && fn->block->type && ty_is(fn->block->type, TY_NEVER);
    if (never && unify(&c->unifier, result, ty_basic(TY_UNIT)) != UNIFY_OK) continue;  // nobody asked for its value
    Ty *ty = fn->name.name ? closed(c, fn->type, fn->name.span, "helper", fn->name.name->text) : fn->type;
    node_of_fn(fn)->done = true;
    if (ty->kind != TY_FN) continue;
    fn->type = ty;
    fn->result_ty = fn->body ? fn->body->result = ty_fn_result(ty) : ty_fn_result(ty);
    for (u32 k = 0; k < fn->params.count; k++) fn->params.items[k].ty = ty->args[k];
  }
  for (u32 i = 0; i < c->stored.count; i++) {
    StoredUse *use = &c->stored.items[i];
    if (ability_holds_function(use->local->type) && !only_looks(use->user)) use->body->effects |= EFFECT_STORED_FUNCTION;
  }
}
