// The collector: copying, Cheney's way. docs/memory.md argues for it and numbers its invariants.
//
// Both collections work alike: roots are moved first; what was moved and not yet scanned lies between a scan position
// and the fill position of a list of chunks, so there is no mark stack and no recursion. All that a collection knows
// stands in its Collector, and scanning can stop between any two objects: so a large heap is collected in steps, between which
// its worker runs other actors (collect.c).
//
// A minor collection moves from the nursery and the message's fragment behind the actor's own heap. Objects are
// immutable, so nothing old points to anything young but the elements of arrays; of those the marked cards are roots
// (storage.h). A major one moves the whole heap to new chunks.
#include "vm/collect.h"
#include "vm/engine.h"
#include "vm/work.h"

enum {
  CHUNK_MIN_BYTES = 128,
  CHUNK_MAX_BYTES = 512 * 1024,
  THRESHOLD_MIN = 128,  // words: what an actor's heap may hold before its first collection
  CONS_WORDS = 3,
  OBJECT_COST = 64,     // words of work that looking at a large object counts as
  FRAMES_PART = 64,     // frames between two looks at the budget
  NOT_MOVED = OBJ_IMMORTAL | OBJ_LARGE | OBJ_SHARED,
  MARKED = OBJ_LARGE | OBJ_SHARED | OBJ_FROZEN,
};

static const i64 NO_LIMIT = INT64_MAX / 4;

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
    u32 capacity = chunk_capacity(c->base + c->moved, words);
    fill = c->heap ? chunk_new(capacity) : NULL;
    if (UNLIKELY(!fill) && c->heap && release_for_room(c->worker)) fill = chunk_new(capacity);
    if (!fill) {
      c->failed = true;
      return NULL;
    }
    fill->payer = c->heap->payer;
    c->heap->bytes += chunk_bytes(fill->capacity);
    if (c->fill) c->fill->next = fill;
    else c->scan = fill;
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
  c->enlarged += words;
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
    if (kind == KIND_ARRAY) c->elements += obj_vals(copy, header).count;
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

enum { ARRAY_PART = 1024 };  // elements of an array that are scanned between two looks at the budget

// A part of an array's elements. True if it was the last one.
static bool array_slots(Collector *c, Obj *obj, i64 *pause) {
  Vals vals = obj_vals(obj, obj->header);
  u64 until = vals.count - c->slot_at < ARRAY_PART ? vals.count : c->slot_at + ARRAY_PART;
  *pause -= (i64)(until - c->slot_at);
  for (u64 i = c->slot_at; i < until; i++) major_slot(c, &vals.words[i]);
  c->slot_at = until < vals.count ? until : 0;
  if (c->slot_at) return false;
  return true;
}

