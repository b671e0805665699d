// What types can do: be compared, be ordered, be added. For each data type the set of its parameters that must be equal
// (ordered) so that the type is, found as the greatest fixpoint over all declarations: everything is presumed able until a
// field says otherwise, so recursive types, also those that grow as they recur, need no unfolding. From then on each use is
// one look-up.
#include "bytecode/verify_state.h"

static void needs_add(Needs *into, const Needs *more) {
  for (u32 i = 0; i < 4; i++) into->params[i] |= more->params[i];
  into->never |= more->never;
}

static bool needs_equal(const Needs *a, const Needs *b) { return a->never == b->never && !memcmp(a->params, b->params, sizeof a->params); }

static Needs needs_of(Verifier *v, TypeId id, Ability ability);

// Of unique types sessions alone are equal, by identity.
static Needs needs_of_kind(Verifier *v, TypeId id, Ability ability) {
  const Type *type = type_at(v, id);
  Needs needs = {.never = v->facts[id].unique && type->kind != TYPE_REF};
  if (needs.never) return needs;
  switch (type->kind) {
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_STRING:
    case TYPE_BYTES: case TYPE_DURATION: case TYPE_TIME:
      break;
    case TYPE_VAR:
      needs.params[type->index / 64] |= 1ull << type->index % 64;
      break;
    case TYPE_LIST: case TYPE_TUPLE:
      for (u32 i = 0; i < type->count; i++) {
        Needs inner = needs_of(v, type->args[i], ability);
        needs_add(&needs, &inner);
      }
      break;
    case TYPE_DATA: {
      const Needs *data = &v->data_needs[ability][type->index];
      needs.never = data->never;
      for (u32 i = 0; i < type->count; i++) {
        if (!(data->params[i / 64] >> i % 64 & 1)) continue;
        Needs inner = needs_of(v, type->args[i], ability);
        needs_add(&needs, &inner);
      }
      break;
    }
    case TYPE_REF:
      needs.never = ability == ABLE_ORDERED;
      break;
    case TYPE_PROMISE: case TYPE_FN: case TYPE_BUF: case TYPE_ARRAY: case TYPE_KIND_COUNT:
      needs.never = true;
      break;
  }
  return needs;
}

static Needs needs_of(Verifier *v, TypeId id, Ability ability) {
  if (v->needs_pass[ability][id] != v->pass) {
    Needs needs = verify_spend(v, 1 + type_at(v, id)->count) ? needs_of_kind(v, id, ability) : (Needs){.never = true};
    v->needs[ability][id] = needs;
    v->needs_pass[ability][id] = v->pass;
  }
  return v->needs[ability][id];
}

// Another module's opaque type is what it was declared to be; in all its parameters, whatever they are used for inside.
static Needs closed_needs(const DataDef *data, Ability ability) {
  u8 enough = ability == ABLE_EQUAL ? CONSTRAINT_EQUAL | CONSTRAINT_ORDERED : CONSTRAINT_ORDERED;
  Needs needs = {.never = !(data->declared & enough)};
  for (u32 i = 0; i < data->generics.count; i++) needs.params[i / 64] |= 1ull << i % 64;
  return needs;
}

static bool refine(Verifier *v, u32 row, Ability ability) {
  const DataDef *data = &v->m->datas.items[row];
  Needs needs = {.never = data->unique};
  if (data->opaque && data->import != IMPORT_NONE) {
    needs = closed_needs(data, ability);
  } else {
    for (u32 i = 0; i < data->ctor_count; i++) {
      for (u32 k = 0; k < data->ctors[i].field_count; k++) {
        Needs field = needs_of(v, data->ctors[i].fields[k].type, ability);
        needs_add(&needs, &field);
      }
    }
  }
  bool changed = !needs_equal(&needs, &v->data_needs[ability][row]);
  v->data_needs[ability][row] = needs;
  return changed;
}

