// Code: one pass finds instructions and jump targets, a second one follows the registers from the first word to the last.
//
// All jumps but LOOP go forward, so when the second pass comes to a label, every state that jumps there is known, but for
// LOOP's; and LOOP's must cover what the label was passed with. So one pass is enough, without a fixpoint.
#include "bytecode/verify_code.h"

enum { MARK_START = 1, MARK_LABEL = 2, RECORDED_LIMIT = 1 << 22 };

// ---- Derived from op.def --------------------------------------------------------------------------------------------

static TypeId letter_type(const Verifier *v, char letter) {
  switch (letter) {
    case 'i': return v->basic[TYPE_INT];
    case 'f': return v->basic[TYPE_FLOAT];
    case 'I': return v->basic[TYPE_VINT];
    case 'F': return v->basic[TYPE_VFLOAT];
    case 'b': return v->basic[TYPE_BOOL];
    case 'u': return v->basic[TYPE_UNIT];
    case 's': return v->basic[TYPE_STRING];
    case 'd': return v->basic[TYPE_DURATION];
    default: BUG("op.def has the type letter %c, which the verifier does not know", letter);
  }
}

static void make_rule(const Verifier *v, Op op, OpRule *rule) {
  const OpInfo *info = &op_info[op];
  const char *operands = shape_operands(info->shape);
  u64 used = 0xffff;
  rule->effect = (u8)info->effect;
  rule->writes = info->shape != SHAPE_DC && operands[0] == 'a';
  rule->own = info->types[0] == '?';
  for (const char *o = operands; *o; o++) {
    switch (*o) {
      case 'a': case 'b': case 'c':
        rule->shift[rule->registers] = (u8)(16 * (*o - 'a' + 1));
        if (!rule->own) rule->want[rule->registers] = letter_type(v, info->types[rule->registers]);
        used |= 0xffffull << rule->shift[rule->registers++];
        break;
      case 'j': case 'x': used |= 0xffffull << 32; break;
      case 'i': case 'y': used |= 0xffffull << 48; break;
      case 'I': used |= 0xffffffffull << 32; break;
      case 's': rule->jump = *o; used |= 0xffffull << 32; break;
      case 'o': rule->jump = *o; used |= 0xffffull << 48; break;
      case 'J': rule->jump = *o; used |= 0xffffffffull << 32; break;
      default: break;  // what stands in words of its own
    }
  }
  rule->unused = ~used;
  switch (info->shape) {
    case SHAPE_R: case SHAPE_RR: case SHAPE_RRR: case SHAPE_RX: case SHAPE_RXR: case SHAPE_RL: case SHAPE_RJ: case SHAPE_RRJ: case SHAPE_RIJ: case SHAPE_RXJ:
    case SHAPE_SW:
      rule->writes = false;
      break;
    default: break;
  }
  switch (op) {
    case OP_JMP: case OP_LOOP: case OP_SWITCH: case OP_RET: case OP_TAILCALL: case OP_TAILCALLC: case OP_FORWARD: case OP_CRASH:
    case OP_STOP:
      rule->ends = true;
      break;
    default: break;
  }
}

Flow *flow_new(Verifier *v) {
  Flow *x = gc_new(Flow);
  x->v = v;
  for (Op op = 0; op < OP_COUNT; op++) make_rule(v, op, &x->rules[op]);
  return x;
}

// ---- Faults about registers -----------------------------------------------------------------------------------------

void register_fail(Flow *x, u16 reg) {
  if (reg >= x->registers) verify_fail(x->v, REASON_REGISTER_RANGE, "r%u, of %u", reg, x->registers);
  else verify_fail(x->v, reg_is_unique(x, reg) ? REASON_UNIQUE_MOVED : REASON_UNASSIGNED_REGISTER, "r%u", reg);
}

bool register_type_fail(Flow *x, u16 reg, const char *wanted) {
  return verify_fail(x->v, REASON_REGISTER_TYPE, "r%u is %.*s, where %s is needed", reg, STR_ARG(verify_type_text(x->v, x->f->registers[reg])), wanted);
}

