// Pseudo-random numbers: xoshiro256** by Blackman and Vigna (2018), seeded by Vigna's splitmix64, as published at prng.di.unimi.it.
// For the seeded scheduler and for the power Random; not for secrets.
#pragma once
#include "bytecode/base.h"

typedef struct Random {
  u64 state[4];
} Random;

static inline u64 random_split(u64 *x) {
  u64 z = *x += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static inline Random random_from(u64 seed) {
  Random random;
  for (int i = 0; i < 4; i++) random.state[i] = random_split(&seed);
  return random;
}

static inline u64 random_next(Random *random) {
  u64 *s = random->state, five = s[1] * 5, result = (five << 7 | five >> 57) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = s[3] << 45 | s[3] >> 19;
  return result;
}

// Below `bound` (not 0), each with the same chance: what would favour small numbers is drawn again.
static inline u64 random_below(Random *random, u64 bound) {
  u64 unfair = -bound % bound, drawn;
  do drawn = random_next(random);
  while (drawn < unfair);
  return drawn % bound;
}
