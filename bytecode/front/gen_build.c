// Values built from parts: tuples, lists with spreads, maps, interpolated text, ranges.
#include "bytecode/front/gen_fn.h"

enum {
  LIST_CHUNK = 48,      // elements of one LIST where the list is built in pieces
  LIST_WHOLE = 250,     // elements that are held in registers at once
  TEXT_WHOLE = 1024,    // parts of a text that are put together at once
  PURE_LIMIT = 64,      // nodes looked at to see that an element is made of literals
};

Reg gen_show(Fn *f, Reg value, Sink sink) {
  reg_release(f->emit, value);
  Reg out = value_reg(f, sink, f->gen->t_string);
  emit_op(f->emit, OP_SHOW, out, value, 0);
  return coerce(f, out, sink);
}

Reg gen_show_of(Fn *f, Expr *e, Sink sink) {
  Borrow b = gen_borrow(f, e);
  if (!reg_is_unique(f, b.reg)) return gen_show(f, b.reg, sink);
  Reg out = value_reg(f, sink, f->gen->t_string);
  emit_op(f->emit, OP_SHOW, out, b.reg, 0);
  borrow_end(f, b);
  return coerce(f, out, sink);
}

// ---- Tuples ---------------------------------------------------------------------------------------------------------

Reg gen_tuple(Fn *f, Expr *e, Sink sink) {
  u32 count = e->items.count;
  if (!count) return gen_unit(f, sink);
  Reg regs[LIMIT_TYPE_ARGS + 1];
  u32 mark = f->held.count;
  TypeId type = gen_type(f->gen, e->type);
  if (!fn_reachable(f)) return sink_reg(f, sink);  // more than LIMIT_TYPE_ARGS
  for (u32 i = 0; i < count; i++) {
    Expr *item = e->items.items[i];
    regs[i] = gen_held(f, item, gen_type(f->gen, item->type), e->items.items + i + 1, count - i - 1);
    held_push(f, regs[i]);
  }
  f->held.count = mark;
  fn_at(f, e->span);
  release_all(f, regs, count);
  Reg out = value_reg(f, sink, type);
  emit_list(f->emit, OP_TUPLE, out, 0, 0, regs, count);
  return coerce(f, out, sink);
}

// ---- Lists ----------------------------------------------------------------------------------------------------------

// Made of literals alone, so that it doesn't matter when it is evaluated.
static bool is_pure(const Expr *e, u32 *budget) {
  if (!*budget || !--*budget) return false;
  switch ((int)e->kind) {
    case EX_INT: case EX_FLOAT: case EX_STRING: case EX_BYTES: case EX_BOOL: case EX_DURATION: return true;
    case EX_UNARY: return e->object->kind == EX_INT || e->object->kind == EX_FLOAT;
    case EX_CALL:
      for (u32 i = 0; i < e->args.count; i++)
        if (e->call != CALL_CTOR || e->args.items[i].spread || !is_pure(e->args.items[i].value, budget)) return false;
      return e->call == CALL_CTOR;
    case EX_TUPLE: case EX_LIST:
      for (u32 i = 0; i < e->items.count; i++)
        if ((e->kind == EX_LIST && e->spread.count > i && e->spread.items[i]) || !is_pure(e->items.items[i], budget))
          return false;
      return true;
  }
  return false;
}

static bool is_spread(const Expr *e, u32 i) { return e->spread.count > i && e->spread.items[i]; }

static bool all_pure(const Expr *e) {
  for (u32 i = 0; i < e->items.count; i++) {
    u32 budget = PURE_LIMIT;
    if (is_spread(e, i) || !is_pure(e->items.items[i], &budget)) return false;
  }
  return true;
}

typedef struct ListMaker {
  Expr *e;
  TypeId type, element;
} ListMaker;

static Reg gen_nil(Fn *f, TypeId type) {
  Reg reg = reg_new(f->emit, type);
  emit_op(f->emit, OP_NIL, reg, 0, 0);
  return reg;
}

