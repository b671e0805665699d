// Ownership: see own.h. The walk keeps a Fate for each unique local of the body at hand, in the order of declaration, so
// that a scope is a suffix of the list and a snapshot of a path is a copy of it.
//
// Where paths meet, a value is live only if it is live on all of them; on those paths where it was, the generator drops it
// (a Branch says at which edge). A loop's body is walked silently first: what its turns have moved and not assigned anew is
// gone at the loop's head.
#include "bytecode/front/own_walk.h"

#include "bytecode/front/types.h"

// ---- Types ----------------------------------------------------------------------------------------------------------

bool ty_is_thing(Ty *ty) {
  ty = ty_resolve(ty);
  return ty->kind == TY_BUF || ty->kind == TY_ARRAY || (ty->kind == TY_REF && ty->interface->is_unique);
}

bool ty_is_unique(Ty *ty) {
  ty = ty_resolve(ty);
  if (ty_is_thing(ty)) return true;
  if (ty->kind == TY_DATA && ty->decl->is_unique) return true;
  bool parts = ty->kind == TY_TUPLE || ty->kind == TY_PROMISE || (ty->kind == TY_DATA && ty_carries(ty->decl));
  for (u32 i = 0; parts && i < ty->count; i++) {
    if (ty_is_unique(ty->args[i])) return true;
  }
  return false;
}

bool fn_gives_back(const FnDecl *fn, u32 param) {
  if (param >= fn->params.count) return false;
  const Param *p = &fn->params.items[param];
  return p->lent && p->replaced && !ty_is_thing(p->ty);
}

// ---- Drops ----------------------------------------------------------------------------------------------------------

enum { OWN_EDGES = OWN_ASSIGN + 1 };

typedef VEC(Local *) Locals;

typedef struct OwnNotes {
  PtrMap edges[OWN_EDGES];  // Expr → Locals
} OwnNotes;

static void note_drop(Own *o, const Expr *at, OwnEdge edge, Local *local) {
  if (o->silent) return;
  if (!o->body->own) o->body->own = gc_new(OwnNotes);
  PtrMap *map = &((OwnNotes *)o->body->own)->edges[edge];
  Locals *list = map_get(map, at);
  if (!list) {
    list = gc_new(Locals);
    map_put(map, at, list);
  }
  vec_push(list, local);
}

Drops own_drops(const Body *body, const Expr *e, OwnEdge edge) {
  const OwnNotes *notes = body ? body->own : NULL;
  const Locals *list = notes ? map_get(&notes->edges[edge], e) : NULL;
  return list ? (Drops){list->count, list->items} : (Drops){0, NULL};
}


// ---- Paths ----------------------------------------------------------------------------------------------------------

State own_snapshot(const Own *o) {
  State state = {.count = o->vars.count, .dead = o->dead};
  if (state.dead || !state.count) return state;
  state.fates = gc_alloc_data(state.count * sizeof *state.fates);
  for (u32 i = 0; i < state.count; i++) state.fates[i] = o->vars.items[i].fate;
  return state;
}

void own_restore(Own *o, const State *state) {
  o->dead = state->dead;
  if (o->dead) return;
  for (u32 i = 0; i < state->count; i++) o->vars.items[i].fate = state->fates[i];
}

// Whether the generator has to see to the end of it.
static bool is_owned(const Own *o, u32 i) { return !o->vars.items[i].local->lent; }

void own_join(Own *o, const Branch *branches, u32 count, u32 base) {
  u32 reached = 0;
  for (u32 k = 0; k < count; k++) reached += !branches[k].state.dead;
  o->dead = !reached;
  for (u32 i = base; i-- > 0 && reached;) {
    Fate fate = {.live = true};
    for (u32 k = 0; k < count; k++) {
      if (!branches[k].state.dead && fate.live) fate = branches[k].state.fates[i];
    }
    for (u32 k = 0; k < count && !fate.live; k++) {
      const Branch *branch = &branches[k];
      if (branch->state.dead || !branch->state.fates[i].live || !is_owned(o, i)) continue;
      note_drop(o, branch->at, branch->edge, o->vars.items[i].local);
    }
    o->vars.items[i].fate = fate;
  }
}

void own_enter_loop(Own *o, const Expr *loop, const Branches *again) {
  for (u32 i = o->vars.count; i-- > 0;) {
    Fate *fate = &o->vars.items[i].fate;
    for (u32 k = 0; k < again->count && fate->live; k++) {
      const State *state = &again->items[k].state;
      if (state->dead || state->fates[i].live) continue;
      *fate = state->fates[i];
      fate->earlier = true;
      Local *local = o->vars.items[i].local;
      if (is_owned(o, i) || local->look) note_drop(o, loop, OWN_ENTRY, local);
    }
  }
}

