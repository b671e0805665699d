// Guards that need no turn: those that only compare a field with another, or with a number, as most do. They make nothing, cannot fail and
// end at once, so what they say can be read off the actor's state. docs/scheduling.md
#pragma once
#include "vm/actor.h"

// What is to be read off; if .compares is GUARD_RUNS: the guard is to run.
PlainGuard guard_plain(const Function *guard);

static inline bool guard_holds(const Actor *actor, const PlainGuard *guard) {
  i64 left = guard->left_is_field ? (i64)actor->fields[guard->left] : guard->left;
  i64 right = guard->right_is_field ? (i64)actor->fields[guard->right] : guard->right;
  switch ((PlainCompare)guard->compares) {
    case GUARD_EQ: return left == right;
    case GUARD_NE: return left != right;
    case GUARD_LT: return left < right;
    case GUARD_LE: return left <= right;
    case GUARD_RUNS: break;
  }
  return false;
}
