"""_tonio.pyi says what the native module has: names, methods, parameters. So do the stubs of
methods that are made from tables. Run by the binary under test."""

import _tonio
import ast
import inspect
import os
import pathlib
import unittest

from tonio.fs import _file, _path

ROOT = pathlib.Path(os.environ.get("TONIO_SOURCE_DIR") or pathlib.Path(__file__).parents[2])
STUB = ROOT / "stdlib/_tonio.pyi"
TABLES = ROOT / "stdlib/tonio/fs/_methods.pyi"

PROTOCOLS = {"__aenter__", "__aexit__", "__call__", "__class_getitem__", "__enter__", "__exit__"}
# `with lock:` is a mistake that they explain when it is made; a checker is to find it before.
ONLY_EXPLAIN = {("Lock", "__enter__"), ("Lock", "__exit__"), ("Semaphore", "__enter__"),
                ("Semaphore", "__exit__")}


class Stub:
    def __init__(self, text):
        tree = ast.parse(text)
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.functions = functions_of(tree)
        self.variables = {
            node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)
        }

    def names(self):
        found = {*self.classes, *self.functions, *self.variables}
        return {name for name in found if not name.startswith("_")} | {"__version__"} & found

    def members(self, name):
        """Names of a class's methods and attributes, those of the bases in the stub too."""
        node = self.classes[name]
        found = {*functions_of(node)}
        found |= {each.target.id for each in node.body if isinstance(each, ast.AnnAssign)}
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                found |= self.members(base.id)
        return found


def functions_of(node):
    """Names of the functions in a module or class, with the definitions: several if
    overloaded."""
    found = {}
    for each in node.body:
        if isinstance(each, ast.FunctionDef):
            found.setdefault(each.name, []).append(each)
    return found


def parameters(function):
    """[(name, kind, whether it has a default)] of a definition in a stub."""
    arguments = function.args
    kinds = inspect.Parameter
    positional = [(each, kinds.POSITIONAL_ONLY) for each in arguments.posonlyargs]
    positional += [(each, kinds.POSITIONAL_OR_KEYWORD) for each in arguments.args]
    without = len(positional) - len(arguments.defaults)
    found = [(each.arg, kind, at >= without) for at, (each, kind) in enumerate(positional)]
    if arguments.vararg:
        found.append((arguments.vararg.arg, kinds.VAR_POSITIONAL, False))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        found.append((each.arg, kinds.KEYWORD_ONLY, default is not None))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, kinds.VAR_KEYWORD, False))
    return found


def parameters_of(function):
    """The same of a native function or class; None if it doesn't say."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    empty = inspect.Parameter.empty
    return [(p.name, p.kind, p.default is not empty) for p in signature.parameters.values()]


def members_of(native):
    def counts(name):
        return not name.startswith("__") or name in PROTOCOLS

    base = next(base for base in native.__mro__ if base.__module__ == "builtins")
    return {name for name in dir(native) if counts(name) and name not in dir(base)}


def differences(text):
    """What the stub and the native module differ in."""
    stub = Stub(text)
    native = {name for name in dir(_tonio) if not name.startswith("_")} | {"__version__"}
    found = [f"{name} is in one of both only" for name in sorted(native ^ stub.names())]
    kinds = {name: getattr(_tonio, name) for name in stub.classes if hasattr(_tonio, name)}
    kinds["_Spawn"] = type(_tonio.spawn)
    kinds["_Guard"] = type(_tonio.Lock().or_raise())
    for name, kind in kinds.items():
        if name not in stub.classes or not isinstance(kind, type):
            found.append(f"{name} is no class in both")
            continue
        stated = stub.members(name) - {"__new__"}
        actual = {each for each in members_of(kind) if (name, each) not in ONLY_EXPLAIN}
        found += [f"{name}.{each} is in one of both only" for each in sorted(stated ^ actual)]
    found += differences_of_parameters(stub, kinds)
    return found


def differences_of_parameters(stub, kinds):
    pairs = [(name, stub.functions[name], getattr(_tonio, name, None)) for name in stub.functions]
    for name, kind in kinds.items():
        for method, definitions in functions_of(stub.classes.get(name, ast.Module([]))).items():
            native = kind if method == "__new__" else getattr(kind, method, None)
            pairs.append((f"{name}.{method}", definitions, native))
    found = []
    for name, definitions, native in pairs:
        overloaded = len(definitions) > 1
        of_protocol = name.endswith("__") and not name.endswith(".__new__")
        if overloaded or of_protocol or not callable(native):
            continue
        actual = parameters_of(native)
        stated = parameters(definitions[0])
        if actual is not None and shown(actual) != shown(stated):
            found.append(f"{name}: the parameters are {shown(actual)}, not {shown(stated)}")
    return found


def shown(found):
    """`self` and `cls` are positional for a native function whatever the stub says."""
    return [
        (name, str(kind), default) for name, kind, default in found if name not in ("self", "cls")
    ]


class NativeModule(unittest.TestCase):
    maxDiff = None

    def test_is_what_the_stub_says(self):
        self.assertEqual(differences(STUB.read_text()), [])

    def test_differences_are_found(self):
        text = STUB.read_text()
        changes = {
            "def block_on(coro": "def block(coro",
            "class Deadlock(": "class Dead(",
            "    def is_set(self)": "    def was_set(self)",
            "    def or_raise(self)": "    def acquire_or_raise(self)",
            "    def without_results(self": "    def without_result(self",
            "def sleep(seconds:": "def sleep(duration:",
            "xs: Iterable[_X], /": "ys: Iterable[_X], /",
            "def wait(self, timeout: float | None = None)": "def wait(self, timeout: float)",
            "    def recv(self, bufsize: int, flags: int = 0, /)": "    def recv(self, bufsize: int)",
            "    @property\n    def timed_out(self)": "    @property\n    def late(self)",
            "    def __aenter__(self) -> Operation[scope]: ...\n": "",
        }
        for old, new in changes.items():
            with self.subTest(old=old):
                self.assertIn(old, text)
                self.assertTrue(differences(text.replace(old, new, 1)))


class Tables(unittest.TestCase):
    """Methods that are made from tables."""

    def of_class(self, name):
        members = Stub(TABLES.read_text()).members(name)
        return members - {"with_segments"}  # of PurePath

    def test_of_files(self):
        self.assertEqual(self.of_class("FileMethods"), _file.SUSPENDING | _file.IMMEDIATE)

    def test_of_paths(self):
        tables = _path.SUSPENDING | _path.LISTING | _path.OPENING | _path.IMMEDIATE
        self.assertEqual(self.of_class("PathMethods"), tables)


if __name__ == "__main__":
    unittest.main(verbosity=2)
