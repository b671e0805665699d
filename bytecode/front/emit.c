// Encoding, labels and the register allocator of one function: see emit.h.
#include "bytecode/front/emit.h"

void emit_start(Emit *emit, Module *module, FreeLists *free_lists, u32 serial, bool long_jumps) {
  emit->module = module;
  emit->free_lists = free_lists;
  emit->serial = serial;
  emit->long_jumps = long_jumps;
  emit->overflow = emit->exhausted = emit->loops = false;
  emit->reachable = true;
  emit->effects = 0;
  emit->line = emit->labels = 0;
  emit->last_bound = LABEL_OPEN;
  emit->code.count = emit->fixes.count = emit->regs.count = emit->dirty.count = emit->lines.count = emit->names.count = 0;
  emit->borrowed.count = emit->parts.count = 0;
}

// ---- Registers ------------------------------------------------------------------------------------------------------

static FreeList *free_list(Emit *emit, TypeId type) {
  while (emit->free_lists->count <= type) vec_push(emit->free_lists, ((FreeList){0}));
  FreeList *list = &emit->free_lists->items[type];
  if (list->serial != emit->serial) *list = (FreeList){emit->serial, 0};
  return list;
}

static Reg add_reg(Emit *emit, TypeId type) {
  if (emit->regs.count >= LIMIT_REGISTERS) {
    emit->exhausted = true;
    emit->reachable = false;
    return 0;
  }
  vec_push(&emit->regs, ((RegInfo){.type = type, .state = REG_TEMP}));
  return emit->regs.count - 1;
}

Reg reg_new(Emit *emit, TypeId type) {
  FreeList *list = free_list(emit, type);
  if (!list->head) return add_reg(emit, type);
  Reg reg = list->head - 1;
  list->head = emit->regs.items[reg].next;
  emit->regs.items[reg].state = REG_TEMP;
  return reg;
}

enum { LOOK_BACK = 64 };

Reg reg_borrow(Emit *emit, TypeId type, u32 place) {
  for (u32 i = emit->borrowed.count; i-- > 0 && i + LOOK_BACK >= emit->borrowed.count;) {
    RegInfo *info = &emit->regs.items[emit->borrowed.items[i]];
    if (info->state != REG_FREE || info->type != type || info->place != place) continue;
    info->state = REG_TEMP;
    return emit->borrowed.items[i];
  }
  Reg reg = add_reg(emit, type);
  if (emit->exhausted) return reg;
  emit->regs.items[reg].borrowed = true;
  emit->regs.items[reg].place = place;
  vec_push(&emit->borrowed, (u16)reg);
  return reg;
}

static u32 add_part(Emit *emit, u32 parent, u32 part) {
  vec_push(&emit->parts, ((EmitPart){parent, part}));
  return PLACE_PARTS + emit->parts.count - 1;
}

u32 emit_part(Emit *emit, u32 place, u32 ctor, u32 field) {
  u32 part = ctor << 16 | field;
  for (u32 i = emit->parts.count; i-- > 0 && i + LOOK_BACK >= emit->parts.count;)
    if (emit->parts.items[i].parent == place && emit->parts.items[i].part == part) return PLACE_PARTS + i;
  return add_part(emit, place, part);
}

u32 emit_some_part(Emit *emit, u32 place) { return add_part(emit, place, UINT32_MAX); }

void reg_lend_param(Emit *emit, Reg reg) {
  emit->regs.items[reg].borrowed = true;
  emit->regs.items[reg].place = reg;
}

bool reg_is_borrowed(const Emit *emit, Reg reg) { return emit->regs.items[reg].borrowed; }

u32 reg_place(const Emit *emit, Reg reg) { return emit->regs.items[reg].borrowed ? emit->regs.items[reg].place : reg; }

bool reg_is_lent_on(const Emit *emit, Reg reg) {
  u32 place = reg_place(emit, reg);
  while (place >= PLACE_PARTS) place = emit->parts.items[place - PLACE_PARTS].parent;
  return place < PLACE_STATE && emit->regs.items[place].borrowed;
}

// Only registers that can keep an object of some size alive are worth a CLEAR.
static bool holds_heap(const Emit *emit, TypeId type) {
  switch (emit->module->types.items[type].kind) {
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_DURATION:
    case TYPE_TIME: case TYPE_KIND_COUNT:
    case TYPE_BUF: case TYPE_ARRAY:  // handles: what they own has another owner by then, or is gone
      return false;
    case TYPE_STRING: case TYPE_BYTES: case TYPE_VAR: case TYPE_LIST: case TYPE_PROMISE: case TYPE_TUPLE: case TYPE_FN:
    case TYPE_DATA: case TYPE_REF:
      return true;
  }
  return false;
}

