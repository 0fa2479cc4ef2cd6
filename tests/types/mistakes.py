"""Wrong types, which a checker has to report: the line with each error says which kinds
(test_programs.py). Nobody runs this."""

from __future__ import annotations

import tonio
import tonio.colored
import tonio.fs
import tonio.net
import tonio.net.tls
from tonio.net import SocketStream
from tonio.net.tls import TLSStream
from tonio.sync import Lock, Semaphore, channel
from tonio.types import Coro, Operation, Plain


def add(x: int, y: int) -> Plain[int]:
    yield tonio.sleep("1")  # expect-error
    return "three"  # expect-error


async def greet(name: str) -> str:
    return f"hello {name}"


def plain() -> Plain[None]:
    number: str = yield from tonio.spawn(add(1, 2))  # expect-error
    one, two = yield from tonio.spawn(add(1, 2), greet("you"))
    print(number, one + two)  # expect-error
    yield from greet("you")  # expect-error
    for task in tonio.as_completed(add(1, 2)):
        task.result()  # expect-error
    with Lock():  # expect-error
        pass


async def colored() -> None:
    await add(1, 2)  # expect-error
    text: str = await tonio.spawn(add(1, 2))  # expect-error
    texts: list[str] = await tonio.spawn(add(1, 2), add(3, 4))  # expect-error
    await tonio.spawn(5)  # expect-error
    await tonio.spawn(greet)  # expect-error
    await tonio.spawn_blocking(len, 5)  # expect-error
    await tonio.spawn_blocking(len("five"))  # expect-error
    await tonio.map(greet, [1, 2])  # expect-error
    tonio.spawn.without_nothing(greet("you"))  # expect-error
    async with tonio.scope(limit=5) as tasks:  # expect-error
        tasks.spawn(greet)  # expect-error
    semaphore = Semaphore()  # expect-error
    await semaphore.release()  # expect-error
    await tonio.Event().wait("soon")  # expect-error
    async for value in tonio.as_completed(add(1, 2)):
        text = value  # noqa: F841  # expect-error
    output, done = await tonio.time.timeout(add(1, 2), 5)
    print(output + 1, done, texts)  # expect-error
    await tonio.colored.yield_now(1)  # expect-error
    await tonio.yield_now()  # expect-error


async def messages() -> None:
    sender: channel.Sender[int]
    receiver: channel.Receiver[int]
    sender, receiver = channel.channel("big")  # expect-error
    await sender.send("text")  # expect-error
    text: str = await receiver.receive()  # expect-error
    print(text)


async def files() -> None:
    path = tonio.fs.Path("file")
    text: str = await path.read_bytes()  # expect-error
    async with path.open("rb") as file:
        await file.write("text")  # expect-error
        file.wirte(b"")  # expect-error
        for line in file:  # expect-error
            print(line, text)
    if path.exists().value:  # expect-error
        pass
    await tonio.fs.open(path, mode=5)  # expect-error


async def receive(stream: TLSStream) -> None:
    await stream.send_all(5)  # expect-error


def not_a_handler(stream: SocketStream) -> None: ...


async def network() -> None:
    stream: str = await tonio.net.open_tcp_stream("localhost", 80)  # expect-error
    await tonio.net.open_tcp_stream("localhost", "80")  # expect-error
    await tonio.net.serve_tcp(receive, 80)  # expect-error
    await tonio.net.serve_tcp(not_a_handler, 80)  # expect-error
    await tonio.net.tls.serve_tls_over_tcp(receive, 443)  # expect-error
    await tonio.net.socket.socket().recv("all")  # expect-error
    tonio.net.socket.nonesuch()  # expect-error
    print(stream)


async def processes() -> None:
    done = await tonio.run_process(["ls"], capture_stdout="yes")  # expect-error
    text: str = done.stdout  # expect-error
    process = await tonio.open_process(5)  # expect-error
    await process.wait(timeout=5)  # expect-error
    await process.stdin.send_all(text)  # expect-error


@tonio.main(thread=2)  # expect-error
async def main() -> None: ...


@tonio.main  # expect-error
def no_coroutine() -> None: ...


def ready(operation: Operation[int], coro: Coro[int]) -> None:
    text: str = tonio.run(operation)  # expect-error
    text = tonio.block_on(coro)  # expect-error
    print(text)
