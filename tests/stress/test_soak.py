"""The soak program for a few seconds, and that its tally notices what goes wrong."""

import os
import pathlib
import textwrap
import unittest

from peers import PYTHON
from programs import Program
from sanitizers import SANITIZED
from scenarios import main

SOAK = pathlib.Path(__file__).parent / "soak.py"
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(SOAK.parent)]),
    "TONIO_PYTHON_EXECUTABLE": PYTHON,
}
SECONDS = 30 if SANITIZED else 10

# A connection goes on after its client has gone.
STAYING = """
    import soak
    import tonio.colored as tonio

    class Broken(soak.Service):
        async def handle(self, stream):
            await super().handle(stream)
            # Those with TLS end: theirs would have to be ended first.
            if socket := getattr(stream, "socket", None):
                socket.shutdown(1)
                await tonio.Event().wait()

    soak.Service = Broken
    soak.PATIENCE = 0.1
    soak.main()
"""

# Does something wrong once in a thousand answers, and is otherwise the soak program.
BROKEN = """
    import itertools
    import soak

    count = itertools.count(1)

    class Broken(soak.Service):
        async def answer(self, line, answers):
            if next(count) % 1000:
                return await super().answer(line, answers)
            {wrong}

    soak.Service = Broken
    soak.main()
"""


class Soak(unittest.TestCase):
    def test_nothing_is_lost_and_nothing_left(self):
        options = ("--seconds", str(SECONDS), "--interval", "2")
        with Program("", "--threads", "2", path=SOAK, args=options, environment=ENVIRONMENT) as it:
            done = it.end()
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertIn("nothing lost, nothing twice, nothing left over", done.out)

    def check_noticed(self, wrong, said):
        self.check_text_noticed(textwrap.dedent(BROKEN).format(wrong=wrong), said)

    def check_text_noticed(self, text, said):
        with Program(text, args=("--seconds", "3"), environment=ENVIRONMENT) as program:
            done = program.end()
        self.assertEqual(done.code, 1, done.out + done.err)
        self.assertRegex(done.err, said)

    def test_a_connection_that_stays_is_noticed(self):
        self.check_text_noticed(textwrap.dedent(STAYING), r"soak: \d+ connections go on after")

    def test_a_lost_answer_is_noticed(self):
        self.check_noticed("return", r"soak: \d+ lost")

    def test_an_answer_given_twice_is_noticed(self):
        twice = "await super().answer(line, answers); await super().answer(line, answers)"
        self.check_noticed(twice, r"soak: \d+ twice")

    def test_a_descriptor_left_over_is_noticed(self):
        self.check_noticed("import os; os.dup(0); await super().answer(line, answers)",
                           "soak: descriptors left over")


if __name__ == "__main__":
    main()
