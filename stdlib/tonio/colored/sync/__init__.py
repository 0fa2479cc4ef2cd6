"""As tonio.sync."""

from ...sync import *
from ...sync import __all__ as __all__
