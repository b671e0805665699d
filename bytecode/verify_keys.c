// The verifier's maps from names to rows. They are metered: whoever makes many names meet in one place of the table pays for
// it with the steps of the own module.
#include "bytecode/utf8.h"
#include "bytecode/verify_state.h"

// Not scanned by the collector: the texts are the module's.
Keys keys_for(u64 count) {
  u32 capacity = 8;
  while (capacity < count * 2) capacity *= 2;
  return (Keys){gc_alloc_data(capacity * sizeof(struct KeySlot)), capacity};
}

static u32 first_slot(const Keys *keys, u64 scope, Str text) {
  u64 hash = (str_hash(text) ^ scope) * 0x9e3779b97f4a7c15u;
  return (u32)(hash >> 32) & (keys->capacity - 1);
}

// The slot of the key, or the empty one where it belongs; NULL when out of steps.
static struct KeySlot *slot_of(Verifier *v, const Keys *keys, u64 scope, Str text) {
  u32 at = first_slot(keys, scope, text);
  for (u64 steps = 1 + text.len / 8;; steps += 1 + text.len / 8) {
    struct KeySlot *slot = &keys->slots[at];
    if (!slot->used || (slot->scope == scope && str_eq(slot->text, text))) return verify_spend(v, steps) ? slot : NULL;
    at = (at + 1) & (keys->capacity - 1);
  }
}

bool keys_put(Verifier *v, Keys *keys, u64 scope, Str text, u32 row, u32 *found) {
  struct KeySlot *slot = slot_of(v, keys, scope, text);
  if (!slot) return false;
  *found = slot->used ? slot->row : NO_ROW;
  if (!slot->used) *slot = (struct KeySlot){scope, text, row, true};
  return true;
}

u32 keys_find(Verifier *v, const Keys *keys, u64 scope, Str text) {
  if (!keys->capacity) return NO_ROW;
  struct KeySlot *slot = slot_of(v, keys, scope, text);
  return slot && slot->used ? slot->row : NO_ROW;
}

bool verify_name(Verifier *v, Str name, const char *what) {
  if (!verify_spend(v, 1 + name.len / 8)) return false;
  if (!name.len) return verify_fail(v, REASON_NAME, "the name of %s is empty", what);
  if (name.len > LIMIT_NAME) return verify_fail(v, REASON_NAME, "the name of %s has %zu bytes, more than %u", what, name.len, LIMIT_NAME);
  for (size_t i = 0; i < name.len; i++) {
    u8 c = (u8)name.ptr[i];
    bool high = c == 0xc2 && i + 1 < name.len && (u8)name.ptr[i + 1] < 0xa0;  // U+0080 … U+009F
    if (c < 0x20 || c == 0x7f || high) return verify_fail(v, REASON_NAME, "the name of %s has a control character", what);
  }
  return utf8_is_valid(name) || verify_fail(v, REASON_NAME, "the name of %s is no UTF-8", what);
}
