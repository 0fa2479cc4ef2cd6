"""The pytest plugin: the clock that stands still. Each run also shows that no test has waited
for real time: it sleeps for hours."""

from pytest_runs import PytestCase
from scenarios import main


class Clock(PytestCase):
    def each(self, text, expected):
        """With one worker and with several."""
        outs = []
        for threads in (1, 2, 4):
            files = {"pytest.ini": f"[pytest]\ntonio_threads = {threads}\n", "test_it.py": text}
            outs.append(self.check(files, expected))
        return outs[-1]

    def test_advance_goes_from_deadline_to_deadline(self):
        self.each(
            """
            import pytest, tonio, tonio.colored, tonio.time
            pytestmark = pytest.mark.tonio

            async def naps(clock, seconds, seen):
                while True:
                    await tonio.sleep(seconds)
                    # A few steps, on whatever worker.
                    await tonio.spawn(*(tonio.colored.yield_now() for _ in range(5)))
                    seen.append((clock.time(), seconds))

            async def test_await(tonio_clock):
                seen = []
                async with tonio.colored.scope() as scope:
                    scope.spawn(naps(tonio_clock, 3600, seen))
                    scope.spawn(naps(tonio_clock, 5000, seen))
                    await tonio_clock.advance(10_800)
                    assert seen == [(3600, 3600), (5000, 5000), (7200, 3600), (10_000, 5000),
                                    (10_800, 3600)]
                    assert tonio_clock.time() == 10_800
                    await tonio_clock.advance(0)
                    await tonio_clock.advance(3599)
                    assert len(seen) == 5
                    await tonio_clock.advance(1)
                    assert len(seen) == 6
                    scope.cancel()

            def test_yield(tonio_clock):
                seen = []
                with tonio.scope() as scope:
                    scope.spawn(naps(tonio_clock, 3600, seen))
                    yield tonio_clock.advance(7200)
                    scope.cancel()
                yield scope()
                assert seen == [(3600, 3600), (7200, 3600)]

            def test_plain(tonio_clock, tonio_runtime):
                seen = []
                tonio_runtime.run_until_complete(begin(tonio_clock, seen))
                tonio_runtime.run_until_complete(tonio_clock.advance(3600))
                assert seen == [(3600, 3600)]

            async def begin(clock, seen):
                tonio.spawn.without_tracking(naps(clock, 3600, seen))
            """,
            {"test_await": "passed", "test_yield": "passed", "test_plain": "passed"},
        )

    def test_whatever_has_a_deadline_follows_it(self):
        self.each(
            """
            import os, pytest, tonio, tonio.colored, tonio.io, tonio.time
            pytestmark = pytest.mark.tonio

            async def waits_at_event():
                await tonio.Event().wait(10)

            async def times_out():
                assert await tonio.time.timeout(tonio.Event().wait(), 10) == (None, False)

            async def in_scope():
                async with tonio.colored.scope(timeout=10):
                    await tonio.Event().wait()

            async def ticks():
                interval = tonio.time.interval(2.5)
                for _ in range(5):
                    await interval.tick()

            async def waits_for_data():
                read, write = os.pipe()
                registration = tonio.io.register(read)
                assert not await registration.arm_r(10)
                registration.close()
                os.close(read)
                os.close(write)

            @pytest.mark.parametrize(
                "wait", [waits_at_event, times_out, in_scope, ticks, waits_for_data])
            async def test_it(tonio_clock, wait):
                start = tonio.time.time()
                ended = []

                async def to_its_end():
                    await wait()
                    ended.append(tonio.time.time() - start)

                task = tonio.spawn(to_its_end())
                await tonio_clock.advance(9.999)
                assert not ended
                await tonio_clock.advance(0.001)
                assert ended == [pytest.approx(10)]
                await task
            """,
            {f"test_it[{wait}]": "passed"
             for wait in ("waits_at_event", "times_out", "in_scope", "ticks", "waits_for_data")},
        )

    def test_it_goes_on_afterwards(self):
        self.each(
            """
            import pytest, time, tonio, tonio.time
            pytestmark = pytest.mark.tonio
            times = []

            @pytest.fixture(scope="module")
            async def waits_long():
                # Begins before the clock stands still, and ends when it goes on.
                async with tonio.scope() as scope:
                    scope.spawn(tonio.sleep(0.05))
                    yield

            async def test_frozen(waits_long, tonio_clock):
                times.append(tonio.time.time())
                await tonio_clock.advance(1_000_000)
                times.append(tonio.time.time())

            async def test_real(waits_long):
                times.append(tonio.time.time())
                begun = time.monotonic()
                await tonio.sleep(0.02)
                assert time.monotonic() - begun >= 0.02
                times.append(tonio.time.time())
                assert times == sorted(times)
                assert times[3] - times[2] >= 0.02
                assert times[1] - times[0] == pytest.approx(1_000_000)
                assert times[2] - times[1] < 3600
            """,
            {"test_frozen": "passed", "test_real": "passed"},
        )

    def test_nothing_moves_by_itself(self):
        out = self.each(
            """
            import pytest, tonio

            @pytest.mark.tonio
            async def test_it(tonio_clock):
                await tonio.sleep(0.001)
            """,
            {"test_it": "failure"},
        )
        self.assertIn("no timer that runs (the clock stands still)", out)

    def test_what_ends_a_test_is_not_held_up(self):
        self.each(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio
            ended = []

            @pytest.fixture
            async def slow(tonio_clock):
                yield
                await tonio.sleep(3600)
                ended.append("fixture")

            async def lingers():
                try:
                    await tonio.Event().wait()
                finally:
                    await tonio.sleep(3600)
                    ended.append("task")

            @pytest.mark.filterwarnings("ignore::tonio.pytest.LeftoverTaskWarning")
            async def test_it(slow):
                tonio.spawn.without_tracking(lingers())

            async def test_ended():
                assert ended == ["task", "fixture"]
            """,
            {"test_it": "passed", "test_ended": "passed"},
        )

    def test_mistakes_are_named(self):
        self.check(
            """
            import pytest, tonio
            pytestmark = pytest.mark.tonio

            async def test_advance(tonio_clock):
                for wrong, error in ((-1, ValueError), (float("nan"), ValueError),
                                     (float("inf"), ValueError), ("1", TypeError),
                                     (None, TypeError), (True, TypeError)):
                    with pytest.raises(error, match="Clock.advance.*seconds must be"):
                        await tonio_clock.advance(wrong)
                with pytest.raises(ValueError, match="Clock.autojump must be"):
                    tonio_clock.autojump = -1
                assert tonio_clock.autojump is None and tonio_clock.time() == 0

            async def test_two_at_once(tonio_clock):
                with pytest.raises(ExceptionGroup) as raised:
                    await tonio.spawn(tonio_clock.advance(1), tonio_clock.advance(1))
                assert "under way in another task" in str(raised.value.exceptions[0])
                await tonio_clock.advance(1)
            """,
            {"test_advance": "passed", "test_two_at_once": "passed"},
        )


class Autojump(PytestCase):
    each = Clock.each

    def test_sleepers_wake_in_order_and_at_once(self):
        self.each(
            """
            import pytest, time, tonio, tonio.time
            pytestmark = pytest.mark.tonio

            @pytest.mark.parametrize("round", range(20))
            async def test_it(tonio_autojump_clock, round):
                clock, seen = tonio_autojump_clock, []
                begun = time.monotonic()

                async def naps(seconds):
                    for _ in range(10):
                        await tonio.sleep(seconds)
                        seen.append((clock.time(), seconds))

                await tonio.spawn(*(naps(hour * 3600) for hour in (3, 5, 7)))
                assert clock.time() == 70 * 3600
                assert sorted(seen) == sorted(
                    (n * h * 3600, h * 3600) for h in (3, 5, 7) for n in range(1, 11))
                assert [at for at, _ in seen] == sorted(at for at, _ in seen)
                assert time.monotonic() - begun < 60
            """,
            {f"test_it[{round}]": "passed" for round in range(20)},
        )

    def test_calls_of_the_pool_and_sockets_come_first(self):
        self.each(
            """
            import pytest, threading, tonio, tonio.net.socket, tonio.time
            pytestmark = pytest.mark.tonio

            async def test_pool(tonio_autojump_clock):
                gate = threading.Event()

                def blocks():
                    # The clock stands still while it does.
                    return gate.wait(0.05), tonio_autojump_clock.time()

                call = tonio.spawn_blocking(blocks)
                assert await tonio.time.timeout(call, 3600) == ((False, 0), True)
                await tonio.sleep(1)
                assert tonio_autojump_clock.time() == 1

            async def test_socket(tonio_autojump_clock):
                one, other = tonio.net.socket.socketpair()
                with one, other:
                    async def echoes():
                        while data := await other.recv(100):
                            await other.sendall(data)

                    task = tonio.spawn(echoes())
                    for number in range(100):
                        await one.sendall(b"%d" % number)
                        answer = await tonio.time.timeout(one.recv(100), 1)
                        assert answer == (b"%d" % number, True)
                    one.shutdown(1)
                    await task
                assert tonio_autojump_clock.time() == 0
            """,
            {"test_pool": "passed", "test_socket": "passed"},
        )

    def test_a_pause_leaves_time_for_what_is_outside(self):
        self.each(
            """
            import pytest, tonio, tonio.time

            @pytest.mark.tonio
            async def test_it(tonio_clock):
                tonio_clock.autojump = 30
                done = await tonio.time.timeout(tonio.run_process(["sleep", "0.05"]), 3600)
                assert done[1] and tonio_clock.time() == 0
                tonio_clock.autojump = 0.001
                await tonio.sleep(3600)
                assert tonio_clock.time() == 3600
                tonio_clock.autojump = None
                # From here on only by hand.
                task = tonio.spawn(tonio.sleep(1))
                await tonio_clock.settle()
                assert tonio_clock.time() == 3600
                await tonio_clock.advance(1)
                await task
            """,
            {"test_it": "passed"},
        )

    def test_only_while_something_is_waited_for(self):
        self.each(
            """
            import pytest, time, tonio

            @pytest.fixture(scope="session")
            async def ticker():
                ticks = []

                async def tick():
                    while True:
                        await tonio.sleep(1)
                        ticks.append(1)

                async with tonio.scope() as scope:
                    scope.spawn(tick())
                    yield ticks
                    scope.cancel()

            @pytest.fixture
            def between(ticker, tonio_autojump_clock):
                # No coroutine of a test or fixture runs meanwhile.
                before = len(ticker)
                time.sleep(0.05)
                assert len(ticker) == before

            @pytest.mark.tonio
            async def test_it(between, ticker, tonio_clock):
                await tonio.sleep(10.5)
                assert len(ticker) in (10, 11)
            """,
            {"test_it": "passed"},
        )


main()
