// Planning a match: from rows of patterns to a decision tree (gen_match.h).
#include "bytecode/front/gen_match.h"

// ---- Places ---------------------------------------------------------------------------------------------------------

static TypeId part_type(Fn *f, Place *parent, Step step, u32 ctor, u32 field) {
  const Type *type = type_of(f->gen, parent->type);
  switch (step) {
    case STEP_ROOT: case STEP_TAIL: case STEP_FRONT: case STEP_BACK: return parent->type;
    case STEP_ELEM: return type->args[field];
    case STEP_HEAD: return type->args[0];
    case STEP_FIELD: {
      TypeId declared = f->gen->module->datas.items[type->index].ctors[ctor].fields[field].type;
      return gen_inside(f->gen, declared, parent->type);
    }
  }
  return parent->type;
}

Place *place_part(Plan *plan, Place *parent, Step step, u32 ctor, u32 field) {
  for (u32 i = 0; i < parent->parts.count; i++) {
    Place *part = parent->parts.items[i];
    if (part->step == step && part->ctor == ctor && part->field == field) return part;
  }
  Place *part = gc_new(Place);
  *part = (Place){.step = step,
                  .ctor = ctor,
                  .field = field,
                  .type = part_type(plan->f, parent, step, ctor, field),
                  .parent = parent,
                  .reg = REG_NONE,
                  .raw = REG_NONE,
                  .length = REG_NONE};
  vec_push(&parent->parts, part);
  vec_push(&plan->places, part);
  return part;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

static void add_pair(Plan *plan, Row *row, Place *place, Pat *pat);

static void add_fields(Plan *plan, Row *row, Place *place, Pat *pat) {
  for (u32 i = 0; i < pat->ctor->fields.count; i++) {
    Pat *sub = pat->by_field ? pat->by_field[i] : NULL;
    if (sub && sub->kind != PAT_WILD) add_pair(plan, row, place_part(plan, place, STEP_FIELD, pat->ctor->index, i), sub);
  }
}

static u32 list_items(const Pair *p) { return p->back || !p->pat->has_rest ? p->pat->items.count : p->pat->rest_at; }
static bool list_open(const Pair *p) { return !p->back && p->pat->has_rest; }

static void add_list(Plan *plan, Row *row, Pair pair) {
  bool at_rest = list_open(&pair) && pair.skip == pair.pat->rest_at;
  if (!at_rest || pair.pat->rest_at < pair.pat->items.count) vec_push(&row->pairs, pair);
  else if (pair.pat->rest && pair.pat->rest->kind != PAT_WILD) add_pair(plan, row, pair.place, pair.pat->rest);
}

static bool has_one_ctor(Plan *plan, Place *place) {
  return plan->f->gen->module->datas.items[type_of(plan->f->gen, place->type)->index].ctor_count == 1;
}

// Adds what is left to be tested of `place` matching `pat`, and what the pattern binds.
static void add_pair(Plan *plan, Row *row, Place *place, Pat *pat) {
  switch (pat->kind) {
    case PAT_WILD: break;
    case PAT_AT:
      vec_push(&row->bindings, ((Binding){pat->local, place}));
      add_pair(plan, row, place, pat->items.items[0]);
      break;
    case PAT_NAME: vec_push(&row->bindings, ((Binding){pat->local, place})); break;
    case PAT_TUPLE:
      for (u32 i = 0; i < pat->items.count; i++)
        if (pat->items.items[i]->kind != PAT_WILD)
          add_pair(plan, row, place_part(plan, place, STEP_ELEM, 0, i), pat->items.items[i]);
      break;
    case PAT_CTOR:
      if (has_one_ctor(plan, place)) add_fields(plan, row, place, pat);
      else vec_push(&row->pairs, ((Pair){place, pat, 0, false}));
      break;
    case PAT_LIST: add_list(plan, row, (Pair){place, pat, 0, false}); break;
    case PAT_INT:
    case PAT_FLOAT:
    case PAT_DURATION:
    case PAT_STRING:
    case PAT_BYTES:
    case PAT_BOOL:
    case PAT_RANGE:
    case PAT_OR: vec_push(&row->pairs, ((Pair){place, pat, 0, false})); break;
  }
}

// A copy of `row` without pair `at`; what takes its place is added first by `more`.
static Row row_without(Plan *plan, const Row *row, u32 at, void (*more)(Plan *plan, Row *row, const Pair *pair),
                       const Pair *pair) {
  Row out = {.arm = row->arm};
  plan->work += 1 + row->pairs.count + row->bindings.count;
  for (u32 i = 0; i < row->bindings.count; i++) vec_push(&out.bindings, row->bindings.items[i]);
  for (u32 i = 0; i < row->pairs.count; i++) {
    if (i != at) vec_push(&out.pairs, row->pairs.items[i]);
    else if (more) more(plan, &out, pair);
  }
  return out;
}

static i32 find_pair(const Row *row, const Place *place) {
  for (u32 i = 0; i < row->pairs.count; i++)
    if (row->pairs.items[i].place == place) return (i32)i;
  return -1;
}

static void more_alternative(Plan *plan, Row *row, const Pair *pair) { add_pair(plan, row, pair->place, pair->pat); }

// Adds `row` to `out`, once for each alternative that it has at `place`.
static void spread_alternatives(Plan *plan, Rows *out, Row row, Place *place) {
  i32 at = find_pair(&row, place);
  if (at < 0 || row.pairs.items[at].pat->kind != PAT_OR || plan->work > plan->work_limit) {
    vec_push(out, row);
    return;
  }
  Pat *pat = row.pairs.items[at].pat;
  for (u32 i = 0; i < pat->items.count; i++) {
    Pair pair = {place, pat->items.items[i], 0, false};
    spread_alternatives(plan, out, row_without(plan, &row, (u32)at, more_alternative, &pair), place);
  }
}

static Rows spread_rows(Plan *plan, const Rows *rows, Place *place) {
  Rows spread = {0};
  for (u32 i = 0; i < rows->count; i++) spread_alternatives(plan, &spread, rows->items[i], place);
  plan->work += spread.count;
  return spread;
}

// ---- Tests on a key: a constructor, a literal, [] or not ------------------------------------------------------------

static const void *literal_key(const Pat *pat) {
  switch ((int)pat->kind) {
    case PAT_INT: case PAT_DURATION: return name_of(str_format("%lld", (long long)pat->number));
    case PAT_BOOL: return name_from(pat->number ? "true" : "false");
    case PAT_FLOAT: return name_of(str_format("%a", pat->real == 0 ? 0.0 : pat->real));
  }
  return name_of(pat->text);
}

// NULL if the pair is not decided by one key.
static const void *pair_key(const Pair *p) {
  switch (p->pat->kind) {
    case PAT_CTOR: return p->pat->ctor;
    case PAT_LIST:
      if (p->skip < list_items(p)) return name_from("[_, ..]");
      return list_open(p) ? NULL : name_from("[]");
    case PAT_INT:
    case PAT_FLOAT:
    case PAT_DURATION:
    case PAT_STRING:
    case PAT_BYTES:
    case PAT_BOOL: return literal_key(p->pat);
    case PAT_WILD: case PAT_NAME: case PAT_AT: case PAT_RANGE: case PAT_TUPLE: case PAT_OR: break;
  }
  return NULL;
}

static void more_inside(Plan *plan, Row *row, const Pair *p) {
  if (p->pat->kind == PAT_CTOR) add_fields(plan, row, p->place, p->pat);
  if (p->pat->kind != PAT_LIST || p->skip >= list_items(p)) return;
  Pat *item = p->pat->items.items[p->skip];
  if (item->kind != PAT_WILD) add_pair(plan, row, place_part(plan, p->place, STEP_HEAD, 0, 0), item);
  Pair rest = {NULL, p->pat, p->skip + 1, p->back};
  bool done = list_open(&rest) && rest.skip == rest.pat->rest_at && rest.pat->rest_at == rest.pat->items.count &&
              (!rest.pat->rest || rest.pat->rest->kind == PAT_WILD);
  if (done) return;
  rest.place = place_part(plan, p->place, STEP_TAIL, 0, 0);
  add_list(plan, row, rest);
}

static u32 key_count(Plan *plan, const Place *place, const Pat *pat) {
  if (pat->kind == PAT_CTOR) return plan->f->gen->module->datas.items[type_of(plan->f->gen, place->type)->index].ctor_count;
  return pat->kind == PAT_BOOL || pat->kind == PAT_LIST ? 2 : UINT32_MAX;
}

static Case *case_for(Plan *plan, Node *node, PtrMap *index, const void *key, Pat *pat, const Rows *others) {
  uintptr_t known = (uintptr_t)map_get(index, key);
  if (known) return &node->cases.items[known - 1];
  Case made = {.key = key, .pat = pat};
  for (u32 i = 0; i < others->count; i++) vec_push(&made.rows, others->items[i]);
  plan->work += others->count;
  vec_push(&node->cases, made);
  map_put(index, key, (void *)(uintptr_t)node->cases.count);
  return &vec_last(&node->cases);
}

// Splits `rows` by what they say of `place`; gives the rows that remain where no case holds.
static Rows split_rows(Plan *plan, Node *node, const Rows *rows, Place *place) {
  Rows others = {0};
  PtrMap index = {0};
  for (u32 i = 0; i < rows->count && plan->work <= plan->work_limit; i++) {
    Row *row = &rows->items[i];
    i32 at = find_pair(row, place);
    const Pair *pair = at < 0 ? NULL : &row->pairs.items[at];
    const void *key = pair ? pair_key(pair) : NULL;
    plan->work++;
    if (key) {
      Case *c = case_for(plan, node, &index, key, pair->pat, &others);
      vec_push(&c->rows, row_without(plan, row, (u32)at, more_inside, pair));
      continue;
    }
    for (u32 k = 0; k < node->cases.count; k++) vec_push(&node->cases.items[k].rows, *row);
    plan->work += node->cases.count;
    vec_push(&others, *row);
  }
  return others;
}

// ---- The tree -------------------------------------------------------------------------------------------------------

static Node *new_node(Plan *plan, NodeKind kind, Place *place) {
  Node *node = gc_new(Node);
  node->kind = kind;
  node->place = place;
  if (++plan->nodes > plan->node_limit) plan->over = true;
  return node;
}

static Rows rows_after_first(const Rows *rows) {
  return (Rows){rows->items + 1, rows->count - 1, rows->count - 1};
}

static void more_length(Plan *plan, Row *row, const Pair *p) {
  u32 back = p->pat->items.count - p->pat->rest_at;
  if (p->pat->rest && p->pat->rest->kind != PAT_WILD)
    add_pair(plan, row, place_part(plan, p->place, STEP_FRONT, 0, back), p->pat->rest);
  vec_push(&row->pairs, ((Pair){place_part(plan, p->place, STEP_BACK, 0, back), p->pat, p->pat->rest_at, true}));
}

static void build(Plan *plan, Rows rows, Node **hole);

// A test that concerns the first row alone: a range, or the length of a list with items behind its rest.
static Node *build_single(Plan *plan, const Rows *rows, u32 at, const Pair *pair) {
  bool range = pair->pat->kind == PAT_RANGE;
  Node *node = new_node(plan, range ? NODE_RANGE : NODE_LENGTH, pair->place);
  node->pat = pair->pat;
  node->count = pair->pat->items.count - pair->pat->rest_at;
  Rows yes = {0};
  Row first = row_without(plan, &rows->items[0], at, range ? NULL : more_length, pair);
  vec_push(&yes, first);
  bool decided = !first.pairs.count && !(plan->arms && plan->arms[first.arm].guard);
  for (u32 i = 1; i < rows->count && !decided; i++, plan->work++) vec_push(&yes, rows->items[i]);
  build(plan, yes, &node->yes);
  return node;
}

static void build_leaf(Plan *plan, Node **hole, const Row *row) {
  Node *leaf = new_node(plan, NODE_LEAF, NULL);
  leaf->arm = row->arm;
  for (u32 i = 0; i < row->bindings.count; i++) vec_push(&leaf->bindings, row->bindings.items[i]);
  plan->leaves[row->arm]++;
  *hole = leaf;
}

static void build(Plan *plan, Rows rows, Node **hole) {
  while (!plan->over && rows.count) {
    if (plan->work > plan->work_limit) plan->over = true;
    Row *first = &rows.items[0];
    if (!first->pairs.count) {
      build_leaf(plan, hole, first);
      if (!plan->arms || !plan->arms[first->arm].guard) return;
      hole = &(*hole)->no;
      rows = rows_after_first(&rows);
      continue;
    }
    Pair pair = first->pairs.items[0];
    bool single = pair.pat->kind != PAT_OR && !pair_key(&pair);
    if (!single) rows = spread_rows(plan, &rows, pair.place);
    i32 at = find_pair(&rows.items[0], pair.place);
    if (at < 0) continue;  // the alternative always matches
    pair = rows.items[0].pairs.items[at];
    if (!pair_key(&pair)) {
      Node *node = build_single(plan, &rows, (u32)at, &pair);
      *hole = node;
      hole = &node->no;
      rows = rows_after_first(&rows);
      continue;
    }
    Node *node = new_node(plan, NODE_TEST, pair.place);
    *hole = node;
    rows = split_rows(plan, node, &rows, pair.place);
    if (plan->work > plan->work_limit) plan->over = true;  // it may have stopped before the first case
    node->complete = node->cases.count == key_count(plan, pair.place, pair.pat);
    for (u32 i = 0; i < node->cases.count && !plan->over; i++)
      build(plan, node->cases.items[i].rows, &node->cases.items[i].node);
    if (node->complete) return;
    hole = &node->no;
  }
}

static Row row_of(Plan *plan, Pat *pattern, u32 arm) {
  Row row = {.arm = arm};
  add_pair(plan, &row, plan->root, pattern);
  return row;
}

// A bound for the work that is generous for what people write: in proportion to the patterns' number.
static void set_limits(Plan *plan, u32 patterns) {
  plan->nodes = plan->work = 0;
  plan->over = false;
  plan->node_limit = 256 + 12 * patterns;
  plan->work_limit = 20000 + 400 * patterns;
  memset(plan->leaves, 0, plan->arm_count * sizeof *plan->leaves);
}

static bool make_sequence(Plan *plan, Pat **patterns, u32 count) {
  set_limits(plan, count);
  Node *sequence = new_node(plan, NODE_SEQUENCE, NULL);
  for (u32 i = 0; i < count; i++) {
    plan->nodes = plan->work = 0;
    plan->node_limit = 4096;
    plan->work_limit = 100000;
    Rows rows = {0};
    vec_push(&rows, row_of(plan, patterns[i], i));
    Node *node = NULL;
    build(plan, rows, &node);
    if (plan->over) return false;
    vec_push(&sequence->tries, node);
  }
  plan->tree = sequence;
  return true;
}

bool plan_make(Plan *plan, Pat **patterns, u32 count) {
  plan->arm_count = count;
  plan->leaves = gc_array(u32, count);
  set_limits(plan, count);
  Rows rows = {0};
  for (u32 i = 0; i < count; i++) vec_push(&rows, row_of(plan, patterns[i], i));
  build(plan, rows, &plan->tree);
  return !plan->over || make_sequence(plan, patterns, count);
}
