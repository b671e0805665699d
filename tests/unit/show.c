// vm/show.c: source text that reads back.
#include "tests/unit/world.h"

#include <math.h>
#include <stdlib.h>

static void check(World *w, Val v, const char *text) {
  cr_assert(val_show(&w->worker, v));
  Str shown = {w->worker.text, w->worker.text_length};
  cr_assert(str_eq(shown, str_from(text)), "shown %.*s, wanted %s", STR_ARG(shown), text);
}

static void check_float(double d, const char *text) {
  char shown[40];
  show_float(d, shown);
  cr_assert_str_eq(shown, text);
}

Test(show, floats) {
  check_float(0.0, "0.0");
  check_float(-0.0, "-0.0");
  check_float(2.0, "2.0");
  check_float(-1.5, "-1.5");
  check_float(0.1, "0.1");
  check_float(0.1 + 0.2, "0.30000000000000004");
  check_float(100.0, "100.0");
  check_float(1.0 / 3, "0.3333333333333333");
  check_float(123456789.125, "123456789.125");
  check_float(1e15, "1000000000000000.0");
  check_float(9007199254740993.0, "9007199254740992.0");
  check_float(9999999999999998.0, "9999999999999998.0");
  check_float(1e16, "1.0e16");
  check_float(1.25e16, "1.25e16");
  check_float(1e100, "1.0e100");
  check_float(0.0001, "0.0001");
  check_float(0.00012345, "0.00012345");
  check_float(0.00009999, "9.999e-5");
  check_float(1.5e-7, "1.5e-7");
  check_float(5e-324, "5.0e-324");
  check_float(2.2250738585072014e-308, "2.2250738585072014e-308");
  check_float(1.7976931348623157e308, "1.7976931348623157e308");
  check_float(ldexp(1, -44), "5.684341886080802e-14");  // a power of two: the shortest isn't the nearest of its length
  check_float(9.5367431640625e-07, "9.5367431640625e-7");
  check_float(5e-5, "5.0e-5");
  check_float(NAN, "float.nan");
  check_float(-NAN, "float.nan");
  check_float(INFINITY, "float.inf");
  check_float(-INFINITY, "-float.inf");
}

Test(show, floats_read_back) {
  u64 seed = 42;
  for (u32 i = 0; i < 200000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    double d = word_double(i % 2 ? seed ^ seed >> 17 : word_from_double((double)(i64)(seed >> 20) / 1000.0));
    char shown[40];
    show_float(d, shown);
    if (isnan(d) || isinf(d)) continue;
    cr_assert_eq(strtod(shown, NULL), d, "%s", shown);
    cr_assert(strpbrk(shown, ".") != NULL);
  }
}

Test(show, plain_values) {
  World w;
  world_open(&w);
  check(&w, val_from_small(3), "3");
  check(&w, make_int(&w, INT64_MIN), "-9223372036854775808");
  check(&w, VAL_TRUE, "true");
  check(&w, VAL_FALSE, "false");
  check(&w, VAL_UNIT, "()");
  check(&w, VAL_NIL, "[]");
  check(&w, make_float(&w, 2), "2.0");
  check(&w, make_ref(&w), "<Counter>");
  check(&w, make_promise(&w), "<Promise>");
  make_closure(&w, 0, 0, NULL);
  check(&w, w.registers[0], "<fn>");
  world_close(&w);
}

