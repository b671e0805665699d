#!/usr/bin/env python3
"""Runs the benchmark programs in Deed, Erlang, Lua and, those on arrays, in C in interleaved rounds, prints ratios, writes docs/benchmarks.md.

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
    "fib": ("36", "24", "calls"),
    "nqueens": ("14", "8", "integers and recursion"),
    "nbody": ("200000", "1000", "floats and records"),
    "trees": ("16", "10", "allocation"),
    "sieve": ("500000", "20000", "lists and closures"),
    "map": ("200000", "10000", "maps"),
    "planets": ("200000", "1000", "arrays of Floats"),
    "spectral": ("500", "50", "arrays of Floats, calls"),
    "primes": ("3000000", "20000", "an array of Ints"),
    "queens": ("10", "6", "arrays of Ints, recursion"),
    "sort": ("1000000", "5000", "sorting in place"),
    "ring": ("3000000", "50000", "one-way messages"),
    "pingpong": ("1000000", "20000", "request and reply"),
    "spawn": ("500000", "10000", "actors made and dropped"),
    "words": (BOOK, BOOK, "text, maps, many actors"),
}

# Where Erlang's users have no other way than that of another program: without arrays, n-body is n-body.
SAME_IN_ERLANG = {"planets": "nbody"}


def peers(beam):
    """{language: function from program and size to the command}, and what is missing."""
    found = {"Deed": lambda p, size: [DEED, "run", f"{p}.deed", f"--book=file:{size}" if p == "words" else size]}
    missing = []
    if shutil.which("erlc") and shutil.which("erl"):
        subprocess.run(["erlc", "-o", beam, *glob.glob(os.path.join(PROGRAMS, "*.erl"))], check=True)
        found["Erlang"] = lambda p, size: ["erl", "-noshell", "-pa", beam, "-run", SAME_IN_ERLANG.get(p, p), "main", size]
    else:
        missing.append("Erlang (erlang-base)")
    lua = shutil.which("lua5.4")
    if lua:
        found["Lua"] = lambda p, size: [lua, f"{p}.lua", size]
    else:
        missing.append("Lua (lua5.4)")
    if shutil.which("gcc"):
        for source in glob.glob(os.path.join(PROGRAMS, "*.c")):
            subprocess.run(["gcc", "-O2", "-I", ROOT, "-o", os.path.join(beam, "c-" + os.path.basename(source)[:-2]), source, "-lm"], check=True)
        found["C"] = lambda p, size: [os.path.join(beam, f"c-{p}"), size] if os.path.exists(os.path.join(PROGRAMS, f"{p}.c")) else None
    else:
        missing.append("C (gcc)")
    return found, missing


def watched(command, cwd, limit=300):
    """(stdout, stderr, exit status, peak of resident memory in MB, as seen every 2 ms)."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        p = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        peak, end = 0, time.monotonic() + limit
        while p.poll() is None:
            if time.monotonic() > end:
                p.kill()
            with open(f"/proc/{p.pid}/status") as f:  # a zombie has no VmHWM
                seen = re.search(r"^Name:\s+(\S+).*^VmHWM:\s+(\d+) kB", f.read(), re.M | re.S)
            if seen and not seen[1].startswith("python"):
                peak = max(peak, int(seen[2]) / 1024)
            time.sleep(0.002)
        out.seek(0), err.seek(0)
        return out.read(), err.read(), p.returncode, peak


def run_once(command):
    """(result, seconds, peak memory in MB), or the reason why there is none."""
    printed, complaints, status, peak = watched(command, PROGRAMS)
    m = re.search(r"^(.*)\nus (\d+)$", printed.strip(), re.S)
    return (m[1], int(m[2]) / 1e6, peak) if m else f"exit {status}: {(complaints or printed).strip()[:300]}"


