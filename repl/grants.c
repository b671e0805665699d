// The manifest of a program, main's parameters, meets the command line: see grants.h.
#include "repl/grants.h"

#include <ctype.h>
#include <unistd.h>

#include "repl/cli.h"

static const char *const grant_kinds[] = {"file", "dir", "connect", "listen", "env", "exec"};

static VEC(Str) kept;

// "--name=value" taken apart; false if it is not of that form.
static bool split(Str argument, Str *name, Str *value) {
  if (!str_starts_with(argument, STR("--")) || argument.len < 4) return false;
  const char *equals = memchr(argument.ptr, '=', argument.len);
  if (!equals) return false;
  *name = (Str){argument.ptr + 2, (size_t)(equals - argument.ptr) - 2};
  *value = (Str){equals + 1, argument.len - name->len - 3};
  for (size_t i = 0; i < name->len; i++) {
    if (!isalnum((unsigned char)name->ptr[i]) && name->ptr[i] != '_') return false;
  }
  return name->len > 0;
}

static Str kind_of(Str value) {
  const char *colon = memchr(value.ptr, ':', value.len);
  return colon ? (Str){value.ptr, (size_t)(colon - value.ptr)} : (Str){0};
}

bool grants_keep(const char *argument) {
  Str name, value;
  if (!split(str_from(argument), &name, &value)) return false;
  Str kind = kind_of(value);
  for (size_t i = 0; i < COUNT_OF(grant_kinds); i++) {
    if (!str_eq(kind, str_from(grant_kinds[i]))) continue;
    vec_push(&kept, str_from(argument));
    return true;
  }
  return false;
}

// ---- Collecting -----------------------------------------------------------------------------------------------------

typedef struct Collecting {
  PowerNeed *needs;
  u32 need_count;
  Str script;
  Start *start;
} Collecting;

static const PowerNeed *find_need(const Collecting *c, Str name) {
  for (u32 i = 0; i < c->need_count; i++) {
    if (!c->needs[i].free && str_eq(c->needs[i].name, name)) return &c->needs[i];
  }
  return NULL;
}

static bool is_granted(const Collecting *c, Str name) {
  for (u32 i = 0; i < c->start->grants.count; i++) {
    if (str_eq(c->start->grants.items[i].name, name)) return true;
  }
  return false;
}

// The kind that a need's flag asks for: "file" of "--book=file:PATH".
static Str need_kind(const PowerNeed *need) {
  Str name, value;
  return split(need->flag, &name, &value) ? kind_of(value) : (Str){0};
}

static int add_grant(Collecting *c, const PowerNeed *need, Str value) {
  Str kind = kind_of(value), shown = cli_escape(value);
  Str what = {value.ptr + kind.len + 1, value.len > kind.len ? value.len - kind.len - 1 : 0};
  if (!kind.len || !str_eq(kind, need_kind(need)) || !what.len) {
    cli_error("main's parameter `%.*s` needs a %.*s, which `%.*s` does not give", STR_ARG(need->name), STR_ARG(need->type),
              STR_ARG(shown));
    cli_hint("write %.*s", STR_ARG(need->flag));
    return EXIT_USAGE;
  }
  if (is_granted(c, need->name)) {
    cli_error("main's parameter `%.*s` is granted twice", STR_ARG(need->name));
    return EXIT_USAGE;
  }
  vec_push(&c->start->grants, ((Grant){need->name, kind, what}));
  return EXIT_FINE;
}

static int add_kept(Collecting *c) {
  for (u32 i = 0; i < kept.count; i++) {
    Str name, value;
    split(kept.items[i], &name, &value);
    const PowerNeed *need = find_need(c, name);
    if (!need) {
      Nearest nearest = {.wanted = name};
      for (u32 k = 0; k < c->need_count; k++) {
        if (!c->needs[k].free) nearest_offer(&nearest, c->needs[k].name);
      }
      cli_error("main has no parameter `%.*s` that takes a grant", STR_ARG(name));
      if (nearest.best.len) cli_hint("did you mean --%.*s?", STR_ARG(nearest.best));
      else cli_hint("`deed caps %.*s` lists what it asks for", STR_ARG(c->script));
      return EXIT_USAGE;
    }
    int status = add_grant(c, need, value);
    if (status != EXIT_FINE) return status;
  }
  return EXIT_FINE;
}

