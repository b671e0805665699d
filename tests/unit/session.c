// Sessions in vm/life.c: who hears of one that was dropped, and in which order. Listeners are native actors that note what they get.
#include <criterion/criterion.h>

#include "vm/gc.h"
#include "vm/sched.h"
#include "vm/storage.h"

enum { LISTENERS = 40, HOLDER_FIELDS = 8, HEARD_MOST = 100 };

static const VmOptions options = {.seeded = true, .seed = 1};
static const InterfaceDef start = {.name = {"Start", 5}, .unique = true};
static ClassHandler handlers[2] = {{.name = {"hello", 5}}, {.name = {"dropped", 7}}};
static u64 heard[HEARD_MOST];  // serials, in order
static u32 heard_count;

static bool listen(Worker *worker, Actor *actor, Message *message) {
  cr_assert_eq(message->slot, 1);
  heard[heard_count++] = actor->serial;
  return true;
}

static const Class listener = {.name = {"Listener", 8}, .handlers = handlers, .handler_count = 2, .dropped = 2, .step = listen};
static const Class deaf = {.name = {"Deaf", 4}, .handlers = handlers, .handler_count = 2, .step = listen};
static const u8 no_raw[HOLDER_FIELDS];
static const Class holder_class = {.name = {"Holder", 6}, .field_count = HOLDER_FIELDS, .raw_fields = no_raw};

typedef struct Place {
  Vm *vm;
  Worker *worker;
  Itable *itable;
  Actor *listeners[LISTENERS];
  u64 live;
} Place;

static void open(Place *p) {
  p->live = memory_live();
  p->vm = vm_new(&options);
  p->worker = p->vm->workers;
  p->itable = calloc(1, sizeof *p->itable + 2 * sizeof(u16));
  *p->itable = (Itable){.class = &listener, .interface = &start, .slot_count = 1, .unique = true};
  for (u32 i = 0; i < LISTENERS; i++) {
    p->listeners[i] = actor_native(p->worker, p->worker->vm->bank, &listener, 0);
    atomic_fetch_add(&p->listeners[i]->weight, 1);  // never unreachable
  }
  heard_count = 0;
}

static void close(Place *p) {
  for (u32 i = 0; i < LISTENERS; i++) {
    cr_assert_eq(atomic_load(&p->listeners[i]->weight), 1, "a session of listener %u is still there", i);
  }
  vm_free(p->vm);
  free(p->itable);
  cr_assert_eq(memory_live(), p->live, "%lld bytes are missing", (long long)(memory_live() - p->live));
}

static Val mint(Place *p, Actor *actor) {
  cr_assert(heap_reserve(p->worker, 4));
  Val session = session_mint(p->worker, actor, p->itable);
  cr_assert_neq(session, VAL_EMPTY);
  return session;
}

// An actor that holds one session of each listener named, in its heap.
static Actor *holder_of(Place *p, u32 count, const u32 *listeners) {
  Actor *actor = actor_make(p->worker, p->worker->vm->bank, &holder_class);
  cr_assert_not_null(actor);
  p->worker->actor = actor;
  for (u32 i = 0; i < count; i++) actor->fields[i] = mint(p, p->listeners[listeners[i]]);
  cr_assert(heap_end_turn(p->worker));
  heap_walk(p->worker, actor);
  p->worker->actor = NULL;
  return actor;
}

static void expect_heard(Place *p, u32 count, const u32 *listeners) {
  sched_run(p->worker);
  cr_assert_eq(heard_count, count, "%u heard of it", heard_count);
  for (u32 i = 0; i < count; i++) cr_assert_eq(heard[i], p->listeners[listeners[i]]->serial);
}

Test(session, drop_is_heard_once) {
  Place p;
  open(&p);
  Val session = mint(&p, p.listeners[3]);
  handle_drop(p.worker, val_obj(session));
  handle_drop(p.worker, val_obj(session));
  heap_abandon(p.worker);
  expect_heard(&p, 1, (u32[]){3});
  close(&p);
}

Test(session, sent_through_is_not_dropped) {
  Place p;
  open(&p);
  Val session = mint(&p, p.listeners[0]);
  session_spend(p.worker, val_obj(session));
  heap_abandon(p.worker);
  expect_heard(&p, 0, NULL);
  close(&p);
}

