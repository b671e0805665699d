// Messages: see message.h. Arguments that are immediate, references, promises, handles, boxed numbers or short texts, as most are, are
// copied here straight into a pooled block; anything deeper goes through the general copier.
#include "vm/message.h"

#include "vm/charge.h"
#include "vm/sched.h"
#include "vm/storage.h"

enum { SHORT_BYTES = 64 };

// Words that a copy of an argument takes in the fragment; DEEP if it needs the general copier.
enum { DEEP = 1 << 16 };
static inline u32 flat_words(Val arg) {
  if (!val_is_pointer(arg)) return 0;
  u64 header = val_obj(arg)->header;
  if (LIKELY(header == REF_HEADER)) return REF_WORDS;
  if (header_flags(header) & OBJ_IMMORTAL) return 0;
  switch (header_kind(header)) {
    case KIND_REF: return REF_WORDS;
    case KIND_INT: case KIND_FLOAT: case KIND_DURATION: case KIND_TIME: case KIND_PROMISE: return 2;
    case KIND_STRING: case KIND_BYTES: return header_info(header) <= SHORT_BYTES ? 1 + bytes_words(header_info(header)) : DEEP;
    case KIND_BUF: return 2;
    case KIND_ARRAY: {
      const Storage *storage = handle_storage(val_obj(arg));
      return storage && storage->kind == STORAGE_VALS ? DEEP : 2;
    }
    case KIND_BLOB: case KIND_NONE: case KIND_CONS: case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_SHARED: case KIND_COUNT: break;
  }
  return DEEP;
}

// Copies a flat argument of so many words to `at`.
static inline void flat_copy(Obj *from, Obj *to, u32 words, Message *message) {
  if (LIKELY(from->header == REF_HEADER)) {
    message_reference(message, from, to);
    return;
  }
  to->header = header_without(from->header, OBJ_SHARED);
  for (u32 i = 0; i + 1 < words; i++) to->words[i] = from->words[i];
  if (!header_is_counted(from->header)) return;
  message->counted |= MESSAGE_COUNTED | (header_kind(from->header) != KIND_PROMISE ? MESSAGE_OWNS : 0);
  object_count_copy(from, to);
}

static Message *new_deep(Worker *worker, MessageKind kind, const Val *args, u32 count) {
  CopyBlock made;
  if (!copy_out_block(worker, args, count, sizeof(Message), &made)) return NULL;
  Message *message = made.block;
  message_fill(message, kind, count, made.size, worker->actor, worker->line, worker->account);
  message->counted = made.counted ? MESSAGE_COUNTED | MESSAGE_OWNS : 0;
  message->shared = made.shared;
  return message;
}

Message *message_with_objects(Worker *worker, MessageKind kind, const Val *args, u32 count) {
  u32 words = 0;
  for (u32 i = 0; i < count; i++) words += flat_words(args[i]);
  if (UNLIKELY(words >= DEEP)) return new_deep(worker, kind, args, count);
  size_t bytes = sizeof(Message) + (count + words) * 8;
  Message *message = message_block(worker, bytes);
  if (UNLIKELY(!message)) return NULL;
  message_fill(message, kind, count, bytes, worker->actor, worker->line, worker->account);
  worker->copied += words * 8;
  u64 *fragment = message->args + count;
  for (u32 i = 0; i < count; i++) {
    u32 flat = flat_words(args[i]);
    message->args[i] = args[i];
    if (!flat) continue;
    message->args[i] = (Val)fragment;
    flat_copy(val_obj(args[i]), (Obj *)fragment, flat, message);
    fragment += flat;
  }
  return message;
}

void promise_break_ended(Worker *worker, Promise *promise, const Actor *ended) {
  bool crashed = ended->exit == EXIT_REASON_CRASH;
  // What flows back is no channel: it is told in the same bank and in those above.
  Str why = crashed && bank_contains(promise->payer, ended->bank) ? (Str){ended->why->text, ended->why->length} : STR("");
  promise_break(worker, promise, crashed ? WK_CRASHED : WK_STOPPED, why);
}

bool message_accept(Worker *worker, Message *message) {
  Bank *from = message->payer, *to = worker->account->bank;
  u64 *words = message->args + message->count;
  u64 used = message->counted ? (u64)((u64 *)((char *)message + message->bytes) - words) : 0;
  if (!charge_move(worker, words, used, message->bytes, from, to)) return false;
  message->payer = to;
  account_count(&bank_account(from, worker)->messages, -1);
  account_count(&worker->account->messages, 1);
  return true;
}

// Frees it; what is left is its promise, which breaks.
static Promise *drop(Worker *worker, Message *message) {
  worker->stats.dropped++;
  Promise *promise = message->promise;
  if (message->kind == MESSAGE_WHEN && message->on) promise_release(worker, message->on);
  if (message->counted) heap_free_message(worker, message);
  else message_recycle(worker, message);
  return promise;
}

void message_drop_full(Worker *worker, Message *message) {
  Promise *promise = drop(worker, message);
  if (!promise) return;
  promise_break(worker, promise, WK_FULL, STR(""));
  promise_release(worker, promise);
}

void message_drop(Worker *worker, Message *message, const Actor *ended) {
  Promise *promise = drop(worker, message);
  if (!promise) return;
  promise_break_ended(worker, promise, ended);
  promise_release(worker, promise);
}
