// Instructions with rules of their own, on functions and actors: calls, closures, returns, state, messages, promises.
#include "bytecode/verify_code.h"

// A function that an instruction names, and the types for its parameters.
typedef struct Callee {
  const Function *f;
  TypeList args;
} Callee;

// ---- Type arguments -------------------------------------------------------------------------------------------------

static bool take_type_args(Flow *x, u64 word, const Generics *generics, TypeList *args) {
  Verifier *v = x->v;
  u32 row = (u32)(word >> 32);
  if (row >= v->m->typelists.count) return verify_fail(v, REASON_TYPELIST_INDEX, "%u", row);
  *args = v->m->typelists.items[row];
  if (args->count != generics->count) {
    return verify_fail(v, REASON_TYPE_ARGUMENT_COUNT, "%u types for %u parameters", args->count, generics->count);
  }
  if (LIKELY(!args->count)) return true;
  for (u32 i = 0; i < args->count; i++) {
    if (v->facts[args->items[i]].params > v->f->generics.count) {
      return verify_fail(v, REASON_TYPE_PARAMETER, "T%u would be %.*s", i, STR_ARG(verify_type_text(v, args->items[i])));
    }
    if (!type_plain(v, args->items[i], "a type argument")) return false;
    u8 constraints = generics->constraints ? generics->constraints[i] : 0;
    if (constraints && !type_able(v, args->items[i], constraints)) {
      return verify_fail(v, REASON_CONSTRAINT, "T%u would be %.*s", i, STR_ARG(verify_type_text(v, args->items[i])));
    }
  }
  return verify_spend(v, args->count);
}

static bool take_callee(Flow *x, u64 word, Callee *callee) {
  u32 row = (u32)word;
  if (row >= x->v->m->functions.count) return verify_fail(x->v, REASON_FUNCTION_INDEX, "%u", row);
  callee->f = &x->v->m->functions.items[row];
  return take_type_args(x, word, &callee->f->generics, &callee->args);
}

// Functions of an actor see its state, which is typed by its type parameters: they are used by its other functions only, and
// with those very parameters.
static bool check_helper(Flow *x, const Callee *callee) {
  Verifier *v = x->v;
  if (callee->f->actor == IMPORT_NONE) return true;
  bool same = callee->f->actor == v->f->actor;
  for (u32 i = 0; i < callee->args.count && same; i++) {
    const Type *type = type_at(v, callee->args.items[i]);
    same = type->kind == TYPE_VAR && type->index == i;
  }
  return same || verify_fail(v, REASON_HELPER, "`%.*s`", STR_ARG(callee->f->name));
}

static bool argument_fail(Flow *x, u16 reg, TypeId declared) {
  return x->v->failed ? false : register_type_fail(x, reg, verify_type_text(x->v, declared).ptr);
}

// The listed registers against declared types, `stride` bytes apart. `lent` has a flag for each, or is NULL: all are taken.
static bool check_arguments(Flow *x, const u64 *list, u32 count, const TypeId *declared, u32 stride, const TypeList *args, const u8 *lent) {
  if (!list_length(x, list, count)) return false;
  for (u32 i = 0; i < count; i++) {
    u16 reg = reglist_at(list, i);
    TypeId actual, wanted = *(const TypeId *)((const char *)declared + (size_t)i * stride);
    if (!reg_argument(x, reg, &actual, lent && lent[i])) return false;
    if (UNLIKELY(!type_matches(x->v, wanted, args, actual))) return argument_fail(x, reg, wanted);
  }
  return true;
}

static bool check_fields(Flow *x, const u64 *list, u32 count, const Field *fields, const TypeList *args) {
  return check_arguments(x, list, count, count ? &fields->type : NULL, sizeof *fields, args, NULL);
}

static bool check_params(Flow *x, const u64 *list, const Callee *callee, u32 from) {
  u32 count = callee->f->param_count - from;
  const u8 *lent = callee->f->lent ? callee->f->lent + from : NULL;
  return check_arguments(x, list, count, count ? callee->f->registers + from : NULL, sizeof(TypeId), &callee->args, lent);
}

