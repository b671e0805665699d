// Jumps that lead to jumps go straight to where those lead; a jump to LOOP or RET becomes one.
//
// The end of an `if` inside an `if`, and the end of a loop's body, are such places. An instruction must not lose its last
// way in, since unreachable code is refused: so the ways into each one are counted, and the last stays.
#include "bytecode/front/emit.h"

enum { HOPS = 8 };

typedef struct Threader {
  u64 *code;
  u32 words;
  u32 *ways;  // into the instruction that begins at a word
} Threader;

static u32 jump_count(u64 first) {
  switch ((int)op_info[word_op(first)].shape) {
    case SHAPE_J: case SHAPE_RJ: case SHAPE_RRJ: case SHAPE_RIJ: case SHAPE_RXJ: return 1;
    case SHAPE_SW: return word_b(first);
  }
  return 0;
}

static bool is_short(u64 first) {
  Shape shape = op_info[word_op(first)].shape;
  return shape == SHAPE_RRJ || shape == SHAPE_RIJ || shape == SHAPE_RXJ;
}

static i32 offset_at(const u64 *at, u32 i) {
  if (is_short(at[0])) return (i16)word_c(at[0]);
  if (op_info[word_op(at[0])].shape != SHAPE_SW) return word_bc(at[0]);
  return (i32)(at[1 + i / 2] >> (i % 2 * 32));
}

static void set_offset(u64 *at, u32 i, i32 offset) {
  u64 *word = op_info[word_op(at[0])].shape == SHAPE_SW ? &at[1 + i / 2] : &at[0];
  if (is_short(at[0])) *word = (*word & 0xffffffffffffu) | (u64)(u16)offset << 48;
  else if (word == at || i % 2) *word = (*word & 0xffffffffu) | (u64)(u32)offset << 32;
  else *word = (*word & ~(u64)0xffffffffu) | (u32)offset;
}

static void count_ways(Threader *t) {
  for (u32 word = 0; word < t->words;) {
    const u64 *at = &t->code[word];
    u32 next = word + op_length(at, t->words - word), jumps = jump_count(at[0]);
    for (u32 i = 0; i < jumps; i++) t->ways[word + offset_at(at, i)]++;
    if (!op_ends_flow(word_op(at[0])) && next < t->words) t->ways[next]++;
    word = next;
  }
}

// Where a jump from `from` to `target` ends up, with the ways counted anew.
static u32 follow(Threader *t, u32 from, u32 target, bool near) {
  for (u32 hops = 0; hops < HOPS && word_op(t->code[target]) == OP_JMP && t->ways[target] > 1; hops++) {
    u32 further = target + word_bc(t->code[target]);
    if (near && further - from > INT16_MAX) break;
    t->ways[target]--;
    t->ways[further]++;
    target = further;
  }
  return target;
}

static void replace_jump(Threader *t, u32 word, u32 target) {
  u64 there = t->code[target];
  if (t->ways[target] < 2) return;
  if (word_op(there) == OP_RET) t->code[word] = there;
  else if (word_op(there) == OP_LOOP) t->code[word] = word_make_bc(OP_LOOP, 0, (i32)(target + word_bc(there)) - (i32)word);
  else return;
  t->ways[target]--;
}

void emit_thread_jumps(u64 *code, u32 words) {
  Threader t = {code, words, gc_alloc_data(((size_t)words + 1) * sizeof(u32))};
  count_ways(&t);
  for (u32 word = 0; word < words; word += op_length(&code[word], words - word)) {
    u64 *at = &code[word];
    u32 jumps = word_op(at[0]) == OP_LOOP ? 0 : jump_count(at[0]);
    for (u32 i = 0; i < jumps; i++) {
      u32 target = follow(&t, word, word + offset_at(at, i), is_short(at[0]));
      set_offset(at, i, (i32)(target - word));
      if (word_op(at[0]) == OP_JMP) replace_jump(&t, word, target);
    }
  }
}
