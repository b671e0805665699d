// The disassembler's function bodies. An instruction is written with its mnemonic if the assembler would encode that to the
// same words; if not (an unknown opcode, bits set in unused fields, a list cut off) its words are written as they are.
#include "bytecode/dis_text.h"

enum { COMMENT_COLUMN = 48, WIDTH = 110 };

typedef struct Listing {
  Dis *d;
  const Function *f;
  u8 *lengths;    // per word: words of the instruction that begins there, at most 255; 0 inside one or where none is
  u32 *labels;    // per word: number of the label there, or 0
} Listing;

// ---- What can be written as an instruction --------------------------------------------------------------------------

static bool reglist_is_plain(const u64 *words) {
  u32 count = reglist_count(words);
  u32 used = (count + 1) % 4;
  return !used || !(words[reglist_words(count) - 1] >> (used * 16));
}

static bool is_plain(const u64 *code) {
  u64 used = 0xffff;
  const u64 *next = code + 1;
  const Shape shape = op_info[word_op(code[0])].shape;
  for (const char *letter = shape_operands(shape); *letter; letter++) {
    switch (*letter) {
      case 'a': used |= 0xffffull << 16; break;
      case 'b': case 'j': case 'x': case 's': used |= 0xffffull << 32; break;
      case 'c': case 'i': case 'y': case 'o': used |= 0xffffull << 48; break;
      case 'I': case 'J': used |= 0xffffffffull << 32; break;
      case 'k': case 'g': case 't':
        if (*next++ >> 32) return false;
        break;
      case 'w': case 'f': next++; break;
      case 'A':
        if (next[1] >> 32) return false;
        next += 2;
        break;
      case 'l':
        if (!reglist_is_plain(next)) return false;
        break;
      default: break;
    }
  }
  if (shape == SHAPE_SW && word_b(code[0]) % 2 && code[(word_b(code[0]) + 1) / 2] >> 32) return false;
  return !(code[0] & ~used);
}

static void find_instructions(Listing *l) {
  const Function *f = l->f;
  for (u32 word = 0; word < f->code_words;) {
    u32 length = op_length(f->code + word, f->code_words - word);
    bool plain = length && is_plain(f->code + word);
    l->lengths[word] = plain ? (u8)(length < 255 ? length : 255) : 0;
    word += length ? length : 1;
  }
}

// ---- Labels ---------------------------------------------------------------------------------------------------------

static i32 switch_offset(const u64 *code, u32 i) { return (i32)(code[1 + i / 2] >> (i % 2 * 32)); }

static void mark_label(Listing *l, u32 word, i32 offset) {
  i64 target = (i64)word + offset;
  if (target >= 0 && target < l->f->code_words && l->lengths[target]) l->labels[target] = 1;
}

static void find_labels(Listing *l) {
  const Function *f = l->f;
  for (u32 word = 0; word < f->code_words; word++) {
    if (!l->lengths[word]) continue;
    u64 first = f->code[word];
    const char *operands = shape_operands(op_info[word_op(first)].shape);
    if (strchr(operands, 'J')) mark_label(l, word, word_bc(first));
    if (strchr(operands, 'o')) mark_label(l, word, (i16)word_c(first));
    for (u32 i = 0; strchr(operands, 's') && i < word_b(first); i++) mark_label(l, word, switch_offset(f->code + word, i));
  }
  u32 number = 0;
  for (u32 word = 0; word < f->code_words; word++) {
    if (l->labels[word]) l->labels[word] = ++number;
  }
}

static void print_offset(Listing *l, u32 word, i32 offset) {
  i64 target = (i64)word + offset;
  bool labelled = target >= 0 && target < l->f->code_words && l->labels[target];
  if (labelled) text_printf(l->d->out, "L%u", l->labels[target]);
  else text_printf(l->d->out, "%+d", offset);
}

// ---- Operands -------------------------------------------------------------------------------------------------------

static void print_register(Text *out, u16 number) {
  if (number == REGISTER_NONE) text_char(out, '_');
  else text_printf(out, "r%u", number);
}

static void print_reglist(Text *out, const u64 *words) {
  text_add(out, STR(" ("));
  for (u32 i = 0; i < reglist_count(words); i++) {
    if (i) text_add(out, STR(", "));
    print_register(out, reglist_at(words, i));
  }
  text_char(out, ')');
}

