// vm/native_array.c, native_buf.c, step_unique.c: arrays and buffers against a model, sorting, and what crashes with which text.
#include "tests/unit/world.h"

#include "vm/fault.h"
#include "vm/native_unique.h"

enum { ARGS = 7 + NATIVE_SCRATCH, MOST = 4000, MODEL_STEPS = 3000 };

typedef bool (*Native)(Worker *worker, u64 *args);

static u64 seed = 1;
static u64 draw(u64 below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % below;
}

// The registers of a native's frame are roots; here only register 0 is, where the handle stands between calls.
static bool run(World *w, Native native, u64 *args, u64 b, u64 c, u64 d) {
  memset(args, 0, ARGS * sizeof *args);
  args[0] = w->registers[0];
  args[1] = b;
  args[2] = c;
  args[3] = d;
  return native(&w->worker, args);
}

static void done(World *w, Native native, u64 b, u64 c, u64 d) {
  u64 args[ARGS];
  cr_assert(run(w, native, args, b, c, d), "%s", w->worker.fault_text);
}

static void crashes(World *w, Native native, u64 b, u64 c, u64 d, const char *text) {
  u64 args[ARGS];
  cr_assert(!run(w, native, args, b, c, d));
  cr_assert_str_eq(w->worker.fault_text, text);
  fault_clear(&w->worker);
}

static void open_array(World *w, u64 length, Val x) {
  world_open(w);
  u64 args[ARGS] = {length, x};
  cr_assert(native_array_new(&w->worker, args));
  w->registers[0] = args[0];
}

static Storage *storage_of(World *w) { return handle_storage(val_obj(w->registers[0])); }

static void check_model(World *w, const u64 *model, u64 length) {
  cr_assert_eq(handle_length(val_obj(w->registers[0])), length);
  if (length) cr_assert_arr_eq(storage_of(w)->data, model, length * sizeof(u64));
}

// One random change of the array, whose elements are Ints, and of its model. The length after it.
static u64 change(World *w, u64 *model, u64 length) {
  i64 n = (i64)draw(1000);
  u64 i = draw(length + 1), j = length ? draw(length) : 0, args[ARGS];
  Val x = val_from_small(n);
  switch (draw(8)) {
    case 0: case 1:
      done(w, native_array_push, x, 0, 0);
      model[length] = (u64)n;
      return length + 1;
    case 2: case 3:
      done(w, native_array_insert, i, x, 0);
      memmove(model + i + 1, model + i, (length - i) * sizeof *model);
      model[i] = (u64)n;
      return length + 1;
    case 4:
      if (!length) return 0;
      cr_assert(run(w, native_array_remove, args, j, 0, 0));
      cr_assert_eq(args[0], val_from_small((i64)model[j]));
      memmove(model + j, model + j + 1, (length - 1 - j) * sizeof *model);
      return length - 1;
    case 5:
      if (i == length) return length;
      done(w, native_array_swap, i, j, 0);
      n = (i64)model[i];
      model[i] = model[j];
      model[j] = (u64)n;
      return length;
    case 6:
      done(w, native_array_reverse, 0, 0, 0);
      for (u64 a = 0; a < length / 2; a++) {
        n = (i64)model[a];
        model[a] = model[length - 1 - a];
        model[length - 1 - a] = (u64)n;
      }
      return length;
    default:
      if (draw(30)) return length;
      done(w, native_array_truncate, i, 0, 0);
      return i;
  }
}

Test(array, as_a_model_does) {
  World w;
  static u64 model[MODEL_STEPS];
  open_array(&w, 0, val_from_small(0));
  u64 length = 0;
  for (u32 step = 0; step < MODEL_STEPS; step++) {
    length = change(&w, model, length);
    check_model(&w, model, length);
  }
  world_close(&w);
}

// ---- Sorting, as array.deed does it ---------------------------------------------------------------------------------

enum { SORT_BLOCK = 1024 };

static u64 least(u64 a, u64 b) { return a < b ? a : b; }

static void sort(World *w, u64 n) {
  u64 args[ARGS];
  for (u64 at = 0; at < n; at += SORT_BLOCK) done(w, native_array_sort_block, at, least(at + SORT_BLOCK, n), 0);
  cr_assert(run(w, native_array_slice, args, 0, n, 0));
  w->registers[1] = args[0];
  for (u64 width = SORT_BLOCK; width < n; width *= 2) {
    for (u64 low = 0; low < n; low += 2 * width) {
      u64 middle = least(low + width, n), high = least(low + 2 * width, n);
      for (u64 at = low; at < high; at += 100) {
        u64 all[ARGS] = {w->registers[0], w->registers[1], low, middle, high, at, least(at + 100, high)};
        cr_assert(native_array_merge_part(&w->worker, all), "%s", w->worker.fault_text);
      }
    }
    handles_exchange(&w->worker, val_obj(w->registers[0]), val_obj(w->registers[1]));
  }
}

