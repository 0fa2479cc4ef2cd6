"""files_tonio.py NOTATION THREADS WORK COUNT: `small`: COUNT files are read at once; `large`:
one file is read in pieces.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import sample_files
import tonio
import tonio.colored
from tonio import fs
from tonio.colored import fs as colored_fs

notation, threads, work, count = sys.argv[1:]
count = int(count)


def small_generators():
    with sample_files.small(count) as paths:
        with report.stopwatch() as execute:
            reads = [fs.Path(path).read_bytes() for path in paths]
            size = sum(map(len, (yield tonio.spawn(*reads))))
    sample_files.check(size, count * sample_files.SMALL)
    report.execution(execute)


async def small_coroutines():
    with sample_files.small(count) as paths:
        with report.stopwatch() as execute:
            reads = [colored_fs.Path(path).read_bytes() for path in paths]
            size = sum(map(len, await tonio.colored.spawn(*reads)))
    sample_files.check(size, count * sample_files.SMALL)
    report.execution(execute)


def large_generators():
    with sample_files.large() as path:
        size = 0
        with report.stopwatch() as execute:
            file = yield fs.open(path, "rb", 0)
            while data := (yield file.read(sample_files.PIECE)):
                size += len(data)
            yield file.close()
    sample_files.check(size, sample_files.LARGE)
    report.execution(execute)


async def large_coroutines():
    with sample_files.large() as path:
        size = 0
        with report.stopwatch() as execute:
            file = await colored_fs.open(path, "rb", 0)
            while data := await file.read(sample_files.PIECE):
                size += len(data)
            await file.close()
    sample_files.check(size, sample_files.LARGE)
    report.execution(execute)


if notation == "yield":
    main = {"small": small_generators, "large": large_generators}[work]
    tonio.run(main(), threads=int(threads))
else:
    main = {"small": small_coroutines, "large": large_coroutines}[work]
    tonio.colored.run(main(), threads=int(threads))
