#!/usr/bin/env python3
"""Measures, from outside, whether memory comes back after a burst: resident pages before, at the height, and after all has gone.

  tests/bench/burst.py [--workers N]... [--check] [WHAT N]...

WHAT is live (N actors, whose references are dropped), ended (the same, once they have ended), bank (in a bank that is destroyed), asked (spawned, asked and
dropped, one after the other), mail (N messages of 16 KB, queued and then handled), heap (N texts in lists). Without any: sizes as in
docs/memory.md. The program is tests/bench/programs/actors/burst.deed. With --check more than 8 MB and a sixteenth of the height that
do not come back are an error.
"""
import argparse
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import peers  # noqa: E402

SIZES = [("live", 2_000_000), ("ended", 2_000_000), ("bank", 2_000_000), ("asked", 2_000_000), ("mail", 64_800), ("heap", 8_000_000)]
PATIENCE, STILL = 20, 0.2  # s


def figures(pid):
    """Resident bytes now, and at the peak."""
    with open(f"/proc/{pid}/status") as f:
        text = f.read()
    return tuple(int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) * 1024 for name in ("VmRSS", "VmHWM"))


def bound(before, peak):
    return before + (8 << 20) + (peak - before) // 16


def settled(pid, before, peak):
    """Resident bytes once they are few enough, and do not become fewer; or when patience is at its end."""
    end = time.monotonic() + PATIENCE
    least, since = figures(pid)[0], time.monotonic()
    while time.monotonic() < end and (least > bound(before, peak) or time.monotonic() < since + STILL):
        time.sleep(0.01)
        now = figures(pid)[0]
        if now < least:
            least, since = now, time.monotonic()
    return least


def burst(what, n, workers):
    command, env = peers.deed("burst", (what, str(n)), workers)
    p = subprocess.Popen(command, cwd=peers.ACTORS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(word):
        if not p.stdout.readline().startswith(word):
            sys.exit(f"{what}: the program has failed")

    def go_on():
        p.stdin.write("\n")
        p.stdin.flush()

    step("ready")
    before = figures(p.pid)[0]
    go_on()
    step("made")
    go_on()
    step("gone")
    peak = figures(p.pid)[1]
    after = settled(p.pid, before, peak)
    p.communicate("\n")
    if p.returncode:
        sys.exit(f"{what}: exit {p.returncode}")
    return before, peak, after


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, action="append")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("bursts", nargs="*")
    options = parser.parse_args()
    words = options.bursts
    failed = False
    for what, n in zip(words[::2], map(int, words[1::2])) if words else SIZES:
        for workers in options.workers or [1, 4]:
            before, peak, after = burst(what, n, workers)
            late = after > bound(before, peak)
            print(f"{what:6} {n:>9} on {workers}: {before / 1e6:6.1f} MB before, {peak / 1e6:7.1f} at the height, {after / 1e6:6.1f} after"
                  f"{': too much' if late and options.check else ''}", flush=True)
            failed |= late
    sys.exit(1 if failed and options.check else 0)


if __name__ == "__main__":
    main()
