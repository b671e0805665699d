// The mix of changes: see change.h. Most of them keep what the verifier looks for first (a register of the same type, a jump in the
// right direction, a function of the same signature), since what is refused at once tests one rule, and what is accepted tests the
// machine. The weights are set so that about a third is accepted.
#include "tests/gen/change.h"

#include "tests/gen/edit.h"

typedef struct Change {
  Module *m;
  Random *random;
  Pond *pond;
} Change;

static u32 pick(Change *c, u32 below) { return below ? (u32)random_below(c->random, below) : 0; }
static bool chance(Change *c, u32 in) { return !pick(c, in); }
// Small numbers most often, for they are the ones that mean something.
static u32 number(Change *c, u32 likely) { return !chance(c, 12) ? pick(c, likely + 1) : chance(c, 2) ? 0xffffffff : pick(c, 0x7fffffff); }

// A table or array of the mutant's own, so that it can be written. Nothing happens if the pond is dry.
static bool own(Change *c, void *place, size_t bytes) {
  void **items = place;
  void *copy = pond_alloc(c->pond, bytes + 1);
  if (!copy) return false;
  if (bytes) memcpy(copy, *items, bytes);
  *items = copy;
  return true;
}
#define OWN(c, array, count) own(c, (void *)&(array), (count) * sizeof *(array))

// ---- Registers ------------------------------------------------------------------------------------------------------

// Another register of the same type, or `reg` if there is none.
static u16 twin(Change *c, const Function *f, u16 reg) {
  if (reg >= f->register_count) return reg;
  u32 from = pick(c, f->register_count);
  for (u32 i = 0; i < f->register_count; i++) {
    u32 other = (from + i) % f->register_count;
    if (other != reg && f->registers[other] == f->registers[reg]) return (u16)other;
  }
  return reg;
}

// A register whose type is of the kind, or REGISTER_NONE.
static u16 register_of(Change *c, const Module *m, const Function *f, TypeKind kind) {
  u32 from = pick(c, f->register_count);
  for (u32 i = 0; i < f->register_count; i++) {
    u32 reg = (from + i) % f->register_count;
    TypeId type = f->registers[reg];
    if (type < m->types.count && m->types.items[type].kind == kind) return (u16)reg;
  }
  return REGISTER_NONE;
}

static void change_register(Change *c, Edit *e, bool same_type) {
  Place places[PLACES];
  u32 count = piece_registers(&e->pieces[pick(c, e->count)], places);
  if (!count) return;
  Place place = places[pick(c, count)];
  u16 reg = place_get(place);
  place_set(place, same_type ? twin(c, e->function, reg) : (u16)pick(c, e->function->register_count + (chance(c, 8) ? 2 : 0)));
}

// Two registers change names, everywhere or from here on.
static void exchange_registers(Change *c, Edit *e) {
  u32 from = chance(c, 2) ? 0 : pick(c, e->count);
  u16 a = (u16)pick(c, e->function->register_count), b = twin(c, e->function, a);
  for (u32 i = from; i < e->count; i++) {
    Place places[PLACES];
    u32 count = piece_registers(&e->pieces[i], places);
    for (u32 k = 0; k < count; k++) {
      u16 reg = place_get(places[k]);
      if (reg == a || reg == b) place_set(places[k], reg == a ? b : a);
    }
  }
}

// ---- Other operands -------------------------------------------------------------------------------------------------

static u64 odd_number(Change *c, u64 before) {
  switch (pick(c, 6)) {
    case 0: return before + 1;
    case 1: return before - 1;
    case 2: return pick(c, 5);
    case 3: return before ^ (u64)1 << pick(c, 64);
    case 4: return (u64)0 - before;
    default: return (u64)1 << pick(c, 64);
  }
}

static void set_bits(u64 *word, u32 shift, u32 width, u64 value) {
  u64 mask = (width == 64 ? ~(u64)0 : ((u64)1 << width) - 1) << shift;
  *word = (*word & ~mask) | (value << shift & mask);
}

