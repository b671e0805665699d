// Which values do patterns take? Exhaustiveness and reachability, on checked patterns (Pat.ctor and Pat.by_field set).
#pragma once
#include "bytecode/front/ast.h"

// Checks a EX_MATCH or EX_WHEN: an error at its keyword if some value has no arm, and at each arm that can't be reached.
// Says nothing about patterns that the checker has already refused.
void match_check(ModuleAst *module, Expr *match, Diags *diags);

// Does the pattern take every value? If not, *example is one that it does not take, as source text in which "_" stands for
// any value; empty where looking for one would take too long.
bool match_irrefutable(Pat *pattern, Str *example);
