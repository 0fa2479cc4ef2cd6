"""As tonio.io."""

from ..io import *
from ..io import __all__ as __all__
