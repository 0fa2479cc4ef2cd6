"""A fork in a signal's handler, or in a finalizer, on the main thread while it waits for the runtime:
what it waits for happens in the parent. The child's wait ends with an exception that says so, or
without one where the program ends, and the parent hears of its own signals only."""

import unittest

from programs import run_program
from sanitizers import NO_LEAK_CHECK
from scenarios import main

START = """
    import gc, os, signal, sys, threading, warnings
    import tonio

    warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()
    parent = os.getpid()
    done = tonio.Event()

    def in_child():
        pass

    def fork(*_):
        pid = os.fork()
        if pid == 0:
            in_child()
            return
        print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        done.set()

    signal.signal(signal.SIGUSR1, fork)

    def interrupt():
        '''Until the handler has run, and the child has ended.'''
        os.kill(parent, signal.SIGUSR1)
        yield done.wait()

    def cleans_up(begun):
        try:
            begun.set()
            yield tonio.Event().wait()
        finally:
            yield interrupt()

    def leaves_a_task():
        begun = tonio.Event()
        tonio.spawn.without_tracking(cleans_up(begun))
        yield begun.wait()

    def refused(wait, *args):
        '''Whether it goes on is the parent's affair.'''
        try:
            wait(*args)
        except tonio.exceptions.RuntimeNotInitializedError as error:
            assert os.getpid() != parent and "forked" in str(error), error
            sys.exit(5)
        print("went on", flush=True)
"""

RUN = """
    refused(tonio.run, interrupt())
"""

UNCAUGHT = """
    tonio.run(interrupt())
    print("went on")
"""

END_OF_RUN = """
    refused(tonio.run, leaves_a_task())
"""

BLOCK_ON = """
    def foreign():
        running.set()
        yield over.wait()

    running, over = threading.Event(), tonio.Event()
    thread = threading.Thread(target=tonio.run, args=(foreign(),))
    thread.start()
    running.wait()
    refused(tonio.block_on, interrupt())
    over.set()
    thread.join()
"""

STOP = """
    runtime = tonio.runtime()
    runtime.run_until_complete(leaves_a_task())
    refused(runtime.stop)
"""

END_OF_PROGRAM = """
    tonio.runtime().run_until_complete(leaves_a_task())
    sys.exit(5)
"""

END_OF_PROGRAM_WITH_THREADS = """
    def thread():
        # Until the main thread waits for this one.
        threading.main_thread().join()
        os.kill(parent, signal.SIGUSR1)
        ended.wait()

    ended = threading.Event()
    forks = fork

    def fork_and_end(*_):
        forks()
        # In the child its lock may be held by the thread that waits for it in the parent.
        if os.getpid() == parent:
            ended.set()

    signal.signal(signal.SIGUSR1, fork_and_end)

    @tonio.main
    def main():
        yield

    threading.Thread(target=thread).start()
    main()
    sys.exit(5)
"""

EXITS = """
    def in_child():
        sys.exit(7)

    tonio.run(interrupt())
"""

EXITS_AT_THE_END = """
    def in_child():
        sys.exit(7)

    tonio.run(leaves_a_task())
"""

EXITS_AT_THE_END_OF_THE_PROGRAM = """
    def in_child():
        sys.exit(7)

    tonio.runtime().run_until_complete(leaves_a_task())
"""

FINALIZER = """
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    gc.set_threshold(0)  # what the look itself collects

    class Forks:
        def __init__(self):
            self.me = self

        def __del__(self):
            fork()

    # Nobody will set it; in the look for what could, the collector runs.
    def main():
        Forks()
        yield tonio.Event().wait()

    done = threading.Event()
    try:
        refused(tonio.run, main())
    except tonio.exceptions.Deadlock:
        print("deadlock")
"""

# The child's signal is written before the parent's, which so would not be the first.
RECEIVERS = """
    def main():
        with tonio.signal_receiver(signal.SIGUSR1, signal.SIGUSR2) as received:
            pid = os.fork()
            if pid == 0:
                os.kill(os.getpid(), signal.SIGUSR1)
                return
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.kill(parent, signal.SIGUSR2)
            for arrival in received:
                print(code, (yield arrival).name)
                break

    tonio.run(main(), signals=[signal.SIGUSR1, signal.SIGUSR2])
"""

FORKED = "RuntimeNotInitializedError: this process was forked from one that runs tonio"


class ForkWaits(unittest.TestCase):
    def check(self, program, code, out, *, err=""):
        for threads in ("1", "2", "8"):
            with self.subTest(workers=threads):
                done = run_program(
                    START + program, "--threads", threads, environment=NO_LEAK_CHECK
                )
                self.assertEqual((done.code, done.out), (code, out), done.err)
                if err:
                    self.assertEqual(done.err.count(err), 1, done.err)
                else:
                    self.assertEqual(done.err, "")

    def test_run(self):
        self.check(RUN, 0, "child 5\nwent on\n")

    def test_run_that_nobody_guards(self):
        self.check(UNCAUGHT, 0, "child 1\nwent on\n", err=FORKED)

    def test_end_of_a_run(self):
        self.check(END_OF_RUN, 0, "child 5\nwent on\n")

    def test_block_on_beside_a_run(self):
        self.check(BLOCK_ON, 0, "child 5\nwent on\n")

    def test_stop(self):
        self.check(STOP, 0, "child 5\nwent on\n")

    def test_end_of_the_program(self):
        self.check(END_OF_PROGRAM, 5, "child 5\n")

    def test_end_of_the_program_with_threads(self):
        self.check(END_OF_PROGRAM_WITH_THREADS, 5, "child 5\n")

    def test_a_handler_that_exits(self):
        self.check(EXITS, 0, "child 7\n")
        self.check(EXITS_AT_THE_END, 0, "child 7\n")
        self.check(EXITS_AT_THE_END_OF_THE_PROGRAM, 0, "child 7\n")

    def test_a_finalizer_of_what_the_collector_finds(self):
        self.check(FINALIZER, 0, "child 5\ndeadlock\n")

    def test_signals_of_the_child_are_not_the_parents(self):
        self.check(RECEIVERS, 0, "0 SIGUSR2\n")


if __name__ == "__main__":
    main()
