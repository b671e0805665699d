// Instructions on values that are too big for ops.inc: arithmetic and comparison of whatever a val holds, text, lists, closures,
// and the faults of instructions that trap.
//
// Each reserves first and reads its registers after that, since reserving may move what they point to.
#include "vm/step.h"

#include "vm/compare.h"

#include <math.h>

#define A fp[word_a(word)]
#define B fp[word_b(word)]
#define C fp[word_c(word)]

double step_frem(double a, double b) { return fmod(a, b); }

// ---- Traps ----------------------------------------------------------------------------------------------------------

bool step_trap(Worker *worker, u64 word, const u64 *fp) {
  switch ((u32)word_op(word)) {
    case OP_AGET: case OP_AGET_INT: case OP_AGET_FLOAT: case OP_BGET: return fault_index(worker, val_obj(B), (i64)C);
    case OP_ASET: case OP_ASET_INT: case OP_ASET_FLOAT: return fault_index(worker, val_obj(A), (i64)B);
    case OP_BSET: return fault_byte(worker, val_obj(A), (i64)B, (i64)C);
    case OP_UNBOX_INT: return fault_set(worker, "an Int was expected, and another kind of value came");
    case OP_UNBOX_FLOAT: return fault_set(worker, "a Float was expected, and another kind of value came");
    case OP_HEAD: case OP_TAIL: return fault_set(worker, "the list is empty");
    case OP_UNPACK: case OP_UNPACK_LONG: return fault_set(worker, "the value is another constructor than its pattern");
    case OP_ADDI_LOOP: case OP_ADDI_CALL: return fault_arithmetic(worker, OP_ADDI, (i64)B, (i16)word_c(word));
    case OP_ADD_RET: return fault_arithmetic(worker, OP_ADD, (i64)B, (i64)C);
    case OP_ADDI: case OP_MULI: return fault_arithmetic(worker, (Op)word_op(word), (i64)B, (i16)word_c(word));
    case OP_NEG: return fault_arithmetic(worker, OP_NEG, (i64)B, 0);
    default: return fault_arithmetic(worker, (Op)word_op(word), (i64)B, (i64)C);
  }
}

// ---- Arithmetic on vals ---------------------------------------------------------------------------------------------

// False if the result does not exist.
static bool int_result(u32 op, i64 b, i64 c, i64 *result) {
  switch (op) {
    case OP_VADD: return !__builtin_add_overflow(b, c, result);
    case OP_VSUB: case OP_VNEG: return !__builtin_sub_overflow(b, c, result);
    case OP_VMUL: return !__builtin_mul_overflow(b, c, result);
    case OP_VDIV: return c && !(c == -1 && b == INT64_MIN) && (*result = b / c, true);
    case OP_VREM: return c && (*result = c == -1 ? 0 : b % c, true);
    default: BUG("opcode %u is no arithmetic", op);
  }
}

static double float_result(u32 op, double b, double c) {
  switch (op) {
    case OP_VADD: return b + c;
    case OP_VSUB: return b - c;
    case OP_VMUL: return b * c;
    case OP_VDIV: return b / c;
    case OP_VREM: return fmod(b, c);
    case OP_VNEG: return -b;
    default: BUG("opcode %u is no arithmetic", op);
  }
}

static bool duration_arithmetic(Worker *worker, u32 op, i64 b, i64 c, u64 *to) {
  i64 result;
  if (!int_result(op, b, c, &result)) return fault_set(worker, "duration overflow");
  *to = build_word(worker, KIND_DURATION, (u64)result);
  return true;
}

static bool concat_registers(Worker *worker, u64 *fp, u32 count, const CodeHalf *registers, u16 to);

bool step_arithmetic(Worker *worker, const u64 *pc, u64 *fp) {
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  u64 word = *pc;
  u32 op = word_op(word);
  Val b = B, c = op == OP_VNEG ? b : C;
  Kind kind = val_is_int(b) ? KIND_INT : val_is_pointer(b) ? obj_kind(val_obj(b)) : KIND_NONE;
  switch (kind) {
    case KIND_INT: {
      i64 left = val_int(b), right = val_int(c), result;
      if (op == OP_VNEG) right = left, left = 0;
      if (!int_result(op, left, right, &result)) return fault_arithmetic(worker, (Op)op, op == OP_VNEG ? right : left, right);
      A = build_int(worker, result);
      return true;
    }
    case KIND_FLOAT:
      A = build_word(worker, KIND_FLOAT, word_from_double(float_result(op, val_float(b), val_float(c))));
      return true;
    case KIND_DURATION:
      if (op == OP_VNEG) return duration_arithmetic(worker, op, 0, val_us(b), &A);
      return duration_arithmetic(worker, op, val_us(b), val_us(c), &A);
    case KIND_STRING: return concat_registers(worker, fp, 2, (u16[]){word_b(word), word_c(word)}, word_a(word));
    default: return fault_set(worker, "values of this kind have no arithmetic");
  }
}

