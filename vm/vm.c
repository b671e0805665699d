// The VM's life: made, loaded, run, freed. And what main's return, crash or endless wait means to the world.
#include "vm/vm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vm/bank.h"
#include "vm/ending.h"
#include "vm/engine.h"
#include "vm/forward.h"
#include "vm/input.h"
#include "vm/load.h"
#include "vm/outside.h"
#include "vm/power.h"
#include "vm/sched.h"
#include "vm/stream.h"
#include "vm/trace.h"

static const Class main_class = {.name = {"main", 4}};
static const Class test_class = {.name = {"test", 4}};

VmStats vm_stats(const Vm *vm) {
  VmStats sum = {0};
  for (u32 i = 0; i < vm->worker_count; i++) {
    const Worker *worker = &vm->workers[i];
    VmStats stats = worker->stats;
    stats.copied = worker->copied;
    stats.frozen = worker->frozen;
    stats.collections = worker->collections;
    for (size_t k = 0; k < sizeof sum / sizeof(u64); k++) ((u64 *)&sum)[k] += ((u64 *)&stats)[k];
  }
  return sum;
}

// ---- Making and freeing ---------------------------------------------------------------------------------------------

static u64 entropy(const VmOptions *options) {
  u64 seed = options->seed;
  if (!options->seeded && getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = (u64)&seed;
  return seed;
}

// The values of promises that break while there is no memory to say why, or for those who may not hear why.
static bool make_memory_broken(Vm *vm) {
  static const Str why = {"out of memory", 13};
  u32 id = vm->images ? well_known(vm->workers, WK_CRASHED) : 0;
  if (!id || vm->memory_broken) return true;
  Chunk *chunk = promise_chunk(3 + bytes_words(why.len) + 3 + 2 + 3 + 2);
  if (!chunk) return false;
  Val text = chunk_string(chunk, KIND_STRING, why);
  vm->memory_broken = chunk_data(vm->workers, chunk, WK_CRASHED, text);
  vm->untold_crash = chunk_data(vm->workers, chunk, WK_CRASHED, chunk_string(chunk, KIND_STRING, STR("")));
  Val path = chunk_cons(chunk, chunk_string(chunk, KIND_STRING, STR("?")), VAL_NIL);
  vm->untold_deadlock = chunk_data(vm->workers, chunk, WK_DEADLOCK, path);
  chunk_make_immortal(chunk);
  vm->memory_chunk = chunk;
  return true;
}

static bool open_parts(Vm *vm) {
  const VmOptions *o = &vm->options;
  bool given = o->out_fd || o->err_fd || o->in_fd;
  Worker *worker = vm->workers;
  if (!heap_open(worker) || !crew_open(vm)) return false;  // the others' heaps when they are needed
  vm->images = o->library ? o->library->images : images_new();
  if (!vm->images || !outside_open(vm)) return false;
  for (u32 i = 0; i < vm->worker_count; i++) {
    vm->workers[i].images = vm->images;
    if (!sched_open(&vm->workers[i])) return false;
  }
  if (!(vm->out = stream_open(given ? o->out_fd : 1, NULL, true))) return false;
  if (!(vm->err = stream_open(given ? o->err_fd : 2, vm->out, false))) return false;
  return (vm->input = input_open(worker, given ? o->in_fd : 0)) != NULL;
}

static bool workers_make(Vm *vm) {
  u32 count = crew_size(&vm->options);
  vm->workers = memory_alloc_aligned(count * sizeof *vm->workers, 64);
  if (!vm->workers) return false;
  vm->worker_count = count;
  for (u32 i = 0; i < count; i++) vm->workers[i] = (Worker){.vm = vm, .index = i, .stack_limit = vm->options.stack_limit};
  if (!(vm->bank = bank_root(vm, vm->options.memory_limit))) {
    memory_free_aligned(vm->workers, count * sizeof *vm->workers, 64);
    return false;
  }
  for (u32 i = 0; i < count; i++) vm->workers[i].account = bank_account(vm->bank, &vm->workers[i]);
  return true;
}

Vm *vm_new(const VmOptions *options) {
  memory_limit(0);
  memory_fail_at(0);
  Vm *vm = memory_alloc(sizeof *vm);
  if (!vm) return NULL;
  *vm = (Vm){.options = *options};
  if (!vm->options.quantum) {
#ifdef DEED_STRESS
    vm->options.quantum = 1;
#else
    vm->options.quantum = QUANTUM;
#endif
  }
  if (!workers_make(vm)) {
    memory_free(vm, sizeof *vm);
    return NULL;
  }
  vm->random = random_from(entropy(options));
  power_prepare();
  forward_prepare();
  if (open_parts(vm)) return vm;
  vm_free(vm);
  return NULL;
}

// Everything that lives in actors, messages and promises.
static void close_run(Vm *vm) {
  Worker *worker = vm->workers;
  if (vm->main) promise_release(worker, vm->main);
  vm->main = NULL;
  ending_close(vm);
  stream_stop(vm->workers, vm->out);
  stream_stop(vm->workers, vm->err);
  outside_stop(vm);
  input_close(worker, vm->input);
  vm->input = NULL;
  for (u32 i = 0; i < vm->worker_count; i++) timers_close(&vm->workers[i].sched->timers, &vm->workers[i]);
  for (u32 i = 0; i < vm->worker_count; i++) crew_retired(&vm->workers[i]);
  life_close(vm);
  for (u32 i = 0; i < vm->worker_count; i++) {
    worker = &vm->workers[i];
    if (worker->text_charged) scratch_trim(worker);
    if (worker->turn) turn_free(worker, worker->turn);
    worker->turn = NULL;
  }
}

i64 vm_charged(Vm *vm) {
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    i64 left = bank_left_over(vm, bank);
    if (left) return left;
  }
  return 0;
}

