#include "bench.hpp"

using meet_atom = atom_constant<atom("meet")>;
using take_atom = atom_constant<atom("take")>;
using Item = std::tuple<long, std::pair<long, long>, std::string>;

struct Side { actor other; };

// The vector is moved from message to message; a receiver that is not its only holder would copy it first.
behavior side(stateful_actor<Side> *self, actor score) {
  return {
    [=](meet_atom, const actor &other) { self->state.other = other; },
    [=](take_atom, std::vector<Item> &items, long left, long sum) {
      if (left == 0) {
        self->send(score, sum);
      } else {
        long first = std::get<0>(items[0]) + std::get<1>(items[0]).second;
        self->send(self->state.other, take_atom::value, std::move(items), left - 1, sum + first);
      }
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long times = bench.number(0, 1000);
  std::vector<Item> items;
  for (long i = 0; i < bench.number(1, 10000); i++) items.emplace_back(i, std::make_pair(i, i + 1), "item " + std::to_string(i));
  bench.timed([&](scoped_actor &self, actor_system &) {
    auto score = actor_cast<actor>(self);
    auto a = self->spawn(side, score), b = self->spawn(side, score);
    self->send(a, meet_atom::value, b);
    self->send(b, meet_atom::value, a);
    self->send(a, take_atom::value, std::move(items), times, 0L);
  });
}
