// A limit for what the kernel counts.
//
// The limit of the node is one for bytes handed out. The kernel, which ends a process that takes too much, counts pages: those that are free
// but not given back, and those of which a few bytes are in use, too. A program may make either much more than what it holds: by letting go
// of everything but one actor in each page, say. So every so many bytes it is looked at what is resident. If that nears the limit, and
// much of it may be free, the allocator gives back; if that does not help, allocations fail until something does.
//
// What lies there before the first actor does, compiled modules, is left out.
#include "vm/resident.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "vm/memory.h"

enum {
#if defined(DEED_MALLOC) || defined(DEED_NO_JEMALLOC)
  WATCHING = false,            // sanitizers take many times what they hand out
#else
  WATCHING = true,
#endif
  LOOK_SIZE = 1 << 20,         // who asks for so much at once is looked at before
  STEP_LEAST = 256 << 10,      // bytes between two looks
  STEP_MOST = 16 << 20,
  SLACK = 4 << 20,             // beside a sixteenth of the limit: what threads keep for themselves
};

static _Atomic i64 bound;      // bytes; 0: none
static _Atomic i64 base;       // what was there before
static _Atomic i64 risen;      // since the last look
static _Atomic i64 step;
static _Atomic bool crowded;   // more is resident than may be
static atomic_flag looking = ATOMIC_FLAG_INIT;

// Pages in memory, and of those the ones that are a file's.
static bool pages(long long *resident, long long *shared) {
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[128];
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = 0;
  return sscanf(text, "%*s %lld %lld", resident, shared) == 2;
}

u64 resident_bytes(void) {
  long long resident, shared;
  return pages(&resident, &shared) ? (u64)resident * (u64)sysconf(_SC_PAGESIZE) : 0;
}

// Beyond what was there before.
static i64 taken(void) {
  long long resident, shared;
  if (!pages(&resident, &shared)) return 0;
  return (i64)(resident - shared) * sysconf(_SC_PAGESIZE) - atomic_load_explicit(&base, memory_order_relaxed);
}

void resident_limit(u64 bytes) {
  if (!WATCHING) return;
  i64 limit = bytes > INT64_MAX / 4 ? INT64_MAX / 4 : (i64)bytes, between = limit / 64;
  atomic_store(&bound, 0);
  atomic_store(&base, 0);
  atomic_store(&base, taken() - (i64)memory_live());
  atomic_store(&risen, 0);
  atomic_store(&crowded, false);
  atomic_store(&step, between < STEP_LEAST ? STEP_LEAST : between > STEP_MOST ? STEP_MOST : between);
  if (limit) atomic_store(&bound, limit + limit / 16 + SLACK);
}

// Whether there is no room for `more` bytes. One thread at a time; the others go by what was seen last.
static bool look(i64 more) {
  i64 most = atomic_load(&bound);
  if (!most) return false;
  if (atomic_flag_test_and_set(&looking)) return atomic_load(&crowded);
  atomic_store(&risen, 0);
  i64 now = taken();
  if (now + more > most / 8 * 7 && now - (i64)memory_live() > most / 16) {
    memory_purge();
    now = taken();
  }
  atomic_store(&crowded, now > most);
  atomic_flag_clear(&looking);
  return now + more > most;
}

void resident_risen(u64 bytes) {
  if (!atomic_load_explicit(&bound, memory_order_relaxed)) return;
  i64 sum = atomic_fetch_add_explicit(&risen, (i64)bytes, memory_order_relaxed) + (i64)bytes;
  if (sum >= atomic_load_explicit(&step, memory_order_relaxed)) (void)look(0);
}

bool resident_refuses(size_t size) {
  return UNLIKELY(size >= LOOK_SIZE || atomic_load_explicit(&crowded, memory_order_relaxed)) && look((i64)size);
}
