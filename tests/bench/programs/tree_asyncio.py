"""tree_asyncio.py BRANCHES LEAVES: the same work for asyncio, as tree_tonio.py does it."""

import asyncio
import sys

import report

branches, leaves = map(int, sys.argv[1:])


async def leaf():
    await asyncio.sleep(0)
    return 1


async def branch():
    return sum(await asyncio.gather(*[leaf() for _ in range(leaves)]))


async def main():
    with report.stopwatch() as execute:
        total = sum(await asyncio.gather(*[branch() for _ in range(branches)]))
    assert total == branches * leaves
    report.execution(execute)


asyncio.run(main())
