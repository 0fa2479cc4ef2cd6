"""tasks(): what all tasks are doing, and the same as a tree for people to read."""

from __future__ import annotations

import sys

import _tonio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Stack = list[tuple[str, int, str]]


class TaskInfo:
    """A task at the moment of tonio.tasks().

    name        the qualified name of its outermost coroutine
    state       "running", "ready" (it waits for a worker) or "suspended"
    waits_on    what suspends it: the name of the operation's type, like "tonio.Sleep"; or None
    spawned_at  "file:line in function", or None
    stack       (filename, line, function) of what it runs, the outermost first
    parent      the task in whose scope it was spawned, or None
    children    the tasks that were spawned in its scopes
    """

    __slots__ = (
        "_group", "children", "name", "parent", "spawned_at", "stack", "state", "waits_on"
    )

    def __init__(
        self,
        name: str,
        state: str,
        waits_on: str | None,
        spawned_at: str | None,
        stack: Stack,
        group: int,
    ) -> None:
        self.name = name
        self.state = state
        self.waits_on = waits_on
        self.spawned_at = spawned_at
        self.stack = stack
        self._group = group
        self.parent: TaskInfo | None = None
        self.children: list[TaskInfo] = []

    def __repr__(self) -> str:
        waits = f" on {self.waits_on}" if self.waits_on else ""
        return f"<task {self.name}: {self.state}{waits}>"


def tasks() -> list[TaskInfo]:
    """A list with a TaskInfo for each task that has begun and not ended; a run's main coroutine
    comes first. From any thread and any task; all other threads stop for a moment."""
    found: list[TaskInfo] = []
    hosts: dict[int, TaskInfo] = {}
    scopes = []
    for name, state, waits_on, site, stack, scope, hosted, of_run, group in _tonio.look_at_tasks():
        task = TaskInfo(name, state, waits_on, site, stack, group)
        found.insert(0, task) if of_run else found.append(task)
        hosts.update(dict.fromkeys(hosted, task))
        scopes.append((task, scope))
    for task, scope in scopes:
        task.parent = hosts.get(scope)
    _cut_circles(found)
    for task in found:
        if task.parent is not None:
            task.parent.children.append(task)
    return found


def _cut_circles(found: list[TaskInfo]) -> None:
    """Tasks may wait for each other's scopes; a tree has no circles."""
    done: set[TaskInfo] = set()
    for task in found:
        path: dict[TaskInfo, None] = {}
        here: TaskInfo | None = task
        while here is not None and here not in done:
            path[here] = None
            if here.parent in path:
                here.parent = None
            here = here.parent
        done.update(path)


def of_group(group: int) -> list[TaskInfo]:
    """Those of tasks() that belong to the group: _tonio.run()."""
    return [task for task in tasks() if task._group == group]


def tree(found: list[TaskInfo] | None = None) -> tuple[int, list[str]]:
    """How many tasks there are, and the tree as lines of text: children stand below their
    host, and alike ones once."""
    if found is None:
        found = tasks()
    known: set[TaskInfo | None] = set(found)
    lines = []
    roots = [task for task in found if task.parent not in known]
    waiting = [(task, 0, count) for task, count in _once(roots)]
    while waiting:
        task, depth, count = waiting.pop()
        indent = "  " * (depth + 1)
        lines += [indent + line for line in _lines(task)]
        if count > 1:
            lines.append(f"{indent}  and {count - 1} more like it")
        waiting += [(child, depth + 1, times) for child, times in _once(task.children)]
    return len(found), lines


def _once(siblings: list[TaskInfo]) -> list[tuple[TaskInfo, int]]:
    """Of siblings without children that look alike one, with their number; reversed."""
    counts: dict[TaskInfo | tuple[str, ...], tuple[TaskInfo, int]] = {}
    for task in siblings:
        key: TaskInfo | tuple[str, ...] = task if task.children else tuple(_lines(task))
        first, count = counts.get(key, (task, 0))
        counts[key] = first, count + 1
    return list(counts.values())[::-1]


def _lines(task: TaskInfo) -> Iterator[str]:
    waits = f" on {task.waits_on}" if task.waits_on else ""
    spawned = f", spawned at {task.spawned_at}" if task.spawned_at else ""
    yield f"task {task.name}: {task.state}{waits}{spawned}"
    for file, line, function in task.stack:
        yield f"  at {file}:{line} in {function}"


def below(title: str, found: list[TaskInfo] | None = None) -> str:
    """The title, the number of tasks, and the tree; of all tasks or those that were found."""
    count, lines = tree(found)
    return "\n".join([f"{title}; {count} {'task' if count == 1 else 'tasks'}", *lines])


def dump(title: str) -> None:
    """Writes the tree to standard error."""
    text = f"tonio: {below(title)}\n"
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()


def deadlock() -> str:
    """What a Deadlock says: the tree, too."""
    frozen = " that runs (the clock stands still)" if _tonio.clock_is_frozen() else ""
    return below(
        f"every task waits for another one, and no timer{frozen}, socket, blocking call, thread "
        "or signal handler is left that could wake any"
    )


def limit_passed(seconds: float, group: int) -> str:
    """What a run that takes longer than its limit says."""
    return below(f"the limit of {seconds:g} s has passed", of_group(group))
