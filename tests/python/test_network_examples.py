"""The reference's network programs, as the guide prints them, do what they say.

They define a server and a client; here both run, in either notation. Their port is a fixed
one, which this machine may not have free, so another one stands in for it."""

import pathlib
import socket as std
import unittest
import warnings

import tonio
from scenarios import main
from test_guide import ROOT, examples
from tonio._call import call

GUIDE = ROOT / "docs/guide"


def printed(page):
    """The first two programs of a page: one in each notation."""
    found = examples(pathlib.Path(GUIDE, page))[:2]
    assert len(found) == 2
    return found


def free_port():
    with std.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Printed(unittest.TestCase):
    def run_program(self, text):
        """What the program's server has received from its client."""
        self.assertEqual(text.count("8000"), 2)
        names = {}
        exec(compile(text.replace("8000", str(free_port())), "example", "exec"), names)
        received = []
        done = tonio.Event()
        handle = names["server_handle"]

        async def watched(connection):
            # The program's own handler, whose stream tells what it gives.
            running = handle(Told(connection, received))
            await call(running)
            done.set()

        async def run():
            with tonio.scope() as scope:
                scope.spawn(names["server"]())
                while True:
                    try:
                        await call(names["client"]())
                        break
                    except ConnectionRefusedError:
                        await tonio.sleep(0.001)  # until the server listens
                await done.wait()
                scope.cancel()
            await scope()

        names["server_handle"] = watched
        with warnings.catch_warnings():
            # The printed client of streams leaves it to the collector to close its own.
            warnings.simplefilter("ignore", ResourceWarning)
            tonio.run(run())
        return received

    def test_streams(self):
        for example in printed("network.md"):
            self.assertEqual(self.run_program(example.text), [b"message"], example.place)

    def test_sockets(self):
        for example in printed("sockets.md"):
            self.assertEqual(self.run_program(example.text), [b"message"], example.place)


class Told:
    """A connection that keeps what was received on it."""

    def __init__(self, connection, received):
        self.connection, self.received = connection, received

    def __enter__(self):
        self.connection.__enter__()
        return self

    def __exit__(self, *failure):
        return self.connection.__exit__(*failure)

    async def keep(self, receiving):
        data = await receiving
        self.received.append(data)
        return data

    def receive_some(self):
        return self.keep(self.connection.receive_some())

    def recv(self, size):
        return self.keep(self.connection.recv(size))


if __name__ == "__main__":
    main()
