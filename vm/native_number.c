// Natives of the modules int, float and time.
#include <math.h>
#include <stdio.h>

#include "vm/native.h"

// ---- int ------------------------------------------------------------------------------------------------------------

bool native_int_to_float(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = word_from_double((double)(i64)args[0]);
  return true;
}

static bool digits_of(Worker *worker, u64 *args, i64 n, u32 base) {
  char digits[66];
  char *at = digits + sizeof digits;
  u64 rest = n < 0 ? -(u64)n : (u64)n;
  do {
    *--at = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base];
    rest /= base;
  } while (rest);
  if (n < 0) *--at = '-';
  return string_from(worker, (Str){at, (size_t)(digits + sizeof digits - at)}, args);
}

bool native_int_to_hex(Worker *worker, u64 *args) { return digits_of(worker, args, (i64)args[0], 16); }

bool native_int_to_base(Worker *worker, u64 *args) {
  i64 base = (i64)args[1];
  if (base < 2 || base > 36) return fault_set(worker, "int.to_base: the base must be from 2 to 36, not %lld", (long long)base);
  return digits_of(worker, args, (i64)args[0], (u32)base);
}

bool native_int_count_ones(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = (u64)__builtin_popcountll(args[0]);
  return true;
}

// ---- float ----------------------------------------------------------------------------------------------------------

static bool to_int(Worker *worker, u64 *args, double whole, const char *name) {
  if (!(whole >= -0x1p63 && whole < 0x1p63)) {
    char text[40];
    show_float(word_double(args[0]), text);
    return fault_set(worker, "float.%s: %s does not fit an Int", name, text);
  }
  args[0] = (u64)(i64)whole;
  return true;
}

bool native_float_round(Worker *worker, u64 *args) { return to_int(worker, args, round(word_double(args[0])), "round"); }
bool native_float_floor(Worker *worker, u64 *args) { return to_int(worker, args, floor(word_double(args[0])), "floor"); }
bool native_float_ceil(Worker *worker, u64 *args) { return to_int(worker, args, ceil(word_double(args[0])), "ceil"); }

#define FLOAT_FUNCTION(name, c_function)                             \
  bool native_float_##name(Worker *worker, u64 *args) {              \
    (void)worker;                                                    \
    args[0] = word_from_double(c_function(word_double(args[0])));    \
    return true;                                                     \
  }
FLOAT_FUNCTION(sqrt, sqrt)
FLOAT_FUNCTION(exp, exp)
FLOAT_FUNCTION(ln, log)
FLOAT_FUNCTION(sin, sin)
FLOAT_FUNCTION(cos, cos)
FLOAT_FUNCTION(tan, tan)
FLOAT_FUNCTION(abs, fabs)

bool native_float_pow(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = word_from_double(pow(word_double(args[0]), word_double(args[1])));
  return true;
}

bool native_float_atan2(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = word_from_double(atan2(word_double(args[0]), word_double(args[1])));
  return true;
}

bool native_float_to_fixed(Worker *worker, u64 *args) {
  double x = word_double(args[0]);
  i64 digits = (i64)args[1];
  if (digits < 0 || digits > 100) return fault_set(worker, "float.to_fixed: digits must be from 0 to 100, not %lld", (long long)digits);
  if (isnan(x)) return string_from(worker, STR("nan"), args);
  if (isinf(x)) return string_from(worker, x < 0 ? STR("-inf") : STR("inf"), args);
  char text[512];  // 309 digits before the point, 100 behind
  int length = snprintf(text, sizeof text, "%.*f", (int)digits, x);
  return string_from(worker, (Str){text, (size_t)length}, args);
}

// ---- time -----------------------------------------------------------------------------------------------------------

static bool time_result(Worker *worker, u64 *args, Kind kind, bool overflow, i64 us) {
  if (overflow) return fault_set(worker, kind == KIND_TIME ? "time overflow" : "duration overflow");
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  args[0] = build_word(worker, kind, (u64)us);
  return true;
}

bool native_time_scale(Worker *worker, u64 *args) {
  i64 us;
  bool overflow = __builtin_mul_overflow(val_us(args[0]), (i64)args[1], &us);
  return time_result(worker, args, KIND_DURATION, overflow, us);
}

bool native_time_divide(Worker *worker, u64 *args) {
  i64 us = val_us(args[0]);
  i64 n = (i64)args[1];
  if (n == 0) return fault_set(worker, "division of a Duration by zero");
  bool overflow = us == INT64_MIN && n == -1;
  return time_result(worker, args, KIND_DURATION, overflow, overflow ? 0 : us / n);
}

bool native_time_ratio(Worker *worker, u64 *args) {
  i64 a = val_us(args[0]);
  i64 b = val_us(args[1]);
  if (b == 0) return fault_set(worker, "division of a Duration by 0s");
  if (a == INT64_MIN && b == -1) return fault_set(worker, "integer overflow in the ratio of two Durations");
  args[0] = (u64)(a / b);
  return true;
}

bool native_time_since(Worker *worker, u64 *args) {
  i64 us;
  bool overflow = __builtin_sub_overflow(val_us(args[0]), val_us(args[1]), &us);
  return time_result(worker, args, KIND_DURATION, overflow, us);
}

bool native_time_later(Worker *worker, u64 *args) {
  i64 us;
  bool overflow = __builtin_add_overflow(val_us(args[0]), val_us(args[1]), &us);
  return time_result(worker, args, KIND_TIME, overflow, us);
}

bool native_time_to_us(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = (u64)val_us(args[0]);
  return true;
}

bool native_time_from_us(Worker *worker, u64 *args) { return time_result(worker, args, KIND_DURATION, false, (i64)args[0]); }

bool native_time_epoch(Worker *worker, u64 *args) { return time_result(worker, args, KIND_TIME, false, (i64)args[0]); }
