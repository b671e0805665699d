// What the files of the ownership pass share: own.c keeps the fates of unique locals, own_walk.c goes through the tree.
#pragma once
#include "bytecode/front/check.h"
#include "bytecode/front/own.h"

enum { NO_VAR = UINT32_MAX };

// What has become of a unique local on the path at hand.
typedef struct Fate {
  bool live;
  bool earlier;  // moved in the loop's previous turn
  bool told;     // reported already
  Span at;       // where it was moved
} Fate;

typedef struct Var {
  Local *local;
  Fate fate;
} Var;

// A path as it was at some place.
typedef struct State {
  u32 count;
  Fate *fates;
  bool dead;     // nothing leads here
} State;

// A path that meets others, and the edge where what they have moved is dropped.
typedef struct Branch {
  State state;
  const Expr *at;
  OwnEdge edge;
} Branch;
typedef VEC(Branch) Branches;

typedef struct OwnLoop {
  struct OwnLoop *outer;
  u32 base;        // variables declared outside
  Branches leave;  // by `break`
  Branches again;  // by `continue`, and the end of the body
} OwnLoop;

// What a `for` goes over, or a match looks at while its guards run.
typedef struct Lock {
  struct Lock *outer;
  Expr *object;  // a name, or a part of what it stands for; NULL: nothing that is lent
  bool guards;   // of a match: there nothing changes anyhow, but what is in the state must stay
} Lock;

typedef struct Own {
  Checker *c;
  Body *body;
  VEC(Var) vars;   // in scope, oldest first
  PtrMap index;    // Local → place in vars + 1
  bool dead;       // nothing leads to what follows
  bool silent;     // the first walk through a loop
  u32 seen;        // inside a guard: so many of the variables are from outside, and lent to it
  OwnLoop *loop;
  Lock *locks;
  Local *session;  // stands for the session's message that is being handled, or NULL
} Own;

State own_snapshot(const Own *o);
void own_restore(Own *o, const State *state);
// Goes on where the branches meet, with the first `base` variables; notes what each has to drop.
void own_join(Own *o, const Branch *branches, u32 count, u32 base);

// Before a loop's first turn: what some way round (`again`) has moved is dropped, for the head must always be alike.
void own_enter_loop(Own *o, const Expr *loop, const Branches *again);
// At the end of a turn: what it has besides what the head begins with is dropped.
void own_go_round(Own *o, const Branch *turn, const State *head, u32 base);

void own_bind(Own *o, Local *local);
void own_bind_pattern(Own *o, Pat *pat);
void own_drop_from(Own *o, u32 mark, const Expr *at, OwnEdge edge);  // what is live from there on
void own_close(Own *o, u32 mark, const Expr *at);                    // ends the scope of the variables from `mark` on

void own_use(Own *o, Expr *e);    // evaluates e, whose value goes somewhere
void own_peek(Own *o, Expr *e);   // evaluates e, which stays
void own_lend(Own *o, Expr *e);   // a name, or a part of what it stands for
Expr *own_lent_name(Expr *e);
void own_take(Own *o, Local *local, Span span);
void own_take_session(Own *o, Span span);  // `self as S`
void own_call(Own *o, Expr *e);
void own_assign(Own *o, Expr *e);

// ---- own_place.c ----
// Whether one of two expressions, each a name or a part of what it stands for, may be the other, or a part of it.
bool own_overlap(const Expr *a, const Expr *b);
