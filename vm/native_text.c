// Natives of the module string: searching, comparing, measuring, changing case. Cutting up is in native_cut.c.
//
// Strings are valid UTF-8 always; every native keeps it so.
#include "vm/native_text.h"
#include "vm/work.h"

#include <errno.h>
#include <stdlib.h>
#include <utf8proc.h>

enum { SCALARS_PER_REDUCTION = 4 };  // where each is looked up in a table

static void charge_bytes(Worker *worker, u64 bytes) { worker->reductions -= (i64)(bytes / 64); }

// ---- Measuring ------------------------------------------------------------------------------------------------------

static u64 count_scalars(Str s) {
  u64 count = 0;
  for (size_t i = 0; i < s.len; i++) count += byte_starts_scalar(s.ptr[i]);
  return count;
}

bool native_string_len(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  u64 at = work ? work->at : 0, count = work ? work->count : 0;
  while (at < s.len) {
    u64 bytes = s.len - at < WORK_BYTES ? s.len - at : WORK_BYTES;
    count += count_scalars((Str){s.ptr + at, bytes});
    at += bytes;
    charge_bytes(worker, bytes);
    if (at < s.len && work_is_over(worker)) return work_pause_at(worker, at, count);
  }
  args[0] = count;
  return work_end(worker);
}

bool native_string_byte_len(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = arg_text(args[0]).len;
  return true;
}

bool native_string_grapheme_len(Worker *worker, u64 *args) {
  Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  u64 count = work ? work->count : 0, at = work ? work->at : 0;
  // Of an interrupted one `done` has what the rules remember.
  u32 before = work ? (u32)work->done : 0, scalars = 0;
  utf8proc_int32_t state = work ? (utf8proc_int32_t)(work->done >> 32) : 0;
  while (at < s.len) {
    u32 bytes;
    u32 scalar = scalar_at(s.ptr + at, &bytes);
    if (at == 0 || utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)scalar, &state)) count++;
    before = scalar;
    at += bytes;
    if (++scalars % SCALARS_PER_REDUCTION) continue;
    worker->reductions--;
    if (at == s.len || !work_is_over(worker)) continue;
    if (!(work = work_record(worker))) return false;
    work->done = before | (u64)(u32)state << 32;
    return work_pause_at(worker, at, count);
  }
  args[0] = count;
  return work_end(worker);
}

// ---- Searching ------------------------------------------------------------------------------------------------------

bool native_string_starts_with(Worker *worker, u64 *args) {
  charge_bytes(worker, arg_text(args[1]).len / 4);
  args[0] = val_from_bool(str_starts_with(arg_text(args[0]), arg_text(args[1])));
  return true;
}

bool native_string_ends_with(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  Str part = arg_text(args[1]);
  charge_bytes(worker, part.len / 4);
  args[0] = val_from_bool(s.len >= part.len && memcmp(s.ptr + s.len - part.len, part.ptr, part.len) == 0);
  return true;
}

