// Opcodes, their layouts and the encoding of an instruction; all derived from op.def.
//
// Code is an array of 8-byte words, little-endian. An instruction begins with {op:16, a:16, b:16, c:16}; its SHAPE says
// what the halves mean and which words follow. A register list stands last: a count, then that many register numbers,
// 16 bits each, packed four to a word from the low end, zero-padded.
#pragma once
#include "bytecode/base.h"

typedef enum Op {
#define OP(name, shape, types, effect, prose) OP_##name,
#include "bytecode/op.def"
#undef OP
  OP_COUNT
} Op;

// How an instruction is laid out. D destination register, R source register, X small number (field, constructor, message),
// I immediate, J jump offset, L register list, W raw word, C constant, G global, F function, A actor, T type.
typedef enum Shape {
  SHAPE_N,     // nothing
  SHAPE_D,     // a dst
  SHAPE_R,     // a src
  SHAPE_DR,    // a dst, b src
  SHAPE_DRR,   // a dst, b src, c src
  SHAPE_RR,    // a src, b src
  SHAPE_RRR,   // a src, b src, c src
  SHAPE_DRI,   // a dst, b src, c signed imm16
  SHAPE_DI,    // a dst, (b | c << 16) signed imm32
  SHAPE_DW,    // a dst; one word: the value
  SHAPE_DC,    // a dst; one word: index into Module.constants
  SHAPE_DG,    // a dst; one word: index into Module.globals
  SHAPE_DX,    // a dst, b number
  SHAPE_RX,    // a src, b number
  SHAPE_DT,    // a dst; one word: index into Module.types
  SHAPE_DRT,   // a dst, b src; one word: index into Module.types
  SHAPE_DRX,   // a dst, b src, c number
  SHAPE_DXR,   // a dst, b number; register list
  SHAPE_RXR,   // a src, b number; register list (UNPACK: destinations)
  SHAPE_DRXR,  // a dst, b src, c number; register list
  SHAPE_DL,    // a dst; register list
  SHAPE_RL,    // a src; register list
  SHAPE_DRL,   // a dst, b src; register list
  SHAPE_DF,    // a dst; one word: index into Module.functions | index into Module.typelists << 32; register list
  SHAPE_F,     // the same without a
  SHAPE_DRF,   // a dst, b src; one word as in DF; register list
  SHAPE_DA,    // a dst; one word: index into Module.actors | typelists << 32; one word: index into Module.types (the
               // interface type that a gets); register list
  SHAPE_DRA,   // the same, and b src
  SHAPE_J,     // (b | c << 16) signed offset
  SHAPE_RJ,    // a src, (b | c << 16) signed offset
  SHAPE_RRJ,   // a src, b src, c signed offset16
  SHAPE_RIJ,   // a src, b signed imm16, c signed offset16
  SHAPE_RXJ,   // a src, b number, c signed offset16
  SHAPE_SW,    // a src, b count; ceil(count / 2) words of signed 32-bit offsets, low half first
} Shape;

// What an instruction may do beyond computing. Also a function's `effects`: the union over its code and what it calls.
typedef enum Effect {
  EFFECT_NONE = 0,
  EFFECT_READS = 1,     // reads actor state
  EFFECT_ASSIGNS = 2,   // assigns actor state
  EFFECT_UPDATES = EFFECT_READS | EFFECT_ASSIGNS,
  EFFECT_SENDS = 4,
  EFFECT_SPAWNS = 8,
  EFFECT_SUSPENDS = 16,
} Effect;

typedef struct OpInfo {
  const char *name;   // as in op.def; texts write it in lower case
  Shape shape;
  const char *types;
  Effect effect;
  const char *prose;
} OpInfo;

extern const OpInfo op_info[OP_COUNT];

enum { REGISTER_NONE = 0xffff };  // in UNPACK's list: this field is not wanted

// The parts of a first word.
static inline u16 word_op(u64 w) { return (u16)w; }
static inline u16 word_a(u64 w) { return (u16)(w >> 16); }
static inline u16 word_b(u64 w) { return (u16)(w >> 32); }
static inline u16 word_c(u64 w) { return (u16)(w >> 48); }
static inline i32 word_bc(u64 w) { return (i32)(w >> 32); }
static inline u64 word_make(u16 op, u16 a, u16 b, u16 c) { return (u64)op | (u64)a << 16 | (u64)b << 32 | (u64)c << 48; }
static inline u64 word_make_bc(u16 op, u16 a, i32 bc) { return (u64)op | (u64)a << 16 | (u64)(u32)bc << 32; }

// Words of a register list with `count` registers, and register i of the list that begins at `words`.
static inline u32 reglist_words(u32 count) { return (count + 4) / 4; }
static inline u16 reglist_count(const u64 *words) { return (u16)words[0]; }
static inline u16 reglist_at(const u64 *words, u32 i) { return (u16)(words[(i + 1) / 4] >> ((i + 1) % 4 * 16)); }

// Fixed words of a shape, the first included, register list and switch table excluded.
u32 shape_fixed_words(Shape shape);
bool shape_has_reglist(Shape shape);

// The operands of a shape, in the order in which they are written. a b c: register there; i: signed imm16 in c, j: in b;
// I: imm32; x: number in b, y: in c; w: word, k: constant, g: global, t: type, f: function and types, A: actor, types and
// interface type; o: offset in c, J: offset in b and c; l: register list; s: switch offsets.
const char *shape_operands(Shape shape);

// Never goes on with the next instruction.
static inline bool op_ends_flow(Op op) {
  return op == OP_JMP || op == OP_LOOP || op == OP_TAILCALL || op == OP_TAILCALLC || op == OP_RET || op == OP_FORWARD ||
         op == OP_CRASH || op == OP_STOP || op == OP_SWITCH;
}

// Length in words of the instruction at `code`, of which `available` words exist. 0 if the opcode is unknown or the
// instruction would reach past the end.
u32 op_length(const u64 *code, size_t available);
