// The life of actors: made, sent to, watched, ended, freed.
//
// An actor exists from actor_make() until nothing can reach it. Its references carry weights; their sum is in the actor, so handing a
// reference on touches no shared counter, and the sum tells when all are gone. Whoever must find the actor later without a reference
// (a `when` that waits) holds a weight too. An ended actor stays as a tombstone while weights are out; an idle one whose weights are
// all home, that has no message and that nobody watches, is unreachable and goes without notice. Freeing never recurses: what becomes
// unreachable joins a list that the scheduler works off between slices.
#include "vm/crowd.h"
#include "vm/ending.h"
#include "vm/forward.h"
#include "vm/gc.h"
#include "vm/leash.h"
#include "vm/sched.h"
#include "vm/watch.h"

enum {
  WHY_LEAST = 256,        // bytes of a crash's text that are kept though the bank has none left
  SENT_HOME_MANY = 256,   // records sent home before a worker that sleeps is woken for them
};

// The text of one that crashed when there was no memory for its text.
static Why unsaid = {.length = 13, .text = "out of memory"};

static const Class task_class = {.name = {"task", 4}};

// ---- Making ---------------------------------------------------------------------------------------------------------

static u32 hidden_words(const Class *class) { return class->any_guard ? MAILBOX_GUARD_WORDS : 0; }

static size_t actor_bytes(const Class *class, u32 fields) { return sizeof(Actor) + (fields + hidden_words(class)) * sizeof(u64); }

// A native actor's first field is the number of its fields: see actor_native().
static size_t size_of(const Actor *actor) {
  const Class *class = actor->class;
  return actor_bytes(class, class->step ? (u32)actor->fields[0] : class->field_count);
}

// A record in which nothing is set, of an idle actor. Word by word: a string instruction for so few takes as long as all else.
static inline void blank(Actor *actor) {
  atomic_init(&actor->inbox, MAILBOX_IDLE);
  actor->queue = NULL;
  actor->next_ready = NULL;
  atomic_init(&actor->weight, 0);
  actor->newer = NULL;
  actor->turn = NULL;
  actor->heap = NULL;
  actor->watchers = NULL;
  atomic_init(&actor->state, ACTOR_IDLE);
  actor->exit = 0;
  actor->collecting = false;
  atomic_init(&actor->marks, 0);
  atomic_init(&actor->doomed, 0);
  atomic_init(&actor->disturbed, 0);
  atomic_init(&actor->queued, 0);
}

static inline Actor *make(Worker *worker, Bank *bank, const Class *class, u32 fields) {
  Account *account = bank_account(bank, worker);
  if (UNLIKELY(account->doomed)) return fault_set(worker, "the bank was destroyed"), NULL;
  if (!sched_admit(worker)) return NULL;
  u32 words = fields + hidden_words(class);
  Actor *actor = bank_alloc(worker, bank, sizeof(Actor) + words * sizeof(u64));
  if (!actor) return NULL;
  blank(actor);
  actor->class = class;
  actor->serial = sched_serial(worker);
  actor->older = account->newest;
  actor->bank = bank;
  actor->home = (u8)worker->index;
  for (u32 i = 0; i < words; i++) {
    actor->fields[i] = VAL_EMPTY;
    __asm__ volatile("");  // few words: no call of memset
  }
  if (account->newest) account->newest->newer = actor;
  account->newest = actor;
  worker->stats.spawned++;
  worker->sched->actor_count++;
  if (!class->step) account_count(&account->actors, 1);
  return actor;
}

Actor *actor_make(Worker *worker, Bank *bank, const Class *class) { return make(worker, bank, class, class->field_count); }

Actor *actor_native(Worker *worker, Bank *bank, const Class *class, u32 words) {
  Actor *actor = make(worker, bank, class, words + 1);
  if (!actor) return NULL;
  actor->fields[0] = words + 1;
  return actor;
}

Actor *actor_closed(Worker *worker, Bank *bank, const Class *class, u32 words) {
  Actor *actor = actor_native(worker, bank, class, words);
  if (actor) atomic_store_explicit(&actor->inbox, MAILBOX_CLOSED, memory_order_relaxed);
  return actor;
}

