// Natives of the module list.
#include "vm/native.h"

enum { CELLS_AT_ONCE = 1024 };

bool native_list_reverse_onto(Worker *worker, u64 *args) {
  while (args[0] != VAL_NIL) {
    if (!heap_reserve(worker, 3 * CELLS_AT_ONCE)) return fault_memory(worker);
    Val from = args[0];
    Val onto = args[1];
    u32 cells = 0;
    for (; from != VAL_NIL && cells < CELLS_AT_ONCE; cells++) {
      onto = build_cons(worker, cons_head(from), onto);
      from = cons_tail(from);
    }
    args[0] = from;
    args[1] = onto;
    worker->reductions -= cells / 16;
  }
  args[0] = args[1];
  return true;
}

bool native_list_join(Worker *worker, u64 *args) {
  u64 length = 0, cells = 0;
  u64 separator = obj_bytes(val_obj(args[1])).len;
  for (Val at = args[0]; at != VAL_NIL; at = cons_tail(at), cells++) {
    length += obj_bytes(val_obj(cons_head(at))).len;
    if (cons_tail(at) != VAL_NIL) length += separator;
  }
  Obj *joined = heap_bytes(worker, KIND_STRING, length);
  if (!joined) return fault_memory(worker);
  char *to = (char *)joined->words;
  Str between = obj_bytes(val_obj(args[1]));
  for (Val at = args[0]; at != VAL_NIL; at = cons_tail(at)) {
    Str part = obj_bytes(val_obj(cons_head(at)));
    memcpy(to, part.ptr, part.len);
    to += part.len;
    if (cons_tail(at) == VAL_NIL) break;
    memcpy(to, between.ptr, between.len);
    to += between.len;
  }
  args[0] = obj_val(joined);
  worker->reductions -= (i64)(length / 256 + cells / 8);
  return true;
}
