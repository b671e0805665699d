// Shared blocks, and what a heap holds of them: see shared.h. How they are filled is in freeze.c.
#include "vm/shared.h"

#include "vm/gc.h"

// ---- Blocks ---------------------------------------------------------------------------------------------------------

SharedBlock *shared_parent(const AddressMap *older) {
  SharedBlock *best = NULL;
  for (u32 i = 0; i < older->capacity; i++) {
    SharedBlock *block = (SharedBlock *)older->pairs[i].key;
    if (block && (!best || block->bytes > best->bytes || (block->bytes == best->bytes && block > best))) best = block;
  }
  return best;
}

SharedBlock *shared_new(u64 bytes, u64 start, const AddressMap *older) {
  SharedBlock *block = memory_alloc_aligned(bytes, SEGMENT_BYTES);
  if (!block) return NULL;
  *block = (SharedBlock){.first = {block, start}, .count = 1, .bytes = bytes, .charge = bytes, .start = start};
  SharedBlock *parent = shared_parent(older);
  block->family = parent ? parent->family : block;
  atomic_fetch_add_explicit(&block->family->family_bytes, bytes, memory_order_relaxed);
  if (!parent) block->family_limit = 2 * bytes;
  for (u32 i = 0; i < older->capacity; i++) {
    SharedBlock *held = (SharedBlock *)older->pairs[i].key;
    if (!held) continue;
    shared_retain(held);
    block->older[block->older_count++] = held;
  }
  return block;
}

void shared_add(SharedBlock *block, Obj *obj, u32 words) {
  Segment *segment = (Segment *)segment_down((u64)obj);
  segment->block = block;
  segment->used = (u64)obj + (u64)words * 8 - (u64)segment;
}

void shared_retain(SharedBlock *block) { atomic_fetch_add_explicit(&block->count, 1, memory_order_relaxed); }

void shared_release(Worker *worker, SharedBlock *block) {
  if (atomic_fetch_sub_explicit(&block->count, 1, memory_order_acq_rel) == 1) block_dead(worker, block);
}

static void objects_each(const SharedBlock *block, void (*visit)(void *context, Obj *obj), void *context) {
  u64 at = block->start;
  for (u64 base = segment_down(at); base < block->bytes; at = base + sizeof(Segment)) {
    u64 end = base + ((const Segment *)((const char *)block + base))->used;
    while (at < end) {
      Obj *obj = (Obj *)((char *)block + at);
      at += (u64)header_words(obj->header) * 8;
      visit(context, obj);
    }
    base = segment_up(end);
  }
}

enum { COUNT_COST = 8 };  // words of work that giving back a count is

// Banks pay for the block as a whole.
bool shared_release_some(Worker *worker, SharedBlock *block, u64 *at, i64 *left) {
  if (!*at && WALKING) shared_check(block);
  if (!block->counted) return true;
  if (!*at) *at = block->start;
  while (*at < block->bytes) {
    u64 base = segment_down(*at), end = base + ((const Segment *)((const char *)block + base))->used;
    while (*at < end) {
      if (*left <= 0) return false;
      Obj *obj = (Obj *)((char *)block + *at);
      u32 words = header_words(obj->header);
      *at += (u64)words * 8;
      *left -= words;
      if (!header_is_counted(obj->header)) continue;
      *left -= COUNT_COST;
      count_release(worker, obj, NULL);
    }
    *at = segment_up(end) + sizeof(Segment);
  }
  return true;
}

void shared_free(Worker *worker, SharedBlock *block) {
  SharedBlock *family = block->family;
  atomic_fetch_sub_explicit(&family->family_bytes, block->bytes, memory_order_relaxed);
  for (u32 i = 0; i < block->older_count; i++) shared_release(worker, block->older[i]);
  memory_free_aligned(block, block->bytes, SEGMENT_BYTES);
}

// ---- Checks ---------------------------------------------------------------------------------------------------------

static bool is_older(const SharedBlock *block, const SharedBlock *other) {
  for (u32 i = 0; i < block->older_count; i++) {
    if (block->older[i] == other) return true;
  }
  return false;
}

