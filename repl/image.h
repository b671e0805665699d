// A program on its way into the VM: source, assembly, a module file or a bundle, as verified modules in dependency order.
#pragma once
#include "bytecode/verify.h"
#include "repl/library.h"

typedef enum ImageKind {
  IMAGE_SOURCE,    // compiled here
  IMAGE_ASSEMBLY,  // .dasm
  IMAGE_MODULE,    // .deedm with one module
  IMAGE_BUNDLE,    // .deedm with several: see image_pack()
} ImageKind;

typedef struct ProgramImage {
  Str path;  // as shown to people
  ImageKind kind;
  VEC(Module *) modules;           // imported ones before their importers; the last is the program
  VEC(const Verified *) verified;  // filled by image_verify(), parallel to modules
} ProgramImage;

typedef struct ImageOptions {
  bool tests;  // keep `test` blocks
  bool alone;  // for looking only: leave out what a module file imports
} ImageOptions;

// Fills *image from a file ("-": standard input), or from a Source whose imports are looked for in `folder`. Gives
// EXIT_FINE, or the exit code after messages to stderr.
int image_open(ProgramImage *image, const char *path, ImageOptions options) MUST_CHECK;
int image_compile(ProgramImage *image, Source *main, Str folder, ImageOptions options) MUST_CHECK;

// Verifies every module, the library's too. EXIT_FINE, or EXIT_FAILED with *error filled and *culprit set; a refusal of
// something that the compiler made is reported as a bug, with EXIT_BUG.
int image_verify(ProgramImage *image, VerifyError *error, const Module **culprit) MUST_CHECK;
int image_verify_loudly(ProgramImage *image) MUST_CHECK;  // the same, and says what was refused on stderr

const Verified *image_program(const ProgramImage *image);  // the last module

// "reason-name: message (function F, word W)"
Str verify_error_text(const VerifyError *error);

// The program's own modules, those of the library left out, as one run of bytes: a module file if there is one, else a bundle.
Str image_pack(const ProgramImage *image);
bool image_is_library(const Module *module);

// Reads a source text, checked to be UTF-8. EXIT_FINE, or the exit code after a message.
int image_read_source(const char *path, Source **source) MUST_CHECK;

int image_assemble(Source *source, Module **module) MUST_CHECK;  // the same of assembly text

// The rest of front_compile()'s errors: what the loader met.
bool image_report(Diags *diags, const Files *files);  // true if there were errors
