// What a bank holds of blocks that several actors share: shared blocks (shared.h), and large storage of Bytes. Each is charged in full to
// every bank of which an actor, a message or a promise holds it, once, however many of them do; docs/charging.md argues for that.
//
// A bank counts its holders of each block in a table with a lock. Whoever holds a block keeps the older blocks alive into which it points: the
// table holds those too, or a chain of blocks, each a little larger than the one before, would cost its owner no more than the last.
#pragma once
#include "vm/shared.h"
#include "vm/spin.h"

typedef struct Storage Storage;
typedef struct Holding Holding;

// All zero: empty.
typedef struct Holdings {
  Holding **buckets;
  u32 bucket_count;  // a power of two, or 0
  u32 count;
  Spin lock;
} Holdings;

// One more holder of a block; the first is charged. False: memory is out, or a limit would be passed.
bool bank_hold(Worker *worker, Bank *bank, SharedBlock *block) MUST_CHECK;
// One holder less. While the block still exists.
void bank_unhold(Worker *worker, Bank *bank, SharedBlock *block);
// The same for handles of Bytes. Storage of less than SHARE_WORDS is charged to each handle.
bool bank_hold_storage(Worker *worker, Bank *bank, const Storage *storage) MUST_CHECK;
void bank_unhold_storage(Worker *worker, Bank *bank, const Storage *storage);
// Gives back the table's own memory.
void holdings_close(Holdings *holdings);
