// vm/timer.c: order, precision, cancelling, far deadlines, against a plain model.
#include "vm/timer.h"

#include <criterion/criterion.h>

#include "vm/random.h"

enum { MANY = 3000 };

typedef struct Bell {
  u64 at, order, rung;   // rung: the number of its ringing, from 1
  Timer *timer;
} Bell;

static Timers timers;
static Pool pool;
static u64 rings, now, last_at, last_order;

static void ring(Worker *worker, void *context) {
  (void)worker;
  Bell *bell = context;
  cr_assert_eq(bell->rung, 0);
  cr_assert_leq(bell->at, now);
  cr_assert(bell->at > last_at || (bell->at == last_at && bell->order > last_order), "out of order");
  last_at = bell->at;
  last_order = bell->order;
  bell->rung = ++rings;
  cr_assert(!timers_cancel(&pool, bell->timer), "it has fired");
  bell->timer = NULL;
}

static bool take(void *context) { return context; }
static const TimerKind ringing = {take, ring};

static void set(Bell *bell, u64 at) {
  *bell = (Bell){.at = at, .order = timers.set + 1};
  bell->timer = timers_set(&timers, &pool, at, &ringing, bell);
  cr_assert(bell->timer);
}

static void run_to(u64 time) {
  now = time;
  timers_run(&timers, now, NULL);
}

// Deadlines of all magnitudes; time moves by jumps of all magnitudes; after each, exactly the due ones have rung.
Test(timer, against_a_model) {
  static Bell bells[MANY];
  Random random = random_from(7);
  for (u32 i = 0; i < MANY; i++) {
    set(&bells[i], now + 1 + random_below(&random, (u64)1 << random_below(&random, 40)));
    if (i % 3 == 0) {
      Bell *other = &bells[random_below(&random, i + 1)];
      if (other->timer) {
        cr_assert(timers_cancel(&pool, other->timer));
        other->timer = NULL;
        other->rung = UINT64_MAX;
      }
    }
    u64 next = timers_next(&timers), earliest = UINT64_MAX;
    for (u32 k = 0; k <= i; k++) {
      if (bells[k].timer && bells[k].at < earliest) earliest = bells[k].at;
    }
    cr_assert_leq(next, earliest, "a deadline is never missed");
    if (random_below(&random, 4)) continue;
    last_at = last_order = 0;
    run_to(now + random_below(&random, (u64)1 << random_below(&random, 34)));
    for (u32 k = 0; k <= i; k++) cr_assert_eq(bells[k].timer != NULL, bells[k].at > now && bells[k].rung == 0);
  }
  while (timers.count) {
    u64 next = timers_next(&timers);
    cr_assert_neq(next, UINT64_MAX);
    last_at = last_order = 0;
    run_to(next > now ? next : now + 1);
  }
  cr_assert_eq(timers_next(&timers), UINT64_MAX);
  pool_close(&pool);
}

Test(timer, to_the_microsecond) {
  Bell a, b, c;
  set(&a, 1500);
  set(&b, 1400);
  set(&c, 1500);
  run_to(1399);
  cr_assert_eq(rings, 0);
  cr_assert_eq(timers_next(&timers), 1400);
  run_to(1499);
  cr_assert_eq(rings, 1);
  run_to(1500);
  cr_assert_eq(rings, 3);
  pool_close(&pool);
}

typedef struct Pair {
  Timer *timer;
  struct Pair *other;
  bool refuses;  // somebody else has taken what it is about
} Pair;

static void cancel_other(Worker *worker, void *context) {
  (void)worker;
  Pair *pair = context;
  timers_cancel(&pool, pair->timer);
  pair->timer = NULL;
  if (pair->other->timer) cr_assert(timers_cancel(&pool, pair->other->timer));
  pair->other->timer = NULL;
  rings++;
}

static bool take_pair(void *context) { return !((Pair *)context)->refuses; }
static const TimerKind cancelling = {take_pair, cancel_other};

// Two that cancel each other, due at once: one rings.
Test(timer, cancelled_by_one_that_rings) {
  Pair a = {0}, b = {.other = &a};
  a.other = &b;
  a.timer = timers_set(&timers, &pool, 100, &cancelling, &a);
  b.timer = timers_set(&timers, &pool, 100, &cancelling, &b);
  run_to(5000);
  cr_assert_eq(rings, 1);
  cr_assert_eq(timers.count, 0);
  pool_close(&pool);
}

// One that finds nothing to take does nothing, and its record stays until it is cancelled.
Test(timer, claimed_by_others) {
  Pair a = {.refuses = true}, b = {.other = &a};
  a.timer = timers_set(&timers, &pool, 100, &cancelling, &a);
  run_to(5000);
  cr_assert_eq(rings, 0);
  cr_assert_eq(timers.count, 0);
  cr_assert(timer_has_fired(a.timer));
  cr_assert(!timers_cancel(&pool, a.timer));
  a.timer = NULL;
  b.timer = timers_set(&timers, &pool, 100, &cancelling, &b);
  cr_assert(timers_cancel(&pool, b.timer));
  run_to(10000);
  cr_assert_eq(rings, 0);
  pool_close(&pool);
}

Test(timer, farther_than_the_wheel) {
  Bell far, never;
  u64 years = (u64)50 * 365 * 86400 * 1000000;
  set(&far, years);
  set(&never, UINT64_MAX);
  run_to(years - 1);
  cr_assert_eq(rings, 0);
  run_to(years);
  cr_assert_eq(rings, 1);
  now = UINT64_MAX;
  timers_close(&timers, NULL);
  cr_assert_eq(timers.count, 0);
  pool_close(&pool);
}
