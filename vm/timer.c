// The timer wheel: see timer.h.
#include "vm/timer.h"

// Written under the lock, and read by the wheel's worker without it.
static void recount(Timers *timers, i64 by) {
  u64 count = atomic_load_explicit(&timers->count, memory_order_relaxed);
  atomic_store_explicit(&timers->count, count + (u64)by, memory_order_relaxed);
}

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

Timer *timers_set(Timers *timers, Pool *pool, u64 at, const TimerKind *kind, void *context) {
  Timer *timer = pool_alloc(pool, sizeof *timer);
  if (!timer) return NULL;
  *timer = (Timer){.wheel = timers, .at = at, .kind = kind, .context = context};
  spin_lock(&timers->lock);
  timer->order = timers->set++;
  place(timers, timer);
  recount(timers, 1);
  spin_unlock(&timers->lock);
  return timer;
}

static void take_out(Timers *timers, Timer *timer) {
  unplace(timers, timer);
  recount(timers, -1);
}

bool timers_cancel(Pool *pool, Timer *timer) {
  Timers *timers = timer->wheel;
  spin_lock(&timers->lock);
  bool waits = !atomic_load_explicit(&timer->fired, memory_order_relaxed);
  if (waits) take_out(timers, timer);
  spin_unlock(&timers->lock);
  pool_free(pool, timer, sizeof *timer);
  return waits;
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

u64 timers_next(Timers *timers) {
  u64 next = UINT64_MAX;
  spin_lock(&timers->lock);
  for (u32 level = 0; level < TIMER_LEVELS; level++) {
    u32 slots = ahead(timers, level);
    if (slots == TIMER_SLOTS) continue;
    u64 place = (timers->tick >> 6 * level) + slots;
    u64 at = level ? place << (6 * level + TIMER_TICK_SHIFT) : earliest_in(timers->slots[0][place % TIMER_SLOTS]);
    if (at < next) next = at;
  }
  spin_unlock(&timers->lock);
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
  if (timers->sorted) return;
  timers->sorted = true;
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
  timers->sorted = false;
  for (u32 level = TIMER_LEVELS - 1; level > 0; level--) {
    if (!(next & (((u64)1 << 6 * level) - 1))) cascade(timers, level);
  }
}

// A timer fires: whether it is to act.
static bool claim(Timers *timers, Timer *timer) {
  take_out(timers, timer);
  // Whoever sees this without the lock can take back at most what has not been claimed (turn.c).
  atomic_store(&timer->fired, true);
  return timer->kind->claim(timer->context);
}

// The first of the current tick's timers that is due and could be claimed, or NULL.
static Timer *claim_current(Timers *timers, u64 now) {
  sort_current(timers);
  Timer *timer;
  while ((timer = timers->slots[0][timers->tick % TIMER_SLOTS]) && timer->at <= now) {
    if (claim(timers, timer)) return timer;
  }
  return NULL;
}

static Timer *claim_next(Timers *timers, u64 now) {
  u64 last = now >> TIMER_TICK_SHIFT;
  spin_lock(&timers->lock);
  Timer *timer = claim_current(timers, now);
  while (!timer && timers->tick < last) {
    if (timers->count) {
      advance(timers, last);
    } else {
      timers->tick = last;
      timers->sorted = false;
    }
    timer = claim_current(timers, now);
  }
  spin_unlock(&timers->lock);
  return timer;
}

// What a timer that was claimed is about cannot go before it has acted.
static void act(Worker *worker, const Timer *timer) { timer->kind->act(worker, timer->context); }

void timers_run(Timers *timers, u64 now, Worker *worker) {
  timers->sorted = false;
  for (Timer *timer; (timer = claim_next(timers, now));) act(worker, timer);
}

void timers_close(Timers *timers, Worker *worker) {
  for (u32 level = 0; level < TIMER_LEVELS; level++) {
    for (u32 slot = 0; slot < TIMER_SLOTS; slot++) {
      for (Timer *timer; (timer = timers->slots[level][slot]);) {
        if (claim(timers, timer)) act(worker, timer);
      }
    }
  }
}
