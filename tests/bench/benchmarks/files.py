"""Files through tonio.fs beside a plain ThreadPoolExecutor that does the same.

`small`: 10,000 files of 4 KiB at once. What counts is x executor with two workers: 1 at most.
`large`: one file of 64 MiB in pieces of 1 MiB, one after the other.
"""

from benchmarks import switching

NOTATIONS = ("yield", "await")


def repeats(setting):
    return setting.repeat


def contests(setting):
    for work, title in (("small", f"{setting.files:,} of 4 KiB"), ("large", "one of 64 MiB")):
        yield switching.contest(
            setting,
            f"files: {title}",
            "files_tonio.py",
            [(notation, work, setting.files) for notation in NOTATIONS],
            asyncio=("files_executor.py", work, setting.files),
            peer="executor",
        )
