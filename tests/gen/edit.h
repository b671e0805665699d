// A function's code taken apart, so that instructions can be moved about while jumps keep their targets.
#pragma once
#include "tests/gen/change.h"

typedef struct Piece {
  u64 *words;     // owned by the edit
  u32 length;
  u32 target_count;
  i32 *targets;   // of the instruction's jumps, as indices of pieces
} Piece;

typedef struct Edit {
  Pond *pond;
  const Module *module;
  Function *function;    // changed by edit_close()
  Piece *pieces;
  u32 count, capacity;
} Edit;

// A place for a register number in an instruction.
typedef struct Place {
  u64 *word;
  u32 shift;
} Place;

enum { PLACES = 64 };

bool edit_open(Edit *edit, Pond *pond, const Module *module, Function *function);
bool edit_close(Edit *edit);  // false: the code cannot be laid out so, the function is as it was

bool edit_insert(Edit *edit, u32 at, Piece piece);  // jumps to what stood at `at` or behind still lead there
void edit_remove(Edit *edit, u32 at);
bool piece_copy(Edit *edit, const Piece *from, Piece *copy);

// The registers that an instruction names, the first PLACES of them.
u32 piece_registers(const Piece *piece, Place places[PLACES]);
static inline u16 place_get(Place place) { return (u16)(*place.word >> place.shift); }
static inline void place_set(Place place, u16 reg) {
  *place.word = (*place.word & ~((u64)0xffff << place.shift)) | (u64)reg << place.shift;
}
