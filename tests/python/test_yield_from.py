"""Everything that suspends can be waited for by `yield from`, too."""

import contextlib
import enum
import functools
import importlib
import inspect
import os
import pathlib
import signal
import socket as std_socket
import subprocess
import unittest

import tonio
import tonio.fs
import tonio.io
import tonio.net.tls
from libraries import library
from scenarios import main
from tonio.fs import _path
from tonio.net import socket, tls
from tonio.sync import Barrier, Lock, Semaphore, channel

MODULES = ("", ".exceptions", ".fs", ".io", ".net", ".net.socket", ".net.tls", ".sync",
           ".sync.channel", ".time")
PYTEST, _ = library("pytest")
TRIO, _ = library("trio")
if PYTEST:
    import tonio.pytest

    MODULES += (".pytest",)

# Public functions and methods that do not suspend; classes are not listed.
IMMEDIATE = """
    Event.clear Event.is_set Event.set
    Process.close_streams Process.kill Process.poll Process.send_signal Process.terminate
    Result.fetch Result.store
    Runtime.run_forever Runtime.run_pyasyncgen_until_complete Runtime.run_pygen_until_complete
    Runtime.run_until_complete Runtime.stop
    as_completed block_on main run runtime scope.cancel scope.spawn tasks
    fs.Path.from_uri fs.wrap_file
    io.Registration.close io.Registration.consume_r io.Registration.consume_w io.register
    net.SocketListener.close net.SocketStream.close net.SocketStream.send_eof
    net.inherited_listeners
    net.socket.from_stdlib_socket net.socket.fromfd net.socket.socketpair
    net.socket.socket.close net.socket.socket.detach net.socket.socket.dup
    net.socket.socket.fileno net.socket.socket.get_inheritable net.socket.socket.getpeername
    net.socket.socket.getsockname net.socket.socket.getsockopt net.socket.socket.listen
    net.socket.socket.set_inheritable net.socket.socket.setsockopt net.socket.socket.shutdown
    net.tls.TLSContext.get_ca_certs net.tls.TLSContext.load_cert_chain
    net.tls.TLSContext.load_default_certs net.tls.TLSContext.load_verify_locations
    net.tls.TLSContext.set_alpn_protocols net.tls.TLSListener.close net.tls.TLSStream.cipher
    net.tls.TLSStream.getpeercert net.tls.TLSStream.selected_alpn_protocol
    net.tls.TLSStream.send_eof net.tls.TLSStream.version net.tls.self_signed_certificate
    sync.Barrier.ack sync.Barrier.value sync.Lock.locked sync.Lock.or_raise sync.Lock.release
    sync.Lock.try_acquire sync.Semaphore.or_raise sync.Semaphore.release sync.Semaphore.tokens
    sync.Semaphore.try_acquire
    sync.channel.Receiver.close sync.channel.Sender.close sync.channel.UnboundedSender.close
    sync.channel.UnboundedSender.send sync.channel.channel sync.channel.unbounded
    time.time pytest.Clock.time pytest.fixture
""".split()

# Coroutines of the other event loop, where nothing else is awaited.
FOREIGN = {"to_asyncio", "to_trio"}


def public_callables():
    """What a program can call: {name below `tonio`: object}."""
    found = {}
    for suffix in MODULES:
        module = importlib.import_module("tonio" + suffix)
        for name in module.__all__:
            value = getattr(module, name)
            if getattr(std_socket, name, None) is value:
                continue  # the standard library's own
            full = f"{suffix}.{name}".lstrip(".")
            if not inspect.isclass(value):
                if callable(value):
                    found[full] = value
            elif not issubclass(value, (BaseException, enum.Enum)) and value.__name__ == name:
                pure = pathlib.PurePath if issubclass(value, pathlib.PurePath) else object
                for member in {*dir(value)} - {*dir(pure)}:
                    attribute = getattr(value, member)
                    if callable(attribute) and not member.startswith("_"):
                        found[f"{full}.{member}"] = attribute
    return found


def handler(stream):
    yield


class Silent:
    """A transport whose peer says nothing."""

    def send_all(self, data):
        return tonio.sleep(0)

    def receive_some(self):
        return tonio.Event().wait()

    def close(self):
        pass


def forever():
    yield tonio.Event().wait()


