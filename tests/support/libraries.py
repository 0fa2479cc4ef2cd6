"""Libraries in pure Python that some tests use: from $PYTHONPATH, else from Debian's packages,
which every Python 3 can import as long as they fit its version."""

import importlib
import os
import sys

DEBIAN = "/usr/lib/python3/dist-packages"


def library(name):
    """The module and "", or None and the reason why it can't be imported."""
    if DEBIAN not in sys.path:
        sys.path.append(DEBIAN)
    try:
        return importlib.import_module(name), ""
    except Exception as failure:  # those that are too old fail in many ways
        return None, f"{name} can't be imported here: {type(failure).__name__}: {failure}"


def python_path():
    """$PYTHONPATH for programs that import one."""
    return os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), DEBIAN]))
