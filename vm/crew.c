// The workers of a VM together: see crew.h and docs/workers.md.
//
// Two places are shared. `wanted` and the injector serve the spreading of work, in passing: a worker looks at the first after each slice
// and touches the second only if another asks for work. Behind the door, a mutex, is what is rare: who sleeps, who halts the others, and
// whether the run is over. A worker that is about to sleep says so (`asleep`) and looks at the injector after that; whoever fills the
// injector looks at `asleep` after that. Both are sequentially consistent, so one of them sees the other.
#include "vm/crew.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm/ending.h"
#include "vm/outside.h"
#include "vm/sched.h"
#include "vm/stream.h"

enum {
  SPINS = 100,            // looks at the injector before sleeping: some microseconds
  SHARE_AFTER = 1000,     // reductions with more than one actor in line before any are given away: less is done sooner than said
  SHARE_AT_ONCE = 16,     // with so many in line, they are at once
  RETIRE_AT_ONCE = 64,    // records that wait together for their time
  RETIRE_US = 1000,       // who sleeps looks after them so often, if there are so many
};

static u32 cores(void) {
  cpu_set_t *set;
  u32 count = 0;
  for (int most = 1024; most <= 1 << 20 && !count; most *= 4) {  // EINVAL: the system knows more cores than that
    if (!(set = CPU_ALLOC(most))) break;
    size_t size = CPU_ALLOC_SIZE(most);
    if (!sched_getaffinity(0, size, set)) count = (u32)CPU_COUNT_S(size, set);
    CPU_FREE(set);
  }
  return count ? count : 1;
}

u32 crew_size(const VmOptions *options) {
  if (options->seeded) return 1;
  u32 count = options->workers ? options->workers : cores();
  return count < LIMIT_WORKERS ? count : LIMIT_WORKERS;
}

static size_t crew_bytes(u32 count) { return sizeof(Crew) + count * sizeof(Berth); }

// For a run. Those without a thread sleep, and want work.
static void make_ready(Crew *crew) {
  crew->started = 1;
  crew->present = crew->count;
  crew->asleep = crew->count - 1;
  crew->wanted = (crew->wanted & WANTED_STOP) | (crew->count - 1);
}

bool crew_open(Vm *vm) {
  u32 count = vm->worker_count;
  Crew *crew = memory_alloc_aligned(crew_bytes(count), 64);
  if (!crew) return false;
  *crew = (Crew){.vm = vm, .count = count};
  crew->tail = &crew->first;
  crew->spins = count > 1 && cores() > 1 ? SPINS : 0;
  pthread_mutex_init(&crew->door, NULL);
  pthread_cond_init(&crew->still, NULL);
  pthread_cond_init(&crew->go, NULL);
  for (u32 i = 0; i < count; i++) crew->berths[i] = (Berth){0};
  make_ready(crew);
  vm->crew = crew;
  return true;
}

void crew_close(Vm *vm) {
  Crew *crew = vm->crew;
  if (!crew) return;
  pthread_mutex_destroy(&crew->door);
  pthread_cond_destroy(&crew->still);
  pthread_cond_destroy(&crew->go);
  memory_free_aligned(crew, crew_bytes(vm->worker_count), 64);
  vm->crew = NULL;
}

// Those without a thread will never have one. Behind the door, or before there is any other thread.
static void leave_out_unstarted(Crew *crew) {
  u32 left_out = crew->present - crew->started;
  crew->present = crew->started;
  atomic_fetch_sub(&crew->asleep, left_out);
  atomic_fetch_sub(&crew->wanted, left_out);
}

void crew_alone(Crew *crew) {
  crew->count = 1;
  make_ready(crew);
}

// ---- Halting --------------------------------------------------------------------------------------------------------

// Behind the door: everyone but the halter sleeps or stands still.
static bool all_still(const Crew *crew) { return crew->halted + atomic_load(&crew->asleep) == crew->present - 1; }

