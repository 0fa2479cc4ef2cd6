"""How much stress: $TONIO_STRESS multiplies the rounds of the stress tests."""

import os

FACTOR = float(os.environ.get("TONIO_STRESS", "1"))


def scaled(rounds):
    return max(1, int(rounds * FACTOR))
