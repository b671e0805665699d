// What the files of the verifier share: the state of one proof, the meter, and what each part offers the others.
//
// Every check is a function that gives true, or records the first fault with verify_fail() and gives false; nothing goes on
// after a fault. Recursion goes at most LIMIT_TYPE_DEPTH deep: whatever recurs does so on types whose depth was checked.
#pragma once
#include "bytecode/verify.h"

enum { NO_TYPE = 0xffffffff, NO_ROW = 0xffffffff, NO_WORD = 0xffffffff };

// Which parameters a type needs able, so that it is itself; `never` says that no parameter can help.
typedef struct Needs {
  u64 params[4];  // a set of up to 256
  bool never;
} Needs;

// What code is told about its function, by those who saw the declarations.
typedef enum FunctionFact {
  FACT_UNIQUES = 1,   // some register is of a unique type
  FACT_SESSION = 2,   // it handles a message of a unique interface,
  FACT_ORDINARY = 4,  // it handles one that carries no session
} FunctionFact;

typedef enum Ability { ABLE_EQUAL, ABLE_ORDERED } Ability;

// What is known of a row of the type table once verify_types() has passed.
typedef struct TypeFacts {
  u16 params;  // least number of parameters that its declaration must have; 0: closed
  u8 depth;
  bool raw : 1;
  bool unique : 1;
} TypeFacts;

// A map from (scope, text) to a row, made for a known number of keys at most.
typedef struct Keys {
  struct KeySlot {
    u64 scope;
    Str text;
    u32 row;
    bool used;
  } *slots;
  u32 capacity;
} Keys;

// What a Verified is a part of: the names by which importers find its entries. Scopes are those of Entry.
typedef enum Entry { ENTRY_DATA, ENTRY_INTERFACE, ENTRY_FUNCTION, ENTRY_ACTOR, ENTRY_GLOBAL } Entry;

typedef struct Proved {
  Verified face;  // first, so that a Verified is the address of its Proved
  Keys entries;
} Proved;

typedef struct Verifier {
  const Module *m;
  const Verified *const *loaded;
  u32 loaded_count;
  Proved *proved;
  u32 *data_home, *interface_home, *function_home, *actor_home, *global_home;
  const Verified **imports;
  VerifyError *error;
  bool failed;
  u64 work, work_limit;

  const Function *f;             // where we are, for messages
  u32 word;                      // of f's code, or NO_WORD

  TypeFacts *facts;              // per type
  TypeId basic[TYPE_BUF + 1];    // the row of each simple type, or NO_TYPE
  Needs *needs[2];               // per type and Ability, valid where needs_pass is the current pass
  u32 *needs_pass[2];
  Needs *data_needs[2];          // per data type
  u32 pass;
  Keys methods;                  // (interface, name) to slot
  Keys pairs;                    // imported types already found equal to their home's: import << 32 | type, to the home's type
  u64 pairs_count;
  bool *closed_datas;            // per data type: another module's, and opaque or private
  u8 *function_facts;            // per function: a set of FunctionFact

  // Of the function at hand: which of its own type parameters are able.
  u64 able[2][4];
} Verifier;

bool verify_fail(Verifier *v, VerifyReason reason, const char *format, ...) PRINTF_LIKE(3, 4);
Str verify_type_text(const Verifier *v, TypeId type);  // "`List[Int]`", shortened

// Counts steps; false when the module has used up what its size allows.
static inline bool verify_spend(Verifier *v, u64 steps) {
  v->work += steps;
  return LIKELY(v->work <= v->work_limit) || verify_fail(v, REASON_TOO_COMPLEX, "proving takes more than %llu steps", (unsigned long long)v->work_limit);
}

// ---- verify_keys.c ----
Keys keys_for(u64 count);
bool keys_put(Verifier *v, Keys *keys, u64 scope, Str text, u32 row, u32 *found);  // *found: NO_ROW, or the row already there
u32 keys_find(Verifier *v, const Keys *keys, u64 scope, Str text);                 // NO_ROW if absent, or out of steps
bool verify_name(Verifier *v, Str name, const char *what);

// ---- verify_types.c ----
bool verify_types(Verifier *v);
bool type_within_fail(Verifier *v, TypeId type, u32 params, const char *what);  // or else why it is not
static inline bool type_within(Verifier *v, TypeId type, u32 params, bool raw_allowed, const char *what) {
  bool fits = type < v->m->types.count && v->facts[type].params <= params && (raw_allowed || !v->facts[type].raw);
  return LIKELY(fits) || type_within_fail(v, type, params, what);
}
bool type_plain_fail(Verifier *v, TypeId type, const char *what);
static inline bool type_plain(Verifier *v, TypeId type, const char *what) {  // of a well-formed type: not unique
  return LIKELY(!v->facts[type].unique) || type_plain_fail(v, type, what);
}
static inline const Type *type_at(const Verifier *v, TypeId type) { return &v->m->types.items[type]; }
static inline TypeKind type_kind(const Verifier *v, TypeId type) { return v->m->types.items[type].kind; }

// Is `left`, with `left_args` for its parameters, the same type as `right` with `right_args`? NULL: parameters as they are.
// False without a recorded fault if they differ.
bool types_same(Verifier *v, TypeId left, const TypeList *left_args, TypeId right, const TypeList *right_args);
static inline bool type_matches(Verifier *v, TypeId declared, const TypeList *args, TypeId actual) {
  if (declared == actual && !v->facts[declared].params) return true;
  return types_same(v, declared, args, actual, NULL);
}
static inline TypeList type_args(const Verifier *v, TypeId type) { return (TypeList){type_at(v, type)->count, type_at(v, type)->args}; }

// ---- verify_able.c: equal, ordered and the other constraints ----
bool verify_abilities(Verifier *v);
bool type_able(Verifier *v, TypeId type, u8 constraints);   // in the function at hand
void able_enter(Verifier *v, const Generics *generics);     // its type parameters

// ---- verify_imports.c ----
bool verify_resolve(Verifier *v);   // before anything else: what is imported from where
bool verify_imports(Verifier *v);   // after the tables: what is imported is what it was taken for
bool data_is(const Verifier *v, TypeId type, Str module, Str name);
bool interface_is(const Verifier *v, TypeId type, Str module, Str name);  // a reference
bool verify_entries(Verifier *v);   // at the end: the index that importers will use

// ---- verify_tables.c, verify_functions.c, verify_actors.c ----
bool verify_tables(Verifier *v);
bool verify_functions(Verifier *v);
bool verify_actors(Verifier *v);
bool verify_global_order(Verifier *v);
bool type_is_outcome(const Verifier *v, TypeId type);  // the library's Result[T, Broken]
bool generics_equal(const Generics *a, const Generics *b);

// A Buf, an Array or a session: what can be used without being taken apart.
static inline bool type_is_thing(const Verifier *v, TypeId type) {
  TypeKind kind = type_kind(v, type);
  return v->facts[type].unique && (kind == TYPE_BUF || kind == TYPE_ARRAY || kind == TYPE_REF);
}
static inline bool param_is_lent(const Function *f, u32 param) { return f->lent && f->lent[param]; }

// ---- verify_flow.c ----
typedef struct Flow Flow;
Flow *flow_new(Verifier *v);
bool verify_code(Flow *flow, const Function *f);
