// Random programs: types, functions, actors, and a main that uses them. See generate_state.h.
#include "tests/gen/generate_state.h"

#include <stdio.h>

// ---- Text -----------------------------------------------------------------------------------------------------------

void put_text(Gen *g, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_vprintf(&g->out, format, args);
  va_end(args);
}

void put_line(Gen *g) { put_text(g, "\n%*s", (int)g->indent * 2, ""); }

// ---- Types ----------------------------------------------------------------------------------------------------------

const Ty *make_type(Kind kind, const Ty *a, const Ty *b, u32 index) {
  Ty *type = gc_new(Ty);
  *type = (Ty){kind, a, b, index};
  return type;
}

static const Ty *simple(Gen *g) { return make_type((Kind)pick(g, K_STRING + 1), NULL, NULL, 0); }

const Ty *some_type(Gen *g, u32 depth) {
  if (!depth || chance(g, 4)) return simple(g);
  if (g->plain[0] && !chance(g, 3)) return g->plain[pick(g, TYPES)];
  switch (pick(g, 8)) {
    case 0: case 1: return make_type(K_LIST, some_type(g, depth - 1), NULL, 0);
    case 2: return make_type(K_OPTION, some_type(g, depth - 1), NULL, 0);
    case 3: return make_type(K_PAIR, some_type(g, depth - 1), some_type(g, depth - 1), 0);
    case 4: return make_type(K_MAP, make_type(chance(g, 2) ? K_INT : K_STRING, NULL, NULL, 0), some_type(g, depth - 1), 0);
    case 5: case 6: return g->data_count ? make_type(K_DATA, NULL, NULL, pick(g, g->data_count)) : simple(g);
    default: return simple(g);
  }
}

const Ty *some_unique(Gen *g, u32 depth) {
  if (g->unique[0] && depth && !chance(g, 4)) return g->unique[pick(g, TYPES)];
  switch (pick(g, depth ? 8 : 5)) {
    case 0: case 1: return make_type(K_BUF, NULL, NULL, 0);
    case 2: case 3: return make_type(K_ARRAY, simple(g), NULL, 0);
    case 4: return make_type(K_ARRAY, some_type(g, 1), NULL, 0);
    case 5: return make_type(K_OPTION, some_unique(g, depth - 1), NULL, 0);
    case 6: return chance(g, 2) ? make_type(K_PAIR, some_unique(g, depth - 1), some_type(g, 1), 0)
                                : make_type(K_PAIR, some_type(g, 1), some_unique(g, depth - 1), 0);
    default: return g->owner_count ? make_type(K_OWNER, NULL, NULL, pick(g, g->owner_count)) : some_unique(g, 0);
  }
}

bool holds_unique(const Ty *t) {
  switch (t->kind) {
    case K_BUF: case K_ARRAY: case K_OWNER: return true;
    case K_OPTION: return holds_unique(t->a);
    case K_PAIR: return holds_unique(t->a) || holds_unique(t->b);
    case K_INT: case K_FLOAT: case K_BOOL: case K_STRING: case K_LIST: case K_MAP: case K_DATA: case K_FN: return false;
  }
  return false;
}

// Data is made of ordered things here, but for a Map.
bool has_order(const Ty *t) {
  switch (t->kind) {
    case K_INT: case K_FLOAT: case K_BOOL: case K_STRING: return true;
    case K_LIST: case K_OPTION: return has_order(t->a);
    case K_PAIR: return has_order(t->a) && has_order(t->b);
    case K_MAP: case K_DATA: case K_FN: case K_BUF: case K_ARRAY: case K_OWNER: return false;
  }
  return false;
}

bool types_equal(const Ty *a, const Ty *b) {
  if (!a || !b) return a == b;
  return a->kind == b->kind && a->index == b->index && types_equal(a->a, b->a) && types_equal(a->b, b->b);
}

void put_type(Gen *g, const Ty *t) {
  static const char *const names[] = {[K_INT] = "Int", [K_FLOAT] = "Float", [K_BOOL] = "Bool", [K_STRING] = "String", [K_BUF] = "Buf"};
  switch (t->kind) {
    case K_INT: case K_FLOAT: case K_BOOL: case K_STRING: case K_BUF: put_text(g, "%s", names[t->kind]); return;
    case K_LIST: case K_OPTION: case K_ARRAY:
      put_text(g, t->kind == K_LIST ? "List[" : t->kind == K_OPTION ? "Option[" : "Array[");
      put_type(g, t->a);
      put_text(g, "]");
      return;
    case K_PAIR: case K_MAP:
      put_text(g, t->kind == K_PAIR ? "(" : "Map[");
      put_type(g, t->a);
      put_text(g, ", ");
      put_type(g, t->b);
      put_text(g, t->kind == K_PAIR ? ")" : "]");
      return;
    case K_DATA: put_text(g, "D%u", t->index); return;
    case K_OWNER: put_text(g, "U%u", t->index); return;
    case K_FN:
      put_text(g, "fn(");
      put_type(g, t->a);
      put_text(g, ") -> ");
      put_type(g, t->b);
      return;
  }
}

