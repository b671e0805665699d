// Timers: a hierarchical wheel in the manner of Varghese and Lauck (1987). Setting, cancelling and firing cost O(1).
//
// A tick is 1024 us. Level 0 has a slot for each of the next 64 ticks, level n one for each of the next 64 times 64^n; what lies
// further than the last level waits in its last slot and is placed again when its turn comes. Deadlines are kept to the microsecond,
// and timers fire in the order of deadlines, those of one deadline in the order in which they were set: a seeded run depends on it.
//
// A wheel is set and run by the worker that owns it, which holds its lock for one timer at a time. Anyone may cancel: whoever set a timer owns
// its record until he has cancelled it, even if it has fired.
#pragma once
#include "vm/pool.h"
#include "vm/spin.h"

typedef struct Worker Worker;

// What a timer is for.
typedef struct TimerKind {
  // Under the wheel's lock: takes what the timer is about, unless others have taken it. Short.
  bool (*claim)(void *context);
  // After the lock was released, if that was so.
  void (*act)(Worker *worker, void *context);
} TimerKind;

typedef struct Timer {
  struct Timer *next, *prev;   // in a slot's ring
  struct Timers *wheel;
  u64 at;                      // us
  u64 order;                   // of setting
  const TimerKind *kind;
  void *context;
  u16 level, slot;
  _Atomic bool fired;          // it has left the wheel
} Timer;

enum { TIMER_TICK_SHIFT = 10, TIMER_LEVELS = 6, TIMER_SLOTS = 64 };

typedef struct Timers {
  Timer *slots[TIMER_LEVELS][TIMER_SLOTS];  // each a ring, its first timer
  u64 filled[TIMER_LEVELS];                 // a bit for each slot that is not empty
  u64 tick;                                 // all earlier ticks have been fired
  u64 set;                                  // timers ever set
  _Atomic u64 count;                        // waiting now
  bool sorted;                              // the current tick's timers are in order
  Spin lock;
} Timers;

// Fires once `now` has reached `at`. NULL when memory is out.
Timer *timers_set(Timers *timers, Pool *pool, u64 at, const TimerKind *kind, void *context) MUST_CHECK;
// Frees the record. False: it has fired, and its claim is over. Unless that succeeded nothing will be done for it any more.
bool timers_cancel(Pool *pool, Timer *timer);
static inline bool timer_has_fired(const Timer *timer) { return atomic_load(&timer->fired); }
// Fires what is due. What is set meanwhile for a time already past may have to wait for the next call.
void timers_run(Timers *timers, u64 now, Worker *worker);
// A time until which nothing will be due: the earliest deadline, or, while that is far, the time when it must be looked for again.
// UINT64_MAX if there is none.
u64 timers_next(Timers *timers);
// Fires all that are left, whatever the time: each lets go of what it holds.
void timers_close(Timers *timers, Worker *worker);
