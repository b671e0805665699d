// bytecode/base.c: slices, names, vectors, text, the pointer map.
#include "bytecode/base.h"

#include <criterion/criterion.h>

Test(base, slices_compare_bytewise) {
  cr_assert(str_eq(STR("abc"), str_from("abc")));
  cr_assert(str_eq((Str){0}, STR("")));
  cr_assert_not(str_eq(STR("abc"), STR("abd")));
  cr_assert_lt(str_compare(STR("ab"), STR("abc")), 0);
  cr_assert_gt(str_compare(STR("\xff"), STR("a")), 0);
  cr_assert_eq(str_compare((Str){0}, STR("")), 0);
  cr_assert(str_starts_with(STR("deed"), STR("de")));
  cr_assert(str_starts_with(STR("deed"), (Str){0}));
  cr_assert_not(str_starts_with(STR("d"), STR("de")));
}

Test(base, copies_end_with_nul) {
  Str copy = str_dup((Str){"abcdef", 3});
  cr_assert_eq(copy.len, 3);
  cr_assert_str_eq(copy.ptr, "abc");
  cr_assert_str_eq(str_format("%d-%s", 7, "x").ptr, "7-x");
}

Test(base, names_are_interned) {
  const Name *a = name_from("alpha");
  for (int i = 0; i < 5000; i++) name_of(str_format("name%d", i));
  cr_assert_eq(a, name_of(STR("alpha")));
  cr_assert_neq(a, name_from("beta"));
  cr_assert_eq(name_from("name4999"), name_of(str_format("name%d", 4999)));
  cr_assert_neq(name_of((Str){"a\0b", 3}), name_of((Str){"a\0c", 3}));
}

Test(base, vectors_grow) {
  VEC(int) v = {0};
  for (int i = 0; i < 1000; i++) vec_push(&v, i);
  *vec_add(&v) = 5000;
  cr_assert_eq(v.count, 1001);
  cr_assert_eq(vec_last(&v), 5000);
  for (int i = 0; i < 1000; i++) cr_assert_eq(v.items[i], i);
}

Test(base, text_grows) {
  Text t = {0};
  cr_assert_eq(text_str(&t).len, 0);
  for (int i = 0; i < 1000; i++) text_printf(&t, "%d,", i);
  text_add(&t, STR("end"));
  text_char(&t, '.');
  cr_assert_eq(t.len, 3894);
  cr_assert_str_eq(t.ptr + t.len - 8, "999,end.");
}

Test(base, memory_is_zeroed_and_aligned) {
  for (size_t size = 1; size < 100000; size = size * 3 + 1) {
    u8 *block = size % 2 ? gc_alloc(size) : gc_alloc_data(size);
    cr_assert_eq((uintptr_t)block % 8, 0);
    for (size_t i = 0; i < size; i++) cr_assert_eq(block[i], 0);
    memset(block, 0xff, size);
  }
}

Test(base, map_of_pointers) {
  PtrMap map = {0};
  static int keys[2000];
  cr_assert_null(map_get(&map, &keys[0]));
  for (int i = 0; i < 2000; i++) map_put(&map, &keys[i], &keys[1999 - i]);
  map_put(&map, &keys[7], &keys[7]);
  cr_assert_eq(map.count, 2000);
  cr_assert_eq(map_get(&map, &keys[7]), &keys[7]);
  cr_assert_eq(map_get(&map, &keys[8]), &keys[1991]);
}
