"""What the interpreter that runs the tests has been built with."""

import pathlib
import sys


def patched_with(patch):
    """Whether packaging/bootstrap has built it with this one of packaging/patches/python-3.13."""
    built = pathlib.Path(sys.base_prefix, "tonio-build")
    return built.exists() and patch in built.read_text()


def one_thread_at_a_time():
    """Whether two threads may use one generator without crashing."""
    return sys.version_info >= (3, 15) or patched_with("one-thread-at-a-time-in-a-generator.patch")


def exceptions_of_several_threads():
    """Whether two threads may raise one exception without crashing."""
    return sys.version_info >= (3, 14) or patched_with("exceptions-of-several-threads.patch")
