// The young space of a worker, and when to collect: see heap.h and docs/memory.md.
//
// Young is what the running turn made or received: the nursery, its message's fragment, its large objects, and, after a
// request that the nursery can't hold, one big chunk in the nursery's place. The nursery is empty when the big chunk is
// taken, so what lies in the chunk can simply become old, unmoved, at the next collection: it costs nothing, and a
// later major collection sorts it out.
#include "vm/charge.h"
#include "vm/collect.h"
#include "vm/sched.h"
#include "vm/work.h"

// Large objects of one turn, and the storage of its Bytes, may hold so many words before they cause a collection.
enum { YOUNG_LARGE_WORDS = 8 * NURSERY_WORDS };

#ifdef DEED_STRESS
enum { STRESSING = true };
#else
enum { STRESSING = false };
#endif

static void nursery_reset(Worker *worker) {
  if (!worker->nursery) return;
  if (STRESSING) {  // another block each time: whoever kept a pointer meets freed memory
    u64 *block = memory_alloc(NURSERY_WORDS * 8);
    if (block) {
      memory_free(worker->nursery, NURSERY_WORDS * 8);
      worker->nursery = block;
    }
  }
  worker->at = worker->nursery;
  worker->end = worker->nursery + NURSERY_WORDS;
}

bool heap_open(Worker *worker) {
  if (worker->nursery) return true;
  u64 *nursery = memory_alloc(NURSERY_WORDS * 8);
  u32 capacity = NURSERY_WORDS / 2;  // no COUNTED object is smaller than 2 words: the list never has to grow
  Obj **counted = memory_alloc(capacity * sizeof *counted);
  if (!nursery || !counted) {
    memory_free(nursery, NURSERY_WORDS * 8);
    memory_free(counted, capacity * sizeof *counted);
    return false;
  }
  memory_free(worker->counted, worker->counted_capacity * sizeof *counted);
  worker->counted = counted;
  worker->counted_capacity = capacity;
  worker->nursery = worker->at = nursery;
  worker->end = nursery + NURSERY_WORDS;
  return true;
}

// ---- Emptying the young space ---------------------------------------------------------------------------------------

static void big_seal(Worker *worker) {
  if (worker->big) worker->big->used = (u32)(worker->at - worker->big->words);
}

// Gives back the counts of COUNTED objects in the fragment that were not moved out of it; the message is an empty shell
// then.
static void fragment_drop(Worker *worker) {
  if (heap_in_guard(worker) || heap_is_native(worker)) return;
  Turn *turn = worker->turn;
  if (!turn || !turn->message) return;
  turn->young_message = false;
  if (!turn->message->counted) return;
  Fragment fragment = message_fragment(turn->message);
  turn->message->counted = 0;
  counts_release_moved(worker, fragment.words, fragment.bytes / 8, turn->message->payer);
}

// The part for turns that made more than small objects.
static __attribute__((noinline)) void young_drop_big(Worker *worker) {
  for (LargeObj *large = worker->young_large, *next; large; large = next) {
    next = large->next;
    memory_free(large, large_bytes(large->words));
  }
  worker->young_large = NULL;
  worker->young_large_words = 0;
  for (Chunk *chunk = worker->big, *next; chunk; chunk = next) {
    next = chunk->next;
    chunk->paid = true;
    worker->young_paid -= chunk_bytes(chunk->capacity);
    chunk_free(worker, chunk);
  }
  worker->big = NULL;
  account_give(worker->account, worker->young_paid);
  worker->young_paid = 0;
}

// Everything young that was not moved or kept is dead.
static void young_drop(Worker *worker) {
  big_seal(worker);
  for (u32 i = 0; i < worker->counted_count; i++) {
    Obj *obj = worker->counted[i];
    if (!header_is_forward(obj->header)) count_release(worker, obj, worker->account->bank);
  }
  worker->counted_count = 0;
  fragment_drop(worker);
  if (UNLIKELY(worker->written != NULL)) storages_forget(worker);
  if (UNLIKELY(worker->young_frozen)) {
    shares_forget_young(*heap_place(worker));
    worker->young_frozen = false;
  }
  if (UNLIKELY(worker->young_paid || worker->young_large_words)) young_drop_big(worker);
  nursery_reset(worker);
  sessions_tell(worker);
}

static void heap_link(Heap *heap, Chunk *chunk) {
  Chunk **place = heap->chunks ? &heap->chunks->next : &heap->chunks;  // the first is being filled: it stays the first
  chunk->next = *place;
  *place = chunk;
  heap->live_words += chunk->used;
  heap->outside_words += chunk_outside(chunk);
  heap->bytes += chunk_bytes(chunk->capacity);
}

