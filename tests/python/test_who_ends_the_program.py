"""Several things that end a run or the program, one after the other: who asks for the end decides the
exit code, also after a failure; nothing that was raised is lost, and who asks twice does not wait."""

import signal
import unittest

from asked_ends import START
from programs import run_program

# A deadlock, in whose clean-up somebody asks for the end. (Where a handler is, there is none.)
DEADLOCK = START.replace("signal.signal(", "(") + """
def main():
    try:
        yield tonio.Event().wait()
    finally:
        THEN

tonio.run(main())
"""
# A handler's failure ends the run, in whose clean-up a signal comes; the program goes on after it.
HANDLER = START + """
def main():
    tonio.spawn.without_tracking(cleans_up(number))
    yield tonio.sleep(0.01)
    send(signal.SIGUSR1)
    yield tonio.sleep(3600)

try:
    tonio.run(main())
except ValueError:
    say("caught")
"""
# The same in Runtime.stop, and at the end of the program.
STOP = START + """
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGUSR1, number)))
try:
    tonio.runtime().stop()
except ValueError:
    say("caught")
"""
END = START + """
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGUSR1, number)))
"""
# The end was asked for, and a handler fails then.
AFTER_THE_END = START + """
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGUSR1)))
sys.exit(3)
"""
# A Ctrl-C in the script, or while a thread is joined, and one more in the clean-up at the end.
TWICE = START + """
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGINT, seconds=3600)))
"""
IN_SCRIPT = "send(signal.SIGINT); signal.pause()"
IN_JOIN = "threading.Thread(target=send, args=(signal.SIGINT,), daemon=False).start()"
# A task asks, and then comes a Ctrl-C, while the main thread is in a handler.
WHILE_A_HANDLER_RUNS = START + """
import time

def handler(*_):
    handling.set()
    try:
        asked.wait()
    finally:
        send(signal.SIGINT)

def asks():
    sys.exit(7)
    yield

def work():
    joined.wait()
    send(signal.SIGUSR1)
    handling.wait()
    try:
        tonio.block_on(asks())
    except SystemExit:
        asked.set()

signal.signal(signal.SIGUSR1, handler)
joined, handling, asked = threading.Event(), threading.Event(), threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
"""
# One signal for each of two ends, or one failure in each of two steps: nobody asks twice.
TWO_ENDS = START + """
import atexit

def again():
    tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGINT)))

atexit.register(again)
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGINT)))
"""
TWO_FAILURES = START + """
def show(*failure):
    sys.__excepthook__(*failure)
    shown.set()

def work():
    joined.wait()
    send(signal.SIGUSR1)
    shown.wait()
    tonio.block_on(leave(cleans_up(signal.SIGUSR1)))

sys.excepthook = show
joined, shown = threading.Event(), threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
tonio.runtime().run_until_complete(tonio.sleep(0))
"""
# A handler that runs the runtime, while a thread is joined and while the last task cleans up.
RUN_OF_A_HANDLER = START + """
def exits():
    tonio.spawn.without_tracking(asks())
    yield tonio.sleep(3600)

def asks():
    sys.exit(3)
    yield

def runs(*_):
    tonio.runtime().run_until_complete(exits())

signal.signal(signal.SIGUSR1, runs)
joined = threading.Event()
work = lambda: joined.wait() and send(signal.SIGUSR1)
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
"""
HANDLER_AFTER_CTRL_C = START + """
signal.signal(signal.SIGUSR1, lambda *_: tonio.runtime().run_until_complete(tonio.sleep(0)))
tonio.runtime().run_until_complete(leave(cleans_up(signal.SIGINT, signal.SIGUSR1)))
"""
# A task asks before a signal does, in one wait.
TASK_FIRST = START + """
def exits():
    try:
        yield tonio.sleep(3600)
    finally:
        sys.exit(5)

def main():
    tonio.spawn.without_tracking(exits())
    yield leave(cleans_up(seconds=0.3))

def cleans_up(seconds):
    try:
        cleaning.set()
        yield tonio.sleep(3600)
    finally:
        yield tonio.sleep(seconds)
        send(signal.SIGINT)
        yield tonio.sleep(seconds)
        say("cleaned up")

tonio.RUN(main())
"""
# Exceptions whose contexts lead back to themselves, by what the program does or by ours.
CYCLES = START + """
class Stop(Exception):
    pass

stop = Stop()
other = KeyError("other")
stop.__context__, other.__context__ = other, stop

def handler(*_):
    raise stop

signal.signal(signal.SIGUSR1, handler)

def main():
    try:
        send(signal.SIGUSR1)
        yield tonio.sleep(3600)
    finally:
        try:
            raise stop
        except Stop:
            raise ValueError("of the clean-up")

for _ in range(3):
    try:
        tonio.run(main())
    except Stop as failure:
        say("caught")
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class WhoEndsTheProgram(unittest.TestCase):
    def test_after_a_deadlock(self):
        for then, code in (
            ("send(signal.SIGINT)", 130),
            ("send(signal.SIGTERM)", 143),
            ("sys.exit(5)", 5),
            ("pass", 1),
        ):
            with self.subTest(then=then):
                done = run_program(DEADLOCK.replace("THEN", then))
                self.assertEqual((done.code, done.out), (code, ""), done.err)
                self.assertEqual(done.err.count("exceptions.Deadlock: "), 1, done.err)

    def test_after_a_handler_s_failure(self):
        for program in HANDLER, STOP, END:
            for number, code in CODES.items():
                with self.subTest(program=program, number=number):
                    done = run_program(program, "--threads", "2", args=[str(int(number))])
                    self.assertEqual((done.code, done.out), (code, "cleaned up\n"), done.err)
                    self.assertEqual(done.err.count("ValueError: the handler's"), 1, done.err)

    def test_a_failure_after_the_end_was_asked_for(self):
        done = run_program(AFTER_THE_END)
        self.assertEqual((done.code, done.out), (3, "cleaned up\n"), done.err)
        self.assertEqual(done.err.count("ValueError: the handler's"), 1, done.err)

    def test_a_task_before_a_signal_while_a_handler_runs(self):
        done = run_program(WHILE_A_HANDLER_RUNS)
        self.assertEqual((done.code, done.out, done.err), (7, "", ""))

    def test_one_request_each(self):
        for program, code, count in (TWO_ENDS, 130, 2), (TWO_FAILURES, 1, 1):
            with self.subTest(program=program):
                done = run_program(program, "--shutdown-timeout", "600")
                self.assertEqual((done.code, done.out), (code, "cleaned up\n" * count), done.err)

    def test_runs_of_handlers(self):
        done = run_program(RUN_OF_A_HANDLER)
        self.assertEqual((done.code, done.out, done.err), (3, "", ""))
        done = run_program(HANDLER_AFTER_CTRL_C)
        self.assertEqual((done.code, done.out), (130, "cleaned up\n"), done.err)

    def test_a_task_before_a_signal(self):
        for run in "run", "runtime().run_until_complete":
            with self.subTest(run=run):
                done = run_program(TASK_FIRST.replace("RUN", run))
                self.assertEqual((done.code, done.out), (5, "cleaned up\n"), done.err)

    def test_contexts_that_lead_back(self):
        done = run_program(CYCLES)
        self.assertEqual((done.code, done.out), (0, "caught\n" * 3), done.err)
        self.assertEqual(done.err.count("ValueError: of the clean-up"), 3, done.err)

    def test_two_requests_in_two_steps(self):
        for first in IN_SCRIPT, IN_JOIN:
            with self.subTest(first=first):
                done = run_program(TWICE + first, "--shutdown-timeout", "600")
                self.assertEqual((done.code, done.out), (130, ""), done.err)
                self.assertIn("  task cleans_up", done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
