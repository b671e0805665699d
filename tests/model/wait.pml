// Waiting for a promise, settling it, calling off: docs/workers.md, P1 … P5, W4, Timers.
//
// What stands for what. `is_open`, `lock_of[…]`: Promise.state and Promise.lock; `linked`: a waiter is in the promise's ring. SUSPEND: begin(),
// look(), wake(): suspend_begin, suspend_look, suspend_end (suspend.c); Settler: settle_here and wake_waiters (promise.c); Timer: claim and
// act (timer.c), time_is_up (suspend.c); Doomer: actor_doom (life.c). CALLOFF: release(), call_off(): promise_release (life.h),
// promise_call_off, release_operated (promise.c); the operation is an alarm (power_clock.c), with its record and its timer. GROUP: Builder:
// group_new; settle_whole(), member_settled(), leave(), held_release(): promise.c. What is freed is a flag that whoever looks at it
// asserts.
//
// Spin knows one order of all steps. In C, `doomed`, `disturbed`, `fired` and the changes of `state` from and to SUSPENDED are
// sequentially consistent for that reason: each side writes one and then reads the other. All else is guarded by locks, or handed on
// with the actor.
//
// Scenes. SUSPEND: an actor waits, perhaps with a limit; the promise settles or not, and it may be doomed. CALLOFF: two hold a promise whose answer
// a timer brings, and let go of it. GROUP: members of all() or race() settle while it is being built, and who made it lets go.
//
// Mutants, and the scene that shows them:
// 1 SUSPEND  the actor says that it is suspended before it has the lock
// 2 SUSPEND  who settles wakes the actor after it has let go of the lock
// 3 SUSPEND  who becomes suspended does not look at `doomed`
// 4 SUSPEND  who becomes suspended does not look whether its time is up
// 5 SUSPEND  who dooms the actor leaves no mark that it must go by the lock
// 6 SUSPEND  that mark is left after the actor was made ready
// 7 SUSPEND  the timer is cancelled without the wheel's lock
// 8 SUSPEND  the timer makes the actor ready without the change of state
// 9 SUSPEND  it joins the ring without a look whether the promise is open
// 10 SUSPEND a settled promise is waited for no more, but its waiter stays in the ring
// 11 CALLOFF a count is given back first, and what is left is looked at then
// 12 CALLOFF the count is looked at first, and given back whatever it is by then
// 13 CALLOFF an operation is cancelled within the promise's lock
// 14 CALLOFF a timer acts without having taken the operation
// 15 CALLOFF the alarm's record is freed before its timer is cancelled
// 16 CALLOFF who calls off does not look again once he has the lock
// 17 GROUP   who leaves does not count those he took out of their rings
// 18 GROUP   who leaves counts those that are being told, too
// 19 GROUP   who built it does not leave again
// 20 GROUP   a member that tells the whole holds nothing
// 21 GROUP   the whole is settled without a look whether it is open
// 22 GROUP   members left in their rings do not hold the group

#define LOCK(l) atomic { !lock_of[l] -> lock_of[l] = true }
#define UNLOCK(l) lock_of[l] = false

bool lock_of[4];
#define PROMISE 0       /* in GROUP: the whole; members are 1, 2 */
#define WHEEL 3

bool is_open[3] = true;

#ifndef GROUP
bool in_wheel = true, fired, timer_freed;
#define TOUCH_TIMER assert(!timer_freed)

inline timers_cancel() {
#ifdef MUTANT_7
  d_step { TOUCH_TIMER; in_wheel = false; timer_freed = true }
#else
  LOCK(WHEEL);
  d_step { TOUCH_TIMER; in_wheel = false };
  UNLOCK(WHEEL);
  d_step { TOUCH_TIMER; timer_freed = true }
#endif
}
#endif

// ---- SUSPEND --------------------------------------------------------------------------------------------------------
#ifdef SUSPEND

mtype = { RUNNING, READY, SUSPENDED };
mtype state = READY;
bool begun, linked, doomed, disturbed, timed, turn_freed, ended;
byte running;
byte count = 2;         // of the promise: its waiter's and its settler's
chan line = [1] of { bit };

#define TOUCH_TURN assert(!turn_freed)
#define TOUCH_PROMISE assert(count)