// Behind the door, by a worker that neither sleeps nor halts others: stands still as long as another one wants it.
static void comply(Crew *crew) {
  if (crew->halter) memory_flush();
  while (crew->halter) {
    crew->halted++;
    if (all_still(crew)) pthread_cond_signal(&crew->still);
    pthread_cond_wait(&crew->go, &crew->door);
    crew->halted--;
  }
}

void crew_halt(Worker *worker, void (*act)(Worker *worker, void *context), void *context) {
  Crew *crew = worker->vm->crew;
  pthread_mutex_lock(&crew->door);
  comply(crew);
  crew->halter = worker;
  atomic_fetch_or(&crew->wanted, WANTED_HALT);
  while (!all_still(crew)) pthread_cond_wait(&crew->still, &crew->door);
  pthread_mutex_unlock(&crew->door);
  act(worker, context);  // may wake others: they stand still before they do anything
  pthread_mutex_lock(&crew->door);
  crew->halter = NULL;
  atomic_fetch_and(&crew->wanted, ~WANTED_HALT);
  pthread_cond_broadcast(&crew->go);
  pthread_mutex_unlock(&crew->door);
}

// ---- Waking ---------------------------------------------------------------------------------------------------------

static void futex_wake(_Atomic u32 *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

// Until the word changes or the monotonic clock shows `until_us`. May end sooner.
static void futex_wait(_Atomic u32 *word, u32 value, u64 until_us) {
  struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000 * 1000)};
  bool limited = until_us != UINT64_MAX;
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, limited ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

// Behind the door.
static void get_up(Crew *crew, u32 index) {
  atomic_store(&crew->berths[index].word, BERTH_FREE);
  atomic_fetch_sub(&crew->asleep, 1);
  crew->rises++;
}

static void rouse(Crew *crew, u32 index) {
  bool polls = crew->poller && crew->poller->index == index;
  get_up(crew, index);
  if (polls) outside_wake(crew->vm);
  else futex_wake(&crew->berths[index].word);
}

static bool sleeps(const Crew *crew, u32 index) { return atomic_load(&crew->berths[index].word) == BERTH_TAKEN; }

static void leave(Crew *crew) {
  pthread_mutex_lock(&crew->door);
  crew->present--;
  if (crew->halter && all_still(crew)) pthread_cond_signal(&crew->still);
  pthread_mutex_unlock(&crew->door);
}

// While it sleeps the worker looks at no actor's record (E5).
static void round_pauses(Worker *worker, bool pauses) {
  _Atomic u64 *rounds = &worker->sched->rounds;
  u64 now = atomic_load_explicit(rounds, memory_order_relaxed);
  if (now % 2 != pauses) atomic_store(rounds, now + 1);
}

static void *begin(void *context) {
  Worker *worker = context;
  round_pauses(worker, false);
  turns_run(worker);
  round_pauses(worker, true);
  leave(worker->vm->crew);
  memory_flush();
  return NULL;
}

// Signals are for the first worker: elsewhere they would only end waits too early.
static bool start_thread(Crew *crew, u32 index) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = !pthread_create(&crew->berths[index].thread, NULL, begin, &crew->vm->workers[index]);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

// Behind the door: one that had no thread begins. If it can't have one, there are fewer workers.
static void start_one(Crew *crew) {
  u32 index = crew->started;
  crew->rises++;
  if (!start_thread(crew, index)) {
    leave_out_unstarted(crew);
    return;
  }
  crew->started++;
  atomic_fetch_sub(&crew->asleep, 1);
  atomic_fetch_sub(&crew->wanted, 1);
}

// Behind the door. Who waits for the outside comes before who has no thread yet, for a thread costs more.
static void wake_one(Crew *crew) {
  for (u32 i = 0; i < crew->started; i++) {
    if (!sleeps(crew, i) || (crew->poller && crew->poller->index == i)) continue;
    rouse(crew, i);
    return;
  }
  if (crew->poller && sleeps(crew, crew->poller->index)) rouse(crew, crew->poller->index);
  else if (crew->started < crew->present) start_one(crew);
}

