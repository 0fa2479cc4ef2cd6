"""As tonio.fs."""

from ..fs import *
from ..fs import __all__ as __all__
