// The linker: rewrites a verified function's words into linked code (linked.h).
//
// Two passes over the code: the first lays the instructions out, the second writes them, with jumps moved to the new distances. The
// same length rule, run again, tells which declared word a linked word came from; so line tables need no copy.
#include "vm/image.h"
#include "vm/memory.h"
#include "vm/step.h"

typedef struct Linker {
  Images *images;
  const Image *image;
  const Module *module;
  const Function *function;
  u32 *place;            // linked offset of each declared word that begins an instruction
  u64 *out;
  u32 frame_words;
  bool far;
  u64 enter;             // the instruction to begin with, or 0
  const char *problem;
} Linker;

// Words that linking adds to an instruction, far jumps aside.
static u32 words_added(u32 op) {
  switch (op) {
    case OP_CTOR: case OP_NEW: case OP_CALLC: case OP_SEND: case OP_ASK: case OP_REQUEST: case OP_WHEN: case OP_SPAWN_IN: return 1;
    default: return 0;
  }
}

static bool jumps_near(u32 op) {
  switch (op_info[op].shape) {
    case SHAPE_RRJ: case SHAPE_RIJ: case SHAPE_RXJ: return true;
    default: return false;
  }
}

// Linked words of the declared instruction at `code`, which is `length` words long.
static u32 length_linked(const u64 *code, u32 length, bool far) {
  u32 op = word_op(*code);
  return length + words_added(op) + (far && jumps_near(op) ? 2 : 0);
}

static bool enters(u32 op) { return op == OP_ENTER || op == OP_ENTER_8 || op == OP_ENTER_LARGE; }

u32 code_word_of(const Code *code, const u64 *pc) {
  const Function *function = code->function;
  u64 wanted = (u64)((uintptr_t)pc - (uintptr_t)code->words) / sizeof(u64);
  u64 at = enters(word_op(*code->words));
  u32 word = 0;
  while (word < function->code_words) {
    u32 length = op_length(function->code + word, function->code_words - word);
    at += length_linked(function->code + word, length, code->far);
    if (wanted < at) return word;
    word += length;
  }
  return function->code_words;
}

// ---- Resolving ------------------------------------------------------------------------------------------------------

static const Type *register_type(const Linker *l, u16 reg) { return &l->module->types.items[l->function->registers[reg]]; }

// Descriptor of constructor `number` of the register's data type.
static const Desc *descriptor(const Linker *l, u16 reg, u16 number) {
  return desc_of(l->image->desc_base[register_type(l, reg)->index] + number);
}

static Val constant_value(const Linker *l, u64 index) { return l->image->constants[index]; }

static const Val *global_place(const Linker *l, u64 index) {
  const Global *global = &l->module->globals.items[index];
  if (global->import == IMPORT_NONE) return &l->image->globals[index];
  return &l->image->imports[global->import]->globals[l->image->verified->global_home[index]];
}

static u32 line_at(const Linker *l, u32 word) { return function_line(l->function, word); }

// ---- Writing --------------------------------------------------------------------------------------------------------

static u64 *write_list(u64 *to, const u64 *list) {
  u32 words = reglist_words(reglist_count(list));
  memcpy(to, list, words * sizeof(u64));
  return to + words;
}

// Fields that nobody wants go to the word behind the registers, where the next frame's header will be.
static u64 *write_fields(const Linker *l, u64 *to, const u64 *list) {
  u64 *end = write_list(to, list);
  for (u32 i = 0; i < reglist_count(list); i++) {
    if (reglist_at(list, i) != REGISTER_NONE) continue;
    u64 *word = &to[(i + 1) / 4];
    u32 shift = (i + 1) % 4 * 16;
    *word = (*word & ~((u64)0xffff << shift)) | (u64)(l->frame_words - FRAME_HEADER) << shift;
  }
  return end;
}

static u64 with_op(u64 word, u32 op) { return (word & ~(u64)0xffff) | op; }
static u64 with_bc(u64 word, u32 bc) { return (u32)word | (u64)bc << 32; }
// Bodies for lists of more than three registers stand apart.
static u64 sized(u64 word, const u64 *list, u32 op_long) { return reglist_count(list) > 3 ? with_op(word, op_long) : word; }

// The linked distance of a jump at `word` by `offset` declared words.
static i64 distance(const Linker *l, u32 word, i64 offset) {
  return (i64)l->place[(i64)word + offset] - (i64)l->place[word];
}

static u64 *write_near_jump(const Linker *l, u64 *to, u32 word, u64 first) {
  i64 by = distance(l, word, (i16)word_c(first));
  u64 without = first & ~((u64)0xffff << 48);
  if (!l->far) {
    *to = without | (u64)(u16)by << 48;
    return to + 1;
  }
  to[0] = without | (u64)2 << 48;
  to[1] = word_make_bc(OP_JMP, 0, 2);
  to[2] = word_make_bc(OP_JMP, 0, (i32)(by - 2));
  return to + 3;
}