def of_sockets(stack):
    one, _ = (stack.enter_context(end) for end in socket.socketpair())
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    tcp = stack.enter_context(socket.socket())
    address, named = ("127.0.0.1", 9), ("localhost", 9)
    buffer = bytearray(9)
    file = stack.enter_context(open(__file__, "rb"))
    module = {
        "create_connection": lambda: socket.create_connection(address),
        "create_server": lambda: socket.create_server(address),
        "getaddrinfo": lambda: socket.getaddrinfo("localhost", 9),
        "getfqdn": lambda: socket.getfqdn("localhost"),
        "gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
        "gethostbyname": lambda: socket.gethostbyname("localhost"),
        "gethostbyname_ex": lambda: socket.gethostbyname_ex("localhost"),
        "getnameinfo": lambda: socket.getnameinfo(address, 0),
        "recv_fds": lambda: socket.recv_fds(one, 1, 1),
        "send_fds": lambda: socket.send_fds(one, [b"x"], [0]),
        "socket.accept": lambda: tcp.accept(),
        "socket.bind": lambda: udp.bind(named),
        "socket.connect": lambda: tcp.connect(named),
        "socket.connect_ex": lambda: tcp.connect_ex(named),
        "socket.recv": lambda: one.recv(1),
        "socket.recv_into": lambda: one.recv_into(buffer),
        "socket.recvfrom": lambda: one.recvfrom(1),
        "socket.recvfrom_into": lambda: one.recvfrom_into(buffer),
        "socket.recvmsg": lambda: one.recvmsg(1),
        "socket.recvmsg_into": lambda: one.recvmsg_into([buffer]),
        "socket.send": lambda: one.send(b"x"),
        "socket.sendall": lambda: one.sendall(b"x"),
        "socket.sendfile": lambda: one.sendfile(file),
        "socket.sendmsg": lambda: one.sendmsg([b"x"]),
        "socket.sendto": lambda: udp.sendto(b"x", named),
        # To a number or a path they go other ways.
        "socket.connect (number)": lambda: tcp.connect(address),
        "socket.connect (path)": lambda: one.connect("\0nobody"),
        "socket.sendto (path)": lambda: one.sendto(b"x", "\0nobody"),
        "socket.sendmsg (name)": lambda: udp.sendmsg([b"x"], (), 0, named),
        "socket.sendmsg (path)": lambda: one.sendmsg([b"x"], (), 0, "\0nobody"),
    }
    return {f"net.socket.{name}": make for name, make in module.items()}


def of_streams(stack):
    one, _ = (stack.enter_context(tonio.net.SocketStream(end)) for end in socket.socketpair())
    listening = stack.enter_context(socket.socket())
    listening.listen()
    listener = tonio.net.SocketListener(listening)
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(*tls.self_signed_certificate("localhost"))
    secret = tls.TLSStream(Silent(), context, server_side=True)
    listeners = tls.TLSListener(listener, context)
    return {
        "net.SocketListener.accept": listener.accept,
        "net.SocketStream.receive_some": one.receive_some,
        "net.SocketStream.send_all": lambda: one.send_all(b"x"),
        "net.open_tcp_listeners": lambda: tonio.net.open_tcp_listeners(0),
        "net.open_tcp_stream": lambda: tonio.net.open_tcp_stream("localhost", 9),
        "net.open_unix_listener": lambda: tonio.net.open_unix_listener("\0yield_from"),
        "net.open_unix_socket": lambda: tonio.net.open_unix_socket("\0yield_from"),
        "net.serve_listeners": lambda: tonio.net.serve_listeners(handler, [listener]),
        "net.serve_tcp": lambda: tonio.net.serve_tcp(handler, 0),
        "net.serve_unix": lambda: tonio.net.serve_unix(handler, "\0yield_from"),
        "net.tls.TLSListener.accept": listeners.accept,
        "net.tls.TLSStream.handshake": secret.handshake,
        "net.tls.TLSStream.receive_some": secret.receive_some,
        "net.tls.TLSStream.send_all": lambda: secret.send_all(b"x"),
        "net.tls.TLSStream.close": secret.close,
        "net.tls.open_tls_over_tcp_listeners":
            lambda: tls.open_tls_over_tcp_listeners(0, context, host="127.0.0.1"),
        "net.tls.open_tls_over_tcp_stream": lambda: tls.open_tls_over_tcp_stream("localhost", 9),
        "net.tls.serve_tls_over_tcp": lambda: tls.serve_tls_over_tcp(handler, 0, context),
    }


def of_paths():
    # Nothing can be there.
    path = tonio.fs.Path("/dev/null/nothing")
    arguments = dict.fromkeys("copy copy_into move move_into".split(), [path])
    arguments |= dict.fromkeys("hardlink_to rename replace samefile symlink_to".split(), [path])
    arguments |= dict.fromkeys("chmod lchmod".split(), [0o600])
    arguments |= dict.fromkeys("glob rglob".split(), ["*"])
    arguments |= {"write_bytes": [b"x"], "write_text": ["x"]}
    return {
        f"fs.Path.{name}": functools.partial(getattr(path, name), *arguments.get(name, ()))
        for name in _path.SUSPENDING | _path.LISTING | _path.OPENING
        if hasattr(path, name)
    }


