#include "bench.hpp"

using join_atom = atom_constant<atom("join")>;
using token_atom = atom_constant<atom("token")>;

struct Link { actor next; };

behavior link_of(stateful_actor<Link> *self, actor next, actor done) {
  self->state.next = next;
  return {
    [=](join_atom, const actor &n) { self->state.next = n; },
    [=](token_atom, long hops) {
      if (hops == 0) self->send(done, 0L);
      else self->send(self->state.next, token_atom::value, hops - 1);
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long hops = bench.number(0, 1000000);
  bench.timed([=](scoped_actor &self, actor_system &) {
    auto done = actor_cast<actor>(self);
    auto last = self->spawn(link_of, actor{}, done), first = last;
    for (int i = 1; i < 503; i++) first = self->spawn(link_of, first, done);
    self->send(last, join_atom::value, first);
    self->send(first, token_atom::value, hops);
  });
}
