// The powers ReadFile and File: one file, opened once, when the program starts; whatever the path names later does not matter.
//
// If it can't be opened the program runs all the same, and each question is answered with the reason: whether a missing file matters is
// the program's affair.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytecode/utf8.h"
#include "vm/power.h"
#include "vm/sched.h"

enum { READ_STEP = 64 * 1024 };
static const u64 FILE_MOST = (u64)1 << 31;  // bytes of a file that comes as one value

void power_open_file(Actor *actor, Str path, bool writable) {
  char *name = memory_alloc(path.len + 1);
  if (!name) {
    power_state(actor)->file.fd = -1;
    power_state(actor)->file.error = ENOMEM;
    return;
  }
  memcpy(name, path.ptr, path.len);
  name[path.len] = 0;
  int fd = open(name, (writable ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOCTTY, 0666);
  power_state(actor)->file.fd = fd;
  power_state(actor)->file.error = fd < 0 ? errno : 0;
  memory_free(name, path.len + 1);
}

void power_file_drop(Worker *worker, Actor *actor) {
  (void)worker;
  if (power_state(actor)->file.fd >= 0) close(power_state(actor)->file.fd);
  power_state(actor)->file.fd = -1;
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

static bool answer_error(Worker *worker, Message *message, int error) {
  Chunk *chunk = promise_chunk(2 + 2 + 1 + bytes_words(strlen(strerror(error))));
  if (!chunk) return fault_memory(worker);
  promise_give(worker, message->promise, chunk_data(worker, chunk, WK_ERR, error_value(worker, chunk, error)), chunk);
  return true;
}

static bool answer_ok(Worker *worker, Message *message, Val value) {
  Chunk *chunk = promise_chunk(2);
  if (!chunk) return fault_memory(worker);
  promise_give(worker, message->promise, chunk_data(worker, chunk, WK_OK, value), chunk);
  return true;
}

// ---- Reading --------------------------------------------------------------------------------------------------------

typedef struct Content {
  char *bytes;
  size_t length, capacity;
} Content;

static void content_free(Content *content) { memory_free(content->bytes, content->capacity); }

static bool content_grow(Content *content) {
  size_t capacity = content->capacity * 2;
  char *bytes = memory_alloc(capacity);
  if (!bytes) return false;
  memcpy(bytes, content->bytes, content->length);
  content_free(content);
  content->bytes = bytes;
  content->capacity = capacity;
  return true;
}

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

static bool answer_content(Worker *worker, Message *message, const Content *content, Kind kind) {
  Chunk *chunk = promise_chunk(2 + 1 + bytes_words(content->length));
  if (!chunk) return fault_memory(worker);
  Val value = chunk_string(chunk, kind, (Str){content->bytes, content->length});
  promise_give(worker, message->promise, chunk_data(worker, chunk, WK_OK, value), chunk);
  return true;
}

static bool read_as(Worker *worker, Actor *actor, Message *message, Kind kind) {
  PowerState *state = power_state(actor);
  if (state->file.fd < 0) return answer_error(worker, message, state->file.error);
  Content content = {0};
  int error = content_read(state->file.fd, &content);
  worker->reductions -= (i64)(content.length / 64);
  if (!error && kind == KIND_STRING && !utf8_is_valid((Str){content.bytes, content.length})) error = EILSEQ;
  bool answered = error ? answer_error(worker, message, error) : answer_content(worker, message, &content, kind);
  content_free(&content);
  return answered;
}

bool power_file_text(Worker *worker, Actor *actor, Message *message) { return read_as(worker, actor, message, KIND_STRING); }
bool power_file_bytes(Worker *worker, Actor *actor, Message *message) { return read_as(worker, actor, message, KIND_BYTES); }

bool power_file_size(Worker *worker, Actor *actor, Message *message) {
  PowerState *state = power_state(actor);
  if (state->file.fd < 0) return answer_error(worker, message, state->file.error);
  struct stat about;
  if (fstat(state->file.fd, &about)) return answer_error(worker, message, errno);
  return answer_ok(worker, message, val_from_small(about.st_size));
}

// ---- Writing --------------------------------------------------------------------------------------------------------

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

static bool write_as(Worker *worker, Actor *actor, Message *message, bool append) {
  PowerState *state = power_state(actor);
  if (state->file.fd < 0) return answer_error(worker, message, state->file.error);
  Str bytes = obj_bytes(val_obj(message->args[0]));
  worker->reductions -= (i64)(bytes.len / 64);
  struct stat about;
  if (fstat(state->file.fd, &about)) return answer_error(worker, message, errno);
  bool regular = S_ISREG(about.st_mode);
  if (regular && !append && ftruncate(state->file.fd, 0)) return answer_error(worker, message, errno);
  int error = write_at(state->file.fd, bytes, append ? about.st_size : 0, regular);
  return error ? answer_error(worker, message, error) : answer_ok(worker, message, VAL_UNIT);
}

bool power_file_write(Worker *worker, Actor *actor, Message *message) { return write_as(worker, actor, message, false); }
bool power_file_append(Worker *worker, Actor *actor, Message *message) { return write_as(worker, actor, message, true); }
