// Expressions: the dispatch over their kinds, what a value must be at its place, literals, collections and access.
//
// A Want travels down to the tails of blocks, ifs and matches, so that what does not fit is reported where it stands.
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"
#include "bytecode/module.h"

// ---- What is expected -----------------------------------------------------------------------------------------------

static bool is_result(Ty *ty) {
  return ty->kind == TY_DATA && ty->decl->home->source->library && ty->decl->name.name &&
         str_eq(ty->decl->name.name->text, STR("Result"));
}

static void drop(Checker *c, Expr *e, Ty *ty) {
  bool promise = ty->kind == TY_PROMISE && e->kind != EX_WHEN;
  if (!promise && !is_result(ty)) return;
  Diag *diag = check_error(
      c, DIAG_W0101, e->span,
      promise ? "the answer to this is dropped" : "this Result is dropped, and with it the error that it may hold");
  diag_hint(diag, promise ? "`await` it, or write `let _ =` to say that it does not matter"
                          : "use `try` or `match`, or write `let _ =` to say that it does not matter");
}

Ty *check_settle(Checker *c, Expr *e, Ty *ty, const Want *want) {
  ty = ty_resolve(ty);
  if (!want) return ty;
  if (want->drop) {
    drop(c, e, ty);
    return ty;
  }
  if (!want->ty || ty->kind >= TY_NEVER) return ty;
  if (want->answers && ty->kind == TY_PROMISE && !ty_is(want->ty, TY_PROMISE)) {
    e->forwards = true;
    check_same(c, e->span, ty->args[0], want);
    return ty;
  }
  check_same(c, e->span, ty, want);
  return ty;
}

Ty *check_value(Checker *c, Expr *e) { return ty_value(check_expr(c, e, NULL)); }

void check_is(Checker *c, Expr *e, Ty *ty, const char *what) { check_expr(c, e, &(Want){.ty = ty, .what = what}); }

// ---- Literals and collections ---------------------------------------------------------------------------------------

static Ty *interpolation(Checker *c, Expr *e) {
  for (u32 i = 0; i < e->items.count; i++) check_looked_at(c, e->items.items[i]);
  return ty_basic(TY_STRING);
}

static Ty *tuple(Checker *c, Expr *e, const Want *want) {
  u32 count = e->items.count;
  Ty *known = want && want->ty ? ty_resolve(want->ty) : NULL;
  Ty **items = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) {
    Want inner = {.ty = known && known->kind == TY_TUPLE && known->count == count ? known->args[i] : NULL,
                  .what = "this part of the tuple"};
    if (inner.ty && want->source) inner.source = want->source, inner.span = want->span, inner.note = want->note;
    Ty *ty = ty_value(check_expr(c, e->items.items[i], inner.ty ? &inner : NULL));
    items[i] = inner.ty && !ty_bad(inner.ty) ? inner.ty : ty;
  }
  Ty *ty = ty_tuple(count, items);
  if (ty_within_limits(ty)) return ty;
  check_error(c, DIAG_E0504, e->span, "the type of this tuple is too large");
  return ty_basic(TY_ERROR);
}

static Ty *list(Checker *c, Expr *e, const Want *want) {
  Ty *known = want && want->ty ? ty_resolve(want->ty) : NULL;
  Ty *element = known && known->kind == TY_LIST ? known->args[0] : check_plain_var(c, e->span, "a list");
  Ty *ty = ty_list(element);
  Want item = {.ty = element, .what = "the elements of this list"};
  for (u32 i = 0; i < e->items.count; i++) {
    bool spread = i < e->spread.count && e->spread.items[i];
    Want all = {
        .ty = ty, .what = "what `..` puts into this list", .source = item.source, .span = item.span, .note = item.note};
    check_expr(c, e->items.items[i], spread ? &all : &item);
    if (i) continue;
    item.source = c->source;
    item.span = e->items.items[0]->span;
    item.note = "the first one is here";
  }
  return ty;
}

static Expr *typed(ExprKind kind, Span span, Ty *ty) {
  Expr *e = gc_new(Expr);
  e->kind = kind;
  e->span = span;
  e->type = ty;
  return e;
}

