// The powers Out and In: text to stdout or stderr, text from stdin. The work is in stream.c and input.c.
#include "vm/input.h"
#include "vm/power.h"
#include "vm/stream.h"

static Str text_of(const Message *message) { return obj_bytes(val_obj(message->args[0])); }

bool power_out_line(Worker *worker, Actor *actor, Message *message) {
  Stream *stream = power_state(actor)->stream;
  stream_write_line(worker, stream, text_of(message));
  return true;
}

bool power_out_write(Worker *worker, Actor *actor, Message *message) {
  stream_write(worker, power_state(actor)->stream, text_of(message));
  return true;
}

bool power_out_flush(Worker *worker, Actor *actor, Message *message) {
  stream_flush(worker, power_state(actor)->stream);
  return power_answer(worker, message, VAL_UNIT);
}

static bool ask(Worker *worker, Message *message, InputWant want) {
  if (!input_ask(worker, worker->vm->input, want, message->promise)) return fault_memory(worker);
  message->promise = NULL;
  return true;
}

bool power_in_line(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  return ask(worker, message, INPUT_LINE);
}

bool power_in_all(Worker *worker, Actor *actor, Message *message) {
  (void)actor;
  return ask(worker, message, INPUT_ALL);
}
