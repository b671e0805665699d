// Back-pressure: what happens once a mailbox is full. docs/pressure.md argues for it.
//
// Most messages are small, come from the receiver's own bank, and find room: those are counted in the mailbox's own words (mailbox.h), and
// nothing here concerns them. All others are counted here, by sending bank: a *backlog* is what one bank has in one mailbox beside that, and
// the senders of that bank that wait for room there. It exists as long as there is any, and then the actor's gate isn't open.
//
// A send that finds no room is *held*: its message is made, and lies outside the mailbox; its sender is suspended, in the usual way, on a
// promise that is kept as soon as the message has been let in.
#pragma once
#include "vm/message.h"

enum { PATIENCE_US = 5000000 };  // so long a send is held

// A suspended send. It belongs to the sender's turn; what the comment says otherwise is guarded by the receiver's lock.
typedef struct HeldSend {
  struct HeldSend *next, *prev;  // in the backlog, a ring in the order of arrival; NULL: it has left it
  Actor *receiver;     // in whose backlog it is or was (a WEIGHT_UNIT of it is held)
  Actor *through;      // the forwarder that it is sent to, or NULL (the same)
  Message *message;    // NULL: it has been let in, or is a dead letter
  Promise *promise;    // kept then (counted until then)
  Promise *answer;     // the sender's: of a REQUEST, which goes on to wait for it (counted), or NULL
  Bank *payer;         // of this record, and where it is counted
} HeldSend;

typedef enum Offer {
  OFFER_TAKEN,    // it is in the mailbox
  OFFER_CLOSED,   // the receiver has ended: the message is still the caller's
  OFFER_FULL,     // there is no room: the same
  OFFER_HELD,     // there is no room: it is held
} Offer;

// Puts any message into a mailbox that has room for it, or, if `past`, whatever there is. If there is none it is held, if `held` is given.
Offer crowd_offer(Worker *worker, Actor *actor, Message *message, HeldSend *held, bool past) MUST_CHECK;
// Whether a message for an actor could be let in now. Of those that have a way of their own to deliver: kept.
bool crowd_has_room(Actor *actor, const Message *message);
// A message that is kept by one without a mailbox counts there as well, until it has left.
void crowd_keep(Worker *worker, Actor *actor, Message *message);
void crowd_kept(Worker *worker, Actor *actor, Message *message);
// Then lets in what is held there and has room now. Not within a lock.
void crowd_admit(Worker *worker, Actor *actor, Bank *bank);
// The same for the actor's own bank, if it has had some slices since, or has little left to do (B2).
void crowd_admit_late(Worker *worker, Actor *actor);

void crowd_taken(Worker *worker, Actor *actor, Message *message);
// The actor's message has left its mailbox. If it counted in a backlog it does so no longer, and somebody who waits may come in; for one that
// counted in the mailbox's own words that is looked at when the slice is over (B2).
static inline void crowd_leave(Worker *worker, Actor *actor, Message *message) {
  if (UNLIKELY(message->crowded)) crowd_taken(worker, actor, message);
}
static inline void crowd_let_in(Worker *worker, Actor *actor) {
  if (UNLIKELY(actor_is_crowded(actor))) crowd_admit(worker, actor, actor->bank);
}
// It will go on in another slice.
static inline void crowd_let_in_late(Worker *worker, Actor *actor) {
  if (UNLIKELY(actor_is_crowded(actor))) crowd_admit_late(worker, actor);
}
// The actor has ended, and its mailbox is closed: nobody waits any longer.
void crowd_end(Worker *worker, Actor *actor);
// Banks have been frozen or destroyed: the same for all that wait for room in them.
void crowds_frozen(Worker *worker);

// ---- The sender's side ----

typedef enum Sending { SENDING_DONE, SENDING_WAITS, SENDING_FAULT } Sending;
// A message that the fast path can't put into the mailbox, whatever the reason. When it waits worker->turn->held says for what.
Sending crowd_send(Worker *worker, Actor *to, Message *message) MUST_CHECK;
// A sender goes on with its turn: room has come, or time is up. Frees the record. The answer that it has to await now, or NULL.
Promise *crowd_resume(Worker *worker, HeldSend *held) MUST_CHECK;
// A sender ends: its message goes with it.
void crowd_give_up(Worker *worker, HeldSend *held);
// A cycle of waiting senders: this one's message is let in though there is no room.
void crowd_admit_past(Worker *worker, HeldSend *held);

// Too large for the mailbox's own words.
static inline bool message_is_large(const Message *message) { return message->bytes > MAILBOX_SMALL || message->counted & MESSAGE_OWNS; }
