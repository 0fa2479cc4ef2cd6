"""A task that waits for an event which nobody can reach is not garbage (docs/decisions/0012): it
waits on, tasks() shows it, and the end of the run ends it, without a word."""

import unittest

from programs import run_program
from scenarios import main

PROGRAM = """
    import gc, sys, weakref
    import tonio

    class Event(tonio.Event):
        pass

    def waits(entered, seen):
        event = Event()
        seen.append(weakref.ref(event))
        entered.set()
        try:
            yield event.wait()
        finally:
            yield tonio.sleep(0)  # cleaning up may suspend
            print("cleaned up")

    def main():
        entered, seen = tonio.Event(), []
        tonio.spawn.without_tracking(waits(entered, seen))
        yield entered.wait()
        yield  # it waits by now, or does before the next look
        for _ in range(3):
            gc.collect()
            yield tonio.sleep(0.001)
        waiting = [task.name for task in tonio.tasks() if task.name == "waits"]
        print(waiting, seen[0]() is not None)
        seen_at_the_end.extend(seen)

    seen_at_the_end = []
    tonio.run(main())
    gc.collect()
    print(tonio.tasks(), seen_at_the_end[0]())
"""


class Unreachable(unittest.TestCase):
    def test_is_kept_shown_and_ended_with_the_run(self):
        for threads in ("1", "2"):
            done = run_program(PROGRAM, "--threads", threads)
            self.assertEqual(
                (done.code, done.out, done.err), (0, "['waits'] True\ncleaned up\n[] None\n", "")
            )


if __name__ == "__main__":
    main()
