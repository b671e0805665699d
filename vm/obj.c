// The table of all constructors, by descriptor id: see obj.h. The loader fills it.
#include "vm/obj.h"

Desc **desc_table;
