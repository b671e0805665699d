// What actors do to each other: sends, awaits, spawns, closures that run later, and references to oneself.
#include "bytecode/front/gen_fn.h"

static TypeId promise_of(Fn *f, TypeId type) { return module_type(f->gen->module, TYPE_PROMISE, 0, 1, &type); }

// ---- Sends ----------------------------------------------------------------------------------------------------------

typedef struct Message {
  Reg object;
  u32 slot, count;
  bool answers;
  TypeId answer;
  Reg regs[LIMIT_PARAMS + 1];
} Message;

static u32 slot_of(const Expr *e) {
  InterfaceDecl *decl = ty_resolve(e->interface)->interface;
  for (u32 i = 0; decl && i < decl->methods.count; i++)
    if (decl->methods.items[i] == e->method) return i;
  return e->method->slot;
}

// The receiver and the arguments in registers. False if one of them never comes.
static bool gen_message(Fn *f, Expr *e, Message *m) {
  Gen *g = f->gen;
  TypeId type = gen_type(g, e->interface);
  m->object = gen_receiver(f, e->object, type, e);
  if (!fn_reachable(f)) return false;
  u32 mark = f->held.count;
  held_push(f, m->object);
  m->slot = slot_of(e);
  const Method method = g->module->interfaces.items[type_of(g, type)->index].methods[m->slot];
  TypeListId inst = gen_args_of(g, type);
  m->count = method.param_count;
  m->answers = method.answers;
  m->answer = gen_subst(g, method.answer, inst);
  TypeId wants[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < m->count; i++) wants[i] = gen_subst(g, method.params[i].type, inst);
  gen_args(f, e, wants, m->regs);
  f->held.count = mark;
  fn_at(f, e->name.span);
  return fn_reachable(f);
}

static void release_message(Fn *f, const Message *m) {
  release_all(f, m->regs, m->count);
  reg_release(f->emit, m->object);
}

