// Deadlocks: actors that await each other in a cycle. docs/deadlock.md explains the graph and the choice of what breaks.
//
// An edge leads from a promise to what must happen before it can settle, and always to another promise: through the actor that owes it,
// if that one is suspended, to what it awaits; to what is forwarded to it; to the members of an all(). A cycle is closed by the last of
// its awaits or forwards, so only those are looked at, and only once they have lasted a while: a request that is answered soon is never
// looked at. All that are due are searched depth first with common marks, so that a search costs no more than the graph it meets. The path
// is an array: no chain is too long for the C stack.
//
// Suspects are listed by the worker on which they began. Only the lists are guarded: all else is looked at while the crew stands still.
#include <stdio.h>

#include "vm/crowd.h"
#include "vm/sched.h"

enum {
  PATH_AT_HAND = 64,
  STEP_COST = 4,         // under simulated time: reductions before the next look, for each step
  LOOK_EVERY_US = 20000, // else: between two looks, while others are ready
  LOOK_SHARE = 20,       // one part in so many of the time goes into looking then
  LOOK_STEPS = 1 << 20,  // of one look, while others are ready
  SINCE_PER_US = 32,     // numbers for when a wait began: more than slices can be done
  RACE_STEPS = 1 << 22,  // of one search: a race that takes more to decide counts as alive
};

// A promise on the path, and its edge to be tried next: the one that leads on is in front of it.
typedef struct Entry {
  Promise *promise;
  u32 next;
} Entry;

typedef struct Edge {
  Promise *to;
  Actor *through;  // whose await it is, or NULL
  Waiter *wait;    // an await's or a forward's: what may be broken; NULL for other edges
} Edge;

// A promise's mark says what the search has found: ON_PATH, or, counted from there:
enum {
  MARK_ON_PATH,
  MARK_DONE,      // leads to no cycle
  MARK_COUNT,
};

typedef struct Search {
  Worker *worker;
  u32 mark;       // ON_PATH
  bool met_race;  // that was not followed, and that nothing is known to settle
  u64 steps;
  u64 limit;      // then the rest of the suspects is left for later
  Entry *path;
  u32 depth, capacity;
  Entry at_hand[PATH_AT_HAND];
} Search;

// ---- Edges ----------------------------------------------------------------------------------------------------------

// Waits with a limit end by themselves. So does a send that waits for room; but it counts.
static bool has_limit(const Turn *turn) { return turn->timer && !turn->held; }

static bool through_actor(Actor *actor, Edge *edge) {
  Turn *turn = actor->turn;
  if (actor_state(actor) != ACTOR_SUSPENDED || !turn || has_limit(turn) || !turn->waiter.next) return false;
  *edge = (Edge){turn->waiting, actor, &turn->waiter};
  return true;
}

static bool is_race(const Promise *promise) { return promise->group && promise->group->members[0].waiter.kind == WAITER_RACE; }

static bool next_member(Entry *entry, Edge *edge) {
  Group *group = entry->promise->group;
  while (entry->next < group->count) {
    Member *member = &group->members[entry->next++];
    if (!member->waiter.next) continue;
    *edge = (Edge){member->promise, NULL, NULL};
    return true;
  }
  return false;
}

// A `when` waits for its actor and for what it will hear of.
static bool next_of_waiter(Entry *entry, Waiter *waiter, Edge *edge) {
  if (waiter->kind == WAITER_FORWARD) {
    *edge = (Edge){waiter->on, NULL, waiter};
    return !entry->next++;
  }
  if (!entry->next++ && through_actor(waiter->actor, edge)) return true;
  if (entry->next > 2) return false;
  entry->next = 2;
  *edge = (Edge){waiter->on, NULL, NULL};
  return true;
}

// The next edge of an open promise. False if it has no more.
static bool next_edge(Entry *entry, Edge *edge) {
  const Promise *promise = entry->promise;
  if (promise->group) return next_member(entry, edge);
  if (!promise->owed) return false;
  if (promise->owed & OWED_BY_WAITER) return next_of_waiter(entry, (Waiter *)(promise->owed - OWED_BY_WAITER), edge);
  return !entry->next++ && through_actor((Actor *)promise->owed, edge);
}

