// Entries of the module's tables: the checker's types as module types, and declarations, own and imported, as rows.
//
// An entry is promised (its index is known) before it is filled, since types refer to each other; gen_fill() works the
// promises off without recursion. Every public function here leaves no promise open, so code can look at any entry.
#include "bytecode/front/gen_fn.h"

void gen_limit(Gen *gen, DiagCode code, Span span, const char *format, ...) {
  va_list args;
  va_start(args, format);
  diag_vadd(gen->diags, code, gen->ast->source, span, format, args);
  va_end(args);
}

const Type *type_of(const Gen *gen, TypeId type) { return &gen->module->types.items[type]; }

TypeId type_boxed(const Gen *gen, TypeId type) {
  if (type == gen->t_int) return gen->t_vint;
  if (type == gen->t_float) return gen->t_vfloat;
  return type;
}

// ---- Types ----------------------------------------------------------------------------------------------------------

static u32 promise(Gen *gen, EntryKind kind, void *decl);

static TypeId basic_type(Gen *gen, const Ty *ty) {
  switch (ty->kind) {
    case TY_INT: return gen->t_vint;
    case TY_FLOAT: return gen->t_vfloat;
    case TY_BOOL: return gen->t_bool;
    case TY_STRING: return gen->t_string;
    case TY_BYTES: return gen->t_bytes;
    case TY_DURATION: return gen->t_duration;
    case TY_TIME: return gen->t_time;
    case TY_BUF: return module_type(gen->module, TYPE_BUF, 0, 0, NULL);
    case TY_PARAM: return module_type(gen->module, TYPE_VAR, ty->index, 0, NULL);
    case TY_UNIT: case TY_VAR: case TY_NEVER: case TY_ERROR: return gen->t_unit;
    case TY_LIST: case TY_PROMISE: case TY_TUPLE: case TY_FN: case TY_DATA: case TY_REF: case TY_ARRAY: break;
  }
  return gen->t_unit;
}

static TypeId map_type(Gen *gen, Ty *ty) {
  ty = ty_resolve(ty);
  TypeKind kind;
  u32 index = 0;
  switch ((int)ty->kind) {
    case TY_LIST: kind = TYPE_LIST; break;
    case TY_PROMISE: kind = TYPE_PROMISE; break;
    case TY_ARRAY: kind = TYPE_ARRAY; break;
    case TY_TUPLE: kind = TYPE_TUPLE; break;
    case TY_FN: kind = TYPE_FN; break;
    case TY_DATA: kind = TYPE_DATA; index = promise(gen, ENTRY_DATA, ty->decl); break;
    case TY_REF: kind = TYPE_REF; index = promise(gen, ENTRY_INTERFACE, ty->interface); break;
    default: return basic_type(gen, ty);
  }
  uintptr_t known = (uintptr_t)map_get(&gen->types, ty);
  if (known) return (TypeId)(known - 1);
  if (ty->count > LIMIT_TYPE_ARGS || gen->type_depth >= LIMIT_TYPE_DEPTH) {
    gen_limit(gen, DIAG_E0512, (Span){gen->line_start, gen->line_start},  // of the code being made, if any
              "a type of this module is too large: nested deeper than 64 levels, or with more than 255 parts");
    gen->type_refused = gen->emit.exhausted = true;
    gen->emit.reachable = false;
    return gen->t_unit;
  }
  gen->type_depth++;
  TypeId args[LIMIT_TYPE_ARGS];
  for (u32 i = 0; i < ty->count; i++) args[i] = map_type(gen, ty->args[i]);
  gen->type_depth--;
  TypeId id = module_type(gen->module, kind, index, ty->count, args);
  map_put(&gen->types, ty, (void *)(uintptr_t)(id + 1));
  return id;
}

TypeId gen_type(Gen *gen, Ty *ty) {
  TypeId id = map_type(gen, ty);
  if (gen->unfilled.count) gen_fill(gen);
  return id;
}

static TypeId map_raw_type(Gen *gen, Ty *ty) {
  TyKind kind = ty_resolve(ty)->kind;
  return kind == TY_INT ? gen->t_int : kind == TY_FLOAT ? gen->t_float : map_type(gen, ty);
}

TypeId gen_raw_type(Gen *gen, Ty *ty) {
  TypeId id = map_raw_type(gen, ty);
  if (gen->unfilled.count) gen_fill(gen);
  return id;
}

TypeListId gen_identity(Gen *gen, u32 count) {
  if (!count) return 0;
  TypeId *items = gc_array(TypeId, count);
  for (u32 i = 0; i < count; i++) items[i] = module_type(gen->module, TYPE_VAR, i, 0, NULL);
  return module_typelist(gen->module, count, items);
}

