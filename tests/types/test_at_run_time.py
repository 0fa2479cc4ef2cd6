"""What annotations evaluate to, and that types cost programs without them nothing. Run by the
binary under test."""

import subprocess
import unittest

import tonio
import tonio.colored.types
import tonio.fs
import tonio.types
from checker import TIMEOUT, TONIO, clean_environment
from tonio.sync import channel


class Annotations(unittest.TestCase):
    def test_generic_types_take_parameters(self):
        ends = channel.Sender, channel.Receiver, channel.UnboundedSender
        types = tonio.types.Plain, tonio.types.Coro, tonio.types.Operation
        for kind in (*ends, *types, tonio.fs.File):
            with self.subTest(kind=kind):
                self.assertIn("int", repr(kind[int]))

    def test_colored_types_are_the_same(self):
        for name in tonio.types.__all__:
            self.assertIs(getattr(tonio.colored.types, name), getattr(tonio.types, name))


class Start(unittest.TestCase):
    def test_loads_no_module_for_types(self):
        done = subprocess.run(
            [TONIO, "-c", "import sys, tonio, tonio.net\n"
             "print({'__future__', 'typing', 'tonio.types'} & {*sys.modules})"],
            capture_output=True, text=True, timeout=TIMEOUT, env=clean_environment(),
        )
        self.assertEqual((done.stdout, done.stderr), ("set()\n", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
