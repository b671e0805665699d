// A match as a decision tree, between the part that plans it (gen_decide.c) and the part that emits it (gen_match.c).
//
// A Place is a part of the scrutinee that some pattern looks at or binds. A Node tests one place, or is the leaf where an
// arm is taken. Rows of patterns are specialised by each test, so no test is made twice on a path; where that would make
// the tree too large, the arms are tried one after the other instead (NODE_SEQUENCE).
#pragma once
#include "bytecode/front/gen_fn.h"

typedef enum Step {
  STEP_ROOT,
  STEP_FIELD,  // field `field` of constructor `ctor`
  STEP_ELEM,   // element `field` of a tuple
  STEP_HEAD,
  STEP_TAIL,
  STEP_FRONT,  // of a list pattern with items behind its rest: all but the last `field` elements
  STEP_BACK,   // and those
} Step;

typedef struct Place Place;
struct Place {
  Step step;
  u32 ctor, field;
  TypeId type;       // of its register
  Place *parent;
  VEC(Place *) parts;
  Reg reg;
  Reg raw;           // a boxed number once more, unboxed for tests
  Reg length;        // a list's, for FRONT and BACK
  bool loaded;
  bool bound;        // a local lives in its register
};

typedef struct Binding {
  Local *local;
  Place *place;
} Binding;

typedef struct Pair {
  Place *place;
  Pat *pat;
  u32 skip;          // of a list pattern: from this item on
  bool back;         // of a list pattern: only what stands behind its rest
} Pair;

typedef struct Row {
  VEC(Pair) pairs;
  VEC(Binding) bindings;
  u32 arm;
} Row;
typedef VEC(Row) Rows;

typedef enum NodeKind {
  NODE_FAIL,
  NODE_LEAF,
  NODE_TEST,      // equal to a literal, a constructor, [] or not
  NODE_RANGE,
  NODE_LENGTH,    // a list of at least `count` elements
  NODE_SEQUENCE,  // each of `tries`, until one does not fail
} NodeKind;

typedef struct Node Node;

typedef struct Case {
  const void *key;
  Pat *pat;        // the literal or constructor; of a list: any, `key` says which
  Rows rows;
  Node *node;
} Case;

struct Node {
  NodeKind kind;
  Place *place;
  VEC(Case) cases;
  bool complete;   // one of the cases holds
  Node *no;        // where no case holds, or the guard does not; NULL as FAIL
  Pat *pat;        // RANGE
  u32 count;       // LENGTH
  Node *yes;       // RANGE, LENGTH
  u32 arm;         // LEAF
  VEC(Binding) bindings;
  VEC(Node *) tries;
};

typedef struct Plan {
  Fn *f;
  Place *root;
  Node *tree;
  u32 arm_count;
  Arm *arms;         // guards of the arms, or NULL (a let)
  u32 *leaves;       // of each arm
  u32 nodes, work;   // spent
  u32 node_limit, work_limit;
  bool over;         // too large for a tree
  VEC(Place *) places;
} Plan;

Place *place_part(Plan *plan, Place *parent, Step step, u32 ctor, u32 field);
// Plans the match of `plan->root` with `patterns`; sets plan->tree. False if a single pattern is too large even alone.
bool plan_make(Plan *plan, Pat **patterns, u32 count);

// ---- Emitting -------------------------------------------------------------------------------------------------------

typedef enum LoadKind {
  LOAD_VALUE, LOAD_RAW, LOAD_LENGTH,
  LOAD_GONE,            // no more: what was borrowed in `reg`, whose owner is taken on this path
} LoadKind;

typedef struct Load {
  Place *place;
  LoadKind kind;
  Reg reg;
} Load;

typedef struct Matcher {
  Fn *f;
  Plan plan;
  Label *fail;          // where to go if nothing matches; NULL: something always does
  Sink sink;
  Label *end;
  Label *arm_labels;    // of arms with several leaves
  VEC(Load) loaded;     // in order; undone when a branch of the tree ends
  VEC(Local *) shared;  // bound by arms with several leaves
  bool arms;            // a match; else a let or parameter, which only binds
  bool looks;           // the scrutinee stays, and lends its unique parts: nothing is taken
} Matcher;

static inline bool place_is_unique(const Matcher *m, const Place *place) { return type_is_unique(m->f->gen, place->type); }

// ---- gen_match.c ----
void match_load(Matcher *m, Place *place);  // makes sure that the place's value stands in its register

// ---- gen_take.c ----
void match_take(Matcher *m, const Node *leaf);  // the arm is taken: so is a unique scrutinee
// Goes to `no` if the guard does not hold, in which unique parts are lent.
void match_guard(Matcher *m, const Node *leaf, Expr *guard, Label *no);
Local *match_local_at(const Node *leaf, const Place *place);  // what binds the place on the way to the leaf, or NULL