// [regs.., ..tail], releasing them all.
static Reg prepend(Fn *f, const ListMaker *m, const Reg *regs, u32 count, Reg tail, Sink sink) {
  if (!count) return coerce(f, tail, sink);
  release_all(f, regs, count);
  reg_release(f->emit, tail);
  Reg out = value_reg(f, sink, m->type);
  if (count == 1) emit_op(f->emit, OP_CONS, out, regs[0], tail);
  else emit_list(f->emit, OP_LIST, out, tail, 0, regs, count);
  return coerce(f, out, sink);
}

// A long list of literals: from its end, a few elements at a time.
static Reg gen_pure_list(Fn *f, const ListMaker *m, Sink sink) {
  Expr *e = m->e;
  Reg tail = gen_nil(f, m->type);
  for (u32 end = e->items.count; end > 0;) {
    u32 from = end > LIST_CHUNK ? end - LIST_CHUNK : 0;
    Reg regs[LIST_CHUNK];
    for (u32 i = from; i < end; i++) regs[i - from] = gen_value(f, e->items.items[i], m->element);
    tail = prepend(f, m, regs, end - from, tail, from ? sink_val(m->type) : sink);
    end = from;
  }
  return tail;
}

// A list as a row of segments: elements in registers, or lists. Evaluated left to right, put together from the right.
typedef struct Segment {
  bool list;        // regs[0] is a list
  u32 count;
  Reg *regs;
} Segment;
typedef VEC(Segment) Segments;

static Reg append(Fn *f, const ListMaker *m, Reg front, Reg back, Sink sink) {
  TypeListId inst = module_typelist(f->gen->module, 1, &m->element);
  Reg args[2] = {front, back};
  return gen_library_call(f, "list", "append", inst, args, sink);
}

static Reg join_segments(Fn *f, const ListMaker *m, Segments *segments, Sink sink) {
  u32 at = segments->count;
  Reg tail;
  if (at && segments->items[at - 1].list) tail = segments->items[--at].regs[0];
  else tail = gen_nil(f, m->type);
  if (!at) return coerce(f, tail, sink);
  while (at > 0) {
    Segment *s = &segments->items[--at];
    Sink into = at ? sink_val(m->type) : sink;
    tail = s->list ? append(f, m, s->regs[0], tail, into) : prepend(f, m, s->regs, s->count, tail, into);
  }
  return tail;
}

static void take_element(Fn *f, const ListMaker *m, Segments *segments, u32 i) {
  Expr *e = m->e;
  bool spread = is_spread(e, i);
  Reg reg = gen_held(f, e->items.items[i], spread ? m->type : m->element, e->items.items + i + 1,
                     e->items.count - i - 1);
  Segment *last = segments->count ? &vec_last(segments) : NULL;
  if (!spread && last && !last->list && last->count < LIST_WHOLE) {
    last->regs[last->count++] = reg;
    return;
  }
  if (last && !last->list && last->count >= LIST_WHOLE) {  // a full run becomes a list, which takes one register
    last->regs[0] = prepend(f, m, last->regs, last->count, gen_nil(f, m->type), sink_val(m->type));
    last->list = true;
  }
  u32 left = e->items.count - i;
  Segment segment = {.list = spread, .count = 1, .regs = gc_array(Reg, spread ? 1 : left < LIST_WHOLE ? left : LIST_WHOLE)};
  segment.regs[0] = reg;
  vec_push(segments, segment);
}

Reg gen_list(Fn *f, Expr *e, Sink sink) {
  TypeId type = gen_type(f->gen, e->type);
  ListMaker m = {e, type, type_of(f->gen, type)->args[0]};
  if (!e->items.count) {
    Reg reg = value_reg(f, sink, type);
    emit_op(f->emit, OP_NIL, reg, 0, 0);
    return coerce(f, reg, sink);
  }
  if (e->items.count > LIST_CHUNK && all_pure(e)) return gen_pure_list(f, &m, sink);
  Segments segments = {0};
  for (u32 i = 0; i < e->items.count; i++) take_element(f, &m, &segments, i);
  fn_at(f, e->span);
  return join_segments(f, &m, &segments, sink);
}

