#!/usr/bin/env python3
"""Runs the benchmarks: Deed and its peers side by side, in interleaved rounds; prints ratios; brings docs/benchmarks.md up to date.

  tests/bench/run.py [--rounds N] [--quick] [--print] [GROUP or PROGRAM..]

Groups: `actors` (Erlang, Go, CAF), `compute` (Erlang, Lua, C), `compiler` (start-up, compiler, verifier, what a send costs). Without any,
all. The tables of a whole group replace those in docs/benchmarks.md, unless --print or --quick is given or something failed.
Peers that are not installed are named and left out; nothing is installed. DEED=path is the program to measure (build/deed).
"""
import argparse
import os
import platform
import re
import sys

sys.dont_write_bytecode = True

import actors  # noqa: E402
import compute  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402

GROUPS = ("actors", "compute", "compiler")


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    return f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores"


def absent(missing):
    return f"\nNot installed, so left out: {', '.join(missing)}.\n" if missing else ""


def run_actors(names, options):
    """(the sections of the page, troubles)"""
    wanted = [b for b in actors.benches() if "actors" in names or b.program in names]
    languages, missing = peers.actor_peers()
    taken, troubles = actors.measure(wanted, languages, options.rounds, options.quick)
    if options.quick:  # so small that figures mean nothing
        return {}, troubles
    lines = actors.figures(wanted, taken)
    body = report.actor_table(lines, list(languages)) + "\n" + absent(missing)
    if not peers.takes_workers():
        body += "\nThis build of Deed has one worker, whatever the column says.\n"
    unexplained = report.unexplained(lines, report.read_page())
    if unexplained:
        body += f"\nNot reached, and not explained below: {'; '.join(unexplained)}.\n"
    print(body)
    if writes(options, troubles) and "actors" in names:
        report.write_chart(lines)
    return {"actors": f"Measured on {machine()}.\n\n{body}"}, troubles


def run_compute(names, options):
    wanted = [n for n in compute.PROGRAMS if "compute" in names or n in names]
    languages, missing = compute.commands()
    medians, troubles = compute.measure(wanted, languages, options.rounds or 3, options.quick)
    if options.quick:
        return {}, troubles
    body = compute.table(medians, list(languages)) + "\n" + absent(missing)
    print(body)
    return {"compute": f"Measured on {machine()}.\n\n{body}"}, troubles


def run_compiler(names, options):
    startup = compute.start_up(options.rounds or 3)
    speed = compute.speed_table([1000] if options.quick else [1000, 10000, 100000, 300000, 1000000])
    moves = compute.move_table(compute.MOVED[:1] if options.quick else compute.MOVED)
    if options.quick:
        return {}, {}
    sections = {"startup": f"Start-up, from exec to the end of a program that prints a line: {startup:.1f} ms.", "compiler": speed,
                "moves": moves}
    print("\n\n".join(sections.values()))
    return sections, {}


def writes(options, troubles):
    return not options.print and not options.quick and not troubles


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=0, help="so many for every program (three for most)")
    parser.add_argument("--quick", action="store_true", help="small sizes: says only whether all works and agrees")
    parser.add_argument("--print", action="store_true", help="leave docs/benchmarks.md alone")
    parser.add_argument("names", nargs="*", metavar="GROUP or PROGRAM")
    options = parser.parse_args()
    names = options.names or list(GROUPS)
    programs = {"actors": {b.program for b in actors.benches()}, "compute": set(compute.PROGRAMS), "compiler": set()}
    known = [*GROUPS, *sorted(set().union(*programs.values()))]
    unknown = [n for n in names if n not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    failed = False
    for group, measure in zip(GROUPS, (run_actors, run_compute, run_compiler)):
        if group not in names and not programs[group] & set(names):
            continue
        sections, troubles = measure(names, options)
        if options.quick and not troubles:
            print(f"{group}: all ran, and agree")
        for (name, language), why in troubles.items():
            print(f"trouble: {name} in {language}: {why}")
        if writes(options, troubles) and group in names:
            report.write_page(sections)
        failed |= bool(troubles)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
