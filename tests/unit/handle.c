// vm/storage.c, and what gc.c, copy.c, message.c, promise.c do with handles: what they own is moved, never copied and never lost.
#include "tests/unit/world.h"

#include <stdio.h>

#include "vm/fault.h"
#include "vm/gc.h"
#include "vm/message.h"
#include "vm/native_unique.h"

static Val make_buf(World *w, const char *text) {
  cr_assert(heap_reserve(&w->worker, 2));
  Storage *storage = storage_new(&w->worker, STORAGE_BYTES, strlen(text));
  cr_assert_not_null(storage);
  memcpy(storage->data, text, strlen(text));
  storage->len = strlen(text);
  return build_handle(&w->worker, KIND_BUF, storage);
}

// An array of so many vals, all of them (), in a register.
static void make_array(World *w, u32 to, u64 length) {
  cr_assert(heap_reserve(&w->worker, 2));
  Storage *storage = storage_new(&w->worker, STORAGE_VALS, length);
  cr_assert_not_null(storage);
  storage->len = length;
  for (u64 i = 0; i < length; i++) storage->data[i] = VAL_UNIT;
  w->registers[to] = build_handle(&w->worker, KIND_ARRAY, storage);
}

static Storage *storage_at(World *w, u32 reg) { return handle_storage(val_obj(w->registers[reg])); }

// A wide Int, which is an object, becomes element i of the array in a register.
static void put_number(World *w, u32 array, u64 i, i64 n) {
  Val v = make_int(w, INT64_MAX - n);
  array_put(&w->worker, val_obj(w->registers[array]), i, v);
}

static i64 number_at(World *w, u32 array, u64 i) { return INT64_MAX - val_int(storage_at(w, array)->data[i]); }

static u64 seed = 1;
static u64 draw(u64 below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % below;
}

// ---- Arrays of vals and the collector -------------------------------------------------------------------------------

Test(handle, old_array_keeps_young_elements) {
  World w;
  world_open(&w);
  make_array(&w, 0, 3);
  cr_assert(heap_suspend(&w.worker));
  put_number(&w, 0, 1, 7);
  heap_walk(&w.worker, w.actor);
  cr_assert_not_null(w.worker.written);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_null(w.worker.written);
  heap_walk(&w.worker, w.actor);
  cr_assert_eq(number_at(&w, 0, 1), 7);
  world_close(&w);
}

// The state's array alone keeps what a turn wrote into it.
Test(handle, end_of_a_turn_finds_what_was_written) {
  World w;
  world_open(&w);
  make_array(&w, 0, 5);
  w.actor->fields[3] = w.registers[0];
  w.registers[0] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  for (i64 turn = 0; turn < 2000; turn++) {
    w.registers[0] = w.actor->fields[3];
    cr_assert(heap_end_plain(&w.worker) || heap_end_turn(&w.worker));
    put_number(&w, 0, (u64)turn % 5, turn);
    w.registers[0] = VAL_EMPTY;
    cr_assert_not(heap_end_plain(&w.worker));
    cr_assert(heap_end_turn(&w.worker));
    heap_walk(&w.worker, w.actor);
  }
  w.registers[0] = w.actor->fields[3];
  for (u64 i = 0; i < 5; i++) cr_assert_eq(number_at(&w, 0, i), 1995 + (i64)i);
  cr_assert_lt(w.actor->heap->live_words, 300);
  world_close(&w);
}

// Random writes, growth, collections and turns against a model, arrays of many cards among them.
static void random_writes(u64 length) {
  World w;
  world_open(&w);
  i64 *model = calloc(2 * length, sizeof *model);
  make_array(&w, 0, length);
  for (u64 i = 0; i < length; i++) put_number(&w, 0, i, model[i] = 0);
  u64 count = length;
  for (u32 step = 0; step < 20000; step++) {
    u64 what = draw(1000), i = draw(count);
    if (what < 900) put_number(&w, 0, i, model[i] = (i64)draw(1000000));
    else if (what < 910 && count < 2 * length) {
      Val v = make_int(&w, INT64_MAX - (model[count] = (i64)step));
      cr_assert(storage_reserve(&w.worker, val_obj(w.registers[0]), STORAGE_VALS, count + 1));
      Storage *storage = storage_at(&w, 0);
      storage->data[storage->len++] = v;
      storage_wrote(&w.worker, val_obj(w.registers[0]), count, 1);
      count++;
    } else if (what < 920) {
      cr_assert(heap_suspend(&w.worker));
    } else if (what < 925) {
      w.actor->fields[2] = w.registers[0];
      w.registers[0] = VAL_EMPTY;
      cr_assert(heap_end_turn(&w.worker));
      w.registers[0] = w.actor->fields[2];
    } else if (what < 930) {
      heap_walk(&w.worker, w.actor);
    }
  }
  for (u64 i = 0; i < count; i++) cr_assert_eq(number_at(&w, 0, i), model[i], "element %llu", (unsigned long long)i);
  free(model);
  world_close(&w);
}