// A function of the same face as `index`, if there is one.
static u32 like_function(Change *c, u32 index) {
  const Module *m = c->m;
  u32 from = pick(c, m->functions.count);
  if (index >= m->functions.count) return index;
  const Function *f = &m->functions.items[index];
  for (u32 i = 0; i < m->functions.count; i++) {
    u32 other = (from + i) % m->functions.count;
    const Function *g = &m->functions.items[other];
    bool alike = other != index && g->param_count == f->param_count && g->result == f->result && g->actor == f->actor &&
                 (g->kind == f->kind || (g->kind <= FUNCTION_NATIVE && f->kind <= FUNCTION_NATIVE)) &&
                 !memcmp(g->registers, f->registers, f->param_count * sizeof(TypeId));
    if (alike) return other;
  }
  return index;
}

static u32 like_constant(Change *c, u32 index) {
  const Module *m = c->m;
  u32 other = pick(c, m->constants.count);
  return index < m->constants.count && m->constants.items[other].kind == m->constants.items[index].kind ? other : index;
}

static void change_operand(Change *c, Edit *e) {
  Piece *piece = &e->pieces[pick(c, e->count)];
  u64 *first = piece->words, *second = first + 1;
  for (const char *letter = shape_operands(op_info[word_op(*first)].shape); *letter; letter++) {
    switch (*letter) {
      case 'i': set_bits(first, 48, 16, odd_number(c, word_c(*first))); break;
      case 'j': set_bits(first, 32, 16, odd_number(c, word_b(*first))); break;
      case 'I': set_bits(first, 32, 32, odd_number(c, (u64)word_bc(*first))); break;
      case 'x': set_bits(first, 32, 16, pick(c, 4)); break;
      case 'y': set_bits(first, 48, 16, pick(c, 4)); break;
      case 'w': *second = odd_number(c, *second); break;
      case 'k': *second = chance(c, 4) ? number(c, c->m->constants.count) : like_constant(c, (u32)*second); break;
      case 'g': *second = number(c, c->m->globals.count); break;
      case 't': *second = number(c, c->m->types.count); break;
      case 'f': set_bits(second, 0, 32, chance(c, 4) ? number(c, c->m->functions.count) : like_function(c, (u32)*second)); break;
      case 'A': set_bits(second, 0, 32, number(c, c->m->actors.count)); break;
      default: break;
    }
  }
}

// Another opcode of the same layout, and of the same types more often than not.
static void change_opcode(Change *c, Edit *e) {
  Piece *piece = &e->pieces[pick(c, e->count)];
  const OpInfo *info = &op_info[word_op(*piece->words)];
  bool same_types = !chance(c, 4);
  for (u32 tries = 0; tries < 40; tries++) {
    u32 op = pick(c, OP_COUNT);
    if (op_info[op].shape != info->shape || (same_types && strcmp(op_info[op].types, info->types))) continue;
    *piece->words = (*piece->words & ~(u64)0xffff) | op;
    return;
  }
}

static void change_jump(Change *c, Edit *e) {
  u32 from = pick(c, e->count);
  for (u32 i = 0; i < e->count; i++) {
    u32 at = (from + i) % e->count;
    Piece *piece = &e->pieces[at];
    if (!piece->target_count) continue;
    bool back = word_op(*piece->words) == OP_LOOP;
    i32 target = chance(c, 12) ? (i32)pick(c, e->count) : back ? (i32)pick(c, at) : (i32)(at + 1 + pick(c, e->count - at));
    piece->targets[pick(c, piece->target_count)] = target;
    return;
  }
}

// ---- Whole instructions ---------------------------------------------------------------------------------------------

static void repeat_piece(Change *c, Edit *e) {
  u32 at = pick(c, e->count);
  Piece copy;
  u32 to = chance(c, 2) ? at + 1 : pick(c, e->count);
  if (!e->pieces[at].target_count && piece_copy(e, &e->pieces[at], &copy)) edit_insert(e, to, copy);
}

