// Instructions on Arrays, Bufs and sessions that are too rare for ops.inc, and the faults of those that trap.
#include "vm/gc.h"
#include "vm/step.h"

// ---- Faults ---------------------------------------------------------------------------------------------------------

bool fault_index(Worker *worker, const Obj *handle, i64 index) {
  bool buf = obj_kind(handle) == KIND_BUF;
  u64 length = handle_length(handle);
  const char *one = buf ? "byte" : "element";
  return fault_set(worker, "index %lld is out of range: the %s has %llu %s%s", (long long)index, buf ? "buffer" : "array",
                   (unsigned long long)length, one, length == 1 ? "" : "s");
}

bool fault_byte(Worker *worker, const Obj *handle, i64 index, i64 value) {
  if ((u64)index >= handle_length(handle)) return fault_index(worker, handle, index);
  return fault_set(worker, "the value %lld does not fit a byte", (long long)value);
}

bool length_check(Worker *worker, const char *what, i64 length) {
  if (length < 0) return fault_set(worker, "%s: the length %lld is negative", what, (long long)length);
  if ((u64)length <= STORAGE_LIMIT) return true;
  return fault_set(worker, "%s: the length %lld is more than any memory has room for", what, (long long)length);
}

bool part_check(Worker *worker, const char *what, Val handle, u64 from, u64 to, const char *elements) {
  u64 length = handle_length(val_obj(handle));
  if (from <= to && to <= length) return true;
  return fault_set(worker, "%s: %lld..%lld is out of range: there are %llu %s", what, (long long)from, (long long)to,
                   (unsigned long long)length, elements);
}

// ---- Instructions ---------------------------------------------------------------------------------------------------

void array_put(Worker *worker, Obj *array, u64 i, Val v) {
  Storage *storage = handle_storage(array);
  storage->data[i] = element_word(storage->kind, v);
  storage_wrote(worker, array, i, 1);
}

// Where the objects stand stays as it is, and with it who holds them: only what they own is exchanged. Two arrays that are both old have
// marked what is young in theirs.
void handles_exchange(Worker *worker, Obj *left, Obj *right) {
  u32 words = obj_kind(left) == KIND_REF ? 3 : 1;
  for (u32 i = 0; i < words; i++) {
    u64 word = left->words[i];
    left->words[i] = right->words[i];
    right->words[i] = word;
  }
  if (obj_kind(left) != KIND_ARRAY) return;
  if (!worker->in_guard && !heap_is_young(worker, left) && !heap_is_young(worker, right)) return;
  storage_wrote(worker, left, 0, handle_length(left));
  storage_wrote(worker, right, 0, handle_length(right));
}
