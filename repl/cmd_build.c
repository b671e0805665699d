// `deed check`, `deed build` and `deed asm`: from text to diagnostics or module files, without running anything.
#include <sys/stat.h>
#include <time.h>

#include "bytecode/modfile.h"
#include "repl/cli.h"
#include "repl/files.h"
#include "repl/image.h"

// ---- check ----------------------------------------------------------------------------------------------------------

static bool json, timings;

static const Option check_options[] = {
    {"json", 0, OPTION_FLAG, &json, NULL, "print diagnostics as JSON, one object per line, on standard output"},
    {"timings", 0, OPTION_FLAG, &timings, NULL, "generate and verify code too, and print how long each phase took"},
    {0},
};

static bool report(Diags *diags, const Files *files) {
  if (!json) return image_report(diags, files);
  Text out = {0};
  diags_render_json(diags, &out);
  fwrite(out.ptr ? out.ptr : "", 1, out.len, stdout);
  return diags->errors > 0;
}

static u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static double ms(u64 ns) { return (double)ns / 1e6; }

static int check_timed(Source *source, Str folder) {
  ProgramImage image;
  u64 start = now_ns();
  int status = image_compile(&image, source, folder, (ImageOptions){.tests = true});
  if (status != EXIT_FINE) return status;
  FrontTimes t = front_times;
  u64 compiled = now_ns();
  status = image_verify_loudly(&image);
  u64 end = now_ns();
  double seconds = (double)(end - start) / 1e9;
  printf("%.*s: %llu lines: parse %.1f ms, check %.1f ms, generate %.1f ms, verify %.1f ms, all %.1f ms; %.0f lines/s\n",
         STR_ARG(cli_escape(source->path)), (unsigned long long)t.lines, ms(t.parse), ms(t.check), ms(t.generate),
         ms(end - compiled), ms(end - start), (double)t.lines / seconds);
  return status;
}

static int check_file(const char *path) {
  Source *source;
  int status = image_read_source(path, &source);
  if (status != EXIT_FINE) return status;
  Str folder = !strcmp(path, "-") ? STR(".") : path_folder(source->path);
  if (timings) return check_timed(source, folder);
  Files files;
  files_init(&files, source, folder);
  Diags diags = {0};
  bool fine =
      front_compile(&files.loader, STR("main"), (FrontOptions){.check_only = true, .tests = true}, &diags, &(Program){0});
  return report(&diags, &files) || !fine ? EXIT_FAILED : EXIT_FINE;
}

static int run_check(Operands operands) {
  if (!operands.count) return cli_needs("check", "FILE");
  int worst = EXIT_FINE;
  for (int i = 0; i < operands.count; i++) {
    int status = check_file(operands.items[i]);
    if (status > worst) worst = status;
  }
  return worst;
}

const Command command_check = {
    .name = "check",
    .arguments = "[OPTION..] FILE..",
    .summary = "Reports what is wrong with a program, without running it",
    .options = check_options,
    .run = run_check,
};

// ---- build ----------------------------------------------------------------------------------------------------------

static Str output;

static const Option build_options[] = {
    {"output", 'o', OPTION_TEXT, &output, "PATH",
     "where to write: a file, or an existing folder or NAME/ for one file per module"},
    {0},
};

static int write_out(const char *path, Str bytes) {
  Str error;
  if (file_write(path, bytes, &error)) return EXIT_FINE;
  cli_error("%.*s", STR_ARG(cli_escape(error)));
  return EXIT_FAILED;
}

static Str default_output(Str path) {
  return str_format("%.*s/%.*s.deedm", STR_ARG(path_folder(path)), STR_ARG(path_stem(path)));
}

static bool is_folder(Str path) {
  struct stat info;
  return path.len && (path.ptr[path.len - 1] == '/' || (stat(path.ptr, &info) == 0 && S_ISDIR(info.st_mode)));
}

// One file per module of the program: main's is named after the source file, the others as they are imported.
static int build_folder(const ProgramImage *image, Str folder) {
  while (folder.len > 1 && folder.ptr[folder.len - 1] == '/') folder.len--;
  for (u32 i = 0; i < image->modules.count; i++) {
    const Module *module = image->modules.items[i];
    if (image_is_library(module)) continue;
    if (str_starts_with(module->name, STR("../"))) {
      cli_error("the module `%.*s` would land outside of `%.*s`", STR_ARG(module->name), STR_ARG(folder));
      cli_hint("build the program into one file instead: -o NAME.deedm");
      return EXIT_FAILED;
    }
    bool beside = module_is_beside(module->name);
    Str name = beside ? (Str){module->name.ptr + 2, module->name.len - 2} : path_stem(image->path);
    Str path = str_format("%.*s/%.*s.deedm", STR_ARG(folder), STR_ARG(name)), error;
    if (!file_make_folder(path_folder(path).ptr, &error)) {
      cli_error("%.*s", STR_ARG(cli_escape(error)));
      return EXIT_FAILED;
    }
    int status = write_out(path.ptr, modfile_write(module));
    if (status != EXIT_FINE) return status;
  }
  return EXIT_FINE;
}

static int run_build(Operands operands) {
  if (operands.count != 1) return cli_needs("build", "single FILE");
  Source *source;
  ProgramImage image;
  int status = image_read_source(operands.items[0], &source);
  if (status != EXIT_FINE) return status;
  bool from_stdin = !strcmp(operands.items[0], "-");
  if (from_stdin && !output.len) return cli_needs("build -", "place to write to: -o FILE");
  status = image_compile(&image, source, from_stdin ? STR(".") : path_folder(source->path), (ImageOptions){0});
  if (status == EXIT_FINE) status = image_verify_loudly(&image);
  if (status != EXIT_FINE) return status;
  if (is_folder(output)) return build_folder(&image, output);
  Str path = output.len ? output : default_output(image.path);
  return write_out(path.ptr, image_pack(&image));
}

const Command command_build = {
    .name = "build",
    .arguments = "[-o PATH] FILE",
    .summary = "Compiles a program to a .deedm file, which `deed run` takes",
    .details =
        "Without -o the output stands beside FILE. A program of several modules becomes a bundle: one file that holds them "
        "all.\n"
        "With a folder for -o, each module becomes a file of its own. Modules of the library are never part of the "
        "output.\n",
    .options = build_options,
    .run = run_build,
};

// ---- asm ------------------------------------------------------------------------------------------------------------

static const Option asm_options[] = {
    {"output", 'o', OPTION_TEXT, &output, "FILE", "where to write (default: FILE with .deedm for its ending)"},
    {0},
};

static int run_asm(Operands operands) {
  if (operands.count != 1) return cli_needs("asm", "single FILE");
  Source *source;
  int status = image_read_source(operands.items[0], &source);
  if (status != EXIT_FINE) return status;
  Module *module;
  status = image_assemble(source, &module);
  if (status != EXIT_FINE) return status;
  Str path = output.len ? output : default_output(source->path);
  return write_out(path.ptr, modfile_write(module));
}

const Command command_asm = {
    .name = "asm",
    .arguments = "[-o FILE] FILE.dasm",
    .summary = "Assembles a module from text (docs/asm.md); nothing is verified",
    .options = asm_options,
    .run = run_asm,
};
