// A worker's scratch text: where show, string building and crash reports put bytes before they become a String or leave
// the VM.
//
// It is kept between uses, so that short texts cost no allocation, and it is not an actor's memory: a text that grows
// past SCRATCH_LIMIT counts as out of memory, so that a value that shares its parts 2^60 times can't fill the machine
// when it is shown.
#include <stdlib.h>

#include "vm/memory.h"
#include "vm/worker.h"

bool scratch_reserve(Worker *worker, size_t more) {
  if (LIKELY(more <= worker->text_capacity - worker->text_length)) return true;
  if (more > SCRATCH_LIMIT - worker->text_length) return false;
  size_t needed = worker->text_length + more;
  size_t grown = worker->text_capacity ? worker->text_capacity * 2 : 256;
  if (grown > SCRATCH_LIMIT) grown = SCRATCH_LIMIT;
  if (grown < needed) grown = needed;
  char *text = memory_refuses(grown) ? NULL : realloc(worker->text, grown);
  if (!text) return false;
  worker->text = text;
  worker->text_capacity = grown;
  return true;
}

bool scratch_append(Worker *worker, Str s) {
  if (!scratch_reserve(worker, s.len)) return false;
  if (s.len) memcpy(worker->text + worker->text_length, s.ptr, s.len);
  worker->text_length += s.len;
  return true;
}
