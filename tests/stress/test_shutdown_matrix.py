"""Whatever a script has left running, and however it ends: the program ends in time, with its exit
code, after the finally blocks, and names what would not stop.

Every pair of a leftover and an ending (tests/support/shutdowns.py), on 1, 2 and 8 workers; each
once, and 200 times with TONIO_STRESS=200. A test is a leftover: `test_shutdown_matrix.py -k sockets`.

In time: what counts is from the last signal, or from the line after which a program only ends, to
its exit. That may take the shutdown timeout, where something has to be left behind, and MARGIN; the
longest of each leftover is shown. The shortest end of each ending shows that none takes its time as a
rule: that the wait for what is left behind lasts as long as the shutdown timeout says and not as long
as it does by default, and that what has to be left behind nowhere is not waited for.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

from programs import Program
from sanitizers import SANITIZED
from scale import scaled
from shutdowns import ENDINGS, LEFTOVERS, START, STOPPED

WORKERS = (1, 2, 8)
ROUNDS = scaled(1)
# Programs at a time: they mostly wait.
AT_ONCE = int(os.environ.get("TONIO_STRESS_JOBS", "4"))
# What counts as a hang, in seconds, of the whole program; a grace time that isn't to be used is
# longer, and so is the blocking job.
LIMIT = 150 if SANITIZED else 50
# What an end may take besides the grace time. Mostly it takes less than one second, and a busy machine
# (eight programs at a time whose daemon threads spin, on two cores) has stretched it to eleven.
MARGIN = 60 if SANITIZED else 20
UNUSED_GRACE = 10 * LIMIT
# What the shortest end of each ending stays below, short grace times (Leftover.grace) included: less
# than the default one, 10 s. A busy machine stretches single ends, not all.
SHORTEST_END = 9
# Between the signals to a program that can't tell that it has heard the first one; seconds.
PAUSES = (2, 5, LIMIT)

# The runtime's log and warning of what it has waited for in vain.
GRACE_IS_OVER = (
    r"\S+ warning tonio\[\d+:\d+\] [\w ]+ would not end within the shutdown timeout(: \d+)?\n"
    r"|<sys>:0: RuntimeWarning: (\d+ tasks?|1 blocking call) would not stop within the shutdown timeout\n"
)
HEADINGS = (
    r"tonio: tasks that would not stop:\n"
    r"|tonio: leaving without what didn't stop in time \(--shutdown-timeout\):\n"
)
MAIN_IS_LEFT = r"  task main\n"
# Of tasks that wait for a leftover, or for nothing any more.
BYSTANDERS = r"  task (waits|main|of an awaitable)(, spawned at .*)?\n"


@dataclasses.dataclass(frozen=True)
class Outcome:
    cell: "Cell"
    # What was wrong, as text.
    fault: str
    # How long the end took.
    seconds: float
    # Whether it has waited the leftover's grace time for what it has left behind then.
    short_grace: bool


class Cell:
    """One leftover, one ending, one number of workers."""

    def __init__(self, leftover, ending, workers):
        self.name = f"{leftover} x {ending} x {workers} workers"
        self.ending_name = ending
        self.leftover, self.ending, self.workers = LEFTOVERS[leftover], ENDINGS[ending], workers
        self.text = START + self.leftover.text + self.ending.program
        self.stuck = self.leftover.holds_worker and workers == 1
        # A second signal ends even the wait that has a long grace time.
        self.short = self.leftover.stubborn and not self.ending.leaves_main
        # Whether its end takes the short grace time, if the leftover has not stopped after all.
        self.waits = self.short and self.ending.orderly

    def run(self):
        """Runs it once."""
        grace = self.leftover.grace if self.short else UNUSED_GRACE
        options = ("--threads", str(self.workers), "--shutdown-timeout", str(grace))
        options += self.leftover.options
        arguments = [str(self.workers), *["signal" for _ in self.ending.signals[:1]]]
        with Program(self.text, *options, args=arguments) as program:
            hung = threading.Event()
            watch = threading.Timer(LIMIT, lambda: (hung.set(), program.process.kill()))
            watch.start()
            out, ends = self.follow(program)
            done = program.end(None)
            seconds = time.monotonic() - ends
            watch.cancel()
        out += done.out.splitlines()
        wrong = list(self.faults(done.code, out, done.err))
        if hung.is_set():
            wrong.insert(0, f"it has not ended within {LIMIT} s")
        elif seconds > MARGIN + (grace if self.short else 0):
            wrong.insert(0, "its end took too long")
        children = [int(line.removeprefix("child ")) for line in out if line.startswith("child ")]
        wrong += self.faults_of_children(children)
        if wrong:
            wrong.insert(0, f"{self.name}, an end of {seconds:.1f} s:")
            said = ["standard output:", *out, "standard error:", done.err]
            wrong += [f"exit code {done.code}", *said]
        return Outcome(self, "\n".join(wrong), seconds, self.waits and self.leaves_something(out))

    def follow(self, program):
        """Until the program only ends: sends the ending's signals. Gives the lines that it has
        read for that, and when it was."""
        lines = []
        while not self.ending.signals and "in place" not in lines:
            lines.append(program.line())
            if not lines[-1]:
                return lines[:-1], time.monotonic()
        ends = time.monotonic()
        for number, line in self.ending.signals:
            if lines and self.stuck:
                # Nothing tells when the first one was heard. Before that, two are one.
                ends = time.monotonic()
                for pause in PAUSES:
                    program.signal(number)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        program.process.wait(pause)
                        break
                break
            wanted = {self.leftover.placed} if line == "placed" else {line, *self.leftover.finals}
            while not wanted.issubset(lines):
                lines.append(program.line())
                if not lines[-1]:
                    return lines[:-1], time.monotonic()
            ends = time.monotonic()
            program.signal(number)
        return lines, ends

    def faults(self, code, out, err):
        if code != self.ending.code:
            yield f"the exit code is {code}, not {self.ending.code}"
        yield from self.faults_of_output(out)
        yield from self.faults_of_errors(out, err)

    def faults_of_output(self, out):
        # Where it holds the only worker, it is the end that brings it to that.
        if self.leftover.placed not in out and (self.ending.orderly or not self.stuck):
            yield f"{self.leftover.placed!r} was not written"
        finals = {"main's finally", *self.leftover.finals} if self.ending.orderly else set()
        if self.ending.orderly and not self.ending.leaves_main:
            finals.update(self.leftover.last_finals)
        if self.stuck and self.ending.signals:
            finals = set()  # main's turn does not come any more
        for line in sorted(finals):
            if out.count(line) != 1:
                yield f"{line!r} was written {out.count(line)} times, not once"
        # Some may be at their end already, whatever comes then.
        may_be_written = {*self.leftover.finals, *self.leftover.last_finals}
        said = {*finals, *may_be_written, "in place", self.leftover.placed, STOPPED}
        for line in out:
            if line not in said and not line.startswith("child "):
                yield f"{line!r} was written"

    def faults_of_errors(self, out, err):
        """What has to be on standard error is, and nothing else."""
        if not self.ending.orderly:
            if err:
                yield "there is something on standard error"
            return
        required = [self.ending.reported]
        if self.ending.leaves_main and "leaving without" in err:
            # A second signal doesn't wait for a task that is just being reported.
            err = re.sub(self.leftover.reported, "", err)
        else:
            required.append(self.leftover.reported)
        left = self.leaves_something(out)
        if left or self.ending.leaves_main:
            required.append(HEADINGS)
        if left:
            required.append(self.leftover.named)
        if self.ending.leaves_main:
            required.append(MAIN_IS_LEFT)
        for pattern in filter(None, required):
            if not re.search(pattern, err):
                yield f"standard error doesn't have {pattern}"
            err = re.sub(pattern, "", err)
        if left or self.ending.leaves_main:
            err = re.sub(f"{GRACE_IS_OVER}|{HEADINGS}|{BYSTANDERS}", "", err)
        if self.leftover.left_open and self.ending.leaves_main:
            err = re.sub(self.leftover.left_open, "", err)
        if err:
            yield f"standard error also has: {err}"

    def leaves_something(self, out):
        """Whether the leftover has to be left behind. One that main has not let begin ends with
        the others."""
        return self.leftover.stubborn and self.leftover.placed in out and STOPPED not in out

    def faults_of_children(self, children):
        for child in children:
            if not pathlib.Path(f"/proc/{child}").exists():
                continue
            if self.ending.orderly:
                yield f"the child {child} was left running"
            os.kill(child, signal.SIGKILL)


class ShutdownMatrix(unittest.TestCase):
    def check(self, leftover):
        cells = [Cell(leftover, ending, n) for ending, n in itertools.product(ENDINGS, WORKERS)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            # All cells in each round, so that an early stop has tried each as often.
            outcomes = list(pool.map(Cell.run, cells * ROUNDS))
        faults = [outcome.fault for outcome in outcomes if outcome.fault]
        longest = max(outcomes, key=lambda outcome: outcome.seconds)
        print(
            f"{leftover}: {len(cells)} cells, {len(outcomes)} runs, {len(faults)} failures;"
            f" the longest end: {longest.seconds:.2f} s, {longest.cell.name}",
            flush=True,
        )
        faults += self.faults_of_time(outcomes)
        if faults:
            self.fail("\n\n".join(faults))

    def faults_of_time(self, outcomes):
        ends = {outcome.cell.ending_name: [] for outcome in outcomes}
        for outcome in outcomes:
            if outcome.short_grace or not outcome.cell.waits:
                ends[outcome.cell.ending_name].append(outcome.seconds)
        for ending, seconds in ends.items():
            if not seconds:
                yield f"{ending}: it was left behind in no run"
            elif min(seconds) >= SHORTEST_END:
                yield f"{ending}: every end took {min(seconds):.1f} s or more"


for name in LEFTOVERS:
    test = "test_" + re.sub(r"\W+", "_", name).strip("_").lower()
    setattr(ShutdownMatrix, test, lambda self, name=name: self.check(name))


if __name__ == "__main__":
    unittest.main(verbosity=2)
