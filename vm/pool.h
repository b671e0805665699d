// Blocks of the sizes that come and go all the time: messages, actors, promises, turns. Each worker keeps freed ones in a list for
// each exact size, so a send and its receipt call no allocator. A block taken here may be freed by memory_free() and the other way
// round: sizes are exact, never rounded up.
//
// Sanitizer builds keep nothing, so that every use after a free is seen and every allocation may be made to fail.
#pragma once
#include "vm/memory.h"

enum {
  POOL_BYTES = 1024,       // the largest block kept
#if defined(DEED_MALLOC) || defined(DEED_NO_JEMALLOC)
  POOL_KEEP = 0,
#else
  POOL_KEEP = 8 << 20,     // bytes kept in all: what a slice that does nothing but spawn takes
#endif
  POOL_IDLE = 1 << 20,     // more than this is not worth keeping while nobody is ready
};

typedef struct Pool {
  size_t kept;  // bytes
  struct PoolBlock {
    struct PoolBlock *next;
  } *free[POOL_BYTES / 8 + 1];
} Pool;

// A block of `size` bytes, a multiple of 8, not zeroed, if one is kept; else NULL.
static inline void *pool_take(Pool *pool, size_t size) {
  if (UNLIKELY(size > POOL_BYTES)) return NULL;
  struct PoolBlock *block = pool->free[size / 8];
  if (UNLIKELY(!block)) return NULL;
  pool->free[size / 8] = block->next;
  pool->kept -= size;
  return block;
}

// The same from the allocator if need be; NULL when memory is out.
static inline void *pool_alloc(Pool *pool, size_t size) {
  void *block = pool_take(pool, size);
  return LIKELY(block != NULL) ? block : memory_alloc(size);
}

static inline void pool_free(Pool *pool, void *memory, size_t size) {
  if (UNLIKELY(size > POOL_BYTES || pool->kept + size > POOL_KEEP)) {
    memory_free(memory, size);
    return;
  }
  struct PoolBlock *block = memory;
  block->next = pool->free[size / 8];
  pool->free[size / 8] = block;
  pool->kept += size;
}

void pool_close(Pool *pool);  // gives everything back to the allocator
