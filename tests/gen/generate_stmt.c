// Statements: see generate_state.h. After a branch a unique variable is live only if it is live on every way through, and a
// loop's body leaves those before it where they are: what the compiler's ownership pass asks for.
#include "tests/gen/generate_state.h"

static const Ty integer = {.kind = K_INT};

// ---- Scopes ---------------------------------------------------------------------------------------------------------

static void body(Gen *g, u32 count, u32 depth) {
  g->indent++;
  put_statements(g, count, depth);
  g->indent--;
  put_line(g);
}

static void block(Gen *g, u32 count, u32 depth) {
  u32 vars = g->var_count;
  put_text(g, "{");
  body(g, count, depth);
  put_text(g, "}");
  g->var_count = vars;
}

typedef struct LoopState {
  u32 floor, vars, outer;
  u64 times;
} LoopState;

static LoopState loop_enter(Gen *g, u32 times) {
  LoopState kept = {g->loop_floor, g->var_count, g->outer_floor, g->times};
  g->outer_floor = g->loop_floor;
  g->loop_floor = g->var_count;
  g->times *= times;
  g->loops++;
  return kept;
}

static void loop_leave(Gen *g, LoopState kept) {
  g->loop_floor = kept.floor;
  g->outer_floor = kept.outer;
  g->var_count = kept.vars;
  for (u32 i = 0; i < VARS; i++) {
    g->vars[i].dead |= i < kept.vars && g->lost[i];
    g->lost[i] = false;
  }
  g->times = kept.times;
  g->loops--;
}

// ---- Plain ones -----------------------------------------------------------------------------------------------------

static void declare(Gen *g, const Ty *type, bool assignable) {
  u32 id = make_id(g);
  put_text(g, "%s v%u: ", assignable ? "var" : "let", id);
  put_type(g, type);
  put_text(g, " = ");
  if (holds_unique(type)) put_owned(g, type, 2);
  else put_expr(g, type, 3);
  make_var(g, type, assignable)->id = id;
}

static Var *assignable(Gen *g, bool unique) {
  u32 from = pick(g, g->var_count);
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[(from + i) % g->var_count];
    bool reach = unique ? !var->busy : var_seen(g, var);
    bool open = var->assignable || (unique && var->lent && !var->within && var_seen(g, var));
    if (open && reach && holds_unique(var->type) == unique) return var;
  }
  return NULL;
}

static void assign(Gen *g) {
  Var *var = assignable(g, false);
  if (!var) {
    declare(g, some_type(g, 2), true);
    return;
  }
  put_text(g, "v%u = ", var->id);
  put_expr(g, var->type, 2);
}

static void print(Gen *g) {
  Var *var = g->var_count ? &g->vars[pick(g, g->var_count)] : NULL;
  if (!g->prints || !var || !var_seen(g, var)) {
    assign(g);
    return;
  }
  const Ty *t = var->type;
  if (t->kind == K_ARRAY) put_text(g, "out ! line(\"v%u {show(v%u.to_list())}\")", var->id, var->id);
  else if (t->kind == K_BUF) put_text(g, "out ! line(\"v%u {v%u.len()} {v%u.slice(0, v%u.len())}\")", var->id, var->id, var->id, var->id);
  else if (!holds_unique(t)) put_text(g, "out ! line(\"v%u {show(v%u)}\")", var->id, var->id);
  else declare(g, some_type(g, 2), false);
}

static void branch(Gen *g, u32 depth) {
  Lives before, first;
  put_text(g, "if ");
  put_condition(g, 2);
  put_text(g, " ");
  lives_note(g, &before);
  block(g, 1 + pick(g, 3), depth - 1);
  lives_note(g, &first);
  if (chance(g, 3)) {
    lives_join(g, &before);
    return;
  }
  lives_restore(g, &before);
  put_text(g, " else ");
  block(g, 1 + pick(g, 3), depth - 1);
  lives_join(g, &first);
}

