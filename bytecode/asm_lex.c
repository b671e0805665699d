// The assembler's tokens, and the small steps of its parser. The whole text is cut first: declarations are found by their
// place (first on a line, outside braces), so that a name may be used before the line that declares it.
#include "bytecode/asm_text.h"

#include <errno.h>
#include <stdlib.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_name_part(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '/'; }

static int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// ---- Cutting --------------------------------------------------------------------------------------------------------

static bool lex_escape(const char *at, const char *end, u32 *length, char *decoded) {
  *length = 2;
  switch (at[1]) {
    case 'n': *decoded = '\n'; return true;
    case 't': *decoded = '\t'; return true;
    case 'r': *decoded = '\r'; return true;
    case '0': *decoded = '\0'; return true;
    case '\\': case '"': *decoded = at[1]; return true;
    case 'x':
      if (end - at < 4 || hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0) return false;
      *length = 4;
      *decoded = (char)(hex_digit(at[2]) << 4 | hex_digit(at[3]));
      return true;
    default: return false;
  }
}

// A quoted string whose opening quote stands at `at`; gives the offset past the closing one.
static u32 lex_string(Asm *a, u32 at, Token *token) {
  Str text = a->source->text;
  u32 start = at++;
  Text decoded = {0};
  while (at < text.len && text.ptr[at] != '"' && text.ptr[at] != '\n') {
    if (text.ptr[at] != '\\') {
      text_char(&decoded, text.ptr[at++]);
      continue;
    }
    u32 length;
    char c;
    if (at + 1 >= text.len || !lex_escape(text.ptr + at, text.ptr + text.len, &length, &c)) {
      diag_add(a->diags, DIAG_E0601, a->source, (Span){at, at + 1}, "this escape is unknown; there are \\n \\t \\r \\0 \\\\ \\\" and \\xNN");
      at++;
      continue;
    }
    text_char(&decoded, c);
    at += length;
  }
  if (at >= text.len || text.ptr[at] != '"') {
    diag_add(a->diags, DIAG_E0601, a->source, (Span){start, at}, "this string has no end on its line");
  } else {
    at++;
  }
  token->text = text_str(&decoded);
  return at;
}

static u32 lex_number(Str text, u32 at) {
  bool hex = at + 1 < text.len && text.ptr[at] == '0' && (text.ptr[at + 1] == 'x' || text.ptr[at + 1] == 'f');
  for (; at < text.len; at++) {
    char c = text.ptr[at];
    bool sign = (c == '-' || c == '+') && !hex && (text.ptr[at - 1] == 'e' || text.ptr[at - 1] == 'E');
    if (!is_letter(c) && !is_digit(c) && c != '.' && !(sign && at)) break;
  }
  return at;
}

static u32 lex_token(Asm *a, u32 at, Token *token) {
  Str text = a->source->text;
  char c = text.ptr[at];
  u32 end = at + 1;
  if (c == '"') {
    token->kind = TOKEN_STRING;
    return lex_string(a, at, token);
  }
  if (c == 'b' && end < text.len && text.ptr[end] == '"') {
    token->kind = TOKEN_BYTES;
    return lex_string(a, end, token);
  }
  if (is_digit(c)) {
    token->kind = TOKEN_NUMBER;
    end = lex_number(text, at);
  } else if (is_letter(c) || c == '.') {
    token->kind = TOKEN_NAME;
    while (end < text.len && is_name_part(text.ptr[end])) end++;
  } else if (c == '-' && end < text.len && text.ptr[end] == '>') {
    token->kind = TOKEN_ARROW;
    end++;
  } else {
    token->kind = TOKEN_PUNCT;
    token->punct = c;
  }
  token->text = (Str){text.ptr + at, end - at};
  return end;
}

void asm_lex(Asm *a) {
  Str text = a->source->text;
  u32 at = 0, depth = 0;
  bool first = true;
  if (text.len > LIMIT_MODULE_BYTES) {
    diag_add(a->diags, DIAG_E0603, a->source, (Span){0, 0}, "the text is larger than %u bytes", LIMIT_MODULE_BYTES);
    text.len = 0;
  }
  while (at < text.len) {
    char c = text.ptr[at];
    if (c == ';') {
      while (at < text.len && text.ptr[at] != '\n') at++;
    } else if (c == '\n') {
      first = true;
      at++;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      at++;
    } else {
      Token token = {.first = first};
      u32 end = lex_token(a, at, &token);
      token.span = (Span){at, end};
      if (token.kind == TOKEN_PUNCT && c == '}' && depth) depth--;
      token.depth = depth;
      if (token.kind == TOKEN_PUNCT && c == '{') depth++;
      vec_push(&a->tokens, token);
      at = end;
      first = false;
    }
  }
  Token end = {.kind = TOKEN_END, .first = true, .span = {(u32)text.len, (u32)text.len}};
  vec_push(&a->tokens, end);
}

// ---- Steps ----------------------------------------------------------------------------------------------------------

const Token *asm_peek(const Asm *a, u32 ahead) {
  u32 at = a->at + ahead;
  return &a->tokens.items[at < a->tokens.count ? at : a->tokens.count - 1];
}

