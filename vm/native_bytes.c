// Natives of the modules bytes and json.
#include "bytecode/utf8.h"
#include "vm/bank.h"
#include "vm/native_text.h"
#include "vm/native_unique.h"
#include "vm/work.h"

static bool give_none(Worker *worker, u64 *args) {
  args[0] = build_well_known0(worker, WK_NONE);
  return true;
}

// args[0] becomes Some(args[0]).
static bool give_some(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  args[0] = build_well_known1(worker, WK_SOME, args[0]);
  return true;
}

bool native_bytes_len(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = arg_text(args[0]).len;
  return true;
}

bool native_bytes_at(Worker *worker, u64 *args) {
  Str b = arg_text(args[0]);
  if (args[1] >= b.len) return fault_set(worker, "place %lld is outside the %zu bytes", (long long)args[1], b.len);
  args[0] = (u8)b.ptr[args[1]];
  return true;
}

// A long part of shared bytes shares them too.
enum { SLICE_SHARES = HEAP_LARGE_WORDS * 8 };

static bool slice_shared(Worker *worker, u64 *args, u64 from, u64 length) {
  if (!heap_reserve(worker, BLOB_WORDS)) return fault_memory(worker);
  const Obj *whole = val_obj(args[0]);
  if (!bank_hold_storage(worker, worker->account->bank, handle_storage(whole))) return fault_memory(worker);
  Obj *part = heap_take(worker, BLOB_WORDS);
  part->header = OBJ_HEADER(KIND_BLOB, 0, 0);
  part->words[BLOB_STORAGE] = whole->words[BLOB_STORAGE];
  part->words[BLOB_BYTES] = whole->words[BLOB_BYTES] + from;
  part->words[BLOB_LENGTH] = length;
  storage_retain(handle_storage(whole));
  heap_note_counted(worker, part);
  args[0] = obj_val(part);
  return true;
}

bool native_bytes_slice(Worker *worker, u64 *args) {
  if (making_goes_on(worker)) return making_copy(worker, KIND_BYTES, args, 0, 0, args);
  u64 length = arg_text(args[0]).len;
  i64 from = (i64)args[1];
  i64 to = (i64)args[2];
  if (from < 0 || to < from || (u64)to > length) {
    return fault_set(worker, "bytes.slice: %lld..%lld is outside the %llu bytes", (long long)from, (long long)to, (unsigned long long)length);
  }
  if (val_is_kind(args[0], KIND_BLOB) && to - from >= SLICE_SHARES) return slice_shared(worker, args, args[1], args[2] - args[1]);
  return making_copy(worker, KIND_BYTES, args, args[1], args[2], args);
}

enum {
  CHECKED_BYTES = WORK_BYTES / 8,  // of UTF-8, between two looks at the clock
  PLACES_MOST = 3,                 // a character ends so many bytes after where it might be cut
};

// Where a block of a text that begins at `at` ends: not within a character, if it is one.
static u64 block_end(Str s, u64 at) {
  if (s.len - at <= CHECKED_BYTES) return s.len;
  u64 end = at + CHECKED_BYTES;
  for (u32 i = 0; i < PLACES_MOST && !byte_starts_scalar(s.ptr[end]); i++) end--;
  return end;
}

