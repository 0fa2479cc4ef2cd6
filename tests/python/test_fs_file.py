"""File objects of tonio.fs: methods suspend and do what io's do."""

import gzip
import io
import os
import pathlib
import tempfile
import threading
import warnings

import tonio
from scenarios import Scenarios, main
from tonio import fs


class FileCase(Scenarios):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "file")
        self.path.write_bytes(b"one\ntwo\r\nthree")


# What is done with a file of a mode: (method or attribute, arguments), one after the other.
SCRIPTS = {
    ("r",): [("read", 2), ("readline",), ("tell",), ("newlines",), ("read",), ("read",),
             ("seek", 0), ("readlines",), ("seek", 1, 1), ("write", "x"), ("truncate",),
             ("encoding",), ("errors",), ("line_buffering",), ("write_through",), ("mode",),
             ("isatty",), ("readable",), ("writable",), ("seekable",), ("peek",), ("fileno",),
             ("reconfigure",), ("closed",), ("close",), ("close",), ("closed",), ("read",),
             ("flush",), ("readable",)],
    ("r", -1, "ascii", "strict", ""): [("readline",), ("readline",), ("newlines",), ("tell",)],
    ("r+", -1, "utf-8"): [("readline",), ("tell",), ("write", "äé"), ("flush",), ("seek", 0),
                          ("read",), ("seek", 3), ("truncate",), ("seek", 0), ("read",)],
    ("w", -1, "utf-16", None, "\r\n"): [("write", "a\nb\n"), ("tell",), ("read",),
                                        ("writelines", ["c\n", "d"]), ("write", b"bytes"),
                                        ("flush",), ("close",), ("write", "late")],
    ("rb",): [("peek",), ("read1", 3), ("readinto", bytearray(4)), ("readinto1", bytearray(2)),
              ("tell",), ("readline",), ("seek", -2, 2), ("read",), ("readlines",), ("write", b""),
              ("encoding",), ("truncate", 1), ("seek", -1), ("readinto", b"readonly")],
    ("wb",): [("write", b"abc" * 9000), ("tell",), ("write", "text"), ("seek", 1), ("write", b"X"),
              ("truncate", 5), ("flush",), ("read",), ("writelines", [b"1", b"2"]), ("mode",)],
    ("rb+",): [("read", 4), ("write", b"NEW"), ("seek", 0), ("read",), ("truncate", 2)],
    ("ab",): [("write", b"end"), ("tell",), ("seek", 0), ("write", b"end2")],
    ("xb",): [("write", b"")],
    ("rb", 0): [("read", 2), ("readall",), ("readinto", bytearray(3)), ("closefd",), ("mode",),
                ("peek",), ("write", b"x")],
    ("wb", 0): [("write", b"abc"), ("readall",), ("truncate", 1), ("tell",)],
    ("w", 1): [("write", "a line\nand"), ("line_buffering",)],
    ("no mode",): [],
    ("r", 0): [],
    ("rb", -1, "utf-8"): [],
    ("r", -1, "no-such-codec"): [],
}  # fmt: skip


def outcome(value):
    return "value", bytes(value) if isinstance(value, memoryview) else value


def failed(failure):
    return type(failure), failure.args


class SameAsIo(FileCase):
    def with_io(self, mode, script):
        self.path.write_bytes(b"one\ntwo\r\nthree")
        try:
            file = open(self.path, *mode)
        except Exception as failure:
            return failed(failure)
        log = []
        with file:
            for name, *args in script:
                args = [arg[:] for arg in args] if name.startswith("readinto") else args
                try:
                    value = getattr(file, name)
                    log.append((name, outcome(value(*args) if callable(value) else value), args))
                except Exception as failure:
                    log.append((name, failed(failure)))
        return log, self.path.read_bytes()

    def test_results_errors_and_effects(self):
        at_once = fs._file.IMMEDIATE
        for mode, script in SCRIPTS.items():
            with self.subTest(mode=mode):
                wanted = self.with_io(mode, script)
                self.path.write_bytes(b"one\ntwo\r\nthree")
                try:
                    file = yield fs.open(self.path, *mode)
                except Exception as failure:
                    self.assertEqual(failed(failure), wanted)
                    continue
                log = []
                for name, *args in script:
                    args = [arg[:] for arg in args] if name.startswith("readinto") else args
                    try:
                        value = getattr(file, name)
                        value = value(*args) if callable(value) else value
                        if name not in at_once:
                            value = yield value
                        log.append((name, outcome(value), args))
                    except Exception as failure:
                        log.append((name, failed(failure)))
                yield file.close()
                self.assertEqual((log, self.path.read_bytes()), wanted)


