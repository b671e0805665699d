// What the parts of the code generator share: the module being made, the function being made, and sinks.
//
// gen.c drives; gen_table.c makes entries of the module's tables; gen_fn.c opens and closes functions and knows where
// locals live; gen_uses.c looks ahead in the tree; the others turn one family of expressions each into instructions.
//
// An expression is generated into a Sink, which says what becomes of its value: it is wanted as a certain type (raw or
// val, maybe in a certain register), it is dropped, or it is the result of the function (a tail position). A wanted
// register is written by the last instruction of the expression only, so it may be one that the expression reads.
#pragma once
#include "bytecode/front/emit.h"
#include "bytecode/front/own.h"
#include "bytecode/front/types.h"

// A function whose code is still to be made.
typedef enum PendingKind { PENDING_BODY, PENDING_WRAP_FN, PENDING_WRAP_CTOR } PendingKind;
typedef struct Pending {
  PendingKind kind;
  u32 function;
  Expr *expr;      // the FN, TASK or WHEN
  FnDecl *fn;
  CtorDecl *ctor;
} Pending;

// A declaration whose table entry was promised, but not filled yet.
typedef enum EntryKind { ENTRY_DATA, ENTRY_INTERFACE, ENTRY_FUNCTION, ENTRY_ACTOR, ENTRY_GLOBAL } EntryKind;
typedef struct Entry {
  EntryKind kind;
  u32 index;
  void *decl;
} Entry;

typedef struct ScopeItem {
  Reg reg;                // REG_NONE: another's
  u32 name;               // emit_name_from()'s handle
} ScopeItem;
typedef VEC(ScopeItem) ScopeItems;

typedef struct Gen {
  Module *module;
  ModuleAst *ast;
  Diags *diags;
  PtrMap entries;         // TypeDecl, InterfaceDecl, FnDecl, ActorDecl, ConstItem → index + 1
  PtrMap wrappers;        // FnDecl, CtorDecl → index + 1 of the closure function that stands for it
  PtrMap types;           // Ty → TypeId + 1
  VEC(u8) uniques;        // of each TypeId, what is known: whether it is unique
  PtrMap library;         // Name "module.function" → FnDecl
  VEC(Entry) unfilled;
  bool filling;
  VEC(Pending) pending;
  FreeLists free_lists;
  Emit emit;              // of the function under construction: one at a time, so its buffers serve all
  ScopeItems scope;       // likewise
  u32 line, line_start, line_end;  // the source line that was looked up last
  u32 serial;             // of the latest function
  u32 type_depth;
  bool type_refused;      // a type was too large: code that needs it cannot be made
  TypeId t_int, t_float, t_vint, t_vfloat, t_bool, t_unit, t_string, t_bytes, t_duration, t_time;
} Gen;

// Where a local lives in the function being made, and how it is used there.
typedef struct LocalInfo {
  u32 serial;             // the function for which `raw` and `val` hold
  u32 counted;            // the function for which the uses were counted
  Reg raw, val;           // an Int or Float may stand in both forms; others in `val` alone
  u32 raw_uses, val_uses;
  u32 slot;               // an actor's field
  bool elided;            // an actor's parameter that only its initialisers use: no field
} LocalInfo;

// `self` as an interface of the actor, captured by a closure or task.
typedef struct SelfRef {
  TypeId type;
  Reg reg;
} SelfRef;
typedef VEC(SelfRef) SelfRefs;

typedef struct Loop {
  struct Loop *outer;
  Label *leave, *again;
  u32 held;               // what the turns hold begins there in Fn.held
  Label done;             // where the loop goes when it ends by itself, if that is not `leave`
} Loop;

// What a function's tail still has to do before it returns: the drops at an edge.
typedef struct Tail {
  struct Tail *outer;
  const Expr *expr;
  OwnEdge edge;
} Tail;

// How an argument goes to its parameter. What the function may replace goes in and comes back, since a value has no place of its own
// where another could be put, but for things (own.h).
typedef enum Pass {
  PASS_MOVE,
  PASS_LEND,       // the register itself
  PASS_GIVE_BACK,  // moved, and back again: the result is a tuple of the result proper and what is given back
} Pass;

// A value that is read without being taken.
typedef struct Borrow {
  Reg reg;
  Reg temp;               // what is dropped afterwards, or REG_NONE
} Borrow;

