"""What the soak program holds against a run (soak.failures), each seen to be noticed: made-up
intervals and tallies, right but for one thing."""

import argparse
import unittest

import soak
from sanitizers import SANITIZED
from scenarios import main

LONG_RUN = {"interval": 60.0, "strict": False}
TALLY = {
    "sent": 6000, "answered": 6000, "lost": 0, "twice": 0, "wrong": 0, "open": 0,
    "kinds": {"echo": 3000, "timer": 3000},
}  # fmt: skip
HELD = {"tasks": 1, "descriptors": 16, "objects": 8000, "blocks": 80_000, "native_kib": 1000}


class Interval(soak.Interval):
    """The totals at the end of the minute `number`."""

    def __init__(self, number):
        self.answered, self.time, self.cpu = 1000 * number, 60.0 * number, 30.0 * number
        self.pieces, self.reference = 240 * number, 0.24 * number
        self.resident, self.descriptors, self.tasks = 30_000, 90, 40


class Checks(unittest.TestCase):
    def setUp(self):
        self.options = argparse.Namespace(**LONG_RUN)
        self.tally = TALLY | {"kinds": dict(TALLY["kinds"])}
        self.intervals = [Interval(number) for number in range(7)]
        self.after = dict(HELD)

    def failures(self):
        return list(soak.failures(self.options, self.tally, self.intervals, HELD, self.after))

    def check(self, *expected):
        found = self.failures()
        self.assertEqual(len(found), len(expected), found)
        for failure, pattern in zip(found, expected):
            self.assertRegex(failure, pattern)

    def last_minute(self, name, factor):
        """What the last minute added, times the factor."""
        last, before = (getattr(interval, name) for interval in self.intervals[:-3:-1])
        setattr(self.intervals[-1], name, before + (last - before) * factor)

    def test_a_good_run(self):
        self.check()
        self.options.strict = True
        self.check()

    def test_answers(self):
        for name in ("lost", "twice", "wrong"):
            self.tally = TALLY | {name: 3}
            self.check(f"^3 {name}$")

    def test_fewer_answers_than_requests(self):
        self.tally["answered"] -= 1
        self.check("^6000 were sent and 5999 answered$")

    def test_no_requests(self):
        self.tally["sent"] = self.tally["answered"] = 0
        self.check("^nothing was sent$")

    def test_no_requests_of_a_kind(self):
        self.tally["kinds"]["timer"] = 0
        self.check(r"^no requests of the kinds \['timer'\]$")

    def test_a_task_left_over(self):
        self.after["tasks"] += 1
        self.check("^tasks left over")

    def test_a_descriptor_left_over(self):
        self.after["descriptors"] += 1
        self.check("^descriptors left over: 16 before, 17 after$")

    def test_a_connection_that_stays(self):
        self.tally["open"] = 2
        self.check("^2 connections go on after their clients have gone$")

    def test_descriptors_in_between(self):
        most = soak.DESCRIPTORS
        self.intervals[0].descriptors = 90 - most
        self.check()
        self.intervals[3].descriptors += 1
        self.check(f"^91 descriptors, {90 - most} of them before the first connection$")

    def test_objects_left_over(self):
        for name, more in soak.MORE.items():
            if SANITIZED and name == "native_kib":
                continue
            with self.subTest(name):
                self.after = HELD | {name: HELD[name] + more}
                self.check()
                self.after[name] += 1
                self.check(f"^{name} left over: {HELD[name]} before, {HELD[name] + more + 1} after$")

    def test_grown_memory(self):
        """In the second half, whatever single intervals have."""
        self.intervals = [Interval(number) for number in range(12)]
        self.intervals[2].resident = self.intervals[-1].resident = 40_000
        self.check()
        for interval in self.intervals[7:]:
            interval.resident = 31_400
        self.check()
        for interval in self.intervals[7:]:
            interval.resident = 31_600
        self.check(r"^memory has grown from 30000 to 31600 KiB$")

    def test_fewer_requests_for_the_work_of_a_processor(self):
        """By twice as much processor time, while a piece of work takes as long as before."""
        self.last_minute("cpu", 1.04)
        self.check()
        self.last_minute("cpu", 1.02)
        self.check("^slower: 33 requests/1000 pieces in the second interval, 31 in the last$")

    def test_a_slower_processor_is_not_the_programs(self):
        self.last_minute("cpu", 2)
        self.last_minute("reference", 2)
        self.check()

    def test_fewer_requests_a_second(self):
        """Of a machine that does other things, too, unless it is said that it doesn't."""
        self.last_minute("time", 1.06)
        self.check()
        self.options.strict = True
        self.check("^slower: 17 requests/s in the second interval, 16 in the last$")

    def test_more_requests_a_second(self):
        """Which count only where the machine's speed is to be the same throughout."""
        self.last_minute("time", 0.96)
        self.options.strict = True
        self.check()
        self.last_minute("time", 0.96)
        self.check("^faster: 17 requests/s in the second interval, 18 in the last$")
        self.options.strict = False
        self.check()

    def test_a_short_run_is_not_compared(self):
        self.last_minute("cpu", 2)
        self.intervals[-1].resident *= 2
        self.options.interval = 2.0
        self.check()
        self.options.interval = 60.0
        self.intervals[:2] = []
        self.check()


if __name__ == "__main__":
    main()
