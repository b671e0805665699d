// Parsing declarations and whole modules. See parse.h.
#include "bytecode/front/parse_base.h"

// What stands before a declaration.
typedef struct Prefix {
  u32 start;
  Str doc;
  bool is_pub, is_opaque, is_unique;
} Prefix;

static Expr *empty_block(Parser *p) { return parse_node(p, EX_BLOCK); }

// The block of a declaration; an empty one where it is missing.
static Expr *declared_block(Parser *p, const char *expected) {
  if (parse_is(p, TOKEN_LBRACE)) return parse_block(p);
  bool assigned = parse_is(p, TOKEN_ASSIGN), colon = parse_is(p, TOKEN_COLON), typed = parse_is(p, TOKEN_UPPER);
  Diag *diag = parse_fail(p, expected);
  if (assigned) parse_hint(diag, "the body stands in braces: `fn f(x) { x + 1 }`");
  if (colon || typed) parse_hint(diag, "the type of the result stands after `->`");
  return empty_block(p);
}

// ---- Lists in braces: variants, methods, members --------------------------------------------------------------------

// Parses items up to the `}`. Each item may be followed by a comma or `;`, and recovers on its own.
static void parse_items(Parser *p, void (*parse_item)(Parser *p, void *owner), void *owner, const char *inside) {
  u32 open = p->at, item = p->item;
  parse_advance(p);
  while (!p->gave_up) {
    while (parse_take(p, TOKEN_COMMA) || parse_take(p, TOKEN_SEMICOLON)) {}
    TokenKind kind = parse_kind(p);
    bool outside = parse_at_declaration(p) && kind != TOKEN_ON && kind != TOKEN_FN && kind != TOKEN_PUB;
    if (kind == TOKEN_RBRACE || kind == TOKEN_EOF || outside) break;
    p->item = p->at;
    parse_item(p, owner);
    if (p->panic) parse_sync(p);
  }
  parse_close(p, TOKEN_RBRACE, open, inside);
  p->item = item;
}

static FieldDecl parse_field(Parser *p, const char *what) {
  FieldDecl field = {.name = parse_anyname(p, what)};
  if (parse_take(p, TOKEN_COLON)) {
    field.type = parse_type(p);
  } else if (parse_is(p, TOKEN_COMMA) || parse_is(p, TOKEN_RPAREN)) {
    Diag *diag = parse_complain(p, DIAG_E0010, field.name.span, "`%.*s` needs a type", STR_ARG(field.name.name->text));
    parse_hint(diag, "write `%.*s: Type`", STR_ARG(field.name.name->text));
  } else {
    parse_hint(parse_fail(p, "`:` and a type"), "write `%.*s: Type`", STR_ARG(field.name.name->text));
  }
  if (!field.type) {
    field.type = gc_new(TypeExpr);
    *field.type = (TypeExpr){.kind = TYPE_EXPR_TUPLE, .span = field.name.span};
  }
  return field;
}

// ---- Types ----------------------------------------------------------------------------------------------------------

static void parse_ctor_fields(Parser *p, CtorDecl *ctor) {
  u32 open = p->at;
  parse_advance(p);
  ctor->has_parens = true;
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    if (parse_is(p, TOKEN_UPPER)) {
      parse_hint(parse_fail(p, "a field's name"), "fields have names: `%.*s(value: %.*s)`", STR_ARG(ctor->name.name->text),
                 STR_ARG(parse_token(p)->name->text));
      break;
    }
    FieldDecl field = parse_field(p, "a field's name");
    vec_push(&ctor->fields, field);
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
}

static void parse_ctor(Parser *p, void *owner) {
  TypeDecl *decl = owner;
  CtorDecl *ctor = gc_new(CtorDecl);
  ctor->doc = parse_doc(p);
  if (parse_is(p, TOKEN_PIPE)) {
    parse_hint(parse_complain(p, DIAG_E0001, parse_span(p), "no `|` stands between variants"), "a blank, a new line or a comma separates them");
    parse_advance(p);
  }
  bool lower = parse_is(p, TOKEN_NAME) && parse_kind_after(p, 1) == TOKEN_COLON;
  ctor->name = parse_upper(p, "a constructor");
  if (lower && p->panic && p->diags->list.count)
    parse_hint(vec_last(&p->diags->list), "a type with fields is written `type %.*s(x: Int)`, in parentheses", STR_ARG(decl->name.name->text));
  if (parse_is(p, TOKEN_LPAREN)) parse_ctor_fields(p, ctor);
  if (!p->panic) vec_push(&decl->ctors, ctor);
}

