// Imports: every imported entry is looked up at its home by name, and what this module believes about it is compared with
// the truth. Types of two modules are compared as terms; an equal pair is remembered, so that each type is walked once for
// each module that it is compared with.
#include "bytecode/verify_state.h"

static const char *const entry_words[] = {"data type", "interface", "function", "actor", "`let`"};

// ---- Finding --------------------------------------------------------------------------------------------------------

static const Verified *find_module(const Verifier *v, Str name) {
  for (u32 i = 0; i < v->loaded_count; i++) {
    if (str_eq(v->loaded[i]->module->name, name)) return v->loaded[i];
  }
  return NULL;
}

static bool resolve_entry(Verifier *v, Entry entry, Str name, u32 import, u32 *home) {
  *home = NO_ROW;
  if (import == IMPORT_NONE) return true;
  const char *word = entry_words[entry];
  if (import >= v->m->imports.count) {
    return verify_fail(v, REASON_IMPORT_INDEX, "the %s `%.*s` is of import %u, of %u", word, STR_ARG(name), import, v->m->imports.count);
  }
  const Proved *proved = (const Proved *)v->imports[import];
  *home = keys_find(v, &proved->entries, entry, name);
  if (v->failed) return false;
  if (*home != NO_ROW) return true;
  Str module = v->m->imports.items[import].module;
  return verify_fail(v, REASON_IMPORT_UNKNOWN, "`%.*s` has no %s `%.*s`", STR_ARG(module), word, STR_ARG(name));
}

static u32 *home_rows(u32 count) { return gc_alloc_data((count + 1) * sizeof(u32)); }

static bool resolve_modules(Verifier *v) {
  const Module *m = v->m;
  v->imports = gc_array(const Verified *, m->imports.count + 1);
  if (m->imports.count > LIMIT_TABLE) return verify_fail(v, REASON_LIMIT, "there are %u imports", m->imports.count);
  Keys names = keys_for(m->imports.count);
  for (u32 i = 0; i < m->imports.count; i++) {
    Str name = m->imports.items[i].module;
    u32 found;
    if (!verify_name(v, name, "an imported module") || !keys_put(v, &names, 0, name, i, &found)) return false;
    if (found != NO_ROW) return verify_fail(v, REASON_DUPLICATE_NAME, "`%.*s` is imported twice", STR_ARG(name));
    v->imports[i] = find_module(v, name);
    if (!v->imports[i]) return verify_fail(v, REASON_IMPORT_MISSING, "`%.*s` is not loaded", STR_ARG(name));
  }
  return true;
}

bool verify_resolve(Verifier *v) {
  const Module *m = v->m;
  if (!resolve_modules(v)) return false;
  v->data_home = home_rows(m->datas.count);
  v->interface_home = home_rows(m->interfaces.count);
  v->function_home = home_rows(m->functions.count);
  v->actor_home = home_rows(m->actors.count);
  v->global_home = home_rows(m->globals.count);
  for (u32 i = 0; i < m->datas.count; i++) {
    if (!resolve_entry(v, ENTRY_DATA, m->datas.items[i].name, m->datas.items[i].import, &v->data_home[i])) return false;
  }
  for (u32 i = 0; i < m->interfaces.count; i++) {
    if (!resolve_entry(v, ENTRY_INTERFACE, m->interfaces.items[i].name, m->interfaces.items[i].import, &v->interface_home[i])) return false;
  }
  for (u32 i = 0; i < m->functions.count; i++) {
    if (!resolve_entry(v, ENTRY_FUNCTION, m->functions.items[i].name, m->functions.items[i].import, &v->function_home[i])) return false;
  }
  for (u32 i = 0; i < m->actors.count; i++) {
    if (!resolve_entry(v, ENTRY_ACTOR, m->actors.items[i].name, m->actors.items[i].import, &v->actor_home[i])) return false;
  }
  for (u32 i = 0; i < m->globals.count; i++) {
    if (!resolve_entry(v, ENTRY_GLOBAL, m->globals.items[i].name, m->globals.items[i].import, &v->global_home[i])) return false;
  }
  return true;
}

bool data_is(const Verifier *v, TypeId type, Str module, Str name) {
  if (type_kind(v, type) != TYPE_DATA) return false;
  const DataDef *data = &v->m->datas.items[type_at(v, type)->index];
  Str home = data->import == IMPORT_NONE ? v->m->name : v->m->imports.items[data->import].module;
  return str_eq(data->name, name) && str_eq(home, module);
}

bool interface_is(const Verifier *v, TypeId type, Str module, Str name) {
  if (type_kind(v, type) != TYPE_REF) return false;
  const InterfaceDef *interface = &v->m->interfaces.items[type_at(v, type)->index];
  Str home = interface->import == IMPORT_NONE ? v->m->name : v->m->imports.items[interface->import].module;
  return str_eq(interface->name, name) && str_eq(home, module);
}

// ---- Comparing ------------------------------------------------------------------------------------------------------

