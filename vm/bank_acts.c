// What is done to banks: frozen, thawed, destroyed, and freed when nobody can name them and nothing is left in them.
//
// Flags change only while the crew stands still, so whoever runs an actor may look at them without any order among threads. To destroy a
// bank is to mark it: whoever of its actors comes to the front of a line ends, and nobody begins any more. Those that stand in no line,
// idle and suspended ones, are told to end by the undertaker: each worker goes through those that it made, a thousand between two slices,
// the newest first. What they had may wait to be freed in some worker's list: each account counts what its bank pays for there. `dying`
// counts what is still to be done; who brings it to 0 says so to all who asked.
//
// A bank's record is freed when its reference has gone, no record of an actor is left in it, nothing waits to be freed, and no byte is
// charged to it: whatever points at a bank has charged something to it.
#include "vm/crowd.h"
#include "vm/fault.h"
#include "vm/forward.h"
#include "vm/sched.h"

enum { SWEEP_LEAST = 64 };  // unnamed banks that are worth a look

// Who wants to hear that a bank has been destroyed.
typedef struct Mourner {
  struct Mourner *next;
  Promise *promise;  // (counted)
} Mourner;

static bool flag(const _Atomic bool *flag) { return atomic_load_explicit(flag, memory_order_relaxed); }
static void set(_Atomic bool *flag, bool value) { atomic_store_explicit(flag, value, memory_order_relaxed); }

// The running actor may be one of those that are to stand still, or to end: its slice is over.
static void yield(Worker *worker) {
  if (worker->actor && (worker->account->parked || worker->account->doomed)) worker->reductions = 0;
}

// ---- Freezing -------------------------------------------------------------------------------------------------------

static void park(Bank *bank) {
  for (u32 i = 0; i < bank->account_count; i++) bank->accounts[i].parked = true;
}

static void refreeze(Worker *worker, Bank *top) {
  bool any = false;
  for (Bank *bank = top; bank; bank = bank_next(top, bank)) {
    if (flag(&bank->destroyed)) continue;
    bool frozen = bank->stopped || (bank->parent && flag(&bank->parent->frozen));
    if (frozen == flag(&bank->frozen)) continue;
    set(&bank->frozen, frozen);
    if (frozen) park(bank);
    else line_unpark(worker, bank);
    any |= frozen;
  }
  for (u32 i = 0; any && i < worker->vm->worker_count; i++) line_sift(&worker->vm->workers[i]);
}

static void freeze(Worker *worker, void *context) {
  ((Bank *)context)->stopped = true;
  refreeze(worker, context);
}

static void thaw(Worker *worker, void *context) {
  ((Bank *)context)->stopped = false;
  refreeze(worker, context);
}

void bank_freeze(Worker *worker, Bank *bank) {
  crew_halt(worker, freeze, bank);
  crowds_frozen(worker);
  yield(worker);
}

void bank_thaw(Worker *worker, Bank *bank) {
  crew_halt(worker, thaw, bank);
  yield(worker);
}

// ---- Destroying -----------------------------------------------------------------------------------------------------

static void tell(Worker *worker, Mourner *mourner) {
  promise_give(worker, mourner->promise, VAL_UNIT, NULL);
  promise_release(worker, mourner->promise);
  pool_free(&worker->pool, mourner, sizeof *mourner);
}

// One thing less to be done. The bank above may have waited for that.
static void done(Worker *worker, Bank *bank) {
  while (bank && atomic_fetch_sub(&bank->dying, 1) == 1) {
    Bank *above = bank->reports ? bank->parent : NULL;
    Mourner *mourner = bank->mourners;
    bank->mourners = NULL;
    atomic_store(&bank->ended, true);
    for (Mourner *next; mourner; mourner = next) {
      next = mourner->next;
      tell(worker, mourner);
    }
    bank = above;
  }
}

// Unless the bank is done: then what comes late, a message of one of its dead that lay elsewhere, is the business of the banks above.
void bank_delay(Account *account) {
  _Atomic i64 *dying = &account->bank->dying;
  i64 count = atomic_load(dying);
  while (!account->delays && count > 0) account->delays = atomic_compare_exchange_weak(dying, &count, count + 1);
}

void bank_delays_no_more(Worker *worker, Account *account) {
  account->delays = false;
  done(worker, account->bank);
}

// The account's line goes on, if it was kept back: all who stand there are to end. That costs the bank nothing.
static void doom_account(Worker *maker, Account *account) {
  account->doomed = true;
  account->stride = 0;
  if (account->waiting) bank_delay(account);
  account->walk = account->newest;
  if (!account->walk) return;
  account->bank->dying++;
  account->next_grave = maker->sched->graves;
  maker->sched->graves = account;
}

