// The VM's allocator: jemalloc with known sizes (malloc in sanitizer builds), with a count of live bytes and a hook
// that makes the n-th allocation fail. Everything of actors, heaps, messages and promises comes from here.
#pragma once
#include "bytecode/base.h"

void *memory_alloc(size_t size) MUST_CHECK;       // NULL when memory (or the node's limit) is out; not zeroed
void memory_free(void *block, size_t size);       // the same size; NULL is fine
// The same at an address that is a multiple of `alignment`, a power of two.
void *memory_alloc_aligned(size_t size, size_t alignment) MUST_CHECK;
void memory_free_aligned(void *block, size_t size, size_t alignment);
// The same of many bytes that are to grow in place, or move without being copied: a system call each time. `grown` may be less than `size`.
void *memory_map(size_t size) MUST_CHECK;
void *memory_remap(void *block, size_t size, size_t grown) MUST_CHECK;  // NULL: the block is as it was
void memory_unmap(void *block, size_t size);
void memory_unmap_end(void *block, size_t size, size_t kept);  // all but the first `kept` bytes
u64 memory_live(void);                            // bytes handed out and not returned
bool memory_is_short(void);                       // more than half of the limit is in use, or a failure is set
void memory_limit(u64 bytes);                     // 0: none. What the kernel counts is kept within it, too (resident.h)
void memory_fail_at(u64 nth);                     // for tests; 0: never
u64 memory_failures(void);                        // how many have failed for that
void memory_trim(bool alone);                     // about to sleep: gives back to the system what a burst left free. `alone`: nobody runs
void memory_purge(void);                          // gives back all that is free
void memory_flush(void);                          // a thread that ends or stands still adds its counts to the whole
bool memory_refuses(size_t size) MUST_CHECK;      // whether memory_alloc() would: for what is malloc'ed for a reason of its own

// What does not come from counts of ours: the allocator's statistics (of the whole process but for libgc's part, exact while no other
// thread allocates, blocks that it keeps for threads left out), and what the kernel says is resident. 0 if it can't be told.
typedef struct MemoryFigures {
  u64 allocated, resident;
} MemoryFigures;
MemoryFigures memory_figures(void);

// Doubles an array of memory_alloc'ed items (or makes it, from NULL and 0). An array that is `borrowed`, one on the C
// stack, say, is left alone. False when memory is out: the array is as it was.
bool memory_grow(void **items, u32 *capacity, size_t item_size, const void *borrowed) MUST_CHECK;
