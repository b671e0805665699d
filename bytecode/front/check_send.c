// Messages and promises: sending, spawning, narrowing, awaiting, `when` and `task`.
#include "bytecode/front/check.h"

static void note_effect(Checker *c, Span span, u8 effect, const char *what) {
  if (!c->body) return;
  c->body->effects |= effect;
  if (c->body->kind == BODY_GUARD || c->arm_guard)
    check_error(c, DIAG_E0409, span, "a guard only looks: it can't %s", what);
}

// ---- Sending --------------------------------------------------------------------------------------------------------

static void unknown_message(Checker *c, Expr *e, Ty *ty) {
  Str name = e->name.name->text;
  InterfaceDecl *interface = ty->interface;
  Diag *diag = check_error(c, DIAG_E0401, e->name.span, "`%.*s` has no message `%.*s`", STR_ARG(interface->name.name->text),
                           STR_ARG(name));
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; i < interface->methods.count; i++) nearest_offer(&nearest, interface->methods.items[i]->name->text);
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  diag_note(diag, interface->home->source, interface->name.span, "the interface is declared here");
}

static void not_a_reference(Checker *c, Expr *object, Ty *ty, const char *what) {
  Diag *diag =
      check_error(c, DIAG_E0406, object->span, "%s an actor's reference, and this is %.*s", what, STR_ARG(ty_text(ty)));
  if (ty->kind == TY_PROMISE && ty_is(ty->args[0], TY_REF)) diag_hint(diag, "`await` the promise first");
  if (ty->kind == TY_DATA || ty->kind == TY_LIST || ty->kind == TY_STRING)
    diag_hint(diag, "functions are called with a dot: `x.f(..)`");
}

Ty *check_send(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SENDS, "send");
  Ty *ty = check_value(c, e->object);
  bool known = ty->kind != TY_ERROR && check_known(c, ty, e->object->span, "`!`");
  if (known && ty->kind != TY_REF) not_a_reference(c, e->object, ty, "a message goes to");
  MethodSig *sig = known && ty->kind == TY_REF && e->name.name ? check_method(ty->interface, e->name.name) : NULL;
  if (known && ty->kind == TY_REF && !sig && e->name.name) unknown_message(c, e, ty);
  if (!sig) {
    check_args_loosely(c, e);
    return ty_basic(TY_ERROR);
  }
  e->method = sig;
  e->interface = ty;
  resolve_depend(c->module, ty->interface->home);
  Ty **params = gc_array(Ty *, sig->param_count + 1);
  for (u32 i = 0; i < sig->param_count; i++) params[i] = ty_subst(sig->params[i], ty->args, ty->count);
  Callee callee = {.kind = "message",
                   .name = sig->name,
                   .count = sig->param_count,
                   .params = params,
                   .names = sig->param_names,
                   .source = sig->home->source,
                   .span = sig->span};
  check_args(c, e, &callee);
  return sig->answer ? ty_promise(ty_subst(sig->answer, ty->args, ty->count)) : ty_basic(TY_UNIT);
}

// ---- Spawning -------------------------------------------------------------------------------------------------------

