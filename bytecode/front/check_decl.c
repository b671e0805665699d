// Types as written, and what declarations promise before any body is looked at: fields, methods, parameters and results.
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"
#include "bytecode/module.h"

// What the checker keeps about a type or interface while it is being completed.
typedef struct DeclInfo {
  Ty **params;
  enum { DECL_FRESH, DECL_OPEN, DECL_DONE } state;
  PtrMap methods;  // of an interface: Name → MethodSig
} DeclInfo;

// ---- Type parameters ------------------------------------------------------------------------------------------------

static u8 constraint_written(Checker *c, Ident constraint) {
  if (!constraint.name) return 0;
  for (u32 bit = 1; bit <= CONSTRAINT_REFERENCE; bit <<= 1) {
    if (str_eq(constraint.name->text, str_from(constraint_name((u8)bit)))) return constraint_closure((u8)bit);
  }
  Diag *diag = check_error(c, DIAG_E0102, constraint.span, "there is no constraint `%.*s`", STR_ARG(constraint.name->text));
  diag_hint(diag, "the constraints are equal, ordered, adds, number and reference");
  return 0;
}

static Ty **make_params(Checker *c, const GenericParams *generics) {
  Ty **params = gc_array(Ty *, generics->count + 1);
  for (u32 i = 0; i < generics->count; i++) {
    const GenericParam *generic = &generics->items[i];
    params[i] = ty_param(i, generic->name.name, c ? constraint_written(c, generic->constraint) : 0);
    params[i]->fixed = generic->constraint.name != NULL;
    if (c && i >= TYPE_PARAM_LIMIT)
      check_error(c, DIAG_E0514, generic->name.span, "a declaration has %d type parameters at most", TYPE_PARAM_LIMIT);
    for (u32 k = 0; c && k < i; k++) {
      if (generics->items[k].name.name != generic->name.name) continue;
      check_error(c, DIAG_E0109, generic->name.span, "two type parameters are named `%.*s`",
                  STR_ARG(generic->name.name->text));
      break;
    }
  }
  return params;
}

static DeclInfo *info_of(Checker *c, void **slot, const GenericParams *generics) {
  if (*slot) return *slot;
  DeclInfo *info = gc_new(DeclInfo);
  *slot = info;
  info->params = make_params(c, generics);
  return info;
}

Ty **check_data_params(TypeDecl *decl) { return info_of(NULL, &decl->check, &decl->generics)->params; }
Ty **check_interface_params(InterfaceDecl *decl) { return info_of(NULL, &decl->check, &decl->generics)->params; }

void check_enter_type_params(Checker *c, const GenericParams *generics, Ty **params) {
  for (u32 i = 0; i < generics->count; i++)
    vec_push(&c->type_params, ((TypeParam){generics->items[i].name.name, params[i]}));
}

// ---- Types as written -----------------------------------------------------------------------------------------------

static Ty *builtin_type(Str name, u32 *params) {
  static const struct {
    const char *name;
    TyKind kind;
  } builtins[] = {{"Int", TY_INT},     {"Float", TY_FLOAT},       {"Bool", TY_BOOL}, {"String", TY_STRING},
                  {"Bytes", TY_BYTES}, {"Duration", TY_DURATION}, {"Time", TY_TIME}, {"Buf", TY_BUF}};
  *params = 0;
  for (u32 i = 0; i < COUNT_OF(builtins); i++) {
    if (str_eq(name, str_from(builtins[i].name))) return ty_basic(builtins[i].kind);
  }
  *params = 1;
  if (str_eq(name, STR("List"))) return ty_list(ty_basic(TY_ERROR));
  if (str_eq(name, STR("Promise"))) return ty_promise(ty_basic(TY_ERROR));
  if (str_eq(name, STR("Array"))) return ty_array(ty_basic(TY_ERROR));
  return NULL;
}

