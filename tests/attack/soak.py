#!/usr/bin/env python3
"""A soak: the busy mix of tests/attack/programs/mix.deed for minutes on end, while resident memory is watched from outside.

  tests/attack/soak.py [--minutes N] [--workers N] [--each SECONDS] [--plot]

The first quarter warms up. Of what follows the peak must not pass that of the warm-up by more than PEAK, and the slope of a line through all
(the median of the slopes between any two, so that single readings don't matter) must not be more than SLOPE: that is judged from
SLOPE_FROM minutes on, for in less the mix's own ups and downs are a slope. What the VM itself tells by
SIGQUIT is looked at too: messages, timers, actors must not become more and more. Exit status 1 if anything failed. DEED=path is the program to test (build/deed).
"""
import argparse
import os
import statistics
import sys
import time

sys.dont_write_bytecode = True

from watched import Watched, resident  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DEED = os.environ.get("DEED", os.path.join(HERE, "../../build/deed"))
TEAMS = 8
PEAK = 16 << 20          # bytes
SLOPE = 1 << 20          # bytes for each minute
SLOPE_FROM = 5           # minutes
COUNTS = {"actors": 3000, "ended": 3000, "timers": 3000, "banks": 300}  # of the mix at any moment


def watch(vm, seconds, each):
    """[(seconds since the start, resident bytes)], [figures]"""
    start, readings, figures = time.monotonic(), [], []
    while (now := time.monotonic() - start) < seconds and vm.process.poll() is None:
        readings.append((now, resident(vm.process.pid)))
        seen = vm.figures()
        if seen:
            figures.append(seen)
        time.sleep(max(0, min(each, seconds - (time.monotonic() - start))))
    return readings, figures


def slope(readings):
    """Bytes for each minute."""
    step = max(1, len(readings) // 200)
    few = readings[::step]
    found = [(y2 - y1) / (x2 - x1) * 60 for i, (x1, y1) in enumerate(few) for x2, y2 in few[i + 1:] if x2 > x1]
    return statistics.median(found) if found else 0


def judge(readings, figures, minutes):
    quarter = readings[-1][0] / 4
    warm, rest = [r for r in readings if r[0] < quarter], [r for r in readings if r[0] >= quarter]
    before, peak, growth = max(y for _, y in warm), max(y for _, y in rest), slope(rest)
    print(f"{len(readings)} readings: {before / 1e6:.1f} MB at most while warming up, {peak / 1e6:.1f} MB afterwards, "
          f"median {statistics.median(y for _, y in rest) / 1e6:.1f}; slope {growth / 1024:+.0f} KB a minute")
    failed = []
    if peak > before + PEAK:
        failed.append(f"the peak is {(peak - before) / 1e6:.1f} MB above that of the warm-up")
    if minutes >= SLOPE_FROM and growth > SLOPE:
        failed.append(f"resident memory grows by {growth / 1024:.0f} KB a minute; {SLOPE / 1024:.0f} are allowed")
    for name, most in COUNTS.items():
        seen = max(f[name] for f in figures)
        if seen > most:
            failed.append(f"{seen} {name} at once; {most} are allowed")
    last = figures[-1]
    print(f"messages: {last['sent']} sent; at the last look {last['actors']} actors, {last['timers']} timers, {last['waiting']} messages waited")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--each", type=float, default=2)
    parser.add_argument("--plot", action="store_true", help="print each reading")
    options = parser.parse_args()
    seconds = options.minutes * 60
    vm = Watched([DEED, "run", "--workers", str(options.workers), os.path.join(HERE, "programs/mix.deed"), "1", str(TEAMS), str(int(seconds))],
                 limit=seconds + 120)
    try:
        vm.line()  # `begun`: signals are handled now
        readings, figures = watch(vm, seconds, min(options.each, seconds / 20))
        if options.plot:
            print("\n".join(f"{x:8.1f} s {y / 1e6:8.1f} MB" for x, y in readings))
        status, complaints = vm.end()
    finally:
        vm.kill()
    failed = judge(readings, figures, options.minutes) if len(readings) > 4 and figures else ["it ended too soon"]
    if status:
        failed.append(f"exit {status}: {complaints[-1500:]}")
    for problem in failed:
        print(f"FAILED {problem}")
    print(f"{0 if failed else 1} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
