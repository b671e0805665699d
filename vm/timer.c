// The timer wheel: see timer.h.
#include "vm/timer.h"

static Timer **slot_of(Timers *timers, const Timer *timer) { return &timers->slots[timer->level][timer->slot]; }

static void place(Timers *timers, Timer *timer) {
  u64 tick = timer->at >> TIMER_TICK_SHIFT;
  if (tick < timers->tick) tick = timers->tick;
  u32 level = 0;
  while (level < TIMER_LEVELS - 1 && (tick >> 6 * level) - (timers->tick >> 6 * level) >= TIMER_SLOTS) level++;
  u64 place = tick >> 6 * level, first = timers->tick >> 6 * level;
  if (place - first >= TIMER_SLOTS) place = first + TIMER_SLOTS - 1;
  timer->level = (u16)level;
  timer->slot = (u16)(place % TIMER_SLOTS);
  Timer **slot = slot_of(timers, timer);
  if (!*slot) {
    *slot = timer->next = timer->prev = timer;
    timers->filled[level] |= (u64)1 << timer->slot;
    return;
  }
  timer->next = *slot;
  timer->prev = (*slot)->prev;
  timer->prev->next = timer;
  timer->next->prev = timer;
}

static void unplace(Timers *timers, Timer *timer) {
  Timer **slot = slot_of(timers, timer);
  if (timer->next == timer) {
    *slot = NULL;
    timers->filled[timer->level] &= ~((u64)1 << timer->slot);
    return;
  }
  timer->prev->next = timer->next;
  timer->next->prev = timer->prev;
  if (*slot == timer) *slot = timer->next;
}

Timer *timers_set(Timers *timers, Pool *pool, u64 at, TimerFire fire, void *context) {
  Timer *timer = pool_alloc(pool, sizeof *timer);
  if (!timer) return NULL;
  *timer = (Timer){.at = at, .order = timers->set++, .fire = fire, .context = context};
  place(timers, timer);
  timers->count++;
  return timer;
}

void timers_cancel(Timers *timers, Pool *pool, Timer *timer) {
  unplace(timers, timer);
  timers->count--;
  pool_free(pool, timer, sizeof *timer);
}

// How many slots ahead of the current one the first filled slot of a level is; TIMER_SLOTS if there is none. From level 1 on the
// current slot is empty: what it held was placed again when the wheel reached it.
static u32 ahead(const Timers *timers, u32 level) {
  u32 first = timers->tick >> 6 * level & (TIMER_SLOTS - 1);
  u64 filled = timers->filled[level];
  if (!filled) return TIMER_SLOTS;
  return (u32)__builtin_ctzll(first ? filled >> first | filled << (TIMER_SLOTS - first) : filled);
}

static u64 earliest_in(const Timer *ring) {
  u64 at = ring->at;
  for (const Timer *timer = ring->next; timer != ring; timer = timer->next) at = timer->at < at ? timer->at : at;
  return at;
}

u64 timers_next(const Timers *timers) {
  u64 next = UINT64_MAX;
  for (u32 level = 0; level < TIMER_LEVELS; level++) {
    u32 slots = ahead(timers, level);
    if (slots == TIMER_SLOTS) continue;
    u64 place = (timers->tick >> 6 * level) + slots;
    u64 at = level ? place << (6 * level + TIMER_TICK_SHIFT) : earliest_in(timers->slots[0][place % TIMER_SLOTS]);
    if (at < next) next = at;
  }
  return next;
}

// Places again what a higher level's slot holds, now that the wheel has reached it.
static void cascade(Timers *timers, u32 level) {
  u32 slot = timers->tick >> 6 * level & (TIMER_SLOTS - 1);
  Timer *ring = timers->slots[level][slot];
  if (!ring) return;
  timers->slots[level][slot] = NULL;
  timers->filled[level] &= ~((u64)1 << slot);
  ring->prev->next = NULL;
  for (Timer *timer = ring, *next; timer; timer = next) {
    next = timer->next;
    place(timers, timer);
  }
}

static bool earlier(const Timer *a, const Timer *b) { return a->at != b->at ? a->at < b->at : a->order < b->order; }

static Timer *merge(Timer *a, Timer *b) {
  Timer *first = NULL, **end = &first;
  while (a && b) {
    Timer **least = earlier(b, a) ? &b : &a;
    *end = *least;
    end = &(*end)->next;
    *least = (*least)->next;
  }
  *end = a ? a : b;
  return first;
}

// Sorts a list linked by next: bottom-up merging, runs[i] is sorted and has 2^i timers.
static Timer *sorted(Timer *list) {
  Timer *runs[64] = {0};
  while (list) {
    Timer *run = list;
    list = list->next;
    run->next = NULL;
    u32 i = 0;
    for (; runs[i]; runs[i++] = NULL) run = merge(runs[i], run);
    runs[i] = run;
  }
  for (u32 i = 0; i < 64; i++) list = runs[i] ? merge(runs[i], list) : list;
  return list;
}

// Puts the current tick's timers in order. They stay in their slot, so that a timer that fires may cancel another one.
static void sort_current(Timers *timers) {
  Timer **slot = &timers->slots[0][timers->tick % TIMER_SLOTS], *ring = *slot;
  if (!ring || ring->next == ring) return;
  ring->prev->next = NULL;
  Timer *last = NULL;
  *slot = sorted(ring);
  for (Timer *timer = *slot; timer; timer = timer->next) {
    timer->prev = last;
    last = timer;
  }
  last->next = *slot;
  (*slot)->prev = last;
}

static void fire(Timers *timers, Pool *pool, Timer *timer, Worker *worker) {
  TimerFire fire = timer->fire;
  void *context = timer->context;
  timers_cancel(timers, pool, timer);
  fire(worker, context);
}

static void fire_current(Timers *timers, Pool *pool, u64 now, Worker *worker) {
  sort_current(timers);
  Timer *timer;
  while ((timer = timers->slots[0][timers->tick % TIMER_SLOTS]) && timer->at <= now) fire(timers, pool, timer, worker);
}

// Moves the wheel to the next tick at which there is anything to do, but not beyond `last`.
static void advance(Timers *timers, u64 last) {
  u64 next = last;
  timers->tick++;  // the current slot counts as behind us
  for (u32 level = 0; level < TIMER_LEVELS; level++) {
    u64 before = (timers->tick - 1) >> 6 * level, first = timers->tick >> 6 * level;
    u32 slots = ahead(timers, level);
    if (slots == TIMER_SLOTS) continue;
    if (level && first == before && !slots) continue;
    u64 tick = (first + slots) << 6 * level;
    if (tick < next) next = tick;
  }
  if (next < timers->tick) next = timers->tick;
  timers->tick = next;
  for (u32 level = TIMER_LEVELS - 1; level > 0; level--) {
    if (!(next & (((u64)1 << 6 * level) - 1))) cascade(timers, level);
  }
}

void timers_run(Timers *timers, Pool *pool, u64 now, Worker *worker) {
  u64 last = now >> TIMER_TICK_SHIFT;
  while (timers->count && timers->tick < last) {
    fire_current(timers, pool, now, worker);
    advance(timers, last);
  }
  if (timers->tick < last) timers->tick = last;
  fire_current(timers, pool, now, worker);
}

void timers_close(Timers *timers, Pool *pool, Worker *worker) {
  for (u32 level = 0; level < TIMER_LEVELS; level++) {
    for (u32 slot = 0; slot < TIMER_SLOTS; slot++) {
      while (timers->slots[level][slot]) fire(timers, pool, timers->slots[level][slot], worker);
    }
  }
}
