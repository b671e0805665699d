// Names, types and literals as the assembler reads them back. Whatever would not lead back to the same row is written by its
// number: names that stand twice, types that are too long, equal to an earlier row, or no types at all.
#include "bytecode/dis_text.h"
#include "bytecode/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPE_TEXT = 400, ALL_ROWS = 0xffffffff };  // TYPE_TEXT: bytes of a type written in place

// ---- Names ----------------------------------------------------------------------------------------------------------

static bool is_plain(Str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
    if (!letter && !(i && ((c >= '0' && c <= '9') || c == '/'))) return false;
  }
  return name.len > 0;
}

void dis_quoted(Text *out, Str bytes, bool text) {
  bool high = text && utf8_is_valid(bytes);
  text_char(out, '"');
  for (size_t i = 0; i < bytes.len; i++) {
    u8 c = (u8)bytes.ptr[i];
    if (c == '\n') text_add(out, STR("\\n"));
    else if (c == '\t') text_add(out, STR("\\t"));
    else if (c == '\r') text_add(out, STR("\\r"));
    else if (c == '"' || c == '\\') text_printf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !high)) text_printf(out, "\\x%02x", c);
    else text_char(out, (char)c);
  }
  text_char(out, '"');
}

void dis_name(Text *out, Str name) {
  if (is_plain(name)) text_add(out, name);
  else dis_quoted(out, name, true);
}

static Str shown_name(const Module *module, Str name, u32 import) {
  if (import >= module->imports.count) return name;
  return str_format("%.*s.%.*s", STR_ARG(module->imports.items[import].module), STR_ARG(name));
}

static void bind(const Module *module, PtrMap *names, Str name, u32 import, uintptr_t row) {
  const Name *key = name_of(shown_name(module, name, import));
  if (!map_get(names, key)) map_put(names, key, (void *)(row + 1));
}

static bool leads_to(const Dis *d, const PtrMap *names, Str name, u32 import, uintptr_t row) {
  return (uintptr_t)map_get(names, name_of(shown_name(d->module, name, import))) == row + 1;
}

// A name as an operand, or its number, if it leads elsewhere.
static void print_row(Dis *d, const PtrMap *names, Str name, u32 import, u32 row) {
  if (leads_to(d, names, name, import, row)) dis_name(d->out, shown_name(d->module, name, import));
  else text_printf(d->out, "#%u", row);
}

void dis_function_name(Dis *d, u32 row) {
  const Module *m = d->module;
  if (row < m->functions.count) print_row(d, &d->functions, m->functions.items[row].name, m->functions.items[row].import, row);
  else text_printf(d->out, "#%u", row);
}

void dis_actor_name(Dis *d, u32 row) {
  const Module *m = d->module;
  if (row < m->actors.count) print_row(d, &d->actors, m->actors.items[row].name, m->actors.items[row].import, row);
  else text_printf(d->out, "#%u", row);
}

void dis_global_name(Dis *d, u32 row) {
  const Module *m = d->module;
  if (row < m->globals.count) print_row(d, &d->globals, m->globals.items[row].name, m->globals.items[row].import, row);
  else text_printf(d->out, "#%u", row);
}

void dis_import_name(Dis *d, u32 row) {
  const Module *m = d->module;
  if (row < m->imports.count) print_row(d, &d->imports, m->imports.items[row].module, IMPORT_NONE, row);
  else text_printf(d->out, "#%u", row);
}

// ---- Types ----------------------------------------------------------------------------------------------------------

// Words that the assembler would not take for a declared type's name.
static bool is_reserved(Str name) {
  if (str_eq(name, STR("fn")) || str_eq(name, STR("raw"))) return true;
  for (u32 kind = 0; kind < TYPE_KIND_COUNT; kind++) {
    if (type_kind_names[kind] && str_eq(name, str_from(type_kind_names[kind]))) return true;
  }
  if (name.len < 2 || name.ptr[0] != 'T') return false;
  for (size_t i = 1; i < name.len; i++) {
    if (name.ptr[i] < '0' || name.ptr[i] > '9') return false;
  }
  return true;
}

// Does the text of the row's kind say all of it?
static bool is_expressible(const Type *type) {
  switch (type->kind) {
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_STRING: case TYPE_BYTES:
    case TYPE_DURATION: case TYPE_TIME: case TYPE_BUF: case TYPE_LIST: case TYPE_PROMISE: case TYPE_ARRAY:
      return type->index == 0;
    case TYPE_UNIT: return type->index == 0 && type->count == 0;
    case TYPE_VAR: case TYPE_DATA: case TYPE_REF: return true;
    case TYPE_TUPLE: case TYPE_FN: return type->index == 0 && type->count > 0;
    case TYPE_KIND_COUNT: return false;
  }
  return false;
}

static void print_declared(Dis *d, const Type *type) {
  const Module *m = d->module;
  bool data = type->kind == TYPE_DATA;
  u32 count = data ? m->datas.count : m->interfaces.count;
  if (type->index < count) {
    Str name = data ? m->datas.items[type->index].name : m->interfaces.items[type->index].name;
    u32 import = data ? m->datas.items[type->index].import : m->interfaces.items[type->index].import;
    if (leads_to(d, &d->types, name, import, (uintptr_t)type->index * 2 + !data)) {
      Str shown = shown_name(m, name, import);
      if (is_reserved(shown)) dis_quoted(d->out, shown, true);
      else dis_name(d->out, shown);
      return;
    }
  }
  text_printf(d->out, "%s#%u", data ? "data" : "interface", type->index);
}

void dis_types(Dis *d, u32 count, const TypeId *ids) {
  for (u32 i = 0; i < count; i++) {
    if (i) text_add(d->out, STR(", "));
    dis_type(d, ids[i]);
  }
}

