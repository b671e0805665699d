// The fixpoint over calls: see effects.h.
#include "bytecode/front/effects.h"

// ---- Natives --------------------------------------------------------------------------------------------------------

typedef enum NativeLent { LENT_NONE, LENT_LOOKS, LENT_CHANGES } NativeLent;

typedef struct Native {
  const char *name;
  Effect effect;
  NativeLent lent;
} Native;

enum {
  NONE = EFFECT_NONE,
  READS = EFFECT_READS,
  ASSIGNS = EFFECT_ASSIGNS,
  SENDS = EFFECT_SENDS,
  SPAWNS = EFFECT_SPAWNS,
  SUSPENDS = EFFECT_SUSPENDS
};

static const Native natives[] = {
#define NATIVE(name, path, signature, effect, lent) {path, (Effect)effect, LENT_##lent},
#include "bytecode/native.def"
#undef NATIVE
};

static const Native *find_native(const FnDecl *fn) {
  Str path = str_format("%.*s.%.*s", STR_ARG(fn->home->name), STR_ARG(fn->name.name ? fn->name.name->text : STR("")));
  for (size_t i = 0; i < COUNT_OF(natives); i++) {
    if (str_eq(path, str_from(natives[i].name))) return &natives[i];
  }
  return NULL;
}

void effects_of_native(FnDecl *fn) {
  const Native *native = find_native(fn);
  if (!native) return;
  fn->effects = (u8)native->effect;
  fn->changes = native->lent == LENT_CHANGES;
}

// ---- The graph ------------------------------------------------------------------------------------------------------

static void add_edge(Effects *effects, u32 from, u32 to, Span span) {
  vec_push(&effects->edges, ((EffectEdge){from, to, span}));
}

void effects_add_body(Effects *effects, Body *body) {
  vec_push(&effects->bodies, body);
  body->effect_node = effects->bodies.count;
  if (body->outer && body->outer->effect_node) add_edge(effects, body->effect_node, body->outer->effect_node, (Span){0});
}

void effects_add_call(Effects *effects, Body *caller, FnDecl *callee, Span span) {
  if (!caller) return;
  if (callee->body && callee->body->effect_node) {
    add_edge(effects, callee->body->effect_node, caller->effect_node, span);
  } else {
    caller->effects |= callee->effects;
  }
}

// The edges of each body, as a list of the bodies at their other ends: those of i are at start[i] … start[i + 1].
typedef struct Adjacent {
  u32 *start;
  u32 *other;
} Adjacent;

static Adjacent adjacent(const Effects *effects, bool incoming) {
  u32 bodies = effects->bodies.count, edges = effects->edges.count;
  u32 *start = gc_alloc_data(sizeof(u32) * (bodies + 3));
  u32 *other = gc_alloc_data(sizeof(u32) * (edges + 1));
  const EffectEdge *all = effects->edges.items;
  for (u32 i = 0; i < edges; i++) start[(incoming ? all[i].to : all[i].from) + 2]++;
  for (u32 i = 2; i < bodies + 3; i++) start[i] += start[i - 1];
  for (u32 i = 0; i < edges; i++)
    other[start[(incoming ? all[i].to : all[i].from) + 1]++] = incoming ? all[i].from : all[i].to;
  return (Adjacent){start, other};
}

void effects_solve(Effects *effects) {
  Adjacent out = adjacent(effects, false);
  VEC(u32) work = {0};
  for (u32 i = 1; i <= effects->bodies.count; i++) vec_push(&work, i);
  while (work.count) {
    u32 node = work.items[--work.count];
    u8 bits = effects->bodies.items[node - 1]->effects;
    for (u32 i = out.start[node]; i < out.start[node + 1]; i++) {
      Body *to = effects->bodies.items[out.other[i] - 1];
      if ((to->effects | bits) == to->effects) continue;
      to->effects |= bits;
      vec_push(&work, to->effect_node);
    }
  }
}

void effects_publish(Effects *effects) {
  for (u32 i = 0; i < effects->bodies.count; i++) {
    Body *body = effects->bodies.items[i];
    body->effects &= EFFECT_PUBLIC;
    body->effect_node = 0;
    if (body->fn) body->fn->effects = body->effects;
  }
}

const EffectEdge *effects_blame(const Effects *effects, const Body *body, u8 bits) {
  for (u32 i = 0; i < effects->edges.count; i++) {
    const EffectEdge *edge = &effects->edges.items[i];
    if (edge->to == body->effect_node && (effects->bodies.items[edge->from - 1]->effects & bits)) return edge;
  }
  return NULL;
}

// ---- Groups (Tarjan's algorithm, with a list in place of recursion) ------------------------------------------------------

typedef struct Visit {
  u32 order, low, next;
  bool on_stack;
} Visit;

typedef struct Walk {
  const Effects *effects;
  Adjacent uses;
  Visit *visits;
  u32 order;
  VEC(u32) path;
  VEC(u32) stack;
  EffectGroup group;
  void *context;
} Walk;

static void enter(Walk *w, u32 node) {
  w->visits[node] = (Visit){++w->order, w->order, w->uses.start[node], true};
  vec_push(&w->path, node);
  vec_push(&w->stack, node);
}

static bool uses_itself(const Walk *w, u32 node) {
  for (u32 i = w->uses.start[node]; i < w->uses.start[node + 1]; i++) {
    if (w->uses.other[i] == node) return true;
  }
  return false;
}

static void leave(Walk *w, u32 node) {
  w->path.count--;
  Visit *visit = &w->visits[node];
  if (w->path.count) {
    Visit *user = &w->visits[vec_last(&w->path)];
    if (visit->low < user->low) user->low = visit->low;
  }
  if (visit->low != visit->order) return;
  VEC(Body *) bodies = {0};
  u32 member;
  do {
    member = w->stack.items[--w->stack.count];
    w->visits[member].on_stack = false;
    vec_push(&bodies, w->effects->bodies.items[member - 1]);
  } while (member != node);
  w->group(w->context, bodies.items, bodies.count, bodies.count > 1 || uses_itself(w, node));
}

static void walk_from(Walk *w, u32 root) {
  enter(w, root);
  while (w->path.count) {
    u32 node = vec_last(&w->path);
    Visit *visit = &w->visits[node];
    if (visit->next == w->uses.start[node + 1]) {
      leave(w, node);
      continue;
    }
    u32 used = w->uses.other[visit->next++];
    if (!w->visits[used].order) {
      enter(w, used);
    } else if (w->visits[used].on_stack && w->visits[used].order < visit->low) {
      visit->low = w->visits[used].order;
    }
  }
}

void effects_walk(const Effects *effects, EffectGroup group, void *context) {
  Walk walk = {.effects = effects, .uses = adjacent(effects, true), .group = group, .context = context};
  walk.visits = gc_alloc_data(sizeof(Visit) * (effects->bodies.count + 2));
  for (u32 i = 1; i <= effects->bodies.count; i++) {
    if (!walk.visits[i].order) walk_from(&walk, i);
  }
}
