// A collection's state, and major collections in steps. gc.c does the work, collect.c says when; docs/memory.md argues for both.
#pragma once
#include "vm/engine.h"
#include "vm/gc.h"

// What both sorts of collection know.
typedef struct Collector {
  Worker *worker;
  Heap *heap;           // NULL until the first survivor of an actor that has none
  const u64 *fragment;  // minor: young too; major: of a guard, left alone
  u64 fragment_bytes;
  bool failed;          // memory ran out: nothing more is moved
  Chunk *done;          // chunks that are scanned, newest first, and what else the heap keeps
  Chunk *scan;          // the rest of to-space, oldest first: what is before scan->words[scan_at] is done …
  Chunk *fill;          // … to the one being filled
  u32 scan_at;
  u64 slot_at;          // of the array at scan_at: elements before this one are done
  u64 moved;            // words, large objects included
  u64 enlarged;         // of them, in objects that became large ones
  u64 outside;          // words of storage behind Bytes that were moved
  u64 elements;         // of arrays of vals
  u64 base;             // words that the heap holds besides
  u64 frame_words;      // of the frames visited
} Collector;

typedef enum CollectPhase {
  COLLECT_FRAMES,   // the turn's frames are roots
  COLLECT_SCAN,
  COLLECT_LARGE,    // large objects are swept
  COLLECT_RELEASE,  // from-space is freed, and counts in it are given back
  COLLECT_DONE,
} CollectPhase;

// A major collection.
typedef struct Collection {
  Steps steps;
  Collector c;
  CollectPhase phase;
  i64 left;             // words of work in this step
  bool frames;          // there are roots in the turn
  bool keeps_guard;     // a guard's garbage may remain
  FramePlace frame;     // the next root
  LargeObj **link;      // the next to be swept
  Chunk *from;          // what is left of from-space
  u64 release_at;       // in its first chunk
  Message *lost;        // of sessions found dead, to be told when all are known
} Collection;

enum {
#ifdef DEED_STRESS
  COLLECT_STEP_WORDS = 64,        // of work in a step
  COLLECT_AT_ONCE_WORDS = 192,    // heaps of fewer words are collected in one go
#elif defined(DEED_WALK)
  COLLECT_STEP_WORDS = 512,
  COLLECT_AT_ONCE_WORDS = 2 * 1024,
#else
  COLLECT_STEP_WORDS = 8 * 1024,
  COLLECT_AT_ONCE_WORDS = 16 * 1024,
#endif
};

// ---- gc.c ----
// Begins to collect the heap of the worker's actor, with the worker's turn as root if `frames`.
void gc_begin(Collection *collection, Worker *worker, bool frames);
// Goes on for about so many words of work. True if all is done.
bool gc_step(Collection *collection, Worker *worker, i64 words);

// It is given up, from-space is gone: what was moved becomes the heap's, which is about to be freed.
void gc_abandon(Collection *collection);

// ---- collect.c ----
// The next step for an actor whose turn, if it has one, is put aside. True if a slice's worth has been done since its last turn in line.
bool collect_step(Worker *worker, Actor *actor);
