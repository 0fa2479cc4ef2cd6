"""The clients of tests/stress/soak.py, and the tally: a process of its own, with nothing of
tonio's in it.

    python soak_peer.py PORT TLS_PORT CERTIFICATE SECONDS INTERVAL

Each connection sends numbered requests, some of them at a time, and notes which number was
sent and which was answered how often. A connection is replaced after some hundred requests.
Every INTERVAL seconds, and at the end, one line of JSON: how many were sent, answered,
answered twice, answered wrongly (what was never asked, or another result), and lost: not
answered when their connection had ended, or a minute after the last.
"""

import asyncio
import json
import random
import ssl
import sys
import zlib

HOST = "127.0.0.1"
CONNECTIONS, TLS_CONNECTIONS = 12, 4
AT_A_TIME = 8
EACH = 400
PATIENCE = 60
# Kinds of request, and what a request of each is answered with.
KINDS = {
    "echo": lambda text: text,
    "channel": lambda text: text[::-1],
    "timer": lambda text: text.upper(),
    "blocking": lambda text: str(zlib.crc32(text.encode())),
    "scope": lambda text: f"3 {len(text)}",
}
# As often as these: what waits is slower than what doesn't.
WEIGHTS = {"echo": 8, "channel": 8, "timer": 2, "blocking": 1, "scope": 2}


class Tally:
    def __init__(self):
        self.sent = self.answered = self.twice = self.wrong = self.lost = 0
        self.connections = 0
        self.kinds = dict.fromkeys(KINDS, 0)

    def show(self, **more):
        print(json.dumps(vars(self) | more), flush=True)


class Connection:
    def __init__(self, tally, choose):
        self.tally, self.choose = tally, choose
        self.expected = {}  # by number, what is not answered yet
        self.answered = set()
        self.room = asyncio.Semaphore(AT_A_TIME)

    async def send(self, writer, end):
        kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
        loop = asyncio.get_running_loop()
        for number in range(EACH):
            if loop.time() > end:
                break
            await self.room.acquire()
            (kind,) = self.choose.choices(kinds, weights)
            text = "x" * self.choose.choice((1, 20, 300)) + str(number)
            self.expected[number] = kind, KINDS[kind](text)
            self.tally.sent += 1
            writer.write(f"{kind} {number} {text}\n".encode())
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:  # TLS, where it is said in so many words
            writer.write(b"end 0 0\n")

    async def receive(self, reader):
        while line := await reader.readline():
            number, _, result = line.decode().rstrip("\n").partition(" ")
            number = int(number)
            if number in self.answered:
                self.tally.twice += 1
                continue
            kind, expected = self.expected.pop(number, (None, None))
            if result != expected:
                self.tally.wrong += 1
                continue
            self.answered.add(number)
            self.tally.answered += 1
            self.tally.kinds[kind] += 1
            self.room.release()

    async def run(self, port, context, end):
        reader, writer = await asyncio.open_connection(
            HOST, port, ssl=context, server_hostname="localhost" if context else None
        )
        self.tally.connections += 1
        receiving = asyncio.create_task(self.receive(reader))
        sending = asyncio.create_task(self.send(writer, end))
        left = end - asyncio.get_running_loop().time() + PATIENCE
        # A connection that ends early must not leave its sender waiting for answers.
        await asyncio.wait({receiving}, timeout=left)
        for task in receiving, sending:
            task.cancel()
        failures = await asyncio.gather(receiving, sending, return_exceptions=True)
        for failure in failures:
            if isinstance(failure, Exception):
                print(f"soak_peer: {failure!r}", file=sys.stderr, flush=True)
        self.tally.lost += len(self.expected)
        writer.close()


async def one_after_the_other(tally, number, port, context, end):
    choose = random.Random(number)
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        await Connection(tally, choose).run(port, context, end)


async def show_now_and_then(tally, interval, end):
    loop = asyncio.get_running_loop()
    when = loop.time()
    # The last interval ends before the clients do.
    while (when := when + interval) < end:
        await asyncio.sleep(when - loop.time())
        tally.show(end=False)


async def main(port, tls_port, certificate, seconds, interval):
    context = ssl.create_default_context(cafile=certificate)
    tally = Tally()
    # A little longer than the last interval.
    end = asyncio.get_running_loop().time() + seconds + 0.5
    showing = asyncio.create_task(show_now_and_then(tally, interval, end))
    clients = [one_after_the_other(tally, i, port, None, end) for i in range(CONNECTIONS)]
    clients += [
        one_after_the_other(tally, 100 + i, tls_port, context, end) for i in range(TLS_CONNECTIONS)
    ]
    await asyncio.gather(*clients)
    showing.cancel()
    tally.show(end=True)


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
    )