typedef struct Fn {
  Gen *gen;
  Emit *emit;
  Body *body;             // NULL in wrappers
  FnDecl *decl;           // of a plain function: for calls of itself
  u32 function;
  u32 actor;              // index of the actor that the function belongs to, or IMPORT_NONE
  bool has_state;         // may GET and SET: part of an actor, and no closure or task
  bool keeps_frame;       // no tail calls: the kind of function needs its RET
  bool drops;             // one-way: the body's value is dropped, () returned
  TypeId result;
  TypeListId identity;    // the function's own type parameters, as arguments
  SelfRefs selves;        // of a closure or task
  Loop *loop;
  ScopeItems scope;       // the locals in scope
  VEC(Reg) held;          // unique operands evaluated so far, which an exit would leave behind
  Tail *tail;
  bool lends_params;      // a guard: its parameters stay with the message
  u32 gives;              // parameters that are given back
  Expr *ready;            // an expression whose value already stands in a register
  Reg ready_reg;
} Fn;

typedef enum SinkKind { SINK_VALUE, SINK_EFFECT, SINK_TAIL } SinkKind;
typedef struct Sink {
  SinkKind kind;
  TypeId type;            // VALUE
  Reg reg;                // VALUE: of that type, or REG_NONE for any
} Sink;

#define SINK_DROP ((Sink){SINK_EFFECT, 0, REG_NONE})
#define SINK_RETURN ((Sink){SINK_TAIL, 0, REG_NONE})

// ---- gen_table.c ----
TypeId gen_type(Gen *gen, Ty *ty);             // the val form
TypeId gen_raw_type(Gen *gen, Ty *ty);         // raw for Int and Float
static inline bool ty_is(Ty *ty, TyKind kind) { return ty_resolve(ty)->kind == kind; }
TypeId type_boxed(const Gen *gen, TypeId type);
const Type *type_of(const Gen *gen, TypeId type);
u32 gen_data(Gen *gen, TypeDecl *decl);
u32 gen_interface(Gen *gen, InterfaceDecl *decl);
u32 gen_function(Gen *gen, FnDecl *decl);
u32 gen_actor(Gen *gen, ActorDecl *decl);
u32 gen_global(Gen *gen, ConstItem *item);
Str param_name(const Pat *pattern);            // "_" if it has none
void gen_fill(Gen *gen);                       // fills all promised entries
FnDecl *gen_library_fn(Gen *gen, const char *module, const char *name);
Generics gen_generics(u32 count, const u8 *constraints);
TypeListId gen_identity(Gen *gen, u32 count);  // [T0, T1, …]
TypeId gen_subst(Gen *gen, TypeId type, TypeListId args);
TypeId gen_inside(Gen *gen, TypeId type, TypeId owner);  // a field's declared type in a value of type `owner`
TypeListId gen_args_of(Gen *gen, TypeId type); // the arguments of a data, tuple… type as a list: none of them unique
void gen_limit(Gen *gen, DiagCode code, Span span, const char *format, ...) PRINTF_LIKE(4, 5);

Pass fn_pass(const FnDecl *fn, u32 param);     // of a call's argument for that parameter
u32 fn_gives(const FnDecl *fn);                // parameters that are given back

// ---- gen_uses.c ----
typedef enum Role { ROLE_RAW, ROLE_VAL, ROLE_SAME } Role;  // in which form an expression wants a child's Int or Float
typedef struct Child {
  Expr *expr;
  Role role;
} Child;
typedef VEC(Child) Children;
void expr_children(Expr *e, Children *out);    // of the same function: not into closures, tasks and `when` arms
void count_use(Local *local, bool raw, u32 serial);
void count_uses(Gen *gen, Expr *root, bool raw, u32 serial);
bool may_assign(Expr *e);                      // might assign a local `var`
bool may_suspend(Expr *e);                     // might await, by itself
bool may_read(Fn *f, Expr *e, Reg reg);        // might read a local in that register
Expr *first_child(Expr *e);                    // what is evaluated first, if it is a value of its own
bool const_int(Fn *f, Expr *e, i64 *number);   // an Int known now
Expr *plain_constant(Fn *f, Expr *e);          // what a name of the module's own constants stands for, or e itself