static void no_actor(Checker *c, Expr *e, const Symbol *other) {
  Str name = e->name.name->text;
  Diag *diag =
      check_error(c, DIAG_E0415, e->name.span,
                  other ? "`%.*s` is no actor, and only actors are spawned" : "there is no actor `%.*s`", STR_ARG(name));
  if (other) {
    diag_note(diag, other->home->source, other->span, "declared here");
    return;
  }
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; i < c->module->actors.count; i++) {
    if (c->module->actors.items[i]->name.name) nearest_offer(&nearest, c->module->actors.items[i]->name.name->text);
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

static ActorDecl *find_actor(Checker *c, Expr *e) {
  Symbol *symbol;
  if (!e->name.name) return NULL;
  if (e->module) {
    Ident module = *e->module;
    ImportDecl *import = resolve_qualifier(c->module, module.name);
    if (!import) {
      Diag *diag =
          check_error(c, DIAG_E0104, module.span, "there is no module `%.*s` here", STR_ARG(module.name->text));
      diag_hint(diag, "import it first: `import %.*s`", STR_ARG(module.name->text));
      return NULL;
    }
    import->used = true;
    if (!import->module) return NULL;
    symbol = resolve_declared(import->module, SPACE_TYPES, e->name.name);
    if (symbol && !resolve_allowed(c->module, symbol)) {
      check_error(c, DIAG_E0106, e->name.span, "`%.*s` is private to module `%.*s`", STR_ARG(e->name.name->text),
                  STR_ARG(import->path));
    }
  } else {
    symbol = resolve_name(c->module, SPACE_TYPES, e->name.name);
  }
  if (!symbol || symbol->kind != SYMBOL_ACTOR) {
    no_actor(c, e, symbol);
    return NULL;
  }
  if (symbol->import) symbol->import->used = true;
  resolve_depend(c->module, symbol->home);
  return symbol->actor;
}

static void check_bank(Checker *c, Expr *bank) {
  if (!bank) return;
  Ty *ty = ty_resolve(check_value(c, bank));
  if (ty->kind == TY_ERROR) return;
  InterfaceDecl *wanted = check_power(c, "Bank");
  if (ty->kind == TY_REF && wanted && ty->interface == wanted) return;
  Diag *diag = check_error(c, DIAG_E0201, bank->span, "expected a Bank, found %.*s", STR_ARG(ty_text(ty)));
  diag_hint(diag, "`main` may ask for one (`bank: Bank`), and `bank ! carve(..)` makes others of it");
}

Ty *check_spawn(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SPAWNS, "spawn");
  ActorDecl *actor = find_actor(c, e);
  if (!actor) {
    check_args_loosely(c, e);
    check_bank(c, e->bank);
    return ty_basic(TY_ERROR);
  }
  Node *node = node_of_actor(actor);
  e->actor = actor;
  e->inst = check_fresh_args(c, node, node->written, actor->name.name, e->name.span);
  u32 count = actor->params.count;
  Ty **params = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) params[i] = ty_subst(actor->params.items[i].ty, e->inst, node->written);
  Callee callee = {.kind = "actor",
                   .name = actor->name.name,
                   .count = count,
                   .params = params,
                   .names = check_param_names(&actor->params),
                   .source = actor->home->source,
                   .span = actor->name.span};
  check_args(c, e, &callee);
  check_bank(c, e->bank);
  if (!actor->interfaces.count) return ty_basic(TY_ERROR);
  return e->interface = ty_subst(actor->interfaces.items[0], e->inst, node->written);
}

// ---- Narrowing ------------------------------------------------------------------------------------------------------

bool check_same_types(Checker *c, const MethodSig *a, const Ty *of_a, const MethodSig *b, const Ty *of_b) {
  if (a->param_count != b->param_count || !a->answer != !b->answer) return false;
  for (u32 i = 0; i < a->param_count; i++) {
    if (unify(&c->unifier, ty_subst(a->params[i], of_a->args, of_a->count),
              ty_subst(b->params[i], of_b->args, of_b->count)) != UNIFY_OK)
      return false;
  }
  return !a->answer || unify(&c->unifier, ty_subst(a->answer, of_a->args, of_a->count),
                             ty_subst(b->answer, of_b->args, of_b->count)) == UNIFY_OK;
}

// The first method of `to` that `from` does not have with the same types, or NULL if `from` can be narrowed to `to`.
static const MethodSig *not_in(Checker *c, Ty *from, Ty *to, bool *differs) {
  for (u32 i = 0; i < to->interface->methods.count; i++) {
    const MethodSig *wanted = to->interface->methods.items[i], *has = check_method(from->interface, wanted->name);
    *differs = has != NULL;
    if (!has || !check_same_types(c, has, from, wanted, to)) return wanted;
  }
  return NULL;
}

