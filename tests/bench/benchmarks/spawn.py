"""Spawn: one task after the other is spawned and waited for, 100,000 times."""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    yield switching.contest(
        setting,
        f"spawn: {setting.spawns:,} tasks, each awaited before the next",
        "spawn_tonio.py",
        [(notation, setting.spawns) for notation in NOTATIONS],
        asyncio=("spawn_asyncio.py", setting.spawns),
    )
