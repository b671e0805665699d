// The front end's only face: source text in, modules out.
#pragma once
#include "bytecode/diag.h"
#include "bytecode/module.h"

// Where sources come from. `read` gives the text of a module by canonical name ("list", "./util", "main"), or false.
typedef struct Loader {
  bool (*read)(void *context, Str module_name, Source **source);
  void *context;
} Loader;

typedef struct Program {
  VEC(Module *) modules;  // every module needed, imported ones before their importers; the last is the program itself
} Program;

typedef struct FrontOptions {
  bool check_only;        // no code generation; `program` stays empty
  bool tests;             // keep `test` blocks
} FrontOptions;

// Compiles the module named `name` and all that it needs. True if there were no errors. Not reentrant.
bool front_compile(Loader *loader, Str name, FrontOptions options, Diags *diags, Program *program);

// Phase times of the last front_compile(), in nanoseconds, for `deed check --timings` and the benchmarks.
typedef struct FrontTimes {
  u64 parse, check, generate;
  u64 lines;
} FrontTimes;
extern FrontTimes front_times;
