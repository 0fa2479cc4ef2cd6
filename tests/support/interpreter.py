"""What the interpreter that runs the tests has been built with."""

import pathlib
import sys

GENERATORS = "one-thread-at-a-time-in-a-generator.patch"


def one_thread_at_a_time():
    """Whether two threads may use one generator without crashing: from CPython 3.15 on, and in
    the 3.13 that packaging/bootstrap builds."""
    if sys.version_info >= (3, 15):
        return True
    built = pathlib.Path(sys.base_prefix, "tonio-build")
    return built.exists() and GENERATORS in built.read_text()
