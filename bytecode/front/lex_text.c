// String literals: where they end, and what text they stand for. See lex_text.h.
//
// A literal is first only measured, up to its closing quotes or the next interpolation. What it stands for is worked out
// afterwards: for a """ string that must wait for the closing line, whose indentation is taken off all the others.
#include "bytecode/front/lex_text.h"

#include <utf8proc.h>

typedef enum Stop {
  STOP_CLOSED,
  STOP_INTERP,
  STOP_BROKEN,  // the line or the file ended
} Stop;

static u32 here(const Lexer *l) { return (u32)(l->at - l->text); }

static bool quotes_at(const Lexer *l, const char *at) { return l->end - at >= 3 && at[0] == '"' && at[1] == '"' && at[2] == '"'; }

// Runs l->at to the end of a stretch of text: onto the closing quote, the `{`, or what broke it off.
static Stop scan(Lexer *l, TextMode mode, bool block) {
  for (; l->at < l->end; l->at++) {
    u8 c = (u8)*l->at;
    if (c == '"') {
      if (!block || quotes_at(l, l->at)) return STOP_CLOSED;
    } else if (c == '\\') {
      if (mode == TEXT_RAW || l->at + 1 >= l->end || l->at[1] == '\n') continue;
      l->at++;
      if (*l->at == 'u' && l->at + 1 < l->end && l->at[1] == '{') l->at++;
    } else if (c == '{') {
      if (mode == TEXT_PLAIN) return STOP_INTERP;
    } else if (c == '\n') {
      if (!block) return STOP_BROKEN;
      l->line = l->at + 1;
    } else if ((c < 0x20 && c != '\t' && !(c == '\r' && l->at + 1 < l->end && l->at[1] == '\n')) || c == 0x7f) {
      diag_hint(lex_error(l, DIAG_E0003, here(l), here(l) + 1, "a control character stands in this string"), "write it as `\\u{%x}`", c);
    }
  }
  return STOP_BROKEN;
}

// ---- What a literal stands for --------------------------------------------------------------------------------------

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void text_scalar(Text *out, i32 scalar) {
  utf8proc_uint8_t bytes[4];
  utf8proc_ssize_t length = utf8proc_encode_char(scalar, bytes);
  text_add(out, (Str){(const char *)bytes, (size_t)length});
}

// `\u{…}` at `at`; gives the offset behind it.
static u32 escape_unicode(Lexer *l, Text *out, u32 at, u32 end) {
  u32 i = at + 3, digits = 0;
  i32 scalar = 0;
  if (at + 2 < end && l->text[at + 2] == '{')
    for (; i < end && hex_digit(l->text[i]) >= 0; i++)
      if (++digits <= 6) scalar = scalar * 16 + hex_digit(l->text[i]);
  if (!digits || i >= end || l->text[i] != '}') {
    diag_hint(lex_error(l, DIAG_E0005, at, at + 2, "this escape is incomplete"), "write `\\u{1F600}`: hexadecimal digits in braces");
    return at + 2;
  }
  if (digits > 6 || scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff))
    lex_error(l, DIAG_E0005, at, i + 1, "there is no Unicode character of this number");
  else
    text_scalar(out, scalar);
  return i + 1;
}

static void escape_unknown(Lexer *l, u32 at, u32 end, TextMode mode) {
  u32 stop = at + 2 < end ? at + 2 : end;
  while (stop < end && ((u8)l->text[stop] & 0xc0) == 0x80) stop++;
  Diag *diag = lex_error(l, DIAG_E0005, at, stop, "there is no such escape");
  char c = at + 1 < end ? l->text[at + 1] : '\n';
  if (c == 'x' && mode == TEXT_BYTES) diag_hint(diag, "a byte is written with two hexadecimal digits: `\\x0a`");
  else if (c == 'x') diag_hint(diag, "a String holds characters, not bytes: write `\\u{41}`, or `b\"\\x41\"` for Bytes");
  else if (c == '}' || c == '\'') diag_hint(diag, "`%c` needs no escape", c);
  else if (c == '\n' || c == '\r') diag_hint(diag, "a `\\` does not join lines; write `\\\\` for a backslash");
  else diag_hint(diag, "the escapes are \\n \\t \\r \\0 \\\\ \\\" \\{ \\u{1F600}; write `\\\\` for a backslash, or r\"…\" for a text without escapes");
}

