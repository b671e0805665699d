// Direct hand-off: a request to an idle actor of the same bank is handled at once, within the slice of who asks. docs/scheduling.md, H1 … H6.
//
// Who asks is put aside as for any wait, but stands by: it is in no ring of waiters and in no line, only in the worker's stack of callers,
// and runs on with the answer as soon as the turn has ended. Whenever anything else comes, a wait of its own, the end of the slice, a
// crash, the callers begin to wait in the usual way (callers_park), and nothing is left that differs from a message that was queued. turn.c
// does what is usual; here is the rest.
#include "vm/crowd.h"
#include "vm/leash.h"
#include "vm/sched.h"
#include "vm/step.h"

bool hand_drawn(Sched *sched) { return random_below(&sched->choice, 2); }

// It waits from now on like any other. If it has its answer already, or is to end, it is ready.
static void park(Worker *worker, Actor *caller) {
  Turn *turn = caller->turn;
  turn_shrink(worker, turn);
  if (!turn_pay(worker, turn, turn_bytes(turn))) BUG("a smaller stack was refused");
  if (!turn->waiter.listed) deadlock_suspect(worker, &turn->waiter);
  if (!suspend_begin(caller, turn)) sched_ready(worker, caller);
}

// The first to ask is the first to wait.
void callers_park(Worker *worker) {
  Sched *sched = worker->sched;
  u32 depth = sched->depth;
  sched->depth = 0;
  for (u32 i = 0; i < depth; i++) park(worker, sched->callers[i]);
}

void hand_decline(Worker *worker) {
  Sched *sched = worker->sched;
  Actor *callee = sched->callee;
  mailbox_put(callee, sched->handed);
  sched->handed = NULL;
  sched_ready(worker, callee);
}
