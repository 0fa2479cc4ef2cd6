"""Calling anything that a task can run from an `async def`."""

import types


@types.coroutine
def call(coro):
    """Awaits coro, which may be a generator of the `yield` notation as well: the task
    runs it on its own stack."""
    return (yield coro)
