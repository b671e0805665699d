// Backlogs, and sends that are held: see crowd.h.
//
// All backlogs of the process stand in a table; one of 64 locks, chosen by the receiver's address, guards those of an actor, and whether its
// gate is open. A mailbox is pushed to within that lock, so that count and order are exact. Nobody is woken, and nothing is freed, within it.
#include "vm/crowd.h"

#include "vm/fault.h"
#include "vm/forward.h"
#include "vm/sched.h"
#include "vm/shared.h"
#include "vm/storage.h"

enum {
  CROWD_LOCKS = 64,
  CROWD_BUCKETS = 64,
  LET_IN_SLICES = 4,                     // between two times that senders are let in, if there is enough to do:
  LET_IN_FROM = MAILBOX_MESSAGES / 4,    // more messages than this
};

typedef struct Backlog {
  struct Backlog *chained;      // in its bucket
  struct Backlog *next, *prev;  // of the same actor; it has `prev` unless it is the first
  struct Backlog *below;        // of the first: that of another actor in its bucket
  Actor *actor;
  Bank *bank;                   // pays for the record, too
  u64 count, bytes;             // of messages that count here
  HeldSend *held;               // a ring, the first
  u32 slices;                   // that the receiver has had since somebody was let in
} Backlog;

typedef struct Shard {
  _Alignas(64) Spin lock;
  Backlog *buckets[CROWD_BUCKETS];  // by actor and bank
  Backlog *firsts[CROWD_BUCKETS];   // those of each actor, by actor
} Shard;

static Shard shards[CROWD_LOCKS];

static u64 mix(u64 word) { return word * 0x9e3779b97f4a7c15; }
static Shard *shard_of(const Actor *actor) { return &shards[mix((u64)actor) >> 58]; }
static Backlog **bucket_of(Shard *shard, const Actor *actor, const Bank *bank) {
  return &shard->buckets[mix((u64)actor ^ mix((u64)bank)) >> 58];
}

static Backlog *find(Shard *shard, const Actor *actor, const Bank *bank) {
  Backlog *backlog = *bucket_of(shard, actor, bank);
  while (backlog && (backlog->actor != actor || backlog->bank != bank)) backlog = backlog->chained;
  return backlog;
}

// ---- Backlogs -------------------------------------------------------------------------------------------------------
// All with the lock held.

// What points to the first of an actor's, or would.
static Backlog **place_of(Shard *shard, const Actor *actor) {
  Backlog **place = &shard->firsts[mix((u64)actor) >> 52 & 63];
  while (*place && (*place)->actor != actor) place = &(*place)->below;
  return place;
}

static void insert(Shard *shard, Backlog *backlog) {
  Backlog **bucket = bucket_of(shard, backlog->actor, backlog->bank);
  backlog->chained = *bucket;
  *bucket = backlog;
  Backlog **place = place_of(shard, backlog->actor), *next = *place;
  *place = backlog;
  backlog->next = next;
  backlog->below = next ? next->below : NULL;
  if (next) next->prev = backlog;
  // Sequentially consistent: after the gate is shut the counts are looked at (B2).
  atomic_fetch_or(&backlog->actor->marks, ACTOR_CROWDED);
}

// The first of its actor's leaves.
static void leave_first(Shard *shard, Backlog *backlog) {
  Backlog **place = place_of(shard, backlog->actor), *next = backlog->next;
  *place = next ? next : backlog->below;
  if (next) next->below = backlog->below;
  else atomic_fetch_and(&backlog->actor->marks, (u8)~ACTOR_CROWDED);
}

// If nothing is left of it. It is the caller's to free then, without the lock.
static Backlog *remove_empty(Shard *shard, Backlog *backlog) {
  if (!backlog || backlog->count || backlog->held) return NULL;
  Backlog **link = bucket_of(shard, backlog->actor, backlog->bank);
  while (*link != backlog) link = &(*link)->chained;
  *link = backlog->chained;
  if (backlog->next) backlog->next->prev = backlog->prev;
  if (backlog->prev) backlog->prev->next = backlog->next;
  else leave_first(shard, backlog);
  return backlog;
}

static void backlog_free(Worker *worker, Backlog *backlog) {
  if (backlog) bank_free(worker, backlog->bank, backlog, sizeof *backlog);
}

static Backlog *backlog_new(Worker *worker, Actor *actor, Bank *bank) {
  Backlog *backlog = bank_alloc(worker, bank, sizeof *backlog);
  if (backlog) *backlog = (Backlog){.actor = actor, .bank = bank};
  return backlog;
}

