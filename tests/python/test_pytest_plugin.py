"""The pytest plugin: which tests it runs, and how they pass and fail."""

import importlib.metadata

import tonio
from pytest_runs import PytestCase, pytest, run
from scenarios import main


def unsupported():
    """The outcome of an `async` test that no plugin runs."""
    new = tuple(map(int, pytest.__version__.split(".")[:2])) >= (8, 4)
    return "failure" if new else "skipped"


class Tests(PytestCase):
    def test_both_notations_on_the_workers(self):
        self.check(
            """
            import threading, pytest, tonio
            pytestmark = pytest.mark.tonio

            def test_yield():
                yield tonio.sleep(0)
                assert threading.current_thread() is not threading.main_thread()

            async def test_await():
                await tonio.sleep(0)
                assert threading.current_thread() is not threading.main_thread()

            def test_plain():
                assert threading.current_thread() is threading.main_thread()

            class TestMethods:
                def test_yield_method(self):
                    assert (yield tonio.spawn(tonio.sleep(0))) is None

                async def test_await_method(self):
                    assert isinstance(self, TestMethods)
            """,
            dict.fromkeys(
                ["test_yield", "test_await", "test_plain", "test_yield_method",
                 "test_await_method"],
                "passed",
            ),
        )

    def test_the_marker_on_a_test_or_a_class(self):
        self.check(
            """
            import pytest, tonio

            @pytest.mark.tonio
            def test_marked():
                yield

            @pytest.mark.tonio
            class TestMarked:
                def test_in_class(self):
                    yield
            """,
            {"test_marked": "passed", "test_in_class": "passed"},
        )

    def test_without_the_marker_it_keeps_out(self):
        out = self.check(
            """
            ran = []

            async def test_async():
                ran.append("async")

            def test_none_ran():
                assert ran == []
            """,
            {"test_async": unsupported(), "test_none_ran": "passed"},
        )
        self.assertIn("async def functions are not natively supported", out)
        ended = run("def test_generator():\n    yield\n    raise AssertionError('it ran')\n")
        self.assertIn("yield", ended.out)
        self.assertNotIn("it ran", ended.out)

    def test_mode_auto(self):
        self.check(
            {
                "pytest.ini": """
                    [pytest]
                    tonio_mode = auto
                    markers = trio: of another plugin
                    """,
                "test_it.py": """
                    import pytest, tonio, tonio.pytest

                    @pytest.fixture
                    async def number():
                        await tonio.sleep(0)
                        return 1

                    async def test_async(number):
                        await tonio.sleep(0)
                        assert number == 1

                    def test_generator():
                        yield tonio.sleep(0)

                    def test_plain(number):
                        assert number == 1

                    @pytest.mark.trio
                    @pytest.mark.skip
                    async def test_of_others():
                        raise AssertionError
                    """,
            },
            {"test_async": "passed", "test_generator": "passed", "test_plain": "passed",
             "test_of_others": "skipped"},
        )

    def test_failures_look_as_usual(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            async def raises():
                await tonio.sleep(0)
                raise KeyError("deep")

            async def test_assert():
                got = [1, 2]
                await tonio.sleep(0)
                assert got == [1, 3]

            def test_raises():
                yield raises()

            async def test_group():
                await tonio.spawn(raises(), raises())
            """,
            {"test_assert": "failure", "test_raises": "failure", "test_group": "failure"},
        )
        # Rewritten assertions, the source, and no frame of the plugin in between.
        self.assertIn("assert [1, 2] == [1, 3]", out)
        self.assertIn("At index 1 diff: 2 != 3", out)
        self.assertIn(">       yield raises()", out)
        self.assertIn("E       KeyError: 'deep'", out)
        self.assertIn("spawned tasks failed (2 sub-exceptions)", out)
        before_group = out.split("test_group ___")[0]
        self.assertNotIn("<tonio>", before_group)
        self.assertNotIn("pluggy", before_group.split("FAILURES")[1])

    def test_parameters_skip_and_xfail(self):
        self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            @pytest.mark.parametrize("x", [1, 2])
            @pytest.mark.parametrize("y", "ab")
            def test_parameters(x, y):
                yield tonio.sleep(0)
                assert (x, y) != (2, "b")

            async def test_skip():
                pytest.skip("not today")

            async def test_xfail():
                pytest.xfail("not yet")

            @pytest.mark.xfail(raises=ZeroDivisionError)
            def test_expected():
                yield
                1 / 0

            @pytest.mark.xfail(raises=ZeroDivisionError)
            async def test_unexpected():
                raise KeyError

            @pytest.mark.skip
            def test_never():
                yield
                raise AssertionError
            """,
            {"test_parameters[a-1]": "passed", "test_parameters[a-2]": "passed",
             "test_parameters[b-1]": "passed", "test_parameters[b-2]": "failure",
             "test_skip": "skipped", "test_xfail": "skipped", "test_expected": "skipped",
             "test_unexpected": "failure", "test_never": "skipped"},
        )

    def test_output_and_logs_are_captured(self):
        out = self.check(
            """
            import logging, pytest, tonio
            pytestmark = pytest.mark.tonio

            async def test_capsys(capsys, caplog):
                await tonio.sleep(0)
                print("from a worker")
                logging.warning("logged")
                assert capsys.readouterr().out == "from a worker\\n"
                assert caplog.messages == ["logged"]

            def test_passes():
                yield
                print("quiet")

            def test_fails():
                yield
                print("loud")
                assert False
            """,
            {"test_capsys": "passed", "test_passes": "passed", "test_fails": "failure"},
        )
        self.assertIn("loud", out)
        self.assertNotIn("quiet", out)

    def test_an_async_generator_is_no_test(self):
        out = self.check(
            """
            import pytest

            @pytest.mark.tonio
            async def test_it():
                yield
            """,
            {"test_it": "failure"},
        )
        self.assertIn("a test that is an async function can't yield", out)

    def test_exits_in_tests(self):
        self.check(
            """
            import sys, pytest, tonio
            pytestmark = pytest.mark.tonio

            async def test_exits():
                sys.exit(3)

            async def test_task_exits():
                async def exits():
                    sys.exit(3)

                tonio.spawn(exits())
                await tonio.Event().wait()

            async def test_afterwards():
                await tonio.sleep(0)
            """,
            {"test_exits": "failure", "test_task_exits": "failure", "test_afterwards": "passed"},
        )


