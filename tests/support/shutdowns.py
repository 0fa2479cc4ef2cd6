"""What a program may leave running when it ends, the ways in which it may end, and what is to
come of each pair: the pieces of tests/stress/test_shutdown_matrix.py.

A program is START, a leftover's text, which defines leave(), a coroutine function in either
notation that starts the leftover and waits until it is in place, and an ending's text.
"""

import dataclasses
import signal

import waiting_tasks
from sanitizers import SANITIZED

# say() writes a line at once, whatever becomes of the interpreter.
START = """
import functools, os, signal, subprocess, sys, threading, time
import tonio
from tonio import net, sync
from tonio.net import socket
from tonio.sync import channel

workers = int(sys.argv[1])
# Or by what main does.
ended_by_signal = len(sys.argv) > 2

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def background(*coroutines):
    tonio.spawn.without_tracking(*coroutines)
"""

# With a body {body} for what is done once the leftover is in place, and {cleans}.
MAIN = """
def {name}():
    try:
        yield leave()
        say("in place")
        {body}
    finally:
        say("main's finally")
        {cleans}
"""

# What is written by one that need not be left behind after all.
STOPPED = "stopped"


@dataclasses.dataclass(frozen=True)
class Leftover:
    text: str
    # Lines that it writes when the program ends in order.
    finals: tuple[str, ...] = ()
    # The line that tells that it is in place.
    placed: str = "in place"
    # Whether it needs to be left behind, and the regular expression of what names it then; of a
    # task that is left suspended, too.
    stubborn: bool = False
    named: str = ""
    # What it writes to standard error when the program ends in order.
    reported: str = ""
    # The shutdown timeout with which it is left behind, in seconds.
    grace: float = 0.3
    # Lines that it writes when all tasks have ended; what is said of it where some don't.
    last_finals: tuple[str, ...] = ()
    left_open: str = ""
    # Whether it keeps its worker for itself.
    holds_worker: bool = False
    # Of `tonio run`.
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Ending:
    program: str
    code: int
    # On standard error, in full.
    reported: str = ""
    # The signals that the test sends, each after a line, or when the leftover is "placed".
    signals: tuple[tuple[signal.Signals, str], ...] = ()
    # Whether tasks are cancelled and waited for.
    orderly: bool = True
    # Whether main itself is left, because nobody waits for it any more.
    leaves_main: bool = False


