"""As tonio.types."""

from ..types import *
from ..types import __all__ as __all__
