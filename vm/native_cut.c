// Natives that cut a text into a list: split, lines, words, characters, graphemes.
//
// Places are noted in the worker's scratch text first, then the list is built from its end, so that each element is made once
// and nothing is reversed. The list so far stays in the argument that held the rest, where the collector finds it.
#include <utf8proc.h>

#include "vm/native_text.h"

typedef struct Piece {
  u64 from, to;
} Piece;

static bool note_piece(Worker *worker, u64 from, u64 to) {
  Piece piece = {from, to};
  return scratch_append(worker, (Str){(const char *)&piece, sizeof piece});
}

// A String of the piece of args[0], and a cell for it before args[list].
static bool push_piece(Worker *worker, u64 *args, u32 list, Piece piece) {
  u64 length = piece.to - piece.from;
  u32 words = 1 + bytes_words(length);
  bool large = words >= HEAP_LARGE_WORDS;
  if (!heap_reserve(worker, large ? 3 : words + 3)) return false;
  Obj *part;
  if (large) {
    part = heap_bytes(worker, KIND_STRING, length);  // takes nothing of the nursery: the cell's words stay reserved
    if (!part) return false;
  } else {
    part = heap_take(worker, words);
    part->header = OBJ_HEADER(KIND_STRING, 0, length);
    if (words > 1) part->words[words - 2] = 0;
  }
  memcpy(part->words, arg_text(args[0]).ptr + piece.from, length);
  args[list] = build_cons(worker, obj_val(part), args[list]);
  return true;
}

static bool push_pieces(Worker *worker, u64 *args, u32 list) {
  size_t count = worker->text_length / sizeof(Piece);
  worker->reductions -= (i64)(count + arg_text(args[0]).len / 64);
  for (size_t i = count; i > 0; i--) {
    Piece piece;
    memcpy(&piece, worker->text + (i - 1) * sizeof piece, sizeof piece);
    if (!push_piece(worker, args, list, piece)) return fault_memory(worker);
  }
  args[0] = args[list];
  return true;
}

bool native_string_split_onto(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  Str separator = arg_text(args[1]);
  worker->text_length = 0;
  size_t from = 0;
  const char *found;
  while (separator.len && (found = memmem(s.ptr + from, s.len - from, separator.ptr, separator.len))) {
    if (!note_piece(worker, from, (u64)(found - s.ptr))) return fault_memory(worker);
    from = (size_t)(found - s.ptr) + separator.len;
  }
  if (!note_piece(worker, from, s.len)) return fault_memory(worker);
  return push_pieces(worker, args, 2);
}

bool native_string_lines_onto(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  for (size_t from = 0; from < s.len;) {
    const char *newline = memchr(s.ptr + from, '\n', s.len - from);
    size_t next = newline ? (size_t)(newline - s.ptr) + 1 : s.len;
    size_t end = newline ? next - 1 : s.len;
    if (end > from && s.ptr[end - 1] == '\r' && newline) end--;
    if (!note_piece(worker, from, end)) return fault_memory(worker);
    from = next;
  }
  return push_pieces(worker, args, 1);
}

bool native_string_words_onto(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  size_t from = 0;
  size_t at = 0;
  while (at < s.len) {
    u32 bytes;
    bool blank = scalar_is_blank(scalar_at(s.ptr + at, &bytes));
    if (blank) {
      if (at > from && !note_piece(worker, from, at)) return fault_memory(worker);
      from = at + bytes;
    }
    at += bytes;
  }
  if (at > from && !note_piece(worker, from, at)) return fault_memory(worker);
  return push_pieces(worker, args, 1);
}

bool native_string_chars_onto(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  for (size_t at = 0; at < s.len;) {
    size_t next = at + scalar_bytes((u8)s.ptr[at]);
    if (!note_piece(worker, at, next)) return fault_memory(worker);
    at = next;
  }
  return push_pieces(worker, args, 1);
}

bool native_string_graphemes_onto(Worker *worker, u64 *args) {
  Str s = arg_text(args[0]);
  worker->text_length = 0;
  size_t from = 0;
  u32 before = 0;
  utf8proc_int32_t state = 0;
  for (size_t at = 0; at < s.len;) {
    u32 bytes;
    u32 scalar = scalar_at(s.ptr + at, &bytes);
    if (at > 0 && utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)scalar, &state)) {
      if (!note_piece(worker, from, at)) return fault_memory(worker);
      from = at;
    }
    before = scalar;
    at += bytes;
  }
  if (s.len > from && !note_piece(worker, from, s.len)) return fault_memory(worker);
  return push_pieces(worker, args, 1);
}

bool native_string_codes_onto(Worker *worker, u64 *args) {
  for (u64 at = arg_text(args[0]).len; at > 0;) {
    if (!heap_reserve(worker, 3)) return fault_memory(worker);
    Str s = arg_text(args[0]);
    do at--;
    while (!byte_starts_scalar(s.ptr[at]));
    u32 bytes;
    args[1] = build_cons(worker, val_from_small(scalar_at(s.ptr + at, &bytes)), args[1]);
  }
  worker->reductions -= (i64)(arg_text(args[0]).len / 16);
  args[0] = args[1];
  return true;
}
