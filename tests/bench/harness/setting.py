"""Where a run happens: the interpreter, our binary, the peers, the CPUs, the C compiler."""

import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.process import environment

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent.parent
PROGRAMS = BENCH / "programs"
NATIVE = BENCH / "native"

PROBE = """
import importlib.metadata, importlib.util, json, platform, sys, sysconfig

def version(package):
    if not importlib.util.find_spec(package):
        return None
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"

site = sysconfig.get_path("platlib")
sys.path.append(site)
print(json.dumps({
    "version": platform.python_version(),
    "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    "include": sysconfig.get_path("include"),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "site": site,
    "packages": {name: version(name) for name in ("tonio", "uvloop")},
}))
"""


class Unusable(Exception):
    """The run can't start; the text says what to do."""


@dataclass(frozen=True)
class Interpreter:
    path: Path
    version: str
    gil: bool
    include: str
    suffix: str
    site: str
    packages: dict[str, str | None]

    @classmethod
    def probe(cls, path):
        try:
            done = subprocess.run([path, "-c", PROBE], env=environment(), capture_output=True, text=True, timeout=60)
        except OSError as error:
            raise Unusable(f"{path}: {error.strerror}") from None
        if done.returncode:
            raise Unusable(f"{path} does not run: {done.stderr.strip()}")
        found = cls(path=Path(path), **json.loads(done.stdout))
        if found.gil:
            raise Unusable(f"{path} has the GIL; a free-threaded CPython 3.13 or newer is needed")
        return found

    @property
    def environment(self):
        # Debian's site module looks for a free-threaded interpreter's packages
        # in another folder than the one that sysconfig names and pip uses.
        return {"PYTHONPATH": self.site}

    def program(self, name, *arguments):
        return [str(self.path), str(PROGRAMS / name), *map(str, arguments)]


def default_python():
    if named := os.environ.get("TONIO_PYTHON"):
        return named
    cache = ROOT / "build" / "CMakeCache.txt"
    if cache.exists() and (found := re.search(r"^TONIO_PYTHON_EXECUTABLE:\w+=(.+)$", cache.read_text(), re.M)):
        return found[1]
    raise Unusable("no interpreter: give --python PATH or TONIO_PYTHON, or configure the build first")


@dataclass
class Setting:
    python: Interpreter
    tonio: Path
    peers: Interpreter | None  # the interpreter of the peers' virtual environment
    build_dir: Path
    repeat: int
    count: int
    seconds: float
    starts: int
    acquisitions: int  # of a lock, by each of its tasks
    switches: int
    spawns: int
    messages: int
    tree: int  # tasks of each task, and of the first
    sleeps: int  # in a row
    pending: int  # sleeps at once
    calls: int  # on the blocking pool
    files: int
    sizes: list[int]
    connections: list[int]
    growth_tasks: list[int]
    growth_connections: list[int]

    @cached_property
    def tonio_missing(self):
        return None if os.access(self.tonio, os.X_OK) else f"{self.tonio} is not built"

    def peer_missing(self, package):
        if not self.peers:
            return "no --peers"
        if not self.peers.packages[package]:
            return f"{package} is not installed in {self.peers.path.parent.parent}"
        return None

    def tonio_program(self, name, threads, *arguments):
        return [str(self.tonio), "run", "--threads", str(threads), str(PROGRAMS / name), "--", *map(str, arguments)]

    @cached_property
    def cpus(self):
        """(the server's CPU, the client's, both as the two-worker servers have them)"""
        usable = sorted(os.sched_getaffinity(0))
        server, client = usable[0], usable[min(1, len(usable) - 1)]
        return {server}, {client}, {server, client}

    def compiled(self, source, output=None, flags=()):
        """The path of the binary made of native/SOURCE, compiled again when either has changed."""
        source = NATIVE / source
        output = self.build_dir / (output or source.stem)
        command = [*shlex.split(os.environ.get("CC", "cc")), "-O2", "-Wall", "-Wextra"]
        command += [*flags, str(source), "-o", str(output)]
        stamp = output.with_name(output.name + ".command")
        up_to_date = (
            output.exists()
            and output.stat().st_mtime > source.stat().st_mtime
            and stamp.exists()
            and stamp.read_text() == shlex.join(command)
        )
        if not up_to_date:
            self.build_dir.mkdir(parents=True, exist_ok=True)
            try:
                done = subprocess.run(command, capture_output=True, text=True)
            except OSError as error:
                raise Unusable(f"{command[0]}: {error.strerror}; the bare floors need a C compiler (CC)") from None
            if done.returncode:
                raise Unusable(f"{shlex.join(command)} failed:\n{done.stderr}")
            stamp.write_text(shlex.join(command))
        return output

    def describe(self):
        def peer(package):
            return self.peer_missing(package) or self.peers.packages[package]

        load, cpus = os.getloadavg()[0], os.cpu_count()
        busy = "; it is busy, so the figures mean little" if load > cpus / 2 else ""
        return {
            "python": f"{self.python.version} free-threaded ({self.python.path})",
            "tonio": self.tonio_missing or str(self.tonio),
            "Rust TonIO": peer("tonio"),
            "uvloop": peer("uvloop"),
            "machine": f"{cpus} CPUs, load {load:.1f} at the start{busy}",
        }
