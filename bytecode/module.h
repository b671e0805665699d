// A module in memory: what the code generator and the assembler build, the reader reads, the verifier proves, and the VM
// loads. Nothing here is trusted until the verifier has passed over it.
//
// Every table holds own entries and imported ones alike: an entry whose `import` is not IMPORT_NONE stands for the entry of
// the same name in another module (index into Module.imports), and carries what this module believes about it, which the
// verifier compares with the truth.
#pragma once
#include "bytecode/base.h"
#include "bytecode/op.h"

typedef u32 TypeId;      // index into Module.types; two types of a module are equal exactly if their ids are
typedef u32 TypeListId;  // index into Module.typelists; 0 is the empty list

enum { IMPORT_NONE = 0xffffffff };

// ---- Types ----------------------------------------------------------------------------------------------------------

// INT and FLOAT are raw words; all others are vals. A raw type stands only as a register's, a plain function's parameter's or
// result's, a data field's, a global's initialiser's result's or a state field's whole type: never inside another type.
// There, and wherever a value's kind may be asked, its val form stands: VINT, VFLOAT.
typedef enum TypeKind {
  TYPE_INT,
  TYPE_FLOAT,
  TYPE_VINT,
  TYPE_VFLOAT,
  TYPE_BOOL,
  TYPE_UNIT,
  TYPE_STRING,
  TYPE_BYTES,
  TYPE_DURATION,
  TYPE_TIME,
  TYPE_BUF,      // unique
  TYPE_VAR,      // parameter `index` of the declaration that the type stands in
  TYPE_LIST,     // args[0]
  TYPE_PROMISE,  // args[0]
  TYPE_ARRAY,    // args[0], never unique; unique
  TYPE_TUPLE,    // args, two or more
  TYPE_FN,       // a closure: args[0..count-1) parameters, the last is the result
  TYPE_DATA,     // Module.datas[index], args for its parameters
  TYPE_REF,      // actor reference by Module.interfaces[index], args for its parameters
  TYPE_KIND_COUNT,
} TypeKind;

extern const char *const type_kind_names[TYPE_KIND_COUNT];  // as in texts: "int", "List"; NULL where a kind has no name of its own

typedef struct Type {
  TypeKind kind;
  u32 index;
  u32 count;
  const TypeId *args;  // each smaller than this type's own id: types are well-founded
} Type;

typedef struct TypeList {
  u32 count;
  const TypeId *items;  // no raw types
} TypeList;

// What a type parameter must be able to do; a set of bits.
typedef enum Constraint {
  CONSTRAINT_EQUAL = 1,
  CONSTRAINT_ORDERED = 2,    // implies EQUAL
  CONSTRAINT_ADDS = 4,
  CONSTRAINT_NUMBER = 8,     // implies ADDS
  CONSTRAINT_REFERENCE = 16, // implies EQUAL
} Constraint;

typedef struct Generics {
  u32 count;
  const u8 *constraints;  // a set of Constraint for each; NULL if none has any
} Generics;

// ---- Declarations ---------------------------------------------------------------------------------------------------

typedef struct Field {
  Str name;
  TypeId type;
} Field;

typedef struct Ctor {
  Str name;
  u32 field_count;
  const Field *fields;
} Ctor;

typedef struct DataDef {
  Str name;
  u32 import;
  bool exported;
  bool opaque;        // other modules may not build it or look inside
  bool unique;        // a `unique type`: its values have one owner, its fields may be unique
  u8 declared;        // CONSTRAINT_EQUAL or _ORDERED if an opaque type says so; else 0
  Generics generics;  // constraints unused
  u32 ctor_count;     // an imported entry lists its constructors too, so that code can be checked without its home
  const Ctor *ctors;
} DataDef;

typedef struct Method {
  Str name;
  u32 param_count;
  const Field *params;  // no raw types
  bool answers;         // false: one-way
  TypeId answer;        // no raw type; UNIT if one-way
} Method;

typedef struct InterfaceDef {
  Str name;
  u32 import;
  bool exported;
  bool unique;            // its references are sessions: unique values, used up by a send
  Generics generics;
  u32 method_count;
  const Method *methods;  // in slot order: included interfaces' first, as written
} InterfaceDef;

