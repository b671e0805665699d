// The syntax tree of a module, as the parser makes it, the checker completes it, and the code generator reads it.
//
// Fields under "parsed" are set by the parser. Fields under "checked" are set by the checker, which also resolves names and
// rewrites some nodes in place, so that the generator sees only what `ExprKind` marks as checked: no dot calls, no
// qualified names, every call with its target and every argument with its parameter's number.
#pragma once
#include "bytecode/base.h"
#include "bytecode/diag.h"

typedef struct Ty Ty;  // the checker's types: front/types.h
typedef struct Expr Expr;
typedef struct Pat Pat;
typedef struct TypeExpr TypeExpr;
typedef struct TypeDecl TypeDecl;
typedef struct InterfaceDecl InterfaceDecl;
typedef struct FnDecl FnDecl;
typedef struct ActorDecl ActorDecl;
typedef struct ModuleAst ModuleAst;
typedef struct Local Local;
typedef struct Look Look;
typedef struct Body Body;

typedef struct Ident {
  const Name *name;
  Span span;
} Ident;

// ---- Types as written -----------------------------------------------------------------------------------------------

typedef enum TypeExprKind {
  TYPE_EXPR_NAME,   // module.Name[args]
  TYPE_EXPR_TUPLE,  // (a, b); () is Unit; (a) is a
  TYPE_EXPR_FN,     // fn(args) -> result
  TYPE_EXPR_LENT,   // &args[0]
} TypeExprKind;

struct TypeExpr {
  TypeExprKind kind;
  Span span;
  Ident module;          // .name NULL if none
  Ident name;
  VEC(TypeExpr *) args;
  TypeExpr *result;      // of FN, or NULL
};

typedef struct GenericParam {
  Ident name;
  Ident constraint;      // .name NULL if none written
} GenericParam;

typedef struct Param {
  Pat *pattern;
  TypeExpr *type;        // or NULL
  // checked
  Ty *ty;                // of `&T`: T
  bool lent;             // written `&T`
  bool replaced;         // lent, and the function may put something else into its place
} Param;

typedef VEC(Param) Params;
typedef VEC(GenericParam) GenericParams;

// ---- Names that code can refer to -----------------------------------------------------------------------------------

typedef enum PACKED_ENUM LocalKind {
  LOCAL_LET,          // also parameters and what patterns bind
  LOCAL_VAR,
  LOCAL_STATE_PARAM,  // an actor's parameter
  LOCAL_STATE_LET,
  LOCAL_STATE_VAR,
} LocalKind;

// One binding of a name. The checker makes it; alternatives of an or-pattern share it.
struct Local {
  const Name *name;
  Span span;
  LocalKind kind;
  Ty *type;
  Body *body;         // the function-like body that it is local to; NULL for state
  u32 slot;           // state: index of the actor's field
  bool used;
  bool assigned;
  bool lent;          // lent to its body: a parameter `&T`, a guard's view of a unique value, a part of what a pattern only looks at
  bool moved_in_init; // an actor's unique parameter that its initialisers have moved: no state
  const Look *look;   // of the pattern that binds it, if that only looks
  void *gen;          // the generator's own
};

// A pattern that only looks: what it takes apart stays where it is, and lends its unique parts.
struct Look {
  Local *root;        // the name that stands for the whole; NULL: it has none, as a parameter of a handler's guard
  const Expr *object; // that name, or a part of what it stands for; NULL if `root` is
  const Pat *pattern;
};

// The local whose value is, or holds, what this one stands for.
static inline Local *local_root(Local *local) { return local->look && local->look->root ? local->look->root : local; }

// A function-like body: a function's, handler's, guard's, closure's, task's, when's, initialiser's, test's, constant's.
typedef enum PACKED_ENUM BodyKind {
  BODY_FN, BODY_HELPER, BODY_HANDLER, BODY_GUARD, BODY_INIT, BODY_CLOSURE, BODY_TASK, BODY_WHEN, BODY_TEST, BODY_CONST,
} BodyKind;

struct Body {
  BodyKind kind;
  Body *outer;            // the body that this one stands in, or NULL
  FnDecl *fn;             // BODY_FN, BODY_HELPER
  ActorDecl *actor;       // set in everything that may use an actor's state (closures and tasks: lexically inside one)
  Ty *result;             // what `return` gives; for handlers and whens the answer
  bool answers;           // a handler of a method with an answer, a when: its tails may be promises to forward
  VEC(Local *) captures;  // of a closure, task or when: outer locals and state values that it names, in order of first use
  bool captures_self;     // a closure or task inside an actor that names `self`
  u8 effects;             // Effect bits (bytecode/op.h)
  u32 effect_node;        // front/effects.c's own
  void *own;              // front/own.c's own
  void *gen;
};

