// Leashes: the authority to end what one has started oneself, and nothing else. supervisor.deed is made with them.
//
// leash() gives one that belongs to the running actor. begin(leash, f) runs f in a task; the leash holds that task and each actor that f
// spawns itself. `leash ! cut()` ends what it holds, the last first, before the send returns; so does the end of its owner. What is held
// may own leashes too: theirs are cut before it ends.
#pragma once
#include "vm/life.h"

extern const Class leash_task_class;

// The leash for which the running actor spawns, or NULL.
static inline Actor *leash_holder(const Worker *worker) {
  return UNLIKELY(worker->actor->class == &leash_task_class) ? (Actor *)worker->actor->fields[0] : NULL;
}
bool leash_make_room(Worker *worker) MUST_CHECK;      // for one more; false when memory is out
void leash_hold(Worker *worker, Actor *actor);        // that was just spawned; room was made

bool leash_is_empty(const Actor *leash);
// Takes over a weight of the leash: it is to be cut, as soon as leashes_cut() is called, or goes on if it is running.
void leash_to_cut(Worker *worker, Actor *leash);
void leashes_cut(Worker *worker);
