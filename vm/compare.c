// Equality and order of any two values of one type: the contract's total order.
//
// Depth lives in a list of pairs, not in C frames: a pair is two objects whose fields are being compared, or two maps
// whose items are. The last field of a pair takes the pair's place, so a long list needs no room.
//
// Values share parts, and comparing two that share them in the same way field by field could take 2^60 steps. More
// steps than there are words in the heap can only mean that objects are met again and again: from then on the objects
// found equal are joined in classes, and two of one class are not compared again. Each join makes one class fewer, so
// the rest is linear too.
#include "vm/gc.h"
#include "vm/native.h"

typedef struct Pair {
  Obj *a, *b;        // they are equal when the pair is done; NULL for maps of which one is empty
  const u8 *raw;
  u32 count;         // of fields; 0 for maps
  u32 next;          // field; of maps, whether the key is done
  u32 base;          // maps: their cells are those from here on
  u32 left, right;   // maps: index + 1 of the cell on top, 0 when all items were seen
} Pair;

// A stack of map nodes whose items come next, linked downward: two of them grow in turn in one array.
typedef struct Cell {
  Obj *node;
  u32 below;
} Cell;

typedef struct ClassEntry {
  Obj *obj, *parent;
} ClassEntry;

enum { FIRST_PAIRS = 24, FIRST_CELLS = 64 };

typedef struct Compare {
  Worker *worker;
  Pair *pairs;
  u32 pair_count, pair_capacity;
  Cell *cells;
  u32 cell_count, cell_capacity;
  ClassEntry *classes;   // open addressing; NULL until there are too many steps
  u32 class_count, class_capacity;
  u64 steps, patience;
  bool failed;
  Pair first_pairs[FIRST_PAIRS];
  Cell first_cells[FIRST_CELLS];
} Compare;

// ---- Leaves ---------------------------------------------------------------------------------------------------------

static int order_int(i64 a, i64 b) { return (a > b) - (a < b); }
static int order_word(u64 a, u64 b) { return (a > b) - (a < b); }

static int order_float(double a, double b) {
  if (a != a || b != b) return (a != a) - (b != b);
  return (a > b) - (a < b);
}

static int order_raw(u8 raw, u64 a, u64 b) {
  return raw == 1 ? order_int((i64)a, (i64)b) : order_float(word_double(a), word_double(b));
}

static bool is_map(Val v) {
  if (val_is_const(v)) return const_desc(v) && desc_of(const_desc(v))->role == ROLE_MAP;
  return val_is_kind(v, KIND_DATA) && desc_of(header_info(val_obj(v)->header))->role == ROLE_MAP;
}

// Where at least one is no object. Of a list, [] comes first; of data, constructors in the order of their declaration.
static int order_immediate(Val a, Val b) {
  if (val_is_int(a) || val_is_int(b)) return order_int(val_int(a), val_int(b));
  if (val_is_kind(a, KIND_CONS) || val_is_kind(b, KIND_CONS)) return val_is_pointer(a) ? 1 : -1;
  return order_int(val_tag(a), val_tag(b));
}

static bool is_bytes(const Obj *o) { return obj_kind(o) == KIND_BYTES || obj_kind(o) == KIND_BLOB; }

// What can be said of two objects at once; *deep if their fields must be compared.
static int order_objects(const Obj *a, const Obj *b, bool *deep) {
  if (is_bytes(a) && is_bytes(b)) return str_compare(obj_bytes(a), obj_bytes(b));
  if (obj_kind(a) != obj_kind(b)) return order_int(obj_kind(a), obj_kind(b));
  switch (obj_kind(a)) {
    case KIND_INT: case KIND_DURATION: case KIND_TIME: return order_int((i64)a->words[0], (i64)b->words[0]);
    case KIND_FLOAT: return order_float(word_double(a->words[0]), word_double(b->words[0]));
    case KIND_STRING: case KIND_BYTES: case KIND_BLOB: return str_compare(obj_bytes(a), obj_bytes(b));
    case KIND_REF: return ref_actor(a) == ref_actor(b) ? 0 : order_word(ref_actor(a)->serial, ref_actor(b)->serial);
    case KIND_DATA:
      *deep = header_aux(a->header) == header_aux(b->header);
      return *deep ? 0 : order_int(header_aux(a->header), header_aux(b->header));
    case KIND_CONS: case KIND_TUPLE: *deep = true; return 0;
    case KIND_PROMISE: return order_word(a->words[0], b->words[0]);
    case KIND_CLOSURE: case KIND_BUF: case KIND_ARRAY: return order_word((u64)a, (u64)b);  // the verifier lets nobody ask
    case KIND_SHARED: case KIND_NONE: case KIND_COUNT: break;
  }
  BUG("comparing objects of kind %d", obj_kind(a));
}