// ---- Patterns -------------------------------------------------------------------------------------------------------

typedef enum PACKED_ENUM PatKind {
  PAT_WILD,
  PAT_NAME,    // binds
  PAT_AT,      // name @ sub
  PAT_INT, PAT_FLOAT, PAT_DURATION, PAT_STRING, PAT_BYTES, PAT_BOOL,
  PAT_RANGE,   // low .. high, both literal patterns
  PAT_TUPLE,   // () is the unit pattern; (p) is p
  PAT_LIST,
  PAT_CTOR,
  PAT_OR,
} PatKind;

typedef struct PatField {
  Ident name;   // or .name NULL
  Pat *pattern;
} PatField;

// Fields of different kinds share their place: only those of the pattern's own kind may be read or written.
struct Pat {
  PatKind kind;
  bool inclusive;             // RANGE with ..=
  bool has_rest;              // LIST with `..`, CTOR with `..`
  bool has_parens;            // CTOR written with ( )
  u32 rest_at;                // LIST: how many items stand before the rest
  Span span;
  Ty *type;                   // checked
  union {
    Ident name;               // NAME, AT; CTOR: the constructor
    i64 number;               // INT, DURATION (us), BOOL
    double real;              // FLOAT
    Str text;                 // STRING, BYTES
    struct {
      Pat *low, *high;        // RANGE
    };
    Pat *rest;                // LIST: what the rest is matched with, or NULL
  };
  union {
    VEC(Pat *) items;         // TUPLE, LIST (without the rest), OR; AT: one
    VEC(PatField) fields;     // CTOR
  };
  union {                     // checked
    Local *local;             // NAME, AT
    struct CtorDecl *ctor;    // CTOR
  };
  Ident *module;              // CTOR: qualifier or NULL
  Pat **by_field;             // checked. CTOR: ctor->fields.count patterns in field order; NULL where not named
};

// The patterns inside one, save the ends of a range; some may be NULL.
static inline u32 pat_part_count(const Pat *pat) {
  switch (pat->kind) {
    case PAT_WILD: case PAT_NAME: case PAT_INT: case PAT_FLOAT: case PAT_DURATION: case PAT_STRING: case PAT_BYTES:
    case PAT_BOOL: case PAT_RANGE: return 0;
    case PAT_AT: case PAT_TUPLE: case PAT_OR: return pat->items.count;
    case PAT_LIST: return pat->items.count + 1;
    case PAT_CTOR: return pat->fields.count;
  }
  return 0;
}

static inline Pat *pat_part(const Pat *pat, u32 i) {
  if (pat->kind == PAT_CTOR) return pat->fields.items[i].pattern;
  return i < pat->items.count ? pat->items.items[i] : pat->rest;
}

static inline bool pat_binds(const Pat *pat) { return pat->kind == PAT_NAME || pat->kind == PAT_AT; }

// ---- Expressions ----------------------------------------------------------------------------------------------------

typedef enum PACKED_ENUM ExprKind {
  // literals
  EX_INT, EX_FLOAT, EX_DURATION, EX_STRING, EX_BYTES, EX_BOOL,
  EX_INTERP,       // parts: strings and expressions in turn
  EX_TUPLE,        // items; () is Unit; (e) is e itself
  EX_LIST,         // items, spread[i] where written ..e
  EX_MAP,          // items: key, value, key, value…
  // names
  EX_NAME,         // parsed: a lower-case name. checked: see `ref`
  EX_UPPER,        // parsed: a constructor's name. checked: becomes EX_NAME with ref REF_CTOR
  EX_SELF,
  // access
  EX_DOT,          // parsed: object.name. checked: a field of a record; qualified names have become EX_NAME
  EX_ELEM,         // object.number of a tuple
  EX_INDEX,        // object[index]. checked: for bytes and the like, becomes EX_CALL
  EX_INST,         // callee[types](…): parsed as callee of a call only; checked away
  // calls
  EX_CALL,         // callee(args). checked: target says what is called
  EX_DOT_CALL,     // parsed: object.name(args). checked: becomes EX_CALL with the object as first argument
  EX_SEND,         // object ! name(args)
  EX_SPAWN,        // spawn module.Name(args) in bank
  EX_AS,           // object as type_expr
  // operators
  EX_UNARY,        // op: '-' '~'
  EX_BINARY,       // op
  EX_AND, EX_OR, EX_NOT,
  EX_RANGE,        // left .. right, inclusive
  EX_LEND,         // &object
  EX_TRY,
  EX_AWAIT,        // object, within or NULL
  EX_OUTCOME,      // checked only: object.outcome(within: …)
  // control
  EX_IF,           // cond, then, otherwise (or NULL)
  EX_MATCH,        // object, arms
  EX_WHEN,         // object, arms; body
  EX_FOR,          // pattern, object, block
  EX_WHILE,        // cond, block
  EX_TASK,         // block; body
  EX_FN,           // params, result type, block; body
  EX_BLOCK,        // items are statements
  EX_RETURN,       // object or NULL
  EX_CRASH, EX_ASSERT,
  EX_BREAK, EX_CONTINUE, EX_STOP,
  // statements
  EX_LET,          // pattern, type_expr or NULL, value, otherwise (let-else) or NULL; is_var
  EX_ASSIGN,       // target: EX_NAME or EX_INDEX; op 0 for plain `=`, else the operator; value
  EX_ERROR,        // where the parser recovered; everything below it was reported
} ExprKind;

