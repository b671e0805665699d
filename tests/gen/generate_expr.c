// Expressions: see generate_state.h. Each is written for a type that is known, and its operands are shallower.
#include "tests/gen/generate_state.h"

static const char *const words[] = {"a", "deed", "two words", "", "x\\ny", "\\u{e9}t\\u{e9}", "\\{", "123", "-7", "Zed"};

static void int_literal(Gen *g) {
  static const char *const odd[] = {"9223372036854775807", "(-9223372036854775808)", "4611686018427387904", "1_000_000", "0xff"};
  if (chance(g, 12)) put_text(g, "%s", odd[pick(g, COUNT_OF(odd))]);
  else if (chance(g, 5)) put_text(g, "(-%u)", 1 + pick(g, 9));
  else put_text(g, "%u", pick(g, 12));
}

static void string_literal(Gen *g) { put_text(g, "\"%s\"", words[pick(g, COUNT_OF(words))]); }

// Operands of what may run another number of times than what stands around it: no moves, and at the price.
static void repeated(Gen *g, u32 times, const Ty *type, u32 depth) {
  u64 kept = g->times;
  g->times *= times;
  g->no_moves++;
  put_expr(g, type, depth);
  g->no_moves--;
  g->times = kept;
}

static void closure(Gen *g, const Ty *param, const Ty *result, u32 depth) {
  u32 floor = g->capture_floor, vars = g->var_count;
  g->capture_floor = vars;
  Var *var = make_var(g, param, false);
  put_text(g, "fn(v%u: ", var->id);
  put_type(g, param);
  put_text(g, ") { ");
  repeated(g, 4, result, depth);
  put_text(g, " }");
  g->capture_floor = floor;
  g->var_count = vars;
}

static void literal(Gen *g, const Ty *t) {
  switch (t->kind) {
    case K_INT: int_literal(g); return;
    case K_FLOAT: put_text(g, chance(g, 4) ? "(-%u.%u)" : "%u.%u", pick(g, 20), pick(g, 4) * 25); return;
    case K_BOOL: put_text(g, chance(g, 2) ? "true" : "false"); return;
    case K_STRING: string_literal(g); return;
    case K_LIST: put_text(g, "[]"); return;
    case K_OPTION: put_text(g, "None"); return;
    case K_MAP: put_text(g, "[:]"); return;
    case K_PAIR:
      put_text(g, "(");
      literal(g, t->a);
      put_text(g, ", ");
      literal(g, t->b);
      put_text(g, ")");
      return;
    case K_DATA: put_constructor(g, t, 0, 0); return;
    case K_FN: closure(g, t->a, t->b, 0); return;
    case K_BUF: case K_ARRAY: case K_OWNER: put_owned(g, t, 0); return;
  }
}

void put_constructor(Gen *g, const Ty *type, u32 number, u32 depth) {
  const Data *data = type->kind == K_OWNER ? &g->owners[type->index] : &g->datas[type->index];
  char letter = type->kind == K_OWNER ? 'U' : 'D';
  const Variant *variant = &data->ctors[number];
  if (data->ctor_count > 1) put_text(g, "%c%ux%u", letter, type->index, number);
  else put_text(g, "%c%u", letter, type->index);
  for (u32 i = 0; i < variant->field_count; i++) {
    put_text(g, i ? ", " : "(");
    if (holds_unique(variant->fields[i])) put_owned(g, variant->fields[i], depth);
    else if (variant->fields[i]->kind == K_DATA && variant->fields[i]->index == type->index) put_constructor(g, variant->fields[i], 0, 0);
    else put_expr(g, variant->fields[i], depth);
  }
  if (variant->field_count) put_text(g, ")");
}