static void move_piece(Change *c, Edit *e) {
  u32 at = pick(c, e->count);
  if (e->count < 2) return;
  Piece piece = e->pieces[at];
  u32 to = !chance(c, 4) && at + 1 < e->count ? at + 1 : pick(c, e->count - 1);
  if (piece.target_count) return;
  edit_remove(e, at);
  edit_insert(e, to, piece);
}

// An instruction of any function, on registers of the same types here.
static void borrow_piece(Change *c, Edit *e) {
  const Function *g = &c->m->functions.items[pick(c, c->m->functions.count)];
  Edit from;
  if (g->import != IMPORT_NONE || !g->code_words || g->code_words > 2000) return;
  Function copy = *g;
  Piece piece;
  if (!edit_open(&from, c->pond, c->m, &copy)) return;
  u32 at = pick(c, from.count);
  if (from.pieces[at].target_count || !piece_copy(e, &from.pieces[at], &piece)) return;
  Place places[PLACES];
  u32 count = piece_registers(&piece, places);
  for (u32 i = 0; i < count; i++) {
    u16 reg = place_get(places[i]);
    if (reg >= g->register_count) continue;
    TypeId type = g->registers[reg];
    u32 start = pick(c, e->function->register_count), k = 0;
    while (k < e->function->register_count && e->function->registers[(start + k) % e->function->register_count] != type) k++;
    if (k == e->function->register_count) return;
    place_set(places[i], (u16)((start + k) % e->function->register_count));
  }
  edit_insert(e, pick(c, e->count), piece);
}

static TypeKind kind_of_letter(char letter) {
  switch (letter) {
    case 'i': return TYPE_INT;
    case 'f': return TYPE_FLOAT;
    case 'b': return TYPE_BOOL;
    case 'u': return TYPE_UNIT;
    case 's': return TYPE_STRING;
    case 'd': return TYPE_DURATION;
    case 'I': return TYPE_VINT;
    case 'F': return TYPE_VFLOAT;
    default: return TYPE_KIND_COUNT;
  }
}

