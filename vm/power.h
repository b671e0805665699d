// Powers: native actors behind the interfaces of the prelude. Authority over the outside is a reference like any other, so it can be
// narrowed, watched, sent and counted in one way. A power is one row in power.def and one function for each of its methods.
#pragma once
#include "vm/state.h"
#include "vm/life.h"

typedef enum PowerId {
#define POWER(name, flag) POWER_##name,
#define METHOD(power, method, function)
#include "vm/power.def"
#undef POWER
#undef METHOD
  POWER_COUNT,
} PowerId;

typedef struct Power {
  const char *name;   // of its interface
  const char *flag;
} Power;

extern const Power powers[POWER_COUNT];

void power_prepare(void);             // makes the classes; once is enough
bool power_by_name(Str name, PowerId *id);
bool power_exists(PowerId id);        // it has methods

// The itable for the interface as the loaded prelude declares it. NULL if it declares none, or a method that has no function.
const Itable *power_itable(Worker *worker, PowerId id);

// A native actor for the power in the bank, with nothing set. NULL when memory is out.
Actor *power_new(Worker *worker, Bank *bank, PowerId id);

// What each kind of power keeps in its actor, behind the word that is life.c's.
typedef struct OpenFile OpenFile;
typedef struct PowerState {
  u64 size;
  union {
    struct Stream *stream;   // Out
    Bank *bank;              // Bank
    struct OpenFile *file;   // ReadFile, File (power_file.c); NULL: there was no memory for it
  };
} PowerState;
static inline PowerState *power_state(Actor *actor) { return (PowerState *)actor->fields; }

bool power_is(const Actor *actor, PowerId id);
// The bank that a reference to its own actor stands for; NULL if the reference leads elsewhere, as a forwarder's does.
Bank *power_bank(const Obj *reference);

// Opens the file of a grant. Failing is no error yet: each question is then answered with the reason.
void power_open_file(Actor *actor, Str path, bool writable);

// ---- For the methods ----
// A method settles message->promise, or takes it over (sets it NULL) to settle it later. False: worker->fault is set, and the answer
// breaks as Crashed; the power lives on. Those of ReadFile and File take the message over, too, unless they fail.
#define POWER(name, flag)
#define METHOD(power, method, function) bool power_##function(Worker *worker, Actor *actor, Message *message);
#include "vm/power.def"
#undef POWER
#undef METHOD

// Answers with an immediate value.
static inline bool power_answer(Worker *worker, Message *message, Val value) {
  promise_give(worker, message->promise, value, NULL);
  return true;
}

// ---- needs.c: the parameters of main and of tests ----
Str vm_parameter_name(const Function *function, u32 i);
bool vm_parameter_power(const Module *module, TypeId type, PowerId *id);
bool vm_parameter_is_args(const Module *module, TypeId type);   // List[String]