// Until all is scanned, or the words that were scanned and moved are more than *left. True if all is.
static inline __attribute__((always_inline)) bool scan(Collector *c, const bool major, i64 *left) {
  i64 pause = *left + (i64)(c->scan_at + c->moved);
  while (c->scan) {
    while (c->scan_at < c->scan->used) {
      Obj *obj = (Obj *)(c->scan->words + c->scan_at);
      if (obj->header == CONS_HEADER) {
        if (major) major_slot(c, &obj->words[0]), major_slot(c, &obj->words[1]);
        else minor_slot(c, &obj->words[0]), minor_slot(c, &obj->words[1]);
        c->scan_at += CONS_WORDS;
      } else if (major && header_kind(obj->header) == KIND_ARRAY) {
        if (array_slots(c, obj, &pause)) c->scan_at += header_words(obj->header);
      } else {
        object_slots(c, obj, major);
        c->scan_at += header_words(obj->header);
      }
      if (!major && UNLIKELY(c->failed)) return false;
      if (major && UNLIKELY((i64)(c->scan_at + c->moved) > pause)) {
        *left = -1;
        return false;
      }
    }
    if (c->scan == c->fill) break;
    Chunk *next = c->scan->next;
    c->scan->next = c->done;
    c->done = c->scan;
    pause -= c->scan_at;
    c->scan = next;
    c->scan_at = 0;
  }
  if (major) *left = pause - (i64)(c->scan_at + c->moved);
  return true;
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

// A minor collection's.
static void move_roots(Collector *c, bool frames) {
  state_each(c->worker->actor, minor_visit, c);
  FrameWalk walk = {c, false};
  if (!frames || !c->worker->turn) return;
  work_each(c->worker->turn, minor_visit, c);
  frames_each(c->worker, c->worker->turn, frame_roots, &walk);
}

// The elements that were written since the last collection, a card at a time.
static void written_roots(Collector *c) {
  for (Storage *storage = c->worker->written; storage; storage = storage_writes(storage)->next) {
    if (storage->len > c->elements) c->elements = storage->len;
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

static u32 clamped(u64 n) { return n < UINT32_MAX ? (u32)n : UINT32_MAX; }

// The to-space becomes the heap's, the chunk being filled in front.
static void link_chunks(Collector *c) {
  Chunk *chunks = c->done;
  for (Chunk *chunk = c->scan, *next; chunk; chunk = next) {
    next = chunk->next;
    chunk->next = chunks;
    chunks = chunk;
  }
  c->done = c->scan = c->fill = NULL;
  if (c->heap) c->heap->chunks = chunks;
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
  if (c.heap) {
    c.base = c.heap->live_words;
    c.elements = c.heap->elements;
    Chunk *fill = c.heap->chunks;
    if (fill) {
      c.done = fill->next;
      fill->next = NULL;
      c.fill = c.scan = fill;
      c.scan_at = fill->used;
    }
  }
  LargeObj *old_large = c.heap ? c.heap->large : NULL;
  take_shared(&c);
  move_roots(&c, frames);
  written_roots(&c);
  i64 unlimited = NO_LIMIT;
  (void)scan(&c, false, &unlimited);
  if (c.heap) {
    for (LargeObj *large = c.heap->large; large != old_large; large = large->next) large->marked = false;
  }
  if (!c.failed) keep_young_large(&c);
  link_chunks(&c);
  if (c.heap) {
    c.heap->live_words += c.moved;
    c.heap->elements = clamped(c.elements);
    c.heap->outside_words += c.outside;
    c.heap->guard_garbage |= c.moved && heap_in_guard(worker);
  }
  return !c.failed;
}

// ---- Major ----------------------------------------------------------------------------------------------------------

static bool sweep_large(Collection *m) {
  Heap *heap = m->c.heap;
  for (LargeObj *large; m->left > 0 && (large = *m->link);) {
    m->left -= OBJECT_COST;
    if (large->marked) {
      large->marked = false;
      heap->live_words += large->words;
      m->link = &large->next;
    } else {
      *m->link = large->next;
      m->left -= free_cost(large->words);
      heap->bytes -= large_bytes(large->words);
      memory_free(large, large_bytes(large->words));
    }
  }
  return !*m->link;
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

u64 chunk_outside(const Chunk *chunk) {
  u64 outside = 0;
  for (u32 at = 0; chunk->counted && at < chunk->used;) {
    const Obj *obj = (const Obj *)(chunk->words + at);
    if (obj_kind(obj) == KIND_BLOB) outside += storage_words(handle_storage(obj));
    at += header_words(obj->header);
  }
  return outside;
}

static void keep_all(Collection *m) {
  Heap *heap = m->c.heap;
  Chunk **end = &m->c.done;
  while (*end) end = &(*end)->next;
  *end = m->from;
  for (Chunk *chunk = m->from; chunk; chunk = chunk->next) {
    keep_chunk(&m->c, chunk);
    heap->live_words += chunk->used;
    heap->outside_words += chunk_outside(chunk);
  }
  m->from = NULL;
  shares_left(m->c.worker, heap);
}

void gc_begin(Collection *m, Worker *worker, bool frames) {
  Heap *heap = *heap_place(worker);
  *m = (Collection){.c = {.worker = worker, .heap = heap}, .frames = frames && worker->turn, .from = heap->chunks};
  m->keeps_guard = frames && heap_in_guard(worker);
  if (heap_in_guard(worker) && worker->turn && worker->turn->message) {
    m->c.fragment = (u64 *)worker->turn->message;
    m->c.fragment_bytes = worker->turn->message->bytes;
  }
  heap->chunks = NULL;
  shares_begin(heap);
  state_each(worker->actor, major_visit, &m->c);
  if (m->frames) work_each(worker->turn, major_visit, &m->c);
}

static bool frames_step(Collection *m) {
  FrameWalk walk = {&m->c, true};
  bool all = !m->frames;
  while (!all && m->left > 0) {
    u64 before = m->c.frame_words + m->c.moved;
    all = frames_some(m->c.worker->turn, &m->frame, FRAMES_PART, frame_roots, &walk);
    m->left -= (i64)(m->c.frame_words + m->c.moved - before);
  }
  return all;
}

static void scan_step(Collection *m) {
  if (!scan(&m->c, true, &m->left)) return;
  Heap *heap = m->c.heap;
  heap->outside_words = m->c.outside;
  heap->live_words = m->c.moved - m->c.enlarged;
  if (m->c.failed) keep_all(m);
  m->link = &heap->large;
  m->phase = COLLECT_LARGE;
}

static void large_step(Collection *m) {
  if (!sweep_large(m)) return;
  Heap *heap = m->c.heap;
  link_chunks(&m->c);
  heap->threshold = 2 * (heap->live_words + heap->outside_words) + m->c.frame_words;
  if (heap->threshold < THRESHOLD_MIN) heap->threshold = THRESHOLD_MIN;
  heap->elements = clamped(m->c.elements);
  if (!m->c.failed && !m->keeps_guard) heap->guard_garbage = false;
  m->phase = COLLECT_RELEASE;
}

static void release_step(Collection *m) {
  for (Chunk *chunk; m->left > 0 && (chunk = m->from);) {
    if (chunk->counted) m->release_at = counts_release_some(m->c.worker, chunk->words, m->release_at, chunk->used, chunk->payer, &m->left);
    if (chunk->counted && m->release_at < chunk->used) return;
    m->from = chunk->next;
    m->release_at = 0;
    m->left -= free_cost(chunk->capacity);
    m->c.heap->bytes -= chunk_bytes(chunk->capacity);
    memory_free(chunk, chunk_bytes(chunk->capacity));
  }
  if (m->from) return;
  shares_end(m->c.worker, m->c.heap, m->c.failed);
  m->phase = COLLECT_DONE;
}

bool gc_step(Collection *m, Worker *worker, i64 words) {
  m->c.worker = worker;
  m->left = words;
  while (m->left > 0 && m->phase != COLLECT_DONE) {
    if (UNLIKELY(m->c.failed)) m->left = NO_LIMIT;
    switch (m->phase) {
      case COLLECT_FRAMES:
        if (frames_step(m)) m->phase = COLLECT_SCAN;
        break;
      case COLLECT_SCAN: scan_step(m); break;
      case COLLECT_LARGE: large_step(m); break;
      case COLLECT_RELEASE: release_step(m); break;
      case COLLECT_DONE: break;
    }
  }
  return m->phase == COLLECT_DONE;
}

void gc_abandon(Collection *m) {
  if (m->phase < COLLECT_RELEASE) link_chunks(&m->c);
}

void gc_major(Worker *worker, bool frames) {
  if (!*heap_place(worker)) return;
  Collection m;
  gc_begin(&m, worker, frames);
  while (!gc_step(&m, worker, NO_LIMIT)) {
  }
}
