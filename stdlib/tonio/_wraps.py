"""Wrappers that look like what they wrap, as with functools.wraps(), which is in a module that
would be loaded for that alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


def wrapping(function: Callable[..., Any], wrapper: Callable[_P, _T]) -> Callable[_P, _T]:
    """The wrapper, with the names and the documentation of the function."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(wrapper, name, getattr(function, name))
        except AttributeError:
            pass
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper
