// The assembler: docs/asm.md has the syntax. It goes over the tokens three times: imports; then the heads of all other
// declarations, whose rows and names exist from then on; then the declarations themselves, tables of types and constants
// first. It checks as little as it can: ill-formed modules must be writable too, to test the verifier.
#include "bytecode/asm_text.h"

typedef enum Decl {
  DECL_NONE,
  DECL_MODULE,
  DECL_SOURCE,
  DECL_MAIN,
  DECL_IMPORT,
  DECL_TYPE,
  DECL_NEWTYPE,
  DECL_TYPELIST,
  DECL_NEWTYPELIST,
  DECL_NO_TYPELISTS,
  DECL_CONSTANT,
  DECL_NEWCONSTANT,
  DECL_DATA,
  DECL_INTERFACE,
  DECL_FUNCTION,
  DECL_ACTOR,
  DECL_GLOBAL,
  DECL_TEST,
} Decl;

static const struct {
  const char *word;
  Decl decl;
} decl_words[] = {
  {"module", DECL_MODULE},       {"source", DECL_SOURCE},           {"main", DECL_MAIN},
  {"import", DECL_IMPORT},       {"type", DECL_TYPE},               {"newtype", DECL_NEWTYPE},
  {"typelist", DECL_TYPELIST},   {"newtypelist", DECL_NEWTYPELIST}, {"notypelists", DECL_NO_TYPELISTS},
  {"constant", DECL_CONSTANT},   {"newconstant", DECL_NEWCONSTANT}, {"data", DECL_DATA},
  {"interface", DECL_INTERFACE}, {"fn", DECL_FUNCTION},             {"actor", DECL_ACTOR},
  {"let", DECL_GLOBAL},          {"test", DECL_TEST},
};

const char *const function_kind_words[FUNCTION_KIND_COUNT] = {
  [FUNCTION_PLAIN] = "fn",     [FUNCTION_NATIVE] = "native", [FUNCTION_CLOSURE] = "closure",
  [FUNCTION_INIT] = "init",    [FUNCTION_HANDLER] = "handler", [FUNCTION_GUARD] = "guard",
  [FUNCTION_WHEN] = "when",    [FUNCTION_GLOBAL] = "global", [FUNCTION_TEST] = "test",
};

const char *const effect_words[5] = {"reads", "assigns", "sends", "spawns", "suspends"};
const char *const constraint_words[5] = {"equal", "ordered", "adds", "number", "reference"};

// What declaration begins at the token, which must be the first of its line and stand outside braces.
static Decl decl_at(const Asm *a) {
  const Token *token = asm_peek(a, 0);
  if (token->kind != TOKEN_NAME || !token->first || token->depth) return DECL_NONE;
  const Token *after = asm_peek(a, 1);
  if (after->kind == TOKEN_NAME && str_eq(after->text, STR("fn"))) {
    for (u32 kind = FUNCTION_NATIVE; kind < FUNCTION_KIND_COUNT; kind++) {
      if (str_eq(token->text, str_from(function_kind_words[kind]))) return DECL_FUNCTION;
    }
  }
  for (u32 i = 0; i < COUNT_OF(decl_words); i++) {
    if (str_eq(token->text, str_from(decl_words[i].word))) return decl_words[i].decl;
  }
  return DECL_NONE;
}

// ---- Heads: names and rows ------------------------------------------------------------------------------------------

static void bind(PtrMap *names, Str name, uintptr_t row) {
  const Name *key = name_of(name);
  if (!map_get(names, key)) map_put(names, key, (void *)(row + 1));
}

// The name of a declaration, and `from` its home: bound in `names` as code will write it.
static Str take_head(Asm *a, PtrMap *names, uintptr_t row, u32 *import) {
  Str name = asm_name(a), shown = name;
  *import = IMPORT_NONE;
  if (asm_accept_word(a, "from")) {
    *import = asm_row(a, &a->imports, "import");
    if (*import < a->module->imports.count) {
      shown = str_format("%.*s.%.*s", STR_ARG(a->module->imports.items[*import].module), STR_ARG(name));
    }
  }
  if (!a->failed) bind(names, shown, row);
  return name;
}

