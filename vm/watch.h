// Who is to hear of an actor's end: promises of ended(), leashes that hold it, and leashes that it owns, which are to be cut then. They
// stand in the actor's list of watchers, guarded by one of 64 locks (docs/workers.md, E4).
#pragma once
#include "vm/life.h"

typedef enum WatcherKind {
  WATCHER_PROMISE,
  WATCHER_HOLD,   // a leash holds the actor
  WATCHER_BOND,   // the actor owns a leash
} WatcherKind;

typedef struct Watcher {
  Operation operation;           // first
  struct Watcher *next, **link;  // `link` points at whatever points at it; NULL if it is in no list
  Actor *actor;
  Promise *promise;              // PROMISE (counted)
  WatcherKind kind;
} Watcher;

// A leash holds an actor. In the actor's list, but for tasks, which point at it; and in the leash's.
typedef struct Hold {
  Watcher watcher;               // first
  Actor *leash;                  // (a WEIGHT_UNIT of it is held, and one of the actor, but not of a task)
  struct Hold *newer, *older;
  Bank *payer;                   // of this record
  bool doomed;                   // the leash has told it to end
} Hold;

// An actor owns a leash.
typedef struct Bond {
  Watcher watcher;               // first
  Actor *leash;                  // (a WEIGHT_UNIT of it is held)
  Bank *payer;                   // of this record
  // Once the owner has ended: the bonds of older leashes, and what is to be done when all are cut.
  struct Bond *older;
  Watcher *told;
} Bond;

// What an actor leaves when it ends.
typedef struct Departed {
  Watcher *told;                 // the oldest first
  Bond *bonds;                   // the newest first
} Departed;

void watcher_bind(Watcher *watcher, Actor *actor);       // puts it into the list of an actor that has not ended
// Marks the actor ended, and takes its list. What it held of watchers that are being called off is left to who does that.
void watchers_take(Worker *worker, Actor *actor, struct Why *why, Departed *departed);
// Tells those of an actor that has ended, and frees them.
void watchers_tell(Worker *worker, const Actor *actor, Watcher *told);
bool watchers_want(Actor *actor);                        // somebody wants to hear of its end, or would end by it
bool watchers_hold(Actor *actor);                        // a leash holds it; of one that has not ended
bool watchers_own_leash(Actor *actor);                    // it owns a leash; the same
// Whoever watches a forwarder that was aimed for the first time watches where it leads.
void watchers_move(Worker *worker, Actor *from);
