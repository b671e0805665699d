#include <math.h>

#include "tests/bench/programs/bench.h"

static double entry(long i, long j) { return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1); }

static void multiply(long n, const double *v, double *into) {
  for (long i = 0; i < n; i++) {
    double sum = 0;
    for (long j = 0; j < n; j++) sum += entry(i, j) * v[j];
    into[i] = sum;
  }
}

static void multiply_transposed(long n, const double *v, double *into) {
  for (long i = 0; i < n; i++) {
    double sum = 0;
    for (long j = 0; j < n; j++) sum += entry(j, i) * v[j];
    into[i] = sum;
  }
}

int main(int argc, char **argv) {
  long n = size_of_work(argc, argv, 100);
  double start = now_us(), *u = malloc((size_t)n * 3 * sizeof *u), *v = u + n, *w = v + n, uv = 0, vv = 0;
  for (long i = 0; i < n; i++) u[i] = 1.0;
  for (int k = 0; k < 10; k++) {
    multiply(n, u, w);
    multiply_transposed(n, w, v);
    multiply(n, v, w);
    multiply_transposed(n, w, u);
  }
  for (long i = 0; i < n; i++) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("\"%.9f\"\n", sqrt(uv / vv));
  print_time(start);
  return 0;
}
