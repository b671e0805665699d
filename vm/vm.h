// The VM's public face: what repl/ and tests may include.
#pragma once
#include "bytecode/verify.h"

typedef struct Vm Vm;

enum { LIMIT_WORKERS = 256 };

typedef struct VmOptions {
  bool seeded;              // --seed: one worker, simulated clock, seeded choice of the next actor
  u64 seed;
  u32 workers;              // threads that run actors; 0: one for each core; always 1 if seeded
  u32 quantum;              // reductions per turn slice; 0: the default (20,000; 1 in stress builds)
  u64 memory_limit;         // bytes; 0: none
  u64 grace_us;             // how long SIGTERM leaves actors to end in order, in real time; 0: it ends the run at once
  u64 stack_limit;          // bytes of one actor's stack; 0: the default
  // For tests only:
  u64 kill_at;              // kills the running actor at the n-th reduction of the whole run; 0: never
  u64 fail_alloc_at;        // makes the n-th VM allocation fail; 0: never
  u64 kill_every;           // kills on and on, at random: each worker after so many reductions on the average (havoc.c); 0: never
  u64 stop_at;              // ends the run, with status 124, once about so many reductions are spent; 0: never
  Vm *library;              // what is loaded into it counts as loaded here too; it lives longer, and nothing is loaded here
  int out_fd, err_fd, in_fd;  // 0, 0, 0 means 1, 2, 0
} VmOptions;

// A grant from the command line: parameter `name` of main gets the object that `kind` (file, …) and `value` describe.
typedef struct Grant {
  Str name;
  Str kind;
  Str value;
} Grant;

Vm *vm_new(const VmOptions *options);
void vm_free(Vm *vm);

// Links a verified module into the VM. Modules come in dependency order, the library's prelude among them. False and *error
// if it needs something that this VM lacks.
bool vm_load(Vm *vm, const Verified *verified, Str *error) MUST_CHECK;

typedef enum VmEnd {
  VM_END_EXIT,        // main returned: `status` holds the exit code
  VM_END_CRASH,       // main crashed; the report went to stderr; status 1
  VM_END_STUCK,       // main waits for what can never come; said so on stderr; status 1
  VM_END_PIPE,        // stdout's reader has gone; status 141
  VM_END_SIGNAL,      // status 128 + n
  VM_END_MEMORY,      // the node's memory limit
} VmEnd;

typedef struct VmResult {
  VmEnd end;
  int status;
} VmResult;

// Runs main of the last loaded module until nothing can happen any more. `grants` fit what vm_needs() says that it asks for.
VmResult vm_run_main(Vm *vm, const Grant *grants, u32 grant_count, const Str *args, u32 arg_count);

// A parameter of main, as `deed caps` and the grant check show it.
typedef struct PowerNeed {
  Str name;       // parameter
  Str type;       // "ReadFile"
  Str flag;       // "--book=file:PATH", or empty if it is free
  bool free;      // needs no grant
} PowerNeed;

// What main of a module asks for, in order; false and *error if a parameter's type is none that main may ask for.
bool vm_needs(const Verified *verified, PowerNeed **needs, u32 *count, Str *error) MUST_CHECK;

typedef struct TestResult {
  bool passed;
  Str report;     // crash report, if it failed
  Str output;     // what it wrote to `out`
} TestResult;

TestResult vm_run_test(Vm *vm, const Verified *verified, u32 test);

// Counters that never go back. Conservation: sent = received + dropped once no message lies in a mailbox.
typedef struct VmStats {
  u64 spawned, ended;          // actors made; actors that crashed, stopped, were killed or collected
  u64 sent;                    // messages made, start messages, tasks and `when` bodies among them
  u64 received;                // whose turn began
  u64 dropped;                 // that ended without a turn, dead letters among them
  u64 dead_letters;            // sent to an actor that had ended
  u64 reductions;              // spent by all actors
  u64 crashes;
  u64 slices;                  // turns of the scheduler
  u64 given;                   // ready actors that a worker gave away, for others to run
  u64 copied;                  // bytes of objects copied into messages, answers and shared blocks
  u64 frozen;                  // shared blocks made
  u64 collections;
  u64 kills, killed_banks;     // what kill_every has done
} VmStats;

VmStats vm_stats(const Vm *vm);

// What exists, in all banks. Exact while nothing runs: before a run, after it, while the workers stand still.
typedef struct VmCensus {
  u64 living, ended;           // actors; records of ended ones that somebody can still name
  u64 timers;                  // that wait
  u64 banks;                   // the root among them
  i64 waiting;                 // messages made whose turn has not begun: sent = received + dropped + waiting
  i64 charged;                 // bytes for which banks are charged, records of banks left out
} VmCensus;
VmCensus vm_census(Vm *vm);

VmStats vm_end(Vm *vm);  // after the run: ends every actor, drops every message, and gives the final count
i64 vm_charged(Vm *vm);  // then: bytes for which some bank is still charged; there should be none (docs/charging.md, C1)
