// Giving back: counts that dead objects held, and the memory of chunks, messages, blocks and heaps.
//
// A count given back may be the last: then another actor goes, its heap with it, and the references in there. A chain
// of a million actors that each hold the next must not become a million C frames. So memory that holds counts is never
// worked off where it dies: it joins a list of the worker, and the outermost call here works the list off. The list is
// linked through the dead blocks themselves, so giving back never needs memory.
//
// Nor may it take long. The outermost call does what takes some 50 us, and leaves the rest, and whatever is large, where it is; the worker
// goes on with that between slices, a step at a time (release_between). What is large can be left in the middle.
//
// Its bank pays for what waits here until it has gone, and gets back what a heap was charged piece by piece. So nobody may be refused memory
// for the sake of what is dead: a refusal frees all that waits here, and nothing is left here of a bank that is short.
#include "vm/collect.h"
#include "vm/copy.h"
#include "vm/message.h"
#include "vm/sched.h"

enum {
#ifdef DEED_STRESS
  STEP_WORDS = 64,             // of work in a step
  STEP_REDUCTIONS = 0,         // that have run since the last one
#else
  STEP_WORDS = 8 * 1024,
  STEP_REDUCTIONS = 2000,
#endif
  COUNT_COST = 8,              // and giving back a count
  PAGE_WORDS = 4096 / sizeof(u64),
  STACK_WORDS_FREED = 2,       // pages of a stack: so many words for one of work
  STACK_WORDS_COUNTED = 32,    // and as one of what waits: there are few of them, and they go fast
  CHARGE_FROM = 256,           // words of work that the slice is charged for
  WORDS_PER_REDUCTION = 8,
  STEPS_ALONE = 4,             // steps between two slices if nobody was woken
  STEPS_BEHIND = 20,           // if there is more and more to do
  BEHIND_WORDS = 1 << 20,      // so much more
  POLL_COST = 3,               // what a step counts as towards the next look at the outside
};

static const i64 NO_LIMIT = INT64_MAX / 4;

// Handles that are spent hold nothing.
void handle_release(Worker *worker, Obj *obj, Bank *payer) {
  if (!obj->words[0]) return;
  switch (obj_kind(obj)) {
    case KIND_REF:
      if (header_flags(obj->header) & OBJ_UNIQUE) session_lost(worker, obj);
      else weight_return(worker, ref_actor(obj), obj->words[REF_WEIGHT]);
      return;
    case KIND_PROMISE: promise_release(worker, promise_of(obj)); return;
    case KIND_BUF: case KIND_ARRAY:
      bank_give(worker, payer, storage_bytes(handle_storage(obj)));
      storage_release(handle_storage(obj));
      return;
    case KIND_BLOB:
      bank_unhold_storage(worker, payer, handle_storage(obj));
      storage_release(handle_storage(obj));
      return;
    case KIND_SHARED:
      bank_unhold(worker, payer, (SharedBlock *)obj->words[0]);
      shared_release(worker, (SharedBlock *)obj->words[0]);
      return;
    case KIND_NONE: case KIND_INT: case KIND_FLOAT: case KIND_STRING: case KIND_BYTES: case KIND_DURATION: case KIND_TIME: case KIND_CONS:
    case KIND_TUPLE: case KIND_DATA: case KIND_CLOSURE: case KIND_COUNT: break;
  }
  BUG("releasing an object of kind %d", obj_kind(obj));
}

void counts_release(Worker *worker, u64 *words, u32 used, Bank *payer) {
  for (u32 at = 0; at < used;) {
    Obj *obj = (Obj *)(words + at);
    if (header_is_counted(obj->header)) count_release(worker, obj, payer);
    at += header_words(obj->header);
  }
}

u64 counts_release_some(Worker *worker, u64 *words, u64 at, u64 used, Bank *payer, i64 *left) {
  while (at < used && *left > 0) {
    Obj *obj = (Obj *)(words + at);
    bool moved = header_is_forward(obj->header);
    u32 size = header_words(moved ? ((Obj *)obj->header)->header : obj->header);
    if (!moved && header_is_counted(obj->header)) {
      count_release(worker, obj, payer);
      *left -= COUNT_COST;
    }
    *left -= size;
    at += size;
  }
  return at;
}

void counts_release_moved(Worker *worker, u64 *words, u64 used, Bank *payer) {
  i64 unlimited = NO_LIMIT;
  (void)counts_release_some(worker, words, 0, used, payer, &unlimited);
}

// ---- Pieces ---------------------------------------------------------------------------------------------------------