// Everything else of it has gone. On the worker that made it.
static void actor_free(Worker *worker, Actor *actor) {
  Account *account = actor_account(worker, actor);
  if (actor->newer) actor->newer->older = actor->older;
  else account->newest = actor->older;
  if (actor->older) actor->older->newer = actor->newer;
  if (UNLIKELY(account->walk == actor)) account->walk = actor->older;
  if (actor->exit == EXIT_REASON_CRASH && actor->why != &unsaid) {
    bank_give(worker, actor->bank, sizeof(Why) + actor->why->length);
    memory_free(actor->why, sizeof(Why) + actor->why->length);
  }
  bank_give(worker, actor->bank, size_of(actor));
  worker->sched->actor_count--;
  crew_retire(worker, actor);
}

// The same on any worker: the record is sent home (E3).
static void send_home(Worker *worker, Actor *actor) {
  if (LIKELY(actor->home == worker->index)) {
    actor_free(worker, actor);
    return;
  }
  Worker *home = &worker->vm->workers[actor->home];
  Actor *first = atomic_load_explicit(&home->returned, memory_order_relaxed);
  do actor->next_ready = first;
  while (!atomic_compare_exchange_weak_explicit(&home->returned, &first, actor, memory_order_release, memory_order_relaxed));
  if (++worker->sched->sent_home % SENT_HOME_MANY == 0) crew_wake_worker(worker->vm->crew, home->index);
}

bool life_take_returned(Worker *worker) {
  Sched *sched = worker->sched;
  if (!sched->taken && LIKELY(!atomic_load_explicit(&worker->returned, memory_order_relaxed))) return false;
  if (!sched->taken) sched->taken = atomic_exchange_explicit(&worker->returned, NULL, memory_order_acquire);
  u32 left = REAP_STEP;
  for (Actor *actor; left-- && (actor = sched->taken);) {
    sched->taken = actor->next_ready;
    actor_free(worker, actor);
  }
  return sched->taken;
}

void actor_dispose(Worker *worker, Actor *actor) { pool_free(&worker->pool, actor, size_of(actor)); }

// ---- References -----------------------------------------------------------------------------------------------------

Val actor_reference(Worker *worker, Actor *actor, const Itable *itable) {
  atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  Obj *obj = heap_take(worker, 4);
  obj->header = REF_HEADER;
  obj->words[REF_ACTOR] = (u64)actor;
  obj->words[REF_ITABLE] = (u64)itable;
  obj->words[REF_WEIGHT] = WEIGHT_UNIT;
  heap_note_counted(worker, obj);
  return obj_val(obj);
}

// ---- Sessions -------------------------------------------------------------------------------------------------------

// The message that a session of the class needs, if it needs one. False when memory is out.
static bool dropped_new(Worker *worker, const Class *class, Message **message) {
  *message = NULL;
  if (!class->dropped) return true;
  *message = message_new(worker, MESSAGE_CALL, NULL, 0);
  if (!*message) return false;
  (*message)->slot = (u16)(class->dropped - 1);
  (*message)->begun = 1;  // it isn't queued before it is sent
  account_count(&worker->account->messages, -1);
  return true;
}

static Val session_build(Worker *worker, Actor *actor, const Itable *itable, Message *dropped) {
  Val session = actor_reference(worker, actor, itable);
  val_obj(session)->header = SESSION_HEADER;
  val_obj(session)->words[SESSION_DROPPED] = (u64)dropped;
  return session;
}

Val session_mint(Worker *worker, Actor *actor, const Itable *itable) {
  Message *dropped;
  if (!dropped_new(worker, actor->class, &dropped)) return VAL_EMPTY;
  return session_build(worker, actor, itable, dropped);
}

// Leaves it spent; what it held is the caller's.
static Actor *session_take(Obj *session, Message **dropped) {
  Actor *actor = ref_actor(session);
  *dropped = (Message *)session->words[SESSION_DROPPED];
  session->words[REF_ACTOR] = session->words[SESSION_DROPPED] = 0;
  return actor;
}

