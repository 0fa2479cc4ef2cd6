"""What was closed says so, in every method, and closing again does nothing."""

import contextlib
import errno
import inspect
import io
import os
import signal
import socket as stdlib
import subprocess
import tempfile
from typing import Any, NamedTuple

import tonio
from scenarios import Scenarios, main
from tls_servers import client_context, server_context
from tls_streams import Relayed, std_client_context, std_server_context
from tonio import fs, net
from tonio.exceptions import ResourceBroken
from tonio.io import register
from tonio.net import socket, tls
from tonio.sync import channel


class Raised(NamedTuple):
    kind: type
    why: Any  # an OSError's errno, the text of another


EBADF = Raised(OSError, errno.EBADF)
CHANNEL_CLOSED = Raised(BrokenPipeError, errno.EPIPE)
TLS_CLOSED = Raised(ResourceBroken, "the TLSStream is closed")
KEPT = object()  # what it was before closing


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def finished(value):
    """The value, or what it gives if it has to be waited for."""
    if inspect.isgenerator(value) or hasattr(value, "__await__"):
        value = yield value
    return value


def outcome(thing, name, args):
    """What an attribute is, or a method gives or raises."""
    try:
        value = getattr(thing, name)
        if callable(value):
            value = yield finished(value(*args))
    except Exception as failure:
        return Raised(type(failure), failure.args[0])
    if isinstance(value, fs.File):
        value = value.wrapped
    # Another one for each file, and of the same class.
    return type(value) if isinstance(value, io.IOBase) else value


def call(*args, gives):
    """An entry of a table: a method's arguments, and what it gives or raises, or an attribute's
    value."""
    return args, gives


# All but sendfile(), where the standard library's asks a selector first, which speaks of an invalid
# number; {name: arguments}
SOCKET = {
    "accept": (),
    "bind": ("x",),
    "close": (),
    "connect": ("x",),
    "connect_ex": ("x",),
    "detach": (),
    "dup": (),
    "family": (),
    "fileno": (),
    "get_inheritable": (),
    "getpeername": (),
    "getsockname": (),
    "getsockopt": (stdlib.SOL_SOCKET, stdlib.SO_REUSEADDR),
    "listen": (1,),
    "proto": (),
    "recv": (1,),
    "recv_into": (bytearray(1),),
    "recvfrom": (1,),
    "recvfrom_into": (bytearray(1),),
    "recvmsg": (1,),
    "recvmsg_into": ([bytearray(1)],),
    "send": (b"x",),
    "sendall": (b"x",),
    "sendmsg": ([b"x"],),
    "sendto": (b"x", "x"),
    "set_inheritable": (False,),
    "setsockopt": (stdlib.SOL_SOCKET, stdlib.SO_REUSEADDR, 1),
    "shutdown": (stdlib.SHUT_RDWR,),
    "type": (),
}

# Of all kinds; {name: arguments}
FILE = {
    "buffer": (),
    "close": (),
    "closed": (),
    "closefd": (),
    "detach": (),
    "encoding": (),
    "errors": (),
    "fileno": (),
    "flush": (),
    "getbuffer": (),
    "getvalue": (),
    "isatty": (),
    "line_buffering": (),
    "mode": (),
    "name": (),
    "newlines": (),
    "peek": (1,),
    "raw": (),
    "read": (),
    "read1": (1,),
    "readable": (),
    "readall": (),
    "readinto": (bytearray(1),),
    "readinto1": (bytearray(1),),
    "readline": (),
    "readlines": (),
    "reconfigure": (),
    "seek": (0,),
    "seekable": (),
    "tell": (),
    "truncate": (0,),
    "writable": (),
    "write": (b"x",),
    "write_through": (),
    "writelines": ([],),
}


