// A mailbox, and how its actor ends: docs/workers.md, W1 … W3, E1, E2, E4.
//
// What stands for what. `inbox`, `nxt`: Actor.inbox and Message.next (mailbox.h: mailbox_push, mailbox_pushed, mailbox_idle,
// mailbox_close). `state`, `doomed`, `weight`: the actor's. `line`: the lines of all workers and the injector together; it holds the one
// actor or nothing. Sender, Late, Doomer, Watcher: slices of other workers in which a reference to the actor is used and dropped; Worker:
// one that runs the actor. push(), go_idle(), take_turns(): mailbox_push + actor_post, go_idle, look_back, stall and
// take_turns (turn.c). actor_end(), weight_return(), look(), reap(), make_ready(): life.c; Watcher: call_off() of watch.c. What each does between two looks at something shared is one step here.
//
// Spin knows one order of all steps. So whatever another process may see must be sequentially consistent in C where a process writes one
// thing and then reads another: the mark MAILBOX_IDLE, then `weight` and `doomed`; `doomed`, then the mark and `state`; the
// subtraction from `weight`, then the mark. MUTANT_14 shows what comes of a load that passes its own mark, as release allows.
//
// Checked: each message is handled, dropped or refused, once, those of one sender in order; the actor stands in one line at most and is
// run by one worker; who is doomed ends; the record is freed once, when all is over, and nobody touches it afterwards.

// Three scenes, for all of it at once is too much. ORDER: one sends twice, and another once. DOOM: one of two dooms the actor, which may have
// suspended itself. WATCH: somebody watches it, and gives that up; it may end by itself.

// Mutants, and the scene that shows them:
// 1 ORDER  who replaces the mark makes nobody ready
// 2 ORDER  everybody who pushes makes it ready
// 3 ORDER  the mark is stored, whatever came meanwhile
// 4 ORDER  the stack is not turned over
// 5 DOOM   who has gone idle or is suspended does not look at `doomed`
// 6 DOOM   `doomed` is set after the attempt to make the actor ready
// 7 ORDER  memory goes at once
// 8 ORDER  the idle one is closed without becoming its owner
// 9 WATCH  an ended one is freed without a claim
// 10 DOOM  the end takes its own weight after it has said that the actor has ended
// 11 ORDER who has gone idle does not look at the weight
// 12 WATCH who took the last watch away does not look
// 13 ORDER what was pushed is taken by a load and a store
// 14 ORDER the look at the weight passes the mark
// 15 WATCH an actor that ends tells a watch that is being called off
// 16 DOOM  the mailbox is emptied, then closed
// 17 WATCH an actor goes though it is watched
// 18 ORDER its owner closes it though a message came
// 19 DOOM  the weight of an ended one is not looked at anew
// 20 WATCH who looks for watches does not see that the actor has ended meanwhile
// 21 DOOM  an idle one that is doomed goes without a word

#define NONE 0
#define IDLE 4          /* marks; smaller ones are messages */
#define CLOSED 5

mtype = { SUSPENDED, ACTIVE, ENDED };   // ACTIVE: idle, ready or running

byte inbox = IDLE;
byte nxt[4];
#ifdef ORDER
byte weight = 1;        // of Sender
#else
byte weight = 2;        // and of Doomer or Watcher
#endif
mtype state = ACTIVE;
bool doomed, reaping;
chan mine = [3] of { byte };   // Actor.queue: its owner's
chan line = [1] of { bit };
chan minted = [1] of { bit };

// The watch: in the actor's list, or taken out; its promise's operation (P4), there or taken.
#ifdef WATCH
bool watched = true;
#else
bool watched;
#endif
bool operation = true, watch_freed;

// What only the proof looks at.
byte running;           // how many run the actor
bool killed;            // it has ended as actors do, not just gone
byte claims;            // how many took the right to free it
byte fate[4];           // of each message: how often it was handled, dropped or refused
byte last_of_sender;
byte inside, grace;     // processes within a slice; those of them that were when the actor was claimed (bits)
bool freed;

#define BIT (1 << _pid)
#define TOUCH assert(!freed)
#define TOUCH_WATCH assert(!watch_freed)

// A slice begins with its first step.
#define BEGIN inside = inside | BIT
inline slice_end() {
  d_step {
    inside = inside & (255 - BIT);
    grace = grace & (255 - BIT);
    if :: claims && !grace -> freed = true :: else fi
  }
}

// sched_ready(): W2 says that there is one winner.
inline ready() { atomic { TOUCH; assert(nfull(line) && !running); line!1 } }

// ---- Messages -------------------------------------------------------------------------------------------------------

inline push(m) {
  d_step {              // the compare-and-swap that succeeds
    BEGIN; TOUCH;
    old = inbox;
    if
    :: old != CLOSED -> nxt[m] = (old == IDLE -> NONE : old); inbox = m
    :: else -> fate[m]++
    fi
  }
#ifdef MUTANT_2
  if :: old != CLOSED -> ready() :: else fi;
#elif !defined(MUTANT_1)
  if :: old == IDLE -> ready() :: else fi;
#endif
}