Test(array, sorts_ints) {
  for (u64 n = 0; n < MOST; n = n * 2 + 1 + draw(3)) {
    World w;
    open_array(&w, n, val_from_small(0));
    u64 sum = 0, range = 1 + draw(5000);
    for (u64 i = 0; i < n; i++) sum += storage_of(&w)->data[i] = draw(range) - range / 2;
    sort(&w, n);
    for (u64 i = 0; i < n; i++) {
      sum -= storage_of(&w)->data[i];
      if (i) cr_assert_leq((i64)storage_of(&w)->data[i - 1], (i64)storage_of(&w)->data[i]);
    }
    cr_assert_eq(sum, 0);
    world_close(&w);
  }
}

// The total order, and stably: zeros are equal whatever their sign, and stay in their order.
Test(array, sorts_floats) {
  static const double some[] = {1.5, 0.0, -0.0, -2.5, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
  World w;
  world_open(&w);
  u64 n = 3000, args[ARGS] = {n, make_float(&w, 0.0)};
  cr_assert(native_array_new(&w.worker, args));
  w.registers[0] = args[0];
  static u64 zeros[3000];
  u64 zero_count = 0, seen = 0;
  for (u64 i = 0; i < n; i++) {
    double d = some[draw(COUNT_OF(some))];
    storage_of(&w)->data[i] = word_from_double(d);
    if (d == 0) zeros[zero_count++] = word_from_double(d);
  }
  sort(&w, n);
  for (u64 i = 0; i < n; i++) {
    double d = word_double(storage_of(&w)->data[i]), before = i ? word_double(storage_of(&w)->data[i - 1]) : d;
    cr_assert(before <= d || d != d);
    cr_assert(before == before || d != d);
    if (d == 0) cr_assert_eq(storage_of(&w)->data[i], zeros[seen++]);
  }
  cr_assert_eq(seen, zero_count);
  world_close(&w);
}

Test(array, sorts_vals) {
  World w;
  open_array(&w, 2500, VAL_FALSE);
  cr_assert_eq(storage_of(&w)->kind, STORAGE_VALS);
  u64 yes = 0;
  for (u64 i = 0; i < 2500; i++) {
    bool b = draw(2);
    storage_of(&w)->data[i] = val_from_bool(b);
    yes += b;
  }
  sort(&w, 2500);
  for (u64 i = 0; i < 2500; i++) cr_assert_eq(storage_of(&w)->data[i], val_from_bool(i >= 2500 - yes));
  world_close(&w);
}

// Runs that are not sorted, as a hostile module may name them, give some order and break nothing.
Test(array, merges_whatever_comes) {
  World w;
  open_array(&w, 300, val_from_small(0));
  for (u64 i = 0; i < 300; i++) storage_of(&w)->data[i] = draw(10);
  u64 args[ARGS];
  cr_assert(run(&w, native_array_slice, args, 0, 300, 0));
  w.registers[1] = args[0];
  for (u32 i = 0; i < 20000; i++) {
    u64 all[ARGS] = {w.registers[0], w.registers[1], draw(310), draw(310), draw(310), draw(310), draw(310)};
    if (!native_array_merge_part(&w.worker, all)) fault_clear(&w.worker);
  }
  world_close(&w);
}

// ---- Faults ---------------------------------------------------------------------------------------------------------

Test(array, crashes_with_a_text) {
  World w;
  open_array(&w, 3, val_from_small(7));
  crashes(&w, native_array_swap, 3, 0, 0, "index 3 is out of range: the array has 3 elements");
  crashes(&w, native_array_swap, 0, (u64)-1, 0, "index -1 is out of range: the array has 3 elements");
  crashes(&w, native_array_remove, 3, 0, 0, "index 3 is out of range: the array has 3 elements");
  crashes(&w, native_array_insert, 4, val_from_small(1), 0, "array.insert: the place 4 is out of range: the array has 3 elements");
  crashes(&w, native_array_truncate, (u64)-2, 0, 0, "array.truncate: the length -2 is negative");
  crashes(&w, native_array_slice, 2, 1, 0, "array.slice: 2..1 is out of range: there are 3 elements");
  crashes(&w, native_array_slice, 0, 4, 0, "array.slice: 0..4 is out of range: there are 3 elements");
  w.registers[0] = (u64)-1;
  crashes(&w, native_array_new, VAL_UNIT, 0, 0, "array.new: the length -1 is negative");
  w.registers[0] = (u64)1 << 60;
  crashes(&w, native_array_new, VAL_UNIT, 0, 0, "array.new: the length 1152921504606846976 is more than any memory has room for");
  w.registers[0] = VAL_UNIT;
  world_close(&w);
}

Test(array, a_spent_handle_is_empty) {
  World w;
  open_array(&w, 3, val_from_small(7));
  handle_drop(&w.worker, val_obj(w.registers[0]));
  cr_assert_eq(handle_length(val_obj(w.registers[0])), 0);
  crashes(&w, native_array_swap, 0, 0, 0, "index 0 is out of range: the array has 0 elements");
  done(&w, native_array_reverse, 0, 0, 0);
  done(&w, native_array_fill, val_from_small(1), 0, 0);
  handle_drop(&w.worker, val_obj(w.registers[0]));
  world_close(&w);
}

// ---- Buffers --------------------------------------------------------------------------------------------------------

static void open_buf(World *w, const char *bytes) {
  world_open(w);
  u64 args[ARGS] = {make_bytes(w, KIND_BYTES, bytes, strlen(bytes))};
  cr_assert(native_bytes_to_buf(&w->worker, args));
  w->registers[0] = args[0];
}

static void holds(World *w, const char *bytes) {
  u64 length = handle_length(val_obj(w->registers[0])), args[ARGS];
  cr_assert(run(w, native_buf_slice, args, 0, length, 0));
  Str slice = obj_bytes(val_obj(args[0]));
  cr_assert(str_eq(slice, str_from(bytes)), "%.*s", STR_ARG(slice));
}

Test(buf, changes) {
  World w;
  open_buf(&w, "abcd");
  done(&w, native_buf_push, 'e', 0, 0);
  holds(&w, "abcde");
  done(&w, native_buf_append, make_bytes(&w, KIND_BYTES, "fgh", 3), 0, 0);
  holds(&w, "abcdefgh");
  done(&w, native_buf_put, 1, make_bytes(&w, KIND_BYTES, "--", 2), 0);
  holds(&w, "a--defgh");
  done(&w, native_buf_fill, 6, 8, '!');
  holds(&w, "a--def!!");
  done(&w, native_buf_resize, 2, 0, 0);
  holds(&w, "a-");
  done(&w, native_buf_resize, 0, 0, 0);
  holds(&w, "");
  for (u32 i = 0; i < 1000; i++) done(&w, native_buf_push, 'x', 0, 0);
  cr_assert_eq(handle_length(val_obj(w.registers[0])), 1000);
  world_close(&w);
}

Test(buf, numbers) {
  World w;
  u64 args[ARGS];
  open_buf(&w, "12345678");
  for (u64 width = 1; width <= 8; width++) {
    u64 n = 0x8877665544332211u & (width == 8 ? ~(u64)0 : ((u64)1 << 8 * width) - 1);
    done(&w, native_buf_write_number, 8 - width, width, n);
    cr_assert(run(&w, native_buf_read_number, args, 8 - width, width, 0));
    cr_assert_eq(args[0], n);
  }
  u64 swap[ARGS] = {0x0102, 2};
  cr_assert(native_buf_swap_bytes(&w.worker, swap));
  cr_assert_eq(swap[0], 0x0201);
  crashes(&w, native_buf_read_number, 7, 2, 0, "buf.get: 2 bytes from place 7 on are out of range: the buffer has 8");
  crashes(&w, native_buf_read_number, (u64)-1, 2, 0, "buf.get: 2 bytes from place -1 on are out of range: the buffer has 8");
  crashes(&w, native_buf_push, 256, 0, 0, "the value 256 does not fit a byte");
  crashes(&w, native_buf_fill, 0, 1, (u64)-1, "the value -1 does not fit a byte");
  world_close(&w);
}

// ---- Bytes without a copy -------------------------------------------------------------------------------------------

Test(buf, freezes) {
  World w;
  static char text[10001];
  for (u32 i = 0; i < 10000; i++) text[i] = (char)('a' + i % 26);
  open_buf(&w, text);
  u64 args[ARGS];
  cr_assert(run(&w, native_buf_freeze, args, 0, 0, 0));
  w.registers[1] = args[0];
  cr_assert(val_is_kind(w.registers[1], KIND_BLOB));
  cr_assert_eq(handle_length(val_obj(w.registers[0])), 0, "the buffer is spent");
  w.registers[2] = make_bytes(&w, KIND_BYTES, text, 10000);
  cr_assert(val_equal(&w.worker, w.registers[1], w.registers[2]) && val_equal(&w.worker, w.registers[2], w.registers[1]));
  w.registers[0] = w.registers[1];
  for (u64 length = 10; length <= 9000; length *= 30) {  // a short part is copied, a long one shared
    cr_assert(run(&w, native_bytes_slice, args, 26, 26 + length, 0));
    w.registers[3] = args[0];
    cr_assert_eq(val_is_kind(w.registers[3], KIND_BLOB), length > 4096);
    w.registers[4] = make_bytes(&w, KIND_BYTES, text + 26, length);
    cr_assert_eq(val_compare(&w.worker, w.registers[3], w.registers[4]), 0);
    cr_assert_gt(val_compare(&w.worker, w.registers[3], make_bytes(&w, KIND_BYTES, "abcdefghi", 9)), 0);
  }
  cr_assert(run(&w, native_bytes_at, args, 30, 0, 0));
  cr_assert_eq(args[0], 'a' + 30 % 26);
  cr_assert(val_show(&w.worker, w.registers[1]));
  cr_assert_eq(w.worker.text_length, 10003);
  world_close(&w);
}