VmStats vm_end(Vm *vm) {
  memory_fail_at(0);
  memory_limit(0);
  if (vm->workers[vm->worker_count - 1].sched) close_run(vm);
  if (WALKING && vm_charged(vm)) BUG("C1: a bank is charged for %lld bytes that nobody has", (long long)vm_charged(vm));
  return vm_stats(vm);
}

static void worker_close(Worker *worker) {
  sched_close(worker);
  pool_close(&worker->pool);
  memory_free(worker->text, worker->text_capacity);
  free(worker->fault_text);
}

void vm_free(Vm *vm) {
  if (!vm) return;
  vm_end(vm);
  stream_close(vm->workers, vm->err);
  stream_close(vm->workers, vm->out);
  outside_close(vm);
  for (u32 i = 0; i < vm->worker_count; i++) {
    heap_close(&vm->workers[i]);
    turns_release(&vm->workers[i]);
  }
  if (vm->memory_chunk) memory_free(vm->memory_chunk, sizeof(Chunk) + vm->memory_chunk->capacity * sizeof(u64));
  if (!vm->options.library) images_free(vm->images);
  for (u32 i = 0; i < vm->worker_count; i++) worker_close(&vm->workers[i]);
  crew_close(vm);
  banks_close(vm);
  memory_free_aligned(vm->workers, vm->worker_count * sizeof *vm->workers, 64);
  memory_free(vm, sizeof *vm);
  memory_flush();
}

bool vm_load(Vm *vm, const Verified *verified, Str *error) { return images_load(vm->images, vm->workers, verified, error); }

// ---- Arguments ------------------------------------------------------------------------------------------------------

// The first message of main or a test, under construction.
typedef struct Start {
  Vm *vm;
  const Module *module;
  const Function *function;
  const Grant *grants;
  u32 grant_count;
  const Str *args;
  u32 arg_count;
  Chunk *chunk;
  Val values[LIMIT_PARAMS];
  Stream *out;          // what `out` writes to
  bool is_test;
  char error[256];
} Start;

static bool refuse(Start *start, u32 parameter, const char *why) {
  Str name = vm_parameter_name(start->function, parameter);
  snprintf(start->error, sizeof start->error, "the parameter `%.*s` %s", STR_ARG(name), why);
  return false;
}

static u64 words_needed(const Start *start) {
  u64 words = (u64)start->function->param_count * 4, list = 0;
  for (u32 i = 0; i < start->arg_count; i++) list += 3 + 1 + bytes_words(input_repaired(start->args[i], NULL));
  for (u32 i = 0; i < start->function->param_count; i++) {
    if (vm_parameter_is_args(start->module, start->function->registers[i])) words += list;
  }
  return words;
}

static Val args_list(Start *start) {
  Val list = VAL_NIL;
  for (u32 i = start->arg_count; i--;) {
    Val text = chunk_string(start->chunk, KIND_STRING, (Str){NULL, input_repaired(start->args[i], NULL)});
    input_repaired(start->args[i], (char *)val_obj(text)->words);
    list = chunk_cons(start->chunk, text, list);
  }
  return list;
}

static const Grant *grant_of(const Start *start, Str name) {
  for (u32 i = 0; i < start->grant_count; i++) {
    if (str_eq(start->grants[i].name, name)) return &start->grants[i];
  }
  return NULL;
}

