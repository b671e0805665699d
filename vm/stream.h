// Output: stdout and stderr, or what a test captures instead.
//
// stdout is buffered: it is written when the buffer is full, when the VM has nothing to do, when it has run for a while, when
// someone asks, and before anything goes to stderr, so that a terminal shows both in causal order. stderr is never held back.
#pragma once
#include "vm/state.h"

typedef struct Stream Stream;

// NULL when memory is out. `fd` -1: captures. `before`: is flushed before this one is written, or NULL.
Stream *stream_open(int fd, Stream *before, bool held) MUST_CHECK;
void stream_close(Stream *stream);                        // after a flush

void stream_write(Worker *worker, Stream *stream, Str text);
void stream_write_line(Worker *worker, Stream *stream, Str text);  // and a newline, in one piece
// With control characters as \u{..}: text of a program that goes to a terminal.
void stream_write_escaped(Worker *worker, Stream *stream, Str text);
// Hands what is held to the system. The run stops if that fails: quietly when the reader has gone, else with a line on stderr.
void stream_flush(Worker *worker, Stream *stream);
Str stream_captured(const Stream *stream);                // until the next write
