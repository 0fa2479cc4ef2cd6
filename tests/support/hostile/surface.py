"""What can be called in the package tonio and in the native module, found by looking, so that
a new name is in it by itself."""

import contextlib
import importlib
import inspect
import pathlib
import types

_PACKAGE = pathlib.Path(__file__).resolve().parents[3] / "stdlib"
# Used by pytest only, whose fixtures can't be called.
_LEFT_OUT = "tonio.pytest"


def _module_names():
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(_PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not name.startswith(_LEFT_OUT) and not any(part.startswith("_") for part in parts[:-1]):
            if not name.rpartition(".")[2].startswith("_"):
                yield name


def is_ours(module_name):
    return module_name == "_tonio" or module_name.partition(".")[0] == "tonio"


def modules():
    return [importlib.import_module(name) for name in ("_tonio", *_module_names())]


def _names(module):
    if module.__name__ == "_tonio":
        return [name for name in vars(module) if not name.startswith("__")]
    return getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]


def callables():
    """{dotted name: function or class}: each object once, by its shortest name."""
    found = {}
    for module in modules():
        for name in _names(module):
            value = getattr(module, name)
            origin = getattr(value, "__module__", None) or type(value).__module__
            if not callable(value) or not isinstance(origin, str) or not is_ours(origin):
                continue
            full = f"{module.__name__}.{name}"
            if id(value) not in found or len(full) < len(found[id(value)][0]):
                found[id(value)] = full, value
            if not isinstance(value, (type, types.FunctionType)):
                # spawn.without_results and its like
                for part in dir(value):
                    if not part.startswith("_") and callable(getattr(value, part)):
                        found[id(value), part] = f"{full}.{part}", getattr(value, part)
    return dict(sorted(found.values()))


# What a class has of object or type, and what would only copy or replace the object itself.
_OF_EVERY_OBJECT = frozenset(
    "__class__ __dir__ __doc__ __dict__ __getattribute__ __init_subclass__ __module__ __new__"
    " __slots__ __subclasshook__ __weakref__ __annotations__ __static_attributes__"
    " __firstlineno__ __abstractmethods__ __parameters__ __orig_bases__".split()
)


def members(of):
    """(methods, attributes): the names that an object has, by its own dir(), or all objects of a
    class."""
    kind = of if isinstance(of, type) else type(of)
    methods, attributes = [], []
    for name in dir(of):
        if name in _OF_EVERY_OBJECT:
            continue
        value = inspect.getattr_static(kind, name, None)
        if value is None and not isinstance(of, type):
            # What __getattr__ gives, or the object's own.
            with contextlib.suppress(Exception):
                value = getattr(of, name)
        if isinstance(value, (classmethod, staticmethod)) or callable(value):
            methods.append(name)
        else:
            attributes.append(name)
    return methods, attributes


def classes():
    """Those of the package and of the native module that there are by now, wherever they are."""
    found, pending = set(), [object]
    while pending:
        for kind in type.__subclasses__(pending.pop()):
            if kind not in found:
                found.add(kind)
                pending.append(kind)
    return [kind for kind in found if is_ours(kind.__module__) and not _is_left_out(kind)]


def _is_left_out(kind):
    return kind.__module__.startswith(_LEFT_OUT)


def name_of(kind):
    return f"{kind.__module__}.{kind.__qualname__}"
