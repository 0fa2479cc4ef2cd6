"""tonio: a multi-threaded async runtime. This module is the `yield` notation;
tonio.colored is the `await` notation. Both share one implementation, so a program may
mix them freely."""

from _tonio import (
    Event,
    __version__,
    block_on,
    map,
    map_blocking,
    scope,
    sleep,
    spawn,
    spawn_blocking,
)

from . import exceptions, time
from ._as_completed import as_completed
from ._runtime import Runtime, main, run, runtime
from ._select import select
from ._signals import signal_receiver
from ._tasks import TaskInfo, tasks

__all__ = [
    "Event",
    "Runtime",
    "TaskInfo",
    "__version__",
    "as_completed",
    "block_on",
    "exceptions",
    "main",
    "map",
    "map_blocking",
    "run",
    "runtime",
    "scope",
    "select",
    "signal_receiver",
    "sleep",
    "spawn",
    "spawn_blocking",
    "tasks",
    "time",
]
