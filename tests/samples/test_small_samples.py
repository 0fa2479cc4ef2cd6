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
                # One after the other they take two seconds in the best case, however
                # busy the machine is.
                tries = (self.time_of_wait_and_add(name, threads) for _ in range(5))
                self.assertTrue(any(1 <= took < 2 for took in tries), "one after the other?")

    def time_of_wait_and_add(self, name, threads):
        start = time.monotonic()
        self.assertEqual(run_sample(name, threads=threads), "(4, 5)\n")
        return time.monotonic() - start

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
