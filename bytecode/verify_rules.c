// Instructions with rules of their own, on values: moves, constants, comparisons, data, tuples, lists, text. Each rule reads
// its sources before it writes its destination, which may be one of them.
#include "bytecode/verify_code.h"

static bool type_is(Flow *x, TypeId type, TypeKind kind) { return type_kind(x->v, type) == kind; }

bool same_register_type(Flow *x, u16 reg, TypeId actual, TypeId wanted) {
  if (LIKELY(actual == wanted)) return true;
  return register_type_fail(x, reg, verify_type_text(x->v, wanted).ptr);
}

bool list_length(Flow *x, const u64 *list, u32 expected) {
  u32 count = reglist_count(list);
  if (UNLIKELY(count != expected)) return verify_fail(x->v, REASON_LIST_LENGTH, "%u registers, where %u are needed", count, expected);
  return verify_spend(x->v, count / 4);
}

// ---- Moves and constants --------------------------------------------------------------------------------------------

static bool rule_move(Flow *x, const u64 *code) {
  TypeId from, to;
  if (!reg_take(x, operand_b(code), &from) || !reg_target(x, operand_a(code), &to)) return false;
  return same_register_type(x, operand_a(code), to, from) && reg_write(x, operand_a(code));
}

static bool rule_clear(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_target(x, operand_a(code), &type)) return false;
  if (x->v->facts[type].raw) return register_type_fail(x, operand_a(code), "a val");
  if (x->u.any && bit_is_set(x, operand_a(code)) && bit_in(x->u.owned, operand_a(code))) {
    return verify_fail(x->v, REASON_UNIQUE_OVERWRITTEN, "r%u is cleared", operand_a(code));
  }
  bit_clear(x, operand_a(code));
  return true;
}

static bool rule_constant(Flow *x, const u64 *code) {
  static const TypeKind kinds[CONSTANT_KIND_COUNT] = {
    [CONSTANT_INT] = TYPE_VINT,     [CONSTANT_FLOAT] = TYPE_VFLOAT,     [CONSTANT_STRING] = TYPE_STRING,
    [CONSTANT_BYTES] = TYPE_BYTES,  [CONSTANT_DURATION] = TYPE_DURATION,
  };
  TypeId type;
  if (code[1] >= x->v->m->constants.count) return verify_fail(x->v, REASON_CONSTANT_INDEX, "%u", (u32)code[1]);
  if (!reg_target(x, operand_a(code), &type)) return false;
  if (!type_is(x, type, kinds[x->v->m->constants.items[code[1]].kind])) return register_type_fail(x, operand_a(code), "the constant's type");
  return reg_write(x, operand_a(code));
}

static bool rule_global(Flow *x, const u64 *code) {
  TypeId type;
  if (code[1] >= x->v->m->globals.count) return verify_fail(x->v, REASON_GLOBAL_INDEX, "%u", (u32)code[1]);
  if (!reg_target(x, operand_a(code), &type)) return false;
  return same_register_type(x, operand_a(code), type, x->v->m->globals.items[code[1]].type) && reg_write(x, operand_a(code));
}

// ---- Arithmetic and comparison on vals ------------------------------------------------------------------------------

static bool has_ability(Flow *x, u16 reg, TypeId type, u8 constraint) {
  static const char *const names[] = {"equal", "ordered", "adds", "number", "reference"};
  if (x->v->facts[type].raw) return register_type_fail(x, reg, "a val");
  if (LIKELY(type_able(x->v, type, constraint))) return true;
  return verify_fail(x->v, REASON_CONSTRAINT, "r%u is %.*s, which is not `%s`", reg, STR_ARG(verify_type_text(x->v, type)), names[__builtin_ctz(constraint)]);
}

static bool rule_arithmetic(Flow *x, Op op, const u64 *code) {
  TypeId left, right, result;
  if (!reg_read(x, operand_b(code), &left)) return false;
  right = left;
  if (op != OP_VNEG && !reg_read(x, operand_c(code), &right)) return false;
  if (!same_register_type(x, operand_c(code), right, left) || !reg_target(x, operand_a(code), &result)) return false;
  if (!same_register_type(x, operand_a(code), result, left)) return false;
  bool duration = (op == OP_VSUB || op == OP_VNEG) && type_is(x, left, TYPE_DURATION);
  u8 constraint = op == OP_VADD ? CONSTRAINT_ADDS : CONSTRAINT_NUMBER;
  return (duration || has_ability(x, operand_b(code), left, constraint)) && reg_write(x, operand_a(code));
}

