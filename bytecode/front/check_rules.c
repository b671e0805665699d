// Rules about whole declarations, checked once effects are known: what constants may be built of, what guards may do, and
// what main may ask for.
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"

// ---- Constants ------------------------------------------------------------------------------------------------------

static void refuse_constant(Checker *c, Expr *e, const char *what) {
  Diag *diag = check_error(c, DIAG_E0410, e->span, "a module constant can't %s", what);
  diag_hint(
      diag,
      "constants are built of literals, constructors, operators, other constants and closures; do the rest in a function");
}

static bool is_constant_builder(const FnDecl *fn) {
  static const char *builders[] = {"set.from", "big.from", "big.parse", "map.from_items", "map.new"};
  if (!fn || !fn->home->source->library || !fn->name.name) return false;
  if (str_eq(fn->home->name, STR("time"))) return true;
  Str path = str_format("%.*s.%.*s", STR_ARG(fn->home->name), STR_ARG(fn->name.name->text));
  for (u32 i = 0; i < COUNT_OF(builders); i++) {
    if (str_eq(path, str_from(builders[i]))) return true;
  }
  return false;
}

static void constant(Checker *c, Expr *e);

static void constant_part(void *checker, Expr *part) { constant(checker, part); }

static void constant_parts(Checker *c, Expr *e) { expr_visit(e, constant_part, c); }

static void constant_kind(Checker *c, Expr *e) {
  switch (e->kind) {
    case EX_INT:
    case EX_FLOAT:
    case EX_DURATION:
    case EX_STRING:
    case EX_BYTES:
    case EX_BOOL:
    case EX_NAME:
    case EX_FN:
    case EX_ERROR: return;
    case EX_INTERP:
    case EX_TUPLE:
    case EX_LIST:
    case EX_MAP:
    case EX_DOT:
    case EX_ELEM:
    case EX_UNARY:
    case EX_BINARY:
    case EX_AND:
    case EX_OR:
    case EX_NOT:
    case EX_RANGE: constant_parts(c, e); return;
    case EX_CALL:
      if (e->call == CALL_CTOR || (e->call == CALL_FN && is_constant_builder(e->fn))) constant_parts(c, e);
      else if (e->call != CALL_NONE) refuse_constant(c, e, "call functions");
      return;
    case EX_BLOCK:
      if (e->items.count == 1) constant(c, e->items.items[0]);
      else refuse_constant(c, e, "run statements");
      return;
    case EX_SPAWN: refuse_constant(c, e, "spawn actors: modules hold no authority"); return;
    case EX_SEND: refuse_constant(c, e, "send messages"); return;
    case EX_TASK: refuse_constant(c, e, "start tasks"); return;
    case EX_AWAIT:
    case EX_OUTCOME:
    case EX_WHEN: refuse_constant(c, e, "wait for anything"); return;
    case EX_FOR:
    case EX_WHILE: refuse_constant(c, e, "loop"); return;
    case EX_IF:
    case EX_MATCH: refuse_constant(c, e, "branch"); return;
    case EX_UPPER:
    case EX_SELF:
    case EX_INDEX:
    case EX_INST:
    case EX_DOT_CALL:
    case EX_AS:
    case EX_LEND:
    case EX_TRY:
    case EX_RETURN:
    case EX_CRASH:
    case EX_ASSERT:
    case EX_BREAK:
    case EX_CONTINUE:
    case EX_STOP:
    case EX_LET:
    case EX_ASSIGN: refuse_constant(c, e, "do this"); return;
  }
}

static void constant(Checker *c, Expr *e) {
  if (!e || ty_bad(e->type) || c->depth > CHECK_DEPTH_LIMIT) return;
  c->depth++;
  constant_kind(c, e);
  c->depth--;
}

void check_constant_rules(Checker *c, ConstDecl *decl) { constant(c, decl->value); }

typedef struct ConstantOrder {
  Checker *c;
  PtrMap decls;  // Body → ConstDecl
  VEC(ConstDecl *) order;
} ConstantOrder;

static Str constant_name(const ConstDecl *decl) {
  return decl->items.count && decl->items.items[0]->local ? decl->items.items[0]->local->name->text : STR("_");
}

static void place_constants(void *context, Body **bodies, u32 count, bool cyclic) {
  ConstantOrder *order = context;
  Text names = {0};
  const ConstDecl *first = NULL;
  for (u32 i = 0; i < count; i++) {
    ConstDecl *decl = map_get(&order->decls, bodies[i]);
    if (!decl && !bodies[i]->fn) continue;
    if (decl) vec_push(&order->order, decl);
    if (decl && (!first || decl->span.start < first->span.start)) first = decl;
    if (cyclic && names.len < 200)
      text_printf(&names, "%s`%.*s`", names.len ? ", " : "",
                  STR_ARG(decl ? constant_name(decl) : bodies[i]->fn->name.name->text));
  }
  if (!cyclic || !first) return;
  check_error(order->c, DIAG_E0114, first->span, "computing this constant may need its own value, through %.*s",
              STR_ARG(text_str(&names)));
}

void check_order_constants(Checker *c) {
  if (!c->module->consts.count) return;
  ConstantOrder order = {.c = c};
  for (u32 i = 0; i < c->module->consts.count; i++) {
    ConstDecl *decl = c->module->consts.items[i];
    if (decl->body) map_put(&order.decls, decl->body, decl);
  }
  effects_walk(&c->effects, place_constants, &order);
  for (u32 i = 0; i < order.order.count; i++) c->module->consts.items[i] = order.order.items[i];
}

// ---- Guards and initialisers ----------------------------------------------------------------------------------------

