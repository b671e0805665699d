// Mailboxes: pushed by anyone, emptied by the owner. docs/scheduling.md argues for this shape.
//
// `inbox` is a stack that senders push with one compare-and-swap and the owner takes whole with one exchange, so there is no ABA
// problem and no gap between exchange and link. The owner turns it over and appends it to `queue`, a ring of its own whose last
// message the actor points at. Its two marks say who acts next:
//   MAILBOX_IDLE    the owner saw it empty and went away: the pusher that replaces the mark must make the actor ready (M1)
//   MAILBOX_CLOSED  the actor has ended: nothing is pushed any more (M2)
#include "vm/life.h"

PushResult mailbox_push(Actor *actor, Message *message) {
  Message *old = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
  do {
    if (UNLIKELY(old == MAILBOX_CLOSED)) return PUSH_CLOSED;
    message->next = old == MAILBOX_IDLE ? NULL : old;
    // Release: the owner sees the message's contents. Acquire: a waker sees the actor as its last owner left it.
  } while (!atomic_compare_exchange_weak_explicit(&actor->inbox, &old, message, memory_order_acq_rel, memory_order_relaxed));
  return old == MAILBOX_IDLE ? PUSH_WAKE : PUSH_QUEUED;
}

void mailbox_append(Message **list, Message *message) {
  Message *last = *list;
  if (last) {
    message->next = last->next;
    last->next = message;
  } else {
    message->next = message;
  }
  *list = message;
}

bool mailbox_collect(Actor *actor) {
  Message *newest = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
  if (!newest || newest == MAILBOX_IDLE || newest == MAILBOX_CLOSED) return false;  // only the owner changes marks
  newest = atomic_exchange_explicit(&actor->inbox, NULL, memory_order_acquire);
  Message *oldest = NULL;
  for (Message *message = newest, *next; message; message = next) {
    next = message->next;
    message->next = oldest;
    oldest = message;
  }
  if (actor->queue) {
    newest->next = actor->queue->next;
    actor->queue->next = oldest;
  } else {
    newest->next = oldest;
  }
  actor->queue = newest;
  return true;
}

bool mailbox_idle(Actor *actor) {
  Message *none = NULL;
  return atomic_compare_exchange_strong_explicit(&actor->inbox, &none, MAILBOX_IDLE, memory_order_release, memory_order_relaxed);
}

Message *mailbox_take(Message **list) {
  Message *last = *list;
  if (!last) return NULL;
  Message *first = last->next;
  if (first == last) *list = NULL;
  else last->next = first->next;
  return first;
}

void mailbox_remove(Message **list, Message *before, Message *message) {
  if (!before) before = *list;  // in a ring the last stands in front of the first
  if (before == message) {
    *list = NULL;
    return;
  }
  before->next = message->next;
  if (*list == message) *list = before;
}

Message *mailbox_close(Actor *actor) {
  mailbox_collect(actor);
  Message *first = NULL, **end = &first, *message;
  if (actor->class->any_guard) {
    while ((message = mailbox_take(mailbox_put_off(actor)))) {
      *end = message;
      end = &message->next;
    }
  }
  while ((message = mailbox_take(&actor->queue))) {
    *end = message;
    end = &message->next;
  }
  *end = NULL;
  // What was pushed since the collection, newest first.
  Message *late = atomic_exchange_explicit(&actor->inbox, MAILBOX_CLOSED, memory_order_acq_rel), *oldest = NULL;
  if (late == MAILBOX_IDLE || late == MAILBOX_CLOSED) late = NULL;
  for (Message *next; late; late = next) {
    next = late->next;
    late->next = oldest;
    oldest = late;
  }
  *end = oldest;
  return first;
}
