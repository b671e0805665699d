// Source text of any value: what `show` and interpolation print, into the worker's scratch text.
//
// What is being printed is a stack of steps in blocks, not C frames: a list as long as memory or a tree as
// deep costs no C stack. The last element of a list, or the last part of a map's node, takes its step's place.
//
// A text that is not done when the slice is over is begun anew, with all that it needs in the turn's record (work.h): first nothing
// of the value may be young, so that the steps' pointers last. From then on each slice adds its text to a list of pieces; when all is
// shown they are copied into the string, in steps too. So a text never grows by being copied, whatever its length.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytecode/module.h"
#include "vm/code.h"
#include "vm/forward.h"
#include "vm/work.h"

typedef enum StepKind {
  STEP_FIELDS,  // of a tuple or data: `next` is the field, text closes with ")"
  STEP_LIST,    // `value` is the list from here on
  STEP_NODE,    // of a Map: `next` is 0 left part, 1 key, 2 value, 3 right part
  STEP_STRING,  // `value` is a long String or Bytes, shown up to `at`
  STEP_TEXT,    // closes what was opened
} StepKind;

typedef struct Step {
  StepKind kind;
  u8 next;
  bool first;   // LIST, NODE: nothing stands before it
  bool keys;    // NODE: of a Set, whose values are not shown
  u16 field;
  u16 count;
  const u8 *raw;
  Val value;
  u64 at;
  Str text;
} Step;

enum {
  ROOM = 64,
  BLOCK_STEPS = 32,
  STRING_PART = WORK_BYTES / 16,  // bytes of a string that are shown in one step
  PART_COST = WORK_BYTES / 64,    // so much is done between two looks at the clock: bytes, and STEP_COST for each step
  STEP_COST = 4,
  COST_PER_REDUCTION = 16,
};

// A part of the stack. Those above the top are kept for when it grows again.
typedef struct Block {
  struct Block *below, *above;
  u32 count;
  Step steps[BLOCK_STEPS];
} Block;

typedef struct Show {
  Worker *worker;
  Work *work;           // has the memory
  Block *top;
  Pieces pieces;        // what earlier slices have shown
  Block first;
} Show;

static bool add(Show *s, Str text) { return scratch_append(s->worker, text); }

static void *space(Show *s, size_t bytes) {
  Chunk *chunk = work_space(s->worker, s->work, (u32)(bytes / sizeof(u64)));
  return chunk ? chunk->words : NULL;
}

static Block *block_add(Show *s) {
  Block *above = s->top->above;
  if (!above) {
    if (!(above = space(s, sizeof *above))) return NULL;
    above->below = s->top;
    above->above = NULL;
    s->top->above = above;
  }
  above->count = 0;
  return s->top = above;
}

static Step *push(Show *s, Step step) {
  Block *top = s->top;
  if (UNLIKELY(top->count == BLOCK_STEPS) && !(top = block_add(s))) return NULL;
  top->steps[top->count] = step;
  return &top->steps[top->count++];
}

static void pop(Show *s) {
  if (!--s->top->count && s->top->below) s->top = s->top->below;
}

// ---- Numbers --------------------------------------------------------------------------------------------------------

// The shortest decimal digits that read back as |d|: no leading or trailing zeros, the point behind the first. Gives
// their count and the power of ten. d is finite and not 0. Numbers are written without a point, so that no locale
// meddles.
static bool reads_back(double d, const char *digits, int count, int exponent) {
  char text[ROOM];
  snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - (count - 1));
  return strtod(text, NULL) == d;
}

static int digits_of(double d, int precision, char digits[ROOM], int *exponent) {
  char text[ROOM];
  snprintf(text, sizeof text, "%.*e", precision - 1, d);
  int count = 0;
  char *at = text;
  for (; *at != 'e'; at++) {
    if (*at >= '0' && *at <= '9') digits[count++] = *at;
  }
  *exponent = atoi(at + 1);
  return count;
}

// One unit in the last of 16 places more: the shortest may be the farther neighbour where doubles get sparser, at
// powers of two.
static bool next_up(char *digits, int count) {
  for (int i = count - 1; i >= 0; i--) {
    if (digits[i] != '9') {
      digits[i]++;
      return true;
    }
    digits[i] = '0';
  }
  return false;
}

