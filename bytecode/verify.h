// The verifier: proves from the bytecode alone that a module cannot break the VM's invariants, whatever compiler made it.
// Linear in the module's size, metered, no inference, no fallback. docs/verifier.md has the rules and their numbers.
#pragma once
#include "bytecode/module.h"

// A module that passed, with its imports resolved. Engines take this and nothing else. Only verify_module() makes one.
typedef struct Verified {
  const Module *module;
  const struct Verified **imports;   // parallel to module->imports
  // For each imported entry of a table, the index in its home module's table; IMPORT_NONE for own entries.
  const u32 *data_home, *interface_home, *function_home, *actor_home, *global_home;
  u64 work;                          // steps spent, for the linearity check
} Verified;

typedef enum VerifyReason {
#define REASON(name, id, text) REASON_##name,
#include "bytecode/reason.def"
#undef REASON
  REASON_COUNT
} VerifyReason;

typedef struct VerifyError {
  VerifyReason reason;
  Str message;    // one sentence: the reason's text with the particulars
  Str function;   // name of the function, or empty
  u32 word;       // code word of the instruction, if in a function's code
  u32 line;       // source line if known
} VerifyError;

// The name of a reason as hostile tests state it, e.g. "register-type".
const char *verify_reason_name(VerifyReason reason);

// NULL and *error filled if the module is refused. `loaded` are the modules that it may import, found by name.
const Verified *verify_module(const Module *module, const Verified *const *loaded, u32 loaded_count, VerifyError *error);
