// Comparing in steps: what instructions and natives use that may be interrupted (work.h). val_compare() does all in one go.
#pragma once
#include "vm/work.h"

// Before the values are read: what an interrupted comparison remembers lasts from now on. False with a fault. May collect.
bool val_order_prepare(Worker *worker) MUST_CHECK;
// As val_compare(); 0 with a fault if it is interrupted, or memory is out. Begun once more with the same values it goes on. The record
// remains: work_end() when all is done.
int val_order(Worker *worker, Val a, Val b);
