// The code generator's driver: a module's tables in the order of the source, then the code of everything in them.
#include "bytecode/front/gen.h"

#include "bytecode/front/gen_fn.h"

static void basic_types(Gen *gen) {
  Module *m = gen->module;
  gen->t_int = module_type(m, TYPE_INT, 0, 0, NULL);
  gen->t_float = module_type(m, TYPE_FLOAT, 0, 0, NULL);
  gen->t_vint = module_type(m, TYPE_VINT, 0, 0, NULL);
  gen->t_vfloat = module_type(m, TYPE_VFLOAT, 0, 0, NULL);
  gen->t_bool = module_type(m, TYPE_BOOL, 0, 0, NULL);
  gen->t_unit = module_type(m, TYPE_UNIT, 0, 0, NULL);
  gen->t_string = module_type(m, TYPE_STRING, 0, 0, NULL);
  gen->t_bytes = module_type(m, TYPE_BYTES, 0, 0, NULL);
  gen->t_duration = module_type(m, TYPE_DURATION, 0, 0, NULL);
  gen->t_time = module_type(m, TYPE_TIME, 0, 0, NULL);
}

// ---- The order of constants -----------------------------------------------------------------------------------------

// A constant comes after those that its initialiser may read, also in closures and in the functions that it calls. The
// checker has put them in the order in which they are evaluated, so this seldom goes deep, but it may.
typedef struct Search {
  ConstDecl *decl;
  Children open;  // expressions still to be looked at
} Search;

typedef struct Order {
  Gen *gen;
  PtrMap seen;    // ConstDecl, FnDecl
  VEC(Search) searches;
} Order;

static void begin_search(Order *order, ConstDecl *decl) {
  if (decl->home != order->gen->ast || map_get(&order->seen, decl)) return;
  map_put(&order->seen, decl, decl);
  Search search = {.decl = decl};
  vec_push(&search.open, ((Child){decl->value, ROLE_RAW}));
  vec_push(&order->searches, search);
}

static FnDecl *named_function(const Expr *e) {
  return (e->kind == EX_CALL && e->call == CALL_FN) || (e->kind == EX_NAME && e->ref == REF_FN) ? e->fn : NULL;
}

static void look_at(Order *order, Expr *e, Children *open) {
  FnDecl *fn = named_function(e);
  if (fn && fn->block && fn->home == order->gen->ast && !map_get(&order->seen, fn)) {
    map_put(&order->seen, fn, fn);
    vec_push(open, ((Child){fn->block, ROLE_RAW}));
  }
  if ((e->kind == EX_FN || e->kind == EX_TASK) && e->block) vec_push(open, ((Child){e->block, ROLE_RAW}));
  for (u32 i = 0; e->kind == EX_WHEN && i < e->arms.count; i++) vec_push(open, ((Child){e->arms.items[i].value, ROLE_RAW}));
  expr_children(e, open);
}

static void order_const(Order *order, ConstDecl *decl) {
  begin_search(order, decl);
  while (order->searches.count) {
    Search *search = &vec_last(&order->searches);
    if (search->open.count) {
      Expr *e = search->open.items[--search->open.count].expr;
      look_at(order, e, &search->open);
      if (e->kind == EX_NAME && e->ref == REF_CONST) begin_search(order, e->constant->decl);
      continue;
    }
    for (u32 i = 0; i < search->decl->items.count; i++) gen_global(order->gen, search->decl->items.items[i]);
    order->searches.count--;
  }
}

// `replace` and `option.take`: the compiler makes instructions of their calls, so there is no such function.
static bool is_known_call(const FnDecl *fn) {
  return !fn->block && fn->params.count && fn->params.items[0].lent && !ty_is_unique(fn->params.items[0].ty);
}

