// The checker's own records, shared by the check_*.c files. One Checker serves one module.
//
//   check.c          a module's groups in dependency order, bodies, generalising
//   check_decl.c     types as written, and the signatures of all declarations
//   check_deps.c     which declarations refer to which
//   check_locals.c   locals, captures, state
//   check_expr.c     literals, collections, access
//   check_control.c  blocks, branches, loops, closures, let
//   check_name.c     names, constructors, fields
//   check_ops.c      operators
//   check_call.c     arguments, calls, constructors
//   check_dot.c      dot calls and qualified names
//   check_pat.c      patterns
//   check_actor.c    actors: state, handlers, guards
//   check_send.c     messages, spawn, await, when, task
//   check_rules.c    what constants, guards and main may be
//   check_report.c   how mismatches are worded
#pragma once
#include "bytecode/front/effects.h"
#include "bytecode/front/parse.h"
#include "bytecode/front/resolve.h"

// What is expected of an expression, and how to say so when it does not come.
typedef struct Want {
  Ty *ty;            // NULL: anything
  bool drop;         // the value is not used: any value that may be dropped
  bool answers;      // a Promise[ty] may stand here too, and is forwarded
  const char *what;  // subject of the sentence: "the argument"; NULL: plain
  const Name *name;  // its name, or NULL
  Source *source;    // where the expectation comes from, or NULL
  Span span;
  const char *note;  // label there
} Want;

// A type parameter in scope.
typedef struct TypeParam {
  const Name *name;
  Ty *ty;
} TypeParam;
typedef VEC(TypeParam) TypeParams;

typedef struct Binding {
  const Name *name;
  Local *hidden;  // what the name meant before
} Binding;

// A declaration whose type is inferred as part of a group.
typedef enum NodeKind { NODE_FN, NODE_CONST, NODE_ACTOR } NodeKind;

typedef struct Node {
  NodeKind kind;
  union {
    FnDecl *fn;
    ConstDecl *constant;
    ActorDecl *actor;
  };
  VEC(struct Node *) uses;
  bool annotated;  // its type is known before its group is checked, save for inferred constraints
  bool general;    // its inferred type was generalised, though the constraints of its parameters may not be known yet
  bool done;
  u32 order, low;  // Tarjan's
  bool on_stack;
  u32 next_use;
  // FN and ACTOR
  u32 written;  // type parameters in the source
  Ty **params;  // all type parameters, once known
  // ACTOR
  PtrMap helpers;  // Name → FnDecl
  u32 mark;        // the last node that was found to use this one
} Node;

// `arg` stands for a parameter whose inferred constraints were not known yet.
typedef struct Obligation {
  Ty *param;
  Ty *arg;
  const Reason *reason;
} Obligation;

// A guard or helper names something whose type, once known, may hold functions. `user` takes it apart there or passes it on,
// if that is known to call none of them.
typedef struct StoredUse {
  Body *body;
  Local *local;
  Span at;
  Expr *user;
} StoredUse;

// The guard of a match's arm: no body of its own, since it sees the locals, but with effects of its own.
typedef struct ArmGuard {
  Body *within;   // where it stands
  Body *effects;  // of the guard alone
  Span span;
} ArmGuard;

// A call that lends what a guard only sees, what is only lent to the caller, or a state field.
typedef struct LentCall {
  FnDecl *callee;
  u32 param;           // of the callee
  FnDecl *caller;      // it was lent to, or NULL
  Local *local;        // that is lent as a whole, or NULL
  Param *whole;        // the caller's parameter, if it is that
  Body *writes;        // which writes the state if the callee replaces what it is lent, or NULL
  bool guard;
  Span span;
} LentCall;

