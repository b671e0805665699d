// The type table: each row well formed, built of earlier rows, and there once. From then on two types are the same exactly
// if their ids are, and every recursion over types is bounded.
#include "bytecode/verify_state.h"

// ---- Rows -----------------------------------------------------------------------------------------------------------

static bool arguments_fail(Verifier *v, TypeId id) {
  return verify_fail(v, REASON_TYPE_ARGUMENTS, "type %u, %.*s, has %u arguments", id, STR_ARG(verify_type_text(v, id)), type_at(v, id)->count);
}

static bool check_shape(Verifier *v, TypeId id) {
  const Module *m = v->m;
  const Type *type = &m->types.items[id];
  u32 expected = 0;
  bool indexed = false;
  switch (type->kind) {
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_STRING:
    case TYPE_BYTES: case TYPE_DURATION: case TYPE_TIME: case TYPE_BUF:
      break;
    case TYPE_VAR:
      indexed = true;
      if (type->index >= LIMIT_TYPE_ARGS) return verify_fail(v, REASON_TYPE_PARAMETER, "type %u is parameter %u", id, type->index);
      break;
    case TYPE_LIST: case TYPE_PROMISE: case TYPE_ARRAY:
      expected = 1;
      break;
    case TYPE_TUPLE:
      if (type->count < 2 || type->count > LIMIT_TYPE_ARGS) return arguments_fail(v, id);
      expected = type->count;
      break;
    case TYPE_FN:
      if (type->count < 1 || type->count > LIMIT_TYPE_ARGS + 1) return arguments_fail(v, id);
      expected = type->count;
      break;
    case TYPE_DATA:
      indexed = true;
      if (type->index >= m->datas.count) return verify_fail(v, REASON_TYPE_INDEX, "type %u is data type %u, of %u", id, type->index, m->datas.count);
      expected = m->datas.items[type->index].generics.count;
      break;
    case TYPE_REF:
      indexed = true;
      if (type->index >= m->interfaces.count) {
        return verify_fail(v, REASON_TYPE_INDEX, "type %u is interface %u, of %u", id, type->index, m->interfaces.count);
      }
      expected = m->interfaces.items[type->index].generics.count;
      break;
    case TYPE_KIND_COUNT:
      return verify_fail(v, REASON_TYPE_INDEX, "type %u is of no kind", id);
  }
  if (!indexed && type->index) return verify_fail(v, REASON_TYPE_INDEX, "type %u has the index %u, and needs none", id, type->index);
  return type->count == expected || arguments_fail(v, id);
}

// The types that pass a part's uniqueness on. Option and Result hold just what their parameters say (check_well_known()).
static bool is_wrapper(const Verifier *v, TypeId id) {
  TypeKind kind = type_kind(v, id);
  if (kind == TYPE_TUPLE || kind == TYPE_PROMISE) return true;
  return data_is(v, id, STR("option"), STR("Option")) || data_is(v, id, STR("result"), STR("Result"));
}

static bool is_unique(const Module *m, const Type *type) {
  if (type->kind == TYPE_DATA) return m->datas.items[type->index].unique;
  if (type->kind == TYPE_REF) return m->interfaces.items[type->index].unique;
  return type->kind == TYPE_BUF || type->kind == TYPE_ARRAY;
}

static bool check_arguments(Verifier *v, TypeId id) {
  const Type *type = type_at(v, id);
  TypeFacts facts = {.raw = type->kind <= TYPE_FLOAT};
  if (type->kind == TYPE_VAR) facts.params = (u16)(type->index + 1);
  for (u32 i = 0; i < type->count; i++) {
    TypeId arg = type->args[i];
    if (arg >= id) return verify_fail(v, REASON_TYPE_ORDER, "argument %u of type %u is type %u", i, id, arg);
    if (v->facts[arg].raw) {
      return verify_fail(v, REASON_RAW_TYPE, "argument %u of type %u is %.*s", i, id, STR_ARG(verify_type_text(v, arg)));
    }
    if (v->facts[arg].depth >= facts.depth) facts.depth = v->facts[arg].depth + 1;
    if (v->facts[arg].params > facts.params) facts.params = v->facts[arg].params;
    facts.unique |= v->facts[arg].unique;
  }
  if (facts.depth > LIMIT_TYPE_DEPTH) return verify_fail(v, REASON_TYPE_DEPTH, "type %u is nested %u deep", id, facts.depth);
  if (facts.unique && !is_wrapper(v, id)) {
    return verify_fail(v, REASON_UNIQUE_INSIDE, "type %u is %.*s", id, STR_ARG(verify_type_text(v, id)));
  }
  facts.unique |= is_unique(v->m, type);
  v->facts[id] = facts;
  return verify_spend(v, 1 + type->count);
}