TypeId gen_subst(Gen *gen, TypeId type, TypeListId args) {
  if (!args) return type;
  return module_type_subst(gen->module, type, gen->module->typelists.items[args]);
}

TypeId gen_inside(Gen *gen, TypeId type, TypeId owner) {
  const Type *t = type_of(gen, owner);
  return t->count ? module_type_subst(gen->module, type, (TypeList){t->count, t->args}) : type;
}

TypeListId gen_args_of(Gen *gen, TypeId type) {
  const Type *t = type_of(gen, type);
  return t->count ? module_typelist(gen->module, t->count, t->args) : 0;
}

Generics gen_generics(u32 count, const u8 *constraints) {
  bool any = false;
  for (u32 i = 0; constraints && i < count; i++) any = any || constraints[i];
  return (Generics){count, any ? constraints : NULL};
}

// ---- Filling entries ------------------------------------------------------------------------------------------------

static u32 home_of(Gen *gen, ModuleAst *home) {
  return !home || home == gen->ast ? (u32)IMPORT_NONE : module_import(gen->module, home->name);
}

static void fill_data(Gen *gen, u32 index, TypeDecl *decl) {
  u32 count = decl->ctors.count;
  if (count > LIMIT_CTORS)
    gen_limit(gen, DIAG_E0514, decl->name.span, "`%.*s` has more than 4,096 constructors", STR_ARG(decl->name.name->text));
  Ctor *ctors = gc_array(Ctor, count);
  for (u32 i = 0; i < count; i++) {
    CtorDecl *ctor = decl->ctors.items[i];
    if (ctor->fields.count > LIMIT_PARAMS)
      gen_limit(gen, DIAG_E0514, ctor->name.span, "`%.*s` has more than 255 fields", STR_ARG(ctor->name.name->text));
    Field *fields = gc_array(Field, ctor->fields.count);
    for (u32 k = 0; k < ctor->fields.count; k++) {
      FieldDecl *field = &ctor->fields.items[k];
      fields[k] = (Field){field->name.name->text, map_raw_type(gen, field->ty)};
    }
    ctors[i] = (Ctor){ctor->name.name->text, ctor->fields.count, fields};
  }
  u8 declared = 0;
  if (decl->is_opaque && decl->deriving.name)
    declared = str_eq(decl->deriving.name->text, STR("ordered")) ? CONSTRAINT_ORDERED | CONSTRAINT_EQUAL : CONSTRAINT_EQUAL;
  gen->module->datas.items[index] = (DataDef){
      .name = decl->name.name->text, .import = home_of(gen, decl->home), .exported = decl->is_pub && decl->home == gen->ast,
      .opaque = decl->is_opaque, .unique = decl->is_unique, .declared = declared, .generics = gen_generics(decl->generics.count, NULL),
      .ctor_count = count, .ctors = ctors};
}

static void fill_interface(Gen *gen, u32 index, InterfaceDecl *decl) {
  if (decl->methods.count > LIMIT_METHODS)
    gen_limit(gen, DIAG_E0514, decl->name.span, "`%.*s` has more than 4,096 methods", STR_ARG(decl->name.name->text));
  Method *methods = gc_array(Method, decl->methods.count);
  for (u32 i = 0; i < decl->methods.count; i++) {
    MethodSig *sig = decl->methods.items[i];
    if (sig->param_count > LIMIT_PARAMS)
      gen_limit(gen, DIAG_E0514, decl->name.span, "`%.*s.%.*s` has more than 255 parameters", STR_ARG(decl->name.name->text),
                STR_ARG(sig->name->text));
    Field *params = gc_array(Field, sig->param_count);
    for (u32 k = 0; k < sig->param_count; k++) {
      const Name *name = sig->param_names[k];  // NULL where a handler takes a pattern
      params[k] = (Field){name ? name->text : STR("_"), map_type(gen, sig->params[k])};
    }
    methods[i] = (Method){sig->name->text, sig->param_count, params, sig->answer != NULL,
                          sig->answer ? map_type(gen, sig->answer) : gen->t_unit};
  }
  gen->module->interfaces.items[index] = (InterfaceDef){
      .name = decl->name.name->text, .import = home_of(gen, decl->home), .exported = decl->is_pub && decl->home == gen->ast,
      .unique = decl->is_unique, .generics = gen_generics(decl->generics.count, NULL), .method_count = decl->methods.count,
      .methods = methods};
}

Str param_name(const Pat *pattern) {
  return pattern && (pattern->kind == PAT_NAME || pattern->kind == PAT_AT) ? pattern->name.name->text : STR("_");
}

