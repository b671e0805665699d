// From a path to verified modules: see image.h.
//
// A bundle is: the magic "deedpack", then as little-endian u32 a version and a count, then for each module its offset and
// length, then the module files themselves, imported ones before their importers. Module files name what they import: a
// module of the library is compiled from the embedded sources, a file beside the program is read as NAME.deedm.
#include "repl/image.h"

#include <unistd.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/utf8.h"
#include "repl/cli.h"
#include "repl/files.h"

enum { BUNDLE_VERSION = 1, BUNDLE_HEADER = 16, BUNDLE_ROW = 8, BUNDLE_LIMIT = 4096 };

static const Str bundle_magic = {"deedpack", 8};

bool image_is_library(const Module *module) {
  LibraryModule found;
  return library_find(module->name, &found);
}

const Verified *image_program(const ProgramImage *image) { return vec_last(&image->verified); }

// ---- Sources --------------------------------------------------------------------------------------------------------

// The number of the first line that is not UTF-8 (a newline is never part of a longer sequence).
static u32 bad_line(Str text) {
  u32 number = 1;
  while (text.len) {
    const char *newline = memchr(text.ptr, '\n', text.len);
    size_t length = newline ? (size_t)(newline - text.ptr) + 1 : text.len;
    if (!utf8_is_valid((Str){text.ptr, length})) break;
    text = (Str){text.ptr + length, text.len - length};
    number++;
  }
  return number;
}

static int source_from_bytes(const char *path, Str bytes, Source **source) {
  Str shown = !strcmp(path, "-") ? STR("<stdin>") : str_dup(str_from(path));
  if (!utf8_is_valid(bytes)) {
    cli_error("`%.*s` is not UTF-8 text (line %u)", STR_ARG(cli_escape(shown)), bad_line(bytes));
    return EXIT_FAILED;
  }
  *source = source_new(shown, bytes);
  return EXIT_FINE;
}

int image_read_source(const char *path, Source **source) {
  Str bytes, error;
  if (!file_read(path, &bytes, &error)) {
    cli_error("%.*s", STR_ARG(cli_escape(error)));
    return EXIT_FAILED;
  }
  return source_from_bytes(path, bytes, source);
}

bool image_report(Diags *diags, const Files *files) {
  bool failed = cli_diagnostics(diags);
  if (files->trouble.len) cli_hint("%.*s", STR_ARG(cli_escape(files->trouble)));
  return failed;
}

int image_compile(ProgramImage *image, Source *main, Str folder, ImageOptions options) {
  Files files;
  files_init(&files, main, folder);
  Diags diags = {0};
  Program program = {0};
  *image = (ProgramImage){.path = main->path, .kind = IMAGE_SOURCE};
  bool compiled = front_compile(&files.loader, STR("main"), (FrontOptions){.tests = options.tests}, &diags, &program);
  if (image_report(&diags, &files) || !compiled) return EXIT_FAILED;
  for (u32 i = 0; i < program.modules.count; i++) vec_push(&image->modules, program.modules.items[i]);
  return EXIT_FINE;
}

// ---- Module files and bundles ---------------------------------------------------------------------------------------

// The modules that a module file needs, being gathered: own ones in dependency order, the library's by name.
typedef struct Gathering {
  Str folder;
  VEC(Module *) own;
  PtrMap visited;  // by name: a module file may name millions
  VEC(Str) library;
} Gathering;

static bool visit(Gathering *g, Str name) {
  const Name *key = name_of(name);
  if (map_get(&g->visited, key)) return false;
  map_put(&g->visited, key, (void *)key);
  return true;
}

static int read_module_bytes(Str path, Str bytes, Module **module) {
  Str reason = {0};
  *module = modfile_read(bytes, &reason);
  if (*module) return EXIT_FINE;
  Str shown = cli_escape(path), why = cli_escape(reason);
  cli_error("`%.*s` is no well-formed module: %.*s", STR_ARG(shown), STR_ARG(why));
  return EXIT_FAILED;
}

static int gather(Gathering *g, Module *module);

