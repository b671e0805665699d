// Standard input: what was read and not yet asked for, and who asks. It is read when the outside says that it can be (outside.h), never
// in a turn, by whichever worker looks.
//
// Text that is not UTF-8 comes with U+FFFD in place of each byte that fits nowhere: In has no way to refuse it.
#pragma once
#include "vm/state.h"

typedef struct Input Input;

Input *input_open(Worker *worker, int fd) MUST_CHECK;  // NULL when memory is out
void input_close(Worker *worker, Input *input);        // questions still open break

typedef enum InputWant { INPUT_LINE, INPUT_ALL } InputWant;
// Asks for the next line (Option[String]) or all that is left (String). Takes over `promise`. Answers are given in the order of asking;
// a question that nobody wants answered any more takes nothing. False when memory is out: the promise is still the caller's.
bool input_ask(Worker *worker, Input *input, InputWant want, Promise *promise) MUST_CHECK;

// Length of a text from outside with U+FFFD for each byte that is not UTF-8; also writes it if `to` is not NULL.
size_t input_repaired(Str text, char *to);