// ---- Lent parameters ------------------------------------------------------------------------------------------------

Pass fn_pass(const FnDecl *fn, u32 param) {
  if (param >= fn->params.count || !fn->params.items[param].lent) return PASS_MOVE;
  return fn_gives_back(fn, param) ? PASS_GIVE_BACK : PASS_LEND;
}

u32 fn_gives(const FnDecl *fn) {
  u32 count = 0;
  for (u32 i = 0; i < fn->params.count; i++) count += fn_pass(fn, i) == PASS_GIVE_BACK;
  return count;
}

static const u8 *lent_flags(const FnDecl *decl) {
  u8 *flags = NULL;
  for (u32 i = 0; i < decl->params.count; i++) {
    if (fn_pass(decl, i) != PASS_LEND) continue;
    if (!flags) flags = gc_array(u8, decl->params.count);
    flags[i] = 1;
  }
  return flags;
}

// (the result, what is given back…), or the result alone.
static TypeId result_type(Gen *gen, const FnDecl *decl, const Ty *type) {
  TypeId result = map_raw_type(gen, type->args[type->count - 1]);
  if (!fn_gives(decl)) return result;
  TypeId parts[LIMIT_TYPE_ARGS + 1] = {type_boxed(gen, result)};
  u32 count = 1;
  for (u32 i = 0; i < decl->params.count; i++) {
    if (fn_pass(decl, i) != PASS_GIVE_BACK) continue;
    if (count < LIMIT_TYPE_ARGS) parts[count++] = map_type(gen, type->args[i]);
  }
  return module_type(gen->module, TYPE_TUPLE, 0, count, parts);
}

// The signature alone: the code of own functions comes later.
static void fill_function(Gen *gen, u32 index, FnDecl *decl) {
  Ty *type = ty_resolve(decl->type);
  u32 count = decl->params.count;
  if (count > LIMIT_PARAMS)
    gen_limit(gen, DIAG_E0514, decl->name.span, "`%.*s` has more than 255 parameters", STR_ARG(decl->name.name->text));
  TypeId *params = gc_array(TypeId, count);
  Str *names = gc_array(Str, count);
  for (u32 i = 0; i < count; i++) {
    params[i] = map_raw_type(gen, type->args[i]);
    names[i] = param_name(decl->params.items[i].pattern);
  }
  Str name = decl->name.name->text;
  if (decl->actor) name = str_format("%.*s.%.*s", STR_ARG(decl->actor->name.name->text), STR_ARG(name));
  u32 generics = decl->actor ? decl->actor->generic_count : decl->generic_count;
  const u8 *constraints = decl->actor ? decl->actor->constraints : decl->constraints;
  gen->module->functions.items[index] =
      (Function){.name = name,
                 .kind = decl->block ? FUNCTION_PLAIN : FUNCTION_NATIVE,
                 .import = home_of(gen, decl->home),
                 .exported = decl->is_pub && decl->home == gen->ast,
                 .actor = decl->actor ? promise(gen, ENTRY_ACTOR, decl->actor) : (u32)IMPORT_NONE,
                 .generics = gen_generics(generics, constraints),
                 .param_count = count,
                 .lent = lent_flags(decl),
                 .result = result_type(gen, decl, type),
                 .effects = decl->effects,
                 .register_count = count,
                 .registers = params,
                 .param_names = names};
}

// What every module may know of an actor: how to spawn it. gen_actor.c adds the rest of own ones.
static void fill_actor(Gen *gen, u32 index, ActorDecl *decl) {
  u32 count = decl->params.count;
  if (count > LIMIT_PARAMS)
    gen_limit(gen, DIAG_E0514, decl->name.span, "`%.*s` has more than 255 parameters", STR_ARG(decl->name.name->text));
  Field *params = gc_array(Field, count);
  for (u32 i = 0; i < count; i++) {
    Param *param = &decl->params.items[i];
    params[i] = (Field){param_name(param->pattern), map_type(gen, param->ty)};
  }
  Implements *implements = gc_array(Implements, decl->interfaces.count);
  for (u32 i = 0; i < decl->interfaces.count; i++) implements[i].interface = map_type(gen, decl->interfaces.items[i]);
  gen->module->actors.items[index] = (ActorDef){
      .name = decl->name.name->text, .import = home_of(gen, decl->home), .exported = decl->is_pub && decl->home == gen->ast,
      .generics = gen_generics(decl->generic_count, decl->constraints), .param_count = count, .params = params,
      .init = IMPORT_NONE, .dropped = IMPORT_NONE, .implements_count = decl->interfaces.count, .implements = implements};
}

