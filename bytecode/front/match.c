// Exhaustiveness and reachability of patterns, after Maranget ("Warnings for pattern matching", 2007). See match.h.
//
// The patterns of the arms above form the rows of a matrix; a vector of patterns is useful if some value matches it and no
// row. An arm that is not useful can't be reached; a match is exhaustive if the wildcard is not useful, and the value
// found on the way is the example to show. The first column is split into cases (a constructor, a length of list, an
// interval of numbers, a text), such that a row's head takes all of a case or nothing of it; the question is then asked
// again for the rows that fit, with the parts of the head in its place.
//
// A match of nothing but numbers or texts, which may have thousands of arms, is judged by sorting them instead.
//
// A row is a list of cells, one a column. Where all that is left of it is wild, it is NULL, however many columns are left.
#include "bytecode/front/match.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
  STEP_LIMIT = 20000000,  // rows looked at in one question
  DEPTH_LIMIT = 3000,     // columns taken apart one inside another: bounds the C stack
};

typedef struct Cell {
  Pat *pat;            // NULL: wild
  struct Cell *next;
} Cell;

typedef VEC(Cell *) Rows;
typedef VEC(Str) Witness;  // the example found, the first column last

typedef struct Matcher {
  u64 steps;
  u32 depth;
  bool exhausted;  // a limit was hit; the answer means nothing
} Matcher;

typedef enum CaseKind { CASE_BOOL, CASE_TUPLE, CASE_CTOR, CASE_LIST, CASE_NUMBER, CASE_TEXT } CaseKind;

// The cases that the heads of a column tell apart.
typedef struct Column {
  CaseKind kind;
  Pat *sample;            // a head: gives the type, and how its constructors are qualified here
  u32 count;              // of cases
  u32 prefix, suffix;     // LIST: items seen from either end in the last case, which stands for that length or more
  VEC(i64) starts;        // NUMBER: where each interval begins, ascending; the first is the smallest number
  VEC(const Name *) texts;  // TEXT: each one a case; the last case is any other
} Column;

// ---- Patterns -------------------------------------------------------------------------------------------------------

static Pat *bare(Pat *pat) {
  while (pat && pat->kind == PAT_AT) pat = pat->items.items[0];
  return !pat || pat->kind == PAT_WILD || pat->kind == PAT_NAME ? NULL : pat;
}

// Doubles as integers in the language's total order: NaN last, -0.0 and 0.0 the same.
static i64 float_key(double real) {
  if (real != real) return INT64_MAX;
  if (real == 0) real = 0;
  i64 bits;
  memcpy(&bits, &real, sizeof bits);
  return bits < 0 ? INT64_MIN - bits : bits;
}

static i64 number_key(const Pat *pat) { return pat->kind == PAT_FLOAT ? float_key(pat->real) : pat->number; }

static bool is_number(const Pat *pat) { return pat->kind == PAT_INT || pat->kind == PAT_DURATION || pat->kind == PAT_FLOAT; }

// The interval of a number or range. False if it is empty, or no interval of numbers at all.
static bool interval_of(const Pat *pat, i64 *low, i64 *high) {
  if (is_number(pat)) {
    *low = *high = number_key(pat);
    return true;
  }
  if (pat->kind != PAT_RANGE || !is_number(pat->low) || !is_number(pat->high)) return false;
  *low = number_key(pat->low);
  *high = number_key(pat->high);
  if (!pat->inclusive) {
    if (*high == INT64_MIN) return false;
    --*high;
  }
  return *low <= *high;
}

static CaseKind case_kind(const Pat *pat) {
  switch (pat->kind) {
    case PAT_BOOL: return CASE_BOOL;
    case PAT_TUPLE: return CASE_TUPLE;
    case PAT_CTOR: return CASE_CTOR;
    case PAT_LIST: return CASE_LIST;
    case PAT_INT: case PAT_FLOAT: case PAT_DURATION: case PAT_RANGE: return CASE_NUMBER;
    case PAT_STRING: case PAT_BYTES: case PAT_WILD: case PAT_NAME: case PAT_AT: case PAT_OR: break;
  }
  return CASE_TEXT;
}

