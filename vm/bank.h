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

// Actors in line, first to last. `tail` is where the next one is to stand.
typedef struct Queue {
  Actor *first, **tail;
} Queue;

static inline void queue_add(Queue *line, Actor *actor) {
  *line->tail = actor;
  line->tail = &actor->next_ready;
}

// A worker's part of a bank. Others only read the figures; all else only while the crew stands still.
struct Account {
  _Alignas(64) Bank *bank;
  _Atomic i64 left;           // bytes leased and not spent
  _Atomic i64 actors;         // begun less ended, on this worker
  _Atomic i64 messages;       // queued by less taken by this worker
  Actor *newest;              // records that this worker has made, tombstones too, linked by `older`
  Actor *walk;                // of them, the next that the undertaker will look at (bank_acts.c)
  Account *next_grave;        // in the worker's list of those whose actors are to end
  // The line (line.c): ready actors, those that were made ready and those that used up their slice. Under --seed only those kept back.
  Queue fresh, spent;
  u32 ready_count, spent_count;  // ready: in both
  bool parked;                // the bank is frozen: its line waits
  bool doomed;                // the bank is destroyed: whoever comes to the front of the line ends
  bool spent_ran;             // one of the spent was the last to be chosen
  bool delays;                // `dying` counts one for what waits to be freed
  u64 waiting;                // of what the bank pays for: dead, in the worker's list of what is to be freed (release.c)
  u64 spent_due;              // reductions of the worker: then one of the spent goes first
  u64 stride;                 // what a reduction adds to the pass
  unsigned __int128 pass;     // time that it has had, so weighed
  Account *near, *far;        // below it in the heap of those that wait
};

struct Bank {
  Bank *parent;               // NULL: the root
  u64 limit;                  // bytes
  u64 weight;                 // share of CPU time
  _Alignas(64) _Atomic u64 used;  // bytes leased by its accounts and by the banks within it
  _Alignas(64) _Atomic bool frozen;  // it or a bank above: its actors aren't run
  _Atomic bool destroyed;     // it or a bank above: nothing begins in it any more
  bool stopped;               // it was frozen by itself (while the crew is halted)
  _Atomic bool named;         // somebody may hold a reference to it
  _Atomic bool ended;         // it was destroyed, and all its actors have ended
  bool ending;                // `dying` counts one for the act itself
  bool reports;               // the bank above is destroyed too, and counts this one
  _Atomic i64 dying;          // once destroyed: accounts that the undertaker walks or where something waits to be freed, actors that it
                              // doomed, banks within that aren't done
  struct Mourner *mourners;   // who wants to hear that it is done
  u32 depth;
  Bank *first, *next, **link; // banks within it; its neighbour there, and what points at it (banks_lock)
  Holdings holdings;          // blocks that its actors share
  u32 account_count;
  Account accounts[];         // by worker
};

// The root, of which everything is part. NULL when memory is out.
Bank *bank_root(Vm *vm, u64 limit) MUST_CHECK;
// A bank within another, which pays for its record. NULL with a fault: memory is out, the bank was destroyed, or it is BANK_DEPTH deep.
Bank *bank_carve(Worker *worker, Bank *parent, i64 memory, i64 share) MUST_CHECK;
// Frees one in which nothing is left. While the crew stands still.
void bank_free_record(Worker *worker, Bank *bank);
// Frees all banks, when nothing is left that was charged to them.
void banks_close(Vm *vm);

static inline Account *bank_account(Bank *bank, const Worker *worker) { return &bank->accounts[worker->index]; }
static inline Account *actor_account(const Worker *worker, const Actor *actor) { return bank_account(actor->bank, worker); }
// The bank after `bank` among those within `top`, `top` first, each before those within it; NULL after the last. Under the lock.
Bank *bank_next(const Bank *top, Bank *bank);
// Is it the other one, or does it contain it?
bool bank_contains(const Bank *bank, const Bank *other);

// ---- Memory ---------------------------------------------------------------------------------------------------------

bool account_lease(Worker *worker, Account *account, u64 bytes) MUST_CHECK;
void account_return(Account *account);
void account_force(Account *account, u64 bytes);  // charges them, whatever the limits: what must be kept, and is small

// More than half of the bank, or of one above, is in use: nothing that is dead waits there to be freed.
bool bank_is_short(const Bank *bank);
// What is dead waits to be freed no longer (release.c). False: nothing does, or now is no time for that.
bool release_for_room(Worker *worker) MUST_CHECK;

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
// What is charged to a bank that should have nothing left: 0, or somebody has miscounted.
i64 bank_left_over(Vm *vm, const Bank *bank);

// ---- Freezing -------------------------------------------------------------------------------------------------------

// For a bank and all within it. Done when they return; the crew stands still meanwhile. From within a slice, where crew_halt() may be called.
void bank_freeze(Worker *worker, Bank *bank);
void bank_thaw(Worker *worker, Bank *bank);  // those within it that were frozen by themselves stay so
// Begins to end all its actors. The promise (taken over) is kept when all have ended. False with a fault: there is no memory to remember the
// promise, which is the caller's; they end all the same.
bool bank_destroy(Worker *worker, Bank *bank, Promise *promise) MUST_CHECK;
// Actors of destroyed banks that the worker has made are told to end, so many at most. If sched->graves.
void bank_undertake(Worker *worker, u32 most);
// In an account of a destroyed bank something waits to be freed, and nothing does any more.
void bank_delay(Account *account);
void bank_delays_no_more(Worker *worker, Account *account);
// Something that a bank pays for is dead, and joins the worker's list of what is to be freed; and has gone.
static inline void bank_wait(Worker *worker, Bank *bank) {
  Account *account = bank_account(bank, worker);
  account->waiting++;
  if (UNLIKELY(account->doomed)) bank_delay(account);
}
static inline void bank_freed(Worker *worker, Bank *bank) {
  Account *account = bank_account(bank, worker);
  if (!--account->waiting && UNLIKELY(account->delays)) bank_delays_no_more(worker, account);
}
// An actor of a destroyed bank has ended, of which the undertaker knew (DOOM_COUNTED).
void bank_departed(Worker *worker, Bank *bank);
// Frees banks that nobody can name and that hold nothing, if there may be enough of them; or, `now`, if there may be any.
void banks_sweep(Worker *worker, bool now);
// Of a bank that somebody could name until now.
void bank_unname(Worker *worker, Bank *bank);
