// vm/heap.c, gc.c, release.c, walk.c: what is reachable survives, unchanged, wherever it is moved; everything else
// comes back.
#include "tests/unit/world.h"

#include <stdio.h>

// ---- A random program against a model -------------------------------------------------------------------------------

enum { SLOTS = WORLD_REGISTERS + WORLD_FIELDS, SIZE_MAX_TRACKED = 400 };

typedef struct Model {
  World *w;
  u64 hash[SLOTS];
  u32 size[SLOTS];  // nodes, shared ones counted as often as met
  u64 seed;
} Model;

static u32 draw(Model *m, u32 below) {
  m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
  return (u32)(m->seed >> 33) % below;
}

static u64 mix(u64 h, u64 x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 31;
}

// What a value is, independent of where it lies.
static u64 hash_of(Val v) {
  if (!val_is_pointer(v)) return mix(1, v);
  Obj *obj = val_obj(v);
  u64 h = mix(2, obj_kind(obj));
  switch (obj_kind(obj)) {
    case KIND_INT: case KIND_FLOAT: case KIND_DURATION: case KIND_TIME: case KIND_PROMISE: return mix(h, obj->words[0]);
    case KIND_STRING: case KIND_BYTES: return mix(h, str_hash(obj_bytes(obj)));
    case KIND_REF: return mix(h, (u64)ref_actor(obj));
    case KIND_CONS: return mix(mix(h, hash_of(obj->words[0])), hash_of(obj->words[1]));
    case KIND_TUPLE: for (u32 i = 0; i < header_aux(obj->header); i++) h = mix(h, hash_of(obj->words[i])); return h;
    case KIND_CLOSURE: for (u32 i = 0; i < header_aux(obj->header); i++) h = mix(h, hash_of(obj->words[i + 1])); return h;
    case KIND_DATA: {
      const Desc *desc = desc_of(header_info(obj->header));
      for (u32 i = 0; i < desc->field_count; i++) {
        h = mix(h, desc->any_raw && desc->raw[i] ? obj->words[i] : hash_of(obj->words[i]));
      }
      return h;
    }
    case KIND_BUF: case KIND_ARRAY: case KIND_BLOB:  // tests/unit/handle.c
    case KIND_SHARED: case KIND_NONE: case KIND_COUNT: break;
  }
  cr_assert(false, "bad kind");
  return 0;
}

static u64 *slot_of(Model *m, u32 slot) {
  return slot < WORLD_REGISTERS ? &m->w->registers[slot] : &m->w->actor->fields[slot - WORLD_REGISTERS];
}

static void put(Model *m, u32 to, Val v, u32 size) {
  *slot_of(m, to) = v;
  m->hash[to] = hash_of(v);
  m->size[to] = size;
}

static u32 small_register(Model *m) {
  for (;;) {
    u32 i = draw(m, WORLD_REGISTERS);
    if (m->size[i] < SIZE_MAX_TRACKED / 3) return i;
  }
}

static void build_some(Model *m, u32 to) {
  World *w = m->w;
  char text[6000];
  memset(text, 'a' + (int)draw(m, 26), sizeof text);
  switch (draw(m, 8)) {
    case 0: put(m, to, make_int(w, (i64)m->seed), 1); break;
    case 1: put(m, to, make_float(w, (double)m->seed), 1); break;
    case 2: put(m, to, make_bytes(w, KIND_STRING, text, draw(m, 40)), 1); break;
    case 3: put(m, to, make_bytes(w, KIND_BYTES, text, draw(m, 20) ? draw(m, 100) : draw(m, 6000)), 1); break;
    case 4: put(m, to, make_ref(w), 1); break;
    case 5: put(m, to, make_promise(w), 1); break;
    case 6: put(m, to, val_from_small((i64)draw(m, 1000)), 1); break;
    default: put(m, to, nullary(D_NONE), 1); break;
  }
}

static void build_compound(Model *m, u32 to) {
  World *w = m->w;
  u32 a = small_register(m), b = small_register(m), size = m->size[a] + m->size[b] + 1;
  switch (draw(m, 4)) {
    case 0: make_cons(w, to, a, b); break;
    case 1: make_tuple(w, to, 2, (u32[]){a, b}); break;
    case 2: make_closure(w, to, 2, (u32[]){a, b}); break;
    default:
      make_data(w, to, D_MIXED, 3, (u64[]){8, a, 16});
      size = m->size[a] + 1;
      break;
  }
  put(m, to, w->registers[to], size);
}

static void check_all(Model *m) {
  for (u32 i = 0; i < SLOTS; i++) {
    if (i >= WORLD_REGISTERS && i < WORLD_REGISTERS + WORLD_RAW_FIELDS) continue;
    cr_assert_eq(hash_of(*slot_of(m, i)), m->hash[i], "slot %u changed", i);
  }
  heap_walk(&m->w->worker, m->w->actor);
}