static void head_import(Asm *a) {
  Import import = {.module = asm_name(a)};
  if (asm_peek(a, 0)->kind == TOKEN_NUMBER) import.hash = asm_word(a);
  bind(&a->imports, import.module, a->module->imports.count);
  vec_push(&a->module->imports, import);
}

static void take_function_kind(Asm *a, Function *f) {
  f->kind = FUNCTION_PLAIN;
  for (u32 kind = FUNCTION_NATIVE; kind < FUNCTION_KIND_COUNT; kind++) {
    if (asm_accept_word(a, function_kind_words[kind])) f->kind = (FunctionKind)kind;
  }
  asm_accept_word(a, "fn");
}

static void head_declaration(Asm *a, Decl decl) {
  Module *m = a->module;
  u32 *row = &a->rows[a->at];
  if (decl == DECL_FUNCTION) {
    Function f = {0};
    take_function_kind(a, &f);
    f.name = take_head(a, &a->functions, m->functions.count, &f.import);
    vec_push(&m->functions, f);
    *row = m->functions.count;
    return;
  }
  asm_next(a);
  if (decl == DECL_DATA) {
    DataDef data = {0};
    data.name = take_head(a, &a->types, m->datas.count * 2, &data.import);
    vec_push(&m->datas, data);
    *row = m->datas.count;
  } else if (decl == DECL_INTERFACE) {
    InterfaceDef interface = {0};
    interface.name = take_head(a, &a->types, m->interfaces.count * 2 + 1, &interface.import);
    vec_push(&m->interfaces, interface);
    *row = m->interfaces.count;
  } else if (decl == DECL_ACTOR) {
    ActorDef actor = {0};
    actor.name = take_head(a, &a->actors, m->actors.count, &actor.import);
    vec_push(&m->actors, actor);
    *row = m->actors.count;
  } else if (decl == DECL_GLOBAL) {
    Global global = {0};
    global.name = take_head(a, &a->globals, m->globals.count, &global.import);
    vec_push(&m->globals, global);
    *row = m->globals.count;
  } else if (decl == DECL_MODULE) {
    m->name = asm_name(a);
  }
}

static void take_heads(Asm *a, bool imports) {
  for (a->at = 0; asm_peek(a, 0)->kind != TOKEN_END;) {
    Decl decl = decl_at(a);
    a->failed = false;  // the last pass tells the same fault again
    if (decl == DECL_NONE) {
      a->at++;
    } else if (imports) {
      asm_next(a);
      if (decl == DECL_IMPORT) head_import(a);
    } else if (decl == DECL_IMPORT || decl == DECL_TYPE || decl == DECL_NEWTYPE) {
      asm_next(a);
    } else {
      head_declaration(a, decl);
    }
  }
}

// ---- Parts of declarations ------------------------------------------------------------------------------------------

// [T0, T1: ordered + equal]
static Generics take_generics(Asm *a) {
  Generics generics = {0};
  u8 sets[LIMIT_TYPE_ARGS + 1];
  bool any = false;
  if (!asm_accept(a, '[')) return generics;
  do {
    if (generics.count >= LIMIT_TYPE_ARGS) {
      asm_fail(a, DIAG_E0603, asm_peek(a, 0), "there are at most %u type parameters", LIMIT_TYPE_ARGS);
      return generics;
    }
    asm_name(a);
    u8 set = 0;
    if (asm_accept(a, ':')) {
      do {
        const Token *token = asm_peek(a, 0);
        bool known = false;
        for (u32 i = 0; i < COUNT_OF(constraint_words) && !known; i++) {
          known = asm_accept_word(a, constraint_words[i]);
          if (known) set |= (u8)(1u << i);
        }
        if (!known && token->kind == TOKEN_NUMBER) set |= (u8)asm_number(a, 0, UINT8_MAX);
        else if (!known) asm_fail(a, DIAG_E0601, token, "a constraint is expected here: equal, ordered, adds, number or reference");
      } while (!a->failed && asm_accept(a, '+'));
    }
    any |= set != 0;
    sets[generics.count++] = set;
  } while (!a->failed && asm_accept(a, ','));
  asm_expect(a, ']');
  if (any) generics.constraints = (const u8 *)str_dup((Str){(const char *)sets, generics.count}).ptr;
  return generics;
}

