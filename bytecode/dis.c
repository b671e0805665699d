// The disassembler's declarations: a module as text that the assembler turns into the same bytes (docs/asm.md). What a person
// reads first comes first; the tables whose order matters only to the machine stand at the end.
#include "bytecode/dis_text.h"

static void print_from(Dis *d, u32 import) {
  if (import == IMPORT_NONE) return;
  text_add(d->out, STR(" from "));
  dis_import_name(d, import);
}

// With exactly the bits that are set: unlike generics_print(), which leaves out what follows from the others.
static void print_generics(Dis *d, const Generics *generics) {
  if (!generics->count) return;
  for (u32 i = 0; i < generics->count; i++) {
    text_printf(d->out, "%sT%u", i ? ", " : " [", i);
    u8 set = generics->constraints ? generics->constraints[i] : 0;
    if (set >> COUNT_OF(constraint_words)) {
      text_printf(d->out, ": %u", set);
      continue;
    }
    const char *separator = ": ";
    for (u32 bit = 0; bit < COUNT_OF(constraint_words); bit++) {
      if (!(set >> bit & 1)) continue;
      text_printf(d->out, "%s%s", separator, constraint_words[bit]);
      separator = " + ";
    }
  }
  text_char(d->out, ']');
}

static void print_fields(Dis *d, u32 count, const Field *fields) {
  text_char(d->out, '(');
  for (u32 i = 0; i < count; i++) {
    if (i) text_add(d->out, STR(", "));
    dis_name(d->out, fields[i].name);
    text_add(d->out, STR(": "));
    dis_type(d, fields[i].type);
  }
  text_char(d->out, ')');
}

static void print_data(Dis *d, const DataDef *data) {
  text_add(d->out, STR("data "));
  dis_name(d->out, data->name);
  print_from(d, data->import);
  print_generics(d, &data->generics);
  if (data->exported) text_add(d->out, STR(" pub"));
  if (data->opaque) text_add(d->out, STR(" opaque"));
  if (data->unique) text_add(d->out, STR(" unique"));
  if (data->declared == CONSTRAINT_EQUAL) text_add(d->out, STR(" equal"));
  else if (data->declared == CONSTRAINT_ORDERED) text_add(d->out, STR(" ordered"));
  else if (data->declared) text_printf(d->out, " declared %u", data->declared);
  text_add(d->out, STR(" {\n"));
  for (u32 i = 0; i < data->ctor_count; i++) {
    text_add(d->out, STR("  "));
    dis_name(d->out, data->ctors[i].name);
    if (data->ctors[i].field_count) print_fields(d, data->ctors[i].field_count, data->ctors[i].fields);
    text_char(d->out, '\n');
  }
  text_add(d->out, STR("}\n\n"));
}

static void print_interface(Dis *d, const InterfaceDef *interface) {
  const Module *m = d->module;
  text_add(d->out, STR("interface "));
  dis_name(d->out, interface->name);
  print_from(d, interface->import);
  print_generics(d, &interface->generics);
  if (interface->exported) text_add(d->out, STR(" pub"));
  if (interface->unique) text_add(d->out, STR(" unique"));
  text_add(d->out, STR(" {\n"));
  for (u32 i = 0; i < interface->method_count; i++) {
    const Method *method = &interface->methods[i];
    text_add(d->out, STR("  "));
    if (str_eq(method->name, STR("oneway"))) dis_quoted(d->out, method->name, true);  // else a word that goes with the line before
    else dis_name(d->out, method->name);
    print_fields(d, method->param_count, method->params);
    bool unit = method->answer < m->types.count && m->types.items[method->answer].kind == TYPE_UNIT && d->type_sizes[method->answer];
    if (method->answers || !unit) {
      text_add(d->out, method->answers ? STR(" -> ") : STR(" oneway "));
      dis_type(d, method->answer);
    }
    text_char(d->out, '\n');
  }
  text_add(d->out, STR("}\n\n"));
}