void session_spend(Worker *worker, Obj *session) {
  Message *dropped;
  Actor *actor = session_take(session, &dropped);
  if (dropped) message_recycle(worker, dropped);
  weight_return(worker, actor, WEIGHT_UNIT);
}

// An actor that has ended needs not be told.
static void tell_dropped(Worker *worker, Actor *actor, Message *dropped) {
  u16 slot = dropped->slot;
  // Whoever made the session pays for the message still.
  message_fill(dropped, MESSAGE_CALL, 0, dropped->bytes, worker->actor, 0, bank_account(dropped->payer, worker));
  dropped->slot = slot;
  dropped->weighs = 0;
  if (actor_post(worker, actor, dropped)) worker->stats.sent++;
  else message_recycle(worker, dropped);
}

void session_drop(Worker *worker, Obj *session) {
  Message *dropped;
  Actor *actor = session_take(session, &dropped);
  if (dropped) tell_dropped(worker, actor, dropped);
  weight_return(worker, actor, WEIGHT_UNIT);
}

void session_lost(Worker *worker, Obj *session) {
  if (worker->unheard || !session->words[SESSION_DROPPED]) {
    session_spend(worker, session);
    return;
  }
  Message *dropped;
  Actor *actor = session_take(session, &dropped);
  dropped->to = actor;  // with the session's weight
  dropped->next = worker->lost;
  worker->lost = dropped;
}

// Merges two lists that are in order.
static Message *lost_merge(Message *a, Message *b) {
  Message *first = NULL, **end = &first;
  while (a && b) {
    Message **least = b->to->serial < a->to->serial ? &b : &a;
    *end = *least;
    *least = (*least)->next;
    end = &(*end)->next;
  }
  *end = a ? a : b;
  return first;
}

// A merge sort from below: piles[i] holds 2^i of them, or none.
static Message *lost_sorted(Message *lost) {
  Message *piles[64] = {NULL}, *sorted = NULL;
  for (Message *next; lost; lost = next) {
    next = lost->next;
    lost->next = NULL;
    u32 i = 0;
    for (; piles[i]; i++) {
      lost = lost_merge(piles[i], lost);
      piles[i] = NULL;
    }
    piles[i] = lost;
  }
  for (u32 i = 0; i < COUNT_OF(piles); i++) sorted = lost_merge(piles[i], sorted);
  return sorted;
}

static Message **lost_end(Message **list) {
  while (*list) list = &(*list)->next;
  return list;
}

void sessions_add(Worker *worker, Message *lost) {
  if (!worker->unheard) {
    *lost_end(&worker->lost) = lost;
    return;
  }
  for (Message *next; lost; lost = next) {
    next = lost->next;
    Actor *actor = lost->to;
    message_recycle(worker, lost);
    weight_return(worker, actor, WEIGHT_UNIT);
  }
}

// If a part of the sweep is left for later, its sessions are told then.
void sessions_tell_all(Worker *worker) {
  if (worker->spilled) {
    worker->spilled = false;
    if (worker->dead_words) {
      *lost_end(&worker->lost) = worker->late;
      worker->late = worker->lost;
      worker->lost = NULL;
      return;
    }
  }
  Message *lost = lost_sorted(worker->lost);
  worker->lost = NULL;
  for (Message *next; lost; lost = next) {
    next = lost->next;
    Actor *actor = lost->to;
    tell_dropped(worker, actor, lost);
    weight_return(worker, actor, WEIGHT_UNIT);
  }
}

// ---- Sending --------------------------------------------------------------------------------------------------------

void actor_dead_letter(Worker *worker, const Actor *actor, Message *message) {
  worker->stats.dead_letters++;
  message_drop(worker, message, actor);
}

bool actor_refused(Worker *worker, Actor *actor, Message *message) {
  if (actor->class->deliver) return actor->class->deliver(worker, actor, message);
  actor_dead_letter(worker, actor, message);
  return true;
}

// The first message of an actor that nobody else knows yet.
static inline void begin(Worker *worker, Actor *actor, Message *message) {
  worker->stats.sent++;
  atomic_store_explicit(&actor->inbox, 0, memory_order_relaxed);
  actor->queue = message->next = message;
  if (actor->bank != worker->account->bank || UNLIKELY(!sched_ready_plainly(worker, actor))) sched_ready(worker, actor);
}

