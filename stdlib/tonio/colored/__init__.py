"""The `await` notation: what tonio has, and what only `async` code needs."""

from _tonio import yield_now

from .. import *
from .. import __all__ as _shared

__all__ = [*_shared, "yield_now"]
