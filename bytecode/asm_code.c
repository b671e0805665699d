// Function bodies in the assembler's text: registers, lines, labels and instructions, whose operands follow their shape.
#include "bytecode/asm_text.h"

// A place that waits for its label: the offset field of the instruction that begins at `word`.
typedef struct Fixup {
  const Token *label;
  u32 word;
  u32 at;      // the word with the field
  char field;  // J: 32 bits from bit 32; o: 16 bits from bit 48; low or high: a half of a switch word
} Fixup;

typedef struct CodeBody {
  Asm *a;
  Function *f;
  VEC(u64) code;
  VEC(TypeId) registers;
  VEC(LineEntry) lines;
  VEC(LocalName) locals;
  VEC(Fixup) fixups;
  PtrMap labels;  // Name to word + 1
} CodeBody;

enum { HALF_LOW = 'l', HALF_HIGH = 'h' };

// ---- Operands -------------------------------------------------------------------------------------------------------

static bool register_number(const Token *token, u16 *number) {
  Str text = token->text;
  if (token->kind != TOKEN_NAME || text.len < 2 || text.len > 6 || text.ptr[0] != 'r') return false;
  u32 value = 0;
  for (size_t i = 1; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    value = value * 10 + (u32)(text.ptr[i] - '0');
  }
  *number = (u16)value;
  return value <= UINT16_MAX;
}

static u16 take_register(Asm *a) {
  u16 number = 0;
  const Token *token = asm_peek(a, 0);
  if (!a->failed && asm_accept_word(a, "_")) return REGISTER_NONE;
  if (register_number(token, &number)) asm_next(a);
  else asm_fail(a, DIAG_E0601, token, "a register, as `r0`, is expected here");
  return number;
}

// A label, whose place is filled later, or `+3`, `-2`.
static i32 take_offset(CodeBody *b, u32 word, u32 at, char field) {
  Asm *a = b->a;
  bool narrow = field == 'o';
  if (asm_accept(a, '+') || asm_at(a, '-')) return (i32)asm_number(a, narrow ? INT16_MIN : INT32_MIN, narrow ? INT16_MAX : INT32_MAX);
  const Token *token = asm_peek(a, 0);
  if (token->kind != TOKEN_NAME) {
    asm_fail(a, DIAG_E0601, token, "a label, or an offset as `+3`, is expected here");
    return 0;
  }
  asm_next(a);
  vec_push(&b->fixups, ((Fixup){token, word, at, field}));
  return 0;
}

static void take_reglist(CodeBody *b) {
  Asm *a = b->a;
  VEC(u16) list = {0};
  if (!asm_expect(a, '(')) return;
  if (!asm_accept(a, ')')) {
    do {
      vec_push(&list, take_register(a));
    } while (!a->failed && list.count <= UINT16_MAX && asm_accept(a, ','));
    asm_expect(a, ')');
  }
  if (a->failed) return;
  if (list.count > UINT16_MAX) {
    asm_fail(a, DIAG_E0603, asm_peek(a, 0), "a list has at most 65535 registers");
    return;
  }
  u32 first = b->code.count;
  for (u32 i = 0; i < reglist_words(list.count); i++) vec_push(&b->code, 0);
  b->code.items[first] = list.count;
  for (u32 i = 0; i < list.count; i++) b->code.items[first + (i + 1) / 4] |= (u64)list.items[i] << ((i + 1) % 4 * 16);
}

static u32 take_switch(CodeBody *b, u32 word) {
  Asm *a = b->a;
  u32 count = 0;
  if (!asm_expect(a, '(')) return 0;
  if (asm_accept(a, ')')) return 0;
  do {
    if (count % 2 == 0) vec_push(&b->code, 0);
    u32 at = b->code.count - 1;
    i32 offset = take_offset(b, word, at, count % 2 ? HALF_HIGH : HALF_LOW);
    b->code.items[at] |= (u64)(u32)offset << (count % 2 * 32);
    count++;
  } while (!a->failed && count < UINT16_MAX && asm_accept(a, ','));
  asm_expect(a, ')');
  return count;
}

