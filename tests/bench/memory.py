#!/usr/bin/env python3
"""Measures, from outside, what an idle actor costs: resident bytes of a process that holds N of them in lists.

  tests/bench/memory.py [--holders N] [N..]     default 1000000 5000000 10000000, in one list

For each N two programs run (tests/bench/programs/actors/idle.deed): one that spawns N actors with one Int of state and keeps the
references, and one that spawns none. Each then waits for a line on its standard input; meanwhile /proc is read. What is printed: bytes
for each actor, reference and list cell included, at rest and at the peak (VmHWM), and at rest for each that came since the size before.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import peers  # noqa: E402
from process import idle  # noqa: E402


def resident(n, holders):
    outcome = idle(peers.deed("idle", (str(n), str(holders)))[0], peers.ACTORS, limit=600)
    if isinstance(outcome, str):
        sys.exit(outcome)
    return outcome[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--holders", type=int, default=1)
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000_000, 5_000_000, 10_000_000])
    options = parser.parse_args()
    base = before = resident(0, options.holders)
    print(f"{0:>10}: {base['resident'] / 1e6:8.1f} MB")
    count = 0
    for n in options.sizes:
        now = resident(n, options.holders)
        each = {k: (now[k] - base[k]) / n for k in now}
        slope = (now["resident"] - before["resident"]) / max(n - count, 1)
        print(f"{n:>10}: {now['resident'] / 1e6:8.1f} MB, {each['resident']:6.1f} bytes each; peak {each['peak']:6.1f}; "
              f"each of the last {n - count}: {slope:6.1f}", flush=True)
        before, count = now, n


if __name__ == "__main__":
    main()
