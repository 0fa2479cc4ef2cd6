"""Generic, for our classes. typing itself takes half as long to import as tonio does."""

from __future__ import annotations

from types import GenericAlias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import AnyStr as AnyStr
    from typing import Generic as Generic
    from typing import TypeVar

    T = TypeVar("T")
else:

    class Generic:
        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)

    AnyStr = T = object()
