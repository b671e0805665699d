// Types as terms: making, copying, printing and unifying them.
//
// Every walk here is bounded: by the depth of a type (TY_DEPTH_LIMIT) and by a budget of steps, since a small program can
// write down a type of exponential size. What fails is left in the Unifier for whoever words the message.
#include "bytecode/front/types.h"

#include "bytecode/module.h"

// ---- Making types ---------------------------------------------------------------------------------------------------

static Ty basic_types[] = {
    [TY_INT] = {.kind = TY_INT, .depth = 1},           [TY_FLOAT] = {.kind = TY_FLOAT, .depth = 1},
    [TY_BOOL] = {.kind = TY_BOOL, .depth = 1},         [TY_UNIT] = {.kind = TY_UNIT, .depth = 1},
    [TY_STRING] = {.kind = TY_STRING, .depth = 1},     [TY_BYTES] = {.kind = TY_BYTES, .depth = 1},
    [TY_DURATION] = {.kind = TY_DURATION, .depth = 1}, [TY_TIME] = {.kind = TY_TIME, .depth = 1},
    [TY_BUF] = {.kind = TY_BUF, .depth = 1},           [TY_NEVER] = {.kind = TY_NEVER, .depth = 1},
    [TY_ERROR] = {.kind = TY_ERROR, .depth = 1},
};

Ty *ty_basic(TyKind kind) { return &basic_types[kind]; }

Ty *ty_resolve(Ty *ty) {
  if (!ty) return ty_basic(TY_ERROR);
  if (LIKELY(ty->kind != TY_VAR || !ty->link)) return ty;
  Ty *root = ty->link;
  while (root->kind == TY_VAR && root->link) root = root->link;
  while (ty != root) {
    Ty *next = ty->link;
    ty->link = root;
    ty = next;
  }
  return root;
}

Ty *ty_var(void) {
  static u32 next_identity;
  Ty *ty = gc_new(Ty);
  ty->kind = TY_VAR;
  ty->index = next_identity++;
  ty->has_vars = true;
  ty->depth = 1;
  return ty;
}

Ty *ty_param(u32 index, const Name *name, u8 constraints) {
  Ty *ty = gc_new(Ty);
  ty->kind = TY_PARAM;
  ty->index = index;
  ty->name = name;
  ty->constraints = constraints;
  ty->has_params = true;
  ty->depth = 1;
  return ty;
}

static Ty *compound(TyKind kind, u32 count, Ty **args) {
  Ty *ty = gc_new(Ty);
  ty->kind = kind;
  ty->count = count;
  ty->args = args;
  u8 depth = 0;
  for (u32 i = 0; i < count; i++) {
    Ty *arg = args[i] = ty_resolve(args[i]);
    ty->has_vars |= arg->has_vars;
    ty->has_params |= arg->has_params;
    if (arg->depth > depth) depth = arg->depth;
  }
  ty->depth = depth > TY_DEPTH_LIMIT ? depth : depth + 1;
  return ty;
}

static Ty *compound_one(TyKind kind, Ty *arg) {
  Ty **args = gc_array(Ty *, 1);
  args[0] = arg;
  return compound(kind, 1, args);
}

Ty *ty_list(Ty *element) { return compound_one(TY_LIST, element); }
Ty *ty_promise(Ty *value) { return compound_one(TY_PROMISE, value); }
Ty *ty_array(Ty *element) { return compound_one(TY_ARRAY, element); }

Ty *ty_tuple(u32 count, Ty **items) {
  if (count == 0) return ty_basic(TY_UNIT);
  return count == 1 ? items[0] : compound(TY_TUPLE, count, items);
}

Ty *ty_fn(u32 param_count, Ty **params, Ty *result) {
  Ty **args = gc_array(Ty *, param_count + 1);
  if (param_count) memcpy(args, params, param_count * sizeof *args);
  args[param_count] = result;
  return compound(TY_FN, param_count + 1, args);
}

Ty *ty_data(TypeDecl *decl, u32 count, Ty **args) {
  Ty *ty = compound(TY_DATA, count, args);
  ty->decl = decl;
  return ty;
}

Ty *ty_ref(InterfaceDecl *interface, u32 count, Ty **args) {
  Ty *ty = compound(TY_REF, count, args);
  ty->interface = interface;
  return ty;
}

