// Parsing blocks, statements and arms, each of which is a place to recover. See parse_base.h.
#include "bytecode/front/parse_base.h"

// ---- Statements -----------------------------------------------------------------------------------------------------

static Expr *parse_binding(Parser *p) {
  Expr *node = parse_node(p, EX_LET);
  node->is_var = parse_is(p, TOKEN_VAR);
  parse_advance(p);
  bool mutable = parse_is(p, TOKEN_NAME) && str_eq(parse_token(p)->name->text, STR("mut")) && parse_kind_after(p, 1) == TOKEN_NAME;
  if (mutable) parse_hint(parse_fail(p, "a pattern"), "a variable is declared with `var`");
  node->pattern = parse_pattern(p);
  if (parse_take(p, TOKEN_COLON)) node->type_expr = parse_type(p);
  if (!parse_take(p, TOKEN_ASSIGN)) {
    bool walrus = parse_is(p, TOKEN_EQ);
    Diag *diag = parse_fail(p, node->type_expr ? "`=` and a value" : "`=` and a value, or `:` and a type");
    if (walrus) parse_hint(diag, "`=` binds, `==` compares");
    else if (node->is_var) parse_hint(diag, "every name has a value from the start");
  }
  node->value = parse_child(p, node, p->panic ? parse_node(p, EX_ERROR) : parse_expr(p));
  if (parse_take(p, TOKEN_ELSE)) {
    if (parse_is(p, TOKEN_LBRACE)) node->otherwise = parse_child(p, node, parse_block(p));
    else parse_hint(parse_fail(p, "`{` after the `else` of a `let`"), "the block must leave: `let Some(x) = o else { return 0 }`");
  }
  return parse_done(p, node);
}

static bool assigns(TokenKind kind, Operator *op) {
  static const u8 compound[] = {OPERATOR_ADD, OPERATOR_SUB, OPERATOR_MUL, OPERATOR_DIV, OPERATOR_REM, OPERATOR_ADD_WRAP, OPERATOR_SUB_WRAP,
                                OPERATOR_MUL_WRAP, OPERATOR_BIT_AND, OPERATOR_BIT_OR, OPERATOR_BIT_XOR, OPERATOR_SHL, OPERATOR_SHR};
  *op = OPERATOR_NONE;
  if (kind == TOKEN_ASSIGN) return true;
  if (kind < TOKEN_PLUS_ASSIGN || kind > TOKEN_SHR_ASSIGN) return false;
  *op = (Operator)compound[kind - TOKEN_PLUS_ASSIGN];
  return true;
}

static void reject_target(Parser *p, const Expr *target) {
  if (target->kind == EX_NAME || target->kind == EX_INDEX || target->kind == EX_ERROR) return;
  Diag *diag = parse_complain(p, DIAG_E0009, target->span, "only a variable or an element can be assigned to");
  if (target->kind == EX_DOT) {
    Str field = target->name.name->text;
    parse_hint(diag, "values are immutable: assign a changed copy, as in `p = Point(..p, %.*s: …)`", STR_ARG(field));
  } else if (target->kind == EX_UPPER || target->kind == EX_TUPLE || target->kind == EX_CALL || target->kind == EX_LIST) {
    parse_hint(diag, "a pattern is bound with `let`");
  }
}

Expr *parse_simple(Parser *p) {
  Expr *left = parse_expr(p);
  Operator op;
  if (p->panic || parse_newline(p) || !assigns(parse_kind(p), &op)) return left;
  reject_target(p, left);
  Expr *node = parse_node_on(p, EX_ASSIGN, left);
  parse_advance(p);
  node->op = op;
  node->left = left;
  node->right = parse_child(p, node, parse_expr(p));
  return parse_done(p, node);
}

Expr *parse_statement(Parser *p) {
  if (parse_is(p, TOKEN_LET) || parse_is(p, TOKEN_VAR)) return parse_binding(p);
  return parse_simple(p);
}

// ---- Between statements ---------------------------------------------------------------------------------------------

// Something follows a complete statement on its line: what may have been meant?
static void hint_same_line(Diag *diag, const Token *before, const Token *found) {
  switch (found->kind) {
    case TOKEN_LPAREN: parse_hint(diag, "no blank stands before the `(` of a call"); return;
    case TOKEN_LBRACKET: parse_hint(diag, "no blank stands before the `[` of an index"); return;
    case TOKEN_ARROW: parse_hint(diag, "`->` stands in the arms of a `match`, and before the type of a result"); return;
    case TOKEN_COLON: parse_hint(diag, "a name is declared with `let name: Type = value`"); return;
    case TOKEN_ELSE: parse_hint(diag, "there is no `if` that it could belong to; is a `}` missing before it?"); return;
    case TOKEN_DOT: parse_hint(diag, "put the expression before it in parentheses"); return;
    case TOKEN_RPAREN: case TOKEN_RBRACKET: parse_hint(diag, "nothing that it could close is open here"); return;
    default: break;
  }
  const Token *odd = before->kind == TOKEN_NAME ? before : found->kind == TOKEN_NAME ? found : NULL;
  if (!odd) return;
  Str hint = parse_foreign_name(odd->name->text);
  if (!hint.len && found->kind == TOKEN_NAME) hint = parse_foreign_name(found->name->text);
  if (hint.len) parse_hint(diag, "%.*s", STR_ARG(hint));
  else if (before->kind == TOKEN_NAME && (found->kind == TOKEN_STRING || found->kind == TOKEN_INTERP_BEGIN))
    parse_hint(diag, "the arguments of a call stand in parentheses");
}

