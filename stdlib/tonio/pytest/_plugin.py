"""The hooks and fixtures that pytest finds: through the package's metadata (_distribution.py),
under the name `tonio`.

PYTEST_DONT_REWRITE
"""

# mypy: disable-error-code=import, allow-untyped-decorators, allow-subclassing-any
# pytest comes from the program's environment, or not at all.

from __future__ import annotations

import functools
import gc
import inspect
import traceback

import pytest

import _tonio

from .. import _runtime
from ._clock import Clock
from ._fixtures import Fixture, is_ours, may_be_ours
from ._session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from types import TracebackType
    from typing import Any, TypeVar

    _Number = TypeVar("_Number", int, float)

_MARKER = (
    "tonio(timeout=None): run this test, a generator or async function, on tonio's workers; "
    "after `timeout` seconds it fails."
)
# Of other plugins that run `async` tests.
_OTHERS = ("anyio", "asyncio", "trio", "curio", "twisted", "inlineCallbacks")

_OURS = __file__.removesuffix("pytest/_plugin.py")

_session_key: pytest.StashKey[Session] = pytest.StashKey()
_previous_hook_key: pytest.StashKey[Any] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "tonio_mode",
        "which tests run on tonio: `strict`, those with the marker tonio, or `auto`, all "
        "generator and async functions that have no marker of another plugin",
        default="strict",
    )
    parser.addini("tonio_threads", "the number of tonio's workers (default: the usable CPUs)")
    parser.addini(
        "tonio_timeout", "seconds after which a test fails that tonio runs (default: none)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    mode = config.getini("tonio_mode")
    if mode not in ("strict", "auto"):
        raise pytest.UsageError(f"tonio_mode must be strict or auto, not {mode!r}")
    threads = _number(config, "tonio_threads", int)
    session = Session(mode, threads, _number(config, "tonio_timeout", float))
    config.stash[_session_key] = session
    config.stash[_previous_hook_key] = _tonio.set_failure_hook(session.note_failure)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _previous_hook_key in config.stash:
        _tonio.set_failure_hook(config.stash[_previous_hook_key])
        del config.stash[_previous_hook_key]


def _number(config: pytest.Config, name: str, kind: type[_Number]) -> _Number | None:
    text = config.getini(name)
    if not text:
        return None
    try:
        number = kind(text)
        if number > 0:
            return number
    except ValueError:
        pass
    raise pytest.UsageError(f"{name} must be a number above 0, not {text!r}")


@pytest.fixture(scope="session")
def tonio_runtime(pytestconfig: pytest.Config) -> Iterator[_runtime.Runtime]:
    """The runtime that tests and fixtures run on: a tonio.Runtime. A conftest.py that wants
    other options defines a fixture of this name and this scope, which returns
    tonio.runtime(...)."""
    runtime = _runtime.runtime(context=True, threads=pytestconfig.stash[_session_key].threads)
    yield runtime
    runtime.stop()


@pytest.fixture
def tonio_clock(
    tonio_runtime: _runtime.Runtime, pytestconfig: pytest.Config
) -> Iterator[Clock]:
    """The runtime's clock, standing still: a tonio.pytest.Clock. It goes on after the test."""
    session = pytestconfig.stash[_session_key]
    clock = session.clock = Clock()
    clock._freeze()
    yield clock
    session.clock = None
    clock._go_on()


@pytest.fixture
def tonio_autojump_clock(tonio_clock: Clock) -> Clock:
    """tonio_clock that moves on to the next deadline by itself whenever everything waits."""
    tonio_clock.autojump = 0
    return tonio_clock


def _is_marked(session: Session, markers: Iterable[pytest.Mark]) -> bool:
    """Whether tonio runs a coroutine function with these markers, the closest ones first."""
    names = [marker.name for marker in markers]
    return "tonio" in names or (session.mode == "auto" and not set(names).intersection(_OTHERS))


def _is_coroutine_function(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    return (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    )


def _runs(item: pytest.Item) -> bool:
    """Whether tonio runs the test."""
    return (
        isinstance(item, pytest.Function)
        and _is_coroutine_function(item.obj)
        and _is_marked(item.config.stash[_session_key], item.iter_markers())
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: Any, name: str, obj: object
) -> list[pytest.Item] | None:
    # pytest itself refuses tests that are generators.
    if not (inspect.isgeneratorfunction(obj) and collector.istestfunction(obj, name)):
        return None
    markers = [*getattr(obj, "pytestmark", ()), *collector.iter_markers()]
    if not _is_marked(collector.config.stash[_session_key], markers):
        return None
    return list(collector._genfunctions(name, obj))


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if not _runs(item):
            continue
        _timeout(item)
        # Before all others, so that it ends after them.
        if "tonio_runtime" not in item.fixturenames:
            item.fixturenames.insert(0, "tonio_runtime")


def _timeout(item: pytest.Item) -> float:
    """The test's limit in seconds, or 0."""
    marker = item.get_closest_marker("tonio")
    options = dict(marker.kwargs) if marker else {}
    limit = options.pop("timeout", None)
    if marker and (marker.args or options):
        wrong = ", ".join([*map(repr, marker.args), *options])
        raise pytest.UsageError(f"{item.nodeid}: the marker tonio takes timeout=, not {wrong}")
    if limit is None:
        return item.config.stash[_session_key].timeout or 0.0
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0:
        raise pytest.UsageError(
            f"{item.nodeid}: timeout must be a number of seconds above 0, not {limit!r}"
        )
    return float(limit)


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(
    fixturedef: Any, request: pytest.FixtureRequest
) -> Generator[None, Any, None]:
    function = fixturedef.func
    session = request.config.stash[_session_key]
    if not (is_ours(function) or (may_be_ours(function) and _serves(session, request))):
        yield
        return

    def set_up(**arguments: Any) -> object:
        __tracebackhide__ = True
        fixture = Fixture(session, request, fixturedef.argname)
        bound = function
        if inspect.ismethod(function) and request.instance is not None:
            bound = function.__func__.__get__(request.instance)
        value = fixture.set_up(bound, arguments)
        request.addfinalizer(fixture.take_down)
        return value

    session.runtime = request.getfixturevalue("tonio_runtime")
    fixturedef.func = set_up
    try:
        yield
    finally:
        fixturedef.func = function


def _serves(session: Session, request: pytest.FixtureRequest) -> bool:
    """Whether a test that tonio runs, or any in the mode `auto`, has asked for the fixture."""
    return session.mode == "auto" or _runs(request._pyfuncitem)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    __tracebackhide__ = True
    if not _runs(pyfuncitem):
        return None
    session = pyfuncitem.config.stash[_session_key]
    session.runtime = pyfuncitem._request.getfixturevalue("tonio_runtime")
    coro = pyfuncitem.obj(
        **{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    )
    if inspect.isasyncgen(coro):
        pytest.fail("a test that is an async function can't yield", pytrace=False)
    group = session.new_group()
    failed = True
    try:
        session.run(coro, group, _timeout(pyfuncitem))
        failed = False
    except pytest.skip.Exception:
        failed = False
        raise
    finally:
        session.end_group(group, pyfuncitem, "the test")
        unawaited = session.take_failures()
        if unawaited and failed:
            # Beside the failure of the test itself.
            text = "".join(traceback.format_exception(unawaited))
            pyfuncitem.add_report_section("call", "tonio", text)
        elif unawaited:
            raise unawaited
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[Any]) -> Generator[None, Any, None]:
    # What no code of the test has raised is shown without pytest's frames and ours: a time
    # limit, a deadlock, what nobody awaited.
    report = (yield).get_result()
    if report.failed and call.excinfo is not None:
        entry = _entry_of_ours(call.excinfo.tb)
        if entry is not None:
            excinfo = call.excinfo
            excinfo = pytest.ExceptionInfo.from_exc_info((excinfo.type, excinfo.value, entry))
            report.longrepr = excinfo.getrepr(style="short", tbfilter=False)


def _entry_of_ours(entry: TracebackType | None) -> TracebackType | None:
    """The last entry of a traceback that leads to code of this package and not out again."""
    entered = False
    last = None
    while entry is not None:
        ours = entry.tb_frame.f_code.co_filename.startswith(_OURS)
        if entered and not ours:
            return None
        entered = ours
        last, entry = entry, entry.tb_next
    return last if entered else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Of fixtures, of tests that use the runtime by themselves, and of what the collector has
    found since."""
    __tracebackhide__ = True
    unawaited = item.config.stash[_session_key].take_failures()
    if unawaited:
        raise unawaited


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    gc.collect()
    unawaited = session.config.stash[_session_key].take_failures()
    if not unawaited:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.section("tonio", red=True)
        reporter.write("".join(traceback.format_exception(unawaited)))
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
