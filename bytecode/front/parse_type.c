// Parsing types, generic parameters, patterns and parameter lists. See parse_base.h.
#include "bytecode/front/parse_base.h"

// ---- Types ----------------------------------------------------------------------------------------------------------

static TypeExpr *type_node(Parser *p, TypeExprKind kind) {
  TypeExpr *node = gc_new(TypeExpr);
  node->kind = kind;
  node->span = parse_span(p);
  return node;
}

static TypeExpr *type_done(Parser *p, TypeExpr *node, u32 start) {
  node->span = parse_span_from(p, start);
  return node;
}

// `type,*` up to the closing bracket, which is taken too.
static void type_list(Parser *p, TypeExpr *node, TokenKind close, u32 open, const char *inside) {
  while (!p->panic && !parse_is(p, close)) {
    vec_push(&node->args, parse_type(p));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, close, open, inside);
}

static TypeExpr *type_name(Parser *p) {
  u32 start = p->at;
  TypeExpr *node = type_node(p, TYPE_EXPR_NAME);
  if (parse_is(p, TOKEN_NAME)) {
    node->module = parse_name(p, "a module");
    parse_take(p, TOKEN_DOT);
  }
  node->name = parse_upper(p, "a type");
  u32 open = p->at;
  if (!p->panic && !parse_newline(p) && parse_take(p, TOKEN_LBRACKET)) {
    if (parse_is(p, TOKEN_RBRACKET)) parse_hint(parse_fail(p, "a type"), "a list is written `List[T]`");
    type_list(p, node, TOKEN_RBRACKET, open, "`,` or `]`");
  } else if (parse_is(p, TOKEN_LT) && parse_kind_after(p, 1) == TOKEN_UPPER) {
    parse_hint(parse_fail(p, "`[`"), "type arguments stand in brackets: `%.*s[..]`", STR_ARG(node->name.name->text));
  } else if (parse_is(p, TOKEN_QUESTION)) {
    parse_hint(parse_fail(p, "the end of the type"), "write `Option[%.*s]`", STR_ARG(node->name.name->text));
  }
  return type_done(p, node, start);
}

static TypeExpr *type_tuple(Parser *p) {
  u32 open = p->at;
  TypeExpr *node = type_node(p, TYPE_EXPR_TUPLE);
  parse_advance(p);
  type_list(p, node, TOKEN_RPAREN, open, "`,` or `)`");
  if (node->args.count == 1) return node->args.items[0];
  return type_done(p, node, open);
}

static TypeExpr *type_fn(Parser *p) {
  u32 start = p->at;
  TypeExpr *node = type_node(p, TYPE_EXPR_FN);
  parse_advance(p);
  u32 open = p->at;
  if (parse_expect(p, TOKEN_LPAREN, "`(` and the types of the parameters")) type_list(p, node, TOKEN_RPAREN, open, "`,` or `)`");
  if (parse_take(p, TOKEN_ARROW)) node->result = parse_type(p);
  return type_done(p, node, start);
}

static TypeExpr *type_lent(Parser *p) {
  u32 start = p->at;
  TypeExpr *node = type_node(p, TYPE_EXPR_LENT);
  parse_advance(p);
  vec_push(&node->args, parse_type(p));
  return type_done(p, node, start);
}

// What is no type, with a word about what was probably meant.
static TypeExpr *type_none(Parser *p) {
  TokenKind kind = parse_kind(p), next = parse_kind_after(p, 1);
  Str text = token_describe(p->source, parse_token(p));
  Diag *diag = parse_fail(p, "a type");
  if (kind == TOKEN_LBRACKET) {
    parse_hint(diag, next == TOKEN_UPPER ? "a list type is written `List[T]`, a map type `Map[K, V]`" : "a list type is written `List[T]`");
  } else if (kind == TOKEN_NAME) {
    if (str_eq(text, STR("`bool`"))) parse_hint(diag, "write `Bool`");
    else if (str_eq(text, STR("`string`")) || str_eq(text, STR("`str`"))) parse_hint(diag, "write `String`");
    else if (str_eq(text, STR("`int`"))) parse_hint(diag, "write `Int`");
    else if (str_eq(text, STR("`float`"))) parse_hint(diag, "write `Float`");
    else if (str_eq(text, STR("`void`"))) parse_hint(diag, "the empty value and its type are written `()`");
    else parse_hint(diag, "names of types begin with a capital letter");
  }
  return type_node(p, TYPE_EXPR_TUPLE);
}

