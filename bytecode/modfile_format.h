// What the writer and the reader of module files share: the order of the sections, and the table of strings.
#pragma once
#include "bytecode/modfile.h"

enum { FORMAT_VERSION = 2, HEADER_BYTES = 16, HASH_AT = 8 };

typedef enum Section {
  SECTION_STRINGS = 1,
  SECTION_MODULE,
  SECTION_IMPORTS,
  SECTION_TYPES,
  SECTION_TYPELISTS,
  SECTION_DATAS,
  SECTION_INTERFACES,
  SECTION_FUNCTIONS,
  SECTION_ACTORS,
  SECTION_GLOBALS,
  SECTION_CONSTANTS,
  SECTION_TESTS,
  SECTION_LINES,   // optional, as is the next
  SECTION_LOCALS,
  SECTION_END,
} Section;

// Strings by content, in the order of their first use.
typedef struct StringSet {
  VEC(Str) strings;
  u32 *slots;  // row + 1, or 0
  u32 capacity;
} StringSet;

u32 string_set_row(StringSet *set, Str s);  // the row of `s`, which is added if it is new
