// The fixpoint over calls: see effects.h.
#include "bytecode/front/effects.h"

// ---- Natives --------------------------------------------------------------------------------------------------------

typedef struct NativeEffect {
  const char *name;
  Effect effect;
} NativeEffect;

enum { NONE = EFFECT_NONE, READS = EFFECT_READS, ASSIGNS = EFFECT_ASSIGNS, SENDS = EFFECT_SENDS, SPAWNS = EFFECT_SPAWNS, SUSPENDS = EFFECT_SUSPENDS };

static const NativeEffect native_effects[] = {
#define NATIVE(name, path, signature, effect) {path, (Effect)effect},
#include "bytecode/native.def"
#undef NATIVE
};

u8 effects_of_native(Str module, Str function) {
  for (size_t i = 0; i < COUNT_OF(native_effects); i++) {
    Str path = str_from(native_effects[i].name);
    if (path.len != module.len + 1 + function.len || !str_starts_with(path, module) || path.ptr[module.len] != '.') continue;
    if (memcmp(path.ptr + module.len + 1, function.ptr, function.len) == 0) return (u8)native_effects[i].effect;
  }
  return 0;
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

// Edges sorted by `from`: those of body i are at start[i] … start[i + 1].
typedef struct Outgoing {
  u32 *start;
  u32 *to;
} Outgoing;

static Outgoing outgoing(const Effects *effects) {
  u32 bodies = effects->bodies.count, edges = effects->edges.count;
  u32 *start = gc_alloc_data(sizeof(u32) * (bodies + 3));
  u32 *to = gc_alloc_data(sizeof(u32) * (edges + 1));
  for (u32 i = 0; i < edges; i++) start[effects->edges.items[i].from + 2]++;
  for (u32 i = 2; i < bodies + 3; i++) start[i] += start[i - 1];
  for (u32 i = 0; i < edges; i++) to[start[effects->edges.items[i].from + 1]++] = effects->edges.items[i].to;
  return (Outgoing){start, to};
}

void effects_solve(Effects *effects) {
  Outgoing out = outgoing(effects);
  VEC(u32) work = {0};
  for (u32 i = 1; i <= effects->bodies.count; i++) vec_push(&work, i);
  while (work.count) {
    u32 node = work.items[--work.count];
    u8 bits = effects->bodies.items[node - 1]->effects;
    for (u32 i = out.start[node]; i < out.start[node + 1]; i++) {
      Body *to = effects->bodies.items[out.to[i] - 1];
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
