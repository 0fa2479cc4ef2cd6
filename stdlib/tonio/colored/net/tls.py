"""As tonio.net.tls."""

from ...net.tls import *
from ...net.tls import __all__ as __all__
