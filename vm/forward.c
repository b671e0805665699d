// Forwarders: see forward.h. And the natives that make them.
//
// What a forwarder has (target, table, kept messages) is guarded by its lock, held while a message is pushed to the target: so messages
// arrive in the order in which they came to the forwarder, and are kept in it. A message goes down a chain lock by lock: that of the next
// forwarder is taken before that of the one above is let go. Since there are no rings, nobody waits in a circle. What was kept before goes
// first, whoever comes: each who finds something kept helps to send it on, and returns when it has gone.
#include "vm/forward.h"

#include "vm/crowd.h"
#include "vm/fault.h"
#include "vm/load.h"
#include "vm/message.h"
#include "vm/sched.h"
#include "vm/watch.h"

// Handlers of the class: retarget, which an Aim means, then the methods of the interface, in its order.
enum { SLOT_RETARGET, SLOT_METHODS };

typedef struct Forward {
  u64 size;              // life.c's
  Actor *target;         // (one WEIGHT_UNIT of it is held) NULL: never aimed
  const Itable *itable;  // how the target understands the methods
  Actor *below;          // on the worker's stack of those that send on what they had kept; that worker's
  Spin lock;
  bool flushing;         // it stands there
  bool over;             // its bank was destroyed: what is sent to it is a dead letter
  bool passing;          // one message goes to where it is delivered otherwise: the others wait in the queue
} Forward;

// One at a time aims a forwarder that may be known to others, so that two can't close a ring together. Taken before a forwarder's lock.
static Spin aiming;

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

static void lock(Actor *actor) { spin_lock(&forward_of(actor)->lock); }
static void unlock(Actor *actor) { spin_unlock(&forward_of(actor)->lock); }
static void weigh(Actor *actor) { atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed); }

// Where it is aimed now. The record is there for as long as this slice.
static Actor *aimed_at(Actor *actor, const Itable **itable) {
  lock(actor);
  Actor *target = forward_of(actor)->target;
  *itable = forward_of(actor)->itable;
  unlock(actor);
  return target;
}

static void drop(Worker *worker, Actor *actor) {
  lock(actor);
  Actor *target = forward_of(actor)->target;
  forward_of(actor)->target = NULL;
  unlock(actor);
  if (target) weight_return(worker, target, WEIGHT_UNIT);
}

bool forward_keeps(Actor *actor) {
  if (!is_forwarder(actor)) return false;
  lock(actor);
  bool keeps = actor->queue;
  unlock(actor);
  return keeps;
}

// Whoever finds no weight left meanwhile leaves it to us to free the record (E1).
void forward_bury(Worker *worker, Actor *actor) {
  if (!is_forwarder(actor) || atomic_exchange(&actor->reaping, 1)) return;
  lock(actor);
  forward_of(actor)->over = true;
  Message *kept = actor->queue, *message;
  actor->queue = NULL;
  unlock(actor);
  actor_end(worker, actor, EXIT_REASON_KILLED, STR(""));
  while ((message = mailbox_take(&kept))) message_drop(worker, message, actor);
  atomic_store(&actor->reaping, 0);
  actor_unreachable(worker, actor);
}

Target forward_enter(Worker *worker, Actor *actor) {
  weigh(actor);
  for (u32 layers = 1; is_forwarder(actor); layers++) {
    lock(actor);
    Actor *above = actor, *target = forward_of(actor)->target;
    if (!target || layers > FORWARD_LAYERS) return (Target){actor, true};
    weigh(target);
    actor = target;
    unlock(above);
    weight_return(worker, above, WEIGHT_UNIT);
  }
  return (Target){actor, false};
}

void forward_leave(Worker *worker, Target target) {
  if (target.locked) unlock(target.actor);
  weight_return(worker, target.actor, WEIGHT_UNIT);
}