// (name: Type, name: Type)
static const Field *take_fields(Asm *a, u32 *count) {
  VEC(Field) fields = {0};
  if (asm_expect(a, '(') && !asm_accept(a, ')')) {
    do {
      Field field = {.name = asm_name(a)};
      asm_expect(a, ':');
      field.type = asm_type(a);
      vec_push(&fields, field);
    } while (!a->failed && asm_accept(a, ','));
    asm_expect(a, ')');
  }
  *count = fields.count;
  return fields.items;
}

static void take_arrow(Asm *a) {
  if (asm_peek(a, 0)->kind == TOKEN_ARROW) asm_next(a);
  else asm_fail(a, DIAG_E0601, asm_peek(a, 0), "`->` and a type are expected here");
}

static void skip_head(Asm *a) {
  asm_name(a);
  if (asm_accept_word(a, "from")) asm_row(a, &a->imports, "import");
}

// ---- Declarations ---------------------------------------------------------------------------------------------------

static void take_data(Asm *a, DataDef *data) {
  VEC(Ctor) ctors = {0};
  skip_head(a);
  data->generics = take_generics(a);
  for (;;) {
    if (asm_accept_word(a, "pub")) data->exported = true;
    else if (asm_accept_word(a, "opaque")) data->opaque = true;
    else if (asm_accept_word(a, "unique")) data->unique = true;
    else if (asm_accept_word(a, "equal")) data->declared = CONSTRAINT_EQUAL;
    else if (asm_accept_word(a, "ordered")) data->declared = CONSTRAINT_ORDERED;
    else if (asm_accept_word(a, "declared")) data->declared = (u8)asm_number(a, 0, UINT8_MAX);
    else break;
  }
  asm_expect(a, '{');
  while (!a->failed && !asm_accept(a, '}')) {
    Ctor ctor = {.name = asm_name(a)};
    if (asm_at(a, '(')) ctor.fields = take_fields(a, &ctor.field_count);
    vec_push(&ctors, ctor);
    asm_accept(a, ',');
  }
  data->ctor_count = ctors.count;
  data->ctors = ctors.items;
}

static void take_interface(Asm *a, InterfaceDef *interface) {
  VEC(Method) methods = {0};
  skip_head(a);
  interface->generics = take_generics(a);
  interface->exported = asm_accept_word(a, "pub");
  interface->unique = asm_accept_word(a, "unique");
  asm_expect(a, '{');
  while (!a->failed && !asm_accept(a, '}')) {
    Method method = {.name = asm_name(a)};
    method.params = take_fields(a, &method.param_count);
    method.answers = asm_peek(a, 0)->kind == TOKEN_ARROW;
    if (method.answers) asm_next(a);
    if (method.answers || asm_accept_word(a, "oneway")) method.answer = asm_type(a);
    else method.answer = module_type(a->module, TYPE_UNIT, 0, 0, NULL);
    vec_push(&methods, method);
    asm_accept(a, ',');
  }
  interface->method_count = methods.count;
  interface->methods = methods.items;
}

static u8 take_effects(Asm *a) {
  u8 effects = 0;
  if (asm_peek(a, 0)->kind == TOKEN_NUMBER) return (u8)asm_number(a, 0, UINT8_MAX);
  do {
    bool known = false;
    for (u32 i = 0; i < COUNT_OF(effect_words) && !known; i++) {
      known = asm_accept_word(a, effect_words[i]);
      if (known) effects |= (u8)(1u << i);
    }
    if (!known) asm_fail(a, DIAG_E0601, asm_peek(a, 0), "an effect is expected here: reads, assigns, sends, spawns or suspends");
  } while (!a->failed && asm_accept(a, ','));
  return effects;
}