static void print_actor(Dis *d, const ActorDef *actor) {
  text_add(d->out, STR("actor "));
  dis_name(d->out, actor->name);
  print_from(d, actor->import);
  print_generics(d, &actor->generics);
  text_char(d->out, ' ');
  print_fields(d, actor->param_count, actor->params);
  text_add(d->out, actor->exported ? STR(" pub {\n") : STR(" {\n"));
  for (u32 i = 0; i < actor->implements_count; i++) {
    text_add(d->out, STR("  is "));
    dis_type(d, actor->implements[i].interface);
    u32 slots = implements_slots(d->module, actor, i);
    for (u32 k = 0; k < slots; k++) text_printf(d->out, "%s%u", k ? ", " : " (", actor->implements[i].handlers[k]);
    text_add(d->out, slots ? STR(")\n") : STR("\n"));
  }
  if (actor->init != IMPORT_NONE) {
    text_add(d->out, STR("  init "));
    dis_function_name(d, actor->init);
    text_char(d->out, '\n');
  }
  for (u32 i = 0; i < actor->field_count; i++) {
    text_add(d->out, actor->fields[i].assignable ? STR("  var ") : STR("  let "));
    dis_name(d->out, actor->fields[i].name);
    text_add(d->out, STR(": "));
    dis_type(d, actor->fields[i].type);
    text_char(d->out, '\n');
  }
  for (u32 i = 0; i < actor->handler_count; i++) {
    text_add(d->out, STR("  on "));
    dis_name(d->out, actor->handlers[i].name);
    text_char(d->out, ' ');
    dis_function_name(d, actor->handlers[i].function);
    if (actor->handlers[i].guard != IMPORT_NONE) {
      text_add(d->out, STR(" when "));
      dis_function_name(d, actor->handlers[i].guard);
    }
    text_char(d->out, '\n');
  }
  if (actor->dropped != IMPORT_NONE) text_printf(d->out, "  dropped %u\n", actor->dropped);
  text_add(d->out, STR("}\n\n"));
}

static void print_effects(Dis *d, u8 effects) {
  if (!effects) return;
  text_add(d->out, STR(" effects "));
  if (effects >> COUNT_OF(effect_words)) {
    text_printf(d->out, "%u", effects);
    return;
  }
  const char *separator = "";
  for (u32 bit = 0; bit < COUNT_OF(effect_words); bit++) {
    if (!(effects >> bit & 1)) continue;
    text_printf(d->out, "%s%s", separator, effect_words[bit]);
    separator = ", ";
  }
}

static void print_function(Dis *d, const Function *f, u32 mark) {
  if (f->kind != FUNCTION_PLAIN) text_printf(d->out, "%s ", function_kind_words[f->kind]);
  text_add(d->out, STR("fn "));
  dis_name(d->out, f->name);
  print_from(d, f->import);
  print_generics(d, &f->generics);
  text_char(d->out, '(');
  for (u32 i = 0; i < f->param_count; i++) {
    if (i) text_add(d->out, STR(", "));
    if (f->lent && f->lent[i]) text_char(d->out, '&');
    dis_type(d, f->registers[i]);
  }
  text_add(d->out, STR(") -> "));
  dis_type(d, f->result);
  if (f->exported) text_add(d->out, STR(" pub"));
  if (f->actor != IMPORT_NONE) {
    text_add(d->out, STR(" of "));
    dis_actor_name(d, f->actor);
  }
  if (f->capture_count) text_printf(d->out, " captures %u", f->capture_count);
  print_effects(d, f->effects);
  for (u32 i = 0; f->param_names && i < f->param_count; i++) {
    text_add(d->out, i ? STR(", ") : STR(" names ("));
    dis_name(d->out, f->param_names[i]);
  }
  if (f->param_names) text_add(d->out, f->param_count ? STR(")") : STR(" names ()"));
  if (f->code_words || f->register_count > f->param_count || f->line_count || f->local_count) dis_body(d, f, mark);
  text_char(d->out, '\n');
}

