// Emitting a match from its plan (gen_match.h): tests as jumps, parts unpacked once on each path, arms as code.
//
// An arm that one leaf of the tree leads to stands at that leaf. One that several lead to stands behind the tree: its
// locals have registers of their own, which each leaf fills before it jumps.
// A unique scrutinee is used up where an arm is taken (gen_take.c); until then its parts are borrowed.
#include "bytecode/front/gen_match.h"

// ---- Places in registers --------------------------------------------------------------------------------------------

static Reg claim(Matcher *m, Place *place) {
  Emit *emit = m->f->emit;
  if (type_is_unique(m->f->gen, place->type)) {
    place->reg = reg_borrow(emit, place->type, emit_part(emit, reg_place(emit, place->parent->reg), place->ctor, place->field));
  } else {
    place->reg = reg_new(emit, place->type);
  }
  reg_keep(emit, place->reg, REG_LOCAL);
  place->loaded = true;
  vec_push(&m->loaded, ((Load){place, LOAD_VALUE, REG_NONE}));
  return place->reg;
}

static void load_fields(Matcher *m, Place *place) {
  Emit *emit = m->f->emit;
  Place *parent = place->parent;
  const DataDef def = m->f->gen->module->datas.items[type_of(m->f->gen, parent->type)->index];
  u32 wanted = 0, count = def.ctors[place->ctor].field_count;
  Reg list[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < count; i++) list[i] = REG_NONE;
  for (u32 i = 0; i < parent->parts.count; i++) {
    Place *part = parent->parts.items[i];
    if (part->step != STEP_FIELD || part->ctor != place->ctor || part->loaded) continue;
    if (part != place && type_is_unique(m->f->gen, part->type)) continue;  // borrowed when asked for
    list[part->field] = claim(m, part);
    wanted++;
  }
  if (wanted == 1 && def.ctor_count == 1) emit_op(emit, OP_FIELD, place->reg, parent->reg, place->field);
  else emit_list(emit, type_is_unique(m->f->gen, parent->type) ? OP_PEEK : OP_UNPACK, parent->reg, place->ctor, 0, list, count);
}

static Reg load_length(Matcher *m, Place *list) {
  Fn *f = m->f;
  if (list->length != REG_NONE) return list->length;
  TypeListId inst = gen_args_of(f->gen, list->type);
  list->length = gen_library_call(f, "list", "len", inst, &list->reg, sink_val(f->gen->t_int));
  reg_keep(f->emit, list->length, REG_LOCAL);
  vec_push(&m->loaded, ((Load){list, LOAD_LENGTH, REG_NONE}));
  return list->length;
}

static void load_end(Matcher *m, Place *place) {
  Fn *f = m->f;
  Reg front = reg_new(f->emit, f->gen->t_int), to = claim(m, place);
  emit_op(f->emit, OP_ADDI, front, load_length(m, place->parent), (u16)-(i32)place->field);
  Reg args[2] = {place->parent->reg, front};
  gen_library_call(f, "list", place->step == STEP_FRONT ? "take" : "drop", gen_args_of(f->gen, place->type), args,
                   sink_to(f, to));
}

// Makes sure that the place's value stands in its register.
void match_load(Matcher *m, Place *place) {
  if (place->loaded) return;
  match_load(m, place->parent);
  Emit *emit = m->f->emit;
  switch (place->step) {
    case STEP_ROOT: break;
    case STEP_FIELD: load_fields(m, place); break;
    case STEP_ELEM: emit_op(emit, OP_ELEM, claim(m, place), place->parent->reg, place->field); break;
    case STEP_HEAD: emit_op(emit, OP_HEAD, claim(m, place), place->parent->reg, 0); break;
    case STEP_TAIL: emit_op(emit, OP_TAIL, claim(m, place), place->parent->reg, 0); break;
    case STEP_FRONT: case STEP_BACK: load_end(m, place); break;
  }
}

static Reg load_raw(Matcher *m, Place *place) {
  match_load(m, place);
  Gen *gen = m->f->gen;
  if (type_boxed(gen, place->type) != place->type) return place->reg;
  if (place->raw == REG_NONE) {
    place->raw = coerce(m->f, place->reg, sink_val(place->type == gen->t_vint ? gen->t_int : gen->t_float));
    reg_keep(m->f->emit, place->raw, REG_LOCAL);
    vec_push(&m->loaded, ((Load){place, LOAD_RAW, REG_NONE}));
  }
  return place->raw;
}

