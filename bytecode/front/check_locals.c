// Locals: which binding a name means, and what it takes to name it from inside closures, tasks and `when` blocks.
//
// Bindings form a trail; closing a scope undoes it. A body that names a local of an outer body captures it, and so does
// every body between the two. Actor state is reached directly from the actor's own turns (handlers, helpers, guards and
// their `when` blocks), and captured by value in closures and tasks, which may run elsewhere.
#include "bytecode/front/check.h"

#include "bytecode/front/own.h"
#include "bytecode/module.h"

void locals_bind(Checker *c, Local *local) {
  if (!local->name) return;
  vec_push(&c->trail, ((Binding){local->name, map_get(&c->locals, local->name)}));
  map_put(&c->locals, local->name, local);
}

void locals_close(Checker *c, u32 mark) {
  while (c->trail.count > mark) {
    Binding *binding = &c->trail.items[--c->trail.count];
    map_put(&c->locals, binding->name, binding->hidden);
  }
}

Local *locals_find(const Checker *c, const Name *name) { return map_get(&c->locals, name); }

Local *locals_new(Checker *c, Ident name, LocalKind kind, Ty *type) {
  Local *local = gc_new(Local);
  *local = (Local){.name = name.name, .span = name.span, .kind = kind, .type = type};
  if (kind < LOCAL_STATE_PARAM) local->body = c->body;
  return local;
}

static bool is_detached(const Body *body) { return body->kind == BODY_CLOSURE || body->kind == BODY_TASK; }

bool locals_detached(const Checker *c) {
  for (const Body *body = c->body; body; body = body->outer) {
    if (is_detached(body)) return true;
  }
  return false;
}

static void capture(Body *body, Local *local) {
  for (u32 i = body->captures.count; i-- > 0;) {
    if (body->captures.items[i] == local) return;
  }
  vec_push(&body->captures, local);
}

static const char *block_kind(const Body *body) {
  if (body->kind == BODY_TASK) return "a `task` block";
  return body->kind == BODY_WHEN ? "a `when` block" : "a closure";
}

static void refuse_var(Checker *c, const Body *body, const Local *local, Span at) {
  Str name = local->name->text;
  Diag *diag = check_error(c, DIAG_E0221, at, "%s can't name `%.*s`, because it is a `var`: only values are captured",
                           block_kind(body), STR_ARG(name));
  diag_note(diag, c->source, local->span, "the `var` is declared here");
  diag_hint(diag, "copy it into a `let` first, and name that one: `let %.*s_now = %.*s`", STR_ARG(name), STR_ARG(name));
}

// A task or `when` block moves the unique values that it names; a closure takes none.
static bool may_hold(Checker *c, const Body *body, const Local *local, Span at) {
  return body->kind != BODY_CLOSURE || check_able(c, at, local->type, CONSTRAINT_PLAIN, "a closure");
}

static void use_state(Checker *c, Local *local, Span at) {
  Body *outermost = NULL;
  for (Body *body = c->body; body; body = body->outer) {
    if (is_detached(body)) outermost = body;
  }
  Body *reader = outermost ? outermost->outer : c->body;
  if (reader) reader->effects |= EFFECT_READS;
  if (reader && (reader->kind == BODY_GUARD || reader->kind == BODY_HELPER)) {
    vec_push(&c->stored, ((StoredUse){reader, local, at, NULL}));
  }
  if (!outermost) return;
  if (local->kind == LOCAL_STATE_VAR) {
    refuse_var(c, outermost, local, at);
    return;
  }
  for (Body *body = c->body; body != outermost->outer; body = body->outer) {
    if (!may_hold(c, body, local, at)) return;
    capture(body, local);
  }
}

void locals_note_user(Checker *c, const Expr *operand, Expr *user) {
  if (!operand || operand->kind != EX_NAME) return;
  for (u32 i = c->stored.count; i-- > 0;) {
    StoredUse *use = &c->stored.items[i];
    if (use->at.start < operand->span.start) return;
    if (use->at.start == operand->span.start && !use->user) use->user = user;
  }
}

void locals_use(Checker *c, Local *local, Span at) {
  local->used = true;
  if (!local->body) {
    use_state(c, local, at);
    return;
  }
  if (c->body && c->body->kind == BODY_GUARD) vec_push(&c->stored, ((StoredUse){c->body, local, at, NULL}));
  for (Body *body = c->body; body && body != local->body; body = body->outer) {
    // What is unique moves into a `when` block, so no variable is seen from two places.
    bool moves = body->kind == BODY_WHEN && ty_is_unique(local->type);
    if (local->kind == LOCAL_VAR && !moves) {
      refuse_var(c, body, local, at);
      return;
    }
    if (!may_hold(c, body, local, at)) return;
    capture(body, local);
  }
}

bool locals_use_self(Checker *c, Span at) {
  if (!c->actor || !c->body) {
    check_error(c, DIAG_E0413, at, "`self` stands only inside an actor");
    return false;
  }
  if (!locals_detached(c)) return true;
  Body *outermost = NULL;
  for (Body *body = c->body; body; body = body->outer) {
    if (is_detached(body)) outermost = body;
  }
  for (Body *body = c->body; body != outermost->outer; body = body->outer) body->captures_self = true;
  return true;
}