// ---- Variables ------------------------------------------------------------------------------------------------------

u32 make_id(Gen *g) { return ++g->next_id; }

Var *make_var(Gen *g, const Ty *type, bool assignable) {
  if (g->var_count == VARS) BUG("too many variables");
  Var *var = &g->vars[g->var_count++];
  *var = (Var){.id = make_id(g), .type = type, .assignable = assignable};
  var->within = holds_unique(type) ? g->within : 0;
  var->pattern = g->pattern;
  var->lent = var->within > 0;
  return var;
}

bool var_seen(const Gen *g, const Var *var) {
  if (var->dead || var->busy) return false;
  bool before = var < g->vars + g->capture_floor;
  return !(before && (var->assignable || holds_unique(var->type)));
}

bool var_movable(const Gen *g, const Var *var) {
  bool before = var < g->vars + g->loop_floor;
  return var_seen(g, var) && !before && !var->state && !var->lent && !g->no_moves;
}

static bool is_within(const Gen *g, const Var *part, const Var *whole) {
  while (part->within && part != whole) part = &g->vars[part->within - 1];
  return part == whole;
}

bool var_may_change(const Gen *g, const Var *var) {
  for (const Var *part = g->vars; part < g->vars + g->loop_floor; part++) {
    if (part != var && !part->dead && is_within(g, part, var)) return false;
  }
  return true;
}

void var_changes(Gen *g, const Var *var) {
  for (u32 i = 0; i < g->var_count; i++) g->vars[i].dead |= &g->vars[i] != var && is_within(g, &g->vars[i], var);
}

// Parts of one value are known to be apart if one pattern binds them.
static bool may_overlap(const Gen *g, const Var *a, const Var *b) {
  if (a == b) return true;
  if (a->within && a->within == b->within && a->pattern == b->pattern) return false;
  while (a->within) a = &g->vars[a->within - 1];
  while (b->within) b = &g->vars[b->within - 1];
  return a == b;
}

void var_lend(Gen *g, Var *var, bool lent) {
  for (u32 i = 0; i < g->var_count; i++) {
    if (may_overlap(g, &g->vars[i], var)) g->vars[i].busy += lent ? 1 : -1;
  }
}

void pattern_begin(Gen *g, u32 within) {
  g->within = within;
  g->pattern++;
}

void pattern_end(Gen *g) { g->within = 0; }

bool is_thing(const Ty *type) { return type->kind == K_BUF || type->kind == K_ARRAY; }

static Var *find(Gen *g, const Ty *type, Kind kind) {
  u32 from = pick(g, g->var_count);
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[(from + i) % g->var_count];
    if (var_seen(g, var) && (type ? types_equal(var->type, type) : var->type->kind == kind)) return var;
  }
  return NULL;
}

Var *var_of(Gen *g, const Ty *type) { return find(g, type, K_INT); }
Var *var_of_kind(Gen *g, Kind kind) { return find(g, NULL, kind); }

void lives_note(const Gen *g, Lives *lives) {
  lives->count = g->var_count;
  for (u32 i = 0; i < g->var_count; i++) lives->dead[i] = g->vars[i].dead;
}

void lives_restore(Gen *g, const Lives *lives) {
  for (u32 i = 0; i < lives->count; i++) g->vars[i].dead = lives->dead[i];
}

void lives_join(Gen *g, const Lives *other) {
  for (u32 i = 0; i < other->count; i++) g->vars[i].dead |= other->dead[i];
}

// ---- Declarations ---------------------------------------------------------------------------------------------------

static void put_variant(Gen *g, const Variant *variant) {
  for (u32 i = 0; i < variant->field_count; i++) {
    put_text(g, "%s%c: ", i ? ", " : "(", 'a' + i);
    put_type(g, variant->fields[i]);
  }
  if (variant->field_count) put_text(g, ")");
}

static void put_data(Gen *g, const Data *data, char letter, u32 index) {
  put_text(g, "%stype %c%u", letter == 'U' ? "unique " : "", letter, index);
  if (data->ctor_count == 1) put_variant(g, &data->ctors[0]);
  else put_text(g, " {");
  for (u32 i = 0; data->ctor_count > 1 && i < data->ctor_count; i++) {
    put_text(g, " %c%ux%u", letter, index, i);
    put_variant(g, &data->ctors[i]);
  }
  put_text(g, data->ctor_count > 1 ? " }\n" : "\n");
}

