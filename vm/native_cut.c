// Natives that cut a text up into a list: split, lines, words, characters, graphemes.
//
// Pieces are found from the text's beginning, and made at once, so their list comes out the wrong way round and is reversed in the end. Each
// step of finding looks at a block; between two of them, and amid the copying of a long piece, the native may be interrupted (work.h).
#include <utf8proc.h>

#include "vm/native_text.h"

typedef struct Cut {
  Find find;          // split; of the others only `at`: what has been looked at
  u64 from, to;       // the piece
  u64 next;           // where the one after it begins
  bool last;          // there is none
  bool found;         // the piece is known, and not made yet
  bool whole;         // all are made
  u32 before;         // graphemes: the scalar before `at`, and what the rules remember
  utf8proc_int32_t state;
} Cut;

// Looks at a block more. True: a piece has been found.
typedef bool NextPiece(Worker *worker, Str s, Str separator, Cut *cut);

enum { PIECES_PER_REDUCTION = 2 };

// ---- Making pieces --------------------------------------------------------------------------------------------------

// The piece becomes a String before the list in *list. Short ones are made at once.
static bool push_short(Worker *worker, const u64 *args, const Cut *cut, u64 *list) {
  u64 length = cut->to - cut->from;
  u32 words = 1 + bytes_words(length);
  if (!heap_reserve(worker, words + 3)) return fault_memory(worker);
  Obj *part = heap_take(worker, words);
  part->header = OBJ_HEADER(KIND_STRING, 0, length);
  if (words > 1) part->words[words - 2] = 0;
  memcpy(part->words, arg_text(args[0]).ptr + cut->from, length);
  *list = build_cons(worker, obj_val(part), *list);
  return true;
}

// Behind *list is a register for it.
static bool push_long(Worker *worker, const u64 *args, Cut *cut, u64 *list) {
  Making making;
  if (!making_begin(&making, worker, KIND_STRING, cut->to - cut->from)) return false;
  if (!making_add(&making, (Str){arg_text(args[0]).ptr + cut->from, cut->to - cut->from})) {
    return work_keep(worker, cut, sizeof *cut) && making_pause(&making, *list, 0);
  }
  list[1] = obj_val(making.text);
  making_end(worker);
  if (!heap_reserve(worker, 3)) return fault_memory(worker);
  *list = build_cons(worker, list[1], *list);
  return true;
}

static bool push_piece(Worker *worker, const u64 *args, Cut *cut, u64 *list) {
  bool is_long = 1 + bytes_words(cut->to - cut->from) >= HEAP_LARGE_WORDS;
  return is_long ? push_long(worker, args, cut, list) : push_short(worker, args, cut, list);
}

// All pieces come before the list in args[onto], and that is the result. Behind it the pieces so far have a register.
static bool give_pieces(Worker *worker, u64 *args, u32 onto) {
  Work *work = worker->turn ? worker->turn->work : NULL;
  if (work) {
    work->kept[0] = args[onto + 1];
    work->kept[1] = args[onto];
  }
  args[0] = args[onto + 1];
  args[1] = args[onto];
  return native_list_reverse_onto(worker, args);
}

static bool cut_up(Worker *worker, u64 *args, u32 onto, NextPiece *next) {
  const Work *work = work_begun(worker);
  Cut first = {0}, *cut = work && work->own ? work->own : &first;
  if (work && (!work->own || cut->whole)) return native_list_reverse_onto(worker, args);
  u64 *list = args + onto + 1;
  *list = work ? work->kept[1] : VAL_NIL;
  for (u32 pieces = 0; cut->found || !cut->last;) {
    Str s = arg_text(args[0]), separator = onto > 1 ? arg_text(args[1]) : STR("");
    if (!cut->found) cut->found = next(worker, s, separator, cut);
    if (cut->found) {
      if (!push_piece(worker, args, cut, list)) return false;
      cut->found = false;
      cut->from = cut->next;
      worker->reductions -= ++pieces % PIECES_PER_REDUCTION == 0;
    }
    if (!work_is_over(worker)) continue;
    return work_keep(worker, cut, sizeof *cut) && work_pause_kept(worker, VAL_EMPTY, *list);
  }
  cut->whole = true;
  return give_pieces(worker, args, onto);
}

// ---- Finding them ---------------------------------------------------------------------------------------------------

// The piece that began at cut->from ends here.
static bool piece(Cut *cut, u64 to, u64 next, bool last) {
  cut->to = to;
  cut->next = next;
  cut->last = last;
  return true;
}

