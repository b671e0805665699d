// The report of a crash, for people.
#pragma once
#include "vm/worker.h"

// Writes what happened to the running actor, whose fault is set and whose frames still stand, into worker->text: the actor, the
// message and its sender, the cause, the source line and the calls in between. Ends in a newline; control characters are escaped.
// False when memory is out.
bool trace_crash(Worker *worker) MUST_CHECK;

// One line for the running turn's place, "Tally.get (bank.deed:31)": what an actor that waits is shown with.
bool trace_place(Worker *worker, Turn *turn) MUST_CHECK;  // appended to worker->text
