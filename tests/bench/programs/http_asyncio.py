"""http_asyncio.py: samples/http_hello.py as an asyncio Protocol, with the sample's own messages."""

import asyncio
import sys
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "samples"))

from http_messages import answers  # noqa: E402

LINGER = 1.0  # seconds


class Hello(asyncio.Protocol):
    def __init__(self):
        self.buffer = b""
        self.keep_alive = True

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if not self.keep_alive:
            return
        out, self.buffer, self.keep_alive = answers(self.buffer + data)
        if out:
            self.transport.write(out)
        if not self.keep_alive:
            self.transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER, self.transport.close)


async def serve():
    server = await asyncio.get_running_loop().create_server(Hello, "127.0.0.1", 0)
    report.listening(server.sockets[0].getsockname())
    await server.serve_forever()


asyncio.run(serve())
