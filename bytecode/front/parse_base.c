// The parser's cursor, its errors and its recovery. See parse_base.h.
#include "bytecode/front/parse_base.h"

bool parse_take(Parser *p, TokenKind kind) {
  if (!parse_is(p, kind)) return false;
  parse_advance(p);
  return true;
}

Span parse_span_from(Parser *p, u32 start) {
  u32 from = p->tokens[start].start;
  u32 to = p->at > start ? p->tokens[p->at - 1].end : p->tokens[start].end;
  return (Span){from, to};
}

// ---- Errors ---------------------------------------------------------------------------------------------------------

void parse_hint(Diag *diag, const char *format, ...) {
  if (!diag) return;
  va_list args;
  va_start(args, format);
  Text t = {0};
  text_vprintf(&t, format, args);
  va_end(args);
  diag->hint = text_str(&t);
}

// What to write instead of a token that only other languages have.
static const char *foreign_hint(TokenKind kind) {
  switch ((u32)kind) {
    case TOKEN_AND_AND: return "write `and`";
    case TOKEN_OR_OR: return "write `or`";
    case TOKEN_FAT_ARROW: return "an arm is written `pattern -> value`, a closure `fn(x) { value }`";
    case TOKEN_INCREMENT: return "write `i += 1`; strings and lists are joined with `+` and `[..a, ..b]`";
    case TOKEN_QUESTION: return "write `if c { a } else { b }` to choose, `try e` to pass an error on, `Option[T]` for what may be absent";
    case TOKEN_TRIPLE_EQ: return "write `==`";
    case TOKEN_COLON_COLON: return "write `.`: `module.name`";
    case TOKEN_PIPE_TO: return "write a dot call: `x.f(y)` is `f(x, y)`";
    case TOKEN_ELLIPSIS: return "write `..`";
    default: return NULL;
  }
}

Diag *parse_complain(Parser *p, DiagCode code, Span span, const char *format, ...) {
  if (p->panic) return NULL;
  va_list args;
  va_start(args, format);
  Text t = {0};
  text_vprintf(&t, format, args);
  va_end(args);
  Diag *diag = diag_add(p->diags, code, p->source, span, "%.*s", STR_ARG(text_str(&t)));
  u32 limit = p->diags->limit ? p->diags->limit : 100;
  if (p->diags->errors > limit) {
    p->gave_up = p->panic = true;
    p->at = p->lexed.count - 1;
  }
  return diag;
}

void parse_give_up(Parser *p, DiagCode code, const char *message) {
  parse_hint(parse_complain(p, code, parse_span(p), "%s", message), "name parts of it with `let`");
  p->gave_up = p->panic = true;
  p->at = p->lexed.count - 1;
}

// Is something missing before the token at hand, rather than this token wrong? Then the end of the line before is the place.
static bool missing_before(Parser *p) {
  Token *token = parse_token(p);
  if (p->at == 0 || !(token->flags & TOKEN_LINE_START)) return false;
  if (p->at <= p->item && token->kind != TOKEN_EOF) return false;
  switch (token->kind) {
    case TOKEN_EOF: case TOKEN_RBRACE: case TOKEN_RPAREN: case TOKEN_RBRACKET: case TOKEN_LET: case TOKEN_VAR: case TOKEN_FN: case TOKEN_ON:
    case TOKEN_PUB: case TOKEN_TYPE: case TOKEN_ACTOR: case TOKEN_INTERFACE: case TOKEN_IMPORT: case TOKEN_RETURN: case TOKEN_WHILE:
    case TOKEN_FOR:
      return true;
    default:
      return token->flags & TOKEN_NEWLINE;
  }
}

static Span behind_last(Parser *p) {
  u32 end = p->tokens[p->at - 1].end;
  return (Span){end, end};
}

Diag *parse_fail(Parser *p, const char *expected) {
  Token *token = parse_token(p);
  if (p->panic || token->kind == TOKEN_ERROR) {
    p->panic = true;
    return NULL;
  }
  bool missing = missing_before(p);
  Str found = token->kind == TOKEN_EOF || !missing ? token_describe(p->source, token) : STR("the end of the line");
  Diag *diag = parse_complain(p, DIAG_E0001, missing ? behind_last(p) : parse_span(p), "expected %s, found %.*s", expected, STR_ARG(found));
  const char *hint = foreign_hint((TokenKind)token->kind);
  if (hint) parse_hint(diag, "%s", hint);
  else if (token_is_keyword((TokenKind)token->kind) && (strstr(expected, "name") || strstr(expected, "pattern")))
    parse_hint(diag, "%.*s is a keyword; it can name fields, messages and arguments, but nothing else", STR_ARG(found));
  p->panic = true;
  return diag;
}