static Ty *unknown_type(Checker *c, Ident name) {
  Str text = name.name->text;
  if (resolve_promised(c->module, name.name)) return ty_basic(TY_ERROR);
  Diag *diag = check_error(c, DIAG_E0102, name.span, "there is no type `%.*s`", STR_ARG(text));
  Nearest nearest = {.wanted = text};
  resolve_offer(c->module, SPACE_TYPES, &nearest);
  for (u32 i = 0; i < c->type_params.count; i++) nearest_offer(&nearest, c->type_params.items[i].name->text);
  static const char *builtins[] = {"Int", "Float", "Bool", "String", "Bytes", "Duration", "Time", "List", "Promise", "Buf", "Array"};
  for (u32 i = 0; i < COUNT_OF(builtins); i++) nearest_offer(&nearest, str_from(builtins[i]));
  if (nearest.best.len) {
    diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  } else if (resolve_name(c->module, SPACE_CTORS, name.name)) {
    diag_hint(diag, "`%.*s` is a constructor, not a type", STR_ARG(text));
  }
  return ty_basic(TY_ERROR);
}

static bool type_count(Checker *c, Span span, Str name, u32 expected, u32 given) {
  if (expected == given) return true;
  check_error(c, DIAG_E0216, span, "`%.*s` takes %u type argument%s, but %u %s given", STR_ARG(name), expected,
              expected == 1 ? "" : "s", given, given == 1 ? "is" : "are");
  return false;
}

static Symbol *qualified_type(Checker *c, TypeExpr *type) {
  ImportDecl *import = resolve_qualifier(c->module, type->module.name);
  if (!import) {
    Diag *diag =
        check_error(c, DIAG_E0104, type->module.span, "there is no module `%.*s` here", STR_ARG(type->module.name->text));
    diag_hint(diag, "import it first: `import %.*s`", STR_ARG(type->module.name->text));
    return NULL;
  }
  import->used = true;
  if (!import->module) return NULL;
  Symbol *symbol = resolve_declared(import->module, SPACE_TYPES, type->name.name);
  if (!symbol) {
    check_error(c, DIAG_E0108, type->name.span, "module `%.*s` has no type `%.*s`", STR_ARG(import->path),
                STR_ARG(type->name.name->text));
  }
  return symbol;
}

static Ty *alias_type(Checker *c, TypeDecl *decl) {
  DeclInfo *info = info_of(c, &decl->check, &decl->generics);
  if (info->state == DECL_DONE || decl->home != c->module) return decl->alias_type ? decl->alias_type : ty_basic(TY_ERROR);
  if (info->state == DECL_OPEN || c->depth > CHECK_DEPTH_LIMIT) {
    check_error(c, DIAG_E0113, decl->name.span, "the alias `%.*s` stands for itself", STR_ARG(decl->name.name->text));
    return ty_basic(TY_ERROR);
  }
  info->state = DECL_OPEN;
  c->depth++;
  TypeParams outer = c->type_params;
  memset(&c->type_params, 0, sizeof c->type_params);
  check_enter_type_params(c, &decl->generics, info->params);
  decl->alias_type = check_type(c, decl->alias);
  c->type_params = outer;
  c->depth--;
  info->state = DECL_DONE;
  return decl->alias_type;
}

static void plain_args(Checker *c, const TypeExpr *type, Ty **args, u32 count, const char *what) {
  for (u32 i = 0; i < count; i++) {
    if (ty_is_unique(args[i])) check_plain(c, type->args.items[i]->span, args[i], what);
  }
}

static void misplaced_lent(Checker *c, const TypeExpr *type) {
  Diag *diag = check_error(c, DIAG_E0422, type->span, "`&` stands only before the type of a declared function's parameter");
  diag_hint(diag, "what is lent for one call can't be kept, so there are no values of such a type");
}

