"""Two tasks at once, in the `yield` notation: `tonio run samples/wait_and_add.py`.

Prints (4, 5) after one second, not two. The twin is wait_and_add_async.py.
"""

import tonio


def wait_and_add(x: int):
    yield tonio.sleep(1)
    return x + 1


def main():
    four, five = yield tonio.spawn(
        wait_and_add(3),
        wait_and_add(4),
    )
    print((four, five))
