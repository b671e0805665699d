// Arrays and buffers that grow, in steps.
//
// A large one does not get its new block at once: that gets a handle of its own, in the turn's record, and takes the elements over a block
// at a time. When it has them all the two handles change what they own, and the old block goes. So whatever ends the turn meanwhile finds two
// handles, each with its storage, and a collection finds all vals in each.
#include "vm/native_unique.h"
#include "vm/sched.h"
#include "vm/work.h"

static u64 words_of(StorageKind kind, u64 count) { return kind == STORAGE_BYTES ? bytes_words(count) : count; }

// Room for the elements, and as many again.
static Storage *larger(Worker *worker, u64 *args, StorageKind kind, u64 cap) {
  u64 doubled = handle_storage(val_obj(args[0]))->cap * 2;
  if (!heap_reserve(worker, HANDLE_WORDS)) return NULL;
  return storage_new(worker, kind, cap > doubled ? cap : doubled);
}

// Copies words to the handle in kept[0], whose length says how far that has come. False if it is interrupted.
static bool take_over(Worker *worker, u64 *args) {
  Obj *array = val_obj(args[0]), *grown = val_obj(work_begun(worker)->kept[0]);
  const Storage *old = handle_storage(array);
  Storage *new = handle_storage(grown);
  u64 each = old->kind == STORAGE_BYTES ? WORK_BYTES : WORK_BYTES / sizeof(u64);
  while (new->len < old->len) {
    u64 at = new->len, part = old->len - at < each ? old->len - at : each, word = words_of(old->kind, at);
    memcpy(new->data + word, old->data + word, words_of(old->kind, part) * sizeof(u64));
    new->len += part;
    storage_wrote(worker, grown, at, part);
    worker->reductions -= (i64)(words_of(old->kind, part) / 8);
    if (new->len < old->len && work_is_over(worker)) return work_pause(worker);
  }
  return true;
}

// The marks of what was written pass to the new block. None are there but those of this slice.
static void marks_pass(Worker *worker, Obj *array, const Storage *old) {
  if (old->kind != STORAGE_VALS || !storage_writes((Storage *)old)->link) return;
  const Writes *writes = storage_writes((Storage *)old);
  for (u64 from = 0; from < old->len; from += CARD_ELEMENTS) {
    u64 card = from / CARD_ELEMENTS, left = old->len - from;
    if (writes->cards[card / 64] >> card % 64 & 1) storage_wrote(worker, array, from, left < CARD_ELEMENTS ? left : CARD_ELEMENTS);
  }
}

static bool grow_large(Worker *worker, u64 *args, StorageKind kind, u64 cap) {
  if (!work_begun(worker)) {
    Storage *storage = larger(worker, args, kind, cap);
    if (!storage) return fault_memory(worker);
    Val grown = build_handle(worker, obj_kind(val_obj(args[0])), storage);
    Work *work = work_record(worker);
    if (!work) {
      handle_drop(worker, val_obj(grown));
      return false;
    }
    work->kept[0] = grown;
    if (worker->puts_aside) sched_shorten(worker, WORK_STEP);
  }
  if (!take_over(worker, args)) return false;
  Obj *array = val_obj(args[0]), *grown = val_obj(work_begun(worker)->kept[0]);
  Storage *old = handle_storage(array);
  array->words[0] = grown->words[0];
  grown->words[0] = (u64)old;
  marks_pass(worker, array, old);
  handle_drop(worker, grown);
  return work_end(worker);
}

bool storage_grow(Worker *worker, u64 *args, StorageKind kind, u64 cap) {
  const Storage *old = handle_storage(val_obj(args[0]));
  bool fits = old && old->cap >= cap, is_large = old && words_of(old->kind, old->len) > WORK_BYTES / sizeof(u64);
  if (!fits && is_large && worker->turn && cap <= STORAGE_LIMIT) return grow_large(worker, args, old->kind, cap);
  return storage_reserve(worker, val_obj(args[0]), kind, cap) || fault_memory(worker);
}
