"""As tonio.net."""

from ...net import *
from ...net import __all__ as __all__
from . import socket as socket  # type: ignore[no-redef]  # has the same names