// A list pattern whose rest is matched with a pattern of its own, as one without: `[a, ..[b, ..c], d]` is `[a, b, ..c, d]`.
static Pat *list_spliced(Pat *outer, Pat *inner) {
  Pat *pat = gc_new(Pat);
  *pat = *outer;
  memset(&pat->items, 0, sizeof pat->items);
  for (u32 i = 0; i < outer->rest_at; i++) vec_push(&pat->items, outer->items.items[i]);
  for (u32 i = 0; i < inner->items.count; i++) vec_push(&pat->items, inner->items.items[i]);
  for (u32 i = outer->rest_at; i < outer->items.count; i++) vec_push(&pat->items, outer->items.items[i]);
  pat->has_rest = inner->has_rest;
  pat->rest_at = outer->rest_at + inner->rest_at;
  pat->rest = inner->rest;
  return pat;
}

static Pat *list_with_rest(Pat *list, Pat *rest) {
  Pat *pat = gc_new(Pat);
  *pat = *list;
  pat->rest = rest;
  return pat;
}

static Cell *cell(Pat *pat, Cell *next) {
  pat = bare(pat);
  if (!pat && !next) return NULL;
  Cell *made = gc_new(Cell);
  made->pat = pat;
  made->next = next;
  return made;
}

static Pat *head(const Cell *row) { return row ? row->pat : NULL; }

// A range of texts or Bools is not taken apart: what it takes is covered by nothing but wild patterns, and it covers nothing.
static bool is_whole(const Pat *pat) { return pat && pat->kind == PAT_RANGE && !is_number(pat->low); }

// Is there something for rows_add() to spread out?
static bool spreads(Pat *pat) { return pat && (pat->kind == PAT_OR || (pat->kind == PAT_LIST && pat->has_rest && bare(pat->rest))); }

// Adds the row with the alternatives of its head spread out, and the rest of a list in its head taken in.
static void rows_add(Matcher *m, Rows *rows, Cell *row) {
  m->steps++;
  Pat *pat = head(row);
  if (pat && pat->kind == PAT_OR) {
    for (u32 i = 0; i < pat->items.count; i++) rows_add(m, rows, cell(pat->items.items[i], row->next));
    return;
  }
  Pat *rest = pat && pat->kind == PAT_LIST && pat->has_rest ? bare(pat->rest) : NULL;
  if (rest && rest->kind == PAT_OR) {
    for (u32 i = 0; i < rest->items.count; i++) rows_add(m, rows, cell(list_with_rest(pat, rest->items.items[i]), row->next));
  } else if (rest && rest->kind == PAT_LIST) {
    rows_add(m, rows, cell(list_spliced(pat, rest), row->next));
  } else {
    vec_push(rows, row);
  }
}

// ---- Columns --------------------------------------------------------------------------------------------------------

static void add_start(Column *column, i64 start) { vec_push(&column->starts, start); }

static int compare_starts(const void *a, const void *b) {
  i64 x = *(const i64 *)a, y = *(const i64 *)b;
  return x < y ? -1 : x > y;
}

static void add_interval(Column *column, const Pat *pat) {
  i64 low, high;
  if (!interval_of(pat, &low, &high)) return;
  add_start(column, low);
  if (high != INT64_MAX) add_start(column, high + 1);
}

static void sort_starts(Column *column) {
  add_start(column, INT64_MIN);
  qsort(column->starts.items, column->starts.count, sizeof(i64), compare_starts);
  u32 kept = 1;
  for (u32 i = 1; i < column->starts.count; i++)
    if (column->starts.items[i] != column->starts.items[kept - 1]) column->starts.items[kept++] = column->starts.items[i];
  column->starts.count = column->count = kept;
}

