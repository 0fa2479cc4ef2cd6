"""million_floor.py EXTENSION_DIR NOTATION ORDER COUNT: the floor (native/floor.c)."""

import sys

import report

extension_dir, notation, order, count = sys.argv[1:]
sys.path.insert(0, extension_dir)
import tonio_bench_floor as floor  # noqa: E402
from tonio_bench_floor import suspend  # noqa: E402


def generator():
    yield
    return 3**2


async def coroutine():
    await suspend()
    return 3**2


work = {"yield": generator, "await": coroutine}[notation]
with report.stopwatch() as create:
    coros = [work() for _ in range(int(count))]
report.million(create.seconds, *getattr(floor, order)(coros))
