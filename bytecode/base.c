// Slices, interned names, vectors, text and compiler memory: see base.h.
#include "bytecode/base.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef DEED_NO_LIBGC
#include <gc.h>
#include <gc/gc_mark.h>
#include <sys/mman.h>
#endif

// ---- Slices ---------------------------------------------------------------------------------------------------------

Str str_from(const char *c_string) { return (Str){c_string, strlen(c_string)}; }

bool str_eq(Str a, Str b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }

int str_compare(Str a, Str b) {
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
  if (order) return order;
  return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts_with(Str s, Str prefix) { return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0); }

u64 str_hash(Str s) {
  u64 h = HASH_START;
  for (size_t i = 0; i < s.len; i++) h = hash_byte(h, (u8)s.ptr[i]);
  return hash_end(h);
}

// ---- Compiler memory ------------------------------------------------------------------------------------------------

// Objects are bumped out of large chunks: libgc sees few, big blocks, and interior pointers keep them alive. The more there
// is already the larger the next chunk, so that a large program gets huge pages and a small one pins little.
enum { CHUNK_SIZE = 256 << 10, CHUNK_MOST = 16 << 20, LARGE_SIZE = 32 << 10, CLEAN_STEP = 8 << 10 };

typedef struct Bump {
  char *start;  // of the chunk
  char *at;     // the next object
  char *clean;  // zeroed up to here: shortly before it is written, so that it is in the cache by then
  char *end;    // of the chunk
} Bump;

// Of regions.
enum { REGION_CHUNK = 64 << 10, REGION_CHUNK_MOST = 4 << 20, REGION_SPARE = 1 << 20 };

typedef struct RegionChunk {
  struct RegionChunk *next;
  size_t size;
} RegionChunk;

static RegionChunk *spare_chunks;  // of regions that were released, for the next ones
static size_t spare_size;

static Bump scanned_bump;
static Bump data_bump;
static size_t chunk_bytes;  // in chunks so far

#ifdef DEED_NO_LIBGC

typedef struct Chunk {
  struct Chunk *next, **link;
} Chunk;

static Chunk *all_chunks;

static void *chunk_alloc(size_t size, bool scanned, bool *zeroed) {
  (void)scanned;
  Chunk *chunk = calloc(1, size + sizeof(Chunk));
  if (!chunk) return NULL;
  *zeroed = true;
  chunk->next = all_chunks;
  chunk->link = &all_chunks;
  if (all_chunks) all_chunks->link = &chunk->next;
  all_chunks = chunk;
  return chunk + 1;
}

static void chunk_free(void *block) {
  Chunk *chunk = (Chunk *)block - 1;
  *chunk->link = chunk->next;
  if (chunk->next) chunk->next->link = chunk->link;
  free(chunk);
}

void gc_tidy(void) {}

#else

// The first megabytes do not come from libgc but from here, in huge pages where the system has them: a small program and the
// library modules that it needs are compiled with a handful of page faults, and the collector never wakes. It halves the
// time to start. What lies here is a root to the collector.
enum { ARENA_SIZE = 8 << 20, HUGE_PAGE = 2 << 20, TIDY_SIZE = 32 << 20 };

static Bump arena;
static bool collector_ready;

