// The collector: copying, Cheney's way. docs/memory.md argues for it and numbers its invariants.
//
// Both collections work alike: roots are moved first; what was moved and not yet scanned lies between a scan position
// and the fill position of a list of chunks, so there is no mark stack and no recursion. All that a collection knows
// stands in its Collector, and scanning can stop between any two objects: that is what collecting in steps will need.
//
// A minor collection moves from the nursery and the message's fragment behind the actor's own heap. Objects are
// immutable, so nothing old points to anything young but the elements of arrays; of those the marked cards are roots
// (storage.h). A major one moves the whole heap to new chunks.
#include "vm/engine.h"
#include "vm/gc.h"

typedef struct Collector {
  Worker *worker;
  Heap *heap;           // NULL until the first survivor of an actor that has none
  const u64 *fragment;  // minor: young too; major: of a guard, left alone
  u64 fragment_bytes;
  bool failed;          // memory ran out: nothing more is moved
  Chunk *first;         // to-space, oldest first …
  Chunk *fill;          // … to the one being filled
  Chunk *scan;          // what is before scan->words[scan_at] is done
  u32 scan_at;
  u64 moved;            // words, large objects included
  u64 outside;          // words of storage behind Bytes that were moved
  u64 base;             // words that the heap holds besides
  u64 frame_words;      // of the frames visited
} Collector;

enum {
  CHUNK_MIN_BYTES = 128,
  CHUNK_MAX_BYTES = 512 * 1024,
  THRESHOLD_MIN = 128,  // words: what an actor's heap may hold before its first collection
  CONS_WORDS = 3,
  NOT_MOVED = OBJ_IMMORTAL | OBJ_LARGE | OBJ_SHARED,
  MARKED = OBJ_LARGE | OBJ_SHARED | OBJ_FROZEN,
};

#define CONS_HEADER OBJ_HEADER(KIND_CONS, 0, 0)

// ---- Chunks ---------------------------------------------------------------------------------------------------------

u32 chunk_capacity(u64 words, u32 needed) {
  u64 bytes = CHUNK_MIN_BYTES;
  while (bytes < CHUNK_MAX_BYTES && bytes < words * 8) bytes *= 2;
  u32 capacity = (u32)((bytes - sizeof(Chunk)) / 8);
  return capacity < needed ? needed : capacity;
}

Chunk *chunk_new(u32 capacity) {
  Chunk *chunk = memory_alloc(chunk_bytes(capacity));
  if (!chunk) return NULL;
  chunk->next = NULL;
  chunk->capacity = capacity;
  chunk->used = 0;
  chunk->counted = chunk->paid = false;
  chunk->payer = NULL;
  return chunk;
}

Heap *heap_get(Worker *worker) {
  Heap **place = heap_place(worker);
  if (*place) return *place;
  Heap *heap = memory_alloc(sizeof *heap);
  if (heap) *heap = (Heap){.threshold = THRESHOLD_MIN, .payer = worker->account->bank, .bytes = sizeof *heap};
  return *place = heap;
}

static Obj *to_space(Collector *c, u32 words) {
  Chunk *fill = c->fill;
  if (UNLIKELY(!fill || fill->capacity - fill->used < words)) {
    if (!c->heap) c->heap = heap_get(c->worker);
    fill = c->heap ? chunk_new(chunk_capacity(c->base + c->moved, words)) : NULL;
    if (!fill) {
      c->failed = true;
      return NULL;
    }
    fill->payer = c->heap->payer;
    c->heap->bytes += chunk_bytes(fill->capacity);
    if (c->fill) c->fill->next = fill;
    else c->first = c->scan = fill;
    c->fill = fill;
  }
  Obj *obj = (Obj *)(fill->words + fill->used);
  fill->used += words;
  return obj;
}

// ---- Moving ---------------------------------------------------------------------------------------------------------

// A big string that came inline, in a message or a promise's value, gets the block of its own that it has in a heap.
static Obj *to_large(Collector *c, u32 words) {
  if (!c->heap) c->heap = heap_get(c->worker);
  LargeObj *large = c->heap ? memory_alloc(large_bytes(words)) : NULL;
  if (!large) {
    c->failed = true;
    return NULL;
  }
  *large = (LargeObj){.next = c->heap->large, .marked = true, .words = words};
  c->heap->large = large;
  c->heap->bytes += large_bytes(words);
  return &large->obj;
}

// A loop that stays one: objects are small, and a call of memmove() would cost more than it copies.
static inline void copy_words(u64 *to, const u64 *from, u32 count) {
  for (u32 i = 0; i < count; i++) {
    u64 word = from[i];
    __asm__("" : "+r"(word));
    to[i] = word;
  }
}

