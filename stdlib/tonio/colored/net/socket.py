"""As tonio.net.socket."""

from ...net.socket import *
from ...net.socket import __all__ as __all__
