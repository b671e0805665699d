// Changes valid modules, and runs what the verifier accepts: nothing that passed may crash the machine, break the heap, or leave
// memory behind. Built with AddressSanitizer, the heap walker and instruction counts (Makefile: mutate).
//
//   mutate [--seed N] [--count N] [--jobs N] [--generated N] [--save FOLDER] [--one N] FILE..
//
// FILEs are Deed sources and assembly; those that import files beside them, are refused, or are large, are left out. --generated adds
// so many programs of generate.h; the library's modules are always among what is changed. Mutant i of a seed is always the same. A
// child process judges some thousands of them and ends: what they loaded goes with it. One that crashes is written to FOLDER
// (build/failed/mutants) as a module file; --one N does mutant N alone. --reasons tells how often each rule refused.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "repl/files.h"
#include "repl/library.h"
#include "tests/gen/box.h"
#include "tests/gen/change.h"
#include "tests/gen/generate.h"

enum {
  BATCH = 3000,
  JOBS_MOST = 64,
  WORDS_MOST = 1500,         // of a base's code
  POND_BYTES = 256 << 20,
  SECONDS_MOST = 20,         // for one mutant
  REDUCTIONS = 2000,
  INSTRUCTIONS_MOST = 5000,
  LONG_RUN = 100,            // instructions
};

typedef struct Base {
  const Module *module;
  Str path;
  u64 instructions;          // of a run of it as it is
  bool library;              // only verified: the others need the library as it is
} Base;

typedef struct Totals {
  u64 mutants, accepted, started, long_runs, instructions, ended_well, stopped;
  u64 reasons[REASON_COUNT];
} Totals;

// What a child tells: written as it goes, so that its end tells where it was.
typedef struct Slot {
  pid_t child;
  u64 from, until;           // of the batch
  u64 at;                    // the mutant that is being judged
  Totals totals;
} Slot;

static Box box;
static VEC(Base) bases, libraries;
static u64 first_seed = 1, mutant_count = 100000, generated, one = UINT64_MAX;
static u32 jobs = 2;
static const char *folder = "build/failed/mutants";
static Slot *slots;
static Totals totals;
static u64 crashes;

// ---- What is changed ------------------------------------------------------------------------------------------------

static u64 words_of(const Module *m) {
  u64 words = 0;
  for (u32 i = 0; i < m->functions.count; i++) words += m->functions.items[i].code_words;
  return words;
}

static const VmOptions limits = {.seed = 1, .quantum = 300, .stop_at = REDUCTIONS, .memory_limit = 64 << 20, .stack_limit = 1 << 20};

static void add_base(const Module *module, Str path) {
  VerifyError error;
  Str why;
  u64 words = words_of(module);
  for (u32 i = 0; i < module->imports.count; i++) {
    if (module_is_beside(module->imports.items[i].module)) return;
  }
  const Verified *verified = words && words <= WORDS_MOST ? box_verify(&box, module, &error) : NULL;
  if (!verified || !box_load(&box, verified, &why)) return;
  Base base = {.module = module, .path = path};
  if (module->main != IMPORT_NONE) base.instructions = box_run(&box, limits, false).instructions;
  vec_push(&bases, base);
}

static void add_file(const char *path) {
  Str text, error;
  Diags diags = {0};
  if (!file_read(path, &text, &error)) return;
  size_t length = strlen(path);
  if (length > 5 && !strcmp(path + length - 5, ".dasm")) {
    Source source = {.path = str_from(path), .text = text};
    Module *module = strstr(text.ptr, "\n---\n") ? NULL : asm_parse(&source, &diags);
    if (module) add_base(module, str_from(path));
    return;
  }
  Modules own = {0};
  if (box_compile(text, path_folder(str_from(path)), &own) && own.count == 1) add_base(own.items[0], str_from(path));
}

static void add_generated(void) {
  for (u64 seed = 1; seed <= generated; seed++) {
    Modules own = {0};
    Str text = program_text(seed, (ProgramOptions){0});
    if (box_compile(text, STR("."), &own)) add_base(own.items[0], str_format("program %llu", (unsigned long long)seed));
  }
}

static void add_library(void) {
  for (u32 i = 0; i < box.library.count; i++) {
    const Module *module = box.library.items[i]->module;
    vec_push(&libraries, ((Base){.module = module, .path = module->name, .library = true}));
  }
}

