// Declarations of data types and interfaces, constants, and the tables' lengths: all that stands by itself.
#include "bytecode/utf8.h"
#include "bytecode/verify_state.h"

bool generics_equal(const Generics *a, const Generics *b) {
  if (a->count != b->count) return false;
  for (u32 i = 0; i < a->count; i++) {
    if ((a->constraints ? a->constraints[i] : 0) != (b->constraints ? b->constraints[i] : 0)) return false;
  }
  return true;
}

static bool check_generics(Verifier *v, const Generics *generics, Str owner) {
  if (generics->count > LIMIT_TYPE_ARGS) {
    return verify_fail(v, REASON_LIMIT, "`%.*s` has %u type parameters", STR_ARG(owner), generics->count);
  }
  for (u32 i = 0; generics->constraints && i < generics->count; i++) {
    if (generics->constraints[i] >> 5) {
      return verify_fail(v, REASON_CONSTRAINTS, "parameter T%u of `%.*s` has the constraints %u", i, STR_ARG(owner), generics->constraints[i]);
    }
  }
  return verify_spend(v, 1 + generics->count);
}

static bool check_limits(Verifier *v) {
  const Module *m = v->m;
  const struct {
    u32 count;
    const char *name;
  } tables[] = {
    {m->imports.count, "imports"}, {m->types.count, "types"},   {m->typelists.count, "type lists"}, {m->datas.count, "data types"},
    {m->interfaces.count, "interfaces"}, {m->functions.count, "functions"}, {m->actors.count, "actors"},
    {m->globals.count, "globals"}, {m->constants.count, "constants"}, {m->tests.count, "tests"},
  };
  for (u32 i = 0; i < COUNT_OF(tables); i++) {
    if (tables[i].count > LIMIT_TABLE) return verify_fail(v, REASON_LIMIT, "there are %u %s", tables[i].count, tables[i].name);
  }
  return true;
}

static bool check_unique(Verifier *v, Keys *keys, u64 scope, Str name, const char *what) {
  u32 found;
  if (!keys_put(v, keys, scope, name, 0, &found)) return false;
  return found == NO_ROW || verify_fail(v, REASON_DUPLICATE_NAME, "%s `%.*s` is there twice", what, STR_ARG(name));
}

static Str name_at(const Str *first, size_t stride, u32 i) { return *(const Str *)((const char *)first + stride * i); }

// Are the names, `stride` bytes apart, all different? A few are compared each with each; most lists are short.
static bool check_distinct(Verifier *v, u32 count, const Str *first, size_t stride, const char *what) {
  if (count > 16) {
    Keys names = keys_for(count);
    for (u32 i = 0; i < count; i++) {
      if (!check_unique(v, &names, 0, name_at(first, stride, i), what)) return false;
    }
    return true;
  }
  for (u32 i = 1; i < count; i++) {
    for (u32 k = 0; k < i; k++) {
      if (!str_eq(name_at(first, stride, i), name_at(first, stride, k))) continue;
      return verify_fail(v, REASON_DUPLICATE_NAME, "%s `%.*s` is there twice", what, STR_ARG(name_at(first, stride, i)));
    }
  }
  return verify_spend(v, 1 + count * count / 8);
}

// ---- Data types -----------------------------------------------------------------------------------------------------

static bool check_ctor(Verifier *v, const DataDef *data, const Ctor *ctor) {
  if (!verify_name(v, ctor->name, "a constructor")) return false;
  if (ctor->field_count > LIMIT_PARAMS) {
    return verify_fail(v, REASON_LIMIT, "constructor `%.*s` has %u fields", STR_ARG(ctor->name), ctor->field_count);
  }
  for (u32 i = 0; i < ctor->field_count; i++) {
    if (!verify_name(v, ctor->fields[i].name, "a field")) return false;
    if (!type_within(v, ctor->fields[i].type, data->generics.count, true, "a field")) return false;
    if (!data->unique && !type_plain(v, ctor->fields[i].type, "a field of a plain data type")) return false;
  }
  bool any = ctor->field_count;
  return !any || check_distinct(v, ctor->field_count, &ctor->fields->name, sizeof *ctor->fields, "the field");
}

static bool check_data(Verifier *v, const DataDef *data) {
  if (!verify_name(v, data->name, "a data type") || !check_generics(v, &data->generics, data->name)) return false;
  if (data->ctor_count > LIMIT_CTORS) {
    return verify_fail(v, REASON_LIMIT, "data type `%.*s` has %u constructors", STR_ARG(data->name), data->ctor_count);
  }
  for (u32 i = 0; i < data->ctor_count; i++) {
    if (!check_ctor(v, data, &data->ctors[i])) return false;
  }
  return !data->ctor_count || check_distinct(v, data->ctor_count, &data->ctors->name, sizeof *data->ctors, "the constructor");
}

// ---- Interfaces -----------------------------------------------------------------------------------------------------