static int gather_import(Gathering *g, Str name) {
  if (!visit(g, name)) return EXIT_FINE;
  LibraryModule found;
  if (library_find(name, &found)) {
    vec_push(&g->library, name);
    return EXIT_FINE;
  }
  if (!module_is_beside(name) || memchr(name.ptr, 0, name.len)) return EXIT_FINE;  // the verifier will miss it, and say so
  Str file = str_starts_with(name, STR("./")) ? (Str){name.ptr + 2, name.len - 2} : name;
  Str path = str_format("%.*s/%.*s.deedm", STR_ARG(g->folder), STR_ARG(file));
  if (access(path.ptr, F_OK) != 0) return EXIT_FINE;  // likewise
  Str bytes, error;
  if (!file_read(path.ptr, &bytes, &error)) {
    cli_error("%.*s", STR_ARG(cli_escape(error)));
    return EXIT_FAILED;
  }
  Module *module;
  int status = read_module_bytes(path, bytes, &module);
  if (status != EXIT_FINE) return status;
  if (!str_eq(module->name, name)) {
    Str shown = cli_escape(path), held = cli_escape(module->name), wanted = cli_escape(name);
    cli_error("`%.*s` holds the module `%.*s`, not `%.*s`", STR_ARG(shown), STR_ARG(held), STR_ARG(wanted));
    return EXIT_FAILED;
  }
  return gather(g, module);
}

static int gather(Gathering *g, Module *module) {
  for (u32 i = 0; i < module->imports.count; i++) {
    int status = gather_import(g, module->imports.items[i].module);
    if (status != EXIT_FINE) return status;
  }
  vec_push(&g->own, module);
  return EXIT_FINE;
}

// Compiles the modules of the library that are wanted, by compiling an empty program that imports them.
static int add_library(ProgramImage *image, const Gathering *g) {
  Text text = {0};
  for (u32 i = 0; i < g->library.count; i++) {
    Str name = g->library.items[i];
    if (!str_eq(name, STR("prelude"))) text_printf(&text, "import %.*s\n", STR_ARG(name));
  }
  text_add(&text, STR("fn main() {}\n"));
  Files files;
  files_init(&files, source_new(STR("<imports>"), text_str(&text)), STR("."));
  Diags diags = {0};
  Program program = {0};
  if (!front_compile(&files.loader, STR("main"), (FrontOptions){0}, &diags, &program)) {
    image_report(&diags, &files);
    cli_error("internal error: the embedded library does not compile");
    return EXIT_BUG;
  }
  for (u32 i = 0; i + 1 < program.modules.count; i++) vec_push(&image->modules, program.modules.items[i]);
  return EXIT_FINE;
}

static int complete(ProgramImage *image, Gathering *g) {
  for (u32 i = 0; i < g->own.count; i++) {
    if (!image_is_library(g->own.items[i])) continue;
    Str path = cli_escape(image->path), name = g->own.items[i]->name;
    cli_error("`%.*s` calls itself `%.*s`, which is a module of the library", STR_ARG(path), STR_ARG(name));
    return EXIT_FAILED;
  }
  int status = add_library(image, g);
  for (u32 i = 0; i < g->own.count; i++) vec_push(&image->modules, g->own.items[i]);
  return status;
}

static int open_module(ProgramImage *image, Module *module, ImageOptions options) {
  if (options.alone) {
    vec_push(&image->modules, module);
    return EXIT_FINE;
  }
  Gathering g = {.folder = path_folder(image->path)};
  visit(&g, module->name);
  int status = gather(&g, module);
  return status == EXIT_FINE ? complete(image, &g) : status;
}

