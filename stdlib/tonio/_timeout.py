"""timeout(): a coroutine with a time limit."""

from _tonio import scope

from ._call import call


def timeout(coro, timeout):
    """Runs coro for at most `timeout` seconds. Waiting for it gives (output, True), or
    (None, False) when the time was over: coro was cancelled then, and has ended. An
    exception of coro's own is raised."""
    return _limited(coro, scope(timeout=timeout))


async def _limited(coro, limit):
    # In the waiting task itself: there is nobody to wait for when the scope is left.
    with limit:
        return (await call(coro)), True
    return None, False