// The escape at `at`; gives the offset behind it.
static u32 escape(Lexer *l, Text *out, u32 at, u32 end, TextMode mode) {
  char c = at + 1 < end ? l->text[at + 1] : '\n';
  switch (c) {
    case 'n': text_char(out, '\n'); return at + 2;
    case 't': text_char(out, '\t'); return at + 2;
    case 'r': text_char(out, '\r'); return at + 2;
    case '0': text_char(out, '\0'); return at + 2;
    case '\\': case '"': case '{': text_char(out, c); return at + 2;
    case 'u': return escape_unicode(l, out, at, end);
    case 'x':
      if (mode == TEXT_BYTES && at + 3 < end && hex_digit(l->text[at + 2]) >= 0 && hex_digit(l->text[at + 3]) >= 0) {
        text_char(out, (char)(hex_digit(l->text[at + 2]) * 16 + hex_digit(l->text[at + 3])));
        return at + 4;
      }
      break;
    default: break;
  }
  escape_unknown(l, at, end, mode);
  return c == '\n' || at + 2 > end ? at + 1 : at + 2;
}

// Text of a string on one line.
static Str cook_line(Lexer *l, u32 start, u32 end, TextMode mode) {
  Str raw = {l->text + start, end - start};
  if (mode == TEXT_RAW || !memchr(raw.ptr, '\\', raw.len)) return raw;
  Text out = {0};
  for (u32 at = start; at < end;) {
    if (l->text[at] == '\\') {
      at = escape(l, &out, at, end, mode);
      continue;
    }
    const char *next = memchr(l->text + at, '\\', end - at);
    u32 stop = next ? (u32)(next - l->text) : end;
    text_add(&out, (Str){l->text + at, stop - at});
    at = stop;
  }
  return text_str(&out);
}

// Steps over the indentation at the start of a line of a """ string, and gives the offset behind it.
static u32 dedent(Lexer *l, u32 at, u32 end, Str indent) {
  u32 blank = at;
  while (blank < end && (l->text[blank] == ' ' || l->text[blank] == '\t' || l->text[blank] == '\r')) blank++;
  u32 matched = 0;
  while (matched < indent.len && at + matched < end && l->text[at + matched] == indent.ptr[matched]) matched++;
  // A part ends before an interpolation, the closing quotes, or the newline that was cut off with the closing line.
  bool is_blank = l->text + blank < l->end && (l->text[blank] == '\n' || l->text[blank] == '\r');
  if (matched < indent.len && !is_blank) {
    Diag *diag = lex_error(l, DIAG_E0007, at, blank > at ? blank : at + 1, "this line is indented less than the closing quotes");
    diag_hint(diag, "the indentation of the closing `\"\"\"` is taken off every line, so no line may have less");
  }
  return is_blank && matched < indent.len ? blank : at + matched;
}

// Text of one part of a """ string. `fresh`: it begins at the start of a line.
static Str cook_part(Lexer *l, Part part, TextMode mode, Str indent, bool fresh) {
  Text out = {0};
  u32 at = part.start;
  while (at < part.end) {
    if (fresh) {
      at = dedent(l, at, part.end, indent);
      fresh = false;
      continue;
    }
    char c = l->text[at];
    if (c == '\\' && mode != TEXT_RAW) {
      at = escape(l, &out, at, part.end, mode);
      continue;
    }
    if (!(c == '\r' && at + 1 < part.end && l->text[at + 1] == '\n')) text_char(&out, c);
    fresh = c == '\n';
    at++;
  }
  if (fresh && l->text + at < l->end && l->text[at] == '{') dedent(l, at, at, indent);  // a line that begins with it
  return text_str(&out);
}

static u32 store(Lexer *l, Str text) {
  vec_push(&l->out->texts, text);
  return l->out->texts.count - 1;
}

// All parts of a """ string, now that its end is known. Where the closing quotes stand on a line of their own, that line
// goes, with the newline before it, and its indentation is taken off the others.
static void cook_block(Lexer *l, u32 first_part, TextMode mode) {
  Part *first = &l->parts.items[first_part], *last = &vec_last(&l->parts);
  bool dropped = false;
  u32 at = first->start;
  if (at < first->end && l->text[at] == '\r' && at + 1 < first->end) at++;
  if (at < first->end && l->text[at] == '\n') {
    first->start = at + 1;
    dropped = true;
  }
  Str indent = {"", 0};
  u32 blank = last->end;
  while (blank > last->start && (l->text[blank - 1] == ' ' || l->text[blank - 1] == '\t')) blank--;
  if (blank > last->start ? l->text[blank - 1] == '\n' : last == first && dropped) {
    indent = (Str){l->text + blank, last->end - blank};
    if (blank > last->start) blank--;
    if (blank > last->start && l->text[blank - 1] == '\r') blank--;
    last->end = blank;
  }
  for (u32 i = first_part; i < l->parts.count; i++) {
    Part part = l->parts.items[i];
    l->out->tokens[part.token].text = store(l, cook_part(l, part, mode, indent, i == first_part && dropped));
  }
  l->parts.count = first_part;
}

