"""How a child leaves that was forked on a thread of the runtime, in a task, a blocking call or a
finalizer: at once, as a program that ends so. And one that was forked on a thread of the program's:
as threading has it."""

import ast
import unittest

from programs import run_program
from sanitizers import NO_LEAK_CHECK, THREAD_SANITIZER
from scenarios import main

START = """
    import os, sys, threading, warnings
    import tonio

    warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()

    def fork(end, fork=os.fork):
        '''In the child what `end` does; the parent gets its exit code and what it has printed.'''
        read, write = os.pipe()
        pid, *terminal = made if isinstance(made := fork(), tuple) else (made,)
        if pid == 0:
            os.dup2(write, 1)
            os.dup2(write, 2)
            os.close(write)
            print("printed", end="")
            return end()
        os.close(write)
        with open(read) as pipe:
            printed = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for descriptor in terminal:
            os.close(descriptor)
        return code, printed

    def fails():
        raise ValueError("of the child")

    def is_interrupted():
        raise KeyboardInterrupt

    def exits_in_the_hook():
        sys.excepthook = lambda *_: sys.exit(4)
        fails()

    ENDS = {
        "returns": lambda: None,
        "fails": fails,
        "exits": sys.exit,
        "exits with a number": lambda: sys.exit(3),
        "exits with a text": lambda: sys.exit("bye"),
        "is interrupted": is_interrupted,
        "exits in the hook": exits_in_the_hook,
    }
"""
# Standard output has a buffer, which is to be flushed.
ENVIRONMENT = NO_LEAK_CHECK | {"PYTHONUNBUFFERED": ""}
# Exit code, and of what was printed the end.
ENDS = {
    "returns": (0, "printed"),
    "fails": (1, "ValueError: of the child\nprinted"),
    "exits": (0, "printed"),
    "exits with a number": (3, "printed"),
    "exits with a text": (1, "bye\nprinted"),
    "is interrupted": (130, "KeyboardInterrupt\nprinted"),
    "exits in the hook": (4, "printed"),
}

RUNTIME = """
    def task(end):
        yield
        return fork(end)

    async def awaited(end):
        return fork(end)

    def caller(end):
        return (yield task(end))

    def waits_for_its_children(end):
        yield
        with tonio.scope() as scope:
            scope.spawn(tonio.Event().wait())
            scope.cancel()
        return fork(end)

    WAYS = {
        "task": lambda end: tonio.spawn(task(end)),
        "coroutine": lambda end: tonio.spawn(awaited(end)),
        "caller": lambda end: tonio.spawn(caller(end)),
        "left scope": lambda end: tonio.spawn(waits_for_its_children(end)),
        "blocking call": lambda end: tonio.spawn_blocking(fork, end),
        "blocking calls": lambda end: tonio.map_blocking(fork, [end]),
        "terminal": lambda end: tonio.spawn_blocking(fork, end, os.forkpty),
    }

    def main():
        for way, use in WAYS.items():
            for name, end in ENDS.items():
                print([way, name, (yield use(end))], flush=True)
"""

FINALIZERS = """
    class Forks:
        def __init__(self, children):
            self.children = children

        def __del__(self):
            if child := fork(lambda: None):
                self.children.append(child)

    # By the thread that has made it: nobody wants the result.
    def gives(children):
        yield
        return Forks(children)

    def main():
        children = []
        tonio.spawn.without_tracking(gives(children))
        while not children:
            yield
        print(children)
"""

THREADS = """
    def thread(end, children):
        children.append(fork(end))

    def main():
        for name, end in ENDS.items():
            children = []
            one = threading.Thread(target=thread, args=(end, children), name="one")
            one.start()
            yield tonio.spawn_blocking(one.join)
            print([name, children], flush=True)
"""


def each_line(program):
    for threads in ("1", "2", "8"):
        done = run_program(START + program, "--threads", threads, environment=ENVIRONMENT)
        if (done.code, done.err) != (0, ""):
            raise AssertionError(f"{threads} workers: {done.code}\n{done.err}")
        for line in done.out.splitlines():
            yield ast.literal_eval(line)


class ForkEndings(unittest.TestCase):
    def test_on_a_thread_of_the_runtime(self):
        seen = 0
        for way, name, child in each_line(RUNTIME):
            if way == "blocking calls":
                [child] = child
            code, printed = child
            with self.subTest(way=way, end=name):
                wanted, last = ENDS[name]
                self.assertEqual(code, wanted, printed)
                self.assertTrue(printed.endswith(last), printed)
                # A traceback in front, where there is one, and nothing else.
                if not last.startswith(("ValueError", "KeyboardInterrupt")):
                    self.assertEqual(printed, last)
            seen += 1
        self.assertEqual(seen, 3 * 7 * len(ENDS))

    def test_in_a_finalizer_between_two_steps(self):
        """What the thread would run next is the parent's."""
        self.assertEqual(list(each_line(FINALIZERS)), [[(0, "printed")]] * 3)

    @unittest.skipIf(THREAD_SANITIZER, "such a child of a plain CPython crashes in it as well")
    def test_on_a_thread_of_the_program(self):
        """The thread ends, and as the last one it takes the process with it: with 0, as in python,
        whose standard output is not flushed then, whatever its end was."""
        seen = 0
        for name, [(code, printed)] in each_line(THREADS):
            with self.subTest(end=name):
                shown = name in ("fails", "is interrupted", "exits in the hook")
                self.assertEqual((code, "Exception in thread one" in printed), (0, shown), printed)
            seen += 1
        self.assertEqual(seen, 3 * len(ENDS))


if __name__ == "__main__":
    main()
