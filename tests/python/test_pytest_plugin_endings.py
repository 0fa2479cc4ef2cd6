"""The pytest plugin: what a test leaves behind, what keeps it from ending, and Ctrl-C."""

from pytest_runs import PytestCase, Session, run
from scenarios import main


class Leftovers(PytestCase):
    def test_tasks_are_cancelled_and_named(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio
            ended = []

            async def goes_on(name):
                try:
                    await tonio.Event().wait()
                finally:
                    await tonio.sleep(0.001)
                    ended.append(name)

            async def test_leaves():
                tonio.spawn.without_tracking(goes_on("one"), goes_on("two"))

            def test_leaves_and_fails():
                yield {goes_on("three")}
                assert False

            async def test_ended():
                assert sorted(ended) == ["one", "three", "two"]
            """,
            {"test_leaves": "passed", "test_leaves_and_fails": "failure", "test_ended": "passed"},
        )
        self.assertRegex(
            out,
            r"LeftoverTaskWarning: the test has ended and left tasks behind, which were "
            r"cancelled; 2 tasks\n.*task goes_on: suspended on tonio.EventWait, spawned at "
            r".*test_it.py:\d+ in test_leaves",
        )
        self.assertRegex(out, r"which were cancelled; 1 task\n")

    def test_they_can_be_made_failures(self):
        self.check(
            """
            import pytest, tonio
            pytestmark = [
                pytest.mark.tonio,
                pytest.mark.filterwarnings("error::tonio.pytest.LeftoverTaskWarning"),
            ]

            async def test_leaves():
                tonio.spawn(tonio.Event().wait())

            async def test_leaves_nothing():
                tonio.spawn(tonio.sleep(0))
            """,
            {"test_leaves": "failure", "test_leaves_nothing": "passed"},
        )

    def test_tasks_that_are_about_to_end_are_none(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            async def sets(event, times):
                event.set()
                for _ in range(times):
                    await tonio.colored.yield_now()

            @pytest.mark.parametrize("times", range(100))
            async def test_it(times):
                event = tonio.Event()
                tonio.spawn(*(sets(event, times) for _ in range(50)))
                await event.wait()
            """.replace("import pytest, tonio\n", "import pytest, tonio, tonio.colored\n", 1),
            {f"test_it[{times}]": "passed" for times in range(100)},
        )
        self.assertNotIn("Leftover", out)

    def test_of_a_fixture(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio
            ended = []

            async def goes_on():
                try:
                    await tonio.Event().wait()
                finally:
                    ended.append(True)

            @pytest.fixture
            async def background():
                tonio.spawn(goes_on())
                return 1

            async def test_meanwhile(background):
                assert not ended

            async def test_afterwards():
                assert ended
            """,
            {"test_meanwhile": "passed", "test_afterwards": "passed"},
        )
        self.assertIn("LeftoverTaskWarning: the fixture background has ended", out)


class Unawaited(PytestCase):
    def test_failures_of_tasks_fail_the_test(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            async def fails(what):
                raise KeyError(what)

            async def test_untracked():
                tonio.spawn.without_tracking(fails("first"))

            async def test_both():
                tonio.spawn.without_tracking(fails("third"))
                await tonio.sleep(0)
                assert 1 == 2

            async def test_skipped():
                tonio.spawn.without_tracking(fails("fourth"))
                await tonio.sleep(0)
                pytest.skip()

            async def test_while_cancelled():
                async def cleans_up():
                    try:
                        await tonio.Event().wait()
                    finally:
                        raise KeyError("fifth")

                tonio.spawn.without_tracking(cleans_up())

            async def test_awaited():
                with pytest.raises(ExceptionGroup):
                    await tonio.spawn(fails("never seen"))
            """,
            {"test_untracked": "failure", "test_both": "failure", "test_skipped": "failure",
             "test_while_cancelled": "failure", "test_awaited": "passed"},
        )
        for what in ("first", "third", "fourth", "fifth"):
            self.assertIn(f"KeyError: '{what}'", out)
        self.assertIn("assert 1 == 2", out)
        self.assertRegex(
            out,
            r"tonio: a task failed and nobody awaited it; it was spawned at "
            r".*test_it.py:\d+ in test_untracked",
        )
        self.assertNotIn("never seen", out.split("short test summary")[1])

    def test_of_a_join_handle_that_is_dropped(self):
        # By the worker that has made it, which may be later than the test's end.
        ended = run(
            """
            import pytest, tonio

            async def fails():
                raise KeyError("dropped")

            @pytest.mark.tonio
            def test_it():
                tonio.spawn(fails())
                yield
            """
        )
        self.assertIn(ended.outcomes["test_it"], ("failure", "error"), ended.out)
        self.assertEqual(ended.code, 1)
        self.assertIn("KeyError: 'dropped'", ended.out)

    def test_of_a_fixture(self):
        self.check(
            """
            import pytest, tonio, tonio.pytest

            async def fails():
                raise KeyError

            @tonio.pytest.fixture
            async def careless():
                yield
                tonio.spawn.without_tracking(fails())

            def test_it(careless):
                pass

            def test_afterwards():
                pass
            """,
            {"test_it": "error", "test_afterwards": "passed"},
        )

    def test_after_the_last_test(self):
        out = self.check(
            """
            import pytest, tonio

            async def fails():
                raise KeyError("late")

            async def starts():
                handle = tonio.spawn(fails())
                cycle = [handle]
                cycle.append(cycle)
                await tonio.Event().wait(0.01)

            def test_it():
                import gc
                gc.disable()
                tonio.run(starts())
            """,
            {"test_it": "passed"},
            code=1,
        )
        self.assertIn("KeyError: 'late'", out)