static bool kind_fail(Flow *x, const Callee *callee, const char *wanted) {
  return verify_fail(x->v, REASON_CALL_KIND, "`%.*s` is no %s", STR_ARG(callee->f->name), wanted);
}

// The register gets a value of the declared type, or a promise of one.
static bool give(Flow *x, u16 reg, TypeId declared, const TypeList *args, bool promise) {
  TypeId type;
  if (!reg_target(x, reg, &type)) return false;
  if (promise) {
    if (type_kind(x->v, type) != TYPE_PROMISE) return register_type_fail(x, reg, "a Promise");
    type = type_at(x->v, type)->args[0];
  }
  if (UNLIKELY(!type_matches(x->v, declared, args, type))) return argument_fail(x, reg, declared);
  return reg_write(x, reg);
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

static bool take_call(Flow *x, const u64 *code, Callee *callee) {
  if (!take_callee(x, code[1], callee)) return false;
  FunctionKind kind = callee->f->kind;
  if (kind != FUNCTION_PLAIN && kind != FUNCTION_NATIVE) return kind_fail(x, callee, "plain function");
  if (!check_helper(x, callee) || !add_effects(x, callee->f->effects)) return false;
  bool sees = callee->f->actor != IMPORT_NONE && callee->f->effects & EFFECT_READS;
  if (sees && !state_is_set(x, "may be read by what is called here")) return false;
  return check_params(x, code + 2, callee, 0) && (!x->u.any || unique_call(x, callee->f->effects));
}

static bool rule_call_function(Flow *x, const u64 *code) {
  Callee callee;
  return take_call(x, code, &callee) && give(x, operand_a(code), callee.f->result, &callee.args, false);
}

static bool result_fail(Flow *x, TypeId given) {
  if (x->v->failed) return false;
  Str text = verify_type_text(x->v, given);
  return verify_fail(x->v, REASON_RESULT_TYPE, "%.*s, where the result is %.*s", STR_ARG(text), STR_ARG(verify_type_text(x->v, x->f->result)));
}

static bool rule_tail_call(Flow *x, const u64 *code) {
  Callee callee;
  if (!take_call(x, code, &callee) || !unique_none_left(x) || !state_is_set(x, "is not set at the end")) return false;
  return type_matches(x->v, callee.f->result, &callee.args, x->f->result) || result_fail(x, callee.f->result);
}

static bool take_closure_call(Flow *x, u16 reg, const u64 *list, TypeId *result) {
  TypeId type;
  if (!reg_read(x, reg, &type)) return false;
  if (type_kind(x->v, type) != TYPE_FN) return register_type_fail(x, reg, "a function");
  const Type *fn = type_at(x->v, type);
  *result = fn->args[fn->count - 1];
  return check_arguments(x, list, fn->count - 1, fn->args, sizeof(TypeId), NULL, NULL);
}

static bool rule_call_closure(Flow *x, const u64 *code) {
  TypeId result;
  return take_closure_call(x, operand_b(code), code + 1, &result) && give(x, operand_a(code), result, NULL, false);
}

static bool rule_tail_call_closure(Flow *x, const u64 *code) {
  TypeId result;
  if (!take_closure_call(x, operand_a(code), code + 1, &result) || !unique_none_left(x)) return false;
  if (!state_is_set(x, "is not set at the end")) return false;
  return result == x->f->result || result_fail(x, result);
}

static bool rule_closure(Flow *x, const u64 *code) {
  Callee callee;
  TypeId type;
  if (!take_callee(x, code[1], &callee)) return false;
  if (callee.f->kind != FUNCTION_CLOSURE) return kind_fail(x, &callee, "closure");
  u32 params = callee.f->param_count - callee.f->capture_count;
  for (u32 i = params; i < callee.f->param_count; i++) {
    if (!type_plain(x->v, callee.f->registers[i], "a capture of a closure")) return false;
  }
  if (!check_params(x, code + 2, &callee, params) || !reg_target(x, operand_a(code), &type)) return false;
  if (type_kind(x->v, type) != TYPE_FN) return register_type_fail(x, operand_a(code), "a function");
  const Type *fn = type_at(x->v, type);
  bool fits = fn->count == params + 1;
  for (u32 i = 0; fits && i < params; i++) fits = type_matches(x->v, callee.f->registers[i], &callee.args, fn->args[i]);
  if (fits && type_matches(x->v, callee.f->result, &callee.args, fn->args[params])) return reg_write(x, operand_a(code));
  return x->v->failed ? false : register_type_fail(x, operand_a(code), "the closure's type");
}

static bool rule_return(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_take(x, operand_a(code), &type)) return false;
  if (type != x->f->result) return result_fail(x, type);
  return unique_none_left(x) && state_is_set(x, "is not set at the end");
}

