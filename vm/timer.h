// Timers: a hierarchical wheel in the manner of Varghese and Lauck (1987). Setting, cancelling and firing cost O(1).
//
// A tick is 1024 us. Level 0 has a slot for each of the next 64 ticks, level n one for each of the next 64 times 64^n; what lies
// further than the last level waits in its last slot and is placed again when its turn comes. Deadlines are kept to the microsecond,
// and timers fire in the order of deadlines, those of one deadline in the order in which they were set: a seeded run depends on it.
#pragma once
#include "vm/pool.h"

typedef struct Worker Worker;
typedef void (*TimerFire)(Worker *worker, void *context);

typedef struct Timer {
  struct Timer *next, *prev;   // in a slot's ring
  u64 at;                      // us
  u64 order;                   // of setting
  TimerFire fire;
  void *context;
  u16 level, slot;
} Timer;

enum { TIMER_TICK_SHIFT = 10, TIMER_LEVELS = 6, TIMER_SLOTS = 64 };

typedef struct Timers {
  Timer *slots[TIMER_LEVELS][TIMER_SLOTS];  // each a ring, its first timer
  u64 filled[TIMER_LEVELS];                 // a bit for each slot that is not empty
  u64 tick;                                 // all earlier ticks have been fired
  u64 set;                                  // timers ever set
  u64 count;                                // waiting now
} Timers;

// Fires once `now` has reached `at`. NULL when memory is out.
Timer *timers_set(Timers *timers, Pool *pool, u64 at, TimerFire fire, void *context) MUST_CHECK;
void timers_cancel(Timers *timers, Pool *pool, Timer *timer);
// Fires what is due. What is set meanwhile for a time already past may have to wait for the next call.
void timers_run(Timers *timers, Pool *pool, u64 now, Worker *worker);
// A time until which nothing will be due: the earliest deadline, or, while that is far, the time when it must be looked for again.
// UINT64_MAX if there is none.
u64 timers_next(const Timers *timers);
// Fires all that are left, whatever the time: each lets go of what it holds.
void timers_close(Timers *timers, Pool *pool, Worker *worker);
