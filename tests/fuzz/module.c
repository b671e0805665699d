// Fuzzes the reader of module files and the verifier: any bytes are read or refused; what is read can be shown, is written
// back as it was, and passes the verifier or not.
#include <stdlib.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/verify.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  Str reason;
  Module *module = modfile_read((Str){(const char *)data, size}, &reason);
  if (module) {
    Text text = {0};
    dis_module(module, &text);
    Str again = modfile_write(module);
    if (!str_eq(again, (Str){(const char *)data, size})) abort();
    VerifyError error = {0};
    (void)verify_module(module, NULL, 0, &error);
  }
  gc_release_all();
  return 0;
}
