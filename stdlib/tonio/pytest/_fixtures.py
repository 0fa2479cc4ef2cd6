"""Fixtures that run on the workers: a fixture's coroutine is one task from its set-up to its
end, so a scope, a timeout or a connection may stay open while the tests run."""

# mypy: disable-error-code=import, allow-untyped-decorators, allow-subclassing-any
# pytest comes from the program's environment, or not at all.

from __future__ import annotations

import contextvars
import inspect

import pytest

import _tonio
from _tonio import Event, spawn

from .._call import call
from .._handed_over import handed_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import AsyncGeneratorType
    from typing import Any

    from ..types import Coro
    from ._session import Session

# Those that have been set up, by their group.
_fixtures: dict[int, Fixture] = {}
# Shows whether tasks have their spawner's context.
_seen_from: contextvars.ContextVar[Fixture | None] = contextvars.ContextVar(
    "tonio.pytest.seen_from")


class provide:
    """In a fixture's coroutine, `yield provide(value)` or `await provide(value)` gives the
    value to the tests and suspends until none of them needs it any more. Once."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            fixture = _fixtures[_tonio.current_group()]
        except KeyError:
            raise RuntimeError(
                "tonio.pytest.provide() is for fixtures: @tonio.pytest.fixture makes one"
            ) from None
        return fixture._provide(self._value).__await__()

    __iter__ = __await__


def fixture(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """As pytest.fixture, with the same options, for what runs on the workers: an `async`
    function, an asynchronous generator, or a generator of the `yield` notation. The value is
    what it returns, what the asynchronous generator yields, or what it provides
    (tonio.pytest.provide); what comes after that takes the fixture down. Tests that are not
    run by tonio may use it, too."""

    def decorate(function: Callable[..., Any]) -> Any:
        if not _is_coroutine(function):
            raise TypeError(
                f"@tonio.pytest.fixture decorates a generator or async function, not {function!r}; "
                "for others there is @pytest.fixture"
            )
        setattr(function, "_tonio_fixture", True)
        return pytest.fixture(**options)(function)

    return decorate if function is None else decorate(function)


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_coroutine(function: object) -> bool:
    return _is_async(function) or inspect.isgeneratorfunction(function)


def is_ours(function: object) -> bool:
    """Whether tonio.pytest.fixture has made it."""
    return bool(getattr(function, "_tonio_fixture", False))


def may_be_ours(function: object) -> bool:
    """Whether pytest.fixture has made it of something that pytest can't run itself, and no
    other plugin has claimed it."""
    return _is_async(function) and not hasattr(function, "_force_asyncio_fixture")


class Fixture:
    """One that is being set up, or has been. Of the main thread, but for its coroutine."""

    def __init__(self, session: Session, request: pytest.FixtureRequest, name: str) -> None:
        self._session = session
        self._node = request.node
        self._name = name
        self._group = session.new_group()
        # What the task hands over.
        self._ready = Event()
        self._unneeded = Event()
        self._ended = Event()
        self._provided = False
        self._value: object = None
        self._failure: BaseException | None = None
        self._context: contextvars.Context | None = None
        # The variables that it has set for the tests, with the tokens to take them back.
        self._changed: list[tuple[contextvars.ContextVar[Any], contextvars.Token[Any]]] = []

    def set_up(self, function: Callable[..., Any], arguments: dict[str, Any]) -> object:
        __tracebackhide__ = True
        coro = function(**arguments)
        if inspect.isasyncgen(coro):
            coro = _provide_from(coro)
        _fixtures[self._group] = self
        seen_from = _seen_from.set(self)
        try:
            self._session.run(self._begin(coro), self._group)
        except BaseException:
            self._end()
            raise
        finally:
            _seen_from.reset(seen_from)
        if self._failure is not None and not self._provided:
            self._end()
            self._raise_failure()
        self._change_context()
        value, self._value = self._value, None
        return value

    def take_down(self) -> None:
        __tracebackhide__ = True
        try:
            self._session.run(self._finish(), self._group, ending=True)
        finally:
            self._restore_context()
            self._end()
        self._raise_failure()

    def _end(self) -> None:
        _fixtures.pop(self._group, None)
        self._session.end_group(self._group, self._node, f"the fixture {self._name}")

    def _raise_failure(self) -> None:
        __tracebackhide__ = True
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure

    # On the workers:

    async def _begin(self, coro: Coro[object]) -> None:
        live = self._live(coro)
        live.__qualname__ = f"fixture {self._name}"  # in the tree of tasks
        spawn.without_tracking(live)
        await self._ready.wait()

    async def _finish(self) -> None:
        self._unneeded.set()
        await self._ended.wait()

    async def _live(self, coro: Coro[object]) -> None:
        __tracebackhide__ = True
        try:
            value = await call(coro)
            if not self._provided:
                self._hand_over(value)
        except BaseException as failure:
            if inspect.isgenerator(coro) and str(failure).startswith("a task can yield "):
                failure.add_note(
                    "a fixture gives its value with `yield tonio.pytest.provide(value)`"
                )
            self._failure = handed_over(failure)
        finally:
            self._ended.set()
            self._ready.set()

    async def _provide(self, value: object) -> None:
        if self._provided:
            raise RuntimeError(f"the fixture {self._name} provides more than one value")
        self._provided = True
        self._hand_over(value)
        self._ready.set()
        await self._unneeded.wait()

    def _hand_over(self, value: object) -> None:
        self._value = value
        if _seen_from.get(None) is self:
            self._context = contextvars.copy_context()

    # Context variables that the fixture sets are set for the tests as well.

    def _change_context(self) -> None:
        context, self._context = self._context, None
        here = contextvars.copy_context()
        for variable, value in context.items() if context else ():
            if variable is not _seen_from and here.get(variable, variable) is not value:
                self._changed.append((variable, variable.set(value)))

    def _restore_context(self) -> None:
        while self._changed:
            variable, token = self._changed.pop()
            variable.reset(token)


async def _provide_from(values: AsyncGeneratorType[object, None]) -> None:
    """Provides what an asynchronous generator yields."""
    __tracebackhide__ = True
    name = values.ag_code.co_name
    try:
        value = await anext(values)
    except StopAsyncIteration:
        raise RuntimeError(f"the fixture {name} yields no value") from None
    await provide(value)
    try:
        await anext(values)
    except StopAsyncIteration:
        return
    await values.aclose()
    raise RuntimeError(f"the fixture {name} yields more than one value")
