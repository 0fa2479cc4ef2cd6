"""A server that uses all of tonio together, for long: connections with and without TLS,
channels, timers, blocking jobs, scopes that are cancelled.

    PYTHONPATH=tests/support build/bin/tonio run --threads 2 tests/stress/soak.py --strict

The load and the tally of what was sent and answered are those of another process, a plain
Python (tests/support/soak_peer.py); TONIO_PYTHON_EXECUTABLE names it, else python3 of PATH.
For each interval a row: requests a second, requests for each second of this process's
processor time, the least resident memory, descriptors, tasks. At the end it checks, and exits
with 1 when one does not hold:

- every request that was sent was answered once and rightly: none lost, none twice;
- when the clients have gone, each connection's task ends by itself, and at no interval there were
  more descriptors than their connections need;
- no task and no descriptor is left over, and of objects, memory blocks and C++ memory no more than
  was held after a short load that came first: in ten minutes, a block for each ten thousand
  requests would be seen;
- over five intervals and more, of half a minute at least: in the last one at most 5 % fewer requests
  for the processor's work than in the second one; with --strict, which takes a machine that does
  nothing else, at most 5 % fewer or more requests a second instead: with more, the
  second interval was no measure;
- over as many: at most 5 % more resident memory in the second half of them than in the first.
  Compared are medians, and the first interval is left out: bursts of requests leave memory to the
  allocators that they keep, a little more in the first minutes, and a single interval depends on
  which bursts it had.

The requests a second depend on what else the machine does, and so does, by its caches and its
clock, what a second of processor time is worth. So a fixed piece of work is done four times a
second, and its processor time measured: what is compared are the requests for the processor
time of a thousand such pieces. All three are shown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import zlib

import tonio.colored as tonio
from leaks import Held, resident_kib
from peers import PYTHON
from sanitizers import SANITIZED
from soak_peer import CONNECTIONS, TLS_CONNECTIONS
from tls_servers import authority, server_context
from tonio.colored import net
from tonio.colored.net import tls
from tonio.colored.sync import channel
from tonio.colored.time import sleep

HOST = "127.0.0.1"
PROCESSORS = 4  # tasks that serve the channel
CHANGE = 0.05
LONG = 30  # seconds: shorter intervals differ by chance
# Each of the clients' connections, and the one that takes its place; the clients' own pipe.
DESCRIPTORS = 2 * (CONNECTIONS + TLS_CONNECTIONS) + 2
PATIENCE = 30  # seconds, for the last connections to end
# What may be held after the load beyond what was held before it. Threads' caches differ.
MORE = {"objects": 100, "blocks": 2000, "native_kib": 1024}


def descriptors():
    # One of them is that of the look itself.
    return len(os.listdir("/proc/self/fd")) - 1


class Service:
    """The kinds of request (soak_peer.KINDS), each by another part of tonio."""

    def __init__(self):
        self.work, self.to_do = channel.channel(16)

    async def process(self):
        while True:
            text, reply = await self.to_do.receive()
            await reply.send(text[::-1])

    async def echo(self, text):
        return text

    async def channel(self, text):
        reply, answer = channel.channel(1)
        await self.work.send((text, reply))
        return await answer.receive()

    async def timer(self, text):
        await sleep(0.001 + len(text) % 3 / 1000)
        return text.upper()

    async def blocking(self, text):
        return str(await tonio.spawn_blocking(zlib.crc32, text.encode()))

    async def scope(self, text):
        """Three tasks that wait for what doesn't come, and are cancelled: all clean up."""
        never, cleaned_up = tonio.Event(), []
        begun = [tonio.Event() for _ in range(3)]

        async def wait(number, operation, *arguments):
            try:
                begun[number].set()
                await operation(*arguments)
            finally:
                cleaned_up.append(number)

        async with tonio.scope() as scope:
            scope.spawn(wait(0, never.wait))
            scope.spawn(wait(1, sleep, 3600))
            scope.spawn(wait(2, never.wait, 3600))
            for event in begun:
                await event.wait()
            scope.cancel()
        return f"{len(set(cleaned_up))} {len(text)}"

    async def answer(self, line, answers):
        kind, number, text = line.decode().split(" ", 2)
        result = await getattr(self, kind)(text)
        await answers.send(f"{number} {result}\n".encode())

    async def handle(self, stream):
        """One connection: each request has a task, one more sends the answers."""
        answers, to_send = channel.channel(4)

        async def send():
            try:
                while True:
                    await stream.send_all(await to_send.receive())
            except BrokenPipeError:
                pass

        async with tonio.scope() as sending:
            sending.spawn(send())
            async with tonio.scope() as answering:
                rest, over = b"", False
                while not over and (data := await stream.receive_some()):
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        if line == b"end 0 0":
                            over = True
                        else:
                            answering.spawn(self.answer(line, answers))
            answers.close()


