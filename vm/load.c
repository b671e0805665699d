// Loading a verified module: its Image, and all that the engines want to find without looking.
//
// Order matters: descriptors, then empty Codes and Classes (so that functions can point at each other), constants, classes with their
// interface tables, drop plans, the linked code, and last the module's `let`s, which are computed by running code. Every table lies in
// image memory, which is freed as a whole. Names and declarations stay where the compiler made them; the list of roots below keeps the
// collector of the compiler's memory from taking them.
#include "vm/drop.h"
#include "vm/guard.h"
#include "vm/image.h"
#include "vm/memory.h"
#include "vm/step.h"

enum { BLOCK_BYTES = 64 * 1024 };

// Modules that images of this process point into.
static VEC(const Verified *) module_roots;

// Descriptors are numbered process-wide, so that a header tells its descriptor without knowing the VM.
static u32 desc_count, desc_capacity, desc_users;

// ---- Memory ---------------------------------------------------------------------------------------------------------

Images *images_new(void) {
  Images *images = memory_alloc(sizeof *images);
  if (!images) return NULL;
  *images = (Images){0};
  desc_users++;
  return images;
}

// A constant's chunk. Of what holds counts, constants may contain shared Bytes alone.
static void constants_free(Chunk *chunk) {
  for (u32 at = 0; chunk->counted && at < chunk->used;) {
    Obj *obj = (Obj *)(chunk->words + at);
    if (obj_kind(obj) == KIND_BLOB) storage_release(handle_storage(obj));
    at += header_words(obj->header);
  }
  memory_free(chunk, sizeof *chunk + chunk->capacity * sizeof(u64));
}

void images_free(Images *images) {
  if (!images) return;
  for (ImageBlock *block = images->blocks, *next; block; block = next) {
    next = block->next;
    memory_free(block, block->size);
  }
  for (Chunk *chunk = images->constants, *next; chunk; chunk = next) {
    next = chunk->next;
    constants_free(chunk);
  }
  memory_free(images, sizeof *images);
  itables_free();
  if (--desc_users) return;
  memory_free(desc_table, desc_capacity * sizeof *desc_table);
  desc_table = NULL;
  desc_count = desc_capacity = 0;
  module_roots.count = 0;
}

void *image_alloc(Images *images, size_t size) {
  size = (size + 15) & ~(size_t)15;
  ImageBlock *block = images->blocks;
  if (!block || block->size - sizeof *block - block->used < size) {
    size_t whole = sizeof *block + (size > BLOCK_BYTES ? size : BLOCK_BYTES);
    block = memory_alloc(whole);
    if (!block) return NULL;
    *block = (ImageBlock){.next = images->blocks, .size = whole};
    images->blocks = block;
  }
  void *result = (char *)block->bytes + block->used;
  block->used += size;
  return memset(result, 0, size);
}

// ---- Lookups --------------------------------------------------------------------------------------------------------

Image *images_last(const Images *images) { return images->last; }

Image *images_find(const Images *images, Str module) {
  for (Image *image = images->last; image; image = image->next) {
    if (str_eq(image->name, module)) return image;
  }
  return NULL;
}

const InterfaceDef *image_interface(const Image *image, u32 index) {
  const InterfaceDef *interface = &image->verified->module->interfaces.items[index];
  if (interface->import == IMPORT_NONE) return interface;
  const Image *home = image->imports[interface->import];
  return &home->verified->module->interfaces.items[image->verified->interface_home[index]];
}

const InterfaceDef *images_interface(const Images *images, Str module, Str name) {
  const Image *image = images_find(images, module);
  if (!image) return NULL;
  const Module *m = image->verified->module;
  for (u32 i = 0; i < m->interfaces.count; i++) {
    if (str_eq(m->interfaces.items[i].name, name)) return image_interface(image, i);
  }
  return NULL;
}

u32 well_known(Worker *worker, WellKnown which) { return worker->images->well_known[which]; }

Val build_well_known0(Worker *worker, WellKnown which) {
  const Desc *desc = desc_of(well_known(worker, which));
  return VAL_CONST(desc->id, desc->tag);
}

Val build_well_known1(Worker *worker, WellKnown which, Val field) {
  const Desc *desc = desc_of(well_known(worker, which));
  Obj *data = heap_take(worker, 2);
  data->header = OBJ_HEADER(KIND_DATA, desc->tag, desc->id);
  data->words[0] = field;
  return obj_val(data);
}

// ---- Loading --------------------------------------------------------------------------------------------------------

