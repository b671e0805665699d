// What the files of the disassembler share: names and types as the assembler reads them back.
#pragma once
#include "bytecode/asm_text.h"

typedef struct Dis {
  const Module *module;
  Text *out;
  // Names as the assembler will bind them, to row + 1: a row whose name leads to another row is written by number.
  PtrMap imports, types, functions, actors, globals;
  const u32 *first_types, *first_typelists, *first_constants;
  u16 *type_sizes;  // bytes of the type's text, or 0: too long or not expressible, written by number
  TypeId below;     // while the type table is written: rows from here on do not exist yet for the assembler
} Dis;

Dis dis_begin(const Module *module, Text *out);

void dis_name(Text *out, Str name);                          // plain or quoted
void dis_quoted(Text *out, Str bytes, bool text);            // text: valid UTF-8 stands as it is
void dis_float(Text *out, double value);
void dis_literal(Dis *d, const Constant *constant);
void dis_constant(Dis *d, u32 row);                          // as an operand
void dis_type(Dis *d, TypeId id);
void dis_type_row(Dis *d, TypeId id);                        // the row itself, one level deep
void dis_types(Dis *d, u32 count, const TypeId *ids);        // with commas
void dis_typelist(Dis *d, TypeListId id);
void dis_function_name(Dis *d, u32 row);
void dis_actor_name(Dis *d, u32 row);
void dis_global_name(Dis *d, u32 row);
void dis_import_name(Dis *d, u32 row);

void dis_body(Dis *d, const Function *function, u32 mark);   // with its braces