void actor_begin(Worker *worker, Actor *actor, Message *message) {
  if (message->promise) message->promise->owed = owed_by_actor(actor);
  begin(worker, actor, message);
}

Val actor_spawn(Worker *worker, Bank *bank, const Class *class, const Itable *itable, Message *start) {
  Message *dropped = NULL;
  bool room = LIKELY(!itable->unique) || dropped_new(worker, class, &dropped);
  Actor *actor = room ? make(worker, bank, class, class->field_count) : NULL;
  if (UNLIKELY(!actor)) {
    if (dropped) message_recycle(worker, dropped);
    heap_free_message(worker, start);
    return VAL_EMPTY;
  }
  start->code = class->init;
  Val reference = UNLIKELY(itable->unique) ? session_build(worker, actor, itable, dropped) : actor_reference(worker, actor, itable);
  begin(worker, actor, start);
  return reference;
}

bool actor_task(Worker *worker, Val closure, Promise *promise) {
  Message *message = message_new(worker, MESSAGE_TASK, &closure, 1);
  Actor *actor = message ? actor_make(worker, worker->account->bank, &task_class) : NULL;
  if (!actor) {
    if (message) heap_free_message(worker, message);
    promise_release(worker, promise);
    return false;
  }
  message->promise = promise;
  actor_begin(worker, actor, message);
  return true;
}

// ---- Ending ---------------------------------------------------------------------------------------------------------

// How many bytes of a text are whole characters, at most so many.
static size_t utf8_cut(Str text, size_t most) {
  while (most && (text.ptr[most] & 0xc0) == 0x80) most--;
  return most;
}

// The bank pays for the text even if it has nothing left, as it may when this is what the text says. Then it must be short.
static Why *why_new(Worker *worker, const Actor *actor, Str text) {
  if (text.len > UINT32_MAX / 2) text.len = UINT32_MAX / 2;
  Account *account = bank_account(actor->bank, worker);
  if (!account_take(worker, account, sizeof(Why) + text.len)) {
    if (text.len > WHY_LEAST) text.len = utf8_cut(text, WHY_LEAST);
    account_force(account, sizeof(Why) + text.len);
  }
  Why *why = memory_alloc(sizeof *why + text.len);
  if (!why) {
    account_give(account, sizeof *why + text.len);
    return &unsaid;
  }
  why->length = (u32)text.len;
  memcpy(why->text, text.ptr, text.len);
  return why;
}

// Lets go of what the actor computes with. Its message, if it was being handled, is the caller's.
static Message *drop_turn(Worker *worker, Actor *actor) {
  bool running = worker->actor == actor;
  if (running) heap_abandon(worker);
  Turn *turn = running && worker->turn && worker->turn->message ? worker->turn : actor->turn;
  Message *message = NULL;
  if (turn) {
    if (turn->phase == PHASE_HANDLER) message = turn->message;  // a guard's is still in the mailbox
    if (turn == actor->turn) actor->turn = NULL;
    else worker->turn = NULL;
    turn_discard(worker, turn);
  }
  Heap *heap = actor->heap;
  actor->heap = NULL;
  if (!actor->class->step) {
    for (u32 i = 0; i < actor->class->field_count; i++) actor->fields[i] = VAL_EMPTY;
  }
  heap_free(worker, heap);
  return message;
}

// Its turn had begun: it counts as received, but its promise breaks.
static void break_handled(Worker *worker, Message *message, const Actor *actor) {
  Promise *promise = message->promise;
  // Still there if memory gave out before the block of a `when` could have what it waited for.
  if (message->kind == MESSAGE_WHEN && message->on) promise_release(worker, message->on);
  heap_free_message(worker, message);
  if (!promise) return;
  promise_break_ended(worker, promise, actor);
  promise_release(worker, promise);
}

// It is none of its bank's actors any more. True: the undertaker is to hear of that. Banks are destroyed only between slices, so who sees
// that its bank isn't need not fear that the undertaker comes to it now.
static bool leave_bank(Worker *worker, Actor *actor) {
  Account *account = actor_account(worker, actor);
  if (!actor->class->step) account_count(&account->actors, -1);
  return UNLIKELY(account->doomed) && atomic_fetch_or(&actor->doomed, DOOM_OVER) & DOOM_COUNTED;
}

