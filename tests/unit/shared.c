// vm/shared.c, freeze.c, address_map.c: what is large is copied once, is the same everywhere, and goes with its last holder.
#include <stdlib.h>

#include "tests/unit/world.h"
#include "vm/copy.h"
#include "vm/message.h"

static u64 seed = 1;

static u32 draw(u32 below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (u32)(seed >> 33) % below;
}

// ---- Address maps ---------------------------------------------------------------------------------------------------

static bool is_even(void *context, const void *key, u64 value) { return value % 2 == 0; }

Test(address_map, agrees_with_a_model) {
  enum { KEYS = 500 };
  static u64 model[KEYS];  // 0: absent
  static char keys[KEYS * 8];
  AddressMap map = {0};
  for (u32 round = 0; round < 20000; round++) {
    u32 i = draw(KEYS);
    u64 value = 1 + draw(1000);
    cr_assert(address_put(&map, keys + i * 8, value));
    model[i] = value;
    if (round % 997 == 0) {
      address_filter(&map, is_even, NULL);
      for (u32 k = 0; k < KEYS; k++) model[k] = model[k] % 2 ? 0 : model[k];
    }
    if (round % 31) continue;
    u32 count = 0;
    for (u32 k = 0; k < KEYS; k++) {
      u64 *found = address_find(&map, keys + k * 8);
      cr_assert_eq(found ? *found : 0, model[k]);
      count += model[k] != 0;
    }
    cr_assert_eq(map.count, count);
  }
  address_clear(&map);
}

// ---- Helpers --------------------------------------------------------------------------------------------------------

// A message of one value that nobody has taken from its mailbox yet.
static Message *sent(World *w, Val v) {
  CopyBlock made;
  if (!copy_out_block(&w->worker, &v, 1, sizeof(Message), &made)) return NULL;
  Message *message = made.block;
  *message = (Message){.count = 1, .bytes = (u32)made.size, .counted = made.counted, .shared = made.shared, .begun = 1,
                       .payer = w->worker.account->bank};
  return message;
}

static bool is_shared(Val v) { return val_is_pointer(v) && header_flags(val_obj(v)->header) & OBJ_SHARED; }

static SharedBlock *block_at(Val v) { return shared_block(val_obj(v)); }

// A list of `count` pairs in register `to`; uses the two registers behind it.
static void make_list(World *w, u32 to, u32 count) {
  w->registers[to] = VAL_NIL;
  for (u32 i = 0; i < count; i++) {
    w->registers[to + 1] = val_from_small(i);
    make_tuple(w, to + 1, 2, (u32[]){to + 1, to + 1});
    make_cons(w, to, to + 1, to);
  }
}

static u32 list_length(Val list) {
  u32 length = 0;
  for (; list != VAL_NIL; list = cons_tail(list)) length++;
  return length;
}

static void make_text(World *w, u32 to, u32 bytes, char c) {
  char *text = malloc(bytes + 1);
  memset(text, c, bytes);
  w->registers[to] = make_bytes(w, KIND_STRING, text, bytes);
  free(text);
}

enum { LIST = 2 * SHARE_WORDS / 6 };  // pairs: more words than are copied

// ---- Freezing -------------------------------------------------------------------------------------------------------

Test(shared, what_is_small_is_copied) {
  World w;
  world_open(&w);
  make_list(&w, 0, 4);
  Message *message = sent(&w, w.registers[0]);
  cr_assert(!message->shared);
  cr_assert(!is_shared(message->args[0]));
  heap_free_message(&w.worker, message);
  world_close(&w);
}

Test(shared, the_second_send_finds_the_first_copy) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  Message *first = sent(&w, w.registers[0]);
  u64 copied = w.worker.copied;
  Message *second = sent(&w, w.registers[0]);
  cr_assert(is_shared(first->args[0]));
  cr_assert_eq(first->args[0], second->args[0]);
  cr_assert_eq(w.worker.copied, copied);
  cr_assert(val_equal(&w.worker, first->args[0], w.registers[0]));
  heap_walk(&w.worker, w.actor);
  heap_free_message(&w.worker, first);
  heap_free_message(&w.worker, second);
  world_close(&w);
}