void own_go_round(Own *o, const Branch *turn, const State *head, u32 base) {
  for (u32 i = base; i-- > 0 && !turn->state.dead;) {
    bool more = turn->state.fates[i].live && !head->fates[i].live && is_owned(o, i);
    if (more) note_drop(o, turn->at, turn->edge, o->vars.items[i].local);
  }
}

// ---- Scopes ---------------------------------------------------------------------------------------------------------

static u32 find_var(const Own *o, const Local *local) {
  u32 i = (u32)(uintptr_t)map_get(&o->index, local);
  return i && i <= o->vars.count && o->vars.items[i - 1].local == local ? i - 1 : NO_VAR;
}

void own_bind(Own *o, Local *local) {
  if (!ty_is_unique(local->type) || find_var(o, local) != NO_VAR) return;
  local->lent |= local->look != NULL;
  vec_push(&o->vars, ((Var){local, {.live = true}}));
  map_put(&o->index, local, (void *)(uintptr_t)o->vars.count);
}

void own_bind_pattern(Own *o, Pat *pat) {
  if (!pat) return;
  if (pat_binds(pat)) own_bind(o, pat->local);
  for (u32 i = 0; i < pat_part_count(pat); i++) own_bind_pattern(o, pat_part(pat, i));
}

void own_drop_from(Own *o, u32 mark, const Expr *at, OwnEdge edge) {
  for (u32 i = o->vars.count; i-- > mark;) {
    if (!o->dead && o->vars.items[i].fate.live && is_owned(o, i)) note_drop(o, at, edge, o->vars.items[i].local);
  }
}

void own_close(Own *o, u32 mark, const Expr *at) {
  own_drop_from(o, mark, at, OWN_END);
  o->vars.count = mark;
}

// ---- Uses of names --------------------------------------------------------------------------------------------------

static Diag *report(Own *o, DiagCode code, Span span, const char *format, const Local *local) {
  return check_error(o->c, code, span, format, STR_ARG(local->name->text));
}

static void report_gone(Own *o, Var *var, Span span) {
  Fate *fate = &var->fate;
  if (o->silent || fate->told) return;
  fate->told = true;
  if (var->local->look) {
    Diag *diag = report(o, DIAG_E0441, span, "`%.*s` is gone: it is a part of something that has been moved, replaced or assigned", var->local);
    diag_note(diag, o->c->source, fate->at, fate->earlier ? "here, in the loop's previous turn" : "here");
    return;
  }
  Diag *diag = report(o, DIAG_E0441, span, "`%.*s` is gone: a unique value is used up when it is passed, sent, returned or stored", var->local);
  diag_note(diag, o->c->source, fate->at, fate->earlier ? "moved here, in the loop's previous turn" : "moved here");
}

// The loop that goes over `e`, the whole that it is a part of, or a part of it.
static const Lock *lock_of(const Own *o, const Expr *e) {
  const Lock *lock = o->locks;
  while (lock && (lock->guards || !lock->object || !own_overlap(lock->object, e))) lock = lock->outer;
  return lock;
}

static void report_locked(Own *o, const Local *local, Span span, const char *format, const Lock *lock) {
  if (o->silent) return;
  Diag *diag = report(o, DIAG_E0447, span, format, local);
  diag_note(diag, o->c->source, lock->object->span, "the loop over it");
}

static bool is_state(const Local *local) { return local->kind >= LOCAL_STATE_PARAM; }

// What the names look at that stand for parts of `root` is elsewhere from here on; NULL: of any state field.
static void end_looks(Own *o, const Local *root, Span at) {
  for (u32 i = 0; i < o->vars.count; i++) {
    Var *var = &o->vars.items[i];
    const Local *whole = local_root(var->local);
    if (whole == var->local || !var->fate.live) continue;
    if (root ? whole == root : is_state(whole)) var->fate = (Fate){.at = at};
  }
}

static void take_state(Own *o, Local *local, Span span) {
  if (local->moved_in_init) {
    report(o, DIAG_E0441, span, "`%.*s` is gone: the actor's initialisers have moved it", local);
    return;
  }
  Diag *diag = report(o, DIAG_E0445, span, "`%.*s` can't be moved out of the actor's state", local);
  if (local->kind != LOCAL_STATE_VAR) diag_hint(diag, "a `var` that holds it could be taken with `replace(&name, new)`");
  else diag_hint(diag, "take it with `replace(&%.*s, new)`, or `option.take(&%.*s)` of an Option", STR_ARG(local->name->text), STR_ARG(local->name->text));
}

