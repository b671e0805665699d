// Ready actors in line, account by account: who is next, who is given away, and what of it all a frozen bank keeps back.
//
// Each account has a line of its own. A worker goes on with the account in front; the others that have somebody in line stand in a heap,
// by `pass`: the time that an account has had, in units that are the longer the less its bank weighs. Whoever has had least is next
// (stride scheduling: Waldspurger, Weihl 1995). While the heap is empty nothing is compared and nothing is booked. An account that comes
// back begins with the pass of who runs now at least: what it did not use meanwhile is no credit.
//
// The heap is a skew heap (Sleator, Tarjan 1986): its links lie in the accounts, so making an actor ready never needs memory.
#include <time.h>

#include "vm/sched.h"
#include "vm/ticks.h"

// Slices' worth of reductions for those that were woken, before one that used up its slice goes first: as much as handling costs of what it
// sent, or a sender would outrun who handles it.
enum { AGAIN_AFTER = 4 };

enum {
  TICKS_EACH = 32,       // for a reduction, when others have come in line only during the slice
  LOOK_TICKS = 1 << 21,  // about 1 ms
};

// ---- The heap -------------------------------------------------------------------------------------------------------

static bool before(const Account *a, const Account *b) { return a->pass < b->pass; }

static Account *merge(Account *a, Account *b) {
  Account *top = NULL, **link = &top;
  while (a && b) {
    Account *least = before(b, a) ? b : a;
    if (least == b) b = a;
    *link = least;
    a = least->far;
    least->far = least->near;  // the branches change places
    link = &least->near;
  }
  *link = a ? a : b;
  return top;
}

static void insert(Sched *sched, Account *account) {
  account->near = account->far = NULL;
  sched->others = merge(sched->others, account);
}

static Account *pop(Sched *sched) {
  Account *top = sched->others;
  sched->others = merge(top->near, top->far);
  return top;
}

static void insert_anew(Sched *sched, Account *account) {
  if (account->pass < sched->pass) account->pass = sched->pass;
  insert(sched, account);
}

void line_appear(Sched *sched, Account *account) {
  if (account->parked) return;
  sched->ready_count++;
  if (account->ready_count == 1) insert_anew(sched, account);
}

static u64 clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

// Ticks since the last look in which the thread did not run, because the system ran something else.
static u64 stolen(Sched *sched, u64 now) {
  u64 wall = clock_ns(CLOCK_MONOTONIC), own = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  u64 gone = wall - sched->looked_wall, ran = own - sched->looked_own, passed = now - sched->looked;
  bool first = !sched->looked;
  sched->looked = now;
  sched->looked_wall = wall;
  sched->looked_own = own;
  return first || ran >= gone ? 0 : (u64)((double)passed / (double)gone * (double)(gone - ran));
}

// Time is what counts, not reductions: natives and collections, pages that the system makes, what an actor leaves behind at its end, all that
// takes time for which there are no reductions, or too few. Whoever does such things must not have more than its share.
void line_charge(Sched *sched, Account *account, u64 spent) {
  u64 now = ticks(), taken = sched->chosen && now > sched->chosen ? now - sched->chosen : spent * TICKS_EACH;
  if (sched->chosen && now - sched->looked > LOOK_TICKS) {
    u64 elsewhere = stolen(sched, now);
    taken = taken > elsewhere ? taken - elsewhere : 0;
  }
  sched->chosen = 0;
  account->pass += (unsigned __int128)taken * account->stride;
}

// ---- Under a seed ---------------------------------------------------------------------------------------------------

void line_add_drawn(Sched *sched, Account *account, Actor *actor) {
  if (!account->parked) {
    sched->drawn_from[sched->ready_count++] = actor;
    return;
  }
  queue_add(&account->fresh, actor);
  account->ready_count++;
}

static Actor *draw(Sched *sched) {
  u64 drawn = random_below(&sched->choice, sched->ready_count);
  Actor *actor = sched->drawn_from[drawn];
  sched->drawn_from[drawn] = sched->drawn_from[--sched->ready_count];
  return actor;
}

// ---- Taking ---------------------------------------------------------------------------------------------------------

// Takes the first `count` of so many as stand there.
static Actor *queue_take(Queue *line, u32 count, u32 length, Actor **last) {
  Actor *first = line->first;
  *last = first;
  for (u32 i = 1; i < count; i++) *last = (*last)->next_ready;
  if (count == length) line->tail = &line->first;
  else line->first = (*last)->next_ready;
  return first;
}

// The account that has had least comes to the front.
static Account *choose_account(Sched *sched) {
  Account *front = sched->front, *other = sched->others;
  bool stays = front && front->ready_count;
  if (other && (!stays || before(other, front))) {
    pop(sched);
    if (stays) insert(sched, front);
    sched->front = front = other;
  }
  if (front->pass > sched->pass) sched->pass = front->pass;
  sched->chosen = ticks();
  return front;
}