static void print_operand(Listing *l, u32 word, char letter, const u64 **next) {
  Dis *d = l->d;
  const u64 *code = l->f->code + word;
  u64 first = code[0];
  switch (letter) {
    case 'a': print_register(d->out, word_a(first)); return;
    case 'b': print_register(d->out, word_b(first)); return;
    case 'c': print_register(d->out, word_c(first)); return;
    case 'i': text_printf(d->out, "%d", (i16)word_c(first)); return;
    case 'j': text_printf(d->out, "%d", (i16)word_b(first)); return;
    case 'I': text_printf(d->out, "%d", word_bc(first)); return;
    case 'x': text_printf(d->out, "%u", word_b(first)); return;
    case 'y': text_printf(d->out, "%u", word_c(first)); return;
    case 'J': print_offset(l, word, word_bc(first)); return;
    case 'o': print_offset(l, word, (i16)word_c(first)); return;
    case 'l': print_reglist(d->out, *next); return;
    case 'w':
      if (word_op(first) == OP_FLOAT) {
        double value;
        memcpy(&value, *next, sizeof value);
        dis_float(d->out, value);
      } else {
        text_printf(d->out, "%lld", (long long)**next);
      }
      ++*next;
      return;
    case 'k': dis_constant(d, (u32)*(*next)++); return;
    case 'g': dis_global_name(d, (u32)*(*next)++); return;
    case 't': dis_type(d, (u32)*(*next)++); return;
    case 'f':
      dis_function_name(d, (u32)**next);
      dis_typelist(d, (u32)(*(*next)++ >> 32));
      return;
    case 'A':
      dis_actor_name(d, (u32)**next);
      dis_typelist(d, (u32)(*(*next)++ >> 32));
      text_add(d->out, STR(" as "));
      dis_type(d, (u32)*(*next)++);
      return;
    case 's':
      text_add(d->out, STR(" ("));
      for (u32 i = 0; i < word_b(first); i++) {
        if (i) text_add(d->out, STR(", "));
        print_offset(l, word, switch_offset(code, i));
      }
      text_char(d->out, ')');
      return;
    default: return;
  }
}

// ---- Comments: what the numbers mean --------------------------------------------------------------------------------

static const Type *register_type(const Listing *l, u16 reg) {
  const Module *m = l->d->module;
  if (reg >= l->f->register_count || l->f->registers[reg] >= m->types.count) return NULL;
  return &m->types.items[l->f->registers[reg]];
}

static const Ctor *ctor_of(const Listing *l, const Type *type, u32 number) {
  const Module *m = l->d->module;
  if (!type || type->kind != TYPE_DATA || type->index >= m->datas.count) return NULL;
  return number < m->datas.items[type->index].ctor_count ? &m->datas.items[type->index].ctors[number] : NULL;
}

static Str method_name(const Listing *l, const Type *type, u32 number) {
  const Module *m = l->d->module;
  if (!type || type->kind != TYPE_REF || type->index >= m->interfaces.count) return STR("");
  return number < m->interfaces.items[type->index].method_count ? m->interfaces.items[type->index].methods[number].name : STR("");
}

static Str field_name(const Listing *l, u32 number) {
  const Module *m = l->d->module;
  if (l->f->actor >= m->actors.count || number >= m->actors.items[l->f->actor].field_count) return STR("");
  return m->actors.items[l->f->actor].fields[number].name;
}

static Str comment(const Listing *l, u64 first) {
  const Ctor *ctor = NULL;
  switch ((Op)word_op(first)) {
    case OP_NEW: case OP_CTOR: case OP_UNPACK: case OP_PEEK: case OP_JTAG: case OP_JNTAG:
      ctor = ctor_of(l, register_type(l, word_a(first)), word_b(first));
      return ctor ? ctor->name : STR("");
    case OP_FIELD:
      ctor = ctor_of(l, register_type(l, word_b(first)), 0);
      return ctor && word_c(first) < ctor->field_count ? ctor->fields[word_c(first)].name : STR("");
    case OP_GET: case OP_SET: case OP_LEND: case OP_TAKE: return field_name(l, word_b(first));
    case OP_REPLACE: return field_name(l, word_c(first));
    case OP_SEND: return method_name(l, register_type(l, word_a(first)), word_b(first));
    case OP_ASK: case OP_REQUEST: return method_name(l, register_type(l, word_b(first)), word_c(first));
    default: return STR("");
  }
}

