// Reading module files: see docs/format.md. The reader refuses whatever the writer would have written otherwise, so that
// reading and writing a file gives the same bytes.
//
// It trusts nothing: every count is held against its limit and against the bytes that are left before anything is allocated,
// and after the first fault all reads give zero, so that the loops run dry. It checks the file's form only. What the indices
// mean is the verifier's business.
#include "bytecode/modfile_format.h"

static const char *const section_names[SECTION_END] = {
  [SECTION_STRINGS] = "strings",       [SECTION_MODULE] = "module",       [SECTION_IMPORTS] = "imports",
  [SECTION_TYPES] = "types",           [SECTION_TYPELISTS] = "typelists", [SECTION_DATAS] = "datas",
  [SECTION_INTERFACES] = "interfaces", [SECTION_FUNCTIONS] = "functions", [SECTION_ACTORS] = "actors",
  [SECTION_GLOBALS] = "globals",       [SECTION_CONSTANTS] = "constants", [SECTION_TESTS] = "tests",
  [SECTION_LINES] = "lines",           [SECTION_LOCALS] = "locals",
};

bool modfile_is_module(Str bytes) { return str_starts_with(bytes, STR("DEED")); }

// ---- Reading: the pieces --------------------------------------------------------------------------------------------

typedef struct Reader {
  const char *start;
  const char *at;
  const char *end;       // of the section being read
  const char *file_end;
  StringSet strings;
  u32 fresh;             // strings used so far: a file's strings stand in the order of their first use
  Module *module;
  Str *reason;
  bool failed;
} Reader;

static void fail(Reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(Reader *r, const char *format, ...) {
  if (r->failed) return;
  r->failed = true;
  Text text = {0};
  va_list args;
  va_start(args, format);
  text_vprintf(&text, format, args);
  va_end(args);
  text_printf(&text, " (at byte %zu)", (size_t)(r->at - r->start));
  *r->reason = text_str(&text);
}

static bool take_bytes(Reader *r, void *into, size_t count) {
  if (r->failed || (size_t)(r->end - r->at) < count) {
    fail(r, "the section ends too early");
    if (count) memset(into, 0, count);
    return false;
  }
  if (count) memcpy(into, r->at, count);
  r->at += count;
  return true;
}

static u8 take_u8(Reader *r) {
  u8 value;
  take_bytes(r, &value, sizeof value);
  return value;
}

static u32 take_u32(Reader *r) {
  u32 value;
  take_bytes(r, &value, sizeof value);
  return value;
}

static u64 take_u64(Reader *r) {
  u64 value;
  take_bytes(r, &value, sizeof value);
  return value;
}

static bool take_bool(Reader *r) {
  u8 value = take_u8(r);
  if (value > 1) fail(r, "a flag is %u, neither 0 nor 1", value);
  return value == 1;
}

// A count of things that take at least `size` bytes each; 0 after a fault.
static u32 take_count(Reader *r, u32 limit, size_t size, const char *what) {
  u32 count = take_u32(r);
  if (count > limit) fail(r, "%u %s, more than the limit of %u", count, what, limit);
  else if (count > (size_t)(r->end - r->at) / size) fail(r, "%u %s do not fit in the rest of the section", count, what);
  return r->failed ? 0 : count;
}

static Str take_str(Reader *r) {
  u32 row = take_u32(r);
  if (r->failed) return (Str){"", 0};
  if (row > r->fresh || row >= r->strings.strings.count) {
    fail(r, "string %u is used before string %u", row, r->fresh);
    return (Str){"", 0};
  }
  if (row == r->fresh) r->fresh++;
  return r->strings.strings.items[row];
}

static const u32 *take_ids(Reader *r, u32 count) {
  if (!count) return NULL;
  u32 *ids = gc_alloc_data(count * sizeof *ids);
  take_bytes(r, ids, count * sizeof *ids);
  return ids;
}

static Generics take_generics(Reader *r) {
  u32 count = take_count(r, LIMIT_TYPE_ARGS, 1, "type parameters");
  u8 *constraints = gc_alloc_data(count + 1);
  take_bytes(r, constraints, count);
  bool any = false;
  for (u32 i = 0; i < count; i++) any |= constraints[i] != 0;
  return (Generics){count, any ? constraints : NULL};
}

static const Field *take_fields(Reader *r, u32 *count, const char *what) {
  *count = take_count(r, LIMIT_PARAMS, 8, what);
  Field *fields = gc_array(Field, *count);
  for (u32 i = 0; i < *count && !r->failed; i++) {
    fields[i].name = take_str(r);
    fields[i].type = take_u32(r);
  }
  return fields;
}

// ---- Reading: the sections ------------------------------------------------------------------------------------------

static void take_strings(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 4, "strings");
  for (u32 i = 0; i < count && !r->failed; i++) {
    u32 length = take_u32(r);
    if (length > (size_t)(r->end - r->at)) fail(r, "a string of %u bytes does not fit in the rest of the section", length);
    if (r->failed) return;
    if (string_set_row(&r->strings, str_dup((Str){r->at, length})) != i) fail(r, "a string stands in the table twice");
    r->at += length;
  }
}

