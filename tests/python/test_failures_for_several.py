"""A failure that several tasks wait for: each raises an exception of its own, alike."""

import contextlib
import ctypes
import errno
import importlib
import os
import pkgutil
import sys
import threading
import traceback
import unittest

import tonio
from interpreter import exceptions_of_several_threads
from scale import WORKERS, scaled
from scenarios import Scenarios, main


class Refused(Exception):
    """Not made by its `args`."""

    def __init__(self, *, reason):
        super().__init__("refused", reason)
        self.reason = reason


def refused():
    try:
        raise KeyError("cause")
    except KeyError as cause:
        failure = Refused(reason="late")
        failure.add_note("a note")
        raise failure from cause


def missing():
    raise FileNotFoundError(errno.ENOENT, "No such file", "/nowhere")


class Slotted(OSError):
    __slots__ = ("where",)


class Frozen(Exception):
    def __init__(self):
        vars(self)["reason"] = "late"

    def __setattr__(self, name, value):
        raise AttributeError(name)


def frozen():
    raise Frozen


def changed():
    failure = Slotted(errno.ENOENT, "No such file", "/nowhere")
    failure.errno, failure.filename, failure.where = errno.EPERM, "/elsewhere", "a slot"
    raise failure


def native_class():
    """An exception's, as extension modules make them (PyType_FromSpec), with a field that only the
    module knows of."""

    class Slot(ctypes.Structure):
        _fields_ = [("slot", ctypes.c_int), ("function", ctypes.c_void_p)]

    class Spec(ctypes.Structure):
        _fields_ = [
            ("name", ctypes.c_char_p),
            ("basicsize", ctypes.c_int),
            ("itemsize", ctypes.c_int),
            ("flags", ctypes.c_uint),
            ("slots", ctypes.POINTER(Slot)),
        ]

    is_base_type = 1 << 10
    size = ValueError.__basicsize__ + 32
    spec = Spec(b"extension.Native", size, 0, is_base_type, (Slot * 1)())
    make = ctypes.pythonapi.PyType_FromSpecWithBases
    make.argtypes, make.restype = [ctypes.POINTER(Spec), ctypes.py_object], ctypes.py_object
    return make(spec, (ValueError,))


Native = native_class()


class Derived(Native):
    pass


def native():
    raise Native("late")


def derived():
    raise Derived("late")


def group():
    raise ExceptionGroup("several", [ValueError(1), OSError(errno.EPIPE, "pipe")])


class Documented(ExceptionGroup):
    """As CPython's documentation shows it: `args` are those of this class."""

    def __new__(cls, errors, exit_code):
        self = super().__new__(cls, f"exit code: {exit_code}", errors)
        self.exit_code = exit_code
        return self


def documented():
    raise Documented([ValueError(1)], 3)


def emptied():
    errors = [ValueError(1)]
    failure = ExceptionGroup("several", errors)
    errors.clear()
    raise failure


class NotThere(KeyError, OSError):
    pass


def of_two_bases():
    raise NotThere(errno.ENOENT, "No such file", "/nowhere")


def written():
    failure = BlockingIOError(errno.EAGAIN, "full")
    failure.characters_written = 7
    raise failure


def encoded():
    failure = UnicodeEncodeError("ascii", "text", 1, 2, "reason")
    failure.args = ()
    raise failure


def failures_of_each_class():
    """One of each exception class of CPython's, and of the packages installed in the folder that
    TONIO_PACKAGES names, of what it takes."""
    modules = ["asyncio", "concurrent.futures", "sqlite3", "ssl", "subprocess", "zipfile"]
    if packages := os.environ.get("TONIO_PACKAGES"):
        sys.path.append(packages)
        modules += [module.name for module in pkgutil.iter_modules([packages])]
    for module in modules:
        importlib.import_module(module)
    left, seen = [Exception], {Native, NotThere, Slotted, Refused, Frozen, Documented}
    while left:
        of = left.pop()
        if of in seen or issubclass(of, StopIteration):
            continue
        seen.add(of)
        left += of.__subclasses__()
        for arguments in (), ("x",), ("x", [ValueError(1)]), ("x", b"y", 0, 1, "z"):
            with contextlib.suppress(Exception):
                failure = of(*arguments)
                repr(failure)
                yield failure


