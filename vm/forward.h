// Forwarders: references that lead to another actor, which whoever holds their Aim may exchange. docs/forwarders.md.
//
// A forwarder is an actor whose inbox is closed from the start, as that of an ended actor is: so a send to it fails at the mailbox, as
// rarely as sends to the dead do, and no other send pays for it. What the inbox refused is then pushed where the forwarder is aimed, with
// its slot mapped, within the same send. An Aim is a second reference to the same actor, for another interface.
#pragma once
#include "vm/life.h"

enum { FORWARD_LAYERS = 64 };  // forwarders in a row

void forward_prepare(void);  // makes the tables; once is enough

// Where a chain of forwarders leads: an actor, of which a WEIGHT_UNIT is held, or the last forwarder, if that one was never aimed. It is
// locked then, so that it remains so until forward_leave().
typedef struct Target {
  Actor *actor;
  bool locked;
} Target;
Target forward_enter(Worker *worker, Actor *actor) MUST_CHECK;
void forward_leave(Worker *worker, Target target);

// In whose mailbox a message for a forwarder would end up, or the last forwarder, if it would be kept there; a WEIGHT_UNIT is held. NULL if
// it isn't for a mailbox: a message that is delivered otherwise.
Actor *forward_receiver(Worker *worker, Actor *actor, u16 slot) MUST_CHECK;

// Of an actor nobody can send to any more: whether it is a forwarder that has kept something.
bool forward_keeps(Actor *actor);

// Its bank is destroyed: what it has kept is dropped, and what is sent to it from now on are dead letters. By the worker that made it.
void forward_bury(Worker *worker, Actor *actor);

// The table of forwarders for an interface; NULL when memory is out.
const Itable *forward_itable(const InterfaceDef *interface);

// The name that a reference shows as.
Str reference_name(const Obj *reference);
