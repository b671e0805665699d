// Making messages and giving their blocks back. A message's block is exactly header, arguments and fragment, from the worker's pool
// when it is small.
#pragma once
#include "vm/life.h"

// The same for arguments of which some are objects.
Message *message_with_objects(Worker *worker, MessageKind kind, const Val *args, u32 count) MUST_CHECK;

static inline void message_fill(Worker *worker, Message *message, MessageKind kind, u32 count, size_t bytes) {
  const Actor *sender = worker->actor;
  *message = (Message){
      .kind = kind,
      .count = (u16)count,
      .bytes = (u32)bytes,
      .sender_line = worker->line,
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
  message_fill(worker, message, kind, count, bytes);
  for (u32 i = 0; i < count; i++) message->args[i] = args[i];
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
