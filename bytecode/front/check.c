// A module, group by group: functions, constants and actors that need each other's types are inferred together, in
// dependency order (Tarjan's strongly connected components). When a group is done, its functions generalise.
//
// All functions of a group share one list of type parameters: those written, then one for each variable still open in any
// of their types. A function whose types are all written does not take part in that, nor does an actor: they are checked
// after the types of the others were generalised, which each of their uses instantiates. Constraints of parameters may still
// be inferred then, and until they are known uses inside the group leave an Obligation.
#include "bytecode/front/check.h"

#include "bytecode/front/match.h"
#include "bytecode/front/own.h"
#include "bytecode/module.h"

// ---- Bodies ---------------------------------------------------------------------------------------------------------

Body *check_body_new(Checker *c, BodyKind kind) {
  Body *body = gc_new(Body);
  body->kind = kind;
  body->outer = c->body;
  body->actor = c->actor ? c->actor->actor : NULL;
  effects_add_body(&c->effects, body);
  return body;
}

void check_note_call(Checker *c, FnDecl *fn, Span at) {
  effects_add_call(&c->effects, c->body, fn, at);
  if (c->arm_guard) effects_add_call(&c->effects, c->arm_guard->effects, fn, at);
  if (fn->home == c->module || !(c->arm_guard || (c->body && c->body->kind == BODY_GUARD))) return;
  u8 bad = fn->effects & (u8)~EFFECT_READS;  // of another module's function they are known by now
  if (bad) check_error(c, DIAG_E0409, at, "a guard only looks, but this %s", check_effect_text(bad));
}

static Span tail_span(const Expr *e) {
  while (e->kind == EX_BLOCK && e->items.count) e = vec_last(&e->items);
  return e->span;
}

void check_body_block(Checker *c, Body *body, Expr *block, Want want) {
  if (!block) return;
  Body *outer = c->body;
  u32 loops = c->loops;
  c->body = body;
  c->loops = 0;
  if (want.ty && !want.answers && !want.drop && ty_is(want.ty, TY_VAR)) {
    Ty *ty = ty_resolve(check_expr(c, block, NULL));
    if (ty->kind != TY_NEVER) check_same(c, tail_span(block), ty, &want);
  } else {
    check_expr(c, block, &want);
  }
  c->body = outer;
  c->loops = loops;
}

static bool is_main(const Checker *c, const FnDecl *fn) {
  return c->module == c->front->root && !fn->actor && fn->name.name == name_from("main");
}

// A main that ends in a `when` means what the block does, not its promise.
static void end_in_unit(Expr *block) {
  if (!block->items.count || vec_last(&block->items)->kind != EX_WHEN) return;
  Expr *unit = gc_new(Expr);
  unit->kind = EX_TUPLE;
  unit->span = vec_last(&block->items)->span;
  vec_push(&block->items, unit);
}

void check_fn(Checker *c, Node *node) {
  FnDecl *fn = node->fn;
  if (!fn->block) return;
  if (is_main(c, fn) && !fn->result) end_in_unit(fn->block);
  u32 mark = locals_open(c), outer = c->type_params.count;
  check_enter_type_params(c, &fn->generics, node->params);
  c->body = fn->body;
  check_params(c, &fn->params, LOCAL_LET);
  for (u32 i = 0; i < fn->params.count; i++) {
    Pat *pattern = fn->params.items[i].pattern;
    if (fn->params.items[i].lent && pattern && pattern->kind == PAT_NAME && pattern->local) pattern->local->lent = true;
  }
  c->body = NULL;
  Want want = {.ty = fn->result_ty, .what = "the result of", .name = fn->name.name};
  if (fn->result) want.source = c->source, want.span = fn->result->span, want.note = "the result type is written here";
  check_body_block(c, fn->body, fn->block, want);
  locals_close(c, mark);
  c->type_params.count = outer;
  Ty *result = ty_resolve(fn->result_ty);
  if (is_main(c, fn) && result->kind == TY_VAR) result->link = ty_basic(TY_UNIT);
}

// ---- Constants ------------------------------------------------------------------------------------------------------

static void link_items(ConstDecl *decl, Pat *pattern, u32 *next) {
  if (!pattern) return;
  if (pat_binds(pattern) && *next < decl->items.count) decl->items.items[(*next)++]->local = pattern->local;
  for (u32 i = 0; i < pat_part_count(pattern); i++) link_items(decl, pat_part(pattern, i), next);
}

