// The driver: loads modules on demand, each checked and generated after those that it needs.
//
// The prelude is loaded first. What it reaches by imports and dot calls is checked without implicit names; every module
// loaded later sees the prelude's.
#include "bytecode/front/front.h"

#include <time.h>

#include "bytecode/front/check.h"
#include "bytecode/front/gen.h"
#include "bytecode/front/lint.h"
#include "bytecode/front/parse.h"

enum { LOAD_DEPTH_LIMIT = 100 };  // modules that wait for each other

FrontTimes front_times;

static ModuleAst broken_module;  // stands in Front.modules for what could not be had

static u64 now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

// ---- What cannot be loaded ------------------------------------------------------------------------------------------

static void report_cycle(Front *front, ModuleAst *wanted, ModuleAst *importer, Span at) {
  Text path = {0};
  bool inside = false;
  for (u32 i = 0; i < front->loading.count; i++) {
    ModuleAst *module = front->loading.items[i];
    inside |= module == wanted;
    if (inside) text_printf(&path, "%.*s → ", STR_ARG(module->name));
  }
  text_add(&path, wanted->name);
  diag_add(front->diags, DIAG_E0105, importer->source, at, "these modules need each other: %.*s", STR_ARG(text_str(&path)));
}

static void report_missing(Front *front, Str name, ModuleAst *importer, Span at) {
  if (!importer) return;
  Diag *diag = diag_add(front->diags, DIAG_E0104, importer->source, at, "there is no module `%.*s`", STR_ARG(name));
  Source *source = NULL;
  Str other = name;
  while (str_starts_with(other, STR("./")) || str_starts_with(other, STR("../"))) {
    size_t prefix = other.ptr[1] == '/' ? 2 : 3;
    other = (Str){other.ptr + prefix, other.len - prefix};
  }
  bool relative = other.len < name.len;
  if (!relative) other = str_format("./%.*s", STR_ARG(name));
  if (!importer->source->library && front->loader->read(front->loader->context, other, &source) && source) {
    diag_hint(diag, relative ? "`import %.*s` is the library's" : "a file beside this one is imported as `import %.*s`",
              STR_ARG(other));
  }
}

// ---- Loading --------------------------------------------------------------------------------------------------------

static void count_lines(const Source *source) {
  const char *end = source->text.ptr + source->text.len;
  for (const char *at = source->text.ptr; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) front_times.lines++;
}

static ModuleAst *read_module(Front *front, Str name, ModuleAst *importer, Span at) {
  Source *source = NULL;
  if (!front->loader->read(front->loader->context, name, &source) || !source) {
    report_missing(front, name, importer, at);
    return NULL;
  }
  u64 start = now();
  u32 errors = front->diags->errors;
  count_lines(source);
  bool is_root = str_eq(name, front->root_name), script = is_root && !source->library;
  ModuleAst *module =
      script ? parse_script(source, str_dup(name), front->diags) : parse_module(source, str_dup(name), front->diags);
  front_times.parse += now() - start;
  if (is_root) front->root = module;
  return errors == front->diags->errors ? module : NULL;
}

static void finish_module(Front *front, ModuleAst *module) {
  u64 start = now();
  if (front->diags->errors == 0) lint_module(module, front->diags);
  front_times.check += now() - start;
  if (front->options.check_only || front->diags->errors) return;
  start = now();
  Module *made = gen_module(module, front->options.tests && module == front->root, front->diags);
  front_times.generate += now() - start;
  if (made) vec_push(&front->program->modules, made);
}

// Once code was made of it, nobody looks at the inside of a module again: only whether there is one.
static void forget_bodies(ModuleAst *module) {
  static Expr forgotten = {.kind = EX_ERROR};
  for (u32 i = 0; i < module->fns.count; i++)
    if (module->fns.items[i]->block) module->fns.items[i]->block = &forgotten;
  for (u32 i = 0; i < module->actors.count; i++) {
    ActorDecl *actor = module->actors.items[i];
    for (u32 k = 0; k < actor->helpers.count; k++) actor->helpers.items[k]->block = &forgotten;
    for (u32 k = 0; k < actor->state.count; k++) actor->state.items[k].value = &forgotten;
    for (u32 k = 0; k < actor->handlers.count; k++) {
      actor->handlers.items[k]->block = &forgotten;
      if (actor->handlers.items[k]->guard) actor->handlers.items[k]->guard = &forgotten;
    }
  }
  for (u32 i = 0; i < module->consts.count; i++) module->consts.items[i]->value = &forgotten;
  for (u32 i = 0; i < module->tests.count; i++) module->tests.items[i]->block = &forgotten;
  region_release(&module->bodies);
}

static u64 total_time(void) { return front_times.parse + front_times.check + front_times.generate; }

static bool check_loaded(Front *front, ModuleAst *module) {
  module->prelude = front->prelude;
  module->front = front;
  vec_push(&front->loading, module);
  u64 start = now(), inner = total_time();
  check_module(front, module);
  front_times.check += now() - start - (total_time() - inner);
  front->loading.count--;
  if (module->checked) finish_module(front, module);
  forget_bodies(module);
  return module->checked;
}

static ModuleAst *load(Front *front, Str name, ModuleAst *importer, Span at) {
  const Name *key = name_of(name);
  ModuleAst *module = map_get(&front->modules, key);
  if (module == &broken_module) return NULL;
  if (module) {
    if (module->checked || module == importer) return module;
    report_cycle(front, module, importer, at);
    return NULL;
  }
  if (front->loading.count >= LOAD_DEPTH_LIMIT) {
    diag_add(front->diags, DIAG_E0105, importer->source, at, "more than %d modules wait for each other here",
             LOAD_DEPTH_LIMIT);
    return NULL;
  }
  module = read_module(front, name, importer, at);
  map_put(&front->modules, key, module ? module : &broken_module);
  if (!module) return NULL;
  if (check_loaded(front, module)) return module;
  map_put(&front->modules, key, &broken_module);
  return NULL;
}

// The prelude may be absent (a bare loader): then nothing is implicit.
static void load_prelude(Front *front) {
  Source *source = NULL;
  if (!front->loader->read(front->loader->context, STR("prelude"), &source) || !source) return;
  front->prelude = load(front, STR("prelude"), NULL, (Span){0});
}

bool front_compile(Loader *loader, Str name, FrontOptions options, Diags *diags, Program *program) {
  memset(&front_times, 0, sizeof front_times);
  gc_tidy();
  Front *front = gc_new(Front);
  *front =
      (Front){.loader = loader, .diags = diags, .options = options, .program = program, .root_name = name, .load = load};
  load_prelude(front);
  ModuleAst *root = map_get(&front->modules, name_of(name));
  if (!root && !diags->errors) load(front, name, NULL, (Span){0});
  return diags->errors == 0;
}