bool parse_expect(Parser *p, TokenKind kind, const char *expected) {
  if (parse_take(p, kind)) return true;
  parse_fail(p, expected);
  return false;
}

static bool same_line(Parser *p, u32 from, u32 to) {
  return !memchr(p->source->text.ptr + from, '\n', to > from ? to - from : 0);
}

static u32 indent_at(Parser *p, u32 offset) {
  const char *text = p->source->text.ptr;
  u32 line = offset, blank = 0;
  while (line && text[line - 1] != '\n') line--;
  while (line + blank < offset && (text[line + blank] == ' ' || text[line + blank] == '\t')) blank++;
  return blank;
}

// A `(` or `[` was never closed, so the lexer saw no statements end since. They do: up to the end of the block.
static void restore_newlines(Parser *p) {
  u32 parens = 0, braces = 0;
  for (u32 i = p->at; p->tokens[i].kind != TOKEN_EOF; i++) {
    Token *token = &p->tokens[i];
    bool apart = token->flags & TOKEN_LINE_START && i && token_can_end((TokenKind)token[-1].kind);
    if (apart && !parens && !braces && token->kind != TOKEN_DOT && token->kind != TOKEN_ELSE) token->flags |= TOKEN_NEWLINE;
    switch (token->kind) {
      case TOKEN_LPAREN: case TOKEN_LBRACKET: case TOKEN_INTERP_BEGIN: parens += !braces; break;
      case TOKEN_RPAREN: case TOKEN_RBRACKET: case TOKEN_INTERP_END: parens -= !braces && parens; break;
      case TOKEN_LBRACE: braces++; break;
      case TOKEN_RBRACE:
        if (!braces) return;
        braces--;
        break;
      default: break;
    }
  }
}

// Does the token at hand stand too far left to be inside the bracket at token `open`?
static bool stands_outside(Parser *p, u32 open) {
  Token *token = parse_token(p);
  return token->flags & TOKEN_LINE_START && indent_at(p, token->start) <= indent_at(p, p->tokens[open].start);
}

bool parse_close(Parser *p, TokenKind kind, u32 open, const char *inside) {
  if (parse_take(p, kind)) return true;
  if (p->panic || p->gave_up || parse_is(p, TOKEN_ERROR)) {
    p->panic = true;
    return false;
  }
  Span opened = {p->tokens[open].start, p->tokens[open].end};
  Str bracket = str_from(token_kind_text((TokenKind)p->tokens[open].kind));
  bool left_open = missing_before(p) || (kind == TOKEN_RBRACE ? p->at > 0 && parse_at_declaration(p) : stands_outside(p, open));
  if (left_open && kind != TOKEN_RBRACE) restore_newlines(p);
  Diag *diag;
  if (left_open || parse_is(p, TOKEN_RBRACE)) {
    diag = parse_complain(p, DIAG_E0008, left_open ? behind_last(p) : parse_span(p), "expected %s to close the %.*s", token_kind_text(kind),
                          STR_ARG(bracket));
    p->panic = true;
  } else {
    diag = parse_fail(p, inside);
  }
  if (!diag) return false;
  Span odd = p->lexed.odd_brace;
  bool at_end = kind == TOKEN_RBRACE && odd.end && parse_token(p)->kind == TOKEN_EOF;
  if (at_end) diag_note(diag, p->source, odd, "most likely this one: its `}` stands at another indentation");
  else if (!same_line(p, opened.start, diag->span.start)) diag_note(diag, p->source, opened, "opened here");
  return false;
}

bool parse_enter(Parser *p) {
  if (++p->depth <= PARSE_DEPTH_LIMIT) return true;
  parse_give_up(p, DIAG_E0501, "this is nested too deeply");
  return false;
}

// ---- Recovery -------------------------------------------------------------------------------------------------------

static bool first_column(Parser *p, u32 at) {
  u32 start = p->tokens[at].start;
  return start == 0 || p->source->text.ptr[start - 1] == '\n';
}

// All these words may also name a method, so the next token matters.
static bool declares(Parser *p, u32 at) {
  Token *token = &p->tokens[at];
  if (!(token->flags & TOKEN_LINE_START)) return false;
  u8 next = token->kind == TOKEN_EOF ? TOKEN_EOF : p->tokens[at + 1].kind;
  switch (token->kind) {
    case TOKEN_PUB: case TOKEN_OPAQUE: case TOKEN_UNIQUE: return token_is_keyword((TokenKind)next);
    case TOKEN_IMPORT: return next == TOKEN_NAME || next == TOKEN_UPPER || next == TOKEN_DOT || next == TOKEN_DOTDOT || next == TOKEN_STRING;
    case TOKEN_ON: return next == TOKEN_NAME || next == TOKEN_UPPER || token_is_keyword((TokenKind)next);
    case TOKEN_TYPE: case TOKEN_ACTOR: case TOKEN_INTERFACE: return next == TOKEN_UPPER || next == TOKEN_NAME;
    case TOKEN_FN: return next == TOKEN_NAME || next == TOKEN_UPPER || token_is_keyword((TokenKind)next);
    case TOKEN_TEST: return next == TOKEN_STRING;
    default: return false;
  }
}

