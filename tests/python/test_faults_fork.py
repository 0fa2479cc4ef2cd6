"""fork() in a run: a clear error in the child where it uses tonio, and nothing lost in the parent;
subprocess and multiprocessing in all of its start methods work from inside a run."""

import unittest

from forked_uses import REFUSED, REFUSED_IN_TASK, WORKS
from programs import run_program
from sanitizers import NO_LEAK_CHECK, THREAD_SANITIZER
from scenarios import main

START = """
    import multiprocessing, os, subprocess, sys, warnings
    import tonio
    from tonio.net import socket

    warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()
"""

# What a child says when it uses tonio.
FORKED = "RuntimeNotInitializedError: this process was forked from one that runs tonio"

TASK = """
    from forked_uses import REFUSED, REFUSED_IN_TASK, WORKS

    def child():
        warnings.simplefilter("ignore")  # of coroutines that nobody could run
        for name, use in (REFUSED | REFUSED_IN_TASK).items():
            try:
                yield use()
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}")
        for name, (use, gives) in WORKS.items():
            print(f"{name}: {use() == gives}")

    def main():
        resting = tonio.spawn(tonio.sleep(0.05))
        pid = os.fork()
        if pid == 0:
            yield child()
            return
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        yield resting
        print("child", code, "parent", (yield tonio.spawn_blocking(len, "four")))
"""

GIVES_WAY = """
    def main():
        pid = os.fork()
        if pid == 0:
            yield
            print("went on")
            return
        print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
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


# The kernel's set is the parent's and the child's: what one takes out of it, the other has lost.
CHILD_CLOSES = """
    def main():
        near, far = socket.socketpair()
        received, told = [], tonio.Event()
        def receive():
            while data := (yield near.recv(100)):
                received.append(data)
                told.set()
        with tonio.scope() as scope:
            scope.spawn(receive())
            for _ in range(3):
                yield
            pid = os.fork()
            if pid == 0:
                near.close()
                os._exit(0)
            os.waitpid(pid, 0)
            for text in (b"one", b"two"):
                told.clear()
                yield far.sendall(text)
                yield told.wait()
            far.close()
        yield scope()
        print(received)
"""


# A forked process can't start threads with ThreadSanitizer, and the queue needs one.
METHODS = {"spawn": 0, "forkserver": 0} if THREAD_SANITIZER else {"spawn": 0, "forkserver": 0, "fork": 5}


class Fork(unittest.TestCase):
    def test_in_a_task(self):
        for threads in ("1", "2", "8"):
            done = run_program(START + TASK, "--threads", threads, environment=NO_LEAK_CHECK)
            *child, parent = done.out.splitlines()
            self.assertEqual((done.code, parent, done.err), (0, "child 0 parent 4", ""))
            expected = [f"{name}: {FORKED}" for name in (*REFUSED, *REFUSED_IN_TASK)]
            expected += [f"{name}: True" for name in WORKS]
            self.assertEqual([line.partition(",")[0] for line in child], expected)

    def test_a_task_that_gives_way(self):
        """There is nobody to give way to: the child ends, and says why."""
        for threads in ("1", "2", "8"):
            done = run_program(START + GIVES_WAY, "--threads", threads, environment=NO_LEAK_CHECK)
            self.assertEqual((done.code, done.out), (0, "child 1\n"))
            self.assertIn(FORKED, done.err)

    def test_a_socket_that_the_child_closes(self):
        for threads in ("1", "2"):
            done = run_program(
                START + CHILD_CLOSES, "--threads", threads, environment=NO_LEAK_CHECK
            )
            self.assertEqual((done.code, done.out, done.err), (0, "[b'one', b'two']\n", ""))

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