// Forgets what was loaded since `mark`: another branch begins, in which it isn't.
static void undo(Matcher *m, u32 mark) {
  Emit *emit = m->f->emit;
  while (m->loaded.count > mark) {
    Load load = m->loaded.items[--m->loaded.count];
    Place *place = load.place;
    switch (load.kind) {
      case LOAD_VALUE:
        reg_free(emit, place->reg);
        place->loaded = false;
        break;
      case LOAD_RAW:
        reg_free(emit, place->raw);
        place->raw = REG_NONE;
        break;
      case LOAD_LENGTH:
        reg_free(emit, place->length);
        place->length = REG_NONE;
        break;
      case LOAD_GONE:
        place->reg = load.reg;
        place->loaded = true;
        reg_keep(emit, place->reg, REG_LOCAL);
        break;
    }
  }
}

static bool is_shared(const Matcher *m, u32 arm) { return m->plan.leaves[arm] > 1; }

// The arm is taken: what was borrowed on the way is not there any more, or not needed, until undo() comes to another branch.
// Where the scrutinee stays, the arm's own locals go on looking.
static void forget_borrowed(Matcher *m, const Node *leaf) {
  u32 count = m->loaded.count;
  for (u32 i = 0; i < count; i++) {
    Place *place = m->loaded.items[i].place;
    if (!place->loaded || !place_is_unique(m, place)) continue;
    if (m->looks && !is_shared(m, leaf->arm) && match_local_at(leaf, place)) continue;
    vec_push(&m->loaded, ((Load){place, LOAD_GONE, place->reg}));
    place->loaded = false;
    reg_free(m->f->emit, place->reg);
  }
}

// ---- Leaves ---------------------------------------------------------------------------------------------------------

static Expr *guard_of(const Matcher *m, u32 arm) { return m->plan.arms ? m->plan.arms[arm].guard : NULL; }

static void fill_shared(Matcher *m, const Node *leaf) {
  for (u32 i = 0; i < leaf->bindings.count; i++) {
    Binding *b = &leaf->bindings.items[i];
    if (place_is_unique(m, b->place) && !m->looks) continue;
    LocalInfo *info = local_info(b->local);
    Reg home = info->raw != REG_NONE ? info->raw : info->val;
    if (place_is_unique(m, b->place)) emit_op(m->f->emit, OP_LOOK, home, b->place->reg, 0);
    else if (b->place->reg != home) coerce(m->f, b->place->reg, sink_to(m->f, home));
  }
}

// Plain parts are copied to their locals before the scrutinee is taken; unique ones are taken with it.
static void bind_leaf(Matcher *m, const Node *leaf) {
  for (u32 i = 0; i < leaf->bindings.count; i++) {
    Place *place = leaf->bindings.items[i].place;
    if (m->looks || !place_is_unique(m, place)) match_load(m, place);
  }
  if (is_shared(m, leaf->arm)) {
    fill_shared(m, leaf);
    return;
  }
  for (u32 i = 0; i < leaf->bindings.count; i++) {
    Binding *b = &leaf->bindings.items[i];
    if (place_is_unique(m, b->place) && !m->looks) continue;
    b->place->bound = true;
    fn_bind(m->f, b->local, b->place->reg);
  }
}

// Binds the leaf's locals and takes the scrutinee, if the guard agrees.
static void take_leaf(Matcher *m, const Node *leaf, Expr *guard, Label *no) {
  bind_leaf(m, leaf);
  if (guard) match_guard(m, leaf, guard, no);
  match_take(m, leaf);
}

static void gen_arm(Matcher *m, u32 arm) {
  gen(m->f, m->plan.arms[arm].value, m->sink);
  emit_jump(m->f->emit, m->end);
}

// The shared arm is not taken after all: its locals look at nothing, so that nothing need be there for them.
static void clear_looks(Matcher *m, const Node *leaf) {
  for (u32 i = 0; m->looks && i < leaf->bindings.count; i++) {
    Reg reg = local_info(leaf->bindings.items[i].local)->val;
    if (place_is_unique(m, leaf->bindings.items[i].place)) emit_op(m->f->emit, OP_CLEAR, reg, 0, 0);
  }
}

