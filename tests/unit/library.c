// repl/library.c, repl/doctest.c and repl/files.c: where modules come from, and the examples in their comments.
#include "repl/library.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "repl/doctest.h"
#include "repl/files.h"

Test(library, paths) {
  cr_assert(str_eq(path_folder(STR("a/b.deed")), STR("a")));
  cr_assert(str_eq(path_folder(STR("b.deed")), STR(".")));
  cr_assert(str_eq(path_folder(STR("/b.deed")), STR("/")));
  cr_assert(str_eq(path_stem(STR("a/b.deed")), STR("b")));
  cr_assert(str_eq(path_stem(STR("a.x/b")), STR("b")));
  cr_assert(str_eq(path_stem(STR(".deed")), STR(".deed")));
}

Test(library, holds_the_prelude) {
  LibraryModule module;
  cr_assert(library_find(STR("prelude"), &module));
  cr_assert_gt(module.text.len, 100);
  cr_assert(library_find((Str){"listless", 4}, &module));
  cr_assert_not(library_find(STR("lis"), &module));
  cr_assert_not(library_find(STR(""), &module));
  cr_assert_not(library_find(STR("list.deed"), &module));
}

Test(doctest, keeps_line_numbers) {
  Str text = doctest_extract(STR("//! m\n\n/// Adds.\n///\n/// ```\n/// add(1, 2)  // => 3\n/// let x = 1\n/// ```\npub fn add(a, b) { a + b }\n"),
                             STR("m"), true);
  cr_assert_str_eq(text.ptr, "\n\n\n\n\ntest \"m.add, line 6\" { assert show(add(1, 2)) == show(3)\nlet x = 1\n}\n\nimport m\n");
}

Test(doctest, declarations_and_imports_lead) {
  Str text = doctest_extract(STR("/// ```\n/// import list\n/// fn f() {\n///   1\n/// }\n/// f()  // => 1\n/// ```\nlet x = 1\n"), STR("m"), false);
  cr_assert_str_eq(text.ptr, "\n\nfn f() {\n  1\n}\ntest \"m.x, line 6\" { assert show(f()) == show(1)\n}\n\nimport list\n");
}

Test(doctest, none) { cr_assert_eq(doctest_extract(STR("/// text\npub fn f() { 1 }\n"), STR("m"), true).len, 0); }

Test(files, reads_and_writes_all_or_nothing) {
  Str path = str_format("/tmp/deed-unit-%d", (int)getpid()), bytes, error;
  cr_assert(file_write(path.ptr, STR("abc"), &error));
  cr_assert(file_read(path.ptr, &bytes, &error));
  cr_assert(str_eq(bytes, STR("abc")));
  unlink(path.ptr);
  cr_assert_not(file_read(path.ptr, &bytes, &error));
  cr_assert(strstr(error.ptr, "No such file"));
  cr_assert_not(file_read("/tmp", &bytes, &error));
  cr_assert_not(file_write("/nowhere/x", STR("abc"), &error));
  cr_assert_not(file_write("/dev/full", STR("abc"), &error));
}
