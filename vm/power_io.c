// The powers Out and In: text to stdout or stderr, text from stdin. The work is in stream.c and input.c.
#include "vm/input.h"
#include "vm/power.h"
#include "vm/stream.h"

static Str text_of(const Message *message) { return obj_bytes(val_obj(message->args[0])); }

// What is sent to an Out is written within the send. Who sends while nobody reads is put aside after it.
static void wrote(Worker *worker, Stream *stream) {
  if (LIKELY(!stream_is_full(stream)) || !worker->actor) return;
  worker->stalled = stream;
  worker->reductions = 0;
}

bool power_out_line(Worker *worker, Actor *actor, Message *message) {
  Stream *stream = power_state(actor)->stream;
  stream_make_room(worker, stream);
  stream_write_line(worker, stream, text_of(message));
  wrote(worker, stream);
  return true;
}

bool power_out_write(Worker *worker, Actor *actor, Message *message) {
  Stream *stream = power_state(actor)->stream;
  stream_make_room(worker, stream);
  stream_write(worker, stream, text_of(message));
  wrote(worker, stream);
  return true;
}

bool power_out_flush(Worker *worker, Actor *actor, Message *message) {
  if (!message->promise) {
    stream_flush(worker, power_state(actor)->stream);
    return true;
  }
  if (!stream_flush_for(worker, power_state(actor)->stream, message->promise)) return fault_memory(worker);
  message->promise = NULL;
  return true;
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
