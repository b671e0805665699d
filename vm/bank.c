// The tree of banks, leases and figures: see bank.h.
#include "vm/bank.h"

#include "vm/fault.h"
#include "vm/state.h"

static size_t bank_bytes(const Vm *vm) { return sizeof(Bank) + vm->worker_count * sizeof(Account); }

static Bank *bank_new(Vm *vm, Bank *parent, u64 limit, u64 weight) {
  Bank *bank = memory_alloc_aligned(bank_bytes(vm), 64);
  if (!bank) return NULL;
  *bank = (Bank){.parent = parent, .limit = limit, .weight = weight, .account_count = vm->worker_count, .named = true};
  bank->depth = parent ? parent->depth + 1 : 0;
  for (u32 i = 0; i < vm->worker_count; i++) {
    Account *account = &bank->accounts[i];
    *account = (Account){.bank = bank, .stride = ((u64)1 << 60) / weight};
    account->fresh.tail = &account->fresh.first;
    account->spent.tail = &account->spent.first;
  }
  return bank;
}

Bank *bank_root(Vm *vm, u64 limit) { return bank_new(vm, NULL, limit ? limit : UINT64_MAX / 2, BANK_WEIGHT); }

static bool flag(const _Atomic bool *flag) { return atomic_load_explicit(flag, memory_order_relaxed); }

static void unlease(Bank *bank, const Bank *until, u64 bytes) {
  for (; bank != until; bank = bank->parent) atomic_fetch_sub_explicit(&bank->used, bytes, memory_order_relaxed);
}

// A share is to 100, what the parent's own actors weigh, as the weight is to the parent's.
static u64 weight_of(const Bank *parent, i64 share) {
  u64 of = share < 1 ? 1 : share > 100 * BANK_SHARE ? 100 * BANK_SHARE : (u64)share, weight = parent->weight * of / BANK_SHARE;
  return weight < 1 ? 1 : weight > (u64)BANK_WEIGHT << 20 ? (u64)BANK_WEIGHT << 20 : weight;
}

static void join(Bank *bank, Bank *parent) {
  bool frozen = flag(&parent->frozen);
  atomic_store_explicit(&bank->frozen, frozen, memory_order_relaxed);
  for (u32 i = 0; i < bank->account_count; i++) bank->accounts[i].parked = frozen;
  bank->next = parent->first;
  bank->link = &parent->first;
  if (bank->next) bank->next->link = &bank->next;
  parent->first = bank;
}

Bank *bank_carve(Worker *worker, Bank *parent, i64 memory, i64 share) {
  Vm *vm = worker->vm;
  banks_sweep(worker, false);
  if (parent->depth == BANK_DEPTH) return fault_set(worker, "banks within banks go %d deep", BANK_DEPTH), NULL;
  bool paid = bank_take(worker, parent, bank_bytes(vm));
  if (!paid) {
    banks_sweep(worker, true);
    paid = bank_take(worker, parent, bank_bytes(vm));
  }
  // Asked last, for while the banks are swept the parent may be destroyed.
  bool destroyed = flag(&parent->destroyed);
  Bank *bank = paid && !destroyed ? bank_new(vm, parent, memory < 0 ? 0 : (u64)memory, weight_of(parent, share)) : NULL;
  if (bank) {
    spin_lock(&vm->banks_lock);
    join(bank, parent);
    spin_unlock(&vm->banks_lock);
    return bank;
  }
  if (paid) bank_give(worker, parent, bank_bytes(vm));
  return (destroyed ? fault_set(worker, "the bank was destroyed") : fault_memory(worker)), NULL;
}

// Of a bank in which nothing is left: what it had leased goes back, and what its parent paid for it.
void bank_free_record(Worker *worker, Bank *bank) {
  unlease(bank->parent, NULL, atomic_load_explicit(&bank->used, memory_order_relaxed));
  *bank->link = bank->next;
  if (bank->next) bank->next->link = bank->link;
  bank_give(worker, bank->parent, bank_bytes(worker->vm));
  holdings_close(&bank->holdings);
  memory_free_aligned(bank, bank_bytes(worker->vm), 64);
}

// The tree without recursion.
Bank *bank_next(const Bank *top, Bank *bank) {
  if (bank->first) return bank->first;
  for (; bank != top; bank = bank->parent) {
    if (bank->next) return bank->next;
  }
  return NULL;
}

static Bank *innermost(Bank *bank) {
  while (bank->first) bank = bank->first;
  return bank;
}

void banks_close(Vm *vm) {
  for (Bank *bank = vm->bank; bank;) {
    Bank *leaf = innermost(bank), *above = leaf->parent;
    if (leaf->next) leaf->next->link = leaf->link;
    if (above) *leaf->link = leaf->next;
    holdings_close(&leaf->holdings);
    memory_free_aligned(leaf, bank_bytes(vm), 64);
    bank = leaf == vm->bank ? NULL : vm->bank;
  }
  vm->bank = NULL;
}

