// Control: blocks and their statements, branches, loops, closures, leaving, `let` and assignment.
#include "bytecode/front/check.h"

// ---- Blocks ---------------------------------------------------------------------------------------------------------

// What a statement that does nothing is called in the message, or NULL if it may do something.
static const char *idle(ExprKind kind) {
  switch (kind) {
    case EX_INT:
    case EX_FLOAT:
    case EX_DURATION:
    case EX_STRING:
    case EX_BYTES:
    case EX_BOOL:
    case EX_INTERP:
    case EX_TUPLE:
    case EX_LIST:
    case EX_MAP: return "a literal";
    case EX_NAME:
    case EX_UPPER:
    case EX_SELF: return "a name";
    case EX_DOT:
    case EX_ELEM:
    case EX_INDEX: return "a part of a value";
    case EX_UNARY:
    case EX_BINARY:
    case EX_AND:
    case EX_OR:
    case EX_NOT:
    case EX_RANGE:
    case EX_AS:
    case EX_LEND: return "an operator";
    case EX_FN: return "a closure";
    case EX_INST:
    case EX_CALL:
    case EX_DOT_CALL:
    case EX_SEND:
    case EX_SPAWN:
    case EX_TRY:
    case EX_AWAIT:
    case EX_OUTCOME:
    case EX_IF:
    case EX_MATCH:
    case EX_WHEN:
    case EX_FOR:
    case EX_WHILE:
    case EX_TASK:
    case EX_BLOCK:
    case EX_RETURN:
    case EX_CRASH:
    case EX_ASSERT:
    case EX_BREAK:
    case EX_CONTINUE:
    case EX_STOP:
    case EX_LET:
    case EX_ASSIGN:
    case EX_ERROR: return NULL;
  }
  return NULL;
}

static void statement(Checker *c, Expr *e) {
  const char *nothing = idle(e->kind);
  if (nothing) {
    Diag *diag = check_error(c, DIAG_E0223, e->span, "this statement is only %s: its value goes nowhere", nothing);
    diag_hint(diag, "a newline ends a statement; `let _ =` says that the value does not matter");
  }
  check_expr(c, e, &(Want){.drop = true});
}

static Ty *no_value(Checker *c, Expr *e, const Want *want) { return check_settle(c, e, ty_basic(TY_UNIT), want); }

// What an `if`, `match` or block is, given the type of its tails.
static Ty *branch_type(Ty *tails, const Want *want) {
  if (!want || want->drop || ty_is(tails, TY_NEVER)) return tails;
  return want->ty ? ty_resolve(want->ty) : tails;
}

// The type that stands for two tails. Where they are dropped they may differ, and then it is () only if both are.
static Ty *join_tails(Ty *first, Ty *second) {
  return ty_is(first, TY_NEVER) || (ty_is(first, TY_UNIT) && !ty_is(second, TY_NEVER)) ? second : first;
}

Ty *check_block(Checker *c, Expr *e, const Want *want) {
  if (!e->items.count) {
    e->type = ty_basic(TY_UNIT);
    return no_value(c, e, want);
  }
  u32 mark = locals_open(c);
  for (u32 i = 0; i + 1 < e->items.count; i++) statement(c, e->items.items[i]);
  Ty *ty = check_expr(c, vec_last(&e->items), want);
  locals_close(c, mark);
  return branch_type(ty, want);
}

// ---- Branches -------------------------------------------------------------------------------------------------------

Ty *check_if(Checker *c, Expr *e, const Want *want) {
  check_is(c, e->cond, ty_basic(TY_BOOL), "a condition");
  if (!e->otherwise) {
    check_expr(c, e->then, &(Want){.drop = true});
    if (want && want->ty && !want->drop && !ty_is(want->ty, TY_VAR) && !ty_is(want->ty, TY_UNIT) && !ty_bad(want->ty)) {
      Diag *diag = check_error(c, DIAG_E0201, e->span, "an `if` without `else` has no value, but %.*s is wanted here",
                               STR_ARG(ty_text(want->ty)));
      diag_hint(diag, "add an `else`");
      return ty_basic(TY_ERROR);
    }
    return no_value(c, e, want);
  }
  Ty *first = check_expr(c, e->then, want);
  if (want && (want->ty || want->drop)) {
    Ty *second = check_expr(c, e->otherwise, want);
    return branch_type(join_tails(first, second), want);
  }
  if (ty_is(first, TY_NEVER)) return check_expr(c, e->otherwise, NULL);
  Want same = {.ty = first,
               .what = "both branches of an `if`; the second",
               .source = c->source,
               .span = e->then->span,
               .note = "the first gives this type"};
  u32 errors = c->diags->errors;
  check_expr(c, e->otherwise, &same);
  return c->diags->errors == errors ? first : ty_basic(TY_ERROR);  // either may be meant
}