static void for_map(Gen *g, const Var *map, u32 depth) {
  u32 id = map->id;
  const Ty *key = map->type->a, *value = map->type->b;
  LoopState kept = loop_enter(g, 4);
  u32 first = make_var(g, key, false)->id, second = make_var(g, value, false)->id;
  put_text(g, "for (v%u, v%u) in v%u {", first, second, id);
  body(g, 1 + pick(g, 3), depth - 1);
  put_text(g, "}");
  loop_leave(g, kept);
}

static void for_loop(Gen *g, u32 depth) {
  const Var *map = var_of_kind(g, K_MAP);
  if (map && chance(g, 3)) {
    for_map(g, map, depth);
    return;
  }
  Var *over = g->var_count ? &g->vars[pick(g, g->var_count)] : NULL;
  bool array = over && var_seen(g, over) && over->type->kind == K_ARRAY, list = over && var_seen(g, over) && over->type->kind == K_LIST;
  LoopState kept = loop_enter(g, 4);
  const Ty *type = array || list ? over->type->a : &integer;
  if (array) var_lend(g, over, true);
  u32 id = make_var(g, type, false)->id;
  if (array) put_text(g, "for v%u in v%u {", id, over->id);
  else if (list) put_text(g, "for v%u in v%u.take(4) {", id, over->id);
  else put_text(g, "for v%u in 0..%s%u {", id, chance(g, 3) ? "=" : "", pick(g, 4));
  body(g, 1 + pick(g, 3), depth - 1);
  put_text(g, "}");
  if (array) var_lend(g, over, false);
  loop_leave(g, kept);
}

static void while_loop(Gen *g, u32 depth) {
  u32 id = make_id(g);
  put_text(g, "var v%u = 0", id);
  put_line(g);
  put_text(g, "while v%u < %u {", id, 1 + pick(g, 4));
  LoopState kept = loop_enter(g, 4);
  g->indent++;
  put_line(g);
  put_text(g, "v%u += 1", id);
  if (chance(g, 3)) {
    put_line(g);
    put_text(g, "if ");
    put_condition(g, 1);
    put_text(g, chance(g, 2) ? " { break }" : " { continue }");
  }
  g->indent--;
  body(g, 1 + pick(g, 3), depth - 1);
  put_text(g, "}");
  loop_leave(g, kept);
}

// ---- Matches --------------------------------------------------------------------------------------------------------

typedef struct Arms {
  Lives before, joined;
  bool first;
  u32 within;  // what stays where it is, see Var
} Arms;

static void arm(Gen *g, Arms *arms, u32 depth) {
  put_text(g, " -> ");
  block(g, 1 + pick(g, 2), depth);
  Lives now = {0};
  now.count = arms->before.count;
  for (u32 i = 0; i < now.count; i++) now.dead[i] = g->vars[i].dead;
  for (u32 i = 0; !arms->first && i < now.count; i++) now.dead[i] |= arms->joined.dead[i];
  arms->joined = now;
  arms->first = false;
  g->var_count = arms->before.count;
  lives_restore(g, &arms->before);
}

// Bindings are lent to the guard.
static void guard(Gen *g, u32 from) {
  put_text(g, " if ");
  g->no_moves++;
  for (u32 i = from; i < g->var_count; i++) g->vars[i].lent = true;
  g->pure++;
  bool looks = put_look(g, from), more = looks && chance(g, 3);
  if (more) put_text(g, chance(g, 2) ? " and " : " or ");
  if (more || !looks) put_condition(g, 1);
  g->pure--;
  for (u32 i = from; i < g->var_count; i++) g->vars[i].lent = g->vars[i].within > 0;
  g->no_moves--;
}

static void guarded_arm(Gen *g, Arms *arms, const Ty *type, u32 depth) {
  u32 vars = g->var_count;
  put_line(g);
  pattern_begin(g, arms->within);
  if (chance(g, 5)) put_binding(g, type);
  else put_refutable(g, type, 1);
  pattern_end(g);
  guard(g, vars);
  arm(g, arms, depth);
}

// An arm that leaves some values to those below it.
static void partial_arm(Gen *g, Arms *arms, const Ty *type, u32 depth) {
  u32 vars = g->var_count;
  put_line(g);
  pattern_begin(g, arms->within);
  bool refuted = put_refutable(g, type, 1);
  pattern_end(g);
  if (!refuted || chance(g, 3)) guard(g, vars);
  arm(g, arms, depth);
}

