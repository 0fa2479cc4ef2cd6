"""The `await` notation: what tonio has, and what only `async` code needs."""

from _tonio import yield_now

from .. import __all__ as _shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import *
else:
    import tonio

    # As there, what is imported only when it is asked for.
    def __getattr__(name: str) -> object:
        if name not in _shared:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(tonio, name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_shared})


__all__ = [*_shared, "yield_now"]