static void map_items(Checker *c, Expr *e, Ty *key, Ty *value) {
  Want want_key = {.ty = key, .what = "the keys of this map"}, want_value = {.ty = value, .what = "the values of this map"};
  for (u32 i = 0; i + 1 < e->items.count; i += 2) {
    check_expr(c, e->items.items[i], &want_key);
    check_expr(c, e->items.items[i + 1], &want_value);
    if (i) continue;
    want_key.source = want_value.source = c->source;
    want_key.span = e->items.items[0]->span;
    want_value.span = e->items.items[1]->span;
    want_key.note = want_value.note = "the first one is here";
  }
}

// `["a": 1]` becomes map.from_items([("a", 1)]), `[:]` map.new().
static Ty *map(Checker *c, Expr *e) {
  Ty *ty = check_well_known(c, "Map", e->span);
  Ty *key = ty_bad(ty) || ty->count != 2 ? ty_var() : ty->args[0],
     *value = ty_bad(ty) || ty->count != 2 ? ty_var() : ty->args[1];
  map_items(c, e, key, value);
  if (ty_bad(ty)) return ty;
  check_able(c, e->span, key, CONSTRAINT_ORDERED, "a map's key");
  FnDecl *make = resolve_function(ty->decl->home, e->items.count ? "from_items" : "new");
  if (!make) {
    check_error(c, DIAG_E0108, e->span, "the library's module `map` lacks what map literals are made with");
    return ty_basic(TY_ERROR);
  }
  Ty **pair_types = gc_array(Ty *, 2);
  pair_types[0] = key;
  pair_types[1] = value;
  Ty *pair = ty_tuple(2, pair_types);
  Expr *items = typed(EX_LIST, e->span, ty_list(pair));
  for (u32 i = 0; i + 1 < e->items.count; i += 2) {
    Expr *item = typed(EX_TUPLE, (Span){e->items.items[i]->span.start, e->items.items[i + 1]->span.end}, pair);
    vec_push(&item->items, e->items.items[i]);
    vec_push(&item->items, e->items.items[i + 1]);
    vec_push(&items->items, item);
  }
  check_become_call(c, e, make, e->items.count ? 1 : 0, &items);
  check_same(c, e->span, e->type, &(Want){.ty = ty, .what = "this map"});
  return ty;
}

static Ty *range(Checker *c, Expr *e) {
  check_is(c, e->left, ty_basic(TY_INT), "the start of a range");
  check_is(c, e->right, ty_basic(TY_INT), "the end of a range");
  return check_well_known(c, "Range", e->span);
}

// ---- Access ---------------------------------------------------------------------------------------------------------

static bool is_part(const Expr *e) { return e->kind == EX_DOT || e->kind == EX_ELEM; }

Ty *check_place(Checker *c, Expr *e) {
  const Expr *outer = c->place;
  c->place = e;
  Ty *ty = check_value(c, e);
  c->place = outer;
  return ty;
}

bool check_part(Checker *c, Expr *e, Ty *ty) {
  if (!ty->has_vars && !ty_is_unique(ty)) return true;
  const Expr *root = e;
  while (is_part(root)) root = root->object;
  if (c->place == e && root->kind == EX_NAME && root->ref == REF_LOCAL) return true;
  Str name = e->kind == EX_DOT ? e->name.name->text : str_format("%lld", (long long)e->number);
  return check_able(c, e->span, ty, CONSTRAINT_PLAIN, str_format(".%.*s", STR_ARG(name)).ptr);
}

static Ty *element(Checker *c, Expr *e) {
  Ty *ty = check_place(c, e->object);
  if (ty->kind == TY_ERROR || !check_known(c, ty, e->object->span, "`.`")) return ty_basic(TY_ERROR);
  if (ty->kind != TY_TUPLE) {
    check_error(c, DIAG_E0236, e->span, "only tuples have numbered parts, and this is %.*s", STR_ARG(ty_text(ty)));
    return ty_basic(TY_ERROR);
  }
  if (e->number < 0 || e->number >= ty->count) {
    check_error(c, DIAG_E0236, e->span, "this tuple has the parts 0 to %u, and no part %lld", ty->count - 1,
                (long long)e->number);
    return ty_basic(TY_ERROR);
  }
  Ty *part = ty_resolve(ty->args[e->number]);
  return check_part(c, e, part) ? part : ty_basic(TY_ERROR);
}

