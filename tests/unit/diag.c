// bytecode/diag.c: places, collecting, rendering, nearest names.
#include "bytecode/diag.h"

#include <criterion/criterion.h>

static Source source(const char *text) { return (Source){.path = STR("x.deed"), .text = str_from(text)}; }

Test(diag, lines_and_columns_count_scalars) {
  Source s = source("ab\n\xc3\xa9\xe2\x82\xacz\n");
  LineCol at = source_line_col(&s, 0);
  cr_assert(at.line == 1 && at.col == 1);
  at = source_line_col(&s, 2);
  cr_assert(at.line == 1 && at.col == 3);
  at = source_line_col(&s, 8);
  cr_assert(at.line == 2 && at.col == 3, "%u:%u", at.line, at.col);
  at = source_line_col(&s, (u32)s.text.len);
  cr_assert_eq(at.line, 3);
}

Test(diag, equal_ones_are_kept_once) {
  Source s = source("let = 3\n");
  Diags diags = {0};
  Diag *first = diag_add(&diags, DIAG_E0001, &s, (Span){4, 5}, "one");
  cr_assert_eq(diag_add(&diags, DIAG_E0001, &s, (Span){4, 5}, "two"), first);
  cr_assert_eq(diags.errors, 1);
  cr_assert(diag_is_error(first));
  cr_assert_str_eq(diag_code_text(DIAG_E0001), "E0001");
}

Test(diag, rendering_shows_place_caret_and_hint) {
  Source s = source("fn main() {\n  let = 3\n}\n");
  Diags diags = {0};
  diag_hint(diag_add(&diags, DIAG_E0001, &s, (Span){18, 19}, "a name is missing"), "write a name");
  Text out = {0};
  diags_render(&diags, &out, false);
  cr_assert(strstr(out.ptr, "E0001"));
  cr_assert(strstr(out.ptr, "x.deed:2:7"), "%s", out.ptr);
  cr_assert(strstr(out.ptr, "let = 3"));
  cr_assert(strstr(out.ptr, "^"));
  cr_assert(strstr(out.ptr, "write a name"));
  cr_assert_null(strchr(out.ptr, '\033'));
  Text colored = {0};
  diags_render(&diags, &colored, true);
  cr_assert(strchr(colored.ptr, '\033'));
}

Test(diag, json_is_one_line_each) {
  Source s = source("a \"b\\\n");
  Diags diags = {0};
  diag_add(&diags, DIAG_E0001, &s, (Span){0, 1}, "a \"quoted\"\nline");
  diag_add(&diags, DIAG_E0001, &s, (Span){2, 3}, "another");
  Text out = {0};
  diags_render_json(&diags, &out);
  int newlines = 0;
  for (size_t i = 0; i < out.len; i++) newlines += out.ptr[i] == '\n';
  cr_assert_eq(newlines, 2);
  cr_assert(strstr(out.ptr, "\\\"quoted\\\""));
  cr_assert(strstr(out.ptr, "\"line_start\":1"));
}

Test(diag, a_place_at_the_end_or_past_it) {
  Source s = source("abc");
  Diags diags = {0};
  diag_add(&diags, DIAG_E0001, &s, (Span){3, 3}, "at the end");
  Source empty = source("");
  diag_add(&diags, DIAG_E0001, &empty, (Span){0, 0}, "nothing");
  Text out = {0};
  diags_render(&diags, &out, false);
  cr_assert(strstr(out.ptr, "at the end"));
}

Test(diag, explanations_by_code) {
  cr_assert_not_null(diag_explain(STR("E0001")));
  cr_assert_null(diag_explain(STR("E9999")));
  cr_assert_null(diag_explain((Str){0}));
}

Test(diag, nearest_names) {
  Nearest near = {.wanted = STR("chekc")};
  nearest_offer(&near, STR("build"));
  nearest_offer(&near, STR("check"));
  cr_assert(str_eq(near.best, STR("check")));
  Nearest far = {.wanted = STR("zebra")};
  nearest_offer(&far, STR("build"));
  cr_assert_eq(far.best.len, 0);
}