static void full_arms(Gen *g, Arms *arms, const Ty *t, u32 depth) {
  const Data *data = t->kind == K_OWNER ? &g->owners[t->index] : t->kind == K_DATA ? &g->datas[t->index] : NULL;
  u32 ctors = data && data->ctor_count > 1 && !chance(g, 4) ? data->ctor_count : t->kind == K_OPTION || t->kind == K_LIST ? 2 : 1;
  for (u32 i = 0; i < ctors; i++) {
    put_line(g);
    pattern_begin(g, arms->within);
    if (ctors == 1) put_binding(g, t);
    else if (t->kind == K_OPTION && !i) put_text(g, "Some("), put_binding(g, t->a), put_text(g, ")");
    else if (t->kind == K_OPTION) put_text(g, "None");
    else if (t->kind == K_LIST && !i) put_text(g, "["), put_binding(g, t->a), put_text(g, ", .."), put_binding(g, t), put_text(g, "]");
    else if (t->kind == K_LIST) put_text(g, "[]");
    else {
      const Variant *variant = &data->ctors[i];
      put_text(g, "%c%ux%u", t->kind == K_OWNER ? 'U' : 'D', t->index, i);
      for (u32 k = 0; k < variant->field_count; k++) put_text(g, k ? ", " : "("), put_binding(g, variant->fields[k]);
      if (variant->field_count) put_text(g, ")");
    }
    pattern_end(g);
    arm(g, arms, depth);
  }
}

// Whether a first arm for some values can stand before those for all without making one of them unreachable: it must leave values
// of every constructor, which a guard or a literal sees to.
static void match_on(Gen *g, Var *var, const char *path, const Ty *t, bool looks, u32 depth) {
  put_text(g, "match v%u%s {", var->id, path);
  if (holds_unique(t) && !looks) var->dead = true, var_changes(g, var);
  Arms arms = {.first = true, .within = looks ? (u32)(var - g->vars) + 1 : 0};
  lives_note(g, &arms.before);
  g->indent++;
  bool literal = t->kind == K_INT || t->kind == K_STRING || t->kind == K_PAIR;
  bool built = t->kind == K_OPTION || t->kind == K_OWNER || t->kind == K_DATA;
  for (u32 count = literal || built ? pick(g, 3) : 0; count--;) guarded_arm(g, &arms, t, depth - 1);
  if (literal && chance(g, 3)) partial_arm(g, &arms, t, depth - 1);
  full_arms(g, &arms, t, depth - 1);
  g->indent--;
  put_line(g);
  put_text(g, "}");
  lives_restore(g, &arms.joined);
}

static void match(Gen *g, u32 depth) {
  Var *var = g->var_count ? &g->vars[pick(g, g->var_count)] : NULL;
  const char *path = "";
  if (!var || !var_seen(g, var) || var->type->kind == K_FN) {
    branch(g, depth);
    return;
  }
  const Ty *part = holds_unique(var->type) && chance(g, 2) ? some_part(g, var, &path) : NULL;
  if (part) match_on(g, var, path, part, true, depth);
  else if (!holds_unique(var->type) || var_movable(g, var)) match_on(g, var, path, var->type, false, depth);
  else if (var->lent) match_on(g, var, path, var->type, true, depth);
  else branch(g, depth);
}

// Something that stays where it is and can be looked into: what is lent, or has a unique part.
static Var *some_whole(Gen *g) {
  u32 from = pick(g, g->var_count);
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[(from + i) % g->var_count];
    const char *path;
    if (!holds_unique(var->type) || !var_seen(g, var)) continue;
    if ((var->lent && !is_thing(var->type)) || some_part(g, var, &path)) return var;
  }
  return NULL;
}

static bool match_lent(Gen *g, u32 depth) {
  Var *var = some_whole(g);
  const char *path = "";
  const Ty *part = var ? some_part(g, var, &path) : NULL;
  if (!part && !(var && var->lent)) return false;
  match_on(g, var, path, part ? part : var->type, true, depth);
  return true;
}

static void change_in_place(Gen *g);

