// Natives that read a number from a text: string.parse_int, string.parse_float.
//
// A text is read once, from its beginning to its end, and may be interrupted after any character. Of a Float's digits only so many are kept
// as can decide what it is rounded to, however many there are: strtod() gets a short text.
#include "vm/native_text.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  READ_BYTES = WORK_ITEMS * 4,  // between two looks at the clock
  KEPT_DIGITS = 800,            // 768 decide how a double is rounded, if it is known whether anything but zeros follows
  MOST_EXPONENT = 100000,       // beyond which a Float is 0 or infinite
};
static const i64 EXPONENT_LIMIT = (i64)1 << 50;

static bool give_none(Worker *worker, u64 *args) {
  args[0] = build_well_known0(worker, WK_NONE);
  return work_end(worker);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_sign(char c) { return c == '-' || c == '+'; }

// Interrupted, `count` is the number so far.
bool native_string_parse_int(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  bool sign = s.len && is_sign(s.ptr[0]), negative = sign && s.ptr[0] == '-', valid = s.len > sign;
  i64 n = work ? (i64)work->count : 0;
  for (u64 at = work ? work->at : sign; valid && at < s.len;) {
    u64 from = at, end = s.len - at < READ_BYTES ? s.len : at + READ_BYTES;
    for (; valid && at < end; at++) {
      i64 digit = s.ptr[at] - '0';
      valid = is_digit(s.ptr[at]) && !__builtin_mul_overflow(n, 10, &n) && !__builtin_add_overflow(n, negative ? -digit : digit, &n);
    }
    charge_bytes(worker, 2 * (at - from));
    if (valid && at < s.len && work_is_over(worker)) return work_pause_at(worker, at, (u64)n);
  }
  if (!valid) return give_none(worker, args);
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  args[0] = build_well_known1(worker, WK_SOME, build_int(worker, n));
  return work_end(worker);
}

// ---- Floats ---------------------------------------------------------------------------------------------------------

typedef enum Part { PART_WHOLE, PART_FRACTION, PART_EXPONENT } Part;

typedef struct Reading {
  u64 at;
  Part part;
  bool begun;        // a digit of the part was there
  bool negative;
  bool below;        // the exponent is negative
  bool more;         // something but zeros follows the digits that are kept
  u32 digits;
  i64 scale;         // the first digit's place: of 0.01 it is -1, of 10.0 it is 2
  i64 exponent;
  char kept[KEPT_DIGITS];
} Reading;

static void read_digit(Reading *r, char c) {
  r->begun = true;
  if (r->part == PART_EXPONENT) {
    if (r->exponent < EXPONENT_LIMIT) r->exponent = r->exponent * 10 + (c - '0');
    return;
  }
  bool leading = !r->digits && c == '0';
  if (r->part == PART_WHOLE) r->scale += !leading;
  else r->scale -= leading;
  if (leading) return;
  if (r->digits < KEPT_DIGITS) r->kept[r->digits++] = c;
  else r->more |= c != '0';
}

// One character, or two: "e-". False: no number goes on like that.
static bool read_one(Reading *r, Str s) {
  char c = s.ptr[r->at++];
  if (is_digit(c)) {
    read_digit(r, c);
    return true;
  }
  bool point = c == '.' && r->part == PART_WHOLE, power = (c == 'e' || c == 'E') && r->part != PART_EXPONENT;
  if (!r->begun || (!point && !power)) return false;
  r->part = point ? PART_FRACTION : PART_EXPONENT;
  r->begun = false;
  if (power && r->at < s.len && is_sign(s.ptr[r->at])) r->below = s.ptr[r->at++] == '-';
  return true;
}

static double number_of(const Reading *r) {
  char text[KEPT_DIGITS + 40];
  if (!r->digits) return r->negative ? -0.0 : 0.0;
  i64 exponent = r->scale + (r->below ? -r->exponent : r->exponent) - r->digits - r->more;
  if (exponent > MOST_EXPONENT) exponent = MOST_EXPONENT;
  if (exponent < -MOST_EXPONENT) exponent = -MOST_EXPONENT;
  snprintf(text, sizeof text, "%s%.*s%se%lld", r->negative ? "-" : "", (int)r->digits, r->kept, r->more ? "1" : "", (long long)exponent);
  return strtod(text, NULL);
}

bool native_string_parse_float(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  Reading first, *r = work ? work->own : &first;
  if (!work) {
    memset(r, 0, offsetof(Reading, kept));
    r->at = s.len && is_sign(s.ptr[0]);
    r->negative = r->at && s.ptr[0] == '-';
  }
  bool valid = true;
  while (valid && r->at < s.len) {
    u64 from = r->at, end = s.len - from < READ_BYTES ? s.len : from + READ_BYTES;
    while (valid && r->at < end) valid = read_one(r, s);
    charge_bytes(worker, 4 * (r->at - from));
    if (valid && r->at < s.len && work_is_over(worker)) return work_keep(worker, r, sizeof *r) && work_pause(worker);
  }
  if (!valid || !r->begun) return give_none(worker, args);
  double x = number_of(r);
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  args[0] = build_well_known1(worker, WK_SOME, build_word(worker, KIND_FLOAT, word_from_double(x)));
  return work_end(worker);
}