// The edge by which the path goes on from entry i.
static Edge taken_edge(const Search *search, u32 i) {
  Entry entry = {search->path[i].promise, search->path[i].next - 1};
  Edge edge;
  if (!next_edge(&entry, &edge)) BUG("an edge of a path has gone");
  return edge;
}

// Whether a member of the race waits for no suspended actor, as far as one can see at once: so most races with a time limit.
static bool settles_soon(Search *search, Promise *race) {
  Entry entry = {race, 0};
  for (Edge edge, further; next_member(&entry, &edge); search->steps++) {
    if (!next_edge(&(Entry){edge.to, 0}, &further)) return true;
  }
  return false;
}

// ---- Searching ------------------------------------------------------------------------------------------------------

static bool push(Search *search, Promise *promise, u32 mark) {
  if (search->depth == search->capacity &&
      !memory_grow((void **)&search->path, &search->capacity, sizeof(Entry), search->at_hand)) {
    return false;
  }
  search->path[search->depth++] = (Entry){promise, 0};
  promise->mark = mark;
  return true;
}

static u32 place_on_path(const Search *search, const Promise *promise) {
  u32 i = search->depth;
  while (i && search->path[i - 1].promise != promise) i--;
  return i ? i - 1 : search->depth;
}

// Takes what lies from `depth` on off the path, as if it had never been met.
static void unwind(Search *search, u32 depth) {
  while (search->depth > depth) search->path[--search->depth].promise->mark = 0;
}

typedef enum Found { FOUND_NONE, FOUND_CYCLE, FOUND_NO_MEMORY } Found;

// Looks for a cycle that can be reached from a promise. It lies on the path from *start then. A race is followed like an all(), or not
// at all.
static Found find_cycle(Search *search, Promise *from, bool through_races, u32 *start) {
  u32 on_path = search->mark + MARK_ON_PATH, done = search->mark + MARK_DONE;
  if (from->mark == done) return FOUND_NONE;
  if (!push(search, from, on_path)) return FOUND_NO_MEMORY;
  while (search->depth) {
    Entry *top = &search->path[search->depth - 1];
    Edge edge;
    search->steps++;
    bool leaf = !through_races && is_race(top->promise);
    if (leaf && !settles_soon(search, top->promise)) search->met_race = true;
    if (leaf || !next_edge(top, &edge)) {
      top->promise->mark = done;
      search->depth--;
    } else if (edge.to->mark == on_path && (*start = place_on_path(search, edge.to)) < search->depth) {
      return FOUND_CYCLE;
    } else if (edge.to->mark != done && !push(search, edge.to, on_path)) {
      return FOUND_NO_MEMORY;
    }
  }
  return FOUND_NONE;
}

// ---- Races ----------------------------------------------------------------------------------------------------------
// A race is stuck if each of its members is. Where one was met, everything that can be reached is gathered, and what may settle is
// taken away, until what is left is stuck.

// The promises that can be reached from one, itself first, as entries: `next` is to say which are alive. Each bears its number as a mark,
// counted from `base`.
static bool gather(Search *search, Promise *from, u32 base) {
  if (!push(search, from, base)) return false;
  for (u32 i = 0; i < search->depth; i++) {
    Entry entry = {search->path[i].promise, 0};
    for (Edge edge; next_edge(&entry, &edge); search->steps++) {
      u32 number = edge.to->mark - base;
      if (number < search->depth && search->path[number].promise == edge.to) continue;
      if (!push(search, edge.to, base + search->depth)) return false;
    }
  }
  return true;
}

// A race lives if a member does, others if all do that they wait for.
static bool is_alive(Search *search, Promise *promise, u32 base) {
  Entry entry = {promise, 0};
  bool race = is_race(promise);
  for (Edge edge; next_edge(&entry, &edge); search->steps++) {
    bool alive = search->path[edge.to->mark - base].next;
    if (alive == race) return race;
  }
  return !race;
}

// From the last to the first, since most stand in front of what they wait for. False: it would take too long.
static bool take_living_away(Search *search, u32 base) {
  u64 limit = search->steps + RACE_STEPS;
  for (bool changed = true; changed;) {
    changed = false;
    for (u32 i = search->depth; i--;) {
      Entry *entry = &search->path[i];
      if (entry->next || !is_alive(search, entry->promise, base)) continue;
      entry->next = changed = true;
    }
    if (search->steps > limit) return false;
  }
  return true;
}

