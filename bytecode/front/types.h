// The checker's types: terms with unifiable variables. The generator reads them through ty_resolve().
//
// Only `fn` declarations generalise, and what they close over is closed itself, so variables need no levels: whatever is
// still open in a function's type when its group has been checked becomes a parameter of the function.
#pragma once
#include "bytecode/front/ast.h"

typedef enum PACKED_ENUM TyKind {
  TY_INT,
  TY_FLOAT,
  TY_BOOL,
  TY_UNIT,
  TY_STRING,
  TY_BYTES,
  TY_DURATION,
  TY_TIME,
  TY_BUF,
  TY_LIST,     // args[0]
  TY_PROMISE,  // args[0]
  TY_ARRAY,    // args[0]
  TY_TUPLE,    // args
  TY_FN,       // args[0..count-1) parameters, the last is the result
  TY_DATA,     // decl, args
  TY_REF,      // interface, args
  TY_PARAM,    // quantified: parameter `index` of the enclosing declaration (an actor's functions: of the actor)
  TY_VAR,      // unifiable; after ty_resolve() only where nothing was ever said about it: treat as Unit
  TY_NEVER,    // of crash, return, break, continue, stop; unifies with everything
  TY_ERROR,    // was reported; unifies with everything
} TyKind;

// Why a variable must be able to do something: the operation or call that asked for it.
typedef struct Reason {
  Source *source;
  Span span;
  Str what;  // "<", "sort"; with a blank in it no code: "a closure"
} Reason;

// Fields of different kinds share their place.
struct Ty {
  TyKind kind;
  u8 constraints;      // VAR, PARAM
  u8 depth;            // of the term, variables counting as leaves; at most TY_DEPTH_LIMIT + 1. VAR: as `level`
  bool fixed;          // PARAM: the constraints are written, a body may not ask for more
  bool has_vars;       // a VAR may stand in it
  bool has_params;     // a PARAM may stand in it
  u16 level;           // VAR, once its group is checked: nodes of what it stands for
  u32 index;           // PARAM; VAR: identity
  u32 count;
  union {
    Ty **args;             // `count` of them
    const Reason *reason;  // VAR, PARAM: what asked for the constraints
  };
  union {
    TypeDecl *decl;            // DATA
    InterfaceDecl *interface;  // REF
    Ty *link;                  // VAR: what it was unified with, or NULL
    const Name *name;          // PARAM: as written, or NULL
  };
};

// Bits of `constraints` are Constraint (bytecode/module.h), and this one, which never leaves the checker: a parameter of a
// declaration, which anything else becomes when its group is done, is always plain.
enum { CONSTRAINT_PLAIN = 32 };

enum {
  TY_DEPTH_LIMIT = 50,    // nesting of a type; leaves room below LIMIT_TYPE_DEPTH for what the generator wraps around
  TY_SIZE_LIMIT = 20000,  // nodes of a type written out
};

Ty *ty_resolve(Ty *ty);  // follows links at the root

// ---- Making types ---------------------------------------------------------------------------------------------------

Ty *ty_basic(TyKind kind);  // a kind without arguments
Ty *ty_var(void);
Ty *ty_param(u32 index, const Name *name, u8 constraints);
Ty *ty_list(Ty *element);
Ty *ty_promise(Ty *value);
Ty *ty_array(Ty *element);
Ty *ty_tuple(u32 count, Ty **items);                  // none: Unit; one: the item itself; `items` is kept
Ty *ty_fn(u32 param_count, Ty **params, Ty *result);  // `params` is copied
Ty *ty_data(TypeDecl *decl, u32 count, Ty **args);    // `args` is kept
Ty *ty_ref(InterfaceDecl *interface, u32 count, Ty **args);

// Option and Result: with a unique part they are unique themselves; other data types take plain parts only.
bool ty_carries(const TypeDecl *decl);

static inline u32 ty_fn_params(const Ty *ty) { return ty->count - 1; }
static inline Ty *ty_fn_result(const Ty *ty) { return ty->args[ty->count - 1]; }

// `ty` with parameters replaced by `args`; parameters past `count` become Error.
Ty *ty_subst(Ty *ty, Ty **args, u32 count);

// `ty` with every bound variable replaced by what it stands for.
Ty *ty_settle(Ty *ty);

// True if the type written out stays within the limits of nesting and size; of several, if they do together.
bool ty_within_limits(Ty *ty);
bool ty_all_within_limits(Ty **types, u32 count);

// ---- Printing, as users write types ---------------------------------------------------------------------------------

Str ty_text(Ty *ty);                                // open variables print as _
void ty_text_pair(Ty *a, Ty *b, Str *at, Str *bt);  // two that must not print alike: adds module names where they would

// ---- Unifying -------------------------------------------------------------------------------------------------------

typedef enum UnifyResult {
  UNIFY_OK,
  UNIFY_MISMATCH,
  UNIFY_INFINITE,  // a variable would stand for a type that contains it
  UNIFY_TOO_LARGE,
  UNIFY_CONSTRAINT,  // a variable that must be able to do `missing` would stand for `subject`, which is not
} UnifyResult;

// What unifying needs besides the two types, and what it leaves behind when it fails.
typedef struct Unifier {
  ModuleAst *viewer;     // opaque types of other modules are neither equal nor ordered to it
  PtrMap abilities[2];   // TypeDecl → Ability as the viewer sees it: equal, ordered
  Span at;               // set by the caller: where what is unified stands
  VEC(Ty *) bound;       // variables bound to open terms since unify_begin_group()
  VEC(Span) bound_at;    // parallel to it
  VEC(Ty *) asked;       // variables and parameters that were asked for something since then
  u32 steps;             // left of the budget of the current call
  Ty *left, *right;      // MISMATCH: the innermost pair
  Ty *subject;           // CONSTRAINT: what cannot
  Ty *inner;             // CONSTRAINT: the part of it that is to blame
  u8 missing;            // CONSTRAINT: one bit
  const Reason *reason;  // CONSTRAINT: what had asked for it, or NULL
} Unifier;

void unify_begin_group(Unifier *u, ModuleAst *viewer);
UnifyResult unify(Unifier *u, Ty *a, Ty *b) MUST_CHECK;

// Asks `ty` to be able to do all of `constraints`: notes it in variables and in parameters whose constraints are inferred.
UnifyResult unify_require(Unifier *u, Ty *ty, u8 constraints, const Reason *reason) MUST_CHECK;

// True if every type bound since unify_begin_group() is within the limits; else *at tells where one was bound that is not.
bool unify_group_within_limits(Unifier *u, Span *at);

// `constraints` with what they imply.
u8 constraint_closure(u8 constraints);
const char *constraint_name(u8 bit);  // "equal"

// ---- Abilities of data types (check_ability.c) -----------------------------------------------------------------------

// Whether values of a data type are equal (or ordered), as one module sees it.
typedef struct Ability {
  bool never;   // some field cannot, whatever the arguments
  bool opaque;  // never, because the type is opaque to the viewer
  u64 needs;    // the parameters that must be able, a bit each
  Ty *blame;    // never: the type of the field that cannot
} Ability;

enum { TYPE_PARAM_LIMIT = 64 };  // parameters of a type declaration: Ability.needs has a bit for each

const Ability *ability_of(Unifier *u, TypeDecl *decl, bool ordered);

// True if a value of the type may hold a function.
bool ability_holds_function(Ty *ty);