inline ready() { atomic { assert(nfull(line) && !running && !ended); line!1 } }

inline wake_suspended() {
  d_step { won = state == SUSPENDED; if :: won -> state = READY :: else fi };
  if :: won -> ready() :: else fi
}

// True in `waits` if the actor is suspended now: then it may be anybody's.
inline begin() {
#ifdef MUTANT_1
  d_step { running--; state = SUSPENDED };
#endif
  LOCK(PROMISE);
  d_step { TOUCH_TURN; TOUCH_PROMISE; waits = is_open[0]; };
#ifdef MUTANT_9
  waits = true;
#endif
  if
  :: waits ->
     d_step { TOUCH_TURN; linked = true };
#ifndef MUTANT_1
     d_step { running--; state = SUSPENDED };
#endif
     over = false;
#ifndef MUTANT_3
     over = over || doomed;
#endif
#ifndef MUTANT_4
     over = over || timed && fired;
#endif
     if
     :: over ->
        d_step { over = state == SUSPENDED; if :: over -> running++; state = RUNNING :: else fi };
        if :: over -> d_step { TOUCH_TURN; linked = false; waits = false } :: else fi
     :: else
     fi
  :: else
  fi;
  UNLOCK(PROMISE)
}

inline unwait() {
  LOCK(PROMISE);
  d_step { TOUCH_TURN; TOUCH_PROMISE; if :: is_open[0] -> linked = false :: else fi };
  UNLOCK(PROMISE)
}

// What it finds: OVER, DOOMED, AGAIN.
inline look() {
  do
  :: true ->
     d_step { over = disturbed || is_open[0]; if :: over -> disturbed = false :: else fi };
#ifndef MUTANT_10
     if :: over -> unwait() :: else fi;
#endif
     if
     :: !is_open[0] -> break
     :: else -> if :: timed && fired -> break :: else fi
     fi;
     if :: doomed -> break :: else fi;
     begin();
     if :: waits -> break :: else fi
  od
}

inline go_on() {
  waits = false;
  if
  :: !is_open[0] && !disturbed && !timed      // plain: no lock
  :: else -> look()
  fi;
  if
  :: waits
  :: else ->            // over or doomed: its turn goes on, or goes
     if :: timed -> timers_cancel() :: else fi;
     d_step { TOUCH_TURN; turn_freed = true; ended = true; running-- };
     d_step { TOUCH_PROMISE; count-- }
  fi
}

active [2] proctype Worker() {
  bool waits, over;
end:
  do
  :: atomic { line?_ -> assert(!running && !ended); running++; state = RUNNING }
     if
     :: !begun -> begun = true; begin(); if :: waits :: else -> go_on() fi
     :: else -> go_on()
     fi
  od
}
active proctype Settler() {
  bool won;
  if
  :: skip
  :: true ->
     LOCK(PROMISE);
     is_open[0] = false;
     won = linked;
#ifdef MUTANT_2
     UNLOCK(PROMISE);
#endif
     if
     :: won -> d_step { TOUCH_TURN; linked = false }; d_step { TOUCH_TURN }; wake_suspended()
     :: else
     fi;
#ifndef MUTANT_2
     UNLOCK(PROMISE);
#endif
     d_step { TOUCH_PROMISE; count-- }
  fi
}

active proctype Doomer() {
  bool won;
  if
  :: skip
  :: true ->
     doomed = true;
#if !defined(MUTANT_5) && !defined(MUTANT_6)
     disturbed = true;
#endif
     wake_suspended();
#ifdef MUTANT_6
     disturbed = true;
#endif
  fi
}

active proctype Timer() {
  bool won;
end:
  timed;
  LOCK(WHEEL);
  if
  :: in_wheel ->
     d_step { TOUCH_TIMER; in_wheel = false };
     d_step { TOUCH_TIMER; fired = true };
     disturbed = true;
#ifdef MUTANT_8
     won = true;
     state = READY;
#else
     d_step { won = state == SUSPENDED; if :: won -> state = READY :: else fi };
#endif
     UNLOCK(WHEEL);
     if :: won -> d_step { TOUCH_TIMER }; ready() :: else fi
  :: else -> UNLOCK(WHEEL)
  fi
}

