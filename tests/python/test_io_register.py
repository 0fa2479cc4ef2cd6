"""tonio.io.register(): readiness of pipes, eventfd, timerfd, inotify and sockets."""

import ctypes
import errno
import gc
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import threading
import time
import weakref

import tonio
from programs import TIMEOUT, TONIO, clean_environment
from scenarios import Scenarios, main
from tonio import io
from tonio.exceptions import CancelledError

libc = ctypes.CDLL(None, use_errno=True)


def inotify(folder):
    IN_CREATE = 0x100
    fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert libc.inotify_add_watch(fd, os.fsencode(folder), IN_CREATE) >= 0
    return fd


class Registration(Scenarios):
    def pipe(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        return reader, writer


class Kinds(Registration):
    """Each descriptor: not ready, made ready, ready."""

    def check(self, fd, make_ready, drain):
        with io.register(fd) as registration:
            self.assertFalse(registration.consume_r())
            self.assertIs((yield registration.arm_r(0.001)), False)
            waiting = tonio.spawn(registration.arm_r())
            make_ready()
            self.assertIs((yield waiting), True)
            self.assertTrue(registration.consume_r())
            drain()
            self.assertFalse(registration.consume_r())
            self.assertIs((yield registration.arm_r(0.001)), False)

    def test_pipe(self):
        reader, writer = self.pipe()
        yield from self.check(reader, lambda: os.write(writer, b"x"), lambda: os.read(reader, 1))

    def test_eventfd(self):
        fd = os.eventfd(0)
        yield from self.check(fd, lambda: os.eventfd_write(fd, 3), lambda: os.eventfd_read(fd))
        os.close(fd)

    def test_timerfd(self):
        fd = os.timerfd_create(time.CLOCK_MONOTONIC)
        yield from self.check(
            fd, lambda: os.timerfd_settime(fd, initial=0.002), lambda: os.read(fd, 8)
        )
        os.close(fd)

    def test_inotify(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            fd = inotify(folder)
            yield from self.check(
                fd, pathlib.Path(folder, "new").touch, lambda: os.read(fd, 4096)
            )
            os.close(fd)

    def test_socket(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield from self.check(ours, lambda: theirs.send(b"x"), lambda: ours.recv(1))

    def test_epoll(self):
        reader, writer = self.pipe()
        with select.epoll() as epoll:
            epoll.register(reader, select.EPOLLIN)
            yield from self.check(epoll, lambda: os.write(writer, b"x"), lambda: os.read(reader, 1))


class Waiting(Registration):
    def test_readiness_is_a_level(self):
        reader, writer = self.pipe()
        with io.register(reader) as registration:
            os.write(writer, b"xy")
            for _ in range(3):
                self.assertTrue((yield registration.arm_r()))
            os.read(reader, 1)
            self.assertTrue((yield registration.arm_r()))
            self.assertTrue(registration.consume_r())

    def test_writing(self):
        reader, writer = self.pipe()
        os.set_blocking(writer, False)
        with io.register(writer) as registration:
            self.assertTrue((yield registration.arm_w()))
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(writer, bytes(4096))
            self.assertFalse(registration.consume_w())
            self.assertFalse((yield registration.arm_w(0.001)))
            waiting = tonio.spawn(registration.arm_w())
            while not registration.consume_w():
                os.read(reader, 65536)
            self.assertTrue((yield waiting))

    def test_the_other_end_closed(self):
        reader, writer = os.pipe()
        with io.register(reader) as readable, io.register(writer) as writable:
            waiting = tonio.spawn(readable.arm_r())
            # The registration has a descriptor of its own: both must go.
            writable.close()
            os.close(writer)
            self.assertTrue((yield waiting))
            self.assertEqual(os.read(reader, 1), b"")
        reader2, writer = os.pipe()
        with io.register(writer) as writable:
            os.close(reader2)
            self.assertTrue((yield writable.arm_w()))
            with self.assertRaises(BrokenPipeError):
                os.write(writer, b"x")
        os.close(writer)
        os.close(reader)

    def test_reading_and_writing_at_once(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, io.register(ours) as registration:
            waiting = tonio.spawn(registration.arm_r())
            self.assertTrue((yield registration.arm_w()))
            theirs.send(b"x")
            self.assertTrue((yield waiting))

    def test_several_tasks_wait_for_one(self):
        reader, writer = self.pipe()
        with io.register(reader) as registration:
            waiting = tonio.spawn(*[registration.arm_r() for _ in range(10)])
            os.write(writer, b"x")
            self.assertEqual((yield waiting), [True] * 10)

    def test_cancelled(self):
        reader, writer = self.pipe()
        log = []
        begun = tonio.Event()

        @self.task
        def waiter(registration, timeout):
            begun.set()
            try:
                yield registration.arm_r(timeout)
            except CancelledError:
                log.append("cancelled")
                raise

        with io.register(reader) as registration:
            for timeout in (None, 30):

                def body(scope, timeout=timeout):
                    begun.clear()
                    scope.spawn(waiter(registration, timeout))
                    yield begun.wait()
                    scope.cancel()

                yield self.scoped(body)
            # Nobody is left in line.
            os.write(writer, b"x")
            self.assertTrue((yield registration.arm_r()))
        self.assertEqual(log, ["cancelled"] * 2)

    def test_a_select_cancels_what_waits(self):
        reader, writer = self.pipe()
        with io.register(reader) as registration:
            for _ in range(50):
                yield tonio.select(registration.arm_r(), tonio.sleep(0.0001))
            os.write(writer, b"x")
            self.assertTrue((yield registration.arm_r(30)))

    def test_bad_timeouts(self):
        reader, _ = self.pipe()
        with io.register(reader) as registration:
            for error, timeout in [(ValueError, -1), (ValueError, float("nan")), (TypeError, "1")]:
                with self.assertRaisesRegex(error, "arm_r.*timeout"):
                    registration.arm_r(timeout)
            self.assertFalse((yield registration.arm_r(timeout=0)))


class Closing(Registration):
    def test_close_wakes_who_waits(self):
        reader, writer = self.pipe()
        registration = io.register(reader)
        errors = []

        @self.task
        def waiter(arm):
            try:
                yield arm()
            except OSError as error:
                errors.append(error.errno)

        waiting = tonio.spawn(waiter(registration.arm_r), waiter(lambda: registration.arm_r(30)))
        yield tonio.sleep(0)
        self.assertFalse(registration.closed)
        registration.close()
        self.assertTrue(registration.closed)
        yield waiting
        self.assertEqual(errors, [errno.EBADF] * 2)
        registration.close()
        for call in (registration.consume_r, registration.consume_w):
            with self.assertRaises(OSError) as caught:
                call()
            self.assertEqual(caught.exception.errno, errno.EBADF)
        for arm in (registration.arm_r, registration.arm_w):
            with self.assertRaises(OSError) as caught:
                yield arm()
            self.assertEqual(caught.exception.errno, errno.EBADF)
        # The descriptor is the program's still.
        os.write(writer, b"x")
        self.assertEqual(os.read(reader, 1), b"x")

    def test_a_descriptor_that_is_closed_first_does_no_harm(self):
        reader, writer = os.pipe()
        registration = io.register(reader)
        waiting = tonio.spawn(registration.arm_r())
        yield tonio.sleep(0.001)
        os.close(reader)
        # The number is given to another, which is registered as well.
        other, other_writer = os.pipe()
        self.assertEqual(other, reader)
        with io.register(other) as second:
            second_waiting = tonio.spawn(second.arm_r())
            os.write(writer, b"x")
            self.assertTrue((yield waiting))
            self.assertFalse(second.consume_r())
            os.write(other_writer, b"y")
            self.assertTrue((yield second_waiting))
        registration.close()
        for fd in (writer, other, other_writer):
            os.close(fd)

    def test_a_registration_that_is_dropped_gives_its_descriptor_up(self):
        reader, _ = self.pipe()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            registration = io.register(reader)
            yield registration.arm_r(0)
            reference = weakref.ref(registration)
            del registration
            gc.collect()
            self.assertIsNone(reference())
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_the_end_of_a_run_wakes_who_waits(self):
        done = subprocess.run(
            [TONIO, "-c", "import os, tonio\n"
             "async def main():\n"
             "    registration = tonio.io.register(os.pipe()[0])\n"
             "    tonio.spawn.without_tracking(registration.arm_r())\n"
             "    await tonio.sleep(0.01)\n"
             "import tonio.io\n"
             "tonio.run(main())\n"
             "print('end')\n"],
            capture_output=True, text=True, timeout=TIMEOUT, env=clean_environment(),
        )  # fmt: skip
        self.assertEqual((done.stdout, done.stderr), ("end\n", ""))
        yield


class Several(Registration):
    def test_two_registrations_of_one_descriptor(self):
        reader, writer = self.pipe()
        first, second = io.register(reader), io.register(reader)
        both = tonio.spawn(first.arm_r(), second.arm_r())
        os.write(writer, b"x")
        self.assertEqual((yield both), [True, True])
        first.close()
        self.assertTrue((yield second.arm_r()))
        os.read(reader, 1)
        self.assertFalse((yield second.arm_r(0.001)))
        waiting = tonio.spawn(second.arm_r())
        os.write(writer, b"x")
        self.assertTrue((yield waiting))
        second.close()

    def test_a_socket_of_ours_can_be_registered_too(self):
        from tonio.net import socket as tonio_socket

        ours, theirs = tonio_socket.socketpair()
        with ours, theirs, io.register(ours) as registration:
            received = tonio.spawn(ours.recv(10, socket.MSG_PEEK))
            ready = tonio.spawn(registration.arm_r())
            yield theirs.send(b"x")
            self.assertEqual((yield received), b"x")
            self.assertTrue((yield ready))


class Refused(Registration):
    def test_files(self):
        with tempfile.NamedTemporaryFile() as file:
            with self.assertRaisesRegex(PermissionError, "regular file.*tonio.fs") as caught:
                io.register(file)
            self.assertEqual(caught.exception.errno, errno.EPERM)
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            fd = os.open(folder, os.O_RDONLY)
            with self.assertRaisesRegex(PermissionError, "directory"):
                io.register(fd)
            os.close(fd)
        with open("/dev/null") as null, self.assertRaisesRegex(PermissionError, "device"):
            io.register(null)
        yield

    def test_what_is_no_descriptor(self):
        reader, writer = os.pipe()
        os.close(reader)
        os.close(writer)
        with self.assertRaises(OSError) as caught:
            io.register(reader)
        self.assertEqual(caught.exception.errno, errno.EBADF)
        for thing in (-1, "1", None, 2**70):
            with self.assertRaises((TypeError, ValueError, OverflowError)):
                io.register(thing)
        yield

    def test_no_descriptor_is_left_behind(self):
        with tempfile.NamedTemporaryFile() as file:
            before = os.listdir("/proc/self/fd")
            for _ in range(20):
                with self.assertRaises(PermissionError):
                    io.register(file)
            self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))
        yield

    def test_the_mode_of_the_descriptor_is_kept(self):
        reader, writer = self.pipe()
        with io.register(reader) as registration:
            self.assertFalse((yield registration.arm_r(0.001)))
            self.assertTrue(os.get_blocking(reader))
        os.set_blocking(reader, False)
        with io.register(reader) as registration:
            self.assertFalse((yield registration.arm_r(0.001)))
            self.assertFalse(os.get_blocking(reader))

    def test_it_is_made_by_register_alone(self):
        with self.assertRaises(TypeError):
            io.Registration()
        reader, _ = self.pipe()
        with io.register(reader) as registration:
            self.assertIsInstance(registration, io.Registration)
            self.assertEqual(repr(registration), f"<tonio.io.Registration of descriptor {reader}>")
        self.assertIn("[closed]", repr(registration))
        yield


class Threads(Registration):
    options = {"threads": 2}

    def test_close_against_waiting(self):
        """From other threads, at any moment: who waits gets readiness or EBADF."""
        reader, writer = self.pipe()
        os.write(writer, b"x")
        for round in range(100):
            registration = io.register(reader)
            barrier = threading.Barrier(2)

            def close(registration=registration, barrier=barrier):
                barrier.wait()
                registration.close()

            thread = threading.Thread(target=close)
            thread.start()

            @self.task
            def waiter(registration=registration, barrier=barrier):
                yield tonio.spawn_blocking(barrier.wait)
                try:
                    while (yield registration.arm_r()):
                        pass
                except OSError as error:
                    return error.errno

            self.assertEqual((yield tonio.spawn(waiter())), errno.EBADF)
            thread.join()

    def test_programs_of_tonio(self):
        """arm_x() may be None there, and who has read everything consumes."""
        reader, writer = self.pipe()
        os.set_blocking(reader, False)
        registration = io.register(reader)
        tonio.spawn.without_tracking(tonio.spawn_blocking(os.write, writer, b"abc"))
        data = b""
        while len(data) < 3:
            if (waiter := registration.arm_r()) is not None:
                yield waiter
            try:
                data += os.read(reader, 1)
            except BlockingIOError:
                registration.consume_r()
        self.assertEqual(data, b"abc")
        registration.close()


if __name__ == "__main__":
    main()
