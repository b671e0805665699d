// The pool behind outside_submit(): what outside.c asks of jobs.c.
#pragma once
#include "vm/outside.h"

typedef struct Jobs Jobs;

Jobs *jobs_open(Vm *vm) MUST_CHECK;       // NULL when memory is out
// Calls `done` of all that have ended, leaves the others, and lets the threads go. A thread whose call does not end keeps nothing but
// its job and the pool, which it frees.
void jobs_close(Worker *worker, Jobs *jobs);
bool jobs_any(Jobs *jobs);                // that wait, run, or have been run
bool jobs_any_done(const Jobs *jobs);
void jobs_finish(Worker *worker, Jobs *jobs);  // calls `done` of those that have ended

// ---- outside.c ----
Jobs *outside_jobs(Vm *vm);
void outside_await(Vm *vm, i32 more);     // counts what actors wait for