// Each of these does as much as `*left` words of work allow, and says whether the thing is gone then.

static bool chunk_part(Worker *worker, Chunk *chunk, u64 *at, i64 *left) {
  if (chunk->counted && (*at = counts_release_some(worker, chunk->words, *at, chunk->used, chunk->payer, left)) < chunk->used) return false;
  *left -= free_cost(chunk->capacity);
  if (chunk->paid) bank_give(worker, chunk->payer, chunk_bytes(chunk->capacity));
  memory_free(chunk, chunk_bytes(chunk->capacity));
  return true;
}

static bool message_part(Worker *worker, Message *message, u64 *at, i64 *left) {
  u64 *graph = message->args + message->count;
  u64 used = (u64)((u64 *)((char *)message + message->bytes) - graph);
  if (message->counted && (*at = counts_release_some(worker, graph, *at, used, message->payer, left)) < used) return false;
  *left -= free_cost(message->bytes / 8);
  message_recycle(worker, message);
  return true;
}

static bool block_part(Worker *worker, SharedBlock *block, u64 *at, i64 *left) {
  if (!shared_release_some(worker, block, at, left)) return false;
  *left -= free_cost(block->bytes / 8);
  shared_free(worker, block);
  return true;
}

static bool chunks_part(Worker *worker, Heap *heap, Chunk **chunks, u64 *at, i64 *left) {
  for (Chunk *chunk; (chunk = *chunks); *at = 0) {
    Chunk *next = chunk->next;
    u64 bytes = chunk_bytes(chunk->capacity);
    if (*left <= 0 || !chunk_part(worker, chunk, at, left)) return false;
    *chunks = next;
    heap->bytes -= bytes;
  }
  return true;
}

// Of a heap that was being collected: what is left of from-space first, for what was moved from there says how long it was.
static bool collection_part(Worker *worker, Heap *heap, i64 *left) {
  Collection *collection = (Collection *)heap->steps;
  if (!chunks_part(worker, heap, &collection->from, &collection->release_at, left)) return false;
  gc_abandon(collection);
  sessions_add(worker, collection->lost);
  memory_free(collection, sizeof *collection);
  heap->steps = NULL;
  return true;
}

static bool contents_part(Worker *worker, Heap *heap, u64 *at, i64 *left) {
  if (heap->steps && !(heap->steps->freezes ? freezing_abandon : collection_part)(worker, heap, left)) return false;
  if (!chunks_part(worker, heap, &heap->chunks, at, left)) return false;
  for (LargeObj *large; (large = heap->large);) {
    if (*left <= 0) return false;
    heap->large = large->next;
    heap->bytes -= large_bytes(large->words);
    *left -= free_cost(large->words);
    memory_free(large, large_bytes(large->words));
  }
  return true;
}

// What it takes no longer comes back to its bank at once.
static bool heap_part(Worker *worker, Heap *heap, u64 *at, i64 *left) {
  bool empty = contents_part(worker, heap, at, left);
  if (empty) shares_free(worker, heap);
  u64 bytes = empty ? 0 : heap->bytes + shares_bytes(heap);
  if (bytes < heap->paid) {
    bank_give(worker, heap->payer, heap->paid - bytes);
    heap->paid = bytes;
  }
  if (empty) memory_free(heap, sizeof *heap);
  return empty;
}

// The first words of a stack that nobody runs on. It has no payer: what ran there has let go of all that it held.
typedef struct DeadStack {
  struct DeadStack *next;
  u64 words;
} DeadStack;

// From its end on.
static bool stack_part(DeadStack *stack, i64 *left) {
  u64 words = stack->words, part = (u64)*left * STACK_WORDS_FREED / PAGE_WORDS * PAGE_WORDS;
  if (part < PAGE_WORDS) part = PAGE_WORDS;
  u64 kept = part < words ? (words - part + PAGE_WORDS - 1) / PAGE_WORDS * PAGE_WORDS : 0;
  *left -= (i64)((words - kept) / STACK_WORDS_FREED);
  stack->words = kept;
  memory_unmap_end(stack, words * sizeof(u64), kept * sizeof(u64));
  return !kept;
}

// ---- Lists ----------------------------------------------------------------------------------------------------------

static u64 block_words(const SharedBlock *block) { return block->counted ? block->bytes / 8 : 0; }