static void column_numbers(Column *column, const Rows *rows, Pat *also) {
  for (u32 i = 0; i <= rows->count; i++) {
    Pat *pat = i < rows->count ? head(rows->items[i]) : also;
    if (pat) add_interval(column, pat);
  }
  sort_starts(column);
}

static void column_lists(Column *column, const Rows *rows, Pat *also) {
  u32 fixed = 0;  // one more than the longest pattern without `..`
  for (u32 i = 0; i <= rows->count; i++) {
    Pat *pat = i < rows->count ? head(rows->items[i]) : also;
    if (!pat || pat->kind != PAT_LIST) continue;
    if (!pat->has_rest) {
      if (pat->items.count + 1 > fixed) fixed = pat->items.count + 1;
      continue;
    }
    if (pat->rest_at > column->prefix) column->prefix = pat->rest_at;
    if (pat->items.count - pat->rest_at > column->suffix) column->suffix = pat->items.count - pat->rest_at;
  }
  if (column->prefix + column->suffix < fixed) column->prefix = fixed - column->suffix;
  column->count = column->prefix + column->suffix + 1;
}

static void column_texts(Column *column, const Rows *rows) {
  PtrMap seen = {0};
  for (u32 i = 0; i < rows->count; i++) {
    Pat *pat = head(rows->items[i]);
    if (!pat || is_whole(pat)) continue;
    const Name *text = name_of(pat->text);
    if (map_get(&seen, text)) continue;
    map_put(&seen, text, (void *)text);
    vec_push(&column->texts, text);
  }
  column->count = column->texts.count + 1;
}

static Column column_of(const Rows *rows, Pat *sample, Pat *also) {
  Column column = {.kind = case_kind(sample), .sample = sample};
  switch (column.kind) {
    case CASE_BOOL: column.count = 2; break;
    case CASE_TUPLE: column.count = 1; break;
    case CASE_CTOR: column.count = sample->ctor->owner->ctors.count; break;
    case CASE_LIST: column_lists(&column, rows, also); break;
    case CASE_NUMBER: column_numbers(&column, rows, also); break;
    case CASE_TEXT: column_texts(&column, rows); break;
  }
  return column;
}

static u32 case_arity(const Column *column, u32 which) {
  switch (column->kind) {
    case CASE_TUPLE: return column->sample->items.count;
    case CASE_CTOR: return column->sample->ctor->owner->ctors.items[which]->fields.count;
    case CASE_LIST: return which;
    case CASE_BOOL: case CASE_NUMBER: case CASE_TEXT: break;
  }
  return 0;
}

static bool case_takes(const Column *column, u32 which, const Pat *pat) {
  if (case_kind(pat) != column->kind) return false;
  switch (column->kind) {
    case CASE_BOOL: return pat->number == (i64)which;
    case CASE_TUPLE: return pat->items.count == column->sample->items.count;
    case CASE_CTOR: return pat->ctor->owner == column->sample->ctor->owner && pat->ctor->index == which;
    case CASE_LIST: return pat->has_rest ? which >= pat->items.count : which == pat->items.count && which + 1 < column->count;
    case CASE_NUMBER: {
      i64 low, high;
      return interval_of(pat, &low, &high) && low <= column->starts.items[which] && column->starts.items[which] <= high;
    }
    case CASE_TEXT: return which < column->texts.count && str_eq(pat->text, column->texts.items[which]->text);
  }
  return false;
}

// Puts the parts of a head that takes the case, or wild ones, before what follows it.
static Cell *case_open(const Column *column, u32 which, Pat *pat, Cell *next) {
  u32 arity = case_arity(column, which);
  if (!pat && !next) return NULL;
  for (u32 i = arity; i-- > 0;) {
    Pat *part = NULL;
    if (pat && column->kind == CASE_TUPLE) part = pat->items.items[i];
    if (pat && column->kind == CASE_CTOR) part = pat->by_field[i];
    if (pat && column->kind == CASE_LIST) {
      u32 items = pat->items.count, behind = arity - i;
      if (!pat->has_rest || i < pat->rest_at) part = pat->items.items[i];
      else if (behind <= items - pat->rest_at) part = pat->items.items[items - behind];
    }
    next = cell(part, next);
  }
  return next;
}