// The copy in a shared block that takes an original's place; NULL if there is none.
static Obj *thaw(Collector *c, Obj *obj) {
  Obj *copy = shares_frozen(c->heap, obj);
  if (!copy) return NULL;
  obj->header = (u64)copy;
  shares_met(c->worker, c->heap, shared_block(copy));
  return copy;
}

// Gives the new place of an object that is not immortal, large, or moved already; the old one where memory is out.
static Obj *move(Collector *c, Obj *obj, u64 header) {
  if (UNLIKELY(header_flags(header) & OBJ_FROZEN)) {
    Obj *shared = thaw(c, obj);
    if (shared) return shared;
  }
  u32 words = header_words(header);
  Kind kind = header_kind(header);
  bool large = words >= HEAP_LARGE_WORDS && (kind == KIND_STRING || kind == KIND_BYTES);
  Obj *copy = UNLIKELY(large) ? to_large(c, words) : to_space(c, words);
  if (UNLIKELY(!copy)) return obj;
  copy->header = large ? header_with(header, OBJ_LARGE) : header;
  if (large) memcpy(copy->words, obj->words, (size_t)(words - 1) * 8);
  else copy_words(copy->words, obj->words, words - 1);
  if (header_is_counted(header)) {
    c->fill->counted = true;
    if (kind == KIND_BLOB) c->outside += storage_words(handle_storage(copy));
  }
  obj->header = (u64)copy;
  c->moved += words;
  return copy;
}

// The same for a list cell, of which most heaps have more than of anything else.
static inline Obj *move_cons(Collector *c, Obj *obj) {
  Chunk *fill = c->fill;
  if (UNLIKELY(!fill || fill->capacity - fill->used < CONS_WORDS)) return move(c, obj, CONS_HEADER);
  Obj *copy = (Obj *)(fill->words + fill->used);
  fill->used += CONS_WORDS;
  c->moved += CONS_WORDS;
  copy->header = CONS_HEADER;
  copy->words[0] = obj->words[0];
  copy->words[1] = obj->words[1];
  obj->header = (u64)copy;
  return copy;
}

static inline Obj *move_any(Collector *c, Obj *obj, u64 header) {
  return header == CONS_HEADER ? move_cons(c, obj) : move(c, obj, header);
}

static __attribute__((noinline)) void minor_large(Collector *c, Val *slot, Obj *obj) {
  u64 header = obj->header;
  Obj *shared = header_is_forward(header) ? (Obj *)header : NULL;
  if (!shared) {
    if (!(header_flags(header) & OBJ_LARGE) || !large_of(obj)->young) return;
    shared = header_flags(header) & OBJ_FROZEN ? thaw(c, obj) : NULL;
    if (!shared) large_of(obj)->marked = true;
  }
  if (shared) *slot = obj_val(shared);
}

static inline void minor_slot(Collector *c, Val *slot) {
  if (!val_is_pointer(*slot)) return;
  Obj *obj = val_obj(*slot);
  if (within(obj, c->worker->nursery, NURSERY_WORDS * 8) || within(obj, c->fragment, c->fragment_bytes)) {
    u64 header = obj->header;
    *slot = header_is_forward(header) ? header : obj_val(move_any(c, obj, header));
  } else if (UNLIKELY(c->worker->young_large != NULL)) {
    minor_large(c, slot, obj);
  }
}

// Of a pointer to an object that has one of these flags. True if that is all.
static __attribute__((noinline)) bool major_marked(Collector *c, Val *slot, Obj *obj, u8 flags) {
  if (flags & OBJ_SHARED) {
    obj = shares_moved(c->heap, obj);
    shares_met(c->worker, c->heap, shared_block(obj));
    *slot = obj_val(obj);
    return true;
  }
  Obj *shared = flags & OBJ_FROZEN && !c->failed ? thaw(c, obj) : NULL;
  if (shared) {
    *slot = obj_val(shared);
    return true;
  }
  if (flags & OBJ_LARGE) large_of(obj)->marked = true;
  return flags & OBJ_LARGE;
}

static inline void major_slot(Collector *c, Val *slot) {
  if (!val_is_pointer(*slot)) return;
  Obj *obj = val_obj(*slot);
  u64 header = obj->header;
  if (header_is_forward(header)) {
    *slot = header;
    return;
  }
  u8 flags = header_flags(header);
  if (UNLIKELY(flags & MARKED) && major_marked(c, slot, obj, flags)) return;
  if (flags & NOT_MOVED || c->failed || within(obj, c->fragment, c->fragment_bytes)) return;
  *slot = obj_val(move_any(c, obj, header));
}

static void minor_visit(void *context, Val *slot) { minor_slot(context, slot); }
static void major_visit(void *context, Val *slot) { major_slot(context, slot); }

