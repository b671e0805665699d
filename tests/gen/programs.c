// Compiles, verifies and runs random programs, and tells what became of each: a hash of what it printed and how it ended. Builds that
// tell different things about the same seeds differ in what programs mean (tests/gen/compare).
//
//   programs [--from N] [--until N] [--seeds N] [--plain] [--jobs N] [--save FOLDER] [--print N]
//
// One line for each program: its seed, the hash under VM seed 1, and `ok`; or `refused`, `unverified`, `stopped` (it ran too long to
// be compared), `seed` (another VM seed gave another hash), `leak`, `crash`. What is not `ok` or `stopped` is written to FOLDER
// (build/failed/programs).
// --seeds N runs each under so many VM seeds. --print N shows the text of one program and does nothing else.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "repl/files.h"
#include "repl/image.h"
#include "tests/gen/box.h"
#include "tests/gen/generate.h"

enum { BATCH = 64, JOBS_MOST = 64, SECONDS_MOST = 600, REDUCTIONS = 3000000 };

typedef enum Fate { FATE_NONE, FATE_OK, FATE_STOPPED, FATE_REFUSED, FATE_UNVERIFIED, FATE_SEED, FATE_LEAK, FATE_CRASH, FATE_COUNT } Fate;
static const char *const fates[FATE_COUNT] = {"-", "ok", "stopped", "refused", "unverified", "seed", "leak", "crash"};

typedef struct Row {
  Fate fate;
  u64 hash;
} Row;

// A child works on programs from … until-1, and notes their rows.
typedef struct Slot {
  pid_t child;
  u64 from, until;
  bool alone;                // each is compiled alone
  bool compiled;             // all were, together
  u32 at;
  Row rows[BATCH];
} Slot;

static Box box;
static ProgramOptions options;
static u64 from_seed = 1, until_seed = 1001, vm_seeds = 1, jobs = 2;
static const char *folder = "build/failed/programs";
static Slot *slots;
static u64 counts[FATE_COUNT];
static u64 total = HASH_START;

static void save(u64 seed, Str why) {
  Str error, text = program_text(seed, options);
  Str path = str_format("%s/%llu.deed", folder, (unsigned long long)seed);
  if (!file_make_folder(folder, &error) || !file_write(path.ptr, text, &error)) fprintf(stderr, "%.*s\n", STR_ARG(error));
  else fprintf(stderr, "%.*s: %.*s\n", STR_ARG(path), STR_ARG(why));
}

// ---- One batch ------------------------------------------------------------------------------------------------------

static Row run_once(u64 vm_seed) {
  VmOptions vm = {.seed = vm_seed, .stop_at = REDUCTIONS, .memory_limit = 256 << 20};
  BoxRun run = box_run(&box, vm, false);
  if (run.result.status == 124) return (Row){FATE_STOPPED, 0};
  if (run.leaked && box_run(&box, vm, false).leaked && box_run(&box, vm, false).leaked) return (Row){FATE_LEAK, run.hash};
  return (Row){FATE_OK, run.hash};
}

static Row run_module(u64 seed, const Module *module) {
  VerifyError error;
  Str why;
  const Verified *verified = box_verify(&box, module, &error);
  if (!verified) {
    save(seed, verify_error_text(&error));
    return (Row){.fate = FATE_UNVERIFIED};
  }
  if (!box_load(&box, verified, &why)) {
    save(seed, why);
    return (Row){.fate = FATE_UNVERIFIED};
  }
  Row row = run_once(1);
  for (u64 vm_seed = 2; vm_seed <= vm_seeds && row.fate == FATE_OK; vm_seed++) {
    Row other = run_once(vm_seed);
    if (other.fate != FATE_OK) row = other;
    else if (other.hash != row.hash) row.fate = FATE_SEED;
  }
  if (row.fate == FATE_SEED || row.fate == FATE_LEAK) save(seed, str_from(fates[row.fate]));
  return row;
}

// The batch's programs are compiled together, as modules of one; if one is refused, each alone.
static bool compile(Slot *slot, u32 first, u32 count, Modules *own) {
  Str texts[BATCH] = {0};
  Text complaint = {0};
  for (u32 i = 0; i < count; i++) texts[i] = program_text(slot->from + first + i, options);
  if (box_compile_many(texts, count, own, &complaint)) return true;
  if (count == 1) save(slot->from + first, text_str(&complaint));
  return false;
}

