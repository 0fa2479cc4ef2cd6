"""Calls that block, off the workers: `tonio run samples/blocking.py`.

The main coroutine keeps ticking while other threads wait for them.
"""

import hashlib
import time

import tonio.colored as tonio


def slow_question(answer: int) -> int:
    time.sleep(0.5)  # stands for a driver, a library, a file: anything that blocks
    return answer


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def tick(done):
    ticks = 0
    while not done.is_set():
        await done.wait(timeout=0.05)
        ticks += 1
    return ticks


async def main():
    done = tonio.Event()
    ticking = tonio.spawn(tick(done))

    answer = await tonio.spawn_blocking(slow_question, answer=42)
    print("the answer:", answer)
    print("digests:", *await tonio.map_blocking(digest, ["spam", "eggs"]))

    done.set()
    ticks = await ticking
    print("meanwhile the main coroutine was", "responsive" if ticks > 3 else "stuck")