static void take_module(Reader *r) {
  r->module->name = take_str(r);
  r->module->source_path = take_str(r);
  r->module->source_hash = take_u64(r);
  r->module->main = take_u32(r);
}

static void take_imports(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 12, "imports");
  for (u32 i = 0; i < count && !r->failed; i++) {
    Import *import = vec_add(&r->module->imports);
    import->module = take_str(r);
    import->hash = take_u64(r);
  }
}

static void take_types(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 9, "types");
  for (u32 i = 0; i < count && !r->failed; i++) {
    Type *type = vec_add(&r->module->types);
    u8 kind = take_u8(r);
    if (kind >= TYPE_KIND_COUNT) fail(r, "there is no kind of type %u", kind);
    type->kind = r->failed ? TYPE_UNIT : (TypeKind)kind;
    type->index = take_u32(r);
    type->count = take_count(r, LIMIT_TYPE_ARGS + 1, 4, "type arguments");
    type->args = take_ids(r, type->count);
  }
}

static void take_typelists(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 4, "type lists");
  for (u32 i = 0; i < count && !r->failed; i++) {
    TypeList *list = vec_add(&r->module->typelists);
    list->count = take_count(r, LIMIT_TYPE_ARGS, 4, "types in a list");
    list->items = take_ids(r, list->count);
  }
}

static void take_datas(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 19, "data types");
  for (u32 i = 0; i < count && !r->failed; i++) {
    DataDef *data = vec_add(&r->module->datas);
    data->name = take_str(r);
    data->import = take_u32(r);
    data->exported = take_bool(r);
    data->opaque = take_bool(r);
    data->declared = take_u8(r);
    data->generics = take_generics(r);
    data->ctor_count = take_count(r, LIMIT_CTORS, 8, "constructors");
    Ctor *ctors = gc_array(Ctor, data->ctor_count);
    data->ctors = ctors;
    for (u32 k = 0; k < data->ctor_count && !r->failed; k++) {
      ctors[k].name = take_str(r);
      ctors[k].fields = take_fields(r, &ctors[k].field_count, "fields");
    }
  }
}

static void take_interfaces(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 17, "interfaces");
  for (u32 i = 0; i < count && !r->failed; i++) {
    InterfaceDef *interface = vec_add(&r->module->interfaces);
    interface->name = take_str(r);
    interface->import = take_u32(r);
    interface->exported = take_bool(r);
    interface->generics = take_generics(r);
    interface->method_count = take_count(r, LIMIT_METHODS, 13, "methods");
    Method *methods = gc_array(Method, interface->method_count);
    interface->methods = methods;
    for (u32 k = 0; k < interface->method_count && !r->failed; k++) {
      methods[k].name = take_str(r);
      methods[k].params = take_fields(r, &methods[k].param_count, "parameters");
      methods[k].answers = take_bool(r);
      methods[k].answer = take_u32(r);
    }
  }
}

