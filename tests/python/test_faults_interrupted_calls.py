"""Each system call on sockets fails with EINTR before it succeeds, though there is no signal: nothing
is lost, and nobody waits for what is there already."""

import unittest

from preload import Preload, needs_compiler
from programs import run_program
from scenarios import main

# Each call is interrupted every other time. A connect(2) that was interrupted goes on all the same.
SOURCE = """
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#define INTERRUPTED(name, parameters, arguments, result)              \\
  static atomic_uint calls_##name;                                    \\
  unsigned interrupted_##name(void) { return calls_##name / 2; }      \\
  result name parameters {                                            \\
    static result(*real) parameters;                                  \\
    if (!real) real = dlsym(RTLD_NEXT, #name);                        \\
    if (atomic_fetch_add(&calls_##name, 1) % 2 == 0) {                \\
      errno = EINTR;                                                  \\
      return -1;                                                      \\
    }                                                                 \\
    return real arguments;                                            \\
  }

INTERRUPTED(recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), ssize_t)
INTERRUPTED(recvfrom, (int fd, void *data, size_t size, int flags, struct sockaddr *peer, socklen_t *length),
            (fd, data, size, flags, peer, length), ssize_t)
INTERRUPTED(recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), ssize_t)
INTERRUPTED(send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), ssize_t)
INTERRUPTED(sendto, (int fd, const void *data, size_t size, int flags, const struct sockaddr *peer, socklen_t length),
            (fd, data, size, flags, peer, length), ssize_t)
INTERRUPTED(sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), ssize_t)
INTERRUPTED(sendfile, (int to, int from, off_t *offset, size_t size), (to, from, offset, size), ssize_t)
INTERRUPTED(accept4, (int fd, struct sockaddr *peer, socklen_t *length, int flags), (fd, peer, length, flags), int)
INTERRUPTED(epoll_pwait, (int fd, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
            (fd, events, most, timeout, mask), int)
INTERRUPTED(epoll_wait, (int fd, struct epoll_event *events, int most, int timeout), (fd, events, most, timeout), int)

static atomic_uint connects;
unsigned interrupted_connect(void) { return connects; }
int connect(int fd, const struct sockaddr *address, socklen_t length) {
  static int (*real)(int, const struct sockaddr *, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "connect");
  int result = real(fd, address, length);
  if (result < 0 && errno != EINPROGRESS) return result;
  atomic_fetch_add(&connects, 1);
  errno = EINTR;
  return -1;
}
"""

PROGRAM = """
    import ctypes, os, socket as names, tempfile
    import tonio
    from tonio import net
    from tonio.net import socket

    LARGE = os.urandom(300_000)

    def echo(stream):
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)

    def client(address):
        # One message at a time, so what is lost is waited for without end.
        with (yield net.open_tcp_stream(*address)) as stream:
            for number in range(50):
                yield stream.send_all(b"%d" % number)
                assert (yield stream.receive_some()) == b"%d" % number
            sending = tonio.spawn(stream.send_all(LARGE))
            received = bytearray()
            while len(received) < len(LARGE):
                received += yield stream.receive_some()
            yield sending
            assert received == LARGE
            with tempfile.TemporaryFile() as file:
                file.write(LARGE)
                sending = tonio.spawn(stream.socket.sendfile(file))
                received = bytearray()
                while len(received) < len(LARGE):
                    received += yield stream.receive_some()
                assert (yield sending) == len(LARGE) and received == LARGE

    def datagrams():
        with socket.socket(names.AF_INET, names.SOCK_DGRAM) as one, \\
             socket.socket(names.AF_INET, names.SOCK_DGRAM) as other:
            yield one.bind(("127.0.0.1", 0))
            yield other.bind(("127.0.0.1", 0))
            for number in range(20):
                message = b"%d" % number
                yield one.sendto(message, other.getsockname())
                assert (yield other.recvfrom(100)) == (message, one.getsockname())
                yield other.sendmsg([message], [], 0, one.getsockname())
                assert (yield one.recvmsg(100))[0] == message

    def main():
        listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
        address = listeners[0].socket.getsockname()
        with tonio.scope() as scope:
            scope.spawn(net.serve_listeners(echo, listeners))
            yield [client(address), client(address), datagrams()]
            scope.cancel()
        yield scope()
        preloaded = ctypes.CDLL(None)
        for call in CALLS:
            print(call, preloaded["interrupted_" + call]() > 0)
"""

CALLS = [
    "recv", "recvfrom", "recvmsg", "send", "sendto", "sendmsg", "sendfile", "accept4",
    "epoll_wait", "epoll_pwait", "connect",
]


@needs_compiler
class Interrupted(unittest.TestCase):
    maxDiff = None

    def test_no_call_is_lost(self):
        preload = Preload(SOURCE)
        program = PROGRAM.replace("CALLS", repr(CALLS))
        for threads in ("1", "2", "8"):
            done = run_program(program, "--threads", threads, environment=preload.environment)
            expected = "".join(f"{call} True\n" for call in CALLS)
            self.assertEqual((done.code, done.out, done.err), (0, expected, ""))


if __name__ == "__main__":
    main()
