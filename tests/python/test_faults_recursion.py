"""Recursion without an end in a task raises RecursionError there, and nothing else notices: neither
the process, whatever the limit of the stack, nor other tasks."""

import resource
import unittest

from programs import run_program
from sanitizers import SANITIZED
from scenarios import main

# Each recurses in another way: in Python alone, and through C, on the thread's own stack.
PROGRAM = """
    import copy, json, pickle, sys
    import tonio
    from tonio.sync import channel

    class Adds:
        def __add__(self, other):
            return self + other

    class Shows:
        def __repr__(self):
            return repr(self)

    class Sorts:
        def __lt__(self, other):
            return sorted([self, self])

    class Looks:
        def __getattr__(self, name):
            return getattr(self, name + "x")

    def recurse():
        recurse()

    def map_again():
        return list(map(lambda _: map_again(), [1]))

    def nested():
        items = []
        for _ in range(100_000):
            items = [items]
        return items

    async def chain():
        await chain()

    def chain_of_generators():
        yield from chain_of_generators()

    def chain_of_yields():
        yield chain_of_yields()

    # Bound to a name, so that it lives until after the failure.
    deep = nested()
    recursions = {
        "Python": recurse, "operator": lambda: Adds() + 1, "repr": lambda: repr(Shows()),
        "sorted": lambda: sorted([Sorts(), Sorts()]), "getattr": lambda: Looks().name,
        "map": map_again, "repr of a list": lambda: repr(deep), "comparison": lambda: deep == nested(),
        "json": lambda: json.dumps(deep), "json text": lambda: json.loads("[" * 100_000),
        "pickle": lambda: pickle.dumps(deep), "copy": lambda: copy.deepcopy(deep),
    }
    chains = {"await": chain, "yield from": chain_of_generators, "yield": chain_of_yields}

    def calls(function):
        yield tonio.sleep(0)
        function()

    def blocks(function):
        yield tonio.spawn_blocking(function)

    def descend(depth):
        return depth and descend(depth - 1)

    def other(questions):
        count = 0
        while answer := (yield questions.receive()):
            # No part of another's depth counts as its own.
            descend(sys.getrecursionlimit() // 2)
            count += 1
            answer.set()
        return count

    def others_go_on():
        for ask in asks:
            answer = tonio.Event()
            ask.send(answer)
            yield answer.wait()

    def fails(name, coroutine):
        try:
            yield coroutine
        except RecursionError:
            yield others_go_on()
            return name
        raise AssertionError(f"{name} raised no RecursionError")

    asks, questions = zip(*(channel.unbounded() for _ in range(3)))

    def main():
        others = [tonio.spawn(other(each)) for each in questions]
        failing = [fails(name, calls(function)) for name, function in recursions.items()]
        failing += [fails(name, blocks(function)) for name, function in recursions.items()]
        failing += [fails(name, function()) for name, function in chains.items()]
        print(len((yield failing)))
        for ask in asks:
            ask.send(None)
        print((yield others))
"""


def limit_stack(size):
    return lambda: resource.setrlimit(resource.RLIMIT_STACK, (size, resource.RLIM_INFINITY))


class Recursion(unittest.TestCase):
    def check(self, *options, **more):
        done = run_program(PROGRAM, *options, **more)
        self.assertEqual((done.code, done.out, done.err), (0, "27\n[27, 27, 27]\n", ""))

    def test_in_tasks(self):
        for threads in ("1", "2", "8"):
            self.check("--threads", threads)

    @unittest.skipIf(SANITIZED, "a sanitizer's frames need more stack than CPython counts on")
    def test_with_a_stack_without_limit(self):
        # For glibc that means 2 MiB for each thread.
        self.check(preexec_fn=limit_stack(resource.RLIM_INFINITY))

    @unittest.skipIf(SANITIZED, "a sanitizer's frames need more stack than CPython counts on")
    def test_with_a_small_stack(self):
        self.check(preexec_fn=limit_stack(512 * 1024))


if __name__ == "__main__":
    main()
