// Tables derived from op.def, and instruction lengths: see op.h.
#include "bytecode/op.h"

const OpInfo op_info[OP_COUNT] = {
#define OP(name, shape, types, effect, prose) [OP_##name] = {#name, SHAPE_##shape, types, EFFECT_##effect, prose},
#include "bytecode/op.def"
#undef OP
};

u32 shape_fixed_words(Shape shape) {
  switch (shape) {
    case SHAPE_DW: case SHAPE_DC: case SHAPE_DG: case SHAPE_DT: case SHAPE_DRT: case SHAPE_DF: case SHAPE_F: case SHAPE_DRF:
      return 2;
    case SHAPE_DA: case SHAPE_DRA:
      return 3;
    case SHAPE_N: case SHAPE_D: case SHAPE_R: case SHAPE_DR: case SHAPE_DRR: case SHAPE_RR: case SHAPE_RRR: case SHAPE_DRI: case SHAPE_DI: case SHAPE_DX:
    case SHAPE_RX: case SHAPE_DRX: case SHAPE_DXR: case SHAPE_RXR: case SHAPE_DRXR: case SHAPE_DL: case SHAPE_RL:
    case SHAPE_DRL: case SHAPE_J: case SHAPE_RJ: case SHAPE_RRJ: case SHAPE_RIJ: case SHAPE_RXJ: case SHAPE_SW:
      return 1;
  }
  return 1;
}

bool shape_has_reglist(Shape shape) {
  switch (shape) {
    case SHAPE_DXR: case SHAPE_RXR: case SHAPE_DRXR: case SHAPE_DL: case SHAPE_RL: case SHAPE_DRL: case SHAPE_DF: case SHAPE_F:
    case SHAPE_DRF: case SHAPE_DA: case SHAPE_DRA:
      return true;
    case SHAPE_N: case SHAPE_D: case SHAPE_R: case SHAPE_DR: case SHAPE_DRR: case SHAPE_RR: case SHAPE_RRR: case SHAPE_DRI: case SHAPE_DI: case SHAPE_DW:
    case SHAPE_DC: case SHAPE_DG: case SHAPE_DX: case SHAPE_RX: case SHAPE_DT: case SHAPE_DRT: case SHAPE_DRX: case SHAPE_J:
    case SHAPE_RJ: case SHAPE_RRJ: case SHAPE_RIJ: case SHAPE_RXJ: case SHAPE_SW:
      return false;
  }
  return false;
}

const char *shape_operands(Shape shape) {
  switch (shape) {
    case SHAPE_N: return "";
    case SHAPE_D: case SHAPE_R: return "a";
    case SHAPE_DR: case SHAPE_RR: return "ab";
    case SHAPE_DRR: case SHAPE_RRR: return "abc";
    case SHAPE_DRI: return "abi";
    case SHAPE_DI: return "aI";
    case SHAPE_DW: return "aw";
    case SHAPE_DC: return "ak";
    case SHAPE_DG: return "ag";
    case SHAPE_DX: case SHAPE_RX: return "ax";
    case SHAPE_DT: return "at";
    case SHAPE_DRT: return "abt";
    case SHAPE_DRX: return "aby";
    case SHAPE_DXR: case SHAPE_RXR: return "axl";
    case SHAPE_DRXR: return "abyl";
    case SHAPE_DL: case SHAPE_RL: return "al";
    case SHAPE_DRL: return "abl";
    case SHAPE_DF: return "afl";
    case SHAPE_F: return "fl";
    case SHAPE_DRF: return "abfl";
    case SHAPE_DA: return "aAl";
    case SHAPE_DRA: return "abAl";
    case SHAPE_J: return "J";
    case SHAPE_RJ: return "aJ";
    case SHAPE_RRJ: return "abo";
    case SHAPE_RIJ: return "ajo";
    case SHAPE_RXJ: return "axo";
    case SHAPE_SW: return "as";
  }
  return "";
}

u32 op_length(const u64 *code, size_t available) {
  if (!available || word_op(code[0]) >= OP_COUNT) return 0;
  Shape shape = op_info[word_op(code[0])].shape;
  u32 length = shape_fixed_words(shape);
  if (length > available) return 0;
  if (shape == SHAPE_SW) length += (word_b(code[0]) + 1u) / 2;
  if (shape_has_reglist(shape)) {
    if (length >= available) return 0;
    length += reglist_words(reglist_count(code + length));
  }
  return length <= available ? length : 0;
}
