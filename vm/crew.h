// The workers of a VM together: their threads, how work spreads, who sleeps, and how all stand still. docs/workers.md argues for it.
#pragma once
#include <pthread.h>

#include "vm/spin.h"
#include "vm/worker.h"

enum {
  LIMIT_WORKERS = 256,
  SHARE_MOST = 256,      // actors given away at once
};

typedef struct Crew Crew;

// Bits and count of `wanted`: what others want of a worker that is about to begin a slice.
enum { WANTED_HALT = 1u << 31, WANTED_STOP = 1u << 30 };  // the rest: workers without work

struct Crew {
  Vm *vm;
  u32 count;
  _Alignas(64) _Atomic u32 wanted;
  // The injector: actors ready to run, given away by who had many, or made ready by a thread that is no worker's.
  _Alignas(64) Spin lock;
  Actor *first, **tail;      // linked by next_ready
  _Atomic u32 injected;      // how many
  pthread_mutex_t door;      // for going to sleep, waking up and halting: all that is rare
  u32 asleep, halted;        // workers (door)
  Worker *halter;            // who made the others halt (door)
  bool over;                 // the run has ended (door)
  pthread_t threads[];       // of workers 1 …
};

// Makes the VM's workers as its options say. False when memory or threads are out.
bool crew_open(Vm *vm) MUST_CHECK;
void crew_close(Vm *vm);

// Runs until nothing can happen any more, on the calling thread and as many others as there are workers besides the first. All others
// have ended when it returns.
void crew_run(Vm *vm);

// The run is to end as soon as all slices that run now are over: sched_stop() says how.
void crew_stop(Vm *vm);

// Runs `act` while no other worker runs an actor. Between two slices of the worker's own only. If another worker halts the crew at
// the same moment, that one goes first.
void crew_halt(Worker *worker, void (*act)(Worker *worker, void *context), void *context);

// Somebody wants something, and the worker's slice is over: gives work away, halts. Call it if crew_wanted().
void crew_attend(Worker *worker);

static inline bool crew_wanted(const Crew *crew) { return atomic_load_explicit(&crew->wanted, memory_order_relaxed) != 0; }

// Nothing is in line: takes work from the injector, or sleeps until there is some, a timer is due, or something came from outside.
// False: the run is over.
bool crew_idle(Worker *worker) MUST_CHECK;

// An actor is ready and the caller is no worker of the VM, or runs no actors now.
void crew_inject(Crew *crew, Actor *actor);
// Wakes one that sleeps, if any does: work has been put where it looks.
void crew_wake(Crew *crew);
