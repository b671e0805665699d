// Taking code apart and laying it out again: see edit.h. Jumps are found by the operand letters of op.h.
#include "tests/gen/edit.h"

enum { SPARE = 64 };

void *pond_alloc(Pond *pond, size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (size > (size_t)(pond->end - pond->at)) return NULL;
  void *result = pond->at;
  pond->at += size;
  return memset(result, 0, size);
}

static const char *operands(const Piece *piece) { return shape_operands(op_info[word_op(*piece->words)].shape); }

static u32 jumps_of(const Piece *piece) {
  const char *letters = operands(piece);
  if (strchr(letters, 's')) return word_b(*piece->words);
  return strchr(letters, 'o') || strchr(letters, 'J') ? 1 : 0;
}

static i32 jump_get(const Piece *piece, u32 i) {
  const char *letters = operands(piece);
  if (strchr(letters, 's')) return ((const i32 *)(piece->words + 1))[i];
  return strchr(letters, 'J') ? word_bc(*piece->words) : (i16)word_c(*piece->words);
}

static bool jump_set(Piece *piece, u32 i, i32 offset) {
  const char *letters = operands(piece);
  if (strchr(letters, 's')) {
    ((i32 *)(piece->words + 1))[i] = offset;
    return true;
  }
  u64 first = *piece->words;
  if (strchr(letters, 'J')) {
    *piece->words = word_make_bc(word_op(first), word_a(first), offset);
    return true;
  }
  *piece->words = (first & ~((u64)0xffff << 48)) | (u64)(u16)offset << 48;
  return offset == (i16)offset;
}

bool edit_open(Edit *edit, Pond *pond, const Module *module, Function *f) {
  *edit = (Edit){.pond = pond, .module = module, .function = f, .capacity = f->code_words + SPARE};
  edit->pieces = pond_alloc(pond, edit->capacity * sizeof(Piece));
  u64 *code = pond_alloc(pond, f->code_words * sizeof(u64) + 1);
  i32 *index = pond_alloc(pond, (f->code_words + 1) * sizeof(i32));
  if (!edit->pieces || !code || !index || !f->code_words) return false;
  memcpy(code, f->code, f->code_words * sizeof(u64));
  for (u32 word = 0, length; word < f->code_words; word += length) {
    length = op_length(code + word, f->code_words - word);
    if (!length) return false;
    index[word] = (i32)edit->count;
    edit->pieces[edit->count++] = (Piece){.words = code + word, .length = length};
  }
  for (u32 i = 0, word = 0; i < edit->count; word += edit->pieces[i++].length) {
    Piece *piece = &edit->pieces[i];
    piece->target_count = jumps_of(piece);
    piece->targets = pond_alloc(pond, piece->target_count * sizeof(i32) + 1);
    if (!piece->targets) return false;
    for (u32 k = 0; k < piece->target_count; k++) {
      i64 to = (i64)word + jump_get(piece, k);
      piece->targets[k] = to < 0 || to >= f->code_words ? (i32)i : index[to];
    }
  }
  return true;
}

bool edit_close(Edit *edit) {
  u32 words = 0;
  u32 *place = pond_alloc(edit->pond, (edit->count + 1) * sizeof(u32));
  if (!place || !edit->count) return false;
  for (u32 i = 0; i < edit->count; i++) {
    place[i] = words;
    words += edit->pieces[i].length;
  }
  u64 *code = pond_alloc(edit->pond, words * sizeof(u64));
  if (!code) return false;
  for (u32 i = 0; i < edit->count; i++) {
    Piece *piece = &edit->pieces[i];
    for (u32 k = 0; k < piece->target_count; k++) {
      u32 target = (u32)piece->targets[k] < edit->count ? (u32)piece->targets[k] : edit->count - 1;
      if (!jump_set(piece, k, (i32)place[target] - (i32)place[i])) return false;
    }
    memcpy(code + place[i], piece->words, piece->length * sizeof(u64));
  }
  Function *f = edit->function;
  f->code = code;
  f->code_words = words;
  f->line_count = 0;  // they stand for other words now
  f->local_count = 0;
  return true;
}

bool edit_insert(Edit *edit, u32 at, Piece piece) {
  if (edit->count == edit->capacity) return false;
  memmove(edit->pieces + at + 1, edit->pieces + at, (edit->count - at) * sizeof(Piece));
  edit->pieces[at] = piece;
  edit->count++;
  for (u32 i = 0; i < edit->count; i++) {
    for (u32 k = 0; i != at && k < edit->pieces[i].target_count; k++) edit->pieces[i].targets[k] += edit->pieces[i].targets[k] >= (i32)at;
  }
  return true;
}

void edit_remove(Edit *edit, u32 at) {
  edit->count--;
  memmove(edit->pieces + at, edit->pieces + at + 1, (edit->count - at) * sizeof(Piece));
  for (u32 i = 0; i < edit->count; i++) {
    for (u32 k = 0; k < edit->pieces[i].target_count; k++) edit->pieces[i].targets[k] -= edit->pieces[i].targets[k] > (i32)at;
  }
}

bool piece_copy(Edit *edit, const Piece *from, Piece *copy) {
  *copy = *from;
  copy->words = pond_alloc(edit->pond, from->length * sizeof(u64));
  copy->targets = pond_alloc(edit->pond, from->target_count * sizeof(i32) + 1);
  if (!copy->words || !copy->targets) return false;
  memcpy(copy->words, from->words, from->length * sizeof(u64));
  memcpy(copy->targets, from->targets, from->target_count * sizeof(i32));
  return true;
}

u32 piece_registers(const Piece *piece, Place places[PLACES]) {
  u32 count = 0;
  for (const char *letter = operands(piece); *letter; letter++) {
    if (*letter >= 'a' && *letter <= 'c') places[count++] = (Place){piece->words, 16 * (u32)(*letter - 'a' + 1)};
    if (*letter != 'l') continue;
    u64 *list = piece->words + shape_fixed_words(op_info[word_op(*piece->words)].shape);
    u32 listed = reglist_count(list);
    for (u32 i = 0; i < listed && count < PLACES; i++) places[count++] = (Place){&list[(i + 1) / 4], (i + 1) % 4 * 16};
  }
  return count;
}
