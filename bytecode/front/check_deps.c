// Which declarations of a module refer to which, found by name before any type is known: the edges along which functions
// are inferred in dependency order.
//
// `.f` counts as a use of the module's function f, whatever the receiver turns out to be. A use matters only if its
// target's type is not plain from its declaration.
#include "bytecode/front/check.h"

static void walk(Checker *c, Expr *e);

static bool matters(const Node *node) {
  switch (node->kind) {
    case NODE_FN: return !node->annotated || node->written > 0;
    case NODE_CONST: return true;
    case NODE_ACTOR: return node->written > 0;
  }
  return true;
}

static void use_node(Checker *c, Node *node) {
  if (!matters(node) || node->mark == c->current->order) return;
  node->mark = c->current->order;
  vec_push(&c->current->uses, node);
}

static void use_value(Checker *c, const Name *name) {
  Symbol *symbol = name ? resolve_declared(c->module, SPACE_VALUES, name) : NULL;
  if (!symbol) return;
  if (symbol->kind == SYMBOL_FN && symbol->fn->check) use_node(c, symbol->fn->check);
  if (symbol->kind == SYMBOL_CONST) use_node(c, symbol->constant->decl->check);
}

static void use_actor(Checker *c, const Expr *e) {
  Symbol *symbol = e->name.name && !e->module ? resolve_declared(c->module, SPACE_TYPES, e->name.name) : NULL;
  if (symbol && symbol->kind == SYMBOL_ACTOR) use_node(c, symbol->actor->check);
}

// ---- Scopes: a name bound here is no use of the module's ---------------------------------------------------------------

static void bind_name(Checker *c, Ident name) {
  static Local somewhere;
  if (!name.name) return;
  vec_push(&c->trail, ((Binding){name.name, map_get(&c->locals, name.name)}));
  map_put(&c->locals, name.name, &somewhere);
}

static void bind_pattern(Checker *c, Pat *pattern) {
  if (!pattern || c->depth > CHECK_DEPTH_LIMIT) return;
  c->depth++;
  if (pat_binds(pattern)) bind_name(c, pattern->name);
  for (u32 i = 0; i < pat_part_count(pattern); i++) bind_pattern(c, pat_part(pattern, i));
  c->depth--;
}

static void bind_params(Checker *c, const Params *params) {
  for (u32 i = 0; i < params->count; i++) bind_pattern(c, params->items[i].pattern);
}

// ---- Expressions ----------------------------------------------------------------------------------------------------

static void walk_block(Checker *c, Expr *e) {
  u32 mark = locals_open(c);
  for (u32 i = 0; i < e->items.count; i++) walk(c, e->items.items[i]);
  locals_close(c, mark);
}

static void walk_arms(Checker *c, Expr *e) {
  walk(c, e->object);
  for (u32 i = 0; i < e->arms.count; i++) {
    u32 mark = locals_open(c);
    bind_pattern(c, e->arms.items[i].pattern);
    walk(c, e->arms.items[i].guard);
    walk(c, e->arms.items[i].value);
    locals_close(c, mark);
  }
}

static void walk_closure(Checker *c, Expr *e) {
  u32 mark = locals_open(c);
  bind_params(c, &e->params);
  walk(c, e->block);
  locals_close(c, mark);
}

static void walk_for(Checker *c, Expr *e) {
  walk(c, e->object);
  u32 mark = locals_open(c);
  bind_pattern(c, e->pattern);
  walk(c, e->block);
  locals_close(c, mark);
}

static void use_dot_call(Checker *c, Expr *e) {
  const Name *name = e->object && e->object->kind == EX_NAME ? e->object->name.name : NULL;
  bool qualified = name && !locals_find(c, name) && (resolve_qualifier(c->module, name) || resolve_is_implicit(name));
  if (!qualified) use_value(c, e->name.name);
}

static void walk_child(void *checker, Expr *child) { walk(checker, child); }

// The kinds that use a name or bind some; of the others only the parts matter.
static void walk_kind(Checker *c, Expr *e) {
  switch ((u32)e->kind) {
    case EX_NAME:
      if (!locals_find(c, e->name.name)) use_value(c, e->name.name);
      return;
    case EX_BLOCK: walk_block(c, e); return;
    case EX_MATCH:
    case EX_WHEN: walk_arms(c, e); return;
    case EX_FN: walk_closure(c, e); return;
    case EX_FOR: walk_for(c, e); return;
    case EX_DOT_CALL: use_dot_call(c, e); break;
    case EX_SPAWN: use_actor(c, e); break;
  }
  expr_visit(e, walk_child, c);
  if (e->kind == EX_LET) bind_pattern(c, e->pattern);
}

static void walk(Checker *c, Expr *e) {
  if (!e || c->depth > CHECK_DEPTH_LIMIT) return;
  c->depth++;
  walk_kind(c, e);
  c->depth--;
}

// ---- Declarations ---------------------------------------------------------------------------------------------------

static void walk_fn(Checker *c, const FnDecl *fn) {
  u32 mark = locals_open(c);
  bind_params(c, &fn->params);
  walk(c, fn->block);
  locals_close(c, mark);
}

static void walk_actor(Checker *c, const ActorDecl *actor) {
  u32 mark = locals_open(c);
  bind_params(c, &actor->params);
  for (u32 i = 0; i < actor->helpers.count; i++) bind_name(c, actor->helpers.items[i]->name);
  for (u32 i = 0; i < actor->state.count; i++) {
    walk(c, actor->state.items[i].value);
    bind_pattern(c, actor->state.items[i].pattern);
  }
  for (u32 i = 0; i < actor->helpers.count; i++) walk_fn(c, actor->helpers.items[i]);
  for (u32 i = 0; i < actor->handlers.count; i++) {
    const HandlerDecl *handler = actor->handlers.items[i];
    u32 inner = locals_open(c);
    bind_params(c, &handler->params);
    walk(c, handler->guard);
    walk(c, handler->block);
    locals_close(c, inner);
  }
  locals_close(c, mark);
}

void check_collect_uses(Checker *c) {
  for (u32 i = 0; i < c->nodes.count; i++) {
    Node *node = c->current = c->nodes.items[i];
    node->order = i + 1;
    switch (node->kind) {
      case NODE_FN: walk_fn(c, node->fn); break;
      case NODE_CONST: walk(c, node->constant->value); break;
      case NODE_ACTOR: walk_actor(c, node->actor); break;
    }
  }
  for (u32 i = 0; i < c->nodes.count; i++) c->nodes.items[i]->order = 0;
  c->current = NULL;
}
