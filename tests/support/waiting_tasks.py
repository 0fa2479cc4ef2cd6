"""Tasks that wait on everything there is, in both notations: two of the leftovers of
shutdowns.py.

Each task tells that it has begun, waits, and says that its finally block has suspended and come
back. What most of them wait on is the same operation in both notations (prepare()); what loops,
blocks and coroutines there are around the others is written in each.
"""

# What the tasks wait on, in both notations, and the public operations that wait so
# (tests/python/test_waiting_tasks.py): all lookups of names are one, and all calls of tonio.fs.
WAITS = {
    "event": "Event.wait Event.waiter",
    "limited": "Event.wait",
    "waiter": "Waiter.__await__",
    "sleep": "sleep",
    "timeout": "timeout",
    "ticks": "_Tick.__await__",
    "lock": "_Permits.acquire",
    "guard": "_Permits.__call__",
    "semaphore": "_Permits.acquire",
    "barrier": "Barrier.wait",
    "sender": "Sender.send",
    "receiver": "Receiver.receive",
    "unbounded": "Receiver.receive",
    "handle": "_Spawn.__call__",
    "without_results": "_Spawn.without_results",
    "map": "map",
    "scope": "scope.__call__",
    "scope_child": "",
    "select": "select",
    "select_child": "",
    "completed": "_AsCompleted.__anext__",
    "completed_child": "",
    "shared": "",
    "sharer": "",
    "sharer_too": "",
    "blocking": "spawn_blocking",
    "map_blocking": "map_blocking",
    "file": "File.__anext__ FileMethods PathMethods Opening.__await__ Listing.__await__",
    "pipe": "Event.wait",
    "signal": "_Arrival.__await__ _Arrivals.__anext__",
    "process": "Process.wait Process.end",
    "stdin": "SendPipe.send_all",
    "stdout": "ReceivePipe.receive_some",
    "run_process": "run_process open_process",
    "recv": "Socket.recv Socket.recv_into",
    "recvfrom": "Socket.recvfrom Socket.recvfrom_into",
    "recvmsg": "Socket.recvmsg Socket.recvmsg_into recv_fds",
    "sendall": "Socket.sendall Socket.send",
    "sendmsg": "socket.sendmsg socket.sendto send_fds",
    "sendfile": "socket.sendfile",
    "accept": "Socket.accept SocketListener.accept",
    "connect": "socket.connect socket.connect_ex create_connection",
    "connect_unix": "socket.connect open_unix_socket",
    "open_tcp_stream": "open_tcp_stream",
    "getaddrinfo": "getaddrinfo getnameinfo gethostbyname gethostbyname_ex gethostbyaddr getfqdn",
    "serve": "serve_tcp serve_unix serve_listeners",
    "receive_some": "SocketStream.receive_some",
    "send_all": "SocketStream.send_all",
    "tls_handshake": "TLSStream.handshake TLSListener.accept open_tls_over_tcp_stream",
    "tls_receive": "TLSStream.receive_some",
    "tls_send": "TLSStream.send_all TLSStream.close",
    "readable": "Registration.arm_r",
    "writable": "Registration.arm_w",
}
# Collections can be yielded only.
PLAIN_NAMES = [*WAITS, "list", "of_set", "of_set_too"]
ASYNC_NAMES = [*WAITS]

