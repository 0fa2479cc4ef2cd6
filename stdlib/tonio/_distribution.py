"""The package as importlib.metadata sees it: its version, and that pytest has a plugin here."""

from __future__ import annotations

import importlib.metadata
import pathlib

from _tonio import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

_FILES = {
    "METADATA": f"""\
Metadata-Version: 2.1
Name: tonio
Version: {__version__}
Summary: A multi-threaded async runtime, built into the interpreter that runs this
""",
    # The plugin's name, for `-p no:tonio` and `-p tonio`, and its module.
    "entry_points.txt": "[pytest11]\ntonio = tonio.pytest._plugin\n",
}


class Distribution(importlib.metadata.Distribution):
    """What an installed package has in its `.dist-info` folder; this one is in the binary."""

    def read_text(self, filename: str) -> str | None:
        return _FILES.get(str(filename))

    def locate_file(self, path: str | os.PathLike[str]) -> pathlib.Path:
        return pathlib.Path("<tonio>", path)
