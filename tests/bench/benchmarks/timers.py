"""Timers: how late sleeps end, and what each costs in CPU, its task included.

In a row: what counts is the median of sleep(0.001) and of sleep(0.0002), 90 us at most; the
kernel's timer slack is 50 us of it. At once: 10,000 sleeps of 0.1 s end within 3 ms, and a
million that are all pending before the first ends take 2 us of CPU each.
"""

from benchmarks import switching
from harness.contest import Column

COLUMNS = [
    Column("cpu_us", "CPU us/sleep", digits=2, minimum=True),
    Column("late_p50_us", "late p50 us", digits=0),
    Column("late_p99_us", "p99", digits=0),
    Column("late_max_us", "max", digits=0),
]
NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    count, many = setting.sleeps, setting.pending
    works = [
        (f"timers: {count:,} times sleep(0.001), in a row", "row", count, 0.001),
        (f"timers: {count:,} times sleep(0.0002), in a row", "row", count, 0.0002),
        (f"timers: {count * 5:,} times sleep(0.1), at once", "once", count * 5, 0.1),
        # Long enough for the last one to begin before the first ends.
        (f"timers: {many:,} sleeps, all pending at once", "once", many, 0.1 + many * 6e-6),
    ]
    for title, *work in works:
        yield switching.contest(
            setting,
            title,
            "timers_tonio.py",
            [(notation, *work) for notation in NOTATIONS],
            asyncio=("timers_asyncio.py", *work),
            columns=COLUMNS,
            ratio="late_p50_us" if work[0] == "row" else "cpu_us",
        )
