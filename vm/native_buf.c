// Natives of the module buf, and bytes.to_buf. A Buf that never held a byte may have no storage at all.
#include "vm/native_text.h"
#include "vm/native_unique.h"
#include "vm/work.h"

static void charge(Worker *worker, u64 bytes) { worker->reductions -= (i64)(bytes / 128); }

static bool give_unit(u64 *args) {
  args[0] = VAL_UNIT;
  return true;
}

static u8 *buf_bytes(const Obj *buf) { return (u8 *)handle_storage(buf)->data; }

// The part of a Buf from `from` on, `count` bytes long, lies within it.
static bool within_check(Worker *worker, const char *what, const Obj *buf, u64 from, u64 count) {
  u64 length = handle_length(buf);
  if (from <= length && count <= length - from) return true;
  return fault_set(worker, "%s: %llu bytes from place %lld on are out of range: the buffer has %llu", what, (unsigned long long)count,
                   (long long)from, (unsigned long long)length);
}

static bool byte_check(Worker *worker, i64 n) {
  return LIKELY((u64)n <= 255) || fault_set(worker, "the value %lld does not fit a byte", (long long)n);
}

// Makes room for `more` bytes behind the last, and counts them in. False with a fault: interrupted, it has not.
static bool buf_extend(Worker *worker, u64 *args, u64 more) {
  u64 length = handle_length(val_obj(args[0]));
  if (more > STORAGE_LIMIT - length) return fault_memory(worker);
  if (!storage_grow(worker, args, STORAGE_BYTES, length + more)) return false;
  handle_storage(val_obj(args[0]))->len = length + more;
  return true;
}

bool native_buf_new(Worker *worker, u64 *args) {
  i64 capacity = (i64)args[0];
  if (!length_check(worker, "buf.new", capacity)) return false;
  if (!heap_reserve(worker, HANDLE_WORDS)) return fault_memory(worker);
  Storage *storage = capacity ? storage_new(worker, STORAGE_BYTES, (u64)capacity) : NULL;
  bool again = capacity && !storage && heap_squeeze(worker) && heap_reserve(worker, HANDLE_WORDS);
  if (again) storage = storage_new(worker, STORAGE_BYTES, (u64)capacity);
  if (capacity && !storage) return fault_memory(worker);
  args[0] = build_handle(worker, KIND_BUF, storage);
  return true;
}

// The Buf is as long as what has been copied; interrupted, it stands in kept[0].
bool native_bytes_to_buf(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  if (!work) {
    if (!heap_reserve(worker, HANDLE_WORDS)) return fault_memory(worker);
    u64 length = arg_text(args[0]).len;
    Storage *made = length ? storage_new(worker, STORAGE_BYTES, length) : NULL;
    if (length && !made) return fault_memory(worker);
    args[1] = build_handle(worker, KIND_BUF, made);
  } else {
    args[1] = work->kept[0];
  }
  Str bytes = arg_text(args[0]);
  Storage *storage = handle_storage(val_obj(args[1]));
  while (storage && storage->len < bytes.len) {
    u64 left = bytes.len - storage->len, count = left < WORK_BYTES ? left : WORK_BYTES;
    memcpy((char *)storage->data + storage->len, bytes.ptr + storage->len, count);
    storage->len += count;
    charge(worker, 2 * count);
    if (left > count && work_is_over(worker)) return work_pause_kept(worker, args[1], VAL_EMPTY);
  }
  args[0] = args[1];
  return work_end(worker);
}

bool native_buf_len(Worker *worker, u64 *args) {
  (void)worker;
  args[0] = handle_length(val_obj(args[0]));
  return true;
}

bool native_buf_push(Worker *worker, u64 *args) {
  if (!byte_check(worker, (i64)args[1])) return false;
  if (!buf_extend(worker, args, 1)) return false;
  const Obj *buf = val_obj(args[0]);
  buf_bytes(buf)[handle_length(buf) - 1] = (u8)args[1];
  return give_unit(args);
}

// Copies the bytes, or what is left of them, into the Buf from a place on. False if interrupted.
static bool put(Worker *worker, Obj *buf, u64 place, Str bytes) {
  const Work *work = work_begun(worker);
  for (u64 at = work ? work->at : 0; at < bytes.len;) {
    u64 count = bytes.len - at < WORK_BYTES ? bytes.len - at : WORK_BYTES;
    memcpy(buf_bytes(buf) + place + at, bytes.ptr + at, count);
    charge(worker, count);
    at += count;
    if (at < bytes.len && work_is_over(worker)) return work_pause_at(worker, at, place);
  }
  return work_end(worker);
}

// Sets the bytes of the Buf from `at` to `end`, or those that are left. False if interrupted.
static bool set(Worker *worker, Obj *buf, u64 at, u64 end, u8 byte) {
  const Work *work = work_begun(worker);
  for (at = work ? work->at : at; at < end;) {
    u64 count = end - at < WORK_BYTES ? end - at : WORK_BYTES;
    memset(buf_bytes(buf) + at, byte, count);
    charge(worker, count);
    at += count;
    if (at < end && work_is_over(worker)) return work_pause_at(worker, at, 0);
  }
  return work_end(worker);
}