// The big chunk and the large objects become the actor's as they are.
static bool big_keep(Worker *worker) {
  Heap *heap = heap_get(worker);
  if (!heap) return false;
  big_seal(worker);
  heap->guard_garbage |= heap_in_guard(worker);
  heap_link(heap, worker->big);
  worker->big = NULL;
  shares_keep_young(heap);
  for (LargeObj *large = worker->young_large, *next; large; large = next) {
    next = large->next;
    large->young = false;
    large->next = heap->large;
    heap->large = large;
    heap->live_words += large->words;
    heap->bytes += large_bytes(large->words);
  }
  worker->young_large = NULL;
  return true;
}

static void slot_clear(void *context, Val *slot) {
  (void)context;
  *slot = VAL_EMPTY;
}

static bool frame_clear(void *context, const FrameView *frame) {
  (void)context;
  for (u32 i = 0; i < frame->code->register_count; i++) {
    if (frame->code->val_map[i / 64] >> i % 64 & 1) frame->registers[i] = VAL_EMPTY;
  }
  return true;
}

// Memory ran out while survivors were being moved. The actor must end; nobody may meet a pointer to what is gone. What it
// had of sessions is told when it has ended.
static bool doom(Worker *worker, bool frames) {
  worker->holding++;
  state_each(worker->actor, slot_clear, NULL);
  if (frames && worker->turn) {
    work_each(worker->turn, slot_clear, NULL);
    frames_each(worker, worker->turn, frame_clear, NULL);
  }
  young_drop(worker);
  Heap **place = heap_place(worker);
  Heap *heap = *place;
  *place = NULL;
  heap_free(worker, heap);
  worker->holding--;
  return false;
}

static bool minor(Worker *worker, bool frames) {
  worker->collections++;
  worker->untidy = true;
  bool moved = worker->big ? big_keep(worker) : gc_minor(worker, frames);
  if (!moved) return doom(worker, frames);
  young_drop(worker);
  return true;
}

static bool major_is_due(const Worker *worker, const Heap *heap) {
  if (!heap) return false;
  if (STRESSING && worker->collections % (4 + heap->live_words / HEAP_CHECK_STEP) == 0) return true;
  return heap->live_words + heap->outside_words > heap->threshold || shares_due(heap);
}

bool heap_pay(Worker *worker, Heap *heap) {
  if (!heap) return true;
  u64 bytes = heap->bytes + shares_bytes(heap);
  if (bytes > heap->paid && !bank_take(worker, heap->payer, bytes - heap->paid)) return false;
  if (bytes < heap->paid) bank_give(worker, heap->payer, heap->paid - bytes);
  heap->paid = bytes;
  return true;
}

// The heap has grown by a collection: what it takes is asked for afterwards, for only then is it known. If the bank refuses, garbage goes
// first, now; if there is too little of that, the actor ends.
static bool pay_or_shrink(Worker *worker, bool frames) {
  if (LIKELY(heap_pay(worker, *heap_place(worker)))) return true;
  gc_major(worker, frames);
  worker->collect_due = false;
  return heap_pay(worker, *heap_place(worker)) || doom(worker, frames);
}

// What a collection would have to look at.
static u64 work_ahead(const Worker *worker, const Heap *heap) {
  return heap->live_words + heap->elements + (worker->turn ? worker->turn->fp : 0);
}

// A major collection that is due: of a small heap at once, of a large one later. A guard's garbage goes with its message.
static void major(Worker *worker, bool frames) {
  Heap *heap = *heap_place(worker);
  bool later = worker->puts_aside && worker->actor && (frames || !heap->guard_garbage) && work_ahead(worker, heap) >= COLLECT_AT_ONCE_WORDS;
  if (!later) {
    gc_major(worker, frames);
    return;
  }
  worker->collect_due = true;
  sched_cut(worker);
}

// With the frames of the turn as roots. The nursery is empty afterwards and every frame clean.
static bool collect(Worker *worker, bool all) {
  if (!minor(worker, true)) return false;
  if (all) gc_major(worker, true);
  else if (major_is_due(worker, *heap_place(worker))) major(worker, true);
  if (!pay_or_shrink(worker, true)) return false;
  if (worker->turn) frames_set_watermark(worker, worker->turn);
  if (WALKING) heap_check(worker, worker->actor, true);
  return true;
}

// ---- Allocating -----------------------------------------------------------------------------------------------------

// The running actor's bank pays for it until the turn has ended, or it belongs to the heap.
static void *young_alloc(Worker *worker, size_t size) {
  if (!account_take(worker, worker->account, size)) return NULL;
  void *block = memory_alloc(size);
  if (block) worker->young_paid += size;
  else account_give(worker->account, size);
  return block;
}

