// Tagged words: what a val register, a field, a message argument holds.
//
//   …xxx1  a 63-bit Int
//   …000   a pointer to an object (obj.h); all zero bits is the empty word of a cleared register, never a value
//   …010   a small constant: descriptor id in the high half, constructor number in bits 16..31
//
// Descriptor id 0 is the VM's own: (), False, True, []. Every other is a data type's nullary constructor.
#pragma once
#include "bytecode/base.h"

typedef u64 Val;

#define VAL_EMPTY ((Val)0)
#define VAL_CONST(desc, tag) ((Val)(desc) << 32 | (Val)(tag) << 16 | 2)
#define VAL_UNIT VAL_CONST(0, 0)
#define VAL_FALSE VAL_CONST(0, 1)
#define VAL_TRUE VAL_CONST(0, 2)
#define VAL_NIL VAL_CONST(0, 3)

static inline bool val_is_int(Val v) { return v & 1; }
static inline bool val_is_pointer(Val v) { return (v & 7) == 0 && v != 0; }
static inline bool val_is_const(Val v) { return (v & 7) == 2; }

static inline bool int_fits_val(i64 n) { return n >= -((i64)1 << 62) && n < ((i64)1 << 62); }
static inline Val val_from_small(i64 n) { return (Val)n << 1 | 1; }
static inline i64 val_small(Val v) { return (i64)v >> 1; }
static inline Val val_from_bool(bool b) { return b ? VAL_TRUE : VAL_FALSE; }
static inline u32 const_desc(Val v) { return (u32)(v >> 32); }
static inline u16 const_tag(Val v) { return (u16)(v >> 16); }

static inline u64 word_from_double(double d) {
  u64 w;
  memcpy(&w, &d, 8);
  return w;
}
static inline double word_double(u64 w) {
  double d;
  memcpy(&d, &w, 8);
  return d;
}
