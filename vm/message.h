// Making messages and giving their blocks back. A message's block is exactly header, arguments and fragment, from the worker's pool
// when it is small.
#pragma once
#include "vm/life.h"
#include "vm/linked.h"

// The same for arguments of which some are objects.
Message *message_with_objects(Worker *worker, MessageKind kind, const Val *args, u32 count) MUST_CHECK;

// Of main and tests there is no sender.
static inline void message_fill(Message *message, MessageKind kind, u32 count, size_t bytes, const Actor *sender, u32 line) {
  *message = (Message){
      .kind = kind,
      .count = (u16)count,
      .bytes = (u32)bytes,
      .sender_line = line,
      .sender = sender ? sender->serial : 0,
      .sender_class = sender ? sender->class : NULL,
  };
}

// A message with copies of the arguments, its other fields empty. NULL when memory is out. Never collects.
static inline MUST_CHECK Message *message_new(Worker *worker, MessageKind kind, const Val *args, u32 count) {
  for (u32 i = 0; i < count; i++) {
    if (val_is_pointer(args[i])) return message_with_objects(worker, kind, args, count);
  }
  size_t bytes = sizeof(Message) + count * sizeof(Val);
  Message *message = pool_alloc(&worker->pool, bytes);
  if (UNLIKELY(!message)) return NULL;
  message_fill(message, kind, count, bytes, worker->actor, worker->line);
  for (u32 i = 0; i < count; i++) message->args[i] = args[i];
  return message;
}

// A message of the listed registers, if none holds an object and the pool has a block: as most are. Else NULL, and message_new() is
// to make it.
static inline Message *message_plain(Worker *worker, MessageKind kind, const u64 *fp, const u64 *list, u32 line) {
  u32 count = list_count(list);
  for (u32 i = 0; i < count; i++) {
    if (UNLIKELY(val_is_pointer(fp[list_at(list, i)]))) return NULL;
  }
  size_t bytes = sizeof(Message) + count * sizeof(Val);
  Message *message = pool_take(&worker->pool, bytes);
  if (UNLIKELY(!message)) return NULL;
  const Actor *sender = worker->actor;
  if (!sender) __builtin_unreachable();  // only actors send
  message_fill(message, kind, count, bytes, sender, line);
  for (u32 i = 0; i < count; i++) message->args[i] = fp[list_at(list, i)];
  return message;
}

// Gives back the block of a message whose fragment holds no counts any more (its turn has ended).
static inline void message_recycle(Worker *worker, Message *message) { pool_free(&worker->pool, message, message->bytes); }

// Gives up a message whose turn never began: its promise breaks as the actor's end says.
void message_drop(Worker *worker, Message *message, const Actor *ended);

// Breaks a promise that an ended actor owes: Crashed with its why, or Stopped.
void promise_break_ended(Worker *worker, Promise *promise, const Actor *ended);
// Settles a promise of ended() with the Exit of an ended actor.
void promise_exit(Worker *worker, Promise *promise, const Actor *ended);
