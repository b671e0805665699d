// Who owns what: each body's unique values are live, lent or moved, and the checks of contract section 6 on them.
//
// check.c calls own_check_module() when all types are known and no error was found. It walks each body in the order of
// evaluation with the set of unique locals that are live, joins the sets where paths meet, goes through a loop's body twice,
// so that what one turn moved is missing in the next, and reports each use of what is gone, with the place where it went.
// What the generator must know of it (which values end where) it finds in the drops.
#pragma once
#include "bytecode/front/ast.h"
#include "bytecode/front/types.h"

typedef struct Checker Checker;

bool ty_is_unique(Ty *ty);        // settled or not; an open variable is not
bool ty_is_thing(Ty *ty);         // Buf, Array, session: what they hold changes in place, whoever owns it
// Whether the argument is moved into the call and comes back: it is lent, and something else may come back in its place, which
// a thing alone can do where it stands. Known once check_spread_lent() has run in the function's module.
bool fn_gives_back(const FnDecl *fn, u32 param);

typedef enum OwnEdge {
  OWN_END,     // the end of a body's block, a block, branch or arm: what its scope still owns, and what another branch has moved
  OWN_ELSE,    // where a part is not run (any more): an `if` without else, `and`, `or`, the regular exit of a loop
  OWN_ENTRY,   // before a loop: what its turns move and assign anew
  OWN_EXIT,    // of return, a failing try, break, continue: on the way out
  OWN_ASSIGN,  // of an assignment: what the variable held
} OwnEdge;

typedef struct Drops {
  u32 count;
  Local *const *locals;  // in the order of dropping: the youngest first
} Drops;

// Checks all bodies of the module: called once, when it has no other errors and its effects are solved.
void own_check_module(Checker *c);

// What the generator drops at that edge of `e`, an expression of `body` itself; nothing at most places.
Drops own_drops(const Body *body, const Expr *e, OwnEdge edge);