static void join(Backlog *backlog, HeldSend *held) {
  HeldSend *first = backlog->held;
  if (!first) {
    backlog->held = held->next = held->prev = held;
    return;
  }
  held->next = first;
  held->prev = first->prev;
  first->prev->next = held;
  first->prev = held;
}

static void leave(Backlog *backlog, HeldSend *held) {
  held->prev->next = held->next;
  held->next->prev = held->prev;
  if (backlog->held == held) backlog->held = held->next == held ? NULL : held->next;
  held->next = held->prev = NULL;
}

// ---- Counting -------------------------------------------------------------------------------------------------------

// What an object of a message takes outside the message.
static u64 weight_outside(Obj *obj) {
  if (!header_is_counted(obj->header) || !obj->words[0]) return 0;
  switch (obj_kind(obj)) {
    case KIND_BUF: case KIND_ARRAY: case KIND_BLOB: return storage_bytes(handle_storage(obj));
    case KIND_SHARED: return ((const SharedBlock *)obj->words[0])->charge;
    case KIND_NONE: case KIND_INT: case KIND_FLOAT: case KIND_STRING: case KIND_BYTES: case KIND_DURATION: case KIND_TIME: case KIND_CONS:
    case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_REF: case KIND_PROMISE: case KIND_COUNT: break;
  }
  return 0;
}

// The message with all that it holds: shared blocks in full.
static u64 weight_of(const Message *message) {
  u64 bytes = message->bytes;
  if (!(message->counted & MESSAGE_OWNS)) return bytes;
  const u64 *at = message->args + message->count, *end = (const u64 *)((const char *)message + message->bytes);
  for (; at < end; at += header_words(((const Obj *)at)->header)) bytes += weight_outside((Obj *)at);
  return bytes;
}

// Whether a message may come in now, whoever waits.
static bool fits(const Actor *actor, const Backlog *backlog, const Bank *bank, u64 weight) {
  u64 count = backlog ? backlog->count : 0, bytes = backlog ? backlog->bytes : 0;
  if (bank == actor->bank) count += mailbox_count(actor);
  return count < MAILBOX_MESSAGES && (!count || bytes + weight <= MAILBOX_BYTES);
}

static bool is_plain(const Actor *actor, const Message *message) {
  return message->payer == actor->bank && !message_is_large(message) && mailbox_count(actor) < MAILBOX_MESSAGES;
}

// A message for whose backlog there was no memory doesn't count: whoever sends another one has none either.
static void count(Backlog *backlog, Message *message, u64 weight) {
  message->weighs = 0;
  message->crowded = backlog != NULL;
  if (!backlog) return;
  backlog->count++;
  backlog->bytes += weight;
}

static void uncount(Backlog *backlog, Message *message) {
  if (backlog && message->crowded) {
    backlog->count--;
    backlog->bytes -= weight_of(message);
  }
  message->crowded = 0;
}

// ---- Coming in ------------------------------------------------------------------------------------------------------

static PushResult push(Actor *actor, Message *message) {
  if (message->promise) message->promise->owed = owed_by_actor(actor);
  return mailbox_push(actor, message);
}

// The same with the lock held, counted. The actor may have ended meanwhile, for it closes its mailbox without the lock.
static PushResult push_counted(Actor *actor, Backlog *backlog, Message *message, u64 weight) {
  if (is_plain(actor, message)) message->weighs = 1;
  else count(backlog, message, weight);
  PushResult pushed = push(actor, message);
  if (pushed != PUSH_CLOSED) return pushed;
  uncount(backlog, message);
  message->weighs = 0;
  return pushed;
}

// With the lock held. `backlog` is that of the message's bank, if there is one.
static Offer offer(Actor *actor, Message *message, Backlog *backlog, HeldSend *held, bool past, PushResult *pushed) {
  if (mailbox_is_closed(actor) && !actor->class->deliver) return OFFER_CLOSED;
  u64 weight = weight_of(message);
  bool full = !past && ((backlog && backlog->held) || !fits(actor, backlog, message->payer, weight));
  if (full && (!held || !backlog)) return OFFER_FULL;
  if (full) {
    join(backlog, held);
    // It may end meanwhile, and look for those that wait before there was one.
    if (!mailbox_is_closed(actor) || actor->class->deliver) return OFFER_HELD;
    leave(backlog, held);
    return OFFER_CLOSED;
  }
  *pushed = push_counted(actor, backlog, message, weight);
  return *pushed == PUSH_CLOSED ? OFFER_CLOSED : OFFER_TAKEN;
}

