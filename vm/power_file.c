// The powers ReadFile and File: one file, opened once, when the program starts; whatever the path names later does not matter.
//
// If it can't be opened the program runs all the same, and each question is answered with the reason: whether a missing file matters is
// the program's affair.
//
// These powers have no mailbox: what is sent becomes a request, and a thread of the pool (outside.h) does it, one after the other for each
// file, so no worker waits for a disk or for who writes into a FIFO. What is no ordinary file is found when the program starts, and opened
// by the first request: opening a FIFO may take for ever.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytecode/utf8.h"
#include "vm/message.h"
#include "vm/outside.h"
#include "vm/power.h"
#include "vm/sched.h"

enum { READ_STEP = 64 * 1024 };
static const u64 FILE_MOST = (u64)1 << 31;  // bytes of a file that comes as one value

typedef enum FileWhat { FILE_TEXT, FILE_BYTES, FILE_SIZE, FILE_WRITE, FILE_APPEND } FileWhat;

typedef struct Content {
  char *bytes;
  size_t length, capacity;
} Content;

static void content_free(Content *content) {
  memory_free(content->bytes, content->capacity);
  *content = (Content){0};
}

static bool content_grow(Content *content) {
  size_t capacity = content->capacity * 2;
  char *bytes = memory_alloc(capacity);
  if (!bytes) return false;
  memcpy(bytes, content->bytes, content->length);
  memory_free(content->bytes, content->capacity);
  content->bytes = bytes;
  content->capacity = capacity;
  return true;
}

typedef struct Request Request;

// What the power and its requests hold together.
struct OpenFile {
  _Atomic u32 count;
  Spin lock;             // of `busy` and the requests that wait
  bool busy;             // one is being done
  Request *first, *last;
  int fd;                // -1: it could not be opened, because of `error`. These three belong to the request that is being done
  int error;
  bool unopened;         // the descriptor only says which file is meant
  bool writable;
};

struct Request {
  Job job;               // first
  Operation operation;   // of one that only reads: it can be called off
  _Atomic u32 count;     // whoever does it, and the operation
  _Atomic bool off;      // called off
  Request *next;
  OpenFile *file;
  FileWhat what;
  Message *message;      // its argument is read where it is
  Promise *_Atomic promise;  // or NULL; whoever takes it out has its count
  int error;
  Content content;
  i64 size;
};

// ---- Files ----------------------------------------------------------------------------------------------------------

static void file_release(OpenFile *file) {
  if (atomic_fetch_sub(&file->count, 1) != 1) return;
  if (file->fd >= 0) close(file->fd);
  memory_free(file, sizeof *file);
}

static int flags_of(const OpenFile *file) { return (file->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY; }

// Opens an ordinary file, or one that is made now; of anything else it only finds out which it is.
static void file_open(OpenFile *file, const char *name) {
  struct stat about;
  file->fd = open(name, O_PATH | O_CLOEXEC);
  file->unopened = file->fd >= 0 && !fstat(file->fd, &about) && !S_ISREG(about.st_mode);
  if (file->unopened) return;
  if (file->fd >= 0) close(file->fd);
  file->fd = open(name, flags_of(file) | (file->writable ? O_CREAT : 0), 0666);
  file->error = file->fd < 0 ? errno : 0;
}

void power_open_file(Actor *actor, Str path, bool writable) {
  char *name = memory_alloc(path.len + 1);
  OpenFile *file = name ? memory_alloc(sizeof *file) : NULL;
  power_state(actor)->file = file;
  if (file) {
    memcpy(name, path.ptr, path.len);
    name[path.len] = 0;
    *file = (OpenFile){.count = 1, .writable = writable};
    file_open(file, name);
  }
  memory_free(name, path.len + 1);
}

void power_file_drop(Worker *worker, Actor *actor) {
  (void)worker;
  if (power_state(actor)->file) file_release(power_state(actor)->file);
  power_state(actor)->file = NULL;
}

// Opens for good what was found, on a thread of the pool.
static void file_open_at_last(OpenFile *file) {
  char name[40];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file->fd);
  int found = file->fd;
  file->fd = open(name, flags_of(file));
  file->error = file->fd < 0 ? errno : 0;
  file->unopened = false;
  close(found);
}

// ---- Reading and writing, on a thread of the pool -------------------------------------------------------------------

// Reads the whole file; 0 or an errno. What has no positions (a pipe, a terminal) is read from where it stands.
static int content_read(int fd, Content *content) {
  struct stat about;
  if (fstat(fd, &about)) return errno;
  bool regular = S_ISREG(about.st_mode);
  content->capacity = regular && about.st_size > 0 ? (size_t)about.st_size + 1 : READ_STEP;
  if (content->capacity > FILE_MOST) return EOVERFLOW;
  if (!(content->bytes = memory_alloc(content->capacity))) return ENOMEM;
  for (;;) {
    if (content->length == content->capacity) {
      if (content->capacity > FILE_MOST / 2) return EOVERFLOW;
      if (!content_grow(content)) return ENOMEM;
    }
    char *to = content->bytes + content->length;
    size_t room = content->capacity - content->length;
    ssize_t got = regular ? pread(fd, to, room, (off_t)content->length) : read(fd, to, room);
    if (got == 0) return 0;
    if (got < 0 && errno != EINTR) return errno;
    if (got > 0) content->length += (size_t)got;
  }
}

