// What passes from one bank to another: messages, answers, and what lies outside the heap behind their handles. docs/charging.md
//
// A block that stands alone, a message or a promise's chunk, says who pays for it. The same bank pays for the storage of the Bufs and Arrays
// in it, and holds the blocks that it points into. When such a block reaches a heap of that bank nothing changes; of another one, all
// of it is charged there first, and only then given back here: what is refused has not moved.
#pragma once
#include "vm/bank.h"
#include "vm/shared.h"
#include "vm/storage.h"

// Charges `bytes`, and what the objects in words[0..used) own and hold, to another bank. False: it is refused, or memory is out.
bool charge_move(Worker *worker, u64 *words, u64 used, u64 bytes, Bank *from, Bank *to) MUST_CHECK;
// Of a chunk that stands alone. One that nobody pays for was made by a native: what it owns is the root bank's.
bool charge_chunk(Worker *worker, Chunk *chunk, Bank *to) MUST_CHECK;
