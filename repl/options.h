// Command-line options from tables: a command lists its options once, and parsing and help derive from the list.
#pragma once
#include "bytecode/diag.h"

typedef enum OptionKind {
  OPTION_FLAG,    // target is a bool
  OPTION_TEXT,    // target is a Str
  OPTION_CHOICE,  // target is a Str; `value` lists what it may be: "auto|always|never"
  OPTION_NUMBER,  // target is an OptionNumber
  OPTION_SIZE,    // the same, with kb, mb or gb behind the number
  OPTION_TIME,    // the same in us: a number with us, ms, s, m or h behind it, OPTION_TIME_MOST at most
} OptionKind;

#define OPTION_TIME_MOST ((u64)24 * 3600 * 1000000)

typedef struct OptionNumber {
  bool given;
  u64 value;
} OptionNumber;

typedef struct Option {
  const char *name;  // without the dashes; NULL ends a table
  char letter;       // its short form, or 0
  OptionKind kind;
  void *target;
  const char *value;  // how help names the value, or the choices
  const char *help;   // NULL: not listed
} Option;

typedef struct Operands {
  char **items;
  int count;
  bool after_dashes;  // a `--` ended the options: nothing that follows is taken for a grant
} Operands;

struct Command;

// Sets the targets from argv[0 .. argc), and leaves in *operands what is no option. False after a message to stderr.
bool options_parse(const struct Command *command, int argc, char **argv, Operands *operands) MUST_CHECK;

void options_print(const Option *options, void *file);  // `file` is a FILE: one line for each option that has help
