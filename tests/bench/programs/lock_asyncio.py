"""lock_asyncio.py BODY COUNT: the same work for asyncio, as lock_tonio.py does it."""

import asyncio
import sys

import report

body, count = sys.argv[1:]
count = int(count)


async def acquire_pass(lock):
    for _ in range(count):
        async with lock:
            pass


async def acquire_yield(lock):
    for _ in range(count):
        async with lock:
            await asyncio.sleep(0)


async def main():
    lock = asyncio.Lock()
    work = {"pass": acquire_pass, "yield": acquire_yield}[body]
    with report.stopwatch() as execute:
        await asyncio.gather(*[work(lock) for _ in range(10)])
    report.execution(execute)


asyncio.run(main())
