// A world of one actor for the tests of heaps and values: a worker, an actor with state, a turn with one frame,
// constructors, and somebody to refer to. What the collector asks of its neighbours (frames, weights, promises) has
// weak definitions in world.c, so that these tests can also be linked with the heap's own files alone.
#pragma once
#include <criterion/criterion.h>

#include "vm/engine.h"
#include "vm/life.h"
#include "vm/memory.h"

enum { WORLD_REGISTERS = 70, WORLD_FIELDS = 6, WORLD_RAW_FIELDS = 2, WORLD_WORKERS = 8 };  // accounts for so many

enum {
  D_BOTH = 1,  // Both(a, b)
  D_MIXED,     // Mixed(n: Int, v, x: Float)
  D_NONE,      // None, Some(value): one type
  D_SOME,
  D_RANGE,
  D_TIP,
  D_BIN,
  D_SET,
  D_ID,        // opaque Id(n)
  D_COUNT
};

typedef struct World {
  Worker worker;
  Turn turn;
  Class class;
  Code code;
  Actor *actor;
  Actor *other;      // what references lead to
  Promise *promise;  // what promise values lead to
  Itable *itable;
  u64 stack[WORLD_REGISTERS + 16];
  u64 *registers;    // all vals
  Bank *bank;        // what the actor's memory is charged to
  u64 live_before;   // memory_live() at the start
} World;

void world_open(World *w);
// Ends the actor and checks that every byte and every count came back, and every charge.
void world_close(World *w);

// Builders: reserve for themselves, so they may collect.
Val make_int(World *w, i64 n);
Val make_float(World *w, double d);
Val make_word(World *w, Kind kind, i64 n);
Val make_string(World *w, const char *text);
Val make_bytes(World *w, Kind kind, const char *bytes, size_t length);
Val make_ref(World *w);
Val make_promise(World *w);
// Of registers: the result goes to register `to`.
void make_cons(World *w, u32 to, u32 head, u32 tail);
void make_tuple(World *w, u32 to, u32 count, const u32 *items);
void make_data(World *w, u32 to, u32 desc, u32 count, const u64 *words);  // words of raw fields, registers of the others
void make_closure(World *w, u32 to, u32 count, const u32 *captures);
// A map of ascending pairs of registers: keys[i], values[i]; a spine to the right if `spine`, else balanced.
void make_map(World *w, u32 to, u32 count, const u32 *keys, const u32 *values, bool spine);

static inline Val nullary(u32 desc) {
  return VAL_CONST(desc, desc_of(desc)->tag);
}

// A message of one argument, copied from `value`, becomes the turn's.
void world_receive(World *w, Val value);
