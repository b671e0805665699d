// What reaches the VM from outside its actors: input, signals, the ends of calls that may block. One of the workers that have nothing to
// do waits for it; the others look in passing. docs/workers.md says who sleeps where.
#pragma once
#include "vm/worker.h"

bool outside_open(Vm *vm) MUST_CHECK;
void outside_close(Vm *vm);

// Handles what has come, and does not block. For any worker between two slices; if another one is at it, there is nothing to do.
void outside_look(Worker *worker);
// Whether anything may still come that an actor waits for: input that was asked for, output that could not be written yet, a call that
// runs. Signals do not count.
bool outside_awaited(const Vm *vm);
// Blocks until something has come, outside_wake() was called, or so many microseconds have passed (negative: without limit), and handles
// it. One worker at a time.
void outside_wait(Worker *worker, i64 timeout_us);
// Ends the wait, or the next one if nobody waits. From any thread, and from signal handlers.
void outside_wake(Vm *vm);

// A call that may block, made by a thread of a small pool. Embedded in whatever a power keeps about it.
typedef struct Job {
  struct Job *next;
  void (*run)(struct Job *job);                  // on a thread of the pool: touches nothing of the VM but the job
  void (*done)(Worker *worker, struct Job *job); // then, on some worker between two slices; frees the job
} Job;

// Under --seed it is run at once, so that a run depends on nothing but its seed and input. False when no thread can be had.
bool outside_submit(Worker *worker, Job *job) MUST_CHECK;
