"""What the benchmarks of tasks that wait for each other share: contestants, columns."""

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import run_json

THREADS = (1, 2)
ASYNCIO = "asyncio"


COLUMNS = [
    Column("execute_s", "execute ms", scale=1e3, minimum=True),
    Column("execute_cpu_s", "CPU ms", scale=1e3),
]


def contest(setting, title, program, arguments, asyncio, peer=ASYNCIO, columns=COLUMNS, ratio="execute_s"):
    """`arguments`: the program's, one tuple for each notation, which is its first member;
    the program gets the number of threads after it. `asyncio`: the program of the row `peer`,
    which is asyncio's own where nothing else is said, and its arguments. `ratio`: the metric
    that ratios are formed of."""
    return Contest(
        title,
        [
            *(ours(setting, program, *each, threads=threads, peer=peer) for each in arguments for threads in THREADS),
            *(rust(setting, program, *each, threads=threads, peer=peer) for each in arguments for threads in THREADS),
            Contestant(peer, measured(setting.python.program(*asyncio))),
        ],
        columns,
        [
            RatioColumn("x 1 thread", "1 thread", ratio),
            RatioColumn("x Rust", "Rust", ratio),
            RatioColumn(f"x {peer}", "peer", ratio),
        ],
    )


def name(who, notation, threads):
    return f"{who}, {notation}, {threads}t"


def measured(argv, env=None):
    return lambda: run_json(argv, env=env)


def ours(setting, program, notation, *rest, threads, peer=ASYNCIO):
    argv = setting.tonio_program(program, threads, notation, threads, *rest)
    against = {"peer": peer, "Rust": name("Rust TonIO", notation, threads)}
    if threads > 1:
        against["1 thread"] = name("tonio", notation, 1)
    return Contestant(name("tonio", notation, threads), measured(argv), against, setting.tonio_missing)


def rust(setting, program, notation, *rest, threads, peer=ASYNCIO):
    against = {"peer": peer}
    if threads > 1:
        against["1 thread"] = name("Rust TonIO", notation, 1)
    missing = setting.peer_missing("tonio")
    measure = None
    if not missing:
        argv = setting.peers.program(program, notation, threads, *rest)
        measure = measured(argv, setting.peers.environment)
    return Contestant(name("Rust TonIO", notation, threads), measure, against, missing)
