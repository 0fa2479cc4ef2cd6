"""How much stress, on how many workers, and from which seed. The environment changes each:

TONIO_STRESS=F          multiplies the rounds
TONIO_STRESS_WORKERS=L  the numbers of workers to try, like 2,8
TONIO_STRESS_SEED=N     repeats the choices of a run that printed N. A build with
                        TONIO_STRESS_POINTS also delays its threads by it
                        (runtime/base/stress.h)
"""

import os
import random
import sys

FACTOR = float(os.environ.get("TONIO_STRESS", "1"))
WORKERS = [int(n) for n in os.environ.get("TONIO_STRESS_WORKERS", "1,2,4,8,64").split(",")]


def scaled(rounds):
    return max(1, int(rounds * FACTOR))


def _seed():
    seed = os.environ.get("TONIO_STRESS_SEED")
    if not seed:
        # The runtime is up already, so the program begins anew with a seed that it sees.
        os.environ["TONIO_STRESS_SEED"] = str(random.getrandbits(32))
        os.execv(sys.executable, sys.orig_argv)
    random.seed(int(seed))
    print("TONIO_STRESS_SEED =", seed, file=sys.stderr, flush=True)


_seed()
