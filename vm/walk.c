// The heap walker: checks the invariants of docs/memory.md for one actor, and aborts with a description if one is broken.
//
// It runs after every collection in builds with DEED_STRESS or DEED_WALK. First it notes where objects begin in every
// run of words that the actor may point into; then it follows every slot and asks whether it leads to one of those
// beginnings, or to an immortal object. Its own memory comes from malloc: it must not disturb what it checks.
#include <stdlib.h>

#include "vm/engine.h"
#include "vm/gc.h"
#include "vm/work.h"

typedef struct Run {
  const u64 *words;
  u32 used;
  bool young;
  u64 *starts;  // a bit for each word at which an object begins
} Run;

typedef struct Owned {
  u64 thing;          // what a handle owns, 0 if it is spent
  const Obj *handle;
} Owned;

typedef struct Walk {
  Worker *worker;
  Heap *heap;
  Owned *owned;       // by all handles; in the end by thing
  u32 owned_count, owned_capacity;
  Run *runs;          // by address
  u32 run_count;
  Obj **large;        // by address
  u32 large_count;
  const SharedBlock **held;  // noted when one is looked for
  u32 held_count, held_capacity;
  const char *where;  // for the report
  bool old;           // slots of an old object are being checked
  bool lenient;       // a guard's garbage may point anywhere
  bool running;       // the actor is
} Walk;

// ---- Handles --------------------------------------------------------------------------------------------------------

static void owned_add(Walk *w, const Obj *handle) {
  if (w->owned_count == w->owned_capacity) {
    w->owned_capacity = w->owned_capacity ? w->owned_capacity * 2 : 64;
    w->owned = realloc(w->owned, w->owned_capacity * sizeof *w->owned);
    if (!w->owned) abort();
  }
  w->owned[w->owned_count++] = (Owned){handle->words[0], handle};
}

static void storage_check(const Obj *handle, const Storage *storage) {
  Kind kind = obj_kind(handle);
  bool bytes = storage->kind == STORAGE_BYTES;
  if (bytes != (kind != KIND_ARRAY) || storage->kind > STORAGE_VALS) BUG("I12: storage of kind %d behind a handle of kind %d", storage->kind, kind);
  if (storage->len > storage->cap) BUG("I12: storage fuller than full");
  if (storage->kind == STORAGE_NONE && storage->len) BUG("I12: elements of no kind");
  if (!storage->count || (kind != KIND_BLOB && storage->count != 1)) BUG("I11: %u handles of one storage", storage->count);
  u64 from = handle->words[BLOB_BYTES] - (u64)storage->data;
  if (kind == KIND_BLOB && (from > storage->len || handle->words[BLOB_LENGTH] > storage->len - from)) BUG("I12: Bytes past their storage");
}

// Notes what the object owns, or holds of shared Bytes.
static void handle_check(Walk *w, const Obj *obj) {
  u64 header = obj->header;
  bool session = header_kind(header) == KIND_REF && header_flags(header) & OBJ_UNIQUE;
  if (header_kind(header) == KIND_BLOB) storage_check(obj, handle_storage(obj));
  if (!header_is_handle(header) || !obj->words[0]) return;
  // There may be many sessions of one actor, but no two with one message.
  if (!session) owned_add(w, obj);
  if (header_kind(header) == KIND_BUF || header_kind(header) == KIND_ARRAY) storage_check(obj, handle_storage(obj));
}

static int owned_order(const void *a, const void *b) {
  u64 x = ((const Owned *)a)->thing, y = ((const Owned *)b)->thing;
  return (x > y) - (x < y);
}

static void owners_check(Walk *w) {
  if (!w->owned_count) return;
  qsort(w->owned, w->owned_count, sizeof *w->owned, owned_order);
  for (u32 i = 1; i < w->owned_count; i++) {
    if (w->owned[i].thing == w->owned[i - 1].thing)
      BUG("I11: two handles own one thing: %p and %p", (const void *)w->owned[i].handle, (const void *)w->owned[i - 1].handle);
  }
  free(w->owned);
}

// Every list that leads to a storage knows it.
static void written_check(const Worker *worker) {
  Storage *const *link = &worker->written;
  for (Storage *storage; (storage = *link); link = &storage_writes(storage)->next) {
    if (storage->kind != STORAGE_VALS || storage_writes(storage)->link != link) BUG("I13: a broken list of written arrays");
  }
}

// ---- Runs -----------------------------------------------------------------------------------------------------------

static u8 flags_allowed(Kind kind) { return kind == KIND_REF || kind == KIND_PROMISE ? OBJ_UNIQUE : OBJ_FROZEN; }

static void held_add(Walk *w, const SharedBlock *block) {
  for (u32 i = 0; i < w->held_count; i++) {
    if (w->held[i] == block) return;
  }
  if (w->held_count == w->held_capacity) {
    w->held_capacity = w->held_capacity ? 2 * w->held_capacity : 16;
    w->held = realloc(w->held, w->held_capacity * sizeof *w->held);
    if (!w->held) abort();
  }
  w->held[w->held_count++] = block;
}

