// Building modules: interned types, type lists and constants, substitution, and the canonical text of types.
//
// Each of the three tables has an open-addressing index from content to row. Rows that were pushed by hand (by the reader,
// by the assembler) are taken into the index when it is next asked, so that the tables stay the only truth. Of equal rows the
// first one counts.
#include "bytecode/module.h"

typedef struct Index {
  u32 *slots;     // row + 1, or 0
  u32 capacity;   // a power of two
  u32 seen;       // rows taken in so far
} Index;

typedef struct Interner {
  Index types;
  Index typelists;
  Index constants;
  // Per type: does a parameter stand in it? And the result of the substitution numbered `stamp`, if memo_stamp says so.
  VEC(u8) open;
  u32 *memo_stamp;
  TypeId *memo;
  u32 memo_capacity;
  u32 stamp;
} Interner;

enum { PRINT_DEPTH = LIMIT_TYPE_DEPTH, PRINT_BYTES = 1 << 16 };

Module *module_new(Str name) {
  Module *module = gc_new(Module);
  module->name = str_dup(name);
  module->main = IMPORT_NONE;
  vec_push(&module->typelists, ((TypeList){0}));
  return module;
}

static Interner *interner_of(Module *module) {
  if (!module->interner) module->interner = gc_new(Interner);
  return module->interner;
}

// ---- Hashes and equality of rows ------------------------------------------------------------------------------------