// Are row `mine` here and row `theirs` at `home` the same declaration? Ours is never theirs: home was loaded before.
static bool same_declaration(const Verifier *v, bool data, u32 mine, const Verified *home, u32 theirs) {
  const Module *h = home->module;
  u32 import = data ? v->m->datas.items[mine].import : v->m->interfaces.items[mine].import;
  if (import == IMPORT_NONE) return false;
  u32 row = data ? v->data_home[mine] : v->interface_home[mine];
  u32 their_import = data ? h->datas.items[theirs].import : h->interfaces.items[theirs].import;
  const Verified *where = their_import == IMPORT_NONE ? home : home->imports[their_import];
  u32 their_row = their_import == IMPORT_NONE ? theirs : data ? home->data_home[theirs] : home->interface_home[theirs];
  return v->imports[import] == where && row == their_row;
}

static bool same_type(Verifier *v, u32 import, TypeId mine, TypeId theirs) {
  u64 pair = (u64)import << 32 | mine;
  u32 known = keys_find(v, &v->pairs, pair, STR(""));
  if (v->failed) return false;
  if (known != NO_ROW) return known == theirs;
  const Verified *home = v->imports[import];
  const Type *a = type_at(v, mine), *b = &home->module->types.items[theirs];
  if (a->kind != b->kind || a->count != b->count) return false;
  bool declared = a->kind == TYPE_DATA || a->kind == TYPE_REF;
  if (declared ? !same_declaration(v, a->kind == TYPE_DATA, a->index, home, b->index) : a->index != b->index) return false;
  for (u32 i = 0; i < a->count; i++) {
    if (!same_type(v, import, a->args[i], b->args[i])) return false;
  }
  if (v->pairs.capacity < 2 * (v->pairs_count + 1)) return true;
  v->pairs_count++;
  return keys_put(v, &v->pairs, pair, STR(""), theirs, &known);
}

static bool same_fields(Verifier *v, u32 import, u32 count, const Field *mine, u32 their_count, const Field *theirs, bool names) {
  if (count != their_count || !verify_spend(v, 1 + count)) return false;
  for (u32 i = 0; i < count; i++) {
    if (names && !str_eq(mine[i].name, theirs[i].name)) return false;
    if (!same_type(v, import, mine[i].type, theirs[i].type)) return false;
  }
  return true;
}

static bool same_data(Verifier *v, const DataDef *a, const DataDef *b) {
  if (a->opaque != b->opaque || a->unique != b->unique) return false;
  if (a->declared != b->declared || a->generics.count != b->generics.count) return false;
  if (a->ctor_count != b->ctor_count) return false;
  for (u32 i = 0; i < a->ctor_count; i++) {
    const Ctor *x = &a->ctors[i], *y = &b->ctors[i];
    if (!str_eq(x->name, y->name) || !same_fields(v, a->import, x->field_count, x->fields, y->field_count, y->fields, true)) return false;
  }
  return true;
}

static bool same_interface(Verifier *v, const InterfaceDef *a, const InterfaceDef *b) {
  if (a->unique != b->unique || a->generics.count != b->generics.count || a->method_count != b->method_count) return false;
  for (u32 i = 0; i < a->method_count; i++) {
    const Method *x = &a->methods[i], *y = &b->methods[i];
    if (!str_eq(x->name, y->name) || x->answers != y->answers || !same_type(v, a->import, x->answer, y->answer)) return false;
    if (!same_fields(v, a->import, x->param_count, x->params, y->param_count, y->params, false)) return false;
  }
  return true;
}

static bool same_function(Verifier *v, const Function *a, const Function *b) {
  if (a->kind != b->kind || a->effects != b->effects || a->param_count != b->param_count) return false;
  if (!generics_equal(&a->generics, &b->generics) || !same_type(v, a->import, a->result, b->result)) return false;
  for (u32 i = 0; i < a->param_count; i++) {
    if (!same_type(v, a->import, a->registers[i], b->registers[i]) || param_is_lent(a, i) != param_is_lent(b, i)) return false;
  }
  return verify_spend(v, 1 + a->param_count);
}

static bool same_actor(Verifier *v, const ActorDef *a, const ActorDef *b) {
  if (!generics_equal(&a->generics, &b->generics) || a->implements_count != b->implements_count) return false;
  for (u32 i = 0; i < a->implements_count; i++) {
    if (!same_type(v, a->import, a->implements[i].interface, b->implements[i].interface)) return false;
  }
  return same_fields(v, a->import, a->param_count, a->params, b->param_count, b->params, false);
}

// ---- All of them ----------------------------------------------------------------------------------------------------

static bool judge(Verifier *v, bool same, Entry entry, Str name, u32 import) {
  if (same || v->failed) return same;
  return verify_fail(v, REASON_IMPORT_MISMATCH, "the %s `%.*s` is declared otherwise in `%.*s`", entry_words[entry], STR_ARG(name),
                     STR_ARG(v->m->imports.items[import].module));
}