Reg gen_send(Fn *f, Expr *e, Sink sink) {
  Message m;
  if (!gen_message(f, e, &m)) return sink.kind == SINK_VALUE ? sink_reg(f, sink) : (Reg)REG_NONE;
  release_message(f, &m);
  if (!m.answers) {
    emit_list(f->emit, OP_SEND, m.object, m.slot, 0, m.regs, m.count);
    return gen_unit(f, sink);
  }
  TypeId type = promise_of(f, m.answer);
  Reg out = sink.kind == SINK_VALUE ? value_reg(f, sink, type) : reg_new(f->emit, type);
  emit_list(f->emit, OP_ASK, out, m.object, m.slot, m.regs, m.count);
  if (sink.kind == SINK_VALUE) return coerce(f, out, sink);
  reg_drop(f, out);
  return REG_NONE;
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

static Reg gen_request(Fn *f, Expr *e, Sink sink) {
  Message m;
  if (!gen_message(f, e, &m)) return sink_reg(f, sink);
  emit_clear_dead(f->emit);
  release_message(f, &m);
  Reg out = value_reg(f, sink, m.answer);
  emit_list(f->emit, OP_REQUEST, out, m.object, m.slot, m.regs, m.count);
  return coerce(f, out, sink);
}

// AWAIT and OUTCOME, with or without a time limit.
static Reg gen_wait(Fn *f, Expr *e, Op op, Op timed_op, TypeId result, Sink sink) {
  Gen *g = f->gen;
  Reg promise = gen_held(f, e->object, gen_type(g, e->object->type), &e->within, e->within ? 1 : 0), within = REG_NONE;
  u32 mark = f->held.count;
  held_push(f, promise);
  if (e->within) within = gen_value(f, e->within, g->t_duration);
  f->held.count = mark;
  if (!fn_reachable(f)) return sink_reg(f, sink);
  fn_at(f, e->span);
  emit_clear_dead(f->emit);
  reg_release(f->emit, promise);
  reg_release(f->emit, within);
  Reg out = value_reg(f, sink, result);
  emit_op(f->emit, e->within ? timed_op : op, out, promise, e->within ? within : 0);
  return coerce(f, out, sink);
}

Reg gen_await(Fn *f, Expr *e, Sink sink) {
  if (e->object->kind == EX_SEND && !e->within && e->object != f->ready) return gen_request(f, e->object, sink);
  TypeId promise = gen_type(f->gen, e->object->type);
  TypeId result = type_of(f->gen, promise)->kind == TYPE_PROMISE ? type_of(f->gen, promise)->args[0] : f->gen->t_unit;
  return gen_wait(f, e, OP_AWAIT, OP_AWAIT_IN, result, sink);
}

Reg gen_outcome(Fn *f, Expr *e, Sink sink) {
  return gen_wait(f, e, OP_OUTCOME, OP_OUTCOME_IN, gen_type(f->gen, e->type), sink);
}

// ---- Spawning and running later -------------------------------------------------------------------------------------

// The bank comes after the arguments, which are live meanwhile.
static Reg gen_bank(Fn *f, Expr *bank, const Reg *args, u32 count) {
  u32 mark = f->held.count;
  for (u32 i = 0; i < count; i++) held_push(f, args[i]);
  Reg reg = gen_value(f, bank, gen_type(f->gen, bank->type));
  f->held.count = mark;
  return reg;
}

Reg gen_spawn(Fn *f, Expr *e, Sink sink) {
  Gen *g = f->gen;
  u32 index = gen_actor(g, e->actor);
  TypeListId inst = inst_list(f, e->inst, e->actor->generic_count);
  const ActorDef def = g->module->actors.items[index];
  TypeId wants[LIMIT_PARAMS + 1];
  Reg regs[LIMIT_PARAMS + 1];
  for (u32 i = 0; i < def.param_count; i++) wants[i] = gen_subst(g, def.params[i].type, inst);
  gen_args(f, e, wants, regs);
  Reg bank = e->bank ? gen_bank(f, e->bank, regs, def.param_count) : REG_NONE;
  if (!fn_reachable(f)) return sink_reg(f, sink);
  fn_at(f, e->span);
  release_all(f, regs, def.param_count);
  if (e->bank) reg_release(f->emit, bank);
  TypeId type = gen_type(g, e->interface ? e->interface : e->type);
  Reg out = value_reg(f, sink, type);
  emit_spawn(f->emit, out, bank, index | (u64)inst << 32, type, regs, def.param_count);
  return coerce(f, out, sink);
}

// CLOSURE and TASK: a CLOSURE function over its captures.
static Reg gen_over(Fn *f, Expr *e, Op op, TypeId type, u32 index, Sink sink) {
  Reg *regs;
  u32 count;
  capture_list(f, e, &regs, &count);
  fn_at(f, e->span);
  release_all(f, regs, count);
  Reg out = value_reg(f, sink, type);
  emit_call(f->emit, op, out, 0, index | (u64)f->identity << 32, regs, count);
  return coerce(f, out, sink);
}

Reg gen_closure(Fn *f, Expr *e, Sink sink) {
  return gen_over(f, e, OP_CLOSURE, gen_type(f->gen, e->type), body_function(f, e, FUNCTION_CLOSURE, "fn"), sink);
}

Reg gen_task(Fn *f, Expr *e, Sink sink) {
  u32 index = body_function(f, e, FUNCTION_CLOSURE, "task");
  TypeId type = promise_of(f, f->gen->module->functions.items[index].result);
  return gen_over(f, e, OP_TASK, type, index, sink);
}

Reg gen_when(Fn *f, Expr *e, Sink sink) {
  TypeId promised = gen_type(f->gen, e->object->type);
  Reg promise = gen_value(f, e->object, promised);
  if (!fn_reachable(f)) return sink_reg(f, sink);
  u32 index = body_function(f, e, FUNCTION_WHEN, "when"), count;
  Reg *regs;
  capture_list(f, e, &regs, &count);
  fn_at(f, e->span);
  release_all(f, regs, count);
  reg_release(f->emit, promise);
  Reg out = value_reg(f, sink, promise_of(f, f->gen->module->functions.items[index].result));
  emit_call(f->emit, OP_WHEN, out, promise, index | (u64)f->identity << 32, regs, count);
  return coerce(f, out, sink);
}

// ---- References -----------------------------------------------------------------------------------------------------

Reg gen_self(Fn *f, Expr *e, Sink sink) {
  TypeId type = gen_type(f->gen, e->interface ? e->interface : e->type);
  Reg captured = find_self(f, type);
  if (captured != REG_NONE) return coerce(f, captured, sink);
  Reg out = value_reg(f, sink, type);
  emit_word(f->emit, OP_SELF, out, 0, type);
  return coerce(f, out, sink);
}

Reg gen_narrow(Fn *f, Expr *e, Sink sink) {
  Gen *g = f->gen;
  TypeId type = gen_type(g, e->interface ? e->interface : e->type);
  Ty *from = e->object->kind == EX_SELF && e->object->interface ? e->object->interface : e->object->type;
  Reg object = gen_value(f, e->object, gen_type(g, from));
  if (!fn_reachable(f)) return sink_reg(f, sink);
  if (reg_type(f->emit, object) == type) return coerce(f, object, sink);
  fn_at(f, e->span);
  reg_release(f->emit, object);
  Reg out = value_reg(f, sink, type);
  emit_word(f->emit, OP_NARROW, out, object, type);
  return coerce(f, out, sink);
}