bool parse_at_declaration(Parser *p) { return declares(p, p->at); }

static bool begins_statement(TokenKind kind) {
  return kind == TOKEN_LET || kind == TOKEN_VAR || kind == TOKEN_RETURN || kind == TOKEN_WHILE || kind == TOKEN_FOR;
}

void parse_sync(Parser *p) {
  u32 parens = 0, braces = 0;
  for (; parse_token(p)->kind != TOKEN_EOF; p->at++) {
    Token *token = parse_token(p);
    bool moved = p->at > p->item;
    if (!braces && moved) {
      if (!parens && (token->flags & TOKEN_NEWLINE || token->kind == TOKEN_SEMICOLON)) break;
      if (token->flags & TOKEN_LINE_START && begins_statement((TokenKind)token->kind)) break;
    }
    if (moved && declares(p, p->at) && (!braces || first_column(p, p->at))) break;
    switch (token->kind) {
      case TOKEN_LBRACE: braces++; break;
      case TOKEN_RBRACE:
        if (!braces) goto done;
        braces--;
        break;
      case TOKEN_LPAREN: case TOKEN_LBRACKET: case TOKEN_INTERP_BEGIN: parens += !braces; break;
      case TOKEN_RPAREN: case TOKEN_RBRACKET: case TOKEN_INTERP_END: parens -= !braces && parens; break;
      default: break;
    }
  }
done:
  p->panic = p->gave_up;
}

void parse_sync_declaration(Parser *p) {
  u32 braces = 0;
  for (; parse_token(p)->kind != TOKEN_EOF; p->at++) {
    Token *token = parse_token(p);
    if (p->at > p->item && token->flags & TOKEN_LINE_START) {
      bool begins = declares(p, p->at) || token->kind == TOKEN_LET;
      if (begins && token->kind != TOKEN_ON && (!braces || first_column(p, p->at))) break;
    }
    if (token->kind == TOKEN_LBRACE) braces++;
    if (token->kind == TOKEN_RBRACE) braces -= braces > 0;
  }
  p->panic = p->gave_up;
}

// ---- Names ----------------------------------------------------------------------------------------------------------

static Ident take_ident(Parser *p) {
  Token *token = parse_token(p);
  Span span = parse_span(p);
  bool named = token->kind == TOKEN_NAME || token->kind == TOKEN_UPPER;
  const Name *name = named ? token->name : name_of((Str){p->source->text.ptr + span.start, span.end - span.start});
  parse_advance(p);
  return (Ident){name, span};
}

// Something with a name of its own where the right one was missing, so that later passes have one to hold on to.
static Ident no_ident(Parser *p) { return (Ident){name_from("_"), parse_span(p)}; }

Ident parse_name(Parser *p, const char *expected) {
  if (parse_is(p, TOKEN_NAME)) return take_ident(p);
  bool upper = parse_is(p, TOKEN_UPPER);
  Diag *diag = parse_fail(p, expected);
  if (upper) parse_hint(diag, "names of values, functions and modules begin with a small letter");
  return no_ident(p);
}

Ident parse_upper(Parser *p, const char *expected) {
  if (parse_is(p, TOKEN_UPPER)) return take_ident(p);
  bool lower = parse_is(p, TOKEN_NAME);
  Diag *diag = parse_fail(p, expected);
  if (lower) parse_hint(diag, "names of types, constructors, interfaces and actors begin with a capital letter");
  return no_ident(p);
}

Ident parse_anyname(Parser *p, const char *expected) {
  if (parse_is(p, TOKEN_NAME) || (token_is_keyword(parse_kind(p)) && !p->panic)) return take_ident(p);
  parse_fail(p, expected);
  return no_ident(p);
}

bool parse_at_label(Parser *p) {
  TokenKind kind = parse_kind(p);
  return (kind == TOKEN_NAME || token_is_keyword(kind)) && parse_kind_after(p, 1) == TOKEN_COLON;
}

Str parse_doc(Parser *p) {
  while (p->next_doc < p->lexed.docs.count && p->lexed.docs.items[p->next_doc].token < p->at) p->next_doc++;
  if (p->next_doc >= p->lexed.docs.count || p->lexed.docs.items[p->next_doc].token != p->at) return (Str){0};
  DocComment doc = p->lexed.docs.items[p->next_doc];
  return lex_doc_text(p->source, doc.start, doc.end, "///");
}

typedef struct Foreign {
  const char *name;
  const char *hint;
} Foreign;

