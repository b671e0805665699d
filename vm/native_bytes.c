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

bool native_bytes_to_string(Worker *worker, u64 *args) {
  Str b = arg_text(args[0]);
  worker->reductions -= (i64)(b.len / 64);
  if (!utf8_is_valid(b)) return give_none(worker, args);
  Obj *text = heap_bytes(worker, KIND_STRING, b.len);
  if (!text) return fault_memory(worker);
  b = arg_text(args[0]);
  memcpy(text->words, b.ptr, b.len);
  args[0] = obj_val(text);
  return give_some(worker, args);
}

bool native_bytes_to_hex(Worker *worker, u64 *args) {
  u64 length = arg_text(args[0]).len;
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, length * 2)) return false;
  const u8 *from = (const u8 *)arg_text(args[0]).ptr;
  for (u64 i = making.done / 2; i < length;) {
    u64 end = length - i < WORK_ITEMS ? length : i + WORK_ITEMS;
    worker->reductions -= (i64)((end - i) / 64);
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
  Str s = arg_text(args[0]);
  bool valid = s.len % 2 == 0;
  worker->reductions -= (i64)(s.len / 64);
  for (size_t i = 0; i < s.len && valid; i++) valid = hex_digit(s.ptr[i]) >= 0;
  if (!valid) return give_none(worker, args);
  Obj *bytes = heap_bytes(worker, KIND_BYTES, s.len / 2);
  if (!bytes) return fault_memory(worker);
  s = arg_text(args[0]);
  char *to = (char *)bytes->words;
  for (size_t i = 0; i < s.len; i += 2) *to++ = (char)(hex_digit(s.ptr[i]) << 4 | hex_digit(s.ptr[i + 1]));
  args[0] = obj_val(bytes);
  return give_some(worker, args);
}

bool native_bytes_from_list(Worker *worker, u64 *args) {
  u64 length = 0;
  for (Val at = args[0]; at != VAL_NIL; at = cons_tail(at), length++) {
    i64 n = val_int(cons_head(at));
    if (n < 0 || n > 255) return fault_set(worker, "bytes.from_list: %lld is no byte", (long long)n);
  }
  Obj *bytes = heap_bytes(worker, KIND_BYTES, length);
  if (!bytes) return fault_memory(worker);
  u8 *to = (u8 *)bytes->words;
  for (Val at = args[0]; at != VAL_NIL; at = cons_tail(at)) *to++ = (u8)val_int(cons_head(at));
  args[0] = obj_val(bytes);
  worker->reductions -= (i64)(length / 16);
  return true;
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

bool native_json_scan_string(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  u64 from = (i64)args[1] < 0 ? 0 : args[1];
  u64 at = from;
  while (at < s.len && is_plain(s.ptr[at])) at++;
  worker->reductions -= at > from ? (i64)((at - from) / 64) : 0;
  args[0] = at < s.len ? at : s.len;
  return true;
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

bool native_json_quote(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  bool fits = scratch_append(worker, STR("\""));
  for (size_t at = 0; at < s.len && fits;) {
    size_t run = at;
    while (run < s.len && is_plain(s.ptr[run])) run++;
    fits = scratch_append(worker, (Str){s.ptr + at, run - at});
    if (fits && run < s.len) fits = append_escape(worker, s.ptr[run++]);
    at = run;
  }
  if (!fits || !scratch_append(worker, STR("\""))) return fault_memory(worker);
  worker->reductions -= (i64)(s.len / 64);
  return string_from(worker, (Str){worker->text, worker->text_length}, args);
}