static void check_arm_guard(Checker *c, Expr *guard) {
  ArmGuard *outer = c->arm_guard, *inner = gc_new(ArmGuard);
  u32 loops = c->loops;
  Body *body = c->body;
  c->body = NULL;  // what the guard does is no effect of the body around it: it does nothing
  *inner = (ArmGuard){body, check_body_new(c, BODY_GUARD), guard->span};
  c->body = body;
  c->arm_guard = inner;
  c->loops = 0;  // it leaves none of those around it
  check_is(c, guard, ty_basic(TY_BOOL), "a guard");
  c->loops = loops;
  c->arm_guard = outer;
  vec_push(&c->arm_guards, inner);
}

Ty *check_arms(Checker *c, Expr *e, Ty *object, const Want *want) {
  Ty *tails = ty_basic(TY_NEVER);
  Want same = {.what = "every arm", .source = c->source, .note = "the first arm gives this type"};
  bool differ = false;
  for (u32 i = 0; i < e->arms.count; i++) {
    Arm *arm = &e->arms.items[i];
    u32 mark = locals_open(c);
    check_pattern(c, arm->pattern, object, LOCAL_LET);
    if (e->kind == EX_MATCH && e->looks) check_look(e->object, arm->pattern);
    if (arm->guard) check_arm_guard(c, arm->guard);
    const Want *here = want && (want->ty || want->drop) ? want : same.ty ? &same : NULL;
    u32 errors = c->diags->errors;
    Ty *ty = check_expr(c, arm->value, here);
    differ |= here == &same && c->diags->errors > errors;
    locals_close(c, mark);
    tails = join_tails(tails, ty);
    if (same.ty || ty_is(ty, TY_NEVER)) continue;
    same.ty = ty;
    if (arm->value) same.span = arm->value->span;
  }
  return differ ? ty_basic(TY_ERROR) : branch_type(tails, want);
}

