// Patterns: their types, the names they bind, and the constructor fields that they name.
//
// All alternatives of an or-pattern bind the same names with the same types, and share one Local for each.
#include "bytecode/front/check.h"

// Where the names of an or-pattern's first alternative stand in PatCheck.names, while another alternative is checked, whose
// own follow them.
typedef struct Alternatives {
  u32 from, until;
} Alternatives;

typedef struct PatCheck {
  Checker *c;
  LocalKind kind;
  Span whole;               // of the outermost pattern
  const Alternatives *alt;  // NULL outside later alternatives
  VEC(const Name *) names;  // bound so far
} PatCheck;

static void pattern(PatCheck *p, Pat *pat, Ty *ty);

// ---- Names ----------------------------------------------------------------------------------------------------------

static bool is_bound(const PatCheck *p, const Name *name, u32 from, u32 until) {
  for (u32 i = from; i < until; i++) {
    if (p->names.items[i] == name) return true;
  }
  return false;
}

static void bind_again(PatCheck *p, Pat *pat, Ty *ty) {
  Checker *c = p->c;
  if (is_bound(p, pat->name.name, p->alt->until, p->names.count)) {
    check_error(c, DIAG_E0109, pat->name.span, "`%.*s` is bound twice", STR_ARG(pat->name.name->text));
  }
  if (is_bound(p, pat->name.name, p->alt->from, p->alt->until)) {
    pat->local = locals_find(c, pat->name.name);
    vec_push(&p->names, pat->name.name);
    check_same(c, pat->span, ty,
               &(Want){.ty = pat->local->type,
                       .what = "in every alternative",
                       .name = pat->name.name,
                       .source = c->source,
                       .span = pat->local->span,
                       .note = "in the first one"});
    return;
  }
  check_error(c, DIAG_E0234, pat->name.span, "`%.*s` is not bound by the first alternative of this pattern",
              STR_ARG(pat->name.name->text));
  pat->local = locals_new(c, pat->name, p->kind, ty);
}

static void bind(PatCheck *p, Pat *pat, Ty *ty) {
  Checker *c = p->c;
  if (!pat->name.name) return;
  if (p->alt) {
    bind_again(p, pat, ty);
    return;
  }
  Local *earlier = locals_find(c, pat->name.name);
  u32 from = p->whole.start < c->binding_from ? p->whole.start : c->binding_from;
  if (earlier && earlier->body == c->body && earlier->span.start >= from && earlier->span.end <= p->whole.end) {
    Diag *diag = check_error(c, DIAG_E0109, pat->name.span, "`%.*s` is bound twice", STR_ARG(pat->name.name->text));
    diag_note(diag, c->source, earlier->span, "the first time");
  }
  pat->local = locals_new(c, pat->name, p->kind, ty);
  locals_bind(c, pat->local);
  vec_push(&p->names, pat->name.name);
}

static void alternatives(PatCheck *p, Pat *pat, Ty *ty) {
  if (!pat->items.count) return;
  u32 from = p->names.count;
  pattern(p, pat->items.items[0], ty);
  Alternatives alt = {from, p->names.count};
  const Alternatives *outer = p->alt;
  p->alt = &alt;
  for (u32 i = 1; i < pat->items.count; i++) {
    p->names.count = alt.until;
    pattern(p, pat->items.items[i], ty);
    if (p->names.count - alt.until < alt.until - from) {
      check_error(p->c, DIAG_E0234, pat->items.items[i]->span,
                  "every alternative of a pattern must bind the same names, and this one binds fewer");
    }
  }
  p->alt = outer;
  p->names.count = alt.until;
}

// ---- Literals, tuples, lists ----------------------------------------------------------------------------------------

static void must_be(PatCheck *p, Pat *pat, Ty *ty, Ty *found) {
  check_same(p->c, pat->span, found, &(Want){.ty = ty, .what = "a pattern for this value"});
}

