"""The leftovers of the shutdown matrix that wait on everything there is: each public operation that
suspends is among them, and each of their tasks does wait."""

import ast
import os
import pathlib
import unittest

from programs import run_program
from shutdowns import LEFTOVERS, START
from waiting_tasks import WAITS

SOURCES = pathlib.Path(os.environ["TONIO_SOURCE_DIR"], "stdlib")
# Without a wait of its own there, by the reason.
ELSEWHERE = {
    "a leftover of its own": "from_asyncio to_asyncio",
    "made of the pieces of asyncio's": "from_trio to_trio",
    "waits for a name to be looked up only": "socket.bind create_server open_tcp_listeners "
    "open_unix_listener open_tls_over_tcp_listeners",
    "a server of which the handshake waits": "serve_tls_over_tcp",
    "what public ones are made of": "yield_now suspending_call finish_blocking shield_blocking "
    "TlsEngine.receive TlsEngine.send_all Visit.outcome Guest.run call Exit.wait _Watched.wait "
    "_Polled.wait _Stay.next ReadAhead.next_line _Attempts.connect",
    "of the pytest plugin": "wait_for_rest",
    "a decorator": "suspending main",
    "a type for annotations": "Listener.accept Transport.receive_some "
    "Transport.send_all _Listener.accept _Stream.close",
}
# Until nothing but main runs; the finally blocks of those that don't wait have said so before.
MAIN = """
def main():
    yield leave()
    while any(task.state != "suspended" for task in tonio.tasks() if task.name != "main"):
        yield tonio.sleep(0.001)
    say("in place")
"""


USED_BY_SYNTAX = ("__call__", "__await__", "__anext__")


def suspends(function):
    """By its annotation."""
    if isinstance(function, ast.AsyncFunctionDef):
        return True
    gives = ast.unparse(function.returns) if function.returns else ""
    return any(name in gives for name in ("Operation[", "Plain[", "Awaitable[", "Coro["))


def operations(node, path, outer=""):
    """Functions and methods that suspend, as Class.method; of names that begin with an underscore
    what `await`, `async for` and a call use."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from operations(child, path, f"{child.name}.")
        elif isinstance(child, ast.If):
            yield from operations(child, path, outer)
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and suspends(child):
            if not child.name.startswith("_") or child.name in USED_BY_SYNTAX:
                # What all files and paths have is one: a call on the blocking pool.
                yield outer.strip(".") if path.name == "_methods.pyi" else outer + child.name


def public_operations():
    for path in [SOURCES / "_tonio.pyi", *SOURCES.glob("tonio/**/*.py*")]:
        if "pytest" not in path.parts:  # which is no part of programs
            yield from operations(ast.parse(path.read_text()), path)


class WaitingTasks(unittest.TestCase):
    def test_every_operation_is_waited_on(self):
        listed = {*" ".join([*WAITS.values(), *ELSEWHERE.values()]).split()}
        self.assertEqual(listed ^ set(public_operations()), set())

    def test_every_task_waits(self):
        for name in LEFTOVERS:
            if name.startswith("tasks waiting on"):
                with self.subTest(name):
                    leftover = LEFTOVERS[name]
                    text = START + leftover.text + MAIN
                    done = run_program(text, "--threads", "2", *leftover.options, args=["2"])
                    before, after = done.out.split("in place\n")
                    self.assertNotIn("finally", before)
                    self.assertEqual(sorted(after.splitlines()), sorted(leftover.finals))


if __name__ == "__main__":
    unittest.main(verbosity=2)
