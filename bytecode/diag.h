// Diagnostics: what the front end, the assembler and the verifier have to say to a person.
//
// A Diag names a stable code ("E0123", explained by `deed explain`), a place, one plain sentence, and where useful a
// second place and a hint. They are collected, sorted by place, and rendered as text with carets or as JSON lines.
#pragma once
#include "bytecode/base.h"

// A source text. `text` is borrowed; `lines` is filled on first use.
typedef struct Source {
  Str path;       // as shown to people
  Str text;
  bool library;   // part of the embedded library: may declare functions without a body (natives)
  VEC(u32) lines; // byte offset of each line's start
} Source;

// A half-open range of bytes in a Source.
typedef struct Span {
  u32 start;
  u32 end;
} Span;

typedef struct LineCol {
  u32 line;  // from 1
  u32 col;   // from 1, in Unicode scalars
} LineCol;

LineCol source_line_col(Source *source, u32 offset);

// One row per diagnostic in diag.def: DIAG(E0101, "name", "explanation for deed explain").
typedef enum DiagCode {
#define DIAG(code, title, explanation) DIAG_##code,
#include "bytecode/diag.def"
#undef DIAG
  DIAG_COUNT
} DiagCode;

typedef struct Diag {
  DiagCode code;     // names beginning with W are warnings
  Source *source;
  Span span;
  Str message;       // one plain sentence, no final period needed
  Source *note_source;  // second place, or NULL
  Span note_span;
  Str note;          // label of the second place ("declared here")
  Str hint;          // "did you mean `incr`?", or empty
} Diag;

typedef struct Diags {
  VEC(Diag *) list;
  u32 errors;
  u32 warnings;
  u32 limit;         // errors after which the front end gives up (0: 100)
} Diags;

// Adds a diagnostic, and returns it so that the caller may add a note or a hint. One at the same place with the same code
// is not added twice (the earlier one is returned).
Diag *diag_add(Diags *diags, DiagCode code, Source *source, Span span, const char *format, ...) PRINTF_LIKE(5, 6);
Diag *diag_vadd(Diags *diags, DiagCode code, Source *source, Span span, const char *format, va_list args);
void diag_note(Diag *diag, Source *source, Span span, const char *format, ...) PRINTF_LIKE(4, 5);
void diag_hint(Diag *diag, const char *format, ...) PRINTF_LIKE(2, 3);

bool diag_is_error(const Diag *diag);
const char *diag_code_text(DiagCode code);   // "E0101"
const char *diag_explain(Str code);          // explanation, or NULL if there is no such code

// Renders all, sorted by source and place. `color` adds ANSI colours.
void diags_render(Diags *diags, Text *out, bool color);
void diags_render_json(Diags *diags, Text *out);  // one JSON object per line; its fields are in docs/architecture.md

// The candidate nearest to `wanted` by edit distance, if near enough to be worth a hint; else an empty Str.
typedef struct Nearest {
  Str wanted;
  Str best;
  u32 distance;
} Nearest;
void nearest_offer(Nearest *nearest, Str candidate);
