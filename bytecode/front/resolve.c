// Filling and asking a module's tables of names: see resolve.h.
#include "bytecode/front/resolve.h"

// ---- Asking ---------------------------------------------------------------------------------------------------------

static PtrMap *space_of(ModuleAst *module, Space space) {
  switch (space) {
    case SPACE_VALUES: return &module->values;
    case SPACE_TYPES: return &module->type_names;
    case SPACE_CTORS: return &module->ctor_names;
  }
  return NULL;
}

// The prelude's names that are declared in `supervisor`, which uses the prelude itself: it is loaded when one of them is asked for.
static Symbol *supervision_name(ModuleAst *module, Space space, const Name *name) {
  static const char *const names[] = {"child", "supervise", "Child", "Supervisor"};
  for (u32 i = 0; i < COUNT_OF(names); i++) {
    if (!str_eq(name->text, str_from(names[i]))) continue;
    ModuleAst *home = module->front->load(module->front, STR("supervisor"), module, (Span){0});
    return home ? resolve_declared(home, space, name) : NULL;
  }
  return NULL;
}

Symbol *resolve_name(ModuleAst *module, Space space, const Name *name) {
  Symbol *symbol = map_get(space_of(module, space), name);
  if (symbol || !module->prelude) return symbol;
  symbol = map_get(space_of(module->prelude, space), name);
  if (!symbol) symbol = supervision_name(module, space, name);
  return symbol && (symbol->is_pub || symbol->import) ? symbol : NULL;
}

Symbol *resolve_declared(ModuleAst *home, Space space, const Name *name) {
  Symbol *symbol = map_get(space_of(home, space), name);
  return symbol && !symbol->import ? symbol : NULL;
}

bool resolve_promised(const ModuleAst *module, const Name *name) {
  for (u32 i = 0; i < module->imports.count; i++) {
    const ImportDecl *import = module->imports.items[i];
    for (u32 k = 0; k < import->names.count; k++) {
      if (import->names.items[k].name == name) return true;
    }
  }
  return false;
}

bool resolve_allowed(const ModuleAst *module, const Symbol *symbol) {
  if (symbol->home == module) return true;
  if (symbol->kind == SYMBOL_CTOR && symbol->ctor->owner->is_opaque) return false;
  return symbol->is_pub;
}

ImportDecl *resolve_qualifier(ModuleAst *module, const Name *name) { return map_get(&module->module_names, name); }

void resolve_depend(ModuleAst *user, ModuleAst *home) {
  if (user == home || !home) return;
  for (u32 i = user->depends.count; i-- > 0;) {
    if (user->depends.items[i] == home) return;
  }
  vec_push(&user->depends, home);
}

ModuleAst *resolve_library(Front *front, ModuleAst *user, const char *name, Span at) {
  ModuleAst *home = front->load(front, str_from(name), user, at);
  if (home) resolve_depend(user, home);
  return home;
}

bool resolve_is_implicit(const Name *name) { return str_eq(name->text, STR("array")) || str_eq(name->text, STR("buf")); }

ImportDecl *resolve_implicit(Front *front, ModuleAst *user, const Name *name, Span at) {
  if (!resolve_is_implicit(name) || resolve_name(user, SPACE_VALUES, name)) return NULL;
  ImportDecl *import = gc_new(ImportDecl);
  *import = (ImportDecl){.path = name->text, .span = at, .used = true};
  import->module = resolve_library(front, user, str_eq(name->text, STR("buf")) ? "buf" : "array", at);
  map_put(&user->module_names, name, import);
  return import;
}

FnDecl *resolve_function(ModuleAst *home, const char *name) {
  Symbol *symbol = resolve_declared(home, SPACE_VALUES, name_from(name));
  return symbol && symbol->kind == SYMBOL_FN ? symbol->fn : NULL;
}

static void offer_all(PtrMap *map, bool public_only, Nearest *nearest) {
  for (u32 i = 0; i < map->capacity; i++) {
    if (!map->keys[i]) continue;
    Symbol *symbol = map->values[i];
    if (!public_only || symbol->is_pub || symbol->import) nearest_offer(nearest, symbol->name->text);
  }
}

void resolve_offer(ModuleAst *module, Space space, Nearest *nearest) {
  offer_all(space_of(module, space), false, nearest);
  if (module->prelude) offer_all(space_of(module->prelude, space), true, nearest);
}

// ---- Own declarations -----------------------------------------------------------------------------------------------

static void twice(Front *front, ModuleAst *module, const Symbol *earlier, Ident name) {
  Diag *diag = diag_add(front->diags, DIAG_E0107, module->source, name.span, "`%.*s` is already declared in this module",
                        STR_ARG(name.name->text));
  Span first = earlier->import ? earlier->import->span : earlier->span;
  diag_note(diag, module->source, first, earlier->import ? "imported here" : "first declared here");
}