// Operators, as in the source.
typedef enum PACKED_ENUM Operator {
  OPERATOR_NONE,
  OPERATOR_ADD, OPERATOR_SUB, OPERATOR_MUL, OPERATOR_DIV, OPERATOR_REM,
  OPERATOR_ADD_WRAP, OPERATOR_SUB_WRAP, OPERATOR_MUL_WRAP,
  OPERATOR_BIT_AND, OPERATOR_BIT_OR, OPERATOR_BIT_XOR, OPERATOR_SHL, OPERATOR_SHR,
  OPERATOR_EQ, OPERATOR_NE, OPERATOR_LT, OPERATOR_LE, OPERATOR_GT, OPERATOR_GE,
  OPERATOR_NEGATE, OPERATOR_INVERT,
} Operator;

typedef struct Arg {
  Ident name;      // label or .name NULL
  Expr *value;
  bool spread;     // `..p` in a constructor: a copy of p with the other arguments replaced
  // checked
  u32 param;       // which parameter or field this is for; arguments stay in written order, which is evaluation order
} Arg;

typedef struct Arm {
  Pat *pattern;
  Expr *guard;     // or NULL
  Expr *value;
  // checked, WHEN only: nothing; all arms share Expr.body
} Arm;

// What an EX_NAME refers to.
typedef enum PACKED_ENUM RefKind {
  REF_NONE,
  REF_LOCAL,   // local
  REF_FN,      // fn, with type arguments `inst`: a function used as a value
  REF_CTOR,    // ctor: nullary, its value; else a function used as a value
  REF_CONST,   // constant, item
} RefKind;

// What an EX_CALL calls.
typedef enum PACKED_ENUM CallKind {
  CALL_NONE,
  CALL_FN,     // fn, with type arguments `inst`
  CALL_CTOR,   // ctor
  CALL_VALUE,  // callee is an expression of function type
  CALL_SHOW,   // prelude.show: one argument, the generator emits SHOW
  CALL_ENDED,  // prelude.ended of a session: one argument, lent
  CALL_REPLACE,  // prelude.replace: a name that is lent, and what takes its value's place
  CALL_TAKE,   // option.take: a name that is lent; None takes its place
} CallKind;

typedef struct ConstItem {  // one name bound by a module's `let`
  struct ConstDecl *decl;
  Local *local;
  u32 gen;                  // the generator's: index into Module.globals
} ConstItem;

typedef VEC(TypeExpr *) TypeArgs;

