// Linked code: how the words of a function look once link.c has rewritten them for the engines.
//
// An instruction keeps its first word {op, a, b, c} and its register list; pointers and numbers that the engine would have to look
// up are put in the words between. What differs from bytecode/op.h:
//
//   CONST a; Val                            GLOBAL a; address of the Val       CTOR a; Val
//   NEW a; header; list                     UNPACK, SPLIT: unwanted fields go to the word behind the frame's registers
//   PEEK is UNPACK                          DROP a; DropPlan
//   CALL a bc=frame words; Code; list       TAILCALL; Code; list
//   CALLC a b; a<<16 | frame words<<32; list  CLOSURE a; Code; list              NATIVE, TAILNATIVE as CALL, TAILCALL
//   SELF a; Itable                          NARROW a b; InterfaceDef
//   SPAWN a bc=line; Class; Itable; list    TASK a bc=line; Code; list         WHEN a b; Code; line; list
//   SPAWN_IN a b; Class; Itable; line; list
//   SEND a b; line; list                    ASK, REQUEST a b c; line; list
//
// A function that has registers to clear, or a large frame, begins with ENTER or ENTER_LARGE. "frame words" are the running function's registers and the header of the next frame: the distance to a callee's registers.
// A jump with a 16-bit offset in a function of more than FAR_WORDS words is followed by two JMPs: over the second, and to the target.
#pragma once
#include "vm/code.h"

// Instructions that only the linker and the engine itself make: continuations of slow paths, and where returns end.
#define INTERNAL_OPS(X)                                                                                           \
  X(ENTER)       /* a function's first: clears registers a … b-1 */                                              \
  X(ENTER_8)     /* the same for up to 8 */                                                                      \
  X(ENTER_LARGE) /* the same, and makes room for a frame larger than SMALL_FRAME */                              \
  X(NATIVE)      /* CALL of a native */                                                                           \
  X(TAILNATIVE)  /* TAILCALL of a native */                                                                       \
  X(TURN_END)    /* where the first frame returns to: fp[0] is the answer */                                      \
  X(TURN_END_RAW) /* the same for a raw answer */                                                                 \
  X(BARRIER)     /* where a frame at the watermark returns to */                                                  \
  X(RESERVE)     /* makes room for worker->need words, then does the instruction again */                         \
  X(GROW)        /* the same for a frame of worker->need words on the stack */                                    \
  X(YIELD)       /* out of reductions */                                                                          \
  X(TRAP)        /* Int arithmetic that failed */                                                                 \
  X(ADDI_LOOP)   /* pairs of instructions that often follow each other (link.c) */                                \
  X(ADDI_CALL)                                                                                                    \
  X(ADD_RET)                                                                                                      \
  X(CALL_1)      /* CALL with one argument or none */                                                             \
  X(CALL_LONG)   /* CALL with more than three registers listed, and so on */                                      \
  X(CALLC_LONG)                                                                                                   \
  X(TAILCALL_LONG)                                                                                                \
  X(TAILCALLC_LONG)                                                                                               \
  X(NEW_LONG)                                                                                                     \
  X(UNPACK_LONG)                                                                                                  \
  X(SPLIT_LONG)                                                                                                   \
  X(COMPARE)     /* EQ … LE, JEQ … JLE of two objects */                                                          \
  X(SEND_REFERRING)  /* SEND whose arguments are plain words and references */                                    \
  X(SEND_ANY)    /* SEND of anything else, or in a guard, or through a session */                                 \
  X(SEND_1)        /* SEND with one argument */                                                                   \
  X(SEND_WAKES)    /* SEND whose receiver is to be put in line, and that is not done by a few words */           \
  X(SEND_REFUSED)  /* SEND to what has no open mailbox */                                                        \
  X(SET_RAW)     /* SET of a field that holds raw words */                                                        \
  X(REPLACE_RAW) /* REPLACE of one */                                                                             \
  X(ASET_ANY)    /* ASET of an object, or into an array of raw words */                                           \
  X(ARITHMETIC)  /* VADD … VNEG of anything but small Ints */

enum {
  OP_INTERNAL_FIRST = OP_COUNT,
  OP_INTERNAL_BEFORE = OP_COUNT - 1,
#define X(name) OP_##name,
  INTERNAL_OPS(X)
#undef X
  OP_LINKED_COUNT
};

// Register lists as the engine reads them, which runs on little-endian machines: faster than reglist_at().
typedef u16 __attribute__((may_alias)) CodeHalf;
static inline u32 list_count(const u64 *list) { return *(const CodeHalf *)list; }
static inline u32 list_at(const u64 *list, u32 i) { return ((const CodeHalf *)list)[1 + i]; }

enum { FAR_WORDS = 30000, SMALL_FRAME = 32 };
