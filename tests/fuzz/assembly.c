// Fuzzes the assembler: any text is assembled or refused; what is assembled survives writing, reading and disassembling.
#include <stdlib.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/verify.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  Source source = {.path = STR("fuzz.dasm"), .text = str_dup((Str){(const char *)data, size})};
  Diags diags = {0};
  Module *module = asm_parse(&source, &diags);
  if (module) {
    Text text = {0};
    dis_module(module, &text);
    VerifyError error = {0};
    (void)verify_module(module, NULL, 0, &error);
    Str bytes = modfile_write(module), reason;
    Module *again = modfile_read(bytes, &reason);
    if (again && !str_eq(modfile_write(again), bytes)) abort();
  } else if (!diags.errors) {
    abort();
  }
  gc_release_all();
  return 0;
}