static Symbol *declare(Front *front, ModuleAst *module, Space space, SymbolKind kind, Ident name, bool is_pub) {
  Symbol *symbol = gc_new(Symbol);
  *symbol = (Symbol){.kind = kind, .is_pub = is_pub, .name = name.name, .home = module, .span = name.span};
  if (!name.name) return symbol;
  Symbol *earlier = map_get(space_of(module, space), name.name);
  if (earlier) {
    twice(front, module, earlier, name);
  } else {
    map_put(space_of(module, space), name.name, symbol);
  }
  return symbol;
}

static void declare_type(Front *front, ModuleAst *module, TypeDecl *decl) {
  decl->home = module;
  declare(front, module, SPACE_TYPES, SYMBOL_TYPE, decl->name, decl->is_pub)->type = decl;
  for (u32 i = 0; i < decl->ctors.count; i++) {
    CtorDecl *ctor = decl->ctors.items[i];
    ctor->owner = decl;
    ctor->index = i;
    declare(front, module, SPACE_CTORS, SYMBOL_CTOR, ctor->name, decl->is_pub)->ctor = ctor;
  }
}

static void declare_constant_name(Front *front, ModuleAst *module, ConstDecl *decl, Ident name) {
  ConstItem *item = gc_new(ConstItem);
  item->decl = decl;
  vec_push(&decl->items, item);
  declare(front, module, SPACE_VALUES, SYMBOL_CONST, name, decl->is_pub)->constant = item;
}

// In the order in which the checker binds them.
static void declare_constants(Front *front, ModuleAst *module, ConstDecl *decl, Pat *pattern) {
  if (!pattern) return;
  if (pat_binds(pattern)) declare_constant_name(front, module, decl, pattern->name);
  for (u32 i = 0; i < pat_part_count(pattern); i++) {
    declare_constants(front, module, decl, pat_part(pattern, i));
  }
}

static void declare_own(Front *front, ModuleAst *module) {
  for (u32 i = 0; i < module->types.count; i++) declare_type(front, module, module->types.items[i]);
  for (u32 i = 0; i < module->interfaces.count; i++) {
    InterfaceDecl *decl = module->interfaces.items[i];
    decl->home = module;
    declare(front, module, SPACE_TYPES, SYMBOL_INTERFACE, decl->name, decl->is_pub)->interface = decl;
  }
  for (u32 i = 0; i < module->actors.count; i++) {
    ActorDecl *decl = module->actors.items[i];
    decl->home = module;
    declare(front, module, SPACE_TYPES, SYMBOL_ACTOR, decl->name, decl->is_pub)->actor = decl;
  }
  for (u32 i = 0; i < module->fns.count; i++) {
    FnDecl *decl = module->fns.items[i];
    decl->home = module;
    declare(front, module, SPACE_VALUES, SYMBOL_FN, decl->name, decl->is_pub)->fn = decl;
  }
  for (u32 i = 0; i < module->consts.count; i++) {
    ConstDecl *decl = module->consts.items[i];
    decl->home = module;
    declare_constants(front, module, decl, decl->pattern);
  }
}

// ---- Imports --------------------------------------------------------------------------------------------------------

// Appends the parts of `path` to the stack of parts, `.` and `..` worked out; counts the `..` that lead out of it.
static void push_parts(Str path, Str *parts, u32 *count, u32 limit, u32 *outside) {
  for (size_t at = 0; at <= path.len;) {
    const char *slash = memchr(path.ptr + at, '/', path.len - at);
    size_t end = slash ? (size_t)(slash - path.ptr) : path.len;
    Str part = {path.ptr + at, end - at};
    at = end + 1;
    if (part.len == 0 || str_eq(part, STR("."))) continue;
    if (!str_eq(part, STR(".."))) {
      if (*count < limit) parts[(*count)++] = part;
    } else if (*count) {
      (*count)--;
    } else {
      ++*outside;
    }
  }
}

// "./util" in module "./lib/a" is "./lib/util"; in the library's "net/http" it is "net/util".
static Str canonical_name(ModuleAst *importer, Str path) {
  if (!str_starts_with(path, STR("./")) && !str_starts_with(path, STR("../"))) return path;
  Str parts[256];
  u32 count = 0, outside = 0;
  Str name = importer->name;
  size_t folder = name.len;
  while (folder && name.ptr[folder - 1] != '/') folder--;
  while (str_starts_with(name, STR("../"))) {
    outside++;
    name = (Str){name.ptr + 3, name.len - 3};
    folder = folder >= 3 ? folder - 3 : 0;
  }
  push_parts((Str){name.ptr, folder}, parts, &count, COUNT_OF(parts), &outside);
  push_parts(path, parts, &count, COUNT_OF(parts), &outside);
  Text text = {0};
  for (u32 i = 0; i < outside; i++) text_add(&text, STR("../"));
  if (!outside && !importer->source->library) text_add(&text, STR("./"));
  for (u32 i = 0; i < count; i++) {
    if (i) text_char(&text, '/');
    text_add(&text, parts[i]);
  }
  return text_str(&text);
}

