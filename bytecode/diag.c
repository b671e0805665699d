// Diagnostics: collecting, ordering and rendering what the tools have to say to a person. See diag.h.
//
// A diagnostic is shown as one plain sentence, then the place with the source line and carets below the span, then the
// second place in the same manner, then the hint:
//
//   error E0201: expected Int, found String
//     --> counter.deed:5:12
//      |
//    5 |   c ! incr("2")
//      |            ^^^
//   hint: ...
//
// Source text is shown to a terminal, so whatever could steer one (control characters, bidirectional marks, bytes that
// are no UTF-8) is replaced on its way out.
#include "bytecode/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

enum {
  DEFAULT_LIMIT = 100,    // errors, where Diags.limit is 0
  WARNING_LIMIT = 1000,
  SHOWN_WIDTH = 110,      // columns of a source line that are shown
  SHOWN_BEFORE = 60,      // columns kept before the first caret when a long line is cut
  TAB_WIDTH = 4,
  EDIT_LIMIT = 48,        // longest names whose edit distance is computed
};

static const struct {
  const char *code;
  const char *explanation;
} table[DIAG_COUNT] = {
#define DIAG(code, title, explanation) [DIAG_##code] = {#code, title ".\n\n" explanation},
#include "bytecode/diag.def"
#undef DIAG
};

// ---- Places ---------------------------------------------------------------------------------------------------------

static void source_index(Source *source) {
  vec_push(&source->lines, 0);
  const char *text = source->text.ptr;
  const char *end = text + source->text.len;
  for (const char *at = text; at < end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) break;
    at = newline + 1;
    vec_push(&source->lines, (u32)(at - text));
  }
}

// The number (from 0) of the line that holds the byte at `offset`.
static u32 line_of(Source *source, u32 offset) {
  if (!source->lines.count) source_index(source);
  u32 low = 0, high = source->lines.count;
  while (high - low > 1) {
    u32 middle = low + (high - low) / 2;
    if (source->lines.items[middle] <= offset) low = middle;
    else high = middle;
  }
  return low;
}

static u32 clamp_offset(const Source *source, u32 offset) { return offset > source->text.len ? (u32)source->text.len : offset; }

LineCol source_line_col(Source *source, u32 offset) {
  offset = clamp_offset(source, offset);
  u32 line = line_of(source, offset);
  u32 col = 1;
  for (u32 i = source->lines.items[line]; i < offset; i++) col += ((u8)source->text.ptr[i] & 0xc0) != 0x80;
  return (LineCol){line + 1, col};
}

// ---- Collecting -----------------------------------------------------------------------------------------------------

bool diag_is_error(const Diag *diag) { return table[diag->code].code[0] == 'E'; }

const char *diag_code_text(DiagCode code) { return table[code].code; }

const char *diag_explain(Str code) {
  for (u32 i = 0; i < DIAG_COUNT; i++)
    if (str_eq(code, str_from(table[i].code))) return table[i].explanation;
  return NULL;
}

static u32 error_limit(const Diags *diags) { return diags->limit ? diags->limit : DEFAULT_LIMIT; }

Diag *diag_vadd(Diags *diags, DiagCode code, Source *source, Span span, const char *format, va_list args) {
  for (u32 i = diags->list.count; i-- > 0;) {
    Diag *earlier = diags->list.items[i];
    if (earlier->code == code && earlier->source == source && earlier->span.start == span.start) return earlier;
  }
  Diag *diag = gc_new(Diag);
  diag->code = code;
  diag->source = source;
  diag->span = span;
  diag->message = str_vformat(format, args);
  u32 count = diag_is_error(diag) ? ++diags->errors : ++diags->warnings;
  // Past the limit it is only counted; the caller may still add a note to what it got.
  if (count <= (diag_is_error(diag) ? error_limit(diags) : WARNING_LIMIT)) vec_push(&diags->list, diag);
  return diag;
}

Diag *diag_add(Diags *diags, DiagCode code, Source *source, Span span, const char *format, ...) {
  va_list args;
  va_start(args, format);
  Diag *diag = diag_vadd(diags, code, source, span, format, args);
  va_end(args);
  return diag;
}

void diag_note(Diag *diag, Source *source, Span span, const char *format, ...) {
  va_list args;
  va_start(args, format);
  diag->note = str_vformat(format, args);
  va_end(args);
  diag->note_source = source;
  diag->note_span = span;
}

void diag_hint(Diag *diag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  diag->hint = str_vformat(format, args);
  va_end(args);
}