class Connections:
    """Those that are open, each served by handle(stream)."""

    def __init__(self, handle):
        self._handle = handle
        self._open = set()
        self._ended = tonio.Event()

    async def serve(self, stream):
        self._open.add(stream)
        try:
            await self._handle(stream)
        finally:
            self._open.discard(stream)
            self._ended.set()

    async def wait_for_last(self):
        """Waits until all have ended, for PATIENCE at most; how many have not."""
        async with tonio.scope(timeout=PATIENCE):
            while self._open:
                self._ended.clear()
                if self._open:
                    await self._ended.wait()
        return len(self._open)


class Reference:
    """A fixed piece of work, done now and then: how fast the processor is just now. With it a look
    at the memory, which bursts of requests raise for a while: what counts is the least."""

    _data = [{"number": number, "text": "x" * 20} for number in range(200)]

    def __init__(self):
        self.pieces, self.cpu = 0, 0.0
        self.looks = []  # resident memory since the last interval, in KiB

    def _work(self):
        """Processor time of one, about a millisecond."""
        start = time.thread_time()
        json.loads(json.dumps(self._data))
        return time.thread_time() - start

    async def measure(self):
        while True:
            await sleep(0.25)
            self.cpu += await tonio.spawn_blocking(self._work)
            self.pieces += 1
            self.looks.append(resident_kib())

    def take_least_memory(self):
        looks, self.looks = self.looks, []
        return min(looks, default=resident_kib())


class Interval:
    """What was so far, at the end of an interval."""

    def __init__(self, tally, reference):
        self.answered = tally["answered"]
        self.time, self.cpu = time.monotonic(), time.process_time()
        self.pieces, self.reference = reference.pieces, reference.cpu
        self.resident, self.descriptors = reference.take_least_memory(), descriptors()
        self.tasks = len(tonio.tasks())

    def since(self, before):
        """Requests a second, for a second of processor time, and for that of a thousand pieces
        of the reference."""
        answered = self.answered - before.answered
        by_cpu = answered / (self.cpu - before.cpu)
        thousand = (self.reference - before.reference) / (self.pieces - before.pieces) * 1000
        return answered / (self.time - before.time), by_cpu, by_cpu * thousand


async def lines(stream):
    rest = b""
    while data := await stream.receive_some():
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line


async def load(ports, options, intervals, reference):
    """The other process, until it has ended. Gives its tally."""
    arguments = [*map(str, ports), str(authority().certificate), str(options.seconds)]
    script = os.path.join(os.path.dirname(__file__), "../support/soak_peer.py")
    peer = await tonio.open_process(
        [PYTHON, script, *arguments, str(options.interval)], stdout=subprocess.PIPE
    )
    tally = None
    async for line in lines(peer.stdout):
        tally = json.loads(line)
        if not tally["end"]:
            intervals.append(Interval(tally, reference))
            row(intervals)
    await peer.wait()
    peer.close_streams()
    if peer.returncode != 0 or not tally or not tally["end"]:
        sys.exit(f"soak: the clients have ended with {peer.returncode}; last tally: {tally}")
    return tally


def row(intervals):
    now = intervals[-1]
    rate, by_cpu, by_work = now.since(intervals[-2])
    print(
        f"{now.time - intervals[0].time:7.0f} s {rate:9.0f} requests/s {by_cpu:9.0f} requests/CPU s"
        f" {by_work:9.0f} requests/1000 pieces"
        f" {now.resident:9d} KiB {now.descriptors:5d} descriptors {now.tasks:5d} tasks",
        flush=True,
    )


