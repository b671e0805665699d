// How the checker words what it found: mismatches with where the other type came from, missing abilities with what asked
// for them, and open types with a request for an annotation.
#include "bytecode/front/check.h"

#include "bytecode/module.h"

Diag *check_error(Checker *c, DiagCode code, Span span, const char *format, ...) {
  va_list args;
  va_start(args, format);
  Diag *diag = diag_vadd(c->diags, code, c->source, span, format, args);
  va_end(args);
  return diag;
}

// ---- Abilities ------------------------------------------------------------------------------------------------------

static DiagCode ability_code(u8 bit) {
  switch ((Constraint)bit) {
    case CONSTRAINT_EQUAL: return DIAG_E0209;
    case CONSTRAINT_ORDERED: return DIAG_E0210;
    case CONSTRAINT_ADDS: return DIAG_E0211;
    case CONSTRAINT_NUMBER: return DIAG_E0212;
    case CONSTRAINT_REFERENCE: return DIAG_E0213;
  }
  return DIAG_E0201;
}

static const char *inability(u8 bit) {
  switch ((Constraint)bit) {
    case CONSTRAINT_EQUAL: return "can't be compared";
    case CONSTRAINT_ORDERED: return "have no order";
    case CONSTRAINT_ADDS: return "can't be added";
    case CONSTRAINT_NUMBER: return "are no numbers";
    case CONSTRAINT_REFERENCE: return "are no references to actors";
  }
  return "can't do that";
}

static Str reason_text(Str what) {
  return memchr(what.ptr, ' ', what.len) ? what : str_format("`%.*s`", STR_ARG(what));
}

// A unique value where only plain ones may be.
static void report_unique(Checker *c, Span span) {
  const Unifier *u = &c->unifier;
  const Reason *reason = u->reason;
  Str what = reason ? reason_text(reason->what) : STR("this");
  bool part = reason && reason->what.len && reason->what.ptr[0] == '.' && !str_eq(reason->what, STR(".."));
  if (part) {
    Diag *diag = check_error(c, DIAG_E0428, span, "this part is a value of type %.*s, which is unique: it can't be read alone",
                             STR_ARG(ty_text(u->subject)));
    diag_hint(diag, "take the whole apart with a pattern, which uses it up");
    return;
  }
  Diag *diag = check_error(c, DIAG_E0420, span, "a value of type %.*s is unique, so %.*s can't take it",
                           STR_ARG(ty_text(u->subject)), STR_ARG(what));
  if (reason && reason->source && (reason->source != c->source || reason->span.start != span.start))
    diag_note(diag, reason->source, reason->span, "%.*s asks for a plain one here", STR_ARG(what));
  else
    diag_hint(diag, "closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones");
}

static Str why_unable(const Unifier *u) {
  Ty *inner = ty_resolve(u->inner);
  if (inner->kind == TY_FN) return STR("functions");
  if (inner->kind == TY_PROMISE) return STR("promises");
  if (inner->kind == TY_REF) return STR("references");
  return str_format("values of type %.*s", STR_ARG(ty_text(inner)));
}

static void report_rigid(Checker *c, Span span, const char *what) {
  const Unifier *u = &c->unifier;
  Str name = ty_text(u->inner);
  Diag *diag = check_error(c, DIAG_E0214, span, "%s needs `%.*s` to be %s, but its declaration promises less",
                           what ? what : "this", STR_ARG(name), constraint_name(u->missing));
  diag_hint(diag, "write `%.*s: %s`", STR_ARG(name), constraint_name(u->missing));
}

static void report_unable(Checker *c, Span span, const char *what) {
  const Unifier *u = &c->unifier;
  if (u->missing == CONSTRAINT_PLAIN) {
    report_unique(c, span);
    return;
  }
  if (ty_is(u->inner, TY_PARAM)) {
    report_rigid(c, span, what);
    return;
  }
  Str why = why_unable(u);
  Ty *subject = ty_resolve(u->subject), *inner = ty_resolve(u->inner);
  Str holder = ty_text(subject);
  Diag *diag;
  if (subject == inner) {
    diag = check_error(c, ability_code(u->missing), span, "%.*s %s", STR_ARG(why), inability(u->missing));
  } else {
    diag = check_error(c, ability_code(u->missing), span, "values of type %.*s %s, because they hold %.*s", STR_ARG(holder),
                       inability(u->missing), STR_ARG(why));
  }
  if (inner->kind == TY_DATA && inner->decl->is_opaque && inner->decl->home != c->module) {
    Str type = inner->decl->name.name->text;
    diag_hint(diag, "`%.*s` is opaque: only its own module can compare it, unless it is declared `is %s`", STR_ARG(type),
              constraint_name(u->missing));
  }
  const Reason *reason = u->reason;
  if (reason && reason->source && (reason->source != c->source || reason->span.start != span.start)) {
    diag_note(diag, reason->source, reason->span, "%.*s asks for it here", STR_ARG(reason_text(reason->what)));
  }
}

