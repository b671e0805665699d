// Which values do patterns take? Exhaustiveness and reachability, on checked patterns (Pat.ctor and Pat.by_field set).
#pragma once
#include "bytecode/front/ast.h"

// Checks a EX_MATCH or EX_WHEN: an error at its keyword if some value has no arm, and at each arm that can't be reached.
// Says nothing about patterns that the checker has already refused.
void match_check(ModuleAst *module, Expr *match, Diags *diags);

bool match_irrefutable(Pat *pattern);

// A value that none of the patterns takes, as source text; empty if they take all. "_" stands for any value.
Str match_missing_example(Pat **patterns, u32 count);