// ---- gen_fn.c ----
LocalInfo *local_info(Local *local);
bool is_state(const Local *local);             // a parameter or member of an actor
// Makes the code of `function`, whose entry holds its signature, by calling `make`, twice if jumps turn out long.
typedef void (*MakeCode)(Fn *f, void *decl);
void fn_make(Gen *gen, u32 function, Body *body, MakeCode make, void *decl, Span span);
void fn_bind(Fn *f, Local *local, Reg reg);    // takes a temporary over; shares or copies another's register
Reg fn_var(Fn *f, Local *local);               // a new register for a local that owns what it has, still to be written
void fn_var_written(Fn *f, Local *local);      // it is: in the init function, a field's first value
void fn_bind_params(Fn *f, Params *params);    // to the function's first registers
Reg fn_read(Fn *f, Local *local, Sink sink);
u32 scope_open(Fn *f);
void scope_close(Fn *f, u32 mark);
Reg coerce(Fn *f, Reg reg, Sink sink);         // a register's value, delivered: moved, boxed or unboxed if need be
Reg sink_reg(Fn *f, Sink sink);                // where a value of the sink's type may be written
Reg value_reg(Fn *f, Sink sink, TypeId type);  // where one of this type may be written, to be delivered by coerce()
Sink sink_val(TypeId type);
Sink sink_to(Fn *f, Reg reg);
void fn_at(Fn *f, Span span);                  // the source line of what follows
bool fn_reachable(const Fn *f);
TypeListId inst_list(Fn *f, Ty **inst, u32 count);
u32 body_function(Fn *f, Expr *e, FunctionKind kind, const char *suffix);
u32 wrap_fn(Gen *gen, FnDecl *fn);
u32 wrap_ctor(Gen *gen, CtorDecl *ctor);
void gen_pending(Gen *gen);                    // makes the code of closures, tasks, whens and wrappers still to be made
void capture_list(Fn *f, Expr *e, Reg **regs, u32 *count);
bool when_has_state(const Body *body);
Reg find_self(const Fn *f, TypeId type);       // the captured `self` of that type, or REG_NONE

// ---- gen_expr.c ----
Reg gen(Fn *f, Expr *e, Sink sink);
Reg gen_value(Fn *f, Expr *e, TypeId type);    // in any register
Reg gen_natural(Fn *f, Expr *e);               // of the expression's type, raw for Int and Float
// Like gen_value(), and what `later` expressions assign does not reach it.
Reg gen_held(Fn *f, Expr *e, TypeId type, Expr *const *later, u32 later_count);
Reg hold(Fn *f, Reg reg);                      // a copy in a temporary
Reg gen_unit(Fn *f, Sink sink);                // () as the value of a statement
void gen_return(Fn *f, Reg reg);               // RET of a value of the function's result type
void gen_return_unit(Fn *f);
Reg gen_string(Fn *f, Str text, Sink sink);
Reg gen_int(Fn *f, i64 number, Sink sink);
Reg gen_constant(Fn *f, Constant constant, TypeId type, Sink sink);
void gen_crash_text(Fn *f, Str text);
Reg transfer(Fn *f, Reg reg, u32 mark);        // a value about to leave the scope that began at `mark`

void emit_return(Fn *f, Reg reg);              // RET alone: what is to be dropped was

// ---- gen_own.c ----
bool type_is_unique(Gen *gen, TypeId type);
bool reg_is_unique(Fn *f, Reg reg);
void reg_drop(Fn *f, Reg reg);               // releases a value that nobody wants; a unique one is dropped
bool has_drops(const Fn *f, const Expr *e, OwnEdge edge);
void gen_drops(Fn *f, const Expr *e, OwnEdge edge);  // what only looked is cleared
void held_push(Fn *f, Reg reg);                // an operand that waits while others are evaluated; undone by setting held.count
void gen_leave(Fn *f, const Expr *e, u32 held_from);  // before a jump or return out of the middle: drops what is left
bool leaves_quietly(const Fn *f, const Expr *e, u32 held_from);
void gen_tail_drops(Fn *f);                    // all that is left, before the function returns
bool is_path(const Expr *e);                   // a local, or a part of one: borrowing it has no effect
Reg fn_borrow(Fn *f, Local *local);            // its register, or a state field's value, lent
Borrow gen_borrow(Fn *f, Expr *e);             // of plain values too: those are just read
void borrow_end(Fn *f, Borrow b);
Reg gen_replace(Fn *f, Expr *e);               // CALL_REPLACE, CALL_TAKE: the old value

// ---- gen_array.c ----
Reg gen_index(Fn *f, Expr *e, Sink sink);
void gen_assign_index(Fn *f, Expr *e);
Reg gen_length(Fn *f, Expr *object, Sink sink);
void gen_for_array(Fn *f, Expr *e);
bool is_length(const FnDecl *fn);              // array.len, buf.len

