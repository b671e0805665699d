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
  for (u32 i = 0; i < vm->worker_count; i++) bank->accounts[i] = (Account){.bank = bank};
  return bank;
}

Bank *bank_root(Vm *vm, u64 limit) { return bank_new(vm, NULL, limit ? limit : UINT64_MAX / 2, BANK_WEIGHT); }

static bool flag(const _Atomic bool *flag) { return atomic_load_explicit(flag, memory_order_relaxed); }

// A share is to 100, what the parent's own actors weigh, as the weight is to the parent's.
static u64 weight_of(const Bank *parent, i64 share) {
  u64 of = share < 1 ? 1 : share > 100 * BANK_SHARE ? 100 * BANK_SHARE : (u64)share, weight = parent->weight * of / BANK_SHARE;
  return weight < 1 ? 1 : weight > (u64)BANK_WEIGHT << 20 ? (u64)BANK_WEIGHT << 20 : weight;
}

Bank *bank_carve(Worker *worker, Bank *parent, i64 memory, i64 share) {
  Vm *vm = worker->vm;
  if (flag(&parent->destroyed)) return fault_set(worker, "the bank was destroyed"), NULL;
  if (parent->depth == BANK_DEPTH) return fault_set(worker, "banks within banks go %d deep", BANK_DEPTH), NULL;
  Bank *bank = bank_new(vm, parent, memory < 0 ? 0 : (u64)memory, weight_of(parent, share));
  if (!bank) return fault_memory(worker), NULL;
  spin_lock(&vm->banks_lock);
  atomic_store_explicit(&bank->frozen, flag(&parent->frozen), memory_order_relaxed);
  bank->next = parent->first;
  parent->first = bank;
  spin_unlock(&vm->banks_lock);
  return bank;
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
    if (above) above->first = leaf->next;
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

static void unlease(Bank *bank, const Bank *until, u64 bytes) {
  for (; bank != until; bank = bank->parent) atomic_fetch_sub_explicit(&bank->used, bytes, memory_order_relaxed);
}

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

bool account_lease(Worker *worker, Account *account, u64 bytes) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed);
  if (bytes > INT64_MAX / 2) return worker->refused = account->bank, false;
  u64 needed = (u64)((i64)bytes - left), more = step_of(account->bank);
  if (!lease(account->bank, needed + more, &worker->refused)) {
    more = 0;
    if (!lease(account->bank, needed, &worker->refused)) return false;
  }
  atomic_store_explicit(&account->left, (i64)more, memory_order_relaxed);
  worker->refused = NULL;
  return true;
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
  usage.memory = memory < 0 ? 0 : (u64)memory;
  if (usage.actors < 0) usage.actors = 0;
  if (usage.messages < 0) usage.messages = 0;
  return usage;
}

// ---- Freezing -------------------------------------------------------------------------------------------------------

static void freeze_from(Vm *vm, Bank *bank) {
  spin_lock(&vm->banks_lock);
  for (Bank *at = bank; at; at = bank_next(bank, at)) {
    bool above = at->parent && flag(&at->parent->frozen);
    atomic_store_explicit(&at->frozen, at->stopped || above, memory_order_relaxed);
  }
  spin_unlock(&vm->banks_lock);
}

void bank_freeze(Vm *vm, Bank *bank) {
  bank->stopped = true;
  freeze_from(vm, bank);
}

void bank_thaw(Vm *vm, Bank *bank) {
  bank->stopped = false;
  freeze_from(vm, bank);
}

void bank_destroy(Vm *vm, Bank *bank) {
  spin_lock(&vm->banks_lock);
  for (Bank *at = bank; at; at = bank_next(bank, at)) atomic_store_explicit(&at->destroyed, true, memory_order_relaxed);
  spin_unlock(&vm->banks_lock);
}