static void declare_datas(Gen *g) {
  u32 count = 1 + pick(g, 4);
  for (u32 n = 0; n < count; n++) {
    Data data = {.ctor_count = 1 + pick(g, 4)};
    for (u32 c = 0; c < data.ctor_count; c++) {
      Variant *variant = &data.ctors[c];
      variant->field_count = data.ctor_count == 1 ? 1 + pick(g, 3) : pick(g, 4);
      for (u32 i = 0; i < variant->field_count; i++) {
        bool itself = data.ctor_count > 1 && c && chance(g, 3);  // the first constructor ends the recursion
        variant->fields[i] = itself ? make_type(K_DATA, NULL, NULL, n) : some_type(g, 2);
      }
    }
    g->datas[n] = data;
    put_data(g, &data, 'D', n);
    g->data_count = n + 1;
  }
}

static void declare_owners(Gen *g) {
  u32 count = pick(g, 4);
  for (u32 n = 0; n < count; n++) {
    Data data = {.ctor_count = 1 + pick(g, 3)};
    for (u32 c = 0; c < data.ctor_count; c++) {
      Variant *variant = &data.ctors[c];
      variant->field_count = data.ctor_count == 1 || !c ? 1 + pick(g, 3) : pick(g, 4);
      for (u32 i = 0; i < variant->field_count; i++) {
        variant->fields[i] = (!c && !i) || chance(g, 2) ? some_unique(g, 1) : some_type(g, 1);
      }
    }
    g->owners[n] = data;
    put_data(g, &data, 'U', n);
    g->owner_count = n + 1;
  }
}

static void choose_types(Gen *g) {
  const Ty *plain[TYPES], *unique[TYPES];
  for (u32 i = 0; i < TYPES; i++) {
    plain[i] = some_type(g, 2);
    unique[i] = some_unique(g, i < 2 ? 0 : 2);
    if (i == 2 && g->owner_count) unique[i] = g->owners[pick(g, g->owner_count)].ctors[0].fields[0];
    if (i == 3 && g->owner_count) unique[i] = make_type(K_OWNER, NULL, NULL, pick(g, g->owner_count));
  }
  memcpy(g->plain, plain, sizeof plain);
  memcpy(g->unique, unique, sizeof unique);
}

// A condition on what stands under a name, looked at part by part.
static void put_measure(Gen *g, const Ty *t, const char *name, u32 depth) {
  u32 id = make_id(g);
  Str inner = str_format("v%u", id);
  if (is_thing(t)) {
    put_text(g, "%s.len() %% 2 == 0", name);
  } else if (depth && t->kind == K_OPTION) {
    put_text(g, "match %s { Some(v%u) -> { ", name, id);
    put_measure(g, t->a, inner.ptr, depth - 1);
    put_text(g, " }  None -> false }");
  } else if (depth && t->kind == K_PAIR) {
    bool first = holds_unique(t->a);
    put_text(g, first ? "{ let (v%u, _) = %s; " : "{ let (_, v%u) = %s; ", id, name);
    put_measure(g, first ? t->a : t->b, inner.ptr, depth - 1);
    put_text(g, " }");
  } else if (depth && t->kind == K_OWNER) {
    // The first field of the first constructor is unique.
    const Data *data = &g->owners[t->index];
    put_text(g, data->ctor_count > 1 ? "match %s { U%ux0(v%u%s) -> { " : "match %s { U%u(v%u%s) -> { ", name, t->index, id,
             data->ctors[0].field_count > 1 ? ", .." : "");
    put_measure(g, data->ctors[0].fields[0], inner.ptr, depth - 1);
    put_text(g, data->ctor_count > 1 ? " }  _ -> true }" : " } }");
  } else {
    put_text(g, "show(&%s).len() %% 2 == 0", name);
  }
}

// Of the fourth type: `look3` and `same3` change nothing, and so serve guards; `put3` puts another value in the place of what it is
// lent, `alter3` does it on one of its ways.
static void declare_looks(Gen *g) {
  for (u32 i = 0; i < TYPES; i++) {
    put_text(g, "fn look%u(x: &", i);
    put_type(g, g->unique[i]);
    put_text(g, ") -> Bool { ");
    put_measure(g, g->unique[i], "x", 3);
    put_text(g, " }\nfn same%u(x: &", i);
    put_type(g, g->unique[i]);
    put_text(g, ", y: &");
    put_type(g, g->unique[i]);
    put_text(g, ") -> Bool { look%u(&x) == look%u(&y) }\nfn put%u(x: &", i, i, i);
    put_type(g, g->unique[i]);
    put_text(g, ", y: ");
    put_type(g, g->unique[i]);
    put_text(g, ") -> ");
    put_type(g, g->unique[i]);
    put_text(g, " { replace(&x, y) }\nfn alter%u(x: &", i);
    put_type(g, g->unique[i]);
    put_text(g, ", y: ");
    put_type(g, g->unique[i]);
    put_text(g, ") -> Bool { if look%u(&x) { let old = put%u(&x, y); return same%u(&x, &old) }; look%u(&x) }\n", i, i, i, i);
  }
}