class Options(PytestCase):
    def test_threads(self):
        test = """
            import os, pytest, tonio

            @pytest.mark.tonio
            async def test_threads():
                await tonio.sleep(0)
                workers = 0
                for task in os.listdir("/proc/self/task"):
                    with open(f"/proc/self/task/{task}/comm") as f:
                        workers += f.read().startswith("tonio-work-")
                assert workers == 3
            """
        ini = "[pytest]\ntonio_threads = 3\n"
        self.check({"pytest.ini": ini, "test_it.py": test}, {"test_threads": "passed"})
        conftest = """
            import pytest, tonio

            @pytest.fixture(scope="session")
            def tonio_runtime():
                return tonio.runtime(threads=3)
            """
        self.check({"conftest.py": conftest, "test_it.py": test}, {"test_threads": "passed"})

    def test_the_runtime_in_plain_tests(self):
        self.check(
            """
            import pytest, tonio, tonio.pytest

            @tonio.pytest.fixture(scope="session")
            async def event():
                async with tonio.scope() as scope:
                    event = tonio.Event()
                    scope.spawn(event.wait())
                    yield event
                    event.set()

            def add(x):
                yield tonio.sleep(0)
                return x + 1

            def test_runtime(event, tonio_runtime):
                assert tonio_runtime.run_until_complete(add(1)) == 2

            def test_run(event):
                # Ends what it has left, and not what the fixture needs.
                async def leaves():
                    tonio.spawn(tonio.Event().wait())

                tonio.run(leaves())

            @pytest.mark.tonio
            async def test_between(event):
                assert not event.is_set()
            """,
            {"test_runtime": "passed", "test_run": "passed", "test_between": "passed"},
        )

    def test_wrong_settings_are_named(self):
        for line, words in (
            ("tonio_mode = always", "tonio_mode must be strict or auto, not 'always'"),
            ("tonio_threads = many", "tonio_threads must be a number above 0, not 'many'"),
            ("tonio_timeout = -1", "tonio_timeout must be a number above 0, not '-1'"),
        ):
            files = {"pytest.ini": f"[pytest]\n{line}\n", "test_it.py": "def test_it(): pass\n"}
            self.assertIn(words, self.check(files, {}, code=4))

    def test_a_wrong_marker_is_named(self):
        for arguments, words in (
            ("limit=1", "the marker tonio takes timeout=, not limit"),
            ("3", "the marker tonio takes timeout=, not 3"),
            ("timeout='x'", "timeout must be a number of seconds above 0, not 'x'"),
        ):
            text = f"""
                import pytest

                @pytest.mark.tonio({arguments})
                async def test_it():
                    pass
                """
            out = self.check(text, {}, code=4)
            self.assertIn(f"test_it.py::test_it: {words}", out)


class Discovery(PytestCase):
    TEST = """
        import pytest, tonio

        @pytest.mark.tonio
        async def test_it():
            await tonio.sleep(0)
        """

    def test_pytest_names_it(self):
        out = self.check(self.TEST, {"test_it": "passed"})
        self.assertRegex(out, r"plugins:.* tonio-\d+\.\d+")

    def test_it_can_be_left_out(self):
        out = self.check(self.TEST, {"test_it": unsupported()}, "-p", "no:tonio")
        self.assertNotRegex(out, "plugins:.*tonio")

    def test_without_automatic_loading(self):
        off = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self.check(self.TEST, {"test_it": unsupported()}, environment=off)
        self.check(self.TEST, {"test_it": "passed"}, "-p", "tonio", environment=off)

    def test_the_marker_is_registered(self):
        self.check(self.TEST, {"test_it": "passed"}, "--strict-markers", "--strict-config")

    def test_the_packages_metadata(self):
        self.assertEqual(importlib.metadata.version("tonio"), tonio.__version__)
        found = importlib.metadata.entry_points(group="pytest11", name="tonio")
        self.assertEqual([entry.value for entry in found], ["tonio.pytest._plugin"])
        # Nothing where somebody looks at a folder.
        self.assertEqual(list(importlib.metadata.distributions(name="tonio", path=["/"])), [])


main()
