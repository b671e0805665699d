// The lexer: one pass over the text with a stack of open brackets. See lex.h.
//
// The stack decides two things. Whether a newline ends a statement (it does not inside `(` and `[`), and what a `}` closes:
// a block, or the interpolation of a string, whose text then goes on. Nothing here recurses, so nesting costs only memory.
// The contents of string literals are worked out in lex_text.c.
#include "bytecode/front/lex.h"

#include "bytecode/front/lex_text.h"

#include <stdlib.h>
#include <utf8proc.h>

enum { SPARE_TOKENS = 256 << 10 };  // kept from one module to the next at most

enum { IDENT = 1, DIGIT = 2, HEX = 4, LOWER = 8, UPPER = 16, BLANK = 32 };

static const u8 class_of[256] = {
  ['0' ... '9'] = IDENT | DIGIT | HEX,
  ['a' ... 'f'] = IDENT | LOWER | HEX,
  ['g' ... 'z'] = IDENT | LOWER,
  ['A' ... 'F'] = IDENT | UPPER | HEX,
  ['G' ... 'Z'] = IDENT | UPPER,
  ['_'] = IDENT | LOWER,
  [' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = BLANK,
};

static const char *const kind_texts[TOKEN_KIND_COUNT] = {
  [TOKEN_EOF] = "the end of the file", [TOKEN_ERROR] = "an error", [TOKEN_NAME] = "a name", [TOKEN_UPPER] = "a capitalised name",
  [TOKEN_UNDERSCORE] = "`_`", [TOKEN_INT] = "a number", [TOKEN_FLOAT] = "a number", [TOKEN_DURATION] = "a duration",
  [TOKEN_STRING] = "a string", [TOKEN_BYTES] = "a byte string", [TOKEN_INTERP_BEGIN] = "a string",
  [TOKEN_INTERP_MID] = "the `}` of an interpolation", [TOKEN_INTERP_END] = "the `}` of an interpolation",
  [TOKEN_LPAREN] = "`(`", [TOKEN_RPAREN] = "`)`", [TOKEN_LBRACKET] = "`[`", [TOKEN_RBRACKET] = "`]`", [TOKEN_LBRACE] = "`{`",
  [TOKEN_RBRACE] = "`}`", [TOKEN_COMMA] = "`,`", [TOKEN_COLON] = "`:`", [TOKEN_SEMICOLON] = "`;`", [TOKEN_DOT] = "`.`",
  [TOKEN_DOTDOT] = "`..`", [TOKEN_DOTDOT_EQ] = "`..=`", [TOKEN_ARROW] = "`->`", [TOKEN_BANG] = "`!`", [TOKEN_AT] = "`@`",
  [TOKEN_PLUS] = "`+`", [TOKEN_MINUS] = "`-`", [TOKEN_STAR] = "`*`", [TOKEN_SLASH] = "`/`", [TOKEN_PERCENT] = "`%`",
  [TOKEN_PLUS_WRAP] = "`+%`", [TOKEN_MINUS_WRAP] = "`-%`", [TOKEN_STAR_WRAP] = "`*%`", [TOKEN_AMP] = "`&`", [TOKEN_PIPE] = "`|`",
  [TOKEN_CARET] = "`^`", [TOKEN_SHL] = "`<<`", [TOKEN_SHR] = "`>>`", [TOKEN_TILDE] = "`~`", [TOKEN_EQ] = "`==`", [TOKEN_NE] = "`!=`",
  [TOKEN_LT] = "`<`", [TOKEN_LE] = "`<=`", [TOKEN_GT] = "`>`", [TOKEN_GE] = "`>=`", [TOKEN_ASSIGN] = "`=`",
  [TOKEN_PLUS_ASSIGN] = "`+=`", [TOKEN_MINUS_ASSIGN] = "`-=`", [TOKEN_STAR_ASSIGN] = "`*=`", [TOKEN_SLASH_ASSIGN] = "`/=`",
  [TOKEN_PERCENT_ASSIGN] = "`%=`", [TOKEN_PLUS_WRAP_ASSIGN] = "`+%=`", [TOKEN_MINUS_WRAP_ASSIGN] = "`-%=`",
  [TOKEN_STAR_WRAP_ASSIGN] = "`*%=`", [TOKEN_AMP_ASSIGN] = "`&=`", [TOKEN_PIPE_ASSIGN] = "`|=`", [TOKEN_CARET_ASSIGN] = "`^=`",
  [TOKEN_SHL_ASSIGN] = "`<<=`", [TOKEN_SHR_ASSIGN] = "`>>=`", [TOKEN_AND_AND] = "`&&`", [TOKEN_OR_OR] = "`||`",
  [TOKEN_FAT_ARROW] = "`=>`", [TOKEN_INCREMENT] = "`++`", [TOKEN_QUESTION] = "`?`", [TOKEN_TRIPLE_EQ] = "`===`",
  [TOKEN_COLON_COLON] = "`::`", [TOKEN_PIPE_TO] = "`|>`", [TOKEN_ELLIPSIS] = "`...`",
  [TOKEN_ACTOR] = "`actor`", [TOKEN_AND] = "`and`", [TOKEN_AS] = "`as`", [TOKEN_ASSERT] = "`assert`", [TOKEN_AWAIT] = "`await`",
  [TOKEN_BREAK] = "`break`", [TOKEN_CONTINUE] = "`continue`", [TOKEN_CRASH] = "`crash`", [TOKEN_ELSE] = "`else`",
  [TOKEN_FALSE] = "`false`", [TOKEN_FN] = "`fn`", [TOKEN_FOR] = "`for`", [TOKEN_IF] = "`if`", [TOKEN_IMPORT] = "`import`",
  [TOKEN_IN] = "`in`", [TOKEN_INTERFACE] = "`interface`", [TOKEN_IS] = "`is`", [TOKEN_LET] = "`let`", [TOKEN_MATCH] = "`match`",
  [TOKEN_NOT] = "`not`", [TOKEN_ON] = "`on`", [TOKEN_OPAQUE] = "`opaque`", [TOKEN_OR] = "`or`", [TOKEN_PUB] = "`pub`",
  [TOKEN_RETURN] = "`return`", [TOKEN_SELF] = "`self`", [TOKEN_SPAWN] = "`spawn`", [TOKEN_STOP] = "`stop`", [TOKEN_TASK] = "`task`",
  [TOKEN_TEST] = "`test`", [TOKEN_TRUE] = "`true`", [TOKEN_TRY] = "`try`", [TOKEN_TYPE] = "`type`", [TOKEN_UNIQUE] = "`unique`",
  [TOKEN_VAR] = "`var`", [TOKEN_WHEN] = "`when`", [TOKEN_WHILE] = "`while`", [TOKEN_WITHIN] = "`within`",
};

const char *token_kind_text(TokenKind kind) { return kind_texts[kind]; }

bool token_is_keyword(TokenKind kind) { return kind >= TOKEN_ACTOR && kind <= TOKEN_WITHIN; }

Str token_describe(const Source *source, const Token *token) {
  bool quoted = token->kind == TOKEN_NAME || token->kind == TOKEN_UPPER || token->kind == TOKEN_INT || token->kind == TOKEN_FLOAT ||
                token->kind == TOKEN_DURATION;
  if (!quoted || token->end - token->start > 40) return str_from(kind_texts[token->kind]);
  return str_format("`%.*s`", (int)(token->end - token->start), source->text.ptr + token->start);
}

static const bool can_end[TOKEN_KIND_COUNT] = {
  [TOKEN_NAME] = true, [TOKEN_UPPER] = true, [TOKEN_UNDERSCORE] = true, [TOKEN_INT] = true, [TOKEN_FLOAT] = true,
  [TOKEN_DURATION] = true, [TOKEN_STRING] = true, [TOKEN_BYTES] = true, [TOKEN_INTERP_END] = true, [TOKEN_RPAREN] = true,
  [TOKEN_RBRACKET] = true, [TOKEN_LBRACE] = true, [TOKEN_RBRACE] = true, [TOKEN_SEMICOLON] = true, [TOKEN_TRUE] = true,
  [TOKEN_FALSE] = true, [TOKEN_SELF] = true, [TOKEN_RETURN] = true, [TOKEN_BREAK] = true, [TOKEN_CONTINUE] = true,
  [TOKEN_STOP] = true, [TOKEN_ERROR] = true, [TOKEN_INCREMENT] = true, [TOKEN_QUESTION] = true,
};

bool token_can_end(TokenKind kind) { return can_end[kind]; }

// ---- Keywords -------------------------------------------------------------------------------------------------------

// Keywords are few and short: those with a given first letter stand together in the enumeration.
static TokenKind keyword_of(const char *text, u32 length) {
  static u8 first[26], beyond[26];
  if (!beyond['w' - 'a']) {
    for (u32 kind = TOKEN_WITHIN + 1; kind-- > TOKEN_ACTOR;) first[kind_texts[kind][1] - 'a'] = (u8)kind;
    for (u32 kind = TOKEN_ACTOR; kind <= TOKEN_WITHIN; kind++) beyond[kind_texts[kind][1] - 'a'] = (u8)(kind + 1);
  }
  if (length < 2 || length > 9 || *text == '_') return TOKEN_NAME;
  u32 letter = (u32)(*text - 'a');
  for (u32 kind = first[letter]; kind < beyond[letter]; kind++) {
    const char *word = kind_texts[kind] + 1;
    if (word[1] == text[1] && strncmp(word, text, length) == 0 && word[length] == '`') return (TokenKind)kind;
  }
  return TOKEN_NAME;
}

// ---- Tokens ---------------------------------------------------------------------------------------------------------

// The array of the module before, for the next one: a program has many modules, and tokens are done with once parsed.
static Token *spare;
static u32 spare_capacity;

// From malloc: the array outlives what is compiled, and the names in it are kept by the name table.
static Token *tokens_new(u32 capacity) {
  Token *tokens = malloc((size_t)capacity * sizeof(Token));
  if (!tokens) gc_exhausted((size_t)capacity * sizeof(Token));
  return tokens;
}

static void tokens_begin(Lexed *out, u32 estimate) {
  bool fits = spare_capacity >= estimate;
  out->tokens = fits ? spare : tokens_new(estimate);
  out->capacity = fits ? spare_capacity : estimate;
  if (fits) spare_capacity = 0;
}

static void tokens_grow(Lexed *out) {
  u32 capacity = out->capacity * 2;
  Token *grown = tokens_new(capacity);
  memcpy(grown, out->tokens, (size_t)out->count * sizeof(Token));
  free(out->tokens);
  out->tokens = grown;
  out->capacity = capacity;
}

void lex_done(Lexed *lexed) {
  bool keep = lexed->capacity > spare_capacity && lexed->capacity <= SPARE_TOKENS;
  Token *other = keep ? spare : lexed->tokens;
  u32 capacity = keep ? spare_capacity : lexed->capacity;
  if (keep) spare = lexed->tokens, spare_capacity = lexed->capacity;
  if (capacity) free(other);
  lexed->tokens = NULL;
  lexed->capacity = 0;
}

static Token *token_push(Lexer *l, TokenKind kind, u32 start) {
  Lexed *out = l->out;
  if (UNLIKELY(out->count == out->capacity)) tokens_grow(out);
  Token *token = &out->tokens[out->count++];
  *token = (Token){.kind = (u8)kind, .flags = l->flags, .start = start, .end = (u32)(l->at - l->text)};
  l->last = kind;
  return token;
}

Token *lex_emit(Lexer *l, TokenKind kind, u32 start) { return token_push(l, kind, start); }

Diag *lex_error(Lexer *l, DiagCode code, u32 start, u32 end, const char *message) {
  return diag_add(l->diags, code, l->source, (Span){start, end}, "%s", message);
}

static u32 here(const Lexer *l) { return (u32)(l->at - l->text); }

static u8 peek(const Lexer *l, size_t ahead) { return (size_t)(l->end - l->at) > ahead ? (u8)l->at[ahead] : 0; }

static bool newline_counts(const Lexer *l) {
  if (!can_end[l->last] && l->out->count) return false;
  return !l->frames.count || vec_last(&l->frames).kind == '{';
}

// ---- Blanks and comments --------------------------------------------------------------------------------------------

Str lex_doc_text(const Source *source, u32 start, u32 end, const char *mark) {
  Text out = {0};
  bool first = true;
  const char *stop = source->text.ptr + end;
  for (const char *at = source->text.ptr + start; at < stop;) {
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    const char *line_end = newline ? newline : stop;
    while (at < line_end && (*at == ' ' || *at == '\t')) at++;
    if (line_end - at >= 3 && memcmp(at, mark, 3) == 0 && !(line_end - at > 3 && mark[2] == '/' && at[3] == '/')) {
      at += 3;
      if (at < line_end && *at == ' ') at++;
      size_t length = (size_t)(line_end - at);
      if (length && at[length - 1] == '\r') length--;
      if (!first) text_char(&out, '\n');
      text_add(&out, (Str){at, length});
      first = false;
    }
    at = line_end + 1;
  }
  return text_str(&out);
}

static void lex_comment(Lexer *l) {
  const char *start = l->at;
  const char *end = memchr(start, '\n', (size_t)(l->end - start));
  l->at = end ? end : l->end;
  if (l->at - start < 3 || (start[2] != '!' && start[2] != '/')) return;
  Lexed *out = l->out;
  u32 from = (u32)(start - l->text), to = (u32)(l->at - l->text);
  if (start[2] == '!') {
    if (!out->module_doc_end) out->module_doc = from;
    out->module_doc_end = to;
  } else if (l->at - start == 3 || start[3] != '/') {
    u32 next = out->count;
    if (!out->docs.count || vec_last(&out->docs).token != next) vec_push(&out->docs, ((DocComment){next, from, to}));
    vec_last(&out->docs).end = to;
  }
}

static void lex_foreign_comment(Lexer *l) {
  u32 start = here(l);
  l->at += 2;
  while (l->at < l->end && !(*l->at == '*' && peek(l, 1) == '/')) l->at++;
  l->at = l->end - l->at > 2 ? l->at + 2 : l->end;
  diag_hint(lex_error(l, DIAG_E0003, start, start + 2, "`/*` does not begin a comment"), "comments begin with `//` and end with the line");
}

// Steps over what separates tokens, and leaves in l->flags what the next token has before it.
static void skip_blanks(Lexer *l) {
  const char *begin = l->at;
  bool line_start = l->out->count == 0;
  for (;;) {
    u8 c = peek(l, 0);
    if (c == '\n') {
      line_start = true;
      l->at++;
      l->line = l->at;
    } else if (c == ' ' || c == '\t' || (c == '\r' && peek(l, 1) == '\n')) {
      l->at++;
    } else if (c == '/' && peek(l, 1) == '/') {
      lex_comment(l);
    } else if (c == '/' && peek(l, 1) == '*') {
      lex_foreign_comment(l);
    } else {
      break;
    }
  }
  l->flags = l->at > begin || begin == l->text ? TOKEN_BLANK : 0;
  if (!line_start) return;
  l->flags |= TOKEN_LINE_START;
  l->indent = (u32)(l->at - l->line);
  bool continues = (peek(l, 0) == '.' && peek(l, 1) != '.') ||
                   (l->end - l->at >= 4 && memcmp(l->at, "else", 4) == 0 && !(class_of[peek(l, 4)] & IDENT));
  if (newline_counts(l) && !continues) l->flags |= TOKEN_NEWLINE;
}

// ---- Brackets -------------------------------------------------------------------------------------------------------

static void open_bracket(Lexer *l, TokenKind kind, char bracket) {
  vec_push(&l->frames, ((Frame){.kind = bracket, .start = here(l), .indent = l->indent}));
  l->at++;
  token_push(l, kind, here(l) - 1);
}

static void close_bracket(Lexer *l, TokenKind kind, char opener) {
  // A `)` or `]` that fits nothing changes nothing; one that fits closes only what is open since the last `{`.
  u32 depth = l->frames.count;
  while (depth && l->frames.items[depth - 1].kind != opener && l->frames.items[depth - 1].kind != '{' &&
         l->frames.items[depth - 1].kind != FRAME_INTERP)
    depth--;
  if (depth && l->frames.items[depth - 1].kind == opener) l->frames.count = depth - 1;
  l->at++;
  token_push(l, kind, here(l) - 1);
}

static void close_brace(Lexer *l) {
  while (l->frames.count && vec_last(&l->frames).kind != '{' && vec_last(&l->frames).kind != FRAME_INTERP) l->frames.count--;
  if (l->frames.count && vec_last(&l->frames).kind == FRAME_INTERP) {
    Frame frame = vec_last(&l->frames);
    l->frames.count--;
    lex_string_resume(l, frame);
    return;
  }
  if (l->frames.count) {
    Frame frame = vec_last(&l->frames);
    l->frames.count--;
    bool odd = (l->flags & TOKEN_LINE_START) && l->indent != frame.indent;
    if (odd && !l->out->odd_brace.end) l->out->odd_brace = (Span){frame.start, frame.start + 1};
  }
  l->at++;
  token_push(l, TOKEN_RBRACE, here(l) - 1);
}

// ---- Names ----------------------------------------------------------------------------------------------------------

static void lex_word(Lexer *l) {
  const char *from = l->at;
  u8 first = (u8)*from;
  u64 hash = HASH_START;
  for (; l->at < l->end && class_of[(u8)*l->at] & IDENT; l->at++) hash = hash_byte(hash, (u8)*l->at);
  u32 length = (u32)(l->at - from), start = (u32)(from - l->text);
  if (length == 1) {
    if ((first == 'r' || first == 'b') && peek(l, 0) == '"') {
      lex_string(l, start, first == 'r' ? TEXT_RAW : TEXT_BYTES);
      return;
    }
    if (first == '_') {
      token_push(l, TOKEN_UNDERSCORE, start);
      return;
    }
  }
  TokenKind kind = class_of[first] & UPPER ? TOKEN_UPPER : l->last == TOKEN_DOT ? TOKEN_NAME : keyword_of(from, length);
  Token *token = token_push(l, kind, start);
  if (kind == TOKEN_NAME || kind == TOKEN_UPPER) token->name = name_hashed((Str){from, length}, hash_end(hash));
}

// ---- Numbers --------------------------------------------------------------------------------------------------------

static u32 digit_value(u8 c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

static Diag *number_error(Lexer *l, const char *from, const char *message) {
  return lex_error(l, DIAG_E0006, (u32)(from - l->text), here(l), message);
}

// Digits of `radix` with `_` between them. False if the value does not fit in 64 bits.
static bool lex_digits(Lexer *l, u32 radix, u64 *value) {
  const char *from = l->at;
  bool fits = true, last_was_digit = false, misplaced = false, foreign = false;
  u64 n = 0;
  for (; l->at < l->end; l->at++) {
    u8 c = (u8)*l->at;
    if (c == '_') {
      misplaced |= !last_was_digit;
      last_was_digit = false;
      continue;
    }
    if (!(class_of[c] & (radix == 16 ? HEX : DIGIT))) break;
    foreign |= digit_value(c) >= radix;
    fits &= !__builtin_mul_overflow(n, (u64)radix, &n) && !__builtin_add_overflow(n, (u64)digit_value(c), &n);
    last_was_digit = true;
  }
  if (l->at == from) number_error(l, from - 2, "a number needs digits here");
  else if (foreign) number_error(l, from, "this number has a digit that its base does not have");
  else if (misplaced || !last_was_digit) number_error(l, from, "`_` stands only between two digits");
  *value = n;
  return fits;
}

typedef struct Suffix {
  const char *text;
  TokenKind kind;
  u64 scale;
} Suffix;

static const Suffix suffixes[] = {
  {"us", TOKEN_DURATION, 1}, {"ms", TOKEN_DURATION, 1000}, {"s", TOKEN_DURATION, 1000000}, {"m", TOKEN_DURATION, 60000000},
  {"h", TOKEN_DURATION, 3600000000}, {"kb", TOKEN_INT, 1 << 10}, {"mb", TOKEN_INT, 1 << 20}, {"gb", TOKEN_INT, 1 << 30},
};

static void number_bad_tail(Lexer *l, const char *from, const char *tail) {
  while (l->at < l->end && class_of[(u8)*l->at] & IDENT) l->at++;
  Diag *diag = number_error(l, from, "this is not a number");
  if (*tail == 'e' || *tail == 'E') diag_hint(diag, "a Float has digits on both sides of the point: `1.0e9`");
  else diag_hint(diag, "a name can't begin with a digit; the suffixes of an Int are `us ms s m h` and `kb mb gb`");
}

static void int_finish(Lexer *l, const char *from, u64 value, bool fits, bool plain) {
  const Suffix *suffix = NULL;
  if (class_of[peek(l, 0)] & IDENT) {
    const char *tail = l->at;
    while (l->at < l->end && class_of[(u8)*l->at] & IDENT) l->at++;
    for (u32 i = 0; plain && i < COUNT_OF(suffixes); i++)
      if (str_eq((Str){tail, (size_t)(l->at - tail)}, str_from(suffixes[i].text))) suffix = &suffixes[i];
    if (!suffix) {
      number_bad_tail(l, from, tail);
    } else {
      fits &= !__builtin_mul_overflow(value, suffix->scale, &value);
    }
  }
  Token *token = token_push(l, suffix ? suffix->kind : TOKEN_INT, (u32)(from - l->text));
  const u64 huge = (u64)1 << 63;
  if (!fits || value > huge) {
    bool duration = token->kind == TOKEN_DURATION;
    diag_hint(number_error(l, from, duration ? "this Duration is too long" : "this number does not fit in an Int"),
              duration ? "a Duration is at most 9223372036854775807us" : "an Int is at most 9223372036854775807");
    value = 0;
  }
  if (value == huge) token->flags |= TOKEN_HUGE;
  token->number = value;
}

static void float_finish(Lexer *l, const char *from) {
  Text digits = {0};
  for (const char *at = from; at < l->at; at++)
    if (*at != '_') text_char(&digits, *at);
  if (class_of[peek(l, 0)] & IDENT) {
    while (l->at < l->end && class_of[(u8)*l->at] & IDENT) l->at++;
    diag_hint(number_error(l, from, "this is not a number"), "a suffix follows an Int only: write `1500ms` for 1.5 seconds");
  }
  Token *token = token_push(l, TOKEN_FLOAT, (u32)(from - l->text));
  token->real = strtod(digits.ptr, NULL);
  if (__builtin_isinf(token->real)) number_error(l, from, "this number is too large for a Float");
}

static void lex_number(Lexer *l) {
  const char *from = l->at;
  u64 value = 0;
  u8 second = peek(l, 1);
  if (*from == '0' && l->last != TOKEN_DOT && (second == 'x' || second == 'o' || second == 'b') && class_of[peek(l, 2)] & IDENT) {
    l->at += 2;
    bool fits = lex_digits(l, second == 'x' ? 16 : second == 'o' ? 8 : 2, &value);
    int_finish(l, from, value, fits, false);
    return;
  }
  bool fits = lex_digits(l, 10, &value);
  bool field = l->last == TOKEN_DOT;  // after a point only digits are read: `t.0.1` is two fields
  if (field || peek(l, 0) != '.' || !(class_of[peek(l, 1)] & DIGIT)) {
    int_finish(l, from, value, fits, !field);
    return;
  }
  l->at++;
  lex_digits(l, 10, &value);
  u8 sign = peek(l, 1);
  bool exponent = (peek(l, 0) | 0x20) == 'e' && (class_of[sign] & DIGIT || ((sign == '+' || sign == '-') && class_of[peek(l, 2)] & DIGIT));
  if (exponent) {
    l->at += class_of[sign] & DIGIT ? 1 : 2;
    lex_digits(l, 10, &value);
  }
  float_finish(l, from);
}

// ---- Operators ------------------------------------------------------------------------------------------------------

typedef struct OperatorText {
  const char *text;
  u8 length;
  u8 kind;
} OperatorText;

// Longest first among those with the same first character.
#define OP(text, kind) {text, sizeof text - 1, kind}
static const OperatorText operator_texts[] = {
  OP("!=", TOKEN_NE), OP("!", TOKEN_BANG),
  OP("%=", TOKEN_PERCENT_ASSIGN), OP("%", TOKEN_PERCENT),
  OP("&&", TOKEN_AND_AND), OP("&=", TOKEN_AMP_ASSIGN), OP("&", TOKEN_AMP),
  OP("*%=", TOKEN_STAR_WRAP_ASSIGN), OP("*%", TOKEN_STAR_WRAP), OP("*=", TOKEN_STAR_ASSIGN), OP("*", TOKEN_STAR),
  OP("+%=", TOKEN_PLUS_WRAP_ASSIGN), OP("+%", TOKEN_PLUS_WRAP), OP("++", TOKEN_INCREMENT), OP("+=", TOKEN_PLUS_ASSIGN), OP("+", TOKEN_PLUS),
  OP(",", TOKEN_COMMA),
  OP("-%=", TOKEN_MINUS_WRAP_ASSIGN), OP("-%", TOKEN_MINUS_WRAP), OP("->", TOKEN_ARROW), OP("-=", TOKEN_MINUS_ASSIGN), OP("-", TOKEN_MINUS),
  OP("...", TOKEN_ELLIPSIS), OP("..=", TOKEN_DOTDOT_EQ), OP("..", TOKEN_DOTDOT), OP(".", TOKEN_DOT),
  OP("/=", TOKEN_SLASH_ASSIGN), OP("/", TOKEN_SLASH),
  OP("::", TOKEN_COLON_COLON), OP(":", TOKEN_COLON),
  OP(";", TOKEN_SEMICOLON),
  OP("<<=", TOKEN_SHL_ASSIGN), OP("<<", TOKEN_SHL), OP("<=", TOKEN_LE), OP("<", TOKEN_LT),
  OP("===", TOKEN_TRIPLE_EQ), OP("==", TOKEN_EQ), OP("=>", TOKEN_FAT_ARROW), OP("=", TOKEN_ASSIGN),
  OP(">>=", TOKEN_SHR_ASSIGN), OP(">>", TOKEN_SHR), OP(">=", TOKEN_GE), OP(">", TOKEN_GT),
  OP("?", TOKEN_QUESTION),
  OP("@", TOKEN_AT),
  OP("^=", TOKEN_CARET_ASSIGN), OP("^", TOKEN_CARET),
  OP("||", TOKEN_OR_OR), OP("|>", TOKEN_PIPE_TO), OP("|=", TOKEN_PIPE_ASSIGN), OP("|", TOKEN_PIPE),
  OP("~", TOKEN_TILDE),
};
#undef OP

static bool lex_operator(Lexer *l) {
  static u8 first[256];  // index + 1 of the first row for a character
  if (!first['!'])
    for (u32 i = COUNT_OF(operator_texts); i-- > 0;) first[(u8)operator_texts[i].text[0]] = (u8)(i + 1);
  u8 c = (u8)*l->at;
  if (!first[c]) return false;
  size_t left = (size_t)(l->end - l->at);
  for (const OperatorText *op = &operator_texts[first[c] - 1]; op->text[0] == (char)c; op++) {
    if (op->length > left || memcmp(op->text, l->at, op->length) != 0) continue;
    u32 start = here(l);
    l->at += op->length;
    token_push(l, (TokenKind)op->kind, start);
    return true;
  }
  return false;
}

// ---- What is no token -----------------------------------------------------------------------------------------------

static void lex_stray(Lexer *l) {
  u32 start = here(l);
  u8 c = (u8)*l->at++;
  Diag *diag;
  if (c >= 0x80) {
    while (l->at < l->end && ((u8)*l->at >= 0x80 || class_of[(u8)*l->at] & IDENT)) l->at++;
    diag = lex_error(l, DIAG_E0003, start, here(l), "this character can't stand outside a string or comment");
    diag_hint(diag, "names are made of the letters a to z, digits and `_`");
  } else if (c == '\'' || c == '`') {
    const char *stop = l->at;
    while (stop < l->end && *stop != '\n' && *stop != (char)c) stop++;
    if (stop < l->end && *stop == (char)c) l->at = stop + 1;
    diag = lex_error(l, DIAG_E0003, start, here(l), "strings are written in double quotes");
    diag_hint(diag, "write \"…\"");
  } else if (c == '#') {
    while (l->at < l->end && *l->at != '\n') l->at++;
    diag = lex_error(l, DIAG_E0003, start, start + 1, "`#` does not begin a comment");
    diag_hint(diag, "comments begin with `//`");
  } else if (c < 0x20 || c == 0x7f) {
    while (l->at < l->end && ((u8)*l->at < 0x20 || *l->at == 0x7f) && !(class_of[(u8)*l->at] & BLANK)) l->at++;
    lex_error(l, DIAG_E0003, start, here(l), "a control character stands here");
  } else {
    diag_add(l->diags, DIAG_E0003, l->source, (Span){start, here(l)}, "`%c` means nothing in Deed", c);
  }
  token_push(l, TOKEN_ERROR, start);
}

static void lex_token(Lexer *l) {
  u8 c = (u8)*l->at;
  if (class_of[c] & DIGIT) {
    lex_number(l);
  } else if (class_of[c] & IDENT) {
    lex_word(l);
  } else {
    switch (c) {
      case '(': open_bracket(l, TOKEN_LPAREN, '('); break;
      case '[': open_bracket(l, TOKEN_LBRACKET, '['); break;
      case '{': open_bracket(l, TOKEN_LBRACE, '{'); break;
      case ')': close_bracket(l, TOKEN_RPAREN, '('); break;
      case ']': close_bracket(l, TOKEN_RBRACKET, '['); break;
      case '}': close_brace(l); break;
      case '"': lex_string(l, here(l), TEXT_PLAIN); break;
      default:
        if (!lex_operator(l)) lex_stray(l);
    }
  }
}

// ---- The whole ------------------------------------------------------------------------------------------------------

// UTF-8 is checked once for the whole text, so that the rest need not care: the first fault is reported.
static void check_utf8(Lexer *l) {
  const char *at = l->text;
  while (at < l->end) {
    u64 word;
    if (l->end - at >= 8 && (memcpy(&word, at, 8), !(word & 0x8080808080808080u))) {
      at += 8;
      continue;
    }
    if (!(*at & 0x80)) {
      at++;
      continue;
    }
    utf8proc_int32_t scalar;
    utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)at, l->end - at, &scalar);
    if (bytes <= 0) {
      lex_error(l, DIAG_E0002, (u32)(at - l->text), (u32)(at - l->text) + 1, "the file is not UTF-8 here");
      return;
    }
    at += bytes;
  }
}