Test(session, class_without_a_handler_hears_nothing) {
  Place p;
  open(&p);
  Actor *actor = actor_native(p.worker, p.worker->vm->bank, &deaf, 0);
  u64 live = memory_live();
  Val session = mint(&p, actor);
  cr_assert_eq(memory_live() - live < sizeof(Message), true);
  handle_drop(p.worker, val_obj(session));
  session = mint(&p, actor);
  heap_abandon(p.worker);
  expect_heard(&p, 0, NULL);
  close(&p);
}

// Wherever they lay: in the heap, in the nursery of the turn, in messages that were not handled.
Test(session, killed_actor_drops_in_the_order_of_serials) {
  Place p;
  open(&p);
  Actor *actor = holder_of(&p, 5, (u32[]){20, 3, 11, 30, 7});
  p.worker->actor = actor;
  actor->state = ACTOR_RUNNING;
  atomic_store(&actor->inbox, 0);
  Val young[2] = {mint(&p, p.listeners[9]), mint(&p, p.listeners[2])};
  Message *message = message_new(p.worker, MESSAGE_CALL, &young[0], 1);
  cr_assert_not_null(message);
  p.worker->stats.sent++;
  cr_assert(actor_post(p.worker, actor, message));
  actor_end(p.worker, actor, EXIT_REASON_KILLED, STR(""));
  p.worker->actor = NULL;
  cr_assert_eq(p.worker->sched->ready_count, 7);
  // In line they stand in the order of being told, before the seed draws from them.
  static const u32 order[] = {2, 3, 7, 9, 11, 20, 30};
  for (u32 i = 0; i < 7; i++) cr_assert_eq(p.worker->sched->drawn_from[i], p.listeners[order[i]], "place %u", i);
  sched_run(p.worker);
  cr_assert_eq(heard_count, 7);
  close(&p);
}

Test(session, unhandled_message_is_a_drop) {
  Place p;
  open(&p);
  Val session = mint(&p, p.listeners[1]);
  Message *message = message_new(p.worker, MESSAGE_CALL, &session, 1);
  cr_assert_null(ref_actor(val_obj(session)));
  heap_abandon(p.worker);  // the sender has died meanwhile
  expect_heard(&p, 0, NULL);
  heap_free_message(p.worker, message);
  expect_heard(&p, 1, (u32[]){1});
  close(&p);
}

Test(session, unwanted_answer_is_a_drop) {
  Place p;
  open(&p);
  Promise *promise = promise_new(p.worker);
  promise_retain(promise);
  Val session = mint(&p, p.listeners[4]);
  cr_assert(promise_keep(p.worker, promise, session));
  promise_release(p.worker, promise);
  heap_abandon(p.worker);
  expect_heard(&p, 0, NULL);
  promise_release(p.worker, promise);
  expect_heard(&p, 1, (u32[]){4});
  close(&p);
}

Test(session, ended_actor_is_not_told) {
  Place p;
  open(&p);
  Val session = mint(&p, p.listeners[5]);
  actor_end(p.worker, p.listeners[5], EXIT_REASON_NORMAL, STR(""));
  VmStats before = p.worker->stats;
  handle_drop(p.worker, val_obj(session));
  cr_assert_eq(p.worker->stats.sent, before.sent);
  cr_assert_eq(p.worker->stats.dead_letters, before.dead_letters);
  heap_abandon(p.worker);
  expect_heard(&p, 0, NULL);
  close(&p);
}

// Nobody can tell an actor that was collected from one that idles on for ever: its sessions go unheard.
Test(session, collected_actor_tells_nobody) {
  Place p;
  open(&p);
  Actor *actor = holder_of(&p, 2, (u32[]){6, 8});
  actor_unreachable(p.worker, actor);
  life_reap(p.worker, 10);
  expect_heard(&p, 0, NULL);
  close(&p);
}

Test(session, minting_without_memory) {
  Place p;
  open(&p);
  cr_assert(heap_reserve(p.worker, 4));
  u64 *at = p.worker->at;
  Message *taken[4096];  // all that the pool gives before it asks for memory
  u32 count = 0;
  memory_fail_at(1);
  while (count < COUNT_OF(taken) && (taken[count] = message_new(p.worker, MESSAGE_CALL, NULL, 0))) count++;
  cr_assert_lt(count, COUNT_OF(taken));
  memory_fail_at(1);
  Val session = session_mint(p.worker, p.listeners[0], p.itable);
  memory_fail_at(0);
  cr_assert_eq(session, VAL_EMPTY);
  cr_assert_eq(p.worker->at, at);
  for (u32 i = 0; i < count; i++) message_recycle(p.worker, taken[i]);
  expect_heard(&p, 0, NULL);
  close(&p);
}