Test(shared, a_collection_puts_it_in_the_originals_place) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  w.actor->fields[2] = w.registers[0];
  Message *young = sent(&w, w.registers[0]);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(w.registers[0], young->args[0]);
  cr_assert_eq(w.actor->fields[2], young->args[0]);
  cr_assert_leq(w.actor->heap->live_words, 3);  // a pair in a register of its own
  cr_assert_eq(w.actor->heap->shares->frozen.count, 0);
  make_list(&w, 1, LIST);
  cr_assert(heap_suspend(&w.worker));  // old when it is frozen
  Message *old = sent(&w, w.registers[1]);
  cr_assert(is_shared(old->args[0]));
  heap_walk(&w.worker, w.actor);
  gc_major(&w.worker, true);
  cr_assert_eq(w.registers[1], old->args[0]);
  heap_walk(&w.worker, w.actor);
  heap_free_message(&w.worker, young);
  heap_free_message(&w.worker, old);
  heap_walk(&w.worker, w.actor);
  world_close(&w);
}

Test(shared, a_block_goes_when_nothing_points_into_it) {
  World w;
  world_open(&w);
  u64 live = memory_live();
  make_list(&w, 0, LIST);
  heap_free_message(&w.worker, sent(&w, w.registers[0]));
  cr_assert(heap_suspend(&w.worker));
  cr_assert(is_shared(w.registers[0]));
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w.registers[i] = VAL_UNIT;
  gc_major(&w.worker, true);
  cr_assert_null(w.actor->heap->shares);
  cr_assert_leq(memory_live() - live, NURSERY_WORDS * 8 + NURSERY_WORDS / 2 * 8 + 256 * 1024);
  world_close(&w);
}

// ---- Blocks ---------------------------------------------------------------------------------------------------------

Test(shared, every_object_leads_to_its_block) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  for (u32 i = 0; i < 400; i++) {
    make_text(&w, 1, draw(8) ? draw(100) : draw(200000), (char)('a' + draw(26)));
    make_cons(&w, 0, 1, 0);
  }
  Message *message = sent(&w, w.registers[0]);
  SharedBlock *block = block_at(message->args[0]);
  shared_seal(block);
  for (Val v = message->args[0]; v != VAL_NIL; v = cons_tail(v)) {
    cr_assert_eq(block_at(v), block);
    cr_assert_eq(block_at(cons_head(v)), block);
  }
  cr_assert(val_equal(&w.worker, message->args[0], w.registers[0]));
  shared_check(block);
  heap_free_message(&w.worker, message);
  world_close(&w);
}

Test(shared, a_large_text_is_shared_too) {
  World w;
  world_open(&w);
  make_text(&w, 0, 1 << 20, 'x');
  w.actor->fields[2] = w.registers[0];
  Message *a = sent(&w, w.registers[0]), *b = sent(&w, w.registers[0]);
  cr_assert_eq(a->args[0], b->args[0]);
  cr_assert_leq(w.worker.copied, (1 << 20) + 100);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(w.registers[0], a->args[0]);
  cr_assert_eq(w.actor->fields[2], a->args[0]);
  cr_assert_null(w.actor->heap->large);
  make_text(&w, 1, 100000, 'y');
  cr_assert(heap_suspend(&w.worker));
  heap_free_message(&w.worker, sent(&w, w.registers[1]));  // an old large object
  heap_walk(&w.worker, w.actor);
  gc_major(&w.worker, true);
  cr_assert(is_shared(w.registers[1]));
  cr_assert_null(w.actor->heap->large);
  heap_free_message(&w.worker, a);
  heap_free_message(&w.worker, b);
  world_close(&w);
}

