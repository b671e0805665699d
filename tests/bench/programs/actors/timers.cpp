#include "bench.hpp"

using never_atom = atom_constant<atom("never")>;
using fired_atom = atom_constant<atom("fired")>;

struct Timers { long left = 0, begin = 0, middle = 0; };

// A delayed message can't be called back.
behavior timers(stateful_actor<Timers> *self, long n, actor to) {
  auto &state = self->state;
  state.left = n;
  state.begin = Bench::now_us();
  for (long i = 0; i < n; i++) self->delayed_send(self, std::chrono::hours(1), never_atom::value);
  state.middle = Bench::now_us();
  for (long i = 0; i < n; i++) self->delayed_send(self, std::chrono::milliseconds(1), fired_atom::value);
  return {
    [](never_atom) {},
    [=](fired_atom) {
      if (--self->state.left == 0) self->send(to, self->state.middle - self->state.begin, Bench::now_us() - self->state.middle);
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long n = bench.number(0, 100000);
  actor_system system{bench.config};
  scoped_actor self{system};
  self->spawn(timers, n, actor_cast<actor>(self));
  self->receive([=](long set, long fire) { std::printf("(%ld, 0, %ld)\nset %ld\nfire %ld\n", n, n, set, fire); });
  Bench::end();
}
