"""Signals that come when nobody waits for them yet, and two at once: each is heard."""

import signal
import unittest

from left_behind import LEAVING
from preload import Preload, needs_compiler
from programs import Program, run_program
from sanitizers import THREAD_SANITIZER

# While a run starts its workers the main thread is between two bytecodes: Python notes the signal,
# and tells nobody who waits later.
SIGNAL_AT_THREAD = """
#include <pthread.h>
#include <signal.h>

static int armed;

void signal_at_next_thread(int number) { armed = number; }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) {
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) =
      dlsym(RTLD_NEXT, "pthread_create");
  const int number = armed;
  armed = 0;
  if (number) raise(number);
  return next(thread, attributes, run, argument);
}
"""
AT_START = """
import ctypes, signal, tonio

class Alarm(BaseException):
    pass

def alarm(*_):
    raise Alarm

signal.signal(signal.SIGALRM, alarm)

def program():
    yield tonio.sleep(3600)

for number, expected in (signal.SIGINT, KeyboardInterrupt), (signal.SIGALRM, Alarm):
    for threads in 3, 4:
        ctypes.CDLL(None).signal_at_next_thread(number)
        try:
            tonio.run(program(), threads=threads)
        except expected:
            print(expected.__name__, flush=True)
"""
IN_RUN = """
import tonio

def main():
    try:
        print("ready", flush=True)
        yield tonio.sleep(3600)
    finally:
        print("main cleans up", flush=True)
"""
IN_BLOCK_ON = """
import threading, tonio

def say(text):
    # One write: two threads say something at once.
    print(text + "\\n", end="", flush=True)

began = threading.Event()

def other():
    began.set()
    yield tonio.sleep(3600)

def mine():
    try:
        say("ready")
        yield tonio.sleep(3600)
    finally:
        say("main cleans up")

def runs():
    try:
        tonio.run(other())
    except tonio.exceptions.CancelledError:
        say("the other is cancelled")

thread = threading.Thread(target=runs)
thread.start()
began.wait()
try:
    tonio.block_on(mine())
except BaseException as error:
    say(type(error).__name__)
    raise
"""
# A handler waits, and so has a watch of its own.
IN_HANDLER = """
import os, signal, tonio

def waits(*_):
    os.kill(os.getpid(), signal.SIGHUP)
    tonio.block_on(tonio.sleep(0.01))

signal.signal(signal.SIGUSR1, waits)

def program():
    with tonio.signal_receiver(signal.SIGHUP) as received:
        os.kill(os.getpid(), signal.SIGUSR1)
        number, in_time = yield tonio.time.timeout(next(iter(received)), 30)
        print(int(number), in_time)

tonio.run(program(), signals=[signal.SIGHUP])
"""
IN_JOIN = """
import threading, tonio

threading._register_atexit(lambda: print("ready", flush=True))

def main():
    threading.Thread(target=threading.Event().wait, name="waits", daemon=False).start()
    yield
"""


# A run that has ended tells of what is left, and a program of its exception: code of Python's, in
# which a signal comes.
IN_WARNING = LEAVING + """
import signal, sys, warnings

def shows(*_):
    signal.raise_signal(int(sys.argv[1]))

warnings.showwarning = shows

print("unflushed")
try:
    tonio.run(leave(stays))
except BaseException as error:
    print(type(error).__name__, *error.args)
    raise
print("went on")
"""
IN_HOOK = LEAVING + """
import atexit, signal, sys, threading

def hook(*_):
    for number in sys.argv[1:]:
        signal.raise_signal(int(number))

sys.excepthook = hook
atexit.register(print, "at exit")

print("unflushed")
tonio.runtime().run_until_complete(leave(cleans_up))
raise %s
"""


# Of two at once: the exit code, and what is raised.
FIRST = {130: "KeyboardInterrupt", 143: "SystemExit"}

at_once = unittest.skipIf(THREAD_SANITIZER, "ThreadSanitizer puts signals off")


class Unwatched(unittest.TestCase):
    @needs_compiler
    def test_while_a_run_starts(self):
        preload = Preload(SIGNAL_AT_THREAD)
        with Program(
            AT_START, "--shutdown-timeout", "600", environment=preload.environment
        ) as program:
            done = program.end()
        said = "KeyboardInterrupt\n" * 2 + "Alarm\n" * 2
        self.assertEqual((done.code, done.out, done.err), (0, said, ""))

    def test_for_a_receiver_while_a_handler_waits(self):
        for threads in "1", "2", "8":
            with self.subTest(threads=threads):
                done = run_program(IN_HANDLER, "--threads", threads)
                self.assertEqual((done.code, done.out, done.err), (0, "1 True\n", ""))

    def test_while_a_run_tells_what_is_left(self):
        for number, code, error in (
            (signal.SIGINT, 130, "KeyboardInterrupt"),
            (signal.SIGTERM, 143, "SystemExit 143"),
        ):
            with self.subTest(number=number):
                options = "--shutdown-timeout", "0.05"
                done = run_program(IN_WARNING, *options, args=[str(int(number))])
                self.assertEqual((done.code, done.out), (code, f"unflushed\n{error}\n"), done.err)

    def test_beside_a_failure_of_the_warning(self):
        text = IN_WARNING.replace("[1]))\n", "[1]))\n    raise ValueError\n")
        done = run_program(text, "--shutdown-timeout", "0.05", args=[str(int(signal.SIGTERM))])
        said = "unflushed\nSystemExit 143\n"
        self.assertEqual((done.code, done.out), (143, said), done.err)
        self.assertIn("ValueError", done.err)

    def test_sigterm_while_the_exception_is_shown(self):
        for raised, code in ("ValueError", 143), ("KeyboardInterrupt", 130), ("SystemExit(3)", 3):
            with self.subTest(raised=raised):
                done = run_program(IN_HOOK % raised, args=[str(int(signal.SIGTERM))])
                said = "unflushed\ncleaned up\nat exit\n"
                self.assertEqual((done.code, done.out, done.err), (code, said, ""))

    def test_sigterm_twice_while_the_exception_is_shown(self):
        """The way out of a hook that hangs."""
        done = run_program(IN_HOOK % "ValueError", args=[str(int(signal.SIGTERM))] * 2)
        self.assertEqual(done.code, -signal.SIGTERM, done.err)

    def two_at_once(self, text, *options):
        for threads in "1", "2", "8":
            with self.subTest(threads=threads), Program(
                text, "--threads", threads, "--shutdown-timeout", "600"
            ) as program:
                self.assertEqual(program.line(), "ready")
                # Both are there when it goes on. Two threads may take one each, so either may be
                # the first.
                for number in signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT:
                    program.signal(number)
                yield program.end()

    @at_once
    def test_two_in_a_run(self):
        for done in self.two_at_once(IN_RUN):
            self.assertIn(done.code, FIRST, done.err)
            # The second one does not wait, so the task may have had no time.
            self.assertIn(done.out, ("", "main cleans up\n"))

    @at_once
    def test_two_in_block_on(self):
        for done in self.two_at_once(IN_BLOCK_ON):
            self.assertIn(done.code, FIRST, done.err)
            said = done.out.replace("main cleans up\n", "")
            self.assertEqual(said, f"{FIRST[done.code]}\nthe other is cancelled\n")

    @at_once
    def test_two_while_threads_are_joined(self):
        for done in self.two_at_once(IN_JOIN):
            self.assertIn(done.code, FIRST, done.err)
            self.assertEqual(done.out, "", done.err)
            self.assertTrue(done.err.endswith("  thread waits\n"), done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