// The lock is let go while a backlog is made that may be wanted. *spare: if it is not.
static Backlog *find_or_make(Worker *worker, Shard *shard, Actor *actor, Bank *bank, Backlog **spare) {
  spin_unlock(&shard->lock);
  *spare = backlog_new(worker, actor, bank);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, bank);
  if (backlog || !*spare) return backlog;
  backlog = *spare;
  *spare = NULL;
  insert(shard, backlog);
  return backlog;
}

Offer crowd_offer(Worker *worker, Actor *actor, Message *message, HeldSend *held, bool past) {
  Shard *shard = shard_of(actor);
  PushResult pushed = PUSH_QUEUED;
  Backlog *spare = NULL;
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, message->payer);
  if (!backlog && (held || !is_plain(actor, message))) backlog = find_or_make(worker, shard, actor, message->payer, &spare);
  Offer result = offer(actor, message, backlog, held, past, &pushed);
  Backlog *empty = remove_empty(shard, backlog);
  spin_unlock(&shard->lock);
  backlog_free(worker, spare);
  backlog_free(worker, empty);
  if (result == OFFER_CLOSED && message->promise) message->promise->owed = 0;
  if (pushed == PUSH_WAKE) sched_ready(worker, actor);
  return result;
}

bool crowd_has_room(Actor *actor, const Message *message) {
  Shard *shard = shard_of(actor);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, message->payer);
  bool room = !(backlog && backlog->held) && fits(actor, backlog, message->payer, weight_of(message));
  spin_unlock(&shard->lock);
  return room;
}

// ---- Being held -----------------------------------------------------------------------------------------------------

// A held send whose message has just been taken out: what is to be done without the lock. The record may be gone by then.
typedef struct Freed {
  Actor *through;
  Message *message;
  Promise *promise;
} Freed;

static Freed set_free(Backlog *backlog, HeldSend *held) {
  Freed freed = {held->through, held->message, held->promise};
  leave(backlog, held);
  held->message = NULL;
  held->promise = NULL;
  return freed;
}

// Its sender goes on.
static void let_go(Worker *worker, Promise *promise) {
  promise_give(worker, promise, VAL_UNIT, NULL);
  promise_release(worker, promise);
}

// Through a forwarder it goes where that leads now.
static void pass_on(Worker *worker, Freed freed) {
  if (freed.through && !actor_refused(worker, freed.through, freed.message)) fault_clear(worker);
  let_go(worker, freed.promise);
}

// Lets in the first that is held, if there is room. With the lock held.
static bool admit_first(Actor *actor, Backlog *backlog, Freed *freed, PushResult *pushed) {
  HeldSend *held = backlog ? backlog->held : NULL;
  if (!held) return false;
  u64 weight = weight_of(held->message);
  if (!fits(actor, backlog, backlog->bank, weight)) return false;
  *freed = set_free(backlog, held);
  if (freed->through) return true;
  *pushed = push_counted(actor, backlog, freed->message, weight);
  return true;
}

void crowd_admit(Worker *worker, Actor *actor, Bank *bank) {
  Shard *shard = shard_of(actor);
  for (bool more = true; more;) {
    Freed freed;
    PushResult pushed = PUSH_QUEUED;
    spin_lock(&shard->lock);
    Backlog *backlog = find(shard, actor, bank);
    bool ended = mailbox_is_closed(actor) && !actor->class->deliver;  // then crowd_end() sees to it
    more = !ended && admit_first(actor, backlog, &freed, &pushed);
    Backlog *empty = remove_empty(shard, backlog);
    spin_unlock(&shard->lock);
    backlog_free(worker, empty);
    if (pushed == PUSH_WAKE) sched_ready(worker, actor);
    if (pushed == PUSH_CLOSED) actor_dead_letter(worker, actor, freed.message);
    if (more) pass_on(worker, freed);
  }
}

void crowd_admit_late(Worker *worker, Actor *actor) {
  Shard *shard = shard_of(actor);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, actor->bank);
  bool later = backlog && backlog->held && mailbox_count(actor) > LET_IN_FROM && ++backlog->slices < LET_IN_SLICES;
  if (backlog && !later) backlog->slices = 0;
  spin_unlock(&shard->lock);
  if (!later) crowd_admit(worker, actor, actor->bank);
}

void crowd_taken(Worker *worker, Actor *actor, Message *message) {
  Shard *shard = shard_of(actor);
  spin_lock(&shard->lock);
  uncount(find(shard, actor, message->payer), message);
  spin_unlock(&shard->lock);
  crowd_admit(worker, actor, message->payer);
}

