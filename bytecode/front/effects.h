// What functions do besides computing: the union over their code and over what they call, as a fixpoint over the calls.
//
// Nodes are bodies. A closure counts where it is created, a function also where it is named as a value: so calling an
// unknown closure adds nothing, and a guard may only call closures that it made itself.
#pragma once
#include "bytecode/front/ast.h"
#include "bytecode/op.h"

// Kept beside the Effect bits while checking, never seen outside: the body reaches for state that holds functions, whose
// effects were counted elsewhere.
enum { EFFECT_STORED_FUNCTION = 128, EFFECT_PUBLIC = 31 };

typedef struct EffectEdge {
  u32 from;  // the body whose effects flow
  u32 to;
  Span span;  // of the call in `to`
} EffectEdge;

typedef struct Effects {
  VEC(Body *) bodies;  // by effect_node - 1
  VEC(EffectEdge) edges;
} Effects;

void effects_add_body(Effects *effects, Body *body);  // also counts it in the body that it stands in
void effects_add_call(Effects *effects, Body *caller, FnDecl *callee, Span span);
void effects_solve(Effects *effects);    // afterwards Body.effects and FnDecl.effects are complete, internal bits included
void effects_publish(Effects *effects);  // drops the internal bits

// Calls `group` with the bodies that need each other, groups after those that they need. Bodies outside any cycle are groups
// of one; `cyclic` tells them from one that needs itself.
typedef void (*EffectGroup)(void *context, Body **bodies, u32 count, bool cyclic);
void effects_walk(const Effects *effects, EffectGroup group, void *context);

// The call in `body` that brings one of `bits`, or NULL if its own code does.
const EffectEdge *effects_blame(const Effects *effects, const Body *body, u8 bits);

void effects_of_native(FnDecl *fn);  // those of its row in native.def, and whether it changes what it is lent
