// The power Random: pseudo-random numbers (random.h), begun from the system's entropy, or from the seed under --seed.
#include "vm/fault.h"
#include "vm/power.h"
#include "vm/random.h"
#include "vm/sched.h"

enum { RANDOM_BYTES_MOST = 1 << 28 };

// One generator for all, so that what is drawn under a seed depends on the order of the draws alone.
static u64 draw(Vm *vm) {
  spin_lock(&vm->random_lock);
  u64 drawn = random_next(&vm->random);
  spin_unlock(&vm->random_lock);
  return drawn;
}

static u64 draw_below(Vm *vm, u64 bound) {
  spin_lock(&vm->random_lock);
  u64 drawn = random_below(&vm->random, bound);
  spin_unlock(&vm->random_lock);
  return drawn;
}

static i64 int_arg(const Message *message, u32 i) { return val_int(message->args[i]); }

bool power_random_int(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  i64 lo = int_arg(message, 0), hi = int_arg(message, 1);
  if (lo >= hi) return fault_set(worker, "no number lies in %lld..%lld", (long long)lo, (long long)hi);
  Chunk *chunk = promise_chunk(2);
  if (!chunk) return fault_memory(worker);
  Val n = chunk_int(chunk, (i64)((u64)lo + draw_below(worker->vm, (u64)hi - (u64)lo)));
  promise_give(worker, message->promise, n, chunk);
  return true;
}

bool power_random_float(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  Chunk *chunk = promise_chunk(2);
  if (!chunk) return fault_memory(worker);
  double x = (double)(draw(worker->vm) >> 11) * 0x1p-53;
  promise_give(worker, message->promise, chunk_word(chunk, KIND_FLOAT, word_from_double(x)), chunk);
  return true;
}

bool power_random_bytes(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  i64 count = int_arg(message, 0);
  if (count < 0 || count > RANDOM_BYTES_MOST) return fault_set(worker, "%lld random bytes asked for", (long long)count);
  // Whether whoever asks may have so much is asked before, for it may be very much.
  u64 words = 1 + bytes_words((u64)count);
  if (!bank_take(worker, message->promise->payer, words * sizeof(u64))) return fault_memory(worker);
  bank_give(worker, message->promise->payer, words * sizeof(u64));
  worker->reductions -= count / 8;
  Chunk *chunk = promise_chunk(words);
  if (!chunk) return fault_memory(worker);
  Val bytes = chunk_string(chunk, KIND_BYTES, (Str){NULL, (size_t)count});
  u8 *to = (u8 *)val_obj(bytes)->words;
  for (i64 at = 0; at < count; at += 8) {
    u64 drawn = draw(worker->vm);
    memcpy(to + at, &drawn, count - at < 8 ? (size_t)(count - at) : 8);
  }
  promise_give(worker, message->promise, bytes, chunk);
  return true;
}
