// Mailboxes: pushed by anyone, emptied by the owner. docs/scheduling.md argues for this shape.
//
// `inbox` is a stack that senders push with one compare-and-swap and the owner takes whole with one exchange, so there is no ABA
// problem and no gap between exchange and link. The owner turns it over and appends it to `queue`, a ring of its own whose last
// message the actor points at. Its two marks say who acts next:
//   MAILBOX_IDLE    the owner saw it empty and went away: the pusher that replaces the mark must make the actor ready (M1)
//   MAILBOX_CLOSED  the actor has ended: nothing is pushed any more (M2)
#pragma once
#include "vm/actor.h"

typedef enum PushResult {
  PUSH_QUEUED,
  PUSH_WAKE,      // the receiver was idle: the caller must make it ready (sched_ready)
  PUSH_CLOSED,    // the receiver has ended: the message is still the caller's
} PushResult;

static inline PushResult mailbox_push(Actor *actor, Message *message) {
  Message *old = atomic_load_explicit(&actor->inbox, memory_order_acquire);
  do {
    if (UNLIKELY(old == MAILBOX_CLOSED)) return PUSH_CLOSED;  // acquired too: how the actor ended can be seen
    message->next = old == MAILBOX_IDLE ? NULL : old;
    // Release: the owner sees the message's contents. Acquire: a waker sees the actor as its last owner left it.
  } while (!atomic_compare_exchange_weak_explicit(&actor->inbox, &old, message, memory_order_acq_rel, memory_order_acquire));
  return old == MAILBOX_IDLE ? PUSH_WAKE : PUSH_QUEUED;
}

// ---- For the actor's own worker -------------------------------------------------------------------------------------

void mailbox_queue(Actor *actor, Message *newest);        // puts what was pushed, newest first, behind the queue
void mailbox_append(Message **list, Message *message);    // lists are rings; `list` points at the last
void mailbox_remove(Message **list, Message *before, Message *message);  // `before` stands in front of it; NULL if it is the first
Message *mailbox_close(Actor *actor);                     // all that waits, put-off messages first, linked by next; none comes after

// Everything that was pushed, newest first, or NULL.
static inline Message *mailbox_pushed(Actor *actor) {
  Message *newest = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
  if (newest <= MAILBOX_CLOSED) return NULL;  // nothing, or a mark, which only the owner changes
  return atomic_exchange_explicit(&actor->inbox, NULL, memory_order_acquire);
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

// Moves what was pushed behind the queue; false if there was nothing.
static inline bool mailbox_collect(Actor *actor) {
  Message *newest = mailbox_pushed(actor);
  if (newest) mailbox_queue(actor, newest);
  return newest != NULL;
}

// The actor's next message, or NULL. One that came alone needs no queue.
static inline Message *mailbox_next(Actor *actor) {
  if (actor->queue) return mailbox_take(&actor->queue);
  Message *newest = mailbox_pushed(actor);
  if (!newest || LIKELY(!newest->next)) return newest;
  mailbox_queue(actor, newest);
  return mailbox_take(&actor->queue);
}

// False if something came meanwhile.
static inline bool mailbox_idle(Actor *actor) {
  Message *none = NULL;
  return atomic_compare_exchange_strong(&actor->inbox, &none, MAILBOX_IDLE);
}

// Of an idle actor, by anyone: true if the caller owns it now (W2).
static inline bool mailbox_rouse(Actor *actor) {
  Message *idle = MAILBOX_IDLE;
  return atomic_compare_exchange_strong(&actor->inbox, &idle, NULL);
}

// Of classes with guards only, behind the state: messages that a guard refused, and the last of them that was tested since the state
// was written (NULL: none).
enum { MAILBOX_GUARD_WORDS = 2 };
static inline Message **mailbox_put_off(Actor *actor) { return (Message **)&actor->fields[actor->class->field_count]; }
static inline Message **mailbox_tested(Actor *actor) { return (Message **)&actor->fields[actor->class->field_count + 1]; }
