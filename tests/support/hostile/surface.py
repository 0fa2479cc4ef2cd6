"""What can be called in the package tonio and in the native module, found by looking, so that
a new name is in it by itself."""

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


def members(kind):
    """(methods, attributes): the names that objects of this class have."""
    methods, attributes = [], []
    for name in dir(kind):
        if name in _OF_EVERY_OBJECT:
            continue
        value = inspect.getattr_static(kind, name)
        if isinstance(value, (classmethod, staticmethod)) or callable(value):
            methods.append(name)
        else:
            attributes.append(name)
    return methods, attributes
