// Dot calls: `x.f(a)` is f(x, a), with f looked up in the module that defines x's type, then among the functions in scope.
#include "bytecode/front/check.h"

// The module where functions of a type live, loaded on demand; NULL if the type has none.
static ModuleAst *home_of(Checker *c, Ty *ty, Span at) {
  switch (ty->kind) {
    case TY_INT: return resolve_library(c->front, c->module, "int", at);
    case TY_FLOAT: return resolve_library(c->front, c->module, "float", at);
    case TY_STRING: return resolve_library(c->front, c->module, "string", at);
    case TY_BYTES: return resolve_library(c->front, c->module, "bytes", at);
    case TY_DURATION:
    case TY_TIME: return resolve_library(c->front, c->module, "time", at);
    case TY_LIST: return resolve_library(c->front, c->module, "list", at);
    case TY_BUF: return resolve_library(c->front, c->module, "buf", at);
    case TY_ARRAY: return resolve_library(c->front, c->module, "array", at);
    case TY_DATA: return ty->decl->home;
    case TY_REF: return ty->interface->home;
    case TY_BOOL:
    case TY_PROMISE:
    case TY_UNIT:
    case TY_TUPLE:
    case TY_FN:
    case TY_PARAM:
    case TY_VAR:
    case TY_NEVER:
    case TY_ERROR: return NULL;
  }
  return NULL;
}

static bool has_field(const Ty *ty, const Name *name) {
  for (u32 i = 0; ty->kind == TY_DATA && i < ty->decl->ctors.count; i++) {
    CtorDecl *ctor = ty->decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) {
      if (ctor->fields.items[k].name.name == name) return true;
    }
  }
  return false;
}

static void no_function(Checker *c, Expr *e, Ty *ty, ModuleAst *home, const Symbol *hidden) {
  Str name = e->name.name->text;
  if (hidden) {
    Diag *diag =
        check_error(c, DIAG_E0106, e->name.span, "`%.*s` is private to module `%.*s`", STR_ARG(name), STR_ARG(home->name));
    diag_note(diag, home->source, hidden->span, "declared here without `pub`");
    return;
  }
  Diag *diag = check_error(c, DIAG_E0206, e->name.span, "there is no function `%.*s` for values of type %.*s", STR_ARG(name),
                           STR_ARG(ty_text(ty)));
  if (has_field(ty, e->name.name)) {
    diag_hint(diag, "`%.*s` is a field: a function in it is called as `(x.%.*s)(..)`", STR_ARG(name), STR_ARG(name));
    return;
  }
  if (ty->kind == TY_REF) {
    bool message = check_method(ty->interface, e->name.name) != NULL;
    diag_hint(diag,
              message ? "it is a message, and sent with `!`: `r ! %.*s(..)`" : "messages are sent with `!`: `r ! %.*s(..)`",
              STR_ARG(name));
    return;
  }
  if (ty->kind == TY_PROMISE) {
    diag_hint(diag, "a message's answer is a promise: `await` it first");
    return;
  }
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; home && i < home->values.capacity; i++) {
    Symbol *symbol = home->values.keys[i] ? home->values.values[i] : NULL;
    if (symbol && !symbol->import && symbol->kind == SYMBOL_FN && (symbol->is_pub || home == c->module))
      nearest_offer(&nearest, symbol->name->text);
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

static Ty *give_up(Checker *c, Expr *e) {
  check_args_loosely(c, e);
  e->kind = EX_ERROR;
  return ty_basic(TY_ERROR);
}

// `p.outcome()` and `p.outcome(within: 2s)`.
static Ty *outcome(Checker *c, Expr *e) {
  e->kind = EX_OUTCOME;
  for (u32 i = 0; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    bool named = arg->name.name && str_eq(arg->name.name->text, STR("within"));
    if (i || (arg->name.name && !named)) {
      check_error(c, DIAG_E0203, arg->value ? arg->value->span : e->span, "`outcome` takes one argument at most: `within`");
      if (arg->value) check_value(c, arg->value);
      continue;
    }
    e->within = arg->value;
  }
  return check_outcome(c, e);
}

static void prepend_receiver(Expr *e) {
  Arg receiver = {.value = e->object};
  vec_push(&e->args, receiver);
  memmove(e->args.items + 1, e->args.items, (e->args.count - 1) * sizeof(Arg));
  e->args.items[0] = receiver;
}

// A receiver that is used up can't be a unique part of something else.
static bool taken(Checker *c, Expr *e) {
  Expr *object = e->object;
  c->place = NULL;
  return (object->kind != EX_DOT && object->kind != EX_ELEM) || check_part(c, object, ty_resolve(object->type));
}

static Ty *call_on_value(Checker *c, Expr *e) {
  Ty *ty = check_place(c, e->object);
  if (ty->kind == TY_ERROR || !check_known(c, ty, e->object->span, "`.`")) return give_up(c, e);
  if (ty->kind == TY_PROMISE && str_eq(e->name.name->text, STR("outcome"))) return taken(c, e) ? outcome(c, e) : give_up(c, e);
  ModuleAst *home = home_of(c, ty, e->span);
  Symbol *symbol = home ? resolve_declared(home, SPACE_VALUES, e->name.name) : NULL;
  FnDecl *fn = symbol && symbol->kind == SYMBOL_FN && resolve_allowed(c->module, symbol) ? symbol->fn : NULL;
  if (!fn) fn = check_find_fn(c, e->name.name);
  if (!fn) {
    no_function(c, e, ty, home, symbol && symbol->kind == SYMBOL_FN ? symbol : NULL);
    return give_up(c, e);
  }
  bool lent = (fn->params.count && fn->params.items[0].lent) || check_call_kind(fn) != CALL_FN;
  if (!lent && !taken(c, e)) return give_up(c, e);
  prepend_receiver(e);
  return check_call_fn(c, e, fn, true, e->name.span);
}

static Ty *call_in_module(Checker *c, Expr *e, Symbol *symbol) {
  if (symbol->kind == SYMBOL_FN) {
    e->object = NULL;
    return check_call_fn(c, e, symbol->fn, false, e->name.span);
  }
  if (symbol->kind == SYMBOL_CTOR) return check_call_ctor(c, e, symbol->ctor);
  Expr *callee = gc_new(Expr);
  callee->span = (Span){e->object->span.start, e->name.span.end};
  callee->type = check_const_value(c, callee, symbol->constant);
  e->kind = EX_CALL;
  e->object = callee;
  return check_call(c, e);
}

Ty *check_dot_call(Checker *c, Expr *e) {
  if (!e->name.name || !e->object) return give_up(c, e);
  bool was_module;
  Symbol *symbol = check_qualified(c, e->object, e->name, e->span, &was_module);
  if (symbol) return call_in_module(c, e, symbol);
  return was_module ? give_up(c, e) : call_on_value(c, e);
}