static void fill_global(Gen *gen, u32 index, ConstItem *item) {
  ConstDecl *decl = item->decl;
  gen->module->globals.items[index] = (Global){.name = item->local->name->text,
                                               .import = home_of(gen, decl->home),
                                               .exported = decl->is_pub && decl->home == gen->ast,
                                               .type = map_type(gen, item->local->type),
                                               .function = IMPORT_NONE};
}

void gen_fill(Gen *gen) {
  if (gen->filling) return;
  gen->filling = true;
  while (gen->unfilled.count) {
    Entry entry = gen->unfilled.items[--gen->unfilled.count];
    switch (entry.kind) {
      case ENTRY_DATA: fill_data(gen, entry.index, entry.decl); break;
      case ENTRY_INTERFACE: fill_interface(gen, entry.index, entry.decl); break;
      case ENTRY_FUNCTION: fill_function(gen, entry.index, entry.decl); break;
      case ENTRY_ACTOR: fill_actor(gen, entry.index, entry.decl); break;
      case ENTRY_GLOBAL: fill_global(gen, entry.index, entry.decl); break;
    }
  }
  gen->filling = false;
}

// ---- Promising entries ----------------------------------------------------------------------------------------------

static u32 new_row(Module *module, EntryKind kind) {
  switch (kind) {
    case ENTRY_DATA: vec_push(&module->datas, ((DataDef){0})); return module->datas.count - 1;
    case ENTRY_INTERFACE: vec_push(&module->interfaces, ((InterfaceDef){0})); return module->interfaces.count - 1;
    case ENTRY_FUNCTION: vec_push(&module->functions, ((Function){0})); return module->functions.count - 1;
    case ENTRY_ACTOR: vec_push(&module->actors, ((ActorDef){0})); return module->actors.count - 1;
    case ENTRY_GLOBAL: vec_push(&module->globals, ((Global){0})); return module->globals.count - 1;
  }
  return 0;
}

static u32 promise(Gen *gen, EntryKind kind, void *decl) {
  uintptr_t known = (uintptr_t)map_get(&gen->entries, decl);
  if (known) return (u32)(known - 1);
  u32 index = new_row(gen->module, kind);
  map_put(&gen->entries, decl, (void *)(uintptr_t)(index + 1));
  vec_push(&gen->unfilled, ((Entry){kind, index, decl}));
  return index;
}

static u32 entry(Gen *gen, EntryKind kind, void *decl) {
  u32 index = promise(gen, kind, decl);
  gen_fill(gen);
  return index;
}

u32 gen_data(Gen *gen, TypeDecl *decl) { return entry(gen, ENTRY_DATA, decl); }
u32 gen_interface(Gen *gen, InterfaceDecl *decl) { return entry(gen, ENTRY_INTERFACE, decl); }
u32 gen_function(Gen *gen, FnDecl *decl) { return entry(gen, ENTRY_FUNCTION, decl); }
u32 gen_actor(Gen *gen, ActorDecl *decl) { return entry(gen, ENTRY_ACTOR, decl); }
u32 gen_global(Gen *gen, ConstItem *item) { return entry(gen, ENTRY_GLOBAL, item); }

// ---- The library's functions that code calls unasked ----------------------------------------------------------------

static ModuleAst *find_module(ModuleAst *from, Str name, PtrMap *seen) {
  VEC(ModuleAst *) queue = {0};
  vec_push(&queue, from);
  for (u32 at = 0; at < queue.count; at++) {
    ModuleAst *module = queue.items[at];
    if (!module || map_get(seen, module)) continue;
    map_put(seen, module, module);
    if (str_eq(module->name, name)) return module;
    for (u32 i = 0; i < module->depends.count; i++) vec_push(&queue, module->depends.items[i]);
    for (u32 i = 0; i < module->imports.count; i++) vec_push(&queue, module->imports.items[i]->module);
  }
  return NULL;
}

FnDecl *gen_library_fn(Gen *gen, const char *module, const char *name) {
  const Name *key = name_of(str_format("%s.%s", module, name));
  FnDecl *known = map_get(&gen->library, key);
  if (known) return known;
  PtrMap seen = {0};
  ModuleAst *home = find_module(gen->ast, str_from(module), &seen);
  for (u32 i = 0; home && i < home->fns.count; i++) {
    FnDecl *fn = home->fns.items[i];
    if (!str_eq(fn->name.name->text, str_from(name))) continue;
    map_put(&gen->library, key, fn);
    return fn;
  }
  gen_limit(gen, DIAG_E0515, (Span){0, 0}, "the library has no `%s.%s`, which this module needs", module, name);
  return NULL;
}
