"""open_process(): a child process, its pipes as byte streams.

subprocess.Popen starts the child, on the blocking pool, and reaps it; its exit is seen by the
reactor (_process_exit.py)."""

from __future__ import annotations

import os
from _thread import allocate_lock

from _tonio import finish_blocking, scope, shutdown_timeout

from ._pipes import ReceivePipe, SendPipe
from ._process_exit import watch_exit
from ._suspending import suspending

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from signal import SIGKILL, SIGTERM
    from typing import IO, Any, TypeVar

    from _typeshed import StrOrBytesPath

    _P = TypeVar("_P", SendPipe, ReceivePipe)
    Command = StrOrBytesPath | Sequence[StrOrBytesPath]
    # As subprocess.Popen has them.
    Stream = int | IO[Any] | None
else:
    from _signal import SIGKILL, SIGTERM

# Options of subprocess.Popen for text and buffers, which streams of bytes have no use for.
_OF_TEXT = ("bufsize", "universal_newlines", "text", "encoding", "errors")


class Process:
    """A child process; open_process() makes it.

    args                   the command, as it was given
    pid                    its number
    stdin, stdout, stderr  the streams of those that were PIPE, else None: send_all(data),
                           receive_some(max_bytes=None), close(), context managers
    stdio                  (stdin, stdout), when both are streams, else None

    It goes on when nobody holds this object any more; it is not waited for then."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        stdin: SendPipe | None,
        stdout: ReceivePipe | None,
        stderr: ReceivePipe | None,
        leads_group: bool,
    ) -> None:
        if not hasattr(popen, "poll"):
            raise TypeError(
                f"open_process() makes a Process, out of a subprocess.Popen, not {type(popen).__name__}"
            )
        # Guards reaping against signals: none goes to another process with the same number.
        self._mutex = allocate_lock()
        self._popen = popen
        self._exit = watch_exit(popen.pid)
        self._leads_group = leads_group
        self.args: Command = popen.args
        self.pid = popen.pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.stdio = (stdin, stdout) if stdin and stdout else None

    @property
    def returncode(self) -> int | None:
        """None while it runs; then its exit code, or the negative number of the signal that
        ended it."""
        return self.poll()

    def poll(self) -> int | None:
        """Reaps it if it has exited, and gives the returncode. Doesn't suspend."""
        with self._mutex:
            return self._reap()

    def _reap(self) -> int | None:
        """With _mutex."""
        code = self._popen.poll()
        if code is not None:
            self._exit.close()
        return code

    @suspending
    async def wait(self) -> int:
        """Suspends until it has exited, reaps it and gives its returncode. Any number of tasks
        may wait. Read its pipes meanwhile: a child that finds one full does not go on."""
        while (code := self.poll()) is None:
            await self._exit.wait()
        return code

    def send_signal(self, signal: int, *, group: bool = False) -> None:
        """Sends a signal; nothing once it has been reaped. With group, to all processes of
        the group that it leads, which takes a child that was started with process_group=0 or
        start_new_session=True."""
        if group and not self._leads_group:
            raise ValueError(
                f"process {self.pid} leads no process group: start it with process_group=0"
            )
        with self._mutex:
            if not group:
                self._popen.send_signal(signal)
                self._reap()
            elif self._popen.returncode is None:
                # Not reaped, so the group has its number still. The system may have done it
                # (SIGCHLD is ignored).
                try:
                    os.killpg(self.pid, signal)
                except ProcessLookupError:
                    pass

    def terminate(self, *, group: bool = False) -> None:
        """Sends SIGTERM, as send_signal()."""
        self.send_signal(SIGTERM, group=group)

    def kill(self, *, group: bool = False) -> None:
        """Sends SIGKILL, as send_signal()."""
        self.send_signal(SIGKILL, group=group)

    @suspending
    async def end(self, grace: float | None = None) -> None:
        """Closes the streams, terminates it, or the group that it leads, kills what has not
        ended grace seconds later (None: half of the shutdown timeout), and reaps it. Suspends; cancelling that waits for its end."""
        seconds = grace_of(grace)
        group = self._leads_group
        with scope(shield=True):
            self.close_streams()
            if self._popen.returncode is None:
                self.terminate(group=group)
                # Before it is reaped its group has its number, whoever is left in it.
                if not await self._exit.wait(seconds) or group:
                    self.kill(group=group)
                await self.wait()

    def close_streams(self) -> None:
        """Closes those of its streams that are open."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __repr__(self) -> str:
        code = self.poll()
        if code is None:
            state = f"runs as {self.pid}"
        elif code < 0:
            state = f"ended by signal {-code}"
        else:
            state = f"exited with {code}"
        return f"<tonio.Process {self.args!r}: {state}>"


@suspending
async def open_process(
    command: Command,
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    **options: Any,
) -> Process:
    """Starts a child process and gives a Process.

    command is a list of a program and its arguments; with shell=True it is a line for the
    shell. stdin, stdout and stderr are as subprocess.Popen has them: None (ours), a descriptor
    or a file, subprocess.DEVNULL, subprocess.STDOUT, or subprocess.PIPE, which gives a stream
    of bytes. The other options are subprocess.Popen's, without those for text.

    OSError when the program can't be started."""
    _check(command, options)
    for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
        if not (stream is None or isinstance(stream, int) or hasattr(stream, "fileno")):
            raise TypeError(f"{name} must be None, a descriptor or a file, not {stream!r}")
    # Once it has begun, the caller gets the process and can end it.
    return await finish_blocking(_start, command, stdin, stdout, stderr, options)