// The next thing in the list, unless it lay there before `floor` was noted. False: there is none.
static bool look(const DeadHeads *heads, const DeadHeads *floor, DeadItem *item) {
  *item = (DeadItem){0};
  if (heads->chunks != floor->chunks) {
    *item = (DeadItem){.chunk = heads->chunks, .words = 1 + heads->chunks->used, .payer = heads->chunks->payer};
  } else if (heads->messages != floor->messages) {
    *item = (DeadItem){.message = heads->messages, .words = 1 + heads->messages->bytes / 8, .payer = heads->messages->payer};
  } else if (heads->blocks != floor->blocks) {
    *item = (DeadItem){.block = heads->blocks, .words = 1 + block_words(heads->blocks)};
  } else if (heads->heaps != floor->heaps) {
    *item = (DeadItem){.heap = heads->heaps, .words = 1 + heads->heaps->live_words, .payer = heads->heaps->payer};
  } else if (heads->stacks != floor->stacks) {
    *item = (DeadItem){.stack = heads->stacks, .words = 1 + heads->stacks->words / STACK_WORDS_COUNTED};
  } else {
    return false;
  }
  return true;
}

static void take_out(DeadHeads *heads, const DeadItem *item) {
  if (item->chunk) heads->chunks = item->chunk->next;
  else if (item->message) heads->messages = item->message->next;
  else if (item->block) heads->blocks = item->block->next;
  else if (item->heap) heads->heaps = item->heap->next;
  else heads->stacks = item->stack->next;
}

// Takes it out, unless it is of more words than `most`.
static bool take(Dead *dead, const DeadHeads *floor, i64 most, DeadItem *item) {
  if (!look(&dead->heads, floor, item) || (i64)item->words > most) return false;
  take_out(&dead->heads, item);
  return true;
}

static bool may_leave(const Worker *worker, const Bank *payer) {
  return worker->puts_aside && !memory_is_short() && !bank_is_short(payer);
}

// Takes what is too large to be freed at once, if it may not be left either.
static bool take_short(const Worker *worker, Dead *dead, const DeadHeads *floor, DeadItem *item) {
  if (!look(&dead->heads, floor, item) || may_leave(worker, item->payer)) return false;
  take_out(&dead->heads, item);
  return true;
}

static bool is_held(const DeadItem *item) { return item->words; }

// Goes on with what was taken.
static void part(Worker *worker, DeadItem *item, i64 *left) {
  bool gone = item->chunk     ? chunk_part(worker, item->chunk, &item->at, left)
              : item->message ? message_part(worker, item->message, &item->at, left)
              : item->block   ? block_part(worker, item->block, &item->at, left)
              : item->heap    ? heap_part(worker, item->heap, &item->at, left)
                              : stack_part(item->stack, left);
  if (!gone) return;
  worker->dead_words -= item->words;
  if (item->payer) bank_freed(worker, item->payer);
  *item = (DeadItem){0};
}

static Dead *list_of(Worker *worker) { return &worker->dead[worker->unheard]; }

// What has come since `floor` was noted, as far as that takes a step's time.
static void work_off(Worker *worker, const DeadHeads *floor) {
  if (worker->releasing) return;
  worker->releasing = true;
  Dead *dead = list_of(worker);
  i64 spent = 0;
  DeadItem item;
  while (take(dead, floor, STEP_WORDS - spent, &item) || take_short(worker, dead, floor, &item)) {
    i64 left = NO_LIMIT;
    part(worker, &item, &left);
    spent += NO_LIMIT - left;
  }
  worker->releasing = false;
  worker->spilled |= memcmp(&dead->heads, floor, sizeof *floor) != 0;
  if (spent > CHARGE_FROM) worker->reductions -= spent / WORDS_PER_REDUCTION;
  sessions_tell(worker);
}

// ---- Between slices -------------------------------------------------------------------------------------------------

// What sweeps find is told when nothing is left of what they were a part of.
static void step(Worker *worker, bool unheard, i64 left) {
  static const DeadHeads bottom;
  Dead *dead = &worker->dead[unheard];
  Message *before = worker->lost;
  bool was_unheard = worker->unheard;
  worker->lost = worker->late;
  worker->unheard = unheard;
  worker->releasing = true;
  worker->holding++;
  while (left > 0 && (is_held(&dead->item) || take(dead, &bottom, NO_LIMIT, &dead->item))) part(worker, &dead->item, &left);
  worker->holding--;
  worker->releasing = false;
  worker->unheard = was_unheard;
  worker->late = worker->lost;
  worker->lost = before;
  if (worker->dead_words) return;
  Message *late = worker->late;
  worker->late = NULL;
  sessions_add(worker, late);
  sessions_tell(worker);
}