void dis_type_row(Dis *d, TypeId id) {
  const Type *type = &d->module->types.items[id];
  u32 count = type->count;
  if (!is_expressible(type)) {
    text_printf(d->out, "raw %u %u [", type->kind, type->index);
    dis_types(d, count, type->args);
    text_char(d->out, ']');
    return;
  }
  if (type->kind == TYPE_FN) {
    text_add(d->out, STR("fn("));
    dis_types(d, count - 1, type->args);
    text_add(d->out, STR(") -> "));
    dis_type(d, type->args[count - 1]);
    return;
  }
  if (type->kind == TYPE_DATA || type->kind == TYPE_REF) print_declared(d, type);
  else if (type->kind == TYPE_VAR) text_printf(d->out, "T%u", type->index);
  else if (type->kind != TYPE_TUPLE) text_add(d->out, str_from(type_kind_names[type->kind]));
  if (!count) return;
  text_char(d->out, type->kind == TYPE_TUPLE ? '(' : '[');
  dis_types(d, count, type->args);
  text_char(d->out, type->kind == TYPE_TUPLE ? ')' : ']');
}

// Depth is bounded: a type that is written in place is at most TYPE_TEXT bytes long.
void dis_type(Dis *d, TypeId id) {
  if (id < d->module->types.count && id < d->below && d->type_sizes[id]) dis_type_row(d, id);
  else text_printf(d->out, "#%u", id);
}

// Sizes are found from the bottom up, by printing each row with what is known of the rows below it.
static void measure_types(Dis *d) {
  const Module *m = d->module;
  Text scratch = {0}, *out = d->out;
  d->out = &scratch;
  d->type_sizes = gc_alloc_data((m->types.count + 1) * sizeof *d->type_sizes);
  for (TypeId id = 0; id < m->types.count; id++) {
    const Type *type = &m->types.items[id];
    bool sound = d->first_types[id] == id && is_expressible(type);
    size_t size = type->count * 2 + 2;
    for (u32 i = 0; i < type->count && sound; i++) {
      sound = type->args[i] < id && d->type_sizes[type->args[i]];
      if (sound) size += d->type_sizes[type->args[i]];
    }
    if (!sound || size > TYPE_TEXT) continue;
    scratch.len = 0;
    dis_type_row(d, id);
    if (scratch.len <= TYPE_TEXT) d->type_sizes[id] = (u16)scratch.len;
  }
  d->out = out;
}

void dis_typelist(Dis *d, TypeListId id) {
  if (!id) return;
  const Module *m = d->module;
  if (id < m->typelists.count && d->first_typelists[id] == id && m->typelists.items[id].count) {
    text_char(d->out, '[');
    dis_types(d, m->typelists.items[id].count, m->typelists.items[id].items);
    text_char(d->out, ']');
  } else {
    text_printf(d->out, "<%u>", id);
  }
}

// ---- Literals -------------------------------------------------------------------------------------------------------

void dis_float(Text *out, double value) {
  char text[40];
  for (int digits = 1; digits <= 17 && isfinite(value); digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    double again = strtod(text, NULL);
    if (memcmp(&again, &value, sizeof value)) continue;
    text_add(out, str_from(text));
    if (!strpbrk(text, ".e")) text_add(out, STR(".0"));
    return;
  }
  u64 bits;
  memcpy(&bits, &value, sizeof bits);
  text_printf(out, "0f%016llx", (unsigned long long)bits);
}

void dis_literal(Dis *d, const Constant *constant) {
  switch (constant->kind) {
    case CONSTANT_INT: text_printf(d->out, "%lld", (long long)constant->number); return;
    case CONSTANT_DURATION: text_printf(d->out, "%lld us", (long long)constant->number); return;
    case CONSTANT_FLOAT: dis_float(d->out, constant->real); return;
    case CONSTANT_STRING: dis_quoted(d->out, constant->bytes, true); return;
    case CONSTANT_BYTES:
      text_char(d->out, 'b');
      dis_quoted(d->out, constant->bytes, false);
      return;
    case CONSTANT_KIND_COUNT: return;
  }
}

void dis_constant(Dis *d, u32 row) {
  const Module *m = d->module;
  if (row < m->constants.count && d->first_constants[row] == row) dis_literal(d, &m->constants.items[row]);
  else text_printf(d->out, "#%u", row);
}

// ---- Beginning ------------------------------------------------------------------------------------------------------

Dis dis_begin(const Module *m, Text *out) {
  Dis d = {.module = m, .out = out, .below = ALL_ROWS};
  d.first_types = module_first_types(m);
  d.first_typelists = module_first_typelists(m);
  d.first_constants = module_first_constants(m);
  for (u32 i = 0; i < m->imports.count; i++) bind(m, &d.imports, m->imports.items[i].module, IMPORT_NONE, i);
  // Data types and interfaces share their names, and dis_module() writes the data types first.
  for (u32 i = 0; i < m->datas.count; i++) bind(m, &d.types, m->datas.items[i].name, m->datas.items[i].import, (uintptr_t)i * 2);
  for (u32 i = 0; i < m->interfaces.count; i++) {
    bind(m, &d.types, m->interfaces.items[i].name, m->interfaces.items[i].import, (uintptr_t)i * 2 + 1);
  }
  for (u32 i = 0; i < m->functions.count; i++) bind(m, &d.functions, m->functions.items[i].name, m->functions.items[i].import, i);
  for (u32 i = 0; i < m->actors.count; i++) bind(m, &d.actors, m->actors.items[i].name, m->actors.items[i].import, i);
  for (u32 i = 0; i < m->globals.count; i++) bind(m, &d.globals, m->globals.items[i].name, m->globals.items[i].import, i);
  measure_types(&d);
  return d;
}
