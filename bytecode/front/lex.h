// Tokens: a whole source text, cut up once, with everything about layout that the grammar asks for.
//
// The parser sees an array, so it may look ahead as far as it likes. The newline rules of the language are applied here:
// a token carries TOKEN_NEWLINE only where the newline before it ends a statement. A string with interpolations becomes
// INTERP_BEGIN expr INTERP_MID expr … INTERP_END, each with the text that stands before the next expression.
#pragma once
#include "bytecode/base.h"
#include "bytecode/diag.h"

typedef enum TokenKind {
  TOKEN_EOF,
  TOKEN_ERROR,         // reported by the lexer; the parser recovers without a word
  TOKEN_NAME, TOKEN_UPPER, TOKEN_UNDERSCORE,
  TOKEN_INT, TOKEN_FLOAT, TOKEN_DURATION,
  TOKEN_STRING, TOKEN_BYTES,
  TOKEN_INTERP_BEGIN, TOKEN_INTERP_MID, TOKEN_INTERP_END,
  TOKEN_LPAREN, TOKEN_RPAREN, TOKEN_LBRACKET, TOKEN_RBRACKET, TOKEN_LBRACE, TOKEN_RBRACE,
  TOKEN_COMMA, TOKEN_COLON, TOKEN_SEMICOLON, TOKEN_DOT, TOKEN_DOTDOT, TOKEN_DOTDOT_EQ, TOKEN_ARROW, TOKEN_BANG, TOKEN_AT,
  // Operators, in the order of the compound assignments below.
  TOKEN_PLUS, TOKEN_MINUS, TOKEN_STAR, TOKEN_SLASH, TOKEN_PERCENT,
  TOKEN_PLUS_WRAP, TOKEN_MINUS_WRAP, TOKEN_STAR_WRAP,
  TOKEN_AMP, TOKEN_PIPE, TOKEN_CARET, TOKEN_SHL, TOKEN_SHR,
  TOKEN_TILDE,
  TOKEN_EQ, TOKEN_NE, TOKEN_LT, TOKEN_LE, TOKEN_GT, TOKEN_GE,
  TOKEN_ASSIGN,
  TOKEN_PLUS_ASSIGN, TOKEN_MINUS_ASSIGN, TOKEN_STAR_ASSIGN, TOKEN_SLASH_ASSIGN, TOKEN_PERCENT_ASSIGN,
  TOKEN_PLUS_WRAP_ASSIGN, TOKEN_MINUS_WRAP_ASSIGN, TOKEN_STAR_WRAP_ASSIGN,
  TOKEN_AMP_ASSIGN, TOKEN_PIPE_ASSIGN, TOKEN_CARET_ASSIGN, TOKEN_SHL_ASSIGN, TOKEN_SHR_ASSIGN,
  // What other languages write, kept whole so that the parser can say what to write instead.
  TOKEN_AND_AND, TOKEN_OR_OR, TOKEN_FAT_ARROW, TOKEN_INCREMENT, TOKEN_QUESTION, TOKEN_TRIPLE_EQ, TOKEN_COLON_COLON, TOKEN_PIPE_TO,
  TOKEN_ELLIPSIS,
  // Keywords.
  TOKEN_ACTOR, TOKEN_AND, TOKEN_AS, TOKEN_ASSERT, TOKEN_AWAIT, TOKEN_BREAK, TOKEN_CONTINUE, TOKEN_CRASH, TOKEN_ELSE,
  TOKEN_FALSE, TOKEN_FN, TOKEN_FOR, TOKEN_IF, TOKEN_IMPORT, TOKEN_IN, TOKEN_INTERFACE, TOKEN_IS, TOKEN_LET, TOKEN_MATCH,
  TOKEN_NOT, TOKEN_ON, TOKEN_OPAQUE, TOKEN_OR, TOKEN_PUB, TOKEN_RETURN, TOKEN_SELF, TOKEN_SPAWN, TOKEN_STOP, TOKEN_TASK,
  TOKEN_TEST, TOKEN_TRUE, TOKEN_TRY, TOKEN_TYPE, TOKEN_UNIQUE, TOKEN_VAR, TOKEN_WHEN, TOKEN_WHILE, TOKEN_WITHIN,
  TOKEN_KIND_COUNT,
} TokenKind;

enum {
  TOKEN_BLANK = 1,       // a blank, newline or comment stands before it: it is not ADJ
  TOKEN_LINE_START = 2,  // it is the first of its line
  TOKEN_NEWLINE = 4,     // … and the newline before it ends a statement
  TOKEN_HUGE = 8,        // INT, DURATION: 2 to the 63rd, which only a `-` before it makes a number
};

typedef struct Token {
  u8 kind;   // TokenKind
  u8 flags;
  u32 start, end;
  union {
    const Name *name;  // NAME, UPPER
    u64 number;        // INT; DURATION in microseconds
    double real;       // FLOAT
    u32 text;          // STRING, BYTES, INTERP_*: index into Lexed.texts
  };
} Token;

// Lines from the first to the last `///` before a token; other comments may stand between.
typedef struct DocComment {
  u32 token;  // index of the token that it stands before
  u32 start, end;
} DocComment;

typedef struct Lexed {
  Token *tokens;          // the last is TOKEN_EOF
  u32 count, capacity;
  VEC(Str) texts;         // a text without escapes is a slice of the source; the first is empty
  VEC(DocComment) docs;
  u32 module_doc, module_doc_end;  // from the first to the last `//!`
  Span odd_brace;         // the first `{` whose `}` stands at another indentation, if any: likely the one left open
} Lexed;

// Cuts `source` into tokens. Errors are reported and stepped over; the result always ends in TOKEN_EOF.
void lex(Source *source, Diags *diags, Lexed *lexed);
void lex_done(Lexed *lexed);  // gives the tokens back

bool token_is_keyword(TokenKind kind);
bool token_can_end(TokenKind kind);  // can a statement end with it? If not, a newline after it means nothing
// The text of the doc comments in source[start, end): of those that begin with `mark`, "///" or "//!".
Str lex_doc_text(const Source *source, u32 start, u32 end, const char *mark);
// How a token is named in a sentence: "`->`", "a name", "the end of the file".
Str token_describe(const Source *source, const Token *token);
const char *token_kind_text(TokenKind kind);