def grace_of(grace: float | None) -> float:
    """In seconds. Half of the shutdown timeout, if nothing was given: the end of a program
    has time to kill its children. TypeError or ValueError unless it is a number of seconds."""
    if grace is None:
        return shutdown_timeout() / 2
    if not isinstance(grace, (int, float)):
        raise TypeError(f"grace must be a number of seconds, not {type(grace).__name__}")
    if not grace >= 0:
        raise ValueError(f"grace must not be negative: {grace}")
    return grace


def _check(command: Command, options: dict[str, Any]) -> None:
    if command is None or (isinstance(command, (list, tuple)) and not command):
        raise _no_command(command)
    for name in _OF_TEXT:
        if options.get(name):
            raise TypeError(f"processes have streams of bytes, so there is no option {name!r}")
    is_line = isinstance(command, (str, bytes))
    if is_line and not options.get("shell"):
        raise TypeError(
            f"command must be a list, such as ['ls', '-l'], or shell=True be given: {command!r}"
        )
    if not is_line and options.get("shell"):
        raise TypeError(f"with shell=True, command must be a line for the shell: {command!r}")


def _no_command(command: object) -> TypeError:
    return TypeError(f"command must be a list of a program and its arguments, not {command!r}")


def _start(
    command: Command, stdin: Stream, stdout: Stream, stderr: Stream, options: dict[str, Any]
) -> Process:
    # Not with this module: it would triple the time that `import tonio` takes.
    import contextlib
    import subprocess

    if not isinstance(command, (str, bytes, os.PathLike, list, tuple)):
        # It may give its items only once, as Popen takes them.
        command = list(given := command)
        if not command:
            raise _no_command(given)
    leads_group = bool(options.get("start_new_session")) or options.get("process_group") == 0
    with contextlib.ExitStack() as child_ends, contextlib.ExitStack() as unless_started:

        def pipe(stream: type[_P], ours: int) -> tuple[_P, int]:
            ends = os.pipe()
            child_ends.callback(os.close, ends[1 - ours])
            try:
                return unless_started.enter_context(stream(ends[ours])), ends[1 - ours]
            except BaseException:
                os.close(ends[ours])
                raise

        to_child = from_child = errors = None
        if stdin == subprocess.PIPE:
            to_child, stdin = pipe(SendPipe, 1)
        if stdout == subprocess.PIPE:
            from_child, stdout = pipe(ReceivePipe, 0)
        if stderr == subprocess.PIPE:
            errors, stderr = pipe(ReceivePipe, 0)
        popen = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, **options)
        try:
            process = Process(popen, to_child, from_child, errors, leads_group)
        except BaseException:
            popen.kill()
            popen.wait()
            raise
        unless_started.pop_all()
    return process
