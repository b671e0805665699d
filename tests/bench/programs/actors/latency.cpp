// Without neighbours only: an actor of CAF that does not end its turn keeps its thread, and the others wait.
#include "bench.hpp"

#include <algorithm>

using next_atom = atom_constant<atom("next")>;

behavior echo(event_based_actor *) {
  return {[](next_atom, long n) { return n + 1; }};
}

struct Client {
  std::vector<long> buckets = std::vector<long>(2048);
  long n = 0, wrong = 0, longest = 0, begin = 0, before = 0;
};

long now_ns() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A histogram: times up to 64 ns exactly, beyond that 32 steps for each power of two.

size_t bucket(long ns) {
  int power = ns >= 64 ? 58 - __builtin_clzl(static_cast<unsigned long>(ns)) : 0;
  return static_cast<size_t>(power * 32 + (ns >> power));
}

long upper(long b) { return b < 64 ? b : ((b % 32 + 33) << (b / 32 - 1)) - 1; }

long percentile(const Client &client, long in_1000) {
  long wanted = std::max((client.n * in_1000 + 999) / 1000, 1L), seen = 0;
  for (size_t b = 0; b < client.buckets.size(); b++)
    if ((seen += client.buckets[b]) >= wanted) return upper(static_cast<long>(b));
  return 0;
}

void ask(stateful_actor<Client> *self, const actor &server, long limit, const actor &to) {
  self->state.before = now_ns();
  self->request(server, infinite, next_atom::value, self->state.n).then([=](long answer) {
    auto &state = self->state;
    long now = now_ns(), ns = now - state.before;
    state.buckets[bucket(ns)]++;
    state.longest = std::max(state.longest, ns);
    if (answer != ++state.n) state.wrong++;
    if (now - state.begin < limit) return ask(self, server, limit, to);
    self->send(to, state.wrong, state.n, percentile(state, 500), percentile(state, 990), percentile(state, 999), state.longest);
    self->quit();
  });
}

void client(stateful_actor<Client> *self, long limit, actor to) {
  self->state.begin = now_ns();
  ask(self, self->spawn(echo), limit, to);
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  actor_system system{bench.config};
  scoped_actor self{system};
  self->spawn(client, bench.number(2, 1000) * 1000000L, actor_cast<actor>(self));
  self->receive([](long wrong, long n, long p50, long p99, long p999, long longest) {
    std::printf("%ld\nrequests %ld\np50 %ld\np99 %ld\np999 %ld\nmax %ld\nend\n", wrong, n, p50, p99, p999, longest);
  });
  Bench::end();
}
