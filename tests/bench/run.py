#!/usr/bin/env python3
"""Runs the benchmark programs in Deed, Erlang and Lua in interleaved rounds, prints ratios, writes docs/benchmarks.md.

Each program prints its result and the microseconds of its own work, start-up left out; results must agree. Peers that are
not installed are named and left out. Nothing is installed.

  tests/bench/run.py [--rounds N] [--quick] [--print] [PROGRAM..]     --print: leave docs/benchmarks.md alone
"""
import argparse
import glob
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = os.path.join(HERE, "programs")
BOOK = os.path.join(ROOT, "tests/data/shakespeare.txt")
DEED = os.path.abspath(os.environ.get("DEED", os.path.join(ROOT, "build/deed")))

# name: (size, a smaller one for --quick, what it shows)
SIZES = {
    "fib": ("32", "24", "calls"),
    "nqueens": ("11", "8", "integers and recursion"),
    "nbody": ("20000", "1000", "floats and records"),
    "trees": ("14", "10", "allocation"),
    "sieve": ("200000", "20000", "lists and closures"),
    "map": ("100000", "10000", "maps"),
    "ring": ("1000000", "50000", "one-way messages"),
    "pingpong": ("500000", "20000", "request and reply"),
    "spawn": ("200000", "10000", "actors made and dropped"),
    "words": (BOOK, BOOK, "text, maps, many actors"),
}


def peers(beam):
    """{language: function from program and size to the command}, and what is missing."""
    found = {"Deed": lambda p, size: [DEED, "run", f"{p}.deed", f"--book=file:{size}" if p == "words" else size]}
    missing = []
    if shutil.which("erlc") and shutil.which("erl"):
        subprocess.run(["erlc", "-o", beam, *glob.glob(os.path.join(PROGRAMS, "*.erl"))], check=True)
        found["Erlang"] = lambda p, size: ["erl", "-noshell", "-pa", beam, "-run", p, "main", size]
    else:
        missing.append("Erlang (erlang-base)")
    lua = shutil.which("lua5.4")
    if lua:
        found["Lua"] = lambda p, size: [lua, f"{p}.lua", size]
    else:
        missing.append("Lua (lua5.4)")
    return found, missing


def run_once(command):
    """(result, microseconds), or the reason why there is none."""
    try:
        p = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "no end within 300 s"
    m = re.search(r"^(.*)\nus (\d+)$", p.stdout.strip(), re.S)
    return (m[1], int(m[2])) if m else f"exit {p.returncode}: {(p.stderr or p.stdout).strip()[:300]}"


def measure(names, commands, rounds, quick):
    """{program: {language: seconds}}, and the troubles met."""
    times = {n: {l: [] for l in commands} for n in names}
    results, troubles = {}, {}
    for _ in range(rounds):
        for name in names:
            for language, command in commands.items():
                if (name, language) in troubles:
                    continue
                outcome = run_once(command(name, SIZES[name][1 if quick else 0]))
                if isinstance(outcome, str):
                    troubles[name, language] = outcome
                    continue
                if results.setdefault(name, outcome[0]) != outcome[0]:
                    troubles[name, language] = f"gives {outcome[0]}, others {results[name]}"
                times[name][language].append(outcome[1] / 1e6)
    medians = {n: {l: statistics.median(t) for l, t in per.items() if t} for n, per in times.items()}
    return medians, troubles


def start_up(rounds):
    """Milliseconds from exec to the end of a program that prints a line; the median."""
    with tempfile.NamedTemporaryFile("w", suffix=".deed") as f:
        f.write('fn main(out: Out) { out ! line("hello") }\n')
        f.flush()
        took = []
        for _ in range(max(rounds * 4, 10)):
            begin = time.perf_counter()
            subprocess.run([DEED, f.name], capture_output=True)
            took.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(took)


def compile_speed(lines):
    """The line that `deed check --timings` prints for a generated program."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), str(lines), folder], check=True)
        p = subprocess.run([DEED, "check", "--timings", "main.deed"], cwd=folder, capture_output=True, text=True)
        return p.stdout.strip() or p.stderr.strip()[:500]


def ratio(row, language):
    return f"{row[language] / row['Deed']:.2f}" if "Deed" in row and language in row and row["Deed"] else "–"


def table(medians, languages):
    head = ["program", "shows", *[f"{l}, s" for l in languages], *[f"{l} / Deed" for l in languages if l != "Deed"]]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in medians.items():
        cells = [name, SIZES[name][2], *[f"{row[l]:.3f}" if l in row else "–" for l in languages]]
        cells += [ratio(row, l) for l in languages if l != "Deed"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(body, missing, startup, speed, rounds):
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    absent = f"\nNot installed, so left out: {', '.join(missing)}.\n" if missing else ""
    return f"""# Benchmarks

Written by `make bench`, on {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores. Medians of {rounds} interleaved rounds; each program times
its own work, so start-up is left out. A ratio above 1 means that Deed is faster. Absolute figures hold for this machine only.

{body}
{absent}
Start-up, from exec to the end of a program that prints a line: {startup:.1f} ms.

The compiler and the verifier, on a generated program (`tests/bench/generate.py`):

    {speed}

`tests/bench/memory.py` measures the bytes of an idle actor from outside. The programs are in `tests/bench/programs/`; each is
written as its language's users would write it, so Lua's n-body changes tables in place, and its actors are coroutines.
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    names = options.programs or list(SIZES)
    unknown = [n for n in names if n not in SIZES]
    if unknown:
        sys.exit(f"there is no program {', '.join(unknown)}; there are {', '.join(SIZES)}")
    with tempfile.TemporaryDirectory() as beam:
        commands, missing = peers(beam)
        medians, troubles = measure(names, commands, options.rounds, options.quick)
    body = table(medians, list(commands))
    startup, speed = start_up(options.rounds), compile_speed(5000 if options.quick else 200000)
    print(body)
    print(f"\nstart-up {startup:.1f} ms\n{speed}")
    if missing:
        print("not installed: " + ", ".join(missing))
    for (name, language), why in troubles.items():
        print(f"trouble: {name} in {language}: {why}")
    if not options.print and not options.quick and not options.programs and not troubles:
        with open(os.path.join(ROOT, "docs/benchmarks.md"), "w") as f:
            f.write(page(body, missing, startup, speed, options.rounds))
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