void actor_departed(Worker *worker, Actor *actor, Watcher *told) {
  if (UNLIKELY(atomic_load_explicit(&worker->vm->ending, memory_order_relaxed) != NULL)) ending_departed(worker, actor);
  watchers_tell(worker, actor, told);
  weight_return(worker, actor, WEIGHT_UNIT);
}

void actor_end(Worker *worker, Actor *actor, ExitReason reason, Str why) {
  if (actor_state(actor) == ACTOR_ENDED) return;
  Bank *bank = actor->bank;
  VmStats *stats = &worker->stats;
  stats->ended++;
  if (reason == EXIT_REASON_CRASH) stats->crashes++;
  worker->holding++;
  // The text first: it may lie in what is about to go.
  Why *text = reason == EXIT_REASON_CRASH ? why_new(worker, actor, why) : NULL;
  actor->exit = (u8)reason;
  // The actor must outlive what is told, though references to it may go: before it counts as ended (E1).
  atomic_fetch_add(&actor->weight, WEIGHT_UNIT);
  Departed departed;
  watchers_take(worker, actor, text, &departed);
  if (actor->class->drop) actor->class->drop(worker, actor);
  Message *handled = drop_turn(worker, actor);
  Message *waiting = mailbox_close(actor);
  if (handled) break_handled(worker, handled, actor);
  for (Message *next; waiting; waiting = next) {
    next = waiting->next;
    message_drop(worker, waiting, actor);
  }
  crowd_end(worker, actor);
  worker->holding--;
  sessions_tell(worker);
  bool awaited = leave_bank(worker, actor);
  if (UNLIKELY(departed.bonds != NULL)) leashes_cut(worker, &departed);
  else actor_departed(worker, actor, departed.told);
  if (UNLIKELY(awaited)) bank_departed(worker, bank);
}

static void make_end(Worker *worker, Actor *actor) {
  if (worker->actor == actor) {
    worker->reductions = 0;  // and once more when it has gone idle or become suspended, if it does
    return;
  }
  if (mailbox_rouse(actor)) {
    sched_ready(worker, actor);
    return;
  }
  atomic_store(&actor->disturbed, 1);
  (void)sched_wake(worker, actor);
}

void actor_doom(Worker *worker, Actor *actor) {
  atomic_fetch_or(&actor->doomed, DOOMED);
  make_end(worker, actor);
}

// If it runs, it sees that before its next slice; if it waits, when it goes on.
void actor_doom_later(Worker *worker, Actor *actor) {
  atomic_fetch_or(&actor->doomed, DOOM_LATER);
  if (mailbox_rouse(actor)) sched_ready(worker, actor);
}

bool actor_doom_counted(Worker *worker, Actor *actor) {
  if (atomic_fetch_or(&actor->doomed, DOOMED | DOOM_COUNTED) & DOOM_OVER) return false;
  make_end(worker, actor);
  return true;
}

// ---- Freeing --------------------------------------------------------------------------------------------------------

// Nobody else frees it, and nobody can send to it: it stands in the list of those to be freed.
static void list_to_free(Worker *worker, Actor *actor) {
  actor->next_ready = worker->sched->reap;
  worker->sched->reap = actor;
}

// Of one that has ended, and of one without a mailbox (E1). Two may come here, if one brought its last weight home before it ended.
static void free_if_gone(Worker *worker, Actor *actor) {
  if (atomic_load(&actor->weight) || forward_keeps(actor)) return;
  if (actor_claim(actor)) list_to_free(worker, actor);
}

static bool is_wanted(Actor *actor) { return atomic_load(&actor->weight) || watchers_want(actor); }

// Of an idle actor, which the caller owns: nobody can send to it, and it waits for nothing.
static bool close_if_unwanted(Actor *actor) {
  if (is_wanted(actor) || atomic_load(&actor->doomed)) return false;
  u64 none = 0;
  return atomic_compare_exchange_strong(&actor->inbox, &none, MAILBOX_CLOSED);
}