static bool rule_compare(Flow *x, const u64 *code, u16 left_reg, u16 right_reg, bool gives, u8 constraint) {
  TypeId left, right, result;
  if (!reg_peek(x, left_reg, &left) || !reg_peek(x, right_reg, &right)) return false;
  if (!same_register_type(x, right_reg, right, left) || !has_ability(x, left_reg, left, constraint)) return false;
  if (!gives) return true;
  if (!reg_target(x, operand_a(code), &result)) return false;
  if (!type_is(x, result, TYPE_BOOL)) return register_type_fail(x, operand_a(code), "Bool");
  return reg_write(x, operand_a(code));
}

// ---- Data -----------------------------------------------------------------------------------------------------------

// The data type of a register, and leave to look inside.
static const DataDef *open_data(Flow *x, u16 reg, TypeId type) {
  if (!type_is(x, type, TYPE_DATA)) {
    register_type_fail(x, reg, "a data type");
    return NULL;
  }
  u32 row = type_at(x->v, type)->index;
  const DataDef *data = &x->v->m->datas.items[row];
  if (!x->v->closed_datas[row]) return data;
  verify_fail(x->v, REASON_OPAQUE, "r%u is %.*s", reg, STR_ARG(verify_type_text(x->v, type)));
  return NULL;
}

static const Ctor *ctor_at(Flow *x, const DataDef *data, u32 number) {
  if (number < data->ctor_count) return &data->ctors[number];
  verify_fail(x->v, REASON_CONSTRUCTOR, "constructor %u of `%.*s`, which has %u", number, STR_ARG(data->name), data->ctor_count);
  return NULL;
}

static bool field_type(Flow *x, u16 reg, TypeId declared, TypeId owner, TypeId actual) {
  TypeList args = type_args(x->v, owner);
  if (LIKELY(type_matches(x->v, declared, &args, actual))) return true;
  return x->v->failed ? false : register_type_fail(x, reg, verify_type_text(x->v, declared).ptr);
}

static bool rule_ctor(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_target(x, operand_a(code), &type)) return false;
  const DataDef *data = open_data(x, operand_a(code), type);
  const Ctor *ctor = data ? ctor_at(x, data, operand_b(code)) : NULL;
  if (!ctor) return false;
  if (ctor->field_count) return verify_fail(x->v, REASON_CONSTRUCTOR, "`%.*s` has fields", STR_ARG(ctor->name));
  return reg_write(x, operand_a(code));
}

static bool rule_new(Flow *x, const u64 *code) {
  TypeId type, field;
  if (!reg_target(x, operand_a(code), &type)) return false;
  const DataDef *data = open_data(x, operand_a(code), type);
  const Ctor *ctor = data ? ctor_at(x, data, operand_b(code)) : NULL;
  if (!ctor || !list_length(x, code + 1, ctor->field_count)) return false;
  if (!ctor->field_count) return verify_fail(x->v, REASON_CONSTRUCTOR, "`%.*s` has no fields", STR_ARG(ctor->name));
  for (u32 i = 0; i < ctor->field_count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (!reg_take(x, reg, &field) || !field_type(x, reg, ctor->fields[i].type, type, field)) return false;
  }
  return reg_write(x, operand_a(code));
}

// How the verifier numbers the parts of a value. Those of different constructors are never there together.
static u32 part_of_ctor(u32 ctor, u32 field) { return ctor << 16 | field; }

static bool rule_field(Flow *x, const u64 *code) {
  TypeId type, result;
  if (!reg_peek(x, operand_b(code), &type) || !reg_target(x, operand_a(code), &result)) return false;
  const DataDef *data = open_data(x, operand_b(code), type);
  if (!data) return false;
  if (data->ctor_count != 1) return verify_fail(x->v, REASON_CONSTRUCTOR, "`%.*s` has %u constructors", STR_ARG(data->name), data->ctor_count);
  u32 number = operand_c(code);
  if (number >= data->ctors[0].field_count) return verify_fail(x->v, REASON_FIELD, "field %u of `%.*s`", number, STR_ARG(data->name));
  if (!field_type(x, operand_a(code), data->ctors[0].fields[number].type, type, result)) return false;
  return reg_write_part(x, operand_a(code), operand_b(code), part_of_ctor(0, number));
}

// Option and Result alone have fields that are unique by their arguments, and these are parameters as they stand.
static bool field_is_unique(const Flow *x, TypeId declared, TypeId owner) {
  const Type *type = type_at(x->v, declared);
  return x->v->facts[type->kind == TYPE_VAR ? type_at(x->v, owner)->args[type->index] : declared].unique;
}

static bool skip_part(Flow *x, bool unique, u32 i) {
  return !unique || verify_fail(x->v, REASON_UNIQUE_LEFT, "part %u is not wanted", i);
}

