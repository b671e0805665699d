// bytecode/module.c and bytecode/op.c: interning, substitution, canonical text, instruction lengths.
#include "bytecode/module.h"

#include <criterion/criterion.h>

Test(module, types_are_interned) {
  Module *m = module_new(STR("main"));
  TypeId vint = module_type(m, TYPE_VINT, 0, 0, NULL);
  TypeId list = module_type(m, TYPE_LIST, 0, 1, &vint);
  cr_assert_eq(module_type(m, TYPE_LIST, 0, 1, &vint), list);
  cr_assert_neq(module_type(m, TYPE_PROMISE, 0, 1, &vint), list);
  cr_assert_neq(module_type(m, TYPE_INT, 0, 0, NULL), vint);
  Text out = {0};
  module_print_type(m, list, &out);
  cr_assert_str_eq(out.ptr, "List[Int]");
}

Test(module, substitution) {
  Module *m = module_new(STR("main"));
  TypeId t0 = module_type(m, TYPE_VAR, 0, 0, NULL);
  TypeId args[] = {t0, module_type(m, TYPE_BOOL, 0, 0, NULL)};
  TypeId fn = module_type(m, TYPE_FN, 0, 2, args);
  TypeId string = module_type(m, TYPE_STRING, 0, 0, NULL);
  TypeId result = module_type_subst(m, fn, (TypeList){1, &string});
  Text out = {0};
  module_print_type(m, result, &out);
  cr_assert_str_eq(out.ptr, "fn(String) -> Bool");
  cr_assert_eq(module_type_subst(m, string, (TypeList){1, &t0}), string);
}

Test(module, constants_and_imports_are_interned) {
  Module *m = module_new(STR("main"));
  u32 a = module_constant(m, (Constant){.kind = CONSTANT_STRING, .bytes = STR("x")});
  cr_assert_eq(module_constant(m, (Constant){.kind = CONSTANT_STRING, .bytes = str_dup(STR("x"))}), a);
  cr_assert_neq(module_constant(m, (Constant){.kind = CONSTANT_BYTES, .bytes = STR("x")}), a);
  cr_assert_neq(module_constant(m, (Constant){.kind = CONSTANT_INT, .number = 1}),
                module_constant(m, (Constant){.kind = CONSTANT_DURATION, .number = 1}));
  cr_assert_eq(module_import(m, STR("list")), module_import(m, str_dup(STR("list"))));
  cr_assert_eq(m->imports.count, 1);
}

Test(op, lengths_stay_inside) {
  for (u32 op = 0; op < OP_COUNT; op++) {
    u64 code[8] = {word_make((u16)op, 0, 0, 0)};
    u32 length = op_length(code, COUNT_OF(code));
    cr_assert(length >= 1 && length <= 4, "%s", op_info[op].name);
    for (u32 short_by = 0; short_by < length; short_by++) cr_assert_eq(op_length(code, short_by), 0);
  }
  u64 unknown = word_make(OP_COUNT, 0, 0, 0);
  cr_assert_eq(op_length(&unknown, 1), 0);
  u64 endless[2] = {word_make(OP_TUPLE, 0, 0, 0), 0xffff};
  cr_assert_eq(op_length(endless, 2), 0);
}