static int shortest(double d, char digits[ROOM], int *exponent) {
  bool tiny = d < 2.2250738585072014e-308;  // subnormal: fewer digits than 15 are exact
  int count = 0;
  bool found = false;
  for (int precision = tiny ? 1 : 15; precision <= 16 && !found; precision++) {
    count = digits_of(d, precision, digits, exponent);
    found = reads_back(d, digits, count, *exponent);
  }
  if (!found && next_up(digits, count)) found = reads_back(d, digits, count, *exponent);
  if (!found) count = digits_of(d, 17, digits, exponent);
  while (count > 1 && digits[count - 1] == '0') count--;
  return count;
}

void show_float(double d, char out[40]) {
  if (isnan(d)) {
    strcpy(out, "float.nan");
    return;
  }
  const char *sign = signbit(d) ? "-" : "";
  if (isinf(d) || d == 0) {
    snprintf(out, 40, "%s%s", sign, d == 0 ? "0.0" : "float.inf");
    return;
  }
  if (fabs(d) < 1e15 && d == (double)(i64)d) {
    snprintf(out, 40, "%lld.0", (long long)d);
    return;
  }
  char digits[ROOM];
  int exponent;
  int count = shortest(fabs(d), digits, &exponent);
  if (exponent >= 16 || exponent < -4) {
    snprintf(out, 40, "%s%c.%.*se%d", sign, digits[0], count > 1 ? count - 1 : 1, count > 1 ? digits + 1 : "0", exponent);
  } else if (exponent < 0) {
    snprintf(out, 40, "%s0.%.*s%.*s", sign, -exponent - 1, "000", count, digits);
  } else if (count > exponent + 1) {
    snprintf(out, 40, "%s%.*s.%.*s", sign, exponent + 1, digits, count - exponent - 1, digits + exponent + 1);
  } else {
    snprintf(out, 40, "%s%.*s%.*s.0", sign, count, digits, exponent + 1 - count, "000000000000000");
  }
}

static bool add_float(Show *s, double d) {
  char text[40];
  show_float(d, text);
  return add(s, str_from(text));
}

static bool add_int(Show *s, i64 n) {
  char text[ROOM], *at = text + ROOM;
  u64 left = n < 0 ? -(u64)n : (u64)n;
  do *--at = (char)('0' + left % 10);
  while (left /= 10);
  if (n < 0) *--at = '-';
  return add(s, (Str){at, (size_t)(text + ROOM - at)});
}

// In the largest unit that divides it.
static bool add_duration(Show *s, i64 us) {
  static const struct {
    i64 us;
    const char *name;
  } units[] = {{3600000000, "h"}, {60000000, "m"}, {1000000, "s"}, {1000, "ms"}, {1, "us"}};
  if (us == 0) return add(s, STR("0s"));
  u32 i = 0;
  while (us % units[i].us) i++;
  return add_int(s, us / units[i].us) && add(s, str_from(units[i].name));
}

// 2024-02-29T12:00:00Z, with as many decimals as it takes. Days are counted in eras of 400 years that begin with March.
static bool add_time(Show *s, i64 us) {
  i64 seconds = us / 1000000, fraction = us % 1000000;
  if (fraction < 0) {
    fraction += 1000000;
    seconds--;
  }
  i64 days = seconds / 86400, second = seconds % 86400;
  if (second < 0) {
    second += 86400;
    days--;
  }
  days += 719468;  // from 0000-03-01
  i64 era = (days >= 0 ? days : days - 146096) / 146097, day = days - era * 146097;
  i64 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  day -= 365 * year + year / 4 - year / 100;
  i64 month = (5 * day + 2) / 153;
  day -= (153 * month + 2) / 5 - 1;
  month += month < 10 ? 3 : -9;
  year += era * 400 + (month <= 2);
  char text[ROOM];
  int length = snprintf(text, sizeof text, "%s%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%06lld", year < 0 ? "-" : "",
                        (long long)(year < 0 ? -year : year), (long long)month, (long long)day, (long long)(second / 3600),
                        (long long)(second / 60 % 60), (long long)(second % 60), (long long)fraction);
  while (text[length - 1] == '0') length--;
  if (text[length - 1] == '.' || fraction == 0) length = (int)(strchr(text, '.') - text);
  return add(s, (Str){text, (size_t)length}) && add(s, STR("Z"));
}

