"""tonio.fs has every method and attribute that pathlib.Path and io's file objects of the
running Python have."""

import io
import pathlib
import types
import unittest

import tonio.colored.fs
import tonio.colored.io
from scenarios import main
from tonio import fs
from tonio.fs import _file, _path

FILE_CLASSES = [
    io.FileIO,
    io.BufferedReader,
    io.BufferedWriter,
    io.BufferedRandom,
    io.BufferedRWPair,
    io.TextIOWrapper,
    io.BytesIO,
    io.StringIO,
]


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


class Names(unittest.TestCase):
    def missing(self, there, known):
        return f"put them into a table of stdlib/tonio/fs: {sorted(there - known)}"

    def test_paths(self):
        tables = [_path.SUSPENDING, _path.LISTING, _path.OPENING, _path.IMMEDIATE]
        known = frozenset().union(*tables)
        self.assertEqual(sum(map(len, tables)), len(known), "a name in two tables")
        there = public(pathlib.Path) - public(pathlib.PurePath)
        self.assertGreater(len(there), 35)
        self.assertLessEqual(there, known, self.missing(there, known))
        self.assertLessEqual(public(pathlib.Path), public(fs.Path))
        self.assertEqual(public(fs.Path), public(pathlib.Path))

    def test_files(self):
        self.assertFalse(_file.SUSPENDING & _file.IMMEDIATE)
        known = _file.SUSPENDING | _file.IMMEDIATE
        for cls in FILE_CLASSES:
            there = public(cls)
            self.assertLessEqual(there, known, (cls, self.missing(there, known)))
        self.assertEqual(known, set().union(*map(public, FILE_CLASSES)))

    def test_a_file_has_what_its_object_has(self):
        for wrapped in [io.BytesIO(), io.StringIO(), io.TextIOWrapper(io.BytesIO())]:
            file = fs.wrap_file(wrapped)
            self.assertEqual(public(file), public(wrapped) | {"wrapped"})
            for name in public(wrapped):
                # A text file over memory has no name.
                self.assertEqual(hasattr(file, name), hasattr(wrapped, name), name)
        self.assertFalse(hasattr(fs.wrap_file(io.StringIO()), "readinto"))
        self.assertFalse(hasattr(fs.wrap_file(io.BytesIO()), "encoding"))

    def test_only_methods_suspend(self):
        for cls in FILE_CLASSES:
            for name in public(cls) & _file.SUSPENDING:
                self.assertIsInstance(
                    getattr(cls, name), types.MethodDescriptorType | types.FunctionType
                )

    def test_both_notations_have_the_same(self):
        self.assertIs(tonio.colored.fs.Path, fs.Path)
        self.assertIs(tonio.colored.fs.open, fs.open)
        self.assertIs(tonio.colored.io.register, tonio.io.register)

    def test_an_unknown_attribute_names_the_way_out(self):
        file = fs.wrap_file(io.BytesIO())
        with self.assertRaisesRegex(AttributeError, "'colour'.*`wrapped`"):
            file.colour


if __name__ == "__main__":
    main()