// let-else, and patterns that always match.
static void take_apart(Gen *g, Var *var) {
  const char *path = "";
  if (!var || !var_seen(g, var) || (holds_unique(var->type) && !var_movable(g, var) && !var->lent && !var->state)) {
    declare(g, some_type(g, 2), false);
    return;
  }
  bool unique = holds_unique(var->type);
  const Ty *part = unique && (var->state || chance(g, 2)) ? some_part(g, var, &path) : NULL, *t = part ? part : var->type;
  bool looks = unique && (part || !var_movable(g, var));
  if (looks && !part && var->state) {
    change_in_place(g);
    return;
  }
  const Data *data = t->kind == K_OWNER ? &g->owners[t->index] : t->kind == K_DATA ? &g->datas[t->index] : NULL;
  u32 id = var->id;
  bool option = t->kind == K_OPTION && g->result && !g->loops;
  if (t->kind != K_PAIR && !option && !(data && data->ctor_count == 1)) {
    declare(g, some_type(g, 2), true);
    return;
  }
  if (unique && !looks) var->dead = true, var_changes(g, var);
  u32 within = looks ? (u32)(var - g->vars) + 1 : 0;
  if (option) {
    u32 bound = make_id(g);
    put_text(g, "let Some(v%u) = v%u%s else { return ", bound, id, path);
    g->no_moves++;
    if (holds_unique(g->result)) put_owned(g, g->result, 0);
    else put_expr(g, g->result, 1);
    g->no_moves--;
    put_text(g, " }");
    pattern_begin(g, within);
    make_var(g, t->a, false)->id = bound;
    pattern_end(g);
    return;
  }
  put_text(g, "let ");
  pattern_begin(g, within);
  if (t->kind == K_PAIR) put_text(g, "("), put_binding(g, t->a), put_text(g, ", "), put_binding(g, t->b), put_text(g, ")");
  for (u32 i = 0; data && i < data->ctors[0].field_count; i++) {
    if (!i) put_text(g, "%c%u", t->kind == K_OWNER ? 'U' : 'D', t->index);
    put_text(g, i ? ", " : "(");
    put_binding(g, data->ctors[0].fields[i]);
  }
  pattern_end(g);
  put_text(g, data ? ") = v%u%s" : " = v%u%s", id, path);
}

// ---- Unique values --------------------------------------------------------------------------------------------------

static void change_array(Gen *g, Var *a) {
  u32 id = a->id, index = pick(g, 4);
  var_lend(g, a, true);  // the operands don't use it
  switch (pick(g, 8)) {
    case 0: case 1: put_text(g, "v%u.push(", id), put_expr(g, a->type->a, 2), put_text(g, ")"); break;
    case 2: case 3:
      put_text(g, "if v%u.len() > %u { v%u[%u] = ", id, index, id, index);
      g->no_moves++;
      put_expr(g, a->type->a, 2);
      g->no_moves--;
      put_text(g, " }");
      break;
    case 4:
      put_text(g, "if v%u.len() > %u { ", id, index);
      if (a->type->a->kind == K_INT || a->type->a->kind == K_FLOAT) put_text(g, "v%u[%u] += v%u[0] }", id, index, id);
      else put_text(g, "v%u.swap(0, %u) }", id, index);
      break;
    case 5: if (has_order(a->type->a)) { put_text(g, "v%u.sort()", id); break; } __attribute__((fallthrough));
    case 6: {
      u32 popped = make_id(g);
      put_text(g, "let v%u = v%u.pop()", popped, id);
      var_lend(g, a, false);
      const Ty *option = make_type(K_OPTION, a->type->a, NULL, 0);
      make_var(g, option, false)->id = popped;
      return;
    }
    default: put_text(g, "if v%u.len() > 1 { v%u.swap(0, 1) }", id, id); break;
  }
  var_lend(g, a, false);
}

