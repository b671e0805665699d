// What the files of the assembler share: tokens, the state of one assembly, and the small steps of parsing.
#pragma once
#include "bytecode/asm.h"

typedef enum TokenKind {
  TOKEN_NAME,    // words, with dots and slashes inside: r3, Tally.get, ./util.Point
  TOKEN_STRING,  // "…", decoded in .text
  TOKEN_BYTES,   // b"…", decoded in .text
  TOKEN_NUMBER,  // as written in .text
  TOKEN_ARROW,   // ->
  TOKEN_PUNCT,   // any other single character, in .punct
  TOKEN_END,
} TokenKind;

typedef struct Token {
  TokenKind kind;
  char punct;
  bool first;    // on its line
  u32 depth;     // of braces around it
  Span span;
  Str text;
} Token;

typedef VEC(Token) Tokens;

// One assembly. `failed` says that the declaration or instruction at hand is beyond repair: whoever began it skips to the
// next one.
typedef struct Asm {
  Source *source;
  Diags *diags;
  Module *module;
  Tokens tokens;
  u32 at;
  bool failed;
  u32 depth;  // of types being parsed
  u32 *rows;  // per token: the row + 1 of the declaration that begins there and is still to be parsed
  // Names as the text uses them, to row + 1. `types` holds row * 2 + (1 if an interface) + 1.
  PtrMap imports, types, functions, actors, globals;
} Asm;

void asm_lex(Asm *a);

// ---- Steps (asm_lex.c) ----
const Token *asm_peek(const Asm *a, u32 ahead);
const Token *asm_next(Asm *a);
void asm_fail(Asm *a, DiagCode code, const Token *token, const char *format, ...) PRINTF_LIKE(4, 5);
bool asm_at(const Asm *a, char punct);
bool asm_at_word(const Asm *a, const char *word);
bool asm_accept(Asm *a, char punct);
bool asm_accept_word(Asm *a, const char *word);
bool asm_expect(Asm *a, char punct);
Str asm_name(Asm *a);                               // a word or a quoted string
i64 asm_number(Asm *a, i64 low, i64 high);          // an integer within bounds, sign allowed
u64 asm_word(Asm *a);                               // any 64 bits
bool asm_float(const Token *token, bool negative, double *value);
u32 asm_row(Asm *a, const PtrMap *names, const char *what);  // `name` or `#number`

// ---- Types (asm_type.c) ----
TypeId asm_type(Asm *a);
void asm_type_args(Asm *a, char close, u32 *count, TypeId *items);  // at most LIMIT_TYPE_ARGS + 1
TypeListId asm_typelist(Asm *a);                    // [types], <number>, or nothing: 0
void asm_type_row(Asm *a, bool always_new);         // a row of the type table
u32 asm_constant(Asm *a);                           // a literal or #number
Constant asm_literal(Asm *a);

// ---- Code (asm_code.c) ----
void asm_body(Asm *a, Function *f);                 // after the opening brace, up to and with the closing one

// Words of the text, by bit or by kind (asm.c).
extern const char *const function_kind_words[FUNCTION_KIND_COUNT];
extern const char *const effect_words[5];
extern const char *const constraint_words[5];
