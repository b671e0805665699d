// Unique values: each has one owner at any time, and what is lent comes back.
//
// A register of a unique type owns or borrows, for the whole function: the first write decides, and others must agree. Since
// code is followed in the order in which it stands, and no register is read before it is written, the kind of whatever is read
// is known. An owner's bit in the state says that it is live: taking the value clears it, and it is never written while live.
// All paths that meet must agree on owners, so at any point the live ones are known, and at an end none may be left.
//
// A borrower looks into somebody else's value. It has one lender, also for the whole function: a lent parameter stands for
// itself, since its owner is up the stack; a part is lent by who lends the whole. When the lender's value goes, its borrowers
// become empty: they are in a list, made as they are first written.
//
// Two operands of a call are apart if none of their places is the other's, or within it. Each part that is looked at is a place,
// and a borrower has a list of those that it may stand for, which only grows: since all but LOOP goes forward, whatever was
// written before an instruction is in the list by then. LOOP brings nothing back that got more since its head.
#include "bytecode/verify_code.h"

enum { NONE = 0xffffffff, SPOTS = 32, DEPTH = 64 };  // what is more, or deeper, is taken for what it is a part of

// ---- A function begins ----------------------------------------------------------------------------------------------

static void mask_room(Flow *x) {
  Uniques *u = &x->u;
  u->mask_capacity = x->words * 2;
  u->mask = gc_alloc_data((u64)u->mask_capacity * sizeof *u->mask);
  u->owned = gc_alloc_data((u64)u->mask_capacity * sizeof *u->owned);
  u->borrowed = gc_alloc_data((u64)u->mask_capacity * sizeof *u->borrowed);
}

static void lender_room(Flow *x) {
  Uniques *u = &x->u;
  if (u->lenders > u->capacity) {
    u->capacity = u->lenders * 2;
    u->lender = gc_alloc_data((u64)u->capacity * sizeof *u->lender);
    u->first = gc_alloc_data((u64)u->capacity * sizeof *u->first);
    u->next = gc_alloc_data((u64)u->capacity * sizeof *u->next);
    u->spots = gc_alloc_data((u64)u->capacity * sizeof *u->spots);
    u->changed = gc_alloc_data((u64)u->capacity * sizeof *u->changed);
  }
  memset(u->first, 0xff, u->lenders * sizeof *u->first);
  memset(u->spots, 0xff, u->lenders * sizeof *u->spots);
  u->places.count = u->all_spots.count = u->last_change = 0;
  for (u32 i = 0; i < u->lenders; i++) vec_push(&u->places, ((Place){.parent = i, .first = NONE, .next = NONE}));
  memset(u->owned, 0, x->words * sizeof *u->owned);
  memset(u->borrowed, 0, x->words * sizeof *u->borrowed);
}

static void push_spot(Uniques *u, u32 reg, u32 place) {
  vec_push(&u->all_spots, ((Spot){place, u->spots[reg]}));
  u->spots[reg] = u->all_spots.count - 1;
}

static void begin_parameter(Flow *x, u32 reg) {
  bool lent = param_is_lent(x->f, reg) || x->f->kind == FUNCTION_GUARD;
  bits_add(lent ? x->u.borrowed : x->u.owned, reg);
  x->u.lender[reg] = reg;
  x->u.changed[reg] = 0;
  if (lent) push_spot(&x->u, reg, reg);
}

bool unique_begin(Flow *x, bool any) {
  Uniques *u = &x->u;
  const Verifier *v = x->v;
  if (u->any) memset(u->mask, 0, u->mask_words * sizeof *u->mask);
  if (x->words > u->mask_capacity) mask_room(x);
  u->any = any;
  if (!any) return true;
  u->mask_words = x->words;
  const ActorDef *actor = x->f->actor == IMPORT_NONE ? NULL : &v->m->actors.items[x->f->actor];
  u->lenders = x->registers + (actor ? actor->field_count : 0);
  u->state_lent = false;
  lender_room(x);
  for (u32 i = 0; i < x->registers; i++) {
    if (!v->facts[x->f->registers[i]].unique) continue;
    bits_add(u->mask, i);
    if (i < x->f->param_count) begin_parameter(x, i);
  }
  for (u32 i = 0; i < x->fields; i++) {
    if (v->facts[actor->fields[i].type].unique) bits_add(u->owned, x->registers + i);
  }
  return verify_spend(x->v, u->lenders);
}

