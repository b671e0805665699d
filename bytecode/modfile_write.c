// Writing module files: see docs/format.md. There is one way to write each module: equal modules give equal bytes.
#include "bytecode/modfile_format.h"

u64 modfile_content_hash(Str bytes) {
  u64 hash = 0x8f3f73b5cf1c9ade ^ bytes.len;
  for (size_t at = 0; at < bytes.len; at += 8) {
    if (at == HASH_AT) continue;
    u64 word = 0;
    memcpy(&word, bytes.ptr + at, bytes.len - at < 8 ? bytes.len - at : 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  hash *= 0xbf58476d1ce4e5b9u;
  return hash ^ hash >> 32;
}

static u32 *string_slot(StringSet *set, Str s) {
  u32 at = (u32)str_hash(s) & (set->capacity - 1);
  while (set->slots[at] && !str_eq(set->strings.items[set->slots[at] - 1], s)) at = (at + 1) & (set->capacity - 1);
  return &set->slots[at];
}

u32 string_set_row(StringSet *set, Str s) {
  if (set->strings.count * 2 >= set->capacity) {
    set->capacity = set->capacity ? set->capacity * 2 : 64;
    set->slots = gc_alloc_data(set->capacity * sizeof *set->slots);
    for (u32 i = 0; i < set->strings.count; i++) *string_slot(set, set->strings.items[i]) = i + 1;
  }
  u32 *slot = string_slot(set, s);
  if (!*slot) {
    vec_push(&set->strings, s);
    *slot = set->strings.count;
  }
  return *slot - 1;
}

// ---- The pieces -----------------------------------------------------------------------------------------------------

typedef struct Writer {
  Text out;
  StringSet strings;
  size_t section_at;  // where the open section's length belongs
} Writer;

static void put_bytes(Writer *w, const void *bytes, size_t count) { text_add(&w->out, (Str){bytes, count}); }
static void put_u8(Writer *w, u8 value) { put_bytes(w, &value, 1); }
static void put_u32(Writer *w, u32 value) { put_bytes(w, &value, 4); }
static void put_u64(Writer *w, u64 value) { put_bytes(w, &value, 8); }
static void put_ids(Writer *w, const u32 *ids, u32 count) { put_bytes(w, ids, (size_t)count * sizeof *ids); }
static void put_str(Writer *w, Str s) { put_u32(w, string_set_row(&w->strings, s)); }

static void section_begin(Writer *w, Section tag) {
  put_u32(w, tag);
  w->section_at = w->out.len;
  put_u32(w, 0);
}

static void section_end(Writer *w) {
  u32 length = (u32)(w->out.len - w->section_at - 4);
  memcpy(w->out.ptr + w->section_at, &length, 4);
}

static void put_generics(Writer *w, const Generics *generics) {
  put_u32(w, generics->count);
  for (u32 i = 0; i < generics->count; i++) put_u8(w, generics->constraints ? generics->constraints[i] : 0);
}

static void put_fields(Writer *w, const Field *fields, u32 count) {
  put_u32(w, count);
  for (u32 i = 0; i < count; i++) {
    put_str(w, fields[i].name);
    put_u32(w, fields[i].type);
  }
}

// ---- The sections ---------------------------------------------------------------------------------------------------

static void put_types(Writer *w, const Module *m) {
  section_begin(w, SECTION_TYPES);
  put_u32(w, m->types.count);
  for (u32 i = 0; i < m->types.count; i++) {
    const Type *type = &m->types.items[i];
    put_u8(w, (u8)type->kind);
    put_u32(w, type->index);
    put_u32(w, type->count);
    put_ids(w, type->args, type->count);
  }
  section_end(w);
  section_begin(w, SECTION_TYPELISTS);
  put_u32(w, m->typelists.count);
  for (u32 i = 0; i < m->typelists.count; i++) {
    put_u32(w, m->typelists.items[i].count);
    put_ids(w, m->typelists.items[i].items, m->typelists.items[i].count);
  }
  section_end(w);
}

static void put_datas(Writer *w, const Module *m) {
  section_begin(w, SECTION_DATAS);
  put_u32(w, m->datas.count);
  for (u32 i = 0; i < m->datas.count; i++) {
    const DataDef *data = &m->datas.items[i];
    put_str(w, data->name);
    put_u32(w, data->import);
    put_u8(w, data->exported);
    put_u8(w, data->opaque);
    put_u8(w, data->unique);
    put_u8(w, data->declared);
    put_generics(w, &data->generics);
    put_u32(w, data->ctor_count);
    for (u32 k = 0; k < data->ctor_count; k++) {
      put_str(w, data->ctors[k].name);
      put_fields(w, data->ctors[k].fields, data->ctors[k].field_count);
    }
  }
  section_end(w);
}

static void put_interfaces(Writer *w, const Module *m) {
  section_begin(w, SECTION_INTERFACES);
  put_u32(w, m->interfaces.count);
  for (u32 i = 0; i < m->interfaces.count; i++) {
    const InterfaceDef *interface = &m->interfaces.items[i];
    put_str(w, interface->name);
    put_u32(w, interface->import);
    put_u8(w, interface->exported);
    put_u8(w, interface->unique);
    put_generics(w, &interface->generics);
    put_u32(w, interface->method_count);
    for (u32 k = 0; k < interface->method_count; k++) {
      const Method *method = &interface->methods[k];
      put_str(w, method->name);
      put_fields(w, method->params, method->param_count);
      put_u8(w, method->answers);
      put_u32(w, method->answer);
    }
  }
  section_end(w);
}

static void put_functions(Writer *w, const Module *m) {
  section_begin(w, SECTION_FUNCTIONS);
  put_u32(w, m->functions.count);
  for (u32 i = 0; i < m->functions.count; i++) {
    const Function *f = &m->functions.items[i];
    put_str(w, f->name);
    put_u8(w, (u8)f->kind);
    put_u32(w, f->import);
    put_u8(w, f->exported);
    put_u32(w, f->actor);
    put_generics(w, &f->generics);
    put_u32(w, f->param_count);
    put_u32(w, f->capture_count);
    put_u32(w, f->result);
    put_u8(w, f->effects);
    put_u32(w, f->register_count);
    put_ids(w, f->registers, f->register_count);
    put_u8(w, f->lent != NULL);
    if (f->lent) put_bytes(w, f->lent, f->param_count);
    put_u8(w, f->param_names != NULL);
    for (u32 k = 0; f->param_names && k < f->param_count; k++) put_str(w, f->param_names[k]);
    put_u32(w, f->code_words);
    put_bytes(w, f->code, (size_t)f->code_words * sizeof *f->code);
  }
  section_end(w);
}

static void put_actors(Writer *w, const Module *m) {
  section_begin(w, SECTION_ACTORS);
  put_u32(w, m->actors.count);
  for (u32 i = 0; i < m->actors.count; i++) {
    const ActorDef *actor = &m->actors.items[i];
    put_str(w, actor->name);
    put_u32(w, actor->import);
    put_u8(w, actor->exported);
    put_generics(w, &actor->generics);
    put_fields(w, actor->params, actor->param_count);
    put_u32(w, actor->field_count);
    for (u32 k = 0; k < actor->field_count; k++) {
      put_str(w, actor->fields[k].name);
      put_u32(w, actor->fields[k].type);
      put_u8(w, actor->fields[k].assignable);
    }
    put_u32(w, actor->init);
    put_u32(w, actor->handler_count);
    for (u32 k = 0; k < actor->handler_count; k++) {
      put_str(w, actor->handlers[k].name);
      put_u32(w, actor->handlers[k].function);
      put_u32(w, actor->handlers[k].guard);
    }
    put_u32(w, actor->dropped);
    put_u32(w, actor->implements_count);
    for (u32 k = 0; k < actor->implements_count; k++) {
      put_u32(w, actor->implements[k].interface);
      put_ids(w, actor->implements[k].handlers, implements_slots(m, actor, k));
    }
  }
  section_end(w);
}

static void put_values(Writer *w, const Module *m) {
  section_begin(w, SECTION_GLOBALS);
  put_u32(w, m->globals.count);
  for (u32 i = 0; i < m->globals.count; i++) {
    const Global *global = &m->globals.items[i];
    put_str(w, global->name);
    put_u32(w, global->import);
    put_u8(w, global->exported);
    put_u32(w, global->type);
    put_u32(w, global->function);
  }
  section_end(w);
  section_begin(w, SECTION_CONSTANTS);
  put_u32(w, m->constants.count);
  for (u32 i = 0; i < m->constants.count; i++) {
    const Constant *constant = &m->constants.items[i];
    put_u8(w, (u8)constant->kind);
    switch (constant->kind) {
      case CONSTANT_INT: case CONSTANT_DURATION: put_u64(w, (u64)constant->number); break;
      case CONSTANT_FLOAT: put_bytes(w, &constant->real, 8); break;
      case CONSTANT_STRING: case CONSTANT_BYTES: put_str(w, constant->bytes); break;
      case CONSTANT_KIND_COUNT: break;
    }
  }
  section_end(w);
  section_begin(w, SECTION_TESTS);
  put_u32(w, m->tests.count);
  for (u32 i = 0; i < m->tests.count; i++) {
    put_str(w, m->tests.items[i].name);
    put_u32(w, m->tests.items[i].function);
  }
  section_end(w);
}

static void put_debug(Writer *w, const Module *m) {
  bool lines = false, locals = false;
  for (u32 i = 0; i < m->functions.count; i++) {
    lines |= m->functions.items[i].line_count > 0;
    locals |= m->functions.items[i].local_count > 0;
  }
  if (lines) {
    section_begin(w, SECTION_LINES);
    for (u32 i = 0; i < m->functions.count; i++) {
      const Function *f = &m->functions.items[i];
      put_u32(w, f->line_count);
      for (u32 k = 0; k < f->line_count; k++) {
        put_u32(w, f->lines[k].word);
        put_u32(w, f->lines[k].line);
      }
    }
    section_end(w);
  }
  if (locals) {
    section_begin(w, SECTION_LOCALS);
    for (u32 i = 0; i < m->functions.count; i++) {
      const Function *f = &m->functions.items[i];
      put_u32(w, f->local_count);
      for (u32 k = 0; k < f->local_count; k++) {
        put_str(w, f->locals[k].name);
        put_u32(w, f->locals[k].reg);
        put_u32(w, f->locals[k].from);
        put_u32(w, f->locals[k].until);
      }
    }
    section_end(w);
  }
}

Str modfile_write(const Module *m) {
  Writer body = {0};
  section_begin(&body, SECTION_MODULE);
  put_str(&body, m->name);
  put_str(&body, m->source_path);
  put_u64(&body, m->source_hash);
  put_u32(&body, m->main);
  section_end(&body);
  section_begin(&body, SECTION_IMPORTS);
  put_u32(&body, m->imports.count);
  for (u32 i = 0; i < m->imports.count; i++) {
    put_str(&body, m->imports.items[i].module);
    put_u64(&body, m->imports.items[i].hash);
  }
  section_end(&body);
  put_types(&body, m);
  put_datas(&body, m);
  put_interfaces(&body, m);
  put_functions(&body, m);
  put_actors(&body, m);
  put_values(&body, m);
  put_debug(&body, m);

  Writer file = {0};
  put_bytes(&file, "DEED", 4);
  put_u32(&file, FORMAT_VERSION);
  put_u64(&file, 0);
  section_begin(&file, SECTION_STRINGS);
  put_u32(&file, body.strings.strings.count);
  for (u32 i = 0; i < body.strings.strings.count; i++) {
    put_u32(&file, (u32)body.strings.strings.items[i].len);
    text_add(&file.out, body.strings.strings.items[i]);
  }
  section_end(&file);
  text_add(&file.out, text_str(&body.out));
  u64 hash = modfile_content_hash(text_str(&file.out));
  memcpy(file.out.ptr + HASH_AT, &hash, sizeof hash);
  return text_str(&file.out);
}