static u64 *write_switch(const Linker *l, u64 *to, u32 word, const u64 *code) {
  *to++ = *code;
  const i32 *offsets = (const i32 *)(code + 1);
  for (u32 i = 0; i < word_b(*code); i++) ((i32 *)to)[i] = (i32)distance(l, word, offsets[i]);
  return to + (word_b(*code) + 1u) / 2;
}

static u64 *write_call(Linker *l, u64 *to, const u64 *code, bool tail) {
  const Code *callee = l->image->code_of[(u32)code[1]];
  u64 first = *code;
  if (callee->native) first = with_op(first, tail ? OP_TAILNATIVE : OP_NATIVE);
  else if (!tail && reglist_count(code + 2) <= 1) first = with_op(first, OP_CALL_1);
  else first = sized(first, code + 2, tail ? OP_TAILCALL_LONG : OP_CALL_LONG);
  to[0] = tail ? first : with_bc(first, l->frame_words);
  to[1] = (u64)callee;
  return write_list(to + 2, code + 2);
}

// The engine has room for so many.
static const u64 *few(Linker *l, const u64 *list) {
  if (reglist_count(list) > LIMIT_PARAMS) l->problem = "too many arguments or captures";
  return list;
}

static u64 *write_spawn(Linker *l, u64 *to, u32 word, const u64 *code) {
  u32 actor = (u32)code[1];
  const Itable *itable = image_itable(l->image, actor, (TypeId)code[2]);
  if (!itable) l->problem = "the actor has no such interface";
  to[0] = with_bc(*code, line_at(l, word));
  to[1] = (u64)l->image->class_of[actor];
  to[2] = (u64)itable;
  return write_list(to + 3, few(l, code + 3));
}

static u64 *write_spawn_in(Linker *l, u64 *to, u32 word, const u64 *code) {
  u64 *end = write_spawn(l, to, word, code);
  memmove(to + 4, to + 3, (size_t)(end - (to + 3)) * sizeof *to);
  to[0] = *code;
  to[3] = line_at(l, word);
  return end + 1;
}

static u64 *write_self(Linker *l, u64 *to, const u64 *code) {
  const Itable *itable = image_itable(l->image, l->function->actor, (TypeId)code[1]);
  if (!itable) l->problem = "the actor has no such interface";
  to[0] = *code;
  to[1] = (u64)itable;
  return to + 2;
}

static u64 *write_new(const Linker *l, u64 *to, const u64 *code) {
  const Desc *desc = descriptor(l, word_a(*code), word_b(*code));
  to[0] = sized(*code, code + 1, OP_NEW_LONG);
  to[1] = OBJ_HEADER(KIND_DATA, desc->tag, desc->id);
  return write_list(to + 2, code + 1);
}

// A first word, one word, and the register list, if there is one.
static u64 *write_with(u64 *to, u64 first, u64 second, const u64 *list) {
  to[0] = first;
  to[1] = second;
  return list ? write_list(to + 2, list) : to + 2;
}

static u64 *write_instruction(Linker *l, u64 *to, u32 word, u32 length) {
  const u64 *code = l->function->code + word;
  u64 first = *code;
  switch ((Op)word_op(first)) {
    case OP_CONST: return write_with(to, first, constant_value(l, code[1]), NULL);
    case OP_GLOBAL: return write_with(to, first, (u64)global_place(l, code[1]), NULL);
    case OP_CTOR: {
      const Desc *desc = descriptor(l, word_a(first), word_b(first));
      return write_with(to, first, VAL_CONST(desc->id, desc->tag), NULL);
    }
    case OP_NEW: return write_new(l, to, code);
    case OP_UNPACK: case OP_PEEK:  // what is lent and what is moved differs for the verifier alone
      to[0] = sized(with_op(first, OP_UNPACK), code + 1, OP_UNPACK_LONG);
      return write_fields(l, to + 1, code + 1);
    case OP_SPLIT:
      to[0] = sized(first, code + 1, OP_SPLIT_LONG);
      return write_fields(l, to + 1, code + 1);
    case OP_DROP: return write_with(to, first, (u64)l->image->drops[code[1]], NULL);
    case OP_CALL: return write_call(l, to, code, false);
    case OP_TAILCALL: return write_call(l, to, code, true);
    case OP_CALLC: {
      u64 link = with_bc(first, l->frame_words);
      return write_with(to, sized(first, code + 1, OP_CALLC_LONG), link, code + 1);
    }
    case OP_TAILCALLC:
      to[0] = sized(first, code + 1, OP_TAILCALLC_LONG);
      return write_list(to + 1, code + 1);
    case OP_CLOSURE: return write_with(to, first, (u64)l->image->code_of[(u32)code[1]], code + 2);
    case OP_TASK: return write_with(to, with_bc(first, line_at(l, word)), (u64)l->image->code_of[(u32)code[1]], few(l, code + 2));
    case OP_WHEN:
      to[0] = first;
      to[1] = (u64)l->image->code_of[(u32)code[1]];
      to[2] = line_at(l, word);
      return write_list(to + 3, few(l, code + 2));
    case OP_SEND: {
      bool session = l->module->interfaces.items[register_type(l, word_a(first))->index].unique;
      u32 op = session ? OP_SEND_ANY : reglist_count(code + 1) == 1 ? OP_SEND_1 : OP_SEND;
      return write_with(to, with_op(first, op), line_at(l, word), few(l, code + 1));
    }
    case OP_ASK: case OP_REQUEST: return write_with(to, first, line_at(l, word), few(l, code + 1));
    case OP_SPAWN: return write_spawn(l, to, word, code);
    case OP_SPAWN_IN: return write_spawn_in(l, to, word, code);
    case OP_SET: case OP_REPLACE: {
      bool raw = type_is_raw(l->module, l->function->registers[word_a(first)]);
      *to = raw ? with_op(first, word_op(first) == OP_SET ? OP_SET_RAW : OP_REPLACE_RAW) : first;
      return to + 1;
    }
    case OP_SELF: return write_self(l, to, code);
    case OP_NARROW: {
      const InterfaceDef *target = image_interface(l->image, l->module->types.items[code[1]].index);
      return write_with(to, first, (u64)target, NULL);
    }
    case OP_JMP: case OP_LOOP: case OP_JT: case OP_JF: case OP_JNIL: case OP_JCONS:
      *to = with_bc(first, (u32)(i32)distance(l, word, word_bc(first)));
      return to + 1;
    case OP_SWITCH: return write_switch(l, to, word, code);
    default: break;
  }
  if (jumps_near(word_op(first))) return write_near_jump(l, to, word, first);
  memcpy(to, code, length * sizeof(u64));
  return to + length;
}

