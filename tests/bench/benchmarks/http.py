"""HTTP/1.1 with keep-alive: samples/http_hello.py under wrk, 64 connections, one worker.

Both servers read requests and write responses with samples/http_messages.py, so what differs
is what carries them. wrk has a core for itself; CPU per request is the server's own clock
around the measured run, which follows a warm-up, divided by the requests that wrk counted.
"""

import re
import shutil
import subprocess
import time

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import ProgramFailed, Server, pinned
from harness.setting import ROOT

PROTOCOL = "asyncio Protocol"
CONNECTIONS = 64
WARM_UP_S = 1  # wrk takes whole seconds
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


def repeats(setting):
    return setting.repeat


def contests(setting):
    missing = None if shutil.which("wrk") else "wrk is not installed (Debian's package wrk)"
    yield Contest(
        f"http: http_hello, {CONNECTIONS} connections, keep-alive",
        list(contestants(setting, missing)),
        [
            Column("requests_per_s", "req/s", digits=0),
            Column("server_cpu_us", "CPU us/req", digits=2, minimum=True),
            Column("p50_us", "p50 us", digits=0),
            Column("p99_us", "p99 us", digits=0),
        ],
        [
            RatioColumn("req/s x Protocol", "Protocol", "requests_per_s"),
            RatioColumn("CPU x Protocol", "Protocol", "server_cpu_us"),
        ],
    )


def contestants(setting, missing):
    sample = [str(setting.tonio), "run", "--threads", "1", str(ROOT / "samples/http_hello.py"), "--", "--port", "0"]
    yield Contestant(
        "tonio, 1t", loaded(setting, sample), {"Protocol": PROTOCOL}, setting.tonio_missing or missing
    )
    yield Contestant(PROTOCOL, loaded(setting, setting.python.program("http_asyncio.py")), missing=missing)


def loaded(setting, argv):
    def measure():
        server_cpus, client_cpus, _ = setting.cpus
        with Server(argv, cpus=server_cpus) as server:
            address = f"http://{server.host}:{server.port}/"
            wrk(address, WARM_UP_S, client_cpus)
            before = cpu_seconds(server.pid)
            found = wrk(address, max(1, round(setting.seconds)), client_cpus)
            cpu = cpu_seconds(server.pid) - before
        return found | {"server_cpu_us": cpu * 1e6 / found.pop("requests")}

    return measure


def wrk(address, seconds, cpus):
    argv = ["wrk", "--latency", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", address]
    try:
        done = subprocess.run(
            argv, preexec_fn=pinned(cpus), capture_output=True, text=True, timeout=60 + seconds, check=True
        )
    except (OSError, subprocess.SubprocessError) as failure:
        raise ProgramFailed(failure) from None
    if trouble := re.search(r"Socket errors:.*|Non-2xx.*", done.stdout):
        raise ProgramFailed(trouble[0])
    return {
        "requests": int(number(r"(\d+) requests in", done.stdout)),
        "requests_per_s": float(number(r"Requests/sec:\s+([\d.]+)", done.stdout)),
        "p50_us": latency(50, done.stdout),
        "p99_us": latency(99, done.stdout),
    }


def number(pattern, text):
    if found := re.search(pattern, text):
        return found[1]
    raise ProgramFailed(f"wrk's output has no {pattern!r}: {text[-200:]!r}")


def latency(percentile, text):
    value = number(rf"\b{percentile}%\s+([\d.]+[a-z]+)", text)
    digits = value.rstrip("msu")
    return float(digits) * UNITS[value[len(digits):]]


def cpu_seconds(pid):
    """The user and system time that the process has taken, from its CPU clock, whose id
    clock_getcpuclockid(3) makes of the process's like this; ticks in /proc are too coarse."""
    return time.clock_gettime((~pid << 3) | 2)
