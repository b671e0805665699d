// Module files (.deedm): a bounded writer and reader. The format is in docs/format.md.
#pragma once
#include "bytecode/diag.h"
#include "bytecode/module.h"

// The module's bytes, in compiler memory. Deterministic: equal modules give equal bytes.
Str modfile_write(const Module *module);

// NULL and *reason (one sentence with the byte offset) if the bytes are no well-formed module. Never trusts a length, never
// recurses without bound. Passing here says nothing about safety: that is verify_module()'s.
Module *modfile_read(Str bytes, Str *reason);

bool modfile_is_module(Str bytes);  // begins with the magic

// The hash over everything in a module file but the hash itself (bytes 8 to 15), as its header must hold it: what
// Import.hash records. It finds damage and stale builds; it is no protection against somebody who means harm.
u64 modfile_content_hash(Str bytes);
