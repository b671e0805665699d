// Who runs next, and what time it is: see sched.h and docs/scheduling.md.
//
// Ready actors stand in the lines of their banks' accounts (line.c), those that a message or an answer woke before those that used up their
// slice; but when the former have had some slices' worth of reductions, one of the latter goes first. Under --seed the next is drawn at
// random instead, slices have random lengths, and time is simulated: it goes on with the reductions that are used, and jumps to the next deadline when nobody
// is ready, so that a run depends on its seed and input alone.
#include <time.h>

#include "vm/ending.h"
#include "vm/engine.h"
#include "vm/outside.h"
#include "vm/sched.h"
#include "vm/stream.h"

static u64 clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

bool sched_open(Worker *worker) {
  const VmOptions *options = &worker->vm->options;
  Sched *sched = memory_alloc(sizeof *sched);
  if (!sched) return false;
  *sched = (Sched){.seeded = options->seeded, .simulated = options->seeded, .rounds = 1};
  worker->sched = sched;
  sched->kill_left = options->kill_at > INT64_MAX ? INT64_MAX : (i64)options->kill_at;
  sched->suspects.later = sched->suspects.earlier = &sched->suspects;
  u64 seed = options->seed;
  sched->choice = random_from(random_split(&seed));
  seed += worker->index;
  sched->havoc = random_from(random_split(&seed));
  if (options->kill_every) sched->kill_left = havoc_next(sched, options->kill_every);
  sched->start = worker->index ? worker->vm->workers->sched->start : clock_us();
  sched->seen = memory_alloc(worker->vm->worker_count * sizeof *sched->seen);
  return sched->seen;
}

void sched_close(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched) return;
  memory_free(sched->seen, worker->vm->worker_count * sizeof *sched->seen);
  memory_free(sched->drawn_from, sched->drawn_capacity * sizeof *sched->drawn_from);
  memory_free(sched, sizeof *sched);
  worker->sched = NULL;
}

// ---- Ready actors ---------------------------------------------------------------------------------------------------

bool sched_admit(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched->seeded || sched->actor_count < sched->drawn_capacity) return true;
  return memory_grow((void **)&sched->drawn_from, &sched->drawn_capacity, sizeof *sched->drawn_from, NULL);
}

u64 sched_serials_more(Worker *worker) {
  Sched *sched = worker->sched;
  _Atomic u64 *last = &worker->vm->last_serial;
  bool one_by_one = atomic_load_explicit(last, memory_order_relaxed) < SERIALS_SHARED;
  if (one_by_one) return atomic_fetch_add_explicit(last, 1, memory_order_relaxed) + 1;
  sched->serial = atomic_fetch_add_explicit(last, SERIALS_BLOCK, memory_order_relaxed) + 1;
  sched->serials_end = sched->serial + SERIALS_BLOCK;
  return sched->serial++;
}

// ---- Reductions -----------------------------------------------------------------------------------------------------

i64 sched_grant_odd(Sched *sched, i64 granted) {
  if (sched->seeded) granted = 1 + (i64)random_below(&sched->choice, (u64)granted * 2);
  return sched->kill_left && granted > sched->kill_left ? sched->kill_left : granted;
}

void sched_charge_kill(Sched *sched, i64 spent) {
  sched->kill_left -= spent;
  if (sched->kill_left > 0) return;
  sched->kill_left = 0;
  sched->kill_now = true;
}

// ---- Time -----------------------------------------------------------------------------------------------------------

// Long running takes time under a seed too, or a timeout would wait for ever beside an endless loop.
static void simulate_time(Worker *worker) {
  Sched *sched = worker->sched;
  u64 quanta = (worker->stats.reductions - sched->clocked) / QUANTUM;
  sched->clocked += quanta * QUANTUM;
  sched->now += quanta * 1000;
}

// Who asks amid long running must not get a time that is over.
u64 sched_now(Worker *worker) {
  Sched *sched = worker->sched;
  if (LIKELY(!sched->simulated)) return clock_us() - sched->start;
  simulate_time(worker);
  return sched->now;
}

static void run_timers(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->timers.count) timers_run(&sched->timers, sched_now(worker), worker);
}

// ---- The outside ----------------------------------------------------------------------------------------------------

void sched_stop(Worker *worker, VmEnd end, int status) {
  worker->sched->until_poll = -1;  // to be noticed soon
  crew_stop(worker->vm->crew, (VmResult){end, status});
}

