// Reading and writing whole files, with errors that a person can act on.
#pragma once
#include "bytecode/base.h"

// The file's bytes in compiler memory, a NUL past the end; "-" is standard input. False and *error (one sentence) if it
// can't be read, is a directory, or is larger than any program may be.
bool file_read(const char *path, Str *bytes, Str *error) MUST_CHECK;

// Writes all or nothing: to a file beside `path` that then takes its place. What is no ordinary file (a device, a pipe) is
// written in place; "-" is standard output. False and *error if not every byte arrived.
bool file_write(const char *path, Str bytes, Str *error) MUST_CHECK;

bool file_make_folder(const char *path, Str *error) MUST_CHECK;  // with its parents; fine if it is there