bool text_find(Worker *worker, Str s, Str part, u64 from, i64 *place) {
  const Work *work = work_begun(worker);
  u64 at = work ? work->at : from, block = part.len < WORK_BYTES ? WORK_BYTES : part.len;
  *place = -1;
  while (part.len <= s.len - at) {
    // A block's matches begin in it.
    u64 bytes = s.len - at < block + part.len ? s.len - at : block + part.len - 1;
    const char *found = part.len ? memmem(s.ptr + at, bytes, part.ptr, part.len) : s.ptr + at;
    charge_bytes(worker, found ? (u64)(found - s.ptr) - at : bytes);
    if (found) *place = found - s.ptr;
    if (found || at + bytes == s.len) return true;
    at += block;
    if (work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  return true;
}

bool native_string_find_byte(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  Str part = arg_text(args[1]);
  i64 from = (i64)args[2];
  if (from < 0) from = 0;
  if ((u64)from > s.len) {
    args[0] = (u64)-1;
    return true;
  }
  i64 place;
  if (!text_find(worker, s, part, (u64)from, &place)) return false;
  args[0] = (u64)place;
  return work_end(worker);
}

bool native_string_byte_at(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  if (args[1] >= s.len) {
    return fault_set(worker, "string.byte_at: place %lld is outside the %zu bytes", (long long)args[1], s.len);
  }
  args[0] = (u8)s.ptr[args[1]];
  return true;
}

// Where scalar `n` begins; the end if there are not so many.
static u64 byte_of_scalar(Str s, i64 n) {
  u64 at = 0;
  for (; n > 0 && at < s.len; n--) at += scalar_bytes((u8)s.ptr[at]);
  return at;
}

bool native_string_byte_of(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  args[0] = byte_of_scalar(s, (i64)args[1]);
  charge_bytes(worker, args[0]);
  return true;
}

// ---- Copying parts --------------------------------------------------------------------------------------------------

// args[0] becomes the bytes from `from` to `to` of the text in args[0].
static bool give_slice(Worker *worker, u64 *args, u64 from, u64 to) {
  if (from == 0 && to == arg_text(args[0]).len) return work_end(worker);
  return making_copy(worker, KIND_STRING, args, from, to, args);
}

static bool slice_on(Worker *worker, u64 *args) { return making_copy(worker, KIND_STRING, args, 0, 0, args); }

bool native_string_slice_bytes(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  i64 from = (i64)args[1];
  i64 to = (i64)args[2];
  if (from < 0 || to < from || (u64)to > s.len) {
    return fault_set(worker, "string.slice_bytes: %lld..%lld is outside the %zu bytes", (long long)from, (long long)to, s.len);
  }
  if (((u64)from < s.len && !byte_starts_scalar(s.ptr[from])) || ((u64)to < s.len && !byte_starts_scalar(s.ptr[to]))) {
    return fault_set(worker, "string.slice_bytes: %lld..%lld would cut a character in two", (long long)from, (long long)to);
  }
  return give_slice(worker, args, (u64)from, (u64)to);
}

bool native_string_slice(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  Str s = arg_text(args[0]);
  i64 from = (i64)args[1];
  i64 to = (i64)args[2];
  if (from < 0 || to < from) return fault_set(worker, "string.slice: %lld..%lld is no range of places", (long long)from, (long long)to);
  u64 start = byte_of_scalar(s, from);
  u64 end = start;
  i64 missing = to - from;
  for (; missing > 0 && end < s.len; missing--) end += scalar_bytes((u8)s.ptr[end]);
  if (missing > 0 || (start == s.len && (u64)from > count_scalars(s))) {
    return fault_set(worker, "string.slice: %lld..%lld is outside the %llu characters", (long long)from, (long long)to,
                     (unsigned long long)count_scalars(s));
  }
  charge_bytes(worker, end);
  return give_slice(worker, args, start, end);
}

static u64 blank_prefix(Str s) {
  u64 at = 0;
  while (at < s.len) {
    u32 bytes;
    if (!scalar_is_blank(scalar_at(s.ptr + at, &bytes))) break;
    at += bytes;
  }
  return at;
}

static u64 without_blank_suffix(Str s, u64 from) {
  u64 end = s.len;
  while (end > from) {
    u64 at = end - 1;
    while (at > from && !byte_starts_scalar(s.ptr[at])) at--;
    u32 bytes;
    if (!scalar_is_blank(scalar_at(s.ptr + at, &bytes))) break;
    end = at;
  }
  return end;
}

// The blanks that were passed count too.
static bool give_trimmed(Worker *worker, u64 *args, u64 from, u64 to) {
  charge_bytes(worker, arg_text(args[0]).len - (to - from));
  return give_slice(worker, args, from, to);
}

bool native_string_trim(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  Str s = arg_text(args[0]);
  u64 from = blank_prefix(s);
  return give_trimmed(worker, args, from, without_blank_suffix(s, from));
}

bool native_string_trim_start(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  Str s = arg_text(args[0]);
  return give_trimmed(worker, args, blank_prefix(s), s.len);
}

bool native_string_trim_end(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  Str s = arg_text(args[0]);
  return give_trimmed(worker, args, 0, without_blank_suffix(s, 0));
}

bool native_string_to_bytes(Worker *worker, u64 *args) {
  return making_copy(worker, KIND_BYTES, args, 0, arg_text(args[0]).len, args);
}

// ---- Changing -------------------------------------------------------------------------------------------------------

// The scratch text as the result.
static bool give_scratch(Worker *worker, u64 *args) {
  Obj *result = heap_bytes(worker, KIND_STRING, worker->text_length);
  if (!result) return fault_memory(worker);
  memcpy(result->words, worker->text, worker->text_length);
  args[0] = obj_val(result);
  charge_bytes(worker, worker->text_length);
  return true;
}

static bool map_scalars(Worker *worker, u64 *args, utf8proc_int32_t (*map)(utf8proc_int32_t)) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  if (!scratch_reserve(worker, s.len * 2 + 4)) return fault_memory(worker);  // no simple mapping grows a scalar past double
  char *to = worker->text;
  for (size_t at = 0; at < s.len;) {
    u32 bytes;
    u32 scalar = scalar_at(s.ptr + at, &bytes);
    to += scalar_put(to, (u32)map((utf8proc_int32_t)scalar));
    at += bytes;
  }
  worker->text_length = (size_t)(to - worker->text);
  charge_bytes(worker, s.len);
  return give_scratch(worker, args);
}

// utf8proc gives ß a capital of its own, which Unicode's simple mapping does not.
static utf8proc_int32_t simple_upper(utf8proc_int32_t scalar) { return scalar == 0xdf ? scalar : utf8proc_toupper(scalar); }

bool native_string_lower(Worker *worker, u64 *args) { return map_scalars(worker, args, utf8proc_tolower); }
bool native_string_upper(Worker *worker, u64 *args) { return map_scalars(worker, args, simple_upper); }

bool native_string_fold_case(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  charge_bytes(worker, s.len * 2);
  for (size_t at = 0; at < s.len;) {
    u32 bytes;
    u32 scalar = scalar_at(s.ptr + at, &bytes);
    utf8proc_int32_t folded[8];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)scalar, folded, COUNT_OF(folded), UTF8PROC_CASEFOLD, &boundary);
    if (!scratch_reserve(worker, COUNT_OF(folded) * 4)) return fault_memory(worker);
    for (utf8proc_ssize_t i = 0; i < count && i < (utf8proc_ssize_t)COUNT_OF(folded); i++) {
      worker->text_length += scalar_put(worker->text + worker->text_length, (u32)folded[i]);
    }
    at += bytes;
  }
  return give_scratch(worker, args);
}

