// What every subcommand shares: its row in the table, exit codes, and the way it speaks to a person.
#pragma once
#include <stdio.h>

#include "repl/options.h"

typedef enum ExitCode {
  EXIT_FINE = 0,
  EXIT_FAILED = 1,        // the program, a diagnostic or a test failed
  EXIT_USAGE = 2,         // the command line makes no sense
  EXIT_BUG = 70,          // deed itself is at fault
  EXIT_NOT_GRANTED = 77,  // main asks for a power that was not granted
  EXIT_PIPE = 141,        // the reader of stdout has gone: 128 + SIGPIPE
} ExitCode;

// A subcommand: one row in main.c's table.
typedef struct Command {
  const char *name;
  const char *arguments;  // as shown after the name: "FILE.. [OPTION..]"
  const char *summary;    // one line
  const char *details;    // the rest of `deed help NAME`, or NULL
  const Option *options;  // ended by a row without a name; NULL if there are none
  bool stops_at_operand;  // options end at the first operand: the rest belongs to the program
  // Called with an option that the table lacks; true if the command takes it. NULL: none.
  bool (*other_option)(const char *argument);
  int (*run)(Operands operands);  // gives the exit code
} Command;

extern const Command command_run, command_check, command_build, command_asm, command_dis, command_verify, command_caps,
    command_test, command_explain, command_help;

const Command *command_find(Str name);
void command_nearest(Nearest *nearest);  // offers every command's name
void command_print_help(const Command *command, FILE *out);

extern Str option_color;  // --color, common to all commands
bool cli_color(int fd);   // whether to colour what is written there: --color, NO_COLOR, TERM, and whether it is a terminal

// "error: …" on stderr, and "hint: …" below it. Text from outside is printed with its control characters escaped.
void cli_error(const char *format, ...) PRINTF_LIKE(1, 2);
void cli_hint(const char *format, ...) PRINTF_LIKE(1, 2);
// Complains that `deed command` lacks an operand; gives EXIT_USAGE.
int cli_needs(const char *command, const char *what);

Str cli_escape(Str text);  // control characters as \u{..}, for showing text from outside

// Renders what the front end or the assembler said to stderr; true if there were errors.
bool cli_diagnostics(Diags *diags);
