// Signals: noted by a handler, looked at between slices. See outside.h; docs/ending.md says what each of them means.
//
// The handler does what is safe in one: it stores a number, sets a timer, ends a wait. The first signal that asks for an end is heeded by
// the workers; a second one, or the timer when they do not heed it, ends the process here, whatever the workers are doing.
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "vm/outside.h"

enum {
  HEED_US = 1000000,     // within so long the workers have ended the run, or it is ended for them
  ONE_WISH_US = 10000,   // the same signal twice within so long is one: timeout(1) sends it to the process, and to its group
};

// SIGALRM stands for the timer.
static const int noted[] = {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGALRM};
static struct sigaction pipe_before, noted_before[COUNT_OF(noted)];

static _Atomic int wish;               // the first signal that asked for an end
static _Atomic int signalled;          // the run is to end now
static _Atomic int asked;              // someone wants to see who waits for whom
static _Atomic(Vm *) listener;         // the one that runs
static u64 grace;                      // us that a SIGTERM leaves
static u64 wished_at;
static timer_t timer;
static bool has_timer;

static u64 now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

static void timer_start(u64 us) {
  struct itimerspec at = {.it_value = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)}};
  if (has_timer) timer_settime(timer, 0, &at, NULL);
}

// As if nobody had wanted to hear of the signal. It comes when the handler returns.
static void die(int number) {
  signal(number, SIG_DFL);
  raise(number);
}

static void end_now(int number) {
  atomic_store(&signalled, number);
  timer_start(HEED_US);
}

// The first signal: the run ends, in order if there is time for that, and a timer that says when there is no more.
static void begin_end(int number) {
  wished_at = now_us();
  atomic_store(&wish, number);
  if (number == SIGTERM && grace && has_timer) timer_start(grace);
  else end_now(number);
}

static void time_over(const siginfo_t *info) {
  if (info->si_code != SI_TIMER) die(SIGALRM);
  else if (atomic_load(&signalled)) die(atomic_load(&wish));
  else end_now(SIGTERM);
}

static void note(int number, siginfo_t *info, void *context) {
  (void)context;
  int error = errno, first = atomic_load(&wish);
  if (number == SIGQUIT) atomic_store(&asked, number);
  else if (number == SIGALRM) time_over(info);
  else if (!first) begin_end(number);
  else if (number != first || now_us() - wished_at > ONE_WISH_US) die(number);
  Vm *vm = atomic_load(&listener);
  if (vm) outside_wake(vm);
  errno = error;
}

// A hang-up that was ignored when the process began, as by nohup(1), still is.
static bool stays_ignored(int number, const struct sigaction *before) {
  return number == SIGHUP && !(before->sa_flags & SA_SIGINFO) && before->sa_handler == SIG_IGN;
}

void outside_begin(Vm *vm, u64 grace_us) {
  atomic_store(&wish, 0);
  atomic_store(&signalled, 0);
  atomic_store(&asked, 0);
  atomic_store(&listener, vm);
  grace = grace_us;
  has_timer = !timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM}, &timer);
  struct sigaction ignore = {.sa_handler = SIG_IGN}, noting = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigfillset(&noting.sa_mask);
  sigaction(SIGPIPE, &ignore, &pipe_before);
  for (size_t i = 0; i < COUNT_OF(noted); i++) {
    sigaction(noted[i], &noting, &noted_before[i]);
    if (stays_ignored(noted[i], &noted_before[i])) sigaction(noted[i], &noted_before[i], NULL);
  }
}

void outside_end(void) {
  if (has_timer) timer_delete(timer);
  has_timer = false;
  sigaction(SIGPIPE, &pipe_before, NULL);
  for (size_t i = 0; i < COUNT_OF(noted); i++) sigaction(noted[i], &noted_before[i], NULL);
  atomic_store(&listener, NULL);
}

int outside_signal(void) { return atomic_load_explicit(&signalled, memory_order_relaxed); }
bool outside_ending(void) { return atomic_load_explicit(&wish, memory_order_relaxed) == SIGTERM && !outside_signal(); }
bool outside_asked(void) { return atomic_load_explicit(&asked, memory_order_relaxed) && atomic_exchange(&asked, 0); }