class Opening(FileCase):
    def test_keyword_arguments_as_open_has_them(self):
        fd = os.open(self.path, os.O_RDONLY)
        file = yield fs.open(fd, mode="rb", closefd=False)
        yield file.close()
        os.close(fd)
        threads = []

        def opener(path, flags):
            threads.append(threading.current_thread())
            return os.open(path, flags)

        file = yield fs.open(self.path, opener=opener)
        yield file.close()
        self.assertEqual(len(threads), 1)
        self.assertIsNot(threads[0], threading.current_thread())

    def test_a_file_that_is_not_there(self):
        for path in (self.path / "x", "/nowhere", b"/nowhere"):
            with self.assertRaises(OSError) as caught:
                yield fs.open(path)
            self.assertEqual(caught.exception.filename, os.fspath(path))

    def test_async_with_closes(self):
        async def main():
            async with fs.open(self.path) as at_once:
                self.assertEqual(await at_once.read(3), "one")
            async with await fs.open(self.path, "wb") as awaited:
                await awaited.write(b"new")
            with self.assertRaises(ZeroDivisionError):
                async with fs.open(self.path) as broken:
                    1 / 0
            return at_once, awaited, broken

        files = yield main()
        self.assertEqual([file.closed for file in files], [True] * 3)
        self.assertEqual(self.path.read_bytes(), b"new")

    def test_with_closes(self):
        with (yield fs.open(self.path, "wb")) as file:
            yield file.write(b"new")
        self.assertTrue(file.closed)
        self.assertEqual(self.path.read_bytes(), b"new")

    def test_with_raises_what_closing_raises(self):
        with self.assertRaises(OSError):
            with (yield fs.open("/dev/full", "wb")) as file:
                yield file.write(b"x")
        with self.assertRaises(OSError):
            file = yield fs.open("/dev/full", "wb")
            yield file.write(b"x")
            yield file.close()


class Wrapping(FileCase):
    def test_files_of_io(self):
        file = fs.wrap_file(io.StringIO("a\nb\n"))
        self.assertEqual((yield file.read()), "a\nb\n")
        self.assertEqual(file.getvalue(), "a\nb\n")
        with open(self.path) as plain:
            file = fs.wrap_file(plain)
            self.assertIs(file.wrapped, plain)
            self.assertEqual((yield file.readline()), "one\n")

    def test_files_of_other_modules(self):
        self.path.write_bytes(gzip.compress(b"packed\n"))
        file = fs.wrap_file(gzip.open(self.path))
        self.assertEqual((yield file.read()), b"packed\n")
        self.assertEqual(file.wrapped.mtime, gzip.open(self.path).mtime or file.wrapped.mtime)
        yield file.close()
        temporary = fs.wrap_file(tempfile.NamedTemporaryFile("w+"))
        yield temporary.write("x")
        yield temporary.seek(0)
        self.assertEqual((yield temporary.read()), "x")
        name = temporary.name
        yield temporary.close()
        self.assertFalse(os.path.exists(name))

    def test_what_is_no_file_is_refused(self):
        for thing in (5, None, "path", object(), self.path):
            with self.assertRaisesRegex(TypeError, "wrap_file.*takes a file object"):
                fs.wrap_file(thing)
        yield

    def test_what_is_wrapped_is_refused(self):
        file = yield fs.open(self.path)
        with self.assertRaisesRegex(TypeError, "is wrapped already"):
            fs.wrap_file(file)
        yield file.close()

    def test_layers_are_files_too(self):
        file = yield fs.open(self.path)
        self.assertIsInstance(file.buffer, fs.File)
        self.assertIsInstance(file.buffer.raw, fs.File)
        self.assertEqual((yield file.buffer.raw.read(3)), b"one")
        buffered = yield file.detach()
        self.assertIsInstance(buffered, fs.File)
        raw = yield buffered.detach()
        self.assertIs(type(raw.wrapped), io.FileIO)
        with self.assertRaises(ValueError):
            yield file.read()
        yield raw.close()




class Ends(FileCase):
    options = {"blocking_threadpool_size": 4}

    def test_closing_and_detaching_exclude_each_other(self):
        """CPython 3.13's text files crash where two threads do that at once."""
        closing, go_on, notes = threading.Event(), threading.Event(), []

        class Slow(io.StringIO):
            def close(self):
                closing.set()
                go_on.wait()
                notes.append("closed")

            def detach(self):
                notes.append("detached")
                return io.BytesIO()

        file = fs.wrap_file(Slow())
        closes = tonio.spawn(file.close())
        yield tonio.spawn_blocking(closing.wait)
        detaches = tonio.spawn(file.detach())
        # A call that the pool takes after it: by then a thread detaches.
        yield tonio.spawn_blocking(int)
        notes.append("goes on")
        go_on.set()
        yield closes
        yield detaches
        self.assertEqual(notes, ["goes on", "closed", "detached"])


class Workers(FileCase):
    def test_methods_run_off_the_workers(self):
        threads = []

        class Noted(io.BytesIO):
            def read(self, size=-1):
                threads.append(threading.current_thread().name)
                return super().read(size)

        mine = threading.get_ident()
        yield fs.wrap_file(Noted(b"x")).read()
        self.assertEqual(len(threads), 1)
        self.assertNotEqual(threads[0], mine)

    def test_several_tasks_may_use_one_file(self):
        with (yield fs.open(self.path, "wb")) as file:

            @self.task
            def writer(number):
                for _ in range(20):
                    yield file.write(bytes([number]) * 100)

            yield tonio.spawn(*map(writer, range(8)))
        data = self.path.read_bytes()
        self.assertEqual(sorted(data), sorted(bytes(range(8)) * 2000))


class Dropped(FileCase):
    # An object is freed by the thread that has made it, when that next runs Python: the only
    # worker frees the call, the only blocking thread then the file.
    options = {"blocking_threadpool_size": 1, "threads": 1}

    def test_a_file_that_is_dropped_warns_as_io_does(self):
        file = yield fs.open(self.path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del file
            for _ in range(1000):
                yield fs.Path(self.path).exists()
                if caught:
                    break
        self.assertEqual([warning.category for warning in caught], [ResourceWarning])


if __name__ == "__main__":
    main()
