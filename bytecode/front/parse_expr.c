// Parsing expressions: operators by their level, then sends, calls and primaries. See parse_base.h.
#include "bytecode/front/parse_base.h"

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_RANGE, LEVEL_BIT_OR, LEVEL_BIT_XOR, LEVEL_BIT_AND, LEVEL_SHIFT, LEVEL_ADD, LEVEL_MUL };

typedef struct Infix {
  u8 level;  // 0: no infix operator
  u8 kind;   // ExprKind
  u8 op;     // Operator
} Infix;

static const Infix infixes[TOKEN_KIND_COUNT] = {
  [TOKEN_OR] = {LEVEL_OR, EX_OR, 0}, [TOKEN_OR_OR] = {LEVEL_OR, EX_OR, 0},
  [TOKEN_AND] = {LEVEL_AND, EX_AND, 0}, [TOKEN_AND_AND] = {LEVEL_AND, EX_AND, 0},
  [TOKEN_EQ] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_EQ}, [TOKEN_TRIPLE_EQ] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_EQ},
  [TOKEN_NE] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_NE},
  [TOKEN_LT] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_LT}, [TOKEN_LE] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_LE},
  [TOKEN_GT] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_GT}, [TOKEN_GE] = {LEVEL_COMPARE, EX_BINARY, OPERATOR_GE},
  [TOKEN_DOTDOT] = {LEVEL_RANGE, EX_RANGE, 0}, [TOKEN_DOTDOT_EQ] = {LEVEL_RANGE, EX_RANGE, 0},
  [TOKEN_PIPE] = {LEVEL_BIT_OR, EX_BINARY, OPERATOR_BIT_OR},
  [TOKEN_CARET] = {LEVEL_BIT_XOR, EX_BINARY, OPERATOR_BIT_XOR},
  [TOKEN_AMP] = {LEVEL_BIT_AND, EX_BINARY, OPERATOR_BIT_AND},
  [TOKEN_SHL] = {LEVEL_SHIFT, EX_BINARY, OPERATOR_SHL}, [TOKEN_SHR] = {LEVEL_SHIFT, EX_BINARY, OPERATOR_SHR},
  [TOKEN_PLUS] = {LEVEL_ADD, EX_BINARY, OPERATOR_ADD}, [TOKEN_MINUS] = {LEVEL_ADD, EX_BINARY, OPERATOR_SUB},
  [TOKEN_PLUS_WRAP] = {LEVEL_ADD, EX_BINARY, OPERATOR_ADD_WRAP}, [TOKEN_MINUS_WRAP] = {LEVEL_ADD, EX_BINARY, OPERATOR_SUB_WRAP},
  [TOKEN_STAR] = {LEVEL_MUL, EX_BINARY, OPERATOR_MUL}, [TOKEN_SLASH] = {LEVEL_MUL, EX_BINARY, OPERATOR_DIV},
  [TOKEN_PERCENT] = {LEVEL_MUL, EX_BINARY, OPERATOR_REM}, [TOKEN_STAR_WRAP] = {LEVEL_MUL, EX_BINARY, OPERATOR_MUL_WRAP},
};

static Expr *parse_prefix(Parser *p);
static Expr *parse_operators(Parser *p, u32 min);

static Expr *error_node(Parser *p) { return parse_node(p, EX_ERROR); }

// ---- Operators ------------------------------------------------------------------------------------------------------

static void foreign_operator(Parser *p, const char *ours) {
  Span span = parse_span(p);
  parse_hint(parse_complain(p, DIAG_E0001, span, "%s is not an operator of Deed", token_kind_text(parse_kind(p))), "write `%s`", ours);
}

static void reject_chain(Parser *p, u32 level) {
  TokenKind kind = parse_kind(p);
  if (p->panic || parse_newline(p) || infixes[kind].level != level) return;
  Diag *diag = parse_complain(p, DIAG_E0012, parse_span(p), "%s", level == LEVEL_RANGE ? "ranges do not chain" : "comparisons do not chain");
  if (level == LEVEL_COMPARE) parse_hint(diag, "write `a < b and b < c`, or put one comparison in parentheses");
}