// Modules that run for a while are chosen more often than those that do little or can only be verified, and than those whose time
// goes into a long loop or large values.
static const Base *choose(Random *random) {
  if (!random_below(random, 50)) return &libraries.items[random_below(random, libraries.count)];
  for (u32 tries = 0; tries < 8; tries++) {
    const Base *base = &bases.items[random_below(random, bases.count)];
    if (base->instructions >= 2 * LONG_RUN && base->instructions <= INSTRUCTIONS_MOST) return base;
  }
  return &bases.items[random_below(random, bases.count)];
}

// ---- One mutant -----------------------------------------------------------------------------------------------------

static void save(u64 index, const Module *mutant) {
  Str bytes = modfile_write(mutant), error;
  Str path = str_format("%s/%llu-%llu.deedm", folder, (unsigned long long)first_seed, (unsigned long long)index);
  if (!file_make_folder(folder, &error) || !file_write(path.ptr, bytes, &error)) fprintf(stderr, "%.*s\n", STR_ARG(error));
  else fprintf(stderr, "saved %.*s\n", STR_ARG(path));
}

static void run_mutant(Totals *t) {
  BoxRun run = box_run(&box, limits, false);
  // The first run of code may make interface tables, which stay.
  if (run.leaked && box_run(&box, limits, false).leaked && box_run(&box, limits, false).leaked) {
    fprintf(stderr, "memory is left behind\n");
    abort();
  }
  t->started++;
  t->long_runs += run.instructions >= LONG_RUN;
  t->instructions += run.instructions;
  t->ended_well += run.result.end == VM_END_EXIT && !run.result.status;
  t->stopped += run.result.status == 124;
}

// False if the mutant was refused, so that nothing refers to it any more.
static bool judge(u64 index, Pond *pond, Totals *t, bool keep) {
  u64 seed = first_seed * 0x9e3779b97f4a7c15u + index;
  Random random = random_from(seed);
  const Base *base = choose(&random);
  const Module *mutant = change_module(base->module, &random, pond);
  if (!mutant) return false;
  if (keep) {
    fprintf(stderr, "mutant %llu, of %.*s\n", (unsigned long long)index, STR_ARG(base->path));
    save(index, mutant);
  }
  VerifyError error;
  Str why;
  const Verified *verified = box_verify(&box, mutant, &error);
  t->mutants++;
  t->reasons[verified ? REASON_NONE : error.reason]++;
  if (!verified) return false;
  t->accepted++;
  if (!base->library && box_load(&box, verified, &why) && mutant->main != IMPORT_NONE) run_mutant(t);
  return true;
}

// ---- Children -------------------------------------------------------------------------------------------------------

