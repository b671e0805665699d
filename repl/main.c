// The `deed` command: finds the subcommand, parses its options, and turns what happened into an exit code.
//
// This is the only main(). Each group of subcommands has a file of its own (cmd_*.c); what they share is in cli.h.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "repl/cli.h"

#define DEED_VERSION "0.1"

static const Command *const commands[] = {
    &command_run,    &command_check, &command_build, &command_test,    &command_caps,
    &command_verify, &command_asm,   &command_dis,   &command_explain, &command_help,
};

const Command *command_find(Str name) {
  for (size_t i = 0; i < COUNT_OF(commands); i++) {
    if (str_eq(name, str_from(commands[i]->name))) return commands[i];
  }
  return NULL;
}

void command_nearest(Nearest *nearest) {
  for (size_t i = 0; i < COUNT_OF(commands); i++) nearest_offer(nearest, str_from(commands[i]->name));
}

// ---- Help -----------------------------------------------------------------------------------------------------------

static void print_overview(FILE *out) {
  fputs(
      "Deed runs programs of actors that can do only what they were handed.\n\n"
      "  deed FILE [--PARAMETER=GRANT..] [ARGUMENT..]   runs a program, like `deed run`\n\n"
      "Commands:\n",
      out);
  for (size_t i = 0; i < COUNT_OF(commands); i++) fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
  fputs("\n`deed help COMMAND` tells more. `deed --version` prints the version.\n", out);
}

void command_print_help(const Command *command, FILE *out) {
  fprintf(out, "deed %s %s\n\n%s.\n", command->name, command->arguments, command->summary);
  if (command->details) fprintf(out, "\n%s", command->details);
  fputs("\nOptions:\n", out);
  options_print(command->options, out);
}

static int run_help(Operands operands) {
  if (!operands.count) {
    print_overview(stdout);
    return EXIT_FINE;
  }
  Str name = str_from(operands.items[0]);
  const Command *command = command_find(name);
  if (!command) {
    Nearest nearest = {.wanted = name};
    command_nearest(&nearest);
    cli_error("there is no command `%.*s`", STR_ARG(cli_escape(name)));
    if (nearest.best.len) cli_hint("did you mean `%.*s`?", STR_ARG(nearest.best));
    return EXIT_USAGE;
  }
  command_print_help(command, stdout);
  return EXIT_FINE;
}

const Command command_help = {"help", "[COMMAND]", "Tells what a command does", NULL, NULL, false, NULL, run_help};

// ---- main -----------------------------------------------------------------------------------------------------------

static bool is_any(const char *argument, const char *a, const char *b) {
  return !strcmp(argument, a) || !strcmp(argument, b);
}

static int run_command(const Command *command, int argc, char **argv) {
  for (int i = 0; i < argc && argv[i][0] == '-'; i++) {
    if (!is_any(argv[i], "--help", "-h")) continue;
    command_print_help(command, stdout);
    return EXIT_FINE;
  }
  Operands operands;
  if (!options_parse(command, argc, argv, &operands)) return EXIT_USAGE;
  return command->run(operands);
}

// A word that is neither a command nor a file was most likely meant as a command.
static bool looks_like_command(const char *word) {
  return word[0] != '-' && !strpbrk(word, "./") && access(word, F_OK) != 0;
}

static int complain_unknown(const char *word) {
  Str name = str_from(word);
  Nearest nearest = {.wanted = name};
  command_nearest(&nearest);
  cli_error("there is no command and no file `%.*s`", STR_ARG(cli_escape(name)));
  if (nearest.best.len) {
    cli_hint("did you mean `deed %.*s`?", STR_ARG(nearest.best));
  } else {
    cli_hint("`deed help` lists the commands");
  }
  return EXIT_USAGE;
}

static int dispatch(int argc, char **argv) {
  if (argc == 0) {
    if (isatty(0)) return run_help((Operands){0});
    static char *from_stdin[] = {"-"};
    return run_command(&command_run, 1, from_stdin);
  }
  if (is_any(argv[0], "--version", "-V")) {
    printf("deed %s\n", DEED_VERSION);
    return EXIT_FINE;
  }
  if (is_any(argv[0], "--help", "-h")) return run_help((Operands){0});
  const Command *command = command_find(str_from(argv[0]));
  if (command) return run_command(command, argc - 1, argv + 1);
  if (looks_like_command(argv[0])) return complain_unknown(argv[0]);
  return run_command(&command_run, argc, argv);
}

// What was printed must have arrived: a full disk is an error, a closed pipe a quiet end.
static int finish_output(int status) {
  errno = 0;
  bool failed = fflush(stdout) != 0 || ferror(stdout);
  if (!failed || status == EXIT_PIPE) return status;
  if (errno == EPIPE) return EXIT_PIPE;
  cli_error("cannot write to standard output: %s", strerror(errno ? errno : EIO));
  return status ? status : EXIT_FAILED;
}

// A standard stream that was closed would be the number of the next file opened, and what is printed would land in it.
// What takes its place refuses what the stream is for, as the closed one did.
static bool hold_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) return false;
  }
  return true;
}

int main(int argc, char **argv) {
  if (!hold_standard_streams()) return EXIT_FAILED;
  signal(SIGPIPE, SIG_IGN);  // a closed pipe is reported by the write that meets it,
  signal(SIGXFSZ, SIG_IGN);  // and so is a file that must not grow
  int status = dispatch(argc - 1, argv + 1);
  status = finish_output(status);
  gc_release_all();
  return status;
}