active proctype Finally() {
  if :: timed = true :: skip fi;
  line!1;
  timeout ->
  assert(!lock_of[0] && !lock_of[WHEEL] && empty(line));
  assert(ended || is_open[0] && !doomed && !(timed && fired))
}
#endif

// ---- CALLOFF --------------------------------------------------------------------------------------------------------
#ifdef CALLOFF

#define OPERATED 8
byte count = 3 + OPERATED;     // of two holders, and of the alarm
bool operation = true, alarm_freed, rung, called_off;

#define TOUCH_PROMISE assert(count)
#define TOUCH_ALARM assert(!alarm_freed)

inline compare_and_subtract() {
  d_step { TOUCH_PROMISE; won = count == c; if :: won -> count-- :: else fi };
}

inline take_operation() { d_step { TOUCH_PROMISE; operation = false; count = count & 7 } }

inline alarm_free() {
#ifdef MUTANT_15
  d_step { TOUCH_ALARM; alarm_freed = true };
  timers_cancel();
#else
  d_step { TOUCH_ALARM };
  timers_cancel();
#endif
  release();
  skip;
#ifndef MUTANT_15
  d_step { TOUCH_ALARM; alarm_freed = true }
#endif
}

// Of the last count but the alarm's: in `off` whether the operation is the caller's now.
inline call_off() {
  LOCK(PROMISE);
  off = false;
  gone = operation;
#ifdef MUTANT_16
  gone = true;
#endif
  if
  :: gone ->
     do
     :: true ->
        d_step { TOUCH_PROMISE; c = count };
        if
#ifdef MUTANT_16
        :: true ->
#else
        :: c == 2 + OPERATED ->
#endif
           take_operation(); d_step { TOUCH_PROMISE; count-- }; off = true; break
        :: else -> compare_and_subtract(); if :: won -> break :: else fi
        fi
     od
  :: else
  fi;
#ifdef MUTANT_13
  if :: off -> called_off = true; timers_cancel() :: else fi;
#endif
  skip;
  d_step { TOUCH_PROMISE; UNLOCK(PROMISE) }
}

// promise_release(). In `off` whether the operation is the caller's now.
inline release() {
  off = false;
  do
  :: true ->
#ifdef MUTANT_11
     d_step { TOUCH_PROMISE; count--; c = count };
     if
     :: c == 1 + OPERATED ->
        LOCK(PROMISE);
        d_step { TOUCH_PROMISE; off = operation };
        if :: off -> take_operation() :: else fi;
        d_step { TOUCH_PROMISE; UNLOCK(PROMISE) }
     :: else
     fi;
     break
#elif defined(MUTANT_12)
     d_step { TOUCH_PROMISE; c = count };
     if
     :: c == 2 + OPERATED -> call_off(); if :: gone -> break :: else fi
     :: else -> d_step { TOUCH_PROMISE; count-- }; break
     fi
#else
     d_step { TOUCH_PROMISE; c = count };
     if
     :: c == 2 + OPERATED -> call_off(); if :: gone -> break :: else fi     // else it has settled meanwhile
     :: else -> compare_and_subtract(); if :: won -> break :: else fi
     fi
#endif
  od
}

active [2] proctype Holder() {
  byte c;
  bool won, gone, off;
  release();
  if
  :: off ->
#ifndef MUTANT_13
     assert(!called_off && !rung);
     called_off = true;
     alarm_free()
#else
     release();
     skip;
     d_step { TOUCH_ALARM; alarm_freed = true }
#endif
  :: else
  fi
}

active proctype Timer() {
  byte c;
  bool won, gone, off;
  if
  :: skip
  :: true ->
     LOCK(WHEEL);
     if
     :: in_wheel ->
        d_step { TOUCH_TIMER; in_wheel = false; fired = true };
        d_step { TOUCH_ALARM };
        LOCK(PROMISE);
        d_step { TOUCH_PROMISE; won = operation };
        if :: won -> take_operation() :: else fi;
        d_step { TOUCH_PROMISE; UNLOCK(PROMISE) };
#ifdef MUTANT_14
        won = true;
#endif
        UNLOCK(WHEEL);
        if
        :: won ->
           assert(!rung && !called_off);
           rung = true;
           d_step { TOUCH_TIMER; TOUCH_ALARM };
           LOCK(PROMISE);
           d_step { TOUCH_PROMISE; is_open[0] = false };
           d_step { TOUCH_PROMISE; UNLOCK(PROMISE) };
           alarm_free()
        :: else
        fi
     :: else -> UNLOCK(WHEEL)
     fi
  fi
}

