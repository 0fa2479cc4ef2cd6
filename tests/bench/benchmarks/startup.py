"""Start-up: a whole process, from its creation to its end."""

import os
import time

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import ProgramFailed, environment
from harness.setting import PROGRAMS, ROOT

BARE = "python, empty script"


def contests(setting):
    contestants = [
        Contestant(BARE, process(setting.python.program("empty.py"))),
        ours(setting, "tonio run samples/hello.py", ROOT / "samples" / "hello.py"),
        ours(setting, "tonio run, empty script", PROGRAMS / "empty.py"),
    ]
    yield Contest(
        "start-up: one whole process",
        contestants,
        [
            Column("wall_s", "wall ms", scale=1e3, minimum=True),
            Column("cpu_s", "CPU ms", scale=1e3),
        ],
        [
            RatioColumn("x python", "python", "wall_s"),
            RatioColumn("CPU x python", "python", "cpu_s"),
        ],
    )


def repeats(setting):
    """A process is short: many repetitions cost little and steady the median."""
    return setting.starts


def ours(setting, name, script):
    return Contestant(name, process([str(setting.tonio), "run", str(script)]), {"python": BARE}, setting.tonio_missing)


def process(argv):
    def measure():
        null = os.open(os.devnull, os.O_RDWR)
        streams = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        try:
            start = time.perf_counter()
            try:
                pid = os.posix_spawn(argv[0], argv, environment(), file_actions=streams)
            except OSError as error:
                raise ProgramFailed(error) from None
            _, status, usage = os.wait4(pid, 0)
            wall = time.perf_counter() - start
        finally:
            os.close(null)
        if status:
            raise ProgramFailed(f"exit code {os.waitstatus_to_exitcode(status)}")
        return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime}

    return measure
