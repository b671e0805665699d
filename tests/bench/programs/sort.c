#include "tests/bench/programs/bench.h"

static int by_value(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  long n = size_of_work(argc, argv, 10000), seed = 42, sum = 0;
  double start = now_us();
  long *a = malloc((size_t)n * sizeof *a);
  for (long i = 0; i < n; i++) a[i] = seed = (seed * 1103515245 + 12345) % 2147483648;
  qsort(a, (size_t)n, sizeof *a, by_value);
  for (long i = 0; i < n; i++) sum = (sum * 31 + a[i]) % 1000000007;
  printf("%ld\n", sum);
  print_time(start);
  return 0;
}
