"""The end of a program whose threads, no daemons, still run: it waits for them, as python does;
once the program is interrupted, as long as for tasks."""

import re
import signal
import unittest

from left_behind import LEAVING
from programs import Program

PROGRAM = """
import functools, signal, sys, threading, time, tonio

release = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: release.set())
# Not in Python: a KeyboardInterrupt that comes in a hook is the hook's.
sys.excepthook = functools.partial(print, "reported", flush=True)
# Called when the end begins to wait for threads.
threading._register_atexit(lambda: print("joining", flush=True))

def work():
    release.wait()
    print("the thread goes on", flush=True)
    time.sleep(0.7)
    print("the thread ends", flush=True)

def main():
    threading.Thread(target=work, name="of the program", daemon=False).start()
    yield WAIT
"""
# The main thread waits for the thread, which waits for a task that spawns others on and on.
SPAWNS = """
import functools, sys, threading, tonio, tonio.colored

sys.excepthook = functools.partial(print, "reported", flush=True)
joining = threading.Event()
threading._register_atexit(joining.set)

async def spawns():
    async with tonio.colored.scope() as scope:
        for number in range(10**9):
            for _ in range(10_000):
                pass
            scope.spawn(tonio.sleep(3600))
            await tonio.sleep(0)
            if number == 100:
                joining.wait()
                print("spawning", flush=True)

def work():
    try:
        tonio.run(spawns())
    except tonio.exceptions.CancelledError:
        pass

threading.Thread(target=work, daemon=False).start()
"""
# Or for one that waits; BEFORE, the script is interrupted and not the wait for the thread.
WAITS_FOR_TASKS = """
import functools, sys, threading, time, tonio

sys.excepthook = functools.partial(print, "reported", flush=True)
joining = threading.Event()
threading._register_atexit(joining.set)

def rests():
    if not BEFORE:
        joining.wait()
    print("in the task", flush=True)
    try:
        yield tonio.sleep(3600)
    finally:
        yield tonio.sleep(0)
        print("the task cleans up", flush=True)

def says(text):
    yield tonio.sleep(0)
    print(text, flush=True)

def work():
    try:
        CALL(rests())
    except tonio.exceptions.CancelledError:
        joining.wait()
        tonio.block_on(says("the thread uses the runtime"))

threading.Thread(target=work, daemon=False).start()
if BEFORE:
    time.sleep(3600)
"""
# The thread ends before the task has cleaned up, which has as long as it takes.
CLEANS = """
import functools, sys, threading, time, tonio

sys.excepthook = functools.partial(print, "reported", flush=True)
joining, cleaning = threading.Event(), threading.Event()
threading._register_atexit(joining.set)

def cleans(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        cleaning.set()
        yield tonio.sleep(0.3)
        print("clean", flush=True)

def serves():
    begun = tonio.Event()
    tonio.spawn.without_tracking(cleans(begun))
    yield begun.wait()
    if not BEFORE:
        joining.wait()
    print("in the task", flush=True)
    yield tonio.sleep(3600)

def work():
    try:
        tonio.block_on(serves())
    except tonio.exceptions.CancelledError:
        cleaning.wait()

threading.Thread(target=work, daemon=False).start()
if BEFORE:
    time.sleep(3600)
"""
# An earlier run has left a task behind.
STUCK = LEAVING + """
import functools, sys, threading, time, warnings

sys.excepthook = functools.partial(print, "reported", flush=True)
warnings.simplefilter("ignore")

def waits():
    print("in the task", flush=True)
    yield tonio.sleep(3600)

def work():
    try:
        tonio.block_on(waits())
    except tonio.exceptions.CancelledError:
        print("the thread ends", flush=True)

tonio.run(leave(stays))
threading.Thread(target=work, daemon=False).start()
time.sleep(3600)
"""
# The clean-up outlasts the run's end.
CLEANS_LONGER = """
import functools, sys, threading, time, tonio, warnings

sys.excepthook = functools.partial(print, "reported", flush=True)
warnings.simplefilter("ignore")

def cleans(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        try:
            yield tonio.sleep(3600)
        except tonio.exceptions.CancelledError:
            print("disturbed", flush=True)
            raise

# The run's end asks the first, the end of the program the second, which has come after it.
first, second = tonio.Event(), tonio.Event()

def main():
    begun = tonio.Event()
    tonio.spawn.without_tracking(cleans(begun))
    yield tonio.Waiter(begun, first)
    print("in the task", flush=True)
    try:
        yield tonio.sleep(3600)
    finally:
        yield second.wait()

def waits(begun):
    begun.set()
    yield tonio.sleep(3600)

def waits_twice():
    for begun in first, second:
        try:
            tonio.block_on(waits(begun))
        except tonio.exceptions.CancelledError:
            pass

threading.Thread(target=waits_twice, daemon=False).start()
tonio.run(main())
"""
# A task's executor: its thread is a daemon, and joined all the same.
EXECUTOR = """
import concurrent.futures, functools, os, signal, sys, threading, time, tonio

release = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: release.set())
sys.excepthook = functools.partial(print, "reported", flush=True)

# A line in one piece.
def say(text):
    os.write(1, text.encode() + b"\\n")

def work():
    say("in the job")
    release.wait()
    say("the job ends")

def main():
    executor = concurrent.futures.ThreadPoolExecutor(1, "pool")
    # Called before the executor's own.
    threading._register_atexit(lambda: say("joining"))
    executor.submit(work)
    yield WAIT
"""
LEFT_BY_EXECUTOR = (
    "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n  thread pool_0\n"
)
# And one of processes, which wait for jobs as long as their manager's thread says nothing.
PROCESSES = """
import concurrent.futures, functools, multiprocessing, sys, threading, tonio

sys.excepthook = functools.partial(print, "reported", flush=True)

def work(pipe):
    pipe.send("in the job")
    threading.Event().wait()

def main():
    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        ours, its = context.Pipe()
        executor = concurrent.futures.ProcessPoolExecutor(1, context)
        executor.submit(work, its)
        print((yield tonio.spawn_blocking(ours.recv)), flush=True)
        yield WAIT
"""
# The look at the threads is Python code, in which a handler may raise.
WHILE_LOOKING = """
import functools, signal, sys, threading

sys.excepthook = functools.partial(print, "reported", flush=True)
enumerate_threads = threading.enumerate

def interrupted():
    threading.enumerate = enumerate_threads
    signal.raise_signal(signal.SIGINT)

threading.enumerate = interrupted
WAIT
"""
# After one that fails the others are called, once: an executor's, which ends its threads, is the
# first that was registered.
CALLBACKS = """
import concurrent.futures, threading

def fails():
    print("called", flush=True)
    raise ValueError

concurrent.futures.ThreadPoolExecutor(1).submit(print, "the job", flush=True).result()
threading._register_atexit(fails)
"""
# Names of which no text can be made, and none at all.
NAMES = """
import os, threading, time

class Nameless(threading.Thread):
    name = None

    def run(self):
        time.sleep(0.2)

Nameless().start()
threading.Thread(target=time.sleep, args=(0.2,), name=os.fsdecode(bytes([255]))).start()
"""
# A child's end is its own, and leaves the parent's deadline alone.
FORKS_AT_EXIT = """
import atexit, os, threading

def forks():
    child = os.fork()
    if child:
        print("the child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

atexit.register(forks)
threading.Thread(target=threading.Event().wait, name="of the program").start()
raise KeyboardInterrupt
"""
# Nothing stops after what was left behind, and nothing else limits it.
HANGS_AT_EXIT = """
import atexit, os, signal, sys, threading

def hangs():
    os.kill(os.getpid(), int(sys.argv[1]))
    threading.Event().wait()

atexit.register(hangs)
"""
LEAVES_A_THREAD = """
threading.Thread(target=threading.Event().wait, name="of the program").start()
raise KeyboardInterrupt
"""
LEAVES_A_TASK = """
import time, tonio

def stays():
    begun.set()
    time.sleep(3600)
    yield

def main():
    tonio.spawn.without_tracking(stays())
    yield begun.wait()

begun = tonio.Event()
tonio.runtime().run_until_complete(main())
"""
LEAVING = "tonio: leaving without atexit callbacks that didn't stop in time\n"
AT_ONCE, FOREVER = "None", "tonio.sleep(3600)"
LEFT = (
    "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n"
    "  thread of the program\n"
)
# SHORT: workers end in less, on a busy machine as well.
SHORT, LONG = "0.5", "600"


