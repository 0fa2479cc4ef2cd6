"""An audit hook that refuses what would harm the machine instead of the process: hostile
arguments are drawn at random, and some of them are names of files, signals and commands."""

import os
import sys

_FILES = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename",
    "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "os.chflags",
}  # fmt: skip
_NEVER = {
    "os.killpg", "os.putenv", "os.unsetenv", "os.chdir", "os.fchdir", "os.fork", "os.forkpty",
    "socket.sethostname", "signal.pthread_kill", "ctypes.dlopen", "shutil.rmtree",
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Refused(PermissionError):
    """What guard.py does not let happen."""


def _outside(folder, path):
    if isinstance(path, int):  # a descriptor that is open already
        return False
    path = os.path.realpath(os.path.join(folder, os.fsdecode(path)))
    return path != folder and not path.startswith(folder + "/")


def keep_within(folder):
    """From now on this process changes no file outside of folder, and signals no process but
    its children."""
    folder = os.path.realpath(folder)

    def check(event, args):
        if event == "open":
            path, _, flags = args
            if path is not None and flags & _WRITING and path != "/dev/null":
                if _outside(folder, path):
                    raise Refused(f"open {path!r}")
        elif event in _FILES:
            for path in args[:2]:
                if isinstance(path, (str, bytes, os.PathLike)) and _outside(folder, path):
                    raise Refused(f"{event} {path!r}")
        elif event in _NEVER:
            raise Refused(event)
        elif event == "os.kill" and (args[0] <= 1 or not _is_child(args[0])):
            raise Refused(f"os.kill {args[0]}")

    def _is_child(pid):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return int(stat.read().rpartition(")")[2].split()[1]) == os.getpid()
        except (OSError, ValueError):
            return False

    sys.addaudithook(check)
