"""What becomes of a program's exit code when it is interrupted while it ends: the first who asks for
the end decides, and what failed before is shown."""

import signal
import unittest

from programs import Program

# The end waits for cleans(). On each SIGUSR1 the main thread gets the next of the signals that the
# program is called with, and cleans() goes on at a 0. "heard" comes when the handler has returned: what
# the next one raises within it would be the same exception.
START = """
import os, queue, signal, sys, threading, tonio

go_on = tonio.Event()
signals = [int(number) for number in sys.argv[1:]]
calls = queue.SimpleQueue()
POLLS = {"x86_64": ("7", "271"), "aarch64": ("73",)}[os.uname().machine]  # poll and ppoll

def hear(*_):
    number = signals.pop(0)
    if signals:  # after the last, the program may be gone before anybody answers
        calls.put(None)
    if number:
        signal.raise_signal(number)
    else:
        go_on.set()

# The handler calls nothing that polls; the main thread does as soon as it waits again.
def hears():
    with open(f"/proc/self/task/{os.getpid()}/syscall") as now:
        return now.read().split()[0] not in POLLS

def answer():
    while True:
        calls.get()
        while hears():
            os.sched_yield()
        say("heard")

signal.signal(signal.SIGUSR1, hear)
threading.Thread(target=answer, daemon=True).start()

def say(text):
    os.write(1, (text + "\\n").encode())

def cleans(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        say("cleaning")
        yield go_on.wait()
        say("clean")

def leaves(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        say("leaving")
        sys.exit(8)

def leave(what):
    begun = tonio.Event()
    tonio.spawn.without_tracking(what(begun))
    yield begun.wait()
"""
# The end of the run waits for the task.
IN_RUN = """
def main():
    yield leave({what})
    {end}
"""
# The end of the program does, when it has nothing else to do any more.
AFTER_RUN = """
tonio.{call}(leave({what}))
{end}
"""
AFTER_RUNS = tuple(
    AFTER_RUN.replace("{call}", call) for call in ("runtime().run_until_complete", "block_on")
)
TRACEBACK = r"Traceback \(most recent call last\):\n(?:  .*\n)+"
LOOKUP_ERROR = TRACEBACK + "LookupError: first\n"
INTERRUPT = TRACEBACK + "KeyboardInterrupt\n"
UNAWAITED = r"tonio: a main task failed and nobody awaited it\n" + LOOKUP_ERROR
STILL_THERE = r"tonio: tasks that would not stop:\n  task cleans, spawned at .* in leave\n"
INT, TERM = signal.SIGINT, signal.SIGTERM


class InterruptedEndings(unittest.TestCase):
    def check(self, templates, end, signals, code, err="", what="cleans", out="clean\n"):
        for template in templates:
            for workers in ("1", "2", "8"):
                text = START + template.format(what=what, end=end)
                options = ("--threads", workers, "--shutdown-timeout", "600")
                numbers = [*signals, 0] if out == "clean\n" else signals
                args = [str(int(number)) for number in numbers]
                with (
                    self.subTest(template=template, end=end, signals=signals, workers=workers),
                    Program(text, *options, args=args) as program,
                ):
                    if what == "cleans":
                        self.assertEqual(program.line(), "cleaning")
                        for _ in numbers[1:]:
                            program.signal(signal.SIGUSR1)
                            self.assertEqual(program.line(), "heard")
                        program.signal(signal.SIGUSR1)
                    done = program.end()
                    self.assertEqual((done.code, done.out), (code, out), done.err)
                    self.assertRegex(done.err, rf"\A{err}\Z")

    def test_the_end_of_the_program_by_itself(self):
        self.check(AFTER_RUNS, "pass", [INT], 130, INTERRUPT)
        self.check(AFTER_RUNS, "pass", [TERM], 143)

    def test_the_end_of_a_run_by_itself(self):
        self.check([IN_RUN], "pass", [INT], 130, INTERRUPT)
        self.check([IN_RUN], "pass", [TERM], 143)

    def test_twice(self):
        at_once = INTERRUPT + STILL_THERE
        self.check([IN_RUN, *AFTER_RUNS], "pass", [INT, INT], 130, at_once, out="")
        self.check([IN_RUN, *AFTER_RUNS], "pass", [INT, TERM], 130, at_once, out="")
        self.check([IN_RUN, *AFTER_RUNS], "pass", [TERM, INT], 143, STILL_THERE, out="")
        self.check([IN_RUN, *AFTER_RUNS], "pass", [TERM, TERM], 143, STILL_THERE, out="")

    def test_after_sys_exit(self):
        for number in (INT, TERM):
            self.check([IN_RUN, *AFTER_RUNS], "sys.exit(7)", [number], 7)
            self.check([IN_RUN, *AFTER_RUNS], "sys.exit()", [number], 0)
        self.check([IN_RUN, *AFTER_RUNS], "sys.exit(7)", [INT, INT], 7, STILL_THERE, out="")

    def test_after_a_failure(self):
        end = "raise LookupError('first')"
        self.check(AFTER_RUNS, end, [TERM], 143, LOOKUP_ERROR)
        self.check(AFTER_RUNS, end, [INT], 130, LOOKUP_ERROR + INTERRUPT)
        self.check([IN_RUN], end, [TERM], 143, UNAWAITED)
        both = LOOKUP_ERROR + "\nDuring handling.*\n\n" + INTERRUPT
        self.check([IN_RUN], end, [INT], 130, both)

    def test_a_task_that_leaves_as_it_ends(self):
        for end, code, shown, reported in (
            ("pass", 8, "", ""),
            ("raise LookupError('first')", 8, LOOKUP_ERROR, UNAWAITED),
            ("sys.exit(7)", 7, "", ""),
        ):
            said = {"what": "leaves", "out": "leaving\n"}
            self.check(AFTER_RUNS, end, [], code, shown, **said)
            self.check([IN_RUN], end, [], code, reported, **said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