static Ty *named_type(Checker *c, TypeExpr *type, Symbol *symbol, u32 count, Ty **args) {
  Str name = symbol->name->text;
  if (!resolve_allowed(c->module, symbol) && !symbol->import) {
    Diag *diag = check_error(c, DIAG_E0106, type->name.span, "`%.*s` is private to its module", STR_ARG(name));
    diag_note(diag, symbol->home->source, symbol->span, "declared here without `pub`");
  }
  if (symbol->import) symbol->import->used = true;
  resolve_depend(c->module, symbol->home);
  if (symbol->kind != SYMBOL_TYPE || !ty_carries(symbol->type)) plain_args(c, type, args, count, str_format("%.*s", STR_ARG(name)).ptr);
  switch (symbol->kind) {
    case SYMBOL_TYPE:
      if (!type_count(c, type->span, name, symbol->type->generics.count, count)) return ty_basic(TY_ERROR);
      if (symbol->type->alias) return ty_subst(alias_type(c, symbol->type), args, count);
      return ty_data(symbol->type, count, args);
    case SYMBOL_INTERFACE:
      if (!type_count(c, type->span, name, symbol->interface->generics.count, count)) return ty_basic(TY_ERROR);
      return ty_ref(symbol->interface, count, args);
    case SYMBOL_ACTOR: {
      if (symbol->actor->own) {
        if (!type_count(c, type->span, name, symbol->actor->generics.count, count)) return ty_basic(TY_ERROR);
        return ty_ref(symbol->actor->own, count, args);
      }
      Diag *diag = check_error(c, DIAG_E0110, type->span, "`%.*s` is an actor, not a type", STR_ARG(name));
      diag_hint(diag, "references to it have the type of an interface that it implements");
      return ty_basic(TY_ERROR);
    }
    case SYMBOL_FN:
    case SYMBOL_CONST:
    case SYMBOL_CTOR: break;
  }
  return ty_basic(TY_ERROR);
}

static Ty *type_part(Checker *c, TypeExpr *type);

static Ty *type_by_name(Checker *c, TypeExpr *type) {
  if (!type->name.name) return ty_basic(TY_ERROR);
  u32 count = type->args.count;
  Ty **args = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) args[i] = type_part(c, type->args.items[i]);
  if (type->module.name) {
    Symbol *symbol = qualified_type(c, type);
    return symbol ? named_type(c, type, symbol, count, args) : ty_basic(TY_ERROR);
  }
  for (u32 i = c->type_params.count; i-- > 0;) {
    if (c->type_params.items[i].name != type->name.name) continue;
    return type_count(c, type->span, type->name.name->text, 0, count) ? c->type_params.items[i].ty : ty_basic(TY_ERROR);
  }
  Symbol *symbol = resolve_name(c->module, SPACE_TYPES, type->name.name);
  if (symbol) return named_type(c, type, symbol, count, args);
  u32 params;
  Ty *builtin = builtin_type(type->name.name->text, &params);
  if (!builtin) return unknown_type(c, type->name);
  if (!type_count(c, type->span, type->name.name->text, params, count)) return ty_basic(TY_ERROR);
  if (!params) return builtin;
  if (builtin->kind == TY_PROMISE) return ty_promise(args[0]);
  plain_args(c, type, args, 1, builtin->kind == TY_LIST ? "List" : "Array");
  return builtin->kind == TY_LIST ? ty_list(args[0]) : ty_array(args[0]);
}

static Ty *type_of_list(Checker *c, TypeExpr *type) {
  u32 count = type->args.count;
  Ty **args = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) args[i] = type_part(c, type->args.items[i]);
  if (type->kind == TYPE_EXPR_TUPLE) return ty_tuple(count, args);
  plain_args(c, type, args, count, "a closure");
  Ty *result = type->result ? type_part(c, type->result) : ty_basic(TY_UNIT);
  if (ty_is_unique(result)) check_plain(c, type->result->span, result, "a closure");
  return ty_fn(count, args, result);
}