static bool rule_forward(Flow *x, const u64 *code) {
  TypeId type;
  if (!reg_take(x, operand_a(code), &type)) return false;
  bool place = x->f->kind == FUNCTION_HANDLER || x->f->kind == FUNCTION_WHEN;
  bool fits = type_kind(x->v, type) == TYPE_PROMISE && type_at(x->v, type)->args[0] == x->f->result;
  if (place && fits) return unique_none_left(x) && state_is_set(x, "is not set at the end");
  return verify_fail(x->v, REASON_FORWARD, "r%u is %.*s", operand_a(code), STR_ARG(verify_type_text(x->v, type)));
}

// ---- State ----------------------------------------------------------------------------------------------------------

static const ActorDef *own_actor(Flow *x) {
  if (x->f->actor != IMPORT_NONE) return &x->v->m->actors.items[x->f->actor];
  verify_fail(x->v, REASON_NO_ACTOR, "`%.*s` belongs to no actor", STR_ARG(x->f->name));
  return NULL;
}

// The session that the message came through goes on as another one: once, so that there is one at any time.
static bool take_session(Flow *x, TypeId interface) {
  if (!x->v->facts[interface].unique) return true;
  if (!bit_is_set(x, session_bit(x))) return verify_fail(x->v, REASON_SESSION, "%.*s", STR_ARG(verify_type_text(x->v, interface)));
  bit_clear(x, session_bit(x));
  return true;
}

static bool rule_self(Flow *x, const u64 *code) {
  TypeId type;
  const ActorDef *actor = own_actor(x);
  if (!actor || !reg_target(x, operand_a(code), &type)) return false;
  if (type != (TypeId)code[1]) return register_type_fail(x, operand_a(code), "the named interface");
  if (!verify_spend(x->v, actor->implements_count)) return false;
  for (u32 i = 0; i < actor->implements_count; i++) {
    if (actor->implements[i].interface == type) return take_session(x, type) && reg_write(x, operand_a(code));
  }
  return verify_fail(x->v, REASON_SELF_TYPE, "`%.*s` as %.*s", STR_ARG(actor->name), STR_ARG(verify_type_text(x->v, type)));
}

static const StateField *state_field(Flow *x, u32 number) {
  const ActorDef *actor = own_actor(x);
  if (!actor || number < actor->field_count) return actor ? &actor->fields[number] : NULL;
  verify_fail(x->v, REASON_STATE_FIELD, "field %u of `%.*s`", number, STR_ARG(actor->name));
  return NULL;
}

static bool field_is_there(Flow *x, const StateField *field, u32 number) {
  if (!x->fields || bit_is_set(x, x->registers + number)) return true;
  return verify_fail(x->v, REASON_STATE_UNSET, "`%.*s` is read here", STR_ARG(field->name));
}

// GET copies a plain field; LEND borrows a unique one.
static bool rule_get(Flow *x, const u64 *code, bool lends) {
  TypeId type;
  const StateField *field = state_field(x, operand_b(code));
  if (!field || !reg_target(x, operand_a(code), &type) || !field_is_there(x, field, operand_b(code))) return false;
  if (!same_register_type(x, operand_a(code), type, field->type)) return false;
  if (lends) {
    if (!reg_is_unique(x, operand_a(code))) return register_type_fail(x, operand_a(code), "a unique type");
    return unique_borrow_field(x, operand_a(code), operand_b(code));
  }
  if (!reg_is_unique(x, operand_a(code))) return reg_write(x, operand_a(code));
  return verify_fail(x->v, REASON_UNIQUE_COPY, "`%.*s` stays in the state", STR_ARG(field->name));
}