bool bank_contains(const Bank *bank, const Bank *other) {
  while (other && other->depth > bank->depth) other = other->parent;
  return other == bank;
}

// ---- Leases ---------------------------------------------------------------------------------------------------------

// Takes bytes from a bank and all above. Those that were taken when one refuses go back; it is *refused then.
static bool lease(Bank *bank, u64 bytes, const Bank **refused) {
  for (Bank *at = bank; at; at = at->parent) {
    u64 before = atomic_fetch_add_explicit(&at->used, bytes, memory_order_relaxed);
    if (LIKELY(before <= at->limit && bytes <= at->limit - before)) continue;
    unlease(bank, at->parent, bytes);
    *refused = at;
    return false;
  }
  return true;
}

static u64 step_of(const Bank *bank) {
  u64 step = bank->limit / 16 / bank->account_count;
  return step < BANK_LEASE ? step : BANK_LEASE;
}

static bool extend(Worker *worker, Account *account, u64 bytes) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed);
  if (left >= (i64)bytes) {  // some has come back
    atomic_store_explicit(&account->left, left - (i64)bytes, memory_order_relaxed);
    worker->refused = NULL;
    return true;
  }
  u64 needed = (u64)((i64)bytes - left), more = step_of(account->bank);
  if (!lease(account->bank, needed + more, &worker->refused)) {
    more = 0;
    if (!lease(account->bank, needed, &worker->refused)) return false;
  }
  atomic_store_explicit(&account->left, (i64)more, memory_order_relaxed);
  worker->refused = NULL;
  return true;
}

// What this worker has still to free doesn't stand in the way of anybody.
bool account_lease(Worker *worker, Account *account, u64 bytes) {
  if (bytes > INT64_MAX / 2) return worker->refused = account->bank, false;
  return extend(worker, account, bytes) || (release_for_room(worker) && extend(worker, account, bytes));
}

bool bank_is_short(const Bank *bank) {
  for (; bank; bank = bank->parent) {
    if (atomic_load_explicit(&bank->used, memory_order_relaxed) > bank->limit / 2) return true;
  }
  return false;
}

void account_force(Account *account, u64 bytes) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed) - (i64)bytes;
  if (left < 0) {
    for (Bank *at = account->bank; at; at = at->parent) atomic_fetch_add_explicit(&at->used, (u64)-left, memory_order_relaxed);
    left = 0;
  }
  atomic_store_explicit(&account->left, left, memory_order_relaxed);
}

// Keeps one step, so that what comes and goes needs no lease each time.
void account_return(Account *account) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed), keep = (i64)step_of(account->bank);
  if (left <= keep) return;
  unlease(account->bank, NULL, (u64)(left - keep));
  atomic_store_explicit(&account->left, keep, memory_order_relaxed);
}

// ---- Figures --------------------------------------------------------------------------------------------------------

static i64 figure(const _Atomic i64 *figure) { return atomic_load_explicit(figure, memory_order_relaxed); }

BankUsage bank_usage(Vm *vm, const Bank *bank) {
  spin_lock(&vm->banks_lock);
  i64 memory = (i64)atomic_load_explicit(&bank->used, memory_order_relaxed);
  BankUsage usage = {.limit = bank->limit};
  for (Bank *at = (Bank *)bank; at; at = bank_next(bank, at)) {
    for (u32 i = 0; i < at->account_count; i++) {
      memory -= figure(&at->accounts[i].left);
      usage.actors += figure(&at->accounts[i].actors);
      usage.messages += figure(&at->accounts[i].messages);
    }
  }
  spin_unlock(&vm->banks_lock);
  if (atomic_load(&bank->ended)) return (BankUsage){.limit = bank->limit};  // what others still hold of it is above it
  usage.memory = memory < 0 ? 0 : (u64)memory;
  if (usage.actors < 0) usage.actors = 0;
  if (usage.messages < 0) usage.messages = 0;
  return usage;
}

i64 bank_left_over(Vm *vm, const Bank *bank) {
  spin_lock(&vm->banks_lock);
  i64 memory = (i64)atomic_load_explicit(&bank->used, memory_order_relaxed);
  for (Bank *at = (Bank *)bank; at; at = bank_next(bank, at)) {
    for (u32 i = 0; i < at->account_count; i++) memory -= figure(&at->accounts[i].left);
    if (at != bank) memory -= (i64)bank_bytes(vm);  // its record: the bank above pays for it
  }
  spin_unlock(&vm->banks_lock);
  return memory;
}
