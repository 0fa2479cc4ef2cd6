"""channel_tonio.py NOTATION THREADS MESSAGES: one task sends, another receives, 128 at most
between them.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored
from tonio.colored.sync import channel as colored_channel
from tonio.sync import channel

notation, threads, messages = sys.argv[1:]
messages = int(messages)


def send_all(sender):
    for number in range(messages):
        yield sender.send(number)


def receive_all(receiver):
    total = 0
    for _ in range(messages):
        total += yield receiver.receive()
    assert total == messages * (messages - 1) // 2


async def send_all_colored(sender):
    for number in range(messages):
        await sender.send(number)


async def receive_all_colored(receiver):
    total = 0
    for _ in range(messages):
        total += await receiver.receive()
    assert total == messages * (messages - 1) // 2


def run_generators():
    sender, receiver = channel.channel(128)
    with report.stopwatch() as execute:
        yield tonio.spawn(send_all(sender), receive_all(receiver))
    report.execution(execute)


async def run_coroutines():
    sender, receiver = colored_channel.channel(128)
    with report.stopwatch() as execute:
        await tonio.colored.spawn(send_all_colored(sender), receive_all_colored(receiver))
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
