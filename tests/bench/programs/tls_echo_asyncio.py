"""tls_echo_asyncio.py CERTIFICATE KEY: a TLS echo server as an asyncio Protocol."""

import asyncio
import ssl
import sys

import report


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*sys.argv[1:])
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, ssl=context)
    report.listening(server.sockets[0].getsockname())
    await server.serve_forever()


asyncio.run(serve())
