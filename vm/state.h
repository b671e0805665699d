// The VM as a whole: what its parts share. One struct, made by vm_new(), reached from every worker.
//
// Loaded code is written while loading and only read afterwards; the list of actors belongs to the workers; the rest is the run's
// own. Nothing here is touched on the path of a message.
#pragma once
#include "vm/native.h"
#include "vm/random.h"

// Counters that never go back. Conservation: sent = received + dropped once no message lies in a mailbox.
typedef struct VmStats {
  u64 spawned, ended;          // actors made; actors that crashed, stopped, were killed or collected
  u64 sent;                    // messages made, start messages, tasks and `when` bodies among them
  u64 received;                // whose turn began
  u64 dropped;                 // that ended without a turn, dead letters among them
  u64 dead_letters;            // sent to an actor that had ended
  u64 crashes;
  u64 slices;                  // turns of the scheduler
  u64 reductions;              // spent by all actors
} VmStats;

struct Vm {
  VmOptions options;
  Worker worker;
  VmStats stats;

  struct Images *images;       // loaded code (load.h)

  // ---- Actors (life.c) ----
  Actor *newest;               // all that exist, tombstones too, linked by `older`
  u64 last_serial;

  // ---- The run (vm.c, stream.c, power.c) ----
  struct Stream *out, *err;    // stdout and stderr, or what stands for them
  struct Input *input;         // stdin
  Random random;               // of the power Random
  Val memory_broken;           // immortal Crashed("out of memory"), for promises that break when nothing can be built
  Chunk *memory_chunk;         // where it lies
  Promise *main;               // of main's answer (counted)
  Actor *main_actor;           // kept by a weight of the VM's own
};

VmStats vm_stats(const Vm *vm);