static void open_const(Checker *c, Node *node) {
  ConstDecl *decl = node->constant;
  c->type_params.count = 0;
  decl->body = check_body_new(c, BODY_CONST);
  decl->body->result = decl->type ? check_type(c, decl->type) : ty_var();
  u32 mark = locals_open(c);
  c->body = decl->body;
  check_pattern(c, decl->pattern, decl->body->result, LOCAL_LET);
  check_must_match(c, decl->pattern, "a constant");
  c->body = NULL;
  locals_close(c, mark);
  u32 next = 0;
  link_items(decl, decl->pattern, &next);
  for (u32 i = 0; i < decl->items.count; i++) {
    Local *local = decl->items.items[i]->local;
    if (local) local->used = true;
  }
}

static void check_const(Checker *c, Node *node) {
  ConstDecl *decl = node->constant;
  c->type_params.count = 0;
  Want want = {.ty = decl->body->result, .what = "this constant"};
  if (decl->type) want.source = c->source, want.span = decl->type->span, want.note = "the annotation says so";
  check_body_block(c, decl->body, decl->value, want);
}

// ---- After a group's bodies -----------------------------------------------------------------------------------------

static void meet_obligations(Checker *c) {
  for (bool changed = true; changed;) {
    changed = false;
    for (u32 i = 0; i < c->obligations.count; i++) {
      Obligation *owed = &c->obligations.items[i];
      u32 before = c->unifier.asked.count;
      check_able(c, owed->reason->span, owed->arg, owed->param->constraints, owed->reason->what.ptr);
      changed |= c->unifier.asked.count != before;
    }
  }
}

// Whatever is only known to be a number is an Int.
static void default_numbers(Checker *c) {
  for (u32 i = 0; i < c->unifier.asked.count; i++) {
    Ty *ty = ty_resolve(c->unifier.asked.items[i]);
    if (ty->kind != TY_VAR) continue;
    if (ty->constraints & CONSTRAINT_REFERENCE) {
      if (ty->reason) check_error(c, DIAG_E0204, ty->reason->span, "the type of the reference is not known here");
      ty->link = ty_basic(TY_ERROR);
    } else if (ty->constraints & (CONSTRAINT_ADDS | CONSTRAINT_NUMBER)) {
      ty->link = ty_basic(TY_INT);
    }
  }
}

typedef VEC(Ty *) TyVec;

static void collect_open(Ty *ty, TyVec *params, u32 depth, u32 *steps) {
  ty = ty_resolve(ty);
  if (!ty->has_vars || depth > 2 * TY_DEPTH_LIMIT || !*steps) return;
  --*steps;
  if (ty->kind == TY_VAR) {
    Ty *param = ty_param(params->count, NULL, ty->constraints & (u8)~CONSTRAINT_PLAIN);
    param->reason = ty->reason;
    ty->link = param;
    vec_push(params, param);
    return;
  }
  for (u32 i = 0; i < ty->count; i++) collect_open(ty->args[i], params, depth + 1, steps);
}

static u8 *constraints_of(Ty **params, u32 count) {
  u8 *bits = gc_alloc_data(count + 1);
  for (u32 i = 0; i < count; i++) bits[i] = params[i]->constraints;
  return bits;
}

// A larger one could be neither settled nor instantiated.
static void limit_fn(Checker *c, FnDecl *fn) {
  if (ty_all_within_limits(fn->type->args, fn->type->count)) return;
  check_error(c, DIAG_E0504, fn->name.span, "the type of the function `%.*s` is too large", STR_ARG(fn->name.name->text));
}

static void settle_fn(FnDecl *fn) {
  fn->type = ty_settle(fn->type);
  fn->result_ty = ty_fn_result(fn->type);
  for (u32 i = 0; i < fn->params.count; i++) fn->params.items[i].ty = fn->type->args[i];
}

static bool is_inferred(const Node *node) { return node->kind == NODE_FN && !node->annotated; }

// Gives the functions whose types were inferred their parameters; the constraints of these are not known yet.
static void generalise(Checker *c, Node **nodes, u32 count) {
  TyVec params = {0};
  for (u32 i = 0; i < count; i++) {
    Node *node = nodes[i];
    if (!is_inferred(node) || node->general) continue;
    for (u32 k = 0; k < node->written; k++) {
      node->params[k]->index = params.count;
      vec_push(&params, node->params[k]);
    }
  }
  for (u32 i = 0; i < count; i++) {
    u32 steps = TY_SIZE_LIMIT + 1;  // the function itself, too
    if (is_inferred(nodes[i]) && !nodes[i]->general) collect_open(nodes[i]->fn->type, &params, 0, &steps);
  }
  for (u32 i = 0; i < count; i++) {
    Node *node = nodes[i];
    if (!is_inferred(node) || node->general) continue;
    limit_fn(c, node->fn);
    settle_fn(node->fn);
    node->params = params.items;
    node->fn->generic_count = params.count;
    node->general = true;
  }
}

