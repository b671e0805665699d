"""What many actors cost and do: the programs of tests/bench/programs/actors in Deed, Erlang, Go and CAF, interleaved.

A `Bench` is one program with its arguments and a number of workers; its `Row`s are the lines of the table that one run gives. Memory of
idle actors is measured from outside, everything else by the program itself.
"""
import dataclasses
import math
import statistics

import peers
from process import idle, run

MILLION = 1_000_000
UNSEEN = 1007  # ns: a microsecond, all that Deed's clock can tell, at the upper end of its bucket


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. `count` events in `measure` microseconds give a rate; without it the measure itself is the figure, in `unit`,
    and less is better. `goal` is what Deed is to reach; `pony` what Pony reached when it was measured (it is not packaged)."""
    label: str
    unit: str
    measure: str = "us"
    count: float = 0
    goal: float = 0
    pony: float = 0
    charted: bool = True

    def figure(self, measures, share=1):
        """What a run's measures come to, None if it did not take this one."""
        if self.measure not in measures:
            return None
        measured = measures[self.measure]
        if self.more_is_better():
            return self.count * share * 1e6 / max(measured, 1)
        return measured / self.count if self.count else measured

    def more_is_better(self):
        return self.unit.endswith("/s")

    def ratio(self, ours, theirs):
        """How many times better `ours` is, None if one is not there. All that takes a microsecond or less is alike."""
        if ours is None or not theirs or ours == theirs == math.inf:
            return None
        if self.more_is_better():
            return ours / theirs
        if self.unit == "ns":
            ours, theirs = max(ours, UNSEEN), max(theirs, UNSEEN)
        return theirs / ours


@dataclasses.dataclass(frozen=True)
class Bench:
    """`quick` is a smaller run, which must give `result`. `only` names the languages that have the program (all, if empty); where Deed is
    not among them its figures are those of the program `beside`. `fewer` are the arguments for languages that would take too long with
    `args`; the first tells how much less they do. `limit` is in seconds; `base` the arguments of the run whose memory is taken off."""
    program: str
    args: tuple
    quick: tuple
    result: str
    rows: tuple
    workers: int = 2
    only: tuple = ()
    beside: str = ""
    fewer: dict = dataclasses.field(default_factory=dict)
    rounds: int = 3
    limit: float = 30
    base: tuple = ()

    def name(self):
        return f"{' '.join((self.program, *self.args))} at {self.workers}"

    def languages(self, found):
        return [l for l in found if not self.only or l in self.only]

    def share(self, language):
        """How much of the work this language does."""
        return int(self.fewer[language][0]) / int(self.args[0]) if language in self.fewer else 1


def rate(label, unit, program, args, quick, result, events, goals, ponies, workers=(1, 2), **more):
    """Benches that count events in a second, one for each number of workers; goals and Pony's figures stand at theirs."""
    def row(w):
        return Row(label, unit, count=events, goal=goals.get(w, 0), pony=ponies.get(w, 0))
    return [Bench(program, tuple(args.split()), tuple(quick.split()), result, (row(w),), workers=w, **more) for w in workers]


def idle_bench(label, holders, goal=0, pony=0, extra=(), **more):
    rows = (Row(label, "bytes", "resident", MILLION, goal, pony), Row(f"{label}, at the peak", "bytes", "peak", MILLION, goal))
    words = (str(holders), *extra)
    return Bench("idle", (str(MILLION), *words), ("1000", *words), str(1000 - holders), rows, rounds=1, limit=90, base=("0", *words),
                 **more)


PERCENTILES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))


def latency(label, kind, count, milliseconds, goals=None, ponies=None, workers=2, rounds=2, limit=15):
    """Goals and Pony's figures are in nanoseconds. Actors of CAF don't share a thread with one that never ends its turn."""
    goals, ponies = goals or {}, ponies or {}
    rows = tuple(Row(f"{label}: {name}", "ns", key, goal=goals.get(key, 0), pony=ponies.get(key, 0),
                     charted=key in ("p50", "p999", *goals)) for key, name in PERCENTILES)
    return Bench("latency", (kind, str(count), str(milliseconds)), (kind, "10", "20"), "0", rows, workers=workers,
                 only=() if kind == "quiet" else ("Deed", "Erlang", "Go"), rounds=rounds, limit=limit)


def benches():
    """All of them, in the order of the table."""
    return [
        *memory_benches(), *life_benches(), *message_benches(),
        Bench("timers", (str(MILLION),), ("1000",), "(1000, 0, 1000)",
              (Row("timers set", "timers/s", "set", MILLION, pony=148e3), Row("timers cancelled", "timers/s", "cancel", MILLION),
               Row("timers set and fired", "timers/s", "fire", MILLION))),
        *latency_benches(),
    ]


def memory_benches():
    return [
        idle_bench("idle actor, in one list", 1, goal=224, pony=908),
        idle_bench("idle actor, in 100 lists", 100, goal=224, pony=908),
        idle_bench("idle actor, hibernated in Erlang", 1, extra=("hibernate",), only=("Erlang",), beside="idle"),
    ]


def life_benches():
    return [
        *rate("spawn and park", "actors/s", "park", "300000", "1000", "1999", 300_000, {2: 5e6}, {2: 1.47e6}, workers=(2,)),
        *rate("spawn, a message, exit", "actors/s", "spawn", "200000", "1000", "499500", 200_000, {1: 10e6, 2: 10e6},
              {1: 0.768e6, 2: 2.01e6}),
        *rate("fork and join", "actors/s", "forkjoin", "200000", "1000", "461500", 200_000, {}, {1: 0.389e6, 2: 0.506e6}),
    ]


