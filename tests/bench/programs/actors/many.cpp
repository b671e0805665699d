#include "bench.hpp"

using value_atom = atom_constant<atom("value")>;

struct Sum { long sum = 0, left = 0; };

behavior sum(stateful_actor<Sum> *self, long expected, actor to) {
  self->state.left = expected;
  return {[=](value_atom, long n) {
    self->state.sum += n;
    if (--self->state.left == 0) self->send(to, self->state.sum);
  }};
}

void sender(event_based_actor *self, actor to, long count) {
  for (long i = 0; i < count; i++) self->send(to, value_atom::value, i);
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long n = bench.number(0, 400000), senders = bench.number(1, 4);
  bench.timed([=](scoped_actor &self, actor_system &) {
    auto s = self->spawn(sum, n / senders * senders, actor_cast<actor>(self));
    for (long i = 0; i < senders; i++) self->spawn(sender, s, n / senders);
  });
}
