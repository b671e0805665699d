// Whether values of a data type can be compared and ordered, and which of its parameters must be able to for that.
//
// A type is equal (ordered) if all its fields are. Types refer to each other in cycles, so the answer is the greatest
// fixpoint: everything is presumed able until a field says otherwise. It depends on who asks: to other modules an opaque
// type is only what it was declared to be.
#include "bytecode/front/types.h"

#include "bytecode/module.h"

typedef struct Fixpoint {
  Unifier *u;
  bool ordered;
  VEC(TypeDecl *) decls;  // those without an answer yet, in the order they were reached
} Fixpoint;

static u8 declared_abilities(const TypeDecl *decl) {
  if (!decl->deriving.name) return 0;
  return str_eq(decl->deriving.name->text, STR("ordered")) ? CONSTRAINT_ORDERED | CONSTRAINT_EQUAL : CONSTRAINT_EQUAL;
}

static u64 all_params(const TypeDecl *decl) {
  u32 count = decl->generics.count;
  return count >= 64 ? ~(u64)0 : ((u64)1 << count) - 1;
}

static void reach(Fixpoint *fix, TypeDecl *decl) {
  PtrMap *known = &fix->u->abilities[fix->ordered];
  if (map_get(known, decl)) return;
  Ability *ability = gc_new(Ability);
  map_put(known, decl, ability);
  if (decl->is_opaque && decl->home != fix->u->viewer) {
    u8 wanted = fix->ordered ? CONSTRAINT_ORDERED : CONSTRAINT_EQUAL;
    ability->never = ability->opaque = !(declared_abilities(decl) & wanted);
    ability->needs = all_params(decl);
    return;
  }
  if (decl->is_unique) {
    ability->never = true;
    return;
  }
  vec_push(&fix->decls, decl);
}

// What a field of type `ty` adds to its declaration's ability; reaches the types it names.
static void add_field(Fixpoint *fix, Ability *ability, Ty *ty, u32 depth) {
  ty = ty_resolve(ty);
  if (depth > 2 * TY_DEPTH_LIMIT || ability->never) return;
  switch (ty->kind) {
    case TY_INT:
    case TY_FLOAT:
    case TY_BOOL:
    case TY_UNIT:
    case TY_STRING:
    case TY_BYTES:
    case TY_DURATION:
    case TY_TIME:
    case TY_VAR:
    case TY_NEVER:
    case TY_ERROR: return;
    case TY_PARAM:
      if (ty->index < 64) ability->needs |= (u64)1 << ty->index;
      return;
    case TY_LIST:
    case TY_TUPLE:
      for (u32 i = 0; i < ty->count; i++) add_field(fix, ability, ty->args[i], depth + 1);
      return;
    case TY_REF:
      if (!fix->ordered && !ty->interface->is_unique) return;
      break;
    case TY_BUF:
    case TY_ARRAY:
    case TY_PROMISE:
    case TY_FN: break;
    case TY_DATA: {
      reach(fix, ty->decl);
      const Ability *inner = map_get(&fix->u->abilities[fix->ordered], ty->decl);
      if (inner->never) {
        ability->blame = inner->blame ? inner->blame : ty;
        ability->never = true;
        return;
      }
      for (u32 i = 0; i < ty->count; i++) {
        if (i < 64 && (inner->needs >> i & 1)) add_field(fix, ability, ty->args[i], depth + 1);
      }
      return;
    }
  }
  ability->never = true;
  ability->blame = ty;
}

static bool refine(Fixpoint *fix, TypeDecl *decl) {
  Ability *ability = map_get(&fix->u->abilities[fix->ordered], decl);
  Ability before = *ability;
  for (u32 i = 0; i < decl->ctors.count; i++) {
    CtorDecl *ctor = decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) add_field(fix, ability, ctor->fields.items[k].ty, 0);
  }
  return before.never != ability->never || before.needs != ability->needs;
}

const Ability *ability_of(Unifier *u, TypeDecl *decl, bool ordered) {
  const Ability *known = map_get(&u->abilities[ordered], decl);
  if (known) return known;
  Fixpoint fix = {.u = u, .ordered = ordered};
  reach(&fix, decl);
  for (u32 i = 0; i < fix.decls.count; i++) refine(&fix, fix.decls.items[i]);
  for (bool changed = true; changed;) {
    changed = false;
    for (u32 i = fix.decls.count; i-- > 0;) changed |= refine(&fix, fix.decls.items[i]);
  }
  return map_get(&u->abilities[ordered], decl);
}

// ---- Functions inside values ----------------------------------------------------------------------------------------

typedef struct Search {
  PtrMap seen;  // TypeDecls
  u32 steps;    // left; when they are used up the answer is the careful one
} Search;

static bool holds_function(Search *search, Ty *ty, u32 depth) {
  ty = ty_resolve(ty);
  if (ty->kind == TY_FN || depth > 2 * TY_DEPTH_LIMIT || !search->steps) return true;
  search->steps--;
  if (ty->kind == TY_REF || ty->kind == TY_PROMISE) return false;
  for (u32 i = 0; i < ty->count; i++) {
    if (holds_function(search, ty->args[i], depth + 1)) return true;
  }
  if (ty->kind != TY_DATA || map_get(&search->seen, ty->decl)) return false;
  map_put(&search->seen, ty->decl, ty->decl);
  for (u32 i = 0; i < ty->decl->ctors.count; i++) {
    CtorDecl *ctor = ty->decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) {
      if (holds_function(search, ctor->fields.items[k].ty, depth + 1)) return true;
    }
  }
  return false;
}

bool ability_holds_function(Ty *ty) {
  Search search = {.steps = TY_SIZE_LIMIT};
  return holds_function(&search, ty, 0);
}
