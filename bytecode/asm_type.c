// Types and constants in the assembler's text. A type written in place is interned; rows of the type table are written with
// `type` (interned too) or `newtype` (always a new row, so that ill-formed tables can be written down).
#include "bytecode/asm_text.h"

enum { NESTING = 200 };  // of types in the text: more than the verifier allows, less than the C stack does

// A type whose parts are parsed, but which is no row yet.
typedef struct Shallow {
  TypeKind kind;
  u32 index;
  u32 count;
  TypeId args[LIMIT_TYPE_ARGS + 1];
} Shallow;

void asm_type_args(Asm *a, char close, u32 *count, TypeId *items) {
  *count = 0;
  if (asm_accept(a, close)) return;
  do {
    if (*count > LIMIT_TYPE_ARGS) {
      asm_fail(a, DIAG_E0603, asm_peek(a, 0), "there are more than %u types here", LIMIT_TYPE_ARGS + 1);
      return;
    }
    items[(*count)++] = asm_type(a);
  } while (!a->failed && asm_accept(a, ','));
  asm_expect(a, close);
}

// `T7`; false if the word is something else.
static bool variable_index(Str text, u32 *index) {
  if (text.len < 2 || text.len > 11 || text.ptr[0] != 'T') return false;
  u64 value = 0;
  for (size_t i = 1; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    value = value * 10 + (u64)(text.ptr[i] - '0');
  }
  if (value > UINT32_MAX || (text.ptr[1] == '0' && text.len > 2)) return false;
  *index = (u32)value;
  return true;
}

// raw KIND INDEX [args]: any row whatsoever.
static void parse_raw(Asm *a, Shallow *type) {
  type->kind = (TypeKind)asm_number(a, 0, TYPE_KIND_COUNT - 1);
  type->index = (u32)asm_number(a, 0, UINT32_MAX);
  if (asm_expect(a, '[')) asm_type_args(a, ']', &type->count, type->args);
}

static void parse_function(Asm *a, Shallow *type) {
  type->kind = TYPE_FN;
  if (!asm_expect(a, '(')) return;
  asm_type_args(a, ')', &type->count, type->args);
  const Token *arrow = asm_peek(a, 0);
  if (arrow->kind != TOKEN_ARROW) {
    asm_fail(a, DIAG_E0601, arrow, "`->` and the result's type are expected here");
    return;
  }
  asm_next(a);
  if (type->count > LIMIT_TYPE_ARGS) asm_fail(a, DIAG_E0603, arrow, "there are more than %u parameters here", LIMIT_TYPE_ARGS);
  TypeId result = asm_type(a);
  if (!a->failed) type->args[type->count++] = result;
}

static void parse_head(Asm *a, Shallow *type) {
  const Token *token = asm_peek(a, 0);
  if (token->kind == TOKEN_NAME) {
    if (variable_index(token->text, &type->index)) {
      type->kind = TYPE_VAR;
      asm_next(a);
      return;
    }
    for (TypeKind kind = 0; kind < TYPE_KIND_COUNT; kind++) {
      if (!type_kind_names[kind] || !str_eq(token->text, str_from(type_kind_names[kind]))) continue;
      type->kind = kind;
      asm_next(a);
      return;
    }
    bool numbered = asm_peek(a, 1)->kind == TOKEN_PUNCT && asm_peek(a, 1)->punct == '#';
    bool data = asm_at_word(a, "data");
    if (numbered && (data || asm_at_word(a, "interface"))) {
      type->kind = data ? TYPE_DATA : TYPE_REF;
      a->at += 2;
      type->index = (u32)asm_number(a, 0, UINT32_MAX);
      return;
    }
  }
  u32 row = asm_row(a, &a->types, "type");
  type->kind = row & 1 ? TYPE_REF : TYPE_DATA;
  type->index = row / 2;
}

// Everything but `#number`, which stands for a whole row.
static void parse_shallow(Asm *a, Shallow *type) {
  *type = (Shallow){.kind = TYPE_UNIT};
  if (asm_accept(a, '(')) {
    asm_type_args(a, ')', &type->count, type->args);
    if (type->count) type->kind = TYPE_TUPLE;
  } else if (asm_accept_word(a, "fn")) {
    parse_function(a, type);
  } else if (asm_accept_word(a, "raw")) {
    parse_raw(a, type);
  } else {
    parse_head(a, type);
    if (!a->failed && asm_accept(a, '[')) asm_type_args(a, ']', &type->count, type->args);
  }
}

TypeId asm_type(Asm *a) {
  if (a->failed) return 0;
  if (asm_accept(a, '#')) return (TypeId)asm_number(a, 0, UINT32_MAX);
  if (a->depth >= NESTING) {
    asm_fail(a, DIAG_E0603, asm_peek(a, 0), "types are nested deeper than %u here", NESTING);
    return 0;
  }
  a->depth++;
  Shallow type;
  parse_shallow(a, &type);
  a->depth--;
  return a->failed ? 0 : module_type(a->module, type.kind, type.index, type.count, type.args);
}

void asm_type_row(Asm *a, bool always_new) {
  Shallow type;
  parse_shallow(a, &type);
  if (a->failed) return;
  if (!always_new) {
    module_type(a->module, type.kind, type.index, type.count, type.args);
    return;
  }
  TypeId *args = gc_alloc_data(type.count * sizeof *args);
  if (type.count) memcpy(args, type.args, type.count * sizeof *args);
  vec_push(&a->module->types, ((Type){type.kind, type.index, type.count, args}));
}

TypeListId asm_typelist(Asm *a) {
  if (asm_accept(a, '<')) {
    u32 row = (u32)asm_number(a, 0, UINT32_MAX);
    asm_expect(a, '>');
    return row;
  }
  if (!asm_accept(a, '[')) return 0;
  u32 count;
  TypeId items[LIMIT_TYPE_ARGS + 1];
  asm_type_args(a, ']', &count, items);
  return a->failed ? 0 : module_typelist(a->module, count, items);
}

Constant asm_literal(Asm *a) {
  Constant constant = {.bytes = {"", 0}};
  const Token *token = asm_peek(a, 0);
  if (token->kind == TOKEN_STRING || token->kind == TOKEN_BYTES) {
    constant.kind = token->kind == TOKEN_STRING ? CONSTANT_STRING : CONSTANT_BYTES;
    constant.bytes = asm_next(a)->text;
    return constant;
  }
  bool negative = asm_at(a, '-');
  token = asm_peek(a, negative ? 1 : 0);
  if (token->kind == TOKEN_NUMBER && asm_float(token, negative, &constant.real)) {
    constant.kind = CONSTANT_FLOAT;
    a->at += negative ? 2 : 1;
    return constant;
  }
  constant.real = 0;
  constant.number = asm_number(a, INT64_MIN, INT64_MAX);
  constant.kind = asm_accept_word(a, "us") ? CONSTANT_DURATION : CONSTANT_INT;
  return constant;
}

u32 asm_constant(Asm *a) {
  if (asm_accept(a, '#')) return (u32)asm_number(a, 0, UINT32_MAX);
  Constant constant = asm_literal(a);
  return a->failed ? 0 : module_constant(a->module, constant);
}
