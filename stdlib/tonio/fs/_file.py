"""File objects of io whose methods suspend."""

import functools
import io

from _tonio import finish_blocking, shield_blocking

from ._lines import ReadAhead

# What io's file objects have, by what it does here. A test compares it with the running
# Python's io.
SUSPENDING = frozenset(
    "close detach flush peek read read1 readall readinto readinto1 readline readlines"
    " reconfigure seek tell truncate write writelines".split()
)
IMMEDIATE = frozenset(
    "buffer closed closefd encoding errors fileno getbuffer getvalue isatty line_buffering"
    " mode name newlines raw readable seekable writable write_through".split()
)


class File:
    """A file object whose methods that may touch the disk suspend; those are of the same
    name, arguments, results and errors as the wrapped object's, which `wrapped` is.

    `async with` closes it when it is left. So does `with`, for the `yield` notation, which
    can't suspend there: what is still in the file's buffer is written by the worker itself.
    `async for` gives the lines."""

    __slots__ = ("__weakref__", "_ahead", "_file")

    def __init__(self, file, ahead=None):
        self._file = file
        self._ahead = ahead

    @property
    def wrapped(self):
        """The file object of io; lines that `async for` has read ahead are behind it."""
        return self._file

    def __getattr__(self, name):
        if name in SUSPENDING:
            method = getattr(self._file, name)
            if name == "close":
                return functools.partial(shield_blocking, method)
            if name == "detach":
                method = functools.partial(_wrapped, method)
            if self._ahead is not None:
                method = functools.partial(self._ahead.rewound, method)
            return functools.partial(finish_blocking, method)
        if name in IMMEDIATE:
            value = getattr(self._file, name)
            return File(value) if isinstance(value, io.IOBase) else value
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}; what the file object"
            " has beyond those of io is an attribute of `wrapped`"
        )

    def __dir__(self):
        names = (SUSPENDING | IMMEDIATE).intersection(dir(self._file))
        return sorted(names.union(super().__dir__()))

    def __repr__(self):
        return f"<tonio.fs.File of {self._file!r}>"

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._ahead is not None:
            line = await self._ahead.next_line()
        else:
            line = await finish_blocking(next, self._file, None)
        if line is None:
            raise StopAsyncIteration
        return line

    def __iter__(self):
        raise TypeError(
            "the lines of a tonio.fs.File are read by `async for line in file`, or by"
            " `for line in (yield file.readlines())`"
        )

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        await self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()


def _wrapped(function, *args, **kwargs):
    return File(function(*args, **kwargs))


def _opened(function, *args, **kwargs):
    file = function(*args, **kwargs)
    return File(file, ReadAhead.of(file))


class Opening:
    """What open() gives: `await` and `yield` open the file and give it, `async with` closes
    it as well."""

    __slots__ = ("_call", "_file")

    def __init__(self, function, *args, **kwargs):
        self._call = functools.partial(finish_blocking, _opened, function, *args, **kwargs)

    def __await__(self):
        return self._call().__await__()

    __iter__ = __await__

    async def __aenter__(self):
        self._file = await self
        return self._file

    async def __aexit__(self, *exception):
        await self._file.close()


def open(
    file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True,
    opener=None,
):
    """As the built-in open(); suspends and gives a File. An opener runs on the blocking
    pool."""
    return Opening(io.open, file, mode, buffering, encoding, errors, newline, closefd, opener)


def wrap_file(file):
    """A File around a file object of io, or one like it. TypeError when it has no close(),
    or neither read() nor write()."""

    def has(name):
        return callable(getattr(file, name, None))

    if not (has("close") and (has("read") or has("write"))):
        raise TypeError(
            "tonio.fs.wrap_file() takes a file object, which has close() and read() or"
            f" write(), not {file!r}"
        )
    return File(file)
