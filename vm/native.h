// Writing a native: one row in bytecode/native.def, one function here named native_NAME.
//
//   bool native_string_lower(Worker *w, u64 *args) {        // args[0]: String
//     Obj *s = heap_bytes(w, KIND_STRING, n);                // may collect: args[0] is updated, C locals are not
//     if (!s) return fault_memory(w);
//     … read args[0] only now …
//     args[0] = obj_val(s);                                  // the result
//     return true;
//   }
//
// Behind the arguments args[] has NATIVE_SCRATCH more registers, empty at first: roots for values under construction.
// Natives are safe for every value of their signature's types: they are called from hostile modules too. They charge reductions for
// long work: worker->reductions -= units (about 1 per 50 ns).
#pragma once
#include "vm/worker.h"

enum { NATIVE_SCRATCH = 4 };

#define NATIVE(name, text, signature, effect, lent) bool native_##name(Worker *worker, u64 *args);
#include "bytecode/native.def"
#undef NATIVE

bool fault_memory(Worker *worker);  // "out of memory"; false

// Building, after heap_reserve() of the words named.
static inline Val build_int(Worker *w, i64 n) {  // 2 words if it does not fit 63 bits
  if (int_fits_val(n)) return val_from_small(n);
  Obj *o = heap_take(w, 2);
  o->header = OBJ_HEADER(KIND_INT, 0, 0);
  o->words[0] = (u64)n;
  return obj_val(o);
}
static inline Val build_word(Worker *w, Kind kind, u64 word) {  // FLOAT, DURATION, TIME: 2 words
  Obj *o = heap_take(w, 2);
  o->header = OBJ_HEADER(kind, 0, 0);
  o->words[0] = word;
  return obj_val(o);
}
static inline Val build_cons(Worker *w, Val head, Val tail) {  // 3 words
  Obj *o = heap_take(w, 3);
  o->header = OBJ_HEADER(KIND_CONS, 0, 0);
  o->words[0] = head;
  o->words[1] = tail;
  return obj_val(o);
}
static inline Val build_pair(Worker *w, Val a, Val b) {  // 3 words
  Obj *o = heap_take(w, 3);
  o->header = OBJ_HEADER(KIND_TUPLE, 2, 0);
  o->words[0] = a;
  o->words[1] = b;
  return obj_val(o);
}

// A small string from C bytes that must be valid UTF-8; may collect. False when memory is out.
bool string_from(Worker *worker, Str bytes, u64 *result) MUST_CHECK;

// The library's data types that the VM builds itself (Option, Result, Broken, Exit, IoErr: looked up at load).
typedef enum WellKnown {
#define WELL_KNOWN(name, module, type, ctor, fields) WK_##name,
#include "vm/wellknown.def"
#undef WELL_KNOWN
  WK_COUNT
} WellKnown;
u32 well_known(Worker *worker, WellKnown which);              // its descriptor id
Val build_well_known0(Worker *worker, WellKnown which);       // a nullary constructor
Val build_well_known1(Worker *worker, WellKnown which, Val field);  // 2 words reserved
