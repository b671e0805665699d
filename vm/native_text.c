// Natives of the module string: searching, comparing, measuring, changing case. Cutting up is in native_cut.c.
//
// Strings are valid UTF-8 always; every native keeps it so.
#include "vm/native_text.h"

#include <utf8proc.h>

enum {
  SCALARS_PER_REDUCTION = 4,    // where each is looked up in a table
  WALK_ITEMS = WORK_ITEMS * 4,  // scalars that are passed between two looks at the clock
};

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

// Whether the bytes of `part` stand in s from `from` on, where there are so many. Interrupted, it goes on.
static bool give_equal(Worker *worker, u64 *args, Str s, u64 from, Str part) {
  const Work *work = work_begun(worker);
  bool equal = true;
  for (u64 at = work ? work->at : 0; equal && at < part.len;) {
    u64 bytes = part.len - at < WORK_BYTES ? part.len - at : WORK_BYTES;
    equal = memcmp(s.ptr + from + at, part.ptr + at, bytes) == 0;
    at += bytes;
    charge_bytes(worker, bytes / 4);
    if (equal && at < part.len && work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  args[0] = val_from_bool(equal);
  return work_end(worker);
}

static bool give_false(u64 *args) {
  args[0] = VAL_FALSE;
  return true;
}

bool native_string_starts_with(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]), part = arg_text(args[1]);
  return s.len < part.len ? give_false(args) : give_equal(worker, args, s, 0, part);
}

bool native_string_ends_with(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]), part = arg_text(args[1]);
  return s.len < part.len ? give_false(args) : give_equal(worker, args, s, s.len - part.len, part);
}

// The beginning of a long part is looked for; where that stands the rest is compared, in blocks too.
enum { LEAD_BYTES = WORK_BYTES / 16 };

static Found match_on(Worker *worker, Str s, Str part, Find *find) {
  u64 left = part.len - find->matched, bytes = left < WORK_BYTES ? left : WORK_BYTES;
  charge_bytes(worker, bytes);
  if (memcmp(s.ptr + find->at + find->matched, part.ptr + find->matched, bytes) != 0) {
    *find = (Find){find->at + 1, 0};
    return FOUND_MORE;
  }
  find->matched += bytes;
  return find->matched == part.len ? FOUND_HERE : FOUND_MORE;
}

Found text_find_on(Worker *worker, Str s, Str part, Find *find) {
  if (find->matched) return match_on(worker, s, part, find);
  if (part.len > s.len - find->at) return FOUND_NOWHERE;
  if (!part.len) return FOUND_HERE;
  u64 lead = part.len < LEAD_BYTES ? part.len : LEAD_BYTES, places = s.len - part.len + 1 - find->at;
  u64 looked = places < WORK_BYTES ? places : WORK_BYTES;
  const char *from = s.ptr + find->at, *found = memmem(from, looked + lead - 1, part.ptr, lead);
  charge_bytes(worker, (found ? (u64)(found - from) : looked) + lead);
  if (!found) {
    find->at += looked;
    return looked == places ? FOUND_NOWHERE : FOUND_MORE;
  }
  find->at += (u64)(found - from);
  if (lead == part.len) return FOUND_HERE;
  find->matched = lead;
  return FOUND_MORE;
}

