#include "bench.hpp"

using done_atom = atom_constant<atom("done")>;

struct Join { long sum = 0, left = 0; };

long work(long n) { return n * n % 1000; }

void piece(event_based_actor *self, long n, actor to) { self->send(to, done_atom::value, work(n)); }

behavior forker(stateful_actor<Join> *self, long n, actor to) {
  self->state.left = n;
  for (long i = 0; i < n; i++) self->spawn(piece, i, actor_cast<actor>(self));
  return {[=](done_atom, long result) {
    self->state.sum += result;
    if (--self->state.left == 0) self->send(to, self->state.sum);
  }};
}

int main(int argc, char **argv) {
  Bench bench{argc, argv, Bench::sharing};
  long n = bench.number(0, 100000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(forker, n, actor_cast<actor>(self)); });
}
