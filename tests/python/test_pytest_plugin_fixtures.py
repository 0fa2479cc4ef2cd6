"""The pytest plugin: fixtures that run on the workers."""

from pytest_runs import PytestCase
from scenarios import main


class Fixtures(PytestCase):
    def test_every_kind(self):
        out = self.check(
            """
            import threading, pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio

            def on_worker():
                return threading.current_thread() is not threading.main_thread()

            @pytest.fixture
            async def returned():
                await tonio.sleep(0)
                return on_worker()

            @pytest.fixture
            async def yielded():
                await tonio.sleep(0)
                yield on_worker()
                await tonio.sleep(0)
                print("DOWN yielded", on_worker())

            @tonio.pytest.fixture
            def plain_returned(returned):
                yield tonio.sleep(0)
                return on_worker() and returned

            @tonio.pytest.fixture
            def plain_provided(yielded):
                yield tonio.sleep(0)
                yield tonio.pytest.provide(on_worker() and yielded)
                yield tonio.sleep(0)
                print("DOWN plain_provided", on_worker())

            @tonio.pytest.fixture()
            async def provided():
                await tonio.pytest.provide(on_worker())
                print("DOWN provided", on_worker())

            @pytest.fixture
            def ordinary(plain_provided):
                yield on_worker()
                print("DOWN ordinary", on_worker())

            async def test_await(returned, yielded, plain_returned, plain_provided, provided,
                                 ordinary):
                assert returned and yielded and plain_returned and plain_provided and provided
                assert not ordinary

            def test_yield(returned, yielded, plain_returned, plain_provided, provided,
                           ordinary):
                yield
                assert returned and yielded and plain_returned and plain_provided and provided
                assert not ordinary
            """,
            {"test_await": "passed", "test_yield": "passed"},
            "-s",
        )
        down = [line.split("DOWN ")[1] for line in out.splitlines() if "DOWN " in line]
        # The last first, as always.
        expected = ["ordinary False", "provided True", "plain_provided True", "yielded True"]
        self.assertEqual(sorted(down), sorted(expected * 2))
        for down in (down[:4], down[4:]):
            self.assertLess(down.index("ordinary False"), down.index("plain_provided True"))
            self.assertLess(down.index("plain_provided True"), down.index("yielded True"))

    def test_a_scope_stays_open_around_the_test(self):
        out = self.check(
            """
            import pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio

            async def serve(requests):
                try:
                    while True:
                        message, answer = await requests.receive()
                        answer.send(message.upper())
                finally:
                    print("SERVER ENDS")

            @pytest.fixture(scope="module")
            async def server():
                from tonio.colored.sync import channel
                sender, receiver = channel.unbounded()
                async with tonio.scope() as scope:
                    scope.spawn(serve(receiver))
                    yield sender
                    scope.cancel()

            @tonio.pytest.fixture(scope="module")
            def plain_server():
                from tonio.sync import channel
                sender, receiver = channel.unbounded()
                with tonio.scope() as scope:
                    scope.spawn(serve(receiver))
                    yield tonio.pytest.provide(sender)
                    scope.cancel()
                yield scope()

            @pytest.mark.parametrize("word", ["one", "two"])
            async def test_server(server, plain_server, word):
                from tonio.colored.sync import channel
                for requests in (server, plain_server):
                    answer, answered = channel.unbounded()
                    requests.send((word, answer))
                    assert await answered.receive() == word.upper()
            """,
            {"test_server[one]": "passed", "test_server[two]": "passed"},
            "-s",
        )
        self.assertEqual(out.count("SERVER ENDS"), 2)

    def test_scopes(self):
        out = self.check(
            """
            import itertools, pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio
            numbers = itertools.count()

            def make(name, scope):
                @tonio.pytest.fixture(scope=scope, name=name)
                def counted():
                    yield tonio.pytest.provide(next(numbers))
                    yield tonio.sleep(0)
                    print("DOWN", name)
                return counted

            fixtures = [make(scope + "_fixture", scope)
                        for scope in ("session", "module", "class", "function")]
            for scope, one in zip(("s", "m", "c", "f"), fixtures):
                globals()[scope] = one

            seen = []

            class TestFirst:
                async def test_a(self, session_fixture, module_fixture, class_fixture,
                                 function_fixture):
                    seen.append((session_fixture, module_fixture, class_fixture,
                                 function_fixture))

                def test_b(self, session_fixture, module_fixture, class_fixture,
                           function_fixture):
                    yield
                    seen.append((session_fixture, module_fixture, class_fixture,
                                 function_fixture))

            class TestSecond:
                # Not run by tonio, with the same fixtures.
                def test_c(self, session_fixture, module_fixture, class_fixture,
                           function_fixture):
                    seen.append((session_fixture, module_fixture, class_fixture,
                                 function_fixture))
                    assert seen == [(0, 1, 2, 3), (0, 1, 2, 4), (0, 1, 5, 6)]
            """,
            {"test_a": "passed", "test_b": "passed", "test_c": "passed"},
            "-s",
        )
        down = [line.split()[-1] for line in out.splitlines() if "DOWN" in line]
        self.assertEqual(
            down,
            ["function_fixture"] * 2 + ["class_fixture", "function_fixture", "class_fixture",
             "module_fixture", "session_fixture"],
        )

    def test_methods_and_parameters(self):
        self.check(
            """
            import pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio

            @pytest.fixture(params=[1, 2])
            async def number(request):
                await tonio.sleep(0)
                yield request.param

            class TestIt:
                @pytest.fixture(autouse=True)
                async def prepared(self):
                    self.by_async = True

                @tonio.pytest.fixture(autouse=True)
                def prepared_too(self):
                    yield
                    self.by_generator = True

                def test_it(self, number):
                    yield
                    assert self.by_async and self.by_generator and number in (1, 2)
            """,
            {"test_it[1]": "passed", "test_it[2]": "passed"},
        )

    def test_context_variables(self):
        self.check(
            """
            import contextvars, pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio
            user = contextvars.ContextVar("user", default="nobody")
            place = contextvars.ContextVar("place", default="nowhere")

            @pytest.fixture
            async def logged_in():
                user.set("alice")
                yield
                assert user.get() == "alice"

            @tonio.pytest.fixture
            def at_home(logged_in):
                place.set(user.get() + "'s home")
                yield

            @pytest.fixture
            def renamed(logged_in):
                token = user.set("bob")
                yield
                user.reset(token)

            async def test_all(at_home, renamed):
                assert (user.get(), place.get()) == ("bob", "alice's home")
                user.set("a test's own")
                assert await tonio.spawn(reads()) == "a test's own"

            async def reads():
                return user.get()

            def test_none():
                yield
                assert (user.get(), place.get()) == ("nobody", "nowhere")
            """,
            {"test_all": "passed", "test_none": "passed"},
        )