TypeExpr *parse_type(Parser *p) {
  TypeExpr *type = NULL;
  if (parse_enter(p)) {
    switch ((u32)parse_kind(p)) {
      case TOKEN_UPPER: type = type_name(p); break;
      case TOKEN_NAME: type = parse_kind_after(p, 1) == TOKEN_DOT ? type_name(p) : type_none(p); break;
      case TOKEN_LPAREN: type = type_tuple(p); break;
      case TOKEN_FN: type = parse_at_declaration(p) ? type_none(p) : type_fn(p); break;
      case TOKEN_AMP: type = type_lent(p); break;
      default: type = type_none(p); break;
    }
  }
  parse_leave(p);
  return type ? type : type_node(p, TYPE_EXPR_TUPLE);
}

// ---- Reading ahead: is this `[..]` a list of types? -----------------------------------------------------------------

static u32 skim_type(Parser *p, u32 at, u32 depth);

static u32 skim_list(Parser *p, u32 at, TokenKind close, u32 depth) {
  for (u32 items = 0;; items++) {
    if (p->tokens[at].kind == close) return at + 1;
    if (items) {
      if (p->tokens[at].kind != TOKEN_COMMA) return 0;
      if (p->tokens[++at].kind == close) return at + 1;
    }
    at = skim_type(p, at, depth + 1);
    if (!at) return 0;
  }
}

static u32 skim_type(Parser *p, u32 at, u32 depth) {
  if (depth > 100) return 0;
  Token *token = &p->tokens[at];
  switch (token->kind) {
    case TOKEN_NAME:
      if (token[1].kind != TOKEN_DOT || token[2].kind != TOKEN_UPPER) return 0;
      at += 2;
      // fall through
    case TOKEN_UPPER:
      at++;
      if (p->tokens[at].kind == TOKEN_LBRACKET) return skim_list(p, at + 1, TOKEN_RBRACKET, depth);
      return at;
    case TOKEN_LPAREN: return skim_list(p, at + 1, TOKEN_RPAREN, depth);
    case TOKEN_FN:
      if (token[1].kind != TOKEN_LPAREN) return 0;
      at = skim_list(p, at + 2, TOKEN_RPAREN, depth);
      return at && p->tokens[at].kind == TOKEN_ARROW ? skim_type(p, at + 1, depth + 1) : at;
    case TOKEN_AMP: return skim_type(p, at + 1, depth + 1);
    default: return 0;
  }
}

u32 parse_skim_types(Parser *p, u32 at) {
  if (p->tokens[at + 1].kind == TOKEN_RBRACKET) return 0;
  return skim_list(p, at + 1, TOKEN_RBRACKET, 0);
}

// ---- Generic parameters and parameters ------------------------------------------------------------------------------

void parse_generics(Parser *p, GenericParams *generics) {
  u32 open = p->at;
  if (!parse_take(p, TOKEN_LBRACKET)) {
    if (parse_is(p, TOKEN_LT)) parse_hint(parse_fail(p, "`[`"), "type parameters stand in brackets: `[A, B]`");
    return;
  }
  while (!p->panic && !parse_is(p, TOKEN_RBRACKET)) {
    GenericParam *param = vec_add(generics);
    *param = (GenericParam){.name = parse_upper(p, "a type parameter, such as `T`")};
    if (parse_take(p, TOKEN_COLON)) {
      Ident constraint = parse_name(p, "`equal`, `ordered`, `adds`, `number` or `reference`");
      vec_last(generics).constraint = constraint;
    }
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RBRACKET, open, "`,` or `]`");
}

static void param_type(Parser *p, Param *param, bool typed, const char *why) {
  if (parse_take(p, TOKEN_COLON)) {
    param->type = parse_type(p);
    return;
  }
  Pat *pattern = param->pattern;
  bool looks_typed = parse_is(p, TOKEN_UPPER) || parse_is(p, TOKEN_FN) || parse_is(p, TOKEN_AMP);
  if (looks_typed || (pattern->kind == PAT_CTOR && parse_is(p, TOKEN_NAME))) {
    Str name = pattern->kind == PAT_NAME ? pattern->name.name->text : STR("name");
    parse_hint(parse_fail(p, "`:` between a parameter and its type"), "write `%.*s: Type`", STR_ARG(name));
  } else if (typed && !p->panic) {
    Diag *diag = parse_complain(p, DIAG_E0010, pattern->span, "the parameter needs a type: %s", why);
    if (pattern->kind == PAT_NAME) parse_hint(diag, "write `%.*s: Type`", STR_ARG(pattern->name.name->text));
  }
}

void parse_params(Parser *p, Params *params, bool typed, const char *why) {
  u32 open = p->at;
  if (!parse_expect(p, TOKEN_LPAREN, "`(` and the parameters")) return;
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    Param *param = vec_add(params);
    *param = (Param){0};
    Param parsed = {.pattern = parse_pattern(p)};
    param_type(p, &parsed, typed, why);
    vec_last(params) = parsed;
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
}

