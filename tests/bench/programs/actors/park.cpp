#include "bench.hpp"

using add_atom = atom_constant<atom("add")>;
using get_atom = atom_constant<atom("get")>;

struct Cell { long value = 0; };

behavior cell(stateful_actor<Cell> *self, long n) {
  self->state.value = n;
  return {
    [self](add_atom, long k) { self->state.value += k; },
    [self](get_atom) { return self->state.value; },
  };
}

behavior keeper(event_based_actor *self, long n, actor to) {
  auto cells = std::make_shared<std::vector<actor>>();
  for (long i = 0; i < n; i++) cells->push_back(self->spawn(cell, i));
  self->send(cells->back(), get_atom::value);
  return {[=](long value) { self->send(to, value + static_cast<long>(cells->size())); }};
}

int main(int argc, char **argv) {
  Bench bench{argc, argv, Bench::sharing};
  long n = bench.number(0, 200000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(keeper, n, actor_cast<actor>(self)); });
}
