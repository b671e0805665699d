// Fuzzes the verifier: modules of tests/asm, changed in one or a few places that are well formed in the file but most often
// wrong in meaning: a register, a type, a jump, a count. Whatever comes out, the verifier judges it in bounded steps, twice
// alike, and what it accepts goes through every reader of modules.
//
//   clang -std=gnu17 -I. -g -O1 -fsanitize=fuzzer,address,undefined -DDEED_NO_LIBGC tests/fuzz/verify.c bytecode/*.c
//     -lutf8proc -lm -o verify-fuzz && ./verify-fuzz WORKDIR tests/fuzz/corpus/module
#include <stdlib.h>

#include "bytecode/asm.h"
#include "bytecode/modfile.h"
#include "bytecode/verify.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
enum { SLOTS = 64 };

// A changed type may be an interface with more methods: room for their slots. False if there is not enough.
static bool widen_slots(Module *m, bool copy) {
  for (u32 i = 0; i < m->actors.count; i++) {
    for (u32 k = 0; k < m->actors.items[i].implements_count; k++) {
      u32 slots = implements_slots(m, &m->actors.items[i], k);
      if (slots > SLOTS) return false;
      if (!copy) continue;
      Implements *implements = (Implements *)&m->actors.items[i].implements[k];
      u32 *wide = gc_array(u32, SLOTS);
      if (slots) memcpy(wide, implements->handlers, slots * sizeof *wide);
      implements->handlers = wide;
    }
  }
  return true;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned seed);

// ---- Modules that the corpus imports --------------------------------------------------------------------------------

static const char *const homes[] = {
  "module option\ndata Option [T0] pub { Some(value: T0) None }\n",
  "module result\ndata Result [T0, T1] pub { Ok(value: T0) Err(error: T1) }\n",
  "module prelude\ndata Broken pub { Crashed(why: String) Stopped Revoked TimedOut Deadlock(path: List[String]) Disconnected Full }\n"
  "data Exit pub { Normal Crash(why: String) Killed }\n",
  "module ./lib\n"
  "data Point pub { Point(x: float, y: float) }\ndata Id pub opaque { Id(n: int) }\n"
  "data Key [T0] pub opaque ordered { Key(k: T0) }\ndata Secret { Secret(n: int) }\n"
  "interface Counter pub { incr(by: Int) get() -> Int }\n"
  "let answer: Int pub = answer.init\n"
  "global fn answer.init() -> Int { regs r0: Int const r0, 42 ret r0 }\n"
  "fn same [T0](T0) -> T0 pub { ret r0 }\n"
  "fn largest [T0: ordered](T0, T0) -> T0 pub { jle r0, r1, right ret r0 right: ret r1 }\n"
  "fn make(int) -> Id pub { regs r1: Id new r1, 0 (r0) ret r1 }\n"
  "actor Tally (start: Int) pub { is Counter (0, 1) init i on incr h on get g }\n"
  "init fn i(Int) -> () of Tally { regs r1: () unit r1 ret r1 }\n"
  "handler fn h(Int) -> () of Tally { regs r1: () unit r1 ret r1 }\n"
  "handler fn g() -> Int of Tally { regs r0: Int const r0, 1 ret r0 }\n",
};

static u32 load_homes(const Verified **loaded) {
  for (u32 i = 0; i < COUNT_OF(homes); i++) {
    Source source = {.path = STR("home"), .text = str_from(homes[i])};
    Diags diags = {0};
    VerifyError error;
    Module *module = asm_parse(&source, &diags);
    loaded[i] = module ? verify_module(module, loaded, i, &error) : NULL;
    if (!loaded[i]) abort();
  }
  return COUNT_OF(homes);
}

// ---- One run --------------------------------------------------------------------------------------------------------

static u64 size_of(const Module *m) {
  u64 size = m->types.count + m->typelists.count + m->datas.count + m->interfaces.count + m->constants.count + m->actors.count;
  for (u32 i = 0; i < m->functions.count; i++) size += m->functions.items[i].code_words + m->functions.items[i].register_count + 1;
  return size;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  Str reason;
  const Verified *loaded[COUNT_OF(homes)];
  Module *module = modfile_read((Str){(const char *)data, size}, &reason);
  if (module) {
    u32 count = module->imports.count ? load_homes(loaded) : 0;
    VerifyError error, again;
    const Verified *verified = verify_module(module, loaded, count, &error);
    if (!verified != !verify_module(module, loaded, count, &again) || error.reason != again.reason) abort();
    if (!verified && (error.reason == REASON_NONE || !error.message.len)) abort();
    if (verified && verified->work > (1u << 24) + 64 * size_of(module) + 4096) abort();
    Text text = {0};
    dis_module(module, &text);
  }
  gc_release_all();
  return 0;
}

// ---- Mutations that keep the file well formed -----------------------------------------------------------------------

static u32 random_state;

static u32 pick(u32 below) {
  random_state = random_state * 1664525u + 1013904223u;
  return below ? (random_state >> 8) % below : 0;
}

// Small numbers most often, for they are the ones that mean something.
static u32 number(u32 likely) { return pick(8) ? pick(likely + 2) : pick(2) ? 0xffffffff : pick(0x7fffffff); }

