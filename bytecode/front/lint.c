// Warnings: names, imports and declarations without a use, code that never runs, variables that never vary. See lint.h.
//
// The checker has noted of every local whether it is read and assigned. Which declarations are used is found here, by a
// walk over the checked tree: a declaration that only names itself is not used. Only what the checker documents as a
// node's children is followed, since a node that it has rewritten may still hold the old ones.
#include "bytecode/front/lint.h"

#include "bytecode/front/resolve.h"

typedef struct Linter {
  ModuleAst *module;
  Diags *diags;
  PtrMap used;          // FnDecl, TypeDecl or ConstDecl that something else names
  PtrMap called;        // Name of every function that is called
  const void *current;  // the declaration being walked
  bool of_main;         // its parameters are being walked, and it is `main`
} Linter;

static void walk(Linter *l, Expr *e);

static void mark(Linter *l, const void *decl) {
  if (decl && decl != l->current) map_put(&l->used, decl, l);
}

static bool silent(Str name) { return name.len && name.ptr[0] == '_'; }

// ---- Locals ---------------------------------------------------------------------------------------------------------

static void lint_local(Linter *l, const Local *local, bool used, const char *what) {
  Str name = local->name->text;
  if (silent(name) || local->span.end <= local->span.start) return;
  if (!used) {
    const char *never = local->assigned ? "is assigned, but never read" : "is never used";
    Diag *diag = diag_add(l->diags, DIAG_W0001, l->module->source, local->span, "%s `%.*s` %s", what, STR_ARG(name), never);
    if (l->of_main) diag_hint(diag, "remove it, and the program asks for one thing less");
    else diag_hint(diag, "if that is meant, call it `_%.*s`", STR_ARG(name));
  } else if ((local->kind == LOCAL_VAR || local->kind == LOCAL_STATE_VAR) && !local->assigned) {
    Diag *diag = diag_add(l->diags, DIAG_W0005, l->module->source, local->span, "the variable `%.*s` is never assigned", STR_ARG(name));
    diag_hint(diag, "declare it with `let`");
  }
}

// `guard`: locals that bind the same names for a guard, where either may be used.
static void lint_pattern(Linter *l, Pat *pat, const char *what, HandlerDecl *guard) {
  if (!pat) return;
  if (pat_binds(pat) && pat->local) {
    bool used = pat->local->used;
    for (u32 i = 0; guard && i < guard->guard_params.count; i++) {
      Local *twin = guard->guard_params.items[i];
      used |= twin->used && twin->name == pat->local->name;
    }
    lint_local(l, pat->local, used, what);
  }
  if (pat->kind == PAT_CTOR && pat->ctor) mark(l, pat->ctor->owner);
  for (u32 i = 0; i < pat_part_count(pat); i++) lint_pattern(l, pat_part(pat, i), what, guard);
}

// ---- Types ----------------------------------------------------------------------------------------------------------

static void walk_type(Linter *l, TypeExpr *type) {
  if (!type) return;
  if (type->kind == TYPE_EXPR_NAME && !type->module.name && type->name.name) {
    Symbol *symbol = resolve_declared(l->module, SPACE_TYPES, type->name.name);
    if (symbol && symbol->kind == SYMBOL_TYPE) mark(l, symbol->type);
  }
  for (u32 i = 0; i < type->args.count; i++) walk_type(l, type->args.items[i]);
  walk_type(l, type->result);
}

static void walk_params(Linter *l, Params *params, const char *what, HandlerDecl *guard, bool quiet) {
  for (u32 i = 0; i < params->count; i++) {
    walk_type(l, params->items[i].type);
    if (!quiet) lint_pattern(l, params->items[i].pattern, what, guard);
  }
}

// ---- Code that never runs -------------------------------------------------------------------------------------------

