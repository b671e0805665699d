// What SIGQUIT shows: the actors of the program, what each does, and who waits for whom. For a person who asks why nothing happens.
#include <stdio.h>

#include "vm/crew.h"
#include "vm/sched.h"
#include "vm/stream.h"

enum {
  ACTORS_SHOWN = 1000,
  OWERS_SHOWN = 8,           // of one await
  PROMISES_FOLLOWED = 64,    // of one await
  MESSAGES_COUNTED = 100000,
  LINE_ROOM = ASKED_ROOM + 1024,
};

// ---- Text -----------------------------------------------------------------------------------------------------------

typedef struct Line {
  char text[LINE_ROOM];
  size_t length;
} Line;

static void add(Line *line, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(Line *line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = sizeof line->text - line->length;
  int length = vsnprintf(line->text + line->length, room, format, args);
  va_end(args);
  if (length > 0) line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_actor(Line *line, const Actor *actor) {
  Str name = actor->class->name;
  add(line, "%.*s#%llu", name.len < 100 ? (int)name.len : 100, name.ptr, (unsigned long long)actor->serial);
}

static void write_line(Worker *worker, Line *line) {
  stream_write_escaped(worker, worker->vm->err, (Str){line->text, line->length});
  stream_write(worker, worker->vm->err, STR("\n"));
  line->length = 0;
}

// ---- Who owes what --------------------------------------------------------------------------------------------------

// The actors that owe a promise, or a part of it: as many as there is room for.
typedef struct Owers {
  const Actor *actors[OWERS_SHOWN];
  u32 count;
  const Promise *pending[PROMISES_FOLLOWED];  // still to be followed
  u32 pending_count, followed;
  bool more;
} Owers;

static void add_ower(Owers *owers, const Actor *actor) {
  for (u32 i = 0; i < owers->count; i++) {
    if (owers->actors[i] == actor) return;
  }
  if (owers->count < OWERS_SHOWN) owers->actors[owers->count++] = actor;
  else owers->more = true;
}

static void add_pending(Owers *owers, const Promise *promise) {
  if (owers->followed < PROMISES_FOLLOWED && owers->pending_count < PROMISES_FOLLOWED) owers->pending[owers->pending_count++] = promise;
  else owers->more = true;
}

static void follow(Owers *owers, const Promise *promise) {
  owers->followed++;
  if (promise->group) {
    for (u32 i = promise->group->count; i-- && !owers->more;) {
      const Member *member = &promise->group->members[i];
      if (member->waiter.next) add_pending(owers, member->promise);
    }
  } else if (promise->owed & OWED_BY_WAITER) {
    const Waiter *waiter = (const Waiter *)(promise->owed - OWED_BY_WAITER);
    if (waiter->kind == WAITER_WHEN) add_ower(owers, waiter->actor);
    add_pending(owers, waiter->on);
  } else if (promise->owed) {
    add_ower(owers, (const Actor *)promise->owed);
  }
}

static void find_owers(Owers *owers, const Promise *promise) {
  *owers = (Owers){.pending = {promise}, .pending_count = 1};
  while (owers->pending_count) follow(owers, owers->pending[--owers->pending_count]);
}

// ---- Actors ---------------------------------------------------------------------------------------------------------

static u32 count_ring(const Message *last, u32 count) {
  const Message *message = last;
  if (!last) return count;
  do message = message->next;
  while (++count < MESSAGES_COUNTED && message != last);
  return count;
}

static u32 count_messages(Actor *actor) {
  u32 count = count_ring(actor->queue, 0);
  if (actor->class->any_guard) count = count_ring(*mailbox_put_off(actor), count);
  u64 inbox = atomic_load_explicit(&actor->inbox, memory_order_acquire);
  if (inbox_is_mark(inbox)) return count;
  for (const Message *pushed = inbox_newest(inbox); pushed && count < MESSAGES_COUNTED; pushed = pushed->next) count++;
  return count;
}

static bool is_waiting(const Actor *actor) { return actor_state(actor) == ACTOR_SUSPENDED && actor->turn && actor->turn->waiter.next; }

static const char *state_name(const Actor *actor) {
  switch (actor_state(actor)) {
    case ACTOR_IDLE: return "idle";
    case ACTOR_READY: return "ready";
    case ACTOR_RUNNING: return "running";
    case ACTOR_SUSPENDED: return "suspended";
    case ACTOR_ENDED: break;
  }
  return "ended";
}

static void show_actor(Worker *worker, Actor *actor) {
  Line line = {.length = 0};
  u32 messages = count_messages(actor);
  add(&line, "  ");
  add_actor(&line, actor);
  add(&line, ": %s, %u%s message%s", state_name(actor), messages, messages == MESSAGES_COUNTED ? " or more" : "", messages == 1 ? "" : "s");
  if (is_waiting(actor)) {
    char asked[ASKED_ROOM];
    promise_asked(actor->turn->waiting, asked);
    add(&line, ", awaits %s%s", asked, actor->turn->timer ? " for a limited time" : "");
  }
  write_line(worker, &line);
}

static void show_wait(Worker *worker, const Actor *actor) {
  Line line = {.length = 0};
  Owers owers;
  find_owers(&owers, actor->turn->waiting);
  add(&line, "  ");
  add_actor(&line, actor);
  add(&line, " -> ");
  for (u32 i = 0; i < owers.count; i++) {
    if (i) add(&line, ", ");
    add_actor(&line, owers.actors[i]);
  }
  if (owers.more) add(&line, "%s…", owers.count ? ", " : "");
  else if (!owers.count) add(&line, "what is outside");
  write_line(worker, &line);
}

// ---- All of them ----------------------------------------------------------------------------------------------------

// The oldest of all, a heap with the youngest of them on top: banks may be many, so no cursor goes along all their lists at once.
typedef struct Oldest {
  Actor *actors[ACTORS_SHOWN];
  u32 count;
  u64 living;
} Oldest;

static void sink(Oldest *oldest, Actor *actor, u32 at) {
  for (u32 child; (child = 2 * at + 1) < oldest->count; at = child) {
    if (child + 1 < oldest->count && oldest->actors[child + 1]->serial > oldest->actors[child]->serial) child++;
    if (oldest->actors[child]->serial <= actor->serial) break;
    oldest->actors[at] = oldest->actors[child];
  }
  oldest->actors[at] = actor;
}

static void rise(Oldest *oldest, Actor *actor) {
  u32 at = oldest->count++;
  for (; at && oldest->actors[(at - 1) / 2]->serial < actor->serial; at = (at - 1) / 2) oldest->actors[at] = oldest->actors[(at - 1) / 2];
  oldest->actors[at] = actor;
}

static void add_account(Oldest *oldest, const Account *account) {
  for (Actor *actor = account->newest; actor; actor = actor->older) {
    if (actor_state(actor) == ACTOR_ENDED) continue;
    oldest->living++;
    if (oldest->count < ACTORS_SHOWN) rise(oldest, actor);
    else if (actor->serial < oldest->actors[0]->serial) sink(oldest, actor, 0);
  }
}

static void find_oldest(Oldest *oldest, Vm *vm) {
  oldest->count = 0;
  oldest->living = 0;
  spin_lock(&vm->banks_lock);
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    for (u32 i = 0; i < vm->worker_count; i++) add_account(oldest, &bank->accounts[i]);
  }
  spin_unlock(&vm->banks_lock);
  u32 count = oldest->count;
  while (oldest->count) {  // the youngest go to the end
    Actor *youngest = oldest->actors[0], *last = oldest->actors[--oldest->count];
    if (oldest->count) sink(oldest, last, 0);
    oldest->actors[oldest->count] = youngest;
  }
  oldest->count = count;
}

// For a person who asks whether anything is lost. What workers keep for reuse is given back first, so that the allocator's figure says how
// much is really held.
static void show_totals(Worker *worker) {
  Vm *vm = worker->vm;
  for (u32 i = 0; i < vm->worker_count; i++) pool_close(&vm->workers[i].pool);
  memory_trim(true);
  VmStats done = vm_stats(vm);
  VmCensus now = vm_census(vm);
  MemoryFigures memory = memory_figures();
  Line line = {.length = 0};
  add(&line, "messages: %llu sent, %llu received, %llu dropped (%llu dead letters), %lld waiting", (unsigned long long)done.sent,
      (unsigned long long)done.received, (unsigned long long)done.dropped, (unsigned long long)done.dead_letters, (long long)now.waiting);
  write_line(worker, &line);
  add(&line, "timers: %llu, banks: %llu, ended actors that can be named: %llu", (unsigned long long)now.timers,
      (unsigned long long)now.banks, (unsigned long long)now.ended);
  write_line(worker, &line);
  add(&line, "memory: %lld bytes charged, %llu in use, %llu allocated, %llu resident", (long long)now.charged,
      (unsigned long long)memory_live(), (unsigned long long)memory.allocated, (unsigned long long)memory.resident);
  write_line(worker, &line);
}

// The crew stands still.
static void show_all(Worker *worker, void *context) {
  (void)context;
  Oldest oldest;
  find_oldest(&oldest, worker->vm);
  Line line = {.length = 0};
  add(&line, "actors: %llu", (unsigned long long)oldest.living);
  write_line(worker, &line);
  show_totals(worker);
  for (u32 i = 0; i < oldest.count; i++) show_actor(worker, oldest.actors[i]);
  if (oldest.living > oldest.count) {
    add(&line, "  … and %llu more", (unsigned long long)(oldest.living - oldest.count));
    write_line(worker, &line);
  }
  add(&line, "who waits for whom:");
  write_line(worker, &line);
  for (u32 i = 0; i < oldest.count; i++) {
    if (is_waiting(oldest.actors[i])) show_wait(worker, oldest.actors[i]);
  }
}

void waits_show(Worker *worker) { crew_halt(worker, show_all, NULL); }
