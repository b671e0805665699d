// What workers hold together, in several threads at once: interface tables, shared blocks, storages. For ThreadSanitizer above all.
#include <pthread.h>

#include "tests/unit/world.h"
#include "vm/load.h"
#include "vm/message.h"
#include "vm/shared.h"
#include "vm/storage.h"

enum { THREADS = 4, ROUNDS = 2000 };

static void in_threads(void *(*act)(void *), void *contexts, size_t size) {
  pthread_t threads[THREADS];
  for (u32 i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, act, (char *)contexts + i * size);
  for (u32 i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

// ---- Interface tables -----------------------------------------------------------------------------------------------

enum { INTERFACES = 100 };

typedef struct Narrowing {
  const Itable *from;
  const InterfaceDef *to;             // INTERFACES of them
  const Itable *given[INTERFACES];
  bool same;
} Narrowing;

static void *narrow_all(void *context) {
  Narrowing *n = context;
  n->same = true;
  for (u32 round = 0; round < 20; round++) {
    for (u32 i = 0; i < INTERFACES; i++) {
      const Itable *itable = itable_narrow(n->from, &n->to[i]);
      if (round && itable != n->given[i]) n->same = false;
      n->given[i] = itable;
    }
  }
  memory_flush();
  return NULL;
}

Test(threads, narrowing_gives_all_the_same_table) {
  static Method both[2] = {{.name = {"a", 1}}, {.name = {"b", 1}}};
  static Class class = {.name = {"C", 1}};
  static InterfaceDef wide = {.name = {"W", 1}, .method_count = 2, .methods = both};
  static InterfaceDef narrow[INTERFACES];
  for (u32 age = 0; age < 3; age++) {  // what was given before the tables went must not be given again
    for (u32 i = 0; i < INTERFACES; i++) narrow[i] = (InterfaceDef){.name = {"N", 1}, .method_count = 1, .methods = &both[(i + age) % 2]};
    static Narrowing narrowings[THREADS];
    const Itable *from = itable_get(&class, &wide, (u32[]){7, 8});
    for (u32 i = 0; i < THREADS; i++) narrowings[i] = (Narrowing){.from = from, .to = narrow};
    in_threads(narrow_all, narrowings, sizeof narrowings[0]);
    for (u32 i = 0; i < THREADS; i++) {
      cr_assert(narrowings[i].same);
      for (u32 k = 0; k < INTERFACES; k++) cr_assert_eq(narrowings[i].given[k], narrowings[0].given[k]);
    }
    for (u32 k = 0; k < INTERFACES; k++) {
      const Itable *again = itable_narrow(from, &narrow[k]);
      cr_assert_eq(again, narrowings[0].given[k]);
      cr_assert_eq(again->slots[0], 7 + (k + age) % 2);
    }
    itables_free();
  }
}

// ---- Shared blocks --------------------------------------------------------------------------------------------------

typedef struct Receiver {
  Worker worker;
  Message *messages[ROUNDS];
  _Atomic u32 sent;
} Receiver;

// Gives back each message as soon as it has come.
static void *receive_all(void *context) {
  Receiver *receiver = context;
  for (u32 i = 0; i < ROUNDS; i++) {
    while (atomic_load_explicit(&receiver->sent, memory_order_acquire) <= i) {}
    heap_free_message(&receiver->worker, receiver->messages[i]);
  }
  pool_close(&receiver->worker.pool);
  memory_flush();
  return NULL;
}

static Message *sent(World *w, Val v) {
  CopyBlock made;
  cr_assert(copy_out_block(&w->worker, &v, 1, sizeof(Message), &made));
  Message *message = made.block;
  *message = (Message){.count = 1, .bytes = (u32)made.size, .counted = made.counted, .shared = made.shared, .begun = 1, .payer = w->bank};
  return message;
}

// One thread copies values, some of them large, and collects; four others give back what it has sent, and the last of them each block.
Test(threads, blocks_go_with_their_last_holder, .timeout = 60) {
  static World w;
  static Receiver receivers[THREADS];
  world_open(&w);
  pthread_t threads[THREADS];
  for (u32 i = 0; i < THREADS; i++) {
    receivers[i].worker.vm = w.worker.vm;
    receivers[i].worker.index = 1 + i;
    receivers[i].worker.account = &w.bank->accounts[1 + i];
    pthread_create(&threads[i], NULL, receive_all, &receivers[i]);
  }
  for (u32 round = 0; round < ROUNDS; round++) {
    if (round % 100 == 0) {
      w.registers[0] = VAL_NIL;
      for (u32 i = 0; i < SHARE_WORDS; i++) {
        w.registers[1] = val_from_small(i);
        make_cons(&w, 0, 1, 0);
      }
    }
    for (u32 i = 0; i < THREADS; i++) {
      receivers[i].messages[round] = sent(&w, w.registers[0]);
      atomic_store_explicit(&receivers[i].sent, round + 1, memory_order_release);
    }
  }
  for (u32 i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  w.registers[0] = w.registers[1] = VAL_UNIT;
  world_close(&w);
}

// ---- Storages -------------------------------------------------------------------------------------------------------

static void *hold_storage(void *context) {
  Storage *storage = *(Storage **)context;
  u64 sum = 0;
  for (u32 i = 0; i < ROUNDS; i++) {
    storage_retain(storage);
    sum += ((u8 *)storage->data)[i % 64];
    storage_release(storage);
  }
  storage_release(storage);
  memory_flush();
  return (void *)sum;
}

Test(threads, the_last_holder_frees_a_storage) {
  static World w;
  world_open(&w);
  for (u32 round = 0; round < 20; round++) {
    Storage *storage = storage_new(&w.worker, STORAGE_BYTES, 64), *held[THREADS];
    account_give(w.worker.account, storage_bytes(storage));
    memset(storage->data, 1, 64);
    for (u32 i = 0; i < THREADS; i++) {
      storage_retain(storage);
      held[i] = storage;
    }
    storage_release(storage);
    in_threads(hold_storage, held, sizeof held[0]);
  }
  world_close(&w);
}
