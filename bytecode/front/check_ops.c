// Operators: which types they join. What Duration and Time do beyond adding becomes a call into the library's `time`.
#include "bytecode/front/check.h"

#include "bytecode/module.h"

static const char *operator_text(Operator op) {
  switch (op) {
    case OPERATOR_NONE: return "=";
    case OPERATOR_ADD: return "+";
    case OPERATOR_SUB: return "-";
    case OPERATOR_MUL: return "*";
    case OPERATOR_DIV: return "/";
    case OPERATOR_REM: return "%";
    case OPERATOR_ADD_WRAP: return "+%";
    case OPERATOR_SUB_WRAP: return "-%";
    case OPERATOR_MUL_WRAP: return "*%";
    case OPERATOR_BIT_AND: return "&";
    case OPERATOR_BIT_OR: return "|";
    case OPERATOR_BIT_XOR: return "^";
    case OPERATOR_SHL: return "<<";
    case OPERATOR_SHR: return ">>";
    case OPERATOR_EQ: return "==";
    case OPERATOR_NE: return "!=";
    case OPERATOR_LT: return "<";
    case OPERATOR_LE: return "<=";
    case OPERATOR_GT: return ">";
    case OPERATOR_GE: return ">=";
    case OPERATOR_NEGATE: return "-";
    case OPERATOR_INVERT: return "~";
  }
  return "?";
}

static bool is_comparison(Operator op) { return op >= OPERATOR_EQ && op <= OPERATOR_GE; }

// ---- One type on both sides -----------------------------------------------------------------------------------------

static void report_sides(Checker *c, Expr *e, Ty *left, Ty *right) {
  Str left_text, right_text;
  ty_text_pair(left, right, &left_text, &right_text);
  const char *op = operator_text(e->op);
  Diag *diag = check_error(c, DIAG_E0215, e->span,
                           "`%s` needs one type on both sides, but the left side is %.*s and the right side %.*s", op,
                           STR_ARG(left_text), STR_ARG(right_text));
  bool text = e->op == OPERATOR_ADD && (left->kind == TY_STRING || right->kind == TY_STRING);
  bool numbers = left->kind <= TY_FLOAT && right->kind <= TY_FLOAT;
  if (text) diag_hint(diag, "values go into text as \"{x}\"");
  if (numbers) diag_hint(diag, "numbers are converted by hand: `.to_float()`, `.round()`");
  if (left->kind == TY_PROMISE || right->kind == TY_PROMISE) diag_hint(diag, "a message's answer is a promise: `await` it");
}

static bool same_sides(Checker *c, Expr *e, Ty *left, Ty *right) {
  c->unifier.at = e->span;
  UnifyResult result = unify(&c->unifier, left, right);
  if (result == UNIFY_OK) return true;
  if (result == UNIFY_MISMATCH) {
    report_sides(c, e, ty_resolve(left), ty_resolve(right));
  } else {
    check_mismatch(c, result, e->span, right, &(Want){.ty = left});
  }
  return false;
}

static Ty *arithmetic(Checker *c, Expr *e, Ty *left, Ty *right, u8 constraint) {
  if (!same_sides(c, e, left, right)) return ty_basic(TY_ERROR);
  Ty *ty = ty_resolve(left);
  if (ty->kind == TY_DURATION && e->op == OPERATOR_SUB) return ty;
  return check_able(c, e->span, ty, constraint, operator_text(e->op)) ? ty : ty_basic(TY_ERROR);
}

static Ty *whole_numbers(Checker *c, Expr *e, Ty *left, Ty *right) {
  Ty *whole = ty_basic(TY_INT);
  Want want = {.ty = whole, .what = str_format("what `%s` works on", operator_text(e->op)).ptr};
  bool fine = check_same(c, e->left ? e->left->span : e->span, left, &want);
  fine &= check_same(c, e->right ? e->right->span : e->span, right, &want);
  return fine ? whole : ty_basic(TY_ERROR);
}

static Ty *comparison(Checker *c, Expr *e, Ty *left, Ty *right) {
  bool equality = e->op == OPERATOR_EQ || e->op == OPERATOR_NE;
  if (same_sides(c, e, left, right)) {
    check_able(c, e->span, left, equality ? CONSTRAINT_EQUAL : CONSTRAINT_ORDERED, operator_text(e->op));
  }
  return ty_basic(TY_BOOL);
}

// ---- Time -----------------------------------------------------------------------------------------------------------

