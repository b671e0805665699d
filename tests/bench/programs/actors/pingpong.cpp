#include "bench.hpp"

using meet_atom = atom_constant<atom("meet")>;
using ball_atom = atom_constant<atom("ball")>;

struct Side { actor other; };

behavior side(stateful_actor<Side> *self, long last, actor score) {
  return {
    [=](meet_atom, const actor &other) { self->state.other = other; },
    [=](ball_atom, long count) {
      if (count == last) self->send(score, count);
      else self->send(self->state.other, ball_atom::value, count + 1);
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long rounds = bench.number(0, 100000);
  bench.timed([=](scoped_actor &self, actor_system &) {
    auto score = actor_cast<actor>(self);
    auto ping = self->spawn(side, 2 * rounds, score), pong = self->spawn(side, 2 * rounds, score);
    self->send(ping, meet_atom::value, pong);
    self->send(pong, meet_atom::value, ping);
    self->send(ping, ball_atom::value, 0L);
  });
}
