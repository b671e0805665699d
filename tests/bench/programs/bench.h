// What the benchmark programs share: the size from the command line, and timing of the work alone.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline long size_of_work(int argc, char **argv, long otherwise) { return argc > 1 ? atol(argv[1]) : otherwise; }

static inline double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline void print_time(double start) { printf("us %.0f\n", now_us() - start); }