// ---- Owners ---------------------------------------------------------------------------------------------------------

bool unique_copy_fail(Flow *x, u16 reg) { return verify_fail(x->v, REASON_UNIQUE_COPY, "r%u", reg); }

bool unique_take(Flow *x, u16 reg) {
  if (bit_in(x->u.borrowed, reg)) return verify_fail(x->v, REASON_LENT_KEPT, "r%u", reg);
  if (x->u.places.items[reg].touched_by == x->v->word + 1) return verify_fail(x->v, REASON_LENT_TWICE, "r%u is moved", reg);
  bit_clear(x, reg);
  return unique_empty(x, reg);
}

bool unique_write(Flow *x, u16 reg) {
  if (bit_in(x->u.borrowed, reg)) return verify_fail(x->v, REASON_LENDER, "r%u gets a value of its own", reg);
  if (bit_is_set(x, reg)) return verify_fail(x->v, REASON_UNIQUE_OVERWRITTEN, "r%u", reg);
  bits_add(x->u.owned, reg);
  bit_set(x, reg);
  return true;
}

// ---- Borrowers ------------------------------------------------------------------------------------------------------

u32 unique_lender(const Flow *x, u16 reg) { return bit_in(x->u.borrowed, reg) ? x->u.lender[reg] : reg; }

static bool has_lender(Flow *x, u16 reg, u32 lender) {
  Uniques *u = &x->u;
  bool known = bit_in(u->borrowed, reg);
  if (bit_in(u->owned, reg) || (known && u->lender[reg] != lender)) {
    return verify_fail(x->v, REASON_LENDER, "r%u is lent something else", reg);
  }
  if (!known) {
    bits_add(u->borrowed, reg);
    u->lender[reg] = lender;
    u->next[reg] = u->first[lender];
    u->first[lender] = reg;
    u->state_lent |= lender >= x->registers;
  }
  bit_set(x, reg);
  return true;
}

static u32 part_of(Flow *x, u32 place, u32 part, u64 *steps) {
  Uniques *u = &x->u;
  if (part == PART_WHOLE || u->places.items[place].depth == DEPTH) return place;
  for (u32 i = u->places.items[place].first; i != NONE; i = u->places.items[i].next, ++*steps)
    if (u->places.items[i].part == part) return i;
  vec_push(&u->places, ((Place){.parent = place, .part = part, .depth = u->places.items[place].depth + 1, .first = NONE, .next = u->places.items[place].first}));
  return u->places.items[place].first = u->places.count - 1;
}

static void add_spot(Flow *x, u16 reg, u32 place, u64 *steps) {
  Uniques *u = &x->u;
  u32 lender = u->lender[reg], count = 0;
  for (u32 i = u->spots[reg]; i != NONE; i = u->all_spots.items[i].next, count++)
    if (u->all_spots.items[i].place == place || u->all_spots.items[i].place == lender) return;
  *steps += count;
  push_spot(u, reg, count < SPOTS ? place : lender);
  u->changed[reg] = u->last_change = x->v->word + 1;
}

bool unique_borrow(Flow *x, u16 reg, u16 from, u32 part) {
  if (!has_lender(x, reg, unique_lender(x, from))) return false;
  u64 steps = 0;
  if (!bit_in(x->u.borrowed, from)) add_spot(x, reg, part_of(x, from, part, &steps), &steps);
  for (u32 i = x->u.spots[from]; i != NONE; i = x->u.all_spots.items[i].next, steps++)
    add_spot(x, reg, part_of(x, x->u.all_spots.items[i].place, part, &steps), &steps);
  return verify_spend(x->v, steps);
}

bool unique_borrow_field(Flow *x, u16 reg, u32 field) {
  u64 steps = 0;
  if (!has_lender(x, reg, x->registers + field)) return false;
  add_spot(x, reg, x->registers + field, &steps);
  return verify_spend(x->v, steps);
}