Test(handle, random_writes_survive) {
  static const u64 lengths[] = {1, 63, 64, 65, 1000, 4095, 4096, 4097, 10000};
  for (u32 i = 0; i < COUNT_OF(lengths); i++) random_writes(lengths[i]);
}

// What is written often costs no more than the cards that were touched.
Test(handle, written_array_is_scanned_by_cards) {
  World w;
  world_open(&w);
  make_array(&w, 0, 1 << 22);
  cr_assert(heap_suspend(&w.worker));
  put_number(&w, 0, 0, 1);
  put_number(&w, 0, (1 << 22) - 1, 2);
  u64 marked = 0;
  Storage *storage = storage_at(&w, 0);
  for (u64 i = 0; i <= storage->cap / CARD_WORD_ELEMENTS; i++) marked += (u64)__builtin_popcountll(storage_writes(storage)->cards[i]);
  cr_assert_eq(marked, 2);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(number_at(&w, 0, (1 << 22) - 1), 2);
  world_close(&w);
}

Test(handle, exchange_of_old_and_young) {
  World w;
  world_open(&w);
  make_array(&w, 0, 100);
  cr_assert(heap_suspend(&w.worker));
  make_array(&w, 1, 100);
  put_number(&w, 1, 99, 5);
  handles_exchange(&w.worker, val_obj(w.registers[0]), val_obj(w.registers[1]));
  heap_walk(&w.worker, w.actor);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(number_at(&w, 0, 99), 5);
  world_close(&w);
}

Test(handle, dropped_array_leaves_the_list) {
  World w;
  world_open(&w);
  for (u32 i = 0; i < 3; i++) make_array(&w, i, 10);
  cr_assert(heap_suspend(&w.worker));
  for (u32 i = 0; i < 3; i++) put_number(&w, i, 3, i);
  handle_drop(&w.worker, val_obj(w.registers[1]));
  handle_drop(&w.worker, val_obj(w.registers[1]));  // spent: nothing happens
  heap_walk(&w.worker, w.actor);
  handle_drop(&w.worker, val_obj(w.registers[2]));
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(number_at(&w, 0, 3), 0);
  handle_drop(&w.worker, val_obj(w.registers[0]));
  cr_assert_null(w.worker.written);
  world_close(&w);
}

// A major collection follows the elements, and so does one that runs out of memory.
Test(handle, major_collection_follows_elements) {
  World w;
  world_open(&w);
  enum { LENGTH = 3000 };
  make_array(&w, 0, LENGTH);
  for (i64 round = 0; round < 20; round++) {
    for (u64 i = 0; i < LENGTH; i++) put_number(&w, 0, i, round * LENGTH + (i64)i);
    u64 limit = round == 15 ? memory_live() + 20000 : 0;
    cr_assert(heap_suspend(&w.worker));
    memory_limit(limit);
    gc_major(&w.worker, true);
    memory_limit(0);
    heap_walk(&w.worker, w.actor);
    for (u64 i = 0; i < LENGTH; i++) cr_assert_eq(number_at(&w, 0, i), round * LENGTH + (i64)i);
  }
  gc_major(&w.worker, true);
  cr_assert_lt(w.actor->heap->live_words, 3 * LENGTH);
  world_close(&w);
}

// ---- Copying out ----------------------------------------------------------------------------------------------------