def wrong_answers(tally):
    if tally["sent"] == 0:
        yield "nothing was sent"
    if tally["sent"] != tally["answered"]:
        yield f"{tally['sent']} were sent and {tally['answered']} answered"
    for name in ("lost", "twice", "wrong"):
        if tally[name]:
            yield f"{tally[name]} {name}"


def failures(options, tally, intervals, before, after):
    yield from wrong_answers(tally)
    if tally["open"]:
        yield f"{tally['open']} connections go on after their clients have gone"
    most = max(interval.descriptors for interval in intervals)
    if most > intervals[0].descriptors + DESCRIPTORS:
        yield f"{most} descriptors, {intervals[0].descriptors} of them before the first connection"
    if missing := [kind for kind, count in tally["kinds"].items() if not count]:
        yield f"no requests of the kinds {missing}"
    if after["tasks"] != before["tasks"]:
        yield f"tasks left over: {tonio.tasks()}"
    if after["descriptors"] != before["descriptors"]:
        yield f"descriptors left over: {before['descriptors']} before, {after['descriptors']} after"
    for name, more in MORE.items():
        # A sanitizer has an allocator of its own.
        if after[name] > before[name] + more and not (SANITIZED and name == "native_kib"):
            yield f"{name} left over: {before[name]} before, {after[name]} after"
    if len(intervals) > 5 and options.interval >= LONG:
        # intervals[0] is the start, so the second one lies between 1 and 2.
        second = intervals[2].since(intervals[1])
        last = intervals[-1].since(intervals[-2])
        units = ("requests/s", "requests/CPU s", "requests/1000 pieces")
        compared = units[0] if options.strict else units[-1]
        for unit, now, then in zip(units, last, second):
            change = now / then - 1
            print(f"{unit}: last interval {change:+.1%} of the second one")
            if unit == compared and (abs(change) if options.strict else -change) > CHANGE:
                what = "slower" if change < 0 else "faster"
                yield f"{what}: {then:.0f} {unit} in the second interval, {now:.0f} in the last"
        resident = [interval.resident for interval in intervals[2:]]
        half = len(resident) // 2
        first, second = statistics.median(resident[:half]), statistics.median(resident[half:])
        grown = second / first - 1
        print(f"resident memory: {grown:+.1%} in the second half")
        if grown > CHANGE:
            yield f"memory has grown from {first:.0f} to {second:.0f} KiB"


def held():
    return {"tasks": len(tonio.tasks()), "descriptors": descriptors(), **vars(Held())}


async def serve(options, intervals):
    """The server, under load for options.seconds. Gives the clients' tally, and how many of their
    connections have not ended by themselves."""
    service = Service()
    connections = Connections(service.handle)
    plain = await net.open_tcp_listeners(0, host=HOST)
    secure = await tls.open_tls_over_tcp_listeners(
        0, server_context(), host=HOST, https_compatible=True
    )
    ports = [listener.socket.getsockname()[1] for listener in (*plain, *secure)]
    async with tonio.scope() as scope:
        scope.spawn(net.serve_listeners(connections.serve, plain + secure))
        for _ in range(PROCESSORS):
            scope.spawn(service.process())
        reference = Reference()
        scope.spawn(reference.measure())
        intervals.append(Interval({"answered": 0}, reference))
        tally = await load(ports, options, intervals, reference)
        tally["open"] = await connections.wait_for_last()
        scope.cancel()
    for listener in plain + secure:
        listener.close()
    return tally


@tonio.main
async def main():
    parser = argparse.ArgumentParser(description="uses all of tonio together, for long")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--interval", type=float, default=60, help="of the rows, in seconds")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="compare requests/s instead of their cost: for a machine at rest",
    )
    options = parser.parse_args()
    # What is made once.
    seconds, options.seconds = options.seconds, max(1, options.seconds / 30)
    first = await serve(options, [])
    options.seconds = seconds
    before = held()
    intervals = []
    tally = await serve(options, intervals)
    after = held()
    print("tallies of the clients:", json.dumps(first), json.dumps(tally), sep="\n")
    print("before:", before, "after:", after)
    found = [*wrong_answers(first), *failures(options, tally, intervals, before, after)]
    if found:
        sys.exit("\n".join(f"soak: {failure}" for failure in found))
    print("nothing lost, nothing twice, nothing left over")


if __name__ == "__main__":
    main()
