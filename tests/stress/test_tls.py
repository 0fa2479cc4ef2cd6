"""Many TLS connections at once on several workers, some of them cut off or cancelled."""

import os
import random
import unittest

import tonio
from scale import scaled
from scenarios import main
from tls_servers import HOST, Serving, client_context, echo, only, server_context
from tonio.exceptions import ResourceBroken
from tonio.net import tls

CLIENTS = scaled(60)


async def exchange(port, context, size):
    stream = await tls.open_tls_over_tcp_stream(HOST, port, ssl_context=context)
    data = os.urandom(size)

    async def receive():
        got = bytearray()
        while len(got) < size:
            got += await stream.receive_some()
        return bytes(got)

    _, got = await tonio.spawn(stream.send_all(data), receive())
    assert got == data
    await stream.close()
    return True


class TLS(unittest.TestCase):
    def test_connections_beside_each_other(self):
        contexts = [client_context(**only(version)) for version in ("TLSv1.2", "TLSv1.3")]

        async def scenario():
            async with Serving(server_context(), echo, https_compatible=True) as port:
                choose = random.Random(1)
                waiting = []
                for number in range(CLIENTS):
                    size = choose.choice((1, 1000, 20_000, 500_000))
                    client = exchange(port, contexts[number % 2], size)
                    if number % 5 == 0:
                        # Somewhere in the handshake or the data, the client goes away.
                        client = tonio.time.timeout(client, choose.random() / 20)
                    waiting.append(client)
                return await tonio.spawn(*waiting)

        results = tonio.run(scenario(), threads=4)
        self.assertEqual(sum(result is True for result in results), CLIENTS - (CLIENTS + 4) // 5)

    def test_one_stream_used_from_several_threads(self):
        # Reading, writing, and asking, at the same time.
        async def scenario():
            async with Serving(server_context(), echo, https_compatible=True) as port:
                stream = await tls.open_tls_over_tcp_stream(
                    HOST, port, ssl_context=client_context()
                )
                size, piece = scaled(200) * 10_000, b"x" * 10_000

                async def send():
                    for _ in range(size // len(piece)):
                        await stream.send_all(piece)

                async def receive():
                    got = 0
                    while got < size:
                        got += len(await stream.receive_some())

                async def ask():
                    for _ in range(scaled(500)):
                        assert stream.version() == "TLSv1.3"
                        assert stream.getpeercert()
                        await tonio.sleep(0)

                await tonio.spawn(send(), receive(), ask())
                # Closed under a receiver.
                receiving = tonio.spawn(stream.receive_some())
                stream.transport.close()
                with self.assertRaises(ExceptionGroup) as caught:
                    await receiving
                (failure,) = caught.exception.exceptions
                self.assertIsInstance(failure, OSError)
                self.assertNotIsInstance(failure, ResourceBroken)

        tonio.run(scenario(), threads=4)


main()