// ---- Examples -------------------------------------------------------------------------------------------------------

static Str duration_text(i64 us) {
  static const struct { i64 scale; const char *unit; } units[] = {{3600000000, "h"}, {60000000, "m"}, {1000000, "s"}, {1000, "ms"}, {1, "us"}};
  if (us == 0) return STR("0s");
  for (u32 i = 0; i < COUNT_OF(units); i++)
    if (us % units[i].scale == 0) return str_format("%" PRId64 "%s", us / units[i].scale, units[i].unit);
  return STR("_");
}

static Str number_text(const Column *column, u32 which) {
  const Pat *sample = column->sample->kind == PAT_RANGE ? column->sample->low : column->sample;
  i64 low = column->starts.items[which];
  i64 high = which + 1 < column->count ? column->starts.items[which + 1] - 1 : INT64_MAX;
  i64 value = low > 0 ? low : high < 0 ? high : 0;
  if (sample->kind == PAT_INT) return str_format("%" PRId64, value);
  if (sample->kind == PAT_DURATION) return duration_text(value);
  return STR("_");
}

static Str quoted_text(Str text, bool bytes) {
  Text out = {0};
  text_add(&out, bytes ? STR("b\"") : STR("\""));
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == '\n') {
      text_add(&out, STR("\\n"));
      continue;
    }
    if (strchr("\"\\{", text.ptr[i]) && text.ptr[i]) text_char(&out, '\\');
    text_char(&out, text.ptr[i]);
  }
  text_char(&out, '"');
  return text_str(&out);
}

// Takes the parts of the first column off the witness and puts the whole in their place.
static void witness_close(Witness *w, const Column *column, u32 which) {
  u32 arity = case_arity(column, which);
  Text out = {0};
  bool brackets = column->kind == CASE_LIST;
  switch (column->kind) {
    case CASE_BOOL: text_add(&out, which ? STR("true") : STR("false")); break;
    case CASE_NUMBER: text_add(&out, number_text(column, which)); break;
    case CASE_TEXT:
      if (which < column->texts.count) text_add(&out, quoted_text(column->texts.items[which]->text, column->sample->kind == PAT_BYTES));
      else text_add(&out, STR("_"));
      break;
    case CASE_CTOR:
      if (column->sample->module) text_printf(&out, "%.*s.", STR_ARG(column->sample->module->name->text));
      text_add(&out, column->sample->ctor->owner->ctors.items[which]->name.name->text);
      break;
    case CASE_TUPLE: case CASE_LIST: break;
  }
  bool parts = arity || brackets || column->kind == CASE_TUPLE;
  if (parts) text_char(&out, brackets ? '[' : '(');
  for (u32 i = 0; i < arity; i++) {
    if (i) text_add(&out, STR(", "));
    bool open = brackets && which + 1 == column->count && i == column->prefix;
    if (open) text_add(&out, STR(".., "));
    text_add(&out, w->items[w->count - 1 - i]);
  }
  if (brackets && which + 1 == column->count && column->prefix >= arity) text_add(&out, arity ? STR(", ..") : STR(".."));
  if (parts) text_char(&out, brackets ? ']' : ')');
  w->count -= arity;
  vec_push(w, text_str(&out));
}

// ---- Usefulness -----------------------------------------------------------------------------------------------------

static bool useful(Matcher *m, const Rows *given, Cell *row, u32 columns, Witness *w);