# What both notations wait on; the sockets and pipes to write to are full, and so are the queues of
# the listeners.
_PREPARE = """
import socket as stdlib
from tonio import fs
from tonio.net import tls

kept = []  # the other ends
begun = channel.unbounded()

def fill(descriptor):
    os.set_blocking(descriptor, False)
    try:
        while True:
            os.write(descriptor, bytes(1 << 16))
    except BlockingIOError:
        pass

# One end of a connection, and one of another whose peer is silent.
async def tls_streams():
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(*tls.self_signed_certificate("localhost"))
    trusting = tls.TLSContext()
    trusting.check_hostname, trusting.verify_mode = False, 0
    (first, second), (shaking, silent) = socket.socketpair(), socket.socketpair()
    server = tls.TLSStream(net.SocketStream(second), context, server_side=True)
    client, waiting = (
        tls.TLSStream(net.SocketStream(end), trusting, server_hostname="localhost")
        for end in (first, shaking)
    )
    await tonio.spawn(client.handshake(), server.handshake())
    kept.extend((client, silent))
    return server, waiting

# The addresses of a TCP and a Unix listener that take no further connection.
async def full_listeners():
    tcp, local = socket.socket(), socket.socket(socket.AF_UNIX)
    await tcp.bind(("127.0.0.1", 0))
    await local.bind("")  # the system gives it a name
    for listener in (tcp, local):
        listener.listen(0)
        client = socket.socket(listener.family)
        await client.connect(listener.getsockname())
        await tonio.io.register(listener.fileno()).arm_r()
        kept.extend((listener, client))
    return tcp.getsockname(), local.getsockname()

# Gives the pipe that lets them go on.
def hold_lookups():
    read, write = os.pipe()
    stdlib.getaddrinfo = lambda *_: os.read(read, 1)
    return write

async def rests(_=None):
    await tonio.sleep(3600)

def naps(_=None):
    begun[0].send("nap")
    while True:
        time.sleep(0.001)

# They begin first: on a thread that others have used before, a finalizer of what was made there may
# run, and CPython would report the CancelledError of the call that comes in it.
calls = {
    "blocking": lambda: tonio.spawn_blocking(naps),
    "map_blocking": lambda: tonio.map_blocking(naps, range(2)),
}

async def prepare():
    pair, full = socket.socketpair(), socket.socketpair()
    fill(full[0].fileno())
    read, write = os.pipe()
    fill(write)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    await datagrams.bind(("127.0.0.1", 0))
    secure, shaking = await tls_streams()
    tcp, local = await full_listeners()
    lock, semaphore, barrier = sync.Lock(), sync.Semaphore(1), sync.Barrier(2)
    await lock.acquire()
    await semaphore.acquire()
    bounded, empty, unbounded = channel.channel(1), channel.channel(1), channel.unbounded()
    await bounded[0].send(0)
    ticks = tonio.time.interval(3600)
    await ticks.tick()
    sent = open(__file__, "rb")
    kept.extend((*pair, *full, bounded, empty, unbounded, sent))
    return {
        "event": tonio.Event().wait, "limited": lambda: tonio.Event().wait(3600),
        "waiter": lambda: tonio.Waiter(tonio.Event(), tonio.Event()),
        "sleep": lambda: tonio.sleep(3600), "ticks": ticks.tick,
        "lock": lock.acquire, "guard": lock, "semaphore": semaphore.acquire,
        "barrier": barrier.wait, "sender": lambda: bounded[0].send(1),
        "receiver": empty[1].receive, "unbounded": unbounded[1].receive,
        "handle": lambda: tonio.spawn(tonio.Event().wait()),
        "without_results": lambda: tonio.spawn.without_results(rests(), rests()),
        "map": lambda: tonio.map(rests, range(2)),
        "select": lambda: tonio.select(
            waits("select_child", tonio.Event().wait), tonio.sleep(3600)
        ),
        "recv": lambda: pair[0].recv(1), "recvmsg": lambda: pair[0].recvmsg(1),
        "recvfrom": lambda: datagrams.recvfrom(1), "sendall": lambda: full[0].sendall(b"x"),
        "sendmsg": lambda: full[0].sendmsg([b"x"]), "sendfile": lambda: full[0].sendfile(sent),
        "receive_some": net.SocketStream(pair[0]).receive_some,
        "send_all": lambda: net.SocketStream(full[0]).send_all(b"x"),
        "connect": lambda: socket.socket().connect(tcp),
        "connect_unix": lambda: socket.socket(socket.AF_UNIX).connect(local),
        "open_tcp_stream": lambda: net.open_tcp_stream(*tcp),
        "serve": lambda: net.serve_tcp(rests, 0, host="127.0.0.1"),
        "tls_receive": secure.receive_some, "tls_send": lambda: secure.send_all(bytes(1 << 20)),
        "tls_handshake": shaking.handshake,
        "readable": lambda: tonio.io.register(pair[1].fileno()).arm_r(),
        "writable": lambda: tonio.io.register(write).arm_w(),
    }

async def prepare_process():
    process = await tonio.open_process(
        ["sleep", "3600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    say("child", process.pid)
    return process

# A call of run_process(), and what is readable once the child has told its number.
async def prepare_run():
    read, write = os.pipe()
    script = "echo child $$; echo >&0; exec sleep 3600 </dev/null >/dev/null 2>&1"
    return lambda: tonio.run_process(["sh", "-c", script], stdin=write), tonio.io.register(read)
"""