// ---- Functions ------------------------------------------------------------------------------------------------------

static void begin_body(Gen *g, const Ty *result) {
  g->var_count = g->capture_floor = g->loop_floor = 0;
  g->no_moves = g->pure = 0;
  g->result = result;
  g->helper = 0;
  g->waits = true;
  g->cost = g->times = 1;
  g->indent = 1;
}

static void put_params(Gen *g, const Func *f) {
  put_text(g, "(");
  if (f->bounded) put_text(g, "depth: Int%s", f->param_count ? ", " : "");
  for (u32 i = 0; i < f->param_count; i++) {
    Var *var = make_var(g, f->params[i], false);
    var->lent = f->lent[i];
    put_text(g, "%sv%u: %s", i ? ", " : "", var->id, f->lent[i] ? "&" : "");
    put_type(g, f->params[i]);
  }
  put_text(g, ")");
}

static Func new_face(Gen *g) {
  bool unique = !g->options.plain && chance(g, 2);
  Func f = {.result = unique && chance(g, 2) ? some_unique(g, 2) : some_type(g, 2), .param_count = pick(g, 4), .bounded = chance(g, 4)};
  for (u32 i = 0; i < f.param_count; i++) {
    f.params[i] = unique && chance(g, 2) ? some_unique(g, 2) : some_type(g, 2);
    f.lent[i] = holds_unique(f.params[i]) && chance(g, 2);
    if (f.lent[i] && chance(g, 2)) f.params[i] = g->unique[2 + pick(g, TYPES - 2)];
  }
  return f;
}

static void function(Gen *g) {
  Func f = new_face(g);
  begin_body(g, f.result);
  put_text(g, "\nfn f%u", g->func_count);
  put_params(g, &f);
  put_text(g, " -> ");
  put_type(g, f.result);
  put_text(g, " {");
  u32 self = g->self = g->func_count;
  if (f.bounded) {
    // It calls itself with what it was given or makes anew, as often as `depth` says.
    put_line(g);
    put_text(g, "if depth <= 0 { return ");
    g->no_moves++;
    if (holds_unique(f.result)) put_owned(g, f.result, 1);
    else put_expr(g, f.result, 1);
    g->no_moves--;
    put_text(g, " }");
    f.cost = 1;
    g->funcs[self] = f;
  }
  for (u32 i = 0; i < f.param_count; i++) if (f.lent[i] && !chance(g, 3)) put_use_of_lent(g);
  put_statements(g, 1 + pick(g, 4), 2);
  if (f.bounded) {
    put_line(g);
    u32 kept = g->func_count;
    g->func_count = self + 1;
    u32 id = make_id(g);
    put_text(g, "let v%u: ", id);
    put_type(g, f.result);
    put_text(g, " = ");
    put_call(g, self, 1);
    Var *var = make_var(g, f.result, false);
    var->id = id;
    g->func_count = kept;
  }
  put_result(g, f.result);
  g->indent = 0;
  g->self = FUNCS;
  put_text(g, "\n}\n");
  f.cost = f.bounded ? g->cost * 4 : g->cost;
  g->funcs[g->func_count++] = f;
}

static const char *const helpers =
    "fn cut(s: String) -> String { if s.len() > 24 { s.slice(0, 24) } else { s } }\n"
    "fn twice[T](x: T) -> (T, T) { (x, x) }\n"
    "fn choose[T: ordered](a: T, b: T) -> T { if a < b { a } else { b } }\n"
    "fn count_of[T: equal](xs: List[T], x: T) -> Int { var n = 0\n  for y in xs { if x == y { n += 1 } }\n  n }\n";

Str program_text(u64 seed, ProgramOptions options) {
  Gen *g = gc_new(Gen);
  g->random = random_from(seed);
  g->options = options;
  g->self = FUNCS;
  put_text(g, "// Program %llu of the generator.\nimport option\nimport array\nimport buf\n", (unsigned long long)seed);
  if (options.plain) g->out.len = 0;
  declare_datas(g);
  if (!options.plain) declare_owners(g);
  choose_types(g);
  put_text(g, "%s", helpers);
  if (!options.plain) declare_looks(g);
  u32 count = 2 + pick(g, 6);
  while (count--) function(g);
  Actors made = {0};
  put_actors(g, &made);
  begin_body(g, NULL);
  g->prints = true;
  put_text(g, "\npub fn main(out: Out) {");
  put_statements(g, 6 + pick(g, 8), 3);
  put_uses(g, &made);
  put_statements(g, 2 + pick(g, 4), 2);
  put_text(g, "\n}\n");
  return text_str(&g->out);
}