// A unique field is set where it is empty: at the start, and where it was taken. REPLACE gives what it held.
static bool rule_set(Flow *x, const u64 *code) {
  TypeId type;
  u32 number = operand_b(code);
  const StateField *field = state_field(x, number);
  if (!field || !reg_take(x, operand_a(code), &type) || !same_register_type(x, operand_a(code), type, field->type)) return false;
  bool empty = x->fields && !bit_is_set(x, x->registers + number), starts = x->f->kind == FUNCTION_INIT;
  if (!empty && reg_is_unique(x, operand_a(code))) return verify_fail(x->v, REASON_UNIQUE_OVERWRITTEN, "`%.*s`", STR_ARG(field->name));
  if (x->fields) bit_set(x, x->registers + number);
  return field->assignable || empty || starts || verify_fail(x->v, REASON_NOT_ASSIGNABLE, "`%.*s`", STR_ARG(field->name));
}

// The field is empty until it is SET: before an end, before anything else looks at the state.
static bool rule_take(Flow *x, const u64 *code) {
  TypeId type;
  u32 number = operand_b(code);
  const StateField *field = state_field(x, number);
  if (!field || !reg_target(x, operand_a(code), &type) || !same_register_type(x, operand_a(code), type, field->type)) return false;
  if (!reg_is_unique(x, operand_a(code))) return register_type_fail(x, operand_a(code), "a unique type");
  if (!field_is_there(x, field, number) || !unique_empty(x, x->registers + number)) return false;
  bit_clear(x, x->registers + number);
  return reg_write(x, operand_a(code));
}

static bool rule_replace(Flow *x, const u64 *code) {
  TypeId old, new;
  u32 number = operand_c(code);
  const StateField *field = state_field(x, number);
  if (!field || !reg_take(x, operand_b(code), &new) || !reg_target(x, operand_a(code), &old)) return false;
  if (!same_register_type(x, operand_b(code), new, field->type) || !same_register_type(x, operand_a(code), old, field->type)) return false;
  if (!field->assignable) return verify_fail(x->v, REASON_NOT_ASSIGNABLE, "`%.*s`", STR_ARG(field->name));
  if (!field_is_there(x, field, number)) return false;
  if (x->u.any && !unique_empty(x, x->registers + number)) return false;
  return reg_write(x, operand_a(code));
}

// ---- Actors and messages --------------------------------------------------------------------------------------------

static bool check_bank(Flow *x, u16 reg) {
  TypeId type;
  if (!reg_take(x, reg, &type)) return false;
  return interface_is(x->v, type, STR("prelude"), STR("Bank")) || register_type_fail(x, reg, "the library's Bank");
}

static bool rule_spawn(Flow *x, const u64 *code) {
  Verifier *v = x->v;
  u32 row = (u32)code[1];
  TypeList args;
  TypeId type;
  if (row >= v->m->actors.count) return verify_fail(v, REASON_ACTOR_INDEX, "%u", row);
  const ActorDef *actor = &v->m->actors.items[row];
  if (!take_type_args(x, code[1], &actor->generics, &args)) return false;
  if (word_op(code[0]) == OP_SPAWN_IN && !check_bank(x, operand_b(code))) return false;
  if (!check_fields(x, code + 3, actor->param_count, actor->params, &args) || !reg_target(x, operand_a(code), &type)) return false;
  if (type != (TypeId)code[2]) return register_type_fail(x, operand_a(code), "the named interface");
  for (u32 i = 0; i < actor->implements_count; i++) {
    if (type_matches(v, actor->implements[i].interface, &args, type)) return reg_write(x, operand_a(code));
  }
  return verify_fail(v, REASON_SPAWN_TYPE, "`%.*s` as %.*s", STR_ARG(actor->name), STR_ARG(verify_type_text(v, type)));
}