// mailbox_pushed() and mailbox_queue(): what was pushed, oldest first, into `mine`.
inline collect() {
#ifdef MUTANT_13
  TOUCH; m = inbox;     // no exchange
  TOUCH; inbox = NONE;
#else
  d_step { TOUCH; m = inbox; inbox = NONE };
#endif
  d_step {
#ifndef MUTANT_4
    old = NONE;         // turn it over
    do :: m -> next = nxt[m]; nxt[m] = old; old = m; m = next :: else -> break od;
    m = old;
#endif
    do :: m -> mine!m; m = nxt[m] :: else -> break od
  }
}

inline make_ready() {
  d_step { TOUCH; won = inbox == IDLE; if :: won -> inbox = NONE :: else fi };
  if
  :: won -> ready()
  :: else ->
     d_step { TOUCH; won = state == SUSPENDED; if :: won -> state = ACTIVE :: else fi };
     if :: won -> ready() :: else fi
  fi
}

// ---- Ending ---------------------------------------------------------------------------------------------------------

// The right to free: `reaping` is exchanged, and the memory goes once all slices that now run are over (crew_retire).
inline reap() {
  d_step {
    TOUCH;
#ifdef MUTANT_9
    won = true;
#else
    won = !reaping;
#endif
    reaping = true;
    if
    :: won ->
       claims++;
       assert(claims == 1 && !running);
       grace = inside
    :: else
    fi
  }
}

// free_if_gone(). Its end holds a weight until all is told: so with no weight out after it has ended, there will be none any more.
inline free_if_gone() {
#ifdef MUTANT_19
  won = true;
#else
  d_step { TOUCH; won = !weight };
#endif
  if :: won -> reap() :: else fi
}

inline is_wanted() {
  d_step { TOUCH; won = weight > 0 };
#if defined(WATCH) && !defined(MUTANT_17)
  if
  :: !won ->
     d_step {           // under the watch lock: where the list was there is a text, once the actor has ended
       TOUCH;
#ifdef MUTANT_20
       assert(state != ENDED);
#endif
       won = watched && state != ENDED
     }
  :: else
  fi
#endif
}

inline rouse() { d_step { TOUCH; won = inbox == IDLE; if :: won -> inbox = NONE :: else fi } }

// actor_unreachable(): whether the actor can go. Who wants to know becomes its owner first, as if to run it: then nobody else can mint, and
// with no weight out nobody can send.
inline look() {
  d_step { TOUCH; won = state == ENDED };
  if
  :: won -> free_if_gone()
  :: else ->
     do
     :: true ->
        is_wanted();
        if :: won -> break :: else fi;
#ifdef MUTANT_8
        d_step { TOUCH; won = inbox == IDLE; if :: won -> inbox = CLOSED :: else fi };
        if :: won -> reap() :: else fi;
        break
#else
        rouse();
        if :: !won -> break :: else fi;
        is_wanted();
        won = !won;
#ifndef MUTANT_21
        if :: won -> d_step { TOUCH; won = !doomed } :: else fi;
#endif
#ifdef MUTANT_18
        if :: won -> d_step { TOUCH; inbox = CLOSED } :: else fi;
#else
        if :: won -> d_step { TOUCH; won = inbox == NONE; if :: won -> inbox = CLOSED :: else fi } :: else fi;
#endif
        if
        :: won ->
           reap();
           d_step { TOUCH; state = ENDED };       // free_unheard()
#ifdef MUTANT_7
           freed = true;                          // at once
#endif
           break
        :: else
        fi;
        d_step { TOUCH; won = inbox == NONE; if :: won -> inbox = IDLE :: else fi };
        if
        :: !won -> ready(); break                 // a message came
        :: else ->
           d_step { TOUCH; won = doomed };
           if :: won -> rouse() :: else fi;
           if :: won -> ready(); break :: else fi
        fi
#endif
     od
  fi
}

inline weight_return() {
  d_step { BEGIN; TOUCH; assert(weight); weight--; won = !weight };
  if :: won -> look() :: else fi
}

inline actor_end() {
#ifndef MUTANT_10
  d_step { TOUCH; weight++ };     // outlives what is told
#endif
  d_step { TOUCH; state = ENDED; killed = true };  // under the watch lock
#ifdef WATCH
  d_step {              // under it again; the operation under its promise's besides
    had = watched;
    watched = false;
    if :: had -> TOUCH_WATCH; had = operation; operation = false :: else fi;
#ifdef MUTANT_15
    had = true;
#endif
  }
#endif
#ifdef MUTANT_10
  d_step { TOUCH; weight++ };
#endif
#ifdef MUTANT_16
  collect();
  TOUCH; inbox = CLOSED;
#else
  d_step { TOUCH; m = inbox; inbox = CLOSED };
  d_step { do :: m -> fate[m]++; m = nxt[m] :: else -> break od };
#endif
  d_step { do :: mine?m -> fate[m]++ :: empty(mine) -> break od };
  if :: had -> d_step { TOUCH_WATCH; watch_freed = true } :: else fi;
  running--;
  weight_return()
}