bool unique_empty(Flow *x, u32 lender) {
  u32 count = 0;
  for (u32 reg = x->u.first[lender]; reg != NONE; reg = x->u.next[reg], count++) bit_clear(x, reg);
  return verify_spend(x->v, count);
}

// Is the place, something within it or something that it is within lent for this call already?
static bool is_lent(Flow *x, u32 place, u64 *steps) {
  const Place *places = x->u.places.items;
  u32 now = x->v->word + 1;
  bool lent = places[place].touched_by == now || places[place].lent_by == now;
  for (; !lent && places[place].parent != place; ++*steps) {
    place = places[place].parent;
    lent = places[place].lent_by == now;
  }
  return lent;
}

static void lend_place(Flow *x, u32 place, u64 *steps) {
  Place *places = x->u.places.items;
  u32 now = x->v->word + 1;
  places[place].lent_by = places[place].touched_by = now;
  for (; places[place].parent != place; ++*steps) {
    place = places[place].parent;
    places[place].touched_by = now;
  }
}

bool unique_lend(Flow *x, u16 reg) {
  u64 steps = 0;
  const Uniques *u = &x->u;
  bool owner = !bit_in(u->borrowed, reg), lent = owner && is_lent(x, reg, &steps);
  for (u32 i = u->spots[reg]; i != NONE && !lent; i = u->all_spots.items[i].next, steps++)
    lent = is_lent(x, u->all_spots.items[i].place, &steps);
  if (lent) return verify_fail(x->v, REASON_LENT_TWICE, "r%u", reg);
  if (owner) lend_place(x, reg, &steps);
  for (u32 i = u->spots[reg]; i != NONE; i = u->all_spots.items[i].next) lend_place(x, u->all_spots.items[i].place, &steps);
  return verify_spend(x->v, steps);
}

// A callee that sees the state may replace any field of it: none may be lent to it, and what was lent before is gone.
bool unique_call(Flow *x, u8 effects) {
  if (!x->u.state_lent || !(effects & EFFECT_UPDATES)) return true;
  for (u32 lender = x->registers; lender < x->u.lenders; lender++) {
    if (x->u.places.items[lender].touched_by == x->v->word + 1) return verify_fail(x->v, REASON_LENT_STATE, "state field %u", lender - x->registers);
    if (!unique_empty(x, lender)) return false;
  }
  return verify_spend(x->v, x->u.lenders - x->registers);
}

// ---- Joins and ends -------------------------------------------------------------------------------------------------

bool unique_meet(Flow *x, const u64 *other) {
  for (u32 i = 0; i < x->words; i++) {
    u64 differ = (other[i] ^ x->state[i]) & x->u.owned[i];
    if (!differ) continue;
    u32 bit = i * 64 + (u32)__builtin_ctzll(differ);
    bool field = bit >= x->registers;
    return verify_fail(x->v, REASON_UNIQUE_JOIN, "%s%u", field ? "state field " : "r", field ? bit - x->registers : bit);
  }
  return true;
}

// What a borrower stood for when the loop's head was passed is all that it may stand for when LOOP comes back.
bool unique_round(Flow *x, const u64 *entered, u32 head) {
  const Uniques *u = &x->u;
  if (u->last_change <= head) return true;
  u64 steps = 0;
  for (u32 i = 0; i * 64 < x->registers; i++) {
    for (u64 left = entered[i] & u->borrowed[i]; left; left &= left - 1, steps++) {
      u32 reg = i * 64 + (u32)__builtin_ctzll(left);
      if (u->changed[reg] > head) return verify_fail(x->v, REASON_LENDER, "r%u, in the loop", reg);
    }
  }
  return verify_spend(x->v, x->words + steps);
}

// The bits of state fields, which stay, are behind those of registers.
bool unique_owners_left(Flow *x) {
  for (u32 i = 0; i * 64 < x->registers; i++) {
    u64 left = x->state[i] & x->u.owned[i];
    u32 bit = left ? i * 64 + (u32)__builtin_ctzll(left) : NONE;
    if (bit < x->registers) return verify_fail(x->v, REASON_UNIQUE_LEFT, "r%u", bit);
  }
  return verify_spend(x->v, x->words);
}

