// Faults: why the running actor crashes. The text is malloc'ed because it must be made when an actor's memory is out; if even that
// fails, the kind alone is kept and reports say "out of memory".
#include "vm/fault.h"

#include <stdio.h>
#include <stdlib.h>

#include "vm/bank.h"
#include "vm/native.h"

void fault_clear(Worker *worker) {
  free(worker->fault_text);
  worker->fault_text = NULL;
  worker->fault_length = 0;
  worker->fault = FAULT_NONE;
}

static bool fault_keep(Worker *worker, FaultKind kind, char *text, size_t length) {
  fault_clear(worker);
  worker->fault = text ? kind : FAULT_MEMORY;
  worker->fault_text = text;
  worker->fault_length = text ? length : 0;
  return false;
}

static char *text_new(size_t length) { return memory_refuses(length + 1) ? NULL : malloc(length + 1); }

bool fault_set(Worker *worker, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  char *text = length < 0 ? NULL : text_new((size_t)length);
  if (text) vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  va_end(args);
  return fault_keep(worker, FAULT_CRASH, text, text ? (size_t)length : 0);
}

bool fault_crash(Worker *worker, Str why) {
  char *text = text_new(why.len);
  if (text) {
    memcpy(text, why.ptr, why.len);
    text[why.len] = 0;
  }
  return fault_keep(worker, FAULT_CRASH, text, why.len);
}

// A refusal that another allocation has survived is forgotten by then: see account_lease().
bool fault_memory(Worker *worker) {
  const Bank *refused = worker->refused;
  if (refused) {
    fault_set(worker, "out of memory: its bank may use %llu bytes", (unsigned long long)refused->limit);
    worker->refused = NULL;
    worker->fault = FAULT_MEMORY;
    return false;
  }
  static const char text[] = "out of memory";
  fault_crash(worker, (Str){text, sizeof text - 1});
  worker->fault = FAULT_MEMORY;
  return false;
}

bool fault_stop(Worker *worker) {
  fault_clear(worker);
  worker->fault = FAULT_STOP;
  return false;
}

bool fault_arithmetic(Worker *worker, Op op, i64 b, i64 c) {
  const char *sign = NULL;
  switch ((int)op) {
    case OP_ADD: case OP_ADDI: case OP_VADD: sign = "+"; break;
    case OP_SUB: case OP_VSUB: sign = "-"; break;
    case OP_MUL: case OP_MULI: case OP_VMUL: sign = "*"; break;
    case OP_DIV: case OP_VDIV:
      if (!c) return fault_set(worker, "division by zero: %lld / 0", (long long)b);
      sign = "/";
      break;
    case OP_REM: case OP_VREM: return fault_set(worker, "division by zero: %lld %% 0", (long long)b);
    case OP_SHL: case OP_SHR: return fault_set(worker, "shift by %lld is out of range (0 to 63)", (long long)c);
    case OP_NEG: case OP_VNEG: return fault_set(worker, "integer overflow: -(%lld)", (long long)b);
    default: BUG("%d is no arithmetic", (int)op);
  }
  if (c < 0) return fault_set(worker, "integer overflow: %lld %s (%lld)", (long long)b, sign, (long long)c);
  return fault_set(worker, "integer overflow: %lld %s %lld", (long long)b, sign, (long long)c);
}