static void take_param_names(Asm *a, Function *f) {
  VEC(Str) names = {0};
  const Token *token = asm_peek(a, 0);
  if (asm_expect(a, '(') && !asm_accept(a, ')')) {
    do {
      vec_push(&names, asm_name(a));
    } while (!a->failed && asm_accept(a, ','));
    asm_expect(a, ')');
  }
  if (names.count != f->param_count) asm_fail(a, DIAG_E0601, token, "%u names for %u parameters", names.count, f->param_count);
  f->param_names = names.count ? names.items : gc_array(Str, 1);
}

// (Type, &Type): those with & are lent.
static void take_params(Asm *a, Function *f, TypeId *params) {
  u8 lent[LIMIT_TYPE_ARGS + 1] = {0};
  bool any = false;
  if (!asm_expect(a, '(') || asm_accept(a, ')')) return;
  do {
    if (f->param_count > LIMIT_TYPE_ARGS) {
      asm_fail(a, DIAG_E0603, asm_peek(a, 0), "there are more than %u parameters here", LIMIT_TYPE_ARGS + 1);
      return;
    }
    any |= lent[f->param_count] = asm_accept(a, '&');
    params[f->param_count++] = asm_type(a);
  } while (!a->failed && asm_accept(a, ','));
  asm_expect(a, ')');
  if (any) f->lent = (const u8 *)str_dup((Str){(const char *)lent, f->param_count}).ptr;
}

static void take_function(Asm *a, Function *f) {
  TypeId params[LIMIT_TYPE_ARGS + 1];
  take_function_kind(a, f);
  skip_head(a);
  f->actor = IMPORT_NONE;
  f->generics = take_generics(a);
  take_params(a, f, params);
  take_arrow(a);
  f->result = asm_type(a);
  if (a->failed) return;
  f->register_count = f->param_count;
  TypeId *registers = gc_alloc_data((f->param_count + 1) * sizeof *registers);
  if (f->param_count) memcpy(registers, params, f->param_count * sizeof *registers);
  f->registers = registers;
  for (;;) {
    if (asm_accept_word(a, "pub")) f->exported = true;
    else if (asm_accept_word(a, "of")) f->actor = asm_row(a, &a->actors, "actor");
    else if (asm_accept_word(a, "captures")) f->capture_count = (u32)asm_number(a, 0, UINT32_MAX);
    else if (asm_accept_word(a, "effects")) f->effects = take_effects(a);
    else if (asm_accept_word(a, "names")) take_param_names(a, f);
    else break;
    if (a->failed) return;
  }
  if (asm_accept(a, '{')) asm_body(a, f);
}

static void take_actor_member(Asm *a, ActorDef *actor, void *fields, void *handlers, void *implements) {
  VEC(StateField) *field_rows = fields;
  VEC(Handler) *handler_rows = handlers;
  VEC(Implements) *implements_rows = implements;
  bool assignable = asm_at_word(a, "var");
  if (asm_accept_word(a, "init")) {
    actor->init = asm_row(a, &a->functions, "function");
  } else if (asm_accept_word(a, "dropped")) {
    actor->dropped = (u32)asm_number(a, 0, UINT32_MAX);
  } else if (asm_accept_word(a, "var") || asm_accept_word(a, "let")) {
    StateField field = {.name = asm_name(a), .assignable = assignable};
    asm_expect(a, ':');
    field.type = asm_type(a);
    vec_push(field_rows, field);
  } else if (asm_accept_word(a, "on")) {
    Handler handler = {.name = asm_name(a), .guard = IMPORT_NONE};
    handler.function = asm_row(a, &a->functions, "function");
    if (asm_accept_word(a, "when")) handler.guard = asm_row(a, &a->functions, "function");
    vec_push(handler_rows, handler);
  } else if (asm_accept_word(a, "is")) {
    Implements row = {.interface = asm_type(a)};
    VEC(u32) slots = {0};
    if (asm_accept(a, '(') && !asm_accept(a, ')')) {
      do {
        vec_push(&slots, (u32)asm_number(a, 0, UINT32_MAX));
      } while (!a->failed && asm_accept(a, ','));
      asm_expect(a, ')');
    }
    row.handlers = slots.items;
    const Token *token = asm_peek(a, 0);
    vec_push(implements_rows, row);
    ActorDef probe = {.import = actor->import, .implements = &row};
    u32 expected = implements_slots(a->module, &probe, 0);
    if (slots.count != expected) asm_fail(a, DIAG_E0603, token, "%u slots, where the interface has %u methods", slots.count, expected);
  } else {
    asm_fail(a, DIAG_E0601, asm_peek(a, 0), "`init`, `var`, `let`, `on`, `is`, `dropped` or `}` is expected here");
  }
}