static void registers_clear(Model *m) {
  for (u32 i = 0; i < WORLD_REGISTERS; i++) put(m, i, VAL_UNIT, 1);
}

static void new_message(Model *m) {
  World *w = m->w;
  Message *old = w->turn.message;
  u32 from = draw(m, WORLD_REGISTERS);
  cr_assert(heap_suspend(&w->worker));
  if (old) heap_free_message(&w->worker, old);
  world_receive(w, w->registers[from]);
  put(m, 1, w->turn.message->args[0], m->size[from]);
}

static void random_program(u64 seed, u32 steps) {
  World w;
  world_open(&w);
  Model m = {.w = &w, .seed = seed};
  for (u32 i = 0; i < SLOTS; i++) {
    if (i < WORLD_REGISTERS || i >= WORLD_REGISTERS + WORLD_RAW_FIELDS) put(&m, i, VAL_UNIT, 1);
  }
  for (u32 step = 0; step < steps; step++) {
    u32 to = draw(&m, WORLD_REGISTERS), what = draw(&m, 100);
    if (what < 35) build_some(&m, to);
    else if (what < 75) build_compound(&m, to);
    else if (what < 83) put(&m, SLOTS - 1 - draw(&m, WORLD_FIELDS - WORLD_RAW_FIELDS), w.registers[to], m.size[to]);
    else if (what < 90) put(&m, to, VAL_UNIT, 1);
    else if (what < 96) cr_assert(heap_suspend(&w.worker));
    else if (what < 98) new_message(&m);
    else {
      registers_clear(&m);
      cr_assert(heap_end_turn(&w.worker));
      if (w.turn.message) heap_free_message(&w.worker, w.turn.message);
      w.turn.message = NULL;
    }
    if (step % 16 == 0) check_all(&m);
  }
  check_all(&m);
  world_close(&w);
}

Test(heap, random_graphs_survive) {
  for (u64 seed = 1; seed <= 30; seed++) random_program(seed, 2000);
}

// ---- One thing at a time --------------------------------------------------------------------------------------------

Test(heap, long_list_survives_many_collections) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  enum { LENGTH = 100000 };
  for (i64 i = 0; i < LENGTH; i++) {
    w.registers[1] = make_int(&w, INT64_MAX - i);
    make_cons(&w, 0, 1, 0);
  }
  cr_assert_gt(w.worker.collections, 5);
  i64 i = LENGTH;
  for (Val v = w.registers[0]; v != VAL_NIL; v = cons_tail(v)) cr_assert_eq(val_int(cons_head(v)), INT64_MAX - --i);
  cr_assert_eq(i, 0);
  world_close(&w);
}

Test(heap, actor_without_pointers_has_no_heap) {
  World w;
  world_open(&w);
  w.actor->fields[2] = make_string(&w, "kept");
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_not_null(w.actor->heap);
  cr_assert(str_eq(obj_bytes(val_obj(w.actor->fields[2])), STR("kept")));
  w.actor->fields[2] = VAL_NIL;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_null(w.actor->heap);
  world_close(&w);
}

Test(heap, garbage_of_turns_is_collected) {
  World w;
  world_open(&w);
  for (u32 i = 0; i < 10000; i++) {
    w.actor->fields[2] = make_int(&w, INT64_MAX - i);
    w.actor->fields[3] = make_string(&w, "something");
    cr_assert(heap_end_turn(&w.worker));
    cr_assert_lt(w.actor->heap->live_words, 200);
  }
  cr_assert_eq(val_int(w.actor->fields[2]), INT64_MAX - 9999);
  world_close(&w);
}

Test(heap, large_objects_are_marked_not_moved) {
  World w;
  world_open(&w);
  char text[20000];
  memset(text, 'x', sizeof text);
  w.actor->fields[2] = make_bytes(&w, KIND_STRING, text, sizeof text);
  Val large = w.actor->fields[2];
  cr_assert_eq(header_flags(val_obj(large)->header), OBJ_LARGE);
  cr_assert(heap_end_turn(&w.worker));
  for (u32 i = 0; i < 100; i++) {
    make_bytes(&w, KIND_STRING, text, sizeof text);
    w.registers[3] = make_string(&w, "small");
    cr_assert(heap_suspend(&w.worker));
    cr_assert_eq(w.actor->fields[2], large);
  }
  u64 live = memory_live();
  for (u32 i = 0; i < 10000; i++) make_bytes(&w, KIND_BYTES, text, sizeof text);  // 200 MB of garbage
  cr_assert_lt(memory_live(), live + 10 * 8 * NURSERY_WORDS * 8);
  cr_assert_eq(obj_bytes(val_obj(large)).ptr[19999], 'x');
  world_close(&w);
}