static inline void object_slots(Collector *c, Obj *obj, const bool major) {
  Vals vals = obj_vals(obj, obj->header);
  for (u64 i = 0; i < vals.count; i++) {
    if (vals.raw && vals.raw[i]) continue;
    if (major) major_slot(c, &vals.words[i]);
    else minor_slot(c, &vals.words[i]);
  }
}

static inline __attribute__((always_inline)) void scan(Collector *c, const bool major) {
  while (c->scan) {
    while (c->scan_at < c->scan->used) {
      Obj *obj = (Obj *)(c->scan->words + c->scan_at);
      if (obj->header == CONS_HEADER) {
        if (major) major_slot(c, &obj->words[0]), major_slot(c, &obj->words[1]);
        else minor_slot(c, &obj->words[0]), minor_slot(c, &obj->words[1]);
        c->scan_at += CONS_WORDS;
      } else {
        object_slots(c, obj, major);
        c->scan_at += header_words(obj->header);
      }
      if (!major && UNLIKELY(c->failed)) return;
    }
    if (c->scan == c->fill) return;
    c->scan = c->scan->next;
    c->scan_at = 0;
  }
}

// ---- Roots ----------------------------------------------------------------------------------------------------------

void state_each(Actor *actor, SlotVisit visit, void *context) {
  if (!actor || actor->class->step) return;
  const Class *class = actor->class;
  for (u32 i = 0; i < class->field_count; i++) {
    if (!class->raw_fields[i]) visit(context, &actor->fields[i]);
  }
}

typedef struct FrameWalk {
  Collector *collector;
  bool major;
} FrameWalk;

static bool frame_roots(void *context, const FrameView *frame) {
  FrameWalk *walk = context;
  if (!walk->major && frame->below) return false;
  const Code *code = frame->code;
  walk->collector->frame_words += code->frame_words;
  for (u32 base = 0; base < code->register_count; base += 64) {
    for (u64 bits = code->val_map[base / 64]; bits; bits &= bits - 1) {
      Val *slot = &frame->registers[base + (u32)__builtin_ctzll(bits)];
      if (walk->major) major_slot(walk->collector, slot);
      else minor_slot(walk->collector, slot);
    }
  }
  return true;
}

static void move_roots(Collector *c, bool major, bool frames) {
  state_each(c->worker->actor, major ? major_visit : minor_visit, c);
  FrameWalk walk = {c, major};
  if (frames && c->worker->turn) frames_each(c->worker, c->worker->turn, frame_roots, &walk);
}

// The elements that were written since the last collection, a card at a time.
static void written_roots(Collector *c) {
  for (Storage *storage = c->worker->written; storage; storage = storage_writes(storage)->next) {
    for (u64 base = 0; base < storage->len; base += CARD_WORD_ELEMENTS) {
      for (u64 cards = storage_writes(storage)->cards[base / CARD_WORD_ELEMENTS]; cards; cards &= cards - 1) {
        u64 from = base + (u64)__builtin_ctzll(cards) * CARD_ELEMENTS, until = from + CARD_ELEMENTS;
        if (until > storage->len) until = storage->len;
        for (u64 i = from; i < until; i++) minor_slot(c, &storage->data[i]);
      }
    }
  }
}

// ---- Minor ----------------------------------------------------------------------------------------------------------

// Survivors among the large objects of the turn are the heap's from now on; the others stay in the worker's list.
static void keep_young_large(Collector *c) {
  for (LargeObj **link = &c->worker->young_large, *large; (large = *link);) {
    if (!large->marked) {
      link = &large->next;
      continue;
    }
    if (!c->heap && !(c->heap = heap_get(c->worker))) {
      c->failed = true;
      return;
    }
    *link = large->next;
    large->young = large->marked = false;
    large->next = c->heap->large;
    c->heap->large = large;
    c->heap->bytes += large_bytes(large->words);
    c->moved += large->words;
  }
}

// The to-space, oldest first, becomes the head of the heap's chunks, newest first.
static void link_chunks(Collector *c, Chunk *rest) {
  Chunk *chunk = c->first;
  while (chunk) {
    Chunk *next = chunk->next;
    chunk->next = rest;
    rest = chunk;
    chunk = next;
  }
  if (c->heap) c->heap->chunks = rest;
}

// What the message brought of shared blocks may be pointed to from now on: the next major collection looks closer.
static void take_shared(Collector *c) {
  if (!c->fragment || !c->worker->turn->message->shared) return;
  if (!c->heap) c->heap = heap_get(c->worker);
  c->failed = !c->heap || !shares_take(c->worker, c->heap, (u64 *)c->fragment, c->fragment_bytes / 8);
}

