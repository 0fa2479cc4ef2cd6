"""A chat room: `tonio run samples/tcp_chat.py --port 7000`, then `nc 127.0.0.1 7000`.

The first line that a client sends is its name; each further one goes to everybody else.
All messages go through one channel, which keeps them in one order for everybody.
"""

import dataclasses

import tonio.colored as tonio
from network_arguments import network_parser, say_listening
from tonio.colored import net
from tonio.colored.sync.channel import channel

LONGEST_LINE = 1000  # bytes
# Messages that may wait for a client, and how long a full queue is waited for.
QUEUE, PATIENCE = 100, 1.0


@dataclasses.dataclass(eq=False)
class Member:
    name: str
    stream: net.SocketStream
    outbox: object


class Room:
    def __init__(self):
        self.members = set()
        self.send, self.receive = channel(QUEUE)

    async def say(self, text, sender=None):
        """To everybody but the sender."""
        await self.send.send((text, sender))

    async def broadcast(self):
        while True:
            text, sender = await self.receive.receive()
            # A copy: who comes or goes meanwhile, goes by another task.
            for member in list(self.members):
                if member is not sender:
                    await self.deliver(member, text)

    async def deliver(self, member, text):
        try:
            _, in_time = await tonio.time.timeout(member.outbox.send(text), PATIENCE)
        except BrokenPipeError:
            return  # it has just left
        if not in_time:
            # It doesn't read what it is sent: the others are not to wait for it again.
            self.members.discard(member)
            member.stream.close()

    async def serve(self, stream):
        try:
            lines = read_lines(stream)
            await stream.send_all("name? ")
            name = await anext(lines, "")
        except (OSError, ValueError):
            return  # the client has vanished, or sends no lines
        if not name:
            return
        outbox, inbox = channel(QUEUE)
        member = Member(name, stream, outbox)
        self.members.add(member)
        try:
            async with tonio.scope() as scope:
                written = tonio.Event()
                scope.spawn(write(stream, inbox, written))
                await self.say(f"* {name} has come")
                await self.listen(member, lines)
                # What waits for it is sent, if it reads.
                outbox.close()
                await written.wait(PATIENCE)
                scope.cancel()
        except* OSError:
            pass  # the connection has broken, or was closed for slowness
        finally:
            self.members.discard(member)
            outbox.close()
        await self.say(f"* {name} has left")

    async def listen(self, member, lines):
        try:
            async for line in lines:
                await self.say(f"{member.name}: {line}", member)
        except ValueError as error:
            await member.outbox.send(f"* {error}")
        self.members.discard(member)


async def read_lines(stream):
    """The lines that come, without their ends. ValueError for one that is too long."""
    buffer = b""
    while data := await stream.receive_some():
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()
        if len(buffer) > LONGEST_LINE:
            raise ValueError("that line is too long")


async def write(stream, inbox, written):
    try:
        while True:
            text = await inbox.receive()
            await stream.send_all(text + "\n")
    except BrokenPipeError:
        written.set()  # the outbox is closed and empty, or the client has gone


async def main():
    args = network_parser(__doc__).parse_args()
    room = Room()
    listeners = await net.open_tcp_listeners(args.port, host=args.host)
    say_listening(listeners)
    await tonio.spawn(net.serve_listeners(room.serve, listeners), room.broadcast())
