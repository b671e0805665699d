// Mailboxes: pushed by anyone, emptied by the owner. docs/scheduling.md argues for this shape.
//
// `inbox` is a stack that senders push with one compare-and-swap and the owner takes whole with one exchange, so there is no ABA
// problem and no gap between exchange and link. The owner turns it over and appends it to `queue`, a ring of its own whose last
// message the actor points at. Its two marks say who acts next:
//   MAILBOX_IDLE    the owner saw it empty and went away: the pusher that replaces the mark must make the actor ready (M1)
//   MAILBOX_CLOSED  the actor has ended: nothing is pushed any more (M2)
//
// Beside the address of the newest message the word says how many of the stack count, and `queued` how many of the queue: so whoever sends
// knows without further steps whether the mailbox is full. What counts: messages from senders in the actor's own bank, unless they are
// large. What is rarer stands in crowd.h; as long as there is any of that, the actor's gate isn't open.
#pragma once
#include "vm/actor.h"

enum {
  MAILBOX_MESSAGES = 10000,     // from each sending bank
  MAILBOX_BYTES = 16 << 20,     // the same
  MAILBOX_SMALL = 512,          // bytes of a message that aren't counted: 10,000 such messages are 5 MB
};

typedef enum PushResult {
  PUSH_QUEUED,
  PUSH_WAKE,      // the receiver was idle: the caller must make it ready (sched_ready)
  PUSH_CLOSED,    // the receiver has ended: the message is still the caller's
  PUSH_FULL,      // the same, or there is no room, or that must be looked at closely (crowd.h)
} PushResult;

static inline Message *inbox_newest(u64 inbox) { return (Message *)(inbox >> 16); }
static inline bool inbox_is_mark(u64 inbox) { return inbox == MAILBOX_IDLE || inbox == MAILBOX_CLOSED; }
static inline bool mailbox_is_closed(const Actor *actor) { return atomic_load(&actor->inbox) == MAILBOX_CLOSED; }

static inline bool inbox_push(Actor *actor, u64 *old, Message *message, u64 weighs) {
  message->next = *old == MAILBOX_IDLE ? NULL : inbox_newest(*old);
  u64 inbox = (u64)message << 16 | ((u16)*old + weighs);
  // Release: the owner sees the message's contents. Acquire: a waker sees the actor as its last owner left it.
  return atomic_compare_exchange_weak_explicit(&actor->inbox, old, inbox, memory_order_acq_rel, memory_order_acquire);
}

// Whether there is room or not.
static inline PushResult mailbox_push(Actor *actor, Message *message) {
  u64 old = atomic_load_explicit(&actor->inbox, memory_order_acquire);
  do {
    if (UNLIKELY(old == MAILBOX_CLOSED)) return PUSH_CLOSED;  // acquired too: how the actor ended can be seen
  } while (!inbox_push(actor, &old, message, message->weighs));
  return old == MAILBOX_IDLE ? PUSH_WAKE : PUSH_QUEUED;
}

// A small message that counts, if there is room for it and nothing stands in the way.
static inline PushResult mailbox_admit(Actor *actor, Message *message) {
  if (UNLIKELY(atomic_load_explicit(&actor->gate, memory_order_relaxed) != (u64)message->payer)) return PUSH_FULL;
  u64 old = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
  do {
    u32 count = (u32)(u16)old + atomic_load_explicit(&actor->queued, memory_order_relaxed);
    if (UNLIKELY(count >= MAILBOX_MESSAGES)) return PUSH_FULL;
  } while (!inbox_push(actor, &old, message, 1));
  return old == MAILBOX_IDLE ? PUSH_WAKE : PUSH_QUEUED;
}

// How many count. Exact for the owner, and while nobody else runs.
static inline u32 mailbox_count(const Actor *actor) {
  u64 inbox = atomic_load(&actor->inbox);
  return (inbox == MAILBOX_CLOSED ? 0 : (u16)inbox) + atomic_load(&actor->queued);
}

// ---- For the actor's own worker -------------------------------------------------------------------------------------

void mailbox_queue(Actor *actor, u64 pushed);             // puts what was pushed behind the queue
void mailbox_append(Message **list, Message *message);    // lists are rings; `list` points at the last
void mailbox_remove(Message **list, Message *before, Message *message);  // `before` stands in front of it; NULL if it is the first
Message *mailbox_close(Actor *actor);                     // all that waits, put-off messages first, linked by next; none comes after

// Everything that was pushed, as the inbox had it, or 0.
static inline u64 mailbox_pushed(Actor *actor) {
  u64 pushed = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
  if (pushed <= MAILBOX_CLOSED) return 0;  // nothing, or a mark, which only the owner changes
  return atomic_exchange_explicit(&actor->inbox, 0, memory_order_acquire);
}

// Puts a message behind the queue as if it had been pushed alone.
static inline void mailbox_put(Actor *actor, Message *message) {
  u32 queued = atomic_load_explicit(&actor->queued, memory_order_relaxed) + message->weighs;
  atomic_store_explicit(&actor->queued, (u16)queued, memory_order_relaxed);
  mailbox_append(&actor->queue, message);
}

// The first of a ring, or NULL.
static inline Message *mailbox_take(Message **list) {
  Message *last = *list;
  if (!last) return NULL;
  Message *first = last->next;
  if (first == last) *list = NULL;
  else last->next = first->next;
  return first;
}

// A message has left the queue, or will do so at once.
static inline void mailbox_left(Actor *actor, const Message *message) {
  u32 queued = atomic_load_explicit(&actor->queued, memory_order_relaxed) - message->weighs;
  atomic_store_explicit(&actor->queued, (u16)queued, memory_order_relaxed);
}

// The first of the queue, or NULL.
static inline Message *mailbox_first(Actor *actor) {
  Message *message = mailbox_take(&actor->queue);
  if (message) mailbox_left(actor, message);
  return message;
}

// Moves what was pushed behind the queue; false if there was nothing.
static inline bool mailbox_collect(Actor *actor) {
  u64 pushed = mailbox_pushed(actor);
  if (pushed) mailbox_queue(actor, pushed);
  return pushed;
}

// The actor's next message, or NULL. One that came alone needs no queue.
static inline Message *mailbox_next(Actor *actor) {
  if (actor->queue) return mailbox_first(actor);
  u64 pushed = mailbox_pushed(actor);
  Message *newest = inbox_newest(pushed);
  if (!newest || LIKELY(!newest->next)) return newest;
  mailbox_queue(actor, pushed);
  return mailbox_first(actor);
}

// False if something came meanwhile.
static inline bool mailbox_idle(Actor *actor) {
  u64 none = 0;
  return atomic_compare_exchange_strong(&actor->inbox, &none, MAILBOX_IDLE);
}

// Of an idle actor, by anyone: true if the caller owns it now (W2).
static inline bool mailbox_rouse(Actor *actor) {
  u64 idle = MAILBOX_IDLE;
  return atomic_compare_exchange_strong(&actor->inbox, &idle, 0);
}

// Of classes with guards only, behind the state: messages that a guard refused, the last of them that was tested since the state was
// written (NULL: none), and whether it was written since they were tested.
enum { MAILBOX_GUARD_WORDS = 3 };
static inline Message **mailbox_put_off(Actor *actor) { return (Message **)&actor->fields[actor->class->field_count]; }
static inline Message **mailbox_tested(Actor *actor) { return (Message **)&actor->fields[actor->class->field_count + 1]; }
static inline bool *mailbox_retest(Actor *actor) { return (bool *)&actor->fields[actor->class->field_count + 2]; }