// Fields of different kinds share their place: only those of the expression's own kind may be read or written. Where the
// checker turns one kind into another, it sets what the new kind has.
struct Expr {
  ExprKind kind;
  Operator op;
  RefKind ref;               // NAME, checked
  CallKind call;             // CALL, checked
  bool inclusive : 1;        // RANGE
  bool is_var : 1;           // LET
  bool looks : 1;            // MATCH, LET, checked: what is unique stays where it is, and its parts are lent
  bool forwards : 1;         // checked: a tail or `return` operand of a body with `answers`, whose own type is a Promise
  u16 height;                // levels of expressions below this one; the parser bounds it, so passes may recurse
  Span span;
  Ty *type;                  // checked: of every expression; resolve with ty_resolve()
  union {
    Expr *object;            // the operand, receiver, scrutinee, callee's object…
    Expr *left;              // BINARY, AND, OR, RANGE; INDEX: left[right]; ASSIGN: left = right
    Expr *cond;              // IF, WHILE
    Expr *value;             // LET
    Expr *bank;              // SPAWN … in
  };
  union {
    struct {
      union {
        Expr *right;         // as `left`
        Expr *then;          // IF
        Pat *pattern;        // LET, FOR
      };
      union {
        Expr *otherwise;     // IF, LET
        Expr *block;         // FOR, WHILE, TASK, FN
      };
    };
    i64 number;              // INT, DURATION (us), BOOL, ELEM's index
    double real;             // FLOAT
    Str text;                // STRING, BYTES
    Ident name;              // NAME, UPPER, DOT, DOT_CALL, SEND, SPAWN; CALL that was a DOT_CALL
  };
  union {
    VEC(Expr *) items;       // INTERP, TUPLE, LIST, MAP, BLOCK
    VEC(Arg) args;           // CALL, DOT_CALL, SEND, SPAWN
    VEC(Arm) arms;           // MATCH, WHEN
    Params params;           // FN
    u32 field;               // DOT, checked: field index. With several constructors the field is looked up by name in each
  };
  union {
    VEC(bool) spread;        // LIST: parallel to the first of the items; the others have no `..`
    struct {
      union {
        Expr *within;        // AWAIT, OUTCOME: a Duration or NULL
        // checked
        Local *local;        // NAME with REF_LOCAL
        FnDecl *fn;          // NAME with REF_FN, CALL with CALL_FN
        struct CtorDecl *ctor;  // NAME with REF_CTOR, CALL with CALL_CTOR
        ConstItem *constant;  // NAME with REF_CONST
        Ty *interface;       // SEND: the receiver's resolved type; SPAWN, SELF, AS: the type of the reference made
        Body *body;          // FN, TASK, WHEN
      };
      union {
        TypeExpr *type_expr;  // LET, AS; FN: result
        // checked
        Ty **inst;           // CALL_FN, REF_FN: fn->generic_count types; SPAWN: the actor's
        struct MethodSig *method;  // SEND
      };
    };
  };
  union {
    TypeArgs *type_args;     // INST, DOT_CALL with [types], and the CALL made of it; or NULL
    Ident *module;           // SPAWN: qualifier or NULL
    ActorDecl *actor;        // SPAWN, checked
  };
};

// Calls `visit` for every expression right below `e`, bodies of closures and arms included, in the order of the source.
void expr_visit(Expr *e, void (*visit)(void *context, Expr *child), void *context);

// ---- Declarations ---------------------------------------------------------------------------------------------------

typedef struct FieldDecl {
  Ident name;
  TypeExpr *type;
  // checked
  Ty *ty;               // over the owner's parameters (ty_param)
} FieldDecl;

typedef struct CtorDecl {
  Ident name;
  VEC(FieldDecl) fields;
  bool has_parens;
  Str doc;
  // checked
  TypeDecl *owner;
  u32 index;
} CtorDecl;

struct TypeDecl {
  Ident name;
  Span span;
  Str doc;
  bool is_pub, is_opaque, is_unique;
  GenericParams generics;
  TypeExpr *alias;         // `= type`, or NULL
  VEC(CtorDecl *) ctors;   // `type P(x: Int)` has one, named like the type
  Ident deriving;          // `is equal`, `is ordered`; .name NULL if none
  // checked
  ModuleAst *home;
  Ty *alias_type;
  void *check;             // the checker's own
  u32 gen;
};

typedef struct MethodDecl {
  Ident name;
  Str doc;
  VEC(FieldDecl) params;
  TypeExpr *answer;        // NULL: one-way
} MethodDecl;

typedef struct InterfaceItem {
  TypeExpr *include;       // `..Other[T]`, or NULL: then `method`
  MethodDecl *method;
} InterfaceItem;

// A method of an interface after includes are spread out, types over the interface's parameters.
typedef struct MethodSig {
  const Name *name;
  Span span;
  ModuleAst *home;         // where it was declared
  u32 slot;
  u32 param_count;
  const Name **param_names;
  Ty **params;
  Ty *answer;              // NULL: one-way
  InterfaceDecl *origin;   // the interface that declares it (for `on J.m`)
} MethodSig;