static Expr *parse_not(Parser *p) {
  Expr *node = parse_node(p, EX_NOT);
  parse_advance(p);
  if (parse_enter(p)) node->object = parse_child(p, node, parse_operators(p, LEVEL_NOT));
  else node->object = error_node(p);
  parse_leave(p);
  return parse_done(p, node);
}

static Expr *parse_operators(Parser *p, u32 min) {
  Expr *left = parse_is(p, TOKEN_NOT) && min <= LEVEL_NOT ? parse_not(p) : parse_prefix(p);
  while (!p->panic && !parse_newline(p)) {
    TokenKind kind = (TokenKind)parse_token(p)->kind;
    Infix infix = infixes[kind];
    if (!infix.level || infix.level < min) break;
    if (kind == TOKEN_AND_AND) foreign_operator(p, "and");
    if (kind == TOKEN_OR_OR) foreign_operator(p, "or");
    if (kind == TOKEN_TRIPLE_EQ) foreign_operator(p, "==");
    parse_advance(p);
    Expr *node = parse_node_on(p, (ExprKind)infix.kind, left);
    node->op = (Operator)infix.op;
    node->inclusive = kind == TOKEN_DOTDOT_EQ;
    node->left = left;
    node->right = parse_child(p, node, parse_operators(p, infix.level + 1u));
    left = parse_done(p, node);
    if (infix.level == LEVEL_COMPARE || infix.level == LEVEL_RANGE) reject_chain(p, infix.level);
  }
  return left;
}

Expr *parse_expr(Parser *p) {
  Expr *node = parse_enter(p) ? parse_operators(p, LEVEL_OR) : error_node(p);
  parse_leave(p);
  return node;
}

// ---- Prefixes -------------------------------------------------------------------------------------------------------

static Expr *parse_send(Parser *p);

static Expr *parse_negate(Parser *p) {
  Expr *node = parse_node(p, EX_UNARY);
  node->op = OPERATOR_NEGATE;
  parse_advance(p);
  p->negated = p->at;
  bool huge = parse_token(p)->flags & TOKEN_HUGE;
  Expr *operand = parse_prefix(p);
  // -9223372036854775808 is one number: the literal was made negative, and what follows it applies to that.
  bool whole = (operand->kind == EX_INT || operand->kind == EX_DURATION) && operand->number != INT64_MIN;
  if (huge || whole || operand->kind == EX_FLOAT) {
    if (operand->kind == EX_FLOAT) operand->real = -operand->real;
    else if (!huge) operand->number = -operand->number;
    operand->span.start = node->span.start;
    return operand;
  }
  node->object = parse_child(p, node, operand);
  return parse_done(p, node);
}

static Expr *parse_unary(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  if (kind == EX_UNARY) node->op = OPERATOR_INVERT;
  parse_advance(p);
  node->object = parse_child(p, node, parse_prefix(p));
  if (kind == EX_AWAIT && !parse_newline(p) && parse_take(p, TOKEN_WITHIN)) node->within = parse_child(p, node, parse_prefix(p));
  return parse_done(p, node);
}

static Expr *parse_bang(Parser *p) {
  parse_hint(parse_complain(p, DIAG_E0001, parse_span(p), "`!` sends a message: it needs a receiver on its left"), "to negate write `not x`");
  return parse_unary(p, EX_NOT);
}

static Expr *parse_prefix(Parser *p) {
  Expr *node;
  switch ((u32)parse_kind(p)) {
    case TOKEN_MINUS: case TOKEN_TILDE: case TOKEN_AMP: case TOKEN_TRY: case TOKEN_AWAIT: case TOKEN_BANG: break;
    default: return parse_send(p);
  }
  if (!parse_enter(p)) {
    parse_leave(p);
    return error_node(p);
  }
  switch ((u32)parse_kind(p)) {
    case TOKEN_MINUS: node = parse_negate(p); break;
    case TOKEN_TILDE: node = parse_unary(p, EX_UNARY); break;
    case TOKEN_AMP: node = parse_unary(p, EX_LEND); break;
    case TOKEN_TRY: node = parse_unary(p, EX_TRY); break;
    case TOKEN_AWAIT: node = parse_unary(p, EX_AWAIT); break;
    default: node = parse_bang(p); break;
  }
  parse_leave(p);
  return node;
}

