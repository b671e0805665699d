// Why an actor crashes: setting worker->fault. fault_set() is in worker.h, fault_memory() in native.h.
#pragma once
#include "vm/worker.h"

void fault_clear(Worker *worker);              // forgets it and frees the text
bool fault_crash(Worker *worker, Str why);     // FAULT_CRASH with these very bytes; false
bool fault_stop(Worker *worker);               // FAULT_STOP; false
// Int arithmetic that trapped, told from its instruction and operands; false.
bool fault_arithmetic(Worker *worker, Op op, i64 b, i64 c);
