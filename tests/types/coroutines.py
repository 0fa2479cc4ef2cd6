"""The public names of tonio in the `await` notation, with their types: test_programs.py has a
type checker read it, and runs it. assert_type() does nothing but tell the checker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, assert_type

import tonio.colored as tonio
from tonio.colored import fs, io, net, time
from tonio.colored.exceptions import (
    CancelledError,
    Deadlock,
    ResourceBroken,
    ResourceBusy,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)
from tonio.colored.net import SocketListener, SocketStream, socket, tls
from tonio.colored.net.tls import TLSContext, TLSListener, TLSStream
from tonio.colored.sync import Barrier, Lock, Semaphore, channel
from tonio.colored.types import Coro, Operation, Plain


async def add(x: int, y: int) -> int:
    await tonio.sleep(0)
    return x + y


async def greet(name: str) -> str:
    await tonio.yield_now()
    return f"hello {name}"


def plain(x: int) -> Plain[int]:
    yield
    return x


async def twice(coro: Coro[int]) -> int:
    """One that takes whatever gives an int."""
    return 2 * await tonio.spawn(coro)


async def spawning() -> None:
    one = await tonio.spawn(add(1, 2))
    assert_type(one, int)
    number, text = await tonio.spawn(add(1, 2), greet("you"))
    assert_type(number, int)
    assert_type(text, str)
    ints: list[int] = await tonio.spawn(add(1, 2), add(3, 4), plain(5))
    assert ints == [3, 7, 5]
    a, b, c, d = await tonio.spawn(add(1, 2), greet("you"), plain(3), tonio.sleep(0))
    assert_type((a, b, c), tuple[int, str, int])
    assert d is None
    many = await tonio.spawn(*[add(i, i) for i in range(6)])
    assert_type(many, list[int])
    doubled = await tonio.spawn(
        twice(add(1, 2)), twice(plain(3)), twice(tonio.spawn(add(3, 4))), twice(plain(1)), greet("")
    )
    assert doubled == [6, 6, 14, 2, "hello "]
    await tonio.spawn.without_results(add(1, 2), greet("you"))
    tonio.spawn.without_tracking(add(1, 2))
    assert_type(await tonio.map(greet, ["a", "b"]), list[str])
    assert_type(await tonio.select(add(1, 2), plain(3)), int)
    async for value in tonio.as_completed(add(1, 2), add(3, 4)):
        assert_type(value, int)
    found: list[tonio.TaskInfo] = tonio.tasks()
    parent: tonio.TaskInfo | None = found[0].parent
    assert parent is None and found[0].state == "running"


def parse(text: str, *, base: int) -> int:
    return int(text, base)


def from_a_thread(x: int) -> int:
    return tonio.block_on(add(x, x))


def from_asyncio(name: str) -> str:
    return asyncio.run(tonio.to_asyncio(greet(name)))


async def blocking() -> None:
    size = await tonio.spawn_blocking(len, "abc")
    assert_type(size, int)
    based = await tonio.spawn_blocking(parse, "11", base=2)
    sizes = await tonio.map_blocking(len, ["a", "bc"])
    assert_type(sizes, list[int])
    inside = await tonio.spawn_blocking(from_a_thread, 2)
    neighbour = await tonio.spawn_blocking(from_asyncio, "asyncio")
    back = await tonio.from_asyncio(asyncio.sleep(0, 5))
    assert_type(back, int)
    assert (based, sizes, inside, neighbour, back) == (3, [1, 2], 4, "hello asyncio", 5)


async def events() -> None:
    event = tonio.Event()
    waiting: Operation[None] = event.wait()
    first: bool = event.set()
    assert first and event.is_set()
    await waiting
    await event.wait(timeout=1.5)
    await event.waiter(1000)
    await tonio.Waiter(event, event)
    event.clear()
    result = tonio.Result(2)
    result.store("value", 1)
    assert result.fetch() == [None, "value"]


async def scopes() -> None:
    async with tonio.scope() as tasks:
        assert_type(tasks, tonio.scope)
        tasks.spawn(add(1, 2))
        tasks.spawn(tonio.sleep(0))
    async with tonio.scope(timeout=10, shield=True, raise_timeout=True) as limited:
        limited.cancel()
        await tonio.sleep(1)
    assert limited.cancelled and not limited.timed_out


async def clocks() -> None:
    begin: float = time.time()
    await time.sleep(0)
    output, done = await time.timeout(add(1, 2), 10)
    assert done and output is not None and output + 1 == 4
    ticks = time.interval(0.001, at=begin)
    await ticks.tick()


async def coordination() -> None:
    lock = Lock()
    async with lock:
        assert lock.locked() and not lock.try_acquire()
    with lock.or_raise():
        pass
    await lock.acquire()
    lock.release()
    with await lock():
        pass
    semaphore = Semaphore(2)
    async with semaphore:
        assert semaphore.tokens() == 1
    await semaphore.acquire()
    assert semaphore.try_acquire()
    semaphore.release()
    barrier = Barrier(2)
    barrier.ack()
    arrival = await barrier.wait()
    assert_type(arrival, int)
    assert arrival == 1 and barrier.value() == 2


async def produce(sender: channel.Sender[str]) -> None:
    await sender.send("text")
    sender.close()


async def channels() -> None:
    sender, receiver = channel.channel(1)
    await produce(sender)
    assert_type(await consume(receiver), str)
    numbers: channel.UnboundedSender[int]
    drain: channel.Receiver[int]
    numbers, drain = channel.unbounded()
    assert_type(numbers.send(5), None)
    assert_type(await drain.receive(), int)
    numbers.close()


async def consume(receiver: channel.Receiver[str]) -> str:
    return await receiver.receive()


async def signals() -> None:
    with tonio.signal_receiver(signal.SIGUSR1) as received:
        os.kill(os.getpid(), signal.SIGUSR1)
        async for number in received:
            assert_type(number, signal.Signals | int)
            assert number == signal.SIGUSR1
            break


async def processes() -> None:
    done = await tonio.run_process(
        ["cat"], stdin="text", capture_stdout=True, capture_stderr=True, check=True, grace=1.0
    )
    assert_type(done, subprocess.CompletedProcess[bytes])
    assert done.stdout == b"text"
    process = await tonio.open_process(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, start_new_session=True
    )
    assert_type(process, tonio.Process)
    assert process.stdio is not None and process.stderr is None and process.pid > 0
    stdin, stdout = process.stdio
    with stdin:
        await stdin.send_all(b"data")
    assert_type(await stdout.receive_some(100), bytes)
    code = await process.wait()
    assert_type(code, int)
    assert process.poll() == process.returncode == code == 0
    process.send_signal(signal.SIGTERM, group=True)
    process.terminate()
    process.kill()
    process.close_streams()
    await process.end(grace=1.0)


async def descriptors() -> None:
    read, write = os.pipe()
    with io.register(read) as ready:
        os.write(write, b"x")
        readable = await ready.arm_r(timeout=5)
        assert_type(readable, bool)
        assert readable and ready.consume_r()
    registration: io.Registration = io.register(write)
    assert await registration.arm_w() and registration.consume_w()
    registration.close()
    assert registration.closed
    os.close(read)
    os.close(write)


async def files(folder: fs.Path) -> None:
    path = folder / "file.txt"
    assert_type(path, fs.Path)
    assert_type(await path.write_text("one\ntwo\n"), int)
    assert_type(await path.read_text(), str)
    async with path.open() as file:
        assert_type(await file.readline(), str)
        async for line in file:
            assert_type(line, str)
    async with fs.open(path, "ab") as binary:
        assert_type(binary, fs.File[bytes])
        await binary.write(b"three\n")
    with open(path) as simple:
        wrapped = fs.wrap_file(simple)
        assert_type(await wrapped.readlines(), list[str])
    async for inside in folder.iterdir():
        assert_type(inside, fs.Path)
    for where, folders, names in await folder.walk():
        assert_type((where, folders, names), tuple[fs.Path, list[str], list[str]])
    assert (await path.stat()).st_size == 14
    renamed = await path.rename(folder / "other")
    await renamed.unlink()
    assert (await fs.Path.cwd()).is_absolute()


async def echo(stream: SocketStream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def streams(folder: fs.Path) -> None:
    listeners = await net.open_tcp_listeners(0, host="127.0.0.1", backlog=5, reuse_port=False)
    assert_type(listeners, list[SocketListener])
    port: int = listeners[0].socket.getsockname()[1]
    async with tonio.scope() as server:
        server.spawn(net.serve_listeners(echo, listeners))
        with await net.open_tcp_stream(
            "127.0.0.1", port, happy_eyeballs_delay=0.1, local_address=None
        ) as stream:
            assert_type(stream, SocketStream)
            await stream.send_all("text")
            stream.send_eof()
            assert_type(await stream.receive_some(10), bytes)
        path = str(folder / "socket")
        listener = await net.open_unix_listener(path, mode=0o600)
        client = await net.open_unix_socket(path)
        accepted = await listener.accept()
        assert_type(accepted, SocketStream)
        for each in (listener, client, accepted):
            each.close()
        server.spawn(net.serve_tcp(echo, 0, host="127.0.0.1"))
        server.spawn(net.serve_unix(echo, path))
        server.cancel()
    assert_type(net.inherited_listeners(), list[SocketListener])


async def sockets() -> None:
    one, other = socket.socketpair()
    assert_type(one, socket.socket)
    assert_type(await one.send(b"data"), int)
    assert_type(await other.recv(10), bytes)
    one.close()
    other.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.0.0.1", 0))
        size = await sock.sendto(b"to myself", sock.getsockname())
        assert_type(size, int)
        data, address = await sock.recvfrom(size)
        assert data == b"to myself" and address == sock.getsockname()
        option: int = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        assert option == sock.type
    found = await socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    assert found[0][0] == socket.AF_INET


async def encrypted() -> None:
    certificate, key = tls.self_signed_certificate("localhost")
    for_server = TLSContext(server_side=True)
    for_server.load_cert_chain(certificate, key)
    for_client = TLSContext()
    for_client.load_verify_locations(cadata=certificate)
    for_client.minimum_version = "TLSv1.3"

    async def shout(stream: TLSStream) -> None:
        await stream.send_all((await stream.receive_some()).upper())

    listeners = await tls.open_tls_over_tcp_listeners(0, for_server, host="127.0.0.1")
    assert_type(listeners, list[TLSListener])
    port: int = listeners[0].socket.getsockname()[1]
    async with tonio.scope() as server:
        server.spawn(net.serve_listeners(shout, listeners))
        transport = await net.open_tcp_stream("127.0.0.1", port)
        async with TLSStream(transport, for_client, server_hostname="localhost") as stream:
            await stream.handshake()
            await stream.send_all(b"quiet")
            assert await stream.receive_some() == b"QUIET"
            assert_type(stream.version(), str | None)
            assert stream.cipher() and not stream.session_reused
            assert_type(stream.getpeercert(), dict[str, Any] | None)
            assert_type(stream.getpeercert(True), bytes | None)
            assert stream.selected_alpn_protocol() is None
        server.cancel()


if TYPE_CHECKING:  # what needs trio, or a server of the right name

    async def neighbours() -> None:
        assert_type(await tonio.from_trio(add(1, 2)), int)
        assert_type(await tonio.to_trio(greet("trio")), str)

    async def secured(context: TLSContext) -> None:
        async with await tls.open_tls_over_tcp_stream("example.org", 443) as stream:
            assert_type(stream, TLSStream)
        await tls.serve_tls_over_tcp(secret, 443, context, handshake_timeout=5.0)

    async def secret(stream: TLSStream) -> None:
        await stream.send_all("secret")


async def failures() -> None:
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
    await lock.acquire()
    try:
        lock.or_raise()
    except WouldBlock as failure:
        assert_type(failure, WouldBlock)
    else:
        raise AssertionError("it was free")


@tonio.main(threads=2, signals=[signal.SIGUSR1], blocking_threadpool_idle_ttl=0.5)
async def main(name: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = fs.Path(folder)
        for part in (spawning, blocking, events, scopes, clocks, coordination, channels):
            await part()
        for part in (signals, processes, descriptors, sockets, encrypted, failures):
            await part()
        await files(path)
        await streams(path)
    print(name, tonio.__version__)
    return 3


@tonio.main
async def short() -> str:
    return await greet("you")


def before() -> None:
    result = tonio.run(add(1, 2), context=True, threads=2)
    assert_type(result, int)
    runtime: tonio.Runtime = tonio.runtime(threads=2)
    assert_type(runtime.run_until_complete(greet("you")), str)
    runtime.stop()
    assert_type(short(), str)


if __name__ == "__main__":
    before()
    code = main("coroutines")
    assert_type(code, int)
    assert code == 3