// Objects of a kind that holds no vals: most comparisons end here.
static bool both_flat(Val a, Val b) {
  if (!val_is_pointer(a) || !val_is_pointer(b)) return false;
  return kind_scan(obj_kind(val_obj(a))) == SCAN_NONE;
}

static int order_flat(Val a, Val b) {
  Kind kind = obj_kind(val_obj(a));
  if ((kind == KIND_STRING || kind == KIND_BYTES) && header_info(val_obj(a)->header) && header_info(val_obj(b)->header)) {
    // The padding is zero, so the first words order as the texts do, unless they are equal.
    u64 first_a = __builtin_bswap64(val_obj(a)->words[0]), first_b = __builtin_bswap64(val_obj(b)->words[0]);
    if (first_a != first_b) return first_a < first_b ? -1 : 1;
  }
  bool deep;
  return order_objects(val_obj(a), val_obj(b), &deep);
}

// ---- Classes of equal objects ---------------------------------------------------------------------------------------

static u32 class_slot(const Compare *c, const Obj *obj) {
  u64 hash = ((u64)obj >> 3) * 0x9e3779b97f4a7c15u;
  u32 at = (u32)(hash >> 32) & (c->class_capacity - 1);
  while (c->classes[at].obj && c->classes[at].obj != obj) at = (at + 1) & (c->class_capacity - 1);
  return at;
}

static Obj *class_of(const Compare *c, Obj *obj) {
  for (;;) {
    u32 at = class_slot(c, obj);
    Obj *parent = c->classes[at].obj ? c->classes[at].parent : obj;
    if (parent == obj) return obj;
    u32 up = class_slot(c, parent);
    if (c->classes[up].obj) c->classes[at].parent = c->classes[up].parent;  // halves the path
    obj = parent;
  }
}

static bool classes_grow(Compare *c) {
  u32 capacity = c->class_capacity ? c->class_capacity * 2 : 1024;
  ClassEntry *old = c->classes, *grown = capacity ? memory_alloc(capacity * sizeof *grown) : NULL;
  u32 old_capacity = c->class_capacity;
  if (!grown) return false;
  memset(grown, 0, capacity * sizeof *grown);
  c->classes = grown;
  c->class_capacity = capacity;
  for (u32 i = 0; i < old_capacity; i++) {
    if (old[i].obj) grown[class_slot(c, old[i].obj)] = old[i];
  }
  memory_free(old, old_capacity * sizeof *old);
  return true;
}

static void class_join(Compare *c, Obj *a, Obj *b) {
  if (c->class_count * 2 >= c->class_capacity && !classes_grow(c)) {
    c->failed = true;
    return;
  }
  Obj *root = class_of(c, a), *other = class_of(c, b);
  u32 at = class_slot(c, root);
  c->class_count += !c->classes[at].obj;
  c->classes[at] = (ClassEntry){root, other};
}

// ---- Pairs ----------------------------------------------------------------------------------------------------------

static Pair *pair_push(Compare *c) {
  if (c->pair_count == c->pair_capacity &&
      !memory_grow((void **)&c->pairs, &c->pair_capacity, sizeof(Pair), c->first_pairs)) {
    c->failed = true;
    return NULL;
  }
  Pair *pair = &c->pairs[c->pair_count++];
  *pair = (Pair){.base = c->cell_count};
  return pair;
}

static void pair_pop(Compare *c) { c->cell_count = c->pairs[--c->pair_count].base; }

// Puts a map's node and all to the left of it on a stack of cells. Gives the new top.
static u32 descend(Compare *c, Val map, u32 top) {
  for (; val_is_pointer(map); map = val_obj(map)->words[BIN_LEFT]) {
    if (c->cell_count == c->cell_capacity &&
        !memory_grow((void **)&c->cells, &c->cell_capacity, sizeof(Cell), c->first_cells)) {
      c->failed = true;
      return 0;
    }
    c->cells[c->cell_count++] = (Cell){val_obj(map), top};
    top = c->cell_count;
  }
  return top;
}

static void enter_maps(Compare *c, Val a, Val b) {
  Pair *pair = pair_push(c);
  if (!pair) return;
  bool both = val_is_pointer(a) && val_is_pointer(b);
  u32 left = descend(c, a, 0), right = descend(c, b, 0);
  pair->a = both ? val_obj(a) : NULL;
  pair->b = both ? val_obj(b) : NULL;
  pair->left = left;
  pair->right = right;
}