// A type, or a part of one.
static Ty *type_part(Checker *c, TypeExpr *type) {
  if (!type) return ty_basic(TY_ERROR);
  if (c->depth > CHECK_DEPTH_LIMIT) {
    check_error(c, DIAG_E0501, type->span, "types are nested too deeply here");
    return ty_basic(TY_ERROR);
  }
  c->depth++;
  Ty *ty = ty_basic(TY_ERROR);
  switch (type->kind) {
    case TYPE_EXPR_NAME: ty = type_by_name(c, type); break;
    case TYPE_EXPR_TUPLE:
    case TYPE_EXPR_FN: ty = type_of_list(c, type); break;
    case TYPE_EXPR_LENT: misplaced_lent(c, type); break;
  }
  c->depth--;
  if (ty->depth > TY_DEPTH_LIMIT) {
    check_error(c, DIAG_E0504, type->span, "this type is nested too deeply");
    return ty_basic(TY_ERROR);
  }
  return ty;
}

// Aliases make large types of few words.
Ty *check_type(Checker *c, TypeExpr *type) {
  Ty *ty = type_part(c, type);
  if (ty_within_limits(ty)) return ty;
  check_error(c, DIAG_E0504, type->span, "this type is too large");
  return ty_basic(TY_ERROR);
}

// ---- Types that the language itself needs ---------------------------------------------------------------------------

static const char *home_of_well_known(const char *name) {
  static const char *homes[][2] = {
      {"Option", "option"}, {"Result", "result"}, {"Range", "range"}, {"Map", "map"}, {"Set", "set"}};
  for (u32 i = 0; i < COUNT_OF(homes); i++) {
    if (strcmp(homes[i][0], name) == 0) return homes[i][1];
  }
  return "prelude";
}

static Symbol *well_known(Checker *c, const char *name, Span at) {
  const Name *interned = name_from(name);
  if (c->module->prelude) return resolve_name(c->module->prelude, SPACE_TYPES, interned);
  Symbol *own = resolve_name(c->module, SPACE_TYPES, interned);
  if (own) return own;
  ModuleAst *home = resolve_library(c->front, c->module, home_of_well_known(name), at);
  return home ? resolve_declared(home, SPACE_TYPES, interned) : NULL;
}

Ty *check_well_known(Checker *c, const char *name, Span at) {
  Symbol *symbol = well_known(c, name, at);
  if (!symbol || symbol->kind != SYMBOL_TYPE) {
    check_error(c, DIAG_E0102, at, "the library has no type `%s`, which this needs", name);
    return ty_basic(TY_ERROR);
  }
  resolve_depend(c->module, symbol->home);
  u32 count = symbol->type->generics.count;
  Ty **args = gc_array(Ty *, count + 1);
  bool carries = ty_carries(symbol->type);
  for (u32 i = 0; i < count; i++) args[i] = carries ? ty_var() : check_plain_var(c, at, name);
  return ty_data(symbol->type, count, args);
}

InterfaceDecl *check_power(Checker *c, const char *name) {
  Symbol *symbol = c->module->prelude ? resolve_name(c->module->prelude, SPACE_TYPES, name_from(name)) : NULL;
  return symbol && symbol->kind == SYMBOL_INTERFACE ? symbol->interface : NULL;
}

// ---- Data types -----------------------------------------------------------------------------------------------------

static void unique_field(Checker *c, const TypeDecl *decl, const FieldDecl *field) {
  Str name = decl->name.name->text;
  Diag *diag = check_error(c, DIAG_E0421, field->type->span, "`%.*s` is a plain type, and can't hold %.*s, which is unique",
                           STR_ARG(name), STR_ARG(ty_text(field->ty)));
  diag_hint(diag, "declare it as `unique type %.*s`", STR_ARG(name));
}

