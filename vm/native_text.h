// Walking UTF-8 that is known to be valid: shared by the natives that work on text.
#pragma once
#include "vm/work.h"

// Bytes of the scalar that begins with `lead`.
static inline u32 scalar_bytes(u8 lead) { return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; }

// The scalar at `at`, and how many bytes it takes.
static inline u32 scalar_at(const char *at, u32 *bytes) {
  const u8 *p = (const u8 *)at;
  *bytes = scalar_bytes(p[0]);
  switch (*bytes) {
    case 1: return p[0];
    case 2: return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    case 3: return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    default: return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
  }
}

// Writes a scalar, returns its bytes.
static inline u32 scalar_put(char *to, u32 scalar) {
  u8 *p = (u8 *)to;
  if (scalar < 0x80) return p[0] = (u8)scalar, 1;
  if (scalar < 0x800) return p[0] = (u8)(0xc0 | scalar >> 6), p[1] = (u8)(0x80 | (scalar & 0x3f)), 2;
  if (scalar < 0x10000)
    return p[0] = (u8)(0xe0 | scalar >> 12), p[1] = (u8)(0x80 | (scalar >> 6 & 0x3f)), p[2] = (u8)(0x80 | (scalar & 0x3f)), 3;
  p[0] = (u8)(0xf0 | scalar >> 18);
  p[1] = (u8)(0x80 | (scalar >> 12 & 0x3f));
  p[2] = (u8)(0x80 | (scalar >> 6 & 0x3f));
  p[3] = (u8)(0x80 | (scalar & 0x3f));
  return 4;
}

static inline bool byte_starts_scalar(char byte) { return ((u8)byte & 0xc0) != 0x80; }

// Unicode's White_Space property.
static inline bool scalar_is_blank(u32 c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

static inline void charge_bytes(Worker *worker, u64 bytes) { worker->reductions -= (i64)(bytes / 64); }

// A search, a block at a time. From `at` on, where so many bytes are known to stand: 0 at the beginning, and before looking for the next.
typedef struct Find {
  u64 at, matched;
} Find;
typedef enum Found { FOUND_MORE, FOUND_HERE, FOUND_NOWHERE } Found;
Found text_find_on(Worker *worker, Str s, Str part, Find *find);

// Where `part` first stands in s from byte `from` on, -1 if nowhere. False if the native is interrupted: its record is text_find's.
bool text_find(Worker *worker, Str s, Str part, u64 from, i64 *place) MUST_CHECK;

// A text that is made of the one in args[0], a block at a time.
typedef struct Texting {
  u64 at;         // what has been used of that
  u64 inside;     // as the block's function likes
  bool done;
  bool kept;      // all of it is in the pieces
  Pieces pieces;
} Texting;
typedef bool TextBlock(Worker *worker, const u64 *args, Texting *texting);  // appends to the scratch text, charges. False: memory is out
bool text_make(Worker *worker, u64 *args, TextBlock *block) MUST_CHECK;

static inline Str arg_text(u64 arg) { return obj_bytes(val_obj(arg)); }
