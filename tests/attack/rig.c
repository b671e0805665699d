// The rig of rig.h.
#include "tests/attack/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "repl/image.h"
#include "vm/bank.h"
#include "vm/memory.h"
#include "vm/sched.h"

enum { TEXT_MOST = 1 << 16 };

// Where a program's output goes: a file in memory, and a copy of it for each of two runs.
typedef struct Catch {
  int fd;
  char texts[2][TEXT_MOST];
} Catch;

static Vm *loader;
static int nowhere;
static Catch out, err;
static u64 runs;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

void rig_open(const char *path) {
  ProgramImage image;
  if (image_open(&image, path, (ImageOptions){0}) || image_verify_loudly(&image)) fail("the program does not compile");
  nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  out.fd = memfd_create("stdout", MFD_CLOEXEC);
  err.fd = memfd_create("stderr", MFD_CLOEXEC);
  VmOptions options = {.workers = 1, .out_fd = nowhere, .err_fd = nowhere, .in_fd = nowhere};
  loader = vm_new(&options);
  if (nowhere < 0 || out.fd < 0 || err.fd < 0 || !loader) fail("the rig can't be set up");
  for (u32 i = 0; i < image.verified.count; i++) {
    Str error;
    if (!vm_load(loader, image.verified.items[i], &error)) fail("the program can't be loaded");
  }
}

static void empty(const Catch *catch) {
  if (ftruncate(catch->fd, 0) || lseek(catch->fd, 0, SEEK_SET)) fail("the output can't be caught");
}

static Str caught(Catch *catch) {
  char *text = catch->texts[runs % 2];
  ssize_t length = pread(catch->fd, text, TEXT_MOST, 0);
  return (Str){text, length < 0 ? 0 : (size_t)length};
}

static bool is_littered(const VmCensus *left) {
  return left->living + left->ended > 1 || left->timers || left->waiting || left->banks > 1;
}

RigRun rig_run(VmOptions options, const Str *args, u32 arg_count) {
  empty(&out);
  empty(&err);
  options.in_fd = nowhere;
  options.out_fd = out.fd;
  options.err_fd = err.fd;
  options.library = loader;
  memory_flush();
  u64 before = memory_live(), failures = memory_failures();
  Vm *vm = vm_new(&options);
  if (!vm) fail("no memory for a VM");
  RigRun run = {.result = vm_run_main(vm, NULL, 0, args, arg_count)};
  for (u32 i = 0; i < vm->worker_count; i++) life_take_returned(&vm->workers[i]);  // on their way home when the run ended
  banks_sweep(vm->workers, true);
  run.left = vm_census(vm);
  if (is_littered(&run.left)) waits_show(vm->workers);
  run.stats = vm_end(vm);
  run.charged = vm_charged(vm);
  vm_free(vm);
  run.lost = (i64)(memory_live() - before);
  run.starved = memory_failures() != failures;
  run.out = caught(&out);
  run.err = caught(&err);
  runs++;
  return run;
}

u64 rig_allocated(void) { return memory_figures().allocated; }

const char *rig_wrong(const RigRun *run, bool tidy) {
  const VmStats *s = &run->stats;
  const VmCensus *left = &run->left;
  if (s->sent != s->received + s->dropped) return "messages sent are not those received and those dropped";
  if (s->spawned != s->ended) return "not every actor that was spawned has ended";
  if (run->charged) return "bytes are charged that nobody has";
  if (run->lost) return "bytes are lost";
  if (!tidy || run->result.end != VM_END_EXIT || run->result.status) return NULL;
  if (left->living + left->ended > 1) return "actors are left that nobody should know";
  if (left->timers) return "timers are left";
  if (left->waiting) return "messages are left";
  if (left->banks != 1) return "banks are left that hold something";
  return NULL;
}

void rig_tell(const RigRun *run) {
  const VmStats *s = &run->stats;
  const VmCensus *left = &run->left;
  fprintf(stderr, "  sent %llu, received %llu, dropped %llu; spawned %llu, ended %llu; ended as %d, status %d\n",
          (unsigned long long)s->sent, (unsigned long long)s->received, (unsigned long long)s->dropped, (unsigned long long)s->spawned,
          (unsigned long long)s->ended, run->result.end, run->result.status);
  fprintf(stderr, "  left: %llu actors, %llu records, %llu timers, %lld messages, %llu banks; %lld bytes charged, %lld lost\n",
          (unsigned long long)left->living, (unsigned long long)left->ended, (unsigned long long)left->timers, (long long)left->waiting,
          (unsigned long long)left->banks, (long long)run->charged, (long long)run->lost);
  fprintf(stderr, "%.*s\n%.*s\n", run->out.len < 2000 ? (int)run->out.len : 2000, run->out.ptr,
          run->err.len < 3000 ? (int)run->err.len : 3000, run->err.ptr);
}

bool rig_options(int argc, char **argv, const RigOption *options, u32 count, int rest) {
  int words = 0;
  for (int i = 1; i < argc; i++) {
    u32 at = 0;
    while (at < count && strcmp(argv[i], options[at].name)) at++;
    if (at < count && i + 1 < argc) {
      *options[at].value = strtoull(argv[++i], NULL, 0);
    } else if (words < rest && argv[i][0] != '-') {
      argv[++words] = argv[i];
    } else {
      fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
      return false;
    }
  }
  if (words != rest) fprintf(stderr, "%s: which program?\n", argv[0]);
  return words == rest;
}
