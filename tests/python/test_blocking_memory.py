"""What blocking calls take and give is freed when it is dropped, although the thread that has
made it runs no bytecode or sleeps."""

import threading

import tonio
from sanitizers import THREAD_SANITIZER
from scenarios import Scenarios, main


def resident():
    """Bytes of memory that this process has in use."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


# ThreadSanitizer keeps four bytes of its own for each that was ever in use.
COST = 5 if THREAD_SANITIZER else 1


class Memory(Scenarios):
    # A worker that sleeps frees nothing either; the only one does not sleep for long here.
    options = {"threads": 1}

    def test_calls_of_c_functions_keep_nothing(self):
        piece = 1024 * 1024
        text = b"," + bytes(piece)
        for _ in range(10):
            yield tonio.spawn_blocking(text.split, b",")
        before = resident()
        for _ in range(300):
            yield tonio.spawn_blocking(text.split, b",")
        # What is in a result is freed by the thread that has made it, when its next call comes or it
        # has been idle for a while.
        for _ in range(1000):
            if resident() - before < 100 * COST * piece:
                break
            yield tonio.sleep(0.01)
        else:
            self.fail(f"{resident() - before} bytes are left")

    def test_a_result_is_freed_as_soon_as_the_program_drops_it(self):
        class Thing:
            def __del__(self):
                freed.append(self)

        freed = []
        for _ in range(100):
            thing = yield tonio.spawn_blocking(Thing)
            del thing
            yield  # who sends what was awaited has it until the next step
            self.assertEqual(len(freed), 1)
            freed.clear()

    def test_arguments_are_freed_by_the_call(self):
        class Thing:
            def __del__(self):
                freed_by.append(threading.get_ident())
                freed.set()

        def take(thing):
            forgotten.wait()

        def take_named(*, thing):
            forgotten.wait()

        # Else the worker, once it runs again.
        for call in (
            lambda: tonio.spawn_blocking(take, Thing()),
            lambda: tonio.spawn_blocking(take_named, thing=Thing()),
        ):
            freed_by, freed, forgotten = [], tonio.Event(), threading.Event()
            call()
            forgotten.set()
            yield freed.wait()
            self.assertNotEqual(freed_by, [threading.get_ident()])

    def test_a_result_that_nobody_waits_for_holds_up_no_other_call(self):
        go = threading.Event()

        class Thing:
            def __del__(self):
                go.wait()
                freed.set()

        def make():
            forgotten.wait()
            return Thing()

        forgotten = threading.Event()
        freed = tonio.Event()
        tonio.spawn_blocking(make)
        forgotten.set()
        yield tonio.spawn_blocking(go.set)
        yield freed.wait()

    def test_an_idle_thread_frees_what_it_has_made(self):
        freed = tonio.Event()

        class Thing:
            def __del__(self):
                freed.set()

        # What the result refers to is still counted for the thread that has made it.
        things = yield tonio.spawn_blocking(lambda: [Thing()])
        yield tonio.sleep(0.05)
        self.assertFalse(freed.is_set())
        del things[0]
        for _ in range(3000):
            yield freed.wait(0.01)
        self.assertTrue(freed.is_set())


if __name__ == "__main__":
    main()