// (buf, [array, array's element], 7): the element is shared by the list and the array.
static void make_mixed(World *w, u32 to) {
  w->registers[10] = make_string(w, "shared");
  make_array(w, 11, 70);
  array_put(&w->worker, val_obj(w->registers[11]), 0, w->registers[10]);
  array_put(&w->worker, val_obj(w->registers[11]), 69, w->registers[10]);
  w->registers[12] = make_buf(w, "bytes of a buffer");
  make_tuple(w, to, 3, (u32[]){12, 11, 10});
  memset(w->registers + 10, 0, 3 * sizeof(Val));
}

static void expect_mixed(Val v, const Storage *bytes, const Storage *elements) {
  Obj *tuple = val_obj(v);
  cr_assert_eq(handle_storage(val_obj(tuple->words[0])), bytes);
  cr_assert_eq(handle_storage(val_obj(tuple->words[1])), elements);
  cr_assert_eq(elements->data[0], tuple->words[2]);
  cr_assert_eq(elements->data[69], tuple->words[2]);
  cr_assert_eq(elements->data[1], VAL_UNIT);
  cr_assert(str_eq(obj_bytes(val_obj(tuple->words[2])), STR("shared")));
}

Test(handle, copying_moves_what_is_owned) {
  World w;
  world_open(&w);
  make_mixed(&w, 0);
  Obj *tuple = val_obj(w.registers[0]), *buf = val_obj(tuple->words[0]), *array = val_obj(tuple->words[1]);
  Storage *bytes = handle_storage(buf), *elements = handle_storage(array);
  Val out;
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, &w.registers[0], 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank));
  cr_assert_null(handle_storage(buf));
  cr_assert_null(handle_storage(array));
  expect_mixed(out, bytes, elements);
  cr_assert(within(val_obj(elements->data[0]), chunk->words, chunk->used * 8));
  w.registers[0] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  expect_mixed(out, bytes, elements);
  chunk_free(&w.worker, chunk);
  world_close(&w);
}

// With marks on the array, which has been old for a while: they must not survive the move.
Test(handle, moved_array_leaves_the_list) {
  World w;
  world_open(&w);
  make_array(&w, 0, 10);
  cr_assert(heap_suspend(&w.worker));
  put_number(&w, 0, 5, 5);
  Val out;
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, &w.registers[0], 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank));
  cr_assert_null(w.worker.written);
  cr_assert(heap_suspend(&w.worker));
  chunk_free(&w.worker, chunk);
  world_close(&w);
}

static void expect_whole(World *w, const Storage *bytes, const Storage *elements) {
  expect_mixed(w->registers[0], bytes, elements);
  heap_walk(&w->worker, w->actor);
}

Test(handle, copy_without_memory_moves_nothing) {
  bool done = false;
  for (u32 nth = 1; !done; nth++) {
    World w;
    world_open(&w);
    make_mixed(&w, 0);
    Obj *tuple = val_obj(w.registers[0]);
    Storage *bytes = handle_storage(val_obj(tuple->words[0])), *elements = handle_storage(val_obj(tuple->words[1]));
    Val out;
    Chunk *chunk;
    memory_fail_at(nth);
    done = copy_out(&w.worker, &w.registers[0], 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank);
    memory_fail_at(0);
    if (done) {
      expect_mixed(out, bytes, elements);
      chunk_free(&w.worker, chunk);
      cr_assert_gt(nth, 2);
    } else {
      expect_whole(&w, bytes, elements);
    }
    world_close(&w);
  }
}

// ---- Messages -------------------------------------------------------------------------------------------------------