static inline u64 mix(u64 hash, u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

static u64 ids_hash(u64 hash, u32 count, const TypeId *ids) {
  for (u32 i = 0; i < count; i++) hash = mix(hash, ids[i]);
  return hash;
}

static u64 type_hash(const Type *t) { return ids_hash(mix(mix(t->kind + 1u, t->index), t->count), t->count, t->args); }

static bool ids_equal(u32 count, const TypeId *a, const TypeId *b) { return !count || !memcmp(a, b, count * sizeof *a); }

static bool type_equal(const Type *a, const Type *b) {
  return a->kind == b->kind && a->index == b->index && a->count == b->count && ids_equal(a->count, a->args, b->args);
}

static bool typelist_equal(const TypeList *a, const TypeList *b) { return a->count == b->count && ids_equal(a->count, a->items, b->items); }

static u64 typelist_hash(const TypeList *list) { return ids_hash(list->count, list->count, list->items); }

static u64 real_bits(double real) {
  u64 bits;
  memcpy(&bits, &real, sizeof bits);
  return bits;
}

static u64 constant_hash(const Constant *c) {
  return mix(mix(mix(c->kind + 1u, (u64)c->number), real_bits(c->real)), str_hash(c->bytes));
}

static bool constant_equal(const Constant *a, const Constant *b) {
  return a->kind == b->kind && a->number == b->number && real_bits(a->real) == real_bits(b->real) && str_eq(a->bytes, b->bytes);
}

// ---- The index ------------------------------------------------------------------------------------------------------

static void index_insert(Index *index, u64 hash, u32 row) {
  u32 at = (u32)hash & (index->capacity - 1);
  while (index->slots[at]) at = (at + 1) & (index->capacity - 1);
  index->slots[at] = row + 1;
}

// Makes room for `rows` rows; true if the slots are new and empty, so that all rows have to be inserted again.
static bool index_grow(Index *index, u32 rows) {
  if (rows * 2 < index->capacity) return false;
  u32 capacity = index->capacity ? index->capacity : 64;
  while (capacity <= rows * 2) capacity *= 2;
  index->slots = gc_alloc_data(capacity * sizeof *index->slots);
  index->capacity = capacity;
  index->seen = 0;
  return true;
}

static u32 types_find(const Module *module, const Index *index, const Type *type, u64 hash) {
  for (u32 at = (u32)hash & (index->capacity - 1); index->slots[at]; at = (at + 1) & (index->capacity - 1)) {
    u32 row = index->slots[at] - 1;
    if (type_equal(&module->types.items[row], type)) return row;
  }
  return UINT32_MAX;
}

static bool type_is_open(const Interner *interner, const Type *type, u32 id) {
  if (type->kind == TYPE_VAR) return true;
  for (u32 i = 0; i < type->count; i++) {
    if (type->args[i] < id && interner->open.items[type->args[i]]) return true;
  }
  return false;
}

static void types_sync(const Module *module, Interner *interner) {
  Index *index = &interner->types;
  index_grow(index, module->types.count + 1);
  for (; index->seen < module->types.count; index->seen++) {
    const Type *type = &module->types.items[index->seen];
    if (index->seen >= interner->open.count) vec_push(&interner->open, type_is_open(interner, type, index->seen));
    u64 hash = type_hash(type);
    if (types_find(module, index, type, hash) == UINT32_MAX) index_insert(index, hash, index->seen);
  }
}

TypeId module_type(Module *module, TypeKind kind, u32 index, u32 count, const TypeId *args) {
  Interner *interner = interner_of(module);
  types_sync(module, interner);
  Type type = {kind, index, count, args};
  u64 hash = type_hash(&type);
  u32 row = types_find(module, &interner->types, &type, hash);
  if (row != UINT32_MAX) return row;
  if (count) {
    TypeId *copy = gc_alloc_data(count * sizeof *copy);
    memcpy(copy, args, count * sizeof *copy);
    type.args = copy;
  } else {
    type.args = NULL;
  }
  row = module->types.count;
  vec_push(&module->types, type);
  return row;
}

static u32 typelists_find(const Module *module, const Index *index, TypeList list, u64 hash) {
  for (u32 at = (u32)hash & (index->capacity - 1); index->slots[at]; at = (at + 1) & (index->capacity - 1)) {
    u32 row = index->slots[at] - 1;
    if (typelist_equal(&module->typelists.items[row], &list)) return row;
  }
  return UINT32_MAX;
}

TypeListId module_typelist(Module *module, u32 count, const TypeId *items) {
  if (!count && module->typelists.count) return 0;
  Index *index = &interner_of(module)->typelists;
  index_grow(index, module->typelists.count + 1);
  for (; index->seen < module->typelists.count; index->seen++) {
    TypeList row = module->typelists.items[index->seen];
    index_insert(index, typelist_hash(&row), index->seen);
  }
  TypeList list = {count, items};
  u64 hash = typelist_hash(&list);
  u32 row = typelists_find(module, index, list, hash);
  if (row != UINT32_MAX) return row;
  TypeId *copy = gc_alloc_data(count * sizeof *copy);
  if (count) memcpy(copy, items, count * sizeof *copy);
  list.items = copy;
  vec_push(&module->typelists, list);
  return module->typelists.count - 1;
}

u32 module_constant(Module *module, Constant constant) {
  Index *index = &interner_of(module)->constants;
  index_grow(index, module->constants.count + 1);
  for (; index->seen < module->constants.count; index->seen++) {
    index_insert(index, constant_hash(&module->constants.items[index->seen]), index->seen);
  }
  u64 hash = constant_hash(&constant);
  for (u32 at = (u32)hash & (index->capacity - 1); index->slots[at]; at = (at + 1) & (index->capacity - 1)) {
    if (constant_equal(&module->constants.items[index->slots[at] - 1], &constant)) return index->slots[at] - 1;
  }
  constant.bytes = str_dup(constant.bytes);
  vec_push(&module->constants, constant);
  return module->constants.count - 1;
}

// The three tables differ in the hash and the equality of their rows only.
#define FIRST_ROWS(name, table, row_hash, row_equal)                                                     \
  const u32 *name(const Module *module) {                                                                \
    Index index = {0};                                                                                   \
    u32 *first = gc_alloc_data((module->table.count + 1) * sizeof *first);                               \
    index_grow(&index, module->table.count + 1);                                                         \
    for (u32 row = 0; row < module->table.count; row++) {                                                \
      u32 at = (u32)row_hash(&module->table.items[row]) & (index.capacity - 1);                          \
      while (index.slots[at] && !row_equal(&module->table.items[index.slots[at] - 1], &module->table.items[row])) { \
        at = (at + 1) & (index.capacity - 1);                                                            \
      }                                                                                                  \
      if (!index.slots[at]) index.slots[at] = row + 1;                                                   \
      first[row] = index.slots[at] - 1;                                                                  \
    }                                                                                                    \
    return first;                                                                                        \
  }

FIRST_ROWS(module_first_types, types, type_hash, type_equal)
FIRST_ROWS(module_first_typelists, typelists, typelist_hash, typelist_equal)
FIRST_ROWS(module_first_constants, constants, constant_hash, constant_equal)

u32 module_import(Module *module, Str name) {
  for (u32 i = 0; i < module->imports.count; i++) {
    if (str_eq(module->imports.items[i].module, name)) return i;
  }
  vec_push(&module->imports, ((Import){str_dup(name), 0}));
  return module->imports.count - 1;
}

// ---- Substitution ---------------------------------------------------------------------------------------------------

// The memo makes it linear in the number of distinct types, however often one stands in another.
static TypeId subst(Module *module, Interner *interner, TypeId id, TypeList args, u32 stamp, u32 known) {
  if (id >= known || !interner->open.items[id]) return id;
  if (interner->memo_stamp[id] == stamp) return interner->memo[id];
  Type type = module->types.items[id];
  TypeId result = id;
  if (type.kind == TYPE_VAR) {
    if (type.index < args.count) result = args.items[type.index];
  } else if (type.count <= LIMIT_TYPE_ARGS + 1) {
    TypeId replaced[LIMIT_TYPE_ARGS + 1];
    for (u32 i = 0; i < type.count; i++) {
      replaced[i] = type.args[i] < id ? subst(module, interner, type.args[i], args, stamp, known) : type.args[i];
    }
    result = module_type(module, type.kind, type.index, type.count, replaced);
  }
  interner->memo_stamp[id] = stamp;
  interner->memo[id] = result;
  return result;
}

TypeId module_type_subst(Module *module, TypeId type, TypeList args) {
  if (!args.count) return type;
  Interner *interner = interner_of(module);
  types_sync(module, interner);
  if (type >= module->types.count || !interner->open.items[type]) return type;
  u32 known = module->types.count;
  if (known > interner->memo_capacity) {
    interner->memo_capacity = known * 2;
    interner->memo_stamp = gc_alloc_data(interner->memo_capacity * sizeof *interner->memo_stamp);
    interner->memo = gc_alloc_data(interner->memo_capacity * sizeof *interner->memo);
    interner->stamp = 0;
  }
  return subst(module, interner, type, args, ++interner->stamp, known);
}

// ---- Text -----------------------------------------------------------------------------------------------------------

// Bounded twice, in depth and in length: what is printed may not have passed the verifier, and shared parts can make a small
// table an endless text.
typedef struct Printer {
  const Module *module;
  Text *out;
  size_t end;
  bool qualify;  // own names with their module too
} Printer;

const char *const type_kind_names[TYPE_KIND_COUNT] = {
  [TYPE_INT] = "int", [TYPE_FLOAT] = "float", [TYPE_VINT] = "Int", [TYPE_VFLOAT] = "Float", [TYPE_BOOL] = "Bool",
  [TYPE_UNIT] = "()", [TYPE_STRING] = "String", [TYPE_BYTES] = "Bytes", [TYPE_DURATION] = "Duration", [TYPE_TIME] = "Time",
  [TYPE_BUF] = "Buf", [TYPE_LIST] = "List", [TYPE_PROMISE] = "Promise", [TYPE_ARRAY] = "Array",
};

static void print_type(Printer *p, TypeId id, u32 depth);

static void print_args(Printer *p, const Type *type, u32 count, char open, char close, u32 depth) {
  text_char(p->out, open);
  for (u32 i = 0; i < count; i++) {
    if (i) text_add(p->out, STR(", "));
    print_type(p, type->args[i], depth);
  }
  text_char(p->out, close);
}

static void print_named(Printer *p, Str name, u32 import) {
  const Module *module = p->module;
  Str home = import < module->imports.count ? module->imports.items[import].module : module->name;
  if (import != IMPORT_NONE || p->qualify) text_printf(p->out, "%.*s.", STR_ARG(home));
  text_add(p->out, name);
}

static void print_type(Printer *p, TypeId id, u32 depth) {
  const Module *module = p->module;
  if (id >= module->types.count) {
    text_printf(p->out, "#%u", id);
    return;
  }
  if (!depth || p->out->len > p->end) {
    text_add(p->out, STR("..."));
    return;
  }
  const Type *type = &module->types.items[id];
  depth--;
  switch (type->kind) {
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_STRING:
    case TYPE_BYTES: case TYPE_DURATION: case TYPE_TIME: case TYPE_BUF: case TYPE_LIST: case TYPE_PROMISE: case TYPE_ARRAY:
      text_add(p->out, str_from(type_kind_names[type->kind]));
      break;
    case TYPE_VAR:
      text_printf(p->out, "T%u", type->index);
      break;
    case TYPE_TUPLE:
      print_args(p, type, type->count, '(', ')', depth);
      return;
    case TYPE_FN:
      text_add(p->out, STR("fn"));
      print_args(p, type, type->count ? type->count - 1 : 0, '(', ')', depth);
      text_add(p->out, STR(" -> "));
      if (type->count) print_type(p, type->args[type->count - 1], depth);
      return;
    case TYPE_DATA:
      if (type->index < module->datas.count) {
        print_named(p, module->datas.items[type->index].name, module->datas.items[type->index].import);
      } else {
        text_printf(p->out, "data#%u", type->index);
      }
      break;
    case TYPE_REF:
      if (type->index < module->interfaces.count) {
        print_named(p, module->interfaces.items[type->index].name, module->interfaces.items[type->index].import);
      } else {
        text_printf(p->out, "interface#%u", type->index);
      }
      break;
    case TYPE_KIND_COUNT:
      text_char(p->out, '?');
      break;
  }
  if (type->count) print_args(p, type, type->count, '[', ']', depth);
}

void module_print_type(const Module *module, TypeId type, Text *out) {
  Printer p = {module, out, out->len + PRINT_BYTES, false};
  print_type(&p, type, PRINT_DEPTH + 1);
}

void generics_print(const Generics *generics, Text *out) {
  static const struct {
    u8 bit, hides;
    const char *name;
  } names[] = {
    {CONSTRAINT_REFERENCE, CONSTRAINT_EQUAL, "reference"}, {CONSTRAINT_NUMBER, CONSTRAINT_ADDS, "number"},
    {CONSTRAINT_ADDS, 0, "adds"},                          {CONSTRAINT_ORDERED, CONSTRAINT_EQUAL, "ordered"},
    {CONSTRAINT_EQUAL, 0, "equal"},
  };
  if (!generics->count) return;
  text_char(out, '[');
  for (u32 i = 0; i < generics->count; i++) {
    text_printf(out, "%sT%u", i ? ", " : "", i);
    u8 left = generics->constraints ? generics->constraints[i] : 0;
    const char *separator = ": ";
    for (u32 k = 0; k < COUNT_OF(names); k++) {
      if (!(left & names[k].bit)) continue;
      text_printf(out, "%s%s", separator, names[k].name);
      left &= (u8)~names[k].hides;
      separator = " + ";
    }
  }
  text_char(out, ']');
}

void module_print_signature(const Module *module, const Function *function, Text *out) {
  Printer p = {module, out, out->len + PRINT_BYTES, true};
  generics_print(&function->generics, out);
  text_char(out, '(');
  for (u32 i = 0; i < function->param_count && i < function->register_count; i++) {
    if (i) text_add(out, STR(", "));
    if (function->lent && function->lent[i]) text_char(out, '&');
    print_type(&p, function->registers[i], PRINT_DEPTH + 1);
  }
  text_add(out, STR(") -> "));
  print_type(&p, function->result, PRINT_DEPTH + 1);
}

u32 function_line(const Function *function, u32 word) {
  u32 low = 0, high = function->line_count;
  while (low < high) {
    u32 middle = low + (high - low) / 2;
    if (function->lines[middle].word <= word) low = middle + 1;
    else high = middle;
  }
  return low ? function->lines[low - 1].line : 0;
}
