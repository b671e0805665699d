// Functions as they are declared: each kind's parameters, result and owner; natives against native.def; `let`s and the order
// in which they are computed.
#include "bytecode/verify_state.h"

// ---- Shapes ---------------------------------------------------------------------------------------------------------

typedef struct KindRule {
  bool raw_params, raw_result;  // may parameters, the result be raw?
  bool captures;                // may it have captures?
  bool generic;                 // type parameters of its own
  enum { ACTOR_NEVER, ACTOR_MAYBE, ACTOR_ALWAYS } actor;
} KindRule;

static const KindRule kind_rules[FUNCTION_KIND_COUNT] = {
  [FUNCTION_PLAIN] = {true, true, false, true, ACTOR_MAYBE},
  [FUNCTION_NATIVE] = {true, true, false, true, ACTOR_NEVER},
  [FUNCTION_CLOSURE] = {false, false, true, true, ACTOR_NEVER},
  [FUNCTION_INIT] = {false, false, false, true, ACTOR_ALWAYS},
  [FUNCTION_HANDLER] = {false, false, false, true, ACTOR_ALWAYS},
  [FUNCTION_GUARD] = {false, false, false, true, ACTOR_ALWAYS},
  [FUNCTION_WHEN] = {false, false, true, true, ACTOR_MAYBE},
  [FUNCTION_GLOBAL] = {false, false, false, false, ACTOR_NEVER},
  [FUNCTION_TEST] = {false, false, false, false, ACTOR_NEVER},
};

static bool shape_fail(Verifier *v, const char *what) { return verify_fail(v, REASON_FUNCTION_SHAPE, "%s", what); }

static bool check_counts(Verifier *v, const Function *f, const KindRule *rule) {
  if (f->register_count > LIMIT_REGISTERS) return verify_fail(v, REASON_LIMIT, "it has %u registers", f->register_count);
  if (f->param_count > LIMIT_PARAMS) return verify_fail(v, REASON_LIMIT, "it has %u parameters", f->param_count);
  if (f->code_words > LIMIT_FUNCTION_WORDS) return verify_fail(v, REASON_LIMIT, "its code has %u words", f->code_words);
  if (f->param_count > f->register_count) return shape_fail(v, "there are fewer registers than parameters");
  if (f->capture_count > f->param_count) return shape_fail(v, "there are more captures than parameters");
  if (f->capture_count && !rule->captures) return shape_fail(v, "it has captures, which only closures and `when` bodies have");
  if (f->generics.count && !rule->generic) return shape_fail(v, "it has type parameters, which its kind may not have");
  if (f->effects >> 5) return verify_fail(v, REASON_EFFECTS, "it declares the unknown effects %u", f->effects);
  return true;
}

static bool check_types(Verifier *v, const Function *f, const KindRule *rule) {
  bool uniques = false;
  for (u32 i = 0; i < f->register_count; i++) {
    bool raw = i >= f->param_count || rule->raw_params;
    if (!type_within(v, f->registers[i], f->generics.count, raw, i < f->param_count ? "a parameter" : "a register")) return false;
    uniques |= v->facts[f->registers[i]].unique;
  }
  if (uniques) v->function_facts[f - v->m->functions.items] |= FACT_UNIQUES;
  return type_within(v, f->result, f->generics.count, rule->raw_result, "the result") && verify_spend(v, 1 + f->register_count);
}

// Unique values are lent, for calls.
static bool check_lent(Verifier *v, const Function *f) {
  for (u32 i = 0; f->lent && i < f->param_count; i++) {
    if (!f->lent[i]) continue;
    bool place = f->kind == FUNCTION_PLAIN || f->kind == FUNCTION_NATIVE;
    if (place && v->facts[f->registers[i]].unique) continue;
    return verify_fail(v, REASON_LENT_PARAMETER, "r%u is %.*s", i, STR_ARG(verify_type_text(v, f->registers[i])));
  }
  return true;
}

