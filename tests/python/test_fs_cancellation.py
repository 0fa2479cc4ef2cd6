"""A cancelled task loses nothing that a call on a file has done: one that has begun ends and
gives its outcome, one that waits for its turn is not begun, and close() closes."""

import io
import os
import tempfile
import threading

import interrupted
import tonio
from _tonio import finish_blocking
from scenarios import Scenarios, main
from tonio import fs
from tonio.exceptions import CancelledError


class Held(io.BytesIO):
    """A file whose calls wait until they are let go."""

    def __init__(self, data=b""):
        super().__init__(data)
        self.begun = tonio.Event()
        self.let_go = threading.Event()

    def wait(self):
        self.begun.set()
        if not self.let_go.wait(30):
            raise TimeoutError("nobody let it go")

    def read(self, size=-1):
        self.wait()
        return super().read(size)

    def write(self, data):
        self.wait()
        raise OSError("disk full")

    def close(self):
        if not self.closed:
            self.wait()
        super().close()


class Cancellation(Scenarios):
    # One at a time, so that a second call waits for its turn.
    options = {"blocking_threadpool_size": 1, "threads": 2}

    def cancelled(self, work, held):
        """Spawns work() in a scope, and cancels that once `held` holds a call; gives the log
        of what became of the work."""
        log = []

        def body(scope):
            scope.spawn(self.task(work)(log))
            yield held.begun.wait()
            scope.cancel()
            # The cancelled task waits for the call, so this can't be too early to see that
            # the call's end is what it waits for.
            held.let_go.set()

        yield self.scoped(body)
        return log

    def test_what_was_read_is_not_lost(self):
        held = Held(b"data")
        file = fs.wrap_file(held)

        def work(log):
            log.append((yield file.read()))
            try:
                yield tonio.sleep(30)
            except CancelledError:
                log.append("cancelled")
                raise

        self.assertEqual((yield self.cancelled(work, held)), [b"data", "cancelled"])

    def test_a_failure_arrives(self):
        held = Held()
        file = fs.wrap_file(held)

        def work(log):
            try:
                yield file.write(b"x")
            except OSError as failure:
                log.append(str(failure))
            try:
                yield tonio.sleep(30)
            except CancelledError:
                log.append("cancelled")
                raise

        self.assertEqual((yield self.cancelled(work, held)), ["disk full", "cancelled"])

    def test_a_call_that_waits_for_its_turn_is_not_begun(self):
        held = Held()
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = fs.Path(folder, "new")
            first = tonio.spawn(fs.wrap_file(held).read())
            yield held.begun.wait()
            entered = tonio.Event()

            @self.task
            def second():
                call = path.touch()
                entered.set()
                yield call

            def body(scope):
                scope.spawn(second())
                yield entered.wait()
                scope.cancel()

            yield self.scoped(body)
            held.let_go.set()
            yield first
            self.assertFalse((yield path.exists()))

    def test_close_closes_even_when_it_waits_for_its_turn(self):
        held = Held()
        other = io.BytesIO()
        first = tonio.spawn(fs.wrap_file(held).read())
        yield held.begun.wait()
        entered = tonio.Event()

        @self.task
        def second():
            call = fs.wrap_file(other).close()
            entered.set()
            yield call

        def body(scope):
            scope.spawn(second())
            yield entered.wait()
            scope.cancel()
            held.let_go.set()

        yield self.scoped(body)
        self.assertTrue(other.closed)
        yield first

    def test_a_cancelled_task_closes_its_files(self):
        files = []
        inside = tonio.Event()

        async def work(path):
            async with fs.open(path, "w") as file:
                files.append(file)
                await file.write("written")
                inside.set()
                await tonio.sleep(30)

        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:

            def body(scope):
                scope.spawn(work(fs.Path(folder, "file")))
                yield inside.wait()
                scope.cancel()

            yield self.scoped(body)
            self.assertTrue(files[0].closed)
            self.assertEqual((yield fs.Path(folder, "file").read_text()), "written")

    def test_a_file_that_was_just_opened_is_not_lost(self):
        begun, let_go = tonio.Event(), threading.Event()
        files = []

        def opener(path, flags):
            begun.set()
            let_go.wait(30)
            return os.open(path, flags)

        async def work():
            async with fs.open(__file__, opener=opener) as file:
                files.append(file)
                await tonio.sleep(30)

        def body(scope):
            scope.spawn(work())
            yield begun.wait()
            scope.cancel()
            let_go.set()

        yield self.scoped(body)
        self.assertEqual([file.closed for file in files], [True])

    def test_a_call_that_ended_before_the_task_waited_for_it(self):
        log = []

        def work(scope):
            call = finish_blocking(lambda: "outcome")
            # On the same thread, so the first has ended when this begins.
            second = threading.Event()
            finish_blocking(second.set)
            second.wait(30)
            scope.cancel()
            log.append((yield call))
            try:
                yield tonio.sleep(30)
            except CancelledError:
                log.append("cancelled")

        def body(scope):
            scope.spawn(self.task(work)(scope))
            yield

        yield self.scoped(body)
        self.assertEqual(log, ["outcome", "cancelled"])

    def test_a_timeout_during_a_call(self):
        held = Held(b"data")

        @self.task
        def work():
            yield fs.wrap_file(held).read()
            yield tonio.sleep(30)

        waiting = tonio.spawn(tonio.time.timeout(work(), 0.01))
        yield held.begun.wait()
        held.let_go.set()
        self.assertEqual((yield waiting), (None, False))


class Listings(Scenarios):
    def test_a_listing_that_runs_is_interrupted(self):
        begun = tonio.Event()

        def on_error(failure):
            """Stands for a tree of a million folders."""
            begun.set()
            interrupted.block()

        def body(scope):
            scope.spawn(fs.Path("/nowhere").walk(on_error=on_error))
            yield begun.wait()
            scope.cancel()

        yield self.scoped(body)


if __name__ == "__main__":
    main()