bool native_string_replace(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  Str from = arg_text(args[1]);
  Str to = arg_text(args[2]);
  if (!from.len) return true;
  charge_bytes(worker, s.len);
  worker->text_length = 0;
  size_t at = 0;
  while (at < s.len) {
    const char *found = memmem(s.ptr + at, s.len - at, from.ptr, from.len);
    if (!found) break;
    if (!scratch_append(worker, (Str){s.ptr + at, (size_t)(found - s.ptr) - at}) || !scratch_append(worker, to)) return fault_memory(worker);
    at = (size_t)(found - s.ptr) + from.len;
  }
  if (at == 0) return true;
  if (!scratch_append(worker, (Str){s.ptr + at, s.len - at})) return fault_memory(worker);
  return give_scratch(worker, args);
}

bool native_string_repeat(Worker *worker, u64 *args) {
  u64 length = arg_text(args[0]).len;
  i64 times = (i64)args[1];
  if (times < 0) return fault_set(worker, "string.repeat: the count must not be negative, and is %lld", (long long)times);
  u64 total;
  if (__builtin_mul_overflow(length, (u64)times, &total) || total > UINT32_MAX) return fault_memory(worker);
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, total)) return false;
  u64 most = length && length < WORK_BYTES ? WORK_BYTES / length * length : length;
  while (making.done < total) {
    // What is there already is copied behind itself.
    u64 there = making.done - making.at, bytes = there < most ? there : most;
    Str part = {(const char *)making.text->words, bytes < total - there ? bytes : total - there};
    if (!making_add(&making, there ? part : arg_text(args[0]))) return making_pause(&making, VAL_EMPTY, 0);
  }
  args[0] = obj_val(making.text);
  return work_end(worker);
}

bool native_string_from_code(Worker *worker, u64 *args) {
  i64 code = (i64)args[0];
  if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    return fault_set(worker, "string.from_code: %lld is the number of no character", (long long)code);
  }
  char text[4];
  u32 bytes = scalar_put(text, (u32)code);
  return string_from(worker, (Str){text, bytes}, args);
}

// ---- Numbers in text ------------------------------------------------------------------------------------------------

static size_t skip_sign(Str s) { return s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'); }

static size_t skip_digits(Str s, size_t at) {
  while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9') at++;
  return at;
}

bool native_string_parse_int(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  charge_bytes(worker, s.len);
  size_t digits = skip_sign(s);
  bool negative = digits && s.ptr[0] == '-';
  bool valid = digits < s.len && skip_digits(s, digits) == s.len;
  i64 n = 0;
  for (size_t at = digits; valid && at < s.len; at++) {
    i64 digit = s.ptr[at] - '0';
    valid = !__builtin_mul_overflow(n, 10, &n) && !__builtin_add_overflow(n, negative ? -digit : digit, &n);
  }
  if (!valid) {
    args[0] = build_well_known0(worker, WK_NONE);
    return true;
  }
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  args[0] = build_well_known1(worker, WK_SOME, build_int(worker, n));
  return true;
}

static bool is_float_text(Str s) {
  size_t whole = skip_sign(s);
  size_t at = skip_digits(s, whole);
  if (at == whole) return false;
  if (at < s.len && s.ptr[at] == '.') {
    size_t fraction = at + 1;
    at = skip_digits(s, fraction);
    if (at == fraction) return false;
  }
  if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
    size_t exponent = at + 1;
    if (exponent < s.len && (s.ptr[exponent] == '-' || s.ptr[exponent] == '+')) exponent++;
    at = skip_digits(s, exponent);
    if (at == exponent) return false;
  }
  return at == s.len;
}

bool native_string_parse_float(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  charge_bytes(worker, s.len);
  if (!is_float_text(s)) {
    args[0] = build_well_known0(worker, WK_NONE);
    return true;
  }
  worker->text_length = 0;
  if (!scratch_append(worker, s) || !scratch_append(worker, (Str){"", 1})) return fault_memory(worker);  // strtod wants a NUL
  double x = strtod(worker->text, NULL);
  if (!heap_reserve(worker, 4)) return fault_memory(worker);
  args[0] = build_well_known1(worker, WK_SOME, build_word(worker, KIND_FLOAT, word_from_double(x)));
  return true;
}
