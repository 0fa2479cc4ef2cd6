"""An asyncio program's server and a tonio client, in both directions of the bridge.

A tonio task runs an asyncio coroutine, which starts asyncio's own echo server and, from there,
a tonio coroutine that computes on the workers. Nothing of asyncio is replaced: its loop runs on
a thread of its own.
"""

import asyncio

import tonio


def count_primes(limit):
    """tonio code, the `yield` notation: on the workers, in four parts at the same time."""

    def part(numbers):
        yield
        return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in numbers if n > 1)

    counts = yield [part(range(first, limit, 4)) for first in range(4)]
    return sum(counts)


async def answer(reader, writer):
    """asyncio code: a line with a number is answered with what tonio makes of it."""
    while line := await reader.readline():
        primes = await tonio.to_asyncio(count_primes(int(line)))
        writer.write(b"%d primes below %d\n" % (primes, int(line)))
        await writer.drain()
    writer.close()


async def serve_and_ask(numbers):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answers = []
        for number in numbers:
            writer.write(b"%d\n" % number)
            answers.append((await reader.readline()).decode().rstrip())
        writer.close()
        await writer.wait_closed()
    return answers


def main():
    for line in (yield tonio.from_asyncio(serve_and_ask([10, 100, 1000]))):
        print(line)
    # A limit of tonio's ends asyncio's coroutine as well.
    _, in_time = yield tonio.time.timeout(tonio.from_asyncio(asyncio.sleep(60)), 0.1)
    print("in time" if in_time else "cancelled")
