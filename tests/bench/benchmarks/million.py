"""A million coroutines: each suspends once and returns 3**2.

Execution is the time from before spawn() to after its await; the creation of
the coroutine objects is timed apart. The floor is a plain PyIter_Send loop over
the same coroutines (native/floor.c), one after the other to its end; "in turn" is
the same loop in the order of a runtime, where one that gives way lets the others
go first.
"""

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import run_json

FLOOR_MODULE = "tonio_bench_floor"
NOTATIONS = ("yield", "await")
THREADS = (1, 2)
FLOORS = {"depth_first": "floor", "round_robin": "floor in turn"}


def repeats(setting):
    return setting.repeat


def contests(setting):
    contestants = [
        *(floor(setting, notation, order) for order in FLOORS for notation in NOTATIONS),
        *(ours(setting, notation, threads) for notation in NOTATIONS for threads in THREADS),
        *(rust(setting, notation, threads) for notation in NOTATIONS for threads in THREADS),
        asyncio(setting),
    ]
    yield Contest(
        f"million: {setting.count:,} coroutines",
        contestants,
        [
            Column("execute_s", "execute ms", scale=1e3, minimum=True),
            Column("execute_cpu_s", "CPU ms", scale=1e3),
            Column("create_s", "create ms", scale=1e3),
            Column("rss_kb", "peak MiB", scale=1 / 1024, digits=0),
        ],
        [
            RatioColumn("x floor", "floor", "execute_s"),
            RatioColumn("x in turn", "floor in turn", "execute_s"),
            RatioColumn("CPU x floor", "floor", "execute_cpu_s"),
            RatioColumn("x 1 thread", "1 thread", "execute_s"),
            RatioColumn("x Rust", "Rust", "execute_s"),
            RatioColumn("RSS x Rust", "Rust", "rss_kb"),
            RatioColumn("x asyncio", "asyncio", "execute_s"),
        ],
        ["floor: send to each coroutine until it returns, then release it, as a runtime must"],
    )


def floor_name(notation, order="depth_first"):
    return f"{FLOORS[order]}, {notation}"


def floors(notation):
    return {FLOORS[order]: floor_name(notation, order) for order in FLOORS}


def name(who, notation, threads):
    return f"{who}, {notation}, {threads}t"


def program(argv, env=None):
    return lambda: run_json(argv, env=env)


def floor(setting, notation, order):
    flags = ["-shared", "-fPIC", f"-I{setting.python.include}"]
    extension = setting.compiled("floor.c", FLOOR_MODULE + setting.python.suffix, flags)
    argv = setting.python.program("million_floor.py", extension.parent, notation, order, setting.count)
    return Contestant(floor_name(notation, order), program(argv))


def ours(setting, notation, threads):
    argv = setting.tonio_program("million_tonio.py", threads, notation, threads, setting.count)
    against = {
        **floors(notation),
        "1 thread": name("tonio", notation, 1),
        "Rust": name("Rust TonIO", notation, threads),
        "asyncio": "asyncio",
    }
    return Contestant(name("tonio", notation, threads), program(argv), against, setting.tonio_missing)


def rust(setting, notation, threads):
    against = {
        **floors(notation),
        "1 thread": name("Rust TonIO", notation, 1),
        "asyncio": "asyncio",
    }
    missing = setting.peer_missing("tonio")
    measure = None
    if not missing:
        argv = setting.peers.program("million_tonio.py", notation, threads, setting.count)
        measure = program(argv, setting.peers.environment)
    return Contestant(name("Rust TonIO", notation, threads), measure, against, missing)


def asyncio(setting):
    argv = setting.python.program("million_asyncio.py", setting.count)
    return Contestant("asyncio", program(argv), floors("await"))
