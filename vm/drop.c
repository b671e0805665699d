// Making drop plans, and following them. The walk keeps a list of its own: a chain of a million unique values is not a million C frames.
#include "vm/drop.h"

#include "vm/gc.h"
#include "vm/image.h"

// ---- Plans ----------------------------------------------------------------------------------------------------------

typedef struct Planner {
  Images *images;
  const Module *module;
  DropPlan **plans;   // by type; NULL: the type is plain
} Planner;

static bool data_is(const Planner *p, const DataDef *data, const char *module, const char *name) {
  Str home = data->import == IMPORT_NONE ? p->module->name : p->module->imports.items[data->import].module;
  return str_eq(home, str_from(module)) && str_eq(data->name, str_from(name));
}

// Option and Result are as unique as their arguments; any other data type is as it was declared.
static bool follows_arguments(const Planner *p, const DataDef *data) {
  return data_is(p, data, "option", "Option") || data_is(p, data, "result", "Result");
}

// The rows of the type's arguments stand before its own.
static bool any_unique(const Planner *p, const Type *type) {
  for (u32 i = 0; i < type->count; i++) {
    if (p->plans[type->args[i]]) return true;
  }
  return false;
}

static bool is_unique(const Planner *p, const Type *type) {
  switch (type->kind) {
    case TYPE_BUF: case TYPE_ARRAY: return true;
    case TYPE_REF: return p->module->interfaces.items[type->index].unique;
    case TYPE_TUPLE: case TYPE_PROMISE: return any_unique(p, type);
    case TYPE_DATA: {
      const DataDef *data = &p->module->datas.items[type->index];
      return data->unique || (follows_arguments(p, data) && any_unique(p, type));
    }
    case TYPE_INT: case TYPE_FLOAT: case TYPE_VINT: case TYPE_VFLOAT: case TYPE_BOOL: case TYPE_UNIT: case TYPE_STRING:
    case TYPE_BYTES: case TYPE_DURATION: case TYPE_TIME: case TYPE_VAR: case TYPE_LIST: case TYPE_FN: case TYPE_KIND_COUNT: break;
  }
  return false;
}

// What stands for the type in a declaration with these arguments: a parameter alone is replaced, since the arguments of all other
// declarations are plain.
static const DropPlan *plan_within(const Planner *p, TypeId type, const Type *whole) {
  const Type *declared = &p->module->types.items[type];
  if (declared->kind != TYPE_VAR) return p->plans[type];
  return declared->index < whole->count ? p->plans[whole->args[declared->index]] : NULL;
}

static bool fill_tuple(const Planner *p, const Type *type, DropShape *shape) {
  DropPart *parts = image_new(p->images, DropPart, type->count);
  if (!parts) return false;
  for (u32 i = 0; i < type->count; i++) {
    if (p->plans[type->args[i]]) parts[shape->count++] = (DropPart){i, p->plans[type->args[i]]};
  }
  shape->parts = parts;
  return true;
}

static bool fill_constructor(const Planner *p, const Type *type, const Ctor *ctor, DropShape *shape) {
  DropPart *parts = image_new(p->images, DropPart, ctor->field_count);
  if (!parts) return false;
  for (u32 i = 0; i < ctor->field_count; i++) {
    const DropPlan *plan = plan_within(p, ctor->fields[i].type, type);
    if (plan) parts[shape->count++] = (DropPart){i, plan};
  }
  shape->parts = parts;
  return true;
}

static bool fill(const Planner *p, const Type *type, DropPlan *plan) {
  plan->handle = type->kind != TYPE_TUPLE && type->kind != TYPE_DATA;
  if (plan->handle) return true;
  const DataDef *data = type->kind == TYPE_DATA ? &p->module->datas.items[type->index] : NULL;
  u32 count = data ? data->ctor_count : 1;
  DropShape *shapes = image_new(p->images, DropShape, count);
  if (!shapes) return false;
  plan->shapes = shapes;
  if (!data) return fill_tuple(p, type, shapes);
  for (u32 i = 0; i < count; i++) {
    if (!fill_constructor(p, type, &data->ctors[i], &shapes[i])) return false;
  }
  return true;
}

bool drop_plans_make(Images *images, Image *image) {
  const Module *module = image->verified->module;
  u32 count = (u32)module->types.count;
  Planner p = {.images = images, .module = module, .plans = image_new(images, DropPlan *, count)};
  if (!p.plans) return false;
  for (u32 i = 0; i < count; i++) {
    if (is_unique(&p, &module->types.items[i]) && !(p.plans[i] = image_new(images, DropPlan, 1))) return false;
  }
  for (u32 i = 0; i < count; i++) {
    if (p.plans[i] && !fill(&p, &module->types.items[i], p.plans[i])) return false;
  }
  image->drops = (const DropPlan *const *)p.plans;
  return true;
}

// ---- Dropping -------------------------------------------------------------------------------------------------------

typedef struct DropEntry {
  const Obj *obj;
  const DropPlan *plan;
} DropEntry;

enum { ENTRIES_AT_HAND = 64, DROP_COST = 2 };

typedef struct DropList {
  DropEntry *entries;
  u32 count, capacity;
  DropEntry *borrowed;
} DropList;

static void list_add(DropList *list, const Obj *obj, const DropPlan *plan) {
  bool full = list->count == list->capacity;
  if (full && !memory_grow((void **)&list->entries, &list->capacity, sizeof(DropEntry), list->borrowed)) return;
  list->entries[list->count++] = (DropEntry){obj, plan};
}

// A nullary constructor owns nothing.
static void list_meet(Worker *worker, DropList *list, Val value, const DropPlan *plan) {
  if (!val_is_pointer(value)) return;
  if (plan->handle) handle_drop(worker, val_obj(value));
  else list_add(list, val_obj(value), plan);
}

void drop_value(Worker *worker, const DropPlan *plan, Val value) {
  DropEntry at_hand[ENTRIES_AT_HAND];
  DropList list = {.entries = at_hand, .capacity = ENTRIES_AT_HAND, .borrowed = at_hand};
  list_meet(worker, &list, value, plan);
  while (list.count) {
    DropEntry entry = list.entries[--list.count];
    const DropShape *shape = &entry.plan->shapes[obj_kind(entry.obj) == KIND_DATA ? header_aux(entry.obj->header) : 0];
    for (u32 i = 0; i < shape->count; i++) list_meet(worker, &list, entry.obj->words[shape->parts[i].index], shape->parts[i].plan);
    worker->reductions -= DROP_COST;
  }
  if (list.entries != at_hand) memory_free(list.entries, list.capacity * sizeof(DropEntry));
}