// Interrupted while it grows, or else while it is filled, as is_filled() tells.
static bool is_filled(Worker *worker) {
  const Work *work = work_begun(worker);
  return work && work->kept[0] == VAL_EMPTY;
}

// While it is filled `count` is where the bytes go.
static bool append(Worker *worker, u64 *args) {
  u64 count = arg_text(args[1]).len;
  if (!count) return give_unit(args);
  u64 place = is_filled(worker) ? work_begun(worker)->count : handle_length(val_obj(args[0]));
  if (!is_filled(worker) && !buf_extend(worker, args, count)) return false;
  return put(worker, val_obj(args[0]), place, arg_text(args[1])) && give_unit(args);
}

bool native_buf_append(Worker *worker, u64 *args) { return append(worker, args); }
bool native_buf_append_string(Worker *worker, u64 *args) { return append(worker, args); }

bool native_buf_resize(Worker *worker, u64 *args) {
  u64 length = handle_length(val_obj(args[0])), wanted = args[1];
  if (!length_check(worker, "buf.resize", (i64)wanted)) return false;
  if (is_filled(worker) || wanted > length) {
    if (!is_filled(worker) && !buf_extend(worker, args, wanted - length)) return false;
    if (!set(worker, val_obj(args[0]), length, wanted, 0)) return false;
  } else if (length) {
    handle_storage(val_obj(args[0]))->len = wanted;
  }
  return give_unit(args);
}

bool native_buf_fill(Worker *worker, u64 *args) {
  if (!part_check(worker, "buf.fill", args[0], args[1], args[2], "bytes") || !byte_check(worker, (i64)args[3])) return false;
  return set(worker, val_obj(args[0]), args[1], args[2], (u8)args[3]) && give_unit(args);
}

bool native_buf_put(Worker *worker, u64 *args) {
  Str bytes = arg_text(args[2]);
  Obj *buf = val_obj(args[0]);
  if (!within_check(worker, "buf.put", buf, args[1], bytes.len)) return false;
  return put(worker, buf, args[1], bytes) && give_unit(args);
}

bool native_buf_slice(Worker *worker, u64 *args) {
  if (!part_check(worker, "buf.slice", args[0], args[1], args[2], "bytes")) return false;
  u64 count = args[2] - args[1];
  Making making;
  if (!making_begin(&making, worker, KIND_BYTES, count)) return false;
  Str part = {count ? (const char *)buf_bytes(val_obj(args[0])) + args[1] : "", count};
  if (!making_add(&making, part)) return making_pause(&making, VAL_EMPTY, 0);
  args[0] = obj_val(making.text);
  return work_end(worker);
}

// Bytes so few are copied: a block of their own would take more room than they do.
enum { FREEZE_COPIES = 256 };

bool native_buf_freeze(Worker *worker, u64 *args) {
  u64 length = handle_length(val_obj(args[0]));
  if (length > FREEZE_COPIES) {
    if (!heap_reserve(worker, BLOB_WORDS)) return fault_memory(worker);
    Val frozen = build_blob(worker, val_obj(args[0]));
    if (frozen == VAL_EMPTY) return fault_memory(worker);
    args[0] = frozen;
    return true;
  }
  Obj *bytes = heap_bytes(worker, KIND_BYTES, length);
  if (!bytes) return fault_memory(worker);
  Obj *buf = val_obj(args[0]);
  if (length) memcpy(bytes->words, buf_bytes(buf), length);
  handle_drop(worker, buf);
  args[0] = obj_val(bytes);
  return true;
}

// ---- Numbers of several bytes, the lowest first ---------------------------------------------------------------------

static bool width_check(Worker *worker, u64 width) {
  return (width >= 1 && width <= 8) || fault_set(worker, "a number of %lld bytes", (long long)width);
}

bool native_buf_read_number(Worker *worker, u64 *args) {
  const Obj *buf = val_obj(args[0]);
  if (!width_check(worker, args[2]) || !within_check(worker, "buf.get", buf, args[1], args[2])) return false;
  u64 n = 0;
  memcpy(&n, buf_bytes(buf) + args[1], args[2]);
  args[0] = n;
  return true;
}

bool native_buf_write_number(Worker *worker, u64 *args) {
  Obj *buf = val_obj(args[0]);
  if (!width_check(worker, args[2]) || !within_check(worker, "buf.set", buf, args[1], args[2])) return false;
  memcpy(buf_bytes(buf) + args[1], &args[3], args[2]);
  return give_unit(args);
}

bool native_buf_swap_bytes(Worker *worker, u64 *args) {
  if (!width_check(worker, args[1])) return false;
  args[0] = __builtin_bswap64(args[0]) >> (64 - 8 * args[1]);
  return true;
}