typedef struct Checker {
  Front *front;
  Diags *diags;
  ModuleAst *module;
  Source *source;
  Unifier unifier;
  Effects effects;
  VEC(Node *) nodes;
  // where checking stands
  Body *body;
  Node *actor;    // whose members are being checked, or NULL
  Node *current;  // the node being checked
  u32 depth;
  u32 loops;         // of the current body, around this place
  u32 binding_from;  // where the parameter list begins whose patterns are being bound; else UINT32_MAX
  PtrMap locals;     // Name → Local
  VEC(Binding) trail;
  TypeParams type_params;
  // of the current group
  u32 errors_before;
  VEC(Expr *) recursive;  // calls of members whose parameters are not known yet
  VEC(Obligation) obligations;
  VEC(StoredUse) stored;
  const Expr *place;     // being checked where it is only looked at: see check_place()
  HandlerDecl *handler;  // whose block is being checked, or NULL
  ArmGuard *arm_guard;   // being checked, or NULL
  VEC(ArmGuard *) arm_guards;
  VEC(LentCall) lent_calls;
  VEC(Expr *) matches;                  // to be checked for exhaustiveness once types are known
  VEC(Pat *) irrefutable;               // patterns that must always match
  VEC(const char *) irrefutable_where;  // parallel to it
} Checker;

enum { CHECK_DEPTH_LIMIT = PARSE_DEPTH_LIMIT + 100 };  // the parser's own limit speaks first

// ---- check.c --------------------------------------------------------------------------------------------------------

void check_module(Front *front, ModuleAst *module);
Body *check_body_new(Checker *c, BodyKind kind);
void check_note_call(Checker *c, FnDecl *fn, Span at);  // the body around calls `fn`, or names it as a value
void check_fn(Checker *c, Node *node);  // parameters and block of a function or helper
// Checks `block` as the body's block, its tails against the body's result.
void check_body_block(Checker *c, Body *body, Expr *block, Want want);

// ---- check_decl.c ---------------------------------------------------------------------------------------------------

void check_declarations(Checker *c);
void check_declare_fn(Checker *c, FnDecl *fn);
void check_add_method(Checker *c, InterfaceDecl *decl, MethodSig *sig, Span at);
Ty *check_type(Checker *c, TypeExpr *type);
void check_enter_type_params(Checker *c, const GenericParams *generics, Ty **params);
Ty **check_data_params(TypeDecl *decl);  // the parameters of a declaration, as types
Ty **check_interface_params(InterfaceDecl *decl);
// The data type "Option", "Range"… of the library, applied to fresh variables.
Ty *check_well_known(Checker *c, const char *name, Span at);
InterfaceDecl *check_power(Checker *c, const char *name);
MethodSig *check_method(InterfaceDecl *interface, const Name *name);
static inline Node *node_of_fn(const FnDecl *fn) { return fn->check; }
static inline Node *node_of_actor(const ActorDecl *actor) { return actor->check; }

// ---- check_deps.c ---------------------------------------------------------------------------------------------------

void check_collect_uses(Checker *c);

// ---- check_locals.c--------------------------------------------------------------------------------------------------

static inline u32 locals_open(const Checker *c) { return c->trail.count; }
void locals_close(Checker *c, u32 mark);
void locals_bind(Checker *c, Local *local);
Local *locals_find(const Checker *c, const Name *name);
Local *locals_new(Checker *c, Ident name, LocalKind kind, Ty *type);  // makes one, does not bind it
void locals_note_user(Checker *c, const Expr *operand, Expr *user);  // `user` has the name `operand` as operand
void locals_use(Checker *c, Local *local, Span at);  // notes use, capture and effect; errors where it may not be named
bool locals_use_self(Checker *c, Span at);
bool locals_detached(const Checker *c);  // inside a closure or task: the actor's state is out of reach

// ---- check_expr.c, check_control.c ----------------------------------------------------------------------------------