// Emits the leaf; false if its guard may fail, and the code goes on with what comes then.
static bool emit_leaf(Matcher *m, const Node *leaf) {
  Fn *f = m->f;
  if (!m->arms) {
    bind_leaf(m, leaf);
    match_take(m, leaf);
    if (is_shared(m, leaf->arm)) emit_jump(f->emit, m->end);
    return true;
  }
  u32 mark = scope_open(f);
  Expr *guard = guard_of(m, leaf->arm);
  Label no = LABEL_NEW;
  take_leaf(m, leaf, guard, &no);
  u32 loaded = m->loaded.count;
  forget_borrowed(m, leaf);
  if (is_shared(m, leaf->arm)) emit_jump(f->emit, &m->arm_labels[leaf->arm]);
  else gen_arm(m, leaf->arm);
  scope_close(f, mark);
  undo(m, loaded);
  emit_bind(f->emit, &no);
  if (guard && is_shared(m, leaf->arm)) clear_looks(m, leaf);
  return !guard;
}

// A leaf to which a test can jump directly: nothing is to be done on the way.
static Label *direct_label(Matcher *m, const Node *node) {
  if (!node || node->kind != NODE_LEAF || !m->arms || !is_shared(m, node->arm) || guard_of(m, node->arm)) return NULL;
  if (place_is_unique(m, m->plan.root)) return NULL;
  return node->bindings.count ? NULL : &m->arm_labels[node->arm];
}

// ---- Tests ----------------------------------------------------------------------------------------------------------

static Reg literal_reg(Matcher *m, const Pat *pat, Reg like) {
  Fn *f = m->f;
  Gen *g = f->gen;
  Reg reg = reg_new(f->emit, reg_type(f->emit, like));
  switch ((int)pat->kind) {
    case PAT_INT: return gen_int(f, pat->number, sink_to(f, reg));
    case PAT_FLOAT: {
      u64 bits;
      memcpy(&bits, &pat->real, sizeof bits);
      emit_word(f->emit, OP_FLOAT, reg, 0, bits);
      return reg;
    }
    case PAT_DURATION:
      return gen_constant(f, (Constant){.kind = CONSTANT_DURATION, .number = pat->number}, g->t_duration, sink_to(f, reg));
    case PAT_BYTES:
      return gen_constant(f, (Constant){.kind = CONSTANT_BYTES, .bytes = pat->text}, g->t_bytes, sink_to(f, reg));
  }
  return gen_string(f, pat->text, sink_to(f, reg));
}

static bool is_number(const Pat *pat) { return pat->kind == PAT_INT || pat->kind == PAT_FLOAT; }

static bool is_short(const Pat *pat) { return pat->kind == PAT_INT && pat->number >= INT16_MIN && pat->number <= INT16_MAX; }

// Jumps if the place equals the literal or constructor of the case, or if it does not.
static void branch_case(Matcher *m, const Node *node, const Case *c, bool equal, Label *target) {
  Emit *emit = m->f->emit;
  Pat *pat = c->pat;
  Reg reg = is_number(pat) ? load_raw(m, node->place) : node->place->reg;
  if (pat->kind == PAT_CTOR) {
    emit_branch(emit, equal ? OP_JTAG : OP_JNTAG, reg, pat->ctor->index, target);
  } else if (pat->kind == PAT_LIST) {
    bool nil = c->key == name_from("[]");
    emit_branch(emit, nil == equal ? OP_JNIL : OP_JCONS, reg, 0, target);
  } else if (pat->kind == PAT_BOOL) {
    emit_branch(emit, (pat->number != 0) == equal ? OP_JT : OP_JF, reg, 0, target);
  } else if (is_short(pat)) {
    emit_branch(emit, equal ? OP_JEQI : OP_JNEI, reg, (u16)pat->number, target);
  } else {
    Reg literal = literal_reg(m, pat, reg);
    Op op = pat->kind == PAT_INT ? (equal ? OP_JEQ_INT : OP_JNE_INT)
            : pat->kind == PAT_FLOAT ? (equal ? OP_JEQ_FLOAT : OP_JNE_FLOAT) : (equal ? OP_JEQ : OP_JNE);
    reg_release(emit, literal);
    emit_branch(emit, op, reg, literal, target);
  }
}

static void branch_bound(Matcher *m, Reg reg, const Pat *bound, Operator op, Label *target) {
  if (is_short(bound)) {
    Op jump = op == OPERATOR_LT ? OP_JLTI : op == OPERATOR_GE ? OP_JGEI : OP_JGTI;
    emit_branch(m->f->emit, jump, reg, (u16)bound->number, target);
    return;
  }
  Reg literal = literal_reg(m, bound, reg);
  Ty ty = {.kind = bound->kind == PAT_INT ? TY_INT : bound->kind == PAT_FLOAT ? TY_FLOAT : TY_STRING};
  reg_release(m->f->emit, literal);
  gen_compare_regs(m->f, op, &ty, reg, literal, true, target);
}