static void enter_fields(Compare *c, Obj *a, Obj *b) {
  Pair *pair = pair_push(c);
  if (!pair) return;
  Vals x = obj_vals(a, a->header), y = obj_vals(b, b->header);
  pair->a = a;
  pair->b = b;
  pair->raw = x.raw;
  pair->count = x.count < y.count ? x.count : y.count;
}

// Compares two values as far as that goes at once, and enters them if they have fields to compare.
static int enter(Compare *c, Val a, Val b) {
  c->steps++;
  if (a == b) return 0;
  if (both_flat(a, b)) {
    c->steps += header_info(val_obj(a)->header) / 256;  // of text; 0 for numbers
    return order_flat(a, b);
  }
  bool objects = val_is_pointer(a) && val_is_pointer(b);
  if (objects && c->classes && class_of(c, val_obj(a)) == class_of(c, val_obj(b))) return 0;
  if (is_map(a) || is_map(b)) {
    enter_maps(c, a, b);
    return 0;
  }
  if (!objects) return order_immediate(a, b);
  bool deep = false;
  int order = order_objects(val_obj(a), val_obj(b), &deep);
  if (deep) enter_fields(c, val_obj(a), val_obj(b));
  return order;
}

static void finish(Compare *c, const Pair *pair) {
  if (c->classes && pair->a) class_join(c, pair->a, pair->b);
  pair_pop(c);
}

static int fields_step(Compare *c, Pair *pair) {
  if (pair->next == pair->count) {
    finish(c, pair);
    return 0;
  }
  u32 i = pair->next++;
  u64 a = pair->a->words[i], b = pair->b->words[i];
  if (pair->raw && pair->raw[i]) return order_raw(pair->raw[i], a, b);
  if (pair->next == pair->count && !c->classes) pair_pop(c);
  return enter(c, a, b);
}

// Fewer items come first, if all before were equal.
static int maps_step(Compare *c, Pair *pair) {
  if (!pair->left || !pair->right) {
    int order = (pair->left != 0) - (pair->right != 0);
    if (!order) finish(c, pair);
    return order;
  }
  Cell a = c->cells[pair->left - 1], b = c->cells[pair->right - 1];
  if (pair->next == 0) {
    pair->next = 1;
    return enter(c, a.node->words[BIN_KEY], b.node->words[BIN_KEY]);
  }
  pair->next = 0;
  pair->left = descend(c, a.node->words[BIN_RIGHT], a.below);
  pair->right = descend(c, b.node->words[BIN_RIGHT], b.below);
  return c->failed ? 0 : enter(c, a.node->words[BIN_VALUE], b.node->words[BIN_VALUE]);
}

static u64 patience(Worker *worker) {
  const Heap *heap = *heap_place(worker);
  return 2 * NURSERY_WORDS + (heap ? heap->live_words : 0) + (worker->big ? worker->big->capacity : 0);
}

static __attribute__((noinline)) int compare(Worker *worker, Val a, Val b) {
  Compare c;
  memset(&c, 0, offsetof(Compare, first_pairs));
  c.worker = worker;
  c.pairs = c.first_pairs;
  c.pair_capacity = FIRST_PAIRS;
  c.cells = c.first_cells;
  c.cell_capacity = FIRST_CELLS;
  c.patience = patience(worker);
  int order = enter(&c, a, b);
  while (!order && c.pair_count && !c.failed) {
    Pair *pair = &c.pairs[c.pair_count - 1];
    order = pair->count ? fields_step(&c, pair) : maps_step(&c, pair);
    if (UNLIKELY(c.steps > c.patience) && !c.classes && !c.failed) c.failed = !classes_grow(&c);
  }
  if (c.pairs != c.first_pairs) memory_free(c.pairs, c.pair_capacity * sizeof(Pair));
  if (c.cells != c.first_cells) memory_free(c.cells, c.cell_capacity * sizeof(Cell));
  memory_free(c.classes, c.class_capacity * sizeof(ClassEntry));
  worker->reductions -= (i64)(c.steps / 8);
  if (c.failed) fault_memory(worker);
  return c.failed ? 0 : order;
}

static int compare_any(Worker *worker, Val a, Val b) {
  if (!both_flat(a, b)) return compare(worker, a, b);
  worker->reductions -= header_info(val_obj(a)->header) / 2048;
  return order_flat(a, b);
}

bool val_equal(Worker *worker, Val a, Val b) {
  if (a == b) return true;
  if (!val_is_pointer(a) && !val_is_pointer(b)) return false;
  return compare_any(worker, a, b) == 0;
}

int val_compare(Worker *worker, Val a, Val b) {
  if (a == b) return 0;
  if (val_is_int(a) && val_is_int(b)) return order_int(val_small(a), val_small(b));
  return compare_any(worker, a, b);
}
