"""Channel: 200,000 messages from one task to another, 128 of them at most on the way."""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    yield switching.contest(
        setting,
        f"channel(128): {setting.messages:,} messages",
        "channel_tonio.py",
        [(notation, setting.messages) for notation in NOTATIONS],
        asyncio=("channel_asyncio.py", setting.messages),
    )