static void print_comment(Text *out, size_t line_start, Str text) {
  if (!text.len) return;
  do {
    text_char(out, ' ');
  } while (out->len - line_start < COMMENT_COLUMN);
  text_add(out, STR("; "));
  dis_quoted(out, text, true);
}

// ---- The body -------------------------------------------------------------------------------------------------------

static void print_instruction(Listing *l, u32 word) {
  Dis *d = l->d;
  size_t start = d->out->len;
  u64 first = l->f->code[word];
  const OpInfo *info = &op_info[word_op(first)];
  const u64 *next = l->f->code + word + 1;
  text_add(d->out, STR("  "));
  for (const char *c = info->name; *c; c++) text_char(d->out, *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
  bool any = false;
  for (const char *letter = shape_operands(info->shape); *letter; letter++) {
    bool list = *letter == 'l' || *letter == 's';
    if (!any && !list) {
      do {
        text_char(d->out, ' ');
      } while (d->out->len - start < 14);
    } else if (any && !list) {
      text_add(d->out, STR(", "));
    }
    print_operand(l, word, *letter, &next);
    any = true;
  }
  print_comment(d->out, start, comment(l, first));
  text_char(d->out, '\n');
}

// Runs of one type are written as one: r4-r7: Bool.
static void print_registers(Listing *l) {
  const Function *f = l->f;
  Text *out = l->d->out;
  size_t line = 0;
  for (u32 from = f->param_count; from < f->register_count;) {
    u32 until = from;
    while (until + 1 < f->register_count && f->registers[until + 1] == f->registers[from]) until++;
    bool wrap = !line || out->len - line > WIDTH - 20;
    if (wrap) {
      if (line) text_char(out, '\n');
      line = out->len;
      text_add(out, STR("  regs "));
    } else {
      text_add(out, STR(", "));
    }
    text_printf(out, until > from ? "r%u-r%u: " : "r%u: ", from, until);
    dis_type(l->d, f->registers[from]);
    from = until + 1;
  }
  if (line) text_char(out, '\n');
}

static void print_locals(Listing *l) {
  for (u32 i = 0; i < l->f->local_count; i++) {
    const LocalName *local = &l->f->locals[i];
    text_add(l->d->out, STR("  local "));
    dis_name(l->d->out, local->name);
    text_char(l->d->out, ' ');
    print_register(l->d->out, local->reg);
    text_printf(l->d->out, " %u-%u\n", local->from, local->until);
  }
}

// Can the line table be written as `line` before instructions, or must it be written with its words?
static bool lines_in_place(const Listing *l) {
  for (u32 i = 0; i < l->f->line_count; i++) {
    u32 word = l->f->lines[i].word;
    if (i && word < l->f->lines[i - 1].word) return false;
    if (word >= l->f->code_words || !l->lengths[word]) return false;
  }
  return true;
}

void dis_body(Dis *d, const Function *f, u32 mark) {
  Listing listing = {.d = d, .f = f}, *l = &listing;
  l->lengths = gc_alloc_data(f->code_words + 1);
  l->labels = gc_alloc_data((f->code_words + 1) * sizeof *l->labels);
  find_instructions(l);
  find_labels(l);
  text_add(d->out, STR(" {\n"));
  print_registers(l);
  print_locals(l);
  bool in_place = lines_in_place(l);
  u32 line = 0;
  for (; !in_place && line < f->line_count; line++) text_printf(d->out, "  line %u at %u\n", f->lines[line].line, f->lines[line].word);
  for (u32 word = 0; word < f->code_words;) {
    for (; line < f->line_count && f->lines[line].word == word; line++) text_printf(d->out, "  line %u\n", f->lines[line].line);
    if (l->labels[word]) text_printf(d->out, "L%u:\n", l->labels[word]);
    if (word == mark) text_add(d->out, STR("=>"));
    if (l->lengths[word]) {
      print_instruction(l, word);
      word += op_length(f->code + word, f->code_words - word);
    } else {
      text_printf(d->out, "  .word 0x%016llx\n", (unsigned long long)f->code[word++]);
    }
  }
  text_add(d->out, STR("}\n"));
}
