"""The clock on the wall jumps, by a year forth and back at each look at it: no timer, time limit,
interval or pool of threads notices, because they go by the monotonic clock."""

import unittest

from preload import Preload, needs_compiler
from programs import run_program
from scenarios import main

# What reads the wall clock gives the true time, a year more, a year less, in turn.
SOURCE = """
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static atomic_uint looks;

static time_t jump(void) { return ((time_t)(atomic_fetch_add(&looks, 1) % 3) - 1) * 31536000; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, now);
  if (!failed && clock == CLOCK_REALTIME) now->tv_sec += jump();
  return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
  static int (*real)(struct timeval *, void *);
  if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
  int failed = real(now, zone);
  if (!failed) now->tv_sec += jump();
  return failed;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
"""

PROGRAM = """
    import pathlib
    import time
    import tonio
    from tonio import sync
    from tonio.time import interval, timeout

    HOUR = 3600

    def blocking_threads():
        try:
            threads = [task.read_text() for task in pathlib.Path("/proc/self/task").glob("*/comm")]
        except (FileNotFoundError, ProcessLookupError):  # one that has just ended
            return True
        return "tonio-blocking\\n" in threads

    def times(name, coroutine, seconds):
        begun = time.monotonic()
        result = yield coroutine
        passed = time.monotonic() - begun
        # No sooner; later only as far as the machine is busy.
        return name if seconds <= passed < seconds + 20 else f"{name} took {passed} s"

    def ticks():
        ticking = interval(0.02)
        for _ in range(6):
            yield ticking.tick()

    def blocks():
        yield tonio.spawn_blocking(time.sleep, 0.1)

    def scoped():
        with tonio.scope(timeout=0.1) as scope:
            scope.spawn(tonio.sleep(HOUR))
        yield scope()

    def main():
        looks = {time.time() // (HOUR * 24 * 30) for _ in range(9)}
        print(len(looks))  # that it does jump
        event = tonio.Event()
        names = yield [
            times("sleep", tonio.sleep(0.1), 0.1),
            times("many", [tonio.sleep(0.001 * n) for n in range(100)], 0.099),
            times("event", event.wait(0.1), 0.1),
            times("timeout", timeout(tonio.sleep(HOUR), 0.1), 0.1),
            times("scope", scoped(), 0.1),
            times("interval", ticks(), 0.1),
            times("blocking", blocks(), 0.1),
        ]
        print(*names)
        # An idle thread of the pool ends by the monotonic clock, too; another one comes.
        while blocking_threads():
            yield
        print((yield tonio.spawn_blocking(len, "four")))
"""


@needs_compiler
class WallClock(unittest.TestCase):
    def test_jumps_change_nothing(self):
        preload = Preload(SOURCE)
        for threads in ("1", "2", "8"):
            done = run_program(
                PROGRAM, "--threads", threads, "--blocking-ttl", "0.05", environment=preload.environment
            )
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertEqual(
                done.out, "3\nsleep many event timeout scope interval blocking\n4\n"
            )


if __name__ == "__main__":
    main()
