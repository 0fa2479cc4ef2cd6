"""run_process(): a child process from its start to its end."""

from __future__ import annotations

from _tonio import scope

from ._process import grace_of, open_process
from ._suspending import suspending

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from types import ModuleType
    from typing import Any

    from _typeshed import ReadableBuffer

    from ._pipes import ReceivePipe, SendPipe
    from ._process import Command, Stream

# What subprocess.run has and subprocess.Popen has not.
_INSTEAD = {
    "capture_output": "use capture_stdout=True and capture_stderr=True",
    "input": "pass the data as stdin",
    "timeout": "use tonio.time.timeout(tonio.run_process(…), seconds)",
}


@suspending
async def run_process(
    command: Command,
    *,
    stdin: Stream | ReadableBuffer | str = b"",
    capture_stdout: bool = False,
    capture_stderr: bool = False,
    check: bool = True,
    grace: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a child process and gives a subprocess.CompletedProcess, with what was captured as
    bytes. command and options are as open_process() has them.

    stdin: bytes-like or text (sent as UTF-8) to be read by the child, which may leave some of
    it; or what subprocess.Popen takes, None for our own. check: subprocess.CalledProcessError
    when the exit code is not 0.

    When the waiting task is cancelled the child is terminated, killed if it has not ended
    grace seconds later (None: half of the shutdown timeout), and reaped, and that is waited
    for. A child that was started with
    process_group=0 or start_new_session=True takes its process group with it."""
    import subprocess  # see _process.py

    grace = grace_of(grace)
    for name, instead in _INSTEAD.items():
        if name in options:
            raise TypeError(f"run_process() has no option {name!r}: {instead}")
    stdin, data = _input(stdin, subprocess)
    for name, captured in (("stdout", capture_stdout), ("stderr", capture_stderr)):
        if captured and name in options:
            raise ValueError(f"run_process(): {name} and capture_{name} exclude each other")
        if options.get(name) == subprocess.PIPE:
            raise ValueError(f"run_process() has no pipe to give away: use capture_{name}=True")
        if captured:
            options[name] = subprocess.PIPE

    process = await open_process(command, stdin=stdin, **options)
    # By the names of the pipes, None for those that are not captured.
    output: dict[str, bytearray | None] = {"stdout": None, "stderr": None}
    try:
        async with scope() as exchange:
            if process.stdin is not None and data is not None:
                exchange.spawn(_feed(process.stdin, data))
            for name in output:
                if (stream := getattr(process, name)) is not None:
                    output[name] = collected = bytearray()
                    exchange.spawn(_collect(stream, collected))
        # Not before its output has ended: the number of the group that it leads stays its own,
        # and what it has left running there can be ended.
        code = await process.wait()
    except BaseException:
        await process.end(grace)
        raise
    process.close_streams()

    out, err = (part if part is None else bytes(part) for part in output.values())
    if check and code:
        raise subprocess.CalledProcessError(code, process.args, out, err)
    return subprocess.CompletedProcess(process.args, code, out, err)


def _input(
    stdin: Stream | ReadableBuffer | str, subprocess: ModuleType
) -> tuple[Stream, memoryview | None]:
    """What open_process() is given, and the data to send."""
    if stdin is None or isinstance(stdin, int) or hasattr(stdin, "fileno"):
        if stdin == subprocess.PIPE:
            raise ValueError("run_process() has no pipe to give away: pass the data as stdin")
        return stdin, None  # type: ignore[return-value]  # it has fileno()
    try:
        data = memoryview(stdin.encode() if isinstance(stdin, str) else stdin).cast("B")
    except TypeError:
        kind = type(stdin).__name__
        raise TypeError(
            "run_process(): stdin must be bytes-like and contiguous, text, a file or a descriptor,"
            f" not {kind}"
        ) from None
    # What has nothing to read needs no pipe.
    return (subprocess.PIPE if data.nbytes else subprocess.DEVNULL), data


async def _feed(stream: SendPipe, data: ReadableBuffer) -> None:
    with stream:
        try:
            await stream.send_all(data)
        except BrokenPipeError:
            pass  # the child does not want the rest


async def _collect(stream: ReceivePipe, output: bytearray) -> None:
    with stream:
        while part := await stream.receive_some():
            output += part
