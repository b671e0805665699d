#include "bench.hpp"

using meet_atom = atom_constant<atom("meet")>;
using ping_atom = atom_constant<atom("ping")>;
using pong_atom = atom_constant<atom("pong")>;
using pings_atom = atom_constant<atom("pings")>;
using finished_atom = atom_constant<atom("finished")>;

struct Node {
  std::vector<actor> peers;
  long x = 0, left = 0, got = 0;
};

void throw_ping(stateful_actor<Node> *self) {
  auto &state = self->state;
  state.left--;
  state.x = (state.x * 75 + 74) % 65537;
  self->send(state.peers[static_cast<size_t>(state.x) % state.peers.size()], ping_atom::value, actor_cast<actor>(self));
}

behavior node(stateful_actor<Node> *self, long id, long rounds, actor sink) {
  self->state.x = id + 1;
  self->state.left = rounds;
  return {
    [=](meet_atom, const std::vector<actor> &all) {
      self->state.peers = all;
      throw_ping(self);
    },
    [=](ping_atom, const actor &from) {
      self->state.got++;
      self->send(from, pong_atom::value);
    },
    [=](pong_atom) {
      if (self->state.left == 0) self->send(sink, finished_atom::value);
      else throw_ping(self);
    },
    [=](pings_atom) { self->send(sink, pings_atom::value, self->state.got * id); },
  };
}

struct Sink {
  std::vector<actor> nodes;
  size_t left = 0, open = 0;
  long sum = 0;
};

behavior sink(stateful_actor<Sink> *self, long n, long rounds, actor to) {
  auto &state = self->state;
  for (long id = 0; id < n; id++) state.nodes.push_back(self->spawn(node, id, rounds, actor_cast<actor>(self)));
  state.left = state.open = state.nodes.size();
  for (auto &each : state.nodes) self->send(each, meet_atom::value, state.nodes);
  return {
    [=](finished_atom) {
      if (--self->state.left == 0)
        for (auto &each : self->state.nodes) self->send(each, pings_atom::value);
    },
    [=](pings_atom, long weighed) {
      self->state.sum += weighed;
      if (--self->state.open == 0) self->send(to, self->state.sum);
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long n = bench.number(0, 120), rounds = bench.number(1, 2000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(sink, n, rounds, actor_cast<actor>(self)); });
}