Ty *check_expr(Checker *c, Expr *e, const Want *want);
Ty *check_borrow(Checker *c, Expr *e, const Want *want);  // an EX_LEND where it may stand
// Any value, which stays where it is: a unique part of what a name stands for may be looked at there.
Ty *check_place(Checker *c, Expr *e);
bool check_part(Checker *c, Expr *e, Ty *ty);  // a field or part of that type: a unique one only in such a place
Ty *check_looked_at(Checker *c, Expr *e);      // the same, or lent with `&`
Ty *check_value(Checker *c, Expr *e);                          // any type; Never becomes a variable
void check_is(Checker *c, Expr *e, Ty *ty, const char *what);  // must be `ty`
Ty *check_settle(Checker *c, Expr *e, Ty *ty, const Want *want);
Ty *check_if(Checker *c, Expr *e, const Want *want);
Ty *check_match(Checker *c, Expr *e, const Want *want);
Ty *check_arms(Checker *c, Expr *e, Ty *object, const Want *want);
Ty *check_block(Checker *c, Expr *e, const Want *want);
Ty *check_loop(Checker *c, Expr *e);
Ty *check_closure(Checker *c, Expr *e, const Want *want);
Ty *check_return(Checker *c, Expr *e);
Ty *check_try(Checker *c, Expr *e);
Ty *check_let(Checker *c, Expr *e);
Ty *check_assign(Checker *c, Expr *e);
void check_become_call(Checker *c, Expr *e, FnDecl *fn, u32 count, Expr **args);  // e turns into a checked library call

// ---- check_name.c ---------------------------------------------------------------------------------------------------

Ty *check_name(Checker *c, Expr *e);
Ty *check_upper(Checker *c, Expr *e);
Ty *check_dot(Checker *c, Expr *e);
// What `e` names as a qualified name "module.name", or NULL; *was_module tells if its object is a module at all.
Symbol *check_qualified(Checker *c, Expr *object, Ident name, Span span, bool *was_module);
Ty *check_fn_value(Checker *c, Expr *e, FnDecl *fn);
Ty *check_ctor_value(Checker *c, Expr *e, CtorDecl *ctor);
Ty *check_const_value(Checker *c, Expr *e, ConstItem *item);
// The function's type with fresh type arguments, which e->inst gets.
Ty *check_instantiate(Checker *c, Expr *e, FnDecl *fn, Span at);
Ty *check_instantiate_ctor(Checker *c, CtorDecl *ctor, Span at, Ty **result, Ty ***fields);
Ty **check_fresh_args(Checker *c, Node *node, u32 count, const Name *name, Span at);
FnDecl *check_find_fn(Checker *c, const Name *name);  // a function in scope, helpers first
CtorDecl *check_find_ctor(Checker *c, Ident module, Ident name);
void check_unknown(Checker *c, Ident name);

// ---- check_ops.c ----------------------------------------------------------------------------------------------------

Ty *check_unary(Checker *c, Expr *e);
Ty *check_binary(Checker *c, Expr *e);
Ty *check_binary_types(Checker *c, Expr *e, Ty *left, Ty *right, const char **library);

// ---- check_call.c, check_dot.c --------------------------------------------------------------------------------------

// What arguments are for, with what messages need to say about it.
typedef struct Callee {
  const char *kind;  // "function", "constructor", "message", "actor"
  const Name *name;
  u32 count;
  Ty **params;
  const Name **names;  // or NULL: arguments cannot be named
  const Params *lent;  // tells which parameters are lent, or NULL
  bool looks;          // arguments may be lent, but need not
  bool skip_first;     // the first argument is a dot call's receiver, which is checked already
  Source *source;      // where it is declared, or NULL
  Span span;
} Callee;

void check_args(Checker *c, Expr *e, const Callee *callee);
void check_args_loosely(Checker *c, Expr *e);  // after an error: types are inferred, nothing is demanded
Ty *check_call(Checker *c, Expr *e);
Ty *check_call_fn(Checker *c, Expr *e, FnDecl *fn, bool dot, Span at);
CallKind check_call_kind(const FnDecl *fn);  // what the compiler knows about the library's function
Ty *check_call_ctor(Checker *c, Expr *e, CtorDecl *ctor);
Ty *check_dot_call(Checker *c, Expr *e);
const Name **check_param_names(const Params *params);

