// What the tests that attack the VM from within share: one program, loaded once and run again and again in one process, and what is left
// of each run.
#pragma once
#include "vm/vm.h"

typedef struct RigRun {
  VmResult result;
  VmStats stats;        // when all had been ended
  VmCensus left;        // when the run was over by itself, banks that hold nothing swept: what the program let go of must be gone
  i64 charged;          // to banks when all had been ended
  i64 lost;             // bytes that the VM took from the allocator and did not give back, by its own count
  bool starved;         // an allocation was made to fail
  Str out, err;         // what it wrote, cut; until the next run but one
} RigRun;

// Compiles, verifies and loads it. Ends the process with a message if it can't.
void rig_open(const char *path);
RigRun rig_run(VmOptions options, const Str *args, u32 arg_count);

// What the allocator says that the process holds: after a run the same as before it, once what is made at the first runs is there.
u64 rig_allocated(void);

// What is wrong after a run, in words, or NULL. `tidy`: if main came to its end the program has let go of all that it made, and nothing may
// be left but the record of main.
const char *rig_wrong(const RigRun *run, bool tidy);
// On stderr, with the figures.
void rig_tell(const RigRun *run);

// Options --name N.
typedef struct RigOption {
  const char *name;
  u64 *value;
} RigOption;
// False, with a message, if there is anything else but `rest` words, which are left in argv[1…].
bool rig_options(int argc, char **argv, const RigOption *options, u32 count, int rest);