typedef enum FunctionKind {
  FUNCTION_PLAIN,    // called by CALL and TAILCALL; may belong to an actor (a helper)
  FUNCTION_NATIVE,   // declared here, done in C: bytecode/native.def's row named "module.function"
  FUNCTION_CLOSURE,  // called through a closure: vals only; parameters first, then captures
  FUNCTION_INIT,     // an actor's start: parameters are the actor's, as vals; SETs every state field
  FUNCTION_HANDLER,  // parameters are the message's; RET answers
  FUNCTION_GUARD,    // parameters as the handler's; gives Bool; effects at most READS
  FUNCTION_WHEN,     // a continuation of an actor's turn: the Result[T, Broken], then captures; RET answers its promise
  FUNCTION_GLOBAL,   // computes a module's `let`: no parameters, no LOOP, no effects
  FUNCTION_TEST,     // a `test` block: parameters as main's; gives Unit
  FUNCTION_KIND_COUNT,
} FunctionKind;

// The line of the code words from `word` on, up to the next entry.
typedef struct LineEntry {
  u32 word;
  u32 line;
} LineEntry;

// A name for a register, for the debugger: holds from `from` up to `until` (words).
typedef struct LocalName {
  Str name;
  u16 reg;
  u32 from;
  u32 until;
} LocalName;

typedef struct Function {
  Str name;             // "area", "Tally.get", "main.fn" for a closure in main: what crash reports print after the module
  FunctionKind kind;
  u32 import;
  bool exported;
  u32 actor;            // index into Module.actors if it belongs to one (helper, init, handler, guard, when), else IMPORT_NONE
  Generics generics;    // of an actor's functions: the actor's
  u32 param_count;      // registers 0 … param_count-1; captures included
  u32 capture_count;    // the last so many parameters of a CLOSURE or WHEN are captures
  const u8 *lent;       // param_count flags, or NULL: parameters that are lent for the call
  TypeId result;
  u8 effects;           // at least what the code does; the verifier proves it
  u32 register_count;   // at least param_count
  const TypeId *registers;
  const Str *param_names;  // param_count names, or NULL; for main these are the grants' names
  u32 code_words;
  const u64 *code;
  u32 line_count;
  const LineEntry *lines;
  u32 local_count;
  const LocalName *locals;
} Function;

// One message that an actor takes: the handler, and the guard or IMPORT_NONE.
typedef struct Handler {
  Str name;
  u32 function;
  u32 guard;
} Handler;

// An interface that an actor implements: for each of its methods in order, an index into ActorDef.handlers.
typedef struct Implements {
  TypeId interface;     // a TYPE_REF
  const u32 *handlers;
} Implements;

typedef struct StateField {
  Str name;
  TypeId type;          // may be raw
  bool assignable;      // a `var`: may be SET outside the init function too
} StateField;

typedef struct ActorDef {
  Str name;
  u32 import;
  bool exported;
  Generics generics;
  u32 param_count;
  const Field *params;  // no raw types
  u32 field_count;
  const StateField *fields;
  u32 init;             // function index
  u32 handler_count;
  const Handler *handlers;
  u32 dropped;          // handler that hears of a session dropped midway, or IMPORT_NONE
  u32 implements_count; // one or more; the first is what `spawn` and `self` give
  const Implements *implements;
} ActorDef;

// A `let` of the module, computed once when it is loaded, then immutable and shared.
typedef struct Global {
  Str name;
  u32 import;
  bool exported;
  TypeId type;          // no raw type
  u32 function;         // FUNCTION_GLOBAL; own entries only
} Global;

typedef enum ConstantKind {
  CONSTANT_INT,       // VINT
  CONSTANT_FLOAT,     // VFLOAT
  CONSTANT_STRING,    // UTF-8, checked
  CONSTANT_BYTES,
  CONSTANT_DURATION,  // microseconds
  CONSTANT_KIND_COUNT,
} ConstantKind;