// A Buf, an array of numbers and Bytes with storage stay on the short way; an array of vals takes the long one.
Test(handle, messages_move_what_is_owned) {
  World w;
  world_open(&w);
  Val args[3];
  args[0] = w.registers[0] = make_buf(&w, "moved");
  cr_assert(heap_reserve(&w.worker, 2));
  Storage *numbers = storage_new(&w.worker, STORAGE_INT, 1);
  args[1] = w.registers[1] = build_handle(&w.worker, KIND_ARRAY, numbers);
  w.registers[2] = make_buf(&w, "frozen");
  cr_assert(heap_reserve(&w.worker, 4));
  args[2] = w.registers[3] = build_blob(&w.worker, val_obj(w.registers[2]));
  cr_assert(str_eq(obj_bytes(val_obj(args[2])), STR("frozen")));
  Message *message = message_new(&w.worker, MESSAGE_CALL, args, 3);
  cr_assert(message->counted & MESSAGE_OWNS);
  cr_assert_null(handle_storage(val_obj(args[0])));
  cr_assert_null(handle_storage(val_obj(args[1])));
  cr_assert_eq(handle_storage(val_obj(message->args[1])), numbers);
  cr_assert_eq(handle_storage(val_obj(args[2]))->count, 2);
  heap_walk(&w.worker, w.actor);
  heap_free_message(&w.worker, message);
  cr_assert_eq(handle_storage(val_obj(args[2]))->count, 1);
  make_array(&w, 4, 2);
  put_number(&w, 4, 0, 3);
  Storage *vals = storage_at(&w, 4);
  message = message_new(&w.worker, MESSAGE_CALL, &w.registers[4], 1);
  cr_assert_eq(handle_storage(val_obj(message->args[0])), vals);
  cr_assert(within(val_obj(vals->data[0]), message, message->bytes));
  heap_free_message(&w.worker, message);  // whose receiver has been killed
  world_close(&w);
}

// The receiver uses the array in place, then takes it to its heap.
Test(handle, received_array_is_scanned_whole) {
  World w;
  world_open(&w);
  make_array(&w, 0, 200);
  for (u64 i = 0; i < 200; i++) put_number(&w, 0, i, (i64)i);
  world_receive(&w, w.registers[0]);
  w.registers[0] = w.turn.message->args[0];
  heap_walk(&w.worker, w.actor);
  put_number(&w, 0, 100, 1000);
  cr_assert(heap_suspend(&w.worker));
  heap_walk(&w.worker, w.actor);
  for (u64 i = 0; i < 200; i++) cr_assert_eq(number_at(&w, 0, i), i == 100 ? 1000 : (i64)i);
  world_close(&w);
}

static void receive_array(World *w, bool guard) {
  w->registers[1] = make_string(w, "an element");
  make_array(w, 0, 3);
  array_put(&w->worker, val_obj(w->registers[0]), 1, w->registers[1]);
  world_receive(w, w->registers[0]);
  memset(w->registers, 0, 2 * sizeof(Val));
  if (guard) w->turn.phase = PHASE_GUARD;
  w->worker.in_guard = guard;
  w->registers[0] = w->turn.message->args[0];
}

Test(handle, guard_leaves_the_arrays_of_its_message) {
  World w;
  world_open(&w);
  receive_array(&w, true);
  Val element = storage_at(&w, 0)->data[1];
  for (u32 i = 0; i < 10; i++) {
    w.registers[1] = make_string(&w, "young");
    cr_assert(heap_suspend(&w.worker));
    gc_major(&w.worker, true);
    cr_assert_eq(storage_at(&w, 0)->data[1], element);
  }
  // An array of its own it may fill with what the message holds.
  make_array(&w, 2, 100);
  cr_assert(heap_suspend(&w.worker));
  array_put(&w.worker, val_obj(w.registers[2]), 0, element);
  put_number(&w, 2, 99, 5);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_eq(number_at(&w, 2, 99), 5);
  cr_assert_eq(storage_at(&w, 2)->data[0], element);
  handle_drop(&w.worker, val_obj(w.registers[2]));
  memset(w.registers, 0, 3 * sizeof(Val));
  cr_assert(heap_end_turn(&w.worker));
  cr_assert(str_eq(obj_bytes(val_obj(element)), STR("an element")));
  w.turn.phase = PHASE_HANDLER;
  w.worker.in_guard = false;
  world_close(&w);
}

Test(handle, guard_may_not_write_what_it_was_lent) {
  World w;
  world_open(&w);
  make_array(&w, 0, 3);
  w.actor->fields[3] = w.registers[0];
  cr_assert(heap_end_turn(&w.worker));
  receive_array(&w, true);
  w.registers[2] = w.actor->fields[3];
  array_put(&w.worker, val_obj(w.registers[2]), 0, storage_at(&w, 0)->data[1]);
  cr_assert(heap_suspend(&w.worker));
  cr_assert_not(heap_end_turn(&w.worker));
  cr_assert_eq(w.worker.fault, FAULT_CRASH);
  fault_clear(&w.worker);
  w.turn.phase = PHASE_HANDLER;
  w.worker.in_guard = false;
  w.actor->fields[3] = VAL_UNIT;
  world_close(&w);
}