static bool check_method(Verifier *v, const InterfaceDef *interface, const Method *method) {
  u32 params = interface->generics.count;
  if (!verify_name(v, method->name, "a method")) return false;
  if (method->param_count > LIMIT_PARAMS) {
    return verify_fail(v, REASON_LIMIT, "method `%.*s` has %u parameters", STR_ARG(method->name), method->param_count);
  }
  for (u32 i = 0; i < method->param_count; i++) {
    if (!verify_name(v, method->params[i].name, "a parameter")) return false;
    if (!type_within(v, method->params[i].type, params, false, "a parameter of a method")) return false;
  }
  if (!type_within(v, method->answer, params, false, "a method's answer")) return false;
  if (!method->answers && method->answer != v->basic[TYPE_UNIT]) {
    return verify_fail(v, REASON_METHOD_ANSWER, "`%.*s` is one-way, and answers %.*s", STR_ARG(method->name), STR_ARG(verify_type_text(v, method->answer)));
  }
  return verify_spend(v, 1 + method->param_count);
}

static bool check_interface(Verifier *v, u32 row) {
  const InterfaceDef *interface = &v->m->interfaces.items[row];
  if (!verify_name(v, interface->name, "an interface") || !check_generics(v, &interface->generics, interface->name)) return false;
  for (u32 i = 0; i < interface->method_count; i++) {
    const Method *method = &interface->methods[i];
    if (!check_method(v, interface, method)) return false;
    u32 found;
    if (!keys_put(v, &v->methods, row, method->name, i, &found)) return false;
    if (found != NO_ROW) return verify_fail(v, REASON_DUPLICATE_NAME, "the method `%.*s` is there twice", STR_ARG(method->name));
  }
  return true;
}

static bool check_interfaces(Verifier *v) {
  u64 methods = 0;
  for (u32 i = 0; i < v->m->interfaces.count; i++) {
    const InterfaceDef *interface = &v->m->interfaces.items[i];
    if (interface->method_count > LIMIT_METHODS) {
      return verify_fail(v, REASON_LIMIT, "interface `%.*s` has %u methods", STR_ARG(interface->name), interface->method_count);
    }
    methods += interface->method_count;
  }
  v->methods = keys_for(methods);
  for (u32 i = 0; i < v->m->interfaces.count; i++) {
    if (!check_interface(v, i)) return false;
  }
  return true;
}

// ---- Names of tables ------------------------------------------------------------------------------------------------

// Data types and interfaces share one space of names, each module's entries their own: a name is one type.
static bool check_type_names(Verifier *v) {
  const Module *m = v->m;
  Keys names = keys_for((u64)m->datas.count + m->interfaces.count);
  for (u32 i = 0; i < m->datas.count; i++) {
    if (!check_unique(v, &names, m->datas.items[i].import, m->datas.items[i].name, "the type")) return false;
  }
  for (u32 i = 0; i < m->interfaces.count; i++) {
    if (!check_unique(v, &names, m->interfaces.items[i].import, m->interfaces.items[i].name, "the type")) return false;
  }
  return true;
}

// Actors and globals, of each module; functions only if others may ask for them: closures often share a name.
static bool check_value_names(Verifier *v) {
  const Module *m = v->m;
  Keys actors = keys_for(m->actors.count), globals = keys_for(m->globals.count), functions = keys_for(m->functions.count);
  for (u32 i = 0; i < m->actors.count; i++) {
    if (!verify_name(v, m->actors.items[i].name, "an actor")) return false;
    if (!check_generics(v, &m->actors.items[i].generics, m->actors.items[i].name)) return false;
    if (!check_unique(v, &actors, m->actors.items[i].import, m->actors.items[i].name, "the actor")) return false;
  }
  for (u32 i = 0; i < m->globals.count; i++) {
    if (!verify_name(v, m->globals.items[i].name, "a `let`")) return false;
    if (!check_unique(v, &globals, m->globals.items[i].import, m->globals.items[i].name, "the `let`")) return false;
  }
  for (u32 i = 0; i < m->functions.count; i++) {
    const Function *f = &m->functions.items[i];
    if (!verify_name(v, f->name, "a function") || !check_generics(v, &f->generics, f->name)) return false;
    if (f->exported && f->import == IMPORT_NONE && !check_unique(v, &functions, 0, f->name, "the exported function")) return false;
  }
  return true;
}

static bool check_constants(Verifier *v) {
  for (u32 i = 0; i < v->m->constants.count; i++) {
    const Constant *constant = &v->m->constants.items[i];
    if (!verify_spend(v, 1 + constant->bytes.len / 8)) return false;
    if (constant->kind != CONSTANT_STRING || utf8_is_valid(constant->bytes)) continue;
    return verify_fail(v, REASON_TEXT, "constant %u is a String, and no UTF-8", i);
  }
  for (u32 i = 0; i < v->m->tests.count; i++) {
    Str name = v->m->tests.items[i].name;
    if (!verify_spend(v, 1 + name.len / 8)) return false;
    if (!utf8_is_valid(name)) return verify_fail(v, REASON_TEXT, "the name of test %u is no UTF-8", i);
  }
  if (utf8_is_valid(v->m->source_path)) return true;
  return verify_fail(v, REASON_TEXT, "the source's path is no UTF-8");
}