static void begin_end(Worker *worker, Bank *bank) {
  set(&bank->destroyed, true);
  set(&bank->frozen, false);
  bank->ending = true;
  bank->dying = 1;
  line_unpark(worker, bank);
  for (u32 i = 0; i < bank->account_count; i++) doom_account(&worker->vm->workers[i], &bank->accounts[i]);
}

typedef struct Destruction {
  Bank *bank;
  Mourner *mourner;
} Destruction;

static void destroy(Worker *worker, void *context) {
  const Destruction *destruction = context;
  Bank *top = destruction->bank;
  Mourner *mourner = destruction->mourner;
  if (flag(&top->ended)) {  // meanwhile
    if (mourner) tell(worker, mourner);
    return;
  }
  if (mourner) {
    mourner->next = top->mourners;
    top->mourners = mourner;
  }
  for (Bank *bank = top; bank; bank = bank_next(top, bank)) {
    if (!flag(&bank->destroyed)) begin_end(worker, bank);
    if (bank == top || bank->reports || flag(&bank->ended)) continue;
    bank->reports = true;
    bank->parent->dying++;
  }
  for (Bank *bank = top; bank; bank = bank_next(top, bank)) {
    if (!bank->ending) continue;
    bank->ending = false;
    done(worker, bank);
  }
}

bool bank_destroy(Worker *worker, Bank *bank, Promise *promise) {
  Mourner *mourner = pool_alloc(&worker->pool, sizeof *mourner);
  if (mourner) *mourner = (Mourner){.promise = promise};
  crew_halt(worker, destroy, &(Destruction){bank, mourner});
  crew_wake_all(worker->vm->crew);  // they may have something to do for it
  yield(worker);
  return mourner || fault_memory(worker);
}

// ---- The undertaker -------------------------------------------------------------------------------------------------

// What has no mailbox is no actor of the program: it stays as long as somebody can name it. But forwarders keep messages.
static void bury(Worker *worker, Actor *actor) {
  if (actor_state(actor) == ACTOR_ENDED) return;
  if (actor->class->deliver) {
    forward_bury(worker, actor);
    return;
  }
  atomic_fetch_add(&actor->bank->dying, 1);
  if (!actor_doom_counted(worker, actor)) done(worker, actor->bank);
}

void bank_undertake(Worker *worker, u32 most) {
  Sched *sched = worker->sched;
  for (Account *account; most && (account = sched->graves);) {
    Actor *actor = account->walk;
    if (actor) {
      most--;
      account->walk = actor->older;
      bury(worker, actor);
      continue;
    }
    sched->graves = account->next_grave;
    done(worker, account->bank);
  }
}

void bank_departed(Worker *worker, Bank *bank) { done(worker, bank); }

// ---- Freeing --------------------------------------------------------------------------------------------------------

void bank_unname(Worker *worker, Bank *bank) {
  set(&bank->named, false);
  atomic_fetch_add_explicit(&worker->vm->banks_unnamed, 1, memory_order_relaxed);
}

static bool holds_nothing(const Bank *bank) {
  i64 charged = (i64)atomic_load_explicit(&bank->used, memory_order_relaxed);
  if (bank->first || flag(&bank->named) || (flag(&bank->destroyed) && !flag(&bank->ended))) return false;
  for (u32 i = 0; i < bank->account_count; i++) {
    const Account *account = &bank->accounts[i];
    if (account->newest || account->ready_count || account->waiting) return false;
    charged -= atomic_load_explicit(&account->left, memory_order_relaxed);
  }
  return !charged;
}

// Others may still remember it.
static void forget(Vm *vm, const Bank *bank) {
  for (u32 i = 0; i < vm->worker_count; i++) {
    Worker *worker = &vm->workers[i];
    if (worker->sched->front && worker->sched->front->bank == bank) worker->sched->front = NULL;
    if (worker->refused == bank) worker->refused = NULL;
  }
}

// Those within a bank come before it.
static Bank *after_it(const Bank *bank) {
  Bank *next = bank->next;
  if (!next) return bank->parent;
  while (next->first) next = next->first;
  return next;
}

static void sweep(Worker *worker, void *context) {
  (void)context;
  Vm *vm = worker->vm;
  u32 freed = 0;
  Bank *bank = vm->bank;
  while (bank->first) bank = bank->first;
  for (Bank *next; bank != vm->bank; bank = next) {
    next = after_it(bank);
    if (!holds_nothing(bank)) continue;
    forget(vm, bank);
    bank_free_record(worker, bank);
    freed++;
  }
  u32 left = atomic_fetch_sub_explicit(&vm->banks_unnamed, freed, memory_order_relaxed) - freed;
  vm->banks_sweep_at = 2 * left + SWEEP_LEAST;
}

void banks_sweep(Worker *worker, bool now) {
  u32 unnamed = atomic_load_explicit(&worker->vm->banks_unnamed, memory_order_relaxed);
  if (unnamed && (now || unnamed >= worker->vm->banks_sweep_at)) crew_halt(worker, sweep, NULL);
}
