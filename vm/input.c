// Standard input: see input.h.
//
// A lock guards what was read and who asks. Nobody is answered under it: an answer may call other questions off. Who answers a question
// first takes it from those who may call it off, so that only text that somebody gets is taken.
#include "vm/input.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "vm/outside.h"
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
  Watch watch;         // first
  Vm *vm;
  pthread_mutex_t lock;
  bool ended;
  char *text;
  size_t start, end, capacity;  // what was read and not given lies between start and end
  size_t searched;              // no newline before
  Question *questions, *last;
};

static void input_ready(Worker *worker, Watch *watch);
static void answer_all(Worker *worker, Input *input);

Input *input_open(Worker *worker, int fd) {
  Input *input = memory_alloc(sizeof *input);
  if (!input) return NULL;
  *input = (Input){.watch = {.fd = fd, .events = EPOLLIN, .ready = input_ready}, .vm = worker->vm};
  pthread_mutex_init(&input->lock, NULL);
  return input;
}

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
  Input *input = question->input;
  pthread_mutex_lock(&input->lock);
  question_remove(input, question);
  if (!input->questions) outside_unwatch(input->vm, &input->watch);
  answer_all(worker, input);  // the next one may ask for less
  question_free(worker, question);
}

void input_close(Worker *worker, Input *input) {
  if (!input) return;
  outside_forget(input->vm, &input->watch);
  for (Question *question; (question = input->questions);) {
    question_remove(input, question);
    promise_break(worker, question->promise, WK_STOPPED, STR(""));
    question_free(worker, question);
  }
  pthread_mutex_destroy(&input->lock);
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

// A question that has left the list, and what it is answered.
typedef struct Answer {
  Question *question;
  Val value;
  Chunk *chunk;       // NULL and a value that is empty: it breaks, because of `why`
  Str why;
} Answer;

static void answer_text(Worker *worker, Answer *answer, Str text) {
  size_t length = input_repaired(text, NULL);
  Chunk *chunk = length < UINT32_MAX / 2 ? promise_chunk(3 + bytes_words(length)) : NULL;
  if (!chunk) {
    answer->value = VAL_EMPTY;
    answer->why = STR("the input is too long");
    return;
  }
  Val string = chunk_string(chunk, KIND_STRING, (Str){NULL, length});
  input_repaired(text, (char *)val_obj(string)->words);
  answer->chunk = chunk;
  answer->value = answer->question->want == INPUT_LINE ? chunk_data(worker, chunk, WK_SOME, string) : string;
}

static void give(Worker *worker, Answer answer) {
  Promise *promise = answer.question->promise;
  if (answer.value == VAL_EMPTY) promise_break(worker, promise, WK_CRASHED, answer.why);
  else promise_give(worker, promise, answer.value, answer.chunk);
  question_free(worker, answer.question);
}

// Where the next line ends, newline included; 0 if it is not all there.
static size_t line_end(Input *input) {
  size_t from = input->searched > input->start ? input->searched : input->start;
  const char *newline = input->end > from ? memchr(input->text + from, '\n', input->end - from) : NULL;
  input->searched = newline ? (size_t)(newline - input->text) : input->end;
  if (newline) return (size_t)(newline - input->text) + 1;
  return input->ended ? input->end : 0;
}

static Str without_newline(Str line) {
  if (line.len && line.ptr[line.len - 1] == '\n') line.len--;
  else return line;
  if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
  return line;
}

// The first question leaves the list. NULL if it is being called off: then whoever does that goes on. Under the lock.
static Question *take_first(Input *input) {
  Question *question = input->questions;
  if (!promise_operation_take(question->promise, &question->operation)) return NULL;
  question_remove(input, question);
  return question;
}

// Takes the first question, if its answer is there, and the text that answers it. Under the lock.
static bool answer_first(Worker *worker, Input *input, Answer *answer) {
  const Question *first = input->questions;
  if (!first || (first->want == INPUT_ALL && !input->ended)) return false;
  bool line = first->want == INPUT_LINE;
  size_t start = input->start, end = line ? line_end(input) : input->end;
  if (!end && !input->ended) return false;
  *answer = (Answer){.question = take_first(input)};
  if (!answer->question) return false;
  Str text = {input->text + start, end > start ? end - start : 0};
  input->start = input->searched = start + text.len;
  if (line && !text.len) answer->value = build_well_known0(worker, WK_NONE);
  else answer_text(worker, answer, line ? without_newline(text) : text);
  return true;
}

// Waits for more if somebody asks for it; false if that is impossible. Under the lock.
static bool want_more(Input *input) { return !input->questions || outside_watch(input->vm, &input->watch); }

// Answers whom it can, and waits for the rest. The lock is held before, and not after.
static void answer_all(Worker *worker, Input *input) {
  Answer answer;
  while (answer_first(worker, input, &answer)) {
    pthread_mutex_unlock(&input->lock);
    give(worker, answer);
    pthread_mutex_lock(&input->lock);
  }
  while (!want_more(input) && (answer.question = take_first(input))) {
    pthread_mutex_unlock(&input->lock);
    give(worker, (Answer){.question = answer.question, .value = VAL_EMPTY, .why = STR("the system refuses to wait for input")});
    pthread_mutex_lock(&input->lock);
  }
  pthread_mutex_unlock(&input->lock);
}

bool input_ask(Worker *worker, Input *input, InputWant want, Promise *promise) {
  Question *question = pool_alloc(&worker->pool, sizeof *question);
  if (!question) return false;
  *question = (Question){{.cancel = question_cancel}, NULL, input, want, promise};
  promise_retain(promise);
  pthread_mutex_lock(&input->lock);
  promise_operation_set(promise, &question->operation);
  *(input->questions ? &input->last->next : &input->questions) = question;
  input->last = question;
  answer_all(worker, input);
  promise_release(worker, promise);
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

// One read, which does not block: the outside says so.
static bool read_more(Input *input) {
  if (!make_room(input)) return false;
  ssize_t got = read(input->watch.fd, input->text + input->end, READ_BYTES);
  if (got > 0) input->end += (size_t)got;
  else if (got == 0 || (errno != EINTR && errno != EAGAIN)) input->ended = true;
  return true;
}

static void input_ready(Worker *worker, Watch *watch) {
  Input *input = (Input *)watch;
  pthread_mutex_lock(&input->lock);
  Question *question = !input->questions || read_more(input) ? NULL : take_first(input);
  if (question) {
    pthread_mutex_unlock(&input->lock);
    give(worker, (Answer){.question = question, .value = VAL_EMPTY, .why = STR("out of memory")});
    pthread_mutex_lock(&input->lock);
  }
  answer_all(worker, input);
}
