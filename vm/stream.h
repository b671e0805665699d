// Output: stdout and stderr, or what a test captures instead.
//
// stdout is buffered: it is written when the buffer is full, when the VM has nothing to do, when it has run for a while, when
// someone asks, and before anything goes to stderr, so that a terminal shows both in causal order. stderr is never held back.
//
// Any worker may write, and none blocks in it: what the system does not take now waits in the buffer until the outside says that it
// will (outside.h). While more than the buffer's usual size waits, an actor that sends to an Out is put aside after it until there is
// room, so that a program that prints for ever into a slow pipe keeps bounded memory. With simulated time writing blocks instead, so
// that a run does not depend on who reads.
#pragma once
#include "vm/state.h"

typedef struct Stream Stream;

// NULL when memory is out. `fd` -1: captures. `before`: is flushed before this one is written, or NULL.
Stream *stream_open(int fd, Stream *before, bool held) MUST_CHECK;
void stream_close(Worker *worker, Stream *stream);        // after stream_finish(), for what matters; its actors have gone

void stream_write(Worker *worker, Stream *stream, Str text);
void stream_write_line(Worker *worker, Stream *stream, Str text);  // and a newline, in one piece
// With control characters as \u{..}: text of a program that goes to a terminal.
void stream_write_escaped(Worker *worker, Stream *stream, Str text);
// Hands what is held to the system, as far as it takes it now. The run stops if that fails: quietly when the reader has gone, else with
// a line on stderr.
void stream_flush(Worker *worker, Stream *stream);
// The same to the end, even if that blocks; a signal that has come ends it. For the end of the run.
void stream_finish(Worker *worker, Stream *stream);
bool stream_holds(Stream *stream);                        // something is to be written, and can't be written now
Str stream_captured(const Stream *stream);                // until the next write

// Flushes, and gives () to the promise once all that is held now has been written. Takes the promise over. False when memory is out: then
// it is the caller's.
bool stream_flush_for(Worker *worker, Stream *stream, Promise *promise) MUST_CHECK;

// For what actors write: if much more than the buffer's usual size waits, because those who sent it could not be put aside, it blocks.
void stream_make_room(Worker *worker, Stream *stream);
// Whether more than the usual size waits: then who has written is to be put aside.
bool stream_is_full(const Stream *stream);
// Wakes the actor, which is suspended, when there is room. False, and nothing will be done, if there is, or memory is out.
bool stream_wait(Worker *worker, Stream *stream, Actor *actor);
// The run is over: nobody is woken or answered any more.
void stream_stop(Worker *worker, Stream *stream);
