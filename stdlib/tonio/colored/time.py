"""As tonio.time."""

from ..time import *
from ..time import __all__ as __all__