static void tuple(PatCheck *p, Pat *pat, Ty *ty) {
  Ty *known = ty_resolve(ty);
  u32 count = pat->items.count;
  Ty **items = gc_array(Ty *, count + 1);
  for (u32 i = 0; i < count; i++) items[i] = known->kind == TY_TUPLE && known->count == count ? known->args[i] : ty_var();
  if (known->kind != TY_TUPLE || known->count != count) must_be(p, pat, ty, ty_tuple(count, items));
  for (u32 i = 0; i < count; i++) pattern(p, pat->items.items[i], items[i]);
}

static void list(PatCheck *p, Pat *pat, Ty *ty) {
  Ty *known = ty_resolve(ty);
  Ty *element = known->kind == TY_LIST ? known->args[0] : check_plain_var(p->c, pat->span, "a list");
  if (known->kind != TY_LIST) must_be(p, pat, ty, ty_list(element));
  for (u32 i = 0; i < pat->items.count; i++) pattern(p, pat->items.items[i], element);
  if (pat->rest) pattern(p, pat->rest, ty_is(ty, TY_LIST) ? ty : ty_list(element));
}

static void range(PatCheck *p, Pat *pat, Ty *ty) {
  if (pat->low) pattern(p, pat->low, ty);
  if (pat->high) pattern(p, pat->high, ty);
  if (pat->low && pat->high && pat->low->kind != pat->high->kind) {
    check_error(p->c, DIAG_E0225, pat->span, "the ends of a range are of one type");
  } else if (pat->low && pat->low->kind == PAT_BOOL) {
    check_error(p->c, DIAG_E0225, pat->span, "a range has no use among two values: write `true` or `false`");
  }
}

// ---- Constructors ---------------------------------------------------------------------------------------------------

static u32 field_index(const CtorDecl *ctor, const Name *name) {
  for (u32 i = 0; i < ctor->fields.count; i++) {
    if (ctor->fields.items[i].name.name == name) return i;
  }
  return ctor->fields.count;
}

static void unknown_field(Checker *c, const CtorDecl *ctor, Ident name) {
  Diag *diag = check_error(c, DIAG_E0205, name.span, "`%.*s` has no field `%.*s`", STR_ARG(ctor->name.name->text),
                           STR_ARG(name.name->text));
  Nearest nearest = {.wanted = name.name->text};
  for (u32 i = 0; i < ctor->fields.count; i++) {
    if (ctor->fields.items[i].name.name) nearest_offer(&nearest, ctor->fields.items[i].name.name->text);
  }
  if (nearest.best.len) diag_hint(diag, "did you mean `%.*s`?", STR_ARG(nearest.best));
}

static void fields_missing(Checker *c, Pat *pat, const CtorDecl *ctor) {
  Text names = {0};
  u32 missing = 0;
  for (u32 i = 0; i < ctor->fields.count; i++) {
    if (pat->by_field[i] || !ctor->fields.items[i].name.name) continue;
    text_printf(&names, "%s`%.*s`", missing++ ? ", " : "", STR_ARG(ctor->fields.items[i].name.name->text));
  }
  if (!missing) return;
  Diag *diag = check_error(c, DIAG_E0225, pat->span, "this pattern leaves out the field%s %.*s of `%.*s`",
                           missing == 1 ? "" : "s", STR_ARG(text_str(&names)), STR_ARG(ctor->name.name->text));
  diag_hint(diag, pat->has_parens ? "name every field, or end in `..`" : "write `%.*s(..)` to match whatever its fields are",
            STR_ARG(ctor->name.name->text));
}

static void fields(PatCheck *p, Pat *pat, const CtorDecl *ctor, Ty **types) {
  u32 count = ctor->fields.count, next = 0;
  pat->by_field = gc_array(Pat *, count + 1);
  for (u32 i = 0; i < pat->fields.count; i++) {
    PatField *field = &pat->fields.items[i];
    u32 at = field->name.name ? field_index(ctor, field->name.name) : next++;
    bool fits = at < count && !pat->by_field[at];
    if (at >= count && field->name.name) {
      unknown_field(p->c, ctor, field->name);
    } else if (at >= count) {
      check_error(p->c, DIAG_E0225, field->pattern ? field->pattern->span : pat->span,
                  "`%.*s` has %u field%s, but this pattern has more", STR_ARG(ctor->name.name->text), count,
                  count == 1 ? "" : "s");
    } else if (!fits) {
      check_error(p->c, DIAG_E0109, field->pattern ? field->pattern->span : pat->span,
                  "this pattern matches the same field twice");
    }
    if (fits) pat->by_field[at] = field->pattern;
    if (field->pattern) pattern(p, field->pattern, fits ? types[at] : ty_basic(TY_ERROR));
  }
  if (!pat->has_rest) fields_missing(p->c, pat, ctor);
}