active proctype Finally() {
  timeout ->
  assert(!lock_of[0] && !lock_of[WHEEL]);
  assert(count == 0 && alarm_freed && timer_freed && (rung || called_off))
}
#endif

// ---- GROUP ----------------------------------------------------------------------------------------------------------
#ifdef GROUP

bool linked[3];         // member's waiter, in the ring of member 1, 2
byte held = 4;          // Group.held: the whole's operation, who builds it, each member
byte members_open = 2;  // Group.open
bool all;
bool operation = true;  // Promise.operation and .group of the whole
bool group_freed, built;
byte heard;

#define TOUCH_GROUP assert(!group_freed)

inline held_release(n) {
  d_step {
    TOUCH_GROUP;
    assert(held >= n);
    held = held - n;
    if :: !held -> group_freed = true :: else fi
  }
}

// group_leave(): none of the members tells the whole any more.
inline leave(by) {
  given = by;
  i = 1;
  do
  :: i <= 2 ->
     d_step { TOUCH_GROUP };
     LOCK(i);
     d_step {
       TOUCH_GROUP;
#ifdef MUTANT_18
       out = linked[i] || !is_open[i];
#else
       out = is_open[i] && linked[i];
#endif
       if :: out -> linked[i] = false :: else fi;
#ifndef MUTANT_17
       given = given + out;
#endif
     }
     UNLOCK(i);
     i++
  :: else -> break
  od;
  held_release(given)
}

inline settle_whole() {
  LOCK(PROMISE);
  out = is_open[0];
#ifdef MUTANT_21
  out = true;
#endif
  if
  :: out ->
     d_step { heard++; assert(heard == 1); is_open[0] = false; took = operation; operation = false };
     UNLOCK(PROMISE);
     if :: took -> leave(1) :: else fi
  :: else -> UNLOCK(PROMISE)
  fi
}

inline member_settled() {
  d_step { TOUCH_GROUP; last = !all; if :: all -> members_open--; last = !members_open :: else fi };
  if :: last -> settle_whole() :: else fi;
#ifndef MUTANT_20
  held_release(1)
#endif
}

active proctype Builder() {
  byte i, at = 1, given;
  bool out, took, last;
  if :: all = true :: skip fi;
  built = true;         // members may settle from now on
  do
  :: at <= 2 && is_open[0] ->
     LOCK(at);
     d_step { TOUCH_GROUP; out = is_open[at]; if :: out -> linked[at] = true :: else fi };
     UNLOCK(at);
     if :: out :: else -> member_settled() fi;
     at++
  :: else -> break
  od;
  given = 1 + 3 - at;
#ifdef MUTANT_22
  given = given + 2;
#endif
  if
#ifndef MUTANT_19
  :: !is_open[0] -> leave(given)
#endif
  :: else -> held_release(given)
  fi;
  // Who made it lets go of it, or keeps it.
  if
  :: skip
  :: true ->
     LOCK(PROMISE);
     d_step { took = operation; operation = false };
     UNLOCK(PROMISE);
     if :: took -> leave(1) :: else fi
  fi
}

active [2] proctype Settler() {
  byte i, given;
  bool out, took, last;
  built;
  if
  :: LOCK(_pid); is_open[_pid] = false; UNLOCK(_pid)    // Builder is process 0
  :: true                                               // never
  fi;
  // announce(): of a settled promise the ring is its settler's.
  if
  :: !is_open[_pid] && linked[_pid] -> d_step { TOUCH_GROUP; linked[_pid] = false }; member_settled()
  :: else
  fi
}

active proctype Finally() {
  timeout ->
  assert(!lock_of[0] && !lock_of[1] && !lock_of[2]);
  assert(group_freed || is_open[0] && operation)
}
#endif