Actor *sched_choose(Worker *worker) {
  Sched *sched = worker->sched;
  if (sched->seeded) return draw(sched);
  Account *account = choose_account(sched);
  Actor *last;
  u32 fresh = account->ready_count - account->spent_count;
  sched->ready_count--;
  account->ready_count--;
  // Counted from the end of its slice, which may have been longer than a quantum, by much.
  if (account->spent_ran) account->spent_due = worker->stats.reductions + worker->vm->options.quantum * AGAIN_AFTER;
  account->spent_ran = !fresh || (account->spent_count && worker->stats.reductions >= account->spent_due);
  if (!account->spent_ran) return queue_take(&account->fresh, 1, fresh, &last);
  account->spent_due = worker->stats.reductions;
  return queue_take(&account->spent, 1, account->spent_count--, &last);
}

// ---- Giving away ----------------------------------------------------------------------------------------------------

// The first `count` of an account's line, linked, at *end. Where the link of the last one is.
static Actor **cut(Account *account, u32 count, Actor **end) {
  u32 fresh = account->ready_count - account->spent_count, young = count < fresh ? count : fresh, old = count - young;
  Actor *last;
  if (young) {
    *end = queue_take(&account->fresh, young, fresh, &last);
    end = &last->next_ready;
  }
  if (old) {
    *end = queue_take(&account->spent, old, account->spent_count, &last);
    end = &last->next_ready;
  }
  account->spent_count -= old;
  account->ready_count -= count;
  return end;
}

u32 sched_give(Worker *worker, Actor **first, Actor **last) {
  Sched *sched = worker->sched;
  u32 count = sched->ready_count / 2;
  if (count > SHARE_MOST) count = SHARE_MOST;
  Actor **end = first;
  for (u32 left = count; left;) {
    Account *account = sched->front && sched->front->ready_count ? sched->front : pop(sched);
    u32 here = left < account->ready_count ? left : account->ready_count;
    end = cut(account, here, end);
    left -= here;
    if (account != sched->front && account->ready_count) insert(sched, account);
  }
  *last = (Actor *)((char *)end - offsetof(Actor, next_ready));
  sched->ready_count -= count;
  return count;
}

void sched_join(Worker *worker, Actor *first, Actor *last, u32 count) {
  (void)last;
  for (Actor *actor = first, *next; count--; actor = next) {
    next = count ? actor->next_ready : NULL;
    sched_ready(worker, actor);
  }
}

// ---- Frozen banks ---------------------------------------------------------------------------------------------------

static void keep_unparked(Sched *sched, Account *account) {
  if (!account || account->parked || !account->ready_count) return;
  sched->ready_count += account->ready_count;
  insert(sched, account);
}

// Those of seeded runs that may not be drawn any more leave the others in their order.
static void sift_drawn(Worker *worker) {
  Sched *sched = worker->sched;
  u32 count = sched->ready_count;
  sched->ready_count = 0;
  for (u32 i = 0; i < count; i++) line_add_drawn(sched, actor_account(worker, sched->drawn_from[i]), sched->drawn_from[i]);
}

void line_sift(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched) return;
  if (sched->seeded) {
    sift_drawn(worker);
    return;
  }
  Account *front = sched->front, *all = NULL;
  while (sched->others) {
    Account *account = pop(sched);
    account->near = all;
    all = account;
  }
  sched->front = NULL;
  sched->ready_count = 0;
  keep_unparked(sched, front);
  for (Account *next; all; all = next) {
    next = all->near;
    keep_unparked(sched, all);
  }
}

static void queue_append(Queue *to, Queue *from) {
  if (from->tail == &from->first) return;
  *to->tail = from->first;
  to->tail = from->tail;
  from->tail = &from->first;
}

static void gather(Account *mine, Account *from) {
  if (mine != from) queue_append(&mine->fresh, &from->fresh);
  queue_append(&mine->fresh, &from->spent);
  if (mine != from) mine->ready_count += from->ready_count;
  if (mine != from) from->ready_count = 0;
  from->spent_count = 0;
  from->parked = false;
}

// Into the worker's own line: it gives away what others want of it.
void line_unpark(Worker *worker, Bank *bank) {
  Sched *sched = worker->sched;
  Account *mine = bank_account(bank, worker);
  if (!mine->parked) return;
  for (u32 i = 0; i < bank->account_count; i++) gather(mine, &bank->accounts[i]);
  u32 count = mine->ready_count;
  if (!count) return;
  if (!sched->seeded) {
    sched->ready_count += count;
    insert_anew(sched, mine);
    return;
  }
  Actor *last, *actor = queue_take(&mine->fresh, count, count, &last);
  mine->ready_count = 0;
  sched_join(worker, actor, last, count);
}
