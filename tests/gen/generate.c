#include "tests/gen/generate.h"
Str program_text(u64 seed, ProgramOptions options) { return STR("fn main(out: Out) { out ! line(\"hi\") }\n"); }
