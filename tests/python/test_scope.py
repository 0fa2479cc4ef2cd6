"""tonio.scope(): children, cancellation, failures, shields and time limits."""

import gc
import threading
import weakref

import interrupted
import tonio
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError, TimeoutError
from tonio.sync import Barrier, Lock, channel

FOREVER = 3600


class Blocked:
    """A task that waits for `what()`, says when it has begun, and logs how it ends."""

    def __init__(self, what, log):
        self.started = tonio.Event()
        self.what = what
        self.log = log

    def run(self):
        self.started.set()
        try:
            yield self.what()
        except CancelledError:
            self.log.append("cancelled")
            raise
        finally:
            yield tonio.sleep(0.001)
            self.log.append("cleaned up")


class Children(Scenarios):
    def test_leaving_waits_for_all(self):
        done = []

        def child(number):
            yield tonio.sleep(0.001 * number)
            done.append(number)

        def body(scope):
            for number in (3, 2, 1):
                scope.spawn(self.task(child)(number))
            yield

        yield self.scoped(body)
        self.assertEqual(sorted(done), [1, 2, 3])

    def test_a_child_may_spawn_siblings_until_the_end(self):
        done = []

        def child(scope, depth):
            yield
            if depth:
                scope.spawn(child(scope, depth - 1))
            done.append(depth)

        def body(scope):
            scope.spawn(child(scope, 5))
            yield

        scope = yield self.scoped(body)
        self.assertEqual(sorted(done), [0, 1, 2, 3, 4, 5])
        late = child(scope, 0)
        scope.spawn(late)
        self.assertEqual(list(late), [])
        self.assertEqual(len(done), 6)

    def test_spawn_after_cancel_leaves_another_task_s_coroutine_alone(self):
        gate = tonio.Event()

        @self.task
        def work():
            yield gate.wait()
            return "done"

        def body(scope):
            coroutine = work()
            task = tonio.spawn(coroutine)
            scope.cancel()
            scope.spawn(coroutine)
            gate.set()
            with tonio.scope(shield=True):
                self.assertEqual((yield task), "done")

        yield self.scoped(body)

    def test_a_coroutine_that_spawn_after_cancel_has_closed(self):
        def never():
            yield
            self.fail("it has been run")

        def body(scope):
            scope.cancel()
            coroutine = self.task(never)()
            scope.spawn(coroutine)
            with tonio.scope(shield=True):
                with self.assertRaisesRegex(ExceptionGroup, "tasks? failed") as raised:
                    yield tonio.spawn(coroutine, coroutine)
                for error in raised.exception.exceptions:
                    self.assertRegex(str(error), "has been run already")

        yield self.scoped(body)

    def test_spawn_after_cancel_closes_the_coroutine(self):
        ran = []

        def child():
            ran.append(1)
            yield

        def body(scope):
            scope.cancel()
            scope.spawn(child())
            scope.spawn(tonio.sleep(1))
            return
            yield

        yield self.scoped(body)
        self.assertEqual(ran, [])

    def test_spawn_before_entering(self):
        with self.assertRaisesRegex(RuntimeError, "not been entered"):
            tonio.scope().spawn(tonio.sleep(0))
        yield

    def test_entering_twice(self):
        scope = tonio.scope()
        with scope:
            yield
        with self.assertRaisesRegex(RuntimeError, "entered once"):
            with scope:
                pass
        yield scope()

    def test_waiting_inside(self):
        with tonio.scope() as scope:
            with self.assertRaisesRegex(RuntimeError, "after its `with` block"):
                yield scope()
        yield scope()
        yield scope()

    def test_children_that_nobody_waits_for_end_before_the_task(self):
        done = []

        def child():
            yield tonio.sleep(0.01)
            done.append(1)

        def forgetful():
            with tonio.scope() as scope:
                scope.spawn(child())
            return "result"
            yield

        self.assertEqual((yield tonio.spawn(forgetful())), "result")
        self.assertEqual(done, [1])

    def test_children_from_another_thread(self):
        done = []

        def child():
            yield
            done.append(1)

        def body(scope):
            thread = threading.Thread(target=lambda: scope.spawn(child()))
            thread.start()
            thread.join()
            yield

        yield self.scoped(body)
        self.assertEqual(done, [1])