void lex(Source *source, Diags *diags, Lexed *lexed) {
  Lexer l = {.source = source, .diags = diags, .out = lexed, .text = source->text.ptr};
  *lexed = (Lexed){0};
  vec_push(&lexed->texts, STR(""));
  if (source->text.len > LEX_SIZE_LIMIT) {
    diag_add(diags, DIAG_E0502, source, (Span){0, 0}, "the source is larger than %u MB", LEX_SIZE_LIMIT >> 20);
    l.end = l.text;
  } else {
    l.end = l.text + source->text.len;
  }
  tokens_begin(lexed, (u32)((l.end - l.text) / 4) + 16);
  l.at = l.line = l.text;
  check_utf8(&l);
  if (l.end - l.at >= 3 && memcmp(l.at, "\xef\xbb\xbf", 3) == 0) l.at += 3;
  if (peek(&l, 0) == '#' && peek(&l, 1) == '!')
    while (l.at < l.end && *l.at != '\n') l.at++;
  for (;;) {
    skip_blanks(&l);
    if (l.at >= l.end) break;
    lex_token(&l);
  }
  lex_strings_end(&l);
  // The end is shown behind the last token, where something was missing, not after trailing blank lines.
  u32 end = lexed->count ? lexed->tokens[lexed->count - 1].end : (u32)(l.end - l.text);
  l.flags |= TOKEN_LINE_START | TOKEN_NEWLINE | TOKEN_BLANK;
  Token *last = token_push(&l, TOKEN_EOF, end);
  last->end = end;
}