static u64 row_hash(const Type *type) {
  u64 hash = (u64)type->kind << 32 | type->index;
  for (u32 i = 0; i < type->count; i++) hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u + type->args[i];
  hash *= 0xbf58476d1ce4e5b9u;
  return hash ^ hash >> 32;
}

static bool rows_equal(const Type *a, const Type *b) {
  if (a->kind != b->kind || a->index != b->index || a->count != b->count) return false;
  return !a->count || !memcmp(a->args, b->args, a->count * sizeof *a->args);
}

static bool check_distinct(Verifier *v) {
  const Module *m = v->m;
  u32 capacity = 64;
  while (capacity < m->types.count * 2) capacity *= 2;
  u32 *slots = gc_alloc_data(capacity * sizeof *slots);
  for (TypeId id = 0; id < m->types.count; id++) {
    u32 at = (u32)row_hash(&m->types.items[id]) & (capacity - 1);
    for (; slots[at]; at = (at + 1) & (capacity - 1)) {
      if (!verify_spend(v, 1)) return false;
      if (!rows_equal(&m->types.items[slots[at] - 1], &m->types.items[id])) continue;
      return verify_fail(v, REASON_DUPLICATE_TYPE, "types %u and %u are both %.*s", slots[at] - 1, id, STR_ARG(verify_type_text(v, id)));
    }
    slots[at] = id + 1;
  }
  return true;
}

static bool check_typelists(Verifier *v) {
  const Module *m = v->m;
  if (!m->typelists.count || m->typelists.items[0].count) return verify_fail(v, REASON_TYPELIST, "type list 0 is missing or not empty");
  for (u32 i = 0; i < m->typelists.count; i++) {
    TypeList list = m->typelists.items[i];
    if (list.count > LIMIT_TYPE_ARGS) return verify_fail(v, REASON_LIMIT, "type list %u has %u types", i, list.count);
    for (u32 k = 0; k < list.count; k++) {
      if (!type_within(v, list.items[k], LIMIT_TYPE_ARGS, false, "a type list")) return false;
    }
    if (!verify_spend(v, 1 + list.count)) return false;
  }
  return true;
}

bool verify_types(Verifier *v) {
  const Module *m = v->m;
  v->facts = gc_alloc_data((m->types.count + 1) * sizeof *v->facts);
  for (u32 kind = 0; kind <= TYPE_BUF; kind++) v->basic[kind] = NO_TYPE;
  for (TypeId id = 0; id < m->types.count; id++) {
    if (!check_shape(v, id) || !check_arguments(v, id)) return false;
    TypeKind kind = m->types.items[id].kind;
    if (kind <= TYPE_BUF && v->basic[kind] == NO_TYPE) v->basic[kind] = id;
  }
  return check_distinct(v) && check_typelists(v);
}

bool type_within_fail(Verifier *v, TypeId type, u32 params, const char *what) {
  if (type >= v->m->types.count) return verify_fail(v, REASON_TYPE_INDEX, "%s names type %u, of %u", what, type, v->m->types.count);
  Str text = verify_type_text(v, type);
  if (v->facts[type].params > params) {
    return verify_fail(v, REASON_TYPE_PARAMETER, "%s is %.*s, where there are %u type parameters", what, STR_ARG(text), params);
  }
  return verify_fail(v, REASON_RAW_TYPE, "%s is %.*s", what, STR_ARG(text));
}

bool type_plain_fail(Verifier *v, TypeId type, const char *what) {
  return verify_fail(v, REASON_UNIQUE_INSIDE, "%s is %.*s", what, STR_ARG(verify_type_text(v, type)));
}

// ---- Comparing under substitution -----------------------------------------------------------------------------------

// What parameter stands for; closed then, or in the parameters of the code at hand.
static void substitute(Verifier *v, TypeId *type, const TypeList **args) {
  if (*args && type_kind(v, *type) == TYPE_VAR && type_at(v, *type)->index < (*args)->count) {
    *type = (*args)->items[type_at(v, *type)->index];
    *args = NULL;
  }
  if (!v->facts[*type].params) *args = NULL;
}

bool types_same(Verifier *v, TypeId left, const TypeList *left_args, TypeId right, const TypeList *right_args) {
  if (!verify_spend(v, 1)) return false;
  substitute(v, &left, &left_args);
  substitute(v, &right, &right_args);
  if (!left_args && !right_args) return left == right;
  const Type *a = type_at(v, left), *b = type_at(v, right);
  if (a->kind != b->kind || a->index != b->index || a->count != b->count) return false;
  for (u32 i = 0; i < a->count; i++) {
    if (!types_same(v, a->args[i], left_args, b->args[i], right_args)) return false;
  }
  return true;
}
