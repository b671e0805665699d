// Fuzzes the reader of module files: any bytes are read or refused; what is read is written as it was, and can be taken
// apart, assembled again to the same bytes, and judged.
//
//   clang -std=gnu17 -I. -g -O1 -fsanitize=fuzzer,address,undefined -DDEED_NO_LIBGC tests/fuzz/module.c bytecode/*.c
//     -lutf8proc -lm -o module-fuzz && ./module-fuzz WORKDIR tests/fuzz/corpus/module
//
// Magic, version and content hash are made right first: without that, no mutation would get past the header.
#include <stdlib.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/verify.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static Str with_header(const u8 *data, size_t size) {
  char *bytes = (char *)str_dup((Str){(const char *)data, size}).ptr;
  if (size < 16) return (Str){bytes, size};
  memcpy(bytes, "DEED\1\0\0\0", 8);
  u64 hash = modfile_content_hash((Str){bytes, size});
  memcpy(bytes + 8, &hash, sizeof hash);
  return (Str){bytes, size};
}

static void round_trip(const Module *module, Str bytes) {
  if (!str_eq(modfile_write(module), bytes)) abort();
  Text text = {0};
  dis_module(module, &text);
  Source source = {.path = STR("dis"), .text = text_str(&text)};
  Diags diags = {0};
  Module *again = asm_parse(&source, &diags);
  if (!again || !str_eq(modfile_write(again), bytes)) abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  Str bytes = with_header(data, size), reason;
  Module *module = modfile_read(bytes, &reason);
  if (module) {
    round_trip(module, bytes);
    VerifyError error;
    if (!verify_module(module, NULL, 0, &error) && error.reason == REASON_NONE) abort();
  } else if (!reason.len) {
    abort();
  }
  gc_release_all();
  return 0;
}