// ---- Types that the machine builds ----------------------------------------------------------------------------------

// A field's type as a letter: i int, s String, l List[String], 0 and 1 a parameter, m the Map itself, k a Map of keys alone.
typedef struct KnownCtor {
  const char *name, *fields;
} KnownCtor;

typedef struct KnownData {
  const char *module, *name;
  u32 params;
  KnownCtor ctors[8];
} KnownData;

// The library's modules that declare them must do it so, or the machine's own values would not be of their types, and what it
// shows and compares by meaning not what it takes them for.
static const KnownData well_known[] = {
  {"option", "Option", 1, {{"Some", "0"}, {"None", ""}}},
  {"result", "Result", 2, {{"Ok", "0"}, {"Err", "1"}}},
  {"prelude", "Broken", 0, {{"Crashed", "s"}, {"Stopped", ""}, {"Revoked", ""}, {"TimedOut", ""}, {"Deadlock", "l"}, {"Disconnected", ""}, {"Full", ""}}},
  {"prelude", "Exit", 0, {{"Normal", ""}, {"Crash", "s"}, {"Killed", ""}}},
  {"prelude", "IoErr", 0, {{"NotFound", ""}, {"NotAllowed", ""}, {"AlreadyExists", ""}, {"NotText", ""}, {"NoSpace", ""}, {"IoOther", "s"}}},
  {"range", "Range", 0, {{"Range", "ii"}}},
  {"map", "Map", 2, {{"Tip", ""}, {"Bin", "i01mm"}}},
  {"set", "Set", 1, {{"Set", "k"}}},
};

static bool is_param(const Verifier *v, TypeId type, u32 number) { return type_kind(v, type) == TYPE_VAR && type_at(v, type)->index == number; }

static bool field_is(const Verifier *v, TypeId id, char letter, u32 row) {
  const Type *type = type_at(v, id);
  switch (letter) {
    case 'i': return type->kind == TYPE_INT;
    case 's': return type->kind == TYPE_STRING;
    case 'l': return type->kind == TYPE_LIST && type_kind(v, type->args[0]) == TYPE_STRING;
    case '0': case '1': return is_param(v, id, (u32)(letter - '0'));
    case 'm': return type->kind == TYPE_DATA && type->index == row && is_param(v, type->args[0], 0) && is_param(v, type->args[1], 1);
    case 'k':
      if (!data_is(v, id, STR("map"), STR("Map")) || type->count != 2) return false;
      return is_param(v, type->args[0], 0) && type_kind(v, type->args[1]) == TYPE_UNIT;
    default: BUG("no type has the letter %c", letter);
  }
}

static bool shape_is(const Verifier *v, u32 row, const KnownData *known) {
  const DataDef *data = &v->m->datas.items[row];
  u32 count = 0;
  for (; count < COUNT_OF(known->ctors) && known->ctors[count].name; count++) {
    if (count == data->ctor_count || !str_eq(data->ctors[count].name, str_from(known->ctors[count].name))) return false;
    Str letters = str_from(known->ctors[count].fields);
    if (data->ctors[count].field_count != letters.len) return false;
    for (u32 i = 0; i < letters.len; i++) {
      if (!field_is(v, data->ctors[count].fields[i].type, letters.ptr[i], row)) return false;
    }
  }
  return count == data->ctor_count && data->generics.count == known->params;
}

static bool check_well_known(Verifier *v) {
  const Module *m = v->m;
  for (u32 k = 0; k < COUNT_OF(well_known); k++) {
    const KnownData *known = &well_known[k];
    if (!str_eq(m->name, str_from(known->module))) continue;
    for (u32 i = 0; i < m->datas.count; i++) {
      const DataDef *data = &m->datas.items[i];
      if (data->import != IMPORT_NONE || !str_eq(data->name, str_from(known->name))) continue;
      bool hidden = data->opaque && !str_eq(m->name, STR("map")) && !str_eq(m->name, STR("set"));
      if (!hidden && !data->unique && shape_is(v, i, known)) continue;
      return verify_fail(v, REASON_WELL_KNOWN, "`%s.%s` is declared otherwise than the machine takes it to be", known->module, known->name);
    }
  }
  return true;
}

bool verify_tables(Verifier *v) {
  const Module *m = v->m;
  if (!check_limits(v) || !verify_name(v, m->name, "the module") || !verify_types(v)) return false;
  for (u32 i = 0; i < m->datas.count; i++) {
    if (!check_data(v, &m->datas.items[i])) return false;
  }
  return check_interfaces(v) && check_type_names(v) && check_value_names(v) && check_constants(v) && check_well_known(v) && verify_abilities(v);
}