// A block outside the nursery; when there is no memory, everything that can be freed and collected is, once.
static void *block_alloc(Worker *worker, size_t size) {
  void *block = young_alloc(worker, size);
  if (!block && release_for_room(worker)) block = young_alloc(worker, size);
  if (block || heap_is_native(worker)) return block;
  return collect(worker, true) ? young_alloc(worker, size) : NULL;
}

static bool big_take(Worker *worker, u32 words) {
  Chunk *chunk = block_alloc(worker, chunk_bytes(words));
  if (!chunk) return false;
  big_seal(worker);
  *chunk = (Chunk){.next = worker->big, .capacity = words, .payer = worker->account->bank};
  worker->untidy = true;
  worker->big = chunk;
  worker->at = chunk->words;
  worker->end = chunk->words + words;
  return true;
}

// In a small bank that is garbage sooner.
void heap_note_outside(Worker *worker, u64 words) {
  u64 part = worker->account->bank->limit / 8 / sizeof(u64);
  worker->young_large_words += words;
  if (worker->young_large_words > (part < YOUNG_LARGE_WORDS ? part : YOUNG_LARGE_WORDS)) worker->end = worker->at;
}

bool heap_squeeze(Worker *worker) { return !heap_is_native(worker) && collect(worker, true); }

bool heap_reserve_slow(Worker *worker, u32 words) {
  bool opened = worker->nursery;
  if (!opened && !heap_open(worker)) return false;
  bool fits = (size_t)(worker->end - worker->at) >= words;
  if (heap_is_native(worker)) return fits || big_take(worker, words < NURSERY_WORDS ? NURSERY_WORDS : words);
  if (fits && !STRESSING) return true;
  if (opened && !collect(worker, false)) return false;
  if (words > NURSERY_WORDS && !big_take(worker, words)) return false;
  if (STRESSING) worker->end = worker->at + words;  // the next reservation collects again
  return true;
}

static Obj *large_bytes_new(Worker *worker, u32 words) {
  if (worker->young_large_words + words > YOUNG_LARGE_WORDS && worker->young_large && !heap_is_native(worker)) {
    if (!collect(worker, false)) return NULL;
  }
  LargeObj *large = block_alloc(worker, large_bytes(words));
  if (!large) return NULL;
  *large = (LargeObj){.next = worker->young_large, .young = true, .words = words};
  worker->untidy = true;
  worker->young_large = large;
  worker->young_large_words += words;
  return &large->obj;
}

Obj *heap_bytes(Worker *worker, Kind kind, u64 bytes) {
  if (bytes > UINT32_MAX) return NULL;
  u32 words = 1 + bytes_words(bytes);
  u64 header = OBJ_HEADER(kind, 0, bytes);
  Obj *obj;
  if (words >= HEAP_LARGE_WORDS) {
    if (!(obj = large_bytes_new(worker, words))) return NULL;
    header = header_with(header, OBJ_LARGE);
  } else {
    if (!heap_reserve(worker, words)) return NULL;
    obj = heap_take(worker, words);
  }
  obj->header = header;
  if (words > 1) obj->words[words - 2] = 0;
  return obj;
}

// ---- The end of a turn ----------------------------------------------------------------------------------------------

bool heap_is_young(const Worker *worker, Obj *obj) {
  if (within(obj, worker->nursery, NURSERY_WORDS * 8)) return true;
  Fragment fragment = young_fragment(worker);
  if (within(obj, fragment.words, fragment.bytes)) return true;
  for (Chunk *chunk = worker->big; chunk; chunk = chunk->next) {
    if (within(obj, chunk->words, (u64)chunk->capacity * 8)) return true;
  }
  return worker->young_large && header_flags(obj->header) & OBJ_LARGE && large_of(obj)->young;
}

typedef struct Look {
  bool pointers;  // some field holds one: the heap may be needed
  bool young;     // some field points to young memory, or into a shared block that the message may have brought
} Look;

static Look state_look(const Worker *worker) {
  const Actor *actor = worker->actor;
  Look look = {0};
  if (!actor || actor->class->step) return look;
  const Class *class = actor->class;
  const Turn *turn = worker->turn;
  bool shared = turn && turn->message && turn->young_message && turn->message->shared;
  for (u32 i = 0; i < class->field_count; i++) {
    Val v = actor->fields[i];
    if (class->raw_fields[i] || !val_is_pointer(v)) continue;
    look.pointers = true;
    if (heap_is_young(worker, val_obj(v)) || (shared && header_flags(val_obj(v)->header) & OBJ_SHARED)) return (Look){true, true};
  }
  return look;
}