// ---- A function -----------------------------------------------------------------------------------------------------

// Lays the code out; the linked words.
static u32 lay_out(Linker *l) {
  const Function *f = l->function;
  u32 at = l->enter ? 1 : 0, length;
  for (u32 word = 0; word < f->code_words; word += length) {
    length = op_length(f->code + word, f->code_words - word);
    l->place[word] = at;
    at += length_linked(f->code + word, length, l->far);
  }
  l->place[f->code_words] = at;
  return at;
}

static void write_all(Linker *l) {
  const Function *f = l->function;
  u64 *to = l->out;
  u32 length;
  if (l->enter) *to++ = l->enter;
  for (u32 word = 0; word < f->code_words; word += length) {
    length = op_length(f->code + word, f->code_words - word);
    to = write_instruction(l, to, word, length);
  }
}

// Pairs that one body does at the cost of one jump. The first one's opcode changes, and nothing moves.
static const struct {
  u16 first, second, both;
} pairs[] = {
    {OP_ADDI, OP_LOOP, OP_ADDI_LOOP},
    {OP_ADDI, OP_CALL_1, OP_ADDI_CALL},
    {OP_ADD, OP_RET, OP_ADD_RET},
};

static void pair_up(Linker *l) {
  const Function *f = l->function;
  u32 length;
  for (u32 word = 0; word < f->code_words; word += length) {
    length = op_length(f->code + word, f->code_words - word);
    if (word + length >= f->code_words) return;
    u64 *first = &l->out[l->place[word]];
    u16 second = word_op(l->out[l->place[word + length]]);
    for (u32 i = 0; i < COUNT_OF(pairs); i++) {
      if (word_op(*first) == pairs[i].first && second == pairs[i].second) *first = with_op(*first, pairs[i].both);
    }
  }
}

bool link_function(Images *images, const Image *image, u32 index, Code *code, Str *error) {
  const Module *module = image->verified->module;
  const Function *function = &module->functions.items[index];
  size_t size = (function->code_words + 1) * sizeof(u32);
  Linker l = {.images = images, .image = image, .module = module, .function = function, .frame_words = code->frame_words};
  bool few_cleared = code->cleared_end - code->first_cleared <= 8;
  u32 enter = code->frame_words > SMALL_FRAME ? OP_ENTER_LARGE : few_cleared ? OP_ENTER_8 : OP_ENTER;
  if (enter == OP_ENTER_LARGE || code->first_cleared < code->cleared_end) {
    l.enter = word_make((u16)enter, code->first_cleared, code->cleared_end, 0);
  }
  l.place = memory_alloc(size);
  if (l.place) {
    u32 words = lay_out(&l);
    l.far = words > FAR_WORDS;
    if (l.far) words = lay_out(&l);
    l.out = image_new(images, u64, words);
    if (l.out) {
      write_all(&l);
      pair_up(&l);
    }
  }
  memory_free(l.place, size);
  if (!l.place || !l.out) l.problem = "memory is out";
  code->words = l.out;
  code->far = l.far;
  if (!l.problem) return true;
  *error = str_format("cannot link %.*s of module %.*s: %s", STR_ARG(function->name), STR_ARG(module->name), l.problem);
  return false;
}
