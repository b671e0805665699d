// Grants: which powers main asks for, and what the command line (or the person at the terminal) gives it.
#pragma once
#include "repl/options.h"
#include "vm/vm.h"

// What a program is started with.
typedef struct Start {
  VEC(Grant) grants;
  VEC(Str) args;
} Start;

// A grant given before the script's name, `--book=file:x`: kept until main's parameters are known. False if `argument` does
// not look like one.
bool grants_keep(const char *argument);

// Sorts the words after the script's name into grants and program arguments, and asks for or complains about what is
// missing. EXIT_FINE, or the exit code after messages: EXIT_USAGE for a grant that fits no parameter or is of the wrong
// kind, EXIT_NOT_GRANTED for a missing one. `script` is how the program is called in messages.
int grants_collect(const Verified *program, Str script, Operands rest, bool may_ask, Start *start) MUST_CHECK;

// "book  ReadFile  --book=file:PATH" for each parameter of main.
void grants_print(const PowerNeed *needs, u32 count, void *file);