static void parse_deriving(Parser *p, TypeDecl *decl) {
  if (!parse_take(p, TOKEN_IS)) return;
  decl->deriving = parse_name(p, "`equal` or `ordered`");
  Str text = decl->deriving.name->text;
  if (!p->panic && !str_eq(text, STR("equal")) && !str_eq(text, STR("ordered")))
    parse_complain(p, DIAG_E0001, decl->deriving.span, "expected `equal` or `ordered`, found `%.*s`", STR_ARG(text));
}

static void parse_type_decl(Parser *p, Prefix prefix) {
  TypeDecl *decl = gc_new(TypeDecl);
  parse_advance(p);
  decl->doc = prefix.doc;
  decl->is_pub = prefix.is_pub;
  decl->is_opaque = prefix.is_opaque;
  decl->is_unique = prefix.is_unique;
  decl->name = parse_upper(p, "the name of the type");
  parse_generics(p, &decl->generics);
  if (parse_take(p, TOKEN_ASSIGN)) {
    decl->alias = parse_type(p);
    if (parse_is(p, TOKEN_PIPE))
      parse_hint(parse_fail(p, "the end of the alias"), "variants stand in braces: `type %.*s { A  B(x: Int) }`", STR_ARG(decl->name.name->text));
  } else if (parse_is(p, TOKEN_LPAREN)) {
    CtorDecl *ctor = gc_new(CtorDecl);
    ctor->name = decl->name;
    ctor->doc = prefix.doc;
    parse_ctor_fields(p, ctor);
    vec_push(&decl->ctors, ctor);
  } else if (parse_is(p, TOKEN_LBRACE)) {
    parse_items(p, parse_ctor, decl, "`}` or another variant");
  } else {
    parse_fail(p, "`=` and a type, `(` and fields, or `{` and variants");
  }
  parse_deriving(p, decl);
  decl->span = parse_span_from(p, prefix.start);
  vec_push(&p->module->types, decl);
}

// ---- Interfaces -----------------------------------------------------------------------------------------------------

static void parse_method(Parser *p, void *owner) {
  InterfaceDecl *decl = owner;
  InterfaceItem item = {0};
  Str doc = parse_doc(p);
  if (parse_take(p, TOKEN_DOTDOT)) {
    item.include = parse_type(p);
    vec_push(&decl->items, item);
    return;
  }
  if ((parse_is(p, TOKEN_FN) || parse_is(p, TOKEN_ON)) && (parse_kind_after(p, 1) == TOKEN_NAME || token_is_keyword(parse_kind_after(p, 1)))) {
    parse_hint(parse_complain(p, DIAG_E0001, parse_span(p), "a method of an interface has no %s before its name", token_kind_text(parse_kind(p))),
               "write `name(x: Type) -> Type`");
    parse_advance(p);
  }
  MethodDecl *method = gc_new(MethodDecl);
  method->doc = doc;
  method->name = parse_anyname(p, "a method, or `..` and an interface");
  u32 open = p->at;
  if (parse_is(p, TOKEN_LBRACKET)) parse_hint(parse_fail(p, "`(`"), "methods have no type parameters of their own");
  parse_expect(p, TOKEN_LPAREN, "`(` and the parameters");
  while (!p->panic && !parse_is(p, TOKEN_RPAREN)) {
    FieldDecl param = parse_field(p, "a parameter");
    vec_push(&method->params, param);
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RPAREN, open, "`,` or `)`");
  if (!parse_newline(p) && parse_take(p, TOKEN_ARROW)) method->answer = parse_type(p);
  else if (parse_is(p, TOKEN_COLON)) parse_hint(parse_fail(p, "`->` or another method"), "the type of the answer stands after `->`");
  item.method = method;
  vec_push(&decl->items, item);
}

