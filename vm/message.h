// Making messages and giving their blocks back. A message's block is exactly header, arguments and fragment, from the worker's pool
// when it is small.
//
// A message is charged to its sender's bank, and counts there as queued, until its turn begins; then to its receiver's.
#pragma once
#include "vm/bank.h"
#include "vm/life.h"
#include "vm/linked.h"
#include "vm/mailbox.h"

// In Message.counted.
enum {
  MESSAGE_COUNTED = 1,   // it holds COUNTED objects
  MESSAGE_OWNS = 2,      // of which some may have memory outside the message
};

// The same for arguments of which some are objects.
Message *message_with_objects(Worker *worker, MessageKind kind, const Val *args, u32 count) MUST_CHECK;

// Of main and tests there is no sender. The message's bytes have been charged to the worker's account.
static inline void message_fill(Message *message, MessageKind kind, u32 count, size_t bytes, const Actor *sender, u32 line, Account *account) {
  *message = (Message){
      .kind = kind,
      .weighs = kind == MESSAGE_CALL,
      .count = (u16)count,
      .bytes = (u32)bytes,
      .sender_line = line,
      .sender = sender ? sender->serial : 0,
      .sender_class = sender ? sender->class : NULL,
      .payer = account->bank,
  };
  account_count(&account->messages, 1);
}

static inline Message *message_block(Worker *worker, size_t bytes) {
  if (UNLIKELY(!account_take(worker, worker->account, bytes))) return NULL;
  Message *message = pool_alloc(&worker->pool, bytes);
  if (UNLIKELY(!message)) account_give(worker->account, bytes);
  return message;
}

// A message with copies of the arguments, its other fields empty. NULL when memory is out. Never collects.
static inline MUST_CHECK Message *message_new(Worker *worker, MessageKind kind, const Val *args, u32 count) {
  for (u32 i = 0; i < count; i++) {
    if (val_is_pointer(args[i])) return message_with_objects(worker, kind, args, count);
  }
  size_t bytes = sizeof(Message) + count * sizeof(Val);
  Message *message = message_block(worker, bytes);
  if (UNLIKELY(!message)) return NULL;
  message_fill(message, kind, count, bytes, worker->actor, worker->line, worker->account);
  for (u32 i = 0; i < count; i++) message->args[i] = args[i];
  return message;
}

// A block for a message, charged, where neither the bank nor the allocator has to be asked. NULL otherwise: nothing has happened.
static inline __attribute__((always_inline)) Message *message_block_kept(Worker *worker, size_t bytes) {
  Account *account = worker->account;
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed) - (i64)bytes;
  if (UNLIKELY(left < 0)) return NULL;
  Message *message = pool_take(&worker->pool, bytes);
  if (LIKELY(message != NULL)) atomic_store_explicit(&account->left, left, memory_order_relaxed);
  return message;
}

// A message of the `count` listed registers, if none holds an object and such a block is kept: as most are. Else NULL, and message_new() is
// to make it. Calls nothing. Only actors send.
static inline __attribute__((always_inline)) Message *message_plain(Worker *worker, MessageKind kind, const u64 *fp, const u64 *list, u32 count,
                                                                    u32 line) {
  for (u32 i = 0; i < count; i++) {
    if (UNLIKELY(val_is_pointer(fp[list_at(list, i)]))) return NULL;
  }
  size_t bytes = sizeof(Message) + count * sizeof(Val);
  Message *message = message_block_kept(worker, bytes);
  if (UNLIKELY(!message)) return NULL;
  const Actor *sender = worker->actor;
  if (!sender) __builtin_unreachable();
  message_fill(message, kind, count, bytes, sender, line, worker->account);
  for (u32 i = 0; i < count; i++) message->args[i] = fp[list_at(list, i)];
  return message;
}

// Copies a reference that is no session to `to`, in the message.
static inline void message_reference(Message *message, Obj *from, Obj *to) {
  to->header = REF_HEADER;
  to->words[REF_ACTOR] = from->words[REF_ACTOR];
  to->words[REF_ITABLE] = from->words[REF_ITABLE];
  to->words[REF_WEIGHT] = weight_split(from);
  message->counted |= MESSAGE_COUNTED;
}

// The same as message_plain() where some registers hold references, as many as a small message has room for.
static inline Message *message_referring(Worker *worker, MessageKind kind, const u64 *fp, const u64 *list, u32 line) {
  u32 count = list_count(list), words = count;
  for (u32 i = 0; i < count; i++) {
    Val arg = fp[list_at(list, i)];
    if (!val_is_pointer(arg)) continue;
    if (UNLIKELY(val_obj(arg)->header != REF_HEADER)) return NULL;
    words += REF_WORDS;
  }
  size_t bytes = sizeof(Message) + words * sizeof(Val);
  Message *message = LIKELY(bytes <= MAILBOX_SMALL) ? message_block_kept(worker, bytes) : NULL;
  if (UNLIKELY(!message)) return NULL;
  const Actor *sender = worker->actor;
  if (!sender) __builtin_unreachable();
  message_fill(message, kind, count, bytes, sender, line, worker->account);
  worker->copied += (words - count) * sizeof(u64);
  u64 *fragment = message->args + count;
  for (u32 i = 0; i < count; i++) {
    Val arg = fp[list_at(list, i)];
    message->args[i] = arg;
    if (!val_is_pointer(arg)) continue;
    message->args[i] = (Val)fragment;
    message_reference(message, val_obj(arg), (Obj *)fragment);
    fragment += REF_WORDS;
  }
  return message;
}

// Gives back the block of a message whose fragment holds no counts any more.
static inline void message_recycle(Worker *worker, Message *message) {
  Account *account = bank_account(message->payer, worker);
  if (!message->begun) account_count(&account->messages, -1);
  account_give(account, message->bytes);
  pool_free(&worker->pool, message, message->bytes);
}

// The same when its turn has ended: the running actor's bank pays for it.
static inline void message_done(Worker *worker, Message *message) {
  account_give(worker->account, message->bytes);
  pool_free(&worker->pool, message, message->bytes);
}

bool message_accept(Worker *worker, Message *message) MUST_CHECK;
// Its turn begins: the running actor's bank takes the charge over, with all that the message holds. False if it can't: worker->refused says
// whose limit is in the way, and nothing has happened.
static inline MUST_CHECK bool message_begin(Worker *worker, Message *message) {
  if (UNLIKELY(message->payer != worker->account->bank) && !message_accept(worker, message)) return false;
  message->begun = 1;
  account_count(&worker->account->messages, -1);
  return true;
}

// Gives up a message whose turn never began: its promise breaks as the actor's end says.
void message_drop(Worker *worker, Message *message, const Actor *ended);
// The same for one that its receiver's bank can't take.
void message_drop_full(Worker *worker, Message *message);

// Breaks a promise that an ended actor owes: Crashed with its why, or Stopped.
void promise_break_ended(Worker *worker, Promise *promise, const Actor *ended);
// Settles a promise of ended() with the Exit of an ended actor.
void promise_exit(Worker *worker, Promise *promise, const Actor *ended);
