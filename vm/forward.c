// Forwarders: see forward.h. And the natives that make them.
#include "vm/forward.h"

#include "vm/fault.h"
#include "vm/load.h"
#include "vm/message.h"
#include "vm/sched.h"

// Handlers of the class: retarget, which an Aim means, then the methods of the interface, in its order.
enum { SLOT_RETARGET, SLOT_METHODS };

typedef struct Forward {
  u64 size;              // life.c's
  Actor *target;         // (one WEIGHT_UNIT of it is held) NULL: never aimed
  const Itable *itable;  // how the target understands the methods
  Message *pending;      // a ring, of what it had kept and is to send on; only within a send
  Actor *below;          // on the stack of those that have some, or had
  u64 flushing;          // it stands there
} Forward;

static bool deliver(Worker *worker, Actor *actor, Message *message);
static void drop(Worker *worker, Actor *actor);

// A native actor for the collector's sake: its fields are no values. Its step never runs, for it is never ready.
static const Class forward_class = {.name = {"forwarder", 9}, .step = deliver, .deliver = deliver, .drop = drop};

// The table of references whose interface nobody knows yet: slot n means method n, whatever the interface turns out to be.
static u64 late_room[(sizeof(Itable) + LIMIT_METHODS * sizeof(u16)) / sizeof(u64) + 1];
static const Itable *const late_itable = (const Itable *)late_room;

void forward_prepare(void) {
  Itable *late = (Itable *)late_room;
  late->class = &forward_class;
  late->slot_count = LIMIT_METHODS;
  for (u32 i = 0; i < LIMIT_METHODS; i++) late->slots[i] = (u16)(SLOT_METHODS + i);
}

static bool is_forwarder(const Actor *actor) { return actor->class == &forward_class; }
// Of references to forwarders: it may be narrowed to an interface of the same method, or none.
static bool is_aim(const Itable *itable) { return itable->slot_count == 1 && itable->slots[0] == SLOT_RETARGET; }
static Forward *forward_of(Actor *actor) { return (Forward *)actor->fields; }

static void drop(Worker *worker, Actor *actor) {
  Actor *target = forward_of(actor)->target;
  forward_of(actor)->target = NULL;
  if (target) weight_return(worker, target, WEIGHT_UNIT);
}

Actor *forward_target(Actor *actor) {
  for (u32 layers = 0; layers < FORWARD_LAYERS && is_forwarder(actor) && forward_of(actor)->target; layers++) {
    actor = forward_of(actor)->target;
  }
  return actor;
}

const Itable *forward_itable(const InterfaceDef *interface) {
  u32 handlers[LIMIT_METHODS];
  for (u32 i = 0; i < interface->method_count; i++) handlers[i] = SLOT_METHODS + i;
  return itable_get(&forward_class, interface, handlers);
}

static const Itable *aim_itable(Worker *worker) {
  const InterfaceDef *interface = images_interface(worker->images, STR("prelude"), STR("Aim"));
  u32 handler = SLOT_RETARGET;
  if (!interface || interface->method_count != 1 || interface->methods[0].param_count != 1) return NULL;
  return itable_get(&forward_class, interface, &handler);
}

Str reference_name(const Obj *reference) {
  const Itable *itable = ref_itable(reference);
  Actor *actor = ref_actor(reference);
  for (u32 layers = 0; layers < FORWARD_LAYERS && itable && !itable->interface; layers++) {
    itable = forward_of(actor)->itable;
    actor = forward_of(actor)->target;
  }
  return itable && itable->interface ? itable->interface->name : STR("reference");
}

// ---- Sending --------------------------------------------------------------------------------------------------------

// Chains that are too long come of aiming one below others; those above lose what they send, and nobody else.
static void refuse_layers(Worker *worker, Message *message) {
  worker->stats.dead_letters++;
  worker->stats.dropped++;
  Promise *promise = message->promise;
  heap_free_message(worker, message);
  if (!promise) return;
  promise_break(worker, promise, WK_CRASHED, STR("more than 64 forwarders in a row"));
  promise_release(worker, promise);
}

// Where the last forwarder's target has ended, or it has none, the message is kept there, its slot that of the forwarder's own interface.
// False with a fault: it was a retarget that is refused.
static bool push_on(Worker *worker, Actor *actor, Message *message) {
  for (u32 layers = 0; layers < FORWARD_LAYERS; layers++) {
    Forward *forward = forward_of(actor);
    Actor *target = forward->target;
    u16 slot = message->slot;
    if (!target) {
      mailbox_append(&actor->queue, message);
      return true;
    }
    message->slot = forward->itable->slots[slot - SLOT_METHODS];
    if (is_forwarder(target) && message->slot != SLOT_RETARGET) {
      actor = target;
      continue;
    }
    if (target->class->deliver) return target->class->deliver(worker, target, message);  // an Aim, or its like
    if (message->promise) {
      message->promise->asked = target->class;
      message->promise->asked_slot = message->slot;
    }
    if (actor_post(worker, target, message)) return true;
    message->slot = slot;
    mailbox_append(&actor->queue, message);
    return true;
  }
  refuse_layers(worker, message);
  return true;
}