static void pointers_check(void *context, Obj *obj) {
  const SharedBlock *block = context;
  u8 flags = header_flags(obj->header);
  if (flags != OBJ_SHARED || header_is_handle(obj->header)) BUG("I14: a shared object with the header %llx", (unsigned long long)obj->header);
  if (shared_block(obj) != block) BUG("I14: a shared object of another block");
  Vals vals = obj_vals(obj, obj->header);
  for (u64 i = 0; i < vals.count; i++) {
    if ((vals.raw && vals.raw[i]) || !val_is_pointer(vals.words[i])) continue;
    Obj *to = val_obj(vals.words[i]);
    u8 to_flags = header_flags(to->header);
    if (to_flags & OBJ_IMMORTAL) continue;
    bool inside = to_flags & OBJ_SHARED && (shared_block(to) == block || is_older(block, shared_block(to)));
    if (!inside) BUG("I14: a shared block points out of itself and what is older");
  }
}

static void sum_add(void *context, Obj *obj) {
  u64 *sum = context;
  u32 words = header_words(obj->header);
  for (u32 i = 0; i < words; i++) *sum = (*sum ^ ((u64 *)obj)[i]) * 0x100000001b3u;
}

static u64 sum_of(const SharedBlock *block) {
  u64 sum = 0;
  objects_each(block, sum_add, &sum);
  return sum;
}

void shared_seal(SharedBlock *block) {
  objects_each(block, pointers_check, block);
  block->sum = sum_of(block);
}

void shared_check(const SharedBlock *block) {
  if (block->sum != sum_of(block)) BUG("I15: a shared block was written");
}

// ---- What a heap holds ----------------------------------------------------------------------------------------------

enum { LIMIT_MIN = 4096 };  // words of blocks that a small heap may hold before it is collected for their sake

static Shares *shares_get(Heap *heap) {
  if (heap->shares) return heap->shares;
  Shares *shares = memory_alloc(sizeof *shares);
  if (shares) *shares = (Shares){.limit = LIMIT_MIN + heap->live_words / 2};
  return heap->shares = shares;
}

bool shares_holds(const Heap *heap, const SharedBlock *block) {
  return heap && heap->shares && address_find(&heap->shares->holds, block);
}

// Holds a block that it doesn't hold yet, with a count, the block's and the bank's, that is taken if `retain`.
static bool hold_new(Worker *worker, Heap *heap, SharedBlock *block, bool retain, u64 met) {
  Shares *shares = shares_get(heap);
  if (!shares || (retain && !bank_hold(worker, heap->payer, block))) return false;
  if (!address_put(&shares->holds, block, met)) {
    if (retain) bank_unhold(worker, heap->payer, block);
    return false;
  }
  shares->words += block->bytes / 8;
  if (retain) shared_retain(block);
  return true;
}

bool shares_hold(Worker *worker, Heap *heap, SharedBlock *block) {
  return shares_holds(heap, block) || hold_new(worker, heap, block, true, 0);
}

static void let_go(Worker *worker, const Heap *heap, SharedBlock *block) {
  bank_unhold(worker, heap->payer, block);
  shared_release(worker, block);
}

bool shares_take(Worker *worker, Heap *heap, u64 *words, u64 used) {
  for (u64 at = 0; at < used; at += header_words(((Obj *)(words + at))->header)) {
    Obj *handle = (Obj *)(words + at);
    if (header_is_forward(handle->header) || obj_kind(handle) != KIND_SHARED) break;
    SharedBlock *block = (SharedBlock *)handle->words[0];
    if (!block) continue;
    bool held = shares_holds(heap, block);
    if (!held && !hold_new(worker, heap, block, false, 0)) return false;
    handle->words[0] = 0;
    if (held) let_go(worker, heap, block);
  }
  return true;
}

bool shares_remember(Heap *heap, Obj *original, Obj *copy, bool young) {
  Shares *shares = shares_get(heap);
  return shares && address_put(&shares->frozen, original, (u64)copy | young);
}