void own_take(Own *o, Local *local, Span span) {
  if (!ty_is_unique(local->type)) return;
  u32 i = find_var(o, local);
  if (i == NO_VAR) {
    take_state(o, local, span);
    return;
  }
  Var *var = &o->vars.items[i];
  if (!var->fate.live) {
    report_gone(o, var, span);
    return;
  }
  if (local->lent || i < o->seen) {
    if (o->silent || var->fate.told) return;
    var->fate.told = true;
    Diag *diag = report(o, DIAG_E0442, span, "`%.*s` is only lent here: it can't be kept, returned, captured, sent or passed on for good", local);
    diag_hint(diag, "`&%.*s` lends it on", STR_ARG(local->name->text));
    return;
  }
  Expr name = {.kind = EX_NAME, .ref = REF_LOCAL, .local = local};
  const Lock *lock = lock_of(o, &name);
  if (lock) {
    report_locked(o, local, span, "`%.*s` can't be moved while a loop goes over it", lock);
    return;
  }
  var->fate = (Fate){.at = span};
  if (o->body->kind == BODY_INIT) local->moved_in_init = true;
  end_looks(o, local, span);
}

void own_take_session(Own *o, Span span) {
  u32 i = find_var(o, o->session);
  if (i == NO_VAR) return;
  Fate *fate = &o->vars.items[i].fate;
  if (fate->live) {
    *fate = (Fate){.at = span};
    return;
  }
  if (o->silent || fate->told) return;
  fate->told = true;
  Diag *diag = check_error(o->c, DIAG_E0446, span, "the session's message is used up: it brings one session on each path");
  diag_note(diag, o->c->source, fate->at, fate->earlier ? "here, in the loop's previous turn" : "used up here");
}

// The name whose unique value, or a part of it, is lent or looked at; NULL if it is none.
Expr *own_lent_name(Expr *e) {
  Expr *name = e->kind == EX_LEND ? e->object : e;
  while (name->kind == EX_DOT || name->kind == EX_ELEM) name = name->object;
  return name->kind == EX_NAME && name->ref == REF_LOCAL && ty_is_unique(name->local->type) ? name : NULL;
}

// A look at a unique value that stays where it is. False if it is gone, or nothing leads here.
static bool look(Own *o, Expr *name) {
  if (o->dead) return false;
  u32 i = find_var(o, name->local);
  if (i == NO_VAR) {
    if (name->local->moved_in_init) take_state(o, name->local, name->span);
    return !name->local->moved_in_init;
  }
  if (o->vars.items[i].fate.live) return true;
  report_gone(o, &o->vars.items[i], name->span);
  return false;
}

// Something that reads a unique value without using it up: `show`, `==`, an element, a field.
void own_peek(Own *o, Expr *e) {
  Expr *name = own_lent_name(e);
  if (name) look(o, name);
  else own_use(o, e->kind == EX_LEND ? e->object : e);
}

