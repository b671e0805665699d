// Workers that find nothing to do, and workers that stand still: docs/workers.md, "Lines, and how work spreads", "Sleeping", "Halting".
//
// What stands for what: vm/crew.c, name by name. `door`, `asleep`, `present`, `halted`, `halter`, `poller`, `rises`, `over`, `berth`: the Crew's;
// `ready`: how many actors stand in each worker's line; `injected`: how many in the injector; HALT_BIT and STOP_BIT of `wanted` are flags.
// `timer`: its wheel holds one; `awaited`, `came`: something from outside is asked for, has come; `woken`: outside_wake() was called.
// A condition variable is a flag that is taken down before the wait, so that a signal that nobody sends is missed. Time: whatever has
// a limit may end at any moment.
//
// Spin knows one order of all steps, and so must C between `injected` and `asleep` (crew_wake, rest), for no lock covers both. The scene BUFFER has
// a processor that keeps its stores back for a while: what it shows is that one fence less loses a wake-up.
//
// Checked: the run ends, by a deadlock of the model otherwise; it ends only when nothing is in a line, no timer waits, and nothing is awaited,
// or somebody stopped it; no slice runs while there is work that another, who sleeps, ought to do; while a halter acts, nobody runs an actor or handles what has come. Scenes WORK, HALT, STOP: two workers; what
// may happen differs.
//
// Mutants, and the scene that shows them:
// 1 WORK    who goes to sleep does not look at the injector once more
// 2 WORK    who gives work looks for sleepers first
// 3 WORK    who gets up by itself goes on counting as asleep
// 4 WORK    the last one does not look at the wheels
// 5 WORK    the last one does not ask whether something is awaited from outside
// 6 WORK    who waits for the outside is woken like the others
// 7 WORK    who waited for the outside leaves its post filled
// 8 WORK    the last one does not see that others have got up while it opened the door
// 9 WORK    the last one tells nobody that it is over
// 10 HALT   who got up runs on though somebody acts
// 11 STOP   who has left still counts as present
// 12 STOP   who leaves tells no halter
// 13 HALT   two halt the crew at once
// 14 HALT   sleepers do not count as still
// 15 HALT   who goes to sleep does not see that somebody waits for it to stand still
// 16 STOP   stopping wakes nobody
// 17 HALT   what has come is handled while its worker still counts as asleep
// 18 BUFFER who gives work has no fence between putting it there and looking
// 19 BUFFER who goes to sleep has none between saying so and looking

#ifndef BUFFER

#define NOBODY 9
#define me _pid
#define COUNT 2
// What may still happen.
#ifdef WORK
byte spawns = 1, timers = 1, asks = 1, halts = 0, stops = 0;
#elif defined(HALT)
byte spawns = 1, timers = 0, asks = 1, halts = 2, stops = 0;
#else
byte spawns = 1, timers = 0, asks = 0, halts = 1, stops = 1;
#endif

bool door, halt_bit, stop_bit, over, woken, still, awaited, came, acting;
byte asleep, present = COUNT, halted, halter = NOBODY, poller = NOBODY, rises, injected, wanted, running, at_work;
byte ready[COUNT];
bool berth[COUNT], timer[COUNT], sleeping[COUNT];   // sleeping: nothing but a wake-up or a limit lets it go on

#ifdef MUTANT_15
#define ANY_WORK (injected || stop_bit)
#else
#define ANY_WORK (injected || stop_bit || halt_bit)
#endif
#ifdef MUTANT_14
#define ALL_STILL (halted == present - 1)
#else
#define ALL_STILL (halted + asleep == present - 1)
#endif

inline enter() { atomic { !door -> door = true } }
inline leave_door() { door = false }

// ---- Halting --------------------------------------------------------------------------------------------------------

inline comply() {
  do
  :: halter != NOBODY ->
     d_step { halted++; if :: ALL_STILL -> still = true :: else fi; door = false };
     halter == NOBODY;
     enter();
     halted--
  :: else -> break
  od;
  skip
}

inline halt() {
  enter();
#ifndef MUTANT_13
  comply();
#endif
  d_step { halter = me; halt_bit = true };
  do
  :: !ALL_STILL ->
     d_step { still = false; door = false };
     still;
     enter()
  :: else -> break
  od;
  leave_door();
  d_step { assert(!acting && !running); acting = true };
  d_step { assert(!running && halter == me); acting = false };
  enter();
  d_step { halter = NOBODY; halt_bit = false; door = false }
}

// ---- Waking: behind the door ----------------------------------------------------------------------------------------

inline get_up(w) { d_step { berth[w] = false; sleeping[w] = false; asleep--; rises++ } }

inline rouse(w) {
  get_up(w);
#ifndef MUTANT_6
  if :: poller == w -> woken = true :: else fi
#endif
}

inline wake_one() {
  w = 0;
  do
  :: w < COUNT && (!berth[w] || poller == w) -> w++
  :: w < COUNT && berth[w] && poller != w -> rouse(w); break
  :: w == COUNT ->
     if :: poller != NOBODY -> w = poller; if :: berth[w] -> rouse(w) :: else fi :: else fi;
     break
  od;
  w = 0
}

inline crew_wake() {
  if
  :: asleep -> enter(); wake_one(); leave_door()
  :: else
  fi
}

inline wake_all() {
  w = 0;
  do
  :: w < COUNT -> if :: berth[w] -> rouse(w) :: else fi; w++
  :: else -> break
  od;
  w = 0
}

// ---- Work -----------------------------------------------------------------------------------------------------------

inline take() {
  d_step { if :: injected -> injected--; ready[me]++ :: else fi }
}

