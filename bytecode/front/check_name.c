// Names used as values: locals, functions, constants and constructors, plain or qualified, and fields.
#include "bytecode/front/check.h"

#include "bytecode/module.h"

// ---- Instantiating --------------------------------------------------------------------------------------------------

static Ty *fresh_for(Checker *c, Ty *param, bool final, u8 more, const Reason *reason) {
  Ty *fresh = ty_var();
  fresh->constraints = more;
  fresh->reason = reason;
  if (!final && !param->fixed) {
    vec_push(&c->obligations, ((Obligation){param, fresh, reason}));
  } else if (param->constraints) {
    fresh->constraints |= param->constraints;
    vec_push(&c->unifier.asked, fresh);
  }
  return fresh;
}

static const Reason *reason_for(Checker *c, const Name *name, Span at) {
  Reason *reason = gc_new(Reason);
  *reason = (Reason){c->source, at, name ? name->text : STR("this")};
  return reason;
}

static Ty **fresh_args(Checker *c, Node *node, u32 count, u8 more, const Name *name, Span at) {
  Ty **args = gc_array(Ty *, count + 1);
  const Reason *reason = count ? reason_for(c, name, at) : NULL;
  for (u32 i = 0; i < count; i++) args[i] = fresh_for(c, node->params[i], node->done, more, reason);
  return args;
}

Ty **check_fresh_args(Checker *c, Node *node, u32 count, const Name *name, Span at) {
  return fresh_args(c, node, count, CONSTRAINT_PLAIN, name, at);
}

Ty *check_instantiate(Checker *c, Expr *e, FnDecl *fn, Span at) {
  Node *node = node_of_fn(fn);
  e->fn = fn;
  if (fn->actor) {
    e->inst = c->actor ? c->actor->params : NULL;
    return fn->type;
  }
  if (!node->general && !node->annotated) {
    vec_push(&c->recursive, e);
    return fn->type;
  }
  u32 count = node->annotated ? node->written : fn->generic_count;
  if (!count) return fn->type;
  u8 more = check_call_kind(fn) == CALL_FN ? CONSTRAINT_PLAIN : 0;
  e->inst = fresh_args(c, node, count, more, fn->name.name, at);
  return ty_subst(fn->type, e->inst, count);
}

Ty *check_instantiate_ctor(Checker *c, CtorDecl *ctor, Span at, Ty **result, Ty ***fields) {
  TypeDecl *owner = ctor->owner;
  u32 count = owner->generics.count, field_count = ctor->fields.count;
  Ty **args = gc_array(Ty *, count + 1);
  const char *plain = count && !ty_carries(owner) ? str_format("%.*s", STR_ARG(ctor->name.name->text)).ptr : NULL;
  for (u32 i = 0; i < count; i++) args[i] = plain ? check_plain_var(c, at, plain) : ty_var();
  *result = ty_data(owner, count, args);
  *fields = gc_array(Ty *, field_count + 1);
  for (u32 i = 0; i < field_count; i++) (*fields)[i] = ty_subst(ctor->fields.items[i].ty, args, count);
  return *result;
}

// ---- Unknown names --------------------------------------------------------------------------------------------------

static bool is_power_name(Str name) {
  static const char *names[] = {"out", "err", "stdin", "args", "clock", "random", "bank"};
  for (u32 i = 0; i < COUNT_OF(names); i++) {
    if (str_eq(name, str_from(names[i]))) return true;
  }
  return false;
}

static void suggest(Checker *c, Diag *diag, Str name) {
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; i < c->trail.count; i++) nearest_offer(&nearest, c->trail.items[i].name->text);
  for (u32 i = 0; c->actor && i < c->actor->actor->helpers.count; i++) {
    const Name *helper = c->actor->actor->helpers.items[i]->name.name;
    if (helper) nearest_offer(&nearest, helper->text);
  }
  resolve_offer(c->module, SPACE_VALUES, &nearest);
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

