// What the files of the parser share: the cursor over the tokens, errors and recovery, and the making of nodes.
//
// On an error the parser reports once and sets `panic`. While it is set nothing is taken or reported, so every function
// simply returns; whoever loops over statements, arms, members or declarations skips to the next one and clears it.
// `gave_up` is for limits: the cursor stands at the end, and nothing more is said.
#pragma once
#include "bytecode/front/lex.h"
#include "bytecode/front/parse.h"

typedef struct Parser {
  Source *source;
  Diags *diags;
  ModuleAst *module;
  Lexed lexed;
  Token *tokens;
  u32 at;           // token at hand
  u32 item;         // first token of the statement, arm, member or declaration at hand
  u32 next_doc;     // index into lexed.docs
  u32 depth;
  // Lists that are being parsed, one inside another, each on top of those around it.
  VEC(Expr *) items;
  VEC(Arg) args;
  VEC(Arm) arms;
  u32 negated;      // token whose `-` was just taken: it may be 2 to the 63rd
  bool panic;
  bool gave_up;
} Parser;

// ---- The cursor -----------------------------------------------------------------------------------------------------

static inline Token *parse_token(Parser *p) { return &p->tokens[p->at]; }
static inline TokenKind parse_kind(Parser *p) { return p->panic ? TOKEN_ERROR : (TokenKind)p->tokens[p->at].kind; }
static inline TokenKind parse_kind_after(Parser *p, u32 ahead) {
  u32 at = p->at + ahead;
  return at < p->lexed.count ? (TokenKind)p->tokens[at].kind : TOKEN_EOF;
}
static inline bool parse_is(Parser *p, TokenKind kind) { return p->tokens[p->at].kind == kind && !p->panic; }
static inline bool parse_adjacent(Parser *p) { return !(p->tokens[p->at].flags & TOKEN_BLANK); }
static inline bool parse_newline(Parser *p) { return p->tokens[p->at].flags & TOKEN_NEWLINE; }
static inline void parse_advance(Parser *p) { p->at += p->tokens[p->at].kind != TOKEN_EOF; }
bool parse_take(Parser *p, TokenKind kind);

static inline Span parse_span(Parser *p) { return (Span){p->tokens[p->at].start, p->tokens[p->at].end}; }
// From the token at index `start` to the last one taken.
Span parse_span_from(Parser *p, u32 start);

// ---- Errors ---------------------------------------------------------------------------------------------------------

// "expected `expected`, found …" at the token at hand, or behind the one before if something is missing there. NULL if
// nothing was to be said; parse_hint() minds that.
Diag *parse_fail(Parser *p, const char *expected);
// Reports at a place, and goes on as if nothing had happened.
Diag *parse_complain(Parser *p, DiagCode code, Span span, const char *format, ...) PRINTF_LIKE(4, 5);
void parse_hint(Diag *diag, const char *format, ...) PRINTF_LIKE(2, 3);
void parse_give_up(Parser *p, DiagCode code, const char *message);
bool parse_expect(Parser *p, TokenKind kind, const char *expected);
// The closing partner of the bracket at token `open`; `inside` says what else could have stood there, such as "`,` or `)`".
bool parse_close(Parser *p, TokenKind kind, u32 open, const char *inside);

bool parse_enter(Parser *p);  // one level deeper; false at the limit
static inline void parse_leave(Parser *p) { p->depth--; }

bool parse_at_declaration(Parser *p);  // what stands here can only be a declaration or member, and begins a line
void parse_sync(Parser *p);            // skips to the next statement, arm or member, and ends the panic
void parse_sync_declaration(Parser *p);

// ---- Names and nodes ------------------------------------------------------------------------------------------------

Ident parse_name(Parser *p, const char *expected);
Ident parse_upper(Parser *p, const char *expected);
Ident parse_anyname(Parser *p, const char *expected);
bool parse_at_label(Parser *p);  // anyname ':'
Str parse_doc(Parser *p);        // the doc comment before the token at hand

Expr *parse_node(Parser *p, ExprKind kind);                 // spans the token at hand so far
Expr *parse_node_on(Parser *p, ExprKind kind, Expr *left);  // begins where `left` does
Expr *parse_child(Parser *p, Expr *parent, Expr *child);    // keeps Expr.height, and gives child back
Expr *parse_done(Parser *p, Expr *node);                    // it ends with the last token taken

// Moves what stands on top of p->items, p->args or p->arms from `from` on into the node.
void parse_take_items(Parser *p, Expr *node, u32 from);
void parse_take_args(Parser *p, Expr *node, u32 from);
void parse_take_arms(Parser *p, Expr *node, u32 from);

// ---- The rules ------------------------------------------------------------------------------------------------------

TypeExpr *parse_type(Parser *p);
u32 parse_skim_types(Parser *p, u32 at);  // token behind a `[types]` that starts at token `at`, or 0 if it reads otherwise
void parse_generics(Parser *p, GenericParams *generics);
Pat *parse_pattern(Parser *p);
void parse_params(Parser *p, Params *params, bool typed, const char *why);

Expr *parse_expr(Parser *p);
Expr *parse_block(Parser *p);
Expr *parse_statement(Parser *p);
Expr *parse_simple(Parser *p);            // an expression or assignment
void parse_end_statement(Parser *p);      // reports what else stands on the line
void parse_arms(Parser *p, Expr *node);
void parse_declarations(Parser *p, Expr *statements);  // statements: a script's block, or NULL
