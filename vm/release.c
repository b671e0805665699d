// Giving back: counts that dead objects held, and the memory of chunks, messages and heaps.
//
// A count given back may be the last: then another actor goes, its heap with it, and the references in there. A chain
// of a million actors that each hold the next must not become a million C frames. So memory that holds counts is never
// worked off where it dies: it joins a list of the worker, and the outermost call here works the list off. The list is
// linked through the dead blocks themselves, so giving back never needs memory.
#include "vm/gc.h"
#include "vm/message.h"

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

void counts_release_moved(Worker *worker, u64 *words, u64 used, Bank *payer) {
  for (u64 at = 0; at < used;) {
    Obj *obj = (Obj *)(words + at);
    bool moved = header_is_forward(obj->header);
    if (!moved && header_is_counted(obj->header)) count_release(worker, obj, payer);
    at += header_words(moved ? ((Obj *)obj->header)->header : obj->header);
  }
}

static void message_release(Worker *worker, Message *message) {
  u64 *graph = message->args + message->count;
  if (message->counted) counts_release(worker, graph, (u32)((u64 *)((char *)message + message->bytes) - graph), message->payer);
  message_recycle(worker, message);
}

static void work_off(Worker *worker) {
  if (worker->releasing) return;
  worker->releasing = true;
  while (worker->dead_chunks || worker->dead_messages || worker->dead_blocks) {
    Chunk *chunk = worker->dead_chunks;
    if (chunk) {
      worker->dead_chunks = chunk->next;
      counts_release(worker, chunk->words, chunk->used, chunk->payer);
      memory_free(chunk, chunk_bytes(chunk->capacity));
    }
    Message *message = worker->dead_messages;
    if (message) {
      worker->dead_messages = message->next;
      message_release(worker, message);
    }
    SharedBlock *block = worker->dead_blocks;
    if (block) {
      worker->dead_blocks = block->next;
      shared_free(worker, block);
    }
  }
  worker->releasing = false;
  sessions_tell(worker);
}

void chunk_free(Worker *worker, Chunk *chunk) {
  if (!chunk) return;
  if (chunk->paid) bank_give(worker, chunk->payer, chunk_bytes(chunk->capacity));
  if (!chunk->counted) {
    memory_free(chunk, chunk_bytes(chunk->capacity));
    return;
  }
  chunk->next = worker->dead_chunks;
  worker->dead_chunks = chunk;
  work_off(worker);
}

void heap_free_message(Worker *worker, Message *message) {
  if (!message->counted) {
    message_release(worker, message);
    return;
  }
  message->next = worker->dead_messages;
  worker->dead_messages = message;
  work_off(worker);
}

void block_dead(Worker *worker, SharedBlock *block) {
  block->next = worker->dead_blocks;
  worker->dead_blocks = block;
  work_off(worker);
}

void heap_free(Worker *worker, Heap *heap) {
  if (!heap) return;
  shares_free(worker, heap);
  bank_give(worker, heap->payer, heap->paid);
  Chunk *chunks = heap->chunks;
  for (LargeObj *large = heap->large, *next; large; large = next) {
    next = large->next;
    memory_free(large, large_bytes(large->words));
  }
  memory_free(heap, sizeof *heap);
  while (chunks) {
    Chunk *next = chunks->next;
    chunk_free(worker, chunks);
    chunks = next;
  }
}