Obj *shares_frozen(const Heap *heap, const Obj *original) {
  u64 *copy = heap && heap->shares ? address_find(&heap->shares->frozen, original) : NULL;
  return copy ? shares_moved(heap, (Obj *)(*copy & ~(u64)1)) : NULL;
}

// A second map before the first has served its end is not worth merging: what it would say will be found out again.
void shares_move(Heap *heap, AddressMap *moved) {
  Shares *shares = heap->shares;
  if (shares->moved.count) address_clear(moved);
  else shares->moved = *moved;
  *moved = (AddressMap){0};
  shares->limit = 0;
}

static bool is_old(void *context, const void *original, u64 copy) { return !(copy & 1); }

void shares_forget_young(Heap *heap) {
  if (heap && heap->shares) address_filter(&heap->shares->frozen, is_old, NULL);
}

void shares_keep_young(Heap *heap) {
  if (!heap->shares) return;
  AddressMap *frozen = &heap->shares->frozen;
  for (u32 i = 0; i < frozen->capacity; i++) frozen->pairs[i].value &= ~(u64)1;
}

bool shares_due(const Heap *heap) { return heap->shares && heap->shares->words > heap->shares->limit; }

void shares_begin(Heap *heap) {
  if (!heap->shares) return;
  heap->shares->stuck = false;
  AddressMap *holds = &heap->shares->holds;
  for (u32 i = 0; i < holds->capacity; i++) holds->pairs[i].value = 0;
}

// A block that the heap doesn't hold yet is older than one that it does, or than one that a guard's message brought: whoever reads a
// value out of the younger one gets pointers into the older. From now on the heap holds it, for the younger one may go.
void shares_met(Worker *worker, Heap *heap, SharedBlock *block) {
  u64 *met = heap->shares ? address_find(&heap->shares->holds, block) : NULL;
  if (met) {
    *met = 1;
    return;
  }
  if (hold_new(worker, heap, block, true, 1)) return;
  worker->refused = NULL;
  if (heap->shares) heap->shares->stuck = true;
}

typedef struct Sweep {
  Worker *worker;
  Heap *heap;
} Sweep;

// Its header is real still, and nobody is about to free it.
static bool is_left(void *context, const void *original, u64 copy) {
  u64 header = ((const Obj *)original)->header;
  if (header_is_forward(header) || !(header_flags(header) & OBJ_FROZEN)) return false;
  if (header_flags(header) & OBJ_LARGE && !large_of((Obj *)original)->marked) return false;
  const Sweep *sweep = context;
  shares_met(sweep->worker, sweep->heap, shared_block((Obj *)copy));
  return true;
}

void shares_left(Worker *worker, Heap *heap) {
  if (heap->shares) address_filter(&heap->shares->frozen, is_left, &(Sweep){worker, heap});
}

static bool was_met(void *context, const void *block, u64 met) {
  Sweep *sweep = context;
  if (met || sweep->heap->shares->stuck) return true;
  SharedBlock *unmet = (SharedBlock *)block;
  sweep->heap->shares->words -= unmet->bytes / 8;
  let_go(sweep->worker, sweep->heap, unmet);
  return false;
}

void shares_end(Worker *worker, Heap *heap, bool failed) {
  Shares *shares = heap->shares;
  if (!shares) return;
  if (!failed) address_clear(&shares->frozen);
  address_clear(&shares->moved);
  Sweep sweep = {worker, heap};
  address_filter(&shares->holds, was_met, &sweep);
  shares->limit = LIMIT_MIN + 2 * shares->words + heap->live_words / 2;
  if (shares->holds.count || shares->frozen.count) return;
  memory_free(shares, sizeof *shares);
  heap->shares = NULL;
}

void shares_free(Worker *worker, Heap *heap) {
  Shares *shares = heap->shares;
  if (!shares) return;
  heap->shares = NULL;
  for (u32 i = 0; i < shares->holds.capacity; i++) {
    if (shares->holds.pairs[i].key) let_go(worker, heap, (SharedBlock *)shares->holds.pairs[i].key);
  }
  address_clear(&shares->holds);
  address_clear(&shares->frozen);
  address_clear(&shares->moved);
  memory_free(shares, sizeof *shares);
}
