// The workers of a VM together: their threads, how work spreads, who sleeps, and how all stand still. docs/workers.md argues for it.
#pragma once
#include <pthread.h>

#include "vm/spin.h"
#include "vm/worker.h"

enum {
  SHARE_MOST = 256,      // actors given away at once
};

// Bits and count of `wanted`: what others want of a worker that is between two slices.
enum { WANTED_HALT = 1u << 31, WANTED_STOP = 1u << 30 };  // the rest: workers without work

// Where a worker sleeps.
typedef struct Berth {
  _Alignas(64) _Atomic u32 word;  // BERTH_TAKEN while it sleeps; whoever wakes it changes that, under the door
  pthread_t thread;               // of a worker other than the first
} Berth;

enum { BERTH_FREE, BERTH_TAKEN };

typedef struct Crew {
  Vm *vm;
  u32 count;                 // workers
  u32 spins;                 // how often who has nothing to do looks again before it sleeps
  bool outside;              // it is worth a wait: see crew_idle()
  _Alignas(64) _Atomic u32 wanted;
  // The injector: actors ready to run, given away by who had many, or made ready by a thread that is no worker's.
  _Alignas(64) Spin lock;
  Actor *first, **tail;      // linked by next_ready
  _Atomic u32 injected;      // how many
  // For going to sleep, waking up, halting, and the end: all that is rare. It guards what follows.
  _Alignas(64) pthread_mutex_t door;
  pthread_cond_t still, go;  // somebody stands still now; nobody need any more
  _Atomic u32 asleep;        // workers that sleep, and those without a thread so far; others may look at it
  u32 present;               // workers that take part in the run, those without a thread so far among them
  _Atomic u32 started;       // the first so many have a thread; others may look at it
  u32 halted;                // workers that stand still
  Worker *halter;            // for whom
  Worker *poller;            // who of those that sleep waits for the outside
  u64 rises;                 // how often one of them has got up
  bool over;                 // the run has ended: nothing can happen any more
  VmResult end;              // of a run that was stopped
  Berth berths[];
} Crew;

// Makes what the workers share; the workers are there. False when memory is out.
bool crew_open(Vm *vm) MUST_CHECK;
void crew_close(Vm *vm);
// How many workers the options ask for.
u32 crew_size(const VmOptions *options);
// Before a run: it is to have only the first worker.
void crew_alone(Crew *crew);

// Runs until nothing can happen any more, on the calling thread and as many others as there are workers besides the first. A thread is
// started when there is work for it; all have ended when this returns.
void crew_run(Vm *vm);

// The run is to end as soon as all slices that run now are over. The first to say so wins. From any worker.
void crew_stop(Crew *crew, VmResult end);
static inline bool crew_stopping(const Crew *crew) { return atomic_load_explicit(&crew->wanted, memory_order_relaxed) & WANTED_STOP; }

// Runs `act` while no other worker runs an actor. If another worker halts the crew at the same moment, that one goes first. Between two
// slices; or within the worker's own, in a send to an actor that has no mailbox, where nothing is locked and nothing half done: then its
// running actor stands still amid its turn while another one acts, which must count it as running.
void crew_halt(Worker *worker, void (*act)(Worker *worker, void *context), void *context);

// Somebody wants something, and the worker's slice is over: gives work away, stands still. If crew_wanted().
void crew_attend(Worker *worker);
static inline bool crew_wanted(const Crew *crew) { return atomic_load_explicit(&crew->wanted, memory_order_relaxed) != 0; }

// Nothing is in line: takes work from the injector, or sleeps until there is some, time is up, or something came from outside. False:
// the run is over.
bool crew_idle(Worker *worker) MUST_CHECK;
// The worker that waits for the outside has got up, and is about to handle what has come (outside.c).
void crew_rise(Worker *worker);

// An actor's record can be freed, but others may still look at it within the slices that they run now (E5). Calls actor_dispose() (life.c)
// when they have ended: at once if no other worker runs. By the worker that made the actor; linked by next_ready.
void crew_retire(Worker *worker, Actor *actor);
void crew_retired(Worker *worker);  // frees those whose time has come; when no other worker runs, all

// An actor is ready and the caller is no worker of the VM, or runs no actors now.
void crew_inject(Crew *crew, Actor *actor);
// Takes a share of the injector into the worker's line, if there is anything.
void crew_take(Worker *worker);
// Wakes one that sleeps, if any does: work has been put where it looks.
void crew_wake(Crew *crew);
void crew_wake_all(Crew *crew);
void crew_wake_worker(Crew *crew, u32 index);  // this one, if it sleeps
