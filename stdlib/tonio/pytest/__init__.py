"""What tests use of the pytest plugin: `tonio -m pytest` finds the plugin by itself.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from ._clock import Clock
from ._fixtures import fixture, provide
from ._session import LeftoverTaskWarning

__all__ = ["Clock", "LeftoverTaskWarning", "fixture", "provide"]
