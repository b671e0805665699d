// A box in which many programs run one after the other in one process: the library is compiled, verified and loaded once, each
// program gets a VM of its own that shares it, and what it writes is kept.
#pragma once
#include "bytecode/front/front.h"
#include "vm/vm.h"

typedef struct Box {
  VEC(const Verified *) library;  // verified and loaded, in dependency order
  Vm *loader;                     // holds what is loaded
  struct Image *last;             // the library's last
} Box;

void box_open(Box *box);  // ends the process if the library does not pass

// The program's own modules, compiled; NULL after diagnostics to stderr. `text` is the module "main" in `folder`, or, if `count`
// is given, texts[i] is the module "./p<i>", whose `pub fn main` becomes its main.
typedef VEC(Module *) Modules;
bool box_compile(Str text, Str folder, Modules *own) MUST_CHECK;
bool box_compile_many(const Str *texts, u32 count, Modules *own, Text *complaint) MUST_CHECK;

// NULL: *error says why.
const Verified *box_verify(const Box *box, const Module *module, VerifyError *error);
// Loads it behind the library: what was loaded before it is not found any more, but what points to it still may.
bool box_load(Box *box, const Verified *verified, Str *error) MUST_CHECK;

typedef struct BoxRun {
  VmResult result;
  u64 reductions;
  u64 instructions;  // in builds with DEED_COUNT
  u64 hash;          // of what it printed to `out`, and of how it ended
  bool leaked;       // bytes of the VM are still there after it
  Text out, err;     // copies, if asked for
} BoxRun;

// Runs main of the module loaded last. Options: seed, quantum, limits; the rest is the box's.
BoxRun box_run(Box *box, VmOptions options, bool keep_text);
