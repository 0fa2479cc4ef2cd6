"""timers_asyncio.py WORK COUNT SECONDS: the same work for asyncio, as timers_tonio.py does it."""

import asyncio
import sys
import time

import report

work, count, seconds = sys.argv[1:]
count, seconds = int(count), float(seconds)


async def coroutine(late):
    start = time.perf_counter()
    await asyncio.sleep(seconds)
    late.append(time.perf_counter() - start - seconds)


async def main():
    late = []
    with report.stopwatch() as execute:
        if work == "row":
            for _ in range(count):
                await coroutine(late)
        else:
            await asyncio.gather(*[coroutine(late) for _ in range(count)])
    report.lateness(execute, late)


asyncio.run(main())
