// The table of what a bank holds: see holdings.h.
#include "vm/holdings.h"

#include "vm/bank.h"
#include "vm/memory.h"
#include "vm/storage.h"

struct Holding {
  Holding *next;             // in its bucket
  Holding *later;            // in the list of those being added or removed
  const void *key;
  const SharedBlock *block;  // NULL: Storage
  u64 count;
  u64 bytes;                 // charged, with the record's own
};

enum { BUCKETS_MIN = 16 };

static Holding **bucket_of(const Holdings *holdings, const void *key) {
  return &holdings->buckets[((u64)key * 0x9e3779b97f4a7c15u >> 32) & (holdings->bucket_count - 1)];
}

static Holding *find(const Holdings *holdings, const void *key) {
  if (!holdings->bucket_count) return NULL;
  Holding *holding = *bucket_of(holdings, key);
  while (holding && holding->key != key) holding = holding->next;
  return holding;
}

// What there is no memory to grow for stays as it is: its buckets get longer.
static bool grow(Holdings *holdings) {
  Holdings grown = *holdings;
  grown.bucket_count = holdings->bucket_count ? holdings->bucket_count * 2 : BUCKETS_MIN;
  grown.buckets = memory_alloc(grown.bucket_count * sizeof *grown.buckets);
  if (!grown.buckets) return holdings->bucket_count;
  memset(grown.buckets, 0, grown.bucket_count * sizeof *grown.buckets);
  for (u32 i = 0; i < holdings->bucket_count; i++) {
    for (Holding *holding = holdings->buckets[i], *next; holding; holding = next) {
      next = holding->next;
      Holding **bucket = bucket_of(&grown, holding->key);
      holding->next = *bucket;
      *bucket = holding;
    }
  }
  memory_free(holdings->buckets, holdings->bucket_count * sizeof *holdings->buckets);
  holdings->buckets = grown.buckets;
  holdings->bucket_count = grown.bucket_count;
  return true;
}

static Holding *add(Holdings *holdings, const void *key, const SharedBlock *block, u64 bytes) {
  if (holdings->count == holdings->bucket_count && !grow(holdings)) return NULL;
  Holding *holding = memory_alloc(sizeof *holding);
  if (!holding) return NULL;
  Holding **bucket = bucket_of(holdings, key);
  *holding = (Holding){.next = *bucket, .key = key, .block = block, .bytes = bytes + sizeof *holding};
  *bucket = holding;
  holdings->count++;
  return holding;
}

static void take_out(Holdings *holdings, Holding *holding) {
  Holding **link = bucket_of(holdings, holding->key);
  while (*link != holding) link = &(*link)->next;
  *link = holding->next;
  holdings->count--;
}

// Adds what a new holding keeps alive, and the bank doesn't hold yet, behind it. False when memory is out.
static bool add_older(Holdings *holdings, Holding *first) {
  Holding *last = first;
  for (Holding *holding = first; holding; holding = holding->later) {
    for (u32 i = 0; holding->block && i < holding->block->older_count; i++) {
      const SharedBlock *older = holding->block->older[i];
      if (find(holdings, older)) continue;
      if (!(last->later = add(holdings, older, older, older->charge))) return false;
      last = last->later;
    }
  }
  return true;
}

static void count_older(Holdings *holdings, const Holding *holding) {
  for (u32 i = 0; holding->block && i < holding->block->older_count; i++) find(holdings, holding->block->older[i])->count++;
}

static void undo(Holdings *holdings, Holding *holding) {
  for (Holding *later; holding; holding = later) {
    later = holding->later;
    take_out(holdings, holding);
    memory_free(holding, sizeof *holding);
  }
}

// Nothing is counted before everything has been added and charged, so that whatever fails can be undone.
static bool hold_first(Worker *worker, Bank *bank, const void *key, const SharedBlock *block, u64 bytes) {
  Holdings *holdings = &bank->holdings;
  Holding *first = add(holdings, key, block, bytes);
  if (!first) return false;
  bool held = add_older(holdings, first);
  u64 charge = 0;
  for (Holding *holding = first; holding; holding = holding->later) charge += holding->bytes;
  if (!held || !account_take(worker, bank_account(bank, worker), charge)) {
    undo(holdings, first);
    return false;
  }
  first->count = 1;
  for (Holding *holding = first; holding; holding = holding->later) count_older(holdings, holding);
  return true;
}

static bool hold_locked(Worker *worker, Bank *bank, const void *key, const SharedBlock *block, u64 bytes) {
  Holdings *holdings = &bank->holdings;
  spin_lock(&holdings->lock);
  worker->locked++;
  Holding *holding = find(holdings, key);
  if (holding) holding->count++;
  bool held = holding || hold_first(worker, bank, key, block, bytes);
  worker->locked--;
  spin_unlock(&holdings->lock);
  return held;
}

static bool hold(Worker *worker, Bank *bank, const void *key, const SharedBlock *block, u64 bytes) {
  if (LIKELY(hold_locked(worker, bank, key, block, bytes))) return true;
  return release_for_room(worker) && hold_locked(worker, bank, key, block, bytes);
}

// Takes one count, and those of what is held no more for it. The bytes that come back.
static u64 let_go(Holdings *holdings, const void *key) {
  Holding *dead = find(holdings, key);
  if (!dead) BUG("a bank lets go of what it doesn't hold");
  if (--dead->count) return 0;
  dead->later = NULL;
  u64 bytes = 0;
  for (Holding *holding; (holding = dead);) {
    dead = holding->later;
    for (u32 i = 0; holding->block && i < holding->block->older_count; i++) {
      Holding *older = find(holdings, holding->block->older[i]);
      if (--older->count) continue;
      older->later = dead;
      dead = older;
    }
    bytes += holding->bytes;
    take_out(holdings, holding);
    memory_free(holding, sizeof *holding);
  }
  return bytes;
}

static void unhold(Worker *worker, Bank *bank, const void *key) {
  spin_lock(&bank->holdings.lock);
  u64 bytes = let_go(&bank->holdings, key);
  spin_unlock(&bank->holdings.lock);
  if (bytes) account_give(bank_account(bank, worker), bytes);
}

bool bank_hold(Worker *worker, Bank *bank, SharedBlock *block) { return !bank || hold(worker, bank, block, block, block->charge); }

void bank_unhold(Worker *worker, Bank *bank, SharedBlock *block) {
  if (bank) unhold(worker, bank, block);
}

static bool is_small(const Storage *storage) { return storage_words(storage) < SHARE_WORDS; }

bool bank_hold_storage(Worker *worker, Bank *bank, const Storage *storage) {
  u64 bytes = storage_bytes(storage);
  return is_small(storage) ? bank_take(worker, bank, bytes) : !bank || hold(worker, bank, storage, NULL, bytes);
}

void bank_unhold_storage(Worker *worker, Bank *bank, const Storage *storage) {
  if (is_small(storage)) bank_give(worker, bank, storage_bytes(storage));
  else if (bank) unhold(worker, bank, storage);
}

void holdings_close(Holdings *holdings) {
  if (holdings->count) BUG("%u blocks are still held by a bank", holdings->count);
  memory_free(holdings->buckets, holdings->bucket_count * sizeof *holdings->buckets);
  *holdings = (Holdings){0};
}
