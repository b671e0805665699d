// Random well-typed Deed programs.
#pragma once
#include "bytecode/base.h"

typedef struct ProgramOptions {
  bool plain;  // without unique values
} ProgramOptions;

// The program of a seed: always the same text. It prints what it computes, ends, and prints the same in whatever order its actors
// run. In compiler memory.
Str program_text(u64 seed, ProgramOptions options);