Test(shared, references_and_promises_inside) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  for (u32 i = 0; i < LIST; i++) {
    w.registers[1] = make_ref(&w);
    w.registers[2] = make_promise(&w);
    make_tuple(&w, 1, 2, (u32[]){1, 2});
    make_cons(&w, 0, 1, 0);
  }
  Message *message = sent(&w, w.registers[0]);
  Val pair = cons_head(message->args[0]);
  u64 weight = val_obj(val_obj(pair)->words[0])->words[REF_WEIGHT], all = w.other->weight;
  Message *one = sent(&w, pair);  // both are in the block: it is held
  cr_assert(one->shared);
  Chunk *chunk;
  Val parts[2] = {val_obj(pair)->words[0], val_obj(pair)->words[1]}, out[2];
  cr_assert(copy_out(&w.worker, parts, 2, out, &chunk, w.worker.account->bank, w.worker.account->bank));
  cr_assert_eq(out[0], parts[0]);
  chunk_free(&w.worker, chunk);
  Message *flat = message_new(&w.worker, MESSAGE_CALL, parts, 2);
  cr_assert(!is_shared(flat->args[0]) && !is_shared(flat->args[1]));
  cr_assert_eq(val_obj(flat->args[0])->words[REF_WEIGHT], WEIGHT_UNIT);
  cr_assert_eq(w.other->weight, all + WEIGHT_UNIT);  // minted: the one in the block isn't written
  cr_assert_eq(val_obj(parts[0])->words[REF_WEIGHT], weight);
  heap_free_message(&w.worker, message);
  heap_free_message(&w.worker, one);
  heap_free_message(&w.worker, flat);
  world_close(&w);
}

// ---- Blocks that point into older ones ------------------------------------------------------------------------------

Test(shared, parts_of_a_pair_are_found_again) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  w.registers[5] = val_from_small(5);
  make_tuple(&w, 6, 2, (u32[]){0, 5});
  Message *pair = sent(&w, w.registers[6]), *list = sent(&w, w.registers[0]);
  cr_assert_eq(val_obj(pair->args[0])->words[0], list->args[0]);
  make_tuple(&w, 7, 2, (u32[]){5, 0});
  Message *other = sent(&w, w.registers[7]);
  cr_assert(!is_shared(other->args[0]));
  cr_assert_eq(val_obj(other->args[0])->words[1], list->args[0]);
  heap_free_message(&w.worker, pair);
  heap_free_message(&w.worker, list);
  heap_free_message(&w.worker, other);
  world_close(&w);
}

Test(shared, a_younger_block_holds_the_older) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  Message *inner = sent(&w, w.registers[0]);
  SharedBlock *old = block_at(inner->args[0]);
  make_list(&w, 1, LIST / 2 + 2);
  for (u32 i = 0; i < 3; i++) make_cons(&w, 1, 0, 1);
  Message *outer = sent(&w, w.registers[1]);
  SharedBlock *new = block_at(outer->args[0]);
  cr_assert_neq(new, old);
  cr_assert_eq(new->older_count, 1);
  cr_assert_eq(cons_head(outer->args[0]), inner->args[0]);
  heap_free_message(&w.worker, inner);
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w.registers[i] = VAL_UNIT;
  cr_assert(heap_suspend(&w.worker));
  gc_major(&w.worker, true);
  cr_assert_eq(old->count, 1);
  cr_assert_eq(obj_kind(val_obj(cons_head(outer->args[0]))), KIND_CONS);
  heap_free_message(&w.worker, outer);
  world_close(&w);
}

// A message with a list whose first element, a list too, lies in an older block; nobody else holds either.
static Message *nested(World *w, SharedBlock **old) {
  make_list(w, 0, LIST);
  Message *inner = sent(w, w->registers[0]);
  make_list(w, 1, LIST);
  make_cons(w, 1, 0, 1);
  Message *outer = sent(w, w->registers[1]);
  *old = block_at(inner->args[0]);
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w->registers[i] = VAL_UNIT;
  cr_assert(heap_suspend(&w->worker));
  gc_major(&w->worker, true);
  heap_free_message(&w->worker, inner);
  cr_assert_eq((*old)->count, 1);
  cr_assert_eq(block_at(outer->args[0])->count, 1);
  return outer;
}

