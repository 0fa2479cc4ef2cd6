"""Paths after pathlib whose methods suspend."""

from __future__ import annotations

import functools
import inspect
import pathlib
import sys
import time

from _tonio import finish_blocking, spawn_blocking

from .._generic import Generic, T
from ._file import Opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from typing import Any

    from ..types import Operation, Plain
    from ._methods import PathMethods

    _Method = Callable[..., Any]
else:
    PathMethods = pathlib.PurePosixPath

# What pathlib.Path has beyond PurePath, by what it does here. A test compares it with the
# running Python's pathlib.
SUSPENDING = frozenset(
    "absolute chmod copy copy_into cwd exists expanduser group hardlink_to home"
    " is_block_device is_char_device is_dir is_fifo is_file is_junction is_mount is_socket"
    " is_symlink lchmod lstat mkdir move move_into owner read_bytes read_text readlink rename"
    " replace resolve rmdir samefile stat symlink_to touch unlink write_bytes"
    " write_text".split()
)
LISTING = frozenset("glob iterdir rglob walk".split())
OPENING = frozenset({"open"})
IMMEDIATE = frozenset({"from_uri"})

# Items of a listing are handed over after this long, or when there are so many.
_SECONDS_PER_BATCH = 0.005
_MOST_PER_BATCH = 1000


class Path(PathMethods):
    """A pathlib.Path whose methods that touch the disk suspend; they have the same names,
    arguments, results and errors, and paths among their results are of this class. iterdir,
    glob, rglob and walk give a Listing."""

    __slots__ = ()


class Listing(Generic[T]):
    """`await`, `yield` and `yield from` give the list of all items; `async for` gives the items while they
    are found, so a directory that walk() names can be taken out of its list in time."""

    __slots__ = ("_arguments", "_function", "_path")

    def __init__(
        self,
        function: Callable[..., Any],
        path: Path,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._function = function
        self._path = path
        self._arguments = args, kwargs

    def _begin(self) -> Any:
        return _call(self._function, self._path, *self._arguments)

    def _all(self) -> list[T]:
        return [_converted(self._path, item) for item in self._begin()]

    def __await__(self) -> Plain[list[T]]:
        return spawn_blocking(self._all).__await__()

    def __iter__(self) -> Plain[list[T]]:
        items: list[T] | None = yield self
        if items is None:  # a task has sent a list
            raise TypeError(
                "a listing of tonio.fs is waited for, `for item in (yield path.iterdir())`, or"
                " read by `async for`"
            )
        return items

    async def __aiter__(self) -> AsyncIterator[T]:
        iterator = await finish_blocking(self._begin)
        # A directory is entered when the next item is asked for: the user may change it.
        most = 1 if self._function.__name__ == "walk" else _MOST_PER_BATCH
        more = True
        while more:
            items, failure, more = await finish_blocking(_take, iterator, most)
            for item in items:
                yield _converted(self._path, item)
            if failure is not None:
                raise failure


def _take(iterator: Iterator[Any], most: int) -> tuple[list[Any], Exception | None, bool]:
    """Some items, what has ended the iterator if it was no StopIteration, and whether it may
    have more."""
    items: list[Any] = []
    end = time.monotonic() + _SECONDS_PER_BATCH
    try:
        for item in iterator:
            items.append(item)
            if len(items) >= most or time.monotonic() > end:
                return items, None, True
    except Exception as failure:
        return items, failure, False
    return items, None, False


def _plain(value: object) -> object:
    """What pathlib gets: it would call the methods of ours."""
    return pathlib.Path(value) if isinstance(value, Path) else value


def _read_bytes(path: pathlib.Path) -> bytes:
    """pathlib.Path.read_bytes() as Python 3.14 has it. The one of 3.13 opens with a buffer,
    which a free-threaded interpreter closes with 40 calls of sched_yield(2): decision 16."""
    with path.open("rb", buffering=0) as file:
        return file.read()


def _call(
    function: Callable[..., Any], path: Path, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """What pathlib's function gives for `path`."""
    if args:
        args = [_plain(value) for value in args]
    if kwargs:
        kwargs = {name: _plain(value) for name, value in kwargs.items()}
    return function(pathlib.Path(path), *args, **kwargs)


def _converted(path: Path, value: Any) -> Any:
    """A result of pathlib's, with paths as `path` is; those of walk() are in tuples."""
    if isinstance(value, pathlib.Path):
        return path.with_segments(value)
    if isinstance(value, tuple) and value and isinstance(value[0], pathlib.Path):
        return (path.with_segments(value[0]), *value[1:])
    return value


def _call_converted(
    function: Callable[..., Any], path: Path, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    return _converted(path, _call(function, path, args, kwargs))


def _suspending(function: _Method, instead: _Method | None = None) -> _Method:
    run = instead or function

    @functools.wraps(function)
    def method(self: Path, *args: Any, **kwargs: Any) -> Operation[Any]:
        return finish_blocking(_call_converted, run, self, args, kwargs)

    return method


def _listing(function: _Method) -> _Method:
    @functools.wraps(function)
    def method(self: Path, *args: Any, **kwargs: Any) -> Listing[Any]:
        return Listing(function, self, args, kwargs)

    return method


def _opening(function: _Method) -> _Method:
    @functools.wraps(function)
    def method(self: Path, *args: Any, **kwargs: Any) -> Opening[Any]:
        return Opening(_call, function, self, args, kwargs)

    return method


def _of_class(function: _Method) -> Any:
    """cwd() and home()."""

    @functools.wraps(function)
    def method(cls: type[Path]) -> Operation[Path]:
        return finish_blocking(lambda: cls(function()))

    return classmethod(method)


def _immediate(function: _Method) -> Any:
    @functools.wraps(function)
    def method(cls: type[Path], /, *args: Any, **kwargs: Any) -> Path:
        return cls(function(*args, **kwargs))

    return classmethod(method)


def _define(names: Iterable[str], make: Callable[[_Method], Any]) -> None:
    for name in names:
        function = getattr(pathlib.Path, name, None)
        if function is not None:
            method = make(function)
            getattr(method, "__func__", method).__qualname__ = f"Path.{name}"
            setattr(Path, name, method)


_CLASSMETHODS = {name for name in SUSPENDING if inspect.ismethod(getattr(pathlib.Path, name, None))}
_define(SUSPENDING - _CLASSMETHODS, _suspending)
if sys.version_info < (3, 14):
    _define({"read_bytes"}, functools.partial(_suspending, instead=_read_bytes))
_define(_CLASSMETHODS, _of_class)
_define(LISTING, _listing)
_define(OPENING, _opening)
_define(IMMEDIATE, _immediate)
