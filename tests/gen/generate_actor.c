// Actors: see generate_state.h. What they print does not depend on the order in which they run: each is sent to by one other, and
// what is asked for is awaited, or is the answer of whoever asks. Bodies are written by the same functions as any other; state stands
// in their scope as variables that are lent and replaced, never moved.
#include "tests/gen/generate_state.h"

static const Ty integer = {.kind = K_INT};

// ---- Members --------------------------------------------------------------------------------------------------------

static void begin_actor(Gen *g) {
  g->helper = 0;
  g->var_count = g->capture_floor = g->loop_floor = g->no_moves = g->pure = 0;
  g->prints = g->waits = false;
  g->cost = g->times = 1;
  g->indent = 1;
}

static void put_value(Gen *g, const Ty *type, u32 depth) {
  if (holds_unique(type)) put_owned(g, type, depth);
  else put_expr(g, type, depth);
}

static void field(Gen *g, const Ty *type) {
  put_line(g);
  u32 id = make_id(g);
  put_text(g, "var v%u: ", id);
  put_type(g, type);
  put_text(g, " = ");
  put_value(g, type, 1);
  Var *var = make_var(g, type, true);
  var->id = id;
  var->state = true;
}

// Opens `on name(v, w) {`; what is made in it goes at handler_end().
static u32 handler(Gen *g, const char *name, const Ty *a, const Ty *b, const Ty *answer) {
  u32 vars = g->var_count;
  put_line(g);
  put_text(g, "on %s(", name);
  if (a) put_text(g, "v%u", make_var(g, a, false)->id);
  if (b) put_text(g, ", v%u", make_var(g, b, false)->id);
  put_text(g, ")");
  g->result = answer;
  g->cost = 1;
  return vars;
}

static void handler_open(Gen *g, u32 count) {
  put_text(g, " {");
  g->waits = true;
  g->indent++;
  if (count && !g->options.plain && chance(g, 2)) put_use_of_lent(g);
  put_statements(g, count, 2);
}

static void handler_close(Gen *g, u32 vars) {
  g->indent--;
  put_line(g);
  put_text(g, "}");
  g->var_count = vars;
  g->result = NULL;
}

static void whole_handler(Gen *g, const char *name, const Ty *a, const Ty *b, const Ty *answer) {
  u32 vars = handler(g, name, a, b, answer);
  handler_open(g, pick(g, 4));
  if (answer) put_result(g, answer);
  handler_close(g, vars);
}

// A function that sees the state.
static void helper(Gen *g) {
  u32 vars = g->var_count, id = make_id(g);
  put_line(g);
  put_text(g, "fn h%u(v%u: Int) -> Int", id, make_var(g, &integer, false)->id);
  g->result = &integer;
  g->cost = 1;
  handler_open(g, 1 + pick(g, 2));
  put_result(g, &integer);
  handler_close(g, vars);
  g->helper = id;
}

static void method(Gen *g, const char *name, const Ty *a, const Ty *b, const Ty *answer) {
  put_text(g, "  %s(", name);
  if (a) put_text(g, "a: "), put_type(g, a);
  if (b) put_text(g, ", b: "), put_type(g, b);
  put_text(g, ")");
  if (answer) put_text(g, " -> "), put_type(g, answer);
  put_text(g, "\n");
}

// ---- An actor that keeps things -------------------------------------------------------------------------------------

static void keeper(Gen *g, Actors *a) {
  a->plain = some_type(g, 2);
  a->other = some_type(g, 2);
  a->unique = g->options.plain ? some_type(g, 2) : some_unique(g, 2);
  a->more = g->options.plain ? some_type(g, 2) : some_unique(g, 2);
  const Ty *option = make_type(K_OPTION, a->more, NULL, 0);
  put_text(g, "\ninterface Keep {\n");
  method(g, "put", a->plain, NULL, NULL);
  method(g, "get", a->other, NULL, a->plain);
  method(g, "feed", a->unique, NULL, NULL);
  method(g, "swap", a->unique, NULL, a->unique);
  method(g, "trade", a->more, a->plain, option);
  method(g, "total", NULL, NULL, &integer);
  put_text(g, "}\n\nactor Keeper(start: Int) is Keep {");
  begin_actor(g);
  field(g, a->plain);
  field(g, a->unique);
  field(g, option);
  field(g, &integer);
  u32 last = g->vars[g->var_count - 1].id;
  helper(g);
  whole_handler(g, "put", a->plain, NULL, NULL);
  whole_handler(g, "get", a->other, NULL, a->plain);
  whole_handler(g, "feed", a->unique, NULL, NULL);
  whole_handler(g, "swap", a->unique, NULL, a->unique);
  whole_handler(g, "trade", a->more, a->plain, option);
  u32 vars = handler(g, "total", NULL, NULL, &integer);
  handler_open(g, 1);
  put_line(g);
  put_text(g, "v%u = v%u +%% start", last, last);
  put_result(g, &integer);
  handler_close(g, vars);
  put_text(g, "\n}\n");
}