static const Name *qualifier_of(const ImportDecl *import) {
  if (import->alias.name) return import->alias.name;
  Str path = import->path;
  size_t start = path.len;
  while (start && path.ptr[start - 1] != '/') start--;
  return name_of((Str){path.ptr + start, path.len - start});
}

static void import_symbol(Front *front, ModuleAst *module, ImportDecl *import, Space space, const Symbol *found,
                          Ident name) {
  Symbol *earlier = map_get(space_of(module, space), name.name);
  if (earlier) {
    if (earlier->import && earlier->home == found->home) return;
    if (space != SPACE_CTORS || earlier->import) twice(front, module, earlier, name);
    return;
  }
  Symbol *symbol = gc_new(Symbol);
  *symbol = *found;
  symbol->import = import;
  map_put(space_of(module, space), name.name, symbol);
}

static void import_ctors(Front *front, ModuleAst *module, ImportDecl *import, TypeDecl *type, Ident at) {
  for (u32 i = 0; i < type->ctors.count; i++) {
    Ident name = {type->ctors.items[i]->name.name, at.span};
    Symbol *ctor = name.name ? resolve_declared(import->module, SPACE_CTORS, name.name) : NULL;
    if (ctor && resolve_allowed(module, ctor)) import_symbol(front, module, import, SPACE_CTORS, ctor, name);
  }
}

static void absent(Front *front, ModuleAst *module, ImportDecl *import, Ident name, bool upper) {
  Diag *diag = diag_add(front->diags, DIAG_E0108, module->source, name.span, "module `%.*s` has no `%.*s`",
                        STR_ARG(import->path), STR_ARG(name.name->text));
  Symbol *ctor = upper ? resolve_declared(import->module, SPACE_CTORS, name.name) : NULL;
  if (ctor) {
    Str type = ctor->ctor->owner->name.name->text;
    diag_hint(diag, "`%.*s` is a constructor: importing its type `%.*s` brings it", STR_ARG(name.name->text), STR_ARG(type));
    return;
  }
  Nearest nearest = {.wanted = name.name->text};
  offer_all(space_of(import->module, upper ? SPACE_TYPES : SPACE_VALUES), true, &nearest);
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

static void import_name(Front *front, ModuleAst *module, ImportDecl *import, Ident name) {
  if (!name.name || !name.name->text.len) return;
  bool upper = name.name->text.ptr[0] >= 'A' && name.name->text.ptr[0] <= 'Z';
  Space space = upper ? SPACE_TYPES : SPACE_VALUES;
  Symbol *symbol = resolve_declared(import->module, space, name.name);
  if (!symbol) {
    absent(front, module, import, name, upper);
    return;
  }
  if (!symbol->is_pub) {
    Diag *diag = diag_add(front->diags, DIAG_E0106, module->source, name.span, "`%.*s` is private to module `%.*s`",
                          STR_ARG(name.name->text), STR_ARG(import->path));
    diag_note(diag, symbol->home->source, symbol->span, "declared here without `pub`");
  }
  import_symbol(front, module, import, space, symbol, name);
  if (symbol->kind == SYMBOL_TYPE) import_ctors(front, module, import, symbol->type, name);
}

static void import_module(Front *front, ModuleAst *module, ImportDecl *import) {
  import->module = front->load(front, canonical_name(module, import->path), module, import->span);
  if (import->module == module) {
    diag_add(front->diags, DIAG_E0105, module->source, import->span, "this module imports itself");
    import->module = NULL;
  }
  const Name *qualifier = qualifier_of(import);
  ImportDecl *earlier = map_get(&module->module_names, qualifier);
  if (earlier && earlier->module != import->module) {
    Diag *diag = diag_add(front->diags, DIAG_E0107, module->source, import->span, "two imports are named `%.*s`",
                          STR_ARG(qualifier->text));
    diag_note(diag, module->source, earlier->span, "the other one");
    diag_hint(diag, "give one another name: `import %.*s as other`", STR_ARG(import->path));
  } else if (!earlier) {
    map_put(&module->module_names, qualifier, import);
  }
  if (!import->module) return;
  resolve_depend(module, import->module);
  for (u32 i = 0; i < import->names.count; i++) import_name(front, module, import, import->names.items[i]);
}

bool resolve_declare(Front *front, ModuleAst *module) {
  bool complete = true;
  declare_own(front, module);
  for (u32 i = 0; i < module->imports.count; i++) {
    import_module(front, module, module->imports.items[i]);
    complete &= module->imports.items[i]->module != NULL;
  }
  return complete;
}
