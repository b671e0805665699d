// Crash reports: who crashed, doing what for whom, why, and where.
//
//   Tally#12 crashed handling get() from main#1 (bank.deed:31)
//     integer overflow: 9223372036854775807 + 1
//     at Tally.get (counter.deed:9)
//     called from Tally.sum (counter.deed:20)
//
// A deep stack is not printed whole: the first and the last calls are, and a call that repeats itself is counted instead.
#include "vm/trace.h"

#include <stdio.h>

#include "vm/engine.h"
#include "vm/load.h"

enum {
  FRAMES_TOP = 12,     // lines for the innermost calls
  FRAMES_BOTTOM = 4,   // and for the outermost
  ALIKE = 4,           // calls of one line that are told by their place alone
  LINE_ROOM = 1024,
};
static const u64 LOOK_WORDS = 1 << 23;  // code looked through to tell which calls stand on one line

// ---- Adding text ----------------------------------------------------------------------------------------------------

static bool add(Worker *worker, const char *format, ...) PRINTF_LIKE(2, 3);
static bool add(Worker *worker, const char *format, ...) {
  char line[LINE_ROOM];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length < 0) return false;
  return scratch_append(worker, (Str){line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1});
}

// "Tally#12". Names may be as long as a line.
static bool add_actor(Worker *worker, const Class *class, u64 serial) {
  return scratch_append(worker, class->name) && add(worker, "#%llu", (unsigned long long)serial);
}

// Text from a program, whose control characters must not reach a terminal.
static bool add_escaped(Worker *worker, Str text) {
  for (size_t i = 0; i < text.len; i++) {
    u8 c = (u8)text.ptr[i];
    bool control = c < 0x20 || c == 0x7f;
    // U+0080 … U+009F are controls too.
    bool high = c == 0xc2 && i + 1 < text.len && (u8)text.ptr[i + 1] < 0xa0;
    if (!control && !high) {
      if (!scratch_append(worker, (Str){text.ptr + i, 1})) return false;
      continue;
    }
    if (high) c = (u8)text.ptr[++i];
    const char *plain = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
    if (!(plain ? scratch_append(worker, str_from(plain)) : add(worker, "\\u{%x}", c))) return false;
  }
  return true;
}

