// Waiting for the outside: see outside.h.
//
// One epoll descriptor knows what is watched, and an eventfd in it ends a wait. A watch is told of once (EPOLLONESHOT), so whoever
// handles it need not ask whether somebody else does. The eventfd is written only if somebody waits: who waits says so, and looks for a
// wake-up after that; who wakes leaves the wake-up, and looks whether somebody waits after that.
#include "vm/outside.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "vm/crew.h"
#include "vm/jobs.h"
#include "vm/state.h"

enum { EVENTS_AT_ONCE = 64, NAP_US = 1000 };

typedef struct Outside {
  _Atomic u32 awaited;
  _Atomic bool busy;       // a worker is looking, or waiting
  _Atomic bool waiting;    // it is about to block
  _Atomic bool woken;
  pthread_mutex_t lock;    // of what follows
  _Atomic int epoll;       // -1: nothing has needed it
  _Atomic int event;
  Watch *always;           // armed, and ready; the first is to be told first
  Jobs *jobs;
} Outside;

bool outside_open(Vm *vm) {
  Outside *outside = memory_alloc(sizeof *outside);
  if (!outside) return false;
  *outside = (Outside){.epoll = -1, .event = -1};
  pthread_mutex_init(&outside->lock, NULL);
  vm->outside = outside;
  return (outside->jobs = jobs_open(vm)) != NULL;
}

void outside_stop(Vm *vm) {
  Outside *outside = vm->outside;
  if (!outside || !outside->jobs) return;
  jobs_close(vm->workers, outside->jobs);
  outside->jobs = NULL;
}

void outside_close(Vm *vm) {
  Outside *outside = vm->outside;
  if (!outside) return;
  if (outside->epoll >= 0) {
    close(outside->epoll);
    close(atomic_load(&outside->event));
  }
  pthread_mutex_destroy(&outside->lock);
  memory_free(outside, sizeof *outside);
  vm->outside = NULL;
}

Jobs *outside_jobs(Vm *vm) { return vm->outside->jobs; }
void outside_await(Vm *vm, i32 more) { atomic_fetch_add(&vm->outside->awaited, (u32)more); }
bool outside_awaited(const Vm *vm) { return atomic_load(&vm->outside->awaited) != 0; }
bool outside_works(const Vm *vm) { return vm->outside->jobs && jobs_any(vm->outside->jobs); }

// Makes the two descriptors, under the lock.
static bool open_descriptors(Outside *outside) {
  if (outside->epoll >= 0) return true;
  int epoll = epoll_create1(EPOLL_CLOEXEC), event = epoll < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event wake = {.events = EPOLLIN | EPOLLET};  // each write ends one wait, and nobody needs to read it
  if (event >= 0 && !epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wake)) {
    outside->epoll = epoll;
    atomic_store(&outside->event, event);
    return true;
  }
  if (event >= 0) close(event);
  if (epoll >= 0) close(epoll);
  return false;
}

// ---- Descriptors ----------------------------------------------------------------------------------------------------

static bool tell_system(Outside *outside, Watch *watch) {
  struct epoll_event event = {.events = watch->events | EPOLLONESHOT, .data.ptr = watch};
  if (!epoll_ctl(outside->epoll, watch->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event)) return watch->known = true;
  return errno == EPERM || errno == EBADF ? watch->always = true : false;  // a read or write says what is wrong
}

static bool arm(Outside *outside, Watch *watch) {
  if (!watch->always && (!open_descriptors(outside) || !tell_system(outside, watch))) return false;
  if (!watch->always) return true;
  Watch **last = &outside->always;
  while (*last) last = &(*last)->next;
  watch->next = NULL;
  *last = watch;
  return true;
}

bool outside_watch(Vm *vm, Watch *watch) {
  if (atomic_exchange(&watch->armed, true)) return true;
  Outside *outside = vm->outside;
  outside_await(vm, 1);
  pthread_mutex_lock(&outside->lock);
  bool armed = arm(outside, watch), always = watch->always;
  pthread_mutex_unlock(&outside->lock);
  if (!armed) outside_unwatch(vm, watch);
  else if (always) outside_wake(vm);
  return armed;
}

static void forget_always(Outside *outside, Watch *watch) {
  Watch **place = &outside->always;
  while (*place && *place != watch) place = &(*place)->next;
  if (*place) *place = watch->next;
}

