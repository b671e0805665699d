// The end of a run that SIGTERM asked for: actors are told to end one after the other, the newest first, and those that something holds
// when its owner has ended; each may finish its turn. docs/ending.md says what that means to a program.
#pragma once
#include "vm/life.h"

// Goes on with it, if the run is to end so. Any worker, between two slices, or where crew_halt() may be called; `quiet`: no actor of any
// worker is ready. True: there is something to do, or the run is over.
bool ending_look(Worker *worker, bool quiet);
u64 ending_due(Vm *vm);  // when ending_look() is to be called though nothing happens (sched_now()); UINT64_MAX: never

// Tells an actor that somebody's end takes with it to end, when its turn is over. Gives back the one who was asked before, of whom the caller
// is to return a WEIGHT_UNIT when it holds no lock, or NULL. The caller holds a lock without which the record can't be freed.
Actor *ending_ask(Worker *worker, Actor *actor) MUST_CHECK;
void ending_departed(Worker *worker, const Actor *actor);  // an actor has ended, and all that it held
void ending_close(Vm *vm);