// ---- Text -----------------------------------------------------------------------------------------------------------

// The escape of a byte that both String and Bytes literals know, or NULL.
static const char *escape_of(char c) {
  switch (c) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    case '"': return "\\\"";
    case '\\': return "\\\\";
    default: return NULL;
  }
}

// Length of the control character at the beginning of s (C0, DEL, or C1 in UTF-8), 0 if there is none; *code is its number.
static u32 control_at(Str s, u32 *code) {
  u8 c = (u8)s.ptr[0];
  *code = c;
  if (c < 0x20 || c == 0x7f) return 1;
  if (c != 0xc2 || s.len < 2 || (u8)s.ptr[1] >= 0xa0) return 0;
  *code = (u8)s.ptr[1];
  return 2;
}

// The text's bytes from *at until `end`, or one more if a character ends there.
static bool add_characters(Show *s, Str text, u64 *at, u64 end) {
  u64 plain = *at, i = plain;  // from `plain` on nothing was added yet
  while (i < end) {
    char escaped[ROOM];
    u32 code, length = control_at((Str){text.ptr + i, text.len - i}, &code);
    const char *escape = escape_of(text.ptr[i]);
    if (escape) snprintf(escaped, sizeof escaped, "%s", escape);
    else if (text.ptr[i] == '{') strcpy(escaped, "\\{");
    else if (length && !code) strcpy(escaped, "\\0");
    else if (length) snprintf(escaped, sizeof escaped, "\\u{%x}", code);
    else {
      i++;
      continue;
    }
    if (!add(s, (Str){text.ptr + plain, i - plain}) || !add(s, str_from(escaped))) return false;
    i += length ? length : 1;
    plain = i;
  }
  *at = i;
  return add(s, (Str){text.ptr + plain, i - plain});
}