typedef struct Ranked {
  Diag *diag;
  u32 source;  // in which order its source was first spoken of
  u32 index;
} Ranked;

static int ranked_compare(const void *a, const void *b) {
  const Ranked *x = a, *y = b;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->diag->span.start != y->diag->span.start) return x->diag->span.start < y->diag->span.start ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static Ranked *diags_sorted(const Diags *diags) {
  Ranked *ranked = gc_array(Ranked, diags->list.count + 1);
  for (u32 i = 0; i < diags->list.count; i++) {
    Diag *diag = diags->list.items[i];
    u32 first = 0;
    while (diags->list.items[first]->source != diag->source) first++;
    ranked[i] = (Ranked){diag, first, i};
  }
  qsort(ranked, diags->list.count, sizeof *ranked, ranked_compare);
  return ranked;
}

// ---- Text -----------------------------------------------------------------------------------------------------------

// One scalar of a source line, as it is shown.
typedef struct Cell {
  u32 bytes;   // in the source
  u32 width;   // columns
  Str shown;
} Cell;

static bool is_bidi_mark(i32 c) {
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c;
}

static Cell cell_at(Str text, u32 at, u32 column) {
  utf8proc_int32_t scalar = -1;
  utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)text.ptr + at, (utf8proc_ssize_t)(text.len - at), &scalar);
  if (scalar == '\t') return (Cell){1, TAB_WIDTH - column % TAB_WIDTH, {"    ", TAB_WIDTH - column % TAB_WIDTH}};
  if (bytes <= 0) return (Cell){1, 1, STR("\xef\xbf\xbd")};
  if (scalar < 0x20 || (scalar >= 0x7f && scalar < 0xa0) || is_bidi_mark(scalar)) return (Cell){(u32)bytes, 1, STR("\xef\xbf\xbd")};
  int width = scalar < 0x7f ? 1 : utf8proc_charwidth(scalar);
  return (Cell){(u32)bytes, width < 0 ? 0 : (u32)width, {text.ptr + at, (size_t)bytes}};
}

// Text that may quote the program, made harmless for a terminal.
static void text_plain(Text *out, Str s) {
  for (u32 i = 0; i < s.len;) {
    if (s.ptr[i] == '\n') {
      text_char(out, '\n');
      i++;
      continue;
    }
    Cell cell = cell_at(s, i, 0);
    text_add(out, cell.shown);
    i += cell.bytes;
  }
}

typedef struct Style {
  const char *error, *warning, *note, *hint, *frame, *bold, *off;
} Style;

static const Style plain_style = {"", "", "", "", "", "", ""};
static const Style color_style = {"\033[1;31m", "\033[1;33m", "\033[1;36m", "\033[1;32m", "\033[34m", "\033[1m", "\033[0m"};

typedef struct Renderer {
  Text *out;
  const Style *style;
  u32 gutter;         // digits of the largest line number shown
} Renderer;

static void frame_line(Renderer *r, u32 number) {
  text_printf(r->out, "%s ", r->style->frame);
  if (number) text_printf(r->out, "%*u", (int)r->gutter, number);
  else text_printf(r->out, "%*s", (int)r->gutter, "");
  text_printf(r->out, " |%s", r->style->off);
}

static void line_end(Renderer *r) {
  while (r->out->len && r->out->ptr[r->out->len - 1] == ' ') r->out->len--;
  text_char(r->out, '\n');
}

// The byte range of line `line` (from 0) without its end.
static Span line_span(Source *source, u32 line) {
  u32 start = source->lines.items[line];
  u32 end = line + 1 < source->lines.count ? source->lines.items[line + 1] - 1 : (u32)source->text.len;
  if (end > start && source->text.ptr[end - 1] == '\r') end--;
  return (Span){start, end};
}

typedef struct Columns {
  u32 from, to, total;
} Columns;

static Columns measure(Source *source, Span line, Span mark) {
  Columns c = {UINT32_MAX, UINT32_MAX, 0};
  Str text = {source->text.ptr, line.end};
  for (u32 at = line.start; at < line.end;) {
    if (at >= mark.start && c.from == UINT32_MAX) c.from = c.total;
    if (at >= mark.end && c.to == UINT32_MAX) c.to = c.total;
    Cell cell = cell_at(text, at, c.total);
    c.total += cell.width;
    at += cell.bytes;
  }
  if (c.from == UINT32_MAX) c.from = c.total;
  if (c.to == UINT32_MAX) c.to = c.total;
  if (c.to <= c.from) c.to = c.from + 1;
  return c;
}

