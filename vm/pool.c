// Giving a worker's kept blocks back: see pool.h.
#include "vm/pool.h"

void pool_close(Pool *pool) {
  for (size_t i = 0; i <= POOL_BYTES / 8; i++) {
    for (struct PoolBlock *block = pool->free[i], *next; block; block = next) {
      next = block->next;
      memory_free(block, i * 8);
    }
    pool->free[i] = NULL;
  }
  pool->kept = 0;
}
