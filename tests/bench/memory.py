#!/usr/bin/env python3
"""Measures, from outside, what an idle actor costs: resident bytes of a process that holds N of them in a list.

  tests/bench/memory.py [N..]     default 1000000 5000000 10000000

For each N two programs run: one that spawns N actors with one Int of state and keeps the references, and one that spawns
none. Each then waits for a line on its standard input; meanwhile /proc/PID/smaps_rollup is read. What is printed: bytes per
actor, reference and list cell included, at rest and at the peak (VmHWM).
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEED = os.path.abspath(os.environ.get("DEED", os.path.join(ROOT, "build/deed")))

PROGRAM = """
actor Cell(n: Int) {
  var value = n
  on add(k: Int) { value += k }
  on get() -> Int { value }
}

fn main(args: List[String], stdin: In, out: Out) {
  let n = match args { [s, ..] -> s.parse_int().or_else(0)  [] -> 0 }
  let cells = (0..n).map(fn(i) { spawn Cell(i) })
  out ! line("ready {cells.len()}")
  let _ = await stdin ! line()
  match cells {
    [c, .._] -> out ! line("{await c ! get()}")
    [] -> out ! line("none")
  }
}
"""


def resident(path, n):
    """(bytes now, bytes at the peak) of the program with n actors."""
    p = subprocess.Popen([DEED, path, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline()
        if line.strip() != f"ready {n}":
            sys.exit(f"unexpected: {line!r}")
        with open(f"/proc/{p.pid}/smaps_rollup") as f:
            now = int(re.search(r"Rss:\s+(\d+) kB", f.read())[1]) * 1024
        with open(f"/proc/{p.pid}/status") as f:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1]) * 1024
        p.communicate("\n", timeout=600)
        return now, peak
    finally:
        p.kill()


def main():
    sizes = [int(a) for a in sys.argv[1:]] or [1_000_000, 5_000_000, 10_000_000]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "idle.deed")
        with open(path, "w") as f:
            f.write(PROGRAM)
        base, base_peak = resident(path, 0)
        print(f"{0:>10}: {base / 1e6:8.1f} MB")
        for n in sizes:
            now, peak = resident(path, n)
            print(f"{n:>10}: {now / 1e6:8.1f} MB, {(now - base) / n:6.1f} bytes each; peak {(peak - base_peak) / n:6.1f}", flush=True)


if __name__ == "__main__":
    main()