// ---- Patterns -------------------------------------------------------------------------------------------------------

static Pat *pat_new(Parser *p, PatKind kind) {
  Pat *pat = gc_new(Pat);
  pat->kind = kind;
  pat->span = parse_span(p);
  return pat;
}

static Pat *pat_done(Parser *p, Pat *pat, u32 start) {
  pat->span = parse_span_from(p, start);
  return pat;
}

static Pat *pat_number(Parser *p) {
  u32 start = p->at;
  bool negative = parse_take(p, TOKEN_MINUS);
  Token *token = parse_token(p);
  Pat *pat = pat_new(p, token->kind == TOKEN_FLOAT ? PAT_FLOAT : token->kind == TOKEN_DURATION ? PAT_DURATION : PAT_INT);
  if (token->kind == TOKEN_FLOAT) {
    pat->real = negative ? -token->real : token->real;
  } else if (token->kind == TOKEN_INT || token->kind == TOKEN_DURATION) {
    if (token->flags & TOKEN_HUGE && !negative) parse_complain(p, DIAG_E0006, parse_span(p), "this number does not fit in an Int");
    pat->number = (i64)(negative ? 0 - token->number : token->number);
  } else {
    parse_fail(p, "a number");
    return pat;
  }
  parse_advance(p);
  return pat_done(p, pat, start);
}

static Pat *pat_string(Parser *p) {
  u32 start = p->at;
  Pat *pat = pat_new(p, parse_is(p, TOKEN_BYTES) ? PAT_BYTES : PAT_STRING);
  pat->text = p->lexed.texts.items[parse_token(p)->text];
  parse_advance(p);
  return pat_done(p, pat, start);
}

static Pat *pat_bool(Parser *p) {
  Pat *pat = pat_new(p, PAT_BOOL);
  pat->number = parse_is(p, TOKEN_TRUE);
  parse_advance(p);
  return pat;
}

static Pat *pat_interpolated(Parser *p) {
  Pat *pat = pat_new(p, PAT_WILD);
  parse_hint(parse_complain(p, DIAG_E0001, pat->span, "a string in a pattern has no interpolation"), "write `\\{` for a brace, or compare in a guard: `s if s == \"…\"`");
  for (u32 depth = 0;; parse_advance(p)) {
    TokenKind kind = (TokenKind)parse_token(p)->kind;
    depth += kind == TOKEN_INTERP_BEGIN;
    depth -= kind == TOKEN_INTERP_END;
    if (kind == TOKEN_EOF || (kind == TOKEN_INTERP_END && !depth)) break;
  }
  parse_advance(p);
  return pat;
}

static Pat *pat_range(Parser *p);

// A pattern without alternatives, one level deeper.
static Pat *pat_single(Parser *p) {
  Pat *pat = parse_enter(p) ? pat_range(p) : pat_new(p, PAT_WILD);
  parse_leave(p);
  return pat;
}

static Pat *pat_name(Parser *p) {
  u32 start = p->at;
  Pat *pat = pat_new(p, PAT_NAME);
  pat->name = parse_name(p, "a name");
  if (!parse_take(p, TOKEN_AT)) return pat;
  pat->kind = PAT_AT;
  vec_push(&pat->items, pat_single(p));
  return pat_done(p, pat, start);
}

static Pat *pat_tuple(Parser *p) {
  u32 open = p->at;
  Pat *pat = pat_new(p, PAT_TUPLE);
  parse_advance(p);
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    vec_push(&pat->items, parse_pattern(p));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  if (parse_is(p, TOKEN_IN)) parse_hint(parse_fail(p, "`,` or `)`"), "the head of a loop has no parentheses: `for x in xs { … }`");
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
  if (pat->items.count == 1) return pat->items.items[0];
  return pat_done(p, pat, open);
}

static void pat_rest(Parser *p, Pat *pat) {
  Span span = parse_span(p);
  parse_advance(p);
  if (pat->has_rest) parse_complain(p, DIAG_E0001, span, "a list pattern holds at most one `..`");
  pat->has_rest = true;
  pat->rest_at = pat->items.count;
  if (!parse_is(p, TOKEN_COMMA) && !parse_is(p, TOKEN_RBRACKET)) pat->rest = pat_single(p);
}

static Pat *pat_list(Parser *p) {
  u32 open = p->at;
  Pat *pat = pat_new(p, PAT_LIST);
  parse_advance(p);
  while (!p->panic && !parse_is(p, TOKEN_RBRACKET)) {
    if (parse_is(p, TOKEN_DOTDOT)) pat_rest(p, pat);
    else vec_push(&pat->items, parse_pattern(p));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RBRACKET, open, "`,` or `]`");
  return pat_done(p, pat, open);
}