Actor *forward_receiver(Worker *worker, Actor *actor, u16 slot) {
  if (!is_forwarder(actor) || slot == SLOT_RETARGET) return NULL;
  weigh(actor);
  for (u32 layers = 1; is_forwarder(actor) && layers <= FORWARD_LAYERS; layers++) {
    lock(actor);
    Actor *above = actor, *target = forward_of(actor)->target;
    bool keeps = !target || (mailbox_is_closed(target) && !target->class->deliver);
    if (!keeps) slot = forward_of(actor)->itable->slots[slot - SLOT_METHODS];
    bool otherwise = !keeps && target->class->deliver && (!is_forwarder(target) || slot == SLOT_RETARGET);
    if (!keeps && !otherwise) weigh(target);
    unlock(above);
    if (keeps) return actor;
    weight_return(worker, above, WEIGHT_UNIT);
    if (otherwise) return NULL;
    actor = target;
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
  for (u32 layers = 0; layers < FORWARD_LAYERS && actor && itable && !itable->interface; layers++) actor = aimed_at(actor, &itable);
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

// Names whom a message really asks: who waits for the answer may look at that at the same time.
static void name_asked(const Message *message, const Actor *target) {
  Promise *promise = message->promise;
  if (!promise) return;
  spin_lock(&promise->lock);
  promise->asked = target->class;
  promise->asked_slot = message->slot;
  spin_unlock(&promise->lock);
}

// Behind what is kept, or, if it was taken from there, before it.
static void keep(Worker *worker, Actor *actor, Message *message, bool kept) {
  crowd_keep(worker, actor, message);
  Message *last = actor->queue;
  mailbox_append(&actor->queue, message);
  if (kept && last) actor->queue = last;  // a ring: behind the last is before the first
}

typedef enum Passed {
  PASSED,
  PASSED_KEPT,    // where it ended up it is kept, and can't be sent on now
  PASSED_BEHIND,  // the same, behind others that can be sent on
  PASSED_BAD,     // a retarget that is refused: worker->fault says why
} Passed;

// Puts it on the worker's stack of those that send on what they kept, unless it stands on another's: that one will see to it. Locked.
static void enlist(Worker *worker, Actor *actor) {
  Forward *forward = forward_of(actor);
  if (forward->flushing) return;
  weigh(actor);
  forward->flushing = true;
  forward->below = worker->sched->flushing;
  worker->sched->flushing = actor;
}

// What is delivered by calling, an Aim say, is so without the lock, and one after the other: what comes meanwhile waits in the queue. The
// actor is locked, and will be unlocked.
static Passed call(Worker *worker, Actor *actor, Actor *target, Message *message) {
  Forward *forward = forward_of(actor);
  weigh(target);
  weigh(actor);
  forward->passing = true;
  unlock(actor);
  bool fine = target->class->deliver(worker, target, message);
  lock(actor);
  forward->passing = false;
  if (actor->queue) enlist(worker, actor);
  unlock(actor);
  weight_return(worker, target, WEIGHT_UNIT);
  weight_return(worker, actor, WEIGHT_UNIT);
  return fine ? PASSED : PASSED_BAD;
}

// Whether there was room was looked at before (crowd.c); what was kept goes on all the same.
static bool post(Worker *worker, Actor *target, Message *message) {
  if (!message_is_large(message) && actor_admit(worker, target, message)) return true;
  return crowd_offer(worker, target, message, NULL, true) == OFFER_TAKEN;
}

// The forwarder, which is locked, and will be unlocked, is over.
static void lose(Worker *worker, Actor *actor, Message *message) {
  weigh(actor);
  unlock(actor);
  actor_dead_letter(worker, actor, message);
  weight_return(worker, actor, WEIGHT_UNIT);
}

// Sends a message down the chain that begins with *at, a forwarder that is locked, and that will be unlocked. Where the last one's target has
// ended, or it has none, the message is kept there, its slot that of the forwarder's own interface. *at becomes the forwarder that has
// kept it; of one with messages that can be sent on a weight is held then. `kept`: the message was the first that *at had kept.
static Passed pass(Worker *worker, Actor **at, Message *message, bool kept) {
  for (u32 layers = 0; layers < FORWARD_LAYERS; layers++, kept = false) {
    Actor *actor = *at;
    Forward *forward = forward_of(actor);
    Actor *target = forward->target;
    if (forward->over) {
      lose(worker, actor, message);
      return PASSED;
    }
    u16 slot = message->slot;
    bool blocked = !target || forward->passing;
    if (blocked || (actor->queue && !kept)) {
      keep(worker, actor, message, kept);
      if (!blocked) weigh(actor);
      unlock(actor);
      return blocked ? PASSED_KEPT : PASSED_BEHIND;
    }
    message->slot = forward->itable->slots[slot - SLOT_METHODS];
    if (is_forwarder(target) && message->slot != SLOT_RETARGET) {
      lock(target);
      unlock(actor);
      *at = target;
      continue;
    }
    if (target->class->deliver) return call(worker, actor, target, message);
    name_asked(message, target);
    bool posted = post(worker, target, message);
    if (!posted) {
      message->slot = slot;
      keep(worker, actor, message, kept);
    }
    unlock(actor);
    return posted ? PASSED : PASSED_KEPT;
  }
  unlock(*at);
  refuse_layers(worker, message);
  return PASSED;
}

// Sends on the first message that a forwarder has kept. *end is where it ended up. False: there is none, or it can't be sent on; if it was
// on the worker's stack, it has left it.
static bool send_on(Worker *worker, Actor *actor, Passed *passed, Actor **end, bool listed) {
  Forward *forward = forward_of(actor);
  Actor *tried = NULL;
  for (;;) {
    lock(actor);
    Actor *target = forward->target;
    bool blocked = !target || forward->passing || target == tried;
    Message *message = blocked ? NULL : mailbox_take(&actor->queue);
    if (message) crowd_kept(worker, actor, message);
    if (!message) {
      if (listed) forward->flushing = false;
      if (listed) worker->sched->flushing = forward->below;
      unlock(actor);
      return false;
    }
    worker->reductions--;
    Bank *bank = message->payer;
    *end = actor;
    *passed = pass(worker, end, message, true);
    if (*passed == PASSED_BAD) fault_clear(worker);  // who sent it has gone on long since
    if (*passed != PASSED_KEPT || *end != actor) crowd_admit(worker, actor, bank);
    if (*passed != PASSED_KEPT || *end != actor) return true;
    tried = target;  // it has ended: but for another target, that is all
  }
}

// Sends on what those on the worker's stack had kept. What is delivered may aim others, which go on top of the stack, since what they have
// kept is older than what comes after.
static void flush(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->sending_on || !sched->flushing) return;
  sched->sending_on = true;
  FaultKind fault = worker->fault;  // of who sends now
  char *text = worker->fault_text;
  worker->fault = FAULT_NONE;
  worker->fault_text = NULL;
  Passed passed;
  for (Actor *top, *end; (top = sched->flushing);) {
    if (!send_on(worker, top, &passed, &end, true)) weight_return(worker, top, WEIGHT_UNIT);
    else if (passed == PASSED_BEHIND) weight_return(worker, end, WEIGHT_UNIT);  // some worker sends on what is before it
  }
  worker->fault = fault;
  worker->fault_text = text;
  sched->sending_on = false;
}

// The sender's message waits in a forwarder behind what another worker sends on. Helps until it has gone, for what the sender does next must
// come after it. Takes over a weight of the forwarder.
static void help(Worker *worker, Actor *actor) {
  if (worker->sched->sending_on) {
    weight_return(worker, actor, WEIGHT_UNIT);
    return;
  }
  worker->sched->sending_on = true;  // so that nothing recurses
  for (Actor *below; actor; actor = below) {
    Passed passed;
    below = NULL;
    for (Actor *end; send_on(worker, actor, &passed, &end, false);) {
      if (passed != PASSED_BEHIND) continue;
      if (below) weight_return(worker, below, WEIGHT_UNIT);
      below = end;
    }
    weight_return(worker, actor, WEIGHT_UNIT);
  }
  worker->sched->sending_on = false;
  flush(worker);
}

// ---- Aiming ---------------------------------------------------------------------------------------------------------

// Why a forwarder (NULL: a new one) can't be put above `below`; NULL if it can.
static const char *aim_problem(const Actor *forwarder, const Obj *to) {
  Actor *below = ref_actor(to);
  const Itable *itable = ref_itable(to);
  for (u32 layers = 0; is_forwarder(below) && !is_aim(itable);) {
    if (below == forwarder) return "it would lead to itself";
    if (++layers == FORWARD_LAYERS) return "more than 64 forwarders in a row";
    below = aimed_at(below, &itable);
    if (!below) break;
  }
  return NULL;
}

// Gives back where it was aimed before. Locked, or not known to others.
static Actor *aim(Actor *actor, const Obj *to) {
  Forward *forward = forward_of(actor);
  Actor *before = forward->target;
  weigh(ref_actor(to));
  forward->target = ref_actor(to);
  forward->itable = ref_itable(to);
  return before;
}

// What was kept is sent on before the send returns that aimed the forwarder anew.
static bool retarget(Worker *worker, Actor *actor, Message *message) {
  const Obj *to = val_obj(message->args[0]);
  worker->stats.received++;
  spin_lock(&aiming);
  const char *problem = aim_problem(actor, to);
  Actor *before = NULL;
  bool helps = false;
  if (!problem) {
    lock(actor);
    if (!forward_of(actor)->over) before = aim(actor, to);
    helps = forward_of(actor)->flushing;
    if (actor->queue && !forward_of(actor)->passing) enlist(worker, actor);
    unlock(actor);
  }
  spin_unlock(&aiming);
  heap_free_message(worker, message);
  if (problem) return fault_set(worker, "a forwarder can't be aimed there: %s", problem);
  if (before) weight_return(worker, before, WEIGHT_UNIT);
  else watchers_move(worker, actor);
  flush(worker);
  if (!helps) return true;
  weigh(actor);
  help(worker, actor);
  return true;
}

static bool deliver(Worker *worker, Actor *actor, Message *message) {
  if (message->slot == SLOT_RETARGET) return retarget(worker, actor, message);
  Actor *at = actor;
  lock(at);
  Passed passed = pass(worker, &at, message, false);
  if (passed == PASSED_BEHIND) help(worker, at);
  flush(worker);
  return passed != PASSED_BAD;
}

// ---- Natives --------------------------------------------------------------------------------------------------------

// args[0] becomes (the reference, its Aim). Room for both and the pair was made.
static bool give_forwarder(Worker *worker, u64 *args, const Itable *itable, const Obj *to) {
  const Itable *aim_table = aim_itable(worker);
  Actor *actor = itable && aim_table ? actor_closed(worker, worker->account->bank, &forward_class, sizeof(Forward) / sizeof(u64) - 1) : NULL;
  if (!actor) return fault_memory(worker);
  *forward_of(actor) = (Forward){.size = forward_of(actor)->size};
  if (to) (void)aim(actor, to);
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
