"""The end of a run asks each task to end once: what cleans up is not disturbed by what other tasks
do because they end, too. What a program itself cancels is cancelled nevertheless, and nobody is
left out."""

import time
import unittest
import warnings

import _tonio
import tonio
import tonio.colored
from programs import run_program
from tonio import net
from tonio.exceptions import CancelledError


async def cleans_up(notes, begun=None, note="cleaned up", seconds=0.01):
    """Waits to be cancelled."""
    if begun:
        begun.set()
    try:
        await tonio.sleep(3600)
    finally:
        try:
            await tonio.sleep(seconds)
        except CancelledError:
            note += ", disturbed"
        notes.append(note)


class Undisturbed(unittest.TestCase):
    def test_who_waits_for_others_that_end_as_well_cleans_up_undisturbed(self):
        def rests():
            yield tonio.sleep(3600)

        def joins(resting):
            yield resting

        def scoped(resting):
            with tonio.scope() as scope:
                scope.spawn(resting)
            yield scope()

        def selects(resting):
            yield tonio.select(resting, tonio.sleep(3600))

        def completes(resting):
            for outcome in tonio.as_completed(resting, tonio.sleep(3600)):
                yield outcome

        def waits(wait, resting, notes, begun):
            try:
                begun.set()
                yield wait(resting)
                notes.append("it went on")
            finally:
                yield tonio.sleep(0.0001)
                notes.append("cleaned up")

        def program(wait, notes):
            for _ in range(20):
                # Made before, so that it is asked first to end.
                begun, resting = tonio.Event(), tonio.spawn(rests())
                tonio.spawn.without_tracking(waits(wait, resting, notes, begun))
                yield begun.wait()
            yield tonio.sleep(0.001)

        for wait in (joins, scoped, selects, completes):
            for threads in (1, 2) * 10:
                notes = []
                tonio.run(program(wait, notes), threads=threads)
                self.assertEqual(set(notes), {"cleaned up"}, wait.__name__)
                self.assertEqual(len(notes), 20, wait.__name__)

    def test_children_of_who_ends_as_well_clean_up_undisturbed(self):
        """Their parents would cancel them, and the end of the run has done so."""

        def scoped(child):
            with tonio.scope() as scope:
                scope.spawn(child)
            yield scope()

        async def scoped_async(child):
            async with tonio.scope() as scope:
                scope.spawn(child)

        def selects(child):
            yield tonio.select(child, tonio.sleep(3600))

        def completes(child):
            for outcome in tonio.as_completed(child, tonio.sleep(3600)):
                yield outcome

        async def completes_async(child):
            async for _ in tonio.as_completed(child, tonio.sleep(3600)):
                pass

        def serves(child):
            listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
            address = listeners[0].socket.getsockname()
            with (yield net.open_tcp_stream(*address)):
                yield net.serve_listeners(lambda _: child, listeners)

        async def rests(notes, begun):
            begun.set()
            try:
                await tonio.sleep(3600)
            finally:
                await tonio.sleep(0.01)
                notes.append("cleaned up")

        def program(parent, notes):
            begun = [tonio.Event() for _ in range(10)]
            tonio.spawn.without_tracking(*[parent(rests(notes, event)) for event in begun])
            for event in begun:
                yield event.wait()

        parents = scoped, scoped_async, selects, completes, completes_async, serves
        for parent in parents:
            for threads in (1, 2, 8):
                with self.subTest(parent.__name__, threads=threads):
                    notes = []
                    tonio.run(program(parent, notes), threads=threads)
                    self.assertEqual(notes, ["cleaned up"] * 10)

    def test_a_guest_whose_host_ends_as_well_cleans_up_undisturbed(self):
        async def guest(notes, begun):
            try:
                begun.set()
                await tonio.sleep(3600)
            finally:
                await tonio.sleep(0.01)
                notes.append("cleaned up")

        async def host(notes, begun):
            await tonio.to_asyncio(guest(notes, begun))

        def program(notes):
            for _ in range(5):
                begun = tonio.Event()
                tonio.spawn.without_tracking(tonio.from_asyncio(host(notes, begun)))
                yield begun.wait()

        for threads in (1, 2, 8):
            notes = []
            tonio.run(program(notes), threads=threads)
            self.assertEqual(notes, ["cleaned up"] * 5)

    def test_guests_that_are_just_beginning(self):
        """Some are asked before they have entered the scope that their host cancels them by."""

        async def host(notes, begins):
            begins.set()
            await tonio.to_asyncio(cleans_up(notes))

        def program(notes, rounds):
            begins = [tonio.Event() for _ in range(6)]
            for event in begins:
                tonio.spawn.without_tracking(tonio.from_asyncio(host(notes, event)))
            for event in begins:
                yield event.wait()
            for _ in range(rounds):
                yield

        with warnings.catch_warnings():
            # Of those that have not begun.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            for number in range(100):
                notes = []
                tonio.run(program(notes, number % 20), threads=1 + number % 2)
                self.assertEqual(set(notes) | {"cleaned up"}, {"cleaned up"})

    def test_the_body_of_a_scope_whose_child_fails_in_its_clean_up(self):
        async def fails(begun):
            begun.set()
            try:
                await tonio.sleep(3600)
            finally:
                await tonio.sleep(0.001)
                raise ValueError

        async def left(notes, begun):
            try:
                async with tonio.colored.scope() as scope:
                    scope.spawn(fails(begun[0]))
                    scope.spawn(cleans_up(notes, begun[1], "sibling"))
                    await cleans_up(notes, begun[2], "body")
            except BaseExceptionGroup as group:
                notes.append(str(len(group.exceptions)))

        async def program(notes):
            begun = [tonio.Event() for _ in range(3)]
            tonio.spawn.without_tracking(left(notes, begun))
            for event in begun:
                await event.wait()

        for threads in (1, 2, 8):
            notes = []
            tonio.run(program(notes), threads=threads)
            self.assertEqual(sorted(notes), ["1", "body", "sibling"])

    def test_tasks_that_an_asynchronous_generator_starts_as_it_is_closed(self):
        async def works(notes):
            await tonio.sleep(0.01)
            notes.append("worked")

        async def numbers(notes):
            try:
                yield 1
                yield 2
            finally:
                await tonio.spawn(works(notes), works(notes))
                async with tonio.colored.scope() as scope:
                    scope.spawn(works(notes))
                notes.append("closed")

        async def program(notes, kept):
            kept.append(numbers(notes))
            await anext(kept[0])

        for threads in (1, 2, 8):
            notes, kept = [], []
            tonio.run(program(notes, kept), threads=threads)
            self.assertEqual(notes, ["worked"] * 3 + ["closed"])


