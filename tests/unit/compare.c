// vm/compare.c: the contract's total order, at any depth and however parts are shared.
#include "tests/unit/world.h"

#include <math.h>

static int sign(int n) { return (n > 0) - (n < 0); }

static void check(World *w, Val a, Val b, int order) {
  cr_assert_eq(sign(val_compare(&w->worker, a, b)), order);
  cr_assert_eq(sign(val_compare(&w->worker, b, a)), -order);
  cr_assert_eq(val_equal(&w->worker, a, b), order == 0);
  cr_assert_eq(val_equal(&w->worker, b, a), order == 0);
}

// The same of values that are made for it: each in a register as soon as it is made.
#define CHECK_MADE(w, a, b, order)                                      \
  do {                                                                  \
    (w)->registers[60] = (a);                                           \
    (w)->registers[61] = (b);                                           \
    check((w), (w)->registers[60], (w)->registers[61], (order));        \
  } while (0)

Test(compare, leaves) {
  World w;
  world_open(&w);
  check(&w, val_from_small(-1), val_from_small(1), -1);
  CHECK_MADE(&w, make_int(&w, INT64_MIN), val_from_small(0), -1);
  CHECK_MADE(&w, make_int(&w, INT64_MAX), make_int(&w, INT64_MIN), 1);
  CHECK_MADE(&w, make_int(&w, INT64_MAX), make_int(&w, INT64_MAX), 0);
  check(&w, VAL_FALSE, VAL_TRUE, -1);
  check(&w, VAL_UNIT, VAL_UNIT, 0);
  CHECK_MADE(&w, make_word(&w, KIND_DURATION, -5), make_word(&w, KIND_DURATION, 3), -1);
  CHECK_MADE(&w, make_word(&w, KIND_TIME, 5), make_word(&w, KIND_TIME, 5), 0);
  CHECK_MADE(&w, make_string(&w, "ab"), make_string(&w, "abc"), -1);
  CHECK_MADE(&w, make_string(&w, "\xc3\xa9"), make_string(&w, "z"), 1);
  CHECK_MADE(&w, make_string(&w, ""), make_string(&w, ""), 0);
  CHECK_MADE(&w, make_bytes(&w, KIND_BYTES, "a\0b", 3), make_bytes(&w, KIND_BYTES, "a\0c", 3), -1);
  world_close(&w);
}

Test(compare, floats_are_one_total_order) {
  World w;
  world_open(&w);
  CHECK_MADE(&w, make_float(&w, -0.0), make_float(&w, 0.0), 0);
  CHECK_MADE(&w, make_float(&w, NAN), make_float(&w, -NAN), 0);
  CHECK_MADE(&w, make_float(&w, INFINITY), make_float(&w, NAN), -1);
  CHECK_MADE(&w, make_float(&w, 1.5), make_float(&w, 2.5), -1);
  w.registers[0] = VAL_UNIT;
  make_data(&w, 1, D_MIXED, 3, (u64[]){(u64)-1, 0, word_from_double(NAN)});
  make_data(&w, 2, D_MIXED, 3, (u64[]){1, 0, word_from_double(0)});
  make_data(&w, 3, D_MIXED, 3, (u64[]){1, 0, word_from_double(-0.0)});
  make_data(&w, 4, D_MIXED, 3, (u64[]){1, 0, word_from_double(NAN)});
  check(&w, w.registers[1], w.registers[2], -1);
  check(&w, w.registers[2], w.registers[3], 0);
  check(&w, w.registers[3], w.registers[4], -1);
  world_close(&w);
}

Test(compare, compounds) {
  World w;
  world_open(&w);
  Val *r = w.registers;
  r[0] = val_from_small(1);
  r[1] = val_from_small(2);
  r[2] = VAL_NIL;
  make_cons(&w, 3, 0, 2);  // [1]
  make_cons(&w, 4, 1, 2);  // [2]
  make_cons(&w, 5, 0, 4);  // [1, 2]
  check(&w, VAL_NIL, r[3], -1);
  check(&w, r[3], r[5], -1);
  check(&w, r[4], r[5], 1);
  make_tuple(&w, 6, 2, (u32[]){0, 5});
  make_tuple(&w, 7, 2, (u32[]){0, 4});
  check(&w, r[6], r[7], -1);
  make_data(&w, 8, D_SOME, 1, (u64[]){0});
  make_data(&w, 9, D_SOME, 1, (u64[]){1});
  check(&w, nullary(D_NONE), r[8], -1);
  check(&w, r[8], r[9], -1);
  check(&w, nullary(D_NONE), nullary(D_NONE), 0);
  world_close(&w);
}

Test(compare, references_by_identity) {
  World w;
  world_open(&w);
  w.registers[0] = make_ref(&w);
  w.registers[1] = make_ref(&w);
  check(&w, w.registers[0], w.registers[1], 0);
  world_close(&w);
}