// ---- Running --------------------------------------------------------------------------------------------------------

// False (in `won`) if something came.
inline go_idle() {
#ifdef MUTANT_14
  d_step { TOUCH; zero = !weight };    // a load that went ahead of the mark
#endif
#ifdef MUTANT_3
  d_step { TOUCH; won = inbox == NONE };
  if :: won -> d_step { inbox = IDLE; running-- } :: else fi;
#else
  d_step { TOUCH; won = inbox == NONE; if :: won -> inbox = IDLE; running-- :: else fi };
#endif
}

inline handle() {
  d_step {
    TOUCH;
    fate[m]++;
    if :: m < 3 -> assert(m > last_of_sender); last_of_sender = m :: else fi
  }
#ifndef WATCH
  if :: m == 1 -> atomic { TOUCH; weight++; minted!1 } :: else fi
#endif
}

// look_back(): after the mark stands the record may be anybody's.
inline look_back() {
#ifdef MUTANT_5
  won = false;
#else
  d_step { TOUCH; won = doomed };
#endif
  if
  :: won -> d_step { TOUCH; won = inbox == IDLE; if :: won -> inbox = NONE; running++ :: else fi }
  :: else
  fi;
  if
  :: won -> actor_end()
  :: else ->
#ifdef MUTANT_14
     won = zero;
#elif defined(MUTANT_11)
     won = false;
#else
     d_step { TOUCH; won = !weight };
#endif
     if :: won -> look() :: else fi
  fi
}

// stall(): the same for one that is suspended.
inline stall() {
  d_step { TOUCH; running--; state = SUSPENDED };
#ifdef MUTANT_5
  won = false;
#else
  d_step { TOUCH; won = doomed };
#endif
  if :: won -> d_step { TOUCH; won = state == SUSPENDED; if :: won -> state = ACTIVE :: else fi } :: else fi;
  if :: won -> ready() :: else fi
}

inline take_turns() {
  atomic { running++; assert(running == 1) }
  do
  :: true ->
     d_step { TOUCH; won = doomed };
     if :: won -> actor_end(); break :: else fi;
     if :: empty(mine) -> collect() :: nempty(mine) fi;
     if
     :: mine?m ->
        handle();
        if
#ifdef WATCH
        :: m == 1 -> actor_end(); break
#endif
#ifdef DOOM
        :: m == 1 -> stall(); break
#endif
        :: m == 3 -> atomic { running--; line!1 }; break      // its slice is over
        :: m != 3
        fi
     :: empty(mine) ->
        go_idle();
        if
        :: won -> look_back(); break
        :: else
        fi
     fi
  od
}

active [2] proctype Worker() {
  byte m, old, next;
  bool won, had, zero;
end:
  do
  :: atomic { line?_ -> BEGIN };
     take_turns();
     slice_end()
  od
}

// ---- The others -----------------------------------------------------------------------------------------------------

active proctype Sender() {
  byte old;
  bool won;
  push(1); slice_end();
#ifdef ORDER
  push(2);
#endif
  weight_return(); slice_end()
}

// Has the reference that the actor mints while all its other ones may be gone.
active proctype Late() {
  byte old;
  bool won;
end:
  atomic { minted?_ -> BEGIN };
  push(3);
  weight_return();
  slice_end()
}

#ifdef DOOM
active proctype Doomer() {
  bool won;
  byte old;
  if
  :: true ->
#ifdef MUTANT_6
     BEGIN; make_ready();
     d_step { TOUCH; doomed = true }
#else
     d_step { BEGIN; TOUCH; doomed = true };
     make_ready()
#endif
  :: skip
  fi;
  weight_return();
  slice_end()
}

#endif

#ifdef WATCH
// Nobody wants to hear of the actor's end any more: watch_cancel.
active proctype Watcher() {
  bool won, listed;
  byte old;
  weight_return();
  slice_end();
  d_step { BEGIN; won = operation; operation = false };
  if
  :: won ->
     d_step {           // under the watch lock
       TOUCH_WATCH;
       listed = watched;
       watched = false
     };
     d_step { TOUCH_WATCH; watch_freed = true };
#ifdef MUTANT_12
     listed = false;
#endif
     if :: listed -> look() :: else fi
  :: else
  fi;
  slice_end()
}

#endif

active proctype Finally() {
  timeout ->
  assert(!running && empty(line) && (empty(mine) || state == SUSPENDED));
  assert(!doomed || killed);
  assert(fate[1] == 1 && (fate[3] == 1 || state == SUSPENDED || Late@end));
#ifdef ORDER
  assert(fate[2] == 1);
#endif
#ifdef WATCH
  assert(watch_freed);
#endif
  assert(fate[1] <= 1 && fate[2] <= 1 && fate[3] <= 1);
  assert(state == SUSPENDED || freed)
}
