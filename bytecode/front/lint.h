// Warnings about a checked module: what is never used, never runs, or never changes.
#pragma once
#include "bytecode/front/ast.h"

// W0001 … W0005, for a module that was checked without errors (else it says nothing), unless it belongs to the library.
void lint_module(ModuleAst *module, Diags *diags);