static void take_function(Reader *r, Function *f) {
  f->name = take_str(r);
  u8 kind = take_u8(r);
  if (kind >= FUNCTION_KIND_COUNT) fail(r, "there is no kind of function %u", kind);
  f->kind = r->failed ? FUNCTION_PLAIN : (FunctionKind)kind;
  f->import = take_u32(r);
  f->exported = take_bool(r);
  f->actor = take_u32(r);
  f->generics = take_generics(r);
  f->param_count = take_u32(r);
  f->capture_count = take_u32(r);
  f->result = take_u32(r);
  f->effects = take_u8(r);
  f->register_count = take_count(r, LIMIT_REGISTERS, 4, "registers");
  f->registers = take_ids(r, f->register_count);
  if (f->param_count > f->register_count) fail(r, "%u parameters in %u registers", f->param_count, f->register_count);
  if (f->param_count > LIMIT_PARAMS) fail(r, "%u parameters, more than the limit of %u", f->param_count, LIMIT_PARAMS);
  if (f->capture_count > f->param_count) fail(r, "%u captures among %u parameters", f->capture_count, f->param_count);
  if (take_bool(r)) {
    Str *names = gc_array(Str, f->param_count);
    for (u32 i = 0; i < f->param_count && !r->failed; i++) names[i] = take_str(r);
    f->param_names = names;
  }
  f->code_words = take_count(r, LIMIT_FUNCTION_WORDS, 8, "words of code");
  if (!f->code_words) return;
  u64 *code = gc_alloc_data((size_t)f->code_words * sizeof *code);
  take_bytes(r, code, (size_t)f->code_words * sizeof *code);
  f->code = code;
}

static void take_functions(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 40, "functions");
  for (u32 i = 0; i < count && !r->failed; i++) take_function(r, vec_add(&r->module->functions));
}

static void take_actor(Reader *r, ActorDef *actor) {
  actor->name = take_str(r);
  actor->import = take_u32(r);
  actor->exported = take_bool(r);
  actor->generics = take_generics(r);
  actor->params = take_fields(r, &actor->param_count, "parameters");
  actor->field_count = take_count(r, LIMIT_PARAMS, 9, "state fields");
  StateField *fields = gc_array(StateField, actor->field_count);
  for (u32 i = 0; i < actor->field_count && !r->failed; i++) {
    fields[i].name = take_str(r);
    fields[i].type = take_u32(r);
    fields[i].assignable = take_bool(r);
  }
  actor->fields = fields;
  actor->init = take_u32(r);
  actor->handler_count = take_count(r, LIMIT_METHODS, 12, "handlers");
  Handler *handlers = gc_array(Handler, actor->handler_count);
  for (u32 i = 0; i < actor->handler_count && !r->failed; i++) {
    handlers[i].name = take_str(r);
    handlers[i].function = take_u32(r);
    handlers[i].guard = take_u32(r);
  }
  actor->handlers = handlers;
  actor->implements_count = take_count(r, LIMIT_METHODS, 4, "implemented interfaces");
  Implements *implements = gc_array(Implements, actor->implements_count);
  actor->implements = implements;
  for (u32 i = 0; i < actor->implements_count && !r->failed; i++) {
    implements[i].interface = take_u32(r);
    u32 slots = implements_slots(r->module, actor, i);
    if (slots > (size_t)(r->end - r->at) / 4) fail(r, "%u slots do not fit in the rest of the section", slots);
    if (!r->failed) implements[i].handlers = take_ids(r, slots);
  }
}

static void take_actors(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 33, "actors");
  for (u32 i = 0; i < count && !r->failed; i++) take_actor(r, vec_add(&r->module->actors));
}

static void take_globals(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 17, "globals");
  for (u32 i = 0; i < count && !r->failed; i++) {
    Global *global = vec_add(&r->module->globals);
    global->name = take_str(r);
    global->import = take_u32(r);
    global->exported = take_bool(r);
    global->type = take_u32(r);
    global->function = take_u32(r);
  }
}

static void take_constants(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 5, "constants");
  for (u32 i = 0; i < count && !r->failed; i++) {
    Constant *constant = vec_add(&r->module->constants);
    u8 kind = take_u8(r);
    if (kind >= CONSTANT_KIND_COUNT) fail(r, "there is no kind of constant %u", kind);
    constant->kind = r->failed ? CONSTANT_INT : (ConstantKind)kind;
    switch (constant->kind) {
      case CONSTANT_INT: case CONSTANT_DURATION: constant->number = (i64)take_u64(r); break;
      case CONSTANT_FLOAT: take_bytes(r, &constant->real, 8); break;
      case CONSTANT_STRING: case CONSTANT_BYTES: constant->bytes = take_str(r); break;
      case CONSTANT_KIND_COUNT: break;
    }
  }
}

static void take_tests(Reader *r) {
  u32 count = take_count(r, LIMIT_TABLE, 8, "tests");
  for (u32 i = 0; i < count && !r->failed; i++) {
    TestDef *test = vec_add(&r->module->tests);
    test->name = take_str(r);
    test->function = take_u32(r);
  }
}

