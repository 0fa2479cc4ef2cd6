"""The samples that need no other program do what they say."""

import re
import time
import unittest

from sample import main, run_sample


class SmallSamples(unittest.TestCase):
    def test_hello(self):
        self.assertEqual(run_sample("hello.py"), "Hello world\n")

    def test_wait_and_add(self):
        for name in ("wait_and_add.py", "wait_and_add_async.py"):
            for threads in ("1", "2"):
                start = time.monotonic()
                self.assertEqual(run_sample(name, threads=threads), "(4, 5)\n")
                took = time.monotonic() - start
                self.assertGreaterEqual(took, 1)
                self.assertLess(took, 2, "one after the other?")

    def test_million(self):
        for notation in ("yield", "await"):
            out = run_sample("million.py", "--notation", notation, "--count", "100000")
            self.assertRegex(out, r"\Acreation: +\d+\.\d+ s\nexecution: +\d+\.\d+ s\n\Z")

    def test_a_whole_million(self):
        out = run_sample("million.py")
        self.assertEqual(len(re.findall(r"\d+\.\d+ s", out)), 2)

    def test_blocking(self):
        for threads in ("1", "2"):
            out = run_sample("blocking.py", threads=threads)
            self.assertEqual(
                out.splitlines(),
                [
                    "the answer: 42",
                    "digests: 4e388ab3 46da674b",
                    "meanwhile the main coroutine was responsive",
                ],
            )


if __name__ == "__main__":
    main()