static bool leaves(const Expr *e) {
  if (!e) return false;
  switch ((u32)e->kind) {
    case EX_RETURN: case EX_CRASH: case EX_BREAK: case EX_CONTINUE: case EX_STOP: return true;
    case EX_BLOCK:
      for (u32 i = 0; i < e->items.count; i++)
        if (leaves(e->items.items[i])) return true;
      return false;
    case EX_IF: return e->otherwise && leaves(e->then) && leaves(e->otherwise);
    case EX_MATCH:
      for (u32 i = 0; i < e->arms.count; i++)
        if (!leaves(e->arms.items[i].value)) return false;
      return e->arms.count > 0;
    default: return false;
  }
}

static void walk_block(Linter *l, Expr *e) {
  bool told = false;
  for (u32 i = 0; i < e->items.count; i++) {
    Expr *statement = e->items.items[i];
    walk(l, statement);
    if (told || i + 1 == e->items.count || !leaves(statement)) continue;
    told = true;
    Diag *diag = diag_add(l->diags, DIAG_W0004, l->module->source, e->items.items[i + 1]->span, "this never runs");
    diag_note(diag, l->module->source, statement->span, "this always leaves");
  }
}

// ---- Expressions ----------------------------------------------------------------------------------------------------

static void walk_arms(Linter *l, Expr *e) {
  walk(l, e->object);
  for (u32 i = 0; i < e->arms.count; i++) {
    lint_pattern(l, e->arms.items[i].pattern, "the name", NULL);
    walk(l, e->arms.items[i].guard);
    walk(l, e->arms.items[i].value);
  }
}

static void walk_name(Linter *l, Expr *e) {
  if (e->ref == REF_FN) mark(l, e->fn);
  if (e->ref == REF_CTOR && e->ctor) mark(l, e->ctor->owner);
  if (e->ref == REF_CONST && e->constant) mark(l, e->constant->decl);
}

static void walk_type_args(Linter *l, const TypeArgs *types) {
  for (u32 i = 0; types && i < types->count; i++) walk_type(l, types->items[i]);
}

static void walk_call(Linter *l, Expr *e) {
  if (e->call == CALL_FN) mark(l, e->fn);
  if (e->call == CALL_CTOR && e->ctor) mark(l, e->ctor->owner);
  if (e->name.name) map_put(&l->called, e->name.name, l);
  walk_type_args(l, e->type_args);
}

static void walk_child(void *linter, Expr *child) { walk(linter, child); }

// The kinds with something to look at; of the others only the parts matter.
static void walk(Linter *l, Expr *e) {
  if (!e) return;
  switch ((u32)e->kind) {
    case EX_NAME: walk_name(l, e); return;
    case EX_BLOCK: walk_block(l, e); return;
    case EX_MATCH: case EX_WHEN: walk_arms(l, e); return;
    case EX_CALL: walk_call(l, e); break;
    case EX_INST: walk_type_args(l, e->type_args); break;
    case EX_AS: walk_type(l, e->type_expr); break;
    case EX_FOR: lint_pattern(l, e->pattern, "the name", NULL); break;
    case EX_FN:
      walk_params(l, &e->params, "the parameter", NULL, false);
      walk_type(l, e->type_expr);
      break;
    case EX_LET:
      lint_pattern(l, e->pattern, "the name", NULL);
      walk_type(l, e->type_expr);
      break;
  }
  expr_visit(e, walk_child, l);
}

// ---- Declarations ---------------------------------------------------------------------------------------------------

static void walk_fn(Linter *l, FnDecl *fn) {
  l->current = fn;
  bool quiet = !fn->block || (l->module->script && fn == l->module->main);
  l->of_main = fn == l->module->main;
  walk_params(l, &fn->params, "the parameter", NULL, quiet);
  l->of_main = false;
  walk_type(l, fn->result);
  walk(l, fn->block);
  l->current = NULL;
}

