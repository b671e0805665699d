#include <math.h>

#include "tests/bench/programs/bench.h"

enum { N = 5 };
static const double YEAR = 365.24, PI = 3.141592653589793;
static double x[3 * N] = {
  0, 0, 0, 4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 8.34336671824457987, 4.12479856412430479,
  -0.403523417114321381, 12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 15.3796971148509165,
  -25.9193146099879641, 0.179258772950371181};
static double v[3 * N] = {
  0, 0, 0, 0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, -0.00276742510726411,
  0.00499852801234917238, 0.0000230417297573763929, 0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556,
  0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870};
static double mass[N] = {1, 0.000954791938424326609, 0.000285885980666130812, 0.0000436624404335156298, 0.0000515138902046611451};

static void step(double dt) {
  for (int i = 0; i < N; i++) {
    double *xa = x + 3 * i, *va = v + 3 * i;
    for (int j = i + 1; j < N; j++) {
      double *xb = x + 3 * j, *vb = v + 3 * j;
      double dx = xa[0] - xb[0], dy = xa[1] - xb[1], dz = xa[2] - xb[2], d2 = dx * dx + dy * dy + dz * dz;
      double mag = dt / (d2 * sqrt(d2)), ma = mass[i] * mag, mb = mass[j] * mag;
      va[0] -= dx * mb, va[1] -= dy * mb, va[2] -= dz * mb;
      vb[0] += dx * ma, vb[1] += dy * ma, vb[2] += dz * ma;
    }
  }
  for (int k = 0; k < 3 * N; k++) x[k] += dt * v[k];
}

int main(int argc, char **argv) {
  long n = size_of_work(argc, argv, 1000);
  double start = now_us(), sum = 0;
  for (int k = 0; k < 3 * N; k++) v[k] *= YEAR;
  for (int i = 0; i < N; i++) mass[i] *= 4 * PI * PI;
  for (long i = 0; i < n; i++) step(0.01);
  for (int i = 0; i < N; i++) sum += x[3 * i];
  printf("\"%.6f\"\n", sum);
  print_time(start);
  return 0;
}