class Cancelling(Scenarios):
    def check_wait(self, what):
        log = []
        blocked = Blocked(what, log)

        def body(scope):
            scope.spawn(self.task(blocked.run)())
            yield blocked.started.wait()
            yield
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_in_an_event(self):
        yield self.check_wait(tonio.Event().wait)

    def test_in_an_event_with_timeout(self):
        yield self.check_wait(lambda: tonio.Event().wait(FOREVER))

    def test_in_a_sleep(self):
        yield self.check_wait(lambda: tonio.sleep(FOREVER))

    def test_in_a_lock_which_stays_usable(self):
        lock = Lock()
        self.assertTrue(lock.try_acquire())
        yield self.check_wait(lock.acquire)
        lock.release()
        yield lock.acquire()

    def test_in_a_channel(self):
        sender, receiver = channel.channel(1)
        yield self.check_wait(receiver.receive)
        yield sender.send(1)
        yield self.check_wait(lambda: sender.send(2))
        self.assertEqual((yield receiver.receive()), 1)

    def test_in_an_inner_scope(self):
        log = []
        inner = Blocked(lambda: tonio.sleep(FOREVER), log)

        def what():
            def body(scope):
                scope.spawn(inner.run())
                yield tonio.sleep(FOREVER)

            return self.scoped(body)

        outer_log = []
        outer = Blocked(what, outer_log)

        def body(scope):
            scope.spawn(outer.run())
            yield inner.started.wait()
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cancelled", "cleaned up"])
        self.assertEqual(outer_log, ["cancelled", "cleaned up"])

    def test_in_a_blocking_call(self):
        begun = tonio.Event()

        def call():
            begun.set()
            interrupted.block()

        def child():
            yield tonio.spawn_blocking(call)

        def body(scope):
            scope.spawn(self.task(child)())
            yield begun.wait()
            scope.cancel()

        yield self.scoped(body)

    def test_in_a_deep_stack(self):
        log = []

        def deep(depth):
            try:
                if depth:
                    yield deep(depth - 1)
                else:
                    yield tonio.sleep(FOREVER)
            finally:
                yield
                log.append(depth)

        def body(scope):
            scope.spawn(deep(20))
            yield tonio.sleep(0.001)
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, list(range(21)))

    def test_a_child_that_has_not_started(self):
        ran = []

        def child():
            ran.append(1)
            yield

        def body(scope):
            scope.spawn(child())
            scope.cancel()
            return
            yield

        yield tonio.spawn(self.scoped(body))

    def test_the_body(self):
        log = []

        def body(scope):
            scope.cancel()
            try:
                yield tonio.sleep(FOREVER)
            finally:
                yield tonio.sleep(0.001)
                log.append("cleaned up")
            log.append("not reached")

        scope = yield self.scoped(body)
        self.assertTrue(scope.cancelled)
        self.assertFalse(scope.timed_out)
        self.assertEqual(log, ["cleaned up"])

    def test_before_it_is_entered(self):
        for shield in (False, True):
            log = []

            def child():
                log.append("child")
                yield

            def body(scope):
                self.assertTrue(scope.cancelled)
                coroutine = self.task(child)()
                scope.spawn(coroutine)
                self.assertIsNone(getattr(coroutine, "gi_frame", None))
                self.assertIsNone(getattr(coroutine, "cr_frame", None))
                try:
                    yield tonio.sleep(FOREVER)
                except CancelledError:
                    log.append("cancelled")
                    # As a cancellation from inside: once.
                    yield tonio.sleep(0.001)
                    raise
                log.append("not reached")

            scope = tonio.scope(shield=shield, timeout=FOREVER)
            scope.cancel()
            yield self.entered(scope, body)
            self.assertFalse(scope.timed_out)
            self.assertEqual(log, ["cancelled"])
            # It ended at that scope.
            yield tonio.sleep(0)

    def test_while_it_is_entered(self):
        # A thread cancels it before, at and after its start.
        def body(scope):
            yield tonio.sleep(FOREVER)
            self.fail("it was not cancelled")

        for _ in range(200):
            scope = tonio.scope()
            barrier = threading.Barrier(2)

            def cancel():
                barrier.wait()
                scope.cancel()

            thread = threading.Thread(target=cancel)
            thread.start()
            yield tonio.spawn_blocking(barrier.wait)
            yield self.entered(scope, body)
            thread.join()

    def test_a_request_that_was_not_delivered_ends_with_the_scope(self):
        def body(scope):
            scope.cancel()
            return
            yield

        yield self.scoped(body)
        yield tonio.sleep(0.001)

    def test_by_a_child(self):
        def child(scope):
            yield
            scope.cancel()

        def body(scope):
            scope.spawn(child(scope))
            yield tonio.sleep(FOREVER)

        yield self.scoped(body)

    def test_by_another_thread(self):
        def body(scope):
            threading.Thread(target=scope.cancel).start()
            yield tonio.sleep(FOREVER)

        yield self.scoped(body)

    def test_again_does_not_disturb_the_cleaning_up(self):
        log = []

        def child(scope):
            try:
                yield tonio.sleep(FOREVER)
            finally:
                scope.cancel()
                yield tonio.sleep(0.001)
                log.append("cleaned up")

        def body(scope):
            scope.spawn(child(scope))
            yield tonio.sleep(0.001)
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cleaned up"])

    def test_ends_at_the_scope_that_was_cancelled(self):
        reached = []

        def inner(outer):
            def body(_):
                outer.cancel()
                yield tonio.sleep(FOREVER)

            yield self.scoped(body)
            reached.append("behind the inner one")

        yield self.scoped(inner)
        self.assertEqual(reached, [])

    def test_a_time_limit_works_while_cleaning_up(self):
        log = []

        def body(scope):
            try:
                scope.cancel()
                yield tonio.sleep(FOREVER)
            finally:
                limited = yield tonio.time.timeout(tonio.sleep(FOREVER), 0.001)
                log.append(limited)

        yield self.scoped(body)
        self.assertEqual(log, [(None, False)])

    def test_it_is_not_lost_where_an_inner_scope_is_cancelled_while_it_cleans_up(self):
        log = []

        def outside(outer):
            def inside(inner):
                try:
                    outer.cancel()
                    yield tonio.sleep(FOREVER)
                finally:
                    inner.cancel()
                    yield tonio.sleep(FOREVER)

            yield self.scoped(inside)
            log.append("behind the inner one")
            yield tonio.sleep(0)
            log.append("and further")

        yield self.scoped(outside)
        self.assertEqual(log, [])

    def test_it_is_not_lost_where_a_time_limit_ends_the_cleaning_up(self):
        log = []
        started = tonio.Event()

        @self.task
        def slow():
            try:
                started.set()
                yield tonio.sleep(FOREVER)
            finally:
                yield tonio.sleep(FOREVER)

        @self.task
        def limited():
            yield tonio.time.timeout(slow(), 0.05)
            log.append("not reached")

        # By a limit further out, and of the whole task.
        self.assertEqual((yield tonio.time.timeout(limited(), 0.01)), (None, False))
        started.clear()

        def body(scope):
            scope.spawn(limited())
            yield started.wait()
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, [])

    def test_a_waiting_task_takes_its_children_along(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        def waiting():
            def body(scope):
                scope.spawn(blocked.run())
                yield

            yield self.scoped(body)
            log.append("not reached")

        def body(scope):
            scope.spawn(waiting())
            yield blocked.started.wait()
            yield tonio.sleep(0.001)
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_a_task_that_waits_for_another_s_scope_leaves_at_once(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        def body(scope):
            scope.spawn(blocked.run())
            yield

        with tonio.scope() as watched:
            yield body(watched)

        def watch(scope):
            scope.spawn(self.task(watching)())
            yield blocked.started.wait()
            scope.cancel()

        def watching():
            yield watched()

        yield self.scoped(watch)
        self.assertEqual(log, [])
        self.assertFalse(watched.cancelled)
        watched.cancel()
        yield watched()
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_scopes_whose_children_wait_for_each_other(self):
        log = []
        left, barrier = tonio.Event(), Barrier(3)

        def wait_for(scope):
            yield left.wait()
            yield barrier.wait()
            try:
                yield scope()
            finally:
                yield tonio.sleep(0.001)
                log.append("cleaned up")

        def knot():
            with tonio.scope() as a, tonio.scope() as b:
                a.spawn(self.task(wait_for)(b))
                b.spawn(self.task(wait_for)(a))
            left.set()
            yield a()

        def body(scope):
            scope.spawn(self.task(knot)())
            yield barrier.wait()
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cleaned up"] * 2)


class Left(Scenarios):
    """Scopes that a task has left without having waited for them: the `yield` notation's."""

    def test_cancellation_reaches_all_of_them(self):
        logs = [], []
        blocked = [Blocked(lambda: tonio.sleep(FOREVER), log) for log in logs]

        def host():
            with tonio.scope() as first, tonio.scope() as second:
                first.spawn(blocked[0].run())
                second.spawn(blocked[1].run())
            yield second()

        def body(scope):
            scope.spawn(self.task(host)())
            for each in blocked:
                yield each.started.wait()
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(logs, (["cancelled", "cleaned up"],) * 2)

    def test_at_the_same_time(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        begun = tonio.Event()

        def waits_while_cleaning_up(scope):
            begun.set()
            try:
                yield tonio.sleep(FOREVER)
            finally:
                yield scope()
                log.append("waited")

        def host():
            with tonio.scope() as first, tonio.scope() as second:
                first.spawn(blocked.run())
                second.spawn(waits_while_cleaning_up(first))
            yield second()

        def body(scope):
            scope.spawn(self.task(host)())
            yield blocked.started.wait()
            yield begun.wait()
            scope.cancel()

        yield self.scoped(body)
        self.assertEqual(log, ["cancelled", "cleaned up", "waited"])

    def test_a_cancelled_scope_takes_along_those_that_were_entered_in_it(self):
        logs = [], []
        blocked = [Blocked(lambda: tonio.sleep(FOREVER), log) for log in logs]
        with tonio.scope() as before:
            before.spawn(blocked[0].run())
        with tonio.scope() as outer:
            with tonio.scope() as inside:
                inside.spawn(blocked[1].run())
            for each in blocked:
                yield each.started.wait()
            outer.cancel()
            try:
                yield tonio.sleep(FOREVER)
            except CancelledError:
                pass  # asked once
        yield inside()
        self.assertEqual(logs, ([], ["cancelled", "cleaned up"]))
        before.cancel()
        yield before()

    def test_a_cancelled_scope_that_is_left_without_a_suspension(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)
        with tonio.scope() as outer:
            with tonio.scope() as inside:
                inside.spawn(blocked.run())
            yield blocked.started.wait()
            outer.cancel()
        yield inside()
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_a_failure_ends_them(self):
        logs = [], []
        blocked = [Blocked(lambda: tonio.sleep(FOREVER), log) for log in logs]

        def leave_one(which):
            with tonio.scope() as scope:
                scope.spawn(blocked[which].run())
            yield blocked[which].started.wait()
            return scope

        def fails():
            yield from leave_one(0)
            with tonio.scope():
                yield from leave_one(1)
                raise KeyError

        with self.assertRaises(ExceptionGroup):
            yield tonio.spawn(fails())
        self.assertEqual(logs, (["cancelled", "cleaned up"],) * 2)

    def test_a_failure_ends_those_of_its_scope(self):
        logs = [], []
        blocked = [Blocked(lambda: tonio.sleep(FOREVER), log) for log in logs]
        with tonio.scope() as before:
            before.spawn(blocked[0].run())
        with self.assertRaises(KeyError), tonio.scope():
            with tonio.scope() as inside:
                inside.spawn(blocked[1].run())
            for each in blocked:
                yield each.started.wait()
            raise KeyError
        yield inside()
        self.assertEqual(logs, ([], ["cancelled", "cleaned up"]))
        before.cancel()
        yield before()


class Failing(Scenarios):
    def test_a_child_cancels_its_siblings_and_the_body(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        def fail():
            yield blocked.started.wait()
            raise ValueError("broken")

        def body(scope):
            scope.spawn(blocked.run())
            scope.spawn(fail())
            yield tonio.sleep(FOREVER)

        with self.assertRaises(ExceptionGroup) as caught:
            yield self.scoped(body)
        (error,) = caught.exception.exceptions
        self.assertEqual(str(error), "broken")
        self.assertEqual(error.__traceback__.tb_frame.f_code.co_name, "fail")
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_failures_come_together(self):
        gate = tonio.Event()

        def fail(error):
            yield
            try:
                yield gate.wait()
            finally:
                raise error

        def body(scope):
            scope.spawn(fail(ValueError()))
            scope.spawn(fail(KeyError()))
            yield tonio.sleep(0.001)
            gate.set()

        with self.assertRaises(ExceptionGroup) as caught:
            yield self.scoped(body)
        kinds = {type(error) for error in caught.exception.exceptions}
        self.assertEqual(kinds, {ValueError, KeyError})

    def test_a_body_cancels_its_children(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        def body(scope):
            scope.spawn(blocked.run())
            yield blocked.started.wait()
            raise ValueError("body")

        def program():
            yield self.scoped(body)

        with self.assertRaises(ExceptionGroup) as caught:
            # In a task of its own: it ends when the children have.
            yield tonio.spawn(program())
        self.assertEqual(str(caught.exception.exceptions[0]), "body")
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_a_body_alone_raises_its_own_exception(self):
        def body(scope):
            yield
            raise ValueError("body")

        with self.assertRaisesRegex(ValueError, "body"):
            yield self.scoped(body)


class Limits(Scenarios):
    def test_move_on(self):
        start = tonio.time.time()

        def body(scope):
            yield tonio.sleep(FOREVER)

        scope = yield self.scoped(body, timeout=0.01)
        self.assertTrue(scope.timed_out)
        self.assertTrue(scope.cancelled)
        self.assertGreaterEqual(tonio.time.time() - start, 0.01)

    def test_raise_where_asked(self):
        def body(scope):
            yield tonio.sleep(FOREVER)

        with self.assertRaises(TimeoutError):
            yield self.scoped(body, timeout=0.001, raise_timeout=True)

    def test_in_time(self):
        def body(scope):
            yield

        scope = yield self.scoped(body, timeout=FOREVER, raise_timeout=True)
        self.assertFalse(scope.timed_out)

    def test_children_are_limited_too(self):
        log = []
        blocked = Blocked(lambda: tonio.sleep(FOREVER), log)

        def body(scope):
            scope.spawn(blocked.run())
            yield

        yield self.scoped(body, timeout=0.01)
        self.assertEqual(log, ["cancelled", "cleaned up"])

    def test_bad_limits(self):
        for bad in (-1, float("nan")):
            with self.assertRaises(ValueError):
                tonio.scope(timeout=bad)
        with self.assertRaises(TypeError):
            tonio.scope(timeout="1")
        with self.assertRaises(ValueError):
            tonio.scope(raise_timeout=True)
        yield


class Shields(Scenarios):
    def test_what_is_shielded_goes_on(self):
        log = []

        def outer(scope):
            def inner(_):
                scope.cancel()
                yield tonio.sleep(0.001)
                log.append("shielded")

            yield self.scoped(inner, shield=True)
            log.append("left")
            yield tonio.sleep(FOREVER)
            log.append("not reached")

        yield self.scoped(outer)
        self.assertEqual(log, ["shielded", "left"])

    def test_its_own_cancellation_gets_in(self):
        def body(scope):
            scope.cancel()
            yield tonio.sleep(FOREVER)

        yield self.scoped(body, shield=True)

    def test_the_task_is_cancelled_after_it(self):
        log = []
        inside = tonio.Event()
        go_on = tonio.Event()

        def child():
            def body(_):
                inside.set()
                yield go_on.wait()
                log.append("shielded")

            yield self.scoped(body, shield=True)
            yield tonio.sleep(FOREVER)

        def body(scope):
            scope.spawn(child())
            yield inside.wait()
            scope.cancel()
            go_on.set()

        yield self.scoped(body)
        self.assertEqual(log, ["shielded"])


class Memory(Scenarios):
    def test_a_finished_scope_is_freed(self):
        def body(scope):
            scope.spawn(tonio.sleep(0))
            yield

        scope = yield self.scoped(body, timeout=FOREVER)
        gone = weakref.ref(scope)
        del scope
        # The child's worker may be about to let go of it.
        while gone() is not None:
            gc.collect()
            yield


if __name__ == "__main__":
    main()
