"""What one actor does alone: the programs of tests/bench/programs in Deed, Erlang, Lua and, those on arrays, in C; start-up; the speed of
the compiler and the verifier; what a send of something large costs."""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from process import parse, watched

BOOK = os.path.join(peers.ROOT, "tests/data/shakespeare.txt")

# name: (size, a smaller one for --quick, what it prints for that, what it shows)
PROGRAMS = {
    "fib": ("36", "24", "46368", "calls"),
    "nqueens": ("14", "8", "92", "integers and recursion"),
    "nbody": ("200000", "1000", '"36.445671"', "floats and records"),
    "trees": ("16", "10", "131759", "allocation"),
    "sieve": ("500000", "20000", "2262", "lists and closures"),
    "map": ("200000", "10000", "49995000", "maps"),
    "planets": ("200000", "1000", '"36.445671"', "arrays of Floats"),
    "spectral": ("500", "50", '"1.274193837"', "arrays of Floats, calls"),
    "primes": ("3000000", "20000", "2262", "an array of Ints"),
    "queens": ("10", "6", "4", "arrays of Ints, recursion"),
    "sort": ("1000000", "5000", "69381528", "sorting in place"),
    "words": (BOOK, BOOK, '"the 6279 and 5479 to 4723"', "text, maps, many actors"),
}

# Where Erlang's users have no other way than that of another program: without arrays, n-body is n-body.
SAME_IN_ERLANG = {"planets": "nbody"}


def deed(program, size):
    return [peers.DEED, "run", f"{program}.deed", f"--book=file:{size}" if program == "words" else size]


def commands():
    """{language: function from program and size to the command, None if there is no such program}, and what is missing."""
    found, missing = {"Deed": deed}, []
    if shutil.which("erlc") and shutil.which("erl"):
        peers.build_erlang()
        found["Erlang"] = lambda p, size: peers.erlang(SAME_IN_ERLANG.get(p, p), [size])[0]
    else:
        missing.append("Erlang (erlang-base)")
    lua = shutil.which("lua5.4")
    if lua:
        found["Lua"] = lambda p, size: [lua, f"{p}.lua", size]
    else:
        missing.append("Lua (lua5.4)")
    if shutil.which("gcc"):
        peers.build_c()
        found["C"] = lambda p, size: [peers.built(f"c/{p}"), size] if os.path.exists(os.path.join(peers.PROGRAMS, f"{p}.c")) else None
    else:
        missing.append("C (gcc)")
    return found, missing


def run_once(command):
    """(result, seconds, peak memory in MB), or the reason why there is none."""
    printed, complaints, status, peak = watched(command, peers.PROGRAMS)
    result, measures = parse(printed)
    return (result, measures["us"] / 1e6, peak) if measures else f"exit {status}: {(complaints or printed).strip()[:300]}"


def measure(names, languages, rounds, quick):
    """{program: {language: (seconds, peak MB)}}, and the troubles met."""
    taken = {n: {l: [] for l in languages} for n in names}
    results, troubles = {}, {}
    for _ in range(rounds):
        for name in names:
            for language, command in languages.items():
                if (name, language) in troubles:
                    continue
                words = command(name, PROGRAMS[name][1 if quick else 0])
                if not words:
                    continue
                outcome = run_once(words)
                if isinstance(outcome, str):
                    troubles[name, language] = outcome
                    continue
                expected = PROGRAMS[name][2] if quick else results.setdefault(name, outcome[0])
                if outcome[0] != expected:
                    troubles[name, language] = f"gives {outcome[0]}, not {expected}"
                taken[name][language].append(outcome[1:])
    medians = {n: {l: tuple(map(statistics.median, zip(*t))) for l, t in per.items() if t} for n, per in taken.items()}
    return medians, troubles


def ratio(row, language, which):
    return f"{row[language][which] / row['Deed'][which]:.2f}" if "Deed" in row and language in row and row["Deed"][which] else "–"


def table(medians, languages):
    others = [l for l in languages if l != "Deed"]
    head = ["program", "shows", *[f"{l}, s" for l in languages], *[f"{l} / Deed" for l in others],
            *[f"{l}, MB" for l in languages], *[f"{l} / Deed" for l in others]]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in medians.items():
        cells = [name, PROGRAMS[name][3]]
        for which, digits in ((0, 3), (1, 0)):
            cells += [f"{row[l][which]:.{digits}f}" if l in row else "–" for l in languages]
            cells += [ratio(row, l, which) for l in others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


# ---- Start-up, compiler, moves ---------------------------------------------------------------------------------------

def start_up(rounds):
    """Milliseconds from exec to the end of a program that prints a line; the median."""
    with tempfile.NamedTemporaryFile("w", suffix=".deed") as f:
        f.write('fn main(out: Out) { out ! line("hello") }\n')
        f.flush()
        took = []
        for _ in range(max(rounds * 4, 10)):
            begin = time.perf_counter()
            subprocess.run([peers.DEED, f.name], capture_output=True)
            took.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(took)


def compile_speed(lines):
    """A generated program of so many lines: (lines, instructions, seconds of each phase, peak MB); the best of three."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(peers.HERE, "generate.py"), str(lines), folder], check=True, capture_output=True)
        subprocess.run([peers.DEED, "build", "main.deed", "-o", "bundle"], cwd=folder, check=True, capture_output=True)
        p = subprocess.run([peers.DEED, "verify", "bundle"], cwd=folder, check=True, capture_output=True, text=True)
        instructions = int(re.search(r"(\d+) instructions", p.stdout)[1])
        best = None
        for _ in range(3):
            text, _, _, peak = watched([peers.DEED, "check", "--timings", "main.deed"], folder)
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


def moved(size):
    """{kind: nanoseconds to send one of so many bytes until the receiver has read both ends}."""
    p = subprocess.run([peers.DEED, "run", "moves.deed", str(size)], cwd=peers.PROGRAMS, check=True, capture_output=True, text=True)
    return {kind: int(nanoseconds) for kind, _, nanoseconds in (line.rsplit(" ", 2) for line in p.stdout.splitlines())}


def move_table(sizes):
    took = [moved(size) for size in sizes]
    head = ["ns for each send", *[f"{size:,} B" for size in sizes], "slowest / fastest"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for kind in took[0]:
        row = [each[kind] for each in took]
        lines.append(f"| {kind} | " + " | ".join(map(str, row)) + f" | {max(row) / min(row):.2f} |")
    return "\n".join(lines)
