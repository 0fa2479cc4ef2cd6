"""Errors that accept(2) may give, of a system that is short of something and of a connection that
is gone: the server goes on, and every client that stays is served."""

import unittest

from preload import Preload, needs_compiler
from programs import run_program
from scenarios import main

# accept4() fails five times with each error before a connection is accepted.
SOURCE = """
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

static const int errors[] = {ENOMEM, ENOBUFS, EMFILE, ENFILE, ECONNABORTED, EINTR, EPROTO,
                             ENETDOWN, EHOSTUNREACH, EPERM};
static atomic_uint calls;
static atomic_uint failures;

unsigned injected_failures(void) { return failures; }

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  static int (*real)(int, struct sockaddr *, socklen_t *, int);
  if (!real) real = dlsym(RTLD_NEXT, "accept4");
  unsigned call = atomic_fetch_add(&calls, 1);
  unsigned which = call / 6;
  if (call % 6 < 5 && which < sizeof errors / sizeof *errors) {
    atomic_fetch_add(&failures, 1);
    errno = errors[which];
    return -1;
  }
  return real(fd, address, size, flags);
}
"""

PROGRAM = """
    import ctypes
    import tonio
    from tonio import net

    def serve(stream):
        yield stream.send_all((yield stream.receive_some()))

    def client(address, number):
        with (yield net.open_tcp_stream(*address)) as stream:
            yield stream.send_all(b"%d" % number)
            return (yield stream.receive_some()) == b"%d" % number

    def main():
        listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
        address = listeners[0].socket.getsockname()
        with tonio.scope() as scope:
            scope.spawn(net.serve_listeners(serve, listeners))
            served = yield [client(address, number) for number in range(15)]
            scope.cancel()
        yield scope()
        print(served.count(True), ctypes.CDLL(None).injected_failures())
"""


@needs_compiler
class Accept(unittest.TestCase):
    def test_every_client_is_served_in_the_end(self):
        preload = Preload(SOURCE)
        for threads in ("1", "2", "8"):
            done = run_program(PROGRAM, "--threads", threads, environment=preload.environment)
            self.assertEqual((done.code, done.out, done.err), (0, "15 50\n", ""))


if __name__ == "__main__":
    main()