def of_pytest():
    clock = tonio.pytest.Clock()
    return [("advance", lambda: clock.advance(1)), ("settle", clock.settle)]


def of_the_rest(stack, process):
    lock, semaphore, barrier = Lock(), Semaphore(1), Barrier(2)
    sender, receiver = channel.channel(1)
    read, write = os.pipe()
    stack.callback(os.close, read)
    stack.callback(os.close, write)
    ready = stack.enter_context(tonio.io.register(read))
    left = tonio.scope()
    with left:
        pass
    received = stack.enter_context(tonio.signal_receiver(signal.SIGUSR1))
    file = tonio.fs.wrap_file(stack.enter_context(open(__file__)))
    event = tonio.Event()

    async def nothing():
        pass

    foreign = nothing()
    stack.callback(foreign.close)

    def from_trio():
        call = tonio.from_trio(foreign)
        if TRIO:
            return call
        # It would not begin.
        iter(call)
        call.close()
        return tonio.sleep(0)
    return {
        "Event.wait": event.wait,
        "Event.waiter": lambda: event.waiter(1),
        "Process.end": process.end,
        "Process.wait": process.wait,
        "from_asyncio": lambda: tonio.from_asyncio(foreign),
        "from_trio": from_trio,
        "map": lambda: tonio.map(tonio.sleep, [0]),
        "map_blocking": lambda: tonio.map_blocking(len, ["x"]),
        "open_process": lambda: tonio.open_process(["true"]),
        "run_process": lambda: tonio.run_process(["true"]),
        "select": lambda: tonio.select(tonio.sleep(0)),
        "sleep": lambda: tonio.sleep(0),
        "spawn": lambda: tonio.spawn(tonio.sleep(0)),
        "spawn_blocking": lambda: tonio.spawn_blocking(len, "x"),
        "io.Registration.arm_r": ready.arm_r,
        "io.Registration.arm_w": ready.arm_w,
        "sync.Barrier.wait": barrier.wait,
        "sync.Lock.acquire": lock.acquire,
        "sync.Semaphore.acquire": semaphore.acquire,
        "sync.channel.Receiver.receive": receiver.receive,
        "sync.channel.Sender.send": lambda: sender.send(1),
        **({f"pytest.Clock.{name}": make for name, make in of_pytest()} if PYTEST else {}),
        "time.interval.tick": tonio.time.interval(1).tick,
        "time.sleep": lambda: tonio.time.sleep(0),
        "time.timeout": lambda: tonio.time.timeout(forever(), 1),
        "fs.open": lambda: tonio.fs.open(__file__),
        # What is no function or method of a public name.
        "Waiter()": lambda: tonio.Waiter(event),
        "a lock": lock,
        "a semaphore": semaphore,
        "a scope": left,
        "of as_completed": lambda: next(tonio.as_completed(tonio.sleep(0))),
        "of a signal receiver": lambda: next(iter(received)),
        "spawn.without_results": lambda: tonio.spawn.without_results(tonio.sleep(0)),
        "stdin.send_all": lambda: process.stdin.send_all(b"x"),
        "stdout.receive_some": lambda: process.stdout.receive_some(),
        **{f"File.{name}": getattr(file, name) for name in ("read", "readline", "close")},
    }


class Everything(unittest.TestCase):
    def test_is_waited_for(self):
        known = tonio.run(self.wait_for_each(), signals=[signal.SIGUSR1])
        names = {name.partition(" (")[0] for name in known}
        public = {*public_callables()} - FOREIGN
        # A new one belongs into one of the tables above.
        immediate = {name for name in IMMEDIATE if PYTEST or not name.startswith("pytest.")}
        self.assertEqual(public - names, immediate)

    def test_no_function_gives_a_mere_coroutine(self):
        found = {name for name, each in public_callables().items()
                 if inspect.iscoroutinefunction(each)}
        self.assertEqual(found, FOREIGN)

    def wait_for_each(self):
        process = yield from tonio.open_process(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with contextlib.ExitStack() as stack:
            calls = {**of_sockets(stack), **of_streams(stack), **of_paths(),
                     **of_the_rest(stack, process)}
            for name, make in calls.items():
                with self.subTest(name=name):
                    yield from self.begin(name, make)
        yield from process.end()
        return set(calls)

    def begin(self, name, make):
        """Waits as far as the first suspension, where the cancellation comes."""
        with tonio.scope() as limit:
            limit.cancel()
            try:
                made = yield from make()
            except OSError:
                made = None  # nobody is there
            for each in made if isinstance(made, list) else [made]:
                if hasattr(each, "close"):
                    each.close()
        yield from limit()


if __name__ == "__main__":
    main()
