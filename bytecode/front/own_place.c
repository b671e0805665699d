// Ownership: which parts of a value two expressions stand for, and whether these overlap.
//
// A name stands for a whole value, or, if a pattern that only looks binds it, for parts of what the pattern is applied to: one
// part for each alternative that binds it. The verifier follows what is lent in the same way (verify_unique.c), so what is apart
// here is so there. What would be too many parts, or too deep, is taken for the whole; the verifier gives up later than this.
#include "bytecode/front/own_walk.h"

#include "bytecode/front/types.h"

enum { PLACES = 8, DEPTH = 32 };

typedef struct Place {
  u32 depth;
  struct {
    u32 ctor, field;
  } path[DEPTH];
} Place;

typedef struct Places {
  const void *root;  // a local, or the pattern of a handler's parameter
  u32 count;
  Place items[PLACES];
} Places;

static bool is_within(const Place *inner, const Place *outer) {
  if (inner->depth < outer->depth) return false;
  for (u32 i = 0; i < outer->depth; i++) {
    if (inner->path[i].ctor != outer->path[i].ctor || inner->path[i].field != outer->path[i].field) return false;
  }
  return true;
}

static void take_whole(Places *places) {
  places->count = 1;
  places->items[0].depth = 0;
}

static void add_place(Places *places, const Place *place) {
  for (u32 i = 0; i < places->count; i++) {
    if (is_within(place, &places->items[i])) return;
  }
  if (places->count == PLACES) take_whole(places);
  else places->items[places->count++] = *place;
}

static Place part_of(const Place *place, u32 ctor, u32 field) {
  Place part = *place;
  if (part.depth == DEPTH) return part;
  part.path[part.depth].ctor = ctor;
  part.path[part.depth++].field = field;
  return part;
}

// Adds where in `at`, to which `pat` is applied, it binds the name.
static void add_bound(Places *out, const Pat *pat, const Name *name, const Place *at) {
  if (!pat) return;
  if (pat_binds(pat) && pat->name.name == name) add_place(out, at);
  if (pat->kind == PAT_CTOR) {
    for (u32 i = 0; pat->by_field && i < pat->ctor->fields.count; i++) {
      Place part = part_of(at, pat->ctor->index, i);
      add_bound(out, pat->by_field[i], name, &part);
    }
    return;
  }
  for (u32 i = 0; i < pat_part_count(pat); i++) {
    Place part = pat->kind == PAT_TUPLE ? part_of(at, 0, i) : *at;
    add_bound(out, pat_part(pat, i), name, &part);
  }
}

static void find_places(const Expr *e, u32 depth, Places *out);

static void find_places_of_name(const Local *local, u32 depth, Places *out) {
  const Local *root = local_root((Local *)local);
  out->root = root->look ? (const void *)root->look->pattern : root;
  take_whole(out);
  if (!local->look || depth == DEPTH) return;
  Places whole = *out;
  if (local->look->object) find_places(local->look->object, depth + 1, &whole);
  out->count = 0;
  for (u32 i = 0; i < whole.count; i++) add_bound(out, local->look->pattern, local->name, &whole.items[i]);
}

// The field of a type with several constructors is another one in each.
static void add_fields(Places *out, const Expr *e, const Place *at) {
  const TypeDecl *decl = ty_resolve(e->object->type)->decl;
  for (u32 i = 0; i < decl->ctors.count; i++) {
    const CtorDecl *ctor = decl->ctors.items[i];
    for (u32 k = 0; k < ctor->fields.count; k++) {
      Place part = part_of(at, i, k);
      if (ctor->fields.items[k].name.name == e->name.name) add_place(out, &part);
    }
  }
}

static void find_places(const Expr *e, u32 depth, Places *out) {
  if (e->kind == EX_LEND) e = e->object;
  if (e->kind == EX_NAME) {
    find_places_of_name(e->local, depth, out);
    return;
  }
  Places whole;
  find_places(e->object, depth, &whole);
  out->root = whole.root;
  out->count = 0;
  for (u32 i = 0; i < whole.count; i++) {
    Place part = part_of(&whole.items[i], 0, (u32)e->number);
    if (e->kind == EX_DOT) add_fields(out, e, &whole.items[i]);
    else add_place(out, &part);
  }
}

static const Expr *name_of_path(const Expr *e) {
  while (e->kind != EX_NAME) e = e->object;
  return e;
}

bool own_overlap(const Expr *a, const Expr *b) {
  const Local *left = name_of_path(a)->local, *right = name_of_path(b)->local;
  if (left != right && !left->look && !right->look) return false;
  Places x, y;
  find_places(a, 0, &x);
  find_places(b, 0, &y);
  if (x.root != y.root) return false;
  for (u32 i = 0; i < x.count; i++) {
    for (u32 k = 0; k < y.count; k++) {
      if (is_within(&x.items[i], &y.items[k]) || is_within(&y.items[k], &x.items[i])) return true;
    }
  }
  return false;
}