bool gc_minor(Worker *worker, bool frames) {
  Collector c = {.worker = worker, .heap = *heap_place(worker)};
  Fragment fragment = young_fragment(worker);
  c.fragment = fragment.words;
  c.fragment_bytes = fragment.bytes;
  Chunk *rest = NULL;
  if (c.heap) {
    c.base = c.heap->live_words;
    Chunk *fill = c.heap->chunks;
    if (fill) {
      rest = fill->next;
      fill->next = NULL;
      c.first = c.fill = c.scan = fill;
      c.scan_at = fill->used;
    }
  }
  LargeObj *old_large = c.heap ? c.heap->large : NULL;
  take_shared(&c);
  move_roots(&c, false, frames);
  written_roots(&c);
  scan(&c, false);
  if (c.heap) {
    for (LargeObj *large = c.heap->large; large != old_large; large = large->next) large->marked = false;
  }
  if (!c.failed) keep_young_large(&c);
  link_chunks(&c, rest);
  if (c.heap) {
    c.heap->live_words += c.moved;
    c.heap->outside_words += c.outside;
    c.heap->guard_garbage |= c.moved && heap_in_guard(worker);
  }
  return !c.failed;
}

// ---- Major ----------------------------------------------------------------------------------------------------------

static void sweep_large(Collector *c) {
  for (LargeObj **link = &c->heap->large, *large; (large = *link);) {
    if (large->marked) {
      large->marked = false;
      c->heap->live_words += large->words;
      link = &large->next;
    } else {
      *link = large->next;
      c->heap->bytes -= large_bytes(large->words);
      memory_free(large, large_bytes(large->words));
    }
  }
}

// Memory ran out in the middle: what was not moved stays where it is. Its slots are brought up to date, and the husks
// of what was moved become filler, so that the chunk can be walked. Nothing is lost but the room that was to be won.
static void keep_chunk(Collector *c, Chunk *chunk) {
  for (u32 at = 0; at < chunk->used;) {
    Obj *obj = (Obj *)(chunk->words + at);
    if (header_is_forward(obj->header)) {
      u32 words = header_words(((Obj *)obj->header)->header);
      obj->header = OBJ_HEADER(KIND_BYTES, 0, (words - 1) * 8);
    } else {
      object_slots(c, obj, true);
    }
    at += header_words(obj->header);
  }
}

static void free_chunk(Worker *worker, Heap *heap, Chunk *chunk) {
  if (chunk->counted) counts_release_moved(worker, chunk->words, chunk->used, chunk->payer);
  heap->bytes -= chunk_bytes(chunk->capacity);
  memory_free(chunk, chunk_bytes(chunk->capacity));
}

u64 chunk_outside(const Chunk *chunk) {
  u64 outside = 0;
  for (u32 at = 0; chunk->counted && at < chunk->used;) {
    const Obj *obj = (const Obj *)(chunk->words + at);
    if (obj_kind(obj) == KIND_BLOB) outside += storage_words(handle_storage(obj));
    at += header_words(obj->header);
  }
  return outside;
}

static u64 chunks_used(const Chunk *chunk) {
  u64 used = 0;
  for (; chunk; chunk = chunk->next) used += chunk->used;
  return used;
}

void gc_major(Worker *worker, bool frames) {
  Heap *heap = *heap_place(worker);
  if (!heap) return;
  Collector c = {.worker = worker, .heap = heap};
  if (heap_in_guard(worker) && worker->turn && worker->turn->message) {
    c.fragment = (u64 *)worker->turn->message;
    c.fragment_bytes = worker->turn->message->bytes;
  }
  Chunk *from = heap->chunks;
  heap->chunks = NULL;
  shares_begin(heap);
  move_roots(&c, true, frames);
  scan(&c, true);
  Chunk *kept = NULL;
  if (c.failed) {
    for (Chunk *chunk = from; chunk; chunk = chunk->next) keep_chunk(&c, chunk);
    shares_left(worker, heap);
    kept = from;
    from = NULL;
  }
  link_chunks(&c, kept);
  heap->live_words = chunks_used(heap->chunks);
  sweep_large(&c);
  heap->outside_words = c.outside;
  for (Chunk *chunk = kept; chunk; chunk = chunk->next) heap->outside_words += chunk_outside(chunk);
  heap->threshold = 2 * (heap->live_words + heap->outside_words) + c.frame_words;
  if (heap->threshold < THRESHOLD_MIN) heap->threshold = THRESHOLD_MIN;
  if (!c.failed && !(frames && heap_in_guard(worker))) heap->guard_garbage = false;
  while (from) {
    Chunk *next = from->next;
    free_chunk(worker, heap, from);
    from = next;
  }
  shares_end(worker, heap, c.failed);
}
