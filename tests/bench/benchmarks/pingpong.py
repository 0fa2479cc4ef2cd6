"""Ping-pong: two tasks that wake each other through two events, 200,000 switches.

What counts is that a second worker does not pull the two apart: x 1 thread, 1.5 at most.
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    yield switching.contest(
        setting,
        f"ping-pong: {setting.switches:,} switches",
        "pingpong_tonio.py",
        [(notation, setting.switches) for notation in NOTATIONS],
        asyncio=("pingpong_asyncio.py", setting.switches),
    )
