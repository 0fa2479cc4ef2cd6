"""Echo: requests of a fixed size, answered with the same bytes.

Each connection sends one request, reads the whole answer, and sends the next.
The load client (native/echo_client.c) has a core for itself; a server has the
other one, and both when it has two workers. The client reads the server's CPU
clock at the end of the warm-up and at the end, so that CPU per request covers
exactly the requests that it counted.
"""

from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.process import ProgramFailed, Server, run_json

WARM_UP_S = 0.3

FLOOR = "C epoll"
PROTOCOL = "asyncio Protocol"
UVLOOP = "uvloop Protocol"
NOTATIONS = ("yield", "await")
THREADS = (1, 2)
USUAL_RECV_SIZE = 64 * 1024


def repeats(setting):
    return setting.repeat


def contests(setting):
    client = setting.compiled("echo_client.c")
    for size in setting.sizes:
        for connections in setting.connections:
            load = [str(client), str(size), str(connections), str(WARM_UP_S), str(setting.seconds)]
            yield Contest(
                f"echo: {size / 1024:g} KiB, {connections} connections",
                list(contestants(setting, load, recv_size_for(size))),
                [
                    Column("server_cpu_us", "CPU us/req", digits=2, minimum=True),
                    Column("requests_per_s", "req/s", digits=0),
                    Column("p50_us", "p50 us"),
                    Column("p99_us", "p99 us"),
                ],
                [
                    RatioColumn("CPU x C", "floor", "server_cpu_us"),
                    RatioColumn("x 1 thread", "1 thread", "server_cpu_us"),
                    RatioColumn("x Rust", "Rust", "server_cpu_us"),
                    RatioColumn("x Protocol", "Protocol", "server_cpu_us"),
                    RatioColumn("x uvloop", "uvloop", "server_cpu_us"),
                    RatioColumn("p50 x C", "floor", "p50_us"),
                    RatioColumn("p99 x C", "floor", "p99_us"),
                    RatioColumn("p99 x 1 thread", "1 thread", "p99_us"),
                ],
            )


def recv_size_for(size):
    """What every server passes to recv: the usual 64 KiB; for requests that are
    larger, the 256 KiB that asyncio's and uvloop's own loops always read, without
    which their Protocol servers would undercut the C server's count of system
    calls (100 KiB, 64 connections: C 65 us with 64 KiB, 54 with 256, uvloop 71)."""
    return USUAL_RECV_SIZE if size <= USUAL_RECV_SIZE else 256 * 1024


def contestants(setting, load, recv_size):
    def contestant(name, argv, env=None, threads=1, against=None, missing=None):
        measure = None if missing else served(setting, argv, env, threads, load)
        return Contestant(name, measure, {"floor": FLOOR} | (against or {}), missing)

    floor = setting.compiled("echo_server.c")
    yield Contestant(FLOOR, served(setting, [str(floor), str(recv_size)], None, 1, load))
    # What it costs that the second worker shares its processor with the client.
    yield contestant(
        f"{FLOOR}, 2 threads", [str(floor), str(recv_size), "2"], threads=2, against={"1 thread": FLOOR}
    )

    shapes = [(notation, threads) for notation in NOTATIONS for threads in THREADS]
    for notation, threads in shapes:
        yield contestant(
            shape_name("tonio", notation, threads),
            setting.tonio_program("echo_tonio.py", threads, notation, threads, recv_size),
            threads=threads,
            against=peers_of("tonio", notation, threads)
            | {"Rust": shape_name("Rust TonIO", notation, threads), "Protocol": PROTOCOL, "uvloop": UVLOOP},
            missing=setting.tonio_missing,
        )

    # What a task's variable refers to stays while it waits: of large answers on many connections that
    # is more than the processor's cache. A Protocol has dropped them.
    for notation in NOTATIONS if recv_size > USUAL_RECV_SIZE else ():
        yield contestant(
            shape_name("tonio, drops", notation, 1),
            setting.tonio_program("echo_tonio.py", 1, notation, 1, recv_size, "drop"),
            against={"Protocol": PROTOCOL, "uvloop": UVLOOP},
            missing=setting.tonio_missing,
        )

    missing = setting.peer_missing("tonio")
    for notation, threads in shapes:
        yield contestant(
            shape_name("Rust TonIO", notation, threads),
            None if missing else setting.peers.program("echo_tonio.py", notation, threads, recv_size),
            env=None if missing else setting.peers.environment,
            threads=threads,
            against=peers_of("Rust TonIO", notation, threads),
            missing=missing,
        )

    yield contestant("asyncio sock_recv", setting.python.program("echo_asyncio.py", "sock", recv_size))
    yield contestant(PROTOCOL, setting.python.program("echo_asyncio.py", "protocol", recv_size))

    missing = setting.peer_missing("uvloop")
    yield contestant(
        UVLOOP,
        None if missing else setting.peers.program("echo_asyncio.py", "uvloop", recv_size),
        env=None if missing else setting.peers.environment,
        missing=missing,
    )


def shape_name(who, notation, threads):
    return f"{who}, {notation}, {threads}t"


def peers_of(who, notation, threads):
    return {"1 thread": shape_name(who, notation, 1)} if threads > 1 else {}


def served(setting, argv, env, threads, load):
    def measure():
        server_cpus, client_cpus, both = setting.cpus
        with Server(argv, env=env, cpus=server_cpus if threads == 1 else both) as server:
            address = [server.host, str(server.port), str(server.pid)]
            try:
                sample = run_json([*load, *address], cpus=client_cpus, timeout=60 + setting.seconds)
            except ProgramFailed as failure:
                complaint = server.stderr().strip().splitlines()
                raise ProgramFailed(f"{failure}; server: {complaint[-1]}" if complaint else failure) from None
        return sample

    return measure