static void change_buf(Gen *g, Var *b) {
  u32 id = b->id, index = pick(g, 6);
  var_lend(g, b, true);
  switch (pick(g, 5)) {
    case 0: put_text(g, "v%u.push((", id), put_expr(g, &integer, 1), put_text(g, ") & 255)"); break;
    case 1: put_text(g, "v%u.append(b\"%u\")", id, index); break;
    case 2: put_text(g, "v%u.append_string(\"x{", id), put_expr(g, &integer, 1), put_text(g, "}\")"); break;
    case 3: put_text(g, "if v%u.len() > %u { v%u[%u] = v%u[0] ^ %u }", id, index, id, index, id, pick(g, 256)); break;
    default: put_text(g, "if v%u.len() > 60 { v%u.clear() }", id, id); break;
  }
  var_lend(g, b, false);
}

static void change_in_place(Gen *g) {
  u32 from = pick(g, g->var_count);
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[(from + i) % g->var_count];
    if (!var_seen(g, var) || (var->type->kind != K_BUF && var->type->kind != K_ARRAY)) continue;
    if (var->type->kind == K_BUF) change_buf(g, var);
    else change_array(g, var);
    return;
  }
  declare(g, some_unique(g, 2), chance(g, 2));
}

// A function that only borrows or uses up what is there, for what it gives.
static void call_any(Gen *g) {
  if (!g->func_count) {
    change_in_place(g);
    return;
  }
  u32 index = pick(g, g->func_count), id = make_id(g);
  const Ty *result = g->funcs[index].result;
  put_text(g, "let v%u: ", id);
  put_type(g, result);
  put_text(g, " = ");
  put_call(g, index, 2);
  make_var(g, result, false)->id = id;
}

// Gives a variable a new value; what it holds goes with the old one, or came from it.
static void assign_unique(Gen *g) {
  Var *var = assignable(g, true);
  bool outer = var && (var < g->vars + g->capture_floor || (var->dead && var < g->vars + g->loop_floor) || !var_may_change(g, var));
  if (!var || outer) {
    declare(g, some_unique(g, 2), true);
    return;
  }
  u32 id = var->id, index = (u32)(var - g->vars);
  var_changes(g, var);
  if (!var->dead && chance(g, 3)) {
    u32 old = make_id(g);
    var_lend(g, var, true);
    put_text(g, "let v%u = replace(&v%u, ", old, id);
    put_owned(g, var->type, 2);
    put_text(g, ")");
    var_lend(g, &g->vars[index], false);
    const Ty *type = g->vars[index].type;
    make_var(g, type, false)->id = old;
    return;
  }
  if (!var->dead && var->type->kind == K_OPTION && chance(g, 2)) {
    u32 old = make_id(g);
    put_text(g, "let v%u = option.take(&v%u)", old, id);
    const Ty *type = var->type;
    make_var(g, type, false)->id = old;
    return;
  }
  if (var->state || var->lent) {
    change_in_place(g);
    return;
  }
  // x = f(x), in loops too.
  u32 floor = g->loop_floor;
  if (index < floor && !g->no_moves) g->loop_floor = index;
  bool dead[VARS];
  for (u32 i = index + 1; i < floor; i++) dead[i] = g->vars[i].lent, g->vars[i].lent = true;
  put_text(g, "v%u = ", id);
  put_owned(g, var->type, 2);
  for (u32 i = index + 1; i < floor; i++) g->vars[i].lent = dead[i];
  g->loop_floor = floor;
  g->vars[index].dead = false;
}

// In a loop: moved on the way out.
static void move_and_leave(Gen *g) {
  if (!g->loops || g->no_moves) {
    change_in_place(g);
    return;
  }
  put_text(g, "if ");
  put_condition(g, 1);
  put_text(g, " { ");
  Lives before;
  lives_note(g, &before);
  u32 floor = g->loop_floor;
  g->loop_floor = g->outer_floor;
  const Ty *type = some_unique(g, 1);
  for (u32 i = g->loop_floor; i < g->var_count; i++) if (holds_unique(g->vars[i].type) && chance(g, 2)) type = g->vars[i].type;
  put_text(g, "let _ = ");
  put_owned(g, type, 1);
  put_text(g, "; break }");
  for (u32 i = 0; i < before.count; i++) g->lost[i] |= g->vars[i].dead && !before.dead[i];
  lives_restore(g, &before);
  g->loop_floor = floor;
}

