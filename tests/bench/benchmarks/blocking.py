"""The blocking pool's round trip: calls of an empty function, one after the other.

What counts is x asyncio, whose run_in_executor does the same: 0.6 at most.
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    yield switching.contest(
        setting,
        f"blocking: {setting.calls:,} calls",
        "blocking_tonio.py",
        [(notation, setting.calls) for notation in NOTATIONS],
        asyncio=("blocking_asyncio.py", setting.calls),
    )