Test(shared, what_is_taken_out_of_a_younger_block_outlives_it) {
  World w;
  world_open(&w);
  SharedBlock *old;
  Message *message = nested(&w, &old);
  w.turn.message = message;
  w.turn.young_message = true;
  w.actor->fields[3] = cons_head(message->args[0]);
  cr_assert_eq(block_at(w.actor->fields[3]), old);
  cr_assert(heap_end_turn(&w.worker));
  heap_free_message(&w.worker, message);
  w.turn.message = NULL;
  heap_walk(&w.worker, w.actor);
  gc_major(&w.worker, false);
  heap_walk(&w.worker, w.actor);
  cr_assert_eq(w.actor->heap->shares->holds.count, 1);  // the younger one is gone
  cr_assert(shares_holds(w.actor->heap, old));
  cr_assert_eq(old->count, 1);
  cr_assert_eq(list_length(w.actor->fields[3]), LIST);
  gc_major(&w.worker, false);
  cr_assert_eq(old->count, 1);
  world_close(&w);
}

// Where the table can't grow, the younger block stays, and with it what is older.
Test(shared, what_cant_be_held_is_kept_by_what_holds_it) {
  enum { OTHERS = 5 };  // blocks, beside the younger one, until the table is full
  World w;
  world_open(&w);
  SharedBlock *old;
  Message *message = nested(&w, &old);
  Message *others[OTHERS];
  for (u32 i = 0; i < OTHERS; i++) {
    make_list(&w, 0, LIST);
    others[i] = sent(&w, w.registers[0]);
  }
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w.registers[i] = VAL_UNIT;
  cr_assert(heap_suspend(&w.worker));
  gc_major(&w.worker, true);
  Heap *heap = heap_get(&w.worker);
  cr_assert(shares_hold(&w.worker, heap, block_at(message->args[0])));
  w.actor->fields[3] = cons_head(message->args[0]);
  heap_free_message(&w.worker, message);
  for (u32 i = 0; i < OTHERS; i++) {
    cr_assert(shares_hold(&w.worker, heap, block_at(others[i]->args[0])));
    heap_free_message(&w.worker, others[i]);
  }
  cr_assert_eq(heap->shares->holds.count, OTHERS + 1);
  memory_fail_at(1);
  gc_major(&w.worker, false);
  memory_fail_at(0);
  cr_assert(!shares_holds(heap, old));
  cr_assert_eq(heap->shares->holds.count, OTHERS + 1);
  heap_walk(&w.worker, w.actor);
  cr_assert_eq(list_length(w.actor->fields[3]), LIST);
  gc_major(&w.worker, false);
  cr_assert(shares_holds(heap, old));
  cr_assert_eq(heap->shares->holds.count, 1);
  heap_walk(&w.worker, w.actor);
  world_close(&w);
}

// Eight lists of which one is replaced each time, and all are sent: old versions must not add up.
Test(shared, versions_do_not_add_up) {
  enum { PARTS = 8, FIRST = 10, ROUNDS = 400 };
  World w;
  world_open(&w);
  u32 parts[PARTS];
  for (u32 i = 0; i < PARTS; i++) make_list(&w, parts[i] = FIRST + i, LIST);
  u64 most = 0, before = memory_live(), version = (u64)PARTS * LIST * 6 * 8;
  for (u32 round = 0; round < ROUNDS; round++) {
    make_list(&w, FIRST + PARTS, LIST);
    w.registers[FIRST + round % PARTS] = w.registers[FIRST + PARTS];
    w.registers[FIRST + PARTS] = w.registers[FIRST + PARTS + 1] = VAL_UNIT;
    make_tuple(&w, 0, PARTS, parts);
    Message *message = sent(&w, w.registers[0]);
    heap_free_message(&w.worker, message);
    cr_assert(heap_suspend(&w.worker));
    heap_walk(&w.worker, w.actor);
    if (memory_live() > most) most = memory_live();
  }
  cr_assert_leq(most - before, 5 * version + 64 * 256);  // and what the blocks themselves take
  cr_assert_leq(w.worker.copied, 4 * ROUNDS * version / PARTS);
  world_close(&w);
}

