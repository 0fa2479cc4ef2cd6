"""A cycle through any of the objects that hold others is found by the collector."""

import gc
import unittest
import warnings
import weakref

import tonio
from scenarios import main
from tls_servers import client_context
from tonio import io, net, sync
from tonio.net import socket, tls
from tonio.sync import channel


class Box:
    """Something that can be referred to weakly and hold anything."""


class Data(bytearray):
    """Something to send and to receive into that can hold anything."""


class FailsWith(Exception):
    def __init__(self, box):
        super().__init__()
        self.box = box


# Each holds on to `box` and is held by it; a generator function, for those that have to wait.


def event(box):
    class Event(tonio.Event):
        pass

    box.held = Event()
    box.held.box = box
    box.wait = box.held.wait(1)
    yield


def lock(box):
    class Lock(sync.Lock):
        pass

    box.held = Lock()
    box.held.box = box
    box.acquiring = box.held()
    box.guard = yield box.held()


def semaphore(box):
    class Semaphore(sync.Semaphore):
        pass

    box.held = Semaphore(1)
    box.held.box = box
    box.acquiring = box.held()
    box.guard = yield box.held()


def barrier(box):
    class Barrier(sync.Barrier):
        pass

    box.held = Barrier(2)
    box.held.box = box
    box.wait = box.held.wait()
    yield


def channel_s_message(box):
    sender, box.receiver = channel.channel(2)
    yield sender.send(box)
    box.receiving = box.receiver.receive()


def channel_s_sending(box):
    box.sender, _ = channel.channel(2)
    box.sending = box.sender.send(box)
    yield


def unbounded_channel_s_message(box):
    box.sender, _ = channel.unbounded()
    box.sender.send(box)
    yield


def result_of_a_task(box):
    def task():
        yield
        return box

    box.held = tonio.spawn(task(), task())
    yield box.held


def failure_of_a_task(box):
    def task():
        yield
        raise FailsWith(box)

    box.held = tonio.spawn(task())
    try:
        yield box.held
    except* FailsWith:
        pass


def failure_in_a_scope(box):
    def task():
        yield
        raise FailsWith(box)

    box.held = tonio.scope()
    with box.held:
        box.held.spawn(task())
    try:
        yield box.held()
    except* FailsWith:
        pass


def result_of_a_blocking_call(box):
    box.held = tonio.spawn_blocking(lambda: box)
    yield box.held


def failure_of_a_blocking_call(box):
    def call():
        raise FailsWith(box)

    box.held = tonio.spawn_blocking(call)
    try:
        yield box.held
    except FailsWith:
        pass


def coroutine_that_was_shared(box):
    async def shared():
        await tonio.sleep(0.001)
        return box

    box.held = shared()
    yield tonio.spawn(box.held, box.held)


def coroutine_that_was_shared_and_failed(box):
    async def shared():
        await tonio.sleep(0.001)
        raise FailsWith(box)

    box.held = shared()
    try:
        yield tonio.spawn(box.held, box.held)
    except* FailsWith:
        pass


def suspending_call(box):
    box.held = tonio.select(box_waits(box), box_waits(box))
    box.held.close()
    yield


def box_waits(box):
    yield tonio.sleep(0)
    return box


def result(box):
    box.held = tonio.Result()
    box.held.store(box)
    yield


def waiter(box):
    class Event(tonio.Event):
        pass

    event = Event()
    event.box = box
    box.held = tonio.Waiter(event)
    yield


def network_socket(box):
    class Socket(socket.socket):
        pass

    box.held = Socket()
    box.held.box = box
    box.operations = [box.held.recv(1), box.held.accept()]
    yield


def buffers_of_a_socket(box):
    one, other = socket.socketpair()
    box.data = Data(10)
    box.data.box = box
    box.sockets = one, other
    box.operations = [
        one.send(box.data), one.sendall(box.data), one.sendmsg([box.data]),
        one.recv_into(box.data), one.recvfrom_into(box.data), one.recvmsg_into([box.data]),
    ]
    yield


def stream(box):
    class Stream(net.SocketStream):
        pass

    one, box.other = socket.socketpair()
    box.held = Stream(one)
    box.held.box = box
    data = Data(10)
    data.box = box
    box.operations = [box.held.receive_some(), box.held.send_all(data)]
    yield


class Transport(Box):
    def send_all(self, data):
        yield

    def receive_some(self, max_bytes=None):
        yield

    def close(self):
        pass


def tls_stream(box):
    transport = Transport()
    transport.box = box
    box.held = tls.TLSStream(transport, client_context(), server_hostname="localhost")
    yield


def tls_stream_over_a_socket(box):
    one, box.other = socket.socketpair()
    data = Data(10)
    data.box = box
    box.held = tls.TLSStream(net.SocketStream(one), client_context(), server_hostname="localhost")
    box.operations = [box.held.receive_some(), box.held.send_all(data)]
    for operation in box.operations:
        if hasattr(operation, "close"):
            operation.close()
    yield


class Descriptor(Box):
    def fileno(self):
        return self.socket.fileno()


def io_registration(box):
    descriptor = Descriptor()
    descriptor.box = box
    descriptor.socket, box.other = socket.socketpair()
    box.held = io.register(descriptor)
    box.readiness = box.held.arm_r(1)
    box.descriptor = descriptor
    yield


KINDS = [
    event, lock, semaphore, barrier, channel_s_message, channel_s_sending,
    unbounded_channel_s_message, result_of_a_task, failure_of_a_task, failure_in_a_scope,
    result_of_a_blocking_call, failure_of_a_blocking_call, coroutine_that_was_shared,
    coroutine_that_was_shared_and_failed, suspending_call, result, waiter, network_socket,
    buffers_of_a_socket, stream, tls_stream, tls_stream_over_a_socket, io_registration,
]


class Cycles(unittest.TestCase):
    def test_each_is_collected(self):
        # Of sockets that nobody closes.
        warnings.simplefilter("ignore", ResourceWarning)
        for kind in KINDS:
            with self.subTest(kind.__name__):
                box = Box()
                tonio.run(kind(box))
                self.assertTrue(vars(box))
                reference = weakref.ref(box)
                gc.disable()
                del box
                without_the_collector = reference()
                gc.enable()
                self.assertIsNotNone(without_the_collector, "there is no cycle")
                del without_the_collector
                gc.collect()
                self.assertIsNone(reference())


if __name__ == "__main__":
    main()
