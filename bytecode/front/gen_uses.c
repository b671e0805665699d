// Looking ahead in the tree: how locals are used, and what an expression might assign or read.
//
// One table of children (expr_children) serves all questions. Those asked again and again have a budget of nodes, past
// which the answer is the careful one, so that no tree makes them quadratic.
#include "bytecode/front/gen_fn.h"

enum { LOOK_AHEAD = 48 };

static void child(Children *out, Expr *e, Role role) {
  if (e) vec_push(out, ((Child){e, role}));
}

static Role role_of(Ty *declared) { return ty_is(declared, TY_INT) || ty_is(declared, TY_FLOAT) ? ROLE_RAW : ROLE_VAL; }

static void call_children(Expr *e, Children *out) {
  if (e->call == CALL_VALUE) child(out, e->object, ROLE_VAL);
  for (u32 i = 0; i < e->args.count; i++) {
    Arg *arg = &e->args.items[i];
    Role role = ROLE_VAL;
    if (arg->spread) role = ROLE_VAL;
    else if (e->call == CALL_FN) role = role_of(ty_resolve(e->fn->type)->args[arg->param]);
    else if (e->call == CALL_CTOR) role = role_of(e->ctor->fields.items[arg->param].ty);
    child(out, arg->value, role);
  }
}

static void list_children(Expr *e, Children *out, Role role, Role last) {
  for (u32 i = 0; i < e->items.count; i++) child(out, e->items.items[i], i + 1 == e->items.count ? last : role);
}

static void arm_children(Expr *e, Children *out) {
  child(out, e->object, ROLE_RAW);
  for (u32 i = 0; i < e->arms.count; i++) {
    child(out, e->arms.items[i].guard, ROLE_RAW);
    child(out, e->arms.items[i].value, ROLE_SAME);
  }
}

void expr_children(Expr *e, Children *out) {
  switch (e->kind) {
    case EX_INT: case EX_FLOAT: case EX_DURATION: case EX_STRING: case EX_BYTES: case EX_BOOL: case EX_NAME: case EX_UPPER:
    case EX_SELF: case EX_BREAK: case EX_CONTINUE: case EX_STOP: case EX_ERROR: case EX_TASK: case EX_FN:
      break;
    case EX_INTERP: case EX_TUPLE: case EX_LIST: case EX_MAP:
      list_children(e, out, ROLE_VAL, ROLE_VAL);
      break;
    case EX_BLOCK: list_children(e, out, ROLE_RAW, ROLE_SAME); break;
    case EX_DOT: case EX_ELEM: case EX_INST: case EX_AS: case EX_LEND: case EX_TRY: case EX_CRASH:
      child(out, e->object, ROLE_VAL);
      break;
    case EX_UNARY: case EX_NOT: case EX_ASSERT: case EX_WHEN:
      child(out, e->object, ROLE_RAW);
      break;
    case EX_RETURN: child(out, e->object, ROLE_SAME); break;
    case EX_AWAIT: case EX_OUTCOME:
      child(out, e->object, ROLE_VAL);
      child(out, e->within, ROLE_VAL);
      break;
    case EX_CALL: call_children(e, out); break;
    case EX_DOT_CALL: case EX_SEND:
      child(out, e->object, ROLE_VAL);
      for (u32 i = 0; i < e->args.count; i++) child(out, e->args.items[i].value, ROLE_VAL);
      break;
    case EX_SPAWN:
      for (u32 i = 0; i < e->args.count; i++) child(out, e->args.items[i].value, ROLE_VAL);
      child(out, e->bank, ROLE_VAL);
      break;
    case EX_INDEX: case EX_BINARY: case EX_AND: case EX_OR: case EX_RANGE:
      child(out, e->left, ROLE_RAW);
      child(out, e->right, ROLE_RAW);
      break;
    case EX_IF:
      child(out, e->cond, ROLE_RAW);
      child(out, e->then, ROLE_SAME);
      child(out, e->otherwise, ROLE_SAME);
      break;
    case EX_MATCH: arm_children(e, out); break;
    case EX_FOR:
      child(out, e->object, ROLE_VAL);
      child(out, e->block, ROLE_RAW);
      break;
    case EX_WHILE:
      child(out, e->cond, ROLE_RAW);
      child(out, e->block, ROLE_RAW);
      break;
    case EX_LET:
      child(out, e->value, ROLE_RAW);
      child(out, e->otherwise, ROLE_RAW);
      break;
    case EX_ASSIGN:
      child(out, e->left, ROLE_RAW);
      child(out, e->right, ROLE_RAW);
      break;
  }
}

// ---- Counting uses --------------------------------------------------------------------------------------------------

void count_use(Local *local, bool raw, u32 serial) {
  LocalInfo *info = local_info(local);
  if (info->counted != serial) {
    info->counted = serial;
    info->raw_uses = info->val_uses = 0;
  }
  if (raw) info->raw_uses++;
  else info->val_uses++;
}