void crowd_keep(Worker *worker, Actor *actor, Message *message) {
  Shard *shard = shard_of(actor);
  Backlog *spare = backlog_new(worker, actor, message->payer);
  u64 weight = weight_of(message);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, message->payer);
  if (!backlog && spare) {
    insert(shard, backlog = spare);
    spare = NULL;
  }
  count(backlog, message, weight);
  spin_unlock(&shard->lock);
  backlog_free(worker, spare);
}

void crowd_kept(Worker *worker, Actor *actor, Message *message) {
  Shard *shard = shard_of(actor);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, actor, message->payer);
  uncount(backlog, message);
  message->weighs = 1;
  Backlog *empty = remove_empty(shard, backlog);
  spin_unlock(&shard->lock);
  backlog_free(worker, empty);
}

// Takes a message that is still held away from the receiver. False: it has been let in.
static bool withdraw(Worker *worker, HeldSend *held, Freed *freed) {
  Shard *shard = shard_of(held->receiver);
  spin_lock(&shard->lock);
  bool there = held->next;
  Backlog *empty = NULL;
  if (there) {
    Backlog *backlog = find(shard, held->receiver, held->payer);
    *freed = set_free(backlog, held);
    empty = remove_empty(shard, backlog);
  }
  spin_unlock(&shard->lock);
  backlog_free(worker, empty);
  return there;
}

void crowd_admit_past(Worker *worker, HeldSend *held) {
  Actor *receiver = held->receiver;
  Freed freed;
  if (!withdraw(worker, held, &freed)) return;
  if (!freed.through && crowd_offer(worker, receiver, freed.message, NULL, true) != OFFER_TAKEN) {
    actor_dead_letter(worker, receiver, freed.message);
  }
  pass_on(worker, freed);
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

void crowd_end(Worker *worker, Actor *actor) {
  Shard *shard = shard_of(actor);
  for (bool more = atomic_load(&actor->marks) & ACTOR_CROWDED; more;) {
    Freed freed = {.message = NULL};
    Backlog *empty = NULL;
    spin_lock(&shard->lock);
    Backlog *first = *place_of(shard, actor);
    more = first;
    if (first && first->held) {
      freed = set_free(first, first->held);
    } else if (first) {
      first->count = 0;
      empty = remove_empty(shard, first);
    }
    spin_unlock(&shard->lock);
    backlog_free(worker, empty);
    if (!freed.message) continue;
    actor_dead_letter(worker, actor, freed.message);
    let_go(worker, freed.promise);
  }
}

static void dead_letter_full(Worker *worker, Message *message) {
  worker->stats.dead_letters++;
  message_drop_full(worker, message);
}

// The first that waits for room in an actor that doesn't run.
static bool free_frozen(Shard *shard, Freed *freed) {
  for (u32 i = 0; i < CROWD_BUCKETS; i++) {
    for (Backlog *backlog = shard->buckets[i]; backlog; backlog = backlog->chained) {
      if (!backlog->held || !atomic_load(&backlog->actor->bank->frozen)) continue;
      *freed = set_free(backlog, backlog->held);
      return true;
    }
  }
  return false;
}

// A backlog of which nothing is left then goes with the next message that is taken.
void crowds_frozen(Worker *worker) {
  for (u32 i = 0; i < CROWD_LOCKS; i++) {
    for (bool more = true; more;) {
      Freed freed;
      spin_lock(&shards[i].lock);
      more = free_frozen(&shards[i], &freed);
      spin_unlock(&shards[i].lock);
      if (!more) break;
      dead_letter_full(worker, freed.message);
      let_go(worker, freed.promise);
    }
  }
}

// ---- The sender's side ----------------------------------------------------------------------------------------------

static void weigh(Actor *actor) { atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed); }

static void held_free(Worker *worker, HeldSend *held) {
  weight_return(worker, held->receiver, WEIGHT_UNIT);
  if (held->through) weight_return(worker, held->through, WEIGHT_UNIT);
  bank_free(worker, held->payer, held, sizeof *held);
}

// The record of a send that is going to be held; the sender's turn waits for its promise. NULL when memory is out.
static HeldSend *prepare(Worker *worker, Actor *receiver, Actor *through, Message *message) {
  Bank *bank = worker->account->bank;
  HeldSend *held = bank_alloc(worker, bank, sizeof *held);
  Promise *promise = held ? promise_new(worker) : NULL;
  if (!promise || !sched_suspend(worker, promise, PATIENCE_US)) {
    if (promise) promise_release(worker, promise);
    if (held) bank_free(worker, bank, held, sizeof *held);
    return NULL;
  }
  promise->asked_slot = ASKED_SPACE;
  if (!receiver->class->deliver) promise->owed = owed_by_actor(receiver);
  *held = (HeldSend){.receiver = receiver, .through = through, .message = message, .promise = promise, .payer = bank};
  weigh(receiver);
  if (through) weigh(through);
  worker->turn->held = held;
  return held;
}

