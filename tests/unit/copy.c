// vm/copy.c: exact copies, sharing kept, counts taken, sources untouched.
#include "tests/unit/world.h"

static Val copied(World *w, Val v, Chunk **chunk) {
  Val out;
  cr_assert(copy_out(&w->worker, &v, 1, &out, chunk, w->worker.account->bank, w->worker.account->bank));
  return out;
}

Test(copy, immediate_and_immortal_values_need_no_chunk) {
  World w;
  world_open(&w);
  Chunk *chunk, *constant_chunk;
  cr_assert_eq(copied(&w, VAL_TRUE, &chunk), VAL_TRUE);
  cr_assert_null(chunk);
  Val constant = copied(&w, make_string(&w, "constant"), &constant_chunk);
  chunk_make_immortal(constant_chunk);
  cr_assert_eq(copied(&w, constant, &chunk), constant);
  cr_assert_null(chunk);
  chunk_free(&w.worker, constant_chunk);
  world_close(&w);
}

Test(copy, sharing_is_kept) {
  World w;
  world_open(&w);
  w.registers[0] = make_string(&w, "leaf");
  for (u32 i = 0; i < 60; i++) make_tuple(&w, 0, 2, (u32[]){0, 0});  // 2^60 paths
  Chunk *chunk;
  Val out = copied(&w, w.registers[0], &chunk);
  cr_assert_eq(chunk->used, 60 * 3 + 2);
  for (u32 i = 0; i < 60; i++) {
    cr_assert_eq(val_obj(out)->words[0], val_obj(out)->words[1]);
    out = val_obj(out)->words[0];
  }
  cr_assert(str_eq(obj_bytes(val_obj(out)), STR("leaf")));
  cr_assert_neq(out, w.registers[0]);
  chunk_free(&w.worker, chunk);
  world_close(&w);
}

Test(copy, roots_share_too) {
  World w;
  world_open(&w);
  w.registers[0] = make_string(&w, "both");
  Val roots[3] = {w.registers[0], VAL_UNIT, w.registers[0]}, out[3];
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, roots, 3, out, &chunk, w.worker.account->bank, w.worker.account->bank));
  cr_assert_eq(out[0], out[2]);
  cr_assert_eq(out[1], VAL_UNIT);
  cr_assert_eq(chunk->used, 2);
  chunk_free(&w.worker, chunk);
  world_close(&w);
}

Test(copy, raw_fields_are_not_followed) {
  World w;
  world_open(&w);
  w.registers[0] = make_float(&w, 1.5);
  make_data(&w, 0, D_MIXED, 3, (u64[]){8, 0, 16});  // 8 and 16 look like pointers
  Chunk *chunk;
  Val out = copied(&w, w.registers[0], &chunk);
  cr_assert_eq(val_obj(out)->words[0], 8);
  cr_assert_eq(val_obj(out)->words[2], 16);
  cr_assert_eq(val_float(val_obj(out)->words[1]), 1.5);
  chunk_free(&w.worker, chunk);
  world_close(&w);
}

Test(copy, counts_are_taken_and_given_back) {
  World w;
  world_open(&w);
  w.registers[0] = make_ref(&w);
  w.registers[1] = make_promise(&w);
  make_closure(&w, 2, 2, (u32[]){0, 1});
  for (u32 i = 0; i < 100; i++) {  // the weight is used up on the way: new weight is minted
    Chunk *chunk;
    Val out = copied(&w, w.registers[2], &chunk);
    cr_assert(chunk->counted);
    Obj *ref = val_obj(closure_captures(val_obj(out))[0]);
    cr_assert_eq(ref_actor(ref), w.other);
    cr_assert_geq(ref->words[REF_WEIGHT], 1);
    cr_assert_geq(val_obj(w.registers[0])->words[REF_WEIGHT], 1);
    cr_assert_eq(w.promise->count, 3);
    chunk_free(&w.worker, chunk);
  }
  world_close(&w);
}

Test(copy, block_holds_header_roots_and_graph) {
  World w;
  world_open(&w);
  w.registers[0] = make_string(&w, "graph");
  Val roots[2] = {val_from_small(7), w.registers[0]};
  CopyBlock made;
  cr_assert(copy_out_block(&w.worker, roots, 2, 24, &made));
  cr_assert_eq(made.size, 24 + 16 + 16);
  cr_assert(!made.counted && !made.shared);
  Val *out = (Val *)((char *)made.block + 24);
  cr_assert_eq(out[0], val_from_small(7));
  cr_assert_eq(out[1], (Val)(out + 2));
  cr_assert(str_eq(obj_bytes(val_obj(out[1])), STR("graph")));
  bank_free(&w.worker, w.worker.account->bank, made.block, made.size);
  world_close(&w);
}

Test(copy, large_objects_travel_inline) {
  World w;
  world_open(&w);
  static char text[6000];
  memset(text, 'l', sizeof text);
  w.registers[0] = make_bytes(&w, KIND_STRING, text, sizeof text);
  make_cons(&w, 0, 0, 0);
  world_receive(&w, w.registers[0]);
  w.registers[0] = w.turn.message->args[0];
  Obj *inside = val_obj(cons_head(w.registers[0]));
  cr_assert_eq(header_flags(inside->header), 0);
  cr_assert(heap_suspend(&w.worker));
  Obj *settled = val_obj(cons_head(w.registers[0]));
  cr_assert_eq(header_flags(settled->header), OBJ_LARGE);
  cr_assert_eq(cons_head(w.registers[0]), cons_tail(w.registers[0]));
  cr_assert(str_eq(obj_bytes(settled), (Str){text, sizeof text}));
  world_close(&w);
}

// Wherever memory runs out, the source is as it was and no count was taken.
Test(copy, failing_changes_nothing) {
  World w;
  world_open(&w);
  w.registers[0] = VAL_NIL;
  for (u32 i = 0; i < 5000; i++) {
    w.registers[1] = i % 2 ? make_ref(&w) : make_string(&w, "item");
    make_cons(&w, 0, 1, 0);
  }
  u64 weight = w.other->weight;
  for (u32 nth = 1;; nth++) {
    Val out;
    Chunk *chunk;
    memory_fail_at(nth);
    bool done = copy_out(&w.worker, w.registers, 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank);
    memory_fail_at(0);
    heap_walk(&w.worker, w.actor);
    cr_assert(val_equal(&w.worker, w.registers[0], w.registers[0]));
    if (done) {
      cr_assert(val_equal(&w.worker, w.registers[0], out));
      chunk_free(&w.worker, chunk);
      break;
    }
    cr_assert_eq(w.other->weight, weight);
  }
  world_close(&w);
}