LEFTOVERS = {
    "tasks waiting on everything": Leftover(
        waiting_tasks.PLAIN,
        finals=tuple(f"finally {name}" for name in waiting_tasks.PLAIN_NAMES),
        options=("--signals", "USR1"),
    ),
    "tasks waiting on everything, async": Leftover(
        waiting_tasks.ASYNC,
        finals=tuple(f"finally {name}" for name in waiting_tasks.ASYNC_NAMES),
        options=("--signals", "USR1"),
    ),
    # Trio's border is made of the same pieces, and Trio isn't on all machines.
    "tasks waiting on asyncio": Leftover(
        """
import asyncio

async def sleeps(begun):
    try:
        begun.set()
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.001)
        say("finally sleeper")

def visits(coroutine, begun):
    try:
        yield tonio.from_asyncio(coroutine(begun))
    finally:
        yield tonio.sleep(0.001)
        say("finally visitor who", coroutine.__name__)

async def guest(begun, of):
    try:
        begun.set()
        await tonio.sleep(3600)
    finally:
        await tonio.sleep(0.001)
        say("finally guest of", of)

def hosts(begun):
    try:
        asyncio.run(tonio.to_asyncio(guest(begun, "a thread")))
    except asyncio.CancelledError:
        pass

async def hosts_too(begun):
    await tonio.to_asyncio(guest(begun, "a visitor"))

def leave():
    events = tonio.Event(), tonio.Event(), tonio.Event()
    background(visits(sleeps, events[0]))
    # A daemon: threads that are none are waited for before the tasks are asked to end.
    threading.Thread(target=hosts, args=(events[1],), daemon=True).start()
    # The end asks both sides of this one to end.
    background(visits(hosts_too, events[2]))
    yield tonio.Waiter(*events)
""",
        finals=(
            "finally sleeper",
            "finally visitor who sleeps",
            "finally visitor who hosts_too",
            "finally guest of a thread",
            "finally guest of a visitor",
        ),
    ),
    "while True: yield": Leftover(
        """
def spins(begun):
    begun.set()
    try:
        while True:
            yield
    finally:
        say("finally")

def leave():
    begun = tonio.Event()
    background(spins(begun))
    yield begun.wait()
""",
        finals=("finally",),
    ),
    "CPU-bound task": Leftover(
        """
def computes(begun):
    say("computing")
    begun.set()
    while True:
        pass
    yield

def computes_at_last(begun):
    try:
        begun.set()
        yield tonio.sleep(3600)
    finally:
        computes(begun).send(None)

def leave():
    begun = tonio.Event()
    if workers > 1:
        background(computes(begun))
        yield begun.wait()
    elif ended_by_signal:  # main has no turn any more
        background(computes(begun))
    else:
        background(computes_at_last(begun))
        yield begun.wait()
""",
        placed="computing",
        stubborn=True,
        named=r"  task computes(_at_last)?, spawned at .*\n",
        holds_worker=True,
    ),
    "blocking job": Leftover(
        """
def job(begun):
    try:
        begun.set()
        time.sleep(600)
    except tonio.exceptions.CancelledError:  # before it slept
        say("stopped")
        raise

def waits(begun):
    try:
        yield tonio.spawn_blocking(job, begun)
    finally:
        say("finally")

def leave():
    begun = tonio.Event()
    background(waits(begun))
    yield begun.wait()
""",
        last_finals=("finally",),
        stubborn=True,
        grace=6 if SANITIZED else 4,
        named=r"  blocking call of job, spawned at .*\n",
    ),
    "daemon threads": Leftover(
        """
def spins(begun):
    begun.set()
    text = []
    while True:
        text = [str(len(text))] * 10

def blocks(begun):
    begun.set()
    try:
        tonio.block_on(tonio.sleep(3600))
    except tonio.exceptions.CancelledError:
        pass

def leave():
    for work in (spins, blocks, lambda begun: begun.set() or time.sleep(3600)):
        begun = tonio.Event()
        threading.Thread(target=work, args=(begun,), daemon=True).start()
        yield begun.wait()
""",
    ),
    "non-daemon thread": Leftover(
        """
def answer():
    yield tonio.sleep(0.001)
    return 42

def work(begun):
    begun.set()
    threading.main_thread().join()
    say("thread", tonio.block_on(answer()))

def leave():
    begun = tonio.Event()
    threading.Thread(target=work, args=(begun,), daemon=False).start()
    yield begun.wait()
""",
        last_finals=("thread 42",),
    ),
    "child process": Leftover(
        """
def waits(begun):
    process = yield tonio.open_process(
        ["sleep", "3600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    say("child", process.pid)
    begun.set()
    try:
        yield process.wait()
    finally:
        process.terminate()
        yield process.wait()
        say("finally")

def leave():
    begun = tonio.Event()
    background(waits(begun))
    yield begun.wait()
""",
        finals=("finally",),
    ),
    "open sockets": Leftover(
        """
def echo(stream):
    try:
        try:
            while data := (yield stream.receive_some()):
                yield stream.send_all(data)
        except ConnectionError:
            pass
        # The client was cancelled first. Clean-up that begins by itself may be cancelled; this one not.
        yield tonio.sleep(3600)
    finally:
        yield tonio.sleep(0.001)
        say("finally handler")

def serves(listeners):
    try:
        yield net.serve_listeners(echo, listeners)
    finally:
        say("finally server")

def sends(address, begun):
    with (yield net.open_tcp_stream(*address)) as stream:
        try:
            while True:
                yield stream.send_all(b"x" * 1000)
                yield stream.receive_some()
                begun.set()
        except ConnectionError:  # the server was cancelled first
            pass
        finally:
            say("finally client")

def leave():
    listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
    address = listeners[0].socket.getsockname()
    begun = tonio.Event()
    background(serves(listeners), sends(address, begun))
    yield begun.wait()
""",
        finals=("finally handler", "finally server", "finally client"),
    ),
    "async generators": Leftover(
        """
async def numbers(name):
    try:
        for i in range(10):
            yield i
            await tonio.sleep(3600 if i == 1 else 0)
    finally:
        await tonio.sleep(0.001)
        say("finally", name)

kept = numbers("kept")

async def waits(begun):
    async for i in numbers("awaited"):
        if i == 1:
            begun.set()

async def takes_one(numbers):
    return await anext(numbers)

def leave():
    begun = tonio.Event()
    background(waits(begun))
    yield begun.wait()
    yield takes_one(kept)
    yield takes_one(numbers("dropped"))
""",
        finals=("finally awaited", "finally dropped"),
        last_finals=("finally kept",),
        left_open=r"Exception ignored in: <async_generator object numbers(?s:.*?)\nAttributeError: .*\n",
    ),
    "exception during cancellation": Leftover(
        """
def fails(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        say("finally")
        raise ValueError("while ending")

def leave():
    begun = tonio.Event()
    background(fails(begun))
    yield begun.wait()
""",
        finals=("finally",),
        reported=r"tonio: a task failed and nobody awaited it; it was spawned at .*\n"
        r"Traceback(?s:.*?)tonio\.exceptions\.CancelledError\n\nDuring handling(?s:.*?)"
        r"ValueError: while ending\n",
    ),
    "finally that never ends": Leftover(
        """
def stays(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        say("finally")
        while True:
            yield tonio.sleep(0.01)

def leave():
    begun = tonio.Event()
    background(stays(begun))
    yield begun.wait()
""",
        finals=("finally",),
        stubborn=True,
        named=r"  task stays, spawned at .*\n",
    ),
}


def _main(body, cleans="pass", name="main"):
    return MAIN.format(body=body, cleans=cleans, name=name)


_FOREVER = "yield tonio.sleep(3600)"
_TRACEBACK = r"Traceback \(most recent call last\):\n(?:  .*\n)+"

ENDINGS = {
    "normal end": Ending(_main("pass"), 0),
    "sys.exit": Ending(_main("sys.exit(7)"), 7),
    "unhandled exception": Ending(
        _main("raise LookupError('the end')"), 1, _TRACEBACK + "LookupError: the end\n"
    ),
    "os._exit": Ending(_main("os._exit(9)"), 9, orderly=False),
    "SIGINT": Ending(
        _main(_FOREVER), 130, "KeyboardInterrupt\n", signals=((signal.SIGINT, "placed"),)
    ),
    "SIGTERM": Ending(_main(_FOREVER), 143, signals=((signal.SIGTERM, "placed"),)),
    "second SIGINT": Ending(
        _main(_FOREVER, cleans=_FOREVER),
        130,
        "KeyboardInterrupt\n",
        signals=((signal.SIGINT, "placed"), (signal.SIGINT, "main's finally")),
        leaves_main=True,
    ),
    # What program() has left still runs while the main thread raises.
    "main thread raising": Ending(
        _main("pass", name="program")
        + "tonio.runtime().run_until_complete(program())\nraise LookupError('the end')\n",
        1,
        _TRACEBACK + "LookupError: the end\n",
    ),
}
