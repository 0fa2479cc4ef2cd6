"""How a benchmark's program measures itself and tells the harness."""

import json
import socket
import time


class stopwatch:
    def __enter__(self):
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        wall, cpu = self.start
        self.seconds = time.perf_counter() - wall
        self.cpu_seconds = time.process_time() - cpu


def peak_rss_kb():
    # Not ru_maxrss: it survives exec, so it may be the harness's own.
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def million(create_s, execute_s, execute_cpu_s):
    print(
        json.dumps(
            {
                "create_s": create_s,
                "execute_s": execute_s,
                "execute_cpu_s": execute_cpu_s,
                "rss_kb": peak_rss_kb(),
            }
        ),
        flush=True,
    )


def execution(stopwatch):
    print(json.dumps({"execute_s": stopwatch.seconds, "execute_cpu_s": stopwatch.cpu_seconds}), flush=True)


def lateness(stopwatch, late):
    """`late`: how much longer than asked for each sleep took, in seconds."""
    late.sort()
    print(
        json.dumps(
            {
                "cpu_us": stopwatch.cpu_seconds / len(late) * 1e6,
                "late_p50_us": late[len(late) // 2] * 1e6,
                "late_p99_us": late[len(late) * 99 // 100] * 1e6,
                "late_max_us": late[-1] * 1e6,
            }
        ),
        flush=True,
    )


def listening(address):
    print(f"listening on {address[0]}:{address[1]}", flush=True)


def no_delay(connection):
    """Every server has it; without it a large answer's tail may wait for an ACK."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
