// The verifier's course: what is imported, the tables from the bottom up, what the imports are worth, then each function's
// code. docs/verifier.md explains the rules; reason.def names them.
#include "bytecode/verify_state.h"

enum { STEPS_FREE = 1 << 24, STEPS_PER_UNIT = 64, TEXT_BYTES = 120 };

static const struct {
  const char *name, *text;
} reasons[REASON_COUNT] = {
#define REASON(name, id, text) [REASON_##name] = {id, text},
#include "bytecode/reason.def"
#undef REASON
};

const char *verify_reason_name(VerifyReason reason) { return reason < REASON_COUNT ? reasons[reason].name : "unknown"; }

bool verify_fail(Verifier *v, VerifyReason reason, const char *format, ...) {
  if (v->failed) return false;
  v->failed = true;
  Text text = {0};
  text_printf(&text, "%s: ", reasons[reason].text);
  va_list args;
  va_start(args, format);
  text_vprintf(&text, format, args);
  va_end(args);
  *v->error = (VerifyError){.reason = reason, .message = text_str(&text), .function = STR("")};
  if (!v->f) return false;
  v->error->function = v->f->name;
  if (v->word == NO_WORD) return false;
  v->error->word = v->word;
  v->error->line = function_line(v->f, v->word);
  return false;
}

Str verify_type_text(const Verifier *v, TypeId type) {
  Text text = {0};
  text_char(&text, '`');
  module_print_type(v->m, type, &text);
  if (text.len > TEXT_BYTES) {
    text.len = TEXT_BYTES;
    text_add(&text, STR("..."));
  }
  text_char(&text, '`');
  return text_str(&text);
}

// What the module holds, in units that each deserve some steps: rows of tables and words of code.
static u64 module_size(const Module *m) {
  u64 size = (u64)m->imports.count + m->types.count + m->typelists.count + m->datas.count + m->interfaces.count + m->functions.count;
  size += (u64)m->actors.count + m->globals.count + m->constants.count + m->tests.count;
  for (u32 i = 0; i < m->functions.count; i++) size += (u64)m->functions.items[i].code_words + m->functions.items[i].register_count;
  return size;
}

static bool check_code(Verifier *v) {
  Flow *flow = flow_new(v);
  for (u32 i = 0; i < v->m->functions.count; i++) {
    const Function *f = &v->m->functions.items[i];
    if (!f->code_words) continue;
    v->f = f;
    if (!verify_code(flow, f)) return false;
    v->f = NULL;
    v->word = NO_WORD;
  }
  return true;
}

const Verified *verify_module(const Module *module, const Verified *const *loaded, u32 loaded_count, VerifyError *error) {
  Verifier v = {.m = module, .loaded = loaded, .loaded_count = loaded_count, .error = error, .word = NO_WORD};
  *error = (VerifyError){.message = STR(""), .function = STR("")};
  v.proved = gc_new(Proved);
  v.work_limit = STEPS_FREE + STEPS_PER_UNIT * module_size(module);
  bool passed = verify_resolve(&v) && verify_tables(&v) && verify_functions(&v) && verify_actors(&v) && verify_imports(&v) && check_code(&v) &&
                verify_global_order(&v) && verify_entries(&v);
  if (!passed) return NULL;
  v.proved->face = (Verified){
    .module = module,
    .imports = v.imports,
    .data_home = v.data_home,
    .interface_home = v.interface_home,
    .function_home = v.function_home,
    .actor_home = v.actor_home,
    .global_home = v.global_home,
    .work = v.work,
  };
  return &v.proved->face;
}
