// A lock of one byte, for what takes some tens of instructions: docs/workers.md, W4. Fair enough for that, and nothing waits in it
// longer than a thread that holds it may be off its core: who has spun a while lets others run.
#pragma once
#include <sched.h>
#include <stdatomic.h>

#include "bytecode/base.h"

typedef _Atomic u8 Spin;

static inline bool spin_try(Spin *spin) {
  return !atomic_load_explicit(spin, memory_order_relaxed) && !atomic_exchange_explicit(spin, 1, memory_order_acquire);
}

static inline void spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline void spin_lock(Spin *spin) {
  for (u32 tries = 0; UNLIKELY(atomic_exchange_explicit(spin, 1, memory_order_acquire)); ) {
    while (atomic_load_explicit(spin, memory_order_relaxed)) {
      if (++tries % 64) spin_pause();
      else sched_yield();
    }
  }
}

static inline void spin_unlock(Spin *spin) { atomic_store_explicit(spin, 0, memory_order_release); }