void check_unknown(Checker *c, Ident name) {
  if (!name.name || resolve_promised(c->module, name.name)) return;
  Str text = name.name->text;
  if (resolve_qualifier(c->module, name.name) || resolve_is_implicit(name.name)) {
    Diag *diag = check_error(c, DIAG_E0110, name.span, "`%.*s` is a module, and a module is not a value", STR_ARG(text));
    diag_hint(diag, "what it exports is written `%.*s.name`", STR_ARG(text));
    return;
  }
  if (is_power_name(text)) {
    Diag *diag = check_error(c, DIAG_E0111, name.span, "there is no `%.*s` here: nothing is ambient", STR_ARG(text));
    diag_hint(diag, "powers arrive as parameters of main, as in `fn main(out: Out)`, and are passed on from there");
    return;
  }
  Diag *diag = check_error(c, DIAG_E0101, name.span, "there is no `%.*s` here", STR_ARG(text));
  Str foreign = parse_foreign_name(text);
  if (foreign.len) {
    diag_hint(diag, "%.*s", STR_ARG(foreign));
  } else {
    suggest(c, diag, text);
  }
}

// ---- Values of declarations -----------------------------------------------------------------------------------------

static Expr *expr_at(ExprKind kind, Span span) {
  Expr *e = gc_new(Expr);
  e->kind = kind;
  e->span = span;
  return e;
}

// `show` is an instruction, not a function: as a value it is fn(x) { show(x) }.
static Ty *show_as_value(Checker *c, Expr *e) {
  Ident x = {name_from("x"), e->span};
  Expr *argument = expr_at(EX_NAME, e->span), *callee = expr_at(EX_NAME, e->span), *call = expr_at(EX_CALL, e->span);
  argument->name = x;
  callee->name = e->name;
  callee->name.name = name_from("show");
  call->object = callee;
  vec_push(&call->args, ((Arg){.value = argument}));
  Pat *pattern = gc_new(Pat);
  *pattern = (Pat){.kind = PAT_NAME, .span = e->span, .name = x};
  Expr *block = expr_at(EX_BLOCK, e->span);
  vec_push(&block->items, call);
  *e = (Expr){.kind = EX_FN, .span = e->span, .height = e->height};
  vec_push(&e->params, ((Param){.pattern = pattern}));
  e->block = block;
  return check_closure(c, e, NULL);
}

// What becomes a value of a function type takes and gives plain values.
static Ty *plain_function(Checker *c, Ty *ty, Span at) {
  Ty *known = ty_resolve(ty);
  for (u32 i = 0; known->kind == TY_FN && i < known->count; i++) {
    if (!check_able(c, at, known->args[i], CONSTRAINT_PLAIN, "a function as a value")) return ty_basic(TY_ERROR);
  }
  return ty;
}

Ty *check_fn_value(Checker *c, Expr *e, FnDecl *fn) {
  if (fn->actor) {
    Diag *diag =
        check_error(c, DIAG_E0417, e->span, "the helper `%.*s` can't be used as a value: it sees the state of its actor",
                    STR_ARG(fn->name.name->text));
    diag_hint(diag, "a function at the top of the module can be passed around");
    return ty_basic(TY_ERROR);
  }
  CallKind kind = check_call_kind(fn);
  if (kind == CALL_SHOW && c->module != fn->home) return show_as_value(c, e);
  if (kind == CALL_REPLACE || kind == CALL_TAKE) {
    check_error(c, DIAG_E0423, e->span, "`%.*s` borrows a variable, and can only be called", STR_ARG(fn->name.name->text));
    return ty_basic(TY_ERROR);
  }
  e->kind = EX_NAME;
  e->object = NULL;
  e->ref = REF_FN;
  resolve_depend(c->module, fn->home);
  check_note_call(c, fn, e->span);
  return plain_function(c, check_instantiate(c, e, fn, e->span), e->span);
}

Ty *check_ctor_value(Checker *c, Expr *e, CtorDecl *ctor) {
  e->kind = EX_NAME;
  e->object = NULL;
  e->ref = REF_CTOR;
  e->ctor = ctor;
  resolve_depend(c->module, ctor->owner->home);
  Ty *result, **fields;
  check_instantiate_ctor(c, ctor, e->span, &result, &fields);
  return ctor->fields.count ? plain_function(c, ty_fn(ctor->fields.count, fields, result), e->span) : result;
}