// Out of the function, from wherever this is: what is returned may come from anywhere, what is left is dropped.
static void leave(Gen *g) {
  if (!g->result || g->no_moves) {
    assign(g);
    return;
  }
  Lives before;
  lives_note(g, &before);
  u32 floor = g->loop_floor;
  g->loop_floor = 0;
  put_text(g, "if ");
  put_condition(g, 1);
  put_text(g, " { return ");
  if (holds_unique(g->result)) put_owned(g, g->result, 1);
  else put_expr(g, g->result, 1);
  put_text(g, " }");
  g->loop_floor = floor;
  lives_restore(g, &before);
}

static void try_option(Gen *g) {
  Var *var = var_of_kind(g, K_OPTION);
  bool fits = g->result && g->result->kind == K_OPTION && var && (!holds_unique(var->type) || var_movable(g, var));
  if (!fits) {
    leave(g);
    return;
  }
  u32 id = make_id(g);
  put_text(g, "let v%u = try v%u", id, var->id);
  if (holds_unique(var->type)) var->dead = true, var_changes(g, var);
  const Ty *type = var->type->a;
  make_var(g, type, false)->id = id;
}

// A function that puts something in the place of what it is lent.
static void exchange(Gen *g) {
  Var *var = g->var_count ? &g->vars[pick(g, g->var_count)] : NULL;
  bool fits = var && holds_unique(var->type) && var_seen(g, var) && (!var->within || is_thing(var->type)) && var_may_change(g, var);
  u32 number = 0, id = make_id(g);
  while (fits && number < TYPES && !types_equal(g->unique[number], var->type)) number++;
  if (!fits || number == TYPES) {
    assign_unique(g);
    return;
  }
  const Ty *type = var->type;
  bool alters = chance(g, 3);
  var_changes(g, var);
  u32 index = (u32)(var - g->vars);
  var_lend(g, var, true);
  put_text(g, "let v%u = %s%u(&v%u, ", id, alters ? "alter" : "put", number, var->id);
  put_owned(g, type, 2);
  put_text(g, ")");
  var_lend(g, &g->vars[index], false);
  make_var(g, alters ? make_type(K_BOOL, NULL, NULL, 0) : type, false)->id = id;
}

static void call_helper(Gen *g) {
  bool lent = false;  // then nothing that sees the state can be called
  for (u32 i = 0; i < g->var_count; i++) lent |= g->vars[i].state && (g->vars[i].busy || !var_may_change(g, &g->vars[i]));
  if (!g->helper || g->no_moves || lent) {
    try_option(g);
    return;
  }
  u32 id = make_id(g);
  for (u32 i = 0; i < g->var_count; i++) if (g->vars[i].state) var_changes(g, &g->vars[i]);
  put_text(g, "let v%u: Int = h%u(", id, g->helper);
  put_expr(g, &integer, 2);
  put_text(g, ")");
  make_var(g, &integer, false)->id = id;
}

static void drop_one(Gen *g) {
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[i];
    if (!holds_unique(var->type) || !var_movable(g, var) || !chance(g, 3)) continue;
    var->dead = true;
    var_changes(g, var);
    put_text(g, "let _ = v%u", var->id);
    return;
  }
  change_in_place(g);
}

static void unique_statement(Gen *g, u32 depth) {
  switch (pick(g, 10)) {
    case 0: case 1: declare(g, some_unique(g, 2), chance(g, 2)); return;
    case 2: if (depth && g->cost < COST_MOST / 2 && match_lent(g, depth)) return; change_in_place(g); return;
    case 3: take_apart(g, some_whole(g)); return;
    case 4: change_in_place(g); return;
    case 5: call_any(g); return;
    case 6: assign_unique(g); return;
    case 7: exchange(g); return;
    case 8: move_and_leave(g); return;
    default: drop_one(g); return;
  }
}

// ---- Tasks ----------------------------------------------------------------------------------------------------------

