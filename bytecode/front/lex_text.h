// Between lex.c and lex_text.c: the lexer's state, and the scanning of string literals.
#pragma once
#include "bytecode/front/lex.h"

enum { LEX_SIZE_LIMIT = 256 << 20 };  // offsets are u32, and nobody writes this by hand

typedef enum TextMode {
  TEXT_PLAIN,   // escapes and interpolation
  TEXT_RAW,     // neither
  TEXT_BYTES,   // escapes, and \xNN
} TextMode;

enum { FRAME_INTERP = 'i' };

// An open bracket, or an open interpolation.
typedef struct Frame {
  char kind;          // '(' '[' '{' FRAME_INTERP
  bool block;         // INTERP: the string is a """…"""
  u32 start;          // of the bracket; INTERP: of the `{`
  u32 indent;         // of the line that it stands on
  u32 string_start;   // INTERP: of the string
  u32 first_part;     // INTERP, block: index into Lexer.parts
} Frame;

// A stretch of a """ string, whose contents are known only when its closing line is.
typedef struct Part {
  u32 token;
  u32 start, end;
} Part;

typedef struct Lexer {
  Source *source;
  Diags *diags;
  Lexed *out;
  const char *text, *at, *end;
  const char *line;    // start of the current line
  u32 indent;          // bytes before the first token of the current line
  u8 flags;            // what stands before the token at hand
  TokenKind last;
  VEC(Frame) frames;
  VEC(Part) parts;
} Lexer;

Token *lex_emit(Lexer *l, TokenKind kind, u32 start);
Diag *lex_error(Lexer *l, DiagCode code, u32 start, u32 end, const char *message);

// A string literal whose token starts at `start`; l->at stands at its first quote.
void lex_string(Lexer *l, u32 start, TextMode mode);
// The text after the `}` of an interpolation; l->at stands at it.
void lex_string_resume(Lexer *l, Frame frame);
// Reports the strings that are still open at the end.
void lex_strings_end(Lexer *l);