// An instruction made up: any opcode of simple operands, on registers that fit.
static void invent_piece(Change *c, Edit *e) {
  static const Op moves[] = {OP_MOVE, OP_SHOW, OP_CLEAR, OP_EQ, OP_LT, OP_VADD, OP_EXCHANGE, OP_ALEN, OP_NIL, OP_TAIL};
  u32 op = chance(c, 3) ? moves[pick(c, COUNT_OF(moves))] : pick(c, OP_COUNT);
  const OpInfo *info = &op_info[op];
  u16 operand[3] = {0};
  if (shape_fixed_words(info->shape) > 1 || strpbrk(shape_operands(info->shape), "losJxy")) return;
  if (op == OP_CRASH) return;
  const char *types = info->types;
  for (u32 i = 0; i < 3 && shape_operands(info->shape)[i] >= 'a' && shape_operands(info->shape)[i] <= 'c'; i++) {
    char letter = types[0] == '?' || !types[i] ? '?' : types[i];
    u16 reg = (u16)pick(c, e->function->register_count);
    if (letter != '?') reg = register_of(c, c->m, e->function, kind_of_letter(letter));
    else if (i) reg = twin(c, e->function, operand[i - 1]);
    if (reg == REGISTER_NONE) return;
    operand[i] = reg;
  }
  Piece piece = {.words = pond_alloc(c->pond, sizeof(u64)), .length = 1, .targets = NULL};
  if (!piece.words) return;
  *piece.words = word_make((u16)op, operand[0], operand[1], operand[2]);
  if (info->shape == SHAPE_DI || info->shape == SHAPE_DRI) set_bits(piece.words, info->shape == SHAPE_DI ? 32 : 48, 16, pick(c, 2));
  edit_insert(e, pick(c, e->count), piece);
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static Function *some_function(Change *c) {
  u32 from = pick(c, c->m->functions.count);
  for (u32 i = 0; i < c->m->functions.count; i++) {
    Function *f = &c->m->functions.items[(from + i) % c->m->functions.count];
    if (f->code_words && f->import == IMPORT_NONE && f->register_count) return f;
  }
  return NULL;
}

// The body of another function of the same face.
static void swap_body(Change *c) {
  Function *f = some_function(c);
  if (!f) return;
  const Function *g = &c->m->functions.items[like_function(c, (u32)(f - c->m->functions.items))];
  if (!g->code_words) return;
  Str name = f->name;
  bool exported = f->exported;
  const Str *names = f->param_names;
  *f = *g;
  f->name = name;
  f->exported = exported;
  f->param_names = names;
}

static void flip_bits(Change *c) {
  Function *f = some_function(c);
  if (!f || !OWN(c, f->code, f->code_words)) return;
  u64 *code = (u64 *)f->code;
  u32 at = pick(c, f->code_words);
  if (chance(c, 2)) code[at] ^= (u64)1 << pick(c, 64);
  else set_bits(&code[at], 16 * pick(c, 4), 16, pick(c, f->register_count + 2u));
}

static void retype_register(Change *c) {
  Function *f = some_function(c);
  if (!f || !OWN(c, f->registers, f->register_count)) return;
  TypeId *registers = (TypeId *)f->registers;
  u32 a = pick(c, f->register_count), b = pick(c, f->register_count);
  if (chance(c, 2)) {
    registers[a] = number(c, c->m->types.count);
    return;
  }
  TypeId type = registers[a];
  registers[a] = registers[b];
  registers[b] = type;
}

static void change_face(Change *c) {
  Function *f = &c->m->functions.items[pick(c, c->m->functions.count)];
  switch (pick(c, 12)) {
    case 0: f->kind = (FunctionKind)pick(c, FUNCTION_KIND_COUNT); return;
    case 1: f->actor = chance(c, 2) ? IMPORT_NONE : number(c, c->m->actors.count); return;
    case 2: f->result = number(c, c->m->types.count); return;
    case 3: f->generics = (Generics){.count = pick(c, 4)}; return;
    case 4: f->exported = !f->exported; return;
    case 5: f->capture_count = pick(c, f->param_count + 1); return;
    case 6: f->import = number(c, c->m->imports.count); return;
    case 7: {
      u8 *lent = pond_alloc(c->pond, f->param_count + 1);
      if (lent && f->param_count) lent[pick(c, f->param_count)] = 1;
      f->lent = f->lent ? NULL : lent;
      return;
    }
    default: f->effects = (u8)(chance(c, 3) ? pick(c, 64) : f->effects | 1u << pick(c, 5)); return;
  }
}

// ---- Tables ---------------------------------------------------------------------------------------------------------

static void change_type(Change *c) {
  if (!c->m->types.count || !OWN(c, c->m->types.items, c->m->types.count)) return;
  Type *type = &c->m->types.items[pick(c, c->m->types.count)];
  switch (pick(c, 4)) {
    case 0: type->index = number(c, c->m->datas.count + 1); return;
    case 1: type->kind = (TypeKind)pick(c, TYPE_KIND_COUNT); return;
    default:
      if (type->count && OWN(c, type->args, type->count)) ((TypeId *)type->args)[pick(c, type->count)] = number(c, c->m->types.count);
  }
}

static void change_data(Change *c) {
  if (!c->m->datas.count || !OWN(c, c->m->datas.items, c->m->datas.count)) return;
  DataDef *data = &c->m->datas.items[pick(c, c->m->datas.count)];
  if (chance(c, 5)) data->declared = (u8)pick(c, 4);
  if (chance(c, 5)) data->opaque = !data->opaque;
  if (chance(c, 5)) data->unique = !data->unique;
  if (chance(c, 5)) data->generics.count = pick(c, 4);
  if (chance(c, 8)) data->import = number(c, c->m->imports.count);
  if (!data->ctor_count || !OWN(c, data->ctors, data->ctor_count)) return;
  Ctor *ctors = (Ctor *)data->ctors, *ctor = &ctors[pick(c, data->ctor_count)], *other = &ctors[pick(c, data->ctor_count)];
  if (chance(c, 2)) {
    Ctor swapped = *ctor;
    *ctor = *other;
    *other = swapped;
  } else if (ctor->field_count && OWN(c, ctor->fields, ctor->field_count)) {
    ((Field *)ctor->fields)[pick(c, ctor->field_count)].type = number(c, c->m->types.count);
  }
}

// A changed type may be an interface with more methods: room for the slots of any.
static bool widen_slots(Change *c, ActorDef *actor) {
  u32 most = 0;
  for (u32 i = 0; i < c->m->interfaces.count; i++) {
    if (c->m->interfaces.items[i].method_count > most) most = c->m->interfaces.items[i].method_count;
  }
  if (!OWN(c, actor->implements, actor->implements_count)) return false;
  for (u32 i = 0; i < actor->implements_count; i++) {
    Implements *implements = (Implements *)&actor->implements[i];
    u32 *wide = pond_alloc(c->pond, (most + 1) * sizeof(u32)), slots = implements_slots(c->m, actor, i);
    if (!wide) return false;
    if (slots) memcpy(wide, implements->handlers, slots * sizeof *wide);
    implements->handlers = wide;
  }
  return true;
}

// Actors can be written from the start: whatever becomes of types, their slots are there.
static bool own_actors(Change *c) {
  if (!OWN(c, c->m->actors.items, c->m->actors.count)) return false;
  for (u32 i = 0; i < c->m->actors.count; i++) {
    if (!widen_slots(c, &c->m->actors.items[i])) return false;
  }
  return true;
}

static void change_handler(Change *c, ActorDef *actor) {
  if (!actor->handler_count || !OWN(c, actor->handlers, actor->handler_count)) return;
  Handler *handlers = (Handler *)actor->handlers, *one = &handlers[pick(c, actor->handler_count)];
  switch (pick(c, 4)) {
    case 0: one->function = number(c, c->m->functions.count); return;
    case 1: one->function = like_function(c, one->function); return;
    case 2: one->guard = handlers[pick(c, actor->handler_count)].guard; return;
    default: {
      Handler *other = &handlers[pick(c, actor->handler_count)], swapped = *one;
      *one = *other;
      *other = swapped;
    }
  }
}

static void change_actor(Change *c) {
  if (!c->m->actors.count) return;
  ActorDef *actor = &c->m->actors.items[pick(c, c->m->actors.count)];
  switch (pick(c, 8)) {
    case 0: actor->init = number(c, c->m->functions.count); return;
    case 1: actor->dropped = number(c, actor->handler_count); return;
    case 2:
      if (actor->field_count && OWN(c, actor->fields, actor->field_count)) {
        StateField *field = (StateField *)&actor->fields[pick(c, actor->field_count)];
        if (chance(c, 2)) field->assignable = !field->assignable;
        else field->type = number(c, c->m->types.count);
      }
      return;
    case 3:
      if (actor->param_count && OWN(c, actor->params, actor->param_count))
        ((Field *)actor->params)[pick(c, actor->param_count)].type = number(c, c->m->types.count);
      return;
    case 4: case 5: {
      u32 i = pick(c, actor->implements_count), slots = actor->implements_count ? implements_slots(c->m, actor, i) : 0;
      if (slots) ((u32 *)actor->implements[i].handlers)[pick(c, slots)] = number(c, actor->handler_count);
      return;
    }
    default: change_handler(c, actor); return;
  }
}

static void change_interface(Change *c) {
  if (!c->m->interfaces.count || !OWN(c, c->m->interfaces.items, c->m->interfaces.count)) return;
  InterfaceDef *interface = &c->m->interfaces.items[pick(c, c->m->interfaces.count)];
  if (chance(c, 6)) interface->unique = !interface->unique;
  if (!interface->method_count || !OWN(c, interface->methods, interface->method_count)) return;
  Method *methods = (Method *)interface->methods, *method = &methods[pick(c, interface->method_count)];
  switch (pick(c, 5)) {
    case 0: method->answers = !method->answers; return;
    case 1: method->answer = number(c, c->m->types.count); return;
    case 2: interface->generics = (Generics){.count = pick(c, 3)}; return;
    case 3: {
      Method *other = &methods[pick(c, interface->method_count)], swapped = *method;
      *method = *other;
      *other = swapped;
      return;
    }
    default:
      if (method->param_count && OWN(c, method->params, method->param_count))
        ((Field *)method->params)[pick(c, method->param_count)].type = number(c, c->m->types.count);
  }
}

static void change_constant(Change *c) {
  if (!c->m->constants.count || !OWN(c, c->m->constants.items, c->m->constants.count)) return;
  Constant *constant = &c->m->constants.items[pick(c, c->m->constants.count)];
  const Constant *other = &c->m->constants.items[pick(c, c->m->constants.count)];
  constant->number = (i64)odd_number(c, (u64)constant->number);
  constant->real = chance(c, 3) ? (double)constant->number : -constant->real;
  if (constant->kind != other->kind || !constant->bytes.len) return;
  if (chance(c, 2)) constant->bytes.len = constant->kind == CONSTANT_BYTES ? pick(c, (u32)constant->bytes.len) : 0;
  else constant->bytes = other->bytes;
}

static void change_list(Change *c) {
  if (c->m->typelists.count < 2 || !OWN(c, c->m->typelists.items, c->m->typelists.count)) return;
  TypeList *list = &c->m->typelists.items[1 + pick(c, c->m->typelists.count - 1)];
  if (list->count && OWN(c, list->items, list->count)) ((TypeId *)list->items)[pick(c, list->count)] = number(c, c->m->types.count);
}

static void change_table(Change *c) {
  switch (pick(c, 7)) {
    case 0: change_type(c); return;
    case 1: change_data(c); return;
    case 2: case 3: change_actor(c); return;
    case 4: change_interface(c); return;
    case 5: change_constant(c); return;
    default: change_list(c); return;
  }
}

// ---- The mix --------------------------------------------------------------------------------------------------------

static void change_code(Change *c) {
  Function *f = some_function(c);
  Edit e;
  if (!f || !edit_open(&e, c->pond, c->m, f)) return;
  u32 what = pick(c, 100);
  if (what < 16) change_register(c, &e, true);
  else if (what < 18) change_register(c, &e, false);
  else if (what < 24) exchange_registers(c, &e);
  else if (what < 44) change_operand(c, &e);
  else if (what < 54) change_opcode(c, &e);
  else if (what < 62) change_jump(c, &e);
  else if (what < 66) edit_remove(&e, pick(c, e.count));
  else if (what < 73) repeat_piece(c, &e);
  else if (what < 79) move_piece(c, &e);
  else if (what < 89) borrow_piece(c, &e);
  else invent_piece(c, &e);
  edit_close(&e);
}

static void change_once(Change *c) {
  u32 what = pick(c, 100);
  if (what < 82) change_code(c);
  else if (what < 85) flip_bits(c);
  else if (what < 91) swap_body(c);
  else if (what < 93) retype_register(c);
  else if (what < 95) change_face(c);
  else change_table(c);
}

Module *change_module(const Module *base, Random *random, Pond *pond) {
  Change c = {pond_alloc(pond, sizeof(Module)), random, pond};
  if (!c.m || !base->functions.count) return NULL;
  *c.m = *base;
  c.m->interner = NULL;
  if (!OWN(&c, c.m->functions.items, c.m->functions.count) || !own_actors(&c)) return NULL;
  u32 changes = 1;
  while (changes < 8 && !chance(&c, 3)) changes++;
  while (changes--) change_once(&c);
  return c.m;
}