static void walk_actor(Linter *l, ActorDecl *actor) {
  walk_params(l, &actor->params, "the parameter", NULL, false);
  for (u32 i = 0; i < actor->implements.count; i++) walk_type(l, actor->implements.items[i]);
  for (u32 i = 0; i < actor->state.count; i++) {
    StateMember *member = &actor->state.items[i];
    lint_pattern(l, member->pattern, "the state", NULL);
    walk_type(l, member->type);
    walk(l, member->value);
  }
  for (u32 i = 0; i < actor->helpers.count; i++) walk_fn(l, actor->helpers.items[i]);
  for (u32 i = 0; i < actor->handlers.count; i++) {
    HandlerDecl *handler = actor->handlers.items[i];
    walk_params(l, &handler->params, "the parameter", handler, false);
    walk_type(l, handler->answer);
    walk(l, handler->guard);
    walk(l, handler->block);
  }
}

static void walk_declared_types(Linter *l) {
  ModuleAst *module = l->module;
  for (u32 i = 0; i < module->types.count; i++) {
    TypeDecl *decl = module->types.items[i];
    l->current = decl;
    walk_type(l, decl->alias);
    for (u32 c = 0; c < decl->ctors.count; c++)
      for (u32 f = 0; f < decl->ctors.items[c]->fields.count; f++) walk_type(l, decl->ctors.items[c]->fields.items[f].type);
  }
  l->current = NULL;
  for (u32 i = 0; i < module->interfaces.count; i++) {
    InterfaceDecl *decl = module->interfaces.items[i];
    for (u32 k = 0; k < decl->items.count; k++) {
      walk_type(l, decl->items.items[k].include);
      MethodDecl *method = decl->items.items[k].method;
      if (!method) continue;
      for (u32 f = 0; f < method->params.count; f++) walk_type(l, method->params.items[f].type);
      walk_type(l, method->answer);
    }
  }
}

static void walk_module(Linter *l) {
  ModuleAst *module = l->module;
  walk_declared_types(l);
  for (u32 i = 0; i < module->consts.count; i++) {
    ConstDecl *decl = module->consts.items[i];
    l->current = decl;
    walk_type(l, decl->type);
    walk(l, decl->value);
    l->current = NULL;
  }
  for (u32 i = 0; i < module->fns.count; i++) walk_fn(l, module->fns.items[i]);
  for (u32 i = 0; i < module->actors.count; i++) walk_actor(l, module->actors.items[i]);
  for (u32 i = 0; i < module->tests.count; i++) walk(l, module->tests.items[i]->block);
}

static void unused(Linter *l, const void *decl, Ident name, const char *what) {
  if (map_get(&l->used, decl) || silent(name.name->text)) return;
  Diag *diag = diag_add(l->diags, DIAG_W0003, l->module->source, name.span, "the %s `%.*s` is never used", what, STR_ARG(name.name->text));
  diag_hint(diag, "remove it, or export it with `pub`");
}

static void lint_declarations(Linter *l) {
  ModuleAst *module = l->module;
  for (u32 i = 0; i < module->imports.count; i++)
    if (!module->imports.items[i]->used)
      diag_add(l->diags, DIAG_W0002, module->source, module->imports.items[i]->span, "this import is never used");
  for (u32 i = 0; i < module->fns.count; i++) {
    FnDecl *fn = module->fns.items[i];
    bool dotted = map_get(&l->called, fn->name.name) && !map_get(&l->used, fn);
    if (!fn->is_pub && fn != module->main && fn->block && !dotted) unused(l, fn, fn->name, "function");
  }
  for (u32 i = 0; i < module->types.count; i++)
    if (!module->types.items[i]->is_pub) unused(l, module->types.items[i], module->types.items[i]->name, "type");
  for (u32 i = 0; i < module->consts.count; i++) {
    ConstDecl *decl = module->consts.items[i];
    if (!decl->is_pub && decl->pattern->kind == PAT_NAME) unused(l, decl, decl->pattern->name, "constant");
  }
  for (u32 i = 0; i < module->actors.count; i++)
    for (u32 k = 0; k < module->actors.items[i]->helpers.count; k++)
      unused(l, module->actors.items[i]->helpers.items[k], module->actors.items[i]->helpers.items[k]->name, "helper");
}

void lint_module(ModuleAst *module, Diags *diags) {
  if (diags->errors || module->source->library) return;
  Linter l = {.module = module, .diags = diags};
  walk_module(&l);
  lint_declarations(&l);
}