// One source line with carets under `mark`, cut to a readable width around them.
static void render_line(Renderer *r, Source *source, u32 number, Span mark, const char *caret_style) {
  Span line = line_span(source, number);
  Columns c = measure(source, line, mark);
  u32 left = 0;
  if (c.total > SHOWN_WIDTH && c.to > SHOWN_WIDTH - 4) left = c.from > SHOWN_BEFORE ? c.from - SHOWN_BEFORE : 0;
  u32 right = left + SHOWN_WIDTH;
  frame_line(r, number + 1);
  text_add(r->out, left ? STR(" …") : STR(" "));
  Str text = {source->text.ptr, line.end};
  u32 column = 0, first = UINT32_MAX;
  for (u32 at = line.start; at < line.end && column < right;) {
    Cell cell = cell_at(text, at, column);
    if (column >= left) {
      if (first == UINT32_MAX) first = column;
      text_add(r->out, cell.shown);
    }
    column += cell.width;
    at += cell.bytes;
  }
  if (first == UINT32_MAX) first = left;
  if (c.total > right) text_add(r->out, STR("…"));
  line_end(r);
  frame_line(r, 0);
  u32 pad = c.from - first + (left ? 2 : 1);
  u32 carets = (c.to > right ? (right > c.from ? right : c.from + 1) : c.to) - c.from;
  text_printf(r->out, "%*s%s", (int)pad, "", caret_style);
  for (u32 i = 0; i < carets; i++) text_char(r->out, '^');
  text_printf(r->out, "%s\n", r->style->off);
}

static u32 last_line_of(Source *source, Span span) {
  return line_of(source, clamp_offset(source, span.end > span.start ? span.end - 1 : span.start));
}

static void render_place(Renderer *r, Source *source, Span span, const char *caret_style) {
  LineCol at = source_line_col(source, span.start);
  text_printf(r->out, "%*s%s-->%s ", (int)r->gutter + 1, "", r->style->frame, r->style->off);
  text_plain(r->out, source->path);
  text_printf(r->out, ":%u:%u\n", at.line, at.col);
  frame_line(r, 0);
  text_char(r->out, '\n');
  u32 first = at.line - 1, last = last_line_of(source, span);
  render_line(r, source, first, span, caret_style);
  if (last <= first) return;
  if (last > first + 1) text_printf(r->out, "%s%*s%s\n", r->style->frame, (int)r->gutter + 4, "...", r->style->off);
  Span line = line_span(source, last);
  while (line.start < line.end && strchr(" \t", source->text.ptr[line.start])) line.start++;
  render_line(r, source, last, (Span){line.start, span.end}, caret_style);
}

static u32 digits_of(u32 n) {
  u32 digits = 1;
  while (n >= 10) n /= 10, digits++;
  return digits;
}

static void diag_render(Diag *diag, Text *out, bool color) {
  Renderer r = {out, color ? &color_style : &plain_style, 1};
  if (diag->source) r.gutter = digits_of(last_line_of(diag->source, diag->span) + 1);
  if (diag->note_source) {
    u32 digits = digits_of(last_line_of(diag->note_source, diag->note_span) + 1);
    if (digits > r.gutter) r.gutter = digits;
  }
  bool error = diag_is_error(diag);
  const char *tone = error ? r.style->error : r.style->warning;
  text_printf(out, "%s%s %s%s: %s", tone, error ? "error" : "warning", diag_code_text(diag->code), r.style->off, r.style->bold);
  text_plain(out, diag->message);
  text_printf(out, "%s\n", r.style->off);
  if (diag->source) render_place(&r, diag->source, diag->span, tone);
  if (diag->note.len) {
    text_printf(out, "%snote%s: ", r.style->note, r.style->off);
    text_plain(out, diag->note);
    text_char(out, '\n');
    if (diag->note_source) render_place(&r, diag->note_source, diag->note_span, r.style->note);
  }
  if (diag->hint.len) {
    text_printf(out, "%shint%s: ", r.style->hint, r.style->off);
    text_plain(out, diag->hint);
    text_char(out, '\n');
  }
}