class ThreadsAtEnd(unittest.TestCase):
    def programs(self, timeout, wait=AT_ONCE, text=PROGRAM):
        for threads in ("1", "2", "8"):
            options = ("--threads", threads, "--shutdown-timeout", timeout)
            with self.subTest(threads=threads), Program(text.replace("WAIT", wait), *options) as it:
                yield it

    def named(self, text):
        """With the exception's name where the hook has printed class, value and traceback."""
        return re.sub(r"<class '(\w+)'>  ?.*", r"\1", text)

    def expect(self, program, *lines):
        self.assertEqual([self.named(program.line()) for _ in lines], list(lines))

    def check_end(self, program, code, out, err=""):
        done = program.end()
        self.assertEqual((done.code, self.named(done.out), done.err), (code, out, err))

    def test_it_waits_without_a_limit_and_hears_signals(self):
        for program in self.programs(SHORT):
            self.expect(program, "joining")
            program.signal(signal.SIGUSR1)
            self.check_end(program, 0, "the thread goes on\nthe thread ends\n")

    def test_interrupted_while_it_waits_it_names_them_and_leaves(self):
        for program in self.programs(SHORT):
            self.expect(program, "joining")
            program.signal(signal.SIGINT)
            self.check_end(program, 130, "reported KeyboardInterrupt\n", LEFT)

    def test_terminated_while_it_waits(self):
        for program in self.programs(SHORT):
            self.expect(program, "joining")
            program.signal(signal.SIGTERM)
            self.check_end(program, 143, "", LEFT)

    def test_interrupted_before(self):
        for number, code, said in (
            (signal.SIGINT, 130, ["reported KeyboardInterrupt"]),
            (signal.SIGTERM, 143, []),
        ):
            for program in self.programs(SHORT, 'print("in main", flush=True) or ' + FOREVER):
                self.expect(program, "in main")
                program.signal(number)
                self.expect(program, *said, "joining")
                self.check_end(program, code, "", LEFT)

    def test_a_second_interruption_ends_the_wait(self):
        for program in self.programs(LONG):
            self.expect(program, "joining")
            program.signal(signal.SIGINT)
            self.expect(program, "reported KeyboardInterrupt")
            program.signal(signal.SIGINT)
            self.check_end(program, 130, "", LEFT)

    def test_one_that_ends_in_time(self):
        for program in self.programs(LONG):
            self.expect(program, "joining")
            program.signal(signal.SIGINT)
            self.expect(program, "reported KeyboardInterrupt")
            program.signal(signal.SIGUSR1)
            self.check_end(program, 130, "the thread goes on\nthe thread ends\n")


    def test_one_that_waits_for_tasks(self):
        """They are asked to end when the wait is interrupted, and the thread ends with them."""
        self.check_tasks(False, (signal.SIGINT, 130, ["reported KeyboardInterrupt"]))
        self.check_tasks(False, (signal.SIGTERM, 143, []))

    def test_one_that_waits_for_tasks_as_the_script_is_interrupted(self):
        """They are asked when the program begins to wait for the thread."""
        self.check_tasks(True, (signal.SIGINT, 130, ["reported KeyboardInterrupt"]))

    def check_tasks(self, before, interruption):
        number, code, said = interruption
        for call in ("tonio.run", "tonio.block_on", "tonio.runtime().run_until_complete"):
            text = WAITS_FOR_TASKS.replace("CALL", call).replace("BEFORE", str(before))
            for program in self.programs(LONG, text=text):
                self.expect(program, "in the task")
                program.signal(number)
                self.expect(program, *said)
                ended = "the task cleans up\nthe thread uses the runtime\n"
                self.check_end(program, code, ended)

    def test_a_task_that_cleans_up_longer_is_asked_once(self):
        for before in ("False", "True"):
            for program in self.programs(LONG, text=CLEANS.replace("BEFORE", before)):
                self.expect(program, "in the task")
                program.signal(signal.SIGINT)
                self.check_end(program, 130, "reported KeyboardInterrupt\nclean\n")

    def test_after_a_run_that_has_left_a_task(self):
        for program in self.programs("0.3", text=STUCK):
            self.expect(program, "in the task")
            program.signal(signal.SIGINT)
            done = program.end()
            ended = "reported KeyboardInterrupt\nthe thread ends\n"
            self.assertEqual((done.code, self.named(done.out)), (130, ended))
            self.assertIn("tasks that would not stop:\n  task stays", done.err)

    def test_a_task_that_an_interrupted_run_has_left_is_not_asked_again(self):
        for program in self.programs("0.3", text=CLEANS_LONGER):
            self.expect(program, "in the task")
            program.signal(signal.SIGINT)
            done = program.end()
            self.assertEqual((done.code, self.named(done.out)), (130, "reported KeyboardInterrupt\n"))
            self.assertIn("tasks that would not stop:\n  task cleans", done.err)
            self.assertNotIn("leaving without", done.err)

    def test_one_that_spawns_while_they_are_asked(self):
        for program in self.programs(LONG, text=SPAWNS):
            self.expect(program, "spawning")
            program.signal(signal.SIGINT)
            self.check_end(program, 130, "reported KeyboardInterrupt\n")

    def test_an_executor_of_a_task_is_waited_for(self):
        for program in self.programs(LONG, text=EXECUTOR):
            self.assertEqual({program.line(), program.line()}, {"in the job", "joining"})
            program.signal(signal.SIGUSR1)
            self.check_end(program, 0, "the job ends\n")

    def test_an_executor_of_a_task_has_the_shutdown_timeout(self):
        for number, code, said in (
            (signal.SIGINT, 130, "reported KeyboardInterrupt\n"),
            (signal.SIGTERM, 143, ""),
        ):
            for program in self.programs(SHORT, text=EXECUTOR):
                self.assertEqual({program.line(), program.line()}, {"in the job", "joining"})
                program.signal(number)
                self.check_end(program, code, said, LEFT_BY_EXECUTOR)
            for program in self.programs(SHORT, FOREVER, text=EXECUTOR):
                self.expect(program, "in the job")
                program.signal(number)
                done = program.end()
                # The time may be over before the join has begun.
                out = self.named(done.out).removesuffix("joining\n")
                self.assertEqual((done.code, out, done.err), (code, said, LEFT_BY_EXECUTOR))

    def test_processes_of_an_executor_end_with_it(self):
        for number, code, said in (
            (signal.SIGINT, 130, "reported KeyboardInterrupt\n"),
            (signal.SIGTERM, 143, ""),
        ):
            for program in self.programs(SHORT, FOREVER, text=PROCESSES):
                self.expect(program, "in the job")
                program.signal(number)
                # Standard output ends with the last process that has it.
                done = program.end()
                self.assertEqual((done.code, self.named(done.out)), (code, said), done.err)
                self.assertIn("didn't stop in time (--shutdown-timeout):\n  thread ", done.err)
                self.assertNotIn("atexit", done.err)

    def test_interrupted_while_it_looks_at_the_threads(self):
        thread = 'threading.Thread(target=threading.Event().wait, name="of the program").start()'
        for program in self.programs(SHORT, thread, text=WHILE_LOOKING):
            self.check_end(program, 130, "reported KeyboardInterrupt\n", LEFT)
        for program in self.programs(SHORT, text=WHILE_LOOKING):
            self.check_end(program, 130, "reported KeyboardInterrupt\n")

    def test_callbacks_of_the_join_are_called_once(self):
        for program in self.programs(LONG, text=CALLBACKS):
            done = program.end()
            self.assertEqual((done.code, done.out), (0, "the job\ncalled\n"))
            self.assertEqual(done.err.count("Traceback"), 1, done.err)

    def test_names_that_are_no_text(self):
        for program in self.programs(LONG, text=NAMES):
            self.check_end(program, 0, "")

    def test_an_atexit_callback_that_forks_when_something_is_left(self):
        for program in self.programs(SHORT, text=FORKS_AT_EXIT):
            done = program.end()
            self.assertEqual((done.code, done.out), (130, "the child 130\n"), done.err)

    def test_atexit_callbacks_that_hang_when_something_is_left(self):
        term = str(int(signal.SIGTERM))
        for left, code in (LEAVES_A_THREAD, 130), (LEAVES_A_TASK, 143):
            with self.subTest(left=left), Program(
                HANGS_AT_EXIT + left, "--shutdown-timeout", SHORT, "--threads", "2", args=[term]
            ) as program:
                done = program.end()
                self.assertEqual((done.code, done.out), (code, ""), done.err)
                self.assertTrue(done.err.endswith(LEAVING), done.err)

    def test_interrupted_after_sys_exit(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for program in self.programs(SHORT, "sys.exit(7)"):
                self.expect(program, "joining")
                program.signal(number)
                self.check_end(program, 7, "", LEFT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
