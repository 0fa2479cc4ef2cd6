"""Lock contention: 10 tasks that each acquire one lock 20,000 times.

`pass`: the block does nothing, so only tasks on other workers ever find the lock taken.
`yield`: the block gives way, so everybody always does. More workers can't be faster;
what counts is that they are hardly slower: x 1 thread, 1.5 at most.
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")
BODIES = ("pass", "yield")


def repeats(setting):
    return setting.repeat


def contests(setting):
    for body in BODIES:
        arguments = [(notation, body, setting.acquisitions) for notation in NOTATIONS]
        yield switching.contest(
            setting,
            f"lock: 10 tasks x {setting.acquisitions:,} acquisitions, {body}",
            "lock_tonio.py",
            arguments,
            asyncio=("lock_asyncio.py", body, setting.acquisitions),
        )
