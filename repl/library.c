// The embedded library and the files beside a program: see library.h.
//
// build/gen/stdlib.S holds the library's sources as they stand in stdlib/, and a table of them ended by a row of zeros.
#include "repl/library.h"

#include <unistd.h>

#include "bytecode/utf8.h"
#include "repl/files.h"

typedef struct Embedded {
  const char *path;  // below stdlib/
  const char *start;
  const char *end;
} Embedded;

extern const Embedded stdlib_table[];

u32 library_count(void) {
  u32 count = 0;
  while (stdlib_table[count].path) count++;
  return count;
}

LibraryModule library_module(u32 index) {
  const Embedded *row = &stdlib_table[index];
  Str file = str_from(row->path);
  return (LibraryModule){
      .name = {file.ptr, file.len - strlen(".deed")},
      .path = str_format("stdlib/%s", row->path),
      .text = {row->start, (size_t)(row->end - row->start)},
  };
}

bool library_find(Str name, LibraryModule *module) {
  for (u32 i = 0; stdlib_table[i].path; i++) {
    const char *path = stdlib_table[i].path;
    if (strncmp(path, name.ptr, name.len) || strcmp(path + name.len, ".deed")) continue;
    *module = library_module(i);
    return true;
  }
  return false;
}

Source *source_new(Str path, Str text) {
  Source *source = gc_new(Source);
  source->path = path;
  source->text = text;
  return source;
}

Str path_folder(Str path) {
  size_t length = path.len;
  while (length && path.ptr[length - 1] != '/') length--;
  if (!length) return STR(".");
  if (length > 1) length--;
  return str_dup((Str){path.ptr, length});
}

Str path_stem(Str path) {
  size_t start = path.len;
  while (start && path.ptr[start - 1] != '/') start--;
  size_t end = path.len;
  while (end > start && path.ptr[end - 1] != '.') end--;
  if (end <= start + 1) end = path.len + 1;
  return str_dup((Str){path.ptr + start, end - 1 - start});
}

bool module_is_beside(Str name) { return str_starts_with(name, STR("./")) || str_starts_with(name, STR("../")); }

static bool read_beside(Files *files, Str name, Source **source) {
  Str shown = str_starts_with(name, STR("./")) ? (Str){name.ptr + 2, name.len - 2} : name;
  Str path = str_eq(files->folder, STR(".")) ? str_format("%.*s.deed", STR_ARG(shown))
                                             : str_format("%.*s/%.*s.deed", STR_ARG(files->folder), STR_ARG(shown));
  if (access(path.ptr, F_OK) != 0) return false;
  Str text, error;
  if (!file_read(path.ptr, &text, &error)) {
    files->trouble = error;
    return false;
  }
  if (!utf8_is_valid(text)) {
    files->trouble = str_format("`%.*s` is not UTF-8 text", STR_ARG(path));
    return false;
  }
  *source = source_new(path, text);
  return true;
}

static bool read_module(void *context, Str name, Source **source) {
  Files *files = context;
  if (str_eq(name, STR("main"))) {
    *source = files->main;
    return files->main != NULL;
  }
  if (module_is_beside(name)) return read_beside(files, name, source);
  LibraryModule module;
  if (!library_find(name, &module)) return false;
  *source = source_new(module.path, module.text);
  (*source)->library = true;
  return true;
}

void files_init(Files *files, Source *main, Str folder) { *files = (Files){{read_module, files}, folder, main, {0}}; }