// What the heap holds or the running message brought, and then all that is older.
static void gather_held(Walk *w) {
  const AddressMap *holds = w->heap && w->heap->shares ? &w->heap->shares->holds : NULL;
  for (u32 i = 0; holds && i < holds->capacity; i++) {
    if (holds->pairs[i].key) held_add(w, holds->pairs[i].key);
  }
  const Message *message = w->running && w->worker->turn ? w->worker->turn->message : NULL;
  if (message && message->shared) {
    const Obj *handle = (const Obj *)(message->args + message->count);
    for (; (const char *)handle < (const char *)message + message->bytes && obj_kind(handle) == KIND_SHARED; handle += 2) {
      if (handle->words[0]) held_add(w, (const SharedBlock *)handle->words[0]);
    }
  }
  for (u32 i = 0; i < w->held_count; i++) {
    for (u32 k = 0; k < w->held[i]->older_count; k++) held_add(w, w->held[i]->older[k]);
  }
}

static bool is_held(Walk *w, const SharedBlock *block) {
  if (shares_holds(w->heap, block)) return true;
  if (!w->held_count) gather_held(w);
  for (u32 i = 0; i < w->held_count; i++) {
    if (w->held[i] == block) return true;
  }
  return false;
}

static void frozen_check(const Walk *w, const Obj *original) {
  if (!(header_flags(original->header) & OBJ_FROZEN)) return;
  const Obj *copy = shares_frozen(w->heap, original);
  if (!copy) BUG("I16: nobody knows what an original was frozen to");
  if (!shares_holds(w->heap, shared_block(copy))) BUG("I16: what an original was frozen to isn't held");
}

static void run_add(Walk *w, u64 *words, u64 used, bool counted, bool young) {
  if (!used) return;
  Run run = {words, (u32)used, young, calloc(used / 64 + 1, 8)};
  if (!run.starts) abort();
  for (u64 at = 0; at < used;) {
    u64 header = words[at];
    Kind kind = header_kind(header);
    if (header_is_forward(header)) BUG("I1: a forwarding word outside of a collection, at %p", (void *)(words + at));
    bool sane = kind > KIND_NONE && kind < KIND_COUNT && !(header_flags(header) & ~flags_allowed(kind));
    if (!sane) BUG("I2: bad header %llx", (unsigned long long)header);
    if (header_words(header) > used - at) BUG("I2: object past the end of its chunk");
    if (header_is_counted(header) && !counted) BUG("I6: a counted object in a chunk that isn't marked so");
    handle_check(w, (const Obj *)(words + at));
    frozen_check(w, (const Obj *)(words + at));
    run.starts[at / 64] |= (u64)1 << at % 64;
    at += header_words(header);
  }
  w->runs[w->run_count++] = run;
}

static int run_order(const void *a, const void *b) {
  const u64 *x = ((const Run *)a)->words, *y = ((const Run *)b)->words;
  return (x > y) - (x < y);
}

static int obj_order(const void *a, const void *b) {
  const Obj *x = *(Obj *const *)a, *y = *(Obj *const *)b;
  return (x > y) - (x < y);
}

static bool in_runs(const Walk *w, const Obj *obj) {
  u32 low = 0, high = w->run_count;
  while (low < high) {
    u32 middle = (low + high) / 2;
    if (w->runs[middle].words <= (const u64 *)obj) low = middle + 1;
    else high = middle;
  }
  if (!low) return false;
  const Run *run = &w->runs[low - 1];
  u64 at = (u64)((const u64 *)obj - run->words);
  if (at >= run->used) return false;
  if (w->old && run->young && !w->lenient) BUG("I7: %s points to a young one", w->where);
  if (!(run->starts[at / 64] >> at % 64 & 1)) BUG("I3: %s points into the middle of an object", w->where);
  return true;
}

static void slot_check(void *context, Val *slot) {
  Walk *w = context;
  if (val_is_int(*slot) || val_is_const(*slot) || *slot == VAL_EMPTY) return;
  if (!val_is_pointer(*slot)) BUG("I3: %s holds the bad word %llx", w->where, (unsigned long long)*slot);
  Obj *obj = val_obj(*slot);
  if (in_runs(w, obj) || w->lenient) return;
  u8 flags = header_flags(obj->header);
  if (flags & OBJ_IMMORTAL) return;
  if (flags & OBJ_SHARED) {
    if (!is_held(w, shared_block(obj))) BUG("I16: %s points into a shared block that nobody here holds", w->where);
    return;
  }
  if (!(flags & OBJ_LARGE) || !bsearch(&obj, w->large, w->large_count, sizeof obj, obj_order))
    BUG("I3: %s points out of the actor's memory", w->where);
}

static bool card_is_marked(Storage *storage, u64 i) {
  const Writes *writes = storage_writes(storage);
  return writes->link && writes->cards[i / CARD_WORD_ELEMENTS] >> i / CARD_ELEMENTS % 64 & 1;
}