static void run_batch(Slot *slot) {
  u32 count = (u32)(slot->until - slot->from);
  Modules all = {0};
  bool together = !slot->alone && compile(slot, 0, count, &all);
  slot->compiled = together;
  for (u32 i = 0; i < count; i++) {
    slot->at = i;
    Modules one = {0};
    if (together) slot->rows[i] = run_module(slot->from + i, all.items[i]);
    else if (compile(slot, i, 1, &one)) slot->rows[i] = run_module(slot->from + i, one.items[0]);
    else slot->rows[i].fate = FATE_REFUSED;
  }
}

static void start(Slot *slot, u64 from, u64 until, bool alone) {
  *slot = (Slot){.from = from, .until = until, .alone = alone};
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) exit((perror("fork"), 2));
  if (!child) {
    alarm(SECONDS_MOST);
    run_batch(slot);
    fflush(NULL);
    _exit(0);
  }
  slot->child = child;
}

// ---- All of them ----------------------------------------------------------------------------------------------------

static void tell(const Slot *slot, u32 rows) {
  for (u32 i = 0; i < rows; i++) {
    Row row = slot->rows[i];
    counts[row.fate]++;
    total = hash_end(total ^ row.hash) * 3;
    printf("%llu %016llx %s\n", (unsigned long long)(slot->from + i), (unsigned long long)row.hash, fates[row.fate]);
  }
}

static u64 batch_end(u64 from) { return from + BATCH < until_seed ? from + BATCH : until_seed; }

// In the order of seeds: slot after slot.
static void run_all(void) {
  u64 next = from_seed;
  for (u64 i = 0; i < jobs && next < until_seed; i++, next += BATCH) start(&slots[i], next, batch_end(next), false);
  for (u64 i = 0; slots[i].child; i = (i + 1) % jobs) {
    Slot *slot = &slots[i];
    int status;
    while (waitpid(slot->child, &status, 0) < 0 && errno == EINTR) {}
    u32 rows = (u32)(slot->until - slot->from);
    u64 from = next, until = next + BATCH;
    if (status && !slot->alone && !slot->compiled) {  // which of them it was shows when each is compiled alone
      start(slot, slot->from, slot->until, true);
      i = (i + jobs - 1) % jobs;
      continue;
    }
    if (status) {
      slot->rows[slot->at].fate = FATE_CRASH;
      save(slot->from + slot->at, str_format("crash, status %x", (unsigned)status));
      rows = slot->at + 1;
      from = slot->from + rows;
      until = slot->until;
    }
    tell(slot, rows);
    if (status && from < until) {
      start(slot, from, until, slot->alone);
      i = (i + jobs - 1) % jobs;  // the same slot again: its seeds come first
      continue;
    }
    slot->child = 0;
    from = next;
    until = batch_end(next);
    if (next < until_seed) {
      start(slot, from, until, false);
      next = until;
    }
  }
}

static bool option(char **argument, const char *name, u64 *value) {
  if (strcmp(argument[0], name) || !argument[1]) return false;
  *value = strtoull(argument[1], NULL, 0);
  return true;
}

int main(int argc, char **argv) {
  u64 shown = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--plain")) { options.plain = true; continue; }
    bool known = option(&argv[i], "--from", &from_seed) || option(&argv[i], "--until", &until_seed);
    known = known || option(&argv[i], "--seeds", &vm_seeds) || option(&argv[i], "--jobs", &jobs) || option(&argv[i], "--print", &shown);
    if (!known && (strcmp(argv[i], "--save") || !argv[i + 1])) return fprintf(stderr, "programs: what is %s?\n", argv[i]), 2;
    if (!known) folder = argv[i + 1];
    i++;
  }
  if (shown) return printf("%.*s", STR_ARG(program_text(shown, options))) < 0;
  jobs = jobs < 1 ? 1 : jobs > JOBS_MOST ? JOBS_MOST : jobs;
  slots = mmap(NULL, sizeof(Slot) * (JOBS_MOST + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (slots == MAP_FAILED) return perror("mmap"), 2;
  box_open(&box);
  run_all();
  printf("total %016llx", (unsigned long long)total);
  for (u32 i = FATE_OK; i < FATE_COUNT; i++) printf("  %s %llu", fates[i], (unsigned long long)counts[i]);
  printf("\n");
  return counts[FATE_OK] + counts[FATE_STOPPED] != until_seed - from_seed;
}