const Token *asm_next(Asm *a) {
  const Token *token = asm_peek(a, 0);
  if (token->kind != TOKEN_END) a->at++;
  return token;
}

void asm_fail(Asm *a, DiagCode code, const Token *token, const char *format, ...) {
  if (a->failed) return;
  a->failed = true;
  va_list args;
  va_start(args, format);
  diag_vadd(a->diags, code, a->source, token->span, format, args);
  va_end(args);
}

static void fail_expected(Asm *a, const char *what) {
  const Token *token = asm_peek(a, 0);
  if (token->kind == TOKEN_END) asm_fail(a, DIAG_E0601, token, "the text ends where %s is expected", what);
  else asm_fail(a, DIAG_E0601, token, "%s is expected here", what);
}

bool asm_at(const Asm *a, char punct) {
  const Token *token = asm_peek(a, 0);
  return token->kind == TOKEN_PUNCT && token->punct == punct;
}

bool asm_at_word(const Asm *a, const char *word) {
  const Token *token = asm_peek(a, 0);
  return token->kind == TOKEN_NAME && str_eq(token->text, str_from(word));
}

bool asm_accept(Asm *a, char punct) {
  if (!asm_at(a, punct)) return false;
  a->at++;
  return true;
}

bool asm_accept_word(Asm *a, const char *word) {
  if (!asm_at_word(a, word)) return false;
  a->at++;
  return true;
}

bool asm_expect(Asm *a, char punct) {
  if (a->failed) return false;
  if (asm_accept(a, punct)) return true;
  char what[4] = {'`', punct, '`', 0};
  fail_expected(a, what);
  return false;
}

Str asm_name(Asm *a) {
  const Token *token = asm_peek(a, 0);
  if (token->kind == TOKEN_NAME || token->kind == TOKEN_STRING) return asm_next(a)->text;
  fail_expected(a, "a name");
  return (Str){"", 0};
}

// The digits of a token without its underscores; false if that is no number or more than 64 bits.
static bool parse_digits(Str text, u64 *value) {
  char digits[80];
  u32 count = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == '_') continue;
    if (count + 1 >= sizeof digits) return false;
    digits[count++] = text.ptr[i];
  }
  digits[count] = 0;
  if (!count) return false;
  char *end;
  errno = 0;
  bool hex = count > 2 && digits[0] == '0' && digits[1] == 'x';
  *value = strtoull(digits + (hex ? 2 : 0), &end, hex ? 16 : 10);
  return !errno && !*end && is_name_part(digits[hex ? 2 : 0]);
}

i64 asm_number(Asm *a, i64 low, i64 high) {
  bool negative = asm_accept(a, '-');
  const Token *token = asm_peek(a, 0);
  if (a->failed || token->kind != TOKEN_NUMBER) {
    fail_expected(a, "a whole number");
    return low;
  }
  u64 magnitude;
  bool fits = parse_digits(token->text, &magnitude) && magnitude <= (u64)INT64_MAX + negative;
  i64 value = fits ? (i64)(negative ? -magnitude : magnitude) : 0;
  if (!fits || value < low || value > high) {
    asm_fail(a, DIAG_E0603, token, "a whole number from %lld to %lld is expected here", (long long)low, (long long)high);
    return low;
  }
  asm_next(a);
  return value;
}

u64 asm_word(Asm *a) {
  if (asm_at(a, '-')) return (u64)asm_number(a, INT64_MIN, INT64_MAX);
  const Token *token = asm_peek(a, 0);
  u64 value = 0;
  if (token->kind != TOKEN_NUMBER || !parse_digits(token->text, &value)) {
    asm_fail(a, DIAG_E0603, token, "a number of at most 64 bits is expected here");
    return 0;
  }
  asm_next(a);
  return value;
}

bool asm_float(const Token *token, bool negative, double *value) {
  if (str_starts_with(token->text, STR("0f"))) {
    u64 bits;
    char hex[24] = "0x";
    if (negative || token->text.len != 18) return false;
    memcpy(hex + 2, token->text.ptr + 2, 16);
    if (!parse_digits((Str){hex, 18}, &bits)) return false;
    memcpy(value, &bits, sizeof bits);
    return true;
  }
  char text[64];
  if (token->text.len >= sizeof text || token->text.len == 0) return false;
  bool point = false;
  for (size_t i = 0; i < token->text.len; i++) {
    char c = token->text.ptr[i];
    point |= c == '.' || c == 'e' || c == 'E';
    if (is_letter(c) && c != 'e' && c != 'E') return false;
    text[i] = c;
  }
  text[token->text.len] = 0;
  char *end;
  *value = strtod(text, &end);
  if (negative) *value = -*value;
  return point && !*end;
}

u32 asm_row(Asm *a, const PtrMap *names, const char *what) {
  if (asm_accept(a, '#')) return (u32)asm_number(a, 0, UINT32_MAX);
  const Token *token = asm_peek(a, 0);
  Str name = asm_name(a);
  if (a->failed) return 0;
  uintptr_t row = (uintptr_t)map_get(names, name_of(name));
  if (!row) asm_fail(a, DIAG_E0602, token, "there is no %s `%.*s` in this module", what, STR_ARG(name));
  return row ? (u32)(row - 1) : 0;
}
