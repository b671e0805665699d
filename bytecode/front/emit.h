// One function under construction: its code words, labels, registers, lines and names.
//
// The generator (gen_*.c) decides what to emit; this part keeps the rules that the verifier proves again. Code after an
// instruction that never goes on is dropped until a label that somebody jumps to is bound, so no unreachable code exists.
// Every register has one type for ever; a dead one waits in a free list of its type. Jumps go forward to labels, except
// emit_loop(). Offsets of fused jumps have 16 bits: when one doesn't fit, `overflow` is set, and the function must be
// generated again with `long_jumps`, where each fused jump only hops over a JMP.
#pragma once
#include "bytecode/module.h"

typedef u32 Reg;
enum { REG_NONE = 0xffff };

typedef struct Label {
  u32 at;     // word, or LABEL_OPEN
  u32 fixes;  // the jumps that wait for it: index + 1 of the latest in Emit.fixes
} Label;

enum { LABEL_OPEN = 0xffffffff };
#define LABEL_NEW ((Label){LABEL_OPEN, 0})

typedef enum FixKind { FIX_BC, FIX_C, FIX_LOW, FIX_HIGH } FixKind;

typedef struct Fix {
  u32 word;  // where the offset stands
  u32 base;  // first word of the jump
  u32 next;
  FixKind kind;
} Fix;

typedef enum RegState { REG_FREE, REG_TEMP, REG_LOCAL, REG_VAR } RegState;

typedef struct RegInfo {
  TypeId type;
  u32 next;     // in its free list: register + 1
  RegState state;
  bool dirty;   // noted in Emit.dirty
  bool borrowed;
  bool looked;  // a borrowed one that was freed: on some path it may look at something ever after
  u32 place;    // of a borrowed one
} RegInfo;

typedef struct EmitPart {
  u32 parent, part;
} EmitPart;

// The free list of a type; valid if `serial` is the function's. One table serves all functions of a module.
typedef struct FreeList {
  u32 serial;
  u32 head;  // register + 1
} FreeList;
typedef VEC(FreeList) FreeLists;

typedef struct Emit {
  Module *module;
  FreeLists *free_lists;
  u32 serial;        // differs for every function generated
  bool long_jumps;
  bool overflow;     // a fused jump did not reach
  bool exhausted;    // more than LIMIT_REGISTERS or LIMIT_FUNCTION_WORDS
  bool reachable;
  bool loops;        // contains a LOOP
  u8 effects;        // of the instructions emitted; callees' are added by the generator
  u32 line;
  u32 last_bound;    // the latest word that a label was bound to
  u32 labels;        // that something jumps to
  VEC(u64) code;
  VEC(Fix) fixes;
  VEC(RegInfo) regs;
  VEC(u16) dirty;    // val registers that were freed and may still hold something
  VEC(u16) borrowed; // registers for what is lent
  VEC(EmitPart) parts;  // places from PLACE_PARTS on
  VEC(LineEntry) lines;
  VEC(LocalName) names;
} Emit;

// Begins a function in `emit`, whose buffers are used again.
void emit_start(Emit *emit, Module *module, FreeLists *free_lists, u32 serial, bool long_jumps);

// ---- Registers ----
Reg reg_new(Emit *emit, TypeId type);          // a temporary of the type
void reg_release(Emit *emit, Reg reg);         // frees a temporary; does nothing to a local's register
void reg_keep(Emit *emit, Reg reg, RegState state);  // a temporary becomes a local's: REG_LOCAL, or REG_VAR if it may change
void reg_free(Emit *emit, Reg reg);            // frees a local's
// A temporary for a unique value that stays somebody else's, in a place: a register (its number), a state field (from PLACE_STATE
// on), or a part of such. For the whole function a register either owns or borrows, and borrows from one place, so that the
// verifier sees what is apart: these are in no free list.
enum { PLACE_STATE = 0x10000, PLACE_PARTS = 0x20000 };
Reg reg_borrow(Emit *emit, TypeId type, u32 place);
u32 emit_part(Emit *emit, u32 place, u32 ctor, u32 field);  // the place of a part; of a tuple's, ctor is 0
u32 emit_some_part(Emit *emit, u32 place);     // one of several parts, not known which: for a register of its own
void reg_lend_param(Emit *emit, Reg reg);      // a parameter's register that is lent by the caller: its own place
bool reg_is_borrowed(const Emit *emit, Reg reg);
u32 reg_place(const Emit *emit, Reg reg);      // of what is seen through the register
bool reg_is_lent_on(const Emit *emit, Reg reg);  // borrowed from a lent parameter: its owner is up the stack
RegState reg_state(const Emit *emit, Reg reg);
TypeId reg_type(const Emit *emit, Reg reg);
// CLEARs what free registers still hold; called before an instruction that may suspend for long.
void emit_clear_dead(Emit *emit);

// ---- Instructions ----
void emit_op(Emit *emit, Op op, u32 a, u32 b, u32 c);                 // shapes of one word without offset or imm32
void emit_imm(Emit *emit, Op op, Reg a, i32 number);                  // DI
void emit_word(Emit *emit, Op op, Reg a, u32 b, u64 word);            // DW DC DG DT DRT
void emit_list(Emit *emit, Op op, u32 a, u32 b, u32 c, const Reg *list, u32 count);             // DXR RXR DRXR DL RL DRL
void emit_call(Emit *emit, Op op, u32 a, u32 b, u64 word, const Reg *list, u32 count);          // DF F DRF
void emit_spawn(Emit *emit, Reg a, Reg bank, u64 actor, u64 type, const Reg *list, u32 count);  // DA; DRA if there is a bank

// ---- Labels and jumps ----
void emit_bind(Emit *emit, Label *label);
bool label_used(const Label *label);
void emit_jump(Emit *emit, Label *label);                             // JMP
void emit_branch(Emit *emit, Op op, u32 a, u32 b, Label *label);      // RJ RRJ RIJ RXJ
void emit_switch(Emit *emit, Reg a, u32 count, Label *const *labels);
// Where a later LOOP goes. If the loop may suspend, all dead registers are CLEARed before it: they are empty while it
// waits, and as what is CLEARed inside was empty at its head, LOOP finds the registers as it must. What was borrowed before
// the loop is CLEARed too, whatever was CLEARed before (a branch that left may have been where): its lender may take it back inside.
u32 emit_loop_head(Emit *emit, bool suspends);
void emit_loop(Emit *emit, u32 head);

// ---- Names and the end ----
enum { NAME_NONE = 0xffffffff };                                     // no name
u32 emit_name_from(Emit *emit, Str name, Reg reg);                    // gives a handle for emit_name_until
void emit_name_until(Emit *emit, u32 handle);
void emit_thread_jumps(u64 *code, u32 words);                         // emit_thread.c
// Copies out code, registers, lines and locals of `function`.
void emit_finish(Emit *emit, Function *function);
