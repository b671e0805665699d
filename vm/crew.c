// The workers of a VM together: see crew.h and docs/workers.md.
#include "vm/crew.h"

#include "vm/state.h"

void crew_halt(Worker *worker, void (*act)(Worker *worker, void *context), void *context) {
  if (worker->vm->worker_count != 1) BUG("more workers than one");
  act(worker, context);
}
