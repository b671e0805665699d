// Actors: start, handlers, guards, and for each interface the slots, so that a message sent through the interface meets a
// handler that takes what it carries and answers what it promises. That sends need no check when they run rests on this.
#include "bytecode/verify_state.h"

static const Function *function_of(const Verifier *v, u32 row, FunctionKind kind, u32 actor) {
  if (row >= v->m->functions.count) return NULL;
  const Function *f = &v->m->functions.items[row];
  return f->kind == kind && f->actor == actor && f->import == IMPORT_NONE ? f : NULL;
}

static bool check_fields(Verifier *v, const ActorDef *actor) {
  u32 params = actor->generics.count;
  if (actor->param_count > LIMIT_PARAMS || actor->field_count > LIMIT_PARAMS) {
    return verify_fail(v, REASON_LIMIT, "actor `%.*s` has %u parameters and %u fields", STR_ARG(actor->name), actor->param_count, actor->field_count);
  }
  for (u32 i = 0; i < actor->param_count; i++) {
    if (!verify_name(v, actor->params[i].name, "a parameter")) return false;
    if (!type_within(v, actor->params[i].type, params, false, "an actor's parameter")) return false;
  }
  for (u32 i = 0; i < actor->field_count; i++) {
    if (!verify_name(v, actor->fields[i].name, "a state field")) return false;
    if (!type_within(v, actor->fields[i].type, params, true, "a state field")) return false;
  }
  return verify_spend(v, 1 + actor->param_count + actor->field_count);
}

static bool check_init(Verifier *v, const ActorDef *actor, u32 row) {
  const Function *init = function_of(v, actor->init, FUNCTION_INIT, row);
  bool fits = init && init->param_count == actor->param_count;
  for (u32 i = 0; fits && i < actor->param_count; i++) fits = init->registers[i] == actor->params[i].type;
  return fits || verify_fail(v, REASON_ACTOR_INIT, "actor `%.*s` has no init function with its parameters", STR_ARG(actor->name));
}

static bool check_handler(Verifier *v, const ActorDef *actor, u32 row, const Handler *handler) {
  if (!verify_name(v, handler->name, "a handler")) return false;
  const Function *f = function_of(v, handler->function, FUNCTION_HANDLER, row);
  if (!f) {
    return verify_fail(v, REASON_HANDLER_FUNCTION, "`%.*s.%.*s` has function %u", STR_ARG(actor->name), STR_ARG(handler->name), handler->function);
  }
  if (handler->guard == IMPORT_NONE) return true;
  const Function *guard = function_of(v, handler->guard, FUNCTION_GUARD, row);
  bool fits = guard && guard->param_count == f->param_count;
  for (u32 i = 0; fits && i < f->param_count; i++) fits = guard->registers[i] == f->registers[i];
  if (fits) return verify_spend(v, 1 + f->param_count);
  return verify_fail(v, REASON_GUARD_FUNCTION, "`%.*s.%.*s` has guard %u", STR_ARG(actor->name), STR_ARG(handler->name), handler->guard);
}

static bool check_slot(Verifier *v, const ActorDef *actor, TypeId interface, const Method *method, u32 slot) {
  if (slot >= actor->handler_count) {
    return verify_fail(v, REASON_SLOT, "`%.*s` of %.*s is handler %u of %u", STR_ARG(method->name), STR_ARG(verify_type_text(v, interface)), slot,
                       actor->handler_count);
  }
  const Function *f = &v->m->functions.items[actor->handlers[slot].function];
  TypeList args = type_args(v, interface);
  bool fits = f->param_count == method->param_count;
  for (u32 i = 0; fits && i < f->param_count; i++) fits = type_matches(v, method->params[i].type, &args, f->registers[i]);
  if (fits && type_matches(v, method->answer, &args, f->result)) return true;
  return v->failed ? false
                   : verify_fail(v, REASON_SLOT_TYPE, "`%.*s` of %.*s does not fit handler `%.*s`", STR_ARG(method->name),
                                 STR_ARG(verify_type_text(v, interface)), STR_ARG(f->name));
}

