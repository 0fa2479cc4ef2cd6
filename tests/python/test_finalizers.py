"""Objects that another worker drops than the one that made them."""

import threading

import tonio
from scenarios import Scenarios, main

FOREVER = 1000


class Finalizers(Scenarios):
    options = {"threads": 2}

    def test_run_while_the_worker_that_made_the_object_sleeps(self):
        finalized = tonio.Event()

        class Object:
            def __del__(self):
                finalized.set()

        for _ in range(20):
            finalized.clear()
            holder = [Object()]
            started, go_on = threading.Event(), threading.Event()

            # This worker waits in its step until the other one has begun: so it is the other
            # one that drops the object.
            @self.task
            def drops():
                started.set()
                go_on.wait(FOREVER)
                holder.clear()
                yield None

            dropping = tonio.spawn(drops())
            started.wait(FOREVER)
            go_on.set()
            # The time limit keeps this from being a deadlock, which would collect garbage.
            yield finalized.wait(FOREVER)
            self.assertTrue(finalized.is_set())
            yield dropping


if __name__ == "__main__":
    main()
