// The machine that a program runs on.
#pragma once
#include "bytecode/base.h"

// How much actors may hold together if nobody says: 7/8 of the memory of the machine, or of this process's control group. 0: it can't be
// found out.
u64 node_memory(void);