// Jumps if the place is outside the range, or the list too short.
static void branch_outside(Matcher *m, const Node *node, Label *target) {
  match_load(m, node->place);
  if (node->kind == NODE_LENGTH) {
    emit_branch(m->f->emit, OP_JLTI, load_length(m, node->place), (u16)node->count, target);
    return;
  }
  Reg reg = is_number(node->pat->low) ? load_raw(m, node->place) : node->place->reg;
  branch_bound(m, reg, node->pat->low, OPERATOR_LT, target);
  branch_bound(m, reg, node->pat->high, node->pat->inclusive ? OPERATOR_GT : OPERATOR_GE, target);
}

static void emit_node(Matcher *m, const Node *node);

static void emit_nothing(Matcher *m) {
  if (m->fail) emit_jump(m->f->emit, m->fail);
  else if (fn_reachable(m->f)) gen_crash_text(m->f, STR("no arm of the match fits"));
}

static void emit_branch_of(Matcher *m, const Node *node) {
  u32 mark = m->loaded.count;
  emit_node(m, node);
  if (m->arms || is_shared(m, 0)) undo(m, mark);  // a let has one path, and its locals live on
}

// True if the code goes on with the rows where no case holds.
static bool emit_switch_of(Matcher *m, const Node *node, bool certain) {
  Fn *f = m->f;
  u32 count = f->gen->module->datas.items[type_of(f->gen, node->place->type)->index].ctor_count, cases = node->cases.count;
  Label other = LABEL_NEW;
  Label *labels = gc_array(Label, cases);
  Label **table = gc_array(Label *, count), **chosen = gc_array(Label *, cases);
  for (u32 i = 0; i < cases; i++) {
    Label *direct = direct_label(m, node->cases.items[i].node);
    labels[i] = LABEL_NEW;
    chosen[i] = direct ? direct : &labels[i];
  }
  // Where the rest can't happen, it may go anywhere.
  Label *rest = certain ? chosen[cases - 1] : !node->no && m->fail ? m->fail : &other;
  for (u32 i = 0; i < count; i++) table[i] = rest;
  for (u32 i = 0; i < cases; i++) table[node->cases.items[i].pat->ctor->index] = chosen[i];
  emit_switch(f->emit, node->place->reg, count, table);
  for (u32 i = 0; i < cases; i++) {
    if (!label_used(&labels[i])) continue;
    emit_bind(f->emit, &labels[i]);
    emit_branch_of(m, node->cases.items[i].node);
  }
  emit_bind(f->emit, &other);
  return rest == &other;
}

// The cases of a test, one after the other. True if the code goes on with the rows where none holds.
static bool emit_cases(Matcher *m, const Node *node) {
  Fn *f = m->f;
  match_load(m, node->place);
  bool certain = node->complete || (!node->no && !m->fail);  // the last case needs no test
  u32 count = node->cases.count;
  if (node->cases.items[0].pat->kind == PAT_CTOR && count + !certain >= 3) {
    return emit_switch_of(m, node, certain);
  }
  if (is_number(node->cases.items[0].pat)) load_raw(m, node->place);
  for (u32 i = 0; i < count; i++) {
    const Case *c = &node->cases.items[i];
    if (certain && i + 1 == count) {
      emit_node(m, c->node);
      return false;
    }
    Label *direct = direct_label(m, c->node);
    if (direct) {
      branch_case(m, node, c, true, direct);
      continue;
    }
    Label next = LABEL_NEW;
    bool straight = i + 1 == count && !node->no && m->fail;
    branch_case(m, node, c, false, straight ? m->fail : &next);
    emit_branch_of(m, c->node);
    emit_bind(f->emit, &next);
    if (straight) return false;
  }
  return true;
}

// A range or length. True if the code goes on where it does not hold.
static bool emit_single(Matcher *m, const Node *node) {
  if (!node->no && !m->fail) {
    emit_node(m, node->yes);
    return false;
  }
  Label next = LABEL_NEW;
  branch_outside(m, node, node->no ? &next : m->fail);
  emit_branch_of(m, node->yes);
  emit_bind(m->f->emit, &next);
  return node->no != NULL;
}

static void emit_sequence(Matcher *m, const Node *node) {
  Label *fail = m->fail;
  for (u32 i = 0; i < node->tries.count; i++) {
    Label next = LABEL_NEW;
    m->fail = i + 1 < node->tries.count ? &next : fail;
    emit_branch_of(m, node->tries.items[i]);
    emit_bind(m->f->emit, &next);
  }
  m->fail = fail;
}