def use(awaitable):
    try:
        yield awaitable
    except Exception as failure:
        return failure


class FailuresForSeveral(Scenarios):
    def ways(self, fails):
        def shared():
            yield
            fails()

        yield tonio.spawn_blocking(fails)
        # CPython's `await` itself refuses a coroutine that another one awaits.
        if self.notation == "yield":
            yield shared()

    def each(self, fails, check):
        for awaitable in self.ways(fails):
            failures = yield tonio.spawn(*[self.task(use)(awaitable) for _ in range(4)])
            # And who comes later.
            failures.append((yield self.task(use)(awaitable)))
            self.assertEqual(len({id(failure) for failure in failures}), 5)
            for failure in failures:
                text = "".join(traceback.format_exception(failure))
                self.assertIn(f"in {fails.__name__}", text)
                check(failure, text)

    def test_with_a_constructor_of_its_own(self):
        def check(failure, text):
            self.assertIs(type(failure), Refused)
            self.assertEqual(failure.args, ("refused", "late"))
            self.assertEqual(failure.reason, "late")
            self.assertEqual(failure.__notes__, ["a note"])
            self.assertEqual(repr(failure.__cause__), "KeyError('cause')")
            self.assertTrue(failure.__suppress_context__)
            self.assertIn("The above exception was the direct cause", text)

        yield self.task(self.each)(refused, check)

    def test_of_the_system(self):
        def check(failure, _):
            self.assertIs(type(failure), FileNotFoundError)
            self.assertEqual((failure.errno, failure.filename), (errno.ENOENT, "/nowhere"))
            self.assertEqual(str(failure), "[Errno 2] No such file: '/nowhere'")

        yield self.task(self.each)(missing, check)

    def test_with_fields_that_were_set(self):
        def check(failure, _):
            self.assertIs(type(failure), Slotted)
            fields = failure.errno, failure.strerror, failure.filename, failure.where
            self.assertEqual(fields, (errno.EPERM, "No such file", "/elsewhere", "a slot"))

        yield self.task(self.each)(changed, check)

    def test_that_refuses_attributes(self):
        def check(failure, _):
            self.assertEqual((type(failure), failure.reason), (Frozen, "late"))

        yield self.task(self.each)(frozen, check)

    def test_with_fields_that_nobody_else_can_copy(self):
        for fails in native, derived:
            for awaitable in self.ways(fails):
                failures = yield tonio.spawn(*[self.task(use)(awaitable) for _ in range(4)])
                self.assertEqual(len({id(failure) for failure in failures}), 1)
                self.assertEqual(failures[0].args, ("late",))

    def test_notes_are_each_one_s_own(self):
        failures = []

        def check(failure, _):
            failure.add_note("mine")
            failures.append(failure)

        yield self.task(self.each)(refused, check)
        for failure in failures:
            self.assertEqual(failure.__notes__, ["a note", "mine"])

    def test_group(self):
        def check(failure, _):
            self.assertEqual(failure.message, "several")
            self.assertEqual([type(e) for e in failure.exceptions], [ValueError, BrokenPipeError])

        yield self.task(self.each)(group, check)

    def test_group_with_a_constructor_of_its_own(self):
        def check(failure, _):
            self.assertIs(type(failure), Documented)
            self.assertEqual((failure.message, failure.exit_code), ("exit code: 3", 3))
            self.assertEqual((repr(failure.exceptions), failure.args[1]), ("(ValueError(1),)", 3))

        yield self.task(self.each)(documented, check)

    def test_group_whose_list_has_changed(self):
        def check(failure, _):
            self.assertEqual(repr(failure.exceptions), "(ValueError(1),)")
            self.assertEqual(failure.args, ("several", []))

        yield self.task(self.each)(emptied, check)

    def test_of_two_classes_with_constructors(self):
        def check(failure, _):
            self.assertEqual(failure.args, of_two_bases_args)

        try:
            of_two_bases()
        except NotThere as failure:
            of_two_bases_args = failure.args
        self.assertEqual(len(of_two_bases_args), 3)
        yield self.task(self.each)(of_two_bases, check)

    def test_numbers(self):
        def check_written(failure, _):
            self.assertEqual((failure.errno, failure.characters_written), (errno.EAGAIN, 7))

        def check_encoded(failure, _):
            fields = failure.args, failure.object, failure.start, failure.end, failure.reason
            self.assertEqual(fields, ((), "text", 1, 2, "reason"))

        yield self.task(self.each)(written, check_written)
        yield self.task(self.each)(encoded, check_encoded)

    def test_each_class(self):
        tried = 0
        for made in failures_of_each_class():

            def fails(failure=made):
                raise failure

            call = tonio.spawn_blocking(fails)
            one, other = yield tonio.spawn(self.task(use)(call), self.task(use)(call))
            with self.subTest(repr(made)):
                if type(made).__module__.partition(".")[0] in sys.stdlib_module_names:
                    self.assertIsNot(one, other)
                self.assertIs(type(other), type(one))
                self.assertEqual(repr(other), repr(one))
                self.assertEqual((other.args, vars(other)), (one.args, vars(one)))
            tried += 1
        self.assertGreater(tried, 200)