bool ty_carries(const TypeDecl *decl) {
  Str home = decl->home->name, name = decl->name.name ? decl->name.name->text : STR("");
  return (str_eq(home, STR("option")) && str_eq(name, STR("Option"))) || (str_eq(home, STR("result")) && str_eq(name, STR("Result")));
}

// ---- Copying --------------------------------------------------------------------------------------------------------

typedef struct Copy {
  Ty **args;  // what parameters become; NULL keeps them
  u32 count;
  u32 steps;  // budget
} Copy;

static Ty *copy_ty(Copy *copy, Ty *ty, u32 depth) {
  ty = ty_resolve(ty);
  if (ty->kind == TY_PARAM && copy->args) return ty->index < copy->count ? copy->args[ty->index] : ty_basic(TY_ERROR);
  if (!ty->count || !(ty->has_vars || (copy->args && ty->has_params))) return ty;
  if (depth > 2 * TY_DEPTH_LIMIT || copy->steps < ty->count) return ty_basic(TY_ERROR);
  copy->steps -= ty->count;
  Ty **args = gc_array(Ty *, ty->count);
  for (u32 i = 0; i < ty->count; i++) args[i] = copy_ty(copy, ty->args[i], depth + 1);
  Ty *result = compound(ty->kind, ty->count, args);
  result->decl = ty->decl;  // or the interface
  return result;
}

Ty *ty_subst(Ty *ty, Ty **args, u32 count) {
  ty = ty_resolve(ty);
  if (!ty->has_params) return ty;
  Copy copy = {.args = args, .count = count, .steps = TY_SIZE_LIMIT};
  return copy_ty(&copy, ty, 0);
}

Ty *ty_settle(Ty *ty) {
  ty = ty_resolve(ty);
  if (!ty->has_vars) return ty;
  Copy copy = {.steps = TY_SIZE_LIMIT};
  return copy_ty(&copy, ty, 0);
}

static bool measure(Ty *ty, u32 depth, u32 *size) {
  ty = ty_resolve(ty);
  if (depth > TY_DEPTH_LIMIT || ++*size > TY_SIZE_LIMIT) return false;
  for (u32 i = 0; i < ty->count; i++) {
    if (!measure(ty->args[i], depth + 1, size)) return false;
  }
  return true;
}

bool ty_all_within_limits(Ty **types, u32 count) {
  u32 size = 0;
  for (u32 i = 0; i < count; i++) {
    if (!measure(types[i], 1, &size)) return false;
  }
  return true;
}

bool ty_within_limits(Ty *ty) { return ty_all_within_limits(&ty, 1); }

// ---- Printing -------------------------------------------------------------------------------------------------------

enum { PRINT_LIMIT = 300 };  // bytes after which the rest of a type is `…`

static void print_ty(Ty *ty, Text *out, bool modules);

static void print_list(Ty **items, u32 count, Text *out, bool modules) {
  for (u32 i = 0; i < count; i++) {
    if (i) text_add(out, STR(", "));
    print_ty(items[i], out, modules);
  }
}

static void print_named(const Name *name, ModuleAst *home, Ty *ty, Text *out, bool modules) {
  if (modules && home) text_printf(out, "%.*s.", STR_ARG(home->name));
  if (name) text_add(out, name->text);
  if (!ty->count) return;
  text_char(out, '[');
  print_list(ty->args, ty->count, out, modules);
  text_char(out, ']');
}

static void print_param(Ty *ty, Text *out) {
  if (ty->name) {
    text_add(out, ty->name->text);
  } else if (ty->index < 26) {
    text_char(out, (char)('A' + ty->index));
  } else {
    text_printf(out, "T%u", ty->index);
  }
}

