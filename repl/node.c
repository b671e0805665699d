// What the node may use: the memory that is there for this process, less a part for what is no actor's.
//
// The kernel ends a process that takes more than its control group has, whatever it was about to do. A limit below that lets the actor
// that asked for too much crash instead, and nobody else.
#include "repl/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  PATH_ROOM = 4096,
  OTHERS = 16 << 20,  // bytes for the program itself, as far as that isn't more than half of what there is
};

// The number in a file; UINT64_MAX if there is none, or it says "max".
static u64 number_in(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) return UINT64_MAX;
  char text[32] = "";
  char *end = text;
  u64 number = fgets(text, sizeof text, file) ? strtoull(text, &end, 10) : 0;
  fclose(file);
  return end == text ? UINT64_MAX : number;
}

// The least limit of a group and those above it. `group` is a path below `root`, and is cut up.
static u64 least_limit(const char *root, char *group, const char *name) {
  u64 least = UINT64_MAX;
  for (;;) {
    char path[2 * PATH_ROOM];
    if (snprintf(path, sizeof path, "%s%s/%s", root, group, name) >= (int)sizeof path) return least;
    u64 limit = number_in(path);
    if (limit < least) least = limit;
    char *slash = strrchr(group, '/');
    if (!slash) return least;
    *slash = 0;
  }
}

// A line of /proc/self/cgroup: "0::/path" of version 2, "9:memory:/path" of version 1.
static u64 limit_of_line(char *line) {
  line[strcspn(line, "\n")] = 0;
  char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return UINT64_MAX;
  *controllers++ = *group++ = 0;
  if (!*controllers) return least_limit("/sys/fs/cgroup", group, "memory.max");
  for (char *rest = controllers, *one; (one = strsep(&rest, ","));) {
    if (!strcmp(one, "memory")) return least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
  }
  return UINT64_MAX;
}

static u64 group_limit(void) {
  u64 least = UINT64_MAX;
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file) return least;
  char line[PATH_ROOM];
  while (fgets(line, sizeof line, file)) {
    u64 limit = limit_of_line(line);
    if (limit < least) least = limit;
  }
  fclose(file);
  return least;
}

u64 node_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  u64 physical = pages > 0 && page > 0 ? (u64)pages * (u64)page : UINT64_MAX, group = group_limit();
  u64 least = group < physical ? group : physical;
  if (least == UINT64_MAX) return 0;
  return (least - (least / 2 < OTHERS ? least / 2 : OTHERS)) / 8 * 7;
}
