#include "tests/bench/programs/bench.h"

static long count(long n) {
  long *composite = calloc((size_t)n, sizeof *composite), found = 0;
  for (long i = 2; i < n; i++) {
    if (composite[i]) continue;
    found++;
    for (long k = i * i; k < n; k += i) composite[k] = 1;
  }
  free(composite);
  return found;
}

int main(int argc, char **argv) {
  long n = size_of_work(argc, argv, 100000);
  double start = now_us();
  printf("%ld\n", count(n));
  print_time(start);
  return 0;
}