static bool is_empty(const Dead *dead) {
  const DeadHeads *heads = &dead->heads;
  return !is_held(&dead->item) && !heads->chunks && !heads->messages && !heads->blocks && !heads->heaps && !heads->stacks;
}

static void next_step(Worker *worker, i64 words) { step(worker, is_empty(&worker->dead[false]), words); }

void release_rest(Worker *worker) {
  while (worker->dead_words) next_step(worker, NO_LIMIT);
}

bool release_for_room(Worker *worker) {
  if (!worker->dead_words || worker->releasing || worker->locked) return false;
  worker->untidy = true;  // sessions found dead are told when the turn ends
  worker->holding++;
  release_rest(worker);
  worker->holding--;
  return true;
}

// Where many have little to do, a step after each would take most of the time.
static bool too_soon(Worker *worker) {
  i64 run = (i64)(worker->stats.reductions - worker->released_at);
  if (worker->sched->ready_count && run < STEP_REDUCTIONS) return true;
  worker->released_at = worker->stats.reductions;
  return false;
}

void release_between(Worker *worker) {
  Sched *sched = worker->sched;
  const DeadItem *item = &worker->dead[is_empty(&worker->dead[false])].item;
  if (!may_leave(worker, item->payer)) {
    release_rest(worker);
    return;
  }
  if (too_soon(worker)) return;
  bool behind = worker->dead_words > worker->dead_least + BEHIND_WORDS, woken = sched_has_woken(sched);
  for (u32 steps = behind ? STEPS_BEHIND : woken ? 1 : STEPS_ALONE; steps && worker->dead_words; steps--) {
    next_step(worker, STEP_WORDS);
    sched->until_poll -= POLL_COST;
    if (!behind && !woken && sched_has_woken(sched)) break;
  }
  if (worker->dead_least > worker->dead_words) worker->dead_least = worker->dead_words;
}

// ---- What dies ------------------------------------------------------------------------------------------------------

static void count_in(Worker *worker, Bank *payer, u64 words) {
  worker->dead_words += words;
  if (payer) bank_wait(worker, payer);
}

void chunk_free(Worker *worker, Chunk *chunk) {
  if (!chunk) return;
  if (!chunk->counted) {
    if (chunk->paid) bank_give(worker, chunk->payer, chunk_bytes(chunk->capacity));
    memory_free(chunk, chunk_bytes(chunk->capacity));
    return;
  }
  Dead *dead = list_of(worker);
  DeadHeads floor = dead->heads;
  chunk->next = floor.chunks;
  dead->heads.chunks = chunk;
  count_in(worker, chunk->payer, 1 + chunk->used);
  work_off(worker, &floor);
}

void heap_free_message(Worker *worker, Message *message) {
  if (!message->counted) {
    message_recycle(worker, message);
    return;
  }
  if (!message->begun) account_count(&bank_account(message->payer, worker)->messages, -1);
  message->begun = 1;
  Dead *dead = list_of(worker);
  DeadHeads floor = dead->heads;
  message->next = floor.messages;
  dead->heads.messages = message;
  count_in(worker, message->payer, 1 + message->bytes / 8);
  work_off(worker, &floor);
}

void block_dead(Worker *worker, SharedBlock *block) {
  Dead *dead = list_of(worker);
  DeadHeads floor = dead->heads;
  block->next = floor.blocks;
  dead->heads.blocks = block;
  worker->dead_words += 1 + block_words(block);
  work_off(worker, &floor);
}

void heap_free(Worker *worker, Heap *heap) {
  if (!heap) return;
  Dead *dead = list_of(worker);
  DeadHeads floor = dead->heads;
  heap->next = floor.heaps;
  dead->heads.heaps = heap;
  u64 words = 1 + heap->live_words;
  count_in(worker, heap->payer, words);
  if (words > BEHIND_WORDS) worker->dead_least = worker->dead_words;  // nobody makes many of those
  work_off(worker, &floor);
}

// Its bank has no part in it any more: one that is full could not wait (docs/charging.md).
void stack_free(Worker *worker, u64 *words, u32 count) {
  if (!may_leave(worker, NULL)) {
    memory_unmap(words, count * sizeof(u64));
    return;
  }
  DeadStack *stack = (DeadStack *)words;
  Dead *dead = list_of(worker);
  *stack = (DeadStack){dead->heads.stacks, count};
  dead->heads.stacks = stack;
  worker->dead_words += 1 + count / STACK_WORDS_COUNTED;
}