bool step_compare(Worker *worker, const u64 *pc, const u64 *fp) {
  u64 word = *pc;
  u32 op = word_op(word);
  bool goes_on = work_begun(worker);
  if (UNLIKELY(goes_on) && !val_order_prepare(worker)) return false;
  int order = op < OP_JEQ ? val_order(worker, B, C) : val_order(worker, A, B);
  if (UNLIKELY(worker->fault)) return false;
  if (UNLIKELY(goes_on)) (void)work_end(worker);
  switch (op) {
    case OP_EQ: case OP_JEQ: return order == 0;
    case OP_NE: case OP_JNE: return order != 0;
    case OP_LT: case OP_JLT: return order < 0;
    case OP_LE: case OP_JLE: return order <= 0;
    default: BUG("opcode %u compares nothing", op);
  }
}

// ---- Text -----------------------------------------------------------------------------------------------------------

static void charge_bytes(Worker *worker, u64 bytes) { worker->reductions -= (i64)(bytes / 256); }

bool step_show(Worker *worker, const u64 *pc, u64 *fp) {
  u64 word = *pc;
  return show_string(worker, &B, &A);
}

static bool concat_long(Worker *worker, u64 *fp, u32 count, const CodeHalf *registers, u16 to, u64 total) {
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, total)) return false;
  const Work *work = work_begun(worker);
  for (u32 i = work ? (u32)work->count : 0; i < count; i++) {
    if (!making_add(&making, obj_bytes(val_obj(fp[registers[i]])))) return making_pause(&making, VAL_EMPTY, i);
  }
  fp[to] = obj_val(making.text);
  return work_end(worker);
}

static bool concat_registers(Worker *worker, u64 *fp, u32 count, const CodeHalf *registers, u16 to) {
  u64 total = 0;
  for (u32 i = 0; i < count; i++) total += header_info(val_obj(fp[registers[i]])->header);
  if (total > UINT32_MAX - 8) return fault_memory(worker);
  if (UNLIKELY(total > WORK_BYTES)) return concat_long(worker, fp, count, registers, to, total);
  Obj *string = heap_bytes(worker, KIND_STRING, total);
  if (!string) return fault_memory(worker);
  char *at = (char *)string->words;
  for (u32 i = 0; i < count; i++) {
    Str part = obj_bytes(val_obj(fp[registers[i]]));
    memcpy(at, part.ptr, part.len);
    at += part.len;
  }
  charge_bytes(worker, total);
  fp[to] = obj_val(string);
  return true;
}

bool step_concat(Worker *worker, const u64 *pc, u64 *fp) {
  // The list's registers lie behind its count, four to a word from the low end: read as they stand.
  const CodeHalf *list = (const CodeHalf *)(pc + 1);
  return concat_registers(worker, fp, list[0], list + 1, word_a(*pc));
}

// ---- Objects --------------------------------------------------------------------------------------------------------

bool step_tuple(Worker *worker, const u64 *pc, u64 *fp) {
  const u64 *list = pc + 1;
  u32 count = reglist_count(list);
  if (!heap_reserve(worker, 1 + count)) return fault_memory(worker);
  Obj *tuple = heap_take(worker, 1 + count);
  tuple->header = OBJ_HEADER(KIND_TUPLE, count, 0);
  for (u32 i = 0; i < count; i++) tuple->words[i] = fp[reglist_at(list, i)];
  fp[word_a(*pc)] = obj_val(tuple);
  return true;
}

bool step_list(Worker *worker, const u64 *pc, u64 *fp) {
  const u64 *list = pc + 1;
  u32 count = reglist_count(list);
  if (!heap_reserve(worker, 3 * count)) return fault_memory(worker);
  Val tail = fp[word_b(*pc)];
  for (u32 i = count; i > 0; i--) tail = build_cons(worker, fp[reglist_at(list, i - 1)], tail);
  fp[word_a(*pc)] = tail;
  return true;
}

bool closure_reserve(Worker *worker, const u64 *pc) { return heap_reserve(worker, 2 + reglist_count(pc + 2)); }

Val closure_build(Worker *worker, const u64 *pc, const u64 *fp) {
  const u64 *list = pc + 2;
  u32 count = reglist_count(list);
  Obj *closure = heap_take(worker, 2 + count);
  closure->header = OBJ_HEADER(KIND_CLOSURE, count, 0);
  closure->words[0] = pc[1];
  for (u32 i = 0; i < count; i++) closure->words[1 + i] = fp[reglist_at(list, i)];
  return obj_val(closure);
}

bool step_closure(Worker *worker, const u64 *pc, u64 *fp) {
  if (!closure_reserve(worker, pc)) return fault_memory(worker);
  fp[word_a(*pc)] = closure_build(worker, pc, fp);
  return true;
}
