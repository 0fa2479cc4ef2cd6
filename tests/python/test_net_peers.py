"""Streams with peers that are not ours, in other processes: asyncio, socat, nc."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

import tonio
from programs import TIMEOUT, clean_environment
from scenarios import Scenarios, main
from tonio import net

DATA = os.urandom(3_000_000)


def receive_all(stream):
    received = bytearray()
    while data := (yield stream.receive_some()):
        received += data
    return bytes(received)


class Peer:
    """Another program, which ends by itself."""

    def __init__(self, *command, input=None):
        self.process = subprocess.Popen(
            command, env=clean_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.input = input

    def finish(self):
        """Yield it: standard output of a program that succeeds."""
        out, err = yield tonio.spawn_blocking(self.process.communicate, self.input, TIMEOUT)
        if self.process.returncode != 0 or err:
            raise AssertionError(f"{self.process.args[0]}: {err.decode()}")
        return out


def asyncio_program(text, *args):
    """Run by this very binary as a plain Python."""
    return Peer(sys.executable, "-c", textwrap.dedent(text), *map(str, args))


CLIENT = """
    import asyncio, hashlib, sys

    async def main(port, size):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data = bytes(range(256)) * (size // 256)

        async def send():
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        received = await reader.read()
        await sending
        assert received == data, len(received)
        writer.close()
        await writer.wait_closed()

    async def several():
        await asyncio.gather(*[main(int(sys.argv[1]), int(sys.argv[2])) for _ in range(20)])

    asyncio.run(several())
"""

SERVER = """
    import asyncio

    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        # Until standard input ends.
        await asyncio.get_running_loop().run_in_executor(None, input)
        server.close()

    try:
        asyncio.run(main())
    except EOFError:
        pass
"""


class OtherProcesses(Scenarios):
    def serving(self, body):
        """Yield it: runs body(host, port) beside an echo server of ours."""

        @self.task
        def echo(stream):
            while data := (yield stream.receive_some()):
                yield stream.send_all(data)

        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")

        def clients(scope):
            scope.spawn(net.serve_listeners(echo, [listener]))
            yield body(*listener.socket.getsockname())
            scope.cancel()

        yield self.scoped(clients)

    def needs(self, program):
        path = shutil.which(program)
        if not path:
            self.skipTest(f"{program} is not installed")
        return path

    def test_clients_of_asyncio(self):
        def body(_, port):
            yield asyncio_program(CLIENT, port, 1_000_000).finish()

        yield self.serving(body)

    def test_a_server_of_asyncio(self):
        server = asyncio_program(SERVER)
        port = int((yield tonio.spawn_blocking(server.process.stdout.readline)))

        @self.task
        def talk():
            with (yield net.open_tcp_stream("127.0.0.1", port)) as stream:
                received = tonio.spawn(self.task(receive_all)(stream))
                yield stream.send_all(DATA)
                stream.send_eof()
                self.assertTrue((yield received) == DATA)

        yield tonio.spawn(*[talk() for _ in range(5)])
        yield server.finish()

    def test_socat(self):
        socat = self.needs("socat")

        def body(host, port):
            out = yield Peer(socat, "-t5", "-", f"TCP:{host}:{port}", input=DATA).finish()
            self.assertTrue(out == DATA)

        yield self.serving(body)

    def test_socat_as_a_server_on_a_unix_socket(self):
        socat = self.needs("socat")
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = os.path.join(folder, "socket")
            server = Peer(socat, f"UNIX-LISTEN:{path}", "EXEC:sha256sum")
            while True:
                try:
                    stream = yield net.open_unix_socket(path)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    yield tonio.sleep(0.01)  # until socat listens, which it does not tell
            with stream:
                yield stream.send_all(DATA)
                stream.send_eof()
                answer = yield receive_all(stream)
            self.assertEqual(answer.split()[0].decode(), hashlib.sha256(DATA).hexdigest())
            yield server.finish()

    def test_netcat(self):
        netcat = self.needs("nc")
        # The flag that ends the connection at the end of the input has another name in each.
        usage = subprocess.run([netcat, "-h"], capture_output=True, text=True)
        flags = ["-N"] if "-N" in usage.stdout + usage.stderr else ["-q", "1"]

        def body(host, port):
            out = yield Peer(netcat, *flags, host, str(port), input=DATA).finish()
            self.assertTrue(out == DATA)

        yield self.serving(body)


if __name__ == "__main__":
    main()