// Looks for a cycle that can be reached from a promise, among what is stuck.
static Found find_cycle_of_stuck(Search *search, Promise *from, u32 *start) {
  Sched *sched = search->worker->sched;
  u32 base = sched->mark + MARK_COUNT;
  bool gathered = gather(search, from, base), known = gathered && take_living_away(search, base);
  sched->mark = base + search->depth;
  search->mark = sched->mark += MARK_COUNT;
  while (search->depth) {
    Entry *entry = &search->path[--search->depth];
    entry->promise->mark = known && entry->next ? search->mark + MARK_DONE : 0;
  }
  if (!known) return gathered ? FOUND_NONE : FOUND_NO_MEMORY;
  return find_cycle(search, from, true, start);
}

// ---- Breaking -------------------------------------------------------------------------------------------------------

static u32 name_length(const Actor *actor, char *number, size_t room) {
  return (u32)(actor->class->name.len + (size_t)snprintf(number, room, "#%llu", (unsigned long long)actor->serial));
}

// The Broken with the names of the actors whose awaits are on the path from `start`, beginning with the one at `first`. NULL as chunk:
// there is no memory for them. Of those outside the bank that is told, only that they exist.
static Val deadlock_value(Search *search, u32 start, u32 first, const Bank *told, Chunk **chunk) {
  Worker *worker = search->worker;
  u32 count = search->depth - start;
  char number[32];
  u64 words = 2;
  for (u32 i = start; i < search->depth; i++) {
    Actor *actor = taken_edge(search, i).through;
    if (actor) words += 4 + bytes_words(name_length(actor, number, sizeof number));
  }
  *chunk = words <= UINT32_MAX / 2 ? promise_chunk((u32)words) : NULL;
  if (!*chunk) return worker->vm->memory_broken;
  Val path = VAL_NIL;
  for (u32 i = count; i--;) {
    Actor *actor = taken_edge(search, start + (first - start + i) % count).through;
    if (!actor) continue;
    if (!bank_contains(told, actor->bank)) {
      path = chunk_cons(*chunk, chunk_string(*chunk, KIND_STRING, STR("?")), path);
      continue;
    }
    u32 length = name_length(actor, number, sizeof number), named = (u32)actor->class->name.len;
    Val name = chunk_string(*chunk, KIND_STRING, (Str){NULL, length});
    char *text = (char *)val_obj(name)->words;
    memcpy(text, actor->class->name.ptr, named);
    memcpy(text + named, number, length - named);
    path = chunk_cons(*chunk, name, path);
  }
  return chunk_data(worker, *chunk, WK_DEADLOCK, path);
}

// Of the edges from `start`, the await or forward that began last. In one slice a forward comes before an await.
static u32 closing_edge(const Search *search, u32 start) {
  u32 latest = start;
  u64 since = 0;
  for (u32 i = start; i < search->depth; i++) {
    const Waiter *wait = taken_edge(search, i).wait;
    if (!wait || wait->since < since || (wait->since == since && wait->kind != WAITER_ACTOR)) continue;
    since = wait->since;
    latest = i;
  }
  return latest;
}

// The actor that awaits what is settled by the edge at i: the one before it.
static u32 awaiting_edge(const Search *search, u32 start, u32 i) {
  u32 count = search->depth - start;
  for (u32 back = 0; back < count; back++) {
    u32 before = start + (i - start + count - back) % count;
    if (taken_edge(search, before).through) return before;
  }
  return i;
}

// One await ends with `broken`; others that wait for the same promise wait on, unless there is no memory to tell them apart.
static void break_await(Worker *worker, Actor *actor, Val broken, Chunk *chunk) {
  Turn *turn = actor->turn;
  Promise *before = turn->waiting, *own = promise_new(worker);
  if (!own) {
    promise_fail(worker, before, broken, chunk);
    return;
  }
  if (bank_take(worker, actor->bank, sizeof *own)) {
    bank_give(worker, own->payer, sizeof *own);
    own->payer = actor->bank;
  }
  own->asked = before->asked;
  own->asked_slot = before->asked_slot;
  promise_fail(worker, own, broken, chunk);
  promise_unwait(before, &turn->waiter);
  turn->waiting = own;
  promise_release(worker, before);
  sched_wake(worker, actor);
}