// ---- Arguments ------------------------------------------------------------------------------------------------------

static void parse_args(Parser *p, Expr *node, bool constructs) {
  u32 open = p->at;
  u32 from = p->args.count;
  if (!parse_expect(p, TOKEN_LPAREN, "`(` and the arguments")) return;
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    Arg arg = {0};
    if (parse_is(p, TOKEN_DOTDOT)) {
      if (!constructs)
        parse_hint(parse_complain(p, DIAG_E0001, parse_span(p), "`..` spreads only in constructors and lists"), "an update copy is `Point(..p, x: 1.0)`");
      parse_advance(p);
      arg.spread = true;
    } else if (parse_at_label(p)) {
      arg.name = parse_anyname(p, "a name");
      parse_advance(p);
    }
    arg.value = parse_child(p, node, parse_expr(p));
    vec_push(&p->args, arg);
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_take_args(p, node, from);
  if (parse_is(p, TOKEN_ASSIGN)) parse_hint(parse_fail(p, "`,` or `)`"), "arguments are named with `:`; `==` compares");
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
}

static void parse_type_args(Parser *p, Expr *node) {
  parse_advance(p);
  node->type_args = gc_new(TypeArgs);
  while (!p->panic && !parse_is(p, TOKEN_RBRACKET)) {
    vec_push(node->type_args, parse_type(p));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_expect(p, TOKEN_RBRACKET, "`]`");
}

static bool at_type_args(Parser *p) {
  if (!parse_is(p, TOKEN_LBRACKET) || !parse_adjacent(p)) return false;
  u32 behind = parse_skim_types(p, p->at);
  return behind && p->tokens[behind].kind == TOKEN_LPAREN && !(p->tokens[behind].flags & TOKEN_BLANK);
}

static bool at_call(Parser *p) { return parse_is(p, TOKEN_LPAREN) && parse_adjacent(p); }

// ---- Postfixes ------------------------------------------------------------------------------------------------------

static bool names_constructor(const Expr *callee) {
  if (callee->kind == EX_INST) callee = callee->object;
  return callee->kind == EX_UPPER;
}

static Expr *parse_call(Parser *p, Expr *callee) {
  Expr *node = parse_node_on(p, EX_CALL, callee);
  node->object = callee;
  parse_args(p, node, names_constructor(callee));
  return parse_done(p, node);
}

static Expr *parse_inst(Parser *p, Expr *callee) {
  Expr *node = parse_node_on(p, EX_INST, callee);
  node->object = callee;
  parse_type_args(p, node);
  return parse_done(p, node);
}

static Expr *parse_index(Parser *p, Expr *left) {
  Expr *node = parse_node_on(p, EX_INDEX, left);
  u32 open = p->at;
  parse_advance(p);
  node->left = left;
  node->right = parse_child(p, node, parse_expr(p));
  parse_close(p, TOKEN_RBRACKET, open, "`]`");
  return parse_done(p, node);
}

static Expr *parse_dot(Parser *p, Expr *object) {
  Expr *node = parse_node_on(p, EX_DOT, object);
  parse_advance(p);
  node->object = object;
  if (parse_is(p, TOKEN_INT)) {
    node->kind = EX_ELEM;
    node->number = (i64)parse_token(p)->number;
    parse_advance(p);
    return parse_done(p, node);
  }
  bool upper = parse_is(p, TOKEN_UPPER);
  node->name = upper ? parse_upper(p, "a constructor") : parse_anyname(p, "a field, a function or a number");
  if (at_type_args(p)) {
    node->kind = EX_DOT_CALL;
    parse_type_args(p, node);
  }
  if (at_call(p)) {
    node->kind = EX_DOT_CALL;
    parse_args(p, node, upper);
  }
  return parse_done(p, node);
}

static Expr *parse_primary(Parser *p);

static Expr *parse_postfix(Parser *p) {
  Expr *node = parse_primary(p);
  while (!p->panic) {
    TokenKind kind = (TokenKind)parse_token(p)->kind;
    if (kind == TOKEN_DOT && !parse_newline(p)) node = parse_dot(p, node);
    else if (at_call(p)) node = parse_call(p, node);
    else if (kind == TOKEN_LBRACKET && parse_adjacent(p)) node = at_type_args(p) ? parse_inst(p, node) : parse_index(p, node);
    else break;
  }
  return node;
}

// ---- Sends ----------------------------------------------------------------------------------------------------------

static Expr *parse_message(Parser *p, Expr *receiver) {
  Expr *node = parse_node_on(p, EX_SEND, receiver);
  parse_advance(p);
  node->object = receiver;
  node->name = parse_anyname(p, "a message");
  if (!parse_is(p, TOKEN_LPAREN)) parse_hint(parse_fail(p, "`(` and the arguments"), "a message without arguments is sent with `()`");
  else parse_args(p, node, false);
  parse_done(p, node);
  if (parse_is(p, TOKEN_DOT)) parse_hint(parse_fail(p, "the end of the send"), "put the send in parentheses: `(r ! m(..)).f`");
  return node;
}

static Expr *parse_as(Parser *p, Expr *object) {
  Expr *node = parse_node_on(p, EX_AS, object);
  parse_advance(p);
  node->object = object;
  node->type_expr = parse_type(p);
  return parse_done(p, node);
}

static Expr *parse_send(Parser *p) {
  Expr *node = parse_postfix(p);
  while (!p->panic && !parse_newline(p)) {
    if (parse_is(p, TOKEN_BANG)) node = parse_message(p, node);
    else if (parse_is(p, TOKEN_AS)) node = parse_as(p, node);
    else break;
  }
  return node;
}

// ---- Literals -------------------------------------------------------------------------------------------------------

static Expr *parse_number(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  Token *token = parse_token(p);
  if (kind == EX_FLOAT) {
    node->real = token->real;
  } else {
    node->number = (i64)token->number;
    if (token->flags & TOKEN_HUGE && p->negated != p->at)
      parse_hint(parse_complain(p, DIAG_E0006, parse_span(p), "this number does not fit in an Int"), "an Int is at most 9223372036854775807");
  }
  parse_advance(p);
  return node;
}

static Expr *parse_text(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  node->text = p->lexed.texts.items[parse_token(p)->text];
  parse_advance(p);
  return node;
}

static void push_item(Parser *p, Expr *node, Expr *item) {
  parse_child(p, node, item);
  vec_push(&p->items, item);
}

static Expr *parse_interp(Parser *p) {
  Expr *node = parse_node(p, EX_INTERP);
  u32 from = p->items.count;
  push_item(p, node, parse_text(p, EX_STRING));
  while (!p->panic) {
    if (parse_is(p, TOKEN_INTERP_MID) || parse_is(p, TOKEN_INTERP_END)) {
      parse_hint(parse_fail(p, "an expression in the interpolation"), "write `\\{` for a brace in a string");
      break;
    }
    push_item(p, node, parse_expr(p));
    bool last = parse_is(p, TOKEN_INTERP_END);
    if (!last && !parse_is(p, TOKEN_INTERP_MID)) {
      Diag *diag = parse_fail(p, "`}` after the interpolated expression");
      parse_hint(diag, "write `\\{` for a brace in a string");
      break;
    }
    push_item(p, node, parse_text(p, EX_STRING));
    if (last) break;
  }
  parse_take_items(p, node, from);
  return parse_done(p, node);
}

static Expr *parse_leaf(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  if (kind == EX_BOOL) node->number = parse_is(p, TOKEN_TRUE);
  parse_advance(p);
  return node;
}

static Expr *parse_tuple(Parser *p) {
  Expr *node = parse_node(p, EX_TUPLE);
  u32 open = p->at, from = p->items.count;
  parse_advance(p);
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    push_item(p, node, parse_expr(p));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_take_items(p, node, from);
  if (parse_is(p, TOKEN_ASSIGN)) parse_hint(parse_fail(p, "`,` or `)`"), "`=` assigns, and is a statement; `==` compares");
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
  if (node->items.count == 1) return node->items.items[0];
  return parse_done(p, node);
}

static void parse_map_items(Parser *p, Expr *node) {
  for (;;) {
    if (!parse_expect(p, TOKEN_COLON, "`:` between a key and its value")) return;
    push_item(p, node, parse_expr(p));
    if (!parse_take(p, TOKEN_COMMA) || p->panic || parse_is(p, TOKEN_RBRACKET)) return;
    push_item(p, node, parse_expr(p));
  }
}

static Expr *parse_list(Parser *p) {
  Expr *node = parse_node(p, EX_LIST);
  u32 open = p->at, from = p->items.count;
  parse_advance(p);
  if (parse_take(p, TOKEN_COLON)) {
    node->kind = EX_MAP;
  } else {
    while (!p->panic && !parse_is(p, TOKEN_RBRACKET)) {
      bool spread = parse_take(p, TOKEN_DOTDOT);
      push_item(p, node, parse_expr(p));
      while (spread && node->spread.count + 1 < p->items.count - from) vec_push(&node->spread, false);
      if (spread) vec_push(&node->spread, true);
      if (parse_is(p, TOKEN_COLON) && p->items.count - from == 1 && !spread) {
        node->kind = EX_MAP;
        parse_map_items(p, node);
        break;
      }
      if (!parse_take(p, TOKEN_COMMA)) break;
    }
  }
  parse_take_items(p, node, from);
  parse_close(p, TOKEN_RBRACKET, open, "`,` or `]`");
  return parse_done(p, node);
}

// ---- Control --------------------------------------------------------------------------------------------------------

// The block after a condition, with a word about what people write instead.
static Expr *parse_body(Parser *p, const char *expected) {
  if (parse_is(p, TOKEN_LBRACE)) return parse_block(p);
  bool assigns = parse_is(p, TOKEN_ASSIGN), colon = parse_is(p, TOKEN_COLON);
  Diag *diag = parse_fail(p, expected);
  if (assigns) parse_hint(diag, "`==` compares, `=` assigns");
  else if (colon) parse_hint(diag, "blocks stand in braces");
  return error_node(p);
}

static Expr *parse_if(Parser *p) {
  Expr *node = parse_node(p, EX_IF);
  parse_advance(p);
  if (parse_is(p, TOKEN_LET)) parse_hint(parse_fail(p, "a condition"), "take a value apart with `match`, or with `let … else { … }`");
  node->cond = parse_child(p, node, parse_expr(p));
  node->then = parse_child(p, node, parse_body(p, "`{` and what to do if the condition holds"));
  if (!parse_take(p, TOKEN_ELSE)) return parse_done(p, node);
  if (parse_is(p, TOKEN_IF)) {
    node->otherwise = parse_enter(p) ? parse_if(p) : error_node(p);
    parse_leave(p);
  } else {
    node->otherwise = parse_body(p, "`{` or `if` after `else`");
  }
  parse_child(p, node, node->otherwise);
  return parse_done(p, node);
}

static Expr *parse_match(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  parse_advance(p);
  node->object = parse_child(p, node, parse_expr(p));
  parse_arms(p, node);
  return parse_done(p, node);
}

static Expr *parse_for(Parser *p) {
  Expr *node = parse_node(p, EX_FOR);
  parse_advance(p);
  node->pattern = parse_pattern(p);
  if (!parse_take(p, TOKEN_IN)) {
    bool assigns = parse_is(p, TOKEN_ASSIGN) || parse_is(p, TOKEN_SEMICOLON);
    Diag *diag = parse_fail(p, "`in` and what to go through");
    if (assigns) parse_hint(diag, "count with a range: `for i in 0..10 { … }`");
  }
  node->object = parse_child(p, node, p->panic ? error_node(p) : parse_expr(p));
  node->block = parse_child(p, node, parse_body(p, "`{` and the body of the loop"));
  return parse_done(p, node);
}

static Expr *parse_while(Parser *p) {
  Expr *node = parse_node(p, EX_WHILE);
  parse_advance(p);
  node->cond = parse_child(p, node, parse_expr(p));
  node->block = parse_child(p, node, parse_body(p, "`{` and the body of the loop"));
  return parse_done(p, node);
}

static Expr *parse_task(Parser *p) {
  Expr *node = parse_node(p, EX_TASK);
  parse_advance(p);
  node->block = parse_child(p, node, parse_body(p, "`{` and the body of the task"));
  return parse_done(p, node);
}

static Expr *parse_fn(Parser *p) {
  Expr *node = parse_node(p, EX_FN);
  parse_advance(p);
  if (parse_is(p, TOKEN_NAME)) {
    Str name = parse_token(p)->name->text;
    parse_hint(parse_fail(p, "`(` and the parameters"), "functions are declared at the top of a module; here write `let %.*s = fn(..) { … }`", STR_ARG(name));
  }
  parse_params(p, &node->params, false, NULL);
  if (parse_take(p, TOKEN_ARROW)) node->type_expr = parse_type(p);
  if (parse_is(p, TOKEN_FAT_ARROW)) parse_fail(p, "`{` and the closure's body");
  node->block = parse_child(p, node, parse_body(p, "`{` and the closure's body"));
  return parse_done(p, node);
}

static Expr *parse_spawn(Parser *p) {
  Expr *node = parse_node(p, EX_SPAWN);
  parse_advance(p);
  if (parse_is(p, TOKEN_NAME)) {
    node->module = gc_new(Ident);
    *node->module = parse_name(p, "a module");
    parse_expect(p, TOKEN_DOT, "`.` and the actor's name");
  }
  if (parse_is(p, TOKEN_LBRACE) || parse_is(p, TOKEN_FN)) parse_hint(parse_fail(p, "the name of an actor"), "`task { … }` runs a block beside this actor");
  node->name = parse_upper(p, "the name of an actor");
  parse_args(p, node, false);
  if (!parse_newline(p) && parse_take(p, TOKEN_IN)) node->bank = parse_child(p, node, parse_postfix(p));
  return parse_done(p, node);
}

// Can this token begin an expression? Then `return` takes it, if it stands on its line.
static bool begins_expression(TokenKind kind) {
  switch ((u32)kind) {
    case TOKEN_NAME: case TOKEN_UPPER: case TOKEN_INT: case TOKEN_FLOAT: case TOKEN_DURATION: case TOKEN_STRING: case TOKEN_BYTES:
    case TOKEN_INTERP_BEGIN: case TOKEN_LPAREN: case TOKEN_LBRACKET: case TOKEN_LBRACE: case TOKEN_MINUS: case TOKEN_TILDE: case TOKEN_AMP:
    case TOKEN_BANG: case TOKEN_TRUE: case TOKEN_FALSE: case TOKEN_SELF: case TOKEN_NOT: case TOKEN_TRY: case TOKEN_AWAIT: case TOKEN_FN:
    case TOKEN_IF: case TOKEN_MATCH: case TOKEN_WHEN: case TOKEN_FOR: case TOKEN_WHILE: case TOKEN_TASK: case TOKEN_SPAWN: case TOKEN_RETURN:
    case TOKEN_CRASH: case TOKEN_ASSERT: case TOKEN_BREAK: case TOKEN_CONTINUE: case TOKEN_STOP:
      return true;
    default:
      return false;
  }
}

static Expr *parse_leaving(Parser *p, ExprKind kind) {
  Expr *node = parse_node(p, kind);
  parse_advance(p);
  bool takes = kind != EX_RETURN || (!(parse_token(p)->flags & TOKEN_LINE_START) && begins_expression(parse_kind(p)));
  if (takes) node->object = parse_child(p, node, parse_expr(p));
  return parse_done(p, node);
}

static Expr *parse_none(Parser *p) {
  TokenKind kind = parse_kind(p);
  Diag *diag = parse_fail(p, "an expression");
  switch ((u32)kind) {
    case TOKEN_NOT: parse_hint(diag, "`not` binds looser than this operator: put it in parentheses"); break;
    case TOKEN_UNDERSCORE: parse_hint(diag, "`_` is a pattern; for a function of one argument write `fn(x) { … }`"); break;
    case TOKEN_LET: case TOKEN_VAR: parse_hint(diag, "%s is a statement: it stands in a block, `{ … }`", token_kind_text(kind)); break;
    case TOKEN_DOT: parse_hint(diag, "a Float has a digit before its point: `0.5`"); break;
    case TOKEN_PIPE: case TOKEN_OR_OR: parse_hint(diag, "a closure is written `fn(x) { x + 1 }`"); break;
    case TOKEN_ASSIGN: parse_hint(diag, "`==` compares"); break;
    case TOKEN_AND: case TOKEN_OR: case TOKEN_PLUS: case TOKEN_STAR: case TOKEN_SLASH:
      parse_hint(diag, "to go on in the next line, end this one with the operator"); break;
    default: break;
  }
  return error_node(p);
}

static Expr *primary(Parser *p) {
  switch ((u32)parse_kind(p)) {
    case TOKEN_NAME: case TOKEN_UPPER: {
      Expr *node = parse_node(p, parse_is(p, TOKEN_NAME) ? EX_NAME : EX_UPPER);
      node->name = (Ident){parse_token(p)->name, node->span};
      parse_advance(p);
      return node;
    }
    case TOKEN_INT: return parse_number(p, EX_INT);
    case TOKEN_FLOAT: return parse_number(p, EX_FLOAT);
    case TOKEN_DURATION: return parse_number(p, EX_DURATION);
    case TOKEN_STRING: return parse_text(p, EX_STRING);
    case TOKEN_BYTES: return parse_text(p, EX_BYTES);
    case TOKEN_INTERP_BEGIN: return parse_interp(p);
    case TOKEN_TRUE: case TOKEN_FALSE: return parse_leaf(p, EX_BOOL);
    case TOKEN_SELF: return parse_leaf(p, EX_SELF);
    case TOKEN_LPAREN: return parse_tuple(p);
    case TOKEN_LBRACKET: return parse_list(p);
    case TOKEN_LBRACE: return parse_block(p);
    case TOKEN_FN: return parse_at_declaration(p) && p->at > p->item ? parse_none(p) : parse_fn(p);
    case TOKEN_IF: return parse_if(p);
    case TOKEN_MATCH: return parse_match(p, EX_MATCH);
    case TOKEN_WHEN: return parse_match(p, EX_WHEN);
    case TOKEN_FOR: return parse_for(p);
    case TOKEN_WHILE: return parse_while(p);
    case TOKEN_TASK: return parse_task(p);
    case TOKEN_SPAWN: return parse_spawn(p);
    case TOKEN_RETURN: return parse_leaving(p, EX_RETURN);
    case TOKEN_CRASH: return parse_leaving(p, EX_CRASH);
    case TOKEN_ASSERT: return parse_leaving(p, EX_ASSERT);
    case TOKEN_BREAK: return parse_leaf(p, EX_BREAK);
    case TOKEN_CONTINUE: return parse_leaf(p, EX_CONTINUE);
    case TOKEN_STOP: return parse_leaf(p, EX_STOP);
    default: return parse_none(p);
  }
}

// Whatever holds expressions goes one level deeper, also where it does so through `spawn … in` or a block.
static Expr *parse_primary(Parser *p) {
  Expr *node = parse_enter(p) ? primary(p) : error_node(p);
  parse_leave(p);
  return node;
}
