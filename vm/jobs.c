// Calls that may block: a few threads make them, so that no worker does. See outside.h.
//
// A thread is started when a job comes and none is free, and ends when it has had nothing to do for a while. Nothing can make a thread
// give up a call that does not end (a read from a FIFO that nobody writes to). When the run is over such a job is left: the VM lets go
// of what the job held of it and goes; the thread, if its call ever ends, frees the job, and the pool if it is the last. A process that
// exits does not wait for it.
#include "vm/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "vm/sched.h"

enum { IDLE_SECONDS = 10, STACK_BYTES = 256 * 1024 };

struct Jobs {
  pthread_mutex_t lock;     // of what follows but `done`
  pthread_cond_t more, fewer;
  Job *first, **tail;       // to be run
  u32 waiting;              // how many
  Job *running;             // linked by next
  u32 running_count;
  u32 threads, idle;
  bool over;                // the VM is going, or gone
  bool abandoned;           // it has: the last thread frees the pool
  Vm *vm;
  _Atomic(Job *) done;      // have been run, the last first
};

Jobs *jobs_open(Vm *vm) {
  Jobs *jobs = memory_alloc(sizeof *jobs);
  if (!jobs) return NULL;
  *jobs = (Jobs){.vm = vm};
  jobs->tail = &jobs->first;
  pthread_mutex_init(&jobs->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&jobs->more, &attr);
  pthread_cond_init(&jobs->fewer, &attr);
  pthread_condattr_destroy(&attr);
  return jobs;
}

static void jobs_free(Jobs *jobs) {
  pthread_cond_destroy(&jobs->more);
  pthread_cond_destroy(&jobs->fewer);
  pthread_mutex_destroy(&jobs->lock);
  memory_free(jobs, sizeof *jobs);
}

static Job *take_first(Jobs *jobs) {
  Job *job = jobs->first;
  jobs->first = job->next;
  if (!jobs->first) jobs->tail = &jobs->first;
  jobs->waiting--;
  return job;
}

static void remove_running(Jobs *jobs, Job *job) {
  Job **place = &jobs->running;
  while (*place != job) place = &(*place)->next;
  *place = job->next;
  jobs->running_count--;
}

// ---- Threads --------------------------------------------------------------------------------------------------------

// Waits for a job; false if none came. Under the lock.
static bool wait_for_job(Jobs *jobs) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += IDLE_SECONDS;
  int failed = 0;
  jobs->idle++;
  while (!jobs->first && !jobs->over && failed != ETIMEDOUT) failed = pthread_cond_timedwait(&jobs->more, &jobs->lock, &until);
  jobs->idle--;
  return jobs->first;
}

// Runs it, without the lock meanwhile.
static void perform(Jobs *jobs, Job *job) {
  job->next = jobs->running;
  jobs->running = job;
  jobs->running_count++;
  pthread_mutex_unlock(&jobs->lock);
  job->run(job);
  pthread_mutex_lock(&jobs->lock);
  remove_running(jobs, job);
  if (job->left) {
    job->discard(job);
    return;
  }
  job->next = atomic_load(&jobs->done);
  while (!atomic_compare_exchange_weak(&jobs->done, &job->next, job)) {}
  outside_wake(jobs->vm);  // it is there: closing takes the lock first
}

static void *serve(void *context) {
  Jobs *jobs = context;
  pthread_mutex_lock(&jobs->lock);
  while (jobs->first || wait_for_job(jobs)) perform(jobs, take_first(jobs));
  jobs->threads--;
  bool last = jobs->abandoned && !jobs->threads;
  memory_flush();
  pthread_cond_signal(&jobs->fewer);
  pthread_mutex_unlock(&jobs->lock);
  if (!last) return NULL;
  jobs_free(jobs);
  memory_flush();
  return NULL;
}

// Under the lock. Signals are for those who run actors.
static bool start_thread(Jobs *jobs) {
  pthread_attr_t attr;
  if (pthread_attr_init(&attr)) return false;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  bool started = !pthread_create(&thread, &attr, serve, jobs);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  if (started) jobs->threads++;
  return started;
}

// ---- Jobs -----------------------------------------------------------------------------------------------------------

// False if nobody is there to run it.
static bool queue(Jobs *jobs, Job *job) {
  if (jobs->over) return false;
  if (jobs->idle <= jobs->waiting && jobs->threads < JOB_THREADS && !start_thread(jobs) && !jobs->threads) return false;
  job->next = NULL;
  *jobs->tail = job;
  jobs->tail = &job->next;
  jobs->waiting++;
  pthread_cond_signal(&jobs->more);
  return true;
}

bool outside_submit(Worker *worker, Job *job) {
  Vm *vm = worker->vm;
  Jobs *jobs = outside_jobs(vm);
  if (!jobs) return false;
  if (worker->sched->simulated) {
    job->run(job);
    job->done(worker, job);
    return true;
  }
  pthread_mutex_lock(&jobs->lock);
  bool queued = queue(jobs, job);
  pthread_mutex_unlock(&jobs->lock);
  return queued;
}

void outside_expect(Vm *vm, Job *job) {
  if (!atomic_exchange(&job->awaited, true)) outside_await(vm, 1);
}

void outside_unawait(Vm *vm, Job *job) {
  if (atomic_exchange(&job->awaited, false)) outside_await(vm, -1);
}

bool jobs_any(Jobs *jobs) {
  pthread_mutex_lock(&jobs->lock);
  bool any = jobs->waiting || jobs->running_count || jobs_any_done(jobs);
  pthread_mutex_unlock(&jobs->lock);
  return any;
}

bool jobs_any_done(const Jobs *jobs) { return atomic_load(&jobs->done); }

// In the order in which they ended. What a job makes ready counts as awaited until it is.
void jobs_finish(Worker *worker, Jobs *jobs) {
  if (!atomic_load_explicit(&jobs->done, memory_order_relaxed)) return;
  Job *newest = atomic_exchange(&jobs->done, NULL), *oldest = NULL;
  while (newest) {
    Job *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest) {
    Job *job = oldest;
    oldest = job->next;
    bool awaited = atomic_exchange(&job->awaited, false);
    job->done(worker, job);
    if (awaited) outside_await(worker->vm, -1);
  }
}

void jobs_close(Worker *worker, Jobs *jobs) {
  pthread_mutex_lock(&jobs->lock);
  jobs->over = true;
  while (jobs->first) {
    Job *job = take_first(jobs);
    job->leave(worker, job);
    job->discard(job);
  }
  for (Job *job = jobs->running; job; job = job->next) {
    job->left = true;
    job->leave(worker, job);
  }
  pthread_cond_broadcast(&jobs->more);
  while (jobs->threads > jobs->running_count) pthread_cond_wait(&jobs->fewer, &jobs->lock);
  jobs->abandoned = true;
  bool unused = !jobs->threads;
  pthread_mutex_unlock(&jobs->lock);
  jobs_finish(worker, jobs);
  if (unused) jobs_free(jobs);
}