// ---- Maps -----------------------------------------------------------------------------------------------------------

Reg gen_map(Fn *f, Expr *e, Sink sink) {
  Gen *gen = f->gen;
  TypeListId inst = gen_args_of(gen, gen_type(gen, e->type));
  if (!e->items.count) return gen_library_call(f, "map", "new", inst, NULL, sink);
  TypeList pair = gen->module->typelists.items[inst];
  TypeId item = module_type(gen->module, TYPE_TUPLE, 0, 2, pair.items);
  ListMaker m = {e, module_type(gen->module, TYPE_LIST, 0, 1, &item), item};
  Segments segments = {0};
  for (u32 i = 0; i + 1 < e->items.count; i += 2) {
    Expr **both = &e->items.items[i];
    Reg regs[2] = {gen_held(f, both[0], pair.items[0], both + 1, 1), REG_NONE};
    regs[1] = gen_value(f, both[1], pair.items[1]);
    release_all(f, regs, 2);
    Reg tuple = reg_new(f->emit, item);
    emit_list(f->emit, OP_TUPLE, tuple, 0, 0, regs, 2);
    if (!segments.count || vec_last(&segments).count >= LIST_CHUNK)
      vec_push(&segments, ((Segment){false, 0, gc_array(Reg, LIST_CHUNK)}));
    Segment *last = &vec_last(&segments);
    last->regs[last->count++] = tuple;
  }
  Reg args[1] = {join_segments(f, &m, &segments, sink_val(m.type))};
  fn_at(f, e->span);
  return gen_library_call(f, "map", "from_items", inst, args, sink);
}

// ---- Text -----------------------------------------------------------------------------------------------------------

static Reg concat(Fn *f, const Reg *regs, u32 count, Sink sink) {
  release_all(f, regs, count);
  Reg out = value_reg(f, sink, f->gen->t_string);
  emit_list(f->emit, OP_CONCAT, out, 0, 0, regs, count);
  return coerce(f, out, sink);
}

Reg gen_text(Fn *f, Expr *e, Sink sink) {
  Gen *g = f->gen;
  Reg regs[TEXT_WHOLE];
  u32 count = 0;
  for (u32 i = 0; i < e->items.count; i++) {
    Expr *part = e->items.items[i];
    if (count == TEXT_WHOLE) {
      regs[0] = concat(f, regs, count, sink_val(g->t_string));
      count = 1;
    }
    if (part->kind == EX_STRING && !part->text.len) continue;
    if (ty_is(part->type, TY_STRING))
      regs[count++] = gen_held(f, part, g->t_string, e->items.items + i + 1, e->items.count - i - 1);
    else regs[count++] = gen_show_of(f, part, sink_val(g->t_string));
  }
  if (!count) return gen_string(f, (Str){"", 0}, sink);
  if (count == 1) return coerce(f, regs[0], sink);
  fn_at(f, e->span);
  return concat(f, regs, count, sink);
}

// ---- Ranges ---------------------------------------------------------------------------------------------------------

Reg gen_range(Fn *f, Expr *e, Sink sink) {
  Gen *g = f->gen;
  Reg regs[2] = {gen_held(f, e->left, g->t_int, &e->right, 1), REG_NONE};
  regs[1] = gen_value(f, e->right, g->t_int);
  fn_at(f, e->span);
  if (e->inclusive) {
    reg_release(f->emit, regs[1]);
    Reg next = reg_new(f->emit, g->t_int);
    emit_op(f->emit, OP_ADDI, next, regs[1], 1);
    regs[1] = next;
  }
  release_all(f, regs, 2);
  Reg out = value_reg(f, sink, gen_type(g, e->type));
  emit_list(f->emit, OP_NEW, out, 0, 0, regs, 2);
  return coerce(f, out, sink);
}