static void complete_data(Checker *c, TypeDecl *decl) {
  DeclInfo *info = info_of(c, &decl->check, &decl->generics);
  c->type_params.count = 0;
  if (decl->alias) {
    alias_type(c, decl);
    if (decl->is_unique) check_error(c, DIAG_E0421, decl->name.span, "an alias is unique if what it stands for is: leave `unique` out");
    return;
  }
  check_enter_type_params(c, &decl->generics, info->params);
  for (u32 i = 0; i < decl->ctors.count; i++) {
    CtorDecl *ctor = decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) {
      FieldDecl *field = &ctor->fields.items[k];
      field->ty = check_type(c, field->type);
      if (!decl->is_unique && ty_is_unique(field->ty)) unique_field(c, decl, field);
      for (u32 earlier = 0; earlier < k && field->name.name; earlier++) {
        if (ctor->fields.items[earlier].name.name != field->name.name) continue;
        check_error(c, DIAG_E0109, field->name.span, "two fields are named `%.*s`", STR_ARG(field->name.name->text));
        break;
      }
    }
  }
  info->state = DECL_DONE;
}

// `is equal` and `is ordered` must be true of the fields.
static void check_deriving(Checker *c, TypeDecl *decl) {
  if (!decl->deriving.name) return;
  bool ordered = str_eq(decl->deriving.name->text, STR("ordered"));
  const Ability *ability = ability_of(&c->unifier, decl, ordered);
  if (!ability->never) return;
  if (decl->is_unique) {
    check_error(c, DIAG_E0209, decl->deriving.span, "unique values are neither equal nor ordered");
    return;
  }
  check_error(c, ordered ? DIAG_E0210 : DIAG_E0209, decl->deriving.span, "`%.*s` can't be %s, because it holds %.*s",
              STR_ARG(decl->name.name->text), ordered ? "ordered" : "equal",
              STR_ARG(ability->blame ? ty_text(ability->blame) : STR("what can't")));
}

// ---- Interfaces -----------------------------------------------------------------------------------------------------

MethodSig *check_method(InterfaceDecl *interface, const Name *name) {
  DeclInfo *info = interface->check;
  return info ? map_get(&info->methods, name) : NULL;
}

static bool same_method(Checker *c, const MethodSig *a, const MethodSig *b) {
  if (a->origin != b->origin || a->param_count != b->param_count || !a->answer != !b->answer) return false;
  for (u32 i = 0; i < a->param_count; i++) {
    if (unify(&c->unifier, a->params[i], b->params[i]) != UNIFY_OK) return false;
  }
  return !a->answer || unify(&c->unifier, a->answer, b->answer) == UNIFY_OK;
}

void check_add_method(Checker *c, InterfaceDecl *decl, MethodSig *sig, Span at) {
  DeclInfo *info = info_of(c, &decl->check, &decl->generics);
  MethodSig *earlier = map_get(&info->methods, sig->name);
  if (earlier) {
    if (sig->origin != decl && same_method(c, earlier, sig)) return;  // included twice
    Diag *diag = check_error(c, DIAG_E0107, at, "interface `%.*s` has two methods named `%.*s`",
                             STR_ARG(decl->name.name->text), STR_ARG(sig->name->text));
    diag_note(diag, earlier->home->source, earlier->span, "the other one");
    return;
  }
  sig->slot = decl->methods.count;
  vec_push(&decl->methods, sig);
  map_put(&info->methods, sig->name, sig);
}

static MethodSig *declared_method(Checker *c, InterfaceDecl *decl, MethodDecl *method) {
  MethodSig *sig = gc_new(MethodSig);
  u32 count = method->params.count;
  *sig = (MethodSig){
      .name = method->name.name, .span = method->name.span, .home = c->module, .param_count = count, .origin = decl};
  sig->params = gc_array(Ty *, count + 1);
  sig->param_names = gc_array(const Name *, count + 1);
  for (u32 i = 0; i < count; i++) {
    FieldDecl *param = &method->params.items[i];
    sig->params[i] = param->ty = check_type(c, param->type);
    sig->param_names[i] = param->name.name;
    for (u32 k = 0; k < i && param->name.name; k++) {
      if (sig->param_names[k] != param->name.name) continue;
      check_error(c, DIAG_E0109, param->name.span, "two parameters are named `%.*s`", STR_ARG(param->name.name->text));
      break;
    }
  }
  if (!method->answer) return sig;
  sig->answer = check_type(c, method->answer);
  if (ty_is(sig->answer, TY_PROMISE)) {
    Diag *diag = check_error(c, DIAG_E0414, method->answer->span, "a message can't answer with a Promise");
    diag_hint(diag, "the sender of a message with `-> T` gets a Promise[T] by itself, and a handler may give one");
  }
  return sig;
}

