// What is done to large heaps in steps, between slices: collecting them, and freezing what their actors send.
//
// An actor whose heap is due for a major collection, and large, is put aside, or has just ended a turn. One that is about to send something
// large is put aside before. It stands in line like one that has used up its slice, and when its turn comes a step is done instead of a
// slice: about 50 us of work. It goes to the front of its line until it has used up as much as a slice, so all this gets as much of the
// worker's time as the actor itself would, and whoever was woken meanwhile goes between. What goes on hangs on the heap, so another worker
// may do the next step.
#include "vm/collect.h"
#include "vm/copy.h"
#include "vm/sched.h"

enum { WORDS_PER_REDUCTION = 8 };

// What sweeps find is kept until the last one: it is told in order (life.h).
static bool collection_step(Worker *worker, Collection *collection, i64 *left) {
  Message *before = worker->lost;
  worker->lost = collection->lost;
  worker->holding++;
  bool done = gc_step(collection, worker, *left);
  worker->holding--;
  collection->lost = worker->lost;
  worker->lost = before;
  *left = collection->left;
  return done;
}

static Collection *collection_new(Worker *worker, Heap *heap) {
  Collection *collection = memory_alloc(sizeof *collection);
  if (!collection) return NULL;
  gc_begin(collection, worker, true);
  collection->steps.slice_left = worker->vm->options.quantum;
  heap->steps = &collection->steps;
  worker->collections++;
  return collection;
}

// What is left is hardly ever more than there was. If its bank has no room for that, the next collection asks again.
static void pay(Worker *worker, Heap *heap) {
  if (!heap_pay(worker, heap)) worker->refused = NULL;
}

static bool collect(Worker *worker, Heap *heap, i64 *left) {
  Collection *collection = heap->steps ? (Collection *)heap->steps : collection_new(worker, heap);
  if (!collection) {
    gc_major(worker, true);
    pay(worker, heap);
    return true;
  }
  if (!collection_step(worker, collection, left)) return false;
  heap->steps = NULL;
  pay(worker, heap);
  sessions_add(worker, collection->lost);
  memory_free(collection, sizeof *collection);
  return true;
}

// Books what was done. True if the actor has used up a slice since its last turn in line.
static bool charge(Worker *worker, Steps *steps, i64 words) {
  i64 quantum = worker->vm->options.quantum, cost = words / WORDS_PER_REDUCTION;
  if (cost > quantum) cost = quantum;
  worker->reductions -= cost;
  if (!steps || (steps->slice_left -= cost) > 0) return false;
  steps->slice_left = quantum;
  return true;
}

// If both are due, the next allocation will ask for the other.
bool collect_step(Worker *worker, Actor *actor) {
  Turn *spare = worker->turn;  // the collector takes the worker's for the actor's
  worker->turn = actor->turn;
  Heap *heap = actor->heap;
  i64 left = COLLECT_STEP_WORDS;
  bool done = heap->steps && heap->steps->freezes ? freezing_step(worker, actor, &left) : collect(worker, heap, &left);
  bool used_up = charge(worker, heap->steps, COLLECT_STEP_WORDS - left);
  if (done) actor->collecting = false;
  if (done && WALKING) heap_check(worker, actor, true);
  worker->turn = spare;
  if (done) sessions_tell(worker);
  return used_up;
}