const char *check_effect_text(u8 effects) {
  if (effects & EFFECT_SUSPENDS) return "waits";
  if (effects & EFFECT_SENDS) return "sends messages";
  if (effects & EFFECT_SPAWNS) return "spawns actors";
  if (effects & EFFECT_ASSIGNS) return "assigns state";
  return "calls functions that were stored in the state or sent, which may do anything";
}

static void report_effects(Checker *c, const Body *body, u8 bad, Span whole) {
  const EffectEdge *edge = effects_blame(&c->effects, body, bad);
  if (!edge && !(bad & EFFECT_STORED_FUNCTION)) return;  // reported where it stands
  Span span = edge && edge->span.end ? edge->span : whole;
  Diag *diag = check_error(c, DIAG_E0409, span, "a guard only looks, but this %s", check_effect_text(bad));
  const Body *from = edge ? c->effects.bodies.items[edge->from - 1] : NULL;
  if (from && from->fn && from->fn->name.name)
    diag_note(diag, c->source, from->fn->name.span, "`%.*s` is declared here", STR_ARG(from->fn->name.name->text));
}

static void check_guard_purity(Checker *c, const HandlerDecl *handler) {
  Body *body = handler->guard_body;
  if (!body) return;
  u8 bad = body->effects & (u8)~EFFECT_READS;
  if (bad) report_effects(c, body, bad, handler->guard->span);
}

// Helpers see the whole state, which an initialiser has not completed yet.
static void check_initialiser(Checker *c, const ActorDecl *actor) {
  for (u32 i = 0; actor->init_body && i < c->effects.edges.count; i++) {
    const EffectEdge *edge = &c->effects.edges.items[i];
    const Body *from = c->effects.bodies.items[edge->from - 1];
    if (edge->to != actor->init_body->effect_node || from->kind != BODY_HELPER) continue;
    if (!(from->effects & (EFFECT_READS | EFFECT_ASSIGNS))) continue;
    check_error(c, DIAG_E0417, edge->span,
                "an initialiser can't call the helper `%.*s`: it sees state that is not there yet",
                STR_ARG(from->fn->name.name->text));
  }
}

void check_arm_guard_rules(Checker *c) {
  for (u32 i = 0; i < c->arm_guards.count; i++) {
    ArmGuard *guard = c->arm_guards.items[i];
    u8 bad = guard->effects->effects & (u8) ~(EFFECT_READS | EFFECT_STORED_FUNCTION);
    if (bad) report_effects(c, guard->effects, bad, guard->span);
  }
}

void check_guard_rules(Checker *c, ActorDecl *actor) {
  for (u32 i = 0; i < actor->handlers.count; i++) check_guard_purity(c, actor->handlers.items[i]);
  if (actor->helpers.count) check_initialiser(c, actor);
}

// ---- main -----------------------------------------------------------------------------------------------------------

static bool is_power(Ty *ty) {
  static const char *powers[] = {"Out",      "In",   "Clock",   "Random",   "Bank", "ReadDir", "Dir",
                                 "ReadFile", "File", "Connect", "Listener", "Env",  "Exec"};
  if (ty->kind == TY_LIST) return ty_is(ty->args[0], TY_STRING);
  if (ty->kind != TY_REF || !ty->interface->home->source->library) return false;
  for (u32 i = 0; i < COUNT_OF(powers); i++) {
    if (str_eq(ty->interface->name.name->text, str_from(powers[i]))) return true;
  }
  return false;
}

static void check_main_param(Checker *c, const Param *param) {
  if (!param->pattern) return;
  Span span = param->pattern->span;
  if (param->pattern->kind != PAT_NAME) {
    check_error(c, DIAG_E0412, span, "a parameter of main is a plain name: grants are given by it");
    return;
  }
  Ty *ty = ty_resolve(param->ty);
  if (ty->kind == TY_ERROR || is_power(ty)) return;
  Diag *diag = param->type ? check_error(c, DIAG_E0412, param->type->span, "main can't ask for %.*s", STR_ARG(ty_text(ty)))
                           : check_error(c, DIAG_E0412, span, "a parameter of main carries its type");
  diag_hint(diag, "main may ask for powers (`out: Out`, `book: ReadFile`, …) and for `args: List[String]`");
}

static bool is_main_result(Ty *ty) {
  if (ty->kind == TY_UNIT || ty->kind == TY_INT || ty->kind == TY_ERROR) return true;
  if (ty->kind != TY_DATA || !ty->decl->home->source->library || !str_eq(ty->decl->name.name->text, STR("Result")))
    return false;
  if (ty_is_unique(ty)) return false;
  TyKind value = ty_resolve(ty->args[0])->kind;
  return value == TY_UNIT || value == TY_ERROR || value == TY_VAR;
}

void check_main(Checker *c) {
  Symbol *symbol = c->front->root == c->module ? resolve_declared(c->module, SPACE_VALUES, name_from("main")) : NULL;
  if (!symbol || symbol->kind != SYMBOL_FN) return;
  FnDecl *fn = c->module->main = symbol->fn;
  for (u32 i = 0; i < fn->params.count; i++) check_main_param(c, &fn->params.items[i]);
  if (fn->generics.count) check_error(c, DIAG_E0412, fn->name.span, "main has no type parameters");
  Ty *result = ty_resolve(fn->result_ty);
  if (is_main_result(result)) return;
  Diag *diag = check_error(c, DIAG_E0412, fn->name.span, "main gives (), Int or Result[(), E], but this one gives %.*s",
                           STR_ARG(ty_text(result)));
  if (result->kind == TY_PROMISE) diag_hint(diag, "`await` the answer");
}
