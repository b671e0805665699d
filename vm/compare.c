// Equality and order of any two values of one type: the contract's total order.
//
// Depth lives in a stack of pairs, not in C frames: a pair is two objects whose fields are being compared, or two maps
// whose items are. The last field of a pair takes the pair's place, so a long list needs no room.
//
// Values share parts, and comparing two that share them in the same way field by field could take 2^60 steps. More
// steps than there are words in the heap can only mean that objects are met again and again: from then on the objects
// found equal are joined in classes, and two of one class are not compared again. Each join makes one class fewer, so
// the rest is linear too.
//
// A comparison that is not done when the slice is over is begun anew with all that it needs in the turn's record (work.h), once nothing is
// young, so that pointers last; it goes on in each slice. Nothing that it needs is ever copied as it grows: stacks are blocks, and the table
// of classes grows by one bucket at a time (linear hashing).
#include "vm/compare.h"

#include "vm/gc.h"

// A stack of map nodes whose items come next, linked downward.
typedef struct Cell {
  Obj *node;
  struct Cell *below;
} Cell;

typedef struct Pair {
  Obj *a, *b;         // they are equal when the pair is done; NULL for maps of which one is empty
  const u8 *raw;
  u32 count;          // of fields; 0 for maps
  u32 next;           // field; of maps, whether the key is done
  Cell *left, *right; // maps: the cells on top, NULL when all items were seen
} Pair;

enum {
  BLOCK_PAIRS = 24,
  FIRST_CELLS = 64,
  FIRST_BUCKETS = 256,
  SEGMENTS = 32,
  PIECE_WORDS = 2048 - 8,        // with what heads it, 16 KB
  PART_STEPS = WORK_ITEMS,       // between two looks at the clock
  STEPS_PER_REDUCTION = 4,
  CLASS_COST = 2,                // reductions for a step where classes are looked up, each of which is somewhere else in memory
  BYTES_PER_STEP = 128,          // of text
};

// A part of the stack. Those above the top are kept for when it grows again.
typedef struct Pairs {
  struct Pairs *below, *above;
  u32 count;
  Pair pairs[BLOCK_PAIRS];
} Pairs;

// Memory for cells and classes, given out word by word, and taken back all at once.
typedef struct Piece {
  struct Piece *next;
  u64 words[PIECE_WORDS];
} Piece;

typedef struct ObjClass {
  Obj *obj;
  struct ObjClass *parent;  // its own root: itself
  struct ObjClass *next;    // in the bucket
  u64 rank;              // no path below a root is longer
} ObjClass;

struct Compare {
  Worker *worker;
  Work *work;            // has the memory
  bool running;          // in the turn's record: amid a comparison
  bool known;            // it is over but for its memory
  int order;
  bool failed;
  Pairs *top;
  Cell *spare;
  u32 cells;             // of the first ones, given out
  Piece *first_piece, *piece;
  u64 piece_used;
  u64 buckets, classes;  // no buckets until there are too many steps
  u64 steps, charged, patience;
  Str text_a, text_b;    // long texts that are being compared, equal up to text_at
  u64 text_at;
  bool segmented;        // once there were buckets
  Pairs first;
  Cell first_cells[FIRST_CELLS];
  ObjClass **segments[SEGMENTS];  // of buckets: the first FIRST_BUCKETS, then as many as there are before
};

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

static inline bool is_text(const Obj *o) {
  return (obj_kind(o) == KIND_STRING || obj_kind(o) == KIND_BYTES) && header_info(o->header);
}

// Most texts differ in their first words. The padding is zero, so these order as the texts do, unless they are equal: then 0.
static inline int order_beginnings(Val a, Val b) {
  if (!is_text(val_obj(a)) || !is_text(val_obj(b))) return 0;
  return order_word(__builtin_bswap64(val_obj(a)->words[0]), __builtin_bswap64(val_obj(b)->words[0]));
}

static int order_flat(Val a, Val b) {
  int order = order_beginnings(a, b);
  bool deep;
  return order ? order : order_objects(val_obj(a), val_obj(b), &deep);
}

