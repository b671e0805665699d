// A worker's scratch text: where show, string building and crash reports put bytes before they become a String or leave
// the VM.
//
// It is kept between uses, so that short texts cost no allocation. A large one is charged to the bank of whoever runs, and goes at the
// end of the slice: a value that shares its parts 2^60 times can be shown as far as the bank's memory goes, or up to SCRATCH_LIMIT.
#include "vm/bank.h"
#include "vm/memory.h"

enum { SCRATCH_KEPT = 1 << 20 };

// Charges what a text of so many bytes takes beyond what every worker has.
static bool pay(Worker *worker, size_t bytes) {
  if (bytes <= SCRATCH_KEPT) return true;
  if (!account_take(worker, worker->account, bytes - worker->text_charged)) return false;
  worker->text_charged = bytes;
  return true;
}

void scratch_trim(Worker *worker) {
  account_give(worker->account, worker->text_charged);
  worker->text_charged = 0;
  memory_free(worker->text, worker->text_capacity);
  worker->text = NULL;
  worker->text_length = worker->text_capacity = 0;
}

bool scratch_reserve(Worker *worker, size_t more) {
  if (LIKELY(more <= worker->text_capacity - worker->text_length)) return true;
  if (more > SCRATCH_LIMIT - worker->text_length) return false;
  size_t needed = worker->text_length + more;
  size_t grown = worker->text_capacity ? worker->text_capacity * 2 : 256;
  if (grown > SCRATCH_LIMIT) grown = SCRATCH_LIMIT;
  if (grown < needed) grown = needed;
  if (!pay(worker, grown)) return false;
  char *text = memory_alloc(grown);
  if (!text) return false;
  if (worker->text_length) memcpy(text, worker->text, worker->text_length);
  memory_free(worker->text, worker->text_capacity);
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