// Nothing was to be waited for after all.
static void unprepare(Worker *worker) {
  Turn *turn = worker->turn;
  HeldSend *held = turn->held;
  turn->held = NULL;
  promise_release(worker, held->promise);
  suspend_give_up(worker, turn);
  turn->waiting = NULL;
  held_free(worker, held);
}

static Sending refused(Worker *worker, Actor *to, Message *message) {
  return actor_refused(worker, to, message) ? SENDING_DONE : SENDING_FAULT;
}

// The same for one that is sent through a forwarder. OFFER_CLOSED: it has room now.
static Offer hold(Worker *worker, Actor *receiver, HeldSend *held) {
  Shard *shard = shard_of(receiver);
  u64 weight = weight_of(held->message);
  Backlog *spare = backlog_new(worker, receiver, held->payer);
  spin_lock(&shard->lock);
  Backlog *backlog = find(shard, receiver, held->payer);
  if (!backlog && spare) {
    insert(shard, backlog = spare);
    spare = NULL;
  }
  bool ended = mailbox_is_closed(receiver) && !receiver->class->deliver;
  bool room = ended || (!(backlog && backlog->held) && fits(receiver, backlog, held->payer, weight));
  if (backlog && !room) join(backlog, held);
  Backlog *empty = remove_empty(shard, backlog);
  spin_unlock(&shard->lock);
  backlog_free(worker, spare);
  backlog_free(worker, empty);
  return room ? OFFER_CLOSED : held->next ? OFFER_HELD : OFFER_FULL;
}

static Offer try(Worker *worker, Actor *receiver, Actor *through, Message *message, HeldSend *held) {
  bool past = receiver == worker->actor;
  if (!through) return crowd_offer(worker, receiver, message, held, past);
  if (past || crowd_has_room(receiver, message)) return OFFER_CLOSED;
  return held ? hold(worker, receiver, held) : OFFER_FULL;
}

static Sending send_to(Worker *worker, Actor *to, Actor *receiver, Actor *through, Message *message) {
  Offer offer = try(worker, receiver, through, message, NULL);
  if (offer == OFFER_FULL && atomic_load(&receiver->bank->frozen)) {
    dead_letter_full(worker, message);
    return SENDING_DONE;
  }
  if (offer == OFFER_FULL) {
    HeldSend *held = prepare(worker, receiver, through, message);
    if (!held) {
      message_drop_full(worker, message);
      if (!worker->fault) fault_memory(worker);
      return SENDING_FAULT;
    }
    offer = try(worker, receiver, through, message, held);
    if (offer == OFFER_HELD) return SENDING_WAITS;
    unprepare(worker);
  }
  if (offer == OFFER_TAKEN) return SENDING_DONE;
  if (offer == OFFER_CLOSED) return refused(worker, to, message);
  message_drop_full(worker, message);  // no memory for a backlog
  fault_memory(worker);
  return SENDING_FAULT;
}

Sending crowd_send(Worker *worker, Actor *to, Message *message) {
  if (!mailbox_is_closed(to)) return send_to(worker, to, to, NULL, message);
  Actor *receiver = to->class->deliver ? forward_receiver(worker, to, message->slot) : NULL;
  if (!receiver) return refused(worker, to, message);
  Sending sending = send_to(worker, to, receiver, to, message);
  weight_return(worker, receiver, WEIGHT_UNIT);
  return sending;
}

// Whoever was behind it may have room now.
static bool take_back(Worker *worker, HeldSend *held, Freed *freed) {
  if (!withdraw(worker, held, freed)) return false;
  promise_release(worker, freed->promise);
  crowd_admit(worker, held->receiver, held->payer);
  return true;
}

Promise *crowd_resume(Worker *worker, HeldSend *held) {
  Freed freed;
  if (take_back(worker, held, &freed)) dead_letter_full(worker, freed.message);
  Promise *answer = held->answer;
  held_free(worker, held);
  return answer;
}

void crowd_give_up(Worker *worker, HeldSend *held) {
  Freed freed;
  if (take_back(worker, held, &freed)) message_drop_full(worker, freed.message);
  if (held->answer) promise_release(worker, held->answer);
  held_free(worker, held);
}