static bool add_bytes(Show *s, Str bytes, u64 *at, u64 end) {
  for (u64 i = *at; i < end; i++) {
    u8 c = (u8)bytes.ptr[i];
    const char *escape = escape_of((char)c);
    char text[8];
    if (escape) strcpy(text, escape);
    else snprintf(text, sizeof text, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
    if (!add(s, str_from(text))) return false;
  }
  *at = end;
  return true;
}

// String or Bytes, a part at a time.
static bool string_step(Show *s, Step *step) {
  const Obj *obj = val_obj(step->value);
  Str text = obj_bytes(obj);
  u64 end = text.len - step->at < STRING_PART ? text.len : step->at + STRING_PART;
  if (!(obj_kind(obj) == KIND_STRING ? add_characters : add_bytes)(s, text, &step->at, end)) return false;
  if (step->at < text.len) return true;
  pop(s);
  return add(s, STR("\""));
}

static bool enter_string(Show *s, Val v) {
  Step step = {.kind = STEP_STRING, .value = v};
  if (!add(s, val_is_kind(v, KIND_STRING) ? STR("\"") : STR("b\""))) return false;
  Step *pushed = push(s, step);
  return pushed && string_step(s, pushed);
}

static bool add_named(Show *s, Str name) { return add(s, STR("<")) && add(s, name) && add(s, STR(">")); }

// ---- Values ---------------------------------------------------------------------------------------------------------

static bool enter_map(Show *s, Val map, bool keys) {
  if (!val_is_pointer(map)) return add(s, keys ? STR("[]") : STR("[:]"));
  return add(s, STR("[")) && push(s, (Step){.kind = STEP_TEXT, .text = STR("]")}) &&
         push(s, (Step){.kind = STEP_NODE, .value = map, .first = true, .keys = keys});
}

static bool enter_data(Show *s, Obj *obj) {
  const Desc *desc = desc_of(header_info(obj->header));
  switch ((Role)desc->role) {
    case ROLE_MAP: return enter_map(s, obj_val(obj), false);
    case ROLE_SET:
      return add(s, STR("set.from(")) && push(s, (Step){.kind = STEP_TEXT, .text = STR(")")}) &&
             enter_map(s, obj->words[0], true);
    case ROLE_RANGE: return add_int(s, (i64)obj->words[0]) && add(s, STR("..")) && add_int(s, (i64)obj->words[1]);
    case ROLE_PLAIN: break;
  }
  if (desc->opaque) return add_named(s, desc->type_name);
  Step fields = {.kind = STEP_FIELDS, .value = obj_val(obj), .count = desc->field_count};
  if (desc->any_raw) fields.raw = desc->raw;
  return add(s, desc->name) && add(s, STR("(")) && push(s, fields);
}

static bool add_const(Show *s, Val v) {
  if (const_desc(v)) {
    const Desc *desc = desc_of(const_desc(v));
    if (desc->role == ROLE_MAP) return enter_map(s, v, false);
    return desc->opaque ? add_named(s, desc->type_name) : add(s, desc->name);
  }
  if (v == VAL_UNIT) return add(s, STR("()"));
  if (v == VAL_NIL) return add(s, STR("[]"));
  return add(s, v == VAL_TRUE ? STR("true") : STR("false"));
}

// Adds a value's text, or its beginning and a step for the rest.
static bool enter(Show *s, Val v) {
  if (val_is_int(v)) return add_int(s, val_small(v));
  if (val_is_const(v)) return add_const(s, v);
  if (v == VAL_EMPTY) return add(s, STR("<empty>"));
  Obj *obj = val_obj(v);
  switch (obj_kind(obj)) {
    case KIND_INT: return add_int(s, (i64)obj->words[0]);
    case KIND_FLOAT: return add_float(s, word_double(obj->words[0]));
    case KIND_STRING: case KIND_BYTES: case KIND_BLOB: return enter_string(s, v);
    case KIND_DURATION: return add_duration(s, (i64)obj->words[0]);
    case KIND_TIME: return add_time(s, (i64)obj->words[0]);
    case KIND_CONS: return add(s, STR("[")) && push(s, (Step){.kind = STEP_LIST, .value = v, .first = true});
    case KIND_TUPLE:
      return add(s, STR("(")) && push(s, (Step){.kind = STEP_FIELDS, .value = v, .count = header_aux(obj->header)});
    case KIND_DATA: return enter_data(s, obj);
    case KIND_CLOSURE: return add(s, STR("<fn>"));
    case KIND_REF: return add_named(s, reference_name(obj));
    case KIND_PROMISE: return add(s, STR("<Promise>"));
    case KIND_BUF: return add(s, STR("<Buf>"));
    case KIND_ARRAY: return add(s, STR("<Array>"));
    case KIND_SHARED: case KIND_NONE: case KIND_COUNT: break;
  }
  BUG("showing an object of kind %d", obj_kind(obj));
}

// A step is advanced before its value is entered, whose own steps come before it.
static bool fields_step(Show *s, Step *step) {
  if (step->field == step->count) {
    pop(s);
    return add(s, STR(")"));
  }
  u16 i = step->field++;
  u64 word = val_obj(step->value)->words[i];
  u8 raw = step->raw ? step->raw[i] : 0;
  if (i > 0 && !add(s, STR(", "))) return false;
  if (raw) return raw == 1 ? add_int(s, (i64)word) : add_float(s, word_double(word));
  return enter(s, word);
}

static bool list_step(Show *s, Step *step) {
  if (!val_is_pointer(step->value)) {
    pop(s);
    return add(s, STR("]"));
  }
  bool first = step->first;
  Val head = cons_head(step->value);
  step->first = false;
  step->value = cons_tail(step->value);
  return (first || add(s, STR(", "))) && enter(s, head);
}

static bool node_step(Show *s, Step *step) {
  const u64 *bin = val_obj(step->value)->words;
  bool left = val_is_pointer(bin[BIN_LEFT]);
  switch (step->next++) {
    case 0: {
      Step part = {.kind = STEP_NODE, .value = bin[BIN_LEFT], .first = step->first, .keys = step->keys};
      return !left || push(s, part);
    }
    case 1: return ((step->first && !left) || add(s, STR(", "))) && enter(s, bin[BIN_KEY]);
    case 2: return step->keys || (add(s, STR(": ")) && enter(s, bin[BIN_VALUE]));
    default:
      if (val_is_pointer(bin[BIN_RIGHT])) *step = (Step){.kind = STEP_NODE, .value = bin[BIN_RIGHT], .keys = step->keys};
      else pop(s);
      return true;
  }
}

static bool advance(Show *s) {
  Step *step = &s->top->steps[s->top->count - 1];
  switch (step->kind) {
    case STEP_FIELDS: return fields_step(s, step);
    case STEP_LIST: return list_step(s, step);
    case STEP_NODE: return node_step(s, step);
    case STEP_STRING: return string_step(s, step);
    case STEP_TEXT: {
      Str text = step->text;
      pop(s);
      return add(s, text);
    }
  }
  BUG("bad step %d", step->kind);
}

// ---- Running --------------------------------------------------------------------------------------------------------

static void begin(Show *s, Worker *worker, Work *work) {
  s->worker = worker;
  s->work = work;
  s->top = &s->first;
  s->pieces = (Pieces){0};
  s->first.below = s->first.above = NULL;
  s->first.count = 0;
  worker->text_length = 0;
}

static bool is_done(const Show *s) { return !s->top->count; }

// Goes on until all is shown, or the slice is over, if it may stop then. False when memory is out, or the text too long.
static bool run(Show *s, bool may_stop) {
  Worker *worker = s->worker;
  u64 charged = worker->text_length, steps = 0;
  while (!is_done(s)) {
    if (!advance(s)) return false;
    steps++;
    u64 cost = worker->text_length - charged + steps * STEP_COST;
    if (LIKELY(cost < PART_COST)) continue;
    worker->reductions -= (i64)(cost / COST_PER_REDUCTION);
    charged = worker->text_length;
    steps = 0;
    if (may_stop && work_is_over(worker)) return worker->text_length <= SCRATCH_LIMIT - s->pieces.length;
  }
  worker->reductions -= (i64)((worker->text_length - charged + steps * STEP_COST) / COST_PER_REDUCTION);
  return true;
}

// In one go, as far as the slice goes if it may stop: *done says whether that is all.
static bool show_here(Worker *worker, Val v, bool may_stop, bool *done) {
  Show s;
  Work own = {.payer = worker->account->bank};
  begin(&s, worker, &own);
  bool shown = enter(&s, v) && run(&s, may_stop);
  *done = is_done(&s);
  work_space_free(worker, &own);
  return shown;
}

bool val_show(Worker *worker, Val v) {
  bool done;
  return show_here(worker, v, false, &done);
}

// ---- In steps -------------------------------------------------------------------------------------------------------

// The beginning, once nothing of the value is young.
static Show *begin_still(Worker *worker, Work *work, const u64 *from) {
  if (!work_be_still(worker, work)) return NULL;
  Chunk *chunk = work_space(worker, work, sizeof(Show) / sizeof(u64));
  if (!chunk) return fault_memory(worker), NULL;
  Show *s = work->own = chunk->words;
  begin(s, worker, work);
  if (!enter(s, *from)) return fault_memory(worker), NULL;
  return s;
}

static bool show_on(Worker *worker, Work *work, const u64 *from, u64 *to) {
  Show *s = work->own;
  if (s) worker->text_length = 0;  // somebody else's
  else if (!(s = begin_still(worker, work, from))) return false;
  s->worker = worker;
  if (work->still) {
    if (!run(s, true) || !pieces_keep(&s->pieces, worker, work)) return fault_memory(worker);
    if (!is_done(s)) return work_pause(worker);
    work->still = false;
  }
  return pieces_join(&s->pieces, worker, to);
}

bool show_string(Worker *worker, const u64 *from, u64 *to) {
  Work *work = work_begun(worker);
  if (work) return show_on(worker, work, from, to);
  bool done;
  if (!show_here(worker, *from, true, &done)) return fault_memory(worker);
  if (done) return string_from(worker, (Str){worker->text, worker->text_length}, to);
  return work_record(worker) && work_pause(worker);
}