void crew_wake(Crew *crew) {
  if (!atomic_load(&crew->asleep)) return;
  pthread_mutex_lock(&crew->door);
  wake_one(crew);
  pthread_mutex_unlock(&crew->door);
}

// Behind the door.
static void wake_all(Crew *crew) {
  for (u32 i = 0; i < crew->started; i++) {
    if (sleeps(crew, i)) rouse(crew, i);
  }
}

void crew_wake_all(Crew *crew) {
  pthread_mutex_lock(&crew->door);
  wake_all(crew);
  pthread_mutex_unlock(&crew->door);
}

void crew_wake_worker(Crew *crew, u32 index) {
  if (!sleeps(crew, index)) return;
  pthread_mutex_lock(&crew->door);
  if (sleeps(crew, index)) rouse(crew, index);
  pthread_mutex_unlock(&crew->door);
}

void crew_stop(Crew *crew, VmResult end) {
  if (atomic_fetch_or(&crew->wanted, WANTED_STOP) & WANTED_STOP) return;
  crew->end = end;
  pthread_mutex_lock(&crew->door);
  wake_all(crew);
  pthread_mutex_unlock(&crew->door);
}

// ---- Running --------------------------------------------------------------------------------------------------------

static u32 threads(Crew *crew) {
  pthread_mutex_lock(&crew->door);
  u32 started = crew->started;
  pthread_mutex_unlock(&crew->door);
  return started;
}

void crew_run(Vm *vm) {
  Crew *crew = vm->crew;
  crew->over = false;
  round_pauses(vm->workers, false);
  turns_run(vm->workers);
  round_pauses(vm->workers, true);
  leave(crew);
  for (u32 i = 1; i < threads(crew); i++) pthread_join(crew->berths[i].thread, NULL);
  make_ready(crew);
}

// ---- Sharing --------------------------------------------------------------------------------------------------------

static void inject(Crew *crew, Actor *first, Actor *last, u32 count) {
  spin_lock(&crew->lock);
  *crew->tail = first;
  crew->tail = &last->next_ready;
  atomic_fetch_add(&crew->injected, count);
  spin_unlock(&crew->lock);
  crew_wake(crew);
}

void crew_inject(Crew *crew, Actor *actor) { inject(crew, actor, actor, 1); }

// As much as leaves the same for each of the others that have nothing to do, or, if all have, for all.
void crew_take(Worker *worker) {
  Crew *crew = worker->vm->crew;
  if (!atomic_load(&crew->injected)) return;
  spin_lock(&crew->lock);
  u32 injected = atomic_load_explicit(&crew->injected, memory_order_relaxed);
  u32 idle = atomic_load_explicit(&crew->wanted, memory_order_relaxed) & ~(WANTED_HALT | WANTED_STOP);
  u32 takers = idle ? idle : crew->count, count = (injected + takers - 1) / takers;
  if (count > SHARE_MOST) count = SHARE_MOST;
  Actor *first = crew->first, *last = first;
  for (u32 i = 1; i < count; i++) last = last->next_ready;
  if (count == injected) crew->tail = &crew->first;
  else crew->first = last->next_ready;
  atomic_fetch_sub(&crew->injected, count);
  spin_unlock(&crew->lock);
  if (count) sched_join(worker, first, last, count);
}

// Gives away if others have nothing to do and nothing is on its way to them.
static void share(Worker *worker, Crew *crew) {
  Sched *sched = worker->sched;
  if (sched->ready_count < 2 || atomic_load_explicit(&crew->injected, memory_order_relaxed)) return;
  if (sched->ready_count < SHARE_AT_ONCE && worker->stats.reductions - sched->sole < SHARE_AFTER) return;
  Actor *first, *last;
  u32 count = sched_give(worker, &first, &last);
  worker->stats.given += count;
  inject(crew, first, last, count);
}

void crew_attend(Worker *worker) {
  Crew *crew = worker->vm->crew;
  u32 wanted = atomic_load_explicit(&crew->wanted, memory_order_relaxed);
  if (UNLIKELY(wanted & WANTED_STOP)) worker->sched->until_poll = -1;  // to be noticed now
  if (UNLIKELY(wanted & WANTED_HALT)) {
    pthread_mutex_lock(&crew->door);
    comply(crew);
    pthread_mutex_unlock(&crew->door);
  }
  if (wanted & ~(WANTED_HALT | WANTED_STOP)) share(worker, crew);
}

