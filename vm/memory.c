// The VM's allocator: see memory.h and docs/memory.md.
//
// Sizes are known at both ends, so jemalloc never looks one up. Bytes are counted per thread and added to the whole in
// steps: an atomic addition at every allocation would cost a tenth of a spawn. Sanitizer builds use malloc, to see
// every block.
#include "vm/memory.h"

#include <stdatomic.h>
#include <time.h>

#include "vm/resident.h"

#if defined(DEED_MALLOC) || defined(DEED_NO_JEMALLOC)
#include <stdlib.h>
static void *block_alloc(size_t size) { return malloc(size ? size : 1); }
static void block_free(void *block, size_t size) {
  (void)size;
  free(block);
}
static void *aligned_block_alloc(size_t size, size_t alignment) {
  void *block;
  return posix_memalign(&block, alignment, size) ? NULL : block;
}
static void aligned_block_free(void *block, size_t size, size_t alignment) {
  (void)size, (void)alignment;
  free(block);
}
// Sanitizers look into what malloc gave alone.
static void *pages_map(size_t size) { return malloc(size); }
static void *pages_remap(void *block, size_t size, size_t grown) {
  (void)size;
  return realloc(block, grown);
}
static void pages_unmap(void *block, size_t size) {
  (void)size;
  free(block);
}
// Cutting it would copy it: it goes as a whole, with its last part.
static void pages_unmap_end(void *block, size_t size, size_t kept) {
  (void)size;
  if (!kept) free(block);
}
static void blocks_purge(void) {}
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
static u64 blocks_allocated(void) { return __sanitizer_get_current_allocated_bytes(); }
#else
#include <malloc.h>
static u64 blocks_allocated(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
#endif
#else
#include <jemalloc/jemalloc.h>
#include <sys/mman.h>
#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)
static void *block_alloc(size_t size) { return mallocx(size ? size : 1, 0); }
static void block_free(void *block, size_t size) { sdallocx(block, size ? size : 1, 0); }
static void *aligned_block_alloc(size_t size, size_t alignment) { return mallocx(size, MALLOCX_ALIGN(alignment)); }
static void aligned_block_free(void *block, size_t size, size_t alignment) { sdallocx(block, size, MALLOCX_ALIGN(alignment)); }
static void *pages_map(size_t size) {
  void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? NULL : block;
}
static void *pages_remap(void *block, size_t size, size_t grown) {
  void *moved = mremap(block, size, grown, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? NULL : moved;
}
static void pages_unmap(void *block, size_t size) { munmap(block, size); }
static void pages_unmap_end(void *block, size_t size, size_t kept) { munmap((char *)block + kept, size - kept); }
static void blocks_purge(void) {
  mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
  mallctl("arena." NAME_OF(MALLCTL_ARENAS_ALL) ".purge", NULL, NULL, NULL, 0);
}
static u64 statistic(const char *name) {
  size_t value = 0, size = sizeof value;
  return mallctl(name, &value, &size, NULL, 0) ? 0 : value;
}
static u64 blocks_allocated(void) {
  u64 epoch = 1;
  mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);  // they are gathered anew
  return statistic("stats.allocated") - statistic("stats.arenas." NAME_OF(MALLCTL_ARENAS_ALL) ".tcache_bytes");
}
#endif

enum {
  FLUSH_BYTES = 64 * 1024,   // a thread's own count goes to the whole when it passes this, up or down
  TRIM_BYTES = 4 << 20,      // so much must have been freed since the last peak to be worth a system call
  TRIM_PAUSE_MS = 100,       // between two trims while others run
};

static _Atomic i64 counted;             // bytes live, as far as threads have told
static _Atomic i64 peak;                // the most that was live since the last trim, seen at flushes
static _Thread_local i64 own;           // what this thread has not told yet
static _Atomic bool restricted;         // a limit or a failure is set: look closer
static _Atomic i64 limit;
static _Atomic i64 trimmed_ms;          // when the last trim was
static _Atomic u64 failing;             // allocations up to the one that fails
static _Atomic u64 failed;              // so many did

void memory_flush(void) {
  i64 live = atomic_fetch_add_explicit(&counted, own, memory_order_relaxed) + own;
  if (live > atomic_load_explicit(&peak, memory_order_relaxed)) atomic_store_explicit(&peak, live, memory_order_relaxed);
  i64 risen = own;
  own = 0;
  if (risen > 0) resident_risen((u64)risen);
}

void memory_purge(void) { blocks_purge(); }

void memory_trim(bool alone) {
  i64 live = (i64)memory_live();
  if (atomic_load_explicit(&peak, memory_order_relaxed) - live < TRIM_BYTES) return;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  i64 now = (i64)time.tv_sec * 1000 + time.tv_nsec / 1000000;
  if (!alone && now - atomic_load_explicit(&trimmed_ms, memory_order_relaxed) < TRIM_PAUSE_MS) return;
  atomic_store_explicit(&trimmed_ms, now, memory_order_relaxed);
  atomic_store_explicit(&peak, live, memory_order_relaxed);
  blocks_purge();
}

static void count(i64 bytes) {
  own += bytes;
  if (UNLIKELY(own > FLUSH_BYTES || own < -FLUSH_BYTES)) memory_flush();
}

static bool refused(size_t size) {
  if (atomic_load(&failing) && atomic_fetch_sub(&failing, 1) == 1) {
    atomic_fetch_add(&failed, 1);
    return true;
  }
  i64 most = atomic_load(&limit);
  return most && ((i64)size > most - (i64)memory_live() || resident_refuses(size));
}

static inline bool may_alloc(size_t size) {
  if (UNLIKELY(size > (size_t)1 << 46)) return false;
  return LIKELY(!atomic_load_explicit(&restricted, memory_order_relaxed)) || !refused(size);
}

bool memory_refuses(size_t size) { return !may_alloc(size); }

void *memory_alloc(size_t size) {
  if (UNLIKELY(!may_alloc(size))) return NULL;
  void *block = block_alloc(size);
  if (LIKELY(block != NULL)) count((i64)size);
  return block;
}

void memory_free(void *block, size_t size) {
  if (!block) return;
  block_free(block, size);
  count(-(i64)size);
}

void *memory_map(size_t size) {
  void *block = may_alloc(size) ? pages_map(size) : NULL;
  if (block) count((i64)size);
  return block;
}

void *memory_remap(void *block, size_t size, size_t grown) {
  void *moved = grown < size || may_alloc(grown - size) ? pages_remap(block, size, grown) : NULL;
  if (moved) count((i64)grown - (i64)size);
  return moved;
}

void memory_unmap(void *block, size_t size) {
  pages_unmap(block, size);
  count(-(i64)size);
}

void memory_unmap_end(void *block, size_t size, size_t kept) {
  pages_unmap_end(block, size, kept);
  count((i64)kept - (i64)size);
}

void *memory_alloc_aligned(size_t size, size_t alignment) {
  void *block = may_alloc(size) ? aligned_block_alloc(size, alignment) : NULL;
  if (block) count((i64)size);
  return block;
}

void memory_free_aligned(void *block, size_t size, size_t alignment) {
  if (!block) return;
  aligned_block_free(block, size, alignment);
  count(-(i64)size);
}

u64 memory_live(void) {
  i64 live = atomic_load_explicit(&counted, memory_order_relaxed) + own;
  return live < 0 ? 0 : (u64)live;
}

MemoryFigures memory_figures(void) { return (MemoryFigures){.allocated = blocks_allocated(), .resident = resident_bytes()}; }

bool memory_is_short(void) {
  if (LIKELY(!atomic_load_explicit(&restricted, memory_order_relaxed))) return false;
  i64 most = atomic_load_explicit(&limit, memory_order_relaxed);
  return atomic_load_explicit(&failing, memory_order_relaxed) || (most && (i64)memory_live() > most / 2);
}

void memory_limit(u64 bytes) {
  atomic_store(&limit, bytes > INT64_MAX ? INT64_MAX : (i64)bytes);
  resident_limit(bytes);
  atomic_store(&restricted, bytes != 0 || atomic_load(&failing) != 0);
}

void memory_fail_at(u64 nth) {
  atomic_store(&failing, nth);
  atomic_store(&restricted, nth != 0 || atomic_load(&limit) != 0);
}

u64 memory_failures(void) { return atomic_load(&failed); }

bool memory_grow(void **items, u32 *capacity, size_t item_size, const void *borrowed) {
  if (*capacity > UINT32_MAX / 2) return false;
  u32 grown = *capacity ? *capacity * 2 : 64;
  void *copy = memory_alloc(grown * item_size);
  if (!copy) return false;
  if (*capacity) memcpy(copy, *items, *capacity * item_size);
  if (*items != borrowed) memory_free(*items, *capacity * item_size);
  *items = copy;
  *capacity = grown;
  return true;
}
