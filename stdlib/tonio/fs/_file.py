"""File objects of io whose methods suspend."""

from __future__ import annotations

import functools
import io
from _thread import allocate_lock

from _tonio import finish_blocking, shield_blocking

from .._generic import AnyStr, Generic
from ._lines import ReadAhead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any, NoReturn, Protocol, overload

    from _typeshed import FileDescriptorOrPath, OpenBinaryMode, OpenTextMode

    from ..types import Operation, Plain
    from ._methods import FileMethods

    _Opener = Callable[[str, int], int]

    class _Closing(Protocol):
        def close(self) -> object: ...

else:
    FileMethods = Generic

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


class File(FileMethods[AnyStr]):
    """A file object whose methods that may touch the disk suspend; those are of the same
    name, arguments, results and errors as the wrapped object's, which `wrapped` is.

    `async with` closes it when it is left. So does `with`, for the `yield` notation, which
    can't suspend there: what is still in the file's buffer is written by the worker itself.
    `async for` gives the lines."""

    __slots__ = ("__weakref__", "_ahead", "_ending", "_file")

    def __init__(self, file: Any, ahead: ReadAhead | None = None) -> None:
        if not callable(getattr(file, "close", None)):
            raise TypeError(f"File() takes a file object, which has close(), not {file!r}")
        if ahead is not None and not isinstance(ahead, ReadAhead):
            raise TypeError(f"File(): ahead must be None, not {ahead!r}")
        self._file = file
        self._ahead = ahead
        # Held by who closes or detaches it: where two threads do both at once, CPython 3.13's text
        # files crash.
        self._ending = allocate_lock()

    @property
    def wrapped(self) -> Any:
        """The file object of io; lines that `async for` has read ahead are behind it."""
        return self._file

    def _attribute(self, name: str) -> Any:
        if name in SUSPENDING:
            method = getattr(self._file, name)
            if name == "close":
                return functools.partial(shield_blocking, self._close)
            if name == "detach":
                method = self._detach
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

    if not TYPE_CHECKING:  # which take it to have any attribute then
        __getattr__ = _attribute

    def __dir__(self) -> list[str]:
        names = (SUSPENDING | IMMEDIATE).intersection(dir(self._file))
        return sorted(names.union(super().__dir__()))

    def __repr__(self) -> str:
        return f"<tonio.fs.File of {self._file!r}>"

    def __aiter__(self) -> File[AnyStr]:
        return self

    async def __anext__(self) -> AnyStr:
        line: AnyStr | None
        if self._ahead is not None:
            line = await self._ahead.next_line()
        else:
            line = await finish_blocking(_next_line, self._file)
        if line is None:
            raise StopAsyncIteration
        return line

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "the lines of a tonio.fs.File are read by `async for line in file`, or by"
            " `for line in (yield file.readlines())`"
        )

    async def __aenter__(self) -> File[AnyStr]:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __enter__(self) -> File[AnyStr]:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def _close(self) -> object:
        with self._ending:
            return self._file.close()

    def _detach(self) -> File[Any]:
        with self._ending:
            return File(self._file.detach())


def _next_line(file: Any) -> Any:
    return next(file, None)


def _opened(function: Callable[..., Any], *args: Any, **kwargs: Any) -> File[Any]:
    file = function(*args, **kwargs)
    return File(file, ReadAhead.of(file))


if TYPE_CHECKING:

    @overload
    def wrap_file(file: IO[AnyStr]) -> File[AnyStr]: ...
    @overload
    def wrap_file(file: io.BufferedIOBase | io.RawIOBase) -> File[bytes]: ...
    @overload
    def wrap_file(file: io.TextIOBase) -> File[str]: ...
    @overload
    def wrap_file(file: _Closing) -> File[Any]: ...


def wrap_file(file: Any) -> File[Any]:
    """A File around a file object of io, or one like it. TypeError when it has no close(),
    or neither read() nor write()."""

    if isinstance(file, File):
        raise TypeError(
            f"tonio.fs.wrap_file() takes a file object of io, and {file!r} is wrapped already"
        )

    def has(name: str) -> bool:
        return callable(getattr(file, name, None))

    if not (has("close") and (has("read") or has("write"))):
        raise TypeError(
            "tonio.fs.wrap_file() takes a file object, which has close() and read() or"
            f" write(), not {file!r}"
        )
    return File(file)


class Opening(Generic[AnyStr]):
    """What open() gives: `await` and `yield` open the file and give it, `async with` closes
    it as well."""

    __slots__ = ("_call", "_file")

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._call: Callable[[], Operation[Any]]
        self._call = functools.partial(finish_blocking, _opened, function, *args, **kwargs)
        self._file: File[AnyStr] | None = None

    def __await__(self) -> Plain[File[AnyStr]]:
        return self._call().__await__()

    __iter__ = __await__

    async def __aenter__(self) -> File[AnyStr]:
        self._file = file = await self
        return file

    async def __aexit__(self, *exception: object) -> None:
        if self._file is None:
            raise RuntimeError("this tonio.fs.open() was not entered")
        await self._file.close()


if TYPE_CHECKING:

    @overload
    def open(
        file: FileDescriptorOrPath,
        mode: OpenTextMode = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: _Opener | None = None,
    ) -> Opening[str]: ...
    @overload
    def open(
        file: FileDescriptorOrPath,
        mode: OpenBinaryMode,
        buffering: int = -1,
        encoding: None = None,
        errors: None = None,
        newline: None = None,
        closefd: bool = True,
        opener: _Opener | None = None,
    ) -> Opening[bytes]: ...
    @overload
    def open(
        file: FileDescriptorOrPath,
        mode: str,
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: _Opener | None = None,
    ) -> Opening[Any]: ...


def open(
    file: FileDescriptorOrPath,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: _Opener | None = None,
) -> Opening[Any]:
    """As the built-in open(); suspends and gives a File. An opener runs on the blocking
    pool."""
    return Opening(io.open, file, mode, buffering, encoding, errors, newline, closefd, opener)
