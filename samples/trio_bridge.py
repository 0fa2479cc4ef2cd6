"""trio inside of tonio, and tonio inside of that. trio comes from the environment.

A tonio task runs a trio coroutine, which opens a nursery whose tasks call tonio coroutines and
hand the results to each other over a memory channel of trio's.
"""

import sys

import tonio

try:
    import trio
except ImportError:
    sys.exit("trio_bridge.py: this environment has no trio: install it, or choose one with --venv")


def square(number):
    """tonio code, the `yield` notation."""
    yield tonio.sleep(0.01)
    return number * number


async def squares(numbers):
    """trio code."""
    sender, receiver = trio.open_memory_channel(0)

    async def send_square(number, sender):
        async with sender:
            await sender.send(await tonio.to_trio(square(number)))

    async with trio.open_nursery() as nursery:
        async with sender:
            for number in numbers:
                nursery.start_soon(send_square, number, sender.clone())
        return sorted([value async for value in receiver])


def main():
    print((yield tonio.from_trio(squares(range(5)))))
    # A limit of tonio's ends trio's coroutine as well.
    _, in_time = yield tonio.time.timeout(tonio.from_trio(trio.sleep_forever()), 0.1)
    print("in time" if in_time else "cancelled")