// Gives the power what its methods work on. False if it must not be had.
static bool equip(Start *start, u32 parameter, PowerId id, Actor *actor) {
  Str name = vm_parameter_name(start->function, parameter);
  const Grant *grant = grant_of(start, name);
  switch (id) {
    case POWER_Out: power_state(actor)->stream = str_eq(name, STR("err")) ? start->vm->err : start->vm->out; return true;
    case POWER_Clock: return true;
    case POWER_In: case POWER_Random: return !start->is_test || refuse(start, parameter, "is none that a test may have: `out`, `clock`");
    case POWER_ReadFile: case POWER_File:
      if (!grant) return refuse(start, parameter, "was not granted");
      power_open_file(actor, grant->value, id == POWER_File);
      return true;
    case POWER_Bank:
      power_state(actor)->bank = start->vm->bank;
      start->vm->bank_itable = power_itable(start->vm->workers, id);
      return !start->is_test || refuse(start, parameter, "is none that a test may have: `out`, `clock`");
    case POWER_ReadDir: case POWER_Dir: case POWER_Connect: case POWER_Listener: case POWER_Env: case POWER_Exec:
    case POWER_COUNT: break;
  }
  return refuse(start, parameter, "asks for a power that is not available");
}

static bool give_power(Start *start, u32 parameter, PowerId id) {
  Worker *worker = start->vm->workers;
  if (!power_exists(id)) return refuse(start, parameter, "asks for a power that is not available in this version");
  const Itable *itable = power_itable(worker, id);
  if (!itable) return refuse(start, parameter, "asks for a power that the library declares in another way");
  Actor *actor = power_new(worker, start->vm->bank, id);
  if (!actor) return refuse(start, parameter, "cannot be given: out of memory");
  start->values[parameter] = chunk_reference(start->chunk, actor, itable);
  return equip(start, parameter, id, actor);
}

static bool give_all(Start *start) {
  u64 words = words_needed(start);
  if (words > UINT32_MAX / 2 || !(start->chunk = promise_chunk((u32)words))) {
    snprintf(start->error, sizeof start->error, "out of memory");
    return false;
  }
  for (u32 i = 0; i < start->function->param_count; i++) {
    TypeId type = start->function->registers[i];
    PowerId id;
    if (vm_parameter_is_args(start->module, type)) start->values[i] = args_list(start);
    else if (!vm_parameter_power(start->module, type, &id)) return refuse(start, i, "is no power");
    else if (!give_power(start, i, id)) return false;
  }
  return true;
}