// The types of an operation on Duration or Time that is a function of `time`, or NULL.
static Ty *time_operation(Checker *c, Expr *e, Ty *left, Ty *right, const char **library) {
  TyKind l = left->kind, r = right->kind;
  if (l == TY_TIME && e->op == OPERATOR_ADD && (r == TY_DURATION || r == TY_VAR)) {
    *library = "later";
    if (r == TY_VAR) same_sides(c, e, ty_basic(TY_DURATION), right);
    return left;
  }
  if ((l == TY_TIME || l == TY_VAR) && (r == TY_TIME || (r == TY_VAR && l == TY_TIME)) && e->op == OPERATOR_SUB) {
    *library = "since";
    return same_sides(c, e, left, right) ? ty_basic(TY_DURATION) : ty_basic(TY_ERROR);
  }
  if (l != TY_DURATION || (e->op != OPERATOR_MUL && e->op != OPERATOR_DIV)) return NULL;
  if (r == TY_INT || r == TY_VAR) {
    *library = e->op == OPERATOR_MUL ? "scale" : "divide";
    if (r == TY_VAR) same_sides(c, e, ty_basic(TY_INT), right);
    return left;
  }
  if (r != TY_DURATION || e->op != OPERATOR_DIV) return NULL;
  *library = "ratio";
  return ty_basic(TY_INT);
}

static void hint_duration(Checker *c, Expr *e, Ty *left, Ty *right) {
  if (left->kind != TY_INT || right->kind != TY_DURATION || e->op != OPERATOR_MUL) return;
  Diag *diag = check_error(c, DIAG_E0215, e->span, "a Duration is multiplied with an Int on its right, not on its left");
  diag_hint(diag, "write the Duration first: `1s * n`");
}

// ---- Operators ------------------------------------------------------------------------------------------------------

Ty *check_binary_types(Checker *c, Expr *e, Ty *left, Ty *right, const char **library) {
  left = ty_resolve(left);
  right = ty_resolve(right);
  if (left->kind == TY_ERROR || right->kind == TY_ERROR) return ty_basic(is_comparison(e->op) ? TY_BOOL : TY_ERROR);
  Ty *timed = time_operation(c, e, left, right, library);
  if (timed) return timed;
  if (left->kind == TY_INT && right->kind == TY_DURATION && e->op == OPERATOR_MUL) {
    hint_duration(c, e, left, right);
    return ty_basic(TY_ERROR);
  }
  switch (e->op) {
    case OPERATOR_ADD: return arithmetic(c, e, left, right, CONSTRAINT_ADDS);
    case OPERATOR_SUB:
    case OPERATOR_MUL:
    case OPERATOR_DIV:
    case OPERATOR_REM: return arithmetic(c, e, left, right, CONSTRAINT_NUMBER);
    case OPERATOR_ADD_WRAP:
    case OPERATOR_SUB_WRAP:
    case OPERATOR_MUL_WRAP:
    case OPERATOR_BIT_AND:
    case OPERATOR_BIT_OR:
    case OPERATOR_BIT_XOR:
    case OPERATOR_SHL:
    case OPERATOR_SHR: return whole_numbers(c, e, left, right);
    case OPERATOR_EQ:
    case OPERATOR_NE:
    case OPERATOR_LT:
    case OPERATOR_LE:
    case OPERATOR_GT:
    case OPERATOR_GE: return comparison(c, e, left, right);
    case OPERATOR_NONE:
    case OPERATOR_NEGATE:
    case OPERATOR_INVERT: break;
  }
  return ty_basic(TY_ERROR);
}

Ty *check_binary(Checker *c, Expr *e) {
  bool looks = e->op == OPERATOR_EQ || e->op == OPERATOR_NE;
  Ty *left = looks ? check_looked_at(c, e->left) : check_value(c, e->left);
  Ty *right = looks ? check_looked_at(c, e->right) : check_value(c, e->right);
  const char *library = NULL;
  Ty *ty = check_binary_types(c, e, left, right, &library);
  if (!library) return ty;
  ModuleAst *home = resolve_library(c->front, c->module, "time", e->span);
  FnDecl *fn = home ? resolve_function(home, library) : NULL;
  if (!fn) return ty_basic(TY_ERROR);
  Expr *args[2] = {e->left, e->right};
  check_become_call(c, e, fn, 2, args);
  return ty;
}

Ty *check_unary(Checker *c, Expr *e) {
  Ty *ty = check_value(c, e->object);
  if (e->op == OPERATOR_INVERT) {
    check_same(c, e->object->span, ty, &(Want){.ty = ty_basic(TY_INT), .what = "what `~` works on"});
    return ty_basic(TY_INT);
  }
  if (ty->kind == TY_DURATION) return ty;
  return check_able(c, e->span, ty, CONSTRAINT_NUMBER, "-") ? ty : ty_basic(TY_ERROR);
}