static void no_index(Checker *c, Expr *e, Ty *ty) {
  Diag *diag = check_error(c, DIAG_E0235, e->span, "values of type %.*s have no `[ ]`", STR_ARG(ty_text(ty)));
  bool map = ty->kind == TY_DATA && str_eq(ty->decl->name.name->text, STR("Map"));
  if (ty->kind == TY_LIST || map) diag_hint(diag, "`.get(..)` gives an Option");
  if (ty->kind == TY_STRING) diag_hint(diag, "`.slice(from, to)` gives a part, `.chars()` all");
}

static Ty *subscript(Checker *c, Expr *e) {
  Ty *ty = check_place(c, e->left);
  check_is(c, e->right, ty_basic(TY_INT), "an index");
  if (ty->kind == TY_ERROR || !check_known(c, ty, e->left->span, "`[ ]`")) return ty_basic(TY_ERROR);
  if (ty->kind == TY_ARRAY) return ty->args[0];
  if (ty->kind == TY_BUF) return ty_basic(TY_INT);
  if (ty->kind != TY_BYTES) {
    no_index(c, e, ty);
    return ty_basic(TY_ERROR);
  }
  ModuleAst *home = resolve_library(c->front, c->module, "bytes", e->span);
  FnDecl *at = home ? resolve_function(home, "at") : NULL;
  if (!at) return ty_basic(TY_ERROR);
  Expr *args[2] = {e->left, e->right};
  check_become_call(c, e, at, 2, args);
  return e->type;
}

void check_become_call(Checker *c, Expr *e, FnDecl *fn, u32 count, Expr **args) {
  *e = (Expr){.kind = EX_CALL, .call = CALL_FN, .span = e->span, .height = e->height};
  resolve_depend(c->module, fn->home);
  effects_add_call(&c->effects, c->body, fn, e->span);
  Ty *ty = ty_resolve(check_instantiate(c, e, fn, e->span));
  for (u32 i = 0; i < count; i++) {
    vec_push(&e->args, ((Arg){.value = args[i], .param = i}));
    if (i < ty_fn_params(ty)) check_same(c, args[i]->span, args[i]->type, &(Want){.ty = ty->args[i]});
  }
  e->type = ty_fn_result(ty);
}

// ---- All expressions ------------------------------------------------------------------------------------------------

static Ty *boolean_operator(Checker *c, Expr *e) {
  const char *what = e->kind == EX_AND ? "what `and` joins" : "what `or` joins";
  check_is(c, e->left, ty_basic(TY_BOOL), what);
  check_is(c, e->right, ty_basic(TY_BOOL), what);
  return ty_basic(TY_BOOL);
}

static Ty *leaving(Checker *c, Expr *e) {
  if (e->kind == EX_CRASH) {
    if (e->object) check_is(c, e->object, ty_basic(TY_STRING), "the reason of a crash");
  } else if (e->kind == EX_STOP) {
    if (c->arm_guard || (c->body && c->body->kind == BODY_GUARD))
      check_error(c, DIAG_E0409, e->span, "a guard only looks: it can't stop the actor");
  } else if (!c->loops) {
    check_error(c, DIAG_E0222, e->span, "`%s` stands only inside a loop%s", e->kind == EX_BREAK ? "break" : "continue",
                c->arm_guard && c->arm_guard->within == c->body ? ", and a guard leaves none but its own" : "");
  }
  return ty_basic(TY_NEVER);
}

// Where what is lent would be kept, or nobody borrows it.
static Ty *lend(Checker *c, Expr *e) {
  Diag *diag = check_error(c, DIAG_E0423, e->span, "`&` lends a value for one call, and stands only before an argument");
  diag_hint(diag, "leave it out: what is passed, stored or returned is given for good");
  if (e->object) check_value(c, e->object);
  return ty_basic(TY_ERROR);
}

Ty *check_borrow(Checker *c, Expr *e, const Want *want) {
  Ty *ty = e->type = check_expr(c, e->object, want);
  if (!e->object || ty_bad(ty) || (e->object->kind == EX_NAME && e->object->ref == REF_LOCAL)) return ty;
  Diag *diag = check_error(c, DIAG_E0423, e->span, "only what a name stands for can be lent");
  diag_hint(diag, "bind it with `let` first");
  return e->type = ty_basic(TY_ERROR);
}

