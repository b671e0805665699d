// The world of world.h.
#include "tests/unit/world.h"

#include <stdlib.h>

#include "bytecode/module.h"
#include "vm/sched.h"
#include "vm/step.h"

// ---- Types ----------------------------------------------------------------------------------------------------------

static const u8 mixed_raw[] = {1, 0, 2}, range_raw[] = {1, 1}, bin_raw[] = {1, 0, 0, 0, 0}, id_raw[] = {1};

#define NAME(text) {text, sizeof(text) - 1}

static Desc descs[D_COUNT] = {
    [D_BOTH] = {.tag = 0, .field_count = 2, .ctor_count = 1, .type_name = NAME("Both"), .name = NAME("Both")},
    [D_MIXED] = {.field_count = 3, .ctor_count = 1, .type_name = NAME("Mixed"), .name = NAME("Mixed"), .raw = mixed_raw,
                 .any_raw = true},
    [D_NONE] = {.tag = 0, .ctor_count = 2, .type_name = NAME("Option"), .name = NAME("None")},
    [D_SOME] = {.tag = 1, .field_count = 1, .ctor_count = 2, .type_name = NAME("Option"), .name = NAME("Some")},
    [D_RANGE] = {.field_count = 2, .role = ROLE_RANGE, .type_name = NAME("Range"), .name = NAME("Range"), .raw = range_raw,
                 .any_raw = true},
    [D_TIP] = {.tag = 0, .role = ROLE_MAP, .opaque = true, .type_name = NAME("Map"), .name = NAME("Tip")},
    [D_BIN] = {.tag = 1, .field_count = 5, .role = ROLE_MAP, .opaque = true, .type_name = NAME("Map"), .name = NAME("Bin"),
               .raw = bin_raw, .any_raw = true},
    [D_SET] = {.field_count = 1, .role = ROLE_SET, .opaque = true, .type_name = NAME("Set"), .name = NAME("Set")},
    [D_ID] = {.field_count = 1, .opaque = true, .type_name = NAME("Id"), .name = NAME("Id"), .raw = id_raw, .any_raw = true},
};
static Desc *table[D_COUNT];
static const InterfaceDef counter = {.name = NAME("Counter")};
static const u8 raw_fields[WORLD_FIELDS] = {1, 1};
static u64 all_vals[WORLD_REGISTERS / 64 + 1];
static const u64 some_code[1];

static Actor *actor_new(const Class *class, u64 serial) {
  Actor *actor = calloc(1, sizeof *actor + (WORLD_FIELDS + 1) * 8);
  actor->class = class;
  actor->serial = serial;
  actor->weight = 1;  // never unreachable
  for (u32 i = WORLD_RAW_FIELDS; i < WORLD_FIELDS; i++) actor->fields[i] = VAL_UNIT;
  actor->fields[0] = 8;  // looks like a pointer
  return actor;
}

void world_open(World *w) {
  memset(w, 0, sizeof *w);
  for (u32 i = 1; i < D_COUNT; i++) {
    descs[i].id = i;
    table[i] = &descs[i];
  }
  desc_table = table;
  for (u32 i = 0; i < WORLD_REGISTERS; i++) all_vals[i / 64] |= (u64)1 << i % 64;
  w->class = (Class){.name = STR("Tally"), .field_count = WORLD_FIELDS, .raw_fields = raw_fields};
  w->code = (Code){.words = some_code, .frame_words = WORLD_REGISTERS + FRAME_HEADER, .register_count = WORLD_REGISTERS,
                   .val_map = all_vals};
  w->actor = actor_new(&w->class, 1);
  w->other = actor_new(&w->class, 2);
  w->itable = calloc(1, sizeof *w->itable);
  w->itable->class = &w->class;
  w->itable->interface = &counter;
  w->turn = (Turn){.phase = PHASE_HANDLER, .stack = w->stack, .stack_words = COUNT_OF(w->stack), .fp = FRAME_HEADER};
  w->registers = w->stack + FRAME_HEADER;
  w->registers[FRAME_CODE] = (u64)&w->code;
  w->registers[FRAME_PC] = (u64)turn_end_code;
  w->worker.actor = w->actor;
  w->worker.turn = &w->turn;
  w->worker.sched = calloc(1, sizeof *w->worker.sched);
  size_t bank_bytes = sizeof(Bank) + WORLD_WORKERS * sizeof(Account);
  w->bank = aligned_alloc(64, (bank_bytes + 63) / 64 * 64);
  *w->bank = (Bank){.limit = (u64)1 << 40, .account_count = WORLD_WORKERS};
  for (u32 i = 0; i < WORLD_WORKERS; i++) w->bank->accounts[i] = (Account){.bank = w->bank};
  w->worker.account = w->bank->accounts;
  w->live_before = memory_live();
  w->promise = promise_new(&w->worker);
}

void world_close(World *w) {
  Message *message = w->turn.message;
  heap_abandon(&w->worker);
  Heap *heap = w->actor->heap;
  w->actor->heap = NULL;
  heap_free(&w->worker, heap);
  if (message) heap_free_message(&w->worker, message);
  w->turn.message = NULL;
  heap_close(&w->worker);
  scratch_trim(&w->worker);
  cr_assert_eq(w->other->weight, 1, "weight %llu left", (unsigned long long)w->other->weight - 1);
  cr_assert_eq(w->promise->count, 1, "promise count %u left", w->promise->count - 1);
  promise_release(&w->worker, w->promise);
  holdings_close(&w->bank->holdings);
  i64 charged = (i64)w->bank->used;
  for (u32 i = 0; i < WORLD_WORKERS; i++) charged -= w->bank->accounts[i].left;
  cr_assert_eq(charged, 0, "%lld bytes are charged still", (long long)charged);
  free(w->bank);
  pool_close(&w->worker.pool);
  cr_assert_eq(memory_live(), w->live_before, "%lld bytes leaked", (long long)(memory_live() - w->live_before));
  free(w->worker.sched);
  free(w->actor);
  free(w->other);
  free(w->itable);
}

