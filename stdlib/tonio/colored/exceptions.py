"""As tonio.exceptions."""

from ..exceptions import *
from ..exceptions import __all__ as __all__