static u32 some_ctor(Gen *g, const Ty *type) {
  return pick(g, type->kind == K_OWNER ? g->owners[type->index].ctor_count : g->datas[type->index].ctor_count);
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

bool can_afford(const Gen *g, const Func *f) { return !g->pure && g->cost + f->cost * g->times <= COST_MOST; }

static void give_back(Gen *g, u32 count, Var **lent) {
  for (u32 i = 0; i < count; i++) if (lent[i]) var_lend(g, lent[i], false);
}

// What is lent is a name: one that is there, or else the call is not made. Those lent stay so until the call is written.
static bool lend_all(Gen *g, const Func *f, Var **lent) {
  for (u32 i = 0; i < f->param_count; i++) {
    lent[i] = NULL;
    if (!f->lent[i]) continue;
    Var *var = var_of(g, f->params[i]);
    // The function may replace what it is lent, which no part can be.
    if (!var || (var->within && !is_thing(var->type)) || !var_may_change(g, var)) {
      give_back(g, i, lent);
      return false;
    }
    var_changes(g, var);
    var_lend(g, var, true);
    lent[i] = var;
  }
  return true;
}

static void put_args(Gen *g, u32 index, Var **lent, u32 depth) {
  const Func *f = &g->funcs[index];
  put_text(g, "f%u(", index);
  if (f->bounded) put_text(g, index == g->self ? "depth - 1%s" : "3%s", f->param_count ? ", " : "");
  for (u32 i = 0; i < f->param_count; i++) {
    if (i) put_text(g, ", ");
    if (lent[i]) put_text(g, "&v%u", lent[i]->id);
    else if (holds_unique(f->params[i])) put_owned(g, f->params[i], depth);
    else put_expr(g, f->params[i], depth);
  }
  put_text(g, ")");
}

static bool try_call(Gen *g, u32 index, u32 depth) {
  const Func *f = &g->funcs[index];
  Var *lent[4];
  if (!can_afford(g, f) || !lend_all(g, f, lent)) return false;
  g->cost += f->cost * g->times;
  put_args(g, index, lent, depth);
  give_back(g, f->param_count, lent);
  return true;
}

static bool call_for(Gen *g, const Ty *type, u32 depth) {
  u32 from = pick(g, g->func_count);
  for (u32 i = 0; i < g->func_count; i++) {
    u32 index = (from + i) % g->func_count;
    if (types_equal(g->funcs[index].result, type) && try_call(g, index, depth)) return true;
  }
  return false;
}

void put_call(Gen *g, u32 index, u32 depth) {
  const Func *f = &g->funcs[index];
  if (try_call(g, index, depth)) return;
  if (holds_unique(f->result)) put_owned(g, f->result, 0);
  else put_expr(g, f->result, 0);
}

// ---- By type --------------------------------------------------------------------------------------------------------

static void pair_of(Gen *g, const Ty *type, u32 depth, const char *before, const char *between, const char *after) {
  put_text(g, "%s", before);
  put_expr(g, type, depth);
  put_text(g, "%s", between);
  put_expr(g, type, depth);
  put_text(g, "%s", after);
}

static const Ty basic[] = {{.kind = K_INT}, {.kind = K_FLOAT}, {.kind = K_BOOL}, {.kind = K_STRING}};

static void int_expr(Gen *g, u32 depth) {
  static const char *const operators[] = {" +% ", " -% ", " *% ", " & ", " | ", " ^ ", " + ", " - "};
  const Ty *t = &basic[K_INT];
  Var *v;
  switch (pick(g, 12)) {
    case 0: if ((v = var_of_kind(g, K_LIST))) { put_text(g, "v%u.len()", v->id); return; } break;
    case 1: if ((v = var_of_kind(g, K_STRING))) { put_text(g, "v%u.len()", v->id); return; } break;
    case 2: case 3: if ((v = var_of_kind(g, K_ARRAY)) || (v = var_of_kind(g, K_BUF))) { put_text(g, "v%u.len()", v->id); return; } break;
    case 4: pair_of(g, t, depth, chance(g, 2) ? "min(" : "max(", ", ", ")"); return;
    case 5:
      put_text(g, "(");
      put_expr(g, t, depth);
      put_text(g, " %s %u)", chance(g, 2) ? "/" : "%", 2 + pick(g, 7));
      return;
    case 6:
      if (!chance(g, 8)) break;
      pair_of(g, t, depth, "(", chance(g, 2) ? " / " : " % ", ")");  // may crash
      return;
    case 8: {
      Var *list = var_of_kind(g, K_LIST);
      if (!list || list->type->a->kind == K_FN || g->pure) break;
      put_text(g, "count_of(v%u, ", list->id);
      put_expr(g, list->type->a, 0);
      put_text(g, ")");
      return;
    }
    case 9: put_text(g, "twice("), put_expr(g, t, depth), put_text(g, ").1"); return;
    case 7: put_text(g, "choose("), put_expr(g, t, depth), put_text(g, ", "), put_expr(g, t, depth), put_text(g, ")"); return;
    default: break;
  }
  pair_of(g, t, depth, "(", operators[pick(g, chance(g, 6) ? 8 : 6)], ")");
}

static void float_expr(Gen *g, u32 depth) {
  static const char *const operators[] = {" + ", " - ", " * ", " / "};
  if (chance(g, 4)) {
    put_text(g, "(");
    put_expr(g, &basic[K_INT], depth);
    put_text(g, ").to_float()");
    return;
  }
  pair_of(g, &basic[K_FLOAT], depth, "(", operators[pick(g, 4)], ")");
}

void put_condition(Gen *g, u32 depth) {
  static const char *const operators[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
  Var *v;
  switch (pick(g, 8)) {
    case 6: if (!g->pure && put_look(g, 0)) return; break;
    case 0: case 1: {
      const Ty *t = &basic[pick(g, 4)];
      pair_of(g, t, depth ? depth - 1 : 0, "(", operators[pick(g, 6)], ")");
      return;
    }
    case 2:
      v = &g->vars[pick(g, g->var_count)];
      if (!g->var_count || !var_seen(g, v) || holds_unique(v->type) || v->type->kind == K_FN || g->pure) break;
      put_text(g, "(v%u %s ", v->id, has_order(v->type) ? operators[pick(g, 6)] + 1 : "==");
      put_expr(g, v->type, 0);
      put_text(g, ")");
      return;
    case 3:
      if (!depth) break;
      put_text(g, "(");
      put_condition(g, depth - 1);
      put_text(g, chance(g, 2) ? " and " : " or ");
      g->no_moves++;
      put_condition(g, depth - 1);
      g->no_moves--;
      put_text(g, ")");
      return;
    case 4:
      if (!depth) break;
      put_text(g, "(not ");
      put_condition(g, depth - 1);
      put_text(g, ")");
      return;
    case 5: if (!g->pure && (v = var_of_kind(g, K_LIST)) && !(v->type->a->kind == K_FN)) {
      put_text(g, "v%u.contains(", v->id);
      put_expr(g, v->type->a, 0);
      put_text(g, ")");
      return;
    } break;
    default: break;
  }
  pair_of(g, &basic[K_INT], 0, "(", operators[pick(g, 6)], ")");
}

static u32 number_of(const Gen *g, const Ty *type) {
  u32 number = 0;
  while (number < TYPES && !types_equal(g->unique[number], type)) number++;
  return number;
}

const Ty *some_part(Gen *g, const Var *var, const char **path) {
  static const char *const names[] = {".a", ".b", ".c", ".d"};
  const Ty *t = var->type;
  const Data *data = t->kind == K_OWNER ? &g->owners[t->index] : NULL;
  bool first = chance(g, 2);
  if (t->kind == K_PAIR && holds_unique(first ? t->a : t->b)) return *path = first ? ".0" : ".1", first ? t->a : t->b;
  if (!data || data->ctor_count > 1) return NULL;
  u32 field = pick(g, data->ctors[0].field_count);
  if (!holds_unique(data->ctors[0].fields[field])) return NULL;
  *path = names[field];
  return data->ctors[0].fields[field];
}

static bool looked_at(const Gen *g, const Var *var, const Ty *type) {
  return var_seen(g, var) && (type ? types_equal(var->type, type) : number_of(g, var->type) < TYPES);
}

// At one variable, a part of it, or at two of one type that do not overlap.
bool put_look(Gen *g, u32 from) {
  Var *seen[2] = {0};
  u32 count = g->var_count - from, start = pick(g, count), found = 0;
  if (g->options.plain) return false;
  for (u32 i = 0; i < count && found < 2; i++) {
    Var *var = &g->vars[from + (start + i) % count];
    if (!looked_at(g, var, found ? seen[0]->type : NULL)) continue;
    seen[found++] = var;
    var_lend(g, var, true);
  }
  for (u32 i = 0; i < found; i++) var_lend(g, seen[i], false);
  if (!found) return false;
  u32 number = number_of(g, seen[0]->type);
  const char *path;
  const Ty *part = some_part(g, seen[0], &path);
  if (part && number_of(g, part) < TYPES && chance(g, 2)) put_text(g, "v%u%s.look%u()", seen[0]->id, path, number_of(g, part));
  else if (found == 1) put_text(g, "look%u(&v%u)", number, seen[0]->id);
  else put_text(g, "same%u(&v%u, &v%u)", number, seen[0]->id, seen[1]->id);
  return true;
}

static void string_expr(Gen *g, u32 depth) {
  Var *v;
  switch (pick(g, 8)) {
    case 0: put_text(g, "cut("), pair_of(g, &basic[K_STRING], depth, "", " + ", ")"); return;
    case 1: case 2: {
      put_text(g, "\"%s{", words[pick(g, 3)]);
      put_expr(g, &basic[pick(g, 4)], depth);
      put_text(g, "}!\"");
      return;
    }
    case 3:
      v = g->var_count ? &g->vars[pick(g, g->var_count)] : NULL;
      if (!v || !var_seen(g, v) || v->type->kind == K_FN || holds_unique(v->type)) break;
      put_text(g, "cut(show(v%u))", v->id);
      return;
    case 4: if ((v = var_of(g, &basic[K_STRING]))) { put_text(g, "v%u.%s()", v->id, chance(g, 2) ? "upper" : "trim"); return; } break;
    case 5:
      v = var_of(g, make_type(K_LIST, &basic[K_STRING], NULL, 0));
      if (!v) break;
      put_text(g, "cut(v%u.join(\",\"))", v->id);
      return;
    case 6: put_text(g, "("), put_expr(g, &basic[K_INT], depth), put_text(g, ").to_hex()"); return;
    default: break;
  }
  string_literal(g);
}

static void list_expr(Gen *g, const Ty *t, u32 depth) {
  Var *v = var_of(g, t), *from = var_of_kind(g, K_LIST);
  switch (pick(g, 8)) {
    case 0: if (v) { put_text(g, "v%u.reverse()", v->id); return; } break;
    case 1: if (v) { put_text(g, "["), put_expr(g, t->a, depth), put_text(g, ", ..v%u.take(4)]", v->id); return; } break;
    case 2: if (v) { put_text(g, "[..v%u.take(3), ", v->id), put_expr(g, t->a, depth), put_text(g, "]"); return; } break;
    case 3: if (v && has_order(t->a)) { put_text(g, "v%u.sort()", v->id); return; } break;
    case 4:
      if (!from) break;
      put_text(g, "v%u.take(5).map(", from->id);
      closure(g, from->type->a, t->a, depth);
      put_text(g, ")");
      return;
    case 5: if (v) { put_text(g, "v%u.filter(", v->id), closure(g, t->a, &basic[K_BOOL], depth), put_text(g, ")"); return; } break;
    case 6: if ((from = var_of(g, make_type(K_ARRAY, t->a, NULL, 0)))) { put_text(g, "v%u.to_list().take(6)", from->id); return; } break;
    default: break;
  }
  u32 count = pick(g, 4);
  put_text(g, "[");
  for (u32 i = 0; i < count; i++) {
    if (i) put_text(g, ", ");
    put_expr(g, t->a, depth);
  }
  put_text(g, "]");
}

static void option_expr(Gen *g, const Ty *t, u32 depth) {
  Var *v = var_of(g, make_type(K_LIST, t->a, NULL, 0));
  switch (pick(g, 5)) {
    case 0: if (v) { put_text(g, "v%u.get(", v->id), put_expr(g, &basic[K_INT], 0), put_text(g, ")"); return; } break;
    case 1: if (v) { put_text(g, "v%u.%s()", v->id, has_order(t->a) && chance(g, 2) ? "max" : "first"); return; } break;
    case 2: if (v) { put_text(g, "v%u.find(", v->id), closure(g, t->a, &basic[K_BOOL], depth), put_text(g, ")"); return; } break;
    case 3: put_text(g, "None"); return;
    default: break;
  }
  put_text(g, "Some(");
  put_expr(g, t->a, depth);
  put_text(g, ")");
}

static void map_expr(Gen *g, const Ty *t, u32 depth) {
  Var *v = var_of(g, t);
  if (v && chance(g, 2)) {
    put_text(g, "v%u.%s(", v->id, chance(g, 3) ? "remove" : "insert");
    bool inserts = g->out.ptr[g->out.len - 2] == 't';
    put_expr(g, t->a, depth);
    if (inserts) put_text(g, ", "), put_expr(g, t->b, depth);
    put_text(g, ")");
    return;
  }
  u32 count = pick(g, 3);
  put_text(g, count ? "[" : "[:");
  for (u32 i = 0; i < count; i++) {
    if (i) put_text(g, ", ");
    put_expr(g, t->a, 0);
    put_text(g, ": ");
    put_expr(g, t->b, depth);
  }
  put_text(g, "]");
}

static void data_expr(Gen *g, const Ty *t, u32 depth) {
  const Data *data = &g->datas[t->index];
  Var *v = var_of(g, t);
  if (!v || data->ctor_count > 1 || !chance(g, 3)) {
    put_constructor(g, t, some_ctor(g, t), depth);
    return;
  }
  u32 field = pick(g, data->ctors[0].field_count);
  put_text(g, "D%u(..v%u, %c: ", t->index, v->id, 'a' + field);
  put_expr(g, data->ctors[0].fields[field], 0);
  put_text(g, ")");
}

static void by_type(Gen *g, const Ty *t, u32 depth) {
  switch (t->kind) {
    case K_INT: int_expr(g, depth); return;
    case K_FLOAT: float_expr(g, depth); return;
    case K_BOOL: put_condition(g, depth); return;
    case K_STRING: string_expr(g, depth); return;
    case K_LIST: list_expr(g, t, depth); return;
    case K_OPTION: option_expr(g, t, depth); return;
    case K_PAIR:
      put_text(g, "(");
      put_expr(g, t->a, depth);
      put_text(g, ", ");
      put_expr(g, t->b, depth);
      put_text(g, ")");
      return;
    case K_MAP: map_expr(g, t, depth); return;
    case K_DATA: data_expr(g, t, depth); return;
    case K_FN: closure(g, t->a, t->b, depth); return;
    case K_BUF: case K_ARRAY: case K_OWNER: put_owned(g, t, depth); return;
  }
}

// ---- Of any type ----------------------------------------------------------------------------------------------------

static void if_expr(Gen *g, const Ty *t, u32 depth) {
  put_text(g, "(if ");
  put_condition(g, depth);
  g->no_moves++;
  put_text(g, " { ");
  put_expr(g, t, depth);
  put_text(g, " } else { ");
  put_expr(g, t, depth);
  put_text(g, " })");
  g->no_moves--;
}

static void block_expr(Gen *g, const Ty *t, u32 depth) {
  const Ty *inner = some_type(g, 1);
  u32 vars = g->var_count, id = make_id(g);
  put_text(g, "({ let v%u: ", id);
  put_type(g, inner);
  put_text(g, " = ");
  put_expr(g, inner, depth);
  make_var(g, inner, false)->id = id;
  put_text(g, "; ");
  put_expr(g, t, depth);
  put_text(g, " })");
  g->var_count = vars;
}

// What a task makes, which is waited for: its own actor does nothing else meanwhile, so this shows in no order.
static bool await_expr(Gen *g, const Ty *t, u32 depth) {
  enum { COST = 8 };
  bool closure = g->capture_floor > 0;
  if (!g->waits || g->pure || closure || g->cost + COST * g->times > COST_MOST) return false;
  u32 vars = g->var_count;
  g->cost += COST * g->times;
  put_text(g, "(await task { let x: ");
  put_type(g, t);
  put_text(g, " = ");
  g->capture_floor = vars;
  g->no_moves++;
  put_expr(g, t, depth);
  g->no_moves--;
  g->capture_floor = 0;
  put_text(g, "; x })");
  g->var_count = vars;
  return true;
}

// A variable that holds what is wanted inside.
static bool part(Gen *g, const Ty *t) {
  if (!g->var_count) return false;
  Var *v = &g->vars[pick(g, g->var_count)];
  if (!var_seen(g, v)) return false;
  if (v->type->kind == K_PAIR && types_equal(v->type->a, t)) return put_text(g, "v%u.0", v->id), true;
  if (v->type->kind == K_PAIR && types_equal(v->type->b, t)) return put_text(g, "v%u.1", v->id), true;
  const Data *data = v->type->kind == K_DATA ? &g->datas[v->type->index] : v->type->kind == K_OWNER ? &g->owners[v->type->index] : NULL;
  for (u32 i = 0; data && data->ctor_count == 1 && i < data->ctors[0].field_count; i++) {
    if (types_equal(data->ctors[0].fields[i], t)) return put_text(g, "v%u.%c", v->id, 'a' + i), true;
  }
  if (v->type->kind == K_FN && types_equal(v->type->b, t) && !g->pure) {
    put_text(g, "v%u(", v->id);
    put_expr(g, v->type->a, 0);
    put_text(g, ")");
    return true;
  }
  if (v->type->kind == K_MAP && types_equal(v->type->b, t)) {
    put_text(g, "v%u.get_or(", v->id);
    put_expr(g, v->type->a, 0);
    put_text(g, ", ");
    put_expr(g, t, 0);
    put_text(g, ")");
    return true;
  }
  if (v->type->kind != K_OPTION || !types_equal(v->type->a, t)) return false;
  put_text(g, "v%u.or_else(", v->id);
  put_expr(g, t, 0);
  put_text(g, ")");
  return true;
}

void put_expr(Gen *g, const Ty *t, u32 depth) {
  g->cost += g->times / 4;
  Var *v = var_of(g, t);
  if (v && (chance(g, 3) || (!depth && !chance(g, 4)))) {
    put_text(g, "v%u", v->id);
    return;
  }
  if (!depth || g->cost > COST_MOST) {
    literal(g, t);
    return;
  }
  if (chance(g, 4) && part(g, t)) return;
  if (chance(g, 5) && call_for(g, t, depth - 1)) return;
  if (t->kind != K_FN && chance(g, 9)) if_expr(g, t, depth - 1);
  else if (t->kind != K_FN && chance(g, 14)) block_expr(g, t, depth - 1);
  else if (chance(g, 40) && await_expr(g, t, depth - 1)) return;
  else by_type(g, t, depth - 1);
}

// ---- Unique values --------------------------------------------------------------------------------------------------

static void new_buf(Gen *g) {
  if (chance(g, 2)) put_text(g, "buf.new(%u)", pick(g, 20));
  else put_text(g, "b\"%s\".to_buf()", chance(g, 2) ? "deed" : "\\x00\\xff");
}

static void new_array(Gen *g, const Ty *t, u32 depth) {
  Var *v = var_of(g, make_type(K_LIST, t->a, NULL, 0));
  if (v && chance(g, 2)) {
    put_text(g, "v%u.to_array()", v->id);
    return;
  }
  put_text(g, "array.new(%u, ", pick(g, 5));
  put_expr(g, t->a, depth);
  put_text(g, ")");
}

static void new_owned(Gen *g, const Ty *t, u32 depth) {
  switch (t->kind) {
    case K_BUF: new_buf(g); return;
    case K_ARRAY: new_array(g, t, depth); return;
    case K_OWNER: put_constructor(g, t, depth ? some_ctor(g, t) : 0, depth ? depth - 1 : 0); return;
    case K_OPTION:
      if (!chance(g, 3)) put_text(g, "Some("), put_owned(g, t->a, depth), put_text(g, ")");
      else put_text(g, "None");
      return;
    case K_PAIR:
      put_text(g, "(");
      if (holds_unique(t->a)) put_owned(g, t->a, depth);
      else put_expr(g, t->a, depth);
      put_text(g, ", ");
      if (holds_unique(t->b)) put_owned(g, t->b, depth);
      else put_expr(g, t->b, depth);
      put_text(g, ")");
      return;
    case K_INT: case K_FLOAT: case K_BOOL: case K_STRING: case K_LIST: case K_MAP: case K_DATA: case K_FN: put_expr(g, t, depth); return;
  }
}

void put_owned(Gen *g, const Ty *t, u32 depth) {
  g->cost += g->times;
  u32 from = pick(g, g->var_count);
  for (u32 i = 0; i < g->var_count && !chance(g, 3); i++) {
    Var *v = &g->vars[(from + i) % g->var_count];
    if (!types_equal(v->type, t) || !var_movable(g, v)) continue;
    v->dead = true;
    var_changes(g, v);
    put_text(g, "v%u", v->id);
    return;
  }
  if (depth && chance(g, 3) && call_for(g, t, depth - 1)) return;
  new_owned(g, t, depth ? depth - 1 : 0);
}

// ---- Patterns -------------------------------------------------------------------------------------------------------

void put_binding(Gen *g, const Ty *type) {
  if (chance(g, 5)) put_text(g, "_");
  else put_text(g, "v%u", make_var(g, type, false)->id);
}

static bool refutable_ctor(Gen *g, const Ty *t, u32 depth) {
  const Data *data = t->kind == K_OWNER ? &g->owners[t->index] : &g->datas[t->index];
  u32 number = pick(g, data->ctor_count);
  const Variant *variant = &data->ctors[number];
  bool refuted = data->ctor_count > 1;
  char letter = t->kind == K_OWNER ? 'U' : 'D';
  if (refuted) put_text(g, "%c%ux%u", letter, t->index, number);
  else put_text(g, "%c%u", letter, t->index);
  for (u32 i = 0; i < variant->field_count; i++) {
    put_text(g, i ? ", " : "(");
    if (depth && chance(g, 2)) refuted |= put_refutable(g, variant->fields[i], depth - 1);
    else put_binding(g, variant->fields[i]);
  }
  if (variant->field_count) put_text(g, ")");
  return refuted;
}

bool put_refutable(Gen *g, const Ty *t, u32 depth) {
  switch (t->kind) {
    case K_INT: put_text(g, "%s", chance(g, 2) ? "0" : chance(g, 2) ? "1 | 2" : "3..9"); return true;
    case K_BOOL: put_text(g, "true"); return true;
    case K_STRING: string_literal(g); return true;
    case K_LIST:
      switch (pick(g, 3)) {
        case 0: put_text(g, "[]"); break;
        case 1: put_text(g, "["), put_binding(g, t->a), put_text(g, "]"); break;
        default: put_text(g, "["), put_binding(g, t->a), put_text(g, ", .."), put_binding(g, t), put_text(g, "]"); break;
      }
      return true;
    case K_OPTION:
      if (chance(g, 4)) put_text(g, "None");
      else {
        put_text(g, "Some(");
        if (depth && chance(g, 2)) put_refutable(g, t->a, depth - 1);
        else put_binding(g, t->a);
        put_text(g, ")");
      }
      return true;
    case K_PAIR: {
      put_text(g, "(");
      bool refuted = put_refutable(g, t->a, depth);
      put_text(g, ", ");
      if (depth && chance(g, 2)) refuted |= put_refutable(g, t->b, depth - 1);
      else put_binding(g, t->b);
      put_text(g, ")");
      return refuted;
    }
    case K_DATA: case K_OWNER: return refutable_ctor(g, t, depth);
    case K_FLOAT: case K_MAP: case K_FN: case K_BUF: case K_ARRAY: break;
  }
  put_binding(g, t);
  return false;
}
