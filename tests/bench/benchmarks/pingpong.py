"""Ping-pong: two tasks that wake each other through two events, 200,000 switches.

One pair: a second worker can't help, and must not pull the two apart (x 1 thread: 1.25 at
most). 16 pairs, which share the switches, are independent of each other: a second worker
takes half of them (x 1 thread: 0.63 at most).
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")
PAIRS = (1, 16)


def repeats(setting):
    return setting.repeat


def contests(setting):
    for pairs in PAIRS:
        yield switching.contest(
            setting,
            f"ping-pong: {setting.switches:,} switches, {pairs} pair{'s' * (pairs > 1)}",
            "pingpong_tonio.py",
            [(notation, setting.switches, pairs) for notation in NOTATIONS],
            asyncio=("pingpong_asyncio.py", setting.switches, pairs),
        )
