// A counter that goes up with time, at a rate that nobody knows beforehand, and that costs next to nothing to read.
#pragma once
#include "bytecode/base.h"

#if defined(__x86_64__)
static inline u64 ticks(void) { return __builtin_ia32_rdtsc(); }
#elif defined(__aarch64__)
static inline u64 ticks(void) {
  u64 value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
}
#else
#include <time.h>
static inline u64 ticks(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}
#endif