static void pat_fields(Parser *p, Pat *pat) {
  u32 open = p->at;
  parse_advance(p);
  pat->has_parens = true;
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    PatField field = {0};
    if (parse_take(p, TOKEN_DOTDOT)) {
      pat->has_rest = true;
      if (!parse_is(p, TOKEN_COMMA) && !parse_is(p, TOKEN_RPAREN))
        parse_hint(parse_fail(p, "`)`"), "`..` in a constructor's pattern stands alone: it leaves the other fields out");
    } else {
      if (parse_at_label(p)) {
        field.name = parse_anyname(p, "a field");
        parse_advance(p);
      }
      field.pattern = parse_pattern(p);
      vec_push(&pat->fields, field);
    }
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
}

static Pat *pat_ctor(Parser *p) {
  u32 start = p->at;
  Pat *pat = pat_new(p, PAT_CTOR);
  if (parse_is(p, TOKEN_NAME)) {
    pat->module = gc_new(Ident);
    *pat->module = parse_name(p, "a module");
    parse_take(p, TOKEN_DOT);
  }
  pat->name = parse_upper(p, "a constructor");
  if (parse_is(p, TOKEN_LPAREN) && parse_adjacent(p)) pat_fields(p, pat);
  else if (parse_is(p, TOKEN_LBRACE) && parse_adjacent(p)) parse_hint(parse_fail(p, "`(`"), "fields stand in parentheses: `Point(x: x, y: y)`");
  return pat_done(p, pat, start);
}

static Pat *pat_none(Parser *p) {
  TokenKind kind = parse_kind(p);
  Diag *diag = parse_fail(p, "a pattern");
  if (kind == TOKEN_ELSE) parse_hint(diag, "the arm for everything else is `_ -> …`");
  if (kind == TOKEN_ARROW) parse_hint(diag, "an arm that begins with `-` needs a new line or a comma before it");
  return pat_new(p, PAT_WILD);
}

static Pat *pat_primary(Parser *p) {
  switch ((u32)parse_kind(p)) {
    case TOKEN_UNDERSCORE: {
      Pat *pat = pat_new(p, PAT_WILD);
      parse_advance(p);
      return pat;
    }
    case TOKEN_NAME:
      if (parse_kind_after(p, 1) == TOKEN_DOT && parse_kind_after(p, 2) == TOKEN_UPPER) return pat_ctor(p);
      return pat_name(p);
    case TOKEN_UPPER: return pat_ctor(p);
    case TOKEN_INT: case TOKEN_FLOAT: case TOKEN_DURATION: case TOKEN_MINUS: return pat_number(p);
    case TOKEN_STRING: case TOKEN_BYTES: return pat_string(p);
    case TOKEN_TRUE: case TOKEN_FALSE: return pat_bool(p);
    case TOKEN_INTERP_BEGIN: return pat_interpolated(p);
    case TOKEN_LPAREN: return pat_tuple(p);
    case TOKEN_LBRACKET: return pat_list(p);
    default: return pat_none(p);
  }
}

// A literal may be the lower end of a range.
static Pat *pat_range(Parser *p) {
  u32 start = p->at;
  Pat *low = pat_primary(p);
  bool literal = low->kind >= PAT_INT && low->kind <= PAT_BOOL;
  if (!literal || (!parse_is(p, TOKEN_DOTDOT) && !parse_is(p, TOKEN_DOTDOT_EQ))) return low;
  Pat *pat = pat_new(p, PAT_RANGE);
  pat->inclusive = parse_is(p, TOKEN_DOTDOT_EQ);
  parse_advance(p);
  pat->low = low;
  u32 high = p->at;
  pat->high = pat_primary(p);
  if (!p->panic && (pat->high->kind < PAT_INT || pat->high->kind > PAT_BOOL)) {
    p->at = high;
    parse_fail(p, "the range's end, a literal");
  }
  return pat_done(p, pat, start);
}

Pat *parse_pattern(Parser *p) {
  u32 start = p->at;
  if (!parse_enter(p)) {
    parse_leave(p);
    return pat_new(p, PAT_WILD);
  }
  Pat *pat = pat_range(p);
  if (parse_is(p, TOKEN_PIPE)) {
    Pat *either = pat_new(p, PAT_OR);
    vec_push(&either->items, pat);
    while (parse_take(p, TOKEN_PIPE)) vec_push(&either->items, pat_range(p));
    pat = pat_done(p, either, start);
  } else if (parse_is(p, TOKEN_OR_OR)) {
    parse_hint(parse_fail(p, "`|`"), "alternatives are written `1 | 2`");
  }
  parse_leave(p);
  return pat;
}