static const Foreign foreign_names[] = {
  {"null", "Deed has no null: what may be absent is an `Option[T]`, and its absence `None`"},
  {"nil", "Deed has no nil: what may be absent is an `Option[T]`, and its absence `None`"},
  {"none", "write `None`"},
  {"undefined", "Deed has no undefined: what may be absent is an `Option[T]`, and its absence `None`"},
  {"this", "an actor names itself `self`, and its state by the names alone"},
  {"print", "printing is a power: let `main` take `out: Out`, and write `out ! line(\"…\")`"},
  {"println", "printing is a power: let `main` take `out: Out`, and write `out ! line(\"…\")`"},
  {"printf", "printing is a power: let `main` take `out: Out`, and write `out ! line(\"…\")`"},
  {"console", "printing is a power: let `main` take `out: Out`, and write `out ! line(\"…\")`"},
  {"throw", "write `crash \"…\"` for a bug, or give an `Err(..)`"},
  {"raise", "write `crash \"…\"` for a bug, or give an `Err(..)`"},
  {"panic", "write `crash \"…\"` for a bug, or give an `Err(..)`"},
  {"switch", "write `match x { pattern -> value }`"},
  {"case", "write `match x { pattern -> value }`"},
  {"loop", "write `while true { … }`"},
  {"elif", "write `else if`"},
  {"elsif", "write `else if`"},
  {"elseif", "write `else if`"},
  {"const", "write `let`"},
  {"mut", "write `var x = …` for what changes"},
  {"def", "functions are declared with `fn name(..) { … }`"},
  {"func", "functions are declared with `fn name(..) { … }`"},
  {"function", "functions are declared with `fn name(..) { … }`"},
  {"fun", "functions are declared with `fn name(..) { … }`"},
  {"class", "data is declared with `type`, what has state with `actor`"},
  {"struct", "data is declared with `type Name(field: Type)`"},
  {"enum", "data is declared with `type Name { A  B(x: Int) }`"},
  {"trait", "a set of messages is declared with `interface`"},
  {"use", "modules are named with `import`"},
  {"public", "write `pub`"},
  {"export", "write `pub`"},
  {"private", "what is not `pub` is private"},
  {"static", "modules hold constants: `let name = …`"},
  {"receive", "an actor receives with handlers: `on message(x) { … }`"},
  {"async", "every send is asynchronous; `await` waits for its answer"},
};

Str parse_foreign_name(Str name) {
  for (u32 i = 0; i < COUNT_OF(foreign_names); i++)
    if (str_eq(name, str_from(foreign_names[i].name))) return str_from(foreign_names[i].hint);
  return (Str){0};
}

// ---- Nodes ----------------------------------------------------------------------------------------------------------

Expr *parse_node(Parser *p, ExprKind kind) {
  Expr *node = region_alloc(&p->module->bodies, sizeof(Expr));
  node->kind = kind;
  node->span = parse_span(p);
  return node;
}

Expr *parse_node_on(Parser *p, ExprKind kind, Expr *left) {
  Expr *node = region_alloc(&p->module->bodies, sizeof(Expr));
  node->kind = kind;
  node->span = left->span;
  parse_child(p, node, left);
  return node;
}

Expr *parse_child(Parser *p, Expr *parent, Expr *child) {
  if (child->height < parent->height) return child;
  parent->height = (u16)(child->height + 1);
  if (parent->height > PARSE_DEPTH_LIMIT && !p->gave_up) parse_give_up(p, DIAG_E0501, "this is nested too deeply");
  return child;
}

Expr *parse_done(Parser *p, Expr *node) {
  if (p->at) node->span.end = p->tokens[p->at - 1].end;
  if (node->span.end < node->span.start) node->span.end = node->span.start;
  return node;
}

// `room` more may be added without growing.
#define TAKE(p, field, node, from, room)                                                                   \
  do {                                                                                                     \
    u32 count = (p)->field.count - (from);                                                                 \
    size_t size = sizeof *(p)->field.items;                                                                \
    if (count) {                                                                                           \
      (node)->field.items = region_alloc(&(p)->module->bodies, (count + (room)) * size);                   \
      memcpy((node)->field.items, (p)->field.items + (from), count * size);                                \
      (node)->field.capacity = count + (room);                                                             \
    }                                                                                                      \
    (node)->field.count = count;                                                                           \
    (p)->field.count = (from);                                                                             \
  } while (0)

void parse_take_items(Parser *p, Expr *node, u32 from) { TAKE(p, items, node, from, 0); }

// A dot call's receiver becomes its first argument.
void parse_take_args(Parser *p, Expr *node, u32 from) { TAKE(p, args, node, from, node->kind == EX_DOT_CALL); }

void parse_take_arms(Parser *p, Expr *node, u32 from) { TAKE(p, arms, node, from, 0); }

#undef TAKE