// What hears of sessions that were dropped: the machine sends it a message that carries none.
static bool check_dropped(Verifier *v, const ActorDef *actor) {
  if (actor->dropped == IMPORT_NONE) return true;
  bool session = false;
  for (u32 i = 0; i < actor->implements_count; i++) session |= v->facts[actor->implements[i].interface].unique;
  bool fits = session && actor->dropped < actor->handler_count;
  if (fits) {
    u32 row = actor->handlers[actor->dropped].function;
    const Function *f = &v->m->functions.items[row];
    fits = !f->param_count && f->result == v->basic[TYPE_UNIT];
    v->function_facts[row] |= FACT_ORDINARY;
  }
  return fits || verify_fail(v, REASON_DROPPED, "actor `%.*s` names handler %u", STR_ARG(actor->name), actor->dropped);
}

// An interface is implemented at one type: the machine finds an actor's handlers for it by the declaration alone.
static bool check_once(Verifier *v, const ActorDef *actor, u32 number) {
  u32 row = type_at(v, actor->implements[number].interface)->index;
  for (u32 i = 0; i < number; i++) {
    if (type_at(v, actor->implements[i].interface)->index != row) continue;
    return verify_fail(v, REASON_IMPLEMENTS, "actor `%.*s` implements `%.*s` twice", STR_ARG(actor->name), STR_ARG(v->m->interfaces.items[row].name));
  }
  return verify_spend(v, 1 + number);
}

static bool check_implements(Verifier *v, const ActorDef *actor) {
  if (!actor->implements_count) return verify_fail(v, REASON_IMPLEMENTS, "actor `%.*s` has no interface", STR_ARG(actor->name));
  if (actor->implements_count > LIMIT_METHODS) return verify_fail(v, REASON_LIMIT, "actor `%.*s` has too many interfaces", STR_ARG(actor->name));
  for (u32 i = 0; i < actor->implements_count; i++) {
    TypeId interface = actor->implements[i].interface;
    if (!type_within(v, interface, actor->generics.count, true, "an interface of an actor")) return false;
    if (type_kind(v, interface) != TYPE_REF) {
      return verify_fail(v, REASON_IMPLEMENTS, "actor `%.*s` implements %.*s", STR_ARG(actor->name), STR_ARG(verify_type_text(v, interface)));
    }
    if (!check_once(v, actor, i)) return false;
    const InterfaceDef *def = &v->m->interfaces.items[type_at(v, interface)->index];
    u32 slots = implements_slots(v->m, actor, i);
    for (u32 k = 0; k < slots; k++) {
      u32 slot = actor->implements[i].handlers[k];
      if (!check_slot(v, actor, interface, &def->methods[k], slot)) return false;
      v->function_facts[actor->handlers[slot].function] |= def->unique ? FACT_SESSION : FACT_ORDINARY;
    }
    if (!verify_spend(v, 1 + slots)) return false;
  }
  return true;
}

static bool check_actor(Verifier *v, const ActorDef *actor, u32 row) {
  if (!check_fields(v, actor)) return false;
  if (actor->import != IMPORT_NONE) {
    bool bare = !actor->field_count && !actor->handler_count && actor->init == IMPORT_NONE && actor->dropped == IMPORT_NONE;
    if (!bare) return verify_fail(v, REASON_IMPORT_SHAPE, "the imported actor `%.*s` has fields, handlers or a start", STR_ARG(actor->name));
    return check_implements(v, actor);
  }
  if (actor->handler_count > LIMIT_METHODS) return verify_fail(v, REASON_LIMIT, "actor `%.*s` has too many handlers", STR_ARG(actor->name));
  if (!check_init(v, actor, row)) return false;
  for (u32 i = 0; i < actor->handler_count; i++) {
    if (!check_handler(v, actor, row, &actor->handlers[i])) return false;
  }
  return check_implements(v, actor) && check_dropped(v, actor);
}

bool verify_actors(Verifier *v) {
  for (u32 i = 0; i < v->m->actors.count; i++) {
    if (!check_actor(v, &v->m->actors.items[i], i)) return false;
  }
  return true;
}
