// vm/mailbox.c: order, the idle and closed marks, rings, and pushes from several threads at once.
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "vm/life.h"

static Actor *actor_plain(bool guards) {
  static const Class plain, guarded = {.any_guard = true};
  Actor *actor = calloc(1, sizeof *actor + MAILBOX_GUARD_WORDS * 8);
  actor->class = guards ? &guarded : &plain;
  atomic_store(&actor->inbox, MAILBOX_IDLE);
  return actor;
}

static Message *message_numbered(u32 n) {
  Message *message = calloc(1, sizeof *message);
  message->sender_line = n;
  return message;
}

static void expect_taken(Message **list, u32 n) {
  Message *message = mailbox_take(list);
  cr_assert(message);
  cr_assert_eq(message->sender_line, n);
  free(message);
}

Test(mailbox, first_push_wakes) {
  Actor *actor = actor_plain(false);
  cr_assert_eq(mailbox_push(actor, message_numbered(1)), PUSH_WAKE);
  cr_assert_eq(mailbox_push(actor, message_numbered(2)), PUSH_QUEUED);
  cr_assert(mailbox_collect(actor));
  cr_assert_not(mailbox_collect(actor));
  cr_assert_eq(mailbox_push(actor, message_numbered(3)), PUSH_QUEUED);
  cr_assert_not(mailbox_idle(actor), "something came meanwhile");
  cr_assert(mailbox_collect(actor));
  for (u32 n = 1; n <= 3; n++) expect_taken(&actor->queue, n);
  cr_assert_null(mailbox_take(&actor->queue));
  cr_assert(mailbox_idle(actor));
  cr_assert_eq(mailbox_push(actor, message_numbered(4)), PUSH_WAKE);
  cr_assert(mailbox_collect(actor));
  expect_taken(&actor->queue, 4);
  free(actor);
}

Test(mailbox, rings) {
  Message *list = NULL, *kept[5];
  for (u32 i = 0; i < 5; i++) mailbox_append(&list, kept[i] = message_numbered(i));
  mailbox_remove(&list, kept[1], kept[2]);
  mailbox_remove(&list, NULL, kept[0]);
  mailbox_remove(&list, kept[3], kept[4]);
  cr_assert_eq(list, kept[3]);
  expect_taken(&list, 1);
  mailbox_remove(&list, NULL, kept[3]);
  cr_assert_null(list);
  free(kept[0]);
  free(kept[2]);
  free(kept[3]);
  free(kept[4]);
}

Test(mailbox, closing_gives_all_in_order) {
  Actor *actor = actor_plain(true);
  mailbox_append(mailbox_put_off(actor), message_numbered(0));
  mailbox_append(mailbox_put_off(actor), message_numbered(1));
  mailbox_append(&actor->queue, message_numbered(2));
  for (u32 n = 3; n < 6; n++) cr_assert_neq(mailbox_push(actor, message_numbered(n)), PUSH_CLOSED);
  Message *message = mailbox_close(actor);
  for (u32 n = 0; n < 6; n++) {
    Message *next = message->next;
    cr_assert_eq(message->sender_line, n);
    free(message);
    message = next;
  }
  cr_assert_null(message);
  Message *late = message_numbered(9);
  cr_assert_eq(mailbox_push(actor, late), PUSH_CLOSED);
  free(late);
  cr_assert_null(mailbox_close(actor));
  free(actor);
}

// ---- Several threads ------------------------------------------------------------------------------------------------

enum { SENDERS = 3, EACH = 100000 };

typedef struct Crowd {
  Actor *actor;
  _Atomic u64 wakes;  // pushes that found the actor idle: the owner may run once for each
} Crowd;

typedef struct Sender {
  Crowd *crowd;
  u32 number;
} Sender;

static void *send_many(void *context) {
  Sender *sender = context;
  for (u32 i = 0; i < EACH; i++) {
    if (mailbox_push(sender->crowd->actor, message_numbered(sender->number * EACH + i)) == PUSH_WAKE) {
      atomic_fetch_add(&sender->crowd->wakes, 1);
    }
  }
  return NULL;
}

// The owner runs only when woken, as the scheduler does it: a lost wake-up would leave messages behind for ever.
Test(mailbox, no_wake_is_lost, .timeout = 60) {
  Crowd crowd = {.actor = actor_plain(false)};
  Sender senders[SENDERS];
  pthread_t threads[SENDERS];
  for (u32 i = 0; i < SENDERS; i++) {
    senders[i] = (Sender){&crowd, i};
    pthread_create(&threads[i], NULL, send_many, &senders[i]);
  }
  u32 next[SENDERS] = {0}, got = 0;
  for (u64 woken = 0; got < SENDERS * EACH;) {
    if (atomic_load(&crowd.wakes) == woken) continue;
    woken++;
    do {
      while (mailbox_collect(crowd.actor)) {
        for (Message *message; (message = mailbox_take(&crowd.actor->queue)); got++) {
          u32 from = message->sender_line / EACH;
          cr_assert_eq(message->sender_line % EACH, next[from]++, "messages of one sender in order");
          free(message);
        }
      }
    } while (!mailbox_idle(crowd.actor));
  }
  for (u32 i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
  cr_assert_eq(atomic_load(&crowd.actor->inbox), MAILBOX_IDLE);
  free(crowd.actor);
}
