#include "bench.hpp"

using next_atom = atom_constant<atom("next")>;

behavior adder(event_based_actor *) {
  return {[](next_atom, long n) { return n + 1; }};
}

void ask(event_based_actor *self, const actor &server, long i, long n, const actor &to) {
  if (i == n) {
    self->send(to, i);
    self->quit();
    return;
  }
  self->request(server, infinite, next_atom::value, i).then([=](long answer) { ask(self, server, answer, n, to); });
}

void client(event_based_actor *self, long n, actor to) { ask(self, self->spawn(adder), 0, n, to); }

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long n = bench.number(0, 500000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(client, n, actor_cast<actor>(self)); });
}
