// Finding guards that need no turn: see guard.h.
//
// Such a guard gets one or two fields and numbers, compares, and returns what came out; or it gets a Bool, and returns it or its opposite.
// A field of type Int is raw, so both sides of a comparison are machine words; a Bool is one of two constants.
#include "vm/guard.h"

// What a register holds so far.
typedef struct Known {
  u16 at;
  bool is_field;
  i64 n;
} Known;

typedef struct Reading {
  Known known[2];
  u32 count;
} Reading;

static bool know(Reading *r, u16 at, bool is_field, i64 n) {
  if (r->count == COUNT_OF(r->known)) return false;
  r->known[r->count++] = (Known){at, is_field, n};
  return true;
}

// The last to be put there.
static const Known *find(const Reading *r, u16 at) {
  for (u32 i = r->count; i--;) {
    if (r->known[i].at == at) return &r->known[i];
  }
  return NULL;
}

static PlainGuard bool_is(const Known *field, Val value) {
  if (!field || !field->is_field) return (PlainGuard){.compares = GUARD_RUNS};
  return (PlainGuard){.left = field->n, .left_is_field = true, .right = (i64)value, .compares = GUARD_EQ};
}

static PlainGuard comparison(const Reading *r, PlainCompare compares, u64 word) {
  const Known *left = find(r, word_b(word)), *right = find(r, word_c(word));
  if (!left || !right) return (PlainGuard){.compares = GUARD_RUNS};
  return (PlainGuard){left->n, right->n, (u8)compares, left->is_field, right->is_field};
}

PlainGuard guard_plain(const Function *guard) {
  const PlainGuard runs = {.compares = GUARD_RUNS};
  const u64 *code = guard->code, *end = code + guard->code_words;
  Reading r = {.count = 0};
  for (; code < end; code++) {  // all of these are one word long
    u64 word = *code;
    u16 op = word_op(word);
    if (op == OP_RET) return bool_is(find(&r, word_a(word)), VAL_TRUE);
    bool returned = code + 1 < end && word_op(code[1]) == OP_RET && word_a(code[1]) == word_a(word);
    if (op == OP_GET && know(&r, word_a(word), true, word_b(word))) continue;
    if (op == OP_INT && know(&r, word_a(word), false, word_bc(word))) continue;
    if (!returned) return runs;
    if (op == OP_NOT) return bool_is(find(&r, word_b(word)), VAL_FALSE);
    if (op == OP_EQ_INT) return comparison(&r, GUARD_EQ, word);
    if (op == OP_NE_INT) return comparison(&r, GUARD_NE, word);
    if (op == OP_LT_INT) return comparison(&r, GUARD_LT, word);
    if (op == OP_LE_INT) return comparison(&r, GUARD_LE, word);
    return runs;
  }
  return runs;
}
