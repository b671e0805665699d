// The code generator: from a checked syntax tree to a module of instructions.
#pragma once
#include "bytecode/diag.h"
#include "bytecode/front/ast.h"
#include "bytecode/module.h"

// The module of `ast`, which was checked without errors, as all modules that it depends on were. `tests` keeps the `test`
// blocks. NULL if a limit of module files was hit (E05xx in `diags`).
Module *gen_module(ModuleAst *ast, bool tests, Diags *diags);