class AtOnce(unittest.TestCase):
    def test_changed_meanwhile(self):
        failure = Slotted(errno.EPERM, "shared")

        def fails():
            raise failure

        def changes():
            while not over.is_set():
                failure.where = failure.strerror = object()
                failure.extra = object()
                del failure.extra

        def program():
            for _ in range(scaled(300)):
                yield use(tonio.spawn_blocking(fails))

        over = threading.Event()
        thread = threading.Thread(target=changes)
        thread.start()
        try:
            tonio.run(program(), threads=2)
        finally:
            over.set()
            thread.join()

    def test_raised_by_many_workers(self):
        def deep(awaitable, depth):
            return (yield from deep(awaitable, depth - 1)) if depth else (yield awaitable)

        def catches(awaitable):
            for _ in range(10):
                # Not assertRaises(), which clears the frames: those are everybody's.
                try:
                    yield from deep(awaitable, 5)
                except Refused:
                    continue
                raise AssertionError("nothing was raised")

        def fails():
            yield
            refused()

        def program():
            for _ in range(scaled(50)):
                shared, call = fails(), tonio.spawn_blocking(refused)
                yield [catches(awaitable) for _ in range(4) for awaitable in (shared, call)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)

    @unittest.skipUnless(exceptions_of_several_threads(), "this CPython's are for one thread")
    def test_one_object_that_many_workers_raise(self):
        """Where nobody can copy it. Each way replaces or reads its traceback, context, cause or arguments."""

        def walk(trace):
            # Not into the frames: other tasks may still be in theirs.
            while trace:
                trace = trace.tb_next

        @contextlib.contextmanager
        def generated():
            yield

        class Reading:
            def __enter__(self):
                pass

            def __exit__(self, kind, failure, trace):
                walk(trace)

        def through_managers(awaitable):
            with generated(), Reading():
                yield awaitable

        def without_traceback(awaitable):
            try:
                yield awaitable
            except Native as failure:
                raise failure.with_traceback(None) from None

        def within_another(awaitable):
            try:
                raise KeyError("context")
            except KeyError as cause:
                try:
                    yield awaitable
                except Native as failure:
                    raise failure from cause

        def looked_at(awaitable):
            try:
                yield awaitable
            except Native as failure:
                repr((failure.__cause__, failure.__context__, failure))
                walk(failure.__traceback__)
                walk(sys.exc_info()[2])
                failure.args = (str(failure),)
                raise

        def catches(ways, awaitable):
            for way in ways:
                try:
                    yield from way(awaitable)
                except Native:
                    continue
                raise AssertionError("nothing was raised")

        ways = through_managers, without_traceback, within_another, looked_at

        def program():
            for _ in range(scaled(20)):
                call = tonio.spawn_blocking(native)
                yield [catches([way] * 50, call) for way in ways]
                yield [catches(ways * 20, call) for _ in range(4)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)


if __name__ == "__main__":
    main()