static void complete_interface(Checker *c, InterfaceDecl *decl);

// Completes an interface in the midst of another one, whose type parameters it must not see.
static void complete_apart(Checker *c, InterfaceDecl *decl) {
  TypeParams outer = c->type_params;
  memset(&c->type_params, 0, sizeof c->type_params);
  complete_interface(c, decl);
  c->type_params = outer;
}

static void include(Checker *c, InterfaceDecl *decl, TypeExpr *included) {
  Ty *ty = check_type(c, included);
  if (ty_bad(ty)) return;
  if (!ty_is(ty, TY_REF)) {
    check_error(c, DIAG_E0418, included->span, "only the methods of an interface can be included, and %.*s is none",
                STR_ARG(ty_text(ty)));
    return;
  }
  InterfaceDecl *from = ty->interface;
  if (from->home == c->module) {
    DeclInfo *info = info_of(c, &from->check, &from->generics);
    if (info->state == DECL_FRESH) complete_apart(c, from);
    if (info->state != DECL_DONE) {
      check_error(c, DIAG_E0418, included->span, "interface `%.*s` includes itself", STR_ARG(from->name.name->text));
      return;
    }
  }
  for (u32 i = 0; i < from->methods.count; i++) {
    MethodSig *sig = gc_new(MethodSig);
    *sig = *from->methods.items[i];
    sig->params = gc_array(Ty *, sig->param_count + 1);
    for (u32 k = 0; k < sig->param_count; k++)
      sig->params[k] = ty_subst(from->methods.items[i]->params[k], ty->args, ty->count);
    if (sig->answer) sig->answer = ty_subst(sig->answer, ty->args, ty->count);
    check_add_method(c, decl, sig, included->span);
  }
}

static void complete_interface(Checker *c, InterfaceDecl *decl) {
  DeclInfo *info = info_of(c, &decl->check, &decl->generics);
  if (info->state != DECL_FRESH || c->depth > CHECK_DEPTH_LIMIT) return;
  info->state = DECL_OPEN;
  c->depth++;
  c->type_params.count = 0;
  check_enter_type_params(c, &decl->generics, info->params);
  for (u32 i = 0; i < decl->items.count; i++) {
    InterfaceItem *item = &decl->items.items[i];
    if (item->include) {
      include(c, decl, item->include);
    } else if (item->method && item->method->name.name) {
      check_add_method(c, decl, declared_method(c, decl, item->method), item->method->name.span);
    }
  }
  info->state = DECL_DONE;
  c->depth--;
}

// ---- Functions -----------------------------------------------------------------------------------------------------

// `&T`: gives T, which must be unique, save where the compiler itself knows what is lent.
static Ty *lent_type(Checker *c, const FnDecl *fn, Param *param) {
  param->lent = true;
  Ty *ty = check_type(c, param->type->args.items[0]);
  Pat *pattern = param->pattern;
  if (pattern && pattern->kind != PAT_NAME && pattern->kind != PAT_WILD)
    check_error(c, DIAG_E0422, pattern->span, "a parameter that is lent is a plain name: it can't be taken apart");
  if (ty_bad(ty) || ty_is_unique(ty) || check_call_kind(fn) != CALL_FN) return ty;
  Diag *diag = check_error(c, DIAG_E0422, param->type->span, "`&` lends unique values, and %.*s is plain", STR_ARG(ty_text(ty)));
  diag_hint(diag, "plain values are passed as they are: leave `&` out");
  return ty;
}

static Ty *param_type(Checker *c, const FnDecl *fn, Param *param) {
  if (!param->type) return ty_var();
  return param->type->kind == TYPE_EXPR_LENT && param->type->args.count ? lent_type(c, fn, param) : check_type(c, param->type);
}