// Makes the actor that runs the function, and its promise. False: start->error says why.
static bool begin(Start *start, const Class *class, const Code *code) {
  Vm *vm = start->vm;
  Worker *worker = vm->workers;
  vm->main_actor = actor_make(worker, vm->bank, class);  // before the powers: main is number 1
  vm->main = vm->main_actor ? promise_new(worker) : NULL;
  snprintf(start->error, sizeof start->error, "out of memory");
  if (!vm->main || !make_memory_broken(vm)) return false;
  bool given = give_all(start);
  Message *message = given ? message_new(worker, MESSAGE_TASK, start->values, start->function->param_count) : NULL;
  chunk_free(worker, start->chunk);
  if (!message) return false;
  atomic_fetch_add_explicit(&vm->main_actor->weight, WEIGHT_UNIT, memory_order_relaxed);
  message->code = code;
  message->promise = vm->main;
  promise_retain(vm->main);
  actor_begin(worker, vm->main_actor, message);
  memory_limit(vm->options.memory_limit);
  memory_fail_at(vm->options.fail_alloc_at);
  return true;
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

static VmResult result(VmEnd end, int status) { return (VmResult){end, status}; }

static void say(Vm *vm, Str text) { stream_write(vm->workers, vm->err, text); }

// What main waits for, though nothing is left that could answer.
static void say_stuck(Vm *vm, const char *who) {
  Worker *worker = vm->workers;
  Turn *turn = vm->main_actor->turn;
  char asked[ASKED_ROOM] = "an answer", line[ASKED_ROOM + 100];
  if (turn && turn->waiting) promise_asked(turn->waiting, asked);
  int length = snprintf(line, sizeof line, "error: %s waits for %s, which can never be answered\n", who, asked);
  say(vm, (Str){line, (size_t)length});
  worker->text_length = 0;
  if (!turn || !trace_place(worker, turn) || !worker->text_length) return;
  say(vm, STR("  at "));
  say(vm, (Str){worker->text, worker->text_length});
  say(vm, STR("\n"));
}

static VmResult result_of_err(Vm *vm, Val error) {
  Worker *worker = vm->workers;
  say(vm, STR("error: "));
  if (val_is_kind(error, KIND_STRING)) stream_write_escaped(worker, vm->err, obj_bytes(val_obj(error)));
  else if (val_show(worker, error)) stream_write_escaped(worker, vm->err, (Str){worker->text, worker->text_length});
  say(vm, STR("\n"));
  return result(VM_END_EXIT, 1);
}

static VmResult result_of_value(Vm *vm, Val value) {
  if (val_is_int(value) || val_is_kind(value, KIND_INT)) return result(VM_END_EXIT, (int)((u64)val_int(value) & 0xff));
  if (!val_is_kind(value, KIND_DATA)) return result(VM_END_EXIT, 0);
  bool is_err = header_info(val_obj(value)->header) == well_known(vm->workers, WK_ERR);
  return is_err ? result_of_err(vm, val_obj(value)->words[0]) : result(VM_END_EXIT, 0);
}

// How the actor that ran to the end, as far as it went, has ended.
static VmResult result_of_main(Vm *vm) {
  switch ((PromiseState)atomic_load(&vm->main->state)) {
    case PROMISE_OPEN: say_stuck(vm, vm->main_actor->class == &test_class ? "the test" : "main"); break;
    case PROMISE_KEPT: return result_of_value(vm, vm->main->value);
    case PROMISE_BROKEN: return vm->main_actor->exit == EXIT_REASON_NORMAL ? result(VM_END_EXIT, 0) : result(VM_END_CRASH, 1);
  }
  return result(VM_END_STUCK, 1);
}

// A run that was asked to end, and has, ended by that, however main did.
static VmResult result_of_run(Vm *vm) {
  const Crew *crew = vm->crew;
  memory_fail_at(0);
  memory_limit(0);
  if (crew_stopping(crew)) return crew->end;
  VmResult end = atomic_load(&vm->ending) ? result(VM_END_SIGNAL, 128 + SIGTERM) : result_of_main(vm);
  stream_finish(vm->workers, vm->out);
  stream_finish(vm->workers, vm->err);
  return crew_stopping(crew) ? crew->end : end;
}

// ---- Running --------------------------------------------------------------------------------------------------------

static VmResult fail_to_start(Vm *vm, const char *error) {
  say(vm, STR("error: "));
  stream_write_escaped(vm->workers, vm->err, str_from(error));
  say(vm, STR("\n"));
  return result(VM_END_EXIT, 1);
}

VmResult vm_run_main(Vm *vm, const Grant *grants, u32 grant_count, const Str *args, u32 arg_count) {
  const Image *image = images_last(vm->images);
  const Module *module = image ? image->verified->module : NULL;
  if (!module || module->main == IMPORT_NONE) return fail_to_start(vm, "there is no `fn main` to run");
  Start start = {.vm = vm, .module = module, .function = &module->functions.items[module->main], .grants = grants,
                 .grant_count = grant_count, .args = args, .arg_count = arg_count};
  if (!begin(&start, &main_class, image->code_of[module->main])) return fail_to_start(vm, start.error);
  sched_run(vm->workers);
  return result_of_run(vm);
}

// What a test writes is kept instead of printed.
static bool capture(Vm *vm) {
  stream_close(vm->workers, vm->err);
  stream_close(vm->workers, vm->out);
  vm->err = NULL;
  vm->out = stream_open(-1, NULL, true);
  if (vm->out) vm->err = stream_open(-1, NULL, true);
  return vm->err;
}

TestResult vm_run_test(Vm *vm, const Verified *verified, u32 test) {
  const Module *module = verified->module;
  const Image *image = images_find(vm->images, module->name);
  if (!image || test >= module->tests.count || !capture(vm)) return (TestResult){.report = STR("the test cannot be run\n")};
  u32 index = module->tests.items[test].function;
  Start start = {.vm = vm, .module = module, .function = &module->functions.items[index], .is_test = true};
  vm->workers->sched->simulated = true;
  crew_alone(vm->crew);
  VmResult end = {VM_END_EXIT, 1};
  if (begin(&start, &test_class, image->code_of[index])) {
    sched_run(vm->workers);
    end = result_of_run(vm);
  } else {
    fail_to_start(vm, start.error);
  }
  return (TestResult){.passed = !end.status, .report = str_dup(stream_captured(vm->err)), .output = str_dup(stream_captured(vm->out))};
}