Ty *check_match(Checker *c, Expr *e, const Want *want) {
  Ty *object = check_place(c, e->object);
  e->looks = check_only_looks(c, e->object);
  Ty *ty = check_arms(c, e, object, want);
  vec_push(&c->matches, e);
  return ty;
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

static Ty *entry_of(Ty *map) {
  Ty **items = gc_array(Ty *, 2);
  items[0] = map->args[0];
  items[1] = map->args[1];
  return ty_tuple(2, items);
}

static Ty *iterated_data(Checker *c, Ty *ty) {
  TypeDecl *decl = ty->decl;
  if (!decl->home->source->library) return NULL;
  Str name = decl->name.name->text;
  const char *helper = NULL;
  Ty *element = NULL;
  if (str_eq(name, STR("Range"))) return ty_basic(TY_INT);
  if (str_eq(name, STR("Map")) && ty->count == 2) element = entry_of(ty), helper = "items";
  if (str_eq(name, STR("Set")) && ty->count == 1) element = ty->args[0], helper = "to_list";
  FnDecl *fn = helper ? resolve_function(decl->home, helper) : NULL;
  if (fn) effects_add_call(&c->effects, c->body, fn, (Span){0});
  return element;
}

// The type of what `for` goes over, or Error.
static Ty *iterated(Checker *c, Expr *object) {
  // A loop lends what it goes over by itself: `&` belongs to calls.
  Ty *ty = object->kind == EX_LEND ? check_expr(c, object, NULL) : check_looked_at(c, object), *element = NULL;
  if (ty->kind == TY_ERROR || !check_known(c, ty, object->span, "`for`")) return ty_basic(TY_ERROR);
  if (ty->kind == TY_LIST || ty->kind == TY_ARRAY) return ty->args[0];
  if (ty->kind == TY_BUF) return ty_basic(TY_INT);
  if (ty->kind == TY_BYTES && resolve_library(c->front, c->module, "bytes", object->span)) return ty_basic(TY_INT);
  if (ty->kind == TY_DATA) {
    element = iterated_data(c, ty);
    resolve_depend(c->module, ty->decl->home);
  }
  if (element) return element;
  Diag *diag = check_error(c, DIAG_E0228, object->span, "`for` can't go over %.*s", STR_ARG(ty_text(ty)));
  diag_hint(diag, ty->kind == TY_INT ? "a range of numbers is written `0..n`"
                                     : "it goes over lists, arrays, ranges, maps, sets, bytes and buffers");
  return ty_basic(TY_ERROR);
}

Ty *check_loop(Checker *c, Expr *e) {
  u32 mark = locals_open(c);
  if (e->kind == EX_FOR) {
    Ty *element = iterated(c, e->object);
    check_pattern(c, e->pattern, element, LOCAL_LET);
    check_must_match(c, e->pattern, "a `for`");
  } else {
    check_is(c, e->cond, ty_basic(TY_BOOL), "a condition");
  }
  c->loops++;
  check_expr(c, e->block, &(Want){.drop = true});
  c->loops--;
  locals_close(c, mark);
  return ty_basic(TY_UNIT);
}

// ---- Closures -------------------------------------------------------------------------------------------------------

static Ty *closure_param(Checker *c, Param *param, Ty *expected) {
  Span span = param->pattern ? param->pattern->span : (Span){0};
  if (!param->type) return param->ty = expected ? ty_value(expected) : check_plain_var(c, span, "a closure");
  param->ty = check_type(c, param->type);
  if (!check_able(c, param->type->span, param->ty, CONSTRAINT_PLAIN, "a closure")) return param->ty = ty_basic(TY_ERROR);
  if (expected && param->pattern) {
    check_same(c, param->pattern->span, param->ty, &(Want){.ty = expected, .what = "this parameter of the closure"});
  }
  return param->ty;
}

Ty *check_closure(Checker *c, Expr *e, const Want *want) {
  u32 count = e->params.count;
  Ty *expected = want && want->ty ? ty_resolve(want->ty) : NULL;
  if (expected && (expected->kind != TY_FN || ty_fn_params(expected) != count)) expected = NULL;
  Body *body = e->body = check_body_new(c, BODY_CLOSURE), *outer = c->body;
  u32 mark = locals_open(c);
  Ty **params = gc_array(Ty *, count + 1);
  c->body = body;
  for (u32 i = 0; i < count; i++) {
    Param *param = &e->params.items[i];
    params[i] = closure_param(c, param, expected ? expected->args[i] : NULL);
  }
  check_params(c, &e->params, LOCAL_LET);
  c->body = outer;
  body->result = e->type_expr ? check_type(c, e->type_expr)
                 : expected   ? ty_fn_result(expected)
                              : check_plain_var(c, e->span, "a closure");
  if (e->type_expr) check_plain(c, e->type_expr->span, body->result, "a closure");
  Want result = {.ty = body->result, .what = "the result of this closure"};
  if (e->type_expr)
    result.source = c->source, result.span = e->type_expr->span, result.note = "the result type is written here";
  else if (want) result.source = want->source, result.span = want->span, result.note = want->note;
  check_body_block(c, body, e->block, result);
  locals_close(c, mark);
  return ty_fn(count, params, body->result);
}

// ---- Leaving --------------------------------------------------------------------------------------------------------

static const char *body_name(const Body *body) {
  switch (body->kind) {
    case BODY_FN:
    case BODY_HELPER: return "function";
    case BODY_HANDLER: return "handler";
    case BODY_CLOSURE: return "closure";
    case BODY_TASK: return "`task` block";
    case BODY_WHEN: return "`when` block";
    case BODY_TEST: return "test";
    case BODY_GUARD: return "guard";
    case BODY_INIT: return "initialiser";
    case BODY_CONST: return "constant";
  }
  return "function";
}

static bool may_leave(Checker *c, Span span, const char *word) {
  if (!c->body || c->body->kind == BODY_GUARD || c->body->kind == BODY_INIT || c->body->kind == BODY_CONST) {
    check_error(c, DIAG_E0230, span, "`%s` leaves a function, and a %s is none", word,
                c->body ? body_name(c->body) : "constant");
    return false;
  }
  if (c->arm_guard && c->arm_guard->within == c->body) {
    check_error(c, DIAG_E0230, span, "`%s` leaves a function, and a guard only looks", word);
    return false;
  }
  return true;
}

Ty *check_return(Checker *c, Expr *e) {
  if (!may_leave(c, e->span, "return")) {
    if (e->object) check_value(c, e->object);
    return ty_basic(TY_NEVER);
  }
  Body *body = c->body;
  bool drops = body->kind == BODY_TEST || (body->kind == BODY_HANDLER && !body->answers);
  Want want = {.ty = body->result, .answers = body->answers, .what = "what this returns"};
  if (e->object) {
    check_expr(c, e->object, drops ? &(Want){.drop = true} : &want);
  } else if (!drops) {
    check_same(c, e->span, ty_basic(TY_UNIT), &want);
  }
  return ty_basic(TY_NEVER);
}

static bool is_data(Ty *ty, const char *name) {
  return ty->kind == TY_DATA && ty->decl->home->source->library && ty->decl->name.name &&
         str_eq(ty->decl->name.name->text, str_from(name));
}

static void try_outside(Checker *c, Expr *e, Ty *object, Ty *result) {
  const char *name = is_data(object, "Result") ? "a Result" : "an Option";
  Diag *diag = check_error(c, DIAG_E0219, e->span, "`try` returns what is not there, but this %s gives %.*s, not %s",
                           body_name(c->body), STR_ARG(ty_text(result)), name);
  if (is_data(object, "Option") && is_data(result, "Result")) {
    diag_hint(diag, "turn the Option into a Result first, with `match`");
  } else {
    diag_hint(diag, "use `match`, or let the %s give %s", body_name(c->body), name);
  }
}

// The rest of the Result or Option must fit the body's result.
static void try_leaves(Checker *c, Expr *e, Ty *object) {
  Ty *result = ty_resolve(c->body->result);
  if (c->body->kind == BODY_TEST || (c->body->kind == BODY_HANDLER && !c->body->answers)) result = ty_basic(TY_UNIT);
  if (result->kind == TY_ERROR) return;
  bool has_error = object->count == 2;
  if (result->kind == TY_VAR) {
    Ty **args = gc_array(Ty *, 2);
    args[0] = ty_var();
    if (has_error) args[1] = object->args[1];
    check_same(c, e->span, ty_data(object->decl, object->count, args), &(Want){.ty = result, .what = "the result"});
    return;
  }
  if (result->kind != TY_DATA || result->decl != object->decl) {
    try_outside(c, e, object, result);
    return;
  }
  if (has_error)
    check_same(c, e->span, object->args[1], &(Want){.ty = result->args[1], .what = "the error that `try` hands on"});
}

Ty *check_try(Checker *c, Expr *e) {
  Ty *ty = check_value(c, e->object);
  if (!may_leave(c, e->span, "try") || ty->kind == TY_ERROR) return ty_basic(TY_ERROR);
  if (!check_known(c, ty, e->object->span, "`try`")) return ty_basic(TY_ERROR);
  if (!is_data(ty, "Result") && !is_data(ty, "Option")) {
    Diag *diag =
        check_error(c, DIAG_E0219, e->span, "`try` takes a Result or an Option, and this is %.*s", STR_ARG(ty_text(ty)));
    if (ty->kind == TY_PROMISE) diag_hint(diag, "`try await` waits for the answer first");
    return ty_basic(TY_ERROR);
  }
  try_leaves(c, e, ty);
  return ty->args[0];
}

// ---- Binding and assigning ------------------------------------------------------------------------------------------

// What a `let` takes apart, it may take apart where it is; a name keeps it.
static Ty *let_value(Checker *c, Expr *e) {
  const Expr *outer = c->place;
  bool apart = !e->is_var && e->pattern->kind != PAT_NAME && e->pattern->kind != PAT_WILD;
  if (apart) c->place = e->value;
  Ty *ty;
  if (e->type_expr) {
    ty = check_type(c, e->type_expr);
    Want want = {
        .ty = ty, .what = "this value", .source = c->source, .span = e->type_expr->span, .note = "the annotation says so"};
    check_expr(c, e->value, &want);
  } else {
    ty = check_value(c, e->value);
  }
  c->place = outer;
  e->looks = apart && check_only_looks(c, e->value);
  return ty;
}

Ty *check_let(Checker *c, Expr *e) {
  Ty *ty = let_value(c, e);
  if (e->otherwise) {
    Ty *other = check_expr(c, e->otherwise, &(Want){.drop = true});
    if (!ty_is(other, TY_NEVER) && !ty_bad(other)) {
      Diag *diag = check_error(c, DIAG_E0224, e->otherwise->span,
                               "the `else` of a `let` must leave: nothing would be bound after it");
      diag_hint(diag, "end it with return, break, continue, crash or stop");
    }
  }
  check_pattern(c, e->pattern, ty, e->is_var ? LOCAL_VAR : LOCAL_LET);
  if (e->looks) check_look(e->value, e->pattern);
  if (!e->otherwise) check_must_match(c, e->pattern, e->is_var ? "a `var`" : "a `let`");
  return ty_basic(TY_UNIT);
}

static void refuse_assignment(Checker *c, Expr *left, const Local *local) {
  Str name = left->name.name->text;
  Diag *diag = check_error(c, DIAG_E0220, left->span, "`%.*s` can't be assigned: it is not a `var`", STR_ARG(name));
  if (local) diag_note(diag, c->source, local->span, "it gets its one value here");
  if (local && (local->kind == LOCAL_LET || local->kind == LOCAL_STATE_LET))
    diag_hint(diag, "`var %.*s` would let it change", STR_ARG(name));
}

static Ty *assigned_name(Checker *c, Expr *left, bool reads) {
  if (!left->name.name) return ty_basic(TY_ERROR);
  Local *local = locals_find(c, left->name.name);
  if (!local) {
    if (resolve_name(c->module, SPACE_VALUES, left->name.name)) refuse_assignment(c, left, NULL);
    else check_unknown(c, left->name);
    return ty_basic(TY_ERROR);
  }
  left->ref = REF_LOCAL;
  left->local = local;
  left->type = local->type;
  if (local->kind != LOCAL_VAR && local->kind != LOCAL_STATE_VAR) {
    refuse_assignment(c, left, local);
    return ty_basic(TY_ERROR);
  }
  bool used = local->used;
  locals_use(c, local, left->span);
  if (!reads) local->used = used;
  local->assigned = true;
  if (check_guard_sees(c, local))
    check_error(c, DIAG_E0409, left->span, "a guard only looks: it can't assign `%.*s`", STR_ARG(left->name.name->text));
  if (local->kind == LOCAL_STATE_VAR && c->body && !locals_detached(c)) c->body->effects |= EFFECT_ASSIGNS;
  return local->type;
}

static Ty *assigned_element(Checker *c, Expr *left) {
  Ty *ty = check_place(c, left->left);
  check_is(c, left->right, ty_basic(TY_INT), "an index");
  if (ty->kind == TY_ERROR || !check_known(c, ty, left->left->span, "`[ ]`")) return ty_basic(TY_ERROR);
  if (ty->kind == TY_ARRAY || ty->kind == TY_BUF) {
    check_note_change(c, left->left);
    return ty->kind == TY_ARRAY ? ty->args[0] : ty_basic(TY_INT);
  }
  Diag *diag = check_error(c, DIAG_E0220, left->span, "an element of %.*s can't be assigned: values are immutable",
                           STR_ARG(ty_text(ty)));
  diag_hint(diag, "make a changed copy instead");
  return ty_basic(TY_ERROR);
}

// `a[i] *= 2` of a Duration becomes `a[i] = time.scale(a[i], 2)`: so evaluating `a` and `i` must do nothing.
static bool may_write_twice(Checker *c, const Expr *left) {
  if (left->kind != EX_INDEX) return true;
  ExprKind index = left->right->kind;
  if (left->left->kind == EX_NAME && (index == EX_NAME || index == EX_INT)) return true;
  Diag *diag = check_error(c, DIAG_E0220, left->span, "this operator needs a plain name, and a name or a number as index, on its left");
  diag_hint(diag, "bind the index with `let` first");
  return false;
}

Ty *check_assign(Checker *c, Expr *e) {
  Expr *left = e->left;
  if (!left || (left->kind != EX_NAME && left->kind != EX_INDEX)) {
    if (e->right) check_value(c, e->right);
    return ty_basic(TY_UNIT);
  }
  Ty *target = left->kind == EX_NAME ? assigned_name(c, left, e->op != OPERATOR_NONE) : assigned_element(c, left);
  left->type = target;
  const Name *name = left->kind == EX_NAME ? left->name.name : NULL;
  if (e->op == OPERATOR_NONE) {
    Want want = {.ty = target, .what = "what is assigned to", .name = name};
    if (left->kind == EX_NAME && left->local)
      want.source = c->source, want.span = left->local->span, want.note = "declared here";
    check_expr(c, e->right, ty_bad(target) ? NULL : &want);
    return ty_basic(TY_UNIT);
  }
  const char *library = NULL;
  Ty *right = check_value(c, e->right);
  Ty *result = check_binary_types(c, e, target, right, &library);
  check_same(c, e->span, result, &(Want){.ty = target, .what = "what is assigned to", .name = name});
  if (!library || !may_write_twice(c, left)) return ty_basic(TY_UNIT);
  ModuleAst *home = resolve_library(c->front, c->module, "time", e->span);
  FnDecl *fn = home ? resolve_function(home, library) : NULL;
  if (!fn) return ty_basic(TY_UNIT);
  Expr *copy = gc_new(Expr);
  *copy = *left;
  Expr *args[2] = {copy, e->right};
  e->op = OPERATOR_NONE;
  e->right = gc_new(Expr);
  e->right->span = e->span;
  check_become_call(c, e->right, fn, 2, args);
  return ty_basic(TY_UNIT);
}