static void count_captures(const Body *body, u32 serial) {
  for (u32 i = 0; body && i < body->captures.count; i++) count_use(body->captures.items[i], false, serial);
}

// Counts how each local is used below `root`: as a raw Int or Float, or as a val.
void count_uses(Gen *gen, Expr *root, bool raw, u32 serial) {
  Child room[256];
  Children stack = {room, 0, COUNT_OF(room)};  // grows out of it if it must
  if (root) vec_push(&stack, ((Child){root, raw ? ROLE_RAW : ROLE_VAL}));
  while (stack.count) {
    Child at = stack.items[--stack.count];
    Expr *e = at.expr;
    if (e->kind == EX_NAME && e->ref == REF_LOCAL) count_use(e->local, at.role == ROLE_RAW, serial);
    if (e->kind == EX_FN || e->kind == EX_TASK || e->kind == EX_WHEN) count_captures(e->body, serial);
    u32 first = stack.count;
    expr_children(e, &stack);
    Role same = e->kind == EX_RETURN ? (raw ? ROLE_RAW : ROLE_VAL) : at.role;
    for (u32 i = first; i < stack.count; i++)
      if (stack.items[i].role == ROLE_SAME) stack.items[i].role = same;
  }
}

// ---- Questions ------------------------------------------------------------------------------------------------------

typedef bool (*Test)(Fn *f, Expr *e, Reg reg);

static bool any_node(Fn *f, Expr *root, Reg reg, Test test) {
  Child room[LOOK_AHEAD];
  Children stack = {room, 0, COUNT_OF(room)};
  vec_push(&stack, ((Child){root, ROLE_RAW}));
  for (u32 budget = LOOK_AHEAD; stack.count; budget--) {
    if (!budget) return true;
    Expr *e = stack.items[--stack.count].expr;
    if (test(f, e, reg)) return true;
    expr_children(e, &stack);
  }
  return false;
}

static bool assigns(Fn *f, Expr *e, Reg reg) { return e->kind == EX_ASSIGN; }

static bool suspends(Fn *f, Expr *e, Reg reg) { return e->kind == EX_AWAIT || e->kind == EX_OUTCOME; }

bool may_suspend(Expr *e) { return any_node(NULL, e, REG_NONE, suspends); }

static bool is_leaf(const Expr *e) {
  return e->kind == EX_INT || e->kind == EX_NAME || e->kind == EX_STRING || e->kind == EX_FLOAT || e->kind == EX_BOOL;
}

bool may_assign(Expr *e) { return !is_leaf(e) && any_node(NULL, e, REG_NONE, assigns); }

static bool lives_in(Fn *f, Local *local, Reg reg) {
  LocalInfo *info = local_info(local);
  return info->serial == f->emit->serial && (info->raw == reg || info->val == reg);
}

static bool reads(Fn *f, Expr *e, Reg reg) {
  if (e->kind == EX_NAME) return e->ref == REF_LOCAL && lives_in(f, e->local, reg);
  if (e->kind != EX_FN && e->kind != EX_TASK && e->kind != EX_WHEN) return false;
  for (u32 i = 0; i < e->body->captures.count; i++)
    if (lives_in(f, e->body->captures.items[i], reg)) return true;
  return false;
}

bool may_read(Fn *f, Expr *e, Reg reg) { return any_node(f, e, reg, reads); }

static Expr *left_end(Expr *e) {
  switch ((int)e->kind) {
    case EX_BINARY: case EX_INDEX: case EX_AND: case EX_OR: return e->left;
    case EX_DOT: case EX_ELEM: case EX_SEND: case EX_AS: return e->object;
    case EX_CALL:
      if (e->call == CALL_VALUE) return e->object;
      return e->args.count && !e->args.items[0].spread ? e->args.items[0].value : NULL;
  }
  return NULL;
}

// A unique operand may be borrowed, by whoever knows how.
Expr *first_child(Expr *e) {
  Expr *child = left_end(e);
  return child && ty_is_unique(child->type) ? NULL : child;
}

// A module's own constant that is a plain number counts as one.
Expr *plain_constant(Fn *f, Expr *e) {
  if (e->kind != EX_NAME || e->ref != REF_CONST) return e;
  ConstDecl *decl = e->constant->decl;
  return decl->home == f->gen->ast && decl->pattern->kind == PAT_NAME ? decl->value : e;
}

bool const_int(Fn *f, Expr *e, i64 *number) {
  Expr *at = plain_constant(f, e);
  u32 signs = 0;
  for (; at->kind == EX_UNARY && at->op == OPERATOR_NEGATE; at = at->object) signs++;
  if (at->kind != EX_INT) return false;
  if (signs && at->number == INT64_MIN) return false;  // overflows when it runs
  *number = signs % 2 ? -at->number : at->number;
  return true;
}