def message_benches():
    return [
        *rate("ping-pong, one-way", "round trips/s", "pingpong", "400000", "1000", "2000", 400_000, {1: 12e6}, {1: 8.6e6, 2: 1.47e6}),
        *rate("request and reply", "requests/s", "request", "400000", "1000", "1000", 400_000, {1: 20e6}, {1: 8.4e6, 2: 2.04e6}),
        *rate("request and reply, gen_server", "requests/s", "server", "400000", "1000", "1000", 400_000, {}, {}, only=("Erlang",),
              beside="request"),
        *rate("ring of 503", "hops/s", "ring", "1000000", "5000", "0", 1_000_000, {1: 20e6}, {1: 6.7e6, 2: 2.7e6}),
        *rate("4 senders to one", "messages/s", "many", "1000000 4", "4000 4", "1998000", 1_000_000, {2: 50e6}, {2: 37e6}, workers=(2,)),
        *rate("1,000 senders to one", "messages/s", "many", "1000000 1000", "4000 100", "78000", 1_000_000, {2: 50e6}, {2: 37e6},
              workers=(2,)),
        *rate("all to all (Savina big)", "messages/s", "big", "120 4000", "20 20", "3760", 2 * 120 * 4000, {1: 20e6},
              {1: 10.6e6, 2: 7.6e6}),
        *rate("chameneos", "meetings/s", "chameneos", "100 200000", "10 500", "1000", 200_000, {1: 5e6}, {1: 2.8e6, 2: 0.703e6}),
        *rate("1 MB of nested data handed over", "hand-overs/s", "hand", "50000 10000", "20 100", "20", 50_000, {1: 1e6, 2: 1e6}, {1: 872},
              fewer={"Erlang": ("1000", "10000")}),
    ]


def latency_benches():
    return [
        latency("request, nobody else", "quiet", 0, 700, ponies={"p50": 16_300, "p99": 36_700, "p999": 77_800}),
        latency("request beside 100 endless loops", "spin", 100, 1500),
        latency("request beside 10,000 endless loops", "spin", 10_000, 2000, {"p50": 50e3, "p999": 2e6}, rounds=1, limit=8),
        latency("request beside 100 that make garbage", "garbage", 100, 1500),
        latency("request beside a changing heap of 250 MB", "heap", 250, 2000, {"p999": 100e3}, rounds=1, limit=60),
        latency("request beside a changing heap of 1 GB, on its worker", "heap", 1000, 4000, {"max": 1e6}, workers=1, rounds=1, limit=60),
        latency("request beside a changing heap of 1 GB", "heap", 1000, 4000, {"max": 1e6}, rounds=1, limit=60),
    ]


# ---- Measuring -------------------------------------------------------------------------------------------------------

def run_once(bench, language, command, quick):
    """(result, measures) of one run, or in words why there are none."""
    args = bench.quick if quick else bench.fewer.get(language, bench.args)
    words, env = command(bench.program, args, bench.workers)
    if not bench.base:
        return run(words, peers.ACTORS, env, bench.limit)
    outcome = idle(words, peers.ACTORS, env, bench.limit)
    words, env = command(bench.program, bench.base, bench.workers)
    base = idle(words, peers.ACTORS, env, bench.limit)
    if isinstance(outcome, str) or isinstance(base, str):
        return outcome if isinstance(outcome, str) else base
    return outcome[0], {k: v - base[1][k] for k, v in outcome[1].items()}


def starved(bench, outcome):
    """A victim that gets no answer beside endless loops is a finding, not a failure."""
    return bench.args[0] in ("spin", "garbage") and isinstance(outcome, str) and outcome.startswith("no end")


def measure(wanted, languages, rounds, quick):
    """{bench: {language: [measures of each run]}}, and the troubles met."""
    taken = {b.name(): {} for b in wanted}
    results, troubles = {}, {}
    for number in range(rounds or max(b.rounds for b in wanted)):
        for bench in wanted:
            for language in bench.languages(languages):
                if number >= (rounds or bench.rounds) or (bench.name(), language) in troubles:
                    continue
                outcome = run_once(bench, language, languages[language], quick)
                if starved(bench, outcome):
                    outcome = "0", {row.measure: math.inf for row in bench.rows}
                if isinstance(outcome, str):
                    troubles[bench.name(), language] = outcome
                    continue
                work = bench.program if quick else (bench.program, bench.fewer.get(language, bench.args))
                expected = bench.result if quick else results.setdefault(work, outcome[0])
                if outcome[0] != expected:
                    troubles[bench.name(), language] = f"gives {outcome[0]}, not {expected}"
                taken[bench.name()].setdefault(language, []).append(outcome[1])
    return taken, troubles


def ours_beside(bench, row, lines):
    """Deed's figure for a bench that only others run: that of the program that it stands beside."""
    return next((found["Deed"] for other, r, found in lines if other.program == bench.beside and other.workers == bench.workers
                 and r.measure == row.measure and "Deed" in found), None)


def figures(wanted, taken):
    """[(bench, row, {language: figure})], the medians, in the order of the table."""
    lines = []
    for bench in wanted:
        for at, row in enumerate(bench.rows):
            found = {}
            for language, runs in taken[bench.name()].items():
                values = [v for v in (row.figure(m, bench.share(language)) for m in runs) if v is not None]
                if values:
                    found[language] = statistics.median(values)
            if bench.beside:
                found |= {"Deed": ours} if (ours := ours_beside(bench, row, lines)) else {}
            lines.append((bench, row, found))
    return lines