inline share() {
  if
  :: wanted && ready[me] > 1 && !injected ->
#ifdef MUTANT_2
     some = asleep;
     d_step { ready[me]--; injected++ };
     if :: some -> enter(); wake_one(); leave_door() :: else fi
#else
     d_step { ready[me]--; injected++ };
     crew_wake()
#endif
  :: else
  fi
}

// An actor runs, and may do this and that; once it has ended nothing is left of it.
inline slice() {
  // It may last as long as it likes: nothing must depend on it.
  d_step { assert(!acting && !over && !(injected && sleeping[1 - me])); running++ };
  if
  :: d_step { spawns -> spawns--; ready[me]++; ready[me]++ }
  :: d_step { timers -> timers--; timer[me] = true }
  :: d_step { asks -> asks--; awaited = true }
  :: true
  fi;
  d_step { assert(!acting); running--; ready[me]-- };
  if
  :: d_step { halts -> halts-- }; halt()
  :: d_step { stops -> stops-- };
     stop_bit = true;
     enter();
#ifndef MUTANT_16
     wake_all();
#endif
     leave_door()
  :: true
  fi
}

// ---- Having nothing to do -------------------------------------------------------------------------------------------

// In `some` whether there is something to do after all, or the run is over.
inline last_one() {
  seen = rises;
  leave_door();
  if :: d_step { halts -> halts-- }; halt() :: true fi;   // the search for deadlocks
  enter();
  d_step {
    some = ANY_WORK;
#ifndef MUTANT_8
    some = some || rises != seen;
#endif
    if
    :: !some ->
       over = true;
#ifndef MUTANT_4
       over = over && !timer[0] && !timer[1];
#endif
#ifndef MUTANT_5
       over = over && !awaited;
#endif
       some = over
    :: else
    fi
  }
#ifndef MUTANT_9
  if :: over -> wake_all() :: else fi
#endif
}

// Handles what has come.
inline handle() {
  d_step { if :: came -> assert(!acting); came = false; awaited = false; ready[me]++ :: else fi }
}

inline crew_rise() {
#ifdef MUTANT_17
  handle();
#endif
  enter();
#ifndef MUTANT_7
  poller = NOBODY;
#endif
#ifndef MUTANT_3
  if :: berth[me] -> get_up(me) :: else fi;
#endif
#ifndef MUTANT_10
  comply();
#endif
  leave_door();
  handle()
}

inline sleep_until() {
  d_step { sleeping[me] = true; polls = poller == NOBODY; if :: polls -> poller = me :: else fi; door = false };
  if
  :: polls ->
     if
     :: d_step { woken -> woken = false }
     :: came
     :: limited
     fi;
     crew_rise();
     enter()
  :: else ->
     if
     :: !berth[me]
     :: limited
     fi;
     enter();
#ifndef MUTANT_3
     if :: berth[me] -> get_up(me) :: else fi;
#endif
#ifndef MUTANT_10
     comply()
#endif
  fi
}

inline rest() {
  limited = timer[me];
  enter();
#ifndef MUTANT_15
  comply();
#endif
  some = over || ANY_WORK;
  if
  :: !some && asleep == present - 1 -> last_one()
  :: else
  fi;
  if
  :: !some ->
     d_step { berth[me] = true; asleep++ };
#ifdef MUTANT_1
     some = false;
#else
     some = ANY_WORK;
#endif
     if
     :: some -> get_up(me)
     :: else -> sleep_until()
     fi
  :: else
  fi;
  leave_door()
}

inline crew_idle() {
  wanted++;
  take();
  if :: !ready[me] -> rest(); take() :: else fi;
  wanted--;
  if :: injected -> crew_wake() :: else fi;
  d_step { if :: limited && timer[me] -> timer[me] = false; ready[me]++ :: else fi; limited = false }
}

active [COUNT] proctype Worker() {
  byte w, seen;
  bool some, polls, limited;
  at_work++;
  if :: me == 0 -> ready[0] = 1 :: else fi;
  do
  :: true ->
     if :: ready[me] -> slice() :: else fi;
     if :: halt_bit -> enter(); comply(); leave_door() :: else fi;
     share();
     if
     :: !ready[me] ->
        crew_idle();
        if :: over -> break :: else fi
     :: else
     fi;
     if :: stop_bit -> break :: else fi
  od;
  enter();
#ifndef MUTANT_11
  present--;
#endif
#ifndef MUTANT_12
  if :: halter != NOBODY && ALL_STILL -> still = true :: else fi;
#endif
  leave_door();
  at_work--;
  if
  :: me == 0 -> !at_work; assert(stop_bit || !ready[0] && !ready[1] && !injected && !awaited)
  :: else
  fi
}

active proctype Outside() {
end:
  do
  :: atomic { awaited && !came -> came = true }
  od
}
#endif

// ---- BUFFER ---------------------------------------------------------------------------------------------------------
#ifdef BUFFER
// Each has a store of its own in a buffer until Memory, or a fence, lets it out.
bool injected, asleep, injected_kept, asleep_kept, woken, ran;

#define FENCE(kept) !kept

active proctype Giver() {
  bool some;
  injected_kept = true;
#ifndef MUTANT_18
  FENCE(injected_kept);
#endif
  some = asleep;
  if :: some -> woken = true :: else fi
}

active proctype Sleeper() {
  bool some;
  asleep_kept = true;
#ifndef MUTANT_19
  FENCE(asleep_kept);
#endif
  some = injected;
  if :: some :: else -> woken fi;
  ran = true
}

active proctype Memory() {
end:
  do
  :: d_step { injected_kept -> injected = true; injected_kept = false }
  :: d_step { asleep_kept -> asleep = true; asleep_kept = false }
  od
}
#endif