static void constructor(PatCheck *p, Pat *pat, Ty *ty) {
  Checker *c = p->c;
  CtorDecl *ctor = check_find_ctor(c, pat->module ? *pat->module : (Ident){0}, pat->name);
  if (!ctor) {
    for (u32 i = 0; i < pat->fields.count; i++) {
      if (pat->fields.items[i].pattern) pattern(p, pat->fields.items[i].pattern, ty_basic(TY_ERROR));
    }
    return;
  }
  pat->ctor = ctor;
  Ty *result, **types;
  check_instantiate_ctor(c, ctor, pat->span, &result, &types);
  must_be(p, pat, ty, result);
  fields(p, pat, ctor, types);
}

// ---- All patterns ---------------------------------------------------------------------------------------------------

static void pattern_kind(PatCheck *p, Pat *pat, Ty *ty) {
  switch (pat->kind) {
    case PAT_WILD: return;
    case PAT_NAME: bind(p, pat, ty); return;
    case PAT_AT:
      bind(p, pat, ty);
      check_plain(p->c, pat->span, ty, "@");
      if (pat->items.count) pattern(p, pat->items.items[0], ty);
      return;
    case PAT_INT: must_be(p, pat, ty, ty_basic(TY_INT)); return;
    case PAT_FLOAT: must_be(p, pat, ty, ty_basic(TY_FLOAT)); return;
    case PAT_DURATION: must_be(p, pat, ty, ty_basic(TY_DURATION)); return;
    case PAT_STRING: must_be(p, pat, ty, ty_basic(TY_STRING)); return;
    case PAT_BYTES: must_be(p, pat, ty, ty_basic(TY_BYTES)); return;
    case PAT_BOOL: must_be(p, pat, ty, ty_basic(TY_BOOL)); return;
    case PAT_RANGE: range(p, pat, ty); return;
    case PAT_TUPLE: tuple(p, pat, ty); return;
    case PAT_LIST: list(p, pat, ty); return;
    case PAT_CTOR: constructor(p, pat, ty); return;
    case PAT_OR: alternatives(p, pat, ty); return;
  }
}

static void pattern(PatCheck *p, Pat *pat, Ty *ty) {
  if (!pat) return;
  pat->type = ty;
  if (p->c->depth > CHECK_DEPTH_LIMIT) {
    check_error(p->c, DIAG_E0501, pat->span, "patterns are nested too deeply here");
    return;
  }
  p->c->depth++;
  pattern_kind(p, pat, ty);
  p->c->depth--;
}

void check_pattern(Checker *c, Pat *pat, Ty *ty, LocalKind kind) {
  if (!pat) return;
  PatCheck p = {.c = c, .kind = kind, .whole = pat->span};
  pattern(&p, pat, ty_value(ty));
}

void check_params(Checker *c, const Params *params, LocalKind kind) {
  for (u32 i = 0; i < params->count; i++) {
    Pat *pat = params->items[i].pattern;
    if (pat && c->binding_from == UINT32_MAX) c->binding_from = pat->span.start;
    check_pattern(c, pat, params->items[i].ty, kind);
    check_must_match(c, pat, "a parameter");
  }
  c->binding_from = UINT32_MAX;
}

void check_must_match(Checker *c, Pat *pat, const char *where) {
  if (!pat || pat->kind == PAT_NAME || pat->kind == PAT_WILD) return;
  vec_push(&c->irrefutable, pat);
  vec_push(&c->irrefutable_where, where);
}