bool native_bytes_to_string(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str b = arg_text(args[0]);
  for (u64 at = making_goes_on(worker) ? b.len : work ? work->at : 0; at < b.len;) {
    u64 end = block_end(b, at);
    charge_bytes(worker, end - at);
    if (!utf8_is_valid((Str){b.ptr + at, end - at})) return work_end(worker) && give_none(worker, args);
    at = end;
    if (work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  return making_copy(worker, KIND_STRING, args, 0, b.len, args) && give_some(worker, args);
}

bool native_bytes_to_hex(Worker *worker, u64 *args) {
  u64 length = arg_text(args[0]).len;
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, length * 2)) return false;
  const u8 *from = (const u8 *)arg_text(args[0]).ptr;
  for (u64 i = making.done / 2; i < length;) {
    u64 end = length - i < WORK_ITEMS ? length : i + WORK_ITEMS;
    charge_bytes(worker, 2 * (end - i));
    char *to = making_place(&making);
    for (; i < end; i++) {
      *to++ = "0123456789abcdef"[from[i] >> 4];
      *to++ = "0123456789abcdef"[from[i] & 15];
    }
    making.done = i * 2;
    if (i < length && work_is_over(worker)) return making_pause(&making, VAL_EMPTY, 0);
  }
  args[0] = obj_val(making.text);
  return work_end(worker);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool native_bytes_from_hex(Worker *worker, u64 *args) {
  Making making;
  if (arg_text(args[0]).len % 2) return give_none(worker, args);
  if (!making_begin(&making, worker, KIND_BYTES, arg_text(args[0]).len / 2)) return false;
  Str s = arg_text(args[0]);
  for (u64 i = making.done * 2; i < s.len;) {
    u64 end = s.len - i < WORK_ITEMS ? s.len : i + WORK_ITEMS;
    char *to = making_place(&making);
    charge_bytes(worker, 2 * (end - i));
    for (; i < end; i += 2) {
      int high = hex_digit(s.ptr[i]), low = hex_digit(s.ptr[i + 1]);
      if (high < 0 || low < 0) return work_end(worker) && give_none(worker, args);
      *to++ = (char)(high << 4 | low);
    }
    making.done = i / 2;
    if (i < s.len && work_is_over(worker)) return making_pause(&making, VAL_EMPTY, 0);
  }
  args[0] = obj_val(making.text);
  return work_end(worker) && give_some(worker, args);
}

// How many there are. Interrupted, it goes on at the cell in kept[1], `at` cells have been counted. False with a fault.
static bool count_bytes(Worker *worker, Val list, u64 *length) {
  const Work *work = work_begun(worker);
  if (making_goes_on(worker)) return true;
  Val at = work ? work->kept[1] : list;
  *length = work ? work->at : 0;
  while (at != VAL_NIL) {
    u32 cells = 0;
    for (; at != VAL_NIL && cells < WORK_ITEMS; cells++, at = cons_tail(at)) {
      i64 n = val_int(cons_head(at));
      if (n < 0 || n > 255) return fault_set(worker, "bytes.from_list: %lld is no byte", (long long)n);
    }
    *length += cells;
    worker->reductions -= cells / 16;
    if (at == VAL_NIL || !work_is_over(worker)) continue;
    Work *record = work_record(worker);
    if (record) record->at = *length;
    return record && work_pause_kept(worker, VAL_EMPTY, at);
  }
  return true;
}

bool native_bytes_from_list(Worker *worker, u64 *args) {
  u64 length = 0;
  Making making;
  if (!count_bytes(worker, args[0], &length)) return false;
  bool goes_on = making_goes_on(worker);
  if (!making_begin(&making, worker, KIND_BYTES, length)) return false;
  Val at = goes_on ? work_begun(worker)->kept[1] : args[0];
  while (at != VAL_NIL) {
    u8 *to = (u8 *)making_place(&making);
    u32 cells = 0;
    for (; at != VAL_NIL && cells < WORK_ITEMS; cells++, at = cons_tail(at)) *to++ = (u8)val_int(cons_head(at));
    making.done += cells;
    worker->reductions -= cells / 8;
    if (at != VAL_NIL && work_is_over(worker)) return making_pause(&making, at, 0);
  }
  args[0] = obj_val(making.text);
  return work_end(worker);
}

bool native_bytes_index_of(Worker *worker, u64 *args) {
  Str b = arg_text(args[0]);
  Str part = arg_text(args[1]);
  i64 from = (i64)args[2] < 0 ? 0 : (i64)args[2];
  if ((u64)from > b.len) return give_none(worker, args);
  i64 place;
  if (!text_find(worker, b, part, (u64)from, &place)) return false;
  (void)work_end(worker);
  if (place < 0) return give_none(worker, args);
  args[0] = val_from_small(place);
  return give_some(worker, args);
}

// ---- json -----------------------------------------------------------------------------------------------------------

static bool is_plain(char c) { return (u8)c >= 0x20 && c != '"' && c != '\\'; }

enum { SCANNED_BYTES = WORK_BYTES / 16 };

bool native_json_scan_string(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  Str s = arg_text(args[0]);
  u64 at = work ? work->at : (i64)args[1] < 0 ? 0 : args[1];
  while (at < s.len && is_plain(s.ptr[at])) {
    u64 from = at, end = s.len - at < SCANNED_BYTES ? s.len : at + SCANNED_BYTES;
    while (at < end && is_plain(s.ptr[at])) at++;
    charge_bytes(worker, at - from);
    if (work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  args[0] = at < s.len ? at : s.len;
  return work_end(worker);
}

static bool append_escape(Worker *worker, char c) {
  switch (c) {
    case '"': return scratch_append(worker, STR("\\\""));
    case '\\': return scratch_append(worker, STR("\\\\"));
    case '\n': return scratch_append(worker, STR("\\n"));
    case '\r': return scratch_append(worker, STR("\\r"));
    case '\t': return scratch_append(worker, STR("\\t"));
    case '\b': return scratch_append(worker, STR("\\b"));
    case '\f': return scratch_append(worker, STR("\\f"));
    default: break;
  }
  char text[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[(u8)c >> 4], "0123456789abcdef"[c & 15]};
  return scratch_append(worker, (Str){text, sizeof text});
}

// `inside` is 1 once there is a quotation mark.
static bool quote_block(Worker *worker, const u64 *args, Texting *t) {
  Str s = arg_text(args[0]);
  u64 from = t->at, end = s.len - from < SCANNED_BYTES ? s.len : from + SCANNED_BYTES;
  bool fits = t->inside || scratch_append(worker, STR("\""));
  t->inside = 1;
  while (t->at < end && fits) {
    u64 run = t->at;
    while (run < end && is_plain(s.ptr[run])) run++;
    fits = scratch_append(worker, (Str){s.ptr + t->at, run - t->at});
    if (fits && run < end) fits = append_escape(worker, s.ptr[run++]);
    t->at = run;
  }
  charge_bytes(worker, 2 * (end - from));
  t->done = t->at == s.len;
  return fits && (!t->done || scratch_append(worker, STR("\"")));
}

bool native_json_quote(Worker *worker, u64 *args) { return text_make(worker, args, quote_block); }
