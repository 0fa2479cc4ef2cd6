"""A million coroutines: `tonio run samples/million.py --notation await --threads 2`.

Prints how long it takes to create them, and to run them all.
"""

import argparse
import time

from tonio.colored import yield_now


def with_yield():
    yield
    return 3**2


async def with_await():
    await yield_now()
    return 3**2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notation", choices=("yield", "await"), default="yield")
    parser.add_argument("--count", type=int, default=1_000_000)
    args = parser.parse_args()
    coroutine = with_yield if args.notation == "yield" else with_await

    start = time.perf_counter()
    coros = [coroutine() for _ in range(args.count)]
    created = time.perf_counter()
    results = yield coros  # as `yield tonio.spawn(*coros)`
    executed = time.perf_counter()

    assert results == [9] * args.count
    print(f"creation:  {created - start:.3f} s")
    print(f"execution: {executed - created:.3f} s")