static void take_actor(Asm *a, ActorDef *actor) {
  VEC(StateField) fields = {0};
  VEC(Handler) handlers = {0};
  VEC(Implements) implements = {0};
  skip_head(a);
  actor->generics = take_generics(a);
  actor->params = take_fields(a, &actor->param_count);
  actor->exported = asm_accept_word(a, "pub");
  actor->init = actor->dropped = IMPORT_NONE;
  asm_expect(a, '{');
  while (!a->failed && !asm_accept(a, '}')) take_actor_member(a, actor, &fields, &handlers, &implements);
  actor->fields = fields.items;
  actor->field_count = fields.count;
  actor->handlers = handlers.items;
  actor->handler_count = handlers.count;
  actor->implements = implements.items;
  actor->implements_count = implements.count;
}

static void take_global(Asm *a, Global *global) {
  skip_head(a);
  asm_expect(a, ':');
  global->type = asm_type(a);
  global->exported = asm_accept_word(a, "pub");
  global->function = IMPORT_NONE;
  if (asm_accept(a, '=')) global->function = asm_row(a, &a->functions, "function");
}

static void take_test(Asm *a) {
  TestDef test = {.name = asm_name(a)};
  asm_expect(a, '=');
  test.function = asm_row(a, &a->functions, "function");
  vec_push(&a->module->tests, test);
}

static void take_source(Asm *a) {
  a->module->source_path = asm_name(a);
  if (asm_peek(a, 0)->kind == TOKEN_NUMBER) a->module->source_hash = asm_word(a);
}

// ---- The passes -----------------------------------------------------------------------------------------------------

static void take_table_row(Asm *a, Decl decl) {
  Module *m = a->module;
  asm_next(a);
  if (decl == DECL_TYPE || decl == DECL_NEWTYPE) {
    asm_type_row(a, decl == DECL_NEWTYPE);
  } else if (decl == DECL_NO_TYPELISTS) {
    m->typelists.count = 0;
    m->interner = NULL;  // it knows the rows that are gone
  } else if (decl == DECL_TYPELIST || decl == DECL_NEWTYPELIST) {
    u32 count;
    TypeId items[LIMIT_TYPE_ARGS + 1];
    if (asm_expect(a, '[')) asm_type_args(a, ']', &count, items);
    if (a->failed) return;
    if (decl == DECL_TYPELIST) {
      module_typelist(m, count, items);
    } else {
      TypeId *copy = gc_alloc_data(count * sizeof *copy);
      if (count) memcpy(copy, items, count * sizeof *copy);
      vec_push(&m->typelists, ((TypeList){count, copy}));
    }
  } else {
    Constant constant = asm_literal(a);
    if (a->failed) return;
    if (decl == DECL_CONSTANT) module_constant(m, constant);
    else vec_push(&m->constants, constant);
  }
}

typedef enum Pass { PASS_TYPES, PASS_TYPELISTS, PASS_SHAPES, PASS_REST } Pass;

static Pass pass_of(Decl decl) {
  switch (decl) {
    case DECL_TYPE: case DECL_NEWTYPE: return PASS_TYPES;
    case DECL_TYPELIST: case DECL_NEWTYPELIST: case DECL_NO_TYPELISTS: case DECL_CONSTANT: case DECL_NEWCONSTANT:
      return PASS_TYPELISTS;
    case DECL_DATA: case DECL_INTERFACE: return PASS_SHAPES;
    case DECL_NONE: case DECL_MODULE: case DECL_SOURCE: case DECL_MAIN: case DECL_IMPORT: case DECL_FUNCTION: case DECL_ACTOR:
    case DECL_GLOBAL: case DECL_TEST:
      return PASS_REST;
  }
  return PASS_REST;
}