// An actor whose state holds no pointer any more needs no heap; one that has doubled is collected.
static void trim(Worker *worker, bool pointers) {
  Heap **place = heap_place(worker);
  Heap *heap = *place;
  if (!heap) return;
  if (pointers && (heap->guard_garbage || major_is_due(worker, heap))) major(worker, false);
  if (pointers && (heap->chunks || heap->large || heap->shares)) return;
  *place = NULL;
  heap_free(worker, heap);
}

// The running handler's actor has no heap, needs none, and the turn made nothing but small objects: what is left are counts.
static inline bool only_counts(const Worker *worker) {
  const Actor *actor = worker->actor;
  const Turn *turn = worker->turn;
  if (WALKING || !actor || actor->heap || actor->class->step || !turn || turn->phase != PHASE_HANDLER) return false;
  if (worker->big || worker->written || worker->young_frozen || worker->young_paid || worker->young_large_words) return false;
  for (u32 i = 0; i < actor->class->field_count; i++) {
    if (!actor->class->raw_fields[i] && val_is_pointer(actor->fields[i])) return false;
  }
  return true;
}

static inline void end_counts(Worker *worker) {
  for (u32 i = 0; i < worker->counted_count; i++) count_release(worker, worker->counted[i], worker->account->bank);
  worker->counted_count = 0;
  Turn *turn = worker->turn;
  Message *message = turn->message;
  turn->young_message = false;
  if (message && message->counted) {
    Fragment fragment = message_fragment(message);
    message->counted = 0;
    counts_release(worker, fragment.words, (u32)(fragment.bytes / 8), message->payer);
  }
  worker->at = worker->nursery;
  sessions_tell(worker);
}

bool heap_end_turn(Worker *worker) {
  if (LIKELY(only_counts(worker))) {
    end_counts(worker);
    return true;
  }
  Turn *turn = worker->turn;
  if (UNLIKELY(turn && turn->phase == PHASE_GUARD && turn->guard_writes)) {
    return fault_set(worker, "a guard may not write into an array that it was lent");
  }
  Look look = state_look(worker);
  if (look.young || worker->written) {
    if (!minor(worker, false)) return false;
  } else {
    young_drop(worker);
  }
  trim(worker, look.pointers);
  if (!pay_or_shrink(worker, false)) return false;
  if (WALKING) heap_check(worker, worker->actor, false);
  return true;
}

bool heap_suspend(Worker *worker) {
  bool empty = worker->at == worker->nursery && !worker->young_large && !young_fragment(worker).bytes;
  const Work *work = work_begun(worker);
  bool still = work && work->still;
  if (still && !empty) BUG("something young was made while nothing may move");
  if (!empty || (STRESSING && !still)) return collect(worker, false);
  storages_forget(worker);  // there is nothing young that could have been written
  return true;
}

void heap_abandon(Worker *worker) { young_drop(worker); }

// ---- Chunks from elsewhere, and the worker's end --------------------------------------------------------------------

bool heap_adopt(Worker *worker, Chunk *chunk) {
  // A loop of awaits may fill the heap with answers, and make nothing that would fill the nursery.
  if (major_is_due(worker, *heap_place(worker)) && !collect(worker, false)) return false;
  Heap *heap = heap_get(worker);
  if (!heap || !charge_chunk(worker, chunk, heap->payer)) return false;
  if (chunk->counted && !shares_take(worker, heap, chunk->words, chunk->used)) return false;
  heap_link(heap, chunk);
  heap->paid += chunk_bytes(chunk->capacity);
  chunk->paid = false;
  worker->untidy = true;
  return true;
}

void chunk_make_immortal(Chunk *chunk) {
  for (u32 at = 0; at < chunk->used;) {
    Obj *obj = (Obj *)(chunk->words + at);
    obj->header = header_with(obj->header, OBJ_IMMORTAL);
    at += header_words(obj->header);
  }
}

void heap_close(Worker *worker) {
  young_drop(worker);
  heap_free(worker, worker->loose);
  worker->loose = NULL;
  memory_free(worker->nursery, NURSERY_WORDS * 8);
  memory_free(worker->counted, worker->counted_capacity * sizeof *worker->counted);
  memory_free(worker->copy_log, worker->copy_capacity * sizeof(u64[2]));
  address_clear(&worker->copy_blocks);
  address_clear(&worker->copy_places);
  worker->nursery = worker->at = worker->end = NULL;
  worker->counted = NULL;
  worker->copy_log = NULL;
  worker->counted_capacity = worker->copy_capacity = 0;
}