static u32 read_u32(Str bytes, size_t at) {
  const u8 *b = (const u8 *)bytes.ptr + at;
  return b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

static int complain_bundle(Str path, const char *why) {
  cli_error("`%.*s` is no well-formed bundle: %s", STR_ARG(cli_escape(path)), why);
  return EXIT_FAILED;
}

static int open_bundle(ProgramImage *image, Str bytes, ImageOptions options) {
  if (bytes.len < BUNDLE_HEADER) return complain_bundle(image->path, "it ends within its header");
  if (read_u32(bytes, 8) != BUNDLE_VERSION) return complain_bundle(image->path, "another version of deed wrote it");
  u32 count = read_u32(bytes, 12);
  if (!count || count > BUNDLE_LIMIT || bytes.len < BUNDLE_HEADER + (size_t)count * BUNDLE_ROW) {
    return complain_bundle(image->path, "its number of modules is impossible");
  }
  Gathering g = {.folder = path_folder(image->path)};
  for (u32 i = 0; i < count; i++) {
    size_t row = BUNDLE_HEADER + (size_t)i * BUNDLE_ROW;
    size_t offset = read_u32(bytes, row), length = read_u32(bytes, row + 4);
    if (offset > bytes.len || length > bytes.len - offset)
      return complain_bundle(image->path, "a module reaches past its end");
    Module *module;
    int status = read_module_bytes(image->path, (Str){bytes.ptr + offset, length}, &module);
    if (status != EXIT_FINE) return status;
    if (!visit(&g, module->name)) return complain_bundle(image->path, "two of its modules have one name");
    status = options.alone ? EXIT_FINE : gather(&g, module);
    if (status != EXIT_FINE) return status;
    if (options.alone) vec_push(&image->modules, module);
  }
  return options.alone ? EXIT_FINE : complete(image, &g);
}

static void put_u32(Text *out, u32 value) {
  for (int shift = 0; shift < 32; shift += 8) text_char(out, (char)(value >> shift));
}

Str image_pack(const ProgramImage *image) {
  VEC(Str) files = {0};
  for (u32 i = 0; i < image->modules.count; i++) {
    if (!image_is_library(image->modules.items[i])) vec_push(&files, modfile_write(image->modules.items[i]));
  }
  if (files.count == 1) return files.items[0];
  Text out = {0};
  text_add(&out, bundle_magic);
  put_u32(&out, BUNDLE_VERSION);
  put_u32(&out, files.count);
  u32 offset = BUNDLE_HEADER + files.count * BUNDLE_ROW;
  for (u32 i = 0; i < files.count; i++) {
    put_u32(&out, offset);
    put_u32(&out, (u32)files.items[i].len);
    offset += (u32)files.items[i].len;
  }
  for (u32 i = 0; i < files.count; i++) text_add(&out, files.items[i]);
  return text_str(&out);
}

// ---- Any file -------------------------------------------------------------------------------------------------------

static bool ends_with(const char *text, const char *suffix) {
  size_t length = strlen(text), tail = strlen(suffix);
  return length >= tail && !strcmp(text + length - tail, suffix);
}

int image_assemble(Source *source, Module **module) {
  Diags diags = {0};
  *module = asm_parse(source, &diags);
  return cli_diagnostics(&diags) || !*module ? EXIT_FAILED : EXIT_FINE;
}

int image_open(ProgramImage *image, const char *path, ImageOptions options) {
  Str bytes, error;
  if (!file_read(path, &bytes, &error)) {
    cli_error("%.*s", STR_ARG(cli_escape(error)));
    return EXIT_FAILED;
  }
  *image = (ProgramImage){.path = str_dup(str_from(path)), .kind = IMAGE_MODULE};
  if (str_starts_with(bytes, bundle_magic)) {
    image->kind = IMAGE_BUNDLE;
    return open_bundle(image, bytes, options);
  }
  if (modfile_is_module(bytes) || ends_with(path, ".deedm")) {
    Module *module;
    int status = read_module_bytes(image->path, bytes, &module);
    return status == EXIT_FINE ? open_module(image, module, options) : status;
  }
  Source *source;
  int status = source_from_bytes(path, bytes, &source);
  if (status != EXIT_FINE) return status;
  if (ends_with(path, ".dasm")) {
    image->kind = IMAGE_ASSEMBLY;
    Module *module;
    status = image_assemble(source, &module);
    return status == EXIT_FINE ? open_module(image, module, options) : status;
  }
  return image_compile(image, source, !strcmp(path, "-") ? STR(".") : path_folder(image->path), options);
}

// ---- Verifying ------------------------------------------------------------------------------------------------------

Str verify_error_text(const VerifyError *error) {
  Text out = {0};
  text_printf(&out, "%s: %.*s", verify_reason_name(error->reason), STR_ARG(error->message));
  if (error->function.len) text_printf(&out, " (function %.*s, word %u)", STR_ARG(error->function), error->word);
  return cli_escape(text_str(&out));
}

int image_verify(ProgramImage *image, VerifyError *error, const Module **culprit) {
  for (u32 i = 0; i < image->modules.count; i++) {
    const Module *module = image->modules.items[i];
    *error = (VerifyError){0};
    *culprit = module;
    const Verified *verified = verify_module(module, image->verified.items, image->verified.count, error);
    if (verified) {
      vec_push(&image->verified, verified);
      continue;
    }
    if (image->kind != IMAGE_SOURCE && !image_is_library(module)) return EXIT_FAILED;
    cli_error("internal error: the verifier refuses the compiler's module `%.*s`: %.*s", STR_ARG(module->name),
              STR_ARG(verify_error_text(error)));
    return EXIT_BUG;
  }
  return EXIT_FINE;
}

int image_verify_loudly(ProgramImage *image) {
  VerifyError error;
  const Module *culprit;
  int status = image_verify(image, &error, &culprit);
  if (status != EXIT_FAILED) return status;
  Str path = cli_escape(image->path), name = cli_escape(culprit->name);
  cli_error("`%.*s`: the module `%.*s` is refused: %.*s", STR_ARG(path), STR_ARG(name), STR_ARG(verify_error_text(&error)));
  return status;
}
