// repl/options.c: parsing by table.
#include "repl/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "repl/cli.h"

static bool flag, other;
static Str text, choice;
static OptionNumber number, size, span;

static const Option options[] = {
    {"flag", 'f', OPTION_FLAG, &flag, NULL, "a flag"},
    {"other", 'o', OPTION_FLAG, &other, NULL, "another"},
    {"text", 't', OPTION_TEXT, &text, "TEXT", "a text"},
    {"choice", 0, OPTION_CHOICE, &choice, "one|two", "a choice"},
    {"number", 'n', OPTION_NUMBER, &number, "N", "a number"},
    {"size", 0, OPTION_SIZE, &size, "SIZE", "a size"},
    {"time", 0, OPTION_TIME, &span, "TIME", "a time"},
    {0},
};

static bool takes_x(const char *argument) { return !strcmp(argument, "--x=file:y"); }

static const Command command = {.name = "c", .options = options};
static const Command stopping = {.name = "c", .options = options, .stops_at_operand = true, .other_option = takes_x};

#define PARSE(command, operands, ...)                                                                            \
  options_parse(command, (int)COUNT_OF(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__}, operands)

static void reset(void) {
  flag = other = false;
  text = choice = (Str){0};
  number = size = span = (OptionNumber){0};
}

TestSuite(options, .init = reset);

Test(options, values_and_operands) {
  Operands rest;
  cr_assert(PARSE(&command, &rest, "a", "--text", "x", "-fo", "b", "--number=7", "--choice=two", "--size=64kb", "-"));
  cr_assert(flag && other && str_eq(text, STR("x")) && str_eq(choice, STR("two")));
  cr_assert(number.given && number.value == 7 && size.value == 65536);
  cr_assert_eq(rest.count, 3);
  cr_assert_str_eq(rest.items[2], "-");
}

Test(options, times) {
  Operands rest;
  cr_assert(PARSE(&command, &rest, "--time=5s") && span.value == 5000000);
  cr_assert(PARSE(&command, &rest, "--time=7us") && span.value == 7);
  cr_assert(PARSE(&command, &rest, "--time=250ms") && span.value == 250000);
  cr_assert(PARSE(&command, &rest, "--time=0") && span.given && span.value == 0);
  cr_assert(PARSE(&command, &rest, "--time=24h") && span.value == OPTION_TIME_MOST);
}

Test(options, short_values) {
  Operands rest;
  cr_assert(PARSE(&command, &rest, "-tab", "-n", "3"));
  cr_assert(str_eq(text, STR("ab")) && number.value == 3);
}

Test(options, dashes_end_options) {
  Operands rest;
  cr_assert(PARSE(&command, &rest, "-f", "--", "--text", "-o"));
  cr_assert(flag && !other && rest.count == 2 && rest.after_dashes);
}

Test(options, stops_at_the_first_operand) {
  Operands rest;
  cr_assert(PARSE(&stopping, &rest, "-f", "--x=file:y", "file", "--text", "--", "-o"));
  cr_assert(flag && !other && rest.count == 4 && !rest.after_dashes);
}

Test(options, refusals, .init = cr_redirect_stderr) {
  Operands rest;
  cr_assert_not(PARSE(&command, &rest, "--nope"));
  cr_assert_not(PARSE(&command, &rest, "-q"));
  cr_assert_not(PARSE(&command, &rest, "--flag=1"));
  cr_assert_not(PARSE(&command, &rest, "--text"));
  cr_assert_not(PARSE(&command, &rest, "--choice=three"));
  cr_assert_not(PARSE(&command, &rest, "--choice="));
  cr_assert_not(PARSE(&command, &rest, "--number="));
  cr_assert_not(PARSE(&command, &rest, "--number=7x"));
  cr_assert_not(PARSE(&command, &rest, "--number=64kb"));
  cr_assert_not(PARSE(&command, &rest, "--size=99999999999gb"));
  cr_assert_not(PARSE(&command, &rest, "--time=5"));
  cr_assert_not(PARSE(&command, &rest, "--time=1441m"));
  cr_assert_not(PARSE(&command, &rest, "--x=file:y"));
}