// ---- One that waits until it may ------------------------------------------------------------------------------------

static void bin(Gen *g, Actors *a) {
  put_text(g, "\ninterface Cell {\n");
  method(g, "fill", a->unique, NULL, NULL);
  method(g, "drain", NULL, NULL, make_type(K_OPTION, a->unique, NULL, 0));
  put_text(g, "}\n\nactor Bin() is Cell {");
  begin_actor(g);
  put_text(g, "\n  var n = 0\n  var slot: Option[");
  put_type(g, a->unique);
  put_text(g, "] = None\n  on fill(x) when n == 0 { n += 1; slot = Some(x) }");
  put_text(g, "\n  on drain() when n > 0 { n -= 1; %s }\n}\n", holds_unique(a->unique) ? "option.take(&slot)" : "slot");
}

// ---- One between ----------------------------------------------------------------------------------------------------

static void middle(Gen *g, Actors *a) {
  put_text(g, "\ninterface Relay {\n");
  method(g, "ask", a->plain, a->other, a->plain);
  method(g, "pass", a->unique, NULL, a->unique);
  method(g, "later", a->unique, NULL, &integer);
  put_text(g, "}\n\nactor Middle(peer: Keep) is Relay {");
  begin_actor(g);
  field(g, &integer);
  u32 count = g->vars[0].id;
  u32 vars = handler(g, "ask", a->plain, a->other, a->plain);
  u32 first = g->vars[vars].id, second = g->vars[vars + 1].id;
  handler_open(g, 1 + pick(g, 2));
  put_line(g);
  put_text(g, "peer ! put(v%u)", first);
  put_line(g);
  put_text(g, chance(g, 2) ? "await peer ! get(v%u)" : "peer ! get(v%u)", second);
  handler_close(g, vars);
  vars = handler(g, "pass", a->unique, NULL, a->unique);
  first = g->vars[vars].id;
  put_text(g, chance(g, 2) ? " { await peer ! swap(v%u) }" : " { peer ! swap(v%u) }", first);
  g->var_count = vars;
  vars = handler(g, "later", a->unique, NULL, &integer);
  first = g->vars[vars].id;
  put_text(g, " { when peer ! total() { Ok(n) -> { v%u += 1; let v%u = v%u; n +%% v%u }  Err(_) -> -1 } }", count, make_id(g), first,
           count);
  g->var_count = vars;
  g->result = NULL;
  put_text(g, "\n}\n");
}

// ---- A session ------------------------------------------------------------------------------------------------------

static void server(Gen *g, const Actors *a) {
  put_text(g, "\nunique interface Begin { hello(x: ");
  put_type(g, a->plain);
  put_text(g, ") -> Result[Going, String] }\nunique interface Going {\n  step(u: ");
  put_type(g, a->unique);
  put_text(g, ") -> (");
  put_type(g, a->unique);
  put_text(g, ", Going)\n  bye() -> Int\n}\n\nactor Server(most: Int) is Begin, Going {");
  begin_actor(g);
  field(g, &integer);
  field(g, a->unique);
  u32 count = g->vars[0].id, kept = g->vars[1].id;
  u32 vars = handler(g, "hello", a->plain, NULL, NULL);
  handler_open(g, pick(g, 3));
  put_line(g);
  put_text(g, "if ");
  put_condition(g, 1);
  put_text(g, " { Ok(self as Going) } else { Err(\"no\") }");
  handler_close(g, vars);
  vars = handler(g, "step", a->unique, NULL, NULL);
  u32 given = g->vars[vars].id;
  put_text(g, " { v%u = v%u +%% most; (replace(&v%u, v%u), self as Going) }", count, count, kept, given);
  g->var_count = vars;
  put_text(g, "\n  on bye() { v%u }", count);
  if (chance(g, 2)) put_text(g, "\n  on dropped() { v%u = 0 }", count);
  put_text(g, "\n}\n");
}

// A client that goes on for a while, then says good-bye, or lets go of it.
static void use_server(Gen *g, const Actors *a) {
  u32 session = make_id(g), vars = g->var_count, steps = pick(g, 4);
  Lives before;
  put_line(g);
  put_text(g, "match await spawn Server(%u) ! hello(", pick(g, 5));
  put_expr(g, a->plain, 1);
  put_text(g, ") {");
  lives_note(g, &before);
  g->indent++;
  put_line(g);
  put_text(g, "Ok(v%u) -> {", session);
  g->indent++;
  g->no_moves++;
  while (steps--) {
    u32 next = make_id(g), got = make_id(g);
    put_line(g);
    put_text(g, "let (v%u, v%u) = await v%u ! step(", got, next, session);
    put_owned(g, a->unique, 1);
    put_text(g, ")");
    make_var(g, a->unique, false)->id = got;
    put_statements(g, 1, 1);
    session = next;
  }
  g->no_moves--;
  put_line(g);
  if (chance(g, 3)) put_text(g, "let _ = v%u", session);
  else put_text(g, "out ! line(\"bye {await v%u ! bye()}\")", session);
  g->indent--;
  put_line(g);
  put_text(g, "}");
  put_line(g);
  put_text(g, "Err(v%u) -> out ! line(v%u)", session, session);
  g->indent--;
  put_line(g);
  put_text(g, "}");
  g->var_count = vars;
  lives_join(g, &before);
}