static bool fixpoint(Verifier *v, Ability ability) {
  u32 count = v->m->datas.count;
  v->needs[ability] = gc_alloc_data((v->m->types.count + 1) * sizeof(Needs));
  v->needs_pass[ability] = gc_alloc_data((v->m->types.count + 1) * sizeof(u32));
  v->data_needs[ability] = gc_alloc_data((count + 1) * sizeof(Needs));
  bool changed = true;
  // To and fro, so that a chain of declarations is done in two passes in whichever order it stands.
  for (bool forward = true; changed; forward = !forward) {
    changed = false;
    v->pass++;
    for (u32 i = 0; i < count; i++) {
      changed |= refine(v, forward ? i : count - 1 - i, ability);
      if (!verify_spend(v, 1 + v->m->datas.items[i].ctor_count)) return false;
    }
  }
  return true;
}

bool verify_abilities(Verifier *v) {
  // The two are found one after the other, and share the counter of passes: the last of the second must serve both.
  if (!fixpoint(v, ABLE_EQUAL)) return false;
  if (!fixpoint(v, ABLE_ORDERED)) return false;
  v->pass++;
  for (u32 i = 0; i < v->m->datas.count; i++) {
    const DataDef *data = &v->m->datas.items[i];
    if (!data->declared) continue;
    if (!data->opaque || data->declared & ~(CONSTRAINT_EQUAL | CONSTRAINT_ORDERED)) {
      return verify_fail(v, REASON_DECLARED, "data type `%.*s` is declared %u", STR_ARG(data->name), data->declared);
    }
    bool ordered = data->declared & CONSTRAINT_ORDERED;
    if (v->data_needs[ordered ? ABLE_ORDERED : ABLE_EQUAL][i].never) {
      return verify_fail(v, REASON_DECLARED, "data type `%.*s` is declared %s, and its fields are not", STR_ARG(data->name), ordered ? "ordered" : "equal");
    }
  }
  return true;
}

// ---- Use ------------------------------------------------------------------------------------------------------------

void able_enter(Verifier *v, const Generics *generics) {
  memset(v->able, 0, sizeof v->able);
  for (u32 i = 0; generics->constraints && i < generics->count; i++) {
    u8 set = generics->constraints[i];
    u64 bit = 1ull << i % 64;
    if (set & (CONSTRAINT_EQUAL | CONSTRAINT_ORDERED | CONSTRAINT_REFERENCE)) v->able[ABLE_EQUAL][i / 64] |= bit;
    if (set & CONSTRAINT_ORDERED) v->able[ABLE_ORDERED][i / 64] |= bit;
  }
}

static bool type_comparable(Verifier *v, TypeId type, Ability ability) {
  Needs needs = needs_of(v, type, ability);
  if (needs.never) return false;
  u64 missing = 0;
  for (u32 i = 0; i < 4; i++) missing |= needs.params[i] & ~v->able[ability][i];
  return !missing;
}

static u8 param_constraints(const Verifier *v, TypeId type) {
  const Generics *generics = &v->f->generics;
  u32 index = type_at(v, type)->index;
  return generics->constraints && index < generics->count ? generics->constraints[index] : 0;
}

static bool type_adds(const Verifier *v, TypeId type, bool number) {
  switch (type_kind(v, type)) {
    case TYPE_VINT: case TYPE_VFLOAT: return true;
    case TYPE_STRING: case TYPE_DURATION: return !number;
    case TYPE_VAR: return param_constraints(v, type) & (number ? CONSTRAINT_NUMBER : CONSTRAINT_NUMBER | CONSTRAINT_ADDS);
    default: return false;
  }
}

static bool type_refers(const Verifier *v, TypeId type) {
  TypeKind kind = type_kind(v, type);
  return kind == TYPE_REF || (kind == TYPE_VAR && (param_constraints(v, type) & CONSTRAINT_REFERENCE));
}

bool type_able(Verifier *v, TypeId type, u8 constraints) {
  if (constraints & CONSTRAINT_EQUAL && !type_comparable(v, type, ABLE_EQUAL)) return false;
  if (constraints & CONSTRAINT_ORDERED && !type_comparable(v, type, ABLE_ORDERED)) return false;
  if (constraints & CONSTRAINT_ADDS && !type_adds(v, type, false)) return false;
  if (constraints & CONSTRAINT_NUMBER && !type_adds(v, type, true)) return false;
  return !(constraints & CONSTRAINT_REFERENCE) || type_refers(v, type);
}