// A session of the actor itself: what it may be sent next is part of the answer to a session's message.
static void check_self_session(Checker *c, Expr *e, Ty *to) {
  bool here = c->handler && c->body == c->handler->body && !c->arm_guard;
  if (here && check_handles_session(c->actor->actor, c->handler)) return;
  Str name = to->interface->name.name->text;
  Diag *diag = check_error(c, DIAG_E0426, e->span, "`self as %.*s` stands only in the handler of a session's message",
                           STR_ARG(name));
  if (!here) {
    diag_hint(diag, "not in a helper, closure, `task`, `when`, guard or initialiser: none of them uses up such a message");
    return;
  }
  for (u32 i = 0; i < c->handler->methods.count; i++) {
    MethodSig *sig = c->handler->methods.items[i];
    diag_note(diag, sig->home->source, sig->span, "this handler is for a message of `%.*s` too",
              STR_ARG(sig->origin->name.name->text));
  }
}

static Ty *narrow_self(Checker *c, Expr *e, Ty *to) {
  ActorDecl *actor = c->actor->actor;
  bool differs;
  bool unique = to->interface->is_unique;
  if (unique) check_self_session(c, e, to);
  for (u32 i = 0; i < actor->interfaces.count; i++) {
    Ty *own = actor->interfaces.items[i];
    if (own->interface == to->interface && unify(&c->unifier, own, to) == UNIFY_OK) {
      e->kind = EX_SELF;
      e->object = NULL;
      return e->interface = own;
    }
  }
  for (u32 i = 0; i < actor->interfaces.count && !unique; i++) {
    Ty *own = actor->interfaces.items[i];
    if (own->interface->is_unique || not_in(c, own, to, &differs)) continue;
    e->object->interface = e->object->type = own;
    return e->interface = to;
  }
  check_error(c, DIAG_E0405, e->span, "actor `%.*s` does not implement %.*s", STR_ARG(actor->name.name->text),
              STR_ARG(ty_text(to)));
  return to;
}

// What is narrowed: for `self` it depends on what to, so its first interface does not matter.
static Ty *narrowed(Checker *c, Expr *object) {
  if (object->kind != EX_SELF) return check_value(c, object);
  object->type = locals_use_self(c, object->span) ? check_self_type(c) : ty_basic(TY_ERROR);
  return ty_resolve(object->type);
}

static bool is_session(const Ty *ty) { return ty->kind == TY_REF && ty->interface->is_unique; }

Ty *check_as(Checker *c, Expr *e) {
  Ty *from = narrowed(c, e->object), *to = ty_resolve(check_type(c, e->type_expr));
  if (from->kind == TY_ERROR || to->kind == TY_ERROR) return to;
  if (!check_known(c, from, e->object->span, "`as`")) return to;
  if (from->kind != TY_REF) {
    not_a_reference(c, e->object, from, "`as` narrows");
    return ty_basic(TY_ERROR);
  }
  if (to->kind != TY_REF) {
    check_error(c, DIAG_E0405, e->type_expr->span, "`as` narrows to an interface, and %.*s is none", STR_ARG(ty_text(to)));
    return ty_basic(TY_ERROR);
  }
  resolve_depend(c->module, to->interface->home);
  if (e->object->kind == EX_SELF && c->actor) return narrow_self(c, e, to);
  if (is_session(from) || is_session(to)) {
    Diag *diag = check_error(c, DIAG_E0424, e->span, "%.*s is a unique interface, and `as` joins ordinary ones only",
                             STR_ARG(ty_text(is_session(from) ? from : to)));
    if (!is_session(from)) diag_hint(diag, "a session comes from `spawn`, and from `self as %.*s` in a handler of one", STR_ARG(ty_text(to)));
    return to;
  }
  bool differs = false;
  const MethodSig *missing = not_in(c, from, to, &differs);
  if (!missing) return e->interface = to;
  Str name = missing->name->text;
  Diag *diag = check_error(c, DIAG_E0405, e->span,
                           differs ? "%.*s can't become %.*s, since `%.*s` has other types there"
                                   : "%.*s can't be widened to %.*s: it has no `%.*s`",
                           STR_ARG(ty_text(from)), STR_ARG(ty_text(to)), STR_ARG(name));
  diag_note(diag, missing->home->source, missing->span, "declared here");
  return to;
}