// ---- Scanning -------------------------------------------------------------------------------------------------------

static bool line_has(const Lexer *l, u32 offset) { return !memchr(l->text + offset, '\n', (size_t)(l->at - l->text) - offset); }

// A string broke off at the end of its line. Brackets that were opened on this line were most likely closed in what the
// string swallowed, and a string around it was meant to end here too.
static void close_line(Lexer *l, Diag *diag) {
  u32 keep = l->frames.count;
  for (u32 i = l->frames.count; i-- > 0;) {
    Frame *frame = &l->frames.items[i];
    bool around = frame->kind == FRAME_INTERP && !frame->block && line_has(l, frame->string_start);
    if (around) {
      diag_hint(diag, "a `{` in a string begins an interpolation; write `\\{` for a brace");
      keep = i;
    }
  }
  while (keep && (l->frames.items[keep - 1].kind == '(' || l->frames.items[keep - 1].kind == '[') && line_has(l, l->frames.items[keep - 1].start)) keep--;
  for (u32 i = l->frames.count; i-- > keep;)
    if (l->frames.items[i].kind == FRAME_INTERP && l->frames.items[i].block) l->parts.count = l->frames.items[i].first_part;
  l->frames.count = keep;
  u8 flags = l->flags;
  l->flags = 0;
  lex_emit(l, TOKEN_ERROR, here(l));
  l->flags = flags;
}

static void part_finish(Lexer *l, Token *token, u32 start, u32 end, TextMode mode, bool block) {
  if (block) vec_push(&l->parts, ((Part){(u32)(token - l->out->tokens), start, end}));
  else token->text = store(l, cook_line(l, start, end, mode));
}

// Scans one stretch of text and emits its token. `inside`: it follows an interpolation.
static void lex_stretch(Lexer *l, Frame frame, u32 token_start, TextMode mode, bool inside) {
  u32 start = here(l);
  Stop stop = scan(l, mode, frame.block);
  u32 end = here(l);
  if (stop == STOP_CLOSED) l->at += frame.block ? 3 : 1;
  if (stop == STOP_INTERP) l->at++;
  TokenKind kind = mode == TEXT_BYTES ? TOKEN_BYTES : TOKEN_STRING;
  if (stop == STOP_INTERP) kind = inside ? TOKEN_INTERP_MID : TOKEN_INTERP_BEGIN;
  else if (inside) kind = TOKEN_INTERP_END;
  part_finish(l, lex_emit(l, kind, token_start), start, end, mode, frame.block);
  if (stop == STOP_INTERP) {
    frame.start = end;
    vec_push(&l->frames, frame);
    return;
  }
  if (frame.block) cook_block(l, frame.first_part, mode);
  if (stop == STOP_CLOSED) return;
  u32 shown = frame.block ? frame.string_start + 3 : end;
  Diag *diag = lex_error(l, DIAG_E0004, frame.string_start, shown, "this string is never closed");
  if (!frame.block && l->at < l->end) diag_hint(diag, "a `\"` string ends on its line; write `\\n` for a newline, or use `\"\"\"`");
  close_line(l, diag);
}

void lex_string(Lexer *l, u32 start, TextMode mode) {
  bool block = mode != TEXT_BYTES && quotes_at(l, l->at);
  l->at += block ? 3 : 1;
  Frame frame = {.kind = FRAME_INTERP, .block = block, .indent = l->indent, .string_start = start, .first_part = l->parts.count};
  lex_stretch(l, frame, start, mode, false);
}

void lex_string_resume(Lexer *l, Frame frame) {
  u32 start = here(l);
  l->at++;
  lex_stretch(l, frame, start, TEXT_PLAIN, true);
}

void lex_strings_end(Lexer *l) {
  for (u32 i = 0; i < l->frames.count; i++) {
    Frame *frame = &l->frames.items[i];
    if (frame->kind != FRAME_INTERP) continue;
    Diag *diag = lex_error(l, DIAG_E0004, frame->string_start, frame->start + 1, "this string is never closed");
    diag_note(diag, l->source, (Span){frame->start, frame->start + 1}, "the interpolation that begins here has no `}`");
    diag_hint(diag, "write `\\{` for a brace in a string");
    lex_emit(l, TOKEN_ERROR, here(l));
    return;
  }
}
