// The power Clock. Under --seed, time is simulated: it begins at 2000-01-01 and moves only while nobody is ready.
#include <time.h>

#include "vm/power.h"
#include "vm/sched.h"

static const i64 SIMULATED_EPOCH_US = 946684800000000;

static bool answer_time(Worker *worker, Message *message, Kind kind, i64 us) {
  Chunk *chunk = promise_chunk(2);
  if (!chunk) return fault_memory(worker);
  Val time = chunk_word(chunk, kind, (u64)us);
  promise_give(worker, message->promise, time, chunk);
  return true;
}

bool power_clock_now(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  if (worker->sched->simulated) return answer_time(worker, message, KIND_TIME, SIMULATED_EPOCH_US + (i64)sched_now(worker));
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return answer_time(worker, message, KIND_TIME, (i64)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

bool power_clock_monotonic(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  return answer_time(worker, message, KIND_DURATION, (i64)sched_now(worker));
}

// ---- after ----------------------------------------------------------------------------------------------------------

// An answer that comes in time. Dropping its promise stops the timer, so that the program need not wait for it.
typedef struct Alarm {
  Operation operation;  // first
  Timer *timer;
  Promise *promise;
} Alarm;

// Whoever asked pays for both.
enum { ALARM_BYTES = sizeof(Alarm) + sizeof(Timer) };

static void alarm_free(Worker *worker, Alarm *alarm) {
  Promise *promise = alarm->promise;
  timers_cancel(&worker->pool, alarm->timer);
  pool_free(&worker->pool, alarm, sizeof *alarm);
  bank_give(worker, promise->payer, ALARM_BYTES);
  promise_release(worker, promise);
}

static bool alarm_claim(void *context) {
  Alarm *alarm = context;
  return promise_operation_take(alarm->promise, &alarm->operation);
}

static void alarm_ring(Worker *worker, void *context) {
  Alarm *alarm = context;
  promise_give(worker, alarm->promise, VAL_UNIT, NULL);
  alarm_free(worker, alarm);
}

static const TimerKind ringing = {alarm_claim, alarm_ring};

static void alarm_cancel(Worker *worker, Operation *operation) { alarm_free(worker, (Alarm *)operation); }

static Alarm *alarm_new(Worker *worker, Promise *promise, u64 us) {
  Alarm *alarm = pool_alloc(&worker->pool, sizeof *alarm);
  if (!alarm) return NULL;
  *alarm = (Alarm){{.cancel = alarm_cancel}, NULL, promise};
  alarm->timer = timers_set(&worker->sched->timers, &worker->pool, sched_now(worker) + us, &ringing, alarm);
  if (alarm->timer) return alarm;
  pool_free(&worker->pool, alarm, sizeof *alarm);
  return NULL;
}

bool power_clock_after(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  i64 us = val_us(message->args[0]);
  if (us <= 0) return power_answer(worker, message, VAL_UNIT);
  Promise *promise = message->promise;
  if (!promise_is_heard(promise)) return true;  // dropped before it began
  if (!bank_take(worker, promise->payer, ALARM_BYTES)) {
    worker->refused = NULL;
    promise_break(worker, promise, WK_FULL, STR(""));
    return true;
  }
  Alarm *alarm = alarm_new(worker, promise, (u64)us);
  if (!alarm) {
    bank_give(worker, promise->payer, ALARM_BYTES);
    return fault_memory(worker);
  }
  message->promise = NULL;
  promise_retain(promise);
  promise_operation_set(promise, &alarm->operation);
  promise_release(worker, promise);  // it may have been dropped meanwhile
  return true;
}
