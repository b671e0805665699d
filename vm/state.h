// The VM as a whole: what its parts share. One struct, made by vm_new(), reached from every worker.
//
// Loaded code is written while loading and only read afterwards; the list of actors belongs to the workers; the rest is the run's
// own. Nothing here is touched on the path of a message.
#pragma once
#include "vm/native.h"
#include "vm/random.h"
#include "vm/spin.h"

struct Vm {
  VmOptions options;
  Worker *workers;             // an array; the first runs on the thread that called vm_run_main()
  u32 worker_count;
  Bank *bank;                  // the root of all (bank.h)
  Spin banks_lock;             // of the tree
  _Atomic u32 banks_unnamed;   // banks that nobody can name any more
  u32 banks_sweep_at;          // with so many of them, those that hold nothing are looked for (while the crew stands still)
  const Itable *bank_itable;   // of references to banks, once main has one
  struct Crew *crew;           // what they share (crew.h)

  struct Images *images;       // loaded code (load.h)

  // ---- Actors (life.c) ----
  _Atomic u64 last_serial;     // given out so far, in blocks

  // ---- The run (vm.c, stream.c, power.c) ----
  struct Stream *out, *err;    // stdout and stderr, or what stands for them
  struct Input *input;         // stdin
  struct Outside *outside;     // what may come from there (outside.h)
  Random random;               // of the power Random
  Spin random_lock;            // of it
  Val untold_crash, untold_deadlock;  // immortal Crashed("") and Deadlock(["?"]): for who may not hear more
  Val memory_broken;           // immortal Crashed("out of memory"), for promises that break when nothing can be built
  Chunk *memory_chunk;         // where it lies
  _Atomic(struct Ending *) ending;  // the run ends in order (ending.h), or NULL
  _Atomic bool ending_busy;    // a worker sees to that
  Promise *main;               // of main's answer (counted)
  Actor *main_actor;           // kept by a weight of the VM's own
};