// No text, or one that is compared at a glance, whatever the other one is.
static bool flat_is_short(Val v) {
  const Obj *obj = val_obj(v);
  Kind kind = obj_kind(obj);
  return (kind != KIND_STRING && kind != KIND_BYTES && kind != KIND_BLOB) || obj_bytes(obj).len <= WORK_BYTES;
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

static void *space(Compare *c, size_t bytes) {
  Chunk *chunk = work_space(c->worker, c->work, (u32)(bytes / sizeof(u64)));
  c->failed |= !chunk;
  return chunk ? chunk->words : NULL;
}

static void *take(Compare *c, u64 words) {
  if (!c->piece || words > PIECE_WORDS - c->piece_used) {
    Piece *next = c->piece ? c->piece->next : c->first_piece;
    if (!next) {
      if (!(next = space(c, sizeof *next))) return NULL;
      next->next = NULL;
      if (c->piece) c->piece->next = next;
      else c->first_piece = next;
    }
    c->piece = next;
    c->piece_used = 0;
  }
  void *taken = c->piece->words + c->piece_used;
  c->piece_used += words;
  return taken;
}

// ---- Classes of equal objects ---------------------------------------------------------------------------------------

static u64 class_hash(const Obj *obj) { return ((u64)obj >> 3) * 0x9e3779b97f4a7c15u >> 32; }

// Buckets in use that are a power of two; those beyond are being split off, one after another.
static u64 whole_buckets(const Compare *c) { return (u64)1 << (63 - __builtin_clzll(c->buckets)); }

static u32 segment_of(u64 bucket) { return bucket < FIRST_BUCKETS ? 0 : 64 - (u32)__builtin_clzll(bucket / FIRST_BUCKETS); }
static u64 segment_start(u32 segment) { return segment ? (u64)FIRST_BUCKETS << (segment - 1) : 0; }
static u64 segment_size(u32 segment) { return segment ? segment_start(segment) : FIRST_BUCKETS; }

static ObjClass **bucket_place(const Compare *c, u64 bucket) {
  u32 segment = segment_of(bucket);
  return &c->segments[segment][bucket - segment_start(segment)];
}

static u64 bucket_of(const Compare *c, u64 hash) {
  u64 whole = whole_buckets(c), bucket = hash & (2 * whole - 1);
  return bucket < c->buckets ? bucket : bucket & (whole - 1);
}

static bool segment_make(Compare *c, u32 segment) {
  if (!c->segments[segment]) c->segments[segment] = space(c, segment_size(segment) * sizeof(ObjClass *));
  return c->segments[segment] != NULL;
}

static void classes_begin(Compare *c) {
  if (!c->segmented) memset(c->segments, 0, sizeof c->segments);
  c->segmented = true;
  if (!segment_make(c, 0)) return;
  memset(c->segments[0], 0, FIRST_BUCKETS * sizeof(ObjClass *));
  c->buckets = FIRST_BUCKETS;
}

// One bucket more: half of what is in another.
static bool bucket_split(Compare *c) {
  u64 added = c->buckets, whole = whole_buckets(c);
  if (segment_of(added) == SEGMENTS) return true;
  if (!segment_make(c, segment_of(added))) return false;
  ObjClass **from = bucket_place(c, added - whole), **to = bucket_place(c, added);
  *to = NULL;
  c->buckets++;
  for (ObjClass *class; (class = *from);) {
    if ((class_hash(class->obj) & (2 * whole - 1)) != added) {
      from = &class->next;
      continue;
    }
    *from = class->next;
    class->next = *to;
    *to = class;
  }
  return true;
}

static ObjClass *class_find(const Compare *c, const Obj *obj) {
  ObjClass *class = *bucket_place(c, bucket_of(c, class_hash(obj)));
  while (class && class->obj != obj) class = class->next;
  return class;
}

static ObjClass *class_root(ObjClass *class) {
  while (class->parent != class) class = class->parent = class->parent->parent;
  return class;
}

static bool class_same(const Compare *c, const Obj *a, const Obj *b) {
  ObjClass *x = class_find(c, a), *y = x ? class_find(c, b) : NULL;
  return y && class_root(x) == class_root(y);
}

// Found, or made. NULL when memory is out.
static ObjClass *class_of(Compare *c, Obj *obj) {
  ObjClass *class = class_find(c, obj);
  if (class) return class;
  if (c->classes >= c->buckets && !bucket_split(c)) return NULL;
  if (!(class = take(c, sizeof *class / sizeof(u64)))) return NULL;
  ObjClass **place = bucket_place(c, bucket_of(c, class_hash(obj)));
  *class = (ObjClass){.obj = obj, .parent = class, .next = *place};
  c->classes++;
  return *place = class;
}

static void class_join(Compare *c, Obj *a, Obj *b) {
  ObjClass *x = class_of(c, a), *y = x ? class_of(c, b) : NULL;
  if (!y) return;
  x = class_root(x);
  y = class_root(y);
  if (x == y) return;
  if (x->rank > y->rank) {
    y->parent = x;
    return;
  }
  x->parent = y;
  y->rank += x->rank == y->rank;
}

// ---- Pairs ----------------------------------------------------------------------------------------------------------

static Pairs *pairs_add(Compare *c) {
  Pairs *above = c->top->above;
  if (!above) {
    if (!(above = space(c, sizeof *above))) return NULL;
    above->below = c->top;
    above->above = NULL;
    c->top->above = above;
  }
  above->count = 0;
  return c->top = above;
}

static Pair *pair_push(Compare *c) {
  Pairs *top = c->top;
  if (UNLIKELY(top->count == BLOCK_PAIRS) && !(top = pairs_add(c))) return NULL;
  Pair *pair = &top->pairs[top->count++];
  *pair = (Pair){0};
  return pair;
}

static void pair_pop(Compare *c) {
  if (!--c->top->count && c->top->below) c->top = c->top->below;
}

static Cell *cell_take(Compare *c) {
  Cell *cell = c->spare;
  if (cell) c->spare = cell->below;
  else cell = c->cells < FIRST_CELLS ? &c->first_cells[c->cells++] : take(c, sizeof *cell / sizeof(u64));
  return cell;
}

static void cell_free(Compare *c, Cell *cell) {
  cell->below = c->spare;
  c->spare = cell;
}

// Puts a map's node and all to the left of it on a stack of cells. Gives the new top.
static Cell *descend(Compare *c, Val map, Cell *top) {
  for (; val_is_pointer(map); map = val_obj(map)->words[BIN_LEFT]) {
    Cell *cell = cell_take(c);
    if (!cell) return NULL;
    *cell = (Cell){val_obj(map), top};
    top = cell;
  }
  return top;
}

static void enter_maps(Compare *c, Val a, Val b) {
  Pair *pair = pair_push(c);
  if (!pair) return;
  if (val_is_pointer(a) && val_is_pointer(b)) {
    pair->a = val_obj(a);
    pair->b = val_obj(b);
  }
  pair->left = descend(c, a, NULL);
  pair->right = descend(c, b, NULL);
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

// The order of what holds no vals; 0 if that takes more than a glance, and is to be found by text_step().
static int enter_flat(Compare *c, Val a, Val b) {
  if (flat_is_short(a) || flat_is_short(b)) {
    c->steps += header_info(val_obj(a)->header) / BYTES_PER_STEP;  // of text; 0 for numbers
    return order_flat(a, b);
  }
  c->text_a = obj_bytes(val_obj(a));
  c->text_b = obj_bytes(val_obj(b));
  c->text_at = 0;
  return 0;
}

// Compares two values as far as that goes at once, and enters them if they have fields to compare.
static int enter(Compare *c, Val a, Val b) {
  c->steps++;
  if (a == b) return 0;
  if (both_flat(a, b)) return enter_flat(c, a, b);
  bool objects = val_is_pointer(a) && val_is_pointer(b);
  if (objects && c->buckets && class_same(c, val_obj(a), val_obj(b))) return 0;
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
  c->steps++;
  if (c->buckets && pair->a) class_join(c, pair->a, pair->b);
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
  if (pair->next == pair->count && !c->buckets) pair_pop(c);
  return enter(c, a, b);
}

// Fewer items come first, if all before were equal.
static int maps_step(Compare *c, Pair *pair) {
  Cell *left = pair->left, *right = pair->right;
  if (!left || !right) {
    int order = (left != NULL) - (right != NULL);
    if (!order) finish(c, pair);
    return order;
  }
  const u64 *a = left->node->words, *b = right->node->words;
  if (pair->next == 0) {
    pair->next = 1;
    return enter(c, a[BIN_KEY], b[BIN_KEY]);
  }
  pair->next = 0;
  pair->left = left->below;
  pair->right = right->below;
  cell_free(c, left);
  cell_free(c, right);
  pair->left = descend(c, a[BIN_RIGHT], pair->left);
  pair->right = descend(c, b[BIN_RIGHT], pair->right);
  return c->failed ? 0 : enter(c, a[BIN_VALUE], b[BIN_VALUE]);
}

static int text_step(Compare *c) {
  u64 a = c->text_a.len, b = c->text_b.len, shared = a < b ? a : b, left = shared - c->text_at, part = left < WORK_BYTES ? left : WORK_BYTES;
  int order = memcmp(c->text_a.ptr + c->text_at, c->text_b.ptr + c->text_at, part);
  c->text_at += part;
  c->steps += part / BYTES_PER_STEP;
  if (order || c->text_at < shared) return order;
  c->text_a = (Str){0};
  return order_word(a, b);
}

// ---- Running --------------------------------------------------------------------------------------------------------

static u64 patience(Worker *worker) {
  const Heap *heap = *heap_place(worker);
  return 2 * NURSERY_WORDS + (heap ? heap->live_words : 0) + (worker->big ? worker->big->capacity : 0);
}

// What an earlier comparison has had memory for is used again.
static void begin(Compare *c, Worker *worker) {
  c->worker = worker;
  c->failed = false;
  c->top = &c->first;
  c->first.count = 0;
  c->spare = NULL;
  c->cells = 0;
  c->piece = NULL;
  c->buckets = c->classes = 0;
  c->steps = c->charged = 0;
  c->patience = patience(worker);
  c->text_a = (Str){0};
}

static bool is_done(const Compare *c) { return !c->top->count && !c->text_a.len; }

static void charge(Compare *c) {
  u64 steps = c->steps - c->charged;
  c->worker->reductions -= (i64)(c->buckets ? steps * CLASS_COST : steps / STEPS_PER_REDUCTION);
  c->charged = c->steps;
}

// Goes on until the order is known, or the slice is over, if it may stop then.
static int run(Compare *c, bool may_stop) {
  int order = 0;
  while (!order && !is_done(c) && !c->failed) {
    if (UNLIKELY(c->text_a.len != 0)) {
      order = text_step(c);
    } else {
      Pair *pair = &c->top->pairs[c->top->count - 1];
      order = pair->count ? fields_step(c, pair) : maps_step(c, pair);
    }
    if (LIKELY(c->steps - c->charged < PART_STEPS)) continue;
    charge(c);
    if (UNLIKELY(c->steps > c->patience) && !c->buckets) classes_begin(c);
    if (may_stop && work_is_over(c->worker)) break;
  }
  return order;
}

// In one go, as far as the slice goes if it may stop: *done says whether the order is known. 0 with a fault when memory is out.
static __attribute__((noinline)) int compare_here(Worker *worker, Val a, Val b, bool may_stop, bool *done) {
  Compare c;
  Work own = {.payer = worker->account->bank};
  memset(&c, 0, offsetof(Compare, first.pairs));
  c.work = &own;
  begin(&c, worker);
  int order = enter(&c, a, b);
  if (!order) order = run(&c, may_stop);
  charge(&c);
  *done = order || is_done(&c);
  work_space_free(worker, &own);
  if (c.failed) (void)fault_memory(worker);
  return c.failed ? 0 : order;
}

static Compare *recorded(Worker *worker, Work *work) {
  if (work->compare) return work->compare;
  Chunk *chunk = work_space(worker, work, sizeof(Compare) / sizeof(u64));
  if (!chunk) return NULL;
  Compare *c = work->compare = (Compare *)chunk->words;
  memset(c, 0, offsetof(Compare, first.pairs));
  c->work = work;
  return c;
}

// With the turn's record.
static int compare_on(Worker *worker, Work *work, Val a, Val b) {
  int order = 0;
  Compare *c = recorded(worker, work);
  if (!c) return fault_memory(worker), 0;
  c->worker = worker;
  if (!c->running) {
    begin(c, worker);
    c->running = true;
    order = enter(c, a, b);
  }
  if (!c->known) {
    if (!order) order = run(c, true);
    if (c->failed) return fault_memory(worker), 0;
    charge(c);
    c->known = order || is_done(c);
    c->order = order;
    if (!c->known) return work_pause(worker), 0;
  }
  if (!work->own && !work_shrink(worker, work)) return 0;  // a native's own use it again
  c->running = c->known = false;
  return c->order;
}

static bool is_simple(Val a, Val b) { return both_flat(a, b) && (flat_is_short(a) || flat_is_short(b)); }

static int order_simple(Worker *worker, Val a, Val b) {
  worker->reductions -= header_info(val_obj(a)->header) / (BYTES_PER_STEP * STEPS_PER_REDUCTION);
  return order_flat(a, b);
}

int val_compare(Worker *worker, Val a, Val b) {
  bool done;
  if (a == b) return 0;
  if (val_is_int(a) && val_is_int(b)) return order_int(val_small(a), val_small(b));
  return is_simple(a, b) ? order_simple(worker, a, b) : compare_here(worker, a, b, false, &done);
}

bool val_equal(Worker *worker, Val a, Val b) { return val_compare(worker, a, b) == 0; }

bool val_order_prepare(Worker *worker) {
  Work *work = worker->turn ? worker->turn->work : NULL;
  return LIKELY(!work) || work->still || work_be_still(worker, work);
}

int val_order(Worker *worker, Val a, Val b) {
  if (a == b) return 0;
  bool objects = val_is_pointer(a) && val_is_pointer(b);
  int order = objects ? order_beginnings(a, b) : 0;
  if (order) return order;
  if (!objects && val_is_int(a) && val_is_int(b)) return order_int(val_small(a), val_small(b));
  if (!val_is_pointer(a) && !val_is_pointer(b)) return order_immediate(a, b);
  if (is_simple(a, b)) return order_simple(worker, a, b);
  if (UNLIKELY(work_begun(worker) != NULL)) return compare_on(worker, worker->turn->work, a, b);
  bool done;
  order = compare_here(worker, a, b, true, &done);
  if (!done && !worker->fault && work_record(worker)) (void)work_pause(worker);
  return order;
}
