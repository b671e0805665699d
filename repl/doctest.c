// Turns doc-comment examples into a module of tests, line by line: see doctest.h.
#include "repl/doctest.h"

#include <ctype.h>

typedef struct Extracting {
  Text out;
  Text imports;  // hoisted to the end, where they disturb no line numbers
  Str module;
  bool in_example;
  bool opened;  // the example's `test "…" {` was written
  int depth;    // open brackets of a declaration that leads the example
  u32 line;
  u32 count;
  Str subject;  // what the comment documents
} Extracting;

static Str trim(Str s) {
  while (s.len && isspace((unsigned char)s.ptr[0])) s.ptr++, s.len--;
  while (s.len && isspace((unsigned char)s.ptr[s.len - 1])) s.len--;
  return s;
}

static Str next_line(Str *rest) {
  const char *newline = memchr(rest->ptr, '\n', rest->len);
  size_t length = newline ? (size_t)(newline - rest->ptr) : rest->len;
  Str line = {rest->ptr, length};
  size_t skip = length + (newline != NULL);
  *rest = (Str){rest->ptr + skip, rest->len - skip};
  return line;
}

// The text of a doc-comment line; false if the line is none.
static bool comment_text(Str line, Str *text) {
  Str s = trim(line);
  if (!str_starts_with(s, STR("///")) && !str_starts_with(s, STR("//!"))) return false;
  s = (Str){s.ptr + 3, s.len - 3};
  if (s.len && s.ptr[0] == ' ') s = (Str){s.ptr + 1, s.len - 1};
  *text = s;
  return true;
}

// The name declared after the comment that `rest` stands in.
static Str find_subject(Str rest, Str module) {
  Str text;
  while (rest.len) {
    Str line = next_line(&rest);
    if (comment_text(line, &text)) continue;
    Str s = trim(line);
    static const char *const words[] = {"pub ", "opaque ", "unique ", "fn ", "type ", "interface ", "actor ", "let "};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
      if (str_starts_with(s, str_from(words[i]))) s = (Str){s.ptr + strlen(words[i]), s.len - strlen(words[i])};
    }
    size_t length = 0;
    while (length < s.len && (isalnum((unsigned char)s.ptr[length]) || s.ptr[length] == '_')) length++;
    if (length) return str_format("%.*s.%.*s", STR_ARG(module), (int)length, s.ptr);
    break;
  }
  return module;
}

static bool begins_declaration(Str line) {
  static const char *const words[] = {"actor ", "interface ", "type ", "pub ", "opaque ", "unique ", "fn "};
  for (size_t i = 0; i < COUNT_OF(words); i++) {
    if (str_starts_with(line, str_from(words[i]))) return true;
  }
  return false;
}

static int bracket_change(Str line) {
  int change = 0;
  for (size_t i = 0; i < line.len; i++) {
    if (strchr("([{", line.ptr[i]) && line.ptr[i]) change++;
    if (strchr(")]}", line.ptr[i]) && line.ptr[i]) change--;
  }
  return change;
}

// Where " // => " stands in the line, or line.len.
static size_t find_arrow(Str line) {
  for (size_t i = 0; i + 5 <= line.len; i++) {
    if (!memcmp(line.ptr + i, "// =>", 5)) return i;
  }
  return line.len;
}

static void add_statement(Extracting *x, Str line) {
  if (!x->opened) {
    text_printf(&x->out, "test \"%.*s, line %u\" { ", STR_ARG(x->subject), x->line);
    x->opened = true;
    x->count++;
  }
  size_t arrow = find_arrow(line);
  if (arrow == line.len) {
    text_add(&x->out, line);
    return;
  }
  Str expression = trim((Str){line.ptr, arrow}), value = trim((Str){line.ptr + arrow + 5, line.len - arrow - 5});
  text_printf(&x->out, "assert show(%.*s) == show(%.*s)", STR_ARG(expression), STR_ARG(value));
}

static void add_example_line(Extracting *x, Str line) {
  if (!x->opened && str_starts_with(line, STR("import "))) {
    text_printf(&x->imports, "%.*s\n", STR_ARG(line));
  } else if (!x->opened && (x->depth > 0 || begins_declaration(line))) {
    x->depth += bracket_change(line);
    text_add(&x->out, line);
  } else if (trim(line).len) {
    add_statement(x, line);
  }
}

static void end_example(Extracting *x) {
  if (x->opened) text_add(&x->out, STR("}"));
  x->in_example = x->opened = false;
  x->depth = 0;
}

Str doctest_extract(Str source, Str module, bool import_self) {
  Extracting x = {.module = module};
  Str rest = source;
  while (rest.len) {
    Str text, line = next_line(&rest);
    x.line++;
    if (!comment_text(line, &text)) {
      if (x.in_example) end_example(&x);
    } else if (str_starts_with(trim(text), STR("```"))) {
      if (x.in_example) {
        end_example(&x);
      } else {
        x.in_example = true;
        x.subject = find_subject(rest, module);
      }
    } else if (x.in_example) {
      add_example_line(&x, text);
    }
    text_char(&x.out, '\n');
  }
  if (!x.count) return (Str){0};
  if (import_self) text_printf(&x.out, "import %.*s\n", STR_ARG(module));
  text_add(&x.out, text_str(&x.imports));
  return text_str(&x.out);
}
