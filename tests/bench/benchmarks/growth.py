"""Growth: what one task, or one request, costs when there are many more of them.

The work of `million` and of `echo` (1 KiB), at one worker. What counts is x fewest, 1.3 at most.
The C epoll server shows what the kernel and the caches add to a request on many connections.
"""

from benchmarks.echo import FLOOR, WARM_UP_S, recv_size_for, served
from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import ProgramFailed, run_json

NOTATIONS = ("yield", "await")
REQUEST = 1024


def repeats(setting):
    return setting.repeat


def contests(setting):
    for notation in NOTATIONS:
        yield Contest(
            f"growth: tasks, {notation}",
            [
                contestant(setting, count, setting.growth_tasks[0], tasks(setting, notation, count))
                for count in setting.growth_tasks
            ],
            [Column("cpu_us", "CPU us/task", digits=3, minimum=True)],
            [RatioColumn("x fewest", "fewest", "cpu_us")],
        )
    yield Contest(
        "growth: connections, echo of 1 KiB",
        [
            contestant(setting, count, setting.growth_connections[0], connections(setting, who, count), who)
            for count in setting.growth_connections
            for who in (FLOOR, *NOTATIONS)
        ],
        [
            Column("server_cpu_us", "CPU us/req", digits=2, minimum=True),
            Column("requests_per_s", "req/s", digits=0),
        ],
        [
            RatioColumn("x fewest", "fewest", "server_cpu_us"),
            RatioColumn("CPU x C", "floor", "server_cpu_us"),
        ],
    )


def contestant(setting, count, fewest, measure, who=None):
    def name(count, who):
        return f"{count:,}, {who}" if who else f"{count:,}"

    against = {"fewest": name(fewest, who)}
    if who and who != FLOOR:
        against["floor"] = name(count, FLOOR)
    return Contestant(name(count, who), measure, against, None if who == FLOOR else setting.tonio_missing)


def tasks(setting, notation, count):
    argv = setting.tonio_program("million_tonio.py", 1, notation, 1, count)
    return lambda: {"cpu_us": run_json(argv)["execute_cpu_s"] / count * 1e6}


def connections(setting, who, count):
    recv_size = recv_size_for(REQUEST)
    if who == FLOOR:
        argv = [str(setting.compiled("echo_server.c")), str(recv_size)]
    else:
        argv = setting.tonio_program("echo_tonio.py", 1, who, 1, recv_size)
    client = setting.compiled("echo_client.c")
    # Every connection is to be served many times.
    seconds = max(setting.seconds, count / 2_000)
    load = [str(client), str(REQUEST), str(count), str(max(WARM_UP_S, count / 10_000)), str(seconds)]
    measure = served(setting, argv, None, 1, load)

    def sample():
        try:
            return measure()
        except ProgramFailed as failure:
            raise ProgramFailed(f"{failure} (ulimit -n is at least {count + 64}?)") from None

    return sample