// UNPACK uses a unique value up, so that each of its unique parts needs an owner; PEEK leaves it, and lends them.
static bool rule_unpack(Flow *x, const u64 *code, bool uses_up) {
  TypeId type = NO_TYPE, result;
  u16 from = operand_a(code);
  if (!(uses_up ? reg_take(x, from, &type) : reg_peek(x, from, &type))) return false;
  const DataDef *data = open_data(x, operand_a(code), type);
  const Ctor *ctor = data ? ctor_at(x, data, operand_b(code)) : NULL;
  if (!ctor || !list_length(x, code + 1, ctor->field_count)) return false;
  for (u32 i = 0; i < ctor->field_count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (reg == REGISTER_NONE) {
      if (uses_up && !skip_part(x, field_is_unique(x, ctor->fields[i].type, type), i)) return false;
      continue;
    }
    if (!reg_target(x, reg, &result) || !field_type(x, reg, ctor->fields[i].type, type, result)) return false;
    if (!(uses_up ? reg_write(x, reg) : reg_write_part(x, reg, from, part_of_ctor(operand_b(code), i)))) return false;
  }
  return true;
}

static bool rule_tag(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_peek(x, operand_a(code), &type)) return false;
  const DataDef *data = open_data(x, operand_a(code), type);
  return data && ctor_at(x, data, operand_b(code));
}

static bool rule_switch(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_peek(x, operand_a(code), &type)) return false;
  const DataDef *data = open_data(x, operand_a(code), type);
  if (!data || operand_b(code) == data->ctor_count) return data != NULL;
  return verify_fail(x->v, REASON_SWITCH_COUNT, "%u offsets for the %u constructors of `%.*s`", operand_b(code), data->ctor_count, STR_ARG(data->name));
}

// ---- Tuples, lists, text --------------------------------------------------------------------------------------------

static bool rule_tuple(Flow *x, const u64 *code) {
  TypeId type, item;
  if (!reg_target(x, operand_a(code), &type)) return false;
  if (!type_is(x, type, TYPE_TUPLE)) return register_type_fail(x, operand_a(code), "a tuple");
  const Type *tuple = type_at(x->v, type);
  if (!list_length(x, code + 1, tuple->count)) return false;
  for (u32 i = 0; i < tuple->count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (!reg_take(x, reg, &item) || !same_register_type(x, reg, item, tuple->args[i])) return false;
  }
  return reg_write(x, operand_a(code));
}

static bool rule_split(Flow *x, const u64 *code) {
  TypeId type, result;
  if (!reg_take(x, operand_a(code), &type)) return false;
  if (!type_is(x, type, TYPE_TUPLE)) return register_type_fail(x, operand_a(code), "a tuple");
  const Type *tuple = type_at(x->v, type);
  if (!list_length(x, code + 1, tuple->count)) return false;
  for (u32 i = 0; i < tuple->count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (reg == REGISTER_NONE) {
      if (!skip_part(x, x->v->facts[tuple->args[i]].unique, i)) return false;
      continue;
    }
    if (!reg_target(x, reg, &result) || !same_register_type(x, reg, result, tuple->args[i]) || !reg_write(x, reg)) return false;
  }
  return true;
}

static bool rule_element(Flow *x, const u64 *code) {
  TypeId type, result;
  if (!reg_peek(x, operand_b(code), &type) || !reg_target(x, operand_a(code), &result)) return false;
  if (!type_is(x, type, TYPE_TUPLE)) return register_type_fail(x, operand_b(code), "a tuple");
  const Type *tuple = type_at(x->v, type);
  if (operand_c(code) >= tuple->count) return verify_fail(x->v, REASON_FIELD, "element %u of a tuple of %u", operand_c(code), tuple->count);
  if (!same_register_type(x, operand_a(code), result, tuple->args[operand_c(code)])) return false;
  return reg_write_part(x, operand_a(code), operand_b(code), operand_c(code));
}

static bool is_list(Flow *x, u16 reg, TypeId type) { return type_is(x, type, TYPE_LIST) || register_type_fail(x, reg, "a List"); }

static bool rule_nil(Flow *x, const u64 *code) {
  TypeId type;
  return reg_target(x, operand_a(code), &type) && is_list(x, operand_a(code), type) && reg_write(x, operand_a(code));
}

static bool rule_cons(Flow *x, const u64 *code) {
  TypeId item, tail, result;
  if (!reg_read(x, operand_b(code), &item) || !reg_read(x, operand_c(code), &tail) || !reg_target(x, operand_a(code), &result)) return false;
  if (!is_list(x, operand_a(code), result) || !same_register_type(x, operand_c(code), tail, result)) return false;
  return same_register_type(x, operand_b(code), item, type_at(x->v, result)->args[0]) && reg_write(x, operand_a(code));
}