// The slots of an object. Elements of an old array may be young if their card says so.
static void object_check(Walk *w, Obj *obj, bool old) {
  Vals vals = obj_vals(obj, obj->header);
  bool array = obj_kind(obj) == KIND_ARRAY;
  for (u64 i = 0; i < vals.count; i++) {
    if (vals.raw && vals.raw[i]) continue;
    w->old = old && !(array && card_is_marked(handle_storage(obj), i));
    slot_check(w, &vals.words[i]);
  }
}

static void runs_check(Walk *w) {
  for (u32 r = 0; r < w->run_count; r++) {
    for (u32 at = 0; at < w->runs[r].used;) {
      Obj *obj = (Obj *)(w->runs[r].words + at);
      object_check(w, obj, !w->runs[r].young);
      at += header_words(obj->header);
    }
  }
  w->old = false;
}

static bool frame_check(void *context, const FrameView *frame) {
  Walk *w = context;
  for (u32 i = 0; i < frame->code->register_count; i++) {
    if (frame->code->val_map[i / 64] >> i % 64 & 1) slot_check(w, &frame->registers[i]);
  }
  return true;
}

static void large_add(Walk *w, LargeObj *list, bool young, u64 *words) {
  for (; list; list = list->next) {
    Kind kind = obj_kind(&list->obj);
    bool sane = (kind == KIND_STRING || kind == KIND_BYTES) && (header_flags(list->obj.header) & ~OBJ_FROZEN) == OBJ_LARGE &&
                header_words(list->obj.header) == list->words && list->young == young && !list->marked;
    if (!sane) BUG("I4: bad large object");
    frozen_check(w, &list->obj);
    *words += list->words;
    w->large[w->large_count++] = &list->obj;
  }
}

static void gather(Walk *w) {
  Worker *worker = w->worker;
  u32 chunks = 4, large = 0;
  for (Chunk *chunk = w->heap ? w->heap->chunks : NULL; chunk; chunk = chunk->next) chunks++;
  for (LargeObj *l = w->heap ? w->heap->large : NULL; l; l = l->next) large++;
  for (LargeObj *l = worker->young_large; l; l = l->next) large++;
  w->runs = calloc(chunks, sizeof *w->runs);
  w->large = calloc(large + 1, sizeof *w->large);
  if (!w->runs || !w->large) abort();
  u64 words = 0, young = 0;
  for (Chunk *chunk = w->heap ? w->heap->chunks : NULL; chunk; chunk = chunk->next) {
    if (chunk->used > chunk->capacity) BUG("I2: chunk fuller than full");
    run_add(w, chunk->words, chunk->used, chunk->counted, false);
    words += chunk->used;
  }
  large_add(w, w->heap ? w->heap->large : NULL, false, &words);
  large_add(w, worker->young_large, true, &young);
  u64 counted = w->heap ? w->heap->live_words : words;
  if (words != counted) BUG("I5: %llu words live, %llu counted", (unsigned long long)words, (unsigned long long)counted);
}

// Only the running turn has young memory: the nursery (which is packed, like a chunk), the fragment, the big chunk.
static void gather_young(Walk *w) {
  Worker *worker = w->worker;
  if (worker->big) run_add(w, worker->big->words, (u64)(worker->at - worker->big->words), true, true);
  else if (worker->nursery) run_add(w, worker->nursery, (u64)(worker->at - worker->nursery), true, true);
  Message *message = worker->turn ? worker->turn->message : NULL;
  bool whole = message && (heap_in_guard(worker) || worker->turn->young_message);
  if (!whole) return;
  Fragment fragment = message_fragment(message);
  run_add(w, fragment.words, fragment.bytes / 8, message->counted, !heap_in_guard(worker));
}

void heap_check(Worker *worker, Actor *actor, bool frames) {
  Heap *heap = actor ? actor->heap : worker->loose;
  if (heap && heap->steps) return;  // half of it is elsewhere
  if (heap && worker->collections % (1 + heap->live_words / HEAP_CHECK_STEP)) return;
  bool running = actor == worker->actor;
  Walk w = {.worker = worker, .heap = heap, .running = running};
  gather(&w);
  if (running && !heap_is_native(worker)) gather_young(&w);
  qsort(w.runs, w.run_count, sizeof *w.runs, run_order);
  qsort(w.large, w.large_count, sizeof *w.large, obj_order);
  w.lenient = heap && heap->guard_garbage;
  w.where = "an object";
  runs_check(&w);
  w.lenient = false;
  owners_check(&w);
  if (running) written_check(worker);
  w.where = "a state field";
  state_each(actor, slot_check, &w);
  w.where = "what a native keeps";
  if (frames && running && worker->turn) work_each(worker->turn, slot_check, &w);
  w.where = "a register";
  if (frames && running && worker->turn) frames_each(worker, worker->turn, frame_check, &w);
  for (u32 i = 0; i < w.run_count; i++) free(w.runs[i].starts);
  free(w.runs);
  free(w.large);
  free(w.held);
}

void heap_walk(Worker *worker, Actor *actor) { heap_check(worker, actor, true); }
