// Standard input: see input.h.
#include "vm/input.h"

#include <errno.h>
#include <unistd.h>

#include "vm/sched.h"

enum { READ_BYTES = 64 * 1024 };

typedef struct Question {
  Operation operation;  // first
  struct Question *next;
  Input *input;
  InputWant want;
  Promise *promise;
} Question;

struct Input {
  int fd;
  bool ended;
  char *text;
  size_t start, end, capacity;  // what was read and not given lies between start and end
  size_t searched;              // no newline before
  Question *questions, *last;
};

Input *input_open(Worker *worker, int fd) {
  (void)worker;
  Input *input = memory_alloc(sizeof *input);
  if (input) *input = (Input){.fd = fd};
  return input;
}

bool input_pending(const Input *input) { return input && input->questions; }
int input_fd(const Input *input) { return input->fd; }

static void question_remove(Input *input, Question *question) {
  Question **place = &input->questions, *before = NULL;
  while (*place != question) {
    before = *place;
    place = &before->next;
  }
  *place = question->next;
  if (input->last == question) input->last = before;
}

static void question_free(Worker *worker, Question *question) {
  promise_release(worker, question->promise);
  pool_free(&worker->pool, question, sizeof *question);
}

static void question_cancel(Worker *worker, Operation *operation) {
  Question *question = (Question *)operation;
  question_remove(question->input, question);
  question_free(worker, question);
}

void input_close(Worker *worker, Input *input) {
  if (!input) return;
  for (Question *question; (question = input->questions);) {
    question_remove(input, question);
    promise_break(worker, question->promise, WK_STOPPED, STR(""));
    question_free(worker, question);
  }
  memory_free(input->text, input->capacity);
  memory_free(input, sizeof *input);
}

// ---- UTF-8 ----------------------------------------------------------------------------------------------------------

// Bytes of the well-formed sequence at `s`, 0 if there is none.
static size_t sequence(const u8 *s, size_t left) {
  if (s[0] < 0x80) return 1;
  size_t length = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
  if (!length || left < length) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
  }
  bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
  return bad ? 0 : length;
}

size_t input_repaired(Str text, char *to) {
  const u8 *s = (const u8 *)text.ptr;
  size_t length = 0;
  for (size_t at = 0, step; at < text.len; at += step) {
    size_t good = sequence(s + at, text.len - at);
    step = good ? good : 1;
    size_t added = good ? good : 3;
    if (to) memcpy(to + length, good ? (const char *)s + at : "\xef\xbf\xbd", added);
    length += added;
  }
  return length;
}

// ---- Answering ------------------------------------------------------------------------------------------------------

static void answer(Worker *worker, Promise *promise, InputWant want, Str text) {
  size_t length = input_repaired(text, NULL);
  Chunk *chunk = length < UINT32_MAX / 2 ? promise_chunk(3 + bytes_words(length)) : NULL;
  if (!chunk) {
    promise_break(worker, promise, WK_CRASHED, STR("the input is too long"));
    return;
  }
  Val string = chunk_string(chunk, KIND_STRING, (Str){NULL, length});
  input_repaired(text, (char *)val_obj(string)->words);
  promise_give(worker, promise, want == INPUT_LINE ? chunk_data(worker, chunk, WK_SOME, string) : string, chunk);
}

// Where the next line ends, newline included; 0 if it is not all there.
static size_t line_end(Input *input) {
  size_t from = input->searched > input->start ? input->searched : input->start;
  const char *newline = input->end > from ? memchr(input->text + from, '\n', input->end - from) : NULL;
  input->searched = input->end;
  if (newline) return (size_t)(newline - input->text) + 1;
  return input->ended ? input->end : 0;
}

static Str without_newline(Str line) {
  if (line.len && line.ptr[line.len - 1] == '\n') line.len--;
  else return line;
  if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
  return line;
}

// Answers the first question if its answer is there.
static bool answer_first(Worker *worker, Input *input) {
  Question *question = input->questions;
  size_t start = input->start, end = input->end;
  if (question->want == INPUT_LINE && !(end = line_end(input)) && !input->ended) return false;
  if (question->want == INPUT_ALL && !input->ended) return false;
  Str text = {input->text + start, end > start ? end - start : 0};
  input->start = input->searched = start + text.len;
  question_remove(input, question);
  Promise *promise = question->promise;
  if (question->want == INPUT_ALL) answer(worker, promise, INPUT_ALL, text);
  else if (text.len) answer(worker, promise, INPUT_LINE, without_newline(text));
  else promise_give(worker, promise, build_well_known0(worker, WK_NONE), NULL);
  question_free(worker, question);
  return true;
}

static void answer_all(Worker *worker, Input *input) {
  while (input->questions && answer_first(worker, input)) {}
}

bool input_ask(Worker *worker, Input *input, InputWant want, Promise *promise) {
  Question *question = pool_alloc(&worker->pool, sizeof *question);
  if (!question) return false;
  *question = (Question){{question_cancel}, NULL, input, want, promise};
  promise->operation = &question->operation;
  *(input->questions ? &input->last->next : &input->questions) = question;
  input->last = question;
  answer_all(worker, input);
  return true;
}

// ---- Reading --------------------------------------------------------------------------------------------------------

// Room for READ_BYTES more at the end.
static bool make_room(Input *input) {
  if (input->capacity - input->end >= READ_BYTES) return true;
  size_t held = input->end - input->start, capacity = input->capacity;
  if (capacity - held < READ_BYTES || held > capacity / 2) capacity = (held + READ_BYTES) * 2;
  char *text = memory_alloc(capacity);
  if (!text) return false;
  if (held) memcpy(text, input->text + input->start, held);
  memory_free(input->text, input->capacity);
  input->text = text;
  input->capacity = capacity;
  input->searched -= input->searched < input->start ? input->searched : input->start;
  input->start = 0;
  input->end = held;
  return true;
}

void input_read(Worker *worker, Input *input) {
  if (!make_room(input)) {
    Question *question = input->questions;
    question_remove(input, question);
    promise_break(worker, question->promise, WK_CRASHED, STR("out of memory"));
    question_free(worker, question);
    return;
  }
  ssize_t got = read(input->fd, input->text + input->end, READ_BYTES);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) input->end += (size_t)got;
  else input->ended = true;
  answer_all(worker, input);
}