bool check_able(Checker *c, Span span, Ty *ty, u8 constraint, const char *what) {
  Ty *known = ty_resolve(ty);
  if (known->kind <= TY_FLOAT && constraint != CONSTRAINT_REFERENCE) return true;
  Reason *reason = gc_new(Reason);
  *reason = (Reason){c->source, span, str_from(what)};
  UnifyResult result = unify_require(&c->unifier, ty, constraint_closure(constraint), reason);
  if (result == UNIFY_OK) return true;
  if (result == UNIFY_TOO_LARGE) {
    check_error(c, DIAG_E0504, span, "the type of this is too large");
  } else {
    report_unable(c, span, str_format("`%s`", what).ptr);
  }
  return false;
}

// ---- Mismatches -----------------------------------------------------------------------------------------------------

static Str subject_of(const Want *want) {
  if (!want->what) return STR("");
  if (!want->name) return str_from(want->what);
  return str_format("%s `%.*s`", want->what, STR_ARG(want->name->text));
}

static void hint_conversion(Diag *diag, Ty *expected, Ty *found) {
  TyKind to = ty_resolve(expected)->kind, from = ty_resolve(found)->kind;
  if (to == TY_FLOAT && from == TY_INT) diag_hint(diag, "numbers are converted by hand: `.to_float()`");
  if (to == TY_INT && from == TY_FLOAT)
    diag_hint(diag, "numbers are converted by hand: `.round()`, `.floor()` or `.ceil()`");
  if (to == TY_STRING && from <= TY_BOOL) diag_hint(diag, "`show(x)` or \"{x}\" gives the text of a value");
  if (from == TY_PROMISE && to != TY_PROMISE) diag_hint(diag, "a message's answer is a promise: `await` it");
  if (to == TY_REF && from != TY_REF) diag_hint(diag, "a reference can't be made from data: it is spawned, or received");
}

static bool is_rigid(Ty *ty) {
  ty = ty_resolve(ty);
  return ty->kind == TY_PARAM && ty->name;
}

static void report_two_types(Checker *c, Span span, Ty *found, const Want *want) {
  Str expected_text, found_text;
  ty_text_pair(want->ty, found, &expected_text, &found_text);
  Diag *diag;
  Str subject = subject_of(want);
  if (subject.len) {
    diag = check_error(c, DIAG_E0201, span, "%.*s must be %.*s, but this is %.*s", STR_ARG(subject), STR_ARG(expected_text),
                       STR_ARG(found_text));
  } else {
    diag = check_error(c, DIAG_E0201, span, "expected %.*s, but this is %.*s", STR_ARG(expected_text), STR_ARG(found_text));
  }
  if (want->source) diag_note(diag, want->source, want->span, "%s", want->note ? want->note : "because of this");
  Ty *rigid = is_rigid(c->unifier.left) ? c->unifier.left : is_rigid(c->unifier.right) ? c->unifier.right : NULL;
  if (rigid) {
    diag_hint(diag, "`%.*s` stands for any type that a caller chooses", STR_ARG(ty_text(rigid)));
  } else {
    hint_conversion(diag, want->ty, found);
  }
}

void check_mismatch(Checker *c, UnifyResult result, Span span, Ty *found, const Want *want) {
  switch (result) {
    case UNIFY_OK: return;
    case UNIFY_MISMATCH: report_two_types(c, span, found, want); return;
    case UNIFY_INFINITE:
      check_error(c, DIAG_E0208, span, "this would have a type that contains itself: %.*s inside %.*s",
                  STR_ARG(ty_text(want->ty)), STR_ARG(ty_text(found)));
      return;
    case UNIFY_TOO_LARGE: check_error(c, DIAG_E0504, span, "the type of this is too large"); return;
    case UNIFY_CONSTRAINT: report_unable(c, span, want->what); return;
  }
}

bool check_same(Checker *c, Span span, Ty *found, const Want *want) {
  c->unifier.at = span;
  UnifyResult result = unify(&c->unifier, want->ty, found);
  if (result != UNIFY_OK) check_mismatch(c, result, span, found, want);
  return result == UNIFY_OK;
}

// ---- Other things said in several places ----------------------------------------------------------------------------

bool check_known(Checker *c, Ty *ty, Span span, const char *what) {
  if (!ty_is(ty, TY_VAR)) return true;
  Diag *diag = check_error(c, DIAG_E0204, span, "the type of this is not known yet, and %s needs it", what);
  diag_hint(diag, "say what it is where the name is introduced: `name: Type`");
  return false;
}

void check_plain(Checker *c, Span span, Ty *ty, const char *what) { check_able(c, span, ty, CONSTRAINT_PLAIN, what); }

Ty *check_plain_var(Checker *c, Span span, const char *what) {
  Reason *reason = gc_new(Reason);
  *reason = (Reason){c->source, span, str_from(what)};
  Ty *ty = ty_var();
  ty->constraints = CONSTRAINT_PLAIN;
  ty->reason = reason;
  return ty;
}
