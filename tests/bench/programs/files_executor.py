"""files_executor.py WORK COUNT: the same work as files_tonio.py, on a ThreadPoolExecutor."""

import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import report
import sample_files

work, count = sys.argv[1], int(sys.argv[2])

with ThreadPoolExecutor() as executor:
    if work == "small":
        with sample_files.small(count) as paths:
            with report.stopwatch() as execute:
                size = sum(map(len, executor.map(pathlib.Path.read_bytes, paths)))
        sample_files.check(size, count * sample_files.SMALL)
    else:
        with sample_files.large() as path:
            size = 0
            with report.stopwatch() as execute:
                file = executor.submit(open, path, "rb", 0).result()
                while data := executor.submit(file.read, sample_files.PIECE).result():
                    size += len(data)
                executor.submit(file.close).result()
        sample_files.check(size, sample_files.LARGE)
report.execution(execute)