// The system may tell of it once more, which is then overheard.
void outside_unwatch(Vm *vm, Watch *watch) {
  Outside *outside = vm->outside;
  pthread_mutex_lock(&outside->lock);
  if (watch->always) forget_always(outside, watch);
  pthread_mutex_unlock(&outside->lock);
  if (atomic_exchange(&watch->armed, false)) outside_await(vm, -1);
}

void outside_forget(Vm *vm, Watch *watch) {
  outside_unwatch(vm, watch);
  if (watch->known) epoll_ctl(vm->outside->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->known = false;
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

void outside_wake(Vm *vm) {
  Outside *outside = vm->outside;
  atomic_store(&outside->woken, true);
  if (!atomic_load(&outside->waiting)) return;
  u64 one = 1;
  ssize_t written = write(atomic_load(&outside->event), &one, sizeof one);
  (void)written;  // it fails only if very many wake-ups are there already
}

// What makes them ready counts as awaited until it has been handled.
static void tell(Worker *worker, Watch *watch) {
  if (!atomic_exchange(&watch->armed, false)) return;
  watch->ready(worker, watch);
  outside_await(worker->vm, -1);
}

static Watch *take_always(Outside *outside) {
  pthread_mutex_lock(&outside->lock);
  Watch *first = outside->always;
  if (first) outside->always = first->next;
  pthread_mutex_unlock(&outside->lock);
  return first;
}

// Each once: one that is told of may want to hear of it again, and goes to the end.
static void tell_always(Worker *worker, Outside *outside) {
  u32 count = 0;
  pthread_mutex_lock(&outside->lock);
  for (Watch *watch = outside->always; watch; watch = watch->next) count++;
  pthread_mutex_unlock(&outside->lock);
  for (Watch *watch; count-- && (watch = take_always(outside));) tell(worker, watch);
}

static bool anything_ready(Outside *outside) {
  pthread_mutex_lock(&outside->lock);
  bool ready = outside->always;
  pthread_mutex_unlock(&outside->lock);
  return ready || (outside->jobs && jobs_any_done(outside->jobs));
}

static int system_wait(Outside *outside, struct epoll_event *events, i64 timeout_us) {
  if (timeout_us <= 0) return epoll_wait(outside->epoll, events, EVENTS_AT_ONCE, timeout_us < 0 ? -1 : 0);
  struct timespec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
  int count = epoll_pwait2(outside->epoll, events, EVENTS_AT_ONCE, &timeout, NULL);
  if (count >= 0 || errno != ENOSYS) return count;
  i64 ms = (timeout_us + 999) / 1000;
  return epoll_wait(outside->epoll, events, EVENTS_AT_ONCE, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static void handle(Worker *worker, Outside *outside, const struct epoll_event *events, int count) {
  for (int i = 0; i < count; i++) {
    if (events[i].data.ptr) tell(worker, events[i].data.ptr);
  }
  tell_always(worker, outside);
  if (outside->jobs) jobs_finish(worker, outside->jobs);
}

void outside_look(Worker *worker) {
  Outside *outside = worker->vm->outside;
  if (!atomic_load_explicit(&outside->awaited, memory_order_relaxed)) return;
  if (atomic_exchange_explicit(&outside->busy, true, memory_order_acquire)) return;
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = outside->epoll < 0 ? 0 : system_wait(outside, events, 0);
  handle(worker, outside, events, count);
  atomic_store_explicit(&outside->busy, false, memory_order_release);
}

void outside_wait(Worker *worker, i64 timeout_us) {
  Outside *outside = worker->vm->outside;
  if (atomic_exchange_explicit(&outside->busy, true, memory_order_acquire)) {  // somebody looks in passing
    sched_yield();
    return;
  }
  pthread_mutex_lock(&outside->lock);
  bool opened = open_descriptors(outside);
  pthread_mutex_unlock(&outside->lock);
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = 0;
  atomic_store(&outside->waiting, true);
  if (atomic_load(&outside->woken) || anything_ready(outside)) timeout_us = 0;
  if (opened) {
    count = system_wait(outside, events, timeout_us);
  } else {  // out of descriptors: no more than a nap, for nothing can end it
    nanosleep(&(struct timespec){.tv_nsec = 1000 * (timeout_us < 0 || timeout_us > NAP_US ? NAP_US : timeout_us)}, NULL);
  }
  atomic_store(&outside->waiting, false);
  atomic_store(&outside->woken, false);
  crew_rise(worker);  // it does not sleep any more
  handle(worker, outside, events, count);
  atomic_store_explicit(&outside->busy, false, memory_order_release);
}
