"""As tonio.sync.channel."""

from ...sync.channel import *
from ...sync.channel import __all__ as __all__