bool text_find(Worker *worker, Str s, Str part, u64 from, i64 *place) {
  const Work *work = work_begun(worker);
  Find find = {work ? work->at : from, work ? work->count : 0};
  Found found;
  while ((found = text_find_on(worker, s, part, &find)) == FOUND_MORE) {
    if (work_is_over(worker)) return work_pause_at(worker, find.at, find.matched);
  }
  *place = found == FOUND_HERE ? (i64)find.at : -1;
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

bool native_string_byte_of(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  u64 at = work ? work->at : 0;
  i64 left = work ? (i64)work->count : (i64)args[1];
  while (left > 0 && at < s.len) {
    u64 from = at;
    for (u32 i = 0; i < WALK_ITEMS && left > 0 && at < s.len; i++, left--) at += scalar_bytes((u8)s.ptr[at]);
    charge_bytes(worker, at - from);
    if (work_is_over(worker)) return work_pause_at(worker, at, (u64)left);
  }
  args[0] = at;
  return work_end(worker);
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

// The text is walked up to the end of the part. Interrupted, `at` and `count` tell how far, `done` where the part begins, once that is known.
bool native_string_slice(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  Str s = arg_text(args[0]);
  i64 from = (i64)args[1], to = (i64)args[2];
  if (from < 0 || to < from) return fault_set(worker, "string.slice: %lld..%lld is no range of places", (long long)from, (long long)to);
  Work *work = work_begun(worker);
  u64 at = work ? work->at : 0, count = work ? work->count : 0, start = work ? work->done : 0;
  while (at < s.len && count < (u64)to) {
    u64 before = at, most = count < (u64)from ? (u64)from : (u64)to;
    for (u32 i = 0; i < WALK_ITEMS && count < most && at < s.len; i++, count++) at += scalar_bytes((u8)s.ptr[at]);
    if (count <= (u64)from) start = at;
    charge_bytes(worker, at - before);
    if (!work_is_over(worker)) continue;
    if (!(work = work_record(worker))) return false;
    work->done = start;
    return work_pause_at(worker, at, count);
  }
  if (count < (u64)to) {
    return fault_set(worker, "string.slice: %lld..%lld is outside the %llu characters", (long long)from, (long long)to, (unsigned long long)count);
  }
  return give_slice(worker, args, start, at);
}

static bool is_blank_at(Str s, u64 at, u32 *bytes) { return scalar_is_blank(scalar_at(s.ptr + at, bytes)); }

// Interrupted, `at` and `count` are the ends so far.
static bool trim(Worker *worker, u64 *args, bool start, bool end) {
  if (making_goes_on(worker)) return slice_on(worker, args);
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  u64 from = work ? work->at : 0, to = work ? work->count : s.len;
  bool starts = start, ends = end;
  while (starts || ends) {
    u64 bytes_before = to - from;
    u32 bytes;
    for (u32 i = 0; starts && i < WORK_ITEMS; i++) {
      starts = from < to && is_blank_at(s, from, &bytes);
      if (starts) from += bytes;
    }
    for (u32 i = 0; !starts && ends && i < WORK_ITEMS; i++) {
      u64 last = to;
      while (last > from && !byte_starts_scalar(s.ptr[--last])) continue;
      ends = to > from && is_blank_at(s, last, &bytes);
      if (ends) to = last;
    }
    charge_bytes(worker, 8 * (bytes_before - (to - from)));
    if ((starts || ends) && work_is_over(worker)) return work_pause_at(worker, from, to);
  }
  return give_slice(worker, args, from, to);
}

bool native_string_trim(Worker *worker, u64 *args) { return trim(worker, args, true, true); }
bool native_string_trim_start(Worker *worker, u64 *args) { return trim(worker, args, true, false); }
bool native_string_trim_end(Worker *worker, u64 *args) { return trim(worker, args, false, true); }

bool native_string_to_bytes(Worker *worker, u64 *args) {
  return making_copy(worker, KIND_BYTES, args, 0, arg_text(args[0]).len, args);
}

// ---- Changing -------------------------------------------------------------------------------------------------------

static bool texting_keep(Worker *worker, Texting *texting) {
  return pieces_keep(&texting->pieces, worker, worker->turn->work) || fault_memory(worker);
}

bool text_make(Worker *worker, u64 *args, TextBlock *block) {
  const Work *work = work_begun(worker);
  Texting first = {0}, *texting = work ? work->own : &first;
  worker->text_length = 0;
  while (!texting->done) {
    if (!block(worker, args, texting)) return fault_memory(worker);
    if (texting->done || !work_is_over(worker)) continue;
    texting = work_keep(worker, texting, sizeof *texting);
    return texting && texting_keep(worker, texting) && work_pause(worker);
  }
  if (texting == &first) return string_from(worker, (Str){worker->text, worker->text_length}, args);
  if (!texting->kept && !texting_keep(worker, texting)) return false;
  texting->kept = true;
  return pieces_join(&texting->pieces, worker, args);
}

static inline __attribute__((always_inline)) bool map_block(Worker *worker, const u64 *args, Texting *t,
                                                            utf8proc_int32_t (*map)(utf8proc_int32_t)) {
  Str s = arg_text(args[0]);
  if (!scratch_reserve(worker, WORK_ITEMS * 4)) return false;
  char *to = worker->text + worker->text_length;
  u32 scalars = 0;
  for (; scalars < WORK_ITEMS && t->at < s.len; scalars++) {
    u32 bytes, scalar = scalar_at(s.ptr + t->at, &bytes);
    to += scalar_put(to, (u32)map((utf8proc_int32_t)scalar));
    t->at += bytes;
  }
  worker->text_length = (size_t)(to - worker->text);
  worker->reductions -= scalars / SCALARS_PER_REDUCTION;
  t->done = t->at == s.len;
  return true;
}

// utf8proc gives ß a capital of its own, which Unicode's simple mapping does not.
static utf8proc_int32_t simple_upper(utf8proc_int32_t scalar) { return scalar == 0xdf ? scalar : utf8proc_toupper(scalar); }

static bool lower_block(Worker *worker, const u64 *args, Texting *t) { return map_block(worker, args, t, utf8proc_tolower); }
static bool upper_block(Worker *worker, const u64 *args, Texting *t) { return map_block(worker, args, t, simple_upper); }
bool native_string_lower(Worker *worker, u64 *args) { return text_make(worker, args, lower_block); }
bool native_string_upper(Worker *worker, u64 *args) { return text_make(worker, args, upper_block); }

enum { FOLDED = 8 };  // no scalar becomes more

static bool fold_block(Worker *worker, const u64 *args, Texting *t) {
  Str s = arg_text(args[0]);
  if (!scratch_reserve(worker, WORK_ITEMS * FOLDED * 4)) return false;
  u32 scalars = 0;
  for (; scalars < WORK_ITEMS && t->at < s.len; scalars++) {
    u32 bytes, scalar = scalar_at(s.ptr + t->at, &bytes);
    utf8proc_int32_t folded[FOLDED];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)scalar, folded, FOLDED, UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < FOLDED; i++) {
      worker->text_length += scalar_put(worker->text + worker->text_length, (u32)folded[i]);
    }
    t->at += bytes;
  }
  worker->reductions -= scalars / SCALARS_PER_REDUCTION;
  t->done = t->at == s.len;
  return true;
}