static void *arena_alloc(size_t size) {
  static bool tried;
  if (!tried) {
    tried = true;
    char *block = mmap(NULL, ARENA_SIZE + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return NULL;
    arena.at = (char *)(((uintptr_t)block + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    arena.end = arena.at + ARENA_SIZE;
    madvise(arena.at, ARENA_SIZE, MADV_HUGEPAGE);
  }
  if (size > (size_t)(arena.end - arena.at)) return NULL;
  arena.at += size;
  return arena.at - size;
}

// Scanned blocks are of a kind that libgc does not clear: it would touch every page before it can be made a huge one.
static int scanned_kind;

static void collector_start(void) {
  GC_set_no_dls(0);
  GC_INIT();
  GC_disable();
  GC_set_warn_proc(GC_ignore_warn_proc);
  if (arena.end) GC_add_roots(arena.end - ARENA_SIZE, arena.end);
  scanned_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 0);
  collector_ready = true;
}

static void *chunk_alloc(size_t size, bool scanned, bool *zeroed) {
  void *early = arena_alloc(size);
  *zeroed = early != NULL;
  if (early) return early;
  if (!collector_ready) collector_start();
  char *block = scanned ? GC_generic_malloc(size, scanned_kind) : GC_MALLOC_ATOMIC(size);
  if (block && size >= 2 * HUGE_PAGE) {
    uintptr_t from = ((uintptr_t)block + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    uintptr_t until = ((uintptr_t)block + size) & ~(uintptr_t)(HUGE_PAGE - 1);
    madvise((void *)from, until - from, MADV_HUGEPAGE);
  }
  return block;
}

// While something is compiled all of it is in use: a collection would find nothing. So libgc expands until it is asked here.
void gc_tidy(void) {
  if (!collector_ready) return;
  if (spare_size > REGION_SPARE) spare_chunks = NULL, spare_size = 0;
  size_t used = GC_get_heap_size() - GC_get_free_bytes(), fresh = GC_get_bytes_since_gc();
  if (fresh < TIDY_SIZE || fresh < used / 2) return;
  GC_enable();
  GC_gcollect();
  GC_disable();
}

#endif

void gc_exhausted(size_t size) {
  fprintf(stderr, "error: out of memory while compiling (asked for %zu bytes)\n", size);
  exit(1);
}

static char *chunk_get(size_t size, bool scanned, bool *zeroed) {
  char *chunk = chunk_alloc(size, scanned, zeroed);
  if (!chunk) gc_exhausted(size);
  chunk_bytes += size;
  return chunk;
}

static void *large_alloc(size_t size, bool scanned) {
  bool zeroed;
  char *block = chunk_get(size, scanned, &zeroed);
  if (!zeroed) memset(block, 0, size);
  return block;
}

static size_t next_chunk_size(void) {
  size_t size = CHUNK_SIZE;
  while (size < CHUNK_MOST && size < chunk_bytes / 16) size *= 2;
  return size;
}

static inline size_t rounded(size_t size) { return (size + 7) & ~(size_t)7; }

// Zeroes on from `clean` so that `size` bytes at `at` are clean; gives the new end of what is.
static char *clean_ahead(char *at, char *clean, char *end, size_t size) {
  if (size <= (size_t)(clean - at)) return clean;
  size_t dirty = (size_t)(end - clean), step = size + CLEAN_STEP;
  if (step > dirty) step = dirty;
  memset(clean, 0, step);
  return clean + step;
}

// Makes `size` bytes at bump->at clean, in this chunk or a new one.
static void bump_refill(Bump *bump, size_t size, bool scanned) {
  if (size > (size_t)(bump->end - bump->at)) {
    size_t length = next_chunk_size();
    bool zeroed;
    bump->start = bump->at = bump->clean = chunk_get(length, scanned, &zeroed);
    bump->end = bump->at + length;
    if (zeroed) bump->clean = bump->end;
  }
  bump->clean = clean_ahead(bump->at, bump->clean, bump->end, size);
}

static void *bump_alloc(Bump *bump, size_t size, bool scanned) {
  size = rounded(size);
  if (UNLIKELY(size >= LARGE_SIZE)) return large_alloc(size, scanned);
  if (UNLIKELY(size > (size_t)(bump->clean - bump->at))) bump_refill(bump, size, scanned);
  void *result = bump->at;
  bump->at += size;
  return result;
}

void *gc_alloc(size_t size) { return bump_alloc(&scanned_bump, size ? size : 1, true); }

void *gc_alloc_data(size_t size) { return bump_alloc(&data_bump, size ? size : 1, false); }

static bool is_latest(const Bump *bump, const char *block, size_t size) {
  return block + size == bump->at && block >= bump->start;
}

// Makes room behind the latest object, if `block` is that one. What becomes large has a block of its own.
static bool bump_extend(Bump *bump, void *block, size_t old_size, size_t new_size, bool scanned) {
  size_t more = rounded(new_size) - rounded(old_size);
  if (!is_latest(bump, block, rounded(old_size)) || new_size >= LARGE_SIZE) return false;
  if (more > (size_t)(bump->end - bump->at)) return false;
  if (more > (size_t)(bump->clean - bump->at)) bump_refill(bump, more, scanned);
  bump->at += more;
  return true;
}

Str str_dup(Str s) {
  char *copy = gc_alloc_data(s.len + 1);
  if (s.len) memcpy(copy, s.ptr, s.len);
  return (Str){copy, s.len};
}

Str str_vformat(const char *format, va_list args) {
  Text t = {0};
  text_vprintf(&t, format, args);
  return text_str(&t);
}

Str str_format(const char *format, ...) {
  va_list args;
  va_start(args, format);
  Str text = str_vformat(format, args);
  va_end(args);
  return text;
}

// ---- Regions --------------------------------------------------------------------------------------------------------

static RegionChunk *region_chunk(size_t size, bool *zeroed) {
  RegionChunk *chunk = spare_chunks;
  if (chunk) {
    spare_chunks = chunk->next;
    spare_size -= chunk->size;
    *zeroed = false;
    return chunk;
  }
  chunk = (RegionChunk *)chunk_get(size, true, zeroed);
  chunk->size = size;
  return chunk;
}

static void region_grow(Region *region) {
  size_t size = REGION_CHUNK;
  while (size < REGION_CHUNK_MOST && size < region->size) size *= 2;
  bool zeroed;
  RegionChunk *chunk = region_chunk(size, &zeroed);
  chunk->next = region->chunks;
  region->chunks = chunk;
  region->size += chunk->size;
  region->at = region->clean = (char *)(chunk + 1);
  region->end = (char *)chunk + chunk->size;
  if (zeroed) region->clean = region->end;
}

void *region_alloc(Region *region, size_t size) {
  size = rounded(size);
  if (UNLIKELY(size > (size_t)(region->clean - region->at))) {
    if (size >= LARGE_SIZE) return gc_alloc(size);
    if (size > (size_t)(region->end - region->at)) region_grow(region);
    region->clean = clean_ahead(region->at, region->clean, region->end, size);
  }
  void *result = region->at;
  region->at += size;
  return result;
}

void region_release(Region *region) {
  for (RegionChunk *chunk = region->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
#ifdef DEED_NO_LIBGC
    chunk_free(chunk);  // so that sanitizers see a use after it
#else
    chunk->next = spare_chunks;
    spare_chunks = chunk;
    spare_size += chunk->size;
#endif
  }
  *region = (Region){0};
}

// ---- Interned names -------------------------------------------------------------------------------------------------

static struct {
  const Name **slots;
  u32 count;
  u32 capacity;
} interned;

static void intern_grow(void) {
  u32 capacity = interned.capacity ? interned.capacity * 2 : 1024;
  const Name **slots = gc_array(const Name *, capacity);
  for (u32 i = 0; i < interned.capacity; i++) {
    const Name *name = interned.slots[i];
    if (!name) continue;
    u64 at = name->hash & (capacity - 1);
    while (slots[at]) at = (at + 1) & (capacity - 1);
    slots[at] = name;
  }
  interned.slots = slots;
  interned.capacity = capacity;
}

const Name *name_of(Str text) { return name_hashed(text, str_hash(text)); }

const Name *name_hashed(Str text, u64 hash) {
  if (interned.count * 2 >= interned.capacity) intern_grow();
  u64 at = hash & (interned.capacity - 1);
  for (; interned.slots[at]; at = (at + 1) & (interned.capacity - 1)) {
    const Name *name = interned.slots[at];
    if (name->hash == hash && str_eq(name->text, text)) return name;
  }
  Name *name = gc_new(Name);
  name->text = str_dup(text);
  name->hash = hash;
  interned.slots[at] = name;
  interned.count++;
  return name;
}

const Name *name_from(const char *c_string) { return name_of(str_from(c_string)); }

void gc_release_all(void) {
#ifdef DEED_NO_LIBGC
  while (all_chunks) {
    Chunk *next = all_chunks->next;
    free(all_chunks);
    all_chunks = next;
  }
  scanned_bump = (Bump){0};
  data_bump = (Bump){0};
  chunk_bytes = 0;
  memset(&interned, 0, sizeof interned);
#endif
}

// ---- Vectors and text -----------------------------------------------------------------------------------------------

void vec_reserve(void **items, u32 *capacity, u32 needed, size_t item_size) {
  if (LIKELY(needed <= *capacity)) return;
  u32 grown = *capacity ? *capacity * 2 : 4;
  if (grown < needed) grown = needed;
  size_t old_size = (size_t)*capacity * item_size, new_size = (size_t)grown * item_size;
  if (*capacity && bump_extend(&scanned_bump, *items, old_size, new_size, true)) {
    *capacity = grown;
    return;
  }
  void *copy = gc_alloc(new_size);
  if (*capacity) memcpy(copy, *items, (size_t)*capacity * item_size);
  *items = copy;
  *capacity = grown;
}

static void text_reserve(Text *t, size_t more) {
  size_t needed = t->len + more + 1;
  if (LIKELY(needed <= t->capacity)) return;
  size_t grown = t->capacity ? t->capacity * 2 : 64;
  if (grown < needed) grown = needed;
  if (!t->capacity || !bump_extend(&data_bump, t->ptr, t->capacity, grown, false)) {
    char *copy = gc_alloc_data(grown);
    if (t->len) memcpy(copy, t->ptr, t->len);
    t->ptr = copy;
  }
  t->capacity = grown;
}

void text_add(Text *t, Str s) {
  if (!s.len) return;
  text_reserve(t, s.len);
  memcpy(t->ptr + t->len, s.ptr, s.len);
  t->len += s.len;
  t->ptr[t->len] = 0;
}

void text_char(Text *t, char c) { text_add(t, (Str){&c, 1}); }

void text_vprintf(Text *t, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  if (length > 0) {
    text_reserve(t, (size_t)length);
    vsnprintf(t->ptr + t->len, (size_t)length + 1, format, again);
    t->len += (size_t)length;
  }
  va_end(again);
}

void text_printf(Text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_vprintf(t, format, args);
  va_end(args);
}

Str text_str(const Text *t) { return (Str){t->ptr ? t->ptr : "", t->len}; }

// ---- Pointer map ----------------------------------------------------------------------------------------------------

static u32 map_slot(const PtrMap *map, const void *key) {
  u64 hash = ((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15u;
  u32 at = (u32)(hash >> 32) & (map->capacity - 1);
  while (map->keys[at] && map->keys[at] != key) at = (at + 1) & (map->capacity - 1);
  return at;
}

void *map_get(const PtrMap *map, const void *key) {
  if (!map->count) return NULL;
  u32 at = map_slot(map, key);
  return map->keys[at] ? map->values[at] : NULL;
}

void map_put(PtrMap *map, const void *key, void *value) {
  if (map->count * 2 >= map->capacity) {
    PtrMap old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : 8;
    map->keys = gc_array(const void *, map->capacity);
    map->values = gc_array(void *, map->capacity);
    for (u32 i = 0; i < old.capacity; i++) {
      if (!old.keys[i]) continue;
      u32 at = map_slot(map, old.keys[i]);
      map->keys[at] = old.keys[i];
      map->values[at] = old.values[i];
    }
  }
  u32 at = map_slot(map, key);
  if (!map->keys[at]) {
    map->keys[at] = key;
    map->count++;
  }
  map->values[at] = value;
}

void bug_at(const char *file, int line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "deed: internal error at %s:%d: ", file, line);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(70);
}