// ---- Promises -------------------------------------------------------------------------------------------------------

static Val asked_handle(World *w, Promise *promise, ObjFlag flags) {
  cr_assert(heap_reserve(&w->worker, 2));
  Val v = promise_value(&w->worker, promise);
  val_obj(v)->header = header_with(val_obj(v)->header, flags);
  return v;
}

Test(handle, promise_values_are_adopted_or_moved) {
  for (u32 others = 0; others < 2; others++) {
    World w;
    world_open(&w);
    Promise *promise = promise_new(&w.worker);
    if (others) promise_retain(promise);
    promise_retain(promise);  // the resolver's
    make_mixed(&w, 0);
    Obj *tuple = val_obj(w.registers[0]);
    Storage *bytes = handle_storage(val_obj(tuple->words[0])), *elements = handle_storage(val_obj(tuple->words[1]));
    cr_assert(promise_keep(&w.worker, promise, w.registers[0]));
    cr_assert_null(handle_storage(val_obj(tuple->words[0])));
    promise_release(&w.worker, promise);
    w.registers[0] = VAL_EMPTY;
    cr_assert(promise_take(&w.worker, promise, &w.registers[0]));
    expect_whole(&w, bytes, elements);
    for (u32 i = 0; i < others; i++) promise_release(&w.worker, promise);
    promise_release(&w.worker, promise);
    expect_whole(&w, bytes, elements);
    world_close(&w);
  }
}

// Nobody asked any more, or the promise goes with its value in it.
Test(handle, unwanted_promise_value_goes) {
  World w;
  world_open(&w);
  Promise *promise = promise_new(&w.worker);
  promise_retain(promise);
  make_mixed(&w, 0);
  cr_assert(promise_keep(&w.worker, promise, w.registers[0]));
  promise_release(&w.worker, promise);
  promise_release(&w.worker, promise);
  world_close(&w);
}

// A handle of a promise of a unique value moves; one of any other is counted.
Test(handle, promise_handles_move_or_count) {
  World w;
  world_open(&w);
  for (u32 i = 0; i < 2; i++) {
    promise_retain(w.promise);
    w.registers[i] = asked_handle(&w, w.promise, i ? OBJ_UNIQUE : 0);
  }
  Message *message = message_new(&w.worker, MESSAGE_CALL, w.registers, 2);
  cr_assert_eq(w.promise->count, 1 + 3);
  cr_assert_eq(promise_of(val_obj(w.registers[0])), w.promise);
  cr_assert_null(promise_of(val_obj(w.registers[1])));
  heap_walk(&w.worker, w.actor);
  handle_drop(&w.worker, val_obj(message->args[1]));
  cr_assert_eq(w.promise->count, 1 + 2);
  heap_free_message(&w.worker, message);
  cr_assert_eq(w.promise->count, 1 + 1);
  world_close(&w);
}

// ---- Bytes with storage ---------------------------------------------------------------------------------------------

Test(handle, frozen_bytes_are_shared_and_collected) {
  World w;
  world_open(&w);
  enum { BYTES = 100000 };
  u64 live = memory_live();
  for (u32 i = 0; i < 20000; i++) {  // 2 GB of garbage
    cr_assert(heap_reserve(&w.worker, 2));
    Storage *storage = storage_new(&w.worker, STORAGE_BYTES, BYTES);
    cr_assert_not_null(storage);
    storage->len = BYTES;
    memset(storage->data, (int)i, 16);
    w.registers[0] = build_handle(&w.worker, KIND_BUF, storage);
    cr_assert(heap_reserve(&w.worker, 4));
    w.registers[1 + i % 8] = build_blob(&w.worker, val_obj(w.registers[0]));
    if (i % 50 == 0) cr_assert(heap_suspend(&w.worker));
    if (i % 500 == 0) heap_walk(&w.worker, w.actor);
  }
  cr_assert_lt(memory_live(), live + 3 * 8 * NURSERY_WORDS * 8 + 40 * BYTES, "%llu bytes", (unsigned long long)(memory_live() - live));
  Val out;
  Chunk *chunk;
  cr_assert(copy_out(&w.worker, &w.registers[1], 1, &out, &chunk, w.worker.account->bank, w.worker.account->bank));
  cr_assert_eq(obj_bytes(val_obj(out)).ptr, obj_bytes(val_obj(w.registers[1])).ptr);
  memset(w.registers, 0, 9 * sizeof(Val));
  cr_assert(heap_end_turn(&w.worker));
  cr_assert_eq(obj_bytes(val_obj(out)).ptr[0], (char)(20000 - 8));
  cr_assert(heap_adopt(&w.worker, chunk));
  cr_assert_gt(w.actor->heap->outside_words, BYTES / 8);
  w.actor->fields[2] = out;
  cr_assert(heap_end_turn(&w.worker));
  world_close(&w);
}