Ty *check_looked_at(Checker *c, Expr *e) {
  if (!e || e->kind != EX_LEND) return check_place(c, e);
  Ty *ty = check_borrow(c, e, NULL);
  if (ty_bad(ty) || !check_known(c, ty, e->span, "`&`") || ty_is_unique(ty)) return ty;
  Diag *diag = check_error(c, DIAG_E0423, e->span, "only unique values are lent, and this is %.*s", STR_ARG(ty_text(ty)));
  diag_hint(diag, "leave `&` out");
  return e->type = ty_basic(TY_ERROR);
}

// The kinds that pass what is wanted on to their tails.
static Ty *branching(Checker *c, Expr *e, const Want *want) {
  if (e->kind == EX_IF) return check_if(c, e, want);
  return e->kind == EX_MATCH ? check_match(c, e, want) : check_block(c, e, want);
}

static Ty *infer(Checker *c, Expr *e, const Want *want) {
  switch (e->kind) {
    case EX_INT: return ty_basic(TY_INT);
    case EX_FLOAT: return ty_basic(TY_FLOAT);
    case EX_DURATION: return ty_basic(TY_DURATION);
    case EX_STRING: return ty_basic(TY_STRING);
    case EX_BYTES: return ty_basic(TY_BYTES);
    case EX_BOOL: return ty_basic(TY_BOOL);
    case EX_INTERP: return interpolation(c, e);
    case EX_TUPLE: return tuple(c, e, want);
    case EX_LIST: return list(c, e, want);
    case EX_MAP: return map(c, e);
    case EX_NAME: return check_name(c, e);
    case EX_UPPER: return check_upper(c, e);
    case EX_SELF: return check_self(c, e);
    case EX_DOT: return check_dot(c, e);
    case EX_ELEM: return element(c, e);
    case EX_INDEX: return subscript(c, e);
    case EX_INST: return check_value(c, e->object);
    case EX_CALL: return check_call(c, e);
    case EX_DOT_CALL: return check_dot_call(c, e);
    case EX_SEND: return check_send(c, e);
    case EX_SPAWN: return check_spawn(c, e);
    case EX_AS: return check_as(c, e);
    case EX_UNARY: return check_unary(c, e);
    case EX_BINARY: return check_binary(c, e);
    case EX_AND:
    case EX_OR: return boolean_operator(c, e);
    case EX_NOT: check_is(c, e->object, ty_basic(TY_BOOL), "what `not` is about"); return ty_basic(TY_BOOL);
    case EX_RANGE: return range(c, e);
    case EX_LEND: return lend(c, e);
    case EX_TRY: return check_try(c, e);
    case EX_AWAIT: return check_await(c, e);
    case EX_OUTCOME: return check_outcome(c, e);
    case EX_WHEN: return check_when(c, e);
    case EX_FOR:
    case EX_WHILE: return check_loop(c, e);
    case EX_TASK: return check_task(c, e);
    case EX_FN: return check_closure(c, e, want);
    case EX_RETURN: return check_return(c, e);
    case EX_CRASH:
    case EX_STOP:
    case EX_BREAK:
    case EX_CONTINUE: return leaving(c, e);
    case EX_ASSERT: check_is(c, e->object, ty_basic(TY_BOOL), "what is asserted"); return ty_basic(TY_UNIT);
    case EX_LET: return check_let(c, e);
    case EX_ASSIGN: return check_assign(c, e);
    case EX_IF:
    case EX_MATCH:
    case EX_BLOCK: return branching(c, e, want);
    case EX_ERROR: return ty_basic(TY_ERROR);
  }
  return ty_basic(TY_ERROR);
}

Ty *check_expr(Checker *c, Expr *e, const Want *want) {
  if (!e) return ty_basic(TY_ERROR);
  if (c->depth > CHECK_DEPTH_LIMIT) {
    check_error(c, DIAG_E0501, e->span, "this is nested too deeply");
    return e->type = ty_basic(TY_ERROR);
  }
  c->depth++;
  bool branches = e->kind == EX_IF || e->kind == EX_MATCH || e->kind == EX_BLOCK;
  Ty *ty = ty_resolve(infer(c, e, want));
  e->type = ty;
  if (!branches) check_settle(c, e, ty, want);
  c->depth--;
  return ty;
}