Test(heap, request_larger_than_the_nursery) {
  World w;
  world_open(&w);
  w.registers[5] = make_string(&w, "before");
  u32 cells = NURSERY_WORDS;
  cr_assert(heap_reserve(&w.worker, 3 * cells));
  Val list = VAL_NIL;
  for (u32 i = 0; i < cells; i++) list = build_cons(&w.worker, val_from_small(i), list);
  w.registers[0] = list;
  w.registers[1] = make_ref(&w);
  for (u32 i = 0; i < 3; i++) {
    w.registers[2] = make_string(&w, "after");
    cr_assert(heap_suspend(&w.worker));
    heap_walk(&w.worker, w.actor);
  }
  u32 i = cells;
  for (Val v = w.registers[0]; v != VAL_NIL; v = cons_tail(v)) cr_assert_eq(val_int(cons_head(v)), --i);
  cr_assert(str_eq(obj_bytes(val_obj(w.registers[5])), STR("before")));
  cr_assert(heap_reserve(&w.worker, 3 * cells));  // unused, and given up with the turn
  w.registers[0] = w.registers[1] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_null(w.actor->heap);
  world_close(&w);
}

Test(heap, message_is_used_in_place_and_taken_apart_once) {
  World w;
  world_open(&w);
  w.registers[0] = make_ref(&w);
  w.registers[1] = make_promise(&w);
  make_tuple(&w, 2, 2, (u32[]){0, 1});
  make_cons(&w, 2, 2, 2);
  world_receive(&w, w.registers[2]);
  memset(w.registers, 0, 3 * sizeof(Val));
  w.registers[4] = w.turn.message->args[0];
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(w.turn.message->counted, 0);
  cr_assert_not(w.turn.young_message);
  Val list = w.registers[4];
  cr_assert_eq(cons_head(list), cons_tail(list));
  cr_assert_eq(ref_actor(val_obj(val_obj(cons_head(list))->words[0])), w.other);
  world_close(&w);
}

Test(heap, dead_message_gives_back_its_counts) {
  World w;
  world_open(&w);
  w.registers[0] = make_ref(&w);
  world_receive(&w, w.registers[0]);
  w.registers[0] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_eq(w.other->weight, 1);
  world_close(&w);
}

Test(heap, guard_leaves_its_message_whole) {
  World w;
  world_open(&w);
  w.registers[0] = make_string(&w, "an argument");
  w.registers[1] = make_ref(&w);
  make_cons(&w, 0, 0, 1);
  world_receive(&w, w.registers[0]);
  memset(w.registers, 0, 2 * sizeof(Val));
  Val argument = w.turn.message->args[0];
  u64 before = hash_of(argument);
  w.turn.phase = PHASE_GUARD;
  w.registers[0] = argument;
  make_cons(&w, 1, 0, 0);
  for (u32 i = 0; i < 10; i++) {
    cr_assert(heap_suspend(&w.worker));
    cr_assert_eq(w.registers[0], argument);
    cr_assert_eq(hash_of(cons_tail(w.registers[1])), before);
  }
  memset(w.registers, 0, 2 * sizeof(Val));
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_eq(w.turn.message->counted, 1);
  cr_assert_eq(hash_of(argument), before);
  cr_assert_null(w.actor->heap);
  w.turn.phase = PHASE_HANDLER;
  world_close(&w);
}

Test(heap, native_step_is_never_collected) {
  World w;
  world_open(&w);
  w.class.step = (NativeStep)1;
  Val strings[1000];
  char text[100];
  for (u32 i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "%090u", i);
    strings[i] = make_string(&w, text);
    make_ref(&w);
    make_bytes(&w, KIND_BYTES, text, 90);
  }
  for (u32 i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "%090u", i);
    cr_assert(str_eq(obj_bytes(val_obj(strings[i])), str_from(text)));
  }
  cr_assert(heap_end_turn(&w.worker));
  w.class.step = NULL;
  world_close(&w);
}

Test(heap, adopted_chunk_becomes_the_actors) {
  World w;
  world_open(&w);
  char text[8000];
  memset(text, 'y', sizeof text);
  w.registers[0] = make_ref(&w);
  w.registers[1] = make_bytes(&w, KIND_STRING, text, sizeof text);
  make_tuple(&w, 2, 2, (u32[]){0, 1});
  Val out;
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, &w.registers[2], 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank));
  memset(w.registers, 0, 3 * sizeof(Val));
  cr_assert(heap_adopt(&w.worker, chunk));
  w.actor->fields[4] = out;
  u64 hash = hash_of(out);
  for (u32 i = 0; i < 1000; i++) {
    w.actor->fields[3] = make_string(&w, "churn");
    cr_assert(heap_end_turn(&w.worker));
  }
  cr_assert_eq(hash_of(w.actor->fields[4]), hash);
  world_close(&w);
}