static int add_words(Collecting *c, Operands rest) {
  bool plain = rest.after_dashes;
  for (int i = 0; i < rest.count; i++) {
    Str word = str_from(rest.items[i]), name, value;
    if (!plain && str_eq(word, STR("--"))) {
      plain = true;
      continue;
    }
    const PowerNeed *need = !plain && split(word, &name, &value) ? find_need(c, name) : NULL;
    if (!need) {
      vec_push(&c->start->args, word);
      continue;
    }
    int status = add_grant(c, need, value);
    if (status != EXIT_FINE) return status;
  }
  return EXIT_FINE;
}

// ---- What is missing ------------------------------------------------------------------------------------------------

void grants_print(const PowerNeed *needs, u32 count, void *file) {
  int name_width = 1, type_width = 1;
  for (u32 i = 0; i < count; i++) {
    if ((int)needs[i].name.len > name_width) name_width = (int)needs[i].name.len;
    if ((int)needs[i].type.len > type_width) type_width = (int)needs[i].type.len;
  }
  for (u32 i = 0; i < count; i++) {
    const PowerNeed *n = &needs[i];
    bool escapes = str_eq(need_kind(n), STR("exec"));
    fprintf(file, "  %-*.*s  %-*.*s  %.*s%s\n", name_width, STR_ARG(n->name), type_width, STR_ARG(n->type),
            STR_ARG(n->free ? STR("free") : n->flag), escapes ? "   (leaves the sandbox)" : "");
  }
}

// One line from the terminal, without the newline. Byte by byte: what follows is the program's.
static Str read_line(void) {
  Text line = {0};
  char c;
  while (read(0, &c, 1) == 1 && c != '\n') text_char(&line, c);
  return text_str(&line);
}

static int ask(Collecting *c) {
  fprintf(stderr, "%.*s asks for:\n", STR_ARG(cli_escape(c->script)));
  grants_print(c->needs, c->need_count, stderr);
  fputs("\nGrant what is missing (an empty line refuses):\n", stderr);
  for (u32 i = 0; i < c->need_count; i++) {
    const PowerNeed *need = &c->needs[i];
    if (need->free || is_granted(c, need->name)) continue;
    fprintf(stderr, "  --%.*s=%.*s:", STR_ARG(need->name), STR_ARG(need_kind(need)));
    fflush(stderr);
    Str what = read_line();
    if (!what.len) {
      cli_error("`%.*s` was refused", STR_ARG(need->name));
      return EXIT_NOT_GRANTED;
    }
    int status = add_grant(c, need, str_format("%.*s:%.*s", STR_ARG(need_kind(need)), STR_ARG(what)));
    if (status != EXIT_FINE) return status;
  }
  return EXIT_FINE;
}

static int complain_missing(const Collecting *c) {
  for (u32 i = 0; i < c->need_count; i++) {
    const PowerNeed *need = &c->needs[i];
    if (need->free || is_granted(c, need->name)) continue;
    cli_error("main's parameter `%.*s` needs a %.*s: add %.*s", STR_ARG(need->name), STR_ARG(need->type),
              STR_ARG(need->flag));
  }
  return EXIT_NOT_GRANTED;
}

int grants_collect(const Verified *program, Str script, Operands rest, bool may_ask, Start *start) {
  Collecting c = {.script = script, .start = start};
  Str error = {0};
  if (!vm_needs(program, &c.needs, &c.need_count, &error)) {
    cli_error("%.*s: %.*s", STR_ARG(cli_escape(script)), STR_ARG(cli_escape(error)));
    return EXIT_FAILED;
  }
  int status = add_kept(&c);
  if (status == EXIT_FINE) status = add_words(&c, rest);
  if (status != EXIT_FINE) return status;
  u32 missing = 0;
  for (u32 i = 0; i < c.need_count; i++) missing += !c.needs[i].free && !is_granted(&c, c.needs[i].name);
  if (!missing) return EXIT_FINE;
  return may_ask && isatty(0) && isatty(2) ? ask(&c) : complain_missing(&c);
}
