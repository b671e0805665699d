// The power Bank. Everything that it is told happens within the send: what it does must have taken effect when the send returns, and what it
// answers is as things are then.
#include "vm/bank.h"
#include "vm/fault.h"
#include "vm/linked.h"
#include "vm/power.h"

Bank *power_bank(const Obj *reference) {
  Actor *actor = ref_actor(reference);
  return power_is(actor, POWER_Bank) ? power_state(actor)->bank : NULL;
}

void power_bank_drop(Worker *worker, Actor *actor) {
  Bank *bank = power_state(actor)->bank;
  if (bank) bank_unname(worker, bank);
}

// The actor that stands for a bank belongs to the bank above: so it outlives its own.
bool power_bank_carve(Worker *worker, Actor *actor, Message *message) {
  Bank *parent = power_state(actor)->bank;
  Chunk *chunk = promise_chunk(4);
  if (!chunk) return fault_memory(worker);
  Bank *bank = bank_carve(worker, parent, val_int(message->args[0]), val_int(message->args[1]));
  Actor *its = bank ? power_new(worker, parent, POWER_Bank) : NULL;
  if (!its) {
    if (bank) bank_unname(worker, bank);
    chunk_free(worker, chunk);
    return worker->fault ? false : fault_memory(worker);
  }
  power_state(its)->bank = bank;
  Val reference = chunk_reference(chunk, its, worker->vm->bank_itable);
  promise_give(worker, message->promise, reference, chunk);
  return true;
}

bool power_bank_usage(Worker *worker, Actor *actor, Message *message) {
  BankUsage usage = bank_usage(worker->vm, power_state(actor)->bank);
  Chunk *chunk = promise_chunk(1 + 4);
  if (!chunk) return fault_memory(worker);
  u64 limit = usage.limit < INT64_MAX ? usage.limit : INT64_MAX;
  const u64 fields[] = {usage.memory, limit, (u64)usage.actors, (u64)usage.messages};  // Ints stand in data as they are
  Val value = chunk_record(worker, chunk, WK_USAGE, fields, COUNT_OF(fields));
  promise_give(worker, message->promise, value, chunk);
  return true;
}

bool power_bank_freeze(Worker *worker, Actor *actor, Message *message) {
  (void)message;
  bank_freeze(worker, power_state(actor)->bank);
  return true;
}

bool power_bank_thaw(Worker *worker, Actor *actor, Message *message) {
  (void)message;
  bank_thaw(worker, power_state(actor)->bank);
  return true;
}

bool power_bank_destroy(Worker *worker, Actor *actor, Message *message) {
  promise_retain(message->promise);
  if (bank_destroy(worker, power_state(actor)->bank, message->promise)) return true;
  promise_release(worker, message->promise);
  return false;
}
