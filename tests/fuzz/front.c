// Fuzzing the front end: any bytes at all are either refused with diagnostics or compiled, and never crash it.
//
//   clang -std=gnu17 -I. -g -O1 -fsanitize=fuzzer,address,undefined -DDEED_NO_LIBGC [-DFUZZ_PARSE_ONLY] tests/fuzz/front.c \
//     bytecode/base.c bytecode/diag.c … bytecode/front/*.c -lutf8proc -o front-fuzz
//   ./front-fuzz -dict=tests/fuzz/front.dict -max_len=4096 WORKDIR tests/fuzz/corpus/front
//
// Run it from the top of the tree: the library's modules are read from stdlib/. All compiler memory of a run is released
// after it, so a leak or a pointer that survives shows up as a fault in the next one. FUZZ_PARSE_ONLY leaves the checker
// and the generator out.
#include "bytecode/front/front.h"
#include "bytecode/front/parse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void render(Diags *diags) {
  Text text = {0};
  diags_render(diags, &text, true);
  diags_render_json(diags, &text);
}

static Source *source_new(Str path, Str text, bool library) {
  Source *source = gc_new(Source);
  source->path = path;
  source->text = text;
  source->library = library;
  return source;
}

#ifndef FUZZ_PARSE_ONLY

// The library's files stay in memory between runs; malloc'd, for compiler memory goes.
typedef struct File {
  char name[64];
  char *text;
  size_t size;
  struct File *next;
} File;

static File *files;

static File *file_load(Str name) {
  for (File *file = files; file; file = file->next)
    if (str_eq(name, str_from(file->name))) return file;
  char path[128];
  if (name.len > 60 || snprintf(path, sizeof path, "stdlib/%.*s.deed", STR_ARG(name)) <= 0) return NULL;
  FILE *in = fopen(path, "rb");
  if (!in) return NULL;
  File *file = calloc(1, sizeof *file);
  memcpy(file->name, name.ptr, name.len);
  file->text = malloc(1 << 20);
  file->size = fread(file->text, 1, 1 << 20, in);
  fclose(in);
  file->next = files;
  files = file;
  return file;
}

static Str program;

static bool load(void *context, Str name, Source **source) {
  (void)context;
  if (str_eq(name, STR("main"))) {
    *source = source_new(STR("main.deed"), program, false);
    return true;
  }
  for (size_t i = 0; i < name.len; i++)
    if (name.ptr[i] == '.') return false;
  File *file = file_load(name);
  if (!file) return false;
  *source = source_new(str_dup(name), (Str){file->text, file->size}, true);
  return true;
}

static void compile(Str text) {
  program = text;
  Loader loader = {load, NULL};
  Diags diags = {0};
  Program out = {0};
  front_compile(&loader, STR("main"), (FrontOptions){.tests = true}, &diags, &out);
  render(&diags);
}

#else

static void compile(Str text) { (void)text; }

#endif

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  Str text = {(const char *)data, size};
  Diags diags = {0};
  parse_module(source_new(STR("fuzz.deed"), text, size & 1), STR("fuzz"), &diags);
  render(&diags);
  bool parsed = diags.errors == 0;
  diags = (Diags){0};
  parse_script(source_new(STR("fuzz.deed"), text, false), STR("fuzz"), &diags);
  render(&diags);
  if (parsed) compile(text);
  gc_release_all();
  return 0;
}