// A closure may be called from anywhere, as often as one likes. What a task takes along are captures.
static bool check_plain_params(Verifier *v, const Function *f, u32 count, const char *what) {
  for (u32 i = 0; i < count; i++) {
    if (!type_plain(v, f->registers[i], what)) return false;
  }
  return true;
}

bool type_is_outcome(const Verifier *v, TypeId type) {
  if (!data_is(v, type, STR("result"), STR("Result")) || type_at(v, type)->count != 2) return false;
  return data_is(v, type_at(v, type)->args[1], STR("prelude"), STR("Broken"));
}

static bool check_kind(Verifier *v, const Function *f) {
  switch (f->kind) {
    case FUNCTION_INIT:
      return f->result == v->basic[TYPE_UNIT] || shape_fail(v, "an init function gives ()");
    case FUNCTION_GUARD:
      if (f->result != v->basic[TYPE_BOOL]) return shape_fail(v, "a guard gives a Bool");
      if (!(f->effects & ~EFFECT_READS)) return true;
      return verify_fail(v, REASON_GUARD_EFFECTS, "its effects are %u", f->effects);
    case FUNCTION_GLOBAL:
      if (f->param_count) return shape_fail(v, "the initialiser of a `let` has no parameters");
      return !f->effects || verify_fail(v, REASON_GLOBAL_EFFECTS, "its effects are %u", f->effects);
    case FUNCTION_TEST:
      if (!check_plain_params(v, f, f->param_count, "a parameter of a test")) return false;
      return f->result == v->basic[TYPE_UNIT] || shape_fail(v, "a test gives ()");
    case FUNCTION_CLOSURE:
      return check_plain_params(v, f, f->param_count - f->capture_count, "a parameter of a closure");
    case FUNCTION_WHEN:
      if (f->param_count < 1 || f->capture_count != f->param_count - 1) return shape_fail(v, "a `when` body takes an outcome and captures");
      return type_is_outcome(v, f->registers[0]) || shape_fail(v, "a `when` body's first parameter is a Result[T, Broken]");
    case FUNCTION_PLAIN: case FUNCTION_NATIVE: case FUNCTION_HANDLER: case FUNCTION_KIND_COUNT:
      return true;
  }
  return true;
}

static bool check_owner(Verifier *v, const Function *f, const KindRule *rule) {
  const Module *m = v->m;
  if (f->actor == IMPORT_NONE) {
    return rule->actor != ACTOR_ALWAYS || verify_fail(v, REASON_FUNCTION_ACTOR, "a function of this kind belongs to an actor");
  }
  if (rule->actor == ACTOR_NEVER) return verify_fail(v, REASON_FUNCTION_ACTOR, "a function of this kind belongs to no actor");
  if (f->actor >= m->actors.count) return verify_fail(v, REASON_ACTOR_INDEX, "its actor is %u, of %u", f->actor, m->actors.count);
  if (m->actors.items[f->actor].import != IMPORT_NONE) return verify_fail(v, REASON_FUNCTION_ACTOR, "its actor is another module's");
  if (generics_equal(&f->generics, &m->actors.items[f->actor].generics)) return true;
  return verify_fail(v, REASON_ACTOR_GENERICS, "its type parameters are not those of its actor");
}

static bool check_debug(Verifier *v, const Function *f) {
  for (u32 i = 0; i < f->line_count; i++) {
    bool sorted = !i || f->lines[i].word > f->lines[i - 1].word;
    if (!sorted || f->lines[i].word >= f->code_words) return verify_fail(v, REASON_DEBUG_INFO, "line entry %u is out of place", i);
  }
  for (u32 i = 0; i < f->local_count; i++) {
    const LocalName *local = &f->locals[i];
    if (!verify_name(v, local->name, "a local")) return false;
    if (local->reg < f->register_count && local->from <= local->until && local->until <= f->code_words) continue;
    return verify_fail(v, REASON_DEBUG_INFO, "the local `%.*s` lies outside the function", STR_ARG(local->name));
  }
  for (u32 i = 0; f->param_names && i < f->param_count; i++) {
    if (f->param_names[i].len && !verify_name(v, f->param_names[i], "a parameter")) return false;
  }
  return verify_spend(v, 1 + f->line_count + f->local_count);
}