static bool rule_head_tail(Flow *x, const u64 *code, bool head) {
  TypeId list, result;
  if (!reg_read(x, operand_b(code), &list) || !reg_target(x, operand_a(code), &result) || !is_list(x, operand_b(code), list)) return false;
  TypeId wanted = head ? type_at(x->v, list)->args[0] : list;
  return same_register_type(x, operand_a(code), result, wanted) && reg_write(x, operand_a(code));
}

static bool rule_list_test(Flow *x, const u64 *code) {
  TypeId type;
  return reg_read(x, operand_a(code), &type) && is_list(x, operand_a(code), type);
}

static bool rule_list(Flow *x, const u64 *code) {
  TypeId tail, result, item;
  if (!reg_read(x, operand_b(code), &tail) || !reg_target(x, operand_a(code), &result)) return false;
  if (!is_list(x, operand_a(code), result) || !same_register_type(x, operand_b(code), tail, result)) return false;
  u32 count = reglist_count(code + 1);
  for (u32 i = 0; i < count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (!reg_read(x, reg, &item) || !same_register_type(x, reg, item, type_at(x->v, result)->args[0])) return false;
  }
  return verify_spend(x->v, count / 4) && reg_write(x, operand_a(code));
}

static bool rule_show(Flow *x, const u64 *code) {
  TypeId from, to;
  if (!reg_peek(x, operand_b(code), &from) || !reg_target(x, operand_a(code), &to)) return false;
  if (x->v->facts[from].raw) return register_type_fail(x, operand_b(code), "a val");
  if (!type_is(x, to, TYPE_STRING)) return register_type_fail(x, operand_a(code), "String");
  return reg_write(x, operand_a(code));
}

static bool rule_concat(Flow *x, const u64 *code) {
  TypeId type, part;
  if (!reg_target(x, operand_a(code), &type)) return false;
  if (!type_is(x, type, TYPE_STRING)) return register_type_fail(x, operand_a(code), "String");
  u32 count = reglist_count(code + 1);
  for (u32 i = 0; i < count; i++) {
    u16 reg = reglist_at(code + 1, i);
    if (!reg_read(x, reg, &part) || !same_register_type(x, reg, part, type)) return false;
  }
  return verify_spend(x->v, count / 4) && reg_write(x, operand_a(code));
}

// ---- Which rule -----------------------------------------------------------------------------------------------------

bool rule_check(Flow *x, Op op, const u64 *code) {
  u16 a = operand_a(code), b = operand_b(code), c = operand_c(code);
  switch (op) {
    case OP_MOVE: return rule_move(x, code);
    case OP_CLEAR: return rule_clear(x, code);
    case OP_CONST: return rule_constant(x, code);
    case OP_GLOBAL: return rule_global(x, code);
    case OP_NIL: return rule_nil(x, code);
    case OP_CTOR: return rule_ctor(x, code);
    case OP_VADD: case OP_VSUB: case OP_VMUL: case OP_VDIV: case OP_VREM: case OP_VNEG: return rule_arithmetic(x, op, code);
    case OP_EQ: case OP_NE: return rule_compare(x, code, b, c, true, CONSTRAINT_EQUAL);
    case OP_LT: case OP_LE: return rule_compare(x, code, b, c, true, CONSTRAINT_ORDERED);
    case OP_JEQ: case OP_JNE: return rule_compare(x, code, a, b, false, CONSTRAINT_EQUAL);
    case OP_JLT: case OP_JLE: return rule_compare(x, code, a, b, false, CONSTRAINT_ORDERED);
    case OP_NEW: return rule_new(x, code);
    case OP_FIELD: return rule_field(x, code);
    case OP_UNPACK: return rule_unpack(x, code, true);
    case OP_PEEK: return rule_unpack(x, code, false);
    case OP_SPLIT: return rule_split(x, code);
    case OP_JTAG: case OP_JNTAG: return rule_tag(x, code);
    case OP_SWITCH: return rule_switch(x, code);
    case OP_TUPLE: return rule_tuple(x, code);
    case OP_ELEM: return rule_element(x, code);
    case OP_CONS: return rule_cons(x, code);
    case OP_HEAD: case OP_TAIL: return rule_head_tail(x, code, op == OP_HEAD);
    case OP_JNIL: case OP_JCONS: return rule_list_test(x, code);
    case OP_LIST: return rule_list(x, code);
    case OP_SHOW: return rule_show(x, code);
    case OP_CONCAT: return rule_concat(x, code);
    default: return rule_call(x, op, code);
  }
}