void reg_free(Emit *emit, Reg reg) {
  RegInfo *info = &emit->regs.items[reg];
  if (info->state == REG_FREE) return;
  info->state = REG_FREE;
  if (info->borrowed) {
    info->looked = true;
  } else {
    FreeList *list = free_list(emit, info->type);
    info->next = list->head;
    list->head = reg + 1;
  }
  if (!info->dirty && (info->borrowed || holds_heap(emit, info->type))) {
    info->dirty = true;
    vec_push(&emit->dirty, (u16)reg);
  }
}

void reg_release(Emit *emit, Reg reg) {
  if (reg != REG_NONE && emit->regs.items[reg].state == REG_TEMP) reg_free(emit, reg);
}

void reg_keep(Emit *emit, Reg reg, RegState state) { emit->regs.items[reg].state = state; }

RegState reg_state(const Emit *emit, Reg reg) { return emit->regs.items[reg].state; }

TypeId reg_type(const Emit *emit, Reg reg) { return emit->regs.items[reg].type; }

static void emit_forget_dead(Emit *emit) {
  for (u32 i = 0; i < emit->dirty.count; i++) emit->regs.items[emit->dirty.items[i]].dirty = false;
  emit->dirty.count = 0;
}

void emit_clear_dead(Emit *emit) {
  if (!emit->reachable) return;
  for (u32 i = 0; i < emit->dirty.count; i++)
    if (emit->regs.items[emit->dirty.items[i]].state == REG_FREE) emit_op(emit, OP_CLEAR, emit->dirty.items[i], 0, 0);
  emit_forget_dead(emit);
}

// ---- Instructions ---------------------------------------------------------------------------------------------------

static void add_line(Emit *emit) {
  if (emit->lines.count) {
    LineEntry *last = &vec_last(&emit->lines);
    if (last->word == emit->code.count) {
      last->line = emit->line;
      return;
    }
    if (last->line == emit->line) return;
  }
  vec_push(&emit->lines, ((LineEntry){emit->code.count, emit->line}));
}

// Begins an instruction with its first word; false if it would be unreachable.
static bool begin(Emit *emit, Op op, u64 first) {
  if (!emit->reachable) return false;
  if (emit->code.count >= LIMIT_FUNCTION_WORDS) {
    emit->exhausted = true;
    emit->reachable = false;
    return false;
  }
  add_line(emit);
  vec_push(&emit->code, first);
  emit->effects |= (u8)op_info[op].effect;
  if (op_ends_flow(op)) emit->reachable = false;
  return true;
}

static void add_list(Emit *emit, const Reg *list, u32 count) {
  u64 word = count & 0xffff;
  u32 half = 1;
  for (u32 i = 0; i < count; i++, half++) {
    if (half == 4) {
      vec_push(&emit->code, word);
      word = 0;
      half = 0;
    }
    word |= (u64)(u16)list[i] << (half * 16);
  }
  vec_push(&emit->code, word);
}

void emit_op(Emit *emit, Op op, u32 a, u32 b, u32 c) { begin(emit, op, word_make((u16)op, (u16)a, (u16)b, (u16)c)); }

void emit_imm(Emit *emit, Op op, Reg a, i32 number) { begin(emit, op, word_make_bc((u16)op, (u16)a, number)); }

void emit_word(Emit *emit, Op op, Reg a, u32 b, u64 word) {
  if (begin(emit, op, word_make((u16)op, (u16)a, (u16)b, 0))) vec_push(&emit->code, word);
}

void emit_list(Emit *emit, Op op, u32 a, u32 b, u32 c, const Reg *list, u32 count) {
  if (begin(emit, op, word_make((u16)op, (u16)a, (u16)b, (u16)c))) add_list(emit, list, count);
}

void emit_call(Emit *emit, Op op, u32 a, u32 b, u64 word, const Reg *list, u32 count) {
  if (!begin(emit, op, word_make((u16)op, (u16)a, (u16)b, 0))) return;
  vec_push(&emit->code, word);
  add_list(emit, list, count);
}

