// What main asks for: its parameters are the program's manifest.
#include "vm/power.h"


Str vm_parameter_name(const Function *function, u32 i) { return function->param_names ? function->param_names[i] : STR("?"); }

bool vm_parameter_power(const Module *module, TypeId type, PowerId *id) {
  const Type *t = &module->types.items[type];
  if (t->kind != TYPE_REF || t->count) return false;
  const InterfaceDef *interface = &module->interfaces.items[t->index];
  if (interface->import == IMPORT_NONE || !str_eq(module->imports.items[interface->import].module, STR("prelude"))) return false;
  return power_by_name(interface->name, id);
}

bool vm_parameter_is_args(const Module *module, TypeId type) {
  const Type *t = &module->types.items[type];
  return t->kind == TYPE_LIST && module->types.items[t->args[0]].kind == TYPE_STRING;
}

static bool need_of(const Module *module, const Function *main, u32 i, PowerNeed *need, Str *error) {
  TypeId type = main->registers[i];
  PowerId id;
  *need = (PowerNeed){.name = vm_parameter_name(main, i), .free = true};
  if (vm_parameter_is_args(module, type)) {
    need->type = STR("List[String]");
    return true;
  }
  if (!vm_parameter_power(module, type, &id)) {
    Text text = {0};
    module_print_type(module, type, &text);
    *error = str_format("`main` asks for `%.*s: %.*s`, which is no power", STR_ARG(need->name), STR_ARG(text_str(&text)));
    return false;
  }
  need->type = str_from(powers[id].name);
  need->free = !powers[id].flag[0];
  if (!need->free) need->flag = str_format("--%.*s=%s", STR_ARG(need->name), powers[id].flag);
  return true;
}

bool vm_needs(const Verified *verified, PowerNeed **needs, u32 *count, Str *error) {
  const Module *module = verified->module;
  *count = 0;
  if (module->main == IMPORT_NONE) {
    *error = STR("there is no `fn main` to run");
    return false;
  }
  const Function *main = &module->functions.items[module->main];
  *needs = gc_array(PowerNeed, main->param_count + 1);
  for (u32 i = 0; i < main->param_count; i++) {
    if (!need_of(module, main, i, &(*needs)[i], error)) return false;
  }
  *count = main->param_count;
  return true;
}
