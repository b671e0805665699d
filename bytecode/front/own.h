// Who owns what: each body's unique values are live, lent or moved, and the checks of contract section 6 on them.
//
// check.c calls own_check() for a body when all its types are known and no error was found in it. It walks the tree in the
// order of evaluation with the set of unique locals that are live, joins the sets where paths meet, goes through a loop's
// body twice so that what one turn moved is missing in the next, and reports each use of what is gone, with the place where
// it went. What the generator must know of it (which values end where) it finds in the drops.
#pragma once
#include "bytecode/front/ast.h"
#include "bytecode/front/check.h"

bool ty_is_unique(Ty *ty);        // settled or not; an open variable is not
bool ty_is_lendable(Ty *ty);      // Buf, Array, session: lent as they are; other unique types are passed and given back

typedef enum OwnEdge {
  OWN_END,     // the end of a body, block, branch or arm
  OWN_ELSE,    // of an `if` without else, `and`, `or`, a loop: where the rest is not run (any more)
  OWN_EXIT,    // of return, try, break, continue: on the way out
  OWN_ASSIGN,  // of an assignment: what the variable held is live
} OwnEdge;

typedef struct Drops {
  u32 count;
  Local **locals;
} Drops;

void own_check(Checker *c, Body *body, Expr *block);
Drops own_drops(const Expr *e, OwnEdge edge);  // none for most
