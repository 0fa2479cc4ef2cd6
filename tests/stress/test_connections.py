"""Many connections: at once, and one after the other.

TONIO_STRESS=50 makes the sequential ones a million.
"""

import gc
import os
import resource
import unittest

import tonio
from programs import Program
from sanitizers import SANITIZED
from scale import scaled
from scenarios import main
from tonio import net

AT_ONCE = 10_000
# Besides the connections.
OTHER_DESCRIPTORS = 200


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident():
    """Bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def echo(stream):
    while data := (yield stream.receive_some()):
        yield stream.send_all(data)


SERVER = """
    from tonio import net

    def echo(stream):
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)

    def main():
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
        print(listener.socket.getsockname()[1], flush=True)
        yield net.serve_listeners(echo, [listener])
"""


class AtOnce(unittest.TestCase):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = AT_ONCE + OTHER_DESCRIPTORS
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest(f"no more than {hard} descriptors here")
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_all_are_held_and_served(self):
        # The server has a process of its own: descriptors are counted for each.
        with Program(SERVER) as server:
            port = int(server.line())

            def open_some(count):
                opened = []
                for _ in range(count):
                    opened.append((yield net.open_tcp_stream("127.0.0.1", port)))
                return opened

            def exchange(stream, number):
                message = b"connection %d" % number
                yield stream.send_all(message)
                received = b""
                while len(received) < len(message):
                    data = yield stream.receive_some()
                    if not data:
                        break
                    received += data
                return received == message

            def program():
                parts = yield [open_some(AT_ONCE // 50) for _ in range(50)]
                streams = [stream for part in parts for stream in part]
                self.assertEqual(len(streams), AT_ONCE)
                for _ in range(2):
                    served = yield [exchange(*pair[::-1]) for pair in enumerate(streams)]
                    self.assertEqual(served.count(True), AT_ONCE)
                for stream in streams:
                    stream.close()

            tonio.run(program())
            server.process.terminate()
            ended = server.end()
            self.assertEqual((ended.code, ended.err), (143, ""))


SERVING = 2  # tasks without a connection: the program and serve_listeners


class OneAfterTheOther(unittest.TestCase):
    def test_nothing_is_left_of_them(self):
        def connect(address):
            with (yield net.open_tcp_stream(*address)) as stream:
                yield stream.send_all(b"ping")
                assert (yield stream.receive_some()) == b"ping"

        def connections(count, port):
            for number in range(count):
                # Closed connections keep their pair of addresses for a minute (TIME_WAIT).
                yield connect((f"127.0.{number // 10_000 % 250}.1", port))

        def settled():
            # A handler ends, and its descriptor is closed, a little after its client.
            for _ in range(1000):
                if len(tonio.tasks()) == SERVING and descriptors() <= before[0]:
                    break
                yield tonio.sleep(0.001)
            gc.collect()
            return descriptors(), len(tonio.tasks())

        before = [descriptors() + 10]

        def program():
            (listener,) = yield net.open_tcp_listeners(0, host="0.0.0.0")
            port = listener.socket.getsockname()[1]
            with tonio.scope() as server:
                server.spawn(net.serve_listeners(echo, [listener]))
                # Pools and caches fill up first.
                yield connections(5_000, port)
                first, memory = (yield settled()), resident()
                before[0] = first[0]
                yield connections(scaled(20_000), port)
                descriptors_left, tasks_left = yield settled()
                # The last one's may still have been there the first time.
                self.assertLessEqual(descriptors_left, first[0])
                self.assertEqual((first[1], tasks_left), (SERVING, SERVING))
                grown = resident() - memory
                if not SANITIZED:  # sanitizers keep what was freed
                    self.assertLess(grown, 8_000_000, "bytes of memory are left of the connections")
                server.cancel()
            yield server()

        tonio.run(program(), threads=2)


if __name__ == "__main__":
    main()