class Closed(Scenarios):
    options = {"threads": 2}

    def every(self, make, close, table):
        """Each public name of what make() gives, once it is closed, does what the table says:
        {name: (arguments, what it gives or raises)}."""
        first = yield finished(make())
        self.assertEqual(public(first), set(table))
        yield finished(close(first))
        for name, (args, gives) in table.items():
            with self.subTest(name):
                thing = yield finished(make())
                if gives is KEPT:
                    gives = yield outcome(thing, name, args)
                for _ in range(2):
                    yield finished(close(thing))
                self.assertEqual((yield outcome(thing, name, args)), gives)
                repr(thing)

    def test_sockets(self):
        def pair(module):
            first, second = module.socketpair()
            second.close()
            return first

        def detach(thing):
            fd = thing.detach()
            if fd >= 0:
                os.close(fd)

        theirs = pair(stdlib)
        theirs.close()
        table = {}
        for name, args in SOCKET.items():
            table[name] = args, (yield outcome(theirs, name, args))
        with open(__file__, "rb") as file:
            table["sendfile"] = call(file, gives=EBADF)
            for close in socket.socket.close, detach:
                yield self.every(lambda: pair(socket), close, table)

    def test_streams_and_listeners(self):
        def stream():
            first, second = socket.socketpair()
            second.close()
            return net.SocketStream(first)

        table = {
            "close": call(gives=None),
            "receive_some": call(gives=EBADF),
            "send_all": call(b"x", gives=EBADF),
            "send_eof": call(gives=EBADF),
            "socket": call(gives=KEPT),
        }
        yield self.every(stream, net.SocketStream.close, table)

        def listener():
            return net.SocketListener(socket.socket())

        table = {
            "accept": call(gives=EBADF),
            "close": call(gives=None),
            "socket": call(gives=KEPT),
        }
        yield self.every(listener, net.SocketListener.close, table)
        yield self.every(
            lambda: tls.TLSListener(listener(), server_context()),
            tls.TLSListener.close,
            {**table, "transport": call(gives=KEPT)},
        )

    def test_tls_streams(self):
        used_when_closed = []

        class Watched(Relayed):
            closed = False

            def send_all(self, data):
                if self.closed:
                    used_when_closed.append("send_all")
                return super().send_all(data)

            def receive_some(self, max_bytes=None):
                if self.closed:
                    used_when_closed.append("receive_some")
                return super().receive_some(max_bytes)

            def close(self):
                self.closed = True
                return super().close()

        def stream(contexts, wrap, shaken):
            client, server = contexts
            ours, theirs = map(net.SocketStream, socket.socketpair())
            made = tls.TLSStream(wrap(ours), client(), server_hostname="localhost")
            with theirs:
                if shaken:
                    peer = tls.TLSStream(theirs, server(), server_side=True)
                    yield tonio.spawn(made.handshake(), peer.handshake())
            return made

        def leave(stream):
            with stream:
                pass

        native = client_context, server_context
        for contexts in native, (std_client_context, std_server_context):
            for wrap in (lambda transport: transport), Watched:
                for shaken in True, False:
                    # That reads and writes by itself, once the handshake is over.
                    on_socket = shaken and contexts is native and wrap is not Watched
                    table = {
                        "cipher": call(gives=KEPT),
                        "close": call(gives=None),
                        "getpeercert": call(gives=KEPT),
                        "handshake": call(gives=None if shaken else TLS_CLOSED),
                        "receive_some": call(gives=EBADF if on_socket else TLS_CLOSED),
                        "selected_alpn_protocol": call(gives=KEPT),
                        "send_all": call(b"x", gives=TLS_CLOSED),
                        "send_eof": call(gives=None),
                        "session_reused": call(gives=KEPT),
                        "socket": call(gives=KEPT),
                        "transport": call(gives=KEPT),
                        "version": call(gives=KEPT),
                    }
                    for close in tls.TLSStream.close, leave:
                        with self.subTest(contexts[0].__name__, wrap=wrap, shaken=shaken):
                            yield self.every(lambda: stream(contexts, wrap, shaken), close, table)
        self.assertEqual(used_when_closed, [])

    def test_nothing_is_known_of_a_tls_stream_that_was_not_used(self):
        for context in client_context, std_client_context:
            first, second = socket.socketpair()
            stream = tls.TLSStream(
                net.SocketStream(first), context(), server_hostname="localhost"
            )
            second.close()
            yield stream.close()
            for name in "cipher", "getpeercert", "selected_alpn_protocol", "version":
                with self.subTest(name):
                    self.assertIsNone(getattr(stream, name)())

    def test_channels(self):
        others = []
        for make in channel.unbounded, lambda: channel.channel(1):

            def sender():
                end, other = make()
                others.append(other)
                return end

            def receiver():
                other, end = make()
                others.append(other)
                return end

            for end, table in (
                (sender, {"send": call(1, gives=CHANNEL_CLOSED)}),
                (receiver, {"receive": call(gives=CHANNEL_CLOSED)}),
            ):
                table["close"] = call(gives=None)
                yield self.every(end, lambda thing: thing.close(), table)

    def test_files(self):
        with tempfile.NamedTemporaryFile() as file:
            kinds = [
                (lambda *_: io.open(file.name, *_), lambda *_: fs.open(file.name, *_), *mode)
                for mode in [("rb", 0), ("rb",), ("wb",), ("r+b",), ("r",), ("r+",)]
            ]
            for kind in io.BytesIO, io.StringIO:
                kinds.append((kind, lambda kind=kind: fs.wrap_file(kind())))
            for open_theirs, open_ours, *mode in kinds:
                with self.subTest(open_theirs, mode=mode):
                    yield self.files(lambda: open_theirs(*mode), lambda: open_ours(*mode))

    def files(self, open_theirs, open_ours):
        """Each name of a closed file is as io's file object of the same kind has it."""
        table = {}
        for name in public(theirs := open_theirs()) & set(FILE):
            args = FILE[name]
            if name == "write" and isinstance(theirs, io.TextIOBase):
                args = ("x",)
            with open_theirs() as closed:
                pass
            table[name] = args, (yield outcome(closed, name, args))
        table["wrapped"] = call(gives=type(theirs))
        theirs.close()
        yield self.every(open_ours, lambda file: file.close(), table)

    def test_registrations(self):
        with contextlib.ExitStack() as sockets:

            def registration():
                first, second = map(sockets.enter_context, socket.socketpair())
                return register(first.fileno())

            table = {
                "arm_r": call(1, gives=EBADF),
                "arm_w": call(1, gives=EBADF),
                "close": call(gives=None),
                "closed": call(gives=True),
                "consume_r": call(gives=EBADF),
                "consume_w": call(gives=EBADF),
            }
            yield self.every(registration, lambda thing: thing.close(), table)

    def test_processes(self):
        def process():
            # Ends by the signal only, not because its input does.
            return tonio.open_process(["sleep", "3600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        # Signals to one that has ended go nowhere: somebody else may have its number.
        code = call(gives=-signal.SIGTERM)
        table = {
            "args": call(gives=KEPT),
            "close_streams": call(gives=None),
            "end": call(gives=None),
            "kill": call(gives=None),
            "pid": call(gives=KEPT),
            "poll": code,
            "returncode": code,
            "send_signal": call(signal.SIGTERM, gives=None),
            "stderr": call(gives=None),
            "stdin": call(gives=KEPT),
            "stdio": call(gives=KEPT),
            "stdout": call(gives=KEPT),
            "terminate": call(gives=None),
            "wait": code,
        }
        yield self.every(process, lambda thing: thing.end(), table)

    def test_pipes(self):
        ended = []

        def pipe(name):
            process = yield tonio.open_process(
                ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            ended.append(process)
            return getattr(process, name)

        table = {"close": call(gives=None), "fileno": call(gives=-1)}
        for name, more in (
            ("stdin", {"send_all": call(b"x", gives=EBADF)}),
            ("stdout", {"receive_some": call(gives=EBADF)}),
        ):
            yield self.every(lambda: pipe(name), lambda thing: thing.close(), table | more)
        for process in ended:
            yield process.end()


if __name__ == "__main__":
    main()
