// Making messages and giving their blocks back. A message's block is exactly header, arguments and fragment, from the worker's pool
// when it is small.
#pragma once
#include "vm/life.h"

// A message with copies of the arguments, its other fields empty. NULL when memory is out.
Message *message_new(Worker *worker, MessageKind kind, const Val *args, u32 count) MUST_CHECK;

// Gives back the block of a message whose fragment holds no counts any more (its turn has ended).
void message_recycle(Worker *worker, Message *message);

// Gives up a message whose turn never began: its promise breaks as the actor's end says.
void message_drop(Worker *worker, Message *message, const Actor *ended);

// Breaks a promise that an ended actor owes: Crashed with its why, or Stopped.
void promise_break_ended(Worker *worker, Promise *promise, const Actor *ended);
// Settles a promise of ended() with the Exit of an ended actor.
void promise_exit(Worker *worker, Promise *promise, const Actor *ended);