// Own declarations take the first rows of each table.
static void own_entries(Gen *gen) {
  ModuleAst *ast = gen->ast;
  for (u32 i = 0; i < ast->types.count; i++)
    if (!ast->types.items[i]->alias) gen_data(gen, ast->types.items[i]);
  for (u32 i = 0; i < ast->interfaces.count; i++) gen_interface(gen, ast->interfaces.items[i]);
  for (u32 i = 0; i < ast->actors.count; i++) gen_actor(gen, ast->actors.items[i]);
  for (u32 i = 0; i < ast->fns.count; i++)
    if (!is_known_call(ast->fns.items[i])) gen_function(gen, ast->fns.items[i]);
  for (u32 i = 0; i < ast->actors.count; i++)
    for (u32 k = 0; k < ast->actors.items[i]->helpers.count; k++) gen_function(gen, ast->actors.items[i]->helpers.items[k]);
  Order order = {.gen = gen};
  for (u32 i = 0; i < ast->consts.count; i++) order_const(&order, ast->consts.items[i]);
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static void make_plain(Fn *f, void *decl) {
  FnDecl *fn = decl;
  f->decl = fn;
  f->gives = fn_gives(fn);
  if (f->gives) f->result = type_of(f->gen, f->result)->args[0];
  count_uses(f->gen, fn->block, f->result == f->gen->t_int || f->result == f->gen->t_float, f->emit->serial);
  fn_bind_params(f, &fn->params);
  gen(f, fn->block, SINK_RETURN);
}

static void gen_plain(Gen *gen, FnDecl *fn) {
  if (!fn->block) return;
  u32 index = gen_function(gen, fn);
  fn_make(gen, index, fn->body, make_plain, fn, fn->name.span);
  fn->effects = gen->module->functions.items[index].effects;  // what importers will declare
}

// ---- Constants ------------------------------------------------------------------------------------------------------

static void make_global(Fn *f, void *decl) {
  ConstItem *item = decl;
  ConstDecl *source = item->decl;
  f->keeps_frame = true;
  count_uses(f->gen, source->value, false, f->emit->serial);
  if (source->pattern->kind == PAT_NAME) {
    gen(f, source->value, SINK_RETURN);
    return;
  }
  Reg value = gen_natural(f, source->value);
  if (!fn_reachable(f)) return;
  gen_destructure(f, source->pattern, value, DESTRUCTURE, NULL);
  gen_return(f, fn_read(f, item->local, sink_val(f->result)));
}

static void gen_const(Gen *gen, ConstDecl *decl) {
  for (u32 i = 0; i < decl->items.count; i++) {
    ConstItem *item = decl->items.items[i];
    u32 index = gen_global(gen, item);
    Global *global = &gen->module->globals.items[index];
    Function made = {
        .name = global->name, .kind = FUNCTION_GLOBAL, .import = IMPORT_NONE, .actor = IMPORT_NONE, .result = global->type};
    global->function = gen->module->functions.count;
    vec_push(&gen->module->functions, made);
    fn_make(gen, global->function, decl->body, make_global, item, decl->span);
  }
}

// ---- Tests ----------------------------------------------------------------------------------------------------------

static void make_test(Fn *f, void *decl) {
  TestDecl *test = decl;
  f->drops = true;
  f->keeps_frame = true;
  count_uses(f->gen, test->block, false, f->emit->serial);
  if (test->out) fn_bind(f, test->out, 0);
  if (test->clock) fn_bind(f, test->clock, 1);
  gen(f, test->block, SINK_RETURN);
}

static void gen_test(Gen *gen, TestDecl *test) {
  TypeId *params = gc_array(TypeId, 2);
  Str *names = gc_array(Str, 2);
  params[0] = gen_type(gen, test->out->type);
  params[1] = gen_type(gen, test->clock->type);
  names[0] = STR("out");
  names[1] = STR("clock");
  u32 index = gen->module->functions.count;
  vec_push(&gen->module->functions, ((Function){.name = str_format("test %u", gen->module->tests.count),
                                                .kind = FUNCTION_TEST,
                                                .import = IMPORT_NONE,
                                                .actor = IMPORT_NONE,
                                                .param_count = 2,
                                                .result = gen->t_unit,
                                                .register_count = 2,
                                                .registers = params,
                                                .param_names = names}));
  vec_push(&gen->module->tests, ((TestDef){test->name, index}));
  fn_make(gen, index, test->body, make_test, test, test->span);
}

// ---- The module -----------------------------------------------------------------------------------------------------

static void gen_code(Gen *gen, bool tests) {
  ModuleAst *ast = gen->ast;
  for (u32 i = 0; i < ast->fns.count; i++) gen_plain(gen, ast->fns.items[i]);
  for (u32 i = 0; i < ast->actors.count; i++) {
    gen_actor_functions(gen, ast->actors.items[i]);
    for (u32 k = 0; k < ast->actors.items[i]->helpers.count; k++) gen_plain(gen, ast->actors.items[i]->helpers.items[k]);
  }
  for (u32 i = 0; i < ast->consts.count; i++) gen_const(gen, ast->consts.items[i]);
  for (u32 i = 0; tests && i < ast->tests.count; i++) gen_test(gen, ast->tests.items[i]);
  gen_pending(gen);
}

static void check_name(Gen *gen, Str name) {
  if (name.len > LIMIT_NAME)
    gen_limit(gen, DIAG_E0514, (Span){0, 0}, "a name may have 1,024 bytes, and `%.*s…` has more", 40, name.ptr);
}

static void check_field_names(Gen *gen, u32 count, const Field *fields) {
  for (u32 i = 0; i < count; i++) check_name(gen, fields[i].name);
}

static void check_names(Gen *gen) {
  const Module *m = gen->module;
  for (u32 i = 0; i < m->datas.count; i++) {
    check_name(gen, m->datas.items[i].name);
    for (u32 k = 0; k < m->datas.items[i].ctor_count; k++) {
      const Ctor *ctor = &m->datas.items[i].ctors[k];
      check_name(gen, ctor->name);
      check_field_names(gen, ctor->field_count, ctor->fields);
    }
  }
  for (u32 i = 0; i < m->interfaces.count; i++) {
    check_name(gen, m->interfaces.items[i].name);
    for (u32 k = 0; k < m->interfaces.items[i].method_count; k++) {
      const Method *method = &m->interfaces.items[i].methods[k];
      check_name(gen, method->name);
      check_field_names(gen, method->param_count, method->params);
    }
  }
  for (u32 i = 0; i < m->actors.count; i++) {
    check_name(gen, m->actors.items[i].name);
    check_field_names(gen, m->actors.items[i].param_count, m->actors.items[i].params);
    for (u32 k = 0; k < m->actors.items[i].field_count; k++) check_name(gen, m->actors.items[i].fields[k].name);
  }
  for (u32 i = 0; i < m->globals.count; i++) check_name(gen, m->globals.items[i].name);
  for (u32 i = 0; i < m->functions.count; i++) {
    const Function *f = &m->functions.items[i];
    check_name(gen, f->name);
    for (u32 k = 0; f->param_names && k < f->param_count; k++) check_name(gen, f->param_names[k]);
    for (u32 k = 0; k < f->local_count; k++) check_name(gen, f->locals[k].name);
  }
}

static bool within_limits(Gen *gen) {
  const Module *m = gen->module;
  check_names(gen);
  const u32 counts[] = {m->types.count, m->typelists.count, m->datas.count, m->interfaces.count, m->functions.count,
                        m->actors.count, m->globals.count, m->constants.count};
  for (u32 i = 0; i < COUNT_OF(counts); i++) {
    if (counts[i] <= LIMIT_TABLE) continue;
    gen_limit(gen, DIAG_E0511, (Span){0, 0}, "this module has more than four million types, constants or functions");
    return false;
  }
  return true;
}

Module *gen_module(ModuleAst *ast, bool tests, Diags *diags) {
  Gen *gen = gc_new(Gen);
  *gen = (Gen){.module = module_new(ast->name), .ast = ast, .diags = diags};
  Module *module = gen->module;
  u32 errors = diags->errors;
  module->source_path = ast->source->path;
  module->source_hash = str_hash(ast->source->text);
  module->main = IMPORT_NONE;
  module_typelist(module, 0, NULL);
  basic_types(gen);
  own_entries(gen);
  if (diags->errors > errors) return NULL;
  gen_code(gen, tests);
  if (ast->main) module->main = gen_function(gen, ast->main);
  return within_limits(gen) && diags->errors == errors ? module : NULL;
}