// ---- What main does with them ---------------------------------------------------------------------------------------

void put_actors(Gen *g, Actors *made) {
  keeper(g, made);
  made->bin = chance(g, 2);
  made->middle = chance(g, 2);
  made->server = !g->options.plain && chance(g, 2);
  if (made->bin) bin(g, made);
  if (made->middle) middle(g, made);
  if (made->server) server(g, made);
}

// Prints what came of it; a unique value is used in a block of its own.
static void outcome(Gen *g, const char *to, const char *name, const Ty *a, const Ty *b, const Ty *answer) {
  u32 got = make_id(g), vars = g->var_count;
  put_line(g);
  put_text(g, "match (%s ! %s(", to, name);
  if (a) put_value(g, a, 2);
  if (b) put_text(g, ", "), put_value(g, b, 1);
  put_text(g, ")).outcome() {");
  Lives before;
  lives_note(g, &before);
  g->indent++;
  put_line(g);
  if (!holds_unique(answer)) {
    put_text(g, "Ok(v%u) -> out ! line(\"%s {show(v%u)}\")", got, name, got);
  } else {
    put_text(g, "Ok(v%u) -> {", got);
    make_var(g, answer, false)->id = got;
    u32 floor = g->loop_floor;
    g->loop_floor = g->var_count - 1;  // what stands before is not moved in one arm alone
    g->indent++;
    put_statements(g, 1 + pick(g, 3), 1);
    g->indent--;
    g->loop_floor = floor;
    put_line(g);
    put_text(g, "}");
  }
  put_line(g);
  put_text(g, "Err(v%u) -> out ! line(\"%s broke {show(v%u)}\")", got, name, got);
  g->indent--;
  put_line(g);
  put_text(g, "}");
  g->var_count = vars;
  lives_join(g, &before);
}

static void use_keeper(Gen *g, const Actors *a, const char *to) {
  switch (pick(g, 6)) {
    case 0: put_line(g), put_text(g, "%s ! put(", to), put_expr(g, a->plain, 2), put_text(g, ")"); return;
    case 1: put_line(g), put_text(g, "%s ! feed(", to), put_value(g, a->unique, 2), put_text(g, ")"); return;
    case 2: outcome(g, to, "get", a->other, NULL, a->plain); return;
    case 3: outcome(g, to, "swap", a->unique, NULL, a->unique); return;
    case 4: outcome(g, to, "trade", a->more, a->plain, make_type(K_OPTION, a->more, NULL, 0)); return;
    default: outcome(g, to, "total", NULL, NULL, &integer); return;
  }
}

static void use_middle(Gen *g, const Actors *a) {
  switch (pick(g, 3)) {
    case 0: outcome(g, "between", "ask", a->plain, a->other, a->plain); return;
    case 1: outcome(g, "between", "pass", a->unique, NULL, a->unique); return;
    default: outcome(g, "between", "later", a->unique, NULL, &integer); return;
  }
}

static void use_bin(Gen *g, const Actors *a) {
  u32 promise = make_id(g), got = make_id(g);
  put_line(g);
  put_text(g, "let v%u = cell ! drain()", promise);
  put_line(g);
  put_text(g, "cell ! fill(");
  put_value(g, a->unique, 2);
  put_text(g, ")");
  put_line(g);
  put_text(g, "let v%u = await v%u", got, promise);
  make_var(g, make_type(K_OPTION, a->unique, NULL, 0), false)->id = got;
}

void put_uses(Gen *g, const Actors *made) {
  g->cost = 1;
  put_line(g);
  put_text(g, "let keeper = spawn Keeper(%u)", pick(g, 9));
  if (made->bin) put_line(g), put_text(g, "let cell = spawn Bin()");
  if (made->middle) put_line(g), put_text(g, "let between = spawn Middle(spawn Keeper(1))");
  u32 count = 3 + pick(g, 6);
  while (count--) {
    u32 what = pick(g, 8);
    if (what < 5) use_keeper(g, made, "keeper");
    else if (what == 5 && made->bin) use_bin(g, made);
    else if (what == 6 && made->middle) use_middle(g, made);
    else if (what == 7 && made->server) use_server(g, made);
    else put_statements(g, 1, 2);
  }
  if (!chance(g, 3)) return;
  put_line(g);
  put_text(g, "let _ = when keeper ! total() { Ok(n) -> out ! line(\"last {n}\")  Err(b) -> out ! line(\"last {show(b)}\") }");
}
