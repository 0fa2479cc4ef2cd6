"""channel_asyncio.py MESSAGES: the same work for asyncio, as channel_tonio.py does it."""

import asyncio
import sys

import report

messages = int(sys.argv[1])


async def send_all(queue):
    for number in range(messages):
        await queue.put(number)


async def receive_all(queue):
    total = 0
    for _ in range(messages):
        total += await queue.get()
    assert total == messages * (messages - 1) // 2


async def main():
    queue = asyncio.Queue(128)
    with report.stopwatch() as execute:
        await asyncio.gather(send_all(queue), receive_all(queue))
    report.execution(execute)


asyncio.run(main())
