"""A storm of signals: every thread of the process gets one after the other, and calls of the main
thread, of each worker and of blocking threads are interrupted. Nothing is lost, cut short or raised."""

import unittest

from preload import Preload, needs_compiler
from programs import run_program
from scenarios import main

# A handler of signals that counts, for each thread, how often it came while the thread was inside of
# a system call, which fails with EINTR for it: the kernel has put that into the register of the result.
SOURCE = """
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
#elif defined(__aarch64__)
#define RESULT(context) (long)(context)->uc_mcontext.regs[0]
#endif

static atomic_uint interrupted_calls[1 << 22];  // by the thread's number, which is below PID_MAX_LIMIT
unsigned interrupted(int thread) { return interrupted_calls[thread]; }

static struct sigaction pythons;
static void on_signal(int number, siginfo_t *info, void *context) {
  int kept = errno;
  if (RESULT((ucontext_t *)context) == -EINTR) atomic_fetch_add(&interrupted_calls[gettid()], 1);
  pythons.sa_handler(number);
  errno = kept;
}
void count_interrupted(int number) {
  sigaction(number, NULL, &pythons);
  struct sigaction action = pythons;
  action.sa_flags |= SA_SIGINFO;
  action.sa_sigaction = on_signal;
  sigaction(number, &action, NULL);
}
"""

PROGRAM = """
    import collections, ctypes, os, signal, sys, tempfile, threading, time
    import tonio
    from tonio import fs, net

    WORKERS = int(sys.argv[1])
    # The threads that have to be interrupted; all that block have one name.
    EXPECTED = ["main", "tonio-blocking", *(f"tonio-work-{number}" for number in range(WORKERS))]
    ENOUGH = 20
    preloaded = ctypes.CDLL(None)
    # Here, on one thread: ctypes makes them without a lock.
    tgkill, count_interrupted, calls_of = (
        preloaded[name] for name in ("tgkill", "count_interrupted", "interrupted")
    )
    came = 0

    def on_alarm(*_):
        global came
        came += 1

    signal.signal(signal.SIGALRM, on_alarm)
    # Each thread's calls are to be interrupted, not only restarted.
    signal.siginterrupt(signal.SIGALRM, True)
    count_interrupted(signal.SIGALRM)

    def storm(names, over):
        # The kernel gives a process's signal to any thread, mostly the main one.
        process, here = os.getpid(), threading.get_native_id()
        names[process] = "main"
        while not over.is_set():
            for thread in map(int, os.listdir("/proc/self/task")):
                if thread != here:
                    tgkill(process, thread, signal.SIGALRM)
                if thread not in names:
                    try:
                        with open(f"/proc/self/task/{thread}/comm") as name:
                            names[thread] = name.read().strip()
                    except OSError:
                        pass  # it has just ended
            time.sleep(0.001)

    def interrupted(names):
        counts = collections.Counter()
        for thread, name in names.copy().items():
            counts[name] += calls_of(thread)
        return counts

    def echo(stream):
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)

    def client(address):
        message = os.urandom(300_000)
        with (yield net.open_tcp_stream(*address)) as stream:
            for _ in range(10):
                sending = tonio.spawn(stream.send_all(message))
                received = bytearray()
                while len(received) < len(message):
                    received += yield stream.receive_some()
                yield sending
                assert received == message

    def timers():
        for _ in range(50):
            begun = time.monotonic()
            yield tonio.sleep(0.005)
            assert time.monotonic() - begun >= 0.005

    def blocks():
        for _ in range(20):
            begun = time.monotonic()
            yield tonio.spawn_blocking(time.sleep, 0.01)
            assert time.monotonic() - begun >= 0.01

    def files(folder, number):
        path = fs.Path(folder) / str(number)
        data = os.urandom(100_000)
        for _ in range(10):
            yield path.write_bytes(data)
            assert (yield path.read_bytes()) == data

    def processes():
        for number in range(3):
            done = yield tonio.run_process(["cat"], stdin=b"x" * 100_000, capture_stdout=True)
            assert done.stdout == b"x" * 100_000

    def main():
        over, names = threading.Event(), {}
        stormy = threading.Thread(target=storm, args=(names, over))
        stormy.start()
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
        address = listeners[0].socket.getsockname()
        with tempfile.TemporaryDirectory() as folder:
            with tonio.scope() as scope:
                scope.spawn(net.serve_listeners(echo, listeners))
                for _ in range(20):
                    yield [
                        *(client(address) for _ in range(4)), *(timers() for _ in range(4)),
                        *(blocks() for _ in range(4)), *(files(folder, n) for n in range(4)), processes(),
                    ]
                    counts = interrupted(names)
                    if min(counts[name] for name in EXPECTED) >= ENOUGH:
                        break
                scope.cancel()
            yield scope()
        signal.setitimer(signal.ITIMER_REAL, 0)
        over.set()
        yield tonio.spawn_blocking(stormy.join)
        print("all came through", came > 50)
        print("seldom interrupted:", [name for name in EXPECTED if counts[name] < ENOUGH])

    tonio.run(main())
"""


@needs_compiler
class Storm(unittest.TestCase):
    maxDiff = None

    def test_every_thread_is_interrupted(self):
        preload = Preload(SOURCE)
        for threads in ("1", "2", "8"):
            done = run_program(
                PROGRAM, "--threads", threads, args=[threads], environment=preload.environment
            )
            expected = "all came through True\nseldom interrupted: []\n"
            self.assertEqual((done.code, done.out, done.err), (0, expected, ""))


if __name__ == "__main__":
    main()