bool native_string_fold_case(Worker *worker, u64 *args) { return text_make(worker, args, fold_block); }

// `inside` is how many bytes of the text to replace are known to stand at `at`; from REPLACING on it has been found there, and of what comes
// in its place so many bytes more have been added.
static const u64 REPLACING = (u64)1 << 40;

static bool replacement_add(Worker *worker, Str from, Str to, Texting *t) {
  u64 there = t->inside - REPLACING, bytes = to.len - there < WORK_BYTES ? to.len - there : WORK_BYTES;
  charge_bytes(worker, bytes + 64);
  t->inside += bytes;
  if (there + bytes == to.len) {
    t->at += from.len;
    t->inside = 0;
  }
  return scratch_append(worker, (Str){to.ptr + there, bytes});
}

static bool replace_block(Worker *worker, const u64 *args, Texting *t) {
  Str s = arg_text(args[0]), from = arg_text(args[1]), to = arg_text(args[2]);
  if (t->inside >= REPLACING) {
    if (!replacement_add(worker, from, to, t)) return false;
    t->done = t->at == s.len;
    return true;
  }
  Find find = {t->at, t->inside};
  Found found = text_find_on(worker, s, from, &find);
  u64 plain = found == FOUND_NOWHERE ? s.len - t->at : find.at - t->at;
  // What is left behind the last place is no longer than what is looked for: that may be long.
  bool cut = plain > 2 * WORK_BYTES;
  if (cut) plain = WORK_BYTES;
  if (!scratch_append(worker, (Str){s.ptr + t->at, plain})) return false;
  charge_bytes(worker, plain);
  t->at += plain;
  t->inside = cut ? 0 : found == FOUND_HERE ? REPLACING : find.matched;
  t->done = t->at == s.len;
  return true;
}

bool native_string_replace(Worker *worker, u64 *args) {
  return arg_text(args[1]).len ? text_make(worker, args, replace_block) : true;
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