class Stuck(PytestCase):
    def test_time_limits(self):
        out = self.check(
            """
            import pytest, tonio, tonio.time, tonio.exceptions
            ended = []

            async def waits():
                try:
                    await tonio.sleep(3600)
                finally:
                    await tonio.sleep(0.001)
                    ended.append(True)

            @pytest.mark.tonio(timeout=0.05)
            async def test_mark():
                await tonio.spawn(waits(), waits())

            @pytest.mark.tonio
            def test_ended():
                yield
                assert ended == [True, True]

            @pytest.mark.tonio(timeout=3600)
            async def test_in_time():
                assert await tonio.time.timeout(tonio.sleep(3600), 0.001) == (None, False)

            @pytest.mark.tonio(timeout=0.05)
            @pytest.mark.xfail(raises=tonio.exceptions.TimeoutError, strict=True)
            async def test_expected():
                await tonio.sleep(3600)
            """,
            {"test_mark": "failure", "test_ended": "passed", "test_in_time": "passed",
             "test_expected": "skipped"},
        )
        self.assertIn("tonio.exceptions.TimeoutError: the limit of 0.05 s has passed; 3 tasks", out)
        self.assertRegex(out, r"task waits: suspended on tonio.Sleep, spawned at .* in test_mark")

    def test_the_setting(self):
        files = {
            "pytest.ini": "[pytest]\ntonio_timeout = 0.05\n",
            "test_it.py": """
                import pytest, tonio

                @pytest.mark.tonio
                async def test_it():
                    await tonio.sleep(3600)
                """,
        }
        self.assertIn("the limit of 0.05 s has passed", self.check(files, {"test_it": "failure"}))

    def test_deadlocks_leave_fixtures_alone(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            @pytest.fixture(scope="module")
            async def shared():
                async with tonio.scope() as scope:
                    event = tonio.Event()
                    scope.spawn(event.wait())
                    yield event
                    event.set()

            async def test_stuck(shared):
                await tonio.Event().wait()

            async def test_afterwards(shared):
                assert not shared.is_set()
            """,
            {"test_stuck": "failure", "test_afterwards": "passed"},
        )
        self.assertIn("tonio.exceptions.Deadlock: every task waits for another one", out)
        self.assertRegex(out, r"at .*test_it.py:14 in test_stuck")
        self.assertIn("task fixture shared: suspended", out)


class Interrupted(PytestCase):
    def test_ctrl_c(self):
        with Session(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            @pytest.fixture(scope="session")
            async def session():
                yield
                await tonio.sleep(0.001)
                print("DOWN session", flush=True)

            async def test_it(session):
                try:
                    print(flush=True)
                    print("READY", flush=True)
                    await tonio.sleep(3600)
                finally:
                    await tonio.sleep(0.001)
                    print("DOWN test", flush=True)

            async def test_never():
                print("NEVER")
            """,
            "-s",
        ) as session:
            session.until("READY")
            session.interrupt()
            ended = session.end()
        self.assertEqual(ended.code, 2, ended.out)
        self.assertRegex(ended.out, r"(?s)DOWN test.*DOWN session")
        self.assertIn("KeyboardInterrupt", ended.out)
        self.assertNotIn("NEVER", ended.out)


main()