// Each version adds to the one before: all of it lives, and is copied a bounded number of times.
Test(shared, growing_costs_what_was_added) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  enum { ROUNDS = 2000 };
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < LIST / 2; i++) {
      w.registers[1] = val_from_small(i);
      make_tuple(&w, 1, 2, (u32[]){1, 1});
      make_cons(&w, 0, 1, 0);
    }
    heap_free_message(&w.worker, sent(&w, w.registers[0]));
    cr_assert(heap_suspend(&w.worker));
  }
  u64 size = (u64)ROUNDS * (LIST / 2) * 6 * 8;
  cr_assert_leq(w.worker.copied, 8 * size);
  cr_assert_eq(list_length(w.registers[0]), ROUNDS * (LIST / 2));
  world_close(&w);
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

Test(shared, a_turn_that_crashes_gives_all_back) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  w.registers[1] = make_ref(&w);
  make_cons(&w, 0, 1, 0);
  Message *message = sent(&w, w.registers[0]);
  heap_abandon(&w.worker);
  Heap *heap = w.actor->heap;
  w.actor->heap = NULL;
  heap_free(&w.worker, heap);
  cr_assert(is_shared(message->args[0]));
  cr_assert_eq(block_at(message->args[0])->count, 1);
  heap_free_message(&w.worker, message);
  world_close(&w);
}

Test(shared, a_message_brings_it_and_state_keeps_it) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  Message *message = sent(&w, w.registers[0]);
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w.registers[i] = VAL_UNIT;
  cr_assert(heap_suspend(&w.worker));
  gc_major(&w.worker, true);
  cr_assert_eq(block_at(message->args[0])->count, 1);  // the sender has forgotten it
  w.turn.message = message;
  w.turn.young_message = true;
  w.actor->fields[3] = message->args[0];
  SharedBlock *block = block_at(w.actor->fields[3]);
  cr_assert(heap_end_turn(&w.worker));
  heap_free_message(&w.worker, w.turn.message);
  w.turn.message = NULL;
  heap_walk(&w.worker, w.actor);
  gc_major(&w.worker, false);
  cr_assert_eq(block->count, 1);
  cr_assert(shares_holds(w.actor->heap, block));
  w.actor->fields[3] = VAL_UNIT;
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_null(w.actor->heap);
  world_close(&w);
}

Test(shared, an_adopted_chunk_brings_its_blocks) {
  World w;
  world_open(&w);
  make_list(&w, 0, LIST);
  Chunk *chunk;
  Val out;
  cr_assert(copy_out_sent(&w.worker, w.registers, 1, &out, &chunk, w.worker.account->bank));
  cr_assert_eq(chunk->used, 2);
  for (u32 i = 0; i < WORLD_REGISTERS; i++) w.registers[i] = VAL_UNIT;
  cr_assert(heap_suspend(&w.worker));
  gc_major(&w.worker, true);
  cr_assert_eq(block_at(out)->count, 1);
  cr_assert(heap_adopt(&w.worker, chunk));
  w.registers[0] = out;
  heap_walk(&w.worker, w.actor);
  gc_major(&w.worker, true);
  heap_walk(&w.worker, w.actor);
  cr_assert_eq(block_at(out)->count, 1);
  world_close(&w);
}

// ---- When memory gives out ------------------------------------------------------------------------------------------

