// The hook that kills on and on, for tests: at random reductions, whoever runs, or somebody who does not, or a whole bank.
//
// The program under test goes on all the time: who is killed may be suspended, in line, idle, amid a collection, about to be freed, or may
// run on another worker. Main is spared, and so are the powers, which are no actors of the program's.
#include "vm/sched.h"

enum {
  BANKS_IN_1000 = 20,    // of all kills
  RUNNING_IN_1000 = 400,
  STEPS_SHIFT = 8,       // so far back from the newest actor of a bank a victim is looked for, as a power of two
};

i64 havoc_next(Sched *sched, u64 every) {
  u64 most = every < INT64_MAX / 2 ? 2 * every : INT64_MAX;
  return 1 + (i64)random_below(&sched->havoc, most);
}

// One of all banks but the root that are not destroyed, each as likely as any other. Others may destroy it meanwhile; it can be freed only
// while all workers stand still.
static Bank *some_bank(Worker *worker, bool with_actors) {
  Vm *vm = worker->vm;
  Bank *found = NULL;
  u64 seen = 0;
  spin_lock(&vm->banks_lock);
  for (Bank *bank = vm->bank; bank; bank = bank_next(vm->bank, bank)) {
    if (with_actors ? !bank_account(bank, worker)->newest : bank == vm->bank || atomic_load(&bank->destroyed)) continue;
    if (!random_below(&worker->sched->havoc, ++seen)) found = bank;
  }
  spin_unlock(&vm->banks_lock);
  return found;
}

static bool may_be_killed(const Vm *vm, const Actor *actor) {
  if (actor == vm->main_actor || actor->class->deliver || actor_state(actor) == ACTOR_ENDED) return false;
  return !actor->class->step || actor->bank != vm->bank;
}

// Of those that this worker has made: it alone frees their records.
static Actor *some_actor(Worker *worker) {
  Bank *bank = some_bank(worker, true);
  if (!bank) return NULL;
  Random *random = &worker->sched->havoc;
  Actor *newest = bank_account(bank, worker)->newest, *actor = newest;
  for (u64 steps = random_below(random, 1 + ((u64)1 << random_below(random, STEPS_SHIFT + 1))); steps--;) {
    actor = actor->older ? actor->older : newest;
  }
  while (actor && !may_be_killed(worker->vm, actor)) actor = actor->older;
  return actor;
}

// As a reference to the bank would do it whose answer nobody waits for.
static bool destroy_some(Worker *worker) {
  Bank *bank = some_bank(worker, false);
  if (!bank) return false;
  Account *account = worker->account;
  worker->account = bank_account(worker->vm->bank, worker);
  Promise *promise = promise_new(worker);
  bool destroyed = promise && bank_destroy(worker, bank, promise);
  if (promise && !destroyed) promise_release(worker, promise);
  worker->account = account;
  return destroyed;
}

bool havoc_strike(Worker *worker, Actor *actor, bool owned) {
  Sched *sched = worker->sched;
  sched->kill_left = havoc_next(sched, worker->vm->options.kill_every);
  u64 drawn = random_below(&sched->havoc, 1000);
  if (drawn < BANKS_IN_1000) {
    worker->stats.killed_banks += destroy_some(worker);
    return false;
  }
  Actor *victim = drawn < RUNNING_IN_1000 && may_be_killed(worker->vm, actor) ? actor : some_actor(worker);
  if (!victim) return false;
  worker->stats.kills++;
  if (victim == actor && owned) return true;
  actor_doom(worker, victim);
  return false;
}
