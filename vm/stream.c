// Writing output: see stream.h.
//
// The descriptors that we were given are shared with other programs, so they are never made non-blocking. A pipe or a terminal is opened
// once more, for a description of our own that is; where that is refused, poll() is asked before each write of no more than PIPE_BUF
// bytes. Files are simply written.
//
// A stream's lock is held while it is written. What may come of a write, the end of the run, actors that go on, is done after that.
#include "vm/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm/outside.h"
#include "vm/sched.h"

enum {
  HELD_BYTES = 64 * 1024,
  WAITING_BYTES = 1 << 20,    // more than this never waits
  SIGNAL_MS = 100,            // how soon one who blocks sees a signal that came to another thread
  CAPTURE_LIMIT = 1 << 28,
};

// Who asked for a flush that has not come to its end, or waits for room.
typedef struct StreamWait {
  struct StreamWait *next;
  Promise *promise;    // one count of it
  Actor *actor;        // suspended; one weight of it
} StreamWait;

struct Stream {
  Watch watch;         // first. Its descriptor is the one that is written, -1 if captured
  pthread_mutex_t lock;
  bool held;           // until flushed
  bool prepared;
  bool asks_first;     // poll() before each write
  bool own;            // the descriptor is to be closed
  bool failed;         // writing is in vain
  _Atomic bool full;   // who writes is to wait
  Stream *before;
  char *text;
  size_t start, used, capacity;  // what is held lies between start and used
  u64 left_out;        // bytes of reports
  StreamWait *waiting, *flushing;
};

// What is to be done once the lock is free.
typedef struct After {
  int error;
  StreamWait *waiting, *flushing;
} After;

static void stream_ready(Worker *worker, Watch *watch);

Stream *stream_open(int fd, Stream *before, bool held) {
  Stream *stream = memory_alloc(sizeof *stream);
  if (!stream) return NULL;
  *stream = (Stream){.watch = {.fd = fd, .events = EPOLLOUT, .ready = stream_ready}, .held = held, .before = before};
  stream->text = memory_alloc(HELD_BYTES);
  stream->capacity = HELD_BYTES;
  pthread_mutex_init(&stream->lock, NULL);
  if (stream->text) return stream;
  memory_free(stream, sizeof *stream);
  return NULL;
}

void stream_close(Worker *worker, Stream *stream) {
  if (!stream) return;
  outside_forget(worker->vm, &stream->watch);
  if (stream->own) close(stream->watch.fd);
  pthread_mutex_destroy(&stream->lock);
  memory_free(stream->text, stream->capacity);
  memory_free(stream, sizeof *stream);
}

Str stream_captured(const Stream *stream) { return (Str){stream->text, stream->used}; }

static size_t held(const Stream *stream) { return stream->used - stream->start; }

bool stream_holds(Stream *stream) {
  pthread_mutex_lock(&stream->lock);
  bool holds = held(stream) && atomic_load(&stream->watch.armed);
  pthread_mutex_unlock(&stream->lock);
  return holds;
}

// ---- The system -----------------------------------------------------------------------------------------------------

// Finds out how to write without blocking.
static void prepare(Stream *stream) {
  stream->prepared = true;
  struct stat about;
  int fd = stream->watch.fd;
  if (fstat(fd, &about) || S_ISREG(about.st_mode)) return;
  bool shared = S_ISFIFO(about.st_mode) || (S_ISCHR(about.st_mode) && isatty(fd));
  if (!shared && !S_ISSOCK(about.st_mode)) return;
  char name[40];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int own = shared ? open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
  stream->own = own >= 0;
  stream->asks_first = own < 0;
  if (own >= 0) stream->watch.fd = own;
}

static ssize_t write_now(Stream *stream, Str text) {
  if (!stream->asks_first) return write(stream->watch.fd, text.ptr, text.len);
  struct pollfd asked = {.fd = stream->watch.fd, .events = POLLOUT};
  int ready = poll(&asked, 1, 0);
  if (ready > 0) return write(stream->watch.fd, text.ptr, text.len < PIPE_BUF ? text.len : PIPE_BUF);
  if (!ready) errno = EAGAIN;
  return -1;
}

