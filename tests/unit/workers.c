// The life of actors when several workers run them: vm/life.c, vm/watch.c, vm/mailbox.h. Native actors do at random what programs do: they
// send, hand references on, split and drop them, spawn, watch, give watching up, doom each other. Nothing may be freed twice or never.
// `make tsan` and `make asan` look closer.
#include <criterion/criterion.h>

#include "vm/copy.h"
#include "vm/sched.h"
#include "vm/storage.h"

enum { HELD = 6, WATCHED = 3, FIRST = 40, WORKERS = 4 };

typedef struct Node {
  u64 size;                // life.c's
  u64 random;
  u64 held[HELD][4];       // references to others, outside any heap; a header of 0: none
  Promise *watched[WATCHED];
} Node;

static const InterfaceDef peer = {.name = {"Peer", 4}};
static Itable *itable;
static _Atomic i64 budget;  // of actions: when it is used up, messages are received and that is all

static Node *node_of(Actor *actor) { return (Node *)actor->fields; }

static bool act(Worker *worker, Actor *actor, Message *message);
static void drop(Worker *worker, Actor *actor);
static ClassHandler handlers[] = {{.name = {"hello", 5}}};
static const Class class = {.name = {"Node", 4}, .handlers = handlers, .handler_count = 1, .step = act, .drop = drop};

static u32 draw(Node *node, u32 below) {
  node->random ^= node->random << 13;
  node->random ^= node->random >> 7;
  node->random ^= node->random << 17;
  return (u32)(node->random >> 20) % below;
}

static void let_go(Worker *worker, u64 *reference) {
  if (!reference[0]) return;
  Obj *obj = (Obj *)reference;
  reference[0] = 0;
  weight_return(worker, ref_actor(obj), obj->words[REF_WEIGHT]);
}

static void mint(u64 *to, Actor *actor) {
  atomic_fetch_add(&actor->weight, WEIGHT_UNIT);
  to[0] = REF_HEADER;
  Obj *obj = (Obj *)to;
  obj->words[REF_ACTOR] = (u64)actor;
  obj->words[REF_ITABLE] = (u64)itable;
  obj->words[REF_WEIGHT] = WEIGHT_UNIT;
}

static void drop(Worker *worker, Actor *actor) {
  Node *node = node_of(actor);
  for (u32 i = 0; i < HELD; i++) let_go(worker, node->held[i]);
  for (u32 i = 0; i < WATCHED; i++) {
    if (node->watched[i]) promise_release(worker, node->watched[i]);
    node->watched[i] = NULL;
  }
}

// Ready, with a first message, and a reference to it in `to`.
static Actor *spawn(Worker *worker, u64 random, u64 *to) {
  Message *message = message_new(worker, MESSAGE_CALL, NULL, 0);
  Actor *actor = actor_native(worker, worker->vm->bank, &class, sizeof(Node) / sizeof(u64) - 1);
  cr_assert(message && actor);
  Node *node = node_of(actor);
  *node = (Node){.size = node->size, .random = random | 1};
  mint(to, actor);
  actor_begin(worker, actor, message);
  return actor;
}

// A message with copies of up to three references.
static void send(Worker *worker, Node *node, Obj *to) {
  Val args[3];
  u32 count = 0;
  for (u32 i = 0; i < 3; i++) {
    u64 *reference = node->held[draw(node, HELD)];
    if (reference[0]) args[count++] = obj_val((Obj *)reference);
  }
  Message *message = message_new(worker, MESSAGE_CALL, args, count);
  cr_assert_not_null(message);
  Promise *promise = draw(node, 4) ? NULL : promise_new(worker);
  if (promise) promise_retain(promise);
  if (!actor_send(worker, to, 0, message, promise)) cr_assert(actor_refused(worker, ref_actor(to), message));
  if (promise) promise_release(worker, promise);
}

static void watch(Worker *worker, Node *node, u64 *reference) {
  Promise **place = &node->watched[draw(node, WATCHED)];
  if (*place) promise_release(worker, *place);
  *place = promise_new(worker);
  cr_assert_not_null(*place);
  promise_retain(*place);
  cr_assert(actor_watch(worker, obj_val((Obj *)reference), *place));
}

