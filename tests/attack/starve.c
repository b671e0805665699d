// Lets the n-th allocation of a program fail, for n after n: nothing may crash but actors, nothing may be lost, and whoever feels it must
// hear why.
//
//   starve [--step N] [--seeds N] [--workers N] [--most N] PROGRAM
//
// Under each of so many seeds: every step-th allocation, on to the last that the program makes. With several workers runs differ: then it
// is each step-th up to --most. All in one process, run after run, in two ways in turn: with the argument `bank` the program works in a bank
// that it destroys; without it, in the root bank. After each: every message sent was received or dropped, every actor has ended, no byte
// is charged or lost. In a bank: nothing is left if main came to its end. In the root bank, whose crashes are reported: what is not
// printed as it is when nothing fails comes of something that somewhere says "out of memory". It never says "wrong", which is what
// the programs say if an answer is false.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/attack/rig.h"

enum {
  SECONDS_MOST = 120,         // for one run
  WRONG_MOST = 5,             // runs, and that is enough
  ALLOCATED_MORE = 64 << 10,  // bytes that the allocator may hold in addition with several workers: what threads keep comes and goes
};

static u64 step = 1, seeds = 1, workers = 1, most = 2000;
static u64 seed, nth;
static bool in_bank;

static void expire(int number) {
  (void)number;
  fprintf(stderr, "starve: the run with seed %llu does not end if allocation %llu fails\n", (unsigned long long)seed, (unsigned long long)nth);
  abort();
}

static RigRun run(void) {
  const Str argument = STR("bank");
  VmOptions options = {.seeded = workers == 1, .seed = seed, .workers = (u32)workers, .fail_alloc_at = nth};
  alarm(SECONDS_MOST);
  RigRun done = rig_run(options, &argument, in_bank);
  alarm(0);
  return done;
}

static bool says(Str text, const char *part) { return memmem(text.ptr, text.len, part, strlen(part)); }

// An actor that was to answer may have told main why; what main's own failure means stands on stderr.
static const char *unclear(const RigRun *run) {
  if (says(run->out, "wrong") || says(run->err, "wrong")) return "an answer was wrong";
  if (says(run->out, "out of memory") || says(run->err, "out of memory")) return NULL;
  return "nobody says that memory was out";
}

// False, with a message, if anything is wrong.
static bool judge(const RigRun *run, Str usual) {
  const char *wrong = rig_wrong(run, in_bank);
  bool differs = workers > 1 ? run->result.status != 0 : !str_eq(run->out, usual);
  if (!wrong && differs && !in_bank) wrong = unclear(run);
  if (!wrong && says(run->out, "wrong")) wrong = "an answer was wrong";
  if (!wrong) return true;
  fprintf(stderr, "starve: seed %llu, %llu workers, allocation %llu%s: %s\n", (unsigned long long)seed, (unsigned long long)workers,
          (unsigned long long)nth, in_bank ? ", in a bank" : "", wrong);
  rig_tell(run);
  return false;
}

static Str copy(Str text) {
  char *copied = malloc(text.len + 1);
  if (!copied) exit(2);
  memcpy(copied, text.ptr, text.len);
  return (Str){copied, text.len};
}

typedef struct Totals {
  u64 failed, felt, wrong, last;
} Totals;

// All allocations under a seed. False: it is not worth going on.
static bool starve(Totals *totals) {
  nth = 0;
  RigRun done = run();
  if (done.result.status) return fprintf(stderr, "starve: it fails anyway: %.*s\n", STR_ARG(done.err)), totals->wrong++, false;
  Str usual = copy(done.out);
  for (nth = 1 + seed % step; (workers == 1 || nth <= most) && totals->wrong < WRONG_MOST; nth += step) {
    done = run();
    totals->wrong += !judge(&done, usual);
    if (!done.starved && workers == 1) break;
    totals->failed += done.starved;
    totals->felt += !str_eq(done.out, usual);
    if (done.starved && nth > totals->last) totals->last = nth;
  }
  free((char *)usual.ptr);
  return totals->wrong < WRONG_MOST;
}

int main(int argc, char **argv) {
  const RigOption options[] = {{"--step", &step}, {"--seeds", &seeds}, {"--workers", &workers}, {"--most", &most}};
  if (!rig_options(argc, argv, options, COUNT_OF(options), 1)) return 2;
  rig_open(argv[1]);
  signal(SIGALRM, expire);
  (void)run();  // what is made once and kept is no loss
  (void)run();
  u64 before = rig_allocated();
  Totals totals = {0};
  bool more = true;
  for (seed = 1; seed <= seeds && more; seed++) {
    in_bank = false;
    more = starve(&totals);
    in_bank = true;
    more = more && starve(&totals);
  }
  u64 after = rig_allocated();
  const char *slash = strrchr(argv[1], '/');
  printf("%s, %llu workers: %llu allocations failed, the last was number %llu; %llu changed the output; %llu runs were wrong\n",
         slash ? slash + 1 : argv[1], (unsigned long long)workers, (unsigned long long)totals.failed, (unsigned long long)totals.last,
         (unsigned long long)totals.felt, (unsigned long long)totals.wrong);
  printf("  the allocator held %llu bytes before, %llu after\n", (unsigned long long)before, (unsigned long long)after);
  bool grown = after > before + (workers > 1 ? ALLOCATED_MORE : 0);
  if (grown) printf("starve: the allocator holds more\n");
  return totals.wrong || grown;
}