static void print_ty(Ty *ty, Text *out, bool modules) {
  ty = ty_resolve(ty);
  if (out->len > PRINT_LIMIT) {
    text_add(out, STR("…"));
    return;
  }
  switch (ty->kind) {
    case TY_INT: text_add(out, STR("Int")); return;
    case TY_FLOAT: text_add(out, STR("Float")); return;
    case TY_BOOL: text_add(out, STR("Bool")); return;
    case TY_UNIT: text_add(out, STR("()")); return;
    case TY_STRING: text_add(out, STR("String")); return;
    case TY_BYTES: text_add(out, STR("Bytes")); return;
    case TY_DURATION: text_add(out, STR("Duration")); return;
    case TY_TIME: text_add(out, STR("Time")); return;
    case TY_BUF: text_add(out, STR("Buf")); return;
    case TY_LIST:
    case TY_PROMISE:
    case TY_ARRAY:
      text_add(out, ty->kind == TY_LIST ? STR("List[") : ty->kind == TY_ARRAY ? STR("Array[") : STR("Promise["));
      print_ty(ty->args[0], out, modules);
      text_char(out, ']');
      return;
    case TY_TUPLE:
      text_char(out, '(');
      print_list(ty->args, ty->count, out, modules);
      text_char(out, ')');
      return;
    case TY_FN:
      text_add(out, STR("fn("));
      print_list(ty->args, ty->count - 1, out, modules);
      text_add(out, STR(") -> "));
      print_ty(ty_fn_result(ty), out, modules);
      return;
    case TY_DATA: print_named(ty->decl->name.name, ty->decl->home, ty, out, modules); return;
    case TY_REF: print_named(ty->interface->name.name, ty->interface->home, ty, out, modules); return;
    case TY_PARAM: print_param(ty, out); return;
    case TY_VAR:
    case TY_NEVER:
    case TY_ERROR: text_char(out, '_'); return;
  }
}

static Str text_of(Ty *ty, bool modules) {
  Text text = {0};
  print_ty(ty, &text, modules);
  return text_str(&text);
}

Str ty_text(Ty *ty) { return text_of(ty, false); }

void ty_text_pair(Ty *a, Ty *b, Str *at, Str *bt) {
  *at = text_of(a, false);
  *bt = text_of(b, false);
  if (!str_eq(*at, *bt)) return;
  *at = text_of(a, true);
  *bt = text_of(b, true);
}

// ---- Constraints ----------------------------------------------------------------------------------------------------

u8 constraint_closure(u8 constraints) {
  if (constraints & (CONSTRAINT_ORDERED | CONSTRAINT_REFERENCE)) constraints |= CONSTRAINT_EQUAL;
  if (constraints & CONSTRAINT_NUMBER) constraints |= CONSTRAINT_ADDS;
  return constraints;
}

const char *constraint_name(u8 bit) {
  switch ((Constraint)bit) {
    case CONSTRAINT_EQUAL: return "equal";
    case CONSTRAINT_ORDERED: return "ordered";
    case CONSTRAINT_ADDS: return "adds";
    case CONSTRAINT_NUMBER: return "number";
    case CONSTRAINT_REFERENCE: return "reference";
  }
  return "able to do that";
}

static UnifyResult cannot(Unifier *u, Ty *ty, u8 bit, const Reason *reason) {
  u->subject = u->inner = ty;
  u->missing = bit;
  u->reason = reason;
  return UNIFY_CONSTRAINT;
}

static UnifyResult require(Unifier *u, Ty *ty, u8 bit, const Reason *reason, u32 depth);

static UnifyResult require_all(Unifier *u, Ty *ty, u64 which, u8 bit, const Reason *reason, u32 depth) {
  for (u32 i = 0; i < ty->count; i++) {
    if (i < 64 && !(which >> i & 1)) continue;
    UnifyResult result = require(u, ty->args[i], bit, reason, depth + 1);
    if (result == UNIFY_CONSTRAINT) u->subject = ty;
    if (result != UNIFY_OK) return result;
  }
  return UNIFY_OK;
}

static UnifyResult require_data(Unifier *u, Ty *ty, u8 bit, const Reason *reason, u32 depth) {
  const Ability *ability = ability_of(u, ty->decl, bit == CONSTRAINT_ORDERED);
  if (!ability->never) return require_all(u, ty, ability->needs, bit, reason, depth);
  UnifyResult result = cannot(u, ty, bit, reason);
  if (ability->blame) u->inner = ability->blame;
  return result;
}

static UnifyResult require_open(Unifier *u, Ty *ty, u8 bit, const Reason *reason) {
  u8 wanted = constraint_closure(ty->constraints | bit);
  if (wanted == ty->constraints) return UNIFY_OK;
  if (ty->fixed) return cannot(u, ty, bit, reason);
  if (!ty->reason || ty->constraints == CONSTRAINT_PLAIN) ty->reason = reason;
  ty->constraints = wanted;
  if (bit != CONSTRAINT_PLAIN) vec_push(&u->asked, ty);
  return UNIFY_OK;
}

