// Who runs next, and what time it is: see sched.h and docs/scheduling.md.
//
// Ready actors stand in line. Under --seed the next is drawn at random instead, slices have random lengths, and time is simulated: it
// stands still while anyone is ready and jumps to the next deadline when nobody is, so that a run depends on its seed and input alone.
#include <time.h>

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
  *sched = (Sched){.seeded = options->seeded, .simulated = options->seeded};
  sched->kill_left = options->kill_at > INT64_MAX ? INT64_MAX : (i64)options->kill_at;
  sched->tail = &sched->first;
  sched->suspects.later = sched->suspects.earlier = &sched->suspects;
  u64 seed = options->seed;
  sched->choice = random_from(random_split(&seed));
  sched->start = clock_us();
  worker->sched = sched;
  return true;
}

void sched_close(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched) return;
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

Actor *sched_draw(Sched *sched) {
  u64 drawn = random_below(&sched->choice, sched->ready_count + 1);
  Actor *actor = sched->drawn_from[drawn];
  sched->drawn_from[drawn] = sched->drawn_from[sched->ready_count];
  return actor;
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

u64 sched_now(Worker *worker) {
  Sched *sched = worker->sched;
  return sched->simulated ? sched->now : clock_us() - sched->start;
}

Timer *sched_timer(Worker *worker, u64 at_us, TimerFire fire, void *context) {
  return timers_set(&worker->sched->timers, &worker->pool, at_us, fire, context);
}

void sched_timer_cancel(Worker *worker, Timer *timer) { timers_cancel(&worker->sched->timers, &worker->pool, timer); }

static void run_timers(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->timers.count) timers_run(&sched->timers, &worker->pool, sched_now(worker), worker);
}

static void time_is_up(Worker *worker, void *context) {
  Actor *actor = context;
  Turn *turn = actor->turn;
  turn->timer = NULL;
  promise_unwait(turn->waiting, &turn->waiter);  // a late answer finds nobody
  sched_ready(worker, actor);
}

bool sched_suspend(Worker *worker, Promise *on, u64 within_us) {
  Turn *turn = worker->turn;
  if (within_us) {
    u64 now = sched_now(worker), at = within_us > UINT64_MAX - now ? UINT64_MAX : now + within_us;
    turn->timer = sched_timer(worker, at, time_is_up, worker->actor);
    if (!turn->timer) return false;
  }
  promise_retain(on);
  turn->waiting = on;
  return true;
}

// ---- The outside ----------------------------------------------------------------------------------------------------

void sched_stop(Worker *worker, VmEnd end, int status) {
  if (worker->sched->stopping) return;
  worker->sched->stopping = true;
  worker->sched->until_poll = -1;  // to be noticed soon
  worker->sched->end = (VmResult){end, status};
}

static bool stop_by_signal(Worker *worker) {
  int signal = outside_signal();
  if (!signal) return false;
  sched_stop(worker, VM_END_SIGNAL, 128 + signal);
  return true;
}

static void show_if_asked(Worker *worker) {
  if (outside_asked()) waits_show(worker);
}

static bool stop_by_limit(Worker *worker) {
  const VmOptions *options = &worker->vm->options;
  if (!options->stop_at || worker->stats.reductions < options->stop_at) return false;
  sched_stop(worker, VM_END_EXIT, 124);
  return true;
}

// Long running takes time under a seed too, or a timeout would wait for ever beside an endless loop.
static void simulate_time(Worker *worker) {
  Sched *sched = worker->sched;
  u64 quanta = (worker->stats.reductions - sched->clocked) / QUANTUM;
  sched->clocked += quanta * QUANTUM;
  sched->now += quanta * 1000;
}

// Between slices, now and then: what happened outside meanwhile.
static void look_outside(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->stopping) return;  // sched_stop() said so in until_poll
  sched->until_poll = POLL_SLICES;
  show_if_asked(worker);
  if (stop_by_signal(worker) || stop_by_limit(worker)) return;
  if (sched->simulated) simulate_time(worker);
  run_timers(worker);
  deadlocks_look(worker, false);
  if (sched->simulated) return;
  outside_look(worker);
  stream_flush(worker, worker->vm->out);
}

// Nobody is ready. False if nothing can happen any more.
static bool wait_idle(Worker *worker) {
  Sched *sched = worker->sched;
  if (worker->pool.kept > POOL_IDLE) pool_close(&worker->pool);
  memory_trim();
  stream_flush(worker, worker->vm->out);
  show_if_asked(worker);
  if (stop_by_signal(worker) || stop_by_limit(worker)) return false;
  deadlocks_look(worker, true);
  if (sched->ready_count) return true;
  u64 next = timers_next(&sched->timers);
  bool pending = outside_awaited(worker->vm);
  if (next == UINT64_MAX && !pending) return false;
  if (sched->simulated) {
    if (pending) outside_wait(worker, -1);
    else sched->now = next > sched->now ? next : sched->now;
    sched->clocked = worker->stats.reductions;
  } else if (pending || next > sched_now(worker)) {
    u64 now = sched_now(worker), left = next > now ? next - now : 0;
    outside_wait(worker, next == UINT64_MAX ? -1 : left > 3600000000u ? 3600000000 : (i64)left);
  }
  run_timers(worker);
  return true;
}

bool sched_again(Worker *worker) {
  Sched *sched = worker->sched;
  sched_charge(worker);
  if (sched->kill_now || sched->ready_count) return false;
  if (sched->until_poll < 0) look_outside(worker);
  if (sched->ready_count || sched->stopping || sched->reap) return false;
  sched_grant(worker);
  return true;
}

bool sched_look(Worker *worker, bool idle) {
  Sched *sched = worker->sched;
  if (sched->reap) life_reap(worker, REAP_STEP);
  else if (idle && !wait_idle(worker)) return false;
  if (sched->until_poll < 0) look_outside(worker);
  return !sched->stopping;
}

void sched_run(Worker *worker) {
  outside_begin(worker->vm);
  turns_run(worker);
  stream_flush(worker, worker->vm->out);
  outside_end(worker->vm);
}