void emit_spawn(Emit *emit, Reg a, Reg bank, u64 actor, u64 type, const Reg *list, u32 count) {
  Op op = bank == REG_NONE ? OP_SPAWN : OP_SPAWN_IN;
  if (!begin(emit, op, word_make((u16)op, (u16)a, bank == REG_NONE ? 0 : (u16)bank, 0))) return;
  vec_push(&emit->code, actor);
  vec_push(&emit->code, type);
  add_list(emit, list, count);
}

// ---- Labels and jumps -----------------------------------------------------------------------------------------------

static void add_fix(Emit *emit, Label *label, u32 word, u32 base, FixKind kind) {
  vec_push(&emit->fixes, ((Fix){word, base, label->fixes, kind}));
  label->fixes = emit->fixes.count;
}

static void patch(Emit *emit, const Fix *fix, u32 target) {
  u64 *word = &emit->code.items[fix->word];
  i32 offset = (i32)(target - fix->base);
  switch (fix->kind) {
    case FIX_BC: *word = (*word & 0xffffffffu) | (u64)(u32)offset << 32; break;
    case FIX_C:
      if (offset > INT16_MAX) emit->overflow = true;
      *word = (*word & 0xffffffffffffu) | (u64)(u16)offset << 48;
      break;
    case FIX_LOW: *word = (*word & ~(u64)0xffffffffu) | (u32)offset; break;
    case FIX_HIGH: *word = (*word & 0xffffffffu) | (u64)(u32)offset << 32; break;
  }
}

// A JMP to the very next word is taken back, unless something else was made to land behind it.
static void drop_idle_jump(Emit *emit, Label *label) {
  if (emit->reachable || !label->fixes || label->fixes != emit->fixes.count || emit->last_bound == emit->code.count) return;
  Fix *fix = &vec_last(&emit->fixes);
  if (fix->word + 1 != emit->code.count || word_op(emit->code.items[fix->word]) != OP_JMP || fix->kind != FIX_BC) return;
  if (emit->long_jumps) return;  // a fused jump may hop over it
  label->fixes = fix->next;
  emit->fixes.count--;
  emit->code.count--;
  emit->reachable = true;
}

void emit_bind(Emit *emit, Label *label) {
  drop_idle_jump(emit, label);
  label->at = emit->code.count;
  if (!label->fixes) return;
  for (u32 i = label->fixes; i; i = emit->fixes.items[i - 1].next) patch(emit, &emit->fixes.items[i - 1], label->at);
  emit->last_bound = label->at;
  emit->labels++;
  emit->reachable = !emit->exhausted;
}

bool label_used(const Label *label) { return label->fixes != 0; }

void emit_jump(Emit *emit, Label *label) {
  u32 at = emit->code.count;
  if (begin(emit, OP_JMP, word_make_bc(OP_JMP, 0, 0))) add_fix(emit, label, at, at, FIX_BC);
}

typedef struct Inverse {
  Op op;
  bool swap;
} Inverse;

static Inverse inverse_of(Op op) {
  switch ((int)op) {
    case OP_JEQ_INT: return (Inverse){OP_JNE_INT, false};
    case OP_JNE_INT: return (Inverse){OP_JEQ_INT, false};
    case OP_JLT_INT: return (Inverse){OP_JLE_INT, true};
    case OP_JLE_INT: return (Inverse){OP_JLT_INT, true};
    case OP_JEQI: return (Inverse){OP_JNEI, false};
    case OP_JNEI: return (Inverse){OP_JEQI, false};
    case OP_JLTI: return (Inverse){OP_JGEI, false};
    case OP_JGEI: return (Inverse){OP_JLTI, false};
    case OP_JLEI: return (Inverse){OP_JGTI, false};
    case OP_JGTI: return (Inverse){OP_JLEI, false};
    case OP_JEQ_FLOAT: return (Inverse){OP_JNE_FLOAT, false};
    case OP_JNE_FLOAT: return (Inverse){OP_JEQ_FLOAT, false};
    case OP_JLT_FLOAT: return (Inverse){OP_JLE_FLOAT, true};
    case OP_JLE_FLOAT: return (Inverse){OP_JLT_FLOAT, true};
    case OP_JEQ: return (Inverse){OP_JNE, false};
    case OP_JNE: return (Inverse){OP_JEQ, false};
    case OP_JLT: return (Inverse){OP_JLE, true};
    case OP_JLE: return (Inverse){OP_JLT, true};
    case OP_JTAG: return (Inverse){OP_JNTAG, false};
    case OP_JNTAG: return (Inverse){OP_JTAG, false};
  }
  BUG("no fused jump: %s", op_info[op].name);
}