static bool useful_case(Matcher *m, const Rows *rows, Cell *row, u32 columns, const Column *column, u32 which, bool *by_default, Witness *w) {
  Rows fitting = {0};
  bool fits = false;
  for (u32 i = 0; i < rows->count; i++) {
    m->steps++;
    Pat *pat = head(rows->items[i]);
    if (pat && !case_takes(column, which, pat)) continue;
    fits |= pat != NULL;
    Cell *next = rows->items[i] ? rows->items[i]->next : NULL;
    vec_push(&fitting, case_open(column, which, pat, next));
  }
  // All cases that no head takes ask the same question: once is enough.
  if (!fits && *by_default) return false;
  *by_default |= !fits;
  Cell *opened = case_open(column, which, head(row), row ? row->next : NULL);
  if (!useful(m, &fitting, opened, columns - 1 + case_arity(column, which), w)) return false;
  witness_close(w, column, which);
  return true;
}

// The order in which cases are tried: numbers from 0 up, then from -1 down, so that the example is a natural one.
static u32 case_in_order(const Column *column, u32 i) {
  if (column->kind != CASE_NUMBER) return i;
  u32 zero = 0;
  while (zero + 1 < column->count && column->starts.items[zero + 1] <= 0) zero++;
  return zero + i < column->count ? zero + i : column->count - 1 - i;
}

static bool useful_cases(Matcher *m, const Rows *rows, Cell *row, u32 columns, Pat *sample, Witness *w) {
  Pat *asked = head(row);
  Column column = column_of(rows, sample, asked);
  bool by_default = false;
  for (u32 i = 0; i < column.count && !m->exhausted; i++) {
    u32 which = column.kind == CASE_NUMBER && !asked ? case_in_order(&column, i) : i;
    if (asked && !case_takes(&column, which, asked)) continue;
    if (useful_case(m, rows, row, columns, &column, which, &by_default, w)) return true;
  }
  return false;
}

// Only the rows whose head is wild say anything about the column.
static bool useful_wild(Matcher *m, const Rows *rows, Cell *row, u32 columns, Witness *w) {
  Rows popped = {0};
  for (u32 i = 0; i < rows->count; i++)
    if (!head(rows->items[i])) vec_push(&popped, rows->items[i] ? rows->items[i]->next : NULL);
  i64 low, high;
  Pat *asked = head(row);
  if (asked && asked->kind == PAT_RANGE && is_number(asked->low) && !interval_of(asked, &low, &high)) return false;
  if (!useful(m, &popped, row ? row->next : NULL, columns - 1, w)) return false;
  vec_push(w, STR("_"));
  return true;
}

// Does a head take the one number or text that `point` is?
static bool takes_point(const Pat *pat, const Pat *point) {
  i64 low, high;
  if (case_kind(pat) != case_kind(point)) return false;
  if (case_kind(point) == CASE_TEXT) return str_eq(pat->text, point->text);
  return interval_of(pat, &low, &high) && low <= number_key(point) && number_key(point) <= high;
}

// One number or text is asked for: only the rows whose head takes it matter.
static bool useful_point(Matcher *m, const Rows *rows, Cell *row, u32 columns, Witness *w) {
  Rows fitting = {0};
  for (u32 i = 0; i < rows->count; i++) {
    m->steps++;
    Pat *pat = head(rows->items[i]);
    if (pat && !takes_point(pat, row->pat)) continue;
    vec_push(&fitting, rows->items[i] ? rows->items[i]->next : NULL);
  }
  if (!useful(m, &fitting, row->next, columns - 1, w)) return false;
  vec_push(w, STR("_"));
  return true;
}

static bool useful_spread(Matcher *m, const Rows *rows, Cell *row, u32 columns, Witness *w) {
  Rows alternatives = {0};
  rows_add(m, &alternatives, row);
  if (alternatives.count > 1 || (alternatives.count && alternatives.items[0] != row)) {
    for (u32 i = 0; i < alternatives.count; i++)
      if (useful(m, rows, alternatives.items[i], columns, w)) return true;
    return false;
  }
  Pat *sample = NULL, *asked = head(row);
  for (u32 i = 0; i < rows->count && !sample; i++)
    if (!is_whole(head(rows->items[i]))) sample = head(rows->items[i]);
  if (!sample || is_whole(asked)) return useful_wild(m, rows, row, columns, w);
  if (asked && (is_number(asked) || case_kind(asked) == CASE_TEXT)) return useful_point(m, rows, row, columns, w);
  return useful_cases(m, rows, row, columns, sample, w);
}

