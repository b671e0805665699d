// Maps from addresses to words, with open addressing. All zero is an empty map. Memory is the VM's (memory.h).
#pragma once
#include "bytecode/base.h"

typedef struct AddressMap {
  struct AddressPair {
    const void *key;  // NULL: free
    u64 value;
  } *pairs;
  u32 capacity;  // a power of two, or 0
  u32 count;
} AddressMap;

// Where the value of `key` stands, or NULL. Valid until the map changes.
u64 *address_find(const AddressMap *map, const void *key);
// Adds a pair, or gives its key another value. False when memory is out: the map is as it was.
bool address_put(AddressMap *map, const void *key, u64 value) MUST_CHECK;
// Removes the pairs of which `keep` says no. It may be asked twice about one pair.
void address_filter(AddressMap *map, bool (*keep)(void *context, const void *key, u64 value), void *context);
void address_clear(AddressMap *map);  // gives memory back, too
