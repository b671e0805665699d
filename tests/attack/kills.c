// Kills actors and banks at random reductions of a busy program, as many as are wanted, and counts what is lost: nothing may be.
//
//   kills [--kills N] [--workers N] [--every N] [--from SEED] [--rounds N] [--teams N] PROGRAM
//
// Run after run under the next seed, each with some thousand kills. With one worker a seed says all, so a run that fails can be done again
// alone: --from SEED --kills 1. After each run: every message sent was received or dropped; every actor has ended; no actor, timer, message
// or bank is left; no byte is charged or lost. And over all runs the allocator must not hold more than after the first ones.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/attack/rig.h"

enum {
  SECONDS_MOST = 300,         // for one run
  WARM_UP = 3,                // runs before the allocator's figure counts
  ALLOCATED_MORE = 64 << 10,  // bytes that it may tell in addition with several workers: what threads keep comes and goes
};

static u64 kills = 20000, workers = 1, every = 1500, from = 1, rounds = 20, teams = 4;
static u64 seed;

static void expire(int number) {
  (void)number;
  fprintf(stderr, "kills: the run with seed %llu does not end\n", (unsigned long long)seed);
  abort();
}

static RigRun run(void) {
  char texts[4][24];
  Str args[4];
  const u64 numbers[] = {rounds, teams, 0, seed};
  for (u32 i = 0; i < COUNT_OF(args); i++) {
    snprintf(texts[i], sizeof texts[i], "%llu", (unsigned long long)numbers[i]);
    args[i] = str_from(texts[i]);
  }
  VmOptions options = {.seeded = workers == 1, .seed = seed, .workers = (u32)workers, .quantum = 500, .kill_every = every};
  alarm(SECONDS_MOST);
  RigRun done = rig_run(options, args, COUNT_OF(args));
  alarm(0);
  return done;
}

// False, with a message, if anything is wrong.
static bool judge(const RigRun *run) {
  const char *wrong = rig_wrong(run, true);
  if (!wrong && run->result.end != VM_END_EXIT) wrong = "main did not come to its end";
  if (!wrong) return true;
  fprintf(stderr, "kills: seed %llu, %llu workers: %s\n", (unsigned long long)seed, (unsigned long long)workers, wrong);
  rig_tell(run);
  return false;
}

int main(int argc, char **argv) {
  const RigOption options[] = {{"--kills", &kills}, {"--workers", &workers}, {"--every", &every},
                               {"--from", &from},   {"--rounds", &rounds},   {"--teams", &teams}};
  if (!rig_options(argc, argv, options, COUNT_OF(options), 1)) return 2;
  rig_open(argv[1]);
  signal(SIGALRM, expire);
  (void)run();  // what is made once and kept is no loss
  u64 runs = 0, warm = 0, allocated = 0, most = 0;
  VmStats sum = {0};
  for (seed = from; sum.kills + sum.killed_banks < kills && (every || runs < kills); seed++, runs++) {
    RigRun done = run();
    if (!judge(&done)) return 1;
    for (size_t i = 0; i < sizeof sum / sizeof(u64); i++) ((u64 *)&sum)[i] += ((u64 *)&done.stats)[i];
    allocated = rig_allocated();
    if (allocated > most) most = allocated;
    if (runs + 1 == WARM_UP) warm = allocated;
  }
  printf("%llu workers, %llu runs: %llu actors killed, %llu banks destroyed; %llu actors spawned, %llu crashes\n",
         (unsigned long long)workers, (unsigned long long)runs, (unsigned long long)sum.kills, (unsigned long long)sum.killed_banks,
         (unsigned long long)sum.spawned, (unsigned long long)sum.crashes);
  printf("  messages: %llu sent = %llu received + %llu dropped (%llu dead letters)\n", (unsigned long long)sum.sent,
         (unsigned long long)sum.received, (unsigned long long)sum.dropped, (unsigned long long)sum.dead_letters);
  printf("  left over: no actor, timer, message, bank, byte\n  the allocator holds %llu bytes; after %d runs it held %llu, at most %llu\n",
         (unsigned long long)allocated, WARM_UP, (unsigned long long)warm, (unsigned long long)most);
  if (runs <= WARM_UP || allocated <= warm + (workers > 1 ? ALLOCATED_MORE : 0)) return 0;
  printf("kills: the allocator holds more and more\n");
  return 1;
}