// ---- Having nothing to do -------------------------------------------------------------------------------------------

static bool any_work(const Crew *crew) { return atomic_load(&crew->injected) || atomic_load(&crew->wanted) & (WANTED_STOP | WANTED_HALT); }

// Behind the door, all others asleep: whether nothing can happen any more.
static bool at_rest(const Crew *crew) {
  for (u32 i = 0; i < crew->started; i++) {
    if (timers_next(&crew->vm->workers[i].sched->timers) != UINT64_MAX) return false;
  }
  return !outside_awaited(crew->vm);
}

// What is worth doing before sleep.
static void tidy(Worker *worker, bool last) {
  if (worker->pool.kept > POOL_IDLE) pool_close(&worker->pool);
  memory_trim(last);
  memory_flush();
  stream_flush(worker, worker->vm->out);
}

static void dispose_all(Worker *worker, Actor **list) {
  for (Actor *actor = *list, *next; actor; actor = next) {
    next = actor->next_ready;
    actor_dispose(worker, actor);
  }
  *list = NULL;
}

static void dispose_retired(Worker *worker) {
  Sched *sched = worker->sched;
  dispose_all(worker, &sched->retiring);
  dispose_all(worker, &sched->retired);
  sched->retired_count = sched->retiring_count = 0;
}

// Records that came home to one that sleeps (E3). The crew stands still. If nobody has got up since all slept, nobody is amid a slice, so
// nobody looks at any record (E5).
static void take_returned(Worker *worker, void *context) {
  const Crew *crew = worker->vm->crew;
  if (crew->rises != *(const u64 *)context) return;
  for (u32 i = 0; i < crew->started; i++) {
    Worker *home = &worker->vm->workers[i];
    while (life_take_returned(home)) {
    }
    dispose_retired(home);
    if (home->pool.kept > POOL_IDLE) pool_close(&home->pool);
  }
}

// All others sleep. Behind the door, which it opens meanwhile. True if there is something to do after all, or the run is over; false: a
// reason to sleep.
static bool last_one(Worker *worker, Crew *crew) {
  Sched *sched = worker->sched;
  u64 rises = crew->rises;
  pthread_mutex_unlock(&crew->door);
  if (crew->started > 1) crew_halt(worker, take_returned, &rises);
  tidy(worker, true);
  deadlocks_look(worker, true);
  bool ends = !sched->ready_count && ending_look(worker, true);
  pthread_mutex_lock(&crew->door);
  if (ends || sched->ready_count || sched->reap || sched->graves || any_work(crew) || crew->rises != rises) return true;
  crew->over = at_rest(crew);
  if (crew->over) wake_all(crew);
  return crew->over;
}

// Behind the door, which it opens while it sleeps.
static void sleep_until(Worker *worker, Crew *crew, u64 deadline) {
  Berth *berth = &crew->berths[worker->index];
  bool polls = !crew->poller;
  if (polls) crew->poller = worker;
  round_pauses(worker, true);
  pthread_mutex_unlock(&crew->door);
  if (polls) {
    u64 now = sched_now(worker), left = deadline > now ? deadline - now : 0;
    outside_wait(worker, deadline == UINT64_MAX ? -1 : left > 3600000000u ? 3600000000 : (i64)left);
    crew_rise(worker);
    pthread_mutex_lock(&crew->door);
    return;
  }
  u64 until = deadline > UINT64_MAX - worker->sched->start ? UINT64_MAX : worker->sched->start + deadline;
  while (sleeps(crew, worker->index) && (deadline == UINT64_MAX || sched_now(worker) < deadline)) {
    futex_wait(&berth->word, BERTH_TAKEN, until);
  }
  pthread_mutex_lock(&crew->door);
  round_pauses(worker, false);
  if (sleeps(crew, worker->index)) get_up(crew, worker->index);
  comply(crew);
}