bool add_effects(Flow *x, u8 effects) {
  if (LIKELY(!(effects & ~x->f->effects))) return true;
  return verify_fail(x->v, REASON_EFFECTS, "effects %u, declared as %u", effects, x->f->effects);
}

bool state_is_set(Flow *x, const char *what) {
  for (u32 i = 0; i < x->fields; i++) {
    if (bit_is_set(x, x->registers + i)) continue;
    return verify_fail(x->v, REASON_STATE_UNSET, "`%.*s` %s", STR_ARG(x->v->m->actors.items[x->f->actor].fields[i].name), what);
  }
  return verify_spend(x->v, 1 + x->fields / 4);
}

// ---- The first pass: instructions and jumps -------------------------------------------------------------------------

static i32 jump_offset(const OpRule *rule, const u64 *code, u32 i) {
  if (rule->jump == 'J') return word_bc(code[0]);
  if (rule->jump == 'o') return (i16)word_c(code[0]);
  return (i32)(code[1 + i / 2] >> (i % 2 * 32));
}

static u32 jump_count(const OpRule *rule, const u64 *code) {
  if (!rule->jump) return 0;
  return rule->jump == 's' ? word_b(code[0]) : 1;
}

static bool mark_jumps(Flow *x, Op op, const OpRule *rule, const u64 *code, u32 word) {
  u32 count = jump_count(rule, code);
  for (u32 i = 0; i < count; i++) {
    i64 offset = jump_offset(rule, code, i), target = word + offset;
    if (target < 0 || target >= x->f->code_words) return verify_fail(x->v, REASON_JUMP_TARGET, "%+lld leads out of the code", (long long)offset);
    bool right = op == OP_LOOP ? offset <= 0 : offset > 0;  // an empty loop is a LOOP to itself
    if (!right) return verify_fail(x->v, REASON_JUMP_DIRECTION, "%+lld", (long long)offset);
    x->marks[target] |= MARK_LABEL;
  }
  return true;
}

// Everything that a word or a list has room for, but does not use.
static bool check_padding(Flow *x, const OpRule *rule, Shape shape, const u64 *code, u32 length) {
  bool clean = !(code[0] & rule->unused);
  if (shape == SHAPE_SW && word_b(code[0]) % 2) clean &= !(code[length - 1] >> 32);
  if (shape_has_reglist(shape)) {
    u32 fixed = shape_fixed_words(shape), used = (reglist_count(code + fixed) + 1u) % 4;
    if (used) clean &= !(code[length - 1] >> used * 16);
  }
  switch (shape) {
    case SHAPE_DC: case SHAPE_DG: case SHAPE_DT: case SHAPE_DRT: clean &= !(code[1] >> 32); break;
    case SHAPE_DA: case SHAPE_DRA: clean &= !(code[2] >> 32); break;
    default: break;
  }
  return clean || verify_fail(x->v, REASON_PADDING, "%s", op_info[word_op(code[0])].name);
}

static bool find_instructions(Flow *x) {
  const Function *f = x->f;
  for (u32 word = 0; word < f->code_words;) {
    const u64 *code = f->code + word;
    x->v->word = word;
    u32 op = word_op(code[0]);
    if (op >= OP_COUNT) return verify_fail(x->v, REASON_OPCODE, "%u", op);
    u32 length = op_length(code, f->code_words - word);
    if (!length) return verify_fail(x->v, REASON_TRUNCATED, "%s", op_info[op].name);
    const OpRule *rule = &x->rules[op];
    if (!check_padding(x, rule, op_info[op].shape, code, length)) return false;
    if (rule->jump && !mark_jumps(x, op, rule, code, word)) return false;
    x->marks[word] |= MARK_START;
    word += length;
  }
  return true;
}

static bool number_labels(Flow *x, u32 *count) {
  *count = 0;
  for (u32 word = 0; word < x->f->code_words; word++) {
    if (!(x->marks[word] & MARK_LABEL)) continue;
    x->v->word = word;
    if (!(x->marks[word] & MARK_START)) return verify_fail(x->v, REASON_JUMP_TARGET, "a jump leads into the middle of an instruction");
    x->labels[word] = (*count)++;
  }
  return true;
}

