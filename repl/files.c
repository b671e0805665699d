// Whole files in and out: see files.h.
#include "repl/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_FILE = 1 << 28 };

static bool fail(Str *error, const char *verb, const char *path, const char *why) {
  *error = str_format("cannot %s `%s`: %s", verb, path, why);
  return false;
}

static bool read_all(int fd, const char *path, Str *bytes, Str *error) {
  size_t capacity = 1 << 16, length = 0;
  char *buffer = gc_alloc_data(capacity);
  for (;;) {
    ssize_t got = read(fd, buffer + length, capacity - length - 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(error, "read", path, strerror(errno));
    if (got == 0) break;
    length += (size_t)got;
    if (length > LARGEST_FILE) return fail(error, "read", path, "it is larger than 256 MB");
    if (length + 1 < capacity) continue;
    char *grown = gc_alloc_data(capacity *= 2);
    memcpy(grown, buffer, length);
    buffer = grown;
  }
  buffer[length] = 0;
  *bytes = (Str){buffer, length};
  return true;
}

bool file_read(const char *path, Str *bytes, Str *error) {
  if (!strcmp(path, "-")) return read_all(0, "standard input", bytes, error);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "read", path, strerror(errno));
  struct stat info;
  bool ok = fstat(fd, &info) == 0;
  if (!ok) {
    fail(error, "read", path, strerror(errno));
  } else if (S_ISDIR(info.st_mode)) {
    ok = fail(error, "read", path, "it is a folder");
  } else {
    ok = read_all(fd, path, bytes, error);
  }
  close(fd);
  return ok;
}

static bool write_all(int fd, Str bytes) {
  while (bytes.len) {
    ssize_t put = write(fd, bytes.ptr, bytes.len);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.ptr += put;
    bytes.len -= (size_t)put;
  }
  return true;
}

static bool write_in_place(const char *path, Str bytes, Str *error) {
  int fd = !strcmp(path, "-") ? dup(1) : open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "write", path, strerror(errno));
  bool ok = write_all(fd, bytes);
  int why = errno;
  if (close(fd) != 0 && ok) {
    ok = false;
    why = errno;
  }
  return ok ? true : fail(error, "write", path, strerror(why));
}

bool file_write(const char *path, Str bytes, Str *error) {
  struct stat info;
  if (!strcmp(path, "-") || (stat(path, &info) == 0 && !S_ISREG(info.st_mode))) {
    if (strcmp(path, "-") && S_ISDIR(info.st_mode)) return fail(error, "write", path, "it is a folder");
    return write_in_place(path, bytes, error);
  }
  Str beside = str_format("%s.%ld.part", path, (long)getpid());
  int fd = open(beside.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return fail(error, "write", path, strerror(errno));
  bool ok = write_all(fd, bytes);
  int why = errno;
  if (close(fd) != 0 && ok) {
    ok = false;
    why = errno;
  }
  if (ok && rename(beside.ptr, path) != 0) {
    ok = false;
    why = errno;
  }
  if (ok) return true;
  unlink(beside.ptr);
  return fail(error, "write", path, strerror(why));
}

bool file_make_folder(const char *path, Str *error) {
  char *partial = (char *)str_dup(str_from(path)).ptr;
  for (char *slash = partial + 1;; slash++) {
    if (*slash && *slash != '/') continue;
    char kept = *slash;
    *slash = 0;
    if (mkdir(partial, 0777) != 0 && errno != EEXIST) return fail(error, "make the folder", partial, strerror(errno));
    *slash = kept;
    if (!kept) break;
  }
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return true;
  return fail(error, "write into", path, "it is no folder");
}