// All bytes at the position, or, where there are none, at the end; 0 or an errno.
static int write_at(int fd, Str bytes, off_t at, bool regular) {
  while (bytes.len) {
    ssize_t written = regular ? pwrite(fd, bytes.ptr, bytes.len, at) : write(fd, bytes.ptr, bytes.len);
    if (written < 0 && errno != EINTR) return errno;
    if (written <= 0) continue;
    bytes.ptr += written;
    bytes.len -= (size_t)written;
    at += written;
  }
  return 0;
}

static int write_as(int fd, Str bytes, bool append) {
  struct stat about;
  if (fstat(fd, &about)) return errno;
  bool regular = S_ISREG(about.st_mode);
  if (regular && !append && ftruncate(fd, 0)) return errno;
  return write_at(fd, bytes, append ? about.st_size : 0, regular);
}

static int size_of(int fd, i64 *size) {
  struct stat about;
  if (fstat(fd, &about)) return errno;
  *size = about.st_size;
  return 0;
}

static int perform(Request *request, int fd) {
  switch (request->what) {
    case FILE_TEXT: case FILE_BYTES: {
      int error = content_read(fd, &request->content);
      bool refused = !error && request->what == FILE_TEXT && !utf8_is_valid((Str){request->content.bytes, request->content.length});
      return refused ? EILSEQ : error;
    }
    case FILE_SIZE: return size_of(fd, &request->size);
    case FILE_WRITE: case FILE_APPEND:
      return write_as(fd, obj_bytes(val_obj(request->message->args[0])), request->what == FILE_APPEND);
  }
  BUG("request %d to a file", request->what);
}

static void run(Job *job) {
  Request *request = (Request *)job;
  OpenFile *file = request->file;
  if (file->unopened) file_open_at_last(file);
  request->error = file->fd < 0 ? file->error : perform(request, file->fd);
}

// ---- Answers --------------------------------------------------------------------------------------------------------

static Val error_value(Worker *worker, Chunk *chunk, int error) {
  switch (error) {
    case ENOENT: case ENOTDIR: return build_well_known0(worker, WK_NOT_FOUND);
    case EACCES: case EPERM: case EROFS: return build_well_known0(worker, WK_NOT_ALLOWED);
    case EEXIST: return build_well_known0(worker, WK_ALREADY_EXISTS);
    case ENOSPC: case EDQUOT: case EFBIG: return build_well_known0(worker, WK_NO_SPACE);
    case EILSEQ: return build_well_known0(worker, WK_NOT_TEXT);
    default: return chunk_data(worker, chunk, WK_IO_OTHER, chunk_string(chunk, KIND_STRING, str_from(strerror(error))));
  }
}

static bool answer_error(Worker *worker, Promise *promise, int error) {
  Chunk *chunk = promise_chunk(2 + 2 + 1 + bytes_words(strlen(strerror(error))));
  if (!chunk) return false;
  promise_give(worker, promise, chunk_data(worker, chunk, WK_ERR, error_value(worker, chunk, error)), chunk);
  return true;
}

static bool answer_ok(Worker *worker, Promise *promise, Val value) {
  Chunk *chunk = promise_chunk(2);
  if (!chunk) return false;
  promise_give(worker, promise, chunk_data(worker, chunk, WK_OK, value), chunk);
  return true;
}

static bool answer_content(Worker *worker, Promise *promise, const Content *content, Kind kind) {
  Chunk *chunk = promise_chunk(2 + 1 + bytes_words(content->length));
  if (!chunk) return false;
  Val value = chunk_string(chunk, kind, (Str){content->bytes, content->length});
  promise_give(worker, promise, chunk_data(worker, chunk, WK_OK, value), chunk);
  return true;
}

static bool answer(Worker *worker, const Request *request, Promise *promise) {
  if (request->error) return answer_error(worker, promise, request->error);
  switch (request->what) {
    case FILE_TEXT: return answer_content(worker, promise, &request->content, KIND_STRING);
    case FILE_BYTES: return answer_content(worker, promise, &request->content, KIND_BYTES);
    case FILE_SIZE: return answer_ok(worker, promise, val_from_small(request->size));
    case FILE_WRITE: case FILE_APPEND: break;
  }
  return answer_ok(worker, promise, VAL_UNIT);
}

// ---- Requests -------------------------------------------------------------------------------------------------------

static bool only_reads(const Request *request) { return request->what <= FILE_SIZE; }

static void request_release(Request *request) {
  if (atomic_fetch_sub(&request->count, 1) == 1) memory_free(request, sizeof *request);
}

static void message_give_back(Worker *worker, Message *message) {
  if (message->counted) heap_free_message(worker, message);
  else message_recycle(worker, message);
}

