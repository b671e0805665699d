#include "bench.hpp"

using report_atom = atom_constant<atom("report")>;
using value_atom = atom_constant<atom("value")>;

struct Sum { long sum = 0, left = 0; };

behavior cell(event_based_actor *self, long n) {
  return {[=](report_atom, const actor &to) {
    self->send(to, value_atom::value, n);
    self->quit();
  }};
}

behavior sum(stateful_actor<Sum> *self, long expected, actor to) {
  self->state.left = expected;
  return {[=](value_atom, long n) {
    self->state.sum += n;
    if (--self->state.left == 0) self->send(to, self->state.sum);
  }};
}

behavior spawner(event_based_actor *self, long n, actor to) {
  auto s = self->spawn(sum, n, to);
  for (long i = 0; i < n; i++) self->send(self->spawn(cell, i), report_atom::value, s);
  return {};
}

int main(int argc, char **argv) {
  Bench bench{argc, argv, Bench::sharing};
  long n = bench.number(0, 200000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(spawner, n, actor_cast<actor>(self)); });
}
