// Walking the syntax tree: which expressions stand below which kind. See ast.h.
#include "bytecode/front/ast.h"

typedef void (*Visit)(void *context, Expr *child);

static void visit_one(Expr *e, Visit visit, void *context) {
  if (e) visit(context, e);
}

static void visit_two(Expr *a, Expr *b, Visit visit, void *context) {
  visit_one(a, visit, context);
  visit_one(b, visit, context);
}

static void visit_args(const Expr *e, Visit visit, void *context) {
  for (u32 i = 0; i < e->args.count; i++) visit_one(e->args.items[i].value, visit, context);
}

static void visit_arms(const Expr *e, Visit visit, void *context) {
  for (u32 i = 0; i < e->arms.count; i++) visit_two(e->arms.items[i].guard, e->arms.items[i].value, visit, context);
}

void expr_visit(Expr *e, Visit visit, void *context) {
  switch (e->kind) {
    case EX_INT: case EX_FLOAT: case EX_DURATION: case EX_STRING: case EX_BYTES: case EX_BOOL: case EX_NAME: case EX_UPPER:
    case EX_SELF: case EX_BREAK: case EX_CONTINUE: case EX_STOP: case EX_ERROR:
      break;
    case EX_INTERP: case EX_TUPLE: case EX_LIST: case EX_MAP: case EX_BLOCK:
      for (u32 i = 0; i < e->items.count; i++) visit_one(e->items.items[i], visit, context);
      break;
    case EX_DOT: case EX_ELEM: case EX_INST: case EX_AS: case EX_UNARY: case EX_NOT: case EX_LEND: case EX_TRY:
    case EX_RETURN: case EX_CRASH: case EX_ASSERT:
      visit_one(e->object, visit, context);
      break;
    case EX_INDEX: case EX_BINARY: case EX_AND: case EX_OR: case EX_RANGE: case EX_ASSIGN:
      visit_two(e->left, e->right, visit, context);
      break;
    case EX_AWAIT: case EX_OUTCOME: visit_two(e->object, e->within, visit, context); break;
    case EX_CALL: case EX_DOT_CALL: case EX_SEND:
      visit_one(e->object, visit, context);
      visit_args(e, visit, context);
      break;
    case EX_SPAWN:
      visit_args(e, visit, context);
      visit_one(e->bank, visit, context);
      break;
    case EX_IF:
      visit_one(e->cond, visit, context);
      visit_two(e->then, e->otherwise, visit, context);
      break;
    case EX_MATCH: case EX_WHEN:
      visit_one(e->object, visit, context);
      visit_arms(e, visit, context);
      break;
    case EX_FOR: visit_two(e->object, e->block, visit, context); break;
    case EX_WHILE: visit_two(e->cond, e->block, visit, context); break;
    case EX_TASK: case EX_FN: visit_one(e->block, visit, context); break;
    case EX_LET: visit_two(e->value, e->otherwise, visit, context); break;
  }
}