class Asked(unittest.TestCase):
    """In time: a program that waits for what nobody asks ends after the shutdown timeout only."""

    def test_what_a_scope_cancels_on_its_own_account(self):
        async def never_ends(notes, begun):
            begun.set()
            try:
                await tonio.sleep(3600)
            finally:
                try:
                    await tonio.Event().wait()
                finally:
                    notes.append("child")

        async def cancels(notes, begun):
            async with tonio.colored.scope() as scope:
                scope.spawn(never_ends(notes, begun))
                try:
                    await tonio.sleep(3600)
                finally:
                    with tonio.scope(shield=True):
                        await tonio.sleep(0.01)
                    scope.cancel()

        async def limits(notes, begun):
            async with tonio.colored.scope(timeout=0.05) as scope:
                scope.spawn(never_ends(notes, begun))

        async def program(left, notes):
            begun = tonio.Event()
            tonio.spawn.without_tracking(left(notes, begun))
            await begun.wait()

        for left in (cancels, limits):
            for threads in (1, 2):
                with self.subTest(left.__name__, threads=threads):
                    notes, start = [], time.monotonic()
                    tonio.run(program(left, notes), threads=threads)
                    self.assertEqual(notes, ["child"])
                    self.assertLess(time.monotonic() - start, 9)

    def test_tasks_that_have_not_begun_while_their_spawner_waits_for_them(self):
        def works():
            yield tonio.sleep(3600)

        def pool(count, notes, begun):
            handle = tonio.spawn(*[works() for _ in range(count)])
            begun.set()
            try:
                yield tonio.sleep(3600)
            finally:
                try:
                    yield handle
                except CancelledError:
                    pass
                notes.append("ended")

        def program(count, notes):
            begun = tonio.Event()
            tonio.spawn.without_tracking(pool(count, notes, begun))
            yield begun.wait()

        for count, rounds in ((2, 50), (20_000, 2)):
            for threads in (1, 2, 8):
                with self.subTest(count=count, threads=threads):
                    for _ in range(rounds):
                        notes, start = [], time.monotonic()
                        tonio.run(program(count, notes), threads=threads)
                        self.assertEqual(notes, ["ended"])
                        self.assertLess(time.monotonic() - start, 9)

    def test_tasks_beside_one_that_an_earlier_run_could_not_end(self):
        done = run_program(
            """
            import tonio
            from tonio.exceptions import CancelledError

            async def stubborn(begun):
                begun.set()
                while True:
                    try:
                        await tonio.sleep(3600)
                    except CancelledError:
                        pass

            async def cleans_up(begun):
                begun.set()
                try:
                    await tonio.sleep(3600)
                finally:
                    await tonio.sleep(0.001)
                    print("cleaned up", flush=True)

            async def program(left):
                begun = tonio.Event()
                tonio.spawn.without_tracking(left(begun))
                await begun.wait()

            tonio.run(program(stubborn))
            tonio.run(program(cleans_up))
            """,
            "--shutdown-timeout",
            "0.3",
        )
        self.assertEqual(done.out, "cleaned up\n", done.err)

    def test_one_that_has_waited_for_a_task_of_another_group(self):
        """Whose end is not its own: nothing has asked it, and its scope still can."""
        notes, handles = [], []

        async def waits(begun):
            begun.set()
            try:
                await handles[0]
            except CancelledError:
                notes.append("the other is gone")
            await cleans_up(notes)

        async def host(begun, end):
            async with tonio.colored.scope() as scope:
                scope.spawn(waits(begun))
                await end.wait()
                scope.cancel()
            notes.append("over")

        async def other():
            handles.append(tonio.spawn(tonio.sleep(3600)))

        async def start(begun, end):
            tonio.spawn.without_tracking(host(begun, end))
            await begun.wait()

        async def finish(end):
            while "the other is gone" not in notes:
                await tonio.sleep(0)
            end.set()
            while "over" not in notes:
                await tonio.sleep(0)

        begun, end = tonio.Event(), tonio.Event()
        _tonio.run(other(), end_others=False, group=1)
        _tonio.run(start(begun, end), end_others=False, group=2)
        _tonio.end_tasks(1)
        _tonio.run(finish(end), end_others=False, group=2)
        _tonio.end_tasks(2)
        self.assertEqual(notes, ["the other is gone", "cleaned up", "over"])


class Select(unittest.TestCase):
    def test_failures_are_reported_where_the_select_is_cancelled(self):
        done = run_program(
            """
            import tonio

            async def fails(begun):
                begun.set()
                try:
                    await tonio.sleep(3600)
                finally:
                    raise ValueError("in its clean-up")

            async def main():
                begun = tonio.Event()
                tonio.spawn.without_tracking(tonio.select(fails(begun), tonio.sleep(3600)))
                await begun.wait()
            """
        )
        self.assertIn("a select() that was cancelled", done.err)
        self.assertIn("ValueError: in its clean-up", done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
