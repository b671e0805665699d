// The ownership pass, part two: expressions in the order of evaluation, branches, loops, bodies. See own.h and own.c.
#include "bytecode/front/own_walk.h"

#include "bytecode/front/types.h"

static void walk_all(Own *o, Expr *const *items, u32 count) {
  for (u32 i = 0; i < count; i++) own_use(o, items[i]);
}

// ---- Bodies in bodies -----------------------------------------------------------------------------------------------

static Own inner(const Own *o, Body *body) {
  Own own = {.c = o->c, .body = body};
  for (u32 i = 0; i < body->captures.count; i++) own_bind(&own, body->captures.items[i]);
  return own;
}

static void walk_params(Own *o, const Params *params) {
  for (u32 i = 0; i < params->count; i++) own_bind_pattern(o, params->items[i].pattern);
}

static void walk_body(Own *o, Expr *block) {
  own_use(o, block);
  own_close(o, 0, block);
}

// A task or `when` block moves the uniques that it names; a closure names none.
static void take_captures(Own *o, Expr *e) {
  for (u32 i = 0; i < e->body->captures.count; i++) own_take(o, e->body->captures.items[i], e->span);
}

static void walk_closure(Own *o, Expr *e) {
  if (o->silent) return;
  Own own = inner(o, e->body);
  walk_body(&own, e->block);
}

static void walk_task(Own *o, Expr *e) {
  take_captures(o, e);
  if (o->silent) return;
  Own own = inner(o, e->body);
  walk_body(&own, e->block);
}

// ---- Arms -----------------------------------------------------------------------------------------------------------

static void walk_guard(Own *o, Expr *guard, Expr *looked_at) {
  if (!guard) return;
  u32 seen = o->seen;
  Lock lock = {.outer = o->locks, .object = looked_at, .guards = true};
  o->locks = &lock;
  o->seen = o->vars.count;
  own_use(o, guard);
  o->seen = seen;
  o->locks = lock.outer;
}

// What a pattern only looks at, a name or a part of one.
static Expr *looked_at(const Expr *e, Expr *object) { return e->looks && ty_is_unique(object->type) ? object : NULL; }

static void walk_object(Own *o, const Expr *e, Expr *object) {
  if (looked_at(e, object)) own_peek(o, object);
  else own_use(o, object);
}

// The arms of a match, or of a `when` in its own body.
static void walk_arms(Own *o, Expr *e) {
  Branches branches = {0};
  u32 base = o->vars.count;
  State before = own_snapshot(o);
  for (u32 i = 0; i < e->arms.count; i++) {
    Arm *arm = &e->arms.items[i];
    own_restore(o, &before);
    own_bind_pattern(o, arm->pattern);
    walk_guard(o, arm->guard, e->kind == EX_MATCH ? looked_at(e, e->object) : NULL);
    own_use(o, arm->value);
    own_close(o, base, arm->value);
    vec_push(&branches, ((Branch){own_snapshot(o), arm->value, OWN_END}));
  }
  own_join(o, branches.items, branches.count, base);
}

static void walk_when(Own *o, Expr *e) {
  own_use(o, e->object);
  take_captures(o, e);
  if (o->silent) return;
  Own own = inner(o, e->body);
  walk_arms(&own, e);
  own_close(&own, 0, e);
}

static void walk_if(Own *o, Expr *e) {
  own_use(o, e->cond);
  u32 base = o->vars.count;
  State before = own_snapshot(o);
  own_use(o, e->then);
  Branch branches[2] = {{own_snapshot(o), e->then, OWN_END}};
  own_restore(o, &before);
  own_use(o, e->otherwise);
  branches[1] = (Branch){own_snapshot(o), e->otherwise ? e->otherwise : e, e->otherwise ? OWN_END : OWN_ELSE};
  own_join(o, branches, 2, base);
}

static void walk_logic(Own *o, Expr *e) {
  own_use(o, e->left);
  Branch branches[2] = {{own_snapshot(o), e, OWN_ELSE}};
  own_use(o, e->right);
  branches[1] = (Branch){own_snapshot(o), e->right, OWN_END};
  own_join(o, branches, 2, o->vars.count);
}

static void walk_let(Own *o, Expr *e) {
  walk_object(o, e, e->value);
  if (e->otherwise) {
    State before = own_snapshot(o);
    own_use(o, e->otherwise);
    own_restore(o, &before);
  }
  own_bind_pattern(o, e->pattern);
}

