// What the kernel counts, as against what was handed out: see resident.c.
#pragma once
#include "bytecode/base.h"

u64 resident_bytes(void);  // of the process, in memory; 0 if it can't be told
// From now on the process is to grow by about so many bytes at most; 0: as it likes.
void resident_limit(u64 bytes);
// So many bytes more have been handed out than came back. Any thread.
void resident_risen(u64 bytes);
// An allocation of `size` bytes is to fail, because the process would grow beyond its limit.
bool resident_refuses(size_t size) MUST_CHECK;
