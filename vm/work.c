// Records of natives that are interrupted: see work.h.
#include "vm/work.h"

#include "vm/fault.h"
#include "vm/sched.h"

enum {
  FREED_AT_ONCE = 64 * 1024,  // bytes
  MADE_PER_REDUCTION = 64,    // bytes: what it takes if the pages are new
  FREED_PER_REDUCTION = 512,
  FREE_COST = 8,              // reductions for each chunk
};

static Work *record_new(Worker *worker) {
  Bank *payer = worker->account->bank;
  Work *work = bank_alloc(worker, payer, sizeof *work);
  if (!work) {
    fault_memory(worker);
    return NULL;
  }
  *work = (Work){.payer = payer, .kept = {VAL_EMPTY, VAL_EMPTY}, .slice_left = worker->vm->options.quantum};
  return worker->turn->work = work;
}

Work *work_record(Worker *worker) {
  Work *work = work_begun(worker);
  return work ? work : record_new(worker);
}

bool work_pause(Worker *worker) {
  fault_clear(worker);
  worker->fault = FAULT_PAUSE;
  return false;
}

bool work_pause_at(Worker *worker, u64 at, u64 count) {
  Work *work = work_record(worker);
  if (!work) return false;
  work->at = at;
  work->count = count;
  return work_pause(worker);
}

bool work_pause_kept(Worker *worker, Val first, Val second) {
  Work *work = work_record(worker);
  if (!work) return false;
  work->kept[0] = first;
  work->kept[1] = second;
  return work_pause(worker);
}

void work_each(Turn *turn, SlotVisit visit, void *context) {
  if (LIKELY(!turn->work)) return;
  for (u32 i = 0; i < WORK_KEPT; i++) visit(context, &turn->work->kept[i]);
}

// Collected already, or about to be: a collection that is due comes when the turn has been put aside, and the native begins after that.
bool work_be_still(Worker *worker, Work *work) {
  if (!heap_suspend(worker)) return fault_memory(worker);
  if (worker->collect_due) return work_pause(worker);
  work->still = true;
  return true;
}

// ---- Memory of their own --------------------------------------------------------------------------------------------

Chunk *work_space(Worker *worker, Work *work, u32 words) {
  u64 bytes = chunk_bytes(words);
  if (!bank_take(worker, work->payer, bytes)) return NULL;
  Chunk *chunk = chunk_new(words);
  if (!chunk) {
    bank_give(worker, work->payer, bytes);
    return NULL;
  }
  chunk->next = work->space;
  work->space = chunk;
  work->space_bytes += bytes;
  return chunk;
}

void *work_keep(Worker *worker, void *own, size_t bytes) {
  Work *work = work_record(worker);
  if (!work || work->own) return work ? work->own : NULL;
  Chunk *chunk = work_space(worker, work, (u32)((bytes + sizeof(u64) - 1) / sizeof(u64)));
  if (!chunk) return fault_memory(worker), NULL;
  return work->own = memcpy(chunk->words, own, bytes);
}

// Much of it is freed in steps, as the heap of nobody.
static bool space_leave(Worker *worker, Work *work) {
  Heap *heap = work->space_bytes > FREED_AT_ONCE ? memory_alloc(sizeof *heap) : NULL;
  if (!heap) return false;
  u64 bytes = work->space_bytes;
  *heap = (Heap){.chunks = work->space, .live_words = bytes / sizeof(u64), .payer = work->payer, .bytes = bytes, .paid = bytes};
  work->space = NULL;
  heap_free(worker, heap);
  return true;
}

void work_space_free(Worker *worker, Work *work) {
  if (!work->space || space_leave(worker, work)) return;
  bank_give(worker, work->payer, work->space_bytes);
  work->space_bytes = 0;
  for (Chunk *chunk; (chunk = work->space);) {
    work->space = chunk->next;
    memory_free(chunk, chunk_bytes(chunk->capacity));
  }
}

bool work_shrink(Worker *worker, Work *work) {
  for (Chunk *chunk; (chunk = work->space) && chunk->next;) {
    u64 bytes = chunk_bytes(chunk->capacity);
    work->space = chunk->next;
    work->space_bytes -= bytes;
    bank_give(worker, work->payer, bytes);
    memory_free(chunk, bytes);
    worker->reductions -= FREE_COST + (i64)(bytes / FREED_PER_REDUCTION);
    if (work_is_over(worker)) return work_pause(worker);
  }
  return true;
}