static bool next_split(Worker *worker, Str s, Str separator, Cut *cut) {
  Found found = separator.len ? text_find_on(worker, s, separator, &cut->find) : FOUND_NOWHERE;
  if (found == FOUND_MORE) return false;
  if (found == FOUND_NOWHERE) return piece(cut, s.len, s.len, true);
  u64 to = cut->find.at;
  cut->find = (Find){to + separator.len, 0};
  return piece(cut, to, to + separator.len, false);
}

bool native_string_split_onto(Worker *worker, u64 *args) { return cut_up(worker, args, 2, next_split); }

static bool next_line(Worker *worker, Str s, Str separator, Cut *cut) {
  u64 at = cut->find.at, end = s.len - at < WORK_BYTES ? s.len : at + WORK_BYTES;
  const char *newline = at < end ? memchr(s.ptr + at, '\n', end - at) : NULL;
  u64 next = cut->find.at = newline ? (u64)(newline - s.ptr) + 1 : end;
  charge_bytes(worker, next - at);
  if (!newline && end < s.len) return false;
  u64 to = newline ? next - 1 : s.len;
  if (newline && to > cut->from && s.ptr[to - 1] == '\r') to--;
  if (cut->from < s.len) return piece(cut, to, next, next == s.len);
  cut->last = true;
  return false;
}

bool native_string_lines_onto(Worker *worker, u64 *args) { return cut_up(worker, args, 1, next_line); }

static bool next_word(Worker *worker, Str s, Str separator, Cut *cut) {
  u64 at = cut->find.at, begin = at;
  bool found = false;
  for (u32 i = 0; i < WORK_ITEMS && at < s.len && !found; i++) {
    u32 bytes;
    bool blank = scalar_is_blank(scalar_at(s.ptr + at, &bytes));
    found = blank && at > cut->from;
    if (found) (void)piece(cut, at, at + bytes, false);
    else if (blank) cut->from = at + bytes;
    at += bytes;
  }
  charge_bytes(worker, 4 * (at - begin));
  cut->find.at = at;
  if (found || at < s.len) return found;
  cut->last = true;
  return s.len > cut->from && piece(cut, s.len, s.len, true);
}

bool native_string_words_onto(Worker *worker, u64 *args) { return cut_up(worker, args, 1, next_word); }

static bool next_char(Worker *worker, Str s, Str separator, Cut *cut) {
  cut->last = cut->from == s.len;
  if (cut->last) return false;
  u64 to = cut->from + scalar_bytes((u8)s.ptr[cut->from]);
  return piece(cut, to, to, to == s.len);
}

bool native_string_chars_onto(Worker *worker, u64 *args) { return cut_up(worker, args, 1, next_char); }

static bool next_grapheme(Worker *worker, Str s, Str separator, Cut *cut) {
  u64 at = cut->find.at;
  bool found = false;
  u32 scalars = 0;
  for (; scalars < WORK_ITEMS && at < s.len && !found; scalars++) {
    u32 bytes, scalar = scalar_at(s.ptr + at, &bytes);
    found = at > 0 && utf8proc_grapheme_break_stateful((utf8proc_int32_t)cut->before, (utf8proc_int32_t)scalar, &cut->state);
    if (found) (void)piece(cut, at, at, false);
    cut->before = scalar;
    at += bytes;
  }
  worker->reductions -= scalars / 4;
  cut->find.at = at;
  if (found || at < s.len) return found;
  cut->last = true;
  return s.len > cut->from && piece(cut, s.len, s.len, true);
}

bool native_string_graphemes_onto(Worker *worker, u64 *args) { return cut_up(worker, args, 1, next_grapheme); }

// From the end: the list so far is in kept[1], what comes before it ends at `at`.
bool native_string_codes_onto(Worker *worker, u64 *args) {
  const Work *work = work_begun(worker);
  u64 at = work ? work->at : arg_text(args[0]).len;
  if (work) args[1] = work->kept[1];
  while (at > 0) {
    if (!heap_reserve(worker, 3 * WORK_ITEMS)) return fault_memory(worker);
    Str s = arg_text(args[0]);
    Val list = args[1];
    for (u32 i = 0; i < WORK_ITEMS && at > 0; i++) {
      do at--;
      while (!byte_starts_scalar(s.ptr[at]));
      u32 bytes;
      list = build_cons(worker, val_from_small(scalar_at(s.ptr + at, &bytes)), list);
    }
    args[1] = list;
    worker->reductions -= WORK_ITEMS / 8;
    if (!at || !work_is_over(worker)) continue;
    Work *record = work_record(worker);
    if (record) record->at = at;
    return record && work_pause_kept(worker, VAL_EMPTY, list);
  }
  args[0] = args[1];
  return work_end(worker);
}
