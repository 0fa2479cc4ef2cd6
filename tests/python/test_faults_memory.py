"""Memory that is short: MemoryError comes out of the task that asked for too much, and the others go on."""

import unittest

from programs import run_program
from sanitizers import SANITIZED
from scenarios import main

PROGRAM = """
    import resource
    import tonio
    from tonio.sync import channel

    MEBIBYTE = 1 << 20

    def address_space():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()

    def greedy_at_once():
        yield tonio.sleep(0)
        return bytearray(2048 * MEBIBYTE)

    def greedy_by_and_by():
        held = []
        while True:
            # The last one that fits leaves something to the others.
            held.append(bytearray(96 * MEBIBYTE))
            yield others_go_on()

    def blocks():
        yield tonio.spawn_blocking(bytearray, 2048 * MEBIBYTE)

    def other(questions):
        while answer := (yield questions.receive()):
            bytearray(MEBIBYTE)
            answer.set()
        return "went on"

    def others_go_on():
        for ask in asks:
            answer = tonio.Event()
            ask.send(answer)
            yield answer.wait()

    asks, questions = zip(*(channel.unbounded() for _ in range(3)))

    def main():
        others = [tonio.spawn(other(each)) for each in questions]
        # Threads and what they keep are there already.
        yield tonio.spawn_blocking(len, "")
        limit = address_space() + 256 * MEBIBYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for greedy in greedy_at_once, greedy_by_and_by, blocks:
            for _ in range(5):
                try:
                    yield greedy()
                except MemoryError:
                    yield others_go_on()
                    continue
                print(greedy.__name__, "raised no MemoryError")
            try:
                yield tonio.spawn(greedy())
            except* MemoryError as failure:
                print(greedy.__name__, len(failure.exceptions))
            yield others_go_on()
        for ask in asks:
            ask.send(None)
        print(*(yield others), sep=", ")
"""


@unittest.skipIf(SANITIZED, "a sanitizer ends the process where memory is short")
class Memory(unittest.TestCase):
    maxDiff = None

    def test_memory_error_in_a_task(self):
        for threads in ("1", "2", "8"):
            done = run_program(PROGRAM, "--threads", threads)
            self.assertEqual(
                (done.code, done.out, done.err),
                (0, "greedy_at_once 1\ngreedy_by_and_by 1\nblocks 1\nwent on, went on, went on\n", ""),
            )


if __name__ == "__main__":
    main()
