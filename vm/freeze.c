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
#include "vm/step.h"
#include "vm/state.h"

enum {
  LOG_RATIO = 3,     // words of a heap that most of its objects have at least
  LAY_OUT_COST = 4,  // words of work that finding a place counts as
};

// Whether originals can be remembered: they are the running actor's. A native actor's step has no heap to remember them in.
static bool may_freeze(const Worker *worker) { return worker->actor && !heap_is_native(worker) && !heap_in_guard(worker); }

static Layout layout_begun(const Copier *c) {
  u64 at = shared_start(c->worker->copy_blocks.count);
  return (Layout){.at = at, .end = at};
}

static void lay_out(const Copier *c, u32 i, Layout *layout) {
  u32 words = header_words(c->worker->copy_log[i].header);
  u64 place = shared_place(layout->at, words);
  if (!i) layout->start = place;
  copier_move(c, i, place / 8);
  layout->at = shared_after(place, words);
  layout->end = place + (u64)words * 8;
}

// A bank that holds the block pays for the storage of Bytes in it: each in full.
static void add(const Copier *c, u32 i, SharedBlock *block) {
  CopyEntry entry = c->worker->copy_log[i];
  shared_add(block, (Obj *)((u64 *)block + copier_place(c, i)), header_words(entry.header));
  if (UNLIKELY(header_kind(entry.header) == KIND_BLOB)) block->charge += storage_bytes(handle_storage(entry.obj));
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
  Layout layout = layout_begun(c);
  for (u32 i = 0; i < c->count; i++) lay_out(c, i, &layout);
  SharedBlock *block = shared_new(layout.end, layout.start, &c->worker->copy_blocks);
  if (!block) {
    copier_undo(c);
    return NULL;
  }
  block->counted = c->counted;
  c->worker->frozen++;
  for (u32 i = 0; i < c->count; i++) add(c, i, block);
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

// Its heap holds the block, and knows what stands for the value from now on. The caller's count is given back.
static void keep(Copier *c, Val v, SharedBlock *block, Val copy) {
  Worker *worker = c->worker;
  Heap *heap = heap_get(worker);
  bool held = heap && shares_hold(worker, heap, block);
  if (held && c->family) family_moved(c, heap, block);
  copier_tidy(c);
  if (held && remember(worker, heap, val_obj(v), val_obj(copy))) remember_parts(worker, heap, val_obj(v), val_obj(copy));
  worker->untidy = true;
  shared_release(worker, block);
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
  keep(c, v, block, copy);
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
  bool may_wait = c->worker->may_repeat && !c->worker->turn->at_once && may_freeze(c->worker);
  c->most = may_wait ? FREEZE_AT_ONCE_WORDS : 0;
  c->worker->freeze_due = false;
  if (!copier_measure(c, vals, count)) {
    c->worker->freeze_due = c->exceeded;
    return false;
  }
  c->most = 0;
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

// ---- In steps -------------------------------------------------------------------------------------------------------

// The actor is put aside: its instruction, which will be repeated, still says what it sends. An answer lies in the first register of a
// turn that has ended; that of its code may be no val, so a frame of its own stands for the code meanwhile.
static bool is_answer(const Turn *turn) { return word_op(*turn->pc) == OP_TURN_END; }

Freezing *freezing_new(Worker *worker) {
  Freezing *f = memory_alloc(sizeof *f);
  if (!f) return NULL;
  *f = (Freezing){.steps = {.freezes = true, .slice_left = worker->vm->options.quantum}};
  Turn *turn = worker->turn;
  if (!is_answer(turn)) return f;
  u64 *fp = turn_registers(turn);
  f->answered = (const Code *)fp[FRAME_CODE];
  f->frame = *f->answered;
  f->frame_map[0] = 1;
  f->frame.val_map = f->frame_map;
  f->frame.register_count = 1;
  fp[FRAME_CODE] = (u64)&f->frame;
  return f;
}

static void freezing_free(Freezing *f) {
  memory_free(f->log, f->capacity * sizeof(CopyEntry));
  address_clear(&f->blocks);
  address_clear(&f->places);
  memory_free(f, sizeof *f);
}

// The frame's other registers were no roots meanwhile.
static void answer_restore(u64 *fp, const Code *code) {
  fp[FRAME_CODE] = (u64)code;
  for (u32 i = 1; i < code->register_count; i++) {
    if (code->val_map[i / 64] >> i % 64 & 1) fp[i] = VAL_EMPTY;
  }
}

void freezing_forget(Worker *worker, Freezing *f) {
  if (!f) return;
  if (f->answered) answer_restore(turn_registers(worker->turn), f->answered);
  freezing_free(f);
}

// Once is enough: what could not be frozen is copied at once.
static void freezing_end(Actor *actor, Freezing *f) {
  Turn *turn = actor->turn;
  if (f->answered) answer_restore(turn_registers(turn), f->answered);
  turn->at_once = true;
  freezing_free(f);
}

// The log is reserved as long as it may become: growing would copy it.
void freezing_attach(Worker *worker, Actor *actor, Freezing *f) {
  Heap *heap = actor->heap;
  u64 most = heap ? heap->live_words / LOG_RATIO : 0;
  if (!heap) {
    freezing_end(actor, f);
    return;
  }
  if (most > UINT32_MAX / 2) most = UINT32_MAX / 2;
  f->log = most ? memory_alloc(most * sizeof(CopyEntry)) : NULL;
  f->capacity = f->log ? (u32)most : 0;
  heap->steps = &f->steps;
  actor->collecting = true;
}

static void swap_logs(Worker *worker, Freezing *f) {
  struct CopyEntry *log = worker->copy_log;
  u32 capacity = worker->copy_capacity;
  AddressMap blocks = worker->copy_blocks, places = worker->copy_places;
  worker->copy_log = f->log;
  worker->copy_capacity = f->capacity;
  worker->copy_blocks = f->blocks;
  worker->copy_places = f->places;
  f->log = log;
  f->capacity = capacity;
  f->blocks = blocks;
  f->places = places;
}

static void go_to(Freezing *f, FreezePhase phase) {
  f->phase = phase;
  f->c.next = 0;
  f->c.slot = 0;
}

static void undo(Freezing *f, bool again) {
  f->again = again;
  go_to(f, FREEZE_UNDO);
}

static void measure_from(Freezing *f, Val v, const SharedBlock *family) {
  f->c = (Copier){.worker = f->c.worker, .family = family};
  f->phase = FREEZE_MEASURE;
  if (!copier_begin(&f->c, &v, 1)) undo(f, false);
}

// What is measured is frozen if it is large, as freeze() does it.
static void measured(Freezing *f) {
  Copier *c = &f->c;
  if (c->words <= SHARE_WORDS || c->words > UINT32_MAX || c->handles) {
    undo(f, false);
    return;
  }
  SharedBlock *family = c->family ? NULL : overgrown(&c->worker->copy_blocks, c->words);
  if (family) {
    family->family_limit = 2 * family->family_bytes;
    f->grown = family;
    undo(f, true);
    return;
  }
  f->layout = layout_begun(c);
  go_to(f, FREEZE_LAY_OUT);
}

static void laid_out(Freezing *f) {
  Copier *c = &f->c;
  f->block = shared_new(f->layout.end, f->layout.start, &c->worker->copy_blocks);
  if (!f->block) {
    undo(f, false);
    return;
  }
  f->block->counted = c->counted;
  c->worker->frozen++;
  go_to(f, FREEZE_FILL);
}

static void filled(Freezing *f, Val v) {
  f->copy = copier_copy_of(&f->c, (u64 *)f->block, v);
  f->c.worker->copied += f->c.words * 8;
  go_to(f, FREEZE_RESTORE);
}

static void restored(Freezing *f, Val v) {
  SharedBlock *block = f->block;
  f->block = NULL;
  if (WALKING) shared_seal(block);
  keep(&f->c, v, block, f->copy);
  f->index++;
  f->phase = FREEZE_NEXT;
}

static void undone(Freezing *f, Val v) {
  copier_tidy(&f->c);
  if (f->again) {
    measure_from(f, v, f->grown);
    return;
  }
  f->index++;
  f->phase = FREEZE_NEXT;
}

// All of the log is done.
static bool at_end(const Freezing *f) { return f->c.next == f->c.count; }

static void advance(Freezing *f, Val v, i64 *left) {
  Copier *c = &f->c;
  u64 *to = (u64 *)f->block;
  switch (f->phase) {
    case FREEZE_NEXT: measure_from(f, v, NULL); break;
    case FREEZE_MEASURE:
      if (!copier_measure_some(c, left)) undo(f, false);
      else if (at_end(f)) measured(f);
      break;
    case FREEZE_LAY_OUT:
      for (; !at_end(f) && *left > 0; *left -= LAY_OUT_COST) lay_out(c, c->next++, &f->layout);
      if (at_end(f)) laid_out(f);
      break;
    case FREEZE_FILL: {
      u32 from = c->next;
      copier_fill_some(c, to, OBJ_SHARED, left);
      for (u32 i = from; i < c->next; i++) add(c, i, f->block);
      if (at_end(f)) filled(f, v);
      break;
    }
    case FREEZE_RESTORE:
      copier_restore_some(c, to, left);
      if (at_end(f)) restored(f, v);
      break;
    case FREEZE_UNDO:
      copier_restore_some(c, NULL, left);
      if (at_end(f)) undone(f, v);
      break;
    case FREEZE_DONE: break;
  }
}

bool freezing_step(Worker *worker, Actor *actor, i64 *left) {
  Freezing *f = (Freezing *)actor->heap->steps;
  Val values[LIMIT_PARAMS];
  u32 count = step_sent(actor->turn, values);
  f->c.worker = worker;
  swap_logs(worker, f);
  while (*left > 0 && f->phase != FREEZE_DONE) {
    if (f->phase == FREEZE_NEXT && f->index == count) f->phase = FREEZE_DONE;
    else advance(f, values[f->index], left);
    --*left;
  }
  swap_logs(worker, f);
  if (f->phase != FREEZE_DONE) return false;
  actor->heap->steps = NULL;
  freezing_end(actor, f);
  return true;
}

// Headers are put back. A block whose copies have begun to take counts is finished, another one freed as it is.
bool freezing_abandon(Worker *worker, Heap *heap, i64 *left) {
  Freezing *f = (Freezing *)heap->steps;
  bool whole = f->phase == FREEZE_RESTORE, idle = f->phase == FREEZE_NEXT;
  if (!whole && !idle && f->phase != FREEZE_UNDO) undo(f, false);
  f->c.worker = worker;
  swap_logs(worker, f);
  if (!idle) copier_restore_some(&f->c, whole ? (u64 *)f->block : NULL, left);
  swap_logs(worker, f);
  if (!idle && !at_end(f)) return false;
  if (whole && WALKING) shared_seal(f->block);
  if (whole) shared_release(worker, f->block);
  else if (f->block) shared_free(worker, f->block);
  heap->steps = NULL;
  freezing_free(f);
  return true;
}