// Each promise's value holds the promise before it: letting go of the last frees all, without deep C recursion.
Test(heap, long_chain_of_promises_is_freed) {
  World w;
  world_open(&w);
  w.registers[0] = make_promise(&w);
  for (u32 i = 0; i < 200000; i++) {
    Promise *promise = promise_new(&w.worker);
    cr_assert_not_null(promise);
    cr_assert(copy_out(&w.worker, &w.registers[0], 1, &promise->value, &promise->chunk, w.worker.account->bank, w.worker.account->bank));
    promise->state = PROMISE_KEPT;
    cr_assert(heap_reserve(&w.worker, 2));
    Obj *obj = heap_take(&w.worker, 2);
    obj->header = OBJ_HEADER(KIND_PROMISE, 0, 0);
    obj->words[0] = (u64)promise;
    heap_note_counted(&w.worker, obj);
    w.registers[0] = obj_val(obj);
  }
  w.registers[0] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_eq(w.promise->count, 1);
  world_close(&w);
}

Test(heap, immortal_objects_stay) {
  World w;
  world_open(&w);
  w.registers[0] = make_string(&w, "constant");
  Val constant;
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, &w.registers[0], 1, &constant, &chunk, w.worker.account->bank, w.worker.account->bank));
  chunk_make_immortal(chunk);
  w.actor->fields[2] = constant;
  w.registers[1] = constant;
  make_cons(&w, 1, 1, 1);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(cons_head(w.registers[1]), constant);
  w.registers[0] = w.registers[1] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_eq(w.actor->fields[2], constant);
  heap_abandon(&w.worker);
  chunk_free(&w.worker, chunk);
  w.actor->fields[2] = VAL_UNIT;
  world_close(&w);
}

// ---- Without memory -------------------------------------------------------------------------------------------------

// Fails gracefully wherever memory runs out. False once it did; then nothing may be left in the actor.
static bool hungry_program(World *w) {
  char text[5000];
  memset(text, 'z', sizeof text);
  for (u32 i = 0; i < 60; i++) {
    if (!heap_reserve(&w->worker, 9)) return false;
    Val ref = make_ref(w);
    Val cell = build_cons(&w->worker, ref, w->registers[0]);
    w->registers[0] = cell;
    Obj *large = heap_bytes(&w->worker, KIND_BYTES, sizeof text);
    if (!large) return false;
    memcpy(large->words, text, sizeof text);
    if (!heap_reserve(&w->worker, 3)) return false;
    w->actor->fields[2] = w->registers[0];
    if (i % 3 == 0 && !heap_suspend(&w->worker)) return false;
    if (i % 20 == 19) {
      memset(w->registers, 0, 2 * sizeof(Val));
      if (!heap_end_turn(&w->worker)) return false;
      w->registers[0] = w->actor->fields[2];
    }
    if (i == 30 && !heap_reserve(&w->worker, NURSERY_WORDS + 1)) return false;
    heap_walk(&w->worker, w->actor);
  }
  return true;
}

Test(heap, every_allocation_may_fail) {
  for (u32 nth = 1;; nth++) {
    World w;
    world_open(&w);
    w.registers[0] = VAL_NIL;
    memory_fail_at(nth);
    bool done = hungry_program(&w);
    memory_fail_at(0);
    heap_walk(&w.worker, w.actor);
    world_close(&w);
    if (done && nth > 300) break;
    cr_assert_lt(nth, 5000);
  }
}

// A major collection that gets no memory keeps what it did not move.
Test(heap, major_without_memory_loses_nothing) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  for (i64 i = 0; i < 20000; i++) {
    w.registers[1] = i % 7 ? make_int(&w, INT64_MAX - i) : make_ref(&w);
    make_cons(&w, 0, 1, 0);
  }
  cr_assert(heap_suspend(&w.worker));
  u64 limit = memory_live() + 100 * 1024;
  for (u32 round = 0; round < 5; round++) {
    memory_limit(limit);
    w.actor->heap->threshold = 0;
    cr_assert(heap_suspend(&w.worker));
    memory_limit(0);
    heap_walk(&w.worker, w.actor);
    i64 i = 20000;
    for (Val v = w.registers[0]; v != VAL_NIL; v = cons_tail(v)) {
      i--;
      if (i % 7) cr_assert_eq(val_int(cons_head(v)), INT64_MAX - i);
    }
    cr_assert_eq(i, 0);
  }
  w.actor->heap->threshold = 0;
  cr_assert(heap_suspend(&w.worker));
  world_close(&w);
}
