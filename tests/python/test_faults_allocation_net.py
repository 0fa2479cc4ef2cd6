"""As test_faults_allocation.py, with sockets, descriptors, processes and TLS."""

from failing_calls import COMMON, FailingCalls
from scenarios import main

SOCKETS = """
    def new_socket(failing):
        before = os.listdir("/proc/self/fd")
        with failing:
            socket.socket().close()
        assert os.listdir("/proc/self/fd") == before

    def adopted_socket(failing):
        one, other = names.socketpair()
        with one, other:
            with failing:
                socket.socket(fileno=one.fileno()).detach()
            one.send(b"x")
            assert other.recv(1) == b"x"

    def connect(failing):
        with socket.socket() as listener, socket.socket() as client:
            yield listener.bind(("127.0.0.1", 0))
            listener.listen()
            with failing:
                yield client.connect(listener.getsockname())
            if failing.raised:
                yield client.connect(listener.getsockname())
            (yield listener.accept())[0].close()

    def accept(failing):
        with socket.socket() as listener, socket.socket() as client, socket.socket() as second:
            yield listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield client.connect(listener.getsockname())
            with failing:
                (yield listener.accept())[0].close()
            yield second.connect(listener.getsockname())
            (yield listener.accept())[0].close()

    def receive(failing):
        one, other = [net.SocketStream(each) for each in socket.socketpair()]
        with one, other:
            def send_soon():
                yield tonio.sleep(0)
                yield other.send_all(b"abc")
            sending = tonio.spawn(send_soon())
            with failing:
                received = yield one.receive_some()
            if failing.raised:
                received = yield one.receive_some()
            assert received == b"abc"
            yield sending

    def messages(failing):
        one, other = socket.socketpair()
        with one, other:
            descriptors = [(names.SOL_SOCKET, names.SCM_RIGHTS, (0).to_bytes(4, "little"))]
            with failing:
                yield one.sendmsg([b"abc", b"def"], descriptors)
            if failing.raised:
                yield one.sendmsg([b"abc", b"def"], descriptors)
            data, got, *_ = yield other.recvmsg(100, 100)
            assert data == b"abcdef" and len(got) == 1
            os.close(int.from_bytes(got[0][2], "little"))

    def register(failing):
        read, write = os.pipe()
        with failing, tonio.io.register(read) as registration:
            assert not (yield registration.arm_r(timeout=0))
        os.write(write, b"x")
        with tonio.io.register(read) as registration:
            assert (yield registration.arm_r())
        os.close(read)
        os.close(write)

    def process(failing):
        before = os.listdir("/proc/self/fd")
        with failing:
            process = yield tonio.open_process(["/bin/cat"], stdin=-1, stdout=-1)
        if failing.raised:
            process = yield tonio.open_process(["/bin/cat"], stdin=-1, stdout=-1)
        with process.stdin, process.stdout:
            yield process.stdin.send_all(b"abc")
            assert (yield process.stdout.receive_some()) == b"abc"
        assert (yield process.wait()) == 0
        del process
        assert os.listdir("/proc/self/fd") == before, (before, os.listdir("/proc/self/fd"))

    CASES = new_socket, adopted_socket, connect, accept, receive, messages, register, process
"""

# mbedTLS takes a failed allocation of its own for a wrong key, or for a peer that wants something
# else: what is asked here is that the process goes on, and the contexts are unharmed.
TLS = """
    from tonio.exceptions import ResourceBroken

    chain, key = tls.self_signed_certificate("localhost")
    served = tls.TLSContext(server_side=True)
    served.load_cert_chain(chain, key)
    trusting = tls.TLSContext()
    trusting.load_verify_locations(cadata=chain)

    def session(failures):
        transports = [net.SocketStream(each) for each in socket.socketpair()]
        def side(transport, context, **options):
            try:
                stream = tls.TLSStream(transport, context, **options)
                yield stream.handshake()
                yield stream.send_all(b"x" * 100_000)
                received = 0
                while received < 100_000:
                    received += len((yield stream.receive_some()))
            except (MemoryError, ResourceBroken, OSError) as failure:
                failures.append(failure)
                for each in transports:
                    each.close()
        yield [side(transports[0], trusting, server_hostname="localhost"),
               side(transports[1], served, server_side=True)]
        for each in transports:
            each.close()

    def main():
        step = 17  # there are some thousand
        n, kinds = 1, set()
        while True:
            failing, failures = Failing(n), []
            with failing:
                try:
                    yield session(failures)
                except* MemoryError:
                    pass
            kinds.update(type(each) for each in failures)
            if n % 8 == 1:
                unharmed = []
                yield session(unharmed)
                assert not unharmed, unharmed
            if not failing.failed:
                break
            n += step
        print(n > 1000, MemoryError in kinds)
"""


class Allocation(FailingCalls):
    def test_sockets(self):
        # To start a process takes memory of CPython's only.
        self.check_cases(SOCKETS, without=("process",))

    def test_tls(self):
        self.check(COMMON + TLS, "True True")


if __name__ == "__main__":
    main()
