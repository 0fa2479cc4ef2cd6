"""What a program may do with tonio in a child that was forked from a run: what takes the runtime,
which is not there, and what does without."""

import os

import tonio
from tonio import fs, io, net, sync
from tonio.net import socket, tls
from tonio.sync import channel
from tonio.time import interval, timeout


async def nothing():
    pass


def _handshake():
    first, second = socket.socketpair()
    kept.append(second)
    stream = net.SocketStream(first)
    return tls.TLSStream(stream, tls.TLSContext(), server_hostname="localhost").handshake()


def _spawn_in_scope():
    return tonio.scope().__enter__().spawn(nothing())


# The other ends.
kept = []
# RuntimeNotInitializedError at the call, or where what it gives is waited for.
REFUSED = {
    "run": lambda: tonio.run(nothing()),
    "block_on": lambda: tonio.block_on(nothing()),
    "run_until_complete": lambda: tonio.runtime().run_until_complete(nothing()),
    "main": lambda: tonio.main(nothing)(),
    "spawn": lambda: tonio.spawn(nothing()),
    "spawn.without_tracking": lambda: tonio.spawn.without_tracking(nothing()),
    "spawn_blocking": lambda: tonio.spawn_blocking(len, ""),
    "map": lambda: tonio.map(lambda _: nothing(), [1]),
    "map_blocking": lambda: tonio.map_blocking(len, [""]),
    "select": lambda: tonio.select(nothing()),
    "as_completed": lambda: tonio.as_completed(nothing()),
    "scope": lambda: tonio.scope()(),
    "sleep": lambda: tonio.sleep(0),
    "event": lambda: tonio.Event().wait(),
    "timeout": lambda: timeout(tonio.sleep(0), 1),
    "interval": lambda: interval(1).tick(),
    "lock": lambda: sync.Lock().acquire(),
    "semaphore": lambda: sync.Semaphore(1).acquire(),
    "barrier": lambda: sync.Barrier(1).wait(),
    "send": lambda: channel.channel(1)[0].send(1),
    "receive": lambda: channel.channel(1)[1].receive(),
    "open_process": lambda: tonio.open_process(["true"]),
    "run_process": lambda: tonio.run_process(["true"]),
    "fs.open": lambda: fs.open(os.devnull),
    "fs.Path": lambda: fs.Path(os.devnull).exists(),
    "register": lambda: io.register(os.pipe()[0]),
    "socket": lambda: socket.socketpair()[0].recv(1),
    "getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "open_tcp_stream": lambda: net.open_tcp_stream("127.0.0.1", 9),
    "serve_tcp": lambda: net.serve_tcp(nothing, 0, host="127.0.0.1"),
    "open_unix_socket": lambda: net.open_unix_socket("/nowhere"),
    "handshake": _handshake,
    "from_asyncio": lambda: tonio.from_asyncio(nothing()),
}
# In a task only: outside of one it is told that a scope is entered by a task.
REFUSED_IN_TASK = {"scope.spawn": _spawn_in_scope}
# (what it does, what that gives)
WORKS = {
    "channel": (lambda: channel.unbounded()[0].send(1), None),
    "event": (lambda: tonio.Event().set(), True),
    "path": (lambda: str(fs.Path("a") / "b"), "a/b"),
    "lock": (lambda: type(sync.Lock()), sync.Lock),
    "semaphore": (lambda: type(sync.Semaphore(1)), sync.Semaphore),
    "barrier": (lambda: type(sync.Barrier(1)), sync.Barrier),
    "interval": (lambda: type(interval(1)), interval),
    "result": (lambda: tonio.Result(1).fetch(), None),
    "socketpair": (lambda: [end.close() for end in socket.socketpair()], [None, None]),
    "tasks": (lambda: isinstance(tonio.tasks(), list), True),
}
