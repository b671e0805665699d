// Dropping a unique value: what it owns goes at once.
//
// A val does not tell which of its parts it owns: a promise inside a plain Option is shared, one inside `Promise[Buf]` is not. The
// type tells. So each unique type of a module has a plan, made when the module is loaded, which says where the handles are.
#pragma once
#include "vm/code.h"

typedef struct DropPart {
  u32 index;              // which element, which field
  const DropPlan *plan;
} DropPart;

// A tuple, or what one constructor holds: its unique parts alone.
typedef struct DropShape {
  u32 count;
  const DropPart *parts;
} DropShape;

// Plans of recursive types are cyclic.
struct DropPlan {
  bool handle;              // the value itself owns something: a Buf, Array, promise, session
  const DropShape *shapes;  // else: by constructor number; of a tuple, one
};

// Makes image->drops. False when memory is out.
bool drop_plans_make(Images *images, Image *image) MUST_CHECK;

// Releases what the value owns and leaves its handles spent. Needs no memory: what it has no room to note is left to the sweep of
// dead handles. Charges reductions; collects nothing.
void drop_value(Worker *worker, const DropPlan *plan, Val value);
