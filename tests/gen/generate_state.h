// What the parts of the generator share. Text is written as it is decided: an expression is one line, a statement ends one.
//
// Every variable has its type; of a unique one it is known whether it is live, and whether something holds it borrowed. So what
// is written is well typed and owns what it uses, and a refusal is a fault of the compiler or of the generator. Complex operations
// take variables, whose types are written down: nothing is left for inference to guess.
#pragma once
#include "tests/gen/generate.h"
#include "vm/random.h"

typedef enum Kind {
  K_INT, K_FLOAT, K_BOOL, K_STRING,
  K_LIST, K_OPTION, K_PAIR, K_MAP,  // of a, or a and b
  K_DATA,                           // number `index`
  K_FN,                             // from a to b
  K_BUF, K_ARRAY,                   // unique; ARRAY of a
  K_OWNER,                          // a unique type, number `index`
} Kind;

typedef struct Ty {
  Kind kind;
  const struct Ty *a, *b;
  u32 index;
} Ty;

typedef struct Variant {
  u32 field_count;
  const Ty *fields[4];              // named a, b, c, d
} Variant;

typedef struct Data {
  u32 ctor_count;                   // of D3: D3x0, D3x1, …; of one alone: D3
  Variant ctors[4];
} Data;

typedef struct Var {
  u32 id;                           // v12
  const Ty *type;
  bool assignable;
  bool state;                       // an actor's own: lent and replaced, never moved
  bool lent;                        // a parameter &T, bound in a guard, or a part of what stays: never moved
  u32 within;                       // 1 + the number of the variable that it is a part of, or 0
  u32 pattern;                      // that binds it there: what another one binds may be the same
  bool dead;                        // moved away
  u32 busy;                         // how often it is lent at this place
} Var;

typedef struct Func {
  const Ty *result;
  u32 param_count;
  const Ty *params[4];
  bool lent[4];
  bool bounded;                     // a first parameter more, an Int that counts down
  u64 cost;
} Func;

enum { VARS = 400, DATAS = 8, OWNERS = 4, FUNCS = 14, TYPES = 5 };

typedef struct Gen {
  Random random;
  ProgramOptions options;
  Text out;
  u32 indent;
  u32 next_id;
  Var vars[VARS];
  u32 var_count;
  u32 capture_floor;                // in a closure or task: assignable and unique variables before it are out of reach
  u32 loop_floor;                   // in a loop: unique variables before it can't be moved
  u32 loops;                        // around what is written
  u32 outer_floor;                  // the loop_floor around the innermost loop
  bool lost[VARS];                  // moved on a way out of the innermost loop by `break`
  u32 helper;                       // an actor's function `h…` from Int to Int that may be called, or 0
  u32 no_moves;                     // in what may not run, or runs in an order of its own
  u32 pure;                         // in a guard: nothing but plain operators
  u32 within, pattern;              // in a pattern that only looks: what it binds is within that variable, see Var
  Data datas[DATAS], owners[OWNERS];
  u32 data_count, owner_count;
  Func funcs[FUNCS];
  const Ty *plain[TYPES], *unique[TYPES];  // the types that the program uses most
  u32 func_count;
  u32 self;                         // the function that is being written, or FUNCS
  const Ty *result;                 // of the function that is being written, or NULL
  bool prints;                      // `out` is there
  bool waits;                       // what is written may wait: it is no initialiser of a field
  u64 cost, times;                  // so far, and how often what is written now runs
} Gen;

enum { COST_MOST = 1500 };

static inline u32 pick(Gen *g, u32 below) { return below ? (u32)random_below(&g->random, below) : 0; }
static inline bool chance(Gen *g, u32 in) { return !pick(g, in); }

// ---- generate.c ----
void put_text(Gen *g, const char *format, ...) PRINTF_LIKE(2, 3);
void put_line(Gen *g);                                            // ends a line and indents the next
void put_type(Gen *g, const Ty *type);
const Ty *make_type(Kind kind, const Ty *a, const Ty *b, u32 index);
const Ty *some_type(Gen *g, u32 depth);                       // plain
const Ty *some_unique(Gen *g, u32 depth);
bool holds_unique(const Ty *type);
bool has_order(const Ty *type);
bool types_equal(const Ty *a, const Ty *b);

Var *make_var(Gen *g, const Ty *type, bool assignable);        // in reach from now on
u32 make_id(Gen *g);
bool var_seen(const Gen *g, const Var *var);                  // it may be read
bool var_movable(const Gen *g, const Var *var);
bool var_may_change(const Gen *g, const Var *var);            // no part of it is looked at from before the loop
void var_changes(Gen *g, const Var *var);                     // it is moved, replaced or may be: what looks at its parts is gone
void var_lend(Gen *g, Var *var, bool lent);                   // it and what overlaps it can't be used until it is given back
bool is_thing(const Ty *type);
void pattern_begin(Gen *g, u32 within);                       // what is bound until the end is a part of that, see Var
void pattern_end(Gen *g);
Var *var_of(Gen *g, const Ty *type);                        // plain or not; that may be read; any of them, or NULL
Var *var_of_kind(Gen *g, Kind kind);

// Which variables are live, on one way through a branch: those before it, that is.
typedef struct Lives {
  u32 count;
  bool dead[VARS];
} Lives;
void lives_note(const Gen *g, Lives *lives);
void lives_restore(Gen *g, const Lives *lives);
void lives_join(Gen *g, const Lives *other);                  // dead on either way is dead

// ---- generate_expr.c ----
void put_expr(Gen *g, const Ty *type, u32 depth);                 // plain
void put_owned(Gen *g, const Ty *type, u32 depth);                // unique: a new one, or one moved
void put_condition(Gen *g, u32 depth);
void put_call(Gen *g, u32 func, u32 depth);
bool put_look(Gen *g, u32 from);                                  // a condition that looks at unique variables from that number on
// A part of the variable that can be taken apart where it is: its type and `.a` or `.0`; NULL: there is none.
const Ty *some_part(Gen *g, const Var *var, const char **path);
bool can_afford(const Gen *g, const Func *func);
// A pattern that some values of the type match and others don't, if it can be; else one that binds it. True in the first case.
bool put_refutable(Gen *g, const Ty *type, u32 depth);
void put_binding(Gen *g, const Ty *type);                            // a name
void put_constructor(Gen *g, const Ty *type, u32 number, u32 depth);

// ---- generate_stmt.c ----
void put_statements(Gen *g, u32 count, u32 depth);
void put_use_of_lent(Gen *g);                                  // of something that is lent, if there is such a thing
void put_result(Gen *g, const Ty *type);                       // the last line of a body

// ---- generate_actor.c ----
typedef struct Actors {
  const Ty *plain, *other;          // what their messages carry
  const Ty *unique, *more;          // unique, unless the program is plain
  bool bin, middle, server;         // which there are beside the keeper
} Actors;
void put_actors(Gen *g, Actors *made);
void put_uses(Gen *g, const Actors *made);
