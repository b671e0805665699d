// Well-formed UTF-8: see utf8.h.
#include "bytecode/utf8.h"

// Length of the sequence at `at`, 0 if it is ill-formed. `left` is at least 1.
static u32 sequence_length(const u8 *at, size_t left) {
  u8 lead = at[0];
  if (lead < 0x80) return 1;
  u32 length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (!length || length > left) return 0;
  for (u32 i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && at[1] < 0xa0) return 0;   // longer than needed
  if (lead == 0xed && at[1] >= 0xa0) return 0;  // surrogate
  if (lead == 0xf0 && at[1] < 0x90) return 0;
  if (lead == 0xf4 && at[1] >= 0x90) return 0;  // past U+10FFFF
  return length;
}

bool utf8_is_valid(Str s) {
  const u8 *bytes = (const u8 *)s.ptr;
  for (size_t at = 0; at < s.len;) {
    u32 length = sequence_length(bytes + at, s.len - at);
    if (!length) return false;
    at += length;
  }
  return true;
}