// Plainness: what holds plain parts only has been asked for that where it was written or made.
static UnifyResult require_plain(Unifier *u, Ty *ty, const Reason *reason, u32 depth) {
  switch (ty->kind) {
    case TY_VAR: return require_open(u, ty, CONSTRAINT_PLAIN, reason);
    case TY_BUF:
    case TY_ARRAY: return cannot(u, ty, CONSTRAINT_PLAIN, reason);
    case TY_REF: return ty->interface->is_unique ? cannot(u, ty, CONSTRAINT_PLAIN, reason) : UNIFY_OK;
    case TY_DATA:
      if (ty->decl->is_unique) return cannot(u, ty, CONSTRAINT_PLAIN, reason);
      return ty_carries(ty->decl) ? require_all(u, ty, ~(u64)0, CONSTRAINT_PLAIN, reason, depth) : UNIFY_OK;
    case TY_TUPLE:
    case TY_PROMISE: return require_all(u, ty, ~(u64)0, CONSTRAINT_PLAIN, reason, depth);
    case TY_INT:
    case TY_FLOAT:
    case TY_BOOL:
    case TY_UNIT:
    case TY_STRING:
    case TY_BYTES:
    case TY_DURATION:
    case TY_TIME:
    case TY_LIST:
    case TY_FN:
    case TY_PARAM:
    case TY_NEVER:
    case TY_ERROR: break;
  }
  return UNIFY_OK;
}

// One bit at a time, so that the message can name it.
static UnifyResult require(Unifier *u, Ty *ty, u8 bit, const Reason *reason, u32 depth) {
  ty = ty_resolve(ty);
  if (depth > 2 * TY_DEPTH_LIMIT || !u->steps) return UNIFY_TOO_LARGE;
  u->steps--;
  if (bit == CONSTRAINT_PLAIN) return require_plain(u, ty, reason, depth);
  bool comparing = bit == CONSTRAINT_EQUAL || bit == CONSTRAINT_ORDERED;
  switch (ty->kind) {
    case TY_NEVER:
    case TY_ERROR: return UNIFY_OK;
    case TY_VAR:
    case TY_PARAM: return require_open(u, ty, bit, reason);
    case TY_INT:
    case TY_FLOAT: return bit == CONSTRAINT_REFERENCE ? cannot(u, ty, bit, reason) : UNIFY_OK;
    case TY_STRING:
    case TY_DURATION: return comparing || bit == CONSTRAINT_ADDS ? UNIFY_OK : cannot(u, ty, bit, reason);
    case TY_BOOL:
    case TY_UNIT:
    case TY_BYTES:
    case TY_TIME: return comparing ? UNIFY_OK : cannot(u, ty, bit, reason);
    case TY_LIST:
    case TY_TUPLE: return comparing ? require_all(u, ty, ~(u64)0, bit, reason, depth) : cannot(u, ty, bit, reason);
    case TY_DATA: return comparing ? require_data(u, ty, bit, reason, depth) : cannot(u, ty, bit, reason);
    case TY_REF:
      if (ty->interface->is_unique && depth) return cannot(u, ty, bit, reason);  // inside of something it is not lent
      return bit == CONSTRAINT_EQUAL || bit == CONSTRAINT_REFERENCE ? UNIFY_OK : cannot(u, ty, bit, reason);
    case TY_BUF:
    case TY_ARRAY:
    case TY_PROMISE:
    case TY_FN: return cannot(u, ty, bit, reason);
  }
  return UNIFY_OK;
}

// The stronger of two before what it implies: its name is the better message.
static UnifyResult require_bits(Unifier *u, Ty *ty, u8 constraints, const Reason *reason) {
  for (u32 bit = CONSTRAINT_PLAIN; bit; bit >>= 1) {
    if (!(constraints & bit)) continue;
    UnifyResult result = require(u, ty, (u8)bit, reason, 0);
    if (result != UNIFY_OK) return result;
  }
  return UNIFY_OK;
}

UnifyResult unify_require(Unifier *u, Ty *ty, u8 constraints, const Reason *reason) {
  u->steps = 2 * TY_SIZE_LIMIT;
  return require_bits(u, ty, constraints, reason);
}

// ---- Unifying -------------------------------------------------------------------------------------------------------

// Whether `var` stands in `ty`; also where types that are too large or nested too deep are found.
static UnifyResult occurs(Unifier *u, Ty *var, Ty *ty, u32 depth) {
  ty = ty_resolve(ty);
  if (ty == var) return UNIFY_INFINITE;
  if (!ty->has_vars && ty->depth + depth <= TY_DEPTH_LIMIT) return UNIFY_OK;
  if (depth > TY_DEPTH_LIMIT || !u->steps) return UNIFY_TOO_LARGE;
  u->steps--;
  for (u32 i = 0; i < ty->count; i++) {
    UnifyResult result = occurs(u, var, ty->args[i], depth + 1);
    if (result != UNIFY_OK) return result;
  }
  return UNIFY_OK;
}