static void take_lines(Reader *r) {
  bool any = false;
  for (u32 i = 0; i < r->module->functions.count && !r->failed; i++) {
    Function *f = &r->module->functions.items[i];
    f->line_count = take_count(r, LIMIT_FUNCTION_WORDS, 8, "line entries");
    LineEntry *lines = gc_alloc_data(f->line_count * sizeof *lines);
    take_bytes(r, lines, f->line_count * sizeof *lines);
    f->lines = lines;
    any |= f->line_count > 0;
  }
  if (!any) fail(r, "the section is empty, and should not be there");
}

static void take_locals(Reader *r) {
  bool any = false;
  for (u32 i = 0; i < r->module->functions.count && !r->failed; i++) {
    Function *f = &r->module->functions.items[i];
    f->local_count = take_count(r, LIMIT_FUNCTION_WORDS, 16, "local names");
    LocalName *locals = gc_array(LocalName, f->local_count);
    for (u32 k = 0; k < f->local_count && !r->failed; k++) {
      locals[k].name = take_str(r);
      u32 reg = take_u32(r);
      if (reg > LIMIT_REGISTERS) fail(r, "there is no register %u", reg);
      locals[k].reg = (u16)reg;
      locals[k].from = take_u32(r);
      locals[k].until = take_u32(r);
    }
    f->locals = locals;
    any |= f->local_count > 0;
  }
  if (!any) fail(r, "the section is empty, and should not be there");
}

static void take_section(Reader *r, Section tag) {
  switch (tag) {
    case SECTION_STRINGS: take_strings(r); return;
    case SECTION_MODULE: take_module(r); return;
    case SECTION_IMPORTS: take_imports(r); return;
    case SECTION_TYPES: take_types(r); return;
    case SECTION_TYPELISTS: take_typelists(r); return;
    case SECTION_DATAS: take_datas(r); return;
    case SECTION_INTERFACES: take_interfaces(r); return;
    case SECTION_FUNCTIONS: take_functions(r); return;
    case SECTION_ACTORS: take_actors(r); return;
    case SECTION_GLOBALS: take_globals(r); return;
    case SECTION_CONSTANTS: take_constants(r); return;
    case SECTION_TESTS: take_tests(r); return;
    case SECTION_LINES: take_lines(r); return;
    case SECTION_LOCALS: take_locals(r); return;
    case SECTION_END: return;
  }
}

static void take_sections(Reader *r) {
  for (Section tag = SECTION_STRINGS; tag < SECTION_END && !r->failed; tag++) {
    r->end = r->file_end;
    bool optional = tag >= SECTION_LINES;
    u32 found = 0;
    if (r->file_end - r->at >= 4) memcpy(&found, r->at, 4);
    if (found != tag) {
      if (!optional) fail(r, "the section `%s` (%u) should begin here", section_names[tag], tag);
      continue;
    }
    r->at += 4;
    u32 length = take_u32(r);
    if (length > (size_t)(r->file_end - r->at)) fail(r, "the section `%s` runs past the end", section_names[tag]);
    if (r->failed) return;
    r->end = r->at + length;
    take_section(r, tag);
    if (r->at != r->end) fail(r, "the section `%s` is longer than what it holds", section_names[tag]);
  }
  r->end = r->file_end;
  if (r->at != r->file_end) fail(r, "bytes follow the last section");
  if (r->fresh != r->strings.strings.count) fail(r, "string %u is never used", r->fresh);
}

Module *modfile_read(Str bytes, Str *reason) {
  Reader r = {.start = bytes.ptr, .at = bytes.ptr, .end = bytes.ptr + bytes.len, .file_end = bytes.ptr + bytes.len, .reason = reason};
  r.module = gc_new(Module);
  u32 version = 0;
  u64 hash = 0;
  if (!modfile_is_module(bytes)) fail(&r, "this is no module file: it does not begin with DEED");
  if (bytes.len > LIMIT_MODULE_BYTES) fail(&r, "the module is larger than %u bytes", LIMIT_MODULE_BYTES);
  if (!r.failed) r.at += 4;
  version = take_u32(&r);
  if (version != FORMAT_VERSION) fail(&r, "the format's version is %u, and only %u is known", version, FORMAT_VERSION);
  hash = take_u64(&r);
  if (!r.failed && hash != modfile_content_hash(bytes)) fail(&r, "the content does not match its hash: the file is damaged");
  if (!r.failed) take_sections(&r);
  return r.failed ? NULL : r.module;
}