static void walk_block(Own *o, Expr *e) {
  u32 mark = o->vars.count;
  walk_all(o, e->items.items, e->items.count);
  own_close(o, mark, e);
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

// One turn from the loop's head on. Gives the state in which the loop ends regularly.
static State walk_turn(Own *o, Expr *e, OwnLoop *loop) {
  loop->outer = o->loop;
  loop->base = o->vars.count;
  o->loop = loop;
  State leaves = own_snapshot(o);
  if (e->kind == EX_WHILE) {
    own_use(o, e->cond);
    leaves = own_snapshot(o);
  }
  own_use(o, e->block);
  vec_push(&loop->again, ((Branch){own_snapshot(o), e->block, OWN_END}));
  o->loop = loop->outer;
  return leaves;
}

static bool any_live(const Own *o) {
  for (u32 i = 0; i < o->vars.count; i++) {
    if (o->vars.items[i].fate.live) return true;
  }
  return false;
}

// What the turns have moved and not assigned anew is gone at the loop's head, from its first turn on.
static void find_head(Own *o, Expr *e) {
  if (o->silent || !any_live(o)) return;
  OwnLoop loop = {0};
  State entry = own_snapshot(o);
  o->silent = true;
  walk_turn(o, e, &loop);
  o->silent = false;
  own_restore(o, &entry);
  own_enter_loop(o, e, &loop.again);
}

static void walk_loop(Own *o, Expr *e) {
  Lock lock = {.outer = o->locks};
  if (e->kind == EX_FOR) {
    Expr *name = own_lent_name(e->object);
    if (name && ty_is_unique(e->object->type)) {
      own_lend(o, e->object);
      lock.object = e->object;
      o->locks = &lock;
    } else {
      own_use(o, e->object);
    }
  }
  find_head(o, e);
  State head = own_snapshot(o);
  OwnLoop loop = {0};
  State leaves = walk_turn(o, e, &loop);
  for (u32 k = 0; k < loop.again.count; k++) own_go_round(o, &loop.again.items[k], &head, loop.base);
  vec_push(&loop.leave, ((Branch){leaves, e, OWN_ELSE}));
  if (o->silent) {
    for (u32 k = 0; k < loop.again.count; k++) vec_push(&loop.leave, loop.again.items[k]);
  }
  own_join(o, loop.leave.items, loop.leave.count, loop.base);
  o->locks = lock.outer;
}

static void walk_jump(Own *o, Expr *e) {
  own_drop_from(o, o->loop->base, e, OWN_EXIT);
  Branch branch = {own_snapshot(o), e, OWN_EXIT};
  if (e->kind == EX_BREAK) vec_push(&o->loop->leave, branch);
  else vec_push(&o->loop->again, branch);
  o->dead = true;
}

// ---- Expressions ----------------------------------------------------------------------------------------------------

static void walk_exit(Own *o, Expr *e) {
  own_use(o, e->object);
  own_drop_from(o, 0, e, OWN_EXIT);
  if (e->kind == EX_RETURN) o->dead = true;
}

static bool compares(const Expr *e) { return e->op == OPERATOR_EQ || e->op == OPERATOR_NE; }

// What was looked at first must outlast what was evaluated behind it.
static void still_there(Own *o, Expr *e) {
  Expr *name = own_lent_name(e);
  if (name) own_peek(o, name);
}

static void walk_binary(Own *o, Expr *e) {
  if (compares(e)) {
    own_peek(o, e->left);
    own_peek(o, e->right);
    still_there(o, e->left);
  } else {
    own_use(o, e->left);
    own_use(o, e->right);
  }
}

void own_use(Own *o, Expr *e) {
  if (!e || o->dead) return;
  switch (e->kind) {
    case EX_INT: case EX_FLOAT: case EX_DURATION: case EX_STRING: case EX_BYTES: case EX_BOOL: case EX_UPPER:
    case EX_ERROR:
      return;
    case EX_SELF:
      if (ty_is_unique(e->type)) own_take_session(o, e->span);
      return;
    case EX_NAME:
      if (e->ref == REF_LOCAL) own_take(o, e->local, e->span);
      return;
    case EX_INTERP:
      for (u32 i = 0; i < e->items.count; i++) own_peek(o, e->items.items[i]);
      return;
    case EX_TUPLE: case EX_LIST: case EX_MAP: walk_all(o, e->items.items, e->items.count); return;
    case EX_BLOCK: walk_block(o, e); return;
    case EX_DOT: case EX_ELEM: own_peek(o, e->object); return;
    case EX_INDEX:
      own_peek(o, e->left);
      own_use(o, e->right);
      still_there(o, e->left);
      return;
    case EX_CALL: case EX_DOT_CALL: own_call(o, e); return;
    case EX_SEND:
      own_use(o, e->object);
      for (u32 i = 0; i < e->args.count; i++) own_use(o, e->args.items[i].value);
      return;
    case EX_SPAWN:
      for (u32 i = 0; i < e->args.count; i++) own_use(o, e->args.items[i].value);
      own_use(o, e->bank);
      return;
    case EX_LEND: own_peek(o, e); return;
    case EX_INST: case EX_AS: case EX_UNARY: case EX_NOT: case EX_ASSERT: own_use(o, e->object); return;
    case EX_BINARY: walk_binary(o, e); return;
    case EX_RANGE:
      own_use(o, e->left);
      own_use(o, e->right);
      return;
    case EX_AND: case EX_OR: walk_logic(o, e); return;
    case EX_TRY: case EX_RETURN: walk_exit(o, e); return;
    case EX_AWAIT: case EX_OUTCOME:
      own_use(o, e->object);
      own_use(o, e->within);
      return;
    case EX_IF: walk_if(o, e); return;
    case EX_MATCH:
      walk_object(o, e, e->object);
      walk_arms(o, e);
      return;
    case EX_WHEN: walk_when(o, e); return;
    case EX_FOR: case EX_WHILE: walk_loop(o, e); return;
    case EX_TASK: walk_task(o, e); return;
    case EX_FN: walk_closure(o, e); return;
    case EX_CRASH:
      own_use(o, e->object);
      o->dead = true;
      return;
    case EX_STOP: o->dead = true; return;
    case EX_BREAK: case EX_CONTINUE: walk_jump(o, e); return;
    case EX_LET: walk_let(o, e); return;
    case EX_ASSIGN: own_assign(o, e); return;
  }
}

// ---- Declarations ---------------------------------------------------------------------------------------------------

static void check_body(Checker *c, Body *body, const Params *params, Expr *block) {
  if (!block) return;
  Own own = {.c = c, .body = body};
  if (params) walk_params(&own, params);
  walk_body(&own, block);
}

// What some path of the initialisers has moved is no state: on the others it ends behind the last of them.
static void check_init(Checker *c, ActorDecl *actor) {
  Own own = {.c = c, .body = actor->init_body};
  walk_params(&own, &actor->params);
  for (u32 i = 0; i < actor->state.count; i++) own_use(&own, actor->state.items[i].value);
  for (u32 i = 0; i < own.vars.count; i++) own.vars.items[i].fate.live &= own.vars.items[i].local->moved_in_init;
  if (actor->state.count) own_drop_from(&own, 0, vec_last(&actor->state).value, OWN_END);
}

static void check_guard(Checker *c, const HandlerDecl *handler) {
  Own own = {.c = c, .body = handler->guard_body};
  for (u32 i = 0; i < handler->guard_params.count; i++) own_bind(&own, handler->guard_params.items[i]);
  own_use(&own, handler->guard);
}

// A session's message is like a unique value that is there when the handler begins.
static void check_handler(Checker *c, const ActorDecl *actor, HandlerDecl *handler) {
  Local message = {.lent = true, .type = ty_basic(TY_BUF)};
  Own own = {.c = c, .body = handler->body};
  if (check_handles_session(actor, handler)) {
    own.session = &message;
    own_bind(&own, &message);
  }
  walk_params(&own, &handler->params);
  walk_body(&own, handler->block);
}

static void check_actor_bodies(Checker *c, ActorDecl *actor) {
  check_init(c, actor);
  for (u32 i = 0; i < actor->handlers.count; i++) {
    HandlerDecl *handler = actor->handlers.items[i];
    check_guard(c, handler);
    check_handler(c, actor, handler);
  }
  for (u32 i = 0; i < actor->helpers.count; i++) {
    FnDecl *helper = actor->helpers.items[i];
    check_body(c, helper->body, &helper->params, helper->block);
  }
}

void own_check_module(Checker *c) {
  ModuleAst *module = c->module;
  for (u32 i = 0; i < module->fns.count; i++) {
    FnDecl *fn = module->fns.items[i];
    check_body(c, fn->body, &fn->params, fn->block);
  }
  for (u32 i = 0; i < module->actors.count; i++) check_actor_bodies(c, module->actors.items[i]);
  for (u32 i = 0; i < module->consts.count; i++) check_body(c, module->consts.items[i]->body, NULL, module->consts.items[i]->value);
  for (u32 i = 0; i < module->tests.count; i++) check_body(c, module->tests.items[i]->body, NULL, module->tests.items[i]->block);
}