void work_free(Worker *worker, Turn *turn) {
  Work *work = turn->work;
  turn->work = NULL;
  work_space_free(worker, work);
  bank_free(worker, work->payer, work, sizeof *work);
}

// ---- Texts being made -----------------------------------------------------------------------------------------------

bool making_begin(Making *making, Worker *worker, Kind kind, u64 length) {
  const Work *work = work_begun(worker);
  *making = (Making){.worker = worker};
  if (making_goes_on(worker)) {
    making->text = val_obj(work->kept[0]);
    making->done = work->done;
    making->at = work->at;
    return true;
  }
  if (length > WORK_BYTES && worker->puts_aside) sched_shorten(worker, WORK_STEP);
  making->text = heap_bytes(worker, kind, length);
  return making->text || fault_memory(worker);
}

bool making_add(Making *making, Str part) {
  char *to = making_place(making);
  while (making->at < part.len) {
    u64 left = part.len - making->at, count = left < WORK_BYTES ? left : WORK_BYTES;
    memcpy(to, part.ptr + making->at, count);
    to += count;
    making->at += count;
    making->worker->reductions -= (i64)((making->done + count) / MADE_PER_REDUCTION - making->done / MADE_PER_REDUCTION);
    making->done += count;
    if (work_is_over(making->worker)) return false;
  }
  making->at = 0;
  return true;
}

bool making_pause(const Making *making, Val kept, u64 count) {
  Work *work = work_record(making->worker);
  if (!work) return false;
  work->kept[0] = obj_val(making->text);
  work->kept[1] = kept;
  work->done = making->done;
  work->at = making->at;
  work->count = count;
  return work_pause(making->worker);
}

bool making_copy(Worker *worker, Kind kind, const u64 *source, u64 from, u64 to, u64 *result) {
  Making making;
  bool goes_on = making_goes_on(worker);
  if (!making_begin(&making, worker, kind, to - from)) return false;
  u64 length = header_info(making.text->header);
  if (goes_on) from = work_begun(worker)->count;
  if (!making_add(&making, (Str){obj_bytes(val_obj(*source)).ptr + from, length})) return making_pause(&making, VAL_EMPTY, from);
  *result = obj_val(making.text);
  return work_end(worker);
}

enum { PIECE_BYTES = WORK_BYTES };

struct TextPiece {
  TextPiece *next;
  char bytes[PIECE_BYTES];
};

static TextPiece *piece_add(Pieces *pieces, Worker *worker, Work *work) {
  Chunk *chunk = work_space(worker, work, sizeof(TextPiece) / sizeof(u64));
  if (!chunk) return NULL;
  TextPiece *piece = (TextPiece *)chunk->words;
  piece->next = NULL;
  if (pieces->last) pieces->last->next = piece;
  else pieces->first = piece;
  return pieces->last = piece;
}

bool pieces_keep(Pieces *pieces, Worker *worker, Work *work) {
  for (u64 at = 0; at < worker->text_length;) {
    u64 filled = pieces->length % PIECE_BYTES, count = PIECE_BYTES - filled;
    if (!filled && !piece_add(pieces, worker, work)) return false;
    if (count > worker->text_length - at) count = worker->text_length - at;
    memcpy(pieces->last->bytes + filled, worker->text + at, count);
    pieces->length += count;
    at += count;
  }
  worker->text_length = 0;
  pieces->left = pieces->length;
  return true;
}

bool pieces_join(Pieces *pieces, Worker *worker, u64 *to) {
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, pieces->length)) return false;
  while (pieces->left) {
    u64 count = pieces->left < PIECE_BYTES ? pieces->left : PIECE_BYTES;
    if (!making_add(&making, (Str){pieces->first->bytes, count})) return making_pause(&making, VAL_EMPTY, 0);
    pieces->first = pieces->first->next;
    pieces->left -= count;
  }
  if (work_begun(worker) && !work_shrink(worker, worker->turn->work)) return making_pause(&making, VAL_EMPTY, 0);
  *to = obj_val(making.text);
  return work_end(worker);
}