typedef struct Constant {
  ConstantKind kind;
  i64 number;    // INT, DURATION
  double real;   // FLOAT
  Str bytes;     // STRING, BYTES
} Constant;

typedef struct Import {
  Str module;    // canonical module name
  u64 hash;      // of the module it was compiled against; 0: not recorded
} Import;

// A `test`: its function and the text after the keyword.
typedef struct TestDef {
  Str name;
  u32 function;
} TestDef;

typedef struct Module {
  Str name;         // canonical: "list", "net/http" for the library, "./util" relative to the program's folder, "main"
  Str source_path;  // for crash reports
  u64 source_hash;
  VEC(Import) imports;
  VEC(Type) types;
  VEC(TypeList) typelists;
  VEC(DataDef) datas;
  VEC(InterfaceDef) interfaces;
  VEC(Function) functions;
  VEC(ActorDef) actors;
  VEC(Global) globals;
  VEC(Constant) constants;
  VEC(TestDef) tests;
  u32 main;         // function index or IMPORT_NONE
  void *interner;   // module_type()'s table; rebuilt on demand
} Module;

// Limits of a module, also enforced by the reader and the verifier. Compiler output past one is an error that names it.
enum {
  LIMIT_REGISTERS = 65534,
  LIMIT_FUNCTION_WORDS = 1 << 22,
  LIMIT_MODULE_BYTES = 1 << 28,
  LIMIT_TABLE = 1 << 22,       // entries of any table
  LIMIT_TYPE_ARGS = 255,       // parameters of a type, a function type or a tuple
  LIMIT_TYPE_DEPTH = 64,
  LIMIT_PARAMS = 255,          // of a function, message, constructor; fields of an actor
  LIMIT_CTORS = 4096,          // constructors of a data type
  LIMIT_METHODS = 4096,        // of an interface
  LIMIT_NAME = 1024,           // bytes of a name
};

Module *module_new(Str name);

// The id of the type, interned: asking twice gives one id. `args` is copied.
TypeId module_type(Module *module, TypeKind kind, u32 index, u32 count, const TypeId *args);
TypeListId module_typelist(Module *module, u32 count, const TypeId *items);
u32 module_constant(Module *module, Constant constant);  // interned too
u32 module_import(Module *module, Str name);             // index into imports, added if new

// For each row of a table the first row that is equal to it; in a table made by the functions above, itself. An array as long
// as the table. Rows may be ill-formed.
const u32 *module_first_types(const Module *module);
const u32 *module_first_typelists(const Module *module);
const u32 *module_first_constants(const Module *module);

// `type` with the parameters replaced by `args` (for registers of known instantiation). Raw types stay raw.
TypeId module_type_subst(Module *module, TypeId type, TypeList args);

// How many slots `actor->implements[i].handlers` has: as many as the interface has methods. 0 for an imported actor, which
// lists none, and if it is no interface of this module.
static inline u32 implements_slots(const Module *module, const ActorDef *actor, u32 i) {
  TypeId id = actor->implements[i].interface;
  if (actor->import != IMPORT_NONE || id >= module->types.count) return 0;
  const Type *type = &module->types.items[id];
  bool known = type->kind == TYPE_REF && type->index < module->interfaces.count;
  return known ? module->interfaces.items[type->index].method_count : 0;
}

static inline bool type_is_raw(const Module *module, TypeId type) { return module->types.items[type].kind <= TYPE_FLOAT; }

// Canonical text of a type or signature, as the assembler reads it: "List[Int]", "map.Map[String, T0]", "fn(Int) -> Bool".
// Own types stand without their module. Raw types print as "int" and "float", vals as "Int" and "Float"; parameters as T0, T1, …
void module_print_type(const Module *module, TypeId type, Text *out);
// "[T0: ordered](List[T0], int) -> Bool"
// Here own types stand with their module too ("prelude.Exit"), as in native.def.
void module_print_signature(const Module *module, const Function *function, Text *out);
// "[T0: ordered, T1]", or nothing.
void generics_print(const Generics *generics, Text *out);

// The line of code word `word`, or 0.
u32 function_line(const Function *function, u32 word);
