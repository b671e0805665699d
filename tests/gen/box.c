// The box of box.h.
#include "tests/gen/box.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "repl/image.h"
#include "vm/engine.h"
#include "vm/image.h"
#include "vm/memory.h"
#include "vm/state.h"
#include "vm/stream.h"

#ifndef DEED_COUNT
u64 engine_counted;
#endif

static void fail(const char *what, Str why) {
  fprintf(stderr, "%s: %.*s\n", what, STR_ARG(why));
  exit(2);
}

// ---- Compiling ------------------------------------------------------------------------------------------------------

// A loader that knows some texts by name, and the library.
typedef struct Texts {
  Files files;  // first: the loader that it begins with serves all other names
  const Str *texts;
  u32 count;
} Texts;

static bool read_text(void *context, Str name, Source **source) {
  Texts *texts = context;
  unsigned index;
  char tail;
  Str copy = str_dup(name);
  if (sscanf(copy.ptr, "./p%u%c", &index, &tail) == 1 && index < texts->count) {
    *source = source_new(str_format("%.*s.deed", (int)name.len - 2, name.ptr + 2), texts->texts[index]);
    return true;
  }
  Loader below = texts->files.loader;
  return below.read(&texts->files, name, source);
}

static bool is_own(const Module *module) { return str_eq(module->name, STR("main")) || module_is_beside(module->name); }

static bool compile(Loader *loader, Modules *own, Diags *diags) {
  Program program = {0};
  if (!front_compile(loader, STR("main"), (FrontOptions){.tests = true}, diags, &program)) return false;
  for (u32 i = 0; i < program.modules.count; i++) {
    if (is_own(program.modules.items[i])) vec_push(own, program.modules.items[i]);
  }
  return true;
}

bool box_compile(Str text, Str folder, Modules *own) {
  Files files;
  Diags diags = {0};
  files_init(&files, source_new(STR("main.deed"), text), folder);
  return compile(&files.loader, own, &diags);
}

static void find_main(Module *module) {
  for (u32 i = 0; i < module->functions.count; i++) {
    const Function *f = &module->functions.items[i];
    if (f->kind == FUNCTION_PLAIN && f->import == IMPORT_NONE && str_eq(f->name, STR("main"))) module->main = i;
  }
}

bool box_compile_many(const Str *texts, u32 count, Modules *own, Text *complaint) {
  Text all = {0};
  for (u32 i = 0; i < count; i++) text_printf(&all, "import ./p%u\n", i);
  text_add(&all, STR("fn main() {}\n"));
  Texts loader = {.texts = texts, .count = count};
  files_init(&loader.files, source_new(STR("main.deed"), text_str(&all)), STR("."));
  Loader face = {read_text, &loader};
  Diags diags = {0};
  bool fine = compile(&face, own, &diags);
  if (!fine) diags_render(&diags, complaint, false);
  if (fine) own->count--;  // the module that imports them
  for (u32 i = 0; i < own->count; i++) find_main(own->items[i]);
  return fine;
}

// ---- The library ----------------------------------------------------------------------------------------------------

const Verified *box_verify(const Box *box, const Module *module, VerifyError *error) {
  return verify_module(module, box->library.items, box->library.count, error);
}

bool box_load(Box *box, const Verified *verified, Str *error) {
  if (box->last) box->loader->images->last = box->last;
  return vm_load(box->loader, verified, error);
}

static void add_library(Box *box, const Module *module) {
  VerifyError error;
  Str why;
  const Verified *verified = box_verify(box, module, &error);
  if (!verified) fail("the library is refused", verify_error_text(&error));
  if (!box_load(box, verified, &why)) fail("the library cannot be loaded", why);
  vec_push(&box->library, verified);
}

void box_open(Box *box) {
  *box = (Box){0};
  VmOptions options = {.seeded = true, .out_fd = -1, .err_fd = -1};
  box->loader = vm_new(&options);
  Text text = {0};
  for (u32 i = 0; i < library_count(); i++) {
    Str name = library_module(i).name;
    if (!str_eq(name, STR("prelude"))) text_printf(&text, "import %.*s\n", STR_ARG(name));
  }
  text_add(&text, STR("fn main() {}\n"));
  Files files;
  files_init(&files, source_new(STR("main.deed"), text_str(&text)), STR("."));
  Diags diags = {0};
  Program program = {0};
  if (!box->loader || !front_compile(&files.loader, STR("main"), (FrontOptions){0}, &diags, &program)) {
    Text complaint = {0};
    diags_render(&diags, &complaint, false);
    fail("the library does not compile", text_str(&complaint));
  }
  for (u32 i = 0; i + 1 < program.modules.count; i++) add_library(box, program.modules.items[i]);
  box->last = images_last(box->loader->images);
}

// ---- Running --------------------------------------------------------------------------------------------------------

static int nothing(void) {
  static int fd;
  if (!fd) fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd;
}

static u64 hash_text(u64 hash, Str text) {
  for (size_t i = 0; i < text.len; i++) hash = hash_byte(hash, (u8)text.ptr[i]);
  return hash;
}

BoxRun box_run(Box *box, VmOptions options, bool keep_text) {
  options.seeded = true;
  options.out_fd = options.err_fd = -1;
  options.in_fd = nothing();
  options.library = box->loader;
  memory_flush();
  u64 live = memory_live(), counted = engine_counted;
  Vm *vm = vm_new(&options);
  if (!vm) fail("no memory", STR("for a VM"));
  BoxRun run = {.result = vm_run_main(vm, NULL, 0, NULL, 0)};
  run.reductions = vm_stats(vm).reductions;
  run.instructions = engine_counted - counted;
  Str out = stream_captured(vm->out);
  run.hash = hash_end(hash_byte(hash_byte(hash_text(HASH_START, out), (u8)run.result.end), (u8)run.result.status));
  if (keep_text) {
    text_add(&run.out, out);
    text_add(&run.err, stream_captured(vm->err));
  }
  vm_free(vm);
  memory_flush();
  run.leaked = memory_live() != live;
  return run;
}
