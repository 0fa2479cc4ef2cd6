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

from . import exceptions
from ._lazy import lazy
from ._runtime import Runtime, main, run, runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import time
    from ._as_completed import as_completed
    from ._bridge_asyncio import from_asyncio, to_asyncio
    from ._bridge_trio import from_trio, to_trio
    from ._process import Process, open_process
    from ._result import Result
    from ._run_process import run_process
    from ._select import select
    from ._signals import signal_receiver
    from ._tasks import TaskInfo, tasks
    from ._waiter import Waiter
else:
    # Importing all of them takes as long as a quarter of the interpreter's start.
    __getattr__, __dir__ = lazy(
        __name__,
        {
            "Process": "_process",
            "Result": "_result",
            "TaskInfo": "_tasks",
            "Waiter": "_waiter",
            "as_completed": "_as_completed",
            "from_asyncio": "_bridge_asyncio",
            "from_trio": "_bridge_trio",
            "open_process": "_process",
            "run_process": "_run_process",
            "select": "_select",
            "signal_receiver": "_signals",
            "tasks": "_tasks",
            "time": "time",
            "to_asyncio": "_bridge_asyncio",
            "to_trio": "_bridge_trio",
        },
    )

__all__ = [
    "Event",
    "Process",
    "Result",
    "Runtime",
    "TaskInfo",
    "Waiter",
    "__version__",
    "as_completed",
    "block_on",
    "exceptions",
    "from_asyncio",
    "from_trio",
    "main",
    "map",
    "map_blocking",
    "open_process",
    "run",
    "run_process",
    "runtime",
    "scope",
    "select",
    "signal_receiver",
    "sleep",
    "spawn",
    "spawn_blocking",
    "tasks",
    "time",
    "to_asyncio",
    "to_trio",
]