// Wherever memory runs out, a copy is whole or nothing, and all that was taken comes back.
Test(shared, every_allocation_may_fail) {
  for (u32 nth = 1;; nth++) {
    World w;
    world_open(&w);
    make_list(&w, 0, LIST);
    w.registers[3] = make_ref(&w);
    make_cons(&w, 0, 3, 0);
    make_list(&w, 4, LIST);
    make_cons(&w, 4, 0, 4);
    memory_fail_at(nth);
    Message *inner = sent(&w, w.registers[0]), *outer = sent(&w, w.registers[4]);
    bool suspended = heap_suspend(&w.worker);
    if (suspended) gc_major(&w.worker, true);
    Message *again = suspended ? sent(&w, w.registers[4]) : NULL;
    memory_fail_at(0);
    if (suspended) {
      heap_walk(&w.worker, w.actor);
      if (outer) cr_assert(val_equal(&w.worker, outer->args[0], w.registers[4]));
      if (again) cr_assert(val_equal(&w.worker, again->args[0], w.registers[4]));
      gc_major(&w.worker, true);
      heap_walk(&w.worker, w.actor);
    }
    bool all = inner && outer && again;
    if (inner) heap_free_message(&w.worker, inner);
    if (outer) heap_free_message(&w.worker, outer);
    if (again) heap_free_message(&w.worker, again);
    world_close(&w);
    if (all && nth > 60) break;
  }
}

// A major collection that gets no memory leaves originals where they are: they are still known.
Test(shared, a_failed_collection_forgets_nothing) {
  World w;
  world_open(&w);
  make_text(&w, 0, 100, 'a');  // moved first, in vain
  make_list(&w, 2, LIST);
  make_text(&w, 10, 100000, 'l');
  make_text(&w, 11, 100000, 'm');
  cr_assert(heap_suspend(&w.worker));
  for (u32 i = 2; i < 12; i++) {
    Message *message = i == 2 || i >= 10 ? sent(&w, w.registers[i]) : NULL;
    if (message) heap_free_message(&w.worker, message);
  }
  w.registers[11] = VAL_UNIT;
  cr_assert_eq(w.actor->heap->shares->frozen.count, 3);
  memory_fail_at(1);
  gc_major(&w.worker, true);
  memory_fail_at(0);
  heap_walk(&w.worker, w.actor);
  cr_assert_eq(w.actor->heap->shares->frozen.count, 2);
  cr_assert(!is_shared(w.registers[2]));
  u64 copied = w.worker.copied;
  heap_free_message(&w.worker, sent(&w, w.registers[2]));
  cr_assert_eq(w.worker.copied, copied);
  gc_major(&w.worker, true);
  heap_walk(&w.worker, w.actor);
  cr_assert(is_shared(w.registers[2]) && is_shared(w.registers[10]));
  world_close(&w);
}

// ---- Random graphs --------------------------------------------------------------------------------------------------

static u64 mix(u64 h, u64 x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 31;
}

// What a value is, independent of where it lies; lists are gone through in a loop.
static u64 hash_of(Val v) {
  u64 h = 1;
  for (; val_is_kind(v, KIND_CONS); v = cons_tail(v)) h = mix(h, hash_of(cons_head(v)));
  if (!val_is_pointer(v)) return mix(h, v);
  Obj *obj = val_obj(v);
  if (obj_kind(obj) == KIND_STRING) return mix(h, str_hash(obj_bytes(obj)));
  if (obj_kind(obj) == KIND_REF) return mix(h, 2);
  if (obj_kind(obj) == KIND_PROMISE) return mix(h, 3);
  Vals vals = obj_vals(obj, obj->header);
  for (u64 i = 0; i < vals.count; i++) h = mix(h, vals.raw && vals.raw[i] ? vals.words[i] : hash_of(vals.words[i]));
  return h;
}

enum { ROOTS = 8, BOX = 12 };