Test(show, text) {
  World w;
  world_open(&w);
  check(&w, make_string(&w, "hi"), "\"hi\"");
  check(&w, make_string(&w, ""), "\"\"");
  check(&w, make_string(&w, "a\n\t\r\"\\{x}"), "\"a\\n\\t\\r\\\"\\\\\\{x}\"");
  check(&w, make_bytes(&w, KIND_STRING, "\0\x1b\x7f\xc2\x85\xc2\xa0\xc3\xa9", 9),
        "\"\\0\\u{1b}\\u{7f}\\u{85}\xc2\xa0\xc3\xa9\"");
  check(&w, make_string(&w, "\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
  check(&w, make_bytes(&w, KIND_BYTES, "a\0\n\"\\{\x7f\xff", 8), "b\"a\\x00\\n\\\"\\\\{\\x7f\\xff\"");
  check(&w, make_bytes(&w, KIND_BYTES, "", 0), "b\"\"");
  world_close(&w);
}

Test(show, times) {
  World w;
  world_open(&w);
  static const struct {
    i64 us;
    const char *text;
  } durations[] = {{0, "0s"}, {90000000, "90s"}, {120000000, "2m"}, {1500000, "1500ms"}, {-5000, "-5ms"}, {10000, "10ms"},
                   {7, "7us"}, {3600000000, "1h"}, {INT64_MIN, "-9223372036854775808us"}};
  for (u32 i = 0; i < COUNT_OF(durations); i++) check(&w, make_word(&w, KIND_DURATION, durations[i].us), durations[i].text);
  static const struct {
    i64 us;
    const char *text;
  } times[] = {{0, "1970-01-01T00:00:00Z"}, {951782399000000, "2000-02-28T23:59:59Z"},
               {951782400500000, "2000-02-29T00:00:00.5Z"}, {-1, "1969-12-31T23:59:59.999999Z"},
               {1709210096000000, "2024-02-29T12:34:56Z"}, {4107542400000000, "2100-03-01T00:00:00Z"}};
  for (u32 i = 0; i < COUNT_OF(times); i++) check(&w, make_word(&w, KIND_TIME, times[i].us), times[i].text);
  world_close(&w);
}

Test(show, compounds) {
  World w;
  world_open(&w);
  Val *r = w.registers;
  r[0] = val_from_small(1);
  r[1] = make_string(&w, "x");
  r[2] = VAL_NIL;
  make_cons(&w, 3, 0, 2);
  make_cons(&w, 3, 0, 3);
  check(&w, r[3], "[1, 1]");
  make_cons(&w, 4, 3, 2);
  make_cons(&w, 4, 2, 4);
  check(&w, r[4], "[[], [1, 1]]");
  make_tuple(&w, 5, 3, (u32[]){0, 1, 4});
  check(&w, r[5], "(1, \"x\", [[], [1, 1]])");
  make_data(&w, 6, D_SOME, 1, (u64[]){5});
  check(&w, r[6], "Some((1, \"x\", [[], [1, 1]]))");
  check(&w, nullary(D_NONE), "None");
  make_data(&w, 7, D_MIXED, 3, (u64[]){3, 1, word_from_double(2)});
  check(&w, r[7], "Mixed(3, \"x\", 2.0)");
  make_data(&w, 8, D_RANGE, 2, (u64[]){0, 3});
  check(&w, r[8], "0..3");
  make_data(&w, 9, D_ID, 1, (u64[]){3});
  check(&w, r[9], "<Id>");
  world_close(&w);
}

Test(show, maps_and_sets) {
  World w;
  world_open(&w);
  Val *r = w.registers;
  check(&w, nullary(D_TIP), "[:]");
  for (u32 i = 0; i < 5; i++) r[i] = val_from_small(i);
  r[5] = make_string(&w, "v");
  r[6] = VAL_UNIT;
  u32 keys[] = {0, 1, 2, 3, 4}, values[] = {5, 5, 5, 5, 5}, units[] = {6, 6, 6, 6, 6};
  make_map(&w, 7, 3, keys, values, false);
  check(&w, r[7], "[0: \"v\", 1: \"v\", 2: \"v\"]");
  make_map(&w, 7, 5, keys, values, true);
  check(&w, r[7], "[0: \"v\", 1: \"v\", 2: \"v\", 3: \"v\", 4: \"v\"]");
  values[1] = 7;
  make_map(&w, 8, 2, keys, values, false);
  check(&w, r[8], "[0: \"v\", 1: [0: \"v\", 1: \"v\", 2: \"v\", 3: \"v\", 4: \"v\"]]");
  make_map(&w, 9, 2, keys, units, false);
  make_data(&w, 9, D_SET, 1, (u64[]){9});
  check(&w, r[9], "set.from([0, 1])");
  r[10] = nullary(D_TIP);
  make_data(&w, 9, D_SET, 1, (u64[]){10});
  check(&w, r[9], "set.from([])");
  keys[0] = 9;
  values[1] = 9;
  make_map(&w, 8, 2, keys, values, false);
  check(&w, r[8], "[set.from([]): \"v\", 1: set.from([])]");
  world_close(&w);
}

Test(show, depth_costs_no_c_stack) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_UNIT;
  for (u32 i = 0; i < 300000; i++) make_data(&w, 0, D_SOME, 1, (u64[]){0});
  cr_assert(val_show(&w.worker, w.registers[0]));
  cr_assert_eq(w.worker.text_length, 300000 * 6 + 2);
  world_close(&w);
}

// A value that shares its parts prints them again and again: the text has an end, the value stays whole.
Test(show, endless_text_is_out_of_memory) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_UNIT;
  for (u32 i = 0; i < 60; i++) make_tuple(&w, 0, 2, (u32[]){0, 0});
  cr_assert(!val_show(&w.worker, w.registers[0]));
  cr_assert_leq(w.worker.text_capacity, SCRATCH_LIMIT);
  world_close(&w);
}
