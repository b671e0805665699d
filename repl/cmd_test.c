// `deed test`: finds `test` blocks (and, for the library, the examples in doc comments), runs each in a VM of its own, reports.
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "repl/cli.h"
#include "repl/doctest.h"
#include "repl/files.h"
#include "repl/image.h"
#include "vm/vm.h"

static Str filter, reporter = {"pretty", 6};
static OptionNumber seed;
static bool library;

static const Option options[] = {
    {"filter", 0, OPTION_TEXT, &filter, "TEXT", "only tests whose name contains TEXT"},
    {"reporter", 0, OPTION_CHOICE, &reporter, "pretty|tap|junit", "how to report"},
    {"seed", 0, OPTION_NUMBER, &seed, "N", "the order of turns (default 1)"},
    {"library", 0, OPTION_FLAG, &library, NULL, "test the library instead: its tests and the examples in its doc comments"},
    {0},
};

// ---- Outcomes -------------------------------------------------------------------------------------------------------

typedef struct Outcome {
  Str file;
  Str test;  // empty: the file as a whole
  bool passed;
  Str report;  // why it failed
  Str output;  // what it wrote to `out`
} Outcome;

static VEC(Outcome) outcomes;
static u32 failed_count;

static void report_pretty(const Outcome *o) {
  if (o->passed) return;
  bool color = cli_color(1);
  printf("%sFAILED%s %.*s%s%.*s\n", color ? "\033[1;31m" : "", color ? "\033[0m" : "", STR_ARG(o->file),
         o->test.len ? ": " : "", STR_ARG(o->test));
  if (o->report.len) printf("%.*s%s", STR_ARG(o->report), o->report.ptr[o->report.len - 1] == '\n' ? "" : "\n");
  if (o->output.len) printf("--- its output\n%.*s\n", STR_ARG(o->output));
}

static void report_tap(const Outcome *o) {
  printf("%s %u - %.*s%s%.*s\n", o->passed ? "ok" : "not ok", outcomes.count, STR_ARG(o->file), o->test.len ? ": " : "",
         STR_ARG(o->test));
  Str rest = o->passed ? (Str){0} : o->report;
  while (rest.len) {
    const char *newline = memchr(rest.ptr, '\n', rest.len);
    size_t length = newline ? (size_t)(newline - rest.ptr) : rest.len;
    printf("# %.*s\n", (int)length, rest.ptr);
    size_t skip = length + (newline != NULL);
    rest = (Str){rest.ptr + skip, rest.len - skip};
  }
}

static void record(Outcome outcome) {
  vec_push(&outcomes, outcome);
  failed_count += !outcome.passed;
  if (str_eq(reporter, STR("pretty"))) report_pretty(&outcome);
  if (str_eq(reporter, STR("tap"))) report_tap(&outcome);
}

static void print_xml(Str s) {
  for (size_t i = 0; i < s.len; i++) {
    u8 c = (u8)s.ptr[i];
    switch (c) {
      case '<': fputs("&lt;", stdout); break;
      case '>': fputs("&gt;", stdout); break;
      case '&': fputs("&amp;", stdout); break;
      case '"': fputs("&quot;", stdout); break;
      default:
        if (c >= 0x20 || c == '\n' || c == '\t') putchar(c);
        else printf("\\u{%x}", c);
    }
  }
}

static void report_junit(void) {
  puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  printf("<testsuite name=\"deed\" tests=\"%u\" failures=\"%u\">\n", outcomes.count, failed_count);
  for (u32 i = 0; i < outcomes.count; i++) {
    const Outcome *o = &outcomes.items[i];
    fputs("  <testcase classname=\"", stdout);
    print_xml(o->file);
    fputs("\" name=\"", stdout);
    print_xml(o->test.len ? o->test : STR("compiles"));
    if (o->passed) {
      puts("\"/>");
      continue;
    }
    fputs("\">\n    <failure>", stdout);
    print_xml(o->report);
    puts("</failure>\n  </testcase>");
  }
  puts("</testsuite>");
}

// ---- Running --------------------------------------------------------------------------------------------------------

static bool is_wanted(Str name) { return !filter.len || memmem(name.ptr, name.len, filter.ptr, filter.len) != NULL; }

static void run_test(const ProgramImage *image, u32 index) {
  const Module *module = image_program(image)->module;
  Outcome outcome = {.file = cli_escape(image->path), .test = cli_escape(module->tests.items[index].name)};
  VmOptions vm_options = {.seeded = true, .seed = seed.given ? seed.value : 1};
  Vm *vm = vm_new(&vm_options);
  if (!vm) {
    outcome.report = STR("out of memory");
    record(outcome);
    return;
  }
  for (u32 i = 0; i < image->verified.count; i++) {
    if (vm_load(vm, image->verified.items[i], &outcome.report)) continue;
    record(outcome);
    vm_free(vm);
    return;
  }
  TestResult result = vm_run_test(vm, image_program(image), index);
  outcome.passed = result.passed;
  outcome.report = result.report;
  outcome.output = result.output;
  record(outcome);
  vm_free(vm);
}