static UnifyResult bind(Unifier *u, Ty *var, Ty *ty) {
  if (ty->kind == TY_NEVER || ty->kind == TY_ERROR) {
    if (ty->kind == TY_ERROR) var->link = ty;
    return UNIFY_OK;
  }
  UnifyResult result = occurs(u, var, ty, 1);
  if (result != UNIFY_OK) return result;
  var->link = ty;
  if (ty->has_vars && ty->kind != TY_VAR) {
    vec_push(&u->bound, var);
    vec_push(&u->bound_at, u->at);
  }
  return var->constraints ? require_bits(u, ty, var->constraints, var->reason) : UNIFY_OK;
}

static UnifyResult mismatch(Unifier *u, Ty *a, Ty *b) {
  u->left = a;
  u->right = b;
  return UNIFY_MISMATCH;
}

// What stands beside an error is not known either: saying more about it would only repeat the report.
static void poison(Unifier *u, Ty *ty, u32 depth) {
  ty = ty_resolve(ty);
  if (!ty->has_vars || depth > 2 * TY_DEPTH_LIMIT || !u->steps) return;
  u->steps--;
  if (ty->kind == TY_VAR) ty->link = ty_basic(TY_ERROR);
  for (u32 i = 0; i < ty->count; i++) poison(u, ty->args[i], depth + 1);
}

static UnifyResult unify_at(Unifier *u, Ty *a, Ty *b, u32 depth) {
  a = ty_resolve(a);
  b = ty_resolve(b);
  if (a == b) return UNIFY_OK;
  if (a->kind == TY_VAR) return bind(u, a, b);
  if (b->kind == TY_VAR) return bind(u, b, a);
  if (a->kind == TY_ERROR) poison(u, b, 0);
  if (b->kind == TY_ERROR) poison(u, a, 0);
  if (a->kind >= TY_NEVER || b->kind >= TY_NEVER) return UNIFY_OK;
  if (a->kind != b->kind || a->count != b->count || a->decl != b->decl)
    return mismatch(u, a, b);
  if (a->kind == TY_PARAM) return mismatch(u, a, b);
  if (depth > 2 * TY_DEPTH_LIMIT || !u->steps) return UNIFY_TOO_LARGE;
  u->steps--;
  for (u32 i = 0; i < a->count; i++) {
    UnifyResult result = unify_at(u, a->args[i], b->args[i], depth + 1);
    if (result != UNIFY_OK) return result;
  }
  return UNIFY_OK;
}

UnifyResult unify(Unifier *u, Ty *a, Ty *b) {
  u->steps = 2 * TY_SIZE_LIMIT;
  return unify_at(u, a, b, 0);
}

void unify_begin_group(Unifier *u, ModuleAst *viewer) {
  u->viewer = viewer;
  u->bound.count = u->bound_at.count = 0;
  u->asked.count = 0;
}

// Nodes of the type written out, and how deep they are nested; bound variables remember theirs. 0 if past a limit.
static u32 written_size(Ty *ty, u32 depth, u8 *nested) {
  Ty *through = ty->kind == TY_VAR && ty->link ? ty : NULL;
  if (through && through->level) {
    *nested = through->depth;
    return through->level;
  }
  ty = ty_resolve(ty);
  u32 size = 1;
  u8 below = 0;
  for (u32 i = 0; i < ty->count; i++) {
    u8 inner = 0;
    u32 part = depth > TY_DEPTH_LIMIT ? 0 : written_size(ty->args[i], depth + 1, &inner);
    size += part;
    if (!part || size > TY_SIZE_LIMIT || inner >= TY_DEPTH_LIMIT) return 0;
    if (inner > below) below = inner;
  }
  *nested = below + 1;
  if (through) {
    through->level = (u16)size;
    through->depth = *nested;
  }
  return size;
}

bool unify_group_within_limits(Unifier *u, Span *at) {
  bool within = true;
  for (u32 i = u->bound.count; i-- > 0;) {
    u8 nested;
    if (written_size(u->bound.items[i], 0, &nested)) continue;
    within = false;
    *at = u->bound_at.items[i];
  }
  return within;
}