// ---- Natives --------------------------------------------------------------------------------------------------------

static const struct {
  const char *name, *signature;
  u8 effects;
} natives[] = {
#define NATIVE(name, path, signature, effect, lent) {path, signature, EFFECT_##effect},
#include "bytecode/native.def"
#undef NATIVE
};

static bool check_native(Verifier *v, const Function *f) {
  Str path = str_format("%.*s.%.*s", STR_ARG(v->m->name), STR_ARG(f->name));
  if (!verify_spend(v, COUNT_OF(natives))) return false;
  for (u32 i = 0; i < COUNT_OF(natives); i++) {
    if (!str_eq(path, str_from(natives[i].name))) continue;
    Text signature = {0};
    module_print_signature(v->m, f, &signature);
    if (!str_eq(text_str(&signature), str_from(natives[i].signature))) {
      return verify_fail(v, REASON_NATIVE_SIGNATURE, "it is declared `%.*s`, and done as `%s`", STR_ARG(text_str(&signature)), natives[i].signature);
    }
    if (!(natives[i].effects & ~f->effects)) return true;
    return verify_fail(v, REASON_NATIVE_SIGNATURE, "its effects are %u, declared as %u", natives[i].effects, f->effects);
  }
  return verify_fail(v, REASON_NATIVE_UNKNOWN, "there is no native `%.*s`", STR_ARG(path));
}

// ---- One function ---------------------------------------------------------------------------------------------------

static bool check_export(Verifier *v, const Function *f) {
  bool callable = (f->kind == FUNCTION_PLAIN && f->actor == IMPORT_NONE) || f->kind == FUNCTION_NATIVE;
  if (f->import != IMPORT_NONE) {
    bool bare = !f->code_words && f->register_count == f->param_count && !f->line_count && !f->local_count;
    return (callable && bare) || verify_fail(v, REASON_IMPORT_SHAPE, "an imported function is plain or native, and has neither code nor further registers");
  }
  if (!callable && f->exported) return verify_fail(v, REASON_FUNCTION_EXPORT, "a function of this kind is not exported");
  if (f->kind != FUNCTION_NATIVE) return f->code_words || verify_fail(v, REASON_NO_CODE, "it has no code");
  bool bare = !f->code_words && f->register_count == f->param_count;
  if (!bare) return verify_fail(v, REASON_NO_CODE, "a native has neither code nor further registers");
  return check_native(v, f);
}

static bool check_function(Verifier *v, const Function *f) {
  const KindRule *rule = &kind_rules[f->kind];
  return check_counts(v, f, rule) && check_types(v, f, rule) && check_owner(v, f, rule) && check_kind(v, f) && check_lent(v, f) &&
         check_export(v, f) && check_debug(v, f);
}

static bool check_globals(Verifier *v) {
  const Module *m = v->m;
  for (u32 i = 0; i < m->globals.count; i++) {
    const Global *global = &m->globals.items[i];
    if (!type_within(v, global->type, 0, false, "a `let`") || !type_plain(v, global->type, "a `let`")) return false;
    if (global->import != IMPORT_NONE) {
      if (global->function == IMPORT_NONE) continue;
      return verify_fail(v, REASON_IMPORT_SHAPE, "the imported `%.*s` has an initialiser", STR_ARG(global->name));
    }
    const Function *f = global->function < m->functions.count ? &m->functions.items[global->function] : NULL;
    bool fits = f && f->kind == FUNCTION_GLOBAL && f->import == IMPORT_NONE && f->result == global->type;
    if (!fits) return verify_fail(v, REASON_GLOBAL_FUNCTION, "`%.*s` is not computed by a function of its own type", STR_ARG(global->name));
  }
  return verify_spend(v, 1 + m->globals.count);
}

