"""io_uring, which containers often forbid and old kernels don't have: libuv asks for one with each
loop, to change the descriptors of an epoll set several at a time. All goes on without."""

import errno
import unittest

from preload import Preload, needs_compiler
from programs import run_program
from scenarios import main

# What the program and libuv call through syscall(2). io_uring is refused, as seccomp does it.
SOURCE = """
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>

static atomic_uint others, refused;
unsigned other_calls(void) { return others; }
unsigned refused_calls(void) { return refused; }

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = dlsym(RTLD_NEXT, "syscall");
  if (number >= SYS_io_uring_setup && number <= SYS_io_uring_register) {
    atomic_fetch_add(&refused, 1);
    errno = atoi(getenv("IO_URING_FAILS_WITH"));
    return -1;
  }
  atomic_fetch_add(&others, 1);
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""

PROGRAM = """
    import ctypes, tempfile
    import tonio
    from tonio import fs, net

    def echo(stream):
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)

    def client(address):
        with (yield net.open_tcp_stream(*address)) as stream:
            for number in range(20):
                yield stream.send_all(b"%d" % number)
                assert (yield stream.receive_some()) == b"%d" % number
                yield tonio.sleep(0.001)

    def main():
        listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
        with tempfile.TemporaryDirectory() as folder, tonio.scope() as scope:
            scope.spawn(net.serve_listeners(echo, listeners))
            yield [client(listeners[0].socket.getsockname()) for _ in range(4)]
            yield (fs.Path(folder) / "file").write_bytes(b"text")
            assert (yield (fs.Path(folder) / "file").read_bytes()) == b"text"
            done = yield tonio.run_process(["cat"], stdin=b"text", capture_stdout=True)
            assert done.stdout == b"text"
            scope.cancel()
        yield scope()
        preloaded = ctypes.CDLL(None)
        print(preloaded.other_calls() > 0, preloaded.refused_calls() > 0)
"""


@needs_compiler
class WithoutIoUring(unittest.TestCase):
    def test_sockets_files_timers_and_processes(self):
        preload = Preload(SOURCE)
        for error in (errno.EPERM, errno.ENOSYS):
            for threads in ("1", "2"):
                environment = {**preload.environment, "IO_URING_FAILS_WITH": str(error)}
                done = run_program(PROGRAM, "--threads", threads, environment=environment)
                # Were it not asked for at all, this test would have nothing to show.
                self.assertEqual((done.code, done.out, done.err), (0, "True True\n", ""))


if __name__ == "__main__":
    main()