// Compiles and runs the tests of one module. A module that does not compile counts as one failed test. `quiet`: no warnings.
static void test_module(Files *files, Str name, Str shown, bool quiet) {
  Diags diags = {0};
  Program program = {0};
  ProgramImage image = {.path = shown};
  bool compiled = front_compile(&files->loader, name, (FrontOptions){.tests = true}, &diags, &program);
  if (!compiled || !quiet) image_report(&diags, files);
  for (u32 i = 0; i < program.modules.count; i++) vec_push(&image.modules, program.modules.items[i]);
  if (!compiled || image_verify_loudly(&image) != EXIT_FINE) {
    record((Outcome){.file = cli_escape(shown), .report = STR("it does not compile")});
    return;
  }
  const Module *module = image_program(&image)->module;
  for (u32 i = 0; i < module->tests.count; i++) {
    if (is_wanted(module->tests.items[i].name)) run_test(&image, i);
  }
}

static int test_file(const char *path) {
  Source *source;
  int status = image_read_source(path, &source);
  if (status != EXIT_FINE) return status;
  Files files;
  files_init(&files, source, path_folder(source->path));
  test_module(&files, STR("main"), source->path, false);
  return EXIT_FINE;
}

static void test_library_module(LibraryModule module) {
  Files files;
  files_init(&files, NULL, STR("."));
  test_module(&files, module.name, module.path, false);
  Str examples = doctest_extract(module.text, module.name, !str_eq(module.name, STR("prelude")));
  if (!examples.len) return;
  files_init(&files, source_new(module.path, examples), STR("."));
  test_module(&files, STR("main"), module.path, true);
}

static int test_library(Operands operands) {
  for (int i = 0; i < operands.count; i++) {
    LibraryModule module;
    Str name = str_from(operands.items[i]);
    if (!library_find(name, &module)) {
      cli_error("the library has no module `%.*s`", STR_ARG(cli_escape(name)));
      return EXIT_USAGE;
    }
    test_library_module(module);
  }
  for (u32 i = 0; i < library_count() && !operands.count; i++) test_library_module(library_module(i));
  return EXIT_FINE;
}

// ---- Finding --------------------------------------------------------------------------------------------------------

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool has_tests(const char *path) {
  Str text, error;
  return file_read(path, &text, &error) &&
         (str_starts_with(text, STR("test \"")) || memmem(text.ptr, text.len, "\ntest \"", 7));
}

enum { FOLDER_DEPTH = 64 };

static int test_path(const char *path, int depth) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    Str name = str_from(path);
    bool is_source = name.len > 5 && !strcmp(path + name.len - 5, ".deed");
    return depth == 0 || (is_source && has_tests(path)) ? test_file(path) : EXIT_FINE;
  }
  struct dirent **entries;
  int count = depth < FOLDER_DEPTH ? scandir(path, &entries, not_hidden, alphasort) : -1;
  if (count < 0) {
    cli_error("cannot list `%.*s`", STR_ARG(cli_escape(str_from(path))));
    return EXIT_FAILED;
  }
  int worst = EXIT_FINE;
  for (int i = 0; i < count; i++) {
    Str inner = !strcmp(path, ".") ? str_from(entries[i]->d_name) : str_format("%s/%s", path, entries[i]->d_name);
    int status = test_path(str_dup(inner).ptr, depth + 1);
    if (status > worst) worst = status;
    free(entries[i]);
  }
  free(entries);
  return worst;
}

static int run(Operands operands) {
  int worst = EXIT_FINE;
  if (library) {
    worst = test_library(operands);
  } else if (!operands.count) {
    worst = test_path(".", 1);
  }
  for (int i = 0; i < operands.count && !library; i++) {
    int status = test_path(operands.items[i], 0);
    if (status > worst) worst = status;
  }
  if (str_eq(reporter, STR("junit"))) report_junit();
  if (str_eq(reporter, STR("tap"))) printf("1..%u\n", outcomes.count);
  if (str_eq(reporter, STR("pretty"))) printf("%u passed, %u failed\n", outcomes.count - failed_count, failed_count);
  return worst == EXIT_FINE && failed_count ? EXIT_FAILED : worst;
}

const Command command_test = {
    .name = "test",
    .arguments = "[OPTION..] [FILE|FOLDER..]",
    .summary = "Runs the `test` blocks of modules (of all below this folder if none is named)",
    .details = "A test gets `out` and a simulated `clock`, and nothing else. Each test runs in a VM of its own.\n",
    .options = options,
    .run = run,
};