Ty *check_self(Checker *c, Expr *e) {
  if (!locals_use_self(c, e->span)) return ty_basic(TY_ERROR);
  Ty *ty = ty_resolve(check_self_type(c));
  if (is_session(ty)) {
    ActorDecl *actor = c->actor->actor;
    Ty *plain = NULL;
    for (u32 i = actor->interfaces.count; i-- > 0;) {
      if (!actor->interfaces.items[i]->interface->is_unique) plain = actor->interfaces.items[i];
    }
    Diag *diag = check_error(c, DIAG_E0426, e->span, "`self` would be %.*s, the first interface of `%.*s`, which is unique",
                             STR_ARG(ty_text(ty)), STR_ARG(actor->name.name->text));
    diag_hint(diag, "say which one is meant: `self as %.*s`", STR_ARG(ty_text(plain ? plain : ty)));
    return ty_basic(TY_ERROR);
  }
  return e->interface = ty;
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

static Ty *promised(Checker *c, Expr *object, Ty *ty, const char *what) {
  ty = ty_resolve(ty);
  if (ty->kind == TY_ERROR || !check_known(c, ty, object->span, what)) return ty_basic(TY_ERROR);
  if (ty->kind == TY_PROMISE) return ty->args[0];
  Diag *diag = check_error(c, DIAG_E0407, object->span, "%s takes a promise, and this is %.*s", what, STR_ARG(ty_text(ty)));
  if (object->kind == EX_SEND && ty->kind == TY_UNIT) diag_hint(diag, "the message is one-way: nothing comes back");
  return ty_basic(TY_ERROR);
}

static void check_within(Checker *c, Expr *within) {
  if (within) check_is(c, within, ty_basic(TY_DURATION), "the time after `within`");
}

Ty *check_await(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SUSPENDS, "await");
  Ty *value = promised(c, e->object, check_value(c, e->object), "`await`");
  check_within(c, e->within);
  return value;
}

// Result[value, Broken], or Error after a report.
static Ty *outcome_of(Checker *c, Ty *value, Span span) {
  Ty *result = check_well_known(c, "Result", span), *broken = check_well_known(c, "Broken", span);
  if (ty_bad(result) || ty_bad(broken) || result->count != 2) return ty_basic(TY_ERROR);
  Ty **args = gc_array(Ty *, 2);
  args[0] = value;
  args[1] = broken;
  return ty_data(result->decl, 2, args);
}

Ty *check_outcome(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SUSPENDS, "wait");
  Ty *object = e->object->type ? e->object->type : check_value(c, e->object);
  Ty *value = promised(c, e->object, object, "`outcome`");
  check_within(c, e->within);
  return ty_bad(value) ? value : outcome_of(c, value, e->span);
}

Ty *check_when(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SENDS, "wait for a promise");
  Ty *value = promised(c, e->object, check_value(c, e->object), "`when`");
  Ty *object = ty_bad(value) ? value : outcome_of(c, value, e->span);
  Body *body = e->body = check_body_new(c, BODY_WHEN), *outer = c->body;
  body->answers = true;
  body->result = ty_var();
  u32 loops = c->loops;
  c->body = body;
  c->loops = 0;
  check_arms(c, e, object, &(Want){.ty = body->result, .answers = true, .what = "every arm of this `when`"});
  c->body = outer;
  c->loops = loops;
  vec_push(&c->matches, e);
  return ty_promise(body->result);
}

Ty *check_task(Checker *c, Expr *e) {
  note_effect(c, e->span, EFFECT_SPAWNS, "start a task");
  Body *body = e->body = check_body_new(c, BODY_TASK);
  body->result = ty_var();
  check_body_block(c, body, e->block, (Want){.ty = body->result, .what = "what this `task` gives"});
  return ty_promise(body->result);
}