static void emit_node(Matcher *m, const Node *node) {
  for (bool on = true; on; node = node->no) {
    if (!fn_reachable(m->f)) return;
    if (!node) {
      emit_nothing(m);
      return;
    }
    switch (node->kind) {
      case NODE_FAIL: emit_nothing(m); return;
      case NODE_LEAF: on = !emit_leaf(m, node); break;
      case NODE_TEST: on = emit_cases(m, node); break;
      case NODE_RANGE: case NODE_LENGTH: on = emit_single(m, node); break;
      case NODE_SEQUENCE: emit_sequence(m, node); return;
    }
  }
}

// ---- Whole matches --------------------------------------------------------------------------------------------------

// A local that each leaf lets look at a part of its own.
static void bind_look(Matcher *m, Local *local) {
  Emit *emit = m->f->emit;
  fn_bind(m->f, local, reg_borrow(emit, gen_type(m->f->gen, local->type), emit_some_part(emit, reg_place(emit, m->plan.root->reg))));
}

static void add_shared(Matcher *m, const Node *node, bool *done) {
  for (; node; node = node->no) {
    for (u32 i = 0; i < node->cases.count; i++) add_shared(m, node->cases.items[i].node, done);
    for (u32 i = 0; i < node->tries.count; i++) add_shared(m, node->tries.items[i], done);
    if (node->yes) add_shared(m, node->yes, done);
    if (node->kind != NODE_LEAF || !is_shared(m, node->arm) || done[node->arm]) continue;
    done[node->arm] = true;
    for (u32 i = 0; i < node->bindings.count; i++) {
      Local *local = node->bindings.items[i].local;
      if (m->looks && place_is_unique(m, node->bindings.items[i].place)) bind_look(m, local);
      else fn_var(m->f, local);
      vec_push(&m->shared, local);
    }
  }
}

static void emit_shared_arms(Matcher *m) {
  for (u32 i = 0; i < m->plan.arm_count; i++) {
    if (!is_shared(m, i) || !label_used(&m->arm_labels[i])) continue;
    emit_bind(m->f->emit, &m->arm_labels[i]);
    gen_arm(m, i);
  }
}

static bool start_plan(Matcher *m, Place *root, Pat **patterns, u32 count, Span span) {
  m->plan.f = m->f;
  m->plan.root = root;
  if (plan_make(&m->plan, patterns, count)) return true;
  gen_limit(m->f->gen, DIAG_E0513, span, "the alternatives in this pattern multiply to too many cases");
  m->f->emit->reachable = false;
  return false;
}

static Place *root_place(Fn *f, TypeId type, Reg reg) {
  Place *root = gc_new(Place);
  *root = (Place){.step = STEP_ROOT, .type = type, .reg = reg, .raw = REG_NONE, .length = REG_NONE, .loaded = true};
  return root;
}

static void match_root(Fn *f, Expr *e, Place *root, bool looks, Sink sink) {
  u32 count = e->arms.count, mark = scope_open(f);
  Label end = LABEL_NEW;
  Matcher m = {.f = f, .sink = sink, .end = &end, .arms = true, .looks = looks};
  if (looks && reg_state(f->emit, root->reg) == REG_TEMP) {
    reg_keep(f->emit, root->reg, REG_LOCAL);
    vec_push(&m.loaded, ((Load){root, LOAD_VALUE, REG_NONE}));
  }
  Pat **patterns = gc_array(Pat *, count);
  for (u32 i = 0; i < count; i++) patterns[i] = e->arms.items[i].pattern;
  m.plan.arms = e->arms.items;
  if (!start_plan(&m, root, patterns, count, e->span)) return;
  m.arm_labels = gc_array(Label, count);
  for (u32 i = 0; i < count; i++) m.arm_labels[i] = LABEL_NEW;
  add_shared(&m, m.plan.tree, gc_array(bool, count));
  emit_node(&m, m.plan.tree);
  undo(&m, 0);
  emit_shared_arms(&m);
  scope_close(f, mark);
  emit_bind(f->emit, &end);
}

void gen_match_reg(Fn *f, Expr *e, Reg scrutinee, Sink sink) {
  match_root(f, e, root_place(f, reg_type(f->emit, scrutinee), scrutinee), false, sink);
}

