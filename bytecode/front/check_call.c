// Calls: which parameter each argument is for, in which order arguments are checked, and what is called.
//
// Arguments are checked as written, closures last: by then the other arguments have often said what their parameters are.
#include "bytecode/front/check.h"

#include "bytecode/module.h"

// ---- Arguments ------------------------------------------------------------------------------------------------------

static u32 find_param(const Callee *callee, const Name *name) {
  for (u32 i = 0; callee->names && i < callee->count; i++) {
    if (callee->names[i] == name) return i;
  }
  return callee->count;
}

static void note_callee(Diag *diag, const Callee *callee) {
  if (callee->source) diag_note(diag, callee->source, callee->span, "declared here");
}

static Str callee_text(const Callee *callee) {
  if (!callee->name) return str_format("this %s", callee->kind);
  return str_format("%s `%.*s`", callee->kind, STR_ARG(callee->name->text));
}

static void unknown_argument(Checker *c, const Callee *callee, Ident name) {
  Diag *diag = check_error(c, DIAG_E0203, name.span, "%.*s has no parameter `%.*s`", STR_ARG(callee_text(callee)),
                           STR_ARG(name.name->text));
  if (!callee->names) {
    diag_hint(diag, "arguments of closures can't be named");
    return;
  }
  Nearest nearest = {.wanted = name.name->text};
  for (u32 i = 0; i < callee->count; i++) {
    if (callee->names[i]) nearest_offer(&nearest, callee->names[i]->text);
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  note_callee(diag, callee);
}

static void wrong_count(Checker *c, Expr *e, const Callee *callee, const bool *given, u32 args) {
  u32 hidden = callee->skip_first ? 1 : 0;
  u32 expected = callee->count >= hidden ? callee->count - hidden : 0;
  args -= args >= hidden ? hidden : 0;
  Diag *diag = check_error(c, DIAG_E0202, e->span, "%.*s takes %u argument%s, but %u %s given", STR_ARG(callee_text(callee)),
                           expected, expected == 1 ? "" : "s", args, args == 1 ? "is" : "are");
  note_callee(diag, callee);
  for (u32 i = 0; i < callee->count; i++) {
    if (given[i] || !callee->names || !callee->names[i]) continue;
    diag_hint(diag, "`%.*s` is missing", STR_ARG(callee->names[i]->text));
    return;
  }
}

// Gives every argument its parameter; those without one get callee->count.
static void place_args(Checker *c, Expr *e, const Callee *callee) {
  bool *given = gc_alloc_data(callee->count + 1);
  u32 next = 0, placed = 0, extra = 0;
  bool spread = false;
  for (u32 i = 0; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    if (arg->spread) {
      spread = true;
      continue;
    }
    arg->param = arg->name.name ? find_param(callee, arg->name.name) : next++;
    if (arg->param >= callee->count) {
      arg->param = callee->count;
      if (arg->name.name) unknown_argument(c, callee, arg->name);
      else extra++;
    } else if (given[arg->param]) {
      Str name = callee->names && callee->names[arg->param] ? callee->names[arg->param]->text : STR("");
      check_error(c, DIAG_E0203, arg->value ? arg->value->span : e->span, "the argument `%.*s` is given twice",
                  STR_ARG(name));
      placed = callee->count;
    } else {
      given[arg->param] = true;
      placed++;
    }
  }
  if (extra || (placed < callee->count && !spread)) wrong_count(c, e, callee, given, e->args.count);
}

static void not_lent(Checker *c, Expr *e, const Callee *callee) {
  Diag *diag = check_error(c, DIAG_E0423, e->span, "%.*s takes this for good: it can't be lent", STR_ARG(callee_text(callee)));
  bool local = str_eq(str_from(callee->kind), STR("function")) && callee->source && !callee->source->library;
  diag_hint(diag, local ? "leave `&` out, or let the function borrow it: `&` before the parameter's type" : "leave `&` out");
  note_callee(diag, callee);
  if (e->object) check_value(c, e->object);
  e->type = ty_basic(TY_ERROR);
}

static void must_lend(Checker *c, const Expr *e, const Callee *callee) {
  if (ty_bad(e->type)) return;
  Diag *diag = check_error(c, DIAG_E0423, e->span, "%.*s only borrows this: it is lent with `&`", STR_ARG(callee_text(callee)));
  bool name = e->kind == EX_NAME && e->ref == REF_LOCAL;
  if (name) diag_hint(diag, "write `&%.*s`", STR_ARG(e->local->name->text));
  else diag_hint(diag, "only names are lent: bind it with `let` first");
  note_callee(diag, callee);
}

static void check_arg(Checker *c, Arg *arg, const Callee *callee) {
  if (arg->param >= callee->count) {
    check_value(c, arg->value);
    return;
  }
  const Name *name = callee->names ? callee->names[arg->param] : NULL;
  Want want = {.ty = callee->params[arg->param],
               .what = name ? "the argument" : "this argument",
               .name = name,
               .source = callee->source,
               .span = callee->span,
               .note = "declared here"};
  bool lent = callee->lent && callee->lent->items[arg->param].lent;
  if (callee->looks) {
    check_same(c, arg->value->span, check_looked_at(c, arg->value), &want);
  } else if (arg->value->kind != EX_LEND) {
    check_expr(c, arg->value, &want);
    if (lent) must_lend(c, arg->value, callee);
  } else if (lent) {
    check_borrow(c, arg->value, &want);
  } else {
    not_lent(c, arg->value, callee);
  }
}

void check_args(Checker *c, Expr *e, const Callee *callee) {
  place_args(c, e, callee);
  for (u32 i = callee->skip_first; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    if (arg->value && !arg->spread && arg->value->kind != EX_FN) check_arg(c, arg, callee);
  }
  for (u32 i = callee->skip_first; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    if (arg->value && !arg->spread && !arg->value->type) check_arg(c, arg, callee);
  }
}

void check_args_loosely(Checker *c, Expr *e) {
  for (u32 i = 0; i < e->args.count; i++) {
    Expr *value = e->args.items[i].value;
    if (value && value->kind == EX_LEND) value = value->object;
    if (value && !value->type) check_value(c, value);
  }
}

const Name **check_param_names(const Params *params) {
  const Name **names = gc_array(const Name *, params->count + 1);
  for (u32 i = 0; i < params->count; i++) {
    const Pat *pattern = params->items[i].pattern;
    if (pattern && pattern->kind == PAT_NAME) names[i] = pattern->name.name;
  }
  return names;
}

static void no_spread(Checker *c, Expr *e) {
  for (u32 i = 0; i < e->args.count; i++) {
    if (e->args.items[i].spread && e->args.items[i].value) {
      check_error(c, DIAG_E0227, e->args.items[i].value->span,
                  "`..` copies the fields of a value into a constructor, and this is none");
    }
  }
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static bool type_count_fits(Checker *c, Ident name, u32 wanted, u32 given, Span span) {
  if (given == wanted) return true;
  check_error(c, DIAG_E0216, span, "`%.*s` has %u type parameter%s, but %u type argument%s given", STR_ARG(name.name->text),
              wanted, wanted == 1 ? "" : "s", given, given == 1 ? " is" : "s are");
  return false;
}

// Those of a dot call, or of a callee `f[T]`, which is about to go: the call keeps them.
static TypeExpr **written_type_args(Expr *e, u32 *count) {
  if (e->kind == EX_CALL && e->object && e->object->kind == EX_INST) e->type_args = e->object->type_args;
  *count = e->type_args ? e->type_args->count : 0;
  return e->type_args ? e->type_args->items : NULL;
}

static void fix_type_args(Checker *c, Expr *e, FnDecl *fn, TypeExpr **types, u32 count, Span span) {
  if (!type_count_fits(c, fn->name, node_of_fn(fn)->written, count, span)) return;
  for (u32 i = 0; i < count; i++) {
    Ty *ty = check_type(c, types[i]);
    if (e->inst) check_same(c, types[i]->span, ty, &(Want){.ty = e->inst[i]});
  }
}

// A helper sees the state, so closures and tasks, which may run elsewhere, can't call it.
static void helper_in_reach(Checker *c, const FnDecl *fn, Span at) {
  if (!fn->actor || !locals_detached(c)) return;
  Diag *diag =
      check_error(c, DIAG_E0417, at, "a closure or task can't call the helper `%.*s`: it sees the state of its actor",
                  STR_ARG(fn->name.name->text));
  diag_hint(diag, "a function at the top of the module can be called from anywhere");
}

// ---- Functions that the compiler knows -------------------------------------------------------------------------------

CallKind check_call_kind(const FnDecl *fn) {
  if (!fn->home->source->library || fn->actor || fn->block || !fn->name.name) return CALL_FN;
  Str home = fn->home->name, name = fn->name.name->text;
  if (str_eq(home, STR("option"))) return str_eq(name, STR("take")) ? CALL_TAKE : CALL_FN;
  if (!str_eq(home, STR("prelude"))) return CALL_FN;
  if (str_eq(name, STR("show"))) return CALL_SHOW;
  if (str_eq(name, STR("ended"))) return CALL_ENDED;
  return str_eq(name, STR("replace")) ? CALL_REPLACE : CALL_FN;
}

// Of plain references `ended` is a function like others; of sessions it is not generic.
static void check_ended(Checker *c, Expr *e) {
  Expr *of = e->args.count ? e->args.items[0].value : NULL;
  e->call = CALL_FN;
  if (!of || !of->type) return;
  Ty *ty = ty_resolve(of->type);
  if (ty->kind == TY_REF && ty->interface->is_unique) e->call = CALL_ENDED;
  else check_plain(c, of->span, ty, "ended");
}

// replace(&x, v) and option.take(&x): an assignment to x. The name comes first; where it stands among the arguments makes no
// difference, since nothing happens there.
static void check_replaced(Checker *c, Expr *e) {
  for (u32 i = 1; i < e->args.count; i++) {
    Arg arg = e->args.items[i];
    if (arg.param) continue;
    e->args.items[i] = e->args.items[0];
    e->args.items[0] = arg;
  }
  Expr *name = e->args.count ? e->args.items[0].value : NULL;
  if (name && name->kind == EX_LEND) name = name->object;
  if (!name || ty_bad(name->type)) return;
  if (name->kind != EX_NAME || name->ref != REF_LOCAL) {
    check_error(c, DIAG_E0423, name->span, "only what a `var` holds can be taken out of it");
    return;
  }
  Local *local = name->local;
  local->assigned = true;
  check_note_replace(c, name);
  if (local->kind == LOCAL_STATE_VAR && c->body && !locals_detached(c)) c->body->effects |= EFFECT_ASSIGNS;
}

Ty *check_call_fn(Checker *c, Expr *e, FnDecl *fn, bool dot, Span at) {
  u32 type_count;
  TypeExpr **types = written_type_args(e, &type_count);
  e->kind = EX_CALL;
  CallKind kind = e->call = check_call_kind(fn);
  e->object = NULL;
  helper_in_reach(c, fn, at);
  no_spread(c, e);
  resolve_depend(c->module, fn->home);
  check_note_call(c, fn, at);
  Ty *ty = ty_resolve(check_instantiate(c, e, fn, at));
  if (type_count) fix_type_args(c, e, fn, types, type_count, at);
  Callee callee = {.kind = fn->actor ? "helper" : "function",
                   .name = fn->name.name,
                   .count = ty_fn_params(ty),
                   .params = ty->args,
                   .names = check_param_names(&fn->params),
                   .lent = &fn->params,
                   .looks = kind == CALL_SHOW || kind == CALL_ENDED,
                   .skip_first = dot,
                   .source = fn->home->source,
                   .span = fn->name.span};
  if (dot && callee.count && e->args.items[0].value) {
    Expr *object = e->args.items[0].value;
    check_same(c, object->span, object->type,
               &(Want){.ty = ty->args[0],
                       .what = "what is called on",
                       .name = fn->name.name,
                       .source = callee.source,
                       .span = callee.span,
                       .note = "declared here"});
  }
  check_args(c, e, &callee);
  if (kind == CALL_ENDED) check_ended(c, e);
  if (kind == CALL_REPLACE || kind == CALL_TAKE) check_replaced(c, e);
  for (u32 i = 0; i < e->args.count; i++) {
    const Arg *arg = &e->args.items[i];
    locals_note_user(c, arg->value, e);
    if (kind == CALL_FN && arg->param < fn->params.count && fn->params.items[arg->param].lent) check_note_lend(c, arg->value, fn, arg->param);
  }
  return ty_fn_result(ty);
}

// ---- Constructors ---------------------------------------------------------------------------------------------------

static void check_spread(Checker *c, Expr *e, CtorDecl *ctor, Ty *result) {
  bool seen = false;
  for (u32 i = 0; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    if (!arg->spread || !arg->value) {
      if (arg->value && seen && !arg->name.name)
        check_error(c, DIAG_E0227, arg->value->span, "after `..` the changed fields are named: `field: value`");
      continue;
    }
    if (seen) check_error(c, DIAG_E0227, arg->value->span, "only one value can be copied with `..`");
    seen = true;
    if (ctor->owner->ctors.count != 1) {
      check_error(c, DIAG_E0227, arg->value->span, "`..` serves types with one constructor, and %.*s has %u",
                  STR_ARG(ctor->owner->name.name->text), ctor->owner->ctors.count);
    }
    check_is(c, arg->value, result, "what `..` copies");
    check_plain(c, arg->value->span, result, "..");
  }
}

Ty *check_call_ctor(Checker *c, Expr *e, CtorDecl *ctor) {
  u32 type_count;
  TypeExpr **types = written_type_args(e, &type_count);
  e->kind = EX_CALL;
  e->call = CALL_CTOR;
  e->ctor = ctor;
  e->object = NULL;
  resolve_depend(c->module, ctor->owner->home);
  Ty *result, **fields;
  check_instantiate_ctor(c, ctor, e->span, &result, &fields);
  if (type_count && type_count_fits(c, ctor->owner->name, ctor->owner->generics.count, type_count, e->span)) {
    for (u32 i = 0; i < type_count; i++)
      check_same(c, types[i]->span, check_type(c, types[i]), &(Want){.ty = result->args[i]});
  }
  u32 count = ctor->fields.count;
  const Name **names = gc_array(const Name *, count + 1);
  for (u32 i = 0; i < count; i++) names[i] = ctor->fields.items[i].name.name;
  check_spread(c, e, ctor, result);
  Callee callee = {.kind = "constructor",
                   .name = ctor->name.name,
                   .count = count,
                   .params = fields,
                   .names = names,
                   .source = ctor->owner->home->source,
                   .span = ctor->name.span};
  check_args(c, e, &callee);
  return result;
}

// ---- Values ---------------------------------------------------------------------------------------------------------

static void not_a_function(Checker *c, Expr *e, Ty *ty) {
  Diag *diag = check_error(c, DIAG_E0207, e->object->span, "this is %.*s, which can't be called", STR_ARG(ty_text(ty)));
  bool nullary = e->object->kind == EX_NAME && e->object->ref == REF_CTOR;
  if (nullary) diag_hint(diag, "the constructor has no fields, and is written without parentheses");
  if (ty->kind == TY_REF) diag_hint(diag, "a message is sent with `!`: `r ! name(..)`");
}

static Ty *call_open(Checker *c, Expr *e, Ty *ty) {
  u32 count = e->args.count;
  Ty **params = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) {
    Expr *value = e->args.items[i].value;
    params[i] = value ? check_value(c, value) : ty_basic(TY_ERROR);
    if (value) check_plain(c, value->span, params[i], "a closure");
    e->args.items[i].param = i;
    if (e->args.items[i].name.name) unknown_argument(c, &(Callee){.kind = "closure"}, e->args.items[i].name);
  }
  Ty *result = check_plain_var(c, e->span, "a closure");
  check_same(c, e->object->span, ty_fn(count, params, result), &(Want){.ty = ty, .what = "what is called"});
  return result;
}

static Ty *call_value(Checker *c, Expr *e) {
  e->call = CALL_VALUE;
  no_spread(c, e);
  Ty *ty = check_value(c, e->object);
  if (ty->kind == TY_VAR) return call_open(c, e, ty);
  if (ty->kind == TY_FN) {
    Callee callee = {.kind = "function", .count = ty_fn_params(ty), .params = ty->args};
    check_args(c, e, &callee);
    return ty_fn_result(ty);
  }
  if (ty->kind != TY_ERROR) not_a_function(c, e, ty);
  check_args_loosely(c, e);
  return ty_basic(TY_ERROR);
}

// ---- What is called -------------------------------------------------------------------------------------------------

static Ty *call_symbol(Checker *c, Expr *e, Symbol *symbol, Span at) {
  if (symbol->import) symbol->import->used = true;
  if (symbol->kind == SYMBOL_FN) return check_call_fn(c, e, symbol->fn, false, at);
  if (symbol->kind == SYMBOL_CTOR && symbol->ctor->fields.count) return check_call_ctor(c, e, symbol->ctor);
  return call_value(c, e);
}

static Ty *call_upper(Checker *c, Expr *e, Expr *callee) {
  CtorDecl *ctor = check_find_ctor(c, (Ident){0}, callee->name);
  if (ctor && (ctor->fields.count || !e->args.count)) return check_call_ctor(c, e, ctor);
  if (ctor) return call_value(c, e);
  check_args_loosely(c, e);
  return ty_basic(TY_ERROR);
}

static Ty *call_name(Checker *c, Expr *e, Expr *callee) {
  const Name *name = callee->name.name;
  if (!name || locals_find(c, name)) return call_value(c, e);
  FnDecl *fn = check_find_fn(c, name);
  if (fn) return check_call_fn(c, e, fn, false, callee->span);
  if (resolve_name(c->module, SPACE_VALUES, name)) return call_value(c, e);
  check_unknown(c, callee->name);
  check_args_loosely(c, e);
  return ty_basic(TY_ERROR);
}

Ty *check_call(Checker *c, Expr *e) {
  Expr *callee = e->object;
  if (!callee) {
    check_args_loosely(c, e);
    return ty_basic(TY_ERROR);
  }
  if (callee->kind == EX_INST && callee->object) callee = callee->object;
  bool inst = callee != e->object;
  if (callee->kind == EX_UPPER) return call_upper(c, e, callee);
  if (callee->kind == EX_DOT && callee->object) {
    bool was_module;
    Symbol *symbol = check_qualified(c, callee->object, callee->name, callee->span, &was_module);
    if (symbol) return call_symbol(c, e, symbol, callee->span);
    if (was_module) {
      check_args_loosely(c, e);
      return ty_basic(TY_ERROR);
    }
  }
  FnDecl *fn = inst && callee->kind == EX_NAME && callee->name.name && !locals_find(c, callee->name.name)
                   ? check_find_fn(c, callee->name.name)
                   : NULL;
  if (inst && !fn) {
    check_error(c, DIAG_E0216, e->object->span, "only declared functions take type arguments");
    check_args_loosely(c, e);
    return ty_basic(TY_ERROR);
  }
  if (fn) return check_call_fn(c, e, fn, false, callee->span);
  return callee->kind == EX_NAME ? call_name(c, e, callee) : call_value(c, e);
}