// ---- Instructions ---------------------------------------------------------------------------------------------------

static bool rule_drop(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_take(x, operand_a(code), &type)) return false;
  if (!reg_is_unique(x, operand_a(code))) return register_type_fail(x, operand_a(code), "a unique type");
  return type == (TypeId)code[1] || register_type_fail(x, operand_a(code), "the named type");
}

static bool rule_look(Flow *x, const u64 *code) {
  TypeId from, to;
  if (!reg_peek(x, operand_b(code), &from) || !reg_target(x, operand_a(code), &to)) return false;
  if (!reg_is_unique(x, operand_b(code))) return register_type_fail(x, operand_b(code), "a unique type");
  return same_register_type(x, operand_a(code), to, from) && unique_borrow(x, operand_a(code), operand_b(code), PART_WHOLE);
}

static bool rule_exchange(Flow *x, const u64 *code) {
  TypeId left, right;
  if (!reg_argument(x, operand_a(code), &left, true) || !reg_argument(x, operand_b(code), &right, true)) return false;
  if (!type_is_thing(x->v, left)) return register_type_fail(x, operand_a(code), "a Buf, an Array or a session");
  return same_register_type(x, operand_b(code), right, left);
}

static bool rule_length(Flow *x, const u64 *code) {
  TypeId thing, length;
  if (!reg_peek(x, operand_b(code), &thing) || !reg_target(x, operand_a(code), &length)) return false;
  TypeKind kind = type_kind(x->v, thing);
  if (kind != TYPE_BUF && kind != TYPE_ARRAY) return register_type_fail(x, operand_b(code), "a Buf or an Array");
  return type_kind(x->v, length) == TYPE_INT ? reg_write(x, operand_a(code)) : register_type_fail(x, operand_a(code), "int");
}

// The type of the register that an element goes to or comes from; NO_TYPE if the instruction is not for such a thing.
static TypeId element_type(Flow *x, Op op, TypeId thing) {
  const Verifier *v = x->v;
  TypeKind kind = type_kind(v, thing);
  if (op == OP_BGET || op == OP_BSET) return kind == TYPE_BUF ? v->basic[TYPE_INT] : NO_TYPE;
  if (kind != TYPE_ARRAY) return NO_TYPE;
  TypeId item = type_at(v, thing)->args[0];
  if (op == OP_AGET || op == OP_ASET) return item;
  bool whole = op == OP_AGET_INT || op == OP_ASET_INT;
  if (type_kind(v, item) != (whole ? TYPE_VINT : TYPE_VFLOAT)) return NO_TYPE;
  return v->basic[whole ? TYPE_INT : TYPE_FLOAT];
}

static bool rule_element_at(Flow *x, Op op, u16 thing, u16 index, u16 item, bool writes) {
  TypeId thing_type, index_type, item_type = NO_TYPE;
  if (!reg_peek(x, thing, &thing_type) || !reg_read(x, index, &index_type)) return false;
  if (!(writes ? reg_target(x, item, &item_type) : reg_read(x, item, &item_type))) return false;
  if (type_kind(x->v, index_type) != TYPE_INT) return register_type_fail(x, index, "int");
  TypeId wanted = element_type(x, op, thing_type);
  if (wanted == NO_TYPE) return register_type_fail(x, thing, "what the instruction is for");
  return same_register_type(x, item, item_type, wanted) && (!writes || reg_write(x, item));
}

bool rule_unique(Flow *x, Op op, const u64 *code) {
  u16 a = operand_a(code), b = operand_b(code), c = operand_c(code);
  switch (op) {
    case OP_DROP: return rule_drop(x, code);
    case OP_LOOK: return rule_look(x, code);
    case OP_EXCHANGE: return rule_exchange(x, code);
    case OP_ALEN: return rule_length(x, code);
    case OP_AGET: case OP_AGET_INT: case OP_AGET_FLOAT: case OP_BGET: return rule_element_at(x, op, b, c, a, true);
    case OP_ASET: case OP_ASET_INT: case OP_ASET_FLOAT: case OP_BSET: return rule_element_at(x, op, a, b, c, false);
    default: BUG("no rule for %s", op_info[op].name);
  }
}