static bool stop_by_signal(Worker *worker) {
  int signal = outside_signal();
  if (!signal) return false;
  sched_stop(worker, VM_END_SIGNAL, 128 + signal);
  return true;
}

static void show_if_asked(Worker *worker) {
  if (UNLIKELY(outside_asked())) waits_show(worker);
}

static bool stop_by_limit(Worker *worker) {
  const VmOptions *options = &worker->vm->options;
  if (!options->stop_at || worker->stats.reductions < options->stop_at) return false;
  sched_stop(worker, VM_END_EXIT, 124);
  return true;
}

// Between slices, now and then: what happened outside meanwhile.
static void look_outside(Worker *worker) {
  Sched *sched = worker->sched;
  const Crew *crew = worker->vm->crew;
  if (crew_stopping(crew)) return;  // until_poll said so
  sched->until_poll = POLL_SLICES;
  show_if_asked(worker);
  if (stop_by_signal(worker) || stop_by_limit(worker)) return;
  if (sched->simulated) simulate_time(worker);
  run_timers(worker);
  deadlocks_look(worker, false);
  ending_look(worker, false);
  if (sched->simulated) return;
  outside_look(worker);
  stream_flush(worker, worker->vm->out);
  if (life_take_returned(worker)) sched->until_poll = -1;  // soon more of them
  if (sched->retired || sched->retiring) crew_retired(worker);
  if (crew->injected) crew_take(worker);  // if all others are at work too, what was given away would never have its turn
}

// Nobody is ready, and time is simulated. False if nothing can happen any more.
static bool idle_simulated(Worker *worker) {
  Sched *sched = worker->sched;
  if (worker->pool.kept > POOL_IDLE) pool_close(&worker->pool);
  memory_trim(true);
  stream_flush(worker, worker->vm->out);
  deadlocks_look(worker, true);
  if (sched->ready_count || ending_look(worker, true)) return true;
  u64 next = timers_next(&sched->timers);
  bool awaited = outside_awaited(worker->vm);
  if (next == UINT64_MAX && !awaited) return false;
  if (awaited) outside_wait(worker, -1);
  else sched->now = next > sched->now ? next : sched->now;
  sched->clocked = worker->stats.reductions;
  return true;
}

static bool idle(Worker *worker) {
  Sched *sched = worker->sched;
  bool more = life_take_returned(worker);
  if (sched->retired || sched->retiring) crew_retired(worker);
  show_if_asked(worker);
  if (stop_by_signal(worker) || stop_by_limit(worker)) return false;
  if (more) return true;
  if (!(sched->simulated ? idle_simulated(worker) : crew_idle(worker))) return false;
  deadlock_keep_time(worker);
  run_timers(worker);
  return true;
}

// Whether the running actor must leave what it has to others, or to its end.
static bool must_leave(const Worker *worker) {
  const Sched *sched = worker->sched;
  const Account *account = worker->account;
  if (sched->kill_now || sched->ready_count || sched->reap || sched->graves || worker->dead_words) return true;
  if (worker->actor->doomed || account->parked || account->doomed) return true;
  if (actor_is_crowded(worker->actor)) return true;  // who waits for room is to be let in
  return atomic_load_explicit(&worker->vm->crew->wanted, memory_order_relaxed) >= WANTED_STOP;
}

bool sched_again(Worker *worker) {
  sched_charge(worker);
  if (must_leave(worker)) return false;
  if (worker->sched->until_poll < 0) {
    look_outside(worker);  // another may halt this worker meanwhile, and freeze the actor's bank
    if (must_leave(worker)) return false;
  }
  sched_round(worker);
  sched_grant(worker);
  return true;
}

bool sched_look(Worker *worker, bool nobody) {
  Sched *sched = worker->sched;
  if (sched->graves) bank_undertake(worker, UNDERTAKE_STEP);
  else if (sched->reap) life_reap(worker, REAP_STEP);
  else if (nobody && !idle(worker)) return false;
  if (sched->until_poll < 0) look_outside(worker);
  return !crew_stopping(worker->vm->crew);
}

void sched_run(Worker *worker) {
  Vm *vm = worker->vm;
  outside_begin(vm, vm->options.grace_us);
  crew_run(vm);
  stream_flush(worker, vm->out);
  outside_end();
}