// ---- Joins ----------------------------------------------------------------------------------------------------------

static bool record(Flow *x, u32 target) {
  u32 label = x->labels[target];
  u64 *recorded = x->recorded + (u64)label * x->words;
  if (x->u.any && x->reached[label] && !unique_meet(x, recorded)) return false;
  if (!x->reached[label]) memcpy(recorded, x->state, x->words * sizeof *recorded);
  else for (u32 i = 0; i < x->words; i++) recorded[i] &= x->state[i];
  x->reached[label] = 1;
  return verify_spend(x->v, x->words);
}

// At a label: what all paths agree on goes on from here, and is what LOOP will have to bring back.
static bool join(Flow *x, u32 word, bool live) {
  u32 label = x->labels[word];
  if (!live && !x->reached[label]) return verify_fail(x->v, REASON_UNREACHABLE, "only a later LOOP leads here");
  if (live && !record(x, word)) return false;
  memcpy(x->state, x->recorded + (u64)label * x->words, x->words * sizeof *x->state);
  return verify_spend(x->v, x->words);
}

static bool close_loop(Flow *x, u32 target) {
  const u64 *entered = x->recorded + (u64)x->labels[target] * x->words;
  if (x->u.any && !(unique_meet(x, entered) && unique_round(x, entered, target))) return false;
  for (u32 i = 0; i < x->words; i++) {
    u64 missing = entered[i] & ~x->state[i];
    if (!missing) continue;
    u32 bit = i * 64 + (u32)__builtin_ctzll(missing);
    if (bit == session_bit(x)) return verify_fail(x->v, REASON_SESSION, "a loop uses up the session of the message");
    return verify_fail(x->v, REASON_LOOP_STATE, "%s%u", bit < x->registers ? "r" : "state field ", bit < x->registers ? bit : bit - x->registers);
  }
  return verify_spend(x->v, x->words);
}

static bool take_jumps(Flow *x, Op op, const OpRule *rule, const u64 *code, u32 word) {
  if (op == OP_LOOP) {
    if (x->f->kind == FUNCTION_GLOBAL) return verify_fail(x->v, REASON_LOOP_IN_GLOBAL, "%+d", word_bc(code[0]));
    return close_loop(x, (u32)((i64)word + word_bc(code[0])));
  }
  u32 count = jump_count(rule, code);
  for (u32 i = 0; i < count; i++) {
    if (!record(x, (u32)((i64)word + jump_offset(rule, code, i)))) return false;
  }
  return true;
}

// ---- The second pass: registers -------------------------------------------------------------------------------------

static bool check_by_letters(Flow *x, Op op, const OpRule *rule, u64 first) {
  for (u32 i = 0; i < rule->registers; i++) {
    u16 reg = (u16)(first >> rule->shift[i]);
    TypeId type = NO_TYPE;
    bool target = rule->writes && !i;
    if (!(target ? reg_target(x, reg, &type) : reg_read(x, reg, &type))) return false;
    if (UNLIKELY(type != rule->want[i])) {
      char letter[] = {op_info[op].types[i], 0};
      static const char letters[] = "ifIFbusd";
      static const char *const names[] = {"int", "float", "Int", "Float", "Bool", "()", "String", "Duration"};
      return register_type_fail(x, reg, names[strchr(letters, letter[0]) - letters]);
    }
  }
  if (UNLIKELY(op == OP_BOOL && (u32)word_bc(first) > 1)) return verify_fail(x->v, REASON_IMMEDIATE, "%d is no Bool", word_bc(first));
  if (rule->writes) bit_set(x, (u16)(first >> rule->shift[0]));
  return true;
}

static bool check_instruction(Flow *x, u32 word, const u64 *code) {
  Op op = word_op(code[0]);
  const OpRule *rule = &x->rules[op];
  if (rule->effect && !add_effects(x, rule->effect)) return false;
  if (rule->own ? !rule_check(x, op, code) : !check_by_letters(x, op, rule, code[0])) return false;
  return !rule->jump || take_jumps(x, op, rule, code, word);
}

