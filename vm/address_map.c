// Maps from addresses to words: see address_map.h. Removal shifts the rest of its run back, so that there are no tombstones.
#include "vm/address_map.h"

#include "vm/memory.h"

enum { CAPACITY_MIN = 8 };

static u32 home(const AddressMap *map, const void *key) {
  return (u32)((u64)key * 0x9e3779b97f4a7c15u >> 32) & (map->capacity - 1);
}

static u32 next(const AddressMap *map, u32 at) { return (at + 1) & (map->capacity - 1); }

static u32 slot_of(const AddressMap *map, const void *key) {
  u32 at = home(map, key);
  while (map->pairs[at].key && map->pairs[at].key != key) at = next(map, at);
  return at;
}

u64 *address_find(const AddressMap *map, const void *key) {
  if (!map->count) return NULL;
  struct AddressPair *pair = &map->pairs[slot_of(map, key)];
  return pair->key ? &pair->value : NULL;
}

static size_t bytes_of(const AddressMap *map) { return (size_t)map->capacity * sizeof *map->pairs; }

static bool grow(AddressMap *map) {
  AddressMap grown = {.capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN, .count = map->count};
  if (!grown.capacity || !(grown.pairs = memory_alloc(bytes_of(&grown)))) return false;
  memset(grown.pairs, 0, bytes_of(&grown));
  for (u32 i = 0; i < map->capacity; i++) {
    if (map->pairs[i].key) grown.pairs[slot_of(&grown, map->pairs[i].key)] = map->pairs[i];
  }
  memory_free(map->pairs, bytes_of(map));
  *map = grown;
  return true;
}

bool address_put(AddressMap *map, const void *key, u64 value) {
  if (map->count >= map->capacity / 4 * 3 && !grow(map)) return false;
  struct AddressPair *pair = &map->pairs[slot_of(map, key)];
  map->count += !pair->key;
  *pair = (struct AddressPair){key, value};
  return true;
}

static void remove_at(AddressMap *map, u32 hole) {
  map->count--;
  for (u32 at = next(map, hole); map->pairs[at].key; at = next(map, at)) {
    u32 mask = map->capacity - 1, wanted = home(map, map->pairs[at].key);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;  // the hole lies before its home
    map->pairs[hole] = map->pairs[at];
    hole = at;
  }
  map->pairs[hole].key = NULL;
}

void address_filter(AddressMap *map, bool (*keep)(void *context, const void *key, u64 value), void *context) {
  for (u32 i = 0; i < map->capacity; i++) {
    while (map->pairs[i].key && !keep(context, map->pairs[i].key, map->pairs[i].value)) remove_at(map, i);
  }
  if (!map->count) address_clear(map);
}

void address_clear(AddressMap *map) {
  memory_free(map->pairs, bytes_of(map));
  *map = (AddressMap){0};
}
