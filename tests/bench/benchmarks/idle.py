"""Idle: a process that waits, with two workers: its memory, and whether it really sleeps.

What counts is that no thread wakes (0 a second; strace then shows one silent epoll_wait and
waits for futexes), and RSS x python, 1.3 at most.
"""

import contextlib
import subprocess
import time
from pathlib import Path

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import ProgramFailed, environment

WORKS = {"sleep": "a sleep", "serve": "a listener"}
SETTLE_S, WATCH_S = 1.0, 3.0


def repeats(setting):
    return setting.repeat


def contests(setting):
    yield Contest(
        f"idle: watched for {WATCH_S:g} s",
        [
            contestant
            for work, name in WORKS.items()
            for contestant in (
                Contestant(f"python, {name}", idle(setting.python.program("idle_python.py", work))),
                Contestant(
                    f"tonio, {name}",
                    idle(setting.tonio_program("idle_tonio.py", 2, work)),
                    {"python": f"python, {name}"},
                    setting.tonio_missing,
                ),
            )
        ],
        [
            Column("rss_kb", "RSS MiB", scale=1 / 1024),
            Column("wakes_per_s", "wakes/s", digits=2),
            Column("cpu_ms_per_s", "CPU ms/s", digits=2),
        ],
        [RatioColumn("RSS x python", "python", "rss_kb")],
    )


def idle(argv):
    def measure():
        try:
            process = subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            raise ProgramFailed(error) from None
        with process, contextlib.ExitStack() as undo:
            undo.callback(process.kill)
            if process.stdout.readline() != b"idle\n":
                raise ProgramFailed("it didn't say `idle`")
            time.sleep(SETTLE_S)
            before = activity(process.pid)
            time.sleep(WATCH_S)
            wakes, ticks = (after - then for after, then in zip(activity(process.pid), before))
            return {
                "rss_kb": fields(Path(f"/proc/{process.pid}/status"))["VmRSS"],
                "wakes_per_s": wakes / WATCH_S,
                "cpu_ms_per_s": ticks / 1e6 / WATCH_S,
            }

    return measure


def activity(pid):
    """Of all threads: how often they were switched to, and nanoseconds of CPU."""
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    switches = sum(
        fields(thread / "status")[f"{kind}_ctxt_switches"] for thread in threads for kind in ("voluntary", "nonvoluntary")
    )
    return switches, sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def fields(path):
    """The numbers of a file of lines like `name: number unit`."""
    pairs = (line.split(":", 1) for line in path.read_text().splitlines())
    return {name: int(text.split()[0]) for name, text in pairs if text.split() and text.split()[0].isdigit()}