// Is there a value of `columns` columns that `row` takes and none of the given rows? If so it is left in `w`.
static bool useful(Matcher *m, const Rows *given, Cell *row, u32 columns, Witness *w) {
  if (m->steps > STEP_LIMIT || m->depth > DEPTH_LIMIT) m->exhausted = true;
  if (m->exhausted) return false;
  if (!given->count && !row) {
    for (u32 i = 0; i < columns; i++) vec_push(w, STR("_"));
    return true;
  }
  for (u32 i = 0; i < given->count; i++)
    if (!given->items[i]) return false;
  if (!columns) return !given->count;
  m->depth++;
  Rows rows = {0};
  bool spread = false;
  for (u32 i = 0; i < given->count && !spread; i++) spread = spreads(head(given->items[i]));
  for (u32 i = 0; i < given->count && spread; i++) rows_add(m, &rows, given->items[i]);
  bool found = useful_spread(m, spread ? &rows : given, row, columns, w);
  m->depth--;
  return found;
}

// ---- Questions ------------------------------------------------------------------------------------------------------

// Has the checker understood the pattern? What it refused is not looked at again.
static bool understood(const Pat *pat) {
  if (!pat) return true;
  if (pat->kind == PAT_CTOR) {
    if (!pat->ctor || !pat->ctor->owner || (!pat->by_field && pat->ctor->fields.count)) return false;
    for (u32 i = 0; i < pat->ctor->fields.count; i++)
      if (!understood(pat->by_field[i])) return false;
  }
  if (pat->kind == PAT_RANGE) return understood(pat->low) && understood(pat->high);
  for (u32 i = 0; pat->kind != PAT_CTOR && i < pat_part_count(pat); i++)
    if (!understood(pat_part(pat, i))) return false;
  return true;
}

// Is it plain that the pattern takes every value? Alternatives are not looked into.
static bool takes_all(const Pat *pat) {
  if (!pat) return true;
  switch (pat->kind) {
    case PAT_WILD: case PAT_NAME: return true;
    case PAT_AT: case PAT_TUPLE: break;
    case PAT_LIST:
      if (!pat->has_rest || pat->items.count) return false;
      break;
    case PAT_CTOR:
      if (pat->ctor->owner->ctors.count > 1) return false;
      break;
    case PAT_INT: case PAT_FLOAT: case PAT_DURATION: case PAT_STRING: case PAT_BYTES: case PAT_BOOL: case PAT_RANGE: case PAT_OR: return false;
  }
  for (u32 i = 0; i < pat_part_count(pat); i++)
    if (!takes_all(pat_part(pat, i))) return false;
  return true;
}

bool match_irrefutable(Pat *pattern, Str *example) {
  *example = (Str){0};
  if (!understood(pattern) || takes_all(pattern)) return true;
  Matcher m = {0};
  Rows rows = {0};
  Witness w = {0};
  vec_push(&rows, cell(pattern, NULL));
  if (useful(&m, &rows, NULL, 1, &w)) *example = vec_last(&w);
  else if (!m.exhausted) return true;
  return false;
}

static Span keyword_span(const Expr *match) {
  u32 length = match->kind == EX_WHEN ? 4 : 5;
  return (Span){match->span.start, match->span.start + length};
}

static void unreachable_arm(ModuleAst *module, Expr *match, u32 arm, Diags *diags) {
  Diag *diag = diag_add(diags, DIAG_E0302, module->source, match->arms.items[arm].pattern->span, "this arm can't be reached");
  for (u32 i = 0; i < arm; i++) {
    Pat *above = match->arms.items[i].pattern;
    if (match->arms.items[i].guard || bare(above)) continue;
    diag_note(diag, module->source, above->span, "this arm takes every value");
    if (above->kind == PAT_NAME) diag_hint(diag, "a name with a small first letter binds whatever arrives");
    return;
  }
  diag_hint(diag, "the arms above take all that it would match");
}