// Where a constant takes part, functions are not generalised before those that have type parameters of their own are
// checked, which may leave these in other types of the group.
static bool holds_foreign(Ty *ty, Ty **params, u32 count) {
  ty = ty_resolve(ty);
  if (ty->kind == TY_PARAM) return ty->index >= count || params[ty->index] != ty;
  if (!ty->has_params && !ty->has_vars) return false;
  for (u32 i = 0; i < ty->count; i++) {
    if (holds_foreign(ty->args[i], params, count)) return true;
  }
  return false;
}

static void report_foreign(Checker *c, const char *what, Ident name) {
  Diag *diag = check_error(c, DIAG_E0231, name.span, "the type of the %s `%.*s` is not known without those that use it", what,
                           STR_ARG(name.name->text));
  diag_hint(diag, "write it down");
}

static void finish_group(Checker *c, Node **nodes, u32 count) {
  for (u32 i = 0; i < count; i++) {
    Node *node = nodes[i];
    node->done = true;
    if (node->kind == NODE_ACTOR) {
      node->actor->constraints = constraints_of(node->params, node->written);
    } else if (node->kind == NODE_FN) {
      FnDecl *fn = node->fn;
      if (node->annotated) limit_fn(c, fn);
      else if (holds_foreign(fn->type, node->params, fn->generic_count)) report_foreign(c, "function", fn->name);
      fn->constraints = constraints_of(node->params, fn->generic_count);
      if (fn->generic_count > LIMIT_TYPE_ARGS)
        check_error(c, DIAG_E0514, fn->name.span, "this function has too many type parameters");
    }
  }
  for (u32 i = 0; i < c->recursive.count; i++) {
    Expr *e = c->recursive.items[i];
    e->inst = node_of_fn(e->fn)->params;
  }
}

// The types of a constant's names are closed, since constants do not generalise.
static void close_const(Checker *c, const Node *node) {
  const ConstDecl *decl = node->constant;
  if (decl->body && decl->value && ty_is_unique(decl->body->result)) {
    Diag *diag = check_error(c, DIAG_E0425, decl->value->span, "a constant can't be unique, and this is %.*s",
                             STR_ARG(ty_text(decl->body->result)));
    diag_hint(diag, "make the value where it is needed, and pass it on");
  }
  for (u32 i = 0; i < node->constant->items.count; i++) {
    Local *local = node->constant->items.items[i]->local;
    if (!local) continue;
    if (!ty_within_limits(local->type)) {
      check_error(c, DIAG_E0504, local->span, "the type of the constant `%.*s` is too large", STR_ARG(local->name->text));
    }
    local->type = ty_settle(local->type);
    if (holds_foreign(local->type, NULL, 0)) report_foreign(c, "constant", (Ident){local->name, local->span});
    if (!local->type->has_vars) continue;
    bool cycle = ty_is(local->type, TY_VAR);  // only constants of each other say nothing at all: reported as that
    Ty *open = local->type;
    local->type = ty_basic(TY_ERROR);
    if (cycle) continue;
    Diag *diag = check_error(c, DIAG_E0231, local->span, "the type of the constant `%.*s` is left open: %.*s",
                             STR_ARG(local->name->text), STR_ARG(ty_text(open)));
    diag_hint(diag, "write it: `let %.*s: Type = …`", STR_ARG(local->name->text));
  }
}

static void check_matches(Checker *c) {
  for (u32 i = 0; i < c->matches.count; i++) match_check(c->module, c->matches.items[i], c->diags);
  for (u32 i = 0; i < c->irrefutable.count; i++) {
    Pat *pattern = c->irrefutable.items[i];
    Str example;
    if (match_irrefutable(pattern, &example)) continue;
    Diag *diag = check_error(c, DIAG_E0303, pattern->span, "the pattern of %s must always match, and this one does not",
                             c->irrefutable_where.items[i]);
    if (example.len) diag_hint(diag, "it does not match `%.*s`", STR_ARG(example));
  }
}

static void begin_group(Checker *c) {
  unify_begin_group(&c->unifier, c->module);
  c->errors_before = c->diags->errors;
  c->recursive.count = c->obligations.count = c->stored.count = 0;
  c->matches.count = c->irrefutable.count = c->irrefutable_where.count = 0;
}

static void end_group(Checker *c, Node **nodes, u32 count) {
  meet_obligations(c);
  for (u32 i = 0; i < count; i++) {
    if (nodes[i]->kind == NODE_CONST) close_const(c, nodes[i]);
    if (nodes[i]->kind == NODE_ACTOR) check_close_actor(c, nodes[i]);
  }
  Span at;
  if (!unify_group_within_limits(&c->unifier, &at)) check_error(c, DIAG_E0504, at, "the type of this is too large");
  generalise(c, nodes, count);
  finish_group(c, nodes, count);
  default_numbers(c);
  if (c->errors_before == c->diags->errors) check_matches(c);
}

