"""Runs one benchmark program and reads what it prints.

A program prints its result, then lines `NAME NUMBER` for what it measured (`us 1234`: microseconds of its own work, start-up left out).
A line `end` says that it will not end by itself and is to be ended. A program of idle actors prints `ready N` instead, and waits for a
line on its standard input; meanwhile it is measured from outside.
"""
import os
import re
import subprocess
import tempfile
import threading
import time

MEASURE = re.compile(r"^([a-z]\w*) (\d+)$")


def parse(text):
    """(result, {measure: number}) of what a program printed."""
    lines = [line for line in text.strip().splitlines() if line != "end"]
    measures = {}
    while lines and (m := MEASURE.match(lines[-1])):
        measures[m[1]] = int(m[2])
        lines.pop()
    return "\n".join(lines), measures


def words_of(complaints, printed, status):
    return f"exit {status}: {' '.join((complaints or printed).split())[:300]}"


def run(command, cwd, env=None, limit=120):
    """(result, measures), or in words why there are none."""
    with tempfile.TemporaryFile("w+") as err:
        p = subprocess.Popen(command, cwd=cwd, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=err, text=True)
        expired = threading.Event()
        late = threading.Timer(limit, lambda: (expired.set(), p.kill()))
        late.start()
        printed = []
        for line in p.stdout:
            printed.append(line)
            if line == "end\n":
                p.kill()
        status = p.wait()
        late.cancel()
        if expired.is_set() and "end\n" not in printed:
            return f"no end within {limit} s"
        result, measures = parse("".join(printed))
        err.seek(0)
        return (result, measures) if measures else words_of(err.read(), "".join(printed), status)


def idle(command, cwd, env=None, limit=120):
    """(what it says once it goes on, {"resident": bytes, "peak": bytes}) of a program of idle actors, or why there are none."""
    p = subprocess.Popen(command, cwd=cwd, env=dict(os.environ, **(env or {})), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    late = threading.Timer(limit, p.kill)
    late.start()
    try:
        if not p.stdout.readline().startswith("ready "):
            return words_of(p.stderr.read(), "", p.wait())
        with open(f"/proc/{p.pid}/smaps_rollup") as f:
            resident = int(re.search(r"Rss:\s+(\d+) kB", f.read())[1]) * 1024
        with open(f"/proc/{p.pid}/status") as f:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1]) * 1024
        printed, complaints = p.communicate("\n")
        return (printed.strip(), {"resident": resident, "peak": peak}) if printed else words_of(complaints, "", p.returncode)
    finally:
        late.cancel()
        p.kill()
        p.wait()


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