// A block elsewhere, which may crash: what became of it is a value like others.
static void task(Gen *g) {
  const Ty *type = some_type(g, 2);
  u32 promise = make_id(g), floor = g->capture_floor, vars = g->var_count;
  put_text(g, "let v%u: Promise[", promise);
  put_type(g, type);
  put_text(g, "] = task { ");
  g->capture_floor = g->var_count;
  g->no_moves++;
  if (chance(g, 4)) put_text(g, "assert "), put_condition(g, 1), put_text(g, "; ");
  put_expr(g, type, 3);
  g->no_moves--;
  g->capture_floor = floor;
  g->var_count = vars;
  put_text(g, " }");
  put_line(g);
  put_text(g, "match v%u.outcome() {", promise);
  g->indent++;
  u32 value = make_id(g);
  put_line(g);
  put_text(g, "Ok(v%u) -> out ! line(\"kept {show(v%u)}\")", value, value);
  put_line(g);
  put_text(g, "Err(v%u) -> out ! line(\"broken {show(v%u)}\")", value, value);
  g->indent--;
  put_line(g);
  put_text(g, "}");
}

// A task that moves what it names, and gives it back changed.
static void unique_task(Gen *g) {
  for (u32 i = 0; i < g->var_count; i++) {
    Var *var = &g->vars[i];
    if ((var->type->kind != K_ARRAY && var->type->kind != K_BUF) || !var_movable(g, var)) continue;
    if (var->assignable) continue;
    var->dead = true;
    var_changes(g, var);
    u32 id = make_id(g);
    const Ty *type = var->type;
    put_text(g, "let v%u: ", id);
    put_type(g, type);
    put_text(g, " = await task { v%u.%s; v%u }", var->id, type->kind == K_BUF ? "push(7)" : "reverse()", var->id);
    make_var(g, type, false)->id = id;
    return;
  }
  task(g);
}

static void gather(Gen *g) {
  const Ty *type = some_type(g, 1);
  u32 floor = g->capture_floor, vars = g->var_count;
  put_text(g, "out ! line(\"all {show((all([");
  g->capture_floor = g->var_count;
  g->no_moves++;
  for (u32 i = 0; i < 2; i++) {
    put_text(g, i ? ", task { let x: " : "task { let x: ");
    put_type(g, type);
    put_text(g, " = ");
    put_expr(g, type, 2);
    put_text(g, "; x }");
  }
  g->no_moves--;
  g->capture_floor = floor;
  g->var_count = vars;
  put_text(g, "])).outcome())}\")");
}

// ---- All ------------------------------------------------------------------------------------------------------------

static void statement(Gen *g, u32 depth) {
  u32 what = pick(g, g->options.plain ? 15 : 24);
  bool cheap = g->cost > COST_MOST / 2 || !depth;
  if (what == 14) call_helper(g);
  else if (what > 14) unique_statement(g, depth);
  else if (what < 4) declare(g, chance(g, 6) ? make_type(K_FN, some_type(g, 1), some_type(g, 1), 0) : some_type(g, 2), chance(g, 3));
  else if (what < 6) print(g);
  else if (what < 7) assign(g);
  else if (what < 8) take_apart(g, g->var_count ? &g->vars[pick(g, g->var_count)] : NULL);
  else if (what < 9 && g->prints && !g->loops) chance(g, 4) ? gather(g) : g->options.plain || chance(g, 2) ? task(g) : unique_task(g);
  else if (cheap || what < 10) print(g);
  else if (what < 11) branch(g, depth);
  else if (what < 12) match(g, depth);
  else if (what < 13) for_loop(g, depth);
  else while_loop(g, depth);
}

void put_statements(Gen *g, u32 count, u32 depth) {
  while (count--) {
    put_line(g);
    statement(g, depth);
  }
}

void put_use_of_lent(Gen *g) {
  put_line(g);
  switch (pick(g, 3)) {
    case 0: if (match_lent(g, 1)) return; __attribute__((fallthrough));
    case 1: take_apart(g, some_whole(g)); return;
    default: exchange(g); return;
  }
}

void put_result(Gen *g, const Ty *type) {
  put_line(g);
  if (holds_unique(type)) put_owned(g, type, 2);
  else if (type->kind == K_LIST) put_text(g, "("), put_expr(g, type, 2), put_text(g, ").take(6)");
  else if (type->kind == K_STRING) put_text(g, "cut("), put_expr(g, type, 2), put_text(g, ")");
  else put_expr(g, type, 2);
}