// Writes as much as the system takes now, or, if it may block, all, unless a signal ends the run. 0 or an errno.
static int write_out(Stream *stream, Str *text, bool blocks) {
  struct pollfd waiting = {.fd = stream->watch.fd, .events = POLLOUT};
  while (text->len) {
    ssize_t written = write_now(stream, *text);
    if (written >= 0) {
      text->ptr += written;
      text->len -= (size_t)written;
    } else if (errno == EAGAIN) {
      if (!blocks || outside_signal()) return 0;
      if (poll(&waiting, 1, SIGNAL_MS) < 0 && errno != EINTR) return errno;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// ---- Under the lock -------------------------------------------------------------------------------------------------

// An empty buffer goes back to its usual size.
static void shrink(Stream *stream) {
  stream->start = stream->used = 0;
  if (stream->capacity == HELD_BYTES) return;
  char *text = memory_alloc(HELD_BYTES);
  if (!text) return;
  memory_free(stream->text, stream->capacity);
  stream->text = text;
  stream->capacity = HELD_BYTES;
}

static void give_up(Stream *stream, int error, After *after) {
  stream->failed = true;
  stream->start = stream->used = 0;
  after->error = error;
}

// Lets those go on who wait for less to be held.
static void release(Stream *stream, After *after) {
  if (held(stream) <= HELD_BYTES / 2) {
    atomic_store(&stream->full, false);
    after->waiting = stream->waiting;
    stream->waiting = NULL;
  }
  if (held(stream)) return;
  after->flushing = stream->flushing;
  stream->flushing = NULL;
}

// While the outside is awaited there is no point in trying.
static void flush(Worker *worker, Stream *stream, bool blocks, After *after) {
  blocks |= worker->sched->simulated;
  if (stream->watch.fd < 0 || stream->failed || (!blocks && atomic_load(&stream->watch.armed))) return;
  if (!stream->prepared && held(stream)) prepare(stream);
  Str text = {stream->text + stream->start, held(stream)};
  int error = write_out(stream, &text, blocks);
  if (!error && text.len && !blocks && !outside_watch(worker->vm, &stream->watch)) error = write_out(stream, &text, true);
  stream->start = stream->used - text.len;
  if (error) give_up(stream, error, after);
  else if (!text.len) shrink(stream);
  if (blocks) outside_unwatch(worker->vm, &stream->watch);
  if (stream->waiting || stream->flushing || atomic_load(&stream->full)) release(stream, after);
}

// Room for so many bytes more, in a buffer that may have to grow.
static bool grow(Stream *stream, size_t more) {
  size_t kept = held(stream), capacity = stream->capacity;
  while (capacity - kept < more) capacity *= 2;
  if (stream->watch.fd < 0 && capacity > CAPTURE_LIMIT) return false;
  char *text = memory_alloc(capacity);
  if (!text) return false;
  memcpy(text, stream->text + stream->start, kept);
  memory_free(stream->text, stream->capacity);
  stream->text = text;
  stream->capacity = capacity;
  stream->start = 0;
  stream->used = kept;
  return true;
}

// Text that does not fit: what can be written is written.
static void put_long(Worker *worker, Stream *stream, Str text, After *after) {
  flush(worker, stream, false, after);
  bool writes = stream->watch.fd >= 0 && !held(stream) && text.len >= HELD_BYTES;
  if (writes && !stream->prepared) prepare(stream);
  int error = writes ? write_out(stream, &text, worker->sched->simulated) : 0;
  if (!error && text.len > stream->capacity - stream->used && !grow(stream, text.len)) {
    if (stream->watch.fd < 0) return;
    flush(worker, stream, true, after);  // memory is out: there is no other way to keep it
    error = stream->failed ? 0 : write_out(stream, &text, true);
    if (!error) return;
  }
  if (error) give_up(stream, error, after);
  if (stream->failed) return;
  if (text.len) memcpy(stream->text + stream->used, text.ptr, text.len);
  stream->used += text.len;
  if (writes && text.len) flush(worker, stream, false, after);
}

static void put(Worker *worker, Stream *stream, Str text, After *after) {
  if (stream->failed) return;
  if (UNLIKELY(text.len > stream->capacity - stream->used)) {
    put_long(worker, stream, text, after);
    return;
  }
  if (text.len) memcpy(stream->text + stream->used, text.ptr, text.len);
  stream->used += text.len;
}

// Says that reports are missing, once there is room to say it.
static void put_left_out(Worker *worker, Stream *stream, After *after) {
  if (LIKELY(!stream->left_out) || held(stream) > HELD_BYTES / 2) return;
  char line[100];
  int length = snprintf(line, sizeof line, "error: %llu bytes were left out here, which nobody read in time\n", (unsigned long long)stream->left_out);
  stream->left_out = 0;
  put(worker, stream, (Str){line, (size_t)length}, after);
}

// ---- Without the lock -----------------------------------------------------------------------------------------------

static void tell_failure(Worker *worker, Stream *stream, int error) {
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

static void wait_over(Worker *worker, StreamWait *wait, bool stopped) {
  if (wait->actor) {
    if (!stopped) sched_wake(worker, wait->actor);
    weight_return(worker, wait->actor, WEIGHT_UNIT);
  } else {
    if (stopped) promise_break(worker, wait->promise, WK_STOPPED, STR(""));
    else promise_give(worker, wait->promise, VAL_UNIT, NULL);
    promise_release(worker, wait->promise);
  }
  pool_free(&worker->pool, wait, sizeof *wait);
}

static void waits_over(Worker *worker, StreamWait *first, bool stopped) {
  for (StreamWait *wait = first, *next; wait; wait = next) {
    next = wait->next;
    wait_over(worker, wait, stopped);
  }
}

static void unlock(Worker *worker, Stream *stream, After after) {
  if (UNLIKELY(held(stream) >= HELD_BYTES) && atomic_load(&stream->watch.armed)) atomic_store(&stream->full, true);
  pthread_mutex_unlock(&stream->lock);
  if (UNLIKELY(after.error != 0)) tell_failure(worker, stream, after.error);
  waits_over(worker, after.waiting, false);
  waits_over(worker, after.flushing, false);
}

static void flush_now(Worker *worker, Stream *stream, bool blocks) {
  After after = {0};
  pthread_mutex_lock(&stream->lock);
  flush(worker, stream, blocks, &after);
  put_left_out(worker, stream, &after);
  if (blocks) flush(worker, stream, true, &after);
  unlock(worker, stream, after);
}

void stream_flush(Worker *worker, Stream *stream) { flush_now(worker, stream, false); }
void stream_finish(Worker *worker, Stream *stream) { flush_now(worker, stream, true); }

static void stream_ready(Worker *worker, Watch *watch) {
  Stream *stream = (Stream *)watch;
  if (stream->before) stream_flush(worker, stream->before);
  stream_flush(worker, stream);
}

static void write_parts(Worker *worker, Stream *stream, Str text, Str end) {
  if (stream->before) stream_flush(worker, stream->before);
  After after = {0};
  pthread_mutex_lock(&stream->lock);
  put_left_out(worker, stream, &after);
  if (UNLIKELY(held(stream) >= WAITING_BYTES) && stream->watch.fd >= 0) stream->left_out += text.len + end.len;
  else put(worker, stream, text, &after);
  if (end.len && !stream->left_out) put(worker, stream, end, &after);
  if (!stream->held) flush(worker, stream, false, &after);
  unlock(worker, stream, after);
}

void stream_write(Worker *worker, Stream *stream, Str text) { write_parts(worker, stream, text, STR("")); }
void stream_write_line(Worker *worker, Stream *stream, Str text) { write_parts(worker, stream, text, STR("\n")); }

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

// ---- Who waits ------------------------------------------------------------------------------------------------------

bool stream_flush_for(Worker *worker, Stream *stream, Promise *promise) {
  StreamWait *wait = pool_alloc(&worker->pool, sizeof *wait);
  if (!wait) return false;
  After after = {0};
  pthread_mutex_lock(&stream->lock);
  *wait = (StreamWait){stream->flushing, promise, NULL};
  stream->flushing = wait;
  flush(worker, stream, false, &after);
  if (stream->watch.fd < 0 || stream->failed || outside_signal()) {
    after.flushing = stream->flushing;
    stream->flushing = NULL;
  }
  unlock(worker, stream, after);
  return true;
}

void stream_make_room(Worker *worker, Stream *stream) {
  if (LIKELY(!stream_is_full(stream))) return;
  pthread_mutex_lock(&stream->lock);
  bool much = held(stream) >= WAITING_BYTES;
  pthread_mutex_unlock(&stream->lock);
  if (much) stream_finish(worker, stream);
}

bool stream_is_full(const Stream *stream) { return atomic_load_explicit(&stream->full, memory_order_relaxed); }

bool stream_wait(Worker *worker, Stream *stream, Actor *actor) {
  StreamWait *wait = pool_alloc(&worker->pool, sizeof *wait);
  if (!wait) return false;
  pthread_mutex_lock(&stream->lock);
  bool full = atomic_load(&stream->full);
  if (full) {
    *wait = (StreamWait){stream->waiting, NULL, actor};
    stream->waiting = wait;
    atomic_fetch_add_explicit(&actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  }
  pthread_mutex_unlock(&stream->lock);
  if (!full) pool_free(&worker->pool, wait, sizeof *wait);
  return full;
}

void stream_stop(Worker *worker, Stream *stream) {
  if (!stream) return;
  waits_over(worker, stream->waiting, true);
  waits_over(worker, stream->flushing, true);
  stream->waiting = stream->flushing = NULL;
}
