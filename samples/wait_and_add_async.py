"""Two tasks at once, in the `await` notation: `tonio run samples/wait_and_add_async.py`.

Prints (4, 5) after one second, not two. The twin is wait_and_add.py.
"""

import tonio.colored as tonio


async def wait_and_add(x: int) -> int:
    await tonio.sleep(1)
    return x + 1


async def main():
    four, five = await tonio.spawn(
        wait_and_add(3),
        wait_and_add(4),
    )
    print((four, five))