// The row that the head at hand has made; NO_ROW, and a fault, if the heads were cut otherwise.
static u32 take_row(Asm *a) {
  u32 row = a->rows[a->at];
  a->rows[a->at] = 0;
  if (!row) asm_fail(a, DIAG_E0601, asm_peek(a, 0), "this declaration begins inside another one");
  return row - 1;
}

static void take_declaration(Asm *a, Decl decl) {
  Module *m = a->module;
  if (pass_of(decl) <= PASS_TYPELISTS) {
    take_table_row(a, decl);
    return;
  }
  bool named = decl == DECL_DATA || decl == DECL_INTERFACE || decl == DECL_ACTOR || decl == DECL_GLOBAL || decl == DECL_FUNCTION;
  u32 row = named ? take_row(a) : 0;
  if (a->failed) return;
  if (decl != DECL_FUNCTION) asm_next(a);
  switch (decl) {
    case DECL_DATA: take_data(a, &m->datas.items[row]); return;
    case DECL_INTERFACE: take_interface(a, &m->interfaces.items[row]); return;
    case DECL_ACTOR: take_actor(a, &m->actors.items[row]); return;
    case DECL_GLOBAL: take_global(a, &m->globals.items[row]); return;
    case DECL_FUNCTION: take_function(a, &m->functions.items[row]); return;
    case DECL_TEST: take_test(a); return;
    case DECL_MAIN: m->main = asm_row(a, &a->functions, "function"); return;
    case DECL_SOURCE: take_source(a); return;
    case DECL_MODULE: case DECL_IMPORT:
      asm_name(a);
      if (decl == DECL_IMPORT && asm_peek(a, 0)->kind == TOKEN_NUMBER) asm_word(a);
      return;
    case DECL_NONE: case DECL_TYPE: case DECL_NEWTYPE: case DECL_TYPELIST: case DECL_NEWTYPELIST: case DECL_NO_TYPELISTS:
    case DECL_CONSTANT: case DECL_NEWCONSTANT:
      return;
  }
}

static void skip_to_declaration(Asm *a) {
  while (asm_peek(a, 0)->kind != TOKEN_END && decl_at(a) == DECL_NONE) asm_next(a);
}

static void take_pass(Asm *a, Pass pass) {
  a->at = 0;
  while (asm_peek(a, 0)->kind != TOKEN_END && a->diags->errors < 100) {
    Decl decl = decl_at(a);
    a->failed = false;
    if (decl == DECL_NONE) {
      if (pass == PASS_REST) asm_fail(a, DIAG_E0601, asm_peek(a, 0), "a declaration is expected here");
      asm_next(a);
      skip_to_declaration(a);
    } else if (pass_of(decl) != pass) {
      asm_next(a);
      if (decl == DECL_FUNCTION && asm_at_word(a, "fn")) asm_next(a);
      skip_to_declaration(a);
    } else {
      u32 at = a->at;
      take_declaration(a, decl);
      if (a->failed && a->at == at) asm_next(a);
      if (a->failed) skip_to_declaration(a);
    }
  }
}

// A head that no pass came by stands where another declaration's text goes on.
static void check_rows(Asm *a) {
  for (a->at = 0; asm_peek(a, 0)->kind != TOKEN_END && a->diags->errors < 100; a->at++) {
    a->failed = false;
    if (a->rows[a->at]) asm_fail(a, DIAG_E0601, asm_peek(a, 0), "a declaration cannot begin inside another one");
  }
}

Module *asm_parse(Source *source, Diags *diags) {
  Asm a = {.source = source, .diags = diags, .module = module_new(STR("main"))};
  u32 errors = diags->errors;
  asm_lex(&a);
  a.rows = gc_alloc_data(a.tokens.count * sizeof *a.rows);
  take_heads(&a, true);
  take_heads(&a, false);
  for (Pass pass = PASS_TYPES; pass <= PASS_REST; pass++) take_pass(&a, pass);
  if (diags->errors == errors) check_rows(&a);
  return diags->errors == errors ? a.module : NULL;
}
