// `deed dis`, `deed verify`, `deed caps` and `deed explain`: looking at a program without running it.
#include "bytecode/asm.h"
#include "repl/cli.h"
#include "repl/grants.h"
#include "repl/image.h"

// ---- dis ------------------------------------------------------------------------------------------------------------

static Str function_name;

static const Option dis_options[] = {
    {"function", 'f', OPTION_TEXT, &function_name, "NAME", "only the functions of that name"},
    {0},
};

static void print_text(const Text *text) { fwrite(text->ptr ? text->ptr : "", 1, text->len, stdout); }

// All that stands in a file is shown; of what the compiler made, only the program's own modules.
static bool is_shown(const ProgramImage *image, const Module *module) {
  return image->kind != IMAGE_SOURCE || !image_is_library(module);
}

static int dis_functions(const ProgramImage *image) {
  Nearest nearest = {.wanted = function_name};
  Text out = {0};
  for (u32 i = 0; i < image->modules.count; i++) {
    const Module *module = image->modules.items[i];
    for (u32 k = 0; k < module->functions.count && is_shown(image, module); k++) {
      const Function *function = &module->functions.items[k];
      if (function->import != IMPORT_NONE) continue;
      nearest_offer(&nearest, function->name);
      if (str_eq(function->name, function_name)) dis_function(module, function, UINT32_MAX, &out);
    }
  }
  print_text(&out);
  if (out.len) return EXIT_FINE;
  cli_error("there is no function `%.*s`", STR_ARG(cli_escape(function_name)));
  if (nearest.best.len) cli_hint("did you mean `%.*s`?", STR_ARG(cli_escape(nearest.best)));
  return EXIT_FAILED;
}

static int run_dis(Operands operands) {
  if (operands.count != 1) return cli_needs("dis", "single FILE");
  ProgramImage image;
  int status = image_open(&image, operands.items[0], (ImageOptions){.tests = true, .alone = true});
  if (status != EXIT_FINE) return status;
  if (function_name.len) return dis_functions(&image);
  Text out = {0};
  for (u32 i = 0; i < image.modules.count; i++) {
    if (is_shown(&image, image.modules.items[i])) dis_module(image.modules.items[i], &out);
  }
  print_text(&out);
  return EXIT_FINE;
}

const Command command_dis = {
    .name = "dis",
    .arguments = "[--function NAME] FILE",
    .summary = "Prints a program's bytecode as assembly text",
    .options = dis_options,
    .run = run_dis,
};

// ---- verify ---------------------------------------------------------------------------------------------------------

static void count_code(const Module *module, u64 *functions, u64 *instructions) {
  for (u32 i = 0; i < module->functions.count; i++) {
    const Function *f = &module->functions.items[i];
    if (f->import != IMPORT_NONE) continue;
    ++*functions;
    for (u32 at = 0; at < f->code_words;) {
      u32 length = op_length(f->code + at, f->code_words - at);
      if (!length) break;
      at += length;
      ++*instructions;
    }
  }
}

static int verify_file(const char *path) {
  ProgramImage image;
  int status = image_open(&image, path, (ImageOptions){.tests = true});
  if (status != EXIT_FINE) return status;
  VerifyError error;
  const Module *culprit;
  status = image_verify(&image, &error, &culprit);
  Str shown = cli_escape(image.path);
  if (status == EXIT_FAILED) printf("%.*s: refused: %.*s\n", STR_ARG(shown), STR_ARG(verify_error_text(&error)));
  if (status != EXIT_FINE) return status;
  u64 functions = 0, instructions = 0;
  for (u32 i = 0; i < image.modules.count; i++) {
    if (!image_is_library(image.modules.items[i])) count_code(image.modules.items[i], &functions, &instructions);
  }
  printf("%.*s: verified (%llu functions, %llu instructions)\n", STR_ARG(shown), (unsigned long long)functions,
         (unsigned long long)instructions);
  return EXIT_FINE;
}

static int run_verify(Operands operands) {
  if (!operands.count) return cli_needs("verify", "FILE");
  int worst = EXIT_FINE;
  for (int i = 0; i < operands.count; i++) {
    int status = verify_file(operands.items[i]);
    if (status > worst) worst = status;
  }
  return worst;
}

const Command command_verify = {
    .name = "verify",
    .arguments = "FILE..",
    .summary = "Proves that modules cannot break the VM, or says which rule they break and where",
    .run = run_verify,
};

// ---- caps -----------------------------------------------------------------------------------------------------------

static int run_caps(Operands operands) {
  if (operands.count != 1) return cli_needs("caps", "single FILE");
  ProgramImage image;
  int status = image_open(&image, operands.items[0], (ImageOptions){0});
  if (status == EXIT_FINE) status = image_verify_loudly(&image);
  if (status != EXIT_FINE) return status;
  Str path = cli_escape(image.path);
  if (image_program(&image)->module->main == IMPORT_NONE) {
    printf("%.*s has no `fn main`: it can reach nothing by itself\n", STR_ARG(path));
    return EXIT_FINE;
  }
  PowerNeed *needs;
  u32 count;
  Str error = {0};
  if (!vm_needs(image_program(&image), &needs, &count, &error)) {
    cli_error("%.*s: %.*s", STR_ARG(path), STR_ARG(cli_escape(error)));
    return EXIT_FAILED;
  }
  printf("%.*s asks for%s\n", STR_ARG(path), count ? ":" : " nothing");
  grants_print(needs, count, stdout);
  printf("\nRun it with: deed %.*s", STR_ARG(path));
  for (u32 i = 0; i < count; i++) {
    if (!needs[i].free) printf(" %.*s", STR_ARG(needs[i].flag));
  }
  printf("\n");
  return EXIT_FINE;
}

const Command command_caps = {
    .name = "caps",
    .arguments = "FILE",
    .summary = "Lists all that a program can reach, and the flags that grant it",
    .details = "Nothing is ambient: what main's parameters do not name, the program cannot reach.\n",
    .run = run_caps,
};

// ---- explain --------------------------------------------------------------------------------------------------------

static const struct {
  const char *code, *title;
} titles[] = {
#define DIAG(code, title, explanation) {#code, title},
#include "bytecode/diag.def"
#undef DIAG
};

static const char *title_of(Str code) {
  for (size_t i = 0; i < COUNT_OF(titles); i++) {
    if (str_eq(code, str_from(titles[i].code))) return titles[i].title;
  }
  return "";
}

static int run_explain(Operands operands) {
  if (!operands.count) {
    for (size_t i = 0; i < COUNT_OF(titles); i++) printf("%s  %s\n", titles[i].code, titles[i].title);
    return EXIT_FINE;
  }
  for (int i = 0; i < operands.count; i++) {
    Str code = str_dup(str_from(operands.items[i]));
    for (size_t k = 0; k < code.len; k++) {
      if (code.ptr[k] >= 'a' && code.ptr[k] <= 'z') ((char *)code.ptr)[k] -= 'a' - 'A';
    }
    const char *explanation = diag_explain(code);
    if (!explanation) {
      cli_error("there is no diagnostic `%.*s`", STR_ARG(cli_escape(code)));
      cli_hint("`deed explain` lists all of them");
      return EXIT_USAGE;
    }
    printf("%s%.*s: %s\n\n%s\n", i ? "\n" : "", STR_ARG(code), title_of(code), explanation);
  }
  return EXIT_FINE;
}

const Command command_explain = {
    .name = "explain",
    .arguments = "[CODE..]",
    .summary = "Explains a diagnostic such as E0001, or lists all of them",
    .run = run_explain,
};