static u64 take_float_word(Asm *a) {
  bool negative = asm_at(a, '-');
  const Token *token = asm_peek(a, negative ? 1 : 0);
  double value;
  u64 bits = 0;
  if (token->kind != TOKEN_NUMBER || !asm_float(token, negative, &value)) {
    asm_fail(a, DIAG_E0601, token, "a float, as `1.5`, is expected here");
    return 0;
  }
  a->at += negative ? 2 : 1;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// One operand; what does not go into the first word is pushed behind it.
static void take_operand(CodeBody *b, Op op, u32 word, char letter) {
  Asm *a = b->a;
  u64 first = 0;
  switch (letter) {
    case 'a': first = (u64)take_register(a) << 16; break;
    case 'b': first = (u64)take_register(a) << 32; break;
    case 'c': first = (u64)take_register(a) << 48; break;
    case 'i': first = (u64)(u16)asm_number(a, INT16_MIN, INT16_MAX) << 48; break;
    case 'j': first = (u64)(u16)asm_number(a, INT16_MIN, INT16_MAX) << 32; break;
    case 'I': first = (u64)(u32)asm_number(a, INT32_MIN, INT32_MAX) << 32; break;
    case 'x': first = (u64)asm_number(a, 0, UINT16_MAX) << 32; break;
    case 'y': first = (u64)asm_number(a, 0, UINT16_MAX) << 48; break;
    case 'J': first = (u64)(u32)take_offset(b, word, word, 'J') << 32; break;
    case 'o': first = (u64)(u16)take_offset(b, word, word, 'o') << 48; break;
    case 's': first = (u64)take_switch(b, word) << 32; break;
    case 'l': take_reglist(b); break;
    case 'w': vec_push(&b->code, op == OP_FLOAT ? take_float_word(a) : asm_word(a)); break;
    case 'k': vec_push(&b->code, asm_constant(a)); break;
    case 'g': vec_push(&b->code, asm_row(a, &a->globals, "global")); break;
    case 't': vec_push(&b->code, asm_type(a)); break;
    case 'f': {
      u64 function = asm_row(a, &a->functions, "function");
      vec_push(&b->code, function | (u64)asm_typelist(a) << 32);
      break;
    }
    case 'A': {
      u64 actor = asm_row(a, &a->actors, "actor");
      vec_push(&b->code, actor | (u64)asm_typelist(a) << 32);
      if (!asm_accept_word(a, "as")) asm_fail(a, DIAG_E0601, asm_peek(a, 0), "`as` and an interface are expected here");
      vec_push(&b->code, asm_type(a));
      break;
    }
    default: BUG("no operand letter %c", letter);
  }
  b->code.items[word] |= first;
}

static bool mnemonic_is(Op op, Str word) {
  const char *name = op_info[op].name;
  for (size_t i = 0; i < word.len; i++) {
    char c = word.ptr[i];
    if (c >= 'A' && c <= 'Z') return false;
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    if (name[i] != c) return false;
  }
  return !name[word.len];
}

static void take_instruction(CodeBody *b) {
  Asm *a = b->a;
  const Token *token = asm_next(a);
  for (Op op = 0; op < OP_COUNT && token->kind == TOKEN_NAME; op++) {
    if (!mnemonic_is(op, token->text)) continue;
    u32 word = b->code.count;
    vec_push(&b->code, op);
    const char *operands = shape_operands(op_info[op].shape);
    bool any = false;
    for (const char *letter = operands; *letter && !a->failed; letter++) {
      if (any && *letter != 'l' && *letter != 's') asm_expect(a, ',');
      take_operand(b, op, word, *letter);
      any = true;
    }
    return;
  }
  Diag *diag = diag_add(a->diags, DIAG_E0601, a->source, token->span, "there is no instruction `%.*s`", STR_ARG(token->text));
  Nearest nearest = {.wanted = token->text};
  for (Op op = 0; op < OP_COUNT; op++) {
    Text lower = {0};
    for (const char *c = op_info[op].name; *c; c++) text_char(&lower, *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
    nearest_offer(&nearest, text_str(&lower));
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
  a->failed = true;
}

// ---- Directives -----------------------------------------------------------------------------------------------------

// regs r2: int, r3-r5: Bool
static void take_registers(CodeBody *b) {
  Asm *a = b->a;
  do {
    const Token *token = asm_peek(a, 0);
    u16 from = take_register(a), until = from;
    if (asm_accept(a, '-')) until = take_register(a);
    if (!a->failed && (from != b->registers.count || until < from || until >= LIMIT_REGISTERS)) {
      asm_fail(a, DIAG_E0601, token, "the next register is r%u", b->registers.count);
    }
    asm_expect(a, ':');
    TypeId type = asm_type(a);
    for (u32 i = from; i <= until && !a->failed; i++) vec_push(&b->registers, type);
  } while (!a->failed && asm_accept(a, ','));
}

// local x r3 0-12
static void take_local(CodeBody *b) {
  Asm *a = b->a;
  LocalName local = {.name = asm_name(a)};
  local.reg = take_register(a);
  local.from = (u32)asm_number(a, 0, UINT32_MAX);
  asm_expect(a, '-');
  local.until = (u32)asm_number(a, 0, UINT32_MAX);
  if (!a->failed) vec_push(&b->locals, local);
}

// line 12, or line 12 at 3
static void take_line(CodeBody *b) {
  Asm *a = b->a;
  LineEntry entry = {.word = b->code.count};
  entry.line = (u32)asm_number(a, 0, UINT32_MAX);
  if (asm_accept_word(a, "at")) entry.word = (u32)asm_number(a, 0, UINT32_MAX);
  if (!a->failed) vec_push(&b->lines, entry);
}

static void take_label(CodeBody *b) {
  const Token *token = asm_next(b->a);
  asm_next(b->a);
  const Name *name = name_of(token->text);
  if (map_get(&b->labels, name)) asm_fail(b->a, DIAG_E0604, token, "the label `%.*s` stands here a second time", STR_ARG(token->text));
  else map_put(&b->labels, name, (void *)(uintptr_t)(b->code.count + 1));
}

static void take_statement(CodeBody *b) {
  Asm *a = b->a;
  const Token *after = asm_peek(a, 1);
  if (after->kind == TOKEN_PUNCT && after->punct == ':' && asm_peek(a, 0)->kind == TOKEN_NAME) take_label(b);
  else if (asm_accept_word(a, "regs")) take_registers(b);
  else if (asm_accept_word(a, "local")) take_local(b);
  else if (asm_accept_word(a, "line")) take_line(b);
  else if (asm_accept_word(a, ".word")) vec_push(&b->code, asm_word(a));
  else take_instruction(b);
}

static void fix_label(CodeBody *b, const Fixup *fix) {
  uintptr_t found = (uintptr_t)map_get(&b->labels, name_of(fix->label->text));
  if (!found) {
    diag_add(b->a->diags, DIAG_E0604, b->a->source, fix->label->span, "there is no label `%.*s` in this function", STR_ARG(fix->label->text));
    return;
  }
  i64 offset = (i64)(found - 1) - fix->word;
  u64 *word = &b->code.items[fix->at];
  switch (fix->field) {
    case 'J': case HALF_HIGH: *word |= (u64)(u32)(i32)offset << 32; return;
    case HALF_LOW: *word |= (u32)(i32)offset; return;
    default: break;
  }
  if (offset < INT16_MIN || offset > INT16_MAX) {
    diag_add(b->a->diags, DIAG_E0604, b->a->source, fix->label->span, "`%.*s` is %lld words away, too far for 16 bits", STR_ARG(fix->label->text),
             (long long)offset);
  }
  *word |= (u64)(u16)(i16)offset << 48;
}

void asm_body(Asm *a, Function *f) {
  CodeBody b = {.a = a, .f = f};
  for (u32 i = 0; i < f->register_count; i++) vec_push(&b.registers, f->registers[i]);
  while (!asm_accept(a, '}')) {
    if (asm_peek(a, 0)->kind == TOKEN_END || a->diags->errors >= 100) {
      asm_fail(a, DIAG_E0601, asm_peek(a, 0), "`}` is expected at the end of the function");
      return;
    }
    take_statement(&b);
    if (!a->failed) continue;
    a->failed = false;  // the rest of the function may hold more mistakes worth telling
    while (!asm_peek(a, 0)->first && !asm_at(a, '}')) asm_next(a);
  }
  if (b.code.count > LIMIT_FUNCTION_WORDS) asm_fail(a, DIAG_E0603, asm_peek(a, 0), "a function has at most %u words", LIMIT_FUNCTION_WORDS);
  for (u32 i = 0; i < b.fixups.count; i++) fix_label(&b, &b.fixups.items[i]);
  f->register_count = b.registers.count;
  f->registers = b.registers.items;
  f->code_words = b.code.count;
  f->code = b.code.items;
  f->line_count = b.lines.count;
  f->lines = b.lines.items;
  f->local_count = b.locals.count;
  f->locals = b.locals.items;
}