void parse_end_statement(Parser *p) {
  TokenKind kind = parse_kind(p);
  if (p->panic || parse_newline(p) || kind == TOKEN_SEMICOLON || kind == TOKEN_RBRACE || kind == TOKEN_EOF) return;
  const Token *before = &p->tokens[p->at ? p->at - 1 : 0];
  Diag *diag = parse_fail(p, "a new line or `;` after the statement");
  if (diag && !diag->hint.len) hint_same_line(diag, before, parse_token(p));
}

// A declaration where a statement should stand: a `}` is missing before it, unless it is indented like one of the block's.
static bool misplaced_declaration(Parser *p) {
  if (!parse_at_declaration(p) || parse_is(p, TOKEN_ON)) return false;
  u32 start = parse_token(p)->start;
  if (start == 0 || p->source->text.ptr[start - 1] == '\n') return false;
  Diag *diag = parse_complain(p, DIAG_E0011, parse_span(p), "declarations stand at the top of a module, not in a block");
  if (parse_is(p, TOKEN_FN)) {
    Token *token = &p->tokens[p->at + 1];
    Str name = {p->source->text.ptr + token->start, token->end - token->start};
    parse_hint(diag, "write `let %.*s = fn(..) { … }`, or move it out; if a `}` is missing above, add it", STR_ARG(name));
  }
  p->panic = true;
  return true;
}

// Statements up to what ends the block. Each error skips to the next statement.
static void parse_statements(Parser *p, Expr *node) {
  u32 from = p->items.count;
  while (!p->gave_up) {
    while (parse_take(p, TOKEN_SEMICOLON)) {}
    TokenKind kind = parse_kind(p);
    if (kind == TOKEN_RBRACE || kind == TOKEN_EOF) break;
    u32 start = p->item = p->at;
    if (parse_at_declaration(p) && !misplaced_declaration(p)) break;
    if (!p->panic) {
      Expr *statement = parse_statement(p);
      parse_child(p, node, statement);
      vec_push(&p->items, statement);
    }
    p->item = start;
    parse_end_statement(p);
    if (p->panic) parse_sync(p);
  }
  parse_take_items(p, node, from);
}

Expr *parse_block(Parser *p) {
  Expr *node = parse_node(p, EX_BLOCK);
  u32 open = p->at, item = p->item;
  if (!parse_expect(p, TOKEN_LBRACE, "`{`")) return node;
  if (parse_enter(p)) parse_statements(p, node);
  parse_leave(p);
  parse_close(p, TOKEN_RBRACE, open, "`}`");
  p->item = item;
  return parse_done(p, node);
}

// ---- Arms -----------------------------------------------------------------------------------------------------------

static void parse_arrow(Parser *p) {
  if (parse_take(p, TOKEN_ARROW)) return;
  bool fat = parse_is(p, TOKEN_FAT_ARROW), colon = parse_is(p, TOKEN_COLON), when = parse_is(p, TOKEN_WHEN);
  const Token *before = &p->tokens[p->at ? p->at - 1 : 0];
  Str word = before->kind == TOKEN_NAME ? before->name->text : (Str){0};
  if (fat) {
    parse_hint(parse_complain(p, DIAG_E0001, parse_span(p), "expected `->` after the pattern, found `=>`"), "an arm is written `pattern -> value`");
    parse_advance(p);
    return;
  }
  Diag *diag = parse_fail(p, "`->` after the pattern");
  if (colon) parse_hint(diag, "an arm is written `pattern -> value`");
  else if (when) parse_hint(diag, "the guard of an arm begins with `if`");
  else if (str_eq(word, STR("case"))) parse_hint(diag, "an arm is written `pattern -> value`, without `case`");
}

static void parse_arm(Parser *p, Expr *node) {
  Arm arm = {.pattern = parse_pattern(p)};
  if (parse_take(p, TOKEN_IF)) arm.guard = parse_child(p, node, parse_expr(p));
  parse_arrow(p);
  bool binds = parse_is(p, TOKEN_LET) || parse_is(p, TOKEN_VAR);
  if (binds) parse_hint(parse_fail(p, "an expression"), "several statements stand in a block: `pattern -> { … }`");
  arm.value = parse_child(p, node, p->panic ? parse_node(p, EX_ERROR) : parse_simple(p));
  vec_push(&p->arms, arm);
}

void parse_arms(Parser *p, Expr *node) {
  u32 open = p->at, item = p->item, from = p->arms.count;
  if (!parse_expect(p, TOKEN_LBRACE, "`{` and the arms")) return;
  if (!parse_enter(p)) return parse_leave(p);
  while (!p->gave_up) {
    while (parse_take(p, TOKEN_COMMA) || parse_take(p, TOKEN_SEMICOLON)) {}
    TokenKind kind = parse_kind(p);
    if (kind == TOKEN_RBRACE || kind == TOKEN_EOF || parse_at_declaration(p)) break;
    u32 start = p->item = p->at;
    parse_arm(p, node);
    p->item = start;
    if (p->panic) parse_sync(p);
  }
  parse_take_arms(p, node, from);
  parse_leave(p);
  parse_close(p, TOKEN_RBRACE, open, "`}` or another arm");
  p->item = item;
}