// Of the edges from `start`, the send that waits for room that began last, or NULL.
static struct HeldSend *closing_send(const Search *search, u32 start) {
  struct HeldSend *latest = NULL;
  u64 since = 0;
  for (u32 i = start; i < search->depth; i++) {
    const Actor *actor = taken_edge(search, i).through;
    if (!actor || !actor->turn->held || actor->turn->waiter.since < since) continue;
    since = actor->turn->waiter.since;
    latest = actor->turn->held;
  }
  return latest;
}

// Breaks the cycle on the path from `start`, and forgets the path.
static void break_cycle(Search *search, u32 start) {
  Worker *worker = search->worker;
  struct HeldSend *held = closing_send(search, start);
  if (held) {
    unwind(search, 0);
    crowd_admit_past(worker, held);
    return;
  }
  u32 closing = closing_edge(search, start);
  Edge edge = taken_edge(search, closing);
  if (!edge.wait) BUG("a cycle that no wait has closed");
  Chunk *chunk;
  const Bank *told = edge.through ? edge.through->bank : edge.wait->target->payer;
  Val broken = deadlock_value(search, start, awaiting_edge(search, start, closing), told, &chunk);
  unwind(search, 0);
  if (edge.through) break_await(worker, edge.through, broken, chunk);
  else promise_cut(worker, edge.wait, broken, chunk);
}

// ---- Suspects -------------------------------------------------------------------------------------------------------

static void list_after(Waiter *place, Waiter *waiter) {
  waiter->earlier = place;
  waiter->later = place->later;
  place->later->earlier = waiter;
  place->later = waiter;
}

static void unlist(Waiter *waiter) {
  waiter->later->earlier = waiter->earlier;
  waiter->earlier->later = waiter->later;
  waiter->later = waiter->earlier = NULL;
}

void deadlock_suspect(Worker *worker, Waiter *waiter) {
  Sched *sched = worker->sched;
  if (waiter->kind == WAITER_FORWARD) waiter->since = deadlock_since(worker);
  else if (has_limit(waiter->actor->turn)) return;
  waiter->listed = worker->index + 1;
  spin_lock(&sched->suspects_lock);
  list_after(sched->suspects.earlier, waiter);
  spin_unlock(&sched->suspects_lock);
  if (sched->simulated) sched->until_poll = -1;
}

void deadlock_unlist(Worker *worker, Waiter *waiter) {
  Sched *sched = worker->vm->workers[waiter->listed - 1].sched;
  spin_lock(&sched->suspects_lock);
  unlist(waiter);
  spin_unlock(&sched->suspects_lock);
  waiter->listed = 0;
}

// An await that is over stays listed: the next of the same turn is then noted without cost.
static bool is_waiting(const Waiter *waiter) { return waiter->next; }

static bool is_timed(const Waiter *waiter) { return waiter->kind == WAITER_ACTOR && has_limit(waiter->actor->turn); }

typedef enum Verdict {
  VERDICT_CLEAR,
  VERDICT_LATER,
  VERDICT_AGAIN,  // a cycle was broken that could be reached from it: it may be gone
} Verdict;

static Verdict examine(Search *search, Waiter *waiter, bool grown_only) {
  if (!is_waiting(waiter) || is_timed(waiter)) return VERDICT_CLEAR;
  if (search->steps > search->limit) return VERDICT_LATER;
  if (grown_only && waiter->since >= search->worker->sched->suspects_since) return VERDICT_LATER;
  Promise *from = waiter->kind == WAITER_FORWARD ? waiter->target : waiter->actor->turn->waiting;
  u32 start;
  if (search->met_race) search->mark = search->worker->sched->mark += MARK_COUNT;  // what lies behind the race was not looked at
  search->met_race = false;
  Found found = find_cycle(search, from, false, &start);
  if (found == FOUND_NONE && search->met_race) found = find_cycle_of_stuck(search, from, &start);
  switch (found) {
    case FOUND_NONE: return VERDICT_CLEAR;
    case FOUND_CYCLE: break_cycle(search, start); return VERDICT_AGAIN;
    case FOUND_NO_MEMORY: break;
  }
  unwind(search, 0);
  return VERDICT_LATER;
}