// Bytes that each turn puts in the place of the last turn's weigh on an actor that holds much besides.
Test(handle, frozen_bytes_in_state_are_collected) {
  World w;
  world_open(&w);
  enum { BYTES = 100000, CELLS = 20000 };
  w.registers[0] = VAL_NIL;
  w.registers[1] = val_from_small(1);
  for (u32 i = 0; i < CELLS; i++) make_cons(&w, 0, 1, 0);
  w.actor->fields[3] = w.registers[0];
  w.registers[0] = VAL_EMPTY;
  cr_assert(heap_end_turn(&w.worker));
  u64 live = memory_live();
  for (u32 turn = 0; turn < 3000; turn++) {
    cr_assert(heap_reserve(&w.worker, 6));
    Storage *storage = storage_new(&w.worker, STORAGE_BYTES, BYTES);
    cr_assert_not_null(storage);
    storage->len = BYTES;
    Val buf = build_handle(&w.worker, KIND_BUF, storage);
    w.actor->fields[2] = build_blob(&w.worker, val_obj(buf));
    cr_assert(heap_end_turn(&w.worker));
  }
  cr_assert_lt(memory_live(), live + 50 * BYTES);
  world_close(&w);
}

// ---- Without memory, and ends ---------------------------------------------------------------------------------------

static bool hungry(World *w) {
  Worker *worker = &w->worker;
  for (u32 i = 0; i < 40; i++) {
    if (!heap_reserve(worker, 8)) return false;
    Storage *storage = storage_new(worker, i % 2 ? STORAGE_BYTES : STORAGE_VALS, 100);
    if (!storage) return false;
    w->registers[i % 4] = build_handle(worker, i % 2 ? KIND_BUF : KIND_ARRAY, storage);
    w->actor->fields[2 + i % 4] = w->registers[i % 4];
    Val number = build_int(worker, INT64_MAX - i);
    Obj *array = val_obj(w->registers[i % 4 / 2 * 2]);
    if (!storage_reserve(worker, array, STORAGE_VALS, handle_length(array) + 1 + 30 * (i % 3))) return false;
    Storage *elements = handle_storage(array);
    elements->data[elements->len++] = number;
    storage_wrote(worker, array, elements->len - 1, 1);
    if (i % 3 == 0 && !heap_suspend(worker)) return false;
    if (i % 5 == 4) {
      Val out[4];
      Chunk *chunk;
      if (!copy_out(worker, &w->registers[0], 4, out, &chunk, worker->account->bank, worker->account->bank)) return false;
      chunk_free(worker, chunk);
      for (u32 k = 0; k < 4; k++) w->actor->fields[2 + k] = w->registers[k] = VAL_UNIT;
      w->registers[0] = w->registers[2] = VAL_EMPTY;
      if (!heap_reserve(worker, 4)) return false;
      w->registers[0] = w->actor->fields[2] = build_handle(worker, KIND_ARRAY, NULL);
      w->registers[2] = w->actor->fields[4] = build_handle(worker, KIND_ARRAY, NULL);
    }
    if (i == 25 && !heap_reserve(worker, NURSERY_WORDS + 1)) return false;
    heap_walk(worker, w->actor);
  }
  return true;
}

// world_close() sees to it that every byte came back, whether the actor died amid building or not.
Test(handle, every_allocation_may_fail) {
  bool done = false;
  for (u32 nth = 1; !done; nth++) {
    World w;
    world_open(&w);
    memory_fail_at(nth);
    done = hungry(&w);
    memory_fail_at(0);
    heap_walk(&w.worker, w.actor);
    world_close(&w);
    cr_assert_lt(nth, 5000);
  }
}
