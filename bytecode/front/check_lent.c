// What is lent: which patterns only look, who changes what it is lent, and who puts something else into its place.
//
// Taking a value apart uses it up, unless it is only lent, or a part of something: then the pattern only looks (Look, ast.h),
// and its names stand for parts of what stays. Whether a function changes what it borrows, and which parameters it replaces as
// a whole, is inferred through calls, like effects; a guard calls no function that does, and the generator passes what is
// replaced in another way than what is only lent (gen_fn.h).
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"

// The name at the beginning of `x.a.0`, or NULL.
static const Expr *root_name(const Expr *e) {
  while (e && (e->kind == EX_LEND || e->kind == EX_DOT || e->kind == EX_ELEM)) e = e->object;
  return e && e->kind == EX_NAME && e->ref == REF_LOCAL ? e : NULL;
}

// A guard may change what it has made itself, but nothing that it sees.
bool check_guard_sees(const Checker *c, const Local *local) {
  if (c->body && c->body->kind == BODY_GUARD) return !local->body || local->lent || local->look;
  return c->arm_guard && (!local->body || local->span.start < c->arm_guard->span.start);
}

// ---- Patterns that only look ----------------------------------------------------------------------------------------

bool check_only_looks(const Checker *c, const Expr *object) {
  const Expr *name = root_name(object);
  if (!name) return false;
  return name != object || name->local->lent || name->local->look || check_guard_sees(c, name->local);
}

static void set_look(Pat *pattern, const Look *look) {
  if (!pattern) return;
  if (pat_binds(pattern) && pattern->local) pattern->local->look = look;
  for (u32 i = 0; i < pat_part_count(pattern); i++) set_look(pat_part(pattern, i), look);
}

void check_look(Expr *object, Pat *pattern) {
  Look *look = gc_new(Look);
  *look = (Look){local_root(root_name(object)->local), object, pattern};
  set_look(pattern, look);
}

void check_look_param(Pat *pattern) {
  Look *look = gc_new(Look);
  *look = (Look){NULL, NULL, pattern};
  set_look(pattern, look);
}

// ---- Changes --------------------------------------------------------------------------------------------------------

static FnDecl *lent_to(const Checker *c, Local *local) { return local_root(local)->lent && c->body ? c->body->fn : NULL; }

void check_note_change(Checker *c, const Expr *e) {
  const Expr *name = root_name(e);
  if (!name) return;
  FnDecl *fn = lent_to(c, name->local);
  if (check_guard_sees(c, local_root(name->local))) {
    check_error(c, DIAG_E0409, e->span, "a guard only looks: it can't change `%.*s`", STR_ARG(name->local->name->text));
  } else if (fn) {
    fn->changes = true;
  }
}

// The parameter of the function around that `e` names as a whole, if that is lent to it.
static Param *whole_param(const Checker *c, const Expr *e) {
  if (e->kind == EX_LEND) e = e->object;
  if (e->kind != EX_NAME || e->ref != REF_LOCAL || !e->local->lent || !c->body || !c->body->fn) return NULL;
  Params *params = &c->body->fn->params;
  for (u32 i = 0; i < params->count; i++) {
    const Pat *pattern = params->items[i].pattern;
    if (pattern && pattern->kind == PAT_NAME && pattern->local == e->local) return &params->items[i];
  }
  return NULL;
}

void check_note_replace(Checker *c, const Expr *name) {
  check_note_change(c, name);
  Param *param = whole_param(c, name);
  if (param) param->replaced = true;
}

void check_note_lend(Checker *c, const Expr *e, FnDecl *callee, u32 param) {
  const Expr *name = root_name(e);
  if (!name) return;
  bool guard = check_guard_sees(c, local_root(name->local)), state = !name->local->body && !locals_detached(c);
  bool whole = e == name || (e->kind == EX_LEND && e->object == name);
  LentCall call = {.callee = callee, .param = param, .caller = guard ? NULL : lent_to(c, name->local), .local = whole ? name->local : NULL,
                   .whole = whole_param(c, e), .writes = state && !guard ? c->body : NULL, .guard = guard, .span = name->span};
  vec_push(&c->lent_calls, call);
}

// ---- Through calls --------------------------------------------------------------------------------------------------

typedef VEC(u32) Calls;

// Of one call, to the function that makes it; true if that is new.
static bool spread_call(const LentCall *call) {
  if (!call->caller) return false;
  bool changes = call->callee->changes && !call->caller->changes;
  bool replaces = call->whole && call->callee->params.items[call->param].replaced && !call->whole->replaced;
  call->caller->changes |= changes;
  if (replaces) call->whole->replaced = true;
  return changes || replaces;
}

void check_spread_lent(Checker *c) {
  PtrMap lists = {0};  // FnDecl → Calls of it
  Calls work = {0};
  for (u32 i = 0; i < c->lent_calls.count; i++) {
    FnDecl *callee = c->lent_calls.items[i].callee;
    Calls *list = map_get(&lists, callee);
    if (!list) {
      list = gc_new(Calls);
      map_put(&lists, callee, list);
    }
    vec_push(list, i);
    vec_push(&work, i);
  }
  while (work.count) {
    const LentCall *call = &c->lent_calls.items[work.items[--work.count]];
    if (!spread_call(call)) continue;
    const Calls *list = map_get(&lists, call->caller);
    for (u32 i = 0; list && i < list->count; i++) vec_push(&work, list->items[i]);
  }
  for (u32 i = 0; i < c->lent_calls.count; i++) {
    const LentCall *call = &c->lent_calls.items[i];
    if (!call->callee->params.items[call->param].replaced) continue;
    if (call->local) call->local->assigned = true;
    if (call->writes && fn_gives_back(call->callee, call->param)) call->writes->effects |= EFFECT_UPDATES;
  }
}

void check_lent_rules(Checker *c) {
  for (u32 i = 0; i < c->lent_calls.count; i++) {
    const LentCall *call = &c->lent_calls.items[i];
    if (!call->guard || !call->callee->changes) continue;
    Diag *diag = check_error(c, DIAG_E0409, call->span, "a guard only looks, but `%.*s` may change what it borrows here",
                             STR_ARG(call->callee->name.name->text));
    diag_note(diag, call->callee->home->source, call->callee->name.span, "declared here");
  }
}