class Failures(PytestCase):
    def test_in_set_up_and_tear_down(self):
        out = self.check(
            """
            import pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio

            @pytest.fixture
            async def never_up():
                await tonio.sleep(0)
                raise KeyError("set-up")
                yield

            @tonio.pytest.fixture
            def never_up_plain():
                yield tonio.sleep(0)
                raise KeyError("set-up")

            @pytest.fixture
            async def not_down():
                yield
                raise KeyError("tear-down")

            @tonio.pytest.fixture
            def not_down_plain():
                yield tonio.pytest.provide(1)
                raise KeyError("tear-down")

            def test_up(never_up): yield
            def test_up_plain(never_up_plain): yield
            def test_down(not_down): yield
            def test_down_plain(not_down_plain): yield
            """,
            {"test_up": "error", "test_up_plain": "error", "test_down": "error",
             "test_down_plain": "error"},
        )
        self.assertEqual(out.count("E       KeyError: 'set-up'"), 2)
        self.assertEqual(out.count("E       KeyError: 'tear-down'"), 2)
        self.assertIn("ERROR at teardown of test_down_plain", out)
        self.assertNotIn("<tonio>", out)

    def test_a_fixture_that_dies_meanwhile(self):
        self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            @pytest.fixture
            async def dying():
                async def dies():
                    raise KeyError("child")

                async with tonio.scope() as scope:
                    scope.spawn(dies())
                    yield
                    await tonio.Event().wait()

            def test_it(dying):
                yield
            """,
            {"test_it": "error"},
        )

    def test_mistakes_are_named(self):
        out = self.check(
            """
            import pytest, tonio, tonio.pytest
            pytestmark = pytest.mark.tonio

            @pytest.fixture
            async def nothing():
                if False:
                    yield

            @pytest.fixture
            async def twice():
                yield 1
                yield 2

            @tonio.pytest.fixture
            def provides_twice():
                yield tonio.pytest.provide(1)
                yield tonio.pytest.provide(2)

            @tonio.pytest.fixture
            def yields():
                yield 5

            def test_nothing(nothing): yield
            def test_twice(twice): yield
            def test_provides_twice(provides_twice): yield
            def test_yields(yields): yield
            async def test_provides(): await tonio.pytest.provide(1)

            def test_decorator():
                with pytest.raises(TypeError, match="for others there is @pytest.fixture"):
                    tonio.pytest.fixture(lambda: 1)
            """,
            {"test_nothing": "error", "test_twice": "error", "test_provides_twice": "error",
             "test_yields": "error", "test_provides": "failure", "test_decorator": "passed"},
        )
        for words in (
            "the fixture nothing yields no value",
            "the fixture twice yields more than one value",
            "the fixture provides_twice provides more than one value",
            "a fixture gives its value with `yield tonio.pytest.provide(value)`",
            "tonio.pytest.provide() is for fixtures",
        ):
            self.assertIn(words, out)

    def test_tear_down_after_a_failure(self):
        out = self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            @pytest.fixture(scope="session")
            async def session():
                yield
                await tonio.sleep(0)
                print("DOWN session")

            @pytest.fixture
            async def function(session):
                yield
                await tonio.sleep(0)
                print("DOWN function")

            async def test_stuck(function):
                await tonio.Event().wait()

            async def test_not_reached(function):
                pass
            """,
            {"test_stuck": "failure"},
            "-s",
            "-x",
        )
        self.assertIn("tonio.exceptions.Deadlock", out)
        self.assertRegex(out, r"(?s)DOWN function.*DOWN session")


main()