static void too_complicated(ModuleAst *module, Expr *match, Diags *diags) {
  diag_add(diags, DIAG_E0503, module->source, keyword_span(match), "this %s is too complicated to be checked", match->kind == EX_WHEN ? "when" : "match");
}

static void report_missing(ModuleAst *module, Expr *match, Str example, Diags *diags) {
  Diag *diag = diag_add(diags, DIAG_E0301, module->source, keyword_span(match), "no arm takes `%.*s`", STR_ARG(example));
  if (str_eq(example, STR("_"))) diag_hint(diag, "add an arm `_ -> …` for all the rest");
  else diag_hint(diag, "add an arm `%.*s -> …`, or `_ -> …` for all the rest", STR_ARG(example));
}

// ---- Numbers and texts alone ----------------------------------------------------------------------------------------

// What the arms so far take, where every pattern is a number, a range of numbers or a text, or matches all.
typedef struct Plain {
  CaseKind kind;
  bool all;       // an arm took everything
  Column column;  // NUMBER: the intervals of all arms
  u32 *open;      // NUMBER: of each interval, itself if nothing takes it yet, else one further on that may be open
  PtrMap texts;   // TEXT: those taken
} Plain;

static const Pat *first_test(Pat *pat) {
  pat = bare(pat);
  for (u32 i = 0; pat && pat->kind == PAT_OR && i < pat->items.count; i++) {
    const Pat *test = first_test(pat->items.items[i]);
    if (test) return test;
  }
  return pat && pat->kind != PAT_OR ? pat : NULL;
}

static bool is_plain(Pat *pat, CaseKind kind) {
  pat = bare(pat);
  if (!pat) return true;
  if (pat->kind != PAT_OR)
    return case_kind(pat) == kind && (kind == CASE_TEXT || is_number(pat) || (is_number(pat->low) && is_number(pat->high)));
  for (u32 i = 0; i < pat->items.count; i++)
    if (!is_plain(pat->items.items[i], kind)) return false;
  return true;
}

static void add_intervals(Column *column, Pat *pat) {
  pat = bare(pat);
  for (u32 i = 0; pat && pat->kind == PAT_OR && i < pat->items.count; i++) add_intervals(column, pat->items.items[i]);
  if (!pat || pat->kind == PAT_OR) return;
  if (!column->sample) column->sample = pat;
  add_interval(column, pat);
}

// The interval that begins at `start`.
static u32 interval_at(const Column *column, i64 start) {
  u32 low = 0, high = column->count;
  while (high - low > 1) {
    u32 middle = low + (high - low) / 2;
    if (column->starts.items[middle] <= start) low = middle;
    else high = middle;
  }
  return low;
}

static u32 next_open(Plain *p, u32 at) {
  while (p->open[at] != at) at = p->open[at] = p->open[p->open[at]];
  return at;
}

// The intervals [*from, *until) of a number or range; none if it is empty.
static void intervals_of(const Plain *p, const Pat *pat, u32 *from, u32 *until) {
  i64 low, high;
  *from = *until = 0;
  if (!interval_of(pat, &low, &high)) return;
  *from = interval_at(&p->column, low);
  *until = high == INT64_MAX ? p->column.count : interval_at(&p->column, high + 1);
}

static bool plain_reached(Plain *p, Pat *pat) {
  pat = bare(pat);
  if (p->all) return false;
  if (!pat) return p->kind == CASE_TEXT || next_open(p, 0) < p->column.count;
  if (pat->kind == PAT_OR) {
    for (u32 i = 0; i < pat->items.count; i++)
      if (plain_reached(p, pat->items.items[i])) return true;
    return false;
  }
  if (p->kind == CASE_TEXT) return !map_get(&p->texts, name_of(pat->text));
  u32 from, until;
  intervals_of(p, pat, &from, &until);
  return from < until && next_open(p, from) < until;
}

