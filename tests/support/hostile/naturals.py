"""Calls as a program makes them: they give the objects that hostile calls are made on, and with
an argument exchanged they get further than arguments that are all hostile."""

import collections
import io as std_io
import os
import signal
import socket as std_socket
import ssl
import subprocess
import tempfile

import _tonio
import tonio
from tonio import exceptions, fs, io, net, sync, time
from tonio.net import socket, tls
from tonio.sync import channel

from .values import sleeps, steps


def _pair():
    first, second = socket.socketpair()
    # Or the other end would be closed.
    _others.append(second)
    return first


def _descriptor():
    first = _pair()
    return os.dup(first.fileno())


def _certificate():
    if not _self_signed:
        _self_signed.append(tls.self_signed_certificate("localhost"))
    return _self_signed[0]


_self_signed = []
_others = collections.deque(maxlen=50)


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


async def _pipes():
    """Of a process."""
    process = await tonio.open_process(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, process.stdin, process.stdout


async def _arrivals():
    """Of a receiver of signals that nobody leaves."""
    receiver = tonio.signal_receiver(signal.SIGUSR1)
    receiver.__enter__()
    return iter(receiver), next(iter(receiver))


async def _tasks():
    return tonio.tasks()


async def _entering():
    """In a task, as nobody else can."""
    return tonio.scope().__aenter__()


def _identity():
    return _tonio.TlsIdentity(*_certificate(), b"")


def _config(server_side=False):
    identities = (_identity(),) if server_side else ()
    version = ssl.TLSVersion.TLSv1_3
    return _tonio.TlsConfig(
        server_side, ssl.CERT_NONE, False, version, version, (), identities, (), ()
    )  # fmt: skip


def _engine(server_side=False):
    return _tonio.TlsEngine(_config(server_side), "" if server_side else "localhost", False)


def _shaken():
    """The engines of two ends after their handshake."""
    client, server = _engine(), _engine(server_side=True)
    while not all([client.handshake(), server.handshake()]):
        for sends, receives in (client, server), (server, client):
            if sends.has_output():
                receives.feed(sends.take_output())
    return client, server


def _shaken_client():
    return _shaken()[0]


def _locked():
    lock = sync.Lock()
    lock.try_acquire()
    return lock


def _method(make, name):
    """A method of what make() gives, of a new one each time."""

    def call(*args):
        return getattr(make(), name)(*args)

    call.__name__ = name
    return call


# (function, what makes its arguments, what makes its keywords)
NATURAL = [
    (tonio.Event, lambda: (), dict),
    (_method(tonio.Event, "wait"), lambda: (), dict),
    (tonio.scope, lambda: (), dict),
    (_entering, lambda: (), dict),
    (_method(tonio.scope, "__call__"), lambda: (), dict),
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
    (_arrivals, lambda: (), dict),
    (tonio.main, lambda: (sleeps,), dict),
    (tonio.tasks, lambda: (), dict),
    (_tasks, lambda: (), dict),
    (_tonio.yield_now, lambda: (), dict),
    (tonio.open_process, lambda: (["true"],), dict),
    (_pipes, lambda: (), dict),
    (tonio.run_process, lambda: (["true"],), lambda: {"check": False, "capture_stdout": True}),
    (time.timeout, lambda: (sleeps(), 0.01), dict),
    (time.interval, lambda: (0.001,), dict),
    (_method(lambda: time.interval(0.001), "tick"), lambda: (), dict),
    (sync.Lock, lambda: (), dict),
    (_method(sync.Lock, "__call__"), lambda: (), dict),
    (_method(_locked, "__aexit__"), lambda: (None, None, None), dict),
    (sync.Semaphore, lambda: (2,), dict),
    (sync.Barrier, lambda: (2,), dict),
    (_method(lambda: sync.Barrier(2), "wait"), lambda: (), dict),
    (channel.channel, lambda: (2,), dict),
    (channel.unbounded, lambda: (), dict),
    (_method(lambda: channel.channel(2)[0], "send"), lambda: (1,), dict),
    (_method(lambda: channel.channel(2)[1], "receive"), lambda: (), dict),
    (io.register, lambda: (_descriptor(),), dict),
    (_method(lambda: io.register(_descriptor()), "arm_r"), lambda: (), dict),
    (fs.open, lambda: (_name(), "w+b"), dict),
    (fs.open, lambda: (_name(), "w+"), dict),
    (fs.open, lambda: (_name(), "w+b", 0), dict),
    (fs.open, lambda: (os.devnull, "rb"), dict),
    (fs.wrap_file, lambda: (open(os.devnull, "rb"),), dict),
    (fs.wrap_file, lambda: (std_io.BytesIO(b"abc"),), dict),
    (fs.wrap_file, lambda: (std_io.StringIO("abc"),), dict),
    (fs.Path, lambda: (_name(),), dict),
    (_method(fs.Path, "iterdir"), lambda: (), dict),
    (socket.socket, lambda: (), dict),
    (socket.socketpair, lambda: (), dict),
    (_datagrams, lambda: (), dict),
    (_method(socket.socket, "connect"), lambda: (("127.0.0.1", 9),), dict),
    (_method(socket.socket, "accept"), lambda: (), dict),
    (_method(_pair, "recv"), lambda: (10,), dict),
    (_method(_pair, "recv"), lambda: (10, std_socket.MSG_WAITALL), dict),
    (_method(_pair, "recv_into"), lambda: (bytearray(10),), dict),
    (_method(_pair, "recvfrom"), lambda: (10,), dict),
    (_method(_pair, "recvmsg"), lambda: (10, 100), dict),
    (_method(_pair, "sendall"), lambda: (b"abc",), dict),
    (_method(_datagrams, "sendto"), lambda: (b"abc", ("127.0.0.1", 9)), dict),
    (_method(_pair, "sendmsg"), lambda: ([b"abc"],), dict),
    (_method(_pair, "_sendfile"), lambda: (0, 0, 10), dict),
    (_method(socket.socket, "_connect"), lambda: (("127.0.0.1", 9),), dict),
    (socket.create_connection, lambda: (("127.0.0.1", 9),), lambda: {"timeout": 0.01}),
    (socket.create_server, lambda: (("127.0.0.1", 0),), dict),
    (socket.getaddrinfo, lambda: ("127.0.0.1", 80), dict),
    (socket.getnameinfo, lambda: (("127.0.0.1", 80), 3), dict),
    (socket.send_fds, lambda: (_pair(), [b"x"], [0]), dict),
    (socket.recv_fds, lambda: (_pair(), 10, 1), dict),
    (net.SocketStream, lambda: (_pair(),), dict),
    (_tonio.Socket, lambda: (), dict),
    (_tonio.SocketStream, lambda: (_pair(),), dict),
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
    (_tonio.TlsIdentity, lambda: (*_certificate(), b""), dict),
    (_config, lambda: (), dict),
    (_tonio.TlsEngine, lambda: (_config(), "localhost", False), dict),
    (_shaken, lambda: (), dict),
    (_method(_shaken_client, "receive"), lambda: (_pair(), 10), dict),
    (_method(_shaken_client, "send_all"), lambda: (_pair(), b"abc"), dict),
]  # fmt: skip
NATURAL += [(getattr(exceptions, name), lambda: (), dict) for name in exceptions.__all__]
