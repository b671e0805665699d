// The examples in doc comments, as tests: what stands between ``` lines of a `///` or `//!` comment is run by `deed test`.
#pragma once
#include "bytecode/base.h"

// A module text that has one `test` for each example in `source`, or an empty Str if there is none. Its lines are those of
// `source`, so that diagnostics and reports point at the comment. `expr  // => value` becomes `assert show(expr) == show(value)`,
// which serves values that only their own module can compare too. Declarations may lead an example, and its imports are
// gathered; with `import_self` the module itself is imported as well.
Str doctest_extract(Str source, Str module, bool import_self);
