"""Tree: 1,000 tasks that each spawn 1,000, which suspend once, and add up their results.

The tasks are independent, so a second worker takes half of them: x 1 thread, 0.63 at most.
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    shape = setting.tree, setting.tree
    yield switching.contest(
        setting,
        f"tree: {setting.tree:,} tasks that spawn {setting.tree:,} each",
        "tree_tonio.py",
        [(notation, *shape) for notation in NOTATIONS],
        asyncio=("tree_asyncio.py", *shape),
    )