// The method that a message through register `reg` meets; its types are in the parameters that `args` gives. A session is used
// up by it.
static const Method *take_method(Flow *x, u16 reg, u32 number, TypeList *args) {
  TypeId type;
  if (!reg_take(x, reg, &type)) return NULL;
  if (type_kind(x->v, type) != TYPE_REF) {
    register_type_fail(x, reg, "a reference");
    return NULL;
  }
  const InterfaceDef *interface = &x->v->m->interfaces.items[type_at(x->v, type)->index];
  *args = type_args(x->v, type);
  if (number < interface->method_count) return &interface->methods[number];
  verify_fail(x->v, REASON_METHOD, "method %u of `%.*s`", number, STR_ARG(interface->name));
  return NULL;
}

static bool message_kind(Flow *x, const Method *method, bool asks) {
  if (method->answers == asks) return true;
  return verify_fail(x->v, REASON_MESSAGE_KIND, "`%.*s` %s", STR_ARG(method->name), asks ? "is one-way" : "answers");
}

static bool rule_send(Flow *x, const u64 *code) {
  TypeList args;
  const Method *method = take_method(x, operand_a(code), operand_b(code), &args);
  return method && message_kind(x, method, false) && check_fields(x, code + 1, method->param_count, method->params, &args);
}

static bool rule_ask(Flow *x, const u64 *code, bool promise) {
  TypeList args;
  const Method *method = take_method(x, operand_b(code), operand_c(code), &args);
  if (!method || !message_kind(x, method, true)) return false;
  return check_fields(x, code + 1, method->param_count, method->params, &args) && give(x, operand_a(code), method->answer, &args, promise);
}

static bool same_method(Flow *x, const Method *a, const TypeList *a_args, const Method *b, const TypeList *b_args) {
  if (a->answers != b->answers || a->param_count != b->param_count) return false;
  if (!types_same(x->v, a->answer, a_args, b->answer, b_args)) return false;
  for (u32 i = 0; i < a->param_count; i++) {
    if (!types_same(x->v, a->params[i].type, a_args, b->params[i].type, b_args)) return false;
  }
  return true;
}

static bool rule_narrow(Flow *x, const u64 *code) {
  Verifier *v = x->v;
  TypeId from, to;
  if (!reg_peek(x, operand_b(code), &from) || !reg_target(x, operand_a(code), &to)) return false;
  if (to != (TypeId)code[1]) return register_type_fail(x, operand_a(code), "the named interface");
  if (type_kind(v, from) != TYPE_REF) return register_type_fail(x, operand_b(code), "a reference");
  if (type_kind(v, to) != TYPE_REF) return register_type_fail(x, operand_a(code), "a reference");
  if (v->facts[from].unique || v->facts[to].unique) {
    return verify_fail(v, REASON_NARROW, "%.*s is a session", STR_ARG(verify_type_text(v, v->facts[from].unique ? from : to)));
  }
  u32 wide = type_at(v, from)->index;
  const InterfaceDef *source = &v->m->interfaces.items[wide], *target = &v->m->interfaces.items[type_at(v, to)->index];
  TypeList from_args = type_args(v, from), to_args = type_args(v, to);
  for (u32 i = 0; i < target->method_count; i++) {
    const Method *method = &target->methods[i];
    u32 slot = keys_find(v, &v->methods, wide, method->name);
    if (v->failed) return false;
    if (slot != NO_ROW && same_method(x, method, &to_args, &source->methods[slot], &from_args)) continue;
    Str text = verify_type_text(v, from);
    return verify_fail(v, REASON_NARROW, "%.*s has no such `%.*s`", STR_ARG(text), STR_ARG(method->name));
  }
  return reg_write(x, operand_a(code));
}

// ---- Promises -------------------------------------------------------------------------------------------------------

static bool take_promise(Flow *x, u16 reg, TypeId *value) {
  TypeId type;
  if (!reg_take(x, reg, &type)) return false;
  if (type_kind(x->v, type) != TYPE_PROMISE) return register_type_fail(x, reg, "a Promise");
  *value = type_at(x->v, type)->args[0];
  return true;
}