# A read of a file and a lookup can't be interrupted: what "pipe" does at its end lets them go on.
# They and the streams of a process may end before they are cancelled, and wait for that then
# (outlasts()).
PLAIN = (
    _PREPARE
    + """
def waits(name, wait):
    begun[0].send(name)
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
        scope.spawn(waits("scope_child", tonio.Event().wait))
    yield scope()

def completes():
    child = waits("completed_child", tonio.Event().wait)
    for outcome in tonio.as_completed(tonio.sleep(3600), child):
        yield outcome

def hears():
    with tonio.signal_receiver(signal.SIGUSR1) as signals:
        begun[0].send("signal entered")  # which takes a run that goes on
        for arrival in signals:
            yield arrival

def process_ends(process):
    try:
        yield process.wait()
    finally:
        yield process.end()

def outlasts(wait):
    try:
        yield wait()
    except OSError:
        pass
    yield tonio.Event().wait()

def holds(*pipes):
    try:
        yield tonio.Event().wait()
    finally:
        for pipe in pipes:
            os.write(pipe, b"x")

def leave():
    background(*[waits(name, wait) for name, wait in calls.items()])
    for _ in range(len(calls) + 3):
        yield begun[1].receive()
    process = yield prepare_process()
    run, told = yield prepare_run()
    waiting = yield prepare()
    lookups = hold_lookups()
    read, write = os.pipe()
    file = yield fs.open(read, "rb", buffering=0)
    shared = waits("shared", tonio.Event().wait)
    waiting.update({
        "accept": accepts, "scope": scoped, "completed": completes, "signal": hears,
        "process": lambda: process_ends(process), "run_process": run,
        "stdin": lambda: outlasts(lambda: process.stdin.send_all(bytes(1 << 20))),
        "stdout": lambda: outlasts(process.stdout.receive_some),
        "file": lambda: outlasts(lambda: file.read(1)),
        "getaddrinfo": lambda: outlasts(lambda: socket.getaddrinfo("localhost", "http")),
        "pipe": lambda: holds(write, lookups), "sharer": lambda: shared,
        "sharer_too": lambda: shared, "list": lambda: [tonio.sleep(3600)],
    })
    background(*[waits(name, wait) for name, wait in waiting.items()])
    background(tonio.time.timeout(waits("timeout", tonio.Event().wait), 3600))
    yield {waits(name, tonio.Event().wait) for name in ("of_set", "of_set_too")}
    for _ in range(len(waiting) + 8):
        yield begun[1].receive()
    yield told.arm_r()
"""
)
ASYNC = (
    _PREPARE
    + """
async def waits(name, wait):
    begun[0].send(name)
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
        scope.spawn(waits("scope_child", tonio.Event().wait))

async def completes():
    child = waits("completed_child", tonio.Event().wait)
    async for _ in tonio.as_completed(tonio.sleep(3600), child):
        pass

async def hears():
    with tonio.signal_receiver(signal.SIGUSR1) as signals:
        begun[0].send("signal entered")  # which takes a run that goes on
        async for _ in signals:
            pass

async def process_ends(process):
    try:
        await process.wait()
    finally:
        await process.end()

async def outlasts(wait):
    try:
        await wait()
    except OSError:
        pass
    await tonio.Event().wait()

async def holds(*pipes):
    try:
        await tonio.Event().wait()
    finally:
        for pipe in pipes:
            os.write(pipe, b"x")

async def leave():
    background(*[waits(name, wait) for name, wait in calls.items()])
    for _ in range(len(calls) + 3):
        await begun[1].receive()
    process = await prepare_process()
    run, told = await prepare_run()
    waiting = await prepare()
    lookups = hold_lookups()
    read, write = os.pipe()
    file = await fs.open(read, "rb", buffering=0)
    shared = waits("shared", tonio.Event().wait)
    waiting.update({
        "accept": accepts, "scope": scoped, "completed": completes, "signal": hears,
        "process": lambda: process_ends(process), "run_process": run,
        "stdin": lambda: outlasts(lambda: process.stdin.send_all(bytes(1 << 20))),
        "stdout": lambda: outlasts(process.stdout.receive_some),
        "file": lambda: outlasts(lambda: file.read(1)),
        "getaddrinfo": lambda: outlasts(lambda: socket.getaddrinfo("localhost", "http")),
        "pipe": lambda: holds(write, lookups), "sharer": lambda: tonio.spawn(shared),
        "sharer_too": lambda: tonio.spawn(shared),
    })
    background(*[waits(name, wait) for name, wait in waiting.items()])
    background(tonio.time.timeout(waits("timeout", tonio.Event().wait), 3600))
    for _ in range(len(waiting) + 6):
        await begun[1].receive()
    await told.arm_r()
"""
)
