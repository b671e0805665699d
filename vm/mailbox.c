// What mailboxes do more rarely than pushing and taking: see mailbox.h.
#include "vm/mailbox.h"

// Turns a stack over.
static Message *oldest_first(Message *newest) {
  Message *oldest = NULL;
  for (Message *next; newest; newest = next) {
    next = newest->next;
    newest->next = oldest;
    oldest = newest;
  }
  return oldest;
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

void mailbox_queue(Actor *actor, u64 pushed) {
  Message *newest = inbox_newest(pushed), *oldest = oldest_first(newest), *last = actor->queue;
  u32 queued = atomic_load_explicit(&actor->queued, memory_order_relaxed) + (u16)pushed;
  atomic_store_explicit(&actor->queued, (u16)queued, memory_order_relaxed);
  newest->next = last ? last->next : oldest;
  if (last) last->next = oldest;
  actor->queue = newest;
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
  atomic_store_explicit(&actor->queued, 0, memory_order_relaxed);
  u64 late = atomic_exchange(&actor->inbox, MAILBOX_CLOSED);  // and then the gate is looked at: crowd_end()
  if (late > MAILBOX_CLOSED) *end = oldest_first(inbox_newest(late));
  return first;
}
