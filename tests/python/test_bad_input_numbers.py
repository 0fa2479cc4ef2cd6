"""Numbers that can't be meant: NaN, negative, without bounds, of another type, for each public parameter
that is a time or a count. Each has one exception that belongs to it."""

import math

import tonio
from scenarios import Scenarios, main
from tonio import net, sync, time
from tonio.net import socket
from tonio.sync import channel

HUGE = 10**400


def limited(timeout):
    with tonio.scope(timeout=timeout):
        yield


def received(call):
    """Of a socket for which there is a byte."""

    def use(size):
        one, other = socket.socketpair()
        with one, other:
            yield other.send(b"x")
            return (yield call(one)(size))

    return use


def listen(backlog):
    return net.open_tcp_listeners(0, host="127.0.0.1", backlog=backlog)


# Seconds: NaN, negative, huge.
SECONDS = {
    tonio.sleep: "seconds",
    lambda seconds: tonio.Event().wait(seconds): "timeout",
    lambda seconds: tonio.Event().waiter(seconds): "timeout",
    limited: "timeout",
    lambda seconds: time.timeout(tonio.sleep(0), seconds): "timeout",
    time.interval: "period",
    lambda seconds: net.open_tcp_stream("127.0.0.1", 1, happy_eyeballs_delay=seconds): "happy_eyeballs_delay",
    lambda seconds: tonio.runtime(blocking_threadpool_idle_ttl=seconds): "blocking_threadpool_idle_ttl",
}
# Those that are the standard library's, or tell Python's own words.
COUNTS = {
    tonio.Result: "size",
    sync.Barrier: "n",
    sync.Semaphore: "n",
    channel.channel: "n",
    lambda count: tonio.runtime(threads=count): "threads",
    lambda count: tonio.runtime(blocking_threadpool_size=count): "blocking_threadpool_size",
    received(lambda end: net.SocketStream(end).receive_some): "max_bytes",
    received(lambda end: end.recv): "size",
    received(lambda end: end.recvfrom): "size",
    received(lambda end: end.recvmsg): "size",
    received(lambda end: lambda size: end.recv_into(bytearray(9), size)): "size",
}


class Numbers(Scenarios):
    def refused(self, use, value, kinds, words=""):
        """One of `kinds`; a ValueError has the words."""
        with self.subTest(words=words, value=str(value)[:9]):
            with self.assertRaises(kinds) as caught:
                yield use(value)
            if isinstance(caught.exception, ValueError):
                self.assertIn(words, str(caught.exception))

    def test_seconds(self):
        for use, name in SECONDS.items():
            for value in (math.nan, -1, -0.1, -math.inf):
                yield self.refused(use, value, ValueError, name)
            yield self.refused(use, HUGE, OverflowError)
            for value in ("1", [1], 1j):
                yield self.refused(use, value, TypeError)

    def test_an_interval_begins_at_a_number(self):
        def begins(at):
            return time.interval(1, at)

        yield self.refused(begins, math.nan, ValueError, "at")
        yield self.refused(begins, HUGE, OverflowError)
        yield self.refused(begins, "1", TypeError)

    def test_counts(self):
        for use, name in COUNTS.items():
            for value in (-1, -HUGE):
                yield self.refused(use, value, (ValueError, OverflowError), name)
            yield self.refused(use, HUGE, (ValueError, OverflowError), name)
            for value in (math.nan, 1.5, "1", [1]):
                yield self.refused(use, value, TypeError)

    def test_a_backlog_is_the_systems(self):
        [listener] = yield listen(-1)  # the system takes it for its largest
        listener.close()
        yield self.refused(listen, HUGE, OverflowError)
        for value in (math.nan, "1"):
            yield self.refused(listen, value, TypeError)


if __name__ == "__main__":
    main()
