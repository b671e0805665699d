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

enum { ERR_MOST = 1 << 16 };

static Vm *loader;
static int nowhere, complaints;
static char err_text[ERR_MOST];

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

void rig_open(const char *path) {
  ProgramImage image;
  if (image_open(&image, path, (ImageOptions){0}) || image_verify_loudly(&image)) fail("the program does not compile");
  nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  complaints = memfd_create("stderr", MFD_CLOEXEC);
  VmOptions options = {.workers = 1, .out_fd = nowhere, .err_fd = nowhere, .in_fd = nowhere};
  loader = vm_new(&options);
  if (nowhere < 0 || complaints < 0 || !loader) fail("the rig can't be set up");
  for (u32 i = 0; i < image.verified.count; i++) {
    Str error;
    if (!vm_load(loader, image.verified.items[i], &error)) fail("the program can't be loaded");
  }
}

static Str read_complaints(void) {
  ssize_t length = pread(complaints, err_text, sizeof err_text, 0);
  return (Str){err_text, length < 0 ? 0 : (size_t)length};
}

static bool is_littered(const VmCensus *left) {
  return left->living + left->ended > 1 || left->timers || left->waiting || left->banks > 1;
}

RigRun rig_run(VmOptions options, const Str *args, u32 arg_count) {
  if (ftruncate(complaints, 0) || lseek(complaints, 0, SEEK_SET)) fail("stderr can't be caught");
  options.out_fd = options.in_fd = nowhere;
  options.err_fd = complaints;
  options.library = loader;
  memory_flush();
  u64 before = memory_live();
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
  run.err = read_complaints();
  return run;
}

u64 rig_allocated(void) { return memory_figures().allocated; }

const char *rig_wrong(const RigRun *run) {
  const VmStats *s = &run->stats;
  const VmCensus *left = &run->left;
  if (s->sent != s->received + s->dropped) return "messages sent are not those received and those dropped";
  if (s->spawned != s->ended) return "not every actor that was spawned has ended";
  if (left->living + left->ended > 1) return "actors are left that nobody should know";
  if (left->timers) return "timers are left";
  if (left->waiting) return "messages are left";
  if (left->banks != 1) return "banks are left that hold something";
  if (run->charged) return "bytes are charged that nobody has";
  if (run->lost) return "bytes are lost";
  return NULL;
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