// ---- Aiming ---------------------------------------------------------------------------------------------------------

// Why a forwarder (NULL: a new one) can't be put above `below`; NULL if it can.
static const char *aim_problem(const Actor *forwarder, const Obj *to) {
  Actor *below = ref_actor(to);
  const Itable *itable = ref_itable(to);
  for (u32 layers = 0; is_forwarder(below) && !is_aim(itable);) {
    if (below == forwarder) return "it would lead to itself";
    if (++layers == FORWARD_LAYERS) return "more than 64 forwarders in a row";
    itable = forward_of(below)->itable;
    below = forward_of(below)->target;
    if (!below) break;
  }
  return NULL;
}

static void aim(Worker *worker, Actor *actor, const Obj *to) {
  Forward *forward = forward_of(actor);
  Actor *before = forward->target;
  atomic_fetch_add_explicit(&ref_actor(to)->weight, WEIGHT_UNIT, memory_order_relaxed);
  forward->target = ref_actor(to);
  forward->itable = ref_itable(to);
  if (before) weight_return(worker, before, WEIGHT_UNIT);
}

// Sends on what the forwarder had kept, before the send returns that aimed it anew. Among it may be what aims others, and so on: they
// go on top of a stack, since what they have kept is older than what comes after.
static void flush(Worker *worker, Actor *actor) {
  Actor **stack = &worker->sched->flushing;
  Forward *forward = forward_of(actor);
  if (!actor->queue) return;
  if (forward->pending) {  // it was being flushed, and what its last target refused is older than the rest
    Message *first = actor->queue->next;
    actor->queue->next = forward->pending->next;
    forward->pending->next = first;
  } else {
    forward->pending = actor->queue;
  }
  actor->queue = NULL;
  bool outermost = !*stack;
  if (!forward->flushing) {
    forward->flushing = true;
    forward->below = *stack;
    *stack = actor;
  }
  while (outermost && *stack) {
    Forward *top = forward_of(*stack);
    Message *message = mailbox_take(&top->pending);
    worker->reductions--;
    if (!message) {
      top->flushing = false;
      *stack = top->below;
    } else if (!push_on(worker, *stack, message)) {
      fault_clear(worker);  // who sent it has gone on long since
    }
  }
}

static bool retarget(Worker *worker, Actor *actor, Message *message) {
  const Obj *to = val_obj(message->args[0]);
  worker->stats.received++;
  const char *problem = aim_problem(actor, to);
  if (problem) {
    heap_free_message(worker, message);
    return fault_set(worker, "a forwarder can't be aimed there: %s", problem);
  }
  aim(worker, actor, to);
  heap_free_message(worker, message);
  actors_watch_on(worker, actor, forward_target(actor));
  flush(worker, actor);
  return true;
}

static bool deliver(Worker *worker, Actor *actor, Message *message) {
  if (message->slot == SLOT_RETARGET) return retarget(worker, actor, message);
  return push_on(worker, actor, message);
}

// ---- Natives --------------------------------------------------------------------------------------------------------

// args[0] becomes (the reference, its Aim). Room for both and the pair was made.
static bool give_forwarder(Worker *worker, u64 *args, const Itable *itable, const Obj *to) {
  const Itable *aim_table = aim_itable(worker);
  Actor *actor = itable && aim_table ? actor_closed(worker, &forward_class, sizeof(Forward) / sizeof(u64) - 1) : NULL;
  if (!actor) return fault_memory(worker);
  *forward_of(actor) = (Forward){.size = forward_of(actor)->size};
  if (to) aim(worker, actor, to);
  Val reference = actor_reference(worker, actor, itable);
  Val its_aim = actor_reference(worker, actor, aim_table);
  args[0] = build_pair(worker, reference, its_aim);
  return true;
}

enum { PAIR_WORDS = 4 + 4 + 3 };

static bool may_make(Worker *worker) { return !worker->in_guard || fault_set(worker, "a guard or a constant may not make a forwarder"); }

bool native_prelude_forwarder(Worker *worker, u64 *args) {
  if (!may_make(worker)) return false;
  if (!heap_reserve(worker, PAIR_WORDS)) return fault_memory(worker);
  const Obj *to = val_obj(args[0]);
  const char *problem = aim_problem(NULL, to);
  if (problem) return fault_set(worker, "a forwarder can't be made: %s", problem);
  const InterfaceDef *interface = ref_itable(to)->interface;
  return give_forwarder(worker, args, interface ? forward_itable(interface) : late_itable, to);
}

// One that isn't aimed yet, for what the function will give. Its type says what that is, unless it stands in generic code.
bool native_supervisor_unaimed(Worker *worker, u64 *args) {
  if (!may_make(worker)) return false;
  if (!heap_reserve(worker, PAIR_WORDS)) return fault_memory(worker);
  const Code *code = closure_code(val_obj(args[0]));
  const Type *type = &code->image->verified->module->types.items[code->function->result];
  bool known = type->kind == TYPE_REF;
  return give_forwarder(worker, args, known ? forward_itable(image_interface(code->image, type->index)) : late_itable, NULL);
}
