// How every subcommand speaks to a person: errors, hints, colour, escaped text. See cli.h.
#include "repl/cli.h"

#include <stdlib.h>
#include <unistd.h>

Str option_color;

bool cli_color(int fd) {
  if (str_eq(option_color, STR("always"))) return true;
  if (str_eq(option_color, STR("never"))) return false;
  const char *no_color = getenv("NO_COLOR");
  if (no_color && *no_color) return false;
  const char *term = getenv("TERM");
  if (!term || !*term || !strcmp(term, "dumb")) return false;
  return isatty(fd);
}

static void say(const char *label, const char *sgr, const char *format, va_list args) {
  bool color = cli_color(2);
  fprintf(stderr, "%s%s:%s ", color ? sgr : "", label, color ? "\033[0m" : "");
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
}

void cli_error(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("error", "\033[1;31m", format, args);
  va_end(args);
}

void cli_hint(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("hint", "\033[1;36m", format, args);
  va_end(args);
}

int cli_needs(const char *command, const char *what) {
  cli_error("`deed %s` needs a %s", command, what);
  cli_hint("`deed help %s` tells more", command);
  return EXIT_USAGE;
}

Str cli_escape(Str text) {
  Text out = {0};
  for (size_t i = 0; i < text.len; i++) {
    u8 c = (u8)text.ptr[i];
    bool high = c == 0xc2 && i + 1 < text.len && ((u8)text.ptr[i + 1] & 0xe0) == 0x80;  // U+0080 to U+009F
    if (c < 0x20 || c == 0x7f || high) {
      text_printf(&out, "\\u{%x}", high ? (u8)text.ptr[++i] : c);
    } else {
      text_char(&out, (char)c);
    }
  }
  return text_str(&out);
}

bool cli_diagnostics(Diags *diags) {
  Text out = {0};
  diags_render(diags, &out, cli_color(2));
  fwrite(out.ptr ? out.ptr : "", 1, out.len, stderr);
  return diags->errors > 0;
}
