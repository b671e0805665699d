// The verifier, with every module of tests/asm: assembled, written, read and judged in memory, whatever it calls itself; and
// the mistakes that a reader of module files must survive. Run from the top of the tree, or with DEED_ROOT set.
#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/verify.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static Str read_file(const char *path) {
  FILE *in = fopen(path, "rb");
  cr_assert(in, "%s", path);
  Text text = {0};
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;) text_add(&text, (Str){block, n});
  fclose(in);
  return text_str(&text);
}

static Module *assemble(Str text, const char *path) {
  Source source = {.path = str_from(path), .text = text};
  Diags diags = {0};
  Module *module = asm_parse(&source, &diags);
  Text said = {0};
  diags_render(&diags, &said, false);
  cr_assert(module, "%s\n%.*s", path, STR_ARG(text_str(&said)));
  return module;
}

// What the bytes of a module become: the same again, also by way of the text.
static Module *reread(const Module *module, const char *path) {
  Str bytes = modfile_write(module), reason;
  Module *again = modfile_read(bytes, &reason);
  if (!again) return NULL;
  cr_expect(str_eq(modfile_write(again), bytes), "%s: written otherwise when read", path);
  Text text = {0};
  dis_module(again, &text);
  cr_expect(str_eq(modfile_write(assemble(text_str(&text), path)), bytes), "%s: asm(dis(x)) differs", path);
  return again;
}

static void check_file(const char *path) {
  Str text = read_file(path);
  char wanted[64] = "none";
  sscanf(text.ptr, "; reject: %60s", wanted);
  const Verified *loaded[8];
  u32 count = 0;
  VerifyError error = {0};
  for (bool last = false; !last;) {
    const char *end = strstr(text.ptr, "\n---\n");
    last = !end;
    Str part = {text.ptr, last ? text.len : (size_t)(end - text.ptr)};
    const Module *module = assemble(part, path), *again = reread(module, path);
    loaded[count] = verify_module(again ? again : module, loaded, count, &error);
    cr_assert(last || loaded[count], "%s: part %u: %.*s", path, count, STR_ARG(error.message));
    count++;
    if (!last) text = (Str){end + 5, text.len - part.len - 5};
  }
  cr_expect_str_eq(verify_reason_name(error.reason), wanted, "%s: %.*s", path, STR_ARG(error.message));
}

Test(verify, every_module_of_tests_asm) {
  const char *root = getenv("DEED_ROOT");
  Str pattern = str_format("%s/tests/asm/*.dasm", root ? root : ".");
  glob_t found;
  if (glob(pattern.ptr, 0, NULL, &found)) cr_skip_test("no tests/asm here");
  for (size_t i = 0; i < found.gl_pathc; i++) check_file(found.gl_pathv[i]);
  globfree(&found);
}

// ---- The meter ------------------------------------------------------------------------------------------------------

// `values` pairs of a Buf and an Int are made, one after the other; of each, `parts` registers borrow the Buf, `rounds` times
// what is borrowed is lost again.
static const Verified *lending(u32 values, u32 parts, u32 rounds, VerifyError *error) {
  Text text = {0};
  text_printf(&text, "fn g() -> (Buf, Int) {\n  stop\n}\nfn f() -> Int {\n  regs r0: (Buf, Int), r1-r%u: Buf\n", parts);
  for (u32 i = 0; i < values; i++) {
    text_printf(&text, "  call r0, g ()\n");
    for (u32 k = 1; k <= parts; k++) text_printf(&text, "  elem r%u, r0, 0\n", k);
    for (u32 k = 0; k < rounds; k++) text_printf(&text, "  drop r0, (Buf, Int)\n  call r0, g ()\n");
    text_printf(&text, "  drop r0, (Buf, Int)\n");
  }
  text_printf(&text, "  stop\n}\n");
  return verify_module(assemble(text_str(&text), "lending"), NULL, 0, error);
}

Test(verify, lending_is_linear) {
  VerifyError error;
  const Verified *small = lending(500, 8, 0, &error), *large = lending(2000, 8, 0, &error);
  cr_assert(small && large, "%.*s", STR_ARG(error.message));
  cr_expect_lt(large->work, 5 * small->work);
}

Test(verify, lending_is_metered) {
  VerifyError error;
  cr_expect(!lending(1, 20000, 20000, &error));
  cr_expect_str_eq(verify_reason_name(error.reason), "too-complex");
}

// ---- The reader -----------------------------------------------------------------------------------------------------

static Str sample(void) {
  static const char text[] = "fn f(int) -> int {\n  regs r1: String\n  line 3\n  const r1, \"x\"\n  ret r0\n}\ndata A pub { B(x: Int) C }\n";
  return modfile_write(assemble((Str){text, sizeof text - 1}, "sample"));
}

static Str patched(Str bytes, size_t at, u8 value) {
  char *copy = (char *)str_dup(bytes).ptr;
  copy[at] = (char)value;
  u64 hash = modfile_content_hash((Str){copy, bytes.len});
  memcpy(copy + 8, &hash, sizeof hash);
  return (Str){copy, bytes.len};
}

Test(modfile, every_cut_is_refused) {
  Str bytes = sample(), reason;
  for (size_t length = 0; length < bytes.len; length++) cr_assert(!modfile_read((Str){bytes.ptr, length}, &reason));
}

Test(modfile, damage_is_noticed) {
  Str bytes = sample(), reason;
  for (size_t at = 0; at < bytes.len; at++) {
    char *copy = (char *)str_dup(bytes).ptr;
    copy[at] ^= 1;
    cr_assert(!modfile_read((Str){copy, bytes.len}, &reason), "byte %zu", at);
  }
}

// With the hash made right again: refused, or a module that is written as it was read.
Test(modfile, any_byte_is_survived) {
  Str bytes = sample(), reason;
  for (size_t at = 16; at < bytes.len; at++) {
    for (u32 value = 0; value < 256; value += 17) {
      Str file = patched(bytes, at, (u8)value);
      Module *module = modfile_read(file, &reason);
      if (!module) continue;
      cr_assert(str_eq(modfile_write(module), file), "byte %zu, value %u", at, value);
      VerifyError error;
      (void)verify_module(module, NULL, 0, &error);
      Text text = {0};
      dis_module(module, &text);
    }
  }
}

Test(modfile, reasons_say_where) {
  Str reason;
  cr_assert(!modfile_read(STR("#!/bin/sh"), &reason));
  cr_assert(strstr(reason.ptr, "(at byte 0)"));
}