static bool check_main(Verifier *v) {
  const Module *m = v->m;
  for (u32 i = 0; i < m->tests.count; i++) {
    u32 row = m->tests.items[i].function;
    if (row < m->functions.count && m->functions.items[row].kind == FUNCTION_TEST) continue;
    return verify_fail(v, REASON_TEST_FUNCTION, "test %u has function %u", i, row);
  }
  if (m->main == IMPORT_NONE) return true;
  if (m->main >= m->functions.count) return verify_fail(v, REASON_MAIN, "main is function %u, of %u", m->main, m->functions.count);
  const Function *f = &m->functions.items[m->main];
  v->f = f;
  bool plain = f->kind == FUNCTION_PLAIN && f->import == IMPORT_NONE && f->actor == IMPORT_NONE && !f->generics.count;
  if (!plain) return verify_fail(v, REASON_MAIN, "main is another module's, an actor's, generic, or not plain");
  for (u32 i = 0; i < f->param_count; i++) {
    if (v->facts[f->registers[i]].raw) return verify_fail(v, REASON_MAIN, "parameter %u of main is raw", i);
  }
  if (!check_plain_params(v, f, f->param_count, "a parameter of main") || !type_plain(v, f->result, "the result of main")) return false;
  v->f = NULL;
  return true;
}

bool verify_functions(Verifier *v) {
  const Module *m = v->m;
  v->function_facts = gc_alloc_data(m->functions.count + 1);
  for (u32 i = 0; i < m->functions.count; i++) {
    v->f = &m->functions.items[i];
    if (!check_function(v, v->f)) return false;
  }
  v->f = NULL;
  return check_globals(v) && check_main(v);
}

// ---- The order of `let`s --------------------------------------------------------------------------------------------

typedef struct Walk {
  Verifier *v;
  u8 *seen;      // per function: it reaches only `let`s that come before the one being looked at
  VEC(u32) open; // functions to look at
} Walk;

// What an instruction of verified code reaches: other functions, and `let`s, which must come before row `limit`.
static bool walk_instruction(Walk *w, const u64 *code, u32 limit) {
  const Module *m = w->v->m;
  u32 row = 0;
  switch ((Op)word_op(code[0])) {
    case OP_GLOBAL:
      row = (u32)code[1];
      if (m->globals.items[row].import != IMPORT_NONE || row < limit) return true;
      return verify_fail(w->v, REASON_GLOBAL_ORDER, "`%.*s` may be read while `%.*s` is computed", STR_ARG(m->globals.items[row].name),
                         STR_ARG(m->globals.items[limit].name));
    case OP_CALL: case OP_TAILCALL: case OP_CLOSURE: case OP_TASK: case OP_WHEN:
      row = (u32)code[1];
      break;
    default: return true;
  }
  if (w->seen[row]) return true;
  w->seen[row] = 1;
  vec_push(&w->open, row);
  return true;
}

bool verify_global_order(Verifier *v) {
  const Module *m = v->m;
  Walk w = {.v = v, .seen = gc_alloc_data(m->functions.count + 1)};
  for (u32 i = 0; i < m->globals.count; i++) {
    if (m->globals.items[i].import != IMPORT_NONE) continue;
    if (!w.seen[m->globals.items[i].function]) vec_push(&w.open, m->globals.items[i].function);
    w.seen[m->globals.items[i].function] = 1;
    while (w.open.count) {
      const Function *f = &m->functions.items[w.open.items[--w.open.count]];
      if (!verify_spend(v, 1 + f->code_words)) return false;
      v->f = f;
      for (u32 word = 0; word < f->code_words; word += op_length(f->code + word, f->code_words - word)) {
        v->word = word;
        if (!walk_instruction(&w, f->code + word, i)) return false;
      }
      v->word = NO_WORD;
      v->f = NULL;
    }
  }
  return true;
}