Test(compare, maps_by_items_whatever_their_shape) {
  World w;
  world_open(&w);
  Val *r = w.registers;
  u32 keys[20], values[20];
  for (u32 i = 0; i < 20; i++) {
    keys[i] = 10 + i;
    values[i] = 40;
    r[10 + i] = val_from_small(i);
  }
  r[40] = make_string(&w, "v");
  r[41] = make_string(&w, "w");
  make_map(&w, 0, 20, keys, values, false);
  make_map(&w, 1, 20, keys, values, true);
  check(&w, r[0], r[1], 0);
  make_map(&w, 2, 19, keys, values, true);
  check(&w, r[2], r[0], -1);
  values[19] = 41;
  make_map(&w, 3, 20, keys, values, true);
  check(&w, r[0], r[3], -1);
  check(&w, nullary(D_TIP), r[0], -1);
  check(&w, nullary(D_TIP), nullary(D_TIP), 0);
  keys[0] = 11;
  make_map(&w, 4, 2, keys, values, false);
  check(&w, r[0], r[4], -1);
  make_data(&w, 5, D_SET, 1, (u64[]){0});
  make_data(&w, 6, D_SET, 1, (u64[]){1});
  make_data(&w, 7, D_SET, 1, (u64[]){2});
  check(&w, r[5], r[6], 0);
  check(&w, r[5], r[7], 1);
  // Maps within maps.
  values[0] = 0;
  make_map(&w, 8, 1, keys, values, false);
  values[0] = 1;
  make_map(&w, 9, 1, keys, values, false);
  check(&w, r[8], r[9], 0);
  world_close(&w);
}

Test(compare, depth_costs_no_c_stack) {
  World w;
  world_open(&w);
  for (u32 copy = 0; copy < 2; copy++) {
    w.registers[copy] = make_string(&w, copy ? "b" : "a");
    w.registers[3] = VAL_UNIT;
    for (u32 i = 0; i < 300000; i++) make_tuple(&w, copy, 2, (u32[]){copy, 3});
  }
  check(&w, w.registers[0], w.registers[1], -1);
  world_close(&w);
}

Test(compare, shared_parts_are_compared_once) {
  World w;
  world_open(&w);
  for (u32 copy = 0; copy < 2; copy++) {
    w.registers[copy] = make_string(&w, "leaf");
    for (u32 i = 0; i < 60; i++) make_tuple(&w, copy, 2, (u32[]){copy, copy});
  }
  check(&w, w.registers[0], w.registers[1], 0);
  // The difference lies at the very end, behind 2^60 equal paths.
  w.registers[2] = val_from_small(1);
  w.registers[3] = val_from_small(2);
  make_tuple(&w, 0, 2, (u32[]){0, 2});
  make_tuple(&w, 1, 2, (u32[]){1, 3});
  check(&w, w.registers[0], w.registers[1], -1);
  world_close(&w);
}

Test(compare, shared_lists_and_maps) {
  World w;
  world_open(&w);
  w.registers[8] = val_from_small(1);
  w.registers[9] = VAL_NIL;
  w.registers[10] = val_from_small(2);
  for (u32 copy = 0; copy < 2; copy++) {
    w.registers[copy] = make_string(&w, "leaf");
    for (u32 i = 0; i < 40; i++) {  // a map that holds twice a list that holds twice the map before
      make_cons(&w, 5, copy, 9);
      make_cons(&w, 5, copy, 5);
      make_map(&w, copy, 2, (u32[]){8, 10}, (u32[]){5, 5}, copy);
    }
  }
  check(&w, w.registers[0], w.registers[1], 0);
  cr_assert_eq(w.worker.fault, FAULT_NONE);
  world_close(&w);
}

Test(compare, without_memory_is_a_fault) {
  World w;
  world_open(&w);
  for (u32 copy = 0; copy < 2; copy++) {
    w.registers[copy] = make_string(&w, "a");
    w.registers[3] = VAL_UNIT;
    for (u32 i = 0; i < 1000; i++) make_tuple(&w, copy, 2, (u32[]){copy, 3});
  }
  memory_fail_at(1);
  val_equal(&w.worker, w.registers[0], w.registers[1]);
  memory_fail_at(0);
  cr_assert_eq(w.worker.fault, FAULT_MEMORY);
  w.worker.fault = FAULT_NONE;
  world_close(&w);
}

Test(compare, work_is_charged) {
  World w;
  world_open(&w);
  for (u32 copy = 0; copy < 2; copy++) {
    w.registers[copy] = VAL_NIL;
    for (u32 i = 0; i < 10000; i++) {
      w.registers[3] = val_from_small(i);
      make_cons(&w, copy, 3, copy);
    }
  }
  i64 before = w.worker.reductions;
  cr_assert(val_equal(&w.worker, w.registers[0], w.registers[1]));
  cr_assert_leq(w.worker.reductions, before - 1000);
  world_close(&w);
}
