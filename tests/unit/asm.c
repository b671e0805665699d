// The assembler's complaints, and text that the disassembler must find a way to write down.
#include "bytecode/asm.h"
#include "bytecode/modfile.h"

#include <criterion/criterion.h>

static Module *assemble(const char *text, Diags *diags) {
  Source *source = gc_new(Source);
  source->path = STR("test.dasm");
  source->text = str_from(text);
  return asm_parse(source, diags);
}

static void refused(const char *text, DiagCode code, const char *message, const char *hint) {
  Diags diags = {0};
  cr_assert(!assemble(text, &diags), "%s", text);
  cr_assert_geq(diags.errors, 1);
  const Diag *diag = diags.list.items[0];
  cr_expect_eq(diag->code, code, "%s: %s", text, diag->message.ptr);
  cr_expect(strstr(diag->message.ptr, message), "%s: %s", text, diag->message.ptr);
  if (hint) cr_expect(diag->hint.len && strstr(diag->hint.ptr, hint), "%s: no hint", text);
}

Test(asm, complaints) {
  refused("fn f() -> () {\n  unti r0\n}\n", DIAG_E0601, "no instruction `unti`", "`unit`");
  refused("fn f() -> () {\n  jmp away\n}\n", DIAG_E0604, "no label `away`", NULL);
  refused("fn f() -> () {\na:\na:\n}\n", DIAG_E0604, "a second time", NULL);
  refused("fn f() -> () {\n  call r0, g ()\n}\n", DIAG_E0602, "no function `g`", NULL);
  refused("fn f(Strng) -> ()\n", DIAG_E0602, "no type `Strng`", NULL);
  refused("fn f(int) -> int {\n  addi r0, r0, 40000\n}\n", DIAG_E0603, "-32768 to 32767", NULL);
  refused("fn f() -> () {\n  regs r1: int\n}\n", DIAG_E0601, "the next register is r0", NULL);
  refused("fn f() -> () {\n", DIAG_E0601, "expected", NULL);
  refused("nonsense\n", DIAG_E0601, "a declaration", NULL);
  refused("constant \"a\\q\"\n", DIAG_E0601, "escape", NULL);
  refused("constant \"a\n", DIAG_E0601, "no end", NULL);
  refused("fn\ninterface () -> ()\ndata A { B }\nfn f() ->\ndata #0\n", DIAG_E0601, "", NULL);
  refused("interface I { go() }\nactor A () {\n  is I (0, 0)\n}\n", DIAG_E0603, "2 slots", NULL);
}

Test(asm, every_mistake_of_a_function_is_told) {
  Diags diags = {0};
  cr_assert(!assemble("fn f() -> () {\n  unti r0\n  rte r0\n  ret x\n}\n", &diags));
  cr_assert_eq(diags.errors, 3);
}

static void comes_back(const char *text) {
  Diags diags = {0};
  Module *module = assemble(text, &diags);
  cr_assert(module, "%s", text);
  Text shown = {0};
  dis_module(module, &shown);
  Module *again = assemble(shown.ptr, &diags);
  cr_assert(again, "%s", shown.ptr);
  cr_assert(str_eq(modfile_write(again), modfile_write(module)), "%s", shown.ptr);
}

Test(dis, whatever_stands_there_comes_back) {
  comes_back("module \"a b\\\"c\\x01\"\nsource \"\\xff\" 0xffffffffffffffff\n");
  comes_back("newtype List[#1]\nnewtype Int\nnewtype Int\nnewtype raw 13 7 [#9]\nnewtype ()\n");
  comes_back("interface I {\n  a()\n  \"oneway\"()\n  from()\n  pub() -> ()\n  oneway(b: Int)\n}\n");
  comes_back("notypelists\nnewtypelist [Int]\nnewtypelist []\nnewtypelist [#77]\n");
  comes_back("data List { A }\ndata T0 { A }\ndata int { A }\nfn f(data#0, data#1, data#2) -> data#9\n");
  comes_back("data A from #7 { A }\ninterface A { m() oneway Int }\nlet x from #3: A = #4294967295\n");
  comes_back("constant 0f7ff0000000000000\nconstant -0.0\nconstant 5.0e-324\nnewconstant 1\nnewconstant 1\nconstant -9223372036854775808 us\n");
  comes_back("fn f() -> () {\n  .word 0xffffffffffffffff\n  jmp +100\n  jmp -100\n  line 5 at 77\n  line 3 at 1\n}\n");
  comes_back("fn f() -> () {\n  concat r0 (r1, r2, r3, _, r65534)\n  .word 0x0\n}\n");
  comes_back("fn f() -> ()\nfn f() -> () {\n  call r0, f ()\n  call r0, #1 ()\n  call r0, #9<9> ()\n}\n");
  comes_back("fn f [T0: equal + ordered + adds + number + reference, T1: 200](T0) -> T1 pub captures 9 effects 255 names (\"\")\n");
}

// Rows that are gone are not found again.
Test(asm, type_lists_begin_anew) {
  Diags diags = {0};
  Module *module = assemble("typelist [Int]\nnotypelists\ntypelist [Bool]\ntypelist [Int]\ntypelist [Bool]\n", &diags);
  cr_assert(module);
  cr_assert_eq(module->typelists.count, 2);
}
