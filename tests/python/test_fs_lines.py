"""`async for line in file`: the lines, and the position of the file in between."""

import io
import os
import pathlib
import tempfile

import tonio
from scenarios import Scenarios, main
from tonio import fs, sync
from tonio.colored import yield_now

LINES = [f"line {number} {'ä' * (number % 50)}\n" for number in range(6000)]


def short(value):
    """What tells long results apart, without the hours that a diff of them takes."""
    return (len(value), value[:50]) if isinstance(value, str | bytes) else value


class Lines(Scenarios):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "file")
        self.path.write_text("".join(LINES))

    def test_two_tasks_get_each_line_once(self):
        """One takes the lines that were read ahead, the other sets the position back."""

        async def each(file, lines, both):
            async for line in file:
                lines.append(line)
                await (both.wait() if len(lines) == 1 else yield_now())

        async def one_after_the_other(file, lines, both):
            while line := await file.readline():
                lines.append(line)
                if len(lines) == 1:
                    await both.wait()

        for _ in range(3):
            found, more = [], []
            both = sync.Barrier(2)  # each has one, however slow the other's worker is
            file = yield fs.open(self.path)
            yield tonio.spawn(each(file, found, both), one_after_the_other(file, more, both))
            yield file.close()
            self.assertTrue(sorted(found + more) == sorted(LINES))

    def test_all_lines_of_a_file_longer_than_a_batch(self):
        async def read(mode):
            async with fs.open(self.path, mode) as file:
                return [line async for line in file]

        self.assertTrue((yield read("r")) == LINES)
        self.assertTrue((yield read("rb")) == [line.encode() for line in LINES])
        self.assertTrue((yield read("r+")) == LINES)

    def test_after_some_lines_the_file_goes_on_as_one_of_io(self):
        """Whatever is called between two lines."""

        def expected(mode, count, name, args):
            with open(self.path, mode) as file:
                for _ in range(count):
                    file.readline()  # next() would disable tell()
                return [called(lambda: getattr(file, name)(*args)), *map(called, [
                    lambda: next(file), file.readline, file.read])]  # fmt: skip

        def called(function):
            try:
                return function()
            except Exception as failure:
                return type(failure), failure.args

        async def found(mode, count, name, args):
            async def outcome(awaitable):
                try:
                    return await awaitable
                except Exception as failure:
                    return type(failure), failure.args

            async with fs.open(self.path, mode) as file:
                for _ in range(count):
                    await anext(file)
                return [
                    await outcome(getattr(file, name)(*args)),
                    await outcome(anext(file)),
                    await outcome(file.readline()),
                    await outcome(file.read()),
                ]

        calls = [("read", (10,)), ("readline", ()), ("tell", ()), ("seek", (0,)),
                 ("readlines", (100,)), ("flush", ()), ("write", ("x",))]  # fmt: skip
        for mode in ("r", "rb"):
            for count in (1, 2, 3000):
                for name, args in calls + [("peek", (1,))] * (mode == "rb"):
                    with self.subTest(mode=mode, count=count, name=name):
                        got = yield found(mode, count, name, args)
                        if name == "peek":
                            got[0] = got[0][:1]
                        want = expected(mode, count, name, args)
                        if name == "peek":
                            want[0] = want[0][:1]
                        self.assertEqual(list(map(short, got)), list(map(short, want)))
                        self.assertTrue(got == want)

    def test_lines_before_a_decoding_error_come_first(self):
        text = "good\n" * 10_000
        self.path.write_bytes(text.encode() + b"\xff\n" + b"after\n")

        async def read():
            lines = []
            async with fs.open(self.path, encoding="utf-8") as file:
                try:
                    async for line in file:
                        lines.append(line)
                except UnicodeDecodeError:
                    return lines

        lines = []
        with open(self.path, encoding="utf-8") as file:
            try:
                for line in file:
                    lines.append(line)
            except UnicodeDecodeError:
                pass
        self.assertEqual(len((yield read())), len(lines))

    def test_a_closed_file_gives_no_more_lines(self):
        async def read():
            file = await fs.open(self.path)
            await anext(file)
            await file.close()
            await anext(file)

        with self.assertRaisesRegex(ValueError, "closed file"):
            yield read()

    def test_the_end_is_no_end_for_ever(self):
        async def read():
            async with fs.open(self.path, "rb") as file:
                count = len([line async for line in file])
                with open(self.path, "ab") as more:
                    more.write(b"more\n")
                return count, [line async for line in file]

        self.assertEqual((yield read()), (len(LINES), [b"more\n"]))

    def test_a_line_of_a_pipe_comes_when_it_is_there(self):
        async def read():
            reader, writer = os.pipe()
            with open(writer, "wb", buffering=0) as writer:
                async with fs.open(reader, "rb") as file:
                    writer.write(b"first\nsec")
                    first = await anext(file)
                    writer.write(b"ond\n")
                    return first, await anext(file)

        self.assertEqual((yield read()), (b"first\n", b"second\n"))

    def test_wrapped_files_have_lines_too(self):
        async def read(file):
            return [line async for line in file]

        self.assertEqual((yield read(fs.wrap_file(io.StringIO("a\nb")))), ["a\n", "b"])

    def test_each_line_goes_to_one_of_several_tasks(self):
        async def read(file):
            return [line async for line in file]

        file = yield fs.open(self.path)
        parts = yield tonio.spawn(*[read(file) for _ in range(4)])
        self.assertTrue(sorted(sum(parts, [])) == sorted(LINES))
        yield file.close()

    def test_a_loop_without_waiting_is_refused(self):
        with (yield fs.open(self.path)) as file:
            with self.assertRaisesRegex(TypeError, "async for line"):
                for _ in file:
                    pass

    def test_lines_in_the_yield_notation(self):
        lines = []
        with (yield fs.open(self.path)) as file:
            while line := (yield file.readline()):
                lines.append(line)
            yield file.seek(0)
            self.assertTrue((yield file.readlines()) == lines)
        self.assertTrue(lines == LINES)


if __name__ == "__main__":
    main()
