// A unique scrutinee is matched in two phases. Tests and guards only look: its parts are borrowed. When an arm is taken, the
// scrutinee is taken apart along what the arm binds, and unique parts that nobody wants are dropped.
#include "bytecode/front/gen_match.h"

// ---- Taking ---------------------------------------------------------------------------------------------------------

Local *match_local_at(const Node *leaf, const Place *place) {
  for (u32 i = 0; i < leaf->bindings.count; i++)
    if (leaf->bindings.items[i].place == place) return leaf->bindings.items[i].local;
  return NULL;
}

// The part of `place` on the way to something unique that the leaf binds, or NULL.
static const Place *way_down(const Matcher *m, const Node *leaf, const Place *place) {
  for (u32 i = 0; i < leaf->bindings.count; i++) {
    const Place *at = leaf->bindings.items[i].place;
    if (!place_is_unique(m, at)) continue;
    while (at && at->parent != place) at = at->parent;
    if (at) return at;
  }
  return NULL;
}

static const Place *part_at(const Place *place, Step step, u32 ctor, u32 field) {
  for (u32 i = 0; i < place->parts.count; i++) {
    const Place *part = place->parts.items[i];
    if (part->step == step && part->ctor == ctor && part->field == field) return part;
  }
  return NULL;
}

static u32 part_types(const Matcher *m, const Place *place, const Place *part, TypeId *types) {
  Gen *gen = m->f->gen;
  const Type *type = type_of(gen, place->type);
  if (part->step == STEP_ELEM) {
    memcpy(types, type->args, type->count * sizeof *types);
    return type->count;
  }
  const Ctor ctor = gen->module->datas.items[type->index].ctors[part->ctor];
  for (u32 i = 0; i < ctor.field_count; i++) types[i] = gen_inside(gen, ctor.fields[i].type, place->type);
  return ctor.field_count;
}

static Reg home_of(const Matcher *m, const Node *leaf, const Place *place) {
  Local *local = place ? match_local_at(leaf, place) : NULL;
  return local && m->plan.leaves[leaf->arm] > 1 ? local_info(local)->val : (Reg)REG_NONE;
}

// Gives the unique value in `reg`, which is the place's, to the local that it is bound to.
static void take_for(Matcher *m, const Node *leaf, Place *root, Local *local, Reg reg) {
  Fn *f = m->f;
  if (m->plan.leaves[leaf->arm] > 1) {
    Reg home = local_info(local)->val;
    if (reg != home) emit_op(f->emit, OP_MOVE, home, reg, 0);
    if (reg != home) reg_release(f->emit, reg);
    return;
  }
  if (root) root->bound = true;
  fn_bind(f, local, reg);
}

static void take_place(Matcher *m, const Node *leaf, const Place *place, Place *root, Reg reg);

static void take_apart(Matcher *m, const Node *leaf, const Place *place, const Place *way, Reg reg) {
  Fn *f = m->f;
  TypeId types[LIMIT_PARAMS + 1];
  Reg list[LIMIT_PARAMS + 1];
  u32 count = part_types(m, place, way, types);
  for (u32 i = 0; i < count; i++) {
    list[i] = REG_NONE;
    if (!type_is_unique(f->gen, types[i])) continue;
    list[i] = home_of(m, leaf, part_at(place, way->step, way->ctor, i));
    if (list[i] == REG_NONE) list[i] = reg_new(f->emit, types[i]);
  }
  emit_list(f->emit, way->step == STEP_ELEM ? OP_SPLIT : OP_UNPACK, reg, way->step == STEP_ELEM ? 0 : way->ctor, 0, list, count);
  reg_release(f->emit, reg);
  for (u32 i = 0; i < count; i++)
    if (list[i] != REG_NONE) take_place(m, leaf, part_at(place, way->step, way->ctor, i), NULL, list[i]);
}

// Uses up the unique value in `reg`; `place` is NULL if no pattern looks at it.
static void take_place(Matcher *m, const Node *leaf, const Place *place, Place *root, Reg reg) {
  Local *local = place ? match_local_at(leaf, place) : NULL;
  const Place *way = place && !local ? way_down(m, leaf, place) : NULL;
  if (local) take_for(m, leaf, root, local, reg);
  else if (way) take_apart(m, leaf, place, way, reg);
  else reg_drop(m->f, reg);
}

// The arm is taken: so is the scrutinee.
void match_take(Matcher *m, const Node *leaf) {
  Place *root = m->plan.root;
  if (m->looks || !fn_reachable(m->f) || !place_is_unique(m, root)) return;
  if (root->reg != REG_NONE) {
    take_place(m, leaf, root, root, root->reg);
    return;
  }
  for (u32 i = 0; i < root->parts.count; i++) {  // a tuple that was never made
    Place *part = root->parts.items[i];
    if (reg_is_unique(m->f, part->reg)) take_place(m, leaf, part, part, part->reg);
  }
}

// ---- Guards ---------------------------------------------------------------------------------------------------------

// Until it is put back, the local has the value in `reg`. Gives where it had been.
static Reg stand_for(Matcher *m, Local *local, Reg reg) {
  LocalInfo *info = local_info(local);
  Reg before = info->val;
  info->val = reg;
  info->raw = REG_NONE;
  info->serial = m->f->emit->serial;
  return before;
}

// The guard sees unique parts where they are: its locals stand for them until it has decided.
void match_guard(Matcher *m, const Node *leaf, Expr *guard, Label *no) {
  Reg *homes = gc_array(Reg, leaf->bindings.count);
  for (u32 i = 0; i < leaf->bindings.count; i++) {
    Binding *b = &leaf->bindings.items[i];
    if (!place_is_unique(m, b->place) || m->looks) continue;
    match_load(m, b->place);
    homes[i] = stand_for(m, b->local, b->place->reg);
  }
  gen_branch(m->f, guard, false, no);
  for (u32 i = 0; i < leaf->bindings.count; i++)
    if (place_is_unique(m, leaf->bindings.items[i].place) && !m->looks) local_info(leaf->bindings.items[i].local)->val = homes[i];
}