Ty *check_const_value(Checker *c, Expr *e, ConstItem *item) {
  e->kind = EX_NAME;
  e->object = NULL;
  e->ref = REF_CONST;
  e->constant = item;
  resolve_depend(c->module, item->decl->home);
  if (item->local) item->local->used = true;
  if (item->decl->home == c->module && item->decl->body && c->body) {
    vec_push(&c->effects.edges, ((EffectEdge){item->decl->body->effect_node, c->body->effect_node, e->span}));
  } else if (item->decl->home != c->module && item->decl->body && c->body) {
    c->body->effects |= item->decl->body->effects;
  }
  return item->local ? item->local->type : ty_basic(TY_ERROR);
}

static Ty *value_of_symbol(Checker *c, Expr *e, Symbol *symbol) {
  if (symbol->import) symbol->import->used = true;
  if (symbol->kind == SYMBOL_FN) return check_fn_value(c, e, symbol->fn);
  if (symbol->kind == SYMBOL_CONST) return check_const_value(c, e, symbol->constant);
  return symbol->kind == SYMBOL_CTOR ? check_ctor_value(c, e, symbol->ctor) : ty_basic(TY_ERROR);
}

// ---- Plain names ----------------------------------------------------------------------------------------------------

static FnDecl *find_helper(const Checker *c, const Name *name) {
  return c->actor ? map_get(&c->actor->helpers, name) : NULL;
}

FnDecl *check_find_fn(Checker *c, const Name *name) {
  FnDecl *helper = find_helper(c, name);
  if (helper) return helper;
  Symbol *symbol = resolve_name(c->module, SPACE_VALUES, name);
  if (!symbol || symbol->kind != SYMBOL_FN) return NULL;
  if (symbol->import) symbol->import->used = true;
  return symbol->fn;
}

Ty *check_name(Checker *c, Expr *e) {
  if (e->ref == REF_CONST) return e->type;
  if (!e->name.name) return ty_basic(TY_ERROR);
  Local *local = locals_find(c, e->name.name);
  if (local) {
    e->ref = REF_LOCAL;
    e->local = local;
    locals_use(c, local, e->span);
    return local->type;
  }
  FnDecl *helper = find_helper(c, e->name.name);
  if (helper) return check_fn_value(c, e, helper);
  Symbol *symbol = resolve_name(c->module, SPACE_VALUES, e->name.name);
  if (symbol) return value_of_symbol(c, e, symbol);
  check_unknown(c, e->name);
  return ty_basic(TY_ERROR);
}

// ---- Constructors ---------------------------------------------------------------------------------------------------

