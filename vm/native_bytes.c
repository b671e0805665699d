// Natives of the modules bytes and json.
#include "bytecode/utf8.h"
#include "vm/bank.h"
#include "vm/native_text.h"
#include "vm/native_unique.h"

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
  u64 length = arg_text(args[0]).len;
  i64 from = (i64)args[1];
  i64 to = (i64)args[2];
  if (from < 0 || to < from || (u64)to > length) {
    return fault_set(worker, "bytes.slice: %lld..%lld is outside the %llu bytes", (long long)from, (long long)to, (unsigned long long)length);
  }
  if (val_is_kind(args[0], KIND_BLOB) && to - from >= SLICE_SHARES) return slice_shared(worker, args, args[1], args[2] - args[1]);
  Obj *part = heap_bytes(worker, KIND_BYTES, (u64)(to - from));
  if (!part) return fault_memory(worker);
  memcpy(part->words, arg_text(args[0]).ptr + from, (size_t)(to - from));
  args[0] = obj_val(part);
  worker->reductions -= (to - from) / 256;
  return true;
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
  Obj *text = heap_bytes(worker, KIND_STRING, length * 2);
  if (!text) return fault_memory(worker);
  const u8 *from = (const u8 *)arg_text(args[0]).ptr;
  char *to = (char *)text->words;
  for (u64 i = 0; i < length; i++) {
    *to++ = "0123456789abcdef"[from[i] >> 4];
    *to++ = "0123456789abcdef"[from[i] & 15];
  }
  args[0] = obj_val(text);
  worker->reductions -= (i64)(length / 64);
  return true;
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
  const char *found = part.len ? memmem(b.ptr + from, b.len - (u64)from, part.ptr, part.len) : b.ptr + from;
  worker->reductions -= (i64)((found ? (u64)(found - b.ptr) : b.len) - (u64)from) / 64;
  if (!found) return give_none(worker, args);
  args[0] = val_from_small(found - b.ptr);
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
