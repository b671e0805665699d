// What load.c and link.c share: the memory of images, and the linker's call.
#pragma once
#include "vm/linked.h"
#include "vm/load.h"

// A block of image memory. Images are made of many small tables that die together.
typedef struct ImageBlock {
  struct ImageBlock *next;
  size_t size;   // of the whole block
  size_t used;
  max_align_t bytes[];
} ImageBlock;

struct Images {
  Image *last;               // newest first, linked by next
  ImageBlock *blocks;
  Chunk *constants;          // immortal objects: the modules' `let`s
  u32 well_known[WK_COUNT];  // descriptor ids; 0: its module isn't loaded
};

// Zeroed; NULL when memory is out.
void *image_alloc(Images *images, size_t size) MUST_CHECK;
#define image_new(images, T, n) ((T *)image_alloc(images, sizeof(T) * (size_t)(n)))

// Links one function of the image's module. The image's tables are complete; its codes need not be. False and *error (compiler memory) if it can't be.
bool link_function(Images *images, const Image *image, u32 index, Code *code, Str *error) MUST_CHECK;

// The class and the interface of a SPAWN or SELF, resolved.
const Itable *image_itable(const Image *image, u32 actor, TypeId interface);