static bool rule_await(Flow *x, Op op, const u64 *code) {
  TypeId value, limit, type;
  if (!take_promise(x, operand_b(code), &value)) return false;
  if (op == OP_AWAIT_IN || op == OP_OUTCOME_IN) {
    if (!reg_read(x, operand_c(code), &limit)) return false;
    if (type_kind(x->v, limit) != TYPE_DURATION) return register_type_fail(x, operand_c(code), "Duration");
  }
  if (op == OP_AWAIT || op == OP_AWAIT_IN) return give(x, operand_a(code), value, NULL, false);
  if (!reg_target(x, operand_a(code), &type)) return false;
  if (!type_is_outcome(x->v, type) || type_at(x->v, type)->args[0] != value) return register_type_fail(x, operand_a(code), "Result[T, Broken] of the promise");
  return reg_write(x, operand_a(code));
}

static bool rule_ended(Flow *x, const u64 *code) {
  TypeId session, type;
  if (!reg_peek(x, operand_b(code), &session) || !reg_target(x, operand_a(code), &type)) return false;
  bool fits = type_kind(x->v, session) == TYPE_REF && x->v->facts[session].unique;
  if (!fits) return register_type_fail(x, operand_b(code), "a session");
  fits = type_kind(x->v, type) == TYPE_PROMISE && data_is(x->v, type_at(x->v, type)->args[0], STR("prelude"), STR("Exit"));
  return fits ? reg_write(x, operand_a(code)) : register_type_fail(x, operand_a(code), "Promise[Exit]");
}

static bool rule_when(Flow *x, const u64 *code) {
  Callee callee;
  TypeId value;
  if (!take_promise(x, operand_b(code), &value) || !take_callee(x, code[1], &callee)) return false;
  if (callee.f->kind != FUNCTION_WHEN) return kind_fail(x, &callee, "`when` body");
  if (!check_helper(x, &callee)) return false;
  TypeId outcome = callee.f->registers[0];
  if (!type_matches(x->v, type_at(x->v, outcome)->args[0], &callee.args, value)) return argument_fail(x, operand_b(code), outcome);
  return check_params(x, code + 2, &callee, 1) && give(x, operand_a(code), callee.f->result, &callee.args, true);
}

static bool rule_task(Flow *x, const u64 *code) {
  Callee callee;
  if (!take_callee(x, code[1], &callee)) return false;
  bool bare = callee.f->kind == FUNCTION_CLOSURE && callee.f->capture_count == callee.f->param_count;
  if (!bare) return kind_fail(x, &callee, "closure without parameters");
  return check_params(x, code + 2, &callee, 0) && give(x, operand_a(code), callee.f->result, &callee.args, true);
}

bool rule_call(Flow *x, Op op, const u64 *code) {
  switch (op) {
    case OP_CALL: return rule_call_function(x, code);
    case OP_TAILCALL: return rule_tail_call(x, code);
    case OP_CALLC: return rule_call_closure(x, code);
    case OP_TAILCALLC: return rule_tail_call_closure(x, code);
    case OP_CLOSURE: return rule_closure(x, code);
    case OP_RET: return rule_return(x, code);
    case OP_FORWARD: return rule_forward(x, code);
    case OP_SELF: return rule_self(x, code);
    case OP_GET: return rule_get(x, code, false);
    case OP_LEND: return rule_get(x, code, true);
    case OP_TAKE: return rule_take(x, code);
    case OP_REPLACE: return rule_replace(x, code);
    case OP_SET: return rule_set(x, code);
    case OP_SPAWN: case OP_SPAWN_IN: return rule_spawn(x, code);
    case OP_SEND: return rule_send(x, code);
    case OP_ASK: return rule_ask(x, code, true);
    case OP_REQUEST: return rule_ask(x, code, false);
    case OP_AWAIT: case OP_AWAIT_IN: case OP_OUTCOME: case OP_OUTCOME_IN: return rule_await(x, op, code);
    case OP_WHEN: return rule_when(x, code);
    case OP_TASK: return rule_task(x, code);
    case OP_NARROW: return rule_narrow(x, code);
    case OP_ENDED: return rule_ended(x, code);
    default: return rule_unique(x, op, code);
  }
}
