// Freezing: what an actor gives away in a message or an answer, and is large, is copied into a shared block instead. Then any number
// of messages, heaps and promises hold the one copy, and sending it again costs a pointer.
//
// The original stays where it is, for pointers to it are everywhere. But it gets the flag OBJ_FROZEN, and its heap remembers what it
// was frozen to: the next copy takes that, and the next collection puts it in the original's place. So do the parts of a tuple or of
// data, for they are often sent again with something else: a list beside a number.
//
// A graph that points into blocks already is frozen without them: a list of which half is shared adds the other half. Were that all,
// an actor that changes a map again and again, and sends it each time, would keep every version, each holding on to all those before
// it. So blocks form families, and where a family has doubled since it was last one block, what is reached in it is copied again,
// which costs as much as the growth did.
#include "vm/copy.h"
#include "vm/life.h"

// Whether originals can be remembered: they are the running actor's. A native actor's step has no heap to remember them in.
static bool may_freeze(const Worker *worker) { return worker->actor && !heap_is_native(worker) && !heap_in_guard(worker); }

// Gives each copy its place in the block. Returns the block's size.
static u64 lay_out(const Copier *c, u64 *start) {
  u64 at = shared_start(c->worker->copy_blocks.count), end = at;
  for (u32 i = 0; i < c->count; i++) {
    u32 words = header_words(c->worker->copy_log[i].header);
    u64 place = shared_place(at, words);
    if (!i) *start = place;
    copier_move(c, i, place / 8);
    at = shared_after(place, words);
    end = place + (u64)words * 8;
  }
  return end;
}

// Of the running actor's own.
static bool remember(Worker *worker, Heap *heap, Obj *original, Obj *copy) {
  u64 header = original->header;
  if (header_flags(header) & (OBJ_IMMORTAL | OBJ_SHARED) || header_is_counted(header)) return true;
  if (kind_scan(header_kind(header)) == SCAN_NONE && header_words(header) < SHARE_WORDS) return true;
  bool young = heap_is_young(worker, original);
  if (!shares_remember(heap, original, copy, young)) return false;
  original->header = header_with(header, OBJ_FROZEN);
  if (young) worker->young_frozen = worker->untidy = true;
  return true;
}

static void remember_parts(Worker *worker, Heap *heap, Obj *original, Obj *copy) {
  Kind kind = obj_kind(original);
  if (kind != KIND_TUPLE && kind != KIND_DATA) return;
  Vals from = obj_vals(original, original->header), to = obj_vals(copy, copy->header);
  for (u64 i = 0; i < from.count; i++) {
    if ((from.raw && from.raw[i]) || !val_is_pointer(from.words[i])) continue;
    // What there is no memory for will be copied again.
    if (!remember(worker, heap, val_obj(from.words[i]), val_obj(to.words[i]))) return;
  }
}

// Whether a block that points into these would make its family too large.
static SharedBlock *overgrown(const AddressMap *older, u64 words) {
  SharedBlock *parent = shared_parent(older);
  if (!parent) return NULL;
  SharedBlock *family = parent->family;
  return family->family_bytes + words * 8 > family->family_limit ? family : NULL;
}

// Where the objects of the family are now. The heap's pointers to them follow at its next collection: else what it makes of them
// later would keep the family for ever.
static void family_moved(Copier *c, Heap *heap, SharedBlock *block) {
  AddressMap *places = &c->worker->copy_places;
  for (u32 i = 0; i < places->capacity; i++) {
    if (places->pairs[i].key) places->pairs[i].value = (u64)((u64 *)block + marker_offset(places->pairs[i].value));
  }
  shares_move(heap, places);
}

// What is measured, `v`, in a block of its own, which the caller holds. NULL when memory is out.
static SharedBlock *block_of(Copier *c, Val v, Val *copy) {
  u64 start = 0, size = lay_out(c, &start);
  SharedBlock *block = shared_new(size, start, &c->worker->copy_blocks);
  if (!block) {
    copier_undo(c);
    return NULL;
  }
  block->counted = c->counted;
  block->charge += copier_bytes_held(c);
  c->worker->frozen++;
  for (u32 i = 0; i < c->count; i++) {
    shared_add(block, (Obj *)((u64 *)block + copier_place(c, i)), header_words(c->worker->copy_log[i].header));
  }
  copier_fill(c, (u64 *)block, &v, 1, copy, OBJ_SHARED);
  if (WALKING) shared_seal(block);
  return block;
}

// Measured again, with what lies in the blocks of the family. It may double before that happens again.
static bool measure_family(Copier *c, Val v, SharedBlock *family) {
  copier_undo(c);
  family->family_limit = 2 * family->family_bytes;
  c->family = family;
  return copier_measure(c, &v, 1);
}

// Freezes what is measured, `v`, if it is large. If there is no memory for that, it is as it was, and can be copied.
static void freeze(Copier *c, Val v) {
  Worker *worker = c->worker;
  if (c->words <= SHARE_WORDS || c->handles) {
    copier_undo(c);
    return;
  }
  SharedBlock *family = overgrown(&worker->copy_blocks, c->words);
  if (family && !measure_family(c, v, family)) return;
  Val copy;
  SharedBlock *block = block_of(c, v, &copy);
  if (!block) return;
  Heap *heap = heap_get(worker);
  bool held = heap && shares_hold(worker, heap, block);
  if (held && c->family) family_moved(c, heap, block);
  copier_tidy(c);
  if (held && remember(worker, heap, val_obj(v), val_obj(copy))) remember_parts(worker, heap, val_obj(v), val_obj(copy));
  worker->untidy = true;
  shared_release(worker, block);
}

static void measure_and_freeze(Worker *worker, Val v) {
  Copier c = {.worker = worker};
  if (copier_measure(&c, &v, 1)) freeze(&c, v);
}

// The plain parts of a unique tuple or data value.
static void freeze_parts(Worker *worker, Val v) {
  if (!val_is_kind(v, KIND_TUPLE) && !val_is_kind(v, KIND_DATA)) return;
  Vals parts = obj_vals(val_obj(v), val_obj(v)->header);
  for (u64 i = 0; i < parts.count; i++) {
    if (!parts.raw || !parts.raw[i]) measure_and_freeze(worker, parts.words[i]);
  }
}

bool copier_measure_sent(Copier *c, const Val *vals, u32 count) {
  if (!copier_measure(c, vals, count)) return false;
  if (LIKELY(c->words <= SHARE_WORDS) || !may_freeze(c->worker)) return true;
  bool handles = c->handles;
  if (count == 1 && !handles) {
    freeze(c, vals[0]);
  } else {
    copier_undo(c);
    for (u32 i = 0; i < count; i++) {
      measure_and_freeze(c->worker, vals[i]);
      if (handles) freeze_parts(c->worker, vals[i]);
    }
  }
  c->family = NULL;
  return copier_measure(c, vals, count);
}