// Nobody wants to know any more. What is being read goes on being read, for nobody.
static void call_off(Worker *worker, Operation *operation) {
  Request *request = (Request *)((char *)operation - offsetof(Request, operation));
  atomic_store(&request->off, true);
  outside_unawait(worker->vm, &request->job);
  Promise *promise = atomic_exchange(&request->promise, NULL);
  if (promise) promise_release(worker, promise);
  request_release(request);
}

// The promise, which the caller is to settle and release. NULL if nobody waits for it.
static Promise *take_promise(Request *request) {
  Promise *promise = atomic_exchange(&request->promise, NULL);
  if (promise && only_reads(request) && promise_operation_take(promise, &request->operation)) request_release(request);
  return promise;
}

// The next one, which is being done from now on; NULL if none waits.
static Request *take_next(OpenFile *file) {
  spin_lock(&file->lock);
  Request *request = file->first;
  if (request) file->first = request->next;
  else file->busy = false;
  spin_unlock(&file->lock);
  return request;
}

// It has been done, or need not be.
static void request_over(Worker *worker, Request *request) {
  Promise *promise = take_promise(request);
  if (promise) {
    if (!answer(worker, request, promise)) promise_break(worker, promise, WK_CRASHED, STR("out of memory"));
    promise_release(worker, promise);
  }
  outside_unawait(worker->vm, &request->job);
  content_free(&request->content);
  message_give_back(worker, request->message);
  request_release(request);
}

// Goes on with the file until a request is under way, or none waits.
static void go_on(Worker *worker, OpenFile *file, Request *request) {
  for (; request; request = take_next(file)) {
    bool needed = !atomic_load(&request->off);
    if (needed && outside_submit(worker, &request->job)) return;
    request->error = EAGAIN;  // no thread can be had
    request_over(worker, request);
    file_release(file);
  }
}

static void done(Worker *worker, Job *job) {
  Request *request = (Request *)job;
  OpenFile *file = request->file;
  request_over(worker, request);
  go_on(worker, file, take_next(file));
  file_release(file);
}

static void stop(Worker *worker, Request *request) {
  Promise *promise = take_promise(request);
  if (!promise) return;
  promise_break(worker, promise, WK_STOPPED, STR(""));
  promise_release(worker, promise);
}

// The message of a request that is under way is left where it is: a thread reads it.
static void leave(Worker *worker, Job *job) {
  Request *request = (Request *)job;
  for (Request *next; (next = take_next(request->file));) {
    stop(worker, next);
    message_give_back(worker, next->message);
    request_release(next);
    file_release(request->file);
  }
  stop(worker, request);
  if (!job->left) message_give_back(worker, request->message);
}

static void discard(Job *job) {
  Request *request = (Request *)job;
  content_free(&request->content);
  file_release(request->file);
  request_release(request);
}

// Whether it must be done now: nothing else is.
static bool enqueue(OpenFile *file, Request *request) {
  atomic_fetch_add(&file->count, 1);
  spin_lock(&file->lock);
  bool free = !file->busy;
  if (free) file->busy = true;
  else *(file->first ? &file->last->next : &file->first) = request;
  if (!free) file->last = request;
  spin_unlock(&file->lock);
  return free;
}

// Takes the message over, and its promise. False: the answer breaks.
static bool ask(Worker *worker, Actor *actor, Message *message, FileWhat what) {
  OpenFile *file = power_state(actor)->file;
  Request *request = file ? memory_alloc(sizeof *request) : NULL;
  if (!request) return fault_memory(worker);
  *request = (Request){.job = {.run = run, .done = done, .leave = leave, .discard = discard}, .operation = {.cancel = call_off},
                       .count = 1, .file = file, .what = what, .message = message, .promise = message->promise};
  message->promise = NULL;
  if (what >= FILE_WRITE) worker->reductions -= (i64)(obj_bytes(val_obj(message->args[0])).len / 64);
  Promise *promise = request->promise;
  bool operated = promise && only_reads(request);
  if (operated) {
    promise_retain(promise);
    atomic_fetch_add(&request->count, 1);
    promise_operation_set(promise, &request->operation);
  }
  outside_expect(worker->vm, &request->job);
  if (enqueue(file, request)) go_on(worker, file, request);
  if (operated) promise_release(worker, promise);
  return true;
}

bool power_file_text(Worker *worker, Actor *actor, Message *message) { return ask(worker, actor, message, FILE_TEXT); }
bool power_file_bytes(Worker *worker, Actor *actor, Message *message) { return ask(worker, actor, message, FILE_BYTES); }
bool power_file_size(Worker *worker, Actor *actor, Message *message) { return ask(worker, actor, message, FILE_SIZE); }
bool power_file_write(Worker *worker, Actor *actor, Message *message) { return ask(worker, actor, message, FILE_WRITE); }
bool power_file_append(Worker *worker, Actor *actor, Message *message) { return ask(worker, actor, message, FILE_APPEND); }