static bool takes_apart(const Pat *p) {
  if (p->kind == PAT_TUPLE || p->kind == PAT_WILD) return true;
  if (p->kind != PAT_OR) return false;
  for (u32 i = 0; i < p->items.count; i++)
    if (!takes_apart(p->items.items[i])) return false;
  return true;
}

// `match (a, b) { (x, y) -> … }`: no arm wants the tuple itself, so none is made.
static bool is_apart(const Expr *e) {
  if (e->object->kind != EX_TUPLE || e->object->items.count < 2) return false;
  for (u32 i = 0; i < e->arms.count; i++)
    if (!takes_apart(e->arms.items[i].pattern)) return false;
  return true;
}

// A register whose value stays as it is while guards and arms run.
static Reg held_still(Fn *f, Reg reg) {
  return reg_state(f->emit, reg) == REG_VAR ? hold(f, reg) : reg;
}

static void match_apart(Fn *f, Expr *e, Sink sink) {
  Place *root = root_place(f, gen_type(f->gen, e->object->type), REG_NONE);
  Plan plan = {.f = f, .root = root};
  u32 count = e->object->items.count, kept = f->scope.count, held = f->held.count;
  if (!fn_reachable(f)) return;  // more than LIMIT_TYPE_ARGS
  for (u32 i = 0; i < count; i++) {
    Reg reg = held_still(f, gen_natural(f, e->object->items.items[i]));
    Place *part = place_part(&plan, root, STEP_ELEM, 0, i);
    part->reg = reg;
    part->type = reg_type(f->emit, reg);
    part->loaded = true;
    held_push(f, reg);
    if (reg_state(f->emit, reg) != REG_TEMP) continue;
    reg_keep(f->emit, reg, REG_LOCAL);
    vec_push(&f->scope, ((ScopeItem){reg, NAME_NONE}));
  }
  f->held.count = held;
  if (fn_reachable(f)) match_root(f, e, root, false, sink);
  scope_close(f, kept);
}

Reg gen_match(Fn *f, Expr *e, Sink sink) {
  if (sink.kind == SINK_VALUE) sink.reg = sink_reg(f, sink);
  if (is_apart(e)) {
    match_apart(f, e, sink);
  } else if (e->looks && ty_is_unique(e->object->type)) {
    Reg reg = gen_borrow(f, e->object).reg;
    if (fn_reachable(f)) match_root(f, e, root_place(f, reg_type(f->emit, reg), reg), true, sink);
  } else {
    Reg reg = held_still(f, gen_natural(f, e->object));
    bool temp = reg_state(f->emit, reg) == REG_TEMP;
    if (temp) reg_keep(f->emit, reg, REG_LOCAL);
    if (fn_reachable(f)) gen_match_reg(f, e, reg, sink);
    if (temp) reg_free(f->emit, reg);
  }
  return sink.kind == SINK_VALUE ? sink.reg : (Reg)REG_NONE;
}

// The registers of the parts that locals live in stay with the scope; the others are free again.
static void keep_bound(Matcher *m) {
  u32 kept = 0;
  for (u32 i = 0; i < m->loaded.count; i++) {
    Load load = m->loaded.items[i];
    if (load.kind == LOAD_VALUE && load.place->bound) vec_push(&m->f->scope, ((ScopeItem){load.place->reg, NAME_NONE}));
    else m->loaded.items[kept++] = load;
  }
  m->loaded.count = kept;
  undo(m, 0);
}

void gen_destructure(Fn *f, Pat *pattern, Reg reg, Destructure how, Label *fail) {
  if (!fn_reachable(f)) return;
  bool temp = reg_state(f->emit, reg) == REG_TEMP, done = false;
  Place *root = root_place(f, reg_type(f->emit, reg), reg);
  Label end = LABEL_NEW;
  Matcher m = {.f = f, .fail = fail, .end = &end, .looks = how == DESTRUCTURE_LENT};
  if (temp) reg_keep(f->emit, reg, REG_LOCAL);
  if (!start_plan(&m, root, &pattern, 1, pattern->span)) return;
  if (is_shared(&m, 0)) add_shared(&m, m.plan.tree, &done);
  emit_node(&m, m.plan.tree);
  emit_bind(f->emit, &end);
  for (u32 i = 0; i < m.shared.count; i++) fn_var_written(f, m.shared.items[i]);
  keep_bound(&m);
  if (!temp) return;
  if (root->bound) vec_push(&f->scope, ((ScopeItem){reg, NAME_NONE}));
  else reg_free(f->emit, reg);
}