void emit_branch(Emit *emit, Op op, u32 a, u32 b, Label *label) {
  u32 at = emit->code.count;
  if (op_info[op].shape == SHAPE_RJ) {
    if (begin(emit, op, word_make_bc((u16)op, (u16)a, 0))) add_fix(emit, label, at, at, FIX_BC);
  } else if (!emit->long_jumps) {
    if (begin(emit, op, word_make((u16)op, (u16)a, (u16)b, 0))) add_fix(emit, label, at, at, FIX_C);
  } else {
    Inverse inverse = inverse_of(op);
    u32 x = inverse.swap ? b : a, y = inverse.swap ? a : b;
    if (!begin(emit, inverse.op, word_make((u16)inverse.op, (u16)x, (u16)y, 2))) return;
    emit_jump(emit, label);
    emit->reachable = !emit->exhausted;
    emit->last_bound = emit->code.count;
  }
}

void emit_switch(Emit *emit, Reg a, u32 count, Label *const *labels) {
  u32 at = emit->code.count;
  if (!begin(emit, OP_SWITCH, word_make(OP_SWITCH, (u16)a, (u16)count, 0))) return;
  for (u32 i = 0; i < count; i += 2) vec_push(&emit->code, 0);
  for (u32 i = 0; i < count; i++) add_fix(emit, labels[i], at + 1 + i / 2, at, i % 2 ? FIX_HIGH : FIX_LOW);
}

u32 emit_loop_head(Emit *emit, bool suspends) {
  for (u32 i = 0; suspends && i < emit->regs.count; i++)
    if (emit->regs.items[i].state == REG_FREE && holds_heap(emit, emit->regs.items[i].type))
      emit_op(emit, OP_CLEAR, i, 0, 0);
  for (u32 i = 0; i < emit->borrowed.count; i++) {
    const RegInfo *info = &emit->regs.items[emit->borrowed.items[i]];
    if (info->looked && info->state == REG_FREE && !(suspends && holds_heap(emit, info->type)))
      emit_op(emit, OP_CLEAR, emit->borrowed.items[i], 0, 0);
  }
  if (suspends) emit_forget_dead(emit);
  emit->last_bound = emit->code.count;
  emit->labels++;
  return emit->code.count;
}

void emit_loop(Emit *emit, u32 head) {
  i32 offset = (i32)head - (i32)emit->code.count;
  if (begin(emit, OP_LOOP, word_make_bc(OP_LOOP, 0, offset))) emit->loops = true;
}

// ---- Names and the end ----------------------------------------------------------------------------------------------

u32 emit_name_from(Emit *emit, Str name, Reg reg) {
  vec_push(&emit->names, ((LocalName){.name = name, .reg = (u16)reg, .from = emit->code.count, .until = UINT32_MAX}));
  return emit->names.count - 1;
}

void emit_name_until(Emit *emit, u32 handle) {
  if (handle != NAME_NONE) emit->names.items[handle].until = emit->code.count;
}

static void finish_names(Emit *emit, Function *function) {
  u32 kept = 0;
  for (u32 i = 0; i < emit->names.count; i++) {
    LocalName name = emit->names.items[i];
    if (name.until > emit->code.count) name.until = emit->code.count;
    if (name.from < name.until) emit->names.items[kept++] = name;
  }
  LocalName *names = gc_array(LocalName, kept);
  if (kept) memcpy(names, emit->names.items, kept * sizeof *names);
  function->local_count = kept;
  function->locals = names;
}

// Copies of the exact size, in memory that no collection looks at.
static void *keep_data(const void *items, u32 count, size_t size) {
  void *copy = gc_alloc_data(count * size);
  if (count) memcpy(copy, items, count * size);
  return copy;
}

void emit_finish(Emit *emit, Function *function) {
  TypeId *types = gc_alloc_data(emit->regs.count * sizeof *types);
  for (u32 i = 0; i < emit->regs.count; i++) types[i] = emit->regs.items[i].type;
  if (emit->labels > 1 && !emit->exhausted) emit_thread_jumps(emit->code.items, emit->code.count);
  while (emit->lines.count && vec_last(&emit->lines).word >= emit->code.count) emit->lines.count--;
  function->registers = types;
  function->register_count = emit->regs.count;
  function->code = keep_data(emit->code.items, emit->code.count, sizeof *function->code);
  function->code_words = emit->code.count;
  function->lines = keep_data(emit->lines.items, emit->lines.count, sizeof *function->lines);
  function->line_count = emit->lines.count;
  finish_names(emit, function);
}
