#include "bench.hpp"

#include <iostream>

using add_atom = atom_constant<atom("add")>;
using get_atom = atom_constant<atom("get")>;
using fill_atom = atom_constant<atom("fill")>;
using first_atom = atom_constant<atom("first")>;

struct Cell { long value = 0; };
struct Holder { std::vector<actor> cells; };

behavior cell(stateful_actor<Cell> *self, long n) {
  self->state.value = n;
  return {
    [self](add_atom, long k) { self->state.value += k; },
    [self](get_atom) { return self->state.value; },
  };
}

behavior holder(stateful_actor<Holder> *self) {
  return {
    [self](fill_atom, long n) {
      for (long i = 0; i < n; i++) self->state.cells.push_back(self->spawn(cell, i));
      return n;
    },
    [self](first_atom) {
      auto answer = self->make_response_promise<long>();
      if (self->state.cells.empty()) answer.deliver(0L);
      else self->request(self->state.cells.back(), infinite, get_atom::value).then([=](long n) mutable { answer.deliver(n); });
      return answer;
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv, Bench::sharing};
  long n = bench.number(0, 1000000), count = bench.number(1, 1);
  actor_system system{bench.config};
  scoped_actor self{system};
  std::vector<actor> holders;
  for (long i = 0; i < count; i++) holders.push_back(self->spawn(holder));
  auto sum_of = [&](auto ask) {
    long sum = 0;
    for (auto &h : holders) ask(h).receive([&](long k) { sum += k; }, [](error &) { std::abort(); });
    return sum;
  };
  long filled = sum_of([&](actor &h) { return self->request(h, infinite, fill_atom::value, n / count); });
  std::printf("ready %ld\n", filled);
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  std::printf("%ld\n", sum_of([&](actor &h) { return self->request(h, infinite, first_atom::value); }));
  Bench::end();
}
