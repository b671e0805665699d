// Writing output: see stream.h.
#include "vm/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "vm/sched.h"

enum { HELD_BYTES = 64 * 1024, CAPTURE_LIMIT = 1 << 28 };

struct Stream {
  int fd;
  bool held;           // until flushed
  bool failed;         // writing is in vain
  Stream *before;
  char *text;
  size_t used, capacity;
};

Stream *stream_open(int fd, Stream *before, bool held) {
  Stream *stream = memory_alloc(sizeof *stream);
  if (!stream) return NULL;
  *stream = (Stream){.fd = fd, .held = held, .before = before};
  stream->text = memory_alloc(HELD_BYTES);
  stream->capacity = HELD_BYTES;
  if (stream->text) return stream;
  memory_free(stream, sizeof *stream);
  return NULL;
}

void stream_close(Stream *stream) {
  if (!stream) return;
  memory_free(stream->text, stream->capacity);
  memory_free(stream, sizeof *stream);
}

Str stream_captured(const Stream *stream) { return (Str){stream->text, stream->used}; }

static void fail(Worker *worker, Stream *stream, int error) {
  stream->failed = true;
  if (error == EPIPE) {
    sched_stop(worker, VM_END_PIPE, 141);
    return;
  }
  if (stream->before) return;  // stderr itself: there is nowhere left to say it
  char line[200];
  int length = snprintf(line, sizeof line, "error: cannot write to stdout: %s\n", strerror(error));
  stream_write(worker, worker->vm->err, (Str){line, (size_t)length});
  sched_stop(worker, VM_END_EXIT, 1);
}

// Whoever gave us the descriptor may have made it non-blocking.
static bool wait_writable(int fd) {
  struct pollfd waiting = {.fd = fd, .events = POLLOUT};
  return poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

static void write_out(Worker *worker, Stream *stream, Str text) {
  while (text.len && !stream->failed) {
    ssize_t written = write(stream->fd, text.ptr, text.len);
    if (written >= 0) {
      text.ptr += written;
      text.len -= (size_t)written;
    } else if (errno == EAGAIN) {
      if (!wait_writable(stream->fd)) fail(worker, stream, errno);
    } else if (errno != EINTR) {
      fail(worker, stream, errno);
    }
  }
}

void stream_flush(Worker *worker, Stream *stream) {
  if (stream->fd < 0 || !stream->used) return;
  Str text = {stream->text, stream->used};
  stream->used = 0;
  write_out(worker, stream, text);
}

static bool capture_grow(Stream *stream, size_t more) {
  size_t capacity = stream->capacity;
  while (capacity - stream->used < more) capacity *= 2;
  if (capacity > CAPTURE_LIMIT) return false;
  char *text = memory_alloc(capacity);
  if (!text) return false;
  memcpy(text, stream->text, stream->used);
  memory_free(stream->text, stream->capacity);
  stream->text = text;
  stream->capacity = capacity;
  return true;
}

// Keeps the text; false if there is no room for it.
static bool hold(Worker *worker, Stream *stream, Str text) {
  if (stream->fd >= 0 && text.len > stream->capacity - stream->used) stream_flush(worker, stream);
  bool fits = text.len <= stream->capacity - stream->used || (stream->fd < 0 && capture_grow(stream, text.len));
  if (!fits) return false;
  if (text.len) memcpy(stream->text + stream->used, text.ptr, text.len);
  stream->used += text.len;
  return true;
}

static void put(Worker *worker, Stream *stream, Str text) {
  if (!hold(worker, stream, text) && stream->fd >= 0) write_out(worker, stream, text);
}

void stream_write(Worker *worker, Stream *stream, Str text) {
  if (stream->before) stream_flush(worker, stream->before);
  put(worker, stream, text);
  if (!stream->held) stream_flush(worker, stream);
}

void stream_write_line(Worker *worker, Stream *stream, Str text) {
  if (stream->before) stream_flush(worker, stream->before);
  put(worker, stream, text);
  put(worker, stream, STR("\n"));
  if (!stream->held) stream_flush(worker, stream);
}

void stream_write_escaped(Worker *worker, Stream *stream, Str text) {
  size_t from = 0;
  for (size_t i = 0; i < text.len; i++) {
    u8 c = (u8)text.ptr[i];
    bool high = c == 0xc2 && i + 1 < text.len && (u8)text.ptr[i + 1] < 0xa0;  // U+0080 to U+009F
    if (c >= 0x20 && c != 0x7f && !high) continue;
    char escape[12];
    const char *known = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
    if (known) snprintf(escape, sizeof escape, "%s", known);
    else snprintf(escape, sizeof escape, "\\u{%x}", high ? (u8)text.ptr[i + 1] : c);
    stream_write(worker, stream, (Str){text.ptr + from, i - from});
    stream_write(worker, stream, str_from(escape));
    i += high;
    from = i + 1;
  }
  stream_write(worker, stream, (Str){text.ptr + from, text.len - from});
}