static void check_node(Checker *c, Node *node) {
  c->current = node;
  c->type_params.count = 0;
  switch (node->kind) {
    case NODE_FN: check_fn(c, node); break;
    case NODE_CONST: check_const(c, node); break;
    case NODE_ACTOR: check_actor(c, node); break;
  }
  c->current = NULL;
}

static void check_group(Checker *c, Node **nodes, u32 count) {
  begin_group(c);
  bool constants = false;
  for (u32 i = 0; i < count; i++) {
    if (nodes[i]->kind != NODE_CONST) continue;
    open_const(c, nodes[i]);
    constants = true;
  }
  for (u32 i = 0; i < count; i++) {
    if (!nodes[i]->annotated) check_node(c, nodes[i]);
  }
  if (!constants && count > 1) generalise(c, nodes, count);
  for (u32 i = 0; i < count; i++) {
    if (nodes[i]->annotated) check_node(c, nodes[i]);
  }
  end_group(c, nodes, count);
}

// ---- Dependency order -----------------------------------------------------------------------------------------------

typedef struct Tarjan {
  Checker *c;
  u32 order;
  VEC(Node *) path;  // the depth-first walk, as a list instead of recursion
  VEC(Node *) stack;
} Tarjan;

static void enter(Tarjan *t, Node *node) {
  node->order = node->low = ++t->order;
  node->on_stack = true;
  vec_push(&t->path, node);
  vec_push(&t->stack, node);
}

static void leave(Tarjan *t, Node *node) {
  t->path.count--;
  if (t->path.count) {
    Node *user = vec_last(&t->path);
    if (node->low < user->low) user->low = node->low;
  }
  if (node->low != node->order) return;
  u32 from = t->stack.count;
  do t->stack.items[--from]->on_stack = false;
  while (t->stack.items[from] != node);
  check_group(t->c, t->stack.items + from, t->stack.count - from);
  t->stack.count = from;
}

static void visit(Tarjan *t, Node *root) {
  enter(t, root);
  while (t->path.count) {
    Node *node = vec_last(&t->path);
    if (node->next_use == node->uses.count) {
      leave(t, node);
      continue;
    }
    Node *used = node->uses.items[node->next_use++];
    if (!used->order) {
      enter(t, used);
    } else if (used->on_stack && used->order < node->low) {
      node->low = used->order;
    }
  }
}

// ---- The module -----------------------------------------------------------------------------------------------------

static void bind_power(Checker *c, TestDecl *test, const char *name, const char *interface, Local **local) {
  InterfaceDecl *power = check_power(c, interface);
  *local =
      locals_new(c, (Ident){name_from(name), test->span}, LOCAL_LET, power ? ty_ref(power, 0, NULL) : ty_basic(TY_ERROR));
  (*local)->body = test->body;
  locals_bind(c, *local);
  if (power) resolve_depend(c->module, power->home);
}

static void check_test(Checker *c, TestDecl *test) {
  begin_group(c);
  c->type_params.count = 0;
  test->body = check_body_new(c, BODY_TEST);
  test->body->result = ty_basic(TY_UNIT);
  u32 mark = locals_open(c);
  bind_power(c, test, "out", "Out", &test->out);
  bind_power(c, test, "clock", "Clock", &test->clock);
  check_body_block(c, test->body, test->block, (Want){.drop = true});
  locals_close(c, mark);
  end_group(c, NULL, 0);
}

void check_module(Front *front, ModuleAst *module) {
  Checker *c = gc_new(Checker);
  *c = (Checker){
      .front = front, .diags = front->diags, .module = module, .source = module->source, .binding_from = UINT32_MAX};
  unify_begin_group(&c->unifier, module);
  if (!resolve_declare(front, module)) return;
  check_declarations(c);
  check_collect_uses(c);
  Tarjan tarjan = {.c = c};
  for (u32 i = 0; i < c->nodes.count; i++) {
    if (!c->nodes.items[i]->order) visit(&tarjan, c->nodes.items[i]);
  }
  for (u32 i = 0; i < module->tests.count; i++) check_test(c, module->tests.items[i]);
  check_order_constants(c);
  check_spread_lent(c);
  effects_solve(&c->effects);
  for (u32 i = 0; i < module->consts.count; i++) check_constant_rules(c, module->consts.items[i]);
  for (u32 i = 0; i < module->actors.count; i++) check_guard_rules(c, module->actors.items[i]);
  check_arm_guard_rules(c);
  check_lent_rules(c);
  check_main(c);
  effects_publish(&c->effects);
  if (!c->diags->errors) own_check_module(c);
  module->checked = true;
}