static bool add_place(Worker *worker, const Image *image, u32 line) {
  Str path = image->verified->module->source_path;
  if (!path.len) path = image->name;
  return add(worker, " (") && add_escaped(worker, path) && (line ? add(worker, ":%u)", line) : add(worker, ")"));
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

typedef struct Call {
  const Code *code;
  const u64 *pc;
} Call;

static u32 call_line(Call call) {
  return call.code->words ? function_line(call.code->function, code_word_of(call.code, call.pc)) : 0;
}

// "list.map", "Tally.get", "area": the module stands before it for the library's functions and other modules than the actor's.
static bool add_name(Worker *worker, const Code *code) {
  const Image *image = code->image;
  bool own = worker->actor && worker->actor->class->image == image;
  bool local = own || str_eq(image->name, STR("main")) || str_starts_with(image->name, STR("./"));
  if (!local && !(scratch_append(worker, image->name) && add(worker, "."))) return false;
  return add_escaped(worker, code->function->name);
}

static bool add_call(Worker *worker, const char *lead, Call call) {
  if (!add(worker, "  %s ", lead) || !add_name(worker, call.code)) return false;
  return (call.code->native || add_place(worker, call.code->image, call_line(call))) && add(worker, "\n");
}

// The walk over the frames: innermost calls are written at once, of the others only the last few are kept.
typedef struct Calls {
  Worker *worker;
  bool failed;
  u32 lines;              // written
  Call last;              // the call that may repeat
  u64 repeats;
  const u64 *alike[ALIKE];  // other places on its line
  u32 alike_count;        // found
  u64 looked;             // words of code, to find them
  Call kept[FRAMES_BOTTOM];
  u64 kept_count;         // calls seen after the top ones
} Calls;

static bool write_repeats(Calls *calls) {
  u64 repeats = calls->repeats;
  calls->repeats = 0;
  return !repeats || add(calls->worker, "  … %llu more calls like that\n", (unsigned long long)repeats);
}

// From the same line of the same function as the last one. Finding a line takes time in proportion to the function's code: past a
// limit only calls that are known count.
static bool call_repeats(Calls *calls, Call call) {
  if (call.code != calls->last.code) return false;
  if (call.pc == calls->last.pc) return true;
  for (u32 i = 0; i < ALIKE && i < calls->alike_count; i++) {
    if (call.pc == calls->alike[i]) return true;
  }
  if (calls->looked > LOOK_WORDS) return false;
  calls->looked += 2 * (u64)call.code->function->code_words;
  if (call_line(call) != call_line(calls->last)) return false;
  calls->alike[calls->alike_count++ % ALIKE] = call.pc;
  return true;
}

static bool write_frame(Calls *calls, Call call) {
  if (calls->lines && !calls->kept_count && call_repeats(calls, call)) {
    calls->repeats++;
    return true;
  }
  if (calls->lines < FRAMES_TOP) {
    if (!write_repeats(calls)) return false;
    const char *lead = calls->lines ? "called from" : "at";
    calls->lines++;
    calls->last = call;
    calls->alike_count = 0;
    return add_call(calls->worker, lead, call);
  }
  calls->kept[calls->kept_count++ % FRAMES_BOTTOM] = call;
  return true;
}

static bool visit_frame(void *context, const FrameView *frame) {
  Calls *calls = context;
  if (!frame->code->words && !frame->code->native) return true;  // arguments of the call above
  calls->failed = !write_frame(calls, (Call){frame->code, frame->pc});
  return !calls->failed;
}

static bool write_kept(Calls *calls) {
  u64 from = calls->kept_count > FRAMES_BOTTOM ? calls->kept_count - FRAMES_BOTTOM : 0;
  if (from && !add(calls->worker, "  … %llu more calls\n", (unsigned long long)from)) return false;
  for (u64 i = from; i < calls->kept_count; i++) {
    if (!add_call(calls->worker, "called from", calls->kept[i % FRAMES_BOTTOM])) return false;
  }
  return true;
}

static bool add_calls(Worker *worker, Turn *turn) {
  Calls calls = {.worker = worker};
  frames_each(worker, turn, visit_frame, &calls);
  return !calls.failed && write_repeats(&calls) && write_kept(&calls);
}

// ---- The report -----------------------------------------------------------------------------------------------------

static bool add_sender(Worker *worker, const char *how, const Message *message) {
  if (!message->sender || !message->sender_class) return true;
  if (!add(worker, "%s ", how) || !add_actor(worker, message->sender_class, message->sender)) return false;
  const Image *image = message->sender_class->image;
  // main belongs to no declared actor: its code is the program's own module, which was loaded last.
  if (!image && str_eq(message->sender_class->name, STR("main"))) image = images_last(worker->images);
  return !image || !message->sender_line || add_place(worker, image, message->sender_line);
}

// "get()", "put(key, value)": with the names of its parameters, since the arguments may be gone.
static bool add_signature(Worker *worker, const ClassHandler *handler) {
  const Function *function = handler->code->function;
  if (!add_escaped(worker, handler->name) || !add(worker, "(")) return false;
  for (u32 i = 0; i < handler->param_count; i++) {
    Str name = function->param_names ? function->param_names[i] : STR("_");
    if ((i && !add(worker, ", ")) || !add_escaped(worker, name)) return false;
  }
  return add(worker, ")");
}

static bool add_message(Worker *worker, const Turn *turn) {
  const Message *message = turn->message;
  if (!message) return true;
  const Class *class = worker->actor->class;
  switch (message->kind) {
    case MESSAGE_CALL: {
      const char *what = turn->phase == PHASE_GUARD ? " in the guard of " : " handling ";
      return add(worker, "%s", what) && add_signature(worker, &class->handlers[message->slot]) && add_sender(worker, " from", message);
    }
    case MESSAGE_START: return add(worker, " at its start") && add_sender(worker, ", spawned by", message);
    case MESSAGE_WHEN: return add(worker, " in a `when` block");
    case MESSAGE_TASK: return add_sender(worker, ", started by", message);
  }
  return true;
}

bool trace_crash(Worker *worker) {
  const Actor *actor = worker->actor;
  worker->text_length = 0;
  if (!add_actor(worker, actor->class, actor->serial) || !add(worker, " crashed")) return false;
  // A native actor has no frames; what the worker's turn holds is of another.
  const Turn *turn = actor->class->step ? NULL : worker->turn;
  if (turn && !add_message(worker, turn)) return false;
  Str why = worker->fault_text ? (Str){worker->fault_text, worker->fault_length} : STR("out of memory");
  if (!add(worker, "\n  ") || !add_escaped(worker, why) || !add(worker, "\n")) return false;
  return !turn || !turn->pc || add_calls(worker, worker->turn);
}

typedef struct Place {
  Call call;
  bool found;
} Place;

static bool visit_top(void *context, const FrameView *frame) {
  Place *place = context;
  if (!frame->code->words) return true;
  *place = (Place){{frame->code, frame->pc}, true};
  return false;
}

bool trace_place(Worker *worker, Turn *turn) {
  Place place = {0};
  frames_each(worker, turn, visit_top, &place);
  return !place.found || (add_name(worker, place.call.code) && add_place(worker, place.call.code->image, call_line(place.call)));
}
