// What exists in a VM: counted by walking through it, not by counters that go along. So it tells what was lost track of.
#include "vm/bank.h"
#include "vm/sched.h"

static void add_account(VmCensus *census, const Account *account) {
  for (const Actor *actor = account->newest; actor; actor = actor->older) {
    if (actor_state(actor) == ACTOR_ENDED) census->ended++;
    else census->living++;
  }
  census->waiting += atomic_load_explicit(&account->messages, memory_order_relaxed);
}

VmCensus vm_census(Vm *vm) {
  VmCensus census = {.charged = bank_left_over(vm, vm->bank)};
  spin_lock(&vm->banks_lock);
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    census.banks++;
    for (u32 i = 0; i < bank->account_count; i++) add_account(&census, &bank->accounts[i]);
  }
  spin_unlock(&vm->banks_lock);
  for (u32 i = 0; i < vm->worker_count; i++) {
    if (vm->workers[i].sched) census.timers += atomic_load(&vm->workers[i].sched->timers.count);
  }
  return census;
}
