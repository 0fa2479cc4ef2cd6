"""The text of tasks that a test's program leaves behind."""

# stays() goes on after as many cancellations as it is told, or all. leave() spawns what a function
# makes of an Event, which that sets when it has begun, and of further arguments.
LEAVING = """
import tonio

def stays(begun, times=-1):
    begun.set()
    while times:
        try:
            yield tonio.sleep(3600)
        except tonio.exceptions.CancelledError:
            times -= 1

def cleans_up(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        yield tonio.sleep(0.001)
        print("cleaned up")

def leave(function, *args):
    begun = tonio.Event()
    tonio.spawn.without_tracking(function(begun, *args))
    yield begun.wait()
"""
