// `deed run`: compiles or reads a program, verifies every module of it, hands main its powers, and runs it.
#include <signal.h>
#include <stdlib.h>

#include "repl/cli.h"
#include "repl/grants.h"
#include "repl/image.h"
#include "repl/node.h"

enum { GRACE_US = 5000000 };

static Str eval_code;
static OptionNumber seed, workers, quantum, memory, grace, stack, kill_at, fail_alloc_at;
static bool no_prompt, stats;

static const Option options[] = {
    {"eval", 'e', OPTION_TEXT, &eval_code, "CODE", "run CODE; there is no FILE then"},
    {"seed", 0, OPTION_NUMBER, &seed, "N", "run deterministically: simulated clock, one order of turns for each N"},
    {"workers", 0, OPTION_NUMBER, &workers, "N", "run actors on N threads (default: one for each core; with --seed always 1)"},
    {"memory", 0, OPTION_SIZE, &memory, "SIZE", "limit what all actors together may hold (default: 7/8 of the memory there is)"},
    {"grace", 0, OPTION_TIME, &grace, "TIME", "how long SIGTERM leaves actors to end in order (default: 5s; 0: none)"},
    {"stack", 0, OPTION_SIZE, &stack, "SIZE", "limit the stack of one actor"},
    {"quantum", 0, OPTION_NUMBER, &quantum, "N", "reductions before an actor yields"},
    {"no-prompt", 0, OPTION_FLAG, &no_prompt, NULL, "never ask for a missing grant"},
    {"stats", 0, OPTION_FLAG, &stats, NULL, "say on stderr at the end what was done: actors, messages, bytes copied, collections"},
    {"kill-at", 0, OPTION_NUMBER, &kill_at, "N", NULL},
    {"fail-alloc-at", 0, OPTION_NUMBER, &fail_alloc_at, "N", NULL},
    {0},
};

static int open_code(ProgramImage *image) {
  return image_compile(image, source_new(STR("<command line>"), eval_code), STR("."), (ImageOptions){0});
}

// A signal that ended the VM ends us too, so that the shell sees what happened.
static int die_by_signal(int status) {
  fflush(NULL);
  signal(status - 128, SIG_DFL);
  raise(status - 128);
  return status;
}

static int exit_code(VmResult result) {
  switch (result.end) {
    case VM_END_EXIT:
    case VM_END_CRASH:
    case VM_END_STUCK:
    case VM_END_PIPE: return result.status;
    case VM_END_SIGNAL: return result.status > 128 ? die_by_signal(result.status) : result.status;
    case VM_END_MEMORY: cli_error("the actors need more memory than the limit allows"); return EXIT_FAILED;
  }
  return EXIT_BUG;
}

static void print_stats(const VmStats *s) {
  fprintf(stderr,
          "actors spawned   %llu\nactors ended     %llu\ncrashes          %llu\nmessages sent    %llu\ndead letters     %llu\n"
          "bytes copied     %llu\nblocks shared    %llu\ncollections      %llu\nreductions       %llu\ngiven to others  %llu\n",
          (unsigned long long)s->spawned, (unsigned long long)s->ended, (unsigned long long)s->crashes, (unsigned long long)s->sent,
          (unsigned long long)s->dead_letters, (unsigned long long)s->copied, (unsigned long long)s->frozen,
          (unsigned long long)s->collections, (unsigned long long)s->reductions, (unsigned long long)s->given);
}

static int run_image(const ProgramImage *image, const Start *start) {
  VmOptions vm_options = {
      .seeded = seed.given,
      .seed = seed.value,
      .workers = (u32)workers.value,
      .quantum = quantum.value > UINT32_MAX ? UINT32_MAX : (u32)quantum.value,
      .memory_limit = memory.given ? memory.value : node_memory(),
      .grace_us = grace.given ? grace.value : GRACE_US,
      .stack_limit = stack.value,
      .kill_at = kill_at.value,
      .fail_alloc_at = fail_alloc_at.value,
  };
  Vm *vm = vm_new(&vm_options);
  if (!vm) {
    cli_error("out of memory");
    return EXIT_FAILED;
  }
  for (u32 i = 0; i < image->verified.count; i++) {
    Str error = {0};
    if (vm_load(vm, image->verified.items[i], &error)) continue;
    cli_error("cannot load the module `%.*s`: %.*s", STR_ARG(image->modules.items[i]->name), STR_ARG(cli_escape(error)));
    vm_free(vm);
    return EXIT_FAILED;
  }
  VmResult result = vm_run_main(vm, start->grants.items, start->grants.count, start->args.items, start->args.count);
  VmStats done = vm_stats(vm);
  if (stats) print_stats(&done);
  // A signal asks for an end now: taking a large heap apart would take seconds.
  if (result.end != VM_END_SIGNAL) vm_free(vm);
  return exit_code(result);
}

static int run(Operands operands) {
  ProgramImage image;
  bool from_code = eval_code.ptr != NULL;
  if (workers.value > LIMIT_WORKERS) {
    cli_error("--workers takes at most %d", LIMIT_WORKERS);
    return EXIT_USAGE;
  }
  if (!from_code && !operands.count) return cli_needs("run", "FILE, or code after -e");
  int status = from_code ? open_code(&image) : image_open(&image, operands.items[0], (ImageOptions){0});
  if (status != EXIT_FINE) return status;
  status = image_verify_loudly(&image);
  if (status != EXIT_FINE) return status;
  const Verified *program = image_program(&image);
  if (program->module->main == IMPORT_NONE) {
    cli_error("%.*s has no `fn main`, so there is nothing to run", STR_ARG(cli_escape(image.path)));
    cli_hint("`deed check` checks a module, `deed test` runs its tests");
    return EXIT_FAILED;
  }
  Operands rest = operands;
  if (!from_code) rest = (Operands){operands.items + 1, operands.count - 1, operands.after_dashes};
  Start start = {0};
  status = grants_collect(program, image.path, rest, !no_prompt, &start);
  return status == EXIT_FINE ? run_image(&image, &start) : status;
}

const Command command_run = {
    .name = "run",
    .arguments = "[OPTION..] FILE [--PARAMETER=GRANT..] [ARGUMENT..]",
    .summary = "Compiles, verifies and runs a program (source, .deedm or .dasm; - is standard input)",
    .details =
        "What stands before FILE is for deed, what stands after it is for the program. There, --p=file:PATH is a grant if "
        "p\n"
        "is a parameter of main that takes one; everything else, and all that follows --, are the program's arguments.\n"
        "`deed caps FILE` lists the grants that a program asks for.\n\n"
        "Exit code: main's Int, else 0; 1 the program or its diagnostics failed; 2 usage; 77 a grant is missing; 70 deed's "
        "own\n"
        "fault; 128 + n ended by signal n (141: the reader of the output has gone).\n",
    .options = options,
    .stops_at_operand = true,
    .other_option = grants_keep,
    .run = run,
};
