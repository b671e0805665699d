// The assembler and the disassembler: a module as text and back (docs/asm.md). asm(dis(m)) writes the same bytes as m.
#pragma once
#include "bytecode/diag.h"
#include "bytecode/module.h"

// NULL if there were errors (E06xx in `diags`).
Module *asm_parse(Source *source, Diags *diags);

void dis_module(const Module *module, Text *out);
// One function, for `deed dis --function` and the debugger. `mark` is the code word to point at, or UINT32_MAX.
void dis_function(const Module *module, const Function *function, u32 mark, Text *out);
