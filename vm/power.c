// The table of powers and how their classes and itables come about: see power.h.
#include "vm/power.h"

#include "vm/fault.h"
#include "vm/load.h"
#include "vm/sched.h"

const Power powers[POWER_COUNT] = {
#define POWER(name, flag) {#name, flag},
#define METHOD(power, method, function)
#include "vm/power.def"
#undef POWER
#undef METHOD
};

typedef struct PowerMethod {
  PowerId power;
  const char *name;
  NativeStep step;
} PowerMethod;

static const PowerMethod methods[] = {
#define POWER(name, flag)
#define METHOD(power, method, function) {POWER_##power, #method, power_##function},
#include "vm/power.def"
#undef POWER
#undef METHOD
};

static ClassHandler handlers[COUNT_OF(methods)];  // rows of one power stand together
static Class classes[POWER_COUNT];

static bool step(Worker *worker, Actor *actor, Message *message) {
  u32 first = (u32)(actor->class->handlers - handlers);
  return methods[first + message->slot].step(worker, actor, message);
}

static void give_back(Worker *worker, Message *message) {
  if (message->promise) promise_release(worker, message->promise);
  if (message->counted) heap_free_message(worker, message);
  else message_recycle(worker, message);
}

// The same within the send, of powers without a mailbox. What goes wrong breaks the answer only, as in a native actor's turn.
static bool try_step(Worker *worker, Actor *actor, Message *message) {
  worker->stats.received++;
  if (step(worker, actor, message)) return true;
  Str why = worker->fault_text ? (Str){worker->fault_text, worker->fault_length} : STR("out of memory");
  if (message->promise) promise_break(worker, message->promise, WK_CRASHED, why);
  fault_clear(worker);
  return false;
}

// Who destroys its own bank has ended when the send is over.
static bool deliver(Worker *worker, Actor *actor, Message *message) {
  worker->reductions -= TURN_COST;
  bool done = try_step(worker, actor, message);
  (void)done;
  give_back(worker, message);
  if (LIKELY(!worker->account->doomed)) return true;
  worker->fault = FAULT_KILL;
  return false;
}

// The message becomes a request.
static bool deliver_request(Worker *worker, Actor *actor, Message *message) {
  if (!try_step(worker, actor, message)) give_back(worker, message);
  return true;
}

void power_file_drop(Worker *worker, Actor *actor);
void power_bank_drop(Worker *worker, Actor *actor);

void power_prepare(void) {
  for (u32 i = 0; i < POWER_COUNT; i++) classes[i] = (Class){.name = str_from(powers[i].name), .step = step};
  for (u32 i = COUNT_OF(methods); i--;) {
    Class *class = &classes[methods[i].power];
    handlers[i] = (ClassHandler){.name = str_from(methods[i].name)};
    class->handlers = &handlers[i];
    class->handler_count++;
  }
  // What all share and is done at once has no mailbox: whoever filled it would hold up everybody else.
  classes[POWER_Out].deliver = classes[POWER_Bank].deliver = classes[POWER_Clock].deliver = classes[POWER_Random].deliver = deliver;
  classes[POWER_Bank].drop = power_bank_drop;
  classes[POWER_ReadFile].deliver = classes[POWER_File].deliver = deliver_request;
  classes[POWER_ReadFile].drop = classes[POWER_File].drop = power_file_drop;
}

bool power_by_name(Str name, PowerId *id) {
  for (u32 i = 0; i < POWER_COUNT; i++) {
    if (!str_eq(name, str_from(powers[i].name))) continue;
    *id = (PowerId)i;
    return true;
  }
  return false;
}

bool power_is(const Actor *actor, PowerId id) { return actor->class == &classes[id]; }

bool power_exists(PowerId id) { return classes[id].handler_count; }

static bool handler_of(const Class *class, Str method, u32 *number) {
  for (u32 i = 0; i < class->handler_count; i++) {
    if (!str_eq(class->handlers[i].name, method)) continue;
    *number = i;
    return true;
  }
  return false;
}

const Itable *power_itable(Worker *worker, PowerId id) {
  const InterfaceDef *interface = images_interface(worker->images, STR("prelude"), str_from(powers[id].name));
  if (!interface) return NULL;
  u32 numbers[COUNT_OF(methods)];
  for (u32 i = 0; i < interface->method_count; i++) {
    const Method *method = &interface->methods[i];
    if (i == COUNT_OF(numbers) || !handler_of(&classes[id], method->name, &numbers[i])) return NULL;
    classes[id].handlers[numbers[i]].answers = method->answers;
    classes[id].handlers[numbers[i]].param_count = (u16)method->param_count;
  }
  return itable_get(&classes[id], interface, numbers);
}

Actor *power_new(Worker *worker, Bank *bank, PowerId id) {
  u32 words = (u32)(sizeof(PowerState) / sizeof(u64)) - 1;
  Actor *actor = classes[id].deliver ? actor_closed(worker, bank, &classes[id], words) : actor_native(worker, bank, &classes[id], words);
  if (actor && classes[id].drop) power_state(actor)->file = NULL;  // or bank
  return actor;
}
