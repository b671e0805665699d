// The copier's inside: what copy.c and freeze.c say to each other. heap.h is the face.
#pragma once
#include "vm/gc.h"
#include "vm/shared.h"

typedef struct CopyEntry {
  Obj *obj;
  u64 header;
} CopyEntry;

// A copy being made. The worker has what is large: the log of the objects to copy, breadth first (copy_log), the blocks that
// copies will point into (copy_blocks), and the places of objects that must not be written (copy_places).
typedef struct Copier {
  Worker *worker;
  const Heap *heap;          // whose frozen originals are known; may be NULL
  const SharedBlock *family; // whose objects are copied too, instead of pointed to; usually NULL
  SharedBlock *last;         // the block met last
  u32 count;                 // of the log
  u64 words;                 // measured so far
  u64 elements;              // of arrays of vals
  u64 most;                  // words: what has more is not measured, and `exceeded` says so. 0: no limit
  u32 next;                  // in steps: entries of the log before this one are done,
  u64 slot;                  // and of this one so many slots
  bool counted;
  bool handles;              // there are some
  bool exceeded;
  bool blobs;                // there are Bytes with storage
  Bank *from, *to;           // what is owned was the former's, and copies are charged to the latter; NULL: to nobody
} Copier;

// While a copy is made the header of each original is a marker: where its copy comes, in words from some base.
static inline u64 marker_of(u64 offset) { return offset << 1; }
static inline u64 marker_offset(u64 marker) { return marker >> 1; }

// Pass 1. False when memory is out, or the graph is beyond what a chunk can hold: headers are as they were. The other fields of the
// copier say how to measure; they stay.
bool copier_measure(Copier *c, const Val *vals, u32 count) MUST_CHECK;
// The same in steps: begins; goes on as far as `*left` words of work allow, until `next` has come to the end of the log. False when memory
// is out. Headers stay as they are then.
bool copier_begin(Copier *c, const Val *vals, u32 count) MUST_CHECK;
bool copier_measure_some(Copier *c, i64 *left) MUST_CHECK;
// Puts headers back: nothing is copied.
void copier_undo(Copier *c);
// Where the copy of the log's i-th object comes.
u64 copier_place(const Copier *c, u32 i);
void copier_move(const Copier *c, u32 i, u64 offset);
// Passes 2 and 3, after which only copier_tidy() is left to do. The copies lie at their offsets from `to`, and have these flags.
void copier_fill(Copier *c, u64 *to, const Val *vals, u32 count, Val *out, u64 flags);
void copier_tidy(const Copier *c);
// In steps, each from entry `next` on: makes the copies at their offsets from `to`; puts headers back, and takes the counts of copies unless
// `to` is NULL. What stands for a value among the copies, as long as headers are not put back.
void copier_fill_some(Copier *c, u64 *to, u64 flags, i64 *left);
void copier_restore_some(Copier *c, u64 *to, i64 *left);
Val copier_copy_of(const Copier *c, u64 *to, Val v);

// ---- freeze.c ----

#ifdef DEED_STRESS
enum { FREEZE_AT_ONCE_WORDS = 96 };
#else
enum { FREEZE_AT_ONCE_WORDS = 16 * 1024 };  // what has more is frozen in steps
#endif

// Where copies come in a block, one after the other. Offsets in bytes.
typedef struct Layout {
  u64 at;     // where the next one comes at the earliest
  u64 start;  // where the first one begins,
  u64 end;    // and the last one ends
} Layout;

typedef enum FreezePhase {
  FREEZE_NEXT,      // the value at `index` is the next
  FREEZE_MEASURE,
  FREEZE_LAY_OUT,
  FREEZE_FILL,
  FREEZE_RESTORE,   // the block is whole: headers are put back, counts taken
  FREEZE_UNDO,      // headers are put back, nothing else has happened
  FREEZE_DONE,
} FreezePhase;

// What an actor is about to send, being frozen in steps while it is put aside.
typedef struct Freezing {
  Steps steps;
  Copier c;
  FreezePhase phase;
  u32 index;                // among what is sent
  bool again;               // after FREEZE_UNDO: to be measured again, with the family
  // The worker's own while a step runs.
  struct CopyEntry *log;
  u32 capacity;
  AddressMap blocks, places;
  Layout layout;
  SharedBlock *block;       // being filled
  SharedBlock *grown;       // the family to measure again with
  Val copy;                 // in the block
  const Code *answered;     // of an answer: the code of the frame that holds it, for which `frame` stands meanwhile
  Code frame;
  u64 frame_map[1];
} Freezing;

// For the running turn, which repeats its instruction once all is done. NULL when memory is out.
Freezing *freezing_new(Worker *worker) MUST_CHECK;
// Its turn has been put aside: ties it to the actor's heap, if there is one, or gives it up.
void freezing_attach(Worker *worker, Actor *actor, Freezing *freezing);
void freezing_forget(Worker *worker, Freezing *freezing);  // instead: the running turn is about to go. May be NULL
// Goes on for so many words of work, of which `*left` are left. True if all is done.
bool freezing_step(Worker *worker, Actor *actor, i64 *left);
// The actor has ended. True if headers are as they were, and all is gone.
bool freezing_abandon(Worker *worker, Heap *heap, i64 *left);

// Measures what the running actor sends. What is large and may be shared is frozen first, so that it needs no room.
bool copier_measure_sent(Copier *c, const Val *vals, u32 count) MUST_CHECK;
