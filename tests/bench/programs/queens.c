#include "tests/bench/programs/bench.h"

static long place(long row, long n, long *columns, long *falling, long *rising) {
  if (row == n) return 1;
  long found = 0;
  for (long c = 0; c < n; c++) {
    if (columns[c] + falling[row + c] + rising[row - c + n]) continue;
    columns[c] = falling[row + c] = rising[row - c + n] = 1;
    found += place(row + 1, n, columns, falling, rising);
    columns[c] = falling[row + c] = rising[row - c + n] = 0;
  }
  return found;
}

int main(int argc, char **argv) {
  long n = size_of_work(argc, argv, 8), *board = calloc((size_t)n * 5 + 1, sizeof *board);
  double start = now_us();
  printf("%ld\n", place(0, n, board, board + n, board + 3 * n));
  print_time(start);
  return 0;
}