// ---- Builders -------------------------------------------------------------------------------------------------------

static void reserve(World *w, u32 words) { cr_assert(heap_reserve(&w->worker, words)); }

Val make_int(World *w, i64 n) {
  reserve(w, 2);
  return build_int(&w->worker, n);
}

Val make_word(World *w, Kind kind, i64 n) {
  reserve(w, 2);
  return build_word(&w->worker, kind, (u64)n);
}

Val make_float(World *w, double d) { return make_word(w, KIND_FLOAT, (i64)word_from_double(d)); }

Val make_bytes(World *w, Kind kind, const char *bytes, size_t length) {
  Obj *obj = heap_bytes(&w->worker, kind, length);
  cr_assert_not_null(obj);
  memcpy(obj->words, bytes, length);
  return obj_val(obj);
}

Val make_string(World *w, const char *text) { return make_bytes(w, KIND_STRING, text, strlen(text)); }

Val make_ref(World *w) {
  reserve(w, 4);
  Obj *obj = heap_take(&w->worker, 4);
  obj->header = OBJ_HEADER(KIND_REF, 0, 0);
  obj->words[REF_ACTOR] = (u64)w->other;
  obj->words[REF_ITABLE] = (u64)w->itable;
  obj->words[REF_WEIGHT] = 8;
  w->other->weight += 8;
  heap_note_counted(&w->worker, obj);
  return obj_val(obj);
}

Val make_promise(World *w) {
  reserve(w, 2);
  Obj *obj = heap_take(&w->worker, 2);
  obj->header = OBJ_HEADER(KIND_PROMISE, 0, 0);
  obj->words[0] = (u64)w->promise;
  promise_retain(w->promise);
  heap_note_counted(&w->worker, obj);
  return obj_val(obj);
}

void make_cons(World *w, u32 to, u32 head, u32 tail) {
  reserve(w, 3);
  w->registers[to] = build_cons(&w->worker, w->registers[head], w->registers[tail]);
}

void make_tuple(World *w, u32 to, u32 count, const u32 *items) {
  reserve(w, count + 1);
  Obj *obj = heap_take(&w->worker, count + 1);
  obj->header = OBJ_HEADER(KIND_TUPLE, count, 0);
  for (u32 i = 0; i < count; i++) obj->words[i] = w->registers[items[i]];
  w->registers[to] = obj_val(obj);
}

void make_data(World *w, u32 to, u32 desc, u32 count, const u64 *words) {
  reserve(w, count + 1);
  Obj *obj = heap_take(&w->worker, count + 1);
  obj->header = OBJ_HEADER(KIND_DATA, desc_of(desc)->tag, desc);
  const u8 *raw = desc_of(desc)->raw;
  for (u32 i = 0; i < count; i++) obj->words[i] = raw && raw[i] ? words[i] : w->registers[words[i]];
  w->registers[to] = obj_val(obj);
}

void make_closure(World *w, u32 to, u32 count, const u32 *captures) {
  reserve(w, count + 2);
  Obj *obj = heap_take(&w->worker, count + 2);
  obj->header = OBJ_HEADER(KIND_CLOSURE, count, 0);
  obj->words[0] = (u64)&w->code;
  for (u32 i = 0; i < count; i++) obj->words[i + 1] = w->registers[captures[i]];
  w->registers[to] = obj_val(obj);
}

static Val map_part(World *w, u32 from, u32 until, const u32 *keys, const u32 *values, bool spine) {
  if (from == until) return nullary(D_TIP);
  u32 middle = spine ? from : (from + until) / 2;
  Val left = map_part(w, from, middle, keys, values, spine), right = map_part(w, middle + 1, until, keys, values, spine);
  Obj *obj = heap_take(&w->worker, 6);
  obj->header = OBJ_HEADER(KIND_DATA, 1, D_BIN);
  obj->words[BIN_SIZE] = until - from;
  obj->words[BIN_KEY] = w->registers[keys[middle]];
  obj->words[BIN_VALUE] = w->registers[values[middle]];
  obj->words[BIN_LEFT] = left;
  obj->words[BIN_RIGHT] = right;
  return obj_val(obj);
}

void make_map(World *w, u32 to, u32 count, const u32 *keys, const u32 *values, bool spine) {
  reserve(w, 6 * count);
  w->registers[to] = map_part(w, 0, count, keys, values, spine);
}

void world_receive(World *w, Val value) {
  CopyBlock made;
  cr_assert(copy_out_block(&w->worker, &value, 1, sizeof(Message), &made));
  Message *message = made.block;
  memset(message, 0, sizeof *message);
  message->count = 1;
  message->bytes = (u32)made.size;
  message->begun = 1;
  message->payer = w->worker.account->bank;
  message->counted = made.counted;
  message->shared = made.shared;
  w->turn.message = message;
  w->turn.young_message = true;
}
