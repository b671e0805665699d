// What natives share: building a String from C bytes.
#include "vm/native.h"

bool string_from(Worker *worker, Str bytes, u64 *result) {
  Obj *s = heap_bytes(worker, KIND_STRING, bytes.len);
  if (!s) return fault_memory(worker);
  if (bytes.len) memcpy(s->words, bytes.ptr, bytes.len);
  *result = obj_val(s);
  return true;
}
