// Loading: what a Vm keeps of the modules linked into it.
//
// images_load() takes a verified module, makes its Image, and computes its `let`s in an actor of the loader's own. All of it is
// immutable afterwards; nothing is freed before images_free(). One thread loads, before the workers run.
#pragma once
#include "vm/native.h"

typedef struct Images Images;

Images *images_new(void);           // NULL when memory is out
void images_free(Images *images);   // after the last actor

// Links `verified`, whose imports were linked before. `worker` runs the module's constants: it has a nursery and no actor, and
// worker->images is `images`. False and *error (compiler memory) if the module needs what this VM lacks, or a constant fails.
bool images_load(Images *images, Worker *worker, const Verified *verified, Str *error) MUST_CHECK;

Image *images_find(const Images *images, Str module);       // NULL if it isn't loaded
Image *images_last(const Images *images);                   // the one loaded last, or NULL

// The declaration that entry `index` of the image's interfaces stands for, in its home module: what itables are keyed by.
const InterfaceDef *image_interface(const Image *image, u32 index);
// The same by name, for the library's own powers ("prelude", "Out"); NULL if there is none.
const InterfaceDef *images_interface(const Images *images, Str module, Str name);

// The itable of a loaded class for one of the interfaces that it declares; NULL if it does not.
const Itable *class_itable(const Class *class, const InterfaceDef *interface);

void itables_free(void);  // by images_free()

// The code word of the function's declaration that linked word `pc` belongs to.
u32 code_word_of(const Code *code, const u64 *pc);
