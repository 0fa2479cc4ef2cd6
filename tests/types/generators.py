"""The public names of tonio in the `yield` notation, with their types: test_programs.py has a
type checker read it, and runs it. assert_type() does nothing but tell the checker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, assert_type

import tonio
import tonio.fs
import tonio.io
import tonio.net
import tonio.net.socket
import tonio.net.tls
import tonio.time
from tonio.exceptions import (
    CancelledError,
    Deadlock,
    ResourceBroken,
    ResourceBusy,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)
from tonio.net import SocketListener, SocketStream
from tonio.net.tls import TLSContext, TLSListener, TLSStream  # noqa: F401
from tonio.sync import Barrier, Lock, Semaphore, channel
from tonio.types import Coro, Operation, Plain


def add(x: int, y: int) -> Plain[int]:
    yield tonio.sleep(0)
    return x + y


def greet(name: str) -> Plain[str]:
    yield
    return f"hello {name}"


async def colored(x: int) -> int:
    await tonio.sleep(0)
    return x


def twice(coro: Coro[int]) -> Plain[int]:
    """One that takes whatever gives an int."""
    result: int = yield coro
    return 2 * result


def spawning() -> Plain[None]:
    one = yield from tonio.spawn(add(1, 2))
    assert_type(one, int)
    number, text = yield from tonio.spawn(add(1, 2), greet("you"))
    assert_type(number, int)
    assert_type(text, str)
    ints: list[int] = yield from tonio.spawn(add(1, 2), add(3, 4), colored(5))
    assert ints == [3, 7, 5]
    many = yield from tonio.spawn(*[add(i, i) for i in range(3)])
    assert_type(many, list[int])
    assert many == [0, 2, 4]
    # What comes out of `yield` is Any: give it a type.
    called: int = yield add(1, 2)
    gathered: list[int] = yield [add(1, 2), colored(4)]
    yield {add(5, 6)}
    assert (called, gathered) == (3, [3, 4])
    doubled: list[int] = yield tonio.spawn(
        twice(add(1, 2)), twice(colored(3)), twice(tonio.spawn(add(3, 4)))
    )
    assert doubled == [6, 6, 14]
    yield tonio.spawn.without_results(add(1, 2), greet("you"))
    assert_type(tonio.spawn.without_tracking(add(1, 2)), None)
    mapped = yield from tonio.map(greet, ["a", "b"])
    assert_type(mapped, list[str])
    first = yield from tonio.select(add(1, 2), tonio.spawn(add(1, 2)))
    assert_type(first, int)
    assert first == 3
    for task in tonio.as_completed(add(1, 2), add(3, 4)):
        value = yield from task
        assert_type(value, int)
        assert value in (3, 7)
    found = tonio.tasks()
    assert_type(found, list[tonio.TaskInfo])
    parent: tonio.TaskInfo | None = found[0].parent
    assert parent is None and found[0].state == "running"


def parse(text: str, *, base: int) -> int:
    return int(text, base)


def from_a_thread(x: int) -> int:
    return tonio.block_on(add(x, x))


def from_asyncio(name: str) -> str:
    return asyncio.run(tonio.to_asyncio(greet(name)))


def blocking() -> Plain[None]:
    size = yield from tonio.spawn_blocking(len, "abc")
    assert_type(size, int)
    based = yield from tonio.spawn_blocking(parse, "11", base=2)
    sizes = yield from tonio.map_blocking(len, ["a", "bc"])
    assert_type(sizes, list[int])
    inside = yield from tonio.spawn_blocking(from_a_thread, 2)
    neighbour = yield from tonio.spawn_blocking(from_asyncio, "asyncio")
    back: int = yield tonio.from_asyncio(asyncio.sleep(0, 5))
    assert (based, sizes, inside, neighbour, back) == (3, [1, 2], 4, "hello asyncio", 5)


def events() -> Plain[None]:
    event = tonio.Event()
    assert_type(event.wait(), Operation[None])
    first: bool = event.set()
    assert first and event.is_set()
    yield event.wait(timeout=1.5)
    yield from event.waiter(1000)
    yield tonio.Waiter(event, event)
    event.clear()
    result = tonio.Result(2)
    result.store("value", 1)
    assert result.fetch() == [None, "value"]


def scopes() -> Plain[None]:
    with tonio.scope() as tasks:
        tasks.spawn(add(1, 2))
        tasks.spawn(tonio.sleep(0))
    yield tasks()
    with tonio.scope(timeout=10, shield=True, raise_timeout=True) as limited:
        limited.cancel()
        yield tonio.sleep(1)
    yield limited()
    assert limited.cancelled and not limited.timed_out


def clocks() -> Plain[None]:
    begin: float = tonio.time.time()
    yield tonio.time.sleep(0)
    output, done = yield from tonio.time.timeout(add(1, 2), 10)
    assert done and output == 3
    ticks = tonio.time.interval(0.001, at=begin)
    yield ticks.tick()
    yield from ticks.tick()


def coordination() -> Plain[None]:
    lock = Lock()
    with (yield lock()):
        assert lock.locked() and not lock.try_acquire()
    with lock.or_raise():
        pass
    yield from lock.acquire()
    lock.release()
    semaphore = Semaphore(2)
    with (yield from semaphore()):
        assert semaphore.tokens() == 1
    yield semaphore.acquire()
    assert semaphore.try_acquire()
    semaphore.release()
    with semaphore.or_raise():
        pass
    barrier = Barrier(2)
    barrier.ack()
    arrival = yield from barrier.wait()
    assert_type(arrival, int)
    assert arrival == 1 and barrier.value() == 2


def channels() -> Plain[None]:
    sender: channel.Sender[str]
    receiver: channel.Receiver[str]
    sender, receiver = channel.channel(1)
    yield sender.send("text")
    message = yield from receiver.receive()
    assert_type(message, str)
    sender.close()
    receiver.close()
    numbers: channel.UnboundedSender[int]
    drain: channel.Receiver[int]
    numbers, drain = channel.unbounded()
    assert_type(numbers.send(5), None)
    assert (yield drain.receive()) == 5
    numbers.close()
    # Without annotations the messages are Any.
    anything, _ = channel.channel(1)
    yield anything.send(object())


def signals() -> Plain[None]:
    with tonio.signal_receiver(signal.SIGUSR1) as received:
        os.kill(os.getpid(), signal.SIGUSR1)
        for arrival in received:
            number = yield from arrival
            assert_type(number, signal.Signals | int | None)
            assert number == signal.SIGUSR1
            break


def processes() -> Plain[None]:
    done = yield from tonio.run_process(
        ["cat"], stdin="text", capture_stdout=True, capture_stderr=True, check=True, grace=1.0
    )
    assert_type(done, subprocess.CompletedProcess[bytes])
    assert done.stdout == b"text"
    process = yield from tonio.open_process(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, start_new_session=True
    )
    assert_type(process, tonio.Process)
    assert process.stdio is not None and process.stderr is None and process.pid > 0
    stdin, stdout = process.stdio
    with stdin:
        yield stdin.send_all(b"data")
    data: bytes = yield stdout.receive_some(100)
    assert data == b"data" and process.args == ["cat"]
    code = yield from process.wait()
    assert_type(code, int)
    assert process.poll() == process.returncode == code == 0
    process.send_signal(signal.SIGTERM, group=True)
    process.terminate()
    process.kill()
    process.close_streams()
    yield process.end(grace=1.0)


def descriptors() -> Plain[None]:
    read, write = os.pipe()
    with tonio.io.register(read) as ready:
        os.write(write, b"x")
        readable = yield from ready.arm_r(timeout=5)
        assert_type(readable, bool)
        assert readable and ready.consume_r()
    registration: tonio.io.Registration = tonio.io.register(write)
    yield registration.arm_w()
    registration.consume_w()
    registration.close()
    assert registration.closed
    os.close(read)
    os.close(write)


def files(folder: tonio.fs.Path) -> Plain[None]:
    path = folder / "file.txt"
    assert_type(path, tonio.fs.Path)
    written = yield from path.write_text("one\ntwo\n")
    assert_type(written, int)
    text = yield from path.read_text()
    assert_type(text, str)
    with (yield from path.open()) as file:
        line = yield from file.readline()
        assert_type(line, str)
        rest = yield from file.readlines()
        assert_type(rest, list[str])
    binary = yield from tonio.fs.open(path, "ab")
    assert_type(binary, tonio.fs.File[bytes])
    yield binary.write(b"three\n")
    yield binary.close()
    with open(path) as plain:
        wrapped = tonio.fs.wrap_file(plain)
        assert_type(wrapped, tonio.fs.File[str])
        assert (yield wrapped.read()) == "one\ntwo\nthree\n"
    inside = yield from folder.iterdir()
    assert_type(inside, list[tonio.fs.Path])
    assert inside == [path]
    status = yield from path.stat()
    assert status.st_size == 14
    renamed = yield from path.rename(folder / "other")
    assert_type(renamed, tonio.fs.Path)
    yield renamed.unlink()
    here = yield from tonio.fs.Path.cwd()
    assert here.is_absolute()


def echo(stream: SocketStream) -> Plain[None]:
    while data := (yield from stream.receive_some()):
        yield stream.send_all(data)


def streams(folder: tonio.fs.Path) -> Plain[None]:
    listeners: list[SocketListener] = yield tonio.net.open_tcp_listeners(
        0, host="127.0.0.1", backlog=5, reuse_port=False
    )
    port: int = listeners[0].socket.getsockname()[1]
    with tonio.scope() as server:
        server.spawn(tonio.net.serve_listeners(echo, listeners))
        stream = yield from tonio.net.open_tcp_stream(
            "127.0.0.1", port, happy_eyeballs_delay=0.1, local_address=None
        )
        with stream:
            yield from stream.send_all("text")
            stream.send_eof()
            data = yield from stream.receive_some(10)
            assert_type(data, bytes)
            assert data == b"text"
        path = str(folder / "socket")
        listener: SocketListener = yield tonio.net.open_unix_listener(path, mode=0o600)
        client: SocketStream = yield tonio.net.open_unix_socket(path)
        accepted = yield from listener.accept()
        assert_type(accepted, SocketStream)
        for each in (listener, client, accepted):
            each.close()
        server.spawn(tonio.net.serve_tcp(echo, 0, host="127.0.0.1"))
        server.spawn(tonio.net.serve_unix(echo, path))
        server.cancel()
    yield server()
    assert_type(tonio.net.inherited_listeners(), list[SocketListener])


def sockets() -> Plain[None]:
    one, other = tonio.net.socket.socketpair()
    assert_type(one, tonio.net.socket.socket)
    sent = yield from one.send(b"data")
    assert_type(sent, int)
    assert (yield from other.recv(10)) == b"data"
    one.close()
    other.close()
    with tonio.net.socket.socket(tonio.net.socket.AF_INET, tonio.net.socket.SOCK_DGRAM) as sock:
        yield sock.bind(("127.0.0.1", 0))
        size: int = yield sock.sendto(b"to myself", sock.getsockname())
        data, address = yield from sock.recvfrom(size)
        assert data == b"to myself" and address == sock.getsockname()
        option: int = sock.getsockopt(tonio.net.socket.SOL_SOCKET, tonio.net.socket.SO_TYPE)
        assert option == sock.type


def encrypted() -> Plain[None]:
    certificate, key = tonio.net.tls.self_signed_certificate("localhost")
    for_server = TLSContext(server_side=True)
    for_server.load_cert_chain(certificate, key)
    for_client = TLSContext()
    for_client.load_verify_locations(cadata=certificate)
    for_client.minimum_version = "TLSv1.3"

    def shout(stream: TLSStream) -> Plain[None]:
        data: bytes = yield stream.receive_some()
        yield stream.send_all(data.upper())

    listeners = yield from tonio.net.tls.open_tls_over_tcp_listeners(
        0, for_server, host="127.0.0.1"
    )
    port: int = listeners[0].socket.getsockname()[1]
    with tonio.scope() as server:
        server.spawn(tonio.net.serve_listeners(shout, listeners))
        transport: SocketStream = yield tonio.net.open_tcp_stream("127.0.0.1", port)
        stream = TLSStream(transport, for_client, server_hostname="localhost")
        yield stream.handshake()
        yield stream.send_all(b"quiet")
        assert (yield stream.receive_some()) == b"QUIET"
        version: str | None = stream.version()
        assert version == "TLSv1.3" and stream.cipher() and not stream.session_reused
        shown: dict[str, Any] | None = stream.getpeercert()
        der: bytes | None = stream.getpeercert(True)
        assert shown and der and stream.selected_alpn_protocol() is None
        yield stream.close()
        server.cancel()
    yield server()


if TYPE_CHECKING:  # what needs trio, or a server of the right name

    def neighbours() -> Plain[None]:
        value: int = yield tonio.from_trio(colored(1))
        text: str = yield tonio.to_trio(greet(str(value)))
        print(text)

    def secured(context: TLSContext) -> Plain[None]:
        stream: TLSStream = yield tonio.net.tls.open_tls_over_tcp_stream("example.org", 443)
        yield stream.close()
        yield tonio.net.tls.serve_tls_over_tcp(secret, 443, context, handshake_timeout=5.0)

    def secret(stream: TLSStream) -> Plain[None]:
        yield stream.send_all("secret")


def failures() -> Plain[None]:
    kinds: list[type[BaseException]] = [
        CancelledError,
        Deadlock,
        ResourceBroken,
        ResourceBusy,
        RuntimeAlreadyInitializedError,
        RuntimeNotInitializedError,
        TimeoutError,
    ]
    assert len(kinds) == 7 and tonio.exceptions.WouldBlock is WouldBlock
    lock = Lock()
    yield lock.acquire()
    try:
        lock.or_raise()
    except WouldBlock as failure:
        assert_type(failure, WouldBlock)
    else:
        raise AssertionError("it was free")


@tonio.main(threads=2, signals=[signal.SIGUSR1], blocking_threadpool_idle_ttl=0.5)
def main(name: str) -> Plain[int]:
    with tempfile.TemporaryDirectory() as folder:
        path = tonio.fs.Path(folder)
        for part in (spawning, blocking, events, scopes, clocks, coordination, channels):
            yield part()
        for part in (signals, processes, descriptors, sockets, encrypted, failures):
            yield part()
        yield files(path)
        yield streams(path)
    print(name, tonio.__version__)
    return 3


@tonio.main
def short() -> Plain[str]:
    return (yield from greet("you"))


def before() -> None:
    result = tonio.run(add(1, 2), context=True, threads=2)
    assert_type(result, int)
    runtime: tonio.Runtime = tonio.runtime(threads=2)
    assert_type(runtime.run_until_complete(greet("you")), str)
    runtime.stop()
    assert_type(short(), str)


if __name__ == "__main__":
    before()
    code = main("generators")
    assert_type(code, int)
    assert code == 3
