// Leashes: the authority to end what one has started oneself, and nothing else. supervisor.deed is made with them. docs/forwarders.md.
//
// leash() gives one that belongs to the running actor. begin(leash, f) runs f in a task; the leash holds that task and each actor that f
// spawns itself. `leash ! cut()` ends what it holds, the last first, and answers when all have ended; so does the end of its owner, of
// whose end others hear only then. Nobody is ended by force: what is held is told to end (actor_doom), one after the other.
#pragma once
#include "vm/watch.h"

extern const Class leash_task_class;

// The leash for which the running actor spawns, or NULL.
static inline Actor *leash_holder(const Worker *worker) {
  return UNLIKELY(worker->actor->class == &leash_task_class) ? ((Hold *)worker->actor->fields[0])->leash : NULL;
}
bool leash_make_room(Worker *worker) MUST_CHECK;      // for one more; false when memory is out
void leash_hold(Worker *worker, Actor *actor);        // that was just spawned; room was made

bool leash_is_empty(const Actor *leash);              // any thread; if nothing can begin on it, it remains so
void leash_left(Worker *worker, Hold *hold);          // what it held has ended; frees the hold
// Those of an owner that has ended, one after the other; then actor_departed().
void leashes_cut(Worker *worker, const Departed *departed);
void leashes_free(Worker *worker, Bond *bonds);       // they hold nobody, and their owner goes without notice