static bool follow(Flow *x) {
  const Function *f = x->f;
  bool live = true;
  for (u32 word = 0; word < f->code_words;) {
    const u64 *code = f->code + word;
    x->v->word = word;
    if (x->marks[word] & MARK_LABEL) {
      if (!join(x, word, live)) return false;
    } else if (!live) {
      return verify_fail(x->v, REASON_UNREACHABLE, "nothing leads here");
    }
    if (!check_instruction(x, word, code)) return false;
    live = !x->rules[word_op(code[0])].ends;
    u32 next = word + 1;
    while (next < f->code_words && !(x->marks[next] & MARK_START)) next++;
    if (!verify_spend(x->v, next - word)) return false;
    word = next;
  }
  return !live || verify_fail(x->v, REASON_FALLS_OFF, "its last instruction is %s", op_info[word_op(f->code[x->v->word])].name);
}

// ---- One function ---------------------------------------------------------------------------------------------------

static u32 grown(u32 capacity, u32 needed) {
  if (!capacity) capacity = 256;
  while (capacity < needed) capacity *= 2;
  return capacity;
}

static bool begin_code(Flow *x) {
  u8 facts = x->v->function_facts[x->f - x->v->m->functions.items];
  if (x->f->code_words > x->mark_capacity) {
    x->mark_capacity = grown(x->mark_capacity, x->f->code_words);
    x->marks = gc_alloc_data(x->mark_capacity);
    x->labels = gc_alloc_data((u64)x->mark_capacity * sizeof *x->labels);
  }
  memset(x->marks, 0, x->f->code_words);
  x->words = (session_bit(x) + 64) / 64;
  if (x->words > x->state_capacity) {
    x->state_capacity = grown(x->state_capacity, x->words);
    x->state = gc_alloc_data((u64)x->state_capacity * sizeof *x->state);
  }
  memset(x->state, 0, x->words * sizeof *x->state);
  for (u32 i = 0; i < x->f->param_count; i++) bit_set(x, i);
  for (u32 i = 0; i < x->fields && x->f->kind != FUNCTION_INIT; i++) bit_set(x, x->registers + i);
  if (!(facts & FACT_ORDINARY) && facts & FACT_SESSION) bit_set(x, session_bit(x));
  bool any = facts & FACT_UNIQUES, same = !any && !x->u.any && x->words <= x->u.mask_capacity;
  return LIKELY(same) || unique_begin(x, any);
}

static bool begin_labels(Flow *x, u32 count) {
  u64 needed = (u64)count * x->words;
  if (needed > RECORDED_LIMIT) {
    return verify_fail(x->v, REASON_TOO_COMPLEX, "%u labels times %u registers", count, x->registers);
  }
  if (needed > x->recorded_capacity) {
    x->recorded_capacity = grown((u32)x->recorded_capacity, (u32)needed);
    x->recorded = gc_alloc_data(x->recorded_capacity * sizeof *x->recorded);
  }
  if (count > x->label_capacity) {
    x->label_capacity = grown(x->label_capacity, count);
    x->reached = gc_alloc_data(x->label_capacity);
  }
  if (count) memset(x->reached, 0, count);
  return true;
}

// An init function begins with empty state fields; any other may empty a unique one, if it has registers for that.
static bool has_field_bits(const Verifier *v, const Function *f) {
  return f->kind == FUNCTION_INIT || (f->actor != IMPORT_NONE && v->function_facts[f - v->m->functions.items] & FACT_UNIQUES);
}

bool verify_code(Flow *x, const Function *f) {
  u32 labels;
  x->f = f;
  x->registers = f->register_count;
  x->fields = has_field_bits(x->v, f) ? x->v->m->actors.items[f->actor].field_count : 0;
  able_enter(x->v, &f->generics);
  if (!begin_code(x) || !find_instructions(x) || !number_labels(x, &labels) || !begin_labels(x, labels)) return false;
  return follow(x);
}
