"""Imports the package that lies in the tonio binary. The binary runs this before anything else,
with find(), load_code() and load_source() among its globals; it can't be imported."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import DistributionFinder
    from types import CodeType, ModuleType
    from typing import Any

    from ._distribution import Distribution

    # Of a module's full name: (whether it is a package, its file's name), or None.
    def find(name: str) -> tuple[bool, str] | None: ...
    def load_code(name: str) -> CodeType: ...
    def load_source(name: str) -> str: ...
else:
    # importlib.machinery imports more than that.
    ModuleSpec = type(sys.__spec__)


class EmbeddedImporter:
    """After importlib's protocol (PEP 451); linecache and inspect find the source by
    get_source()."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = find(name)
        if found is None:
            return None
        is_package, filename = found
        # The class itself is the loader.
        loader: Any = EmbeddedImporter
        spec = ModuleSpec(name, loader, origin=filename, is_package=is_package)
        spec.has_location = True
        spec.cached = None
        return spec

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        exec(load_code(module.__name__), module.__dict__)

    @staticmethod
    def get_code(name: str) -> CodeType:
        return load_code(name)

    @staticmethod
    def get_source(name: str) -> str:
        return load_source(name)

    @staticmethod
    def is_package(name: str) -> bool:
        found = find(name)
        return found is not None and found[0]

    @staticmethod
    def find_distributions(context: DistributionFinder.Context) -> Iterator[Distribution]:
        """For importlib.metadata: the package has a version and entry points."""
        # Not where somebody looks at certain folders only.
        if context.path is sys.path and context.name in (None, "tonio"):
            from tonio._distribution import Distribution

            yield Distribution()


sys.meta_path.insert(0, EmbeddedImporter)
