// Loaded code: a verified module, linked into an immutable image.
//
// Linking copies each function's words and replaces what follows CALL, CLOSURE, SPAWN, CONST, … by pointers, so that the engines
// never look anything up. Images live as long as the VM.
#pragma once
#include "bytecode/verify.h"
#include "vm/obj.h"

typedef struct Class Class;
typedef struct Image Image;
typedef struct Images Images;
typedef struct DropPlan DropPlan;

typedef struct Worker Worker;
// A native: arguments in args[0..n), raw or val as its signature says; the result goes to args[0]. args are registers of a
// frame, so they are roots: reserve first, then read them. False: the actor crashes with worker->fault set (fault_set()).
typedef bool (*NativeFn)(Worker *worker, u64 *args);

// A function, ready to run.
struct Code {
  const u64 *words;          // linked code; NULL for natives
  u32 frame_words;           // registers, and 3 words of frame header
  u16 param_count;
  u16 register_count;
  u16 first_cleared;         // registers first_cleared … cleared_end-1 are cleared by ENTER: from the first val that is no parameter
  u16 cleared_end;           // to the last one
  bool far;                  // has far jumps (linked.h)
  u8 raw_result;             // 0: returns a val, 1: a raw Int, 2: a raw Float
  const u64 *val_map;        // a bit for each register that holds vals
  NativeFn native;
  u8 effects;
  const Image *image;
  const Function *function;  // its declaration: names, lines, locals
};

// A guard that only compares (guard.h).
typedef enum PlainCompare { GUARD_RUNS, GUARD_EQ, GUARD_NE, GUARD_LT, GUARD_LE } PlainCompare;
typedef struct PlainGuard {
  i64 left, right;         // each a field's number, or the word itself
  u8 compares;             // PlainCompare; GUARD_RUNS: it does more than that
  bool left_is_field, right_is_field;
} PlainGuard;

// A message that a class takes.
typedef struct ClassHandler {
  Str name;
  const Code *code;
  const Code *guard;      // or NULL
  PlainGuard plain;       // what it compares
  bool answers;
  u16 param_count;
} ClassHandler;

typedef struct Actor Actor;
typedef struct Message Message;
// A native actor's step: handles one message. May keep it (takes `message->promise` over) to answer later.
typedef bool (*NativeStep)(Worker *worker, Actor *actor, Message *message);

// An actor declaration, ready to spawn.
struct Class {
  Str name;               // "Tally"
  const Image *image;     // NULL for native actors
  const ActorDef *def;
  const Code *init;
  u32 field_count;
  const u8 *raw_fields;   // 1: raw
  u32 handler_count;
  ClassHandler *handlers;
  bool any_guard;
  u8 retest;              // effects of a turn after which messages that a guard refused are tested again
  u32 dropped;            // which handler hears of dropped sessions, counted from 1; 0: none
  NativeStep step;        // of a native actor, else NULL
  void (*drop)(Worker *worker, Actor *actor);  // releases what the fields hold that no collector knows; called once
  // Of an actor without a mailbox, whose inbox is closed from the start (forward.h): what becomes of a message, within the send. The
  // message is its own. False: the sender crashes with worker->fault.
  NativeStep deliver;
};

// Maps the message slots of an interface to handlers of a class: one for each pair that occurs. Immutable, lives with the VM.
struct Itable {
  const Class *class;
  const InterfaceDef *interface;
  u32 slot_count;
  bool unique;            // its references are sessions
  u16 slots[];            // handler numbers
};

// Made once for the same slots; what NARROW asks for is remembered by (itable, target).
const Itable *itable_get(const Class *class, const InterfaceDef *interface, const u32 *handlers);
const Itable *itable_narrow(const Itable *from, const InterfaceDef *to);  // by method names

struct Image {
  Image *next;               // loaded before this one
  const Verified *verified;
  Str name;
  Code *codes;            // parallel to module->functions; for imported ones a copy of the home's pointer stands in code_of
  const Code **code_of;
  Class **class_of;       // parallel to module->actors
  u32 *desc_base;         // parallel to module->datas: id of the type's first constructor
  Val *globals;           // parallel to module->globals
  Val *constants;         // parallel to module->constants
  const Image **imports;
  const DropPlan *const *drops;  // parallel to module->types: how to drop a value of it; NULL: it is plain (drop.h)
};