typedef struct Story {
  World *w;
  u64 hash[ROOTS];
  u32 size[ROOTS];  // objects, shared ones counted as often as met
  Message *box[BOX];
  u64 box_hash[BOX];
} Story;

static void build(Story *s, u32 to) {
  World *w = s->w;
  u32 a = draw(ROOTS), b = draw(ROOTS), scratch = ROOTS + 1;
  if (s->size[a] + s->size[b] > 60000) return;
  u32 size = s->size[a] + s->size[b] + 1;
  switch (draw(7)) {
    case 0: make_list(w, scratch, draw(2 * LIST)); w->registers[to] = w->registers[scratch]; size = 2 * LIST; break;
    case 1: make_text(w, to, draw(4) ? draw(300) : draw(30000), (char)('a' + draw(26))); size = 1; break;
    case 2: w->registers[to] = make_ref(w); size = 1; break;
    case 3: w->registers[to] = make_promise(w); size = 1; break;
    case 4: make_tuple(w, to, 2, (u32[]){a, b}); break;
    case 5: make_closure(w, to, 2, (u32[]){a, b}); break;
    default: make_cons(w, to, a, b); break;
  }
  s->size[to] = size;
  s->hash[to] = hash_of(w->registers[to]);
}

static void receive(Story *s, u32 slot) {
  World *w = s->w;
  cr_assert(heap_suspend(&w->worker));
  if (w->turn.message) heap_free_message(&w->worker, w->turn.message);
  w->turn.message = s->box[slot];
  w->turn.young_message = true;
  s->box[slot] = NULL;
  u32 to = draw(ROOTS);
  w->registers[to] = w->turn.message->args[0];
  s->hash[to] = s->box_hash[slot];
  s->size[to] = 10000;
}

static void send_or_take(Story *s) {
  u32 slot = draw(BOX), from = draw(ROOTS);
  if (!s->box[slot]) {
    s->box[slot] = sent(s->w, s->w->registers[from]);
    if (s->box[slot]) s->box_hash[slot] = s->hash[from];
  } else if (draw(2)) {
    receive(s, slot);
  } else {
    heap_free_message(&s->w->worker, s->box[slot]);
    s->box[slot] = NULL;
  }
}

static void story_check(Story *s) {
  for (u32 i = 0; i < ROOTS; i++) cr_assert_eq(hash_of(s->w->registers[i]), s->hash[i], "register %u changed", i);
  for (u32 i = 0; i < BOX; i++) {
    if (s->box[i]) cr_assert_eq(hash_of(s->box[i]->args[0]), s->box_hash[i], "message %u changed", i);
  }
  heap_walk(&s->w->worker, s->w->actor);
}

static void story_step(Story *s) {
  World *w = s->w;
  u32 i = draw(ROOTS);
  switch (draw(12)) {
    case 0: cr_assert(heap_suspend(&w->worker)); break;
    case 1: cr_assert(heap_suspend(&w->worker)); gc_major(&w->worker, true); break;
    case 2: w->registers[i] = VAL_NIL; s->hash[i] = hash_of(VAL_NIL); s->size[i] = 1; break;
    case 3: case 4: case 5: case 6: send_or_take(s); break;
    default: build(s, i); break;
  }
}

Test(shared, random_stories) {
  for (u32 run = 0; run < 40; run++) {
    World w;
    world_open(&w);
    Story s = {.w = &w};
    for (u32 i = 0; i < ROOTS; i++) {
      w.registers[i] = VAL_NIL;
      s.hash[i] = hash_of(VAL_NIL);
      s.size[i] = 1;
    }
    seed = run + 1;
    for (u32 step = 0; step < 150; step++) {
      story_step(&s);
      if (step % 10 == 0) story_check(&s);
    }
    story_check(&s);
    for (u32 i = 0; i < BOX; i++) {
      if (s.box[i]) heap_free_message(&w.worker, s.box[i]);
    }
    world_close(&w);
  }
}