// An idle one is judged by who owns it: looking without doing so, one might see the state of different moments. What was put off waits for
// what may still come. True: it is the caller's to free.
static inline bool take_unwanted(Worker *worker, Actor *actor) {
  while (!is_wanted(actor) && mailbox_rouse(actor)) {
    bool waits = actor->class->any_guard && *mailbox_put_off(actor);
    if (!waits && close_if_unwanted(actor)) return actor_claim(actor);
    bool ready = !mailbox_idle(actor) || (atomic_load(&actor->doomed) && mailbox_rouse(actor));
    if (ready) sched_ready(worker, actor);
    if (ready || waits) return false;
  }
  return false;
}

void actor_unreachable(Worker *worker, Actor *actor) {
  if (actor->class->deliver || actor_state(actor) == ACTOR_ENDED) free_if_gone(worker, actor);
  else if (atomic_load(&actor->inbox) == MAILBOX_IDLE && take_unwanted(worker, actor)) list_to_free(worker, actor);
}

// Others may look at it still (E5): they see that it has ended.
static void free_unheard(Worker *worker, Actor *actor) {
  worker->stats.ended++;
  Departed departed;
  watchers_take(worker, actor, NULL, &departed);
  leashes_free(worker, departed.bonds);
  if (actor->class->drop) actor->class->drop(worker, actor);
  Heap *heap = actor->heap;
  actor->heap = NULL;
  // Its own heap may hold references to the actor itself: they are gone already, for its weight is 0.
  heap_free(worker, heap);
  if (UNLIKELY(leave_bank(worker, actor))) bank_departed(worker, actor->bank);
}

bool actor_went_idle(Worker *worker, Actor *actor) {
  if (UNLIKELY(actor_state(actor) == ACTOR_ENDED)) {  // another has run it since
    actor_unreachable(worker, actor);
    return false;
  }
  if (!take_unwanted(worker, actor)) return false;
  if (actor->heap || actor->watchers || actor->class->drop) {
    list_to_free(worker, actor);
    return false;
  }
  free_unheard(worker, actor);
  send_home(worker, actor);
  return true;
}

// An actor that nothing can reach would have kept its sessions for ever: going without notice, it tells nobody of them.
void life_reap(Worker *worker, u32 most) {
  Sched *sched = worker->sched;
  worker->unheard = true;
  u64 words = 0;
  for (Actor *actor; most-- && words < REAP_WORDS && (actor = sched->reap);) {
    if (actor->heap) words += actor->heap->live_words;
    sched->reap = actor->next_ready;
    actor->next_ready = NULL;
    if (actor_state(actor) != ACTOR_ENDED) free_unheard(worker, actor);
    send_home(worker, actor);
  }
  worker->unheard = false;
}

// All actors of all workers: of each bank, whatever worker made them.
static void each_account(Vm *vm, void (*act)(Worker *home, Account *account)) {
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    for (u32 i = 0; i < vm->worker_count; i++) act(&vm->workers[i], &bank->accounts[i]);
  }
}

// Nobody joins the list of those to be freed any more.
static void reap_none(Worker *home, Account *account) {
  for (Actor *actor = account->newest; actor; actor = actor->older) (void)actor_claim(actor);
  if (home->sched) home->sched->reap = NULL;
}

static void end_all(Worker *home, Account *account) {
  Worker *worker = home->vm->workers;
  for (Actor *actor = account->newest; actor; actor = actor->older) actor_end(worker, actor, EXIT_REASON_KILLED, STR(""));
}

static void free_all(Worker *home, Account *account) {
  atomic_store(&home->returned, NULL);
  if (home->sched) home->sched->taken = NULL;
  while (account->newest) actor_free(home, account->newest);
}

void life_close(Vm *vm) {
  for (u32 i = 0; i < vm->worker_count; i++) vm->workers[i].unheard = true;
  each_account(vm, reap_none);
  each_account(vm, end_all);
  for (u32 i = 0; i < vm->worker_count; i++) release_rest(&vm->workers[i]);
  // Values in cycles that no actor holds, promises that contain themselves, may still name them: nobody follows those.
  each_account(vm, free_all);
}
