// Changes to valid modules, in memory: small ones that most often leave them well typed, and blunt ones that do not.
#pragma once
#include "bytecode/module.h"
#include "vm/random.h"

// Memory of one mutant: reset as soon as it was refused, else left to those who point into it.
typedef struct Pond {
  char *start, *at, *end;
} Pond;

void *pond_alloc(Pond *pond, size_t size);  // zeroed, 16-aligned; NULL if the pond is dry

// A changed copy of `base`, which stays as it is; what did not change is shared. NULL if the pond is dry.
Module *change_module(const Module *base, Random *random, Pond *pond);
