"""Tasks that wait on everything there is, in both notations: two of the leftovers of
shutdowns.py.

Each task tells that it has begun, waits, and says that its finally block has suspended and come
back. What most of them wait on is the same operation in both notations (prepare()); what loops,
blocks and coroutines there are around the others is written in each.
"""

# What both notations wait on; the sockets and pipes to write to are full.
_PREPARE = """
from tonio import fs
from tonio.net import tls

kept = []  # the other ends

def fill(descriptor):
    os.set_blocking(descriptor, False)
    try:
        while True:
            os.write(descriptor, bytes(1 << 16))
    except BlockingIOError:
        pass

async def tls_pair():
    first, second = socket.socketpair()
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(*tls.self_signed_certificate("localhost"))
    trusting = tls.TLSContext()
    trusting.check_hostname, trusting.verify_mode = False, 0
    client = tls.TLSStream(net.SocketStream(first), trusting, server_hostname="localhost")
    server = tls.TLSStream(net.SocketStream(second), context, server_side=True)
    await tonio.spawn(client.handshake(), server.handshake())
    kept.append(client)
    return server

async def prepare():
    pair, full = socket.socketpair(), socket.socketpair()
    fill(full[0].fileno())
    kept.extend(full)
    read, write = os.pipe()
    fill(write)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    await datagrams.bind(("127.0.0.1", 0))
    secure = await tls_pair()
    lock, semaphore, barrier = sync.Lock(), sync.Semaphore(1), sync.Barrier(2)
    await lock.acquire()
    await semaphore.acquire()
    bounded, empty = channel.channel(1), channel.channel(1)
    await bounded[0].send(0)
    ticks = tonio.time.interval(3600)
    await ticks.tick()
    return {
        "event": tonio.Event().wait, "limited": lambda: tonio.Event().wait(3600),
        "sleep": lambda: tonio.sleep(3600), "lock": lock.acquire, "semaphore": semaphore.acquire,
        "barrier": barrier.wait, "sender": lambda: bounded[0].send(1), "receiver": empty[1].receive,
        "handle": lambda: tonio.spawn(tonio.Event().wait()), "ticks": ticks.tick,
        "select": lambda: tonio.select(tonio.sleep(3600), tonio.Event().wait()),
        "socket": lambda: pair[0].recv(1), "sendall": lambda: full[0].sendall(b"x"),
        "datagram": lambda: datagrams.recvfrom(1), "tls": secure.receive_some,
        "readable": lambda: tonio.io.register(pair[1].fileno()).arm_r(),
        "writable": lambda: tonio.io.register(write).arm_w(),
    }

async def prepare_process():
    process = await tonio.open_process(
        ["sleep", "3600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    say("child", process.pid)
    return process
"""
_OPERATIONS = (
    "event limited sleep lock semaphore barrier sender receiver handle ticks select socket sendall "
    "datagram tls readable writable"
)

# A read of a file can't be interrupted: what "pipe" does at its end lets it go on.
PLAIN = (
    _PREPARE
    + """
def waits(name, wait, begun):
    begun.send(name)
    try:
        yield wait()
    finally:
        yield tonio.sleep(0.001)
        say("finally", name)

def accepts():
    (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
    yield listener.accept()

def scoped():
    with tonio.scope() as scope:
        scope.spawn(tonio.sleep(3600))
    yield scope()

def completes():
    for outcome in tonio.as_completed(tonio.sleep(3600), tonio.Event().wait()):
        yield outcome

def hears(begun):
    with tonio.signal_receiver(signal.SIGUSR1) as signals:
        begun.send("signal entered")  # which takes a run that goes on
        for arrival in signals:
            yield arrival

def process_ends(process):
    try:
        yield process.wait()
    finally:
        process.terminate()
        yield process.wait()

def reads(file):
    yield file.read(1)
    yield tonio.Event().wait()

def holds(pipe):
    try:
        yield tonio.Event().wait()
    finally:
        os.write(pipe, b"x")

def leave():
    process = yield prepare_process()
    waiting = yield prepare()
    read, write = os.pipe()
    file = yield fs.open(read, "rb", buffering=0)
    waiting.update({
        "list": lambda: [tonio.sleep(3600)], "accept": accepts, "scope": scoped,
        "completed": completes, "signal": lambda: hears(begun[0]), "process": lambda: process_ends(process),
        "file": lambda: reads(file), "pipe": lambda: holds(write),
    })
    begun = channel.unbounded()
    background(*[waits(name, wait, begun[0]) for name, wait in waiting.items()])
    background(tonio.time.timeout(waits("timeout", tonio.Event().wait, begun[0]), 3600))
    for _ in range(len(waiting) + 2):
        yield begun[1].receive()
"""
)
PLAIN_NAMES = (
    f"{_OPERATIONS} list accept scope completed signal process file pipe timeout".split()
)

ASYNC = (
    _PREPARE
    + """
async def waits(name, wait, begun):
    begun.send(name)
    try:
        await wait()
    finally:
        await tonio.sleep(0.001)
        say("finally", name)

async def accepts():
    (listener,) = await net.open_tcp_listeners(0, host="127.0.0.1")
    await listener.accept()

async def scoped():
    async with tonio.scope() as scope:
        scope.spawn(tonio.sleep(3600))

async def completes():
    async for _ in tonio.as_completed(tonio.sleep(3600), tonio.Event().wait()):
        pass

async def hears(begun):
    with tonio.signal_receiver(signal.SIGUSR1) as signals:
        begun.send("signal entered")  # which takes a run that goes on
        async for _ in signals:
            pass

async def process_ends(process):
    try:
        await process.wait()
    finally:
        process.terminate()
        await process.wait()

async def reads(file):
    await file.read(1)
    await tonio.Event().wait()

async def holds(pipe):
    try:
        await tonio.Event().wait()
    finally:
        os.write(pipe, b"x")

async def leave():
    process = await prepare_process()
    waiting = await prepare()
    read, write = os.pipe()
    file = await fs.open(read, "rb", buffering=0)
    waiting.update({
        "accept": accepts, "scope": scoped, "completed": completes, "signal": lambda: hears(begun[0]),
        "process": lambda: process_ends(process), "file": lambda: reads(file),
        "pipe": lambda: holds(write),
    })
    begun = channel.unbounded()
    background(*[waits(name, wait, begun[0]) for name, wait in waiting.items()])
    background(tonio.time.timeout(waits("timeout", tonio.Event().wait, begun[0]), 3600))
    for _ in range(len(waiting) + 2):
        await begun[1].receive()
"""
)
ASYNC_NAMES = [name for name in PLAIN_NAMES if name != "list"]
