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
  bool counted;
  bool handles;              // there are some
  bool blobs;                // there are Bytes with storage
  Bank *from, *to;           // what is owned was the former's, and copies are charged to the latter; NULL: to nobody
} Copier;

// While a copy is made the header of each original is a marker: where its copy comes, in words from some base.
static inline u64 marker_of(u64 offset) { return offset << 1; }
static inline u64 marker_offset(u64 marker) { return marker >> 1; }

// Pass 1. False when memory is out, or the graph is beyond what a chunk can hold: headers are as they were. The other fields of the
// copier say how to measure; they stay.
bool copier_measure(Copier *c, const Val *vals, u32 count) MUST_CHECK;
// Puts headers back: nothing is copied.
void copier_undo(Copier *c);
// Where the copy of the log's i-th object comes.
u64 copier_place(const Copier *c, u32 i);
void copier_move(const Copier *c, u32 i, u64 offset);
// Of storage behind Bytes among the objects to copy: each in full.
u64 copier_bytes_held(const Copier *c);
// Passes 2 and 3, after which only copier_tidy() is left to do. The copies lie at their offsets from `to`, and have these flags.
void copier_fill(Copier *c, u64 *to, const Val *vals, u32 count, Val *out, u64 flags);
void copier_tidy(const Copier *c);

// ---- freeze.c ----

// Measures what the running actor sends. What is large and may be shared is frozen first, so that it needs no room.
bool copier_measure_sent(Copier *c, const Val *vals, u32 count) MUST_CHECK;