void own_lend(Own *o, Expr *e) {
  Expr *name = own_lent_name(e);
  const Lock *lock = look(o, name) ? lock_of(o, e) : NULL;
  if (lock) report_locked(o, name->local, name->span, "`%.*s` can't be lent or changed while a loop goes over it", lock);
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

// The name that argument i lends, or NULL.
static Expr *lent_arg(const Expr *e, u32 i) {
  const Arg *arg = &e->args.items[i];
  bool lent = e->call == CALL_FN && e->fn->params.items[arg->param].lent;
  return lent ? own_lent_name(arg->value) : NULL;
}

static bool sees_state(const Expr *e) {
  return e->call == CALL_FN && e->fn->effects & (EFFECT_READS | EFFECT_ASSIGNS);
}

static void lend_state(Own *o, Expr *e, Expr *name) {
  if (!is_state(local_root(name->local)) || !sees_state(e)) return;
  Diag *diag = report(o, DIAG_E0444, name->span, "`%.*s` is lent to a helper that sees the actor's state", name->local);
  diag_note(diag, o->c->source, e->fn->name.span, "this one could replace it meanwhile");
}

// A loop over a state field lends it too, and so does a match to its guards.
static void check_locks(Own *o, Expr *e) {
  for (const Lock *lock = o->locks; lock && sees_state(e); lock = lock->outer) {
    const Expr *name = lock->object ? own_lent_name(lock->object) : NULL;
    if (!name || !is_state(local_root(name->local))) continue;
    Diag *diag = check_error(o->c, DIAG_E0444, e->span, "`%.*s` is lent to the %s, and this helper sees the actor's state",
                             STR_ARG(name->local->name->text), lock->guards ? "match" : "loop");
    diag_note(diag, o->c->source, lock->object->span, "the %s it", lock->guards ? "match on" : "loop over");
    return;
  }
}

// What is lent in a call must not be lent again there, nor moved by a later argument.
static void check_lent(Own *o, Expr *e, u32 at) {
  Expr *lent = e->args.items[at].value, *name = lent_arg(e, at);
  for (u32 i = at + 1; i < e->args.count; i++) {
    Expr *other = lent_arg(e, i);
    if (!other || !own_overlap(e->args.items[i].value, lent)) continue;
    const char *what = other->local == name->local ? "`%.*s` is lent twice in one call" : "`%.*s` is lent together with a part of it, or with what it is a part of";
    diag_note(report(o, DIAG_E0443, other->span, what, other->local), o->c->source, name->span, "lent here too");
    return;
  }
  u32 i = find_var(o, name->local);
  if (i == NO_VAR || o->vars.items[i].fate.live || o->vars.items[i].fate.told || o->silent) return;
  Var *var = &o->vars.items[i];
  var->fate.told = true;
  diag_note(report(o, DIAG_E0443, var->fate.at, "`%.*s` is lent and moved in one call", var->local), o->c->source, name->span, "lent here");
}

// Something else is put in the place of what `e` stands for. A part stays in its whole, but what a thing holds may change.
static void replace(Own *o, const Expr *e, Expr *name, const FnDecl *callee) {
  if (e->kind == EX_LEND) e = e->object;
  bool whole = e == name && !name->local->look;
  if (whole) {
    if (!lock_of(o, name)) end_looks(o, name->local, name->span);
  } else if (!ty_is_thing(e->type) && !o->silent) {
    Diag *diag = check_error(o->c, DIAG_E0448, e->span, "this is a part of something, which nothing else can be put in the place of");
    if (callee) diag_note(diag, callee->home->source, callee->name.span, "this function may replace what it is lent here");
    diag_hint(diag, "take the whole apart with a pattern, which uses it up, and make it anew");
  }
}

static void walk_args(Own *o, Expr *e) {
  for (u32 i = 0; i < e->args.count; i++) {
    Expr *value = e->args.items[i].value;
    bool lent = lent_arg(e, i) != NULL;
    if (lent) own_lend(o, value);
    else own_use(o, value->kind == EX_LEND ? value->object : value);
  }
  for (u32 i = 0; !o->dead && i < e->args.count; i++) {
    Expr *name = lent_arg(e, i);
    if (!name) continue;
    lend_state(o, e, name);
    check_lent(o, e, i);
    if (e->fn->params.items[e->args.items[i].param].replaced) replace(o, e->args.items[i].value, name, e->fn);
  }
  check_locks(o, e);
  if (sees_state(e)) end_looks(o, NULL, e->span);
}

// replace(&x, new) and option.take(&x): x is a variable, whose old value is the result.
static void walk_replace(Own *o, Expr *e) {
  for (u32 i = 1; i < e->args.count; i++) own_use(o, e->args.items[i].value);
  Expr *lent = e->args.items[0].value, *name = lent->kind == EX_LEND ? lent->object : lent;
  Local *local = name->local;
  if (ty_is_unique(local->type)) {
    own_lend(o, name);
    replace(o, name, name, NULL);
  }
  if (local->kind == LOCAL_VAR || local->kind == LOCAL_STATE_VAR || local->lent) return;
  report(o, DIAG_E0448, name->span, "`%.*s` is no `var`: what it holds can't be replaced", local);
}

void own_call(Own *o, Expr *e) {
  switch (e->call) {
    case CALL_NONE: case CALL_FN: case CALL_CTOR: walk_args(o, e); return;
    case CALL_VALUE:
      own_use(o, e->object);
      walk_args(o, e);
      return;
    case CALL_SHOW: case CALL_ENDED:
      for (u32 i = 0; i < e->args.count; i++) own_peek(o, e->args.items[i].value);
      return;
    case CALL_REPLACE: case CALL_TAKE: walk_replace(o, e); return;
  }
}

// ---- Assignments ----------------------------------------------------------------------------------------------------

void own_assign(Own *o, Expr *e) {
  Expr *target = e->left;
  if (target->kind == EX_INDEX) {
    Expr *name = own_lent_name(target->left);
    if (!name) own_use(o, target->left);
    own_use(o, target->right);
    own_use(o, e->right);
    if (name) own_lend(o, target->left);
    return;
  }
  own_use(o, e->right);
  if (o->dead || !ty_is_unique(target->local->type)) return;
  const Lock *lock = lock_of(o, target);
  if (lock) {
    report_locked(o, target->local, target->span, "`%.*s` can't be assigned while a loop goes over it", lock);
    return;
  }
  end_looks(o, target->local, target->span);
  u32 i = find_var(o, target->local);
  if (i == NO_VAR) return;
  if (o->vars.items[i].fate.live) note_drop(o, e, OWN_ASSIGN, target->local);
  o->vars.items[i].fate = (Fate){.live = true};
}
