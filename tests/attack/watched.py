"""Looks into a running VM from outside: what SIGQUIT shows of messages, timers and memory."""
import os
import re
import signal
import subprocess
import tempfile
import threading

FIGURES = {
    "messages": r"messages: (?P<sent>\d+) sent, (?P<received>\d+) received, (?P<dropped>\d+) dropped \(\d+ dead letters\), (?P<waiting>-?\d+) waiting",
    "timers": r"timers: (?P<timers>\d+), banks: (?P<banks>\d+), ended actors that can be named: (?P<ended>\d+)",
    "memory": r"memory: (?P<charged>-?\d+) bytes charged, (?P<used>\d+) in use, (?P<allocated>\d+) allocated, (?P<resident>\d+) resident",
    "actors": r"actors: (?P<actors>\d+)",
}


def prefer():
    """The system is to run it before others, if it lets us say so: what others do on the machine is none of what is measured."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass


class Watched:
    """A program whose stdin and stdout are pipes, and whose stderr is a file that is read now and then."""

    def __init__(self, command, preferred=False, limit=600):
        self.complaints = tempfile.NamedTemporaryFile("w+", prefix="stderr")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True,
                                        preexec_fn=prefer if preferred else None)
        self.seen = 0
        self.late = threading.Timer(limit, self.process.kill)
        self.late.start()

    def line(self):
        return self.process.stdout.readline()

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def _news(self):
        with open(self.complaints.name, errors="replace") as f:
            f.seek(self.seen)
            return f.read()

    def figures(self, limit=60):
        """{name: number} as the VM is now, or None if it shows nothing."""
        self.process.send_signal(signal.SIGQUIT)
        for _ in range(limit * 200):
            text = self._news()
            if "who waits for whom:\n" in text:
                break
            if self.process.poll() is not None:
                return None
            threading.Event().wait(0.005)  # there is nothing to wait for but the text
        else:
            return None
        self.seen += len(text.encode(errors="replace"))
        found = {}
        for pattern in FIGURES.values():
            m = re.search("^" + pattern, text, re.M)
            if not m:
                return None
            found.update({k: int(v) for k, v in m.groupdict().items()})
        return found

    def end(self):
        """(exit status, what it complained of)"""
        self.process.stdin.close()
        self.process.stdout.read()
        status = self.process.wait()
        self.late.cancel()
        with open(self.complaints.name, errors="replace") as f:
            return status, f.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.late.cancel()


def resident(pid):
    """Bytes, from /proc."""
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def unbalanced(figures):
    """What is wrong with the count of messages while nothing runs, or None."""
    rest = figures["sent"] - figures["received"] - figures["dropped"] - figures["waiting"]
    return f"{rest} messages are unaccounted for" if rest else None