static void change_code(Function *f) {
  if (!f->code_words) return;
  u64 *code = (u64 *)f->code;
  u32 at = pick(f->code_words);
  switch (pick(6)) {
    case 0: code[at] = (code[at] & ~0xffffull) | pick(OP_COUNT); return;
    case 1: code[at] ^= 1ull << pick(64); return;
    case 2: code[at] = code[pick(f->code_words)]; return;
    case 3:
      f->code_words -= pick(f->code_words);
      return;
    default: {
      u32 shift = 16 * pick(4);
      code[at] = (code[at] & ~(0xffffull << shift)) | (u64)(number(f->register_count) & 0xffff) << shift;
      return;
    }
  }
}

static void change_function(const Module *m, Function *f) {
  switch (pick(10)) {
    case 0: f->kind = (FunctionKind)pick(FUNCTION_KIND_COUNT); return;
    case 1: f->actor = pick(3) ? IMPORT_NONE : number(m->actors.count); return;
    case 2: f->result = number(m->types.count); return;
    case 3: f->effects = (u8)pick(64); return;
    case 4: f->generics.count = pick(4); f->generics.constraints = NULL; return;
    case 5: f->exported = !f->exported; return;
    case 6: f->capture_count = pick(f->param_count + 1); return;
    case 7: f->import = number(m->imports.count); return;
    default:
      if (f->register_count) ((TypeId *)f->registers)[pick(f->register_count)] = number(m->types.count);
      return;
  }
}

static void change_type(const Module *m, Type *type) {
  switch (pick(4)) {
    case 0: type->index = number(m->datas.count); return;
    case 1: type->kind = (TypeKind)pick(TYPE_KIND_COUNT); return;
    default:
      if (type->count) ((TypeId *)type->args)[pick(type->count)] = number(m->types.count);
      return;
  }
}

static void change_data(const Module *m, DataDef *data) {
  if (!pick(4)) data->declared = (u8)pick(4);
  if (!pick(4)) data->opaque = !data->opaque;
  if (!pick(4)) data->generics.count = pick(4);
  if (!pick(4)) data->import = number(m->imports.count);
  Ctor *ctor = data->ctor_count ? (Ctor *)&data->ctors[pick(data->ctor_count)] : NULL;
  if (ctor && ctor->field_count) ((Field *)ctor->fields)[pick(ctor->field_count)].type = number(m->types.count);
}

static void change_actor(const Module *m, ActorDef *actor) {
  Handler *handler = actor->handler_count ? (Handler *)&actor->handlers[pick(actor->handler_count)] : NULL;
  switch (pick(6)) {
    case 0: actor->init = number(m->functions.count); return;
    case 1: if (handler) handler->function = number(m->functions.count); return;
    case 2: if (handler) handler->guard = number(m->functions.count); return;
    case 3: if (actor->field_count) ((StateField *)actor->fields)[pick(actor->field_count)].type = number(m->types.count); return;
    case 4: if (actor->param_count) ((Field *)actor->params)[pick(actor->param_count)].type = number(m->types.count); return;
    default:
      for (u32 i = 0; i < actor->implements_count; i++) {
        if (implements_slots(m, actor, i)) ((u32 *)actor->implements[i].handlers)[0] = number(actor->handler_count);
      }
  }
}

static void change_interface(const Module *m, InterfaceDef *interface) {
  if (!interface->method_count) return;
  Method *method = (Method *)&interface->methods[pick(interface->method_count)];
  switch (pick(4)) {
    case 0: method->answers = !method->answers; return;
    case 1: method->answer = number(m->types.count); return;
    case 2: interface->generics.count = pick(3); return;
    default:
      if (method->param_count) ((Field *)method->params)[pick(method->param_count)].type = number(m->types.count);
      return;
  }
}

static void change(Module *m) {
  u32 where = pick(16);
  if (where < 7 && m->functions.count) change_code(&m->functions.items[pick(m->functions.count)]);
  else if (where < 10 && m->functions.count) change_function(m, &m->functions.items[pick(m->functions.count)]);
  else if (where < 11 && m->types.count) change_type(m, &m->types.items[pick(m->types.count)]);
  else if (where < 12 && m->datas.count) change_data(m, &m->datas.items[pick(m->datas.count)]);
  else if (where < 13 && m->actors.count) change_actor(m, &m->actors.items[pick(m->actors.count)]);
  else if (where < 14 && m->interfaces.count) change_interface(m, &m->interfaces.items[pick(m->interfaces.count)]);
  else if (where < 15 && m->globals.count) m->globals.items[pick(m->globals.count)].function = number(m->functions.count);
  else if (m->typelists.count > 1) {
    TypeList *list = &m->typelists.items[1 + pick(m->typelists.count - 1)];
    if (list->count) ((TypeId *)list->items)[pick(list->count)] = number(m->types.count);
  }
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned seed) {
  random_state = seed;
  Str reason;
  Module *module = modfile_read((Str){(const char *)data, size}, &reason);
  if (module && widen_slots(module, true)) {
    for (u32 i = 1 + pick(3); i; i--) change(module);
    Str bytes = widen_slots(module, false) ? modfile_write(module) : STR("");
    if (bytes.len && bytes.len <= max_size) {
      memcpy(data, bytes.ptr, bytes.len);
      size = bytes.len;
    }
  } else {
    size = LLVMFuzzerMutate(data, size, max_size);
  }
  gc_release_all();
  return size;
}
