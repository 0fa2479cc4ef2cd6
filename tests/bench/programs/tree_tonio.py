"""tree_tonio.py NOTATION THREADS BRANCHES LEAVES: tasks that each spawn tasks and add up what
they return.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored
from tonio.colored import yield_now

notation, threads, branches, leaves = sys.argv[1:]
branches, leaves = int(branches), int(leaves)


def leaf():
    yield
    return 1


def branch():
    return sum((yield tonio.spawn(*[leaf() for _ in range(leaves)])))


async def colored_leaf():
    await yield_now()
    return 1


async def colored_branch():
    return sum(await tonio.colored.spawn(*[colored_leaf() for _ in range(leaves)]))


def run_generators():
    with report.stopwatch() as execute:
        total = sum((yield tonio.spawn(*[branch() for _ in range(branches)])))
    assert total == branches * leaves
    report.execution(execute)


async def run_coroutines():
    with report.stopwatch() as execute:
        total = sum(await tonio.colored.spawn(*[colored_branch() for _ in range(branches)]))
    assert total == branches * leaves
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