static void act_once(Worker *worker, Actor *actor) {
  Node *node = node_of(actor);
  u64 *reference = node->held[draw(node, HELD)], *other = node->held[draw(node, HELD)];
  u32 what = draw(node, 100);
  if (what < 50 && reference[0]) {
    send(worker, node, (Obj *)reference);
  } else if (what < 60) {
    let_go(worker, reference);
  } else if (what < 72) {
    let_go(worker, reference);
    spawn(worker, node->random * 0x9e3779b97f4a7c15u, reference);
  } else if (what < 80) {
    let_go(worker, reference);
    mint(reference, actor);
  } else if (what < 90 && reference[0]) {
    watch(worker, node, reference);
  } else if (what < 92 && reference[0]) {
    actor_doom(worker, ref_actor((Obj *)reference));
  } else if (what < 97 && reference[0] && !other[0]) {
    for (u32 i = 1; i < 4; i++) other[i] = reference[i];
    ((Obj *)other)->words[REF_WEIGHT] = weight_split((Obj *)reference);
    other[0] = REF_HEADER;
  }
}

// Keeps the references that came in the place of others.
static bool act(Worker *worker, Actor *actor, Message *message) {
  Node *node = node_of(actor);
  for (u32 i = 0; i < message->count; i++) {
    u64 *place = node->held[draw(node, HELD)];
    let_go(worker, place);
    Obj *from = val_obj(message->args[i]);
    place[0] = REF_HEADER;
    place[1] = from->words[0], place[2] = from->words[1];
    ((Obj *)place)->words[REF_WEIGHT] = weight_split(from);
  }
  u32 actions = 1 + draw(node, 5);  // more messages come of a message than one
  for (u32 i = 0; i < actions && atomic_fetch_sub(&budget, 1) > 0; i++) act_once(worker, actor);
  return true;
}

// Each knows two others to begin with.
static void populate(Worker *worker, u64 seed) {
  u64 references[FIRST][4] = {0};
  for (u32 i = 0; i < FIRST; i++) spawn(worker, (seed * FIRST + i) * 0x2545f4914f6cdd1du, references[i]);
  for (u32 i = 0; i < FIRST; i++) {
    Node *node = node_of(ref_actor((Obj *)references[i]));
    for (u32 k = 0; k < 2; k++) mint(node->held[k], ref_actor((Obj *)references[(i * 7 + k * 13 + 1) % FIRST]));
  }
  for (u32 i = 0; i < FIRST; i++) let_go(worker, references[i]);
}

// Nothing is loaded: one constructor stands for all that the VM knows by name.
static Desc anything;
static Desc *descs[] = {&anything};

static void run(u32 workers, i64 actions) {
  desc_table = descs;
  u64 live = memory_live();
  VmOptions options = {.workers = workers, .quantum = 50};
  Vm *vm = vm_new(&options);
  cr_assert_not_null(vm);
  itable = calloc(1, sizeof *itable + sizeof(u16));
  *itable = (Itable){.class = &class, .interface = &peer, .slot_count = 1};
  atomic_store(&budget, actions);
  for (u64 seed = 1; atomic_load(&budget) > 0; seed++) {  // they may die out before
    populate(vm->workers, seed);
    sched_run(vm->workers);
  }
  VmStats stats = vm_end(vm);
  desc_table = NULL;  // it would be freed
  cr_assert_eq(stats.sent, stats.received + stats.dropped, "%llu sent, %llu received, %llu dropped", (unsigned long long)stats.sent,
               (unsigned long long)stats.received, (unsigned long long)stats.dropped);
  cr_assert_eq(stats.spawned, stats.ended, "%llu spawned, %llu ended", (unsigned long long)stats.spawned, (unsigned long long)stats.ended);
  vm_free(vm);
  free(itable);
  cr_assert_eq(memory_live(), live, "%lld bytes are missing", (long long)(memory_live() - live));
}

Test(workers, one, .timeout = 60) { run(1, 200000); }
Test(workers, several, .timeout = 120) { run(WORKERS, 1000000); }