// ---- gen_op.c ----
Reg gen_binary(Fn *f, Expr *e, Sink sink);
Reg gen_unary(Fn *f, Expr *e, Sink sink);
Reg gen_logic(Fn *f, Expr *e, Sink sink);      // AND, OR, NOT
// left op right, where left already stands in a register, as a value of type `ty`.
Reg gen_arith(Fn *f, Expr *at, Operator op, Ty *ty, Reg left, Expr *right, Sink sink);
void gen_branch(Fn *f, Expr *e, bool sense, Label *target);  // jumps if e is `sense`, else falls through
bool is_comparison(const Expr *e);
void gen_compare_regs(Fn *f, Operator op, Ty *ty, Reg left, Reg right, bool sense, Label *target);

// ---- gen_build.c ----
Reg gen_tuple(Fn *f, Expr *e, Sink sink);
Reg gen_list(Fn *f, Expr *e, Sink sink);
Reg gen_map(Fn *f, Expr *e, Sink sink);
Reg gen_text(Fn *f, Expr *e, Sink sink);       // INTERP
Reg gen_range(Fn *f, Expr *e, Sink sink);
Reg gen_show(Fn *f, Reg value, Sink sink);     // of a val
Reg gen_show_of(Fn *f, Expr *e, Sink sink);

// ---- gen_call.c ----
Reg gen_call(Fn *f, Expr *e, Sink sink);
Reg gen_field(Fn *f, Expr *e, Sink sink);
void gen_part(Fn *f, Expr *e, Reg object, Reg out);  // a DOT's or ELEM's value
Reg gen_ctor_value(Fn *f, Expr *e, Sink sink);
Reg gen_fn_value(Fn *f, Expr *e, Sink sink);
// Generates arguments in written order; regs[p] and wants[p] are those of parameter p.
void gen_args(Fn *f, Expr *e, const TypeId *wants, Reg *regs);
Reg gen_receiver(Fn *f, Expr *object, TypeId type, Expr *call);  // what is called, or sent to, before the arguments
void release_all(Fn *f, const Reg *regs, u32 count);
// A call of the library that the language itself makes. Releases the arguments.
Reg gen_library_call(Fn *f, const char *module, const char *name, TypeListId inst, const Reg *args, Sink sink);

// ---- gen_flow.c ----
// The body of a loop, and back to `head`. `step` runs before, also after a `continue`.
void loop_body(Fn *f, Expr *e, Loop *loop, u32 head, void (*step)(Fn *f, Reg reg), Reg reg);
Label *loop_done(Fn *f, Expr *e, Loop *loop);  // where a loop goes that ends by itself
void step_int(Fn *f, Reg reg);
void bind_pattern(Fn *f, Pat *pattern, Reg reg);
Reg gen_block(Fn *f, Expr *e, Sink sink);
Reg gen_if(Fn *f, Expr *e, Sink sink);
void gen_while(Fn *f, Expr *e);
void gen_for(Fn *f, Expr *e);
void gen_let(Fn *f, Expr *e);
void gen_assign(Fn *f, Expr *e);
Reg gen_try(Fn *f, Expr *e, Sink sink);
void gen_assert(Fn *f, Expr *e);
u32 ctor_index(Fn *f, TypeId data, Str name);  // of a data type's constructor

// ---- gen_match.c, gen_decide.c ----
Reg gen_match(Fn *f, Expr *e, Sink sink);
void gen_match_reg(Fn *f, Expr *e, Reg scrutinee, Sink sink);     // the arms of a MATCH or WHEN
// Whether taking a unique value apart uses it up, or it stays and its parts are lent.
typedef enum Destructure { DESTRUCTURE, DESTRUCTURE_LENT } Destructure;
void gen_destructure(Fn *f, Pat *pattern, Reg reg, Destructure how, Label *fail);  // fail NULL: the pattern always matches

// ---- gen_message.c ----
Reg gen_send(Fn *f, Expr *e, Sink sink);
Reg gen_spawn(Fn *f, Expr *e, Sink sink);
Reg gen_await(Fn *f, Expr *e, Sink sink);
Reg gen_outcome(Fn *f, Expr *e, Sink sink);
Reg gen_when(Fn *f, Expr *e, Sink sink);
Reg gen_task(Fn *f, Expr *e, Sink sink);
Reg gen_closure(Fn *f, Expr *e, Sink sink);
Reg gen_self(Fn *f, Expr *e, Sink sink);
Reg gen_narrow(Fn *f, Expr *e, Sink sink);

// ---- gen_actor.c ----
void gen_actor_functions(Gen *gen, ActorDecl *actor);