void diags_render(Diags *diags, Text *out, bool color) {
  Ranked *sorted = diags_sorted(diags);
  for (u32 i = 0; i < diags->list.count; i++) {
    if (i) text_char(out, '\n');
    diag_render(sorted[i].diag, out, color);
  }
  if (diags->errors > error_limit(diags)) {
    u32 more = diags->errors - error_limit(diags);
    text_printf(out, "\n%u more error%s not shown\n", more, more == 1 ? " is" : "s are");
  }
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

static void json_string(Text *out, Str s) {
  text_char(out, '"');
  for (u32 i = 0; i < s.len;) {
    utf8proc_int32_t scalar;
    utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + i, (utf8proc_ssize_t)(s.len - i), &scalar);
    if (bytes <= 0) {
      text_add(out, STR("\xef\xbf\xbd"));
      i++;
      continue;
    }
    if (scalar == '"' || scalar == '\\') text_printf(out, "\\%c", (char)scalar);
    else if (scalar == '\n') text_add(out, STR("\\n"));
    else if (scalar < 0x20 || scalar == 0x7f) text_printf(out, "\\u%04x", (unsigned)scalar);
    else text_add(out, (Str){s.ptr + i, (size_t)bytes});
    i += (u32)bytes;
  }
  text_char(out, '"');
}

static void json_span(Text *out, Source *source, Span span, bool primary, Str label) {
  LineCol from = source_line_col(source, span.start), to = source_line_col(source, span.end);
  text_add(out, STR("{\"file\":"));
  json_string(out, source->path);
  text_printf(out, ",\"byte_start\":%u,\"byte_end\":%u,\"line_start\":%u,\"col_start\":%u,\"line_end\":%u,\"col_end\":%u", span.start, span.end,
              from.line, from.col, to.line, to.col);
  text_printf(out, ",\"is_primary\":%s,\"label\":", primary ? "true" : "false");
  json_string(out, label);
  text_char(out, '}');
}

static void diag_render_json(Diag *diag, Text *out) {
  text_printf(out, "{\"code\":\"%s\",\"level\":\"%s\",\"message\":", diag_code_text(diag->code), diag_is_error(diag) ? "error" : "warning");
  json_string(out, diag->message);
  text_add(out, STR(",\"spans\":["));
  if (diag->source) json_span(out, diag->source, diag->span, true, STR(""));
  if (diag->note_source) {
    if (diag->source) text_char(out, ',');
    json_span(out, diag->note_source, diag->note_span, false, diag->note);
  }
  text_add(out, STR("],\"hint\":"));
  if (diag->hint.len) json_string(out, diag->hint);
  else text_add(out, STR("null"));
  Text rendered = {0};
  diag_render(diag, &rendered, false);
  text_add(out, STR(",\"rendered\":"));
  json_string(out, text_str(&rendered));
  text_add(out, STR("}\n"));
}

void diags_render_json(Diags *diags, Text *out) {
  Ranked *sorted = diags_sorted(diags);
  for (u32 i = 0; i < diags->list.count; i++) diag_render_json(sorted[i].diag, out);
}

// ---- Spelling -------------------------------------------------------------------------------------------------------

// Edits that turn a into b: one character added, dropped, replaced, or two neighbours swapped.
static u32 edit_distance(Str a, Str b) {
  u32 rows[3][EDIT_LIMIT + 1];
  u32 *before = rows[0], *last = rows[1], *row = rows[2];
  for (u32 j = 0; j <= b.len; j++) last[j] = j;
  for (u32 i = 1; i <= a.len; i++) {
    row[0] = i;
    for (u32 j = 1; j <= b.len; j++) {
      u32 best = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      row[j] = best;
    }
    u32 *recycled = before;
    before = last;
    last = row;
    row = recycled;
  }
  return last[b.len];
}

void nearest_offer(Nearest *nearest, Str candidate) {
  Str wanted = nearest->wanted;
  if (!wanted.len || !candidate.len || wanted.len > EDIT_LIMIT || candidate.len > EDIT_LIMIT) return;
  size_t longer = wanted.len > candidate.len ? wanted.len : candidate.len;
  size_t shorter = wanted.len + candidate.len - longer;
  u32 threshold = (u32)longer / 3;  // a third of the letters may be wrong; names of one or two letters have no neighbours
  if (longer - shorter > threshold) return;
  u32 distance = edit_distance(wanted, candidate);
  if (distance > threshold) return;
  // Of equally near names the first by alphabet, whatever the order of the offers.
  if (nearest->best.len && distance >= nearest->distance &&
      (distance > nearest->distance || str_compare(candidate, nearest->best) >= 0)) return;
  nearest->best = candidate;
  nearest->distance = distance;
}
