// Natives in steps: one whose work grows with its data does not hold its worker up, but is preempted like a loop.
//
// A native that has used up the slice, and is not done, notes how far it has come in a record of the turn and returns false with the fault
// FAULT_PAUSE. The turn stands at the same instruction as before, in its caller's frame, and is put aside like any that is preempted; in
// its next slice the instruction is begun once more, and the native finds its record and goes on. The instruction's registers are what they
// were, for nothing else has run in the turn. The record belongs to the turn: whatever ends that frees it, and its bank pays for it.
//
//   bool native_string_len(Worker *worker, u64 *args) {
//     const Work *work = work_begun(worker);                  // NULL: this is the beginning
//     u64 at = work ? work->at : 0;
//     while (…) {
//       … a block more …
//       worker->reductions -= …;                              // what that has cost
//       if (work_is_over(worker)) return work_pause_at(worker, at, …);
//     }
//     args[0] = …;
//     return work_end(worker);
//   }
//
// Each step does a block at least, so that all comes to an end. What is short never sees a record. Where nothing can be put
// aside (constants being computed, native actors) all is done in one go. docs/memory.md#steps
#pragma once
#include "vm/engine.h"
#include "vm/gc.h"
#include "vm/native.h"

enum {
  WORK_KEPT = 2,
#ifdef DEED_STRESS
  WORK_STEP = 1,
  WORK_BYTES = 64,
  WORK_ITEMS = 8,
#else
  WORK_STEP = 1000,         // reductions: what an actor gets in place of a slice while its native is not done
  WORK_BYTES = 64 * 1024,   // that are moved between two looks at the clock
  WORK_ITEMS = 512,         // elements, cells, characters: whatever takes some ns for each
#endif
};

typedef struct Compare Compare;

typedef struct Work {
  Bank *payer;
  Val kept[WORK_KEPT];      // roots of the collector, VAL_EMPTY at first
  u64 at, done, count;      // as the native likes, 0 at first
  // Memory of the native's own may point to objects: nothing young is left, and none is collected before it is done with them.
  bool still;
  Chunk *space;             // that memory, newest first
  void *own;                // the native's beginning there
  Compare *compare;         // a comparison's (compare.h)
  u64 space_bytes;
  i64 slice_left;           // reductions until the actor has used up a slice
} Work;

static inline Work *work_begun(const Worker *worker) { return worker->turn ? worker->turn->work : NULL; }

// The slice is used up, and a native may stop here.
static inline bool work_is_over(const Worker *worker) { return UNLIKELY(worker->reductions <= 0) && worker->puts_aside; }
static inline bool work_paused(const Worker *worker) { return worker->fault == FAULT_PAUSE; }

// The turn's record, made if there is none. NULL with a fault.
Work *work_record(Worker *worker) MUST_CHECK;
// The native is interrupted, having noted all in its record; or these figures, or values. False.
bool work_pause(Worker *worker);
bool work_pause_at(Worker *worker, u64 at, u64 count);
bool work_pause_kept(Worker *worker, Val first, Val second);
// What the native itself notes, so many bytes, becomes the record's `own`, if it isn't yet: where it is from now on. NULL with a fault.
void *work_keep(Worker *worker, void *own, size_t bytes) MUST_CHECK;
void work_free(Worker *worker, Turn *turn);
// It is done. True.
static inline bool work_end(Worker *worker) {
  if (UNLIKELY(work_begun(worker) != NULL)) work_free(worker, worker->turn);
  return true;
}
void work_each(Turn *turn, SlotVisit visit, void *context);  // the roots in the turn's record

// Sees to it that the record may point to objects. False with a fault, or because the heap is to be collected first. May collect.
bool work_be_still(Worker *worker, Work *work) MUST_CHECK;
// A chunk of `words` more, the record's until it goes. NULL when memory is out.
Chunk *work_space(Worker *worker, Work *work, u32 words) MUST_CHECK;
void work_space_free(Worker *worker, Work *work);
// All but the oldest chunk goes, in steps: at the end what is left is little, even if the bank is too full to leave anything waiting.
bool work_shrink(Worker *worker, Work *work) MUST_CHECK;

// ---- Texts being made -----------------------------------------------------------------------------------------------
// A String or Bytes of known length is there from the beginning, and filled in steps. Interrupted, it stands in kept[0].

typedef struct Making {
  Worker *worker;
  Obj *text;
  u64 done;  // bytes of it that are there; Work.done
  u64 at;    // and of the part that is being copied; Work.at
} Making;

// Begins, or goes on. False with a fault. May collect; until it is done, or interrupted, nothing else may.
bool making_begin(Making *making, Worker *worker, Kind kind, u64 length) MUST_CHECK;
// Copies a part, or what is left of it. False: the slice is over, and making_pause() is to come.
bool making_add(Making *making, Str part) MUST_CHECK;
// Notes it, with the value in kept[1] and the count. False.
bool making_pause(const Making *making, Val kept, u64 count);
// All of that: the bytes `from` to `to` of the text in *source, as a text of their own. If it goes on, `from` and `to` are what they were.
bool making_copy(Worker *worker, Kind kind, const u64 *source, u64 from, u64 to, u64 *result) MUST_CHECK;
static inline bool making_goes_on(const Worker *worker) {
  const Work *work = work_begun(worker);
  return UNLIKELY(work != NULL) && work->kept[0] != VAL_EMPTY;
}
// The bytes not yet made.
static inline char *making_place(const Making *making) { return (char *)making->text->words + making->done; }
// The text is done, and has its root elsewhere: the next may begin.
static inline void making_end(Worker *worker) {
  Work *work = worker->turn ? worker->turn->work : NULL;
  if (LIKELY(!work)) return;
  work->kept[0] = VAL_EMPTY;
  work->done = work->at = 0;
}

// Of unknown length: what each slice has added to the worker's scratch text joins a list of pieces, which become a string in the end. So it
// never grows by being copied.
typedef struct TextPiece TextPiece;
typedef struct Pieces {
  TextPiece *first, *last;  // all but the last are full
  u64 length;
  u64 left;                 // of that, not yet in the string
} Pieces;

// The scratch text joins them. False when memory is out.
bool pieces_keep(Pieces *pieces, Worker *worker, Work *work) MUST_CHECK;
// They become a String, in steps: this ends the record.
bool pieces_join(Pieces *pieces, Worker *worker, u64 *to) MUST_CHECK;
