// Parsing of options by table: --name value, --name=value, -x value, -xvalue, and flags that may be bundled: see options.h.
#include "repl/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "repl/cli.h"

static const Option common_options[] = {
    {"color", 0, OPTION_CHOICE, &option_color, "auto|always|never",
     "colour messages (default: on a terminal, unless NO_COLOR is set)"},
    {0},
};

static const Option *find_in(const Option *options, Str name, char letter) {
  for (const Option *o = options; o && o->name; o++) {
    if (letter ? o->letter == letter : str_eq(name, str_from(o->name))) return o;
  }
  return NULL;
}

static const Option *find_option(const Command *command, Str name, char letter) {
  const Option *found = find_in(command->options, name, letter);
  return found ? found : find_in(common_options, name, letter);
}

static void offer_all(const Option *options, Nearest *nearest) {
  for (const Option *o = options; o && o->name; o++) {
    if (o->help) nearest_offer(nearest, str_from(o->name));
  }
}

static bool complain_unknown(const Command *command, const char *argument) {
  Str shown = cli_escape(str_from(argument));
  cli_error("`deed %s` has no option `%.*s`", command->name, STR_ARG(shown));
  Str name = str_from(argument + strspn(argument, "-"));
  const char *equals = memchr(name.ptr, '=', name.len);
  if (equals) name.len = (size_t)(equals - name.ptr);
  Nearest nearest = {.wanted = name};
  offer_all(command->options, &nearest);
  offer_all(common_options, &nearest);
  if (nearest.best.len) {
    cli_hint("did you mean --%.*s?", STR_ARG(nearest.best));
  } else {
    cli_hint("`deed help %s` lists its options", command->name);
  }
  return false;
}

static bool choice_allows(const char *choices, Str value) {
  while (*choices) {
    size_t length = strcspn(choices, "|");
    if (str_eq(value, (Str){choices, length})) return true;
    choices += length + (choices[length] == '|');
  }
  return false;
}

static bool parse_number(const char *text, bool size, u64 *value) {
  if (!isdigit((unsigned char)text[0])) return false;
  char *end;
  errno = 0;
  *value = strtoull(text, &end, 10);
  if (errno) return false;
  u32 shift = 0;
  if (size && !strcmp(end, "kb")) shift = 10;
  if (size && !strcmp(end, "mb")) shift = 20;
  if (size && !strcmp(end, "gb")) shift = 30;
  if (shift) end += 2;
  if (*end || *value > UINT64_MAX >> shift) return false;
  *value <<= shift;
  return true;
}

// A unit must follow, as in source; 0 needs none.
static bool parse_time(const char *text, u64 *us) {
  static const struct {
    const char *name;
    u64 us;
  } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60 * 1000000}, {"h", 3600 * (u64)1000000}};
  if (!isdigit((unsigned char)text[0])) return false;
  char *end;
  errno = 0;
  u64 number = strtoull(text, &end, 10);
  if (errno) return false;
  *us = 0;
  if (!number && !*end) return true;
  for (size_t i = 0; i < COUNT_OF(units); i++) {
    if (strcmp(end, units[i].name)) continue;
    if (number > OPTION_TIME_MOST / units[i].us) return false;
    *us = number * units[i].us;
    return true;
  }
  return false;
}

static bool parse_amount(OptionKind kind, const char *text, u64 *value) {
  return kind == OPTION_TIME ? parse_time(text, value) : parse_number(text, kind == OPTION_SIZE, value);
}

static const char *amount_wanted(OptionKind kind) {
  return kind == OPTION_SIZE ? "size such as 64mb" : kind == OPTION_TIME ? "time such as 500ms or 10s, 24h at most" : "number";
}

static bool set_value(const Option *option, const char *text) {
  Str shown = cli_escape(str_from(text));
  switch (option->kind) {
    case OPTION_FLAG: break;
    case OPTION_TEXT: *(Str *)option->target = str_from(text); return true;
    case OPTION_CHOICE:
      if (!choice_allows(option->value, str_from(text))) {
        cli_error("--%s is one of %s, not `%.*s`", option->name, option->value, STR_ARG(shown));
        return false;
      }
      *(Str *)option->target = str_from(text);
      return true;
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_TIME: {
      OptionNumber *number = option->target;
      if (!parse_amount(option->kind, text, &number->value)) {
        cli_error("--%s takes a %s, not `%.*s`", option->name, amount_wanted(option->kind), STR_ARG(shown));
        return false;
      }
      number->given = true;
      return true;
    }
  }
  return false;
}

// The state of one parse: where we are in argv.
typedef struct Cursor {
  const Command *command;
  int argc;
  char **argv;
  int at;
} Cursor;

static bool take_value(Cursor *c, const Option *option, const char *attached) {
  if (attached) return set_value(option, attached);
  if (c->at + 1 >= c->argc) {
    cli_error("--%s needs a value: --%s=%s", option->name, option->name, option->value);
    return false;
  }
  return set_value(option, c->argv[++c->at]);
}

static bool parse_long(Cursor *c) {
  const char *argument = c->argv[c->at];
  const char *equals = strchr(argument, '=');
  Str name = {argument + 2, equals ? (size_t)(equals - argument - 2) : strlen(argument + 2)};
  const Option *option = find_option(c->command, name, 0);
  if (!option) {
    if (c->command->other_option && c->command->other_option(argument)) return true;
    return complain_unknown(c->command, argument);
  }
  if (option->kind != OPTION_FLAG) return take_value(c, option, equals ? equals + 1 : NULL);
  if (equals) {
    cli_error("--%s takes no value", option->name);
    return false;
  }
  *(bool *)option->target = true;
  return true;
}

static bool parse_short(Cursor *c) {
  const char *argument = c->argv[c->at];
  for (const char *letter = argument + 1; *letter; letter++) {
    const Option *option = find_option(c->command, (Str){0}, *letter);
    if (!option) return complain_unknown(c->command, argument);
    if (option->kind != OPTION_FLAG) return take_value(c, option, letter[1] ? letter + 1 : NULL);
    *(bool *)option->target = true;
  }
  return true;
}

bool options_parse(const Command *command, int argc, char **argv, Operands *operands) {
  Cursor c = {command, argc, argv, 0};
  *operands = (Operands){gc_array(char *, argc + 1), 0, false};
  for (; c.at < argc; c.at++) {
    char *argument = argv[c.at];
    if (!strcmp(argument, "--")) {
      operands->after_dashes = true;
      c.at++;
      break;
    }
    bool is_option = argument[0] == '-' && argument[1];
    if (!is_option) {
      if (command->stops_at_operand) break;
      operands->items[operands->count++] = argument;
      continue;
    }
    if (!(argument[1] == '-' ? parse_long(&c) : parse_short(&c))) return false;
  }
  while (c.at < argc) operands->items[operands->count++] = argv[c.at++];
  return true;
}

static void print_table(const Option *options, FILE *out) {
  for (const Option *o = options; o && o->name; o++) {
    if (!o->help) continue;
    char left[64];
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->kind == OPTION_FLAG ? "" : " ",
             o->kind == OPTION_FLAG ? "" : o->value);
    fprintf(out, "  %-32s %s\n", left, o->help);
  }
}

void options_print(const Option *options, void *file) {
  print_table(options, file);
  print_table(common_options, file);
}