static bool check_private(Verifier *v, bool exported, Entry entry, Str name, u32 import) {
  if (exported) return true;
  return verify_fail(v, REASON_IMPORT_PRIVATE, "`%.*s` does not export the %s `%.*s`", STR_ARG(v->m->imports.items[import].module), entry_words[entry],
                     STR_ARG(name));
}

// A private data type or interface may stand in the types of others, so that it has to be described; a private data type is
// as closed as an opaque one.
static bool check_type_imports(Verifier *v) {
  const Module *m = v->m;
  for (u32 i = 0; i < m->datas.count; i++) {
    const DataDef *data = &m->datas.items[i];
    if (data->import == IMPORT_NONE) continue;
    const DataDef *home = &v->imports[data->import]->module->datas.items[v->data_home[i]];
    v->closed_datas[i] = home->opaque || !home->exported;
    if (!judge(v, same_data(v, data, home), ENTRY_DATA, data->name, data->import)) return false;
  }
  for (u32 i = 0; i < m->interfaces.count; i++) {
    const InterfaceDef *interface = &m->interfaces.items[i];
    if (interface->import == IMPORT_NONE) continue;
    const InterfaceDef *home = &v->imports[interface->import]->module->interfaces.items[v->interface_home[i]];
    if (!judge(v, same_interface(v, interface, home), ENTRY_INTERFACE, interface->name, interface->import)) return false;
  }
  return true;
}

static bool check_value_imports(Verifier *v) {
  const Module *m = v->m;
  for (u32 i = 0; i < m->functions.count; i++) {
    const Function *f = &m->functions.items[i];
    if (f->import == IMPORT_NONE) continue;
    const Function *home = &v->imports[f->import]->module->functions.items[v->function_home[i]];
    if (!check_private(v, home->exported, ENTRY_FUNCTION, f->name, f->import)) return false;
    if (!judge(v, same_function(v, f, home), ENTRY_FUNCTION, f->name, f->import)) return false;
  }
  for (u32 i = 0; i < m->actors.count; i++) {
    const ActorDef *actor = &m->actors.items[i];
    if (actor->import == IMPORT_NONE) continue;
    const ActorDef *home = &v->imports[actor->import]->module->actors.items[v->actor_home[i]];
    if (!check_private(v, home->exported, ENTRY_ACTOR, actor->name, actor->import)) return false;
    if (!judge(v, same_actor(v, actor, home), ENTRY_ACTOR, actor->name, actor->import)) return false;
  }
  for (u32 i = 0; i < m->globals.count; i++) {
    const Global *global = &m->globals.items[i];
    if (global->import == IMPORT_NONE) continue;
    const Global *home = &v->imports[global->import]->module->globals.items[v->global_home[i]];
    if (!check_private(v, home->exported, ENTRY_GLOBAL, global->name, global->import)) return false;
    if (!judge(v, same_type(v, global->import, global->type, home->type), ENTRY_GLOBAL, global->name, global->import)) return false;
  }
  return true;
}

bool verify_imports(Verifier *v) {
  v->closed_datas = gc_alloc_data(v->m->datas.count + 1);
  v->pairs = keys_for((u64)v->m->types.count * 2);
  return check_type_imports(v) && check_value_imports(v);
}

// ---- For those who import this module -------------------------------------------------------------------------------

static bool enter(Verifier *v, Entry entry, Str name, u32 row) {
  u32 found;
  return keys_put(v, &v->proved->entries, entry, name, row, &found);
}

bool verify_entries(Verifier *v) {
  const Module *m = v->m;
  v->proved->entries = keys_for((u64)m->datas.count + m->interfaces.count + m->functions.count + m->actors.count + m->globals.count);
  for (u32 i = 0; i < m->datas.count; i++) {
    if (m->datas.items[i].import == IMPORT_NONE && !enter(v, ENTRY_DATA, m->datas.items[i].name, i)) return false;
  }
  for (u32 i = 0; i < m->interfaces.count; i++) {
    if (m->interfaces.items[i].import == IMPORT_NONE && !enter(v, ENTRY_INTERFACE, m->interfaces.items[i].name, i)) return false;
  }
  // Exported functions first: private ones may bear their names, and stand here only to be refused by name.
  for (u32 private = 0; private < 2; private++) {
    for (u32 i = 0; i < m->functions.count; i++) {
      const Function *f = &m->functions.items[i];
      if (f->import == IMPORT_NONE && f->exported == !private && !enter(v, ENTRY_FUNCTION, f->name, i)) return false;
    }
  }
  for (u32 i = 0; i < m->actors.count; i++) {
    if (m->actors.items[i].import == IMPORT_NONE && !enter(v, ENTRY_ACTOR, m->actors.items[i].name, i)) return false;
  }
  for (u32 i = 0; i < m->globals.count; i++) {
    if (m->globals.items[i].import == IMPORT_NONE && !enter(v, ENTRY_GLOBAL, m->globals.items[i].name, i)) return false;
  }
  return true;
}