struct InterfaceDecl {
  Ident name;
  Span span;
  Str doc;
  bool is_pub, is_unique;
  GenericParams generics;
  VEC(InterfaceItem) items;
  // checked
  ModuleAst *home;
  VEC(MethodSig *) methods;
  void *check;             // the checker's own
  u32 gen;
};

struct FnDecl {
  Ident name;
  Span span;
  Str doc;
  bool is_pub;
  GenericParams generics;
  Params params;
  TypeExpr *result;        // or NULL
  Expr *block;             // NULL: a native (library only)
  ActorDecl *actor;        // a helper of this actor, or NULL
  // checked
  ModuleAst *home;
  Body *body;
  u32 generic_count;       // written and inferred
  u8 *constraints;         // Constraint bits of each (bytecode/module.h)
  Ty *type;                // TY_FN over ty_param(0 … generic_count-1); a helper's: over its actor's parameters
  Ty *result_ty;
  u8 effects;
  bool changes;            // something that is lent to it
  void *check;             // the checker's own
  u32 gen;
};

typedef struct StateMember {   // `var` or `let` of an actor
  Pat *pattern;
  TypeExpr *type;
  Expr *value;
  bool is_var;
  Span span;
} StateMember;

typedef struct HandlerDecl {
  Ident qualifier;         // `on J.m`: J, or .name NULL
  Ident name;
  Span span;
  Str doc;
  Params params;
  TypeExpr *answer;        // written only without `is`
  Expr *guard;             // or NULL
  Expr *block;
  // checked
  VEC(MethodSig *) methods;  // what it implements: one of each interface that has it
  VEC(Local *) guard_params; // the parameters as the guard sees them: patterns bind anew
  Body *body;
  Body *guard_body;
  Ty **param_tys;
  Ty *answer_ty;             // NULL: one-way
  u32 gen, guard_gen;
} HandlerDecl;

struct ActorDecl {
  Ident name;
  Span span;
  Str doc;
  bool is_pub;
  GenericParams generics;
  Params params;
  VEC(TypeExpr *) implements;
  VEC(StateMember) state;    // in order
  VEC(FnDecl *) helpers;
  VEC(HandlerDecl *) handlers;
  InterfaceDecl *own;        // the interface of its own name, if there is no `is` (made by the checker)
  // checked
  ModuleAst *home;
  VEC(Ty *) interfaces;      // resolved; the first is what spawn gives; over the actor's parameters
  VEC(Local *) fields;       // all state in slot order: names that parameter and member patterns bind
  Body *init_body;
  u32 generic_count;
  u8 *constraints;
  void *check;               // the checker's own
  u32 gen;
};

typedef struct ConstDecl {   // a module's `let`
  Pat *pattern;
  TypeExpr *type;
  Expr *value;
  Span span;
  Str doc;
  bool is_pub;
  // checked
  ModuleAst *home;
  Body *body;
  VEC(ConstItem *) items;    // one for each name the pattern binds
  void *check;               // the checker's own
} ConstDecl;

typedef struct TestDecl {
  Str name;
  Span span;
  Expr *block;
  // checked
  Body *body;
  Local *out, *clock;        // in scope everywhere in it
} TestDecl;

typedef struct ImportDecl {
  Str path;                  // as written: "list", "./util", "net/http"
  Span span;
  Ident alias;               // `as h`, or .name NULL
  VEC(Ident) names;          // `{ map, Option }`
  // checked
  ModuleAst *module;
  bool used;
} ImportDecl;

struct ModuleAst {
  Source *source;
  Str name;                  // canonical
  Str doc;
  VEC(ImportDecl *) imports;
  VEC(TypeDecl *) types;
  VEC(InterfaceDecl *) interfaces;
  VEC(ActorDecl *) actors;
  VEC(FnDecl *) fns;
  VEC(ConstDecl *) consts;
  VEC(TestDecl *) tests;
  bool script;               // `main` was made of a script's statements: its parameters need not be used
  // checked
  PtrMap values;             // Name → FnDecl or ConstItem, through a tagged Symbol (checker's own)
  PtrMap type_names;         // Name → Symbol
  PtrMap ctor_names;         // Name → Symbol
  PtrMap module_names;       // Name → ImportDecl
  ModuleAst *prelude;        // whose names are visible here too, or NULL inside the prelude's own import closure
  struct Front *front;       // that checks it; set with prelude
  VEC(ModuleAst *) depends;  // modules that its code refers to, also through dot calls
  FnDecl *main;
  Region bodies;             // holds the expressions and their arrays; released once code was made of them
  bool checked;
  void *gen;
};
