// Banks: what actors draw memory and CPU time from. docs/banks.md argues for their shape.
//
// A bank's figures are kept apart for each worker, in accounts: a worker leases bytes from the bank, and with it from all banks above, in
// steps, and spends them without telling anyone. So what is taken and given back at every message costs an addition.
#pragma once
#include "vm/holdings.h"
#include "vm/spin.h"
#include "vm/worker.h"

enum {
  BANK_LEASE = 64 * 1024,     // bytes leased at once; less from a small bank
  BANK_DEPTH = 64,            // banks within banks
  BANK_WEIGHT = 1 << 20,      // of the root
  BANK_SHARE = 100,           // what a bank's own actors weigh beside the shares of those within it
};

// A worker's part of a bank. Others only read the figures.
struct Account {
  _Alignas(64) Bank *bank;
  _Atomic i64 left;           // bytes leased and not spent
  _Atomic i64 actors;         // begun less ended, on this worker
  _Atomic i64 messages;       // queued by less taken by this worker
  Actor *newest;              // records that this worker has made, tombstones too, linked by `older`
};

struct Bank {
  Bank *parent;               // NULL: the root
  u64 limit;                  // bytes
  u64 weight;                 // share of CPU time
  _Alignas(64) _Atomic u64 used;  // bytes leased by its accounts and by the banks within it
  _Alignas(64) _Atomic bool frozen;        // it or a bank above: its actors aren't run
  _Atomic bool destroyed;     // it or a bank above: nothing begins in it any more
  bool stopped;               // it was frozen by itself (while the crew is halted)
  bool named;                 // somebody may hold a reference to it
  u32 depth;
  Bank *first, *next;         // banks within it; its neighbour there (banks_lock)
  Holdings holdings;          // blocks that its actors share
  u32 account_count;
  Account accounts[];         // by worker
};

// The root, of which everything is part. NULL when memory is out.
Bank *bank_root(Vm *vm, u64 limit) MUST_CHECK;
// A bank within another. NULL with a fault: memory is out, the bank was destroyed, or it is BANK_DEPTH deep.
Bank *bank_carve(Worker *worker, Bank *parent, i64 memory, i64 share) MUST_CHECK;
// Frees all banks, when nothing is left that was charged to them.
void banks_close(Vm *vm);

static inline Account *bank_account(Bank *bank, const Worker *worker) { return &bank->accounts[worker->index]; }
// The bank after `bank` among those within `top`, `top` first, each before those within it; NULL after the last. Under the lock.
Bank *bank_next(const Bank *top, Bank *bank);
// Is it the other one, or does it contain it?
bool bank_contains(const Bank *bank, const Bank *other);

// ---- Memory ---------------------------------------------------------------------------------------------------------

bool account_lease(Worker *worker, Account *account, u64 bytes) MUST_CHECK;
void account_return(Account *account);
void account_force(Account *account, u64 bytes);  // charges them, whatever the limits: what must be kept, and is small

// Charges bytes to an account of this worker. False if a limit would be passed: then worker->refused says whose.
static inline MUST_CHECK bool account_take(Worker *worker, Account *account, u64 bytes) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed) - (i64)bytes;
  if (UNLIKELY(left < 0)) return account_lease(worker, account, bytes);
  atomic_store_explicit(&account->left, left, memory_order_relaxed);
  return true;
}

// What was charged comes back; to any account of the same bank.
static inline void account_give(Account *account, u64 bytes) {
  i64 left = atomic_load_explicit(&account->left, memory_order_relaxed) + (i64)bytes;
  atomic_store_explicit(&account->left, left, memory_order_relaxed);
  if (UNLIKELY(left > 2 * BANK_LEASE)) account_return(account);
}

// The same for this worker's account of a bank; NULL: nobody pays.
static inline MUST_CHECK bool bank_take(Worker *worker, Bank *bank, u64 bytes) {
  return !bank || account_take(worker, bank_account(bank, worker), bytes);
}
static inline void bank_give(Worker *worker, Bank *bank, u64 bytes) {
  if (bank) account_give(bank_account(bank, worker), bytes);
}

// A block from the worker's pool that a bank pays for, and its return.
static inline MUST_CHECK void *bank_alloc(Worker *worker, Bank *bank, size_t size) {
  if (UNLIKELY(!bank_take(worker, bank, size))) return NULL;
  void *block = pool_alloc(&worker->pool, size);
  if (UNLIKELY(!block)) bank_give(worker, bank, size);
  return block;
}
static inline void bank_free(Worker *worker, Bank *bank, void *block, size_t size) {
  pool_free(&worker->pool, block, size);
  bank_give(worker, bank, size);
}

static inline void account_count(_Atomic i64 *figure, i64 by) {
  atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + by, memory_order_relaxed);
}

// ---- Figures --------------------------------------------------------------------------------------------------------

// Of a bank and those within it. Exact while nothing runs.
typedef struct BankUsage {
  u64 memory, limit;
  i64 actors, messages;
} BankUsage;
BankUsage bank_usage(Vm *vm, const Bank *bank);

// ---- Freezing -------------------------------------------------------------------------------------------------------

// For a bank and all within it. While no other worker runs an actor (crew_halt).
void bank_freeze(Vm *vm, Bank *bank);
void bank_thaw(Vm *vm, Bank *bank);     // those within it that were frozen by themselves stay so
void bank_destroy(Vm *vm, Bank *bank);
