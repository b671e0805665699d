// Where modules come from: the library, which is embedded in the program, and the files beside the program that is compiled.
#pragma once
#include "bytecode/front/front.h"

// A module of the embedded library, by its name ("list", "net/http").
typedef struct LibraryModule {
  Str name;
  Str path;  // as shown to people: "stdlib/list.deed"
  Str text;
} LibraryModule;

u32 library_count(void);
LibraryModule library_module(u32 index);
bool library_find(Str name, LibraryModule *module);

// A Loader over the library and the folder of a program. `loader` stands first, so that the one is the other.
typedef struct Files {
  Loader loader;
  Str folder;    // where "./util" is looked for, without the final slash
  Source *main;  // what the name "main" stands for
  Str trouble;   // the last file that exists but could not be read, and why; or empty
} Files;

void files_init(Files *files, Source *main, Str folder);

Source *source_new(Str path, Str text);
Str path_folder(Str path);        // "a/b.deed" → "a", "b.deed" → "."
Str path_stem(Str path);          // "a/b.deed" → "b"
bool module_is_beside(Str name);  // "./util", "../util": a file of the program, not of the library