// ---- check_pat.c ----------------------------------------------------------------------------------------------------

// Gives the pattern its types and binds its names; `kind` is that of the locals made.
void check_pattern(Checker *c, Pat *pattern, Ty *ty, LocalKind kind);
// The patterns of a parameter list: together they bind each name once, and all must match.
void check_params(Checker *c, const Params *params, LocalKind kind);
void check_must_match(Checker *c, Pat *pattern, const char *where);  // "a parameter"; judged when the group is done

// ---- check_actor.c, check_send.c ------------------------------------------------------------------------------------

void check_actor(Checker *c, Node *node);
// Whether what the handler handles came through a session: all messages that it is for are of unique interfaces.
bool check_handles_session(const ActorDecl *actor, const HandlerDecl *handler);
void check_close_actor(Checker *c, Node *node);  // nothing of its types may be left open
void check_actor_signature(Checker *c, Node *node);
Ty *check_self_type(Checker *c);
Ty *check_send(Checker *c, Expr *e);
Ty *check_spawn(Checker *c, Expr *e);
Ty *check_as(Checker *c, Expr *e);
// Do two methods have the same types, each with the type arguments of its interface?
bool check_same_types(Checker *c, const MethodSig *a, const Ty *of_a, const MethodSig *b, const Ty *of_b);
Ty *check_self(Checker *c, Expr *e);
Ty *check_await(Checker *c, Expr *e);
Ty *check_outcome(Checker *c, Expr *e);
Ty *check_when(Checker *c, Expr *e);
Ty *check_task(Checker *c, Expr *e);

// ---- check_rules.c --------------------------------------------------------------------------------------------------

void check_constant_rules(Checker *c, ConstDecl *decl);
void check_main(Checker *c);
void check_guard_rules(Checker *c, ActorDecl *actor);
void check_arm_guard_rules(Checker *c);
const char *check_effect_text(u8 effects);  // "sends messages"
void check_order_constants(Checker *c);  // puts module->consts in an order in which they can be computed

// ---- check_lent.c ----------------------------------------------------------------------------------------------------

bool check_only_looks(const Checker *c, const Expr *object);  // does taking `object` apart leave it where it is?
bool check_guard_sees(const Checker *c, const Local *local);   // is it around the guard that is being checked? That changes nothing then
void check_look(Expr *object, Pat *pattern);                  // then the pattern's names stand for what `object` lends
void check_look_param(Pat *pattern);                          // of a handler, in its guard
void check_note_change(Checker *c, const Expr *e);            // what the name in `e` stands for changes in place
void check_note_replace(Checker *c, const Expr *name);        // something else is put into its place
void check_note_lend(Checker *c, const Expr *e, FnDecl *callee, u32 param);
void check_spread_lent(Checker *c);  // from functions to those that call them; before effects are solved
void check_lent_rules(Checker *c);

// ---- check_report.c -------------------------------------------------------------------------------------------------

Diag *check_error(Checker *c, DiagCode code, Span span, const char *format, ...) PRINTF_LIKE(4, 5);
void check_mismatch(Checker *c, UnifyResult result, Span span, Ty *found, const Want *want);
bool check_same(Checker *c, Span span, Ty *found, const Want *want);              // unifies, reports; false after an error
bool check_able(Checker *c, Span span, Ty *ty, u8 constraint, const char *what);  // "`<`"
bool check_known(Checker *c, Ty *ty, Span span, const char *what);                // reports E0204 for an open type
void check_plain(Checker *c, Span span, Ty *ty, const char *what);  // not unique: "a closure"
Ty *check_plain_var(Checker *c, Span span, const char *what);
static inline bool ty_is(Ty *ty, TyKind kind) { return ty_resolve(ty)->kind == kind; }
static inline bool ty_bad(Ty *ty) { return ty_resolve(ty)->kind == TY_ERROR; }
static inline Ty *ty_value(Ty *ty) { return ty_resolve(ty)->kind == TY_NEVER ? ty_var() : ty_resolve(ty); }