void check_declare_fn(Checker *c, FnDecl *fn) {
  Node *node = gc_new(Node);
  node->kind = NODE_FN;
  node->fn = fn;
  node->written = fn->generics.count;
  node->params = make_params(c, &fn->generics);
  node->annotated = fn->result || !fn->block;
  fn->check = node;
  fn->home = c->module;
  u32 mark = c->type_params.count;
  check_enter_type_params(c, &fn->generics, node->params);
  Ty **params = gc_array(Ty *, fn->params.count + 1);
  for (u32 i = 0; i < fn->params.count; i++) {
    Param *param = &fn->params.items[i];
    bool missing = fn->is_pub && !param->type;
    if (missing && param->pattern) {
      Diag *diag = check_error(c, DIAG_E0010, param->pattern->span, "a parameter of a `pub fn` carries its type");
      diag_hint(diag, "other modules rely on it: write `name: Type`");
    }
    params[i] = param->ty = missing ? ty_basic(TY_ERROR) : param_type(c, fn, param);
    node->annotated &= param->type != NULL;
  }
  fn->result_ty = fn->result ? check_type(c, fn->result) : fn->block ? ty_var() : ty_basic(TY_UNIT);
  c->type_params.count = mark;
  fn->type = ty_fn(fn->params.count, params, fn->result_ty);
  fn->generic_count = node->written;
  if (!fn->block) {
    effects_of_native(fn);
    return;
  }
  fn->body = check_body_new(c, fn->actor ? BODY_HELPER : BODY_FN);
  fn->body->fn = fn;
  fn->body->result = fn->result_ty;
}

static void declare_actor(Checker *c, ActorDecl *actor) {
  Node *node = gc_new(Node);
  node->kind = NODE_ACTOR;
  node->actor = actor;
  node->annotated = true;
  node->written = actor->generics.count;
  node->params = make_params(c, &actor->generics);
  actor->check = node;
  actor->generic_count = node->written;
  if (actor->implements.count) return;
  InterfaceDecl *own = gc_new(InterfaceDecl);
  *own = (InterfaceDecl){.name = actor->name, .span = actor->span, .doc = actor->doc, .is_pub = actor->is_pub};
  own->generics.items = actor->generics.items;
  own->generics.count = own->generics.capacity = actor->generics.count;
  own->home = c->module;
  actor->own = own;
  DeclInfo *info = info_of(c, &own->check, &own->generics);
  info->state = DECL_DONE;
  vec_push(&c->module->interfaces, own);
}

void check_declarations(Checker *c) {
  ModuleAst *m = c->module;
  u32 interfaces = m->interfaces.count;
  for (u32 i = 0; i < m->types.count; i++) info_of(c, &m->types.items[i]->check, &m->types.items[i]->generics);
  for (u32 i = 0; i < m->actors.count; i++) declare_actor(c, m->actors.items[i]);
  for (u32 i = 0; i < m->types.count; i++) complete_data(c, m->types.items[i]);
  for (u32 i = 0; i < m->actors.count; i++) check_actor_signature(c, node_of_actor(m->actors.items[i]));
  for (u32 i = 0; i < interfaces; i++) complete_interface(c, m->interfaces.items[i]);
  c->type_params.count = 0;
  for (u32 i = 0; i < m->types.count; i++) check_deriving(c, m->types.items[i]);
  for (u32 i = 0; i < m->fns.count; i++) {
    check_declare_fn(c, m->fns.items[i]);
    vec_push(&c->nodes, node_of_fn(m->fns.items[i]));
  }
  for (u32 i = 0; i < m->consts.count; i++) {
    Node *node = gc_new(Node);
    node->kind = NODE_CONST;
    node->constant = m->consts.items[i];
    m->consts.items[i]->check = node;
    vec_push(&c->nodes, node);
  }
  for (u32 i = 0; i < m->actors.count; i++) vec_push(&c->nodes, node_of_actor(m->actors.items[i]));
}
