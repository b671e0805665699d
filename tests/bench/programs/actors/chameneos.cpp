#include "bench.hpp"

using arrive_atom = atom_constant<atom("arrive")>;
using met_atom = atom_constant<atom("met")>;
using turned_atom = atom_constant<atom("turned")>;
using closed_atom = atom_constant<atom("closed")>;
using count_atom = atom_constant<atom("count")>;

enum Colour { blue, red, yellow };

int blend(int a, int b) {
  if (a == b) return a;
  if (a != blue && b != blue) return blue;
  return a != red && b != red ? red : yellow;
}

struct Creature {
  int colour = blue;
  long meetings = 0;
};

behavior creature(stateful_actor<Creature> *self, int colour, actor mall) {
  self->state.colour = colour;
  auto arrive = [=] { self->send(mall, arrive_atom::value, actor_cast<actor>(self), self->state.colour); };
  auto change = [=](int to) {
    self->state.colour = to;
    self->state.meetings++;
    arrive();
  };
  arrive();
  return {
    [=](met_atom, const actor &other, int theirs) {
      int both = blend(self->state.colour, theirs);
      self->send(other, turned_atom::value, both);
      change(both);
    },
    [=](turned_atom, int to) { change(to); },
    [=](closed_atom) {
      self->send(mall, count_atom::value, self->state.meetings);
      self->quit();
    },
  };
}

struct Place {
  actor waiting;
  long left = 0, away = 0, sum = 0;
};

behavior place(stateful_actor<Place> *self, long creatures, long meetings, actor to) {
  self->state.left = meetings;
  self->state.away = creatures;
  for (long i = 0; i < creatures; i++) self->spawn(creature, static_cast<int>(i % 3), actor_cast<actor>(self));
  return {
    [=](arrive_atom, const actor &who, int colour) {
      auto &state = self->state;
      if (state.left == 0) {
        self->send(who, closed_atom::value);
      } else if (!state.waiting) {
        state.waiting = who;
      } else {
        state.left--;
        self->send(state.waiting, met_atom::value, who, colour);
        state.waiting = actor{};
      }
    },
    [=](count_atom, long meetings) {
      self->state.sum += meetings;
      if (--self->state.away == 0) self->send(to, self->state.sum);
    },
  };
}

int main(int argc, char **argv) {
  Bench bench{argc, argv};
  long creatures = bench.number(0, 100), meetings = bench.number(1, 100000);
  bench.timed([=](scoped_actor &self, actor_system &) { self->spawn(place, creatures, meetings, actor_cast<actor>(self)); });
}