// Looks at all suspects of a worker's list, or at those only that have lasted a while. Those left for later make up the list then.
static void look_at_all(Search *search, Waiter *suspects, bool grown_only) {
  Waiter left = {.later = &left, .earlier = &left};
  for (Waiter *waiter; (waiter = suspects->later) != suspects;) {
    Verdict verdict = examine(search, waiter, grown_only);
    if (verdict == VERDICT_AGAIN) continue;
    unlist(waiter);
    if (verdict == VERDICT_LATER) list_after(left.earlier, waiter);
    else waiter->listed = 0;
  }
  if (left.later == &left) return;
  list_after(&left, suspects);
  unlist(&left);
}

// ---- Looking --------------------------------------------------------------------------------------------------------

typedef struct Look {
  bool idle;
  u64 began;   // us
  u64 steps;
} Look;

// What began before this look is older, on whatever worker, than what begins after it.
static void agree(Worker *worker, u64 due) {
  Vm *vm = worker->vm;
  u64 since = 0;
  for (u32 i = 0; i < vm->worker_count; i++) {
    u64 next = deadlock_since(&vm->workers[i]) + 1;
    if (next > since) since = next;
  }
  for (u32 i = 0; i < vm->worker_count; i++) {
    Worker *other = &vm->workers[i];
    other->sched->since_lead = since - other->stats.slices;
    other->sched->suspects_since = since;
    other->sched->suspects_due = due;
    other->sched->mark = worker->sched->mark;
  }
}

// Searching takes a part of the time, whatever waits: after a long look nothing is looked at for a while.
static u64 next_due(Worker *worker, const Look *look) {
  if (worker->sched->simulated) {
    u64 cost = look->steps * STEP_COST;
    return worker->stats.reductions + (cost > QUANTUM ? cost : 0);
  }
  u64 now = sched_now(worker), rest = (now - look->began) * (LOOK_SHARE - 1);
  return now + (rest > LOOK_EVERY_US ? rest : LOOK_EVERY_US);
}

// The crew stands still.
static void look(Worker *worker, void *context) {
  Look *look = context;
  Sched *sched = worker->sched;
  sched->mark += MARK_COUNT;
  Search search = {.worker = worker, .mark = sched->mark, .limit = look->idle ? UINT64_MAX : LOOK_STEPS, .capacity = PATH_AT_HAND};
  search.path = search.at_hand;
  for (u32 i = 0; i < worker->vm->worker_count; i++) {
    look_at_all(&search, &worker->vm->workers[i].sched->suspects, !look->idle && !sched->simulated);
  }
  if (search.path != search.at_hand) memory_free(search.path, search.capacity * sizeof(Entry));
  look->steps = search.steps;
  agree(worker, next_due(worker, look));
}

static bool any_suspects(const Vm *vm) {
  bool any = false;
  for (u32 i = 0; i < vm->worker_count && !any; i++) {
    Sched *sched = vm->workers[i].sched;
    spin_lock(&sched->suspects_lock);
    any = sched->suspects.later != &sched->suspects;
    spin_unlock(&sched->suspects_lock);
  }
  return any;
}

static bool is_due(Worker *worker, bool idle, u64 now) {
  Sched *sched = worker->sched;
  if (!idle && now < sched->suspects_due) return false;
  if (any_suspects(worker->vm)) return true;
  if (!sched->simulated) sched->suspects_due = now + LOOK_EVERY_US;  // suffices for a suspect that comes right now
  return false;
}

// A number is as great as the time makes it, at least.
static void keep_time(Worker *worker, u64 now_us) {
  u64 least = now_us * SINCE_PER_US;
  if (deadlock_since(worker) < least) worker->sched->since_lead = least - worker->stats.slices;
}

void deadlock_keep_time(Worker *worker) {
  if (worker->vm->worker_count > 1) keep_time(worker, sched_now(worker));
}

void deadlocks_look(Worker *worker, bool idle) {
  u64 now = worker->sched->simulated ? worker->stats.reductions : sched_now(worker);
  if (!worker->sched->simulated) keep_time(worker, now);
  if (!is_due(worker, idle, now)) return;
  Look context = {.idle = idle, .began = now};
  crew_halt(worker, look, &context);
}
