// Natives of the prelude: show, and what is done with promises and references.
#include "vm/life.h"

bool native_prelude_show(Worker *worker, u64 *args) { return show_string(worker, &args[0], &args[0]); }

// Room was made before there was a promise: it would leak if its handle found none.
static bool give_promise(Worker *worker, u64 *args, bool made, Promise *promise) {
  if (!made) return worker->fault ? false : fault_memory(worker);
  args[0] = promise_value(worker, promise);
  return true;
}

bool native_prelude_all(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  Promise *promise = NULL;
  bool made = promise_all(worker, args[0], &promise);
  return give_promise(worker, args, made, promise);
}

bool native_prelude_race(Worker *worker, u64 *args) {
  if (args[0] == VAL_NIL) return fault_set(worker, "race([]): there is no promise to wait for");
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  Promise *promise = NULL;
  bool made = promise_race(worker, args[0], &promise);
  return give_promise(worker, args, made, promise);
}

bool native_prelude_ended(Worker *worker, u64 *args) {
  if (!heap_reserve(worker, 2)) return fault_memory(worker);
  Promise *promise = promise_new(worker);
  if (!promise) return fault_memory(worker);
  promise_retain(promise);  // one for the handle, one for the watch
  if (!actor_watch(worker, args[0], promise)) {
    promise_release(worker, promise);
    return fault_memory(worker);
  }
  args[0] = promise_value(worker, promise);
  return true;
}

bool native_prelude_trace(Worker *worker, u64 *args) {
  (void)worker;
  (void)args;  // args[0] is the result already; the debugger, once there is one, looks here
  return true;
}
