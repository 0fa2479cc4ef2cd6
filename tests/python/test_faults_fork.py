"""fork() in a run: a clear error in the child where it uses tonio, and nothing lost in the parent;
subprocess and multiprocessing in all of its start methods work from inside a run."""

import unittest

from programs import run_program
from sanitizers import THREAD_SANITIZER
from scenarios import main

START = """
    import multiprocessing, os, subprocess, sys, warnings
    import tonio
    from tonio.net import socket

    warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()
"""

# What a child says when it uses tonio.
FORKED = "RuntimeNotInitializedError: this process was forked from one that runs tonio"
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}

TASK = """
    def nothing():
        yield

    uses = [
        lambda: tonio.run(nothing()), lambda: tonio.block_on(nothing()), lambda: tonio.spawn(nothing()),
        lambda: tonio.spawn_blocking(len, ""), lambda: tonio.runtime().run_until_complete(nothing()),
    ]
    suspends = [
        lambda: tonio.sleep(0), lambda: tonio.Event().wait(), lambda: socket.socketpair()[0].recv(1),
    ]

    def main():
        resting = tonio.spawn(tonio.sleep(0.05))
        child = os.fork()
        if child == 0:
            for use in uses:
                try:
                    use()
                except Exception as error:
                    print(f"{type(error).__name__}: {error}")
            for suspend in suspends:
                try:
                    yield suspend()
                except Exception as error:
                    print(f"{type(error).__name__}: {error}")
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        yield resting
        print("child", code, "parent", (yield tonio.spawn_blocking(len, "four")))
"""

PROCESSES = """
    def put(queue):
        queue.put(os.getpid())

    def uses_tonio():
        try:
            tonio.run(tonio.sleep(0))
        except tonio.exceptions.RuntimeNotInitializedError:
            sys.exit(5)

    def work(method):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=put, args=(queue,))
        process.start()
        same = queue.get() == process.pid
        process.join()
        using = context.Process(target=uses_tonio)
        using.start()
        using.join()
        return method, same, process.exitcode, using.exitcode

    def child_of_python():
        code = "import tonio; tonio.run(tonio.sleep(0)); print('ran')"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout

    def program():
        for method in sys.argv[1:]:
            print(*(yield tonio.spawn_blocking(work, method)))
        print((yield tonio.spawn_blocking(child_of_python)), end="")

    if __name__ == "__main__":
        tonio.run(program())
"""


# A forked process can't start threads with ThreadSanitizer, and the queue needs one.
METHODS = {"spawn": 0, "forkserver": 0} if THREAD_SANITIZER else {"spawn": 0, "forkserver": 0, "fork": 5}


class Fork(unittest.TestCase):
    def test_in_a_task(self):
        for threads in ("1", "2", "8"):
            done = run_program(START + TASK, "--threads", threads, environment=NO_LEAK_CHECK)
            *child, parent = done.out.splitlines()
            self.assertEqual((done.code, parent, done.err), (0, "child 0 parent 4", ""))
            self.assertEqual(len(child), 8)
            for line in child:
                self.assertIn(FORKED, line)

    def test_processes_of_a_run(self):
        for threads in ("1", "2"):
            done = run_program(
                START + PROCESSES, "--threads", threads, args=METHODS, environment=NO_LEAK_CHECK
            )
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertEqual(
                done.out.splitlines(),
                [*(f"{method} True 0 {code}" for method, code in METHODS.items()), "ran"],
            )


if __name__ == "__main__":
    main()
