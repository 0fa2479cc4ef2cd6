"""Calls as a program makes them: they give the objects that hostile calls are made on, and with
an argument exchanged they get further than arguments that are all hostile."""

import os
import tempfile

import tonio
from tonio import fs, io, net, sync, time
from tonio.net import socket, tls
from tonio.sync import channel

from .values import sleeps, steps


def _pair():
    first, second = socket.socketpair()
    # Or the other end would be closed.
    _others.append(second)
    del _others[:-50]
    return first


def _descriptor():
    first = _pair()
    return os.dup(first.fileno())


def _certificate():
    if not _self_signed:
        _self_signed.append(tls.self_signed_certificate("localhost"))
    return _self_signed[0]


_self_signed = []
_others = []


def _server_context():
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(*_certificate())
    return context


def _datagrams():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _name():
    return os.path.basename(tempfile.mktemp(prefix="f", dir="."))


async def _handler(stream):
    await stream.receive_some()


# (function, what makes its arguments, what makes its keywords)
NATURAL = [
    (tonio.Event, lambda: (), dict),
    (tonio.scope, lambda: (), dict),
    (tonio.scope, lambda: (), lambda: {"timeout": 0.01}),
    (tonio.Result, lambda: (2,), dict),
    (tonio.Waiter, lambda: (tonio.Event(), tonio.Event()), dict),
    (tonio.runtime, lambda: (), lambda: {"threads": 2}),
    (tonio.spawn, lambda: (sleeps(), steps()), dict),
    (tonio.spawn_blocking, lambda: (len, "abc"), dict),
    (tonio.map, lambda: (sleeps, [0, 0]), dict),
    (tonio.map_blocking, lambda: (len, ["a", "b"]), dict),
    (tonio.select, lambda: (sleeps(), sleeps(0.001)), dict),
    (tonio.as_completed, lambda: (sleeps(), sleeps(0.001)), dict),
    (tonio.sleep, lambda: (0.001,), dict),
    (tonio.signal_receiver, lambda: (10,), dict),
    (tonio.main, lambda: (sleeps,), dict),
    (tonio.tasks, lambda: (), dict),
    (tonio.open_process, lambda: (["true"],), dict),
    (tonio.run_process, lambda: (["true"],), lambda: {"check": False, "capture_stdout": True}),
    (time.timeout, lambda: (sleeps(), 0.01), dict),
    (time.interval, lambda: (0.001,), dict),
    (sync.Lock, lambda: (), dict),
    (sync.Semaphore, lambda: (2,), dict),
    (sync.Barrier, lambda: (2,), dict),
    (channel.channel, lambda: (2,), dict),
    (channel.unbounded, lambda: (), dict),
    (io.register, lambda: (_descriptor(),), dict),
    (fs.open, lambda: (_name(), "w+b"), dict),
    (fs.wrap_file, lambda: (open(os.devnull, "rb"),), dict),
    (fs.Path, lambda: (_name(),), dict),
    (socket.socket, lambda: (), dict),
    (socket.socketpair, lambda: (), dict),
    (_datagrams, lambda: (), dict),
    (socket.create_connection, lambda: (("127.0.0.1", 9),), lambda: {"timeout": 0.01}),
    (socket.create_server, lambda: (("127.0.0.1", 0),), dict),
    (socket.getaddrinfo, lambda: ("127.0.0.1", 80), dict),
    (socket.getnameinfo, lambda: (("127.0.0.1", 80), 3), dict),
    (socket.send_fds, lambda: (_pair(), [b"x"], [0]), dict),
    (socket.recv_fds, lambda: (_pair(), 10, 1), dict),
    (net.SocketStream, lambda: (_pair(),), dict),
    (net.SocketListener, lambda: (socket.socket(),), dict),
    (net.open_tcp_stream, lambda: ("127.0.0.1", 9), dict),
    (net.open_tcp_listeners, lambda: (0,), lambda: {"host": "127.0.0.1"}),
    (net.open_unix_listener, lambda: (_name(),), dict),
    (net.open_unix_socket, lambda: (_name(),), dict),
    (net.serve_tcp, lambda: (_handler, 0), lambda: {"host": "127.0.0.1"}),
    (net.serve_unix, lambda: (_handler, _name()), dict),
    (net.serve_listeners, lambda: (_handler, [net.SocketListener(socket.socket())]), dict),
    (tls.TLSContext, lambda: (), dict),
    (tls.TLSContext, lambda: (), lambda: {"server_side": True}),
    (tls.TLSStream, lambda: (net.SocketStream(_pair()), tls.TLSContext()), lambda: {"server_hostname": "localhost"}),
    (tls.TLSStream, lambda: (net.SocketStream(_pair()), _server_context()), lambda: {"server_side": True}),
    (tls.TLSListener, lambda: (net.SocketListener(socket.socket()), _server_context()), dict),
    (tls.open_tls_over_tcp_stream, lambda: ("127.0.0.1", 9), dict),
    (tls.serve_tls_over_tcp, lambda: (_handler, 0, _server_context()), lambda: {"host": "127.0.0.1"}),
]  # fmt: skip