void crew_rise(Worker *worker) {
  Crew *crew = worker->vm->crew;
  pthread_mutex_lock(&crew->door);
  if (crew->poller == worker) {
    crew->poller = NULL;
    round_pauses(worker, false);
    if (sleeps(crew, worker->index)) get_up(crew, worker->index);
    comply(crew);
  }
  pthread_mutex_unlock(&crew->door);
}

// When many records wait for the slices of others to end, those are to be looked at again.
static u64 retired_due(Worker *worker) {
  const Sched *sched = worker->sched;
  return sched->retired_count + sched->retiring_count > RETIRE_AT_ONCE ? sched_now(worker) + RETIRE_US : UINT64_MAX;
}

// Sleeps if there is no reason not to.
static void rest(Worker *worker, Crew *crew) {
  u64 deadline = timers_next(&worker->sched->timers), due = ending_due(worker->vm);
  if (due < deadline) deadline = due;
  due = retired_due(worker);
  if (due < deadline) deadline = due;
  if (deadline != UINT64_MAX && deadline <= sched_now(worker)) return;
  pthread_mutex_lock(&crew->door);
  comply(crew);
  bool last = atomic_load(&crew->asleep) == crew->present - 1;
  if (!crew->over && !worker->sched->graves && !any_work(crew) && !(last && last_one(worker, crew))) {
    atomic_store(&crew->berths[worker->index].word, BERTH_TAKEN);
    atomic_fetch_add(&crew->asleep, 1);
    if (any_work(crew)) get_up(crew, worker->index);
    else sleep_until(worker, crew, deadline);
  }
  pthread_mutex_unlock(&crew->door);
}

bool crew_idle(Worker *worker) {
  Crew *crew = worker->vm->crew;
  Sched *sched = worker->sched;
  atomic_fetch_add(&crew->wanted, 1);
  crew_take(worker);
  for (u32 i = 0; i < crew->spins && !sched->ready_count; i++) {
    if (any_work(crew)) {
      crew_take(worker);
      break;
    }
    spin_pause();
  }
  if (!sched->ready_count) {
    if (crew->present > 1) tidy(worker, false);
    rest(worker, crew);
    crew_take(worker);
  }
  atomic_fetch_sub(&crew->wanted, 1);
  if (atomic_load(&crew->injected)) crew_wake(crew);  // who filled it may have relied on this worker
  return !crew->over;
}

// ---- Records --------------------------------------------------------------------------------------------------------

// The others have gone on since then, or had nothing to do then.
static bool have_passed(const Worker *worker, const Crew *crew, const u64 *seen, u32 count) {
  for (u32 i = 0; i < count; i++) {
    if (i == worker->index || seen[i] % 2) continue;
    if (atomic_load_explicit(&crew->vm->workers[i].sched->rounds, memory_order_acquire) == seen[i]) return false;
  }
  return true;
}

void crew_retired(Worker *worker) {
  const Crew *crew = worker->vm->crew;
  Sched *sched = worker->sched;
  u32 started = crew->started;
  if (started == 1) {
    dispose_retired(worker);
    return;
  }
  if (sched->retiring && !have_passed(worker, crew, sched->seen, sched->seen_count)) return;
  dispose_all(worker, &sched->retiring);
  sched->retiring = sched->retired;
  sched->retired = NULL;
  sched->retiring_count = sched->retired_count;
  sched->retired_count = 0;
  // One that starts later has never heard of them.
  for (u32 i = 0; i < started; i++) sched->seen[i] = atomic_load(&crew->vm->workers[i].sched->rounds);
  sched->seen_count = started;
}

void crew_retire(Worker *worker, Actor *actor) {
  Sched *sched = worker->sched;
  if (LIKELY(worker->vm->crew->started == 1)) {
    actor_dispose(worker, actor);
    return;
  }
  actor->next_ready = sched->retired;
  sched->retired = actor;
  if (++sched->retired_count % RETIRE_AT_ONCE == 0) crew_retired(worker);
}
