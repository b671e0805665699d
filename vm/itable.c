// Interface tables: which handler of a class a slot of an interface means.
//
// There is one Itable for each class, interface and choice of handlers, so tables are compared by address. Narrowing asks for the
// table of the same class for a smaller interface; the answer is remembered by the pair. Tables are few (they come from declarations
// and `as` expressions, never from values) and live until the images go.
//
// The tables are the process's own, behind a lock. Each thread keeps the answers it was given last, so that an `as` in a loop takes no
// lock; those given before tables were freed are known by their age.
#include <pthread.h>
#include <stdatomic.h>

#include "vm/load.h"
#include "vm/memory.h"

typedef struct Entry {
  const void *from;              // a Class, or the Itable that was narrowed
  const InterfaceDef *to;
  const Itable *itable;
} Entry;

typedef struct ItableMap {
  Entry *entries;                // open addressing; from NULL: free
  u32 capacity;                  // a power of two
  u32 count;
} ItableMap;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ItableMap by_class;       // several entries of one key differ in their slots
static ItableMap by_narrowing;

// Answers that a thread was given, one for each value of a hash.
enum { GIVEN_COUNT = 64 };
static _Thread_local Entry given[GIVEN_COUNT];
static _Thread_local u64 given_age;   // when they were
static _Atomic u64 age = 1;           // how often tables were freed

static size_t itable_bytes(u32 slots) { return sizeof(Itable) + slots * sizeof(u16); }

static u32 slot_of(const ItableMap *map, const void *from, const InterfaceDef *to) {
  u64 hash = ((uintptr_t)from * 0x9e3779b97f4a7c15u) ^ ((uintptr_t)to * 0xc2b2ae3d27d4eb4fu);
  return (u32)(hash ^ hash >> 29) & (map->capacity - 1);
}

static void put(ItableMap *map, Entry entry) {
  u32 i = slot_of(map, entry.from, entry.to);
  while (map->entries[i].from) i = (i + 1) & (map->capacity - 1);
  map->entries[i] = entry;
  map->count++;
}

static bool grow(ItableMap *map) {
  if (map->count * 2 < map->capacity) return true;
  ItableMap bigger = {.capacity = map->capacity ? map->capacity * 2 : 64};
  bigger.entries = memory_alloc(bigger.capacity * sizeof(Entry));
  if (!bigger.entries) return false;
  memset(bigger.entries, 0, bigger.capacity * sizeof(Entry));
  for (u32 i = 0; i < map->capacity; i++) {
    if (map->entries[i].from) put(&bigger, map->entries[i]);
  }
  memory_free(map->entries, map->capacity * sizeof(Entry));
  *map = bigger;
  return true;
}

static bool add(ItableMap *map, Entry entry) {
  if (!grow(map)) return false;
  put(map, entry);
  return true;
}

// The class's table with exactly these slots, made if there is none.
static const Itable *intern(const Class *class, const InterfaceDef *interface, const u16 *slots) {
  u32 count = interface->method_count;
  for (u32 i = by_class.capacity ? slot_of(&by_class, class, interface) : 0; by_class.capacity && by_class.entries[i].from;
       i = (i + 1) & (by_class.capacity - 1)) {
    const Entry *entry = &by_class.entries[i];
    if (entry->from != class || entry->to != interface) continue;
    if (!memcmp(entry->itable->slots, slots, count * sizeof *slots)) return entry->itable;
  }
  Itable *itable = memory_alloc(itable_bytes(count));
  if (!itable) return NULL;
  itable->class = class;
  itable->interface = interface;
  itable->slot_count = count;
  itable->unique = interface->unique;
  memcpy(itable->slots, slots, count * sizeof *slots);
  if (add(&by_class, (Entry){class, interface, itable})) return itable;
  memory_free(itable, itable_bytes(count));
  return NULL;
}

const Itable *itable_get(const Class *class, const InterfaceDef *interface, const u32 *handlers) {
  u16 slots[LIMIT_METHODS];
  for (u32 i = 0; i < interface->method_count; i++) slots[i] = (u16)handlers[i];
  pthread_mutex_lock(&lock);
  const Itable *itable = intern(class, interface, slots);
  pthread_mutex_unlock(&lock);
  return itable;
}

static u16 slot_named(const Itable *from, Str method) {
  for (u32 i = 0; i < from->slot_count; i++) {
    if (str_eq(from->interface->methods[i].name, method)) return from->slots[i];
  }
  BUG("interface %.*s has no method %.*s", STR_ARG(from->interface->name), STR_ARG(method));
}

static const Itable *narrow(const Itable *from, const InterfaceDef *to) {
  if (by_narrowing.capacity) {
    for (u32 i = slot_of(&by_narrowing, from, to); by_narrowing.entries[i].from; i = (i + 1) & (by_narrowing.capacity - 1)) {
      if (by_narrowing.entries[i].from == from && by_narrowing.entries[i].to == to) return by_narrowing.entries[i].itable;
    }
  }
  u16 slots[LIMIT_METHODS];
  for (u32 i = 0; i < to->method_count; i++) slots[i] = slot_named(from, to->methods[i].name);
  const Itable *itable = intern(from->class, to, slots);
  return itable && add(&by_narrowing, (Entry){from, to, itable}) ? itable : NULL;
}

static Entry *given_place(const Itable *from, const InterfaceDef *to) {
  u64 now = atomic_load_explicit(&age, memory_order_relaxed);
  if (UNLIKELY(given_age != now)) memset(given, 0, sizeof given);
  given_age = now;
  u64 hash = ((uintptr_t)from * 0x9e3779b97f4a7c15u) ^ ((uintptr_t)to * 0xc2b2ae3d27d4eb4fu);
  return &given[hash >> 58];
}

const Itable *itable_narrow(const Itable *from, const InterfaceDef *to) {
  if (from->interface == to) return from;
  Entry *place = given_place(from, to);
  if (LIKELY(place->from == from && place->to == to)) return place->itable;
  pthread_mutex_lock(&lock);
  const Itable *itable = narrow(from, to);
  pthread_mutex_unlock(&lock);
  if (itable) *place = (Entry){from, to, itable};
  return itable;
}

// No thread uses a table any more.
void itables_free(void) {
  for (u32 i = 0; i < by_class.capacity; i++) {
    const Entry *entry = &by_class.entries[i];
    if (entry->from) memory_free((void *)entry->itable, itable_bytes(entry->itable->slot_count));
  }
  memory_free(by_class.entries, by_class.capacity * sizeof(Entry));
  memory_free(by_narrowing.entries, by_narrowing.capacity * sizeof(Entry));
  by_class = by_narrowing = (ItableMap){0};
  atomic_fetch_add(&age, 1);
}