static void parse_interface(Parser *p, Prefix prefix) {
  InterfaceDecl *decl = gc_new(InterfaceDecl);
  parse_advance(p);
  decl->doc = prefix.doc;
  decl->is_pub = prefix.is_pub;
  decl->is_unique = prefix.is_unique;
  decl->name = parse_upper(p, "the name of the interface");
  parse_generics(p, &decl->generics);
  if (parse_is(p, TOKEN_LBRACE)) parse_items(p, parse_method, decl, "`}` or another method");
  else parse_fail(p, "`{` and the methods");
  decl->span = parse_span_from(p, prefix.start);
  vec_push(&p->module->interfaces, decl);
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static FnDecl *parse_fn_decl(Parser *p, Prefix prefix) {
  FnDecl *decl = gc_new(FnDecl);
  parse_advance(p);
  decl->doc = prefix.doc;
  decl->is_pub = prefix.is_pub;
  // The library has functions that are called with a dot alone and named like a keyword: `xs.unique()`.
  bool keyword = p->source->library && token_is_keyword(parse_kind(p));
  decl->name = keyword ? parse_anyname(p, "a name") : parse_name(p, "the name of the function");
  parse_generics(p, &decl->generics);
  parse_params(p, &decl->params, prefix.is_pub, "this function is `pub`");
  if (parse_take(p, TOKEN_ARROW)) decl->result = parse_type(p);
  bool bodiless = !parse_is(p, TOKEN_LBRACE) && (parse_newline(p) || parse_is(p, TOKEN_EOF));
  if (bodiless && !p->panic) {
    if (!p->source->library) {
      Span end = {p->tokens[p->at - 1].end, p->tokens[p->at - 1].end};
      parse_hint(parse_complain(p, DIAG_E0013, end, "the function has no body"), "a body stands in braces: `{ … }`");
      decl->block = empty_block(p);
    }
  } else {
    decl->block = declared_block(p, "`{` and the function's body");
  }
  decl->span = parse_span_from(p, prefix.start);
  return decl;
}

// ---- Actors ---------------------------------------------------------------------------------------------------------

static void parse_state(Parser *p, ActorDecl *actor) {
  u32 start = p->at;
  StateMember member = {.is_var = parse_is(p, TOKEN_VAR)};
  parse_advance(p);
  member.pattern = parse_pattern(p);
  if (parse_take(p, TOKEN_COLON)) member.type = parse_type(p);
  if (!parse_take(p, TOKEN_ASSIGN)) parse_hint(parse_fail(p, "`=` and a first value"), "state has a value from the start");
  member.value = p->panic ? parse_node(p, EX_ERROR) : parse_expr(p);
  member.span = parse_span_from(p, start);
  vec_push(&actor->state, member);
}

static void parse_handler(Parser *p, ActorDecl *actor) {
  u32 start = p->at;
  HandlerDecl *handler = gc_new(HandlerDecl);
  handler->doc = parse_doc(p);
  parse_advance(p);
  if (parse_is(p, TOKEN_UPPER)) {
    handler->qualifier = parse_upper(p, "an interface");
    parse_expect(p, TOKEN_DOT, "`.` and the message");
  }
  handler->name = parse_anyname(p, "the message that it handles");
  parse_params(p, &handler->params, actor->implements.count == 0, "this actor has no `is`, so its handlers define its interface");
  if (parse_take(p, TOKEN_ARROW)) handler->answer = parse_type(p);
  if (parse_is(p, TOKEN_IF)) parse_hint(parse_fail(p, "`when`, or `{` and the handler's body"), "the guard of a handler begins with `when`");
  if (parse_take(p, TOKEN_WHEN)) handler->guard = parse_expr(p);
  handler->block = declared_block(p, "`{` and the handler's body");
  handler->span = parse_span_from(p, start);
  vec_push(&actor->handlers, handler);
}

static void parse_member(Parser *p, void *owner) {
  ActorDecl *actor = owner;
  Prefix prefix = {.start = p->at, .doc = parse_doc(p)};
  if (parse_is(p, TOKEN_PUB)) {
    parse_hint(parse_complain(p, DIAG_E0011, parse_span(p), "nothing in an actor is `pub`"), "others reach an actor by messages alone: its handlers, `on name(..)`");
    parse_advance(p);
  }
  switch ((u32)parse_kind(p)) {
    case TOKEN_VAR: case TOKEN_LET: parse_state(p, actor); return;
    case TOKEN_ON: parse_handler(p, actor); return;
    case TOKEN_FN: {
      FnDecl *helper = parse_fn_decl(p, prefix);
      helper->actor = actor;
      vec_push(&actor->helpers, helper);
      return;
    }
    default: {
      bool named = parse_is(p, TOKEN_NAME);
      TokenKind next = parse_kind_after(p, 1);
      Diag *diag = parse_fail(p, "`var`, `let`, `on` or `fn`");
      if (named && next == TOKEN_LPAREN) parse_hint(diag, "a handler is written `on name(..) { … }`, a helper `fn name(..) { … }`");
      if (named && (next == TOKEN_ASSIGN || next == TOKEN_COLON)) parse_hint(diag, "state is declared with `var` or `let`");
    }
  }
}

static void parse_actor(Parser *p, Prefix prefix) {
  ActorDecl *decl = gc_new(ActorDecl);
  parse_advance(p);
  decl->doc = prefix.doc;
  decl->is_pub = prefix.is_pub;
  decl->name = parse_upper(p, "the name of the actor");
  parse_generics(p, &decl->generics);
  if (parse_is(p, TOKEN_LBRACE) || parse_is(p, TOKEN_IS))
    parse_hint(parse_fail(p, "`(` and the parameters"), "an actor without parameters is `actor %.*s() { … }`", STR_ARG(decl->name.name->text));
  parse_params(p, &decl->params, true, "the parameters of actors have one");
  if (parse_is(p, TOKEN_COLON)) parse_hint(parse_fail(p, "`is` or `{`"), "the interfaces of an actor stand after `is`");
  if (parse_take(p, TOKEN_IS)) {
    do vec_push(&decl->implements, parse_type(p));
    while (parse_take(p, TOKEN_COMMA));
  }
  if (parse_is(p, TOKEN_LBRACE)) parse_items(p, parse_member, decl, "`}` or another member");
  else parse_fail(p, "`{` and the members");
  decl->span = parse_span_from(p, prefix.start);
  vec_push(&p->module->actors, decl);
}

// ---- Constants, tests, imports --------------------------------------------------------------------------------------

static void parse_const(Parser *p, Prefix prefix) {
  ConstDecl *decl = gc_new(ConstDecl);
  parse_advance(p);
  decl->doc = prefix.doc;
  decl->is_pub = prefix.is_pub;
  decl->pattern = parse_pattern(p);
  if (parse_take(p, TOKEN_COLON)) decl->type = parse_type(p);
  parse_expect(p, TOKEN_ASSIGN, "`=` and a value");
  decl->value = p->panic ? parse_node(p, EX_ERROR) : parse_expr(p);
  decl->span = parse_span_from(p, prefix.start);
  vec_push(&p->module->consts, decl);
}

static void parse_test(Parser *p, Prefix prefix) {
  TestDecl *decl = gc_new(TestDecl);
  parse_advance(p);
  if (parse_is(p, TOKEN_STRING)) {
    decl->name = p->lexed.texts.items[parse_token(p)->text];
    parse_advance(p);
  } else {
    parse_fail(p, "the test's name, a string");
  }
  decl->block = declared_block(p, "`{` and the test's body");
  decl->span = parse_span_from(p, prefix.start);
  vec_push(&p->module->tests, decl);
}

static void parse_import_path(Parser *p, ImportDecl *decl) {
  Text path = {0};
  if (parse_is(p, TOKEN_STRING)) parse_hint(parse_fail(p, "a module's path"), "a path has no quotes: `import ./util`");
  if (parse_take(p, TOKEN_DOT)) text_add(&path, STR("."));
  else if (parse_take(p, TOKEN_DOTDOT)) text_add(&path, STR(".."));
  if (path.len) {
    parse_expect(p, TOKEN_SLASH, "`/`");
    text_char(&path, '/');
  }
  do {
    if (path.len && path.ptr[path.len - 1] != '/') text_char(&path, '/');
    text_add(&path, parse_name(p, "the name of a module").name->text);
  } while (parse_take(p, TOKEN_SLASH));
  decl->path = text_str(&path);
}

static void parse_import_names(Parser *p, ImportDecl *decl) {
  u32 open = p->at;
  if (parse_is(p, TOKEN_DOT)) parse_hint(parse_fail(p, "`{` or the end of the import"), "bare names are imported with `import list { map, filter }`");
  if (!parse_take(p, TOKEN_LBRACE)) return;
  while (!p->panic && !parse_is(p, TOKEN_RBRACE)) {
    bool upper = parse_is(p, TOKEN_UPPER);
    vec_push(&decl->names, upper ? parse_upper(p, "a name") : parse_name(p, "a name that the module exports"));
    if (!parse_take(p, TOKEN_COMMA)) break;
  }
  parse_close(p, TOKEN_RBRACE, open, "`,` or `}`");
}

static void parse_import(Parser *p, Prefix prefix) {
  ImportDecl *decl = gc_new(ImportDecl);
  parse_advance(p);
  parse_import_path(p, decl);
  if (parse_take(p, TOKEN_AS)) decl->alias = parse_name(p, "the name that the module gets here");
  parse_import_names(p, decl);
  decl->span = parse_span_from(p, prefix.start);
  if (!p->panic) vec_push(&p->module->imports, decl);
}

// ---- Modules --------------------------------------------------------------------------------------------------------

static void reject_prefix(Parser *p, const char *what, bool is_opaque, bool is_unique) {
  if (is_opaque) parse_complain(p, DIAG_E0011, parse_span(p), "only a type can be opaque, not %s", what);
  if (is_unique) parse_complain(p, DIAG_E0011, parse_span(p), "only a type or an interface can be unique, not %s", what);
}

static void no_declaration(Parser *p) {
  TokenKind kind = parse_kind(p);
  Str word = kind == TOKEN_NAME ? parse_token(p)->name->text : (Str){0};
  Str text = token_describe(p->source, parse_token(p));
  Diag *diag = parse_fail(p, "a declaration");
  Str hint = parse_foreign_name(word);
  if (kind == TOKEN_VAR) parse_hint(diag, "a module holds constants, `let`; what changes belongs to an actor");
  else if (kind == TOKEN_RBRACE) parse_hint(diag, "this `}` closes nothing");
  else if (hint.len) parse_hint(diag, "%.*s", STR_ARG(hint));
  else if (diag && !diag->hint.len && kind != TOKEN_EOF)
    parse_hint(diag, "%.*s does not begin one; statements stand in functions, a program begins at `fn main(out: Out) { … }`", STR_ARG(text));
}

static void parse_declaration(Parser *p) {
  Prefix prefix = {.start = p->at, .doc = parse_doc(p)};
  prefix.is_pub = parse_take(p, TOKEN_PUB);
  prefix.is_opaque = parse_take(p, TOKEN_OPAQUE);
  prefix.is_unique = parse_take(p, TOKEN_UNIQUE);
  TokenKind kind = parse_kind(p);
  if (kind != TOKEN_TYPE) {
    bool known = token_is_keyword(kind);
    reject_prefix(p, token_kind_text(kind), known && prefix.is_opaque, known && prefix.is_unique && kind != TOKEN_INTERFACE);
  }
  switch ((u32)kind) {
    case TOKEN_TYPE: parse_type_decl(p, prefix); return;
    case TOKEN_INTERFACE: parse_interface(p, prefix); return;
    case TOKEN_ACTOR: parse_actor(p, prefix); return;
    case TOKEN_FN: {
      FnDecl *decl = parse_fn_decl(p, prefix);
      vec_push(&p->module->fns, decl);
      return;
    }
    case TOKEN_LET: parse_const(p, prefix); return;
    default: break;
  }
  bool prefixed = prefix.is_pub || prefix.is_opaque || prefix.is_unique;
  if (kind == TOKEN_TEST && !prefixed) parse_test(p, prefix);
  else if (kind == TOKEN_IMPORT && !prefixed) parse_import(p, prefix);
  else if (prefixed) parse_fail(p, "`type`, `interface`, `actor`, `fn` or `let`");
  else no_declaration(p);
}

// In a script, does a declaration begin here rather than a statement?
static bool script_declares(Parser *p) {
  TokenKind next = parse_kind_after(p, 1);
  switch ((u32)parse_kind(p)) {
    case TOKEN_IMPORT: case TOKEN_PUB: case TOKEN_OPAQUE: case TOKEN_TYPE: case TOKEN_UNIQUE: case TOKEN_INTERFACE: case TOKEN_ACTOR: return true;
    case TOKEN_FN: return next == TOKEN_NAME;
    case TOKEN_TEST: return next == TOKEN_STRING;
    default: return false;
  }
}

void parse_declarations(Parser *p, Expr *statements) {
  while (!p->gave_up) {
    while (parse_take(p, TOKEN_SEMICOLON)) {}
    if (parse_is(p, TOKEN_EOF)) return;
    u32 start = p->item = p->at;
    if (statements && !script_declares(p)) {
      Expr *statement = parse_statement(p);
      vec_push(&statements->items, parse_child(p, statements, statement));
      parse_end_statement(p);
      if (p->panic) parse_sync(p);
    } else {
      parse_declaration(p);
      p->item = start;
      if (p->panic) parse_sync_declaration(p);
    }
    if (p->at == start) parse_advance(p);  // a `}` that closes nothing
  }
}

static Parser parser_begin(Source *source, Str name, Diags *diags) {
  Parser p = {.source = source, .diags = diags, .module = gc_new(ModuleAst), .negated = UINT32_MAX};
  p.module->source = source;
  p.module->name = name;
  lex(source, diags, &p.lexed);
  p.tokens = p.lexed.tokens;
  p.module->doc = lex_doc_text(source, p.lexed.module_doc, p.lexed.module_doc_end, "//!");
  return p;
}

ModuleAst *parse_module(Source *source, Str name, Diags *diags) {
  Parser p = parser_begin(source, name, diags);
  parse_declarations(&p, NULL);
  lex_done(&p.lexed);
  return p.module;
}

// ---- Scripts --------------------------------------------------------------------------------------------------------

static bool declares_main(const Parser *p) {
  u32 braces = 0;
  for (u32 i = 0; i + 1 < p->lexed.count; i++) {
    const Token *token = &p->tokens[i];
    if (token->kind == TOKEN_LBRACE) braces++;
    if (token->kind == TOKEN_RBRACE) braces -= braces > 0;
    if (!braces && token->kind == TOKEN_FN && token[1].kind == TOKEN_NAME && str_eq(token[1].name->text, STR("main"))) return true;
  }
  return false;
}

static Param script_param(const char *name, TypeExpr *type) {
  Param param = {.pattern = gc_new(Pat), .type = type};
  param.pattern->kind = PAT_NAME;
  param.pattern->name = (Ident){name_from(name), {0, 0}};
  return param;
}

static TypeExpr *script_type(const char *name) {
  TypeExpr *type = gc_new(TypeExpr);
  type->kind = TYPE_EXPR_NAME;
  type->name = (Ident){name_from(name), {0, 0}};
  return type;
}

static void script_main(ModuleAst *module, Expr *block) {
  FnDecl *decl = gc_new(FnDecl);
  decl->name = (Ident){name_from("main"), {0, 0}};
  decl->block = block;
  TypeExpr *args = script_type("List");
  vec_push(&args->args, script_type("String"));
  vec_push(&decl->params, script_param("out", script_type("Out")));
  vec_push(&decl->params, script_param("err", script_type("Out")));
  vec_push(&decl->params, script_param("stdin", script_type("In")));
  vec_push(&decl->params, script_param("args", args));
  vec_push(&decl->params, script_param("clock", script_type("Clock")));
  vec_push(&decl->params, script_param("random", script_type("Random")));
  vec_push(&module->fns, decl);
  module->script = true;
}

static bool only_constants(const Expr *block) {
  for (u32 i = 0; i < block->items.count; i++) {
    const Expr *e = block->items.items[i];
    if (e->kind != EX_LET || e->is_var || e->otherwise) return false;
  }
  return true;
}

// Nothing but `let`: the source is a module after all, and these are its constants.
static void script_constants(ModuleAst *module, const Expr *block) {
  for (u32 i = 0; i < block->items.count; i++) {
    const Expr *e = block->items.items[i];
    ConstDecl *decl = gc_new(ConstDecl);
    *decl = (ConstDecl){.pattern = e->pattern, .type = e->type_expr, .value = e->value, .span = e->span};
    vec_push(&module->consts, decl);
  }
}

ModuleAst *parse_script(Source *source, Str name, Diags *diags) {
  Parser p = parser_begin(source, name, diags);
  if (declares_main(&p)) {
    parse_declarations(&p, NULL);
    lex_done(&p.lexed);
    return p.module;
  }
  Expr *block = parse_node(&p, EX_BLOCK);
  block->span = (Span){0, (u32)source->text.len};
  parse_declarations(&p, block);
  lex_done(&p.lexed);
  if (only_constants(block)) script_constants(p.module, block);
  else script_main(p.module, block);
  return p.module;
}