static void unknown_ctor(Checker *c, Ident name) {
  Str text = name.name->text;
  Symbol *type = resolve_name(c->module, SPACE_TYPES, name.name);
  if (type) {
    const char *kind = type->kind == SYMBOL_ACTOR ? "an actor" : type->kind == SYMBOL_INTERFACE ? "an interface" : "a type";
    Diag *diag = check_error(c, DIAG_E0110, name.span, "`%.*s` is %s, not a value", STR_ARG(text), kind);
    if (type->kind == SYMBOL_ACTOR) diag_hint(diag, "an actor is made with `spawn %.*s(..)`", STR_ARG(text));
    if (type->kind == SYMBOL_TYPE && type->home != c->module && type->type->is_opaque)
      diag_hint(diag, "it is opaque: only its own module makes and opens its values");
    return;
  }
  if (resolve_promised(c->module, name.name)) return;
  Diag *diag = check_error(c, DIAG_E0103, name.span, "there is no constructor `%.*s`", STR_ARG(text));
  Nearest nearest = {.wanted = text};
  resolve_offer(c->module, SPACE_CTORS, &nearest);
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

static void private_ctor(Checker *c, Ident name, const Symbol *symbol) {
  TypeDecl *owner = symbol->ctor->owner;
  const char *why =
      owner->is_opaque ? "is opaque: only its own module makes and opens its values" : "is private to its module";
  Diag *diag = check_error(c, DIAG_E0106, name.span, "`%.*s` %s", STR_ARG(owner->name.name->text), why);
  diag_note(diag, symbol->home->source, symbol->span, "declared here");
}

static CtorDecl *qualified_ctor(Checker *c, Ident module, Ident name) {
  ImportDecl *import = resolve_qualifier(c->module, module.name);
  if (!import) {
    Diag *diag = check_error(c, DIAG_E0104, module.span, "there is no module `%.*s` here", STR_ARG(module.name->text));
    diag_hint(diag, "import it first: `import %.*s`", STR_ARG(module.name->text));
    return NULL;
  }
  import->used = true;
  if (!import->module) return NULL;
  Symbol *symbol = resolve_declared(import->module, SPACE_CTORS, name.name);
  if (!symbol) {
    check_error(c, DIAG_E0108, name.span, "module `%.*s` has no constructor `%.*s`", STR_ARG(import->path),
                STR_ARG(name.name->text));
    return NULL;
  }
  if (!resolve_allowed(c->module, symbol)) private_ctor(c, name, symbol);
  resolve_depend(c->module, symbol->home);
  return symbol->ctor;
}

CtorDecl *check_find_ctor(Checker *c, Ident module, Ident name) {
  if (!name.name) return NULL;
  if (module.name) return qualified_ctor(c, module, name);
  Symbol *symbol = resolve_name(c->module, SPACE_CTORS, name.name);
  if (!symbol || (symbol->import == NULL && symbol->home != c->module && !resolve_allowed(c->module, symbol))) {
    unknown_ctor(c, name);
    return NULL;
  }
  if (symbol->import) symbol->import->used = true;
  resolve_depend(c->module, symbol->home);
  return symbol->ctor;
}

Ty *check_upper(Checker *c, Expr *e) {
  CtorDecl *ctor = check_find_ctor(c, (Ident){0}, e->name);
  if (ctor) return check_ctor_value(c, e, ctor);
  e->kind = EX_ERROR;
  return ty_basic(TY_ERROR);
}

// ---- Qualified names and fields -------------------------------------------------------------------------------------

static bool is_upper(const Name *name) { return name->text.len && name->text.ptr[0] >= 'A' && name->text.ptr[0] <= 'Z'; }

static void missing_in_module(Checker *c, const ImportDecl *import, Ident name, Space space) {
  Diag *diag =
      check_error(c, DIAG_E0108, name.span, "module `%.*s` has no `%.*s`", STR_ARG(import->path), STR_ARG(name.name->text));
  Nearest nearest = {.wanted = name.name->text};
  PtrMap *map = space == SPACE_CTORS ? &import->module->ctor_names : &import->module->values;
  for (u32 i = 0; i < map->capacity; i++) {
    Symbol *symbol = map->keys[i] ? map->values[i] : NULL;
    if (symbol && symbol->is_pub && !symbol->import) nearest_offer(&nearest, symbol->name->text);
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

Symbol *check_qualified(Checker *c, Expr *object, Ident name, Span span, bool *was_module) {
  *was_module = false;
  if (!object || object->kind != EX_NAME || object->ref != REF_NONE || !object->name.name || !name.name) return NULL;
  if (locals_find(c, object->name.name)) return NULL;
  ImportDecl *import = resolve_qualifier(c->module, object->name.name);
  if (!import) import = resolve_implicit(c->front, c->module, object->name.name, span);
  if (!import) return NULL;
  *was_module = import->used = true;
  if (!import->module) return NULL;
  Space space = is_upper(name.name) ? SPACE_CTORS : SPACE_VALUES;
  Symbol *symbol = resolve_declared(import->module, space, name.name);
  if (!symbol) {
    missing_in_module(c, import, name, space);
  } else if (!resolve_allowed(c->module, symbol)) {
    if (symbol->kind == SYMBOL_CTOR) {
      private_ctor(c, name, symbol);
    } else {
      Diag *diag = check_error(c, DIAG_E0106, name.span, "`%.*s` is private to module `%.*s`", STR_ARG(name.name->text),
                               STR_ARG(import->path));
      diag_note(diag, symbol->home->source, symbol->span, "declared here without `pub`");
    }
  }
  return symbol;
}

static bool field_in(const CtorDecl *ctor, const Name *name, u32 *index) {
  for (*index = 0; *index < ctor->fields.count; ++*index) {
    if (ctor->fields.items[*index].name.name == name) return true;
  }
  return false;
}

static void no_field(Checker *c, Expr *e, Ty *ty) {
  Str name = e->name.name->text;
  Diag *diag = check_error(c, DIAG_E0205, e->name.span, "values of type %.*s have no field `%.*s`", STR_ARG(ty_text(ty)),
                           STR_ARG(name));
  Nearest nearest = {.wanted = name};
  for (u32 i = 0; ty->kind == TY_DATA && i < ty->decl->ctors.count; i++) {
    CtorDecl *ctor = ty->decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) {
      if (ctor->fields.items[k].name.name) nearest_offer(&nearest, ctor->fields.items[k].name.name->text);
    }
  }
  if (nearest.best.len) {
    diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  } else {
    diag_hint(diag, "a function is called with parentheses: `.%.*s()`", STR_ARG(name));
  }
}

// `p.x` serves where every constructor has an x of one type.
static Ty *data_field(Checker *c, Expr *e, Ty *ty) {
  TypeDecl *decl = ty->decl;
  if (decl->is_opaque && decl->home != c->module) {
    Str type = decl->name.name->text;
    check_error(c, DIAG_E0106, e->name.span, "`%.*s` is opaque: only its own module sees its fields", STR_ARG(type));
    return ty_basic(TY_ERROR);
  }
  Ty *result = NULL;
  for (u32 i = 0; i < decl->ctors.count; i++) {
    CtorDecl *ctor = decl->ctors.items[i];
    u32 index;
    if (!field_in(ctor, e->name.name, &index)) {
      if (result) {
        check_error(c, DIAG_E0205, e->name.span, "not every %.*s has a field `%.*s`: `%.*s` has none", STR_ARG(ty_text(ty)),
                    STR_ARG(e->name.name->text), STR_ARG(ctor->name.name->text));
        return ty_basic(TY_ERROR);
      }
      bool later = false;
      for (u32 k = i + 1; k < decl->ctors.count; k++) later |= field_in(decl->ctors.items[k], e->name.name, &index);
      if (!later) no_field(c, e, ty);
      else
        check_error(c, DIAG_E0205, e->name.span, "not every %.*s has a field `%.*s`: `%.*s` has none", STR_ARG(ty_text(ty)),
                    STR_ARG(e->name.name->text), STR_ARG(ctor->name.name->text));
      return ty_basic(TY_ERROR);
    }
    Ty *field = ty_subst(ctor->fields.items[index].ty, ty->args, ty->count);
    if (!result) {
      result = field;
      e->field = index;
    } else if (unify(&c->unifier, result, field) != UNIFY_OK) {
      check_error(c, DIAG_E0205, e->name.span, "the field `%.*s` has different types in different constructors",
                  STR_ARG(e->name.name->text));
      return ty_basic(TY_ERROR);
    }
  }
  if (!result) {
    no_field(c, e, ty);
    return ty_basic(TY_ERROR);
  }
  return check_part(c, e, result) ? result : ty_basic(TY_ERROR);
}

static Ty *field(Checker *c, Expr *e) {
  Ty *ty = check_place(c, e->object);
  locals_note_user(c, e->object, e);
  if (!check_known(c, ty, e->object->span, "`.`")) return ty_basic(TY_ERROR);
  switch (ty->kind) {
    case TY_ERROR: return ty;
    case TY_DATA: return data_field(c, e, ty);
    case TY_REF: {
      Diag *diag = check_error(c, DIAG_E0408, e->span, "the state of an actor is private: `%.*s` can't be read from outside",
                               STR_ARG(e->name.name->text));
      diag_hint(diag, "ask the actor for it with a message: `r ! %.*s()`", STR_ARG(e->name.name->text));
      return ty_basic(TY_ERROR);
    }
    case TY_INT:
    case TY_FLOAT:
    case TY_BOOL:
    case TY_UNIT:
    case TY_STRING:
    case TY_BYTES:
    case TY_DURATION:
    case TY_TIME:
    case TY_BUF:
    case TY_ARRAY:
    case TY_LIST:
    case TY_PROMISE:
    case TY_TUPLE:
    case TY_FN:
    case TY_PARAM:
    case TY_VAR:
    case TY_NEVER: no_field(c, e, ty);
  }
  return ty_basic(TY_ERROR);
}

Ty *check_dot(Checker *c, Expr *e) {
  if (!e->name.name || !e->object) return ty_basic(TY_ERROR);
  bool was_module;
  Symbol *symbol = check_qualified(c, e->object, e->name, e->span, &was_module);
  if (!was_module) return field(c, e);
  if (symbol) return value_of_symbol(c, e, symbol);
  e->kind = EX_ERROR;
  return ty_basic(TY_ERROR);
}