static void print_global(Dis *d, const Global *global) {
  text_add(d->out, STR("let "));
  dis_name(d->out, global->name);
  print_from(d, global->import);
  text_add(d->out, STR(": "));
  dis_type(d, global->type);
  if (global->exported) text_add(d->out, STR(" pub"));
  if (global->function != IMPORT_NONE) {
    text_add(d->out, STR(" = "));
    dis_function_name(d, global->function);
  }
  text_char(d->out, '\n');
}

static void print_tables(Dis *d) {
  const Module *m = d->module;
  text_add(d->out, STR("; the tables, in order\n"));
  for (u32 i = 0; i < m->types.count; i++) {
    bool sound = d->first_types[i] == i;
    for (u32 k = 0; k < m->types.items[i].count && sound; k++) sound = m->types.items[i].args[k] < i;
    text_add(d->out, sound ? STR("type ") : STR("newtype "));
    d->below = i;
    dis_type_row(d, i);
    text_char(d->out, '\n');
  }
  d->below = UINT32_MAX;
  bool usual = m->typelists.count && !m->typelists.items[0].count;
  if (!usual) text_add(d->out, STR("notypelists\n"));
  for (u32 i = usual; i < m->typelists.count; i++) {
    bool first = d->first_typelists[i] == i && m->typelists.items[i].count;
    text_add(d->out, first ? STR("typelist [") : STR("newtypelist ["));
    dis_types(d, m->typelists.items[i].count, m->typelists.items[i].items);
    text_add(d->out, STR("]\n"));
  }
  for (u32 i = 0; i < m->constants.count; i++) {
    text_add(d->out, d->first_constants[i] == i ? STR("constant ") : STR("newconstant "));
    dis_literal(d, &m->constants.items[i]);
    text_char(d->out, '\n');
  }
}

void dis_module(const Module *m, Text *out) {
  Dis dis = dis_begin(m, out), *d = &dis;
  text_add(out, STR("module "));
  dis_name(out, m->name);
  text_char(out, '\n');
  if (m->source_path.len || m->source_hash) {
    text_add(out, STR("source "));
    dis_quoted(out, m->source_path, true);
    if (m->source_hash) text_printf(out, " 0x%016llx", (unsigned long long)m->source_hash);
    text_char(out, '\n');
  }
  for (u32 i = 0; i < m->imports.count; i++) {
    text_add(out, STR("import "));
    dis_name(out, m->imports.items[i].module);
    if (m->imports.items[i].hash) text_printf(out, " 0x%016llx", (unsigned long long)m->imports.items[i].hash);
    text_char(out, '\n');
  }
  if (m->main != IMPORT_NONE) {
    text_add(out, STR("main "));
    dis_function_name(d, m->main);
    text_char(out, '\n');
  }
  text_char(out, '\n');
  for (u32 i = 0; i < m->datas.count; i++) print_data(d, &m->datas.items[i]);
  for (u32 i = 0; i < m->interfaces.count; i++) print_interface(d, &m->interfaces.items[i]);
  for (u32 i = 0; i < m->actors.count; i++) print_actor(d, &m->actors.items[i]);
  for (u32 i = 0; i < m->globals.count; i++) print_global(d, &m->globals.items[i]);
  for (u32 i = 0; i < m->tests.count; i++) {
    text_add(out, STR("test "));
    dis_quoted(out, m->tests.items[i].name, true);
    text_add(out, STR(" = "));
    dis_function_name(d, m->tests.items[i].function);
    text_char(out, '\n');
  }
  if (m->globals.count || m->tests.count) text_char(out, '\n');
  for (u32 i = 0; i < m->functions.count; i++) print_function(d, &m->functions.items[i], UINT32_MAX);
  print_tables(d);
}

void dis_function(const Module *module, const Function *function, u32 mark, Text *out) {
  Dis d = dis_begin(module, out);
  print_function(&d, function, mark);
}
