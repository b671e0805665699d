// What reaches the VM from outside its actors: input, room for output, signals, the ends of calls that may block. One of the workers
// that have nothing to do waits for it; the others look in passing. docs/workers.md says who sleeps where.
//
// Nothing is opened and no thread is started before something needs it. What is handled is handled on a worker between two slices, by
// one worker at a time.
#pragma once
#include "vm/worker.h"

bool outside_open(Vm *vm) MUST_CHECK;
void outside_stop(Vm *vm);   // the run is over: no more jobs. On the first worker, when no other one runs and all actors are there still
void outside_close(Vm *vm);

// Handles what has come, and does not block. For any worker between two slices; if another one is at it, there is nothing to do.
void outside_look(Worker *worker);
// Whether anything may still come that an actor waits for: input that was asked for, output that could not be written yet, a call that
// runs. Signals do not count.
bool outside_awaited(const Vm *vm);
// Whether the system is at work for the program: a call runs.
bool outside_works(const Vm *vm);
// Blocks until something has come, outside_wake() was called, or so many microseconds have passed (negative: without limit), and handles
// it. One worker at a time.
void outside_wait(Worker *worker, i64 timeout_us);
// Ends the wait, or the next one if nobody waits. From any thread, and from signal handlers.
void outside_wake(Vm *vm);

// ---- Signals (signals.c) --------------------------------------------------------------------------------------------

// From the first to the second of these, signals are noted, each ends a wait, and SIGPIPE is ignored. After a SIGTERM the run has so much
// time to end in order.
void outside_begin(Vm *vm, u64 grace_us);
void outside_end(void);
int outside_signal(void);   // the signal for which the run is to end now: SIGINT, SIGHUP, or SIGTERM when its time is over; else 0
bool outside_ending(void);  // a SIGTERM has come, and the run has time to end in order
bool outside_asked(void);   // somebody wants to see who waits for whom; says it once

// ---- Descriptors ----------------------------------------------------------------------------------------------------

// A descriptor that is to be read from or written to. Embedded in what does it, which fills in the first three fields.
typedef struct Watch {
  int fd;
  u32 events;                                           // EPOLLIN or EPOLLOUT
  void (*ready)(Worker *worker, struct Watch *watch);   // it may be possible now; called once for each outside_watch()
  _Atomic bool armed;
  bool known;                                           // the system has been told of it
  bool always;                                          // what can't be waited for is always ready: a regular file
  struct Watch *next;
} Watch;

// Wants to hear of it once; counts as awaited until then. False when the system refuses.
bool outside_watch(Vm *vm, Watch *watch) MUST_CHECK;
void outside_unwatch(Vm *vm, Watch *watch);             // nobody waits for it any more
void outside_forget(Vm *vm, Watch *watch);              // the same, before the descriptor is closed

// ---- Jobs (jobs.c) --------------------------------------------------------------------------------------------------

// A call that may block, made by a thread of a small pool. Embedded in whatever a power keeps about it.
typedef struct Job {
  struct Job *next;
  void (*run)(struct Job *job);                   // on a thread of the pool: touches nothing of the VM but the job
  void (*done)(Worker *worker, struct Job *job);  // then, on some worker between two slices; frees the job
  // Instead of `done`, if the run is over before the call is: `leave` on the last worker, which lets go of all that is the VM's, maybe
  // while the call runs; then, on any thread and when no VM may be there any more, `discard`, which frees the job.
  void (*leave)(Worker *worker, struct Job *job);
  void (*discard)(struct Job *job);
  _Atomic bool awaited;                           // by an actor
  bool left;
} Job;

enum { JOB_THREADS = 8 };

// An actor waits for it: the run goes on for its sake. To be said before it is submitted, if so.
void outside_expect(Vm *vm, Job *job);
// With simulated time it is run at once, so that a run depends on nothing but its seed and input. False when no thread can be had.
bool outside_submit(Worker *worker, Job *job) MUST_CHECK;
// Nobody waits for what it finds out any more: the run need not go on for its sake.
void outside_unawait(Vm *vm, Job *job);