static void plain_take(Plain *p, Pat *pat) {
  pat = bare(pat);
  if (!pat) {
    p->all = true;
  } else if (pat->kind == PAT_OR) {
    for (u32 i = 0; i < pat->items.count; i++) plain_take(p, pat->items.items[i]);
  } else if (p->kind == CASE_TEXT) {
    map_put(&p->texts, name_of(pat->text), p);
  } else {
    u32 from, until;
    intervals_of(p, pat, &from, &until);
    for (u32 i = next_open(p, from); i < until; i = next_open(p, i)) p->open[i] = i + 1;
  }
}

// A number that no arm takes, from 0 up, then from -1 down, as useful_cases() would find it.
static Str plain_example(Plain *p, const Expr *match) {
  Column column = {.kind = p->kind};
  for (u32 i = 0; i < match->arms.count && p->kind == CASE_NUMBER; i++)
    if (!match->arms.items[i].guard) add_intervals(&column, match->arms.items[i].pattern);
  if (!column.sample) return STR("_");
  sort_starts(&column);
  u32 zero = interval_at(&column, 0);
  for (u32 i = 0; i < column.count; i++) {
    u32 which = zero + i < column.count ? zero + i : column.count - 1 - i;
    u32 at = interval_at(&p->column, column.starts.items[which]);
    if (next_open(p, at) == at) return number_text(&column, which);
  }
  return (Str){0};
}

static bool is_taken(Plain *p) { return p->all || (p->kind == CASE_NUMBER && next_open(p, 0) >= p->column.count); }

// Judges a match whose arms hold nothing but numbers, or nothing but texts; false if it is another.
static bool plain_check(ModuleAst *module, Expr *match, Diags *diags) {
  const Pat *test = NULL;
  for (u32 i = 0; i < match->arms.count && !test; i++) test = first_test(match->arms.items[i].pattern);
  if (!test) return false;
  Plain p = {.kind = case_kind(test)};
  if (p.kind != CASE_NUMBER && p.kind != CASE_TEXT) return false;
  for (u32 i = 0; i < match->arms.count; i++)
    if (!is_plain(match->arms.items[i].pattern, p.kind)) return false;
  for (u32 i = 0; i < match->arms.count && p.kind == CASE_NUMBER; i++) add_intervals(&p.column, match->arms.items[i].pattern);
  sort_starts(&p.column);
  p.open = gc_alloc_data(sizeof *p.open * (p.column.count + 1));
  for (u32 i = 0; i <= p.column.count; i++) p.open[i] = i;
  for (u32 i = 0; i < match->arms.count; i++) {
    const Arm *arm = &match->arms.items[i];
    if (!plain_reached(&p, arm->pattern)) unreachable_arm(module, match, i, diags);
    else if (!arm->guard) plain_take(&p, arm->pattern);
  }
  if (!is_taken(&p)) report_missing(module, match, plain_example(&p, match), diags);
  return true;
}

// ---- Whole matches --------------------------------------------------------------------------------------------------

void match_check(ModuleAst *module, Expr *match, Diags *diags) {
  Matcher m = {0};
  Rows rows = {0};
  Witness w = {0};
  for (u32 i = 0; i < match->arms.count; i++)
    if (!understood(match->arms.items[i].pattern)) return;
  if (plain_check(module, match, diags)) return;
  for (u32 i = 0; i < match->arms.count; i++) {
    Cell *row = cell(match->arms.items[i].pattern, NULL);
    bool reached = useful(&m, &rows, row, 1, &w);
    if (m.exhausted) return too_complicated(module, match, diags);
    if (!reached) unreachable_arm(module, match, i, diags);
    else if (!match->arms.items[i].guard) vec_push(&rows, row);
  }
  w.count = 0;
  bool missing = useful(&m, &rows, NULL, 1, &w);
  if (m.exhausted) return too_complicated(module, match, diags);
  if (missing) report_missing(module, match, vec_last(&w), diags);
}