def measure(names, commands, rounds, quick):
    """{program: {language: (seconds, peak MB)}}, and the troubles met."""
    taken = {n: {l: [] for l in commands} for n in names}
    results, troubles = {}, {}
    for _ in range(rounds):
        for name in names:
            for language, command in commands.items():
                if (name, language) in troubles:
                    continue
                words = command(name, SIZES[name][1 if quick else 0])
                if not words:
                    continue
                outcome = run_once(words)
                if isinstance(outcome, str):
                    troubles[name, language] = outcome
                    continue
                if results.setdefault(name, outcome[0]) != outcome[0]:
                    troubles[name, language] = f"gives {outcome[0]}, others {results[name]}"
                taken[name][language].append(outcome[1:])
    medians = {n: {l: tuple(map(statistics.median, zip(*t))) for l, t in per.items() if t} for n, per in taken.items()}
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
    """A generated program of so many lines: (lines, instructions, seconds of each phase, peak MB); the best of three."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), str(lines), folder], check=True, capture_output=True)
        subprocess.run([DEED, "build", "main.deed", "-o", "bundle"], cwd=folder, check=True, capture_output=True)
        p = subprocess.run([DEED, "verify", "bundle"], cwd=folder, check=True, capture_output=True, text=True)
        instructions = int(re.search(r"(\d+) instructions", p.stdout)[1])
        best = None
        for _ in range(3):
            text, _, _, peak = watched([DEED, "check", "--timings", "main.deed"], folder)
            count = int(re.search(r"(\d+) lines", text)[1])
            phases = {k: float(re.search(rf"{k} ([\d.]+) ms", text)[1]) / 1e3 for k in PHASES}
            if best is None or phases["all"] < best[2]["all"]:
                best = count, instructions, phases, peak
        return best


PHASES = ("parse", "check", "generate", "verify", "all")


def speed_table(sizes):
    lines = ["| lines | " + " | ".join(f"{p}, lines/s" for p in PHASES) + " | peak, MB | instructions | verify, ns each |",
             "|" + "---|" * (len(PHASES) + 4)]
    for size in sizes:
        count, instructions, phases, peak = compile_speed(size)
        cells = [f"{count:,}", *[f"{count / max(phases[p], 1e-9):,.0f}" for p in PHASES], f"{peak:.0f}", f"{instructions:,}",
                 f"{phases['verify'] * 1e9 / instructions:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


MOVED = (64, 4 << 10, 256 << 10, 16 << 20, 1 << 30)  # bytes


def move_table(sizes):
    """Nanoseconds to send a Buf and an Array[Int] until the receiver has read both ends, by size."""
    took = {"Buf": [], "Array[Int]": []}
    for size in sizes:
        p = subprocess.run([DEED, "run", "moves.deed", str(size)], cwd=PROGRAMS, check=True, capture_output=True, text=True)
        for kind, _, nanoseconds in (line.rsplit(" ", 2) for line in p.stdout.splitlines()):
            took[kind].append(int(nanoseconds))
    lines = ["| ns for each send | " + " | ".join(f"{size:,} B" for size in sizes) + " | slowest / fastest |", "|" + "---|" * (len(sizes) + 2)]
    for kind, row in took.items():
        lines.append(f"| {kind} | " + " | ".join(map(str, row)) + f" | {max(row) / min(row):.2f} |")
    return "\n".join(lines)


def ratio(row, language, which):
    return f"{row[language][which] / row['Deed'][which]:.2f}" if "Deed" in row and language in row and row["Deed"][which] else "–"


def table(medians, languages):
    others = [l for l in languages if l != "Deed"]
    head = ["program", "shows", *[f"{l}, s" for l in languages], *[f"{l} / Deed" for l in others],
            *[f"{l}, MB" for l in languages], *[f"{l} / Deed" for l in others]]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in medians.items():
        cells = [name, SIZES[name][2]]
        for which, digits in ((0, 3), (1, 0)):
            cells += [f"{row[l][which]:.{digits}f}" if l in row else "–" for l in languages]
            cells += [ratio(row, l, which) for l in others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(body, missing, startup, speed, moves, rounds):
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    absent = f"\nNot installed, so left out: {', '.join(missing)}.\n" if missing else ""
    return f"""# Benchmarks

Written by `make bench`, on {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores. Medians of {rounds} interleaved rounds; each program times
its own work, so start-up is left out of the seconds; MB is the peak of resident memory. A ratio above 1 means that Deed is faster, or
smaller. Absolute figures hold for this machine only.

{body}
{absent}
Start-up, from exec to the end of a program that prints a line: {startup:.1f} ms.

The compiler and the verifier, on generated programs (`tests/bench/generate.py`), the library's lines included:

{speed}

Sending what can change in place moves a pointer, whatever its size (`tests/bench/programs/moves.deed`; from the send until the receiver has
read the first and the last element, half of a round trip):

{moves}

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
    startup, speed = start_up(options.rounds), speed_table([1000, 5000] if options.quick else [1000, 10000, 100000, 300000, 1000000])
    moves = move_table(MOVED[:2] if options.quick else MOVED)
    print(body)
    print(f"\nstart-up {startup:.1f} ms\n{speed}\n\n{moves}")
    if missing:
        print("not installed: " + ", ".join(missing))
    for (name, language), why in troubles.items():
        print(f"trouble: {name} in {language}: {why}")
    if not options.print and not options.quick and not options.programs and not troubles:
        with open(os.path.join(ROOT, "docs/benchmarks.md"), "w") as f:
            f.write(page(body, missing, startup, speed, moves, options.rounds))
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