typedef struct Loader {
  Images *images;
  Image *image;
  const Verified *verified;
  const Module *module;
  Str *error;
} Loader;

static bool refuse(Loader *l, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(Loader *l, const char *format, ...) {
  Text text = {0};
  text_printf(&text, "module %.*s: ", STR_ARG(l->module->name));
  va_list args;
  va_start(args, format);
  text_vprintf(&text, format, args);
  va_end(args);
  *l->error = text_str(&text);
  return false;
}

static bool memory_refused(Loader *l) { return refuse(l, "memory is out"); }

#define NEW(l, T, n) image_new((l)->images, T, n)

// Opens the image and its tables; finds the images of its imports.
static bool open_image(Loader *l) {
  const Module *m = l->module;
  Image *image = l->image = NEW(l, Image, 1);
  if (!image) return memory_refused(l);
  image->verified = l->verified;
  image->name = m->name;
  image->codes = NEW(l, Code, m->functions.count);
  image->code_of = NEW(l, const Code *, m->functions.count);
  image->class_of = NEW(l, Class *, m->actors.count);
  image->desc_base = NEW(l, u32, m->datas.count);
  image->globals = NEW(l, Val, m->globals.count);
  image->constants = NEW(l, Val, m->constants.count);
  image->imports = NEW(l, const Image *, m->imports.count);
  if (!image->codes || !image->code_of || !image->class_of || !image->desc_base || !image->globals || !image->constants || !image->imports) {
    return memory_refused(l);
  }
  for (u32 i = 0; i < m->imports.count; i++) {
    Str name = m->imports.items[i].module;
    image->imports[i] = images_find(l->images, name);
    if (!image->imports[i]) return refuse(l, "its import %.*s is not loaded", STR_ARG(name));
  }
  return true;
}

// ---- Descriptors ----

static Role role_of(Str module, Str type) {
  if (str_eq(module, STR("range")) && str_eq(type, STR("Range"))) return ROLE_RANGE;
  if (str_eq(module, STR("map")) && str_eq(type, STR("Map"))) return ROLE_MAP;
  if (str_eq(module, STR("set")) && str_eq(type, STR("Set"))) return ROLE_SET;
  return ROLE_PLAIN;
}

static bool desc_add(Desc *desc) {
  if (desc_count + 1 >= desc_capacity && !memory_grow((void **)&desc_table, &desc_capacity, sizeof *desc_table, NULL)) return false;
  desc->id = ++desc_count;
  desc_table[desc->id] = desc;
  return true;
}

static bool make_desc(Loader *l, Desc *desc, const DataDef *data, u32 number) {
  const Ctor *ctor = &data->ctors[number];
  Str *names = NEW(l, Str, ctor->field_count);
  u8 *raw = NEW(l, u8, ctor->field_count);
  if (!names || !raw) return memory_refused(l);
  *desc = (Desc){.tag = (u16)number, .field_count = (u16)ctor->field_count, .ctor_count = (u16)data->ctor_count, .opaque = data->opaque};
  desc->role = role_of(l->module->name, data->name);
  desc->module = l->module->name;
  desc->type_name = data->name;
  desc->name = ctor->name;
  desc->field_names = names;
  desc->raw = raw;
  for (u32 i = 0; i < ctor->field_count; i++) {
    TypeKind kind = l->module->types.items[ctor->fields[i].type].kind;
    names[i] = ctor->fields[i].name;
    raw[i] = kind == TYPE_INT ? 1 : kind == TYPE_FLOAT ? 2 : 0;
    desc->any_raw |= raw[i] != 0;
  }
  return desc_add(desc) || memory_refused(l);
}

static bool make_descs(Loader *l) {
  const Module *m = l->module;
  for (u32 i = 0; i < m->datas.count; i++) {
    const DataDef *data = &m->datas.items[i];
    if (data->import != IMPORT_NONE) {
      l->image->desc_base[i] = l->image->imports[data->import]->desc_base[l->verified->data_home[i]];
      continue;
    }
    Desc *descs = NEW(l, Desc, data->ctor_count);
    if (!descs) return memory_refused(l);
    l->image->desc_base[i] = desc_count + 1;
    for (u32 c = 0; c < data->ctor_count; c++) {
      if (!make_desc(l, &descs[c], data, c)) return false;
    }
  }
  return true;
}

typedef struct WellKnownRow {
  Str module, type, ctor;
  u32 fields;
} WellKnownRow;
static const WellKnownRow well_known_rows[WK_COUNT] = {
#define WELL_KNOWN(name, module, type, ctor, fields) [WK_##name] = {{module, sizeof module - 1}, {type, sizeof type - 1}, {ctor, sizeof ctor - 1}, fields},
#include "vm/wellknown.def"
#undef WELL_KNOWN
};

// The descriptor of a constructor that the module declares; 0 if it declares none of that shape.
static u32 find_ctor(const Loader *l, const WellKnownRow *row) {
  for (u32 i = 0; i < l->module->datas.count; i++) {
    const DataDef *data = &l->module->datas.items[i];
    if (data->import != IMPORT_NONE || !str_eq(data->name, row->type)) continue;
    for (u32 c = 0; c < data->ctor_count; c++) {
      const Ctor *ctor = &data->ctors[c];
      if (str_eq(ctor->name, row->ctor) && ctor->field_count == row->fields) return l->image->desc_base[i] + c;
    }
  }
  return 0;
}

static bool find_well_known(Loader *l) {
  for (u32 i = 0; i < WK_COUNT; i++) {
    const WellKnownRow *row = &well_known_rows[i];
    if (!str_eq(row->module, l->module->name)) continue;
    u32 id = find_ctor(l, row);
    if (!id) return refuse(l, "%.*s.%.*s with %u fields is missing", STR_ARG(row->type), STR_ARG(row->ctor), row->fields);
    l->images->well_known[i] = id;
  }
  return true;
}

// ---- Constants of the pool ----

static Val constant_object(Loader *l, Kind kind, u32 info, const void *bytes, size_t size) {
  Obj *object = image_alloc(l->images, sizeof(Obj) + (size + 7) / 8 * 8);
  if (!object) return VAL_EMPTY;
  object->header = OBJ_HEADER(kind, 0, info) | (u64)OBJ_IMMORTAL << 8;
  memcpy(object->words, bytes, size);
  return obj_val(object);
}

static Val make_constant(Loader *l, const Constant *c) {
  switch (c->kind) {
    case CONSTANT_INT:
      return int_fits_val(c->number) ? val_from_small(c->number) : constant_object(l, KIND_INT, 0, &c->number, sizeof c->number);
    case CONSTANT_FLOAT: return constant_object(l, KIND_FLOAT, 0, &c->real, sizeof c->real);
    case CONSTANT_STRING: return constant_object(l, KIND_STRING, (u32)c->bytes.len, c->bytes.ptr, c->bytes.len);
    case CONSTANT_BYTES: return constant_object(l, KIND_BYTES, (u32)c->bytes.len, c->bytes.ptr, c->bytes.len);
    case CONSTANT_DURATION: return constant_object(l, KIND_DURATION, 0, &c->number, sizeof c->number);
    case CONSTANT_KIND_COUNT: break;
  }
  BUG("constant of kind %d", c->kind);
}

static bool make_constants(Loader *l) {
  for (u32 i = 0; i < l->module->constants.count; i++) {
    Val value = make_constant(l, &l->module->constants.items[i]);
    if (value == VAL_EMPTY) return memory_refused(l);
    l->image->constants[i] = value;
  }
  return true;
}

// ---- Functions ----

static const struct {
  const char *name;
  NativeFn function;
} natives[] = {
#define NATIVE(name, text, signature, effect, lent) {text, native_##name},
#include "bytecode/native.def"
#undef NATIVE
};

static NativeFn find_native(Str module, Str name) {
  for (u32 i = 0; i < COUNT_OF(natives); i++) {
    Str text = str_from(natives[i].name);
    if (text.len != module.len + 1 + name.len || !str_starts_with(text, module) || text.ptr[module.len] != '.') continue;
    if (str_eq((Str){text.ptr + module.len + 1, name.len}, name)) return natives[i].function;
  }
  return NULL;
}

// Which registers hold vals, and which of those must be cleared on entry.
static bool make_map(Loader *l, Code *code, const Function *f) {
  u64 *map = NEW(l, u64, (code->register_count + 63) / 64 + 1);
  if (!map) return memory_refused(l);
  u32 first = UINT32_MAX, end = 0;
  for (u32 i = 0; i < code->register_count; i++) {
    bool scratch = code->native && i >= f->param_count;
    if (!scratch && type_is_raw(l->module, f->registers[i])) continue;
    map[i / 64] |= (u64)1 << i % 64;
    if (i < f->param_count) continue;
    if (first == UINT32_MAX) first = i;
    end = i + 1;
  }
  code->val_map = map;
  code->first_cleared = (u16)(first == UINT32_MAX ? code->register_count : first);
  code->cleared_end = (u16)(end ? end : code->first_cleared);
  return true;
}

static bool make_code(Loader *l, Code *code, const Function *f) {
  TypeKind result = l->module->types.items[f->result].kind;
  if (f->kind == FUNCTION_NATIVE) {
    code->native = find_native(l->module->name, f->name);
    if (!code->native) return refuse(l, "this VM has no native %.*s", STR_ARG(f->name));
  }
  code->param_count = (u16)f->param_count;
  code->register_count = (u16)(code->native ? f->param_count + NATIVE_SCRATCH : f->register_count);
  code->frame_words = code->register_count + (u32)FRAME_HEADER;
  code->raw_result = result == TYPE_INT ? 1 : result == TYPE_FLOAT ? 2 : 0;
  code->effects = f->effects;
  code->image = l->image;
  code->function = f;
  return make_map(l, code, f);
}

static bool make_codes(Loader *l) {
  Image *image = l->image;
  for (u32 i = 0; i < l->module->functions.count; i++) {
    const Function *f = &l->module->functions.items[i];
    if (f->import != IMPORT_NONE) {
      image->code_of[i] = image->imports[f->import]->code_of[l->verified->function_home[i]];
      continue;
    }
    image->code_of[i] = &image->codes[i];
    if (!make_code(l, &image->codes[i], f)) return false;
  }
  return true;
}

static bool link_all(Loader *l) {
  for (u32 i = 0; i < l->module->functions.count; i++) {
    const Function *f = &l->module->functions.items[i];
    if (f->import != IMPORT_NONE || f->kind == FUNCTION_NATIVE) continue;
    if (!link_function(l->images, l->image, i, &l->image->codes[i], l->error)) return false;
  }
  return true;
}

// ---- Classes ----

static bool open_classes(Loader *l) {
  for (u32 i = 0; i < l->module->actors.count; i++) {
    const ActorDef *def = &l->module->actors.items[i];
    if (def->import != IMPORT_NONE) {
      l->image->class_of[i] = l->image->imports[def->import]->class_of[l->verified->actor_home[i]];
      continue;
    }
    l->image->class_of[i] = NEW(l, Class, 1);
    if (!l->image->class_of[i]) return memory_refused(l);
  }
  return true;
}

// Do the messages' methods answer? All interfaces that name a handler agree, as the verifier saw to.
static void find_answers(const Loader *l, const ActorDef *def, ClassHandler *handlers) {
  for (u32 i = 0; i < def->implements_count; i++) {
    const Implements *implements = &def->implements[i];
    const InterfaceDef *interface = &l->module->interfaces.items[l->module->types.items[implements->interface].index];
    for (u32 slot = 0; slot < interface->method_count; slot++) handlers[implements->handlers[slot]].answers = interface->methods[slot].answers;
  }
}

static bool make_class(Loader *l, Class *class, const ActorDef *def) {
  const Code **code_of = l->image->code_of;
  u8 *raw = NEW(l, u8, def->field_count);
  ClassHandler *handlers = NEW(l, ClassHandler, def->handler_count);
  if (!raw || !handlers) return memory_refused(l);
  *class = (Class){.name = def->name, .image = l->image, .def = def, .init = code_of[def->init], .field_count = def->field_count};
  class->raw_fields = raw;
  class->handler_count = def->handler_count;
  class->handlers = handlers;
  if (def->dropped != IMPORT_NONE) class->dropped = def->dropped + 1;
  class->retest = EFFECT_ASSIGNS;
  for (u32 i = 0; i < def->field_count; i++) {
    raw[i] = type_is_raw(l->module, def->fields[i].type);
    if (l->image->drops[def->fields[i].type]) class->retest |= EFFECT_READS;  // it may be lent, and written in place
  }
  for (u32 i = 0; i < def->handler_count; i++) {
    const Handler *handler = &def->handlers[i];
    handlers[i] = (ClassHandler){.name = handler->name, .code = code_of[handler->function]};
    handlers[i].guard = handler->guard == IMPORT_NONE ? NULL : code_of[handler->guard];
    if (handlers[i].guard) handlers[i].plain = guard_plain(handlers[i].guard->function);
    handlers[i].param_count = handlers[i].code->param_count;
    class->any_guard |= handlers[i].guard != NULL;
  }
  find_answers(l, def, handlers);
  for (u32 i = 0; i < def->implements_count; i++) {
    const InterfaceDef *interface = image_interface(l->image, l->module->types.items[def->implements[i].interface].index);
    if (!itable_get(class, interface, def->implements[i].handlers)) return memory_refused(l);
  }
  return true;
}

static bool make_classes(Loader *l) {
  for (u32 i = 0; i < l->module->actors.count; i++) {
    const ActorDef *def = &l->module->actors.items[i];
    if (def->import == IMPORT_NONE && !make_class(l, l->image->class_of[i], def)) return false;
  }
  return true;
}

const Itable *class_itable(const Class *class, const InterfaceDef *interface) {
  const Image *image = class->image;
  for (u32 i = 0; i < class->def->implements_count; i++) {
    const Implements *implements = &class->def->implements[i];
    const InterfaceDef *declared = image_interface(image, image->verified->module->types.items[implements->interface].index);
    if (declared == interface) return itable_get(class, interface, implements->handlers);
  }
  return NULL;
}

// No actor implements an interface at two types, so the declaration tells which table is meant.
const Itable *image_itable(const Image *image, u32 actor, TypeId type) {
  return class_itable(image->class_of[actor], image_interface(image, image->verified->module->types.items[type].index));
}

// ---- The module's `let`s ----

static const i64 CONSTANT_REDUCTIONS = 100 * 1000 * 1000;

static Str fault_str(const Worker *worker) {
  if (worker->fault == FAULT_STOP) return STR("it stops");
  return worker->fault_text ? (Str){worker->fault_text, worker->fault_length} : STR("out of memory");
}

// Runs `code` to its end; *result is a val in the worker's nursery or loose heap.
static bool run_constant(Loader *l, Worker *worker, const Code *code, const Global *global, Val *result) {
  if (!engine_enter(worker, code, NULL, 0)) {
    fault_clear(worker);
    return memory_refused(l);
  }
  worker->reductions = CONSTANT_REDUCTIONS;
  switch (engine_run(worker)) {
    case ENGINE_TURN_END: *result = worker->result; return true;
    case ENGINE_YIELD: return refuse(l, "computing the constant %.*s takes too long", STR_ARG(global->name));
    case ENGINE_FAULT: {
      Str why = fault_str(worker);
      refuse(l, "computing the constant %.*s crashed: %.*s", STR_ARG(global->name), STR_ARG(why));
      fault_clear(worker);
      return false;
    }
    case ENGINE_FORWARD: case ENGINE_SUSPEND: break;
  }
  return refuse(l, "the constant %.*s waits", STR_ARG(global->name));
}

// A computed value's own copy, which lives as long as the images.
static bool keep_constant(Loader *l, Worker *worker, Val value, Val *kept) {
  Chunk *chunk = NULL;
  if (!copy_out(worker, &value, 1, kept, &chunk, NULL, NULL)) return memory_refused(l);
  if (!chunk) return true;
  chunk_make_immortal(chunk);
  chunk->next = l->images->constants;
  l->images->constants = chunk;
  return true;
}

static bool make_global(Loader *l, Worker *worker, u32 index) {
  const Global *global = &l->module->globals.items[index];
  Turn *turn = turn_new(worker);
  Val value = VAL_EMPTY;
  if (!turn) return memory_refused(l);
  worker->turn = turn;
  bool done = run_constant(l, worker, l->image->code_of[global->function], global, &value);
  done = done && keep_constant(l, worker, value, &l->image->globals[index]);
  heap_abandon(worker);
  heap_free(worker, worker->loose);
  worker->loose = NULL;
  worker->turn = NULL;
  turn_free(worker, turn);
  return done;
}

static bool make_globals(Loader *l, Worker *worker) {
  worker->in_guard = true;
  bool done = true;
  for (u32 i = 0; done && i < l->module->globals.count; i++) {
    if (l->module->globals.items[i].import == IMPORT_NONE) done = make_global(l, worker, i);
  }
  worker->in_guard = false;
  return done;
}

bool images_load(Images *images, Worker *worker, const Verified *verified, Str *error) {
  Loader l = {.images = images, .verified = verified, .module = verified->module, .error = error};
  vec_push(&module_roots, verified);
  if (!open_image(&l) || !make_descs(&l) || !find_well_known(&l) || !make_constants(&l)) return false;
  if (!drop_plans_make(images, l.image)) return memory_refused(&l);
  if (!open_classes(&l) || !make_codes(&l) || !make_classes(&l)) return false;
  if (!link_all(&l)) return false;
  // Constants may show values and use the library: from here on the image counts as loaded.
  l.image->next = images->last;
  images->last = l.image;
  if (make_globals(&l, worker)) return true;
  images->last = l.image->next;
  return false;
}