static Pond pond_new(void) {
  char *start = mmap(NULL, POND_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return (Pond){start, start, start + POND_BYTES};
}

static void child(Slot *slot, bool keep) {
  Pond pond = pond_new();
  for (u64 i = slot->from; i < slot->until; i++) {
    slot->at = i;
    alarm(SECONDS_MOST);
    char *before = pond.at;
    if (!judge(i, &pond, &slot->totals, keep)) pond.at = before;
  }
  fflush(NULL);
  _exit(0);
}

static void start(Slot *slot, u64 from, u64 until, bool keep) {
  *slot = (Slot){.from = from, .until = until, .at = from};
  fflush(NULL);
  pid_t forked = fork();
  if (forked < 0) exit((perror("fork"), 2));
  if (!forked) {
    signal(SIGINT, SIG_IGN);
    child(slot, keep);
  }
  slot->child = forked;
}

static void gather(const Totals *t) {
  const u64 *from = (const u64 *)t;
  for (size_t i = 0; i < sizeof *t / sizeof(u64); i++) ((u64 *)&totals)[i] += from[i];
}

static int wait_for(Slot *slot) {
  int status;
  while (waitpid(slot->child, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

// A child that did not come to its end: the mutant is made once more, only to be written down.
static void crashed(const Slot *slot, int status) {
  Slot *again = &slots[JOBS_MOST];
  crashes++;
  fprintf(stderr, "CRASH (%s %d) in mutant %llu of seed %llu\n", WIFSIGNALED(status) ? "signal" : "exit",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (unsigned long long)slot->at, (unsigned long long)first_seed);
  start(again, slot->at, slot->at + 1, true);
  wait_for(again);
}

// SIGINT and SIGTERM: what was begun is finished and told.
static volatile sig_atomic_t enough;
static void note_enough(int number) {
  (void)number;
  enough = 1;
}

static Slot *finished(int *status) {
  for (;;) {
    pid_t child = wait(status);
    for (u32 i = 0; child > 0 && i < jobs; i++) {
      if (slots[i].child == child) return &slots[i];
    }
    if (child < 0 && errno != EINTR) exit((perror("wait"), 2));
  }
}

static void run_all(void) {
  u64 next = 0;
  u32 running = 0;
  for (u32 i = 0; i < jobs && next < mutant_count; i++, next += BATCH, running++) {
    start(&slots[i], next, next + BATCH < mutant_count ? next + BATCH : mutant_count, false);
  }
  while (running) {
    int status;
    Slot *slot = finished(&status);
    gather(&slot->totals);
    if (status) crashed(slot, status);
    u64 from = slot->at + 1, until = slot->until;
    if (enough) next = mutant_count;
    if (!status || from >= until) {
      from = next;
      until = next + BATCH < mutant_count ? next + BATCH : mutant_count;
      next += BATCH;
    }
    if (from < mutant_count) start(slot, from, until, false);
    else running--;
  }
}

// ---- Telling --------------------------------------------------------------------------------------------------------

static void tell(const char *what, u64 part, u64 whole, const char *of) {
  printf("%-20s %10llu", what, (unsigned long long)part);
  if (whole) printf("   %.1f %% of %s", 100.0 * (double)part / (double)whole, of);
  printf("\n");
}

static void report(double seconds) {
  tell("modules changed", bases.count, 0, "");
  tell("mutants", totals.mutants, 0, "");
  tell("per second", (u64)((double)totals.mutants / seconds), 0, "");
  tell("accepted", totals.accepted, totals.mutants, "all");
  tell("ran", totals.started, totals.accepted, "those accepted");
  tell("ran >= 100", totals.long_runs, totals.accepted, "those accepted");
  tell("instructions run", totals.instructions, 0, "");
  tell("ended well", totals.ended_well, totals.started, "those that ran");
  tell("stopped at the limit", totals.stopped, totals.started, "those that ran");
  u32 reasons = 0;
  for (u32 i = 1; i < REASON_COUNT; i++) reasons += totals.reasons[i] != 0;
  printf("reasons of refusal   %10u of %u\n", reasons, REASON_COUNT - 1);
  tell("crashes", crashes, 0, "");
}

static void report_reasons(void) {
  for (u32 i = 1; i < REASON_COUNT; i++) {
    printf("  %-28s %10llu\n", verify_reason_name((VerifyReason)i), (unsigned long long)totals.reasons[i]);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool option(char **argument, const char *name, u64 *value) {
  if (strcmp(argument[0], name) || !argument[1]) return false;
  *value = strtoull(argument[1], NULL, 0);
  return true;
}

int main(int argc, char **argv) {
  u64 wanted = jobs;
  bool reasons = false;
  int i = 1;
  for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
    if (!strcmp(argv[i], "--reasons")) { reasons = true; continue; }
    bool known = option(&argv[i], "--seed", &first_seed) || option(&argv[i], "--count", &mutant_count);
    known = known || option(&argv[i], "--jobs", &wanted) || option(&argv[i], "--generated", &generated) || option(&argv[i], "--one", &one);
    if (!known && (strcmp(argv[i], "--save") || !argv[i + 1])) return fprintf(stderr, "mutate: what is %s?\n", argv[i]), 2;
    if (!known) folder = argv[i + 1];
    i++;
  }
  jobs = wanted < 1 ? 1 : wanted > JOBS_MOST ? JOBS_MOST : (u32)wanted;
  slots = mmap(NULL, sizeof(Slot) * (JOBS_MOST + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  box_open(&box);
  for (; i < argc; i++) add_file(argv[i]);
  add_generated();
  add_library();
  if (!bases.count || slots == MAP_FAILED) return fprintf(stderr, "mutate: nothing to change\n"), 2;
  if (one != UINT64_MAX) {
    start(&slots[0], one, one + 1, true);
    return wait_for(&slots[0]) != 0;
  }
  signal(SIGINT, note_enough);
  signal(SIGTERM, note_enough);
  double begin = now();
  run_all();
  report(now() - begin);
  if (reasons) report_reasons();
  return crashes != 0;
}
